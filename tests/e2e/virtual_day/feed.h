// A family of adapters with a feed file, from a file's bytes to normalised readings, and those under
// validation.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "adapters/sdk/registration.h"
#include "meter_model/normaliser/normaliser.h"
#include "meter_model/virtual_meter/collected.h"
#include "tests/meter_model/virtual_day/day_judge.h"

namespace ami::virtual_day {

class Feed {
 public:
  // family "flexnet" or "ssn", with the shipped mapping and this zone. Throws where the feed file is no good.
  Feed(const std::string& family, const std::string& zone);

  // Every meter's name is known; the meter "M1" is 1.
  [[nodiscard]] NormalisedBatch read(const std::string& content, UtcInstant received_at) const;
  [[nodiscard]] const FeedRules& rules() const { return rules_; }

 private:
  std::vector<std::unique_ptr<sdk::AdapterFamily>> families_;
  sdk::LoadedFeed feed_;
  FeedRules rules_;
};

// Of the meter "M1".
virtual_meter::Collected collected_from(const Course& course, const Script& script);

// What came through instead of what the meter said. Identity, clock, events, demand and net do not come
// through. tou[i]: index of the reading type of tier i.
Heard heard_from(const NormalisedBatch& batch, const Course& course, const Script& script,
                 const std::array<int, 4>& tou);

}  // namespace ami::virtual_day
