#include "daemon/rpc/access.h"

#include <gtest/gtest.h>

namespace ami::rpc {
namespace {

TEST(Access, UrisOfTheCertificateGrantRolesAndUtilities) {
  const Caller caller = caller_from_uris(
      "billing", {"ami://role/reader", "ami://utility/maui", "https://example.org/unrelated"});
  EXPECT_EQ(caller.name, "billing");
  EXPECT_TRUE(caller.may_call("/ami.v1.ReadingService/GetLatest"));
  EXPECT_FALSE(caller.may_call("/ami.v1.AssetService/Install"));
  EXPECT_TRUE(caller.may_see("maui"));
  EXPECT_FALSE(caller.may_see("oahu"));
}

TEST(Access, StarGrantsEveryUtilityAndNothingElseDoes) {
  EXPECT_TRUE(caller_from_uris("x", {"ami://utility/*"}).may_see("anything"));
  for (const char* uri :
       {"ami://utility/", "ami://utility/**", "ami://utility/ma*", "ami://utility/a/b", "ami://utility"}) {
    const Caller caller = caller_from_uris("x", {uri});
    EXPECT_FALSE(caller.may_see("maui")) << uri;
    EXPECT_FALSE(caller.every_utility) << uri;
    EXPECT_TRUE(caller.utilities.empty()) << uri;
  }
}

TEST(Access, MisspeltRolesGrantNothing) {
  for (const char* uri : {"ami://role/Reader", "ami://role/reader ", "ami://role/", "ami://role/*",
                          "AMI://role/reader", "ami://role/reader/asset", "ami:/role/reader"}) {
    EXPECT_EQ(caller_from_uris("x", {uri}).roles, 0) << uri;
  }
}

TEST(Access, MethodThatIsNotInTheTableIsDeniedToEveryRole) {
  const Caller caller = full_caller("operator");
  EXPECT_FALSE(caller.may_call("/ami.v1.AssetService/DropEverything"));
  EXPECT_FALSE(caller.may_call("/ami.v1.AssetService/resolve"));
  EXPECT_FALSE(caller.may_call(""));
}

}  // namespace
}  // namespace ami::rpc
