// Bad records: the reason, where it stands, and that the neighbours live.
#include <gtest/gtest.h>

#include "tests/adapters/wire/ssn_export/description.h"

namespace ami::ssn_export::testing {
namespace {

std::string interval(std::string_view end, std::string_view readings) {
  return "<Interval EndTime=\"" + std::string(end) + "\">" + std::string(readings) + "</Interval>";
}
std::string reading(std::string_view channel, std::string_view value) {
  return "<Reading Channel=\"" + std::string(channel) + "\" Value=\"" + std::string(value) +
         "\" UOM=\"kWh\"/>";
}
const std::string kGood = interval("2026-01-01T00:15:00Z", reading("1", "0.5"));

const SeriesObservation& series(const Decoded& decoded, std::size_t index = 0) {
  return std::get<SeriesObservation>(decoded.batch.observations.at(index));
}

std::vector<std::string> reasons(const Decoded& decoded) {
  std::vector<std::string> found;
  for (const auto& record : decoded.batch.malformed) found.emplace_back(record.reason);
  return found;
}
using Reasons = std::vector<std::string>;

TEST(SsnExportBadRecord, BadNumberCostsOnlyItsReading) {
  for (const auto* bad : {"abc", "1,5", "0x10", "nan", "inf", "1.2.3", "--1", " 1", "99999999999999999999"}) {
    const auto text =
        meter(interval_data(kGood + interval("2026-01-01T00:30:00Z", reading("1", bad) + reading("2", "3")) +
                            interval("2026-01-01T00:45:00Z", reading("1", "0.7"))));
    const auto decoded = decode(text);
    EXPECT_EQ(decoded.error, "");
    EXPECT_EQ(reasons(decoded), Reasons{"bad_number"}) << bad;
    ASSERT_EQ(decoded.batch.observations.size(), 2U);
    ASSERT_EQ(series(decoded).values.size(), 2U);
    EXPECT_EQ(series(decoded).values[1].value, "0.7");
    EXPECT_EQ(series(decoded, 1).values.at(0).value, "3");
    const auto& record = decoded.batch.malformed.at(0);
    EXPECT_EQ(record.offset, text.find(reading("1", bad)));
    EXPECT_EQ(record.meter, "M1");
    EXPECT_EQ(record.detail.rfind("Value: ", 0), 0U) << record.detail;
    // The raw record has the bad Reading and none of its neighbours.
    EXPECT_NE(record.raw.find(reading("1", bad)), std::string_view::npos);
    EXPECT_EQ(record.raw.find("Channel=\"2\""), std::string_view::npos);
    EXPECT_EQ(series(decoded).raw.find(reading("1", bad)), std::string_view::npos);
  }
}

TEST(SsnExportBadRecord, CountsAndBlockEndsMustBeNumbersToo) {
  for (const auto* attribute : {"RawValue", "BlockEndValue"}) {
    const auto decoded = decode(
        meter(interval_data(interval("2026-01-01T00:15:00Z", "<Reading Channel=\"1\" Value=\"1\" " +
                                                                 std::string(attribute) + "=\"?\"/>"))));
    EXPECT_EQ(reasons(decoded), Reasons{"bad_number"}) << attribute;
    EXPECT_TRUE(decoded.batch.observations.empty());
  }
}

TEST(SsnExportBadRecord, BadNumberCostsOnlyItsRegister) {
  for (const auto* attribute : {"Summation", "SummationRawValue", "CumulativeDemand"}) {
    const auto decoded = decode(meter(register_data(
        "<RegisterRead ReadTime=\"2026-01-01T00:00:00Z\"><Tier Number=\"0\"><Register Number=\"1\" " +
        std::string(attribute) + "=\"x\"/><Register Number=\"2\" Summation=\"5\"/></Tier></RegisterRead>")));
    EXPECT_EQ(reasons(decoded), Reasons{"bad_number"}) << attribute;
    ASSERT_EQ(decoded.batch.observations.size(), 1U);
    EXPECT_EQ(series(decoded).channel, "2");
  }
}

TEST(SsnExportBadRecord, EmptyOrAbsentValueIsMissingAndNoFault) {
  const auto decoded =
      decode(meter(interval_data(interval("2026-01-01T00:15:00Z", reading("1", "")) +
                                 interval("2026-01-01T00:30:00Z", "<Reading Channel=\"1\" UOM=\"kWh\"/>"))));
  EXPECT_TRUE(decoded.batch.malformed.empty());
  ASSERT_EQ(series(decoded).values.size(), 2U);
  EXPECT_EQ(series(decoded).values[0].value, "");
  EXPECT_EQ(series(decoded).values[1].value, "");
}

TEST(SsnExportBadRecord, MissingTimes) {
  const auto decoded = decode(meter(
      interval_data(kGood + "<Interval>" + reading("1", "2") + "</Interval><Interval EndTime=\"\"/>") +
      register_data("<RegisterRead GatewayCollectedTime=\"2026-01-01T00:00:00Z\"/>") +
      event_data("<Event EventName=\"A\"/><Event EventName=\"B\" EventTime=\"2026-01-01T00:00:00Z\"/>")));
  EXPECT_EQ(reasons(decoded), (Reasons{"missing_time", "missing_time", "missing_time", "missing_time"}));
  EXPECT_EQ(decoded.batch.observations.size(), 2U);
  EXPECT_EQ(decoded.batch.malformed[0].detail, "EndTime is missing");
  EXPECT_EQ(decoded.batch.malformed[2].detail, "ReadTime is missing");
  EXPECT_EQ(decoded.batch.malformed[3].detail, "EventTime is missing");
}

TEST(SsnExportBadRecord, BadTimes) {
  for (const auto* bad : {"yesterday", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-01-01", "0"}) {
    const auto decoded =
        decode(meter(interval_data(kGood + interval(bad, reading("1", "2"))) +
                     register_data("<RegisterRead ReadTime=\"" + std::string(bad) + "\"/>") +
                     event_data("<Event EventName=\"A\" EventTime=\"" + std::string(bad) + "\"/>")));
    EXPECT_EQ(reasons(decoded), (Reasons{"bad_time", "bad_time", "bad_time"})) << bad;
    EXPECT_EQ(decoded.batch.observations.size(), 1U);
  }
}

TEST(SsnExportBadRecord, BadIntervalLengthCostsTheBlockOnly) {
  for (const auto* bad : {"", "0", "-15", "15.5", "fifteen", "44641", "99999999999999999999999"}) {
    const auto decoded = decode(meter(interval_data(kGood + kGood, bad) + interval_data(kGood)));
    EXPECT_EQ(reasons(decoded), Reasons{"bad_interval_length"}) << bad;
    EXPECT_EQ(decoded.batch.observations.size(), 1U) << bad;
    EXPECT_NE(decoded.batch.malformed.at(0).raw.find(kGood + kGood), std::string_view::npos);
  }
  const auto absent = decode(meter("<IntervalReadData>" + kGood + "</IntervalReadData>"));
  EXPECT_EQ(reasons(absent), Reasons{"bad_interval_length"});
  EXPECT_EQ(reasons(decode(meter(interval_data(kGood, "44640")))), Reasons{});
}

TEST(SsnExportBadRecord, MissingChannels) {
  const auto decoded = decode(meter(
      interval_data(
          interval("2026-01-01T00:15:00Z", "<Reading Value=\"1\"/>" + reading("", "2") + reading("3", "3"))) +
      register_data("<RegisterRead ReadTime=\"2026-01-01T00:00:00Z\"><Tier><Register Summation=\"1\"/></Tier>"
                    "</RegisterRead>")));
  EXPECT_EQ(reasons(decoded), (Reasons{"missing_channel", "missing_channel", "missing_channel"}));
  ASSERT_EQ(decoded.batch.observations.size(), 1U);
  EXPECT_EQ(series(decoded).channel, "lp:3");
}

TEST(SsnExportBadRecord, MissingEventName) {
  const auto decoded = decode(meter(event_data("<Event EventTime=\"2026-01-01T00:00:00Z\">words</Event>")));
  EXPECT_EQ(reasons(decoded), Reasons{"missing_code"});
}

TEST(SsnExportBadRecord, MissingMeterNameTakesItsRecordsAndNoOthers) {
  const auto decoded =
      decode(document("<MeterData UtilDeviceID=\"U1\">" + interval_data(kGood + kGood) +
                      register_data("<RegisterRead ReadTime=\"2026-01-01T00:00:00Z\"/>") +
                      event_data("<Event EventName=\"A\" EventTime=\"2026-01-01T00:00:00Z\"/>") +
                      "</MeterData><MeterData MeterName=\"M2\">" + interval_data(kGood) + "</MeterData>"));
  EXPECT_EQ(reasons(decoded), (Reasons{"missing_meter", "missing_meter", "missing_meter"}));
  ASSERT_EQ(decoded.batch.observations.size(), 1U);
  EXPECT_EQ(series(decoded).meter, "M2");
  EXPECT_EQ(decoded.batch.malformed[0].meter, "");
}

TEST(SsnExportBadRecord, MissingUnitPassesEmpty) {
  const auto decoded =
      decode(meter(interval_data(interval("2026-01-01T00:15:00Z", "<Reading Channel=\"1\" Value=\"1\"/>"))));
  EXPECT_TRUE(decoded.batch.malformed.empty());
  EXPECT_EQ(series(decoded).unit, "");
}

TEST(SsnExportBadRecord, RegisterWithoutAnyValueIsCountedAsSkipped) {
  const auto decoded =
      decode(meter(register_data("<RegisterRead ReadTime=\"2026-01-01T00:00:00Z\"><Tier><Register "
                                 "Number=\"1\" SummationUOM=\"kWh\"/></Tier></RegisterRead>")));
  EXPECT_TRUE(decoded.batch.observations.empty());
  EXPECT_TRUE(decoded.batch.malformed.empty());
  EXPECT_EQ(decoded.batch.skipped, 1U);
}

TEST(SsnExportBadRecord, ValueOfAnotherNameIsNoSilentHole) {
  const auto decoded = decode(
      meter(register_data("<RegisterRead ReadTime=\"2026-01-01T00:00:00Z\"><Tier><Register Number=\"1\" "
                          "Summatlon=\"3\"/><Register Number=\"2\" Summation=\"5\" Novel=\"1\"/></Tier>"
                          "</RegisterRead>") +
            interval_data(interval("2026-01-01T00:15:00Z",
                                   "<Reading Channel=\"1\" Valu=\"7\" UOM=\"kWh\"/>" + reading("2", "8")))));
  EXPECT_EQ(reasons(decoded), (Reasons{"unknown_value", "unknown_value"}));
  ASSERT_EQ(decoded.batch.observations.size(), 2U);
  EXPECT_EQ(series(decoded, 0).channel, "2");
  EXPECT_EQ(series(decoded, 1).channel, "lp:2");
}

TEST(SsnExportBadRecord, TooLongRecordIsCutAndItsNeighboursLive) {
  const auto event = [](std::size_t size) {
    return "<Event EventName=\"A\" EventTime=\"2026-01-01T00:00:00Z\">" + std::string(size, 'x') + "</Event>";
  };
  const auto overhead = event(0).size();
  const auto at_limit = decode(meter(event_data(event(kMaxRecordBytes - overhead) + event(1))));
  EXPECT_EQ(reasons(at_limit), Reasons{});
  ASSERT_EQ(at_limit.batch.observations.size(), 2U);
  for (const auto size : {kMaxRecordBytes - overhead + 1, std::size_t{5} << 20}) {
    const auto decoded = decode(meter(event_data(event(1) + event(size) + event(2))));
    EXPECT_EQ(reasons(decoded), Reasons{"record_too_long"});
    EXPECT_EQ(decoded.batch.observations.size(), 2U);
    EXPECT_LE(decoded.batch.malformed.at(0).raw.size(), std::size_t{1} << 20);
    EXPECT_GE(decoded.batch.malformed.at(0).raw.size(), kMaxRecordBytes);
    EXPECT_NE(decoded.batch.malformed.at(0).detail.find("raw is cut"), std::string::npos);
  }
}

TEST(SsnExportBadRecord, TooLongIntervalAndRegisterReadLeaveTheirNeighbours) {
  std::string many;  // 2 MiB in one Interval, past the first step of the reader
  while (many.size() < (2U << 20)) many += "<Note>" + std::string(1000, 'n') + "</Note>" + reading("1", "x");
  const auto decoded = decode(
      meter(interval_data(kGood + interval("2026-01-01T00:30:00Z", many) +
                          interval("2026-01-01T00:45:00Z", reading("1", "2"))) +
            register_data("<RegisterRead ReadTime=\"2026-01-01T00:00:00Z\">" + many +
                          "</RegisterRead><RegisterRead ReadTime=\"2026-01-01T00:00:00Z\"><Tier><Register "
                          "Number=\"1\" Summation=\"1\"/></Tier></RegisterRead>")));
  EXPECT_EQ(decoded.error, "");
  EXPECT_EQ(reasons(decoded), (Reasons{"record_too_long", "record_too_long"}));
  std::vector<std::string> values;
  for (std::size_t i = 0; i < decoded.batch.observations.size(); ++i) {
    for (const auto& value : series(decoded, i).values) values.emplace_back(value.value);
  }
  EXPECT_EQ(values, (std::vector<std::string>{"0.5", "2", "1"}));
}

TEST(SsnExportBadRecord, TooManyValuesInOneRecord) {
  const auto with = [](std::size_t count) {
    std::string readings;
    for (std::size_t i = 0; i < count; ++i) readings += reading(std::to_string(i), "1");
    return decode(meter(interval_data(kGood + interval("2026-01-01T00:30:00Z", readings))));
  };
  EXPECT_EQ(reasons(with(1024)), Reasons{});
  const auto decoded = with(1025);
  EXPECT_EQ(reasons(decoded), Reasons{"record_too_long"});
  EXPECT_EQ(decoded.batch.observations.size(), 1U);
}

TEST(SsnExportBadRecord, LongEventTextIsCutAtACharacter) {
  std::string words = "x";
  for (int i = 0; i < 3000; ++i) words += "\xC3\xA9";  // 6001 bytes: byte 4096 is inside a character
  const auto decoded = decode(meter(
      event_data("<Event EventName=\"A\" EventTime=\"2026-01-01T00:00:00Z\">  " + words + " </Event>")));
  ASSERT_EQ(decoded.batch.observations.size(), 1U);
  const auto text = std::get<EventObservation>(decoded.batch.observations[0]).text;
  EXPECT_EQ(text, words.substr(0, 4095));
}

TEST(SsnExportBadRecord, UnknownElementsAreCountedOnceAndTheirContentIsNotRead) {
  const auto decoded =
      decode(meter("<Future>" + interval_data(kGood) + "</Future>" + interval_data("<Hint/>" + kGood) +
                   "<Interval EndTime=\"2026-01-01T00:15:00Z\"/>"));
  EXPECT_EQ(decoded.batch.skipped, 3U);
  EXPECT_EQ(decoded.batch.observations.size(), 1U);
}

}  // namespace
}  // namespace ami::ssn_export::testing
