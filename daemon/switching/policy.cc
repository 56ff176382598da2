#include "daemon/switching/policy.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>

namespace ami::daemon::switching {
namespace {

constexpr std::chrono::seconds kClockSlack{5};

using Facts = std::map<std::string, std::string>;

// What one rule says. `words` empty = it passes.
struct Said {
  std::string words;
  Facts facts;
  std::string would_change;
  bool truck_roll = false, latent_close = false;
};

Said clock_stepped_back(const PolicyInput& input) {
  Said said{{}, {{"now", to_text(input.now)}}, "a clock of the gateway that is right"};
  if (input.now < input.asked.created_at - kClockSlack) {
    said.words = "the gateway's clock says " + to_text(input.now) +
                 ", before the operation was asked for at " + to_text(input.asked.created_at) +
                 ": nothing is sent by it";
  }
  return said;
}

Said not_after(const PolicyInput& input) {
  Said said{{}, {{"now", to_text(input.now)}}, "an order with a later not_after"};
  if (input.now >= input.asked.not_after)
    said.words = "it may not leave after " + to_text(input.asked.not_after);
  return said;
}

Said wrong_house(const PolicyInput& input) {
  const SwitchAsked& asked = input.asked;
  const House& house = input.house;
  Said said{{},
            {{"usage_point_asked", asked.usage_point},
             {"usage_point_found", house.usage_point},
             {"serial_last4_asked", asked.serial_last4}},
            "a meter, a usage point and a serial that agree with asset data"};
  if (house.meter_id == 0 || house.meter_id != asked.meter_id) {
    said.words = "meter " + asked.meter + " is not the one that was asked for";
  } else if (house.usage_point.empty()) {
    said.words = "meter " + asked.meter + " is installed nowhere";
  } else if (house.usage_point != asked.usage_point) {
    said.words =
        "meter " + asked.meter + " is at usage point " + house.usage_point + ", not at " + asked.usage_point;
  } else if (asked.serial_last4.size() != 4 || !house.serial.ends_with(asked.serial_last4)) {
    // The serial itself is not told: who does not know it shall not learn it from a refusal.
    said.words =
        "the serial of meter " + asked.meter + (house.serial.empty() ? " is not known" : " ends otherwise");
  }
  return said;
}

Said capability(const PolicyInput& input) {
  Said said{{},
            {{"action", std::string(storage::name_of(input.asked.action))}},
            "a statement of the notice, the adapter, the firmware or the site that it can"};
  if (!input.capability.allows(input.asked.action))
    said.words = input.capability.refusal(input.asked.action);
  return said;
}

Said switch_uncertain(const PolicyInput& input) {
  const SwitchAsked& asked = input.asked;
  for (const SwitchOperation& other : input.others) {
    if (!blocks(other.state, other.asked.action, asked.action, asked.automatic)) continue;
    const std::string id = std::to_string(other.id), state(storage::name_of(other.state));
    return {"operation " + id + " of meter " + asked.meter + " is " + state +
                ": find out what the meter does, then resolve it",
            {{"operation", id}, {"state", state}},
            "operation " + id + " resolved"};
  }
  return {};
}

bool known_attestation(const std::string& text) {
  constexpr std::array<std::string_view, 3> kKnown{kCustomerPresent, kMainBreakerOpen, kTariffPermits};
  return std::ranges::find(kKnown, text) != kKnown.end();
}

// The way back into a house.
Said attestation(const PolicyInput& input) {
  Said said{{}, {{"attestation", input.asked.attestation}}, "an attestation"};
  if (!known_attestation(input.asked.attestation)) {
    said.words =
        "a CLOSE energises a house at once: somebody must attest CUSTOMER_PRESENT, MAIN_BREAKER_OPEN or "
        "TARIFF_PERMITS";
  }
  return said;
}

Said arm_preferred(const PolicyInput& input) {
  Said said{{}, {{"attestation", input.asked.attestation}}, "an ARM, or another attestation"};
  if (input.capability.arm && input.asked.attestation == kTariffPermits) {
    said.words =
        "the meter can be armed, and the customer then closes it: ARM it, or attest CUSTOMER_PRESENT or "
        "MAIN_BREAKER_OPEN";
  }
  return said;
}

Facts voltage(const PolicyInput& input) {
  return {{"load_side_voltage", std::string(name_of(input.load_side))}};
}

Said load_side_voltage(const PolicyInput& input) {
  Said said{{}, voltage(input), "no voltage behind the switch"};
  if (input.load_side == LoadSideVoltage::Present) {
    said.words =
        "there is voltage behind the open switch, from a generator perhaps: closing would join it to "
        "the line. A meter that was told to close may do so by itself when the voltage goes";
    said.latent_close = true;
  }
  return said;
}

Said load_side_unreadable(const PolicyInput& input) {
  Said said{{}, voltage(input), "a reading of the voltage, an interlock that the site has shown, or a visit"};
  if (input.load_side != LoadSideVoltage::Absent && input.load_side != LoadSideVoltage::Present &&
      !input.capability.meter_interlock) {
    said.words =
        "whether there is voltage behind the switch cannot be read, and the site has shown no interlock "
        "in the meter: somebody has to go there";
    said.truck_roll = true;
  }
  return said;
}

struct EngineRule {
  const char* name;
  Said (*look)(const PolicyInput&);
  bool open, close, arm;  // which it binds
};
constexpr std::array kRules{
    EngineRule{"CLOCK_STEPPED_BACK", clock_stepped_back, true, true, true},
    EngineRule{"NOT_AFTER", not_after, true, true, true},
    EngineRule{"WRONG_HOUSE", wrong_house, true, true, true},
    EngineRule{"CAPABILITY", capability, true, true, true},
    EngineRule{"SWITCH_UNCERTAIN", switch_uncertain, true, true, true},
    EngineRule{"ATTESTATION", attestation, false, true, false},
    EngineRule{"ARM_PREFERRED", arm_preferred, false, true, false},
    EngineRule{"LOAD_SIDE_VOLTAGE", load_side_voltage, false, true, true},
    EngineRule{"LOAD_SIDE_UNREADABLE", load_side_unreadable, false, true, true},
};

bool binds(const EngineRule& rule, SwitchAction action) {
  switch (action) {
    case SwitchAction::Open:
      return rule.open;
    case SwitchAction::Close:
      return rule.close;
    case SwitchAction::Arm:
      return rule.arm;
  }
  return true;
}

}  // namespace

bool blocks(SwitchState state, SwitchAction earlier, SwitchAction action, bool automatic) {
  if (state != SwitchState::Uncertain && state != SwitchState::Contradicted) return false;
  if (earlier != action) return false;
  return action == SwitchAction::Open || automatic;
}

PolicyVerdict EnginePolicy::check(const PolicyInput& input) const {
  PolicyVerdict out;
  for (const EngineRule& rule : kRules) {
    PolicyCheck check;
    check.rule = rule.name;
    check.binds = binds(rule, input.asked.action);
    if (check.binds) {
      Said said = rule.look(input);
      check.passed = said.words.empty();
      check.words = said.words;
      check.facts = std::move(said.facts);
      if (!check.passed) check.would_change = std::move(said.would_change);
      if (!check.passed && out.allowed()) {
        out.rule = check.rule;
        out.words = check.words;
        out.facts = check.facts;
        out.truck_roll = said.truck_roll;
        out.latent_close = said.latent_close;
      }
    }
    out.checks.push_back(std::move(check));
  }
  if (out.allowed()) {
    out.facts = {{"load_side_voltage", std::string(name_of(input.load_side))},
                 {"usage_point", input.house.usage_point},
                 {"checked", input.before_send ? "before it leaves" : "when it was asked for"}};
  }
  return out;
}

}  // namespace ami::daemon::switching
