#include "meter_model/vee/register_advance.h"

#include <algorithm>

#include "meter_model/vee/exact.h"

namespace ami::vee {
namespace {

constexpr Decimal kMicrosecondsAnHour{36, 8};

}  // namespace

RegisterAdvance advance(const ChannelProgramme& programme, const RegisterRead& first,
                        const RegisterRead& second, bool interrupted, const Decimal& factor) {
  using Verdict = RegisterAdvance::Verdict;
  const bool wrapped = second.value < first.value;
  // Compared in energy times microseconds an hour, so that no quotient is rounded.
  std::optional<Decimal> possible_scaled;
  if (programme.limit_per_hour) {
    possible_scaled =
        product(programme.limit_per_hour->times(factor), Decimal{(second.at - first.at).count(), 0});
    const auto turn = product(programme.register_modulus, kMicrosecondsAnHour);
    if (possible_scaled && turn && *possible_scaled >= *turn) {
      return {Verdict::Undetermined, wrapped, std::nullopt, std::nullopt,
              "the register can turn over once or more in this time"};
    }
    const Decimal step = step_of(programme.register_resolution, first.value, second.value);
    possible_scaled = sum(possible_scaled, step.times(kMicrosecondsAnHour));
  }
  auto delta = second.value.minus(first.value);
  const auto suspect = [&](const char* why) {
    RegisterAdvance result{Verdict::Suspect, wrapped, delta, std::nullopt, why};
    // Shown, not compared: cut to a thousandth.
    if (possible_scaled)
      result.possible = Decimal{floor_mantissa(*possible_scaled, 3'600'000'000, -3), -3}.normalised();
    return result;
  };
  if (wrapped) {
    delta = sum(delta, programme.register_modulus);
    if (!delta) return suspect("the register ran backwards, and its digits are not known");
    if (*delta < Decimal{}) {
      delta.reset();
      return suspect("the first reading is beyond the register's digits");
    }
  }
  constexpr const char* kInterrupted = "an exchange, a reset or a reprogramming lies between the readings";
  if (interrupted && wrapped) return suspect(kInterrupted);
  if (interrupted) return {Verdict::Undetermined, wrapped, std::nullopt, std::nullopt, kInterrupted};
  if (wrapped && !possible_scaled)
    return suspect("the register ran backwards, and its greatest power is not known");
  const auto delta_scaled = product(delta, kMicrosecondsAnHour);
  if (possible_scaled && (!delta_scaled || *delta_scaled > *possible_scaled)) {
    return suspect(wrapped ? "the register ran backwards, and a wrap needs more than is possible"
                           : "the register rose by more than is possible in this time");
  }
  return {Verdict::Accepted, wrapped, delta, std::nullopt, ""};
}

bool interrupted_between(const MeterDay& meter, UtcInstant from, UtcInstant to) {
  return std::ranges::any_of(meter.interruptions, [&](UtcInstant at) { return from < at && at <= to; });
}

}  // namespace ami::vee
