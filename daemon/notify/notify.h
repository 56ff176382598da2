// What systemd is told about this service (sd_notify). All calls do nothing outside systemd.
#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace ami::daemon {

// Thread-safe. NOTIFY_SOCKET and WATCHDOG_USEC are read from the environment at each call.
class Notifier {
 public:
  void ready(const std::string& status) const;
  void status(const std::string& status) const;  // one line, shown by systemctl status
  void reloading() const;                        // carries the monotonic time that Type=notify-reload needs
  void stopping() const;
  void watchdog() const;
  // Half of WatchdogSec: how often watchdog() has to be called. nullopt = no watchdog for this process.
  [[nodiscard]] std::optional<std::chrono::microseconds> watchdog_period() const;
};

}  // namespace ami::daemon
