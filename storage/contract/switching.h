// The book of service-switch operations: one row an operation, one audit line and one outbox line a change,
// in one transaction. Two implementations: storage/memory/switching.h, storage/postgres/switching.h; one
// suite of tests for both.
//
// What a store promises, whoever calls it and however many gateways share it:
//   - at most one live operation a meter, and of OPENs at most one that is live or UNCERTAIN;
//   - a change is made only to the version that its caller saw (compare and set);
//   - a change to SENT is made only while its caller holds the lease that it names;
//   - a change to SENT is made only where no safety hold is in the way (storage/contract/safety_holds.h);
//   - an audit line is never changed and never lost.
// Which change is right is not the store's business: daemon/switching/transition.h.
//
// Calls block: use them from the database pool. Refusals: storage/postgres/refusal.h. After InDoubt the
// caller looks (get) before it does anything else.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "meter_model/normaliser/reading.h"
#include "meter_model/time/instant.h"
#include "storage/postgres/refusal.h"

namespace ami::storage {

using SwitchId = std::int64_t;

enum class SwitchAction : std::uint8_t {
  Open,
  Close,
  Arm,  // closes when the customer presses the button; not closed
};

// In the order in which an operation goes through them; what follows Verifying is no longer live.
enum class SwitchState : std::uint8_t {
  Requested,
  PolicyChecked,
  Authorised,
  Queued,
  Sent,  // may have left
  Acknowledged,
  Verifying,  // done, as the far side says
  VerifiedOpen,
  VerifiedClosed,
  VerifiedArmed,
  Rejected,
  Cancelled,
  Expired,
  Failed,
  Uncertain,
  Contradicted,
};
inline constexpr std::size_t kSwitchStates = 16;

std::string_view name_of(SwitchAction action);  // "OPEN"
std::string_view name_of(SwitchState state);    // "POLICY_CHECKED"
std::optional<SwitchAction> switch_action_from(std::string_view name);
std::optional<SwitchState> switch_state_from(std::string_view name);

// Holds its meter: no other operation of the meter is taken meanwhile.
constexpr bool live(SwitchState state) noexcept {
  return state <= SwitchState::Verifying;
}
// Its attempt may have left, and what it does at the meter may still be to come.
constexpr bool left(SwitchState state) noexcept {
  return state >= SwitchState::Sent && state <= SwitchState::Verifying;
}

// What was asked for; never changes.
struct SwitchAsked {
  std::int32_t utility = 0;
  MeterId meter_id = 0;
  std::string meter, usage_point, serial_last4;  // as the caller said: they must agree
  SwitchAction action = SwitchAction::Open;
  std::string reason;  // class
  std::string order_id;
  std::string caller, request_id;  // the same request again is the same operation
  std::string on_behalf_of;
  std::string attestation;  // of a CLOSE; empty = none
  bool automatic = false;   // asked for by a program, not by a person
  std::string body;         // of the request: the same request must say the same
  std::string feed;
  std::string vendor_id;  // the meter in the far side's books
  UtcInstant created_at{}, not_before{}, not_after{};
  int minimum = 1;  // level of evidence that it takes to be VERIFIED, 1 to 4
  bool operator==(const SwitchAsked&) const = default;
};

struct SwitchOperation {
  SwitchId id = 0;
  std::int64_t version = 0;  // 1 when created; one more with each change
  SwitchAsked asked;
  SwitchState state = SwitchState::Requested;
  std::string transaction;  // of its only attempt; empty = never SENT
  std::optional<UtcInstant> sent_at;
  std::chrono::seconds flight{0};        // from sent_at on the far side may still act on it
  std::optional<UtcInstant> claimed_at;  // when the far side said that it is done
  int evidence = -1;                     // level reached, 0 to 4; -1 = none
  int attainable = -1;                   // level that adapter and site can reach
  std::string evidence_words;
  std::string position;                // last one that was told of the meter: "OPEN", …; empty = none
  std::string final_register;          // exact, with its unit; empty = not read
  std::string rule, words;             // why it is as it is; `rule` is a stable word
  bool truck_roll = false;             // refused, and a person has to go there
  bool latent_close = false;           // the meter may close by itself later
  int alerted = 0;                     // 0 = no, 1 = a person was told, 2 = incident
  std::optional<UtcInstant> ended_at;  // when it was live no longer
  std::optional<UtcInstant> resolved_at;
  std::string resolved_by, resolution;  // by whom and by what reference
  bool operator==(const SwitchOperation&) const = default;
};

// Unresolved: what the meter does is not known, or is not what was said.
bool unresolved(const SwitchOperation& operation);

// One line of the audit beside a change.
struct SwitchNote {
  std::string input;  // what moved it: "SEND", "EVIDENCE_ENOUGH"
  std::string actor;  // subject of a certificate, or the gateway itself
  std::string gateway;
  std::string words;
  std::string facts;  // policy inputs and versions, "key=value" a line, in order of keys
  UtcInstant at{};    // by the gateway's clock
  std::string certificate{};  // ami:// URIs of the actor's certificate, a blank between two; empty = none was shown
  std::string sent_sha256{};  // of the request's bytes as they left, 64 hex digits; empty = nobody says
  // Another change of the same call follows at once, and makes this one durable, too: the store need not wait
  // for its disk. Only of what nobody outside has been told of yet. What is lost with the server then was never
  // sent nor answered, and the same request asks for it again.
  bool followed = false;
};
// A request that became no operation; kept as it was made, and never changed.
struct SwitchRefusal {
  std::int64_t id = 0;  // given by the store; grows
  std::int32_t utility = 0;
  std::string meter, usage_point;
  SwitchAction action = SwitchAction::Open;
  std::string reason, order_id;
  std::string caller, certificate, request_id, on_behalf_of;
  std::string rule, words;
  std::string gateway;
  UtcInstant at{};  // by the gateway's clock
  bool operator==(const SwitchRefusal&) const = default;
};
struct SwitchAuditLine {
  std::int64_t id = 0;  // grows; gaps are possible
  SwitchId operation = 0;
  std::int64_t version = 0;                 // of the operation after it
  std::optional<SwitchState> from;          // nullopt = it was created
  SwitchState to = SwitchState::Requested;  // the same as `from`: something else of it changed
  SwitchNote note;
};

// For those who follow: at least once, in order of id.
struct SwitchOutboxLine {
  std::int64_t id = 0;
  SwitchId operation = 0;
  std::int64_t version = 0;
  SwitchState state = SwitchState::Requested;
};

// Who sends. `epoch` grows whenever the holder changes.
struct SwitchLease {
  std::string holder;
  std::int64_t epoch = 0;
};

// Operations for which all that is said holds.
struct SwitchQuery {
  std::int32_t utility = 0;
  std::optional<MeterId> meter{};
  std::vector<SwitchState> states{};  // empty = any
  bool unresolved_only = false;
  // Orders for which somebody still has to go: not resolved, and no later operation of the meter has shown it
  // closed or armed.
  bool truck_roll_only = false;
  std::optional<UtcInstant> since{};  // asked for at that time or later
  SwitchId before = 0;                // of a smaller id: the last one of the page before; 0 = the first page
  std::size_t limit = 100;
};

class SwitchStore {
 public:
  virtual ~SwitchStore() = default;

