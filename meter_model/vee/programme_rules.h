// What is known of a meter's programme and could not be read from it: Ke, dials, limits. A site's data; a
// fact that no rule states stays unknown, and checks that need it say "not judged".
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "meter_model/quantity/decimal.h"

namespace ami::vee {

// Facts of the meters and channels that fit. Empty text fits all.
struct ProgrammeRule {
  std::string model;                     // the model begins so: "FOCUS AX"
  std::string form;                      // "2S"
  std::string class_a;                   // "200"; a CL in front counts for nothing
  std::string quantity;                  // name_of(Quantity): "ENERGY_DELIVERED"
  std::optional<Decimal> ke_wh;          // energy of one pulse, Wh (VAh, varh), secondary; above zero
  std::optional<int> register_digits;    // of a dial, all of them: 1 to 18
  std::optional<int> register_decimals;  // of these, behind the point of kWh (kVAh, kvarh)
  std::optional<Decimal> volts,
      amps;  // greatest of the service: with both, the power that cannot be exceeded
  std::optional<std::int64_t> largest_count;  // of pulses that an interval can hold: 255, 65535
  std::string assumed;                        // what a site has to confirm; empty = documented
  friend bool operator==(const ProgrammeRule&, const ProgrammeRule&) = default;
};

struct ProgrammeQuery {
  std::string_view model, form, class_a, quantity;  // empty = not known: fits no rule that asks for it
};

struct ChannelProgramme;  // day_input.h

// Puts what the rule states into the programme of a channel in Wh, VAh or varh.
void state(const ProgrammeRule& rule, ChannelProgramme& programme);

// Each fact from the first rule that fits and states it; `assumed` joins those of the rules that were used.
ProgrammeRule programme_of(std::span<const ProgrammeRule> rules, const ProgrammeQuery& query);

}  // namespace ami::vee
