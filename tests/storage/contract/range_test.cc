// Numbers and times at the edges of what a row can hold.
#include <limits>

#include "tests/storage/contract/contract_fixture.h"

namespace ami::storage {
namespace {
using namespace contract;

constexpr std::int64_t kMax64 = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kMin64 = std::numeric_limits<std::int64_t>::min();
constexpr int kSixHours = 21'600;  // four slots a day: rows that can be written down

class Range : public StoreContract {
 protected:
  void put_values(const std::string& content, const char* start,
                  std::vector<std::optional<std::int64_t>> values, int exponent = 0,
                  const char* rank = "1970-01-01T00:00:00Z") {
    put(content, Block{.start = at(start),
                       .values = std::move(values),
                       .length_s = kSixHours,
                       .exponent = exponent,
                       .rank = at(rank)});
  }
};
AMI_ON_EVERY_STORE(Range);

TEST_P(Range, LengthThatChangesInTheMiddleOfADayIsASecondRow) {
  put_values("a", "2024-03-05T00:00:00Z", {1, 2, 3});
  put("b", Block{.start = at("2024-03-05T12:00:00Z"), .values = {4, 5}, .length_s = 43'200});
  EXPECT_EQ(pick("day", "day length values"), (Lines{"2024-03-05T00:00:00Z 21600 {1,2,3,-2147483648}",
                                                     "2024-03-05T00:00:00Z 43200 {-2147483648,4}",
                                                     "2024-03-06T00:00:00Z 43200 {5,-2147483648}"}));
  EXPECT_EQ(pick("revision", "value"), Lines{})
      << "another length is another interval, even where they overlap";
}

TEST_P(Range, ExponentThatChangesInTheMiddleOfADayRescalesExactly) {
  put_values("a", "2024-03-05T00:00:00Z", {15}, 1);
  put_values("b", "2024-03-05T06:00:00Z", {12'345, kHole, 7}, -3);
  EXPECT_EQ(pick("day", "exponent values exponents"), (Lines{"-3 {150000,12345,-2147483648,7} -"}));
  put_values("c", "2024-03-05T12:00:00Z", {70}, -1);
  EXPECT_EQ(pick("day", "exponent values exponents"), (Lines{"-3 {150000,12345,7000,7} -"}));
  EXPECT_EQ(pick("slot", "value"), (Lines{"150", "12.345", "7", "0.007"}));
}

TEST_P(Range, MantissasAtTheEdgesOfInt32) {
  put_values("a", "2024-03-05T00:00:00Z", {2'147'483'647, -2'147'483'647, 0});
  EXPECT_EQ(pick("day", "values wide"), (Lines{"{2147483647,-2147483647,0,-2147483648} -"}));
  put_values("b", "2024-03-05T18:00:00Z", {-2'147'483'648});  // the sign for a hole in the narrow form
  EXPECT_EQ(pick("day", "values wide"), (Lines{"- {2147483647,-2147483647,0,-2147483648}"}));
  EXPECT_EQ(pick("slot", "value"), (Lines{"2147483647", "-2147483647", "0", "-2147483648"}));
  put_values("c", "2024-03-05T18:00:00Z", {-5});  // greater: current; the row fits 32 bits again
  EXPECT_EQ(pick("day", "values wide"), (Lines{"{2147483647,-2147483647,0,-5} -"}));
  EXPECT_EQ(pick("revision", "value"), Lines{"-2147483648"});
  put_values("d", "2024-03-06T00:00:00Z", {2'147'483'648, kHole});
  EXPECT_EQ(pick("day", "values wide").at(1),
            "- {2147483648,-9223372036854775808,-9223372036854775808,-9223372036854775808}");
}

TEST_P(Range, ASmallExponentOfAnOldRevisionMayWidenTheRow) {
  put_values("a", "2024-03-05T00:00:00Z", {3'000, 5}, 0, "2024-03-07T00:00:00Z");
  put_values("b", "2024-03-05T06:00:00Z", {1}, -6, "2024-03-06T00:00:00Z");  // lower rank: never current
  EXPECT_EQ(pick("day", "exponent values wide"),
            (Lines{"-6 - {3000000000,5000000,-9223372036854775808,-9223372036854775808}"}));
  EXPECT_EQ(pick("slot", "value"), (Lines{"3000", "5"}));
}

TEST_P(Range, NoCommonExponentWithin64Bits) {
  put_values("a", "2024-03-05T00:00:00Z", {kMax64, -kMax64, kHole, 3});
  put_values("b", "2024-03-05T12:00:00Z", {5}, -18);
  // 3 is 3000000000000000000e-18, which fits; ten times as much would not. The others keep exponent 0.
  EXPECT_EQ(pick("day", "exponent wide exponents"),
            (Lines{"-18 {9223372036854775807,-9223372036854775807,5,3000000000000000000} {0,0,-18,-18}"}));
  EXPECT_EQ(pick("slot", "value"),
            (Lines{"9223372036854775807", "-9223372036854775807", "0.000000000000000005", "3"}));
  put_values("c", "2024-03-05T18:00:00Z", {10});
  EXPECT_EQ(pick("day", "wide exponents"),
            (Lines{"{9223372036854775807,-9223372036854775807,5,1000000000000000000} {0,0,-18,-17}"}));
  // Back to small numbers everywhere: the exponent that was once stated stays.
  put_values("d", "2024-03-05T00:00:00Z", {1, 2}, 0, "2024-03-07T00:00:00Z");
  put_values("e", "2024-03-05T18:00:00Z", {1}, 0, "2024-03-07T00:00:00Z");
  EXPECT_EQ(pick("day", "exponent wide exponents"),
            (Lines{"-18 {1000000000000000000,2000000000000000000,5,1000000000000000000} -"}));
  EXPECT_EQ(pick("revision", "value"), (Lines{"9223372036854775807", "-9223372036854775807", "10", "3"}));
}

TEST_P(Range, LargestExponents) {
  put_values("a", "2024-03-05T00:00:00Z", {kMax64, 0, 1'000}, 18);
  put_values("b", "2024-03-05T18:00:00Z", {-1}, -18);
  EXPECT_EQ(pick("slot", "value"), (Lines{"9223372036854775807000000000000000000", "0",
                                          "1000000000000000000000", "-0.000000000000000001"}));
  put_values("c", "2024-03-05T00:00:00Z", {kMax64 - 1}, 18, "2024-03-07T00:00:00Z");
  EXPECT_EQ(pick("revision", "value"), Lines{"9223372036854775807000000000000000000"});
}

TEST_P(Range, EveryMantissaIsItsOwnNumberOnlyOnce) {
  // 10^18 has eighteen zeros: 1e18, 10e17, … are one number, said once.
  CommitUnit u = unit("a");
  std::int64_t mantissa = 1;
  for (int exponent = 18; exponent >= 0; --exponent, mantissa *= exponent >= 0 ? 10 : 1) {
    add(u, Block{.start = at("2024-03-05T00:00:00Z"),
                 .values = {mantissa},
                 .length_s = kSixHours,
                 .exponent = exponent});
  }
  commit(u);
  EXPECT_EQ(pick("slot", "value"), Lines{"1000000000000000000"});
  EXPECT_EQ(pick("revision", "value"), Lines{});
  EXPECT_EQ(pick("day", "exponent"), Lines{"0"});
}

TEST_P(Range, WhatNoTableCanHoldIsQuarantinedAndItsNeighboursAreStored) {
  CommitUnit u = unit("a");
  add(u, Block{.start = at("2024-03-05T00:00:00Z"), .values = {1, kMin64, 3}});
  add(u, Block{.start = at("2024-03-06T00:00:00Z"), .values = {kMin64}, .flag = "R"});
  add(u, Block{.start = at("1969-12-31T23:45:00Z"), .values = {4, 5}});
  add(u, Block{.start = at("2199-12-31T23:45:00Z"), .values = {6, 7}});
  add(u, Block{.start = at("2024-03-05T00:00:00Z"),
               .values = {8, 8, 8},
               .length_s = std::numeric_limits<int>::max()});
  add(u, Block{.start = at("1970-01-01T00:00:00Z"), .values = {9}});
  add(u, Register{.at = at("9999-01-01T00:00:00Z"), .value = {9, 0}});
  add(u, Register{.at = at("2024-03-05T00:00:00Z"), .value = {kMin64, 0}});
  add_event(u, kMeter, "0001-01-01T00:00:00Z", "OUTAGE", "X");
  add_event(u, kMeter, "2024-03-05T00:00:00Z", "OUTAGE", "X");
  const auto counts = commit(u);
  EXPECT_EQ(counts.quarantined, 7U);
  EXPECT_EQ(counts.registers, 1U);
  EXPECT_EQ(counts.events, 1U);
  EXPECT_EQ(counts.interval_values, 3U);
  EXPECT_EQ(pick("slot", "start value flag"), (Lines{"1970-01-01T00:00:00Z 9 ", "2024-03-05T00:00:00Z 1 ",
                                                     "2024-03-05T00:30:00Z 3 ", "2024-03-06T00:00:00Z - R"}))
      << "in place of the value that cannot be stored stands a hole, with the vendor's flag if there was one";
  EXPECT_EQ(pick("register", "mantissa"), Lines{"-9223372036854775808"}) << "a register has no holes";
  EXPECT_EQ(pick("quarantine", "reason"), Lines(7, "value_out_of_range"));
  EXPECT_EQ(commit(u).quarantined, 7U);
  EXPECT_EQ(pick("quarantine", "reason"), Lines(7, "value_out_of_range")) << "seen again, not stored again";
}

}  // namespace
}  // namespace ami::storage
