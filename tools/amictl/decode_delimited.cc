#include "tools/amictl/decode_delimited.h"

#include <yaml-cpp/yaml.h>

#include <utility>

#include "tools/amictl/connection.h"
#include "tools/amictl/options.h"

namespace ami::amictl {
namespace {

std::string scalar(const YAML::Node& parent, const char* key, const std::string& otherwise,
                   const std::string& file) {
  const YAML::Node node = parent[key];
  if (!node || node.IsNull()) return otherwise;
  if (!node.IsScalar())
    throw UsageError{file + ":" + std::to_string(node.Mark().line + 1) + ": " + key +
                     " must be a single value"};
  return node.Scalar();
}

char delimiter_named(const std::string& name, const std::string& file) {
  for (const auto& [word, sign] : {std::pair<const char*, char>{"comma", ','},
                                   {"semicolon", ';'},
                                   {"tab", '\t'},
                                   {"pipe", '|'},
                                   {"tilde", '~'}}) {
    if (name == word) return sign;
  }
  throw UsageError{file + ": delimiter is none of comma semicolon tab pipe tilde"};
}

}  // namespace

delimited::Options delimited_options(const std::string& feed_file) {
  delimited::Options options;
  if (feed_file.empty()) return options;
  const YAML::Node root = YAML::LoadFile(feed_file);
  options.delimiter = delimiter_named(scalar(root, "delimiter", "comma", feed_file), feed_file);
  if (scalar(root, "time_form", "year_first", feed_file) == "month_first")
    options.time_form = delimited::TimeForm::MonthFirst;
  options.time_is_utc = scalar(root, "time_is_utc", "true", feed_file) != "false";
  if (const std::string name = scalar(root, "zone", "", feed_file); !name.empty()) {
    if (auto zone = Zone::load(name)) options.local_zone = zone.value();
  }
  if (const YAML::Node columns = root["columns"]; columns && columns.IsMap()) {
    delimited::Columns& named = options.columns;
    for (const auto& [key, name] : {std::pair<const char*, std::string*>{"device", &named.device},
                                    {"module", &named.module},
                                    {"port", &named.port},
                                    {"meter_type", &named.meter_type},
                                    {"unit", &named.unit},
                                    {"scaled", &named.scaled},
                                    {"raw", &named.raw},
                                    {"scalar", &named.scalar},
                                    {"time", &named.time},
                                    {"local_time", &named.local_time},
                                    {"active", &named.active}}) {
      *name = scalar(columns, key, *name, feed_file);
    }
  }
  if (const YAML::Node meters = root["meters"]; meters && meters.IsSequence()) {
    for (const YAML::Node& one : meters) {
      if (!one.IsMap()) continue;
      options.kinds.push_back({scalar(one, "meter_type", "", feed_file), scalar(one, "port", "", feed_file),
                               scalar(one, "commodity", "", feed_file), scalar(one, "unit", "", feed_file)});
    }
  }
  return options;
}

}  // namespace ami::amictl
