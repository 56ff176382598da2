#include <CLI/CLI.hpp>
#include <iostream>

#include <grpcpp/grpcpp.h>
#include "ami/v1/reading_service.grpc.pb.h"

#include "tools/amictl/csv.h"
#include "tools/amictl/reads.h"
#include "tools/amictl/table.h"

namespace ami::amictl {
namespace {

using v1::BillingRead;

struct BillingOptions {
  std::vector<std::string> usage_points, quantities;
  std::string date, time, before, after, since, as_of;
  bool apply_multiplier = false, csv = false;
};

// One read as cells; how it is told does not depend on the form of the output.
struct Line {
  std::string usage_point, zone, time, kind, meter;
  const BillingRead* read = nullptr;
};

std::string rejected_text(const BillingRead& read) {
  std::string text;
  for (const v1::RejectedRead& one : read.rejected()) {
    text += (text.empty() ? "" : "; ") + v1::RejectedRead::Reason_Name(one.reason()) + " " +
            one.value().value() + " at " + to_text(one.value().time());
  }
  return text;
}

std::string seconds_of(const google::protobuf::Duration& duration) {
  const std::string text = to_text(duration);
  return text.substr(0, text.size() - 2);
}

const std::vector<std::string> kColumns{"usage_point",
                                        "zone",
                                        "billed_to",
                                        "kind",
                                        "meter",
                                        "channel",
                                        "quantity",
                                        "tou",
                                        "unit",
                                        "how",
                                        "value",
                                        "time",
                                        "distance_s",
                                        "multiplier",
                                        "multiplier_applied",
                                        "quality",
                                        "type_approval",
                                        "source",
                                        "last_good_value",
                                        "last_good_time",
                                        "rejected"};

std::vector<std::string> cells(const Line& line) {
  const BillingRead& read = *line.read;
  const v1::RegisterValue& value = read.value();
  return {line.usage_point,
          line.zone,
          line.time,
          line.kind,
          line.meter,
          read.channel(),
          v1::Quantity_Name(read.quantity()),
          std::to_string(read.tou()),
          read.unit(),
          BillingRead::How_Name(read.how()),
          value.value(),
          to_text(value.time()),
          read.has_distance() ? seconds_of(read.distance()) : "",
          value.multiplier(),
          read.has_value() ? (value.multiplier_applied() ? "true" : "false") : "",
          quality_text(value.quality()),
          read.has_value() ? approval_text(value) : "",
          value.source(),
          read.last_good().value(),
          to_text(read.last_good().time()),
          rejected_text(read)};
}

class Printer {
 public:
  Printer(const Options& options, bool csv) : json_(options.json), csv_(csv) {
    if (csv_) std::cout << csv_row(kColumns);
  }

  void add(const v1::BillingReads& point) {
    if (json_) {
      std::cout << to_json(point) << '\n';
      return;
    }
    Line line{last_part(point.usage_point()), point.time_zone(),
              to_text(point.time()),          "READ",
              last_part(point.meter()),       nullptr};
    if (point.has_missing()) {
      std::cerr << "amictl: " << line.usage_point << ": "
                << v1::Missing::Reason_Name(point.missing().reason()) << " " << point.missing().detail()
                << '\n';
    }
    for (const BillingRead& read : point.reads()) add(line, read);
    for (const v1::MeterExchange& exchange : point.exchanges()) {
      line.time = to_text(exchange.time());
      line.kind = "END";
      line.meter = last_part(exchange.removed());
      for (const BillingRead& read : exchange.end_reads()) add(line, read);
      line.kind = "START";
      line.meter = last_part(exchange.installed());
      for (const BillingRead& read : exchange.start_reads()) add(line, read);
    }
  }
  void end() const {
    if (!json_ && !csv_) table_.print(std::cout);
  }

