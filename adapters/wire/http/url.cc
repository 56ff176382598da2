#include "adapters/wire/http/url.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace ami::http {
namespace {

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return port;
}

// host[:port] or [v6][:port]. The port is 0 where none is written.
std::optional<Endpoint> parse_authority(std::string_view text, bool& has_port) {
  Endpoint endpoint;
  std::string_view rest;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    endpoint.host = text.substr(1, end - 1);
    rest = text.substr(end + 1);
    const std::string_view allowed = "0123456789abcdefABCDEF:.%";
    if (endpoint.host.find(':') == std::string::npos ||
        endpoint.host.find_first_not_of(allowed) != std::string::npos) {
      return std::nullopt;
    }
  } else {
    const auto colon = text.find(':');
    endpoint.host = text.substr(0, colon);
    rest = colon == std::string_view::npos ? std::string_view() : text.substr(colon);
    const auto good = [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
             c == '-' || c == '_';
    };
    if (!std::all_of(endpoint.host.begin(), endpoint.host.end(), good)) return std::nullopt;
  }
  if (endpoint.host.empty()) return std::nullopt;
  has_port = !rest.empty();
  if (has_port) {
    const auto port = rest.starts_with(':') ? parse_port(rest.substr(1)) : std::nullopt;
    if (!port) return std::nullopt;
    endpoint.port = *port;
  }
  return endpoint;
}

std::string bracketed(const std::string& host) {
  return host.find(':') == std::string::npos ? host : "[" + host + "]";
}

}  // namespace

std::string Url::authority() const {
  const bool usual = port == (tls ? 443 : 80);
  return bracketed(host) + (usual ? "" : ":" + std::to_string(port));
}

std::string Url::peer() const {
  return std::string(tls ? "https://" : "http://") + bracketed(host) + ":" + std::to_string(port);
}

Result<Url> parse_url(std::string_view text) {
  Url url;
  std::string_view rest = text;
  if (rest.starts_with("https://")) {
    url.tls = true;
    rest.remove_prefix(8);
  } else if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
  } else {
    return permanent("a URL begins with http:// or https://");
  }
  const std::size_t slash = rest.find_first_of("/?#");
  const std::string_view authority = rest.substr(0, slash);
  // The text is not repeated in the messages: what stands before the @ may be a password.
  if (authority.find('@') != std::string_view::npos) {
    return permanent("a URL with credentials in it; write user and password_file instead");
  }
  bool has_port = false;
  const auto endpoint = parse_authority(authority, has_port);
  if (!endpoint) return permanent("\"" + std::string(authority) + "\" is no host or host:port");
  url.host = endpoint->host;
  url.port = has_port ? endpoint->port : static_cast<std::uint16_t>(url.tls ? 443 : 80);
  if (url.port == 0) return permanent("port 0 of \"" + std::string(authority) + "\" cannot be connected to");
  if (slash != std::string_view::npos) url.target = rest.substr(slash);
  if (url.target.starts_with('?')) url.target.insert(0, "/");
  if (url.target.find('#') != std::string::npos) return permanent("a URL of a peer has no fragment (#)");
  if (std::any_of(url.target.begin(), url.target.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte <= 0x20 || byte >= 0x7F;
      })) {
    return permanent("the path of a URL has blanks, controls or letters beyond ASCII: write them as %XX");
  }
  return url;
}

Result<Endpoint> parse_endpoint(std::string_view text) {
  bool has_port = false;
  const auto endpoint = parse_authority(text, has_port);
  if (!endpoint || !has_port) {
    return permanent("\"" + std::string(text) +
                     "\" is no address:port, such as 10.1.2.3:8443 or [2001:db8::1]:8443");
  }
  return *endpoint;
}

bool is_loopback(std::string_view host) {
  if (host == "localhost" || host == "::1") return true;
  // Only a full dotted quad: "127.example.com" is a name.
  return host.starts_with("127.") && std::count(host.begin(), host.end(), '.') == 3 &&
         host.find_first_not_of("0123456789.") == std::string_view::npos;
}

}  // namespace ami::http
