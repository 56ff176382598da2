// Which notice binds a utility, and what it says of a meter with what is fitted in it. Pure functions over
// asset data; the one place where stored assets become the questions of meter_model/approval.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "meter_model/approval/installation.h"
#include "meter_model/approval/service_switch.h"
#include "meter_model/approval/verification.h"
#include "meter_model/time/zone.h"
#include "storage/postgres/assets.h"

namespace ami::regime {

// What a gateway has loaded. Immutable in use, so threads may share one.
struct Regimes {
  std::map<std::string, approval::Notice, std::less<>> notices;                      // by name
  std::map<std::string, std::vector<approval::SiteEvidence>, std::less<>> evidence;  // by key of the utility
};

// The rules that hold for one utility. Cheap to copy; keeps what it was made from.
class Regime {
 public:
  Regime(std::shared_ptr<const Regimes> all, const storage::Utility& utility);

  // Some notice binds the utility. It may still not be loaded: then nothing can be judged.
  [[nodiscard]] bool bound() const { return !name_.empty(); }
  [[nodiscard]] const std::string& notice_name() const { return name_; }
  [[nodiscard]] const approval::Notice* notice() const {
    return notice_;
  }                                                         // nullptr: not bound, or not loaded
  [[nodiscard]] const Zone& zone() const { return zone_; }  // of civil days
  [[nodiscard]] approval::Date day_of(UtcInstant at) const;
  // A site's evidence for the module; nullopt = none.
  [[nodiscard]] std::optional<approval::SiteEvidence> evidence_for(const std::string& module) const;

  // Modules and interface boards that the notice knows, by their keys, for messages: "FLEXNET, RF_MESH, SSN".
  [[nodiscard]] std::string known_modules(bool boards) const;
  // Whether the notice leaves out all that comes through it, as through an interface board.
  static bool is_board(const approval::Module& module);

 private:
  std::shared_ptr<const Regimes> all_;
  std::string name_, utility_;
  const approval::Notice* notice_ = nullptr;
  Zone zone_;
};

// What was together at one moment. What is not known then stays empty: a firmware counts from when it is
// known.
approval::Device device_of(const storage::Fitted& fitted);
approval::Device device_at(const storage::MeterFacts& facts, UtcInstant at);
const storage::MeterDetail* detail_then(const storage::MeterFacts& facts, UtcInstant at);   // nullptr: none
const storage::FittedModule* module_then(const storage::MeterFacts& facts, UtcInstant at);  // nullptr: none

// Which recorder keeps the intervals of a meter of this model, as its designation says (an R in AXR: the
// meter's own; AX without it: the module's). Another maker's model states nothing to us.
approval::Provenance recorder_of(std::string_view model);

struct Conformity {
  enum class State { NoRegime, Unknown, Conforming, Nonconforming };
  State state = State::NoRegime;
  std::string notice, revision;
  std::vector<approval::Finding> findings;  // empty when conforming
};
Conformity conformity_of(const Regime& regime, const storage::Fitted& fitted, UtcInstant at);
Conformity conformity_at(const Regime& regime, const storage::MeterFacts& facts, UtcInstant at);

// Why it may not be newly installed; nullopt = it may, or nothing is known against it.
std::optional<storage::Exclusion> exclusion(const Regime& regime, const storage::Fitted& fitted,
                                            UtcInstant at);
// The same as a check for the store; empty when the utility is under no notice. `regime` outlives it.
storage::FittedCheck planned_check(const Regime& regime);

// What the switching engine asks before it operates a meter's service switch: refused is final, and the
// reason names the clause.
approval::SwitchVerdict switch_verdict(const Regime& regime, const storage::MeterFacts& facts, UtcInstant at);

approval::VerificationVerdict verification_at(const Regime& regime, const storage::MeterFacts& facts,
                                              UtcInstant at);
// Instants at which that verdict may change, ascending.
std::vector<UtcInstant> verification_changes(const Regime& regime, const storage::MeterFacts& facts);

}  // namespace ami::regime
