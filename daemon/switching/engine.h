// Carries out operations of service switches: one engine a gateway, any number of gateways a database. The
// only thing that may start a switch attempt. docs/switching.md
//
// The book (storage/contract/switching.h) knows everything that matters; what is in memory here may be lost
// at any moment. An operation has one attempt. SENT is stored before its first byte leaves; nothing that is
// SENT is ever sent again.
//
// Two clocks: the wall clock bounds when a command may leave; how long one may still act is measured by a
// steady clock from when this run of the gateway began to watch it, so that no jump of the wall clock
// shortens it.
//
// Threads: calls block (they use the book) and may come from any thread, callbacks of the carrier included.
// The engine outlives its carrier's callbacks.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "adapters/sdk/command.h"
#include "daemon/switching/evidence.h"
#include "daemon/switching/policy.h"
#include "daemon/switching/transition.h"
#include "storage/contract/switching.h"

namespace ami::daemon::switching {

using storage::Answer;
using storage::Refusal;
using storage::SwitchId;
using storage::SwitchOperation;

// What is known of a meter now.
struct MeterNow {
  House house;
  Capability capability;
  EvidenceMeans means;
  LoadSideVoltage load_side = LoadSideVoltage::NotRead;
  std::string feed, vendor_id;       // which adapter, and the meter's name there
  std::chrono::seconds flight{360};  // expiry at the far side and grace
  int minimum =
      kReported;  // level of evidence that the site wants; an acknowledgement is none, so 1 at least
};
// Asset data, approvals and the site's configuration.
class Site {
 public:
  virtual ~Site() = default;
  virtual Answer<MeterNow> meter(std::int32_t utility, const std::string& key, UtcInstant now) = 0;
};

// One attempt, as an adapter takes it.
struct Errand {
  std::string transaction;  // unique for ever
  sdk::CommandKind kind = sdk::CommandKind::SwitchOpen;
  std::string feed, vendor_id;
  std::chrono::seconds flight{};
};
class Carrier {
 public:
  virtual ~Carrier() = default;
  // `before_send` once, right before the first byte: unless it says yes nothing may be sent and the answer is
  // Failed "not_sent". `done` at most once.
  virtual void carry(const Errand& errand, std::function<Outcome()> before_send,
                     std::function<void(sdk::AttemptAnswer)> done) = 0;
  // The register of the meter of an OPEN that is done, exact and with its unit; an error says why there is none.
  // `done` at most once.
  virtual void read_register(const SwitchOperation& operation, std::function<void(Result<std::string>)> done) = 0;
};

// Where a person learns of what needs one.
class Watcher {
 public:
  enum class What : std::uint8_t {
    Unresolved,  // for 15 minutes
    Incident,    // for 24 hours
    Contradicted,
    SafetyEnergy,  // energy through a switch that was opened
    LatentClose,   // a meter that refused to close may do so by itself
    ArmNotEnded,   // armed, and nobody knows whether it still is
    Defect,        // a carrier answered what it had not been let send, or for another meter
  };
  virtual ~Watcher() = default;
  virtual void tell(What what, const SwitchOperation& operation, const std::string& words) = 0;
  // A request was refused, and the book could not take the line that says so.
  virtual void not_kept(const std::string& /*why*/) {}
};

// "OPEN" as a line of an audit's facts; empty for Unknown.
std::string position_fact(SwitchPosition position);

struct Timing {
  std::chrono::seconds expiry{std::chrono::hours{24}};      // of what is asked without not_after
  std::chrono::seconds longest_wait{std::chrono::days{7}};  // from asking to not_after, at most
  std::chrono::seconds verify{900};                         // from the claim to evidence
  std::chrono::seconds unresolved{900}, incident{std::chrono::hours{24}};
  std::chrono::seconds armed{1800};  // assumed: how long a meter stays armed
  std::chrono::milliseconds retry{5'000};  // after what surely has not left
  std::chrono::milliseconds lease{10'000};
  std::chrono::milliseconds send_deadline{5'000};  // from asking whether it may leave to the first byte
};

struct SwitchRequest {
  std::int32_t utility = 0;
  std::string meter, usage_point, serial_last4;
  SwitchAction action = SwitchAction::Open;
  std::string reason, order_id;
  std::string caller, request_id, on_behalf_of;
  std::string attestation;
  bool automatic = false;
  std::optional<UtcInstant> not_before{}, not_after{};
  std::string certificate{};  // as storage::SwitchNote::certificate
};

// What submit would say, without a row and without a trace.
struct Evaluation {
  MeterNow meter;
  PolicyVerdict verdict;                // of the policy, with every check; rule SWITCH_LIVE when another is under way
  std::vector<SwitchOperation> others;  // of the meter, newest first
  Attainable attainable;
  int minimum = kReported;  // level that it would take to be VERIFIED
  [[nodiscard]] bool allowed() const noexcept { return verdict.allowed(); }
};

struct Observed {
  SwitchPosition position = SwitchPosition::Unknown;
  std::string reference;  // crew report, call: where it can be looked up
  std::string actor;      // the person who answers for it
  std::string certificate{};
  std::string caller{};  // who is logged in, whoever it speaks for; empty = the gateway's own host
};

// What the books hold, as of the last tick of a gateway that holds the lease.
struct Figures {
  bool sends = false;
  std::map<SwitchState, std::size_t> states;       // of what is live, unresolved or armed
  std::optional<UtcInstant> oldest_unresolved{};  // since when its outcome is not known
};

class Engine {
 public:
  using Steady = std::chrono::milliseconds;  // since any moment, never back
  struct Parts {
    storage::SwitchStore& store;
    Site& site;
    Carrier& carrier;
    const Policy& policy;
    Watcher& watcher;
    std::function<UtcInstant()> now;
    std::function<Steady()> steady;
    std::string gateway;  // one run of one gateway: a name of its own each time
  };
  Engine(Parts parts, Timing timing, const Table& table = Table::standard());
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // The operation as far as it came. A policy that refuses makes it REJECTED, with its rule; refusals of the
  // call itself are Invalid, NotFound, Collision and Excluded (SWITCH_LIVE, SWITCH_UNCERTAIN).
  Answer<SwitchOperation> submit(const SwitchRequest& request);
  // The same judged without doing it: nothing is stored. request_id may be empty. Refusals as of submit, but
  // what would be REJECTED, or is in the way, is in the verdict.
  Answer<Evaluation> evaluate(const SwitchRequest& request);
  // Excluded, rule TOO_LATE, once it may have left.
  Answer<SwitchOperation> cancel(std::int32_t utility, SwitchId id, const std::string& actor,
                                 const std::string& certificate = {});
  // Settles what is UNCERTAIN or CONTRADICTED, and how an armed switch ended; takes a refused order off the
  // truck-roll list when somebody has been there. Excluded, rule OWN_OBSERVATION, of what a program asked for and
  // would settle itself.
  Answer<SwitchOperation> resolve(std::int32_t utility, SwitchId id, const Observed& observed);

  // A result that came through a feed, after the attempt's own answer. Any number of times. Transient:
  // nothing was stored, call again.
  Outcome reported(const std::string& transaction, const sdk::AttemptAnswer& answer);
  // An answer to that transaction which is about another meter: it stands in the audit and moves nothing.
  Outcome mistaken(const std::string& transaction, const std::string& words);
  // What was learnt of a meter by other ways: tomorrow's file, a read. Counts for the newest operation that
  // left and has not failed; that a newer one was done after all counts for that one, too. A position that comes before the far side's own word is kept, and counts after it.
  Outcome learnt(MeterId meter, const EvidenceItem& item);
  // The same of one operation, which need not be the newest: what a late file tells of the time between an OPEN
  // and its way back. The caller sees to it that the item is of that time.
  Outcome learnt_of(std::int32_t utility, SwitchId id, const EvidenceItem& item);

  // Everything that time does: the lease, what is due, what is over, what a crash left. About once a second.
  void tick();
  // Begins no further attempt: what asks whether it may leave is told no.
  void stop();
  // Gives the lease back, so that another gateway need not wait for its end. When nothing is under way.
  void hand_over();

  [[nodiscard]] bool sends();  // holds the lease
  [[nodiscard]] Figures figures();

 private:
  struct Change {
    std::string actor, words, facts, certificate{};
    std::function<void(SwitchOperation&)> edit;  // of the row as it is by then
    std::optional<storage::SwitchLease> lease;
    bool followed = false;  // as storage::SwitchNote::followed
  };
  struct Waiting {
    SwitchId id = 0;
    std::int32_t utility = 0;
    std::string transaction;
    bool stored = false;  // SENT by this very attempt, as far as the book could say
    sdk::AttemptAnswer answer;
  };

  Answer<SwitchOperation> apply(const SwitchOperation& operation, Input asked_for, const Change& change);
  Answer<SwitchOperation> note(const SwitchOperation& operation, const std::string& what,
                               const Change& change);
  [[nodiscard]] storage::SwitchNote note_of(const std::string& input, const Change& change) const;
  // `known`: of the meter, when it was looked up a moment ago.
  Answer<SwitchOperation> prepare(SwitchOperation operation, const MeterNow* known = nullptr);

  // engine_submit.cc
  struct Looked {
    MeterNow meter;
    PolicyVerdict verdict;
    std::vector<SwitchOperation> others;
  };
  [[nodiscard]] storage::SwitchAsked asked_of(const SwitchRequest& request, const MeterNow& meter,
                                              UtcInstant now) const;
  Answer<Looked> look(const SwitchOperation& operation, bool before_send, const MeterNow* known = nullptr);
  Answer<SwitchOperation> submit_now(const SwitchRequest& request);

  // engine_send.cc
  void try_send(const SwitchOperation& operation, const MeterNow* known = nullptr);
  Outcome before_send(std::int32_t utility, SwitchId id, const std::string& transaction, std::atomic<bool>& stored);
  void say_why_it_waits(const SwitchOperation& operation, const sdk::AttemptAnswer& answer);
  void came_back(const Waiting& answer);
  bool settle_own(const Waiting& answer);  // false: the book could not say; again later

  // engine_evidence.cc
  Outcome take(const SwitchOperation& operation, const sdk::AttemptAnswer& answer, bool asynchronous);
  Outcome weigh(const SwitchOperation& operation, const EvidenceItem& item);
  Outcome weigh_failed(const SwitchOperation& operation, const EvidenceItem& item);
  Answer<EvidenceFrame> frame_of(const SwitchOperation& operation, const EvidenceItem& item);
  Outcome keep_early(const SwitchOperation& operation, const EvidenceItem& item);
  Outcome weigh_early(const SwitchOperation& operation);
  Outcome end_of_arm(const SwitchOperation& operation, const EvidenceItem& item, bool& took);
  void read_final(const SwitchOperation& operation);

  // engine_upkeep.cc
  void renew_lease();
  void keep_lease();
  void look_after(const SwitchOperation& operation);
  void remind(const SwitchOperation& operation);
  [[nodiscard]] std::optional<storage::SwitchLease> lease();
  bool over(std::map<SwitchId, Steady>& since, SwitchId id, std::chrono::seconds span);

  Parts parts_;
  const Timing timing_;
  const Table table_;
  std::mutex mutex_;  // what follows; never held across a call of another part
  std::optional<storage::SwitchLease> lease_;
  Steady lease_until_{};
  std::map<SwitchId, Steady> flying_, verifying_;  // since when this run has watched it
  std::map<SwitchId, Steady> not_again_before_;
  std::set<SwitchId> carrying_;
  std::vector<Waiting> waiting_;
  Figures figures_;
  bool stopped_ = false;
};

}  // namespace ami::daemon::switching
