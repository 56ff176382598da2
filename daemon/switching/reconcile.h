// Each day: where every service switch is meant to be, by the newest operation that may have been done, against
// where it was last told to be, and whether energy flowed while it was meant to be open. What differs is raised and
// kept (storage/contract/switch_findings.h); nothing is ever sent because of it. docs/switching.md
//
// tick() compares a batch of meters a call, so that it never holds up what runs beside it; run() all of a utility at
// once. Both block (they use the store); any thread, one at a time.
#pragma once

#include <chrono>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "daemon/switching/engine.h"
#include "daemon/switching/stored_evidence.h"
#include "storage/contract/switch_findings.h"
#include "storage/contract/switch_watch.h"

namespace ami::daemon::switching {

struct EnergySeen {
  std::string words, source;  // "INTERVALS", "REGISTER"
  std::optional<UtcInstant> at;
};
// What is known of one meter.
struct Standing {
  storage::SwitchMeter meter;
  std::optional<SwitchOperation> asked;       // the newest that may have been done
  std::optional<storage::ToldPosition> told;  // the newest
  bool energy_known = false;                  // it was looked for
  std::optional<EnergySeen> energy;           // since it was opened
};
struct Compared {
  std::vector<storage::SwitchFinding> differ;
  std::vector<storage::SwitchFindings::Agreed> agree;
  bool unknown = false;  // nothing tells where the switch is
};
// Pure. A meter whose operation is under way is in neither: it may move at any moment. One that is not where it was
// operated (any more) agrees: what was meant is meant no longer.
Compared compare(const Standing& standing);

// Energy through a switch that was opened; empty = none in what is stored.
std::optional<EnergySeen> energy_seen(const SwitchOperation& opened, const EvidenceMeans& means,
                                      const std::vector<EvidenceItem>& items);

class Reconciliation {
 public:
  struct Parts {
    storage::SwitchWatch& watch;
    storage::SwitchFindings& findings;
    EvidenceSource& source;
    Site& site;
    std::function<bool()> sends;  // of several gateways the one that sends compares
    std::function<Answer<std::vector<std::int32_t>>()> utilities;
    // Of the meters those that have a service switch, by asset data and approval.
    std::function<Answer<std::set<MeterId>>(std::int32_t, const std::vector<MeterId>&)> with_switch;
    std::function<UtcInstant()> now;
    std::function<void(const storage::SwitchFinding&)> raise;  // once, when it begins
    std::function<void(const storage::SwitchComparison&)> done;
    std::function<void(const std::string&)> trouble;
  };
  struct Settings {
    std::chrono::seconds every{std::chrono::hours{24}};
    std::size_t batch = 500;
    std::chrono::days told_within{400};  // older events tell nothing of a meter that was never operated
    std::chrono::days energy_within{35};
  };
  Reconciliation(Parts parts, Settings settings) : parts_(std::move(parts)), settings_(settings) {}

  // About once a second. A utility is due when its last comparison is `every` old, whoever made it.
  void tick();
  // All of it now, on demand.
  Answer<storage::SwitchComparison> run(std::int32_t utility);

 private:
  struct Run {
    std::int32_t utility = 0;
    MeterId after = 0;
    storage::SwitchComparison so_far;
  };
  bool begin();
  // False: it is through.
  Answer<bool> step(Run& run);
  Answer<std::vector<Standing>> standings(std::int32_t utility, const std::vector<storage::SwitchMeter>& meters);
  Answer<bool> look_for_energy(Standing& standing);

  std::mutex mutex_;
  Parts parts_;
  const Settings settings_;
  std::optional<Run> run_;
  std::optional<UtcInstant> look_again_;
};

}  // namespace ami::daemon::switching
