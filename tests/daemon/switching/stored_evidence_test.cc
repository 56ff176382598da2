// Later evidence and the comparison over a real PostgreSQL: values as ingest stores them, the book by role
// ami_switch, values by role ami_ingest.
#include "daemon/switching/stored_evidence.h"

#include "daemon/switching/late_evidence.h"
#include "daemon/switching/reconcile.h"
#include "storage/postgres/switch_findings.h"
#include "storage/postgres/switch_watch.h"
#include "storage/postgres/switching.h"
#include "tests/daemon/switching/scene.h"
#include "tests/storage/postgres/role_logins.h"
#include "tests/storage/postgres/store_fixture.h"

namespace ami::daemon::switching {
namespace {

using storage::at;
using storage::CommitUnit;
using std::chrono::days;
using What = Watcher::What;

constexpr const char* kReceived = "0.0.2.4.19.1.12.0.0.0.0.0.0.0.0.0.72.0";
constexpr const char* kDial = "0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.0.72.0";

class StoredEvidenceTest : public storage::StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    storage::make_logins(conninfo);
    id = meter(north, "M7");
    ASSERT_TRUE(assets->create_usage_point(north, "UP-7", {}).ok());
    storage::InstallRequest install;
    install.utility = north;
    install.meter = "M7";
    install.usage_point = "UP-7";
    install.at = at("2024-01-01T00:00:00Z");
    ASSERT_TRUE(assets->install(install).ok());
    book_login = std::make_unique<storage::Database>(
        storage::DatabaseOptions{.conninfo = storage::as_user(conninfo, "t_switch")});
    value_login = std::make_unique<storage::Database>(
        storage::DatabaseOptions{.conninfo = storage::as_user(conninfo, "t_ingest")});
    book = std::make_unique<storage::PostgresSwitching>(*book_login);
    watch = std::make_unique<storage::PostgresSwitchWatch>(*book_login);
    site.now_is.house = {id, "UP-7", "00994711"};
    site.now_is.capability.open = site.now_is.capability.close = true;
    site.now_is.load_side = LoadSideVoltage::Absent;
    site.now_is.means.reports_device_time = true;
    site.now_is.means.register_step_kwh = Decimal{1, 0};
    site.now_is.means.interval = minutes{15};
    site.now_is.minimum = kIntervals;
    site.now_is.feed = "radio";
    site.now_is.vendor_id = "B7";
    carrier.answer.state = sdk::AttemptState::Succeeded;
    begin("first");
  }
  // A run of a gateway.
  void begin(const std::string& gateway) {
    if (engine) engine->hand_over();
    late.reset();
    Timing timing;
    timing.verify = std::chrono::days{300};
    engine = std::make_unique<Engine>(
        Engine::Parts{*book, site, carrier, policy, watcher, [this] { return wall; }, [this] { return steady; }, gateway},
        timing);
    engine->tick();
    source = std::make_unique<StoredEvidence>(*value_login);
    late = std::make_unique<LateEvidence>(
        LateEvidence::Parts{*engine, *watch, *source, [this] { return wall; }, [this] { return steady; },
                            [](const std::string& why) { ADD_FAILURE() << why; }},
        LateEvidence::Settings{});
    later(hours{0});
  }
  void later(milliseconds span) {
    wall += span;
    steady += span + seconds{31};
    engine->tick();
    late->tick();
  }
  SwitchId claimed(const std::string& request_id, SwitchAction action = SwitchAction::Open) {
    const SwitchId made = submitted(request_id, action);
    EXPECT_EQ(state(made), State::Verifying);
    return made;
  }
  void refused_close() {
    carrier.answer.state = sdk::AttemptState::Failed;
    carrier.answer.reason = "rejected";
    const SwitchId close = submitted("refused", SwitchAction::Close);
    ASSERT_EQ(state(close), State::Failed);
    ASSERT_TRUE(get(close).sent_at);
  }
  SwitchId submitted(const std::string& request_id, SwitchAction action) {
    SwitchRequest asked;
    asked.utility = north;
    asked.meter = "M7";
    asked.usage_point = "UP-7";
    asked.serial_last4 = "4711";
    asked.action = action;
    asked.reason = "TEST";
    asked.order_id = "WO-1";
    asked.caller = "cn=operator";
    asked.request_id = request_id;
    if (action == SwitchAction::Close) asked.attestation = kCustomerPresent;
    engine->tick();
    const auto made = engine->submit(asked);
    EXPECT_TRUE(made.ok()) << (made.ok() ? "" : made.refusal().message);
    return made.ok() ? made->id : 0;
  }
  SwitchOperation get(SwitchId operation) { return book->get(north, operation).value(); }
  State state(SwitchId operation) { return get(operation).state; }

