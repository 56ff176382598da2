// Kill switches and limits as a Policy: what the database would not let leave is refused when it is asked for,
// so that excess does not wait in the queue. Rules: KILL_SWITCH, EMERGENCY_UNREVIEWED, LIMIT. The database counts once more, under its
// lock, when the operation leaves: a look-up that fails here refuses nothing.
#pragma once

#include "daemon/switching/policy.h"
#include "storage/contract/switch_limits.h"

namespace ami::daemon::switching {

// All outlive it. Blocks; thread-safe as they are.
class LimitPolicy final : public Policy {
 public:
  LimitPolicy(storage::SwitchLimits& limits, storage::SwitchStops& stops, storage::SwitchReviews& reviews)
      : limits_(limits), stops_(stops), reviews_(reviews) {}
  [[nodiscard]] PolicyVerdict check(const PolicyInput& input) const override;

 private:
  [[nodiscard]] PolicyCheck kill_switch(const SwitchAsked& asked) const;
  [[nodiscard]] PolicyCheck unreviewed(const SwitchAsked& asked) const;
  [[nodiscard]] PolicyCheck limit(const SwitchAsked& asked) const;
  storage::SwitchLimits& limits_;
  storage::SwitchStops& stops_;
  storage::SwitchReviews& reviews_;
};

}  // namespace ami::daemon::switching
