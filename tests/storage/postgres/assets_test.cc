#include "storage/postgres/assets.h"

#include "tests/storage/postgres/store_fixture.h"

namespace ami::storage {
namespace {

class AssetsTest : public StoreTest {
 protected:
  void point(const std::string& key) {
    UsagePointDetail detail;
    detail.valid.from = at("2020-01-01T00:00:00Z");
    ASSERT_TRUE(assets->create_usage_point(north, key, detail).ok());
  }
  InstallRequest installing(const std::string& meter_key, const std::string& usage_point,
                            const char* when) const {
    InstallRequest request;
    request.utility = north;
    request.meter = meter_key;
    request.usage_point = usage_point;
    request.at = at(when);
    return request;
  }
};

TEST_F(AssetsTest, TwoUtilitiesMayHaveEqualMeterNumbers) {
  const MeterId a = meter(north, "1001", "B1");
  const MeterId b = meter(south, "1001", "B1");
  EXPECT_NE(a, b);
  AliasQuery query;
  query.value = "B1";
  query.at = at("2024-01-01T00:00:00Z");
  EXPECT_EQ(assets->resolve(north, query).value().meter, a);
  EXPECT_EQ(assets->resolve(south, query).value().meter, b);
  EXPECT_EQ(assets->get_meter(south, "1001").value().id, b);
}

TEST_F(AssetsTest, BadgeIsUsedAgainAfterRetirement) {
  const MeterId old_meter = meter(north, "old", "B7");
  const MeterId new_meter = meter(north, "new");
  const Alias again{"", AliasKind::Badge, "B7", {at("2023-06-01T00:00:00Z")}};
  auto too_early = assets->add_alias(north, "new", again);
  ASSERT_FALSE(too_early.ok());
  EXPECT_EQ(too_early.refusal().kind, Refusal::Kind::Collision);
  EXPECT_NE(too_early.refusal().message.find("BADGE 'B7' already names meter 'old'"), std::string::npos)
      << too_early.refusal().message;

  ASSERT_TRUE(
      assets->end_alias(north, "old", {"", AliasKind::Badge, "B7", {}}, at("2023-06-01T00:00:00Z")).ok());
  ASSERT_TRUE(assets->add_alias(north, "new", again).ok());
  AliasQuery query;
  query.value = "B7";
  query.at = at("2023-05-31T23:59:59Z");
  EXPECT_EQ(assets->resolve(north, query).value().meter, old_meter);
  query.at = at("2023-06-01T00:00:00Z");
  EXPECT_EQ(assets->resolve(north, query).value().meter, new_meter);
}

TEST_F(AssetsTest, UnknownAliasNamesTheNearest) {
  meter(north, "m", "AX123456");
  AliasQuery query;
  query.value = "AX123465";
  query.at = at("2024-01-01T00:00:00Z");
  auto answer = assets->resolve(north, query);
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.refusal().kind, Refusal::Kind::NotFound);
  EXPECT_EQ(answer.refusal().nearest, "AX123456");
  auto meter_key = assets->get_meter(north, "mm");
  ASSERT_FALSE(meter_key.ok());
  EXPECT_EQ(meter_key.refusal().nearest, "m");
  EXPECT_EQ(assets->get_utility("nort").refusal().nearest, "north");
}

TEST_F(AssetsTest, FeedsOwnNameComesBeforeTheGeneralOne) {
  const MeterId general = meter(north, "g", "77");
  const MeterId special = meter(north, "s");
  ASSERT_TRUE(
      assets->add_alias(north, "s", {"ssn-1", AliasKind::Badge, "77", {at("2020-01-01T00:00:00Z")}}).ok());
  AliasQuery query;
  query.value = "77";
  query.at = at("2024-01-01T00:00:00Z");
  query.feed = "ssn-1";
  EXPECT_EQ(assets->resolve(north, query).value().meter, special);
  query.feed = "flexnet-1";
  EXPECT_EQ(assets->resolve(north, query).value().meter, general);
  query.feed.clear();
  EXPECT_EQ(assets->resolve(north, query).refusal().kind, Refusal::Kind::Invalid)
      << "two meters, no feed said";
}

TEST_F(AssetsTest, OverlappingInstallationIsRefusedWithTheRowInTheWay) {
  meter(north, "m1");
  meter(north, "m2");
  point("p1");
  point("p2");
  ASSERT_TRUE(assets->install(installing("m1", "p1", "2024-01-01T00:00:00Z")).ok());
  auto same_point = assets->install(installing("m2", "p1", "2024-02-01T00:00:00Z"));
  ASSERT_FALSE(same_point.ok());
  EXPECT_EQ(same_point.refusal().kind, Refusal::Kind::Collision);
  EXPECT_EQ(same_point.refusal().message, "meter 'm1' is at usage point 'p1' from 2024-01-01T00:00:00Z on");
  auto same_meter = assets->install(installing("m1", "p2", "2024-02-01T00:00:00Z"));
  ASSERT_FALSE(same_meter.ok());
  EXPECT_EQ(same_meter.refusal().kind, Refusal::Kind::Collision);
  // The tables refuse by themselves as well, whoever writes.
  EXPECT_THROW(sql("INSERT INTO installation (utility_id, meter_id, usage_point_id, valid) SELECT utility_id,"
                   " meter_id, usage_point_id, tstzrange('2024-05-01Z', NULL) FROM installation"),
               std::exception);
  EXPECT_EQ(one("SELECT count(*) FROM installation"), "1");
}

TEST_F(AssetsTest, ExchangeEndsOneInstallationAndBeginsTheNextAtTheSameInstant) {
  meter(north, "m1");
  meter(north, "m2");
  point("p1");
  ASSERT_TRUE(assets->install(installing("m1", "p1", "2024-01-01T00:00:00Z")).ok());
  ExchangeRequest request;
  request.utility = north;
  request.usage_point = "p1";
  request.new_meter = "m2";
  request.at = at("2024-03-05T10:37:00Z");
  request.order_id = "WO-1";
  request.old_end_reads = {{"0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.0.72.0", {1234567, 0}}};
  request.new_start_reads = {{"0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.0.72.0", {5, 0}}};
  auto done = assets->exchange(request);
  ASSERT_TRUE(done.ok()) << done.refusal().message;
  EXPECT_EQ(done->removed.valid.to, request.at);
  EXPECT_EQ(done->installed.valid.from, request.at);
  ASSERT_EQ(done->removed.end_reads.size(), 1U);
  EXPECT_EQ(done->removed.end_reads[0].value, (Decimal{1234567, 0}));
  ASSERT_EQ(done->installed.start_reads.size(), 1U);
  const auto all = assets->installations_of_usage_point(north, "p1").value();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].meter_key, "m1");
  EXPECT_EQ(all[1].meter_key, "m2");

  request.at = at("2024-03-01T00:00:00Z");
  request.new_meter = "m1";
  auto backwards = assets->exchange(request);
  ASSERT_FALSE(backwards.ok()) << "the meter there now came later than that";
  EXPECT_EQ(backwards.refusal().kind, Refusal::Kind::Collision);
  EXPECT_EQ(assets->installations_of_usage_point(north, "p1").value().size(), 2U);
}

