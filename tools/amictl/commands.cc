#include <unistd.h>
#include <CLI/CLI.hpp>

#include <fstream>
#include <iostream>
#include <random>

#include <grpcpp/grpcpp.h>
#include "ami/v1/command_service.grpc.pb.h"
#include "ami/v1/reading_service.grpc.pb.h"
#include "meter_model/time/instant.h"

#include "tools/amictl/connection.h"
#include "tools/amictl/operation_text.h"
#include "tools/amictl/options.h"
#include "tools/amictl/table.h"

namespace ami::amictl {
namespace {

using v1::CommandService;

struct CommandOptions {
  std::vector<std::string> meters;
  std::string file, wait = "30s", expiry, order, on_behalf_of, purpose = "operations", request_id;
  int priority = 0;
  bool latest = false, yes = false;
};

}  // namespace

std::string fresh_request_id() {
  std::random_device random;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return "amictl-" + std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(now).count()) +
         "-" + std::to_string(::getpid()) + "-" + std::to_string(random());
}

namespace {

// One meter a line; blank lines and what follows # do not count.
std::vector<std::string> meters_of_file(const std::string& path) {
  std::ifstream in(path);
  if (!in) throw UsageError{"cannot read " + path};
  std::vector<std::string> meters;
  std::string line;
  while (std::getline(in, line)) {
    line.erase(std::min(line.find('#'), line.size()));
    const auto first = line.find_first_not_of(" \t\r");
    if (first == std::string::npos) continue;
    line = line.substr(first, line.find_last_not_of(" \t\r") - first + 1);
    if (line.find_first_of(" \t,;") != std::string::npos)
      throw UsageError{path + ": \"" + line + "\" is not one meter; write one a line"};
    meters.push_back(line);
  }
  if (in.bad()) throw UsageError{"cannot read " + path};
  if (meters.empty()) throw UsageError{path + " names no meter"};
  return meters;
}

std::vector<std::string> names_of(const Options& options, const CommandOptions& given) {
  if (given.meters.empty() == given.file.empty())
    throw UsageError{"which meters? give their keys, or --file with one a line"};
  std::vector<std::string> names;
  for (const std::string& key : given.file.empty() ? given.meters : meters_of_file(given.file))
    names.push_back(meter_name(options, key));
  return names;
}

std::chrono::seconds seconds_of(const std::string& text) {
  google::protobuf::Duration duration;
  parse_duration(text, duration);
  return std::chrono::seconds{duration.seconds()};
}

template <class Request>
Request request_of(const CommandOptions& given, const std::string& request_id) {
  Request request;
  request.set_request_id(request_id);
  request.set_order_id(given.order);
  request.set_on_behalf_of(given.on_behalf_of);
  request.set_purpose(given.purpose);
  request.set_priority(given.priority);
  if (!given.expiry.empty()) parse_duration(given.expiry, *request.mutable_expiry());
  return request;
}

template <class Request, class Method>
grpc::Status call(const Options& options, Method method, const Request& request, v1::Operation& operation) {
  grpc::ClientContext context;
  set_deadline(context, options);
  const auto stub = CommandService::NewStub(connect(options));
  return ((*stub).*method)(&context, request, &operation);
}

// After it was submitted: to its end or as long as the caller waits, then what came of it.
int see_through(const Options& options, const CommandOptions& given, const std::string& request_id,
                const grpc::Status& submitted, v1::Operation& operation, bool readings) {
  if (!submitted.ok()) {
    const int code = complain_of_command(submitted, options);
    if (code == kUnreachable)
      std::cerr << "  it may have been accepted: the same again with --request-id " << request_id
                << " is carried out once\n";
    return code;
  }
  const std::chrono::seconds wait = seconds_of(given.wait);
  if (!operation.done() && wait.count() > 0) {
    if (const int code = follow(options, operation, wait); code != kDone) {
      std::cerr << "  it goes on: amictl operations watch " << operation.name() << '\n';
      return code;
    }
  }
  const TargetView view{readings, readings && given.latest, given.purpose, given.on_behalf_of};
  if (const int code = print_targets(options, operation, view); code != kDone) return code;
  if (operation.done()) return all_succeeded(operation) ? kDone : kRefused;
  std::cerr << "operation " << last_part(operation.name()) << ": " << progress_of(operation)
            << "; it goes on: amictl operations watch " << operation.name() << '\n';
  return wait.count() == 0 ? kDone : kRefused;
}

template <class One, class Many, class AskOne, class AskMany>
int ask(const Options& options, const CommandOptions& given, AskOne ask_one, AskMany ask_many,
        bool readings) {
  const std::vector<std::string> names = names_of(options, given);
  const std::string id = given.request_id.empty() ? fresh_request_id() : given.request_id;
  (void)seconds_of(given.wait);
  v1::Operation operation;
  grpc::Status status;
  if (names.size() == 1) {
    auto request = request_of<One>(given, id);
    request.set_meter(names.front());
    status = call(options, ask_one, request, operation);
  } else {
    auto request = request_of<Many>(given, id);
    request.mutable_meters()->Assign(names.begin(), names.end());
    status = call(options, ask_many, request, operation);
  }
  return see_through(options, given, id, status, operation, readings);
}

int read_now(const Options& options, const CommandOptions& given) {
  return ask<v1::ReadNowRequest, v1::BatchReadNowRequest>(options, given, &CommandService::Stub::ReadNow,
                                                          &CommandService::Stub::BatchReadNow, true);
}

int ping(const Options& options, const CommandOptions& given) {
  return ask<v1::PingRequest, v1::PingBatchRequest>(options, given, &CommandService::Stub::Ping,
                                                    &CommandService::Stub::PingBatch, false);
}

// What a demand reset would destroy, as far as it is stored. kDone, or why the gateway did not say.
int show_maxima(const Options& options, const std::string& meter) {
  v1::GetLatestRequest request;
  request.add_names(meter);
  for (const v1::Quantity quantity :
       {v1::DEMAND_MAX_DELIVERED, v1::DEMAND_MAX_RECEIVED, v1::DEMAND_CUMULATIVE, v1::DEMAND_RESET_COUNT})
    request.add_quantities(quantity);
  grpc::ClientContext context;
  set_deadline(context, options);
  v1::GetLatestResponse answer;
  const grpc::Status status =
      v1::ReadingService::NewStub(connect(options))->GetLatest(&context, request, &answer);
  std::cerr << "A demand reset DESTROYS the present maximum demand of meter " << last_part(meter) << ".\n";
  if (status.error_code() == grpc::StatusCode::PERMISSION_DENIED) {
    std::cerr << "What is stored of it needs a certificate that may read.\n";
    return kDone;
  }
  if (!status.ok()) return complain(status, options);
  Table table({"CHANNEL", "QUANTITY", "TOU", "VALUE", "UNIT", "TIME", "RECEIVED"});
  for (const v1::RegisterValue& value : answer.latest(0).values()) {
    table.row({value.channel(), v1::Quantity_Name(value.quantity()), std::to_string(value.tou()),
               value.value(), value.unit(), to_text(value.time()), to_text(value.received_at())});
  }
  if (table.empty()) {
    std::cerr << "Nothing of it is stored.\n";
  } else {
    std::cerr << "What is stored of it:\n";
    table.print(std::cerr);
  }
  return kDone;
}

int demand_reset(const Options& options, const CommandOptions& given) {
  const std::string id = given.request_id.empty() ? fresh_request_id() : given.request_id;
  (void)seconds_of(given.wait);
  auto request = request_of<v1::DemandResetRequest>(given, id);
  request.set_meter(meter_name(options, given.meters.front()));
  if (const int code = show_maxima(options, request.meter()); code != kDone) return code;
  if (!given.yes) {
    std::cerr << "Nothing was done. With --yes it is read once more and then reset.\n";
    return kUsage;
  }
  v1::Operation operation;
  const grpc::Status status = call(options, &CommandService::Stub::DemandReset, request, operation);
  return see_through(options, given, id, status, operation, true);
}

void add_common(CLI::App* command, const std::shared_ptr<CommandOptions>& given) {
  command->add_option("--wait", given->wait, "wait so long for the end, e.g. 30s; 0s = only ask")
      ->default_val("30s");
  command->add_option("--expiry", given->expiry, "what has not left by then never does, e.g. 6h");
  command->add_option("--order", given->order, "your work order");
  command->add_option("--on-behalf-of", given->on_behalf_of, "who asks, when it is not you");
  command->add_option("--purpose", given->purpose, "why; it is logged")->default_val("operations");
  command->add_option("--priority", given->priority, "0 to 9; 9 goes first")->check(CLI::Range(0, 9));
  command->add_option("--request-id", given->request_id, "the same again is carried out once");
}

}  // namespace

void add_commands(CLI::App& app, const Options& options, Run& run) {
  auto given = std::make_shared<CommandOptions>();
  CLI::App* read = app.add_subcommand("read-now", "read meters now, and show what they said");
  CLI::App* reach = app.add_subcommand("ping", "do meters answer, so: have they power?");
  for (CLI::App* command : {read, reach}) {
    command->add_option("meter", given->meters, "keys of meters");
    command->add_option("--file", given->file, "keys of meters, one a line");
    add_common(command, given);
  }
  read->add_flag("--latest", given->latest, "show what is stored where a meter did not say anything");
  read->callback([&options, &run, given] { run = [&options, given] { return read_now(options, *given); }; });
  reach->callback([&options, &run, given] { run = [&options, given] { return ping(options, *given); }; });

  CLI::App* reset =
      app.add_subcommand("demand-reset", "reset the demand of one meter: destroys its present maximum");
  reset->add_option("meter", given->meters, "key of the meter")->required()->expected(1);
  reset->add_flag("--yes", given->yes, "do it; without it only what would be destroyed is shown");
  add_common(reset, given);
  reset->callback(
      [&options, &run, given] { run = [&options, given] { return demand_reset(options, *given); }; });
}

}  // namespace ami::amictl
