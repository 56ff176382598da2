// Contact with the head-end: there or not, what it offers, whose meters it knows; and what health says of it.
#include "adapters/wire/http/client.h"
#include "tests/adapters/wire/multispeak/link/client_scene.h"

namespace ami::multispeak::testing {
namespace {

using sdk::CommandKind;
using sdk::HealthState;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class MultiSpeakContact : public ClientScene {
 protected:
  void offer(std::vector<std::string> methods) {
    answers[Operation::GetMethods] = [this, methods](const Asked& to) {
      ResponseContent content;
      content.methods = methods;
      return respond(to, content);
    };
  }
  // Three URLs, each pinged and asked.
  bool all_looked(std::size_t times) const {
    return count(Operation::GetMethods) >= 3 * times && count(Operation::PingUrl) >= 3 * times;
  }
  void reach() {
    pass(seconds{10}, [&] { return adapter->health().state == HealthState::Healthy; });
  }
};

TEST_F(MultiSpeakContact, StartsWithoutAWordAndLooksAtEachUrlSoon) {
  offer({"PingURL", "GetMethods", "InitiateMeterReadByMeterNumber"});
  begin(yaml());
  EXPECT_EQ(asked.size(), 0U);
  EXPECT_EQ(adapter->health().state, HealthState::Starting);
  reach();
  EXPECT_TRUE(all_looked(1));
  EXPECT_EQ(host.log.count("HEAD_END_REACHED"), 3U);
  EXPECT_THAT(fact("head-end mr"), AllOf(HasSubstr("MultiSpeak 3.0"), HasSubstr("3 methods")));
  EXPECT_EQ(fact("breaker cd"), "closed");
  EXPECT_EQ(fact("methods mr"), "GetMethods InitiateMeterReadByMeterNumber PingURL");
  EXPECT_EQ(fact("assumed"), "nothing was seen of it");
  EXPECT_TRUE(adapter->health().last_success.has_value());
}

TEST_F(MultiSpeakContact, TheFirstLookIsNotAtTheSameMomentForAll) {
  begin(yaml());
  host.advance(std::chrono::milliseconds{0});
  EXPECT_EQ(asked.size(), 0U);  // each waits for a moment of its own within two seconds
  EXPECT_GE(host.clock.waiting(), 3U);
}

TEST_F(MultiSpeakContact, IsLookedForUntilItIsThereAndTheLogSaysSoOnce) {
  bool there = false;
  answers[Operation::PingUrl] = [&](const Asked& to) {
    return there ? respond(to, ResponseContent()) : text(503, "starting");
  };
  begin(yaml("", {"cd", "od"}));
  pass(hours{1}, [&] { return count(Operation::PingUrl) >= 4; });
  EXPECT_EQ(adapter->health().state, HealthState::Degraded);
  EXPECT_THAT(adapter->health().reason, HasSubstr("mr: http://127.0.0.1:"));
  const auto away = host.log.count("HEAD_END_AWAY");
  EXPECT_GE(away, 1U);
  there = true;
  pass(hours{1}, [&] { return adapter->health().state == HealthState::Healthy; });
  EXPECT_EQ(host.log.count("HEAD_END_REACHED"), 1U);
}

TEST_F(MultiSpeakContact, IsLookedAtAgainADayLater) {
  offer({"GetMethods"});
  begin(yaml("", {"cd", "od"}));
  reach();
  EXPECT_EQ(count(Operation::GetMethods), 1U);
  offer({"GetMethods", "InitiateDemandReset"});
  pass(hours{25}, [&] { return fact("methods mr") == "GetMethods InitiateDemandReset"; });
  EXPECT_EQ(count(Operation::GetMethods), 2U);
  EXPECT_EQ(host.log.count("HEAD_END_METHODS"), 2U);
}

TEST_F(MultiSpeakContact, IsLookedAtAgainWhenTheBreakerCloses) {
  std::string text = yaml("", {"cd", "od"});
  text.insert(text.find("  request_time"), "  breaker_failures: 2\n  breaker_open_for: 30s\n");
  begin(text);
  reach();
  bool broken = true;
  answers[Operation::InitiateMeterRead] = [&](const Asked& to) {
    return broken ? ClientScene::text(502, "") : respond(to, ResponseContent());
  };
  (void)ask(CommandKind::Read);
  (void)ask(CommandKind::Read);
  EXPECT_EQ(fact("breaker mr"), "open");
  const auto refused = ask(CommandKind::Read);
  EXPECT_EQ(refused.reason, "unreachable");
  broken = false;
  const std::size_t looks = count(Operation::GetMethods);
  host.advance(seconds{31});
  EXPECT_EQ(ask(CommandKind::Read).state, sdk::AttemptState::Waiting);
  run_until([&] { return count(Operation::GetMethods) == looks + 1; });
  EXPECT_EQ(fact("breaker mr"), "closed");
}

TEST_F(MultiSpeakContact, ACommandThatGetMethodsDoesNotListIsRefusedAndTheListOutlivesTheProcess) {
  offer({"PingURL", "GetMethods", "InitiateMeterReadByMeterNumber"});
  begin(yaml("", {"cd", "od"}));
  pass(seconds{10}, [&] { return !fact("methods mr").empty(); });
  run_until([&] { return host.store.state.contains("methods:mr"); });
  auto said = ask(CommandKind::DemandReset);
  EXPECT_EQ(said.reason, "not_stated");
  EXPECT_THAT(said.words, HasSubstr("InitiateDemandReset"));
  EXPECT_EQ(ask(CommandKind::Read).state, sdk::AttemptState::Waiting);
  end();
  asked.clear();
  begin(yaml("", {"cd", "od"}));  // it has not spoken yet
  EXPECT_EQ(count(Operation::GetMethods), 0U);
  said = ask(CommandKind::DemandReset);
  EXPECT_EQ(said.reason, "not_stated");
  EXPECT_EQ(count(Operation::InitiateDemandReset), 0U);
}

TEST_F(MultiSpeakContact, AnEmptyOrAbsentListSaysNothing) {
  begin(yaml("", {"cd", "od"}));
  reach();
  EXPECT_EQ(count(Operation::GetMethods), 1U);
  EXPECT_EQ(ask(CommandKind::DemandReset).state, sdk::AttemptState::Waiting);
  end();
  answers[Operation::GetMethods] = [this](const Asked& to) {
    return fault(to, {SoapFault::Blame::Sender, "", "no such operation", ""});
  };
  begin(yaml("", {"cd", "od"}));
  reach();
  EXPECT_EQ(ask(CommandKind::DemandReset).state, sdk::AttemptState::Waiting);
}

TEST_F(MultiSpeakContact, NamesOfTheOtherVersionAndOfItsServicesAreKnown) {
  offer({"InitiateMeterReadingsByMeterID", "CD_CB.InitiateConnectDisconnect", "<b>", "two words",
         std::string(500, 'x')});
  begin(yaml("", {"od"}));
  pass(seconds{10}, [&] { return !fact("methods mr").empty() && !fact("methods cd").empty(); });
  EXPECT_EQ(fact("methods mr"), "CD_CB.InitiateConnectDisconnect InitiateMeterReadingsByMeterID");
  EXPECT_EQ(ask(CommandKind::Read).state, sdk::AttemptState::Waiting);
  EXPECT_EQ(ask(CommandKind::SwitchOpen).state, sdk::AttemptState::Waiting);
}

TEST_F(MultiSpeakContact, AHeadEndWithoutPingUrlIsReachedByGetMethods) {
  answers[Operation::PingUrl] = [this](const Asked& to) {
    return fault(to, {SoapFault::Blame::Sender, "", "no such operation", ""});
  };
  offer({"GetMethods"});
  begin(yaml("", {"cd", "od"}));
  reach();
  EXPECT_EQ(fact("methods mr"), "GetMethods");
}

TEST_F(MultiSpeakContact, ALoginThatIsRefusedShowsInHealthWithTheHeadEndsWords) {
  for (const Operation operation : {Operation::PingUrl, Operation::GetMethods}) {
    answers[operation] = [this](const Asked& to) {
      return fault(to, {SoapFault::Blame::Sender, "", "user gateway is not known", ""});
    };
  }
  begin(yaml("", {"cd", "od"}));
  pass(seconds{10}, [&] { return adapter->health().state == HealthState::Degraded; });
  EXPECT_THAT(adapter->health().reason, HasSubstr("user gateway is not known"));
  EXPECT_EQ(host.log.count("HEAD_END_COMPLAINS"), 1U);
}

TEST_F(MultiSpeakContact, APageThatIsNoSoapIsNoHeadEnd) {
  answers[Operation::PingUrl] = [](const Asked&) { return text(200, "<html><body>router</body></html>"); };
  begin(yaml("", {"cd", "od"}));
  pass(seconds{10}, [&] { return adapter->health().state == HealthState::Degraded; });
  EXPECT_THAT(adapter->health().reason, HasSubstr("cannot be read"));
}

TEST_F(MultiSpeakContact, TheListsOfMetersAreComparedPageByPage) {
  host.meters.add(AliasKind::Badge, "M1", {1, "", UtcInstant::min(), UtcInstant::max()});
  host.meters.add(AliasKind::Badge, "M3", {3, "", UtcInstant::min(), UtcInstant::max()});
  answers[Operation::GetAmrSupportedMeters] = [this](const Asked& to) {
    ResponseContent content;
    MessageHeader header;
    if (to.message.request->last_received.empty()) {
      content.meters = {{{"M1"}, "", ""}, {{"M2"}, "", ""}};
      header.objects_remaining = 2;
      header.last_sent = "M2";
    } else {
      content.meters = {{{"M3"}, "", ""}, {{"M4"}, "", ""}};
      header.objects_remaining = 0;
    }
    return respond(to, content, {}, header);
  };
  begin(yaml("align: true\n", {"cd", "od"}));
  reach();
  EXPECT_EQ(fact("meters in its books"), "4, of them 2 unknown here");
  EXPECT_EQ(count(Operation::GetAmrSupportedMeters), 2U);
}

TEST_F(MultiSpeakContact, AListOfMetersThatGoesInACircleEndsAndShows) {
  std::size_t page = 0;
  answers[Operation::GetAmrSupportedMeters] = [&](const Asked& to) {
    MessageHeader header;
    header.objects_remaining = 9;
    header.last_sent = ++page % 2 == 0 ? "A" : "B";
    return respond(to, ResponseContent(), {}, header);
  };
  begin(yaml("align: true\n", {"cd", "od"}));
  pass(seconds{10}, [&] { return adapter->health().state == HealthState::Degraded; });
  EXPECT_THAT(adapter->health().reason, HasSubstr("a page came twice"));
  EXPECT_EQ(count(Operation::GetAmrSupportedMeters), 3U);  // "", B, A: B again is where it ends
}

TEST_F(MultiSpeakContact, AnAdapterWithWrongFilesDoesNotStartAndSaysWhy) {
  feed.emplace(load(yaml()));
  std::filesystem::remove(folder / "password");
  auto made = feed->family->make(feed->settings, host.services());
  const Outcome started = host.start(*made);
  ASSERT_FALSE(started.ok());
  EXPECT_THAT(started.error().message, AllOf(HasSubstr("header_password_file"), HasSubstr("feed.yaml:")));
  host.stop(*made);
}

TEST_F(MultiSpeakContact, TheCallbackServerAnswersWhileTheHeadEndIsAwayAndItsMessagesAreJournalled) {
  answers[Operation::PingUrl] = [](const Asked&) { return text(503, ""); };
  begin(yaml());
  EXPECT_THAT(fact("callbacks"), HasSubstr("0 taken"));
  const std::string port = fact("callbacks").substr(5, fact("callbacks").find(',') - 5);
  NotificationContent content;
  content.transaction = "t-1";
  content.reads = {read("M1", "7", "2026-01-15T00:00:00Z")};
  http::ClientSettings settings;
  settings.url = http::parse_url("http://127.0.0.1:" + port + "/multispeak").value();
  http::Client client(settings, host.services());
  http::Call call;
  call.headers.set("Content-Type", "text/xml; charset=utf-8");
  call.body = encode_notification(content, Sender());
  auto work = [](http::Client& with, http::Call what) -> sdk::Awaitable<void> {
    auto sending = with.send(std::move(what));
    const http::Answer answer = co_await std::move(sending);
    EXPECT_TRUE(answer.ok()) << answer.failure->error.message;
    auto stopping = with.stop();
    co_await std::move(stopping);
  };
  drive(work(client, call));
  EXPECT_EQ(host.journal.entries.size(), 1U);
  // Late as it may be, it is stored as what it is, and its result told.
  ASSERT_TRUE(host.drain(*feed->family, feed->settings).ok());
  ASSERT_EQ(host.store.committed.size(), 1U);
  EXPECT_EQ(host.store.committed[0].batch.observations.size(), 1U);
  ASSERT_EQ(host.store.committed[0].batch.results.size(), 1U);
  EXPECT_EQ(host.store.committed[0].batch.results[0].transaction, "t-1");
}

}  // namespace
}  // namespace ami::multispeak::testing
