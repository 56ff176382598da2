#include <unistd.h>
#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <set>

#include <grpcpp/grpcpp.h>
#include "ami/v1/asset_service.grpc.pb.h"

#include "tools/amictl/connection.h"
#include "tools/amictl/csv.h"
#include "tools/amictl/options.h"
#include "tools/amictl/table.h"

namespace ami::amictl {
namespace {

using v1::AssetService;

struct ImportOptions {
  std::string file, at;
  bool planned = false, dry_run = false;
};

// CSV column -> where it goes in a row.
using SetText = void (*)(v1::ImportRow&, const std::string&);
const std::map<std::string, SetText> kTextColumns = {
    {"meter", [](v1::ImportRow& row, const std::string& text) { row.set_meter(text); }},
    {"badge", [](v1::ImportRow& row, const std::string& text) { row.set_badge(text); }},
    {"manufacturer_serial",
     [](v1::ImportRow& row, const std::string& text) { row.set_manufacturer_serial(text); }},
    {"module", [](v1::ImportRow& row, const std::string& text) { row.set_module(text); }},
    {"vendor_control", [](v1::ImportRow& row, const std::string& text) { row.set_vendor_control(text); }},
    {"mac", [](v1::ImportRow& row, const std::string& text) { row.set_mac(text); }},
    {"cis", [](v1::ImportRow& row, const std::string& text) { row.set_cis(text); }},
    {"alias_feed", [](v1::ImportRow& row, const std::string& text) { row.set_alias_feed(text); }},
    {"model", [](v1::ImportRow& row, const std::string& text) { row.set_model(text); }},
    {"form", [](v1::ImportRow& row, const std::string& text) { row.set_form(text); }},
    {"elements", [](v1::ImportRow& row, const std::string& text) { row.set_elements(text); }},
    {"class", [](v1::ImportRow& row, const std::string& text) { row.set_meter_class(text); }},
    {"firmware", [](v1::ImportRow& row, const std::string& text) { row.set_firmware(text); }},
    {"module_type", [](v1::ImportRow& row, const std::string& text) { row.set_module_type(text); }},
    {"board", [](v1::ImportRow& row, const std::string& text) { row.set_board(text); }},
    {"han", [](v1::ImportRow& row, const std::string& text) { row.set_han(text); }},
    {"usage_point", [](v1::ImportRow& row, const std::string& text) { row.set_usage_point(text); }},
    {"zone", [](v1::ImportRow& row, const std::string& text) { row.set_time_zone(text); }},
    {"commodity", [](v1::ImportRow& row, const std::string& text) { row.set_commodity(text); }},
    {"feeder", [](v1::ImportRow& row, const std::string& text) { row.set_feeder(text); }},
    {"transformer", [](v1::ImportRow& row, const std::string& text) { row.set_transformer(text); }},
    {"substation", [](v1::ImportRow& row, const std::string& text) { row.set_substation(text); }},
    {"collector", [](v1::ImportRow& row, const std::string& text) { row.set_collector(text); }},
    {"multiplier", [](v1::ImportRow& row, const std::string& text) { row.set_multiplier(text); }}};
const std::set<std::string> kOtherColumns = {"wires", "valid_from"};

constexpr const char* kCsvHelp =
    "CSV with a header line. UTF-8. Columns, in any order: meter (key, required), badge (default: the key), "
    "manufacturer_serial, module (its serial), vendor_control, mac, cis, alias_feed, model, form, elements, "
    "wires, class, firmware, module_type (SSN, ...), board (EMTR-3-FX), han (ZIGBEE, NONE), "
    "usage_point (key; made when not known), zone (IANA), commodity (default electricity), feeder, "
    "transformer, substation, collector (network equipment that reaches it), multiplier, "
    "valid_from. Everything is stored, or nothing is.";

struct RowProblem {
  std::size_t line = 0;
  std::string field, message;
};

// One CSV row as a message. Empty cells are left out: they mean "not said". Throws RowProblem,
// UsageError (valid_from), std::logic_error (wires).
v1::ImportRow row_of(const std::vector<std::string>& heads, const std::vector<std::string>& cells,
                     const ImportOptions& given) {
  v1::ImportRow row;
  row.set_commodity("electricity");
  std::string valid_from = given.at;
  for (std::size_t i = 0; i < heads.size(); ++i) {
    if (cells[i].empty()) continue;
    if (!is_utf8(cells[i])) throw RowProblem{0, heads[i], "not UTF-8 text"};
    if (const auto column = kTextColumns.find(heads[i]); column != kTextColumns.end()) {
      column->second(row, cells[i]);
    } else if (heads[i] == "valid_from") {
      valid_from = cells[i];
    } else {
      std::size_t used = 0;
      row.set_wires(std::stoi(cells[i], &used));
      if (used != cells[i].size()) throw std::invalid_argument("wires");
    }
  }
  if (std::find(heads.begin(), heads.end(), "badge") == heads.end()) row.set_badge(row.meter());
  parse_time(valid_from, *row.mutable_valid_from());
  return row;
}

// A bar on a terminal, a line at the end elsewhere.
class Progress {
 public:
  explicit Progress(std::size_t total_bytes) : total_(total_bytes), terminal_(isatty(STDERR_FILENO) != 0) {}
  void at(std::size_t bytes, std::size_t rows) {
    const std::size_t percent = total_ == 0 ? 100 : std::min<std::size_t>(100, bytes * 100 / total_);
    if (!terminal_ || percent == shown_) return;
    shown_ = percent;
    std::cerr << "\r[" << std::string(percent / 4, '#') << std::string(25 - percent / 4, '.') << "] "
              << percent << " %  " << rows << " rows" << std::flush;
  }
  void end() {
    if (terminal_) std::cerr << '\n';
  }

