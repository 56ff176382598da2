#include "tools/amictl/demo_check_asker.h"

#include <chrono>
#include <stdexcept>
#include <utility>

#include "ami/v1/event_service.grpc.pb.h"

#include "tools/amictl/connection.h"

namespace ami::amictl {
namespace {

constexpr std::size_t kMetersAtOnce = 100;
constexpr int kPage = 1000;
constexpr const char* kPurpose = "comparison with a simulated field";

google::protobuf::Timestamp stamp(UtcInstant at) {
  const auto second = std::chrono::floor<std::chrono::seconds>(at);
  google::protobuf::Timestamp out;
  out.set_seconds(second.time_since_epoch().count());
  out.set_nanos(static_cast<std::int32_t>(std::chrono::nanoseconds(at - second).count()));
  return out;
}

UtcInstant instant(const google::protobuf::Timestamp& at) {
  return UtcInstant{std::chrono::seconds{at.seconds()} + std::chrono::microseconds{at.nanos() / 1000}};
}

Decimal decimal(const std::string& text) {
  const auto parsed = Decimal::parse(text);
  if (!parsed) throw std::runtime_error("the gateway sent a value that is no number: " + parsed.error().message);
  return *parsed;
}

}  // namespace

struct Asker::Values {
  std::vector<v1::RegisterValue> registers;
  std::vector<std::pair<v1::Dictionary::Channel, v1::Block>> blocks;
};

Asker::Asker(const Options& options, const LedgerSummary& ledger, Progress& progress)
    : options_(options),
      progress_(progress),
      channel_(connect(options)),
      readings_(v1::ReadingService::NewStub(channel_)),
      parent_(parent(options)),
      said_(ledger.first.has_value()) {
  if (!said_) return;
  from_ = std::chrono::floor<std::chrono::days>(*ledger.first);
  to_ = std::chrono::floor<std::chrono::days>(*ledger.last) + std::chrono::days{1};
}

grpc::Status Asker::all(Shelves& shelves) {
  if (said_) {
    if (auto status = events(shelves); !status.ok()) return status;
    if (auto status = counts(shelves); !status.ok()) return status;
  }
  return operations(shelves);
}

grpc::Status Asker::values(Part& part, Comparison& comparison) {
  std::vector<std::string> batch;
  for (auto meter = part.truth.meters.begin(); meter != part.truth.meters.end();) {
    batch.push_back(meter->first);
    if (++meter != part.truth.meters.end() && batch.size() < kMetersAtOnce) continue;
    if (auto status = meters(batch, part, comparison); !status.ok()) return status;
    progress_.at("meters:", asked_ += batch.size());
    batch.clear();
  }
  return grpc::Status::OK;
}

grpc::Status Asker::meters(const std::vector<std::string>& keys, Part& part, Comparison& comparison) {
  v1::GetLatestRequest request;
  for (const std::string& key : keys) request.add_names(meter_name(options_, key));
  v1::GetLatestResponse latest;
  {
    grpc::ClientContext context;
    set_deadline(context, options_);
    if (auto status = readings_->GetLatest(&context, request, &latest); !status.ok()) return status;
  }
  std::vector<std::string> known;
  for (int i = 0; i < latest.latest_size(); ++i) {
    const std::string& key = keys.at(static_cast<std::size_t>(i));
    if (latest.latest(i).missing().reason() == v1::Missing::UNKNOWN_ID) {
      comparison.unknown_meter(key);
    } else {
      known.push_back(key);
    }
  }
  if (known.empty()) return grpc::Status::OK;
  std::map<std::string, Values> values;
  if (auto status = intervals(known, values); !status.ok()) return status;
  for (const std::string& key : known) {
    if (auto status = registers(key, values[key]); !status.ok()) return status;
    feed(key, values[key], part, comparison);
    values.erase(key);
  }
  return grpc::Status::OK;
}

grpc::Status Asker::intervals(const std::vector<std::string>& keys, std::map<std::string, Values>& into) {
  v1::StreamIntervalsRequest request;
  for (const std::string& key : keys) request.add_names(meter_name(options_, key));
  *request.mutable_start() = stamp(from_);
  *request.mutable_end() = stamp(to_);
  request.set_purpose(kPurpose);
  request.set_layer(v1::RAW);
  grpc::ClientContext context;
  set_deadline(context, options_);
  const auto stream = readings_->StreamIntervals(&context, request);
  std::map<std::uint32_t, v1::Dictionary::Channel> channels;
  v1::StreamIntervalsResponse part;
  while (stream->Read(&part)) {
    for (const auto& channel : part.dictionary().channels()) channels[channel.number()] = channel;
    if (!part.has_block()) continue;
    const auto& channel = channels[part.block().channel()];
    into[last_part(channel.meter())].blocks.emplace_back(channel, part.block());
  }
  return stream->Finish();
}

grpc::Status Asker::registers(const std::string& key, Values& into) {
  v1::ListRegistersRequest request;
  request.set_name(meter_name(options_, key));
  *request.mutable_start() = stamp(from_);
  *request.mutable_end() = stamp(to_);
  request.set_layer(v1::RAW);
  request.set_page_size(kPage);
  do {
    grpc::ClientContext context;
    set_deadline(context, options_);
    v1::ListRegistersResponse answer;
    if (auto status = readings_->ListRegisters(&context, request, &answer); !status.ok()) return status;
    for (auto& value : *answer.mutable_values()) into.registers.push_back(std::move(value));
    request.set_page_token(answer.next_page_token());
  } while (!request.page_token().empty());
  return grpc::Status::OK;
}

void Asker::feed(const std::string& key, const Values& values, Part& part, Comparison& comparison) {
  comparison.begin(key);
  for (const v1::RegisterValue& value : values.registers) {
    comparison.value({value.reading_type(), value.channel(), value.unit(), instant(value.time()),
                      decimal(value.value()), 0});
  }
  for (const auto& [channel, block] : values.blocks) {
    UtcInstant at = instant(block.first_start());
    for (int i = 0; i < block.mantissas_size(); ++i, at += std::chrono::seconds{block.length_s()}) {
      const auto byte = static_cast<std::size_t>(i / 8);
      if (byte < block.missing().size() &&
          (static_cast<unsigned char>(block.missing()[byte]) >> (i % 8) & 1) != 0)
        continue;
      comparison.value({channel.reading_type(), channel.channel(), channel.unit(), at,
                        Decimal{block.mantissas(i), block.exponent()}, block.length_s()});
    }
  }
  if (auto events = part.events.extract(key); !events.empty())
    for (StoredEvent& event : events.mapped()) comparison.event(std::move(event));
  comparison.end();
}

grpc::Status Asker::events(Shelves& shelves) {
  v1::ListEventsRequest request;
  request.set_parent(parent_);
  *request.mutable_start() = stamp(from_);
  *request.mutable_end() = stamp(to_);
  request.set_duplicates(true);
  request.set_page_size(kPage);
  const auto stub = v1::EventService::NewStub(channel_);
  std::size_t read = 0;
  do {
    grpc::ClientContext context;
    set_deadline(context, options_);
    v1::ListEventsResponse answer;
    if (auto status = stub->List(&context, request, &answer); !status.ok()) return status;
    for (const v1::Event& event : answer.events())
      shelves.stored(last_part(event.meter()),
                     StoredEvent{event.kind(), event.code(), event.vendor_code(), instant(event.time())});
    progress_.at("events:", read += static_cast<std::size_t>(answer.events_size()));
    request.set_page_token(answer.next_page_token());
  } while (!request.page_token().empty());
  return grpc::Status::OK;
}

grpc::Status Asker::counts(Shelves& shelves) {
  std::size_t counted = 0;
  for (UtcInstant day = from_; day < to_; day += std::chrono::days{1}) {
    v1::ReconcileCountsRequest request;
    request.set_parent(parent_);
    request.set_day(ami::to_text(day).substr(0, 10));
    request.set_boundary(v1::ReconcileCountsRequest::UTC_DAY);
    request.set_purpose(kPurpose);
    grpc::ClientContext context;
    set_deadline(context, options_);
    const auto stream = readings_->ReconcileCounts(&context, request);
    v1::ReconcileCountsResponse page;
    while (stream->Read(&page)) {
      for (const v1::ChannelCount& one : page.channels()) {
        StoredCount count;
        count.meter = last_part(one.meter());
        count.channel = one.channel();
        count.day = day;
        count.intervals = static_cast<std::uint64_t>(one.interval_values());
        count.registers = static_cast<std::uint64_t>(one.register_values());
        const auto sum = decimal(one.interval_sum().empty() ? "0" : one.interval_sum()).shifted(one.interval_exponent());
        if (!sum) throw std::runtime_error("a sum of meter " + count.meter + " is too large to compare");
        count.interval_sum = *sum;
        shelves.stored(count);
        progress_.at("channel-days counted:", ++counted);
      }
    }
    if (auto status = stream->Finish(); !status.ok()) return status;
  }
  return grpc::Status::OK;
}

grpc::Status Asker::operations(Shelves& shelves) {
  const auto stub = v1::CommandService::NewStub(channel_);
  v1::ListOperationsRequest request;
  request.set_parent(parent_);
  request.set_page_size(kPage);
  do {
    grpc::ClientContext context;
    set_deadline(context, options_);
    v1::ListOperationsResponse answer;
    if (auto status = stub->ListOperations(&context, request, &answer); !status.ok()) return status;
    for (const v1::Operation& operation : answer.operations()) {
      if (auto status = targets(*stub, operation.name(), shelves); !status.ok()) return status;
      progress_.at("operations:", ++operations_);
    }
    request.set_page_token(answer.next_page_token());
  } while (!request.page_token().empty());
  return grpc::Status::OK;
}

grpc::Status Asker::targets(v1::CommandService::Stub& stub, const std::string& operation, Shelves& shelves) {
  v1::ListTargetsRequest request;
  request.set_name(operation);
  request.set_page_size(kPage);
  do {
    grpc::ClientContext context;
    set_deadline(context, options_);
    v1::ListTargetsResponse answer;
    if (auto status = stub.ListTargets(&context, request, &answer); !status.ok()) return status;
    for (const v1::Target& target : answer.targets())
      if (!target.transaction().empty())
        shelves.stored(
            StoredTarget{target.transaction(), last_part(target.meter()), v1::Target::State_Name(target.state())});
    request.set_page_token(answer.next_page_token());
  } while (!request.page_token().empty());
  return grpc::Status::OK;
}

}  // namespace ami::amictl
