#include "storage/postgres/access_log.h"

#include <gtest/gtest.h>

#include "tests/storage/postgres/store_fixture.h"

namespace ami::storage {
namespace {

using AccessLogTest = StoreTest;

TEST_F(AccessLogTest, RecordIsThereBeforeTheRowsAreKnownAndItsClosingRowTellsThem) {
  AccessLog log(*database);
  AccessCall call{"north",
                  "billing",
                  "ami://role/reader ami://utility/north",
                  "settlement",
                  "March bill",
                  "/ami.v1.ReadingService/StreamIntervals",
                  {at("2024-03-01T00:00:00Z"), at("2024-04-01T00:00:00Z")},
                  {{"up1", "m1", {}}, {"", "m2", {}}}};
  const auto id = log.record(call);
  ASSERT_TRUE(id.ok()) << id.refusal().message;
  AccessQuery query;
  query.utility = north;
  auto before = log.list(query);
  ASSERT_EQ(before.value().items.size(), 2U);
  EXPECT_FALSE(before.value().items[0].subject.rows);

  call.subjects[0].rows = 2976;
  call.subjects[1].rows = 0;
  ASSERT_TRUE(log.close(*id, call).ok());
  const auto after = log.list(query);
  ASSERT_EQ(after.value().items.size(), 2U);
  const AccessRow& row = after.value().items[0];
  EXPECT_EQ(row.caller, "billing");
  EXPECT_EQ(row.certificate, "ami://role/reader ami://utility/north");
  EXPECT_EQ(row.on_behalf_of, "settlement");
  EXPECT_EQ(row.purpose, "March bill");
  EXPECT_EQ(row.subject.usage_point, "up1");
  EXPECT_EQ(row.period, call.period);
  EXPECT_EQ(row.subject.rows, 2976U);
  EXPECT_EQ(after.value().items[1].subject.rows, 0U);
  EXPECT_EQ(row.call, *id);
}

TEST_F(AccessLogTest, ListFiltersAndPagesAndKeepsUtilitiesApart) {
  AccessLog log(*database);
  for (int i = 0; i < 5; ++i)
    ASSERT_TRUE(
        log.record({"north", i % 2 == 0 ? "a" : "b", "", "", "why", "rpc", {}, {{"up1", "m1", 1}}}).ok());
  ASSERT_TRUE(log.record({"south", "a", "", "", "why", "rpc", {}, {{"up1", "m1", 1}}}).ok());
  AccessQuery query;
  query.utility = north;
  query.page.size = 2;
  std::vector<std::int64_t> ids;
  do {
    const auto page = log.list(query);
    ASSERT_TRUE(page.ok()) << page.refusal().message;
    for (const AccessRow& row : page->items) ids.push_back(row.id);
    query.page.token = page->next_token;
  } while (!query.page.token.empty());
  EXPECT_EQ(ids.size(), 5U);
  EXPECT_TRUE(std::is_sorted(ids.begin(), ids.end()));

  query.page.size = 100;
  query.caller = "b";
  EXPECT_EQ(log.list(query).value().items.size(), 2U);
  query.caller.clear();
  query.meter = "m2";
  EXPECT_EQ(log.list(query).value().items.size(), 0U);
  query.meter.clear();
  query.usage_point = "up1";
  query.period.to = at("2020-01-01T00:00:00Z");
  EXPECT_EQ(log.list(query).value().items.size(), 0U);
  query.page.token = "not-ours";
  EXPECT_EQ(log.list(query).refusal().kind, Refusal::Kind::Invalid);
}

TEST_F(AccessLogTest, WhatCannotBeLoggedIsRefused) {
  AccessLog log(*database);
  EXPECT_EQ(log.record({"nowhere", "a", "", "", "why", "rpc", {}, {{"", "m", 1}}}).refusal().kind,
            Refusal::Kind::NotFound);
  // Bytes that are no UTF-8 are kept readable.
  ASSERT_TRUE(
      log.record({"north", "a\xff", "", "", "why", "rpc", {}, {{"", std::string("m\0x", 3), 1}}}).ok());
  EXPECT_EQ(one("SELECT caller FROM access_log"), "a\\xFF");
  // The month was dropped behind our back: said to be tried again, and then made anew.
  sql("DO $$ DECLARE t text; BEGIN FOR t IN SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent "
      "="
      " 'access_log'::regclass LOOP EXECUTE 'DROP TABLE ' || t; END LOOP; END $$");
  const AccessCall call{"north", "a", "", "", "why", "rpc", {}, {{"", "m", 1}}};
  EXPECT_EQ(log.record(call).refusal().kind, Refusal::Kind::Unavailable);
  EXPECT_TRUE(log.record(call).ok());
}

}  // namespace
}  // namespace ami::storage
