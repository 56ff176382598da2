#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <set>

#include "tests/daemon/rpc/change_scene.h"
#include "tests/support/pg_cluster.h"

namespace ami::rpc {
namespace {

using testing::reason_of;
using testing::text_of;
using Lines = std::vector<std::string>;

class ChangeStreamTest : public testing::ChangeScene {
 protected:
  using ChangeScene::ChangeScene;
  // The change of that channel and kind of content among them.
  static const v1::Change& of(const std::vector<v1::Change>& changes, const std::string& channel,
                              const std::string& first) {
    for (const v1::Change& change : changes) {
      if (change.channel() != channel) continue;
      for (const auto& run : change.intervals())
        if (text_of(run.first_start()) == first) return change;
      for (const auto& value : change.registers())
        if (text_of(value.time()) == first) return change;
    }
    ADD_FAILURE() << channel << " " << first << " is not among them";
    static const v1::Change none;
    return none;
  }
};

TEST_F(ChangeStreamTest, NewThenCorrectedThenGoesOnWhereItWasAcknowledged) {
  v1::StreamChangesRequest billing = request();
  billing.set_subscriber("billing");
  auto follower = follow(billing);
  const auto stored = follower->caught_up();
  ASSERT_EQ(stored.size(), 9U) << "2 days of lp:1, 1 of lp:2, 4 registers, 2 events";
  const v1::Change& first = of(stored, "ssn:lp:1", "2013-04-07T23:00:00Z");
  EXPECT_EQ(slots(first), (Lines{"NEW 2013-04-07T23:00:00Z 1815e-2", "NEW 2013-04-07T23:30:00Z 0e-2",
                                 "NEW 2013-04-07T23:45:00Z 420e-2"}));
  EXPECT_EQ(first.meter(), "utilities/maui/meters/m1");
  EXPECT_EQ(first.quantity(), v1::ENERGY_DELIVERED);
  EXPECT_EQ(first.unit(), "Wh");
  EXPECT_EQ(first.reading_type(), testing::kIntervalEnergy);
  const v1::ChangedIntervals& run = first.intervals(0);
  EXPECT_EQ(run.length_s(), 900U);
  EXPECT_EQ(run.usage_point(), "utilities/maui/usagePoints/up1");
  EXPECT_EQ(run.time_zone(), "Pacific/Honolulu");
  EXPECT_EQ(run.multiplier(), "1");
  EXPECT_TRUE(run.now().source().starts_with("utilities/maui/sources/"));
  EXPECT_EQ(text_of(run.now().received_at()), "2013-04-09T14:00:00Z");
  EXPECT_FALSE(run.has_old());

  storage::CommitUnit later = unit('c', testing::at("2013-04-10T00:00:00Z"));
  later.batch.qualities.push_back({{QualityCode{2, 5, 258}}, "R0"});
  add_values(later, "2013-04-07T23:15:00Z", {77, 0, 430});
  add_values(later, "2013-04-07T23:00:00Z", {1815}, 1);
  commit(later);
  const v1::Change corrected = follower->change();
  EXPECT_EQ(slots(corrected), (Lines{"QUALITY_CHANGED 2013-04-07T23:00:00Z 1815e-2 < 1815e-2",
                                     "NEW 2013-04-07T23:15:00Z 77e-2", "SUPERSEDED 2013-04-07T23:30:00Z 0e-2",
                                     "CORRECTED 2013-04-07T23:45:00Z 430e-2 < 420e-2"}));
  EXPECT_EQ(corrected.kinds_size(), 4);
  EXPECT_EQ(corrected.intervals(0).now().quality().codes(0), "2.5.258");
  EXPECT_EQ(corrected.intervals(0).old().quality().codes_size(), 0);
  const std::int64_t corrected_id = corrected.change_id();
  ASSERT_TRUE(ack("billing", stored.back().cursor()).ok());
  follower.reset();

  storage::CommitUnit more = unit('d');
  add_values(more, "2013-04-09T00:00:00Z", {1});
  commit(more);
  follower = follow(billing);
  auto again = follower->caught_up();
  ASSERT_EQ(again.size(), 2U) << "what was sent and not acknowledged is sent once more";
  EXPECT_EQ(again[0].change_id(), corrected_id);
  EXPECT_EQ(slots(again[1]), (Lines{"NEW 2013-04-09T00:00:00Z 1e-2"}));
  ASSERT_TRUE(ack("billing", follower->cursor).ok());
  ASSERT_TRUE(ack("billing", stored.front().cursor()).ok()) << "late, and without effect";
  follower.reset();
  EXPECT_TRUE(all(billing).empty());
  ASSERT_TRUE(ack("billing", stored.front().cursor(), true).ok());
  EXPECT_EQ(all(billing).size(), 10U) << "a rewind repeats";
}

TEST_F(ChangeStreamTest, RegistersAndEventsCarryTheirPresentSelves) {
  const auto stored = all();
  const v1::Change& dial = of(stored, "ssn:reg:1", "2013-04-09T00:00:00Z");
  ASSERT_EQ(dial.registers_size(), 1);
  EXPECT_EQ(dial.registers(0).now().value(), "12400.000");
  EXPECT_EQ(dial.registers(0).now().quality().vendor_flag(), "R0");
  EXPECT_EQ(dial.registers(0).now().usage_point(), "utilities/maui/usagePoints/up1");
  EXPECT_FALSE(dial.registers(0).has_old_quality());
  std::vector<std::string> told;
  for (const v1::Change& change : stored) {
    for (const v1::Event& event : change.events()) told.push_back(event.kind() + " " + text_of(event.time()));
  }
  EXPECT_EQ(told, (Lines{"OUTAGE 2013-04-08T01:02:03Z", "UNMAPPED 2013-04-08T01:03:03Z"}));

  storage::CommitUnit later = unit('c', testing::at("2013-04-10T00:00:00Z"));
  RegisterReading read;
  read.channel = 1;
  read.at = testing::at("2013-04-09T00:00:00Z");
  read.value = {124'005, -1};
  read.rank = testing::at("2013-04-10T00:00:00Z");
  later.batch.registers.push_back(read);
  commit(later);
  v1::StreamChangesRequest rest = request();
  rest.set_cursor(stored.back().cursor());
  const auto changed = all(rest);
  ASSERT_EQ(changed.size(), 1U);
  ASSERT_EQ(changed[0].kinds_size(), 1);
  EXPECT_EQ(changed[0].kinds(0), v1::Change::CORRECTED);
  EXPECT_EQ(changed[0].registers(0).now().value(), "12400.5");
  EXPECT_EQ(changed[0].registers(0).old_value(), "12400.000");
  EXPECT_EQ(changed[0].registers(0).old_quality().vendor_flag(), "R0");
}

TEST_F(ChangeStreamTest, OffGridIntervalsComeOneByOne) {
  storage::CommitUnit later = unit('c');
  add_values(later, "2013-04-09T00:07:00Z", {5});
  commit(later);
  storage::CommitUnit newer = unit('d', testing::at("2013-04-10T00:00:00Z"));
  add_values(newer, "2013-04-09T00:07:00Z", {6});
  commit(newer);
  const auto changes = all();
  ASSERT_EQ(changes.size(), 11U);
  EXPECT_EQ(slots(changes[9]), (Lines{"NEW 2013-04-09T00:07:00Z 6e-2"})) << "the value of now";
  EXPECT_EQ(slots(changes[10]), (Lines{"CORRECTED 2013-04-09T00:07:00Z 6e-2 < 5e-2"}));
}

TEST_F(ChangeStreamTest, TakenBackValueGivesWayToTheNextOrToNothing) {
  storage::CommitUnit later = unit('c', testing::at("2013-04-10T00:00:00Z"));
  add_values(later, "2013-04-07T23:45:00Z", {999, 888});  // the second is on the next day
  commit(later);
  storage::CommitUnit alone = unit('d');
  add_values(alone, "2013-04-09T00:00:00Z", {1, 2});
  commit(alone);
  const std::string start = all().back().cursor();
  sql("INSERT INTO withdrawal (channel_id, source_id, cause) SELECT c.channel_id, s.source_id, 'test' FROM "
      "channel"
      " c, source s WHERE c.key = 'ssn:lp:1' AND s.name IN ('later-c', 'later-d')");
  sql("INSERT INTO change (utility_id, meter_id, channel_id, day, interval_s, version, entity, kinds, slots, "
      "old)"
      " SELECT utility_id, meter_id, channel_id, d.day, 900, 2, 1, 16, d.slots::smallint[], d.old::bigint[] "
      "FROM"
      " channel, (VALUES ('2013-04-07'::date, '{95,1,16}', '{999,-2,0}'),"
      " ('2013-04-09', '{0,2,16}', '{1,-2,0,2,-2,0}')) AS d (day, slots, old) WHERE key = 'ssn:lp:1'");
  v1::StreamChangesRequest rest = request();
  rest.set_cursor(start);
  const auto changes = all(rest);
  ASSERT_EQ(changes.size(), 2U);
  EXPECT_EQ(slots(changes[0]), (Lines{"RETRACTED 2013-04-07T23:45:00Z 420e-2 < 999e-2"}));
  EXPECT_EQ(slots(changes[1]),
            (Lines{"RETRACTED 2013-04-09T00:00:00Z - < 1e-2", "RETRACTED 2013-04-09T00:15:00Z - < 2e-2"}));
  EXPECT_EQ(changes[1].intervals(0).now().source(), "");
}

TEST_F(ChangeStreamTest, ChangesOfOlderReleasesComeWithWhatIsThereNow) {
  // As those releases wrote them: no kinds, no slots, no times; one row a day of registers and events.
  sql("DELETE FROM change");
  sql("INSERT INTO change (utility_id, meter_id, channel_id, day, interval_s, version, entity)"
      " SELECT utility_id, meter_id, channel_id, '2013-04-08', 900, 1, 1 FROM channel WHERE key = "
      "'ssn:lp:1'");
  sql("INSERT INTO change (utility_id, meter_id, channel_id, day, interval_s, version, entity)"
      " SELECT utility_id, meter_id, channel_id, '2013-04-08', 0, 0, 3 FROM channel WHERE key = 'ssn:v'");
  sql("INSERT INTO change (utility_id, meter_id, channel_id, day, interval_s, version, entity)"
      " SELECT DISTINCT utility_id, meter_id, 0, '2013-04-08'::date, 0, 0, 4 FROM event");
  v1::StreamChangesRequest only_corrected = request();
  only_corrected.add_kinds(v1::Change::CORRECTED);
  for (const auto& asked : {request(), only_corrected}) {
    const auto changes = all(asked);
    ASSERT_EQ(changes.size(), 3U);
    for (const v1::Change& change : changes) EXPECT_EQ(change.kinds_size(), 0);
    EXPECT_EQ(slots(changes[0]),
              (Lines{" 2013-04-08T00:00:00Z 500e-2", " 2013-04-08T00:15:00Z 600e-2",
                     " 2013-04-08T00:30:00Z 700e-2", " 2013-04-08T00:45:00Z 900719925474099300e-2"}));
    ASSERT_EQ(changes[1].registers_size(), 1);
    EXPECT_EQ(changes[1].registers(0).now().value(), "240.5");
    EXPECT_EQ(changes[2].events_size(), 2);
  }
}

TEST_F(ChangeStreamTest, RowsThatContradictThemselvesStopNobody) {
  sql("DELETE FROM change");
  const std::string into =
      "INSERT INTO change (utility_id, meter_id, channel_id, day, interval_s, version, entity, kinds, slots, "
      "old)"
      " SELECT utility_id, meter_id, channel_id, '2013-04-08', ";
  const std::string from = " FROM channel WHERE key = 'ssn:lp:1'";
  for (const char* bad :
       {"7, 1, 1, 1, '{0,1,1}', NULL", "0, 1, 1, 1, NULL, NULL", "-900, 1, 2, 1, NULL, NULL",
        "900, 1, 1, 1, '{0,1}', NULL", "900, 1, 1, 1, '{95,2,1}', NULL", "900, 1, 1, 1, '{-1,1,1}', NULL",
        "900, 1, 1, 1, '{0,-5,1}', NULL", "900, 1, 1, 2, '{0,1,2}', NULL", "900, 1, 1, 2, '{0,1,2}', '{5}'",
        "900, 1, 1, 2, '{0,1,2}', '{5,-2,987654}'", "900, 1, 3, 2, NULL, '{1,2}'",
        "0, 987, 4, 1, NULL, NULL"})
    sql(into + bad + from);
  sql("INSERT INTO change (utility_id, meter_id, channel_id, day, interval_s, version, entity, kinds)"
      " SELECT utility_id, 987654, 987654, '2013-04-08', 900, 1, 1, 1 FROM utility WHERE key = 'maui'");
  sql(into + "900, 1, 1, 1, '{1,1,1}', NULL" + from);
  const auto changes = all();
  ASSERT_EQ(changes.size(), 13U) << "all but the one of no meter";
  EXPECT_EQ(slots(changes[7]), (Lines{"CORRECTED 2013-04-08T00:00:00Z 500e-2"})) << "without its old value";
  EXPECT_EQ(slots(changes.back()), (Lines{"NEW 2013-04-08T00:15:00Z 600e-2"}));
}

TEST_F(ChangeStreamTest, FiltersLeaveOutTheRestOfTheUtilityAndOfTheDay) {
  storage::Assets known(fixture.database);
  storage::UsagePointDetail place;
  place.valid.from = testing::at("2012-01-01T00:00:00Z");
  place.zone = "America/Toronto";
  ASSERT_TRUE(known.create_usage_point(maui, "up9", place).ok());
  storage::RemoveRequest remove;
  remove.utility = maui;
  remove.meter = "m1";
  remove.at = testing::at("2013-04-08T00:15:00Z");
  ASSERT_TRUE(known.remove(remove).ok());
  storage::InstallRequest install;
  install.utility = maui;
  install.meter = "m1";
  install.usage_point = "up9";
  install.at = testing::at("2013-04-08T00:30:00Z");
  ASSERT_TRUE(known.install(install).ok());

  v1::StreamChangesRequest moved = request();
  moved.add_names("utilities/maui/usagePoints/up9");
  moved.add_quantities(v1::ENERGY_DELIVERED);
  const auto there = all(moved);
  const v1::Change& day = of(there, "ssn:lp:1", "2013-04-08T00:30:00Z");
  EXPECT_EQ(slots(day),
            (Lines{"NEW 2013-04-08T00:30:00Z 700e-2", "NEW 2013-04-08T00:45:00Z 900719925474099300e-2"}));
  EXPECT_EQ(day.intervals(0).time_zone(), "America/Toronto");
  EXPECT_EQ(there.size(), 2U) << "and the dial of the 9th, which was read there too";

  v1::StreamChangesRequest whole = request();
  whole.add_names("utilities/maui/meters/m1");
  whole.add_quantities(v1::ENERGY_DELIVERED);
  const auto everywhere = all(whole);
  EXPECT_EQ(everywhere.size(), 5U) << "without ct1, the voltage and the events";
  ASSERT_EQ(of(everywhere, "ssn:lp:1", "2013-04-08T00:00:00Z").intervals_size(), 3)
      << "at up1, nowhere, at up9";
  EXPECT_EQ(of(everywhere, "ssn:lp:1", "2013-04-08T00:00:00Z").intervals(1).usage_point(), "");

  v1::StreamChangesRequest retracted = request();
  retracted.add_kinds(v1::Change::RETRACTED);
  auto follower = follow(retracted);
  EXPECT_TRUE(follower->caught_up().empty());
  const std::string passed = follower->cursor;
  v1::StreamChangesRequest rest = request();
  rest.set_cursor(passed);
  EXPECT_TRUE(all(rest).empty()) << "the heartbeat's cursor is behind all that was left out";
}

TEST_F(ChangeStreamTest, WhoeverComesWithoutACursorChoosesWhereToBegin) {
  v1::StreamChangesRequest newest = request();
  newest.set_begin_at(v1::StreamChangesRequest::NEWEST);
  auto follower = follow(newest);
  EXPECT_TRUE(follower->caught_up().empty());
  storage::CommitUnit more = unit('d');
  add_values(more, "2013-04-09T00:00:00Z", {1});
  commit(more);
  EXPECT_EQ(slots(follower->change()), (Lines{"NEW 2013-04-09T00:00:00Z 1e-2"}));
  const auto quiet = follower->caught_up();
  EXPECT_TRUE(quiet.empty());
  EXPECT_TRUE(follower->caught_up().empty()) << "another heartbeat, though nothing changes";
}

TEST_F(ChangeStreamTest, BadRequestsAreNamedByField) {
  struct Case {
    const char* what;
    std::function<void(v1::StreamChangesRequest&)> spoil;
    const char* field;
    const char* reason;
  };
  const std::string good = all().back().cursor();
  for (const Case& bad : std::vector<Case>{
           {"no parent", [](auto& r) { r.clear_parent(); }, "parent", "INVALID_FIELD"},
           {"no utility", [](auto& r) { r.set_parent("maui"); }, "parent", "INVALID_FIELD"},
           {"no purpose", [](auto& r) { r.clear_purpose(); }, "purpose", "PURPOSE_REQUIRED"},
           {"cursor", [](auto& r) { r.set_cursor("oldest"); }, "cursor", "CURSOR_INVALID"},
           {"damaged cursor", [&](auto& r) { r.set_cursor(good + "0"); }, "cursor", "CURSOR_INVALID"},
           {"subscriber", [](auto& r) { r.set_subscriber("a b"); }, "subscriber", "INVALID_FIELD"},
           {"subscriber", [](auto& r) { r.set_subscriber(std::string(65, 'x')); }, "subscriber",
            "INVALID_FIELD"},
           {"kind 0", [](auto& r) { r.add_kinds(v1::Change::KIND_UNSPECIFIED); }, "kinds", "INVALID_FIELD"},
           {"kind 99", [](auto& r) { r.add_kinds(static_cast<v1::Change::Kind>(99)); }, "kinds",
            "INVALID_FIELD"},
           {"quantity", [](auto& r) { r.add_quantities(v1::QUANTITY_UNSPECIFIED); }, "quantities",
            "INVALID_FIELD"},
           {"begin", [](auto& r) { r.set_begin_at(static_cast<v1::StreamChangesRequest::BeginAt>(9)); },
            "begin_at", "INVALID_FIELD"},
           {"name", [](auto& r) { r.add_names("m1"); }, "names[0]", "INVALID_FIELD"},
           {"foreign name", [](auto& r) { r.add_names("utilities/oahu/meters/m1"); }, "names",
            "INVALID_FIELD"},
       }) {
    v1::StreamChangesRequest request = ChangeScene::request();
    bad.spoil(request);
    const grpc::Status status = refusal(request);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << bad.what << status.error_message();
    EXPECT_EQ(field_of(status), bad.field) << bad.what;
    EXPECT_EQ(reason_of(status), bad.reason) << bad.what;
  }
  v1::StreamChangesRequest unknown = request();
  unknown.add_names("utilities/maui/meters/m1x");
  EXPECT_EQ(reason_of(refusal(unknown)), "METER_NOT_FOUND");
  unknown.set_names(0, "utilities/maui/usagePoints/up1x");
  EXPECT_EQ(reason_of(refusal(unknown)), "USAGE_POINT_NOT_FOUND");
  unknown.set_parent("utilities/molokai");
  EXPECT_EQ(reason_of(refusal(unknown)), "UTILITY_NOT_FOUND");

  EXPECT_EQ(field_of(ack("a b", good)), "subscriber");
  EXPECT_EQ(field_of(ack("", good)), "subscriber");
  EXPECT_EQ(reason_of(ack("a", "")), "CURSOR_INVALID");
  v1::AckCursorRequest both;
  both.set_parent("utilities/maui");
  both.set_subscriber("a");
  both.set_cursor(good);
  both.set_forget(true);
  v1::AckCursorResponse response;
  EXPECT_EQ(field_of(call(readings, &v1::ReadingService::Stub::AckCursor, both, response)), "forget");
  both.clear_cursor();
  EXPECT_EQ(reason_of(call(readings, &v1::ReadingService::Stub::AckCursor, both, response)),
            "SUBSCRIBER_NOT_FOUND");
}

TEST_F(ChangeStreamTest, CursorThatLeadsNowhereSaysWhereToBeginAnew) {
  const std::string seen = all().back().cursor();
  ASSERT_TRUE(ack("billing", seen).ok());
  sql("SELECT ami_renew_change_feed(true)");
  v1::StreamChangesRequest old = request();
  old.set_cursor(seen);
  const grpc::Status status = refusal(old);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::OUT_OF_RANGE);
  EXPECT_EQ(reason_of(status), "CURSOR_OUT_OF_RANGE");
  const auto info = testing::detail<google::rpc::ErrorInfo>(status);
  ASSERT_TRUE(info);
  EXPECT_NE(info->metadata().at("why").find("restored"), std::string::npos);
  old.set_cursor(info->metadata().at("oldest_cursor"));
  EXPECT_EQ(all(old).size(), 9U);
  const grpc::Status refused = ack("billing", seen);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::OUT_OF_RANGE);

