#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <chrono>
#include <fstream>
#include <iostream>
#include <set>

#include <grpcpp/grpcpp.h>
#include "ami/v1/command_service.grpc.pb.h"
#include "ami/v1/event_service.grpc.pb.h"
#include "ami/v1/reading_service.grpc.pb.h"

#include "tools/amictl/connection.h"
#include "tools/amictl/demo_check_compare.h"
#include "tools/amictl/demo_check_ledger.h"
#include "tools/amictl/options.h"
#include "tools/amictl/table.h"

namespace ami::amictl {
namespace {

constexpr std::size_t kMetersAtOnce = 100;
constexpr int kPage = 1000;
constexpr const char* kPurpose = "comparison with a simulated field";

struct CheckOptions {
  std::string ledger, until;
  int show = 20;
};

// Tells how far it is on stderr, every few seconds.
class Progress {
 public:
  void at(const char* what, std::size_t done, std::size_t of) {
    const auto now = std::chrono::steady_clock::now();
    if (now - last_ < std::chrono::seconds{2}) return;
    last_ = now;
    std::cerr << "demo-check: " << what << ' ' << done;
    if (of > 0) std::cerr << " of " << of;
    std::cerr << '\n';
  }

 private:
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

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

Truth read_ledger(const CheckOptions& given, Progress& progress) {
  std::optional<UtcInstant> until;
  if (!given.until.empty()) {
    google::protobuf::Timestamp at;
    parse_time(given.until, at);
    until = instant(at);
  }
  std::ifstream file(given.ledger, std::ios::binary);
  if (!file) throw UsageError{"cannot read " + given.ledger};
  LedgerReader reader(until);
  std::string line;
  for (std::size_t lines = 0; std::getline(file, line); progress.at("lines of the ledger:", ++lines, 0)) {
    if (file.eof()) break;  // without a line end: cut off by a kill
    if (const auto read = reader.line(line); !read) throw UsageError{given.ledger + ": " + read.error().message};
  }
  auto truth = reader.finish();
  if (!truth) throw UsageError{given.ledger + ": " + truth.error().message};
  return std::move(*truth);
}

// Asks the gateway for what a ledger speaks of, and hands it to the comparison.
class Asker {
 public:
  Asker(const Options& options, const Truth& truth, Comparison& comparison, Progress& progress)
      : options_(options),
        truth_(truth),
        comparison_(comparison),
        progress_(progress),
        channel_(connect(options)),
        readings_(v1::ReadingService::NewStub(channel_)),
        parent_(parent(options)) {
    if (!truth.first) return;
    from_ = std::chrono::floor<std::chrono::days>(*truth.first);
    to_ = std::chrono::floor<std::chrono::days>(*truth.last) + std::chrono::days{1};
  }

  // The first status that is not OK ends it.
  grpc::Status all() {
    if (truth_.first) {
      if (auto status = events(); !status.ok()) return status;
      std::vector<std::string> batch;
      std::size_t done = 0;
      for (auto meter = truth_.meters.begin(); meter != truth_.meters.end();) {
        batch.push_back(meter->first);
        if (++meter != truth_.meters.end() && batch.size() < kMetersAtOnce) continue;
        if (auto status = meters(batch); !status.ok()) return status;
        progress_.at("meters:", done += batch.size(), truth_.meters.size());
        batch.clear();
      }
      if (auto status = counts(); !status.ok()) return status;
    }
    return operations();
  }

 private:
  struct Values {
    std::vector<v1::RegisterValue> registers;
    std::vector<std::pair<v1::Dictionary::Channel, v1::Block>> blocks;
  };

  grpc::Status meters(const std::vector<std::string>& keys) {
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
        comparison_.unknown_meter(key);
      } else {
        known.push_back(key);
      }
    }
    if (known.empty()) return grpc::Status::OK;
    std::map<std::string, Values> values;
    if (auto status = intervals(known, values); !status.ok()) return status;
    for (const std::string& key : known) {
      if (auto status = registers(key, values[key]); !status.ok()) return status;
      feed(key, values[key]);
      values.erase(key);
    }
    return grpc::Status::OK;
  }

