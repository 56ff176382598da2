#include "tests/adapters/wire/multispeak/every_message.h"

namespace ami::multispeak::testing {
namespace {

using namespace std::chrono_literals;

MeterRead some_read(Version version) {
  MeterRead read;
  read.meter.number = "M1";
  read.object_id = "o-1";
  read.verb = "Change";
  read.device_id = "D1";
  ReadingValue value;
  value.units = "kWh";
  value.value = "100.25";
  value.field_name = "kWh";
  value.time = "2026-01-15T12:00:00Z";
  if (version == Version::V30) {
    read.reading_date = "2026-01-15T12:00:00Z";
    read.pos_kwh = "100";
    read.neg_kwh = "3";
    read.kw = "2.5";
    read.kw_time = "2026-01-10T18:30:00Z";
    read.kvar = "0.5";
    read.momentary_outages = "2";
    read.tou = {{"1", "60", "2.5", "2026-01-10T18:30:00Z"}, {"2", "40", "", ""}};
    value.reading_value_type = "Energy";
  } else {
    value.rate_period = "A";
    value.status = "R0";
    value.status_category = "Raw";
    value.status_index = "0";
    value.type_code = {{"flowDirection", "Forward"}, {"displayableUOM", "kWh"}};
  }
  read.values = {value};
  return read;
}

IntervalReads some_intervals() {
  IntervalReads reads;
  reads.status_delimiter = "|";
  reads.interval_delimiter = ",";
  reads.profiles = {{"p1", "LP15", "15", "", {{"1", "kWhDel", "", "kWh"}, {"2", "kWhRec", "", "kWh"}}}};
  IntervalBlock block;
  block.profile_id = "p1";
  block.meter.number = "M1";
  block.end_readings = {{"1", "1000.5", "2026-01-15T01:00:00Z"}};
  block.interval_start = "2026-01-15T00:00:00Z";
  block.channels = {{"1", "0.1,0.2|4,,0.4"}, {"2", "0,0,0,0"}};
  reads.blocks = {block};
  return reads;
}

BlockOfRows some_rows() {
  return {"|",
          "meterRead",
          "",
          {{"meterNo", "1", ""}, {"posKWh", "2", "kWh"}, {"readingDate", "3", ""}},
          {"M1|100.5|2026-01-15T12:00:00Z", "M2|7|2026-01-15T12:00:00Z"}};
}

SwitchState some_state(Version version, const char* word) {
  return {{"M1"}, "", word, version == Version::V41 ? "2026-01-15T12:00:00Z" : "", ""};
}

}  // namespace

std::vector<Request> every_request(Version version) {
  std::vector<Request> all;
  for (const Operation operation : all_operations()) {
    if (is_notification(operation) || name_of(operation, version).empty()) continue;
    Request request;
    request.operation = operation;
    const std::vector<MeterId> meters = {{"M1"}, {"M2"}};
    const auto later = [&] {
      request.response_url = "https://gw.example/callback?a=1&b=2";
      request.transaction = "t-1";
      request.expiry = 15min;
    };
    switch (operation) {
      case Operation::InitiateMeterRead:
      case Operation::InitiateCdStateRequest:
      case Operation::InitiateDemandReset:
        request.meters = meters;
        later();
        break;
      case Operation::InitiateOutageDetection:
        request.meters = meters;
        request.request_date = "2026-01-15T12:00:00Z";
        later();
        break;
      case Operation::GetLatestReading:
      case Operation::GetCdMeterState:
        request.meters = {{"M1"}};
        break;
      case Operation::GetReadingsByDate:
        request.start = "2026-01-01T00:00:00-05:00";
        request.end = "2026-02-01T00:00:00-05:00";
        request.last_received = "M77";
        break;
      case Operation::GetReadingsByBillingCycle:
        request.billing_cycle = "7";
        request.billing_date = "2026-02-01T00:00:00-05:00";
        request.kwh_look_back_days = 3;
        request.kw_look_back_days = 2;
        request.kw_look_forward_days = 1;
        request.block_template = "T1";
        request.field_names = {"posKWh", "kW"};
        break;
      case Operation::InitiateConnectDisconnect:
        request.orders = {{"cd-1", version == Version::V30 ? "SL1" : "", "Disconnect", "NonPayment", {"M1"}},
                          {"cd-2", "", "Arm", "", {"M2"}}};
        later();
        break;
      case Operation::MeterAdd:
      case Operation::MeterRemove:
      case Operation::MeterRetire:
        request.records = {{{"M1"}, "S1", "X1"}, {{"M2"}, "", ""}};
        break;
      case Operation::InitiateMeterExchange:
        later();
        [[fallthrough]];
      case Operation::MeterExchange: {
        MeterChange change{some_read(version), some_read(version)};
        change.installed.meter.number = "M2";
        request.changes = {change};
        break;
      }
      default:
        break;
    }
    all.push_back(request);
  }
  return all;
}

Request request_for(Operation operation, Version version) {
  for (const Request& request : every_request(version)) {
    if (request.operation == operation) return request;
  }
  return {};
}

std::vector<NotificationContent> every_notification(Version version) {
  std::vector<NotificationContent> all;
  for (const Operation operation : all_operations()) {
    if (!is_notification(operation)) continue;
    NotificationContent content;
    content.operation = operation;
    content.transaction = "t-1";
    content.reads = {some_read(version)};
    content.intervals = some_intervals();
    content.block = some_rows();
    const bool change = operation == Operation::CdStateChanged || operation == Operation::CdStatesChanged;
    content.states = {some_state(version, change ? "Disconnect" : "Opened")};
    content.outages = {{"ev-1", "2026-01-15T12:00:00Z", "Outage", "D1", "Meter", {"M1"}, "90", "Meter", ""}};
    content.events = {{{"M1"}, "power fail", "26", "0", "3", "47", "", "3.26.0.47", "2026-01-15T12:00:00Z"}};
    all.push_back(content);
  }
  return all;
}

std::vector<std::pair<Operation, ResponseContent>> every_response(Version version) {
  std::vector<std::pair<Operation, ResponseContent>> all;
  for (const Operation operation : all_operations()) {
    if (name_of(operation, version).empty()) continue;
    ResponseContent content;
    content.rejections = {{"M1", "Meter not found", "meterRead", "2026-01-15T12:00:00Z", ""},
                          {"M2", "No", "", "", ""}};
    content.methods = {"PingURL", "GetMethods"};
    content.meters = {{{"M1"}, "S1", ""}, {{"M2"}, "", ""}};
    content.switch_state = "Closed";
    content.reads = {some_read(version)};
    content.blocks = {some_rows()};
    all.emplace_back(operation, content);
  }
  return all;
}

}  // namespace ami::multispeak::testing