 private:
  void add(Line& line, const BillingRead& read) {
    line.read = &read;
    const std::vector<std::string> all = cells(line);
    if (csv_) {
      std::cout << csv_row(all);
      return;
    }
    const std::string note = read.how() == BillingRead::MISSING && read.has_last_good()
                                 ? "last good " + read.last_good().value() + " at " +
                                       to_text(read.last_good().time()) +
                                       (all.back().empty() ? "" : "; " + all.back())
                                 : all.back();
    table_.row({line.usage_point, line.kind, line.meter, read.channel(),
                all[6] + (read.tou() == 0 ? "" : " tou " + all[7]), all[9], all[10], read.unit(), all[11],
                all[12], all[13], all[15], note});
  }

  bool json_, csv_;
  Table table_{{"USAGE POINT", "KIND", "METER", "CHANNEL", "QUANTITY", "HOW", "VALUE", "UNIT", "TIME",
                "DISTANCE S", "MULTIPLIER", "QUALITY", "REJECTED"}};
};

int billing(const Options& options, const BillingOptions& given) {
  if (given.csv && options.json) throw UsageError{"--csv and --output json are two forms; choose one"};
  if (given.date.empty() == given.time.empty()) throw UsageError{"say either --date or --time"};
  v1::ListBillingReadsRequest request;
  for (const std::string& point : given.usage_points)
    request.add_names(point.rfind("utilities/", 0) == 0 ? point : parent(options) + "/usagePoints/" + point);
  if (given.usage_points.empty()) request.set_parent(parent(options));
  request.set_date(given.date);
  if (!given.time.empty()) parse_time(given.time, *request.mutable_time());
  if (!given.before.empty()) parse_duration(given.before, *request.mutable_tolerance_before());
  if (!given.after.empty()) parse_duration(given.after, *request.mutable_tolerance_after());
  request.set_period_start(given.since);
  set_quantities(given.quantities, request);
  request.set_apply_multiplier(given.apply_multiplier);
  if (!given.as_of.empty()) parse_time(given.as_of, *request.mutable_as_of());
  if (!request.parent().empty()) request.set_page_size(500);
  const auto stub = v1::ReadingService::NewStub(connect(options));
  Printer printer(options, given.csv);
  do {
    grpc::ClientContext context;
    set_deadline(context, options);
    v1::ListBillingReadsResponse answer;
    const grpc::Status status = stub->ListBillingReads(&context, request, &answer);
    if (!status.ok()) return complain(status, options);
    for (const v1::BillingReads& point : answer.usage_points()) printer.add(point);
    request.set_page_token(answer.next_page_token());
  } while (!request.page_token().empty());
  printer.end();
  return kDone;
}

}  // namespace

void add_billing(CLI::App& app, const Options& options, Run& run) {
  auto given = std::make_shared<BillingOptions>();
  CLI::App* billing_command = app.add_subcommand(
      "billing", "the register readings to bill by; without usage points: all of the utility");
  billing_command->add_option("usage-points", given->usage_points, "keys of usage points, or full names");
  auto* date = billing_command->add_option(
      "--date", given->date, "midnight at the start of this day, where the usage point is: 2026-04-01");
  billing_command->add_option("--time", given->time, "or this instant for all")->excludes(date);
  billing_command->add_option("--before", given->before,
                              "a reading so much earlier will do: 90s, 30m, 6h, 2d");
  billing_command->add_option("--after", given->after,
                              "or so much later; left out with --before: only that instant");
  billing_command->add_option("--since", given->since,
                              "tell exchanges of meters from this day on; left out: a month before");
  billing_command->add_option("--quantity", given->quantities, "only these, e.g. ENERGY_DELIVERED");
  billing_command->add_flag("--apply-multiplier", given->apply_multiplier,
                            "with the transformer multiplier (then it is a processed value)");
  billing_command->add_option("--as-of", given->as_of, "what would have been answered at this instant");
  billing_command->add_flag("--csv", given->csv, "as CSV, one line a register");
  billing_command->callback(
      [&options, &run, given] { run = [&options, given] { return billing(options, *given); }; });
}

}  // namespace ami::amictl
