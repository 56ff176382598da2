#include "adapters/wire/multispeak/codec/notification.h"

namespace ami::multispeak {
namespace {

void encode_states(const NotificationContent& content, Version version, xml::Writer& writer) {
  const bool change =
      content.operation == Operation::CdStateChanged || content.operation == Operation::CdStatesChanged;
  const std::string_view word = change ? "stateChange" : "RCDState";
  const bool many =
      content.operation == Operation::CdStatesChanged || content.operation == Operation::CdStates;
  if (many) {
    writer.open(change ? "stateChanges" : "states");
    for (const SwitchState& state : content.states) {
      writer.open(change ? "CDStateChange" : "CDState");
      encode(state, word, version, writer);
      writer.close();
    }
    writer.close();
    return;
  }
  if (content.states.empty()) return;
  const SwitchState& state = content.states.front();
  if (change && version == Version::V30) {
    encode(state.meter, version, writer);
    writer.leaf("stateChange", state.word);
    return;
  }
  writer.open(change ? "stateChange" : "state");
  encode(state, word, version, writer);
  writer.close();
}

void encode_parts(const NotificationContent& content, Version version, xml::Writer& writer) {
  switch (content.operation) {
    case Operation::ReadingChanged:
      writer.open("changedMeterReads");
      for (const MeterRead& read : content.reads) encode(read, version, writer);
      writer.close();
      break;
    case Operation::IntervalData:
      if (!content.intervals) break;
      writer.open("intervalReads");
      encode(*content.intervals, version, writer);
      writer.close();
      break;
    case Operation::FormattedBlock:
      if (!content.block) break;
      writer.open("changedMeterReads");
      encode(*content.block, version, writer);
      writer.close();
      break;
    case Operation::OutageEvents:
      writer.open("ODEvents");
      for (const OutageEvent& event : content.outages) encode(event, version, writer);
      writer.close();
      break;
    case Operation::MeterEvents:
      writer.open("events").open(version == Version::V30 ? "eventinstances" : "eventInstances");
      for (const MeterEvent& event : content.events) encode(event, version, writer);
      writer.close().close();
      break;
    default:
      encode_states(content, version, writer);
  }
}

bool has_transaction(Operation operation, Version version) {
  return operation != Operation::MeterEvents || version == Version::V41;
}

bool has_error(Operation operation, Version version) {
  return operation == Operation::IntervalData || operation == Operation::FormattedBlock ||
         (operation == Operation::CdStateChanged && version == Version::V30);
}

}  // namespace

std::string encode_notification(const NotificationContent& content, const Sender& sender) {
  xml::Writer writer = begin_message(sender);
  writer.open(name_of(content.operation, sender.version)).attribute("xmlns", namespace_of(sender.version));
  encode_parts(content, sender.version, writer);
  if (has_transaction(content.operation, sender.version))
    writer.leaf_unless_empty("transactionID", content.transaction);
  if (has_error(content.operation, sender.version)) writer.leaf_unless_empty("errorString", content.error);
  return writer.take();
}

}  // namespace ami::multispeak