  // Values in Wh, quarter hours.
  void store(const char* start, std::vector<std::optional<std::int64_t>> values, UtcInstant rank = {},
             const char* reading_type = nullptr, const char* quality = nullptr, MeterId whose = 0) {
    CommitUnit one = unit("file-" + std::to_string(++files));
    const std::string key = reading_type == nullptr ? "cmep:KWH" : "cmep:KWHREC";
    const std::uint32_t channel = storage::add_channel(one, whose == 0 ? id : whose, key);
    if (reading_type != nullptr) one.batch.channels[channel].reading_type = reading_type;
    storage::RunSpec run;
    run.channel = channel;
    run.start = at(start);
    run.values = std::move(values);
    run.rank = rank;
    if (quality != nullptr) run.quality = storage::add_quality(one, quality, "");
    storage::add_run(one, run);
    commit(one);
  }
  void store_dial(const char* when, std::int64_t wh) {
    CommitUnit one = unit("dial-" + std::to_string(++files));
    const std::uint32_t channel = storage::add_channel(one, id, "cmep:DIAL");
    one.batch.channels[channel].reading_type = kDial;
    storage::add_register(one, channel, at(when), Decimal{wh, 0});
    commit(one);
  }
  void store_event(const char* when, const std::string& kind, TimeSource clock = TimeSource::Device) {
    CommitUnit one = unit("event-" + std::to_string(++files));
    EventReading event;
    event.meter = id;
    event.at = at(when);
    event.kind = kind;
    event.vendor = "test";
    event.raw_code = std::to_string(files);
    event.time_source = clock;
    one.batch.events.push_back(event);
    commit(one);
  }

  UtcInstant wall = at("2026-01-15T12:00:00Z");
  milliseconds steady{1'000'000};
  MeterId id = 0;
  int files = 0;
  std::unique_ptr<storage::Database> book_login, value_login;
  std::unique_ptr<storage::PostgresSwitching> book;
  std::unique_ptr<storage::PostgresSwitchWatch> watch;
  FakeSite site;
  FakeCarrier carrier;
  FakeWatcher watcher;
  EnginePolicy policy;
  std::unique_ptr<Engine> engine;
  std::unique_ptr<StoredEvidence> source;
  std::unique_ptr<LateEvidence> late;
};

TEST_F(StoredEvidenceTest, FileOfWholeZerosRaisesAnOpenToE3) {
  wall += minutes{7};
  const SwitchId open = claimed("r1");
  later(hours{20});
  store("2026-01-15T11:45:00Z", {250, 120, 0, 0, 0});
  later(seconds{0});
  EXPECT_EQ(state(open), State::VerifiedOpen);
  EXPECT_EQ(get(open).evidence, kIntervals);
  EXPECT_EQ(carrier.left.size(), 1U);
}

TEST_F(StoredEvidenceTest, DayOfTheClockChangeIsTwentyThreeHoursOfZeros) {
  // Toronto, 2026-03-08: 02:00 to 03:00 does not exist; 00:00 is 05:00Z, the next 04:00Z.
  wall = at("2026-03-08T04:59:00Z");
  const SwitchId open = claimed("r1");
  later(hours{30});
  store("2026-03-08T05:00:00Z", std::vector<std::optional<std::int64_t>>(23 * 4, 0));
  later(seconds{0});
  EXPECT_EQ(state(open), State::VerifiedOpen);
  EXPECT_NE(get(open).evidence_words.find("92 intervals in a row are zero"), std::string::npos)
      << get(open).evidence_words;
}

