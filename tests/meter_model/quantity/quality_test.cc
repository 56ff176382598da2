#include "meter_model/quantity/quality.h"

#include <gtest/gtest.h>

namespace ami {
namespace {

int exported(std::initializer_list<const char*> codes) {
  QualitySet set;
  for (const char* code : codes) add(set, *QualityCode::parse(code));
  return green_button_quality(set);
}

TEST(QualityParse, ReadsThreePartsAndPrintsThemBack) {
  const auto code = QualityCode::parse("2.5.258");
  ASSERT_TRUE(code.ok());
  EXPECT_EQ(*code, (QualityCode{2, 5, 258}));
  EXPECT_EQ(code->to_string(), "2.5.258");
  EXPECT_TRUE(QualityCode::parse("5.12.65535").ok());
}

TEST(QualityParse, RefusesEverythingElse) {
  for (const char* text :
       {"", "2", "2.5", "2.5.258.0", "2.5.", ".5.258", "2..258", "a.b.c", "2.5.2x", "-1.0.0", "+2.0.0",
        "6.0.0", "0.13.0", "0.0.65536", "0.0.99999999999999999999", " 2.0.0", "2.0.0 "}) {
    const auto code = QualityCode::parse(text);
    ASSERT_FALSE(code.ok()) << text;
    EXPECT_EQ(code.error().fault, Fault::Permanent);
    EXPECT_NE(code.error().message.find("\"" + std::string(text) + "\""), std::string::npos)
        << code.error().message;
  }
}

TEST(QualityMeaning, IsTheSameForEverySystemAndEmptyForVendorsOwn) {
  EXPECT_EQ((QualityCode{1, 4, 1}.meaning()), "register or interval overflow");
  EXPECT_EQ((QualityCode{2, 4, 1}.meaning()), "register or interval overflow");
  EXPECT_EQ((QualityCode{2, 5, 258}.meaning()), "suspect");
  EXPECT_EQ((QualityCode{0, 4, 259}.meaning()), "daylight saving time change");
  EXPECT_EQ((QualityCode{3, 5, 1001}.meaning()), "");
  EXPECT_EQ((QualityCode{0, 9, 0}.meaning()), "");
}

TEST(QualitySetTest, IsSortedWithoutRepeatsInWhateverOrderCodesArrive) {
  QualitySet set;
  for (const char* code : {"2.5.258", "1.4.2", "2.5.258", "0.0.0", "1.4.2"})
    add(set, *QualityCode::parse(code));
  EXPECT_EQ(set, (QualitySet{{0, 0, 0}, {1, 4, 2}, {2, 5, 258}}));
}

TEST(GreenButton, SendersPlainFlagIsOnlyValidOrRaw) {
  EXPECT_EQ(exported({}), 14);
  for (const char* plain : {"0.0.0", "1.0.0", "2.0.0", "3.0.0", "3.0.1", "5.0.1"})
    EXPECT_EQ(exported({plain}), 0) << plain;
}

TEST(GreenButton, ValidatedIsSaidOnlyAfterOurOwnValidation) {
  EXPECT_EQ(exported({"2.0.1"}), 17);
  EXPECT_EQ(exported({"2.0.0", "2.0.1", "2.2.32"}), 17);
  EXPECT_NE(exported({"3.0.1"}), 17);
  EXPECT_NE(exported({"1.0.1"}), 17);
}

TEST(GreenButton, WarningsAreNeverHiddenByAGoodWordBesideThem) {
  EXPECT_EQ(exported({"2.8.0"}), 16);
  EXPECT_EQ(exported({"2.8.2"}), 8);
  EXPECT_EQ(exported({"2.8.1001"}), 16);
  EXPECT_EQ(exported({"2.0.1", "2.8.0"}), 16);
  EXPECT_EQ(exported({"2.0.0", "2.7.0"}), 7);
  EXPECT_EQ(exported({"2.0.0", "2.5.258"}), 10);
  EXPECT_EQ(exported({"2.0.1", "2.10.0"}), 10);
  EXPECT_EQ(exported({"2.0.0", "2.6.0"}), 10);
  EXPECT_EQ(exported({"2.11.0"}), 11);
  EXPECT_EQ(exported({"2.0.0", "2.12.0"}), 12);
  EXPECT_EQ(exported({"2.0.0", "1.4.2"}), 14);  // valid, but a partial interval: neither 0 nor 17
}

}  // namespace
}  // namespace ami
