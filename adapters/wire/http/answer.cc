#include "adapters/wire/http/answer.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace ami::http {
namespace {

constexpr std::chrono::hours kLongestRetryAfter{24};

// What a peer wrote, short and printable, for a message. Nothing before an @ is repeated.
std::string quoted(std::string_view text) {
  const std::size_t scheme = text.find("://");
  const std::size_t host = scheme == std::string_view::npos ? 0 : scheme + 3;
  const std::size_t at = text.substr(host, text.find('/', host) - host).rfind('@');
  std::string out = "\"";
  if (at != std::string_view::npos) {
    out.append(text.substr(0, host));
    text = text.substr(host + at + 1);
  }
  text = text.substr(0, text.find('?'));
  for (const char c : text.substr(0, 200)) out += c >= 0x20 && c < 0x7F && c != '"' ? c : '?';
  return out + "\"";
}

Failure failure(FailureKind kind, Fault fault, std::string text) {
  Failure told;
  told.kind = kind;
  told.error = {fault, std::move(text)};
  told.sent = true;
  return told;
}

std::optional<int> number(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || text.front() == '-') {
    return std::nullopt;
  }
  return value;
}

// IMF-fixdate of RFC 9110 5.6.7; the two older forms are not sent by anything that is alive.
std::optional<UtcInstant> parse_date(std::string_view text) {
  constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  if (text.size() != 29 || text.substr(3, 2) != ", " || text.substr(25) != " GMT") return std::nullopt;
  if (text[7] != ' ' || text[11] != ' ' || text[16] != ' ' || text[19] != ':' || text[22] != ':')
    return std::nullopt;
  const auto month = std::find(kMonths.begin(), kMonths.end(), text.substr(8, 3));
  const auto day = number(text.substr(5, 2)), year = number(text.substr(12, 4)),
             hour = number(text.substr(17, 2)), minute = number(text.substr(20, 2)),
             second = number(text.substr(23, 2));
  if (month == kMonths.end() || !day || !year || !hour || !minute || !second) return std::nullopt;
  const std::chrono::year_month_day date{
      std::chrono::year{*year}, std::chrono::month{static_cast<unsigned>(month - kMonths.begin()) + 1},
      std::chrono::day{static_cast<unsigned>(*day)}};
  if (!date.ok() || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  return std::chrono::sys_days{date} + std::chrono::hours{*hour} + std::chrono::minutes{*minute} +
         std::chrono::seconds{*second};
}

}  // namespace

std::string_view name_of(FailureKind kind) {
  switch (kind) {
    case FailureKind::BadCall:
      return "bad_call";
    case FailureKind::Stopped:
      return "stopped";
    case FailureKind::Cancelled:
      return "cancelled";
    case FailureKind::BreakerOpen:
      return "breaker_open";
    case FailureKind::PoolBusy:
      return "pool_busy";
    case FailureKind::NameUnknown:
      return "name_unknown";
    case FailureKind::ConnectFailed:
      return "connect_failed";
    case FailureKind::ConnectTimeout:
      return "connect_timeout";
    case FailureKind::TlsFailed:
      return "tls_failed";
    case FailureKind::NotSent:
      return "not_sent";
    case FailureKind::Timeout:
      return "timeout";
    case FailureKind::Cut:
      return "cut";
    case FailureKind::Garbage:
      return "garbage";
    case FailureKind::TooLarge:
      return "too_large";
    case FailureKind::Busy:
      return "busy";
    case FailureKind::Redirected:
      return "redirected";
    case FailureKind::Unauthorized:
      return "unauthorized";
    case FailureKind::Refused:
      return "refused";
    case FailureKind::ServerError:
      return "server_error";
  }
  return "unknown";
}

std::optional<std::chrono::milliseconds> parse_retry_after(std::string_view value, UtcInstant now) {
  if (!value.empty() && value.find_first_not_of("0123456789") == std::string_view::npos) {
    const auto seconds = number(value);  // beyond an int: longer than we would wait anyway
    if (!seconds) return kLongestRetryAfter;
    return std::min<std::chrono::milliseconds>(std::chrono::seconds{*seconds}, kLongestRetryAfter);
  }
  const auto date = parse_date(value);
  if (!date) return std::nullopt;
  const auto span = std::chrono::ceil<std::chrono::milliseconds>(*date - now);
  return std::clamp<std::chrono::milliseconds>(span, std::chrono::milliseconds{0}, kLongestRetryAfter);
}

std::optional<Failure> judge(const Reply& reply, std::string_view peer, UtcInstant now) {
  const int status = reply.status;
  if (status >= 200 && status < 300) return std::nullopt;
  const std::string* retry = reply.headers.find("Retry-After");
  const auto retry_after = retry != nullptr ? parse_retry_after(*retry, now) : std::nullopt;
  const std::string said = std::string(peer) + " answered " + std::to_string(status);

  if (status < 400) {
    const std::string* location = reply.headers.find("Location");
    return failure(FailureKind::Redirected, status == 303 ? Fault::InDoubt : Fault::Permanent,
                   said + ", which points " + (location != nullptr ? "to " + quoted(*location) : "nowhere") +
                       "; redirects are not followed: configure the address that answers");
  }
  if (status == 408 || status == 425 || status == 429 || (status == 503 && retry != nullptr)) {
    Failure busy = failure(FailureKind::Busy, Fault::Transient, said + ": it takes no request now");
    busy.retry_after = retry_after;
    return busy;
  }
  if (status == 401 || status == 403 || status == 407) {
    return failure(FailureKind::Unauthorized, Fault::Permanent,
                   said + ": it does not accept our credentials or certificate");
  }
  if (status < 500 || status == 501 || status == 505) {
    return failure(FailureKind::Refused, Fault::Permanent,
                   said + ": it understood the request and refused it");
  }
  return failure(FailureKind::ServerError, Fault::InDoubt,
                 said + ": whether the request took effect cannot be told from that");
}

}  // namespace ami::http
