#include "meter_model/approval/yaml_fields.h"

#include <algorithm>
#include <set>

#include "meter_model/edit_distance.h"
#include "meter_model/quantity/quoted.h"

namespace ami::approval {
void YamlProblems::add(const YAML::Node& at, const std::string& message) {
  if (!text_.empty()) text_ += '\n';
  text_ += file_ + ":" + std::to_string(at.Mark().line + 1) + ": " + message;
}

std::string nearest_word(std::string_view word, std::span<const std::string> known) {
  const auto nearest = std::ranges::min_element(
      known, {}, [&](const std::string& candidate) { return edit_distance(word, candidate); });
  return nearest == known.end() ? "" : *nearest;
}

std::optional<int> whole_number(const std::string& written, int least, int most) {
  const auto number = Decimal::parse(written);
  const auto whole = number ? number->mantissa_at(0) : std::nullopt;
  if (!whole || *whole < least || *whole > most) return std::nullopt;
  return static_cast<int>(*whole);
}

Fields::Fields(YamlProblems& problems, const YAML::Node& node, std::string what,
               std::initializer_list<std::string_view> known, std::span<const std::string_view> known_too)
    : problems_(problems), node_(node), what_(std::move(what)) {
  if (!node_.IsMap()) {
    problems_.add(node_, what_ + " must be a mapping of keys to values");
    return;
  }
  std::vector<std::string> keys(known.begin(), known.end());
  keys.insert(keys.end(), known_too.begin(), known_too.end());
  std::set<std::string> seen;
  for (const auto& entry : node_) {
    const std::string key = entry.first.IsScalar() ? entry.first.Scalar() : "";
    if (!seen.insert(key).second)
      problems_.add(entry.first, what_ + ": key " + quoted(key) + " is given twice");
    if (std::ranges::find(keys, key) == keys.end()) {
      problems_.add(entry.first, what_ + ": unknown key " + quoted(key) + ", nearest is \"" +
                                     nearest_word(key, keys) + "\"");
    }
  }
}

bool Fields::has(const char* key) const {
  if (!node_.IsMap()) return false;
  const YAML::Node& fixed = node_;  // the other operator[] would add the key
  return fixed[key].IsDefined();
}

YAML::Node Fields::at(const char* key) const {
  if (!has(key)) return node_;
  const YAML::Node& fixed = node_;
  return fixed[key];
}

void Fields::problem(const char* key, const std::string& message) const {
  problems_.add(at(key), what_ + ": " + key + ": " + message);
}

std::string Fields::text(const char* key) const {
  if (!has(key)) {
    if (node_.IsMap()) problems_.add(node_, what_ + ": '" + key + "' is needed");
    return {};
  }
  const YAML::Node value = at(key);
  if (value.IsScalar() && !value.Scalar().empty()) return value.Scalar();
  problem(key, "must be one word, text or number");
  return {};
}

std::string Fields::optional_text(const char* key) const {
  return has(key) ? text(key) : std::string();
}

std::optional<int> Fields::integer(const char* key, int least, int most) const {
  const std::string written = text(key);
  if (written.empty()) return std::nullopt;
  const auto value = whole_number(written, least, most);
  if (!value) {
    problem(key, quoted(written) + " is not a whole number from " + std::to_string(least) + " to " +
                     std::to_string(most));
  }
  return value;
}

Decimal Fields::number(const char* key) const {
  const std::string written = text(key);
  if (written.empty()) return {};
  const auto value = Decimal::parse(written);
  if (value) return *value;
  problem(key, value.error().message);
  return {};
}

std::vector<YAML::Node> Fields::list(const char* key) const {
  std::vector<YAML::Node> items;
  if (!has(key)) return items;
  const YAML::Node value = at(key);
  if (!value.IsSequence()) {
    problem(key, "must be a list");
    return items;
  }
  for (const auto& item : value) items.push_back(item);
  return items;
}

std::vector<std::string> Fields::texts(const char* key) const {
  std::vector<std::string> words;
  std::set<std::string> seen;
  for (const YAML::Node& item : list(key)) {
    if (!item.IsScalar() || item.Scalar().empty()) {
      problems_.add(item, what_ + ": " + key + ": each must be one word, text or number");
    } else if (!seen.insert(item.Scalar()).second) {
      problems_.add(item, what_ + ": " + key + ": " + quoted(item.Scalar()) + " is given twice");
    } else {
      words.push_back(item.Scalar());
    }
  }
  return words;
}

std::vector<std::pair<std::string, YAML::Node>> Fields::entries(const char* key) const {
  std::vector<std::pair<std::string, YAML::Node>> found;
  if (!has(key)) {
    if (node_.IsMap()) problems_.add(node_, what_ + ": '" + key + "' is needed");
    return found;
  }
  const YAML::Node value = at(key);
  if (!value.IsMap()) {
    problem(key, "must be a mapping of names to values");
    return found;
  }
  std::set<std::string> seen;
  for (const auto& entry : value) {
    const std::string name = entry.first.IsScalar() ? entry.first.Scalar() : "";
    if (name.empty()) {
      problems_.add(entry.first, what_ + ": " + key + ": a name must be one word or number");
    } else if (!seen.insert(name).second) {
      problems_.add(entry.first, what_ + ": " + key + ": " + quoted(name) + " is given twice");
    } else {
      found.emplace_back(name, entry.second);
    }
  }
  return found;
}

void Fields::unknown_word(const char* key, const std::string& written,
                          std::span<const std::string> known) const {
  problem(key, quoted(written) + " is not known, nearest is \"" + nearest_word(written, known) + "\"");
}

}  // namespace ami::approval
