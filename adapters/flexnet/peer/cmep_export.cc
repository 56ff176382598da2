#include "adapters/flexnet/peer/cmep_export.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include "adapters/wire/cmep/codec/encode.h"

namespace ami::flexnet::peer {
namespace {

using virtual_meter::Collected;
using virtual_meter::Interval;
using virtual_meter::Reading;

constexpr std::size_t kMostReadings = 48;
constexpr const char* kRaw = "R";

class Writer {
 public:
  Writer(const Collected& collected, const ExportSettings& settings, std::string& out)
      : collected_(collected), settings_(settings), out_(out) {}

  Outcome all() {
    if (auto done = intervals(&Interval::delivered_pulses, "KWH"); !done) return done;
    if (collected_.received_channel) {
      if (auto done = intervals(&Interval::received_pulses, "GKWH"); !done) return done;
    }
    if (auto done = dials([](const Reading& r) { return std::optional(r.energy.delivered_kwh); }, "KWHREG");
        !done)
      return done;
    if (auto done = dials([](const Reading& r) { return r.energy.received_kwh; }, "GKWHREG"); !done)
      return done;
    return tiers();
  }

 private:
  [[nodiscard]] CivilTime time(UtcInstant at) const {
    return std::chrono::floor<std::chrono::minutes>(settings_.zone.civil(at));
  }

  template <class Record>
  [[nodiscard]] Record record(const char* units) const {
    Record record;
    record.sender = settings_.sender;
    record.sender_customer = settings_.sender_customer;
    record.receiver = settings_.receiver;
    record.receiver_customer = collected_.meter;
    record.created = time(settings_.created);
    record.meter = collected_.meter;
    record.units = units;
    record.constant = "1.0";
    return record;
  }

  // A gap, a repetition or a full record begins the next one.
  Outcome intervals(std::int32_t Interval::*pulses, const char* units) {
    const auto fresh = [&] {
      auto next = record<cmep::Mepmd01>(units);
      next.interval = collected_.interval;
      return next;
    };
    cmep::Mepmd01 running = fresh();
    std::optional<UtcInstant> before;
    for (const Interval& interval : collected_.intervals) {
      const bool follows = before && interval.end == *before + collected_.interval;
      if (!running.readings.empty() && (!follows || running.readings.size() == kMostReadings)) {
        if (auto done = encode(running, out_); !done) return done;
        running = fresh();
      }
      const auto kwh = kwh_of(collected_, interval.*pulses);
      if (!kwh) return kwh.error();
      const bool states = running.readings.empty() || settings_.states_each_end;
      running.readings.push_back(
          {states ? std::optional(time(interval.end)) : std::nullopt, kRaw, kwh->to_string()});
      before = interval.end;
    }
    return running.readings.empty() ? Outcome{Done{}} : encode(running, out_);
  }

  template <class Value>
  Outcome dials(Value value, const char* units) {
    auto running = record<cmep::Mepmd01>(units);
    for (const Reading& reading : collected_.readings) {
      const std::optional<Decimal> kwh = value(reading);
      if (!kwh) continue;
      running.readings.push_back({time(reading.clock), kRaw, kwh->to_string()});
      if (running.readings.size() < kMostReadings) continue;
      if (auto done = encode(running, out_); !done) return done;
      running.readings.clear();
    }
    return running.readings.empty() ? Outcome{Done{}} : encode(running, out_);
  }

  // One record a reading: what the dials show at its end.
  Outcome tiers() {
    std::optional<UtcInstant> before;
    for (const Reading& reading : collected_.readings) {
      if (!reading.energy.tiers_kwh) continue;
      auto summary = record<cmep::Mepmd02>("KWHREG");
      summary.season = settings_.season;
      if (before) summary.start = time(*before);
      summary.end = time(reading.clock);
      for (std::size_t i = 0; i < settings_.tou_labels.size(); ++i)
        summary.readings.push_back(
            {settings_.tou_labels[i], kRaw, (*reading.energy.tiers_kwh)[i].to_string()});
      summary.readings.push_back({"TOTAL", kRaw, reading.energy.delivered_kwh.to_string()});
      if (auto done = encode(summary, out_); !done) return done;
      before = reading.clock;
    }
    return Done{};
  }

  const Collected& collected_;
  const ExportSettings& settings_;
  std::string& out_;
};

}  // namespace

Result<std::string> export_records(std::span<const Collected> meters, const ExportSettings& settings) {
  std::string out;
  for (const Collected& collected : meters) {
    if (collected.meter.empty()) return permanent("a meter without a name cannot be exported");
    if (collected.interval < std::chrono::minutes{1}) {
      return permanent("meter " + collected.meter + ": an interval of " +
                       std::to_string(collected.interval.count()) + " min; 1 or more are possible");
    }
    if (collected.ke_wh <= Decimal{})
      return permanent("meter " + collected.meter + ": a pulse of " + collected.ke_wh.to_string() + " Wh");
    if (auto done = Writer(collected, settings, out).all(); !done) return done.error();
  }
  return out;
}

}  // namespace ami::flexnet::peer
