#include "meter_model/normaliser/clock_signs.h"

#include <algorithm>
#include <array>
#include <map>
#include <string_view>
#include <utility>

namespace ami {
namespace {

using std::chrono::seconds;

// Kinds of the table of record (config/codes/events.yaml) that speak of the clock.
constexpr std::array<std::string_view, 3> kOfTheClock{"CLOCK_ADJUSTED", "CLOCK_ERROR", "TIME_SYNC_NEEDED"};

seconds magnitude(seconds offset) {
  return offset < seconds{0} ? -offset : offset;
}

// How far `instant` is behind (above 0) or before (below 0) the nearest multiple of `length`.
std::chrono::microseconds off_grid(UtcInstant instant, seconds length) {
  const std::chrono::microseconds step = length;
  const std::chrono::microseconds late = (instant.time_since_epoch() % step + step) % step;
  return late * 2 <= step ? late : late - step;
}

}  // namespace

void note_clock_signs(UtcInstant received_at, seconds tolerance, NormalisedBatch& batch) {
  batch.clock_tolerance = tolerance;
  const UtcInstant latest = received_at + tolerance;
  const auto note_ahead = [&](MeterId meter, UtcInstant at) {
    batch.clock_signs.push_back(
        {meter, ClockSignKind::Ahead, std::chrono::floor<seconds>(at - received_at), at});
  };
  for (const RegisterReading& read : batch.registers) {
    if (read.time_source == TimeSource::Device && read.at > latest)
      note_ahead(batch.channels.at(read.channel).meter, read.at);
  }
  for (const IntervalRun& run : batch.intervals) {
    if (run.time_source != TimeSource::Device || run.mantissas.empty() || run.length.count() <= 0) continue;
    const MeterId meter = batch.channels.at(run.channel).meter;
    const UtcInstant end = run.first_start + static_cast<std::int64_t>(run.mantissas.size()) * run.length;
    if (end > latest) note_ahead(meter, end);
    if (seconds{86'400} % run.length != seconds{0}) continue;
    const auto off = std::chrono::round<seconds>(off_grid(end, run.length));
    if (magnitude(off) > tolerance) batch.clock_signs.push_back({meter, ClockSignKind::OffGrid, off, end});
  }
  for (const EventReading& event : batch.events) {
    if (event.time_source == TimeSource::Device && event.at > latest) note_ahead(event.meter, event.at);
    if (std::ranges::find(kOfTheClock, event.kind) != kOfTheClock.end())
      batch.clock_signs.push_back({event.meter, ClockSignKind::Said, seconds{0}, event.at});
  }
}

void note_answer(MeterId meter, UtcInstant asked_at, UtcInstant received_at, seconds tolerance,
                 NormalisedBatch& batch) {
  const RegisterReading* newest = nullptr;
  for (const RegisterReading& read : batch.registers) {
    if (read.time_source != TimeSource::Device || batch.channels.at(read.channel).meter != meter) continue;
    if (newest == nullptr || read.at > newest->at) newest = &read;
  }
  if (newest == nullptr) return;
  seconds offset{0};
  if (newest->at < asked_at - tolerance) offset = std::chrono::floor<seconds>(newest->at - asked_at);
  if (newest->at > received_at + tolerance) offset = std::chrono::floor<seconds>(newest->at - received_at);
  batch.clock_signs.push_back({meter, ClockSignKind::SteadyOffset, offset, newest->at});
}

std::vector<ClockSign> signs_to_store(const NormalisedBatch& batch, UtcInstant received_at) {
  if (batch.clock_signs.empty()) return {};
  std::map<std::pair<MeterId, ClockSignKind>, ClockSign> worst;
  for (const ClockSign& sign : batch.clock_signs) {
    const auto [known, fresh] = worst.try_emplace({sign.meter, sign.kind}, sign);
    if (fresh) continue;
    const bool larger =
        magnitude(sign.offset) > magnitude(known->second.offset) ||
        (magnitude(sign.offset) == magnitude(known->second.offset) && sign.at > known->second.at);
    if (sign.kind == ClockSignKind::SteadyOffset || larger) known->second = sign;
  }
  std::vector<ClockSign> all;
  all.reserve(worst.size());
  for (const auto& [key, sign] : worst) all.push_back(sign);
  if (all.size() <= kMostSigns) return all;
  const auto micros = static_cast<std::uint64_t>(received_at.time_since_epoch().count());
  // Of times in whole seconds the last digits would always be the same.
  const std::size_t first = (micros * 0x9E3779B97F4A7C15ULL >> 32U) % all.size();
  std::ranges::rotate(all, all.begin() + static_cast<std::ptrdiff_t>(first));
  all.resize(kMostSigns);
  std::ranges::sort(all, {}, [](const ClockSign& sign) { return std::pair(sign.meter, sign.kind); });
  return all;
}

}  // namespace ami
