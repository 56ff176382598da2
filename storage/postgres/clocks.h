// What is known of meters' clocks: signs that came with readings, events and answers (table clock_sign).
// Blocking, thread-safe. Nothing here, and nothing that reads it, ever sets a clock.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "meter_model/normaliser/reading.h"
#include "storage/postgres/assets.h"
#include "storage/postgres/database.h"
#include "storage/postgres/refusal.h"

namespace ami::storage {

struct ClockSignRow {
  MeterId meter = 0;
  std::string feed;
  ClockSignKind kind = ClockSignKind::Ahead;
  std::int64_t times = 0;            // messages or parts of files that showed it
  UtcInstant first_at{}, last_at{};  // receipts
  std::chrono::seconds tolerance{0};
  std::chrono::seconds last_offset{0}, least_offset{0}, most_offset{0};
  UtcInstant worst_at{};  // by the meter
};

struct ClockQuery {
  UtilityId utility = 0;
  std::optional<MeterId> meter;
  std::string feed;                  // empty = every feed
  std::vector<ClockSignKind> kinds;  // empty = all
  // An answer may be old because the head-end gave one that it had stored. Only when answers are off by the
  // same, three times or more, is it the clock's: false leaves other rows of SteadyOffset out.
  bool unsteady_too = false;
  PageRequest page;  // in the order in which they first showed
};

class Clocks {
 public:
  static constexpr std::int64_t kSteadyTimes = 3;  // and within twice the tolerance of each other

  explicit Clocks(Database& database) : database_(database) {}
  Answer<PageOf<ClockSignRow>> signs(const ClockQuery& query);

 private:
  Database& database_;
};

}  // namespace ami::storage
