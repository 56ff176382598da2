// Safety holds in PostgreSQL. Its connections are of a login in role ami_switch.
#pragma once

#include <string>
#include <vector>

#include "storage/contract/safety_holds.h"
#include "storage/postgres/database.h"

namespace ami::storage {

class PostgresSafetyHolds final : public SafetyHolds {
 public:
  explicit PostgresSafetyHolds(Database& database) : database_(database) {}

  Answer<SafetyHold> set(const HoldRequest& request) override;
  Answer<SafetyHold> lift(std::int32_t utility, HoldId id, const std::string& actor, const std::string& role,
                          const std::string& reason) override;
  Answer<HoldsFound> at(std::int32_t utility, const HoldPlaces& places) override;
  Answer<std::vector<SafetyHold>> list(std::int32_t utility, bool in_force_only, HoldId before,
                                       std::size_t limit) override;

 private:
  Database& database_;
};

}  // namespace ami::storage
