#include "adapters/wire/uiq_job/peer/simulated_jobs.h"

#include <algorithm>
#include <utility>

namespace ami::uiq_job::peer {
namespace {

constexpr int kFirstJob = 4711;
constexpr const char* kElsewhere = "00:13:50:ff:ff:ff:ff:ff";

std::string value(const Values& values, std::string_view name) {
  const auto found = values.find(name);
  return found == values.end() ? std::string() : found->second;
}

}  // namespace

void SimulatedJobs::order(Operation operation, Disorder disorder, int times) {
  disorders_[operation].insert(disorders_[operation].end(), static_cast<std::size_t>(times), disorder);
}

Disorder SimulatedJobs::next_disorder(Operation operation) {
  std::deque<Disorder>& waiting = disorders_[operation];
  if (waiting.empty()) return Disorder::None;
  const Disorder next = waiting.front();
  waiting.pop_front();
  return next;
}

std::size_t SimulatedJobs::asked(Operation operation) const {
  return static_cast<std::size_t>(std::count_if(
      ledger_.begin(), ledger_.end(), [&](const Entry& entry) { return entry.operation == operation; }));
}

const Device* SimulatedJobs::device(std::string_view name) const {
  const auto found =
      std::find_if(devices_.begin(), devices_.end(), [&](const Device& one) { return one.name == name; });
  return found == devices_.end() ? nullptr : &*found;
}

const Device* SimulatedJobs::by_mac(std::string_view mac) const {
  const auto found =
      std::find_if(devices_.begin(), devices_.end(), [&](const Device& one) { return one.mac == mac; });
  return found == devices_.end() ? nullptr : &*found;
}

std::optional<UtcInstant> SimulatedJobs::end_of(const Job& job) const {
  if (!job.begins || job.never_ends) return std::nullopt;
  return *job.begins + job.takes;
}

bool SimulatedJobs::ended(const Job& job, UtcInstant now) const {
  const std::optional<UtcInstant> end = end_of(job);
  return end && *end <= now;
}

void SimulatedJobs::pass(UtcInstant now) {
  for (Job& job : jobs_) {
    if (job.carried_out || job.fails || !ended(job, now)) continue;
    job.carried_out = true;
    const std::string mac = value(job.values, "mac");
    const auto device =
        std::find_if(devices_.begin(), devices_.end(), [&](const Device& one) { return one.mac == mac; });
    if (device == devices_.end()) continue;
    if (field_ != nullptr) {
      deeds_[job.id] = field_->carry_out(job, *device);
      continue;
    }
    if (!device->answers || job.added_by != Operation::AddProvisioningJob) continue;
    const std::string action = value(job.values, "action");
    if (action == site_.action_word("disconnect")) device->open = true;
    if (action == site_.action_word("connect")) device->open = false;
  }
}

SimulatedJobs::Reply SimulatedJobs::answer(std::string_view message, UtcInstant now) {
  pass(now);
  const auto asked = decode_call(site_, message);
  if (!asked) {
    ++unread_;
    return {500, encode_fault(site_, asked.error().message)};
  }
  ledger_.push_back({now, asked->operation, asked->values});
  const Disorder disorder = next_disorder(asked->operation);
  if (disorder == Disorder::SoapFault) return {500, encode_fault(site_, "ordered to refuse")};
  const std::string body = perform(*asked, now, disorder);
  if (disorder == Disorder::LostAnswer) return {502, {}, true};
  if (disorder == Disorder::Garbage) return {200, "\x01\x02 not XML"};
  if (disorder == Disorder::EntityBomb)
    return {200, "<!DOCTYPE a [<!ENTITY b \"bbbb\"><!ENTITY c \"&b;&b;\">]><a>&c;</a>"};
  const bool fault = body.find(":Fault>") != std::string::npos;
  return {fault ? 500 : 200, body};
}

std::string SimulatedJobs::perform(const Asked& asked, UtcInstant now, Disorder disorder) {
  switch (asked.operation) {
    case Operation::FindDevice:
      return find(asked.values, disorder);
    case Operation::AddReadJob:
    case Operation::AddProvisioningJob:
    case Operation::AddPingJob:
      return add_job(asked, now, disorder);
    default:
      break;
  }
  const auto job = std::find_if(jobs_.begin(), jobs_.end(),
                                [&](const Job& one) { return one.id == value(asked.values, "job"); });
  if (job == jobs_.end()) return encode_fault(site_, "no job of that id");
  if (asked.operation == Operation::JobStatus) return status(*job, now, disorder);
  if (asked.operation != Operation::ActivateJob) return results(asked.operation, *job, now, disorder);
  if (job->begins) return encode_fault(site_, "the job is active already");
  schedule(*job, now + timing_.waits);
  return encode_answer(site_, asked.operation, {});
}

std::string SimulatedJobs::find(const Values& values, Disorder disorder) const {
  std::vector<Row> rows;
  if (disorder == Disorder::OtherDevice) rows.push_back({{"meter", "somebody-else"}, {"mac", kElsewhere}});
  const bool plain = disorder != Disorder::OtherDevice && disorder != Disorder::NothingFound;
  for (const Device& one : devices_) {
    if (plain && one.name == value(values, "meter"))
      rows.push_back({{"meter", one.name}, {"mac", one.mac}, {"state", "Active"}});
  }
  return encode_answer(site_, Operation::FindDevice, rows);
}

std::string SimulatedJobs::add_job(const Asked& asked, UtcInstant now, Disorder disorder) {
  if (by_mac(value(asked.values, "mac")) == nullptr) return encode_fault(site_, "no device of that MAC id");
  Job job;
  job.id = std::to_string(kFirstJob + static_cast<int>(jobs_.size()));
  job.added_by = asked.operation;
  job.values = asked.values;
  job.added = now;
  job.fails = disorder == Disorder::JobFails;
  job.never_ends = disorder == Disorder::NeverEnds;
  if (timing_.starts_by_itself) schedule(job, now + timing_.waits);
  jobs_.push_back(job);
  std::vector<Row> rows;
  if (disorder != Disorder::NoJobId) rows.push_back({{"job", job.id}});
  return encode_answer(site_, asked.operation, rows);
}

void SimulatedJobs::schedule(Job& job, UtcInstant begins) {
  job.begins = begins;
  job.takes = timing_.takes;
  if (field_ != nullptr) field_->scheduled(job);
}

std::string SimulatedJobs::status(const Job& job, UtcInstant now, Disorder disorder) const {
  std::string word = words_.not_started;
  if (job.begins && *job.begins <= now) word = words_.running;
  if (ended(job, now)) word = job.fails ? words_.failure : words_.completed;
  if (disorder == Disorder::StrangeWord) word = "Pondering";
  return encode_answer(site_, Operation::JobStatus, {{{"status", word}, {"job", job.id}}});
}

std::string SimulatedJobs::results(Operation operation, const Job& job, UtcInstant now,
                                   Disorder disorder) const {
  std::vector<Row> rows;
  if (ended(job, now) && disorder != Disorder::NothingFound) {
    const std::string mac = value(job.values, "mac");
    const Device* device = by_mac(mac);
    Row row{{"mac", mac}, {"word", words_.success}, {"time", to_text(*end_of(job))}};
    if (disorder == Disorder::OtherDevice) row["mac"] = kElsewhere;
    const auto of_field = deeds_.find(job.id);
    const Deed deed = of_field != deeds_.end() ? of_field->second
                      : device == nullptr      ? Deed{false}
                                               : Deed{device->answers, device->open};
    if (!deed.answers) {
      row["word"] = words_.no_response;
    } else if (value(job.values, "action") == site_.action_word("switch_state")) {
      row["word"] = deed.open ? words_.open : words_.closed;
    }
    if (job.fails || !deed.fault.empty()) {
      row["word"] = words_.failure;
      row["fault"] = job.fails ? "the job was ordered to fail" : deed.fault;
    }
    if (disorder == Disorder::StrangeWord) row["word"] = "Perhaps";
    rows.push_back(std::move(row));
  }
  return encode_answer(site_, operation, rows);
}

}  // namespace ami::uiq_job::peer
