// What the callback server keeps and what it answers, message by message.
#include <gmock/gmock.h>

#include "adapters/wire/multispeak/codec/notification.h"
#include "tests/adapters/wire/multispeak/every_message.h"
#include "tests/adapters/wire/multispeak/link/callback_scene.h"
#include "tests/adapters/wire/multispeak/messages.h"

namespace ami::multispeak {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

class Callback : public CallbackScene {
 public:
  static std::string ping(Version version = Version::V30) {
    return soap(operation("PingURL", "", version), version);
  }
  // Of one meter, unsolicited.
  static std::string outage(const std::string& meter, const std::string& transaction = {}) {
    return soap(
        operation("ODEventNotification",
                  "<ODEvents><outageDetectionEvent><eventTime>2026-01-15T11:58:03-05:00</eventTime>"
                  "<outageEventType>Outage</outageEventType><outageLocation><meterNo>" +
                      meter + "</meterNo></outageLocation></outageDetectionEvent></ODEvents>" +
                      (transaction.empty() ? "" : "<transactionID>" + transaction + "</transactionID>")));
  }
  CallbackSettings guarded() {
    CallbackSettings settings = plain();
    settings.server.in_message = http::BasicCredentials{"hes", http::Secret(kPassword)};
    return settings;
  }
  std::string everything_logged() const {
    std::string all;
    for (const auto& entry : host.log.entries) all += entry.id + " " + entry.text + "\n";
    return all;
  }
};

TEST_F(Callback, IsAnsweredOnlyWhenItIsInTheJournal) {
  open();
  host.journal.hold();
  auto work = [](Callback& scene, std::string& heard) -> sdk::Awaitable<void> {
    http::RawConnection connection(scene.host.io);
    co_await connection.open(scene.at());
    std::string request = http_post(outage("M1"));
    co_await connection.send(std::move(request));
    heard = co_await connection.message();
  };
  std::string heard;
  bool done = false;
  boost::asio::co_spawn(host.io, work(*this, heard), [&](std::exception_ptr) { done = true; });
  run_until([&] { return server().counters().http.in_work == 1; });
  // A ping that comes later is answered meanwhile: the notification's answer is not merely slow.
  EXPECT_EQ(post(ping()).status, 200);
  EXPECT_EQ(server().counters().http.in_work, 1U);
  EXPECT_FALSE(done);
  EXPECT_EQ(server().counters().notifications, 0U);
  host.journal.release();
  run_until([&] { return done; });
  EXPECT_THAT(heard, StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(host.journal.entries, SizeIs(1));
  EXPECT_EQ(server().counters().notifications, 1U);
}

TEST_F(Callback, OfEachKindVersionAndSoapVersionIsKeptAndAnsweredInItsOwn) {
  open();
  std::size_t kept = 0;
  for (const Version version : {Version::V30, Version::V41}) {
    for (const Soap soap_version : {Soap::V11, Soap::V12}) {
      for (const NotificationContent& content : every_notification(version)) {
        Sender sender{version, soap_version, {}};
        const std::string name(name_of(content.operation, version));
        const HttpAnswer answer =
            post(encode_notification(content, sender), soap_version == Soap::V11 ? kText : kSoap12);
        EXPECT_EQ(answer.status, 200) << name << answer.body;
        EXPECT_THAT(answer.head, HasSubstr(soap_version == Soap::V11 ? "Content-Type: text/xml"
                                                                     : "Content-Type: application/soap+xml"));
        EXPECT_THAT(answer.body,
                    HasSubstr(soap_version == Soap::V11 ? "http://schemas.xmlsoap.org/soap/envelope/"
                                                        : "http://www.w3.org/2003/05/soap-envelope"));
        EXPECT_THAT(answer.body, HasSubstr("<" + name + "Response xmlns=\"" +
                                           (version == Version::V30 ? kNs30 : kNs41) + "\""));
        EXPECT_THAT(host.journal.entries, SizeIs(++kept)) << name;
        const auto read = decode_notification(messages().back(), {});
        ASSERT_TRUE(read.ok()) << name << read.error().message;
        EXPECT_EQ(read->version, version);
        EXPECT_EQ(read->operation, content.operation);
      }
    }
  }
  EXPECT_EQ(server().counters().notifications, kept);
  EXPECT_EQ(server().counters().unreadable, 0U);
}

TEST_F(Callback, RuleFiveOnlyTheSwitchStateNotificationHasAnEmptyResponse) {
  open();
  const std::string state = "<meterNo>M1</meterNo><stateChange>Disconnect</stateChange>";
  EXPECT_THAT(
      post(soap(operation("CDStateChangedNotification", state))).body,
      HasSubstr("<soap:Body><CDStateChangedNotificationResponse xmlns=\"" + kNs30 + "\"/></soap:Body>"));
  EXPECT_THAT(post(outage("M1")).body,
              HasSubstr("<ODEventNotificationResponse xmlns=\"" + kNs30 +
                        "\"><ODEventNotificationResult/></ODEventNotificationResponse>"));
  // So only a fault can say that it was not taken.
  host.journal.fail(transient("inbox full"));
  const HttpAnswer refused = post(soap(operation("CDStateChangedNotification", state)));
  EXPECT_EQ(refused.status, 503);
  EXPECT_THAT(refused.body,
              HasSubstr("<soap:Fault><faultcode>soap:Server</faultcode><faultstring>inbox full"));
}

TEST_F(Callback, RuleTwoAnyOfTheThreeReadNotificationsIsKeptUnderItsTransaction) {
  open();
  EXPECT_EQ(post(reading("<meterNo>M1</meterNo><readingDate>2026-01-15T12:00:00Z</readingDate>")).status,
            200);
  EXPECT_EQ(post(intervals("<profiles/><blocks/>", "<transactionID>t-2</transactionID>")).status, 200);
  EXPECT_EQ(post(soap(operation("FormattedBlockNotification",
                                "<changedMeterReads/><transactionID>t-3</transactionID>")))
                .status,
            200);
  EXPECT_THAT(keys(), ElementsAre("transaction:t-1", "transaction:t-2", "transaction:t-3"));
}

TEST_F(Callback, RuleThreeALateOneOfAnUnknownTransactionIsKeptAllTheSame) {
  open();
  host.advance(std::chrono::hours{48});
  EXPECT_EQ(post(outage("M1", "nobody-asked-this")).status, 200);
  EXPECT_THAT(keys(), ElementsAre("transaction:nobody-asked-this"));
}

TEST_F(Callback, RuleFourAFailureThatItReportsIsKeptAsAnyOther) {
  open();
  EXPECT_EQ(post(soap(operation("IntervalDataNotification",
                                "<transactionID>t-9</transactionID><errorString>no answer</errorString>")))
                .status,
            200);
  ASSERT_THAT(messages(), SizeIs(1));
  const auto read = decode_notification(messages().at(0), {});
  ASSERT_TRUE(read.ok());
  ASSERT_THAT(read->reports.batch.results, SizeIs(1));
  EXPECT_EQ(read->reports.batch.results.at(0).fault, "no answer");
}

TEST_F(Callback, RuleSevenASwitchReportWithoutATimeIsKeptWithoutOne) {
  open();
  EXPECT_EQ(post(soap(operation("CDStateChangedNotification",
                                "<meterNo>M1</meterNo><stateChange>Disconnect</stateChange>"
                                "<transactionID>cd-1</transactionID>")))
                .status,
            200);
  ASSERT_THAT(messages(), SizeIs(1));
  Options at_receipt;
  at_receipt.received_at = UtcInstant{std::chrono::seconds{1'768'500'000}};
  const auto read = decode_notification(messages().at(0), at_receipt);
  ASSERT_TRUE(read.ok());
  ASSERT_THAT(read->reports.batch.observations, SizeIs(1));
  EXPECT_EQ(std::get<EventObservation>(read->reports.batch.observations.at(0)).time_source,
            TimeSource::Receipt);
}

TEST_F(Callback, RuleEightTheSameTenTimesIsInTheJournalOnceAndAnsweredTenTimes) {
  open();
  for (int i = 0; i < 10; ++i) EXPECT_EQ(post(outage("M1", "od-1")).status, 200);
  EXPECT_THAT(host.journal.entries, SizeIs(1));
  EXPECT_EQ(server().counters().notifications, 10U);
}

TEST_F(Callback, IsKeptUnderTransactionElseMeterElseContent) {
  open();
  post(outage("M1", "t-7"));
  post(outage("M2"));
  // 4.1 names the meter in an attribute, in text, or in both.
  const std::string event =
      "<events><eventInstances><eventInstance><meterID meterNo=\"M3\">other</meterID>"
      "<meterEvent>x</meterEvent></eventInstance></eventInstances></events>";
  post(soap(operation("MeterEventNotification", event, Version::V41), Version::V41));
  EXPECT_THAT(keys(), ElementsAre("transaction:t-7", "meter:M2", "meter:M3"));
  host.journal.entries.clear();
  for (int i = 0; i < 2; ++i)
    post(
        soap(operation("FormattedBlockNotification", "<changedMeterReads/><errorString>none</errorString>")));
  ASSERT_THAT(keys(), SizeIs(1)) << "the same content has the same key";
  EXPECT_THAT(keys().at(0), StartsWith("content:"));
  EXPECT_EQ(keys().at(0).size(), std::string("content:").size() + 2);
}

TEST_F(Callback, WithATransactionLongerThanAKeyIsKeptUnderItsHash) {
  open();
  const std::string longest(200, 't'), longer(70'000, 't');
  EXPECT_EQ(post(outage("M1", longest)).status, 200);
  EXPECT_EQ(post(outage("M1", longer)).status, 200);
  EXPECT_EQ(post(outage("M1", longer + "u")).status, 200);
  ASSERT_THAT(keys(), SizeIs(3));
  EXPECT_EQ(keys().at(0), "transaction:" + longest);
  EXPECT_THAT(keys().at(1), StartsWith("transaction:#"));
  EXPECT_NE(keys().at(1), keys().at(2));
  EXPECT_LT(keys().at(2).size(), 1024U);
}

TEST_F(Callback, IsJournalledWithoutAByteOfItsHeader) {
  open();
  EXPECT_EQ(post(outage("M1")).status, 200);
  ASSERT_THAT(messages(), SizeIs(1));
  EXPECT_THAT(messages().at(0), Not(HasSubstr(kPassword)));
  EXPECT_THAT(messages().at(0), Not(HasSubstr("MultiSpeakMsgHeader")));
  EXPECT_THAT(messages().at(0), HasSubstr("<meterNo>M1</meterNo>"));
}

TEST_F(Callback, ThatTheJournalCannotTakeIsPushedBackAndTakenOnceItCan) {
  CallbackSettings settings = plain();
  settings.server.limits.retry_after = std::chrono::seconds{17};
  open(std::move(settings));
  host.journal.fail(transient("inbox full: 100000 messages wait to be stored"));
  const HttpAnswer refused = post(outage("M1"));
  EXPECT_EQ(refused.status, 503);
  EXPECT_THAT(refused.head, HasSubstr("Retry-After: 17\r\n"));
  EXPECT_THAT(refused.body, HasSubstr("<faultcode>soap:Server</faultcode>"));
  EXPECT_EQ(server().counters().pushed_back, 1U);
  EXPECT_EQ(server().counters().notifications, 0U);
  EXPECT_EQ(post(ping()).status, 200) << "what needs no journal is answered";
  host.journal.accept();
  EXPECT_EQ(post(outage("M1")).status, 200);
  expect_taking();
}

TEST_F(Callback, ThatTheJournalWillNeverTakeIsTheSendersFault) {
  open();
  host.journal.fail(permanent("the message is larger than the journal takes"));
  const HttpAnswer refused = post(outage("M1"));
  EXPECT_EQ(refused.status, 500);
  EXPECT_THAT(refused.body, HasSubstr("<faultcode>soap:Client</faultcode>"));
  EXPECT_THAT(refused.head, Not(HasSubstr("Retry-After")));
  EXPECT_EQ(server().counters().unreadable, 1U);
}

TEST_F(Callback, WithoutAJournalTheServerDoesNotStart) {
  sdk::Services services = host.services();
  services.journal = nullptr;
  CallbackServer server(plain(), services);
  const Outcome started = drive(server.start());
  ASSERT_FALSE(started.ok());
  EXPECT_THAT(started.error().message, HasSubstr("journal"));
}

TEST_F(Callback, PingUrlIsAnsweredInBothVersions) {
  open();
  for (const Version version : {Version::V30, Version::V41}) {
    const HttpAnswer answer = post(ping(version));
    EXPECT_EQ(answer.status, 200);
    EXPECT_THAT(answer.body,
                HasSubstr("<PingURLResponse xmlns=\"" + (version == Version::V30 ? kNs30 : kNs41) +
                          "\"><PingURLResult/></PingURLResponse>"));
  }
  EXPECT_EQ(server().counters().pings, 2U);
  EXPECT_THAT(host.journal.entries, SizeIs(0));
}

TEST_F(Callback, GetMethodsNamesWhatIsTakenAndNothingElse) {
  open();
  const HttpAnswer answer = post(soap(operation("GetMethods", "")));
  EXPECT_EQ(answer.status, 200);
  const std::vector<std::string> expected{"PingURL",
                                          "GetMethods",
                                          "MeterExchangeNotification",
                                          "ReadingChangedNotification",
                                          "IntervalDataNotification",
                                          "FormattedBlockNotification",
                                          "CDStateChangedNotification",
                                          "CDStatesChangedNotification",
                                          "CDStateNotification",
                                          "CDStatesNotification",
                                          "ODEventNotification",
                                          "MeterEventNotification"};
  std::string said;
  for (const std::string& name : expected) said += "<string>" + name + "</string>";
  EXPECT_THAT(answer.body, HasSubstr("<GetMethodsResult>" + said + "</GetMethodsResult>"));
  EXPECT_EQ(server().counters().methods_asked, 1U);
}

TEST_F(Callback, OfMultiSpeakFiveIsAFaultThatNamesTheVersionsSpoken) {
  open();
  const std::string five = "http://www.multispeak.org/V5.0/ws/request";
  const HttpAnswer answer = post(
      "<s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\"><s:Body>"
      "<ReadingChangedNotification xmlns=\"" +
          five + "\"/></s:Body></s:Envelope>",
      kSoap12);
  EXPECT_EQ(answer.status, 400) << "a sender's fault of SOAP 1.2";
  EXPECT_THAT(answer.head, HasSubstr("Content-Type: application/soap+xml"));
  EXPECT_THAT(answer.body, HasSubstr("unsupported_version: MultiSpeak 5 is not spoken here, send 3.0"));
  EXPECT_THAT(answer.body, HasSubstr("<soap:Value>soap:Sender</soap:Value>"));
  EXPECT_EQ(server().counters().unreadable, 1U);
  expect_taking();
}

TEST_F(Callback, ThatCannotBeReadIsAFaultInTheEnvelopeThatTheSenderUsed) {
  open();
  const std::string unknown = operation("NoSuchNotification", "", Version::V41);
  // The envelope says SOAP 1.2, the content type does not.
  const HttpAnswer v12 = post("<s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\"><s:Body>" +
                              unknown + "</s:Body></s:Envelope>");
  EXPECT_EQ(v12.status, 400);
  EXPECT_THAT(v12.body, HasSubstr("http://www.w3.org/2003/05/soap-envelope"));
  EXPECT_THAT(v12.body, HasSubstr(kNs41)) << "the caller's version";
  EXPECT_THAT(v12.body, HasSubstr("unknown_operation: &quot;NoSuchNotification&quot;"));
  const HttpAnswer v11 = post(soap(unknown));
  EXPECT_EQ(v11.status, 500);
  EXPECT_THAT(v11.body, HasSubstr("http://schemas.xmlsoap.org/soap/envelope/"));
}

TEST_F(Callback, ThatIsARequestToAHeadEndIsAFaultThatSaysSo) {
  open();
  const HttpAnswer read =
      post(soap(operation("InitiateMeterReadByMeterNumber", "<meterNos><string>M1</string></meterNos>")));
  EXPECT_EQ(read.status, 500);
  EXPECT_THAT(read.body, HasSubstr("not_for_us: InitiateMeterReadByMeterNumber is a request to a head-end"));
  for (const char* other : {"InitiateConnectDisconnect", "InitiateDemandReset", "GetCDMeterState",
                            "GetReadingsByDate", "MeterAddNotification", "MeterRetireNotification"}) {
    const HttpAnswer answer = post(soap(operation(other, "")));
    EXPECT_EQ(answer.status, 500) << other;
    EXPECT_THAT(answer.body, HasSubstr(std::string("not_for_us: ") + other)) << other;
  }
  EXPECT_EQ(server().counters().unreadable, 7U);
  EXPECT_THAT(host.journal.entries, SizeIs(0));
  expect_taking();
}

TEST_F(Callback, OfAMeterExchangeIsAcceptedAndNothingRestsOnIt) {
  open();
  const HttpAnswer answer = post(soap(operation(
      "MeterExchangeNotification",
      "<meterChangeout><meterExchange><outMeterRead><meterNo>OLD</meterNo><posKWh>777</posKWh></outMeterRead>"
      "<inMeterRead><meterNo>NEW</meterNo></inMeterRead></meterExchange></meterChangeout>")));
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.body, HasSubstr("<MeterExchangeNotificationResult/>"));
  EXPECT_THAT(host.journal.entries, SizeIs(0));
  EXPECT_EQ(host.log.count("MULTISPEAK_METER_EXCHANGE"), 1U);
  EXPECT_THAT(everything_logged(), Not(HasSubstr("777")));
}

TEST_F(Callback, GetOnThePathIsNotAllowedAndAnotherPathIsNotFound) {
  open();
  const std::string get = exchange("GET /multispeak HTTP/1.1\r\nHost: g\r\n\r\n");
  EXPECT_THAT(get, StartsWith("HTTP/1.1 405 "));
  EXPECT_THAT(get, HasSubstr("Allow: POST\r\n"));
  EXPECT_THAT(exchange(http_post(ping(), kText, "/elsewhere")), StartsWith("HTTP/1.1 404 "));
}

TEST_F(Callback, IsTakenAtEachConfiguredPath) {
  CallbackSettings settings = plain();
  settings.paths = {"/CB_MR.asmx", "/CB_CD.asmx"};
  open(std::move(settings));
  EXPECT_THAT(exchange(http_post(outage("M1"), kText, "/CB_MR.asmx")), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(exchange(http_post(outage("M2"), kText, "/CB_CD.asmx")), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(exchange(http_post(outage("M3"), kText, "/multispeak")), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(host.journal.entries, SizeIs(2));
}

TEST_F(Callback, WithTheRightHeaderIsTakenWhereCredentialsAreAskedFor) {
  open(guarded());
  EXPECT_EQ(post(outage("M1")).status, 200);
  EXPECT_EQ(post(ping()).status, 200);
  EXPECT_EQ(server().counters().unauthenticated, 0U);
}

TEST_F(Callback, WithWrongCredentialsIsAFaultAndCountedAndKeptNowhere) {
  open(guarded());
  const std::string good = outage("M1");
  const std::string wrong[] = {
      // password wrong, a prefix, longer, empty, absent; user wrong, absent; no header at all
      std::string(good).replace(good.find(kPassword), std::string(kPassword).size(), "s3cret-Pa56"),
      std::string(good).replace(good.find(kPassword), std::string(kPassword).size(), "s3cret"),
      std::string(good).replace(good.find(kPassword), std::string(kPassword).size(), "s3cret-Pa555"),
      std::string(good).replace(good.find(kPassword), std::string(kPassword).size(), ""),
      std::string(good).replace(good.find(" Pwd="),
                                std::string(" Pwd=\"\"").size() + std::string(kPassword).size(), ""),
      std::string(good).replace(good.find("\"hes\""), 5, "\"HES\""),
      std::string(good).replace(good.find(" UserID=\"hes\""), 13, ""),
      std::string(good).replace(good.find("<soap:Header>"),
                                good.find("<soap:Body>") - good.find("<soap:Header>"), ""),
  };
  for (const std::string& message : wrong) {
    ASSERT_NE(message, good);
    const HttpAnswer answer = post(message);
    EXPECT_EQ(answer.status, 500) << message;
    EXPECT_THAT(answer.body, HasSubstr("not_authenticated")) << message;
    EXPECT_THAT(answer.body, Not(HasSubstr("s3cret")));
  }
  EXPECT_EQ(server().counters().unauthenticated, std::size(wrong));
  EXPECT_THAT(host.journal.entries, SizeIs(0));
  // Nor is anything told to who does not show them.
  std::string methods = soap(operation("GetMethods", ""));
  methods.replace(methods.find(kPassword), std::string(kPassword).size(), "x");
  EXPECT_THAT(post(methods).body, Not(HasSubstr("ReadingChanged")));
  EXPECT_EQ(post(good).status, 200);
}

TEST_F(Callback, WithWrongCredentialsIsLoggedOnceAMinuteForAnAddressWithoutThem) {
  open(guarded());
  std::string wrong = outage("M1");
  wrong.replace(wrong.find(kPassword), std::string(kPassword).size(), "guess-4711");
  for (int i = 0; i < 5; ++i) post(wrong);
  EXPECT_EQ(host.log.count("MULTISPEAK_CALLBACK_UNAUTHENTICATED"), 1U);
  host.advance(std::chrono::seconds{59});
  post(wrong);
  EXPECT_EQ(host.log.count("MULTISPEAK_CALLBACK_UNAUTHENTICATED"), 1U);
  host.advance(std::chrono::seconds{1});
  post(wrong);
  EXPECT_EQ(host.log.count("MULTISPEAK_CALLBACK_UNAUTHENTICATED"), 2U);
  EXPECT_THAT(everything_logged(), HasSubstr("peer=127.0.0.1 more_since=5"));
  EXPECT_THAT(everything_logged(), Not(HasSubstr("guess-4711")));
  EXPECT_THAT(everything_logged(), Not(HasSubstr(kPassword)));
}

TEST_F(Callback, WithoutCredentialsToCheckTheHeaderIsNotLookedAt) {
  open();
  std::string other = outage("M1");
  other.replace(other.find(kPassword), std::string(kPassword).size(), "whatever");
  EXPECT_EQ(post(other).status, 200);
}

TEST_F(Callback, IsOneDebugLineWithoutReadings) {
  open();
  const auto before = host.log.entries.size();
  EXPECT_EQ(post(reading("<meterNo>M1</meterNo><readingDate>2026-01-15T12:00:00Z</readingDate>"
                         "<posKWh>4242</posKWh>"))
                .status,
            200);
  ASSERT_EQ(host.log.entries.size(), before + 1);
  const auto& line = host.log.entries.back();
  EXPECT_EQ(line.level, sdk::LogLevel::Debug);
  EXPECT_EQ(line.id, "MULTISPEAK_NOTIFICATION");
  EXPECT_THAT(line.text, HasSubstr("operation=ReadingChangedNotification version=3.0 transaction=\"t-1\""));
  EXPECT_THAT(line.text, HasSubstr("journal=1"));
  EXPECT_THAT(everything_logged(), Not(HasSubstr("4242")));
}

TEST_F(Callback, WithALineEndInItsTransactionWritesNoLineOfItsOwnIntoTheLog) {
  open();
  EXPECT_EQ(post(outage("M1", "a&#10;id=FORGED level=error")).status, 200);
  EXPECT_THAT(host.log.entries.back().text, Not(HasSubstr("\n")));
}

TEST_F(Callback, AnswersShowWhoWeAreAndNoCredentials) {
  open(guarded());
  const std::string body = post(outage("M1")).body;
  EXPECT_THAT(body, HasSubstr("AppName=\"ami-gatewayd\" Company=\"Example Hydro\""));
  EXPECT_THAT(body, HasSubstr("TimeStamp=\"2026-01-15T00:00:00Z\""));
  EXPECT_THAT(body, Not(HasSubstr("UserID")));
  EXPECT_THAT(body, Not(HasSubstr("Pwd")));
}

TEST_F(Callback, WithAnyPrefixAndUnknownAttributesIsKnownByItsNamespaceAndName) {
  open();
  const HttpAnswer answer = post(
      "<q:Envelope xmlns:q=\"http://schemas.xmlsoap.org/soap/envelope/\"><q:Body><z:ODEventNotification "
      "xmlns:z=\"" +
      kNs41 +
      "\" hue=\"7\"><z:ODEvents/><z:transactionID>t-5</z:transactionID></z:ODEventNotification>"
      "</q:Body></q:Envelope>");
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.body, HasSubstr("<ODEventNotificationResponse xmlns=\"" + kNs41 + "\">"));
  EXPECT_THAT(keys(), ElementsAre("transaction:t-5"));
}

TEST_F(Callback, ServerTellsItsPortsAndStopsAndStartsAgain) {
  open();
  EXPECT_EQ(host.log.count("MULTISPEAK_CALLBACKS_OPEN"), 1U);
  EXPECT_THAT(everything_logged(), HasSubstr("ports=" + std::to_string(at()) + " paths=/multispeak"));
  drive_void(server().stop());
  EXPECT_THAT(server().ports(), SizeIs(0));
  ASSERT_TRUE(drive(server().start()).ok());
  expect_taking();
}

}  // namespace
}  // namespace ami::multispeak
