// What goes on after operations of a gateway's switches: later evidence, and the daily comparison. Both in one
// place, over PostgreSQL, told to the log.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <string>

#include "daemon/log/log.h"
#include "daemon/switching/asset_site.h"
#include "daemon/switching/late_evidence.h"
#include "daemon/switching/reconcile.h"
#include "storage/postgres/assets.h"
#include "storage/postgres/switch_findings.h"
#include "storage/postgres/switch_watch.h"

namespace ami::daemon::switching {

struct AftercareFigures {
  std::map<std::string, std::uint64_t> raised;  // findings that began, since the start, by kind
  std::uint64_t looks = 0;                      // at stored evidence, since the start
  std::int64_t differences = 0;                 // open after the last comparison that this gateway made
};

class Aftercare {
 public:
  struct Parts {
    storage::Database& book;      // by a login of role ami_switch
    storage::Database& readings;  // values, changes, asset data
    Engine& engine;
    AssetSite& site;
    std::function<UtcInstant()> now;
    std::function<Engine::Steady()> steady;
    const Log& log;
  };
  struct Settings {
    std::chrono::seconds compare_every{std::chrono::hours{24}};
    std::chrono::milliseconds look_every{30'000};
  };
  Aftercare(Parts parts, Settings settings);

  // About once a second, by one thread at a time. Blocks, a second perhaps: not where a lease is renewed.
  void tick();
  // Compares all of a utility now. Blocks; any thread.
  Answer<storage::SwitchComparison> compare(std::int32_t utility) { return reconciliation_.run(utility); }
  [[nodiscard]] storage::SwitchFindings& findings() noexcept { return findings_; }
  [[nodiscard]] storage::SwitchWatch& watch() noexcept { return watch_; }
  [[nodiscard]] AftercareFigures figures() const;  // any thread

 private:
  LateEvidence::Parts late_parts();
  Reconciliation::Parts reconcile_parts();
  Answer<std::vector<std::int32_t>> utilities();
  void raise(const storage::SwitchFinding& finding);
  void compared(const storage::SwitchComparison& comparison);
  void trouble(const std::string& words);

  Parts parts_;
  storage::Assets assets_;
  storage::PostgresSwitchWatch watch_;
  storage::PostgresSwitchFindings findings_;
  StoredEvidence source_, compare_source_;
  LateEvidence late_;
  Reconciliation reconciliation_;
  mutable std::mutex mutex_;  // guards figures_
  AftercareFigures figures_;
};

}  // namespace ami::daemon::switching
