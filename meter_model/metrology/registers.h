// Registers as displayed, and what two readings of one say about the energy between them.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "meter_model/metrology/energy.h"
#include "meter_model/quantity/decimal.h"
#include "meter_model/result.h"
#include "meter_model/time/instant.h"

namespace ami::metrology {

// A kWh register: `digits` in all, `decimals` of them behind the point. 5x1 is {5, 0}, 6x0.1 is {6, 1}.
struct RegisterFormat {
  std::int32_t digits = 5;    // 1 … 9
  std::int32_t decimals = 0;  // 0 … digits - 1

  [[nodiscard]] Outcome check() const;  // what follows asks for a format that passed
  [[nodiscard]] Energy resolution() const;
  [[nodiscard]] std::int64_t modulus() const;  // steps of the resolution in one turn of the register

  // Truncated to the resolution, rolled over, with leading zeros: "00003", "99999.8". A negative net register
  // has a minus sign before the digits of its size; one that truncates to zero has none.
  [[nodiscard]] std::string display(Energy energy) const;
  // Steps of a reading in kWh. Off the resolution, negative or beyond the digits: error.
  [[nodiscard]] Result<std::int64_t> steps(const Decimal& reading_kwh) const;
};

// What two readings of a register that only counts up say (metrology reference 2.9).
struct RegisterDelta {
  enum class Verdict {
    Accepted,
    Suspect,       // more than the greatest power can give, or a drop of a register that was not left alone
    Undetermined,  // time enough for a whole turn, so that any number of turns fits, or a rise of a register
                   // that was not left alone: no energy is stated
  };
  Verdict verdict = Verdict::Accepted;
  bool wrapped = false;  // the second reading is the lower one
  Decimal kwh;           // secondary, modulo one turn; 0 when undetermined
  std::string reason;    // empty when accepted
};
struct ReadingPair {
  Decimal first_kwh, second_kwh;
  std::chrono::microseconds between{};  // above zero
  bool interrupted = false;             // meter exchange, register reset or reprogramming in between
};
// Both readings are truncated, so one step of the resolution is added to greatest power times time.
// pmax_w: what voltage and current allow, above zero (48 kW for form 2S CL200 at 240 V).
Result<RegisterDelta> register_delta(const RegisterFormat& format, const ReadingPair& pair,
                                     std::int64_t pmax_w);
// Signed: delivered less received, each judged by itself, the worse verdict of the two.
Result<RegisterDelta> net_delta(const RegisterFormat& format, const ReadingPair& delivered,
                                const ReadingPair& received, std::int64_t pmax_w);

// Energy that power can give in this time: the physical ceiling of an interval (check V12).
Energy energy_at(std::int64_t power_w, std::chrono::microseconds time);

// Instrument transformers. The meter's registers stay secondary; whoever needs primary values multiplies with
// the ratio in force at the time, and never writes the product back.
struct TransformerRatio {
  UtcInstant from{};  // in force from here until the next one
  Decimal ctr{1, 0};  // current transformer ratio, above zero: 200 A : 5 A is 40
  Decimal vtr{1, 0};  // voltage transformer ratio, above zero
};
class TransformerHistory {
 public:
  // In ascending order of `from`, at least one.
  static Result<TransformerHistory> create(std::vector<TransformerRatio> ratios);

  // secondary * CTR * VTR, exact. Errors: a time before the first ratio, a product that 64 bits do not hold.
  [[nodiscard]] Result<Decimal> primary(const Decimal& secondary, UtcInstant at) const;
  // The same for a difference of readings; refused when the ratio changes in (from, to).
  [[nodiscard]] Result<Decimal> primary_between(const Decimal& secondary, UtcInstant from,
                                                UtcInstant to) const;
  [[nodiscard]] Result<Decimal> primary_kh(const Decimal& kh_wh, UtcInstant at) const {
    return primary(kh_wh, at);
  }

 private:
  explicit TransformerHistory(std::vector<TransformerRatio> ratios) : ratios_(std::move(ratios)) {}
  [[nodiscard]] Result<const TransformerRatio*> in_force(UtcInstant at) const;
  std::vector<TransformerRatio> ratios_;
};

}  // namespace ami::metrology
