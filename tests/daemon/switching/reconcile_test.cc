// Where switches are meant to be against where they are: raised, kept, and never corrected.
#include "daemon/switching/reconcile.h"

#include <gtest/gtest.h>

#include "storage/memory/switch_findings.h"
#include "tests/daemon/switching/scene.h"
#include "tests/daemon/switching/watch_scene.h"

namespace ami::daemon::switching {
namespace {

using storage::SwitchFinding;
using Kind = storage::SwitchFindingKind;
using std::chrono::days;

const UtcInstant kNow = parse_instant("2026-01-15T12:00:00Z").value();

SwitchOperation operation(SwitchAction action, State state, SwitchId id = 41) {
  SwitchOperation out;
  out.id = id;
  out.asked.utility = 1;
  out.asked.meter_id = 7;
  out.asked.meter = "M7";
  out.asked.usage_point = "UP-7";
  out.asked.action = action;
  out.state = state;
  out.sent_at = kNow;
  out.claimed_at = kNow + seconds{10};
  return out;
}
Standing standing(std::optional<SwitchOperation> asked, const char* told = nullptr, UtcInstant told_at = kNow + hours{1}) {
  Standing out;
  out.meter = {7, "M7", "UP-7"};
  out.asked = std::move(asked);
  if (told != nullptr) out.told = storage::ToldPosition{told, told_at, "EVENT"};
  return out;
}
// "POSITION:OPEN/CLOSED", "unknown", "agrees POSITION", in that order.
std::string said(const Standing& of, Kind kind = Kind::Position) {
  const Compared compared = compare(of);
  std::string out;
  for (const SwitchFinding& finding : compared.differ) {
    EXPECT_FALSE(finding.words.empty());
    if (finding.kind == kind) out += finding.intended + "/" + finding.actual;
  }
  for (const auto& [meter, agreed] : compared.agree)
    if (agreed == kind) out += (out.empty() ? "" : " ") + std::string("agrees");
  if (out.empty() && compared.unknown) return "unknown";
  return out.empty() ? "nothing" : out;
}

TEST(Compare, PositionAgainstWhatWasAskedFor) {
  const auto opened = operation(SwitchAction::Open, State::VerifiedOpen);
  const auto closed = operation(SwitchAction::Close, State::VerifiedClosed);
  const auto armed = operation(SwitchAction::Arm, State::VerifiedArmed);
  EXPECT_EQ(said(standing(opened, "OPEN")), "agrees");
  EXPECT_EQ(said(standing(opened, "CLOSED")), "OPEN/CLOSED");
  EXPECT_EQ(said(standing(opened, "ARMED")), "OPEN/ARMED") << "somebody armed it at the meter";
  EXPECT_EQ(said(standing(closed, "CLOSED")), "agrees");
  EXPECT_EQ(said(standing(closed, "OPEN")), "CLOSED/OPEN");
  EXPECT_EQ(said(standing(closed, "ARMED")), "CLOSED/ARMED") << "armed is not closed";
  EXPECT_EQ(said(standing(armed, "ARMED")), "agrees");
  EXPECT_EQ(said(standing(armed, "CLOSED")), "agrees") << "the customer has pressed the button";
  EXPECT_EQ(said(standing(armed, "OPEN")), "ARMED/OPEN");
}

TEST(Compare, WhatWasMeantCountsWhetherItWasShownOrNot) {
  EXPECT_EQ(said(standing(operation(SwitchAction::Close, State::Uncertain), "OPEN")), "CLOSED/OPEN");
  EXPECT_EQ(said(standing(operation(SwitchAction::Open, State::Contradicted), "CLOSED")), "OPEN/CLOSED");
}

TEST(Compare, OldReportSaysNothing) {
  const auto opened = operation(SwitchAction::Open, State::VerifiedOpen);
  EXPECT_EQ(said(standing(opened, "CLOSED", kNow - seconds{61})), "unknown");
  EXPECT_EQ(said(standing(opened, "CLOSED", kNow - seconds{60})), "OPEN/CLOSED") << "within the device's clock";
  EXPECT_EQ(said(standing(opened)), "unknown");
}

TEST(Compare, MeterThatIsBeingSwitchedIsLeftAlone) {
  for (const State state : {State::Sent, State::Acknowledged, State::Verifying}) {
    const Compared out = compare(standing(operation(SwitchAction::Open, state), "CLOSED"));
    EXPECT_TRUE(out.differ.empty());
    EXPECT_TRUE(out.agree.empty());
    EXPECT_FALSE(out.unknown);
  }
}

TEST(Compare, OpenThatNobodyAskedForIsRaised) {
  EXPECT_EQ(said(standing(std::nullopt, "OPEN"), Kind::NotAsked), "/OPEN");
  EXPECT_EQ(said(standing(std::nullopt, "ARMED"), Kind::NotAsked), "/ARMED");
  EXPECT_EQ(said(standing(std::nullopt, "CLOSED"), Kind::NotAsked), "agrees");
  EXPECT_EQ(said(standing(std::nullopt), Kind::NotAsked), "unknown");
  EXPECT_EQ(said(standing(operation(SwitchAction::Open, State::VerifiedOpen), "OPEN"), Kind::NotAsked), "agrees");
}

TEST(Compare, MeterThatIsElsewhereNowEndsItsFindings) {
  Standing moved = standing(operation(SwitchAction::Open, State::VerifiedOpen), "CLOSED");
  moved.meter.usage_point = "UP-9";
  EXPECT_EQ(said(moved), "agrees");
  moved.meter.usage_point.clear();
  EXPECT_EQ(said(moved), "agrees");
  Standing spare = standing(std::nullopt, "OPEN");
  spare.meter.usage_point.clear();
  EXPECT_EQ(said(spare, Kind::NotAsked), "agrees") << "a spare meter may be open";
}

TEST(Compare, EnergyCountsWhileMeantOpen) {
  Standing opened = standing(operation(SwitchAction::Open, State::VerifiedOpen), "OPEN");
  EXPECT_EQ(said(opened, Kind::EnergyWhileOpen), "nothing") << "nobody looked";
  opened.energy_known = true;
  EXPECT_EQ(said(opened, Kind::EnergyWhileOpen), "agrees");
  opened.energy = EnergySeen{"energy flowed", "INTERVALS", kNow + hours{2}};
  EXPECT_EQ(said(opened, Kind::EnergyWhileOpen), "OPEN/ENERGY");
  EXPECT_EQ(said(standing(operation(SwitchAction::Close, State::VerifiedClosed), "CLOSED"), Kind::EnergyWhileOpen),
            "agrees");
}

TEST(EnergySeen, TellsSourceAndTime) {
  EvidenceMeans means;
  means.interval = minutes{15};
  means.register_step_kwh = Decimal{1, 0};
  const auto opened = operation(SwitchAction::Open, State::VerifiedOpen);
  const UtcInstant quarter = kNow + minutes{15};
  const auto items = energy_items({{quarters(quarter, {"0", "0", "0.3"})}, {}}, kNow, kNow, kNow + days{1});
  const auto seen = energy_seen(opened, means, items);
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->source, "INTERVALS");
  EXPECT_EQ(seen->at, quarter + minutes{30});
  const auto dial = energy_seen(opened, means, {RegisterPair{Decimal{5, 0}, Decimal{9, 0}, quarter, quarter + hours{9}}});
  ASSERT_TRUE(dial);
  EXPECT_EQ(dial->source, "REGISTER");
  EXPECT_EQ(dial->at, quarter + hours{9});
  EXPECT_FALSE(energy_seen(opened, means, energy_items({{quarters(quarter, {"0", "0"})}, {}}, kNow, kNow, kNow + days{1})));
}

class ReconcileTest : public ::testing::Test {
 protected:
  ReconcileTest() {
    site.now_is.means.interval = minutes{15};
    watch.all = {{7, "M7", "UP-7"}, {8, "M8", "UP-8"}, {9, "M9", "UP-9"}};
    watch.asked[7] = operation(SwitchAction::Open, State::VerifiedOpen);
    make();
  }
  void make(std::size_t batch = 2) {
    Reconciliation::Parts parts{watch,
                                findings,
                                energy,
                                site,
                                [this] { return sends; },
                                [] { return Answer<std::vector<std::int32_t>>(std::vector<std::int32_t>{1}); },
                                [this](std::int32_t, const std::vector<MeterId>&) {
                                  return Answer<std::set<MeterId>>(with_switch);
                                },
                                [this] { return now; },
                                [this](const SwitchFinding& finding) { raised.push_back(finding); },
                                [this](const storage::SwitchComparison&) { ++finished; },
                                [this](const std::string&) { ++troubles; }};
    Reconciliation::Settings settings;
    settings.batch = batch;
    reconciliation = std::make_unique<Reconciliation>(std::move(parts), settings);
  }
  std::vector<SwitchFinding> open() { return findings.list({.utility = 1}).value(); }

