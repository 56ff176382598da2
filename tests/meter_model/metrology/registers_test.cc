#include "meter_model/metrology/registers.h"

#include <gtest/gtest.h>

#include "tests/meter_model/metrology/meters.h"

namespace ami::metrology {
namespace {

using Verdict = RegisterDelta::Verdict;
constexpr std::int64_t kForm2sW = 48'000;  // T23: CL200 at 240 V

constexpr RegisterFormat k5x1{5, 0};
constexpr RegisterFormat k6x01{6, 1};

RegisterDelta delta(const RegisterFormat& format, const char* first, const char* second,
                    std::chrono::microseconds between = std::chrono::days{1}, bool interrupted = false) {
  return register_delta(format, {decimal(first), decimal(second), between, interrupted}, kForm2sW).value();
}

TEST(RegisterFormat, ShowsLeadingZerosAndCutsOffWhatItCannotShow) {
  EXPECT_EQ(k5x1.display(wh("3000")), "00003");
  EXPECT_EQ(k5x1.display(wh("3999.999999")), "00003");
  EXPECT_EQ(k6x01.display(wh("400")), "00000.4");
  EXPECT_EQ(k6x01.display(wh("99999899.9")), "99999.8");
  EXPECT_EQ((RegisterFormat{1, 0}).display(wh("9999")), "9");
  EXPECT_EQ((RegisterFormat{9, 8}).display(wh("1234.567891")), "1.23456789");
}

TEST(RegisterFormat, RollsOver) {
  EXPECT_EQ(k5x1.display(wh("99999999")), "99999");
  EXPECT_EQ(k5x1.display(wh("100000000")), "00000");
  EXPECT_EQ(k5x1.display(wh("100003000")), "00003");
  EXPECT_EQ(k6x01.display(wh("100000400")), "00000.4");
}

TEST(RegisterFormat, ANetRegisterHasASign) {
  EXPECT_EQ(k5x1.display(wh("-2000")), "-00002");
  EXPECT_EQ(k5x1.display(wh("-2999")), "-00002");
  EXPECT_EQ(k5x1.display(wh("-999")), "00000");
  EXPECT_EQ(k6x01.display(wh("-99999.9")), "-00099.9");
}

TEST(RegisterFormat, DigitsAndDecimalsHaveBounds) {
  for (const RegisterFormat bad : {RegisterFormat{0, 0}, RegisterFormat{10, 0}, RegisterFormat{-5, 0},
                                   RegisterFormat{5, 5}, RegisterFormat{5, -1}}) {
    EXPECT_FALSE(bad.check()) << bad.digits << " " << bad.decimals;
  }
  EXPECT_TRUE((RegisterFormat{9, 8}).check());
  EXPECT_TRUE((RegisterFormat{1, 0}).check());
  EXPECT_NE((RegisterFormat{10, 0}).check().error().message.find("1 to 9"), std::string::npos);
}

// Vectors T19, T20.
TEST(RegisterDelta, OneWrapIsFiveKilowattHours) {
  const auto result = delta(k5x1, "99998", "00003");
  EXPECT_EQ(result.verdict, Verdict::Accepted);
  EXPECT_TRUE(result.wrapped);
  EXPECT_EQ(result.kwh, decimal("5"));
}

TEST(RegisterDelta, OneWrapWithADecimal) {
  const auto result = delta(k6x01, "99999.8", "00000.4");
  EXPECT_EQ(result.verdict, Verdict::Accepted);
  EXPECT_EQ(result.kwh, decimal("0.6"));
}

// 10^5 kWh at 48 kW take 100000 / 48 = 2083.33 h = 7,500,000 s = 86.8056 days.
TEST(RegisterDelta, TimeForAWholeTurnLeavesItUndetermined) {
  const auto in_time = delta(k5x1, "99998", "00003", 7'500'000s - 1us);
  EXPECT_EQ(in_time.verdict, Verdict::Accepted);
  for (const char* second : {"00003", "99999"}) {
    const auto too_long = delta(k5x1, "99998", second, 7'500'000s);
    EXPECT_EQ(too_long.verdict, Verdict::Undetermined) << second;
    EXPECT_EQ(too_long.kwh, Decimal{}) << "no energy may be stated";
    EXPECT_FALSE(too_long.reason.empty());
  }
}

TEST(RegisterDelta, MoreThanTheGreatestPowerGivesIsSuspect) {
  // 48 kW for an hour, and one step because both readings are cut off.
  EXPECT_EQ(delta(k5x1, "00100", "00149", 1h).verdict, Verdict::Accepted);
  EXPECT_EQ(delta(k5x1, "00100", "00150", 1h).verdict, Verdict::Suspect);
  const auto backwards = delta(k5x1, "00150", "00149", 1h);
  EXPECT_EQ(backwards.verdict, Verdict::Suspect);
  EXPECT_EQ(backwards.kwh, decimal("99999"));
  EXPECT_NE(backwards.reason.find("backwards"), std::string::npos);
}

// Section 2.9 forbids to assume a wrap across an exchange, not that a register shows more afterwards.
TEST(RegisterDelta, AcrossAnExchangeOrResetADropIsSuspectAndARiseIsNoEnergy) {
  EXPECT_EQ(delta(k5x1, "99998", "00003", 24h, true).verdict, Verdict::Suspect);
  for (const char* second : {"00003", "00005", "90000"}) {  // the last is more than any power gives in a day
    const auto rise = delta(k5x1, "00003", second, 24h, true);
    EXPECT_EQ(rise.verdict, Verdict::Undetermined) << second;
    EXPECT_EQ(rise.kwh, Decimal{}) << second;
    EXPECT_NE(rise.reason.find("exchange"), std::string::npos);
  }
}

TEST(RegisterDelta, NoChangeIsNoEnergy) {
  const auto result = delta(k5x1, "00003", "00003");
  EXPECT_EQ(result.verdict, Verdict::Accepted);
  EXPECT_FALSE(result.wrapped);
  EXPECT_EQ(result.kwh, Decimal{});
}

TEST(RegisterDelta, ReadingsThatTheRegisterCannotShowAreRefused) {
  for (const char* bad : {"100000", "3.5", "-1"}) {
    EXPECT_FALSE(register_delta(k5x1, {decimal("1"), decimal(bad), 1h}, kForm2sW)) << bad;
    EXPECT_FALSE(register_delta(k5x1, {decimal(bad), decimal("1"), 1h}, kForm2sW)) << bad;
  }
  EXPECT_TRUE(register_delta(k5x1, {decimal("1.0"), decimal("2.00"), 1h}, kForm2sW)) << "by value";
}

TEST(RegisterDelta, ImpossibleTimeOrPowerIsRefused) {
  const ReadingPair pair{decimal("1"), decimal("2"), 1h};
  EXPECT_FALSE(register_delta(k5x1, pair, 0));
  EXPECT_FALSE(register_delta(k5x1, pair, -48'000));
  EXPECT_FALSE(register_delta(k5x1, pair, std::int64_t{1} << 62));
  EXPECT_FALSE(register_delta(k5x1, {pair.first_kwh, pair.second_kwh, 0s}, kForm2sW));
  EXPECT_FALSE(register_delta(k5x1, {pair.first_kwh, pair.second_kwh, -1s}, kForm2sW));
  EXPECT_FALSE(register_delta({0, 0}, pair, kForm2sW));
}

// Vector T23: 240 V times 200 A.
TEST(PhysicalCeiling, FollowsFromVoltageAndCurrent) {
  EXPECT_EQ(energy_at(kForm2sW, 5min), wh("4000"));
  EXPECT_EQ(energy_at(kForm2sW, 15min), wh("12000"));
  EXPECT_EQ(energy_at(kForm2sW, 1h), wh("48000"));
}

// Vector T25.
TEST(NetDelta, KeepsItsSignOverAWrap) {
  const auto net = net_delta(k5x1, {decimal("99999"), decimal("00001"), 24h},
                             {decimal("10"), decimal("14"), 24h}, kForm2sW);
  ASSERT_TRUE(net);
  EXPECT_EQ(net->verdict, Verdict::Accepted);
  EXPECT_EQ(net->kwh, decimal("-2"));
}

TEST(NetDelta, IsAsDoubtfulAsTheWorseOfTheTwo) {
  const ReadingPair good{decimal("10"), decimal("14"), 24h};
  const ReadingPair swapped{decimal("14"), decimal("10"), 24h, true};
  const ReadingPair long_ago{decimal("10"), decimal("14"), std::chrono::days{100}};
  EXPECT_EQ(net_delta(k5x1, good, swapped, kForm2sW)->verdict, Verdict::Suspect);
  EXPECT_NE(net_delta(k5x1, good, swapped, kForm2sW)->reason.find("received"), std::string::npos);
  EXPECT_EQ(net_delta(k5x1, long_ago, swapped, kForm2sW)->verdict, Verdict::Undetermined);
  EXPECT_EQ(net_delta(k5x1, long_ago, good, kForm2sW)->kwh, Decimal{});
  EXPECT_FALSE(net_delta(k5x1, good, {decimal("10"), decimal("100000"), 24h}, kForm2sW));
}

// Vector T22.
TEST(TransformerHistory, PrimaryIsSecondaryTimesBothRatios) {
  const auto history =
      TransformerHistory::create({{at("2020-01-01T00:00:00Z"), decimal("40"), decimal("1")}});
  ASSERT_TRUE(history);
  EXPECT_EQ(history->primary(decimal("12.345"), at("2026-01-01T00:00:00Z")).value(), decimal("493.8"));
  EXPECT_EQ(history->primary_kh(decimal("0.6"), at("2026-01-01T00:00:00Z")).value(), decimal("24"));
}

TEST(TransformerHistory, EachTimeHasItsOwnRatio) {
  const auto history =
      TransformerHistory::create({{at("2020-01-01T00:00:00Z"), decimal("40"), decimal("1")},
                                  {at("2025-01-01T00:00:00Z"), decimal("80"), decimal("60")}});
  ASSERT_TRUE(history);
  EXPECT_EQ(history->primary(decimal("1"), at("2024-12-31T23:59:59Z")).value(), decimal("40"));
  EXPECT_EQ(history->primary(decimal("1"), at("2025-01-01T00:00:00Z")).value(), decimal("4800"));
  EXPECT_FALSE(history->primary(decimal("1"), at("2019-12-31T23:59:59Z"))) << "not known yet";
}

TEST(TransformerHistory, ADifferenceOverAChangeOfRatioIsRefused) {
  const auto history =
      TransformerHistory::create({{at("2020-01-01T00:00:00Z"), decimal("40"), decimal("1")},
                                  {at("2025-01-01T00:00:00Z"), decimal("80"), decimal("1")}});
  ASSERT_TRUE(history);
  const auto change = at("2025-01-01T00:00:00Z");
  const auto over = history->primary_between(decimal("3"), change - 24h, change + 24h);
  ASSERT_FALSE(over);
  EXPECT_NE(over.error().message.find("2025-01-01T00:00:00Z"), std::string::npos);
  EXPECT_EQ(history->primary_between(decimal("3"), change - 24h, change).value(), decimal("120"));
  EXPECT_EQ(history->primary_between(decimal("3"), change, change + 24h).value(), decimal("240"));
  EXPECT_FALSE(history->primary_between(decimal("3"), change, change - 24h));
}

TEST(TransformerHistory, NeedsPositiveRatiosInOrderOfTime) {
  const auto t = at("2020-01-01T00:00:00Z");
  EXPECT_FALSE(TransformerHistory::create({}));
  EXPECT_FALSE(TransformerHistory::create({{t, decimal("0"), decimal("1")}}));
  EXPECT_FALSE(TransformerHistory::create({{t, decimal("40"), decimal("-1")}}));
  EXPECT_FALSE(
      TransformerHistory::create({{t, decimal("40"), decimal("1")}, {t, decimal("80"), decimal("1")}}));
}

TEST(TransformerHistory, AProductThatDoesNotFitIsRefused) {
  const auto history =
      TransformerHistory::create({{at("2020-01-01T00:00:00Z"), decimal("1000.0000001"), decimal("1")}});
  EXPECT_FALSE(history->primary(decimal("9223372036854775.807"), at("2026-01-01T00:00:00Z")));
}

}  // namespace
}  // namespace ami::metrology
