#include "adapters/wire/cim/link/link_settings.h"

#include <algorithm>
#include <utility>

#include "adapters/wire/http/http_settings.h"

namespace ami::cim {
namespace {

using sdk::Settings;

Edition edition_from(const std::string& word) {
  return word == "second" ? Edition::Second : word == "first" ? Edition::First : Edition::CommandCenter;
}
Soap soap_from(const std::string& word) {
  return word == "none" ? Soap::None : word == "1.1" ? Soap::V11 : Soap::V12;
}
std::optional<CredentialPlace> place_from(const std::string& word) {
  if (word == "none") return std::nullopt;
  return word == "body" ? CredentialPlace::Body : CredentialPlace::SoapHeader;
}

Options options_of(const Settings& settings) {
  Options options;
  options.meter_is_mrid = settings.text("meter_id") == "mRID";
  options.name_type = settings.text("meter_name_type");
  options.meter_kind = alias_kind_from(settings.text("meter_id_kind")).value();
  return options;
}

Error at(const Settings& section, const char* key, const std::string& message) {
  return permanent(section.file() + ":" + std::to_string(section.line(key)) + ": " + key + ": " + message);
}

bool has_evidence(const Settings& settings, const Profile& profile) {
  return profile.evidence_helps && !settings.text("switch_evidence").empty();
}

}  // namespace

Options file_options(const Settings& settings, const Profile& profile) {
  Options options = options_of(settings);
  options.landis_gyr = profile.edition == Edition::CommandCenter;
  return options;
}

Options message_options(const Settings& settings) {
  Options options = options_of(settings);
  options.landis_gyr = settings.section("message").text("edition") == "command_center";
  return options;
}

AnswerRules answer_rules(const Settings& settings) {
  const Settings& of_switch = settings.section("switching");
  const Settings& of_reply = settings.section("reply_codes");
  AnswerRules rules;
  rules.opened = of_switch.list("opened");
  rules.closed = of_switch.list("closed");
  rules.armed = of_switch.list("armed");
  rules.not_moved = of_switch.list("not_moved");
  rules.no_such_meter = of_reply.list("no_such_meter");
  rules.expired = of_reply.list("expired");
  rules.no_answer = of_reply.list("no_answer");
  rules.refused = of_reply.list("refused");
  return rules;
}

sdk::CommandLimits command_limits(const Settings& settings) {
  const auto seconds = [&](const char* key) {
    return std::chrono::ceil<std::chrono::seconds>(settings.duration(key));
  };
  sdk::CommandLimits limits;
  limits.expiry = seconds("expiry");
  limits.grace = seconds("grace");
  limits.targets = static_cast<std::size_t>(settings.integer("targets"));
  limits.backfill_targets = static_cast<std::size_t>(settings.integer("backfill_targets"));
  limits.in_flight = static_cast<std::size_t>(settings.integer("in_flight"));
  limits.per_minute = static_cast<double>(settings.integer("per_minute"));
  limits.names = alias_kind_from(settings.text("meter_id_kind")).value();
  return limits;
}

sdk::Capabilities most_capabilities(const Profile& profile) {
  sdk::Capabilities can = profile.can;
  can.files = false;
  can.ping = can.ping && profile.ping == PingWay::Read;
  can.switch_open = can.switch_open || profile.evidence_helps;
  can.switch_close = can.switch_close || profile.evidence_helps;
  can.switch_arm = can.switch_open;  // with a code
  return can;
}

sdk::Capabilities capabilities_of(const Settings& settings, const Profile& profile) {
  sdk::Capabilities can = most_capabilities(profile);
  const bool asks = settings.has("head_end"), hears = settings.has("callback");
  can.pushed_messages = can.pushed_messages && hears;
  can.events = can.events && hears;
  can.read_on_demand = can.read_on_demand && asks;
  can.ping = can.ping && asks;
  can.backfill = can.backfill && asks;
  // What became of a switch command comes later: without a server nobody would know.
  const bool evidence = has_evidence(settings, profile);
  const Settings& switching = settings.section("switching");
  const auto may = [&](bool stated, const char* code) {
    return asks && hears && (stated || evidence) && !switching.text(code).empty();
  };
  can.switch_open = may(profile.can.switch_open, "disconnect");
  can.switch_close = may(profile.can.switch_close, "connect");
  can.switch_arm = may(profile.can.switch_open, "arm");
  return can;
}

Result<LinkConfig> link_config(const Settings& settings, const Profile& profile) {
  LinkConfig config;
  config.can = capabilities_of(settings, profile);
  config.options = message_options(settings);
  config.rules = answer_rules(settings);

  const Settings& message = settings.section("message");
  RequestSettings& requests = config.requests;
  requests.edition = edition_from(message.text("edition"));
  requests.soap = soap_from(message.text("soap"));
  requests.soap_action = message.text("soap_action");
  if (requests.soap_action.find_first_of("\"\r\n") != std::string::npos)
    return at(message, "soap_action", "is written without quotes, on one line");
  requests.source = message.text("source");
  requests.revision = message.text("revision");
  requests.meter_is_mrid = config.options.meter_is_mrid;
  requests.name_type = config.options.name_type;
  requests.read_types = settings.list("read_types");
  requests.interval_types = settings.list("interval_types");
  const Settings& switching = settings.section("switching");
  requests.codes = {switching.text("disconnect"), switching.text("connect"), switching.text("arm")};

  const auto place = place_from(message.text("credentials"));
  if (place == CredentialPlace::SoapHeader && requests.soap == Soap::None)
    return at(message, "credentials", "soap_header needs SOAP: set soap to 1.1 or 1.2");
  const auto own = http::header_credentials(message);
  if (!own) return own.error();
  if (own->has_value() && !place)
    return at(message, "header_user", "credentials is none: say body or soap_header");
  if (place && !own->has_value() && settings.has("head_end")) {
    return at(message, "credentials",
              message.text("credentials") +
                  " needs header_user and header_password_file; none says that there are none");
  }
  requests.credentials = *own;
  requests.place = place.value_or(CredentialPlace::Body);

  if (!settings.has("head_end") && !settings.has("callback")) {
    return permanent(settings.file() +
                     ": neither head_end nor callback is there: the feed would have nothing to do");
  }
  if (settings.has("head_end")) {
    const Settings& section = settings.section("head_end");
    Result<http::ClientSettings> client = http::client_config(section, requests.credentials.has_value());
    if (!client) return client.error();
    config.head_end = std::move(client.value());
    config.read_path = section.text("read_path");
    config.control_path = section.text("control_path");
    for (const char* key : {"read_path", "control_path"}) {
      if (!section.text(key).empty() && section.text(key).front() != '/')
        return at(section, key, "must begin with /");
    }
  }
  if (settings.has("callback")) {
    const Settings& section = settings.section("callback");
    Result<http::ServerSettings> server = http::server_config(section);
    if (!server) return server.error();
    ReplyServerSettings& callback = config.callback.emplace();
    callback.server = std::move(server.value());
    callback.paths = section.list("paths");
    const bool bad = std::any_of(callback.paths.begin(), callback.paths.end(),
                                 [](const std::string& path) { return path.empty() || path.front() != '/'; });
    if (bad || callback.paths.empty()) return at(section, "paths", "each must begin with /");
    if (const auto address = http::parse_url(section.text("reply_address")); !address)
      return at(section, "reply_address", address.error().message);
    callback.source = requests.source;
    callback.options = config.options;
    requests.reply_address = section.text("reply_address");
  }
  return config;
}

}  // namespace ami::cim
