#include "daemon/commands/routes.h"

#include <algorithm>
#include <cctype>

namespace ami::daemon::commands {
namespace {

// "FlexNet", "flex-net" and "flexnet" are one family.
std::string plain(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0)
      out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return out;
}

using Feeds = std::vector<const FeedFacts*>;

void add(Feeds& list, const FeedFacts* feed) {
  if (feed != nullptr && std::ranges::find(list, feed) == list.end()) list.push_back(feed);
}

const FeedFacts* with_name(const Feeds& of_utility, const std::string& name) {
  const auto found = std::ranges::find(of_utility, name, &FeedFacts::name);
  return found == of_utility.end() ? nullptr : *found;
}

std::string names_of(const Feeds& feeds) {
  std::string out;
  for (const FeedFacts* feed : feeds) out += (out.empty() ? "" : ", ") + feed->name;
  return out;
}

Route refused(std::string reason, std::string words) {
  return {{}, {}, std::move(reason), std::move(words)};
}

Route by(const FeedFacts& feed, const storage::MeterWays& ways) {
  const storage::Alias* best = nullptr;
  for (const storage::Alias& alias : ways.names) {
    if (alias.kind != feed.names || (!alias.feed.empty() && alias.feed != feed.name)) continue;
    if (best == nullptr || (best->feed.empty() && !alias.feed.empty())) best = &alias;
  }
  if (best == nullptr) {
    return refused("no_name", "meter " + ways.key + " has no " + std::string(name_of(feed.names)) +
                                  " that is valid now, by which feed " + feed.name + " asks for it");
  }
  return {feed.name, best->value, {}, {}};
}

}  // namespace

sdk::CommandKind command_of(storage::OperationKind kind) {
  switch (kind) {
    case storage::OperationKind::Read:
      return sdk::CommandKind::Read;
    case storage::OperationKind::Ping:
      return sdk::CommandKind::Ping;
    case storage::OperationKind::DemandReset:
      return sdk::CommandKind::DemandReset;
    case storage::OperationKind::Backfill:
      return sdk::CommandKind::Backfill;
  }
  return sdk::CommandKind::Read;
}

bool states(const sdk::Capabilities& can, storage::OperationKind kind) {
  switch (kind) {
    case storage::OperationKind::Read:
      return can.read_on_demand;
    case storage::OperationKind::Ping:
      return can.ping;
    case storage::OperationKind::DemandReset:
      return can.demand_reset;
    case storage::OperationKind::Backfill:
      return can.backfill;
  }
  return false;
}

Route route_of(const storage::MeterWays& ways, storage::UtilityId utility, storage::OperationKind kind,
               const std::vector<FeedFacts>& feeds) {
  return route_of(ways, utility,
                  {[kind](const sdk::Capabilities& can) { return states(can, kind); },
                   std::string(sdk::name_of(command_of(kind)))},
                  feeds);
}

Route route_of(const storage::MeterWays& ways, storage::UtilityId utility, const Stated& stated,
               const std::vector<FeedFacts>& feeds) {
  if (ways.meter == 0) {
    return refused("no_such_meter",
                   "no meter '" + ways.key + "' in this utility" +
                       (ways.nearest.empty() ? "" : "; the nearest is '" + ways.nearest + "'"));
  }
  Feeds of_utility, direct, kin;
  for (const FeedFacts& feed : feeds) {
    if (feed.utility == utility) of_utility.push_back(&feed);
  }
  for (const storage::Alias& alias : ways.names) add(direct, with_name(of_utility, alias.feed));
  for (const std::string& name : ways.delivers) add(direct, with_name(of_utility, name));
  for (const FeedFacts* feed : of_utility) {
    const std::string family = plain(feed->family);
    const bool related = family == plain(ways.module) || std::ranges::any_of(direct, [&](const FeedFacts* d) {
                           return plain(d->family) == family;
                         });
    if (related && std::ranges::find(direct, feed) == direct.end()) add(kin, feed);
  }
  for (const FeedFacts* feed : direct) {
    if (stated.by(feed->can)) return by(*feed, ways);
  }
  Feeds able;
  std::ranges::copy_if(kin, std::back_inserter(able),
                       [&](const FeedFacts* f) { return stated.by(f->can); });
  if (able.size() == 1) return by(*able.front(), ways);
  if (able.size() > 1) {
    return refused("not_assigned", "meter " + ways.key + " may belong to any of the feeds " + names_of(able) +
                                       ": give it a name for one of them");
  }
  for (const FeedFacts* feed : kin) add(direct, feed);
  if (direct.empty()) {
    return refused("not_assigned",
                   "meter " + ways.key +
                       " is not assigned to an adapter: no name of it is for a feed of this gateway,"
                       " none has delivered values of it, and none is of the family of its module");
  }
  return refused("not_stated", "the interface of " + names_of(direct) + " states no " + stated.words);
}

}  // namespace ami::daemon::commands
