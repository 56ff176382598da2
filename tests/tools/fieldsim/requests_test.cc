// Requests to a simulated MultiSpeak network: every step is in the ledger, and what was done was done once.
#include <gmock/gmock.h>

#include "adapters/wire/http/client.h"
#include "tests/tools/fieldsim/support/field_run.h"
#include "tests/tools/fieldsim/support/said.h"

namespace ami::fieldsim {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr const char* kMr = "/Multispeak/webapi/MR_CB.asmx";
constexpr const char* kCd = "/Multispeak/webapi/CD_CB.asmx";

class Requests : public ::testing::Test {
 protected:
  static std::string scenario(const std::string& network) {
    return "seed: 5\nstart: 2024-03-10T00:00:00Z\ntime_factor: 3600\nnetworks:\n  - " + network + "\n";
  }
  std::string later(const std::string& transaction, int minutes) const {
    return "<responseURL>" + run.url + "</responseURL><transactionID>" + transaction +
           "</transactionID><expirationTime>" + std::to_string(minutes) + "</expirationTime>";
  }
  std::string read(const std::string& meter, const std::string& transaction, int minutes = 5) const {
    return "<InitiateMeterReadByMeterNumber "
           "xmlns=\"http://www.multispeak.org/Version_3.0\"><meterNos><string>" +
           meter + "</string></meterNos>" + later(transaction, minutes) + "</InitiateMeterReadByMeterNumber>";
  }
  std::string order(const std::string& meter, const std::string& action,
                    const std::string& transaction) const {
    return "<InitiateConnectDisconnect xmlns=\"http://www.multispeak.org/Version_3.0\"><cdEvents>"
           "<connectDisconnectEvent><loadActionCode>" +
           action + "</loadActionCode><meterNo>" + meter + "</meterNo></connectDisconnectEvent></cdEvents>" +
           later(transaction, 5) + "</InitiateConnectDisconnect>";
  }
  // Posts, and gives the body of the answer.
  sdk::Awaitable<std::string> ask(Simulation& simulation, const char* path, const std::string& content) {
    http::ClientSettings settings;
    const std::uint16_t port = simulation.shown().front().far_side.ports().front().second;
    settings.url = http::parse_url("http://127.0.0.1:" + std::to_string(port) + path).value();
    http::Client client(std::move(settings), simulation.services());
    http::Call call;
    call.headers.add("Content-Type", "text/xml; charset=utf-8");
    call.body = "<soap:Envelope xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\"><soap:Body>" +
                content + "</soap:Body></soap:Envelope>";
    auto sending = client.send(std::move(call));
    const http::Answer answer = co_await std::move(sending);
    co_await client.stop();
    co_return answer.reply ? answer.reply->body : answer.failure->error.message;
  }
  static std::size_t under_way(Simulation& simulation) {
    return simulation.shown().front().far_side.status().under_way;
  }
  std::vector<std::string> steps() { return testing::steps_in_ledger(run.ledger); }

