// One schema gives parser, defaults, --check-config and the reference page. Used by gateway.yaml and by every
// feed.
#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "meter_model/result.h"

namespace ami::sdk {

enum class SettingKind {
  Text,      // any scalar
  Choice,    // one of `choices`
  Integer,   // with min/max
  Boolean,   // true/false
  Duration,  // "500ms", "5s", "2m", "1h", "400d"; kept in milliseconds
  Bytes,     // "4MiB", "64KiB", "1000"
  Path,      // relative paths are relative to the file they stand in
  Zone,      // IANA name, checked against tzdata
  List,      // list of scalars
  Section,   // nested mapping with its own schema
  Free,      // kept as YAML text for its owner to parse (mapping overlays). Begins with as many line breaks
             // as stand before it in the file, so that its owner's line numbers are the file's.
};

struct SettingDef {
  std::string key{};
  SettingKind kind = SettingKind::Text;
  std::string doc{};            // one or two sentences, unit included
  std::string default_value{};  // as written in YAML; empty and !required = absent
  bool required = false;
  std::vector<std::string> choices{};
  std::int64_t min = 0, max = INT64_MAX;  // Integer; Bytes; Duration in ms
  std::vector<SettingDef>
      section{};  // for Section; for List of mappings: schema of an element (list_of_sections)
  bool list_of_sections = false;
  std::string assumed{};  // non-empty: what a site must confirm
};

struct SettingsSchema {
  std::string title;
  std::vector<SettingDef> settings;
};

struct Problem {
  std::string file;
  int line = 0;  // 1-based; 0 = whole file
  std::string message;
};
std::string to_text(const std::vector<Problem>& problems);  // "file:line: message\n"…

// Checked values. Getters of a key that the schema lacks, or of another kind, throw std::logic_error.
// An absent Text, Path, Zone, Free or List is empty; an absent number throws: ask has() first. An absent
// Section takes its defaults, unless it has a required key: then it stays absent.
class Settings {
 public:
  [[nodiscard]] bool has(std::string_view key) const;
  [[nodiscard]] const std::string& text(
      std::string_view key) const;  // Text, Choice, Path (absolute), Zone, Free
  [[nodiscard]] std::int64_t integer(std::string_view key) const;  // Integer, Bytes
  [[nodiscard]] bool boolean(std::string_view key) const;
  [[nodiscard]] std::chrono::milliseconds duration(std::string_view key) const;
  [[nodiscard]] const std::vector<std::string>& list(std::string_view key) const;
  [[nodiscard]] const Settings& section(std::string_view key) const;
  [[nodiscard]] const std::vector<Settings>& sections(std::string_view key) const;
  [[nodiscard]] int line(std::string_view key) const;  // where it stands; 0 when a default applied
  [[nodiscard]] const std::string& file() const noexcept { return file_; }

 private:
  friend class SettingsParser;
  struct Value {
    SettingKind kind = SettingKind::Text;
    std::string text;
    std::int64_t number = 0;
    std::vector<std::string> list;
    std::vector<Settings> sections;
    int line = 0;
    bool present = false;
  };
  const Value& value(std::string_view key, std::initializer_list<SettingKind> kinds) const;
  const Value& number(std::string_view key, std::initializer_list<SettingKind> kinds) const;
  std::string file_;
  std::map<std::string, Value, std::less<>> values_;
};

struct LoadedSettings {
  Settings settings;
  std::vector<Problem> problems;  // empty = good
};

// "500ms", "5s", "2m", "1h", "400d"; "4MiB", "64KiB", "1GiB", "1000". nullopt = not written so.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);
std::optional<std::int64_t> parse_bytes(std::string_view text);

// Unknown key: a problem naming the nearest known one. All problems are collected, not only the first.
LoadedSettings load_settings_text(std::string_view yaml, const std::string& file,
                                  const SettingsSchema& schema);
LoadedSettings load_settings_file(const std::string& path, const SettingsSchema& schema);

// Reference page (Markdown) of a schema.
std::string reference_page(const SettingsSchema& schema);

}  // namespace ami::sdk
