// raw of a record is a message of its own that says the same of that record.
#include <gtest/gtest.h>

#include "tests/adapters/wire/cim/render.h"

namespace ami::cim {
namespace {

std::vector<std::string> lines_of(const std::string& text, char letter) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    if (text[at] == letter) lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

TEST(CimRaw, OfObservationsReadsAgainAsTheSame) {
  for (const char* name : {"second_edition", "first_edition", "command_center", "trouble"}) {
    const auto decoded = decode(read_file(test_folder() + "golden/" + name + ".xml"), with_landis_gyr());
    ASSERT_TRUE(decoded.ok());
    const std::string all = render(*decoded);
    ASSERT_FALSE(decoded->batch.observations.empty());
    for (const auto& observation : decoded->batch.observations) {
      const auto& head = std::visit([](const auto& o) -> const ObservationHead& { return o; }, observation);
      const auto again = decode(head.raw, with_landis_gyr());
      ASSERT_TRUE(again.ok()) << again.error().message << "\n" << head.raw;
      EXPECT_TRUE(again->batch.malformed.empty()) << head.raw;
      EXPECT_EQ(again->message.header.correlation_id, decoded->message.header.correlation_id);
      const bool event = std::holds_alternative<EventObservation>(observation);
      const auto said = lines_of(render(*again), event ? 'E' : 'V');
      ASSERT_FALSE(said.empty());
      for (const std::string& line : said) EXPECT_NE(all.find(line + "\n"), std::string::npos) << line;
      EXPECT_EQ(std::visit([](const auto& o) { return o.created.text; }, again->batch.observations[0]),
                head.created.text);
    }
  }
}

TEST(CimRaw, OfAMalformedRecordIsMalformedAgainInTheSameWayAndAlone) {
  const auto decoded = decode(read_file(test_folder() + "golden/trouble.xml"), {});
  ASSERT_TRUE(decoded.ok());
  ASSERT_GT(decoded->batch.malformed.size(), 10U);
  for (const auto& bad : decoded->batch.malformed) {
    if (bad.raw.empty()) continue;  // a compressed payload
    const auto again = decode(bad.raw, {});
    ASSERT_TRUE(again.ok()) << again.error().message << "\n" << bad.raw;
    ASSERT_EQ(again->batch.malformed.size(), 1U) << bad.raw;
    EXPECT_STREQ(again->batch.malformed[0].reason, bad.reason);
    EXPECT_EQ(again->batch.malformed[0].meter, bad.meter);
    EXPECT_TRUE(again->batch.observations.empty());
  }
}

TEST(CimRaw, OffsetsPointAtTheRecordsOwnTag) {
  const std::string text = read_file(test_folder() + "golden/second_edition.xml");
  const auto decoded = decode(text, {});
  ASSERT_TRUE(decoded.ok());
  for (const auto& observation : decoded->batch.observations) {
    const auto offset = std::visit([](const auto& o) { return o.offset; }, observation);
    const std::string tag = text.substr(offset, 14);
    EXPECT_TRUE(tag.starts_with("<m:Readings") || tag.starts_with("<m:IntervalRea") ||
                tag.starts_with("<m:EndDeviceE"))
        << tag;
  }
  EXPECT_TRUE(text.substr(decoded->batch.results.at(0).offset).starts_with("<ns0:Reply>"));
}

TEST(CimRaw, OfAReplyReadsAgain) {
  const auto decoded = decode(read_file(test_folder() + "golden/second_edition.xml"), {});
  ASSERT_TRUE(decoded.ok());
  const auto again = decode(decoded->batch.results.at(1).raw, {});
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(lines_of(render(*again), 'R'), lines_of(render(*decoded), 'R'));
  EXPECT_TRUE(again->batch.observations.empty());
}

TEST(CimRaw, ALongBlockIsCutIntoSeriesThatEachStandAlone) {
  std::string text =
      "<EventMessage "
      "xmlns=\"http://iec.ch/TC57/2011/schema/message\"><Header><Verb>created</Verb></Header><Payload>"
      "<MeterReadings "
      "xmlns=\"http://iec.ch/TC57/2011/MeterReadings#\"><MeterReading><Meter><mRID>M</mRID></Meter>"
      "<IntervalBlocks><ReadingType ref=\"0.0.2.4.1.1.12.0.0.0.0.0.0.0.0.3.72.0\"/>";
  constexpr std::size_t kReadings = 5000;
  for (std::size_t i = 0; i < kReadings; ++i) {
    const UtcInstant end =
        *parse_instant("2026-01-01T00:15:00Z") + std::chrono::minutes{15 * static_cast<int>(i)};
    text += "<IntervalReadings><timeStamp>" + to_text(end) + "</timeStamp><value>" + std::to_string(i) +
            "</value></IntervalReadings>";
  }
  text += "</IntervalBlocks></MeterReading></MeterReadings></Payload></EventMessage>";
  const auto decoded = decode(text, {});
  ASSERT_TRUE(decoded.ok());
  ASSERT_GT(decoded->batch.observations.size(), 2U);
  std::size_t next = 0;
  for (const auto& observation : decoded->batch.observations) {
    const auto& series = std::get<SeriesObservation>(observation);
    EXPECT_LE(series.values.size(), kMaxBlockReadings);
    EXPECT_LE(series.raw.size(), std::size_t{1} << 20);
    for (const auto& value : series.values) ASSERT_EQ(value.value, std::to_string(next++));
    const auto again = decode(series.raw, {});
    ASSERT_TRUE(again.ok());
    ASSERT_EQ(again->batch.observations.size(), 1U);
    EXPECT_EQ(std::get<SeriesObservation>(again->batch.observations[0]).values.size(), series.values.size());
  }
  EXPECT_EQ(next, kReadings);
}

}  // namespace
}  // namespace ami::cim
