// fieldsim: a field of simulated networks, with a ledger of what it truly sent and did.
#include <CLI/CLI.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>

#include "tools/fieldsim/simulation.h"

namespace {

namespace asio = boost::asio;
using namespace ami;
using namespace ami::fieldsim;

constexpr int kDone = 0, kFailed = 1, kUsage = 2;

constexpr const char* kAbout =
    "Simulates meter networks: virtual meters behind the far sides of the module families, as a scenario "
    "says, so that "
    "a gateway has something to talk to. Writes a ledger of what was truly sent and truly done, to compare a "
    "store with "
    "(`amictl demo-check LEDGER`), the fleet for `amictl meters import`, and the ports that were opened.";
constexpr const char* kFooter =
    "Every key of a scenario: docs/fieldsim.md, or --schema. Files that a scenario names are below "
    "--base-dir. SIGTERM "
    "and SIGINT stop it in order. Exit codes: 0 done, 1 failed, 2 usage or scenario.";

struct Given {
  std::string scenario, ledger, base_dir = ".";
  double time_factor = 0;
  bool check = false, schema = false, verbose = false;
};

int tell(const std::vector<sdk::Problem>& problems) {
  std::cerr << sdk::to_text(problems);
  return kUsage;
}

sdk::Awaitable<void> carry_out(Simulation& simulation, asio::signal_set& signals, int& code) {
  const Outcome outcome = co_await simulation.run();
  signals.cancel();
  if (outcome) co_return;
  std::cerr << "fieldsim: " << outcome.error().message << '\n';
  code = kFailed;
}

int run(Simulation& simulation, asio::io_context& io) {
  asio::signal_set signals(io, SIGTERM, SIGINT);
  signals.async_wait([&](const boost::system::error_code& error, int) {
    if (!error) simulation.stop();
  });
  int code = kDone;
  asio::co_spawn(io, carry_out(simulation, signals, code), [](const std::exception_ptr& thrown) {
    if (thrown) std::rethrow_exception(thrown);
  });
  io.run();
  return code;
}

int start(const Given& given, const CLI::App& app) {
  std::ifstream file(given.scenario, std::ios::binary);
  const std::string yaml(std::istreambuf_iterator<char>(file), {});
  if (!file) {
    std::cerr << "fieldsim: " << given.scenario << " cannot be read\n";
    return kUsage;
  }
  Overrides overrides;
  overrides.base_dir = given.base_dir;
  if (app.count("--time-factor") > 0) overrides.time_factor = given.time_factor;
  if (app.count("--ledger") > 0) overrides.ledger = given.ledger;
  const UtcInstant now = std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
  ReadScenario read = read_scenario(yaml, given.scenario, networks(), overrides, now);
  if (!read.problems.empty()) return tell(read.problems);

  asio::io_context io(1);
  SimulationSettings settings;
  settings.base_dir = given.base_dir;
  settings.check_only = given.check;
  settings.verbose = given.verbose;
  std::unique_ptr<Simulation> simulation;
  const auto problems = Simulation::create(read.scenario, settings, io.get_executor(), simulation);
  if (!problems.empty()) return tell(problems);
  if (!given.check) return run(*simulation, io);
  std::size_t meters = 0;
  for (const Shown& one : simulation->shown()) meters += one.world.size();
  std::cout << given.scenario << ": good; " << read.scenario.networks.size() << " networks, " << meters
            << " meters\n";
  return kDone;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(kAbout, "fieldsim");
  app.footer(kFooter);
  app.set_version_flag("--version", AMI_VERSION);
  Given given;
  app.add_option("--scenario", given.scenario, "what the field is and what goes wrong in it (YAML)");
  app.add_option("--ledger", given.ledger, "the ledger's file, instead of the scenario's");
  app.add_option("--base-dir", given.base_dir, "folder of all files and folders that the scenario names")
      ->check(CLI::ExistingDirectory)
      ->capture_default_str();
  app.add_option("--time-factor", given.time_factor,
                 "simulated seconds in a second, instead of the scenario's");
  app.add_flag("--check", given.check,
               "only say whether the scenario is good, with file and line of what is not");
  app.add_flag("--schema", given.schema, "print every key of a scenario with its meaning, in Markdown");
  app.add_flag("--verbose", given.verbose, "log at level debug, too");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kDone : kUsage;
  }
  if (given.schema) {
    std::cout << sdk::reference_page(scenario_schema(networks()));
    return kDone;
  }
  if (given.scenario.empty()) {
    std::cerr << "fieldsim: --scenario is missing; --help tells more\n";
    return kUsage;
  }
  try {
    return start(given, app);
  } catch (const std::exception& error) {
    std::cerr << "fieldsim: " << error.what() << '\n';
    return kFailed;
  }
}
