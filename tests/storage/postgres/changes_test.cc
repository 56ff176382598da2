#include "storage/postgres/changes.h"

#include <cstdlib>
#include <pqxx/pqxx>
#include <set>
#include <thread>

#include "tests/storage/postgres/store_fixture.h"

namespace ami::storage {
namespace {

class ChangesTest : public StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    changes = std::make_unique<Changes>(*database);
    sql("SELECT ami_ensure_month('change', d::date) FROM generate_series(now() - interval '110 days', now() "
        "+ "
        "interval '1 day', '1 day') d");
  }

  ChangeCursor oldest() { return changes->bounds(north).value().oldest; }

  // A change of a day, of nobody's making.
  static std::string insert(MeterId meter, const std::string& channel = "1",
                            const std::string& when = "now()") {
    return "INSERT INTO change (changed_at, utility_id, meter_id, channel_id, day, interval_s, version, "
           "entity)"
           " SELECT " +
           when + ", utility_id, meter_id, " + channel +
           ", '2024-03-05', 900, 1, 1 FROM meter WHERE meter_id = " + std::to_string(meter);
  }

  CommitUnit day_of(MeterId meter, const std::string& content, std::int64_t value, int day = 5) {
    CommitUnit u = unit(content);
    add_run(u, {.channel = add_channel(u, meter),
                .start = at("2024-03-01T00:00:00Z") + std::chrono::days{day - 1},
                .values = {value}});
    return u;
  }

  struct Read {
    std::vector<ChangeRow> rows;
    ChangeCursor next;
  };
  // Everything from there on, page by page. What other databases of the cluster run may hold the end back for
  // a moment, so it goes on until as many as expected are there.
  Read read(const ChangeQuery& query, const ChangeCursor& from, std::size_t expected) {
    return read(*changes, query, from, expected);
  }
  static Read read(Changes& feed, const ChangeQuery& query, const ChangeCursor& from, std::size_t expected) {
    Read out{{}, from};
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{20};
    while (std::chrono::steady_clock::now() < deadline) {
      auto page = feed.page(query, out.next);
      if (!page.ok() || page->fault != CursorFault::None) {
        ADD_FAILURE() << (page.ok() ? "fault" : page.refusal().message);
        return out;
      }
      EXPECT_LE(out.next.at, page->next.at);
      out.next = page->next;
      for (ChangeRow& row : page->rows) out.rows.push_back(std::move(row));
      if (page->caught_up && out.rows.size() >= expected) break;
    }
    EXPECT_EQ(out.rows.size(), expected);
    return out;
  }
  Read read_all(std::size_t expected) { return read({.utility = north}, oldest(), expected); }

  static std::vector<MeterId> meters_of(const Read& read) {
    std::vector<MeterId> out;
    for (const ChangeRow& row : read.rows) out.push_back(row.meter);
    return out;
  }

  std::unique_ptr<Changes> changes;
};

TEST_F(ChangesTest, LateCommitOfTheLowerNumberIsNeitherSkippedNorOvertaken) {
  const MeterId early = meter(north, "early"), late = meter(north, "late");
  const CommitUnit quick = day_of(late, "a", 1);
  const ChangeCursor start = read_all(0).next;
  pqxx::connection slow(conninfo);
  pqxx::work first(slow);
  first.exec(insert(early));
  commit(quick);
  sql("UPDATE change SET changed_at = changed_at - interval '90 s'");

  const auto between = changes->page({.utility = north}, start);
  ASSERT_TRUE(between.ok()) << between.refusal().message;
  EXPECT_TRUE(between->rows.empty()) << "the quicker one must wait for the one before it";
  EXPECT_TRUE(between->caught_up);
  EXPECT_GE(changes->health()->held_back, std::chrono::seconds{90});
  EXPECT_GE(changes->bounds(north)->held_back, std::chrono::seconds{90});
  EXPECT_EQ(changes->bounds(south)->held_back.count(), 0) << "the other utility has nothing to wait for";

  first.commit();
  const Read after = read({.utility = north}, between->next, 2);
  EXPECT_EQ(meters_of(after), (std::vector<MeterId>{early, late}));
  EXPECT_EQ(meters_of(read({.utility = north, .size = 1}, start, 2)), (std::vector<MeterId>{early, late}))
      << "the order is the same for whoever comes later";
  EXPECT_EQ(changes->health()->held_back.count(), 0);
}

