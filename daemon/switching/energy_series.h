// What the stored energy of one meter can show of its switch. Pure.
//
// Missing is missing, never zero. A zero counts only where the vendor has nothing to say against it, and only of
// delivered energy: a channel of received energy is zero in most houses. Energy counts in either direction. What
// was estimated, edited or computed was not measured and counts for nothing.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "daemon/switching/evidence.h"
#include "meter_model/normaliser/reading.h"

namespace ami::daemon::switching {

enum class EnergyFlow : std::uint8_t { Delivered, Received };

enum class Weight : std::uint8_t {
  Nothing,     // not measured, or suspect
  EnergyOnly,  // part of an interval, a power failure: its energy is energy, its zero is no zero
  Full,
};
Weight weight_of(const ValueQuality& quality);

struct EnergyValue {
  Decimal kwh;
  Weight weight = Weight::Full;
};
// Intervals of one channel by start; what is not there is missing.
struct EnergyChannel {
  EnergyFlow flow = EnergyFlow::Delivered;
  std::chrono::seconds length{900};
  std::map<UtcInstant, EnergyValue> slots;
};
struct DialReading {
  UtcInstant at{};
  Decimal kwh;
};
// Readings of one register, in order of time.
struct Dial {
  EnergyFlow flow = EnergyFlow::Delivered;
  std::vector<DialReading> readings;
};
struct StoredEnergy {
  std::vector<EnergyChannel> channels;
  std::vector<Dial> dials;
};

// How long before and after the looked-at time a channel that fell silent still counts as one that arrives: its
// missing values are holes, and another channel's zeros do not stand in for them. Afterwards it was replaced, as
// with a module that was exchanged.
inline constexpr std::chrono::days kChannelEnds{3};

// Items for judge(), energy first: of intervals that begin at `from` or later and end by `until`, and of the first
// and last reading of each register in [since, until).
std::vector<EvidenceItem> energy_items(const StoredEnergy& stored, UtcInstant since, UtcInstant from,
                                       UtcInstant until);

}  // namespace ami::daemon::switching
