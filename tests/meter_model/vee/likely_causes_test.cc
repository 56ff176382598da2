#include <gtest/gtest.h>

#include "meter_model/vee/likely_causes.h"
#include "tests/meter_model/vee/scene.h"

namespace ami::vee {
namespace {

// The day of Case holds 48048 Wh; registers in steps of 1 Wh say `kwh` instead.
struct Mismatch : Case {
  explicit Mismatch(const char* register_difference) {
    day.programme.register_resolution = number("1");
    registers = {{at("2026-01-15T05:00:00Z"), number("0"), {}},
                 {at("2026-01-16T05:00:00Z"), number(register_difference), {}}};
  }
  std::string causes(const CauseHints& hints = {}) {
    day.programme.limit_per_hour.reset();  // so that no difference is too great to be looked at
    const Report report = run({Check::IntervalSum});
    if (report.findings().empty()) return "no finding";
    const auto found = diagnose(report.findings()[0], &day, meter, config, hints);
    if (!found) return "no diagnosis";
    by = found->by;
    std::string text;
    for (const LikelyCause& cause : found->causes) {
      text += (text.empty() ? "" : " ") + std::string(name_of(cause.cause));
      if (!cause.figures.empty()) last = cause.figures.back().value.normalised().to_string();
    }
    return text;
  }
  Decimal by;
  std::string last;
};

TEST(LikelyCauses, RatioOfTwoPulseConstants) {
  Mismatch c("86486");  // 48048 x 1.8 = 86486.4: the pulses are 1.8 Wh
  EXPECT_EQ(c.causes(), "WRONG_KE");
  EXPECT_EQ(c.last, "1.8");
  EXPECT_EQ(c.by, number("-38438"));
}

TEST(LikelyCauses, ATransformerRatioOnEitherSide) {
  Mismatch c("1921920");  // 40 times
  EXPECT_EQ(c.causes(), "MULTIPLIER");
  EXPECT_EQ(c.last, "40");
  Mismatch other("1201");  // a fortieth: 1201.2
  EXPECT_EQ(other.causes(), "MULTIPLIER");
  EXPECT_EQ(other.last, "40");
}

TEST(LikelyCauses, TheOtherDirectionsRegister) {
  Mismatch c("13131");
  EXPECT_EQ(c.causes({number("48047"), {}, {}}), "SWAPPED_CHANNELS");
  EXPECT_EQ(c.causes({number("48040"), {}, {}}), "");
}

TEST(LikelyCauses, AnIntervalBesideTheBoundary) {
  const std::vector<Decimal> before{number("700")}, after{number("310"), number("320")};
  Mismatch c("48748");  // the registers hold 700 Wh more
  EXPECT_EQ(c.causes({{}, before, {}}), "MISSED_INTERVALS");
  EXPECT_EQ(c.causes(), "");
  Mismatch two("48678");  // 310 + 320
  EXPECT_EQ(two.causes({{}, {}, after}), "MISSED_INTERVALS");
  EXPECT_EQ(two.last, "630");
  Mismatch late("47047");  // 500 + 501 too many, at either end alike
  EXPECT_EQ(late.causes(), "MISSED_INTERVALS MISSED_INTERVALS");
}

TEST(LikelyCauses, ClockSetOnlyWhereTheTimeIsEnoughForTheDifference) {
  Mismatch c("48145");  // 97 Wh; at 501 Wh in 15 min that takes about 3 minutes
  c.clock_sets = {{at("2026-01-15T12:00:00Z"), std::chrono::seconds{200}}};
  EXPECT_EQ(c.causes(), "CLOCK_SET");
  c.clock_sets[0].by = std::chrono::seconds{-60};
  EXPECT_EQ(c.causes(), "");
  c.clock_sets[0] = {at("2026-01-17T12:00:00Z"), std::chrono::seconds{200}};
  EXPECT_EQ(c.causes(), "");
}

TEST(LikelyCauses, NothingFitsIsSaidToo) {
  EXPECT_EQ(Mismatch("30011").causes(), "");
}

// A handful of Wh with a coarse register would fit every constant; none is named.
TEST(LikelyCauses, ADifferenceNoWiderThanTheBoundNamesNoRatio) {
  Mismatch c("49060");
  c.day.programme.register_resolution = number("1000");
  EXPECT_EQ(c.causes(), "");
}

// 3000 Wh in pulses of 1 Wh, steps of 1000 Wh: pulses of 1.2 Wh agree with either register, because almost
// anything would; the constant is only named once the difference is wider than its own bound of 1001.2 Wh.
TEST(LikelyCauses, AConstantIsNamedOnlyWhereItsBoundIsNarrowerThanTheDifference) {
  Mismatch c("4001");
  for (auto& value : c.values) value = 0;
  c.values[10] = c.values[20] = c.values[30] = 1000;
  c.day.programme.register_resolution = number("1000");
  EXPECT_EQ(c.causes(), "");
  c.registers[1].value = number("4100");
  EXPECT_EQ(c.causes(), "WRONG_KE");
  EXPECT_EQ(c.last, "1.2");
}

TEST(LikelyCauses, WrapThatTheIntervalsConfirm) {
  Case c;
  c.day.programme.limit_per_hour.reset();
  c.registers = {{at("2026-01-15T05:00:00Z"), number("99970000"), {}},
                 {at("2026-01-16T05:00:00Z"), number("18000"), {}}};
  Report report = c.run({Check::RegisterMonotone});
  ASSERT_EQ(report.findings().size(), 1U);
  auto found = diagnose(report.findings()[0], &c.day, c.meter, c.config);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->identity, Identity::Wrap);
  ASSERT_EQ(found->causes.size(), 1U);
  EXPECT_EQ(found->causes[0].cause, Cause::RegisterWrapped);
  c.registers[1].value = number("20000");  // 50 kWh by wrap, the intervals hold 48
  report = c.run({Check::RegisterMonotone});
  found = diagnose(report.findings()[0], &c.day, c.meter, c.config);
  EXPECT_TRUE(found->causes.empty());
}

TEST(LikelyCauses, NetWithItsPartsExchanged) {
  Case c;
  c.meter.delivered = RegisterSpan{number("100"), number("150"), number("1"), {}};
  c.meter.received = RegisterSpan{number("10"), number("30"), number("1"), {}};
  c.meter.net = RegisterSpan{number("90"), number("60"), number("1"), {}};
  const Report report = c.run({Check::NetIdentity});
  ASSERT_EQ(report.findings().size(), 1U);
  const auto found = diagnose(report.findings()[0], nullptr, c.meter, c.config);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->identity, Identity::Net);
  EXPECT_EQ(found->by, number("-60"));
  ASSERT_EQ(found->causes.size(), 1U);
  EXPECT_EQ(found->causes[0].cause, Cause::SwappedChannels);
}

TEST(LikelyCauses, DemandRegisterWithoutItsTransformerRatio) {
  Case c(96, 100);
  c.values[40] = 9000;  // 36 kW
  c.day.demand =
      DemandRead{number("900"), number("1"), std::chrono::seconds{900}, std::chrono::seconds{900}, c.day.day};
  const Report report = c.run({Check::Demand});
  ASSERT_EQ(report.findings().size(), 1U);
  const auto found = diagnose(report.findings()[0], &c.day, c.meter, c.config);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->identity, Identity::Demand);
  ASSERT_EQ(found->causes.size(), 1U);
  EXPECT_EQ(found->causes[0].figures[0].value, number("40"));
}

TEST(LikelyCauses, FindingsThatAreNoIdentityHaveNone) {
  Case c;
  c.values[0] = -1;
  EXPECT_FALSE(diagnose(c.run({Check::Sign}).findings()[0], &c.day, c.meter, c.config));
}

}  // namespace
}  // namespace ami::vee
