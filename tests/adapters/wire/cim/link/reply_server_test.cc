// What is posted to the feed's server: kept before it is acknowledged, and nothing secret of it.
#include <gmock/gmock.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <filesystem>
#include <fstream>

#include "adapters/wire/cim/codec/cim.h"
#include "adapters/wire/cim/codec/encode.h"
#include "tests/adapters/wire/cim/link/link_scene.h"

namespace ami::cim {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class CimReplyServer : public LinkScene {
 public:
  void serve(const std::string& more = {}) {
    configure("callback: {listen: ['127.0.0.1:0'], reply_address: 'http://gateway.example/cim'" + more +
              "}\n");
    start_feed();
  }
  std::string secret_file(const std::string& text) {
    const std::string path = (folder / "secret").string();
    std::ofstream(path) << text;
    std::filesystem::permissions(path,
                                 std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    return path;
  }
  // The message that an HTTP answer holds.
  static Message message_in(const std::string& answer) {
    const auto decoded = decode(answer.substr(answer.find("\r\n\r\n") + 4), {});
    EXPECT_TRUE(decoded.ok()) << answer;
    return decoded ? std::move(decoded.value().message) : Message{};
  }
  static Message reading(Soap soap, std::optional<Credentials> shown, CredentialPlace place) {
    Message message;
    message.kind = Kind::Response;
    message.soap = soap;
    message.credentials = std::move(shown);
    message.credential_place = place;
    message.header.verb = "reply";
    message.header.noun = "MeterReadings";
    message.header.correlation_id = "t-1";
    message.reply = Reply{"OK", {}};
    return message;
  }
};

TEST_F(CimReplyServer, AMessageIsOnDiskBeforeItsAnswer) {
  ReplyServerSettings alone;
  alone.server.listen = {{"127.0.0.1", 0}};
  ReplyServer server(alone, host.services());
  ASSERT_TRUE(drive(server.start()).ok());
  host.journal.hold();
  const std::string body = readings_message("t-1");
  std::optional<std::string> answer;
  auto work = [](CimReplyServer& scene, std::uint16_t to, std::string bytes,
                 std::optional<std::string>& into) -> sdk::Awaitable<void> {
    http::RawConnection connection(scene.host.io);
    co_await connection.open(to);
    co_await connection.send(std::move(bytes));
    into = co_await connection.message();
  };
  boost::asio::co_spawn(host.io,
                        work(*this, server.ports().at(0),
                             "POST /cim HTTP/1.1\r\nHost: h\r\nContent-Length: " +
                                 std::to_string(body.size()) + "\r\n\r\n" + body,
                             answer),
                        [](std::exception_ptr) {});
  run_until([&] { return server.counters().http.in_work == 1; });
  host.run_until_idle();
  EXPECT_FALSE(answer.has_value());
  EXPECT_EQ(server.counters().taken, 0U);
  host.journal.release();
  run_until([&] { return answer.has_value(); });
  EXPECT_EQ(host.journal.entries.size(), 1U);
  EXPECT_EQ(server.counters().taken, 1U);
  EXPECT_THAT(*answer, StartsWith("HTTP/1.1 200"));
  const Message reply = message_in(*answer);
  EXPECT_EQ(reply.kind, Kind::Response);
  EXPECT_EQ(reply.reply->result, "OK");
  EXPECT_EQ(reply.header.correlation_id, "t-1");
  drive_void(server.stop());
}

TEST_F(CimReplyServer, TheAnswerIsInTheEnvelopeOfTheMessage) {
  serve();
  for (const Soap soap : {Soap::None, Soap::V11, Soap::V12}) {
    const std::string answer = post(encode(reading(soap, {}, CredentialPlace::Body)));
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 200"));
    EXPECT_EQ(message_in(answer).soap, soap);
  }
}

TEST_F(CimReplyServer, WhatCannotBeKeptIsPushedBackAndTakenLater) {
  serve(", retry_after: 7s");
  host.journal.fail(transient("full"));
  const std::string answer = post(readings_message("t-1"));
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 503"));
  EXPECT_THAT(answer, HasSubstr("Retry-After: 7"));
  EXPECT_EQ(fact("pushed back"), "1");
  host.journal.accept();
  EXPECT_THAT(post(readings_message("t-1")), StartsWith("HTTP/1.1 200"));
  EXPECT_EQ(host.journal.entries.size(), 1U);
}

TEST_F(CimReplyServer, WhatTheJournalNeverTakesIsRefusedForGood) {
  serve();
  host.journal.fail(permanent("larger than the journal takes"));
  EXPECT_THAT(post(readings_message("t-1")), StartsWith("HTTP/1.1 413"));
}

TEST_F(CimReplyServer, TenTimesTheSameIsKeptOnceAndAnsweredTenTimes) {
  serve();
  for (int i = 0; i < 10; ++i) EXPECT_THAT(post(readings_message("t-1")), StartsWith("HTTP/1.1 200"));
  EXPECT_EQ(host.journal.entries.size(), 1U);
  EXPECT_EQ(host.journal.entries.begin()->second.key, "t-1");
}

TEST_F(CimReplyServer, OnlyTheRightCredentialsAreTakenFromEitherPlace) {
  serve(", header_user: aladdin, header_password_file: " + secret_file("open sesame"));
  struct Case {
    const char* user;
    const char* password;
    const char* status;
  };
  for (const Case& one : {Case{"aladdin", "open sesame", "HTTP/1.1 200"},
                          Case{"aladdin", "open sesam", "HTTP/1.1 403"}, Case{"aladdin", "", "HTTP/1.1 403"},
                          Case{"aladdiN", "open sesame", "HTTP/1.1 403"}, Case{"", "", "HTTP/1.1 403"}}) {
    for (const CredentialPlace place : {CredentialPlace::Body, CredentialPlace::SoapHeader}) {
      const Soap soap = place == CredentialPlace::Body ? Soap::None : Soap::V11;
      const std::string answer =
          post(encode(reading(soap, Credentials{one.user, Secret(one.password)}, place)));
      EXPECT_THAT(answer, StartsWith(one.status)) << one.user << " " << one.password;
    }
  }
  EXPECT_THAT(post(readings_message("t-1")), StartsWith("HTTP/1.1 403"));  // none at all
  EXPECT_THAT(fact("messages refused"), StartsWith("9 by their credentials"));
  EXPECT_EQ(host.log.count("CIM_CREDENTIALS_WRONG"), 1U);  // a line for many
  const std::string kept = everything_kept();
  EXPECT_EQ(kept.find("sesam"), std::string::npos);
  EXPECT_EQ(kept.find("aladdin"), std::string::npos);
}

TEST_F(CimReplyServer, WhatIsNoMessageIsRefusedWithTheReasonAndNotKept) {
  serve();
  const std::string bomb = "<!DOCTYPE d [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]><d>&b;</d>";
  for (const std::string& body :
       {std::string("nonsense"), std::string("<a/>"), std::string(), bomb,
        std::string("<RequestMessage xmlns=\"urn:other\"><Header><Verb>x</Verb></Header>"
                    "</RequestMessage>")}) {
    const std::string answer = post(body);
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 400")) << body;
    EXPECT_EQ(message_in(answer).reply->result, "FAILED");
  }
  EXPECT_THAT(post(bomb), HasSubstr("entity_declaration"));
  const std::string soap = post("nonsense", "text/xml; charset=utf-8");
  EXPECT_THAT(soap, StartsWith("HTTP/1.1 500"));
  EXPECT_EQ(message_in(soap).kind, Kind::Fault);
  EXPECT_TRUE(host.journal.entries.empty());
}

TEST_F(CimReplyServer, ManyEmptyElementsAreRefusedBeforeTheyFillTheMemory) {
  serve(", max_body: 1MiB");
  std::string many = "<a>";
  while (many.size() < (1 << 20) - 100) many += "<b/>";
  EXPECT_THAT(post(many + "</a>"), HasSubstr("too_many_elements"));
}

TEST_F(CimReplyServer, RequestsAndOrdersAreNotTaken) {
  serve();
  EXPECT_THAT(post(encode(get_scalar_readings({{"M1", false, ""}}, {}))), StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(post(encode(create_control("3.31.0.23", {{"M1", false, ""}}))), StartsWith("HTTP/1.1 400"));
  EXPECT_TRUE(host.journal.entries.empty());
  EXPECT_THAT(talk_to_feed("GET /cim HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"),
              StartsWith("HTTP/1.1 405"));
  EXPECT_THAT(
      talk_to_feed("POST /other HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
      StartsWith("HTTP/1.1 404"));
}

TEST_F(CimReplyServer, ABadRecordIsTakenAndQuarantinedAndItsNeighbourLives) {
  serve();
  std::string message = readings_message("t-1");
  const std::size_t at = message.find("</MeterReadings>");
  message.insert(at, "<MeterReading><Meter/><Readings><value>1</value></Readings></MeterReading>");
  EXPECT_THAT(post(message), StartsWith("HTTP/1.1 200"));
  verdicts(sdk::CommandKind::Read);
  ASSERT_EQ(host.store.committed.size(), 1U);
  EXPECT_EQ(host.store.committed[0].batch.observations.size(), 1U);
  ASSERT_EQ(host.store.committed[0].batch.malformed.size(), 1U);
  EXPECT_STREQ(host.store.committed[0].batch.malformed[0].reason, "missing_meter");
}

TEST_F(CimReplyServer, WithoutAJournalTheFeedDoesNotStart) {
  configure("callback: {listen: ['127.0.0.1:0'], reply_address: 'http://gateway.example/cim'}\n");
  sdk::Services services = host.services();
  services.journal = nullptr;
  const Profile profile = test_profile();
  LinkAdapter without(family->info(), profile, link_config(settings, profile), services);
  const Outcome started = drive(without.start());
  ASSERT_FALSE(started.ok());
  EXPECT_THAT(started.error().message, HasSubstr("no journal"));
}

TEST_F(CimReplyServer, AnAddressThatIsTakenIsToldAndMayBeTriedAgain) {
  boost::asio::ip::tcp::acceptor other(host.io, {boost::asio::ip::address_v4::loopback(), 0});
  const std::string port = std::to_string(other.local_endpoint().port());
  configure("callback: {listen: ['127.0.0.1:" + port + "'], reply_address: 'http://gateway.example/cim'}\n");
  const Outcome taken = drive(adapter->start());
  ASSERT_FALSE(taken.ok());
  EXPECT_EQ(taken.error().fault, Fault::Transient);
  other.close();
  EXPECT_TRUE(drive(adapter->start()).ok());
}

}  // namespace
}  // namespace ami::cim
