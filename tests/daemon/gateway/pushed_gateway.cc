// The daemon with made-up families, one that is pushed to and some that are asked, as a process of its own: tests
// kill it.
#include <csignal>
#include <cstdio>
#include <iostream>

#include "daemon/config/gateway_config.h"
#include "daemon/gateway/failpoint_kill.h"
#include "daemon/gateway/gateway.h"
#include "tests/daemon/support/line_command_family.h"
#include "tests/daemon/support/line_order_family.h"
#include "tests/daemon/support/line_push_family.h"

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: pushed-gatewayd [--config] CONFIG\n");
    return 2;
  }
  std::vector<std::unique_ptr<ami::sdk::AdapterFamily>> families;
  families.push_back(ami::daemon::testing::line_push_family());
  families.push_back(ami::daemon::testing::line_command_family());
  families.push_back(ami::daemon::testing::line_switch_family());
  families.push_back(ami::daemon::testing::line_order_family());
  auto loaded = ami::daemon::load_gateway_config(argv[argc - 1], families);
  if (!loaded.problems.empty()) {
    std::cerr << ami::sdk::to_text(loaded.problems);
    return 2;
  }
  std::signal(SIGPIPE, SIG_IGN);
  ami::daemon::Log log;
  log.configure(loaded.config.log_level, loaded.config.log_format);
  if (const auto set = ami::daemon::set_failpoint_from_environment(log); !set) {
    std::cerr << set.error().message << '\n';
    return 2;
  }
  ami::daemon::Gateway gateway(std::move(loaded.config), families, log, "test");
  return gateway.run();
}
