#include "daemon/rpc/meter_import.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "daemon/rpc/convert.h"
#include "daemon/rpc/meter_approval.h"
#include "storage/postgres/assets.h"

namespace ami::rpc {
namespace {

constexpr int kMaxErrorsListed = 1000;

std::string key_from(const std::string& field, const std::string& key) {
  if (!valid_key(key))
    throw StatusError{invalid_field(field, "must be 1 to 64 characters of A-Z a-z 0-9 . _ -")};
  return key;
}

storage::ImportRow row_from(const v1::ImportRow& row) {
  storage::ImportRow result;
  result.meter = key_from("meter", row.meter());
  result.model = text_from("model", row.model());
  result.form = text_from("form", row.form());
  result.elements = text_from("elements", row.elements());
  if (row.wires() < 0 || row.wires() > 9) throw StatusError{invalid_field("wires", "must be 0 to 9")};
  if (row.wires() != 0) result.wires = row.wires();
  result.class_a = text_from("meter_class", row.meter_class());
  result.firmware = text_from("firmware", row.firmware());
  result.badge = text_from("badge", row.badge());
  result.manufacturer_serial = text_from("manufacturer_serial", row.manufacturer_serial());
  result.module = text_from("module", row.module());
  result.vendor_control = text_from("vendor_control", row.vendor_control());
  result.mac = text_from("mac", row.mac());
  result.cis = text_from("cis", row.cis());
  result.alias_feed = text_from("alias_feed", row.alias_feed());
  if (!row.usage_point().empty()) result.usage_point = key_from("usage_point", row.usage_point());
  result.zone = zone_from("time_zone", row.time_zone());
  result.feeder = text_from("feeder", row.feeder());
  result.transformer = text_from("transformer", row.transformer());
  result.substation = text_from("substation", row.substation());
  result.collector = text_from("collector", row.collector());
  result.commodity = text_from("commodity", row.commodity());
  result.multiplier = multiplier_from("multiplier", row.multiplier());
  if (!row.has_valid_from()) throw StatusError{invalid_field("valid_from", "is required")};
  result.valid_from = instant_from("valid_from", row.valid_from());
  result.module_type = text_from("module_type", row.module_type(), 64);
  result.board = text_from("board", row.board(), 64);
  result.han = han_from("han", row.han());
  return result;
}

std::string api_field(const std::string& store_field) {
  if (store_field == "zone") return "time_zone";
  if (store_field == "class_a") return "meter_class";
  return store_field;
}

class MeterImport final : public grpc::ServerReadReactor<v1::ImportMetersRequest> {
 public:
  MeterImport(std::shared_ptr<Call> call, v1::ImportMetersResponse& response)
      : call_(std::move(call)), response_(response) {
    StartRead(&message_);
  }

  void OnReadDone(bool ok) override {
    if (!ok) {  // the caller has sent everything, or is gone: then the store is not asked (see finish)
      call_->backend().executor([this, call = call_] { finish(*call); });
      return;
    }
    try {
      accept();
    } catch (const StatusError& error) {
      Finish(error.status);
      return;
    }
    StartRead(&message_);
  }

  void OnCancel() override { cancelled_ = true; }
  void OnDone() override { delete this; }

 private:
  struct Problem {
    std::size_t row = 0;  // from 1
    std::string field, message, reason;
  };

  void accept() {
    if (message_.has_options()) {
      if (has_options_) throw StatusError{invalid_field("options", "must be sent once")};
      options_ = message_.options();
      if (options_.mode() != v1::ImportOptions::PLANNED && options_.mode() != v1::ImportOptions::INSTALLED) {
        throw StatusError{invalid_field("options.mode", "must be PLANNED or INSTALLED")};
      }
      has_options_ = true;
      return;
    }
    if (!has_options_) throw StatusError{invalid_field("options", "must be the first message")};
    if (!message_.has_rows()) throw StatusError{invalid_field("content", "must be options or rows")};
    for (const v1::ImportRow& row : message_.rows().rows()) {
      if (++row_count_ > kMaxImportRows) {
        throw StatusError{
            invalid_field("rows", "more than " + std::to_string(kMaxImportRows) + ": import them in parts")};
      }
      try {
        rows_.push_back(row_from(row));
        row_numbers_.push_back(row_count_);
      } catch (const StatusError& error) {
        add_problem(error.status, row_count_);
      }
    }
  }

