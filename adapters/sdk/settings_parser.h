// Walks YAML beside a schema and collects every problem. Private to adapters/sdk.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/sdk/settings.h"

namespace YAML {
class Node;
}

namespace ami::sdk {

std::string_view name_of(SettingKind kind);
Result<std::string> read_settings_file(const std::string& path);

// The known key with the smallest edit distance; empty when there is none at all.
std::string nearest_key(std::string_view key, const std::vector<SettingDef>& known);

class SettingsParser {
 public:
  SettingsParser(std::string_view yaml, std::string file) : yaml_(yaml), file_(std::move(file)) {}
  LoadedSettings parse(const SettingsSchema& schema);

 private:
  void mapping(const YAML::Node& node, const std::vector<SettingDef>& defs, const std::string& where,
               int line, Settings& out);
  void absent(const SettingDef& def, const std::string& name, int line, Settings::Value& out);
  void value(const YAML::Node& node, const SettingDef& def, const std::string& name, Settings::Value& out);
  void scalar(const std::string& text, const SettingDef& def, const std::string& name, Settings::Value& out);
  void list(const YAML::Node& node, const SettingDef& def, const std::string& name, Settings::Value& out);
  [[nodiscard]] std::string source_of(const YAML::Node& node) const;
  void problem(int line, std::string message);

  std::string_view yaml_;
  std::string file_;
  std::vector<Problem> problems_;
};

// The scalar that stands under `key` at the top of a YAML text, whatever else is wrong with it; empty = none.
std::string peek_text(std::string_view yaml, const std::string& key);

}  // namespace ami::sdk
