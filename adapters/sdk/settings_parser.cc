#include "adapters/sdk/settings_parser.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <map>

#include "meter_model/edit_distance.h"
#include "meter_model/time/zone.h"

namespace ami::sdk {
namespace {

int line_of(const YAML::Node& node) {
  return node.Mark().is_null() ? 0 : node.Mark().line + 1;
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

std::string in_quotes(std::string_view text) {
  constexpr std::size_t kLongest = 60;
  return "'" + std::string(text.substr(0, kLongest)) + (text.size() > kLongest ? "…'" : "'");
}

}  // namespace

std::string nearest_key(std::string_view key, const std::vector<SettingDef>& known) {
  const auto nearest = std::min_element(known.begin(), known.end(), [key](const auto& a, const auto& b) {
    return edit_distance(key, a.key) < edit_distance(key, b.key);
  });
  return nearest == known.end() ? std::string() : nearest->key;
}

std::string peek_text(std::string_view yaml, const std::string& key) {
  try {
    const YAML::Node root = YAML::Load(std::string(yaml));
    if (!root.IsMap()) return {};
    const YAML::Node node = root[key];
    return node.IsDefined() && node.IsScalar() ? node.Scalar() : std::string();
  } catch (const YAML::Exception&) {
    return {};
  }
}

void SettingsParser::problem(int line, std::string message) {
  problems_.push_back({file_, line, std::move(message)});
}

LoadedSettings SettingsParser::parse(const SettingsSchema& schema) {
  LoadedSettings loaded;
  try {
    const std::vector<YAML::Node> documents = YAML::LoadAll(std::string(yaml_));
    if (documents.size() > 1) problem(line_of(documents[1]), "only one YAML document is read from a file");
    const YAML::Node root = documents.empty() ? YAML::Node(YAML::NodeType::Map) : documents[0];
    mapping(root.IsNull() ? YAML::Node(YAML::NodeType::Map) : root, schema.settings, "", 0, loaded.settings);
  } catch (const YAML::Exception& error) {
    problem(error.mark.is_null() ? 0 : error.mark.line + 1, "is not YAML: " + error.msg);
    mapping(YAML::Node(YAML::NodeType::Map), {}, "", 0, loaded.settings);
  }
  std::stable_sort(problems_.begin(), problems_.end(),
                   [](const Problem& a, const Problem& b) { return a.line < b.line; });
  loaded.problems = std::move(problems_);
  return loaded;
}

void SettingsParser::mapping(const YAML::Node& node, const std::vector<SettingDef>& defs,
                             const std::string& where, int line, Settings& out) {
  out.file_ = file_;
  if (!node.IsMap()) {
    problem(line_of(node), (where.empty() ? "the file" : where) + " must be a mapping of keys to values");
    return;
  }
  std::map<std::string, int> seen;
  for (const auto& entry : node) {
    const int at = line_of(entry.first);
    if (!entry.first.IsScalar()) {
      problem(at, "a key must be plain text");
      continue;
    }
    const std::string& key = entry.first.Scalar();
    const std::string name = where.empty() ? key : where + "." + key;
    if (const auto [first, fresh] = seen.emplace(key, at); !fresh) {
      problem(at, name + " is given twice; the first is on line " + std::to_string(first->second));
      continue;
    }
    const auto def =
        std::find_if(defs.begin(), defs.end(), [&](const SettingDef& d) { return d.key == key; });
    if (def == defs.end()) {
      const std::string nearest = nearest_key(key, defs);
      problem(at, "unknown key " + in_quotes(name) +
                      (nearest.empty() ? std::string() : "; the nearest known one is '" + nearest + "'"));
      continue;
    }
    Settings::Value& slot = out.values_[key];
    slot.kind = def->kind;
    slot.line = at;
    if (entry.second.IsNull()) {
      problem(at, name + " has no value; write one or leave the key out");
    } else {
      value(entry.second, *def, name, slot);
    }
  }
  for (const SettingDef& def : defs) {
    if (seen.contains(def.key)) continue;
    Settings::Value& slot = out.values_[def.key];
    slot.kind = def.kind;
    absent(def, where.empty() ? def.key : where + "." + def.key, line, slot);
  }
}

void SettingsParser::absent(const SettingDef& def, const std::string& name, int line, Settings::Value& out) {
  if (def.required) {
    problem(line, name + " is required: " + def.doc);
    return;
  }
  if (def.kind == SettingKind::Section) {
    const bool needs_a_word = std::any_of(def.section.begin(), def.section.end(),
                                          [](const SettingDef& inner) { return inner.required; });
    if (needs_a_word) return;
    out.sections.emplace_back();
    mapping(YAML::Node(YAML::NodeType::Map), def.section, name, line, out.sections.back());
    out.present = true;
  } else if (!def.default_value.empty()) {
    value(YAML::Load(def.default_value), def, name, out);
    out.line = 0;
  }
}

void SettingsParser::value(const YAML::Node& node, const SettingDef& def, const std::string& name,
                           Settings::Value& out) {
  if (out.line == 0) out.line = line_of(node);
  switch (def.kind) {
    case SettingKind::Free:
      out.text = out.line == 0 ? YAML::Dump(node) : source_of(node);
      out.present = true;
      return;
    case SettingKind::Section:
      out.sections.emplace_back();
      mapping(node, def.section, name, out.line, out.sections.back());
      out.present = true;
      return;
    case SettingKind::List:
      list(node, def, name, out);
      return;
    default:
      break;
  }
  if (!node.IsScalar()) {
    problem(line_of(node), name + " must be a single value (" + std::string(name_of(def.kind)) + ")");
    return;
  }
  scalar(node.Scalar(), def, name, out);
}

void SettingsParser::scalar(const std::string& text, const SettingDef& def, const std::string& name,
                            Settings::Value& out) {
  const auto bad = [&](const std::string& why) {
    problem(out.line, name + ": " + in_quotes(text) + " " + why);
  };
  const auto in_range = [&](std::int64_t number, const char* unit) {
    if (number >= def.min && number <= def.max) return true;
    bad("is out of range: " + std::to_string(def.min) + " to " +
        (def.max == INT64_MAX ? std::string("any") : std::to_string(def.max)) + unit);
    return false;
  };
  out.text = text;
  switch (def.kind) {
    case SettingKind::Choice:
      if (std::find(def.choices.begin(), def.choices.end(), text) == def.choices.end()) {
        return bad("is not one of: " + joined(def.choices));
      }
      break;
    case SettingKind::Integer: {
      const char* end = text.data() + text.size();
      const auto [rest, error] = std::from_chars(text.data(), end, out.number);
      if (error != std::errc{} || rest != end) return bad("is not a whole number");
      if (!in_range(out.number, "")) return;
      break;
    }
    case SettingKind::Boolean:
      if (text != "true" && text != "false") return bad("is neither true nor false");
      out.number = text == "true" ? 1 : 0;
      break;
    case SettingKind::Duration: {
      const auto span = parse_duration(text);
      if (!span) return bad("is not a duration: write a whole number and ms, s, m, h or d, such as 5s");
      out.number = span->count();
      if (!in_range(out.number, " ms")) return;
      break;
    }
    case SettingKind::Bytes: {
      const auto bytes = parse_bytes(text);
      if (!bytes) return bad("is not a size: write a whole number, alone or with KiB, MiB or GiB");
      out.number = *bytes;
      if (!in_range(out.number, " bytes")) return;
      break;
    }
    case SettingKind::Path: {
      if (text.empty() || text.find('\0') != std::string::npos) return bad("is not a path");
      const std::filesystem::path folder = std::filesystem::absolute(file_).parent_path();
      out.text = (folder / text).lexically_normal().string();
      break;
    }
    case SettingKind::Zone:
      if (const Result<Zone> zone = Zone::load(text); !zone) {
        return bad("is not a known time zone; write an IANA name such as America/Toronto (" +
                   zone.error().message + ")");
      }
      break;
    default:
      break;
  }
  out.present = true;
}

void SettingsParser::list(const YAML::Node& node, const SettingDef& def, const std::string& name,
                          Settings::Value& out) {
  if (!node.IsSequence()) return problem(line_of(node), name + " must be a list");
  std::size_t index = 0;
  for (const YAML::Node& element : node) {
    const std::string element_name = name + "[" + std::to_string(index++) + "]";
    if (def.list_of_sections) {
      out.sections.emplace_back();
      mapping(element, def.section, element_name, line_of(element), out.sections.back());
    } else if (element.IsScalar()) {
      out.list.push_back(element.Scalar());
    } else {
      problem(line_of(element), element_name + " must be a single value");
    }
  }
  out.present = true;
}

// The node's own lines, at their own line numbers. A block ends at the first line that is indented less.
std::string SettingsParser::source_of(const YAML::Node& node) const {
  const YAML::Mark mark = node.Mark();
  const std::string lead(static_cast<std::size_t>(mark.line), '\n');
  if (!node.IsMap() && !node.IsSequence()) return lead + YAML::Dump(node);
  if (node.Style() != YAML::EmitterStyle::Block) return lead + YAML::Dump(node);
  const auto indent = static_cast<std::size_t>(mark.column);
  std::string out = lead;
  std::size_t begin = 0;
  for (int line = 0; begin < yaml_.size(); ++line) {
    const std::size_t end = std::min(yaml_.find('\n', begin), yaml_.size());
    const std::string_view text = yaml_.substr(begin, end - begin);
    begin = end + 1;
    if (line < mark.line) continue;
    const std::size_t first = text.find_first_not_of(' ');
    const bool blank = first == std::string_view::npos || text[first] == '#' || text[first] == '\r';
    const bool sibling = first == indent && node.IsSequence() && text[first] != '-';
    if (!blank && (first < indent || sibling)) break;
    out.append(text).push_back('\n');
  }
  return out;
}

}  // namespace ami::sdk
