// What comes later raises an operation by itself, or shows that it was not so.
#include "daemon/switching/late_evidence.h"

#include "tests/daemon/switching/scene.h"
#include "tests/daemon/switching/watch_scene.h"

namespace ami::daemon::switching {
namespace {

using std::chrono::days;
using What = Watcher::What;

class LateEvidenceTest : public SwitchingTest {
 protected:
  LateEvidenceTest() {
    timing.verify = hours{1};
    timing.unresolved = hours{1000};
    timing.incident = hours{2000};
    restart("first run");
    watch.watching = [this] {
      std::vector<storage::WatchedSwitch> out;
      for (const SwitchId id : watched) out.push_back({get(id), until.contains(id) ? std::optional(until[id]) : std::nullopt});
      return out;
    };
    begin();
  }
  void begin() {
    late = std::make_unique<LateEvidence>(
        LateEvidence::Parts{*engine, watch, source, [this] { return wall; }, [this] { return steady; },
                            [this](const std::string&) { ++troubles; }},
        LateEvidence::Settings{.every = seconds{30}, .looks = looks});
  }
  // An operation that the far side says is done, `minimum` of evidence wanted.
  SwitchId claimed(const std::string& request_id, SwitchAction action = SwitchAction::Open, int minimum = kIntervals) {
    site.now_is.minimum = minimum;
    carrier.answer = says(sdk::AttemptState::Succeeded);
    engine->tick();
    const SwitchOperation made = submit(request(request_id, action));
    EXPECT_EQ(get(made.id).state, State::Verifying);
    watched.push_back(made.id);
    return made.id;
  }
  void later(milliseconds span) {
    engine->tick();
    pass(span);
    engine->tick();
    late->tick();
  }
  // The first quarter hour that begins after now.
  UtcInstant next_quarter() const {
    return UtcInstant{std::chrono::ceil<minutes>(wall.time_since_epoch())} + minutes{15};
  }

