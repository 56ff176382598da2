// What two readings of a register that only counts up say: the wrap rule of metrology reference 2.9 in any
// unit. (metrology/registers.h states it for the kWh registers of the reference meter; a test holds the two
// together.)
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "meter_model/vee/day_input.h"

namespace ami::vee {

struct RegisterAdvance {
  enum class Verdict : std::uint8_t { Accepted, Suspect, Undetermined };
  Verdict verdict = Verdict::Accepted;
  bool wrapped = false;
  std::optional<Decimal> delta;     // modulo one turn; none when it is not known, or is no energy
  std::optional<Decimal> possible;  // suspect only: greatest energy between the two, one step added, if known
  const char* why = "";             // empty when accepted
};

// factor: what the limit is multiplied with (VeeConfig::physical_factor). Without a modulus a lower reading
// is suspect; without a limit a wrap is. Where the register was exchanged, reset or reprogrammed in between
// no wrap may be assumed, so a lower reading is suspect; a higher one is no sign of a fault, only no energy
// either: undetermined, whatever it is higher by.
RegisterAdvance advance(const ChannelProgramme& programme, const RegisterRead& first,
                        const RegisterRead& second, bool interrupted, const Decimal& factor);

// Whether an exchange, a reset or a reprogramming lies in (from, to].
bool interrupted_between(const MeterDay& meter, UtcInstant from, UtcInstant to);

}  // namespace ami::vee
