#include "meter_model/vee/vee_config_yaml.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <limits>
#include <set>
#include <span>
#include <variant>

#include "meter_model/edit_distance.h"
#include "meter_model/quantity/quoted.h"
#include "meter_model/quantity/reading_type.h"

namespace ami::vee {
namespace {

// A number of the configuration: where it stands in the file, where it goes, and what it may be.
struct Row {
  std::string_view group, key;
  std::variant<int VeeConfig::*, Decimal VeeConfig::*, std::chrono::seconds VeeConfig::*,
               std::chrono::minutes VeeConfig::*, std::chrono::hours VeeConfig::*>
      target;
  Decimal least, most;
};
constexpr Decimal kDay{86400, 0}, kThousand{1, 3};
constexpr std::array kRows{
    Row{"V02", "fails_above_s", &VeeConfig::collector_clock_fails_above, {0, 0}, kDay},
    Row{"V02", "refuses_above_s", &VeeConfig::collector_clock_refuses_above, {0, 0}, kDay},
    Row{"V03", "warns_above_s", &VeeConfig::meter_clock_warns_above, {0, 0}, kDay},
    Row{"V12", "factor", &VeeConfig::physical_factor, {1, 0}, kThousand},
    Row{"V14", "relaxed_by_percent", &VeeConfig::sum_relaxed_by_percent, {0, 0}, {1, 2}},
    Row{"V14", "boundary_pulses", &VeeConfig::sum_boundary_pulses, {0, 0}, {2, 0}},
    Row{"V18", "ratio", &VeeConfig::spike_ratio, {0, 0}, kThousand},
    Row{"V18", "floor", &VeeConfig::spike_floor, {0, 0}, {1, 12}},
    Row{"V19", "least_of_usual", &VeeConfig::least_of_usual, {0, 0}, {1, 0}},
    Row{"V19", "most_of_usual", &VeeConfig::most_of_usual, {1, 0}, kThousand},
    Row{"V20", "zeros_h", &VeeConfig::zero_run, {1, 0}, kThousand},
    Row{"V21", "times", &VeeConfig::frozen_count, {2, 0}, {1, 5}},
    Row{"V24", "future_s", &VeeConfig::future_tolerance, {0, 0}, kDay},
    Row{"V25", "days", &VeeConfig::estimated_days, {0, 0}, kThousand},
    Row{"V25", "billing_reads", &VeeConfig::estimated_billing_reads, {0, 0}, kThousand},
    Row{"threshold_suspect", "above_percent", &VeeConfig::suspect_above_percent, {0, 0}, {1, 2}},
    Row{"threshold_suspect", "from_meters", &VeeConfig::suspect_from_meters, {1, 0}, {1, 9}},
    Row{"estimation", "linear_up_to_min", &VeeConfig::linear_up_to, {0, 0}, {1440, 0}},
    Row{"estimation", "like_days", &VeeConfig::like_days, {1, 0}, {31, 0}},
    Row{"estimation", "like_day_reach_days", &VeeConfig::like_day_reach_days, {1, 0}, {400, 0}},
};

std::string nearest(std::string_view word, std::span<const std::string_view> known) {
  return std::string(*std::ranges::min_element(
      known, {}, [&](std::string_view candidate) { return edit_distance(word, candidate); }));
}

class VeeConfigReader {
 public:
  VeeConfigReader(const std::string& name, const VeeConfig& base) : name_(name), config_(base) {}

  void read(const YAML::Node& root);
  [[nodiscard]] const std::string& problems() const { return problems_; }
  [[nodiscard]] const VeeConfig& config() const { return config_; }

