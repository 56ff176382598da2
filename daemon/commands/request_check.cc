#include "daemon/commands/request_check.h"

#include <algorithm>
#include <unordered_set>

namespace ami::daemon::commands {

using storage::Refusal;

namespace {

constexpr std::size_t kLongestText = 256;

Refused invalid(std::string message, std::string field) {
  return {{Refusal::Kind::Invalid, std::move(message), std::move(field), {}}, std::nullopt};
}

std::optional<Refused> check_period(const Request& r, UtcInstant now) {
  if ((r.kind == OperationKind::Backfill) != r.period.has_value())
    return invalid("is what a backfill is of, and nothing else", "period");
  if (!r.period) return std::nullopt;
  const auto& [from, to] = *r.period;
  if (from >= to) return invalid("must end after its start", "period");
  if (from >= now) return invalid("must begin before now: nothing is recorded yet", "period");
  if (to - kLongestBackfill > from) return invalid("must be 400 days at most", "period");
  return std::nullopt;
}

}  // namespace

std::optional<Refused> check(const Request& r, UtcInstant now) {
  if (r.meters.empty() || r.meters.size() > kMostMeters)
    return invalid("must be 1 to 10,000 meters, not " + std::to_string(r.meters.size()), "meters");
  if (r.kind == OperationKind::DemandReset && r.meters.size() != 1)
    return invalid("a demand reset is of one meter, not of " + std::to_string(r.meters.size()), "meters");
  if (std::ranges::any_of(r.meters, [](const auto& m) { return m.empty() || m.size() > kLongestText; }))
    return invalid("each must be the key of a meter, 1 to 256 bytes", "meters");
  if (r.caller.empty()) return invalid("must be said", "caller");
  if (r.request_id.empty() || r.request_id.size() > 128)
    return invalid("must be 1 to 128 bytes, and another for each thing that is asked for", "request_id");
  for (const auto& [text, field] :
       {std::pair{&r.order_id, "order_id"}, std::pair{&r.on_behalf_of, "on_behalf_of"},
        std::pair{&r.purpose, "purpose"}, std::pair{&r.caller, "caller"}}) {
    if (text->size() > kLongestText) return invalid("must be 256 bytes at most", field);
  }
  if (r.priority < 0 || r.priority > kHighestPriority)
    return invalid("must be 0 to 9, not " + std::to_string(r.priority), "priority");
  if (r.expiry && (*r.expiry < std::chrono::seconds{1} || *r.expiry > kLongestExpiry))
    return invalid("must be 1 s to 7 days", "expiry");
  return check_period(r, now);
}

storage::NewOperation asked_of(const Request& r, const Rules& rules, UtcInstant now) {
  storage::NewOperation out;
  out.utility = r.utility;
  out.kind = r.kind;
  out.caller = r.caller;
  out.request_id = r.request_id;
  out.order_id = r.order_id;
  out.on_behalf_of = r.on_behalf_of;
  out.purpose = r.purpose;
  out.priority = r.priority;
  out.expiry = r.expiry;
  out.created_at = now;
  out.expires_at = now + r.expiry.value_or(rules.expiry);
  out.read_before = rules.read_before_reset;
  out.period = r.period;
  out.choice = r.choice;
  std::unordered_set<std::string_view> seen;
  for (const std::string& meter : r.meters) {
    if (!seen.insert(meter).second) continue;
    storage::NewTarget target;
    target.meter = meter;
    out.targets.push_back(std::move(target));
  }
  return out;
}

}  // namespace ami::daemon::commands
