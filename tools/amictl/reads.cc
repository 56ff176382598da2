#include <CLI/CLI.hpp>
#include <iostream>
#include <map>
#include <string_view>

#include <grpcpp/grpcpp.h>
#include "ami/v1/reading_service.grpc.pb.h"
#include "meter_model/quantity/decimal.h"

#include "tools/amictl/connection.h"
#include "tools/amictl/options.h"
#include "tools/amictl/reads.h"
#include "tools/amictl/table.h"

namespace ami::amictl {

std::string read_name(const Options& options, const ReadOptions& read) {
  if (read.usage_point && read.meter.rfind("utilities/", 0) != 0)
    return parent(options) + "/usagePoints/" + read.meter;
  return meter_name(options, read.meter);
}

v1::Quantity quantity_of(const std::string& name) {
  v1::Quantity quantity{};
  if (!v1::Quantity_Parse(name, &quantity))
    throw UsageError{"unknown quantity " + name + "; for example ENERGY_DELIVERED"};
  return quantity;
}

v1::Layer layer_of(const std::string& word) {
  if (word == "raw") return v1::RAW;
  if (word == "validated") return v1::VALIDATED;
  return word == "best" ? v1::BEST : v1::LAYER_UNSPECIFIED;
}

std::string quality_text(const v1::Quality& quality) {
  std::string text;
  for (const std::string& code : quality.codes()) text += (text.empty() ? "" : " ") + code;
  if (!quality.vendor_flag().empty()) text += (text.empty() ? "" : " ") + ("(" + quality.vendor_flag() + ")");
  return text;
}

namespace {

using v1::ReadingService;

// What every read can be asked for.
template <class Request>
void set_view(const ReadOptions& read, Request& request) {
  set_quantities(read.quantities, request);
  request.set_apply_multiplier(read.apply_multiplier);
  if (!read.as_of.empty()) parse_time(read.as_of, *request.mutable_as_of());
  request.set_layer(layer_of(read.layer));
}

class RegisterPrinter {
 public:
  RegisterPrinter(bool json, std::string channel) : json_(json), channel_(std::move(channel)) {}
  void add(const v1::RegisterValue& value) {
    if (!channel_.empty() && value.channel() != channel_) return;
    if (json_) {
      std::cout << to_json(value) << '\n';
      return;
    }
    const std::string quantity =
        v1::Quantity_Name(value.quantity()) + (value.tou() == 0 ? "" : " tou " + std::to_string(value.tou()));
    table_.row({last_part(value.meter()), value.channel(), quantity, to_text(value.time()), value.value(),
                value.unit(), quality_text(value.quality()), last_part(value.source()),
                approval_text(value)});
  }
  void end() {
    if (!json_) table_.print(std::cout);
  }

 private:
  bool json_;
  std::string channel_;
  Table table_{{"METER", "CHANNEL", "QUANTITY", "TIME", "VALUE", "UNIT", "QUALITY", "SOURCE", "APPROVAL"}};
};

int latest(const Options& options, const ReadOptions& read) {
  v1::GetLatestRequest request;
  request.add_names(read_name(options, read));
  request.set_newest_by(read.received ? v1::RECEIPT_TIME : v1::DEVICE_TIME);
  set_view(read, request);
  grpc::ClientContext context;
  set_deadline(context, options);
  v1::GetLatestResponse answer;
  const grpc::Status status =
      ReadingService::NewStub(connect(options))->GetLatest(&context, request, &answer);
  if (!status.ok()) return complain(status, options);
  RegisterPrinter printer(options.json, read.channel);
  for (const v1::Latest& one : answer.latest()) {
    if (one.has_missing()) {
      std::cerr << "amictl: " << one.name() << ": " << v1::Missing::Reason_Name(one.missing().reason()) << " "
                << one.missing().detail() << '\n';
      if (one.missing().reason() == v1::Missing::UNKNOWN_ID) return kRefused;
    }
    for (const v1::RegisterValue& value : one.values()) printer.add(value);
  }
  printer.end();
  return kDone;
}

int registers(const Options& options, const ReadOptions& read) {
  v1::ListRegistersRequest request;
  request.set_name(read_name(options, read));
  request.set_page_size(1000);
  set_view(read, request);
  if (!read.from.empty()) parse_time(read.from, *request.mutable_start());
  if (!read.to.empty()) parse_time(read.to, *request.mutable_end());
  const auto stub = ReadingService::NewStub(connect(options));
  RegisterPrinter printer(options.json, read.channel);
  do {
    grpc::ClientContext context;
    set_deadline(context, options);
    v1::ListRegistersResponse answer;
    const grpc::Status status = stub->ListRegisters(&context, request, &answer);
    if (!status.ok()) return complain(status, options);
    for (const v1::RegisterValue& value : answer.values()) printer.add(value);
    request.set_page_token(answer.next_page_token());
  } while (!request.page_token().empty());
  printer.end();
  return kDone;
}

std::string quote(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) >= 0x20) out += c;
  }
  return out + "\"";
}

