// What validation found, through the API: lists, having it look again, the layers of reads and the change
// feed.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "ami/v1/collection_service.grpc.pb.h"
#include "tests/daemon/rpc/reads_scene.h"

namespace ami::rpc {
namespace {

using testing::at;
using testing::kDelivered;
using testing::reason_of;
using testing::stamp;
using testing::text_of;
using Lines = std::vector<std::string>;
using Stub = v1::CollectionService::Stub;

// m1 and m2 with four quarters of 8 April (Honolulu), the third missing. The judge of the test finds 2.6.0 in
// the second of m1 and estimates the third of both as 5.5.
class FindingsTest : public testing::ReadsScene {
 protected:
  FindingsTest() {
    collection = v1::CollectionService::NewStub(channel);
    fixture.now = at("2013-06-01T00:00:00Z");
    for (const std::string key : {"m1", "m2"}) {
      meter(key, "AXR");
      usage_point("p-" + key);
      install(key, "p-" + key, "2012-01-01T00:00:00Z");
      quarters(key, "lp:1", "2013-04-08T12:00:00Z", {"1", "2", "", "4"});
    }
    commit();
    judge = [this](const storage::MeterDayFacts& facts) {
      ++judged;
      storage::DayVerdict verdict;
      verdict.profile = "test/1";
      for (const storage::IntervalBlock& block : facts.intervals) {
        const UtcInstant first = at("2013-04-08T12:00:00Z");
        if (!facts.day.contains(first)) continue;
        const auto quarter = std::chrono::minutes{15};
        if (facts.meter_key == "m1") {
          verdict.findings.push_back({block.channel,
                                      quarter,
                                      {first + quarter, first + 2 * quarter},
                                      14,
                                      {2, 6, 0},
                                      "KEEP",
                                      "off by 3 Wh"});
        }
        verdict.estimates.push_back({block.channel,
                                     first + 2 * quarter,
                                     quarter,
                                     -1,
                                     {55},
                                     "LINEAR",
                                     "ami.vee.interval-estimation",
                                     1,
                                     "{}"});
      }
      return verdict;
    };
  }

