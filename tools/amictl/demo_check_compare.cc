#include "tools/amictl/demo_check_compare.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace ami::amictl {
namespace {

constexpr std::string_view kUnmapped = "UNMAPPED";
constexpr std::array<std::string_view, kDifferences> kNames{
    "missing", "other value", "never sent", "twice", "other unit", "unknown meter", "events", "commands", "counts"};

UtcInstant day_of(UtcInstant at) {
  return std::chrono::floor<std::chrono::days>(at);
}

std::string place(const std::string& type, UtcInstant at, std::uint32_t length_s) {
  return type + " " + to_text(at) + (length_s == 0 ? "" : " +" + std::to_string(length_s) + "s");
}

std::string values_of(const std::vector<const Statement*>& said) {
  std::string text;
  std::vector<Decimal> told;
  for (const Statement* one : said) {
    if (one->delivery == Delivery::Lost || std::find(told.begin(), told.end(), one->value) != told.end()) continue;
    text += (text.empty() ? "" : " or ") + one->value.to_string();
    told.push_back(one->value);
  }
  return text;
}

}  // namespace

std::string_view name_of(Difference difference) {
  return kNames.at(static_cast<std::size_t>(difference));
}

bool Totals::equal() const {
  return std::all_of(different.begin(), different.end(), [](std::uint64_t count) { return count == 0; });
}

void Totals::add(const Totals& other) {
  constexpr std::array kCounts{&Totals::meters,          &Totals::slots_sent,       &Totals::slots_unsure,
                               &Totals::gaps,            &Totals::intervals,        &Totals::registers,
                               &Totals::events_sent,     &Totals::events_unsure,    &Totals::events,
                               &Totals::commands_executed, &Totals::commands_refused, &Totals::targets_succeeded,
                               &Totals::targets_ended,   &Totals::channel_days,     &Totals::other_meters};
  for (const auto count : kCounts) this->*count += other.*count;
  for (std::size_t i = 0; i < kDifferences; ++i) different.at(i) += other.different.at(i);
}

Comparison::Comparison(const Truth& truth, std::size_t keep) : truth_(truth), keep_(keep) {
  totals_.meters = truth.meters.size();
  for (const auto& [key, command] : truth.commands) {
    totals_.commands_executed += command.executed;
    totals_.commands_refused += command.refused;
  }
}

void Comparison::find(Difference difference, std::string words) {
  ++totals_.different.at(static_cast<std::size_t>(difference));
  if (findings_.size() < keep_) findings_.push_back({difference, meter_, std::move(words)});
}

void Comparison::unknown_meter(const std::string& meter) {
  meter_ = meter;
  done_.insert(meter);
  const auto said = truth_.meters.find(meter);
  if (said == truth_.meters.end()) return;
  const auto sent = [](const auto& one) { return one.delivery == Delivery::Sent; };
  bool any = std::any_of(said->second.events.begin(), said->second.events.end(), sent);
  for (const auto& [type, channel] : said->second.channels)
    any = any || std::any_of(channel.said.begin(), channel.said.end(), sent);
  if (any) find(Difference::UnknownMeter, "things were sent of it, and the gateway does not know it");
}

void Comparison::begin(const std::string& meter) {
  meter_ = meter;
  held_.clear();
  events_.clear();
}

void Comparison::value(const Stored& stored) {
  ++(stored.length_s == 0 ? totals_.registers : totals_.intervals);
  held_[std::string(stored.reading_type)].push_back(
      {stored.at, stored.value, stored.length_s, std::string(stored.channel), std::string(stored.unit)});
  // As ReconcileCounts counts: intervals wholly inside the day.
  const UtcInstant day = day_of(stored.at);
  if (stored.at + std::chrono::seconds{stored.length_s} > day + std::chrono::days{1}) return;
  Tally& tally = tallies_[{meter_, std::string(stored.channel), day}];
  if (stored.length_s == 0) {
    ++tally.registers;
    return;
  }
  ++tally.intervals;
  const auto sum = tally.sum.plus(stored.value);
  tally.exact = tally.exact && sum;
  if (sum) tally.sum = *sum;
}

void Comparison::event(StoredEvent event) {
  ++totals_.events;
  events_.push_back(std::move(event));
}

