// Reading quality "system.category.index" (IEC 61968-9; list: metrology reference 4.3).
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "meter_model/result.h"

namespace ami {

struct QualityCode {
  std::uint8_t system = 0;    // 0 n/a, 1 end device, 2 head-end (us), 3 MDM, 4 other, 5 external
  std::uint8_t category = 0;  // 0 valid … 12 projected
  std::uint16_t index = 0;

  static Result<QualityCode> parse(std::string_view text);  // exactly three parts, ranges checked
  [[nodiscard]] std::string to_string() const;
  [[nodiscard]] std::string_view meaning() const;  // "register or interval overflow"; "" when not in the list
  auto operator<=>(const QualityCode&) const = default;
};

// The codes of one value, sorted and without repeats. Empty = raw: nobody has said anything about it yet.
using QualitySet = std::vector<QualityCode>;
void add(QualitySet& set, QualityCode code);

// Green Button export value, the first line that fits; a good word never hides a warning beside it:
//   empty set 14 raw;  x.8.* 16, or 8 where a method is stated (an index from 1 to 1000);  x.7.* 7;
//   x.5.*, x.6.* or x.10.* 10;  x.11.* 11;  x.12.* 12;  2.0.1 (our own validation ran) 17;  only x.0.* 0
//   valid; anything else 14.  A sender's plain flag can therefore only be 0 or 14.
int green_button_quality(const QualitySet& set);

}  // namespace ami
