#include <CLI/CLI.hpp>
#include <iostream>

#include <grpcpp/grpcpp.h>
#include "ami/v1/admin_service.grpc.pb.h"

#include "tools/amictl/connection.h"
#include "tools/amictl/options.h"
#include "tools/amictl/table.h"

namespace ami::amictl {
namespace {

using v1::AdminService;

struct AdminOptions {
  std::string usage_point, meter, caller, from, to, holder, reason, of_class, hold;
  bool everything = false, lifted_too = false;
  int limit = 1000;
};

std::string full_name(const Options& options, const std::string& collection, const std::string& key) {
  if (key.empty() || key.rfind("utilities/", 0) == 0) return key;
  return parent(options) + "/" + collection + "/" + key;
}

template <class Request>
void set_period(Request& request, const AdminOptions& given) {
  if (!given.from.empty()) parse_time(given.from, *request.mutable_start());
  if (!given.to.empty()) parse_time(given.to, *request.mutable_end());
}

// Asks for pages until `limit` items were shown; `show` prints one answer and says how many items it had.
template <class Request, class Response>
int all_pages(const Options& options, Request request, int limit,
              grpc::Status (AdminService::Stub::*method)(grpc::ClientContext*, const Request&, Response*),
              const std::function<int(const Response&)>& show) {
  const auto stub = AdminService::NewStub(connect(options));
  for (int left = limit; left > 0;) {
    request.set_page_size(std::min(left, 1000));
    grpc::ClientContext context;
    set_deadline(context, options);
    Response answer;
    const grpc::Status status = ((*stub).*method)(&context, request, &answer);
    if (!status.ok()) return complain(status, options);
    left -= show(answer);
    if (answer.next_page_token().empty()) break;
    request.set_page_token(answer.next_page_token());
  }
  return kDone;
}

std::string period_text(const google::protobuf::Timestamp& from, const google::protobuf::Timestamp& to) {
  const std::string first = to_text(from), last = to_text(to);
  return (first.empty() ? "since ever" : first) + " to " + (last.empty() ? "for ever" : last);
}

int access(const Options& options, const AdminOptions& given) {
  v1::ListAccessRequest request;
  request.set_parent(parent(options));
  request.set_usage_point(full_name(options, "usagePoints", given.usage_point));
  request.set_meter(full_name(options, "meters", given.meter));
  request.set_caller(given.caller);
  set_period(request, given);
  Table table({"TIME", "CALLER", "FOR", "PURPOSE", "RPC", "USAGE POINT", "METER", "VALUES", "PERIOD"});
  const int end = all_pages<v1::ListAccessRequest, v1::ListAccessResponse>(
      options, request, given.limit, &AdminService::Stub::ListAccess,
      [&](const v1::ListAccessResponse& answer) {
        for (const v1::Access& row : answer.access()) {
          if (options.json) {
            std::cout << to_json(row) << '\n';
          } else {
            table.row({to_text(row.time()), row.caller(), row.on_behalf_of(), row.purpose(),
                       last_part(row.rpc()), row.usage_point(), row.meter(),
                       row.rows_known() ? std::to_string(row.rows()) : "?",
                       period_text(row.start(), row.end())});
          }
        }
        return answer.access_size();
      });
  if (end == kDone && !options.json) table.print(std::cout);
  return end;
}

void show(const Options& options, Table& table, const v1::LegalHold& hold) {
  if (options.json) {
    std::cout << to_json(hold) << '\n';
    return;
  }
  table.row({last_part(hold.name()), hold.subject().empty() ? "everything" : hold.subject(),
             period_text(hold.start(), hold.end()), hold.holder(), hold.reason(), hold.set_by(),
             to_text(hold.set_time()), hold.lifted_by(), to_text(hold.lift_time()), hold.lift_reason()});
}
Table hold_table() {
  return Table(
      {"HOLD", "SUBJECT", "VALUES OF", "HOLDER", "REASON", "SET BY", "SET", "LIFTED BY", "LIFTED", "WHY"});
}

int holds(const Options& options, const AdminOptions& given) {
  v1::ListLegalHoldsRequest request;
  request.set_parent(parent(options));
  request.set_include_lifted(given.lifted_too);
  Table table = hold_table();
  const int end = all_pages<v1::ListLegalHoldsRequest, v1::ListLegalHoldsResponse>(
      options, request, given.limit, &AdminService::Stub::ListLegalHolds,
      [&](const v1::ListLegalHoldsResponse& answer) {
        for (const v1::LegalHold& hold : answer.holds()) show(options, table, hold);
        return answer.holds_size();
      });
  if (end == kDone && !options.json) table.print(std::cout);
  return end;
}

int set_hold(const Options& options, const AdminOptions& given) {
  const int subjects = int{!given.meter.empty()} + int{!given.usage_point.empty()} + int{given.everything};
  if (subjects != 1) throw UsageError{"what shall be held? give one of --meter, --usage-point, --everything"};
  v1::SetLegalHoldRequest request;
  request.set_parent(parent(options));
  request.set_subject(given.meter.empty() ? full_name(options, "usagePoints", given.usage_point)
                                          : full_name(options, "meters", given.meter));
  set_period(request, given);
  request.set_holder(given.holder);
  request.set_reason(given.reason);
  grpc::ClientContext context;
  set_deadline(context, options);
  v1::LegalHold made;
  const grpc::Status status = AdminService::NewStub(connect(options))->SetLegalHold(&context, request, &made);
  if (!status.ok()) return complain(status, options);
  Table table = hold_table();
  show(options, table, made);
  if (!options.json) table.print(std::cout);
  return kDone;
}

int lift_hold(const Options& options, const AdminOptions& given) {
  v1::LiftLegalHoldRequest request;
  request.set_name(full_name(options, "legalHolds", given.hold));
  request.set_reason(given.reason);
  grpc::ClientContext context;
  set_deadline(context, options);
  v1::LegalHold lifted;
  const grpc::Status status =
      AdminService::NewStub(connect(options))->LiftLegalHold(&context, request, &lifted);
  if (!status.ok()) return complain(status, options);
  Table table = hold_table();
  show(options, table, lifted);
  if (!options.json) table.print(std::cout);
  return kDone;
}

int certificates(const Options& options, const AdminOptions& given) {
  v1::ListRetentionCertificatesRequest request;
  request.set_parent(parent(options));
  request.set_class_(given.of_class);
  Table table({"NUMBER", "DROPPED", "CLASS", "TABLE", "MONTH", "ROWS", "FIRST", "LAST", "WHOLE MONTH", "RULE",
               "SHA-256"});
  const int end = all_pages<v1::ListRetentionCertificatesRequest, v1::ListRetentionCertificatesResponse>(
      options, request, given.limit, &AdminService::Stub::ListRetentionCertificates,
      [&](const v1::ListRetentionCertificatesResponse& answer) {
        for (const v1::RetentionCertificate& row : answer.certificates()) {
          if (options.json) {
            std::cout << to_json(row) << '\n';
          } else {
            table.row({std::to_string(row.id()), to_text(row.time()), row.class_(), row.table(), row.month(),
                       std::to_string(row.rows()), to_text(row.first_time()), to_text(row.last_time()),
                       row.whole_month() ? "yes" : "no", row.rule(), row.sha256()});
          }
        }
        return answer.certificates_size();
      });
  if (end == kDone && !options.json) table.print(std::cout);
  return end;
}

int maintenance(const Options& options, const AdminOptions& given) {
  Table table({"TIME", "TASK", "SUBJECT", "OUTCOME", "ROWS", "BYTES BEFORE", "AFTER", "DETAIL"});
  const int end = all_pages<v1::ListMaintenanceRequest, v1::ListMaintenanceResponse>(
      options, {}, given.limit, &AdminService::Stub::ListMaintenance,
      [&](const v1::ListMaintenanceResponse& answer) {
        for (const v1::MaintenanceEntry& row : answer.entries()) {
          if (options.json) {
            std::cout << to_json(row) << '\n';
          } else {
            table.row({to_text(row.time()), row.task(), row.subject(),
                       v1::MaintenanceEntry::Outcome_Name(row.outcome()),
                       row.has_rows() ? std::to_string(row.rows()) : "",
                       row.has_bytes_before() ? std::to_string(row.bytes_before()) : "",
                       row.has_bytes_after() ? std::to_string(row.bytes_after()) : "", row.detail()});
          }
        }
        return answer.entries_size();
      });
  if (end == kDone && !options.json) table.print(std::cout);
  return end;
}

}  // namespace

void add_admin(CLI::App& app, const Options& options, Run& run) {
  auto given = std::make_shared<AdminOptions>();
  const auto runs = [&options, &run, given](CLI::App* command,
                                            int (*work)(const Options&, const AdminOptions&)) {
    command->callback(
        [&options, &run, given, work] { run = [&options, given, work] { return work(options, *given); }; });
  };
  const auto limited = [given](CLI::App* command) {
    command->add_option("--limit", given->limit, "at most so many")
        ->default_val(1000)
        ->check(CLI::PositiveNumber);
  };
  CLI::App* audit = app.add_subcommand("audit", "what was done by whom");
  audit->require_subcommand(1);
  CLI::App* read =
      audit->add_subcommand("access", "who read customers' values, why, and whose; oldest first");
  read->add_option("--usage-point", given->usage_point, "only of this usage point");
  read->add_option("--meter", given->meter, "only of this meter");
  read->add_option("--caller", given->caller, "only by this caller (subject of the certificate)");
  read->add_option("--from", given->from, "read from this instant on (RFC 3339, or a date)");
  read->add_option("--to", given->to, "read before this instant");
  limited(read);
  runs(read, access);
  add_audit(*audit, options, run);

  CLI::App* retention = app.add_subcommand("retention", "legal holds, and certificates of what was dropped");
  retention->require_subcommand(1);
  CLI::App* list = retention->add_subcommand("holds", "legal holds in force");
  list->add_flag("--lifted", given->lifted_too, "lifted ones, too");
  limited(list);
  runs(list, holds);
  CLI::App* hold =
      retention->add_subcommand("hold", "keeps values whatever retention says, until the hold is lifted");
  hold->add_option("--meter", given->meter, "values of this meter");
  hold->add_option("--usage-point", given->usage_point, "of every meter while it was at this usage point");
  hold->add_flag("--everything", given->everything, "of the whole utility");
  hold->add_option("--from", given->from, "values from this instant on (default: since ever)");
  hold->add_option("--to", given->to, "values before this instant (default: for ever)");
  hold->add_option("--holder", given->holder, "who demands it, with a file number")->required();
  hold->add_option("--reason", given->reason, "why")->required();
  runs(hold, set_hold);
  CLI::App* lift = retention->add_subcommand("lift", "lifts a legal hold");
  lift->add_option("hold", given->hold, "its number, as `retention holds` shows it")->required();
  lift->add_option("--reason", given->reason, "why")->required();
  runs(lift, lift_hold);
  CLI::App* dropped =
      retention->add_subcommand("certificates", "what was dropped, by which rule, with its hash");
  dropped->add_option("--class", given->of_class,
                      "only intervals, registers, events, changes, raw_content, …");
  limited(dropped);
  runs(dropped, certificates);

  CLI::App* nightly = app.add_subcommand("maintenance", "what the nightly maintenance did, newest first");
  limited(nightly);
  runs(nightly, maintenance);
}

}  // namespace ami::amictl
