#include "daemon/pipeline/directory.h"

#include <gtest/gtest.h>

#include "tests/daemon/pipeline/sample_feed.h"

namespace ami::daemon {
namespace {

using storage::DirectorySnapshot;
using storage::Period;
using testing::at;

constexpr auto kBadge = AliasKind::Badge;

TEST(Directory, ABadgeUsedAgainIsTheMeterOfTheReadsOwnTime) {
  const auto retired = at("2024-03-01T00:00:00Z");
  const auto reused = at("2025-06-01T00:00:00Z");
  const Directory directory(
      DirectorySnapshot{1,
                        {{1, "", kBadge, "4711", 20, "2S", Period{reused, UtcInstant::max()}},  // any order
                         {1, "", kBadge, "4711", 10, "1S", Period{UtcInstant::min(), retired}}}});

  const auto before = directory.find(1, "flexnet", kBadge, "4711", at("2024-02-29T23:59:59Z"));
  ASSERT_TRUE(before);
  EXPECT_EQ(before->id, 10);
  EXPECT_EQ(before->form, "1S");
  EXPECT_EQ(before->to, retired);
  EXPECT_FALSE(directory.find(1, "flexnet", kBadge, "4711", retired)) << "the end is exclusive";
  EXPECT_FALSE(directory.find(1, "flexnet", kBadge, "4711", at("2025-05-31T23:59:59Z")));
  const auto after = directory.find(1, "flexnet", kBadge, "4711", reused);
  ASSERT_TRUE(after);
  EXPECT_EQ(after->id, 20);
  EXPECT_EQ(after->from, reused);
  EXPECT_EQ(after->to, UtcInstant::max());
}

TEST(Directory, EqualNumbersOfTwoUtilitiesAreTwoMeters) {
  const Directory directory(
      DirectorySnapshot{1, {{1, "", kBadge, "100", 11, "", {}}, {2, "", kBadge, "100", 22, "", {}}}});
  const auto now = at("2026-01-01T00:00:00Z");
  EXPECT_EQ(directory.find(1, "a", kBadge, "100", now)->id, 11);
  EXPECT_EQ(directory.find(2, "a", kBadge, "100", now)->id, 22);
  EXPECT_FALSE(directory.find(3, "a", kBadge, "100", now));
}

TEST(Directory, KindsOfNamesDoNotMix) {
  const Directory directory(DirectorySnapshot{1, {{1, "", AliasKind::Mac, "100", 11, "", {}}}});
  EXPECT_FALSE(directory.find(1, "a", kBadge, "100", at("2026-01-01T00:00:00Z")));
  EXPECT_TRUE(directory.find(1, "a", AliasKind::Mac, "100", at("2026-01-01T00:00:00Z")));
}

TEST(Directory, AFeedsOwnNameComesBeforeTheGeneralOneAndBoundsIt) {
  const auto begin = at("2025-01-01T00:00:00Z");
  const auto end = at("2025-07-01T00:00:00Z");
  const Directory directory(DirectorySnapshot{
      1, {{1, "ssn", kBadge, "7", 2, "", Period{begin, end}}, {1, "", kBadge, "7", 1, "", {}}}});

  EXPECT_EQ(directory.find(1, "ssn", kBadge, "7", at("2025-03-01T00:00:00Z"))->id, 2);
  EXPECT_EQ(directory.find(1, "flexnet", kBadge, "7", at("2025-03-01T00:00:00Z"))->id, 1);
  const auto before = directory.find(1, "ssn", kBadge, "7", at("2024-12-31T00:00:00Z"));
  EXPECT_EQ(before->id, 1);
  EXPECT_EQ(before->to, begin) << "one more second and the answer is another";
  const auto after = directory.find(1, "ssn", kBadge, "7", end);
  EXPECT_EQ(after->id, 1);
  EXPECT_EQ(after->from, end);
}

TEST(Directory, LongAndOddIdsAreJustIds) {
  const std::string odd("a:b\0c", 5);
  const Directory directory(DirectorySnapshot{1, {{1, "f", kBadge, odd, 9, "", {}}}});
  EXPECT_EQ(directory.find(1, "f", kBadge, odd, UtcInstant{})->id, 9);
  EXPECT_FALSE(directory.find(1, "", kBadge, "f" + odd, UtcInstant{}));
  EXPECT_FALSE(directory.find(1, "f", kBadge, std::string(1 << 20, 'x'), UtcInstant{}));
}

TEST(DirectoryCache, LoadsOnceForAllWhoSawTheSameVersion) {
  int loads = 0;
  DirectoryCache cache([&] { return Result<DirectorySnapshot>(DirectorySnapshot{++loads, {}}); });
  EXPECT_EQ(cache.current(), nullptr);
  EXPECT_EQ((*cache.refresh(std::nullopt))->version(), 1);
  EXPECT_EQ((*cache.refresh(1))->version(), 2);
  EXPECT_EQ((*cache.refresh(1))->version(), 2) << "somebody else has read it anew already";
  EXPECT_EQ(loads, 2);
}

TEST(DirectoryCache, KeepsWhatItHasWhenTheDatabaseIsAway) {
  bool away = false;
  DirectoryCache cache([&]() -> Result<DirectorySnapshot> {
    if (away) return transient("away");
    return DirectorySnapshot{5, {}};
  });
  ASSERT_TRUE(cache.refresh(std::nullopt).ok());
  away = true;
  EXPECT_FALSE(cache.refresh(5).ok());
  EXPECT_EQ(cache.current()->version(), 5);
}

}  // namespace
}  // namespace ami::daemon
