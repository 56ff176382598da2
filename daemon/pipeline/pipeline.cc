#include "daemon/pipeline/pipeline.h"

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/this_coro.hpp>
#include <new>

#include "daemon/log/messages.h"
#include "daemon/pipeline/backoff.h"
#include "daemon/pipeline/commit_attempt.h"

namespace ami::daemon {
namespace asio = boost::asio;
namespace {

// A wait is cut into these, so that a stop is noticed soon.
constexpr std::chrono::milliseconds kSlice{100};
// A batch that waits says so at its first failure and then each so many attempts.
constexpr int kReportEvery = 10;

std::string_view name_of(Fault fault) {
  switch (fault) {
    case Fault::Permanent:
      return "permanent";
    case Fault::Transient:
      return "transient";
    case Fault::InDoubt:
      return "in_doubt";
  }
  return "permanent";
}

class Waiting {
 public:
  explicit Waiting(FeedMetrics& metrics) : metrics_(metrics) { metrics_.waiting(+1); }
  ~Waiting() { metrics_.waiting(-1); }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;

 private:
  FeedMetrics& metrics_;
};

storage::CommitUnit unit_for(const FeedRoute& feed, const sdk::SourceSpan& source,
                             std::vector<sdk::StateChange>& state) {
  storage::CommitUnit unit;
  unit.utility = feed.utility;
  unit.source = {feed.name,         source.name,   source.content_sha256,
                 source.offset,     source.length, feed.rules.mapping.version,
                 source.received_at};
  for (auto& change : state) unit.state.push_back({std::move(change.key), std::move(change.value)});
  return unit;
}

}  // namespace

sdk::Awaitable<Result<sdk::CommitReceipt>> Pipeline::commit(std::shared_ptr<FeedRoute> feed,
                                                            sdk::SourceSpan source, DecodedBatch batch,
                                                            std::vector<sdk::StateChange> state) {
  // Nothing may throw across the sink, so a cancelled caller is noticed by asking.
  const bool throws = co_await asio::this_coro::throw_if_cancelled();
  co_await asio::this_coro::throw_if_cancelled(false);

  const Waiting waiting(feed->metrics);
  const auto begin = std::chrono::steady_clock::now();
  auto unit = unit_for(*feed, source, state);
  bool built = false;
  Backoff backoff(retry_.first, retry_.longest,
                  static_cast<std::uint32_t>(source.offset + feed->name.size()));
  Result<storage::CommitCounts> counts = transient("not tried yet");
  const std::function<void()> attempt = [&] {
    try {
      counts = commit_attempt(store_, directory_, unit, built,
                              [&](const Directory& picture, NormalisedBatch& out) {
                                normalise(batch, feed->rules, resolver_of(picture, feed->utility, feed->name),
                                          source.received_at, out);
                              });
    } catch (const std::bad_alloc&) {
      counts = transient("out of memory");
    }
  };

  const auto cancellation = co_await asio::this_coro::cancellation_state;
  const auto to_stop = [&] {
    return feed->stopping || cancellation.cancelled() != asio::cancellation_type::none;
  };
  bool gave_up = false;
  int failures = 0;
  while (!gave_up) {
    co_await database_.run(attempt);
    if (counts.ok() || counts.error().fault == Fault::Permanent) break;
    feed->metrics.retried();
    if (failures++ % kReportEvery == 0) {
      log_.write(messages::kCommitRetried, {{"feed", feed->name},
                                            {"source", source.content_sha256.substr(0, 16)},
                                            {"offset", std::to_string(source.offset)},
                                            {"attempt", std::to_string(failures)},
                                            {"fault", std::string(name_of(counts.error().fault))},
                                            {"error", counts.error().message}});
    }
    for (auto left = backoff.next(); left.count() > 0 && !to_stop(); left -= kSlice) {
      co_await clock_.wait(std::min(left, kSlice));
    }
    gave_up = to_stop();
  }
  co_await asio::this_coro::throw_if_cancelled(throws);

  if (!counts.ok()) {
    auto error = counts.error();
    if (error.fault == Fault::Permanent) {
      feed->metrics.refused();
      log_.write(messages::kCommitRefused, {{"feed", feed->name},
                                            {"source", source.content_sha256.substr(0, 16)},
                                            {"offset", std::to_string(source.offset)},
                                            {"error", error.message}});
      co_return error;
    }
    // In doubt counts as not stored: the same batch again is harmless.
    co_return transient("stopping before the batch could be stored: " + error.message);
  }
  if (failures > 0) {
    log_.write(messages::kCommitRecovered, {{"feed", feed->name},
                                            {"source", source.content_sha256.substr(0, 16)},
                                            {"offset", std::to_string(source.offset)},
                                            {"attempts", std::to_string(failures + 1)}});
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  feed->metrics.stored(unit.batch, *counts, batch.observations.size(), took.count(), clock_.now());
  feed->metrics.skipped(batch.skipped);
  sdk::CommitReceipt receipt;
  receipt.registers = counts->registers;
  receipt.interval_values = counts->interval_values;
  receipt.events = counts->events;
  receipt.quarantined = counts->quarantined;
  receipt.unmapped_events = unit.batch.unmapped_events;
  co_return receipt;
}

}  // namespace ami::daemon
