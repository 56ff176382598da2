#include "adapters/wire/multispeak/link/orders.h"

#include <algorithm>

namespace ami::multispeak {
namespace {

using sdk::CommandKind;

const std::string& word_of(CommandKind kind, const CommandRules& rules) {
  if (kind == CommandKind::SwitchOpen) return rules.open_word;
  return kind == CommandKind::SwitchArm ? rules.arm_word : rules.close_word;
}

bool is_switch_order(CommandKind kind) {
  return kind == CommandKind::SwitchOpen || kind == CommandKind::SwitchClose ||
         kind == CommandKind::SwitchArm;
}

}  // namespace

Order order_of(CommandKind kind, const CommandRules& rules) {
  const Order initiate{Operation::InitiateMeterRead, Role::Mr, Effect::Commission, false};
  const Order latest{Operation::GetLatestReading, Role::Mr, Effect::Question, true};
  switch (kind) {
    case CommandKind::Read:
      return rules.latest_reading ? latest : initiate;
    case CommandKind::Ping:
      if (rules.ping == PingWay::Read) return initiate;
      return {Operation::InitiateOutageDetection, Role::Od, Effect::Commission, false};
    case CommandKind::DemandReset:
      return {Operation::InitiateDemandReset, Role::Mr, Effect::Change, false};
    case CommandKind::Backfill:
      return {Operation::GetReadingsByDate, Role::Mr, Effect::Question, false};
    case CommandKind::SwitchState:
      if (rules.state_at_once) return {Operation::GetCdMeterState, Role::Cd, Effect::Question, true};
      return {Operation::InitiateCdStateRequest, Role::Cd, Effect::Commission, false};
    case CommandKind::SwitchOpen:
    case CommandKind::SwitchClose:
    case CommandKind::SwitchArm:
      break;
  }
  return {Operation::InitiateConnectDisconnect, Role::Cd, Effect::Change, false};
}

Request request_of(const Order& order, const sdk::Attempt& attempt, std::span<const std::string> meters,
                   const CommandRules& rules, UtcInstant now) {
  Request request;
  request.operation = order.operation;
  if (order.operation == Operation::GetReadingsByDate) {
    request.start = to_text(attempt.from);
    request.end = to_text(attempt.to);
    return request;
  }
  for (const std::string& number : meters) {
    MeterId meter;
    meter.number = number;
    if (is_switch_order(attempt.kind)) {
      SwitchOrder one;
      one.object_id = number;  // what a rejection names
      one.load_action = word_of(attempt.kind, rules);
      one.meter = meter;
      request.orders.push_back(std::move(one));
    } else {
      request.meters.push_back(std::move(meter));
    }
  }
  if (order.effect == Effect::Question) return request;
  request.response_url = rules.response_url;
  request.transaction = attempt.transaction;
  const auto left = std::chrono::ceil<std::chrono::seconds>(attempt.expires_at - now);
  request.expiry = std::max(left, std::chrono::seconds{1});
  request.request_date = to_text(now);
  return request;
}

}  // namespace ami::multispeak
