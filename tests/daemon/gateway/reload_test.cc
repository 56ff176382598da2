#include "daemon/gateway/reload.h"

#include <gtest/gtest.h>

namespace ami::daemon {
namespace {

TEST(Reload, TakesOverWhatMayChangeWhileRunning) {
  GatewayConfig running;
  GatewayConfig fresh;
  fresh.log_level = Level::Debug;
  fresh.log_format = LogFormat::Json;
  fresh.drain_timeout = std::chrono::seconds{3};
  fresh.utilities.push_back({"new", "", "UTC"});
  fresh.feeds.emplace_back();
  EXPECT_TRUE(take_over(running, fresh).empty());
  EXPECT_EQ(running.log_level, Level::Debug);
  EXPECT_EQ(running.log_format, LogFormat::Json);
  EXPECT_EQ(running.drain_timeout, std::chrono::seconds{3});
  EXPECT_EQ(running.utilities.size(), 1U);
  EXPECT_EQ(running.feeds.size(), 1U);
}

TEST(Reload, NamesWhatNeedsARestartAndLeavesItAsItWas) {
  GatewayConfig running;
  running.http.address = "127.0.0.1:1";
  GatewayConfig fresh = running;
  fresh.threads = 9;
  fresh.http.address = "127.0.0.1:2";
  fresh.database.conninfo = "dbname=other";
  fresh.rpc.unix_path = "/run/x";
  EXPECT_EQ(take_over(running, fresh), (std::vector<std::string>{"threads", "database", "rpc", "http"}));
  EXPECT_EQ(running.threads, 2);
  EXPECT_EQ(running.http.address, "127.0.0.1:1");
  EXPECT_EQ(running.database.conninfo, "");
  EXPECT_EQ(running.rpc.unix_path, std::nullopt);
}

TEST(Reload, ANewTlsFileNameNeedsARestart) {
  GatewayConfig running;
  running.rpc.tls = TlsConfig{"a", "b", "c", "d"};
  GatewayConfig fresh = running;
  fresh.rpc.tls->key = "e";
  EXPECT_EQ(take_over(running, fresh), std::vector<std::string>{"rpc"});
}

}  // namespace
}  // namespace ami::daemon
