// `amictl switch open|close|arm`: says what would happen, asks, sends, and sees it through.
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <iostream>

#include <grpcpp/grpcpp.h>
#include "ami/v1/switch_service.grpc.pb.h"

#include "tools/amictl/connection.h"
#include "tools/amictl/operation_text.h"
#include "tools/amictl/options.h"
#include "tools/amictl/switch_follow.h"
#include "tools/amictl/switch_text.h"
#include "tools/amictl/table.h"

namespace ami::amictl {
namespace {

using v1::SwitchOperation;
using v1::SwitchService;

constexpr const char* kLongestWait = "30m";  // flight and the time for evidence, and some

struct OrderOptions {
  std::string meter, usage_point, serial_last4, reason, order, not_before, not_after, attest, on_behalf_of,
      request_id, wait;
  bool waits = false, dry_run = false, yes = false;
};

template <class Enum, class Parse>
Enum parsed(const std::string& text, Parse parse, const char* else_say) {
  Enum out{};
  if (!parse(text, &out) || static_cast<int>(out) == 0) throw UsageError{else_say};
  return out;
}

std::chrono::seconds wait_of(const OrderOptions& given) {
  google::protobuf::Duration duration;
  parse_duration(given.wait.empty() ? kLongestWait : given.wait, duration);
  return std::chrono::seconds{duration.seconds()};
}

v1::SubmitSwitchRequest request_of(const Options& options, const OrderOptions& given,
                                   SwitchOperation::Action action) {
  v1::SubmitSwitchRequest request;
  request.set_meter(meter_name(options, given.meter));
  request.set_usage_point(usage_point_name(options, given.usage_point));
  if (given.serial_last4.size() != 4) throw UsageError{"--serial-last4 is four characters: the end of the serial"};
  request.set_serial_last4(given.serial_last4);
  request.set_action(action);
  request.set_reason(parsed<SwitchOperation::Reason>(
      given.reason,
      [](const std::string& text, SwitchOperation::Reason* out) { return SwitchOperation::Reason_Parse(text, out); },
      "--reason is EMERGENCY_SAFETY, NON_PAYMENT, VACANT_MOVE_OUT, CUSTOMER_REQUEST, THEFT, TEST, RESTORE_WRONGFUL "
      "or RECONNECT"));
  request.set_order_id(given.order);
  if (!given.not_before.empty()) parse_time(given.not_before, *request.mutable_not_before());
  if (!given.not_after.empty()) parse_time(given.not_after, *request.mutable_not_after());
  if (!given.attest.empty()) {
    request.add_attestations(parsed<SwitchOperation::Attestation>(
        given.attest,
        [](const std::string& text, SwitchOperation::Attestation* out) {
          return SwitchOperation::Attestation_Parse(text, out);
        },
        "--attest is CUSTOMER_PRESENT, MAIN_BREAKER_OPEN or TARIFF_PERMITS"));
  }
  request.set_on_behalf_of(given.on_behalf_of);
  request.set_request_id(given.request_id.empty() ? fresh_request_id() : given.request_id);
  return request;
}

int evaluate(const Options& options, const v1::SubmitSwitchRequest& order, v1::SwitchVerdict& verdict) {
  v1::EvaluateSwitchRequest request;
  *request.mutable_request() = order;
  grpc::ClientContext context;
  set_deadline(context, options);
  const grpc::Status status = SwitchService::NewStub(connect(options))->Evaluate(&context, request, &verdict);
  return status.ok() ? kDone : complain_of_switch(status, options);
}

int dry_run(const Options& options, const v1::SubmitSwitchRequest& order) {
  v1::SwitchVerdict verdict;
  if (const int code = evaluate(options, order, verdict); code != kDone) return code;
  if (options.json) {
    std::cout << to_json(verdict) << '\n';
  } else {
    print(std::cout, verdict);
  }
  return verdict.allowed() ? kDone : kRefused;
}

// Whether to go on; what is refused is not asked about.
int ask_person(const Options& options, const v1::SubmitSwitchRequest& order) {
  if (::isatty(STDIN_FILENO) != 1 || ::isatty(STDERR_FILENO) != 1)
    throw UsageError{"opening a switch cuts the power: with --yes, or on a terminal, where you are asked. Nothing was done"};
  v1::SwitchVerdict verdict;
  if (const int code = evaluate(options, order, verdict); code != kDone) return code;
  if (!verdict.allowed()) {
    print(std::cerr, verdict);
    return kRefused;
  }
  std::cerr << "This cuts the power of usage point " << harmless(last_part(order.usage_point())) << ", meter "
            << harmless(last_part(order.meter())) << ", serial ..." << harmless(order.serial_last4()) << ", for "
            << SwitchOperation::Reason_Name(order.reason()) << ", order " << harmless(order.order_id())
            << ".\nEvidence that can be had: " << evidence_name(verdict.evidence_attainable())
            << ". Type OPEN to do it: " << std::flush;
  std::string answer;
  std::getline(std::cin, answer);
  if (answer == "OPEN") return kDone;
  std::cerr << "Nothing was done.\n";
  return kRefused;
}

int conclude(const Options& options, const OrderOptions& given, const SwitchOperation& operation) {
  if (options.json) {
    std::cout << to_json(operation) << '\n';
  } else {
    std::cout << "operation " << last_part(operation.name()) << ": "
              << SwitchOperation::State_Name(operation.state()) << ": " << harmless(outcome_of(operation)) << '\n';
    if (!operation.evidence_words().empty())
      std::cout << "  evidence " << evidence_of(operation) << ": " << harmless(operation.evidence_words()) << '\n';
    if (!operation.final_register().empty())
      std::cout << "  final register " << harmless(operation.final_register()) << '\n';
  }
  std::cerr << next_steps(operation);
  if (operation.ended()) return is_verified(operation) ? kDone : kRefused;
  std::cerr << "it goes on: amictl switch watch " << last_part(operation.name()) << '\n';
  return given.waits ? kRefused : kDone;
}

int order(const Options& options, const OrderOptions& given, SwitchOperation::Action action) {
  const std::chrono::seconds patience = wait_of(given);
  const v1::SubmitSwitchRequest request = request_of(options, given, action);
  if (given.dry_run) return dry_run(options, request);
  if (action == SwitchOperation::OPEN && !given.yes) {
    if (const int code = ask_person(options, request); code != kDone) return code;
  }
  SwitchOperation operation;
  grpc::ClientContext context;
  set_deadline(context, options);
  const grpc::Status status = SwitchService::NewStub(connect(options))->Submit(&context, request, &operation);
  if (!status.ok()) {
    const int code = complain_of_switch(status, options);
    if (code == kUnreachable || status.error_code() == grpc::StatusCode::ABORTED)
      std::cerr << "  it may have been accepted: the same again with --request-id " << request.request_id()
                << " is carried out once\n";
    return code;
  }
  if (given.waits) {
    // From its first change on: what happened before the answer is part of the view.
    if (const int code = follow_switch(options, {patience, false, false}, operation); code != kDone) {
      std::cerr << "  it goes on: amictl switch watch " << last_part(operation.name()) << '\n';
      return code;
    }
  }
  return conclude(options, given, operation);
}

}  // namespace

void add_switch_orders(CLI::App& switches, const Options& options, Run& run) {
  struct Command {
    const char *name, *help;
    SwitchOperation::Action action;
  };
  for (const Command& command :
       {Command{"open", "cut the power of a usage point; asks first", SwitchOperation::OPEN},
        Command{"close", "energise a usage point at once; needs --attest", SwitchOperation::CLOSE},
        Command{"arm", "let the customer close it with the button", SwitchOperation::ARM}}) {
    auto given = std::make_shared<OrderOptions>();
    CLI::App* one = switches.add_subcommand(command.name, command.help);
    one->add_option("meter", given->meter, "key of the meter")->required();
    one->add_option("--usage-point", given->usage_point, "key of the usage point where it is")->required();
    one->add_option("--serial-last4", given->serial_last4, "last four characters of its serial, read at the meter")
        ->required();
    one->add_option("--reason", given->reason,
                    "EMERGENCY_SAFETY, NON_PAYMENT, VACANT_MOVE_OUT, CUSTOMER_REQUEST, THEFT, TEST, "
                    "RESTORE_WRONGFUL or RECONNECT")
        ->required();
    one->add_option("--order", given->order, "your work order")->required();
    one->add_option("--not-before", given->not_before, "may not leave before, RFC 3339");
    one->add_option("--not-after", given->not_after, "what has not left by then never does");
    if (command.action == SwitchOperation::CLOSE)
      one->add_option("--attest", given->attest, "CUSTOMER_PRESENT, MAIN_BREAKER_OPEN or TARIFF_PERMITS");
    one->add_option("--on-behalf-of", given->on_behalf_of, "who asks, when it is not you");
    one->add_option("--request-id", given->request_id, "the same again is carried out once");
    one->add_flag("--dry-run", given->dry_run, "only say whether it would be done, with every check");
    CLI::Option* wait = one->add_option(
        "--wait", given->wait,
        std::string("see it through, so long at most (default ") + kLongestWait + "); exit 0 only when it is verified");
    wait->expected(0, 1);
    if (command.action == SwitchOperation::OPEN) one->add_flag("--yes", given->yes, "do it without being asked");
    one->callback([&options, &run, given, wait, action = command.action] {
      given->waits = wait->count() > 0;
      run = [&options, given, action] { return order(options, *given, action); };
    });
  }
}

}  // namespace ami::amictl
