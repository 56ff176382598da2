// Inside the store only: the facts of many meter-days in few statements.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "storage/postgres/civil_days.h"
#include "storage/postgres/meter_day.h"
#include "storage/postgres/session.h"

namespace ami::storage {

// Channels of the meters of the days.
struct DayChannels {
  struct Channel {
    ChannelInfo info;
    bool withdrawals = false;
  };
  std::map<MeterId, std::vector<Channel>> of_meter;  // by id
};

struct LoadedDays {
  std::vector<MeterDayFacts> days;              // in the order asked for
  std::map<QualityId, ValueQuality> qualities;  // of all of them, as stored
  std::shared_ptr<const DayChannels> channels;  // null without days
};

// Within a transaction. The meters exist. Without a history. `as_of`: see Validation::facts.
LoadedDays load_meter_days(Session& session, CivilDays& civil, const std::vector<MeterDate>& wanted,
                           std::optional<UtcInstant> as_of = {});
// Gives each day a history that is good as long as the transaction.
void add_history(Session& session, CombinedQualities& qualities, LoadedDays& loaded);

// As a question of many rows by their keys should be planned; within the transaction.
inline constexpr const char* kByKeys =
    "SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off;"
    "SET LOCAL enable_bitmapscan = off; SET LOCAL plan_cache_mode = force_generic_plan";

// Parts of the loader: fill in what their name says of each of the days.
class Moment;
void load_registers_of(Session& session, Moment& moment, const DayChannels& channels,
                       std::vector<MeterDayFacts>& days);
void load_events_of(Session& session, std::vector<MeterDayFacts>& days, std::optional<UtcInstant> as_of);

}  // namespace ami::storage
