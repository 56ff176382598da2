// The meters of a World behind UtilityIQ's simulated jobs: each job that ends is carried out on its meter, once.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "adapters/wire/uiq_job/peer/simulated_jobs.h"
#include "tools/fieldsim/far_side.h"

namespace ami::fieldsim::ssn {

class JobField : public uiq_job::peer::Field {
 public:
  // A read that was made, or what was recorded: to be exported.
  using Exporter = std::function<void(virtual_meter::Collected)>;

  JobField(std::string network, Surroundings around, uiq_job::peer::SimulatedJobs& jobs, Exporter exporter);

  void scheduled(uiq_job::peer::Job& job) override;
  uiq_job::peer::Deed carry_out(const uiq_job::peer::Job& job, const uiq_job::peer::Device& device) override;
  void know(const uiq_job::peer::Device& device) { names_[device.mac] = device.name; }
  // Writes to the ledger whose results were fetched since the last time.
  void settle();

  [[nodiscard]] std::size_t under_way() const { return under_way_; }
  [[nodiscard]] std::uint64_t requests() const { return requests_; }

 private:
  struct Told {
    std::string meter, transaction, command;
    bool done = false, told = false;
  };
  void write(const Told& of, std::string_view step, std::string_view result);
  uiq_job::peer::Deed provision(const uiq_job::peer::Job& job, MeterIndex meter, const Told& of);
  [[nodiscard]] std::string command_of(const uiq_job::peer::Job& job) const;
  [[nodiscard]] bool asks(const uiq_job::peer::Job& job, const char* placeholder, std::string_view what) const;

  const std::string network_;
  const Surroundings around_;
  uiq_job::peer::SimulatedJobs& jobs_;
  const Exporter export_;
  std::map<std::string, Told> told_;         // by job
  std::map<std::string, std::string> names_;  // by MAC id
  std::size_t seen_ = 0;              // of the service's ledger
  std::size_t under_way_ = 0;
  std::uint64_t requests_ = 0;
};

}  // namespace ami::fieldsim::ssn
