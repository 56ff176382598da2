// Events that tell one fact, as readers list them; bursts, and writers side by side.
#include <algorithm>
#include <chrono>
#include <iostream>
#include <random>
#include <thread>

#include "tests/storage/postgres/store_fixture.h"

namespace ami::storage {
namespace {

constexpr int kNetwork = 20'000;  // meters of a burst

const EventFacts& facts() {
  static const auto* const facts = new EventFacts(
      EventFacts::parse(
          "kinds: {OUTAGE: '', LAST_GASP: '', RESTORATION: '', HAN_FAULT: ''}\n"
          "told_again: {power: {window_s: 120, states: [[OUTAGE, LAST_GASP], [RESTORATION]]}}\n",
          "test")
          .value());
  return *facts;
}

class EventGroups : public StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    collapsing_ = std::make_unique<PostgresIngest>(*database, 1, facts());
  }

  static EventReading event(MeterId meter, const char* when, const std::string& kind, const std::string& code,
                            TimeSource clock = TimeSource::Device) {
    return {meter, at(when), kind, "", "v", code, "words", clock, 0};
  }
  void tell(const std::vector<EventReading>& events, const std::string& content) {
    CommitUnit u = unit(content);
    u.batch.events = events;
    const auto counts = collapsing_->commit(u);
    ASSERT_TRUE(counts.ok()) << counts.error().message;
  }
  std::vector<std::string> listed(std::vector<std::string> kinds, bool duplicates_too,
                                  std::size_t size = 100) {
    EventQuery query;
    query.utility = north;
    query.period = {at("2024-01-01T00:00:00Z"), at("2025-01-01T00:00:00Z")};
    query.kinds = std::move(kinds);
    query.duplicates_too = duplicates_too;
    query.page.size = size;
    std::vector<std::string> out;
    do {
      const auto page = readers->events(query);
      EXPECT_TRUE(page.ok());
      for (const EventRow& row : page->items) {
        out.push_back(row.raw_code + (row.duplicate_of == 0 ? " " + std::to_string(row.duplicates)
                                                            : " of " + code_of(row.duplicate_of)));
      }
      query.page.token = page->next_token;
    } while (!query.page.token.empty());
    return out;
  }
  std::string code_of(std::int64_t id) {
    return one("SELECT raw_code FROM event WHERE event_id = " + std::to_string(id));
  }
  // Rows that contradict each other; "0" when all is as it must be.
  std::string contradictions() const {
    return one(
        "SELECT count(*) FROM event e LEFT JOIN event h ON h.event_id = e.duplicate_of WHERE"
        " (e.duplicate_of IS NOT NULL AND (h.event_id IS NULL OR h.duplicate_of IS NOT NULL"
        "  OR h.meter_id <> e.meter_id OR h.at <> e.duplicate_of_at))"
        " OR e.duplicates <> (SELECT count(*) FROM event d WHERE d.duplicate_of = e.event_id)"
        " OR (e.duplicates > 0 AND (e.first_at, e.last_at) IS DISTINCT FROM (SELECT (min(d.at), max(d.at))"
        "  FROM event d WHERE e.event_id IN (d.event_id, d.duplicate_of)))");
  }
  void add_network() {
    sql("INSERT INTO meter (utility_id, key) SELECT " + std::to_string(north) +
        ", 'net' || n FROM generate_series(1, " + std::to_string(kNetwork) + ") n RETURNING 1");
    for (const auto& row : sql("SELECT meter_id FROM meter WHERE key LIKE 'net%' ORDER BY 1"))
      network_.push_back(std::stoll(row[0]));
    ASSERT_EQ(network_.size(), static_cast<std::size_t>(kNetwork));
  }

  std::unique_ptr<PostgresIngest> collapsing_;
  std::vector<MeterId> network_;
};

TEST_F(EventGroups, HeadsAreListedWithTheNumberOfTheOthersAndAllOnRequest) {
  const MeterId m = meter(north, "m");
  tell({event(m, "2024-03-05T06:00:00Z", "OUTAGE", "meter"),
        event(m, "2024-03-05T06:00:40Z", "LAST_GASP", "module"),
        event(m, "2024-03-05T06:01:00Z", "OUTAGE", "headend", TimeSource::Receipt),
        event(m, "2024-03-05T07:00:00Z", "RESTORATION", "back"),
        event(m, "2024-03-05T07:30:00Z", "HAN_FAULT", "han")},
       "a");
  EXPECT_EQ(listed({}, false), (std::vector<std::string>{"meter 2", "back 0", "han 0"}));
  EXPECT_EQ(listed({}, true),
            (std::vector<std::string>{"meter 2", "module of meter", "headend of meter", "back 0", "han 0"}));
  EXPECT_EQ(listed({}, true, 1), listed({}, true)) << "page by page";
  EXPECT_EQ(listed({}, false, 1), listed({}, false));
  EXPECT_EQ(listed({"HAN_FAULT"}, false), std::vector<std::string>{"han 0"}) << "by kind, as any other";
}

TEST_F(EventGroups, AFactIsFoundByTheKindOfAnyWhoToldIt) {
  const MeterId m = meter(north, "m");
  tell({event(m, "2024-03-05T06:00:00Z", "LAST_GASP", "module"),
        event(m, "2024-03-05T06:00:40Z", "OUTAGE", "meter")},
       "a");
  EXPECT_EQ(listed({"OUTAGE"}, false), std::vector<std::string>{"module 1"});
  EXPECT_EQ(listed({"LAST_GASP"}, false), std::vector<std::string>{"module 1"});
  EXPECT_EQ(listed({"RESTORATION"}, false), std::vector<std::string>{});
  EXPECT_EQ(listed({"OUTAGE"}, true), std::vector<std::string>{"meter of module"});
}

