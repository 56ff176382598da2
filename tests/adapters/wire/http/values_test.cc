// Headers, addresses, credentials and secrets.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "adapters/wire/http/answer.h"
#include "adapters/wire/http/credentials.h"
#include "adapters/wire/http/message.h"
#include "adapters/wire/http/url.h"

namespace ami::http {
namespace {

TEST(HttpHeaders, AreFoundWithoutRegardToCaseAndKeepTheirOrder) {
  Headers headers{{"SOAPAction", "\"a\""}, {"X-B", "1"}};
  headers.add("x-b", "2");
  ASSERT_NE(headers.find("soapaction"), nullptr);
  EXPECT_EQ(*headers.find("soapaction"), "\"a\"");
  EXPECT_EQ(headers.count("X-b"), 2U);
  headers.set("X-B", "3");
  EXPECT_EQ(headers.count("X-b"), 1U);
  EXPECT_EQ(headers.find("nothing"), nullptr);
}

TEST(HttpHeaders, ThatWouldBeginAnotherHeaderAreAProblem) {
  EXPECT_EQ(Headers({{"X-A", "one\ttwo \xC3\xA9"}}).problem(), "");
  EXPECT_NE(Headers({{"X-A", "one\r\nX-B: two"}}).problem(), "");
  EXPECT_NE(Headers({{"X-A", "one\ntwo"}}).problem(), "");
  EXPECT_NE(Headers({{"X-A", std::string("a\0b", 3)}}).problem(), "");
  EXPECT_NE(Headers({{"X A", "1"}}).problem(), "");
  EXPECT_NE(Headers({{"", "1"}}).problem(), "");
  EXPECT_NE(Headers({{"X-A:", "1"}}).problem(), "");
}

TEST(HttpUrl, HasItsUsualPortAndPath) {
  const Url plain_url = parse_url("http://ccs.example").value();
  EXPECT_FALSE(plain_url.tls);
  EXPECT_EQ(plain_url.port, 80);
  EXPECT_EQ(plain_url.target, "/");
  EXPECT_EQ(plain_url.authority(), "ccs.example");
  const Url url = parse_url("https://[2001:db8::1]:8443/MR_Server?x=1").value();
  EXPECT_TRUE(url.tls);
  EXPECT_EQ(url.host, "2001:db8::1");
  EXPECT_EQ(url.authority(), "[2001:db8::1]:8443");
  EXPECT_EQ(url.peer(), "https://[2001:db8::1]:8443");
  EXPECT_EQ(url.target, "/MR_Server?x=1");
  EXPECT_EQ(parse_url("https://h?x=1").value().target, "/?x=1");
}

TEST(HttpUrl, ThatCannotBeUsedIsRefusedAndItsPasswordNotRepeated) {
  for (const char* bad :
       {"", "ftp://h/", "h:80", "http://", "http://:80/", "http://h:0/", "http://h:65536/", "http://h:8x/",
        "http://h/a b", "http://h/a\nb", "http://h/#top", "http://[::1", "http://h_ö/", "http://[h]/"}) {
    EXPECT_FALSE(parse_url(bad).ok()) << bad;
  }
  const auto refused = parse_url("https://user:geheim@host/");
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().message.find("geheim"), std::string::npos);
}

TEST(HttpEndpoint, NeedsAPort) {
  EXPECT_EQ(parse_endpoint("0.0.0.0:0").value().port, 0);
  EXPECT_EQ(parse_endpoint("[::]:8443").value().host, "::");
  for (const char* bad : {"", "127.0.0.1", ":80", "1.2.3.4:", "1.2.3.4:70000", "::1:80"}) {
    EXPECT_FALSE(parse_endpoint(bad).ok()) << bad;
  }
}

TEST(HttpEndpoint, KnowsWhatStaysOnTheMachine) {
  EXPECT_TRUE(is_loopback("127.0.0.1"));
  EXPECT_TRUE(is_loopback("127.8.9.1"));
  EXPECT_TRUE(is_loopback("::1"));
  EXPECT_FALSE(is_loopback("127.0.0.1.example.com"));
  EXPECT_FALSE(is_loopback("10.0.0.1"));
  EXPECT_FALSE(is_loopback("0.0.0.0"));
}

TEST(HttpBasic, IsReadAsRfc7617Writes) {
  // The example of RFC 7617 section 2.
  const auto credentials = parse_basic("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
  ASSERT_TRUE(credentials);
  EXPECT_EQ(credentials->user, "Aladdin");
  EXPECT_EQ(credentials->password.reveal(), "open sesame");
  EXPECT_EQ(to_authorization(*credentials).reveal(), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
  EXPECT_TRUE(parse_basic("bAsIc  QWxhZGRpbjpvcGVuIHNlc2FtZQ=="));
  EXPECT_EQ(parse_basic("Basic dTpwOnc=")->password.reveal(), "p:w");  // u:p:w
  EXPECT_EQ(parse_basic("Basic dTo=")->password.reveal(), "");         // u:
}

TEST(HttpBasic, ThatIsMalformedIsNobody) {
  for (const char* bad :
       {"", "Basic", "Basic ", "Bearer QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Basic QWxhZGRpbjpvcGVu!!!!",
        "Basic QQ", "Basic Q===", "Basic ====", "Basic dT=6cA==", "Basic QWxhZGRpbg==",  // no colon
        "Basic dTpw dTpw", "Basic dToKcA=="}) {                                          // u:\np
    EXPECT_FALSE(parse_basic(bad)) << bad;
  }
}

class HttpSecretFile : public testing::Test {
 protected:
  HttpSecretFile() {
    std::string name = (std::filesystem::temp_directory_path() / "ami-secret-XXXXXX").string();
    folder = ::mkdtemp(name.data());
    path = folder / "password";
  }
  ~HttpSecretFile() override { std::filesystem::remove_all(folder); }
  void write(const std::string& text, mode_t mode) {
    std::ofstream(path, std::ios::binary) << text;
    ::chmod(path.c_str(), mode);
  }
  std::filesystem::path folder, path;
};

TEST_F(HttpSecretFile, IsReadWithoutItsLineEnd) {
  write("p@ss word\r\n", 0400);
  EXPECT_EQ(load_secret(path.string()).value().reveal(), "p@ss word");
  std::filesystem::remove(path);
  write("x", 0440);
  EXPECT_EQ(load_secret(path.string()).value().reveal(), "x");
}

TEST_F(HttpSecretFile, ThatIsOpenToOthersIsRefusedWithWhatToDo) {
  for (const mode_t mode : {0404U, 0444U, 0420U, 0402U, 0401U}) {
    write("secret-word\n", mode);
    const auto refused = load_secret(path.string());
    ASSERT_FALSE(refused.ok()) << mode;
    EXPECT_EQ(refused.error().fault, Fault::Permanent);
    EXPECT_NE(refused.error().message.find("chmod"), std::string::npos);
    EXPECT_EQ(refused.error().message.find("secret-word"), std::string::npos);
    std::filesystem::remove(path);
  }
}

TEST_F(HttpSecretFile, ThatIsNoSecretIsRefused) {
  EXPECT_FALSE(load_secret(path.string()).ok());
  EXPECT_FALSE(load_secret(folder.string()).ok());
  for (const std::string& text : {std::string(), std::string("\n"), std::string("one\ntwo\n"),
                                  std::string("a\0b", 3), std::string(70'000, 'x')}) {
    write(text, 0600);
    EXPECT_FALSE(load_secret(path.string()).ok()) << text.size();
    std::filesystem::remove(path);
  }
}

TEST(HttpRetryAfter, IsSecondsOrADate) {
  using std::chrono::milliseconds;
  const UtcInstant now = parse_instant("1994-11-06T08:49:30Z").value();
  EXPECT_EQ(parse_retry_after("120", now), milliseconds{120'000});
  EXPECT_EQ(parse_retry_after("0", now), milliseconds{0});
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", now), milliseconds{7'000});  // RFC 9110 5.6.7
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:49:00 GMT", now), milliseconds{0});
  EXPECT_EQ(parse_retry_after("99999999999999", now), milliseconds{86'400'000});  // never waited for longer
  for (const char* bad :
       {"", "-1", "soon", "1.5", "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 32 Nov 1994 08:49:37 GMT",
        "Sun, 06 Foo 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT"}) {
    EXPECT_FALSE(parse_retry_after(bad, now)) << bad;
  }
}

struct Meaning {
  int status;
  const char* retry_after;
  FailureKind kind;
  Fault fault;
};

TEST(HttpAnswer, OfEveryStatusHasOneMeaning) {
  const Meaning meanings[] = {
      {301, nullptr, FailureKind::Redirected, Fault::Permanent},
      {302, nullptr, FailureKind::Redirected, Fault::Permanent},
      {303, nullptr, FailureKind::Redirected, Fault::InDoubt},
      {307, nullptr, FailureKind::Redirected, Fault::Permanent},
      {400, nullptr, FailureKind::Refused, Fault::Permanent},
      {401, nullptr, FailureKind::Unauthorized, Fault::Permanent},
      {403, nullptr, FailureKind::Unauthorized, Fault::Permanent},
      {404, nullptr, FailureKind::Refused, Fault::Permanent},
      {408, nullptr, FailureKind::Busy, Fault::Transient},
      {413, nullptr, FailureKind::Refused, Fault::Permanent},
      {429, "2", FailureKind::Busy, Fault::Transient},
      {500, nullptr, FailureKind::ServerError, Fault::InDoubt},
      {501, nullptr, FailureKind::Refused, Fault::Permanent},
      {502, nullptr, FailureKind::ServerError, Fault::InDoubt},
      {503, nullptr, FailureKind::ServerError, Fault::InDoubt},
      {503, "2", FailureKind::Busy, Fault::Transient},
      {504, "2", FailureKind::ServerError, Fault::InDoubt},
      {999, nullptr, FailureKind::ServerError, Fault::InDoubt},
  };
  for (const Meaning& meaning : meanings) {
    Reply reply;
    reply.status = meaning.status;
    if (meaning.retry_after != nullptr) reply.headers.add("retry-after", meaning.retry_after);
    const auto failure = judge(reply, "https://p:1", UtcInstant{});
    ASSERT_TRUE(failure) << meaning.status;
    EXPECT_EQ(name_of(failure->kind), name_of(meaning.kind)) << meaning.status;
    EXPECT_EQ(failure->error.fault, meaning.fault) << meaning.status;
    EXPECT_TRUE(failure->sent);
    EXPECT_TRUE(failure->error.message.starts_with("https://p:1 answered " + std::to_string(meaning.status)));
  }
  for (const int status : {200, 201, 202, 204}) {
    EXPECT_FALSE(judge(Reply{status, {}, {}}, "p", UtcInstant{})) << status;
  }
}

TEST(HttpAnswer, NamesWhereARedirectPointsButNoCredentialsOfIt) {
  Reply reply{302, {{"Location", "https://user:geheim@evil.example/login?token=abc"}}, {}};
  const std::string text = judge(reply, "p", UtcInstant{})->error.message;
  EXPECT_NE(text.find("https://evil.example/login"), std::string::npos) << text;
  EXPECT_EQ(text.find("geheim"), std::string::npos) << text;
  EXPECT_EQ(text.find("abc"), std::string::npos) << text;
}

}  // namespace
}  // namespace ami::http
