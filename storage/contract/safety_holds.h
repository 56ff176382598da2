// Safety holds (lock-outs): somebody works there, so nothing is switched. Two implementations:
// storage/memory/safety_holds.h, storage/postgres/safety_holds.h; one suite of tests for both.
//
// What a store promises:
//   - a hold that was set before an operation became SENT stops it: the book of operations looks itself, in
//     the transaction that would store SENT (SwitchStore::move: Excluded, rule SAFETY_HOLD, facts `hold` and
//     `scope`). So set() either comes before a SENT, which then is refused, or after it;
//   - a hold is lifted only by the role that set it, once, and nothing of it is ever changed or deleted.
//
// Calls block: use them from the database pool. Refusals: storage/postgres/refusal.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "meter_model/time/instant.h"
#include "storage/contract/switching.h"
#include "storage/postgres/refusal.h"

namespace ami::storage {

using HoldId = std::int64_t;

enum class HoldScope : std::uint8_t { Meter, UsagePoint, Transformer, Feeder };
enum class HoldEffect : std::uint8_t {
  NoOpen,
  NoClose,    // nor ARM
  NoCommand,  // neither
};
std::string_view name_of(HoldScope scope);    // "USAGE_POINT"
std::string_view name_of(HoldEffect effect);  // "NO_OPEN"
std::optional<HoldScope> hold_scope_from(std::string_view name);
std::optional<HoldEffect> hold_effect_from(std::string_view name);

// Whether a hold of that effect is in the way of that action.
bool stops(HoldEffect effect, SwitchAction action);

struct HoldRequest {
  std::int32_t utility = 0;
  HoldScope scope = HoldScope::Meter;
  std::string place;  // key of the meter or usage point; name of the transformer or feeder
  HoldEffect effect = HoldEffect::NoCommand;
  std::string holder;             // subject of the certificate
  std::string role;               // which alone lifts it
  std::string reason, reference;  // reference: permit or campaign; may be empty
  std::optional<UtcInstant> expires_at;  // nullopt = until it is lifted
};

struct SafetyHold {
  HoldId id = 0;
  HoldRequest asked;
  UtcInstant set_at{};  // by the store's clock
  std::optional<UtcInstant> lifted_at;
  std::string lifted_by, lift_reason;
};

// Where a meter is. Empty = not known.
struct HoldPlaces {
  std::string meter, usage_point, transformer, feeder;
};

struct HoldsFound {
  std::vector<SafetyHold> holds;  // in force there, by id
  // A transformer or feeder is held, and which one the meter is on is not known.
  bool place_unknown = false;
};

class SafetyHolds {
 public:
  virtual ~SafetyHolds() = default;

  // Invalid: a field is empty, or expires_at has passed by the store's clock. NotFound: no such meter or usage
  // point.
  virtual Answer<SafetyHold> set(const HoldRequest& request) = 0;

  // NotFound; Excluded, rule HOLD_OF_ANOTHER_ROLE with the fact `role`; AlreadyExists: it was lifted before.
  virtual Answer<SafetyHold> lift(std::int32_t utility, HoldId id, const std::string& actor,
                                  const std::string& role, const std::string& reason) = 0;

  // What is in force at those places now, by the store's clock.
  virtual Answer<HoldsFound> at(std::int32_t utility, const HoldPlaces& places) = 0;

  // Newest first, `limit` at most, ids below `before` (0 = from the newest).
  virtual Answer<std::vector<SafetyHold>> list(std::int32_t utility, bool in_force_only, HoldId before,
                                               std::size_t limit) = 0;
};

}  // namespace ami::storage
