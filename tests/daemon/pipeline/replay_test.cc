#include "daemon/pipeline/replay.h"

#include <gtest/gtest.h>

#include <map>

#include "tests/daemon/pipeline/sample_feed.h"
#include "tests/daemon/support/fake_store.h"

namespace ami::daemon {
namespace {

using storage::QuarantineRow;
using testing::badge;

class ReplayTest : public ::testing::Test {
 protected:
  void quarantined(std::int64_t id, const std::string& raw, const std::string& reason,
                   storage::SourceId source = 1, storage::UtilityId utility = 1,
                   const std::string& feed = "sample") {
    QuarantineRow row;
    row.id = id;
    row.utility = utility;
    row.feed = feed;
    row.reason = reason;
    row.raw = raw;
    row.offset = static_cast<std::uint64_t>(id) * 100;
    row.source = source;
    row.source_info.id = source;
    row.source_info.name = "old.txt";
    row.source_info.content_sha256 = std::string(64, static_cast<char>('a' + source));
    row.source_info.received_at = testing::at("2026-01-16T00:00:00Z");
    rows_[id] = row;
  }

  Result<ReplayResult> run(ReplayRequest request) {
    const ReplayParts parts{store_,
                            directory_,
                            [this](const storage::QuarantineQuery& query) { return list(query); },
                            [this](std::int64_t id) -> storage::Answer<QuarantineRow> {
                              const auto found = rows_.find(id);
                              if (found == rows_.end())
                                return storage::Refusal{storage::Refusal::Kind::NotFound, "no row", "", ""};
                              return found->second;
                            },
                            [](const std::string& feed) -> std::optional<ReplayFeed> {
                              if (feed != "sample") return std::nullopt;
                              return ReplayFeed{testing::sample_rules(9), [](std::string_view raw, UtcInstant) { return testing::decode_sample(raw); }};
                            },
                            log_};
    return replay(parts, request);
  }

  // Two rows a page and without raw bytes, so that paging and fetching are used.
  storage::Answer<storage::PageOf<QuarantineRow>> list(const storage::QuarantineQuery& query) {
    storage::PageOf<QuarantineRow> page;
    const auto after = query.page.token.empty() ? 0 : std::stoll(query.page.token);
    for (auto it = rows_.upper_bound(after); it != rows_.end(); ++it) {
      const auto& row = it->second;
      const bool wanted = row.state == *query.state && row.utility == query.utility.value_or(row.utility) &&
                          (query.feed.empty() || query.feed == row.feed) &&
                          (query.reason.empty() || query.reason == row.reason);
      if (!wanted) continue;
      if (page.items.size() == 2) {
        page.next_token = std::to_string(page.items.back().id);
        break;
      }
      page.items.push_back(row);
      page.items.back().raw.clear();
    }
    return page;
  }