  void validate() {
    storage::Validation validation(fixture.database);
    for (int i = 0; i < 100; ++i) {
      const auto step = validation.step({}, at("2099-01-01T00:00:00Z"), judge);
      ASSERT_TRUE(step.ok()) << step.error().message;
      if (!step->more) return;
    }
    FAIL() << "never done";
  }
  static v1::ListFindingsRequest all() {
    v1::ListFindingsRequest request;
    request.set_parent("utilities/maui");
    return request;
  }
  v1::ListFindingsResponse list(const v1::ListFindingsRequest& request) {
    v1::ListFindingsResponse response;
    const grpc::Status status = call(collection, &Stub::ListFindings, request, response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }
  // "1.0", "2.0 2.6.0", "-", "5.5 2.8.0 LINEAR" of the quarters of a meter.
  Lines quarters_of(const std::string& key, v1::Layer layer) {
    v1::StreamIntervalsRequest request;
    request.add_names("utilities/maui/meters/" + key);
    *request.mutable_start() = stamp("2013-04-08T12:00:00Z");
    *request.mutable_end() = stamp("2013-04-08T13:00:00Z");
    request.set_purpose("test of the layers");
    request.set_layer(layer);
    grpc::ClientContext context;
    const auto reader = readings->StreamIntervals(&context, request);
    std::map<std::uint32_t, v1::Quality> qualities;
    std::map<std::uint32_t, v1::Dictionary::SourceEntry> sources;
    Lines lines;
    origins.clear();
    std::map<std::uint32_t, v1::Origin> channels;
    v1::StreamIntervalsResponse message;
    while (reader->Read(&message)) {
      for (const auto& entry : message.dictionary().qualities()) qualities[entry.number()] = entry.quality();
      for (const auto& entry : message.dictionary().sources()) sources[entry.number()] = entry;
      for (const auto& entry : message.dictionary().channels()) channels[entry.number()] = entry.origin();
      const v1::Block& block = message.block();
      for (int i = 0; i < block.mantissas_size(); ++i) {
        const bool hole =
            !block.missing().empty() &&
            ((static_cast<unsigned char>(block.missing()[static_cast<std::size_t>(i / 8)]) >> (i % 8)) & 1) !=
                0;
        std::string line = hole ? "-" : Decimal{block.mantissas(i), block.exponent()}.to_string();
        const auto slot = static_cast<std::uint32_t>(i);
        for (const auto& run : block.qualities()) {
          if (slot < run.first() || slot >= run.first() + run.count()) continue;
          for (const std::string& code : qualities[run.number()].codes()) line += " " + code;
        }
        for (const auto& run : block.sources()) {
          if (slot >= run.first() && slot < run.first() + run.count() &&
              sources[run.number()].has_estimate()) {
            line += " " + sources[run.number()].estimate().method();
            EXPECT_EQ(sources[run.number()].source(), "");
            EXPECT_EQ(sources[run.number()].estimate().inputs(), "{}");
            EXPECT_TRUE(sources[run.number()].estimate().has_made_at());
          }
        }
        lines.push_back(line);
        origins.push_back(channels[block.channel()]);
      }
    }
    const grpc::Status status = reader->Finish();
    EXPECT_TRUE(status.ok()) << status.error_message();
    for (const CallRecord& defect : fixture.log.of(CallRecord::Kind::Defect)) ADD_FAILURE() << defect.message;
    return lines;
  }

  std::unique_ptr<Stub> collection;
  storage::DayJudge judge;
  int judged = 0;
  std::vector<v1::Origin> origins;
};

TEST_F(FindingsTest, FindingsAreListedByMeterCheckAndDay) {
  EXPECT_EQ(list(all()).findings_size(), 0);
  validate();
  const auto found = list(all());
  ASSERT_EQ(found.findings_size(), 1);
  const v1::Finding& one = found.findings(0);
  EXPECT_EQ(one.meter(), "utilities/maui/meters/m1");
  EXPECT_EQ(one.day(), "2013-04-08");
  EXPECT_EQ(one.channel(), "lp:1");
  EXPECT_EQ(one.check(), "V14");
  EXPECT_EQ(one.title(), "energy tolerance (sum check)");
  EXPECT_EQ(one.quality_code(), "2.6.0");
  EXPECT_EQ(one.advice(), "KEEP");
  EXPECT_EQ(text_of(one.start()), "2013-04-08T12:15:00Z");
  EXPECT_EQ(text_of(one.end()), "2013-04-08T12:30:00Z");
  EXPECT_EQ(one.interval_s(), 900);
  EXPECT_EQ(one.profile(), "test/1");
  EXPECT_TRUE(one.has_found_time());
  EXPECT_FALSE(one.has_gone_time());
  EXPECT_EQ(one.words(), "") << "no purpose was said";
  EXPECT_TRUE(fixture.log.of(CallRecord::Kind::Access).empty());

  const auto count = [&](auto&& change) {
    v1::ListFindingsRequest narrowed = all();
    change(narrowed);
    return list(narrowed).findings_size();
  };
  EXPECT_EQ(count([](auto& r) { r.set_meter("utilities/maui/meters/m1"); }), 1);
  EXPECT_EQ(count([](auto& r) { r.set_meter("utilities/maui/meters/m2"); }), 0);
  EXPECT_EQ(count([](auto& r) { r.set_check("V14"); }), 1);
  EXPECT_EQ(count([](auto& r) { r.set_check("V07"); }), 0);
  EXPECT_EQ(count([](auto& r) { r.set_first_day("2013-04-08"); }), 1);
  EXPECT_EQ(count([](auto& r) { r.set_first_day("2013-04-09"); }), 0);
  EXPECT_EQ(count([](auto& r) { r.set_last_day("2013-04-08"); }), 1);
  EXPECT_EQ(count([](auto& r) { r.set_last_day("2013-04-07"); }), 0);
  EXPECT_EQ(count([](auto& r) { r.set_parent("utilities/oahu"); }), 0);
}

TEST_F(FindingsTest, ASuspectThresholdIsNamedWithTheFindingsOfItsDayAndCheck) {
  validate();
  EXPECT_EQ(list(all()).suspect_thresholds_size(), 0);
  storage::Validation validation(fixture.database);
  const auto shares = validation.shares(at("2013-01-01T00:00:00Z")).value();
  ASSERT_EQ(shares.size(), 1U);
  EXPECT_EQ(validation.keep_suspects(shares).value().size(), 1U);
  const auto found = list(all());
  ASSERT_EQ(found.suspect_thresholds_size(), 1);
  const v1::SuspectThreshold& suspect = found.suspect_thresholds(0);
  EXPECT_EQ(suspect.day(), "2013-04-08");
  EXPECT_EQ(suspect.check(), "V14");
  EXPECT_EQ(suspect.profile(), "test/1");
  EXPECT_EQ(suspect.meters_hit(), 1);
  EXPECT_EQ(suspect.meters(), 2);
  v1::ListFindingsRequest other = all();
  other.set_first_day("2013-04-09");
  EXPECT_EQ(list(other).suspect_thresholds_size(), 0) << "of what is told only";
  other.set_first_day("2013-04-08");
  other.set_check("V07");
  EXPECT_EQ(list(other).suspect_thresholds_size(), 0);
  other = all();
  other.set_parent("utilities/oahu");
  EXPECT_EQ(list(other).suspect_thresholds_size(), 0);
}

TEST_F(FindingsTest, WordsNeedAPurposeWhichIsLogged) {
  validate();
  v1::ListFindingsRequest asked = all();
  asked.set_purpose("audit of May");
  EXPECT_EQ(list(asked).findings(0).words(), "off by 3 Wh");
  const auto accesses = fixture.log.of(CallRecord::Kind::Access);
  ASSERT_EQ(accesses.size(), 1U);
  EXPECT_EQ(accesses[0].meter, "m1");
  EXPECT_EQ(accesses[0].purpose, "audit of May");
}

TEST_F(FindingsTest, RevalidationJudgesAgainAndWhatIsGoneStaysInTheRecord) {
  validate();
  judge = [this](const storage::MeterDayFacts&) {
    ++judged;
    storage::DayVerdict verdict;
    verdict.profile = "test/2";
    return verdict;
  };
  judged = 0;
  validate();
  EXPECT_EQ(judged, 0) << "nothing changed";
  v1::RevalidateRequest asked;
  asked.set_parent("utilities/maui");
  asked.add_meters("utilities/maui/meters/m1");
  asked.set_first_day("2013-04-08");
  v1::RevalidateResponse answer;
  ASSERT_TRUE(call(collection, &Stub::Revalidate, asked, answer).ok());
  EXPECT_EQ(answer.queued(), 1);
  validate();
  EXPECT_GE(judged, 1);
  EXPECT_EQ(list(all()).findings_size(), 0);
  v1::ListFindingsRequest history = all();
  history.set_gone_too(true);
  const auto gone = list(history);
  ASSERT_EQ(gone.findings_size(), 1);
  EXPECT_TRUE(gone.findings(0).has_gone_time());
  EXPECT_EQ(quarters_of("m2", v1::BEST), (Lines{"1.0 2.0.1", "2.0 2.0.1", "5.5 2.8.0 LINEAR", "4.0 2.0.1"}))
      << "the other meter was not asked for";

  asked.clear_meters();
  asked.set_last_day("2013-04-10");
  ASSERT_TRUE(call(collection, &Stub::Revalidate, asked, answer).ok());
  EXPECT_EQ(answer.queued(), 6) << "three days of two meters";
}

TEST_F(FindingsTest, LayersTellTheVendorsWordsOursAndEstimates) {
  validate();
  EXPECT_EQ(quarters_of("m1", v1::RAW), (Lines{"1.0", "2.0", "-", "4.0"}));
  EXPECT_EQ(quarters_of("m1", v1::VALIDATED), (Lines{"1.0 2.0.1", "2.0 2.0.1 2.6.0", "-", "4.0 2.0.1"}));
  EXPECT_EQ(quarters_of("m1", v1::LAYER_UNSPECIFIED), quarters_of("m1", v1::VALIDATED));
  EXPECT_EQ(quarters_of("m1", v1::BEST),
            (Lines{"1.0 2.0.1", "2.0 2.0.1 2.6.0", "5.5 2.8.0 LINEAR", "4.0 2.0.1"}));
  EXPECT_EQ(origins, (std::vector<v1::Origin>{v1::ORIGIN_METER_RECORDER, v1::ORIGIN_METER_RECORDER,
                                              v1::ORIGIN_PROCESSED, v1::ORIGIN_METER_RECORDER}))
      << "no recorder made an estimate";
}

TEST_F(FindingsTest, SubscribersAreToldOfFindingsAndEstimates) {
  validate();
  v1::StreamChangesRequest asked;
  asked.set_parent("utilities/maui");
  asked.add_names("utilities/maui/meters/m1");
  asked.set_purpose("test of the feed");
  asked.set_until_caught_up(true);
  grpc::ClientContext context;
  const auto reader = readings->StreamChanges(&context, asked);
  Lines lines;
  v1::StreamChangesResponse message;
  while (reader->Read(&message)) {
    for (const v1::ChangedIntervals& run : message.change().intervals()) {
      std::string line = text_of(run.first_start());
      for (const int kind : run.kinds())
        line += " " + v1::Change::Kind_Name(static_cast<v1::Change::Kind>(kind));
      for (const std::int64_t mantissa : run.now().mantissas())
        line +=
            " " + (run.now().missing().empty() ? Decimal{mantissa, run.now().exponent()}.to_string() : "-");
      if (run.now().has_estimate()) line += " " + run.now().estimate().method();
      if (run.has_old() && run.old().mantissas_size() == 1)
        line += " was " + Decimal{run.old().mantissas(0), run.old().exponent()}.to_string();
      lines.push_back(line);
    }
  }
  EXPECT_TRUE(reader->Finish().ok());
  EXPECT_NE(std::ranges::find(lines, "2013-04-08T12:15:00Z QUALITY_CHANGED 2.0 was 2.0"), lines.end())
      << ::testing::PrintToString(lines);
  EXPECT_NE(std::ranges::find(lines, "2013-04-08T12:30:00Z ESTIMATED 5.5 LINEAR"), lines.end())
      << ::testing::PrintToString(lines);
}

TEST_F(FindingsTest, BadRequestsSayWhichField) {
  const auto listed = [&](auto&& change) {
    v1::ListFindingsRequest bad = all();
    v1::ListFindingsResponse response;
    change(bad);
    const grpc::Status status = call(collection, &Stub::ListFindings, bad, response);
    return reason_of(status) + " " + field_of(status);
  };
  EXPECT_EQ(listed([](auto& r) { r.set_parent("maui"); }), "INVALID_FIELD parent");
  EXPECT_EQ(listed([](auto& r) { r.set_meter("m1"); }), "INVALID_FIELD meter");
  EXPECT_EQ(listed([](auto& r) { r.set_meter("utilities/maui/usagePoints/p-m1"); }), "INVALID_FIELD meter");
  EXPECT_EQ(listed([](auto& r) { r.set_meter("utilities/oahu/meters/m1"); }), "INVALID_FIELD meter");
  EXPECT_EQ(listed([](auto& r) { r.set_meter("utilities/maui/meters/m9"); }), "METER_NOT_FOUND ");
  EXPECT_EQ(listed([](auto& r) { r.set_check("V27"); }), "INVALID_FIELD check");
  EXPECT_EQ(listed([](auto& r) { r.set_check("14"); }), "INVALID_FIELD check");
  EXPECT_EQ(listed([](auto& r) { r.set_first_day("April"); }), "INVALID_FIELD first_day");
  EXPECT_EQ(listed([](auto& r) {
              r.set_first_day("2013-04-08");
              r.set_last_day("2013-04-07");
            }),
            "INVALID_FIELD last_day");
  EXPECT_EQ(listed([](auto& r) { r.set_purpose("x"); }), "PURPOSE_REQUIRED purpose");
  EXPECT_EQ(listed([](auto& r) { r.set_page_token("made up"); }), "PAGE_TOKEN_INVALID page_token");

  const auto again = [&](auto&& change) {
    v1::RevalidateRequest bad;
    bad.set_parent("utilities/maui");
    bad.set_first_day("2013-04-08");
    v1::RevalidateResponse response;
    change(bad);
    const grpc::Status status = call(collection, &Stub::Revalidate, bad, response);
    return reason_of(status) + " " + field_of(status);
  };
  EXPECT_EQ(again([](auto& r) { r.clear_first_day(); }), "INVALID_FIELD first_day");
  EXPECT_EQ(again([](auto& r) { r.set_last_day("2013-04-07"); }), "INVALID_FIELD last_day");
  EXPECT_EQ(again([](auto& r) { r.add_meters("utilities/oahu/meters/m1"); }), "INVALID_FIELD meters");
  EXPECT_EQ(again([](auto& r) { r.add_meters("utilities/maui/meters/m9"); }), "METER_NOT_FOUND ");
  EXPECT_EQ(again([](auto& r) { r.set_parent("utilities/kauai"); }), "UTILITY_NOT_FOUND ");
}

}  // namespace
}  // namespace ami::rpc
