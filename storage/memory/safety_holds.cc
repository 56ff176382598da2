#include "storage/memory/safety_holds.h"

#include <algorithm>
#include <utility>

namespace ami::storage {
namespace {

Refusal refusal(Refusal::Kind kind, std::string message, std::string field) {
  Refusal out;
  out.kind = kind;
  out.message = std::move(message);
  out.field = std::move(field);
  return out;
}

const std::string& place_of(const HoldPlaces& places, HoldScope scope) {
  switch (scope) {
    case HoldScope::Meter:
      return places.meter;
    case HoldScope::UsagePoint:
      return places.usage_point;
    case HoldScope::Transformer:
      return places.transformer;
    case HoldScope::Feeder:
      break;
  }
  return places.feeder;
}

}  // namespace

MemorySafetyHolds::MemorySafetyHolds(MemorySwitching& book, MemorySwitching::Clock now)
    : book_(book), now_(std::move(now)) {
  book_.before_sent([this](const SwitchOperation& next) { return in_the_way(next); });
}

void MemorySafetyHolds::place(std::int32_t utility, MeterId meter, HoldPlaces places) {
  book_.locked([&] {
    places_[{utility, meter}] = std::move(places);
    return true;
  });
}

bool MemorySafetyHolds::in_force(const SafetyHold& hold) const {
  return !hold.lifted_at && (!hold.asked.expires_at || *hold.asked.expires_at > now_());
}

bool MemorySafetyHolds::known(const HoldRequest& request) const {
  return std::ranges::any_of(places_, [&](const auto& one) {
    return one.first.first == request.utility && place_of(one.second, request.scope) == request.place;
  });
}

HoldsFound MemorySafetyHolds::found(std::int32_t utility, const HoldPlaces& places) const {
  HoldsFound out;
  for (const auto& [id, hold] : holds_) {
    if (hold.asked.utility != utility || !in_force(hold)) continue;
    const std::string& here = place_of(places, hold.asked.scope);
    if (here.empty() && (hold.asked.scope == HoldScope::Transformer || hold.asked.scope == HoldScope::Feeder))
      out.place_unknown = true;
    if (!here.empty() && here == hold.asked.place) out.holds.push_back(hold);
  }
  return out;
}

std::optional<Refusal> MemorySafetyHolds::in_the_way(const SwitchOperation& next) const {
  const auto at = places_.find({next.asked.utility, next.asked.meter_id});
  HoldPlaces places;
  if (at != places_.end()) places = at->second;
  for (const SafetyHold& hold : found(next.asked.utility, places).holds) {
    if (!stops(hold.asked.effect, next.asked.action)) continue;
    const std::string id = std::to_string(hold.id), scope(name_of(hold.asked.scope));
    Refusal out = refusal(Refusal::Kind::Excluded,
                          "safety hold " + id + " is on " + scope + " " + hold.asked.place + ": nothing leaves",
                          "meter");
    out.rule = std::make_shared<const Rule>(
        Rule{"SAFETY_HOLD", {{"hold", id}, {"scope", scope}, {"place", hold.asked.place}}});
    return out;
  }
  return std::nullopt;
}

Answer<SafetyHold> MemorySafetyHolds::set(const HoldRequest& request) {
  return book_.locked([&]() -> Answer<SafetyHold> {
    const std::pair<const char*, const std::string*> needed[] = {{"place", &request.place},
                                                                 {"holder", &request.holder},
                                                                 {"role", &request.role},
                                                                 {"reason", &request.reason}};
    for (const auto& [field, value] : needed) {
      if (value->empty()) return refusal(Refusal::Kind::Invalid, std::string(field) + " is needed", field);
    }
    if (request.expires_at && *request.expires_at <= now_())
      return refusal(Refusal::Kind::Invalid, "expires_at must be later than now", "expires_at");
    if (!known(request)) {
      return refusal(Refusal::Kind::NotFound,
                     "asset data know no " + std::string(name_of(request.scope)) + " " + request.place +
                         ": a hold on it would stop nothing",
                     "place");
    }
    SafetyHold hold;
    hold.id = static_cast<HoldId>(holds_.size()) + 1;
    hold.asked = request;
    hold.set_at = now_();
    holds_[hold.id] = hold;
    return hold;
  });
}

Answer<SafetyHold> MemorySafetyHolds::lift(std::int32_t utility, HoldId id, const std::string& actor,
                                           const std::string& role, const std::string& reason) {
  return book_.locked([&]() -> Answer<SafetyHold> {
    if (actor.empty()) return refusal(Refusal::Kind::Invalid, "actor is needed", "actor");
    if (reason.empty()) return refusal(Refusal::Kind::Invalid, "reason is needed", "reason");
    const auto at = holds_.find(id);
    if (at == holds_.end() || at->second.asked.utility != utility)
      return refusal(Refusal::Kind::NotFound, "there is no safety hold " + std::to_string(id), "hold");
    SafetyHold& hold = at->second;
    if (hold.asked.role != role) {
      Refusal out = refusal(Refusal::Kind::Excluded,
                            "safety hold " + std::to_string(id) + " is lifted by role " + hold.asked.role + " alone",
                            "hold");
      out.rule = std::make_shared<const Rule>(Rule{"HOLD_OF_ANOTHER_ROLE", {{"role", hold.asked.role}}});
      return out;
    }
    if (hold.lifted_at) {
      return refusal(Refusal::Kind::AlreadyExists, "safety hold " + std::to_string(id) + " was lifted before",
                     "hold");
    }
    hold.lifted_at = now_();
    hold.lifted_by = actor;
    hold.lift_reason = reason;
    return hold;
  });
}

Answer<HoldsFound> MemorySafetyHolds::at(std::int32_t utility, const HoldPlaces& places) {
  return book_.locked([&]() -> Answer<HoldsFound> { return found(utility, places); });
}

Answer<std::vector<SafetyHold>> MemorySafetyHolds::list(std::int32_t utility, bool in_force_only, HoldId before,
                                                        std::size_t limit) {
  return book_.locked([&]() -> Answer<std::vector<SafetyHold>> {
    std::vector<SafetyHold> out;
    for (auto at = holds_.rbegin(); at != holds_.rend() && out.size() < limit; ++at) {
      const SafetyHold& hold = at->second;
      if (hold.asked.utility != utility || (before != 0 && hold.id >= before)) continue;
      if (!in_force_only || in_force(hold)) out.push_back(hold);
    }
    return out;
  });
}

}  // namespace ami::storage
