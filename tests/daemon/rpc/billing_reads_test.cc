#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "tests/daemon/rpc/reads_scene.h"

namespace ami::rpc {
namespace {

using testing::at;
using testing::kDelivered;
using testing::kReceived;
using testing::reason_of;
using testing::stamp;
using testing::text_of;
using Stub = v1::ReadingService::Stub;
using Lines = std::vector<std::string>;

// m1 at up1 (Honolulu, UTC-10): midnight of 1 May is 10:00Z.
class BillingReadsTest : public testing::ReadsScene {
 protected:
  BillingReadsTest() {
    fixture.now = at("2013-06-10T00:00:00Z");
    meter("m1");
    usage_point("up1");
    install("m1", "up1", "2012-01-01T00:00:00Z", {40, 0});
  }
  void read(const std::string& when, const std::string& value,
            std::initializer_list<const char*> codes = {}) {
    reading("m1", "reg:1", kDelivered, when, value, codes);
  }

  static v1::ListBillingReadsRequest request(int tolerance_h = 6) {
    v1::ListBillingReadsRequest request;
    request.set_parent("utilities/maui");
    request.set_date("2013-05-01");
    request.mutable_tolerance_before()->set_seconds(tolerance_h * 3600);
    request.mutable_tolerance_after()->set_seconds(tolerance_h * 3600);
    return request;
  }
  grpc::Status ask(const v1::ListBillingReadsRequest& request) {
    return call(readings, &Stub::ListBillingReads, request, response);
  }

  // "reg:1 NEAREST_BEFORE 999 -3600s; 1000 SUSPECT", "reg:1 MISSING last 900".
  static std::string told(const v1::BillingRead& read) {
    std::string line =
        (read.channel().empty() ? "dial" : read.channel()) + " " + v1::BillingRead::How_Name(read.how());
    if (read.has_value()) line += " " + read.value().value();
    if (read.distance().seconds() != 0) line += " " + std::to_string(read.distance().seconds()) + "s";
    for (const v1::RejectedRead& rejected : read.rejected())
      line += "; " + rejected.value().value() + " " + v1::RejectedRead::Reason_Name(rejected.reason());
    if (read.has_last_good()) line += " last " + read.last_good().value();
    return line;
  }
  Lines told(const v1::ListBillingReadsRequest& request) {
    const grpc::Status status = ask(request);
    if (!status.ok()) return {reason_of(status) + " " + field_of(status)};
    Lines lines;
    for (const v1::BillingReads& point : response.usage_points()) {
      for (const v1::BillingRead& read : point.reads()) lines.push_back(told(read));
      if (point.has_missing())
        lines.push_back(v1::Missing::Reason_Name(point.missing().reason()) + " " + point.missing().detail());
      for (const v1::MeterExchange& exchange : point.exchanges()) {
        lines.push_back("exchange " + text_of(exchange.time()) + " " + exchange.order_id());
        for (const v1::BillingRead& read : exchange.end_reads()) lines.push_back("end " + told(read));
        for (const v1::BillingRead& read : exchange.start_reads()) lines.push_back("start " + told(read));
      }
    }
    return lines;
  }

