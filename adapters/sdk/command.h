// What an adapter is asked to do to meters, as one attempt, and what came of it.
//
// An attempt is made once. What became of one that may have left is found out, never tried again: whether
// another attempt is right is not the adapter's to say.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "meter_model/observation/observation.h"
#include "meter_model/result.h"
#include "meter_model/time/instant.h"

namespace ami::sdk {

enum class CommandKind : std::uint8_t {
  Read,         // registers, now
  Ping,         // does it answer, so: has it power
  DemandReset,  // destroys the present maximum
  Backfill,     // what the far side or the meter has recorded in a period, again
  SwitchState,
  SwitchOpen,
  SwitchClose,
  SwitchArm,  // closes when the customer presses the button; not closed
};
std::string_view name_of(CommandKind kind);  // "read", "demand_reset" …

// How a far side takes commands; from the feed's settings.
struct CommandLimits {
  std::chrono::seconds expiry{300};  // after that the far side drops a request, silently as a rule
  std::chrono::seconds grace{60};    // after the expiry an answer is still waited for
  std::size_t targets = 1;           // of one attempt, at most
  std::size_t backfill_targets = 1;  // the same for Backfill; many where the far side gives a period of all meters
  std::size_t in_flight = 16;        // targets that it is asked about at once
  double per_minute = 600;           // targets, over any minute
  AliasKind names = AliasKind::Badge;  // which of a meter's names stands in its books
};

struct Attempt {
  std::string transaction;  // unique for ever, 1 to 32 of [A-Za-z0-9-]; the far side sends it back
  CommandKind kind = CommandKind::Read;
  std::vector<std::string> meters;  // ids in the far side's books, 1 to CommandLimits::targets
  UtcInstant expires_at{};
  UtcInstant from{}, to{};  // Backfill: [from, to)
  // Makes durable that the request leaves. Awaited once, right before its first byte; when it does not say
  // yes nothing may be sent, and every answer is Failed "not_sent".
  std::function<boost::asio::awaitable<Outcome>()> before_send;
};

enum class AttemptState : std::uint8_t {
  Waiting,    // taken by the far side: what becomes of it comes later, with its transaction
  Succeeded,  // done, as the far side says
  Failed,     // not done and will not be: not sent, refused, or reported as failed
  Unknown,    // may have been done, may yet be done
};
std::string_view name_of(AttemptState state);  // "WAITING" …

enum class SwitchPosition : std::uint8_t { Unknown, Open, Armed, Closed };
enum class PowerState : std::uint8_t { Unknown, Powered, NoAnswer };
std::string_view name_of(SwitchPosition position);
std::string_view name_of(PowerState state);

// What is known of one meter of an attempt.
struct AttemptAnswer {
  AttemptState state = AttemptState::Unknown;
  // A stable word unless Succeeded or Waiting: "not_stated" (the interface does not state this command),
  // "not_sent", "unreachable", "rejected", "no_such_meter", "expired", "failed", "no_answer", "unreadable_answer".
  std::string reason;
  std::string words;  // the far side's own; no readings, no secrets
  SwitchPosition position = SwitchPosition::Unknown;
  PowerState power = PowerState::Unknown;
  std::optional<UtcInstant> at;  // of what happened, as the far side says; absent = it does not
};

}  // namespace ami::sdk
