#include "tools/fieldsim/networks/ssn/network.h"

#include "adapters/ssn/family.h"
#include "adapters/wire/uiq_job/codec/uiq_job.h"
#include "tests/tools/fieldsim/network_scene/network_scene.h"

namespace ami::fieldsim::ssn {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using uiq_job::Operation;
using virtual_meter::FaultKind;

// Of a day: 96 intervals in two channels, and 96 reports of two dials, four tiers and a cumulative demand.
constexpr std::uint64_t kOfAMeter = 96 * 2 + 96 * 7;

class SsnField : public fieldsim::testing::NetworkScene {
 protected:
  SsnField() : NetworkScene(ami::ssn::interfaces(), network()) {}

  std::vector<Lines> files() {
    const auto feed = shipped("ssn.yaml");
    std::vector<Lines> said;
    for (const std::string& bytes : dropped(".xml")) said.push_back(file(feed, bytes, "2024-02-01T00:00:00Z"));
    return said;
  }
  std::map<std::string, std::string> with_jobs() {
    return {{"folder", "drop"}, {"template", config_dir() + "/uiq_job/assumed.yaml"}};
  }
  uiq_job::Answer ask(Operation operation, const uiq_job::Values& values) {
    const auto call = uiq_job::encode_call(site, operation, values);
    EXPECT_TRUE(call.ok()) << (call ? "" : call.error().message);
    const http::Answer answer = post(side->ports().front().second, call->path, call->body);
    EXPECT_TRUE(answer.reply.has_value());
    auto read = uiq_job::decode_answer(site, operation, answer.reply ? answer.reply->body : "");
    EXPECT_TRUE(read.ok()) << (read ? "" : read.error().message);
    return read ? *read : uiq_job::Answer{};
  }
  std::string mac_of(const std::string& meter) {
    const auto found = ask(Operation::FindDevice, {{"meter", meter}, {"rows", "9"}});
    return found.rows.size() == 1 ? found.rows[0].at("mac") : "";
  }
  std::string add(Operation operation, const std::string& mac, const std::string& what) {
    const std::string word = site.action_word(what).value_or(what);
    const auto added = ask(operation, {{"mac", mac}, {"job_name", "t-1"}, {"action", word}, {"read_type", word},
                                       {"retries", "0"}, {"priority", "HIGH"}});
    return added.rows.empty() ? "" : added.rows[0].at("job");
  }
  void wait_for(const std::string& job) {
    run_until([&] {
      const auto answer = ask(Operation::JobStatus, {{"job", job}});
      return !answer.rows.empty() && answer.rows[0].at("status") == "Completed";
    });
  }
  std::string result(Operation operation, const std::string& job) {
    const auto answer = ask(operation, {{"job", job}, {"rows", "9"}});
    return answer.rows.empty() ? "" : answer.rows[0].at("word");
  }

