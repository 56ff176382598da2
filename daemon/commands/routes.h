// Which feed a meter is asked through, and by which name. Pure.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "adapters/sdk/adapter.h"
#include "storage/postgres/meter_ways.h"
#include "storage/postgres/operations.h"

namespace ami::daemon::commands {

struct FeedFacts {
  std::string name, family;
  storage::UtilityId utility = 0;
  sdk::Capabilities can;
  AliasKind names = AliasKind::Badge;  // CommandLimits::names
  bool from_books = false;  // gives a period of many meters at once: CommandLimits::backfill_targets
};

// Either a feed or a reason:
//   no_such_meter  the utility has none of that name
//   not_assigned   no feed of this gateway is known to reach the meter, or several may and nothing says which
//   not_stated     those that reach it do not state the command
//   no_name        the meter has no name that the far side would know
struct Route {
  std::string feed, vendor_id;
  std::string reason, words;
};

sdk::CommandKind command_of(storage::OperationKind kind);
bool states(const sdk::Capabilities& can, storage::OperationKind kind);

// What an interface must state; `words` names it for a person: "states no " + words.
struct Stated {
  std::function<bool(const sdk::Capabilities&)> by;
  std::string words;
};

// First the feeds that a name of the meter is for, then those that its values come from, the newest first,
// then, when it is but one, the feed of the same family as these or as the module in the meter.
Route route_of(const storage::MeterWays& ways, storage::UtilityId utility, const Stated& stated,
               const std::vector<FeedFacts>& feeds);
Route route_of(const storage::MeterWays& ways, storage::UtilityId utility, storage::OperationKind kind,
               const std::vector<FeedFacts>& feeds);

}  // namespace ami::daemon::commands