TEST_F(EventGroups, WithoutRulesEachEventStandsForItself) {
  const MeterId m = meter(north, "m");
  CommitUnit u = unit("a");
  u.batch.events = {event(m, "2024-03-05T06:00:00Z", "OUTAGE", "a"),
                    event(m, "2024-03-05T06:00:10Z", "OUTAGE", "b")};
  commit(u);
  EXPECT_EQ(listed({}, false), (std::vector<std::string>{"a 0", "b 0"}));
}

TEST_F(EventGroups, OfBeforeAreCollapsedWithWhatComesNear) {
  const MeterId m = meter(north, "m");
  CommitUnit u = unit("a");
  u.batch.events = {event(m, "2024-03-05T06:00:00Z", "OUTAGE", "a"),
                    event(m, "2024-03-05T06:00:10Z", "OUTAGE", "b")};
  commit(u);  // by a gateway that had no rules
  tell({event(m, "2024-03-05T06:00:20Z", "OUTAGE", "c")}, "c");
  EXPECT_EQ(listed({}, false), std::vector<std::string>{"a 2"});
  EXPECT_EQ(contradictions(), "0");
}

TEST_F(EventGroups, AHeadThatIsGoneLeavesItsDuplicatesAloneUntilSomethingComesNear) {
  const MeterId m = meter(north, "m");
  tell({event(m, "2024-02-29T23:59:30Z", "OUTAGE", "a"), event(m, "2024-03-01T00:00:30Z", "OUTAGE", "b")},
       "a");
  sql("DELETE FROM event WHERE at < '2024-03-01 00:00:00+00' RETURNING 1");  // as a rule of retention does
  EXPECT_EQ(listed({}, false), std::vector<std::string>{});
  tell({event(m, "2024-03-01T00:00:40Z", "OUTAGE", "c")}, "c");
  EXPECT_EQ(listed({}, false), std::vector<std::string>{"b 1"});
  EXPECT_EQ(contradictions(), "0");
}

TEST_F(EventGroups, ABurstOfAWholeNetworkPassesAndIsOneOutageAMeter) {
  add_network();
  const auto burst = [&](const std::string& who, std::chrono::milliseconds late) {
    std::vector<EventReading> events;
    for (const MeterId m : network_) {
      events.push_back(event(m, "2024-03-05T06:00:00Z", "OUTAGE", who));
      events.back().at += late + std::chrono::milliseconds{m % 40'000};
    }
    const auto begin = std::chrono::steady_clock::now();
    tell(events, who);
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begin;
    std::cout << who << ": " << kNetwork << " events in " << took.count() << " ms\n";
  };
  burst("meter", std::chrono::milliseconds{0});
  EXPECT_EQ(one("SELECT count(*) FROM event WHERE duplicate_of IS NULL AND duplicates = 0"),
            std::to_string(kNetwork));
  burst("headend", std::chrono::seconds{20});
  burst("meter", std::chrono::milliseconds{0});  // again: nothing to do
  EXPECT_EQ(one("SELECT count(*) FROM event WHERE duplicate_of IS NULL AND duplicates = 1"),
            std::to_string(kNetwork));
  EXPECT_EQ(one("SELECT count(*) FROM event"), std::to_string(2 * kNetwork));
  EXPECT_EQ(one("SELECT count(*) FROM change WHERE kinds = 1"), std::to_string(kNetwork))
      << "each outage is new once";
}

TEST_F(EventGroups, WritersSideBySideThatTellTheSameFindOneHead) {
  constexpr int kWriters = 6, kMeters = 40;
  std::vector<MeterId> meters;
  for (int i = 0; i < kMeters; ++i) meters.push_back(meter(north, "m" + std::to_string(i)));
  DatabaseOptions options;
  options.conninfo = conninfo;
  options.connections = kWriters;
  Database pool(options);
  PostgresIngest shared(pool, 1, facts());
  std::vector<std::string> failures(kWriters);
  std::vector<std::thread> writers;
  for (int w = 0; w < kWriters; ++w) {
    writers.emplace_back([&, w] {
      std::mt19937 random(static_cast<unsigned>(w));
      for (int round = 0; round < 6; ++round) {
        CommitUnit u = unit("writer" + std::to_string(w) + "." + std::to_string(round));
        std::vector<MeterId> order = meters;
        std::shuffle(order.begin(), order.end(), random);
        for (const MeterId m : order) {
          // Two of the writers tell the very same events.
          u.batch.events.push_back(event(m, "2024-03-05T06:00:00Z", w % 2 == 0 ? "OUTAGE" : "LAST_GASP",
                                         "w" + std::to_string(w % 5)));
          u.batch.events.back().at += std::chrono::seconds{(round * 97 + w % 5 * 31) % 240};
        }
        const auto counts = shared.commit(u);
        if (!counts.ok()) failures[static_cast<std::size_t>(w)] = counts.error().message;
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  for (const std::string& failure : failures) EXPECT_EQ(failure, "");
  EXPECT_EQ(contradictions(), "0");
  // All within 240 s, no two neighbours more than 120 s apart: one fact a meter.
  EXPECT_EQ(one("SELECT count(*) FROM event WHERE duplicate_of IS NULL"), std::to_string(kMeters));
}

}  // namespace
}  // namespace ami::storage
