// Tells people by the log, and counts what it told.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include "daemon/log/log.h"
#include "daemon/switching/engine.h"

namespace ami::daemon::switching {

std::string_view name_of(Watcher::What what);  // "UNRESOLVED", for metrics

// Thread-safe. `log` outlives it.
class LogWatcher final : public Watcher {
 public:
  explicit LogWatcher(const Log& log) : log_(log) {}
  void tell(What what, const SwitchOperation& operation, const std::string& words) override;
  void not_kept(const std::string& why) override;
  [[nodiscard]] std::map<std::string, std::uint64_t> told() const;  // since the start, by name

 private:
  const Log& log_;
  mutable std::mutex mutex_;
  std::map<std::string, std::uint64_t> told_;
};

}  // namespace ami::daemon::switching
