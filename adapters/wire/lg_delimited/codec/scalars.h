// The scalar forms of Command Center files: date-time, interval length, number, and the fields of a line.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "meter_model/time/instant.h"

namespace ami::lg_delimited {

// MMDDYYYYhhmmssAM or PM (any case) of a real day; hh from 01 to 12, 12AM is midnight. nullopt = no such
// time.
std::optional<CivilTime> parse_time(std::string_view text);
// The text of a time: whole seconds of the years 1 to 9999, else nullopt.
std::optional<std::string> time_text(CivilTime time);
// The first instant of the year 1 or of 1970: a clock that was never set.
bool is_unset(CivilTime time);

// DDHHMM above zero. nullopt = not so.
std::optional<std::chrono::seconds> parse_interval(std::string_view text);
// Digits only.
std::optional<std::uint64_t> parse_count(std::string_view text);
// [+-]digits[.digits]
bool is_number(std::string_view text);

// Splits at each '~', blanks (space, tab) around a field cut. `fields` is emptied first.
void split_fields(std::string_view line, std::vector<std::string_view>& fields);

}  // namespace ami::lg_delimited
