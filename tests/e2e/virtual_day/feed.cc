#include "tests/e2e/virtual_day/feed.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "meter_model/quantity/reading_type.h"

namespace ami::virtual_day {
namespace {

constexpr std::int32_t kReceived = 19;
constexpr std::int32_t kEnergy = 12;
constexpr std::int32_t kIncrement = 4;  // accumulation of an interval: a delta

std::string config_dir() {
  return std::string(std::getenv("AMI_SOURCE_DIR")) + "/config";
}

// One channel of a reading type is enough: CMEP has the total twice.
void add(std::vector<vee::RegisterRead>& registers, const RegisterReading& reading) {
  const auto same = std::ranges::find(registers, reading.at, &vee::RegisterRead::at);
  if (same == registers.end()) registers.push_back({reading.at, reading.value, {}});
}

}  // namespace

Feed::Feed(const std::string& family, const std::string& zone) : families_(sdk::built_in_families()) {
  char folder[] = "/tmp/ami-virtual-day-XXXXXX";
  if (::mkdtemp(folder) == nullptr) throw std::runtime_error("no temporary folder");
  const std::string path = std::string(folder) + "/feed.yaml";
  std::ofstream(path) << "name: virtual\nutility: example\nfamily: " << family
                      << "\nfolder: in\nzone: " << zone << '\n';
  feed_ = sdk::load_feed_file(path, families_);
  std::filesystem::remove_all(folder);
  if (!feed_.problems.empty()) throw std::runtime_error(sdk::to_text(feed_.problems));
  auto plan = feed_.family->plan(feed_.settings, config_dir());
  if (!plan) throw std::runtime_error(plan.error().message);
  rules_ = std::move(plan->rules);
}

NormalisedBatch Feed::read(const std::string& content, UtcInstant received_at) const {
  const DecodedBatch decoded = feed_.family->decode(feed_.settings, content, UtcInstant{});
  const MeterResolver resolve = [](AliasKind, std::string_view id, UtcInstant) {
    const MeterId meter = id == "M1" ? 1 : 2;
    return std::optional<ResolvedMeter>({meter, "2S", UtcInstant::min(), UtcInstant::max()});
  };
  NormalisedBatch out;
  normalise(decoded, rules_, resolve, received_at, out);
  return out;
}

virtual_meter::Collected collected_from(const Course& course, const Script& script) {
  virtual_meter::Collected collected;
  collected.meter = "M1";
  collected.interval = std::chrono::duration_cast<minutes>(script.program.interval);
  collected.ke_wh = script.program.ke_wh;
  collected.received_channel = script.received_channel;
  collected.intervals = course.intervals;
  for (const Snapshot& snapshot : course.snapshots) collected.readings.push_back(snapshot.reading);
  collected.events = course.events;
  return collected;
}

Heard heard_from(const NormalisedBatch& batch, const Course& course, const Script& script,
                 const std::array<int, 4>& tou) {
  Heard heard{.zone = course.zone};
  heard.programme = programme_of(script, course.grid_phase);
  heard.installed = course.installed;
  heard.as_of = course.collected_at;
  heard.has_received_channel = script.received_channel;
  heard.channels.resize(script.received_channel ? 2 : 1);
  if (script.received_channel) heard.channels[1].is_received = true;
  const auto channel_of = [&](const ReadingType& type) -> HeardChannel& {
    return heard.channels.at(type[ReadingType::FlowDirection] == kReceived ? 1 : 0);
  };
  for (const IntervalRun& run : batch.intervals) {
    const ReadingType type = ReadingType::parse(batch.channels[run.channel].reading_type).value();
    if (type[ReadingType::Accumulation] != kIncrement) continue;
    for (std::size_t i = 0; i < run.mantissas.size(); ++i) {
      if (!run.mantissas[i]) continue;
      const UtcInstant start = run.first_start + run.length * static_cast<std::int64_t>(i);
      channel_of(type).values.push_back({start,
                                         start + run.length,
                                         {*run.mantissas[i], run.exponent},
                                         vee::marks_of(batch.qualities[run.quality[i]].codes)});
    }
  }
  for (const RegisterReading& reading : batch.registers) {
    const ReadingType type = ReadingType::parse(batch.channels[reading.channel].reading_type).value();
    if (type[ReadingType::MeasurementKind] != kEnergy) continue;
    const int tier = type[ReadingType::Tou];
    if (tier == 0) {
      add(channel_of(type).registers, reading);
      continue;
    }
    const auto index = std::ranges::find(tou, tier);
    if (index != tou.end()) add(heard.tiers.at(static_cast<std::size_t>(index - tou.begin())), reading);
  }
  for (HeardChannel& channel : heard.channels)
    std::ranges::sort(channel.registers, {}, &vee::RegisterRead::at);
  return heard;
}

}  // namespace ami::virtual_day
