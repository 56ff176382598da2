#include <gtest/gtest.h>

#include "daemon/validation/judge.h"
#include "tests/daemon/rpc/reads_scene.h"

namespace ami::rpc {
namespace {

using testing::at;
using testing::kDelivered;
using testing::kReceived;
using testing::kVolts;
using testing::reason_of;
using testing::stamp;
using testing::text_of;
using Stub = v1::ReadingService::Stub;
using Lines = std::vector<std::string>;

// m1 at up1: delivered 1000 at 00:00Z and 1100 at 01:00Z of 8 April, quarters of 10, 20, 30 and 40 between.
class GetReadAtTest : public testing::ReadsScene {
 protected:
  GetReadAtTest() {
    fixture.now = at("2013-04-10T00:00:00Z");
    meter("m1");
    usage_point("up1");
    install("m1", "up1", "2012-01-01T00:00:00Z", {40, 0});
    reading("m1", "reg:1", kDelivered, "2013-04-08T00:00:00Z", "1000");
    reading("m1", "reg:1", kDelivered, "2013-04-08T01:00:00Z", "1100");
    quarters("m1", "lp:1", "2013-04-08T00:00:00Z", {"10", "20", "30", "40"});
    commit();
  }

  static v1::GetReadAtRequest request(const std::string& time, bool processed = false) {
    v1::GetReadAtRequest request;
    request.set_name("utilities/maui/usagePoints/up1");
    *request.mutable_time() = stamp(time);
    request.set_allow_processed(processed);
    if (processed) request.set_purpose("test of the value");
    return request;
  }
  grpc::Status ask(const v1::GetReadAtRequest& request) {
    return call(readings, &Stub::GetReadAt, request, response);
  }
  // "reg:1 EXACT 1000", "reg:1 BRACKETING 1000 -1800s 1100 +1800s", "reg:1 PROCESSED 1030.0
  // REGISTER_PLUS_INTERVALS"; or what is missing.
  Lines told(const v1::GetReadAtRequest& request) {
    const grpc::Status status = ask(request);
    if (!status.ok()) return {reason_of(status) + " " + field_of(status)};
    Lines lines;
    for (const v1::ReadAt& read : response.reads()) {
      std::string line = read.channel() + " " + v1::ReadAt::How_Name(read.how());
      if (read.has_exact()) line += " " + read.exact().value();
      if (read.has_processed())
        line +=
            " " + read.processed().value() + " " + v1::ProcessedRead::Method_Name(read.processed().method());
      if (read.has_before() && !read.has_processed())
        line += " " + read.before().value() + " -" + std::to_string(read.before_distance().seconds()) + "s";
      if (read.has_after() && !read.has_processed())
        line += " " + read.after().value() + " +" + std::to_string(read.after_distance().seconds()) + "s";
      if (!read.not_processed().empty()) line += " (" + read.not_processed() + ")";
      lines.push_back(line);
    }
    if (response.has_missing()) lines.push_back(v1::Missing::Reason_Name(response.missing().reason()));
    return lines;
  }