TEST_F(StoredEvidenceTest, MissingSlotsAreNotZero) {
  const SwitchId open = claimed("r1");
  later(hours{20});
  store("2026-01-15T12:15:00Z", {0, std::nullopt, 0, std::nullopt, 0});
  later(seconds{0});
  EXPECT_EQ(state(open), State::Verifying);
  store("2026-01-15T12:30:00Z", {0});
  later(seconds{0});
  EXPECT_EQ(state(open), State::VerifiedOpen) << "the hole was filled: three in a row";
}

TEST_F(StoredEvidenceTest, EstimatedZeroIsNoZero) {
  const SwitchId open = claimed("r1");
  later(hours{20});
  store("2026-01-15T12:15:00Z", {0, 0, 0, 0}, {}, nullptr, "2.8.0");
  later(seconds{0});
  EXPECT_EQ(state(open), State::Verifying);
}

TEST_F(StoredEvidenceTest, RevisionOfWhatCountedAsZeroContradicts) {
  const SwitchId open = claimed("r1");
  later(hours{20});
  store("2026-01-15T12:15:00Z", {0, 0, 0}, at("2026-01-15T20:00:00Z"));
  later(seconds{0});
  ASSERT_EQ(state(open), State::VerifiedOpen);
  later(days{3});
  store("2026-01-15T12:30:00Z", {410}, at("2026-01-18T20:00:00Z"));
  later(seconds{0});
  EXPECT_EQ(state(open), State::Contradicted);
  EXPECT_EQ(get(open).rule, "ENERGY_WHILE_OPEN");
  EXPECT_NE(get(open).words.find("0.410 kWh in the interval from 2026-01-15T12:30:00Z"), std::string::npos)
      << get(open).words;
  EXPECT_EQ(watcher.count(What::SafetyEnergy), 1);
}

TEST_F(StoredEvidenceTest, ValueBeyond32BitsIsExact) {
  const SwitchId open = claimed("r1");
  later(hours{20});
  store("2026-01-15T12:15:00Z", {0, 0, 5'000'000'000'001});
  later(seconds{0});
  EXPECT_EQ(state(open), State::Contradicted);
  EXPECT_NE(get(open).words.find("5000000000.001 kWh"), std::string::npos) << get(open).words;
}

TEST_F(StoredEvidenceTest, EnergyIntoTheGridIsEnergyThroughTheSwitch) {
  const SwitchId open = claimed("r1");
  later(hours{20});
  store("2026-01-15T12:15:00Z", {0, 0, 0, 0}, {}, kReceived);
  later(seconds{0});
  EXPECT_EQ(state(open), State::Verifying) << "no energy received is what most houses have";
  store("2026-01-15T12:15:00Z", {0, 0, 0, 0});
  later(seconds{0});
  ASSERT_EQ(state(open), State::VerifiedOpen);
  store("2026-01-15T13:15:00Z", {300}, {}, kReceived);
  later(seconds{0});
  EXPECT_EQ(state(open), State::Contradicted);
}

TEST_F(StoredEvidenceTest, RegisterThatStandsStillIsE2) {
  site.now_is.means.interval.reset();
  site.now_is.minimum = kRegister;
  const SwitchId open = claimed("r1");
  later(hours{30});
  store_dial("2026-01-15T12:30:00Z", 1'234'000);
  store_dial("2026-01-16T08:29:59Z", 1'234'000);
  later(seconds{0});
  EXPECT_EQ(state(open), State::Verifying) << "one second short of 20 h";
  store_dial("2026-01-16T08:30:00Z", 1'234'000);
  later(seconds{0});
  EXPECT_EQ(state(open), State::VerifiedOpen);
  EXPECT_EQ(get(open).evidence, kRegister);
  store_dial("2026-01-16T17:00:00Z", 1'236'000);
  later(seconds{0});
  EXPECT_EQ(state(open), State::Contradicted);
  EXPECT_EQ(watcher.count(What::SafetyEnergy), 1);
}