 private:
  void problem(const YAML::Node& at, const std::string& message) {
    if (!problems_.empty()) problems_ += '\n';
    problems_ += name_ + ":" + std::to_string(at.Mark().line + 1) + ": " + message;
  }
  bool keys_are(const YAML::Node& node, const std::string& what, std::span<const std::string_view> known);
  std::string text(const YAML::Node& node, const std::string& what);
  std::optional<Decimal> number(const YAML::Node& node, const std::string& what, const Decimal& least,
                                const Decimal& most);
  void thresholds(const YAML::Node& node);
  void set(const Row& row, const YAML::Node& node);
  void profile(const std::string& name, const YAML::Node& node);
  void numbers(const YAML::Node& node, const std::string& what, const Decimal& least,
               std::vector<Decimal>& into);
  void programmes(const YAML::Node& node);
  void programme(const YAML::Node& node, std::vector<ProgrammeRule>& rules);
  void order(const YAML::Node& root);

  const std::string& name_;
  VeeConfig config_;
  std::string problems_;
};

bool VeeConfigReader::keys_are(const YAML::Node& node, const std::string& what,
                               std::span<const std::string_view> known) {
  if (!node.IsDefined() || node.IsNull()) return false;
  if (!node.IsMap()) {
    problem(node, what + " must be a mapping of keys to values");
    return false;
  }
  std::set<std::string> seen;
  for (const auto& entry : node) {
    const std::string key = entry.first.IsScalar() ? entry.first.Scalar() : "";
    if (!seen.insert(key).second) problem(entry.first, what + ": key " + quoted(key) + " is given twice");
    if (known.empty() || std::ranges::find(known, std::string_view(key)) != known.end()) continue;
    problem(entry.first,
            what + ": unknown key " + quoted(key) + ", nearest is '" + nearest(key, known) + "'");
  }
  return true;
}

std::string VeeConfigReader::text(const YAML::Node& node, const std::string& what) {
  if (node.IsScalar()) return node.Scalar();
  problem(node, what + " must be one word or number");
  return {};
}

std::optional<Decimal> VeeConfigReader::number(const YAML::Node& node, const std::string& what,
                                               const Decimal& least, const Decimal& most) {
  const std::string written = text(node, what);
  const auto value = Decimal::parse(written);
  if (value && *value >= least && *value <= most) return *value;
  problem(node, what + ": " + quoted(written) + " is not a number from " + least.to_string() + " to " +
                    most.to_string());
  return std::nullopt;
}

void VeeConfigReader::set(const Row& row, const YAML::Node& node) {
  const std::string what = std::string(row.group) + "." + std::string(row.key);
  const auto value = number(node, what, row.least, row.most);
  if (!value) return;
  std::visit(
      [&](auto member) {
        auto& target = config_.*member;
        using Target = std::remove_reference_t<decltype(target)>;
        if constexpr (std::is_same_v<Target, Decimal>) {
          target = *value;
        } else if (const auto whole = value->mantissa_at(0)) {
          if constexpr (std::is_same_v<Target, int>) {
            target = static_cast<int>(*whole);
          } else {
            target = Target{*whole};
          }
        } else {
          problem(node, what + ": " + quoted(node.Scalar()) + " is not a whole number");
        }
      },
      row.target);
}

void VeeConfigReader::thresholds(const YAML::Node& node) {
  std::vector<std::string_view> groups;
  for (const Row& row : kRows) {
    if (groups.empty() || groups.back() != row.group) groups.push_back(row.group);
  }
  if (!keys_are(node, "thresholds", groups)) return;
  for (const std::string_view group : groups) {
    const YAML::Node inside = node[std::string(group)];
    std::vector<std::string_view> keys;
    for (const Row& row : kRows) {
      if (row.group == group) keys.push_back(row.key);
    }
    if (!keys_are(inside, std::string(group), keys)) continue;
    for (const Row& row : kRows) {
      if (row.group != group) continue;
      if (const YAML::Node value = inside[std::string(row.key)]) set(row, value);
    }
  }
}

void VeeConfigReader::profile(const std::string& name, const YAML::Node& node) {
  constexpr std::array<std::string_view, 2> kKeys{"checks", "estimation"};
  const std::string what = "profile " + quoted(name);
  Profile read{name, {}, false};
  if (!keys_are(node, what, kKeys)) {
    if (!node.IsMap()) problem(node, what + " is empty; 'checks: []' would check nothing");
    return;
  }
  const YAML::Node checks = node["checks"];
  if (checks && checks.IsScalar() && checks.Scalar() == "all") {
    read.checks = CheckSet::all();
  } else if (checks && checks.IsSequence()) {
    for (const YAML::Node& item : checks) {
      const std::string id = text(item, what);
      if (const auto check = check_from(id)) {
        if (read.checks.has(*check)) problem(item, what + ": " + id + " is given twice");
        read.checks.add(*check);
        continue;
      }
      std::vector<std::string_view> ids;
      for (const CheckInfo& known : all_checks()) ids.push_back(known.id);
      problem(item, what + ": unknown check " + quoted(id) + ", nearest is '" + nearest(id, ids) + "'");
    }
  } else {
    problem(checks ? checks : node, what + ": checks must be a list as [V01, V07], or all");
  }
  if (const YAML::Node estimation = node["estimation"]) {
    const std::string word = text(estimation, what);
    if (word != "true" && word != "false")
      problem(estimation, what + ": estimation: " + quoted(word) + " is neither true nor false");
    read.estimates = word == "true";
  }
  const auto known = std::ranges::find(config_.profiles, name, &Profile::name);
  if (known != config_.profiles.end()) {
    *known = read;
  } else {
    config_.profiles.push_back(read);
  }
}

void VeeConfigReader::numbers(const YAML::Node& node, const std::string& what, const Decimal& least,
                              std::vector<Decimal>& into) {
  if (!node.IsDefined() || node.IsNull()) return;
  if (!node.IsSequence()) return problem(node, what + " must be a list of numbers");
  into.clear();
  for (const YAML::Node& item : node) {
    if (const auto value = number(item, what, least, {1, 6})) into.push_back(*value);
  }
}

// Those of the file come before those of the base.
void VeeConfigReader::programmes(const YAML::Node& node) {
  if (!node.IsDefined() || node.IsNull()) return;
  if (!node.IsSequence()) return problem(node, "programmes must be a list of rules");
  std::vector<ProgrammeRule> rules;
  for (const YAML::Node& item : node) programme(item, rules);
  for (ProgrammeRule& known : config_.programmes) {
    if (std::ranges::find(rules, known) == rules.end()) rules.push_back(std::move(known));
  }
  config_.programmes = std::move(rules);
}

void VeeConfigReader::programme(const YAML::Node& node, std::vector<ProgrammeRule>& rules) {
  constexpr std::array<std::string_view, 11> kKeys{
      "ke_wh", "register_digits", "register_decimals", "volts",  "amps", "largest_count", "model",
      "form",  "class_a",         "quantity",          "assumed"};
  constexpr std::size_t kFacts = 6;  // the first of them
  ProgrammeRule rule;
  if (!keys_are(node, "programme", kKeys)) {
    if (!node.IsDefined() || node.IsNull()) problem(node, "a programme is empty");
    return;
  }
  if (std::none_of(kKeys.begin(), kKeys.begin() + kFacts,
                   [&](auto key) { return node[std::string(key)].IsDefined(); }))
    problem(node, "a programme without any fact: give ke_wh, register_digits, volts, amps or largest_count");
  for (const auto& [key, target] :
       {std::pair{"model", &rule.model}, std::pair{"form", &rule.form}, std::pair{"class_a", &rule.class_a},
        std::pair{"quantity", &rule.quantity}, std::pair{"assumed", &rule.assumed}}) {
    if (const YAML::Node value = node[key]) *target = text(value, std::string("programme.") + key);
  }
  if (!rule.quantity.empty()) {
    std::vector<std::string_view> names;
    for (auto q = static_cast<int>(Quantity::EnergyDelivered); q < static_cast<int>(Quantity::Other); ++q)
      names.push_back(name_of(static_cast<Quantity>(q)));
    if (std::ranges::find(names, rule.quantity) == names.end())
      problem(node["quantity"], "programme: unknown quantity " + quoted(rule.quantity) + ", nearest is '" +
                                    nearest(rule.quantity, names) + "'");
  }
  const auto figure = [&](const char* key, const Decimal& least, const Decimal& most) {
    const YAML::Node value = node[key];
    return value ? number(value, std::string("programme.") + key, least, most) : std::nullopt;
  };
  const auto whole = [&](const char* key, std::int64_t least,
                         std::int64_t most) -> std::optional<std::int64_t> {
    const auto value = figure(key, {least, 0}, {most, 0});
    if (!value) return std::nullopt;
    const auto count = value->mantissa_at(0);
    if (!count) problem(node[key], std::string("programme.") + key + " must be a whole number");
    return count;
  };
  rule.ke_wh = figure("ke_wh", {1, -6}, {1, 6});
  rule.volts = figure("volts", {1, 0}, {1, 6});
  rule.amps = figure("amps", {1, -3}, {1, 5});
  if (const auto digits = whole("register_digits", 1, 18)) rule.register_digits = static_cast<int>(*digits);
  if (const auto decimals = whole("register_decimals", 0, 9))
    rule.register_decimals = static_cast<int>(*decimals);
  rule.largest_count = whole("largest_count", 1, std::int64_t{1} << 32);
  if (rule.register_decimals && !rule.register_digits)
    problem(node["register_decimals"], "programme: register_decimals without register_digits");
  if (rule.register_digits && rule.register_decimals.value_or(0) > *rule.register_digits)
    problem(node["register_decimals"], "programme: more register_decimals than register_digits");
  rules.push_back(std::move(rule));
}

// Thresholds that only make sense together.
void VeeConfigReader::order(const YAML::Node& root) {
  if (config_.collector_clock_refuses_above < config_.collector_clock_fails_above)
    problem(root["thresholds"] ? root["thresholds"] : root, "V02: refuses_above_s is below fails_above_s");
  if (std::ranges::find(config_.profiles, config_.profile, &Profile::name) == config_.profiles.end()) {
    std::vector<std::string_view> names;
    for (const Profile& known : config_.profiles) names.push_back(known.name);
    problem(root["profile"] ? root["profile"] : root, "profile: unknown profile " + quoted(config_.profile) +
                                                          ", nearest is '" + nearest(config_.profile, names) +
                                                          "'");
  }
}

void VeeConfigReader::read(const YAML::Node& root) {
  constexpr std::array<std::string_view, 5> kKeys{"profile", "profiles", "thresholds", "programmes",
                                                  "causes"};
  constexpr std::array<std::string_view, 2> kCauses{"ke", "multipliers"};
  if (!keys_are(root, "validation", kKeys)) return;
  if (const YAML::Node name = root["profile"]) config_.profile = text(name, "profile");
  if (keys_are(root["profiles"], "profiles", {})) {
    for (const auto& entry : root["profiles"]) profile(text(entry.first, "profiles"), entry.second);
  }
  thresholds(root["thresholds"]);
  programmes(root["programmes"]);
  if (keys_are(root["causes"], "causes", kCauses)) {
    numbers(root["causes"]["ke"], "causes.ke", {1, -6}, config_.plausible_ke);
    numbers(root["causes"]["multipliers"], "causes.multipliers", {1, 0}, config_.plausible_multipliers);
  }
  order(root);
}

}  // namespace

Result<VeeConfig> parse_vee_config(std::string_view yaml, const std::string& name_for_errors,
                                   const VeeConfig& base) {
  VeeConfigReader reader(name_for_errors, base);
  try {
    reader.read(YAML::Load(std::string(yaml)));
    if (!reader.problems().empty()) return permanent(reader.problems());
    return reader.config();
  } catch (const YAML::Exception& error) {
    return permanent(name_for_errors + ":" + std::to_string(error.mark.line + 1) + ": " + error.msg);
  }
}

}  // namespace ami::vee
