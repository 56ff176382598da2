// What is said is stored, once, at its time, however it is cut, joined, repeated or delayed, and whatever the
// clocks do.
#include "tests/adapter_conformance/kit.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <map>

#include "meter_model/time/zone.h"
#include "tests/adapter_conformance/interfaces.h"

namespace ami::conformance {

std::vector<Interface> described_interfaces() {
  std::vector<Interface> all;
  for (const auto& descriptions : kDescriptions) {
    for (Interface& one : descriptions()) all.push_back(std::move(one));
  }
  return all;
}

namespace {

using std::chrono::hours;
using std::chrono::minutes;
using ::testing::IsEmpty;

std::multiset<std::string> once(const std::set<std::string>& lines) {
  return {lines.begin(), lines.end()};
}

// A new family is in the list before it is in the kit: then this says so.
TEST(ConformanceKit, EveryInterfaceOfTheListOfAdaptersIsDescribedOnce) {
  std::multiset<std::string> listed, described;
  for (const auto& family : sdk::built_in_families())
    listed.insert(family->info().family + " " + family->info().key);
  for (const Interface& one : described_interfaces()) described.insert(one.family + " " + one.key);
  EXPECT_EQ(described, listed);
}

// No check is left out that an interface's own statement calls for.
TEST(ConformanceKit, WhatAnInterfaceStatesIsInItsDescription) {
  for (const Interface& one : described_interfaces()) {
    const Bench bench(one);
    const sdk::Capabilities can = bench.can();
    const std::string name = one.family + " " + one.key;
    EXPECT_EQ(can.registers, one.write != nullptr) << name;
    EXPECT_EQ(can.intervals, one.write_block != nullptr) << name;
    EXPECT_EQ(can.files || can.pushed_messages, one.way != nullptr) << name;
    EXPECT_EQ(can.read_on_demand || can.ping || can.pushed_messages, one.write_result != nullptr) << name;
    EXPECT_EQ(bench.family().file_reader(bench.settings()) != nullptr, can.files) << name;
  }
}

using Delivered = Conformance;
INSTANTIATE_TEST_SUITE_P(conformance, Delivered, ::testing::ValuesIn(those(is_delivered)), name_of);

TEST_P(Delivered, WhatWasSaidIsStoredAtItsTimeWithItsValue) {
  Bench bench(GetParam());
  bench.start();
  ASSERT_TRUE(bench.send(GetParam().write(hourly(24))));
  const Said said = bench.stored();
  EXPECT_EQ(said.values, once(meant(GetParam(), hourly(24))));
  EXPECT_THAT(said.complaints, IsEmpty());
}

TEST_P(Delivered, AnInputThatComesInPiecesIsTheSame) {
  for (const std::size_t piece : {std::size_t{1}, std::size_t{13}}) {
    Bench bench(GetParam());
    bench.start();
    ASSERT_TRUE(bench.way().send(GetParam().write(hourly(6)), piece));
    EXPECT_EQ(bench.stored().values, once(meant(GetParam(), hourly(6)))) << piece << " bytes at a time";
  }
}

TEST_P(Delivered, RecordsJoinedOrSplitInAnyOrderAreTheSame) {
  const std::vector<Reading> all = hourly(12);
  const auto expected = once(meant(GetParam(), all));
  std::vector<Reading> backwards(all.rbegin(), all.rend());
  // In inputs of one, of five and of all, forwards and backwards.
  for (const auto& order : {all, backwards}) {
    for (const std::size_t each : {std::size_t{1}, std::size_t{5}, all.size()}) {
      Bench bench(GetParam());
      bench.start();
      for (std::size_t at = 0; at < order.size(); at += each) {
        const auto begin = order.begin() + static_cast<std::ptrdiff_t>(at);
        const auto end = begin + static_cast<std::ptrdiff_t>(std::min(each, order.size() - at));
        ASSERT_TRUE(bench.send(GetParam().write({begin, end})));
      }
      EXPECT_EQ(bench.stored().values, expected) << each << " in an input";
    }
  }
}

// The same bytes again, soon, later and after a restart; and the same readings among others.
TEST_P(Delivered, WhatComesTwiceIsStoredOnce) {
  Bench bench(GetParam());
  bench.start();
  const std::string input = GetParam().write(hourly(6));
  ASSERT_TRUE(bench.send(input));
  ASSERT_TRUE(bench.send(input));
  const auto first = bench.stored();
  ASSERT_TRUE(bench.send(input));
  bench.restart();
  ASSERT_TRUE(bench.send(input));
  ASSERT_TRUE(bench.send(GetParam().write(hourly(8))));
  const Said said = bench.stored();
  EXPECT_EQ(said.distinct(), meant(GetParam(), hourly(8)));
  EXPECT_THAT(said.complaints, IsEmpty());
  // A content of a file is known by its hash. A message is decoded again, to the same: the store merges it.
  if (bench.can().files) {
    EXPECT_EQ(first.values, once(meant(GetParam(), hourly(6))));
    EXPECT_EQ(said.values.size(), 6U + 8U);
  }
  std::map<std::string, std::set<std::string>> by_slot;
  for (const std::string& line : said.values) by_slot[line.substr(0, line.rfind(' '))].insert(line);
  for (const auto& [slot, lines] : by_slot) EXPECT_EQ(lines.size(), 1U) << slot;
}

TEST_P(Delivered, WhatComesLateIsStoredAtItsOwnTime) {
  Bench bench(GetParam());
  bench.start();
  const auto of_today = hourly(4), of_long_ago = hourly(4, kDay - std::chrono::days{40});
  ASSERT_TRUE(bench.send(GetParam().write(of_today)));
  bench.pass(hours{30});
  bench.restart();
  ASSERT_TRUE(bench.send(GetParam().write(of_long_ago)));
  auto expected = once(meant(GetParam(), of_today));
  expected.merge(once(meant(GetParam(), of_long_ago)));
  EXPECT_EQ(bench.stored().values, expected);
}

// The days of 23 and of 25 hours of a zone in a year.
std::vector<Zone::Day> odd_days(const Zone& zone) {
  std::vector<Zone::Day> found;
  for (std::chrono::sys_days day = std::chrono::year{2025} / 1 / 1;
       day < std::chrono::sys_days{std::chrono::year{2026} / 1 / 1}; day += std::chrono::days{1}) {
    const Zone::Day civil = zone.civil_day(day);
    if (civil.end - civil.start != hours{24}) found.push_back(civil);
  }
  return found;
}

TEST_P(Delivered, RegistersOfTheDaysWhenClocksChangeKeepTheirInstants) {
  const Zone zone = Zone::load(GetParam().zone).value();
  const auto days = odd_days(zone);
  ASSERT_EQ(days.size(), 2U);
  for (const Zone::Day& day : days) {
    const auto count = static_cast<int>((day.end - day.start) / hours{1});
    ASSERT_EQ(std::abs(count - 24), 1);
    const auto sent = hourly(count, day.start);
    Bench bench(GetParam());
    bench.start();
    ASSERT_TRUE(bench.send(GetParam().write(sent)));
    const Said said = bench.stored();
    std::vector<Reading> clear;
    std::copy_if(sent.begin(), sent.end(), std::back_inserter(clear),
                 [&](const Reading& one) { return zone.resolve(zone.civil(one.at)).count == 1; });
    // A clock face that was shown twice is nobody's to choose: kept aside, with its reason, never at a wrong
    // instant.
    const auto expected = meant(GetParam(), GetParam().local_times ? clear : sent);
    EXPECT_EQ(said.values, once(expected));
    EXPECT_EQ(said.complaints,
              std::vector<std::string>(sent.size() - expected.size(), "ambiguous_local_time"));
  }
}

using WithIntervals = Conformance;
INSTANTIATE_TEST_SUITE_P(conformance, WithIntervals, ::testing::ValuesIn(those([](const Interface& one) {
                           return one.way && one.write_block;
                         })),
                         name_of);

// 92 and 100 quarters of an hour, one after another in UTC.
TEST_P(WithIntervals, IntervalsOfTheDaysWhenClocksChangeFollowOneAnother) {
  for (const Zone::Day& day : odd_days(Zone::load(GetParam().zone).value())) {
    Block block{"K101", day.start + minutes{15}, {}};
    for (int i = 0; i < (day.end - day.start) / minutes{15}; ++i)
      block.values.push_back("0." + std::to_string(100 + i));
    Bench bench(GetParam());
    bench.start();
    ASSERT_TRUE(bench.send(GetParam().write_block(block)));
    const Said said = bench.stored();
    EXPECT_EQ(said.values, once(meant(GetParam(), block)));
    EXPECT_THAT(said.complaints, IsEmpty());
  }
}

using Answering = Conformance;
INSTANTIATE_TEST_SUITE_P(conformance, Answering, ::testing::ValuesIn(those([](const Interface& one) {
                           return one.way && one.write_result;
                         })),
                         name_of);

// The answer to a question that this run has never asked: kept, and told with its transaction.
TEST_P(Answering, AResultThatComesAfterARestartIsToldWithItsTransaction) {
  Bench bench(GetParam());
  bench.start();
  bench.restart();
  bench.pass(hours{5});
  ASSERT_TRUE(bench.send(GetParam().write_result("kit-17", "K101")));
  ASSERT_TRUE(bench.send(GetParam().write_result("kit-17", "K101")));
  const Said said = bench.stored();
  ASSERT_FALSE(said.results.empty());
  for (const std::string& result : said.results) EXPECT_EQ(result, "K101 kit-17");
}

using Kept = Conformance;
INSTANTIATE_TEST_SUITE_P(conformance, Kept, ::testing::ValuesIn(those([](const Interface& one) {
                           return one.write != nullptr;
                         })),
                         name_of);

// A record's own copy goes to quarantine, and is read again from there.
TEST_P(Kept, TheCopyOfARecordReadsAsTheRecord) {
  const Bench bench(GetParam());
  const auto records = bench.read_again(GetParam().write(hourly(6)));
  ASSERT_EQ(records.size(), 6U);
  for (const auto& [before, after] : records) {
    ASSERT_EQ(before.size(), 1U);
    EXPECT_EQ(after.distinct(), before);
    EXPECT_THAT(after.complaints, IsEmpty());
  }
}

}  // namespace
}  // namespace ami::conformance
