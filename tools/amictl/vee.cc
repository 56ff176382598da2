#include <CLI/CLI.hpp>
#include <iostream>
#include <set>

#include <grpcpp/grpcpp.h>
#include "ami/v1/collection_service.grpc.pb.h"

#include "tools/amictl/connection.h"
#include "tools/amictl/options.h"
#include "tools/amictl/table.h"

namespace ami::amictl {
namespace {

using v1::CollectionService;

struct VeeOptions {
  std::string meter, check, from, to, purpose;
  std::vector<std::string> meters;
  bool gone = false;
  int limit = 1000;
};

int findings(const Options& options, const VeeOptions& given) {
  v1::ListFindingsRequest request;
  request.set_parent(parent(options));
  if (!given.meter.empty()) request.set_meter(meter_name(options, given.meter));
  request.set_check(given.check);
  request.set_first_day(given.from);
  request.set_last_day(given.to);
  request.set_gone_too(given.gone);
  request.set_purpose(given.purpose);
  const auto stub = CollectionService::NewStub(connect(options));
  Table table(
      {"ID", "DAY", "METER", "CHANNEL", "CHECK", "CODE", "ADVICE", "START", "END", "FOUND", "GONE", "WORDS"});
  std::set<std::string> suspects;  // a page repeats what the one before said
  for (int left = given.limit; left > 0;) {
    request.set_page_size(std::min(left, 1000));
    grpc::ClientContext context;
    set_deadline(context, options);
    v1::ListFindingsResponse answer;
    const grpc::Status status = stub->ListFindings(&context, request, &answer);
    if (!status.ok()) return complain(status, options);
    for (const v1::Finding& found : answer.findings()) {
      if (options.json) {
        std::cout << to_json(found) << '\n';
        continue;
      }
      table.row({std::to_string(found.id()), found.day(), last_part(found.meter()), found.channel(),
                 found.check(), found.quality_code(), found.advice(), to_text(found.start()),
                 to_text(found.end()), to_text(found.found_time()), to_text(found.gone_time()),
                 found.words().empty() ? found.title() : found.words()});
    }
    for (const v1::SuspectThreshold& suspect : answer.suspect_thresholds()) {
      suspects.insert("threshold suspect: " + suspect.check() + " on " + suspect.day() + " hit " +
                      std::to_string(suspect.meters_hit()) + " of " + std::to_string(suspect.meters()) +
                      " meters of profile " + suspect.profile());
    }
    left -= answer.findings_size();
    if (answer.next_page_token().empty()) break;
    request.set_page_token(answer.next_page_token());
  }
  if (!options.json) table.print(std::cout);
  // Beside the lines of findings, so that programs that read those are not put out.
  for (const std::string& line : suspects) (options.json ? std::cerr : std::cout) << line << '\n';
  return kDone;
}

int revalidate(const Options& options, const VeeOptions& given) {
  v1::RevalidateRequest request;
  request.set_parent(parent(options));
  for (const std::string& meter : given.meters) request.add_meters(meter_name(options, meter));
  request.set_first_day(given.from);
  request.set_last_day(given.to);
  grpc::ClientContext context;
  set_deadline(context, options);
  v1::RevalidateResponse answer;
  const grpc::Status status =
      CollectionService::NewStub(connect(options))->Revalidate(&context, request, &answer);
  if (!status.ok()) return complain(status, options);
  if (options.json) {
    std::cout << to_json(answer) << '\n';
  } else {
    std::cout << answer.queued() << " days of meters are judged again\n";
  }
  return kDone;
}

}  // namespace

void add_vee(CLI::App& app, const Options& options, Run& run) {
  auto given = std::make_shared<VeeOptions>();
  CLI::App* vee = app.add_subcommand("vee", "what validation found, and having it look again");
  vee->require_subcommand(1);

  CLI::App* list = vee->add_subcommand("findings", "what the checks found; see docs/vee.md");
  list->add_option("--meter", given->meter, "of this meter only");
  list->add_option("--check", given->check, "of this check only, e.g. V14");
  list->add_option("--from", given->from, "civil days from there on, e.g. 2026-03-08");
  list->add_option("--to", given->to, "to there, it included");
  list->add_flag("--gone", given->gone, "also those that do not hold any more");
  list->add_option("--purpose", given->purpose,
                   "with it each finding has its words, which hold values; it is logged");
  list->add_option("--limit", given->limit, "at most so many")->default_val(1000)->check(CLI::PositiveNumber);
  list->callback([&options, &run, given] { run = [&options, given] { return findings(options, *given); }; });

  CLI::App* again = vee->add_subcommand("revalidate", "judge days again, as after a change of thresholds");
  again->add_option("meters", given->meters, "these meters; left out: all of the utility");
  again->add_option("--from", given->from, "first civil day, e.g. 2026-03-08")->required();
  again->add_option("--to", given->to, "last one; left out: the first");
  again->callback(
      [&options, &run, given] { run = [&options, given] { return revalidate(options, *given); }; });
}

}  // namespace ami::amictl
