// How a request to a peer ended, in words that a caller can act on.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "adapters/wire/http/message.h"
#include "meter_model/result.h"
#include "meter_model/time/instant.h"

namespace ami::http {

enum class FailureKind {
  // Nothing was sent. Transient, but for BadCall.
  BadCall,         // the request itself cannot be written (Permanent)
  Stopped,         // the client is stopping
  Cancelled,       // the caller no longer waits; InDoubt when bytes had left
  BreakerOpen,     // the peer did not answer lately
  PoolBusy,        // all connections are in use, and too many wait, or this one waited too long
  NameUnknown,     // the host name could not be resolved
  ConnectFailed,   // refused, unreachable
  ConnectTimeout,  //
  TlsFailed,       // certificate not accepted by us or by the peer, or no TLS at all
  NotSent,         // before_send said no; fault and text are its own
  // Something may have reached the peer and no complete answer came: InDoubt.
  Timeout,   // no complete answer in time
  Cut,       // the connection ended before the answer was complete
  Garbage,   // what came is not HTTP, or compressed without being asked for
  TooLarge,  // header or body of the answer beyond the limit
  // A complete answer came.
  Busy,          // 408, 425, 429, or 503 with Retry-After: Transient
  Redirected,    // 3xx, never followed: Permanent, but for 303 (done, look elsewhere), which is InDoubt
  Unauthorized,  // 401, 403, 407: Permanent
  Refused,       // any other 4xx, 501, 505: Permanent
  ServerError,   // any other 5xx: the peer began and failed, or somebody between us and it did: InDoubt.
                 // Answer::reply has what it said: a SOAP fault comes as 500.
};
std::string_view name_of(FailureKind kind);  // "connect_failed" …: for metrics

struct Failure {
  FailureKind kind = FailureKind::BadCall;
  Error error;
  bool sent = false;  // at least one byte of the request may have left
  std::optional<std::chrono::milliseconds> retry_after{};
};

struct Reply {
  int status = 0;
  Headers headers;
  std::string body;
};

// Success: `failure` is absent, `reply` has a status 2xx. Otherwise `reply` is there when a complete answer
// came.
struct Answer {
  std::optional<Reply> reply;
  std::optional<Failure> failure;
  [[nodiscard]] bool ok() const noexcept { return !failure; }
};

// What a complete answer means. `peer` begins the text of a failure.
std::optional<Failure> judge(const Reply& reply, std::string_view peer, UtcInstant now);

// Retry-After: seconds, or a date "Sun, 06 Nov 1994 08:49:37 GMT". nullopt = neither. A date gone by is 0.
std::optional<std::chrono::milliseconds> parse_retry_after(std::string_view value, UtcInstant now);

}  // namespace ami::http
