// Inside the store only: one comparison of a series with what is stored.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "storage/postgres/gaps_judge.h"
#include "storage/postgres/session.h"

namespace ami::storage {

struct SeriesItem {
  std::int64_t series = 0;
  std::int32_t utility = 0;
  std::int64_t meter = 0;
  std::string zone, feed;
  UtcInstant judged_to{};  // after this comparison
  Period range;            // what is compared
  SeriesFacts facts;
  std::vector<StoredGap> gaps;  // not closed, touching the range, by time
};

// By IANA name; read once a step. A name that the system does not know counts as UTC.
class Zones {
 public:
  const Zone& of(const std::string& name);

 private:
  std::map<std::string, Zone> zones_;
};

// Fills in everything but series, judged_to and range.
void load_items(Session& session, std::vector<SeriesItem>& items, Zones& zones);

}  // namespace ami::storage
