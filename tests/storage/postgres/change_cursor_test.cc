#include "storage/postgres/change_cursor.h"

#include <gtest/gtest.h>

#include <limits>

namespace ami::storage {
namespace {

const ChangeCursor kCursor{{0x0102030405060708, 16384, 17001, 3}, {5'000'000'000, 42}};
// Laid out by hand, the check computed with Python's zlib.crc32.
constexpr const char* kToken =
    "10102030405060708000040000000426900000003000000012a05f200000000000000002af887a9ac";

TEST(ChangeCursorText, IsWhatItWasInEarlierReleases) {
  EXPECT_EQ(to_token(kCursor), kToken);
  EXPECT_EQ(parse_cursor(kToken), kCursor);
}

TEST(ChangeCursorText, ExtremesComeBack) {
  const ChangeCursor extreme{
      {std::numeric_limits<std::uint64_t>::max(), std::numeric_limits<std::uint32_t>::max(), 0, -1},
      {std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::max()}};
  EXPECT_EQ(parse_cursor(to_token(extreme)), extreme);
  EXPECT_EQ(parse_cursor(to_token({})), ChangeCursor{});
}

TEST(ChangeCursorText, NothingShorterLongerOrDamagedIsTaken) {
  const std::string token = kToken;
  for (std::size_t n = 0; n < token.size(); ++n)
    EXPECT_EQ(parse_cursor(token.substr(0, n)), std::nullopt) << n;
  EXPECT_EQ(parse_cursor(token + "0"), std::nullopt);
  for (std::size_t i = 0; i < token.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = token;
      damaged[i] = static_cast<char>(static_cast<unsigned char>(damaged[i]) ^ (1U << bit));
      EXPECT_EQ(parse_cursor(damaged), std::nullopt) << i << " " << bit;
    }
  }
  for (const char* text : {"", "1", "oldest", "*", "../../etc/passwd"})
    EXPECT_EQ(parse_cursor(text), std::nullopt) << text;
}

TEST(ChangeCursorText, NegativePositionsAreNotTakenThoughTheCheckFits) {
  EXPECT_EQ(parse_cursor(to_token({{}, {-1, 0}})), std::nullopt);
  EXPECT_EQ(parse_cursor(to_token({{}, {0, -1}})), std::nullopt);
}

}  // namespace
}  // namespace ami::storage
