// Peers of every bad kind: each failure says what happened and whether the request may have arrived, none
// takes longer than its deadline, and after each the client speaks with a good peer again, by itself.
#include <gmock/gmock.h>

#include <boost/asio/ssl/verify_mode.hpp>

#include "tests/adapters/wire/http/http_scene.h"

namespace ami::http {
namespace {

using testing::HasSubstr;
namespace ssl = asio::ssl;

class HttpBadPeer : public HttpScene {
 public:
  // Meets the bad peer once, then a good one at the same address.
  Failure meet(Script bad, ClientSettings settings = {}) {
    ScriptedPeer peer(host.io, {std::move(bad), answering(ok("good again"))});
    const auto at = client_of(peer.port());
    settings.url = at.url;
    settings.breaker = at.breaker;
    connect(settings);
    Call call;
    call.body = "<switch/>";
    const Answer answer = send(call);
    EXPECT_FALSE(answer.ok());
    call.deadline = std::chrono::seconds{10};
    const Answer recovered = send(call);
    EXPECT_TRUE(recovered.ok()) << (recovered.ok() ? "" : recovered.failure->error.message);
    EXPECT_EQ(recovered.reply.value_or(Reply{}).body, "good again");
    EXPECT_EQ(client_->metrics().in_use, 0U);
    return answer.failure.value_or(Failure{});
  }
  // Reads the request, sends these bytes, closes.
  static Script saying(std::string bytes) {
    return [bytes](RawConnection& peer) -> sdk::Awaitable<void> {
      co_await peer.message();
      co_await peer.send(bytes);
    };
  }
  // … and does not close.
  static Script saying_and_waiting(std::string bytes) {
    return [bytes](RawConnection& peer) -> sdk::Awaitable<void> {
      co_await peer.message();
      co_await peer.send(bytes);
      co_await peer.ended();
    };
  }
  static ClientSettings hurried() {
    ClientSettings settings;
    settings.limits.request_time = std::chrono::milliseconds{150};
    return settings;
  }
  static void expect(const Failure& failure, FailureKind kind, Fault fault, bool sent) {
    EXPECT_EQ(name_of(failure.kind), name_of(kind)) << failure.error.message;
    EXPECT_EQ(failure.error.fault, fault) << failure.error.message;
    EXPECT_EQ(failure.sent, sent) << failure.error.message;
    EXPECT_THAT(failure.error.message, testing::StartsWith("http"));
  }
};

TEST_F(HttpBadPeer, ThatIsNotThere) {
  std::uint16_t at = 0;
  {
    ScriptedPeer gone(host.io, {answering("")});
    at = gone.port();
  }
  connect(client_of(at));
  expect(*send(Call{}).failure, FailureKind::ConnectFailed, Fault::Transient, false);
  ServerSettings back = plain_server();
  back.listen = {{"127.0.0.1", at}};
  serve(back);
  EXPECT_TRUE(send(get("/peer")).ok());
}

TEST_F(HttpBadPeer, WhoseNameIsUnknown) {
  ClientSettings settings = client_of(1);
  settings.url.host = std::string(70, 'a') + ".invalid";  // no label may be that long: nobody needs be asked
  connect(settings);
  expect(*send(Call{}).failure, FailureKind::NameUnknown, Fault::Transient, false);
}

TEST_F(HttpBadPeer, WhoseQueueOfConnectionsIsFull) {
  tcp::acceptor full(host.io, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  full.listen(0);
  // With its queue full Linux drops further connection requests.
  std::vector<std::unique_ptr<tcp::socket>> fillers;
  for (int i = 0; i < 4; ++i) {
    fillers.push_back(std::make_unique<tcp::socket>(host.io));
    fillers.back()->async_connect(full.local_endpoint(), [](const boost::system::error_code&) {});
  }
  host.run_until_idle();
  ClientSettings settings = client_of(full.local_endpoint().port());
  settings.limits.connect_time = std::chrono::milliseconds{150};
  connect(settings);
  expect(*send(Call{}).failure, FailureKind::ConnectTimeout, Fault::Transient, false);
}

TEST_F(HttpBadPeer, ThatNeverAnswers) {
  expect(meet(saying_and_waiting(""), hurried()), FailureKind::Timeout, Fault::InDoubt, true);
}

TEST_F(HttpBadPeer, ThatSendsAByteNowAndThen) {
  const Script drip = [](RawConnection& peer) -> sdk::Awaitable<void> {
    co_await peer.message();
    co_await peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
    asio::steady_timer beat(peer.socket().get_executor());
    for (;;) {
      beat.expires_after(std::chrono::milliseconds{10});
      co_await beat.async_wait(asio::use_awaitable);
      const bool sent = co_await peer.send("x");
      if (!sent) co_return;
    }
  };
  expect(meet(drip, hurried()), FailureKind::Timeout, Fault::InDoubt, true);
}

TEST_F(HttpBadPeer, ThatDoesNotReadTheRequest) {
  const Script deaf = [](RawConnection& peer) -> sdk::Awaitable<void> {
    asio::steady_timer pause(peer.socket().get_executor(), std::chrono::milliseconds{400});
    co_await pause.async_wait(asio::use_awaitable);
  };
  ScriptedPeer peer(host.io, {deaf, answering(ok("good again"))});
  ClientSettings settings = client_of(peer.port());
  settings.limits.request_time = std::chrono::milliseconds{150};
  connect(settings);
  Call call;
  call.body = std::string(16 << 20, 'x');
  expect(*send(call).failure, FailureKind::Timeout, Fault::InDoubt, true);
  call.body.clear();
  call.deadline = std::chrono::seconds{10};
  EXPECT_TRUE(send(call).ok());
}

TEST_F(HttpBadPeer, ThatClosesOrResetsWithoutAnAnswer) {
  expect(meet(saying("")), FailureKind::Cut, Fault::InDoubt, true);
  const Script reset = [](RawConnection& peer) -> sdk::Awaitable<void> {
    co_await peer.message();
    peer.reset();
  };
  expect(meet(reset), FailureKind::Cut, Fault::InDoubt, true);
}

TEST_F(HttpBadPeer, ThatClosesAnywhereInItsAnswer) {
  const std::string whole = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789";
  for (std::size_t size = 1; size < whole.size(); size += 3) {
    expect(meet(saying(whole.substr(0, size))), FailureKind::Cut, Fault::InDoubt, true);
  }
  const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
  for (std::size_t size = chunked.size() - 14; size < chunked.size(); ++size) {
    expect(meet(saying(chunked.substr(0, size))), FailureKind::Cut, Fault::InDoubt, true);
  }
}

TEST_F(HttpBadPeer, ThatAnswersGarbage) {
  for (const char* garbage :
       {"I am not a web server\r\n\r\n", "\x16\x03\x01\x02\x05\x01\x01\x01\xFC\x03\x03\r\n\r\n",
        "HTTP/1.1 abc OK\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "HTTP/1.1 200 OK\r\nno colon here\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n\x1f\x8b",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"}) {
    expect(meet(saying_and_waiting(garbage)), FailureKind::Garbage, Fault::InDoubt, true);
  }
  std::string interim;
  for (int i = 0; i < 20; ++i) interim += "HTTP/1.1 100 Continue\r\n\r\n";
  expect(meet(saying_and_waiting(interim)), FailureKind::Garbage, Fault::InDoubt, true);
}

TEST_F(HttpBadPeer, ThatAnswersWithoutEnd) {
  ClientSettings settings;
  settings.limits.body_bytes = 1'000;
  settings.limits.header_bytes = 1'000;
  const std::string flood(5'000, 'x');
  for (const std::string& answer :
       {"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n" + flood, "HTTP/1.1 200 OK\r\n\r\n" + flood,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFF\r\n" + flood,
        "HTTP/1.1 200 OK\r\nX: " + flood}) {
    expect(meet(saying_and_waiting(answer), settings), FailureKind::TooLarge, Fault::InDoubt, true);
  }
  expect(meet(saying_and_waiting("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;" +
                                 std::string(60'000, 'x')),
              settings),
         FailureKind::Garbage, Fault::InDoubt, true);
}

TEST_F(HttpBadPeer, ThatRedirectsIsNotFollowed) {
  bool followed = false;
  ScriptedPeer elsewhere(host.io, {[&](RawConnection&) -> sdk::Awaitable<void> {
                           followed = true;
                           co_return;
                         }});
  const std::string to = "http://127.0.0.1:" + std::to_string(elsewhere.port()) + "/login";
  const Failure failure =
      meet(saying("HTTP/1.1 302 Found\r\nLocation: " + to + "\r\nContent-Length: 0\r\n\r\n"));
  expect(failure, FailureKind::Redirected, Fault::Permanent, true);
  EXPECT_THAT(failure.error.message, HasSubstr(to));
  host.run_until_idle();
  EXPECT_FALSE(followed);
}

TEST_F(HttpBadPeer, ThatIsBusyTellsWhenToComeBack) {
  const Failure failure = meet(saying_and_waiting(
      "HTTP/1.1 503 Busy\r\nRetry-After: 3\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"));
  expect(failure, FailureKind::Busy, Fault::Transient, true);
  EXPECT_EQ(failure.retry_after, std::chrono::milliseconds{3'000});
}

TEST_F(HttpBadPeer, ThatRefusesBeforeItHasReadTheWholeRequest) {
  const Script early = [](RawConnection& peer) -> sdk::Awaitable<void> {
    co_await peer.until("\r\n\r\n");
    co_await peer.send("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    peer.end_sending();
    co_await peer.ended();
  };
  ScriptedPeer peer(host.io, {early, answering(ok("good again"))});
  connect(client_of(peer.port()));
  Call call;
  call.body = std::string(1 << 20, 'x');
  expect(*send(call).failure, FailureKind::Refused, Fault::Permanent, true);
  EXPECT_TRUE(send(Call{}).ok());
}

// ---- TLS

class HttpBadTlsPeer : public HttpBadPeer {
 public:
  HttpBadTlsPeer() : ca(folder, "ca"), other_ca(folder, "other-ca") {}

  ClientSettings tls_client(std::uint16_t at) const {
    ClientSettings settings = client_of(at);
    settings.url.tls = true;
    settings.tls.ca = ca.certificate();
    return settings;
  }
  ServerSettings tls_server(const PemFiles& files,
                            ClientCertificates asked = ClientCertificates::None) const {
    ServerSettings settings = plain_server();
    settings.tls = TlsSettings{files.certificate, files.key, ca.certificate(), asked};
    return settings;
  }
  void expect_tls_failed(ClientSettings settings) {
    connect(std::move(settings));
    const Answer answer = send(get("/peer"));
    ASSERT_FALSE(answer.ok()) << answer.reply->body;
    expect(*answer.failure, FailureKind::TlsFailed, Fault::Transient, false);
    EXPECT_EQ(server_ ? server_->counters().requests : 0, 0U);
  }
  TestCa ca, other_ca;
};

TEST_F(HttpBadTlsPeer, IsHeldAgainstItsNameAndItsCa) {
  serve(tls_server(ca.issue({"server", {"DNS:ccs.example"}})));
  expect_tls_failed(tls_client(port()));  // 127.0.0.1 is not in the certificate
  ClientSettings named = tls_client(port());
  named.server_name = "other.example";
  expect_tls_failed(named);
  ClientSettings strangers = tls_client(port());
  strangers.server_name = "ccs.example";
  strangers.tls.ca = other_ca.certificate();
  expect_tls_failed(strangers);
  named.server_name = "ccs.example";
  connect(named);
  const Answer answer = send(get("/peer"));
  ASSERT_TRUE(answer.ok()) << answer.failure->error.message;
}

TEST_F(HttpBadTlsPeer, WithAnExpiredCertificateIsRefused) {
  serve(tls_server(ca.issue({"old", {"IP:127.0.0.1"}, -7200, -3600})));
  expect_tls_failed(tls_client(port()));
}

TEST_F(HttpBadTlsPeer, ThatRefusesOurCertificateHasNotGotTheRequest) {
  serve(tls_server(ca.issue({"server", {"IP:127.0.0.1"}}), ClientCertificates::Required));
  ClientSettings settings = tls_client(port());
  expect_tls_failed(settings);
  const PemFiles stranger = other_ca.issue({"stranger", {}});
  settings.tls.certificate = stranger.certificate;
  settings.tls.key = stranger.key;
  expect_tls_failed(settings);
  const PemFiles known = ca.issue({"known", {}});
  settings.tls.certificate = known.certificate;
  settings.tls.key = known.key;
  connect(settings);
  const Answer answer = send(get("/peer"));
  ASSERT_TRUE(answer.ok()) << answer.failure->error.message;
  EXPECT_THAT(answer.reply->body, HasSubstr("subject=CN=known"));
  EXPECT_TRUE(send(get("/peer")).ok());
  EXPECT_EQ(client_->metrics().connected, 1U);
}

TEST_F(HttpBadTlsPeer, ThatSpeaksNoTlsOrNothingAtAll) {
  ScriptedPeer plain_peer(host.io, {answering(ok("plain"))});
  ClientSettings settings = tls_client(plain_peer.port());
  settings.limits.tls_time = std::chrono::milliseconds{150};
  expect_tls_failed(settings);
  ScriptedPeer silent(host.io, {[](RawConnection& at) -> sdk::Awaitable<void> { co_await at.ended(); }});
  settings.url.port = silent.port();
  expect_tls_failed(settings);
  ScriptedPeer garbage(host.io, {[](RawConnection& at) -> sdk::Awaitable<void> {
                         co_await at.send("SSH-2.0-OpenSSH_9.2\r\n");
                         co_await at.ended();
                       }});
  settings.url.port = garbage.port();
  expect_tls_failed(settings);
}

TEST_F(HttpBadTlsPeer, ThatCutsABodyWithoutEndIsNotBelieved) {
  const PemFiles files = ca.issue({"server", {"IP:127.0.0.1"}});
  ssl::context context(ssl::context::tls_server);
  context.use_certificate_chain_file(files.certificate);
  context.use_private_key_file(files.key, ssl::context::pem);
  const auto script = [&](bool cleanly) -> Script {
    return [&context, cleanly](RawConnection& at) -> sdk::Awaitable<void> {
      const bool secured = co_await at.tls(context, ssl::stream_base::server);
      if (!secured) co_return;
      co_await at.message();
      std::string bytes = cleanly ? ok("whole") : "HTTP/1.1 200 OK\r\n\r\nhalf of i";
      co_await at.send(std::move(bytes));
    };
  };
  ScriptedPeer peer(host.io, {script(false), script(true)});
  connect(tls_client(peer.port()));
  const Answer answer = send(Call{});
  ASSERT_FALSE(answer.ok()) << answer.reply->body;  // in clear text it could not be told from a whole body
  expect(*answer.failure, FailureKind::Cut, Fault::InDoubt, true);
  EXPECT_EQ(send(Call{}).reply->body, "whole");
}

TEST_F(HttpBadTlsPeer, OurOwnFilesThatAreMissingAreToldAndReadAgain) {
  serve(tls_server(ca.issue({"server", {"IP:127.0.0.1"}})));
  ClientSettings settings = tls_client(port());
  settings.tls.ca = (folder / "later.pem").string();
  connect(settings);
  const Answer answer = send(get("/peer"));
  expect(*answer.failure, FailureKind::TlsFailed, Fault::Transient, false);
  EXPECT_THAT(answer.failure->error.message, HasSubstr("later.pem"));
  std::filesystem::copy_file(ca.certificate(), settings.tls.ca);
  EXPECT_TRUE(send(get("/peer")).ok());
}

}  // namespace
}  // namespace ami::http
