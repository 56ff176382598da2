#include <CLI/CLI.hpp>
#include <iostream>

#include <grpcpp/grpcpp.h>
#include "ami/v1/event_service.grpc.pb.h"

#include "tools/amictl/connection.h"
#include "tools/amictl/options.h"
#include "tools/amictl/table.h"

namespace ami::amictl {
namespace {

struct EventOptions {
  std::string meter, from, to;
  std::vector<std::string> kinds;
  bool duplicates = false;
  int limit = 1000;
};

// Of a head how often it was told again; where all are listed, whose fact an event tells.
std::string again_text(const v1::Event& event, bool all) {
  if (!event.duplicate_of().empty()) return "again: " + last_part(event.duplicate_of());
  if (event.duplicates() == 0) return {};
  return all ? last_part(event.name()) + ", and " + std::to_string(event.duplicates()) + " again"
             : std::to_string(event.duplicates());
}

int list_events(const Options& options, const EventOptions& given) {
  v1::ListEventsRequest request;
  request.set_parent(parent(options));
  if (!given.meter.empty()) request.set_meter(meter_name(options, given.meter));
  if (!given.from.empty()) parse_time(given.from, *request.mutable_start());
  if (!given.to.empty()) parse_time(given.to, *request.mutable_end());
  for (const std::string& kind : given.kinds) request.add_kinds(kind);
  request.set_duplicates(given.duplicates);
  const auto stub = v1::EventService::NewStub(connect(options));
  Table table(
      {"TIME", "METER", "KIND", "CODE", "VENDOR CODE", "TEXT", given.duplicates ? "FACT" : "TOLD AGAIN"});
  for (int left = given.limit; left > 0;) {
    request.set_page_size(std::min(left, 1000));
    grpc::ClientContext context;
    set_deadline(context, options);
    v1::ListEventsResponse answer;
    const grpc::Status status = stub->List(&context, request, &answer);
    if (!status.ok()) return complain(status, options);
    for (const v1::Event& event : answer.events()) {
      if (options.json) {
        std::cout << to_json(event) << '\n';
      } else {
        table.row({to_text(event.time()), last_part(event.meter()), event.kind(), event.code(),
                   event.vendor_code(), event.vendor_text(), again_text(event, given.duplicates)});
      }
    }
    left -= answer.events_size();
    if (answer.next_page_token().empty()) break;
    request.set_page_token(answer.next_page_token());
  }
  if (!options.json) table.print(std::cout);
  return kDone;
}

}  // namespace

void add_events(CLI::App& app, const Options& options, Run& run) {
  auto given = std::make_shared<EventOptions>();
  CLI::App* events = app.add_subcommand("events", "end-device events, oldest first");
  events->add_option("meter", given->meter, "only this meter");
  events->add_option("--from", given->from, "from this instant on (RFC 3339, or a date)");
  events->add_option("--to", given->to, "before this instant");
  events->add_option("--kind", given->kinds, "only these kinds, e.g. OUTAGE");
  events->add_flag("--duplicates", given->duplicates, "also those that tell again what another one told");
  events->add_option("--limit", given->limit, "at most so many")
      ->default_val(1000)
      ->check(CLI::PositiveNumber);
  events->callback(
      [&options, &run, given] { run = [&options, given] { return list_events(options, *given); }; });
}

}  // namespace ami::amictl
