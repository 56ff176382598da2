#include "daemon/pipeline/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <utility>

#include <algorithm>
#include <chrono>

namespace ami::daemon {
namespace prom = prometheus;

struct FeedMetrics::Impl {
  prom::Counter &observations, &registers, &interval_values, &events, &unmapped_events, &skipped, &retries,
      &refused, &restarts;
  prom::Gauge &last_commit, &waiting, &up;
  prom::Histogram& commit_seconds;
  prom::Family<prom::Counter>& quarantined;
  std::string feed;
};

struct Metrics::Impl {
  prom::Registry registry;
  std::mutex mutex;  // guards feeds and queues
  std::map<std::string, std::unique_ptr<FeedMetrics>> feeds;
  std::map<std::string, std::function<std::size_t()>> queues;
  std::function<storage::JournalFigures()> journal;

  std::function<std::vector<CommandCounts>()> commands;
  std::function<SwitchCounts()> switching;

  void read_journal();  // under the mutex, as the next
  void read_commands();
  void read_switching();

  prom::Family<prom::Counter>& counter(const char* name, const char* help) {
    return prom::BuildCounter().Name(name).Help(help).Register(registry);
  }
  prom::Family<prom::Gauge>& gauge(const char* name, const char* help) {
    return prom::BuildGauge().Name(name).Help(help).Register(registry);
  }
  prom::Gauge& single(const char* name, const char* help) { return gauge(name, help).Add({}); }

