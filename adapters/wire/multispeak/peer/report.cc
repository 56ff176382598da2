#include "adapters/wire/multispeak/peer/report.h"

namespace ami::multispeak::peer {
namespace {

std::string text_of(UtcInstant now) {
  return to_text(std::chrono::floor<std::chrono::seconds>(now));
}

// The energy that a read shows, wherever it stands.
std::string energy_of(const MeterRead& read) {
  if (!read.values.empty()) return read.values.front().value;
  return read.pos_kwh;
}

// As its last registers, in one block of one channel.
IntervalReads as_intervals(const MeterRead& read) {
  IntervalReads reads;
  reads.interval_delimiter = ",";
  reads.profiles = {{"1", "register", "60", "", {{"1", "kWhDel", "", "kWh"}}}};
  IntervalBlock block;
  block.profile_id = "1";
  block.meter = read.meter;
  block.end_readings = {{"1", energy_of(read), read.reading_date}};
  reads.blocks = {block};
  return reads;
}

BlockOfRows as_rows(const std::vector<MeterRead>& reads) {
  BlockOfRows block{
      "|", "meterRead", "", {{"meterNo", "1", ""}, {"posKWh", "2", "kWh"}, {"readingDate", "3", ""}}, {}};
  for (const MeterRead& read : reads)
    block.rows.push_back(read.meter.number + "|" + energy_of(read) + "|" + read.reading_date);
  return block;
}

void put_stamp(const std::string& stamp, MeterRead& read) {
  read.reading_date = stamp;
  if (!read.kw_time.empty()) read.kw_time = stamp;
  for (ReadingValue& value : read.values) value.time = stamp;
}

void report_read(const Task& task, UtcInstant now, Field& field, NotificationContent& told) {
  const std::string& error = task.orders.error;
  MeterRead read;
  if (error.empty()) {
    read = completed(field.read(task.meter), task.meter, now);
  } else {
    read.meter.number = read.object_id = task.meter;
    read.error = error;
  }
  if (task.orders.stamp && read.error.empty()) put_stamp(*task.orders.stamp, read);
  told.operation = task.orders.carrier;
  if (told.operation == Operation::ReadingChanged) {
    told.reads = {std::move(read)};
  } else if (!read.error.empty()) {
    told.error = read.error;
  } else if (told.operation == Operation::IntervalData) {
    told.intervals = as_intervals(read);
  } else {
    told.block = as_rows({read});
  }
}

void report_power(const Task& task, const std::string& time, Field& field, NotificationContent& told) {
  OutageEvent event;
  event.object_id = task.transaction + "/" + task.meter;
  event.meter.number = event.device_id = task.meter;
  event.device_type = "Meter";
  event.resolved_level = "Meter";
  event.time = time;
  event.error = task.orders.error;
  if (event.error.empty()) {
    const Power power = field.power(task.meter);
    event.type = power == Power::On ? "PowerOn" : power == Power::Off ? "PowerOff" : "NoResponse";
  }
  told.operation = Operation::OutageEvents;
  told.outages = {std::move(event)};
}

void report_switch(const Task& task, const std::string& time, Field& field, Version version,
                   NotificationContent& told) {
  const bool asked = task.operation == Operation::InitiateCdStateRequest;
  told.operation = asked ? Operation::CdState : Operation::CdStateChanged;
  SwitchState state;
  state.meter.number = task.meter;
  state.object_id = task.object_id;
  state.time = time;  // not written in 3.0, which has no place for it
  state.error = task.orders.error;
  if (state.error.empty() && asked) {
    state.word = field.position(task.meter);
  } else if (state.error.empty()) {
    Switched done = field.act(task.meter, task.load_action);
    state.word = std::move(done.word);
    state.error = std::move(done.error);
  }
  if (!asked && version == Version::V30) told.error = state.error;
  told.states = {std::move(state)};
}

}  // namespace

MeterRead completed(std::optional<MeterRead> read, const std::string& meter, UtcInstant now) {
  MeterRead whole = read.value_or(MeterRead{});
  if (whole.meter.number.empty()) whole.meter.number = meter;
  if (whole.object_id.empty()) whole.object_id = meter;
  if (!read) {
    whole.error = "no response from meter";
    return whole;
  }
  if (whole.reading_date.empty()) whole.reading_date = text_of(now);
  for (ReadingValue& value : whole.values) {
    if (value.time.empty()) value.time = whole.reading_date;
  }
  return whole;
}

std::optional<NotificationContent> report(const Task& task, Version version, UtcInstant now, Field& field) {
  NotificationContent told;
  told.transaction = task.transaction;
  const std::string time = task.orders.stamp.value_or(text_of(now));
  switch (task.operation) {
    case Operation::InitiateMeterRead:
      report_read(task, now, field, told);
      break;
    case Operation::InitiateOutageDetection:
      report_power(task, time, field, told);
      break;
    case Operation::InitiateConnectDisconnect:
    case Operation::InitiateCdStateRequest:
      report_switch(task, time, field, version, told);
      break;
    case Operation::InitiateDemandReset: {
      if (!task.orders.error.empty() || !field.reset(task.meter)) return std::nullopt;
      told.operation = Operation::MeterEvents;
      told.events = {{{task.meter}, "Demand reset", "8", "0", "3", "215", "", "3.8.0.215", time}};
      break;
    }
    default:
      return std::nullopt;
  }
  return told;
}

Result<ResponseContent> page_of(const Request& request, const Books& books, std::size_t page, UtcInstant now,
                                Field& field, MessageHeader& header) {
  ResponseContent content;
  UtcInstant from{}, to{};
  if (request.operation == Operation::GetReadingsByDate) {
    const auto start = parse_instant(request.start), end = parse_instant(request.end);
    if (!start || !end) return permanent("startDate or endDate is no date-time with an offset");
    from = *start;
    to = *end;
  }
  std::vector<MeterRead> reads;
  auto at = request.last_received.empty() ? books.begin() : books.upper_bound(request.last_received);
  for (; at != books.end() && reads.size() + content.meters.size() < page; ++at) {
    header.last_sent = at->first;
    if (request.operation == Operation::GetAmrSupportedMeters) {
      content.meters.push_back(at->second);
    } else if (request.operation == Operation::GetReadingsByDate) {
      for (MeterRead& read : field.recorded(at->first, from, to))
        reads.push_back(completed(std::move(read), at->first, now));
    } else if (auto read = field.read(at->first)) {
      reads.push_back(completed(std::move(read), at->first, now));
    }
  }
  header.objects_remaining = std::distance(at, books.end());
  if (request.operation == Operation::GetReadingsByBillingCycle) {
    content.blocks = {as_rows(reads)};
  } else {
    content.reads = std::move(reads);
  }
  return content;
}

}  // namespace ami::multispeak::peer
