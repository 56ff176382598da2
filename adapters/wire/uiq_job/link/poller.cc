#include "adapters/wire/uiq_job/link/poller.h"

#include <algorithm>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/this_coro.hpp>
#include <cstring>
#include <optional>

#include "adapters/wire/uiq_job/link/record.h"

namespace ami::uiq_job {
namespace {

namespace asio = boost::asio;
using sdk::LogLevel;
using std::chrono::milliseconds;

constexpr const char* kRows = "10";  // one meter a job
constexpr int kResultLooks = 5;  // at results that cannot be read, before the job's end is told without them
constexpr milliseconds kStateAway{1000};
constexpr std::chrono::hours kDayBefore{24};

void end_on_defect(std::exception_ptr defect) {
  if (defect) std::rethrow_exception(defect);
}

std::optional<Operation> results_of(const SiteTemplate& site, sdk::CommandKind kind) {
  const Operation operation = is_switch(kind)                  ? Operation::ProvisioningResults
                              : kind == sdk::CommandKind::Ping ? Operation::PingResults
                                                               : Operation::ReadResults;
  return site.find(operation) == nullptr ? std::nullopt : std::optional(operation);
}

}  // namespace

Poller::Poller(std::shared_ptr<Link> link)
    : link_(std::move(link)), bell_(link_->services.executor), quiet_(link_->services.executor) {}

void Poller::start() {
  stopping_ = false;
  dispatching_ = true;
  asio::co_spawn(
      link_->services.executor, [self = shared_from_this()] { return self->dispatch(); }, end_on_defect);
}

void Poller::add(JobBook::Kept kept) {
  schedule(std::make_shared<Open>(std::move(kept)));
}

sdk::Awaitable<void> Poller::stop() {
  stopping_ = true;
  bell_.notify();
  const std::set<OpenPtr> looking = looking_;
  for (const OpenPtr& open : looking) open->cancel.emit(asio::cancellation_type::terminal);
  while (dispatching_ || !looking_.empty()) co_await quiet_.wait();
  due_.clear();
}

void Poller::schedule(OpenPtr open) {
  milliseconds most = link_->settings.poll_first;
  for (int i = 0; i < open->looks && most < link_->settings.poll_longest; ++i)
    most = std::min(most * 2, link_->settings.poll_longest);
  std::uniform_int_distribution<milliseconds::rep> draw(most.count() / 2, most.count());
  const milliseconds pause = std::max(milliseconds{draw(link_->random)}, open->at_least);
  due_.emplace(link_->services.clock.now() + pause, std::move(open));
  link_->standing.jobs(due_.size() + looking_.size());
  bell_.notify();
}

sdk::Awaitable<void> Poller::dispatch() {
  using namespace asio::experimental::awaitable_operators;
  sdk::Clock& clock = link_->services.clock;
  while (!stopping_) {
    while (!due_.empty() && due_.begin()->first <= clock.now() &&
           looking_.size() < link_->settings.polls_at_once) {
      spawn(due_.extract(due_.begin()).value().second);
    }
    if (due_.empty() || looking_.size() >= link_->settings.polls_at_once) {
      co_await bell_.wait();
    } else {
      const milliseconds pause = std::chrono::ceil<milliseconds>(due_.begin()->first - clock.now());
      co_await (clock.wait(pause) || bell_.wait());
    }
  }
  dispatching_ = false;
  quiet_.notify();
}

void Poller::spawn(OpenPtr open) {
  looking_.insert(open);
  const auto slot = open->cancel.slot();
  asio::co_spawn(
      link_->services.executor, [self = shared_from_this(), open] { return self->look(open); },
      asio::bind_cancellation_slot(slot, end_on_defect));
}

sdk::Awaitable<void> Poller::look(OpenPtr open) {
  co_await asio::this_coro::throw_if_cancelled(false);
  open->at_least = milliseconds{0};
  const Next next = co_await step(open);
  ++open->looks;
  if (next == Next::Over) co_await forget(open);
  looking_.erase(open);
  if (next == Next::Again && !stopping_) schedule(open);
  link_->standing.jobs(due_.size() + looking_.size());
  bell_.notify();
  quiet_.notify();
}

bool Poller::late(const Open& open, bool with_patience) const {
  return link_->services.clock.now() >= open.kept.job.expires_at + link_->settings.grace +
                                            (with_patience ? link_->settings.keep_asking : milliseconds{0});
}

Poller::Next Poller::unanswered(Open& open, const Told& told, const char* what) {
  if (told.kind == Told::Kind::Unsent) return Next::Again;
  link_->standing.trouble(std::string(what) + ": " + told.words);
  if (told.retry_after) open.at_least = std::min(*told.retry_after, link_->settings.keep_asking);
  if (late(open, told.fell_silent())) return give_up(open, told.words);
  return Next::Again;
}

Poller::Next Poller::give_up(const Open& open, const std::string& why) {
  link_->standing.given_up();
  log(LogLevel::Warn, "UIQ_JOB_GIVEN_UP", open, "why=\"" + why + "\"");
  return Next::Over;
}

void Poller::log(LogLevel level, const char* id, const Open& open, const std::string& more) const {
  link_->services.log.write(
      level, id, "job=" + open.kept.job.id + " transaction=" + open.kept.job.transaction + " " + more);
}

sdk::Awaitable<Poller::Next> Poller::step(OpenPtr open) {
  const Job& job = open->kept.job;
  Values values;
  values["job"] = job.id;
  Sending how;
  how.safe_to_repeat = true;
  auto asking = link_->far.ask(Operation::JobStatus, std::move(values), std::move(how));
  Told status = co_await std::move(asking);
  if (status.answered()) {
    const auto id = status.rows.front().find("job");
    if (id != status.rows.front().end() && id->second != job.id) {
      status.kind = Told::Kind::Unreadable;
      status.words = "the status of another job came: " + words(id->second);
    }
  }
  if (!status.answered()) co_return unanswered(*open, status, "state of a job");
  link_->standing.answered(link_->services.clock.now());
  const std::string word = status.rows.front().at("status");
  const JobState state = link_->settings.site->state_of(word);
  if (state != JobState::Completed && state != JobState::Failed) co_return co_await go_on(open, state, word);
  co_return co_await finish(open, state, std::move(status));
}

sdk::Awaitable<Poller::Next> Poller::go_on(OpenPtr open, JobState state, std::string word) {
  const Job& job = open->kept.job;
  if (state == JobState::Unknown && !std::exchange(open->told_of_word, true)) {
    log(LogLevel::Warn, "UIQ_STATE_UNKNOWN", *open,
        "word=\"" + words(word) + "\" action=add_it_to_the_states_of_the_site_template");
  }
  // A switch may be worked on for hours; nobody but the head-end can say what became of it.
  if (late(*open, is_switch(job.kind))) co_return give_up(*open, "its last state is " + words(word));
  const bool idle = link_->settings.activate_jobs && state == JobState::NotStarted && !open->activated;
  if (idle && !job.activated && link_->services.clock.now() < job.expires_at) {
    auto activating = activate(open);
    co_await std::move(activating);
  }
  co_return Next::Again;
}

// Makes durable that the request leaves: what switches is begun once, also where its answer was lost or a
// crash came in between.
sdk::Awaitable<Outcome> Poller::mark_activated(OpenPtr open) {
  open->kept.job.activated = true;
  auto keeping = link_->jobs.keep(open->kept.place, open->kept.job);
  const Outcome kept = co_await std::move(keeping);
  if (!kept) open->kept.job.activated = false;  // and nothing is sent
  co_return kept;
}

sdk::Awaitable<void> Poller::activate(OpenPtr open) {
  Values values;
  values["job"] = open->kept.job.id;
  Sending how;
  if (sdk::effect_of(open->kept.job.kind) == sdk::Effect::Change) {
    how.before_send = [self = shared_from_this(), open] { return self->mark_activated(open); };
    how.fresh_connection = true;
  }
  auto asking = link_->far.ask(Operation::ActivateJob, std::move(values), std::move(how));
  const Told told = co_await std::move(asking);
  open->activated = !told.fell_silent() && told.kind != Told::Kind::Unsent;
  if (!told.answered()) log(LogLevel::Warn, "UIQ_JOB_NOT_ACTIVATED", *open, "error=\"" + told.words + "\"");
}

sdk::Awaitable<Poller::Next> Poller::finish(OpenPtr open, JobState state, Told status) {
  const Job& job = open->kept.job;
  const SiteTemplate& site = *link_->settings.site;
  const AliasKind names = link_->settings.names;
  std::string record;
  DecodedBatch batch;
  if (const std::optional<Operation> operation = results_of(site, job.kind)) {
    Values values;
    values["job"] = job.id;
    values["mac"] = job.mac;
    values["rows"] = kRows;
    values["from"] = ami::to_text(job.expires_at - kDayBefore);
    values["to"] = ami::to_text(link_->services.clock.now());
    Sending how;
    how.safe_to_repeat = true;
    auto asking = link_->far.ask(*operation, std::move(values), std::move(how));
    const Told results = co_await std::move(asking);
    if (results.kind == Told::Kind::Unsent || results.fell_silent())
      co_return unanswered(*open, results, "results of a job");
    if (!results.answered()) {
      link_->standing.trouble("results of a job: " + results.words);
      if (++open->bad_results < kResultLooks && !late(*open, false)) co_return Next::Again;
    }
    record = to_record(*operation, job, std::string_view(results.message).substr(0, kMaxRawBytes),
                       status.rows.front().at("status"));
    batch = read_record(site, names, record);
    // Of a job that failed only a row that says the same is believed; but where a switch may have moved, what
    // speaks against the failure is not thrown away.
    const Ending ending =
        batch.results.empty() ? Ending::Unknown : site.ending_of(batch.results.front().word);
    const bool moves = sdk::effect_of(job.kind) == sdk::Effect::Change;
    if (state == JobState::Failed && !moves && ending != Ending::Failed && ending != Ending::NoAnswer)
      batch = {};
  }
  if (batch.results.empty()) {
    record = to_record(Operation::JobStatus, job, std::string_view(status.message).substr(0, kMaxRawBytes));
    batch = read_record(site, names, record);
  }
  auto committing = commit(open, std::make_shared<const std::string>(std::move(record)), std::move(batch));
  co_return co_await std::move(committing);
}

sdk::Awaitable<Poller::Next> Poller::commit(OpenPtr open, std::shared_ptr<const std::string> record,
                                            DecodedBatch batch) {
  sdk::SourceSpan source;
  source.name = "job/" + open->kept.job.id;
  source.content_sha256 = sha256_of(*record);
  source.length = record->size();
  source.received_at = link_->services.clock.now();
  if (link_->services.raw != nullptr) {
    sdk::RawContent content;
    content.name = source.name;
    content.sha256 = source.content_sha256;
    content.size = record->size();
    content.received_at = source.received_at;
    content.read = [record](char* into, std::size_t size, std::uint64_t offset) -> Result<std::size_t> {
      const std::size_t from = std::min<std::size_t>(offset, record->size());
      const std::size_t length = std::min(size, record->size() - from);
      std::memcpy(into, record->data() + from, length);
      return length;
    };
    auto keeping = link_->services.raw->keep(std::move(content));
    const Outcome kept = co_await std::move(keeping);
    if (!kept) {
      link_->standing.trouble("what came cannot be kept: " + kept.error().message);
      co_return Next::Again;
    }
  }
  std::vector<sdk::StateChange> none;
  auto committing = link_->services.sink.commit(std::move(source), std::move(batch), std::move(none));
  const Result<sdk::CommitReceipt> receipt = co_await std::move(committing);
  if (!receipt && receipt.error().fault != Fault::Permanent) co_return Next::Again;
  if (receipt) {
    link_->standing.result();
    log(LogLevel::Info, "UIQ_JOB_ENDED", *open, "kind=" + std::string(name_of(open->kept.job.kind)));
  } else {
    log(LogLevel::Error, "UIQ_RESULT_REFUSED", *open, "error=\"" + receipt.error().message + "\"");
  }
  co_return Next::Over;
}

sdk::Awaitable<void> Poller::forget(OpenPtr open) {
  for (;;) {
    auto forgetting = link_->jobs.forget(open->kept.place);
    const Outcome forgotten = co_await std::move(forgetting);
    // A job that stays in the book is asked for after the next start, and its result told again.
    if (forgotten || stopping_) co_return;
    co_await link_->services.clock.wait(kStateAway);
  }
}

}  // namespace ami::uiq_job
