// Is a value of this reading type, read through this module, under the type approval?
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "meter_model/approval/installation.h"
#include "meter_model/approval/stated.h"
#include "meter_model/quantity/reading_type.h"

namespace ami::approval {

// One side of the question, judged by itself.
struct Aspect {
  enum class Of : std::uint8_t {
    Commodity,      // electricity
    Origin,         // formed in the meter, or computed outside it
    Installation,   // model, service, class, module (may_carry)
    Quantity,       // the host meter's approval
    Module,         // what the module is approved to transmit
    Unit,           // in which unit
    Recorder,       // interval values: which recorder
    Firmware,       //
    TouAssignment,  // which tier was active; told beside, see QuantityVerdict
  };
  Of of = Of::Quantity;
  TypeApproval status = TypeApproval::Unknown;
  std::string message;
  Grounds grounds;
};

std::string_view name_of(Aspect::Of of);  // "COMMODITY", …, "TOU_ASSIGNMENT"

// `status` is the weakest of the aspects: OUTSIDE, then NOT_STATED, UNKNOWN, APPROVED (what is settled by the
// notice outranks what is not known of the meter). Where Quantity itself is NOT_SUBJECT, so is the whole.
// The tier of a TOU value is told by its own aspect, which never changes `status`: the energy of a tier is
// approved, its assignment to the tier is NOT_SUBJECT, and the bulk register stays authoritative.
struct QuantityVerdict {
  TypeApproval status = TypeApproval::Unknown;
  std::string notice, revision;  // in force as of the day asked; empty = none
  std::string reason;            // the message of the aspect that decided
  std::vector<Aspect> aspects;   // those that were asked, in the order above
  std::string model, module;     // normalised; empty = not known to the notice
  std::string module_raw;
  Grounds grounds;  // of the deciding aspects; all aspects when approved

  [[nodiscard]] const Aspect* aspect(Aspect::Of of) const;  // nullptr = it does not arise
  [[nodiscard]] bool tou_switching_legal() const { return aspect(Aspect::Of::TouAssignment) == nullptr; }
};

// `notice` nullptr = NO_REGIME. Read at the meter itself (Provenance::Manual), no module takes part.
QuantityVerdict type_approval(const Notice* notice, const Device& device, const ReadingType& type,
                              Provenance provenance = Provenance::Unknown, AsOf as_of = {});

// What a reading carries where the notice leaves it out: "NOT_COVERED_BY_AE1641"; empty for other statuses.
std::string legal_status(const QuantityVerdict& verdict);

}  // namespace ami::approval
