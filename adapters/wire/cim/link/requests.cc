#include "adapters/wire/cim/link/requests.h"

#include <utility>

#include "adapters/wire/cim/codec/encode.h"

namespace ami::cim {
namespace {

std::vector<Meter> meters_of(const sdk::Attempt& attempt, const RequestSettings& settings) {
  std::vector<Meter> meters;
  for (const std::string& id : attempt.meters)
    meters.push_back({id, settings.meter_is_mrid, settings.name_type});
  return meters;
}

const std::string& code_of(sdk::CommandKind kind, const SwitchCodes& codes) {
  if (kind == sdk::CommandKind::SwitchOpen) return codes.disconnect;
  return kind == sdk::CommandKind::SwitchClose ? codes.connect : codes.arm;
}

}  // namespace

Result<Message> request_of(const sdk::Attempt& attempt, UtcInstant now, const RequestSettings& settings) {
  Message message;
  switch (attempt.kind) {
    case sdk::CommandKind::Read:
    case sdk::CommandKind::Ping:
      message = get_scalar_readings(meters_of(attempt, settings), settings.read_types);
      break;
    case sdk::CommandKind::Backfill:
      if (attempt.from >= attempt.to) return permanent("a period that ends before it begins");
      message = get_interval_readings(meters_of(attempt, settings), settings.interval_types,
                                      to_text(attempt.from), to_text(attempt.to));
      break;
    case sdk::CommandKind::SwitchOpen:
    case sdk::CommandKind::SwitchClose:
    case sdk::CommandKind::SwitchArm: {
      const std::string& code = code_of(attempt.kind, settings.codes);
      if (code.empty())
        return permanent("no control code is configured for " + std::string(name_of(attempt.kind)));
      if (attempt.meters.size() != 1) return permanent("a switch is moved one meter a request");
      message = create_control(code, meters_of(attempt, settings));
      message.controls.front().mrid = attempt.transaction;
      break;
    }
    case sdk::CommandKind::DemandReset:
    case sdk::CommandKind::SwitchState:
      return permanent("this interface has no request for " + std::string(name_of(attempt.kind)));
  }
  message.soap = settings.soap;
  message.edition = settings.edition;
  message.credentials = settings.credentials;
  message.credential_place = settings.place;
  Header& header = message.header;
  header.revision = settings.revision;
  header.timestamp = to_text(now);
  header.source = settings.source;
  header.async_reply_flag = settings.reply_address.empty() ? "false" : "true";
  header.reply_address = settings.reply_address;
  header.ack_required = "true";
  header.message_id = attempt.transaction;
  header.correlation_id = attempt.transaction;
  return message;
}

http::Call call_of(const Message& request, const sdk::Attempt& attempt, const RequestSettings& settings) {
  http::Call call;
  call.body = encode(request);
  call.fresh_connection = moves_switch(attempt.kind);
  call.before_send = attempt.before_send;
  switch (request.soap) {
    case Soap::None:
      call.headers.add("Content-Type", "application/xml; charset=utf-8");
      break;
    case Soap::V11:
      call.headers.add("Content-Type", "text/xml; charset=utf-8");
      call.headers.add("SOAPAction", "\"" + settings.soap_action + "\"");
      break;
    case Soap::V12:
      call.headers.add(
          "Content-Type",
          "application/soap+xml; charset=utf-8" +
              (settings.soap_action.empty() ? std::string() : "; action=\"" + settings.soap_action + "\""));
      break;
  }
  return call;
}

}  // namespace ami::cim
