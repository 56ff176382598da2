// `amictl demo-check LEDGER`: the ledger is sorted by meter into parts on the disk, what the gateway counts and lists
// of all meters, too; then one part after the other is compared with what is stored of its meters.
#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>

#include <google/protobuf/timestamp.pb.h>

#include "tools/amictl/connection.h"
#include "tools/amictl/demo_check_asker.h"
#include "tools/amictl/options.h"
#include "tools/amictl/table.h"

namespace ami::amictl {
namespace {

struct CheckOptions {
  std::string ledger, until, scratch;
  int show = 20;
};

struct Compared {
  Totals totals;
  std::vector<Finding> findings;
};

std::optional<UtcInstant> until_of(const CheckOptions& given) {
  if (given.until.empty()) return std::nullopt;
  google::protobuf::Timestamp at;
  parse_time(given.until, at);
  return UtcInstant{std::chrono::seconds{at.seconds()} + std::chrono::microseconds{at.nanos() / 1000}};
}

std::filesystem::path scratch_folder(const CheckOptions& given) {
  const std::filesystem::path folder =
      given.scratch.empty() ? std::filesystem::temp_directory_path() : std::filesystem::path(given.scratch);
  if (!std::filesystem::is_directory(folder)) throw UsageError{"no folder " + folder.string()};
  return folder;
}

// A pipe tells no length: as many parts as there may be.
Shelves shelves_for(const CheckOptions& given) {
  std::error_code unknown;
  const std::uintmax_t bytes = std::filesystem::file_size(given.ledger, unknown);
  return {scratch_folder(given), unknown ? Shelves::kMostParts : Shelves::parts_for(bytes)};
}

LedgerSummary read_ledger(const CheckOptions& given, std::optional<UtcInstant> until, LedgerSink& sink,
                          Progress& progress) {
  std::ifstream file(given.ledger, std::ios::binary);
  if (!file) throw UsageError{"cannot read " + given.ledger};
  LedgerReader reader(sink, until);
  std::string line;
  for (std::size_t lines = 0; std::getline(file, line); progress.at("lines of the ledger:", ++lines)) {
    if (file.eof()) break;  // without a line end: cut off by a kill
    if (const auto read = reader.line(line); !read) throw UsageError{given.ledger + ": " + read.error().message};
  }
  auto summary = reader.finish();
  if (!summary) throw UsageError{given.ledger + ": " + summary.error().message};
  return *summary;
}

grpc::Status compare(Asker& asker, Shelves& shelves, std::size_t keep, Progress& progress, Compared& into) {
  for (std::size_t i = 0; i < shelves.parts(); ++i) {
    Part part = shelves.take(i);
    Comparison comparison(part.truth, keep - into.findings.size());
    if (auto status = asker.values(part, comparison); !status.ok()) return status;
    for (const StoredCount& count : part.counts) comparison.count(count);
    for (const StoredTarget& target : part.targets) comparison.target(target);
    comparison.others(part.other_meters);
    comparison.finish(true);
    into.totals.add(comparison.totals());
    into.findings.insert(into.findings.end(), comparison.findings().begin(), comparison.findings().end());
    progress.at("parts compared:", i + 1, shelves.parts());
  }
  return grpc::Status::OK;
}

std::vector<std::pair<std::string, std::uint64_t>> rows_of(const LedgerSummary& ledger, const Totals& totals) {
  std::vector<std::pair<std::string, std::uint64_t>> rows{
      {"lines in the ledger", ledger.lines},
      {"meters in the ledger", totals.meters},
      {"values to be there", totals.slots_sent},
      {"values that may be there", totals.slots_unsure},
      {"values lost, and gaps", totals.gaps},
      {"intervals in the store", totals.intervals},
      {"registers in the store", totals.registers},
      {"events to be there", totals.events_sent},
      {"events that may be there", totals.events_unsure},
      {"events in the store", totals.events},
      {"commands carried out", totals.commands_executed},
      {"commands refused by meters", totals.commands_refused},
      {"targets that succeeded", totals.targets_succeeded},
      {"targets that ended", totals.targets_ended},
      {"channel-days counted", totals.channel_days},
      {"other meters, not compared", totals.other_meters}};
  for (std::size_t i = 0; i < kDifferences; ++i)
    rows.emplace_back("different: " + std::string(name_of(static_cast<Difference>(i))), totals.different.at(i));
  return rows;
}

void print(const Options& options, const LedgerSummary& ledger, const Compared& compared) {
  const auto rows = rows_of(ledger, compared.totals);
  if (options.json) {
    for (const auto& [what, count] : rows)
      std::cout << "{\"what\":\"" << what << "\",\"count\":" << count << "}\n";
    for (const Finding& one : compared.findings) {
      std::cout << boost::json::object{{"difference", name_of(one.difference)},
                                       {"meter", one.meter},
                                       {"words", one.words}}
                << '\n';
    }
    return;
  }
  Table table({"WHAT", "COUNT"});
  for (const auto& [what, count] : rows) table.row({what, std::to_string(count)});
  table.print(std::cout);
  if (compared.findings.empty()) return;
  std::cout << "\nThe first differences:\n";
  Table found({"DIFFERENCE", "METER", "WHAT"});
  for (const Finding& one : compared.findings)
    found.row({std::string(name_of(one.difference)), one.meter, one.words});
  found.print(std::cout);
}

int demo_check(const Options& options, const CheckOptions& given) {
  const std::optional<UtcInstant> until = until_of(given);
  Progress progress;
  Shelves shelves = shelves_for(given);
  const LedgerSummary ledger = read_ledger(given, until, shelves, progress);
  Asker asker(options, ledger, progress);
  if (const grpc::Status status = asker.all(shelves); !status.ok()) return complain(status, options);
  Compared compared;
  if (const grpc::Status status =
          compare(asker, shelves, static_cast<std::size_t>(given.show), progress, compared);
      !status.ok())
    return complain(status, options);
  print(options, ledger, compared);
  const bool equal = compared.totals.equal();
  if (!options.json) std::cout << (equal ? "\nThe store is what was sent.\n" : "\nThe store is not what was sent.\n");
  return equal ? kDone : kRefused;
}

}  // namespace

void add_demo_check(CLI::App& app, const Options& options, Run& run) {
  auto given = std::make_shared<CheckOptions>();
  CLI::App* check = app.add_subcommand(
      "demo-check", "compare a simulated field's ledger with the store: exit 0 equal, 1 different");
  check->add_option("ledger", given->ledger, "the ledger that fieldsim wrote")->required();
  check->add_option("--until", given->until,
                    "what was sent after this simulated instant may be there or not (RFC 3339, or a date)");
  check->add_option("--scratch", given->scratch,
                    "folder for the ledger sorted by meter, a tenth to a fifth of its size; TMPDIR unless given");
  check->add_option("--show", given->show, "so many differences at most")
      ->default_val(20)
      ->check(CLI::Range(0, 100000));
  check->callback(
      [&options, &run, given] { run = [&options, given] { return demo_check(options, *given); }; });
}

}  // namespace ami::amictl
