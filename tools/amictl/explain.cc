#include <grpcpp/grpcpp.h>

#include <fstream>
#include <iostream>

#include "ami/v1/reading_service.grpc.pb.h"
#include "tools/amictl/day_plot.h"
#include "tools/amictl/day_text.h"
#include "tools/amictl/reads.h"

namespace ami::amictl {
namespace {

// Of two meters of one day each has its file: "day.svg", "day-M2.svg".
std::string plot_name(const std::string& name, const v1::ExplainedDay& day, bool first) {
  if (first) return name;
  const std::size_t dot = name.rfind(".svg");
  const std::string stem = dot == std::string::npos ? name : name.substr(0, dot);
  return stem + "-" + last_part(day.meter()) + name.substr(stem.size());
}

bool write_plot(const std::string& name, const std::string& svg) {
  std::ofstream file(name, std::ios::binary);
  file << svg;
  file.close();
  if (!file) std::cerr << "amictl: cannot write " << name << '\n';
  return static_cast<bool>(file);
}

}  // namespace

int explain_day(const Options& options, const ReadOptions& read) {
  if (read.day.empty()) throw UsageError{"--explain needs --day, e.g. --day 2026-03-08"};
  v1::ExplainRequest request;
  request.set_name(read_name(options, read));
  request.set_day(read.day);
  set_quantities(read.quantities, request);
  request.set_channel(read.channel);
  request.set_purpose(read.purpose);
  if (!read.as_of.empty()) parse_time(read.as_of, *request.mutable_as_of());
  grpc::ClientContext context;
  set_deadline(context, options);
  v1::ExplainResponse answer;
  const grpc::Status status =
      v1::ReadingService::NewStub(connect(options))->Explain(&context, request, &answer);
  if (!status.ok()) return complain(status, options);
  if (answer.days().empty()) std::cerr << "amictl: no meter was there on " << read.day << '\n';
  bool first = true;
  for (const v1::ExplainedDay& day : answer.days()) {
    if (!read.plot.empty() && !write_plot(plot_name(read.plot, day, first), draw_day(day, read.channel)))
      return kRefused;
    if (options.json) {
      std::cout << to_json(day) << '\n';
    } else {
      if (!first) std::cout << "\n\n";
      print_day(std::cout, day, read.all_slots);
    }
    first = false;
  }
  return answer.days().empty() ? kRefused : kDone;
}

}  // namespace ami::amictl
