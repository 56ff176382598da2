// Every number that is served under /metrics.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "meter_model/normaliser/reading.h"
#include "storage/ingest.h"
#include "storage/journal/journal.h"
#include "storage/postgres/changes.h"

namespace ami::daemon {

// Of one feed; thread-safe.
class FeedMetrics {
 public:
  ~FeedMetrics();
  void stored(const NormalisedBatch& batch, const storage::CommitCounts& counts, std::size_t observations,
              double seconds, UtcInstant now);
  void skipped(std::uint64_t records);
  void retried();
  void refused();
  void waiting(int change);  // commits that an adapter waits for: +1, -1
  void restarted();
  void up(bool running);

 private:
  friend class Metrics;
  struct Impl;
  explicit FeedMetrics(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

class Metrics {
 public:
  explicit Metrics(const std::string& version);
  ~Metrics();

  FeedMetrics& feed(const std::string& name);  // same object for the same name; lives as long as this
  void ready(bool ready);
  void database_up(bool up);
  void directory(std::int64_t version, std::size_t entries);
  // Of one feed. No ratio: no day of it is judged yet.
  void collection(const std::string& feed, std::int64_t open_gaps, std::int64_t missing,
                  std::optional<double> completeness);
  // What one step of validation did: meter-days judged, and their findings by check ("V14").
  void validated(std::size_t meter_days, const std::map<std::string, std::size_t>& findings);
  void validation_waiting(std::int64_t meter_days);  // that are due and not judged yet
  void threshold_suspect(const std::string& check, bool suspect);
  void change_feed(const storage::FeedHealth& health, std::size_t streams);
  // The journal of pushed messages, asked for when metrics are read. `read` is called from any thread.
  void journal(std::function<storage::JournalFigures()> read, std::uint64_t max_messages, std::uint64_t max_bytes);
  // A gauge whose value is asked for when metrics are read. `read` is called from any thread.
  void queue(const std::string& name, std::function<std::size_t()> read);
  [[nodiscard]] std::string text() const;  // Prometheus text format 0.0.4

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ami::daemon
