#include "daemon/switching/late_evidence.h"

#include <algorithm>
#include <utility>

namespace ami::daemon::switching {
namespace {

constexpr std::chrono::seconds kClockTolerance{60};  // of the device's clock against ours
constexpr std::chrono::days kAhead{1};               // of a device's clock, or of an interval that has not ended

}  // namespace

UtcInstant since_of(const SwitchOperation& operation) {
  return operation.claimed_at.value_or(operation.sent_at.value_or(operation.asked.created_at) + operation.flight);
}

UtcInstant energy_since(const SwitchOperation& operation) {
  return since_of(operation) + kClockTolerance;
}

SwitchPosition position_from(std::string_view word) {
  for (const auto position : {SwitchPosition::Open, SwitchPosition::Armed, SwitchPosition::Closed}) {
    if (sdk::name_of(position) == word) return position;
  }
  return SwitchPosition::Unknown;
}

// One that is not verified may need a row of zeros as long as its time.
UtcInstant LateEvidence::first_look(const SwitchOperation& operation) const {
  const UtcInstant since = since_of(operation);
  return is_verified(operation.state) ? std::max(since, parts_.now() - settings_.late) : since;
}

UtcInstant LateEvidence::look_after(const SwitchOperation& operation, UtcInstant changed) const {
  const UtcInstant since = since_of(operation), near = changed - kChannelEnds;
  if (!is_verified(operation.state)) return since;
  const bool may_rise = operation.evidence < std::min(operation.attainable, kIntervals);
  return std::max(since, may_rise ? std::min(near, parts_.now() - settings_.late) : near);
}

void LateEvidence::tick() {
  const Engine::Steady now = parts_.steady();
  if (next_ && now < *next_) return;
  next_ = now + settings_.every;
  if (!parts_.engine.sends()) {
    seen_.clear();
    dirty_.clear();
    return;
  }
  if (round() && !dirty_.empty()) next_ = now + std::min(settings_.every, std::chrono::milliseconds{1'000});
}

// False: something could not be asked; a pause will do it good.
bool LateEvidence::round() {
  const UtcInstant now = parts_.now();
  const auto watched = parts_.watch.watched(now - settings_.late);
  if (!watched.ok()) {
    parts_.trouble(watched.refusal().message);
    return false;
  }
  bool whole = true;
  std::map<SwitchId, const storage::WatchedSwitch*> known;
  std::map<std::int32_t, std::vector<MeterId>> meters;
  for (const std::int32_t utility : utilities_) meters[utility];
  for (const storage::WatchedSwitch& one : *watched) {
    const SwitchOperation& operation = one.operation;
    known[operation.id] = &one;
    meters[operation.asked.utility].push_back(operation.asked.meter_id);
    utilities_.insert(operation.asked.utility);
  }
  std::erase_if(seen_, [&](const auto& entry) { return !known.contains(entry.first); });
  std::erase_if(dirty_, [&](const auto& entry) { return !known.contains(entry.first); });

  const auto mark = [&](const SwitchOperation& operation, UtcInstant from) {
    const auto [at, fresh] = dirty_.emplace(operation.id, from);
    if (!fresh) at->second = std::min(at->second, from);
  };
  for (auto& [utility, of_utility] : meters) {
    const auto news = parts_.source.news(utility, of_utility);
    if (!news.ok()) {
      parts_.trouble(news.refusal().message);
      whole = false;
      continue;
    }
    for (const storage::WatchedSwitch& one : *watched) {
      const SwitchOperation& operation = one.operation;
      if (operation.asked.utility != utility) continue;
      if (news->all) mark(operation, first_look(operation));
      if (const auto changed = news->since.find(operation.asked.meter_id); changed != news->since.end())
        mark(operation, look_after(operation, changed->second));
    }
  }
  for (const storage::WatchedSwitch& one : *watched) {
    const SwitchOperation& operation = one.operation;
    const Seen seen{operation.state, operation.claimed_at};
    const auto [before, fresh] = seen_.emplace(operation.id, seen);
    if (!fresh && before->second == seen) continue;
    before->second = seen;
    mark(operation, first_look(operation));
  }

  auto next = dirty_.upper_bound(tried_);
  for (std::size_t left = std::min(settings_.looks, dirty_.size()); left > 0; --left) {
    if (next == dirty_.end()) next = dirty_.begin();
    tried_ = next->first;
    const Outcome looked = look(*known.at(next->first), next->second);
    ++looks_;
    if (!looked.ok()) {
      parts_.trouble(looked.error().message);
      whole = false;
      ++next;
      continue;
    }
    next = dirty_.erase(next);
  }
  return whole;
}

Outcome LateEvidence::tell(const SwitchOperation& operation, const EvidenceItem& item) {
  return parts_.engine.learnt_of(operation.asked.utility, operation.id, item);
}

Outcome LateEvidence::look(const storage::WatchedSwitch& watched, UtcInstant from) {
  const SwitchOperation& operation = watched.operation;
  if (!operation.sent_at) return Done{};
  const MeterId meter = operation.asked.meter_id;
  const UtcInstant ahead = parts_.now() + kAhead;
  // What follows may be dated a little early by the device's clock.
  const UtcInstant until = watched.until ? std::min(*watched.until - kClockTolerance, ahead) : ahead;
  UtcInstant reported = *operation.sent_at - kClockTolerance;
  if (is_verified(operation.state)) reported = std::max(reported, std::min(from, parts_.now() - settings_.late));
  const auto positions = parts_.watch.positions(meter, reported, until);
  if (!positions.ok()) return transient(positions.refusal().message);
  for (const storage::ToldPosition& told : *positions) {
    const PositionReport report{position_from(told.position), told.at};
    if (Outcome weighed = tell(operation, report); !weighed.ok()) return weighed;
  }
  // While it may still act, and of an armed switch, energy tells nothing.
  if (operation.state == SwitchState::Sent || operation.state == SwitchState::Acknowledged) return Done{};
  if (operation.asked.action == SwitchAction::Arm) return Done{};
  const UtcInstant since = energy_since(operation);
  if (since >= until) return Done{};
  const auto energy = parts_.source.energy(meter, since, std::max(from, since), until);
  if (!energy.ok()) return transient(energy.refusal().message);
  for (const EvidenceItem& item : energy_items(*energy, since, std::max(from, since), until)) {
    if (Outcome weighed = tell(operation, item); !weighed.ok()) return weighed;
  }
  return Done{};
}

}  // namespace ami::daemon::switching
