// What a command is in MultiSpeak's words: which operation, at whose URL, with which fields. Pure.
#pragma once

#include <span>
#include <string>

#include "adapters/sdk/command.h"
#include "adapters/sdk/setback.h"
#include "adapters/wire/multispeak/codec/request.h"
#include "adapters/wire/multispeak/link/link_settings.h"
#include "meter_model/time/instant.h"

namespace ami::multispeak {

using sdk::Effect;

struct Order {
  Operation operation = Operation::PingUrl;
  Role role = Role::Mr;
  Effect effect = Effect::Question;
  bool one_meter = false;  // the operation asks for one; several meters are several requests
};

Order order_of(sdk::CommandKind kind, const CommandRules& rules);
// The request of an attempt for these of its meters.
Request request_of(const Order& order, const sdk::Attempt& attempt, std::span<const std::string> meters,
                   const CommandRules& rules, UtcInstant now);

}  // namespace ami::multispeak
