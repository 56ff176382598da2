#include "daemon/switching/policy_chain.h"

#include <iterator>

namespace ami::daemon::switching {

PolicyVerdict PolicyChain::check(const PolicyInput& input) const {
  PolicyVerdict out;
  for (const Policy* policy : policies_) {
    PolicyVerdict verdict = policy->check(input);
    out.checks.insert(out.checks.end(), std::make_move_iterator(verdict.checks.begin()),
                      std::make_move_iterator(verdict.checks.end()));
    out.facts.merge(verdict.facts);
    if (!out.allowed() || verdict.allowed()) continue;
    out.rule = std::move(verdict.rule);
    out.words = std::move(verdict.words);
    out.truck_roll = verdict.truck_roll;
    out.latent_close = verdict.latent_close;
  }
  return out;
}

}  // namespace ami::daemon::switching
