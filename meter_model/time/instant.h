// Instants and spans. All stored and emitted times are UTC; civil time needs an explicit zone (zone.h).
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "meter_model/result.h"

namespace ami {

using UtcInstant = std::chrono::sys_time<std::chrono::microseconds>;
using CivilTime = std::chrono::local_time<std::chrono::microseconds>;  // a clock face; zone unknown

// RFC 3339 in UTC with "Z"; fraction only where there is one: 2026-01-15T05:15:00Z, 2013-04-08T16:00:08.241Z.
std::string to_text(UtcInstant instant);

// RFC 3339 / xs:dateTime with "Z" or an offset. Bare times are refused: they need a zone.
Result<UtcInstant> parse_instant(std::string_view text);

// A time as a vendor wrote it: the clock face, and the offset if one was written. Nothing is resolved here.
struct StatedTime {
  std::string_view text;                           // raw characters; empty = the vendor wrote no time
  CivilTime civil{};                               // meaningful when present()
  std::optional<std::chrono::seconds> utc_offset;  // written offset ("Z" = 0); nullopt = none written

  [[nodiscard]] bool present() const noexcept { return !text.empty(); }
};

// Parses an xs:dateTime with or without offset into a StatedTime whose text views `text`.
// Fractions beyond a microsecond are cut (the raw text keeps them). Year 1 to 9999.
// 24:00:00 is the next day's midnight; a 60th second and offsets beyond 14 hours are refused.
Result<StatedTime> parse_stated_time(std::string_view text);

}  // namespace ami