  grpc::Status intervals(const std::vector<std::string>& keys, std::map<std::string, Values>& into) {
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

  grpc::Status registers(const std::string& key, Values& into) {
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

  void feed(const std::string& key, const Values& values) {
    comparison_.begin(key);
    for (const v1::RegisterValue& value : values.registers) {
      comparison_.value({value.reading_type(), value.channel(), value.unit(), instant(value.time()),
                         decimal(value.value()), 0});
    }
    for (const auto& [channel, block] : values.blocks) {
      UtcInstant at = instant(block.first_start());
      for (int i = 0; i < block.mantissas_size(); ++i, at += std::chrono::seconds{block.length_s()}) {
        const auto byte = static_cast<std::size_t>(i / 8);
        if (byte < block.missing().size() &&
            (static_cast<unsigned char>(block.missing()[byte]) >> (i % 8) & 1) != 0)
          continue;
        comparison_.value({channel.reading_type(), channel.channel(), channel.unit(), at,
                           Decimal{block.mantissas(i), block.exponent()}, block.length_s()});
      }
    }
    if (auto events = events_.extract(key); !events.empty())
      for (StoredEvent& event : events.mapped()) comparison_.event(std::move(event));
    comparison_.end();
  }

  grpc::Status events() {
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
      for (const v1::Event& event : answer.events()) {
        const std::string meter = last_part(event.meter());
        if (!truth_.meters.contains(meter)) continue;
        events_[meter].push_back({event.kind(), event.code(), event.vendor_code(), instant(event.time())});
      }
      progress_.at("events:", read += static_cast<std::size_t>(answer.events_size()), 0);
      request.set_page_token(answer.next_page_token());
    } while (!request.page_token().empty());
    return grpc::Status::OK;
  }

  grpc::Status counts() {
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
      std::map<std::pair<std::string, std::string>, StoredCount> counts;  // usage points of one channel together
      std::vector<v1::ChannelCount> kept;
      while (stream->Read(&page))
        for (auto& one : *page.mutable_channels()) kept.push_back(std::move(one));
      if (auto status = stream->Finish(); !status.ok()) return status;
      for (const v1::ChannelCount& one : kept) {
        const std::string meter = last_part(one.meter());
        if (!truth_.meters.contains(meter)) {
          others_.insert(meter);
          continue;
        }
        StoredCount& count = counts[{meter, one.channel()}];
        count.intervals += static_cast<std::uint64_t>(one.interval_values());
        count.registers += static_cast<std::uint64_t>(one.register_values());
        const std::string digits = one.interval_sum().empty() ? "0" : one.interval_sum();
        const auto part = decimal(digits).shifted(one.interval_exponent());
        const auto sum = part ? count.interval_sum.plus(*part) : std::nullopt;
        if (!sum) throw std::runtime_error("a sum of meter " + meter + " is too large to compare");
        count.interval_sum = *sum;
      }
      for (auto& [key, count] : counts) {
        count.meter = key.first;
        count.channel = key.second;
        count.day = day;
        comparison_.count(count);
      }
      progress_.at("days counted:", static_cast<std::size_t>((day - from_) / std::chrono::days{1}), 0);
    }
    comparison_.others(others_.size());
    return grpc::Status::OK;
  }

  grpc::Status operations() {
    const auto stub = v1::CommandService::NewStub(channel_);
    v1::ListOperationsRequest request;
    request.set_parent(parent_);
    request.set_page_size(kPage);
    do {
      grpc::ClientContext context;
      set_deadline(context, options_);
      v1::ListOperationsResponse answer;
      if (auto status = stub->ListOperations(&context, request, &answer); !status.ok()) return status;
      for (const v1::Operation& operation : answer.operations())
        if (auto status = targets(*stub, operation.name()); !status.ok()) return status;
      request.set_page_token(answer.next_page_token());
    } while (!request.page_token().empty());
    return grpc::Status::OK;
  }

  grpc::Status targets(v1::CommandService::Stub& stub, const std::string& operation) {
    v1::ListTargetsRequest request;
    request.set_name(operation);
    request.set_page_size(kPage);
    do {
      grpc::ClientContext context;
      set_deadline(context, options_);
      v1::ListTargetsResponse answer;
      if (auto status = stub.ListTargets(&context, request, &answer); !status.ok()) return status;
      for (const v1::Target& target : answer.targets()) {
        const std::string meter = last_part(target.meter());
        if (!target.transaction().empty() && truth_.meters.contains(meter))
          comparison_.target({target.transaction(), meter, v1::Target::State_Name(target.state())});
      }
      request.set_page_token(answer.next_page_token());
    } while (!request.page_token().empty());
    return grpc::Status::OK;
  }

