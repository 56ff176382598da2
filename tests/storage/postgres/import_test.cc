#include "tests/storage/postgres/store_fixture.h"

namespace ami::storage {
namespace {

class ImportTest : public StoreTest {
 protected:
  static ImportRow row(const std::string& key, const std::string& badge, const std::string& usage_point) {
    ImportRow out;
    out.meter = key;
    out.form = "2S";
    out.elements = "1.5";
    out.badge = badge;
    out.usage_point = usage_point;
    out.valid_from = at("2024-01-01T00:00:00Z");
    return out;
  }
  std::string everything() {
    return one(
        "SELECT (SELECT count(*) FROM meter) || ' ' || (SELECT count(*) FROM device_alias) || ' ' ||"
        " (SELECT count(*) FROM usage_point) || ' ' || (SELECT count(*) FROM installation)");
  }
};

TEST_F(ImportTest, StoresMetersNamesUsagePointsAndInstallations) {
  const auto report = assets->import_meters(
      north, {row("m1", "B1", "p1"), row("m2", "B2", "p2"), row("m3", "B3", "")}, true, false);
  ASSERT_TRUE(report.ok()) << report.refusal().message;
  EXPECT_TRUE(report->stored);
  EXPECT_EQ(report->created, 3U);
  EXPECT_EQ(report->installed, 2U);
  EXPECT_EQ(everything(), "3 3 2 2");
  EXPECT_EQ(assets->get_meter(north, "m1")->details.at(0).elements, "1.5");
}

TEST_F(ImportTest, SecondImportOfTheSameRowsChangesNothing) {
  const std::vector<ImportRow> rows{row("m1", "B1", "p1"), row("m2", "B2", "p2")};
  ASSERT_TRUE(assets->import_meters(north, rows, true, false)->stored);
  const auto again = assets->import_meters(north, rows, true, false);
  ASSERT_TRUE(again.ok()) << again.refusal().message;
  EXPECT_TRUE(again->stored);
  EXPECT_EQ(again->created, 0U);
  EXPECT_EQ(again->unchanged, 2U);
  EXPECT_EQ(everything(), "2 2 2 2");
}

TEST_F(ImportTest, DryRunCountsAndStoresNothing) {
  const auto report = assets->import_meters(north, {row("m1", "B1", "p1")}, true, true);
  ASSERT_TRUE(report.ok()) << report.refusal().message;
  EXPECT_FALSE(report->stored);
  EXPECT_EQ(report->created, 1U);
  EXPECT_EQ(report->installed, 1U);
  EXPECT_EQ(everything(), "0 0 0 0");
}

TEST_F(ImportTest, PlannedImportInstallsNothing) {
  ASSERT_TRUE(assets->import_meters(north, {row("m1", "B1", "p1")}, false, false)->stored);
  EXPECT_EQ(everything(), "1 1 0 0");
}

TEST_F(ImportTest, OneBadRowKeepsAllOutAndEachProblemHasItsRow) {
  meter(north, "known", "TAKEN");
  std::vector<ImportRow> rows{row("ok", "B1", "p1"),   row("", "B2", "p2"),      row("ok", "B3", "p3"),
                              row("m4", "B1", "p4"),   row("m5", "TAKEN", "p5"), row("m6", "B6", "p1"),
                              row("known", "B7", "p7")};
  rows[6].form = "12S";
  rows[6].elements.clear();
  rows.push_back(row("m8", "B8", "p8"));
  rows[7].zone = "Mars/Olympus";
  rows.push_back(row("m9", "B9", "p9"));
  rows[8].elements = "many";
  rows.push_back(row("m10", "B10", "p10"));
  rows[9].multiplier = {0, 0};
  const std::string before = everything();
  const auto report = assets->import_meters(north, rows, true, false);
  ASSERT_TRUE(report.ok()) << report.refusal().message;
  EXPECT_FALSE(report->stored);
  std::string found;
  for (const ImportProblem& p : report->problems) found += std::to_string(p.row) + ":" + p.field + " ";
  EXPECT_EQ(found, "1:meter 2:meter 3:badge 4:badge 5:usage_point 6:form 7:zone 8:elements 9:multiplier ");
  EXPECT_EQ(report->problem_count, 9U);
  EXPECT_EQ(report->problems[3].message, "BADGE 'TAKEN' names meter 'known' from 2020-01-01T00:00:00Z on");
  EXPECT_EQ(everything(), before);
}

TEST_F(ImportTest, InstallationInTheWayIsNamed) {
  ASSERT_TRUE(assets->import_meters(north, {row("m1", "B1", "p1")}, true, false)->stored);
  auto other = row("m2", "B2", "p1");
  other.valid_from = at("2025-01-01T00:00:00Z");
  const auto report = assets->import_meters(north, {other}, true, false);
  ASSERT_TRUE(report.ok());
  ASSERT_EQ(report->problems.size(), 1U);
  EXPECT_EQ(report->problems[0].message, "meter 'm1' is at usage point 'p1' from 2024-01-01T00:00:00Z on");
}

TEST_F(ImportTest, UnknownUtilityIsNotFound) {
  EXPECT_EQ(assets->import_meters(4711, {row("m1", "B1", "p1")}, true, false).refusal().kind,
            Refusal::Kind::NotFound);
}

TEST_F(ImportTest, ThousandsOfRowsAtOnce) {
  std::vector<ImportRow> rows;
  for (int i = 0; i < 5000; ++i) {
    rows.push_back(row("m" + std::to_string(i), "B" + std::to_string(i), "p" + std::to_string(i)));
  }
  const auto report = assets->import_meters(north, rows, true, false);
  ASSERT_TRUE(report.ok()) << report.refusal().message;
  EXPECT_TRUE(report->stored);
  EXPECT_EQ(everything(), "5000 5000 5000 5000");
}

}  // namespace
}  // namespace ami::storage
