#include "meter_model/vee/programme_rules.h"

#include "meter_model/vee/day_input.h"

namespace ami::vee {
namespace {

std::string_view class_number(std::string_view text) {
  if (text.starts_with("CL")) text.remove_prefix(2);
  return text;
}

bool fits(const ProgrammeRule& rule, const ProgrammeQuery& query) {
  return query.model.starts_with(rule.model) && (rule.form.empty() || rule.form == query.form) &&
         (rule.class_a.empty() || class_number(rule.class_a) == class_number(query.class_a)) &&
         (rule.quantity.empty() || rule.quantity == query.quantity);
}

}  // namespace

void state(const ProgrammeRule& rule, ChannelProgramme& programme) {
  constexpr std::int32_t kKilo = 3;  // dials show kWh
  programme.ke = rule.ke_wh;
  programme.largest_count = rule.largest_count;
  if (rule.register_digits) {
    const int decimals = rule.register_decimals.value_or(0);
    programme.register_modulus = Decimal{1, *rule.register_digits - decimals + kKilo};
    if (rule.register_decimals) programme.register_resolution = Decimal{1, kKilo - decimals};
  }
  if (rule.volts && rule.amps) programme.limit_per_hour = rule.volts->times(*rule.amps);
}

ProgrammeRule programme_of(std::span<const ProgrammeRule> rules, const ProgrammeQuery& query) {
  ProgrammeRule found;
  for (const ProgrammeRule& rule : rules) {
    if (!fits(rule, query)) continue;
    bool used = false;
    const auto take = [&](auto ProgrammeRule::*fact) {
      if (found.*fact || !(rule.*fact)) return;
      found.*fact = rule.*fact;
      used = true;
    };
    take(&ProgrammeRule::ke_wh);
    take(&ProgrammeRule::register_digits);
    take(&ProgrammeRule::register_decimals);
    take(&ProgrammeRule::volts);
    take(&ProgrammeRule::amps);
    take(&ProgrammeRule::largest_count);
    if (used && !rule.assumed.empty()) found.assumed += (found.assumed.empty() ? "" : "; ") + rule.assumed;
  }
  return found;
}

}  // namespace ami::vee
