#include "meter_model/metrology/registers.h"

#include <algorithm>
#include <utility>

namespace ami::metrology {
namespace {

constexpr std::int32_t kMostDigits = 9;
constexpr std::int64_t kNanowattsPerWatt = 1'000'000'000;

constexpr std::int64_t power_of_ten(std::int32_t power) {
  std::int64_t result = 1;
  for (; power > 0; --power) result *= 10;
  return result;
}

}  // namespace

Outcome RegisterFormat::check() const {
  if (digits < 1 || digits > kMostDigits) {
    return permanent("a register of " + std::to_string(digits) + " digits; 1 to 9 are possible");
  }
  if (decimals < 0 || decimals >= digits) {
    return permanent("a register of " + std::to_string(digits) + " digits with " + std::to_string(decimals) +
                     " decimals; 0 to " + std::to_string(digits - 1) + " are possible");
  }
  return Done{};
}

Energy RegisterFormat::resolution() const {
  return Energy::of(Energy::watthours(1000).units() / power_of_ten(decimals));
}

std::int64_t RegisterFormat::modulus() const {
  return power_of_ten(digits);
}

std::string RegisterFormat::display(Energy energy) const {
  const Int128 units = energy.units();
  const auto steps =
      static_cast<std::int64_t>((units < 0 ? -units : units) / resolution().units() % modulus());
  std::string text = std::to_string(steps);
  text.insert(0, static_cast<std::size_t>(digits) - text.size(), '0');
  if (decimals > 0) text.insert(static_cast<std::size_t>(digits - decimals), ".");
  if (units < 0 && steps != 0) text.insert(0, "-");
  return text;
}

Result<std::int64_t> RegisterFormat::steps(const Decimal& reading_kwh) const {
  const auto steps = reading_kwh.mantissa_at(-decimals);
  if (!steps || *steps < 0 || *steps >= modulus()) {
    return permanent("a register of " + std::to_string(digits) + " digits, " + std::to_string(decimals) +
                     " of them decimals, cannot show " + reading_kwh.to_string() + " kWh");
  }
  return *steps;
}

Energy energy_at(std::int64_t power_w, std::chrono::microseconds time) {
  return Energy::of(Int128{power_w} * kNanowattsPerWatt * time.count());
}

Result<RegisterDelta> register_delta(const RegisterFormat& format, const ReadingPair& pair,
                                     std::int64_t pmax_w) {
  using Verdict = RegisterDelta::Verdict;
  if (auto sound = format.check(); !sound) return sound.error();
  if (pmax_w <= 0 || pmax_w > kMaxPowerNw / kNanowattsPerWatt) {
    return permanent("greatest power " + std::to_string(pmax_w) + " W; 1 to " +
                     std::to_string(kMaxPowerNw / kNanowattsPerWatt) + " are possible");
  }
  if (pair.between <= pair.between.zero()) {
    return permanent("the second reading must be later than the first");
  }
  const auto first = format.steps(pair.first_kwh);
  if (!first) return first.error();
  const auto second = format.steps(pair.second_kwh);
  if (!second) return second.error();

  RegisterDelta delta;
  delta.wrapped = *second < *first;
  const Int128 possible = energy_at(pmax_w, pair.between).units();
  const Int128 step = format.resolution().units();
  if (possible >= step * format.modulus()) {
    delta.verdict = Verdict::Undetermined;
    delta.reason = std::to_string(pmax_w) + " W can turn the register over once or more in this time";
    return delta;
  }
  constexpr const char* kInterrupted = "an exchange, a reset or a reprogramming lies between the readings";
  if (pair.interrupted && !delta.wrapped) {  // only a wrap must not be assumed
    delta.verdict = Verdict::Undetermined;
    delta.reason = kInterrupted;
    return delta;
  }
  const std::int64_t steps = *second - *first + (delta.wrapped ? format.modulus() : 0);
  delta.kwh = Decimal{steps, -format.decimals};
  if (pair.interrupted) {
    delta.verdict = Verdict::Suspect;
    delta.reason = kInterrupted;
  } else if (step * steps > possible + step) {
    delta.verdict = Verdict::Suspect;
    delta.reason = delta.kwh.to_string() + " kWh is more than " + std::to_string(pmax_w) +
                   " W can give in this time" + (delta.wrapped ? "; the register ran backwards" : "");
  }
  return delta;
}

Result<RegisterDelta> net_delta(const RegisterFormat& format, const ReadingPair& delivered,
                                const ReadingPair& received, std::int64_t pmax_w) {
  const auto out = register_delta(format, delivered, pmax_w);
  if (!out) return out.error();
  const auto in = register_delta(format, received, pmax_w);
  if (!in) return in.error();
  RegisterDelta net;
  net.verdict = std::max(out->verdict, in->verdict);
  net.wrapped = out->wrapped || in->wrapped;
  if (!out->reason.empty()) net.reason = "delivered: " + out->reason;
  if (!in->reason.empty()) net.reason += (net.reason.empty() ? "received: " : "; received: ") + in->reason;
  if (net.verdict != RegisterDelta::Verdict::Undetermined) {
    net.kwh = Decimal{out->kwh.mantissa - in->kwh.mantissa, -format.decimals};  // at most 9 digits each
  }
  return net;
}

Result<TransformerHistory> TransformerHistory::create(std::vector<TransformerRatio> ratios) {
  if (ratios.empty()) return permanent("no transformer ratio; a meter without transformers has 1 and 1");
  for (std::size_t i = 0; i < ratios.size(); ++i) {
    if (ratios[i].ctr <= Decimal{} || ratios[i].vtr <= Decimal{}) {
      return permanent("transformer ratios in force from " + to_text(ratios[i].from) + ": CTR " +
                       ratios[i].ctr.to_string() + ", VTR " + ratios[i].vtr.to_string() +
                       "; both must be above zero");
    }
    if (i > 0 && ratios[i].from <= ratios[i - 1].from) {
      return permanent("transformer ratios must be in ascending order of time; " + to_text(ratios[i].from) +
                       " follows " + to_text(ratios[i - 1].from));
    }
  }
  return TransformerHistory(std::move(ratios));
}

Result<const TransformerRatio*> TransformerHistory::in_force(UtcInstant at) const {
  const auto after =
      std::ranges::upper_bound(ratios_, at, {}, [](const TransformerRatio& ratio) { return ratio.from; });
  if (after == ratios_.begin()) {
    return permanent("no transformer ratio is known at " + to_text(at) + "; the first is in force from " +
                     to_text(ratios_.front().from));
  }
  return &*(after - 1);
}

Result<Decimal> TransformerHistory::primary(const Decimal& secondary, UtcInstant at) const {
  const auto ratio = in_force(at);
  if (!ratio) return ratio.error();
  const auto current = secondary.times((*ratio)->ctr);
  const auto product = current ? current->times((*ratio)->vtr) : std::nullopt;
  if (!product) {
    return permanent(secondary.to_string() + " times the transformer ratios does not fit 64 bits");
  }
  return *product;
}

Result<Decimal> TransformerHistory::primary_between(const Decimal& secondary, UtcInstant from,
                                                    UtcInstant to) const {
  if (to < from)
    return permanent("a difference of readings from " + to_text(from) + " back to " + to_text(to));
  for (const TransformerRatio& ratio : ratios_) {
    if (ratio.from > from && ratio.from < to) {
      return permanent("the transformer ratio changes at " + to_text(ratio.from) + ", between " +
                       to_text(from) + " and " + to_text(to) + ": a reading at the change is needed");
    }
  }
  return primary(secondary, from);
}

}  // namespace ami::metrology
