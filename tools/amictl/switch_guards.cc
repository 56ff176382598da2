// `amictl switch hold|stop|resume|limits|emergencies|review`: what stops switches from outside of their own operations.
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

using v1::SwitchService;

struct GuardOptions {
  std::string scope, place, effect, reason, reference, until, meter, action, reason_class, on_behalf_of, number, words;
  std::int64_t id = 0;
  bool all = false;
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

template <class Enum, class Parse>
Enum word(const std::string& text, Parse parse, const char* else_say) {
  Enum out{};
  if (!parse(text, &out) || static_cast<int>(out) == 0) throw UsageError{else_say};
  return out;
}

std::string state_of(const v1::SafetyHold& hold) {
  if (hold.has_lift_time()) return "lifted " + to_text(hold.lift_time()) + " by " + hold.lifted_by() + ": " + hold.lift_reason();
  return hold.has_expire_time() ? "until " + to_text(hold.expire_time()) : "until it is lifted";
}

// What a hold or a stop came too late for.
void tell_still_acting(const v1::StillActing& acting) {
  if (!acting.known()) {
    std::cout << "WHAT LEFT BEFORE COULD NOT BE LOOKED UP and may still act: amictl switch list --state SENT\n";
  } else if (acting.commands() == 0) {
    std::cout << "nothing that left before may still act\n";
  } else {
    std::cout << acting.commands() << (acting.commands() == 1 ? " command" : " commands") << " left before and MAY STILL ACT until " << to_text(acting.until_time())
              << "; nothing calls them back:\n";
    for (const std::string& name : acting.names()) std::cout << "  " << harmless(name) << '\n';
    if (acting.commands() > acting.names_size()) std::cout << "  and " << acting.commands() - acting.names_size() << " more\n";
  }
}

int tell_hold(const Options& options, const v1::SafetyHold& hold) {
  if (options.json) {
    std::cout << to_json(hold) << '\n';
  } else {
    std::cout << "hold " << hold.id() << ": " << v1::SafetyHold::Effect_Name(hold.effect()) << " on "
              << v1::SafetyHold::Scope_Name(hold.scope()) << ' ' << harmless(hold.place()) << ", "
              << harmless(state_of(hold)) << '\n';
    if (hold.has_still_acting()) tell_still_acting(hold.still_acting());
  }
  return kDone;
}

int set_hold(const Options& options, const GuardOptions& given) {
  v1::SetSafetyHoldRequest request;
  request.set_parent(parent(options));
  request.set_scope(word<v1::SafetyHold::Scope>(
      given.scope, [](const std::string& t, v1::SafetyHold::Scope* out) { return v1::SafetyHold::Scope_Parse(t, out); },
      "the first word is METER, USAGE_POINT, TRANSFORMER or FEEDER"));
  request.set_place(given.place);
  request.set_effect(word<v1::SafetyHold::Effect>(
      given.effect,
      [](const std::string& t, v1::SafetyHold::Effect* out) { return v1::SafetyHold::Effect_Parse(t, out); },
      "--effect is NO_OPEN, NO_CLOSE or NO_COMMAND"));
  request.set_reason(given.reason);
  request.set_reference(given.reference);
  if (!given.until.empty()) parse_time(given.until, *request.mutable_expire_time());
  v1::SafetyHold hold;
  const int code = ask(options, &SwitchService::Stub::SetHold, request, hold);
  return code == kDone ? tell_hold(options, hold) : code;
}

int lift_hold(const Options& options, const GuardOptions& given) {
  v1::LiftSafetyHoldRequest request;
  request.set_parent(parent(options));
  request.set_id(given.id);
  request.set_reason(given.reason);
  v1::SafetyHold hold;
  const int code = ask(options, &SwitchService::Stub::LiftHold, request, hold);
  return code == kDone ? tell_hold(options, hold) : code;
}

int list_holds(const Options& options, const GuardOptions& given) {
  v1::ListSafetyHoldsRequest request;
  request.set_parent(parent(options));
  request.set_in_force_only(!given.all);
  Table table({"HOLD", "EFFECT", "ON", "PLACE", "SET", "BY", "REASON", "REFERENCE", "STATE"});
  for (int left = given.limit; left > 0;) {
    request.set_page_size(std::min(left, 1000));
    v1::ListSafetyHoldsResponse answer;
    if (const int code = ask(options, &SwitchService::Stub::ListHolds, request, answer); code != kDone) return code;
    for (const v1::SafetyHold& one : answer.holds()) {
      if (options.json) {
        std::cout << to_json(one) << '\n';
        continue;
      }
      table.row({std::to_string(one.id()), v1::SafetyHold::Effect_Name(one.effect()),
                 v1::SafetyHold::Scope_Name(one.scope()), one.place(), to_text(one.set_time()), one.holder(),
                 one.reason(), one.reference(), state_of(one)});
    }
    left -= answer.holds_size();
    if (answer.next_page_token().empty()) break;
    request.set_page_token(answer.next_page_token());
  }
  if (!options.json) table.print(std::cout);
  return kDone;
}

int tell_stop(const Options& options, const v1::SwitchStop& stop) {
  if (options.json) {
    std::cout << to_json(stop) << '\n';
    return kDone;
  }
  std::cout << "stop " << stop.id() << " of " << (stop.scope() == v1::SwitchStop::OPENS ? "opening" : "all switching");
  if (stop.in_force()) {
    std::cout << " is in force; " << 2 - stop.cleared_by_size() << " more to clear it: amictl switch resume " << stop.id()
              << " --reason WHY\n";
  } else {
    std::cout << " is over\n";
  }
  if (stop.has_still_acting()) tell_still_acting(stop.still_acting());
  return kDone;
}

int stop(const Options& options, const GuardOptions& given) {
  v1::StopSwitchingRequest request;
  request.set_parent(parent(options));
  request.set_scope(word<v1::SwitchStop::Scope>(
      given.scope, [](const std::string& t, v1::SwitchStop::Scope* out) { return v1::SwitchStop::Scope_Parse(t, out); },
      "OPENS (the way back goes on) or ALL"));
  request.set_reason(given.reason);
  v1::SwitchStop out;
  const int code = ask(options, &SwitchService::Stub::Stop, request, out);
  return code == kDone ? tell_stop(options, out) : code;
}

int resume(const Options& options, const GuardOptions& given) {
  v1::ResumeSwitchingRequest request;
  request.set_parent(parent(options));
  request.set_id(given.id);
  request.set_reason(given.reason);
  v1::SwitchStop out;
  const int code = ask(options, &SwitchService::Stub::Resume, request, out);
  return code == kDone ? tell_stop(options, out) : code;
}

int list_stops(const Options& options, const GuardOptions& given) {
  v1::ListSwitchStopsRequest request;
  request.set_parent(parent(options));
  request.set_in_force_only(!given.all);
  request.set_page_size(std::min(given.limit, 1000));
  v1::ListSwitchStopsResponse answer;
  if (const int code = ask(options, &SwitchService::Stub::ListStops, request, answer); code != kDone) return code;
  Table table({"STOP", "OF", "SET", "BY", "REASON", "CLEARED BY", "IN FORCE"});
  for (const v1::SwitchStop& one : answer.stops()) {
    if (options.json) {
      std::cout << to_json(one) << '\n';
      continue;
    }
    std::string cleared;
    for (const std::string& who : one.cleared_by()) cleared += (cleared.empty() ? "" : ", ") + who;
    table.row({std::to_string(one.id()), v1::SwitchStop::Scope_Name(one.scope()), to_text(one.set_time()), one.actor(),
               one.reason(), cleared, one.in_force() ? "yes" : "no"});
  }
  if (!options.json) table.print(std::cout);
  return kDone;
}

int list_emergencies(const Options& options, const GuardOptions&) {
  v1::ListEmergenciesRequest request;
  request.set_parent(parent(options));
  v1::ListEmergenciesResponse answer;
  if (const int code = ask(options, &SwitchService::Stub::ListEmergencies, request, answer); code != kDone) return code;
  Table table({"OPERATION", "PERSON", "LEFT", "DUE", "OVERDUE"});
  for (const v1::Emergency& one : answer.emergencies()) {
    if (options.json) {
      std::cout << to_json(one) << '\n';
      continue;
    }
    table.row({one.name().substr(one.name().rfind('/') + 1), one.person(), to_text(one.leave_time()),
               to_text(one.due_time()), one.overdue() ? "OVERDUE: this person opens no other one" : ""});
  }
  if (!options.json) table.print(std::cout);
  return kDone;
}

int review(const Options& options, const GuardOptions& given) {
  v1::ReviewEmergencyRequest request;
  request.set_name(switch_name(options, given.number));
  request.set_words(given.words);
  v1::EmergencyReview answer;
  if (const int code = ask(options, &SwitchService::Stub::ReviewEmergency, request, answer); code != kDone) return code;
  if (options.json) {
    std::cout << to_json(answer) << '\n';
  } else {
    std::cout << "emergency " << harmless(given.number) << " was looked at by " << harmless(answer.actor()) << '\n';
  }
  return kDone;
}

int limits(const Options& options, const GuardOptions& given) {
  v1::GetSwitchLimitsRequest request;
  request.set_meter(meter_name(options, given.meter));
  request.set_action(word<v1::SwitchOperation::Action>(
      given.action,
      [](const std::string& t, v1::SwitchOperation::Action* out) { return v1::SwitchOperation::Action_Parse(t, out); },
      "--action is OPEN, CLOSE or ARM"));
  request.set_reason(word<v1::SwitchOperation::Reason>(
      given.reason_class,
      [](const std::string& t, v1::SwitchOperation::Reason* out) { return v1::SwitchOperation::Reason_Parse(t, out); },
      "--reason is a reason class, NON_PAYMENT for example"));
  request.set_on_behalf_of(given.on_behalf_of);
  v1::SwitchLimits answer;
  if (const int code = ask(options, &SwitchService::Stub::GetLimits, request, answer); code != kDone) return code;
  if (options.json) {
    std::cout << to_json(answer) << '\n';
    return kDone;
  }
  Table table({"OF", "REASON", "IN", "USED", "CEILING", "FULL", "ENFORCED"});
  for (const v1::SwitchLimits::Use& one : answer.limits()) {
    table.row({v1::SwitchLimits::Scope_Name(one.scope()), one.reason(), to_text(one.span()), std::to_string(one.used()),
               std::to_string(one.ceiling()), one.used() >= one.ceiling() ? "FULL" : "",
               one.enforced() ? "yes" : "no, it only watches"});
  }
  table.print(std::cout);
  return kDone;
}

}  // namespace

