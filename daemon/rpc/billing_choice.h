// Which of several register readings a bill takes. Pure.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <vector>

#include "meter_model/quantity/quality.h"
#include "meter_model/time/instant.h"

namespace ami::rpc {

enum class Unfit {
  OutsideTolerance,
  Suspect,
  Estimated,
  TestMode,
  OtherMeter,
  NotInstalled,
  InFuture,
  NotPreferred
};

// Why the codes of a reading forbid it, whoever gave them; nullopt = they do not.
std::optional<Unfit> unfit_by(const QualitySet& codes);

struct BillingCandidate {
  UtcInstant at{};
  std::optional<Unfit> unfit;  // whatever its distance
};

struct Tolerance {
  std::chrono::microseconds before{0}, after{0};  // both ends will do
};

struct BillingChoice {
  std::optional<std::size_t> chosen;  // index into the candidates
  struct Rejected {
    std::size_t candidate = 0;
    Unfit why{};
  };
  std::vector<Rejected> rejected;        // nearest first, the earlier of two as near first
  std::optional<std::size_t> last_good;  // when none is chosen: the last fit one before the instant
};

// The nearest fit candidate within the tolerance; of two as near the earlier one, since at the instant what
// came before is sure. Rejected are those that were as near or nearer; when none is chosen all within the
// tolerance and, on each side, the nearest beyond it.
BillingChoice choose(const std::vector<BillingCandidate>& candidates, UtcInstant instant,
                     const Tolerance& tolerance);

}  // namespace ami::rpc
