// The keys that every family offers, and what is said of wrong ones.
#include "adapters/wire/http/http_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

namespace ami::http {
namespace {

using testing::HasSubstr;
using testing::Not;

class HttpSettings : public testing::Test {
 protected:
  HttpSettings() {
    std::string name = (std::filesystem::temp_directory_path() / "ami-http-settings-XXXXXX").string();
    folder = ::mkdtemp(name.data());
    std::ofstream(folder / "password") << "geheim\n";
    ::chmod((folder / "password").c_str(), 0400);
  }
  ~HttpSettings() override { std::filesystem::remove_all(folder); }

  // Checks `yaml` as the section "http" of a feed file.
  sdk::LoadedSettings load(const std::string& yaml, std::vector<sdk::SettingDef> section) {
    sdk::SettingsSchema schema;
    schema.title = "feed";
    schema.settings = {{.key = "http", .kind = sdk::SettingKind::Section, .section = std::move(section)}};
    return sdk::load_settings_text("http:\n" + yaml, (folder / "feed.yaml").string(), schema);
  }
  Result<ServerSettings> server(const std::string& yaml) {
    const auto loaded = load(yaml, server_settings());
    if (!loaded.problems.empty()) return permanent(sdk::to_text(loaded.problems));
    return server_config(loaded.settings.section("http"));
  }
  Result<ClientSettings> client(const std::string& yaml) {
    const auto loaded = load(yaml, client_settings());
    if (!loaded.problems.empty()) return permanent(sdk::to_text(loaded.problems));
    return client_config(loaded.settings.section("http"));
  }
  std::filesystem::path folder;
};

TEST_F(HttpSettings, DefaultsAreThoseOfTheStructs) {
  const auto config = server("  listen: ['127.0.0.1:8080', '[::1]:0']\n");
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(config->listen.at(1).host, "::1");
  EXPECT_FALSE(config->tls);
  const ServerLimits& read = config->limits;
  const ServerLimits standard;
  EXPECT_EQ(read.connections, standard.connections);
  EXPECT_EQ(read.connections_per_address, standard.connections_per_address);
  EXPECT_EQ(read.header_bytes, standard.header_bytes);
  EXPECT_EQ(read.body_bytes, standard.body_bytes);
  EXPECT_EQ(read.buffered_bytes, standard.buffered_bytes);
  EXPECT_EQ(read.requests_in_work, standard.requests_in_work);
  EXPECT_EQ(read.requests_per_connection, standard.requests_per_connection);
  EXPECT_EQ(read.header_time, standard.header_time);
  EXPECT_EQ(read.request_time, standard.request_time);
  EXPECT_EQ(read.rate_grace, standard.rate_grace);
  EXPECT_EQ(read.min_rate, standard.min_rate);
  EXPECT_EQ(read.idle_time, standard.idle_time);
  EXPECT_EQ(read.retry_after, standard.retry_after);
  EXPECT_EQ(read.stop_grace, standard.stop_grace);

  const auto peer = client("  url: http://127.0.0.1:8080/x\n");
  ASSERT_TRUE(peer.ok()) << peer.error().message;
  const ClientLimits& limits = peer->limits;
  const ClientLimits client_standard;
  EXPECT_EQ(limits.connections, client_standard.connections);
  EXPECT_EQ(limits.waiting, client_standard.waiting);
  EXPECT_EQ(limits.header_bytes, client_standard.header_bytes);
  EXPECT_EQ(limits.body_bytes, client_standard.body_bytes);
  EXPECT_EQ(limits.connect_time, client_standard.connect_time);
  EXPECT_EQ(limits.tls_time, client_standard.tls_time);
  EXPECT_EQ(limits.request_time, client_standard.request_time);
  EXPECT_EQ(limits.idle_time, client_standard.idle_time);
  EXPECT_EQ(peer->breaker.failures, BreakerSettings().failures);
  EXPECT_EQ(peer->breaker.open_for, BreakerSettings().open_for);

  const auto loaded = load("  attempts: 5\n", retry_settings());
  const RetrySettings retry = retry_config(loaded.settings.section("http")), retry_standard;
  EXPECT_EQ(retry.attempts, retry_standard.attempts);
  EXPECT_EQ(retry.base, retry_standard.base);
  EXPECT_EQ(retry.cap, retry_standard.cap);
  EXPECT_EQ(retry.first, retry_standard.first);
}

TEST_F(HttpSettings, TakeWhatIsWritten) {
  const auto config = server(
      "  listen: ['127.0.0.1:1']\n  user: ccs\n  password_file: password\n  max_body: 1MiB\n  min_rate: 500\n"
      "  retry_after: 1500ms\n  idle_time: 2m\n");
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(config->basic->user, "ccs");
  EXPECT_EQ(config->basic->password.reveal(), "geheim");
  EXPECT_EQ(config->limits.body_bytes, 1U << 20);
  EXPECT_EQ(config->limits.min_rate, 500U);
  EXPECT_EQ(config->limits.retry_after, std::chrono::seconds{2});
  EXPECT_EQ(config->limits.idle_time, std::chrono::milliseconds{120'000});
  const auto guarded = server(
      "  listen: ['0.0.0.0:1']\n  header_user: 'a:b'\n  header_password_file: password\n"
      "  plain_credentials: true\n");
  ASSERT_TRUE(guarded.ok()) << guarded.error().message;
  EXPECT_FALSE(guarded->basic.has_value());
  EXPECT_EQ(guarded->in_message->user, "a:b") << "a colon is no matter of a message";
  EXPECT_EQ(guarded->in_message->password.reveal(), "geheim");
  EXPECT_TRUE(server("  listen: ['0.0.0.0:1']\n  anonymous_senders: true\n").ok());
  const auto peer = client(
      "  url: http://localhost:8080/x\n  user: u\n  password_file: password\n"
      "  headers: ['X-Site: 7', 'X-Empty:']\n  breaker_failures: 0\n");
  ASSERT_TRUE(peer.ok()) << peer.error().message;
  EXPECT_EQ(*peer->headers.find("X-Site"), "7");
  EXPECT_EQ(*peer->headers.find("X-Empty"), "");
  EXPECT_EQ(peer->breaker.failures, 0);
}

TEST_F(HttpSettings, CredentialsInTheMessagesToAPeerCountLikeThoseOfHttp) {
  const auto carrying = [&](const std::string& yaml) {
    const auto loaded = load(yaml, client_settings());
    const auto config = client_config(loaded.settings.section("http"), true);
    return config.ok() ? "no problem" : config.error().message;
  };
  EXPECT_THAT(carrying("  url: http://head-end.example/x\n"),
              HasSubstr("feed.yaml:2: url: user and password would cross the network in clear text to "
                        "head-end.example"));
  EXPECT_EQ(carrying("  url: https://head-end.example/x\n"), "no problem");
  EXPECT_EQ(carrying("  url: http://127.0.0.1/x\n"), "no problem");
  EXPECT_EQ(carrying("  url: http://head-end.example/x\n  plain_credentials: true\n"), "no problem");
  EXPECT_TRUE(client("  url: http://head-end.example/x\n").ok());
}

TEST_F(HttpSettings, SayWhatIsWrongAndWhereWithoutThePassword) {
  const auto wrong_server = [&](const std::string& yaml) {
    const auto config = server(yaml);
    const std::string text = config.ok() ? "no problem" : config.error().message;
    EXPECT_THAT(text, Not(HasSubstr("geheim")));
    return text;
  };
  const auto wrong_client = [&](const std::string& yaml) {
    const auto config = client(yaml);
    const std::string text = config.ok() ? "no problem" : config.error().message;
    EXPECT_THAT(text, Not(HasSubstr("geheim")));
    return text;
  };
  const std::string at = "  listen: ['127.0.0.1:1']\n";
  EXPECT_THAT(wrong_server("  max_body: 1MiB\n"), HasSubstr("listen"));
  EXPECT_THAT(wrong_server("  listen: ['localhost:80']\n"), HasSubstr("localhost"));
  EXPECT_THAT(wrong_server("  listen: ['127.0.0.1']\n"), HasSubstr("feed.yaml:2: listen"));
  EXPECT_THAT(wrong_server(at + "  max_bodies: 1\n"), HasSubstr("max_body"));
  EXPECT_THAT(wrong_server(at + "  max_body: 17MiB\n"), HasSubstr("max_body"));
  EXPECT_THAT(wrong_server(at + "  user: ccs\n"), HasSubstr("feed.yaml:3: user: needs password_file"));
  EXPECT_THAT(wrong_server(at + "  password_file: password\n"), HasSubstr("password_file"));
  EXPECT_THAT(wrong_server(at + "  user: 'a:b'\n  password_file: password\n"), HasSubstr("colon"));
  EXPECT_THAT(wrong_server(at + "  user: a\n  password_file: none\n"), HasSubstr("none"));
  EXPECT_THAT(wrong_server(at + "  certificate: c.pem\n"), HasSubstr("needs key"));
  EXPECT_THAT(wrong_server(at + "  key: c.pem\n"), HasSubstr("needs certificate"));
  EXPECT_THAT(wrong_server(at + "  client_certificates: required\n"), HasSubstr("TLS"));
  EXPECT_THAT(wrong_server(at + "  certificate: c.pem\n  key: k.pem\n"), HasSubstr("c.pem"));
  EXPECT_THAT(wrong_server("  listen: ['0.0.0.0:1']\n  user: a\n  password_file: password\n"),
              HasSubstr("clear text"));
  EXPECT_THAT(wrong_server(at + "  header_user: a\n"),
              HasSubstr("feed.yaml:3: header_user: needs header_password_file"));
  EXPECT_THAT(wrong_server(at + "  header_password_file: password\n"), HasSubstr("without header_user"));
  EXPECT_THAT(wrong_server("  listen: ['0.0.0.0:1']\n  header_user: a\n  header_password_file: password\n"),
              HasSubstr("clear text"));
  EXPECT_THAT(wrong_server("  listen: ['0.0.0.0:1']\n"), HasSubstr("feed.yaml:2: listen: anybody"));
  EXPECT_THAT(wrong_server("  listen: ['0.0.0.0:1']\n  client_certificates: required\n"), HasSubstr("TLS"));
  EXPECT_THAT(wrong_client("  url: ftp://h\n"), HasSubstr("feed.yaml:2: url"));
  EXPECT_THAT(wrong_client("  url: http://u:geheim@h/\n"), HasSubstr("password_file"));
  EXPECT_THAT(wrong_client("  url: http://h/\n  user: a\n  password_file: password\n"),
              HasSubstr("clear text"));
  EXPECT_THAT(wrong_client("  url: http://h/\n  headers: ['X']\n"), HasSubstr("Name: value"));
  EXPECT_THAT(wrong_client("  url: http://h/\n  headers: ['Authorization: Basic Z2VoZWlt']\n"),
              HasSubstr("secret"));
  EXPECT_THAT(wrong_client("  url: https://h/\n  ca: none.pem\n"), HasSubstr("none.pem"));
  ::chmod((folder / "password").c_str(), 0444);
  EXPECT_THAT(wrong_server(at + "  user: a\n  password_file: password\n"), HasSubstr("chmod"));
}

TEST_F(HttpSettings, EveryKeyHasItsLineInTheDocumentation) {
  const char* source = std::getenv("AMI_SOURCE_DIR");
  std::ifstream file(std::filesystem::path(source != nullptr ? source : ".") / "docs/http.md");
  const std::string page((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  ASSERT_FALSE(page.empty());
  for (const auto& defs : {server_settings(), client_settings(), retry_settings()}) {
    for (const sdk::SettingDef& def : defs) {
      EXPECT_THAT(page, HasSubstr("`" + def.key + "`")) << def.key;
      if (!def.default_value.empty() && def.kind != sdk::SettingKind::Boolean) {
        EXPECT_THAT(page, HasSubstr("`" + def.key + "` | " + def.default_value + " |"));
      }
    }
  }
}

}  // namespace
}  // namespace ami::http
