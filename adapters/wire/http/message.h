// Requests and answers as values. Nothing here knows sockets, TLS or a library.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/wire/http/credentials.h"

namespace ami::http {

struct Header {
  std::string name, value;
};

// In the order in which they came; names without regard to case.
class Headers {
 public:
  Headers() = default;
  Headers(std::initializer_list<Header> headers) : headers_(headers) {}

  void add(std::string name, std::string value);
  void set(std::string_view name, std::string value);  // replaces all of that name
  void erase(std::string_view name);
  [[nodiscard]] const std::string* find(std::string_view name) const;  // the first; null = none
  [[nodiscard]] std::size_t count(std::string_view name) const;
  [[nodiscard]] const std::vector<Header>& all() const noexcept { return headers_; }
  // Empty when each may be written as it stands; else what is wrong: a name that is no token, or a line end
  // or another control in a value, which would begin a header of its own.
  [[nodiscard]] std::string problem() const;

 private:
  std::vector<Header> headers_;
};

bool same_name(std::string_view a, std::string_view b);  // ASCII letters without regard to case
bool is_token(std::string_view text);                    // RFC 9110 5.6.2

// What a client proved with its certificate, checked against the CA file.
struct ClientCertificate {
  std::string subject;                 // RFC 2253: "CN=ccs-1,O=Utility"
  std::vector<std::string> dns_names;  // subject alternative names
  std::vector<std::string> uris;
  std::string sha256;  // of the certificate, 64 lower-case hex digits
};

struct Peer {
  std::string address;  // numeric; IPv4 as such where it came in as mapped IPv6
  std::uint16_t port = 0;
  bool tls = false;
  std::optional<ClientCertificate> certificate;
};

struct Request {
  Request() = default;  // no aggregate, as Response, for GCC 12 frees a temporary one twice within co_await

  std::string method;  // as sent
  std::string path;    // as sent, not unescaped, without query
  std::string query;   // behind the "?"
  Headers headers;     // without Authorization: that is `credentials`, so that headers may be logged
  std::string body;    // chunks joined
  Peer peer;
  std::optional<BasicCredentials> credentials;  // absent also when what was sent is not well formed
};

struct Response {
  Response() = default;

  int status = 200;
  Headers headers;  // Content-Length, Connection and Date are added; those given here are dropped
  std::string body;
  bool close = false;  // ends the connection after this answer
};

// Text of a status ("Not Found"); "Status" where it has no common one.
std::string_view reason_of(int status);

// A short answer in plain text.
Response plain(int status, std::string text);

}  // namespace ami::http
