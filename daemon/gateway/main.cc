// ami-gatewayd: between a utility's meter networks and its back office.

#include <malloc.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <iostream>
#include <optional>

#include "adapters/sdk/registration.h"
#include "daemon/config/gateway_config.h"
#include "daemon/gateway/failpoint_kill.h"
#include "daemon/gateway/gateway.h"

namespace {

constexpr int kConfigurationError = 2;
constexpr int kArenas = 2;

int run(int argc, char** argv) {
  CLI::App app{
      "Reads meters' data from their networks' published interfaces, stores it in PostgreSQL and offers it "
      "over "
      "gRPC.\nSIGTERM finishes work under way and ends; SIGHUP reads the configuration again.",
      "ami-gatewayd"};
  std::string config_file;
  std::string simulated_clock;
  bool check = false;
  bool reference = false;
  app.add_option("-c,--config", config_file, "Configuration file, e.g. /etc/ami-gateway/gateway.yaml")
      ->type_name("FILE");
  app.add_flag(
      "--check-config", check,
      "Print every problem of the configuration and of its feed files, then end: 0 good, 2 problems");
  app.add_flag("--print-config-reference", reference,
               "Print all settings with defaults, as Markdown, then end");
  app.add_option("--simulated-clock", simulated_clock,
                 "Demonstrations only (demo: true): the time was START when the machine's clock showed BEGAN, and runs "
                 "FACTOR times as fast")
      ->type_name("START,FACTOR,BEGAN");
  app.set_version_flag("--version", "ami-gatewayd " AMI_VERSION, "Print the version, then end");
  app.footer("Exit codes: 0 ended as asked, 1 failed or ended in haste, 2 wrong usage or configuration.");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kConfigurationError;
  }

  const auto families = ami::sdk::built_in_families();
  if (reference) {
    std::cout << ami::daemon::config_reference(families);
    return 0;
  }
  if (config_file.empty()) {
    std::cerr << "ami-gatewayd: --config FILE is required; see --help\n";
    return kConfigurationError;
  }
  auto loaded = ami::daemon::load_gateway_config(config_file, families);
  if (!loaded.problems.empty()) {
    std::cerr << ami::sdk::to_text(loaded.problems);
    std::cerr << "ami-gatewayd: " << loaded.problems.size() << " problem(s) in the configuration\n";
    return kConfigurationError;
  }
  if (check) {
    std::cout << loaded.config.file << ": no problem; " << loaded.config.feeds.size() << " feed(s), "
              << loaded.config.utilities.size() << " utility(ies)\n";
    return 0;
  }

  std::optional<ami::daemon::SimulatedTime> simulated;
  if (!simulated_clock.empty()) {
    const auto parsed = ami::daemon::parse_simulated_time(simulated_clock);
    if (!parsed || !loaded.config.demo) {
      std::cerr << "ami-gatewayd: --simulated-clock: "
                << (parsed ? std::string("only with demo: true, never at a site") : parsed.error().message) << '\n';
      return kConfigurationError;
    }
    simulated = *parsed;
  }

  std::signal(SIGPIPE, SIG_IGN);  // a peer that went away is an error code, not a signal
  ami::daemon::Log log;
  log.configure(loaded.config.log_level, loaded.config.log_format);
  if (const auto set = ami::daemon::set_failpoint_from_environment(log); !set) {
    std::cerr << "ami-gatewayd: " << set.error().message << '\n';
    return kConfigurationError;
  }
  ami::daemon::Gateway gateway(std::move(loaded.config), families, log, AMI_VERSION, simulated);
  return gateway.run();
}

}  // namespace

int main(int argc, char** argv) {
  // Batches are made on one thread and freed on another; with an arena a thread glibc keeps twice the memory.
  mallopt(M_ARENA_MAX, kArenas);
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "ami-gatewayd: %s\n", error.what());
    return 1;
  }
}
