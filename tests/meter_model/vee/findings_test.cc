#include "meter_model/vee/findings.h"

#include <gtest/gtest.h>

#include <set>

#include "meter_model/vee/check.h"

namespace ami::vee {
namespace {

TEST(Findings, EveryCodeOfACheckIsOursAloneButThatAValueIsEstimated) {
  std::set<QualityCode> said{kValidated};
  for (const CheckInfo& check : all_checks()) said.insert(check.codes.begin(), check.codes.end());
  ASSERT_TRUE(said.erase(code::kEstimated)) << "V25 says it";
  EXPECT_EQ(said, std::set<QualityCode>(kFindings.begin(), kFindings.end()));
  EXPECT_EQ(std::set<QualityCode>(kFindings.begin(), kFindings.end()).size(), kFindings.size())
      << "each once";
}

TEST(Findings, ASendersWordsAreNone) {
  for (const QualityCode other : {QualityCode{2, 8, 0}, QualityCode{2, 0, 0}, QualityCode{2, 7, 0},
                                  QualityCode{1, 4, 5}, QualityCode{3, 5, 258}, QualityCode{}}) {
    EXPECT_FALSE(is_finding(other)) << other.to_string();
  }
  EXPECT_TRUE(is_finding({2, 6, 9}));
}

}  // namespace
}  // namespace ami::vee
