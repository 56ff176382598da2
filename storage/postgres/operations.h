// Commands that callers asked for, meter by meter, as they are kept: what was asked, how far it has come, and
// every answer. Blocking, thread-safe. The states and who moves them: docs/commands.md.
//
// Cut off anywhere, the rows say what may be done next: QUEUED has not left; SENT may have, and is waited
// for.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/postgres/assets.h"
#include "storage/postgres/database.h"
#include "storage/postgres/refusal.h"

namespace ami::storage {

using OperationId = std::int64_t;

inline constexpr const char* kOwnCaller = "ami-gatewayd";  // of what the gateway asks by itself

enum class OperationKind : std::uint8_t { Read, Ping, DemandReset, Backfill };
enum class TargetState : std::uint8_t {
  Queued,     // has not left
  Sent,       // may have left
  Succeeded,  // done, as the far side says
  Failed,     // not done and will not be
  TimedOut,   // no answer; the meter is as it was
  Unknown,    // no answer; the meter may have changed
  Cancelled,  // before it left
};
inline constexpr std::size_t kTargetStates = 7;
std::string_view name_of(OperationKind kind);  // "READ" …
std::string_view name_of(TargetState state);   // "QUEUED" …
// Whether values say that exactly one reset happened: storage/postgres/reset_checks.h.
enum class Verification : std::uint8_t { None, Verified, NotVerifiable, Contradicted };
std::string_view name_of(Verification verification);  // "", "VERIFIED" …
inline bool ended(TargetState state) {
  return state != TargetState::Queued && state != TargetState::Sent;
}

// One meter of an operation.
struct TargetKey {
  OperationId operation = 0;
  std::int32_t number = 0;  // its place in the request, from 0
  auto operator<=>(const TargetKey&) const = default;
};

// What is known of how a target went. Words of adapters/sdk/command.h.
struct TargetAnswer {
  TargetState state = TargetState::Unknown;  // Succeeded, Failed or Unknown; Sent = it still goes on
  std::string reason;                        // a stable word; empty when Succeeded
  std::string words;                         // the far side's own
  std::string power, switch_position;        // "POWERED" …, "OPEN" …; empty = not said
  std::optional<UtcInstant> at;              // of what happened; absent = not said
};

struct NewTarget {
  std::string meter;            // key, as it was asked for
  MeterId meter_id = 0;         // 0 = there is none
  std::string feed, vendor_id;  // who is asked, and its name for the meter
  std::string pacing_group;     // the feeder
  std::string reason, words;    // not empty: it fails at once, nobody is asked
  std::string substation{}, collector{};
};
struct NewOperation {
  UtilityId utility = 0;
  OperationKind kind = OperationKind::Read;
  std::string caller, request_id, order_id, on_behalf_of, purpose;
  int priority = 0;                              // higher goes first
  std::optional<std::chrono::seconds> expiry{};  // as it was asked for
  UtcInstant created_at{}, expires_at{};
  std::vector<NewTarget> targets;
  // Of a DemandReset: reads first what the reset destroys. The read is an operation of the gateway's own.
  bool read_before = false;
  std::optional<Period> period{};  // of a Backfill, and of nothing else: both ends
  // What was said instead of meters, which were then found by it. The same request is that of the same
  // choice: what is found by it changes with time.
  std::string choice{};
};

struct Operation {
  OperationId id = 0;
  UtilityId utility = 0;
  OperationKind kind = OperationKind::Read;
  std::string caller, request_id, order_id, on_behalf_of, purpose;
  int priority = 0;
  UtcInstant created_at{}, expires_at{};
  std::optional<UtcInstant> cancelled_at;
  std::string cancelled_by;
  int attempts = 0;
  std::size_t counts[kTargetStates] = {};  // targets, by TargetState
  std::optional<Period> period{};          // of a Backfill

  [[nodiscard]] std::size_t count(TargetState state) const { return counts[static_cast<std::size_t>(state)]; }
  [[nodiscard]] bool done() const { return count(TargetState::Queued) + count(TargetState::Sent) == 0; }
};

struct OperationTarget {
  TargetKey key;
  UtilityId utility = 0;
  OperationKind kind = OperationKind::Read;
  std::string meter, feed, vendor_id, pacing_group;
  MeterId meter_id = 0;
  TargetState state = TargetState::Queued;
  UtcInstant created_at{}, expires_at{};
  OperationId after = 0;    // 0 = none; else not sent before that operation's target of this number succeeded
  std::string transaction;  // of the newest attempt; empty = none has left
  std::optional<UtcInstant> sent_at, answer_due_at, ended_at, resolved_at;
  TargetAnswer answer;       // its state is only told when the target has ended
  std::int64_t answers = 0;  // that came after the end

  // Of the operation; filled in by unfinished() only.
  int priority = 0, attempts = 0;
  std::optional<TargetState> before;      // state of the target that it comes after
  std::optional<UtcInstant> before_at{};  // when that one ended
  std::optional<Period> period{};         // of a Backfill