  const Options& options_;
  const Truth& truth_;
  Comparison& comparison_;
  Progress& progress_;
  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<v1::ReadingService::Stub> readings_;
  const std::string parent_;
  UtcInstant from_{}, to_{};
  std::map<std::string, std::vector<StoredEvent>> events_;
  std::set<std::string> others_;
};

std::vector<std::pair<std::string, std::uint64_t>> rows_of(const Truth& truth, const Totals& totals) {
  std::vector<std::pair<std::string, std::uint64_t>> rows{
      {"lines in the ledger", truth.lines},
      {"meters in the ledger", totals.meters},
      {"values to be there", totals.slots_sent},
      {"values that may be there", totals.slots_unsure},
      {"values lost, and gaps", totals.gaps},
      {"intervals in the store", totals.intervals},
      {"registers in the store", totals.registers},
      {"events to be there", totals.events_sent},
      {"events that may be there", totals.events_unsure},
      {"events in the store", totals.events},
      {"commands carried out", totals.commands_executed},
      {"commands refused by meters", totals.commands_refused},
      {"targets that succeeded", totals.targets_succeeded},
      {"targets that ended", totals.targets_ended},
      {"channel-days counted", totals.channel_days},
      {"other meters, not compared", totals.other_meters}};
  for (std::size_t i = 0; i < kDifferences; ++i)
    rows.emplace_back("different: " + std::string(name_of(static_cast<Difference>(i))), totals.different.at(i));
  return rows;
}

void print(const Options& options, const Truth& truth, const Comparison& comparison) {
  const auto rows = rows_of(truth, comparison.totals());
  if (options.json) {
    for (const auto& [what, count] : rows)
      std::cout << "{\"what\":\"" << what << "\",\"count\":" << count << "}\n";
    for (const Finding& one : comparison.findings()) {
      std::cout << boost::json::object{{"difference", name_of(one.difference)},
                                       {"meter", one.meter},
                                       {"words", one.words}}
                << '\n';
    }
    return;
  }
  Table table({"WHAT", "COUNT"});
  for (const auto& [what, count] : rows) table.row({what, std::to_string(count)});
  table.print(std::cout);
  if (comparison.findings().empty()) return;
  std::cout << "\nThe first differences:\n";
  Table found({"DIFFERENCE", "METER", "WHAT"});
  for (const Finding& one : comparison.findings())
    found.row({std::string(name_of(one.difference)), one.meter, one.words});
  found.print(std::cout);
}

int demo_check(const Options& options, const CheckOptions& given) {
  Progress progress;
  const Truth truth = read_ledger(given, progress);
  Comparison comparison(truth, static_cast<std::size_t>(given.show));
  Asker asker(options, truth, comparison, progress);
  if (const grpc::Status status = asker.all(); !status.ok()) return complain(status, options);
  comparison.finish(true);
  print(options, truth, comparison);
  const bool equal = comparison.totals().equal();
  if (!options.json) std::cout << (equal ? "\nThe store is what was sent.\n" : "\nThe store is not what was sent.\n");
  return equal ? kDone : kRefused;
}

}  // namespace

void add_demo_check(CLI::App& app, const Options& options, Run& run) {
  auto given = std::make_shared<CheckOptions>();
  CLI::App* check = app.add_subcommand(
      "demo-check", "compare a simulated field's ledger with the store: exit 0 equal, 1 different");
  check->add_option("ledger", given->ledger, "the ledger that fieldsim wrote")->required();
  check->add_option("--until", given->until,
                    "what was sent after this simulated instant may be there or not (RFC 3339, or a date)");
  check->add_option("--show", given->show, "so many differences at most")
      ->default_val(20)
      ->check(CLI::Range(0, 100000));
  check->callback(
      [&options, &run, given] { run = [&options, given] { return demo_check(options, *given); }; });
}

}  // namespace ami::amictl