void Comparison::end() {
  done_.insert(meter_);
  static const SaidMeter kNothing{};
  const auto found = truth_.meters.find(meter_);
  const SaidMeter& said = found == truth_.meters.end() ? kNothing : found->second;
  for (const auto& [type, channel] : said.channels) {
    auto held = held_.extract(type);
    compare(type, channel, held.empty() ? std::vector<Held>{} : std::move(held.mapped()));
  }
  for (auto& [type, held] : held_) compare(type, SaidChannel{}, std::move(held));
  compare_events(said);
}

void Comparison::compare(const std::string& type, const SaidChannel& channel, std::vector<Held> held) {
  std::stable_sort(held.begin(), held.end(), [](const Held& a, const Held& b) { return a.at < b.at; });
  auto said = channel.said.begin();
  auto stored = held.begin();
  std::vector<const Statement*> said_here;
  std::vector<const Held*> held_here;
  while (said != channel.said.end() || stored != held.end()) {
    const UtcInstant at = said == channel.said.end() ? stored->at
                          : stored == held.end()     ? said->at
                                                     : std::min(said->at, stored->at);
    said_here.clear();
    held_here.clear();
    for (; said != channel.said.end() && said->at == at; ++said) said_here.push_back(&*said);
    for (; stored != held.end() && stored->at == at; ++stored) held_here.push_back(&*stored);
    compare_slot(type, channel, at, said_here, held_here);
  }
}

void Comparison::compare_slot(const std::string& type, const SaidChannel& channel, UtcInstant at,
                              const std::vector<const Statement*>& said, const std::vector<const Held*>& held) {
  const auto any = [&](Delivery delivery) {
    return std::any_of(said.begin(), said.end(), [&](const Statement* one) { return one->delivery == delivery; });
  };
  const bool sent = any(Delivery::Sent), unsure = any(Delivery::Unsure), lost = any(Delivery::Lost);
  if (sent) {
    ++totals_.slots_sent;
  } else if (unsure) {
    ++totals_.slots_unsure;
  }
  if (held.empty()) {
    if (sent)
      find(Difference::Missing, place(type, at, said.front()->length_s) + ": " + values_of(said) + " was sent");
    else if (!unsure && lost)
      ++totals_.gaps;
    return;
  }
  for (std::size_t i = 0; i < held.size(); ++i) {
    const Held& one = *held[i];
    const std::string where = place(type, at, one.length_s) + " in " + one.channel + ": ";
    if (std::any_of(held.begin(), held.begin() + static_cast<std::ptrdiff_t>(i),
                    [&](const Held* other) { return other->channel == one.channel; })) {
      find(Difference::Twice, where + one.value.to_string() + " is there twice");
      continue;
    }
    if (!sent && !unsure) {
      const bool zero = one.value == Decimal{};
      find(Difference::NeverSent, where + one.value.to_string() +
                                      (lost && zero ? " is there, and should be a gap, not a zero"
                                       : lost       ? " is there, and was lost"
                                                    : " is there, and was never sent"));
      continue;
    }
    if (one.unit != channel.unit) find(Difference::OtherUnit, where + one.unit + " instead of " + channel.unit);
    const auto same = [&](const Statement* other) {
      return other->delivery != Delivery::Lost && other->value == one.value;
    };
    const auto match = std::find_if(said.begin(), said.end(), same);
    if (match == said.end()) {
      find(Difference::OtherValue, where + one.value.to_string() + ", and " + values_of(said) + " was sent");
    } else if (std::none_of(said.begin(), said.end(), [&](const Statement* other) {
                 return same(other) && other->length_s == one.length_s;
               })) {
      find(Difference::OtherUnit, where + "the interval sent is " + std::to_string((*match)->length_s) + " s long");
    }
  }
}

