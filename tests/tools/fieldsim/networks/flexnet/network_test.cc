#include "tools/fieldsim/networks/flexnet/network.h"

#include "adapters/flexnet/family.h"
#include "adapters/wire/multispeak/codec/request.h"
#include "tests/tools/fieldsim/network_scene/network_scene.h"

namespace ami::fieldsim::flexnet {
namespace {

using std::chrono::hours;
using ::testing::HasSubstr;
using virtual_meter::Fault;
using virtual_meter::FaultKind;

// Of a day: 96 intervals in two channels, and 96 reports of two dials and four tiers.
constexpr std::uint64_t kOfAMeter = 96 * 2 + 96 * 6;

class FlexnetField : public fieldsim::testing::NetworkScene {
 protected:
  FlexnetField() : NetworkScene(ami::flexnet::interfaces(), network()) {}

  std::vector<Lines> files() {
    const auto feed = shipped("flexnet.yaml");
    std::vector<Lines> said;
    for (const std::string& bytes : dropped(".cmep")) said.push_back(file(feed, bytes, "2024-02-01T00:00:00Z"));
    return said;
  }
};

TEST_F(FlexnetField, ADayOfReportsIsInTheFilesAsTheLedgerSaysIt) {
  field({{"folder", "drop"}});
  run_to(start + hours{24});
  EXPECT_EQ(compared(files()), "");
  EXPECT_EQ(totals.slots_sent, 3 * kOfAMeter);
  EXPECT_EQ(totals.intervals, 3U * 96 * 2);
  EXPECT_THAT(quarantined, ::testing::IsEmpty());
  EXPECT_EQ(side->status().reports, 96U);
  EXPECT_EQ(side->status().last_report, start + hours{24});
  EXPECT_EQ(side->status().words, "");
}

TEST_F(FlexnetField, WhatIsLostIsAGapUntilAFileBringsItAgain) {
  misfortune.lost = 0.3;
  misfortune.duplicated = 0.2;
  field({{"folder", "drop"}, {"catch_up", ""}});
  run_to(start + hours{24});
  EXPECT_EQ(compared(files()), "");
  EXPECT_GT(totals.gaps, 0U);
  EXPECT_EQ(totals.slots_sent + totals.gaps, 3 * kOfAMeter);
}

TEST_F(FlexnetField, ACatchUpFileLeavesNoGapOfWhatWasLostBefore) {
  misfortune.lost = 0.3;
  field({{"folder", "drop"}, {"catch_up", "6h"}});
  run_to(start + hours{24});
  EXPECT_EQ(compared(files()), "");
  // 5:00Z to 5:00Z; the last catch-up is at 0:00Z.
  EXPECT_GT(totals.slots_sent, 3 * (kOfAMeter * 19 / 24));
  EXPECT_LT(totals.gaps, 3 * (kOfAMeter * 5 / 24));
}

TEST_F(FlexnetField, FaultsOfMetersStandInTheFilesAsTheyAre) {
  faults[0] = {{FaultKind::ConflictingInterval, start + hours{2}, start + hours{5}},
               {FaultKind::MissedIntervals, start + hours{8}, start + hours{9}}};
  faults[1] = {{FaultKind::Outage, start + hours{3}, start + hours{6}}};
  field({{"folder", "drop"}});
  run_to(start + hours{24});
  EXPECT_EQ(compared(files()), "");
  EXPECT_LT(totals.slots_sent, 3 * kOfAMeter) << "missed intervals and an outage leave gaps";
}

TEST_F(FlexnetField, TimesInAZoneAreReadInThatZone) {
  zone = Zone::load("America/Toronto").value();
  field({{"folder", "drop"}});
  run_to(start + hours{24});
  const auto feed = shipped_without("flexnet.yaml", {"zone"}, "zone: America/Toronto\n");
  std::vector<Lines> said;
  for (const std::string& bytes : dropped(".cmep")) said.push_back(file(feed, bytes, "2024-02-01T00:00:00Z"));
  EXPECT_EQ(compared(said), "");
}

TEST_F(FlexnetField, EventsAreCalledBackIn41AndCutPowerIsAnOutage) {
  field({{"folder", "drop"}, {"callback", listen()}});
  const UtcInstant cut = start + hours{1}, restored = start + hours{2};
  run_to(start + hours{4}, [&](UtcInstant now) {
    if (now == cut) {
      EXPECT_EQ(world->cut_power(0, "test").result, "done");
    }
    if (now == restored) {
      EXPECT_EQ(world->restore_power(0, "test").result, "done");
    }
  });
  const auto feed = shipped("flexnet-multispeak.yaml");
  std::vector<Lines> said = files();
  for (const std::string& body : posted) {
    EXPECT_THAT(body, HasSubstr("Version_4.1_Release"));
    said.push_back(message(feed, body, "2024-02-01T00:00:00Z"));
  }
  EXPECT_EQ(compared(said), "");
  EXPECT_GE(totals.events_sent, 2U);
  EXPECT_EQ(totals.events, totals.events_sent);
  EXPECT_FALSE(ledger_lines("cut_power").empty());
}

TEST_F(FlexnetField, AReadOnDemandIsToldAndInTheLedger) {
  const std::string callback = listen();
  field({{"folder", "drop"}});
  run_to(start + hours{1});
  multispeak::Request asked;
  asked.operation = multispeak::Operation::InitiateMeterRead;
  asked.meters = {{"FN00000001"}};
  asked.response_url = callback;
  asked.transaction = "t-7";
  asked.expiry = hours{24};
  const std::string request =
      multispeak::encode_request(asked, {multispeak::Version::V41, multispeak::Soap::V11, {}}).value();
  const http::Answer answer = post(side->ports().front().second, "/MR_Server", request);
  if (!answer.ok()) GTEST_FAIL() << (answer.reply ? answer.reply->body : answer.failure->error.message);
  run_until([&] { return !posted.empty(); });
  run_until([&] { return side->status().under_way == 0; });
  side->settle();
  std::vector<Lines> said = files();
  const Lines read = message(shipped("flexnet-multispeak.yaml"), posted.front(), "2024-02-01T00:00:00Z");
  EXPECT_THAT(read, ::testing::Contains(HasSubstr("reg 2 ")));
  said.push_back(read);
  EXPECT_EQ(compared(said), "");
  EXPECT_EQ(ledger_lines("\"step\":\"executed\",\"command\":\"read\",\"transaction\":\"t-7\"").size(), 1U);
  EXPECT_EQ(side->status().requests, 1U);
}

TEST_F(FlexnetField, SaysWhichKeyIsWrong) {
  const auto problem = [&](const std::map<std::string, std::string>& own) {
    const auto far = made(own);
    return far ? std::string() : far.error().message;
  };
  EXPECT_EQ(problem({}), "");
  EXPECT_THAT(problem({{"listen", "here"}}), HasSubstr("listen \"here\""));
  EXPECT_THAT(problem({{"callback", "ftp://x"}}), HasSubstr("callback \"ftp://x\""));
  EXPECT_THAT(problem({{"catch_up", "often"}}), HasSubstr("catch_up \"often\""));
  EXPECT_THAT(problem({{"folder", ""}}), HasSubstr("folder is needed"));
  EXPECT_THROW(field({{"folder", "nowhere"}}), std::runtime_error);
}

}  // namespace
}  // namespace ami::fieldsim::flexnet
