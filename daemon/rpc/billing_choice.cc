#include "daemon/rpc/billing_choice.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "meter_model/vee/marks.h"

namespace ami::rpc {
namespace {

using std::chrono::microseconds;

microseconds distance(UtcInstant at, UtcInstant instant) {
  return at < instant ? instant - at : at - instant;
}

bool within(UtcInstant at, UtcInstant instant, const Tolerance& tolerance) {
  return at < instant ? instant - at <= tolerance.before : at - instant <= tolerance.after;
}

}  // namespace

std::optional<Unfit> unfit_by(const QualitySet& codes) {
  const vee::Marks marks = vee::marks_of(codes);
  if (marks.any_of(vee::Mark::Suspect)) return Unfit::Suspect;
  if (marks.any_of(vee::Mark::Estimated | vee::Mark::Edited)) return Unfit::Estimated;
  if (marks.any_of(vee::Mark::TestMode)) return Unfit::TestMode;
  return std::nullopt;
}

BillingChoice choose(const std::vector<BillingCandidate>& candidates, UtcInstant instant,
                     const Tolerance& tolerance) {
  std::vector<std::size_t> nearest(candidates.size());
  std::iota(nearest.begin(), nearest.end(), std::size_t{0});
  std::ranges::stable_sort(nearest, [&](std::size_t a, std::size_t b) {
    const auto key = [&](std::size_t i) {
      return std::pair(distance(candidates[i].at, instant), candidates[i].at);
    };
    return key(a) < key(b);
  });

  BillingChoice choice;
  for (const std::size_t i : nearest) {
    const BillingCandidate& candidate = candidates[i];
    if (candidate.unfit || !within(candidate.at, instant, tolerance)) continue;
    choice.chosen = i;
    break;
  }
  bool told_before = false, told_after = false;  // beyond the tolerance
  for (const std::size_t i : nearest) {
    const BillingCandidate& candidate = candidates[i];
    if (choice.chosen == i) continue;
    const bool near_enough = within(candidate.at, instant, tolerance);
    if (choice.chosen) {
      if (distance(candidate.at, instant) > distance(candidates[*choice.chosen].at, instant)) break;
      choice.rejected.push_back(
          {i, candidate.unfit.value_or(near_enough ? Unfit::NotPreferred : Unfit::OutsideTolerance)});
      continue;
    }
    if (!near_enough) {
      bool& told = candidate.at < instant ? told_before : told_after;
      if (std::exchange(told, true)) continue;
    }
    choice.rejected.push_back({i, candidate.unfit.value_or(Unfit::OutsideTolerance)});
  }
  if (choice.chosen) return choice;
  for (const std::size_t i : nearest) {
    if (candidates[i].unfit || candidates[i].at > instant) continue;
    choice.last_good = i;
    break;
  }
  return choice;
}

}  // namespace ami::rpc
