// How many switches may be operated, and the kill switches. The store of operations counts in the transaction
// that would store SENT (SwitchStore::move: Excluded, rules KILL_SWITCH and LIMIT), so that no run of operators,
// restarts and gateways passes a limit. storage/postgres/switch_limits.h, storage/schema/0027_switch_limits.sql
//
// A limit counts what left, or may have, within its span up to now, by the clock of the database: of all, of each
// person, of each feeder, of each transformer. A feeder or transformer that is not known counts as one. A limit
// of reason "*" counts every class but EMERGENCY_SAFETY together, which has limits of its own. One that is not
// enforced only watches: what it would have refused is kept with the departure.
//
// Calls block. Refusals: storage/postgres/refusal.h.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "meter_model/time/instant.h"
#include "storage/contract/switching.h"
#include "storage/postgres/refusal.h"

namespace ami::storage {

enum class LimitScope : std::uint8_t { All, Person, Feeder, Transformer };
std::string_view name_of(LimitScope scope);  // "TRANSFORMER"
std::optional<LimitScope> limit_scope_from(std::string_view name);

struct LimitKey {
  bool opens = true;  // else CLOSE and ARM
  std::string reason = "*";
  LimitScope scope = LimitScope::All;
  std::chrono::seconds span{3600};  // 3600 or 86400
  bool operator==(const LimitKey&) const = default;
};

struct LimitUse {
  LimitKey key;
  std::int64_t ceiling = 0, used = 0;
  bool enforced = false;
  std::int64_t change = 0;  // 0 = as shipped
  std::optional<UtcInstant> expires_at;
  [[nodiscard]] bool full() const noexcept { return used >= ceiling; }
};

struct LimitChange {
  std::int64_t id = 0;
  std::int32_t utility = 0;
  LimitKey key;
  std::int64_t ceiling = 0;
  bool enforced = true;
  std::string words, proposed_by;
  UtcInstant proposed_at{};
  std::optional<UtcInstant> expires_at;
  std::optional<UtcInstant> approved_at;
  std::string approved_by;
};

// What a limit would have done to what really left.
struct LimitShadow {
  LimitChange would;
  std::int64_t departures = 0;  // of that direction and reason
  std::int64_t most = 0;        // in any one span, of any one person, feeder or transformer
  std::int64_t refused = 0;     // each with more than the ceiling up to and with it, the refused ones counted, too
};

enum class StopScope : std::uint8_t { Opens, All };
std::string_view name_of(StopScope scope);  // "OPENS"
std::optional<StopScope> stop_scope_from(std::string_view name);

struct SwitchStop {
  std::int64_t id = 0;
  StopScope scope = StopScope::Opens;
  std::string actor, reason;
  UtcInstant set_at{};
  std::vector<std::string> cleared_by;  // in force with fewer than two
};

class SwitchLimits {
 public:
  virtual ~SwitchLimits() = default;

  // The limits that bind an operation as it was asked for, each with what is used of it up to its ceiling. For
  // a dry run; what counts is counted when it leaves.
  virtual Answer<std::vector<LimitUse>> look(const SwitchAsked& asked) = 0;

  // By a login in role ami_limits, which can switch nothing. NotFound: nothing ships with that key. Invalid on
  // expires_at: it has passed; or what is looser than what ships (a higher ceiling, or not enforced) does not
  // expire within 8 hours.
  virtual Answer<LimitChange> propose(const LimitChange& change) = 0;
  // The same. In force from now on. Excluded, rule SAME_PERSON: whoever proposed it; AlreadyExists: approved
  // before; NotFound.
  virtual Answer<LimitChange> approve(std::int32_t utility, std::int64_t change, const std::string& actor) = 0;
  // Newest first.
  virtual Answer<std::vector<LimitChange>> changes(std::int32_t utility, std::size_t limit) = 0;

  // Of each change, whether approved or only thought of: what it would have refused since then. The shadow mode
  // before limits are enforced.
  virtual Answer<std::vector<LimitShadow>> shadow(std::int32_t utility, UtcInstant since,
                                                  std::span<const LimitChange> changes) = 0;
};

class SwitchStops {
 public:
  virtual ~SwitchStops() = default;
  // In force at once: what becomes SENT after it returned is refused.
  virtual Answer<SwitchStop> set(std::int32_t utility, StopScope scope, const std::string& actor,
                                 const std::string& reason) = 0;
  // By one person; the second one ends it. AlreadyExists: that person cleared it before, or it is over. NotFound.
  virtual Answer<SwitchStop> clear(std::int32_t utility, std::int64_t id, const std::string& actor,
                                   const std::string& reason) = 0;
  // Newest first.
  virtual Answer<std::vector<SwitchStop>> list(std::int32_t utility, bool in_force_only, std::size_t limit) = 0;
};
inline constexpr std::size_t kClearsToEnd = 2;

// An EMERGENCY_SAFETY that left and that nobody else has looked at.
struct EmergencyDue {
  SwitchId operation = 0;
  std::string person;  // who answers for it
  UtcInstant left_at{}, due_at{};
  bool overdue = false;  // that person is suspended: rule EMERGENCY_UNREVIEWED
};

// The second look at each emergency, within 24 hours of its leaving. Until then is made up for, the person who
// asked sends no other one; the database says so, too.
class SwitchReviews {
 public:
  virtual ~SwitchReviews() = default;
  // NotFound: no emergency of that number left. Excluded, rule SAME_PERSON: whoever answers for it, or asked.
  // AlreadyExists.
  virtual Answer<Done> review(std::int32_t utility, SwitchId operation, const std::string& actor,
                              const std::string& words) = 0;
  virtual Answer<std::vector<EmergencyDue>> due(std::int32_t utility) = 0;  // oldest first
};

// Whom a departure counts for: the human behind a program, else the caller.
std::string counted_person(const SwitchAsked& asked);

}  // namespace ami::storage
