#include "daemon/rpc/page_tokens.h"

#include <gtest/gtest.h>

namespace ami::rpc {
namespace {

using State = PageTokens::Opened::State;
const UtcInstant kNow{std::chrono::sys_days{std::chrono::year{2026} / 1 / 15}};

TEST(PageTokens, CursorComesBackWhateverItsLength) {
  const PageTokens tokens;
  for (std::size_t length = 0; length < 70; ++length) {
    std::string cursor;
    for (std::size_t i = 0; i < length; ++i) cursor.push_back(static_cast<char>(i * 37));
    const PageTokens::Opened opened = tokens.open(tokens.seal(cursor, "list", kNow), "list", kNow);
    ASSERT_EQ(opened.state, State::Valid) << length;
    ASSERT_EQ(opened.cursor, cursor) << length;
  }
}

TEST(PageTokens, GoodForLessThanTwentyFourHours) {
  const PageTokens tokens;
  const std::string token = tokens.seal("c", "list", kNow);
  const std::chrono::hours day{24};
  EXPECT_EQ(tokens.open(token, "list", kNow + day - std::chrono::microseconds{1}).state, State::Valid);
  EXPECT_EQ(tokens.open(token, "list", kNow + day).state, State::Expired);
}

TEST(PageTokens, BelongsToItsRequestAndItsProcess) {
  const PageTokens tokens;
  const std::string token = tokens.seal("c", "meters of maui", kNow);
  EXPECT_EQ(tokens.open(token, "meters of oahu", kNow).state, State::Invalid);
  EXPECT_EQ(PageTokens().open(token, "meters of maui", kNow).state, State::Invalid);
}

TEST(PageTokens, CursorAndRequestCannotBeShiftedIntoEachOther) {
  const PageTokens tokens;
  const std::string token = tokens.seal("ab", "c", kNow);
  EXPECT_EQ(tokens.open(token, "bc", kNow).state, State::Invalid);
  EXPECT_EQ(tokens.open(token, "", kNow).state, State::Invalid);
}

TEST(PageTokens, EveryChangedCharacterIsNoticed) {
  const PageTokens tokens;
  const std::string token = tokens.seal("cursor-of-some-store", "list", kNow);
  for (std::size_t i = 0; i < token.size(); ++i) {
    if (token[i] == '=') continue;
    std::string changed = token;
    // 'A' and 'a' differ in their highest bit of six, which no padding ignores.
    changed[i] = token[i] == 'A' ? 'a' : 'A';
    EXPECT_EQ(tokens.open(changed, "list", kNow).state, State::Invalid) << i;
  }
}

TEST(PageTokens, RubbishIsInvalid) {
  const PageTokens tokens;
  const std::string token = tokens.seal("cursor", "list", kNow);
  for (const std::string& text :
       {std::string("x"), std::string("===="), std::string("AAAA"), std::string("not base64 !"),
        token + "AAAA", token.substr(0, token.size() - 4), token.substr(4), std::string(5000, 'A'),
        std::string("\0\0\0\0", 4)}) {
    EXPECT_EQ(tokens.open(text, "list", kNow).state, State::Invalid) << text;
  }
}

}  // namespace
}  // namespace ami::rpc
