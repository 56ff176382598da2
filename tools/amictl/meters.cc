#include <unistd.h>
#include <CLI/CLI.hpp>
#include <fstream>
#include <iostream>
#include <map>
#include <set>

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

const std::map<std::string, v1::AliasKind> kAliasColumns = {
    {"badge", v1::BADGE},   {"manufacturer_serial", v1::MANUFACTURER_SERIAL},
    {"module", v1::MODULE}, {"vendor_control", v1::VENDOR_CONTROL},
    {"mac", v1::MAC},       {"cis", v1::CIS}};

const std::set<std::string> kColumns = {"meter",       "model",        "form",       "elements",
                                        "wires",       "class",        "firmware",   "module_family",
                                        "usage_point", "zone",         "commodity",  "feeder",
                                        "transformer", "installed_at", "multiplier", "start_register"};

constexpr const char* kCsvHelp =
    "CSV with a header line. Columns, in any order: meter (key, required), badge (default: the key), "
    "manufacturer_serial, module, vendor_control, mac, cis, model, form, elements, wires, class, firmware, "
    "module_family, "
    "usage_point, zone (IANA), commodity (default electricity), feeder, transformer, installed_at, "
    "multiplier, "
    "start_register. Everything is stored, or nothing is.";

struct RowProblem {
  std::size_t line = 0;
  std::string field, message;
};

// One CSV row as a message. Empty cells are left out: they mean "not said".
v1::ImportRow row_of(const std::vector<std::string>& heads, const std::vector<std::string>& cells,
                     const ImportOptions& import, const std::string& parent_name) {
  std::map<std::string, std::string> cell;
  for (std::size_t i = 0; i < heads.size(); ++i) cell[heads[i]] = cells[i];
  v1::ImportRow row;
  v1::Meter& meter = *row.mutable_meter();
  meter.set_name(parent_name + "/meters/" + cell["meter"]);
  meter.set_model(cell["model"]);
  meter.set_form(cell["form"]);
  meter.set_elements(cell["elements"]);
  if (!cell["wires"].empty()) meter.set_wires(std::stoi(cell["wires"]));
  meter.set_meter_class(cell["class"]);
  meter.set_firmware(cell["firmware"]);
  meter.set_module_family(cell["module_family"]);
  if (!cell.count("badge")) cell["badge"] = cell["meter"];
  for (const auto& [column, kind] : kAliasColumns) {
    if (cell[column].empty()) continue;
    v1::Alias& alias = *meter.add_aliases();
    alias.set_kind(kind);
    alias.set_value(cell[column]);
  }
  if (!import.planned || !cell["usage_point"].empty()) {
    v1::UsagePoint& point = *row.mutable_usage_point();
    point.set_name(parent_name + "/usagePoints/" + cell["usage_point"]);
    point.set_time_zone(cell["zone"]);
    point.set_commodity(cell["commodity"].empty() ? "electricity" : cell["commodity"]);
    point.set_feeder(cell["feeder"]);
    point.set_transformer(cell["transformer"]);
  }
  const std::string& at = cell["installed_at"].empty() ? import.at : cell["installed_at"];
  if (!at.empty()) parse_time(at, *row.mutable_at());
  row.set_multiplier(cell["multiplier"]);
  row.set_start_register(cell["start_register"]);
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
std::vector<v1::ImportRow> read_rows(std::istream& in, const ImportOptions& import,
                                     const std::string& parent_name, std::vector<std::size_t>& lines,
                                     std::vector<RowProblem>& problems) {
  std::vector<v1::ImportRow> rows;
  CsvReader csv(in);
  const auto head = csv.next();
  if (!head) throw UsageError{import.file + ": " + head.error().message};
  const std::vector<std::string>& heads = head.value();
  if (heads.empty()) throw UsageError{import.file + ": the file is empty; " + kCsvHelp};
  std::set<std::string> seen;
  for (const std::string& column : heads) {
    if (!kColumns.count(column) && !kAliasColumns.count(column)) {
      throw UsageError{import.file + ": unknown column \"" + column + "\"; " + kCsvHelp};
    }
    if (!seen.insert(column).second)
      throw UsageError{import.file + ": column \"" + column + "\" stands twice"};
  }
  if (!seen.count("meter")) throw UsageError{import.file + ": no column \"meter\"; " + kCsvHelp};
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
      rows.push_back(row_of(heads, cells.value(), import, parent_name));
      lines.push_back(csv.line());
    } catch (const UsageError& error) {
      problems.push_back({csv.line(), "installed_at", error.message});
    } catch (const std::logic_error&) {  // std::stoi
      problems.push_back({csv.line(), "wires", "not a number"});
    }
  }
}

