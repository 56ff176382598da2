// A store of energy and a watch over the book in memory, filled by tests.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "daemon/switching/stored_evidence.h"
#include "storage/contract/switch_watch.h"

namespace ami::daemon::switching {

struct FakeEnergy final : EvidenceSource {
  Answer<News> news(std::int32_t utility, const std::vector<MeterId>& meters) override;
  Answer<StoredEnergy> energy(MeterId meter, UtcInstant since, UtcInstant from, UtcInstant until) override;
  // As a file that arrives: the values stand, and the feed tells of the meter.
  void arrives(MeterId meter, EnergyChannel channel);

  std::map<MeterId, StoredEnergy> stored;
  std::map<MeterId, UtcInstant> changed;
  std::set<std::int32_t> known;
  bool away = false;
  int asked = 0;  // for energy
  std::optional<UtcInstant> asked_from;  // the last time
  std::set<UtcInstant> fails_since;      // questions that can never be answered, by their `since`
};

struct FakeWatch final : storage::SwitchWatch {
  Answer<std::vector<storage::WatchedSwitch>> watched(UtcInstant late) override;
  Answer<std::vector<storage::ToldPosition>> positions(MeterId meter, UtcInstant from, UtcInstant until) override;
  Answer<std::vector<storage::SwitchMeter>> meters(std::int32_t utility, MeterId after, std::size_t limit) override;
  Answer<std::map<MeterId, storage::SwitchOperation>> last_asked(const std::vector<MeterId>& meters) override;
  Answer<std::map<MeterId, storage::ToldPosition>> newest_told(const std::vector<MeterId>& meters,
                                                               UtcInstant since) override;

  std::function<std::vector<storage::WatchedSwitch>()> watching = [] { return std::vector<storage::WatchedSwitch>{}; };
  std::map<MeterId, std::vector<storage::ToldPosition>> told;
  std::vector<storage::SwitchMeter> all;
  std::map<MeterId, storage::SwitchOperation> asked;
  bool away = false;
};

// Quarter hours, in kWh; "-" is a hole.
EnergyChannel quarters(UtcInstant start, const std::vector<const char*>& values,
                       EnergyFlow flow = EnergyFlow::Delivered);

}  // namespace ami::daemon::switching
