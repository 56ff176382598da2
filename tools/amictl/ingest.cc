#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <iterator>
#include <string_view>

#include <grpcpp/grpcpp.h>
#include "ami/v1/ingest_service.grpc.pb.h"

#include "tools/amictl/connection.h"
#include "tools/amictl/options.h"
#include "tools/amictl/table.h"

namespace ami::amictl {
namespace {

using v1::IngestService;

// Of feeds that have something to say beside the table: what they can be asked, and facts of their own.
void print_facts(const v1::Adapter& adapter) {
  constexpr std::string_view kAsked[] = {"read_on_demand", "ping",         "demand_reset", "backfill",
                                         "switch_state",   "switch_open",  "switch_close", "switch_arm"};
  std::string asked;
  for (const std::string& word : adapter.capabilities()) {
    if (std::ranges::find(kAsked, word) != std::end(kAsked)) asked += (asked.empty() ? "" : ", ") + word;
  }
  if (asked.empty() && adapter.facts().empty()) return;
  std::cout << '\n' << harmless(adapter.feed()) << ": " << harmless(adapter.interface()) << '\n';
  if (!asked.empty()) std::cout << "  can be asked: " << asked << '\n';
  for (const v1::AdapterFact& fact : adapter.facts())
    std::cout << "  " << harmless(fact.name()) << ": " << harmless(fact.value()) << '\n';
}

int adapters(const Options& options) {
  grpc::ClientContext context;
  set_deadline(context, options);
  v1::AdapterStatusResponse answer;
  const grpc::Status status = IngestService::NewStub(connect(options))->AdapterStatus(&context, {}, &answer);
  if (!status.ok()) return complain(status, options);
  Table table({"FEED", "FAMILY", "STATE", "FILES", "REGISTERS", "INTERVALS", "EVENTS", "QUARANTINE",
               "WAITING", "LAST RECEIVED", "REASON"});
  for (const v1::Adapter& adapter : answer.adapters()) {
    if (options.json) {
      std::cout << to_json(adapter) << '\n';
      continue;
    }
    const auto stored = [&](std::uint64_t count) {
      return adapter.counts_known() ? std::to_string(count) : "?";
    };
    table.row({adapter.feed(), adapter.family(), v1::Adapter::State_Name(adapter.state()),
               stored(adapter.stored_sources()), stored(adapter.stored_registers()),
               stored(adapter.stored_interval_values()), stored(adapter.stored_events()),
               stored(adapter.quarantine_open()), std::to_string(adapter.pending_files()),
               to_text(adapter.last_received()), adapter.reason()});
  }
  if (options.json) return kDone;
  table.print(std::cout);
  for (const v1::Adapter& adapter : answer.adapters()) print_facts(adapter);
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
  Table table({"SOURCE", "FEED", "FILE", "RECEIVED", "OFFSET", "LENGTH", "MAPPING", "SHA-256", "STORED", "RAW",
               "CAUSE"});
  for (const v1::Source& source : answer.sources()) {
    if (options.json) {
      std::cout << to_json(source) << '\n';
      continue;
    }
    table.row({last_part(source.name()), source.feed(), source.file(), to_text(source.received_at()),
               std::to_string(source.offset()), std::to_string(source.length()),
               std::to_string(source.mapping_version()), source.content_sha256().substr(0, 12),
               to_text(source.stored_at()), source.raw_kept() ? "kept" : "", source.cause()});
  }
  if (!options.json) table.print(std::cout);
  return kDone;
}

struct QuarantineOptions {
  std::string feed, reason, state = "OPEN", purpose;
  std::vector<std::int64_t> ids;
  bool all = false, raw = false;
  int limit = 100;
};

int list_quarantine(const Options& options, const QuarantineOptions& given) {
  const auto stub = IngestService::NewStub(connect(options));
  v1::ListQuarantineRequest request;
  request.set_parent(parent(options));
  request.set_feed(given.feed);
  request.set_reason(given.reason);
  v1::QuarantineItem::State state{};
  if (!v1::QuarantineItem::State_Parse(given.state, &state))
    throw UsageError{"--state is OPEN, REPLAYED or REJECTED"};
  request.set_state(state);
  request.set_include_raw(given.raw);
  request.set_purpose(given.purpose);
  Table table({"ID", "FEED", "REASON", "METER", "SEEN", "FIRST SEEN", "FILE", "OFFSET", "DETAIL"});
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
                   std::to_string(item.times_seen()), to_text(item.first_seen()), item.file(),
                   std::to_string(item.offset()), item.detail()});
        if (given.raw) table.row({"", "", "raw", "", "", "", "", "", item.raw()});
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
  if (given.ids.empty() && given.feed.empty() && given.reason.empty() && !given.all) {
    throw UsageError{"what shall be replayed? give ids, --feed, --reason or --all"};
  }
  v1::ReplayRequest request;
  request.set_parent(parent(options));
  request.set_feed(given.feed);
  request.set_reason(given.reason);
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
    command->add_option("--reason", given->reason, "only this reason, e.g. unknown_meter");
  }
  list->add_option("--state", given->state, "OPEN, REPLAYED or REJECTED")->default_val("OPEN");
  auto* raw =
      list->add_flag("--raw", given->raw, "with the record's own text; needs --purpose, which is logged");
  list->add_option("--purpose", given->purpose, "why the text is read")->needs(raw);
  list->add_option("--limit", given->limit, "at most so many")->default_val(100)->check(CLI::PositiveNumber);
  again->add_option("ids", given->ids, "these");
  again->add_flag("--all", given->all, "every open one of the utility");
  list->callback(
      [&options, &run, given] { run = [&options, given] { return list_quarantine(options, *given); }; });
  again->callback([&options, &run, given] { run = [&options, given] { return replay(options, *given); }; });
}

}  // namespace ami::amictl
