// Switch states, outage events and meter events.
#include <initializer_list>
#include <string>

#include "adapters/wire/multispeak/codec/gather.h"
#include "meter_model/quantity/quoted.h"

namespace ami::multispeak {
namespace {

std::string_view text_of(const xml::Element& owner, std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) {
    if (const std::string_view text = owner.child(name).text(); !text.empty()) return text;
  }
  return {};
}

// The time as written, else the time of receipt where the caller gave one.
struct EventTime {
  StampText stamp;
  TimeSource source = TimeSource::Device;
};
EventTime event_time(std::string_view written, Gather& gather) {
  EventTime at{gather.stamp(written), TimeSource::Device};
  if (!at.stamp.is_missing()) return at;
  if (const StatedTime receipt = gather.receipt(); receipt.present())
    at = {{receipt, nullptr}, TimeSource::Receipt};
  return at;
}

void add_event(std::string_view code, std::string_view text, const EventTime& at, Gather& gather) {
  EventObservation event;
  static_cast<ObservationHead&>(event) = gather.head();
  event.measure = gather.text(gather.content().name());
  event.time_source = at.source;
  event.code = gather.text(bounded(code));
  event.text = gather.text(bounded(text));
  event.time = at.stamp.time;
  gather.add(std::move(event));
}

// One change or state. `owner` holds meter, word, time and errorString.
void decode_switch(const xml::Element& owner, const Frame& frame, std::string_view word_name, bool is_change,
                   Gather& gather) {
  const std::string meter = decode_meter_id(owner).number;
  if (!gather.begin(owner, frame, meter)) return;
  const std::string_view word = owner.child(word_name).text();
  const std::string_view fault = owner.attribute("errorString").empty() ? owner.child("errorString").text()
                                                                        : owner.attribute("errorString");
  const std::string_view written = text_of(owner, {"timestamp", "timeStamp", "eventTime"});
  const StampText stated = gather.stamp(written);
  gather.result(word, fault, stated.time, true);
  const std::string_view failure = fault.empty() ? gather.content().child("errorString").text() : fault;
  const bool failed = !failure.empty();
  if (meter.empty()) {
    gather.malformed("missing_meter", "the switch state names no meter");
  } else if (word.empty() && !failed) {
    gather.malformed("missing_state", std::string(word_name) + " is empty, and no errorString says why");
  } else if (stated.is_bad()) {
    gather.malformed("bad_time", "time " + quoted(written) + " is no date-time (2026-01-15T12:00:00Z)");
  } else if (is_change) {
    EventTime at{stated, TimeSource::Device};
    if (stated.problem != nullptr) at = {{gather.receipt(), nullptr}, TimeSource::Receipt};
    if (!at.stamp.time.present()) return;
    std::string code = failed ? "CDStateChangeFailed" : "CDStateChange";
    if (!word.empty()) code += "/" + std::string(word);
    add_event(code, failure, at, gather);
  }
}

void decode_switches(std::string_view list_name, std::string_view one_name, std::string_view word_name,
                     bool is_change, Gather& gather) {
  const xml::Element& content = gather.content();
  if (const xml::Element list = content.child(list_name)) {
    const Frame frame = gather.frame(list, {"transactionID", "errorString"});
    for (xml::Element one = list.first_child(); one; one = one.next())
      decode_switch(one, frame, word_name, is_change, gather);
    return;
  }
  const xml::Element one = content.child(one_name);
  if (one.first_child()) {
    decode_switch(one, gather.frame_beside(one, {"transactionID", "errorString"}), word_name, is_change,
                  gather);
  } else if (one || content.child("meterNo")) {
    // 3.0 has meterNo, stateChange and errorString in the operation itself.
    decode_switch(content, gather.frame(content.parent(), {}), word_name, is_change, gather);
  }
}

void decode_outage_event(const xml::Element& event, const Frame& frame, Gather& gather) {
  const std::string_view device = text_of(event, {"outageDetectDeviceID", "outageDetectionDeviceID"});
  const std::string located = decode_meter_id(event.child("outageLocation")).number;
  if (!gather.begin(event, frame, located.empty() ? device : std::string_view(located))) return;
  if (located.empty()) gather.set_meter_kind(gather.options().device_kind);
  const std::string_view type = event.child("outageEventType").text();
  const std::string_view written = event.child("eventTime").text();
  const StampText stated = gather.stamp(written);
  gather.result(type, event.attribute("errorString"), stated.time);
  if (located.empty() && device.empty()) {
    gather.malformed("missing_meter", "the event has neither a located meter nor a device");
    return;
  }
  if (type.empty()) {
    if (event.attribute("errorString").empty())
      gather.malformed("missing_type", "outageEventType is empty, and no errorString says why");
    return;
  }
  EventTime at{stated, TimeSource::Device};
  if (stated.is_missing()) at = event_time({}, gather);
  if (at.stamp.problem != nullptr) {
    gather.malformed(at.stamp.problem,
                     "eventTime " + quoted(written) + " is no date-time (2026-01-15T12:00:00Z)");
    return;
  }
  std::string words;
  const auto say = [&](std::string_view name, std::string_view text) {
    if (text.empty()) return;
    if (!words.empty()) words += ' ';
    words += std::string(name) + "=" + std::string(text);
  };
  say("deviceType", text_of(event, {"outageDetectDeviceType", "outageDetectionDeviceType"}));
  say("resolvedLevel", event.child("resolvedLevel").text());
  say("percentConfident", event.child("percentConfident").text());
  say("problemCode", event.child("problemCode").text());
  EventObservation one;
  static_cast<ObservationHead&>(one) = gather.head();
  one.measure = "outageDetectionEvent";
  one.time_source = at.source;
  one.code = gather.text(bounded("OD/" + std::string(type)));
  one.text = gather.text(bounded(words));
  one.time = at.stamp.time;
  gather.add(std::move(one));
}

// type.domain.domainPart.index, each a number.
bool is_event_code(std::string_view text) {
  int dots = 0;
  bool digit_before = false;
  for (const char c : text) {
    const bool digit = c >= '0' && c <= '9';
    if (!digit && (c != '.' || !digit_before)) return false;
    dots += digit ? 0 : 1;
    digit_before = digit;
  }
  return dots == 3 && digit_before;
}

void decode_meter_event(const xml::Element& instance, const Frame& frame, Gather& gather) {
  const std::string meter = decode_meter_id(instance).number;
  if (!gather.begin(instance, frame, meter)) return;
  const xml::Element event = instance.child("meterEvent");
  const std::string_view code_string = event.attribute("codeString");
  std::string code;
  for (const std::string_view name : {"type", "domain", "domainPart", "index"}) {
    if (!code.empty()) code += '.';
    code += event.attribute(name);
  }
  // Which place holds the numbers and which the words differs: the documentation gives codeString the words,
  // senders put the numbers there.
  std::string_view words = event.text();
  if (is_event_code(code_string)) {
    code = code_string;
  } else if (is_event_code(words)) {
    code = words;
    words = code_string;
  } else if (!is_event_code(code)) {
    code = code_string.empty() ? words : code_string;
  }
  if (words.empty()) words = code_string;
  const std::string_view written = instance.child("timeStamp").text();
  const StampText stamp = gather.stamp(written);
  gather.result(code, instance.attribute("errorString"), stamp.time);
  if (meter.empty()) {
    gather.malformed("missing_meter", "the event names no meter");
  } else if (code.empty()) {
    gather.malformed("missing_code", "meterEvent has neither a code nor words");
  } else if (stamp.problem != nullptr) {
    gather.malformed(stamp.problem,
                     "timeStamp " + quoted(written) + " is no date-time (2026-01-15T12:00:00Z)");
  } else {
    std::string text(words);
    if (!event.attribute("value").empty()) text += " value=" + std::string(event.attribute("value"));
    add_event(code, text, {stamp, TimeSource::Device}, gather);
  }
}

}  // namespace

void decode_switch_changes(Gather& gather) {
  decode_switches("stateChanges", "stateChange", "stateChange", true, gather);
}

void decode_switch_states(Gather& gather) {
  decode_switches("states", "state", "RCDState", false, gather);
}

void decode_outage_events(const xml::Element& list, Gather& gather) {
  const Frame frame = gather.frame(list, {"transactionID", "errorString"});
  for (xml::Element event = list.child("outageDetectionEvent"); event; event = event.next_same())
    decode_outage_event(event, frame, gather);
}

void decode_meter_events(const xml::Element& events, Gather& gather) {
  // 4.1 writes eventInstances, 3.0 eventinstances; senders also leave the list out.
  xml::Element list = events.child("eventInstances");
  if (!list) list = events.child("eventinstances");
  if (!list) list = events;
  const Frame frame = gather.frame(list, {"transactionID", "errorString"});
  for (xml::Element one = list.child("eventInstance"); one; one = one.next_same())
    decode_meter_event(one, frame, gather);
}

}  // namespace ami::multispeak