  v1::ListBillingReadsResponse response;
};

TEST_F(BillingReadsTest, AReadingOfMidnightIsTakenAsItIs) {
  read("2013-05-01T09:00:00Z", "990");
  read("2013-05-01T10:00:00Z", "1000");
  read("2013-05-01T11:00:00Z", "1010");
  commit();
  EXPECT_EQ(told(request()), Lines{"reg:1 EXACT 1000"});
  const v1::BillingReads& point = response.usage_points(0);
  EXPECT_EQ(point.usage_point(), "utilities/maui/usagePoints/up1");
  EXPECT_EQ(point.time_zone(), "Pacific/Honolulu");
  EXPECT_EQ(text_of(point.time()), "2013-05-01T10:00:00Z");
  EXPECT_EQ(point.meter(), "utilities/maui/meters/m1");
  EXPECT_EQ(point.reads(0).value().multiplier(), "40");
  EXPECT_FALSE(point.reads(0).value().multiplier_applied());
  EXPECT_TRUE(point.reads(0).value().source().starts_with("utilities/maui/sources/"));
  v1::ListBillingReadsRequest multiplied = request();
  multiplied.set_apply_multiplier(true);
  EXPECT_EQ(told(multiplied), Lines{"reg:1 EXACT 40000"});
  EXPECT_EQ(response.usage_points(0).reads(0).value().origin(), v1::ORIGIN_PROCESSED);
}

TEST_F(BillingReadsTest, TheNearestIsTakenAndOfTwoAsNearTheEarlier) {
  read("2013-05-01T08:00:00Z", "980");
  read("2013-05-01T12:00:00Z", "1020");
  commit();
  EXPECT_EQ(told(request()), Lines{"reg:1 NEAREST_BEFORE 980 -7200s; 1020 NOT_PREFERRED"});
  read("2013-05-01T11:59:59Z", "1019");
  commit();
  EXPECT_EQ(told(request()), Lines{"reg:1 NEAREST_AFTER 1019 7199s"});
}

TEST_F(BillingReadsTest, TheEdgesOfTheToleranceCountAndNothingBeyond) {
  read("2013-05-01T04:00:00Z", "940");
  read("2013-05-01T16:00:01Z", "1060");
  commit();
  EXPECT_EQ(told(request()), Lines{"reg:1 NEAREST_BEFORE 940 -21600s"});
  v1::ListBillingReadsRequest narrow = request();
  narrow.mutable_tolerance_before()->set_seconds(21'599);
  EXPECT_EQ(told(narrow), Lines{"reg:1 MISSING; 940 OUTSIDE_TOLERANCE; 1060 OUTSIDE_TOLERANCE last 940"});
  narrow.mutable_tolerance_after()->set_seconds(21'601);
  EXPECT_EQ(told(narrow), Lines{"reg:1 NEAREST_AFTER 1060 21601s; 940 OUTSIDE_TOLERANCE"});
  v1::ListBillingReadsRequest exact = request();
  exact.clear_tolerance_before();
  exact.clear_tolerance_after();
  EXPECT_EQ(told(exact), Lines{"reg:1 MISSING; 940 OUTSIDE_TOLERANCE; 1060 OUTSIDE_TOLERANCE last 940"})
      << "midnight is never made up";
}

TEST_F(BillingReadsTest, UnfitReadingsArePassedOverAndToldWithTheReason) {
  read("2013-05-01T06:00:00Z", "960");
  read("2013-05-01T07:00:00Z", "970", {"3.8.0"});
  read("2013-05-01T08:00:00Z", "980", {"1.4.5"});
  read("2013-05-01T10:00:00Z", "10", {"2.5.256"});
  commit();
  EXPECT_EQ(told(request()),
            Lines{"reg:1 NEAREST_BEFORE 960 -14400s; 10 SUSPECT; 980 TEST_MODE; 970 ESTIMATED"});
  EXPECT_EQ(told(request(2)), Lines{"reg:1 MISSING; 10 SUSPECT; 980 TEST_MODE; 970 ESTIMATED last 960"});
  EXPECT_FALSE(response.usage_points(0).reads(0).rejected(0).detail().empty());
}

TEST_F(BillingReadsTest, WhatValidationSuspectsIsPassedOverToo) {
  read("2013-05-01T09:00:00Z", "990");
  read("2013-05-01T10:00:00Z", "500");
  commit();
  EXPECT_EQ(told(request()), Lines{"reg:1 EXACT 500"});
  storage::Validation validation(fixture.database);
  const storage::DayJudge judge = [](const storage::MeterDayFacts& facts) {
    storage::DayVerdict verdict;
    verdict.profile = "test";
    for (const storage::RegisterRow& row : facts.registers) {
      if (row.value != Decimal{500, 0}) continue;
      verdict.findings.push_back(
          {row.channel, {}, {row.at, row.at}, 17, {2, 5, 258}, "KEEP", "the register ran backwards"});
    }
    return verdict;
  };
  for (int i = 0; i < 100; ++i) {
    const auto step = validation.step({}, at("2099-01-01T00:00:00Z"), judge);  // due since long
    ASSERT_TRUE(step.ok()) << step.error().message;
    if (!step->more) break;
  }
  EXPECT_EQ(told(request()), Lines{"reg:1 NEAREST_BEFORE 990 -3600s; 500 SUSPECT"});
}

TEST_F(BillingReadsTest, AReadingOfTheFutureHasAWrongClock) {
  fixture.now = at("2013-05-01T10:30:00Z");
  read("2013-05-01T06:00:00Z", "960");
  read("2013-05-01T11:00:00Z", "1010");
  commit();
  EXPECT_EQ(told(request()), Lines{"reg:1 NEAREST_BEFORE 960 -14400s; 1010 IN_FUTURE"});
}

TEST_F(BillingReadsTest, AnExchangeJustBeforeLeavesTheOldMetersReadingOut) {
  meter("m2");
  read("2013-04-20T10:00:00Z", "800");
  read("2013-05-01T08:00:00Z", "980");
  reading("m2", "reg:1", kDelivered, "2013-05-01T07:00:00Z", "3");  // before it was installed
  reading("m2", "reg:1", kDelivered, "2013-05-01T14:00:00Z", "12");
  commit();
  remove("m1", "2013-05-01T09:00:00Z", {{"0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.3.72.0", {985, -3}}});
  install("m2", "up1", "2013-05-01T09:00:00Z", {20, 0}, {{kDelivered, {4, 0}}});
  EXPECT_EQ(told(request()), (Lines{"reg:1 NEAREST_AFTER 12 14400s; 980 OTHER_METER; 3 NOT_INSTALLED",
                                    "exchange 2013-05-01T09:00:00Z WO-m2", "end dial RECORDED 985",
                                    "end reg:1 NEAREST_BEFORE 980 -3600s", "start dial RECORDED 4",
                                    "start reg:1 NEAREST_AFTER 12 18000s"}));
  const v1::MeterExchange& exchange = response.usage_points(0).exchanges(0);
  EXPECT_EQ(exchange.removed(), "utilities/maui/meters/m1");
  EXPECT_EQ(exchange.installed(), "utilities/maui/meters/m2");
  EXPECT_EQ(exchange.end_reads(0).value().origin(), v1::ORIGIN_MANUAL);
  EXPECT_EQ(exchange.end_reads(0).unit(), "Wh") << "written down as 0.985 kWh";
  EXPECT_EQ(exchange.end_reads(0).value().multiplier(), "40");
  EXPECT_EQ(exchange.start_reads(0).value().multiplier(), "20");
  EXPECT_EQ(response.usage_points(0).meter(), "utilities/maui/meters/m2");
}

TEST_F(BillingReadsTest, ExchangesOfThePeriodAreToldAndNoOthers) {
  read("2013-04-01T10:00:00Z", "1");
  commit();
  remove("m1", "2013-04-01T10:00:00Z");  // midnight of 1 April: the period begins after it
  EXPECT_EQ(told(request()), Lines{"NO_METER "});
  v1::ListBillingReadsRequest longer = request();
  longer.set_period_start("2013-03-31");
  EXPECT_EQ(told(longer), (Lines{"NO_METER ", "exchange 2013-04-01T10:00:00Z ", "end reg:1 EXACT 1"}));
  meter("m2");
  install("m2", "up1", "2013-05-01T10:00:00Z");  // midnight of 1 May belongs to the period that ends there
  EXPECT_EQ(told(request()), (Lines{"NO_READING ", "exchange 2013-05-01T10:00:00Z WO-m2"}));
}

TEST_F(BillingReadsTest, TheLastGoodReadingMayBeOld) {
  read("2012-04-01T10:00:00Z", "1");
  read("2012-06-01T10:00:00Z", "100");
  read("2012-07-01T10:00:00Z", "200", {"2.5.258"});
  commit();
  EXPECT_EQ(told(request()), Lines{"reg:1 MISSING; 200 SUSPECT last 100"});
  v1::ListBillingReadsRequest later = request();
  later.clear_date();
  *later.mutable_time() = stamp("2013-05-06T10:00:00Z");
  EXPECT_EQ(told(later), Lines{"reg:1 MISSING; 200 SUSPECT last 100"});
  fixture.now = at("2014-06-10T00:00:00Z");
  later.mutable_time()->set_seconds(later.time().seconds() + 366 * 86'400);
  EXPECT_EQ(told(later), Lines{"reg:1 MISSING"}) << "more than 400 days ago";
}

TEST_F(BillingReadsTest, MidnightIsThatOfTheZoneAlsoWhereClocksAreSet) {
  meter("m2");
  usage_point("up2", "America/Toronto");
  install("m2", "up2", "2012-01-01T00:00:00Z");
  // 10 March 2013 has 23 hours in Toronto: its midnight is 05:00Z, that of the 11th 04:00Z.
  reading("m2", "reg:1", kDelivered, "2013-03-10T05:00:00Z", "10");
  reading("m2", "reg:1", kDelivered, "2013-03-11T04:00:00Z", "33");
  // 3 November 2013 has 25.
  reading("m2", "reg:1", kDelivered, "2013-11-04T05:00:00Z", "90");
  commit();
  fixture.now = at("2014-01-10T00:00:00Z");
  v1::ListBillingReadsRequest asked = request(0);
  asked.clear_parent();
  asked.add_names("utilities/maui/usagePoints/up2");
  for (const auto& [date, value] :
       {std::pair{"2013-03-10", "10"}, {"2013-03-11", "33"}, {"2013-11-04", "90"}}) {
    asked.set_date(date);
    EXPECT_EQ(told(asked), Lines{std::string("reg:1 EXACT ") + value}) << date;
  }
}

TEST_F(BillingReadsTest, NamesKeepTheirOrderAndUnknownOnesAreTold) {
  read("2013-05-01T10:00:00Z", "1000");
  commit();
  usage_point("empty");
  v1::ListBillingReadsRequest asked = request();
  asked.clear_parent();
  for (const char* name : {"up1", "nowhere", "empty", "up1"})
    asked.add_names(std::string("utilities/maui/usagePoints/") + name);
  ASSERT_TRUE(ask(asked).ok());
  ASSERT_EQ(response.usage_points_size(), 4);
  EXPECT_EQ(response.usage_points(0).reads(0).value().value(), "1000");
  EXPECT_EQ(response.usage_points(1).missing().reason(), v1::Missing::UNKNOWN_ID);
  EXPECT_EQ(response.usage_points(1).usage_point(), "utilities/maui/usagePoints/nowhere");
  EXPECT_EQ(response.usage_points(2).missing().reason(), v1::Missing::NO_METER);
  EXPECT_EQ(response.usage_points(3).reads(0).value().value(), "1000");
  EXPECT_EQ(response.next_page_token(), "");
}

TEST_F(BillingReadsTest, QuantitiesChooseTheRegistersAndIntervalsAreNone) {
  read("2013-05-01T10:00:00Z", "1000");
  reading("m1", "reg:2", kReceived, "2013-05-01T10:00:00Z", "50");
  quarters("m1", "lp:1", "2013-05-01T09:45:00Z", {"10"});
  commit();
  EXPECT_EQ(told(request()), (Lines{"reg:1 EXACT 1000", "reg:2 EXACT 50"}));
  v1::ListBillingReadsRequest asked = request();
  asked.add_quantities(v1::ENERGY_RECEIVED);
  EXPECT_EQ(told(asked), Lines{"reg:2 EXACT 50"});
}

TEST_F(BillingReadsTest, EarlierMomentsAreAnsweredAsThen) {
  read("2013-05-01T09:00:00Z", "990");
  commit();
  read("2013-05-01T10:00:00Z", "1000");
  commit();
  sql("UPDATE source SET stored_at = '2013-05-02T00:00:00Z' WHERE name = 'file-1'");
  sql("UPDATE source SET stored_at = '2013-05-05T00:00:00Z' WHERE name = 'file-2'");
  v1::ListBillingReadsRequest asked = request();
  *asked.mutable_as_of() = stamp("2013-05-04T00:00:00Z");
  EXPECT_EQ(told(asked), Lines{"reg:1 NEAREST_BEFORE 990 -3600s"});
  *asked.mutable_as_of() = stamp("2013-05-06T00:00:00Z");
  EXPECT_EQ(told(asked), Lines{"reg:1 EXACT 1000"});
}

TEST_F(BillingReadsTest, PagesFollowTheKeysAndTokensBelongToTheRequest) {
  for (const char* key : {"up0", "up2", "up3"}) usage_point(key);
  v1::ListBillingReadsRequest asked = request();
  asked.set_page_size(3);
  ASSERT_TRUE(ask(asked).ok());
  Lines names;
  for (const auto& point : response.usage_points()) names.push_back(point.usage_point().substr(27));
  EXPECT_EQ(names, (Lines{"up0", "up1", "up2"}));
  asked.set_page_token(response.next_page_token());
  v1::ListBillingReadsRequest other = asked;
  other.set_date("2013-04-01");
  EXPECT_EQ(told(other), Lines{"PAGE_TOKEN_INVALID page_token"});
  ASSERT_TRUE(ask(asked).ok());
  ASSERT_EQ(response.usage_points_size(), 1);
  EXPECT_EQ(response.usage_points(0).usage_point(), "utilities/maui/usagePoints/up3");
  EXPECT_EQ(response.next_page_token(), "");
}

TEST_F(BillingReadsTest, TodayHasNotBegunEverywhere) {
  fixture.now = at("2013-05-01T05:00:00Z");
  read("2013-05-01T04:00:00Z", "940");
  commit();
  meter("m2");
  usage_point("up2", "America/Toronto");
  install("m2", "up2", "2012-01-01T00:00:00Z");
  EXPECT_EQ(told(request()), (Lines{"NO_READING that day has not begun there", "NO_READING "}))
      << "in Toronto it began at 04:00Z";
  v1::ListBillingReadsRequest tomorrow = request();
  tomorrow.set_date("2013-05-02");
  EXPECT_EQ(told(tomorrow), Lines{"INVALID_FIELD date"});
}

TEST_F(BillingReadsTest, BadRequestsSayWhichField) {
  const auto refused = [&](auto&& change) {
    v1::ListBillingReadsRequest bad = request();
    change(bad);
    const grpc::Status status = ask(bad);
    return reason_of(status) + " " + field_of(status);
  };
  EXPECT_EQ(refused([](auto& r) { r.clear_parent(); }), "INVALID_FIELD parent");
  EXPECT_EQ(refused([](auto& r) { r.add_names("utilities/maui/usagePoints/up1"); }), "INVALID_FIELD parent");
  EXPECT_EQ(refused([](auto& r) { r.set_parent("maui"); }), "INVALID_FIELD parent");
  EXPECT_EQ(refused([](auto& r) { r.set_parent("utilities/kauai"); }), "UTILITY_NOT_FOUND ");
  EXPECT_EQ(refused([](auto& r) { r.clear_date(); }), "INVALID_FIELD date");
  EXPECT_EQ(refused([](auto& r) { r.set_date("2013-02-29"); }), "INVALID_FIELD date");
  EXPECT_EQ(refused([](auto& r) { r.set_date("2013-07-01"); }), "INVALID_FIELD date");
  EXPECT_EQ(refused([](auto& r) { *r.mutable_time() = stamp("2013-05-01T00:00:00Z"); }),
            "INVALID_FIELD date");
  EXPECT_EQ(refused([](auto& r) {
              r.clear_date();
              *r.mutable_time() = stamp("2013-06-10T00:00:01Z");
            }),
            "INVALID_FIELD time");
  EXPECT_EQ(refused([](auto& r) { r.set_period_start("2013-05-02"); }), "INVALID_FIELD period_start");
  EXPECT_EQ(refused([](auto& r) { r.set_period_start("May"); }), "INVALID_FIELD period_start");
  EXPECT_EQ(refused([](auto& r) { r.mutable_tolerance_before()->set_seconds(-1); }),
            "INVALID_FIELD tolerance_before");
  EXPECT_EQ(refused([](auto& r) { r.mutable_tolerance_after()->set_seconds(35 * 86'400 + 1); }),
            "INVALID_FIELD tolerance_after");
  EXPECT_EQ(refused([](auto& r) { r.mutable_tolerance_after()->set_nanos(-5); }),
            "INVALID_FIELD tolerance_after");
  EXPECT_EQ(refused([](auto& r) { r.set_page_size(1001); }), "INVALID_FIELD page_size");
  const auto named = [&](const std::string& name, int size = 0) {
    return refused([&](auto& r) {
      r.clear_parent();
      r.add_names(name);
      r.set_page_size(size);
    });
  };
  EXPECT_EQ(named("utilities/maui/meters/m1"), "INVALID_FIELD names[0]");
  EXPECT_EQ(named("up1"), "INVALID_FIELD names[0]");
  EXPECT_EQ(named("utilities/maui/usagePoints/up1", 5), "INVALID_FIELD page_size");
}

// A thousand usage points, every tenth with an exchange in the month.
class ManyBillingReadsTest : public BillingReadsTest {
 protected:
  static constexpr int kMany = 1000;
  ManyBillingReadsTest() {
    sql("ALTER DATABASE " + database_name() + " SET log_statement = 'all'");
    const std::string p = "INSERT INTO ";
    sql(p + "meter (utility_id, key) SELECT " + std::to_string(utility()) +
        ", 'x' || to_char(i, 'FM0000') || s FROM "
        "generate_series(1, 1000) i, unnest(ARRAY['a', 'b']) s;" +
        p + "usage_point (utility_id, key) SELECT " + std::to_string(utility()) +
        ", 'x' || to_char(i, 'FM0000') FROM "
        "generate_series(1, 1000) i;" +
        p +
        "installation (utility_id, meter_id, usage_point_id, valid) SELECT p.utility_id, m.meter_id, "
        "p.usage_point_id, CASE WHEN NOT exchanged THEN tstzrange('2012-01-01 00:00Z', NULL) WHEN m.key LIKE "
        "'%a' THEN "
        "tstzrange('2012-01-01 00:00Z', '2013-04-15 00:00Z') ELSE tstzrange('2013-04-15 00:00Z', NULL) END "
        "FROM (SELECT *, key LIKE '%0' "
        "AS exchanged FROM usage_point) p JOIN meter m ON m.key = p.key || 'a' OR (exchanged AND m.key = "
        "p.key || 'b');" +
        p +
        "channel (utility_id, meter_id, key, reading_type, unit) SELECT utility_id, meter_id, 'reg:1', '" +
        kDelivered + "', 'Wh' FROM meter WHERE key LIKE 'x%';");
    reading("m1", "reg:1", kDelivered, "2013-05-01T10:00:00Z", "1");  // makes the partition and a source
    commit();
    sql(p +
        "register_read (meter_id, channel_id, at, version, mantissa, source_id, utility_id, quality_id, "
        "exponent, "
        "time_source) SELECT c.meter_id, c.channel_id, '2013-05-01 10:00Z', 1, c.channel_id, r.source_id, "
        "c.utility_id, "
        "0, 0, 0 FROM channel c, (SELECT source_id FROM register_read LIMIT 1) r WHERE c.meter_id IN (SELECT "
        "meter_id "
        "FROM meter WHERE key LIKE 'x%')");
  }
  // What the pool opened before the statements were to be logged goes on in silence.
  void drop_connections() const {
    sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid "
        "<> "
        "pg_backend_pid()");
  }
  [[nodiscard]] std::string database_name() const { return word("dbname="); }
  [[nodiscard]] std::string word(const std::string& key) const {
    const std::size_t begin = conninfo.find(key) + key.size();
    return conninfo.substr(begin, conninfo.find(' ', begin) - begin);
  }
};

TEST_F(ManyBillingReadsTest, AThousandUsagePointsCostNoMoreStatementsThanTen) {
  const std::filesystem::path log = std::filesystem::path(word("host=")) / "log";
  if (!std::filesystem::exists(log)) GTEST_SKIP() << "the cluster keeps no log at " << log;
  const auto statements = [&] {
    std::ifstream in(log);
    int count = 0;
    for (std::string line; std::getline(in, line);) {
      if (line.find("LOG:  execute ") != std::string::npos ||
          line.find("LOG:  statement: ") != std::string::npos)
        ++count;
    }
    return count;
  };
  const auto cost = [&](int points) {
    v1::ListBillingReadsRequest asked = request();
    asked.set_page_size(points);
    asked.set_period_start("2013-04-01");
    const int before = statements();
    EXPECT_TRUE(ask(asked).ok());
    EXPECT_EQ(response.usage_points_size(), points);
    return statements() - before;
  };
  drop_connections();
  cost(1);                   // whatever is asked once a connection
  const int few = cost(11);  // one exchange
  const int many = cost(kMany);
  EXPECT_GT(few, 0) << "statements are not logged";
  EXPECT_LE(many, few + 4) << "a connection more may have been opened";
  int exact = 0, exchanges = 0;
  for (const v1::BillingReads& point : response.usage_points()) {
    exact += point.reads_size() == 1 && point.reads(0).how() == v1::BillingRead::EXACT ? 1 : 0;
    exchanges += point.exchanges_size();
  }
  EXPECT_EQ(exact, kMany);
  EXPECT_EQ(exchanges, 99) << "x0010 to x0990; x1000 is the next page's";
}

}  // namespace
}  // namespace ami::rpc
