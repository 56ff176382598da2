// as_of and layer through the API, and names looked up many at a time.
#include <gtest/gtest.h>

#include <map>
#include <pqxx/pqxx>

#include "storage/postgres/ingest.h"
#include "tests/daemon/rpc/services_fixture.h"

namespace ami::rpc {
namespace {

using testing::at;
using testing::stamp;
using testing::text_of;
using Stub = v1::ReadingService::Stub;
using Lines = std::vector<std::string>;

class ReadingHistoryTest : public testing::ServicesTest {
 protected:
  ReadingHistoryTest() : ReadingHistoryTest(testing::create_filled_database()) {}
  explicit ReadingHistoryTest(const std::string& conninfo) : ServicesTest(conninfo), conninfo_(conninfo) {
    fixture.now = at("2013-07-01T00:00:00Z");
    sql("UPDATE source SET stored_at = '2013-05-02T08:00:00Z'");
  }

  void sql(const std::string& statement) const {
    pqxx::connection connection(conninfo_ + " options='-c timezone=UTC'");
    pqxx::work tx(connection);
    tx.exec(statement);
    tx.commit();
  }

  // In June the sender says anew what meter m1 of maui measured.
  void correct_in_june() {
    storage::Assets store_assets(fixture.database);
    storage::PostgresIngest store(fixture.database);
    const storage::UtilityId maui = store_assets.get_utility("maui").value().id;
    const MeterId m1 = store_assets.get_meter(maui, "m1").value().id;
    storage::CommitUnit unit;
    unit.utility = maui;
    unit.source.feed = "feed-1";
    unit.source.name = "correction.xml";
    unit.source.content_sha256 = std::string(64, 'c');
    unit.source.mapping_version = 3;
    unit.source.received_at = at("2013-06-10T00:00:00Z");
    unit.directory_version = store_assets.directory_version().value();
    unit.batch.channels = {{m1, "ssn:reg:1", testing::kBulkEnergy, "Wh"},
                           {m1, "ssn:lp:1", testing::kIntervalEnergy, "Wh"}};
    unit.batch.qualities = {{}, {{QualityCode{2, 6, 0}, QualityCode{2, 8, 0}}, "E"}};
    RegisterReading read;
    read.at = at("2013-04-09T00:00:00Z");
    read.value = {12'399'000, -3};
    read.rank = at("2013-06-09T00:00:00Z");
    unit.batch.registers.push_back(read);
    IntervalRun run;
    run.channel = 1;
    run.first_start = at("2013-04-07T23:00:00Z");
    run.length = std::chrono::minutes{15};
    run.exponent = -2;
    run.mantissas = {1915, 100};
    run.quality = {1, 1};
    run.rank = at("2013-06-09T00:00:00Z");
    unit.batch.intervals.push_back(run);
    const auto counts = store.commit(unit);
    ASSERT_TRUE(counts.ok()) << counts.error().message;
    ASSERT_FALSE(counts->directory_changed);
    sql("UPDATE source SET stored_at = '2013-06-10T08:00:00Z' WHERE name = 'correction.xml'");
  }

  template <class Request>
  static void view(Request& request, const std::string& as_of, v1::Layer layer) {
    if (!as_of.empty()) *request.mutable_as_of() = stamp(as_of);
    request.set_layer(layer);
  }
  static std::string words(const v1::Quality& quality) {
    std::string out;
    for (const std::string& code : quality.codes()) out += code + ",";
    return out + quality.vendor_flag() + "=" + std::to_string(quality.green_button());
  }
  static std::string line(const v1::RegisterValue& value) {
    return value.channel() + " " + text_of(value.time()) + " " + value.value() + " " + words(value.quality());
  }

