// What a failed call of HTTP means for a command: the other half of adapters/sdk/setback.h.
#pragma once

#include "adapters/sdk/setback.h"
#include "adapters/wire/http/answer.h"

namespace ami::http {

inline sdk::Setback setback_of(const Failure& failure) {
  using sdk::Setback;
  switch (failure.kind) {
    case FailureKind::BadCall:
    case FailureKind::NotSent:
    case FailureKind::PoolBusy:
      return Setback::NotSent;
    case FailureKind::Stopped:
    case FailureKind::Cancelled:
      return failure.sent ? Setback::Silent : Setback::NotSent;
    case FailureKind::BreakerOpen:
    case FailureKind::NameUnknown:
    case FailureKind::ConnectFailed:
    case FailureKind::ConnectTimeout:
    case FailureKind::TlsFailed:
      return Setback::Unreachable;
    case FailureKind::Timeout:
    case FailureKind::Cut:
    case FailureKind::ServerError:
      return failure.sent ? Setback::Silent : Setback::Unreachable;
    case FailureKind::Garbage:
    case FailureKind::TooLarge:
      return Setback::Unreadable;
    case FailureKind::Busy:
      return failure.sent ? Setback::Busy : Setback::Unreachable;
    case FailureKind::Redirected:
    case FailureKind::Unauthorized:
    case FailureKind::Refused:
      break;
  }
  // 303 says that it was done, and to look elsewhere.
  return failure.error.fault == Fault::InDoubt ? Setback::Silent : Setback::Refused;
}

}  // namespace ami::http
