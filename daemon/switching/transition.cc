#include "daemon/switching/transition.h"

namespace ami::daemon::switching {
namespace {

using S = SwitchState;

struct Row {
  S from;
  Input input;
  S to;
};

// Where `to` is VerifiedOpen, the state that the action asks for is meant.
constexpr Row kRows[] = {
    {S::Requested, Input::PolicyPassed, S::PolicyChecked},
    {S::PolicyChecked, Input::Authorise, S::Authorised},
    {S::Authorised, Input::Enqueue, S::Queued},
    {S::Queued, Input::Send, S::Sent},

    // Until it has left, anything may stop it.
    {S::Requested, Input::PolicyRefused, S::Rejected},
    {S::PolicyChecked, Input::PolicyRefused, S::Rejected},
    {S::Authorised, Input::PolicyRefused, S::Rejected},
    {S::Queued, Input::PolicyRefused, S::Rejected},
    {S::Requested, Input::Cancel, S::Cancelled},
    {S::PolicyChecked, Input::Cancel, S::Cancelled},
    {S::Authorised, Input::Cancel, S::Cancelled},
    {S::Queued, Input::Cancel, S::Cancelled},
    {S::Requested, Input::NotAfterPassed, S::Expired},
    {S::PolicyChecked, Input::NotAfterPassed, S::Expired},
    {S::Authorised, Input::NotAfterPassed, S::Expired},
    {S::Queued, Input::NotAfterPassed, S::Expired},

    // It may have left: only the far side's word or the end of its flight lets go of the meter. Evidence does
    // not: an empty house uses nothing, opened or not.
    {S::Sent, Input::NotSent, S::Failed},
    {S::Sent, Input::Accepted, S::Acknowledged},
    {S::Sent, Input::ReportedDone, S::Verifying},
    {S::Sent, Input::ReportedFailed, S::Failed},
    {S::Sent, Input::FlightOver, S::Uncertain},
    {S::Acknowledged, Input::ReportedDone, S::Verifying},
    {S::Acknowledged, Input::ReportedFailed, S::Failed},
    {S::Acknowledged, Input::FlightOver, S::Uncertain},

    {S::Verifying, Input::EvidenceEnough, S::VerifiedOpen},
    {S::Verifying, Input::EvidenceAgainst, S::Contradicted},
    {S::Verifying, Input::EvidenceLate, S::Uncertain},
    {S::Verifying, Input::ReportedFailed, S::Contradicted},

    // Later evidence raises by itself; nothing sends again.
    {S::Uncertain, Input::EvidenceEnough, S::VerifiedOpen},
    {S::Uncertain, Input::EvidenceAgainst, S::Contradicted},
    {S::Uncertain, Input::EvidenceNotDone, S::Failed},
    {S::Uncertain, Input::ReportedFailed, S::Failed},
    {S::Uncertain, Input::ObservedDone, S::VerifiedOpen},
    {S::Uncertain, Input::ObservedNotDone, S::Failed},
    {S::Contradicted, Input::ObservedDone, S::VerifiedOpen},
    {S::Contradicted, Input::ObservedNotDone, S::Failed},
    {S::Failed, Input::ReportedDone, S::Contradicted},

    {S::VerifiedOpen, Input::EvidenceAgainst, S::Contradicted},
    {S::VerifiedClosed, Input::EvidenceAgainst, S::Contradicted},
    {S::VerifiedArmed, Input::EvidenceAgainst, S::Contradicted},
    {S::VerifiedArmed, Input::ArmClosed, S::VerifiedClosed},
    {S::VerifiedArmed, Input::ArmEnded, S::Failed},
};

constexpr std::array<std::string_view, kInputs> kNames{"POLICY_PASSED",
                                                       "POLICY_REFUSED",
                                                       "AUTHORISE",
                                                       "ENQUEUE",
                                                       "SEND",
                                                       "NOT_SENT",
                                                       "ACCEPTED",
                                                       "REPORTED_DONE",
                                                       "REPORTED_FAILED",
                                                       "FLIGHT_OVER",
                                                       "EVIDENCE_LATE",
                                                       "EVIDENCE_ENOUGH",
                                                       "EVIDENCE_AGAINST",
                                                       "EVIDENCE_NOT_DONE",
                                                       "OBSERVED_DONE",
                                                       "OBSERVED_NOT_DONE",
                                                       "ARM_CLOSED",
                                                       "ARM_ENDED",
                                                       "CANCEL",
                                                       "NOT_AFTER_PASSED"};

std::string_view why_not(S from, Input input) {
  switch (input) {
    case Input::Cancel:
      if (storage::left(from)) {
        return "too late: the command may have left, and no far side takes one back; when it is settled, "
               "another "
               "operation can undo it";
      }
      return "the operation has ended: there is nothing to cancel";
    case Input::NotAfterPassed:
      return "not_after bounds when it may leave, and it has left or ended";
    case Input::Send:
      return storage::left(from) || is_verified(from) || from == S::Uncertain || from == S::Contradicted
                 ? "it may have left already: nothing is sent twice"
             : from == S::Failed   ? "its only attempt is over: order it anew"
             : storage::live(from) ? "it is not queued yet"
                                   : "it ended before it left";
    case Input::ObservedDone:
    case Input::ObservedNotDone:
      if (storage::left(from))
        return "the command may still act: an observation settles it only when its flight is over";
      if (storage::live(from)) return "it has not left: there is nothing to observe";
      return "its outcome is not in question";
    case Input::EvidenceEnough:
    case Input::EvidenceAgainst:
    case Input::EvidenceNotDone:
      if (from == S::Sent || from == S::Acknowledged)
        return "the command may still act: evidence counts when the far side has answered or its flight is "
               "over";
      return "evidence changes nothing here";
    case Input::PolicyPassed:
    case Input::PolicyRefused:
    case Input::Authorise:
    case Input::Enqueue:
      return "it is past that step";
    case Input::NotSent:
    case Input::Accepted:
    case Input::ReportedDone:
    case Input::ReportedFailed:
      return from < S::Sent ? "it has not left: no answer can be its own"
                            : "an answer before it counts, or it says nothing new";
    case Input::FlightOver:
    case Input::EvidenceLate:
      return "nothing is waited for";
    case Input::ArmClosed:
    case Input::ArmEnded:
      return "the switch is not armed by it";
  }
  return "no such input";
}

std::uint8_t effects_of(S from, S to, SwitchAction action) {
  std::uint8_t out = kNothing;
  if (to == S::Sent) out |= kCarry;
  if (to == S::Verifying) out |= kWatch;
  if (to == S::Verifying && action == SwitchAction::Open) out |= kReadRegister;
  if (storage::live(from) && !storage::live(to)) out |= kRelease;
  if (to == S::Uncertain) out |= kWatch;
  if (to == S::Contradicted) out |= kTellSomebody;
  return out;
}

}  // namespace

std::string_view name_of(Input input) {
  return kNames.at(static_cast<std::size_t>(input));
}

SwitchState verified(SwitchAction action) {
  switch (action) {
    case SwitchAction::Open:
      return S::VerifiedOpen;
    case SwitchAction::Close:
      return S::VerifiedClosed;
    case SwitchAction::Arm:
      return S::VerifiedArmed;
  }
  return S::VerifiedOpen;
}

Table::Cell& Table::at(SwitchState from, Input input) {
  return cells_.at(static_cast<std::size_t>(from)).at(static_cast<std::size_t>(input));
}

const Table& Table::standard() {
  static const Table table = [] {
    Table out;
    for (const Row& row : kRows) out.at(row.from, row.input) = {true, row.to};
    return out;
  }();
  return table;
}

Step Table::step(SwitchState from, Input input, SwitchAction action) const {
  const Cell& cell = cells_.at(static_cast<std::size_t>(from)).at(static_cast<std::size_t>(input));
  if (!cell.moves) return {false, from, kNothing, why_not(from, input)};
  const S to = cell.to == S::VerifiedOpen ? verified(action) : cell.to;
  return {true, to, effects_of(from, to, action), {}};
}

Table Table::with(SwitchState from, Input input, SwitchState to) const {
  Table out = *this;
  out.at(from, input) = {true, to};
  return out;
}

Table Table::without(SwitchState from, Input input) const {
  Table out = *this;
  out.at(from, input) = {};
  return out;
}

}  // namespace ami::daemon::switching
