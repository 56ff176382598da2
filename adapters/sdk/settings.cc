#include "adapters/sdk/settings.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "adapters/sdk/settings_parser.h"

namespace ami::sdk {
namespace {

// Digits, then a suffix out of `units`; nullopt also when the product leaves int64.
struct Unit {
  std::string_view suffix;
  std::int64_t factor;
};
template <std::size_t N>
std::optional<std::int64_t> parse_with_unit(std::string_view text, const Unit (&units)[N]) {
  std::int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || number < 0) return std::nullopt;
  const std::string_view suffix(rest, static_cast<std::size_t>(end - rest));
  for (const Unit& unit : units) {
    if (suffix != unit.suffix) continue;
    if (number > INT64_MAX / unit.factor) return std::nullopt;
    return number * unit.factor;
  }
  return std::nullopt;
}

void page_rows(const std::vector<SettingDef>& defs, const std::string& prefix, std::string& out) {
  for (const SettingDef& def : defs) {
    const std::string name = prefix + def.key;
    std::string kind(name_of(def.kind));
    if (def.kind == SettingKind::Choice) {
      kind += ":";
      for (const std::string& choice : def.choices) kind += " " + choice;
    }
    if (def.list_of_sections) kind = "list of sections";
    const std::string fallback = def.required                ? "**required**"
                                 : def.default_value.empty() ? ""
                                                             : "`" + def.default_value + "`";
    std::string doc = def.doc;
    if (!def.assumed.empty()) doc += " *Assumed, a site must confirm:* " + def.assumed;
    std::replace(doc.begin(), doc.end(), '\n', ' ');
    out += "| `" + name + "` | " + kind + " | " + fallback + " | " + doc + " |\n";
    page_rows(def.section, name + (def.list_of_sections ? "[]." : "."), out);
  }
}

}  // namespace

std::string_view name_of(SettingKind kind) {
  switch (kind) {
    case SettingKind::Text:
      return "text";
    case SettingKind::Choice:
      return "one of";
    case SettingKind::Integer:
      return "integer";
    case SettingKind::Boolean:
      return "true or false";
    case SettingKind::Duration:
      return "duration";
    case SettingKind::Bytes:
      return "bytes";
    case SettingKind::Path:
      return "path";
    case SettingKind::Zone:
      return "time zone";
    case SettingKind::List:
      return "list";
    case SettingKind::Section:
      return "section";
    case SettingKind::Free:
      return "YAML";
  }
  return "unknown";
}

std::string to_text(const std::vector<Problem>& problems) {
  std::string out;
  for (const Problem& problem : problems) {
    out += problem.file + ":";
    if (problem.line > 0) out += std::to_string(problem.line) + ":";
    out += " " + problem.message + "\n";
  }
  return out;
}

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  static constexpr Unit kUnits[] = {
      {"ms", 1}, {"s", 1'000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}};
  const auto number = parse_with_unit(text, kUnits);
  if (!number) return std::nullopt;
  return std::chrono::milliseconds(*number);
}

std::optional<std::int64_t> parse_bytes(std::string_view text) {
  static constexpr Unit kUnits[] = {{"", 1}, {"B", 1}, {"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}};
  return parse_with_unit(text, kUnits);
}

const Settings::Value& Settings::value(std::string_view key, std::initializer_list<SettingKind> kinds) const {
  const auto found = values_.find(key);
  if (found == values_.end()) throw std::logic_error("no setting '" + std::string(key) + "' in the schema");
  if (kinds.size() != 0 && std::find(kinds.begin(), kinds.end(), found->second.kind) == kinds.end()) {
    throw std::logic_error("setting '" + std::string(key) +
                           "' is of another kind: " + std::string(name_of(found->second.kind)));
  }
  return found->second;
}

const Settings::Value& Settings::number(std::string_view key,
                                        std::initializer_list<SettingKind> kinds) const {
  const Value& found = value(key, kinds);
  if (!found.present) throw std::logic_error("setting '" + std::string(key) + "' is absent; ask has() first");
  return found;
}

bool Settings::has(std::string_view key) const {
  return value(key, {}).present;
}

const std::string& Settings::text(std::string_view key) const {
  return value(key, {SettingKind::Text, SettingKind::Choice, SettingKind::Path, SettingKind::Zone,
                     SettingKind::Free})
      .text;
}

std::int64_t Settings::integer(std::string_view key) const {
  return number(key, {SettingKind::Integer, SettingKind::Bytes}).number;
}

bool Settings::boolean(std::string_view key) const {
  return number(key, {SettingKind::Boolean}).number != 0;
}

std::chrono::milliseconds Settings::duration(std::string_view key) const {
  return std::chrono::milliseconds(number(key, {SettingKind::Duration}).number);
}

const std::vector<std::string>& Settings::list(std::string_view key) const {
  return value(key, {SettingKind::List}).list;
}

const Settings& Settings::section(std::string_view key) const {
  return number(key, {SettingKind::Section}).sections.at(0);
}

const std::vector<Settings>& Settings::sections(std::string_view key) const {
  return value(key, {SettingKind::List}).sections;
}

int Settings::line(std::string_view key) const {
  return value(key, {}).line;
}

LoadedSettings load_settings_text(std::string_view yaml, const std::string& file,
                                  const SettingsSchema& schema) {
  return SettingsParser(yaml, file).parse(schema);
}

LoadedSettings load_settings_file(const std::string& path, const SettingsSchema& schema) {
  const Result<std::string> text = read_settings_file(path);
  if (!text) {
    LoadedSettings loaded;
    loaded.problems.push_back({path, 0, text.error().message});
    return loaded;
  }
  return load_settings_text(*text, path, schema);
}

Result<std::string> read_settings_file(const std::string& path) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (!std::filesystem::exists(status)) return permanent("there is no such file");
  if (!std::filesystem::is_regular_file(status)) return permanent("is not a plain file");
  std::ifstream in(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  if (!in) return permanent("cannot be read; check its permissions");
  return text;
}

std::string reference_page(const SettingsSchema& schema) {
  std::string out = "# " + schema.title + "\n\n| key | kind | default | meaning |\n|---|---|---|---|\n";
  page_rows(schema.settings, "", out);
  return out;
}

}  // namespace ami::sdk