class IntervalPrinter {
 public:
  IntervalPrinter(bool json, std::string channel) : json_(json), channel_(std::move(channel)) {}

  void add(const v1::Dictionary& dictionary) {
    for (const auto& entry : dictionary.channels()) channels_[entry.number()] = entry;
    for (const auto& entry : dictionary.qualities()) qualities_[entry.number()] = entry.quality();
    for (const auto& entry : dictionary.sources())
      sources_[entry.number()] = entry.has_estimate() ? entry.estimate().method() : entry.source();
  }

  void add(const v1::Block& block) {
    const auto& channel = channels_[block.channel()];
    if (!channel_.empty() && channel.channel() != channel_) return;
    const auto at = [](const auto& runs, std::uint32_t slot) -> std::uint32_t {
      for (const auto& run : runs) {
        if (slot >= run.first() && slot - run.first() < run.count()) return run.number();
      }
      return 0;
    };
    for (int i = 0; i < block.mantissas_size(); ++i) {
      const auto slot = static_cast<std::uint32_t>(i);
      const auto byte = static_cast<std::size_t>(i / 8);
      const bool missing = byte < block.missing().size() &&
                           (static_cast<unsigned char>(block.missing()[byte]) >> (i % 8) & 1) != 0;
      google::protobuf::Timestamp start = block.first_start();
      start.set_seconds(start.seconds() + static_cast<std::int64_t>(slot) * block.length_s());
      google::protobuf::Timestamp end = start;
      end.set_seconds(start.seconds() + block.length_s());
      const std::string value = missing ? "" : Decimal{block.mantissas(i), block.exponent()}.to_string();
      const std::uint32_t quality = at(block.qualities(), slot);
      const std::string said = quality == 0 ? "" : quality_text(qualities_[quality]);
      if (json_) {
        std::cout << "{\"meter\":" << quote(channel.meter()) << ",\"channel\":" << quote(channel.channel())
                  << ",\"quantity\":\"" << v1::Quantity_Name(channel.quantity()) << "\",\"start\":\""
                  << to_text(start) << "\",\"end\":\"" << to_text(end)
                  << "\",\"value\":" << (missing ? "null" : quote(value))
                  << ",\"unit\":" << quote(channel.unit()) << ",\"quality\":" << quote(said)
                  << ",\"type_approval\":\"" << v1::TypeApproval_Name(channel.type_approval())
                  << "\",\"verification\":\"" << v1::Verification_Name(channel.verification())
                  << "\",\"nonconforming\":" << (channel.approval().nonconforming() ? "true" : "false")
                  << "}\n";
      } else {
        table_.row({last_part(channel.meter()), channel.channel(), v1::Quantity_Name(channel.quantity()),
                    to_text(start), to_text(end), missing ? "missing" : value, channel.unit(), said,
                    last_part(sources_[at(block.sources(), slot)]), approval_text(channel)});
      }
    }
  }
  void end() {
    if (!json_) table_.print(std::cout);
  }

 private:
  bool json_;
  std::string channel_;
  std::map<std::uint32_t, v1::Dictionary::Channel> channels_;
  std::map<std::uint32_t, v1::Quality> qualities_;
  std::map<std::uint32_t, std::string> sources_;
  Table table_{
      {"METER", "CHANNEL", "QUANTITY", "START", "END", "VALUE", "UNIT", "QUALITY", "SOURCE", "APPROVAL"}};
};