TEST_F(ChangesTest, AbortedWriterHoldsNobodyBackAndLeavesNothing) {
  const MeterId m = meter(north, "m");
  const ChangeCursor start = read_all(0).next;
  {
    pqxx::connection slow(conninfo);
    pqxx::work given_up(slow);
    given_up.exec(insert(m));
    commit(day_of(m, "a", 1));
  }
  const Read after = read({.utility = north}, start, 1);
  ASSERT_TRUE(after.rows.at(0).channel);
  EXPECT_EQ(after.rows.at(0).channel->key, "cmep:KWH");
}

TEST_F(ChangesTest, WhoFollowsWhileManyWriteSeesEachChangeOnceAndInOrder) {
  constexpr int kWriters = 3, kEach = 15;
  std::vector<std::vector<CommitUnit>> units(kWriters);
  for (int w = 0; w < kWriters; ++w) {
    const MeterId m = meter(north, "m" + std::to_string(w));
    units[static_cast<std::size_t>(w)].resize(kEach);
    for (int i = 0; i < kEach; ++i)
      units[static_cast<std::size_t>(w)][static_cast<std::size_t>(i)] =
          day_of(m, std::to_string(w) + "x" + std::to_string(i), i, i + 1);
  }
  for (auto& list : units) {
    for (CommitUnit& u : list) u.directory_version = std::stoll(one("SELECT version FROM directory_version"));
  }
  std::vector<std::thread> writers;
  for (auto& list : units) {
    writers.emplace_back([this, &list] {
      for (const CommitUnit& u : list) EXPECT_TRUE(ingest->commit(u).ok());
    });
  }
  const Read seen = read({.utility = north, .size = 4}, oldest(), kWriters * kEach);
  for (std::thread& writer : writers) writer.join();
  std::set<std::int64_t> ids;
  for (std::size_t i = 0; i < seen.rows.size(); ++i) {
    ids.insert(seen.rows[i].at.change_id);
    if (i > 0) {
      EXPECT_LT(seen.rows[i - 1].at, seen.rows[i].at);
    }
  }
  EXPECT_EQ(ids.size(), static_cast<std::size_t>(kWriters * kEach));
  EXPECT_EQ(one("SELECT count(*) FROM change"), std::to_string(kWriters * kEach));
}

