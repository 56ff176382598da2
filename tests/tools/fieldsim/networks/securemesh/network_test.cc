#include "tools/fieldsim/networks/securemesh/network.h"

#include "adapters/securemesh/family.h"
#include "adapters/wire/cim/codec/encode.h"
#include "tests/tools/fieldsim/network_scene/network_scene.h"

namespace ami::fieldsim::securemesh {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using virtual_meter::FaultKind;

class MeshFieldTest : public fieldsim::testing::NetworkScene {
 protected:
  MeshFieldTest() : NetworkScene(ami::securemesh::interfaces(), network()) {}

  std::vector<Lines> files() {
    const auto feed = shipped("securemesh-files.yaml");
    std::vector<Lines> said;
    for (const std::string& bytes : dropped(".xml")) said.push_back(file(feed, bytes, "2024-02-01T00:00:00Z"));
    return said;
  }
  std::vector<Lines> messages() {
    const auto feed = shipped("securemesh.yaml");
    std::vector<Lines> said;
    for (const std::string& body : posted) said.push_back(message(feed, body, "2024-02-01T00:00:00Z"));
    return said;
  }
  // Slots of a day that are the same for every day: intervals, and the dials and tiers of its reports. A maximum
  // stands at its own time, so how many there are is up to the loads.
  static constexpr std::uint64_t kAtLeast = 96 * 2 + 96 * 6;

