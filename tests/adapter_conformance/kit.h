// What the checks share: which interfaces they run on, and readings to send.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <ostream>
#include <set>
#include <string>
#include <vector>

#include "tests/adapter_conformance/bench.h"

namespace ami::conformance {

inline void PrintTo(const Interface& one, std::ostream* out) {
  *out << one.family << " " << one.key;
}

class Conformance : public ::testing::TestWithParam<Interface> {};

// Described interfaces that have what a check needs.
inline std::vector<Interface> those(const std::function<bool(const Interface&)>& have) {
  std::vector<Interface> all;
  for (Interface& one : described_interfaces())
    if (have(one)) all.push_back(std::move(one));
  return all;
}
inline bool is_delivered(const Interface& one) {
  return one.way && one.write;
}
inline std::string name_of(const ::testing::TestParamInfo<Interface>& info) {
  return info.param.family + "_" + info.param.key;
}

inline const UtcInstant kDay{std::chrono::sys_days{std::chrono::year{2026} / 1 / 1}};

// One every hour, or `step`, from `from` on, of three meters in turn; no two are alike.
inline std::vector<Reading> hourly(int count, UtcInstant from = kDay,
                                   std::chrono::minutes step = std::chrono::hours{1}) {
  std::vector<Reading> all;
  for (int i = 0; i < count; ++i)
    all.push_back({"K10" + std::to_string(i % 3), from + i * step, std::to_string(1000 + 7 * i) + ".25"});
  return all;
}

// Any input of an interface: readings, or else a result. Meant to be small.
inline std::string some_input(const Interface& of) {
  return of.write ? of.write(hourly(5)) : of.write_result("kit-1", "K101");
}

// Values and results by one name each.
inline std::multiset<std::string> all_of(const Said& said) {
  std::multiset<std::string> all = said.values;
  for (const std::string& result : said.results) all.insert("result " + result);
  return all;
}

// How many of `these` are not among `those`.
inline std::size_t without(const std::multiset<std::string>& these, const std::multiset<std::string>& those) {
  std::size_t count = 0;
  for (const std::string& one : these) count += those.contains(one) ? 0U : 1U;
  return count;
}

}  // namespace ami::conformance
