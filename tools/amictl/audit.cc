// amictl audit list, show, status.
#include <CLI/CLI.hpp>
#include <charconv>
#include <iostream>

#include <grpcpp/grpcpp.h>
#include "ami/v1/audit_service.grpc.pb.h"
#include "meter_model/audit/chain.h"

#include "tools/amictl/audit_text.h"
#include "tools/amictl/connection.h"
#include "tools/amictl/options.h"
#include "tools/amictl/table.h"

namespace ami::amictl {
namespace {

using v1::AuditService;

struct AuditOptions {
  std::string meter;
  std::int64_t operation = 0;
  int limit = 50;
};

// Newest first, up to `limit`; false: it was refused and said so.
int fetch(const Options& options, v1::ListAuditRequest request, int limit, std::vector<v1::AuditLine>& lines) {
  const auto stub = AuditService::NewStub(connect(options));
  for (int left = limit; left > 0;) {
    request.set_page_size(std::min(left, 1000));
    grpc::ClientContext context;
    set_deadline(context, options);
    v1::ListAuditResponse answer;
    const grpc::Status status = stub->ListAudit(&context, request, &answer);
    if (!status.ok()) return complain(status, options);
    left -= answer.lines_size();
    for (v1::AuditLine& line : *answer.mutable_lines()) lines.push_back(std::move(line));
    if (answer.next_page_token().empty()) break;
    request.set_page_token(answer.next_page_token());
  }
  return kDone;
}

std::string seal_text(const v1::AuditLine& line) {
  return line.position() == 0 ? "not yet" : std::to_string(line.position());
}

std::string change_text(const audit::Fields& fields) {
  const std::string from = field_text(fields, "from_state"), to = field_text(fields, "to_state");
  if (from.empty()) return to;
  return from == to ? to + " stays" : from + " -> " + to;
}

int list(const Options& options, const AuditOptions& given) {
  v1::ListAuditRequest request;
  request.set_parent(parent(options));
  if (!given.meter.empty()) request.set_meter(meter_name(options, given.meter));
  std::vector<v1::AuditLine> lines;
  if (const int end = fetch(options, std::move(request), given.limit, lines); end != kDone) return end;
  Table table({"SEAL", "TIME", "OPERATION", "METER", "ACTION", "CHANGE", "BY", "FOR", "ORDER", "WHY", "WORDS"});
  for (const v1::AuditLine& line : lines) {
    if (options.json) {
      std::cout << line_json(line) << '\n';
      continue;
    }
    const audit::Fields fields = fields_of(line);
    const auto text = [&](const char* name) { return field_text(fields, name); };
    table.row({seal_text(line), text("at"), text("switch_id"), text("meter"), text("action"), change_text(fields),
               text("actor"), text("on_behalf_of"), text("order_id"), text("reason"), text("words")});
  }
  if (!options.json) table.print(std::cout);
  return kDone;
}

void print_story(const std::vector<v1::AuditLine>& lines) {
  const audit::Fields last = fields_of(lines.back());
  const auto said = [&](const char* name) {
    const std::string text = harmless(field_text(last, name));
    return text.empty() ? std::string("-") : text;
  };
  std::cout << "operation     " << said("switch_id") << ": " << said("action") << " of meter " << said("meter")
            << " at usage point " << said("usage_point") << ", serial ending in " << said("serial_last4")
            << "\nasked for by  " << said("caller") << ", request " << said("request_id") << "\non behalf of  "
            << said("on_behalf_of") << "\nwhy           " << said("reason") << ", order " << said("order_id")
            << "\nattestation   " << said("attestation") << "\nrequest hash  " << said("request_sha256")
            << "\nsent through  " << said("feed") << ", as " << said("vendor_id") << ", transaction "
            << said("transaction") << '\n';
  for (const v1::AuditLine& line : lines) {
    const audit::Fields fields = fields_of(line);
    const auto text = [&](const char* name) { return harmless(field_text(fields, name)); };
    std::cout << "\nversion " << text("version") << "  " << change_text(fields) << "  (" << text("input") << ")\n  at "
              << text("at") << " by the gateway's clock, " << text("recorded_at") << " by the database's\n  by "
              << text("actor");
    if (!text("certificate").empty()) std::cout << " (" << text("certificate") << ")";
    std::cout << ", through gateway " << text("gateway") << '\n';
    const std::pair<const char*, const char*> more[] = {
        {"words", "words"},       {"rule", "rule"},           {"sent_sha256", "hash of the bytes sent"},
        {"evidence", "evidence"}, {"position", "position"},   {"final_register", "final register"}};
    for (const auto& [name, label] : more) {
      const std::string value = text(name);
      if (value.empty() || value == "-1") continue;
      std::cout << "  " << label << ": " << (std::string_view(name) == "evidence" ? "E" : "") << value << '\n';
    }
    std::string facts = field_text(fields, "facts");
    for (std::size_t begin = 0; begin < facts.size();) {
      const auto stop = std::min(facts.find('\n', begin), facts.size());
      std::cout << "    " << harmless(facts.substr(begin, stop - begin)) << '\n';
      begin = stop + 1;
    }
    if (line.position() == 0) {
      std::cout << "  not sealed yet\n";
    } else {
      std::cout << "  sealed at position " << line.position() << ", " << to_text(line.seal_time()) << '\n';
    }
  }
}

int show(const Options& options, const AuditOptions& given) {
  v1::ListAuditRequest request;
  request.set_parent(parent(options));
  request.set_switch_operation(given.operation);
  std::vector<v1::AuditLine> lines;
  if (const int end = fetch(options, std::move(request), 100'000, lines); end != kDone) return end;
  std::ranges::reverse(lines);
  if (options.json) {
    for (const v1::AuditLine& line : lines) std::cout << line_json(line) << '\n';
  } else if (!lines.empty()) {
    print_story(lines);
  }
  if (!lines.empty()) return kDone;
  std::cerr << "amictl: the audit of " << options.utility << " has no line of operation " << given.operation << '\n';
  return kRefused;
}

int status(const Options& options, const AuditOptions&) {
  grpc::ClientContext context;
  set_deadline(context, options);
  v1::AuditStatus answer;
  const grpc::Status end = AuditService::NewStub(connect(options))->GetAuditStatus(&context, {}, &answer);
  if (!end.ok()) return complain(end, options);
  if (options.json) {
    std::cout << to_json(answer) << '\n';
    return kDone;
  }
  std::cout << "sealed    up to position " << answer.position() << ", chain hash "
            << audit::hex(audit::digest_from_bytes(answer.chain_sha256()).value_or(audit::Digest{}))
            << "\nunsealed  " << answer.unsealed() << " lines";
  if (answer.has_oldest_unsealed_time()) std::cout << ", the oldest since " << to_text(answer.oldest_unsealed_time());
  std::cout << "\ndatabase  " << harmless(answer.database()) << " of cluster " << answer.cluster() << ", "
            << to_text(answer.time()) << '\n';
  return kDone;
}

}  // namespace

void add_audit(CLI::App& audit, const Options& options, Run& run) {
  auto given = std::make_shared<AuditOptions>();
  const auto runs = [&options, &run, given](CLI::App* command, int (*work)(const Options&, const AuditOptions&)) {
    command->callback(
        [&options, &run, given, work] { run = [&options, given, work] { return work(options, *given); }; });
  };
  CLI::App* lines = audit.add_subcommand("list", "changes of switch operations, newest first");
  lines->add_option("--meter", given->meter, "only of this meter");
  lines->add_option("--limit", given->limit, "at most so many")->default_val(50)->check(CLI::PositiveNumber);
  runs(lines, list);
  CLI::App* one = audit.add_subcommand("show", "the whole story of one switch operation");
  one->add_option("operation", given->operation, "its number")->required()->check(CLI::PositiveNumber);
  runs(one, show);
  runs(audit.add_subcommand("status", "how far the audit of the switch is sealed, and what waits"), status);
  add_audit_verify(audit, options, run);
}

}  // namespace ami::amictl
