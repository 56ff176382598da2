#include "daemon/rpc/switch_still_acting.h"

#include <algorithm>
#include <set>

#include "daemon/rpc/convert.h"
#include "daemon/rpc/switch_orders.h"

namespace ami::rpc {
namespace {

using storage::HoldScope;
using storage::SwitchAction;
using storage::SwitchOperation;
using storage::SwitchState;
using Operations = std::vector<SwitchOperation>;

constexpr std::size_t kPage = 500;
constexpr int kMostNames = 100;

storage::Answer<Operations> out_there(const Call& call, const storage::Utility& utility) {
  storage::SwitchQuery query;
  query.utility = utility.id;
  query.states = {SwitchState::Sent, SwitchState::Acknowledged, SwitchState::Uncertain};
  query.limit = kPage;
  Operations out;
  for (;;) {
    const auto page = switching_of(call).book.list(query);
    if (!page.ok()) return page.refusal();
    for (const SwitchOperation& one : *page) {
      if (one.sent_at && *one.sent_at + one.flight > call.now()) out.push_back(one);
    }
    if (page->size() < kPage) return out;
    query.before = page->back().id;
  }
}

// Keeps those on the transformer or feeder, and those of which nobody knows where they are.
bool keep_on(const Call& call, const storage::Utility& utility, const storage::HoldRequest& hold, Operations& found) {
  std::set<std::string> keys;
  for (const SwitchOperation& one : found) keys.insert(one.asked.usage_point);
  const auto points = call.assets().usage_points_by_key(utility.id, {keys.begin(), keys.end()});
  if (!points.ok()) return false;
  std::set<std::string> elsewhere;
  for (const storage::UsagePoint& point : *points) {
    for (const storage::UsagePointDetail& detail : point.details) {
      const std::string& place = hold.scope == HoldScope::Feeder ? detail.feeder : detail.transformer;
      if (detail.valid.contains(call.now()) && !place.empty() && place != hold.place) elsewhere.insert(point.key);
    }
  }
  std::erase_if(found, [&](const SwitchOperation& one) { return elsewhere.contains(one.asked.usage_point); });
  return true;
}

void fill(const storage::Utility& utility, const Operations& found, v1::StillActing& message) {
  message.set_known(true);
  message.set_commands(static_cast<std::int64_t>(found.size()));
  std::optional<UtcInstant> until;
  for (const SwitchOperation& one : found) {
    const UtcInstant end = *one.sent_at + one.flight;
    until = until ? std::max(*until, end) : end;
    if (message.names_size() < kMostNames) message.add_names(switch_name(utility.key, one.id));
  }
  if (until) *message.mutable_until_time() = to_proto(*until);
}

}  // namespace

void fill_still_acting(const Call& call, const storage::Utility& utility, const storage::HoldRequest& hold,
                       v1::StillActing& message) {
  message.set_known(false);
  auto found = out_there(call, utility);
  if (!found.ok()) return;
  std::erase_if(*found, [&](const SwitchOperation& one) {
    return !storage::stops(hold.effect, one.asked.action) ||
           (hold.scope == HoldScope::Meter && one.asked.meter != hold.place) ||
           (hold.scope == HoldScope::UsagePoint && one.asked.usage_point != hold.place);
  });
  const bool wide = hold.scope == HoldScope::Feeder || hold.scope == HoldScope::Transformer;
  if (wide && !found->empty() && !keep_on(call, utility, hold, *found)) return;
  fill(utility, *found, message);
}

void fill_still_acting(const Call& call, const storage::Utility& utility, storage::StopScope stop,
                       v1::StillActing& message) {
  message.set_known(false);
  auto found = out_there(call, utility);
  if (!found.ok()) return;
  std::erase_if(*found, [&](const SwitchOperation& one) {
    return stop == storage::StopScope::Opens && one.asked.action != SwitchAction::Open;
  });
  fill(utility, *found, message);
}

}  // namespace ami::rpc
