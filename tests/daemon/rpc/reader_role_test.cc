// What these calls ask of the database, as the role that callers' questions run under.
#include <gtest/gtest.h>

#include "storage/postgres/raw_contents.h"
#include "storage/postgres/register_search.h"
#include "tests/daemon/rpc/reads_scene.h"
#include "tests/storage/postgres/role_logins.h"

namespace ami::rpc {
namespace {

using testing::at;
using testing::kDelivered;

class ReaderRoleTest : public testing::ReadsScene {
 protected:
  ReaderRoleTest() {
    storage::make_logins(conninfo);
    m1 = meter("m1");
    usage_point("up1");
    install("m1", "up1", "2012-01-01T00:00:00Z", {40, 0}, {{kDelivered, {4, 0}}});
    reading("m1", "reg:1", kDelivered, "2013-04-08T10:00:00Z", "1000");
    quarters("m1", "lp:1", "2013-04-08T10:00:00Z", {"1", "2"});
    commit();
    reader = std::make_unique<storage::Database>(
        storage::DatabaseOptions{.conninfo = storage::as_user(conninfo, "t_reader"), .connections = 2});
  }
  storage::NearPage near(storage::Database& database) const {
    storage::NearQuery query;
    query.targets = {
        {m1, at("2013-04-08T11:00:00Z"), {at("2013-04-08T00:00:00Z"), at("2013-04-09T00:00:00Z")}}};
    const auto page = storage::RegisterSearch(database).near(query);
    EXPECT_TRUE(page.ok()) << page.refusal().message;
    return page.ok() ? *page : storage::NearPage{};
  }

  MeterId m1 = 0;
  std::unique_ptr<storage::Database> reader;
};

TEST_F(ReaderRoleTest, CallersSeeTheirUtilitiesAndNothingOfOthers) {
  storage::Database maui(*reader, {"maui"}), oahu(*reader, {"oahu"});
  EXPECT_EQ(near(maui).rows.size(), 1U);
  EXPECT_EQ(near(maui).dictionary.channels.size(), 2U);
  EXPECT_TRUE(near(oahu).rows.empty());
  EXPECT_TRUE(near(oahu).dictionary.channels.empty());

  storage::Assets known(fixture.database);
  const std::int64_t stay = known.installations_of({m1}, {}).value().front().id;
  const auto own = storage::RegisterSearch(maui).dials({stay}),
             other = storage::RegisterSearch(oahu).dials({stay});
  ASSERT_TRUE(own.ok()) << own.refusal().message;
  ASSERT_TRUE(other.ok()) << other.refusal().message;
  EXPECT_EQ(own->at(stay).start.size(), 1U);
  EXPECT_TRUE(other->empty());

  const storage::MeterDate date{utility(), m1, std::chrono::year{2013} / 4 / 8};
  const auto facts = storage::Validation(maui).facts(date), hidden = storage::Validation(oahu).facts(date);
  ASSERT_TRUE(facts.ok()) << facts.refusal().message;
  EXPECT_EQ(facts->registers.size(), 1U);
  EXPECT_EQ(facts->intervals.size(), 1U);
  ASSERT_FALSE(hidden.ok());
  EXPECT_EQ(hidden.refusal().kind, storage::Refusal::Kind::NotFound);
  const auto findings = storage::Validation(maui).findings({.utility = utility()});
  EXPECT_TRUE(findings.ok()) << findings.refusal().message;
  std::vector<std::int64_t> sources;
  for (const auto& [id, source] : facts->dictionary.sources) sources.push_back(id);
  const auto stories = storage::RawContents(maui).stories(utility(), sources);
  ASSERT_TRUE(stories.ok()) << stories.refusal().message;
  EXPECT_EQ(stories->size(), 1U);
}

TEST_F(ReaderRoleTest, TargetsAreBoundedAndBothEndsOfTheirTimeCount) {
  storage::NearQuery query;
  const UtcInstant then = at("2013-04-08T10:00:00Z");
  query.targets = {{m1, then, {then, then}}};
  EXPECT_EQ(storage::RegisterSearch(*reader).near(query).value().rows.size(), 0U) << "no scope, nothing seen";
  storage::Database every(*reader, {"*"});
  EXPECT_EQ(storage::RegisterSearch(every).near(query).value().rows.size(), 1U);
  query.targets[0].within.from = then + std::chrono::microseconds{1};
  query.targets[0].within.to = then + std::chrono::hours{1};
  EXPECT_EQ(storage::RegisterSearch(every).near(query).value().rows.size(), 0U);
  query.targets.resize(10'001, query.targets[0]);
  const auto refused = storage::RegisterSearch(every).near(query);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.refusal().field, "targets");
}

}  // namespace
}  // namespace ami::rpc
