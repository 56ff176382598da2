// Every number that is served under /metrics.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

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

// Commands of one feed, since the start.
struct CommandCounts {
  struct Ended {
    std::string kind, state, reason;  // of bounded sets
    std::uint64_t count = 0;
  };
  std::string feed;
  std::size_t waiting = 0, in_flight = 0;  // meters
  bool paused = false;
  std::uint64_t attempts = 0, joined = 0, not_left = 0, refused = 0;
  std::uint64_t duplicates = 0, late = 0, unknown = 0;  // answers
  std::vector<Ended> ended;
  // Demand resets by what values said of them in the end: "VERIFIED" …
  std::vector<std::pair<std::string, std::uint64_t>> resets{};
};

// Service switches, since the start or now.
struct SwitchCounts {
  bool sends = false;                                     // this gateway is the one that sends
  std::vector<std::pair<std::string, std::size_t>> open;  // operations by state; of the one that sends
  std::optional<UtcInstant> oldest_unresolved{};
  std::vector<std::pair<std::string, std::uint64_t>> told{};  // what people were told of, by name
  // Of the daily comparison of where switches are meant to be with where they are: findings that began, by
  // kind, and those of the last one.
  std::vector<std::pair<std::string, std::uint64_t>> found{};
  std::int64_t differences = 0;
  std::uint64_t looks = 0;  // at stored evidence
  // Of the audit.
  std::int64_t sealed = 0, unsealed = 0;
  std::chrono::microseconds oldest_unsealed{0};
  std::optional<UtcInstant> head_at{};
  bool contradicted = false;
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
  // Missing values that were asked for again, in meters, and gaps that nobody asks for any more.
  void gaps_asked(const std::string& feed, std::size_t meters);
  void gaps_given_up(const std::string& feed, std::size_t gaps);
  // What one step of validation did: meter-days judged, and their findings by check ("V14").
  void validated(std::size_t meter_days, const std::map<std::string, std::size_t>& findings);
  void validation_waiting(std::int64_t meter_days);  // that are due and not judged yet
  void threshold_suspect(const std::string& check, bool suspect);
  void change_feed(const storage::FeedHealth& health, std::size_t streams);
  // The journal of pushed messages, asked for when metrics are read. `read` is called from any thread.
  void journal(std::function<storage::JournalFigures()> read, std::uint64_t max_messages, std::uint64_t max_bytes);
  // Asked for when metrics are read. `read` is called from any thread.
  void commands(std::function<std::vector<CommandCounts>()> read);
  void switching(std::function<SwitchCounts()> read);  // likewise
  // A gauge whose value is asked for when metrics are read. `read` is called from any thread.
  void queue(const std::string& name, std::function<std::size_t()> read);
  [[nodiscard]] std::string text() const;  // Prometheus text format 0.0.4

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ami::daemon
