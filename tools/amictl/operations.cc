#include <CLI/CLI.hpp>
#include <iostream>

#include <grpcpp/grpcpp.h>
#include "ami/v1/command_service.grpc.pb.h"

#include "tools/amictl/connection.h"
#include "tools/amictl/operation_text.h"
#include "tools/amictl/options.h"
#include "tools/amictl/table.h"

namespace ami::amictl {
namespace {

using v1::CommandService;

struct OperationOptions {
  std::string id, kind, meter, caller, request_id, purpose, on_behalf_of;
  bool unfinished = false, readings = false, latest = false;
  int limit = 100;
};

int list(const Options& options, const OperationOptions& given) {
  v1::ListOperationsRequest request;
  request.set_parent(parent(options));
  v1::Operation::Kind kind{};
  if (!given.kind.empty()) {
    if (!v1::Operation::Kind_Parse(given.kind, &kind) || kind == v1::Operation::KIND_UNSPECIFIED)
      throw UsageError{"--kind is READ, PING, DEMAND_RESET or BACKFILL"};
    request.set_kind(kind);
  }
  if (!given.meter.empty()) request.set_meter(meter_name(options, given.meter));
  request.set_unfinished_only(given.unfinished);
  request.set_caller(given.caller);
  request.set_request_id(given.request_id);
  Table table({"OPERATION", "KIND", "ASKED", "BY", "FOR", "ORDER", "PURPOSE", "PROGRESS", "REQUEST"});
  const auto stub = CommandService::NewStub(connect(options));
  for (int left = given.limit; left > 0;) {
    request.set_page_size(std::min(left, 1000));
    grpc::ClientContext context;
    set_deadline(context, options);
    v1::ListOperationsResponse answer;
    const grpc::Status status = stub->ListOperations(&context, request, &answer);
    if (!status.ok()) return complain_of_command(status, options);
    for (const v1::Operation& operation : answer.operations()) {
      if (options.json) {
        std::cout << to_json(operation) << '\n';
        continue;
      }
      table.row({last_part(operation.name()), v1::Operation::Kind_Name(operation.kind()),
                 to_text(operation.create_time()), operation.caller(), operation.on_behalf_of(),
                 operation.order_id(), operation.purpose(), progress_of(operation), operation.request_id()});
    }
    left -= answer.operations_size();
    if (answer.next_page_token().empty()) break;
    request.set_page_token(answer.next_page_token());
  }
  if (!options.json) table.print(std::cout);
  return kDone;
}

void print(const v1::Operation& operation) {
  const auto line = [](const char* what, const std::string& text) {
    if (!text.empty()) std::cout << what << harmless(text) << '\n';
  };
  line("operation  ", operation.name());
  line("kind       ", v1::Operation::Kind_Name(operation.kind()));
  line("asked      ", to_text(operation.create_time()) + " by " + operation.caller());
  line("for        ", operation.on_behalf_of());
  line("order      ", operation.order_id());
  line("purpose    ", operation.purpose());
  line("request    ", operation.request_id());
  line("expires    ", operation.done() ? "" : to_text(operation.expire_time()));
  line("read first ", operation.read_before());
  if (operation.has_cancel_time())
    line("cancelled  ", to_text(operation.cancel_time()) + " by " + operation.cancelled_by());
  line("progress   ", progress_of(operation));
}

void print_later(const v1::Operation& operation) {
  if (operation.later_answers().empty()) return;
  Table table({"METER", "TRANSACTION", "FOUND", "SAID", "REASON", "FIRST", "LAST", "TIMES", "WORDS"});
  for (const v1::LaterAnswer& answer : operation.later_answers()) {
    table.row({answer.meter(), answer.transaction(), v1::Target::State_Name(answer.found()),
               v1::Target::State_Name(answer.said()), answer.reason(), to_text(answer.first_time()),
               to_text(answer.last_time()), std::to_string(answer.times()), answer.words()});
  }
  std::cout << "\nanswers that came later and changed nothing\n";
  table.print(std::cout);
}

int get(const Options& options, const OperationOptions& given, v1::Operation& operation) {
  v1::GetOperationRequest request;
  request.set_name(operation_name(options, given.id));
  grpc::ClientContext context;
  set_deadline(context, options);
  const grpc::Status status =
      CommandService::NewStub(connect(options))->GetOperation(&context, request, &operation);
  return status.ok() ? kDone : complain_of_command(status, options);
}

int show(const Options& options, const OperationOptions& given) {
  const TargetView view{given.readings, given.latest, given.purpose, given.on_behalf_of};
  if ((given.readings || given.latest) && given.purpose.empty())
    throw UsageError{"--readings and --latest need --purpose, which is logged"};
  v1::Operation operation;
  if (const int code = get(options, given, operation); code != kDone) return code;
  if (options.json) {
    operation.clear_targets();  // each is a line of its own
    std::cout << to_json(operation) << '\n';
  } else {
    print(operation);
    std::cout << '\n';
  }
  if (const int code = print_targets(options, operation, view); code != kDone) return code;
  if (!options.json) print_later(operation);
  return kDone;
}

int watch(const Options& options, const OperationOptions& given) {
  v1::Operation operation;
  operation.set_name(operation_name(options, given.id));
  if (const int code = follow(options, operation, std::chrono::hours{24 * 7}); code != kDone) return code;
  if (const int code = print_targets(options, operation, {}); code != kDone) return code;
  return all_succeeded(operation) ? kDone : kRefused;
}

int cancel(const Options& options, const OperationOptions& given) {
  v1::CancelOperationRequest request;
  request.set_name(operation_name(options, given.id));
  request.set_on_behalf_of(given.on_behalf_of);
  grpc::ClientContext context;
  set_deadline(context, options);
  v1::Operation operation;
  const grpc::Status status =
      CommandService::NewStub(connect(options))->CancelOperation(&context, request, &operation);
  if (!status.ok()) return complain_of_command(status, options);
  if (options.json) {
    std::cout << to_json(operation) << '\n';
    return kDone;
  }
  std::cout << operation.counts().cancelled() << " taken back; " << operation.counts().sent()
            << " had left and go on\n";
  return kDone;
}

}  // namespace

void add_operations(CLI::App& app, const Options& options, Run& run) {
  auto given = std::make_shared<OperationOptions>();
  CLI::App* operations = app.add_subcommand("operations", "what was asked of meters, and how far it is");
  operations->require_subcommand(1);
  CLI::App* all = operations->add_subcommand("list", "newest first");
  all->add_option("--kind", given->kind, "READ, PING, DEMAND_RESET or BACKFILL");
  all->add_option("--meter", given->meter, "with this meter only");
  all->add_flag("--unfinished", given->unfinished, "those that have not ended");
  all->add_option("--caller", given->caller, "of this caller only: the name in its certificate");
  all->add_option("--request-id", given->request_id, "with this request id only");
  all->add_option("--limit", given->limit, "at most so many")->default_val(100)->check(CLI::PositiveNumber);
  all->callback([&options, &run, given] { run = [&options, given] { return list(options, *given); }; });

  CLI::App* one = operations->add_subcommand("show", "one, with its meters");
  one->add_flag("--readings", given->readings, "with what was read; needs --purpose");
  one->add_flag("--latest", given->latest, "with what is stored where nothing was read; needs --purpose");
  one->add_option("--purpose", given->purpose, "why readings are looked at; it is logged");
  CLI::App* look = operations->add_subcommand("watch", "until it has ended");
  CLI::App* stop = operations->add_subcommand("cancel", "take back what has not left");
  for (CLI::App* command : {one, look, stop})
    command->add_option("operation", given->id, "its number or name")->required();
  for (CLI::App* command : {one, stop})
    command->add_option("--on-behalf-of", given->on_behalf_of, "who asks, when it is not you");
  one->callback([&options, &run, given] { run = [&options, given] { return show(options, *given); }; });
  look->callback([&options, &run, given] { run = [&options, given] { return watch(options, *given); }; });
  stop->callback([&options, &run, given] { run = [&options, given] { return cancel(options, *given); }; });
}

}  // namespace ami::amictl
