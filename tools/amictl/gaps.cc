#include <CLI/CLI.hpp>
#include <charconv>
#include <iostream>
#include <map>

#include <grpcpp/grpcpp.h>
#include "ami/v1/collection_service.grpc.pb.h"

#include "tools/amictl/calendar.h"
#include "tools/amictl/connection.h"
#include "tools/amictl/options.h"
#include "tools/amictl/table.h"

namespace ami::amictl {
namespace {

using v1::CollectionService;
using Date = std::chrono::year_month_day;

struct GapOptions {
  std::string meter, usage_point, feed, family, from, to, calendar, month, channel;
  std::vector<std::string> states;
  int limit = 1000;
  std::string day, feeder, by = "feed";
  int days = 1;
  std::vector<std::int64_t> ids;
  std::string reason;
  bool undo = false;
};

std::string name_of(const Options& options, const GapOptions& given) {
  if (!given.meter.empty()) return meter_name(options, given.meter);
  if (given.usage_point.empty() || given.usage_point.rfind("utilities/", 0) == 0) return given.usage_point;
  return parent(options) + "/usagePoints/" + given.usage_point;
}

// A full name tells its utility; bare keys need --utility.
std::string parent_of(const Options& options, const std::string& name) {
  if (name.rfind("utilities/", 0) != 0) return parent(options);
  return name.substr(0, name.find('/', sizeof "utilities/" - 1));
}

Table gap_table() {
  return Table(
      {"ID", "METER", "CHANNEL", "START", "END", "LENGTH", "MISSING", "REASON", "STATE", "FEED", "NOTE"});
}

void print(const Options& options, const v1::Gap& gap, Table& table) {
  if (options.json) {
    std::cout << to_json(gap) << '\n';
    return;
  }
  const std::string note =
      gap.state() == v1::Gap::GIVEN_UP ? gap.given_up_by() + ": " + gap.given_up_reason() : gap.note();
  table.row({std::to_string(gap.id()), last_part(gap.meter()), gap.channel(), to_text(gap.start()),
             to_text(gap.end()), gap.interval_s() == 0 ? "day" : std::to_string(gap.interval_s()) + " s",
             std::to_string(gap.missing()), v1::Gap::Reason_Name(gap.reason()),
             v1::Gap::State_Name(gap.state()), gap.feed(), note});
}

int list(const Options& options, const GapOptions& given) {
  v1::ListGapsRequest request;
  request.set_name(name_of(options, given));
  request.set_parent(parent_of(options, request.name()));
  request.set_feed(given.feed);
  request.set_family(given.family);
  for (const std::string& text : given.states) {
    v1::Gap::State state{};
    if (!v1::Gap::State_Parse(text, &state) || state == v1::Gap::STATE_UNSPECIFIED)
      throw UsageError{"--state is OPEN, REQUESTED, CLOSED or GIVEN_UP"};
    request.add_states(state);
  }
  if (!given.from.empty()) parse_time(given.from, *request.mutable_start());
  if (!given.to.empty()) parse_time(given.to, *request.mutable_end());
  const auto stub = CollectionService::NewStub(connect(options));
  Table table = gap_table();
  for (int left = given.limit; left > 0;) {
    request.set_page_size(std::min(left, 1000));
    grpc::ClientContext context;
    set_deadline(context, options);
    v1::ListGapsResponse answer;
    const grpc::Status status = stub->ListGaps(&context, request, &answer);
    if (!status.ok()) return complain(status, options);
    for (const v1::Gap& gap : answer.gaps()) print(options, gap, table);
    left -= answer.gaps_size();
    if (answer.next_page_token().empty()) break;
    request.set_page_token(answer.next_page_token());
  }
  if (!options.json) table.print(std::cout);
  return kDone;
}

// "2026-03"
std::chrono::year_month month_from(const std::string& text) {
  int year = 0, month = 0;
  const auto number = [&](std::size_t from, std::size_t length, int& out) {
    const char* end = text.data() + from + length;
    const auto [stop, error] = std::from_chars(text.data() + from, end, out);
    return error == std::errc{} && stop == end;
  };
  if (text.size() == 7 && text[4] == '-' && number(0, 4, year) && number(5, 2, month) && year >= 1970 &&
      year <= 2199 && month >= 1 && month <= 12)
    return std::chrono::year{year} / month;
  throw UsageError{"\"" + text + "\" is not a month; write it as 2026-03"};
}

int calendar(const Options& options, const GapOptions& given) {
  if (given.month.empty()) throw UsageError{"--calendar needs --month, e.g. 2026-03"};
  const std::chrono::year_month month = month_from(given.month);
  v1::GetCompletenessRequest request;
  request.set_name(meter_name(options, given.calendar));
  request.set_parent(parent_of(options, request.name()));
  request.set_day(given.month + "-01");
  request.set_days(static_cast<int>(static_cast<unsigned>((month / std::chrono::last).day())));
  request.set_feed(given.feed);
  grpc::ClientContext context;
  set_deadline(context, options);
  v1::GetCompletenessResponse answer;
  const grpc::Status status =
      CollectionService::NewStub(connect(options))->GetCompleteness(&context, request, &answer);
  if (!status.ok()) return complain(status, options);
  std::map<Date, DayTally> days;
  DayTally sum;
  for (const v1::Completeness& row : answer.rows()) {
    if (!given.channel.empty() && row.channel() != given.channel) continue;
    if (options.json) {
      std::cout << to_json(row) << '\n';
      continue;
    }
    const int day = std::stoi(row.day().substr(8));
    for (DayTally* tally : {&days[month / day], &sum}) {
      tally->expected += row.expected();
      tally->missing += row.missing();
      tally->given_up += row.given_up();
      tally->waiting += row.waiting();
    }
  }
  if (options.json) return kDone;
  std::cout << last_part(request.name()) << "  " << given.month << '\n';
  print_calendar(std::cout, month, days, colour_wanted());
  std::cout << sum.expected << " expected, " << sum.expected - sum.missing << " received, " << sum.missing
            << " missing, " << sum.given_up << " of them given up\n";
  return kDone;
}

int completeness(const Options& options, const GapOptions& given) {
  v1::GetCompletenessRequest request;
  request.set_name(name_of(options, given));
  request.set_parent(parent_of(options, request.name()));
  request.set_day(given.day);
  request.set_days(given.days);
  request.set_feed(given.feed);
  request.set_family(given.family);
  request.set_feeder(given.feeder);
  if (given.by == "feeder") request.set_group_by(v1::GetCompletenessRequest::FEEDER);
  grpc::ClientContext context;
  set_deadline(context, options);
  v1::GetCompletenessResponse answer;
  const grpc::Status status =
      CollectionService::NewStub(connect(options))->GetCompleteness(&context, request, &answer);
  if (!status.ok()) return complain(status, options);
  const bool channels = !request.name().empty();
  Table table({"DAY",
               channels               ? "METER"
               : given.by == "feeder" ? "FEEDER"
                                      : "FEED",
               "CHANNEL", "CHANNELS", "WAITING", "EXPECTED", "RECEIVED", "MISSING", "GIVEN UP", "PERCENT"});
  for (const v1::Completeness& row : answer.rows()) {
    if (options.json) {
      std::cout << to_json(row) << '\n';
      continue;
    }
    // Rounded down: 100 is said of complete days only.
    const std::int64_t permille = row.expected() == 0 ? 0 : row.received() * 1000 / row.expected();
    table.row(
        {row.day(), channels ? last_part(row.meter()) : row.feed() + row.feeder(), row.channel(),
         std::to_string(row.channels()), std::to_string(row.waiting()), std::to_string(row.expected()),
         std::to_string(row.received()), std::to_string(row.missing()), std::to_string(row.given_up()),
         row.expected() == 0 ? "" : std::to_string(permille / 10) + "." + std::to_string(permille % 10)});
  }
  if (!options.json) table.print(std::cout);
  return kDone;
}

template <class Request, class Response, class Method>
int change(const Options& options, const GapOptions& given, Request request, Method method) {
  request.set_parent(parent(options));
  for (const std::int64_t id : given.ids) request.add_ids(id);
  grpc::ClientContext context;
  set_deadline(context, options);
  Response answer;
  const auto stub = CollectionService::NewStub(connect(options));
  const grpc::Status status = ((*stub).*method)(&context, request, &answer);
  if (!status.ok()) return complain(status, options);
  Table table = gap_table();
  for (const v1::Gap& gap : answer.gaps()) print(options, gap, table);
  if (!options.json) table.print(std::cout);
  return kDone;
}

int give_up(const Options& options, const GapOptions& given) {
  if (given.undo) {
    if (!given.reason.empty()) throw UsageError{"--undo takes no --reason"};
    return change<v1::UndoGiveUpRequest, v1::UndoGiveUpResponse>(options, given, {},
                                                                 &CollectionService::Stub::UndoGiveUp);
  }
  if (given.reason.empty()) throw UsageError{"why? give --reason TEXT"};
  v1::GiveUpRequest request;
  request.set_reason(given.reason);
  return change<v1::GiveUpRequest, v1::GiveUpResponse>(options, given, request,
                                                       &CollectionService::Stub::GiveUp);
}

}  // namespace

void add_gaps(CLI::App& app, const Options& options, Run& run) {
  auto given = std::make_shared<GapOptions>();
  CLI::App* gaps = app.add_subcommand("gaps", "values that should have come and have not");
  const auto narrow = [&](CLI::App* command) {
    auto* meter = command->add_option("--meter", given->meter, "of this meter only");
    command->add_option("--usage-point", given->usage_point, "of this usage point only")->excludes(meter);
    command->add_option("--feed", given->feed, "of this feed only");
    command->add_option("--family", given->family, "of feeds of this adapter family only, e.g. flexnet");
  };
  narrow(gaps);
  gaps->add_option("--state", given->states, "OPEN, REQUESTED (both when left out), CLOSED or GIVEN_UP; may be repeated");
  gaps->add_option("--from", given->from, "gaps that reach beyond this time, e.g. 2026-03-01");
  gaps->add_option("--to", given->to, "gaps that begin before this time");
  gaps->add_option("--limit", given->limit, "at most so many")->default_val(1000)->check(CLI::PositiveNumber);
  auto* draw = gaps->add_option("--calendar", given->calendar, "METER: draw a month of it instead");
  gaps->add_option("--month", given->month, "the month, e.g. 2026-03")->needs(draw);
  gaps->add_option("--channel", given->channel, "only this channel of the calendar")->needs(draw);
  gaps->require_subcommand(0, 1);
  gaps->callback([&options, &run, given, gaps] {
    if (!gaps->get_subcommands().empty()) return;
    run = [&options, given] {
      return given->calendar.empty() ? list(options, *given) : calendar(options, *given);
    };
  });

  CLI::App* whole = gaps->add_subcommand("completeness", "expected and received values of civil days");
  narrow(whole);
  whole->add_option("--day", given->day, "first day, e.g. 2026-03-08")->required();
  whole->add_option("--days", given->days, "so many from there")->default_val(1)->check(CLI::Range(1, 62));
  whole->add_option("--feeder", given->feeder, "of usage points on this feeder only");
  whole->add_option("--by", given->by, "one row a feed or feeder")->check(CLI::IsMember({"feed", "feeder"}));
  whole->callback(
      [&options, &run, given] { run = [&options, given] { return completeness(options, *given); }; });

  add_gaps_backfill(*gaps, options, run);

  CLI::App* stop = gaps->add_subcommand("give-up", "nobody waits for these any more");
  stop->add_option("ids", given->ids, "numbers of gaps")->required();
  stop->add_option("--reason", given->reason, "why; kept with your name");
  stop->add_flag("--undo", given->undo, "wait for them again");
  stop->callback([&options, &run, given] { run = [&options, given] { return give_up(options, *given); }; });
}

}  // namespace ami::amictl