TEST_F(ChangesTest, FiltersChooseAndTheCursorPassesWhatTheyLeaveOut) {
  const MeterId a = meter(north, "a"), b = meter(north, "b"), other = meter(south, "c");
  UsagePointDetail place;
  place.valid.from = at("2020-01-01T00:00:00Z");
  ASSERT_TRUE(assets->create_usage_point(north, "up", place).ok());
  InstallRequest install;
  install.utility = north;
  install.meter = "b";
  install.usage_point = "up";
  install.at = at("2021-01-01T00:00:00Z");
  const UsagePointId point = assets->install(install).value().usage_point;
  CommitUnit first = day_of(a, "a", 1);
  add_register(first, add_channel(first, a, "cmep:REG"), at("2024-03-05T00:00:00Z"), {7, 0});
  EventReading event;
  event.meter = a;
  event.at = at("2024-03-05T01:00:00Z");
  event.kind = "OUTAGE";
  event.vendor = "v";
  first.batch.events.push_back(event);
  commit(first);
  commit(day_of(b, "b", 2));
  sql(insert(other));
  sql("UPDATE change SET kinds = 16 WHERE meter_id = " + std::to_string(b));
  sql(insert(a));  // of unknown kind

  for (const std::size_t size : {std::size_t{1}, std::size_t{200}}) {
    for (const std::size_t scan : {std::size_t{1}, std::size_t{20'000}}) {
      const ChangeQuery all{.utility = north, .size = size, .scan = scan};
      EXPECT_EQ(meters_of(read(all, oldest(), 5)), (std::vector<MeterId>{a, a, a, b, a}));
      ChangeQuery one_meter = all;
      one_meter.meters = {b};
      const Read of_b = read(one_meter, oldest(), 1);
      EXPECT_EQ(meters_of(of_b), (std::vector<MeterId>{b}));
      EXPECT_GT(of_b.next.at, of_b.rows.at(0).at) << "further on than the last match";
      ChangeQuery at_point = all;
      at_point.usage_points = {point};
      EXPECT_EQ(meters_of(read(at_point, oldest(), 1)), (std::vector<MeterId>{b}));
      at_point.meters = {a};
      EXPECT_EQ(read(at_point, oldest(), 5).rows.size(), 5U);
      ChangeQuery retracted = all;
      retracted.kinds = 16;
      EXPECT_EQ(meters_of(read(retracted, oldest(), 2)), (std::vector<MeterId>{b, a}))
          << "who asks for a kind must hear of what may be one";
      ChangeQuery registers = all;
      registers.channels = [](const ChannelInfo& channel) { return channel.key == "cmep:REG"; };
      const Read reg = read(registers, oldest(), 1);
      EXPECT_EQ(reg.rows.at(0).entity, ChangeEntity::Register);
      EXPECT_EQ(reg.rows.at(0).time, at("2024-03-05T00:00:00Z"));
    }
  }
  EXPECT_EQ(meters_of(read({.utility = south}, changes->bounds(south)->oldest, 1)),
            (std::vector<MeterId>{other}));
}

TEST_F(ChangesTest, AcknowledgementsGoForwardOnly) {
  const MeterId m = meter(north, "m");
  for (int i = 0; i < 3; ++i) sql(insert(m));
  const Read seen = read_all(3);
  const auto cursor = [&](std::size_t i) { return ChangeCursor{seen.next.feed, seen.rows.at(i).at}; };
  const auto ack = [&](const ChangeCursor& to, bool rewind = false) {
    return changes->ack({north, "billing", to, "cn", rewind}).value();
  };
  EXPECT_EQ(changes->acked(north, "billing").value(), std::nullopt);
  EXPECT_EQ(ack(cursor(1)).stored, cursor(1));
  EXPECT_EQ(ack(cursor(0)).stored, cursor(1)) << "an older one changes nothing";
  EXPECT_EQ(changes->acked(north, "billing").value(), cursor(1));
  EXPECT_EQ(changes->acked(south, "billing").value(), std::nullopt) << "names are the utility's own";
  sql("UPDATE change SET changed_at = now() - interval '50 s'");
  Subscriber listed = changes->subscribers(north)->at(0);
  EXPECT_EQ(listed.name, "billing");
  EXPECT_EQ(listed.acked_by, "cn");
  EXPECT_EQ(listed.waiting, 1);
  EXPECT_GE(listed.lag, std::chrono::seconds{50});
  EXPECT_FALSE(listed.too_old);
  EXPECT_GE(changes->health()->subscribers.at(0).lag, std::chrono::seconds{50});
  EXPECT_EQ(changes->health()->subscribers[0].utility, "north");
  EXPECT_EQ(ack(cursor(0), true).stored, cursor(0)) << "unless it is asked to";
  EXPECT_EQ(ack(seen.next).stored, seen.next);
  listed = changes->subscribers(north)->at(0);
  EXPECT_EQ(listed.waiting, 0);
  EXPECT_EQ(listed.lag.count(), 0);

  ChangeCursor strange = cursor(0);
  ++strange.feed.table;
  EXPECT_EQ(ack(strange, true).fault, CursorFault::OtherFeed);
  strange = cursor(0);
  strange.at.txid += 1'000'000;
  EXPECT_EQ(ack(strange).fault, CursorFault::Ahead);
  EXPECT_EQ(changes->page({.utility = north}, strange)->fault, CursorFault::Ahead);
  EXPECT_EQ(changes->acked(north, "billing").value(), seen.next) << "a refused one changes nothing";

  for (std::size_t i = 1; i < Changes::kMostSubscribers; ++i)
    ASSERT_TRUE(changes->ack({north, "s" + std::to_string(i), cursor(0), "cn", false}).ok());
  const auto one_more = changes->ack({north, "one-more", cursor(0), "cn", false});
  ASSERT_FALSE(one_more.ok());
  EXPECT_EQ(one_more.refusal().kind, Refusal::Kind::Collision);
  EXPECT_TRUE(changes->ack({north, "billing", seen.next, "cn", false}).ok()) << "those that are there go on";
  EXPECT_TRUE(changes->forget(north, "s7").value());
  EXPECT_FALSE(changes->forget(north, "s7").value());
  EXPECT_TRUE(changes->ack({north, "one-more", cursor(0), "cn", false}).ok());
}

TEST_F(ChangesTest, MonthsAreDroppedWhenAllOfThemIsOldAndCursorsBeforeThatAreRefused) {
  const MeterId m = meter(north, "m"), other = meter(south, "s");
  sql(insert(other, "1", "now() - interval '100 days'"));
  for (const char* age : {"100", "100", "70", "30", "0"})
    sql(insert(m, "1", std::string("now() - interval '") + age + " days'"));
  const ChangeCursor start = oldest();
  const Read before = read_all(5);
  const ChangeCursor second{start.feed, before.rows.at(1).at};
  ASSERT_TRUE(changes->ack({north, "asleep", {start.feed, before.rows.at(0).at}, "cn", false}).ok());
  ASSERT_TRUE(changes->ack({north, "awake", before.next, "cn", false}).ok());

  EXPECT_TRUE(changes->drop_older_than(UtcInstant::min()).value().empty());
  // However much is asked for, what is younger than 35 days stays.
  const auto dropped = changes->drop_older_than(UtcInstant::max());
  ASSERT_TRUE(dropped.ok()) << dropped.refusal().message;
  EXPECT_GE(dropped->size(), 2U);
  EXPECT_EQ(sql("SELECT count(*), min(changed_at) > now() - interval '69 days' FROM change"),
            (Table{{"2", "t"}}));
  EXPECT_TRUE(changes->drop_older_than(UtcInstant::max()).value().empty());

  const auto late = changes->page({.utility = north}, start);
  ASSERT_TRUE(late.ok());
  EXPECT_EQ(late->fault, CursorFault::TooOld);
  EXPECT_TRUE(late->rows.empty());
  EXPECT_EQ(changes->page({.utility = north}, {start.feed, before.rows.at(1).at})->fault,
            CursorFault::TooOld);
  EXPECT_EQ(read({.utility = north}, late->oldest, 2).rows.at(0).at, before.rows.at(3).at);
  EXPECT_LE(late->oldest.at, before.rows.at(3).at);
  const auto subscribers = changes->subscribers(north).value();
  EXPECT_TRUE(subscribers.at(0).too_old);
  EXPECT_FALSE(subscribers.at(1).too_old);
  EXPECT_EQ(changes->ack({north, "asleep", second, "cn", true})->fault, CursorFault::TooOld);
}

TEST_F(ChangesTest, RestoredDumpIsAnotherFeedThatBeginsWithWhatIsStoredThere) {
  const MeterId m = meter(north, "m");
  commit(day_of(m, "a", 1, 5));
  const Read seen = read_all(1);
  ASSERT_TRUE(changes->ack({north, "billing", seen.next, "cn", false}).ok());
  const std::string copy = testing::PgCluster::shared().create_database();
  const std::string restore =
      "pg_dump -d '" + conninfo + "' | psql -qX -v ON_ERROR_STOP=1 -d '" + copy + "' >/dev/null";
  ASSERT_EQ(std::system(restore.c_str()), 0);
  Database there({.conninfo = copy});
  Changes restored(there);
  const auto refused = restored.page({.utility = north}, seen.next);
  ASSERT_TRUE(refused.ok()) << refused.refusal().message;
  EXPECT_EQ(refused->fault, CursorFault::OtherFeed);
  const auto anew = restored.page({.utility = north}, refused->oldest);
  ASSERT_TRUE(anew.ok());
  EXPECT_EQ(anew->fault, CursorFault::None);
  EXPECT_TRUE(anew->rows.empty()) << "its transaction numbers mean nothing here";
  const auto acked = restored.acked(north, "billing").value();
  ASSERT_TRUE(acked);
  EXPECT_EQ(restored.page({.utility = north}, *acked)->fault, CursorFault::TooOld)
      << "nobody goes on as if nothing had been missed";

  PostgresIngest ingest_there(there);
  ASSERT_TRUE(ingest_there.commit(day_of(m, "b", 2, 6)).ok());
  const Read after = read(restored, {.utility = north}, anew->next, 1);
  EXPECT_EQ(after.rows.at(0).day, std::chrono::floor<std::chrono::days>(at("2024-03-06T00:00:00Z")));
  EXPECT_EQ(changes->page({.utility = north}, seen.next)->fault, CursorFault::None)
      << "the original goes on as it was";
}

TEST_F(ChangesTest, RenewedFeedRefusesOldCursorsAndKeepsWhatIsStored) {
  const MeterId m = meter(north, "m");
  commit(day_of(m, "a", 1));
  const Read seen = read_all(1);
  ASSERT_TRUE(changes->ack({north, "billing", seen.next, "cn", false}).ok());
  sql("SELECT ami_renew_change_feed(false)");
  EXPECT_EQ(changes->page({.utility = north}, seen.next)->fault, CursorFault::None);
  sql("SELECT ami_renew_change_feed(true)");
  EXPECT_EQ(changes->page({.utility = north}, seen.next)->fault, CursorFault::OtherFeed);
  EXPECT_EQ(read_all(1).rows.at(0).at, seen.rows.at(0).at);
  EXPECT_EQ(changes->acked(north, "billing").value()->at, seen.next.at)
      << "what is remembered here was restored together with the rest";
}

TEST_F(ChangesTest, StaysAreByMeterAndTime) {
  const MeterId a = meter(north, "a"), b = meter(north, "b");
  UsagePointDetail place;
  place.valid.from = at("2020-01-01T00:00:00Z");
  ASSERT_TRUE(assets->create_usage_point(north, "up", place).ok());
  InstallRequest install;
  install.utility = north;
  install.meter = "a";
  install.usage_point = "up";
  install.at = at("2021-01-01T00:00:00Z");
  install.multiplier = {40, 0};
  ASSERT_TRUE(assets->install(install).ok());
  ExchangeRequest exchange;
  exchange.utility = north;
  exchange.usage_point = "up";
  exchange.new_meter = "b";
  exchange.at = at("2022-01-01T00:00:00Z");
  ASSERT_TRUE(assets->exchange(exchange).ok());
  const auto stays = changes->stays({b, a}).value();
  ASSERT_EQ(stays.size(), 2U);
  EXPECT_EQ(stays[0].meter, a);
  EXPECT_EQ(stays[0].period, (Period{at("2021-01-01T00:00:00Z"), at("2022-01-01T00:00:00Z")}));
  EXPECT_EQ(stays[0].multiplier, (Decimal{40, 0}));
  EXPECT_EQ(stays[1].meter, b);
  EXPECT_EQ(stays[1].period, (Period{at("2022-01-01T00:00:00Z"), UtcInstant::max()}));
  EXPECT_TRUE(changes->stays({}).value().empty());
}

}  // namespace
}  // namespace ami::storage
