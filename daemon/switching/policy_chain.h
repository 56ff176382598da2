// Several policies as one.
#pragma once

#include <vector>

#include "daemon/switching/policy.h"

namespace ami::daemon::switching {

// Every one is asked, also after a refusal, so that a dry run tells them all. The first refusal counts; the
// facts of all are kept for the audit, those of an earlier policy before those of a later one of the same
// name. The policies outlive it.
class PolicyChain final : public Policy {
 public:
  explicit PolicyChain(std::vector<const Policy*> policies) : policies_(std::move(policies)) {}
  [[nodiscard]] PolicyVerdict check(const PolicyInput& input) const override;

 private:
  std::vector<const Policy*> policies_;
};

}  // namespace ami::daemon::switching
