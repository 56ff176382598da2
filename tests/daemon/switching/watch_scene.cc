#include "tests/daemon/switching/watch_scene.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace ami::daemon::switching {
namespace {

storage::Refusal gone() {
  storage::Refusal out;
  out.kind = storage::Refusal::Kind::Unavailable;
  out.message = "away";
  return out;
}

}  // namespace

Answer<News> FakeEnergy::news(std::int32_t utility, const std::vector<MeterId>& meters) {
  if (away) return gone();
  News out;
  out.all = known.insert(utility).second;
  for (const auto& [meter, at] : std::exchange(changed, {})) {
    if (std::ranges::find(meters, meter) != meters.end()) out.since[meter] = at;
  }
  return out;
}

Answer<StoredEnergy> FakeEnergy::energy(MeterId meter, UtcInstant since, UtcInstant from, UtcInstant /*until*/) {
  ++asked;
  asked_from = from;
  if (away || fails_since.contains(since)) return gone();
  return stored[meter];
}

void FakeEnergy::arrives(MeterId meter, EnergyChannel channel) {
  const UtcInstant first = channel.slots.begin()->first;
  const auto [at, fresh] = changed.emplace(meter, first);
  if (!fresh) at->second = std::min(at->second, first);
  for (EnergyChannel& one : stored[meter].channels) {
    if (one.flow != channel.flow || one.length != channel.length) continue;
    for (const auto& [start, value] : channel.slots) one.slots[start] = value;
    return;
  }
  stored[meter].channels.push_back(std::move(channel));
}

Answer<std::vector<storage::WatchedSwitch>> FakeWatch::watched(UtcInstant /*late*/) {
  if (away) return gone();
  return watching();
}

Answer<std::vector<storage::ToldPosition>> FakeWatch::positions(MeterId meter, UtcInstant from, UtcInstant until) {
  std::vector<storage::ToldPosition> out;
  for (const storage::ToldPosition& one : told[meter]) {
    if (one.at >= from && one.at < until) out.push_back(one);
  }
  return out;
}

Answer<std::vector<storage::SwitchMeter>> FakeWatch::meters(std::int32_t /*utility*/, MeterId after,
                                                            std::size_t limit) {
  if (away) return gone();
  std::vector<storage::SwitchMeter> out;
  for (const storage::SwitchMeter& meter : all) {
    if (meter.id > after && out.size() < limit) out.push_back(meter);
  }
  return out;
}

Answer<std::map<MeterId, storage::SwitchOperation>> FakeWatch::last_asked(const std::vector<MeterId>& meters) {
  std::map<MeterId, storage::SwitchOperation> out;
  for (const MeterId meter : meters) {
    if (const auto found = asked.find(meter); found != asked.end()) out.insert(*found);
  }
  return out;
}

Answer<std::map<MeterId, storage::ToldPosition>> FakeWatch::newest_told(const std::vector<MeterId>& meters,
                                                                        UtcInstant since) {
  std::map<MeterId, storage::ToldPosition> out;
  for (const MeterId meter : meters) {
    for (const storage::ToldPosition& one : told[meter]) {
      if (one.at >= since && (!out.contains(meter) || out[meter].at <= one.at)) out[meter] = one;
    }
  }
  return out;
}

EnergyChannel quarters(UtcInstant start, const std::vector<const char*>& values, EnergyFlow flow) {
  EnergyChannel out;
  out.flow = flow;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::string_view(values[i]) == "-") continue;
    out.slots[start + out.length * static_cast<std::int64_t>(i)] = {Decimal::parse(values[i]).value(), Weight::Full};
  }
  return out;
}

}  // namespace ami::daemon::switching
