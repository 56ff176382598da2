#include "daemon/switching/final_register.h"

#include <gtest/gtest.h>

#include "tests/storage/postgres/store_fixture.h"

namespace ami::daemon::switching {
namespace {

using storage::at;

class StoredRegisterTest : public storage::StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    id = meter(north, "M1");
    auto sent = unit("reads");
    // Tier 2 of the same, and received energy, are not the register that is asked for.
    for (const char* type : {"0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.0.72.0", "0.0.0.9.1.1.12.0.0.0.0.2.0.0.0.0.72.0",
                             "0.0.0.1.19.1.12.0.0.0.0.0.0.0.0.0.72.0"})
      sent.batch.channels.push_back({id, std::string("key ") + type, type, "Wh"});
    add_register(sent, 0, at("2026-01-15T11:00:00Z"), {1'000'000, 0});
    add_register(sent, 0, at("2026-01-15T12:00:10Z"), {12345, 2});
    add_register(sent, 1, at("2026-01-15T12:00:20Z"), {7, 0});
    add_register(sent, 2, at("2026-01-15T12:00:20Z"), {8, 0});
    commit(sent);
  }
  Result<std::string> found(const char* since, const char* now) {
    return stored_register(*database, id, at(since), at(now));
  }
  MeterId id = 0;
};

TEST_F(StoredRegisterTest, IsTheNewestOfDeliveredEnergySinceItWasDoneExactAndWithItsUnit) {
  const auto read = found("2026-01-15T12:00:00Z", "2026-01-15T12:01:00Z");
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(*read, "1234.5 kWh as of 2026-01-15T12:00:10Z");
}

TEST_F(StoredRegisterTest, AClockThatIsAMinuteOffIsForgivenAndNoMore) {
  EXPECT_TRUE(found("2026-01-15T12:01:10Z", "2026-01-15T12:02:00Z").ok());
  EXPECT_FALSE(found("2026-01-15T12:01:11Z", "2026-01-15T12:02:00Z").ok());
}

TEST_F(StoredRegisterTest, WhatWasEstimatedOrIsDatedByItsReceiptIsPassedOver) {
  auto sent = unit("more reads");
  sent.batch.channels.push_back(
      {id, "key 0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.0.72.0", "0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.0.72.0", "Wh"});
  add_register(sent, 0, at("2026-01-15T12:00:30Z"), {99999, 2}, {}, storage::add_quality(sent, "2.8.0", "E"));
  add_register(sent, 0, at("2026-01-15T12:00:40Z"), {88888, 2});
  sent.batch.registers.back().time_source = TimeSource::Receipt;
  commit(sent);
  const auto read = found("2026-01-15T12:00:00Z", "2026-01-15T12:01:00Z");
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(*read, "1234.5 kWh as of 2026-01-15T12:00:10Z");
}

TEST_F(StoredRegisterTest, AnOlderRegisterIsNone) {
  const auto read = found("2026-01-15T13:00:00Z", "2026-01-15T13:01:00Z");
  ASSERT_FALSE(read.ok());
  EXPECT_EQ(read.error().fault, Fault::Permanent);
}

}  // namespace
}  // namespace ami::daemon::switching
