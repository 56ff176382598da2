#include "adapters/wire/http/http_settings.h"

#include <string>
#include <utility>

namespace ami::http {
namespace {

using sdk::SettingDef;
using sdk::SettingKind;

constexpr std::int64_t kDay = 86'400'000;  // ms

SettingDef path(const char* key, const char* doc) {
  return {.key = key, .kind = SettingKind::Path, .doc = doc};
}
SettingDef text(const char* key, const char* doc) {
  return {.key = key, .kind = SettingKind::Text, .doc = doc};
}
SettingDef count(const char* key, const char* standard, std::int64_t min, std::int64_t max, const char* doc) {
  return {.key = key,
          .kind = SettingKind::Integer,
          .doc = doc,
          .default_value = standard,
          .min = min,
          .max = max};
}
SettingDef bytes(const char* key, const char* standard, std::int64_t min, std::int64_t max, const char* doc) {
  return {
      .key = key, .kind = SettingKind::Bytes, .doc = doc, .default_value = standard, .min = min, .max = max};
}
SettingDef time(const char* key, const char* standard, std::int64_t min, const char* doc) {
  return {.key = key,
          .kind = SettingKind::Duration,
          .doc = doc,
          .default_value = standard,
          .min = min,
          .max = kDay};
}

SettingDef permission(const char* key, const char* doc) {
  return {.key = key, .kind = SettingKind::Boolean, .doc = doc, .default_value = "false"};
}

std::vector<SettingDef> credential_settings() {
  return {
      text("user", "User name of HTTP Basic. Needs password_file."),
      path("password_file", "File with the password: one line, closed to others (mode 0400 or 0440)."),
      permission(
          "plain_credentials",
          "Allows user and password without TLS beyond this machine, in clear text for all on the way."),
  };
}

void append(std::vector<SettingDef>& to, std::vector<SettingDef> more) {
  for (SettingDef& def : more) to.push_back(std::move(def));
}

std::size_t size(const sdk::Settings& section, const char* key) {
  return static_cast<std::size_t>(section.integer(key));
}

Error at(const sdk::Settings& section, const char* key, const std::string& message) {
  return permanent(section.file() + ":" + std::to_string(section.line(key)) + ": " + key + ": " + message);
}

// Of these two keys, where both are there.
Result<std::optional<BasicCredentials>> credentials_of(const sdk::Settings& section, const char* user_key,
                                                       const char* file_key) {
  const std::string& user = section.text(user_key);
  const std::string& file = section.text(file_key);
  if (user.empty() && file.empty()) return std::optional<BasicCredentials>();
  if (user.empty())
    return at(section, file_key, "without " + std::string(user_key) + " it is the password of nobody");
  if (file.empty()) return at(section, user_key, "needs " + std::string(file_key));
  Result<Secret> password = load_secret(file);
  if (!password) return at(section, file_key, password.error().message);
  return std::optional<BasicCredentials>(BasicCredentials{user, std::move(password.value())});
}

Result<std::optional<BasicCredentials>> basic_credentials(const sdk::Settings& section) {
  if (section.text("user").find(':') != std::string::npos)
    return at(section, "user", "HTTP Basic allows no colon in a user name");
  return credentials_of(section, "user", "password_file");
}

Outcome read_certificate(const sdk::Settings& section, TlsSettings& out) {
  out.certificate = section.text("certificate");
  out.key = section.text("key");
  if (out.certificate.empty() && !out.key.empty()) return at(section, "key", "needs certificate");
  if (!out.certificate.empty() && out.key.empty()) return at(section, "certificate", "needs key");
  return Done{};
}

}  // namespace

std::vector<SettingDef> server_settings() {
  std::vector<SettingDef> defs{
      {.key = "listen",
       .kind = SettingKind::List,
       .doc = "Addresses to listen on: 10.1.2.3:8443, 0.0.0.0:8443, [::]:8443.",
       .required = true},
      path("certificate", "PEM file with the server's certificate chain, leaf first. Without it no TLS."),
      path("key", "PEM file with its private key, closed to others."),
      path("client_ca", "PEM file with the CA certificates that may have signed a client's certificate."),
      {.key = "client_certificates",
       .kind = SettingKind::Choice,
       .doc = "Whether a client must show a certificate signed by client_ca.",
       .default_value = "none",
       .choices = {"none", "optional", "required"}},
  };
  append(defs, credential_settings());
  append(
      defs,
      {
          text("header_user",
               "User that each message must show itself, where its format has a place for it. Needs "
               "header_password_file. Left out, messages are not looked at for one."),
          path("header_password_file",
               "File with its password: one line, closed to others (mode 0400 or 0440)."),
          permission("anonymous_senders",
                     "Allows to listen beyond this machine without asking for user, header_user or "
                     "client_certificates: required. Anybody who reaches the port can then post readings."),
          count("max_connections", "10000", 1, 1'000'000,
                "Connections at once. Further ones get 503 and are closed."),
          count("max_connections_per_address", "1000", 1, 1'000'000, "Of them, from one address."),
          bytes("max_header", "16KiB", 1 << 10, 1 << 20, "Largest header of a request; beyond: 431."),
          bytes("max_body", "8MiB", 1, 16 << 20, "Largest body of a request; beyond: 413."),
          bytes("max_buffered", "256MiB", 1, std::int64_t{64} << 30,
                "Bodies of all requests under way together; beyond: 503 with Retry-After."),
          count("max_in_work", "64", 1, 100'000, "Requests worked on at once; beyond: 503 with Retry-After."),
          count("requests_per_connection", "100000", 1, 1'000'000'000,
                "After so many requests a connection is closed behind its answer."),
          time("header_time", "10s", 1, "For the TLS handshake, and for the header of a request."),
          time("request_time", "120s", 1, "For a request from its first byte to its last; beyond: 408."),
          time("rate_grace", "10s", 1, "How long a body, or an answer, may go without reaching min_rate."),
          bytes("min_rate", "1KiB", 1, 1 << 30,
                "Bytes a second of a body, or of an answer being read; beyond: 408."),
          time("idle_time", "60s", 1, "How long a connection is kept between requests."),
          {.key = "retry_after",
           .kind = SettingKind::Duration,
           .doc = "What a 503 asks the sender to wait, in whole seconds.",
           .default_value = "5s",
           .min = 1'000,
           .max = 3'600'000},
          time("stop_grace", "10s", 1,
               "How long requests under way may take to finish when the server stops."),
      });
  return defs;
}

std::vector<SettingDef> client_settings() {
  std::vector<SettingDef> defs{
      {.key = "url",
       .kind = SettingKind::Text,
       .doc = "Address of the peer: https://host:8443/path. Credentials do not stand in it.",
       .required = true},
      path("ca",
           "PEM file with the CA certificates that may have signed the peer's. Without it: the system's."),
      path("certificate", "PEM file with our own certificate chain, leaf first, if the peer asks for one."),
      path("key", "PEM file with its private key, closed to others."),
      text("server_name", "Name that the peer's certificate must have. Without it: the host of url."),
  };
  append(defs, credential_settings());
  append(defs,
         {
             {.key = "headers",
              .kind = SettingKind::List,
              .doc = "Headers of every request, each as 'Name: value'. No secrets."},
             count("max_connections", "8", 1, 10'000, "Connections to the peer at once."),
             count("max_waiting", "256", 0, 1'000'000,
                   "Requests that wait for a connection; further ones fail at once."),
             bytes("max_answer_header", "32KiB", 1 << 10, 1 << 20, "Largest header of an answer."),
             bytes("max_answer", "16MiB", 1, 1 << 30, "Largest body of an answer."),
             time("connect_time", "5s", 1, "For the look-up of the name and the connection."),
             time("tls_time", "10s", 1, "For the TLS handshake."),
             time("request_time", "60s", 1, "For a request from start to the last byte of its answer."),
             time("idle_time", "15s", 1, "How long a connection is kept for the next request."),
             count("breaker_failures", "5", 0, 1'000'000,
                   "After so many failures in a row the peer is left alone for breaker_open_for; 0 = never."),
             time("breaker_open_for", "30s", 1, "How long, until one request is let through as a probe."),
         });
  return defs;
}

std::vector<SettingDef> retry_settings() {
  return {
      count("attempts", "5", 1, 1'000, "Attempts in all."),
      time("base", "500ms", 1,
           "The pause after the first failure is drawn from 0 to this; doubles each time."),
      time("cap", "60s", 1, "Longest pause, also of what a peer asks for by Retry-After."),
      time("first", "0s", 0,
           "The pause before the first attempt is drawn from 0 to this, so that not all leave at once."),
  };
}

Result<ServerSettings> server_config(const sdk::Settings& section) {
  ServerSettings config;
  for (const std::string& text_of_endpoint : section.list("listen")) {
    Result<Endpoint> endpoint = parse_endpoint(text_of_endpoint);
    if (!endpoint) return at(section, "listen", endpoint.error().message);
    config.listen.push_back(std::move(endpoint.value()));
  }
  TlsSettings tls;
  if (Outcome read = read_certificate(section, tls); !read) return read.error();
  tls.ca = section.text("client_ca");
  const std::string& asked = section.text("client_certificates");
  if (asked == "optional") tls.client_certificates = ClientCertificates::Optional;
  if (asked == "required") tls.client_certificates = ClientCertificates::Required;
  if (!tls.certificate.empty()) {
    config.tls = tls;
  } else if (asked != "none" || !tls.ca.empty()) {
    return at(section, "client_certificates", "client certificates need TLS: set certificate and key");
  }
  auto basic = basic_credentials(section);
  if (!basic) return basic.error();
  config.basic = std::move(basic.value());
  auto in_message = header_credentials(section);
  if (!in_message) return in_message.error();
  config.in_message = std::move(in_message.value());
  config.plain_credentials = section.boolean("plain_credentials");
  config.anonymous_senders = section.boolean("anonymous_senders");

  ServerLimits& limits = config.limits;
  limits.connections = size(section, "max_connections");
  limits.connections_per_address = size(section, "max_connections_per_address");
  limits.header_bytes = static_cast<std::uint32_t>(section.integer("max_header"));
  limits.body_bytes = size(section, "max_body");
  limits.buffered_bytes = size(section, "max_buffered");
  limits.requests_in_work = size(section, "max_in_work");
  limits.requests_per_connection = size(section, "requests_per_connection");
  limits.header_time = section.duration("header_time");
  limits.request_time = section.duration("request_time");
  limits.rate_grace = section.duration("rate_grace");
  limits.min_rate = size(section, "min_rate");
  limits.idle_time = section.duration("idle_time");
  limits.retry_after = std::chrono::ceil<std::chrono::seconds>(section.duration("retry_after"));
  limits.stop_grace = section.duration("stop_grace");
  if (Outcome good = check(config); !good) return at(section, "listen", good.error().message);
  return config;
}

Result<std::optional<BasicCredentials>> header_credentials(const sdk::Settings& section) {
  return credentials_of(section, "header_user", "header_password_file");
}

Result<ClientSettings> client_config(const sdk::Settings& section, bool message_credentials) {
  ClientSettings config;
  Result<Url> url = parse_url(section.text("url"));
  if (!url) return at(section, "url", url.error().message);
  config.url = std::move(url.value());
  if (Outcome read = read_certificate(section, config.tls); !read) return read.error();
  config.tls.ca = section.text("ca");
  config.server_name = section.text("server_name");
  auto basic = basic_credentials(section);
  if (!basic) return basic.error();
  config.basic = std::move(basic.value());
  config.message_credentials = message_credentials;
  config.plain_credentials = section.boolean("plain_credentials");
  for (const std::string& line : section.list("headers")) {
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos) return at(section, "headers", "write each as 'Name: value'");
    const std::size_t value = line.find_first_not_of(' ', colon + 1);
    const std::string name = line.substr(0, colon);
    if (same_name(name, "Authorization")) {
      return at(section, "headers", "Authorization is a secret: write user and password_file");
    }
    config.headers.add(name, value == std::string::npos ? "" : line.substr(value));
  }
  ClientLimits& limits = config.limits;
  limits.connections = size(section, "max_connections");
  limits.waiting = size(section, "max_waiting");
  limits.header_bytes = static_cast<std::uint32_t>(section.integer("max_answer_header"));
  limits.body_bytes = size(section, "max_answer");
  limits.connect_time = section.duration("connect_time");
  limits.tls_time = section.duration("tls_time");
  limits.request_time = section.duration("request_time");
  limits.idle_time = section.duration("idle_time");
  config.breaker.failures = static_cast<int>(section.integer("breaker_failures"));
  config.breaker.open_for = section.duration("breaker_open_for");
  if (Outcome good = check(config); !good) return at(section, "url", good.error().message);
  return config;
}

RetrySettings retry_config(const sdk::Settings& section) {
  RetrySettings config;
  config.attempts = static_cast<int>(section.integer("attempts"));
  config.base = section.duration("base");
  config.cap = section.duration("cap");
  config.first = section.duration("first");
  return config;
}

}  // namespace ami::http