TEST_F(StoredEvidenceTest, EventWithTheDevicesTimeIsE1AndOneDatedByReceiptIsNothing) {
  site.now_is.minimum = kReported;
  const SwitchId open = claimed("r1");
  store_event("2026-01-15T12:00:05Z", "SWITCH_OPENED", TimeSource::Receipt);
  later(minutes{1});
  EXPECT_EQ(state(open), State::Verifying);
  store_event("2026-01-15T12:00:06Z", "SWITCH_OPENED");
  later(minutes{1});
  EXPECT_EQ(state(open), State::VerifiedOpen);
  EXPECT_EQ(get(open).position, "OPEN");
  store_event("2026-01-15T18:00:00Z", "SWITCH_CLOSED");
  later(hours{10});
  EXPECT_EQ(state(open), State::Contradicted) << "somebody closed it at the meter";
  EXPECT_EQ(watcher.count(What::SafetyEnergy), 0);
}

TEST_F(StoredEvidenceTest, FileOfBetweenOpenAndCloseContradictsTheOpen) {
  site.now_is.minimum = kReported;
  const SwitchId open = claimed("r1");
  store_event("2026-01-15T12:00:06Z", "SWITCH_OPENED");
  later(minutes{1});
  ASSERT_EQ(state(open), State::VerifiedOpen);
  later(hours{6});
  const SwitchId close = claimed("r2", SwitchAction::Close);
  store_event("2026-01-15T18:01:10Z", "SWITCH_CLOSED");
  later(hours{12});
  ASSERT_EQ(state(close), State::VerifiedClosed);
  ASSERT_EQ(state(open), State::VerifiedOpen) << "the close is none of its evidence";
  std::vector<std::optional<std::int64_t>> day(20, 0);
  day[8] = 700;
  store("2026-01-15T12:15:00Z", day);
  later(seconds{0});
  EXPECT_EQ(state(open), State::Contradicted);
  EXPECT_EQ(watcher.count(What::SafetyEnergy), 1);
  EXPECT_EQ(state(close), State::VerifiedClosed);
}

// A meter that refused to close may do so by itself later: that is through the switch that was opened.
TEST_F(StoredEvidenceTest, EnergyBehindACloseThatFailedContradictsTheOpen) {
  site.now_is.minimum = kReported;
  const SwitchId open = claimed("r1");
  store_event("2026-01-15T12:00:06Z", "SWITCH_OPENED");
  later(minutes{1});
  ASSERT_EQ(state(open), State::VerifiedOpen);
  later(hours{1});
  refused_close();
  later(days{40});  // longer than an ended operation is looked after
  ASSERT_EQ(state(open), State::VerifiedOpen);
  store("2026-02-20T12:00:00Z", {0, 700, 700});
  later(seconds{0});
  EXPECT_EQ(state(open), State::Contradicted);
  EXPECT_EQ(get(open).rule, "ENERGY_WHILE_OPEN");
  EXPECT_EQ(watcher.count(What::SafetyEnergy), 1);
}

TEST_F(StoredEvidenceTest, PositionBehindACloseThatFailedContradictsTheOpen) {
  site.now_is.minimum = kReported;
  const SwitchId open = claimed("r1");
  store_event("2026-01-15T12:00:06Z", "SWITCH_OPENED");
  later(minutes{1});
  ASSERT_EQ(state(open), State::VerifiedOpen);
  later(hours{1});
  refused_close();
  store_event("2026-01-15T15:00:00Z", "SWITCH_CLOSED");
  later(hours{6});
  EXPECT_EQ(state(open), State::Contradicted);
}

