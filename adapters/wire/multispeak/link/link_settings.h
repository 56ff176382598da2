// What a feed's file says of its head-end: the schema, what contradicts itself, and the values behind it.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/sdk/command.h"
#include "adapters/sdk/settings.h"
#include "adapters/wire/http/client.h"
#include "adapters/wire/multispeak/codec/multispeak.h"
#include "adapters/wire/multispeak/link/callback_server.h"
#include "adapters/wire/multispeak/link/profile.h"
#include "meter_model/time/zone.h"

namespace ami::multispeak {

std::string_view name_of(Role role);  // "mr": the key of its section

// How commands are put to the head-end.
struct CommandRules {
  Version version = Version::V30;
  Soap soap = Soap::V11;
  PingWay ping = PingWay::OutageDetection;
  bool latest_reading = false;  // a read is GetLatestReading: what the head-end has, at once
  bool state_at_once = false;   // GetCDMeterState instead of InitiateCDStateRequest
  std::string open_word, close_word, arm_word;
  std::string response_url;
  std::chrono::seconds expiry_unit{60};  // 3.0
};

// Asking again and again for what the head-end has gathered.
struct Pull {
  enum class What : std::uint8_t { ReadingsByDate, BillingCycle };
  What what = What::ReadingsByDate;
  std::chrono::milliseconds every{3'600'000};
  // ReadingsByDate: asked up to `lag` before now, at most `window` at once, `overlap` of what was had again.
  std::chrono::milliseconds lag{0}, window{86'400'000}, overlap{0};
  // BillingCycle: these cycles, with the fields of the request as the head-end defines them.
  std::vector<std::string> cycles;
  Zone zone = Zone::utc();  // whose day a billing date is
  std::int32_t kwh_look_back_days = 0, kw_look_back_days = 0, kw_look_forward_days = 0;
  std::string block_template;
  std::vector<std::string> field_names;
};

struct LinkConfig {
  CommandRules rules;
  Options options;
  AliasKind names = AliasKind::Badge;
  MessageHeader header;  // of every request: user, password, company
  std::map<Role, http::ClientSettings> roles;
  std::optional<CallbackSettings> callback;
  std::vector<Pull> pulls;
  bool align = false;  // ask for the head-end's list of meters
};

// Everything below takes checked settings of this schema.
std::vector<sdk::SettingDef> link_settings(const Profile& profile);

// Without reading a file. Any thread.
CommandRules command_rules(const sdk::Settings& settings);
Options codec_options(const sdk::Settings& settings);
sdk::CommandLimits command_limits_of(const sdk::Settings& settings);
// What the profile states, less what no URL, callback or evidence is there for.
sdk::Capabilities capabilities_of(const Profile& profile, const sdk::Settings& settings);

// Settings that contradict themselves or the profile. Reads no file.
std::vector<sdk::Problem> contradictions(const Profile& profile, const sdk::Settings& settings);

// Reads password and certificate files (blocks). Permanent: every problem as "file:line: words", one a line.
Result<LinkConfig> link_config(const Profile& profile, const sdk::Settings& settings);

}  // namespace ami::multispeak
