#include "daemon/http/address.h"

#include <boost/asio/ip/address.hpp>
#include <charconv>

namespace ami::daemon {

Result<ListenAddress> parse_address(std::string_view text) {
  const auto refuse = [&](const char* why) {
    return permanent("\"" + std::string(text.substr(0, 80)) + "\": " + why +
                     "; an address looks like 127.0.0.1:9464 or [::1]:9464");
  };
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return refuse("no port");
  auto host = text.substr(0, colon);
  const auto digits = text.substr(colon + 1);
  ListenAddress address;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), address.port);
  if (error != std::errc{} || end != digits.data() + digits.size()) return refuse("port is not 0 to 65535");
  if (host == "localhost") host = "127.0.0.1";
  const bool brackets = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (brackets) host = host.substr(1, host.size() - 2);
  boost::system::error_code bad;
  const auto ip = boost::asio::ip::make_address(std::string(host), bad);
  if (bad) return refuse("host is not a numeric IP address");
  if (ip.is_v6() != brackets) return refuse("an IPv6 address stands in [ ]");
  address.host = ip.to_string();
  address.loopback = ip.is_loopback();
  return address;
}

}  // namespace ami::daemon
