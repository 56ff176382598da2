// The value of a register at an instant at which nobody read it. Pure.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include "meter_model/quantity/reading_type.h"
#include "meter_model/vee/day_input.h"
#include "meter_model/vee/marks.h"

namespace ami::rpc {

inline constexpr std::string_view kReadAtAlgorithm = "ami.read-at";
inline constexpr int kReadAtVersion = 1;  // rises with every change that can change a value

// Whether readings of this type are states of a dial that adds up: the energy between two of them is their
// difference.
bool adds_up(const ReadingType& type);
// Whether a dial of this type counts what the intervals of that type are: alike but for their periods.
bool is_dial_of(const ReadingType& dial, const ReadingType& interval);

struct IntervalPiece {
  UtcInstant start{};
  std::chrono::seconds length{0};
  std::optional<Decimal> value;  // nullopt = missing
  vee::Marks marks;
};

struct ReadAtQuestion {
  UtcInstant at{};
  std::optional<vee::RegisterRead> before, after;  // before.at < at < after.at; of one meter
  bool net = false;                                // may fall as well as rise, and turns over neither way
  std::span<const IntervalPiece> intervals;        // of the dial, from before on, ascending by start
  const char* no_intervals = nullptr;              // set: none may be used, for this reason
  vee::ChannelProgramme programme;                 // what is known of the dial
  Decimal physical_factor{11, -1};                 // VeeConfig::physical_factor
  int boundary_pulses = 0;                         // VeeConfig::sum_boundary_pulses
};

struct ComputedRead {
  enum class Method { RegisterPlusIntervals, Linear };
  Method method{};
  Decimal value;
  bool wrapped = false;
  // Of RegisterPlusIntervals where there is a register after and the intervals reach it: what the registers
  // rose by less the sum of all intervals between, and the bound that its magnitude is below.
  std::optional<Decimal> difference, bound;
  std::size_t intervals = 0;  // so many, from the first one that begins at before.at
  std::string words;          // why not by the better method, or that nothing checks it; may be empty
};

struct ComputedOrWhyNot {
  std::optional<ComputedRead> read;
  std::string why_not;  // set when there is none; for a person
};

// The register before plus the intervals up to the instant, where these begin at that register, end at the
// instant and leave no hole; compared with the register after, where the intervals go on so far. The bound is
// that of V14: one step of the register, one pulse, and those that a feed may lose at the boundaries; where
// Ke is not known, the greatest number that all the intervals are multiples of. Else on the straight line
// between the two registers, halves up in the last place of the readings. Nothing at all where the registers
// contradict each other, as when one ran backwards and is not known to have turned over.
ComputedOrWhyNot compute_read(const ReadAtQuestion& question);

}  // namespace ami::rpc
