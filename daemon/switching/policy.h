// What forbids a switch operation. Asked when it is requested and again, with everything looked up anew,
// right before it leaves. A Policy sees facts and says yes or no with its rule and inputs; it changes
// nothing.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "daemon/switching/capability.h"
#include "daemon/switching/evidence.h"
#include "storage/contract/switching.h"

namespace ami::daemon::switching {

using storage::SwitchAsked;
using storage::SwitchOperation;
using storage::SwitchState;

// The meter as it stands now, by asset data.
struct House {
  MeterId meter_id = 0;     // 0 = there is no such meter
  std::string usage_point;  // where it is installed; empty = nowhere
  std::string serial;
};

// Attestations of a CLOSE: what somebody answers for instead of the meter.
inline constexpr const char* kCustomerPresent = "CUSTOMER_PRESENT";
inline constexpr const char* kMainBreakerOpen = "MAIN_BREAKER_OPEN";
inline constexpr const char* kTariffPermits = "TARIFF_PERMITS";

struct PolicyInput {
  SwitchAsked asked;
  Capability capability;
  House house;
  LoadSideVoltage load_side = LoadSideVoltage::NotRead;
  std::vector<SwitchOperation> others;  // of the meter, newest first, without this one
  UtcInstant now{};
  bool before_send = false;
};

// A rule that was looked at, whether it refused or not.
struct PolicyCheck {
  std::string rule{};
  std::string version{};  // of the data that state it; empty = of the program
  bool passed = true;
  bool binds = true;  // false: not this action or reason class, so that it was not asked; passed
  std::string words{};
  std::map<std::string, std::string> facts{};  // what it saw
  std::string would_change{};                  // of one that refuses: what would let it pass
};

struct PolicyVerdict {
  std::string rule, words;                   // rule empty = allowed
  std::map<std::string, std::string> facts;  // what it rests on
  std::vector<PolicyCheck> checks;           // every rule, in the order of looking; the first refusal counts
  bool truck_roll = false;                   // a person has to go there instead
  bool latent_close = false;                 // the meter may close by itself later
  [[nodiscard]] bool allowed() const noexcept { return rule.empty(); }
};

class Policy {
 public:
  virtual ~Policy() = default;
  [[nodiscard]] virtual PolicyVerdict check(const PolicyInput& input) const = 0;
};

// The rules of the engine itself: the clock, the right house, capability, what is uncertain, and the way back.
// In this order:
//   CLOCK_STEPPED_BACK, NOT_AFTER, WRONG_HOUSE, CAPABILITY, SWITCH_UNCERTAIN, ATTESTATION, ARM_PREFERRED,
//   LOAD_SIDE_VOLTAGE, LOAD_SIDE_UNREADABLE
class EnginePolicy final : public Policy {
 public:
  [[nodiscard]] PolicyVerdict check(const PolicyInput& input) const override;
};

// Whether an operation that ended in `state` stands in the way of another. After an OPEN whose outcome is not
// known no second OPEN goes, but the way back stays free; after a CLOSE or ARM only a program's repetition
// waits.
bool blocks(SwitchState state, SwitchAction earlier, SwitchAction action, bool automatic);

}  // namespace ami::daemon::switching
