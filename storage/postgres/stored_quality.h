// Inside the store only: a row of quality_set as the model's quality.
#pragma once

#include <string_view>

#include "meter_model/normaliser/reading.h"

namespace ami::storage {

// `codes`: those of the row, joined by blanks. Throws std::runtime_error when one of them is no code.
[[nodiscard]] ValueQuality stored_quality(std::string_view codes, std::string_view flag);

}  // namespace ami::storage
