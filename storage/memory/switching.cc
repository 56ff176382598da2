#include "storage/memory/switching.h"

#include <algorithm>
#include <utility>

namespace ami::storage {
namespace {

Refusal refusal(Refusal::Kind kind, std::string message, std::string field = {}) {
  Refusal out;
  out.kind = kind;
  out.message = std::move(message);
  out.field = std::move(field);
  return out;
}

Refusal excluded(const char* rule, std::string message, std::map<std::string, std::string> facts) {
  Refusal out = refusal(Refusal::Kind::Excluded, std::move(message), "meter");
  out.rule = std::make_shared<const Rule>(Rule{rule, std::move(facts)});
  return out;
}

bool open_without_end(const SwitchOperation& row) {
  return row.asked.action == SwitchAction::Open && (live(row.state) || row.state == SwitchState::Uncertain);
}

}  // namespace

std::optional<Refusal> MemorySwitching::in_the_way(const SwitchOperation& next) const {
  for (const auto& [id, row] : rows_) {
    if (id == next.id || row.asked.meter_id != next.asked.meter_id) continue;
    const std::map<std::string, std::string> facts{{"operation", std::to_string(id)},
                                                   {"state", std::string(name_of(row.state))}};
    if (live(row.state) && live(next.state)) {
      return excluded("SWITCH_LIVE",
                      "meter " + next.asked.meter + " has operation " + std::to_string(id) + " under way",
                      facts);
    }
    if (open_without_end(row) && open_without_end(next)) {
      return excluded("SWITCH_UNCERTAIN",
                      "whether OPEN " + std::to_string(id) + " of meter " + next.asked.meter +
                          " was carried out is not known: resolve it first",
                      facts);
    }
  }
  return std::nullopt;
}

void MemorySwitching::write(const SwitchOperation& now, std::optional<SwitchState> from,
                            const SwitchNote& note) {
  audit_.push_back(
      {static_cast<std::int64_t>(audit_.size()) + 1, now.id, now.version, from, now.state, note});
  outbox_.push_back({static_cast<std::int64_t>(outbox_.size()) + 1, now.id, now.version, now.state});
  rows_[now.id] = now;
}

Answer<SwitchStore::Created> MemorySwitching::create(const SwitchAsked& asked, const SwitchNote& note) {
  const std::lock_guard lock(mutex_);
  for (const auto& [id, row] : rows_) {
    if (row.asked.utility != asked.utility || row.asked.caller != asked.caller ||
        row.asked.request_id != asked.request_id)
      continue;
    if (row.asked.body == asked.body) return Created{row, true};
    return refusal(Refusal::Kind::Collision,
                   "request_id \"" + asked.request_id + "\" was used before, for switch operation " +
                       std::to_string(id) + ", which asked for something else: take a new one",
                   "request_id");
  }
  SwitchOperation row;
  row.id = static_cast<SwitchId>(rows_.size()) + 1;
  row.version = 1;
  row.asked = asked;
  if (auto other = in_the_way(row)) return *other;
  write(row, std::nullopt, note);
  return Created{row, false};
}

Answer<Done> MemorySwitching::move(const SwitchOperation& next, const SwitchNote& note,
                                   const std::optional<SwitchLease>& lease) {
  const std::lock_guard lock(mutex_);
  if (lease && (lease->holder != lease_.holder || lease->epoch != lease_.epoch || lease_until_ <= now_())) {
    return excluded("NOT_THE_SENDER", "another gateway sends: nothing leaves from here",
                    {{"holder", lease->holder}});
  }
  const auto found = rows_.find(next.id);
  if (found == rows_.end() || found->second.version + 1 != next.version) {
    return refusal(Refusal::Kind::Collision,
                   "switch operation " + std::to_string(next.id) + " has moved on meanwhile", "version");
  }
  if (auto other = in_the_way(next)) return *other;
  SwitchOperation row = next;
  row.asked = found->second.asked;
  if (gate_ && row.state == SwitchState::Sent && found->second.state != SwitchState::Sent) {
    if (auto refused = gate_(row)) return *refused;
  }
  write(row, found->second.state, note);
  return Done{};
}

Answer<SwitchOperation> MemorySwitching::get(std::int32_t utility, SwitchId id) {
  const std::lock_guard lock(mutex_);
  const auto found = rows_.find(id);
  if (found == rows_.end() || found->second.asked.utility != utility)
    return refusal(Refusal::Kind::NotFound, "there is no switch operation " + std::to_string(id),
                   "operation");
  return found->second;
}

Answer<std::optional<SwitchOperation>> MemorySwitching::by_transaction(const std::string& transaction) {
  const std::lock_guard lock(mutex_);
  for (const auto& [id, row] : rows_) {
    if (!transaction.empty() && row.transaction == transaction) return std::optional(row);
  }
  return std::optional<SwitchOperation>{};
}

Answer<std::vector<SwitchOperation>> MemorySwitching::open_books() {
  const std::lock_guard lock(mutex_);
  std::vector<SwitchOperation> out;
  for (const auto& [id, row] : rows_) {
    if (live(row.state) || unresolved(row) || (row.state == SwitchState::VerifiedArmed && !row.resolved_at))
      out.push_back(row);
  }
  return out;
}

Answer<std::vector<SwitchOperation>> MemorySwitching::of_meter(MeterId meter, std::size_t limit) {
  const std::lock_guard lock(mutex_);
  std::vector<SwitchOperation> out;
  for (auto at = rows_.rbegin(); at != rows_.rend() && out.size() < limit; ++at) {
    if (at->second.asked.meter_id == meter) out.push_back(at->second);
  }
  return out;
}

Answer<std::vector<SwitchOperation>> MemorySwitching::list(const SwitchQuery& query) {
  const std::lock_guard lock(mutex_);
  const auto still_to_go = [&](const SwitchOperation& row) {
    return row.truck_roll && !row.resolved_at && std::ranges::none_of(rows_, [&](const auto& later) {
      return later.first > row.id && later.second.asked.meter_id == row.asked.meter_id &&
             (later.second.state == SwitchState::VerifiedClosed || later.second.state == SwitchState::VerifiedArmed);
    });
  };
  const auto wanted = [&](const SwitchOperation& row) {
    return row.asked.utility == query.utility && (!query.meter || row.asked.meter_id == *query.meter) &&
           (query.states.empty() || std::ranges::find(query.states, row.state) != query.states.end()) &&
           (!query.unresolved_only || unresolved(row)) && (!query.truck_roll_only || still_to_go(row)) &&
           (!query.since || row.asked.created_at >= *query.since) &&
           (query.before == 0 || row.id < query.before);
  };
  std::vector<SwitchOperation> out;
  for (auto at = rows_.rbegin(); at != rows_.rend() && out.size() < query.limit; ++at) {
    if (wanted(at->second)) out.push_back(at->second);
  }
  return out;
}

Answer<std::vector<SwitchAuditLine>> MemorySwitching::audit(SwitchId id) {
  const std::lock_guard lock(mutex_);
  std::vector<SwitchAuditLine> out;
  std::ranges::copy_if(audit_, std::back_inserter(out),
                       [&](const auto& line) { return line.operation == id; });
  return out;
}

Answer<std::vector<SwitchOutboxLine>> MemorySwitching::outbox(std::int64_t after, std::size_t limit) {
  const std::lock_guard lock(mutex_);
  std::vector<SwitchOutboxLine> out;
  for (const SwitchOutboxLine& line : outbox_) {
    if (line.id > after && out.size() < limit) out.push_back(line);
  }
  return out;
}

Answer<Done> MemorySwitching::refused(const SwitchRefusal& refusal) {
  const std::lock_guard lock(mutex_);
  SwitchRefusal line = refusal;
  line.id = static_cast<std::int64_t>(refusals_.size()) + 1;
  constexpr std::size_t kLongestText = 200;
  for (std::string* text : {&line.meter, &line.usage_point, &line.reason, &line.order_id, &line.caller,
                            &line.request_id, &line.on_behalf_of, &line.rule})
    text->resize(std::min(text->size(), kLongestText));
  refusals_.push_back(std::move(line));
  return Done{};
}

Answer<std::vector<SwitchRefusal>> MemorySwitching::refusals(std::int32_t utility, std::size_t limit) {
  const std::lock_guard lock(mutex_);
  std::vector<SwitchRefusal> out;
  for (auto line = refusals_.rbegin(); line != refusals_.rend() && out.size() < limit; ++line) {
    if (line->utility == utility) out.push_back(*line);
  }
  return out;
}

Answer<std::optional<SwitchLease>> MemorySwitching::take_lease(const std::string& holder,
                                                               std::chrono::milliseconds span) {
  const std::lock_guard lock(mutex_);
  const UtcInstant now = now_();
  if (lease_.holder != holder) {
    if (lease_until_ > now) return std::optional<SwitchLease>{};
    lease_ = {holder, lease_.epoch + 1};
  }
  lease_until_ = now + span;
  return std::optional(lease_);
}

}  // namespace ami::storage
