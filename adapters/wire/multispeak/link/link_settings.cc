// The values behind the settings.
#include "adapters/wire/multispeak/link/link_settings.h"

#include <algorithm>
#include <utility>

#include "adapters/wire/http/http_settings.h"

namespace ami::multispeak {
namespace {

constexpr Role kRoles[] = {Role::Mr, Role::Cd, Role::Od};
// A period of all meters is one question, however many are meant.
constexpr std::size_t kBackfillTargets = 100'000;

std::chrono::seconds seconds_of(const sdk::Settings& settings, const char* key) {
  return std::chrono::ceil<std::chrono::seconds>(settings.duration(key));
}

Pull pull_of(const sdk::Settings& entry) {
  Pull pull;
  pull.what = entry.text("what") == "billing_cycle" ? Pull::What::BillingCycle : Pull::What::ReadingsByDate;
  pull.every = entry.duration("every");
  pull.lag = entry.duration("lag");
  pull.window = entry.duration("window");
  pull.overlap = entry.duration("overlap");
  // A site that shortens the window only has not asked for a pull that never gets on.
  if (entry.line("overlap") == 0) pull.overlap = std::min(pull.overlap, pull.window / 2);
  pull.cycles = entry.list("billing_cycles");
  pull.kwh_look_back_days = static_cast<std::int32_t>(entry.integer("kwh_look_back"));
  pull.kw_look_back_days = static_cast<std::int32_t>(entry.integer("kw_look_back"));
  pull.kw_look_forward_days = static_cast<std::int32_t>(entry.integer("kw_look_forward"));
  pull.block_template = entry.text("block_template");
  pull.field_names = entry.list("fields");
  return pull;
}

std::string at(const sdk::Settings& settings, const char* key, const std::string& words) {
  return sdk::to_text({{settings.file(), settings.line(key), std::string(key) + ": " + words}});
}

// Errors of the sections below are lines already, but for the line end.
std::string lines_of(const Error& error) {
  return error.message.ends_with('\n') ? error.message : error.message + "\n";
}

}  // namespace

CommandRules command_rules(const sdk::Settings& settings) {
  CommandRules rules;
  rules.version = settings.text("version") == name_of(Version::V41) ? Version::V41 : Version::V30;
  rules.soap = settings.text("soap") == "1.2" ? Soap::V12 : Soap::V11;
  rules.ping = settings.text("ping") == "read" ? PingWay::Read : PingWay::OutageDetection;
  rules.latest_reading = settings.text("read") == "latest";
  rules.state_at_once = settings.text("state") == "synchronous";
  rules.open_word = settings.text("open_word");
  rules.close_word = settings.text("close_word");
  rules.arm_word = settings.text("arm_word");
  rules.response_url = settings.text("response_url");
  rules.expiry_unit = seconds_of(settings, "expiry_unit");
  return rules;
}

Options codec_options(const sdk::Settings& settings) {
  Options options;
  if (settings.text("meter_id") == "DeviceID") options.meter_field = MeterField::DeviceId;
  if (settings.text("meter_id") == "ObjectID") options.meter_field = MeterField::ObjectId;
  options.meter_kind = alias_kind_from(settings.text("names")).value_or(AliasKind::Badge);
  options.device_kind = alias_kind_from(settings.text("device_kind")).value_or(AliasKind::Module);
  options.interval_length_unit = seconds_of(settings, "interval_length_unit");
  return options;
}

sdk::CommandLimits command_limits_of(const sdk::Settings& settings) {
  sdk::CommandLimits limits;
  limits.expiry = seconds_of(settings, "expiry");
  limits.grace = seconds_of(settings, "grace");
  const CommandRules rules = command_rules(settings);
  // What is answered at once is asked meter by meter, and a meter does not wait for another's answer.
  const bool one_by_one = rules.latest_reading || rules.state_at_once;
  limits.targets = one_by_one ? 1 : static_cast<std::size_t>(settings.integer("targets"));
  limits.backfill_targets = kBackfillTargets;
  limits.in_flight = static_cast<std::size_t>(settings.integer("in_flight"));
  limits.per_minute = static_cast<double>(settings.integer("per_minute"));
  limits.names = alias_kind_from(settings.text("names")).value_or(AliasKind::Badge);
  return limits;
}

sdk::Capabilities capabilities_of(const Profile& profile, const sdk::Settings& settings) {
  const CommandRules rules = command_rules(settings);
  const bool mr = settings.has("mr"), cd = settings.has("cd"), od = settings.has("od");
  const bool called_back = settings.has("callback");
  const bool evidence = profile.evidence_helps && !settings.text("switch_evidence").empty();
  const bool orders = cd && called_back;

  sdk::Capabilities can = profile.can;
  can.pushed_messages = called_back;
  can.read_on_demand &= mr && (called_back || rules.latest_reading);
  can.ping &= called_back && (rules.ping == PingWay::Read ? mr : od);
  can.demand_reset &= mr && called_back;
  can.backfill &= mr;
  can.switch_open = orders && (can.switch_open || evidence);
  can.switch_close = orders && (can.switch_close || evidence);
  can.switch_arm = orders && profile.arm && (can.switch_arm || evidence);
  can.switch_state = cd && (called_back || rules.state_at_once) && (can.switch_state || evidence);
  return can;
}

Result<LinkConfig> link_config(const Profile& profile, const sdk::Settings& settings) {
  LinkConfig config;
  std::string problems = sdk::to_text(contradictions(profile, settings));
  config.rules = command_rules(settings);
  config.options = codec_options(settings);
  config.names = config.options.meter_kind;
  config.align = settings.boolean("align");
  const auto zone = Zone::load(settings.text("zone"));
  for (const sdk::Settings& entry : settings.sections("pull")) {
    config.pulls.push_back(pull_of(entry));
    if (zone) config.pulls.back().zone = *zone;
  }

  config.header.user_id = settings.text("header_user");
  config.header.company = settings.text("company");
  config.header.app_name = "ami-gatewayd";
  if (const std::string& file = settings.text("header_password_file"); !file.empty()) {
    const auto password = http::load_secret(file);
    if (password) {
      config.header.password = *password;
    } else {
      problems += at(settings, "header_password_file", password.error().message);
    }
  }
  for (const Role role : kRoles) {
    const std::string key(name_of(role));
    if (!settings.has(key)) continue;
    auto client = http::client_config(settings.section(key), !config.header.user_id.empty());
    if (!client) {
      problems += lines_of(client.error());
      continue;
    }
    config.roles.emplace(role, std::move(client.value()));
  }
  if (settings.has("callback")) {
    auto callback = callback_config(settings.section("callback"), config.options);
    if (callback) {
      config.callback = std::move(callback.value());
    } else {
      problems += lines_of(callback.error());
    }
  }
  if (!problems.empty()) return permanent(problems);
  return config;
}

}  // namespace ami::multispeak
