// The simulated head-end keeps the rules of a real one, and breaks them on order.
#include "adapters/wire/multispeak/peer/head_end.h"

#include <gmock/gmock.h>

#include <map>

#include "tests/adapters/wire/http/http_scene.h"
#include "tests/adapters/wire/multispeak/every_message.h"
#include "tests/adapters/wire/multispeak/messages.h"

namespace ami::multispeak::peer {
namespace {

using namespace std::chrono_literals;
using multispeak::testing::kNs30;
using multispeak::testing::kNs41;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using What = Entry::What;

// Four meters as a table; counts what is done to them.
class TableField : public Field {
 public:
  std::optional<MeterRead> read(const std::string& meter) override {
    if (meter == "DEAD") return std::nullopt;
    MeterRead read;
    read.pos_kwh = std::to_string(1'000 + ++reads);
    return read;
  }
  Power power(const std::string& meter) override { return meter == "DEAD" ? Power::Silent : Power::On; }
  Switched act(const std::string& meter, const std::string& load_action) override {
    if (meter == "DEAD") return {"", "no response from meter"};
    acts.push_back(meter + ":" + load_action);
    return {load_action, ""};
  }
  bool reset(const std::string& meter) override {
    if (meter == "DEAD") return false;
    resets.push_back(meter);
    return true;
  }
  std::string position(const std::string& meter) override {
    return !acts.empty() && acts.back() == meter + ":Disconnect" ? "Opened" : "Armed";
  }
  std::vector<MeterRead> recorded(const std::string& meter, UtcInstant from, UtcInstant to) override {
    std::vector<MeterRead> reads_in_period(meter == "B" ? 0U : 2U);
    int n = 0;
    for (MeterRead& read : reads_in_period) {
      read.pos_kwh = std::to_string(++n);
      read.reading_date = to_text(n == 1 ? from : to - 1h);
    }
    return reads_in_period;
  }
  int reads = 0;
  std::vector<std::string> acts, resets;
};

class SimulatedHeadEnd : public http::HttpScene {
 public:
  ~SimulatedHeadEnd() override {
    if (head) drive_void(head->stop());
    if (gateway_) drive_void(gateway_->stop());
  }

  // The head-end, with meters A, B, C and DEAD in its books, and a gateway that takes callbacks.
  void open(HeadEndSettings settings = {}) {
    settings.server.listen = {{"127.0.0.1", 0}};
    settings.callbacks.breaker.failures = 0;
    head = std::make_unique<HeadEnd>(std::move(settings), host.services(), field);
    for (const char* meter : {"A", "B", "C", "DEAD"}) head->know({{meter}, "", ""});
    ASSERT_TRUE(drive(head->start()).ok());
    gateway_ = std::make_unique<http::Server>(plain_server(), host.services());
    gateway_->route("POST", "/cb", [this](http::Request request) -> sdk::Awaitable<http::Response> {
      http::Response response;
      if (busy_answers > 0) {
        --busy_answers;
        response.status = 503;
        response.headers.add("Retry-After", "1");
        co_return response;
      }
      heard.push_back(request.body);
      co_return response;
    });
    ASSERT_TRUE(drive(gateway_->start()).ok());
    connect(client_of(head->ports().at(0)));
  }
  [[nodiscard]] std::string callback_url() const {
    return "http://127.0.0.1:" + std::to_string(gateway_->ports().at(0)) + "/cb";
  }
  http::Answer send(const std::string& body, const std::string& path = "/multispeak") {
    http::Call call;
    call.target = path;
    call.body = body;
    return HttpScene::send(std::move(call));
  }
  // A request of 3.0 with this content, by hand.
  std::string ask(const std::string& name, const std::string& parts,
                  const std::string& path = "/multispeak") {
    const http::Answer answer =
        send(multispeak::testing::soap(multispeak::testing::operation(name, parts)), path);
    return answer.reply ? answer.reply->body : "no answer";
  }
  std::string later(const std::string& transaction, int minutes = 5) {
    return "<responseURL>" + callback_url() + "</responseURL><transactionID>" + transaction +
           "</transactionID><expirationTime>" + std::to_string(minutes) + "</expirationTime>";
  }
  std::string read_request(const std::string& meters, const std::string& transaction = "t-1",
                           int minutes = 5) {
    std::string list;
    for (const char meter : meters) list += "<string>" + std::string(1, meter) + "</string>";
    return ask("InitiateMeterReadByMeterNumber",
               "<meterNos>" + list + "</meterNos>" + later(transaction, minutes));
  }
  std::string switch_request(const std::string& meter, const std::string& action) {
    return ask("InitiateConnectDisconnect",
               "<cdEvents><connectDisconnectEvent><loadActionCode>" + action + "</loadActionCode><meterNo>" +
                   meter + "</meterNo></connectDisconnectEvent></cdEvents>" + later("cd-1"));
  }
  void until_heard(std::size_t count) {
    run_until([&] { return heard.size() >= count && head->under_way() == 0; });
  }
  std::vector<std::string> did(What what) const {
    std::vector<std::string> meters;
    for (const Entry& entry : head->ledger()) {
      if (entry.what == what) meters.push_back(entry.meter);
    }
    return meters;
  }