// By count: what tells one fact again has a code of its own, and one that was sent twice has the same time.
void Comparison::compare_events(const SaidMeter& said) {
  struct Count {
    std::set<UtcInstant> sent, unsure, stored;
    std::uint64_t held = 0;
    std::set<std::string> raw;
    std::string name;
  };
  std::map<std::string, Count> counts;  // by code, or by name where there is none
  for (const SaidEvent& event : said.events) {
    Count& count = counts[event.code.empty() ? event.name : event.code];
    count.name = event.name;
    if (!event.raw.empty()) count.raw.insert(event.raw);
    if (event.delivery == Delivery::Sent) count.sent.insert(event.at);
    if (event.delivery == Delivery::Unsure) count.unsure.insert(event.at);
  }
  for (const StoredEvent& event : events_) {
    std::string key = event.code.empty() ? event.kind : event.code;
    if (event.kind == kUnmapped) {
      const auto known = std::find_if(counts.begin(), counts.end(),
                                      [&](const auto& one) { return one.second.raw.contains(event.vendor_code); });
      key = known == counts.end() ? event.vendor_code : known->first;
    }
    Count& count = counts[key];
    if (count.name.empty()) count.name = event.kind;
    ++count.held;
    count.stored.insert(event.at);
  }
  for (auto& [code, count] : counts) {
    std::erase_if(count.unsure, [&](UtcInstant at) { return count.sent.contains(at); });
    totals_.events_sent += count.sent.size();
    totals_.events_unsure += count.unsure.size();
    if (count.held >= count.sent.size() && count.held <= count.sent.size() + count.unsure.size()) continue;
    std::string words = count.name + " " + code + ": " + std::to_string(count.sent.size()) + " sent";
    if (!count.unsure.empty()) words += " and " + std::to_string(count.unsure.size()) + " unsure";
    words += ", " + std::to_string(count.held) + " there";
    const bool fewer = count.held < count.sent.size();
    const auto& all = fewer ? count.sent : count.stored;
    const auto& others = fewer ? count.stored : count.sent;
    const auto first = std::find_if(all.begin(), all.end(), [&](UtcInstant at) {
      return !others.contains(at) && (fewer || !count.unsure.contains(at));
    });
    if (first != all.end()) words += (fewer ? "; not there: " : "; never sent: ") + to_text(*first);
    find(Difference::Events, std::move(words));
  }
}

void Comparison::target(const StoredTarget& target) {
  if (target.state == "QUEUED" || target.state == "SENT") return;
  ++totals_.targets_ended;
  if (target.state == "SUCCEEDED") ++totals_.targets_succeeded;
  targets_[{target.transaction, target.meter}] = target.state;
}

void Comparison::count(const StoredCount& count) {
  const std::string& meter = count.meter;
  if (!truth_.meters.contains(meter)) return;
  meter_ = meter;
  ++totals_.channel_days;
  const auto found = tallies_.find({meter, count.channel, count.day});
  const Tally tally = found == tallies_.end() ? Tally{} : found->second;
  if (found != tallies_.end()) tallies_.erase(found);
  const std::string where = count.channel + " of " + to_text(count.day) + ": ";
  if (count.intervals != tally.intervals || count.registers != tally.registers) {
    find(Difference::Counts, where + std::to_string(count.intervals) + " intervals and " +
                                 std::to_string(count.registers) + " registers counted, " +
                                 std::to_string(tally.intervals) + " and " + std::to_string(tally.registers) +
                                 " read");
  } else if (tally.exact && count.interval_sum != tally.sum) {
    find(Difference::Counts, where + "a sum of " + count.interval_sum.to_string() + ", and the intervals read add up to " +
                                 tally.sum.to_string());
  }
}

void Comparison::finish(bool counted) {
  for (const auto& [name, meter] : truth_.meters) {
    if (done_.contains(name)) continue;
    begin(name);
    end();
  }
  for (const auto& [key, command] : truth_.commands) {
    meter_ = key.second;
    const bool moves = command.command == "open" || command.command == "close" || command.command == "arm" ||
                       command.command == "demand_reset";
    if (moves && command.executed > 1) {
      find(Difference::Commands, command.command + " " + key.first + " was executed " +
                                     std::to_string(command.executed) + " times");
    }
    const auto target = targets_.find(key);
    if (target != targets_.end() && target->second == "SUCCEEDED" && command.executed == 0)
      find(Difference::Commands, command.command + " " + key.first + " succeeded, and was never executed");
  }
  if (!counted) return;
  for (const auto& [key, tally] : tallies_) {
    meter_ = std::get<0>(key);
    find(Difference::Counts, std::get<1>(key) + " of " + to_text(std::get<2>(key)) + ": read, and not counted");
  }
}

}  // namespace ami::amictl
