#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "meter_model/observation/observation.h"

namespace ami {
namespace {

TEST(TextArena, TextsStayWhereTheyAreWhileTheArenaGrows) {
  TextArena arena;
  std::vector<std::pair<std::string, std::string_view>> kept;
  for (std::size_t i = 0; i < 5000; ++i) {
    std::string text = std::to_string(i) + std::string(i % 97, 'x');
    kept.emplace_back(text, arena.keep(text));
  }
  for (const auto& [text, view] : kept) EXPECT_EQ(view, text);
}

TEST(TextArena, AdoptedShortStringsDoNotMoveWhenMoreAreAdopted) {
  TextArena arena;
  std::vector<std::string_view> views;
  for (char c = 'a'; c <= 'z'; ++c) views.push_back(arena.adopt(std::string(3, c)));
  for (std::size_t i = 0; i < views.size(); ++i) {
    EXPECT_EQ(views[i], std::string(3, static_cast<char>('a' + static_cast<char>(i))));
  }
}

TEST(TextArena, KeepsTextsLargerThanABlockAndTextsWithNulBytes) {
  TextArena arena;
  const std::string large(1 << 20, 'L');
  const std::string nul("a\0b", 3);
  const auto small_before = arena.keep("before");
  const auto kept_large = arena.keep(large);
  const auto kept_nul = arena.keep(nul);
  EXPECT_EQ(small_before, "before");
  EXPECT_EQ(kept_large, large);
  EXPECT_EQ(kept_nul, nul);
  EXPECT_TRUE(arena.keep("").empty());
}

TEST(TextArena, SharedBufferLivesAsLongAsTheArena) {
  std::weak_ptr<const std::string> watch;
  {
    TextArena arena;
    std::string_view view;
    {
      auto buffer = std::make_shared<const std::string>("a buffer that is long enough to be allocated");
      watch = buffer;
      view = arena.share(buffer);
    }
    EXPECT_FALSE(watch.expired());
    EXPECT_EQ(view, "a buffer that is long enough to be allocated");
    EXPECT_TRUE(arena.share(nullptr).empty());
  }
  EXPECT_TRUE(watch.expired());
}

TEST(DecodedBatch, ViewsStayValidAfterAMove) {
  DecodedBatch batch;
  const std::string_view view = batch.text("short");
  const DecodedBatch moved = std::move(batch);
  EXPECT_EQ(view, "short");
  EXPECT_NE(moved.arena, nullptr);
}

TEST(AliasKind, EveryNameReadsBackAndOthersAreRefused) {
  for (const AliasKind kind : {AliasKind::Badge, AliasKind::ManufacturerSerial, AliasKind::Module,
                               AliasKind::VendorControl, AliasKind::Mac, AliasKind::Cis}) {
    EXPECT_EQ(alias_kind_from(name_of(kind)), kind);
  }
  EXPECT_EQ(name_of(AliasKind::ManufacturerSerial), "MANUFACTURER_SERIAL");
  EXPECT_EQ(alias_kind_from("badge"), std::nullopt);
  EXPECT_EQ(alias_kind_from(""), std::nullopt);
}

TEST(TimeSource, NamesAreTheStoredWords) {
  EXPECT_EQ(name_of(TimeSource::Device), "DEVICE");
  EXPECT_EQ(name_of(TimeSource::Collector), "COLLECTOR");
  EXPECT_EQ(name_of(TimeSource::Receipt), "RECEIPT");
}

}  // namespace
}  // namespace ami
