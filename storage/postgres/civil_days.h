// Inside the store only: civil days of meters, each in the zone of the place where the meter was.
#pragma once

#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "meter_model/time/zone.h"
#include "storage/postgres/binary_copy.h"
#include "storage/postgres/changes.h"
#include "storage/postgres/gaps_load.h"
#include "storage/postgres/session.h"

namespace ami::storage {

// A date is the day of its name: no instant.
class CivilDays {
 public:
  explicit CivilDays(Session& session) : session_(session) {}

  struct Of {
    UtilityId utility = 0;
    std::string key;
    std::vector<MeterStay> stays;  // by time
  };
  // Looks meters up that are not known yet. One that does not exist has utility 0, and UTC.
  void learn(const std::set<MeterId>& meters);
  [[nodiscard]] const Of& of(MeterId meter) const { return meters_.at(meter).of; }

  [[nodiscard]] const Zone& zone(MeterId meter, Day date) const;
  [[nodiscard]] Zone::Day day(MeterId meter, Day date) const;
  // Dates whose civil days overlap [from, to), ascending.
  [[nodiscard]] std::vector<Day> dates(MeterId meter, UtcInstant from, UtcInstant to) const;

 private:
  struct Place {
    Period period;
    const Zone* zone = nullptr;
  };
  struct Meter {
    Of of;
    const Zone* home = nullptr;  // of the utility
    std::vector<Place> places;   // by time
  };
  Session& session_;
  Zones zones_;
  Zone utc_ = Zone::utc();
  std::unordered_map<MeterId, Meter> meters_;
};

}  // namespace ami::storage
