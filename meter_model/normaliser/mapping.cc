#include "meter_model/normaliser/mapping.h"

#include <utility>

#include "meter_model/vee/findings.h"

namespace ami {

Mapping overlay(Mapping base, const Mapping& overlay) {
  if (overlay.version != 0) base.version = base.version * kMappingVersionsPerBase + overlay.version;
  if (!overlay.wire.empty()) base.wire = overlay.wire;
  base.units.insert(base.units.begin(), overlay.units.begin(), overlay.units.end());
  for (const auto& [label, index] : overlay.tou) base.tou.insert_or_assign(label, index);
  for (const auto& [letters, rule] : overlay.flags) base.flags.insert_or_assign(letters, rule);
  for (const auto& [channel, scale] : overlay.raw_scale) base.raw_scale.insert_or_assign(channel, scale);
  base.flags_are_codes = base.flags_are_codes || overlay.flags_are_codes;
  return base;
}

std::optional<FlagRule> rule_of_codes(std::string_view flag) {
  FlagRule rule;
  rule.claims_value = false;
  while (!flag.empty()) {
    const std::size_t blank = flag.find(' ');
    const auto code = QualityCode::parse(flag.substr(0, blank));
    if (!code) return std::nullopt;
    if (!is_finding(*code)) add(rule.quality, *code);
    flag.remove_prefix(blank == std::string_view::npos ? flag.size() : blank + 1);
  }
  return rule;
}

const FlagRule* flag_rule(const Mapping& mapping, std::string_view flag) {
  const auto known = [&](const auto& found) { return found == mapping.flags.end() ? nullptr : &found->second; };
  if (flag.empty()) return known(mapping.flags.find(flag));
  if (const FlagRule* whole = known(mapping.flags.find("=" + std::string(flag)))) return whole;
  const std::size_t last_letter = flag.find_last_not_of("0123456789");
  return last_letter == std::string_view::npos ? nullptr
                                               : known(mapping.flags.find(flag.substr(0, last_letter + 1)));
}

}  // namespace ami