  v1::GetReadAtResponse response;
};

TEST_F(GetReadAtTest, AReadingOfThatInstantIsExact) {
  EXPECT_EQ(told(request("2013-04-08T01:00:00Z")), Lines{"reg:1 EXACT 1100"});
  EXPECT_EQ(told(request("2013-04-08T01:00:00Z", true)), Lines{"reg:1 EXACT 1100"})
      << "nothing is computed then";
  EXPECT_EQ(response.meter(), "utilities/maui/meters/m1");
  EXPECT_EQ(response.usage_point(), "utilities/maui/usagePoints/up1");
  EXPECT_EQ(response.time_zone(), "Pacific/Honolulu");
  const v1::RegisterValue& value = response.reads(0).exact();
  EXPECT_EQ(value.origin(), v1::ORIGIN_SOURCE_REGISTER);
  EXPECT_EQ(value.multiplier(), "40");
  EXPECT_EQ(value.quantity(), v1::ENERGY_DELIVERED);
}

TEST_F(GetReadAtTest, OtherwiseTheReadingsAroundItAreToldWithTheirDistances) {
  EXPECT_EQ(told(request("2013-04-08T00:20:00Z")), Lines{"reg:1 BRACKETING 1000 -1200s 1100 +2400s"});
  EXPECT_EQ(told(request("2013-04-08T09:00:00Z")), Lines{"reg:1 BRACKETING 1100 -28800s"});
  EXPECT_EQ(told(request("2013-04-07T23:00:00Z")), Lines{"reg:1 BRACKETING 1000 +3600s"});
}

TEST_F(GetReadAtTest, ReadingsBeyondTheDistanceDoNotCount) {
  v1::GetReadAtRequest near = request("2013-04-08T00:20:00Z");
  near.mutable_max_distance()->set_seconds(1200);
  EXPECT_EQ(told(near), Lines{"reg:1 BRACKETING 1000 -1200s"}) << "a reading at just that distance does";
  near.mutable_max_distance()->set_seconds(1199);
  EXPECT_EQ(told(near), Lines{"reg:1 MISSING"});
  near.mutable_max_distance()->set_seconds(0);
  EXPECT_EQ(told(near), Lines{"reg:1 MISSING"});
  *near.mutable_time() = stamp("2013-04-08T01:00:00Z");
  EXPECT_EQ(told(near), Lines{"reg:1 EXACT 1100"});
  EXPECT_EQ(told(request("2013-03-01T00:00:00Z")), Lines{"reg:1 MISSING"}) << "more than 35 days";
}

TEST_F(GetReadAtTest, TheSumOfIntervalsIsAddedAndSaidToBeComputed) {
  EXPECT_EQ(told(request("2013-04-08T00:30:00Z", true)),
            Lines{"reg:1 PROCESSED 1030.0 REGISTER_PLUS_INTERVALS"});
  const v1::ReadAt& read = response.reads(0);
  EXPECT_EQ(read.before().value(), "1000");
  EXPECT_EQ(read.after().value(), "1100");
  const v1::ProcessedRead& processed = read.processed();
  EXPECT_EQ(processed.origin(), v1::ORIGIN_PROCESSED);
  EXPECT_EQ(processed.algorithm(), "ami.read-at");
  EXPECT_EQ(processed.version(), 1);
  EXPECT_EQ(processed.check_difference(), "0");
  EXPECT_EQ(processed.check_bound(), "11");
  EXPECT_EQ(processed.multiplier(), "40") << "beside the value, not inside";
  ASSERT_EQ(processed.inputs_size(), 3);
  EXPECT_EQ(processed.inputs(0).channel(), "reg:1");
  EXPECT_EQ(processed.inputs(1).channel(), "lp:1");
  EXPECT_EQ(text_of(processed.inputs(1).start()), "2013-04-08T00:00:00Z");
  EXPECT_EQ(text_of(processed.inputs(1).end()), "2013-04-08T00:30:00Z");
  EXPECT_EQ(processed.inputs(1).source(), read.before().source()) << "one file held both";
  EXPECT_EQ(text_of(processed.inputs(2).start()), "2013-04-08T01:00:00Z");
  const auto accesses = fixture.log.of(CallRecord::Kind::Access);
  ASSERT_EQ(accesses.size(), 1U);
  EXPECT_EQ(accesses[0].usage_point, "up1");
  EXPECT_EQ(accesses[0].meter, "m1");
  EXPECT_EQ(accesses[0].purpose, "test of the value");
}

TEST_F(GetReadAtTest, WhereNoIntervalEndsTheValueIsOnTheLineAndSaysSo) {
  EXPECT_EQ(told(request("2013-04-08T00:20:00Z", true)), Lines{"reg:1 PROCESSED 1033 LINEAR"});
  const v1::ProcessedRead& processed = response.reads(0).processed();
  EXPECT_EQ(processed.words(), "not from the intervals: no interval ends at this time");
  ASSERT_EQ(processed.inputs_size(), 2);
  EXPECT_EQ(text_of(processed.inputs(1).start()), "2013-04-08T01:00:00Z");
}

TEST_F(GetReadAtTest, WithoutPurposeNothingIsComputed) {
  v1::GetReadAtRequest silent = request("2013-04-08T00:20:00Z", true);
  silent.clear_purpose();
  EXPECT_EQ(told(silent), Lines{"PURPOSE_REQUIRED purpose"});
  EXPECT_EQ(told(request("2013-04-08T00:20:00Z")).size(), 1U) << "readings of registers need none";
  EXPECT_TRUE(fixture.log.of(CallRecord::Kind::Access).empty());
}

TEST_F(GetReadAtTest, ChannelsAreChosenByQuantityAndVoltageIsNotComputed) {
  reading("m1", "reg:2", kReceived, "2013-04-08T00:00:00Z", "5");
  reading("m1", "v", kVolts, "2013-04-08T00:00:00Z", "240.5");
  commit();
  EXPECT_EQ(told(request("2013-04-08T00:30:00Z", true)),
            (Lines{"reg:1 PROCESSED 1030.0 REGISTER_PLUS_INTERVALS",
                   "reg:2 BRACKETING 5 -1800s (not from the intervals: there are none of the same quantity; "
                   "no line: there is no reading after it)",
                   "v BRACKETING 240.5 -1800s (it is no register that adds up)"}));
  v1::GetReadAtRequest one = request("2013-04-08T00:30:00Z");
  one.add_quantities(v1::VOLTAGE);
  EXPECT_EQ(told(one), Lines{"v BRACKETING 240.5 -1800s"});
  one.set_quantities(0, v1::CURRENT);
  EXPECT_EQ(told(one), Lines{"NO_READING"});
}

TEST_F(GetReadAtTest, MetersAreNeverMixedAcrossAnExchange) {
  meter("m2");
  remove("m1", "2013-04-08T01:00:00Z");
  install("m2", "up1", "2013-04-08T01:00:00Z");
  reading("m2", "reg:1", kDelivered, "2013-04-08T02:00:00Z", "7");
  reading("m1", "reg:1", kDelivered, "2013-04-08T02:30:00Z", "1100");  // in the workshop
  commit();
  EXPECT_EQ(told(request("2013-04-08T00:30:00Z", true)),
            Lines{"reg:1 PROCESSED 1030.0 REGISTER_PLUS_INTERVALS"});
  EXPECT_EQ(response.meter(), "utilities/maui/meters/m1");
  EXPECT_EQ(told(request("2013-04-08T01:30:00Z", true)),
            Lines{"reg:1 BRACKETING 7 +1800s (there is no reading before it to begin with)"});
  EXPECT_EQ(response.meter(), "utilities/maui/meters/m2");
  EXPECT_EQ(told(request("2013-04-08T01:00:00Z")), Lines{"reg:1 BRACKETING 7 +3600s"})
      << "at the moment of the exchange the new meter is there";
  v1::GetReadAtRequest old = request("2013-04-08T01:30:00Z");
  old.set_name("utilities/maui/meters/m1");
  EXPECT_EQ(told(old), Lines{"reg:1 BRACKETING 1100 -1800s 1100 +3600s"});
  EXPECT_EQ(response.usage_point(), "");
  remove("m2", "2013-04-08T03:00:00Z");
  EXPECT_EQ(told(request("2013-04-08T04:00:00Z")), Lines{"NO_METER"});
}

TEST_F(GetReadAtTest, TheReadingOfTheMomentOfRemovalBelongsToTheOldMeter) {
  meter("m2");
  remove("m1", "2013-04-08T01:00:00Z");
  install("m2", "up1", "2013-04-08T01:00:00Z");
  EXPECT_EQ(told(request("2013-04-08T00:20:00Z")), Lines{"reg:1 BRACKETING 1000 -1200s 1100 +2400s"});
}

TEST_F(GetReadAtTest, AWrapIsFollowedWhereTheDialIsKnownAndRefusedWhereNot) {
  meter("w1");
  usage_point("up9");
  install("w1", "up9", "2012-01-01T00:00:00Z");
  reading("w1", "reg:1", kDelivered, "2013-04-08T00:00:00Z", "99999990");
  reading("w1", "reg:1", kDelivered, "2013-04-08T01:00:00Z", "10");
  commit();
  v1::GetReadAtRequest asked = request("2013-04-08T00:45:00Z", true);
  asked.set_name("utilities/maui/usagePoints/up9");
  EXPECT_EQ(told(asked), Lines{"reg:1 BRACKETING 99999990 -2700s 10 +900s (the register ran backwards, and "
                               "its digits are not known)"});
  validation::Rules rules;
  vee::ProgrammeRule rule;
  rule.register_digits = 5;
  rule.register_decimals = 0;  // 100 000 kWh a turn
  rule.volts = Decimal{240, 0};
  rule.amps = Decimal{200, 0};
  rules.by_feed["feed-1"] = vee::default_vee_config();
  rules.by_feed["feed-1"].programmes = {rule};
  fixture.rules = std::make_shared<const validation::Rules>(rules);
  EXPECT_EQ(told(asked), Lines{"reg:1 PROCESSED 5 LINEAR"});
  EXPECT_TRUE(response.reads(0).processed().wrapped());
}

TEST_F(GetReadAtTest, SuspectReadingsAreShownAndNothingIsBuiltOnThem) {
  reading("m1", "reg:1", kDelivered, "2013-04-08T02:00:00Z", "900", {"2.5.256"});
  commit();
  EXPECT_EQ(told(request("2013-04-08T01:30:00Z", true)),
            Lines{"reg:1 BRACKETING 1100 -1800s 900 +1800s (the reading after it is suspect, estimated or of "
                  "test mode)"});
}

TEST_F(GetReadAtTest, TwoIntervalChannelsNeedTheRegistersWord) {
  quarters("m1", "lp:2", "2013-04-08T00:00:00Z", {"5", "5", "5", "5"});
  commit();
  EXPECT_EQ(told(request("2013-04-08T00:30:00Z", true)),
            Lines{"reg:1 PROCESSED 1030.0 REGISTER_PLUS_INTERVALS"})
      << "lp:2 adds up to 20, the register to 100";
  quarters("m1", "lp:1", "2013-04-08T01:00:00Z", {"1", "1"});
  quarters("m1", "lp:2", "2013-04-08T01:00:00Z", {"2", "2"});
  commit();
  EXPECT_EQ(
      told(request("2013-04-08T01:30:00Z", true)),
      Lines{"reg:1 BRACKETING 1100 -1800s (not from the intervals: those of several channels could be the "
            "register's, and the readings do not tell which; no line: there is no reading after it)"});
}

TEST_F(GetReadAtTest, EarlierMomentsAreAnsweredAsThen) {
  sql("UPDATE source SET stored_at = '2013-05-02T08:00:00Z'");
  fixture.now = at("2013-07-01T00:00:00Z");
  reading("m1", "reg:1", kDelivered, "2013-04-08T00:45:00Z", "1060");
  commit();
  sql("UPDATE source SET stored_at = '2013-06-02T08:00:00Z' WHERE name = 'file-2'");
  v1::GetReadAtRequest asked = request("2013-04-08T00:50:00Z");
  EXPECT_EQ(told(asked), Lines{"reg:1 BRACKETING 1060 -300s 1100 +600s"});
  *asked.mutable_as_of() = stamp("2013-06-01T00:00:00Z");
  EXPECT_EQ(told(asked), Lines{"reg:1 BRACKETING 1000 -3000s 1100 +600s"});
  *asked.mutable_as_of() = stamp("2013-05-01T00:00:00Z");
  EXPECT_EQ(told(asked), Lines{"reg:1 MISSING"});
}

TEST_F(GetReadAtTest, WhatWasTakenBackIsNoReading) {
  reading("m1", "reg:1", kDelivered, "2013-04-08T00:45:00Z", "1060");
  commit();
  sql("INSERT INTO withdrawal (channel_id, source_id, cause, at) SELECT channel_id, source_id, 'test', "
      " now() - interval '1 minute' FROM register_read WHERE mantissa = 1060");
  EXPECT_EQ(told(request("2013-04-08T00:50:00Z")), Lines{"reg:1 BRACKETING 1000 -3000s 1100 +600s"});
}

TEST_F(GetReadAtTest, BadRequestsSayWhichField) {
  const auto refused = [&](auto&& change) {
    v1::GetReadAtRequest bad = request("2013-04-08T00:30:00Z");
    change(bad);
    const grpc::Status status = ask(bad);
    return reason_of(status) + " " + field_of(status);
  };
  EXPECT_EQ(refused([](auto& r) { r.set_name("up1"); }), "INVALID_FIELD name");
  EXPECT_EQ(refused([](auto& r) { r.set_name("utilities/maui/usagePoints/up1x"); }),
            "USAGE_POINT_NOT_FOUND ");
  EXPECT_EQ(refused([](auto& r) { r.set_name("utilities/oahu/meters/m1"); }), "METER_NOT_FOUND ");
  EXPECT_EQ(refused([](auto& r) { r.set_name("utilities/kauai/meters/m1"); }), "UTILITY_NOT_FOUND ");
  EXPECT_EQ(refused([](auto& r) { r.clear_time(); }), "INVALID_FIELD time");
  EXPECT_EQ(refused([](auto& r) { *r.mutable_time() = stamp("2013-04-10T00:00:01Z"); }),
            "INVALID_FIELD time");
  EXPECT_EQ(refused([](auto& r) { r.mutable_max_distance()->set_seconds(-1); }),
            "INVALID_FIELD max_distance");
  EXPECT_EQ(refused([](auto& r) { r.mutable_max_distance()->set_seconds(400 * 86'400 + 1); }),
            "INVALID_FIELD max_distance");
  EXPECT_EQ(refused([](auto& r) { r.mutable_max_distance()->set_seconds(400 * 86'400); }), " ");
  EXPECT_EQ(refused([](auto& r) { r.add_quantities(v1::QUANTITY_UNSPECIFIED); }), "INVALID_FIELD quantities");
  EXPECT_EQ(refused([](auto& r) { r.set_layer(static_cast<v1::Layer>(9)); }), "INVALID_FIELD layer");
  EXPECT_EQ(refused([](auto& r) { *r.mutable_as_of() = stamp("2013-04-11T00:00:00Z"); }),
            "INVALID_FIELD as_of");
}

}  // namespace
}  // namespace ami::rpc
