#include "daemon/switching/energy_series.h"

#include <algorithm>
#include <set>
#include <utility>

namespace ami::daemon::switching {
namespace {

using std::chrono::seconds;

constexpr Decimal kZero{0, 0};
constexpr std::size_t kFewest = 2;     // zeros in a row that say anything
constexpr std::int64_t kLongest = 96;  // a longer hole ends a run: nothing is gained by carrying it along

Weight weight_of(const QualityCode& code) {
  switch (code.category) {
    case 0:  // valid
    case 3:  // tamper: says nothing of the value
      return Weight::Full;
    case 1:  // diagnostics
    case 2:  // power quality: an outage is zero, opened or not
      return Weight::EnergyOnly;
    case 4:
      if (code.index == 16 || code.index == 259) return Weight::Full;  // summer time
      // Overflow, test data, not recording, reset.
      if (code.index == 1 || code.index == 5 || code.index == 7 || code.index == 8) return Weight::Nothing;
      return Weight::EnergyOnly;
    case 6:  // a check of "zero" and of "use while inactive" tells just what is looked for
      return code.index == 1 || code.index == 2 ? Weight::Full : Weight::Nothing;
    default:  // suspect, edited, estimated, derived, projected
      return Weight::Nothing;
  }
}

IntervalRun begin_run(UtcInstant start, seconds length) {
  IntervalRun out;
  out.start = start;
  out.length = length;
  return out;
}

// The energy of a channel, holes kept; of received energy zeros are holes, too.
void add_energy(const EnergyChannel& channel, UtcInstant from, UtcInstant until, std::vector<EvidenceItem>& out) {
  std::optional<IntervalRun> run;
  Decimal sum = kZero;
  const auto close = [&] {
    if (run) out.emplace_back(std::move(*run));
    run.reset();
  };
  for (auto slot = channel.slots.lower_bound(from); slot != channel.slots.end(); ++slot) {
    const auto& [start, value] = *slot;
    if (start + channel.length > until) break;
    if (value.weight == Weight::Nothing || value.kwh <= kZero) continue;
    if (run) {
      const auto next = run->start + run->length * static_cast<std::int64_t>(run->values_kwh.size());
      if (start < next || (start - next) % channel.length != std::chrono::microseconds{0} ||
          start - next > channel.length * kLongest) {
        close();
      } else {
        run->values_kwh.resize(static_cast<std::size_t>((start - run->start) / channel.length));
      }
    }
    if (!run) {
      run = begin_run(start, channel.length);
      run->carried_kwh = sum;
    }
    run->values_kwh.emplace_back(value.kwh);
    sum = sum.plus(value.kwh).value_or(sum);  // beyond what it holds it was energy long before
  }
  close();
}

bool arrives(const EnergyChannel& channel, UtcInstant start) {
  if (channel.slots.empty()) return false;
  return channel.slots.begin()->first <= start && start <= channel.slots.rbegin()->first + kChannelEnds;
}

// Zero in every channel of delivered energy that arrives at that time.
bool is_zero(const std::vector<const EnergyChannel*>& channels, UtcInstant start) {
  bool zero = false;
  for (const EnergyChannel* channel : channels) {
    const auto slot = channel->slots.find(start);
    if (slot == channel->slots.end()) {
      if (arrives(*channel, start)) return false;
      continue;
    }
    if (slot->second.weight != Weight::Full || slot->second.kwh != kZero) return false;
    zero = true;
  }
  return zero;
}

// The longest row of zeros.
void add_zeros(const std::vector<const EnergyChannel*>& channels, UtcInstant from, UtcInstant until,
               std::vector<EvidenceItem>& out) {
  const seconds length = channels.front()->length;
  std::set<UtcInstant> starts;
  for (const EnergyChannel* channel : channels) {
    for (auto slot = channel->slots.lower_bound(from); slot != channel->slots.end(); ++slot)
      if (slot->first + length <= until) starts.insert(slot->first);
  }
  IntervalRun run = begin_run(from, length), longest = run;
  const auto close = [&] {
    if (run.values_kwh.size() > longest.values_kwh.size()) std::swap(run, longest);
    run.values_kwh.clear();
  };
  for (const UtcInstant start : starts) {
    const bool zero = is_zero(channels, start);
    const auto next = run.start + length * static_cast<std::int64_t>(run.values_kwh.size());
    if (!zero || start != next) close();
    if (!zero) continue;
    if (run.values_kwh.empty()) run.start = start;
    run.values_kwh.emplace_back(kZero);
  }
  close();
  if (longest.values_kwh.size() >= kFewest) out.emplace_back(std::move(longest));
}

void add_dials(const std::vector<Dial>& dials, UtcInstant since, UtcInstant until, std::vector<EvidenceItem>& out) {
  std::vector<EvidenceItem> still;
  bool risen = false;
  for (const Dial& dial : dials) {
    const DialReading *first = nullptr, *last = nullptr;
    for (const DialReading& reading : dial.readings) {
      if (reading.at < since || reading.at >= until) continue;
      if (first == nullptr) first = &reading;
      last = &reading;
    }
    if (first == last) continue;
    const RegisterPair pair{first->kwh, last->kwh, first->at, last->at};
    if (last->kwh > first->kwh) {
      risen = true;
      out.emplace_back(pair);
    } else if (dial.flow == EnergyFlow::Delivered) {
      still.emplace_back(pair);
    }
  }
  // One that stands still beside one that rises is no register of this house's energy.
  if (!risen) out.insert(out.end(), still.begin(), still.end());
}

}  // namespace

Weight weight_of(const ValueQuality& quality) {
  Weight out = Weight::Full;
  for (const QualityCode& code : quality.codes) out = std::min(out, weight_of(code));
  return out;
}

std::vector<EvidenceItem> energy_items(const StoredEnergy& stored, UtcInstant since, UtcInstant from,
                                       UtcInstant until) {
  std::vector<EvidenceItem> out;
  std::map<seconds, std::vector<const EnergyChannel*>> delivered;
  for (const EnergyChannel& channel : stored.channels) {
    if (channel.length <= seconds{0}) continue;
    add_energy(channel, from, until, out);
    if (channel.flow == EnergyFlow::Delivered) delivered[channel.length].push_back(&channel);
  }
  add_dials(stored.dials, since, until, out);
  for (const auto& [length, channels] : delivered) add_zeros(channels, from, until, out);
  return out;
}

}  // namespace ami::daemon::switching
