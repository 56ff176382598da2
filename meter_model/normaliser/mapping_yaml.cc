#include "meter_model/normaliser/mapping_yaml.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <initializer_list>
#include <limits>
#include <set>
#include <utility>
#include <vector>

#include "meter_model/edit_distance.h"
#include "meter_model/normaliser/reading_target.h"
#include "meter_model/quantity/unit.h"
#include "meter_model/vee/findings.h"

namespace ami {
namespace {

constexpr int kMaxTou = 99;
constexpr int kMaxPhases = 9999;

class MappingReader {
 public:
  explicit MappingReader(const std::string& name) : name_(name) {}

  Mapping read(const YAML::Node& root);
  [[nodiscard]] const std::string& problems() const { return problems_; }

 private:
  using Keys = std::initializer_list<std::string_view>;

  void problem(const YAML::Node& at, const std::string& message) {
    if (!problems_.empty()) problems_ += '\n';
    problems_ += name_ + ":" + std::to_string(at.Mark().line + 1) + ": " + message;
  }
  // Whether `node` is a mapping (then each key is checked); nothing at all counts as an empty one.
  bool keys_are(const YAML::Node& node, const std::string& what, Keys known);
  template <class Take>
  void each_entry(const YAML::Node& node, const std::string& what, Take take);
  std::string text(const YAML::Node& node, const std::string& what);
  std::optional<int> integer(const YAML::Node& node, const std::string& what, int least, int most);
  bool boolean(const YAML::Node& node, const std::string& what);
  UnitRule unit_rule(const YAML::Node& node);
  void check_template(const YAML::Node& node, const UnitRule& rule);
  FlagRule flag_rule(const YAML::Node& node, const std::string& letters);

