// Attempts as messages. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "adapters/sdk/command.h"
#include "adapters/wire/cim/codec/message.h"
#include "adapters/wire/cim/link/profile.h"
#include "adapters/wire/http/client.h"
#include "meter_model/result.h"

namespace ami::cim {

struct RequestSettings {
  Edition edition = Edition::Second;
  Soap soap = Soap::V11;
  std::string soap_action;                 // without its quotes
  std::optional<Credentials> credentials;  // in each request
  CredentialPlace place = CredentialPlace::Body;
  std::string source = "ami-gatewayd", revision;
  std::string reply_address;  // empty = answers come on the same connection or not at all
  bool meter_is_mrid = false;
  std::string name_type;
  std::vector<std::string> read_types, interval_types;  // empty = the head-end's choice
  SwitchCodes codes;
};

// The request of an attempt: MessageID and CorrelationID are its transaction. Permanent, in plain words: the
// kind is none that this interface has, there is no code for it, or a switch attempt names several meters.
Result<Message> request_of(const sdk::Attempt& attempt, UtcInstant now, const RequestSettings& settings);

// How it goes out: POST with the content type and action of its envelope. A switch command gets a connection
// of its own.
http::Call call_of(const Message& request, const sdk::Attempt& attempt, const RequestSettings& settings);

[[nodiscard]] constexpr bool moves_switch(sdk::CommandKind kind) {
  return kind == sdk::CommandKind::SwitchOpen || kind == sdk::CommandKind::SwitchClose ||
         kind == sdk::CommandKind::SwitchArm;
}

}  // namespace ami::cim
