// Whether a meter's switch may be operated at all, and in which ways. Four must agree: the type approval, the
// adapter, the firmware and the site. What nobody says is no.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/sdk/adapter.h"
#include "meter_model/approval/installation.h"
#include "meter_model/approval/service_switch.h"
#include "storage/contract/switching.h"

namespace ami::daemon::switching {

using storage::SwitchAction;

// What a site has shown of its own meters; configuration.
struct SiteShown {
  std::string family;    // adapter family, "gridstream"
  std::string firmware;  // exactly this one; "*" = any, which the document must bear out
  bool open = false, close = false, arm = false;
  bool meter_interlock = false;  // the meter refuses to close on load-side voltage: rely_on_meter_interlock
  std::string module;            // for the approval, where the notice is silent
  std::string author, document;  // both are needed
};

struct CapabilityFacts {
  const approval::Notice* notice = nullptr;  // nullptr = no notice binds the utility, or it is missing:
  std::string missing_notice;                // name of one that binds it and is not loaded; then nothing is a yes
  approval::Device device;
  approval::AsOf as_of{};
  std::string family;     // of the adapter that reaches it; empty = none does
  sdk::Capabilities can;  // what the interface states
  std::vector<SiteShown> shown;
  std::optional<approval::SiteEvidence> evidence;  // of the module, where no row of `shown` is of the meter
};

struct CapabilityLine {
  std::string source;  // "approval", "adapter", "firmware", "site"
  bool yes = false;
  std::string words, clauses;  // clauses: "AE-1641 Rev. 3, section"; empty = none
};

struct Capability {
  bool open = false, close = false, arm = false;
  bool meter_interlock = false;
  std::vector<CapabilityLine> lines;  // one a source, then one an action that is refused
  [[nodiscard]] bool allows(SwitchAction action) const noexcept;
  // Why not, in one sentence; empty when it is allowed.
  [[nodiscard]] std::string refusal(SwitchAction action) const;
};

Capability capability_of(const CapabilityFacts& facts);

}  // namespace ami::daemon::switching
