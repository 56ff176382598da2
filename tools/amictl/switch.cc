// `amictl switch`: what was asked of service switches and what came of it.
#include <CLI/CLI.hpp>
#include <iostream>

#include <grpcpp/grpcpp.h>
#include "ami/v1/switch_service.grpc.pb.h"

#include "tools/amictl/connection.h"
#include "tools/amictl/options.h"
#include "tools/amictl/switch_follow.h"
#include "tools/amictl/switch_text.h"
#include "tools/amictl/table.h"

namespace ami::amictl {
namespace {

using v1::SwitchOperation;
using v1::SwitchService;

struct SwitchOptions {
  std::string id, meter, since, position, reference, on_behalf_of;
  std::vector<std::string> states;
  bool unresolved = false, truck_rolls = false, evidence = false;
  int limit = 100;
};

template <class Request, class Response>
int ask(const Options& options,
        grpc::Status (SwitchService::Stub::*method)(grpc::ClientContext*, const Request&, Response*),
        const Request& request, Response& response) {
  grpc::ClientContext context;
  set_deadline(context, options);
  const auto stub = SwitchService::NewStub(connect(options));
  const grpc::Status status = ((*stub).*method)(&context, request, &response);
  return status.ok() ? kDone : complain_of_switch(status, options);
}

void tell(const Options& options, const SwitchOperation& operation) {
  if (options.json) {
    std::cout << to_json(operation) << '\n';
    return;
  }
  print(std::cout, operation);
  if (operation.changes_size() > 0) std::cout << '\n';
  for (const v1::SwitchChange& change : operation.changes()) std::cout << line_of(change) << '\n';
  const std::string next = next_steps(operation);
  if (!next.empty()) std::cout << '\n' << next;
}

int show(const Options& options, const SwitchOptions& given) {
  v1::GetSwitchRequest request;
  request.set_name(switch_name(options, given.id));
  SwitchOperation operation;
  if (const int code = ask(options, &SwitchService::Stub::Get, request, operation); code != kDone) return code;
  tell(options, operation);
  return kDone;
}

int watch(const Options& options, const SwitchOptions& given) {
  SwitchOperation operation;
  operation.set_name(switch_name(options, given.id));
  const SwitchView view{std::chrono::hours{24 * 7}, given.evidence, options.json};
  if (const int code = follow_switch(options, view, operation); code != kDone) return code;
  if (!options.json) {
    std::cout << "operation " << last_part(operation.name()) << ": "
              << SwitchOperation::State_Name(operation.state()) << ": " << harmless(outcome_of(operation)) << '\n';
    std::cerr << next_steps(operation);
  }
  return is_verified(operation) ? kDone : kRefused;
}

int cancel(const Options& options, const SwitchOptions& given) {
  v1::CancelSwitchRequest request;
  request.set_name(switch_name(options, given.id));
  request.set_on_behalf_of(given.on_behalf_of);
  SwitchOperation operation;
  if (const int code = ask(options, &SwitchService::Stub::Cancel, request, operation); code != kDone) return code;
  if (options.json) {
    std::cout << to_json(operation) << '\n';
  } else {
    std::cout << "operation " << last_part(operation.name()) << " was taken back before it left\n";
  }
  return kDone;
}

int resolve(const Options& options, const SwitchOptions& given) {
  v1::ResolveSwitchRequest request;
  request.set_name(switch_name(options, given.id));
  v1::Target::SwitchPosition position{};
  if (!v1::Target::SwitchPosition_Parse(given.position, &position) ||
      position == v1::Target::SWITCH_POSITION_UNSPECIFIED)
    throw UsageError{"--position is OPEN, ARMED or CLOSED, as it was seen"};
  request.set_position(position);
  request.set_reference(given.reference);
  request.set_on_behalf_of(given.on_behalf_of);
  SwitchOperation operation;
  if (const int code = ask(options, &SwitchService::Stub::ResolveByObservation, request, operation); code != kDone)
    return code;
  if (options.json) {
    std::cout << to_json(operation) << '\n';
  } else {
    std::cout << "operation " << last_part(operation.name()) << ": "
              << SwitchOperation::State_Name(operation.state()) << ": " << harmless(outcome_of(operation)) << '\n';
  }
  return kDone;
}

std::string position_name(v1::Target::SwitchPosition position) {
  return position == v1::Target::SWITCH_POSITION_UNSPECIFIED ? "not known"
                                                             : v1::Target::SwitchPosition_Name(position);
}

void print(const v1::SwitchStanding& standing) {
  std::cout << "meter         " << standing.meter() << '\n'
            << "usage point   " << (standing.usage_point().empty() ? "nowhere" : standing.usage_point()) << '\n'
            << "reached by    " << (standing.feed().empty() ? "no adapter" : harmless(standing.feed())) << '\n'
            << "position      " << position_name(standing.position());
  if (standing.position() != v1::Target::SWITCH_POSITION_UNSPECIFIED)
    std::cout << ", told " << to_text(standing.position_time())
              << (standing.position_operation().empty() ? "" : " of operation ")
              << last_part(standing.position_operation()) << ": " << harmless(standing.position_source());
  std::cout << "\nmeant to be   "
            << (standing.intended_operation().empty()
                    ? "nothing was done to it from here"
                    : position_name(standing.intended()) + ", operation " + last_part(standing.intended_operation()))
            << '\n';
  if (!standing.live_operation().empty())
    std::cout << "under way     operation " << last_part(standing.live_operation()) << '\n';
  for (const std::string& name : standing.unresolved_operations())
    std::cout << "NOT KNOWN     what operation " << last_part(name) << " did: amictl switch show " << last_part(name)
              << '\n';
  std::cout << "load side     " << standing.load_side_voltage()
            << (standing.meter_interlock() ? "; the site has shown that the meter itself refuses" : "") << "\n\n";
  Table who({"WHO SAYS", "YES", "WORDS", "CLAUSE"});
  for (const v1::CapabilityLine& line : standing.capability())
    who.row({line.source(), line.yes() ? "yes" : "NO", line.words(), line.clauses()});
  who.print(std::cout);
  for (const v1::SwitchStanding::Way& way : standing.ways()) {
    std::cout << '\n' << SwitchOperation::Action_Name(way.action()) << ": ";
    if (!way.stated()) {
      std::cout << "no: " << harmless(way.refusal()) << '\n';
      continue;
    }
    std::cout << "yes; evidence " << evidence_name(standing.evidence_minimum()) << " is wanted, "
              << evidence_name(way.evidence_attainable()) << " can be had\n";
    for (const v1::EvidenceLevel& level : way.evidence_levels()) std::cout << "  " << harmless(level.words()) << '\n';
  }
}

int state(const Options& options, const SwitchOptions& given) {
  v1::ReadSwitchStateRequest request;
  request.set_meter(meter_name(options, given.meter));
  v1::SwitchStanding standing;
  if (const int code = ask(options, &SwitchService::Stub::ReadState, request, standing); code != kDone) return code;
  if (options.json) {
    std::cout << to_json(standing) << '\n';
  } else {
    print(standing);
  }
  return kDone;
}

int list(const Options& options, const SwitchOptions& given) {
  v1::ListSwitchesRequest request;
  request.set_parent(parent(options));
  if (!given.meter.empty()) request.set_meter(meter_name(options, given.meter));
  for (const std::string& name : given.states) {
    SwitchOperation::State one{};
    if (!SwitchOperation::State_Parse(name, &one) || one == SwitchOperation::STATE_UNSPECIFIED)
      throw UsageError{"--state: \"" + name + "\" is no state; those there are: docs/switching.md"};
    request.add_states(one);
  }
  request.set_unresolved_only(given.unresolved);
  request.set_truck_roll_only(given.truck_rolls);
  if (!given.since.empty()) parse_time(given.since, *request.mutable_since());
  Table table(given.truck_rolls
                  ? std::vector<std::string>{"OPERATION", "ASKED", "METER", "USAGE POINT", "ACTION", "ORDER", "FOR", "WHY"}
                  : std::vector<std::string>{"OPERATION", "ASKED", "METER", "USAGE POINT", "ACTION", "STATE", "EVIDENCE",
                                             "ORDER", "BY", "RULE"});
  for (int left = given.limit; left > 0;) {
    request.set_page_size(std::min(left, 1000));
    v1::ListSwitchesResponse answer;
    if (const int code = ask(options, &SwitchService::Stub::List, request, answer); code != kDone) return code;
    for (const SwitchOperation& one : answer.operations()) {
      if (options.json) {
        std::cout << to_json(one) << '\n';
        continue;
      }
      std::vector<std::string> cells{last_part(one.name()), to_text(one.create_time()), last_part(one.meter()),
                                     last_part(one.usage_point()), SwitchOperation::Action_Name(one.action())};
      if (given.truck_rolls) {
        cells.insert(cells.end(), {one.order_id(), one.on_behalf_of(), one.words()});
      } else {
        cells.insert(cells.end(), {SwitchOperation::State_Name(one.state()), evidence_name(one.evidence()),
                                   one.order_id(), one.caller(), one.rule()});
      }
      table.row(std::move(cells));
    }
    left -= answer.operations_size();
    if (answer.next_page_token().empty()) break;
    request.set_page_token(answer.next_page_token());
  }
  if (!options.json) table.print(std::cout);
  return kDone;
}

}  // namespace

void add_switch(CLI::App& app, const Options& options, Run& run) {
  auto given = std::make_shared<SwitchOptions>();
  CLI::App* switches = app.add_subcommand("switch", "the remote service switch: open, close, arm, and what came of it");
  switches->require_subcommand(1);
  add_switch_orders(*switches, options, run);
  const auto runs = [&](CLI::App* command, int (*what)(const Options&, const SwitchOptions&)) {
    command->callback([&options, &run, given, what] { run = [&options, given, what] { return what(options, *given); }; });
  };
  CLI::App* one = switches->add_subcommand("show", "an operation, with every change and what to do next");
  CLI::App* look = switches->add_subcommand("watch", "follow it until it has ended; exit 0 when it is verified");
  CLI::App* stop = switches->add_subcommand("cancel", "take it back, as long as it has not left");
  CLI::App* settle = switches->add_subcommand("resolve", "settle what is not known by what a person saw");
  for (CLI::App* command : {one, look, stop, settle})
    command->add_option("operation", given->id, "its number or name")->required();
  look->add_flag("--evidence", given->evidence, "go on after the end, while evidence may still come");
  settle->add_option("--position", given->position, "OPEN, ARMED or CLOSED, as it was seen")->required();
  settle->add_option("--reference", given->reference, "where it can be looked up: report, call")->required();
  for (CLI::App* command : {stop, settle})
    command->add_option("--on-behalf-of", given->on_behalf_of, "whose word it is, when it is not yours");

  CLI::App* known = switches->add_subcommand("state", "what is known of a meter's switch; asks no meter");
  known->add_option("meter", given->meter, "key of the meter")->required();
  CLI::App* all = switches->add_subcommand("list", "operations, newest first");
  all->add_option("--state", given->states, "in one of these states only");
  all->add_flag("--unresolved", given->unresolved, "those of which nobody knows what they did");
  CLI::App* trucks = switches->add_subcommand("truck-rolls", "orders for which a person has to go there");
  for (CLI::App* command : {all, trucks}) {
    command->add_option("--meter", given->meter, "of this meter only");
    command->add_option("--since", given->since, "asked for at that time or later");
    command->add_option("--limit", given->limit, "at most so many")->default_val(100)->check(CLI::PositiveNumber);
  }
  add_switch_differences(*switches, options, run);
  add_switch_guards(*switches, options, run);
  runs(one, show);
  runs(look, watch);
  runs(stop, cancel);
  runs(settle, resolve);
  runs(known, state);
  runs(all, list);
  trucks->callback([&options, &run, given] {
    given->truck_rolls = true;
    run = [&options, given] { return list(options, *given); };
  });
}

}  // namespace ami::amictl
