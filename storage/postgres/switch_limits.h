// Limits of switching and kill switches in PostgreSQL. Limits are changed by a login in role ami_limits and
// looked at by ami_switch, too; kill switches are of ami_switch.
#pragma once

#include <string>
#include <vector>

#include "storage/contract/switch_limits.h"
#include "storage/postgres/database.h"

namespace ami::storage {

class PostgresSwitchLimits final : public SwitchLimits {
 public:
  explicit PostgresSwitchLimits(Database& database) : database_(database) {}
  Answer<std::vector<LimitUse>> look(const SwitchAsked& asked) override;
  Answer<LimitChange> propose(const LimitChange& change) override;
  Answer<LimitChange> approve(std::int32_t utility, std::int64_t change, const std::string& actor) override;
  Answer<std::vector<LimitChange>> changes(std::int32_t utility, std::size_t limit) override;
  Answer<std::vector<LimitShadow>> shadow(std::int32_t utility, UtcInstant since,
                                          std::span<const LimitChange> changes) override;

 private:
  Database& database_;
};

class PostgresSwitchStops final : public SwitchStops {
 public:
  explicit PostgresSwitchStops(Database& database) : database_(database) {}
  Answer<SwitchStop> set(std::int32_t utility, StopScope scope, const std::string& actor,
                         const std::string& reason) override;
  Answer<SwitchStop> clear(std::int32_t utility, std::int64_t id, const std::string& actor,
                           const std::string& reason) override;
  Answer<std::vector<SwitchStop>> list(std::int32_t utility, bool in_force_only, std::size_t limit) override;

 private:
  Database& database_;
};

class PostgresSwitchReviews final : public SwitchReviews {
 public:
  explicit PostgresSwitchReviews(Database& database) : database_(database) {}
  Answer<Done> review(std::int32_t utility, SwitchId operation, const std::string& actor,
                      const std::string& words) override;
  Answer<std::vector<EmergencyDue>> due(std::int32_t utility) override;

 private:
  Database& database_;
};

}  // namespace ami::storage
