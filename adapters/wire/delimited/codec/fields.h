// The fields of a delimited line, and the scalar forms in them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/wire/delimited/codec/delimited.h"
#include "meter_model/quantity/decimal.h"

namespace ami::delimited {

// Splits a line at each delimiter. Blanks around a field that does not stand in quotes are cut; a field
// begins with a quote or has none that counts. `fields` keeps its strings between calls, `count` of them are
// good. False: a quote is not closed, or is followed by text.
class Fields {
 public:
  bool split(std::string_view line, char delimiter);
  [[nodiscard]] std::size_t count() const noexcept { return count_; }
  [[nodiscard]] const std::string& operator[](std::size_t at) const { return fields_[at]; }

 private:
  std::string& next();

  std::vector<std::string> fields_;
  std::size_t count_ = 0;
};

// A field as it is written: in quotes where it has to be.
void put_field(std::string_view field, char delimiter, std::string& line);

// [+-]digits[.digits] of at most `longest` characters, which an int64 holds.
std::optional<Decimal> parse_number(std::string_view text, std::size_t longest);

// The clock face that is written, and the offset if one is; `text` of the result is `text`. nullopt = no such
// time.
std::optional<StatedTime> parse_time(std::string_view text, TimeForm form);
// The first instant of the year 1 or of 1970: a clock that was never set.
bool is_unset(const StatedTime& time);
// As TimeForm::YearFirst with milliseconds, which is how such files write it.
std::string time_text(CivilTime time);

}  // namespace ami::delimited
