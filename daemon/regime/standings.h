// What is said beside each value: type approval and verification, from what was in the meter at the value's
// own time. Made for one piece of work; not for several threads at a time.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "daemon/regime/regime.h"
#include "meter_model/approval/quantity.h"

namespace ami::regime {

struct Judged {
  approval::TypeApproval status = approval::TypeApproval::NoRegime;
  std::string notice, revision;
  std::string clause;  // the place that decides; empty = something is not known of the meter
  std::string reason;  // for a person; empty when approved
  bool nonconforming = false;
  std::optional<approval::TypeApproval> tou_assignment;  // of a value of a TOU tier
  bool operator==(const Judged&) const = default;
};

struct Standing {
  const Judged* judged = nullptr;  // lives as long as the Standings
  approval::Verification verification = approval::Verification::Unknown;
  bool operator==(const Standing& other) const {
    return *judged == *other.judged && verification == other.verification;
  }
};

struct StandingPiece {
  storage::Period period;
  Standing standing;
};

// How a value was formed.
enum class Formed : std::uint8_t { Register, Interval, Computed };

class Standings {
 public:
  explicit Standings(Regime regime);
  void add(std::map<MeterId, storage::MeterFacts> facts);  // a meter that is there already stays as it is
  [[nodiscard]] bool knows(MeterId meter) const { return meters_.contains(meter); }

  // Each combination of device, reading type and revision is judged once, however many meters have it. A
  // meter that was never added is one of which nothing is known.
  Standing at(MeterId meter, const std::string& reading_type, Formed formed, UtcInstant when);
  // The period cut where the standing changes; neighbours differ.
  std::vector<StandingPiece> pieces(MeterId meter, const std::string& reading_type, Formed formed,
                                    const storage::Period& period);
  // Of one value that lies across a change: what both sides agree on, the rest unknown.
  Standing across(const Standing& before, const Standing& after);

 private:
  struct Since {
    UtcInstant from;
    approval::Verification status;
  };
  struct MeterState {
    storage::MeterFacts facts;
    std::vector<Since> verification;  // ascending; the first from min
    std::vector<UtcInstant> changes;  // of anything that a verdict rests on, ascending
  };
  // A stretch of days with one revision in force.
  struct Stretch {
    UtcInstant from;
    approval::Date day;  // one of them
  };

  MeterState make_state(storage::MeterFacts facts) const;
  const Judged& judge(const MeterState& state, const std::string& reading_type, Formed formed,
                      UtcInstant when);
  const Judged& kept(Judged judged);

  const Regime regime_;
  std::vector<Stretch> stretches_;  // ascending; the first from min
  std::optional<Judged> always_;    // where there is nothing to judge with: what is said of each value
  std::map<MeterId, MeterState> meters_;
  const MeterState nothing_{};
  std::unordered_map<std::string, Judged> by_question_;
};

}  // namespace ami::regime
