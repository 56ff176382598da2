// The messages of IEC 61968-9 in the envelope of IEC 61968-100: what we send and what a far side sends.
//
// Texts stand here as in the XML; "" = the element is not there. Elements and their order follow public
// examples and public listings of the schemas, not the bought standard; what those leave open says "assumed".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "adapters/wire/secret/secret.h"

namespace ami::cim {

using wire::Credentials;
using wire::Secret;

inline constexpr const char* kMessageSpace2011 = "http://iec.ch/TC57/2011/schema/message";
inline constexpr const char* kMessageSpace2008 = "http://www.iec.ch/TC57/2008/schema/message";
inline constexpr const char* kLandisGyrSpace = "http://www.landisgyr.com/iec61968/2010/03";
inline constexpr const char* kSoap11Space = "http://schemas.xmlsoap.org/soap/envelope/";
inline constexpr const char* kSoap12Space = "http://www.w3.org/2003/05/soap-envelope";

// RequestMessage, ResponseMessage, EventMessage, FaultMessage. Also of messages that are named after their
// operation (CreateEndDeviceControls, EndDeviceControlsResponseMessage). A SOAP Fault is a Fault.
enum class Kind : std::uint8_t { Request, Response, Event, Fault };

enum class Soap : std::uint8_t { None, V11, V12 };

// Which namespaces and element names are written. What is read tells by itself.
enum class Edition : std::uint8_t {
  Second,        // envelope of 2011, payloads http://iec.ch/TC57/2011/…#
  First,         // envelope of 2008, payloads http://iec.ch/TC57/2009/…#
  CommandCenter  // envelope of 2008, items in the Landis+Gyr namespace with fields of 2009 (events: as a real
                 // message shows; readings and controls: assumed to be built alike)
};

// Where credentials stand, if there are any.
enum class CredentialPlace : std::uint8_t {
  Body,       // Command Center CIM 1.2: Header/User/UserID and Header/Property named Password
  SoapHeader  // Command Center CIM 2.0: UserName and Password in the Landis+Gyr namespace
};

struct Header {
  std::string verb;  // create, get, reply, created, …
  std::string noun;  // MeterReadings, EndDeviceControls, EndDeviceEvents
  std::string revision, context, timestamp, source;
  std::string async_reply_flag, reply_address, ack_required;  // flags: "true", "false"
  std::string user, organization;                             // UserID where it is no credential
  std::string message_id, correlation_id, comment;
  std::vector<std::pair<std::string, std::string>> properties;  // name, value; never the password
};

// A meter's id. With `mrid` it stands in mRID, else in Names/name (with NameType/name when `name_type` says).
struct Meter {
  std::string id;
  bool mrid = false;
  std::string name_type;
};

struct ReplyError {
  std::string code, level, reason, details;
  std::string id, id_kind, object_type;  // the object that it is about
};
struct Reply {
  std::string result;  // OK, PARTIAL, FAILED
  std::vector<ReplyError> errors;
};

// What is asked for. Times stand as sent: read_request_time() (cim.h) reads them.
struct Request {
  std::string start_time, end_time;
  std::vector<std::pair<std::string, std::string>> options;  // name (may be empty), value
  std::vector<std::string> ids;
  std::vector<Meter> meters;               // in GetMeterReadings
  std::vector<std::string> reading_types;  // in GetMeterReadings

  [[nodiscard]] bool empty() const {
    return start_time.empty() && end_time.empty() && options.empty() && ids.empty() && meters.empty() &&
           reading_types.empty();
  }
};

// An order to devices. `type` is a code of the standard or the vendor: data of the adapter, never of this
// codec.
struct Control {
  std::string mrid, type, reason, start;  // start: primaryDeviceTiming/interval/start
  std::vector<Meter> meters;
};

struct Event {
  std::string mrid, type, created, reason, severity;
  std::string status_time, status_value;
  Meter meter;
};

struct Reading {
  std::string type;  // ReadingType ref; of blocks: the block's is written
  std::optional<std::string> value;
  std::string time_stamp, reported, period_start, period_end;
  std::vector<std::string> qualities;  // ReadingQualityType refs (first edition: quality)
};
struct IntervalBlock {
  std::string type;
  std::vector<Reading> readings;
};
struct MeterReading {
  Meter meter;
  std::vector<Reading> readings;
  std::vector<IntervalBlock> blocks;
};

struct Message {
  Kind kind = Kind::Request;
  Soap soap = Soap::None;
  Edition edition = Edition::Second;
  Header header;
  std::optional<Credentials> credentials;
  CredentialPlace credential_place = CredentialPlace::Body;
  std::optional<Reply> reply;
  std::string fault;  // words of a SOAP Fault
  Request request;
  std::vector<Control> controls;
  // Written only: read readings and events are observations.
  std::vector<Event> events;
  std::vector<MeterReading> meter_readings;
};

}  // namespace ami::cim
