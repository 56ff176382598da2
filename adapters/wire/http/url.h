// The address of a peer.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "meter_model/result.h"

namespace ami::http {

struct Url {
  bool tls = false;
  std::string host;  // name or number, an IPv6 address without its brackets
  std::uint16_t port = 0;
  std::string target = "/";  // path and query

  [[nodiscard]] std::string authority()
      const;                               // for the Host header: the port only where it is not the usual
  [[nodiscard]] std::string peer() const;  // "https://host:port", for people
};

// "http://host[:port][/path]" or "https://…". Permanent: another scheme, credentials in it (they stand in
// files), a fragment, blanks or controls, a port outside 1…65535.
Result<Url> parse_url(std::string_view text);

// "host:port", "[2001:db8::1]:8443", "0.0.0.0:0". Port 0 is allowed: the system chooses.
struct Endpoint {
  std::string host;
  std::uint16_t port = 0;
};
Result<Endpoint> parse_endpoint(std::string_view text);

// Numeric loopback address or "localhost": what goes there does not leave the machine.
bool is_loopback(std::string_view host);

}  // namespace ami::http
