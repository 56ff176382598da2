#include "adapters/ssn/peer/export_document.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <utility>

#include "adapters/wire/ssn_export/codec/encode.h"

namespace ami::ssn::peer {
namespace {

using virtual_meter::Collected;
using virtual_meter::Interval;
using virtual_meter::Reading;

constexpr std::size_t kIntervalsABlock = 96;
constexpr std::chrono::minutes kCollectedAfter{10};  // as in the published sample
constexpr std::chrono::minutes kLongest{44640};      // of the format's reader
constexpr std::int32_t kPrintedDecimals = 4;

class Writer {
 public:
  explicit Writer(const ExportSettings& settings) : settings_(settings) {}

  Result<ssn_export::MeterData> meter(const Collected& collected) {
    ssn_export::MeterData data;
    data.meter_name = collected.meter;
    data.util_device_id = collected.meter;
    data.mac_id = mac_of(collected);
    if (!collected.readings.empty()) data.registers.push_back(registers(collected));
    if (!collected.intervals.empty()) {
      auto block = intervals(collected);
      if (!block) return block.error();
      data.intervals.push_back(std::move(*block));
    }
    if (!collected.events.empty()) data.events.push_back(events(collected));
    return data;
  }

  // "2026-01-15T00:15:00.000-05:00"
  [[nodiscard]] std::string time(UtcInstant at) const {
    const CivilTime face = settings_.zone.civil(at);
    const auto offset =
        std::chrono::duration_cast<std::chrono::minutes>(face.time_since_epoch() - at.time_since_epoch());
    std::string text = to_text(UtcInstant{std::chrono::floor<std::chrono::seconds>(face.time_since_epoch())});
    text.pop_back();  // the Z
    const auto past = face.time_since_epoch() % std::chrono::seconds{1};
    char rest[24];
    const int minutes = static_cast<int>(offset.count());
    std::snprintf(rest, sizeof rest, ".%03d%c%02d:%02d",
                  static_cast<int>(std::chrono::floor<std::chrono::milliseconds>(past).count()),
                  minutes < 0 ? '-' : '+', std::abs(minutes) / 60, std::abs(minutes) % 60);
    return text + rest;
  }

 private:
  // At least four decimals; a number with more keeps them. Zero is "0", as in the sample.
  static std::string printed(const Decimal& kwh) {
    if (kwh.mantissa == 0) return "0";
    const auto padded = kwh.exponent > -kPrintedDecimals ? kwh.mantissa_at(-kPrintedDecimals) : std::nullopt;
    return (padded ? Decimal{*padded, -kPrintedDecimals} : kwh).to_string();
  }

  static void add(ssn_export::Tier& tier, int number, const Decimal& kwh, const char* unit) {
    ssn_export::Register& added = tier.registers.emplace_back();
    added.number = std::to_string(number);
    added.summation = kwh.to_string();
    added.summation_uom = unit;
  }

  [[nodiscard]] ssn_export::RegisterData registers(const Collected& collected) const {
    ssn_export::RegisterData data;
    data.start_time = time(collected.readings.front().clock);
    data.end_time = time(collected.readings.back().clock);
    data.number_reads = std::to_string(collected.readings.size());
    for (const Reading& reading : collected.readings) {
      ssn_export::RegisterRead& read = data.reads.emplace_back();
      read.read_time = time(reading.clock);
      read.gateway_collected_time = time(reading.clock + kCollectedAfter);
      read.register_read_source = "REG_SRC_TYPE_TBL23";
      read.season = "0";
      ssn_export::Tier& total = read.tiers.emplace_back();
      total.number = "0";
      add(total, 1010, reading.energy.delivered_kwh, "kWh");
      ssn_export::Register& demand = total.registers.emplace_back();
      demand.number = "1011";
      demand.cumulative_demand = reading.demand.cumulative_kw.to_string();
      demand.demand_uom = "kW";
      if (reading.energy.received_kwh) add(total, 1020, *reading.energy.received_kwh, "kWh(rec)");
      if (!reading.energy.tiers_kwh) continue;
      for (std::size_t i = 0; i < reading.energy.tiers_kwh->size(); ++i) {
        const int number = static_cast<int>(i) + 1;
        ssn_export::Tier& tier = read.tiers.emplace_back();
        tier.number = std::to_string(number);
        add(tier, 1000 * (number + 1) + 10, (*reading.energy.tiers_kwh)[i], "kWh");
      }
    }
    return data;
  }

