#include "daemon/gateway/failpoint_kill.h"

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <charconv>
#include <cstdlib>
#include <string>
#include <string_view>

#include "daemon/log/messages.h"
#include "meter_model/failpoint.h"

namespace ami::daemon {
namespace {

// A failpoint's handler is a plain function, so what it knows is kept here.
struct Plan {
  std::string name;
  std::atomic<int> passings_left{0};
};
Plan& plan() {
  static Plan only;
  return only;
}

void kill_at_the_planned_passing(const char* name) {
  if (plan().name == name && plan().passings_left.fetch_sub(1) == 1) ::kill(::getpid(), SIGKILL);
}

}  // namespace

Outcome set_failpoint_from_environment(const Log& log) {
  const char* variable = std::getenv("AMI_FAILPOINT");
  if (variable == nullptr) return Done{};
  const std::string_view text = variable;
  const auto colon = std::min(text.find(':'), text.size());
  int passing = 1;
  bool good = colon > 0;
  if (colon < text.size()) {
    const auto number = text.substr(colon + 1);
    const auto [rest, error] = std::from_chars(number.data(), number.data() + number.size(), passing);
    good = good && error == std::errc{} && rest == number.data() + number.size() && passing > 0;
  }
  if (!good) return permanent("AMI_FAILPOINT must be NAME or NAME:N with N from 1, not '" + std::string(text) + "'");
  plan().name = text.substr(0, colon);
  plan().passings_left = passing;
  failpoint_handler = kill_at_the_planned_passing;
  log.write(messages::kFailpointSet, {{"point", plan().name}, {"passing", std::to_string(passing)}});
  return Done{};
}

}  // namespace ami::daemon
