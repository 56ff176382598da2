// Events of a Gridstream network on the way of CIM: what the family's own decoder makes of them is what the ledger says.
#include "adapters/gridstream/family.h"
#include "tests/tools/fieldsim/network_scene/network_scene.h"
#include "tools/fieldsim/networks/gridstream/network.h"

namespace ami::fieldsim::gridstream {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using virtual_meter::FaultKind;

class GridstreamCimEvents : public fieldsim::testing::NetworkScene {
 protected:
  GridstreamCimEvents() : NetworkScene(ami::gridstream::interfaces(), network()) {}

  std::vector<Lines> told() {
    const auto feed = shipped("gridstream-cim.yaml");
    std::vector<Lines> said;
    for (const std::string& body : posted) said.push_back(message(feed, body, "2024-02-01T00:00:00Z"));
    return said;
  }
  Lines all_told() {
    Lines all;
    for (const Lines& lines : told()) all.insert(all.end(), lines.begin(), lines.end());
    return all;
  }
};

// The dark hour of one meter: its module's last gasp, and what it logged of it afterwards, are one outage and one
// restoration. The outage has the only code and word that a public message of Command Center shows.
TEST_F(GridstreamCimEvents, AnOutageAndItsEndAreToldOnce) {
  faults[1] = {{FaultKind::Outage, start + hours{3}, start + hours{4}}};
  field({{"cim", listen()}});
  run_to(start + hours{6});
  const Lines lines = all_told();
  ASSERT_EQ(lines.size(), 2U) << ::testing::PrintToString(lines);
  EXPECT_THAT(lines.at(0), AllOf(HasSubstr("OUTAGE 3.26.0.47 2024-01-15T08:00:00Z"), HasSubstr("\"6.20.1.185\""),
                                 HasSubstr("\"POWER_FAIL\"")));
  EXPECT_THAT(lines.at(1), HasSubstr("RESTORATION 3.26.0.216 2024-01-15T09:00:00Z"));
  EXPECT_THAT(posted.front(), HasSubstr("http://www.landisgyr.com/iec61968/2010/03"));
  EXPECT_EQ(compared(told()), "");
  EXPECT_EQ(totals.events_sent, 2U);
  EXPECT_EQ(ledger_lines("\"via\":\"callback\",\"message\":\"gridstream-cim-00000").size(), 2U);
}

TEST_F(GridstreamCimEvents, OtherEventsHaveTheirCodes) {
  faults[0] = {{FaultKind::LowBattery, start + hours{1}, start + hours{2}},
               {FaultKind::CoverRemoved, start + hours{1}, start + hours{2}}};
  field({{"cim", listen()}});
  run_to(start + hours{3});
  const Lines lines = all_told();
  EXPECT_THAT(lines, Contains(HasSubstr("LOW_BATTERY 3.2.22.150 2024-01-15T06:00:00Z")));
  EXPECT_THAT(lines, Contains(HasSubstr("LOW_BATTERY_CLEARED 3.2.22.28 2024-01-15T07:00:00Z")));
  EXPECT_THAT(lines, Contains(HasSubstr("COVER_REMOVED 3.12.29.212 2024-01-15T06:00:00Z")));
  EXPECT_EQ(compared(told()), "");
}

TEST_F(GridstreamCimEvents, WhatIsLostIsNotThereAndWhatComesTwiceIsThereOnce) {
  misfortune.lost = 0.3;
  misfortune.duplicated = 0.5;
  for (std::size_t meter = 0; meter < fleet; ++meter) {
    for (int i = 1; i < 9; ++i)
      faults[meter].push_back({FaultKind::Outage, start + hours{2 * i}, start + hours{2 * i} + minutes{50}});
  }
  field({{"cim", listen()}});
  run_to(start + hours{20});
  EXPECT_EQ(compared(told()), "");
  EXPECT_THAT(ledger_lines("\"delivery\":\"lost\""), Not(IsEmpty()));
  EXPECT_THAT(ledger_lines("\"copies\":2"), Not(IsEmpty()));
  EXPECT_GT(totals.events_sent, 10U);
}

TEST_F(GridstreamCimEvents, WithoutTheKeyNothingIsPostedByCim) {
  faults[1] = {{FaultKind::Outage, start + hours{1}, start + hours{2}}};
  field({{"callback", listen()}});
  run_to(start + hours{3});
  for (const std::string& body : posted) EXPECT_THAT(body, Not(HasSubstr("EndDeviceEvents")));
  EXPECT_EQ(ledger_lines("\"name\":\"OUTAGE\"").size(), 1U) << "it went by MultiSpeak";
}

TEST_F(GridstreamCimEvents, WhoRefusesForGoodLeavesTheLedgerUnsure) {
  faults[1] = {{FaultKind::Outage, start + hours{1}, start + hours{2}}};
  field({{"cim", listen()}});
  answer_with = 404;
  run_to(start + hours{3});
  EXPECT_EQ(ledger_lines("\"delivery\":\"unsure\"").size(), 2U);
  EXPECT_THAT(side->status().words, Not(IsEmpty()));
}

TEST_F(GridstreamCimEvents, AUrlThatIsNoneIsSaid) {
  const auto far = made({{"cim", "localhost"}});
  ASSERT_FALSE(far);
  EXPECT_THAT(far.error().message, HasSubstr("cim \"localhost\""));
}

}  // namespace
}  // namespace ami::fieldsim::gridstream
