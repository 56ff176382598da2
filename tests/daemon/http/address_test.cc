#include "daemon/http/address.h"

#include <gtest/gtest.h>

namespace ami::daemon {
namespace {

TEST(ListenAddress, ReadsBothFamiliesAndKnowsLoopback) {
  const auto v4 = parse_address("127.0.0.1:9464");
  ASSERT_TRUE(v4.ok());
  EXPECT_EQ(v4->host, "127.0.0.1");
  EXPECT_EQ(v4->port, 9464);
  EXPECT_TRUE(v4->loopback);
  EXPECT_TRUE(parse_address("[::1]:0")->loopback);
  EXPECT_TRUE(parse_address("localhost:1")->loopback);
  EXPECT_TRUE(parse_address("127.8.9.10:1")->loopback);
  EXPECT_FALSE(parse_address("0.0.0.0:8443")->loopback);
  EXPECT_FALSE(parse_address("[::]:8443")->loopback);
  EXPECT_FALSE(parse_address("192.0.2.7:8443")->loopback);
}

class BadAddress : public testing::TestWithParam<const char*> {};
TEST_P(BadAddress, IsRefusedWithAnExample) {
  const auto parsed = parse_address(GetParam());
  ASSERT_FALSE(parsed.ok());
  EXPECT_NE(parsed.error().message.find("127.0.0.1:9464"), std::string::npos) << parsed.error().message;
}
INSTANTIATE_TEST_SUITE_P(Table, BadAddress,
                         testing::Values("", "9464", ":9464", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536",
                                         "127.0.0.1:-1", "127.0.0.1:80x", "::1:80", "[127.0.0.1]:80",
                                         "[::1:80", "gateway.example:80", "127.0.0.1.:80", "256.0.0.1:80"));

}  // namespace
}  // namespace ami::daemon
