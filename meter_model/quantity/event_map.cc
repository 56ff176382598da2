#include "meter_model/quantity/event_map.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <set>
#include <stdexcept>

#include "meter_model/quantity/quoted.h"

namespace ami {
namespace {

// Thrown inside this file only; parse() turns it into an Error.
struct BadMap : std::runtime_error {
  BadMap(const YAML::Node& node, const std::string& what)
      : std::runtime_error("line " + std::to_string(node.Mark().line + 1) + ": " + what) {}
};

std::string text_of(const YAML::Node& node, const std::string& what) {
  if (!node.IsScalar()) throw BadMap(node, what + " must be a plain text");
  return node.Scalar();
}

// type.domain.subdomain.action, each a number.
bool is_event_code(std::string_view text) {
  int dots = 0;
  bool digit_before = false;
  for (const char c : text) {
    const bool digit = c >= '0' && c <= '9';
    if (!digit && (c != '.' || !digit_before)) return false;
    dots += digit ? 0 : 1;
    digit_before = digit;
  }
  return dots == 3 && digit_before;
}

YAML::Node load(std::string_view text, const std::set<std::string>& allowed) {
  YAML::Node root = YAML::Load(std::string(text));
  if (!root.IsMap()) throw BadMap(root, "an event map must be a YAML map with the key version");
  std::set<std::string> seen;
  for (const auto& entry : root) {
    const std::string key = text_of(entry.first, "a key");
    if (!allowed.contains(key)) throw BadMap(entry.first, "unknown key " + quoted(key));
    if (!seen.insert(key).second) throw BadMap(entry.first, "key " + quoted(key) + " is there twice");
  }
  return root;
}

int version_of(const YAML::Node& root) {
  int version = 0;
  if (!root["version"]) throw BadMap(root, "the key version is missing");
  if (!YAML::convert<int>::decode(root["version"], version) || version < 1) {
    throw BadMap(root["version"], "version must be a whole number from 1");
  }
  return version;
}

}  // namespace

Result<EventMap> EventMap::parse(std::string_view table_of_record, std::string_view vendor_map,
                                 const std::string& name_for_errors) {
  EventMap map;
  std::string part = "table of record";
  try {
    const YAML::Node table = load(table_of_record, {"version", "kinds", "codes", "told_again"});
    map.version_ = version_of(table);
    if (!table["kinds"] || !table["kinds"].IsMap()) throw BadMap(table, "kinds must map names to codes");
    const auto add_code = [&](const YAML::Node& where, const std::string& code, const std::string& kind) {
      if (!is_event_code(code)) throw BadMap(where, quoted(code) + " is not type.domain.subdomain.action");
      const auto [known, added] = map.codes_.try_emplace(code, EventMeaning{kind, map.kinds_.at(kind)});
      if (!added) throw BadMap(where, "code " + code + " already stands for " + known->second.kind);
    };
    for (const auto& entry : table["kinds"]) {
      const std::string kind = text_of(entry.first, "a kind");
      const std::string code = text_of(entry.second, "the code of " + kind);
      if (kind.empty() || kind == map.unmapped_.kind)
        throw BadMap(entry.first, quoted(kind) + " cannot be a kind");
      if (!map.kinds_.emplace(kind, code).second)
        throw BadMap(entry.first, "kind " + kind + " is there twice");
      if (!code.empty()) add_code(entry.second, code, kind);
    }
    const auto known_kind = [&](const YAML::Node& node) {
      std::string kind = text_of(node, "a kind");
      if (!map.kinds_.contains(kind)) throw BadMap(node, "unknown kind " + quoted(kind));
      return kind;
    };
    if (table["codes"]) {
      if (!table["codes"].IsMap()) throw BadMap(table["codes"], "codes must map codes to kinds");
      for (const auto& entry : table["codes"]) {
        add_code(entry.first, text_of(entry.first, "a code"), known_kind(entry.second));
      }
    }
    if (vendor_map.empty()) return map;

    part = "vendor map";
    const YAML::Node vendor = load(vendor_map, {"version", "vendor", "events"});
    map.version_ = version_of(vendor);
    if (!vendor["vendor"]) throw BadMap(vendor, "the key vendor is missing");
    map.vendor_ = text_of(vendor["vendor"], "vendor");
    if (!vendor["events"]) return map;
    if (!vendor["events"].IsSequence()) throw BadMap(vendor["events"], "events must be a list");
    for (const YAML::Node& entry : vendor["events"]) {
      if (!entry.IsMap()) throw BadMap(entry, "an event must have the keys code and kind");
      Rule rule;
      std::set<std::string> seen;
      for (const auto& field : entry) {
        const std::string key = text_of(field.first, "a key");
        if (!seen.insert(key).second) throw BadMap(field.first, "key " + quoted(key) + " is there twice");
        if (key == "code") {
          rule.code = text_of(field.second, "code");
        } else if (key == "kind") {
          const std::string kind = known_kind(field.second);
          rule.meaning = {kind, map.kinds_.at(kind)};
        } else if (key == "text") {
          rule.text_prefix = text_of(field.second, "text");
          if (!rule.text_prefix.ends_with('*')) {
            throw BadMap(field.second, "text must end in * (it is a prefix); leave it out for any");
          }
          rule.text_prefix.pop_back();
        } else {
          throw BadMap(field.first, "unknown key " + quoted(key));
        }
      }
      if (rule.code.empty() || rule.meaning.kind.empty()) throw BadMap(entry, "an event needs code and kind");
      map.rules_.push_back(std::move(rule));
    }
  } catch (const std::exception& problem) {
    return permanent(name_for_errors + " (" + part + "): " + problem.what());
  }
  return map;
}

const EventMeaning& EventMap::look_up(std::string_view vendor_code, std::string_view text) const {
  const auto rule = std::find_if(rules_.begin(), rules_.end(), [&](const Rule& r) {
    return r.code == vendor_code && text.starts_with(r.text_prefix);
  });
  if (rule != rules_.end()) return rule->meaning;
  const auto code = codes_.find(vendor_code);
  return code == codes_.end() ? unmapped_ : code->second;
}

}  // namespace ami
