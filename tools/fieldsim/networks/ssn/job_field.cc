#include "tools/fieldsim/networks/ssn/job_field.h"

#include <algorithm>
#include <utility>

namespace ami::fieldsim::ssn {
namespace {

using uiq_job::Operation;
using uiq_job::peer::Deed;
using uiq_job::peer::Device;
using uiq_job::peer::Job;
using virtual_meter::Collected;
using virtual_meter::SwitchInput;

constexpr std::string_view kBy = "UtilityIQ job";
constexpr std::chrono::hours kRecordedBefore{24};  // of a job that states no period

std::string value(const uiq_job::Values& values, std::string_view name) {
  const auto found = values.find(name);
  return found == values.end() ? std::string() : found->second;
}

}  // namespace

JobField::JobField(std::string network, Surroundings around, uiq_job::peer::SimulatedJobs& jobs,
                   Exporter exporter)
    : network_(std::move(network)), around_(around), jobs_(jobs), export_(std::move(exporter)) {}

bool JobField::asks(const Job& job, const char* placeholder, std::string_view what) const {
  const std::string word = value(job.values, placeholder);
  return !word.empty() && word == jobs_.site().action_word(what);
}

std::string JobField::command_of(const Job& job) const {
  if (job.added_by == Operation::AddPingJob) return "ping";
  if (job.added_by == Operation::AddReadJob)
    return asks(job, "read_type", "read_lp") || asks(job, "action", "read_lp") ? "backfill" : "read";
  if (asks(job, "action", "disconnect")) return "open";
  if (asks(job, "action", "connect")) return "close";
  return asks(job, "action", "switch_state") ? "switch_state" : value(job.values, "action");
}

void JobField::write(const Told& of, std::string_view step, std::string_view result) {
  around_.ledger.command({network_, of.meter, step, of.command, of.transaction, kBy, result, {},
                          around_.services.clock.now()});
}

void JobField::scheduled(Job& job) {
  const Fate fate = around_.courier.fate();
  job.takes = fate.after;
  job.never_ends = job.never_ends || fate.lost;
  const std::string mac = value(job.values, "mac"), name = value(job.values, "job_name");
  Told told;
  const auto known = names_.find(mac);
  told.meter = known == names_.end() ? mac : known->second;
  told.transaction = name.empty() ? job.id : name;
  told.command = command_of(job);
  ++requests_;
  write(told, "received", {});
  if (job.never_ends) write(told, "expired", "the job never ends");
  const bool ends = !job.never_ends;
  told_[job.id] = std::move(told);
  if (!ends) return;
  ++under_way_;
  // Carried out when it ends, not when somebody asks what became of it.
  Parcel end{"job-" + job.id, "answer", {}, Content(network_)};
  end.send = [this]() -> sdk::Awaitable<bool> {
    jobs_.pass(around_.services.clock.now());
    co_return true;
  };
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*job.begins + job.takes - job.added);
  around_.courier.carry(std::move(end), Fate{false, 1, left});
}

Deed JobField::carry_out(const Job& job, const Device& device) {
  Told& of = told_[job.id];
  if (!of.done && under_way_ > 0) --under_way_;
  of.done = true;
  of.meter = device.name;
  const auto meter = around_.world.find(device.name);
  if (!meter) {
    write(of, "executed", "no_answer");
    return {false};
  }
  const MeterIndex answering = around_.world.answering_for(*meter);
  if (of.command == "ping") {
    const bool powered = around_.world.powered(answering);
    write(of, "executed", powered ? "done" : "no_answer");
    return {powered};
  }
  if (job.added_by == Operation::AddProvisioningJob) return provision(job, answering, of);
  if (of.command == "backfill") {
    const UtcInstant now = around_.services.clock.now();
    const auto from = parse_instant(value(job.values, "from")), to = parse_instant(value(job.values, "to"));
    Collected recorded =
        around_.world.recorded(*meter, from ? *from : now - kRecordedBefore, to ? *to : now);
    const bool answers = !recorded.readings.empty() || !recorded.intervals.empty();
    write(of, "executed", answers ? "done" : "no_answer");
    // The head-end's records: what the registers showed then is not among them.
    recorded.readings.clear();
    if (!recorded.intervals.empty()) export_(std::move(recorded));
    return {answers};
  }
  const auto reading = around_.world.read_now(answering, of.transaction, kBy);
  if (!reading) return {false};
  Collected collected;
  collected.meter = device.name;
  collected.ke_wh = reading->identity.ke_wh;
  collected.readings = {*reading};
  export_(std::move(collected));
  return {};
}

Deed JobField::provision(const Job& job, MeterIndex meter, const Told& of) {
  Deed deed;
  if (of.command == "switch_state") {
    const bool powered = around_.world.powered(meter);
    const auto state = powered ? around_.world.switch_state(meter) : std::nullopt;
    deed.answers = powered;
    if (powered && !state) deed.fault = "no switch";
    deed.open = state && virtual_meter::is_open(*state);
    write(of, "executed", !powered ? "no_power" : state ? "done" : "no_switch");
    return deed;
  }
  if (of.command != "open" && of.command != "close") {
    deed.fault = "no such action: " + value(job.values, "action");
    write(of, "executed", "refused");
    return deed;
  }
  const Effect effect = around_.world.act(
      meter, of.command == "open" ? SwitchInput::Disconnect : SwitchInput::Connect, of.transaction, kBy);
  deed.answers = effect.result != "no_power" && effect.result != "no_answer";
  deed.open = effect.state && virtual_meter::is_open(*effect.state);
  if (!effect.ok()) deed.fault = std::string(effect.result);
  return deed;
}

void JobField::settle() {
  const auto& asked = jobs_.ledger();
  for (; seen_ < asked.size(); ++seen_) {
    const auto& entry = asked[seen_];
    if (entry.operation != Operation::ReadResults && entry.operation != Operation::ProvisioningResults &&
        entry.operation != Operation::PingResults)
      continue;
    const auto found = told_.find(value(entry.values, "job"));
    if (found == told_.end() || !found->second.done || found->second.told) continue;
    found->second.told = true;
    write(found->second, "told", {});
  }
}

}  // namespace ami::fieldsim::ssn
