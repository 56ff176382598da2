// A second certificate is a second file: a made-up notice with other models, modules and rules, and no code.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "meter_model/approval/meter_shop.h"
#include "meter_model/approval/notice_yaml.h"
#include "meter_model/approval/service_switch.h"
#include "tests/meter_model/approval/scene.h"

namespace ami::approval {
namespace {

using ::testing::ElementsAre;

const char* const kMadeUp = R"(
notice: XY-0007
revision: 2
signed_on: 2031-02-03
authority: Nobody
device_type: Gas Meter
applicant: Example
manufacturer: Example
revisions:
  - {number: 0, issued: 2030-01-02, content: first}
  - {number: 2, content: radio}
clauses:
  a: {section: "1", text: body, revision: 0}
  b: {section: "2", text: radio, revision: 2}
questions:
  4: {text: "How?", handling: Thus.}
models:
  PUFF: {clauses: [a], recorder: {stated: NOT_STATED, clauses: [a]}, service_switch: {stated: YES, clauses: [a]}}
services:
  - {elements: 3, wires: 4, phase: three, clauses: [a]}
current_ranges:
  - {min_a: 1, max_a: 320, clauses: [a]}
pairing: {clauses: [a]}
firmware: {clauses: [a], versions: [{version: "1.0", clauses: [a]}]}
commodities: {are: [gas], clauses: [a]}
quantities:
  - {kind: volume, status: APPROVED, clauses: [a], questions: [4]}
unnamed_quantities: {clauses: [a]}
module_list: {clauses: [b]}
tou_assignment: {clauses: [a]}
module_recorder: {clauses: [a]}
processed: {clauses: [a]}
modules:
  WHISTLE:
    name: Whistle 9
    families: [ssn]
    clauses: [b]
    maker: {stated: NOT_STATED, clauses: [b]}
    bearer: {stated: YES, text: sound, clauses: [b]}
    transmits: {scope: LISTED, words: volume, quantities: [{kind: volume}], clauses: [b]}
    unit: {stated: YES, words: m3, units: [m3], clauses: [b]}
    two_way: {stated: NO, clauses: [b]}
    zigbee: {stated: NO, clauses: [b]}
    remote_disconnect: {stated: NO, clauses: [b]}
    restrictions:
      - {except: {form: 9Z}, clauses: [b]}
)";

Notice made_up() {
  auto notice = parse_notice(kMadeUp, "xy.yaml");
  EXPECT_TRUE(notice) << notice.error().message;
  return notice.value();
}

TEST(SecondNotice, NeedsNoCode) {
  const Notice notice = made_up();
  Device device;
  device.model = "PUFF";
  device.form = "1Z";
  device.elements = Decimal{3, 0};
  device.wires = 4;
  device.class_a = Decimal{320, 0};
  device.firmware = "1.0";
  device.module = "ssn";
  EXPECT_EQ(may_carry(&notice, device).answer, Answer::Allowed);
  EXPECT_EQ(may_carry(&notice, device).module, "WHISTLE");
  const QuantityVerdict gas = type_approval(&notice, device, type(kGas));
  EXPECT_EQ(gas.status, TypeApproval::Approved);
  EXPECT_THAT(numbers(gas.grounds), ElementsAre(4));
  EXPECT_EQ(gas.grounds.clauses.at(0).notice, "XY-0007");
  const QuantityVerdict electricity = type_approval(&notice, device, type(kDelivered));
  EXPECT_EQ(legal_status(electricity), "NOT_COVERED_BY_XY0007");
  EXPECT_THAT(rules(may_operate_switch(&notice, device, SiteEvidence{"ssn", "A. Smith", "R"}).findings),
              ElementsAre("DISCONNECT_EXCLUDED"));
  device.form = "9Z";
  EXPECT_THAT(rules(nonconformities(&notice, device)), ElementsAre("MODULE_RESTRICTION"));
  device.form = "1Z";
  // The table has no date for its last revision either.
  EXPECT_EQ(may_carry(&notice, device, day("2031-02-02")).answer, Answer::Refused);
  EXPECT_EQ(may_carry(&notice, device, day("2031-02-03")).answer, Answer::Allowed);
  EXPECT_EQ(judge_temperature(notice, number("99")).in_range, Stated::NotStated);
}

TEST(SecondNotice, TheSameMeterHasItsAnswerFromEach) {
  const Notice notice = made_up();
  EXPECT_EQ(may_carry(&ae1641(), meter("ssn")).answer, Answer::Allowed);
  EXPECT_EQ(may_carry(&notice, meter("ssn")).answer, Answer::Refused);
}

}  // namespace
}  // namespace ami::approval