  testing::FieldRun run;
};

TEST_F(Requests, AReadOnDemandIsToldAndItsValuesAreInTheLedger) {
  run.during = [this](Simulation& simulation) -> sdk::Awaitable<void> {
    const std::string content = read("GS00000001", "t-1");
    const std::string answer = co_await ask(simulation, kMr, content);
    EXPECT_THAT(answer, Not(HasSubstr("errorObject")));
    while (run.bodies.empty()) co_await run.moment();
    while (under_way(simulation) > 0) co_await run.moment();
    simulation.stop();
  };
  ASSERT_EQ(run.run(scenario("{family: gridstream, meters: 2}")), "");
  EXPECT_THAT(steps(), ElementsAre("received read t-1 GS00000001", "executed read t-1 GS00000001 done",
                                   "told read t-1 GS00000001"));
  ASSERT_THAT(run.bodies, SizeIs(1));
  const auto sent = testing::said_in_ledger(run.ledger, "sent");
  EXPECT_THAT(sent, Contains(HasSubstr("reg GS00000001 0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.0.72.0 2024-03-10T0")));
  for (const std::string& line : run.ledger) {
    if (line.find("\"kind\":\"register\"") == std::string::npos) continue;
    EXPECT_THAT(line, AllOf(HasSubstr("\"via\":\"callback\""), HasSubstr("\"message\":\"t-1\"")));
  }
}

TEST_F(Requests, AnOrderIsCarriedOutOnceAlsoWhenItsCallbackComesTwice) {
  run.during = [this](Simulation& simulation) -> sdk::Awaitable<void> {
    const std::string content = order("TS00000000", "Disconnect", "cd-1");
    (void)co_await ask(simulation, kCd, content);
    while (run.bodies.size() < 2) co_await run.moment();
    while (under_way(simulation) > 0) co_await run.moment();
    World& world = simulation.shown().front().world;
    EXPECT_EQ(world.switch_state(0), virtual_meter::SwitchState::Open);
    EXPECT_EQ(world.switch_state(1), virtual_meter::SwitchState::Closed);
    simulation.stop();
  };
  ASSERT_EQ(run.run(scenario("{family: ts2, meters: 2, duplicated: 1, latency: {least: 1s, most: 2s}}")), "");
  EXPECT_THAT(steps(), ElementsAre("received open cd-1 TS00000000", "executed open cd-1 TS00000000 done",
                                   "told open cd-1 TS00000000", "told open cd-1 TS00000000"));
  EXPECT_EQ(run.bodies[0], run.bodies[1]);
  EXPECT_THAT(run.bodies[0], HasSubstr("Disconnect"));
}

TEST_F(Requests, WhatWasDoneAndNotToldIsDone) {
  run.during = [this](Simulation& simulation) -> sdk::Awaitable<void> {
    const std::string content = order("TS00000000", "Disconnect", "cd-1");
    (void)co_await ask(simulation, kCd, content);
    World& world = simulation.shown().front().world;
    while (world.switch_state(0) != virtual_meter::SwitchState::Open) co_await run.moment();
    while (under_way(simulation) > 0) co_await run.moment();
    simulation.stop();
  };
  ASSERT_EQ(run.run(scenario("{family: ts2, meters: 1, lost: 1, latency: {least: 1s, most: 2s}}")), "");
  EXPECT_THAT(steps(), ElementsAre("received open cd-1 TS00000000", "executed open cd-1 TS00000000 done",
                                   "lost open cd-1 TS00000000"));
  EXPECT_THAT(run.bodies, IsEmpty());
}

TEST_F(Requests, AMeterThatIsNotInTheBooksIsRejected) {
  run.during = [this](Simulation& simulation) -> sdk::Awaitable<void> {
    const std::string content = read("GS99999999", "t-9");
    const std::string answer = co_await ask(simulation, kMr, content);
    EXPECT_THAT(answer, HasSubstr("no such meter"));
    simulation.stop();
  };
  ASSERT_EQ(run.run(scenario("{family: gridstream, meters: 2}")), "");
  EXPECT_THAT(steps(),
              ElementsAre("received read t-9 GS99999999", "rejected read t-9 GS99999999 no such meter"));
}

// TS2 answers in 35 simulated minutes unless a scenario says otherwise.
TEST_F(Requests, WhatTakesLongerThanItsExpiryIsDroppedWithoutAWord) {
  run.during = [this](Simulation& simulation) -> sdk::Awaitable<void> {
    const std::string content = read("TS00000000", "t-1", 5);
    (void)co_await ask(simulation, kMr, content);
    while (under_way(simulation) > 0) co_await run.moment();
    simulation.stop();
  };
  ASSERT_EQ(run.run(scenario("{family: ts2, meters: 1}")), "");
  EXPECT_THAT(steps(), ElementsAre("received read t-1 TS00000000", "expired read t-1 TS00000000"));
  EXPECT_THAT(run.bodies, IsEmpty());
}

TEST_F(Requests, AJammedSwitchFailsAndTheLedgerSaysThatItDid) {
  run.during = [this](Simulation& simulation) -> sdk::Awaitable<void> {
    World& world = simulation.shown().front().world;
    (void)world.jam(0, true, "page");
    const std::string content = order("TS00000000", "Disconnect", "cd-1");
    (void)co_await ask(simulation, kCd, content);
    while (run.bodies.empty()) co_await run.moment();
    while (under_way(simulation) > 0) co_await run.moment();
    EXPECT_EQ(world.switch_state(0), virtual_meter::SwitchState::Closed);
    simulation.stop();
  };
  ASSERT_EQ(run.run(scenario("{family: ts2, meters: 1, latency: {least: 1s, most: 2s}}")), "");
  EXPECT_THAT(steps(), ElementsAre("executed jam  TS00000000 done", "received open cd-1 TS00000000",
                                   "executed open cd-1 TS00000000 refused", "told open cd-1 TS00000000"));
  EXPECT_THAT(run.bodies.at(0), HasSubstr("did not move"));
}

TEST_F(Requests, APortThatIsTakenIsSaidAndNothingRuns) {
  testing::FieldRun other;
  other.during = [this](Simulation& simulation) -> sdk::Awaitable<void> {
    const std::uint16_t port = simulation.shown().front().far_side.ports().front().second;
    simulation.stop();
    EXPECT_THAT(
        run.run(scenario("{family: ts2, meters: 1, listen: \"127.0.0.1:" + std::to_string(port) + "\"}")),
        HasSubstr("network ts2: "));
    co_return;
  };
  ASSERT_EQ(other.run(scenario("{family: ts2, meters: 1}")), "");
}

}  // namespace
}  // namespace ami::fieldsim
