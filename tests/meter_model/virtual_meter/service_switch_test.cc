#include "meter_model/virtual_meter/service_switch.h"

#include <gtest/gtest.h>

#include <map>
#include <sstream>
#include <string>

namespace ami::virtual_meter {
namespace {

const std::map<std::string, SwitchState> kStates{
    {"CLOSED", SwitchState::Closed},
    {"OPEN", SwitchState::Open},
    {"OPEN_ENERGISED", SwitchState::OpenEnergised},
    {"OPEN_PENDING", SwitchState::OpenPending},
    {"ARMED", SwitchState::Armed},
    {"ARMED_ENERGISED", SwitchState::ArmedEnergised},
};
const std::map<std::string, SwitchInput> kInputs{
    {"disconnect", SwitchInput::Disconnect},
    {"connect", SwitchInput::Connect},
    {"arm", SwitchInput::Arm},
    {"cancel", SwitchInput::Cancel},
    {"button", SwitchInput::Button},
    {"lsv_on", SwitchInput::VoltageAppears},
    {"lsv_off", SwitchInput::VoltageGoes},
    {"timeout", SwitchInput::ArmTimeout},
};
const std::map<std::string, SwitchAnswer> kAnswers{{"done", SwitchAnswer::Done},
                                                   {"already", SwitchAnswer::AlreadyThere},
                                                   {"refused", SwitchAnswer::Refused}};

// From metrology reference 5.1 (a meter refuses to close on load-side voltage, and later closes by itself
// when it disappears; a button press when armed closes) and 5.3 rule 7 (an expired arm is NOT_ARMED).
constexpr const char* kByHand = R"(
CLOSED          disconnect OPEN            done    SWITCH_OPENED
CLOSED          connect    CLOSED          already -
CLOSED          arm        CLOSED          refused SWITCH_ARM_FAILED
CLOSED          cancel     CLOSED          already -
CLOSED          button     CLOSED          refused -
CLOSED          lsv_on     CLOSED          done    -
CLOSED          lsv_off    CLOSED          done    -
CLOSED          timeout    CLOSED          done    -
OPEN            disconnect OPEN            already -
OPEN            connect    CLOSED          done    SWITCH_CLOSED
OPEN            arm        ARMED           done    SWITCH_ARMED
OPEN            cancel     OPEN            already -
OPEN            button     OPEN            refused -
OPEN            lsv_on     OPEN_ENERGISED  done    LOAD_SIDE_VOLTAGE_WHILE_OPEN
OPEN            lsv_off    OPEN            done    -
OPEN            timeout    OPEN            done    -
OPEN_ENERGISED  disconnect OPEN_ENERGISED  already -
OPEN_ENERGISED  connect    OPEN_PENDING    refused SWITCH_CLOSE_FAILED
OPEN_ENERGISED  arm        OPEN_ENERGISED  refused SWITCH_ARM_FAILED
OPEN_ENERGISED  cancel     OPEN_ENERGISED  already -
OPEN_ENERGISED  button     OPEN_ENERGISED  refused -
OPEN_ENERGISED  lsv_on     OPEN_ENERGISED  done    -
OPEN_ENERGISED  lsv_off    OPEN            done    -
OPEN_ENERGISED  timeout    OPEN_ENERGISED  done    -
OPEN_PENDING    disconnect OPEN_ENERGISED  done    -
OPEN_PENDING    connect    OPEN_PENDING    refused SWITCH_CLOSE_FAILED
OPEN_PENDING    arm        OPEN_PENDING    refused SWITCH_ARM_FAILED
OPEN_PENDING    cancel     OPEN_ENERGISED  done    -
OPEN_PENDING    button     OPEN_PENDING    refused -
OPEN_PENDING    lsv_on     OPEN_PENDING    done    -
OPEN_PENDING    lsv_off    CLOSED          done    SWITCH_CLOSED
OPEN_PENDING    timeout    OPEN_PENDING    done    -
ARMED           disconnect OPEN            done    SWITCH_NOT_ARMED
ARMED           connect    CLOSED          done    SWITCH_CLOSED
ARMED           arm        ARMED           already -
ARMED           cancel     OPEN            done    SWITCH_NOT_ARMED
ARMED           button     CLOSED          done    SWITCH_CLOSED
ARMED           lsv_on     ARMED_ENERGISED done    LOAD_SIDE_VOLTAGE_WHILE_OPEN
ARMED           lsv_off    ARMED           done    -
ARMED           timeout    OPEN            done    SWITCH_NOT_ARMED
ARMED_ENERGISED disconnect OPEN_ENERGISED  done    SWITCH_NOT_ARMED
ARMED_ENERGISED connect    OPEN_PENDING    refused SWITCH_CLOSE_FAILED
ARMED_ENERGISED arm        ARMED_ENERGISED refused SWITCH_ARM_FAILED
ARMED_ENERGISED cancel     OPEN_ENERGISED  done    SWITCH_NOT_ARMED
ARMED_ENERGISED button     OPEN_PENDING    refused SWITCH_CLOSE_FAILED
ARMED_ENERGISED lsv_on     ARMED_ENERGISED done    -
ARMED_ENERGISED lsv_off    ARMED           done    -
ARMED_ENERGISED timeout    OPEN_ENERGISED  done    SWITCH_NOT_ARMED
)";

TEST(ServiceSwitch, AnswersEveryInputInEveryStateAsTheTableSays) {
  std::istringstream table(kByHand);
  std::string state, input, next, answer, event;
  std::size_t rows = 0;
  while (table >> state >> input >> next >> answer >> event) {
    ++rows;
    const SwitchStep taken = step(kStates.at(state), kInputs.at(input));
    EXPECT_EQ(name_of(taken.next), next) << state << " " << input;
    EXPECT_EQ(taken.answer, kAnswers.at(answer)) << state << " " << input;
    EXPECT_EQ(taken.event ? name_of(*taken.event) : "-", event) << state << " " << input;
  }
  EXPECT_EQ(rows, kStates.size() * kInputs.size());
}

TEST(ServiceSwitch, NeverClosesOnLoadSideVoltage) {
  for (const auto& [name, state] : kStates) {
    if (!is_energised(state)) continue;
    for (const auto& [what, input] : kInputs) {
      if (input == SwitchInput::VoltageGoes) continue;
      EXPECT_TRUE(is_open(step(state, input).next)) << name << " " << what;
    }
  }
}

TEST(ServiceSwitch, ReportsEachChangeOfPositionOnceAndNoOther) {
  for (const auto& [name, state] : kStates) {
    for (const auto& [what, input] : kInputs) {
      const SwitchStep taken = step(state, input);
      EXPECT_EQ(taken.event == EventKind::SwitchOpened, !is_open(state) && is_open(taken.next))
          << name << what;
      EXPECT_EQ(taken.event == EventKind::SwitchClosed, is_open(state) && !is_open(taken.next))
          << name << what;
      EXPECT_EQ(taken.event == EventKind::SwitchArmed, !is_armed(state) && is_armed(taken.next))
          << name << what;
    }
  }
}

}  // namespace
}  // namespace ami::virtual_meter