  TableField field;
  std::unique_ptr<HeadEnd> head;
  std::vector<std::string> heard;  // callbacks
  int busy_answers = 0;

 private:
  std::unique_ptr<http::Server> gateway_;
};

TEST_F(SimulatedHeadEnd, RuleOneAnswersARequestWithRejectionsOnlyAndWorksOnTheOthers) {
  open();
  head->order("B", [] {
    Orders orders;
    orders.reject = "meter is on hold";
    return orders;
  }());
  const std::string answer = read_request("ABX");
  EXPECT_THAT(answer, HasSubstr("<errorObject objectID=\"B\" errorString=\"meter is on hold\""));
  EXPECT_THAT(answer, HasSubstr("<errorObject objectID=\"X\" errorString=\"no such meter\""));
  EXPECT_THAT(answer, Not(HasSubstr("objectID=\"A\"")));
  EXPECT_THAT(answer, Not(HasSubstr("1001"))) << "no reading in a response";
  until_heard(1);
  EXPECT_THAT(did(What::Received), ElementsAre("A", "B", "X"));
  EXPECT_THAT(did(What::Rejected), ElementsAre("B", "X"));
  EXPECT_THAT(did(What::Executed), ElementsAre("A"));
  EXPECT_THAT(did(What::Sent), ElementsAre("A"));
}

TEST_F(SimulatedHeadEnd, RuleTwoTellsAReadByWhicheverNotificationIsOrdered) {
  open();
  for (const auto& [meter, carrier] : std::map<std::string, Operation>{{"A", Operation::ReadingChanged},
                                                                       {"B", Operation::IntervalData},
                                                                       {"C", Operation::FormattedBlock}}) {
    Orders orders;
    orders.carrier = carrier;
    head->order(meter, orders);
  }
  read_request("ABC", "t-7");
  until_heard(3);
  for (const std::string& callback : heard)
    EXPECT_THAT(callback, HasSubstr("<transactionID>t-7</transactionID>"));
  std::string all;
  for (const std::string& callback : heard) {
    const auto read = decode_notification(callback, {});
    ASSERT_TRUE(read.ok());
    EXPECT_EQ(read->transaction, "t-7");
    for (const Observation& said : read->reports.batch.observations)
      all += std::string(std::get<SeriesObservation>(said).meter) + "=" +
             std::string(std::get<SeriesObservation>(said).values.at(0).value) + " ";
  }
  EXPECT_THAT(all, HasSubstr("A=1001 "));
  EXPECT_THAT(all, HasSubstr("B=1002 "));
  EXPECT_THAT(all, HasSubstr("C=1003 "));
}

TEST_F(SimulatedHeadEnd, RuleThreeDropsWhatItCannotFinishByTheExpiryWithoutAWord) {
  HeadEndSettings settings;
  settings.latency = [] { return 10min; };
  open(std::move(settings));
  read_request("A", "t-1", 5);
  EXPECT_EQ(head->under_way(), 1U);
  host.advance(5min);
  run_until([&] { return head->under_way() == 0; });
  EXPECT_THAT(heard, IsEmpty());
  EXPECT_EQ(field.reads, 0);
  EXPECT_THAT(did(What::Expired), ElementsAre("A"));
}

TEST_F(SimulatedHeadEnd, TellsAfterItsLatencyAndWhenOrderedAfterTheExpiry) {
  HeadEndSettings settings;
  settings.latency = [] { return 2min; };
  open(std::move(settings));
  Orders late;
  late.late_by = 1min;
  head->order("B", late);
  read_request("AB", "t-1", 5);
  host.advance(119s);
  EXPECT_EQ(head->under_way(), 2U);
  host.advance(1s);
  run_until([&] { return heard.size() == 1; });
  host.advance(239s);
  EXPECT_THAT(heard, SizeIs(1));
  host.advance(1s);  // 5 min expiry and 1 min more
  until_heard(2);
  EXPECT_THAT(did(What::Sent), ElementsAre("A", "B"));
}

TEST_F(SimulatedHeadEnd, RuleFourTellsAFailureAsErrorStringOfTheObjectOrTheNotification) {
  open();
  Orders failed;
  failed.error = "meter did not respond";
  head->order("A", failed);
  failed.carrier = Operation::IntervalData;
  head->order("B", failed);
  read_request("AB");
  until_heard(2);
  EXPECT_THAT(heard.at(0) + heard.at(1),
              HasSubstr("<meterRead objectID=\"A\" errorString=\"meter did not respond\""));
  EXPECT_THAT(heard.at(0) + heard.at(1), HasSubstr("<errorString>meter did not respond</errorString>"));
  EXPECT_EQ(field.reads, 0);
  heard.clear();
  ask("InitiateMeterReadByMeterNumber", "<meterNos><string>DEAD</string></meterNos>" + later("t-2"));
  until_heard(1);
  EXPECT_THAT(heard.at(0), HasSubstr("errorString=\"no response from meter\""));
}

TEST_F(SimulatedHeadEnd, RuleSixSaysClosedOfASwitchItKnowsNothingOf) {
  open();
  const std::string question = "<meterNo>A</meterNo>";
  EXPECT_THAT(ask("GetCDMeterState", question),
              HasSubstr("<GetCDMeterStateResult>Closed</GetCDMeterStateResult>"));
  EXPECT_THAT(switch_request("A", "Disconnect"), HasSubstr("<InitiateConnectDisconnectResult/>"));
  until_heard(1);
  EXPECT_THAT(ask("GetCDMeterState", question),
              HasSubstr("<GetCDMeterStateResult>Opened</GetCDMeterStateResult>"));
}

TEST_F(SimulatedHeadEnd, RuleSevenTellsASwitchOf30WithoutATimeAndOf41WithOne) {
  open();
  switch_request("A", "Disconnect");
  until_heard(1);
  EXPECT_THAT(heard.at(0), HasSubstr("<meterNo>A</meterNo><stateChange>Disconnect</stateChange>"
                                     "<transactionID>cd-1</transactionID></CDStateChangedNotification>"));
  Orders other;
  other.other_namespace = true;
  head->order("A", other);
  switch_request("A", "Connect");
  until_heard(2);
  EXPECT_THAT(heard.at(1), HasSubstr("<CDStateChangedNotification xmlns=\"" + kNs41 + "\">"));
  EXPECT_THAT(heard.at(1), HasSubstr("<timestamp>2026-01-15T00:00:00Z</timestamp>"));
  EXPECT_THAT(field.acts, ElementsAre("A:Disconnect", "A:Connect"));
}

TEST_F(SimulatedHeadEnd, RuleEightSendsACallbackTenTimesByteForByteAndDoesTheThingOnce) {
  open();
  Orders often;
  often.copies = 10;
  head->order("A", often);
  switch_request("A", "Disconnect");
  until_heard(10);
  EXPECT_THAT(heard, SizeIs(10));
  for (const std::string& copy : heard) EXPECT_EQ(copy, heard.front());
  EXPECT_THAT(field.acts, SizeIs(1));
  EXPECT_THAT(did(What::Sent), SizeIs(10));
}

TEST_F(SimulatedHeadEnd, RuleNineGivesReadingsInPagesUntilNothingRemains) {
  HeadEndSettings settings;
  settings.page = 2;
  open(std::move(settings));
  const auto page = [&](const std::string& last) {
    return ask("GetReadingsByDate",
               "<startDate>2026-01-01T00:00:00Z</startDate><endDate>2026-01-02T00:00:00Z"
               "</endDate><lastReceived>" +
                   last + "</lastReceived>");
  };
  const std::string first = page("");
  EXPECT_THAT(first, HasSubstr("ObjectsRemaining=\"3\""));  // B, C, DEAD
  EXPECT_THAT(first, HasSubstr("LastSent=\"A\""));
  EXPECT_THAT(first, HasSubstr("<readingDate>2026-01-01T00:00:00Z</readingDate><posKWh>1</posKWh>"));
  EXPECT_THAT(first, HasSubstr("<readingDate>2026-01-01T23:00:00Z</readingDate><posKWh>2</posKWh>"));
  const std::string second = page("A");  // B has none
  EXPECT_THAT(second, HasSubstr("LastSent=\"C\""));
  EXPECT_THAT(second, HasSubstr("ObjectsRemaining=\"1\""));
  const std::string third = page("C");
  EXPECT_THAT(third, HasSubstr("ObjectsRemaining=\"0\""));
  EXPECT_THAT(page("ZZZ"), HasSubstr("<GetReadingsByDateResult/>"));
  EXPECT_THAT(ask("GetReadingsByDate", "<startDate>yesterday</startDate>"), HasSubstr("Fault"));
}

TEST_F(SimulatedHeadEnd, RejectsASwitchOrderWithoutALoadActionUnhelpfully) {
  open();
  EXPECT_THAT(switch_request("A", ""), HasSubstr("errorString=\"Meter not Connected/Disconnected.\""));
  EXPECT_THAT(field.acts, IsEmpty());
}

TEST_F(SimulatedHeadEnd, LosesACallbackOnOrderAndStillDoesTheThing) {
  open();
  Orders lost;
  lost.lose = true;
  head->order("A", lost);
  switch_request("A", "Disconnect");
  run_until([&] { return head->under_way() == 0; });
  EXPECT_THAT(heard, IsEmpty());
  EXPECT_THAT(field.acts, SizeIs(1));
  EXPECT_THAT(did(What::Lost), ElementsAre("A"));
  head->order("A", Orders{});
  switch_request("A", "Connect");
  until_heard(1);
}

TEST_F(SimulatedHeadEnd, PutsAnOrderedStampIntoEveryTimeOfACallback) {
  open();
  Orders stale;
  stale.stamp = "0001-01-01T00:00:00";
  head->order("A", stale);
  read_request("A");
  until_heard(1);
  EXPECT_THAT(heard.at(0), HasSubstr("<readingDate>0001-01-01T00:00:00</readingDate>"));
}

TEST_F(SimulatedHeadEnd, AnswersAPingByPowerAndSilence) {
  open();
  ask("InitiateOutageDetectionEventRequest",
      "<meterNos><string>A</string><string>DEAD</string></meterNos>" + later("od-1"));
  until_heard(2);
  EXPECT_THAT(heard.at(0) + heard.at(1), HasSubstr("<outageEventType>PowerOn</outageEventType>"));
  EXPECT_THAT(heard.at(0) + heard.at(1), HasSubstr("<outageEventType>NoResponse</outageEventType>"));
}

TEST_F(SimulatedHeadEnd, ConfirmsADemandResetByAnEventAndSaysNothingOfOneThatFailed) {
  open();
  ask("InitiateDemandReset",
      "<meterIDs><meterIdentifier><meterNo>A</meterNo></meterIdentifier>"
      "<meterIdentifier><meterNo>DEAD</meterNo></meterIdentifier></meterIDs>" +
          later("dr-1"));
  until_heard(1);
  EXPECT_THAT(heard, SizeIs(1));
  EXPECT_THAT(heard.at(0), HasSubstr("codeString=\"3.8.0.215\""));
  EXPECT_THAT(field.resets, ElementsAre("A"));
  EXPECT_THAT(did(What::Expired), ElementsAre("DEAD"));
}

TEST_F(SimulatedHeadEnd, ServesEachRoleAtItsOwnPathAndLeavesOutWhatAVendorDid) {
  HeadEndSettings settings;
  settings.paths = {{"/MR_CB.asmx", {Operation::PingUrl, Operation::GetMethods, Operation::GetLatestReading}},
                    {"/CD_CB.asmx", {Operation::PingUrl, Operation::GetCdMeterState}}};
  settings.without = {Operation::GetLatestReading};
  open(std::move(settings));
  EXPECT_THAT(
      ask("GetMethods", "", "/MR_CB.asmx"),
      HasSubstr("<GetMethodsResult><string>PingURL</string><string>GetMethods</string></GetMethodsResult>"));
  EXPECT_THAT(ask("GetCDMeterState", "<meterNo>A</meterNo>", "/CD_CB.asmx"), HasSubstr("Closed"));
  EXPECT_THAT(ask("GetCDMeterState", "<meterNo>A</meterNo>", "/MR_CB.asmx"),
              HasSubstr("GetCDMeterState is not served here"));
  EXPECT_THAT(ask("GetLatestReadingByMeterNo", "<meterNo>A</meterNo>", "/MR_CB.asmx"),
              HasSubstr("not served here"));
}

TEST_F(SimulatedHeadEnd, UnderstandsItsOwnVersionAndMayAnswerInTheOther) {
  HeadEndSettings settings;
  settings.version = Version::V41;
  settings.answers = Version::V30;
  open(std::move(settings));
  const auto latest = multispeak::testing::soap(
      multispeak::testing::operation("GetLatestReadingByMeterID", "<meterID meterNo=\"A\">A</meterID>",
                                     Version::V41),
      Version::V41);
  EXPECT_THAT(send(latest).reply->body,
              HasSubstr("<GetLatestReadingByMeterNoResponse xmlns=\"" + kNs30 + "\">"));
  EXPECT_THAT(ask("PingURL", ""), HasSubstr("only MultiSpeak 4.1 is served here"));
}

TEST_F(SimulatedHeadEnd, RefusesWrongCredentials) {
  HeadEndSettings settings;
  settings.user = "hes";
  settings.password = Secret("another");
  open(std::move(settings));
  EXPECT_THAT(ask("PingURL", ""), HasSubstr("user or password is wrong"));
}

TEST_F(SimulatedHeadEnd, KeepsItsBooksByLifeCycleMessages) {
  open();
  ask("MeterAddNotification",
      "<addedMeters><meter objectID=\"N\"><meterNo>N</meterNo></meter></addedMeters>");
  ask("MeterRetireNotification",
      "<retiredMeters><meter objectID=\"B\"><meterNo>B</meterNo></meter></retiredMeters>");
  const std::string meters = ask("GetAMRSupportedMeters", "<lastReceived/>");
  EXPECT_THAT(meters, HasSubstr("<meterNo>N</meterNo>"));
  EXPECT_THAT(meters, Not(HasSubstr("<meterNo>B</meterNo>")));
  EXPECT_THAT(meters, HasSubstr("ObjectsRemaining=\"0\""));
}

TEST_F(SimulatedHeadEnd, SendsAgainWhatTheGatewayWasTooBusyFor) {
  HeadEndSettings settings;
  settings.retry.attempts = 3;
  open(std::move(settings));
  busy_answers = 2;
  read_request("A");
  run_until([&] {
    host.advance(1s);  // what Retry-After asks for
    return heard.size() == 1;
  });
  until_heard(1);
  EXPECT_EQ(busy_answers, 0);
  EXPECT_EQ(field.reads, 1) << "told again, not read again";
  EXPECT_THAT(did(What::Sent), ElementsAre("A"));
  EXPECT_THAT(did(What::NotTaken), IsEmpty());
}

TEST_F(SimulatedHeadEnd, PostsWhatNobodyAskedFor) {
  open();
  NotificationContent content;
  content.operation = Operation::OutageEvents;
  OutageEvent event;
  event.meter.number = "A";
  event.type = "Outage";
  event.time = "2026-01-15T00:00:00Z";
  content.outages = {event};
  const http::Answer answer = drive(head->notify(callback_url(), content));
  EXPECT_TRUE(answer.ok());
  ASSERT_THAT(heard, SizeIs(1));
  EXPECT_THAT(did(What::Sent), ElementsAre("A"));
  const http::Answer nowhere = drive(head->notify("not a url", content));
  EXPECT_FALSE(nowhere.ok());
  EXPECT_THAT(did(What::NotTaken), ElementsAre("A"));
}

TEST_F(SimulatedHeadEnd, StopsWithoutAWordOnWhatIsUnderWay) {
  HeadEndSettings settings;
  settings.latency = [] { return 1min; };
  open(std::move(settings));
  read_request("ABC");
  EXPECT_EQ(head->under_way(), 3U);
  drive_void(head->stop());
  EXPECT_EQ(head->under_way(), 0U);
  EXPECT_THAT(heard, IsEmpty());
  EXPECT_EQ(field.reads, 0);
}

}  // namespace
}  // namespace ami::multispeak::peer