  http::Answer send(cim::Message asked, const std::string& transaction, const std::string& reply_to) {
    asked.soap = cim::Soap::V11;
    asked.header.correlation_id = transaction;
    asked.header.reply_address = reply_to;
    return post(side->ports().front().second, "/cim", cim::encode(asked));
  }
  void settled() {
    run_until([&] { return side->status().under_way == 0; });
    side->settle();
  }
};

TEST_F(MeshFieldTest, ADayOfReportsIsInTheFilesAsTheLedgerSaysIt) {
  field({{"folder", "drop"}});
  run_to(start + hours{24});
  EXPECT_EQ(compared(files()), "");
  EXPECT_GE(totals.slots_sent, 3 * kAtLeast);
  EXPECT_LE(totals.slots_sent, 3 * (kAtLeast + 96));
  EXPECT_EQ(totals.intervals, 3U * 96 * 2);
  EXPECT_THAT(quarantined, IsEmpty());
  EXPECT_EQ(side->status().words, "");
}

TEST_F(MeshFieldTest, ADayOfReportsIsPostedAsTheLedgerSaysIt) {
  misfortune.duplicated = 0.2;
  field({{"callback", listen()}});
  run_to(start + hours{24});
  EXPECT_EQ(compared(messages()), "");
  EXPECT_GE(totals.slots_sent, 3 * kAtLeast);
  EXPECT_THAT(quarantined, IsEmpty());
}

TEST_F(MeshFieldTest, EventsArePostedAndReadingsDroppedWhereBothAreGiven) {
  faults[1] = {{FaultKind::Outage, start + hours{3}, start + hours{4}}};
  field({{"callback", listen()}, {"folder", "drop"}});
  run_to(start + hours{6});
  std::vector<Lines> said = files();
  for (Lines& lines : messages()) {
    for (const std::string& line : lines) EXPECT_THAT(line, HasSubstr("event "));
    said.push_back(std::move(lines));
  }
  EXPECT_EQ(compared(said), "");
  EXPECT_GE(totals.events_sent, 2U);
}

TEST_F(MeshFieldTest, WhatIsLostComesAgainWithTheNextCatchUp) {
  misfortune.lost = 0.4;
  field({{"callback", listen()}, {"catch_up", "1h"}});
  run_to(start + hours{7});
  EXPECT_EQ(compared(messages()), "");
  EXPECT_GE(totals.slots_sent, 3U * 6 * 4 * (2 + 6)) << "what was lost in the first six hours was caught up";
}

TEST_F(MeshFieldTest, WhatIsNotTakenIsUnsure) {
  field({{"callback", listen()}});
  answer_with = 404;
  run_to(start + minutes{30});
  EXPECT_EQ(summary().sent, 0U);
  EXPECT_GT(summary().unsure, 0U);
  EXPECT_THAT(side->status().words, ::testing::Not(IsEmpty()));
}

TEST_F(MeshFieldTest, AReadIsAnsweredLaterAndItsValuesAreInTheLedger) {
  latency = {std::chrono::seconds{5}, std::chrono::seconds{9}, 0, {}};
  const std::string reply_to = listen();
  field({{"folder", "drop"}});
  run_to(start + hours{1});
  const http::Answer answer = send(cim::get_scalar_readings({{"TR00000001", false, ""}}, {}), "t-5", reply_to);
  ASSERT_TRUE(answer.ok());
  settled();
  ASSERT_EQ(posted.size(), 1U);
  std::vector<Lines> said = files(), replies = messages();
  EXPECT_THAT(replies.front(), ::testing::Contains(HasSubstr("result TR00000001 t-5")));
  said.push_back(replies.front());
  EXPECT_EQ(compared(said), "");
  EXPECT_EQ(ledger_lines("\"step\":\"executed\",\"command\":\"read\",\"transaction\":\"t-5\"").size(), 1U);
  EXPECT_EQ(ledger_lines("\"step\":\"told\",\"command\":\"read\"").size(), 1U);
  EXPECT_THAT(ledger_lines("\"via\":\"callback\",\"message\":\"t-5\""), ::testing::Not(IsEmpty()));
  EXPECT_EQ(side->status().requests, 1U);
}

TEST_F(MeshFieldTest, AReadWithoutAReplyAddressIsAnsweredAtOnceAndUnsure) {
  field({{"folder", "drop"}});
  run_to(start + hours{1});
  const http::Answer answer = send(cim::get_scalar_readings({{"TR00000001", false, ""}}, {}), "t-6", "");
  ASSERT_TRUE(answer.ok());
  EXPECT_THAT(answer.reply->body, HasSubstr("13.0.0.1.1.1.12"));
  side->settle();
  EXPECT_THAT(ledger_lines("\"delivery\":\"unsure\",\"copies\":1,\"via\":\"answer\""), ::testing::Not(IsEmpty()));
  std::vector<Lines> said = files();
  EXPECT_EQ(compared(said), "");
}

TEST_F(MeshFieldTest, RecordedIntervalsAreToldAgainWithTheSameDigits) {
  const std::string reply_to = listen();
  field({{"folder", "drop"}});
  run_to(start + hours{2});
  const http::Answer answer =
      send(cim::get_interval_readings({{"TR00000002", false, ""}}, {}, to_text(start), to_text(start + hours{1})), "t-8", reply_to);
  ASSERT_TRUE(answer.ok());
  settled();
  ASSERT_EQ(posted.size(), 1U);
  std::vector<Lines> said = files();
  EXPECT_EQ(compared(said), "");
  const std::uint64_t before = totals.slots_sent;
  said.push_back(messages().front());
  EXPECT_EQ(compared(said), "");
  EXPECT_EQ(totals.slots_sent, before) << "nothing new was said";
  EXPECT_EQ(ledger_lines("\"command\":\"backfill\"").empty(), false);
}

TEST_F(MeshFieldTest, ADisconnectMovesTheSwitchOnceAndTellsItsEvent) {
  const std::string reply_to = listen();
  field({{"folder", "drop"}});
  run_to(start + hours{1});
  const http::Answer answer = send(cim::create_control("3.31.0.23", {{"TR00000000", false, ""}}), "t-9", reply_to);
  ASSERT_TRUE(answer.ok());
  settled();
  EXPECT_EQ(world->switch_state(0), virtual_meter::SwitchState::Open);
  ASSERT_EQ(posted.size(), 1U);
  std::vector<Lines> said = files();
  said.push_back(messages().front());
  EXPECT_THAT(messages().front(), ::testing::Contains(HasSubstr("SWITCH_OPENED 3.31.0.68")));
  EXPECT_EQ(compared(said), "");
  EXPECT_EQ(ledger_lines("\"step\":\"executed\",\"command\":\"open\",\"transaction\":\"t-9\"").size(), 1U);
}

TEST_F(MeshFieldTest, AMeterInTheDarkGivesNoValuesAndAnUnknownOneIsRejected) {
  const std::string reply_to = listen();
  field({{"folder", "drop"}});
  run_to(start + hours{1});
  EXPECT_TRUE(world->cut_power(1, "test").ok());
  ASSERT_TRUE(send(cim::get_scalar_readings({{"TR00000001", false, ""}, {"TR99999999", false, ""}}, {}), "t-2", reply_to).reply.has_value());
  settled();
  ASSERT_EQ(posted.size(), 1U);
  EXPECT_THAT(posted.front(), HasSubstr("FAILED"));
  EXPECT_EQ(ledger_lines("\"result\":\"no_answer\"").size(), 1U);
  EXPECT_EQ(ledger_lines("\"step\":\"rejected\"").size(), 1U);
  EXPECT_EQ(compared(files()), "");
}

TEST_F(MeshFieldTest, RequestsAreTakenAtItsPathAndNowhereElse) {
  field({{"folder", "drop"}, {"path", "/head-end"}});
  run_to(start + minutes{15});
  cim::Message asked = cim::get_scalar_readings({{"TR00000001", false, ""}}, {});
  asked.soap = cim::Soap::V11;
  asked.header.correlation_id = "t-7";
  const std::uint16_t port = side->ports().front().second;
  EXPECT_FALSE(post(port, "/cim", cim::encode(asked)).ok());
  EXPECT_TRUE(post(port, "/head-end", cim::encode(asked)).ok());
  side->settle();
  EXPECT_EQ(ledger_lines("\"step\":\"received\"").size(), 1U);
}

TEST_F(MeshFieldTest, SaysWhichKeyIsWrong) {
  const auto problem = [&](const std::map<std::string, std::string>& own) {
    const auto far = made(own);
    return far ? std::string() : far.error().message;
  };
  EXPECT_THAT(problem({}), HasSubstr("neither callback nor folder"));
  EXPECT_EQ(problem({{"folder", "drop"}}), "");
  EXPECT_THAT(problem({{"folder", "drop"}, {"listen", ""}}), HasSubstr("listen"));
  EXPECT_THAT(problem({{"callback", "localhost"}}), HasSubstr("callback"));
  EXPECT_THAT(problem({{"folder", "drop"}, {"path", "cim"}}), HasSubstr("path"));
  EXPECT_THROW(field({{"folder", "nowhere"}}), std::runtime_error);
}

}  // namespace
}  // namespace ami::fieldsim::securemesh
