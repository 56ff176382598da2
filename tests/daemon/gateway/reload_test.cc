#include "daemon/gateway/reload.h"

#include <gtest/gtest.h>

#include <functional>

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
  fresh.validation.settle = std::chrono::seconds{1};
  fresh.vee = vee::default_vee_config();
  fresh.vee.profile = "full";
  EXPECT_TRUE(take_over(running, fresh).empty());
  EXPECT_EQ(running.log_level, Level::Debug);
  EXPECT_EQ(running.log_format, LogFormat::Json);
  EXPECT_EQ(running.drain_timeout, std::chrono::seconds{3});
  EXPECT_EQ(running.utilities.size(), 1U);
  EXPECT_EQ(running.feeds.size(), 1U);
  EXPECT_EQ(running.validation.settle, std::chrono::seconds{1});
  EXPECT_EQ(running.vee.profile, "full");
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

TEST(Reload, WhatUtilitiesKnowOfTheirSwitchesIsTakenOverAndTheRestOfSwitchingIsNot) {
  GatewayConfig running;
  running.switching.emplace().conninfo = "dbname=ami";
  GatewayConfig fresh = running;
  fresh.switching->utilities.push_back({"hydro", {}, {}});
  EXPECT_TRUE(take_over(running, fresh).empty());
  ASSERT_EQ(running.switching->utilities.size(), 1U);
  fresh.switching->lease = std::chrono::seconds{60};
  fresh.switching->utilities.clear();
  EXPECT_EQ(take_over(running, fresh), std::vector<std::string>{"switching"});
  EXPECT_EQ(running.switching->lease, std::chrono::seconds{10});
  EXPECT_TRUE(running.switching->utilities.empty());
  fresh.switching.reset();
  EXPECT_EQ(take_over(running, fresh), std::vector<std::string>{"switching"});
  EXPECT_TRUE(running.switching.has_value()) << "what is under way must be looked after";
}

TEST(Reload, OfTheJournalNothingChangesWhileItIsOpen) {
  const GatewayConfig start;
  for (const auto& change : std::vector<std::function<void(JournalSettings&)>>{
           [](auto& j) { j.path = "/elsewhere"; }, [](auto& j) { j.max_bytes = 1; }, [](auto& j) { j.max_messages = 1; }}) {
    GatewayConfig running = start;
    GatewayConfig fresh = start;
    change(fresh.journal);
    EXPECT_EQ(take_over(running, fresh), std::vector<std::string>{"journal"});
    EXPECT_EQ(running.journal.max_messages, start.journal.max_messages);
  }
}

TEST(Reload, HowLongContentIsKeptNeedsARestart) {
  GatewayConfig running;
  GatewayConfig fresh = running;
  fresh.raw.keep_months = 3;
  EXPECT_EQ(take_over(running, fresh), std::vector<std::string>{"raw"});
  EXPECT_EQ(running.raw.keep_months, 13);
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
