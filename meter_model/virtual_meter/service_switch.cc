#include "meter_model/virtual_meter/service_switch.h"

#include <array>
#include <cstddef>

namespace ami::virtual_meter {
namespace {

using enum SwitchState;
using enum EventKind;
constexpr auto kDone = SwitchAnswer::Done;
constexpr auto kAlready = SwitchAnswer::AlreadyThere;
constexpr auto kRefused = SwitchAnswer::Refused;

constexpr std::size_t kStates = 6;
constexpr std::size_t kInputs = 8;
using Row = std::array<SwitchStep, kInputs>;

// A row a state, a column an input, both in the order of their enumerations.
constexpr std::array<Row, kStates> kTable{{
    // Closed
    {{{Open, kDone, SwitchOpened},
      {Closed, kAlready, {}},
      {Closed, kRefused, SwitchArmFailed},
      {Closed, kAlready, {}},
      {Closed, kRefused, {}},
      {Closed, kDone, {}},
      {Closed, kDone, {}},
      {Closed, kDone, {}}}},
    // Open
    {{{Open, kAlready, {}},
      {Closed, kDone, SwitchClosed},
      {Armed, kDone, SwitchArmed},
      {Open, kAlready, {}},
      {Open, kRefused, {}},
      {OpenEnergised, kDone, LoadSideVoltageWhileOpen},
      {Open, kDone, {}},
      {Open, kDone, {}}}},
    // OpenEnergised
    {{{OpenEnergised, kAlready, {}},
      {OpenPending, kRefused, SwitchCloseFailed},
      {OpenEnergised, kRefused, SwitchArmFailed},
      {OpenEnergised, kAlready, {}},
      {OpenEnergised, kRefused, {}},
      {OpenEnergised, kDone, {}},
      {Open, kDone, {}},
      {OpenEnergised, kDone, {}}}},
    // OpenPending
    {{{OpenEnergised, kDone, {}},
      {OpenPending, kRefused, SwitchCloseFailed},
      {OpenPending, kRefused, SwitchArmFailed},
      {OpenEnergised, kDone, {}},
      {OpenPending, kRefused, {}},
      {OpenPending, kDone, {}},
      {Closed, kDone, SwitchClosed},
      {OpenPending, kDone, {}}}},
    // Armed
    {{{Open, kDone, SwitchNotArmed},
      {Closed, kDone, SwitchClosed},
      {Armed, kAlready, {}},
      {Open, kDone, SwitchNotArmed},
      {Closed, kDone, SwitchClosed},
      {ArmedEnergised, kDone, LoadSideVoltageWhileOpen},
      {Armed, kDone, {}},
      {Open, kDone, SwitchNotArmed}}},
    // ArmedEnergised
    {{{OpenEnergised, kDone, SwitchNotArmed},
      {OpenPending, kRefused, SwitchCloseFailed},
      {ArmedEnergised, kRefused, SwitchArmFailed},
      {OpenEnergised, kDone, SwitchNotArmed},
      {OpenPending, kRefused, SwitchCloseFailed},
      {ArmedEnergised, kDone, {}},
      {Armed, kDone, {}},
      {OpenEnergised, kDone, SwitchNotArmed}}},
}};

constexpr std::array<std::string_view, kStates> kNames{"CLOSED",       "OPEN",  "OPEN_ENERGISED",
                                                       "OPEN_PENDING", "ARMED", "ARMED_ENERGISED"};

}  // namespace

SwitchStep step(SwitchState state, SwitchInput input) {
  return kTable.at(static_cast<std::size_t>(state)).at(static_cast<std::size_t>(input));
}

std::string_view name_of(SwitchState state) {
  return kNames.at(static_cast<std::size_t>(state));
}

}  // namespace ami::virtual_meter