  std::string substation{}, collector{};
  // Of a DemandReset that succeeded, or may have.
  OperationId read_after = 0;  // the read that was made to see what became of it; 0 = none
  Verification verification = Verification::None;
  std::string verification_words{};  // hold values: they are readings
  std::optional<UtcInstant> verified_at{};
};

// An answer that ended nothing.
struct KeptAnswer {
  std::string feed, transaction, meter;
  TargetKey key;  // operation 0: no operation has that transaction
  std::optional<TargetState> found;
  TargetAnswer answer;
  UtcInstant received_at{}, last_received_at{};
  std::int64_t times = 0;
};

struct OperationQuery {
  UtilityId utility = 0;
  std::optional<OperationKind> kind{};
  std::optional<MeterId> meter{};
  bool unfinished_only = false;
  std::string caller{}, request_id{};  // empty = any
  PageRequest page{};                  // newest first
};

// How a target has ended, whoever ended it.
struct EndedTarget {
  TargetKey key;
  TargetState state = TargetState::Unknown;
  std::string reason{};
  UtcInstant at{};
};

// An answer that came with a transaction of its own, as it is to be settled.
struct ArrivedAnswer {
  TargetKey key;                   // operation 0: of no target
  std::string transaction, meter;  // as sent back
  TargetAnswer answer;
};
// What became of it.
enum class AnswerFate : std::uint8_t {
  Ended,      // the target ended by it
  Resolved,   // it says what an UNKNOWN was
  Goes,       // it ends nothing: the far side still works, or cannot be understood; words are kept
  Duplicate,  // says what is known
  Late,       // after the end, and something else: kept beside, the end stays
  Stray,      // of no target: kept beside
};

struct ResetRules {
  // After a reset that succeeded, or may have, no other for so long.
  std::chrono::seconds lock_out{std::chrono::days{25}};
};

class Operations {
 public:
  explicit Operations(Database& database) : database_(database) {}

  // The operation of that request, if there is one. Same name but other content: Collision.
  Answer<std::optional<Operation>> find_request(const NewOperation& asked);

  struct Created {
    Operation operation;
    bool repeated = false;                 // it was there already: nothing was written
    std::optional<Operation> read_before;  // of a DemandReset
  };
  // One transaction. A DemandReset beside a live one of the meter, or within the lock-out of one before:
  // Excluded, rule DEMAND_RESET_LIVE or DEMAND_RESET_LOCK_OUT. Not one target, or more than 10,000: Invalid.
  Answer<Created> create(const NewOperation& operation, const ResetRules& rules);

  Answer<Operation> get(UtilityId utility, OperationId id);
  Answer<PageOf<Operation>> list(const OperationQuery& query);
  Answer<PageOf<OperationTarget>> targets(UtilityId utility, OperationId id,
                                          const PageRequest& page);            // by number
  Answer<std::vector<KeptAnswer>> answers(UtilityId utility, OperationId id);  // at most 1,000, by target
  // Targets of a feed that have not ended, in order of operation and number.
  Answer<std::vector<OperationTarget>> unfinished(const std::string& feed);

  struct Sending {
    std::string transaction;
    OperationId of = 0;  // the operation whose number the transaction carries, as its attempt `attempt`
    int attempt = 0;
    UtcInstant at{};
  };
  struct Due {
    TargetKey key;
    UtcInstant at{};  // the answer
  };
  // QUEUED -> SENT, all of them or none. Answers with those that are QUEUED no more: not empty = nothing was
  // written, and nothing may be sent. With `of` 0 they join what has left: again changes nothing.
  Answer<std::vector<TargetKey>> mark_sent(const Sending& sending, const std::vector<Due>& targets);
  // SENT by that transaction -> QUEUED, of what surely has not left. Never of a demand reset.
  Answer<std::vector<TargetKey>> requeue(const std::vector<TargetKey>& keys, const std::string& transaction);

  struct End {
    TargetKey key;
    TargetAnswer answer;
  };
  // QUEUED or SENT -> what the answer says. Answers with how each of them has ended, by this call or before
  // it: again changes nothing and says the same. What is not kept any more is told as CANCELLED, "gone".
  Answer<std::vector<EndedTarget>> finish(const std::vector<End>& ends, UtcInstant now);
  // Of these the ones that have ended, told likewise.
  Answer<std::vector<EndedTarget>> ends(const std::vector<TargetKey>& keys);
  // SENT stays SENT, with what the far side said so far.
  Answer<Done> note(const std::vector<End>& notes);
  // SENT past its due time -> TIMED_OUT, or UNKNOWN; QUEUED past its expiry -> FAILED "expired". At most
  // 5,000.
  Answer<std::vector<EndedTarget>> end_overdue(UtcInstant now);

  // What is QUEUED becomes CANCELLED. What is SENT goes on: see Operation::count.
  struct Cancelled {
    Operation operation;
    std::vector<EndedTarget> targets;  // that ended by this call
  };
  Answer<Cancelled> cancel(UtilityId utility, OperationId id, const std::string& actor, UtcInstant now);

  // Targets that any of the transactions was of, ended or not.
  Answer<std::vector<OperationTarget>> find(const std::string& feed,
                                            const std::vector<std::string>& transactions);
  struct Settled {
    std::vector<AnswerFate> fates;   // one an answer
    std::vector<EndedTarget> ended;  // of the targets of these answers, by them or before them; each once
  };
  // Settles answers in one transaction. The same answers again change nothing but a count.
  Answer<Settled> settle(UtilityId utility, const std::string& feed,
                         const std::vector<ArrivedAnswer>& answers, UtcInstant now);

 private:
  Database& database_;
};

}  // namespace ami::storage
