#include <CLI/CLI.hpp>
#include <iostream>

#include "ami/v1/ingest_service.grpc.pb.h"
#include "tools/amictl/connection.h"
#include "tools/amictl/options.h"
#include "tools/amictl/table.h"

namespace ami::amictl {
namespace {

using v1::IngestService;

int adapters(const Options& options) {
  grpc::ClientContext context;
  set_deadline(context, options);
  v1::AdapterStatusResponse answer;
  const grpc::Status status = IngestService::NewStub(connect(options))->AdapterStatus(&context, {}, &answer);
  if (!status.ok()) return complain(status, options);
  Table table({"FEED", "UTILITY", "FAMILY", "SPEAKS", "STATE", "RECORDS", "MALFORMED", "FILES WAIT",
               "LAST SUCCESS", "REASON"});
  for (const v1::Adapter& adapter : answer.adapters()) {
    if (options.json) {
      std::cout << to_json(adapter) << '\n';
      continue;
    }
    table.row({adapter.feed(), last_part(adapter.utility()), adapter.family(), adapter.interface(),
               v1::Adapter::State_Name(adapter.state()), std::to_string(adapter.records()),
               std::to_string(adapter.malformed()), std::to_string(adapter.pending_files()),
               to_text(adapter.last_success()), adapter.reason()});
  }
  if (!options.json) table.print(std::cout);
  return kDone;
}

struct SourceOptions {
  std::string feed;
  int limit = 100;
};

int sources(const Options& options, const SourceOptions& given) {
  const auto stub = IngestService::NewStub(connect(options));
  v1::ListSourcesRequest request;
  request.set_parent(parent(options));
  request.set_feed(given.feed);
  request.set_page_size(std::min(given.limit, 1000));
  grpc::ClientContext context;
  set_deadline(context, options);
  v1::ListSourcesResponse answer;
  const grpc::Status status = stub->ListSources(&context, request, &answer);
  if (!status.ok()) return complain(status, options);
  Table table({"SOURCE", "FEED", "FILE", "RECEIVED", "OFFSET", "LENGTH", "MAPPING", "SHA-256"});
  for (const v1::Source& source : answer.sources()) {
    if (options.json) {
      std::cout << to_json(source) << '\n';
      continue;
    }
    table.row({last_part(source.name()), source.feed(), source.file(), to_text(source.received_at()),
               std::to_string(source.offset()), std::to_string(source.length()),
               std::to_string(source.mapping_version()), source.content_sha256().substr(0, 12)});
  }
  if (!options.json) table.print(std::cout);
  return kDone;
}

struct QuarantineOptions {
  std::string feed;
  std::vector<std::string> reasons;
  std::vector<std::int64_t> ids;
  bool all = false, settled = false;
  int limit = 100;
};

int list_quarantine(const Options& options, const QuarantineOptions& given) {
  const auto stub = IngestService::NewStub(connect(options));
  v1::ListQuarantineRequest request;
  request.set_parent(parent(options));
  request.set_feed(given.feed);
  request.set_include_settled(given.settled);
  for (const std::string& reason : given.reasons) request.add_reasons(reason);
  Table table({"ID", "FEED", "REASON", "METER", "SINCE", "SETTLED", "DETAIL"});
  for (int left = given.limit; left > 0;) {
    request.set_page_size(std::min(left, 1000));
    grpc::ClientContext context;
    set_deadline(context, options);
    v1::ListQuarantineResponse answer;
    const grpc::Status status = stub->ListQuarantine(&context, request, &answer);
    if (!status.ok()) return complain(status, options);
    for (const v1::QuarantineItem& item : answer.items()) {
      if (options.json) {
        std::cout << to_json(item) << '\n';
      } else {
        table.row({std::to_string(item.id()), item.feed(), item.reason(), item.meter(),
                   to_text(item.quarantined_at()), to_text(item.settled_at()), item.detail()});
      }
    }
    left -= answer.items_size();
    if (answer.next_page_token().empty()) break;
    request.set_page_token(answer.next_page_token());
  }
  if (!options.json) table.print(std::cout);
  return kDone;
}

int replay(const Options& options, const QuarantineOptions& given) {
  if (given.ids.empty() && given.feed.empty() && given.reasons.empty() && !given.all) {
    throw UsageError{"what shall be replayed? give ids, --feed, --reason or --all"};
  }
  v1::ReplayRequest request;
  request.set_parent(parent(options));
  request.set_feed(given.feed);
  for (const std::string& reason : given.reasons) request.add_reasons(reason);
  for (const std::int64_t id : given.ids) request.add_ids(id);
  grpc::ClientContext context;
  set_deadline(context, options);
  v1::ReplayResponse answer;
  const grpc::Status status = IngestService::NewStub(connect(options))->Replay(&context, request, &answer);
  if (!status.ok()) return complain(status, options);
  if (options.json) {
    std::cout << to_json(answer) << '\n';
  } else {
    std::cout << answer.replayed() << " read again, " << answer.settled() << " stored, "
              << answer.still_quarantined() << " still in quarantine\n";
  }
  return kDone;
}

}  // namespace

void add_ingest(CLI::App& app, const Options& options, Run& run) {
  app.add_subcommand("adapters", "each feed and how it fares")->callback([&options, &run] {
    run = [&options] { return adapters(options); };
  });

  auto source = std::make_shared<SourceOptions>();
  CLI::App* list_sources =
      app.add_subcommand("sources", "files and messages that readings came from, newest first");
  list_sources->add_option("--feed", source->feed, "only this feed");
  list_sources->add_option("--limit", source->limit, "at most so many")
      ->default_val(100)
      ->check(CLI::Range(1, 1000));
  list_sources->callback(
      [&options, &run, source] { run = [&options, source] { return sources(options, *source); }; });

  CLI::App* quarantine = app.add_subcommand("quarantine", "what could not be stored as a reading, and why");
  quarantine->require_subcommand(1);
  auto given = std::make_shared<QuarantineOptions>();
  CLI::App* list = quarantine->add_subcommand("list", "newest first");
  CLI::App* again =
      quarantine->add_subcommand("replay", "read them again with today's configuration and meters");
  for (CLI::App* command : {list, again}) {
    command->add_option("--feed", given->feed, "only this feed");
    command->add_option("--reason", given->reasons, "only these reasons, e.g. unknown_meter");
  }
  list->add_flag("--settled", given->settled, "also those that a replay has stored since");
  list->add_option("--limit", given->limit, "at most so many")->default_val(100)->check(CLI::PositiveNumber);
  again->add_option("ids", given->ids, "these");
  again->add_flag("--all", given->all, "every open one of the utility");
  list->callback(
      [&options, &run, given] { run = [&options, given] { return list_quarantine(options, *given); }; });
  again->callback([&options, &run, given] { run = [&options, given] { return replay(options, *given); }; });
}

}  // namespace ami::amictl