TEST_F(AssetsTest, ExchangeForAnUnknownMeterChangesNothing) {
  meter(north, "m1");
  point("p1");
  ASSERT_TRUE(assets->install(installing("m1", "p1", "2024-01-01T00:00:00Z")).ok());
  ExchangeRequest request;
  request.utility = north;
  request.usage_point = "p1";
  request.new_meter = "m9";
  request.at = at("2024-03-05T10:37:00Z");
  auto answer = assets->exchange(request);
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.refusal().kind, Refusal::Kind::NotFound);
  EXPECT_EQ(one("SELECT upper_inf(valid) FROM installation"), "t");
}

TEST_F(AssetsTest, RemovedMeterIsNowhereAndCannotBeRemovedAgain) {
  meter(north, "m1");
  point("p1");
  ASSERT_TRUE(assets->install(installing("m1", "p1", "2024-01-01T00:00:00Z")).ok());
  RemoveRequest request;
  request.utility = north;
  request.meter = "m1";
  request.at = at("2024-02-01T00:00:00Z");
  ASSERT_TRUE(assets->remove(request).ok());
  request.at = at("2024-02-02T00:00:00Z");
  EXPECT_EQ(assets->remove(request).refusal().kind, Refusal::Kind::Collision);
}

TEST_F(AssetsTest, DetailsAreDatedAndTheDirectoryFollowsTheForm) {
  const MeterId id = meter(north, "m1", "B1");
  const auto before = assets->directory_version().value();
  MeterDetail detail;
  detail.valid.from = at("2023-01-01T00:00:00Z");
  detail.form = "12S";
  detail.elements = "1.5";
  auto updated = assets->update_meter(north, "m1", detail);
  ASSERT_TRUE(updated.ok()) << updated.refusal().message;
  ASSERT_EQ(updated->details.size(), 2U);
  EXPECT_EQ(updated->details[0].valid.to, at("2023-01-01T00:00:00Z"));
  EXPECT_EQ(updated->details[1].elements, "1.5");
  EXPECT_EQ(assets->update_meter(north, "m1", detail).refusal().kind, Refusal::Kind::Collision)
      << "history is not overwritten";

  const DirectorySnapshot directory = assets->directory().value();
  EXPECT_GT(directory.version, before);
  ASSERT_EQ(directory.entries.size(), 2U);
  EXPECT_EQ(directory.entries[0].form, "2S");
  EXPECT_EQ(directory.entries[0].valid, (Period{at("2020-01-01T00:00:00Z"), at("2023-01-01T00:00:00Z")}));
  EXPECT_EQ(directory.entries[1].form, "12S");
  EXPECT_EQ(directory.entries[1].valid, (Period{at("2023-01-01T00:00:00Z"), UtcInstant::max()}));
  EXPECT_EQ(directory.entries[1].meter, id);
}