int intervals(const Options& options, const ReadOptions& read) {
  if (read.from.empty() || read.to.empty()) throw UsageError{"--intervals needs --from and --to"};
  v1::StreamIntervalsRequest request;
  request.add_names(read_name(options, read));
  parse_time(read.from, *request.mutable_start());
  parse_time(read.to, *request.mutable_end());
  request.set_purpose(read.purpose);
  set_view(read, request);
  grpc::ClientContext context;
  set_deadline(context, options);
  const auto stub = ReadingService::NewStub(connect(options));
  const auto stream = stub->StreamIntervals(&context, request);
  IntervalPrinter printer(options.json, read.channel);
  v1::StreamIntervalsResponse part;
  while (stream->Read(&part)) {
    if (part.has_dictionary()) printer.add(part.dictionary());
    if (part.has_block()) printer.add(part.block());
  }
  const grpc::Status status = stream->Finish();
  printer.end();
  return status.ok() ? kDone : complain(status, options);
}

}  // namespace

void add_reads(CLI::App& app, const Options& options, Run& run) {
  auto read = std::make_shared<ReadOptions>();
  CLI::App* reads =
      app.add_subcommand("reads", "readings of a meter; without a flag: the newest of each register");
  reads->add_option("meter", read->meter, "key of the meter, or full name")->required();
  reads->add_flag("--usage-point", read->usage_point,
                  "the key is a usage point's: goes on across meter exchanges");
  auto* registers_flag = reads->add_flag("--registers", read->registers, "all register readings of a period");
  reads->add_flag("--intervals", read->intervals, "intervals of a period")->excludes(registers_flag);
  reads->add_option("--from", read->from, "from this instant on (RFC 3339, or a date: its UTC midnight)");
  reads->add_option("--to", read->to, "before this instant");
  reads->add_option("--quantity", read->quantities, "only these, e.g. ENERGY_DELIVERED");
  reads->add_option("--channel", read->channel, "only this channel, e.g. ssn:lp:1");
  reads->add_option("--purpose", read->purpose, "why intervals are read; it is logged")
      ->default_val("operations");
  reads->add_flag("--received", read->received, "newest by receipt, not by the device's time");
  reads->add_flag("--apply-multiplier", read->apply_multiplier,
                  "with the transformer multiplier (then it is a processed value)");
  reads->add_option("--as-of", read->as_of,
                    "what would have been answered at this instant, whatever was corrected since");
  reads
      ->add_option(
          "--layer", read->layer,
          "raw: the source's own quality words; validated: with our findings; best: with estimates where an "
          "interval is missing")
      ->check(CLI::IsMember({"raw", "validated", "best"}))
      ->default_val("validated");
  auto* why = reads
                  ->add_flag("--explain", read->explain,
                             "why the values of a civil day are what they are: checks, findings with likely "
                             "causes, where each value came from")
                  ->excludes("--registers")
                  ->excludes("--intervals");
  reads->add_option("--day", read->day, "the day to explain, e.g. 2026-03-08")->needs(why);
  reads->add_option("--plot", read->plot, "with --explain: draw the day into this file (SVG)")->needs(why);
  reads->add_flag("--slots", read->all_slots, "with --explain: every interval, not only the marked ones")
      ->needs(why);
  auto* at =
      reads->add_option("--at", read->at, "each register at this instant: its reading, or those around it")
          ->excludes(why)
          ->excludes("--registers")
          ->excludes("--intervals");
  reads
      ->add_flag("--processed", read->processed,
                 "with --at: compute a value where nobody read it (says how); its purpose is logged")
      ->needs(at);
  reads
      ->add_option("--max-distance", read->max_distance,
                   "with --at: readings this near count, e.g. 6h or 35d")
      ->needs(at);
  reads->callback([&options, &run, read] {
    run = [&options, read] {
      if (read->explain) return explain_day(options, *read);
      if (!read->at.empty()) return read_at(options, *read);
      if (read->intervals) return intervals(options, *read);
      if (read->registers || !read->from.empty() || !read->to.empty()) return registers(options, *read);
      return latest(options, *read);
    };
  });
}

}  // namespace ami::amictl
