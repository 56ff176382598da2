// What of one series is missing: pure, without a database.
//
// The value that sets a programme starts slots of its own length: from + k * interval_s, until the next
// programme begins. A slot is expected when it lies wholly inside one installation of the meter and before
// the next programme. It is missing when values cover less than half of it. A slot belongs to every range
// that it overlaps, so a slot over the edge of two ranges is judged with both, the second time for good.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "meter_model/time/zone.h"
#include "storage/postgres/assets.h"

namespace ami::storage {

enum class GapReason : std::uint8_t {
  NotReceived,
  VendorFlag,  // the sender said that it has no value
  Withdrawn,   // there was a value, and it was taken back
};

struct Programme {
  UtcInstant from{};
  std::int64_t channel = 0;
  std::int32_t interval_s = 0;  // 0 = one value a civil day
  bool operator==(const Programme&) const = default;
};

struct SeriesValue {
  UtcInstant start{};
  std::int64_t length_s = 0;
  std::int64_t channel = 0;
  bool sets_programme = true;  // false: covers time, and says nothing of what comes next
};
struct Unvalued {
  Period time;
  GapReason reason = GapReason::VendorFlag;
};

struct SeriesFacts {
  bool registers = false;             // then a value stands for its civil day: start and length are the day's
  std::vector<Programme> programmes;  // as known, by time
  std::vector<SeriesValue> values;    // any order; all that overlap the slots of the range
  std::vector<Unvalued> unvalued;
  std::vector<Period> installed;  // by time, disjoint
};

struct MissingRun {
  UtcInstant from{}, to{};
  std::int64_t channel = 0;
  std::int32_t interval_s = 0;
  std::int32_t slots = 0;
  GapReason reason = GapReason::NotReceived;
};

struct Judgement {
  std::vector<Programme> programmes;  // all of the series
  std::vector<MissingRun> missing;    // slots that overlap the range, by time
  std::vector<Period> covered;        // by values, by time, disjoint
  // The programme at the end of the range is another one than before: judge again up to here.
  std::optional<UtcInstant> extend_to;
};

// `range` ends at or before judged_to; slots that begin there or later are not judged.
Judgement judge(const SeriesFacts& facts, const Period& range, UtcInstant judged_to, const Zone& zone);

// A gap that is not closed.
struct StoredGap {
  std::int64_t id = 0;
  UtcInstant from{}, to{};
  std::int64_t channel = 0;
  std::int32_t interval_s = 0;
  std::int32_t slots = 0;
  GapReason reason = GapReason::NotReceived;
  bool given_up = false;
};
struct GapWrite {
  std::int64_t id = 0;       // 0 = a new one
  std::int64_t copy_of = 0;  // new, split off this one that was given up
  MissingRun run;
};
struct GapClose {
  std::int64_t id = 0;
  bool filled = false;           // by values; else no longer expected
  std::int64_t merged_into = 0;  // goes on as part of this one
};
struct GapPlan {
  std::vector<GapWrite> writes;
  std::vector<GapClose> closes;
};

// What turns the stored gaps of the series (all near the range, by time) into what was judged. A gap never
// reaches from one installation into another.
GapPlan reconcile(std::span<const StoredGap> stored, const Period& range, const Judgement& judged,
                  std::span<const Period> installed, const Zone& zone);

}  // namespace ami::storage
