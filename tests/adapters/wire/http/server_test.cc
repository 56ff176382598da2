// What the server says to requests, good and bad, byte for byte.
#include <gmock/gmock.h>
#include <sys/resource.h>

#include "tests/adapters/wire/http/http_scene.h"

namespace ami::http {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class HttpServer : public HttpScene {
 public:
  static std::string post(const std::string& path, const std::string& body, const std::string& headers = "") {
    return "POST " + path + " HTTP/1.1\r\nHost: h\r\n" + headers +
           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  }
};

TEST_F(HttpServer, AnswersSeveralRequestsOnOneConnectionInOrder) {
  Server& server = serve(plain_server());
  const std::string answers = talk(post("/echo", "one") + post("/echo", "two") + post("/echo", "three"));
  const auto one = answers.find("\r\n\r\none"), two = answers.find("\r\n\r\ntwo"),
             three = answers.find("\r\n\r\nthree");
  EXPECT_LT(one, two);
  EXPECT_LT(two, three);
  EXPECT_NE(three, std::string::npos);
  EXPECT_THAT(answers, HasSubstr("Connection: keep-alive\r\n"));
  EXPECT_EQ(server.counters().accepted, 1U);
  EXPECT_EQ(server.counters().requests, 3U);
  EXPECT_EQ(server.counters().answers.at(200), 3U);
}

TEST_F(HttpServer, ReadsChunksAndDropsTrailers) {
  serve(plain_server());
  const std::string answer = talk(
      "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3;ext=1\r\nabc\r\n0004\r\ndefg\r\n0\r\nAuthorization: Basic dTpw\r\nX-T: 1\r\n\r\n" +
      std::string("GET /peer HTTP/1.1\r\nHost: h\r\n\r\n"));
  EXPECT_THAT(answer, HasSubstr("Content-Length: 7\r\n"));
  EXPECT_THAT(answer, HasSubstr("\r\n\r\nabcdefg"));
  EXPECT_THAT(answer, HasSubstr("user=- query= authorization=hidden"));
}

TEST_F(HttpServer, ReadsARequestThatComesByteByByte) {
  serve(plain_server());
  auto work = [](HttpServer& scene) -> sdk::Awaitable<std::string> {
    RawConnection connection(scene.host.io);
    co_await connection.open(scene.port());
    connection.socket().set_option(tcp::no_delay(true));
    for (const char c : std::string("POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                                    "2\r\nab\r\n1\r\nc\r\n0\r\n\r\n")) {
      std::string byte(1, c);
      co_await connection.send(std::move(byte));
    }
    co_return co_await connection.message();
  };
  EXPECT_THAT(drive(work(*this)), HasSubstr("\r\n\r\nabc"));
}

TEST_F(HttpServer, ClosesAfterHttp10UnlessAskedToKeepIt) {
  Server& server = serve(plain_server());
  EXPECT_THAT(talk("GET /peer HTTP/1.0\r\n\r\nGET /peer HTTP/1.0\r\n\r\n"), HasSubstr("Connection: close"));
  EXPECT_EQ(server.counters().requests, 1U);
  EXPECT_THAT(talk("GET /peer HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /peer HTTP/1.0\r\n\r\n"),
              HasSubstr("Connection: keep-alive"));
  EXPECT_EQ(server.counters().requests, 3U);
}

TEST_F(HttpServer, TellsASenderThatWaitsToGoOn) {
  serve(plain_server());
  auto work = [](HttpServer& scene) -> sdk::Awaitable<std::string> {
    RawConnection connection(scene.host.io);
    co_await connection.open(scene.port());
    co_await connection.send(
        "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-Continue\r\n\r\n");
    const std::string interim = co_await connection.until("\r\n\r\n");
    co_await connection.send("ok");
    const std::string answer = co_await connection.message();
    co_return interim + answer;
  };
  const std::string both = drive(work(*this));
  EXPECT_THAT(both, StartsWith("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"));
}

TEST_F(HttpServer, TellsASenderThatWaitsTheRefusalInsteadOfToGoOn) {
  ServerSettings settings = plain_server();
  settings.limits.body_bytes = 10;
  serve(settings);
  EXPECT_THAT(talk("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\nExpect: 100-continue\r\n\r\n"),
              StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(talk("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nExpect: miracles\r\n\r\n"),
              StartsWith("HTTP/1.1 417 "));
  expect_serving();
}

struct BadRequest {
  const char* what;
  const char* bytes;
  int status;
};

TEST_F(HttpServer, SaysWhatIsWrongWithARequestAndServesTheNextOne) {
  const BadRequest requests[] = {
      {"no HTTP", "hello\r\n\r\n", 400},
      {"TLS to a plain port", "\x16\x03\x01\x02\x05\x01\x01\x01\xFC\x03\x03\r\n\r\n", 400},
      {"HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
      {"unknown path", "GET /none HTTP/1.1\r\nHost: h\r\n\r\n", 404},
      {"longer path", "POST /echo/ HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", 404},
      {"no Host", "GET /peer HTTP/1.1\r\n\r\n", 400},
      {"two Hosts", "GET /peer HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
      {"two lengths", "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
       400},
      {"length and chunks",
       "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
       400},
      {"chunks and length",
       "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
       400},
      {"negative length", "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n", 400},
      {"length beyond any number",
       "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999\r\n\r\n", 400},
      {"chunk without a size", "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
       400},
      {"chunk size beyond any number",
       "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n", 400},
      {"chunks in HTTP/1.0", "POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"another transfer coding",
       "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501},
      {"gzip",
       "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\n\x1f\x8b\x08",
       415},
      {"blank before the colon", "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length : 1\r\n\r\na", 400},
      {"control in a header", "GET /peer HTTP/1.1\r\nHost: h\r\nX: a\x01\r\n\r\n", 400},
  };
  Server& server = serve(plain_server());
  for (const BadRequest& bad : requests) {
    const std::string answer = talk(bad.bytes);
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 " + std::to_string(bad.status) + " ")) << bad.what;
    // One answer and no more: what came behind the bad request was not taken for another.
    EXPECT_EQ(answer.find("\r\nDate: "), answer.rfind("\r\nDate: ")) << bad.what;
    expect_serving();
  }
  EXPECT_EQ(server.counters().answers.at(200), std::size(requests));
}

TEST_F(HttpServer, NamesTheMethodsOfAPath) {
  serve(plain_server());
  const std::string answer = talk("GET /echo HTTP/1.1\r\nHost: h\r\n\r\n" + post("/echo", "next"));
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 405 "));
  EXPECT_THAT(answer, HasSubstr("Allow: POST\r\n"));
  EXPECT_THAT(answer, HasSubstr("\r\n\r\nnext"));  // a refusal without an unread body keeps the connection
}

TEST_F(HttpServer, TakesTheWholeUrlAndGivesTheQueryApart) {
  serve(plain_server());
  EXPECT_THAT(talk("GET http://h/peer?a=1&b=%20 HTTP/1.1\r\nHost: h\r\n\r\n"), HasSubstr("query=a=1&b=%20 "));
}

TEST_F(HttpServer, AnswersAFailedHandlerWith500AndGoesOn) {
  Server& server = serve(plain_server());
  const std::string answers = talk(
      "GET /throw HTTP/1.1\r\nHost: h\r\n\r\nGET /split HTTP/1.1\r\nHost: h\r\n\r\n" + post("/echo", "next"));
  EXPECT_THAT(answers, StartsWith("HTTP/1.1 500 "));
  EXPECT_THAT(answers, Not(HasSubstr("no such luck")));
  EXPECT_THAT(answers, Not(HasSubstr("X-Evil")));
  EXPECT_THAT(answers, HasSubstr("\r\n\r\nnext"));
  EXPECT_EQ(server.counters().handler_errors, 2U);
  EXPECT_EQ(host.log.count("HTTP_HANDLER_FAILED"), 2U);
}

TEST_F(HttpServer, AsksForCredentialsAndHidesThemFromHandlerHeaders) {
  ServerSettings settings = plain_server();
  settings.basic = BasicCredentials{"ccs", Secret("geheim")};
  serve(settings);
  const std::string none = talk("GET /peer HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_THAT(none, StartsWith("HTTP/1.1 401 "));
  EXPECT_THAT(none, HasSubstr("WWW-Authenticate: Basic"));
  const std::string wrong =
      talk("GET /peer HTTP/1.1\r\nHost: h\r\nAuthorization: Basic Y2NzOmZhbHNjaA==\r\n\r\n");
  EXPECT_THAT(wrong, StartsWith("HTTP/1.1 401 "));
  const std::string right =
      talk("GET /peer HTTP/1.1\r\nHost: h\r\nAuthorization: Basic Y2NzOmdlaGVpbQ==\r\n\r\n");
  EXPECT_THAT(right, StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(right, HasSubstr("user=ccs query= authorization=hidden"));
  for (const auto& entry : host.log.entries) {
    EXPECT_EQ(entry.text.find("geheim"), std::string::npos);
    EXPECT_EQ(entry.text.find("Y2Nz"), std::string::npos);
  }
}

TEST_F(HttpServer, RefusesCredentialsInClearTextBeyondTheMachine) {
  ServerSettings settings = plain_server();
  settings.listen = {{"0.0.0.0", 0}};
  settings.basic = BasicCredentials{"u", Secret("p")};
  EXPECT_FALSE(check(settings).ok());
  EXPECT_THROW(serve(settings), std::runtime_error);
  settings.plain_credentials = true;
  EXPECT_TRUE(check(settings).ok());
  settings.plain_credentials = false;
  settings.in_message = std::exchange(settings.basic, std::nullopt);
  EXPECT_THAT(check(settings).error().message, HasSubstr("in clear text at 0.0.0.0"));
}

TEST_F(HttpServer, BeyondTheMachineAsksWhoSendsUnlessToldNotTo) {
  ServerSettings settings = plain_server();
  for (const char* here : {"127.0.0.1", "127.9.8.7", "::1"}) {
    settings.listen = {{here, 0}};
    EXPECT_TRUE(check(settings).ok()) << here;
  }
  // One open door is enough; an IPv6 address that maps a loopback one is not counted as loopback.
  for (const char* there : {"0.0.0.0", "::", "192.0.2.1", "::ffff:127.0.0.1", "fe80::1"}) {
    settings.listen = {{"127.0.0.1", 0}, {there, 0}};
    const Outcome outcome = check(settings);
    ASSERT_FALSE(outcome.ok()) << there;
    EXPECT_THAT(outcome.error().message,
                HasSubstr("anybody who reaches " + std::string(there) + " could post"));
    EXPECT_THAT(outcome.error().message, HasSubstr("anonymous_senders: true"));
  }
  settings.listen = {{"0.0.0.0", 0}};
  EXPECT_THROW(serve(settings), std::runtime_error) << "nor does it start";
  settings.anonymous_senders = true;
  EXPECT_TRUE(check(settings).ok());
  settings.anonymous_senders = false;
  settings.plain_credentials = true;
  EXPECT_FALSE(check(settings).ok()) << "it allows credentials in clear text, not their absence";
  settings.in_message = BasicCredentials{"u", Secret("p")};
  EXPECT_TRUE(check(settings).ok());
  settings.basic = std::exchange(settings.in_message, std::nullopt);
  EXPECT_TRUE(check(settings).ok());
}

TEST_F(HttpServer, SaysThatAnAddressIsTakenAsTransient) {
  serve(plain_server());
  ServerSettings same = plain_server();
  same.listen = {{"127.0.0.1", port()}};
  Server second(same, host.services());
  const Outcome outcome = drive(second.start());
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.error().fault, Fault::Transient);
  same.listen = {{"192.0.2.1", 0}};  // TEST-NET-1: never ours
  same.anonymous_senders = true;
  Server third(same, host.services());
  EXPECT_FALSE(drive(third.start()).ok());
}

// ---- limits

TEST_F(HttpServer, RefusesAHeaderAndABodyBeyondTheirLimits) {
  ServerSettings settings = plain_server();
  settings.limits.header_bytes = 1'000;
  settings.limits.body_bytes = 100'000;
  Server& server = serve(settings);
  EXPECT_THAT(talk("GET /peer HTTP/1.1\r\nHost: h\r\nX: " + std::string(1'000, 'x') + "\r\n\r\n"),
              StartsWith("HTTP/1.1 431 "));
  EXPECT_THAT(talk(post("/echo", std::string(100'001, 'x'))), StartsWith("HTTP/1.1 413 "));
  const std::string chunk = "C350\r\n" + std::string(50'000, 'x') + "\r\n";
  const std::string chunked =
      "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk + chunk;
  EXPECT_THAT(talk(chunked + "1\r\nx\r\n0\r\n\r\n"), StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(talk(chunked + "0\r\n\r\n"), StartsWith("HTTP/1.1 200 "));
  // A chunk that is announced to be larger is refused before its bytes come.
  EXPECT_THAT(talk("POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n186A1\r\n"),
              StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(talk("POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1;" +
                   std::string(60'000, 'x')),
              StartsWith("HTTP/1.1 400 "));
  expect_serving();
  EXPECT_EQ(server.counters().buffered_bytes, 0U);
}

TEST_F(HttpServer, CutsASenderOfAByteNowAndThen) {
  ServerSettings settings = plain_server();
  settings.limits.rate_grace = std::chrono::milliseconds{300};
  settings.limits.min_rate = 1'000'000;
  Server& server = serve(settings);
  auto work = [](HttpServer& scene) -> sdk::Awaitable<std::string> {
    RawConnection connection(scene.host.io);
    co_await connection.open(scene.port());
    co_await connection.send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n");
    asio::steady_timer beat(scene.host.io);
    for (int i = 0; i < 1000; ++i) {  // would take 20 s
      beat.expires_after(std::chrono::milliseconds{20});
      co_await beat.async_wait(asio::use_awaitable);
      const bool sent = co_await connection.send("x");
      if (!sent || connection.socket().available() > 0) break;
    }
    co_return co_await connection.rest();
  };
  EXPECT_THAT(drive(work(*this)), StartsWith("HTTP/1.1 408 "));
  EXPECT_EQ(server.counters().timeout_body, 1U);
  expect_serving();
}

TEST_F(HttpServer, GivesABodyThatKeepsItsRateItsTime) {
  ServerSettings settings = plain_server();
  settings.limits.rate_grace = std::chrono::milliseconds{1'000};
  settings.limits.min_rate = 500;  // 100 bytes earn 200 ms
  serve(settings);
  auto work = [](HttpServer& scene) -> sdk::Awaitable<std::string> {
    RawConnection connection(scene.host.io);
    co_await connection.open(scene.port());
    co_await connection.send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n");
    asio::steady_timer beat(scene.host.io);
    for (int i = 0; i < 10; ++i) {  // 1.5 s in all: longer than the grace
      beat.expires_after(std::chrono::milliseconds{150});
      co_await beat.async_wait(asio::use_awaitable);
      std::string part(100, 'x');
      co_await connection.send(std::move(part));
    }
    co_return co_await connection.message();
  };
  EXPECT_THAT(drive(work(*this)), StartsWith("HTTP/1.1 200 "));
}

TEST_F(HttpServer, CutsAHeaderThatDoesNotEndAndARequestThatTakesTooLong) {
  ServerSettings settings = plain_server();
  settings.limits.header_time = std::chrono::milliseconds{300};
  settings.limits.request_time = std::chrono::milliseconds{500};
  Server& server = serve(settings);
  auto work = [](HttpServer& scene, std::string begin) -> sdk::Awaitable<std::string> {
    RawConnection connection(scene.host.io);
    co_await connection.open(scene.port());
    co_await connection.send(std::move(begin));
    co_return co_await connection.rest();
  };
  EXPECT_THAT(drive(work(*this, "GET /peer HTTP/1.1\r\nHost: ")), StartsWith("HTTP/1.1 408 "));
  EXPECT_EQ(server.counters().timeout_header, 1U);
  EXPECT_THAT(drive(work(*this, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nx")),
              StartsWith("HTTP/1.1 408 "));
  EXPECT_EQ(server.counters().timeout_body, 1U);
  expect_serving();
}

TEST_F(HttpServer, ClosesAConnectionThatRestsTooLong) {
  ServerSettings settings = plain_server();
  settings.limits.idle_time = std::chrono::milliseconds{300};
  Server& server = serve(settings);
  auto work = [](HttpServer& scene) -> sdk::Awaitable<std::string> {
    RawConnection connection(scene.host.io);
    co_await connection.open(scene.port());
    co_return co_await connection.rest();
  };
  EXPECT_EQ(drive(work(*this)), "");
  EXPECT_EQ(server.counters().timeout_idle, 1U);
  expect_serving();
}

TEST_F(HttpServer, CutsAPeerThatDoesNotReadItsAnswer) {
  ServerSettings settings = plain_server();
  settings.limits.rate_grace = std::chrono::milliseconds{300};
  settings.limits.min_rate = 8 << 20;
  Server& server = serve(settings);
  auto work = [](HttpServer& scene, Server& watched) -> sdk::Awaitable<void> {
    RawConnection connection(scene.host.io);
    connection.socket().open(tcp::v4());
    connection.socket().set_option(asio::socket_base::receive_buffer_size(4096));
    co_await connection.open(scene.port());
    const std::string body(6 << 20, 'x');  // more than both sockets hold
    co_await connection.send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: " +
                             std::to_string(body.size()) + "\r\n\r\n" + body);
    asio::steady_timer pause(scene.host.io);
    while (watched.counters().timeout_answer == 0) {
      pause.expires_after(std::chrono::milliseconds{10});
      co_await pause.async_wait(asio::use_awaitable);
    }
  };
  drive_void(work(*this, server));
  EXPECT_EQ(server.counters().timeout_answer, 1U);
  expect_serving();
  EXPECT_EQ(server.counters().buffered_bytes, 0U);
}

TEST_F(HttpServer, ClosesAConnectionThatHasHadItsRequests) {
  ServerSettings settings = plain_server();
  settings.limits.requests_per_connection = 2;
  Server& server = serve(settings);
  const std::string answers = talk(post("/echo", "one") + post("/echo", "two") + post("/echo", "three"));
  EXPECT_THAT(answers, HasSubstr("\r\n\r\ntwo"));
  EXPECT_THAT(answers, HasSubstr("Connection: close"));
  EXPECT_THAT(answers, Not(HasSubstr("three")));
  EXPECT_EQ(server.counters().requests, 2U);
}

TEST_F(HttpServer, SaysWhenItIsAtWorkToItsLimitAndServesAgainAfter) {
  ServerSettings settings = plain_server();
  settings.limits.requests_in_work = 2;
  settings.limits.retry_after = std::chrono::seconds{7};
  Server& server = serve(settings);
  auto work = [](HttpServer& scene, RawConnection& connection) -> sdk::Awaitable<void> {
    co_await connection.open(scene.port());
    co_await connection.send(post("/hold", "held"));
  };
  RawConnection first(host.io), second(host.io);
  drive_void(work(*this, first));
  drive_void(work(*this, second));
  run_until([&] { return held() == 2; });
  EXPECT_EQ(server.counters().in_work, 2U);
  const std::string refused = talk(post("/echo", "no") + post("/echo", "neither"));
  EXPECT_THAT(refused, StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(refused, HasSubstr("Retry-After: 7\r\n"));
  EXPECT_THAT(refused, Not(HasSubstr("200 OK")));
  release();
  EXPECT_THAT(drive(first.message()), HasSubstr("\r\n\r\nheld"));
  EXPECT_THAT(drive(second.message()), HasSubstr("\r\n\r\nheld"));
  expect_serving();
  EXPECT_EQ(server.counters().in_work, 0U);
}

TEST_F(HttpServer, BoundsTheBodiesOfAllRequestsTogether) {
  ServerSettings settings = plain_server();
  settings.limits.buffered_bytes = 150'000;
  Server& server = serve(settings);
  auto begin = [](HttpServer& scene, RawConnection& connection) -> sdk::Awaitable<void> {
    co_await connection.open(scene.port());
    co_await connection.send(post("/hold", std::string(100'000, 'x')));
  };
  RawConnection first(host.io);
  drive_void(begin(*this, first));
  run_until([&] { return held() == 1; });
  EXPECT_EQ(server.counters().buffered_bytes, 100'000U);
  const std::string refused = talk(post("/echo", std::string(100'000, 'y')));
  EXPECT_THAT(refused, StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(refused, HasSubstr("Retry-After: "));
  release();
  EXPECT_THAT(drive(first.message()), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(talk(post("/echo", std::string(100'000, 'y'))), StartsWith("HTTP/1.1 200 "));
  EXPECT_EQ(server.counters().buffered_bytes, 0U);
}

TEST_F(HttpServer, BoundsConnectionsInAllAndPerAddress) {
  ServerSettings settings = plain_server();
  settings.limits.connections = 3;
  settings.limits.connections_per_address = 2;
  Server& server = serve(settings);
  auto open = [](HttpServer& scene, RawConnection& connection) -> sdk::Awaitable<void> {
    co_await connection.open(scene.port());
  };
  // 127.0.0.2 is this machine too, under another address.
  auto open_from_another = [](HttpServer& scene, RawConnection& connection) -> sdk::Awaitable<void> {
    connection.socket().open(tcp::v4());
    connection.socket().bind({asio::ip::make_address_v4("127.0.0.2"), 0});
    co_await connection.open(scene.port());
  };
  RawConnection one(host.io), two(host.io), three(host.io), four(host.io), five(host.io);
  drive_void(open(*this, one));
  drive_void(open(*this, two));
  run_until([&] { return server.counters().open == 2; });
  drive_void(open(*this, three));
  const std::string per_address = drive(three.rest());
  EXPECT_THAT(per_address, StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(per_address, HasSubstr("Retry-After: 5\r\n"));
  EXPECT_EQ(server.counters().refused_per_address, 1U);
  drive_void(open_from_another(*this, four));
  run_until([&] { return server.counters().open == 3; });
  drive_void(open_from_another(*this, five));
  EXPECT_THAT(drive(five.rest()), StartsWith("HTTP/1.1 503 "));
  EXPECT_EQ(server.counters().refused_connections, 1U);
  one.close();
  four.close();
  run_until([&] { return server.counters().open == 1; });
  expect_serving();
}

TEST_F(HttpServer, WaitsForDescriptorsAndServesWhoWaitedMeanwhile) {
  Server& server = serve(plain_server());
  RawConnection connection(host.io);
  connection.socket().open(tcp::v4());
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit none = before;
  none.rlim_cur =
      static_cast<rlim_t>(connection.socket().native_handle()) + 1;  // all below are taken or it is
  // Fill what is free below the limit.
  std::vector<int> fillers;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  for (int fd = ::dup(0); fd >= 0; fd = ::dup(0)) fillers.push_back(fd);
  auto ask = [](HttpServer& scene, RawConnection& through) -> sdk::Awaitable<void> {
    co_await through.open(scene.port());
    co_await through.send(post("/echo", "patience"));
  };
  drive_void(ask(*this, connection));
  run_until([&] { return server.counters().accept_errors >= 2; });
  EXPECT_EQ(server.counters().accepted, 0U);
  EXPECT_EQ(host.log.count("HTTP_ACCEPT_FAILED"), 1U);  // told once, not at each try
  for (const int fd : fillers) ::close(fd);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_THAT(drive(connection.message()), HasSubstr("\r\n\r\npatience"));
  expect_serving();
}

TEST_F(HttpServer, OutlivesPeersThatGoAwayAnywhere) {
  Server& server = serve(plain_server());
  const std::string request = post("/echo", std::string(5'000, 'x'));
  auto cut = [](HttpServer& scene, std::string begin, bool reset) -> sdk::Awaitable<void> {
    RawConnection connection(scene.host.io);
    co_await connection.open(scene.port());
    co_await connection.send(std::move(begin));
    reset ? connection.reset() : connection.close();
  };
  for (std::size_t size = 0; size < request.size(); size += 97) {
    drive_void(cut(*this, request.substr(0, size), size % 2 == 0));
  }
  run_until([&] { return server.counters().open == 0; });
  expect_serving();
  EXPECT_GT(server.counters().cut, 0U);
  EXPECT_EQ(server.counters().handler_errors, 0U);
}

TEST_F(HttpServer, StopsGracefully) {
  ServerSettings settings = plain_server();
  Server& server = serve(settings);
  const std::uint16_t at = port();
  auto open = [](RawConnection& connection, std::uint16_t to, std::string bytes) -> sdk::Awaitable<void> {
    co_await connection.open(to);
    co_await connection.send(std::move(bytes));
  };
  RawConnection resting(host.io), working(host.io);
  drive_void(open(resting, at, ""));
  drive_void(open(working, at, post("/hold", "finished")));
  run_until([&] { return held() == 1 && server.counters().open == 2; });
  bool stopped = false;
  asio::co_spawn(host.io, server.stop(), [&](std::exception_ptr) { stopped = true; });
  EXPECT_EQ(drive(resting.rest()), "");  // ended at once
  EXPECT_FALSE(stopped);
  RawConnection late(host.io);
  EXPECT_ANY_THROW(drive_void(open(late, at, "")));
  release();
  const std::string answer = drive(working.rest());
  EXPECT_THAT(answer, HasSubstr("\r\n\r\nfinished"));
  EXPECT_THAT(answer, HasSubstr("Connection: close"));
  working.close();
  run_until([&] { return stopped; });
  EXPECT_EQ(server.counters().open, 0U);
  ASSERT_TRUE(drive(server.start()).ok());  // and may start again
  expect_serving();
}

TEST_F(HttpServer, CutsWhatIsNotFinishedWithinTheGrace) {
  ServerSettings settings = plain_server();
  settings.limits.stop_grace = std::chrono::milliseconds{100};
  Server& server = serve(settings);
  auto open = [](RawConnection& connection, std::uint16_t to) -> sdk::Awaitable<void> {
    co_await connection.open(to);
    co_await connection.send(post("/hold", "never"));
  };
  RawConnection working(host.io);
  drive_void(open(working, port()));
  run_until([&] { return held() == 1; });
  drive_void(server.stop());  // cancels the handler
  EXPECT_EQ(held(), 0U);
  EXPECT_EQ(drive(working.rest()), "");
  EXPECT_EQ(server.counters().open, 0U);
}

TEST_F(HttpServer, TakesAStormOfConnectionsInBoundedWork) {
  ServerSettings settings = plain_server();
  settings.limits.requests_in_work = 8;
  Server& server = serve(settings);
  int good = 0, busy = 0, done = 0;
  auto one = [](HttpServer& scene, int& ok_count, int& busy_count, int& done_count) -> sdk::Awaitable<void> {
    RawConnection connection(scene.host.io);
    co_await connection.open(scene.port());
    co_await connection.send(post("/hold", "x"));
    const std::string answer = co_await connection.message();
    ok_count += answer.starts_with("HTTP/1.1 200") ? 1 : 0;
    busy_count += answer.starts_with("HTTP/1.1 503") ? 1 : 0;
    ++done_count;
  };
  for (int i = 0; i < 300; ++i) {
    asio::co_spawn(host.io, one(*this, good, busy, done),
                   [](std::exception_ptr thrown) { EXPECT_FALSE(thrown); });
  }
  run_until([&] { return busy == 292; });
  EXPECT_EQ(held(), 8U);
  release();
  run_until([&] { return done == 300; });
  EXPECT_EQ(good, 8);
  EXPECT_EQ(server.counters().answers.at(503), 292U);
  expect_serving();
}

}  // namespace
}  // namespace ami::http
