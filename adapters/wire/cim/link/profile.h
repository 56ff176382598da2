// What one family's CIM interface states, as data: filled in by the family's folder, carried out here.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "adapters/sdk/registration.h"
#include "adapters/wire/cim/codec/message.h"

namespace ami::cim {

enum class PingWay : std::uint8_t {
  Read,  // a read that answers: the meter has power
  None,  // the interface states no ping
};

// Codes of EndDeviceControlType. Empty = the interface states none; a site may fill it in (section
// `switching`).
struct SwitchCodes {
  std::string disconnect = "3.31.0.23";
  std::string connect = "3.31.0.18";
  std::string arm;
};

struct Profile {
  std::string family;  // "securemesh"
  // Of the settings' reference page: "Feed of the securemesh family, interface cim (…)".
  std::string title;
  std::string claim;                     // AdapterInfo::interface of the messages: the honest claim
  std::string files_title, files_claim;  // the same of dropped files; empty = as above
  // Meanings of readings and events; defaults of the settings.
  std::string mapping = "maps/cim.yaml", events = "maps/cim-events.yaml";

  // What is written and where it leaves credentials; defaults of the settings. What is read tells by itself,
  // but for items in the namespace of Command Center: those are read when `edition` is
  // Edition::CommandCenter.
  Edition edition = Edition::Second;
  Soap soap = Soap::V11;
  std::optional<CredentialPlace> credentials;  // absent: in no message (HTTP Basic or TLS certificates do)

  // What notice and vendor state. Without the section `head_end` there are no commands; without `callback`
  // none that switch, and no events. switch_open, switch_close: false here becomes true only by the setting
  // `switch_evidence`, and only where `evidence_helps`; arming needs a code besides.
  sdk::Capabilities can{.pushed_messages = true,
                        .registers = true,
                        .intervals = true,
                        .events = true,
                        .read_on_demand = true,
                        .ping = true,
                        .backfill = true};
  bool evidence_helps = false;
  std::string silence;  // why switching is refused without evidence: whose silence, which clause
  SwitchCodes codes;

  PingWay ping = PingWay::Read;
  // Until the far side drops a request. Default of the setting.
  std::chrono::seconds expiry{300};
  std::size_t targets = 100;           // meters of one request, default of the setting
  AliasKind names = AliasKind::Badge;  // which of a meter's names its books use, default of the setting
  std::string assumed;                 // what a site must confirm; said in status and reference page
};

// The interface of that profile (key "cim"): requests to the head-end and a server for its answers and
// events, into the journal. docs/cim.md
std::unique_ptr<sdk::AdapterFamily> interface_of(Profile profile);

// Dropped files of the same messages, one a file (key "cim_files"). No commands.
std::unique_ptr<sdk::AdapterFamily> files_of(Profile profile);

}  // namespace ami::cim
