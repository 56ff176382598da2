#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <iostream>

#include "ami/v1/reading_service.grpc.pb.h"
#include "tools/amictl/reads.h"
#include "tools/amictl/table.h"

namespace ami::amictl {
namespace {

class Printer {
 public:
  void add(const v1::ReadAt& read) {
    if (read.has_exact()) value(read, "EXACT", read.exact(), "0 s");
    if (read.has_before()) value(read, "BEFORE", read.before(), "-" + to_text(read.before_distance()));
    if (read.has_processed()) {
      const v1::ProcessedRead& processed = read.processed();
      std::string note = v1::ProcessedRead::Method_Name(processed.method());
      if (!processed.check_difference().empty())
        note += ", off by " + processed.check_difference() + " at the next reading (below " +
                processed.check_bound() + ")";
      if (!processed.words().empty()) note += ", " + processed.words();
      row(read, "PROCESSED", processed.value(), "", processed.multiplier(), note);
    }
    if (read.has_after()) value(read, "AFTER", read.after(), to_text(read.after_distance()));
    if (read.how() == v1::ReadAt::MISSING) row(read, "MISSING", "", "", "", "");
    if (!read.not_processed().empty()) row(read, "NOT PROCESSED", "", "", "", read.not_processed());
  }
  void print() const { table_.print(std::cout); }

 private:
  void value(const v1::ReadAt& read, const std::string& how, const v1::RegisterValue& value,
             const std::string& distance) {
    row(read, how, value.value(), distance, value.multiplier(),
        to_text(value.time()) + " " + quality_text(value.quality()));
  }
  void row(const v1::ReadAt& read, const std::string& how, const std::string& value,
           const std::string& distance, const std::string& multiplier, const std::string& note) {
    const std::string quantity =
        v1::Quantity_Name(read.quantity()) + (read.tou() == 0 ? "" : " tou " + std::to_string(read.tou()));
    table_.row({read.channel(), quantity, how, value, read.unit(), distance, multiplier, note});
  }

  Table table_{{"CHANNEL", "QUANTITY", "HOW", "VALUE", "UNIT", "DISTANCE", "MULTIPLIER", "NOTE"}};
};

}  // namespace

int read_at(const Options& options, const ReadOptions& read) {
  v1::GetReadAtRequest request;
  request.set_name(read_name(options, read));
  parse_time(read.at, *request.mutable_time());
  set_quantities(read.quantities, request);
  if (!read.max_distance.empty()) parse_duration(read.max_distance, *request.mutable_max_distance());
  request.set_allow_processed(read.processed);
  if (read.processed) request.set_purpose(read.purpose);
  if (!read.as_of.empty()) parse_time(read.as_of, *request.mutable_as_of());
  request.set_layer(layer_of(read.layer));
  grpc::ClientContext context;
  set_deadline(context, options);
  v1::GetReadAtResponse answer;
  const grpc::Status status =
      v1::ReadingService::NewStub(connect(options))->GetReadAt(&context, request, &answer);
  if (!status.ok()) return complain(status, options);
  if (!read.channel.empty()) {
    auto& reads = *answer.mutable_reads();
    reads.erase(std::remove_if(reads.begin(), reads.end(),
                               [&](const v1::ReadAt& one) { return one.channel() != read.channel; }),
                reads.end());
  }
  if (options.json) {
    std::cout << to_json(answer) << '\n';
    return kDone;
  }
  if (answer.has_missing())
    std::cerr << "amictl: " << v1::Missing::Reason_Name(answer.missing().reason()) << '\n';
  if (!answer.meter().empty()) {
    std::cout << last_part(answer.meter());
    if (!answer.usage_point().empty())
      std::cout << " at " << last_part(answer.usage_point()) << " (" << answer.time_zone() << ")";
    std::cout << ", " << to_text(request.time()) << '\n';
  }
  Printer printer;
  for (const v1::ReadAt& one : answer.reads()) printer.add(one);
  printer.print();
  return kDone;
}

}  // namespace ami::amictl