  std::vector<std::string> lines_;
  Log log_{[this](Level, const std::string& line) { lines_.push_back(line); }};
  testing::FakeStore store_;
  DirectoryCache directory_{[] {
    return Result<storage::DirectorySnapshot>(
        storage::DirectorySnapshot{3, {badge("B1", 11), badge("B3", 13)}});
  }};
  std::map<std::int64_t, QuarantineRow> rows_;
};

TEST_F(ReplayTest, WhatIsGoodTodayIsStoredAsOfItsOldSourceAndSettled) {
  quarantined(5, "B1 2 2026-01-15T00:00:00Z", "unknown_meter");
  const auto done = run({1, {}, "", ""});
  ASSERT_TRUE(done.ok());
  EXPECT_EQ(done->replayed, 1U);
  EXPECT_EQ(done->settled, 1U);
  EXPECT_EQ(done->still_quarantined, 0U);
  ASSERT_EQ(store_.stored.size(), 1U);
  const auto& unit = store_.stored[0];
  EXPECT_EQ(unit.replayed, std::vector<std::int64_t>{5});
  EXPECT_EQ(unit.source.content_sha256, std::string(64, 'b'));
  EXPECT_EQ(unit.source.mapping_version, 9) << "today's mapping is what the readings were made with";
  ASSERT_EQ(unit.batch.registers.size(), 1U);
  EXPECT_EQ(unit.batch.registers[0].offset, 500U) << "the offset in the source, not in the replayed record";
}

TEST_F(ReplayTest, WhatIsBadForTheOldReasonStaysTheRowThatItIs) {
  quarantined(5, "B2 2 2026-01-15T00:00:00Z", "unknown_meter");
  const auto done = run({1, {5}, "", ""});
  ASSERT_TRUE(done.ok());
  EXPECT_EQ(done->settled, 0U);
  EXPECT_EQ(done->still_quarantined, 1U);
  ASSERT_EQ(store_.stored.size(), 1U);
  EXPECT_TRUE(store_.stored[0].replayed.empty());
}

// Its bytes read well: what they lack is the rest of the last value, which no replay can know.
TEST_F(ReplayTest, ALineThatMayBeCutShortStaysInQuarantine) {
  quarantined(5, "B1 12 2026-01-15T00:00:00Z", "line_end_missing");
  const auto done = run({1, {}, "", ""});
  ASSERT_TRUE(done.ok());
  EXPECT_EQ(done->settled, 0U);
  EXPECT_EQ(done->still_quarantined, 1U);
  for (const auto& unit : store_.stored) {
    EXPECT_TRUE(unit.batch.registers.empty());
    EXPECT_TRUE(unit.replayed.empty());
  }
}

TEST_F(ReplayTest, WhatIsBadForANewReasonIsReplacedByARowThatSaysSo) {
  quarantined(5, "B2 2 2026-01-15T00:00:00Z", "unknown_unit");
  const auto done = run({1, {5}, "", ""});
  ASSERT_TRUE(done.ok());
  EXPECT_EQ(done->still_quarantined, 1U);
  EXPECT_EQ(store_.stored[0].replayed, std::vector<std::int64_t>{5});
  ASSERT_EQ(store_.stored[0].batch.quarantined.size(), 1U);
  EXPECT_EQ(store_.stored[0].batch.quarantined[0].reason, "unknown_meter");
  EXPECT_EQ(store_.stored[0].batch.quarantined[0].offset, 500U);
}

TEST_F(ReplayTest, OtherUtilitiesAndOtherFiltersAreLeftAlone) {
  quarantined(1, "B1 1 2026-01-15T00:00:00Z", "unknown_meter", 1, 2);
  quarantined(2, "B1 2 2026-01-15T00:00:00Z", "unknown_unit");
  quarantined(3, "B1 3 2026-01-15T00:00:00Z", "unknown_meter");
  EXPECT_EQ(run({1, {1, 3, 99}, "", ""})->replayed, 1U)
      << "row 1 is another utility's, row 99 does not exist";
  EXPECT_EQ(run({1, {}, "", "unknown_unit"})->replayed, 1U);
  EXPECT_EQ(run({1, {}, "other", ""})->replayed, 0U);
}

TEST_F(ReplayTest, RowsOfOneSourceAreStoredTogetherAcrossPages) {
  for (int i = 1; i <= 5; ++i) quarantined(i, "B1 1 2026-01-15T00:00:00Z", "x", 1);
  quarantined(6, "B3 1 2026-01-15T00:00:00Z", "x", 2);
  const auto done = run({1, {}, "", ""});
  ASSERT_TRUE(done.ok());
  EXPECT_EQ(done->settled, 6U);
  EXPECT_EQ(store_.stored.size(), 2U);
}

TEST_F(ReplayTest, OneRowThatCannotBeStoredDoesNotCostTheOthers) {
  quarantined(1, "B1 1 2026-01-15T00:00:00Z", "x");
  quarantined(2, "B1 2 2026-01-15T01:00:00Z", "x");
  store_.answers.emplace_back(permanent("collides"));  // both together
  store_.answers.emplace_back(permanent("collides"));  // the first alone
  const auto done = run({1, {}, "", ""});
  ASSERT_TRUE(done.ok());
  EXPECT_EQ(done->replayed, 2U);
  EXPECT_EQ(done->settled, 1U);
  EXPECT_EQ(done->still_quarantined, 1U);
  ASSERT_EQ(store_.stored.size(), 1U);
  EXPECT_EQ(store_.stored[0].replayed, std::vector<std::int64_t>{2});
}

TEST_F(ReplayTest, ADatabaseThatIsAwayEndsTheReplayWithThatFault) {
  quarantined(1, "B1 1 2026-01-15T00:00:00Z", "x");
  store_.answers.emplace_back(transient("away"));
  const auto done = run({1, {}, "", ""});
  ASSERT_FALSE(done.ok());
  EXPECT_EQ(done.error().fault, Fault::Transient);
}

TEST_F(ReplayTest, RowsOfAFeedThatIsGoneAreReportedAndKept) {
  quarantined(1, "B1 1 2026-01-15T00:00:00Z", "x", 1, 1, "retired-feed");
  const auto done = run({1, {}, "", ""});
  ASSERT_TRUE(done.ok());
  EXPECT_EQ(done->still_quarantined, 1U);
  EXPECT_TRUE(store_.tried.empty());
}

TEST_F(ReplayTest, AChangeOfAssetDataInTheMiddleIsFollowed) {
  quarantined(1, "B1 1 2026-01-15T00:00:00Z", "x");
  storage::CommitCounts changed;
  changed.directory_changed = true;
  store_.answers.emplace_back(changed);
  EXPECT_EQ(run({1, {}, "", ""})->settled, 1U);
  ASSERT_EQ(store_.tried.size(), 2U);
  EXPECT_EQ(store_.stored[0].replayed, std::vector<std::int64_t>{1}) << "not twice, once for each attempt";
}

}  // namespace
}  // namespace ami::daemon
