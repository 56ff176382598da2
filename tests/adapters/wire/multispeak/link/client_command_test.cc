// Attempts over real sockets: what is sent, and what an answer or its absence means.
#include "tests/adapters/wire/multispeak/link/client_scene.h"

#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "tests/adapters/wire/http/http_scene.h"

namespace ami::multispeak::testing {
namespace {

using sdk::AttemptState;
using sdk::CommandKind;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class MultiSpeakCommand : public ClientScene {
 protected:
  static std::string brief(const sdk::AttemptAnswer& answer) {
    return std::string(name_of(answer.state)) + (answer.reason.empty() ? "" : " " + answer.reason);
  }
  std::string told_by(CommandKind kind) { return brief(ask(kind)); }
};

TEST_F(MultiSpeakCommand, AReadGoesToTheMrUrlWithAllThatTheAnswerNeedsAndThenWaits) {
  begin(yaml("company: LDC\n"));
  const auto said = attempt(CommandKind::Read, {"M1", "M2"});
  ASSERT_EQ(said.size(), 2U);
  EXPECT_EQ(brief(said[0]), "WAITING");
  EXPECT_EQ(brief(said[1]), "WAITING");
  EXPECT_EQ(marked, 1U);
  const Asked& request = last(Operation::InitiateMeterRead);
  EXPECT_EQ(request.path, "/mr");
  EXPECT_EQ(request.soap_action, "\"http://www.multispeak.org/Version_3.0/InitiateMeterReadByMeterNumber\"");
  EXPECT_EQ(request.content_type, "text/xml; charset=utf-8");
  ASSERT_EQ(request.message.request->meters.size(), 2U);
  EXPECT_EQ(request.message.request->meters[1].number, "M2");
  EXPECT_EQ(request.message.request->transaction, "t-1");
  EXPECT_EQ(request.message.request->response_url, "http://127.0.0.1:1/multispeak");
  EXPECT_EQ(request.message.request->expiry, std::chrono::minutes{5});
  EXPECT_EQ(request.message.header->user_id, "gateway");
  EXPECT_EQ(request.message.header->password.reveal(), kSecret);
  EXPECT_EQ(request.message.header->company, "LDC");
  EXPECT_EQ(request.message.header->time_stamp, to_text(host.clock.now()));
}

TEST_F(MultiSpeakCommand, InVersion41WithSoap12TheSameIsSaidInItsOwnWords) {
  begin(yaml("version: \"4.1\"\nsoap: \"1.2\"\n"));
  EXPECT_EQ(told_by(CommandKind::Read), "WAITING");
  const Asked& request = last(Operation::InitiateMeterRead);
  EXPECT_EQ(request.message.version, Version::V41);
  EXPECT_EQ(request.soap_action, "");
  EXPECT_EQ(request.content_type,
            "application/soap+xml; charset=utf-8; action=\"http://www.multispeak.org/Version_4.1_Release/"
            "InitiateMeterReadingsByMeterID\"");
}

// Quirk: URL per role, not per vendor.
TEST_F(MultiSpeakCommand, EachRoleHasItsOwnUrl) {
  begin(yaml());
  EXPECT_EQ(told_by(CommandKind::Ping), "WAITING");
  EXPECT_EQ(last(Operation::InitiateOutageDetection).path, "/od");
  EXPECT_EQ(last(Operation::InitiateOutageDetection).message.request->request_date,
            to_text(host.clock.now()));
  EXPECT_EQ(told_by(CommandKind::SwitchState), "WAITING");
  EXPECT_EQ(last(Operation::InitiateCdStateRequest).path, "/cd");
  EXPECT_EQ(told_by(CommandKind::DemandReset), "WAITING");
  EXPECT_EQ(last(Operation::InitiateDemandReset).path, "/mr");
}

// Rule 1.
TEST_F(MultiSpeakCommand, OneMeterIsRejectedInItsOwnWordsAndTheOtherAccepted) {
  begin(yaml());
  answers[Operation::InitiateMeterRead] = [this](const Asked& to) {
    ResponseContent content;
    content.rejections.push_back({"M2", "Meter M2 is not in our books", "meterNo", "", ""});
    return respond(to, content);
  };
  const auto said = attempt(CommandKind::Read, {"M1", "M2"});
  EXPECT_EQ(brief(said[0]), "WAITING");
  EXPECT_EQ(brief(said[1]), "FAILED rejected");
  EXPECT_EQ(said[1].words, "Meter M2 is not in our books");
}

// Quirk: a 3.0 client answered in the namespace of 4.1 by a broker.
TEST_F(MultiSpeakCommand, AnAnswerInTheOtherVersionsNamespaceCountsLikeOneInOurs) {
  begin(yaml());
  answers[Operation::InitiateMeterRead] = [this](const Asked& to) {
    ResponseContent content;
    content.rejections.push_back({"M1", "", "", "", "no such meter, says 4.1"});
    return respond(to, content, Version::V41);
  };
  const auto said = attempt(CommandKind::Read, {"M1", "M2"});
  EXPECT_EQ(brief(said[0]), "FAILED rejected");
  EXPECT_EQ(said[0].words, "no such meter, says 4.1");
  EXPECT_EQ(brief(said[1]), "WAITING");
}

TEST_F(MultiSpeakCommand, AnAnswerInAForeignNamespaceOrNoSoapOrOfAnotherOperationIsNone) {
  begin(yaml());
  for (const std::string& body :
       {std::string("<InitiateMeterReadByMeterNumberResponse xmlns='urn:other'/>"),
        std::string("<html><body>It works!</body></html>"), std::string("\x01\x02"), std::string(),
        encode_response(Operation::InitiateConnectDisconnect, {}, Sender())}) {
    answers[Operation::InitiateMeterRead] = [body](const Asked&) { return text(200, body); };
    EXPECT_EQ(told_by(CommandKind::Read), "UNKNOWN unreadable_answer") << body;
  }
}

TEST_F(MultiSpeakCommand, FaultsAreReadWhateverTheHttpStatus) {
  begin(yaml());
  for (const int status : {200, 400, 500}) {
    answers[Operation::InitiateMeterRead] = [this, status](const Asked& to) {
      return fault(to, {SoapFault::Blame::Sender, "", "who are you?", ""}, status);
    };
    const auto said = ask(CommandKind::Read);
    EXPECT_EQ(brief(said), "FAILED rejected") << status;
    EXPECT_EQ(said.words, "who are you?");
    answers[Operation::InitiateMeterRead] = [this, status](const Asked& to) {
      return fault(to, {SoapFault::Blame::Receiver, "", "object reference not set", ""}, status);
    };
    EXPECT_EQ(told_by(CommandKind::Read), "UNKNOWN failed") << status;
  }
  answers[Operation::InitiateMeterRead] = [](const Asked&) { return text(500, "<h1>oops</h1>"); };
  EXPECT_EQ(told_by(CommandKind::Read), "UNKNOWN no_answer");
  answers[Operation::InitiateMeterRead] = [](const Asked&) { return text(403, "no"); };
  EXPECT_EQ(told_by(CommandKind::Read), "FAILED rejected");
  // Redirects are never followed.
  answers[Operation::InitiateMeterRead] = [](const Asked&) {
    http::Response moved = text(302, "");
    moved.headers.set("Location", "http://127.0.0.1:1/");
    return moved;
  };
  EXPECT_EQ(told_by(CommandKind::Read), "FAILED rejected");
}

TEST_F(MultiSpeakCommand, NothingLeavesWhenItMayNotBeMarkedAsSent) {
  begin(yaml());
  allowed = transient("the store is away");
  for (const CommandKind kind : {CommandKind::Read, CommandKind::Ping, CommandKind::DemandReset,
                                 CommandKind::SwitchOpen, CommandKind::SwitchState}) {
    const auto said = ask(kind);
    EXPECT_EQ(brief(said), "FAILED not_sent");
    EXPECT_THAT(said.words, HasSubstr("the store is away"));
  }
  EXPECT_EQ(marked, 5U);
  for (const Operation operation :
       {Operation::InitiateMeterRead, Operation::InitiateOutageDetection, Operation::InitiateDemandReset,
        Operation::InitiateConnectDisconnect, Operation::InitiateCdStateRequest})
    EXPECT_EQ(count(operation), 0U);
}

TEST_F(MultiSpeakCommand, ASwitchOrderGoesAloneOnItsOwnConnectionInTheFeedsWords) {
  begin(yaml("version: \"4.1\"\nopen_word: Opened\n"));
  EXPECT_EQ(told_by(CommandKind::SwitchState), "WAITING");
  const std::size_t kept = last(Operation::InitiateCdStateRequest).connection;
  const std::pair<CommandKind, const char*> orders[] = {{CommandKind::SwitchOpen, "Opened"},
                                                        {CommandKind::SwitchClose, "Connect"},
                                                        {CommandKind::SwitchArm, "Arm"}};
  for (const auto& [kind, word] : orders) {
    EXPECT_EQ(told_by(kind), "WAITING");
    const Asked& request = last(Operation::InitiateConnectDisconnect);
    EXPECT_NE(request.connection, kept);
    ASSERT_EQ(request.message.request->orders.size(), 1U);
    EXPECT_EQ(request.message.request->orders[0].load_action, word);
    EXPECT_EQ(request.message.request->orders[0].meter.number, "M1");
  }
  const std::size_t before = count(Operation::InitiateConnectDisconnect);
  for (const auto& answer : attempt(CommandKind::SwitchOpen, {"M1", "M2"}))
    EXPECT_EQ(brief(answer), "FAILED not_sent");
  EXPECT_EQ(count(Operation::InitiateConnectDisconnect), before);
}

// A connection that died unnoticed would leave a reset in doubt that could have been made surely.
TEST_F(MultiSpeakCommand, ADemandResetHasAConnectionOfItsOwnToo) {
  begin(yaml());
  EXPECT_EQ(told_by(CommandKind::Read), "WAITING");
  const std::size_t kept = last(Operation::InitiateMeterRead).connection;
  EXPECT_EQ(told_by(CommandKind::DemandReset), "WAITING");
  EXPECT_NE(last(Operation::InitiateDemandReset).connection, kept);
}

// The engine above waits for an end, whatever happens within.
TEST_F(MultiSpeakCommand, ADefectComesBackToWhoeverAsked) {
  struct Broken final : sdk::RawStore {
    sdk::Awaitable<Outcome> keep(sdk::RawContent) override {
      throw std::runtime_error("a defect");
      co_return Done{};
    }
  } broken;
  raw = &broken;
  begin(yaml("read: latest\n"));
  answers[Operation::GetLatestReading] = [this](const Asked& to) {
    ResponseContent content;
    content.reads = {read("M1", "5", "2026-01-15T00:00:00Z")};
    return respond(to, content);
  };
  EXPECT_THROW((void)ask(CommandKind::Read), std::runtime_error);
  end();
}

// Quirk: the demo service's words for an order without loadActionCode.
TEST_F(MultiSpeakCommand, TheHeadEndsUnhelpfulWordsArriveAsTheyAre) {
  begin(yaml());
  answers[Operation::InitiateConnectDisconnect] = [this](const Asked& to) {
    ResponseContent content;
    content.rejections.push_back({"", "Meter not Connected/Disconnected.", "", "", ""});
    return respond(to, content);
  };
  const auto said = ask(CommandKind::SwitchClose);
  EXPECT_EQ(brief(said), "FAILED rejected");
  EXPECT_EQ(said.words, "Meter not Connected/Disconnected.");
}

TEST_F(MultiSpeakCommand, WhatTheFeedDoesNotStateIsRefusedWithoutAByte) {
  Profile silent = profile();
  silent.can.switch_open = silent.can.switch_close = silent.can.switch_arm = silent.can.switch_state = false;
  silent.silence = "clause 7 is silent";
  begin(yaml("", {"od"}), silent);
  EXPECT_EQ(told_by(CommandKind::Ping), "FAILED not_stated");
  const auto said = ask(CommandKind::SwitchOpen);
  EXPECT_EQ(brief(said), "FAILED not_stated");
  EXPECT_THAT(said.words, HasSubstr("clause 7 is silent"));
  EXPECT_EQ(told_by(CommandKind::SwitchState), "FAILED not_stated");
  EXPECT_EQ(marked, 0U);
  drive(adapter->stop());  // stopped, it still knows
  EXPECT_EQ(told_by(CommandKind::SwitchOpen), "FAILED not_stated");
  EXPECT_EQ(told_by(CommandKind::Read), "FAILED not_sent");
}

TEST_F(MultiSpeakCommand, ALatestReadingIsStoredAndAnsweredAtOnce) {
  begin(yaml("read: latest\n"));
  answers[Operation::GetLatestReading] = [this](const Asked& to) {
    ResponseContent content;
    content.reads.push_back(read("M1", "1234", "2026-01-14T23:00:00Z"));
    return respond(to, content);
  };
  const auto said = ask(CommandKind::Read);
  EXPECT_EQ(brief(said), "SUCCEEDED");
  EXPECT_EQ(to_text(said.at.value_or(UtcInstant())), "2026-01-14T23:00:00Z");
  EXPECT_EQ(marked, 1U);
  ASSERT_EQ(host.store.committed.size(), 1U);
  const auto& committed = host.store.committed[0];
  ASSERT_EQ(committed.batch.observations.size(), 1U);
  EXPECT_EQ(std::get<SeriesObservation>(committed.batch.observations[0]).values.at(0).value, "1234");
  EXPECT_EQ(committed.source.content_sha256.size(), 64U);
  EXPECT_EQ(adapter->health().records, 1U);
}

TEST_F(MultiSpeakCommand, ALatestReadingThatIsNoneOrAnotherMetersOrFailedIsNoSuccessAndNothingIsDropped) {
  begin(yaml("read: latest\n"));
  EXPECT_EQ(told_by(CommandKind::Read), "FAILED failed");
  const auto answer_with = [&](const MeterRead& read) {
    answers[Operation::GetLatestReading] = [this, read](const Asked& to) {
      ResponseContent content;
      content.reads.push_back(read);
      return respond(to, content);
    };
  };
  answer_with(read("M9", "1", "2026-01-14T23:00:00Z"));
  EXPECT_EQ(told_by(CommandKind::Read), "FAILED unreadable_answer");
  EXPECT_EQ(host.store.committed.size(), 1U);
  MeterRead broken;
  broken.meter.number = "M1";
  broken.object_id = "M1";
  broken.error = "endpoint did not answer";
  answer_with(broken);
  EXPECT_EQ(told_by(CommandKind::Read), "FAILED no_answer");
  answer_with(read("M1", "twelve", "2026-01-14T23:00:00Z"));
  EXPECT_EQ(told_by(CommandKind::Read), "FAILED unreadable_answer");
  EXPECT_EQ(host.store.committed.back().batch.malformed.size(), 1U);
  answer_with(read("M1", "12", "2026-01-14T23:00:00Z"));
  host.store.fail_after(0, permanent("no such column"));
  const auto said = ask(CommandKind::Read);
  EXPECT_EQ(brief(said), "FAILED failed");
  EXPECT_THAT(said.words, HasSubstr("was not stored"));
}

// Rule 6 over the wire.
TEST_F(MultiSpeakCommand, ASwitchStateAskedAtOnceProvesNoClosedSwitch) {
  begin(yaml("state: synchronous\n"));
  for (const auto& [word, position] :
       {std::pair{"Closed", sdk::SwitchPosition::Unknown}, std::pair{"Opened", sdk::SwitchPosition::Open}}) {
    answers[Operation::GetCdMeterState] = [this, state = std::string(word)](const Asked& to) {
      ResponseContent content;
      content.switch_state = state;
      return respond(to, content);
    };
    const auto said = ask(CommandKind::SwitchState);
    EXPECT_EQ(brief(said), "SUCCEEDED");
    EXPECT_EQ(said.position, position) << word;
    EXPECT_THAT(said.words, HasSubstr(word));
  }
  EXPECT_EQ(last(Operation::GetCdMeterState).path, "/cd");
}

TEST_F(MultiSpeakCommand, AHeadEndThatIsNotThereOrCutsOrIsSilentIsToldApart) {
  std::uint16_t gone = 0;
  {
    http::ScriptedPeer peer(host.io, {http::answering("")});
    gone = peer.port();
  }
  const auto at = [&](std::uint16_t port) {
    std::string text = yaml("", {"cd", "od"});
    const std::string url = "127.0.0.1:" + std::to_string(far_port);
    text.replace(text.find(url), url.size(), "127.0.0.1:" + std::to_string(port));
    text.replace(text.find("request_time: 10s"), 17, "request_time: 200ms\n  breaker_failures: 0");
    return text;
  };
  begin(at(gone));
  EXPECT_EQ(told_by(CommandKind::Read), "FAILED unreachable");
  EXPECT_EQ(marked, 0U);
  end();
  const http::Script cut = [](http::RawConnection& connection) -> sdk::Awaitable<void> {
    co_await connection.message();
    connection.reset();
  };
  const http::Script silent = [](http::RawConnection& connection) -> sdk::Awaitable<void> {
    co_await connection.ended();
  };
  for (const auto& [script, expected] :
       {std::pair<http::Script, const char*>{cut, "UNKNOWN no_answer"},
        {silent, "UNKNOWN no_answer"},
        {http::answering("220 smtp.example ready\r\n\r\n"), "UNKNOWN unreadable_answer"},
        {http::answering("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n<soap:Env"), "UNKNOWN no_answer"}}) {
    http::ScriptedPeer peer(host.io, {script});
    begin(at(peer.port()));
    EXPECT_EQ(told_by(CommandKind::Read), expected);
    end();
  }
}

TEST_F(MultiSpeakCommand, AnAttemptUnderWayWhenTheFeedStopsIsUnknownAndOneAfterItNotSent) {
  const http::Script silent = [](http::RawConnection& connection) -> sdk::Awaitable<void> {
    co_await connection.ended();
  };
  http::ScriptedPeer peer(host.io, {silent});
  std::string text = yaml("", {"cd", "od"});
  const std::string url = "127.0.0.1:" + std::to_string(far_port);
  text.replace(text.find(url), url.size(), "127.0.0.1:" + std::to_string(peer.port()));
  begin(text);
  std::vector<sdk::AttemptAnswer> said;
  sdk::Attempt order;
  order.transaction = "t-1";
  order.meters = {"M1"};
  order.expires_at = host.clock.now() + std::chrono::minutes{5};
  order.before_send = [this]() -> sdk::Awaitable<Outcome> {
    ++marked;
    co_return Done{};
  };
  auto work = [](sdk::Adapter& of, sdk::Attempt what,
                 std::vector<sdk::AttemptAnswer>& into) -> sdk::Awaitable<void> {
    auto asking = of.attempt(std::move(what));
    into = co_await std::move(asking);
  };
  boost::asio::co_spawn(host.io, work(*adapter, order, said), [](std::exception_ptr) {});
  run_until([&] { return marked == 1; });
  for (int i = 0; i < 5; ++i) host.run_until_idle();  // the bytes leave
  drive(adapter->stop());
  run_until([&] { return !said.empty(); });
  EXPECT_EQ(brief(said.at(0)), "UNKNOWN no_answer");
  EXPECT_EQ(told_by(CommandKind::Read), "FAILED not_sent");
  EXPECT_EQ(adapter->health().state, sdk::HealthState::Stopped);
}

TEST_F(MultiSpeakCommand, ThePasswordIsInNothingThatIsTold) {
  begin(yaml("read: latest\nalign: true\n"));
  const SoapFault spiteful{SoapFault::Blame::Sender, "", std::string("bad login gateway/") + kSecret,
                           kSecret};
  for (const Operation operation : {Operation::PingUrl, Operation::GetMethods, Operation::GetLatestReading,
                                    Operation::InitiateDemandReset})
    answers[operation] = [this, spiteful](const Asked& to) { return fault(to, spiteful); };
  answers[Operation::InitiateConnectDisconnect] = [this](const Asked& to) {
    ResponseContent content;
    content.rejections.push_back({"M1", std::string("login ") + kSecret, "", "", kSecret});
    return respond(to, content);
  };
  answers[Operation::InitiateOutageDetection] = [](const Asked&) {
    return text(200, std::string("<") + kSecret);
  };
  pass(std::chrono::seconds{20}, [&] { return host.log.count("HEAD_END_COMPLAINS") >= 3; });
  for (const CommandKind kind : {CommandKind::Read, CommandKind::DemandReset, CommandKind::SwitchOpen,
                                 CommandKind::Ping, CommandKind::Backfill})
    (void)ask(kind);
  EXPECT_THAT(everything_told(), AllOf(HasSubstr("bad login gateway/***"), Not(HasSubstr(kSecret))));
}

TEST_F(MultiSpeakCommand, APasswordOfAsterisksIsHiddenToo) {
  std::filesystem::remove(folder / "password");
  std::ofstream(folder / "password") << "*\n";
  std::filesystem::permissions(folder / "password", std::filesystem::perms::owner_read);
  answers[Operation::InitiateMeterRead] = [this](const Asked& to) {
    return fault(to, {SoapFault::Blame::Sender, "", "login * is wrong", ""});
  };
  begin(yaml());
  EXPECT_EQ(ask(CommandKind::Read).words, "login *** is wrong");
}

}  // namespace
}  // namespace ami::multispeak::testing