  FakeEnergy source;
  FakeWatch watch;
  std::vector<SwitchId> watched;
  std::map<SwitchId, UtcInstant> until;
  std::unique_ptr<LateEvidence> late;
  int troubles = 0;
  std::size_t looks = 50;
};

TEST_F(LateEvidenceTest, TomorrowsFileRaisesAnOpenThatIsUncertain) {
  const SwitchId id = claimed("r1");
  const UtcInstant first = next_quarter();
  later(seconds{31});
  later(hours{2});
  ASSERT_EQ(state(id), State::Uncertain);
  pass(hours{20});
  source.arrives(7, quarters(first, {"0", "0", "0", "0"}));
  later(seconds{31});
  EXPECT_EQ(state(id), State::VerifiedOpen);
  EXPECT_EQ(get(id).evidence, kIntervals);
  EXPECT_NE(get(id).evidence_words.find("4 intervals in a row are zero"), std::string::npos);
  EXPECT_EQ(carrier.left.size(), 1U) << "nothing is sent";
}

TEST_F(LateEvidenceTest, MissingIntervalsAreNotZero) {
  const SwitchId id = claimed("r1");
  source.arrives(7, quarters(next_quarter(), {"0", "-", "0", "-", "0"}));
  later(minutes{20});
  EXPECT_EQ(state(id), State::Verifying);
  EXPECT_EQ(get(id).evidence, kAcknowledged);
}

TEST_F(LateEvidenceTest, CorrectionToEnergyContradictsWhatCountedAsZero) {
  const SwitchId id = claimed("r1");
  const UtcInstant first = next_quarter();
  source.arrives(7, quarters(first, {"0", "0", "0"}));
  later(minutes{50});
  ASSERT_EQ(state(id), State::VerifiedOpen);
  EXPECT_EQ(watcher.count(What::SafetyEnergy), 0);
  pass(days{3});
  source.arrives(7, quarters(first + minutes{15}, {"0.25"}));
  later(seconds{31});
  EXPECT_EQ(state(id), State::Contradicted);
  EXPECT_EQ(get(id).rule, "ENERGY_WHILE_OPEN");
  EXPECT_EQ(watcher.count(What::SafetyEnergy), 1);
  EXPECT_EQ(watcher.count(What::Contradicted), 1);
}

TEST_F(LateEvidenceTest, EnergyWhileOpenIsToldDaysLater) {
  const SwitchId id = claimed("r1", SwitchAction::Open, kReported);
  watch.told[7] = {{"OPEN", wall + seconds{1}, "EVENT"}};
  later(seconds{31});
  ASSERT_EQ(state(id), State::VerifiedOpen) << "by the position that its event told";
  pass(days{20});
  source.arrives(7, quarters(next_quarter() - days{1}, {"0", "0.5"}));
  later(seconds{31});
  EXPECT_EQ(state(id), State::Contradicted);
  EXPECT_EQ(watcher.count(What::SafetyEnergy), 1);
}

// The customer was put back, and the file of the time before comes only then.
TEST_F(LateEvidenceTest, FileOfBetweenAnOpenAndItsCloseStillCounts) {
  const SwitchId open = claimed("r1", SwitchAction::Open, kReported);
  watch.told[7] = {{"OPEN", wall + seconds{1}, "EVENT"}};
  const UtcInstant first = next_quarter();
  later(seconds{31});
  ASSERT_EQ(state(open), State::VerifiedOpen);
  pass(hours{5});
  until[open] = wall;
  const SwitchId close = claimed("r2", SwitchAction::Close);
  source.arrives(7, quarters(first, {"0", "0", "0", "0.5"}));
  later(seconds{31});
  EXPECT_EQ(state(open), State::Contradicted);
  EXPECT_EQ(watcher.count(What::SafetyEnergy), 1);
  EXPECT_EQ(state(close), State::Verifying) << "what was before it tells nothing of it";
}

TEST_F(LateEvidenceTest, EnergyAfterTheCloseIsNoneOfTheOpens) {
  const SwitchId open = claimed("r1", SwitchAction::Open, kReported);
  watch.told[7] = {{"OPEN", wall + seconds{1}, "EVENT"}};
  later(seconds{31});
  pass(hours{5});
  until[open] = wall;
  const SwitchId close = claimed("r2", SwitchAction::Close);
  source.arrives(7, quarters(next_quarter(), {"0.5", "0.5"}));
  // By a clock that runs a little behind ours, it closed before it was told to.
  watch.told[7].push_back({"CLOSED", until[open] - seconds{30}, "EVENT"});
  later(minutes{50});
  EXPECT_EQ(state(open), State::VerifiedOpen);
  EXPECT_EQ(state(close), State::VerifiedClosed);
  EXPECT_EQ(get(close).evidence, kIntervals);
}

TEST_F(LateEvidenceTest, MeterThatWasTakenOutTellsNothingOfItsPlaceAnyMore) {
  const SwitchId id = claimed("r1");
  until[id] = wall + minutes{10};
  source.arrives(7, quarters(next_quarter(), {"0", "0", "0"}));
  later(minutes{50});
  EXPECT_EQ(state(id), State::Verifying) << "on a shelf every meter is zero";
}

TEST_F(LateEvidenceTest, ClockThatIsAMinuteAheadDatesNothingIntoTheOpenSwitch) {
  const SwitchId id = claimed("r1");
  const UtcInstant done = *get(id).claimed_at;
  source.arrives(7, quarters(done + seconds{59}, {"0.8"}));
  later(minutes{50});
  EXPECT_EQ(state(id), State::Verifying);
  source.arrives(7, quarters(done + seconds{60}, {"0.8"}));
  later(seconds{31});
  EXPECT_EQ(state(id), State::Contradicted);
}

TEST_F(LateEvidenceTest, AnotherMetersEnergyIsNotItsOwn) {
  const SwitchId id = claimed("r1");
  source.arrives(8, quarters(next_quarter(), {"5", "5"}));
  later(minutes{50});
  EXPECT_EQ(state(id), State::Verifying);
}

TEST_F(LateEvidenceTest, CloseRisesFromReportedToIntervals) {
  const SwitchId id = claimed("r1", SwitchAction::Close, kReported);
  watch.told[7] = {{"CLOSED", wall + seconds{1}, "EVENT"}};
  const UtcInstant first = next_quarter();
  later(seconds{31});
  ASSERT_EQ(state(id), State::VerifiedClosed);
  ASSERT_EQ(get(id).evidence, kReported);
  source.arrives(7, quarters(first, {"0", "0.031"}));
  later(minutes{50});
  EXPECT_EQ(state(id), State::VerifiedClosed);
  EXPECT_EQ(get(id).evidence, kIntervals);
}

TEST_F(LateEvidenceTest, NothingNewAsksForNoEnergy) {
  claimed("r1");
  later(seconds{31});
  const int before = source.asked;
  for (int i = 0; i < 20; ++i) later(seconds{31});
  EXPECT_EQ(source.asked, before);
  source.arrives(7, quarters(next_quarter(), {"0", "0"}));
  later(seconds{31});
  EXPECT_EQ(source.asked, before + 1);
}

TEST_F(LateEvidenceTest, WhatCameWhileItMightStillActIsLookedAtAgainWhenItCounts) {
  carrier.answer = says(sdk::AttemptState::Waiting);
  site.now_is.minimum = kIntervals;
  const SwitchId id = open("r1").id;
  watched.push_back(id);
  later(seconds{31});
  // Its flight ends by the steady clock; the file has come before this gateway saw the end.
  source.arrives(7, quarters(wall + minutes{15}, {"0", "0", "0"}));
  later(seconds{31});
  ASSERT_EQ(state(id), State::Acknowledged);
  later(hours{2});
  EXPECT_EQ(state(id), State::VerifiedOpen);
}

TEST_F(LateEvidenceTest, RestartLooksAtEverythingOnce) {
  const SwitchId id = claimed("r1");
  later(seconds{31});
  source.arrives(7, quarters(next_quarter(), {"0", "0", "0"}));
  source.changed.clear();  // told while no gateway ran
  source.known.clear();
  restart("second");
  begin();
  later(hours{1});
  EXPECT_EQ(get(id).evidence, kIntervals);
}

// The feed was renewed after a restore: what it would have told is gone.
TEST_F(LateEvidenceTest, FeedThatBeginsAnewMakesItLookAtEverything) {
  const SwitchId id = claimed("r1");
  later(seconds{31});
  source.arrives(7, quarters(next_quarter(), {"0", "0", "0"}));
  source.changed.clear();
  later(minutes{45});
  ASSERT_EQ(state(id), State::Verifying);
  source.known.clear();
  later(seconds{31});
  EXPECT_EQ(state(id), State::VerifiedOpen);
}

TEST_F(LateEvidenceTest, StoreThatIsAwayIsAskedAgain) {
  const SwitchId id = claimed("r1");
  later(seconds{31});
  source.arrives(7, quarters(next_quarter(), {"0", "0", "0"}));
  watch.away = true;
  later(seconds{31});
  watch.away = false;
  source.away = true;
  later(seconds{31});
  EXPECT_GE(troubles, 2);
  source.away = false;
  later(minutes{45});
  EXPECT_EQ(state(id), State::VerifiedOpen);
}

// The book fails between the feed's word and the engine: what was learnt is told again.
TEST_F(LateEvidenceTest, WhatTheBookCouldNotTakeIsToldAgain) {
  const SwitchId id = claimed("r1");
  later(seconds{31});
  source.arrives(7, quarters(next_quarter(), {"0", "0", "0"}));
  store.fails = [] { return FlakyStore::Fails::Before; };
  later(minutes{45});
  EXPECT_EQ(state(id), State::Verifying);
  store.fails = [] { return FlakyStore::Fails::No; };
  later(seconds{31});
  EXPECT_EQ(state(id), State::VerifiedOpen);
}

TEST_F(LateEvidenceTest, GatewayThatDoesNotSendLooksAtNothing) {
  claimed("r1");
  engine = make("loser");  // has not the lease
  begin();
  pass(seconds{31});
  late->tick();
  EXPECT_EQ(source.asked, 0);
}

TEST_F(LateEvidenceTest, RoundIsBounded) {
  looks = 1;
  begin();
  const SwitchId first = claimed("r1", SwitchAction::Open, kReported);
  watch.told[7] = {{"OPEN", wall + seconds{1}, "EVENT"}};
  later(seconds{31});
  ASSERT_EQ(state(first), State::VerifiedOpen);
  until[first] = wall + hours{1};
  pass(hours{1});
  claimed("r2", SwitchAction::Close);
  later(seconds{31});
  EXPECT_EQ(late->waiting(), 1U);
  later(seconds{2});
  EXPECT_EQ(late->waiting(), 0U) << "the rest follows without the whole pause";
}

// One whose values can never be read stands in nobody's way.
TEST_F(LateEvidenceTest, LookThatAlwaysFailsHoldsUpNoOther) {
  looks = 1;
  begin();
  const SwitchId first = claimed("r1", SwitchAction::Open, kReported);
  watch.told[7] = {{"OPEN", wall + seconds{1}, "EVENT"}};
  later(seconds{31});
  ASSERT_EQ(state(first), State::VerifiedOpen);
  until[first] = wall + hours{1};
  source.fails_since = {energy_since(get(first))};
  pass(hours{1});
  const SwitchId second = claimed("r2", SwitchAction::Close);
  source.arrives(7, quarters(next_quarter(), {"0.5"}));
  for (int i = 0; i < 3; ++i) later(minutes{15});
  EXPECT_GE(troubles, 1);
  EXPECT_EQ(late->waiting(), 1U);
  EXPECT_EQ(state(second), State::VerifiedClosed);
  source.fails_since.clear();
  later(minutes{1});
  EXPECT_EQ(late->waiting(), 0U) << "it is tried again";
}

// By hand: 2 x 1 kWh at 10 W = 200 h of zeros, which is 8 days of files and 8 h of the next.
TEST_F(LateEvidenceTest, ZerosOfManyFilesMakeOneRow) {
  site.now_is.means.interval_step_kwh = Decimal{1, 0};
  site.now_is.means.minimum_load_w = Decimal{10, 0};
  const SwitchId id = claimed("r1");
  const UtcInstant first = next_quarter();
  for (int day = 0; day < 8; ++day) {
    source.arrives(7, quarters(first + days{day}, std::vector<const char*>(96, "0")));
    later(days{1});
    EXPECT_EQ(state(id), State::Uncertain) << "day " << day;
  }
  source.arrives(7, quarters(first + days{8}, std::vector<const char*>(96, "0")));
  later(days{1});
  EXPECT_EQ(state(id), State::VerifiedOpen);
}

TEST_F(LateEvidenceTest, StartReadsAVerifiedOpenNoFurtherBackThanAnOperationIsLookedAfter) {
  const SwitchId id = claimed("r1");
  source.arrives(7, quarters(next_quarter(), {"0", "0", "0", "0"}));
  later(hours{1});
  ASSERT_EQ(state(id), State::VerifiedOpen);
  pass(days{200});
  restart("second");
  begin();
  later(seconds{31});
  ASSERT_TRUE(source.asked_from);
  EXPECT_EQ(*source.asked_from, wall - days{35});
  source.arrives(7, quarters(wall - days{34}, {"0.5"}));
  source.known.clear();  // told to nobody
  source.changed.clear();
  later(seconds{31});
  EXPECT_EQ(state(id), State::Contradicted);
}

TEST_F(LateEvidenceTest, StartReadsWhatIsNotVerifiedFromItsBeginning) {
  const SwitchId id = claimed("r1");
  const UtcInstant since = energy_since(get(id));
  later(hours{2});
  pass(days{20});
  ASSERT_EQ(state(id), State::Uncertain);
  restart("second");
  begin();
  later(seconds{31});
  EXPECT_EQ(source.asked_from, since);
}

TEST_F(LateEvidenceTest, TruckRollIsTakenOffByWhoeverWasThere) {
  site.now_is.load_side = LoadSideVoltage::Unreadable;
  const SwitchOperation refused = submit(request("r1", SwitchAction::Close));
  ASSERT_EQ(refused.state, State::Rejected);
  ASSERT_TRUE(refused.truck_roll);
  const storage::SwitchQuery query{.utility = 1, .truck_roll_only = true};
  ASSERT_EQ(memory.list(query)->size(), 1U);
  EXPECT_EQ(engine->resolve(1, refused.id, {SwitchPosition::Closed, "", "pat"}).refusal().field, "reference");
  const auto resolved = engine->resolve(1, refused.id, {SwitchPosition::Closed, "crew 4", "pat"});
  ASSERT_TRUE(resolved.ok());
  EXPECT_EQ(resolved->state, State::Rejected) << "it never left";
  EXPECT_EQ(resolved->resolved_by, "pat");
  EXPECT_TRUE(memory.list(query)->empty());
  EXPECT_EQ(story(refused.id), "REQUEST POLICY_REFUSED TRUCK_ROLL_DONE");
  // Twice says the same.
  EXPECT_EQ(engine->resolve(1, refused.id, {SwitchPosition::Closed, "crew 5", "kim"})->resolved_by, "pat");
}

TEST_F(LateEvidenceTest, TruckRollIsDoneWhenALaterCloseIsVerified) {
  site.now_is.load_side = LoadSideVoltage::Unreadable;
  ASSERT_TRUE(submit(request("r1", SwitchAction::Close)).truck_roll);
  site.now_is.load_side = LoadSideVoltage::Absent;
  const SwitchId close = claimed("r2", SwitchAction::Close);
  const storage::SwitchQuery query{.utility = 1, .truck_roll_only = true};
  EXPECT_EQ(memory.list(query)->size(), 1U) << "nobody has shown that it is closed";
  source.arrives(7, quarters(next_quarter(), {"0.5"}));
  later(minutes{45});
  ASSERT_EQ(state(close), State::VerifiedClosed);
  EXPECT_TRUE(memory.list(query)->empty());
}

}  // namespace
}  // namespace ami::daemon::switching