  const std::string& name_;
  std::string problems_;
};

bool MappingReader::keys_are(const YAML::Node& node, const std::string& what, Keys known) {
  if (!node.IsDefined() || node.IsNull()) return false;
  if (!node.IsMap()) {
    problem(node, what + " must be a mapping of keys to values");
    return false;
  }
  std::set<std::string> seen;
  for (const auto& entry : node) {
    const std::string key = entry.first.IsScalar() ? entry.first.Scalar() : "";
    if (!seen.insert(key).second) problem(entry.first, what + ": key '" + key + "' is given twice");
    if (std::ranges::find(known, std::string_view(key)) != known.end()) continue;
    const auto* nearest = std::ranges::min_element(
        known, {}, [&](std::string_view candidate) { return edit_distance(key, candidate); });
    problem(entry.first, what + ": unknown key '" + key + "', nearest is '" + std::string(*nearest) + "'");
  }
  return true;
}

template <class Take>
void MappingReader::each_entry(const YAML::Node& node, const std::string& what, Take take) {
  if (!node.IsDefined() || node.IsNull()) return;
  if (!node.IsMap()) {
    problem(node, what + " must be a mapping of keys to values");
    return;
  }
  std::set<std::string> seen;
  for (const auto& entry : node) {
    const std::string key = text(entry.first, what);
    if (!seen.insert(key).second) problem(entry.first, what + ": '" + key + "' is given twice");
    take(key, entry.second);
  }
}

std::string MappingReader::text(const YAML::Node& node, const std::string& what) {
  if (node.IsScalar()) return node.Scalar();
  problem(node, what + " must be one word or number");
  return {};
}

std::optional<int> MappingReader::integer(const YAML::Node& node, const std::string& what, int least,
                                          int most) {
  const std::string written = text(node, what);
  const auto number = Decimal::parse(written);
  const auto whole = number ? number->mantissa_at(0) : std::nullopt;
  if (!whole || *whole < least || *whole > most) {
    problem(node, what + ": '" + written + "' is not a whole number from " + std::to_string(least) + " to " +
                      std::to_string(most));
    return std::nullopt;
  }
  return static_cast<int>(*whole);
}

bool MappingReader::boolean(const YAML::Node& node, const std::string& what) {
  const std::string written = text(node, what);
  if (written != "true" && written != "false")
    problem(node, what + ": '" + written + "' is neither true nor false");
  return written == "true";
}

void MappingReader::check_template(const YAML::Node& node, const UnitRule& rule) {
  if (rule.unit == kAnyUnit || rule.reading_type == kUnitField) {
    if (rule.unit != kAnyUnit || rule.reading_type != kUnitField)
      problem(node, "reading_type: unit '*' and reading_type '{unit}' go together");
    return;
  }
  const auto type = ReadingType::parse(fill_template(rule.reading_type, 2, 1));
  if (!type) {
    problem(node, "reading_type: " + type.error().message);
  } else if (unit_symbol((*type)[ReadingType::Unit]).empty()) {
    problem(node, "reading_type: no unit is known for code " + std::to_string((*type)[ReadingType::Unit]));
  }
  const bool per_period = rule.reading_type.find(kPeriodField) != std::string::npos;
  if (per_period && rule.kind != SeriesKind::Interval)
    problem(node, "reading_type: {period} needs kind: interval");
}

UnitRule MappingReader::unit_rule(const YAML::Node& node) {
  UnitRule rule;
  if (!keys_are(node, "unit rule",
                {"unit", "measure", "commodity", "kind", "channel", "tou", "reading_type", "phases_by_form",
                 "assumed"})) {
    if (!node.IsMap()) problem(node, "unit rule is empty");
    return rule;
  }
  if (node["unit"]) rule.unit = text(node["unit"], "unit");
  if (rule.unit.empty()) problem(node, "unit rule without 'unit'");
  if (node["measure"]) rule.measure = text(node["measure"], "measure");
  if (node["commodity"]) rule.commodity = text(node["commodity"], "commodity");
  if (const YAML::Node kind = node["kind"]) {
    const std::string word = text(kind, "kind");
    if (word == "register") rule.kind = SeriesKind::Register;
    if (word == "interval") rule.kind = SeriesKind::Interval;
    if (!rule.kind) problem(kind, "kind: '" + word + "' is neither register nor interval");
  }
  if (node["channel"]) rule.channel = text(node["channel"], "channel");
  if (node["tou"]) rule.tou = text(node["tou"], "tou");
  if (node["assumed"]) rule.assumed = text(node["assumed"], "assumed");
  each_entry(node["phases_by_form"], "phases_by_form",
             [&](const std::string& form, const YAML::Node& phases) {
               if (const auto code = integer(phases, "phases_by_form", 0, kMaxPhases))
                 rule.phases_by_form[form] = *code;
             });
  if (const YAML::Node type = node["reading_type"]) {
    rule.reading_type = text(type, "reading_type");
    check_template(type, rule);
  } else {
    problem(node, "unit rule without 'reading_type'");
  }
  return rule;
}

FlagRule MappingReader::flag_rule(const YAML::Node& node, const std::string& letters) {
  FlagRule rule;
  const std::string what = "flag '" + letters + "'";
  if (!keys_are(node, what, {"quality", "missing", "claims_value"})) return rule;
  if (node["missing"]) rule.missing = boolean(node["missing"], "missing");
  if (node["claims_value"]) rule.claims_value = boolean(node["claims_value"], "claims_value");
  if (const YAML::Node codes = node["quality"]) {
    if (!codes.IsSequence()) {
      problem(codes, what + ": quality must be a list, as [2.8.0]");
      return rule;
    }
    for (const YAML::Node& item : codes) {
      const auto code = QualityCode::parse(text(item, "quality"));
      if (code && is_finding(*code)) {
        problem(item, what + ": " + code->to_string() + " is only said by the gateway's own validation");
      } else if (code) {
        add(rule.quality, *code);
      } else {
        problem(item, what + ": " + code.error().message);
      }
    }
  }
  return rule;
}

Mapping MappingReader::read(const YAML::Node& root) {
  Mapping mapping;
  if (!keys_are(root, "mapping", {"version", "wire", "units", "tou", "flags", "raw_scale", "flags_are_codes"})) return mapping;
  if (root["version"])
    mapping.version = integer(root["version"], "version", 1, kMappingVersionsPerBase - 1).value_or(0);
  if (root["wire"]) {
    mapping.wire = text(root["wire"], "wire");
    if (!root["version"]) problem(root["wire"], "a mapping with 'wire' needs 'version' as well");
  }
  if (root["flags_are_codes"]) mapping.flags_are_codes = boolean(root["flags_are_codes"], "flags_are_codes");
  if (const YAML::Node units = root["units"]) {
    if (units.IsSequence()) {
      for (const YAML::Node& unit : units) mapping.units.push_back(unit_rule(unit));
    } else if (!units.IsNull()) {
      problem(units, "units must be a list of rules");
    }
  }
  each_entry(root["tou"], "tou", [&](const std::string& label, const YAML::Node& index) {
    if (const auto number = integer(index, "tou", 0, kMaxTou)) mapping.tou[label] = *number;
  });
  each_entry(root["flags"], "flags", [&](const std::string& letters, const YAML::Node& rule) {
    if (!letters.starts_with('=') && letters.find_first_of("0123456789") != std::string::npos) {
      problem(rule, "flag '" + letters +
                        "' must be letters: a vendor's number suffix is cut off before the look-up; '=" + letters +
                        "' stands for that whole flag");
    }
    mapping.flags[letters] = flag_rule(rule, letters);
  });
  each_entry(root["raw_scale"], "raw_scale", [&](const std::string& channel, const YAML::Node& scale) {
    const auto number = Decimal::parse(text(scale, "raw_scale"));
    if (number && number->mantissa > 0) {
      mapping.raw_scale[channel] = *number;
    } else {
      problem(scale,
              "raw_scale: '" + (scale.IsScalar() ? scale.Scalar() : "") + "' is not a number above zero");
    }
  });
  return mapping;
}

}  // namespace

Result<Mapping> parse_mapping(std::string_view yaml, const std::string& name_for_errors) {
  MappingReader reader(name_for_errors);
  try {
    Mapping mapping = reader.read(YAML::Load(std::string(yaml)));
    if (!reader.problems().empty()) return permanent(reader.problems());
    return mapping;
  } catch (const YAML::Exception& error) {
    return permanent(name_for_errors + ":" + std::to_string(error.mark.line + 1) + ": " + error.msg);
  }
}

}  // namespace ami