  FakeWatch watch;
  FakeEnergy energy;
  FakeSite site;
  storage::MemorySwitchFindings findings;
  std::set<MeterId> with_switch{7, 8};
  std::unique_ptr<Reconciliation> reconciliation;
  std::vector<SwitchFinding> raised;
  UtcInstant now = kNow + days{1};
  bool sends = true;
  int finished = 0, troubles = 0;
};

TEST_F(ReconcileTest, RaisesOnceKeepsItAndEndsItWhenItAgrees) {
  watch.told[7] = {{"CLOSED", kNow + hours{2}, "EVENT"}};
  const auto first = reconciliation->run(1);
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(first->compared, 2) << "M9 has no switch";
  EXPECT_EQ(first->unknown, 1) << "M8 tells nothing";
  EXPECT_EQ(first->differences, 1);
  ASSERT_EQ(raised.size(), 1U);
  EXPECT_EQ(raised[0].meter, "M7");
  EXPECT_EQ(raised[0].intended_by, 41);
  now += days{1};
  ASSERT_TRUE(reconciliation->run(1).ok());
  EXPECT_EQ(raised.size(), 1U) << "told once";
  ASSERT_EQ(open().size(), 1U);
  EXPECT_EQ(open()[0].first_seen, now - days{1});
  EXPECT_EQ(open()[0].last_seen, now);
  watch.told[7].push_back({"OPEN", now, "OPERATION"});
  now += days{1};
  EXPECT_EQ(reconciliation->run(1)->differences, 0);
  EXPECT_TRUE(open().empty());
  ASSERT_EQ(findings.list({.utility = 1, .open_only = false})->size(), 1U);
  EXPECT_EQ(findings.list({.utility = 1, .open_only = false})->at(0).ended_at, now);
}

TEST_F(ReconcileTest, WhatNothingTellsOfAnyMoreStays) {
  watch.told[8] = {{"OPEN", now - hours{1}, "EVENT"}};
  ASSERT_TRUE(reconciliation->run(1).ok());
  ASSERT_EQ(open().size(), 1U);
  watch.told.clear();  // its event is older than what is looked through
  ASSERT_TRUE(reconciliation->run(1).ok());
  EXPECT_EQ(open().size(), 1U);
}

TEST_F(ReconcileTest, MeterThatTellsOfASwitchHasOne) {
  watch.told[9] = {{"OPEN", now - hours{1}, "EVENT"}};
  EXPECT_EQ(reconciliation->run(1)->compared, 3);
  ASSERT_EQ(raised.size(), 1U);
  EXPECT_EQ(raised[0].kind, Kind::NotAsked);
}

TEST_F(ReconcileTest, EnergyWhileOpenIsFoundInWhatIsStored) {
  energy.stored[7].channels.push_back(quarters(kNow + minutes{15}, {"0", "0.5"}));
  ASSERT_TRUE(reconciliation->run(1).ok());
  ASSERT_EQ(raised.size(), 1U);
  EXPECT_EQ(raised[0].kind, Kind::EnergyWhileOpen);
  EXPECT_EQ(raised[0].actual_at, kNow + minutes{30});
  // It was put back, and that ends it.
  watch.asked[7] = operation(SwitchAction::Close, State::VerifiedClosed, 42);
  ASSERT_TRUE(reconciliation->run(1).ok());
  EXPECT_TRUE(open().empty());
}

TEST_F(ReconcileTest, TicksOnceADayABatchACall) {
  reconciliation->tick();
  EXPECT_EQ(finished, 0) << "two of three meters";
  reconciliation->tick();
  reconciliation->tick();
  EXPECT_EQ(finished, 1);
  for (int i = 0; i < 10; ++i) reconciliation->tick();
  EXPECT_EQ(finished, 1);
  now += hours{24} - seconds{1};
  for (int i = 0; i < 5; ++i) reconciliation->tick();
  EXPECT_EQ(finished, 1);
  now += seconds{61};
  for (int i = 0; i < 5; ++i) reconciliation->tick();
  EXPECT_EQ(finished, 2);
}

TEST_F(ReconcileTest, RestartKnowsThatItWasDone) {
  ASSERT_TRUE(reconciliation->run(1).ok());
  make();
  now += hours{23};
  for (int i = 0; i < 5; ++i) reconciliation->tick();
  EXPECT_EQ(finished, 1);
}

TEST_F(ReconcileTest, GatewayThatDoesNotSendComparesNothing) {
  sends = false;
  for (int i = 0; i < 5; ++i) reconciliation->tick();
  EXPECT_EQ(finished, 0);
  EXPECT_TRUE(reconciliation->run(1).ok()) << "on demand any gateway may";
}

TEST_F(ReconcileTest, StoreThatIsAwayIsAskedAgainAMinuteLater) {
  watch.away = true;
  reconciliation->tick();
  reconciliation->tick();
  EXPECT_EQ(troubles, 1);
  EXPECT_FALSE(reconciliation->run(1).ok());
  watch.away = false;
  now += seconds{61};
  for (int i = 0; i < 5; ++i) reconciliation->tick();
  EXPECT_EQ(finished, 1);
}

TEST_F(ReconcileTest, ClockThatWasAheadDoesNotPutItOff) {
  ASSERT_TRUE(reconciliation->run(1).ok());
  now -= days{100};
  for (int i = 0; i < 5; ++i) reconciliation->tick();
  EXPECT_EQ(finished, 2);
}

}  // namespace
}  // namespace ami::daemon::switching
