// The schema of the settings.
#include <string>
#include <utility>

#include "adapters/sdk/mapping_settings.h"
#include "adapters/wire/http/http_settings.h"
#include "adapters/wire/multispeak/link/link_settings.h"

namespace ami::multispeak {
namespace {

using sdk::SettingDef;
using sdk::SettingKind;

constexpr std::int64_t kSecond = 1'000, kDay = 86'400'000;  // ms
const std::vector<std::string> kKinds{"BADGE", "MANUFACTURER_SERIAL", "MODULE", "VENDOR_CONTROL", "MAC",
                                      "CIS"};

SettingDef text(const char* key, std::string doc, std::string standard = {}) {
  return {.key = key, .doc = std::move(doc), .default_value = std::move(standard)};
}
SettingDef choice(const char* key, std::string doc, std::string standard, std::vector<std::string> choices) {
  return {.key = key,
          .kind = SettingKind::Choice,
          .doc = std::move(doc),
          .default_value = std::move(standard),
          .choices = std::move(choices)};
}
SettingDef span(const char* key, std::string doc, std::string standard, std::int64_t min, std::int64_t max,
                std::string assumed = {}) {
  return {.key = key,
          .kind = SettingKind::Duration,
          .doc = std::move(doc),
          .default_value = std::move(standard),
          .min = min,
          .max = max,
          .assumed = std::move(assumed)};
}
SettingDef count(const char* key, std::string doc, std::string standard, std::int64_t min, std::int64_t max) {
  return {.key = key,
          .kind = SettingKind::Integer,
          .doc = std::move(doc),
          .default_value = std::move(standard),
          .min = min,
          .max = max};
}
SettingDef list(const char* key, std::string doc, std::string standard = {}, std::string assumed = {}) {
  return {.key = key,
          .kind = SettingKind::List,
          .doc = std::move(doc),
          .default_value = std::move(standard),
          .assumed = std::move(assumed)};
}

void append(std::vector<SettingDef>& to, std::vector<SettingDef> more) {
  for (SettingDef& def : more) to.push_back(std::move(def));
}

std::vector<SettingDef> pull_settings() {
  return {
      {.key = "what",
       .kind = SettingKind::Choice,
       .doc = "Which question: GetReadingsByDate or GetReadingsByBillingCycle.",
       .required = true,
       .choices = {"readings_by_date", "billing_cycle"}},
      span("every", "How often.", "1h", kSecond, 400 * kDay),
      span("lag", "readings_by_date: asks up to so long before now; the head-end gathers until then.", "15m",
           0, 30 * kDay),
      span("window",
           "readings_by_date: longest period of one question, and how far the first one looks back.", "2d",
           60 * kSecond, 400 * kDay),
      span(
          "overlap",
          "readings_by_date: asks again for so much of what it has: readings reach a head-end hours late, by "
          "power line a day. Shorter than window; left out, at most half of it.",
          "1d", 0, 400 * kDay),
      list("billing_cycles", "billing_cycle: the cycles, as the head-end calls them."),
      count("kwh_look_back", "billing_cycle: kWhLookBack, in days.", "0", 0, 1'000),
      count("kw_look_back", "billing_cycle: kWLookBack, in days.", "0", 0, 1'000),
      count("kw_look_forward", "billing_cycle: kWLookForward, in days.", "0", 0, 1'000),
      text("block_template", "billing_cycle: formattedBlockTemplateName."),
      list("fields", "billing_cycle: fieldName, one by one."),
  };
}

SettingDef role(Role which, const char* serves) {
  return {.key = std::string(name_of(which)),
          .kind = SettingKind::Section,
          .doc = std::string("The head-end's URL for ") + serves + ". Without it there are none of these.",
          .section = http::client_settings()};
}

std::vector<SettingDef> identity_settings(const Profile& profile) {
  std::vector<std::string> versions;
  for (const Version version : profile.versions) versions.emplace_back(name_of(version));
  return {
      choice("version", "MultiSpeak version of what is sent.", versions.front(), versions),
      choice("soap", "SOAP version of what is sent.", "1.1", {"1.1", "1.2"}),
      role(Role::Mr, "reads, demand resets and pulls"),
      role(Role::Cd, "the service switch"),
      role(Role::Od, "outage detection (pings)"),
      text("header_user", "UserID of the message header. Needs header_password_file."),
      {.key = "header_password_file",
       .kind = SettingKind::Path,
       .doc = "File with Pwd of the message header: one line, closed to others (mode 0400 or 0440)."},
      text("company", "Company of the message header."),
      {.key = "callback",
       .kind = SettingKind::Section,
       .doc =
           "The server that the head-end calls back. Without it nothing is answered later: what needs that "
           "cannot be asked.",
       .section = callback_settings()},
      text("response_url", "What head-ends are told to call back: https://gateway:8443/multispeak."),
      choice("meter_id", "Which field of a reading names the meter.", "MeterNo",
             {"MeterNo", "DeviceID", "ObjectID"}),
      choice("names", "Which of a meter's names that is, and stands in requests.",
             std::string(name_of(profile.names)), kKinds),
      choice("device_kind", "Which name an outage event has that names a device and no meter.", "MODULE",
             kKinds),
  };
}

std::vector<SettingDef> command_settings(const Profile& profile) {
  const std::string targets = std::to_string(profile.targets);
  return {
      span("interval_length_unit", "Unit of an intervalLength without one (3.0).", "1m", kSecond, kDay,
           "the schema does not say"),
      span("expiry_unit", "Unit of expirationTime (3.0).", "1m", kSecond, kDay, "the schema does not say"),
      span("expiry", "Until the head-end drops a request, without a word.",
           std::to_string(profile.expiry.count()) + "s", kSecond, 30 * kDay),
      span("grace", "How long after the expiry an answer is still waited for.", "60s", 0, kDay),
      count("targets", "Meters of one request, at most.", targets, 1, 10'000),
      count("in_flight", "Meters that the head-end is asked about at once.", targets, 1, 1'000'000),
      count("per_minute", "Meters that it is asked about in any minute.", "600", 1, 10'000'000),
      choice("read",
             "How a meter is read: a request answered later, or the head-end's latest reading at once.",
             "initiate", {"initiate", "latest"}),
      choice("state",
             "How a switch's state is asked. What is told at once has a default of Closed and proves no "
             "closed switch.",
             "initiate", {"initiate", "synchronous"}),
      choice("ping", "How it is found out whether a meter answers.",
             profile.ping == PingWay::Read ? "read" : "outage_detection", {"outage_detection", "read"}),
      text("open_word", "loadActionCode that opens the switch.", "Disconnect"),
      text("close_word", "loadActionCode that closes it.", "Connect"),
      text("arm_word", "loadActionCode that arms it: closed when the customer presses the button.", "Arm"),
      text("switch_evidence",
           "Where it is stated that this module switches: whose paper, which date. Allowed only where the "
           "notice "
           "leaves it open."),
      list("no_answer_words",
           "Words in a fault that say that the meter did not answer; capitals do not matter.",
           "[no response, not respond, did not answer, no answer, no reply, timed out, timeout, not "
           "reachable, "
           "unreachable]",
           "head-ends use words of their own"),
      list("refusal_words",
           "Words in a fault that say that nothing was done and nothing will be; capitals do not matter. "
           "Without "
           "one of them a demand reset or a switch order that is reported as failed stays UNKNOWN: it may "
           "have "
           "happened."),
      list("demand_reset_codes", "Codes or words of a meter event that say that the demand was reset.",
           "[3.8.0.215, DemandReset, Demand Reset]", "head-ends use codes of their own"),
      {.key = "align",
       .kind = SettingKind::Boolean,
       .doc =
           "Whether the head-end's list of meters (GetAMRSupportedMeters) is compared with ours once a day. "
           "Shown as counts; nothing is changed.",
       .default_value = "false"},
      {.key = "pull",
       .kind = SettingKind::List,
       .doc = "What the head-end is asked for again and again.",
       .section = pull_settings(),
       .list_of_sections = true},
  };
}

}  // namespace

std::string_view name_of(Role role) {
  switch (role) {
    case Role::Mr:
      return "mr";
    case Role::Cd:
      return "cd";
    case Role::Od:
      return "od";
  }
  return "mr";
}

std::vector<SettingDef> link_settings(const Profile& profile) {
  std::vector<SettingDef> defs = sdk::mapping_settings(profile.mapping, profile.events);
  append(defs, identity_settings(profile));
  append(defs, command_settings(profile));
  return defs;
}

}  // namespace ami::multispeak