  void add_problem(const grpc::Status& status, std::size_t row) {
    // invalid_field says "field: description".
    const std::string text = status.error_message();
    const std::size_t colon = text.find(": ");
    problems_.push_back({row, text.substr(0, colon), text.substr(colon + 2), {}});
  }

  // Finds the notice's name of each row's module.
  void name_modules(const regime::Regime& regime) {
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      storage::ImportRow& row = rows_[i];
      try {
        if (auto module = module_from(regime, "module_type", row.module_type, "board", row.board))
          row.module_key = std::move(module->key);
      } catch (const StatusError& error) {
        add_problem(error.status, row_numbers_[i]);
        row.module_type.clear();
        row.board.clear();
        row.han.clear();
      }
    }
  }

  void finish(const Call& call) {
    if (cancelled_) {
      Finish(grpc::Status::CANCELLED);
      return;
    }
    Finish(Gate::run(call, [this](const Call& c) { import(c); }));
  }

  void import(const Call& call) {
    if (!has_options_) throw StatusError{invalid_field("options", "must be the first message")};
    // A caller that dies looks like one that has sent everything; the count tells them apart.
    if (options_.row_count() != row_count_) {
      throw StatusError{invalid_field("options.row_count", "says " + std::to_string(options_.row_count()) +
                                                               " rows, but " + std::to_string(row_count_) +
                                                               " came")};
    }
    const storage::Utility utility = call.parent(options_.parent());
    const regime::Regime regime = call.regime_of(utility);
    name_modules(regime);
    // With a row refused already nothing is stored, but the others are still checked: all errors in one go.
    const bool dry_run = options_.dry_run() || !problems_.empty();
    const bool install = options_.mode() == v1::ImportOptions::INSTALLED;
    const storage::ImportReport report = call.take(
        call.assets().import_meters(utility.id, rows_, install, dry_run, regime::planned_check(regime)));
    const std::size_t error_count = problems_.size() + report.problem_count;
    for (const storage::ImportProblem& problem : report.problems) {
      const std::size_t number = problem.row < row_numbers_.size() ? row_numbers_[problem.row] : 0;
      problems_.push_back({number, api_field(problem.field), problem.message, problem.rule});
    }
    std::ranges::stable_sort(problems_, {}, &Problem::row);

    response_.set_rows(row_count_);
    response_.set_created(report.created);
    response_.set_unchanged(report.unchanged);
    response_.set_installed(report.installed);
    response_.set_error_count(error_count);
    response_.set_stored(report.stored);
    response_.set_nonconforming(report.excluded);
    for (const Problem& problem : problems_) {
      if (response_.errors_size() >= kMaxErrorsListed) break;
      v1::RowError* error = response_.add_errors();
      error->set_row(problem.row);
      error->set_field(problem.field);
      error->set_message(problem.message);
      error->set_reason(problem.reason);
    }
  }

  std::shared_ptr<Call> call_;
  v1::ImportMetersResponse& response_;
  v1::ImportMetersRequest message_;
  v1::ImportOptions options_;
  bool has_options_ = false;
  std::size_t row_count_ = 0;
  std::vector<storage::ImportRow> rows_;
  std::vector<std::size_t> row_numbers_;  // of rows_, as sent
  std::vector<Problem> problems_;
  std::atomic<bool> cancelled_{false};
};

class Refusal final : public grpc::ServerReadReactor<v1::ImportMetersRequest> {
 public:
  explicit Refusal(const grpc::Status& status) { Finish(status); }
  void OnDone() override { delete this; }
};

}  // namespace

grpc::ServerReadReactor<v1::ImportMetersRequest>* start_meter_import(Gate& gate,
                                                                     grpc::CallbackServerContext& context,
                                                                     v1::ImportMetersResponse& response) {
  Gate::Admission admission = gate.admit(context, "/ami.v1.AssetService/ImportMeters");
  // Both delete themselves in OnDone, which gRPC calls exactly once.
  if (admission.call == nullptr) return new Refusal(admission.refusal);
  return new MeterImport(std::move(admission.call), response);
}

}  // namespace ami::rpc