  prom::Gauge& ready = single("ami_ready", "1 when reads can be stored and all feeds run");
  prom::Gauge& database_up = single("ami_database_up", "1 when the database answers with the needed schema");
  prom::Gauge& directory_version =
      single("ami_directory_version", "Version of the asset data that is in use");
  prom::Gauge& directory_entries = single("ami_directory_entries", "Dated ids of meters in that asset data");
  prom::Gauge& changes_held_back =
      single("ami_change_held_back_seconds",
             "Age of the oldest change that no subscriber gets because a transaction from before it still runs");
  prom::Gauge& change_streams = single("ami_change_streams", "Change streams that are open");
  prom::Family<prom::Gauge>& subscriber_lag =
      gauge("ami_change_subscriber_lag_seconds", "Age of the oldest change that a subscriber did not acknowledge");
  // Gauges of the subscribers; guarded by mutex.
  std::map<std::pair<std::string, std::string>, prom::Gauge*> lags;
};

FeedMetrics::FeedMetrics(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
FeedMetrics::~FeedMetrics() = default;

void FeedMetrics::stored(const NormalisedBatch& batch, const storage::CommitCounts& counts,
                         std::size_t observations, double seconds, UtcInstant now) {
  auto& m = *impl_;
  m.observations.Increment(static_cast<double>(observations));
  m.registers.Increment(static_cast<double>(counts.registers));
  m.interval_values.Increment(static_cast<double>(counts.interval_values));
  m.events.Increment(static_cast<double>(counts.events));
  m.unmapped_events.Increment(static_cast<double>(batch.unmapped_events));
  for (const auto& item : batch.quarantined) {
    m.quarantined.Add({{"feed", m.feed}, {"reason", item.reason}}).Increment();
  }
  m.commit_seconds.Observe(seconds);
  m.last_commit.Set(std::chrono::duration<double>(now.time_since_epoch()).count());
}

void FeedMetrics::skipped(std::uint64_t records) {
  impl_->skipped.Increment(static_cast<double>(records));
}
void FeedMetrics::retried() {
  impl_->retries.Increment();
}
void FeedMetrics::refused() {
  impl_->refused.Increment();
}
void FeedMetrics::waiting(int change) {
  impl_->waiting.Increment(change);
}
void FeedMetrics::restarted() {
  impl_->restarts.Increment();
}
void FeedMetrics::up(bool running) {
  impl_->up.Set(running ? 1 : 0);
}

Metrics::Metrics(const std::string& version) : impl_(std::make_unique<Impl>()) {
  impl_->gauge("ami_build_info", "Version of the running program").Add({{"version", version}}).Set(1);
}
Metrics::~Metrics() = default;

FeedMetrics& Metrics::feed(const std::string& name) {
  auto& m = *impl_;
  const std::lock_guard lock(m.mutex);
  auto& slot = m.feeds[name];
  if (slot) return *slot;
  const prom::Labels feed{{"feed", name}};
  const auto counter = [&](const char* id, const char* help) -> prom::Counter& {
    return m.counter(id, help).Add(feed);
  };
  const auto gauge = [&](const char* id, const char* help) -> prom::Gauge& {
    return m.gauge(id, help).Add(feed);
  };
  auto& quarantined =
      m.counter("ami_feed_quarantined_total", "Records and values put into quarantine, by reason");
  auto& seconds = prom::BuildHistogram()
                      .Name("ami_feed_commit_seconds")
                      .Help("From a batch's hand-over to its commit, waiting included")
                      .Register(m.registry)
                      .Add(feed, prom::Histogram::BucketBoundaries{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
                                                                   1, 2.5, 5, 10, 30, 120});
  slot.reset(new FeedMetrics(std::unique_ptr<FeedMetrics::Impl>(new FeedMetrics::Impl{
      counter("ami_feed_observations_total",
              "Observations that an adapter handed over and that were committed"),
      counter("ami_feed_registers_total", "Register readings committed"),
      counter("ami_feed_interval_values_total", "Interval values committed"),
      counter("ami_feed_events_total", "Events committed"),
      counter("ami_feed_unmapped_events_total", "Events kept without a known meaning"),
      counter("ami_feed_skipped_records_total", "Well-formed records of types that are not read"),
      counter("ami_feed_commit_retries_total", "Attempts to store a batch that have to be repeated"),
      counter("ami_feed_commits_refused_total", "Batches that can never be stored as they are"),
      counter("ami_feed_restarts_total", "Starts of the feed after a failure"),
      gauge("ami_feed_last_commit_timestamp_seconds", "When a batch was last committed, Unix time"),
      gauge("ami_feed_commits_waiting", "Batches handed over and not committed yet"),
      gauge("ami_feed_up", "1 while the feed runs"), seconds, quarantined, name})));
  return *slot;
}

void Metrics::ready(bool ready) {
  impl_->ready.Set(ready ? 1 : 0);
}
void Metrics::database_up(bool up) {
  impl_->database_up.Set(up ? 1 : 0);
}
void Metrics::directory(std::int64_t version, std::size_t entries) {
  impl_->directory_version.Set(static_cast<double>(version));
  impl_->directory_entries.Set(static_cast<double>(entries));
}

void Metrics::change_feed(const storage::FeedHealth& health, std::size_t streams) {
  const auto seconds = [](std::chrono::milliseconds age) { return std::chrono::duration<double>(age).count(); };
  impl_->changes_held_back.Set(seconds(health.held_back));
  impl_->change_streams.Set(static_cast<double>(streams));
  const std::lock_guard lock(impl_->mutex);
  auto gone = std::exchange(impl_->lags, {});
  for (const auto& subscriber : health.subscribers) {
    const std::pair key{subscriber.utility, subscriber.name};
    prom::Gauge& gauge =
        impl_->subscriber_lag.Add({{"utility", subscriber.utility}, {"subscriber", subscriber.name}});
    gauge.Set(seconds(subscriber.lag));
    impl_->lags[key] = &gauge;
    gone.erase(key);
  }
  for (const auto& [key, gauge] : gone) impl_->subscriber_lag.Remove(gauge);
}

void Metrics::collection(const std::string& feed, std::int64_t open_gaps, std::int64_t missing,
                         std::optional<double> completeness) {
  const prom::Labels label{{"feed", feed}};
  const auto set = [&](const char* name, const char* help, double value) {
    impl_->gauge(name, help).Add(label).Set(value);
  };
  set("ami_feed_gaps_open", "Stretches of missing values that are waited for", static_cast<double>(open_gaps));
  set("ami_feed_missing_values", "Values in them", static_cast<double>(missing));
  if (completeness) {
    set("ami_feed_completeness_ratio", "Received of expected values, of the newest civil day that is judged",
        *completeness);
  }
}

void Metrics::gaps_asked(const std::string& feed, std::size_t meters) {
  impl_->counter("ami_feed_gaps_asked_total", "Meters whose missing values were asked for again by the gateway itself")
      .Add({{"feed", feed}})
      .Increment(static_cast<double>(meters));
}

void Metrics::gaps_given_up(const std::string& feed, std::size_t gaps) {
  impl_->counter("ami_feed_gaps_given_up_total", "Gaps that the gateway gave up after their last try")
      .Add({{"feed", feed}})
      .Increment(static_cast<double>(gaps));
}

void Metrics::validated(std::size_t meter_days, const std::map<std::string, std::size_t>& findings) {
  impl_->counter("ami_validation_meter_days_total", "Civil days of a meter that were judged, repetitions counted")
      .Add({})
      .Increment(static_cast<double>(meter_days));
  auto& family = impl_->counter("ami_validation_findings_total", "What checks found in them");
  for (const auto& [check, count] : findings) family.Add({{"check", check}}).Increment(static_cast<double>(count));
}

void Metrics::validation_waiting(std::int64_t meter_days) {
  impl_->single("ami_validation_waiting", "Civil days of a meter that are due and not judged yet")
      .Set(static_cast<double>(meter_days));
}

void Metrics::threshold_suspect(const std::string& check, bool suspect) {
  impl_
      ->gauge("ami_validation_threshold_suspect",
              "1 while the check hits too large a share of the newest day's meters to be about the meters")
      .Add({{"check", check}})
      .Set(suspect ? 1 : 0);
}

void Metrics::queue(const std::string& name, std::function<std::size_t()> read) {
  const std::lock_guard lock(impl_->mutex);
  impl_->queues[name] = std::move(read);
}

void Metrics::journal(std::function<storage::JournalFigures()> read, std::uint64_t max_messages,
                      std::uint64_t max_bytes) {
  auto& m = *impl_;
  m.single("ami_journal_max_messages", "Bound of the messages in the journal").Set(static_cast<double>(max_messages));
  m.single("ami_journal_max_bytes", "Bound of the bytes in the journal").Set(static_cast<double>(max_bytes));
  const std::lock_guard lock(m.mutex);
  m.journal = std::move(read);
}

void Metrics::Impl::read_journal() {
  if (!journal) return;
  const auto figures = journal();
  const auto set = [&](const char* name, const char* help, const std::string& feed, double value) {
    gauge(name, help).Add({{"feed", feed}}).Set(value);
  };
  const auto now = std::chrono::system_clock::now();
  for (const auto& feed : figures.feeds) {
    set("ami_journal_messages", "Pushed messages that are acknowledged and not stored yet", feed.feed,
        static_cast<double>(feed.messages));
    set("ami_journal_bytes", "Their bytes", feed.feed, static_cast<double>(feed.bytes));
    const std::chrono::duration<double> age = feed.oldest ? now - *feed.oldest : std::chrono::duration<double>{0};
    set("ami_journal_oldest_age_seconds", "How long the oldest of them has waited", feed.feed,
        std::max(0.0, age.count()));
  }
  const auto rise = [&](const char* name, const char* help, std::uint64_t value) {
    auto& sum = counter(name, help).Add({});
    sum.Increment(std::max(0.0, static_cast<double>(value) - sum.Value()));
  };
  single("ami_journal_waiting", "Messages handed in and not durable yet").Set(static_cast<double>(figures.waiting));
  rise("ami_journal_appended_total", "Pushed messages that were made durable", figures.appended);
  rise("ami_journal_repeated_total", "Pushed messages that were in the journal already", figures.repeated);
  rise("ami_journal_refused_total", "Pushed messages pushed back: full, or the disk failed", figures.refused);
  rise("ami_journal_commits_total", "Transactions, each synced once for all messages in it", figures.commits);
  rise("ami_journal_damages_total", "Damaged journal files that were set aside", figures.damages);
  rise("ami_journal_salvaged_total", "Messages that were carried over from a damaged file", figures.salvaged);
  rise("ami_journal_lost_total", "Messages that a damaged file did not give back", figures.lost);
}

void Metrics::commands(std::function<std::vector<CommandCounts>()> read) {
  const std::lock_guard lock(impl_->mutex);
  impl_->commands = std::move(read);
}

void Metrics::Impl::read_commands() {
  if (!commands) return;
  for (const CommandCounts& of : commands()) {
    const auto set = [&](const char* name, const char* help, double value) {
      gauge(name, help).Add({{"feed", of.feed}}).Set(value);
    };
    const auto rise = [&](const char* name, const char* help, std::uint64_t value, prom::Labels labels = {}) {
      labels.emplace("feed", of.feed);
      auto& sum = counter(name, help).Add(labels);
      sum.Increment(std::max(0.0, static_cast<double>(value) - sum.Value()));
    };
    set("ami_command_waiting", "Meters that wait to be asked", static_cast<double>(of.waiting));
    set("ami_command_in_flight", "Meters that are asked now", static_cast<double>(of.in_flight));
    set("ami_command_paused", "1 while nothing is asked because what was sent did not leave", of.paused ? 1 : 0);
    rise("ami_command_attempts_total", "Attempts handed to the adapter", of.attempts);
    rise("ami_command_joined_total", "Targets that share the attempt of an equal request", of.joined);
    rise("ami_command_not_left_total", "Meters of attempts that did not leave and are made again", of.not_left);
    rise("ami_command_queue_full_total", "Requests refused because the queue was full", of.refused);
    const char* const answers = "Answers that ended nothing";
    rise("ami_command_answers_total", answers, of.duplicates, {{"what", "duplicate"}});
    rise("ami_command_answers_total", answers, of.late, {{"what", "late"}});
    rise("ami_command_answers_total", answers, of.unknown, {{"what", "unknown"}});
    for (const CommandCounts::Ended& end : of.ended) {
      rise("ami_command_ended_total", "Targets that ended", end.count,
           {{"kind", end.kind}, {"state", end.state}, {"reason", end.reason}});
    }
    for (const auto& [outcome, count] : of.resets) {
      rise("ami_command_reset_checks_total", "Demand resets, by what values said of them in the end", count,
           {{"outcome", outcome}});
    }
  }
}

void Metrics::switching(std::function<SwitchCounts()> read) {
  const std::lock_guard lock(impl_->mutex);
  impl_->switching = std::move(read);
}

void Metrics::Impl::read_switching() {
  if (!switching) return;
  const SwitchCounts of = switching();
  const auto age_of = [now = std::chrono::system_clock::now()](const std::optional<UtcInstant>& since) {
    const std::chrono::duration<double> age = since ? now - *since : std::chrono::duration<double>{0};
    return std::max(0.0, age.count());
  };
  single("ami_switch_lease", "1 when this gateway is the one that sends switch commands").Set(of.sends ? 1 : 0);
  auto& states = gauge("ami_switch_operations",
                       "Switch operations that are live, unresolved or armed, by state; of the gateway that sends");
  double unresolved = 0;
  for (const auto& [state, count] : of.open) {
    states.Add({{"state", state}}).Set(static_cast<double>(count));
    if (state == "UNCERTAIN" || state == "CONTRADICTED") unresolved += static_cast<double>(count);
  }
  single("ami_switch_unresolved", "Operations whose outcome is not known, or is not what was said").Set(unresolved);
  single("ami_switch_oldest_unresolved_seconds", "For how long the oldest of them has been so")
      .Set(age_of(of.oldest_unresolved));
  for (const auto& [what, count] : of.told) {
    auto& sum = counter("ami_switch_told_total", "What people were told of, by what it was").Add({{"what", what}});
    sum.Increment(std::max(0.0, static_cast<double>(count) - sum.Value()));
  }
  for (const auto& [kind, count] : of.found) {
    auto& sum = counter("ami_switch_findings_raised_total", "Switches that were found elsewhere than where they are meant to be")
                    .Add({{"kind", kind}});
    sum.Increment(std::max(0.0, static_cast<double>(count) - sum.Value()));
  }
  auto& looks = counter("ami_switch_evidence_looks_total", "Looks at stored values for evidence of an operation").Add({});
  looks.Increment(std::max(0.0, static_cast<double>(of.looks) - looks.Value()));
  single("ami_switch_differences", "Such switches after the last comparison that this gateway made")
      .Set(static_cast<double>(of.differences));
  single("ami_switch_audit_position", "Last line of the switch audit that is sealed").Set(static_cast<double>(of.sealed));
  single("ami_switch_audit_unsealed", "Lines that are not sealed yet").Set(static_cast<double>(of.unsealed));
  single("ami_switch_audit_unsealed_age_seconds", "Age of the oldest of them")
      .Set(std::chrono::duration<double>(of.oldest_unsealed).count());
  single("ami_switch_audit_head_age_seconds", "Age of the newest signed head; 0 = there is none")
      .Set(age_of(of.head_at));
  single("ami_switch_audit_contradicted", "1 when what was sealed or signed is gone or is another")
      .Set(of.contradicted ? 1 : 0);
}

std::string Metrics::text() const {
  {
    const std::lock_guard lock(impl_->mutex);
    auto& family = impl_->gauge("ami_pool_work", "Pieces of work queued for or running in a pool of threads");
    impl_->read_journal();
    impl_->read_commands();
    impl_->read_switching();
    for (const auto& [name, read] : impl_->queues)
      family.Add({{"pool", name}}).Set(static_cast<double>(read()));
  }
  return prom::TextSerializer().Serialize(impl_->registry.Collect());
}

}  // namespace ami::daemon
