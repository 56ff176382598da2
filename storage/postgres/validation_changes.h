// Inside the store only: rows of the change feed of what validation says. A slot is told once, as estimated
// or as of another quality.
#pragma once

#include <compare>
#include <map>
#include <optional>
#include <vector>

#include "storage/postgres/judged_versions.h"
#include "storage/postgres/meter_day_load.h"
#include "storage/postgres/validation.h"

namespace ami::storage {

// Of what a day's values came from. Those off the grid have a key of their own.
JudgedVersions::Key judged_key(MeterId meter, const RowVersion& row);

class ValidationChanges {
 public:
  // `stored`: qualities of the days, as stored.
  ValidationChanges(Session& session, const JudgedVersions& judged,
                    const std::map<QualityId, ValueQuality>& stored)
      : session_(session), judged_(judged), stored_(stored) {}

  // Codes that stand before and after at the values that `changed` (findings that come or go) speak of.
  void findings(const MeterDayFacts& facts, const std::vector<const DayFinding*>& before,
                const std::vector<const DayFinding*>& after, const std::vector<const DayFinding*>& changed);
  // An estimate that comes or goes, where there is no value.
  void estimate(const MeterDayFacts& facts, const DayEstimate& estimate);

  void write();

 private:
  struct Row {
    std::int32_t utility = 0;
    MeterId meter = 0;
    ChannelId channel = 0;
    std::int16_t entity = 0;  // as in the table
    std::int64_t length_s = 0;
    UtcInstant start{};  // of the day, the odd interval, the register
    auto operator<=>(const Row&) const = default;
  };
  struct Old {
    std::int64_t mantissa = 0;
    std::int32_t exponent = 0;
    ValueQuality quality;
  };
  struct Slot {
    std::int16_t kind = 0;
    std::optional<Old> old;
  };
  struct Told {
    std::int64_t version = 0;
    std::map<std::int16_t, Slot> slots;
  };
  std::pair<Told&, std::int16_t> slot_of(const MeterDayFacts& facts, ChannelId channel,
                                         std::chrono::seconds length, UtcInstant start);
  [[nodiscard]] ValueQuality quality(QualityId base, const QualitySet& codes) const;
  std::vector<std::int64_t> quality_ids();  // of every old value, in order
  void intervals(const MeterDayFacts& facts, const std::vector<const DayFinding*>& before,
                 const std::vector<const DayFinding*>& after, const DayFinding& changed);
  void registers(const MeterDayFacts& facts, const std::vector<const DayFinding*>& before,
                 const std::vector<const DayFinding*>& after, const DayFinding& changed);

  Session& session_;
  const JudgedVersions& judged_;
  const std::map<QualityId, ValueQuality>& stored_;
  std::map<Row, Told> rows_;
};

}  // namespace ami::storage