TEST_F(StoredEvidenceTest, ExchangedMetersEnergyIsNotTheOldOnes) {
  const SwitchId open = claimed("r1");
  const MeterId other = meter(north, "M8");
  storage::ExchangeRequest exchange;
  exchange.utility = north;
  exchange.usage_point = "UP-7";
  exchange.new_meter = "M8";
  exchange.at = at("2026-01-15T12:20:00Z");
  ASSERT_TRUE(assets->exchange(exchange).ok());
  later(hours{20});
  store("2026-01-15T12:30:00Z", {900, 900}, {}, nullptr, nullptr, other);
  store("2026-01-15T12:30:00Z", {0, 0, 0});  // the old one, on a bench
  later(seconds{0});
  EXPECT_EQ(state(open), State::Verifying);
  EXPECT_EQ(get(open).evidence, kAcknowledged);
}

TEST_F(StoredEvidenceTest, WhatCameWhileNoGatewayRanIsSeenAfterwards) {
  const SwitchId open = claimed("r1");
  later(hours{1});
  store("2026-01-15T12:15:00Z", {0, 0, 0});
  wall += hours{20};
  begin("second");
  EXPECT_EQ(state(open), State::VerifiedOpen);
}

TEST_F(StoredEvidenceTest, ManyOtherMetersChangesCostNoLook) {
  claimed("r1");
  later(hours{1});
  const auto before = late->looks();
  for (int i = 0; i < 5; ++i) {
    const MeterId other = meter(north, "N" + std::to_string(i));
    store("2026-01-15T12:15:00Z", {5, 5, 5}, {}, nullptr, nullptr, other);
  }
  later(hours{1});
  EXPECT_EQ(late->looks(), before);
  store("2026-01-15T12:15:00Z", {0});
  later(seconds{0});
  EXPECT_EQ(late->looks(), before + 1);
  later(seconds{0});
  EXPECT_EQ(late->looks(), before + 1) << "a change is told once";
}

TEST_F(StoredEvidenceTest, QuestionsGoByIndex) {
  claimed("r1");
  store_event("2026-01-15T12:00:05Z", "SWITCH_OPENED");
  const auto plan = [&](const std::string& question) {
    std::string out;
    for (const auto& row : sql("SET enable_seqscan = off; EXPLAIN " + question)) out += row.at(0) + "\n";
    return out;
  };
  const auto with = [](std::string text, const std::string& one, const std::string& two) {
    for (std::size_t at = 0; (at = text.find("$1", at)) != std::string::npos;) text.replace(at, 2, one);
    for (std::size_t at = 0; (at = text.find("$2", at)) != std::string::npos;) text.replace(at, 2, two);
    return text;
  };
  const std::string times = "(ARRAY['2026-01-15Z', '2026-01-16Z']::timestamptz[])";
  const std::string of_meter = plan(with(storage::PostgresSwitchWatch::events_of_meter(), "7", times));
  EXPECT_NE(of_meter.find("Index Cond: ((meter_id"), std::string::npos) << of_meter;
  EXPECT_EQ(of_meter.find("event_2026_02"), std::string::npos) << "other months are left out";
  const std::string newest = plan(with(storage::PostgresSwitchWatch::newest_events(), "(ARRAY[7, 8]::bigint[])", times));
  EXPECT_NE(newest.find("Index Cond: ((meter_id"), std::string::npos) << newest;
  const std::string watched = plan("SELECT * FROM switch_operation o WHERE " +
                                   with(storage::PostgresSwitchWatch::watched_condition(), times, ""));
  EXPECT_NE(watched.find("switch_operation_unsettled"), std::string::npos) << watched;
  EXPECT_NE(watched.find("switch_operation_settled"), std::string::npos) << watched;
}

