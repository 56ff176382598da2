// The nightly work in the database: partitions made ahead, retention, closed months written anew. What it may
// do is bounded by the functions of storage/schema/0009_retention.sql, which run as the owner; the gateway's
// own role could neither drop a partition nor delete a value. Blocking, thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "storage/postgres/retention.h"

namespace ami::storage {

struct MaintenancePlan {
  int months_ahead = 2;         // partitions of so many months after the present one
  int rewrite_after_days = 45;  // since a month ended; its late data have mostly come by then
  RetentionRules retention;
  std::chrono::milliseconds budget{
      std::chrono::hours{2}};  // when it is over, what is left waits for the next run
  int batch_rows = 20'000;     // of one transaction
};

struct MaintenanceEntry {
  enum class Outcome {
    Done,
    Postponed,  // something else was in the way: the next run tries again
    Failed,
  };
  std::int64_t id = 0;
  UtcInstant at{};
  std::string task;     // "make partition", "rewrite month", "drop month", "delete rows"
  std::string subject;  // "interval_day 2024-05", with the utility where it is of one
  Outcome outcome = Outcome::Done;
  std::optional<std::int64_t> rows, bytes_before, bytes_after;
  std::string detail;
};

struct MaintenanceReport {
  std::vector<MaintenanceEntry> entries;  // ids and times are not filled in
  bool finished = true;                   // false: stopped, or the budget was over
};

class Maintenance {
 public:
  // One connection; give it a database without an answer_timeout, since a month may take long to hash.
  explicit Maintenance(Database& database) : database_(database) {}

  // Everything that is due at `now`. nullopt: another gateway is at it. `go_on` is asked between
  // transactions. One subject that fails does not keep the others from being done. An error: PostgreSQL is
  // away.
  Result<std::optional<MaintenanceReport>> run(const MaintenancePlan& plan, UtcInstant now,
                                               const std::function<bool()>& go_on);

  Answer<PageOf<MaintenanceEntry>> list(const PageRequest& page);  // newest first

 private:
  Database& database_;
};

}  // namespace ami::storage
