#include "daemon/switching/policy.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

namespace ami::daemon::switching {
namespace {

constexpr std::chrono::seconds kClockSlack{5};

PolicyVerdict no(std::string rule, std::string words, std::map<std::string, std::string> facts = {}) {
  PolicyVerdict out;
  out.rule = std::move(rule);
  out.words = std::move(words);
  out.facts = std::move(facts);
  return out;
}

std::optional<PolicyVerdict> wrong_house(const PolicyInput& input) {
  const SwitchAsked& asked = input.asked;
  const House& house = input.house;
  const std::map<std::string, std::string> facts{{"usage_point_asked", asked.usage_point},
                                                 {"usage_point_found", house.usage_point},
                                                 {"serial_last4_asked", asked.serial_last4}};
  if (house.meter_id == 0 || house.meter_id != asked.meter_id)
    return no("WRONG_HOUSE", "meter " + asked.meter + " is not the one that was asked for", facts);
  if (house.usage_point.empty())
    return no("WRONG_HOUSE", "meter " + asked.meter + " is installed nowhere", facts);
  if (house.usage_point != asked.usage_point) {
    return no(
        "WRONG_HOUSE",
        "meter " + asked.meter + " is at usage point " + house.usage_point + ", not at " + asked.usage_point,
        facts);
  }
  // The serial itself is not told: who does not know it shall not learn it from a refusal.
  if (asked.serial_last4.size() != 4 || !house.serial.ends_with(asked.serial_last4)) {
    return no(
        "WRONG_HOUSE",
        "the serial of meter " + asked.meter + (house.serial.empty() ? " is not known" : " ends otherwise"),
        facts);
  }
  return std::nullopt;
}

// The way back into a house.
std::optional<PolicyVerdict> way_back(const PolicyInput& input) {
  const SwitchAsked& asked = input.asked;
  if (asked.action == SwitchAction::Open) return std::nullopt;
  if (asked.action == SwitchAction::Close) {
    constexpr std::array<std::string_view, 3> kKnown{kCustomerPresent, kMainBreakerOpen, kTariffPermits};
    if (std::ranges::find(kKnown, asked.attestation) == kKnown.end()) {
      return no(
          "ATTESTATION",
          "a CLOSE energises a house at once: somebody must attest CUSTOMER_PRESENT, MAIN_BREAKER_OPEN or "
          "TARIFF_PERMITS",
          {{"attestation", asked.attestation}});
    }
    if (input.capability.arm && asked.attestation == kTariffPermits) {
      return no(
          "ARM_PREFERRED",
          "the meter can be armed, and the customer then closes it: ARM it, or attest CUSTOMER_PRESENT or "
          "MAIN_BREAKER_OPEN",
          {{"attestation", asked.attestation}});
    }
  }
  if (input.load_side == LoadSideVoltage::Absent) return std::nullopt;
  const std::map<std::string, std::string> facts{
      {"load_side_voltage", std::string(name_of(input.load_side))}};
  if (input.load_side == LoadSideVoltage::Present) {
    auto refused =
        no("LOAD_SIDE_VOLTAGE",
           "there is voltage behind the open switch, from a generator perhaps: closing would join it to "
           "the line. A meter that was told to close may do so by itself when the voltage goes",
           facts);
    refused.latent_close = true;
    return refused;
  }
  if (input.capability.meter_interlock) return std::nullopt;
  auto refused =
      no("LOAD_SIDE_UNREADABLE",
         "whether there is voltage behind the switch cannot be read, and the site has shown no interlock "
         "in the meter: somebody has to go there",
         facts);
  refused.truck_roll = true;
  return refused;
}

}  // namespace

bool blocks(SwitchState state, SwitchAction earlier, SwitchAction action, bool automatic) {
  if (state != SwitchState::Uncertain && state != SwitchState::Contradicted) return false;
  if (earlier != action) return false;
  return action == SwitchAction::Open || automatic;
}

PolicyVerdict EnginePolicy::check(const PolicyInput& input) const {
  const SwitchAsked& asked = input.asked;
  if (input.now < asked.created_at - kClockSlack) {
    return no("CLOCK_STEPPED_BACK",
              "the gateway's clock says " + to_text(input.now) + ", before the operation was asked for at " +
                  to_text(asked.created_at) + ": nothing is sent by it",
              {{"now", to_text(input.now)}});
  }
  if (input.now >= asked.not_after) {
    return no("NOT_AFTER", "it may not leave after " + to_text(asked.not_after),
              {{"now", to_text(input.now)}});
  }
  if (auto refused = wrong_house(input)) return *refused;
  if (!input.capability.allows(asked.action))
    return no("CAPABILITY", input.capability.refusal(asked.action),
              {{"action", std::string(storage::name_of(asked.action))}});
  for (const SwitchOperation& other : input.others) {
    if (!blocks(other.state, other.asked.action, asked.action, asked.automatic)) continue;
    return no(
        "SWITCH_UNCERTAIN",
        "operation " + std::to_string(other.id) + " of meter " + asked.meter + " is " +
            std::string(storage::name_of(other.state)) + ": find out what the meter does, then resolve it",
        {{"operation", std::to_string(other.id)}, {"state", std::string(storage::name_of(other.state))}});
  }
  if (auto refused = way_back(input)) return *refused;
  PolicyVerdict yes;
  yes.facts = {{"load_side_voltage", std::string(name_of(input.load_side))},
               {"usage_point", input.house.usage_point},
               {"checked", input.before_send ? "before it leaves" : "when it was asked for"}};
  return yes;
}

}  // namespace ami::daemon::switching
