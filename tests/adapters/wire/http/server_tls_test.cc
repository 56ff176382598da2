// The server behind TLS: who gets in, what it learns of them, and certificates that change under way.
#include <gmock/gmock.h>

#include <boost/asio/ssl/verify_mode.hpp>

#include "tests/adapters/wire/http/http_scene.h"

namespace ami::http {
namespace {

using testing::HasSubstr;
using testing::StartsWith;
namespace ssl = asio::ssl;

class HttpServerTls : public HttpScene {
 public:
  HttpServerTls() : ca(folder, "ca"), other_ca(folder, "other-ca") {
    own = ca.issue({"server", {"DNS:localhost", "IP:127.0.0.1"}});
  }

  ServerSettings tls_server(ClientCertificates asked = ClientCertificates::None) const {
    ServerSettings settings = plain_server();
    settings.tls = TlsSettings{own.certificate, own.key,
                               asked == ClientCertificates::None ? "" : ca.certificate(), asked};
    return settings;
  }

  std::unique_ptr<ssl::context> trusting(const PemFiles* shown = nullptr) const {
    auto context = std::make_unique<ssl::context>(ssl::context::tls_client);
    context->load_verify_file(ca.certificate());
    context->set_verify_mode(ssl::verify_peer);
    if (shown != nullptr) {
      context->use_certificate_chain_file(shown->certificate);
      context->use_private_key_file(shown->key, ssl::context::pem);
    }
    return context;
  }

