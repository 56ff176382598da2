// What may follow what for an operation of a service switch: one table, no I/O, no clock. The engine and the
// model check (tests/daemon/switching/model_test.cc) step through the same one. Picture: docs/switching.md
//
// Two rules carry the safety, and both are rows of this table:
//   - an operation leaves its meter (is live no longer) only when its attempt cannot act any more: the far
//   side
//     said what came of it, or the time of its flight is over;
//   - VERIFIED is reached by evidence, or by a person's observation, and by nothing else. What the far side
//     says is done is VERIFYING.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "storage/contract/switching.h"

namespace ami::daemon::switching {

using storage::SwitchAction;
using storage::SwitchState;

// What can happen to an operation.
enum class Input : std::uint8_t {
  PolicyPassed,
  PolicyRefused,  // at submit or at any check before it leaves
  Authorise,      // by as many persons as it takes
  Enqueue,
  Send,             // is made durable; only then may the first byte leave
  NotSent,          // surely has not left
  Accepted,         // the far side has taken it: what comes of it comes later
  ReportedDone,     // the far side says that it is done
  ReportedFailed,   // the far side says that it is not done and will not be
  FlightOver,       // nothing was said, and the far side acts on it no more
  EvidenceLate,     // done as the far side says, and no evidence in time
  EvidenceEnough,   // of the configured level or above
  EvidenceAgainst,  // the meter is in another position, after the far side said that it is done
  EvidenceNotDone,  // the same, and the far side has said nothing
  ObservedDone,     // a person saw it, with a reference
  ObservedNotDone,
  ArmClosed,  // of an armed switch: the customer closed it
  ArmEnded,   // of an armed switch: it is open again
  Cancel,
  NotAfterPassed,
};
inline constexpr std::size_t kInputs = 20;
std::string_view name_of(Input input);  // "POLICY_PASSED"

// What the engine has to see to, once the change is stored. Bits.
enum Effect : std::uint8_t {
  kNothing = 0,
  kCarry = 1,          // the attempt may leave
  kReadRegister = 2,   // of an OPEN: the final register
  kWatch = 4,          // evidence is waited for
  kRelease = 8,        // the meter takes another operation
  kTellSomebody = 16,  // a person must look
};

struct Step {
  bool moves = false;
  SwitchState to = SwitchState::Requested;  // of a refusal: as it was
  std::uint8_t effects = kNothing;
  std::string_view refusal;  // words for a person; empty when it moves
};

class Table {
 public:
  static const Table& standard();

  // Total: every input in every state has an answer. `action` says which of the VERIFIED states is meant.
  [[nodiscard]] Step step(SwitchState from, Input input, SwitchAction action) const;

  // The same table with one row more or other; for tests that show that a wrong table is found.
  [[nodiscard]] Table with(SwitchState from, Input input, SwitchState to) const;
  [[nodiscard]] Table without(SwitchState from, Input input) const;

 private:
  struct Cell {
    bool moves = false;
    SwitchState to = SwitchState::Requested;  // VerifiedOpen stands for the one of the action
  };
  Cell& at(SwitchState from, Input input);
  std::array<std::array<Cell, kInputs>, storage::kSwitchStates> cells_{};
};

// VERIFIED_OPEN of an OPEN, …
SwitchState verified(SwitchAction action);
constexpr bool is_verified(SwitchState state) noexcept {
  return state >= SwitchState::VerifiedOpen && state <= SwitchState::VerifiedArmed;
}

}  // namespace ami::daemon::switching
