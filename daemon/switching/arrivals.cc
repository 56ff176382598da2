#include "daemon/switching/arrivals.h"

#include <algorithm>
#include <utility>

#include "daemon/log/messages.h"

namespace ami::daemon::switching {
namespace {

bool base36(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z');
  });
}

sdk::CommandKind kind_of(SwitchAction action) {
  switch (action) {
    case SwitchAction::Open:
      return sdk::CommandKind::SwitchOpen;
    case SwitchAction::Close:
      return sdk::CommandKind::SwitchClose;
    case SwitchAction::Arm:
      return sdk::CommandKind::SwitchArm;
  }
  return sdk::CommandKind::SwitchState;
}

// Why the result is not about that operation; empty = it is. One without an id is about the only meter that
// there was to the transaction.
std::string why_not(const SwitchOperation& operation, const commands::CommandFeed& feed,
                    const ResultObservation& result, const commands::MeterOf& meter_of) {
  if (operation.asked.feed != feed.name)
    return "feed " + feed.name + " answered what feed " + operation.asked.feed + " was asked";
  if (result.meter.empty() || result.meter == operation.asked.vendor_id) return {};
  const auto meter = meter_of ? meter_of(result.meter_kind, result.meter) : std::nullopt;
  if (meter == operation.asked.meter_id) return {};
  return "feed " + feed.name + " answered about " + std::string(result.meter.substr(0, 100)) +
         (meter ? ", which is another meter" : ", which is no meter that is known") + ", not about " +
         operation.asked.vendor_id + ": what it says is not taken, and what was switched has to be found out";
}

}  // namespace

bool is_switch_transaction(std::string_view transaction) {
  if (!transaction.starts_with("sw")) return false;
  const auto dash = transaction.find('-');
  return dash != std::string_view::npos && base36(transaction.substr(2, dash - 2)) &&
         base36(transaction.substr(dash + 1));
}

Outcome Arrivals::take(const commands::CommandFeed& feed, std::span<const ResultObservation> results,
                       const commands::MeterOf& meter_of) {
  for (const ResultObservation& result : results) {
    Outcome outcome = Done{};
    if (is_switch_transaction(result.transaction)) {
      outcome = to_operation(feed, result, meter_of);
    } else if (result.transaction.empty()) {
      outcome = to_meter(feed, result, meter_of);
    }
    if (!outcome.ok()) return outcome;
  }
  return Done{};
}

Outcome Arrivals::to_operation(const commands::CommandFeed& feed, const ResultObservation& result,
                               const commands::MeterOf& meter_of) {
  const std::string transaction(result.transaction);
  const auto found = parts_.store.by_transaction(transaction);
  if (!found.ok()) return transient(found.refusal().message);
  if (!found->has_value()) {
    parts_.log.write(messages::kSwitchAnswerStray, {{"feed", feed.name}, {"transaction", transaction}});
    return Done{};
  }
  const SwitchOperation& operation = **found;
  if (const std::string wrong = why_not(operation, feed, result, meter_of); !wrong.empty())
    return parts_.engine.mistaken(transaction, wrong);
  const sdk::AttemptAnswer said = feed.verdict(kind_of(operation.asked.action), result);
  // What leaves it open keeps its place at the feed until its flight is over.
  const bool settled = said.state == sdk::AttemptState::Failed || said.state == sdk::AttemptState::Succeeded;
  if (settled && parts_.heard) parts_.heard(transaction);
  return parts_.engine.reported(transaction, said);
}

Outcome Arrivals::to_meter(const commands::CommandFeed& feed, const ResultObservation& result,
                           const commands::MeterOf& meter_of) {
  if (result.meter.empty() || !meter_of) return Done{};
  const sdk::AttemptAnswer said = feed.verdict(sdk::CommandKind::SwitchState, result);
  if (said.position == sdk::SwitchPosition::Unknown) return Done{};
  const auto meter = meter_of(result.meter_kind, result.meter);
  if (!meter) return Done{};
  return parts_.engine.learnt(*meter, PositionReport{said.position, said.at});
}

}  // namespace ami::daemon::switching
