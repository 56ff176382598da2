// Section `callback` of a feed.
#include <algorithm>
#include <set>

#include "adapters/wire/http/http_settings.h"
#include "adapters/wire/multispeak/link/callback_server.h"
#include "meter_model/quantity/quoted.h"

namespace ami::multispeak {
namespace {

using sdk::SettingDef;
using sdk::SettingKind;

Error at(const sdk::Settings& section, const char* key, const std::string& message) {
  return permanent(section.file() + ":" + std::to_string(section.line(key)) + ": " + key + ": " + message);
}

std::string problem_of_path(const std::string& path) {
  if (!path.starts_with('/')) return "begins with no \"/\"";
  const auto bad = [](char c) { return c <= ' ' || c > '~' || c == '?' || c == '#'; };
  if (std::ranges::any_of(path, bad)) return "has a blank, \"?\", \"#\" or a character that is not ASCII";
  return {};
}

Outcome read_paths(const sdk::Settings& section, std::vector<std::string>& paths) {
  paths = section.list("paths");
  if (paths.empty()) return at(section, "paths", "names no path; write at least one, like /multispeak");
  std::set<std::string> seen;
  for (const std::string& path : paths) {
    if (const std::string why = problem_of_path(path); !why.empty()) {
      return at(section, "paths", quoted(path, 80) + " " + why + "; write it like /multispeak");
    }
    if (!seen.insert(path).second) return at(section, "paths", quoted(path, 80) + " stands there twice");
  }
  return Done{};
}

}  // namespace

std::vector<SettingDef> callback_settings() {
  std::vector<SettingDef> defs = http::server_settings();
  for (SettingDef& def : defs) {
    // A storm of last gasps comes all at once, and each message only waits for its place in the journal's
    // next write: memory is bounded by max_buffered, so few need be told to come back.
    if (def.key == "max_in_work") def.default_value = "1000";
  }
  defs.push_back(
      {.key = "paths",
       .kind = SettingKind::List,
       .doc = "Paths at which callbacks are taken, of all roles: a message says itself what it is.",
       .default_value = "[/multispeak]"});
  return defs;
}

Result<CallbackSettings> callback_config(const sdk::Settings& section, Options options) {
  CallbackSettings config;
  Result<http::ServerSettings> server = http::server_config(section);
  if (!server) return server.error();
  config.server = std::move(server).value();
  if (Outcome read = read_paths(section, config.paths); !read) return read.error();
  config.options = std::move(options);
  return config;
}

}  // namespace ami::multispeak