  // The body of GET /peer; empty when no TLS, or no answer, came about.
  std::string ask(ssl::context& context) {
    auto work = [](HttpServerTls& scene, ssl::context& with) -> sdk::Awaitable<std::string> {
      RawConnection connection(scene.host.io);
      co_await connection.open(scene.port());
      const bool secured = co_await connection.tls(with, ssl::stream_base::client);
      if (!secured) co_return "";
      co_await connection.send("GET /peer HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
      const std::string answer = co_await connection.message();
      const std::size_t body = answer.find("\r\n\r\n");
      co_return body == std::string::npos ? "" : answer.substr(body + 4);
    };
    return drive(work(*this, context));
  }

  TestCa ca, other_ca;
  PemFiles own;
};

TEST_F(HttpServerTls, ServesWithItsCertificate) {
  serve(tls_server());
  EXPECT_THAT(ask(*trusting()), StartsWith("127.0.0.1 tls=yes subject=- "));
}

TEST_F(HttpServerTls, TellsTheHandlerWhoTheClientIs) {
  serve(tls_server(ClientCertificates::Required));
  const PemFiles client = ca.issue({"ccs-1", {"DNS:ccs.example", "DNS:ccs2.example", "URI:urn:utility:ccs"}});
  EXPECT_THAT(ask(*trusting(&client)),
              HasSubstr("subject=CN=ccs-1 dns=ccs.example,ccs2.example uri=urn:utility:ccs user=-"));
}

TEST_F(HttpServerTls, TurnsAwayWhoShowsNoGoodCertificateAndServesTheNext) {
  Server& server = serve(tls_server(ClientCertificates::Required));
  const PemFiles stranger = other_ca.issue({"stranger", {}});
  const PemFiles expired = ca.issue({"expired", {}, -7200, -3600});
  EXPECT_EQ(ask(*trusting()), "");
  EXPECT_EQ(ask(*trusting(&stranger)), "");
  EXPECT_EQ(ask(*trusting(&expired)), "");
  run_until([&] { return server.counters().tls_failed == 3; });
  EXPECT_EQ(server.counters().requests, 0U);
  const PemFiles good = ca.issue({"good", {}});
  EXPECT_THAT(ask(*trusting(&good)), HasSubstr("subject=CN=good"));
}

TEST_F(HttpServerTls, TakesClientsWithoutCertificateWhereItIsOptionalButNoBadOne) {
  serve(tls_server(ClientCertificates::Optional));
  EXPECT_THAT(ask(*trusting()), HasSubstr("subject=- "));
  const PemFiles stranger = other_ca.issue({"stranger", {}});
  EXPECT_EQ(ask(*trusting(&stranger)), "");
  const PemFiles good = ca.issue({"good", {}});
  EXPECT_THAT(ask(*trusting(&good)), HasSubstr("subject=CN=good"));
}

TEST_F(HttpServerTls, OutlivesWhatIsNoTls) {
  ServerSettings settings = tls_server();
  settings.limits.header_time = std::chrono::milliseconds{600};
  Server& server = serve(settings);
  EXPECT_EQ(talk("GET /peer HTTP/1.1\r\nHost: h\r\n\r\n").find("200 OK"), std::string::npos);
  talk(std::string(2'000, '\xff'));
  talk("");
  auto silent = [](HttpServerTls& scene) -> sdk::Awaitable<std::string> {
    RawConnection connection(scene.host.io);
    co_await connection.open(scene.port());
    co_return co_await connection.rest();
  };
  EXPECT_EQ(drive(silent(*this)), "");
  run_until([&] { return server.counters().open == 0; });
  EXPECT_EQ(server.counters().tls_failed, 3U);
  EXPECT_EQ(server.counters().timeout_handshake, 1U);
  EXPECT_THAT(ask(*trusting()), HasSubstr("tls=yes"));
}

TEST_F(HttpServerTls, RefusesOldProtocols) {
  serve(tls_server());
  auto context = trusting();
  SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_VERSION);
  SSL_CTX_set_max_proto_version(context->native_handle(), TLS1_1_VERSION);
  SSL_CTX_set_security_level(context->native_handle(), 0);
  EXPECT_EQ(ask(*context), "");
  EXPECT_THAT(ask(*trusting()), HasSubstr("tls=yes"));
}

TEST_F(HttpServerTls, TakesRenewedCertificatesWithoutDroppingConnections) {
  Server& server = serve(tls_server());
  auto context = trusting();
  RawConnection kept(host.io);
  auto open = [](HttpServerTls& scene, RawConnection& connection,
                 ssl::context& with) -> sdk::Awaitable<bool> {
    co_await connection.open(scene.port());
    co_return co_await connection.tls(with, ssl::stream_base::client);
  };
  auto echo = [](RawConnection& connection) -> sdk::Awaitable<std::string> {
    co_await connection.send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi");
    co_return co_await connection.message();
  };
  ASSERT_TRUE(drive(open(*this, kept, *context)));
  EXPECT_THAT(drive(echo(kept)), HasSubstr("\r\n\r\nhi"));

  // From now on signed by the other CA, under the same file names.
  const PemFiles renewed = other_ca.issue({"renewed", {"DNS:localhost"}});
  std::filesystem::copy_file(renewed.certificate, own.certificate,
                             std::filesystem::copy_options::overwrite_existing);
  EXPECT_THAT(ask(*context), HasSubstr("tls=yes"));  // nobody has looked yet
  host.advance(std::chrono::seconds{61});
  EXPECT_THAT(ask(*context), HasSubstr("tls=yes"));  // key and certificate do not fit: the former ones stay
  EXPECT_EQ(host.log.count("HTTP_CERTIFICATES_KEPT"), 1U);
  std::filesystem::copy_file(renewed.key, own.key, std::filesystem::copy_options::overwrite_existing);
  host.advance(std::chrono::seconds{61});
  EXPECT_EQ(ask(*context), "");  // signed by the other one now
  ssl::context trusting_other(ssl::context::tls_client);
  trusting_other.load_verify_file(other_ca.certificate());
  trusting_other.set_verify_mode(ssl::verify_peer);
  EXPECT_THAT(ask(trusting_other), HasSubstr("tls=yes"));
  EXPECT_THAT(drive(echo(kept)), HasSubstr("\r\n\r\nhi"));  // begun with the first certificate
  EXPECT_TRUE(drive(server.reload_certificates()).ok());
}

TEST_F(HttpServerTls, CertificatesSayWhoSendsOnlyWhereTheyAreRequired) {
  for (const ClientCertificates asked :
       {ClientCertificates::None, ClientCertificates::Optional, ClientCertificates::Required}) {
    ServerSettings settings = tls_server(asked);
    settings.listen = {{"0.0.0.0", 0}};
    EXPECT_EQ(check(settings).ok(), asked == ClientCertificates::Required);
    settings.anonymous_senders = true;
    EXPECT_TRUE(check(settings).ok());
  }
}

TEST_F(HttpServerTls, SaysWhichFileIsWrong) {
  ServerSettings settings = tls_server(ClientCertificates::Required);
  EXPECT_TRUE(check(settings).ok());
  const auto message_of = [&](auto change) {
    ServerSettings bad = settings;
    change(*bad.tls);
    const Outcome outcome = check(bad);
    return outcome.ok() ? "no problem" : outcome.error().message;
  };
  EXPECT_THAT(message_of([](TlsSettings& t) { t.certificate = "/nonexistent.pem"; }),
              HasSubstr("/nonexistent.pem"));
  EXPECT_THAT(message_of([&](TlsSettings& t) { t.certificate = t.key; }), HasSubstr(own.key));
  EXPECT_THAT(message_of([](TlsSettings& t) { t.ca = "/nonexistent-ca.pem"; }),
              HasSubstr("/nonexistent-ca.pem"));
  EXPECT_THAT(message_of([](TlsSettings& t) { t.ca.clear(); }), HasSubstr("CA"));
  const PemFiles other = ca.issue({"other", {}});
  EXPECT_THAT(message_of([&](TlsSettings& t) { t.key = other.key; }), HasSubstr(other.key));
  std::filesystem::permissions(own.key, std::filesystem::perms::others_read,
                               std::filesystem::perm_options::add);
  EXPECT_THAT(message_of([](TlsSettings&) {}), HasSubstr("chmod"));
}

}  // namespace
}  // namespace ami::http
