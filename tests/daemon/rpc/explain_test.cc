#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "daemon/validation/judge.h"
#include "tests/daemon/rpc/reads_scene.h"

namespace ami::rpc {
namespace {

using testing::at;
using testing::kDelivered;
using testing::kQuarterHours;
using testing::kVolts;
using testing::reason_of;
using testing::stamp;
using testing::text_of;
using Stub = v1::ReadingService::Stub;
using Lines = std::vector<std::string>;

// m1 at up1, multiplier 40, Honolulu: 8 April 2013 is [8th 10:00Z, 9th 10:00Z), 96 quarters. Ke 1 Wh,
// register in Wh.
class ExplainTest : public testing::ReadsScene {
 protected:
  ExplainTest() {
    fixture.now = at("2013-04-12T00:00:00Z");
    meter("m1", "AXR-SD");
    usage_point("up1");
    install("m1", "up1", "2012-01-01T00:00:00Z", {40, 0});
    use_profile("head_end");
  }

  void use_profile(const std::string& name) {
    validation::Rules rules;
    vee::VeeConfig config = vee::default_vee_config();
    config.profile = name;
    vee::ProgrammeRule rule;
    rule.ke_wh = Decimal{1, 0};
    rule.register_digits = 9;
    rule.register_decimals = 3;
    rule.volts = Decimal{240, 0};
    rule.amps = Decimal{200, 0};
    config.programmes = {rule};
    rules.by_feed["feed-1"] = config;
    fixture.rules = std::make_shared<const validation::Rules>(rules);
  }
  // 8, 9, 10, 11, 12, 8, … : 20 rounds less one quarter make 958 in 96 quarters (19 x 50 = 950, and one 8).
  static std::vector<std::string> day_values() {
    std::vector<std::string> values;
    for (int i = 0; i < 96; ++i) values.push_back(std::to_string(8 + i % 5));
    return values;
  }

  static v1::ExplainRequest request(const std::string& name = "meters/m1") {
    v1::ExplainRequest request;
    request.set_name("utilities/maui/" + name);
    request.set_day("2013-04-08");
    request.set_purpose("complaint 4711");
    return request;
  }
  grpc::Status ask(const v1::ExplainRequest& request) {
    return call(readings, &Stub::Explain, request, response);
  }
  // The only day of an answer that is expected to be one.
  const v1::ExplainedDay& day(const v1::ExplainRequest& asked = request()) {
    const grpc::Status status = ask(asked);
    EXPECT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(response.days_size(), 1);
    return response.days_size() == 1 ? response.days(0) : none_;
  }
  static const v1::ExplainedChannel& channel(const v1::ExplainedDay& day, const std::string& key) {
    static const v1::ExplainedChannel none;
    const auto found = std::ranges::find(day.channels(), key, &v1::ExplainedChannel::channel);
    EXPECT_NE(found, day.channels().end()) << key;
    return found == day.channels().end() ? none : *found;
  }
  template <class Checks>
  static Lines verdicts(const Checks& checks, const std::string& id) {
    Lines out;
    for (const v1::CheckResult& check : checks) {
      if (check.check() == id) out.push_back(v1::CheckResult::Verdict_Name(check.verdict()));
    }
    return out;
  }
  static std::string figure(const google::protobuf::RepeatedPtrField<v1::Figure>& figures,
                            const std::string& name) {
    for (const v1::Figure& one : figures) {
      if (one.name() == name) return one.value() + (one.unit().empty() ? "" : " " + one.unit());
    }
    return "none";
  }

  v1::ExplainResponse response;

