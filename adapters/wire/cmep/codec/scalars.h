// The scalar forms of CMEP: date-time, interval length, number, count.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "meter_model/observation/observation.h"
#include "meter_model/time/instant.h"

namespace ami::cmep {

// CCYYMMDDHHMM of a real day, year 1 to 9999; 2400 is the midnight that ends the day. nullopt = no such time.
std::optional<CivilTime> parse_time(std::string_view text);

// MMDDHHMM as a length; "" and all zeros = 0. nullopt = months (they have no one length) or not eight digits.
std::optional<std::chrono::seconds> parse_interval(std::string_view text);

// Digits to pass on: the text itself for [+-]digits[.digits][E|D[+-]digits], decimal digits kept in `arena`
// for H and hex digits. nullopt = neither, or longer than `max_chars`.
std::optional<std::string_view> read_number(std::string_view text, std::size_t max_chars, TextArena& arena);

// A whole number, decimal or H and hex digits; "" = 0. nullopt = neither, or longer than the
// format's 16 characters.
std::optional<std::uint64_t> parse_count(std::string_view text);

// Hxxxx, the form of the trailing CRC.
std::optional<std::uint16_t> parse_crc(std::string_view text);

}  // namespace ami::cmep
