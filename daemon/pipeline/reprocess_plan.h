// What today's reading of a content says beside what was said of its slots before: the differences, and what
// has to be written so that today's reading counts. Pure.
#pragma once

#include <cstdint>
#include <set>
#include <utility>
#include <vector>

#include "meter_model/normaliser/reading.h"
#include "storage/postgres/reprocess_runs.h"
#include "storage/postgres/statements.h"

namespace ami::daemon {

struct ReprocessScope {
  std::set<MeterId> meters;  // empty = all
  storage::Period period;    // of the start of an interval, the time of a register
  [[nodiscard]] bool covers(MeterId meter) const { return meters.empty() || meters.contains(meter); }
};

struct StretchPlan {
  storage::StretchDiff diff;  // events and quarantine are not in it
  NormalisedBatch news;       // values that were not said before and have to be; no events, no quarantine
  // (channel, source) whose values do not count any more: today's reading does not say them, and nothing that
  // it says would outrank them.
  std::vector<std::pair<storage::ChannelId, storage::SourceId>> withdrawals;
  std::vector<storage::Retraction> retractions;  // answers that go away with them
  std::uint64_t values = 0;                      // of today's reading
};

// Rules, slot by slot of the channels in scope:
// * What is said already, with the same stamp, quality and value, is left alone, whatever the mapping
// version: neighbours
//   of a correction stay untouched.
// * Another value is written with today's mapping version and outranks what the stretch said before. Where
// that version
//   is not higher it would lose, or win by chance: a conflict.
// * What the stretch said and today's reading does not say at all (other reading type or unit, other times, a
// meter that
//   was named in the scope) is withdrawn. A withdrawal takes all values of a stretch in a channel, so what
//   today's reading still says there is written anew, beyond the period too.
StretchPlan plan_stretch(const NormalisedBatch& today, int mapping_version, const storage::Said& said,
                         const ReprocessScope& scope);

}  // namespace ami::daemon
