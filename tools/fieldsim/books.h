// The fleet as the utility's books have it: a CSV for `amictl meters import`.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "meter_model/time/instant.h"
#include "tools/fieldsim/far_side.h"

namespace ami::fieldsim {

struct BooksOf {
  const World& world;
  std::string_view module_type;
  std::vector<BookRow> more;  // what a far side has beside the World's meters
};

// A header and a row for each meter, at a usage point of its own (UP- and its name), since `valid_from`. A meter that is
// to replace another stands in no place yet: the exchange is entered when it was made (`amictl meters exchange`).
// Cells stand as they are: no name in a field has a comma or a quote.
std::string books_csv(std::span<const BooksOf> networks, const std::string& zone, UtcInstant valid_from);

}  // namespace ami::fieldsim
