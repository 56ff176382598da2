// A head-end of bytes: silence, garbage, cut connections, and answers that are not what was asked.
#include <gmock/gmock.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "tests/adapters/wire/cim/link/link_scene.h"

namespace ami::cim {
namespace {

using sdk::AttemptState;
using sdk::CommandKind;
using testing::HasSubstr;

std::string states(const std::vector<sdk::AttemptAnswer>& answers) {
  std::string out;
  for (const auto& answer : answers) {
    out += (out.empty() ? "" : " ") + std::string(name_of(answer.state));
    if (!answer.reason.empty()) out += "/" + answer.reason;
  }
  return out;
}

class CimBadHeadEnd : public LinkScene {
 public:
  std::vector<sdk::AttemptAnswer> answer_of(http::Script script, CommandKind kind = CommandKind::Read) {
    http::ScriptedPeer bad(host.io, {std::move(script)});
    peer_port = bad.port();
    configure(
        "head_end: {url: 'http://127.0.0.1:{peer}/cim', breaker_failures: 0, request_time: 200ms}\n"
        "callback: {listen: ['127.0.0.1:0'], reply_address: 'http://gateway.example/cim'}\n");
    start_feed();
    auto answers = ask(attempt(kind, {"M1"}));
    health = adapter->health();
    drive_void(adapter->stop());
    return answers;
  }
  sdk::Health health;  // before the feed was stopped
};

TEST_F(CimBadHeadEnd, GarbageIsUnreadableAndNotRepeated) {
  for (const std::string& body : {std::string("<html>not found</html>"), std::string("ok"),
                                  std::string("<a><b></a>"), std::string("\x00\x01\x02", 3)}) {
    EXPECT_EQ(states(answer_of(http::answering(http::ok(body)))), "UNKNOWN/unreadable_answer") << body;
  }
  EXPECT_EQ(sends, 4);
  EXPECT_EQ(states(answer_of(http::answering("not http at all\r\n\r\n"))), "UNKNOWN/unreadable_answer");
}

TEST_F(CimBadHeadEnd, AnXmlBombIsUnreadable) {
  const std::string bomb = "<!DOCTYPE d [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]><d>&b;</d>";
  const auto said = answer_of(http::answering(http::ok(bomb)));
  EXPECT_EQ(states(said), "UNKNOWN/unreadable_answer");
  EXPECT_THAT(said[0].words, HasSubstr("entity_declaration"));
}

TEST_F(CimBadHeadEnd, SilenceAndACutConnectionLeaveItOpen) {
  EXPECT_EQ(states(answer_of([](http::RawConnection& at) -> sdk::Awaitable<void> { co_await at.ended(); })),
            "UNKNOWN/no_answer");
  EXPECT_EQ(states(answer_of([](http::RawConnection& at) -> sdk::Awaitable<void> {
              co_await at.message();
              co_await at.send("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n<Respo");
            })),
            "UNKNOWN/no_answer");
  EXPECT_EQ(states(answer_of(
                [](http::RawConnection& at) -> sdk::Awaitable<void> {
                  co_await at.message();
                  at.reset();
                },
                CommandKind::SwitchOpen)),
            "UNKNOWN/no_answer");
  EXPECT_EQ(health.state, sdk::HealthState::Degraded);
  EXPECT_NE(health.reason, "");
}

TEST_F(CimBadHeadEnd, NobodyThereIsUnreachableAndNothingLeft) {
  configure("head_end: {url: 'http://127.0.0.1:1/cim'}\n");
  start_feed();
  EXPECT_EQ(states(ask(attempt(CommandKind::Read, {"M1"}))), "FAILED/unreachable");
  EXPECT_EQ(sends, 0);
  EXPECT_EQ(adapter->health().state, sdk::HealthState::Degraded);
}

TEST_F(CimBadHeadEnd, StatusesWithoutAMessageSayWhatTheySay) {
  EXPECT_EQ(states(answer_of(http::answering("HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n"))),
            "FAILED/rejected");
  EXPECT_EQ(states(answer_of(http::answering("HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\nno"))),
            "FAILED/rejected");
  EXPECT_EQ(states(answer_of(http::answering("HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\nno"))),
            "UNKNOWN/no_answer");
  EXPECT_EQ(
      states(answer_of(http::answering("HTTP/1.1 503 No\r\nRetry-After: 5\r\nContent-Length: 0\r\n\r\n"))),
      "FAILED/unreachable");
  EXPECT_EQ(states(answer_of(http::answering("HTTP/1.1 202 Taken\r\nContent-Length: 0\r\n\r\n"))), "WAITING");
}

TEST_F(CimBadHeadEnd, AnAnswerToAnotherRequestIsNoAnswerButItsReadingsAreKept) {
  const auto said = answer_of(http::answering(http::ok(readings_message("another-1"))));
  EXPECT_EQ(states(said), "UNKNOWN/unreadable_answer");
  ASSERT_EQ(host.store.committed.size(), 1U);
  EXPECT_EQ(host.store.committed[0].batch.results.at(0).transaction, "another-1");
}

TEST_F(CimBadHeadEnd, SecretsOfAnAnswerAreNotKept) {
  answer_of(http::answering(http::ok(readings_message(
      "2s-1-t7v0u8", "M1",
      "<User><UserID>head-secret</UserID></User><Property><Name>Password</Name><Value>pass-secret</Value>"
      "</Property>"))));
  ASSERT_EQ(host.store.committed.size(), 1U);
  EXPECT_EQ(everything_kept().find("secret"), std::string::npos);
}

TEST_F(CimBadHeadEnd, ReadingsThatCannotBeStoredAreNoSuccess) {
  host.store.fail_after(0, permanent("a defect"));
  const auto said = answer_of(http::answering(http::ok(readings_message("2s-1-t7v0u8"))));
  EXPECT_EQ(states(said), "UNKNOWN/no_answer");
  EXPECT_THAT(said[0].words, HasSubstr("a defect"));
}

TEST_F(CimBadHeadEnd, AFeedThatStopsEndsWhatIsUnderWayAsUnknownAndTakesNoMore) {
  http::ScriptedPeer silent(host.io,
                            {[](http::RawConnection& at) -> sdk::Awaitable<void> { co_await at.ended(); }});
  peer_port = silent.port();
  configure("head_end: {url: 'http://127.0.0.1:{peer}/cim'}\n");
  start_feed();
  std::optional<std::vector<sdk::AttemptAnswer>> answers;
  auto work = [](LinkAdapter& of, sdk::Attempt what,
                 std::optional<std::vector<sdk::AttemptAnswer>>& into) -> sdk::Awaitable<void> {
    into.emplace(co_await of.attempt(std::move(what)));
  };
  boost::asio::co_spawn(host.io, work(*adapter, attempt(CommandKind::Read, {"M1"}), answers),
                        boost::asio::detached);
  run_until([&] { return silent.connections() > 0 && sends == 1; });
  drive_void(adapter->stop());
  ASSERT_TRUE(answers.has_value());
  EXPECT_EQ(answers->at(0).state, AttemptState::Unknown);
  EXPECT_EQ(states(ask(attempt(CommandKind::Read, {"M1"}))), "FAILED/not_sent");
  EXPECT_EQ(adapter->health().state, sdk::HealthState::Stopped);
}

TEST_F(CimBadHeadEnd, AFeedThatStopsWaitsNoLongerForTheStore) {
  http::ScriptedPeer good(host.io, {http::answering(http::ok(readings_message("2s-1-t7v0u8")))});
  peer_port = good.port();
  configure("head_end: {url: 'http://127.0.0.1:{peer}/cim'}\n");
  start_feed();
  host.store.hold();
  std::optional<std::vector<sdk::AttemptAnswer>> answers;
  auto work = [](LinkAdapter& of, sdk::Attempt what,
                 std::optional<std::vector<sdk::AttemptAnswer>>& into) -> sdk::Awaitable<void> {
    into.emplace(co_await of.attempt(std::move(what)));
  };
  boost::asio::co_spawn(host.io, work(*adapter, attempt(CommandKind::Read, {"M1"}), answers),
                        boost::asio::detached);
  run_until([&] { return host.store.held() > 0; });
  drive_void(adapter->stop());
  ASSERT_TRUE(answers.has_value());
  EXPECT_EQ(states(*answers), "UNKNOWN/no_answer");
}

}  // namespace
}  // namespace ami::cim
