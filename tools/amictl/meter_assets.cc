// What is fitted in meters, when they were verified, and which the notice excludes.
#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>

#include <grpcpp/grpcpp.h>
#include "ami/v1/asset_service.grpc.pb.h"

#include "tools/amictl/connection.h"
#include "tools/amictl/options.h"
#include "tools/amictl/table.h"

namespace ami::amictl {
namespace {

using v1::AssetService;

std::string fitted_text(const v1::Meter& meter) {
  if (meter.module_type().empty()) return {};
  return meter.module_type() + (meter.board().empty() ? "" : " with " + meter.board()) +
         (meter.han().empty() ? "" : ", HAN " + meter.han());
}

// "VERIFICATION_IN_PERIOD" without its first word.
std::string verification_text(const v1::Meter& meter) {
  const std::string name = v1::Verification_Name(meter.verification());
  return name.substr(name.find('_') + 1) +
         (meter.verification_reason().empty() ? "" : ": " + meter.verification_reason());
}

int list_nonconforming(const Options& options, const std::string& at) {
  v1::ListNonconformingRequest request;
  request.set_parent(parent(options));
  request.set_page_size(1000);
  if (!at.empty()) parse_time(at, *request.mutable_at());
  const auto stub = AssetService::NewStub(connect(options));
  Table table({"METER", "USAGE POINT", "MODEL", "MODULE", "RULE", "CLAUSE", "WHY"});
  do {
    grpc::ClientContext context;
    set_deadline(context, options);
    v1::ListNonconformingResponse answer;
    const grpc::Status status = stub->ListNonconforming(&context, request, &answer);
    if (!status.ok()) return complain(status, options);
    for (const v1::NonconformingMeter& one : answer.meters()) {
      if (options.json) {
        std::cout << to_json(one) << '\n';
        continue;
      }
      for (const v1::ApprovalFinding& finding : one.findings()) {
        if (finding.kind() == "MISSING") continue;  // what is not known is no reason to be listed
        table.row({last_part(one.meter().name()), last_part(one.usage_point()), one.meter().model(),
                   fitted_text(one.meter()), finding.rule(),
                   finding.clauses().empty() ? "" : one.notice() + ", " + finding.clauses(0).section(),
                   finding.message()});
      }
    }
    request.set_page_token(answer.next_page_token());
  } while (!request.page_token().empty());
  if (!options.json) table.print(std::cout);
  return kDone;
}

struct VerifyOptions {
  std::string meter;
  v1::SetVerificationRequest request;
};

int verify(const Options& options, const VerifyOptions& given) {
  v1::SetVerificationRequest request = given.request;
  request.set_meter(meter_name(options, given.meter));
  const auto stub = AssetService::NewStub(connect(options));
  grpc::ClientContext context;
  set_deadline(context, options);
  v1::Meter meter;
  const grpc::Status status = stub->SetVerification(&context, request, &meter);
  if (!status.ok()) return complain(status, options);
  if (options.json) {
    std::cout << to_json(meter) << '\n';
  } else {
    std::cout << last_part(meter.name()) << ": " << verification_text(meter) << '\n';
  }
  return kDone;
}

struct FitOptions {
  std::string meter, module, board, at;
  bool seal_kept = false, already_in_place = false;
};

int fit(const Options& options, const FitOptions& given) {
  v1::UpdateMeterRequest request;
  request.mutable_meter()->set_name(meter_name(options, given.meter));
  request.mutable_meter()->set_module_type(given.module == "none" ? "" : given.module);
  request.mutable_meter()->set_board(given.board);
  request.add_update_fields("module_type");
  request.add_update_fields("board");
  if (!given.at.empty()) parse_time(given.at, *request.mutable_at());
  if (given.seal_kept) request.set_seal_broken(false);
  request.set_already_in_place(given.already_in_place);
  const auto stub = AssetService::NewStub(connect(options));
  grpc::ClientContext context;
  set_deadline(context, options);
  v1::Meter meter;
  const grpc::Status status = stub->UpdateMeter(&context, request, &meter);
  if (!status.ok()) return complain(status, options);
  if (options.json) {
    std::cout << to_json(meter) << '\n';
  } else {
    const std::string fitted = fitted_text(meter);
    std::cout << last_part(meter.name()) << ": " << (fitted.empty() ? "no module" : fitted)
              << (meter.modules().empty() || !meter.modules().rbegin()->seal_broken() ? "" : ", seal broken")
              << '\n';
  }
  return kDone;
}

struct HanOptions {
  std::string meter, radio, at;
};

int say_han(const Options& options, const HanOptions& given) {
  v1::UpdateMeterRequest request;
  request.mutable_meter()->set_name(meter_name(options, given.meter));
  request.mutable_meter()->set_han(given.radio == "unknown" ? "" : given.radio);
  request.add_update_fields("han");
  if (!given.at.empty()) parse_time(given.at, *request.mutable_at());
  const auto stub = AssetService::NewStub(connect(options));
  grpc::ClientContext context;
  set_deadline(context, options);
  v1::Meter meter;
  const grpc::Status status = stub->UpdateMeter(&context, request, &meter);
  if (!status.ok()) return complain(status, options);
  if (options.json) {
    std::cout << to_json(meter) << '\n';
  } else {
    std::cout << last_part(meter.name()) << ": " << fitted_text(meter) << '\n';
  }
  return kDone;
}

}  // namespace

void add_meter_assets(CLI::App& meters, const Options& options, Run& run) {
  auto at = std::make_shared<std::string>();
  CLI::App* list = meters.add_subcommand(
      "nonconforming", "meters that the utility's notice excludes as they are, with the clauses");
  list->add_option("--at", *at, "as of this instant (RFC 3339 or a date); left out: now");
  list->callback([&options, &run, at] { run = [&options, at] { return list_nonconforming(options, *at); }; });

  auto sealed = std::make_shared<VerifyOptions>();
  v1::SetVerificationRequest& request = sealed->request;
  CLI::App* verified = meters.add_subcommand("verify", "say when a meter was verified and sealed");
  verified->add_option("meter", sealed->meter, "key, or full name")->required();
  verified->add_option("--seal-date", *request.mutable_seal_date(), "day of the seal, e.g. 2024-05-03")
      ->required();
  verified->add_option("--certificate", *request.mutable_certificate(), "number of the certificate");
  verified->add_option("--lot", *request.mutable_lot(), "sample lot");
  verified->add_option_function<int>(
      "--due-year", [sealed](int year) { sealed->request.set_due_year(year); }, "last year of the period");
  verified->add_flag_callback(
      "--withdraw", [sealed] { sealed->request.set_withdraw(true); },
      "take back what was said of this seal date");
  verified->callback(
      [&options, &run, sealed] { run = [&options, sealed] { return verify(options, *sealed); }; });

  auto radio = std::make_shared<HanOptions>();
  CLI::App* han = meters.add_subcommand("han", "say which radio into the home the module in a meter has");
  han->add_option("meter", radio->meter, "key, or full name")->required();
  han->add_option("radio", radio->radio, "ZIGBEE, NONE, or unknown")->required();
  han->add_option("--at", radio->at, "of the module that was there then; left out: now");
  han->callback([&options, &run, radio] { run = [&options, radio] { return say_han(options, *radio); }; });

  auto fitted = std::make_shared<FitOptions>();
  CLI::App* module = meters.add_subcommand("fit", "say which communication module is in a meter from now on");
  module->add_option("meter", fitted->meter, "key, or full name")->required();
  module->add_option("module", fitted->module, "e.g. SSN; none: it was taken out")->required();
  module->add_option("--board", fitted->board, "interface board beside it, e.g. EMTR-3-FX");
  module->add_option("--at", fitted->at, "since when (RFC 3339 or a date); left out: now");
  module->add_flag("--seal-kept", fitted->seal_kept, "the meter's seal was not broken");
  module->add_flag("--already-in-place", fitted->already_in_place,
                   "it has been done: what the notice excludes is stored and marked");
  module->callback([&options, &run, fitted] { run = [&options, fitted] { return fit(options, *fitted); }; });
}

}  // namespace ami::amictl
