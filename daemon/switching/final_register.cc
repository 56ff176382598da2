#include "daemon/switching/final_register.h"

#include <utility>

#include "daemon/switching/energy_series.h"
#include "storage/postgres/register_search.h"

namespace ami::daemon::switching {
namespace {

// Delivered energy, no tier; values are stored in Wh.
constexpr const char* kDelivered = "0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.0.72.0";
constexpr std::int32_t kKilo = 3;
constexpr std::chrono::seconds kClockTolerance{60};  // of the meter's clock against ours
constexpr std::chrono::seconds kPatience{60};        // of one look at the read
constexpr std::chrono::hours kExpiry{1};             // a later register is no final one
constexpr std::size_t kLooked = 20;                  // readings a register, newest first
constexpr int kPriority = commands::kHighestPriority;

}  // namespace

struct FinalRegister::Read {
  std::int32_t utility = 0;
  MeterId meter = 0;
  UtcInstant since{};
  commands::OperationId operation = 0;
  std::function<void(Result<std::string>)> done;
};

Result<std::string> stored_register(storage::Database& readings, MeterId meter, UtcInstant since, UtcInstant now) {
  storage::NearQuery query;
  const UtcInstant last = now + kClockTolerance;
  query.targets = {{meter, last, {since - kClockTolerance, last}}};
  query.filter = [](const storage::ChannelInfo& channel) { return channel.reading_type == kDelivered; };
  query.before = kLooked;
  query.after = 0;
  query.layer = storage::Layer::Raw;
  const auto page = storage::RegisterSearch(readings).near(query);
  if (!page.ok()) return transient(page.refusal().message);
  const storage::RegisterRow* newest = nullptr;
  for (const storage::NearRow& near : page->rows) {
    // Who dates it by receipt does not say when it was read; and what was estimated or is suspect is no register.
    const auto quality = page->dictionary.qualities.find(near.row.quality);
    if (near.row.time_source == TimeSource::Receipt || quality == page->dictionary.qualities.end() ||
        weight_of(quality->second) != Weight::Full)
      continue;
    if (newest == nullptr || near.row.at > newest->at) newest = &near.row;
  }
  if (newest == nullptr) return permanent("the read brought no register of delivered energy");
  const auto kwh = newest->value.shifted(-kKilo);
  if (!kwh) return permanent("the register is beyond what a number can hold");
  return kwh->to_string() + " kWh as of " + to_text(newest->at);
}

void FinalRegister::read(const storage::SwitchOperation& operation,
                         std::function<void(Result<std::string>)> done) {
  const auto read = std::make_shared<Read>();
  read->utility = operation.asked.utility;
  read->meter = operation.asked.meter_id;
  read->since = operation.claimed_at.value_or(operation.sent_at.value_or(operation.asked.created_at));
  read->done = std::move(done);
  commands::Request request;
  request.utility = read->utility;
  request.kind = commands::OperationKind::Read;
  request.meters = {operation.asked.meter};
  request.caller = storage::kOwnCaller;
  request.request_id = "final-register-" + std::to_string(operation.id);
  request.order_id = operation.asked.order_id;
  request.purpose = "final register of switch operation " + std::to_string(operation.id);
  request.priority = kPriority;
  request.expiry = kExpiry;
  parts_.commands->submit(std::move(request), [this, read](commands::Reply<commands::Submitted> told) {
    if (!told.ok()) return finish(read, permanent(told.refused().refusal.message));
    read->operation = told->operation.id;
    follow(read, 0);
  });
}

void FinalRegister::follow(const std::shared_ptr<Read>& read, std::uint64_t seen) {
  if (stopping_) return;
  parts_.commands->follow(read->operation, seen, kPatience,
                          [this, read](commands::Reply<commands::Followed> told) {
                            if (!told.ok()) return finish(read, permanent(told.refused().refusal.message));
                            if (told->live) return follow(read, told->version);
                            if (stopping_) return;
                            parts_.pool.post([this, read] { read->done(outcome(*read)); });
                          });
}

void FinalRegister::finish(const std::shared_ptr<Read>& read, Result<std::string> result) {
  if (stopping_) return;
  parts_.pool.post([read, result = std::move(result)] { read->done(result); });
}

Result<std::string> FinalRegister::outcome(const Read& read) {
  const auto targets = storage::Operations(parts_.readings).targets(read.utility, read.operation, {});
  if (!targets.ok()) return transient(targets.refusal().message);
  if (targets->items.empty()) return permanent("the read is not kept");
  const storage::OperationTarget& target = targets->items.front();
  if (target.state != storage::TargetState::Succeeded) {
    return permanent("the read ended " + std::string(storage::name_of(target.state)) +
                     (target.answer.reason.empty() ? "" : ": " + target.answer.reason));
  }
  return stored_register(parts_.readings, read.meter, read.since, parts_.clock.now());
}

}  // namespace ami::daemon::switching
