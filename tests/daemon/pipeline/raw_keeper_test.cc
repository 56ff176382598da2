#include <gtest/gtest.h>

#include <fstream>

#include "tests/daemon/pipeline/reprocess_scene.h"

namespace ami::daemon {
namespace {

using storage::at;

// SHA-256 of "abc", from FIPS 180-2.
constexpr const char* kAbc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

class RawKeeperTest : public testing::ReprocessScene {
 protected:
  Outcome keep(RawKeeper& with, const std::string& feed, const char* received,
               const std::string& bytes = "abc") {
    return with.keep({feed == "south-1" ? south : north, feed, kAbc, "a.txt", 3, 0, at(received)},
                     [bytes](char* into, std::size_t, std::uint64_t offset) {
                       bytes.copy(into, bytes.size() - offset, offset);
                       return Result<std::size_t>(bytes.size() - offset);
                     });
  }
  RawKeeper keeper_of(int months) { return {*files, storage::RawContents(*database), months, log}; }
  std::uint64_t prune(RawKeeper& with, const char* now) {
    const auto pruned = with.prune(at(now), stopping);
    EXPECT_TRUE(pruned.ok()) << (pruned.ok() ? "" : pruned.error().message);
    return pruned.ok() ? pruned->contents + pruned->orphans : 0;
  }
  std::string claims() const {
    std::string out;
    for (const auto& row :
         sql("SELECT feed, bytes, expires_at, dropped_at IS NULL FROM raw_content ORDER BY feed"))
      out += row[0] + " " + row[1] + " " + row[2] + " " + row[3] + ";";
    return out;
  }
  std::atomic<bool> stopping{false};
};

TEST_F(RawKeeperTest, AContentGoesWhenTheTimeOfItsLastClaimIsOver) {
  RawKeeper three = keeper_of(3);
  ASSERT_TRUE(keep(three, "north-1", "2026-01-31T00:00:00Z").ok());
  ASSERT_TRUE(keep(three, "south-1", "2026-02-15T00:00:00Z").ok());
  ASSERT_TRUE(keep(three, "north-1", "2026-02-01T00:00:00Z").ok());  // it came again: it stays longer
  EXPECT_EQ(claims(), "north-1 3 2026-05-01 00:00:00+00 t;south-1 3 2026-05-15 00:00:00+00 t;");
  EXPECT_EQ(prune(three, "2026-04-30T23:59:59Z"), 0U);
  EXPECT_EQ(prune(three, "2026-05-01T00:00:00Z"), 0U) << "the other feed still claims it";
  EXPECT_TRUE(files->holds(kAbc));
  EXPECT_EQ(prune(three, "2026-05-15T00:00:00Z"), 1U);
  EXPECT_FALSE(files->holds(kAbc));
  EXPECT_EQ(one("SELECT count(*) FROM raw_content WHERE dropped_at IS NULL"), "0")
      << "no claim without its file";
  EXPECT_EQ(prune(three, "2026-06-15T00:00:00Z"), 0U);
  ASSERT_TRUE(keep(three, "north-1", "2026-07-01T00:00:00Z").ok()) << "and it may come again";
  EXPECT_TRUE(files->holds(kAbc));
  EXPECT_EQ(one("SELECT count(*) FROM raw_content WHERE dropped_at IS NULL"), "1");
}

TEST_F(RawKeeperTest, ManyAreClaimedAtOnceAndOneThatCameTwiceOnceWithItsLastReceipt) {
  RawKeeper three = keeper_of(3);
  std::vector<storage::RawClaim> claims;
  std::vector<storage::ReadContent> reads;
  for (const char* received : {"2026-01-31T00:00:00Z", "2026-03-01T00:00:00Z", "2026-02-01T00:00:00Z"}) {
    claims.push_back({north, "north-1", kAbc, "journal/1", 3, 0, at(received)});
    reads.push_back([](char* into, std::size_t, std::uint64_t offset) {
      return Result<std::size_t>(std::string("abc").copy(into, 3 - offset, offset));
    });
  }
  claims[1].feed = "north-2";
  const Outcome kept = three.keep(claims, reads);
  ASSERT_TRUE(kept.ok()) << kept.error().message;
  EXPECT_TRUE(files->holds(kAbc));
  EXPECT_EQ(this->claims(), "north-1 3 2026-05-01 00:00:00+00 t;north-2 3 2026-06-01 00:00:00+00 t;");
}

TEST_F(RawKeeperTest, ZeroMonthsAreForEverAndAChangedSettingHoldsForWhatIsThere) {
  RawKeeper for_ever = keeper_of(0), one_month = keeper_of(1);
  ASSERT_TRUE(keep(for_ever, "north-1", "2020-01-01T00:00:00Z").ok());
  EXPECT_EQ(claims(), "north-1 3 - t;");
  EXPECT_EQ(prune(for_ever, "2200-01-01T00:00:00Z"), 0U);
  EXPECT_EQ(prune(one_month, "2020-01-31T23:59:59Z"), 0U);
  EXPECT_EQ(claims(), "north-1 3 2020-02-01 00:00:00+00 t;");
  EXPECT_EQ(prune(one_month, "2020-02-01T00:00:00Z"), 1U);
}

TEST_F(RawKeeperTest, WhatIsHeldStays) {
  RawKeeper one_month = keeper_of(1);
  ASSERT_TRUE(keep(one_month, "north-1", "2026-01-01T00:00:00Z").ok());
  sql("CREATE OR REPLACE FUNCTION ami_raw_held(utility int, feed_name text, content text, received "
      "timestamptz)"
      " RETURNS boolean LANGUAGE sql STABLE AS $$ SELECT feed_name = 'north-1' $$; SELECT 1");
  EXPECT_EQ(prune(one_month, "2027-01-01T00:00:00Z"), 0U);
  EXPECT_TRUE(files->holds(kAbc));
}

TEST_F(RawKeeperTest, AFileWithoutAClaimIsTakenAwayOnceItIsOld) {
  RawKeeper months = keeper_of(13);
  ASSERT_TRUE(keep(months, "north-1", "2026-01-01T00:00:00Z").ok());
  sql("DELETE FROM raw_content; SELECT 1");  // as after a crash between file and row
  EXPECT_EQ(prune(months, "2026-01-02T00:00:00Z"), 0U) << "a row may be on its way";
  std::filesystem::last_write_time(folder / "raw/ba" / (std::string(kAbc) + ".zst"),
                                   std::filesystem::file_time_type::clock::now() - std::chrono::hours{25});
  EXPECT_EQ(prune(months, "2026-01-02T00:00:00Z"), 1U);
  EXPECT_FALSE(files->holds(kAbc));
}

TEST_F(RawKeeperTest, WhatCannotBeKeptIsToldAndClaimsNothing) {
  RawKeeper months = keeper_of(13);
  const Outcome kept = keep(months, "north-1", "2026-01-01T00:00:00Z", "abd");
  ASSERT_FALSE(kept.ok());
  EXPECT_EQ(kept.error().fault, Fault::Transient);
  EXPECT_EQ(one("SELECT count(*) FROM raw_content"), "0");
  ASSERT_EQ(log_lines.size(), 1U);
  EXPECT_NE(log_lines[0].find("RAW_NOT_KEPT"), std::string::npos);
}

}  // namespace
}  // namespace ami::daemon