  [[nodiscard]] Result<ssn_export::IntervalReadData> intervals(const Collected& collected) const {
    ssn_export::IntervalReadData data;
    data.interval_length = std::to_string(collected.interval.count());
    data.start_time = time(collected.intervals.front().end - collected.interval);
    data.end_time = time(collected.intervals.back().end);
    data.number_intervals = std::to_string(collected.intervals.size());
    std::map<UtcInstant, const Reading*> read_at;
    for (const Reading& reading : collected.readings) read_at.emplace(reading.clock, &reading);
    std::size_t index = 0;
    for (const Interval& served : collected.intervals) {
      ssn_export::Interval& interval = data.intervals.emplace_back();
      interval.end_time = time(served.end);
      interval.gateway_collected_time = time(served.end + kCollectedAfter);
      interval.block_sequence_number = std::to_string(1 + index / kIntervalsABlock);
      interval.interval_sequence_number = std::to_string(1 + index++ % kIntervalsABlock);
      const auto read = read_at.find(served.end);
      const Reading* beside = read == read_at.end() ? nullptr : read->second;
      const auto channel = [&](const char* number, std::int32_t pulses, const char* unit,
                               const std::optional<Decimal>& at_end) -> Outcome {
        const auto kwh = kwh_of(collected, pulses);
        if (!kwh) return kwh.error();
        ssn_export::Reading& reading = interval.readings.emplace_back();
        reading.channel = number;
        reading.raw_value = std::to_string(pulses);
        reading.value = printed(*kwh);
        reading.uom = unit;
        if (at_end) reading.block_end_value = at_end->to_string();
        return Done{};
      };
      if (auto done = channel("1", served.delivered_pulses, "kWh",
                              beside ? std::optional(beside->energy.delivered_kwh) : std::nullopt);
          !done)
        return done.error();
      if (!collected.received_channel) continue;
      if (auto done = channel("2", served.received_pulses, "kWh(rec)",
                              beside ? beside->energy.received_kwh : std::nullopt);
          !done)
        return done.error();
    }
    return data;
  }

  [[nodiscard]] ssn_export::EventData events(const Collected& collected) const {
    ssn_export::EventData data;
    data.start_time = time(collected.events.front().at);
    data.end_time = time(collected.events.back().at);
    data.number_events = std::to_string(collected.events.size());
    for (const virtual_meter::Event& event : collected.events) {
      data.events.push_back({std::string(virtual_meter::name_of(event.kind)), time(event.at),
                             "Sequence " + std::to_string(event.sequence)});
    }
    return data;
  }

  const ExportSettings& settings_;
};

}  // namespace

std::string mac_of(const Collected& collected) {
  std::string text;
  if (collected.readings.empty()) return text;
  const std::string& module = collected.readings.front().identity.module;
  for (std::size_t i = 0; i + 1 < module.size(); i += 2)
    text += (text.empty() ? "" : ":") + module.substr(i, 2);
  return text;
}

Result<std::string> export_document(std::span<const Collected> meters, const ExportSettings& settings) {
  Writer writer(settings);
  ssn_export::Document document;
  document.version = "0.1";
  document.document_id = document.export_id = settings.document_id;
  document.job_id = document.run_id = "1";
  document.creation_time = writer.time(settings.created);
  for (const Collected& collected : meters) {
    if (collected.meter.empty()) return permanent("a meter without a name cannot be exported");
    if (collected.interval < std::chrono::minutes{1} || collected.interval > kLongest) {
      return permanent("meter " + collected.meter + ": an interval of " +
                       std::to_string(collected.interval.count()) + " min; 1 to " +
                       std::to_string(kLongest.count()) + " are possible");
    }
    if (collected.ke_wh <= Decimal{})
      return permanent("meter " + collected.meter + ": a pulse of " + collected.ke_wh.to_string() + " Wh");
    auto data = writer.meter(collected);
    if (!data) return data.error();
    document.meters.push_back(std::move(*data));
  }
  return ssn_export::encode(document);
}

}  // namespace ami::ssn::peer
