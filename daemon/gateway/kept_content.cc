#include "daemon/gateway/kept_content.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <filesystem>

#include "daemon/log/messages.h"

namespace ami::daemon {
namespace asio = boost::asio;
namespace {

constexpr std::chrono::hours kPruneEvery{1};
constexpr std::chrono::minutes kPruneAgain{1};                 // after an error, and after the start
constexpr int kPruneReportFirst = 10, kPruneReportEvery = 60;  // errors in a row
constexpr std::chrono::milliseconds kIdle{500};                // between looks for a run
constexpr std::chrono::milliseconds kAfterError{2000};
constexpr std::chrono::milliseconds kSlice{100};  // how soon a stop is noticed
constexpr std::size_t kThreads = 2;               // one a loop
constexpr int kReportEvery = 30;                  // errors in a row

void end_on_defect(std::exception_ptr defect) {
  if (defect) std::rethrow_exception(defect);
}

// Only feeds of the utility count: another utility's feed of that name reads other files.
std::shared_ptr<const Feed> feed_of(const Host& host, storage::UtilityId utility, const std::string& name) {
  auto feed = host.find(name);
  return feed && feed->utility() == utility ? feed : nullptr;
}

std::optional<ReprocessFeed> reprocess_feed(const Host& host, storage::UtilityId utility,
                                            const std::string& name) {
  const auto feed = feed_of(host, utility, name);
  if (!feed) return std::nullopt;
  const FeedConfig& config = feed->config();
  return ReprocessFeed{
      config.plan.rules,
      {[feed] { return feed->config().family->file_reader(feed->config().settings); },
       [feed](std::string_view raw, UtcInstant received_at) {
         return feed->config().family->decode(feed->config().settings, raw, received_at);
       }},
      config.fingerprint};
}

}  // namespace

KeptContent::KeptContent(const GatewayConfig& config, DatabaseLink& database, const Log& log)
    : keep_(config.raw.keep),
      database_(database),
      log_(log),
      files_(std::filesystem::path(config.state_dir) / "raw"),
      keeper_(files_, storage::RawContents(database.queries()), config.raw.keep_months, log),
      work_(kThreads) {}

void KeptContent::start(const asio::any_io_executor& executor, const Host& host, sdk::Clock& clock) {
  // Before the first feed writes: a half-written file is one that a crash left.
  if (keep_) {
    if (const Outcome ready = files_.prepare(); !ready) {
      log_.write(messages::kRawPruneFailed, {{"error", ready.error().message}});
    }
  }
  loops_ = 2;
  asio::co_spawn(executor, prune(clock), end_on_defect);
  asio::co_spawn(executor, reprocess(host, clock), end_on_defect);
}

sdk::Awaitable<void> KeptContent::rest(sdk::Clock& clock, std::chrono::milliseconds span) {
  for (; span.count() > 0 && !stopping_; span -= kSlice) co_await clock.wait(std::min(span, kSlice));
}

sdk::Awaitable<void> KeptContent::prune(sdk::Clock& clock) {
  co_await rest(clock, kPruneAgain);
  int errors = 0;
  while (!stopping_) {
    Outcome done = Done{};
    const std::function<void()> work = [&] {
      // Also when nothing is kept any more: what was kept goes when its time comes.
      if (!std::filesystem::exists(files_.folder())) return;
      if (const auto pruned = keeper_.prune(clock.now(), stopping_); !pruned) done = pruned.error();
    };
    co_await work_.run(work);
    // A database that is away for a while is told elsewhere.
    errors = done ? 0 : errors + 1;
    if (errors % kPruneReportEvery == kPruneReportFirst) {
      log_.write(messages::kRawPruneFailed, {{"error", done.error().message}});
    }
    co_await rest(clock,
                  done ? std::chrono::milliseconds{kPruneEvery} : std::chrono::milliseconds{kPruneAgain});
  }
  --loops_;
}

sdk::Awaitable<void> KeptContent::reprocess(const Host& host, sdk::Clock& clock) {
  Reprocessor reprocessor({database_.ingest(), storage::ReprocessRuns(database_.queries()),
                           storage::Statements(database_.queries()), database_.directory(), files_,
                           [&host](storage::UtilityId utility, const std::string& feed) {
                             return reprocess_feed(host, utility, feed);
                           },
                           log_});
  int errors = 0;
  while (!stopping_) {
    // Feeds are handed to the host when the database was seen; before that every content would be left out.
    if (host.status().empty()) {
      co_await rest(clock, kIdle);
      continue;
    }
    Result<Reprocessor::Step> step = transient("not tried");
    const auto begin = std::chrono::steady_clock::now();
    const std::function<void()> work = [&] {
      try {
        step = reprocessor.step();
      } catch (const std::exception& error) {
        step = transient(std::string("a defect: ") + error.what());
      }
    };
    co_await work_.run(work);
    if (!step) {
      if (errors++ % kReportEvery == 0 && !stopping_) {
        log_.write(messages::kReprocessWaits, {{"error", step.error().message}});
      }
      co_await rest(clock, kAfterError);
      continue;
    }
    errors = 0;
    if (step->idle) {
      co_await rest(clock, kIdle);
    } else if (step->rate > 0) {
      const std::chrono::duration<double> due{static_cast<double>(step->values) /
                                              static_cast<double>(step->rate)};
      const auto left =
          std::chrono::ceil<std::chrono::milliseconds>(due - (std::chrono::steady_clock::now() - begin));
      co_await rest(clock, left);
    }
  }
  --loops_;
}

storage::Answer<std::int64_t> KeptContent::order(const storage::RunOrder& order, const Host& host) {
  std::vector<storage::FeedSettings> feeds;
  for (const FeedStatus& status : host.status()) {
    if (const auto feed = feed_of(host, order.utility, status.name)) {
      feeds.push_back({status.name, feed->config().fingerprint});
    }
  }
  if (!order.feed.empty() && std::none_of(feeds.begin(), feeds.end(), [&](const storage::FeedSettings& feed) {
        return feed.feed == order.feed;
      })) {
    return storage::Refusal{
        storage::Refusal::Kind::Invalid, "is no feed that this gateway is configured for now", "feed", {}};
  }
  return storage::ReprocessRuns(database_.queries()).order(order, feeds);
}

Result<rpc::RawStream> KeptContent::open(const std::string& sha256) const {
  auto reader = files_.open(sha256);
  if (!reader) return reader.error();
  auto shared = std::make_shared<storage::RawReader>(std::move(reader).value());
  return rpc::RawStream([shared](char* into, std::size_t size) { return shared->read(into, size); });
}

}  // namespace ami::daemon
