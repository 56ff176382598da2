// Secrets do not show themselves, and are equal only when they are the same.
#include "adapters/wire/secret/secret.h"

#include <gtest/gtest.h>

#include <ostream>
#include <type_traits>
#include <vector>

namespace ami::wire {
namespace {

template <class T>
concept Printable = requires(std::ostream& out, const T& value) {
  out << value;
};
static_assert(!Printable<Secret> && !Printable<Credentials>);
static_assert(Printable<std::string>);
static_assert(!std::is_convertible_v<Secret, std::string> &&
              !std::is_convertible_v<Secret, std::string_view>);

TEST(Secret, LeavesNothingWhereItWasMovedFrom) {
  Secret first("short");
  Secret second(std::move(first));
  EXPECT_EQ(second.reveal(), "short");
  EXPECT_TRUE(first.empty());  // NOLINT(bugprone-use-after-move): that is what is tested
  Secret third;
  EXPECT_TRUE(third.empty());
  third = std::move(second);
  EXPECT_EQ(third.reveal(), "short");
  EXPECT_EQ(second.reveal(), "");  // NOLINT(bugprone-use-after-move)
}

TEST(Secret, EqualsOnlyTheSameText) {
  EXPECT_TRUE(constant_time_equal("pa55", "pa55"));
  EXPECT_TRUE(constant_time_equal("", ""));
  for (const char* wrong : {"", "pa5", "pa555", "pa56", "PA55", "pa55pa55"}) {
    EXPECT_FALSE(constant_time_equal("pa55", wrong)) << wrong;
    EXPECT_FALSE(constant_time_equal(wrong, "pa55")) << wrong;
  }
  EXPECT_FALSE(constant_time_equal("secret", std::string("secret\0", 7)));
}

TEST(Credentials, AreEqualWhenBothPartsAre) {
  const Credentials right{"u", Secret("password")};
  EXPECT_TRUE(constant_time_equal(right, Credentials{"u", Secret("password")}));
  EXPECT_TRUE(constant_time_equal(Credentials{}, Credentials{"", Secret("")}));
  const std::vector<std::pair<std::string, std::string>> others{
      {"u", "passwor"}, {"u", "passwordx"}, {"u", "Password"},         {"v", "password"}, {"", ""},
      {"u", ""},        {"", "password"},   {"u", "passwordpassword"}, {"up", "assword"}};
  for (const auto& [user, password] : others) {
    const Credentials other{user, Secret(password)};
    EXPECT_FALSE(constant_time_equal(right, other)) << user << " " << password;
    EXPECT_FALSE(constant_time_equal(other, right)) << user << " " << password;
  }
}

}  // namespace
}  // namespace ami::wire
