#include "tools/amictl/scenario/elapsed.h"

#include "meter_model/quantity/decimal.h"

namespace ami::amictl {

std::string seconds_text(Elapsed time) {
  return Decimal{time.count(), -6}.normalised().to_string();
}

}  // namespace ami::amictl