void add_switch_guards(CLI::App& switches, const Options& options, Run& run) {
  auto given = std::make_shared<GuardOptions>();
  const auto runs = [&](CLI::App* command, int (*what)(const Options&, const GuardOptions&)) {
    command->callback([&options, &run, given, what] { run = [&options, given, what] { return what(options, *given); }; });
  };
  CLI::App* hold = switches.add_subcommand("hold", "lock-outs: somebody works there, so nothing is switched");
  hold->require_subcommand(1);
  CLI::App* set = hold->add_subcommand("set", "set one, for example: FEEDER F-12 --effect NO_CLOSE");
  set->add_option("scope", given->scope, "METER, USAGE_POINT, TRANSFORMER or FEEDER")->required();
  set->add_option("place", given->place, "key of the meter or usage point, name of the transformer or feeder")->required();
  set->add_option("--effect", given->effect, "NO_OPEN, NO_CLOSE (nor arm) or NO_COMMAND")->required();
  set->add_option("--reference", given->reference, "permit or campaign");
  set->add_option("--until", given->until, "when it ends by itself; without it it is lifted");
  CLI::App* lift = hold->add_subcommand("lift", "end one");
  lift->add_option("hold", given->id, "its number")->required();
  CLI::App* held = hold->add_subcommand("list", "those in force, newest first");
  CLI::App* halt = switches.add_subcommand("stop", "kill switch: nothing leaves any more, until two persons have cleared it");
  halt->add_option("scope", given->scope, "OPENS (the way back goes on) or ALL")->required();
  CLI::App* on = switches.add_subcommand("resume", "one person's yes to clear a stop; the second one ends it");
  on->add_option("stop", given->id, "its number")->required();
  for (CLI::App* command : {set, lift, halt, on})
    command->add_option("--reason", given->reason, "why, in 3 to 200 characters")->required();
  CLI::App* halts = switches.add_subcommand("stops", "kill switches in force, newest first");
  for (CLI::App* command : {held, halts}) {
    command->add_flag("--all", given->all, "also those that are over");
    command->add_option("--limit", given->limit, "at most so many")->default_val(100)->check(CLI::PositiveNumber);
  }
  CLI::App* bounds = switches.add_subcommand("limits", "limits that bind an operation of a meter, and what is used of them");
  bounds->add_option("meter", given->meter, "key of the meter")->required();
  bounds->add_option("--action", given->action, "OPEN, CLOSE or ARM")->required();
  bounds->add_option("--reason", given->reason_class, "reason class, NON_PAYMENT for example")->required();
  bounds->add_option("--on-behalf-of", given->on_behalf_of, "who would ask, when it is not you");
  CLI::App* due = switches.add_subcommand("emergencies", "emergencies that no second person has looked at, oldest first");
  CLI::App* look = switches.add_subcommand("review", "the second look at an emergency, by another person than its own");
  look->add_option("operation", given->number, "its number")->required();
  look->add_option("--words", given->words, "what was found, in 3 to 200 characters")->required();
  runs(due, list_emergencies);
  runs(look, review);
  runs(set, set_hold);
  runs(lift, lift_hold);
  runs(held, list_holds);
  runs(halt, stop);
  runs(on, resume);
  runs(halts, list_stops);
  runs(bounds, limits);
}

}  // namespace ami::amictl
