// A field at work: makes networks and meters from a scenario, lets time run, and has each network report when
// it is due.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <memory>
#include <string>
#include <vector>

#include "tools/fieldsim/far_side.h"
#include "tools/fieldsim/scenario/scenario.h"

namespace ami::fieldsim {

struct SimulationSettings {
  std::filesystem::path base_dir = ".";
  bool check_only = false;  // nothing is written or opened
  bool verbose = false;
  Ledger::Wall wall;  // null: the machine's clock
};

// Threads: the executor's one.
class Simulation {
 public:
  // Errors of orders that no meter can carry out, of own keys and of the ledger's file; each with file and
  // line.
  static std::vector<sdk::Problem> create(const Scenario& scenario, SimulationSettings settings,
                                          boost::asio::any_io_executor executor,
                                          std::unique_ptr<Simulation>& out);
  ~Simulation();  // only after run() returned, or when it never ran
  Simulation(const Simulation&) = delete;
  Simulation& operator=(const Simulation&) = delete;

  // Opens the networks, writes books and ports, runs until the scenario's length or stop(), brings what is on
  // its way (not after stop(): then it is lost), and closes the ledger. Errors: what could not be opened or
  // written.
  sdk::Awaitable<Outcome> run();
  // From the executor.
  void stop();

  [[nodiscard]] std::vector<Shown> shown();
  [[nodiscard]] SimulatedClock& clock();
  [[nodiscard]] sdk::Services services();
  [[nodiscard]] bool running() const;  // the networks are open

 private:
  class Core;
  explicit Simulation(std::unique_ptr<Core> core);
  std::unique_ptr<Core> core_;
};

}  // namespace ami::fieldsim
