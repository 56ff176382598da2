#include "daemon/rpc/names.h"

#include <gtest/gtest.h>

namespace ami::rpc {
namespace {

TEST(Names, MeterAndUsagePointNamesAreReadBack) {
  const auto meter = parse_resource("utilities/maui/meters/10042-A.b_c");
  ASSERT_TRUE(meter);
  EXPECT_EQ(meter->kind, ResourceName::Kind::Meter);
  EXPECT_EQ(meter->utility, "maui");
  EXPECT_EQ(meter->key, "10042-A.b_c");
  EXPECT_EQ(meter_name(meter->utility, meter->key), "utilities/maui/meters/10042-A.b_c");
  const auto point = parse_resource("utilities/maui/usagePoints/up1");
  ASSERT_TRUE(point);
  EXPECT_EQ(point->kind, ResourceName::Kind::UsagePoint);
  EXPECT_EQ(usage_point_name(point->utility, point->key), "utilities/maui/usagePoints/up1");
  EXPECT_EQ(parse_utility("utilities/maui"), "maui");
}

TEST(Names, AnythingElseIsRefused) {
  const std::string too_long(65, 'a');
  for (const std::string& name :
       {std::string(), std::string("utilities"), std::string("utilities/maui"),
        std::string("utilities/maui/meters"), std::string("utilities/maui/meters/"),
        std::string("utilities//meters/1"), std::string("utilities/maui/meters/1/2"),
        std::string("/utilities/maui/meters/1"), std::string("utilities/maui/Meters/1"),
        std::string("utilities/maui/meters/a b"), std::string("utilities/maui/meters/a\0b", 24),
        std::string("utilities/maui/meters/é"), std::string("utilities/maui/meters/%31"),
        "utilities/maui/meters/" + too_long, "utilities/" + too_long + "/meters/1"}) {
    EXPECT_FALSE(parse_resource(name)) << name;
  }
  for (const char* name : {"", "utilities/", "utilities/a/b", "maui", "Utilities/maui"}) {
    EXPECT_FALSE(parse_utility(name)) << name;
  }
}

}  // namespace
}  // namespace ami::rpc
