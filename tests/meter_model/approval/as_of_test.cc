// The notice as it stood on a day.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "meter_model/approval/service_switch.h"
#include "tests/meter_model/approval/scene.h"

namespace ami::approval {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(NoticeAsOf, EachModuleIsApprovedFromTheDayOfItsRevision) {
  struct Row {
    const char* module;
    const char* before;
    const char* from;
  };
  for (const Row& row :
       {Row{"RF_MESH", "2010-03-28", "2010-03-29"}, Row{"SSN", "2010-03-29", "2010-03-30"},
        Row{"FLEXNET", "2010-03-29", "2010-03-30"}, Row{"TRILLIANT", "2010-05-04", "2010-05-05"},
        Row{"TS2", "2010-05-13", "2010-05-14"}, Row{"UMT", "2010-06-06", "2010-06-07"},
        Row{"EMTR3FX", "2010-06-06", "2010-06-07"}}) {
    Device device = meter(row.module);
    device.firmware = "5.32";
    const CarryVerdict before = may_carry(&ae1641(), device, day(row.before));
    EXPECT_EQ(before.answer, Answer::Refused) << row.module;
    EXPECT_THAT(rules(before.findings), ElementsAre("MODULE_NOT_YET_APPROVED"));
    EXPECT_EQ(may_carry(&ae1641(), device, day(row.from)).answer, Answer::Allowed) << row.module;
    EXPECT_EQ(type_approval(&ae1641(), device, type(kDelivered), Provenance::SourceRegister, day(row.before))
                  .status,
              TypeApproval::Outside);
    EXPECT_FALSE(
        may_operate_switch(&ae1641(), device, SiteEvidence{row.module, "A. Smith", "R"}, day(row.before))
            .allowed);
  }
}

TEST(NoticeAsOf, RevisionInForceIsTheLastOfThatDay) {
  const auto in_force = [](const char* text) {
    const Revision* revision = ae1641().in_force(day(text));
    return revision == nullptr ? -1 : revision->number;
  };
  EXPECT_EQ(in_force("2009-06-21"), -1);
  EXPECT_EQ(in_force("2009-06-22"), 0);
  EXPECT_EQ(in_force("2010-03-30"), 3);  // two revisions of one day
  EXPECT_EQ(in_force("2010-06-06"), 5);
  EXPECT_EQ(in_force("2010-06-07"), 6);
  EXPECT_EQ(ae1641().in_force({})->number, 6);
}

TEST(NoticeAsOf, RevisionSixHasNoDateAndTakesThatOfTheSignatureAndSaysSo) {
  const Revision* six = ae1641().revision_numbered(6);
  ASSERT_NE(six, nullptr);
  EXPECT_FALSE(six->issued);
  EXPECT_EQ(to_text(six->effective), "2010-06-07");
  EXPECT_THAT(six->note, HasSubstr("no date"));
  for (const Revision& revision : ae1641().revisions)
    EXPECT_EQ(revision.issued.has_value(), revision.number != 6);
}

TEST(NoticeAsOf, BeforeTheOriginalIssueNothingIsApproved) {
  const Date before = day("2009-06-21");
  const CarryVerdict verdict = may_carry(&ae1641(), meter("SSN"), before);
  EXPECT_EQ(verdict.answer, Answer::Refused);
  EXPECT_THAT(rules(verdict.findings), ElementsAre("NOT_IN_FORCE"));
  EXPECT_EQ(verdict.revision, "");
  EXPECT_EQ(
      type_approval(&ae1641(), meter("SSN"), type(kDelivered), Provenance::SourceRegister, before).status,
      TypeApproval::Outside);
  EXPECT_FALSE(may_operate_switch(&ae1641(), meter("SSN"), {}, before).allowed);
}

TEST(NoticeAsOf, FirmwareCountsFromItsRevisionWhereThereIsOne) {
  const auto answer = [](const char* firmware, const char* date) {
    Device device = meter("RF_MESH");
    device.firmware = firmware;
    return may_carry(&ae1641(), device, day(date));
  };
  EXPECT_EQ(answer("5.32", "2010-03-29").answer, Answer::Allowed);
  EXPECT_THAT(inferences(answer("5.32", "2010-03-29").grounds), Contains("FIRMWARE_532_ORIGINAL"));
  EXPECT_EQ(answer("5.33", "2010-03-29").answer, Answer::Unknown);
  EXPECT_EQ(answer("5.33", "2010-03-30").answer, Answer::Allowed);
  // No revision introduced 5.34: listed by the notice as signed, before that nobody can say.
  EXPECT_EQ(answer("5.34", "2010-06-06").answer, Answer::Unknown);
  EXPECT_THAT(numbers(answer("5.34", "2010-06-06").grounds), Contains(8));
  const CarryVerdict last = answer("5.34", "2010-06-07");
  EXPECT_EQ(last.answer, Answer::Allowed);
  EXPECT_THAT(last.grounds.clauses, Contains(testing::Field(&Citation::revision, "not stated")));
}

TEST(NoticeAsOf, DatesAreReadStrictly) {
  EXPECT_EQ(to_text(day("0987-02-28")), "0987-02-28");
  for (const char* wrong : {"", "2010-6-7", "2010-02-29", "2010-13-01", "2010-00-10", "2010/06/07",
                            "2010-06-07Z", "+010-06-07", "2010-06-0x"})
    EXPECT_FALSE(parse_date(wrong)) << wrong;
}

}  // namespace
}  // namespace ami::approval
