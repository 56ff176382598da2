#include "daemon/pipeline/pipeline.h"

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/this_coro.hpp>
#include <new>

#include "daemon/log/messages.h"
#include "daemon/pipeline/backoff.h"
#include "daemon/pipeline/commit_attempt.h"
#include "meter_model/normaliser/clock_signs.h"

namespace ami::daemon {
namespace asio = boost::asio;
namespace {

// A wait is cut into these, so that a stop is noticed soon.
constexpr std::chrono::milliseconds kSlice{100};
// A batch that waits says so at its first failure and then each so many attempts.
constexpr int kReportEvery = 10;
// So many attempts fail before the gateway calls itself not ready: a lost race is no trouble.
constexpr int kTroubleAfter = 3;
// More records of one batch than these that the database refuses, each alone: it is not the records' fault.
constexpr int kMostCulprits = 32;

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
  Waiting(FeedMetrics& metrics, std::atomic<int>& under_way) : metrics_(metrics), under_way_(under_way) {
    metrics_.waiting(+1);
    ++under_way_;
  }
  ~Waiting() {
    metrics_.waiting(-1);
    --under_way_;
  }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;

 private:
  FeedMetrics& metrics_;
  std::atomic<int>& under_way_;
};

storage::CommitUnit unit_for(const FeedRoute& feed, const sdk::SourceSpan& source) {
  storage::CommitUnit unit;
  unit.utility = feed.utility;
  unit.source = {feed.name,         source.name,   source.content_sha256,
                 source.offset,     source.length, feed.rules.mapping.version,
                 source.received_at};
  unit.replay_of = source.read_again;
  if (source.read_again != 0) unit.cause = "came again after the feed's settings had changed";
  return unit;
}

const ObservationHead& head_of(const Observation& observation) {
  return std::visit([](const auto& said) -> const ObservationHead& { return said; }, observation);
}

Quarantined put_aside(const Observation& observation, const std::string& why) {
  const ObservationHead& head = head_of(observation);
  return {"cannot_be_stored", why, std::string(head.meter), std::string(head.raw), head.offset};
}

}  // namespace

// One batch on its way into the store.
struct Pipeline::Work {
  std::shared_ptr<FeedRoute> feed;
  sdk::SourceSpan source;
  DecodedBatch batch;
  std::vector<storage::StateRow> state;
  int failures = 0;  // attempts that will be made again
  storage::CommitCounts sum;
  NormalisedBatch reported;  // for the metrics: what was stored, without values
  int culprits = 0;

  void count(const storage::CommitCounts& counts, NormalisedBatch& stored) {
    sum.registers += counts.registers;
    sum.interval_values += counts.interval_values;
    sum.events += counts.events;
    sum.quarantined += counts.quarantined;
    reported.unmapped_events += stored.unmapped_events;
    reported.missing_values += stored.missing_values;
    reported.snapped_ends += stored.snapped_ends;
    for (Quarantined& item : stored.quarantined)
      reported.quarantined.push_back({std::move(item.reason), {}, {}, {}, 0});
  }
};

sdk::Awaitable<Result<storage::CommitCounts>> Pipeline::store(Work& work, storage::CommitUnit& unit,
                                                              const Normalise& normalise_with) {
  bool built = false;
  Backoff backoff(retry_.first, retry_.longest,
                  static_cast<std::uint32_t>(work.source.offset + work.feed->name.size()));
  Result<storage::CommitCounts> counts = transient("not tried yet");
  const std::function<void()> attempt = [&] {
    try {
      counts = commit_attempt(store_, directory_, unit, built, normalise_with);
    } catch (const std::bad_alloc&) {
      counts = transient("out of memory");
    }
  };
  const auto cancellation = co_await asio::this_coro::cancellation_state;
  const auto to_stop = [&] {
    return work.feed->stopping || cancellation.cancelled() != asio::cancellation_type::none;
  };
  int failures = 0;
  for (bool gave_up = false; !gave_up;) {
    co_await database_.run(attempt);
    if (counts.ok() || counts.error().fault == Fault::Permanent) break;
    work.feed->metrics.retried();
    if (work.failures++ % kReportEvery == 0) {
      log_.write(messages::kCommitRetried, {{"feed", work.feed->name},
                                            {"source", work.source.content_sha256.substr(0, 16)},
                                            {"offset", std::to_string(work.source.offset)},
                                            {"attempt", std::to_string(work.failures)},
                                            {"fault", std::string(name_of(counts.error().fault))},
                                            {"error", counts.error().message}});
    }
    if (++failures >= kTroubleAfter) work.feed->trouble(counts.error().message);
    for (auto left = backoff.next(); left.count() > 0 && !to_stop(); left -= kSlice) {
      co_await clock_.wait(std::min(left, kSlice));
    }
    gave_up = to_stop();
  }
  if (failures > 0) work.feed->trouble({});
  co_return counts;
}

