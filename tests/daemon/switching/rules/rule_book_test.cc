#include "daemon/switching/rules/rule_book_yaml.h"

#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/daemon/support/temp_folder.h"
#include "tests/daemon/switching/rules/scene.h"

namespace ami::daemon::switching {
namespace {
namespace fs = std::filesystem;

std::string text_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

class RuleBookFiles : public ::testing::Test {
 protected:
  RuleBookFiles() {
    fs::copy(shipped_folder(), folder_.path(), fs::copy_options::recursive);
  }
  // The shipped file with the first `from` replaced.
  void change(const std::string& file, const std::string& from, const std::string& to) {
    std::string text = text_of(folder_.path(file));
    const auto at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    folder_.write(file, text.replace(at, from.size(), to));
  }
  // Problems, with the folder's name cut off.
  std::string problems() {
    std::string text = sdk::to_text(load_rule_book(folder_.path()).problems);
    for (auto at = text.find(folder_.path() + "/"); at != std::string::npos;
         at = text.find(folder_.path() + "/"))
      text.erase(at, folder_.path().size() + 1);
    return text;
  }
  int line_of(const std::string& file, const std::string& what) {
    const std::string text = text_of(folder_.path(file));
    const auto at = text.find(what);
    EXPECT_NE(at, std::string::npos) << what;
    return 1 + static_cast<int>(std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n'));
  }
  static constexpr const char* kRules = "rules.yaml";
  static constexpr const char* kOntario = "jurisdictions/ca-on.yaml";
  static constexpr const char* kVirginia = "jurisdictions/us-va.yaml";
  testing::TempFolder folder_;
};

TEST_F(RuleBookFiles, ShippedOnesAreInOrder) {
  const LoadedRuleBook loaded = load_rule_book(folder_.path());
  EXPECT_TRUE(loaded.problems.empty()) << sdk::to_text(loaded.problems);
  EXPECT_EQ(loaded.book.classes.size(), kReasonClasses);
  std::string codes;
  for (const auto& [code, place] : loaded.book.jurisdictions) {
    codes += code + " ";
    EXPECT_FALSE(place.sources.empty()) << code;
    for (const Gate& gate : place.gates) EXPECT_FALSE(gate.source.empty()) << code;
  }
  EXPECT_EQ(codes, "CA-ON US-CA US-MD US-TX US-VA ");
  EXPECT_EQ(loaded.book.lists.lists.size(), 3U);
  EXPECT_EQ(loaded.book.lists.stale_after, std::chrono::hours{24});
  EXPECT_EQ(loaded.book.jurisdictions.at("US-VA").gates.at(1).holidays.size(), 27U);
}

TEST_F(RuleBookFiles, NothingStopsWhatSavesALifeOrTheWayBack) {
  for (const char* reason : {"EMERGENCY_SAFETY", "RECONNECT", "RESTORE_WRONGFUL"}) {
    folder_.write(kOntario, text_of(fs::path(shipped_folder()) / kOntario));
    change(kOntario, "binds: [NON_PAYMENT]", "binds: [NON_PAYMENT, " + std::string(reason) + "]");
    EXPECT_EQ(problems(), "jurisdictions/ca-on.yaml:" + std::to_string(line_of(kOntario, "binds: [NON_PAYMENT, ")) +
                              ": binds: " + reason +
                              " is stopped by safety holds only: it saves a life, or is the way back\n");
  }
  folder_.write(kOntario, text_of(fs::path(shipped_folder()) / kOntario));
  change(kRules, "binds: [NON_PAYMENT, VACANT_MOVE_OUT, CUSTOMER_REQUEST, THEFT, TEST]",
         "binds: [EMERGENCY_SAFETY, NON_PAYMENT, VACANT_MOVE_OUT, CUSTOMER_REQUEST, THEFT, TEST]");
  EXPECT_NE(problems().find("EMERGENCY_SAFETY is stopped by safety holds only"), std::string::npos);
}

TEST_F(RuleBookFiles, NonPaymentAndVacancyFailClosedWhereverTheyAreBound) {
  change(kOntario, "    fail_closed: [NON_PAYMENT]\n", "");
  EXPECT_EQ(problems(), "jurisdictions/ca-on.yaml:" + std::to_string(line_of(kOntario, "binds: [")) +
                            ": binds: NON_PAYMENT must stand under fail_closed, too\n");
  change(kRules, "fail_closed: [NON_PAYMENT, VACANT_MOVE_OUT, CUST", "fail_closed: [NON_PAYMENT, CUST");
  EXPECT_NE(problems().find("rules.yaml:" + std::to_string(line_of(kRules, "  binds: [NON_PAYMENT, VACANT_MOVE_OUT, C")) +
                            ": binds: VACANT_MOVE_OUT must stand under fail_closed, too"),
            std::string::npos);
}

TEST_F(RuleBookFiles, FailClosedOfAClassThatIsNotBoundIsAProblem) {
  change(kOntario, "fail_closed: [NON_PAYMENT]", "fail_closed: [NON_PAYMENT, THEFT]");
  EXPECT_NE(problems().find("fail_closed: THEFT does not stand under binds"), std::string::npos);
}

TEST_F(RuleBookFiles, LockOutBindsEveryClass) {
  change(kRules, "RESTORE_WRONGFUL, RECONNECT]\n\n# Whoever", "RESTORE_WRONGFUL]\n\n# Whoever");
  EXPECT_NE(problems().find("binds: a lock-out stops every class"), std::string::npos);
}

TEST_F(RuleBookFiles, EveryClassStandsOnce) {
  change(kRules, "  - {class: TEST, actions: [OPEN, CLOSE, ARM]}\n", "");
  EXPECT_NE(problems().find("classes: TEST is missing"), std::string::npos);
  change(kRules, "class: THEFT", "class: NON_PAYMENT");
  EXPECT_NE(problems().find("class: NON_PAYMENT is given twice"), std::string::npos);
}

TEST_F(RuleBookFiles, UnknownKeysAndWordsAreToldWithTheLine) {
  change(kRules, "order_void:", "order_viod:");
  EXPECT_NE(problems().find("rules.yaml:" + std::to_string(line_of(kRules, "order_viod")) +
                            ": unknown key 'order_viod'; the nearest known one is 'order_void'"),
            std::string::npos)
      << problems();
  change(kOntario, "kind: SEASON", "kind: SEASONAL");
  EXPECT_NE(problems().find("is not one of: SEASON, WEEKDAYS"), std::string::npos);
}

struct Wrong {
  const char *file, *from, *to, *told;
};

TEST_F(RuleBookFiles, WhatDoesNotFitIsTold) {
  const Wrong wrongs[] = {
      {kOntario, "from: 11-15", "from: 13-15", "from: '13-15' is no day of the year, as 11-15"},
      {kOntario, "from: 11-15", "from: 02-30", "from: '02-30' is no day of the year"},
      {kOntario, "    from: 11-15\n", "", "kind: SEASON needs from"},
      {kOntario, "from: 11-15", "from: 11-15\n    ahead: 72h", "ahead: a gate of kind SEASON knows it not"},
      {kOntario, "source: oeb_winter", "source: oeb", "source: 'oeb' is no source of this file"},
      {kOntario, "customers: [RESIDENTIAL]", "customers: [NOT_KNOWN]", "customers: 'NOT_KNOWN' is not one of"},
      {kOntario, "customers: [RESIDENTIAL]", "customers: []", "customers: at least one is needed"},
      {kOntario, "binds: [NON_PAYMENT]", "binds: [NONPAYMENT]", "binds: 'NONPAYMENT' is no reason class"},
      {kOntario, "binds: [NON_PAYMENT]", "binds: [NON_PAYMENT, NON_PAYMENT]", "NON_PAYMENT is given twice"},
      {kOntario, "version: \"1\"\n", "", "version is required"},
      {kOntario, "version: \"1\"", "version: [", "is not YAML"},
      {kVirginia, "low_at_most_f: 32", "low_at_most_f: cold", "low_at_most_f: 'cold' is no temperature"},
      {kVirginia, "low_at_most_f: 32", "low_at_most_f: 320", "low_at_most_f: '320' is no temperature"},
      {kVirginia, "    low_at_most_f: 32\n    high_at_least_f: 92\n", "", "FORECAST needs low_at_most_f or high"},
      {kVirginia, "ahead: 24h", "ahead: 24", "is not a duration"},
      {kVirginia, "    stale_after: 12h\n", "", "kind: FORECAST needs stale_after"},
      {kVirginia, "[FRIDAY, ", "[FRYDAY, ", "weekdays: 'FRYDAY' is not one of: MONDAY to SUNDAY"},
      {kVirginia, "2026-01-19", "2026-13-19", "holidays: '2026-13-19' is no day, as 2026-11-15"},
      {kVirginia, "2026-01-19", "2026-01-01", "holidays: 2026-01-01 is given twice"},
      {kVirginia, "    holidays_known_until: 2027-12-31\n", "", "holidays_known_until is needed"},
      {kVirginia, "known_until: 2027-12-31", "known_until: 2027-06-30", "a holiday stands behind it"},
      {kVirginia, "gate: VA_DAYS", "gate: VA_EXTREME_WEATHER", "gate: VA_EXTREME_WEATHER is given twice"},
      {kVirginia, "key: code_2_2_3300", "key: code_56_245_1_3", "key: code_56_245_1_3 is given twice"},
      {kRules, "lists: [MEDICAL", "lists: [DOCTORS", "lists: 'DOCTORS' is not one of: MEDICAL"},
      {kRules, "actions: [OPEN]", "actions: [SHUT]", "actions: 'SHUT' is not one of: OPEN, CLOSE, ARM"},
      {kRules, "actions: [OPEN]", "actions: []", "actions: at least one is needed"},
  };
  for (const Wrong& wrong : wrongs) {
    change(wrong.file, wrong.from, wrong.to);
    const std::string told = problems();
    EXPECT_NE(told.find(wrong.told), std::string::npos) << wrong.told << "\nbut was told:\n" << told;
    EXPECT_EQ(told.find(wrong.file), 0U) << told;
    folder_.write(wrong.file, text_of(fs::path(shipped_folder()) / wrong.file));
  }
}

TEST_F(RuleBookFiles, SitesNameAJurisdictionThatHasAFile) {
  folder_.write("sites.yaml",
                "utilities:\n  - {utility: north, jurisdiction: CA-ON}\n  - {utility: south, jurisdiction: CA-NO}\n"
                "  - {utility: north, jurisdiction: US-VA}\n");
  EXPECT_EQ(problems(),
            "sites.yaml:3: jurisdiction: 'CA-NO' has no file\nsites.yaml:4: utility: north is given twice\n");
  EXPECT_EQ(load_rule_book(folder_.path()).book.jurisdiction_of.at("north"), "CA-ON");
  fs::remove(folder_.path("sites.yaml"));
  EXPECT_EQ(problems(), "");
}

TEST_F(RuleBookFiles, JurisdictionStandsInOneFile) {
  folder_.write("jurisdictions/zz.yaml", text_of(fs::path(shipped_folder()) / kOntario));
  EXPECT_NE(problems().find("jurisdictions/zz.yaml:1: CA-ON is in "), std::string::npos);
}

TEST(RuleBook, FolderWithoutRulesIsAProblem) {
  const testing::TempFolder empty;
  EXPECT_FALSE(load_rule_book(empty.path()).problems.empty());
  EXPECT_FALSE(load_rule_book(empty.path("nowhere")).problems.empty());
}

}  // namespace
}  // namespace ami::daemon::switching