  Lines latest(const std::string& name, const std::string& as_of = {},
               v1::Layer layer = v1::LAYER_UNSPECIFIED) {
    v1::GetLatestRequest request;
    request.add_names("utilities/maui/" + name);
    view(request, as_of, layer);
    v1::GetLatestResponse response;
    status = call(readings, &Stub::GetLatest, request, response);
    Lines out;
    if (!status.ok()) return {field_of(status)};
    for (const auto& value : response.latest(0).values()) out.push_back(line(value));
    if (response.latest(0).has_missing())
      out.push_back(v1::Missing::Reason_Name(response.latest(0).missing().reason()));
    return out;
  }
  Lines registers(const std::string& as_of = {}, v1::Layer layer = v1::LAYER_UNSPECIFIED) {
    v1::ListRegistersRequest request;
    request.set_name("utilities/maui/meters/m1");
    request.add_quantities(v1::ENERGY_DELIVERED);
    request.set_page_size(1);
    view(request, as_of, layer);
    Lines out;
    do {
      v1::ListRegistersResponse response;
      status = call(readings, &Stub::ListRegisters, request, response);
      if (!status.ok()) return {field_of(status)};
      for (const auto& value : response.values()) out.push_back(line(value));
      request.set_page_token(response.next_page_token());
    } while (!request.page_token().empty());
    return out;
  }
  // "start mantissa quality" of channel ssn:lp:1.
  Lines intervals(const std::string& as_of = {}, v1::Layer layer = v1::LAYER_UNSPECIFIED,
                  const std::vector<std::string>& names = {"meters/m1"}) {
    v1::StreamIntervalsRequest request;
    for (const std::string& name : names) request.add_names("utilities/maui/" + name);
    *request.mutable_start() = stamp("2013-04-07T00:00:00Z");
    *request.mutable_end() = stamp("2013-04-09T00:00:00Z");
    request.set_purpose("test of history");
    view(request, as_of, layer);
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds{30});
    const auto reader = readings->StreamIntervals(&context, request);
    std::map<std::uint32_t, v1::Dictionary::Channel> channels;
    std::map<std::uint32_t, v1::Quality> qualities;
    Lines out;
    v1::StreamIntervalsResponse message;
    while (reader->Read(&message)) {
      for (const auto& entry : message.dictionary().channels()) channels[entry.number()] = entry;
      for (const auto& entry : message.dictionary().qualities()) qualities[entry.number()] = entry.quality();
      const v1::Block& block = message.block();
      if (!message.has_block() || channels.at(block.channel()).channel() != "ssn:lp:1") continue;
      for (int i = 0; i < block.mantissas_size(); ++i) {
        google::protobuf::Timestamp start = block.first_start();
        start.set_seconds(start.seconds() + std::int64_t{block.length_s()} * i);
        std::string quality;
        for (const auto& run : block.qualities()) {
          if (std::uint32_t(i) - run.first() < run.count()) quality = words(qualities.at(run.number()));
        }
        const auto byte = static_cast<std::size_t>(i / 8);
        const bool hole = byte < block.missing().size() &&
                          ((static_cast<unsigned char>(block.missing()[byte]) >> (i % 8)) & 1) != 0;
        out.push_back((names.size() > 1 ? channels.at(block.channel()).name() + " " : "") +
                      text_of(start).substr(11, 5) + " " + (hole ? "-" : std::to_string(block.mantissas(i))) +
                      " " + quality);
      }
    }
    status = reader->Finish();
    return status.ok() ? out : Lines{field_of(status)};
  }