// Stores the observations [from, to). What the database refuses for good is halved until the culprit stands
// alone; that one goes to quarantine with the refusal, and its neighbours are stored.
sdk::Awaitable<Outcome> Pipeline::store_part(Work& work, std::size_t from, std::size_t to, bool whole) {
  const std::span all(work.batch.observations);
  const std::span part = all.subspan(from, to - from);
  auto unit = unit_for(*work.feed, work.source);
  if (whole) {
    unit.state = work.state;
  } else if (from < to) {
    // A source row of its own, whose counts are those of the part.
    unit.source.offset = head_of(part.front()).offset;
    unit.source.length =
        (to < all.size() ? head_of(all[to]).offset : work.source.offset + work.source.length) -
        unit.source.offset;
  }
  const std::span<const MalformedRecord> malformed =
      from == 0 ? std::span<const MalformedRecord>(work.batch.malformed) : std::span<const MalformedRecord>();
  const Normalise plain = [&](const Directory& picture, NormalisedBatch& out) {
    const MeterResolver resolve = resolver_of(picture, work.feed->utility, work.feed->name);
    normalise(part, malformed, work.feed->rules, resolve, work.source.received_at, out);
    note_clocks(work, resolve, out);
  };
  auto counts = co_await store(work, unit, plain);
  if (!counts && counts.error().fault == Fault::Permanent && to - from <= 1) {
    if (from == to || ++work.culprits > kMostCulprits) co_return counts.error();
    const std::string why = counts.error().message;
    log_.write(messages::kRecordRefused, {{"feed", work.feed->name},
                                          {"source", work.source.content_sha256.substr(0, 16)},
                                          {"offset", std::to_string(head_of(part.front()).offset)},
                                          {"error", why}});
    const Normalise aside = [&](const Directory&, NormalisedBatch& out) {
      normalise({}, malformed, work.feed->rules, {}, work.source.received_at, out);
      out.quarantined.push_back(put_aside(part.front(), why));
    };
    counts = co_await store(work, unit, aside);
  }
  if (counts) {
    work.count(*counts, unit.batch);
    co_return Done{};
  }
  if (counts.error().fault != Fault::Permanent || to - from <= 1) co_return counts.error();

  const std::size_t middle = from + (to - from) / 2;
  unit.batch = {};
  const Outcome first = co_await store_part(work, from, middle, false);
  if (!first) co_return first.error();
  const Outcome second = co_await store_part(work, middle, to, false);
  if (!second || !whole) co_return second;
  // Only now, so that a file's position never runs ahead of its values.
  auto last = unit_for(*work.feed, work.source);
  last.state = work.state;
  const Normalise nothing = [](const Directory&, NormalisedBatch&) {};
  const auto stated = co_await store(work, last, nothing);
  if (!stated) co_return stated.error();
  co_return Done{};
}

// One attempt for all of them. False: nothing is known to be stored, each is to be committed alone.
sdk::Awaitable<bool> Pipeline::store_together(std::span<Work> all) {
  std::vector<storage::CommitUnit> units;
  for (const Work& work : all) units.push_back(unit_for(*work.feed, work.source));
  Result<std::vector<storage::CommitCounts>> counts = transient("not tried yet");
  const std::function<void()> attempt = [&] {
    try {
      counts = commit_attempt(
          store_, directory_, units, [&](std::size_t i, const Directory& picture, NormalisedBatch& out) {
            const Work& work = all[i];
            const MeterResolver resolve = resolver_of(picture, work.feed->utility, work.feed->name);
            normalise(work.batch.observations, work.batch.malformed, work.feed->rules, resolve,
                      work.source.received_at, out);
            note_clocks(work, resolve, out);
          });
    } catch (const std::bad_alloc&) {
      counts = transient("out of memory");
    }
  };
  co_await database_.run(attempt);
  if (!counts) co_return false;
  for (std::size_t i = 0; i < all.size(); ++i) all[i].count(counts->at(i), units[i].batch);
  co_return true;
}

void Pipeline::note_clocks(const Work& work, const MeterResolver& resolve, NormalisedBatch& out) const {
  const UtcInstant received_at = work.source.received_at;
  const std::chrono::seconds tolerance = work.feed->rules.clock_tolerance;
  note_clock_signs(received_at, tolerance, out);
  if (!asked_at_) return;
  for (const ResultObservation& result : work.batch.results) {
    if (result.meter.empty() || result.transaction.empty()) continue;
    const auto asked_at = asked_at_(result.transaction);
    const auto meter = asked_at ? resolve(result.meter_kind, result.meter, received_at) : std::nullopt;
    if (meter) note_answer(meter->id, *asked_at, received_at, tolerance, out);
  }
}

sdk::Awaitable<Result<std::vector<UtcInstant>>> Pipeline::receipts(std::shared_ptr<FeedRoute> feed,
                                                                   std::string content_sha256) {
  Result<std::vector<UtcInstant>> known = transient("not asked");
  const std::function<void()> ask = [&] {
    known = store_.receipts(feed->utility, feed->name, content_sha256);
  };
  co_await database_.run(ask);
  co_return known;
}

