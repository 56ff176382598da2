#include "daemon/switching/asset_site.h"

#include <algorithm>

namespace ami::daemon::switching {
namespace {

// The number on the meter's face. Two that differ are none: nobody can say which one was read.
std::string serial_of(const storage::MeterWays& ways) {
  std::string serial;
  for (const storage::Alias& name : ways.names) {
    if (name.kind != AliasKind::ManufacturerSerial) continue;
    if (!serial.empty() && serial != name.value) return {};
    serial = name.value;
  }
  return serial;
}

bool switches(const sdk::Capabilities& can) {
  return can.switch_open || can.switch_close || can.switch_arm;
}

bool any(const sdk::Capabilities& /*can*/) {
  return true;
}

// A feed that switches; else whichever reaches it, so that a refusal can name it.
const SwitchFeed* feed_of(const SiteFacts& facts, const storage::SwitchedMeter& meter, std::string& vendor_id) {
  std::vector<commands::FeedFacts> feeds;
  for (const SwitchFeed& feed : facts.feeds) feeds.push_back(feed.facts);
  commands::Route route = commands::route_of(meter.ways, meter.utility.id, {switches, "switching"}, feeds);
  const bool reached = route.reason.empty();
  if (!reached) route = commands::route_of(meter.ways, meter.utility.id, {any, "anything"}, feeds);
  const auto found = std::ranges::find_if(
      facts.feeds, [&](const SwitchFeed& feed) { return feed.facts.name == route.feed; });
  if (!route.reason.empty() || found == facts.feeds.end()) return nullptr;
  if (reached) vendor_id = route.vendor_id;
  return &*found;
}

// A feed that switches, for which the meter has a name: nothing else could go before it.
bool named_for(const storage::SwitchedMeter& meter, const MeterNow& now) {
  return !now.vendor_id.empty() && std::ranges::any_of(meter.ways.names, [&](const storage::Alias& name) {
    return name.feed == now.feed;
  });
}

const SiteMeans* means_of(const UtilitySite& site, const commands::FeedFacts& feed) {
  const SiteMeans* of_family = nullptr;
  for (const SiteMeans& row : site.means) {
    if (!row.feed.empty() && row.feed == feed.name) return &row;
    if (row.feed.empty() && row.family == feed.family) of_family = &row;
  }
  return of_family;
}

}  // namespace

MeterNow meter_now(const SiteFacts& facts, const storage::SwitchedMeter& meter, UtcInstant now) {
  static const UtilitySite kNothing;
  const auto configured = facts.utilities.find(meter.utility.key);
  const UtilitySite& site = configured == facts.utilities.end() ? kNothing : configured->second;
  const regime::Regime regime(facts.regimes, meter.utility);

  MeterNow out;
  out.house = {meter.id, meter.usage_point, serial_of(meter.ways)};
  CapabilityFacts can;
  can.notice = regime.notice();
  if (regime.bound() && regime.notice() == nullptr) can.missing_notice = regime.notice_name();
  can.device = regime::device_of(meter.fitted);
  can.as_of = regime.day_of(now);
  can.shown = site.shown;
  can.evidence = regime.evidence_for(can.device.module);
  out.load_side = LoadSideVoltage::Unreadable;  // no interface of this gateway reads it
  if (const SwitchFeed* feed = feed_of(facts, meter, out.vendor_id)) {
    can.family = feed->facts.family;
    can.can = feed->facts.can;
    out.feed = feed->facts.name;
    out.flight = feed->flight;
    if (const SiteMeans* means = means_of(site, feed->facts)) {
      out.means = means->means;
      out.minimum = means->minimum;
    }
  }
  out.capability = capability_of(can);
  return out;
}

void AssetSite::put(std::shared_ptr<const SiteFacts> facts) {
  const std::lock_guard lock(mutex_);
  facts_ = std::move(facts);
}

std::shared_ptr<const SiteFacts> AssetSite::facts() const {
  const std::lock_guard lock(mutex_);
  return facts_;
}

Answer<MeterNow> AssetSite::meter(std::int32_t utility, const std::string& key, UtcInstant now) {
  const auto known = facts();
  auto found = meters_.at(utility, key, now, false);
  if (!found.ok()) return found.refusal();
  MeterNow out = meter_now(*known, *found, now);
  if (named_for(*found, out)) return out;
  // Which feed its values come from counts next, and is not known yet.
  found = meters_.at(utility, key, now, true);
  if (!found.ok()) return found.refusal();
  return meter_now(*known, *found, now);
}

}  // namespace ami::daemon::switching
