// Runs that read kept content again: what was ordered, how far it is, and what differs (tables reprocess_*).
// Blocking, thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "meter_model/normaliser/reading.h"
#include "meter_model/result.h"
#include "storage/postgres/assets.h"
#include "storage/postgres/database.h"
#include "storage/postgres/refusal.h"

namespace ami::storage {

using RunId = std::int64_t;

enum class RunState : std::uint8_t { Checking, Writing, Done, Refused, Failed, Cancelled };

// Which contents: those of the sources, or else those of the feed (empty = every feed of the utility) that
// were received in `received`. Of them only values of `meters` (empty = all) in `period`.
struct RunOrder {
  UtilityId utility = 0;
  std::string ordered_by, cause;
  bool dry_run = true;
  std::vector<std::int64_t> sources;
  std::string feed;
  std::vector<MeterId> meters;
  Period period, received;
  std::int64_t rate = 0;  // values a second; 0 = as fast as possible
};

// Fingerprint of a feed's settings today; empty = not configured. A run is of one mapping: when it changes,
// the run ends.
struct FeedSettings {
  std::string feed, fingerprint;
};

struct RunCounts {
  std::int64_t intervals_added = 0, intervals_corrected = 0, intervals_retracted = 0,
               intervals_requalified = 0;
  std::int64_t registers_added = 0, registers_corrected = 0, registers_retracted = 0,
               registers_requalified = 0;
};

struct UnitDelta {
  std::string unit;
  std::string before, after, delta;  // exact decimals, of the differing intervals
};

struct ChannelDiff {
  MeterId meter = 0;
  std::string meter_key, key, reading_type, unit;
  RunCounts counts;
  std::string before, after, delta;  // of the differing intervals
  std::string register_delta;        // sum of the differences of corrected registers
  UtcInstant first_at{}, last_at{};
};

struct RunProblem {
  std::string feed, name, sha256, what;
};

struct Run {
  RunId id = 0;
  RunOrder order;  // without sources
  RunState state = RunState::Checking;
  std::string message;
  std::int64_t conflicts = 0, events = 0, quarantined = 0, settled = 0;
  UtcInstant ordered_at{};
  std::optional<UtcInstant> finished_at;

  std::int64_t contents = 0, contents_checked = 0, contents_to_write = 0, contents_written = 0,
               contents_unread = 0;
  std::int64_t bytes = 0, bytes_checked = 0, bytes_to_write = 0, bytes_written = 0;
  std::int64_t meters = 0, channels = 0;
  RunCounts counts;
  // Only from get().
  std::vector<UnitDelta> units;
  std::vector<ChannelDiff> top;
  std::vector<RunProblem> problems;
};

// The next content that a run has to look at.
struct RunContent {
  std::int32_t n = 0;
  std::string feed, sha256, name, fingerprint;
  UtcInstant received_at{};
  std::uint64_t end = 0, checked_to = 0, written_to = 0;
};

// What one stretch of a content differs in.
struct StretchDiff {
  std::vector<ChannelDiff> channels;  // sums as "123e-3"; names of meters are not needed
  std::int64_t conflicts = 0, events = 0, quarantined = 0, settled = 0;
  std::string conflict;  // the first, for a person
  MeterId conflict_meter = 0;
  [[nodiscard]] bool empty() const { return channels.empty() && events + quarantined + settled == 0; }
};

class ReprocessRuns {
 public:
  explicit ReprocessRuns(Database& database) : database_(database) {}

  // Writes the order with its list of contents. Invalid: no content is chosen. NotFound: a source that the
  // utility does not have.
  Answer<RunId> order(const RunOrder& order, const std::vector<FeedSettings>& feeds);
  Answer<Run> get(UtilityId utility, RunId id);
  Answer<PageOf<Run>> list(UtilityId utility, const PageRequest& page);  // newest first
  // A finished run stays what it is. What was written stays written; the same order again goes on.
  Answer<Run> cancel(UtilityId utility, RunId id);

  // For the worker. Errors: Transient, InDoubt = the same call again is harmless; Permanent = a defect.
  Result<std::optional<Run>> next();  // the oldest that is to be worked on, without diff
  // Next content in this phase of the run; none = the phase is over.
  Result<std::optional<RunContent>> next_content(const Run& run);
  // Once for each stretch: a stretch that was counted is not counted again.
  Outcome checked(RunId run, const RunContent& content, std::uint64_t to, const StretchDiff& diff);
  Outcome written(RunId run, const RunContent& content, std::uint64_t to);
  Outcome skip(RunId run, const RunContent& content, const std::string& problem);
  // Leaves `from` for `to`, if the run is (still) in it.
  Outcome enter(RunId run, RunState from, RunState to, const std::string& message);

 private:
  Database& database_;
};

std::string_view name_of(RunState state);

}  // namespace ami::storage
