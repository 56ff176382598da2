// Whether values say that exactly one demand reset happened. Pure.
//
// Two things can say so, where the wire delivers them (C12.19 Standard Tables 23 and 25): the count of resets
// has grown by one, and the copy of the previous period's maximum is the maximum that was read before. One of
// them that agrees verifies; one that does not contradicts, whatever the other says; without either nothing
// is verifiable.
#pragma once

#include <string>

#include "storage/postgres/reset_checks.h"

namespace ami::daemon::commands {

struct ResetVerdict {
  storage::Verification outcome = storage::Verification::NotVerifiable;
  std::string words;      // what was compared, with the values, and what was missing
  bool complete = false;  // count and copy were both compared: nothing that comes later adds to it
};

ResetVerdict judge_reset(const storage::ResetFacts& facts);

}  // namespace ami::daemon::commands
