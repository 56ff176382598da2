// Events and controls of a payload.
#include <utility>

#include "adapters/wire/cim/codec/envelope.h"
#include "adapters/wire/cim/codec/payload.h"
#include "adapters/wire/cim/codec/stamp.h"
#include "meter_model/quantity/quoted.h"

namespace ami::cim {

void PayloadReader::read_event(const xml::Element& item, std::string_view meter,
                               std::string_view meter_bytes) {
  const std::string body = std::string(meter_bytes) + std::string(whole(frame_.bytes(), item));
  if (meter.empty())
    return reject(item, body, {}, reason::kMissingMeter, "an event without the chosen name of its device");
  std::string_view code = type_ref(item.child("EndDeviceEventType"));
  if (code.empty()) code = item.child("category").text();
  if (code.empty())
    return reject(item, body, meter, reason::kMissingCode,
                  "an event without EndDeviceEventType and category");
  const xml::Element status = item.child("status");
  std::string_view said = item.child("createdDateTime").text();
  Stamp stamp = read_stamp(said);
  if (stamp.state == StampState::Absent || stamp.state == StampState::Unset) {
    said = status.child("dateTime").text();
    stamp = read_stamp(said);
  }
  if (stamp.state == StampState::Bad)
    return reject(item, body, meter, reason::kBadTime, quoted(said) + " is no date-time");
  if (stamp.state != StampState::Good) {
    return reject(item, body, meter, reason::kMissingTime,
                  "an event without a time in createdDateTime or status");
  }
  EventObservation event;
  static_cast<ObservationHead&>(event) = head(item.begin(), meter, arena_.adopt(frame_.around(path_, body)));
  event.measure = "EndDeviceEvent";
  event.code = arena_.keep(code);
  std::string_view words = status.child("value").text();
  if (words.empty()) words = item.child("reason").text();
  event.text = arena_.keep(words);
  event.time = kept(stamp.time, arena_);
  out_.batch.observations.emplace_back(std::move(event));
}

void PayloadReader::read_control(const xml::Element& item) {
  Control control;
  control.mrid = std::string(item.child("mRID").text());
  std::string_view type = type_ref(item.child("EndDeviceControlType"));
  if (type.empty()) type = item.child("type").text();
  control.type = std::string(type);
  control.reason = std::string(item.child("reason").text());
  control.start = std::string(item.child("primaryDeviceTiming").child("interval").child("start").text());
  for (const std::string_view name : kDeviceHolders) {
    for (xml::Element device = item.child(name); device; device = device.next_same()) {
      Meter meter = meter_of(device);
      if (!meter.id.empty()) control.meters.push_back(std::move(meter));
    }
  }
  const std::string_view body = whole(frame_.bytes(), item);
  if (control.type.empty())
    return reject(item, body, {}, reason::kMissingCode, "a control without EndDeviceControlType");
  if (control.meters.empty())
    return reject(item, body, {}, reason::kMissingMeter, "a control without a device");
  out_.message.controls.push_back(std::move(control));
}

}  // namespace ami::cim