TEST_F(StoredEvidenceTest, ComparesEveryMeterAndKeepsWhatDiffers) {
  site.now_is.minimum = kReported;
  const SwitchId open = claimed("r1");
  store_event("2026-01-15T12:00:06Z", "SWITCH_OPENED");
  later(minutes{1});
  ASSERT_EQ(state(open), State::VerifiedOpen);
  meter(north, "M9");  // no switch that anybody knows of
  storage::PostgresSwitchFindings findings(*book_login);
  StoredEvidence values(*value_login);
  std::vector<storage::SwitchFinding> raised;
  Reconciliation reconciliation(
      {*watch, findings, values, site, [] { return true; },
       [this] { return Answer<std::vector<std::int32_t>>(std::vector<std::int32_t>{north}); },
       [](std::int32_t, const std::vector<MeterId>&) { return Answer<std::set<MeterId>>(std::set<MeterId>{}); },
       [this] { return wall; }, [&](const storage::SwitchFinding& finding) { raised.push_back(finding); },
       [](const storage::SwitchComparison&) {}, [](const std::string& why) { ADD_FAILURE() << why; }},
      {.batch = 1});
  const auto fine = reconciliation.run(north);
  ASSERT_TRUE(fine.ok()) << fine.refusal().message;
  EXPECT_EQ(fine->compared, 1);
  EXPECT_EQ(fine->unknown, 0);
  EXPECT_EQ(fine->differences, 0);
  // Closed at the meter, and energy flows: the comparison finds both, whoever looked before.
  store_event("2026-01-15T18:00:00Z", "SWITCH_CLOSED");
  store("2026-01-15T18:15:00Z", {333, 333});
  wall += hours{24};
  const auto found = reconciliation.run(north);
  ASSERT_TRUE(found.ok()) << found.refusal().message;
  EXPECT_EQ(found->differences, 2);
  ASSERT_EQ(raised.size(), 2U);
  EXPECT_EQ(raised[0].kind, storage::SwitchFindingKind::Position);
  EXPECT_EQ(raised[0].intended, "OPEN");
  EXPECT_EQ(raised[0].actual, "CLOSED");
  EXPECT_EQ(raised[0].actual_at, at("2026-01-15T18:00:00Z"));
  EXPECT_EQ(raised[1].kind, storage::SwitchFindingKind::EnergyWhileOpen);
  EXPECT_EQ(raised[1].actual_at, at("2026-01-15T18:15:00Z"));
  EXPECT_EQ(carrier.left.size(), 1U) << "nothing was sent because of it";
  EXPECT_EQ(findings.list({.utility = north})->size(), 2U);
}

TEST_F(StoredEvidenceTest, NewestPositionIsTheOneOfTheNewestTimeWhoeverToldIt) {
  site.now_is.minimum = kReported;
  claimed("r1");
  store_event("2026-01-15T12:00:06Z", "SWITCH_OPENED");
  later(minutes{1});
  const auto told = watch->newest_told({id}, at("2025-01-01T00:00:00Z"));
  ASSERT_TRUE(told.ok()) << told.refusal().message;
  ASSERT_TRUE(told->contains(id));
  EXPECT_EQ(told->at(id).position, "OPEN");
  EXPECT_EQ(told->at(id).at, at("2026-01-15T12:00:06Z")) << "the device's time, in the audit, too";
}

// What a far side answers without the device's time may be a week old; what a person saw, is so.
TEST_F(StoredEvidenceTest, PositionWithoutATimeCountsOnlyOfAPerson) {
  carrier.answer.state = sdk::AttemptState::Waiting;
  const SwitchId open = submitted("r1", SwitchAction::Open);
  later(days{1});
  ASSERT_EQ(state(open), State::Uncertain);
  sdk::AttemptAnswer undated;
  undated.state = sdk::AttemptState::Unknown;
  undated.position = SwitchPosition::Open;
  ASSERT_TRUE(engine->reported(get(open).transaction, undated).ok());
  const auto lines = book->audit(open);
  ASSERT_TRUE(lines.ok());
  EXPECT_EQ(lines->back().note.facts, "position=OPEN\n");
  EXPECT_TRUE(watch->newest_told({id}, at("2025-01-01T00:00:00Z"))->empty());
  ASSERT_TRUE(engine->resolve(north, open, {SwitchPosition::Closed, "crew 4", "pat"}).ok());
  const auto told = watch->newest_told({id}, at("2025-01-01T00:00:00Z"));
  ASSERT_TRUE(told->contains(id));
  EXPECT_EQ(told->at(id).position, "CLOSED");
  EXPECT_EQ(told->at(id).source, "OPERATION");
  EXPECT_EQ(told->at(id).at, wall);
}

}  // namespace
}  // namespace ami::daemon::switching
