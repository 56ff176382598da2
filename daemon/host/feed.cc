#include "daemon/host/feed.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "daemon/log/messages.h"
#include "daemon/pipeline/backoff.h"

namespace ami::daemon {
namespace asio = boost::asio;
namespace {

constexpr std::chrono::milliseconds kFirstPause{1000};
constexpr std::chrono::milliseconds kLongestPause{60'000};
constexpr std::chrono::milliseconds kLookAtHealth{1000};
constexpr std::chrono::milliseconds kLookAtPredecessor{20};

class FeedSink final : public sdk::ObservationSink {
 public:
  FeedSink(Pipeline& pipeline, std::shared_ptr<FeedRoute> route)
      : pipeline_(pipeline), route_(std::move(route)) {}
  sdk::Awaitable<Result<sdk::CommitReceipt>> commit(sdk::SourceSpan source, DecodedBatch batch,
                                                    std::vector<sdk::StateChange> state) override {
    return pipeline_.commit(route_, std::move(source), std::move(batch), std::move(state));
  }

 private:
  Pipeline& pipeline_;
  std::shared_ptr<FeedRoute> route_;
};

// Adapters retry for themselves: a fault comes back as it is.
class FeedState final : public sdk::DurableState {
 public:
  FeedState(storage::IngestStore& store, WorkerPool& pool, std::string feed)
      : store_(store), pool_(pool), feed_(std::move(feed)) {}

  sdk::Awaitable<Result<std::optional<std::string>>> load(std::string key) override {
    Result<std::optional<std::string>> answer = transient("not asked");
    const std::function<void()> ask = [&] { answer = store_.load_state(feed_, key); };
    co_await pool_.run(ask);
    co_return answer;
  }
  sdk::Awaitable<Outcome> save(std::vector<sdk::StateChange> changes) override {
    std::vector<storage::StateRow> rows;
    for (auto& change : changes) rows.push_back({std::move(change.key), std::move(change.value)});
    Outcome answer = transient("not asked");
    const std::function<void()> ask = [&] { answer = store_.save_state(feed_, rows); };
    co_await pool_.run(ask);
    co_return answer;
  }

 private:
  storage::IngestStore& store_;
  WorkerPool& pool_;
  std::string feed_;
};

class FeedRaw final : public sdk::RawStore {
 public:
  FeedRaw(RawKeeper* keeper, WorkerPool& pool, storage::UtilityId utility, std::string feed)
      : keeper_(keeper), pool_(pool), utility_(utility), feed_(std::move(feed)) {}
  sdk::Awaitable<Outcome> keep(sdk::RawContent content) override {
    const storage::RawClaim claim{utility_, feed_, content.sha256, content.name, content.size, 0, content.received_at};
    Outcome kept = transient("not asked");
    const std::function<void()> work = [&] { kept = keeper_->keep(claim, content.read); };
    co_await pool_.run(work);
    co_return kept;
  }
  sdk::RawStore* service() { return keeper_ == nullptr ? nullptr : this; }

 private:
  RawKeeper* keeper_;
  WorkerPool& pool_;
  storage::UtilityId utility_;
  std::string feed_;
};

class FeedDirectory final : public sdk::MeterDirectory {
 public:
  FeedDirectory(DirectoryCache& cache, storage::UtilityId utility, std::string feed)
      : cache_(cache), utility_(utility), feed_(std::move(feed)) {}
  std::optional<ResolvedMeter> find(AliasKind kind, std::string_view id, UtcInstant at) const override {
    const auto picture = cache_.current();
    return picture ? picture->find(utility_, feed_, kind, id, at) : std::nullopt;
  }

 private:
  DirectoryCache& cache_;
  storage::UtilityId utility_;
  std::string feed_;
};

class FeedLog final : public sdk::Log {
 public:
  FeedLog(const daemon::Log& log, std::string feed) : log_(log), feed_(std::move(feed)) {}
  void write(sdk::LogLevel level, std::string_view message_id, std::string text) override {
    const Message message{message_id, level_of(level), "from the feed's adapter; see its page in the docs"};
    log_.write(message, {{"feed", feed_}, {"detail", std::move(text)}});
  }

 private:
  static Level level_of(sdk::LogLevel level) {
    switch (level) {
      case sdk::LogLevel::Debug:
        return Level::Debug;
      case sdk::LogLevel::Info:
        return Level::Info;
      case sdk::LogLevel::Warn:
        return Level::Warn;
      case sdk::LogLevel::Error:
        return Level::Error;
    }
    return Level::Error;
  }
  const daemon::Log& log_;
  std::string feed_;
};

}  // namespace

struct Feed::Given {
  Given(const HostParts& parts, const std::shared_ptr<FeedRoute>& route)
      : sink(parts.pipeline, route),
        state(parts.store, parts.database, route->name),
        raw(parts.raw, parts.work, route->utility, route->name),
        meters(parts.directory, route->utility, route->name),
        log(parts.log, route->name) {}
  FeedSink sink;
  FeedState state;
  FeedRaw raw;
  FeedDirectory meters;
  FeedLog log;
};

std::string_view name_of(FeedPhase phase) {
  switch (phase) {
    case FeedPhase::Waiting:
      return "waiting";
    case FeedPhase::Running:
      return "running";
    case FeedPhase::Failed:
      return "failed";
    case FeedPhase::Refused:
      return "refused";
    case FeedPhase::Stopped:
      return "stopped";
  }
  return "stopped";
}

Feed::Feed(HostParts parts, FeedConfig config, storage::UtilityId utility)
    : parts_(std::move(parts)),
      config_(std::move(config)),
      strand_(asio::make_strand(parts_.executor)),
      route_(std::make_shared<FeedRoute>(config_.name, utility, config_.plan.rules,
                                         parts_.metrics.feed(config_.name))),
      given_(std::make_unique<Given>(parts_, route_)) {
  if (config_.family->capabilities(config_.settings).pushed_messages && parts_.journal != nullptr) {
    inbox_ = std::make_shared<FeedInbox>(InboxParts{strand_, parts_.clock, parts_.work, parts_.pipeline,
                                                    *parts_.journal, parts_.raw, parts_.log},
                                         route_, config_);
  }
}
Feed::~Feed() = default;

void Feed::start(std::shared_ptr<Feed> predecessor) {
  asio::co_spawn(
      strand_, [self = shared_from_this(), before = std::move(predecessor)] { return self->run(before); },
      asio::bind_cancellation_slot(cancel_.slot(), [](std::exception_ptr defect) {
        if (defect) std::rethrow_exception(defect);  // run() lets nothing out; if it does, end the process
      }));
}

void Feed::stop() {
  route_->stopping = true;
  asio::post(strand_, [self = shared_from_this()] {
    self->cancel_.emit(asio::cancellation_type::terminal);
    if (self->inbox_) self->inbox_->wake();
  });
}

bool Feed::quiet() const {
  const std::lock_guard lock(mutex_);
  return phase_ == FeedPhase::Stopped;
}

FeedStatus Feed::status() const {
  std::shared_ptr<sdk::Adapter> adapter;
  const auto& info = config_.family->info();
  FeedStatus status{config_.name, config_.utility, info.family, info.interface, FeedPhase::Waiting, {}, {}, route_->trouble()};
  {
    const std::lock_guard lock(mutex_);
    status.phase = phase_;
    status.error = error_;
    adapter = adapter_;
  }
  if (adapter) status.health = adapter->health();
  if (inbox_) inbox_->add_to(status.health);
  return status;
}

sdk::Awaitable<std::vector<sdk::AttemptAnswer>> Feed::attempt(sdk::Attempt attempt) const {
  auto work = attempt_here(std::move(attempt));
  auto answers = co_await asio::co_spawn(strand_, std::move(work), asio::use_awaitable);
  co_return answers;
}

sdk::Awaitable<std::vector<sdk::AttemptAnswer>> Feed::attempt_here(sdk::Attempt attempt) const {
  std::shared_ptr<sdk::Adapter> adapter;
  {
    const std::lock_guard lock(mutex_);
    if (phase_ == FeedPhase::Running && !route_->stopping) adapter = adapter_;
  }
  if (!adapter) {
    sdk::AttemptAnswer answer;
    answer.state = sdk::AttemptState::Failed;
    answer.reason = "not_sent";
    answer.words = "the feed does not run";
    co_return std::vector<sdk::AttemptAnswer>(attempt.meters.size(), answer);
  }
  auto asked = adapter->attempt(std::move(attempt));
  auto answers = co_await std::move(asked);
  co_return answers;
}

void Feed::enter(FeedPhase phase, std::string error) {
  parts_.metrics.feed(config_.name).up(phase == FeedPhase::Running);
  const std::lock_guard lock(mutex_);
  phase_ = phase;
  error_ = std::move(error);
}

sdk::Awaitable<std::string> Feed::run_once() {
  sdk::Services services{strand_,        parts_.clock, given_->sink, given_->state,
                         given_->meters, parts_.work,  given_->log,  inbox_.get(),
                         given_->raw.service(), config_.fingerprint};
  std::shared_ptr<sdk::Adapter> adapter;
  std::string why;
  if (inbox_) {
    const auto opened = co_await inbox_->open();
    if (!opened) co_return "the journal cannot be opened: " + opened.error().message;
  }
  try {
    adapter = config_.family->make(config_.settings, services);
  } catch (const std::exception& defect) {
    co_return std::string("could not be made: ") + defect.what();
  }
  {
    const std::lock_guard lock(mutex_);
    adapter_ = adapter;
  }
  try {
    const auto started = co_await adapter->start();
    if (!started) why = started.error().message;
  } catch (const std::exception& defect) {
    why = std::string("start: ") + defect.what();
  }
  if (why.empty() && !route_->stopping) {
    enter(FeedPhase::Running, {});
    parts_.log.write(messages::kFeedStarted,
                     {{"feed", config_.name}, {"family", config_.family->info().family}});
    while (!route_->stopping) {
      co_await parts_.clock.wait(kLookAtHealth);
      const auto health = adapter->health();
      if (health.state != sdk::HealthState::Failed) continue;
      why = health.reason.empty() ? "the adapter reports a failure" : health.reason;
      break;
    }
  }
  // A cancelled start must not cut its stop short.
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  try {
    co_await adapter->stop();
  } catch (const std::exception& defect) {
    if (why.empty()) why = std::string("stop: ") + defect.what();
  }
  co_await asio::this_coro::reset_cancellation_state(asio::enable_terminal_cancellation());
  co_return why;
}

sdk::Awaitable<void> Feed::run(std::shared_ptr<Feed> predecessor) {
  co_await asio::this_coro::throw_if_cancelled(false);
  // Even a feed that is to stop waits: it is not quiet while one of its name still works on the same files.
  while (predecessor && !predecessor->quiet()) co_await parts_.clock.wait(kLookAtPredecessor);
  predecessor.reset();

  const bool refused = config_.family->capabilities(config_.settings).pushed_messages && !inbox_;
  if (refused) {
    const std::string error = "family " + config_.family->info().family +
                              " is pushed to and needs the durable journal, which this gateway does not have";
    enter(FeedPhase::Refused, error);
    parts_.log.write(messages::kFeedRefused, {{"feed", config_.name}, {"error", error}});
  }
  Backoff pause(kFirstPause, kLongestPause,
                static_cast<std::uint32_t>(std::hash<std::string>{}(config_.name)));
  while (!route_->stopping) {
    if (refused) {
      co_await parts_.clock.wait(kLookAtHealth);
      continue;
    }
    const auto begin = parts_.clock.now();
    const auto why = co_await run_once();
    if (route_->stopping) break;
    enter(FeedPhase::Failed, why);
    parts_.metrics.feed(config_.name).restarted();
    if (parts_.clock.now() - begin > kLongestPause) pause.reset();
    const auto wait = pause.next();
    parts_.log.write(messages::kFeedFailed,
                     {{"feed", config_.name}, {"again_in_ms", std::to_string(wait.count())}, {"error", why}});
    co_await parts_.clock.wait(wait);
  }
  if (inbox_) co_await inbox_->finish();
  parts_.log.write(messages::kFeedStopped, {{"feed", config_.name}});
  enter(FeedPhase::Stopped, {});
}

}  // namespace ami::daemon