sdk::Awaitable<Outcome> Pipeline::tell_results(Work& work) {
  if (!take_results_ || work.batch.results.empty()) co_return Done{};
  const auto cancellation = co_await asio::this_coro::cancellation_state;
  Backoff backoff(retry_.first, retry_.longest, static_cast<std::uint32_t>(work.source.offset));
  while (true) {
    auto told = take_results_(work.feed, work.batch.results);
    const Outcome outcome = co_await std::move(told);
    if (outcome.ok() || outcome.error().fault == Fault::Permanent) co_return outcome;
    work.feed->metrics.retried();
    for (auto left = backoff.next(); left.count() > 0; left -= kSlice) {
      if (work.feed->stopping || cancellation.cancelled() != asio::cancellation_type::none) co_return outcome;
      co_await clock_.wait(std::min(left, kSlice));
    }
  }
}

sdk::Awaitable<Result<sdk::CommitReceipt>> Pipeline::commit(std::shared_ptr<FeedRoute> feed,
                                                            sdk::SourceSpan source, DecodedBatch batch,
                                                            std::vector<sdk::StateChange> state) {
  // Nothing may throw across the sink, so a cancelled caller is noticed by asking.
  const bool throws = co_await asio::this_coro::throw_if_cancelled();
  co_await asio::this_coro::throw_if_cancelled(false);

  const Waiting waiting(feed->metrics, under_way_);
  const auto begin = std::chrono::steady_clock::now();
  Work work{std::move(feed), std::move(source), std::move(batch), {}, 0, {}, {}, 0};
  for (auto& change : state) work.state.push_back({std::move(change.key), std::move(change.value)});
  const Outcome outcome = co_await store_part(work, 0, work.batch.observations.size(), true);
  auto receipt = co_await finish(work, outcome, begin);
  co_await asio::this_coro::throw_if_cancelled(throws);
  co_return receipt;
}

sdk::Awaitable<std::vector<Result<sdk::CommitReceipt>>> Pipeline::commit_all(std::shared_ptr<FeedRoute> feed,
                                                                             std::vector<Arrived> arrived) {
  const bool throws = co_await asio::this_coro::throw_if_cancelled();
  co_await asio::this_coro::throw_if_cancelled(false);

  const Waiting waiting(feed->metrics, under_way_);
  const auto begin = std::chrono::steady_clock::now();
  std::vector<Work> all;
  for (Arrived& one : arrived)
    all.push_back({feed, std::move(one.source), std::move(one.batch), {}, 0, {}, {}, 0});
  bool together = false;
  if (all.size() > 1) together = co_await store_together(all);
  std::vector<Result<sdk::CommitReceipt>> receipts;
  for (Work& work : all) {
    Outcome outcome = Done{};
    if (!together) outcome = co_await store_part(work, 0, work.batch.observations.size(), true);
    auto receipt = co_await finish(work, outcome, begin);
    receipts.push_back(std::move(receipt));
  }
  co_await asio::this_coro::throw_if_cancelled(throws);
  co_return receipts;
}

// Tells the results of a batch that was stored, then logs and counts what became of it.
sdk::Awaitable<Result<sdk::CommitReceipt>> Pipeline::finish(Work& work, Outcome outcome,
                                                            std::chrono::steady_clock::time_point begin) {
  if (outcome.ok()) outcome = co_await tell_results(work);
  if (!outcome.ok()) {
    auto error = outcome.error();
    if (error.fault == Fault::Permanent) {
      work.feed->metrics.refused();
      log_.write(messages::kCommitRefused, {{"feed", work.feed->name},
                                            {"source", work.source.content_sha256.substr(0, 16)},
                                            {"offset", std::to_string(work.source.offset)},
                                            {"error", error.message}});
      co_return error;
    }
    // In doubt counts as not stored: the same batch again is harmless.
    co_return transient("stopping before the batch could be stored: " + error.message);
  }
  if (work.failures > 0) {
    log_.write(messages::kCommitRecovered, {{"feed", work.feed->name},
                                            {"source", work.source.content_sha256.substr(0, 16)},
                                            {"offset", std::to_string(work.source.offset)},
                                            {"attempts", std::to_string(work.failures + 1)}});
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  work.feed->metrics.stored(work.reported, work.sum, work.batch.observations.size(), took.count(),
                            clock_.now());
  work.feed->metrics.skipped(work.batch.skipped);
  sdk::CommitReceipt receipt;
  receipt.registers = work.sum.registers;
  receipt.interval_values = work.sum.interval_values;
  receipt.events = work.sum.events;
  receipt.quarantined = work.sum.quarantined;
  receipt.unmapped_events = work.reported.unmapped_events;
  co_return receipt;
}

}  // namespace ami::daemon
