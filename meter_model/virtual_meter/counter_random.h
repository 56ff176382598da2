// Random numbers without a state: each is a function of what it is for, so any meter's day can be worked out
// alone and comes out the same whatever was worked out before it.
#pragma once

#include <cstdint>

namespace ami::virtual_meter {

// What a number is for; one stream never disturbs another. A new use gets a new number, never an old one.
enum class Stream : std::uint64_t {
  Clearness = 1,  // of a day's sky
  CloudHour = 2,
  Warmth = 3,     // of a day
  Occupancy = 4,  // of a household's day
  Base = 5,       // what always runs, by quarter of an hour
  Appliance = 6,  // whether a large appliance runs in this hour
  ApplianceSize = 7,
  Module = 8,  // identity of the communication module
  Volume = 9,  // water and gas, by hour
  ReportPhase = 10,
};

// Bijective finaliser of SplitMix64.
constexpr std::uint64_t scrambled(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27U)) * 0x94d049bb133111eb;
  return x ^ (x >> 31U);
}

constexpr std::uint64_t random_bits(std::uint64_t seed, Stream stream, std::uint64_t subject,
                                    std::int64_t counter) {
  const std::uint64_t of_stream = scrambled(seed ^ scrambled(static_cast<std::uint64_t>(stream)));
  return scrambled(scrambled(of_stream ^ subject) ^ static_cast<std::uint64_t>(counter));
}

// Uniform in [0, 1).
constexpr double uniform(std::uint64_t seed, Stream stream, std::uint64_t subject, std::int64_t counter) {
  return static_cast<double>(random_bits(seed, stream, subject, counter) >> 11U) * 0x1p-53;
}

}  // namespace ami::virtual_meter