  std::string conninfo_;
  grpc::Status status;
};

TEST_F(ReadingHistoryTest, AnswersOfMayAreStillGivenAfterTheCorrectionOfJune) {
  const Lines latest_may = latest("meters/m1"), registers_may = registers(), intervals_may = intervals();
  EXPECT_EQ(latest_may, (Lines{"ssn:reg:1 2013-04-09T00:00:00Z 12400.000 2.5.258,R0=10",
                               "ssn:v 2013-04-08T00:00:00Z 240.5 =14"}));
  ASSERT_EQ(intervals_may.size(), 8U);
  EXPECT_EQ(intervals_may[0], "23:00 1815 ");
  EXPECT_EQ(intervals_may[1], "23:15 - ");
  correct_in_june();
  if (HasFatalFailure()) return;

  const std::string may = "2013-05-31T12:00:00Z";
  EXPECT_EQ(latest("meters/m1", may), latest_may);
  EXPECT_EQ(latest("usagePoints/up1", may), latest_may);
  EXPECT_EQ(registers(may), registers_may);
  EXPECT_EQ(intervals(may), intervals_may);

  EXPECT_EQ(latest("meters/m1").at(0), "ssn:reg:1 2013-04-09T00:00:00Z 12399.000 =14");
  EXPECT_EQ(registers().at(1), "ssn:reg:1 2013-04-09T00:00:00Z 12399.000 =14");
  EXPECT_EQ(intervals().at(0), "23:00 1915 2.6.0,2.8.0,E=16");
  EXPECT_EQ(intervals().at(1), "23:15 100 2.6.0,2.8.0,E=16");
  EXPECT_EQ(intervals().size(), 8U);
  EXPECT_EQ(intervals("2013-06-10T08:00:00Z"), intervals());

  // Before the first data: nothing, and no error.
  const std::string before = "2013-04-30T00:00:00Z";
  EXPECT_EQ(latest("meters/m1", before), Lines{"NO_READING"});
  EXPECT_EQ(registers(before), Lines{});
  EXPECT_EQ(intervals(before), Lines{});
  EXPECT_TRUE(status.ok());
  // Our own clock says 2013-07-01.
  const std::string future = "2013-07-01T00:00:00.000001Z";
  EXPECT_EQ(latest("meters/m1", future), Lines{"as_of"});
  EXPECT_EQ(registers(future), Lines{"as_of"});
  EXPECT_EQ(intervals(future), Lines{"as_of"});
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(intervals("2013-07-01T00:00:00Z"), intervals());

  // Taken back: the next in rank, which is what May knew.
  sql("INSERT INTO withdrawal (channel_id, source_id, at, cause) SELECT channel_id, source_id, '2013-06-20', "
      "'wrong'"
      " FROM channel, source WHERE name = 'correction.xml'");
  EXPECT_EQ(intervals(), intervals_may);
  EXPECT_EQ(latest("meters/m1"), latest_may);
  EXPECT_EQ(registers(), registers_may);
  EXPECT_EQ(intervals("2013-06-15T00:00:00Z").at(0), "23:00 1915 2.6.0,2.8.0,E=16");
}

TEST_F(ReadingHistoryTest, TheRawLayerTellsTheSourcesWordsOnly) {
  correct_in_june();
  if (HasFatalFailure()) return;
  const std::string may = "2013-05-31T12:00:00Z";
  EXPECT_EQ(latest("meters/m1", may, v1::RAW).at(0), "ssn:reg:1 2013-04-09T00:00:00Z 12400.000 R0=14");
  EXPECT_EQ(registers(may, v1::RAW).at(1), "ssn:reg:1 2013-04-09T00:00:00Z 12400.000 R0=14");
  EXPECT_EQ(intervals({}, v1::RAW).at(0), "23:00 1915 2.8.0,E=16");
  EXPECT_EQ(intervals({}, v1::RAW).at(2), "23:30 0 ");
  for (const v1::Layer layer : {v1::VALIDATED, v1::BEST}) {
    EXPECT_EQ(latest("meters/m1", may, layer), latest("meters/m1", may));
    EXPECT_EQ(registers(may, layer), registers(may));
    EXPECT_EQ(intervals({}, layer), intervals());
  }
  const auto none = static_cast<v1::Layer>(9);
  EXPECT_EQ(latest("meters/m1", {}, none), Lines{"layer"});
  EXPECT_EQ(registers({}, none), Lines{"layer"});
  EXPECT_EQ(intervals({}, none), Lines{"layer"});
}

// Attribution is today's: an installation that is entered late changes what earlier answers are told of.
TEST_F(ReadingHistoryTest, UsagePointsOfThePastFollowTodaysAssetData) {
  storage::Assets store_assets(fixture.database);
  const storage::UtilityId maui = store_assets.get_utility("maui").value().id;
  ASSERT_TRUE(store_assets.remove({maui, "m1", at("2013-06-01T00:00:00Z"), "", {}}).ok());
  EXPECT_EQ(latest("usagePoints/up1"), Lines{"NO_METER"});
  EXPECT_EQ(latest("usagePoints/up1", "2013-05-31T12:00:00Z").size(),
            2U);  // the meter was there at that time
}

TEST_F(ReadingHistoryTest, StreamOfManyNamesIsThatOfEachInTurn) {
  Lines expected;
  for (const std::string name :
       {"usagePoints/up1", "meters/dry", "meters/m1", "usagePoints/up1", "meters/ct1"}) {
    for (const std::string& slot : intervals({}, v1::VALIDATED, {name}))
      expected.push_back("utilities/maui/" + name + " " + slot);
  }
  ASSERT_EQ(expected.size(), 24U);
  EXPECT_EQ(intervals({}, v1::VALIDATED,
                      {"usagePoints/up1", "meters/dry", "meters/m1", "usagePoints/up1", "meters/ct1"}),
            expected);
}

TEST_F(ReadingHistoryTest, NearestNameIsToldForTheFirstTenUnknownOnes) {
  v1::GetLatestRequest request;
  for (int i = 0; i < 12; ++i) request.add_names("utilities/maui/meters/m1x" + std::to_string(i));
  request.add_names("utilities/maui/meters/m1");
  v1::GetLatestResponse response;
  ASSERT_TRUE(call(readings, &Stub::GetLatest, request, response).ok());
  ASSERT_EQ(response.latest_size(), 13);
  for (int i = 0; i < 12; ++i) {
    EXPECT_EQ(response.latest(i).missing().reason(), v1::Missing::UNKNOWN_ID);
    EXPECT_EQ(response.latest(i).missing().detail().empty(), i >= 10) << i;
  }
  EXPECT_EQ(response.latest(12).values_size(), 2);
}

}  // namespace
}  // namespace ami::rpc
