// Inside the store only: which meter-days wait to be judged, and from when on.
#pragma once

#include <map>
#include <set>
#include <utility>
#include <vector>

#include "storage/postgres/civil_days.h"
#include "storage/postgres/judged_versions.h"
#include "storage/postgres/validation.h"

namespace ami::storage {

// Works within the transaction of a step.
class ValidationQueue {
 public:
  ValidationQueue(Session& session, CivilDays& civil, JudgedVersions& judged, const ValidationRules& rules,
                  UtcInstant now)
      : session_(session), civil_(civil), judged_(judged), rules_(rules), now_(now) {}

  // After a restore, or after changes that were dropped unread, everything stored is queued again.
  void restart_where_needed();
  // Reads changes of every utility, a bounded number of each; returns how many. `more`: there are others.
  std::size_t read_changes(bool& more);
  // All days of meters of which something other than a value changed. False: there is none.
  bool take_dirty_meters();
  // Days with something that was stored before the cursors began. False: all were queued.
  bool seed();

  // At most rules.batch, of those that wait longest first.
  std::vector<MeterDate> due();
  [[nodiscard]] bool ordered(const MeterDate& of) const {  // of those
    return ordered_.contains({of.meter, Day{of.date}});
  }
  // Takes them out, but for those that are to be looked at again.
  void settle(const std::vector<MeterDate>& judged, const std::vector<std::optional<UtcInstant>>& again_at);
  // If they do not wait already.
  void add(const std::set<std::pair<MeterId, Day>>& dates);

 private:
  using Dates = std::map<std::pair<MeterId, Day>, UtcInstant>;  // changed when
  std::size_t read_changes_of(std::int32_t utility);
  void touch(Dates& dates, MeterId meter, UtcInstant from, UtcInstant to, UtcInstant changed_at) const;
  // By meter: where something changed, and when.
  using Changes = std::map<MeterId, std::vector<std::pair<UtcInstant, UtcInstant>>>;
  void touch_dependent(Dates& dates, const Changes& changes);
  void touch_estimates(Dates& dates,
                       const std::map<MeterId, std::vector<std::pair<UtcInstant, UtcInstant>>>& registers);
  [[nodiscard]] UtcInstant due_at(MeterId meter, Day date, UtcInstant changed_at) const;
  void put(const Dates& dates, bool keep_known);  // what was ordered stays due as it is
  // Days on which something of these meters is stored, or found, or estimated; whole meters, the first ones,
  // as many as kDaysAtOnce days allow, one at least. Takes the others out of `meters`.
  Dates stored_days(std::vector<MeterId>& meters);

  Session& session_;
  CivilDays& civil_;
  JudgedVersions& judged_;
  const ValidationRules& rules_;
  const UtcInstant now_;
  std::set<std::pair<MeterId, Day>> ordered_;
};

}  // namespace ami::storage
