#include <gtest/gtest.h>

#include <array>

#include "tests/meter_model/vee/scene.h"

namespace ami::vee {
namespace {

using std::chrono::microseconds;
using std::chrono::seconds;

TEST(VeeChecks, TableHoldsAllTwentySixInOrderAndOnlyOurOwnCodes) {
  ASSERT_EQ(all_checks().size(), 26U);
  for (std::size_t i = 0; i < kChecks; ++i) {
    const CheckInfo& row = all_checks()[i];
    EXPECT_EQ(row.id, (i < 9 ? "V0" : "V") + std::to_string(i + 1));
    EXPECT_EQ(static_cast<std::size_t>(row.check), i);
    EXPECT_FALSE(row.codes.empty());
    for (const QualityCode& code : row.codes) {
      EXPECT_EQ(code.system, 2) << row.id;
      EXPECT_FALSE(code.meaning().empty()) << row.id << ' ' << code.to_string();
    }
  }
  EXPECT_EQ(check_from("V14"), Check::IntervalSum);
  EXPECT_FALSE(check_from("V27"));
}

TEST(Identity, EveryFieldThatBothSidesKnowIsCompared) {
  Case c;
  c.meter.expected = {"1S1", "M1", "2S", "P7", number("1")};
  c.meter.reported = {"1S1", "M1", "2S", "P7", number("1.0")};
  EXPECT_EQ(c.verdict(Check::Identity), "PASSED");
  c.meter.reported = {"1S2", "M2", "1S", "P8", number("40")};
  EXPECT_EQ(c.codes(Check::Identity), "2.5.257 2.5.257 2.5.257 2.5.257 2.5.257");
}

TEST(Identity, WhatNobodySaidIsNotJudged) {
  Case c;
  c.meter.expected.serial = "1S1";
  EXPECT_EQ(c.verdict(Check::Identity), "nothing of the meter's identity is known from both sides");
}

TEST(SystemTime, OneSecondPassesMoreFailsAndMoreThanAMinuteRefusesToStamp) {
  Case c;
  const auto advice = [&](microseconds error) {
    c.meter.collector_error = error;
    const Report report = c.run({Check::SystemTime});
    return report.findings().empty() ? "" : std::string(name_of(report.findings()[0].advice));
  };
  EXPECT_EQ(advice(seconds{1}), "");
  EXPECT_EQ(advice(-seconds{1}), "");
  EXPECT_EQ(advice(microseconds{1'000'001}), "KEEP");
  EXPECT_EQ(advice(seconds{-60}), "KEEP");
  EXPECT_EQ(advice(microseconds{60'000'001}), "REFUSE_TO_STAMP");
  EXPECT_EQ(c.codes(Check::SystemTime), "2.1.9");
  c.meter.collector_error.reset();
  EXPECT_EQ(c.verdict(Check::SystemTime), "the collector's clock was not compared before collection");
}

TEST(MeterTime, ThreeMinutesPassAnIntervalMakesTheDataUnusable) {
  Case c;
  c.meter.meter_error = -seconds{180};
  EXPECT_EQ(c.codes(Check::MeterTime), "");
  c.meter.meter_error = microseconds{180'000'001};
  EXPECT_EQ(c.codes(Check::MeterTime), "2.1.9");
  EXPECT_EQ(c.figure_of(Check::MeterTime, "by"), "0.000001");
  c.meter.meter_error = -microseconds{899'999'999};
  EXPECT_EQ(c.codes(Check::MeterTime), "2.1.9");
  c.meter.meter_error = seconds{900};
  EXPECT_EQ(c.codes(Check::MeterTime), "2.4.9");
  EXPECT_EQ(c.run({Check::MeterTime}).findings()[0].advice, Advice::Unusable);
}

TEST(Transport, ABrokenBlockIsDiscarded) {
  Case c;
  EXPECT_EQ(c.verdict(Check::Transport), "PASSED");
  c.transport = {TransportFault::Crc, TransportFault::TableSignature};
  EXPECT_EQ(c.codes(Check::Transport), "2.1.6 2.1.6");
  EXPECT_EQ(c.run({Check::Transport}).findings()[1].advice, Advice::Discard);
}

TEST(Diagnostics, EachErrorBitHasItsCode) {
  Case c;
  EXPECT_EQ(c.verdict(Check::Diagnostics), "PASSED");
  c.diagnostics = {Diagnostic::Ram,           Diagnostic::Rom,       Diagnostic::Nvram,
                   Diagnostic::Configuration, Diagnostic::SelfCheck, Diagnostic::Measurement};
  EXPECT_EQ(c.codes(Check::Diagnostics), "2.1.7 2.1.8 2.1.0 2.1.0 2.1.0 2.1.0");
}

TEST(Sign, ReverseFlagOfAMeterWithoutReceivedChannel) {
  Case c;
  c.reverse_flags = {at("2026-01-15T12:00:00Z")};
  EXPECT_EQ(c.codes(Check::Sign), "2.3.4");
  c.meter.has_received_channel = true;
  EXPECT_EQ(c.codes(Check::Sign), "");
}

// Bulk and three tiers in steps of 1 kWh: the bound is 4 kWh, and it is not allowed to be reached.
TEST(TouSum, FailsAtNPlusOneStepsAndPassesJustBelow) {
  Case c;
  c.meter.tou_bulk = RegisterSpan{number("1000"), number("1100"), number("1"), {}};
  const auto tiers = [&](const char* last) {
    c.tiers = {{number("10"), number("40"), number("1"), {}},
               {number("20"), number("50"), number("1"), {}},
               {number("30"), number(last), number("1"), {}}};
  };
  tiers("66");  // 30 + 30 + 36 = 96, 4 short
  EXPECT_EQ(c.codes(Check::TouSum), "2.6.9");
  EXPECT_EQ(c.figure_of(Check::TouSum, "difference"), "-4");
  tiers("67");
  EXPECT_EQ(c.verdict(Check::TouSum), "PASSED");
  tiers("74");
  EXPECT_EQ(c.codes(Check::TouSum), "2.6.9");
  c.tiers.clear();
  EXPECT_EQ(c.verdict(Check::TouSum), "no TOU registers with their bulk register");
}

TEST(TouSum, ATierThatWrapsIsFollowedRound) {
  Case c;
  c.meter.tou_bulk = RegisterSpan{number("1000"), number("1005"), number("1"), {}};
  c.tiers = {{number("99998"), number("3"), number("1"), number("100000")}};
  EXPECT_EQ(c.verdict(Check::TouSum), "PASSED");
}

TEST(NetIdentity, FailsAtThreeStepsAndPassesJustBelow) {
  Case c;
  c.meter.delivered = RegisterSpan{number("100"), number("150"), number("1"), {}};
  c.meter.received = RegisterSpan{number("10"), number("30"), number("1"), {}};
  const auto net = [&](const char* second) {
    c.meter.net = RegisterSpan{number("90"), number(second), number("1"), {}};
    return c.codes(Check::NetIdentity);
  };
  EXPECT_EQ(net("120"), "");
  EXPECT_EQ(net("122.9"), "");
  EXPECT_EQ(net("123"), "2.6.0");
  EXPECT_EQ(net("117"), "2.6.0");
  EXPECT_EQ(c.figure_of(Check::NetIdentity, "by"), "0");
}

// Reference vector: delivered 99999 -> 00001 (+2), received 10 -> 14 (+4): net is -2, not 10^5 away.
TEST(NetIdentity, AWrapOfOnePartIsNoMismatch) {
  Case c;
  c.meter.delivered = RegisterSpan{number("99999"), number("1"), number("1"), number("100000")};
  c.meter.received = RegisterSpan{number("10"), number("14"), number("1"), number("100000")};
  c.meter.net = RegisterSpan{number("99989"), number("-13"), number("1"), number("100000")};
  EXPECT_EQ(c.codes(Check::NetIdentity), "");
  c.meter.net = RegisterSpan{number("50"), number("48"), number("1"), {}};
  EXPECT_EQ(c.codes(Check::NetIdentity), "");
  c.meter.net = RegisterSpan{number("50"), number("54"), number("1"), {}};
  EXPECT_EQ(c.codes(Check::NetIdentity), "2.6.0");
}

TEST(Configuration, ChangeWithoutAWorkOrder) {
  Case c;
  EXPECT_EQ(c.verdict(Check::Configuration), "the programme is not known at both times");
  c.meter.programme_before = ProgrammeState{"S1", number("1.2"), seconds{900}};
  c.meter.programme_now = ProgrammeState{"S1", number("1.20"), seconds{900}};
  EXPECT_EQ(c.verdict(Check::Configuration), "PASSED");
  c.meter.programme_now = ProgrammeState{"S2", number("0.6"), seconds{300}};
  EXPECT_EQ(c.codes(Check::Configuration), "2.4.6 2.4.6 2.4.6");
  c.meter.work_order = true;
  EXPECT_EQ(c.codes(Check::Configuration), "");
}

}  // namespace
}  // namespace ami::vee