  struct Created {
    SwitchOperation operation;
    bool repeated = false;  // there was one of that request: as it is now
  };
  // State REQUESTED, version 1. Collision on request_id: used before for something else. Excluded, rules
  // SWITCH_LIVE and SWITCH_UNCERTAIN with the fact `operation`: another operation is in the way.
  virtual Answer<Created> create(const SwitchAsked& asked, const SwitchNote& note) = 0;

  // Stores `next`, made out of version next.version - 1; all but id and `asked` may differ. Collision: it has
  // moved on meanwhile, nothing is changed. It is durable when this says yes (but see SwitchNote::followed); SENT
  // may be seen by others a moment before it is. With a lease: Excluded, rule NOT_THE_SENDER, when it is not held.
  // To SENT: Excluded, rule SAFETY_HOLD with the facts `hold`, `scope` and `place`.
  virtual Answer<Done> move(const SwitchOperation& next, const SwitchNote& note,
                            const std::optional<SwitchLease>& lease = {}) = 0;

  virtual Answer<SwitchOperation> get(std::int32_t utility, SwitchId id) = 0;  // NotFound
  virtual Answer<std::optional<SwitchOperation>> by_transaction(const std::string& transaction) = 0;
  // All that are live, unresolved, or armed (VERIFIED_ARMED that has no resolved_at), by id.
  virtual Answer<std::vector<SwitchOperation>> open_books() = 0;
  // Newest first, `limit` at most.
  virtual Answer<std::vector<SwitchOperation>> of_meter(MeterId meter, std::size_t limit) = 0;
  // Newest first, by id.
  virtual Answer<std::vector<SwitchOperation>> list(const SwitchQuery& query) = 0;

  virtual Answer<std::vector<SwitchAuditLine>> audit(SwitchId id) = 0;  // by id
  // Texts of more than 200 characters are cut: whoever is refused may have sent anything.
  virtual Answer<Done> refused(const SwitchRefusal& refusal) = 0;
  virtual Answer<std::vector<SwitchRefusal>> refusals(std::int32_t utility, std::size_t limit) = 0;  // newest first
  virtual Answer<std::vector<SwitchOutboxLine>> outbox(std::int64_t after, std::size_t limit) = 0;

  // Takes or renews the lease for `span` of the store's own clock; nullopt = somebody else holds it. A
  // holder's name belongs to one run of one gateway.
  virtual Answer<std::optional<SwitchLease>> take_lease(const std::string& holder,
                                                        std::chrono::milliseconds span) = 0;
};

}  // namespace ami::storage
