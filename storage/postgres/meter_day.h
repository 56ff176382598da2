// What is stored about one meter around one civil day: what its validation looks at. Current values only; a
// statement that was taken back has given way to the next in rank. What validation itself said before is not
// in it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "storage/postgres/assets.h"
#include "storage/postgres/changes.h"
#include "storage/postgres/readers.h"

namespace ami::storage {

struct MeterDate {
  UtilityId utility = 0;
  MeterId meter = 0;
  // Civil, in the zone of the usage point where the meter is at 12:00 UTC of that date; if it is nowhere
  // then, of the last before, else of the first after, else of the utility.
  std::chrono::year_month_day date{};
  bool operator==(const MeterDate&) const = default;
};

// Another value that was stated for an interval, and lost by rank.
struct LostInterval {
  ChannelId channel = 0;
  UtcInstant start{};
  std::chrono::seconds length{0};
  Decimal value;
  bool same_stamp = true;  // as the current one's creation stamp: a contradiction, else a correction
};

// Version of a row of interval_day that the values came from.
struct RowVersion {
  ChannelId channel = 0;
  std::chrono::seconds length{0};
  std::chrono::sys_days day{};  // UTC
  std::int64_t version = 0;
  // False: of the intervals off the grid that begin on that UTC day and in the civil day, the sum of their
  // versions.
  bool grid = true;
};

// The last interval value of a channel before the window: a day without any value is missing it.
struct LastInterval {
  ChannelId channel = 0;
  UtcInstant start{};
  std::chrono::seconds length{0};
  SourceId source = 0;
};

// Values of a channel as layer Validated has them, with the dictionary that explains them.
using IntervalHistory = std::function<IntervalPage(ChannelId, const Period&)>;

struct MeterDayFacts {
  MeterDate of;
  std::string meter_key, zone;  // IANA
  Period day;                   // the civil day
  Period window;                // of intervals and events here: the day and 26 h on either side
  MeterFacts assets;
  std::vector<MeterStay> stays;  // all of the meter, by time

  std::vector<IntervalBlock> intervals;      // by channel, time; `span` is 0; off-grid ones have grid = false
  std::vector<LostInterval> lost;            // of slots that start in the window
  std::vector<LastInterval> last_intervals;  // of each channel; at most 40 days before the window
  std::vector<RowVersion> versions;          // of every row that touches the day
  // By channel, time: those of the window, and for each channel the last before and the first after it, at
  // most 40 days away.
  std::vector<RegisterRow> registers;
  std::vector<EventRow>
      events;  // of the window, and of each kind the last before it (at most 400 days), by time
  // For average daily use: the last read at or before day.from less 30 days, 365 days, and 395 days, each at
  // most 40 days older than that. By channel, time; one that serves twice is there once.
  std::vector<RegisterRow> earlier_registers;
  std::map<ChannelId, std::set<std::chrono::sys_days>>
      estimated_days;  // civil days before the day, at most 62, with estimates in force
  // Asked for up to 62 days before the day, when a hole needs like days or a day is estimated, and for a
  // month of such days or of the year before, when V19 has no dial to go by. Empty: none can be had. Throws
  // what a question to the database throws; good as long as the Database, inside a step as long as the step.
  IntervalHistory history;
  Dictionary
      dictionary;  // explains every id here, sources with their feed; codes of our validation are left out
};

}  // namespace ami::storage
