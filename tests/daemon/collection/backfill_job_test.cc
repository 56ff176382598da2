// Gaps that the gateway asks for by itself: when, how often, through whom, and when no more. On a virtual
// clock, a real database, and the engine of commands with a far side that does what it is told.
#include "daemon/collection/backfill_job.h"

#include <boost/asio/co_spawn.hpp>

#include "storage/postgres/gaps.h"
#include "tests/daemon/commands/life.h"

namespace ami::daemon {
namespace {

using commands::Life;
using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using storage::at;

// A gateway's job beside its engine.
struct Collector {
  Collector(storage::Database& database, Life& of) : life(of), metrics("test") {
    situation.ready = true;
    situation.rules.after = minutes{30};
    situation.rules.pause = minutes{10};
    situation.rules.longest = hours{1};
    job = std::make_unique<BackfillJob>(
        BackfillJob::Parts{database, life.host.offload, life.clock, metrics, life.log, *life.engine});
    boost::asio::co_spawn(life.host.io, job->keep([this] { return situation; }),
                          [](std::exception_ptr defect) { EXPECT_FALSE(defect); });
  }
  Life& life;
  Metrics metrics;
  BackfillJob::Situation situation;
  std::unique_ptr<BackfillJob> job;
};

class BackfillJobTest : public commands::CommandsTest {
 protected:
  // The virtual clock begins at 2026-01-15T00:00Z; utility north is in Toronto, so its civil days begin at
  // 05:00Z.
  void SetUp() override {
    CommandsTest::SetUp();
    for (int n = 1; n <= 5; ++n) install(n);
  }
  void install(int n) {
    const std::string key = "M" + std::to_string(n);
    storage::UsagePointDetail place;
    place.valid.from = at("2019-01-01T00:00:00Z");
    ASSERT_TRUE(assets->create_usage_point(north, "p-" + key, place).ok());
    ASSERT_TRUE(assets->install({north, key, "p-" + key, at("2020-01-01T00:00:00Z"), {1, 0}, "", {}}).ok());
  }
  void send(int n, const char* from, int slots, const std::string& feed, const std::string& channel = "lp") {
    storage::CommitUnit u = unit("values" + std::to_string(++units));
    u.source.feed = feed;
    const auto meter = std::stoll(one("SELECT meter_id FROM meter WHERE key = 'M" + std::to_string(n) + "'"));
    storage::RunSpec run{.channel = add_channel(u, meter, channel), .start = at(from), .values = {}};
    for (int i = 0; i < slots; ++i) run.values.emplace_back(i);
    add_run(u, run);
    commit(u);
  }
  // The 11th is missing, or from some day on: 96 slots each.
  void lose_the_11th(int n, const std::string& feed = "radio", const std::string& channel = "lp") {
    send(n, "2026-01-10T05:00:00Z", 96, feed, channel);
    send(n, "2026-01-12T05:00:00Z", 96, feed, channel);
  }
  void compare(UtcInstant now) {
    storage::Gaps gaps(*database);
    for (int i = 0; i < 100; ++i) {
      const auto step = gaps.step({}, now);
      ASSERT_TRUE(step.ok()) << step.error().message;
      if (!step->more) return;
    }
    FAIL() << "never done";
  }
  std::unique_ptr<Life> begin(UtcInstant from = {}) {
    commands::Rules rules;
    rules.expiry = hours{6};
    auto life = std::make_unique<Life>(*database, north, rules, from);
    life->feed.can.backfill = true;
    life->feed.can.demand_reset = false;
    life->far->state = sdk::AttemptState::Succeeded;
    life->attach();
    return life;
  }
  std::string gaps() const {
    std::string out;
    for (const auto& row :
         sql("SELECT m.key, g.state, coalesce(r.tries, 0), g.slots FROM gap g JOIN meter m USING"
             " (meter_id) LEFT JOIN gap_request r USING (gap_id) ORDER BY m.key, g.from_at"))
      out += row[0] + " " + row[1] + " " + row[2] + "/" + row[3] + "; ";
    return out;
  }
  static bool shows(const Collector& c, const std::string& line) {
    return c.metrics.text().find(line + "\n") != std::string::npos;
  }
  int units = 0;
};

TEST_F(BackfillJobTest, AsksAfterItsTimeWithGrowingPausesAndGivesUpAfterTheLastTry) {
  lose_the_11th(1);
  const auto life = begin();
  compare(life->host.clock.now());
  ASSERT_EQ(gaps(), "M1 OPEN 0/96; ");
  Collector job(*database, *life);
  life->advance(minutes{29});
  EXPECT_TRUE(life->far->asked.empty()) << "what comes late has its time";
  life->advance(minutes{3});
  ASSERT_EQ(life->far->asked.size(), 1U);
  EXPECT_EQ(life->far->asked[0].kind, sdk::CommandKind::Backfill);
  EXPECT_EQ(life->far->asked[0].meters, std::vector<std::string>{"B1"});
  EXPECT_EQ(life->far->asked[0].from, at("2026-01-11T05:00:00Z"));
  EXPECT_EQ(life->far->asked[0].to, at("2026-01-12T05:00:00Z"));
  EXPECT_EQ(gaps(), "M1 OPEN 1/96; ");
  EXPECT_TRUE(shows(job, "ami_feed_gaps_asked_total{feed=\"radio\"} 1")) << job.metrics.text();
  life->advance(minutes{7});
  EXPECT_EQ(life->far->asked.size(), 1U);
  life->advance(minutes{5});  // ten after the first
  EXPECT_EQ(life->far->asked.size(), 2U);
  life->advance(minutes{17});
  EXPECT_EQ(life->far->asked.size(), 2U) << "now twenty";
  life->advance(minutes{6});
  EXPECT_EQ(life->far->asked.size(), 3U);
  EXPECT_EQ(gaps(), "M1 OPEN 3/96; ") << "its values still have the time to be stored and compared";
  life->advance(minutes{12});
  EXPECT_EQ(gaps(), "M1 GIVEN_UP 3/96; ");
  EXPECT_TRUE(shows(job, "ami_feed_gaps_given_up_total{feed=\"radio\"} 1")) << job.metrics.text();
  EXPECT_EQ(life->logged("GAPS_GIVEN_UP"), 1U);
  const auto listed = storage::Gaps(*database).list({.utility = north});
  ASSERT_TRUE(listed.ok());
  const storage::GapRow& gap = listed->items.at(0);
  EXPECT_EQ(gap.given_up_by, "ami-gatewayd");
  EXPECT_EQ(gap.given_up_reason, "asked 3 times through feed radio between " +
                                     to_text(life->far->asked[0].at) + " and " +
                                     to_text(life->far->asked[2].at) + ", the far side has nothing");
  EXPECT_EQ(one("SELECT count(*) FROM asset_audit WHERE action = 'give_up_gap' AND actor = 'ami-gatewayd'"),
            "1");
  life->advance(hours{3});
  EXPECT_EQ(life->far->asked.size(), 3U);
  EXPECT_EQ(one("SELECT next_at FROM gap_request"), "infinity") << "nobody looks at it every minute";

  // A person waits for it after all: it is asked for anew.
  ASSERT_TRUE(storage::Gaps(*database).undo_give_up(north, {gap.id}, "cn=ops").ok());
  life->advance(minutes{2});
  EXPECT_EQ(life->far->asked.size(), 4U);
  EXPECT_EQ(gaps(), "M1 OPEN 1/96; ");
}

TEST_F(BackfillJobTest, WhatIsFilledMeanwhileIsAskedNoMore) {
  lose_the_11th(1);
  lose_the_11th(2);
  const auto life = begin();
  life->feed.limits.in_flight = 1;
  life->far->state = sdk::AttemptState::Waiting;
  life->attach();
  compare(life->host.clock.now());
  Collector job(*database, *life);
  // People keep the network busy.
  commands::Request busy = request("r1", {"M3"});
  ASSERT_TRUE(life->submit(busy).ok());
  life->advance(minutes{2});
  life->advance(minutes{2});
  life->advance(minutes{27});
  EXPECT_EQ(gaps(), "M1 REQUESTED 0/96; M2 REQUESTED 0/96; ");
  send(1, "2026-01-11T05:00:00Z", 96, "radio");
  compare(life->host.clock.now());
  EXPECT_EQ(gaps(), "M1 CLOSED 0/96; M2 REQUESTED 0/96; ");
  send(2, "2026-01-11T05:00:00Z", 96, "radio");
  compare(life->host.clock.now());
  life->advance(minutes{3});
  EXPECT_EQ(one("SELECT string_agg(DISTINCT state, ' ') FROM operation_target WHERE kind = 'BACKFILL'"),
            life->far->asked.size() > 1 ? "CANCELLED SENT" : "CANCELLED");
}

TEST_F(BackfillJobTest, WhatWasFilledIsNotLookedAtForEver) {
  lose_the_11th(1);
  const auto life = begin();
  compare(life->host.clock.now());
  Collector job(*database, *life);
  life->advance(minutes{33});
  ASSERT_EQ(life->far->asked.size(), 1U);
  EXPECT_NE(one("SELECT next_at FROM gap_request"), "infinity");
  send(1, "2026-01-11T05:00:00Z", 96, "radio");
  compare(life->host.clock.now());
  ASSERT_EQ(gaps(), "M1 CLOSED 1/96; ");
  life->advance(minutes{15});
  EXPECT_EQ(one("SELECT next_at FROM gap_request"), "infinity");
  EXPECT_EQ(life->far->asked.size(), 1U);
}

TEST_F(BackfillJobTest, ClockThatIsSetBackDoesNotStopIt) {
  lose_the_11th(1);
  const auto life = begin();
  life->clock.ahead = hours{2};
  Collector job(*database, *life);
  life->advance(seconds{1});
  life->clock.ahead = hours{0};
  compare(life->host.clock.now() - hours{3});
  life->advance(minutes{3});
  EXPECT_EQ(life->far->asked.size(), 1U);
}

TEST_F(BackfillJobTest, ChannelsOfAMeterAreOneQuestionAndMetersOfAPeriodOneOperation) {
  for (int n : {1, 2, 3}) {
    lose_the_11th(n);
    lose_the_11th(n, "radio", "lp2");
  }
  const auto life = begin();
  compare(life->host.clock.now());
  Collector job(*database, *life);
  life->advance(minutes{33});
  EXPECT_EQ(one("SELECT count(*) || ' ' || sum(targets) FROM operation"), "1 3");
  EXPECT_EQ(one("SELECT count(*) FROM gap_request WHERE tries = 1"), "6");
  EXPECT_EQ(one("SELECT caller || ' ' || kind FROM operation"), "ami-gatewayd BACKFILL");
}

TEST_F(BackfillJobTest, BooksOfAllMetersAreAskedForOnceADayWhateverEachLost) {
  // Of the 11th 45 minutes, another half an hour, and of a third the day and half of the next one.
  send(1, "2026-01-10T05:00:00Z", 96 + 20, "radio");
  send(1, "2026-01-11T10:45:00Z", 73 + 96, "radio");
  send(2, "2026-01-10T05:00:00Z", 96 + 40, "radio");
  send(2, "2026-01-11T15:30:00Z", 54 + 96, "radio");
  send(3, "2026-01-10T05:00:00Z", 96, "radio");
  send(3, "2026-01-12T17:00:00Z", 48, "radio");
  const auto life = begin();
  life->feed.limits.backfill_targets = 100;
  life->attach();
  compare(at("2026-01-14T12:00:00Z"));
  Collector job(*database, *life);
  job.situation.rules.after = seconds{0};
  life->advance(minutes{3});
  ASSERT_EQ(life->far->asked.size(), 2U);
  const auto& questions = life->far->asked;
  const std::size_t one_day = questions[0].meters.size() == 2 ? 0 : 1;
  EXPECT_EQ(questions[one_day].meters, (std::vector<std::string>{"B1", "B2"}));
  EXPECT_EQ(questions[one_day].from, at("2026-01-11T05:00:00Z"));
  EXPECT_EQ(questions[one_day].to, at("2026-01-12T05:00:00Z"));
  EXPECT_EQ(questions[1 - one_day].meters, std::vector<std::string>{"B3"});
  EXPECT_EQ(questions[1 - one_day].to, at("2026-01-13T05:00:00Z"));
  EXPECT_EQ(one("SELECT count(*) FROM gap_request WHERE tries = 1"), "3");
}

TEST_F(BackfillJobTest, HourOfAFeedHasABudgetAndTheOldestGapGoesFirst) {
  for (int n = 1; n <= 5; ++n) lose_the_11th(n);
  send(5, "2026-01-08T05:00:00Z", 96, "radio");  // and the 9th is missing
  const auto life = begin();
  compare(life->host.clock.now());
  Collector job(*database, *life);
  job.situation.rules.per_hour = 2;
  job.situation.rules.tries = 1;
  life->advance(minutes{33});
  ASSERT_EQ(life->far->asked.size(), 2U);
  EXPECT_EQ(life->far->asked[0].from, at("2026-01-09T05:00:00Z"));
  EXPECT_EQ(life->far->asked[0].meters, std::vector<std::string>{"B5"});
  life->advance(minutes{55});
  EXPECT_EQ(life->far->asked.size(), 2U);
  life->advance(minutes{8});
  EXPECT_EQ(life->far->asked.size(), 4U);
}

TEST_F(BackfillJobTest, FeedThatCannotBeAskedGivesNothingUp) {
  lose_the_11th(1);
  const auto life = begin();
  life->far->state = sdk::AttemptState::Failed;
  life->far->reason = "unreachable";
  compare(life->host.clock.now());
  Collector job(*database, *life);
  job.situation.rules.tries = 1;
  life->advance(hours{2});
  EXPECT_GT(life->far->asked.size(), 10U) << "it tries to leave";
  EXPECT_EQ(gaps(), "M1 REQUESTED 0/96; ");
  life->advance(hours{5});
  EXPECT_NE(gaps().find(" 0/96"), std::string::npos)
      << "the request expired, and counts as no try: " << gaps();
  EXPECT_EQ(one("SELECT count(*) FROM gap WHERE state = 'GIVEN_UP'"), "0");
}

TEST_F(BackfillJobTest, SilenceCountsOnlyWhileTheNetworkAnswersOthers) {
  lose_the_11th(1);
  const auto life = begin();
  life->far->state = sdk::AttemptState::Waiting;  // and never more
  compare(life->host.clock.now());
  Collector job(*database, *life);
  job.situation.rules.tries = 1;
  life->advance(hours{2});
  EXPECT_GE(life->far->asked.size(), 2U);
  EXPECT_NE(gaps().find(" 0/96"), std::string::npos) << gaps();
  EXPECT_NE(one("SELECT words FROM gap_request").find("answered nobody"), std::string::npos);
  life->far->answer = [](const std::string&, sdk::CommandKind kind) {
    sdk::AttemptAnswer answer;
    answer.state = kind == sdk::CommandKind::Read ? sdk::AttemptState::Succeeded : sdk::AttemptState::Waiting;
    return answer;
  };
  for (int i = 0; i < 40; ++i) {
    life->read("r" + std::to_string(i), {"M3"});
    life->advance(minutes{5});
  }
  EXPECT_EQ(gaps(), "M1 GIVEN_UP 1/96; ");
  EXPECT_NE(one("SELECT given_up_reason FROM gap").find("did not answer, and answered others"),
            std::string::npos);
}

TEST_F(BackfillJobTest, FarSidesRefusalIsATryAndItsWordsAreKept) {
  lose_the_11th(1);
  const auto life = begin();
  life->far->answer = [](const std::string&, sdk::CommandKind) {
    sdk::AttemptAnswer answer;
    answer.state = sdk::AttemptState::Failed;
    answer.reason = "rejected";
    answer.words = "no such period";
    return answer;
  };
  compare(life->host.clock.now());
  Collector job(*database, *life);
  job.situation.rules.tries = 1;
  life->advance(minutes{50});
  EXPECT_EQ(gaps(), "M1 GIVEN_UP 1/96; ");
  EXPECT_EQ(one("SELECT given_up_reason FROM gap"), "asked 1 time through feed radio at " +
                                                        to_text(life->far->asked[0].at) +
                                                        ", the far side says rejected: no such period");
}

TEST_F(BackfillJobTest, GapThatGrewIsGivenUpOnlyAsFarAsItWasAskedFor) {
  send(1, "2026-01-10T05:00:00Z", 96, "radio");  // and silence since
  const auto life = begin();
  compare(at("2026-01-14T12:00:00Z"));  // judged: the 11th and 12th
  ASSERT_EQ(gaps(), "M1 OPEN 0/192; ");
  Collector job(*database, *life);
  job.situation.rules.tries = 1;
  life->advance(minutes{2});
  ASSERT_EQ(life->far->asked.size(), 1U);
  compare(at("2026-01-15T12:00:00Z"));  // and the 13th
  ASSERT_EQ(gaps(), "M1 OPEN 1/288; ");
  life->advance(minutes{12});
  EXPECT_EQ(gaps(), "M1 GIVEN_UP 1/192; M1 OPEN 1/96; ") << "the rest is asked for in its turn";
  compare(at("2026-01-15T12:00:00Z"));
  EXPECT_EQ(gaps(), "M1 GIVEN_UP 1/192; M1 OPEN 1/96; ") << "it is what the comparison would say, too";
}

TEST_F(BackfillJobTest, FilesFeedIsAskedForThroughItsFamilysOnlyFeedThatGivesRecordedValues) {
  add_meter(6, "", "");  // its badge is every feed's
  install(6);
  lose_the_11th(6, "files");
  const auto life = begin();
  commands::CommandFeed files = life->feed;
  files.name = "files";
  files.can = {};
  life->engine->attach(files);
  compare(life->host.clock.now());
  Collector job(*database, *life);
  life->advance(minutes{33});
  ASSERT_EQ(life->far->asked.size(), 1U);
  EXPECT_EQ(one("SELECT feed FROM operation_target"), "radio");
}

TEST_F(BackfillJobTest, WhatNobodyCanAskForIsSaidAndHoldsNobodyUp) {
  add_meter(6, "", "elsewhere");  // no name that the network knows
  install(6);
  lose_the_11th(6);
  lose_the_11th(1);
  const auto life = begin();
  compare(life->host.clock.now());
  Collector job(*database, *life);
  life->advance(minutes{33});
  EXPECT_EQ(gaps(), "M1 OPEN 1/96; M6 OPEN 0/96; ");
  EXPECT_NE(one("SELECT r.words FROM gap_request r JOIN gap USING (gap_id) JOIN meter m USING (meter_id) "
                "WHERE m.key ="
                " 'M6'")
                .find("cannot be asked for: meter M6 has no BADGE"),
            std::string::npos);
}

TEST_F(BackfillJobTest, SwitchedOffAsksNothing) {
  lose_the_11th(1);
  const auto life = begin();
  compare(life->host.clock.now());
  Collector job(*database, *life);
  job.situation.on = false;
  life->advance(hours{1});
  EXPECT_TRUE(life->far->asked.empty());
  job.situation.on = true;
  life->feed.can.backfill = false;
  life->attach();
  life->advance(hours{1});
  EXPECT_TRUE(life->far->asked.empty());
  EXPECT_EQ(gaps(), "M1 OPEN 0/96; ");
}

TEST_F(BackfillJobTest, TwoGatewaysAskOnce) {
  for (int n = 1; n <= 5; ++n) lose_the_11th(n);
  const auto one_gateway = begin(), other = begin();
  compare(one_gateway->host.clock.now());
  Collector first(*database, *one_gateway), second(*database, *other);
  for (int i = 0; i < 35; ++i) {  // the second try comes ten minutes after the first, at 30
    one_gateway->advance(minutes{1});
    other->advance(minutes{1});
  }
  EXPECT_EQ(one("SELECT count(*) FROM operation_target"), "5");
  EXPECT_EQ(one_gateway->far->asked.size() + other->far->asked.size(), 5U);
}

TEST_F(BackfillJobTest, ClaimOfAGatewayThatDiedIsCarriedOutOnceByAnother) {
  lose_the_11th(1);
  const auto life = begin();
  const UtcInstant now = life->host.clock.now();
  compare(now);
  storage::Backfills store(*database);
  storage::BackfillRules rules;
  rules.after = seconds{0};
  const auto due = store.due({{north, "radio"}}, rules, now, 10);
  ASSERT_EQ(due->size(), 1U);
  const auto claims = store.claim({{"radio", *due}}, now);
  ASSERT_EQ(claims->size(), 1U);
  EXPECT_TRUE(store.claim({{"radio", *due}}, now)->empty()) << "it is claimed";
  EXPECT_TRUE(store.left_over({"radio"}, now + minutes{4})->empty());
  Collector job(*database, *life);
  life->advance(minutes{4});
  EXPECT_TRUE(life->far->asked.empty());
  life->advance(minutes{3});
  EXPECT_EQ(life->far->asked.size(), 1U);
  EXPECT_EQ(one("SELECT request_id FROM operation"), claims->at(0).request_id);
  EXPECT_EQ(gaps(), "M1 OPEN 1/96; ");
}

TEST_F(BackfillJobTest, RequestThatWasMadeAndNotNotedIsFoundAgainNotMadeTwice) {
  lose_the_11th(1);
  const auto life = begin();
  life->far->state = sdk::AttemptState::Waiting;
  const UtcInstant now = life->host.clock.now();
  compare(now);
  storage::Backfills store(*database);
  storage::BackfillRules rules;
  rules.after = seconds{0};
  const auto claims = store.claim({{"radio", *store.due({{north, "radio"}}, rules, now, 10)}}, now);
  commands::Request made = request(claims->at(0).request_id, {"M1"});
  made.kind = storage::OperationKind::Backfill;
  made.caller = "ami-gatewayd";
  made.purpose = "gaps";
  made.period = claims->at(0).period;
  ASSERT_TRUE(life->submit(made).ok());
  Collector job(*database, *life);
  life->advance(minutes{7});
  EXPECT_EQ(one("SELECT count(*) FROM operation"), "1");
  EXPECT_EQ(one("SELECT (operation_id IS NOT NULL)::text FROM gap_request"), "true");
  EXPECT_EQ(life->far->asked.size(), 1U);
}

TEST_F(BackfillJobTest, DatabaseThatIsAwayIsToldOnceAndTriedAgain) {
  lose_the_11th(1);
  const auto life = begin();
  compare(life->host.clock.now());
  Collector job(*database, *life);
  sql("ALTER TABLE gap_request RENAME TO away");
  life->advance(minutes{40});
  EXPECT_EQ(life->logged("BACKFILL_FAILED"), 1U);
  sql("ALTER TABLE away RENAME TO gap_request");
  life->advance(minutes{3});
  EXPECT_EQ(life->far->asked.size(), 1U);
}

}  // namespace
}  // namespace ami::daemon
