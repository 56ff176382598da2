#include <CLI/CLI.hpp>
#include <iostream>

#include <grpcpp/grpcpp.h>
#include "ami/v1/collection_service.grpc.pb.h"

#include "tools/amictl/connection.h"
#include "tools/amictl/operation_text.h"
#include "tools/amictl/options.h"
#include "tools/amictl/table.h"

namespace ami::amictl {
namespace {

struct BackfillOptions {
  std::vector<std::string> meters;
  std::string feed, from, to, order, on_behalf_of, purpose, request_id, wait = "0s";
  bool open_gaps = false;
};

int backfill(const Options& options, const BackfillOptions& given) {
  if (given.meters.empty() && given.feed.empty() && !given.open_gaps)
    throw UsageError{"of which meters? give their keys, --feed, or --open-gaps"};
  v1::RequestBackfillRequest request;
  request.set_parent(parent(options));
  for (const std::string& meter : given.meters) request.add_meters(meter_name(options, meter));
  request.set_feed(given.feed);
  request.set_open_gaps_only(given.open_gaps);
  parse_time(given.from, *request.mutable_start());
  parse_time(given.to, *request.mutable_end());
  request.set_order_id(given.order);
  request.set_on_behalf_of(given.on_behalf_of);
  request.set_purpose(given.purpose);
  request.set_request_id(given.request_id.empty() ? fresh_request_id() : given.request_id);
  google::protobuf::Duration wait;
  parse_duration(given.wait, wait);

  grpc::ClientContext context;
  set_deadline(context, options);
  v1::Operation operation;
  const grpc::Status status =
      v1::CollectionService::NewStub(connect(options))->RequestBackfill(&context, request, &operation);
  if (!status.ok()) {
    const int code = complain_of_command(status, options);
    if (code == kUnreachable)
      std::cerr << "  it may have been accepted: the same again with --request-id " << request.request_id()
                << " is carried out once\n";
    return code;
  }
  if (!operation.done() && wait.seconds() > 0) {
    if (const int code = follow(options, operation, std::chrono::seconds{wait.seconds()}); code != kDone)
      return code;
  }
  if (options.json) {
    std::cout << to_json(operation) << '\n';
  } else {
    std::cout << "operation " << last_part(operation.name()) << ": " << progress_of(operation) << '\n';
    if (!operation.done()) std::cerr << "It goes on: amictl operations watch " << operation.name() << '\n';
  }
  return operation.done() && !all_succeeded(operation) ? kRefused : kDone;
}

}  // namespace

void add_gaps_backfill(CLI::App& gaps, const Options& options, Run& run) {
  auto given = std::make_shared<BackfillOptions>();
  CLI::App* command =
      gaps.add_subcommand("backfill", "ask networks again for what they recorded of a period");
  command->add_option("meter", given->meters,
                      "keys of meters; when left out, all that --feed or --open-gaps leave");
  command->add_option("--feed", given->feed, "meters whose newest values come from this feed");
  command->add_flag("--open-gaps", given->open_gaps, "only meters with an open gap in the period");
  command->add_option("--from", given->from, "begin of the period, e.g. 2026-03-08")->required();
  command->add_option("--to", given->to, "its end, e.g. 2026-03-09")->required();
  command->add_option("--order", given->order, "your work order");
  command->add_option("--on-behalf-of", given->on_behalf_of, "who asks, when it is not you");
  command->add_option("--purpose", given->purpose, "why; kept with the operation");
  command->add_option("--request-id", given->request_id, "the same again is carried out once");
  command->add_option("--wait", given->wait, "wait so long for the end, e.g. 30s")->default_val("0s");
  command->callback(
      [&options, &run, given] { run = [&options, given] { return backfill(options, *given); }; });
}

}  // namespace ami::amictl
