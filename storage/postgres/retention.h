// What is kept how long, and what a court or a claim keeps longer. The drops themselves: maintenance.h and
// storage/schema/0009_retention.sql. Blocking, thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/postgres/assets.h"
#include "storage/postgres/database.h"
#include "storage/postgres/refusal.h"

namespace ami::storage {

// Classes that a rule in months may name.
inline constexpr std::string_view kRetentionClasses[] = {"intervals", "registers", "events", "quarantine",
                                                         "access_log", "operations"};

// Months by class; 0 or absent = for ever. A calendar month (UTC) goes as a whole: when it ended that many
// months before the first day of the present one.
using RetentionMonths = std::map<std::string, int, std::less<>>;
struct RetentionRules {
  RetentionMonths general;
  std::map<std::string, RetentionMonths, std::less<>> of_utility;  // by key; what it names beats `general`
  int change_days = 35;                                            // of the change feed; of all utilities

  [[nodiscard]] int months(std::string_view utility, std::string_view of_class) const;
};

// Set until lifted; every drop leaves out what it holds.
struct LegalHold {
  std::int64_t id = 0;
  UtilityId utility = 0;
  std::string meter, usage_point;  // key of one of them; both empty = everything of the utility
  Period period;                   // of the values
  std::string holder, reason, set_by;
  UtcInstant set_at{};
  std::string lifted_by, lift_reason;
  std::optional<UtcInstant> lifted_at;
};

// What a drop leaves behind. How `sha256` is made: comment on the table's column.
struct RetentionCertificate {
  std::int64_t id = 0;
  UtcInstant at{};
  std::string of_class, relation, month;  // "2019-05"
  UtcInstant first_at{}, last_at{};
  std::uint64_t rows = 0;
  std::string sha256;
  bool whole_month = false;
  std::string rule;
};

class Retention {
 public:
  // Queries go to `reading`, which may see less.
  explicit Retention(Database& database) : Retention(database, database) {}
  Retention(Database& database, Database& reading) : database_(database), reading_(reading) {}

  // NotFound: no such meter or usage point. Unavailable: a drop is under way, try again. Once it has
  // answered, no later drop takes anything that is held.
  Answer<LegalHold> set_hold(const LegalHold& hold);
  // NotFound, or Invalid when it was lifted already.
  Answer<LegalHold> lift_hold(UtilityId utility, std::int64_t id, const std::string& by,
                              const std::string& reason);
  Answer<PageOf<LegalHold>> holds(UtilityId utility, bool lifted_too, const PageRequest& page);  // by id
  Answer<PageOf<RetentionCertificate>> certificates(UtilityId utility,
                                                    const std::string& of_class,  // empty = all
                                                    const PageRequest& page);     // by id

 private:
  Database& database_;
  Database& reading_;
};

}  // namespace ami::storage
