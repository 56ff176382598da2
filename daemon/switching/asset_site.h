// What is known of a meter now, out of asset data, the notice that binds its utility, the feeds that run and
// what the site has configured. Looked up anew each time, so that what is about to leave is judged by what
// holds then.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "daemon/commands/routes.h"
#include "daemon/regime/regime.h"
#include "daemon/switching/engine.h"
#include "storage/postgres/switched_meter.h"

namespace ami::daemon::switching {

// A feed as far as switching goes.
struct SwitchFeed {
  commands::FeedFacts facts;
  std::chrono::seconds flight{360};  // expiry at the far side and grace
};

// What the meters behind a feed, or behind all feeds of a family, can show.
struct SiteMeans {
  std::string feed, family;  // one of them
  EvidenceMeans means;
  int minimum = kReported;
};
struct UtilitySite {
  std::vector<SiteMeans> means;
  std::vector<SiteShown> shown;
};

// Immutable in use.
struct SiteFacts {
  std::shared_ptr<const regime::Regimes> regimes = std::make_shared<const regime::Regimes>();
  std::map<std::string, UtilitySite> utilities;  // by key
  std::vector<SwitchFeed> feeds;
};

// Thread-safe; meter() blocks.
class AssetSite final : public Site {
 public:
  explicit AssetSite(storage::Database& database) : meters_(database) {}
  void put(std::shared_ptr<const SiteFacts> facts);
  [[nodiscard]] std::shared_ptr<const SiteFacts> facts() const;
  Answer<MeterNow> meter(std::int32_t utility, const std::string& key, UtcInstant now) override;

 private:
  storage::SwitchedMeters meters_;
  mutable std::mutex mutex_;
  std::shared_ptr<const SiteFacts> facts_ = std::make_shared<const SiteFacts>();
};

// The same without a database.
MeterNow meter_now(const SiteFacts& facts, const storage::SwitchedMeter& meter, UtcInstant now);

}  // namespace ami::daemon::switching
