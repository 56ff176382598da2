#include <CLI/CLI.hpp>
#include <chrono>
#include <fstream>
#include <iostream>

#include <grpcpp/alarm.h>
#include <grpcpp/grpcpp.h>
#include "ami/v1/ingest_service.grpc.pb.h"

#include "tools/amictl/connection.h"
#include "tools/amictl/options.h"
#include "tools/amictl/table.h"

namespace ami::amictl {
namespace {

using v1::IngestService;
using v1::ReprocessRun;

struct Given {
  std::vector<std::string> sources, meters;
  std::string feed, from, to, received_from, received_to, cause;
  std::int64_t rate = 0;
  bool dry_run = false, no_wait = false;
  std::string run;
  int limit = 20;
  std::string source, purpose, out;
};

bool ended(const ReprocessRun& run) {
  return run.state() != ReprocessRun::CHECKING && run.state() != ReprocessRun::WRITING;
}

// What an operator has to look at is no success: a script must notice it.
int code_of(const ReprocessRun& run) {
  if (!ended(run)) return kDone;
  return run.state() == ReprocessRun::DONE && run.contents_unread() == 0 ? kDone : kRefused;
}

std::string part_of(std::int64_t part, std::int64_t whole) {
  return std::to_string(part) + " of " + std::to_string(whole);
}

void print_counts(const ReprocessRun& run) {
  const v1::ReprocessCounts& counts = run.counts();
  Table table({"", "CORRECTED", "ADDED", "RETRACTED", "OTHER QUALITY"});
  table.row({"intervals", std::to_string(counts.intervals_corrected()),
             std::to_string(counts.intervals_added()), std::to_string(counts.intervals_retracted()),
             std::to_string(counts.intervals_requalified())});
  table.row({"registers", std::to_string(counts.registers_corrected()),
             std::to_string(counts.registers_added()), std::to_string(counts.registers_retracted()),
             std::to_string(counts.registers_requalified())});
  table.print(std::cout);
}

void print(const ReprocessRun& run) {
  std::cout << "run " << last_part(run.name()) << (run.dry_run() ? " (dry run)" : "") << ": "
            << ReprocessRun::State_Name(run.state()) << ", by " << run.ordered_by() << ": " << run.cause()
            << '\n';
  if (!run.message().empty()) std::cout << run.message() << '\n';
  std::cout << "contents checked: " << part_of(run.contents_checked(), run.contents())
            << "; written: " << part_of(run.contents_written(), run.contents_to_write())
            << "; left out: " << run.contents_unread() << '\n';
  std::cout << "differences: " << run.meters() << " meters, " << run.channels() << " channels\n";
  print_counts(run);
  if (run.events() + run.quarantined() + run.settled() > 0) {
    std::cout << "events: " << run.events() << "; newly quarantined: " << run.quarantined()
              << "; out of quarantine: " << run.settled() << '\n';
  }
  if (run.deltas_size() > 0) {
    Table table({"UNIT", "BEFORE", "AFTER", "DIFFERENCE"});
    for (const v1::UnitDelta& delta : run.deltas())
      table.row({delta.unit(), delta.before(), delta.after(), delta.delta()});
    table.print(std::cout);
  }
  if (run.top_size() > 0) {
    Table table({"METER", "CHANNEL", "UNIT", "INTERVALS", "REGISTERS", "BEFORE", "AFTER", "DIFFERENCE",
                 "OF REGISTERS", "FIRST", "LAST"});
    for (const v1::ChannelDifference& channel : run.top()) {
      const v1::ReprocessCounts& counts = channel.counts();
      const auto intervals = counts.intervals_added() + counts.intervals_corrected() +
                             counts.intervals_retracted() + counts.intervals_requalified();
      const auto registers = counts.registers_added() + counts.registers_corrected() +
                             counts.registers_retracted() + counts.registers_requalified();
      table.row({last_part(channel.meter()), channel.channel(), channel.unit(), std::to_string(intervals),
                 std::to_string(registers), channel.before(), channel.after(), channel.delta(),
                 channel.register_delta(), to_text(channel.first()), to_text(channel.last())});
    }
    table.print(std::cout);
  }
  if (run.problems_size() > 0) {
    Table table({"LEFT OUT", "FEED", "SHA-256", "WHY"});
    for (const v1::ReprocessProblem& problem : run.problems())
      table.row({problem.file(), problem.feed(), problem.content_sha256().substr(0, 12), problem.problem()});
    table.print(std::cout);
  }
}

int show(const Options& options, const ReprocessRun& run) {
  if (options.json) {
    std::cout << to_json(run) << '\n';
  } else {
    print(run);
  }
  return code_of(run);
}

// Lets a second pass without holding a lock or a clock of our own.
void pause() {
  grpc::CompletionQueue queue;
  grpc::Alarm alarm;
  alarm.Set(&queue, std::chrono::system_clock::now() + std::chrono::seconds{1}, nullptr);
  void* tag = nullptr;
  bool rung = false;
  queue.Next(&tag, &rung);
}

// Follows the run to its end. It goes on without us, so an interrupted wait loses nothing.
int follow(const Options& options, IngestService::Stub& stub, ReprocessRun run) {
  std::string told;
  while (!ended(run)) {
    const bool checking = run.state() == ReprocessRun::CHECKING;
    const std::string progress =
        checking ? "checking " + part_of(run.contents_checked(), run.contents()) + " contents, " +
                       part_of(run.bytes_checked(), run.bytes()) + " bytes"
                 : "writing " + part_of(run.contents_written(), run.contents_to_write()) + " contents, " +
                       part_of(run.bytes_written(), run.bytes_to_write()) + " bytes";
    if (progress != told) std::cerr << "run " << last_part(run.name()) << ": " << progress << '\n';
    told = progress;
    pause();
    v1::GetReprocessRequest request;
    request.set_name(run.name());
    grpc::ClientContext context;
    set_deadline(context, options);
    const grpc::Status status = stub.GetReprocess(&context, request, &run);
    if (!status.ok()) {
      std::cerr << "the run goes on by itself: amictl reprocess show " << last_part(request.name()) << '\n';
      return complain(status, options);
    }
  }
  return show(options, run);
}

std::string run_name(const Options& options, const std::string& run) {
  return run.rfind("utilities/", 0) == 0 ? run : parent(options) + "/reprocesses/" + run;
}
std::string source_name(const Options& options, const std::string& source) {
  return source.rfind("utilities/", 0) == 0 ? source : parent(options) + "/sources/" + source;
}

int order(const Options& options, const Given& given) {
  if (given.sources.empty() && given.meters.empty() && given.feed.empty())
    throw UsageError{"what shall be read again? give --source, --adapter or --meters"};
  if (given.cause.empty()) throw UsageError{"why? give --cause: it is kept with every new version"};
  v1::ReprocessRequest request;
  request.set_parent(parent(options));
  for (const std::string& source : given.sources) request.add_sources(source_name(options, source));
  for (const std::string& meter : given.meters) request.add_meters(meter_name(options, meter));
  request.set_feed(given.feed);
  if (!given.from.empty()) parse_time(given.from, *request.mutable_start());
  if (!given.to.empty()) parse_time(given.to, *request.mutable_end());
  if (!given.received_from.empty()) parse_time(given.received_from, *request.mutable_received_start());
  if (!given.received_to.empty()) parse_time(given.received_to, *request.mutable_received_end());
  request.set_dry_run(given.dry_run);
  request.set_rate(given.rate);
  request.set_cause(given.cause);
  const auto stub = IngestService::NewStub(connect(options));
  grpc::ClientContext context;
  set_deadline(context, options);
  ReprocessRun run;
  const grpc::Status status = stub->Reprocess(&context, request, &run);
  if (!status.ok()) return complain(status, options);
  return given.no_wait ? show(options, run) : follow(options, *stub, std::move(run));
}

int list(const Options& options, const Given& given) {
  v1::ListReprocessRequest request;
  request.set_parent(parent(options));
  request.set_page_size(given.limit);
  grpc::ClientContext context;
  set_deadline(context, options);
  v1::ListReprocessResponse answer;
  const grpc::Status status =
      IngestService::NewStub(connect(options))->ListReprocess(&context, request, &answer);
  if (!status.ok()) return complain(status, options);
  Table table({"RUN", "STATE", "DRY RUN", "ORDERED", "BY", "CONTENTS", "CHECKED", "WRITTEN", "LEFT OUT",
               "METERS", "INTERVALS", "REGISTERS", "CAUSE"});
  for (const ReprocessRun& run : answer.runs()) {
    if (options.json) {
      std::cout << to_json(run) << '\n';
      continue;
    }
    const v1::ReprocessCounts& counts = run.counts();
    table.row({last_part(run.name()), ReprocessRun::State_Name(run.state()), run.dry_run() ? "yes" : "no",
               to_text(run.ordered_at()), run.ordered_by(), std::to_string(run.contents()),
               std::to_string(run.contents_checked()), std::to_string(run.contents_written()),
               std::to_string(run.contents_unread()), std::to_string(run.meters()),
               std::to_string(counts.intervals_added() + counts.intervals_corrected() +
                              counts.intervals_retracted()),
               std::to_string(counts.registers_added() + counts.registers_corrected() +
                              counts.registers_retracted()),
               run.cause()});
  }
  if (!options.json) table.print(std::cout);
  return kDone;
}

int show_run(const Options& options, const Given& given) {
  v1::GetReprocessRequest request;
  request.set_name(run_name(options, given.run));
  grpc::ClientContext context;
  set_deadline(context, options);
  const auto stub = IngestService::NewStub(connect(options));
  ReprocessRun run;
  const grpc::Status status = stub->GetReprocess(&context, request, &run);
  if (!status.ok()) return complain(status, options);
  return given.no_wait ? show(options, run) : follow(options, *stub, std::move(run));
}

int cancel(const Options& options, const Given& given) {
  v1::CancelReprocessRequest request;
  request.set_name(run_name(options, given.run));
  grpc::ClientContext context;
  set_deadline(context, options);
  ReprocessRun run;
  const grpc::Status status =
      IngestService::NewStub(connect(options))->CancelReprocess(&context, request, &run);
  if (!status.ok()) return complain(status, options);
  show(options, run);
  return run.state() == ReprocessRun::CANCELLED ? kDone : kRefused;
}

int raw(const Options& options, const Given& given) {
  v1::GetRawRequest request;
  request.set_name(source_name(options, given.source));
  request.set_purpose(given.purpose);
  std::ofstream file;
  if (!given.out.empty()) {
    file.open(given.out, std::ios::binary | std::ios::trunc);
    if (!file) throw UsageError{"cannot write " + given.out};
  }
  std::ostream& out = given.out.empty() ? std::cout : file;
  grpc::ClientContext context;
  set_deadline(context, options);
  const auto reader = IngestService::NewStub(connect(options))->GetRaw(&context, request);
  v1::GetRawResponse part;
  while (out && reader->Read(&part))
    out.write(part.data().data(), static_cast<std::streamsize>(part.data().size()));
  out.flush();
  if (!out) {
    context.TryCancel();
    static_cast<void>(reader->Finish());
    throw std::runtime_error("cannot write " + (given.out.empty() ? std::string("the output") : given.out));
  }
  const grpc::Status status = reader->Finish();
  return status.ok() ? kDone : complain(status, options);
}

}  // namespace

void add_reprocess(CLI::App& app, const Options& options, Run& run) {
  auto given = std::make_shared<Given>();
  CLI::App* command = app.add_subcommand(
      "reprocess",
      "read kept content again with today's mapping and meters: shows what differs, then writes it as new "
      "versions; nothing is deleted");
  command->add_option("--source", given->sources, "contents of these sources (amictl sources), comma between")
      ->delimiter(',');
  command->add_option("--adapter", given->feed, "contents of this feed");
  command->add_option("--meters", given->meters, "only values of these meters, comma between")
      ->delimiter(',');
  command->add_option("--from", given->from, "only values from this time on (date or RFC 3339)");
  command->add_option("--to", given->to, "only values before this time");
  command->add_option("--received-from", given->received_from,
                      "only contents that were received from this time on");
  command->add_option("--received-to", given->received_to,
                      "only contents that were received before this time");
  command->add_flag("--dry-run", given->dry_run, "only show what differs");
  command->add_option("--rate", given->rate, "at most so many values a second; -1 = as fast as possible")
      ->default_str("200000")
      ->check(CLI::Range(std::int64_t{-1}, std::int64_t{1'000'000'000}));
  command->add_option("--cause", given->cause, "why; kept with every new version");
  command->add_flag("--no-wait,!--wait", given->no_wait, "return at once; the run goes on by itself");
  command->require_subcommand(0, 1);
  command->footer("Exit code 1 when the run was refused, failed, or had to leave contents out.");
  command->callback([&options, &run, given, command] {
    if (command->get_subcommands().empty()) run = [&options, given] { return order(options, *given); };
  });

  CLI::App* listing = command->add_subcommand("list", "runs, newest first");
  listing->add_option("--limit", given->limit, "at most so many")
      ->default_val(20)
      ->check(CLI::Range(1, 1000));
  listing->callback([&options, &run, given] { run = [&options, given] { return list(options, *given); }; });
  CLI::App* showing = command->add_subcommand("show", "one run, followed to its end, with its diff");
  CLI::App* cancelling = command->add_subcommand("cancel", "end a run; what was written stays written");
  for (CLI::App* sub : {showing, cancelling}) sub->add_option("run", given->run, "its number")->required();
  showing->callback(
      [&options, &run, given] { run = [&options, given] { return show_run(options, *given); }; });
  cancelling->callback(
      [&options, &run, given] { run = [&options, given] { return cancel(options, *given); }; });

  CLI::App* content = app.add_subcommand("raw", "the kept content of a source, as it arrived");
  content->add_option("source", given->source, "its number (amictl sources)")->required();
  content->add_option("--purpose", given->purpose, "why it is read; logged")->required();
  content->add_option("--out", given->out, "file to write; left out: standard output");
  content->callback([&options, &run, given] { run = [&options, given] { return raw(options, *given); }; });
}

}  // namespace ami::amictl