TEST_F(AssetsTest, ImpossiblePeriodsZonesAndNumbersAreInvalid) {
  UsagePointDetail detail;
  detail.valid = {at("2024-01-02T00:00:00Z"), at("2024-01-01T00:00:00Z")};
  EXPECT_EQ(assets->create_usage_point(north, "p", detail).refusal().field, "detail.valid");
  detail.valid = {};
  detail.zone = "America/Torontoo";
  EXPECT_EQ(assets->create_usage_point(north, "p", detail).refusal().kind, Refusal::Kind::Invalid);
  EXPECT_EQ(assets->create_usage_point(north, "", {}).refusal().kind, Refusal::Kind::Invalid);
  MeterDetail bad;
  bad.elements = "two";
  EXPECT_EQ(assets->create_meter(north, "m", bad, {}).refusal().kind, Refusal::Kind::Invalid);
  EXPECT_EQ(assets->put_utility({0, "x", "Nowhere/Land", std::nullopt}).refusal().kind,
            Refusal::Kind::Invalid);
  EXPECT_EQ(one("SELECT count(*) FROM meter"), "0");
}

TEST_F(AssetsTest, PagesFollowTheKeysToTheEnd) {
  for (const char* key : {"c", "a", "d", "b", "e"}) meter(north, key);
  meter(south, "b2");
  PageRequest page;
  page.size = 2;
  std::string keys;
  int pages = 0;
  do {
    const auto got = assets->list_meters(north, page).value();
    for (const Meter& m : got.items) keys += m.key;
    page.token = got.next_token;
    ++pages;
  } while (!page.token.empty());
  EXPECT_EQ(keys, "abcde");
  EXPECT_EQ(pages, 3);
}

}  // namespace
}  // namespace ami::storage
