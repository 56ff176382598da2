#include "daemon/notify/notify.h"

#include <systemd/sd-daemon.h>
#include <time.h>

#include <algorithm>

namespace ami::daemon {
namespace {

std::string one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

}  // namespace

void Notifier::ready(const std::string& status) const {
  sd_notify(0, ("READY=1\nSTATUS=" + one_line(status)).c_str());
}

void Notifier::status(const std::string& status) const {
  sd_notify(0, ("STATUS=" + one_line(status)).c_str());
}

void Notifier::reloading() const {
  struct timespec now {};
  clock_gettime(CLOCK_MONOTONIC, &now);
  const auto microseconds = std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::seconds{now.tv_sec} + std::chrono::nanoseconds{now.tv_nsec});
  sd_notify(0, ("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(microseconds.count())).c_str());
}

void Notifier::stopping() const {
  sd_notify(0, "STOPPING=1\nSTATUS=finishing work under way");
}
void Notifier::watchdog() const {
  sd_notify(0, "WATCHDOG=1");
}

std::optional<std::chrono::microseconds> Notifier::watchdog_period() const {
  std::uint64_t period = 0;
  if (sd_watchdog_enabled(0, &period) <= 0 || period == 0) return std::nullopt;
  return std::chrono::microseconds{period / 2};
}

}  // namespace ami::daemon
