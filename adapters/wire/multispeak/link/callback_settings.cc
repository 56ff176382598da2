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

Outcome read_header_credentials(const sdk::Settings& section, CallbackSettings& config) {
  const std::string& user = section.text("header_user");
  const std::string& file = section.text("header_password_file");
  if (user.empty() && file.empty()) return Done{};
  if (user.empty())
    return at(section, "header_password_file", "without header_user it is the password of nobody");
  if (file.empty()) return at(section, "header_user", "needs header_password_file");
  for (const http::Endpoint& endpoint : config.server.listen) {
    if (config.server.tls || config.server.plain_credentials || http::is_loopback(endpoint.host)) continue;
    return at(section, "header_user",
              "UserID and Pwd would cross the network in clear text at " + endpoint.host +
                  ": set certificate and key, or plain_credentials: true where the network is trusted");
  }
  const Result<http::Secret> password = http::load_secret(file);
  if (!password) return at(section, "header_password_file", password.error().message);
  config.user = user;
  config.password = Secret(password->reveal());
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
  defs.push_back({.key = "header_user",
                  .kind = SettingKind::Text,
                  .doc = "UserID that the MultiSpeakMsgHeader of a callback must show. Without it the header "
                         "is not looked at: then let HTTP Basic or client certificates say who calls."});
  defs.push_back({.key = "header_password_file",
                  .kind = SettingKind::Path,
                  .doc = "File with the Pwd that the header must show: one line, closed to others (mode 0400 "
                         "or 0440)."});
  return defs;
}

Result<CallbackSettings> callback_config(const sdk::Settings& section, Options options) {
  CallbackSettings config;
  Result<http::ServerSettings> server = http::server_config(section);
  if (!server) return server.error();
  config.server = std::move(server).value();
  if (Outcome read = read_paths(section, config.paths); !read) return read.error();
  if (Outcome read = read_header_credentials(section, config); !read) return read.error();
  config.options = std::move(options);
  return config;
}

}  // namespace ami::multispeak