 private:
  std::size_t total_, shown_ = 101;
  bool terminal_;
};

// Reads the whole file first: a row that cannot be read stops the import before anything is sent.
std::vector<v1::ImportRow> read_rows(std::istream& in, const ImportOptions& given,
                                     std::vector<std::size_t>& lines, std::vector<RowProblem>& problems) {
  std::vector<v1::ImportRow> rows;
  CsvReader csv(in);
  const auto head = csv.next();
  if (!head) throw UsageError{given.file + ":" + std::to_string(csv.line()) + ": " + head.error().message};
  const std::vector<std::string>& heads = head.value();
  if (heads.empty()) throw UsageError{given.file + ": the file is empty; " + kCsvHelp};
  std::set<std::string> seen;
  for (const std::string& column : heads) {
    if (!kTextColumns.count(column) && !kOtherColumns.count(column)) {
      throw UsageError{given.file + ": unknown column \"" + column + "\"; " + kCsvHelp};
    }
    if (!seen.insert(column).second)
      throw UsageError{given.file + ": column \"" + column + "\" stands twice"};
  }
  if (!seen.count("meter")) throw UsageError{given.file + ": no column \"meter\"; " + kCsvHelp};
  for (;;) {
    const auto cells = csv.next();
    if (!cells) {
      problems.push_back({csv.line(), "", cells.error().message});
      return rows;  // past a broken quote nothing can be told apart
    }
    if (cells->empty()) return rows;
    if (cells->size() != heads.size()) {
      problems.push_back(
          {csv.line(), "",
           std::to_string(cells->size()) + " fields, the header has " + std::to_string(heads.size())});
      continue;
    }
    try {
      rows.push_back(row_of(heads, cells.value(), given));
      lines.push_back(csv.line());
    } catch (const RowProblem& problem) {
      problems.push_back({csv.line(), problem.field, problem.message});
    } catch (const UsageError& error) {
      problems.push_back({csv.line(), "valid_from", error.message});
    } catch (const std::logic_error&) {  // std::stoi
      problems.push_back({csv.line(), "wires", "not a number"});
    }
  }
}

int report(const Options& options, const ImportOptions& given, const v1::ImportMetersResponse& answer,
           const std::vector<std::size_t>& lines) {
  for (const auto& error : answer.errors()) {
    const std::size_t line = error.row() >= 1 && error.row() <= lines.size() ? lines[error.row() - 1] : 0;
    std::cerr << given.file << ":" << line << ": " << (error.field().empty() ? "" : error.field() + ": ")
              << error.message() << "\n";
  }
  if (options.json) {
    std::cout << to_json(answer) << '\n';
  } else if (answer.error_count() > 0) {
    std::cout << "nothing stored: " << answer.error_count() << " of " << answer.rows()
              << " rows are in error\n";
  } else {
    std::cout << (answer.stored() ? "stored: " : "dry run, nothing stored: ") << answer.created()
              << " new meters, " << answer.installed() << " installed, " << answer.unchanged()
              << " rows known already\n";
    if (answer.nonconforming() > 0)
      std::cout << answer.nonconforming() << " are NONCONFORMING: see amictl meters nonconforming\n";
  }
  return answer.error_count() > 0 ? kRefused : kDone;
}

int import_meters(const Options& options, const ImportOptions& given) {
  google::protobuf::Timestamp since;
  parse_time(given.at, since);  // a bad --at is not the fault of any row
  std::ifstream in(given.file, std::ios::binary);
  if (!in || std::filesystem::is_directory(given.file)) throw UsageError{"cannot read " + given.file};
  const std::string parent_name = parent(options);
  std::vector<std::size_t> lines;
  std::vector<RowProblem> problems;
  const std::vector<v1::ImportRow> rows = read_rows(in, given, lines, problems);
  if (!problems.empty()) {
    for (const RowProblem& problem : problems) {
      std::cerr << given.file << ":" << problem.line << ": "
                << (problem.field.empty() ? "" : problem.field + ": ") << problem.message << '\n';
    }
    std::cerr << "nothing stored: " << problems.size() << " rows could not be read\n";
    return kRefused;
  }

  const auto stub = AssetService::NewStub(connect(options));
  grpc::ClientContext context;
  v1::ImportMetersResponse answer;
  const auto stream = stub->ImportMeters(&context, &answer);
  v1::ImportMetersRequest message;
  message.mutable_options()->set_parent(parent_name);
  message.mutable_options()->set_mode(given.planned ? v1::ImportOptions::PLANNED
                                                    : v1::ImportOptions::INSTALLED);
  message.mutable_options()->set_dry_run(given.dry_run);
  message.mutable_options()->set_row_count(rows.size());
  bool open = stream->Write(message);
  Progress progress(rows.size());
  for (std::size_t i = 0; open && i < rows.size();) {
    message.mutable_rows()->Clear();
    for (const std::size_t stop = std::min(rows.size(), i + 1000); i < stop; ++i)
      *message.mutable_rows()->add_rows() = rows[i];
    open = stream->Write(message);
    progress.at(i, i);
  }
  stream->WritesDone();
  const grpc::Status status = stream->Finish();
  progress.end();
  return status.ok() ? report(options, given, answer, lines) : complain(status, options);
}

int list_meters(const Options& options) {
  const auto stub = AssetService::NewStub(connect(options));
  Table table({"METER", "MODEL", "FORM", "CLASS", "MODULE", "ALIASES"});
  v1::ListMetersRequest request;
  request.set_parent(parent(options));
  request.set_page_size(1000);
  do {
    grpc::ClientContext context;
    set_deadline(context, options);
    v1::ListMetersResponse answer;
    const grpc::Status status = stub->ListMeters(&context, request, &answer);
    if (!status.ok()) return complain(status, options);
    for (const v1::Meter& meter : answer.meters()) {
      if (options.json) {
        std::cout << to_json(meter) << '\n';
        continue;
      }
      std::string aliases;
      for (const v1::Alias& alias : meter.aliases()) {
        aliases += (aliases.empty() ? "" : " ") + v1::AliasKind_Name(alias.kind()) + "=" + alias.value();
      }
      table.row({last_part(meter.name()), meter.model(), meter.form(), meter.meter_class(),
                 meter.module_type(), aliases});
    }
    request.set_page_token(answer.next_page_token());
  } while (!request.page_token().empty());
  if (!options.json) table.print(std::cout);
  return kDone;
}

int show_meter(const Options& options, const std::string& key) {
  const auto stub = AssetService::NewStub(connect(options));
  grpc::ClientContext context;
  set_deadline(context, options);
  v1::GetMeterRequest request;
  request.set_name(meter_name(options, key));
  v1::Meter meter;
  const grpc::Status status = stub->GetMeter(&context, request, &meter);
  if (!status.ok()) return complain(status, options);
  std::cout << (options.json ? to_json(meter) + "\n" : meter.DebugString());
  return kDone;
}

void add_dial(const std::string& kwh, v1::DialRead& read) {
  read.set_reading_type("0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.3.72.0");  // bulk kWh delivered
  read.set_value(kwh);
}

int exchange(const Options& options, const v1::ExchangeRequest& given, const std::string& at) {
  v1::ExchangeRequest request = given;
  request.set_usage_point(parent(options) + "/usagePoints/" + given.usage_point());
  request.set_new_meter(meter_name(options, given.new_meter()));
  parse_time(at, *request.mutable_at());
  const auto stub = AssetService::NewStub(connect(options));
  grpc::ClientContext context;
  set_deadline(context, options);
  v1::ExchangeResponse answer;
  const grpc::Status status = stub->Exchange(&context, request, &answer);
  if (!status.ok()) return complain(status, options);
  if (options.json) {
    std::cout << to_json(answer) << '\n';
  } else {
    std::cout << last_part(answer.removed().meter()) << " removed, " << last_part(answer.installed().meter())
              << " installed at " << last_part(answer.installed().usage_point()) << ", "
              << to_text(answer.installed().start()) << '\n';
  }
  return kDone;
}

}  // namespace

void add_meters(CLI::App& app, const Options& options, Run& run) {
  CLI::App* meters =
      app.add_subcommand("meters", "meters and where they are; without a subcommand: list them");
  meters->callback([&options, &run, meters] {
    if (meters->get_subcommands().empty()) run = [&options] { return list_meters(options); };
  });

  CLI::App* bulk = meters->add_subcommand("import", "bring meters in from a CSV file");
  bulk->footer(kCsvHelp);
  auto given = std::make_shared<ImportOptions>();
  bulk->add_option("file", given->file, "CSV file")->required();
  bulk->add_option("--at", given->at,
                   "valid and installed since, for rows without valid_from (RFC 3339 or a date)")
      ->default_val("2000-01-01");
  bulk->add_flag("--planned", given->planned, "only make them known; nothing is installed");
  bulk->add_flag("--dry-run", given->dry_run, "check everything, store nothing");
  bulk->callback(
      [&options, &run, given] { run = [&options, given] { return import_meters(options, *given); }; });

  auto key = std::make_shared<std::string>();
  CLI::App* show = meters->add_subcommand(
      "show", "one meter, with aliases, installation, module, verification and what the notice says of it");
  show->add_option("meter", *key, "key, or full name")->required();
  show->callback([&options, &run, key] { run = [&options, key] { return show_meter(options, *key); }; });

  auto request = std::make_shared<v1::ExchangeRequest>();
  auto at = std::make_shared<std::string>();
  auto old_end = std::make_shared<std::string>();
  auto new_start = std::make_shared<std::string>();
  CLI::App* swap = meters->add_subcommand("exchange", "put another meter at a usage point");
  swap->add_option("usage_point", *request->mutable_usage_point(), "key of the usage point")->required();
  swap->add_option("new_meter", *request->mutable_new_meter(), "key of the meter that goes in")->required();
  swap->add_option("--at", *at, "instant of the exchange (RFC 3339)")->required();
  swap->add_option("--old-end", *old_end, "dial of the old meter, kWh delivered");
  swap->add_option("--new-start", *new_start, "dial of the new meter, kWh delivered");
  swap->add_option("--order", *request->mutable_order_id(), "order id");
  swap->add_flag_callback(
      "--already-in-place", [request] { request->set_already_in_place(true); },
      "it has been done: what the notice excludes is stored and marked");
  swap->callback([&options, &run, request, at, old_end, new_start] {
    run = [&options, request, at, old_end, new_start] {
      if (!old_end->empty()) add_dial(*old_end, *request->add_old_end_reads());
      if (!new_start->empty()) add_dial(*new_start, *request->add_new_start_reads());
      return exchange(options, *request, *at);
    };
  });
  add_meter_assets(*meters, options, run);
}

}  // namespace ami::amictl