  // A stream that is open is told as well.
  auto follower = follow();
  follower->caught_up();
  sql("SELECT ami_renew_change_feed(true)");
  EXPECT_EQ(follower->finish().error_code(), grpc::StatusCode::OUT_OF_RANGE);
}

TEST_F(ChangeStreamTest, ListNamesEachSubscriberWithWhatWaitsForIt) {
  const auto stored = all();
  ASSERT_TRUE(ack("outage", stored[3].cursor()).ok());
  ASSERT_TRUE(ack("billing", stored.back().cursor()).ok());
  v1::ListChangeSubscribersRequest request;
  request.set_parent("utilities/maui");
  v1::ListChangeSubscribersResponse response;
  ASSERT_TRUE(call(readings, &v1::ReadingService::Stub::ListChangeSubscribers, request, response).ok());
  ASSERT_EQ(response.subscribers_size(), 2);
  EXPECT_EQ(response.subscribers(0).name(), "billing");
  EXPECT_EQ(response.subscribers(0).waiting(), 0);
  EXPECT_EQ(response.subscribers(0).acked_by(), "local operator");
  EXPECT_EQ(response.subscribers(1).name(), "outage");
  EXPECT_EQ(response.subscribers(1).waiting(), 5);
  EXPECT_EQ(response.subscribers(1).cursor(), stored[3].cursor());
  v1::StreamChangesRequest from_oldest = ChangeScene::request(), from_newest = ChangeScene::request();
  from_oldest.set_cursor(response.oldest_cursor());
  from_newest.set_cursor(response.newest_cursor());
  EXPECT_EQ(all(from_oldest).size(), 9U);
  EXPECT_TRUE(all(from_newest).empty());
}

TEST_F(ChangeStreamTest, EachCertificateMayHaveOnlySoManyStreams) {
  std::vector<std::unique_ptr<Follower>> open;
  for (int i = 0; i < 3; ++i) {
    open.push_back(follow());
    open.back()->caught_up();
  }
  EXPECT_EQ(fixture.server->change_streams(), 3U);
  const grpc::Status status = refusal(request());
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(reason_of(status), "TOO_MANY_STREAMS");
  EXPECT_TRUE(testing::detail<google::rpc::RetryInfo>(status));
  open.pop_back();
  // The server hears of the cancellation a little later.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{20};
  while (fixture.server->change_streams() == 3 && std::chrono::steady_clock::now() < deadline)
    std::this_thread::yield();
  open.push_back(follow());
  EXPECT_EQ(open.back()->caught_up().size(), 9U);
}

TEST_F(ChangeStreamTest, AStreamThatWasToldItsEndHoldsNoPlaceAnyMore) {
  v1::StreamChangesRequest bad = request();
  bad.set_cursor("not a cursor");
  for (int i = 0; i < 50; ++i) EXPECT_EQ(refusal(bad).error_code(), grpc::StatusCode::INVALID_ARGUMENT) << i;
  for (int i = 0; i < 50; ++i) EXPECT_EQ(all().size(), 9U) << i;
}

TEST_F(ChangeStreamTest, StalledSubscriberHoldsNothingAndLosesNothing) {
  storage::CommitUnit big = unit('c');
  for (int day = 1; day <= 28; ++day) {
    const std::string date =
        "2012-01-" + std::string(day < 10 ? "0" : "") + std::to_string(day) + "T00:00:00Z";
    std::vector<std::optional<std::int64_t>> values;
    for (int i = 0; i < 1440; ++i) values.emplace_back(1'000'000'000 + i);
    for (int number = 0; number < 40; ++number) {
      if (day == 1)
        big.batch.channels.push_back({m1, "x:" + std::to_string(number), testing::kIntervalEnergy, "Wh"});
      add_values(big, date, values, 0, 60);
      big.batch.intervals.back().channel = static_cast<std::uint32_t>(2 + number);
    }
  }
  commit(big);
  grpc::ChannelArguments small_window;
  small_window.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  small_window.SetInt(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, 65'536);
  small_window.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  const auto slow = v1::ReadingService::NewStub(
      grpc::CreateCustomChannel("unix:" + (fixture.folder.path() / "rpc.sock").string(),
                                grpc::InsecureChannelCredentials(), small_window));
  Follower stalled(*slow, request());
  ASSERT_TRUE(stalled.read());
  // 1120 changes of 8 kB wait for a subscriber that does not read: the server is stuck on it, with both
  // workers free and no connection inside a transaction.
  for (int i = 0; i < 20; ++i) {
    std::promise<void> ran;
    fixture.workers.post([&] { ran.set_value(); });
    ASSERT_EQ(ran.get_future().wait_for(std::chrono::seconds{20}), std::future_status::ready);
    EXPECT_EQ(
        one("SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%' AND datname ="
            " current_database()"),
        "0");
  }
  storage::CommitUnit correction = unit('d', testing::at("2013-04-10T00:00:00Z"));
  correction.batch.channels.push_back(big.batch.channels.back());
  add_values(correction, "2012-01-28T00:00:00Z", {42}, 0, 60);
  correction.batch.intervals.back().channel = 2;
  commit(correction);
  EXPECT_EQ(all().size(), 1130U) << "others are served meanwhile";

  std::vector<v1::Change> rest = stalled.caught_up();
  ASSERT_EQ(rest.size(), 1129U) << "nothing is lost";
  EXPECT_EQ(slots(rest.back()), (Lines{"CORRECTED 2012-01-28T00:00:00Z 42e-2 < 1000000000e-2"}));
  const std::int64_t changed_later = rest.back().intervals(0).now().mantissas(0);
  const auto last_new = std::ranges::find_if(rest, [&](const v1::Change& change) {
    return change.channel() == "x:39" && change.intervals_size() > 0 &&
           text_of(change.intervals(0).first_start()) == "2012-01-28T00:00:00Z";
  });
  ASSERT_NE(last_new, rest.end());
  EXPECT_EQ(last_new->intervals(0).now().mantissas(0), changed_later)
      << "values are read when they are due, not piled up for who does not take them";
}

TEST_F(ChangeStreamTest, OpenStreamsEndAtOnceWhenTheGatewayStops) {
  auto follower = follow();
  follower->caught_up();
  auto drained = std::async(std::launch::async, [this] { fixture.server->drain(std::chrono::minutes{5}); });
  const grpc::Status status = follower->finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(reason_of(status), "GATEWAY_STOPPING");
  EXPECT_TRUE(testing::detail<google::rpc::RetryInfo>(status));
  EXPECT_EQ(drained.wait_for(std::chrono::seconds{20}), std::future_status::ready)
      << "who only listens does not use up the patience of a stop";
}

TEST_F(ChangeStreamTest, StreamOutlivesARestartOfTheDatabase) {
  ami::testing::PgCluster& cluster = ami::testing::PgCluster::shared();
  auto follower = follow();
  follower->caught_up();
  cluster.stop();
  EXPECT_EQ(refusal(request()).error_code(), grpc::StatusCode::UNAVAILABLE) << "who comes now is told";
  cluster.start();
  storage::CommitUnit more = unit('d');
  add_values(more, "2013-04-09T00:00:00Z", {1});
  commit(more);
  EXPECT_EQ(slots(follower->change()), (Lines{"NEW 2013-04-09T00:00:00Z 1e-2"}));
  cluster.crash();
  cluster.start();
  EXPECT_TRUE(follower->caught_up().empty());
}

class ImpatientStreamTest : public ChangeStreamTest {
 protected:
  ImpatientStreamTest()
      : ChangeStreamTest({std::chrono::milliseconds{10}, std::chrono::milliseconds{50},
                          std::chrono::milliseconds{0}, 3}) {}
};

TEST_F(ImpatientStreamTest, EndsWithRetryInfoWhenTheDatabaseStaysAway) {
  auto follower = follow();
  follower->caught_up();
  ami::testing::PgCluster::shared().stop();
  const grpc::Status status = follower->finish();
  ami::testing::PgCluster::shared().start();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(reason_of(status), "STORE_UNAVAILABLE");
  EXPECT_TRUE(testing::detail<google::rpc::RetryInfo>(status));
}

TEST_F(ChangeStreamTest, EachUsagePointIsLoggedWithThePurposeBeforeItsValuesGoOut) {
  storage::CommitUnit unplaced = unit('c');
  add_values(unplaced, "2011-04-09T00:00:00Z", {1});  // before m1 was installed anywhere
  commit(unplaced);
  v1::StreamChangesRequest request = ChangeScene::request();
  request.set_purpose("billing of April");
  all(request);
  std::set<std::pair<std::string, std::string>> logged;
  for (const CallRecord& record : fixture.log.of(CallRecord::Kind::Access)) {
    EXPECT_EQ(record.rpc, "/ami.v1.ReadingService/StreamChanges");
    EXPECT_EQ(record.utility, "maui");
    EXPECT_EQ(record.purpose, "billing of April");
    EXPECT_EQ(record.caller, "local operator");
    EXPECT_TRUE(logged.emplace(record.usage_point, record.meter).second) << "once a stream";
  }
  EXPECT_EQ(logged, (std::set<std::pair<std::string, std::string>>{{"up1", "m1"}, {"", "m1"}}))
      << "ct1 has no intervals";
}

TEST(ChangeStreamTls, CertificateSeesItsOwnUtilityOnly) {
  testing::RpcFixture fixture(testing::create_filled_database());
  RpcServer::Config config = fixture.tls_config();
  config.changes = testing::kQuickFeed;
  ASSERT_TRUE(fixture.start(config).ok());
  const auto stub = v1::ReadingService::NewStub(
      fixture.channel(std::vector<std::string>{"URI:ami://role/reader", "URI:ami://utility/oahu"}));
  const auto read = [&](const std::string& utility, std::vector<std::string>& meters) {
    v1::StreamChangesRequest request;
    request.set_parent(utility);
    request.set_purpose("test");
    request.set_until_caught_up(true);
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds{30});
    const auto reader = stub->StreamChanges(&context, request);
    v1::StreamChangesResponse message;
    while (reader->Read(&message)) {
      if (message.has_change()) meters.push_back(message.change().meter());
    }
    return reader->Finish();
  };
  std::vector<std::string> meters;
  EXPECT_TRUE(read("utilities/oahu", meters).ok());
  EXPECT_EQ(meters, std::vector<std::string>{"utilities/oahu/meters/m1"});
  meters.clear();
  const grpc::Status denied = read("utilities/maui", meters);
  EXPECT_EQ(denied.error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(reason_of(denied), "UTILITY_NOT_GRANTED");
  EXPECT_TRUE(meters.empty());
}

}  // namespace
}  // namespace ami::rpc
