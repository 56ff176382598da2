#include "meter_model/approval/verification.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/meter_model/approval/scene.h"

namespace ami::approval {
namespace {

using ::testing::HasSubstr;

UtcInstant at(const char* text) {
  return parse_instant(text).value();
}

Zone toronto() {
  return Zone::load("America/Toronto").value();
}

VerificationRecord record(const char* sealed, int due_year) {
  return {"C-1", day(sealed), "", due_year};
}

VerificationVerdict judged(const std::vector<VerificationRecord>& records, const char* instant,
                           const std::vector<SealBreak>& breaks = {}) {
  return verification_at(records, breaks, at(instant), toronto());
}

TEST(VerificationAt, InPeriodFromTheDayOfTheSealToTheLastDayOfTheDueYear) {
  const std::vector<VerificationRecord> records = {record("2010-07-01", 2020)};
  EXPECT_EQ(judged(records, "2010-07-01T12:00:00Z").status, Verification::InPeriod);
  EXPECT_EQ(judged(records, "2015-01-01T00:00:00Z").status, Verification::InPeriod);
  // Midnight in Toronto, five hours behind UTC.
  EXPECT_EQ(judged(records, "2021-01-01T04:59:59Z").status, Verification::InPeriod);
  const VerificationVerdict expired = judged(records, "2021-01-01T05:00:00Z");
  EXPECT_EQ(expired.status, Verification::Expired);
  EXPECT_EQ(expired.record, 0U);
  EXPECT_THAT(expired.reason, HasSubstr("2020"));
  // Four hours behind in summer.
  EXPECT_EQ(judged(records, "2010-07-01T03:59:59Z").status, Verification::Unknown);
  EXPECT_EQ(judged(records, "2010-07-01T04:00:00Z").status, Verification::InPeriod);
}

TEST(VerificationAt, NothingOnRecordIsUnknown) {
  EXPECT_EQ(judged({}, "2015-01-01T00:00:00Z").status, Verification::Unknown);
  EXPECT_EQ(judged({record("2016-01-01", 2026)}, "2015-01-01T00:00:00Z").status, Verification::Unknown);
}

TEST(VerificationAt, NewestSealCountsWhateverTheOrderOfTheRecords) {
  const std::vector<VerificationRecord> records = {record("2020-03-01", 2030), record("2008-03-01", 2018)};
  EXPECT_EQ(judged(records, "2017-06-01T00:00:00Z").status, Verification::InPeriod);
  EXPECT_EQ(judged(records, "2019-06-01T00:00:00Z").status, Verification::Expired);
  EXPECT_EQ(judged(records, "2021-06-01T00:00:00Z").status, Verification::InPeriod);
  EXPECT_EQ(judged(records, "2021-06-01T00:00:00Z").record, 0U);
  EXPECT_EQ(judged(records, "2019-06-01T00:00:00Z").record, 1U);
}

TEST(VerificationAt, IncompleteOrImpossibleRecordsAreUnknown) {
  const char* then = "2015-01-01T00:00:00Z";
  EXPECT_EQ(judged({{"", day("2010-07-01"), "", 2020}}, then).status, Verification::Unknown);
  EXPECT_EQ(judged({{"C-1", std::nullopt, "", 2020}}, then).status, Verification::Unknown);
  EXPECT_EQ(judged({{"C-1", day("2010-07-01"), "", std::nullopt}}, then).status, Verification::Unknown);
  EXPECT_EQ(judged({record("2010-07-01", 2009)}, then).status, Verification::Unknown);
  EXPECT_EQ(judged({{"C-1", day("2010-07-01"), "LOT-9", 2020}}, then).status, Verification::InPeriod);
}

TEST(VerificationAt, ModuleSwapBreaksTheSealUntilTheNextOne) {
  const std::vector<VerificationRecord> records = {record("2010-07-01", 2020), record("2013-05-02", 2023)};
  const std::vector<SealBreak> swap = {{at("2012-02-03T15:00:00Z"), "module changed"}};
  EXPECT_EQ(judged(records, "2012-02-03T14:59:59Z", swap).status, Verification::InPeriod);
  const VerificationVerdict broken = judged(records, "2012-02-03T15:00:00Z", swap);
  EXPECT_EQ(broken.status, Verification::NotVerified);
  EXPECT_EQ(broken.reason, "seal broken on 2012-02-03 (module changed), not sealed since");
  EXPECT_EQ(judged(records, "2013-05-01T12:00:00Z", swap).status, Verification::NotVerified);
  EXPECT_EQ(judged(records, "2013-05-02T12:00:00Z", swap).status, Verification::InPeriod);
}

TEST(VerificationAt, BrokenSealOutranksAnExpiredPeriodAndAMissingRecord) {
  const std::vector<SealBreak> swap = {{at("2012-02-03T15:00:00Z"), "module changed"}};
  EXPECT_EQ(judged({record("2010-07-01", 2020)}, "2025-01-01T00:00:00Z", swap).status,
            Verification::NotVerified);
  EXPECT_EQ(judged({}, "2015-01-01T00:00:00Z", swap).status, Verification::NotVerified);
  EXPECT_EQ(judged({{"", day("2010-07-01"), "", std::nullopt}}, "2015-01-01T00:00:00Z", swap).status,
            Verification::NotVerified);
  // A seal of unknown day may have come after it.
  EXPECT_EQ(judged({{"C-1", std::nullopt, "", 2020}}, "2015-01-01T00:00:00Z", swap).status,
            Verification::Unknown);
}

TEST(VerificationAt, BrokenAndSealedOnOneDayCannotBeTold) {
  const std::vector<VerificationRecord> records = {record("2012-02-03", 2022)};
  EXPECT_EQ(judged(records, "2015-01-01T00:00:00Z", {{at("2012-02-03T15:00:00Z"), "swap"}}).status,
            Verification::Unknown);
  // 02:00Z of the fourth is still the third in Toronto.
  EXPECT_EQ(judged(records, "2015-01-01T00:00:00Z", {{at("2012-02-04T02:00:00Z"), "swap"}}).status,
            Verification::Unknown);
  EXPECT_EQ(judged(records, "2015-01-01T00:00:00Z", {{at("2012-02-03T02:00:00Z"), "swap"}}).status,
            Verification::InPeriod);
}

TEST(VerificationAt, OnlyTheLastBreakUpToThenCounts) {
  const std::vector<VerificationRecord> records = {record("2012-06-01", 2022)};
  const std::vector<SealBreak> breaks = {{at("2014-01-10T15:00:00Z"), "second"},
                                         {at("2012-01-10T15:00:00Z"), "first"}};
  EXPECT_EQ(judged(records, "2013-01-01T00:00:00Z", breaks).status, Verification::InPeriod);
  EXPECT_THAT(judged(records, "2015-01-01T00:00:00Z", breaks).reason, HasSubstr("second"));
}

}  // namespace
}  // namespace ami::approval
