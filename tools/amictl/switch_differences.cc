// `amictl switch differences`: what the daily comparison of switches found.
#include <CLI/CLI.hpp>
#include <iostream>

#include <grpcpp/grpcpp.h>
#include "ami/v1/switch_service.grpc.pb.h"

#include "tools/amictl/connection.h"
#include "tools/amictl/options.h"
#include "tools/amictl/switch_text.h"
#include "tools/amictl/table.h"

namespace ami::amictl {
namespace {

struct DifferenceOptions {
  std::string purpose;
  bool ended_too = false;
  int limit = 1000;
};

std::string position_of(v1::Target::SwitchPosition position) {
  return position == v1::Target::SWITCH_POSITION_UNSPECIFIED ? "" : v1::Target::SwitchPosition_Name(position);
}

int differences(const Options& options, const DifferenceOptions& given) {
  v1::ReconcileSwitchesRequest request;
  request.set_parent(parent(options));
  request.set_ended_too(given.ended_too);
  request.set_purpose(given.purpose);
  Table table({"METER", "USAGE POINT", "FOUND", "MEANT", "BY", "IS", "SAYS", "SINCE", "ENDED", "WORDS"});
  const auto stub = v1::SwitchService::NewStub(connect(options));
  v1::ReconcileSwitchesResponse answer;
  for (int left = given.limit; left > 0;) {
    request.set_page_size(std::min(left, 1000));
    grpc::ClientContext context;
    set_deadline(context, options);
    const grpc::Status status = stub->Reconcile(&context, request, &answer);
    if (!status.ok()) return complain_of_switch(status, options);
    for (const v1::SwitchDifference& one : answer.findings()) {
      if (options.json) {
        std::cout << to_json(one) << '\n';
        continue;
      }
      table.row({last_part(one.meter()), last_part(one.usage_point()),
                 v1::SwitchDifference::Kind_Name(one.kind()), position_of(one.intended()),
                 last_part(one.intended_operation()), position_of(one.actual()), one.actual_source(),
                 to_text(one.first_time()), to_text(one.end_time()), one.words()});
    }
    left -= answer.findings_size();
    if (answer.next_page_token().empty()) break;
    request.set_page_token(answer.next_page_token());
  }
  if (options.json) return kDone;
  if (!table.empty()) table.print(std::cout);
  if (!answer.has_compare_time()) {
    std::cout << "nothing was compared yet\n";
    return kDone;
  }
  std::cout << answer.compared() << " meters compared at " << to_text(answer.compare_time()) << ": "
            << answer.differences() << " differ, of " << answer.unknown() << " nothing tells where the switch is\n";
  return kDone;
}

}  // namespace

void add_switch_differences(CLI::App& switches, const Options& options, Run& run) {
  auto given = std::make_shared<DifferenceOptions>();
  CLI::App* one =
      switches.add_subcommand("differences", "where a switch is not as it is meant to be, by the daily comparison");
  one->add_flag("--ended", given->ended_too, "also those that do not hold any more");
  one->add_option("--purpose", given->purpose, "why their words are read; it is logged. Without it there are none");
  one->add_option("--limit", given->limit, "at most so many")->default_val(1000)->check(CLI::PositiveNumber);
  one->callback([&options, &run, given] { run = [&options, given] { return differences(options, *given); }; });
}

}  // namespace ami::amictl
