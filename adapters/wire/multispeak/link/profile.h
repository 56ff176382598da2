// What one family's MultiSpeak interface states, as data: filled in by the family's folder, carried out here.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "adapters/sdk/registration.h"
#include "adapters/wire/multispeak/codec/operation.h"

namespace ami::multispeak {

// A function of the head-end. Vendors serve each at a URL of its own.
enum class Role : std::uint8_t { Mr, Cd, Od };  // meter reading, connect/disconnect, outage detection

enum class PingWay : std::uint8_t {
  OutageDetection,  // InitiateOutageDetectionEventRequest, answered by ODEventNotification
  Read,             // a read that answers: the meter has power
};

struct Profile {
  std::string family;  // "gridstream"
  std::string title;   // of the settings' reference page: "Landis+Gyr Command Center, Gridstream RF Mesh"
  std::string claim;   // AdapterInfo::interface: the honest claim
  std::vector<Version> versions{Version::V30};  // that a site may choose; the first is the default
  std::string mapping = "maps/multispeak.yaml", events = "maps/multispeak-events.yaml";

  // What notice and vendor state. A role whose URL a site leaves out takes its commands away. switch_* that is
  // false here becomes true only by the setting `switch_evidence`, and only where `evidence_helps`.
  sdk::Capabilities can;
  bool evidence_helps = false;
  bool arm = false;     // Arm is one of the words of its loadActionCode, as the vendor asserts
  std::string silence;  // why switching is refused without evidence: whose silence, which clause

  PingWay ping = PingWay::OutageDetection;
  // Until the far side drops a request. Default of the setting; power line networks need hours.
  std::chrono::seconds expiry{300};
  std::size_t targets = 100;                // meters of one request, default of the setting
  AliasKind names = AliasKind::Badge;       // which of a meter's names its books use, default of the setting
  std::string assumed;                      // what a site must confirm; said in status and reference page
};

// The interface of that profile (key "multispeak"): requests to the head-end and a callback server into the
// journal. docs/multispeak.md
std::unique_ptr<sdk::AdapterFamily> interface_of(Profile profile);

}  // namespace ami::multispeak
