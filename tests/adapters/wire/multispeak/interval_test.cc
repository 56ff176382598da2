// intervalData and formattedBlock.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/adapters/wire/multispeak/messages.h"

namespace ami::multispeak::testing {
namespace {

using ::testing::HasSubstr;

std::string profile(const std::string& length = "<intervalLength>15</intervalLength>") {
  return "<statusDelimiter>|</statusDelimiter><intervalDelimiter>,</intervalDelimiter><profiles>"
         "<profile profileID='p1'>" +
         length +
         "<channels><channel><index>1</index><fieldName>kWhDel</fieldName><units>kWh</units></channel>"
         "</channels></profile></profiles>";
}

std::string block(const std::string& values, const std::string& more = "", const std::string& index = "1",
                  const std::string& start = "2026-01-15T00:00:00-05:00") {
  return "<blocks><block><profileID>p1</profileID><meterNo>M1</meterNo>" + more + "<intervalStart>" + start +
         "</intervalStart><dB><chs><ch><idx>" + index + "</idx><d>" + values +
         "</d></ch></chs></dB></block></blocks>";
}

std::string interval_lines(const std::string& values) {
  return lines(decoded(intervals(profile() + block(values))), 'I');
}

TEST(MultiSpeakIntervals, ValuesAndStatusesInTheirPlaces) {
  const std::string head = "I|M1|lp:1|kWhDel|kWh|-|900|2026-01-15T00:15:00-05:00|";
  EXPECT_EQ(interval_lines("0.1,0.2|4,0.3"), head + "0.1,0.2~4,0.3|\n");
  EXPECT_EQ(interval_lines(" 0.1 , 0.2 "), head + "0.1,0.2|\n");
  // an empty place is a hole, and no zero; also at the end
  EXPECT_EQ(interval_lines("0.1,,0.3"), head + "0.1,,0.3|\n");
  EXPECT_EQ(interval_lines(",0.2,"), head + ",0.2,|\n");
  EXPECT_EQ(interval_lines("|8,0.2"), head + "~8,0.2|\n");
  EXPECT_EQ(interval_lines(""), "");
}

TEST(MultiSpeakIntervals, OtherDelimitersOfAnyLength) {
  const std::string data =
      "<statusDelimiter>::</statusDelimiter><intervalDelimiter>;;</intervalDelimiter><profiles>"
      "<profile profileID='p1'><intervalLength>60</intervalLength><channels><channel><index>1</index>"
      "<units>Wh</units></channel></channels></profile></profiles>" +
      block("1;;2::A;;3");
  EXPECT_EQ(lines(decoded(intervals(data)), 'I'),
            "I|M1|lp:1|intervalData|Wh|-|3600|2026-01-15T01:00:00-05:00|1,2~A,3|\n");
}

TEST(MultiSpeakIntervals, ABadValueIsAHoleAndItsNeighboursKeepTheirPlaces) {
  const auto notification = decoded(intervals(profile() + block("0.1,x,y,0.4")));
  EXPECT_EQ(lines(notification, 'I'), "I|M1|lp:1|kWhDel|kWh|-|900|2026-01-15T00:15:00-05:00|0.1,,,0.4|\n");
  ASSERT_EQ(notification.reports.batch.malformed.size(), 1U);
  EXPECT_STREQ(notification.reports.batch.malformed[0].reason, "bad_number");
  EXPECT_THAT(notification.reports.batch.malformed[0].detail, HasSubstr("2 values"));
  EXPECT_THAT(notification.reports.batch.malformed[0].detail, HasSubstr("value 2, \"x\""));
}

TEST(MultiSpeakIntervals, TheFirstEndIsAcrossMidnightInTheSameOffset) {
  EXPECT_EQ(lines(decoded(intervals(profile() + block("1", "", "1", "2026-12-31T23:50:00.5+05:30"))), 'I'),
            "I|M1|lp:1|kWhDel|kWh|-|900|2027-01-01T00:05:00.500+05:30|1|\n");
  EXPECT_EQ(lines(decoded(intervals(profile() + block("1", "", "1", "2026-01-15T00:00:00"))), 'I'),
            "I|M1|lp:1|kWhDel|kWh|-|900|from 2026-01-15T00:00:00|1|\n");
}

TEST(MultiSpeakIntervals, LengthsInMinutesOrAsTheyAreStated) {
  const auto length = [](const std::string& element, const Options& options = {}) {
    const auto notification = decoded(intervals(profile(element) + block("1")), options);
    const auto& all = notification.reports.batch.observations;
    if (!all.empty()) return std::to_string(std::get<SeriesObservation>(all[0]).interval.count());
    return std::string(notification.reports.batch.malformed.at(0).reason);
  };
  EXPECT_EQ(length("<intervalLength>15</intervalLength>"), "900");
  EXPECT_EQ(length("<intervalLength>15.0</intervalLength>"), "900");
  EXPECT_EQ(length("<intervalLength>0.5</intervalLength>"), "30");
  EXPECT_EQ(length("<intervalLength units='Seconds'>900</intervalLength>"), "900");
  EXPECT_EQ(length("<intervalLength units='Hours'>1</intervalLength>"), "3600");
  EXPECT_EQ(length("<intervalLength units='Milliseconds'>5000</intervalLength>"), "5");
  for (const char* bad :
       {"", "<intervalLength/>", "<intervalLength>0</intervalLength>", "<intervalLength>-15</intervalLength>",
        "<intervalLength>quarter</intervalLength>", "<intervalLength>0.001</intervalLength>",
        "<intervalLength>99999999999</intervalLength>", "<intervalLength units='Months'>1</intervalLength>",
        "<intervalLength units='minutes'>15</intervalLength>"})
    EXPECT_EQ(length(bad), "bad_interval_length") << bad;
  Options seconds;
  seconds.interval_length_unit = std::chrono::seconds(1);
  EXPECT_EQ(length("<intervalLength>900</intervalLength>", seconds), "900");
}

TEST(MultiSpeakIntervals, EndReadingsAreDialsAndBracketTheirBlock) {
  const auto end = [](const char* date, const char* reading, const char* channel = "1") {
    return "<endReading><channelIndex>" + std::string(channel) + "</channelIndex><reading>" + reading +
           "</reading><readingDate>" + date + "</readingDate></endReading>";
  };
  const auto notification = decoded(intervals(
      profile() + block("0.1,0.2", "<endReadingList>" + end("2026-01-15T00:30:00-05:00", "100.3") +
                                       end("2026-01-15T00:15:00-05:00", "100.1") +
                                       end("2026-01-15T00:20:00-05:00", "100.2") +
                                       end("2026-01-15T00:30:00-05:00", "oops") + end("never", "1") +
                                       end("2026-01-15T00:30:00-05:00", "1", "9") + "</endReadingList>")));
  EXPECT_EQ(lines(notification, 'I'),
            "I|M1|lp:1|kWhDel|kWh|-|900|2026-01-15T00:15:00-05:00|0.1,0.2|0=100.1,1=100.3,\n");
  EXPECT_EQ(lines(notification, 'R'),
            "R|M1|lp:1:end|endReading:kWhDel|kWh|-|-|2026-01-15T00:30:00-05:00|100.3|-|-\n"
            "R|M1|lp:1:end|endReading:kWhDel|kWh|-|-|2026-01-15T00:15:00-05:00|100.1|-|-\n"
            "R|M1|lp:1:end|endReading:kWhDel|kWh|-|-|2026-01-15T00:20:00-05:00|100.2|-|-\n");
  EXPECT_EQ(lines(notification, 'M'), "M|M1|bad_number\nM|M1|bad_time\nM|M1|unknown_channel\n");
}

std::string end_reading(const std::string& date, const std::string& reading) {
  return "<endReading><channelIndex>1</channelIndex><reading>" + reading + "</reading><readingDate>" + date +
         "</readingDate></endReading>";
}

TEST(MultiSpeakIntervals, EndsInAnotherOffsetAreTheSameMoments) {
  // 00:30 five hours west is 05:30Z; 01:30 four hours west too.
  const auto notification = decoded(intervals(
      profile() + block("0.1,0.2", "<endReadingList>" + end_reading("2026-01-15T05:30:00Z", "3") +
                                       end_reading("2026-01-15T01:15:00-04:00", "2") +
                                       end_reading("2026-01-15T00:15:00", "1") + "</endReadingList>")));
  EXPECT_EQ(lines(notification, 'I'),
            "I|M1|lp:1|kWhDel|kWh|-|900|2026-01-15T00:15:00-05:00|0.1,0.2|0=2,1=3,\n");
}

TEST(MultiSpeakIntervals, AChannelThatIsThereTwiceIsRefusedTheSecondTime) {
  const std::string twice =
      "<blocks><block><profileID>p1</profileID><meterNo>M1</meterNo><intervalStart>2026-01-15T00:00:00Z"
      "</intervalStart><dB><chs><ch><idx>1</idx><d>1</d></ch><ch><idx>1</idx><d>2</d></ch></chs></dB></"
      "block></blocks>";
  const auto notification = decoded(intervals(profile() + twice));
  EXPECT_EQ(lines(notification, 'I'), "I|M1|lp:1|kWhDel|kWh|-|900|2026-01-15T00:15:00Z|1|\n");
  EXPECT_EQ(lines(notification, 'M'), "M|M1|repeated_channel\n");
}

// 960 KiB of one block used to stand for 70 million entries, and for 1.7 GB.
TEST(MultiSpeakIntervals, ABlockOfManyChannelsAndManyEndsStandsForNoMoreThanItSays) {
  std::string channels, ends;
  for (int i = 0; i < 8000; ++i) channels += "<ch><idx>1</idx><d>1</d></ch>";
  for (int i = 0; i < 4000; ++i) ends += end_reading("2026-01-15T00:15:00Z", "1");
  const std::string message =
      intervals(profile() + "<blocks><block><profileID>p1</profileID><meterNo>M1</meterNo><endReadingList>" +
                ends + "</endReadingList><intervalStart>2026-01-15T00:00:00Z</intervalStart><dB><chs>" +
                channels + "</chs></dB></block></blocks>");
  ASSERT_LT(message.size(), kMaxRecordBytes);
  std::size_t entries = 0;
  const auto notification = decoded(message);
  for (const Observation& said : notification.reports.batch.observations)
    entries += std::get<SeriesObservation>(said).block_end_values.size();
  EXPECT_EQ(entries, 4000U);
}

TEST(MultiSpeakIntervals, ABlankSeparatorIsOne) {
  const auto separated = [](const std::string& by, const std::string& values) {
    return lines(decoded(intervals("<intervalDelimiter>" + by +
                                   "</intervalDelimiter><profiles><profile profileID='p1'><intervalLength>15"
                                   "</intervalLength><channels><channel><index>1</index></channel></channels>"
                                   "</profile></profiles>" +
                                   block(values))),
                 'I');
  };
  const std::string head = "I|M1|lp:1|intervalData|-|-|900|2026-01-15T00:15:00-05:00|";
  EXPECT_EQ(separated("\t", "0.1\t0.2\t0.3"), head + "0.1,0.2,0.3|\n");
  EXPECT_EQ(separated(" ", "0.1 0.2 0.3"), head + "0.1,0.2,0.3|\n");
  // An empty place at either end is a hole: nothing moves to another time.
  EXPECT_EQ(separated("\t", "\t0.2\t"), head + ",0.2,|\n");
  EXPECT_EQ(separated("\t", "0.1\t0.2\n"), head + "0.1,0.2|\n");
  // What stands on a line of its own is indented.
  EXPECT_EQ(separated("\t", "\n\t\t0.1\t0.2\n"), head + "0.1,0.2|\n");
  EXPECT_EQ(separated(" , ", "0.1,0.2"), head + "0.1,0.2|\n");
  EXPECT_EQ(separated("\n  ", "0.1,0.2"), head + "0.1,0.2|\n");  // none: the default
}

TEST(MultiSpeakIntervals, WhatTheProfilesDoNotSayIsMalformed) {
  EXPECT_EQ(lines(decoded(intervals(block("1"))), 'M'), "M|M1|unknown_profile\n");
  EXPECT_EQ(lines(decoded(intervals(profile() + block("1", "", "2"))), 'M'), "M|M1|unknown_channel\n");
  EXPECT_EQ(lines(decoded(intervals(profile() + block("1", "", "1", ""))), 'M'), "M|M1|missing_time\n");
  EXPECT_EQ(lines(decoded(intervals(profile() + block("1", "", "1", "1970-01-01T00:00:00Z"))), 'M'),
            "M|M1|missing_time\n");
  EXPECT_EQ(lines(decoded(intervals(profile() + block("1", "", "1", "noon"))), 'M'), "M|M1|bad_time\n");
  const std::string no_meter = profile() + "<blocks><block><profileID>p1</profileID></block></blocks>";
  EXPECT_EQ(lines(decoded(intervals(no_meter)), 'M'), "M|-|missing_meter\n");
}

TEST(MultiSpeakIntervals, ANotificationWithAnErrorAndNoValuesIsAFailedReadAndNoEmptyOne) {
  EXPECT_EQ(describe(decoded(
                intervals("", "<transactionID>t-1</transactionID><errorString>no data</errorString>"))),
            "T|-|t-1|-|no data|-\nK|0|0\n");
  EXPECT_EQ(describe(decoded(
                soap(operation("IntervalDataNotification",
                               "<transactionID>t-1</transactionID><errorString>no data</errorString>")))),
            "T|-|t-1|-|no data|-\nK|0|0\n");
  // with blocks it is each block's
  EXPECT_EQ(lines(decoded(intervals(profile() + block("1"),
                                    "<transactionID>t-1</transactionID>"
                                    "<errorString>partial</errorString>")),
                  'T'),
            "T|M1|t-1|-|partial|2026-01-15T00:00:00-05:00\n");
}

std::string rows(const std::string& syntax, const std::string& values, const std::string& separator = "|",
                 const Options& options = {}) {
  return describe(
      decoded(soap(operation("FormattedBlockNotification",
                             "<changedMeterReads><separator>" + separator + "</separator><valSyntax>" +
                                 syntax + "</valSyntax><valueList>" + values +
                                 "</valueList></changedMeterReads><transactionID>t-1</transactionID>")),
              options));
}

std::string item(const std::string& field, const std::string& position, const std::string& uom = "") {
  return "<syntaxItem><fieldName>" + field + "</fieldName><position>" + position + "</position><uom>" + uom +
         "</uom></syntaxItem>";
}

TEST(MultiSpeakBlock, ColumnsAreFoundByTheirPosition) {
  const std::string syntax = item("readingDate", "3") + item("meterNo", "1") + item("posKWh", "2", "kWh") +
                             item("kW", "4") + item("kWDateTime", "5");
  EXPECT_EQ(rows(syntax,
                 "<val>M1|100.5|2026-01-15T12:00:00Z|2.5|2026-01-10T18:30:00Z</val>"
                 "<val>M2|7|2026-01-15T12:00:00Z||</val>"),
            "R|M1|posKWh|posKWh|kWh|-|-|2026-01-15T12:00:00Z|100.5|-|-\n"
            "R|M1|kW|kW|kW|-|-|2026-01-15T12:00:00Z|2.5|-|2026-01-10T18:30:00Z\n"
            "R|M2|posKWh|posKWh|kWh|-|-|2026-01-15T12:00:00Z|7|-|-\n"
            "T|M1|t-1|-|-|2026-01-15T12:00:00Z\n"
            "T|M2|t-1|-|-|2026-01-15T12:00:00Z\n"
            "K|0|0\n");
}

TEST(MultiSpeakBlock, PositionsFromZeroAreSeenWhenOneIsZero) {
  EXPECT_THAT(rows(item("meterNo", "0") + item("posKWh", "1") + item("readingDate", "2"),
                   "<val>M1|100|2026-01-15T12:00:00Z</val>"),
              HasSubstr("R|M1|posKWh|posKWh|kWh|-|-|2026-01-15T12:00:00Z|100|-|-\n"));
  Options from_zero;
  from_zero.block_first_position = 0;
  EXPECT_THAT(rows(item("meterNo", "1") + item("posKWh", "2") + item("readingDate", "3"),
                   "<val>x|M1|100|2026-01-15T12:00:00Z</val>", "|", from_zero),
              HasSubstr("R|M1|posKWh|posKWh|kWh|-|-|2026-01-15T12:00:00Z|100|-|-\n"));
}

TEST(MultiSpeakBlock, AColumnMayHaveATimeOfItsOwn) {
  EXPECT_THAT(rows(item("meterNo", "1") + item("kWh", "2", "kWh") + item("kWhDateTime", "3"),
                   "<val>M1,5,2026-01-15T12:00:00Z</val>", ","),
              HasSubstr("R|M1|kWh|kWh|kWh|-|-|2026-01-15T12:00:00Z|5|-|-\n"));
}

TEST(MultiSpeakBlock, RowsMayBeSeparatedByTabs) {
  const std::string syntax = item("meterNo", "1") + item("readingDate", "2") + item("posKWh", "3", "kWh") +
                             item("kW", "4") + item("kWDateTime", "5");
  const std::string said = rows(syntax, "<val>M1\t2026-01-15T12:00:00Z\t100\t\t</val>", "\t");
  EXPECT_THAT(said, HasSubstr("R|M1|posKWh|posKWh|kWh|-|-|2026-01-15T12:00:00Z|100|-|-\n"));
  EXPECT_THAT(said, ::testing::Not(HasSubstr("M|")));
}

TEST(MultiSpeakBlock, BadRowsCostOnlyThemselves) {
  const std::string syntax = item("meterNo", "1") + item("posKWh", "2") + item("readingDate", "3");
  EXPECT_EQ(rows(syntax,
                 "<val>M1|5</val><val/><val>|5|2026-01-15T12:00:00Z</val><val>M3|5|never</val>"
                 "<val>M4|five|2026-01-15T12:00:00Z</val><val>M5|5|2026-01-15T12:00:00Z|more</val>"),
            "R|M5|posKWh|posKWh|kWh|-|-|2026-01-15T12:00:00Z|5|-|-\n"
            "T|M5|t-1|-|-|2026-01-15T12:00:00Z\n"
            "M|M1|bad_row\nM|-|bad_row\nM|-|missing_meter\nM|M3|bad_time\nM|M4|bad_number\nK|0|0\n");
}

TEST(MultiSpeakBlock, ASyntaxWithoutMeterOrTimeIsSaidOnce) {
  const std::string row = "<val>M1|5|2026-01-15T12:00:00Z</val><val>M2|5|2026-01-15T12:00:00Z</val>";
  EXPECT_EQ(rows(item("account", "1") + item("posKWh", "2") + item("readingDate", "3"), row),
            "M|-|missing_column\nK|0|0\n");
  EXPECT_EQ(rows(item("meterNo", "1") + item("posKWh", "2"), row), "M|-|missing_column\nK|0|0\n");
  EXPECT_EQ(rows("", row), "M|-|missing_column\nK|0|0\n");
  EXPECT_EQ(rows(item("meterNo", "one") + item("posKWh", "-2") + item("readingDate", "99999999"), row),
            "M|-|missing_column\nK|0|0\n");
  EXPECT_EQ(rows("", ""), "K|0|0\n");
}

TEST(MultiSpeakBlock, AnErrorInsteadOfRowsIsAFailedRead) {
  EXPECT_EQ(
      describe(decoded(soap(operation("FormattedBlockNotification",
                                      "<transactionID>t-1</transactionID><errorString>no</errorString>")))),
      "T|-|t-1|-|no|-\nK|0|0\n");
}

}  // namespace
}  // namespace ami::multispeak::testing
