// The schema of the settings.
#include <string>
#include <utility>

#include "adapters/sdk/mapping_settings.h"
#include "adapters/wire/cim/link/link_settings.h"
#include "adapters/wire/drop_folder/drop_folder.h"
#include "adapters/wire/http/http_settings.h"

namespace ami::cim {
namespace {

using sdk::SettingDef;
using sdk::SettingKind;

constexpr const char* kCodesAssumed = "no code of the standard is confirmed by a vendor";

void append(std::vector<SettingDef>& to, std::vector<SettingDef> more) {
  for (SettingDef& def : more) to.push_back(std::move(def));
}

const char* name_of(Edition edition) {
  return edition == Edition::Second ? "second" : edition == Edition::First ? "first" : "command_center";
}
const char* name_of(Soap soap) {
  return soap == Soap::None ? "none" : soap == Soap::V11 ? "1.1" : "1.2";
}
const char* name_of(const std::optional<CredentialPlace>& place) {
  return !place ? "none" : *place == CredentialPlace::Body ? "body" : "soap_header";
}

std::vector<SettingDef> meter_settings(const Profile& profile) {
  return {
      {.key = "meter_id",
       .kind = SettingKind::Choice,
       .doc = "Which of a meter's names a message gives: Names/name, or mRID.",
       .default_value = "name",
       .choices = {"name", "mRID"}},
      {.key = "meter_name_type", .doc = "Of several Names the one with this NameType; left out: the first."},
      {.key = "meter_id_kind",
       .kind = SettingKind::Choice,
       .doc = "What that name is in the utility's books.",
       .default_value = std::string(ami::name_of(profile.names)),
       .choices = {"BADGE", "MANUFACTURER_SERIAL", "MODULE", "VENDOR_CONTROL", "MAC", "CIS"}},
  };
}

SettingDef codes(const char* key, const char* doc, const char* standard) {
  return {
      .key = key, .kind = SettingKind::List, .doc = doc, .default_value = standard, .assumed = kCodesAssumed};
}

std::vector<SettingDef> code_settings(const Profile& profile) {
  const auto code = [](const char* key, const char* doc, const std::string& standard) {
    return SettingDef{.key = key, .doc = doc, .default_value = standard, .assumed = kCodesAssumed};
  };
  return {
      {.key = "switching",
       .kind = SettingKind::Section,
       .doc = "Codes of the service switch, type.domain.subdomain.action.",
       .section = {code("disconnect", "EndDeviceControlType that opens.", profile.codes.disconnect),
                   code("connect", "EndDeviceControlType that closes.", profile.codes.connect),
                   code("arm", "EndDeviceControlType that arms; left out: the interface has none.",
                        profile.codes.arm),
                   codes("opened", "EndDeviceEventTypes that say: it is open.", "['3.31.0.68']"),
                   codes("closed", "EndDeviceEventTypes that say: it is closed.", "['3.31.0.42']"),
                   codes("armed", "EndDeviceEventTypes that say: ready for the button, not closed.",
                         "['3.31.0.11']"),
                   codes("not_moved", "EndDeviceEventTypes that say: it did not move.",
                         "['3.31.0.84', '3.31.0.67', '3.31.0.226']")}},
      {.key = "reply_codes",
       .kind = SettingKind::Section,
       .doc = "What codes in a Reply's Error mean; all others: refused, or failed, which of a switch leaves "
              "it open.",
       .section = {codes("no_such_meter", "The head-end does not know the meter.", "['2.4']"),
                   codes("expired", "The head-end's time ran out.", "[]"),
                   codes("no_answer", "The meter did not answer.", "[]"),
                   codes("refused", "Nothing was done and nothing will be: a switch has not moved.", "[]")}},
  };
}

std::vector<SettingDef> command_settings(const Profile& profile) {
  const auto span = [](const char* key, const std::string& standard, const char* doc) {
    return SettingDef{.key = key,
                      .kind = SettingKind::Duration,
                      .doc = doc,
                      .default_value = standard,
                      .min = 1'000,
                      .max = 7 * 86'400'000LL};
  };
  const auto number = [](const char* key, const std::string& standard, std::int64_t most, const char* doc) {
    return SettingDef{.key = key,
                      .kind = SettingKind::Integer,
                      .doc = doc,
                      .default_value = standard,
                      .min = 1,
                      .max = most};
  };
  return {
      span("expiry", std::to_string(profile.expiry.count()) + "s",
           "After that the head-end drops a request, silently as a rule."),
      span("grace", "60s", "How long after the expiry an answer is still waited for."),
      number("targets", std::to_string(profile.targets), 10'000, "Meters of one request, at most."),
      number("backfill_targets", std::to_string(profile.targets), 10'000,
             "Meters of one request for a period, at most."),
      number("in_flight", "1000", 1'000'000, "Meters that the head-end is asked about at once."),
      number("per_minute", "600", 1'000'000, "Meters asked about in any minute."),
      {.key = "read_types",
       .kind = SettingKind::List,
       .doc = "ReadingTypes that an on-demand read asks for; left out: the head-end's choice."},
      {.key = "interval_types",
       .kind = SettingKind::List,
       .doc = "ReadingTypes that a backfill asks for; left out: the head-end's choice."},
  };
}

std::vector<SettingDef> message_settings(const Profile& profile) {
  return {
      {.key = "edition",
       .kind = SettingKind::Choice,
       .doc = "Namespaces and element names of what is sent: second (2011), first (2009), command_center "
              "(Landis+Gyr). What comes tells by itself, but for items in Landis+Gyr's namespace: those are "
              "read with command_center.",
       .default_value = name_of(profile.edition),
       .choices = {"second", "first", "command_center"},
       .assumed = "which edition the head-end speaks"},
      {.key = "soap",
       .kind = SettingKind::Choice,
       .doc = "Envelope of what is sent: SOAP 1.1, 1.2, or none (a plain POST of the message).",
       .default_value = name_of(profile.soap),
       .choices = {"none", "1.1", "1.2"},
       .assumed = "how the head-end takes messages"},
      {.key = "soap_action", .doc = "SOAPAction of requests, without quotes."},
      {.key = "credentials",
       .kind = SettingKind::Choice,
       .doc = "Where user and password stand in messages: body (Command Center CIM 1.2: User and Property), "
              "soap_header (CIM 2.0), or none. HTTP Basic is a matter of head_end and callback.",
       .default_value = name_of(profile.credentials),
       .choices = {"none", "body", "soap_header"}},
      {.key = "header_user", .doc = "User in our messages. Needs header_password_file."},
      {.key = "header_password_file",
       .kind = SettingKind::Path,
       .doc = "File with its password: one line, closed to others (mode 0400 or 0440)."},
      {.key = "source", .doc = "Header/Source of our messages.", .default_value = "ami-gatewayd"},
      {.key = "revision", .doc = "Header/Revision of our messages; left out: none."},
  };
}

std::vector<SettingDef> head_end_settings() {
  std::vector<SettingDef> defs = http::client_settings();
  append(defs, {{.key = "read_path", .doc = "Path of requests for readings, where it is not that of url."},
                {.key = "control_path", .doc = "Path of switch commands, where it is not that of url."}});
  return defs;
}

std::vector<SettingDef> callback_settings() {
  std::vector<SettingDef> defs = http::server_settings();
  append(defs,
         {{.key = "paths",
           .kind = SettingKind::List,
           .doc = "Paths that the head-end posts to.",
           .default_value = "['/cim']"},
          {.key = "reply_address",
           .doc = "What requests name as their ReplyAddress: the URL of this server as the head-end sees it.",
           .required = true}});
  return defs;
}

}  // namespace

sdk::SettingsSchema message_schema(const Profile& profile) {
  sdk::SettingsSchema schema{profile.title, sdk::mapping_settings(profile.mapping, profile.events)};
  append(schema.settings, meter_settings(profile));
  append(
      schema.settings,
      {{.key = "message",
        .kind = SettingKind::Section,
        .doc = "How our messages are written.",
        .section = message_settings(profile),
        .assumed = profile.assumed},
       {.key = "head_end",
        .kind = SettingKind::Section,
        .doc = "Where requests go. Without it the feed takes what is posted, and no commands.",
        .section = head_end_settings()},
       {.key = "callback",
        .kind = SettingKind::Section,
        .doc = "The server for answers and events. Without it only answers on our own connection are read.",
        .section = callback_settings()}});
  append(schema.settings, command_settings(profile));
  if (profile.evidence_helps) {
    schema.settings.push_back(
        {.key = "switch_evidence",
         .doc = "Where it is stated that this module switches: whose paper, which date. "
                "Without it switch commands are refused: " +
                profile.silence + "."});
  }
  append(schema.settings, code_settings(profile));
  return schema;
}

sdk::SettingsSchema file_schema(const Profile& profile) {
  sdk::SettingsSchema schema{profile.files_title.empty() ? profile.title : profile.files_title,
                             wire::drop_folder_settings()};
  append(schema.settings, sdk::mapping_settings(profile.mapping, profile.events));
  append(schema.settings, meter_settings(profile));
  return schema;
}

}  // namespace ami::cim