int report(const Options& options, const ImportOptions& import, const v1::ImportMetersResponse& answer,
           const std::vector<std::size_t>& lines) {
  for (const auto& error : answer.errors()) {
    const std::size_t line = error.row() >= 1 && error.row() <= lines.size() ? lines[error.row() - 1] : 0;
    std::cerr << import.file << ":" << line << ": " << (error.field().empty() ? "" : error.field() + ": ")
              << error.message() << " [" << error.reason() << "]\n";
  }
  if (options.json) {
    std::cout << to_json(answer) << '\n';
  } else if (answer.error_count() > 0) {
    std::cout << "nothing stored: " << answer.error_count() << " of " << answer.rows()
              << " rows are in error\n";
  } else {
    std::cout << (answer.stored() ? "stored: " : "dry run, nothing stored: ") << answer.created() << " new, "
              << answer.changed() << " changed, " << answer.unchanged() << " unchanged\n";
  }
  return answer.error_count() > 0 ? kRefused : kDone;
}

int import_meters(const Options& options, const ImportOptions& import) {
  std::ifstream in(import.file, std::ios::binary);
  if (!in) throw UsageError{"cannot read " + import.file};
  const std::string parent_name = parent(options);
  std::vector<std::size_t> lines;
  std::vector<RowProblem> problems;
  const std::vector<v1::ImportRow> rows = read_rows(in, import, parent_name, lines, problems);
  if (!problems.empty()) {
    for (const RowProblem& problem : problems) {
      std::cerr << import.file << ":" << problem.line << ": "
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
  message.mutable_options()->set_mode(import.planned ? v1::ImportOptions::PLANNED
                                                     : v1::ImportOptions::INSTALLED);
  message.mutable_options()->set_dry_run(import.dry_run);
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
  return status.ok() ? report(options, import, answer, lines) : complain(status, options);
}

int list_meters(const Options& options) {
  const auto stub = AssetService::NewStub(connect(options));
  Table table({"METER", "MODEL", "FORM", "CLASS", "MODULE", "USAGE POINT", "SINCE", "ALIASES"});
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
                 meter.module_family(), last_part(meter.installation().usage_point()),
                 to_text(meter.installation().start()), aliases});
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

  CLI::App* import = meters->add_subcommand("import", "bring meters in from a CSV file");
  import->footer(kCsvHelp);
  auto given = std::make_shared<ImportOptions>();
  import->add_option("file", given->file, "CSV file")->required();
  import->add_option("--at", given->at, "installed since, for rows without installed_at (RFC 3339 or a date)")
      ->default_val("2000-01-01");
  import->add_flag("--planned", given->planned, "only make them known; nothing is installed");
  import->add_flag("--dry-run", given->dry_run, "check everything, store nothing");
  import->callback([&options, &run, given] { run = [&options, given] { return import_meters(options, *given);
};
}  // namespace ami::amictl
);

auto key = std::make_shared<std::string>();
CLI::App* show = meters->add_subcommand("show", "one meter, with aliases and installation");
show->add_option("meter", *key, "key, or full name")->required();
show->callback([&options, &run, key] { run = [&options, key] { return show_meter(options, *key); }; });

auto request = std::make_shared<v1::ExchangeRequest>();
auto at = std::make_shared<std::string>();
CLI::App* swap = meters->add_subcommand("exchange", "put another meter at a usage point");
swap->add_option("usage_point", *request->mutable_usage_point(), "key of the usage point")->required();
swap->add_option("new_meter", *request->mutable_new_meter(), "key of the meter that goes in")->required();
swap->add_option("--at", *at, "instant of the exchange (RFC 3339)")->required();
swap->add_option("--old-end", *request->mutable_old_end_register(), "dial of the old meter, Wh");
swap->add_option("--new-start", *request->mutable_new_start_register(), "dial of the new meter, Wh");
swap->add_option("--order", *request->mutable_order_id(), "order id");
swap->callback([&options, &run, request, at] {
  run = [&options, request, at] { return exchange(options, *request, *at); };
});
}

}  // namespace ami::amictl