  const uiq_job::SiteTemplate site =
      uiq_job::SiteTemplate::parse(read("config/uiq_job/assumed.yaml"), "assumed.yaml").value();
};

TEST_F(SsnField, ADayOfReportsIsInTheExportsAsTheLedgerSaysIt) {
  field({{"folder", "drop"}});
  run_to(start + hours{24});
  EXPECT_EQ(compared(files()), "");
  EXPECT_EQ(totals.slots_sent, 3 * kOfAMeter);
  EXPECT_THAT(quarantined, IsEmpty());
  EXPECT_EQ(side->status().words, "");
  EXPECT_THAT(side->ports(), IsEmpty());
}

TEST_F(SsnField, LossCopiesAndLatenessAreInTheLedger) {
  misfortune = {0.3, 0.3, 0.3, hours{3}};
  latency = {std::chrono::seconds{10}, minutes{5}, 0, {}};
  field({{"folder", "drop"}, {"catch_up", ""}});
  run_to(start + hours{24});
  EXPECT_EQ(compared(files()), "");
  EXPECT_GT(totals.gaps, 0U);
  EXPECT_EQ(totals.slots_sent + totals.gaps, 3 * kOfAMeter);
  EXPECT_THAT(ledger_lines("\"copies\":2"), ::testing::Not(IsEmpty()));
}

TEST_F(SsnField, TimesInAZoneCarryItsOffset) {
  zone = Zone::load("America/Toronto").value();
  field({{"folder", "drop"}});
  run_to(start + hours{2});
  EXPECT_THAT(dropped(".xml").front(), HasSubstr("T00:15:00.000-05:00"));
  EXPECT_EQ(compared(files()), "");
}

TEST_F(SsnField, EventsStandInTheExportUnderNamesThatAreKept) {
  faults[1] = {{FaultKind::Outage, start + hours{3}, start + hours{4}}};
  field({{"folder", "drop"}});
  run_to(start + hours{6});
  EXPECT_EQ(compared(files()), "");
  EXPECT_GE(totals.events_sent, 2U);
  EXPECT_EQ(totals.events, totals.events_sent);
}

TEST_F(SsnField, AReadJobBringsItsValueWithAnExportAndIsExecutedOnce) {
  latency = {std::chrono::seconds{30}, std::chrono::seconds{60}, 0, {}};
  field(with_jobs());
  run_to(start + hours{1});
  const std::string mac = mac_of("SN00000001");
  ASSERT_NE(mac, "");
  const std::string job = add(Operation::AddReadJob, mac, "read_now");
  wait_for(job);
  EXPECT_EQ(result(Operation::ReadResults, job), "Success");
  run_until([&] { return courier->counts().waiting == 0 && courier->counts().on_the_wire == 0; });
  side->settle();
  EXPECT_EQ(compared(files()), "");
  EXPECT_EQ(totals.slots_sent, 3U * 4 * (2 + 7) + 7) << "four reports, and one reading more";
  EXPECT_EQ(ledger_lines("\"step\":\"executed\",\"command\":\"read\",\"transaction\":\"t-1\"").size(), 1U);
  EXPECT_EQ(ledger_lines("\"step\":\"received\"").size(), 1U);
  EXPECT_EQ(ledger_lines("\"step\":\"told\"").size(), 1U);
  EXPECT_EQ(side->status().under_way, 0U);
  EXPECT_EQ(side->status().requests, 1U);
}

TEST_F(SsnField, AProvisioningJobMovesTheSwitchOfTheMeterAndTellsItsState) {
  field(with_jobs());
  run_to(start + hours{1});
  const std::string mac = mac_of("SN00000002");
  const std::string open = add(Operation::AddProvisioningJob, mac, "disconnect");
  wait_for(open);
  EXPECT_EQ(result(Operation::ProvisioningResults, open), "Success");
  EXPECT_EQ(world->switch_state(2), virtual_meter::SwitchState::Open);
  const std::string state = add(Operation::AddProvisioningJob, mac, "switch_state");
  wait_for(state);
  EXPECT_EQ(result(Operation::ProvisioningResults, state), "Open");
  EXPECT_EQ(ledger_lines("\"step\":\"executed\",\"command\":\"open\"").size(), 1U);
}

TEST_F(SsnField, ADarkMeterDoesNotRespondAndAJammedSwitchFails) {
  field(with_jobs());
  run_to(start + hours{1});
  const std::string dark = mac_of("SN00000000"), jammed = mac_of("SN00000001");
  EXPECT_TRUE(world->cut_power(0, "test").ok());
  EXPECT_TRUE(world->jam(1, true, "test").ok());
  const std::string ping = add(Operation::AddPingJob, dark, "");
  const std::string open = add(Operation::AddProvisioningJob, jammed, "disconnect");
  wait_for(ping);
  wait_for(open);
  EXPECT_EQ(result(Operation::PingResults, ping), "No Response");
  EXPECT_EQ(world->switch_state(1), virtual_meter::SwitchState::Closed);
  EXPECT_EQ(ledger_lines("\"command\":\"open\"").empty(), false);
}

TEST_F(SsnField, AJobThatIsLostNeverEndsAndIsNeverExecuted) {
  misfortune.lost = 1;
  field(with_jobs());
  run_to(start + minutes{15});
  EXPECT_THAT(dropped(".xml"), IsEmpty());
  const std::string job = add(Operation::AddReadJob, mac_of("SN00000000"), "read_now");
  EXPECT_EQ(ask(Operation::JobStatus, {{"job", job}}).rows.at(0).count("status"), 1U);
  EXPECT_EQ(side->status().under_way, 0U);
  EXPECT_EQ(ledger_lines("\"step\":\"expired\"").size(), 1U);
  EXPECT_THAT(ledger_lines("\"step\":\"executed\""), IsEmpty());
}

TEST_F(SsnField, BeforeItsFirstReportAMeterIsNotKnown) {
  field(with_jobs());
  EXPECT_EQ(mac_of("SN00000001"), "");
}

TEST_F(SsnField, SaysWhichKeyIsWrong) {
  const auto problem = [&](const std::map<std::string, std::string>& own) {
    const auto far = made(own);
    return far ? std::string() : far.error().message;
  };
  EXPECT_EQ(problem({}), "");
  EXPECT_THAT(problem({{"listen", "8443"}}), HasSubstr("listen"));
  EXPECT_THAT(problem({{"template", "none.yaml"}}), HasSubstr("none.yaml cannot be read"));
  EXPECT_THAT(problem({{"template", config_dir() + "/gateway.yaml"}}), HasSubstr("template: "));
  EXPECT_THAT(problem({{"catch_up", "90s"}}), HasSubstr("catch_up"));
  EXPECT_THROW(field({{"folder", "nowhere"}}), std::runtime_error);
}

}  // namespace
}  // namespace ami::fieldsim::ssn
