// UtilityIQ's job services, simulated: devices, and jobs that take their time. It reads and writes by the
// same site template as the link, so it proves nothing about the template. A target of its own; the daemon
// never links it.
//
// Not thread-safe. Time is what the caller says it is.
#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/wire/uiq_job/codec/uiq_job.h"
#include "meter_model/time/instant.h"

namespace ami::uiq_job::peer {

struct Device {
  std::string name, mac;
  bool answers = true;  // has power, and the mesh reaches it
  bool open = false;    // its service switch
};

struct Timing {
  std::chrono::seconds waits{2};   // Not Started
  std::chrono::seconds takes{10};  // Running
  bool starts_by_itself = true;    // else it waits for activate_job
};

// Must be words of the template's tables, or what it does not know is tested.
struct Words {
  std::string not_started = "Not Started", running = "Running", completed = "Completed", failure = "Failure";
  std::string success = "Success", no_response = "No Response", open = "Open", closed = "Closed";
};

// What goes wrong, to order.
enum class Disorder {
  None,
  // With any operation:
  SoapFault,   // refused with a fault; nothing is done
  LostAnswer,  // done, but the answer does not arrive
  Garbage,     // done, and answered with what is no XML
  EntityBomb,  // done, and answered with a document type
  // With those that add a job:
  NoJobId,  // added, and answered without the job's id
  JobFails,
  NeverEnds,
  // With answers: find_device, job_status, results:
  OtherDevice,   // a row of another device
  StrangeWord,   // a word that no table knows
  NothingFound,  // no row
};

struct Job {
  std::string id;
  Operation added_by = Operation::AddReadJob;
  Values values;  // of the call that added it
  UtcInstant added{};
  std::optional<UtcInstant> begins{};
  std::chrono::milliseconds takes{};  // once it began
  bool fails = false, never_ends = false, carried_out = false;
};

// What a job that ended found its device like.
struct Deed {
  bool answers = true;
  bool open = false;    // where its service switch stands
  std::string fault{};  // not empty: it failed
};

// A host with meters of its own implements this; without one, devices are as Device says. Called by answer() and
// pass(); must not call back.
class Field {
 public:
  virtual ~Field() = default;
  // A job will begin. Its `takes` and `never_ends` may be set.
  virtual void scheduled(Job& job) = 0;
  // Carries out what a job is for, once for each job, when it ends.
  virtual Deed carry_out(const Job& job, const Device& device) = 0;
};

class SimulatedJobs {
 public:
  SimulatedJobs(SiteTemplate site, Timing timing = {}, Words words = {})
      : site_(std::move(site)), timing_(timing), words_(std::move(words)) {}

  void add(Device device) { devices_.push_back(std::move(device)); }
  void attach(Field& field) { field_ = &field; }  // outlives this
  // Of the next `times` calls of `operation`.
  void order(Operation operation, Disorder disorder, int times = 1);

  struct Reply {
    int status = 200;
    std::string body;
    bool lost = false;  // the connection breaks instead
  };
  Reply answer(std::string_view message, UtcInstant now);
  // Carries out the jobs that have ended by now, as answer() does first: for who cannot wait until somebody asks.
  void pass(UtcInstant now);

  // What was asked, in order; calls that could not be read are not in it.
  struct Entry {
    UtcInstant at;
    Operation operation;
    Values values;
  };
  using Job = peer::Job;
  [[nodiscard]] const std::vector<Entry>& ledger() const noexcept { return ledger_; }
  [[nodiscard]] std::size_t asked(Operation operation) const;
  [[nodiscard]] const std::vector<Job>& jobs() const noexcept { return jobs_; }
  [[nodiscard]] const Device* device(std::string_view name) const;
  [[nodiscard]] std::size_t unread() const noexcept { return unread_; }
  [[nodiscard]] const SiteTemplate& site() const noexcept { return site_; }

 private:
  Disorder next_disorder(Operation operation);
  void schedule(Job& job, UtcInstant begins);
  std::string perform(const Asked& asked, UtcInstant now, Disorder disorder);
  std::string add_job(const Asked& asked, UtcInstant now, Disorder disorder);
  std::string find(const Values& values, Disorder disorder) const;
  std::string status(const Job& job, UtcInstant now, Disorder disorder) const;
  std::string results(Operation operation, const Job& job, UtcInstant now, Disorder disorder) const;
  [[nodiscard]] std::optional<UtcInstant> end_of(const Job& job) const;
  [[nodiscard]] bool ended(const Job& job, UtcInstant now) const;
  [[nodiscard]] const Device* by_mac(std::string_view mac) const;

  const SiteTemplate site_;
  const Timing timing_;
  const Words words_;
  std::vector<Device> devices_;
  std::vector<Job> jobs_;
  std::map<std::string, Deed> deeds_;  // by job, of a field
  Field* field_ = nullptr;
  std::vector<Entry> ledger_;
  std::map<Operation, std::deque<Disorder>> disorders_;
  std::size_t unread_ = 0;
};

}  // namespace ami::uiq_job::peer