 private:
  const v1::ExplainedDay none_;
};

TEST_F(ExplainTest, ASoundDayPassesItsChecksAndTellsWhereEachValueCameFrom) {
  reading("m1", "ssn:reg:1", kDelivered, "2013-04-08T10:00:00Z", "10000");
  reading("m1", "ssn:reg:1", kDelivered, "2013-04-09T10:00:00Z", "10958");
  quarters("m1", "ssn:lp:1", "2013-04-08T10:00:00Z", day_values());
  commit();
  fixture.kept.emplace(std::string(64, 'b'), "the file");
  sql("INSERT INTO raw_content (utility_id, feed, content_sha256, name, bytes, compressed_bytes, "
      "received_at) SELECT "
      "utility_id, feed, content_sha256, name, 8, 8, received_at FROM source");

  const v1::ExplainedDay& told = day();
  EXPECT_EQ(told.meter(), "utilities/maui/meters/m1");
  EXPECT_EQ(told.day(), "2013-04-08");
  EXPECT_EQ(told.time_zone(), "Pacific/Honolulu");
  EXPECT_EQ(text_of(told.start()), "2013-04-08T10:00:00Z");
  EXPECT_EQ(text_of(told.end()), "2013-04-09T10:00:00Z");
  ASSERT_EQ(told.stays_size(), 1);
  EXPECT_EQ(told.stays(0).usage_point(), "utilities/maui/usagePoints/up1");
  EXPECT_EQ(told.stays(0).multiplier(), "40");
  EXPECT_EQ(told.feed(), "feed-1");
  EXPECT_TRUE(told.profile().starts_with("head_end/")) << told.profile();
  EXPECT_TRUE(told.judged());
  EXPECT_EQ(text_of(told.judged_at()), "2013-04-12T00:00:00Z");

  const v1::ExplainedChannel& intervals = channel(told, "ssn:lp:1");
  EXPECT_EQ(intervals.quantity(), v1::ENERGY_DELIVERED);
  EXPECT_EQ(intervals.reading_type(), kQuarterHours);
  EXPECT_EQ(intervals.origin(), v1::ORIGIN_METER_RECORDER) << "an AXR has a recorder of its own";
  EXPECT_EQ(intervals.length_s(), 900);
  ASSERT_EQ(intervals.slots_size(), 96);
  EXPECT_EQ(intervals.slots(1).value(), "9.0");
  EXPECT_EQ(text_of(intervals.slots(1).start()), "2013-04-08T10:15:00Z");
  EXPECT_EQ(intervals.paired(), "ssn:reg:1");
  EXPECT_EQ(verdicts(intervals.checks(), "V14"), Lines{"PASSED"});
  EXPECT_TRUE(intervals.findings().empty());
  ASSERT_EQ(intervals.standings_size(), 1);
  EXPECT_EQ(intervals.standings(0).type_approval(), v1::TYPE_APPROVAL_NO_REGIME);
  EXPECT_EQ(text_of(intervals.standings(0).start()), "2013-04-08T10:00:00Z");
  EXPECT_EQ(text_of(intervals.standings(0).end()), "2013-04-09T10:00:00Z");
  ASSERT_EQ(intervals.registers_size(), 2);
  EXPECT_EQ(intervals.registers(1).value(), "10958");
  EXPECT_EQ(intervals.registers(1).channel(), "ssn:reg:1");
  EXPECT_EQ(channel(told, "ssn:reg:1").registers_size(), 2);

  ASSERT_EQ(told.sources_size(), 1);
  const v1::RawReference& source = told.sources(0);
  EXPECT_EQ(source.number(), 1);
  EXPECT_EQ(intervals.slots(0).source(), 1);
  EXPECT_EQ(intervals.registers(0).source(), 1);
  EXPECT_TRUE(source.source().starts_with("utilities/maui/sources/"));
  EXPECT_EQ(source.feed(), "feed-1");
  EXPECT_EQ(source.file(), "file-1");
  EXPECT_EQ(source.content_sha256(), std::string(64, 'b'));
  EXPECT_EQ(source.offset(), 17);
  EXPECT_EQ(source.length(), 1000);
  EXPECT_EQ(source.mapping_version(), 3);
  EXPECT_EQ(text_of(source.received_at()), "2013-04-09T14:00:00Z");
  EXPECT_TRUE(source.has_stored_at());
  EXPECT_TRUE(source.kept());

  const auto accesses = fixture.log.of(CallRecord::Kind::Access);
  ASSERT_EQ(accesses.size(), 1U);
  EXPECT_EQ(accesses[0].rpc, "/ami.v1.ReadingService/Explain");
  EXPECT_EQ(accesses[0].usage_point, "up1");
  EXPECT_EQ(accesses[0].meter, "m1");
  EXPECT_EQ(accesses[0].purpose, "complaint 4711");
  EXPECT_EQ(accesses[0].period, (storage::Period{at("2013-04-08T10:00:00Z"), at("2013-04-09T10:00:00Z")}));
}

TEST_F(ExplainTest, AMismatchComesWithItsNumbersAndWhatWouldExplainIt) {
  reading("m1", "ssn:reg:1", kDelivered, "2013-04-08T10:00:00Z", "10000");
  reading("m1", "ssn:reg:1", kDelivered, "2013-04-09T10:00:00Z", "11724.4");  // 958 x 1.8: another Ke
  quarters("m1", "ssn:lp:1", "2013-04-08T10:00:00Z", day_values());
  commit();
  const v1::ExplainedChannel& intervals = channel(day(), "ssn:lp:1");
  EXPECT_EQ(verdicts(intervals.checks(), "V14"), Lines{"FAILED"});
  const auto found =
      std::ranges::find(intervals.findings(), std::string("V14"), &v1::ExplainedFinding::check);
  ASSERT_NE(found, intervals.findings().end());
  EXPECT_EQ(found->quality_code(), "2.6.0");
  EXPECT_EQ(found->first_slot(), 0);
  EXPECT_EQ(found->slots(), 96);
  EXPECT_EQ(text_of(found->start()), "2013-04-08T10:00:00Z");
  EXPECT_EQ(text_of(found->end()), "2013-04-09T10:00:00Z");
  EXPECT_EQ(Decimal::parse(figure(found->figures(), "sum of intervals").substr(0, 3)).value(),
            (Decimal{958, 0}));
  EXPECT_EQ(figure(found->figures(), "register difference"), "1724.4 Wh");
  EXPECT_EQ(figure(found->figures(), "bound"), "2 Wh") << "1 Wh of the register and 1 Wh of the pulse";
  EXPECT_EQ(figure(found->figures(), "by"), "764.4 Wh");
  EXPECT_FALSE(found->words().empty());
  const v1::Diagnosis& diagnosis = found->diagnosis();
  EXPECT_EQ(diagnosis.identity(), "SUM");
  EXPECT_EQ(diagnosis.unit(), "Wh");
  EXPECT_NE(diagnosis.by().find("766.4"), std::string::npos) << diagnosis.by();
  ASSERT_FALSE(diagnosis.causes().empty());
  EXPECT_EQ(diagnosis.causes(0).cause(), "WRONG_KE");
  EXPECT_FALSE(diagnosis.causes(0).words().empty());
  EXPECT_FALSE(diagnosis.causes(0).figures().empty());
  for (const v1::ExplainedSlot& slot : intervals.slots()) {
    EXPECT_EQ(slot.found_size(), 1);
    EXPECT_EQ(slot.quality().codes_size(), 0) << "what was sent stays what it was";
  }
}

TEST_F(ExplainTest, AHoleIsMissingOnceTheGraceIsOver) {
  std::vector<std::string> values = day_values();
  values[40] = "";
  quarters("m1", "ssn:lp:1", "2013-04-08T10:00:00Z", values);
  commit();
  fixture.now = at("2013-04-10T15:00:00Z");  // 29 h after the end of the day
  {
    const v1::ExplainedDay& early = day();
    EXPECT_EQ(text_of(early.again_at()), "2013-04-10T16:00:00Z");
    EXPECT_EQ(channel(early, "ssn:lp:1").slots(40).value(), "");
    EXPECT_TRUE(channel(early, "ssn:lp:1").slots(40).found().empty());
  }
  fixture.now = at("2013-04-10T17:00:00Z");
  const v1::ExplainedDay& late = day();
  EXPECT_FALSE(late.has_again_at());
  const v1::ExplainedChannel& intervals = channel(late, "ssn:lp:1");
  ASSERT_EQ(intervals.slots(40).found_size(), 1);
  EXPECT_EQ(intervals.slots(40).found(0), "2.5.259");
  EXPECT_EQ(intervals.slots(40).estimate(), "") << "this profile estimates nothing";
  EXPECT_EQ(intervals.slots(41).found_size(), 0);
  EXPECT_EQ(verdicts(intervals.checks(), "V07"), Lines{"FAILED"});
  EXPECT_EQ(verdicts(intervals.checks(), "V14"), Lines{"NOT_JUDGED"}) << "there is no register";
}

TEST_F(ExplainTest, EstimatesCiteWhatTheyWereMadeFrom) {
  use_profile("full");
  std::vector<std::string> values = day_values();
  values[40] = values[41] = "";  // between 12 (i = 39) and 10 (i = 42)
  quarters("m1", "ssn:lp:1", "2013-04-08T10:00:00Z", values);
  commit();
  const v1::ExplainedChannel& intervals = channel(day(), "ssn:lp:1");
  ASSERT_EQ(intervals.estimates_size(), 1);
  const v1::ExplainedEstimate& estimate = intervals.estimates(0);
  EXPECT_EQ(estimate.method(), "LINEAR");
  EXPECT_EQ(estimate.algorithm(), "ami.vee.interval-estimation");
  EXPECT_GE(estimate.version(), 1);
  EXPECT_EQ(text_of(estimate.start()), "2013-04-08T20:00:00Z");
  EXPECT_EQ(text_of(estimate.end()), "2013-04-08T20:30:00Z");
  ASSERT_EQ(estimate.inputs_size(), 2);
  EXPECT_EQ(estimate.inputs(0).kind(), "ANCHOR");
  EXPECT_EQ(text_of(estimate.inputs(0).time()), "2013-04-08T19:45:00Z");
  EXPECT_EQ(text_of(estimate.inputs(1).time()), "2013-04-08T20:30:00Z");
  // 12 - 2/3 and 12 - 4/3, at a tenth.
  EXPECT_EQ(intervals.slots(40).estimate(), "11.3");
  EXPECT_EQ(intervals.slots(41).estimate(), "10.7");
  EXPECT_EQ(intervals.slots(40).estimate_number(), 1);
  EXPECT_EQ(intervals.slots(40).value(), "") << "the hole stays a hole";
}

// Two quarters come late: missing and estimated at first, then there, then judged anew.
class ExplainThenTest : public ExplainTest {
 protected:
  ExplainThenTest() {
    use_profile("full");
    std::vector<std::string> values = day_values();
    values[40] = values[41] = "";
    quarters("m1", "ssn:lp:1", "2013-04-08T10:00:00Z", values);
    reading("m1", "ssn:reg:1", kDelivered, "2013-04-08T10:00:00Z", "10000");
    reading("m1", "ssn:reg:1", kDelivered, "2013-04-08T12:00:00Z", "9000");  // it ran backwards
    commit();
    stored_at("2013-04-09T12:00:00Z");
    validate("2013-04-11T11:00:00Z");  // reads the changes, which have to settle
    validate("2013-04-11T12:00:00Z");
    quarters("m1", "ssn:lp:1", "2013-04-08T20:00:00Z", {"5", "6"});
    event("m1", "2013-04-08T21:00:00Z", "OUTAGE");
    event("m1", "2013-04-08T21:05:00Z", "RESTORATION");
    commit();
    stored_at("2013-04-11T18:00:00Z");
    validate("2013-04-11T19:00:00Z");
    validate("2013-04-11T20:00:00Z");
  }
  void stored_at(const std::string& when) const {
    sql("UPDATE source SET stored_at = '" + when + "' WHERE stored_at > '2014-01-01'");
  }
  void validate(const std::string& now) {
    storage::Validation validation(fixture.database);
    for (int i = 0; i < 100; ++i) {
      const auto step = validation.step({}, at(now), [&](const storage::MeterDayFacts& facts) {
        return validation::judge(facts, *fixture.rules, at(now)).verdict;
      });
      ASSERT_TRUE(step.ok()) << step.error().message;
      if (!step->more) return;
    }
    FAIL() << "never done";
  }
  const v1::ExplainedDay& then(const std::string& when) {
    v1::ExplainRequest asked = request();
    *asked.mutable_as_of() = stamp(when);
    return day(asked);
  }
  // "value estimate(number) code ..." of a slot.
  static std::string line(const v1::ExplainedSlot& slot) {
    std::string out = slot.value().empty() ? "-" : slot.value();
    if (!slot.estimate().empty())
      out += " " + slot.estimate() + "(" + std::to_string(slot.estimate_number()) + ")";
    for (const std::string& code : slot.found()) out += " " + code;
    return out;
  }
};

TEST_F(ExplainThenTest, AsOfAMomentThereIsWhatStoodThen) {
  {
    const v1::ExplainedDay& before = then("2013-04-11T00:00:00Z");  // received, not judged
    const v1::ExplainedChannel& intervals = channel(before, "ssn:lp:1");
    ASSERT_EQ(intervals.slots_size(), 96);
    EXPECT_EQ(line(intervals.slots(39)), "12.0");
    EXPECT_EQ(line(intervals.slots(40)), "-");
    EXPECT_TRUE(intervals.findings().empty());
    EXPECT_TRUE(intervals.estimates().empty());
    EXPECT_EQ(before.profile(), "");
    EXPECT_TRUE(before.outages().empty()) << "nobody had told of it";
  }
  {
    const v1::ExplainedDay& judged = then("2013-04-11T13:00:00Z");
    EXPECT_EQ(text_of(judged.as_of()), "2013-04-11T13:00:00Z");
    EXPECT_EQ(judged.feed(), "feed-1");
    EXPECT_TRUE(judged.profile().starts_with("full/")) << judged.profile();
    const v1::ExplainedChannel& intervals = channel(judged, "ssn:lp:1");
    EXPECT_EQ(line(intervals.slots(40)), "- 11.3(1) 2.5.259");
    EXPECT_EQ(line(intervals.slots(41)), "- 10.7(1) 2.5.259");
    ASSERT_EQ(intervals.estimates_size(), 1);
    const v1::ExplainedEstimate& estimate = intervals.estimates(0);
    EXPECT_EQ(estimate.method(), "LINEAR");
    EXPECT_FALSE(estimate.register_scaled());
    EXPECT_EQ(text_of(estimate.start()), "2013-04-08T20:00:00Z");
    EXPECT_EQ(text_of(estimate.end()), "2013-04-08T20:30:00Z");
    ASSERT_EQ(estimate.inputs_size(), 2);
    EXPECT_EQ(estimate.inputs(1).kind(), "ANCHOR");
    EXPECT_EQ(text_of(estimate.inputs(1).time()), "2013-04-08T20:30:00Z");
    const auto missing =
        std::ranges::find(intervals.findings(), std::string("V07"), &v1::ExplainedFinding::check);
    ASSERT_NE(missing, intervals.findings().end());
    EXPECT_EQ(missing->quality_code(), "2.5.259");
    EXPECT_EQ(missing->first_slot(), 40);
    EXPECT_EQ(missing->slots(), 2);
    EXPECT_EQ(missing->advice(), "KEEP");
    EXPECT_FALSE(missing->words().empty());
    const v1::ExplainedChannel& dial = channel(judged, "ssn:reg:1");
    ASSERT_EQ(dial.registers_size(), 2);
    ASSERT_EQ(dial.registers(1).found_size(), 1);
    EXPECT_EQ(dial.registers(1).found(0), "2.5.258");
    EXPECT_EQ(dial.findings_size(), 1);
  }
  EXPECT_EQ(line(channel(then("2013-04-11T18:30:00Z"), "ssn:lp:1").slots(40)), "5.0 2.5.259")
      << "it had come, and the day had not been judged again: as every read said then";
  {
    const v1::ExplainedDay& again = then("2013-04-11T21:00:00Z");
    EXPECT_EQ(line(channel(again, "ssn:lp:1").slots(40)), "5.0");
    EXPECT_TRUE(channel(again, "ssn:lp:1").estimates().empty());
    ASSERT_EQ(again.outages_size(), 1);
    EXPECT_EQ(again.events_size(), 2);
  }
}

TEST_F(ExplainThenTest, WhatNobodyNotedIsNamedAndNotTakenFromNow) {
  const v1::ExplainedDay& told = then("2013-04-11T13:00:00Z");
  EXPECT_FALSE(told.judged());
  EXPECT_FALSE(told.has_judged_at());
  EXPECT_FALSE(told.has_again_at());
  EXPECT_TRUE(told.checks().empty());
  for (const v1::ExplainedChannel& one : told.channels()) {
    EXPECT_TRUE(one.checks().empty()) << one.channel();
    EXPECT_TRUE(one.unfilled().empty());
    EXPECT_EQ(one.paired() + one.pairing(), "");
    EXPECT_TRUE(one.assumed().empty());
    for (const v1::ExplainedFinding& finding : one.findings()) {
      EXPECT_FALSE(finding.has_diagnosis());
      EXPECT_TRUE(finding.figures().empty());
    }
  }
  EXPECT_EQ(told.not_told_size(), 5);
  use_profile("off");  // today's thresholds have no part in it
  const v1::ExplainedDay& same = then("2013-04-11T13:00:00Z");
  EXPECT_EQ(line(channel(same, "ssn:lp:1").slots(40)), "- 11.3(1) 2.5.259");
  const v1::ExplainedDay& now = day();
  EXPECT_TRUE(now.not_told().empty());
  EXPECT_FALSE(now.has_as_of());
}

TEST_F(ExplainThenTest, ItSaysWhatStreamIntervalsSaysOfThatMoment) {
  for (const char* when :
       {"2013-04-11T00:00:00Z", "2013-04-11T13:00:00Z", "2013-04-11T18:30:00Z", "2013-04-11T21:00:00Z"}) {
    v1::StreamIntervalsRequest asked;
    asked.add_names("utilities/maui/meters/m1");
    *asked.mutable_start() = stamp("2013-04-08T10:00:00Z");
    *asked.mutable_end() = stamp("2013-04-09T10:00:00Z");
    *asked.mutable_as_of() = stamp(when);
    asked.set_purpose("comparison");
    asked.set_layer(v1::BEST);
    grpc::ClientContext context;
    const auto reader = readings->StreamIntervals(&context, asked);
    std::map<std::uint32_t, v1::Quality> qualities;
    std::map<std::string, std::string> streamed;
    v1::StreamIntervalsResponse message;
    while (reader->Read(&message)) {
      for (const auto& entry : message.dictionary().qualities()) qualities[entry.number()] = entry.quality();
      const v1::Block& block = message.block();
      for (int i = 0; i < block.mantissas_size(); ++i) {
        if (!block.missing().empty() &&
            ((static_cast<unsigned char>(block.missing()[static_cast<std::size_t>(i / 8)]) >> (i % 8)) & 1) !=
                0)
          continue;
        std::string text = Decimal{block.mantissas(i), block.exponent()}.normalised().to_string();
        for (const auto& run : block.qualities()) {
          if (static_cast<std::uint32_t>(i) < run.first() ||
              static_cast<std::uint32_t>(i) >= run.first() + run.count())
            continue;
          for (const std::string& code : qualities[run.number()].codes()) {
            if (code != "2.8.0") text += " " + code;  // that it is an estimate is said otherwise here
          }
        }
        google::protobuf::Timestamp start = block.first_start();
        start.set_seconds(start.seconds() + std::int64_t{block.length_s()} * i);
        streamed[text_of(start)] = text;
      }
    }
    ASSERT_TRUE(reader->Finish().ok());
    std::map<std::string, std::string> explained;
    for (const v1::ExplainedSlot& slot : channel(then(when), "ssn:lp:1").slots()) {
      if (slot.value().empty() && slot.estimate().empty()) continue;
      std::string text = Decimal::parse(slot.value().empty() ? slot.estimate() : slot.value())
                             .value()
                             .normalised()
                             .to_string();
      // A code of a hole gives way to the estimate's.
      for (const std::string& code : slot.found()) text += slot.value().empty() ? "" : " " + code;
      explained[text_of(slot.start())] = text;
    }
    EXPECT_EQ(explained, streamed) << when;
    EXPECT_GE(streamed.size(), 94U);
  }
}

TEST_F(ExplainThenTest, AMomentOfTheFutureOrNoneIsRefusedAndOneBeforeAllDataIsEmpty) {
  v1::ExplainRequest bad = request();
  *bad.mutable_as_of() = stamp("2013-04-12T00:00:01Z");
  EXPECT_EQ(field_of(ask(bad)), "as_of");
  bad.mutable_as_of()->set_nanos(-1);
  EXPECT_EQ(field_of(ask(bad)), "as_of");
  const v1::ExplainedDay& nothing = then("2012-06-01T00:00:00Z");
  for (const v1::ExplainedChannel& one : nothing.channels()) {
    EXPECT_TRUE(one.findings().empty());
    for (const v1::ExplainedSlot& slot : one.slots()) EXPECT_EQ(line(slot), "-");
    EXPECT_TRUE(one.registers().empty());
  }
  EXPECT_TRUE(nothing.sources().empty());
}

TEST_F(ExplainTest, WhatElseWasSaidOfASlotIsTold) {
  quarters("m1", "ssn:lp:1", "2013-04-08T10:00:00Z", day_values());
  commit();
  quarters("m1", "ssn:lp:1", "2013-04-08T10:00:00Z", {"7"}, {"1.2.32"});
  commit();
  const v1::ExplainedDay& told = day();
  const v1::ExplainedSlot& slot = channel(told, "ssn:lp:1").slots(0);
  ASSERT_EQ(slot.others_size(), 1);
  // What lost may carry fewer zeros behind its point.
  const Decimal won = Decimal::parse(slot.value()).value(),
                lost = Decimal::parse(slot.others(0).value()).value();
  const bool seven = won == Decimal{7, 0};
  EXPECT_EQ(won, (Decimal{seven ? 7 : 8, 0}));
  EXPECT_EQ(lost, (Decimal{seven ? 8 : 7, 0}));
  EXPECT_TRUE(slot.others(0).contradiction()) << "both have the same creation stamp: none";
  EXPECT_EQ(slot.quality().codes_size(), seven ? 1 : 0);
  EXPECT_EQ(channel(told, "ssn:lp:1").slots(1).others_size(), 0);
  EXPECT_EQ(told.sources_size(), seven ? 2 : 1);
}

TEST_F(ExplainTest, OutagesAndEventsOfTheDayAreTold) {
  quarters("m1", "ssn:lp:1", "2013-04-08T10:00:00Z", day_values());
  event("m1", "2013-04-08T08:00:00Z", "OUTAGE");
  event("m1", "2013-04-08T12:00:00Z", "RESTORATION");
  commit();
  const v1::ExplainedDay& told = day();
  ASSERT_EQ(told.outages_size(), 1);
  EXPECT_EQ(text_of(told.outages(0).start()), "2013-04-08T10:00:00Z") << "cut at the begin of the day";
  EXPECT_EQ(text_of(told.outages(0).end()), "2013-04-08T12:00:00Z");
  ASSERT_EQ(told.events_size(), 1);
  EXPECT_EQ(told.events(0).kind(), "RESTORATION");
}

TEST_F(ExplainTest, AUsagePointWithAnExchangeHasTwoMetersThatDay) {
  meter("m2", "AX");
  quarters("m1", "ssn:lp:1", "2013-04-08T10:00:00Z", {"8", "9"});
  commit();
  remove("m1", "2013-04-08T20:00:00Z");
  install("m2", "up1", "2013-04-08T20:00:00Z");
  quarters("m2", "ssn:lp:1", "2013-04-08T20:00:00Z", {"5"});
  commit();
  ASSERT_TRUE(ask(request("usagePoints/up1")).ok());
  ASSERT_EQ(response.days_size(), 2);
  EXPECT_EQ(response.days(0).meter(), "utilities/maui/meters/m1");
  EXPECT_EQ(response.days(1).meter(), "utilities/maui/meters/m2");
  EXPECT_EQ(text_of(response.days(1).stays(0).start()), "2013-04-08T20:00:00Z");
  EXPECT_EQ(fixture.log.of(CallRecord::Kind::Access).size(), 2U);
  v1::ExplainRequest later = request("usagePoints/up1");
  later.set_day("2013-04-09");
  ASSERT_TRUE(ask(later).ok());
  EXPECT_EQ(response.days_size(), 1);
  usage_point("empty");
  ASSERT_TRUE(ask(request("usagePoints/empty")).ok());
  EXPECT_EQ(response.days_size(), 0);
}

TEST_F(ExplainTest, ProfileOffShowsTheValuesAndJudgesNothing) {
  use_profile("off");
  reading("m1", "ssn:v", kVolts, "2013-04-08T12:00:00Z", "240.5");
  quarters("m1", "ssn:lp:1", "2013-04-08T10:00:00Z", day_values());
  commit();
  const v1::ExplainedDay& told = day();
  EXPECT_FALSE(told.judged());
  EXPECT_TRUE(told.checks().empty());
  EXPECT_EQ(channel(told, "ssn:lp:1").slots_size(), 96);
  EXPECT_EQ(channel(told, "ssn:lp:1").slots(95).value(), "8.0");
  EXPECT_EQ(channel(told, "ssn:v").registers(0).value(), "240.5");
}

TEST_F(ExplainTest, ChannelsAreChosenByNameAndQuantity) {
  reading("m1", "ssn:v", kVolts, "2013-04-08T12:00:00Z", "240.5");
  quarters("m1", "ssn:lp:1", "2013-04-08T10:00:00Z", day_values());
  commit();
  v1::ExplainRequest one = request();
  one.set_channel("ssn:lp:1");
  EXPECT_EQ(day(one).channels_size(), 1);
  one.add_quantities(v1::VOLTAGE);
  EXPECT_EQ(day(one).channels_size(), 0);
  one.clear_channel();
  ASSERT_EQ(day(one).channels_size(), 1);
  EXPECT_EQ(response.days(0).channels(0).channel(), "ssn:v");
  one.set_channel("ssn:lp:9");
  const grpc::Status status = ask(one);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(reason_of(status), "CHANNEL_NOT_FOUND");
  EXPECT_NE(status.error_message().find("ssn:lp:1, ssn:v"), std::string::npos) << status.error_message();
}

TEST_F(ExplainTest, ADayOfTwentyThreeHoursHasNinetyTwoQuarters) {
  meter("m3");
  usage_point("up3", "America/Toronto");
  install("m3", "up3", "2012-01-01T00:00:00Z");
  std::vector<std::string> values(92, "");
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = std::to_string(8 + i % 5);
  quarters("m3", "ssn:lp:1", "2013-03-10T05:00:00Z", values);
  commit();
  v1::ExplainRequest asked = request("usagePoints/up3");
  asked.set_day("2013-03-10");
  const v1::ExplainedDay& told = day(asked);
  EXPECT_EQ(text_of(told.end()), "2013-03-11T04:00:00Z");
  EXPECT_EQ(channel(told, "ssn:lp:1").slots_size(), 92);
  EXPECT_EQ(verdicts(channel(told, "ssn:lp:1").checks(), "V07"), Lines{"PASSED"});
}

TEST_F(ExplainTest, BadRequestsSayWhichFieldAndNothingIsLogged) {
  const auto refused = [&](auto&& change) {
    v1::ExplainRequest bad = request();
    change(bad);
    const grpc::Status status = ask(bad);
    return reason_of(status) + " " + field_of(status);
  };
  EXPECT_EQ(refused([](auto& r) { r.set_name("m1"); }), "INVALID_FIELD name");
  EXPECT_EQ(refused([](auto& r) { r.set_name("utilities/maui/meters/m1x"); }), "METER_NOT_FOUND ");
  EXPECT_EQ(refused([](auto& r) { r.set_name("utilities/oahu/meters/m1"); }), "METER_NOT_FOUND ");
  EXPECT_EQ(refused([](auto& r) { r.set_name("utilities/kauai/meters/m1"); }), "UTILITY_NOT_FOUND ");
  EXPECT_EQ(refused([](auto& r) { r.clear_purpose(); }), "PURPOSE_REQUIRED purpose");
  EXPECT_EQ(refused([](auto& r) { r.set_purpose("x"); }), "PURPOSE_REQUIRED purpose");
  for (const char* day : {"", "2013-04-31", "8 April", "2013-4-8", "1969-12-31"}) {
    EXPECT_EQ(refused([&](auto& r) { r.set_day(day); }), "INVALID_FIELD day") << day;
  }
  EXPECT_EQ(refused([](auto& r) { r.add_quantities(v1::QUANTITY_UNSPECIFIED); }), "INVALID_FIELD quantities");
  EXPECT_EQ(refused([](auto& r) { r.set_channel("a\nb"); }), "INVALID_FIELD channel");
  EXPECT_EQ(refused([](auto& r) { r.set_on_behalf_of(std::string(129, 'x')); }),
            "INVALID_FIELD on_behalf_of");
  EXPECT_TRUE(fixture.log.of(CallRecord::Kind::Access).empty());
}

}  // namespace
}  // namespace ami::rpc
