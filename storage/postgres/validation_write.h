// Inside the store only: what verdicts change, gathered over a batch and written in few statements.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "storage/postgres/judged_versions.h"
#include "storage/postgres/meter_day_load.h"
#include "storage/postgres/validation.h"
#include "storage/postgres/validation_changes.h"

namespace ami::storage {

class ValidationWrites {
 public:
  ValidationWrites(Session& session, JudgedVersions& judged, const LoadedDays& loaded, UtcInstant now);

  // In order of date for each meter. `verdict` of one of the loaded days; `ordered`: somebody wanted it,
  // nothing changed.
  void add(const MeterDayFacts& facts, const DayVerdict& verdict, bool ordered);
  void apply();

  std::size_t found = 0, gone = 0, estimated = 0;
  // Which these verdicts bring along; known once they are applied.
  std::set<std::pair<MeterId, Day>> next_days;

 private:
  struct Standing {
    std::int64_t id = 0;  // 0 = of this batch
    Day date{};
    DayFinding finding;
  };
  struct StandingEstimate {
    std::int64_t id = 0;
    Day date{};
    DayEstimate estimate;
  };
  struct Fresh {
    const MeterDayFacts* facts = nullptr;
    const DayFinding* finding = nullptr;
    const DayEstimate* estimate = nullptr;
    const DayVerdict* verdict = nullptr;
  };
  void load_findings(const std::vector<MeterDayFacts>& days);
  void load_estimates(const std::vector<MeterDayFacts>& days);
  void load_judged_days(const std::vector<MeterDayFacts>& days);
  bool reconcile_findings(const MeterDayFacts& facts, const DayVerdict& verdict);   // true: something changed
  bool reconcile_estimates(const MeterDayFacts& facts, const DayVerdict& verdict);  // true: something changed
  void load_pending(const std::vector<MeterDayFacts>& days);
  void note_versions(const MeterDayFacts& facts, bool judged);
  void note_judged(const MeterDayFacts& facts, const DayVerdict& verdict);
  std::int32_t profile_id(const std::string& profile);
  [[nodiscard]] bool is_judged(MeterId meter, Day date) const;

  void write_gone() const;
  void write_findings(bool of_registers) const;
  void write_estimates() const;
  void write_judged();
  void write_counts() const;

  Session& session_;
  JudgedVersions& judged_;
  const UtcInstant now_;
  ValidationChanges changes_;
  std::map<MeterId, std::vector<Standing>> findings_;
  std::map<MeterId, std::vector<StandingEstimate>> estimates_;
  std::set<std::pair<MeterId, Day>> batch_;
  std::set<ChannelId> pending_;  // of which values will be taken back at a time to come
  std::vector<std::int64_t> gone_findings_, gone_register_findings_, gone_estimates_;
  std::vector<Fresh> fresh_findings_, fresh_estimates_;
  struct Days {
    std::int32_t bits = 0;
    bool changed = false;
  };
  struct Month {
    std::int32_t utility = 0;
    std::map<std::int32_t, Days> of_profile;
  };
  std::map<std::pair<MeterId, Day>, Month> months_;
  std::map<std::string, std::int32_t, std::less<>> profiles_;  // numbers that were looked up
  // Utility, date, profile: more meters than before.
  std::map<std::tuple<std::int32_t, Day, std::int32_t>, std::int64_t> counted_;
};

}  // namespace ami::storage
