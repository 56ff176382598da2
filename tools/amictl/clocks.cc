// Meters whose clocks something speaks against.
#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>

#include <grpcpp/grpcpp.h>
#include "ami/v1/collection_service.grpc.pb.h"

#include "tools/amictl/connection.h"
#include "tools/amictl/options.h"
#include "tools/amictl/table.h"

namespace ami::amictl {
namespace {

struct ClockOptions {
  std::string meter, feed;
  std::vector<std::string> kinds;
  bool unsteady = false;
  int limit = 1000;
};

std::string offset_text(std::int64_t seconds) {
  return (seconds > 0 ? "+" : "") + std::to_string(seconds) + " s";
}

// What was seen of the offset: one number, or from the least to the most.
std::string offsets_text(const v1::ClockSign& sign) {
  if (sign.kind() == v1::ClockSign::CLOCK_EVENT) return {};
  if (sign.least_offset_s() == sign.most_offset_s()) return offset_text(sign.most_offset_s());
  return offset_text(sign.least_offset_s()) + " to " + offset_text(sign.most_offset_s());
}

int list(const Options& options, const ClockOptions& given) {
  v1::GetClockHealthRequest request;
  request.set_parent(parent(options));
  if (!given.meter.empty()) request.set_meter(meter_name(options, given.meter));
  request.set_feed(given.feed);
  request.set_unsteady(given.unsteady);
  for (const std::string& text : given.kinds) {
    v1::ClockSign::Kind kind{};
    if (!v1::ClockSign::Kind_Parse(text, &kind) || kind == v1::ClockSign::KIND_UNSPECIFIED)
      throw UsageError{"--kind is AHEAD, STEADY_OFFSET, OFF_GRID or CLOCK_EVENT"};
    request.add_kinds(kind);
  }
  const auto stub = v1::CollectionService::NewStub(connect(options));
  Table table({"METER", "FEED", "SIGN", "OFFSET", "LAST", "TIMES", "FIRST SEEN", "LAST SEEN", "TOLERANCE"});
  for (int left = given.limit; left > 0;) {
    request.set_page_size(std::min(left, 1000));
    grpc::ClientContext context;
    set_deadline(context, options);
    v1::GetClockHealthResponse answer;
    const grpc::Status status = stub->GetClockHealth(&context, request, &answer);
    if (!status.ok()) return complain(status, options);
    for (const v1::ClockSign& sign : answer.signs()) {
      if (options.json) {
        std::cout << to_json(sign) << '\n';
        continue;
      }
      const bool event = sign.kind() == v1::ClockSign::CLOCK_EVENT;
      table.row({last_part(sign.meter()), sign.feed(),
                 v1::ClockSign::Kind_Name(sign.kind()) + (sign.steady() ? "" : " (not steady)"),
                 offsets_text(sign), event ? "" : offset_text(sign.last_offset_s()),
                 std::to_string(sign.times()), to_text(sign.first_time()), to_text(sign.last_time()),
                 std::to_string(sign.tolerance_s()) + " s"});
    }
    left -= answer.signs_size();
    if (answer.next_page_token().empty()) break;
    request.set_page_token(answer.next_page_token());
  }
  if (!options.json) table.print(std::cout);
  return kDone;
}

}  // namespace

void add_clocks(CLI::App& app, const Options& options, Run& run) {
  auto given = std::make_shared<ClockOptions>();
  CLI::App* clocks = app.add_subcommand(
      "clocks", "meters whose clocks something speaks against; nothing is ever set because of it");
  clocks->add_option("meter", given->meter, "only this meter");
  clocks->add_option("--feed", given->feed, "only what this feed showed");
  clocks->add_option("--kind", given->kinds, "AHEAD, STEADY_OFFSET, OFF_GRID, CLOCK_EVENT");
  clocks->add_flag("--unsteady", given->unsteady,
                   "also answers that were off fewer than three times, or not by the same");
  clocks->add_option("--limit", given->limit, "at most so many")
      ->default_val(1000)
      ->check(CLI::PositiveNumber);
  clocks->callback([&options, &run, given] { run = [&options, given] { return list(options, *given); }; });
}

}  // namespace ami::amictl
