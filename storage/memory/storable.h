// What a unit must be like before any of it is stored.
#pragma once

#include <string>
#include <string_view>

#include "storage/ingest.h"

namespace ami::storage {

// Texts as the tables keep them: UTF-8 without NUL, any other byte as \xNN.
std::string printable(std::string_view text);

// The unit with its texts printable, quality codes in order and without repeats, and whatever no table can
// hold (times outside 1970 to 2199, the mantissa that is the sign for a hole) moved to quarantine, so that it
// costs its neighbours nothing. Permanent: the unit contradicts itself.
Result<CommitUnit> storable(const CommitUnit& unit);

}  // namespace ami::storage
