// The installation rules that every verdict begins with. Only for the sources of this folder.
#pragma once

#include <optional>
#include <vector>

#include "meter_model/approval/installation.h"

namespace ami::approval {

struct Judged {
  const Model* model = nullptr;    // nullptr = not known, or not of the notice
  const Module* module = nullptr;  // likewise
  std::vector<Finding> findings;
  Grounds grounds;
};

// MeterAlone leaves the module out: a value read at the meter itself.
enum class Ask : std::uint8_t { MeterAndModule, MeterAlone };
Judged judge_installation(const Notice& notice, const Device& device, Ask ask, AsOf as_of);

// Whether a firmware version is one of the notice's: nullopt = it is; otherwise why not. Adds to `grounds`.
std::optional<Finding> judge_firmware(const Notice& notice, const Device& device, AsOf as_of,
                                      Grounds& grounds);

// A fact counts from the day of the revision that brought it; one whose revision is not stated, from the
// last.
bool holds(const Notice& notice, const Basis& basis, AsOf as_of);

Answer answer_of(const std::vector<Finding>& findings);

}  // namespace ami::approval
