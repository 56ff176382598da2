// meterRead and meterReading: which value counts, what is kept, what is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/adapters/wire/multispeak/messages.h"

namespace ami::multispeak::testing {
namespace {

using ::testing::HasSubstr;

const std::string kAt = "<readingDate>2026-01-01T00:00:00Z</readingDate>";

std::string read_lines(const std::string& parts, const Options& options = {}) {
  return describe(decoded(reading("<meterRead><meterNo>M1</meterNo>" + parts + "</meterRead>"), options));
}

std::string value(const std::string& units, const std::string& number, const std::string& more = "") {
  return "<readingValue><units>" + units + "</units><value>" + number + "</value>" + more + "</readingValue>";
}

std::string energy(const std::string& number, const std::string& more = "") {
  return "<readingValues>" + value("kWh", number, "<readingValueType>Energy</readingValueType>" + more) +
         "</readingValues>";
}

TEST(MultiSpeakRead, AFractionReplacesTheWholeNumberThatItAgreesWith) {
  // truncated, rounded up, equal, and one apart: all the same dial
  for (const char* fine : {"1000.999", "999.5", "1000", "1001", "999"}) {
    const auto lines = read_lines(kAt + "<posKWh>1000</posKWh>" + energy(fine));
    EXPECT_EQ(lines.find("posKWh"), std::string::npos) << lines;
    EXPECT_THAT(lines,
                HasSubstr("|Energy|Energy|kWh|-|-|2026-01-01T00:00:00Z|" + std::string(fine) + "|-|-"));
  }
}

TEST(MultiSpeakRead, BothAreKeptAndMarkedWhenTheyDifferByMoreThanOne) {
  for (const char* fine : {"1001.001", "998.999", "0", "-1000"}) {
    const auto lines = read_lines(kAt + "<posKWh>1000</posKWh>" + energy(fine));
    EXPECT_THAT(lines, HasSubstr("|posKWh|posKWh|kWh|-|-|2026-01-01T00:00:00Z|1000|disagrees|-"));
    EXPECT_THAT(lines, HasSubstr("|Energy|Energy|kWh|-|-|2026-01-01T00:00:00Z|" + std::string(fine) +
                                 "|disagrees|-"));
  }
}

TEST(MultiSpeakRead, ValuesOfAnotherMomentUnitOrDirectionAreNotCompared) {
  const std::string dial = "R|M1|posKWh|posKWh|kWh|-|-|2026-01-01T00:00:00Z|1000|whole_kwh|-\n";
  for (const std::string& other :
       {energy("900", "<dateTime>2025-12-31T00:00:00Z</dateTime>"),
        "<readingValues>" + value("Wh", "1000.5", "<readingValueType>Energy</readingValueType>") +
            "</readingValues>",
        "<readingValues>" + value("kWh", "7", "<readingValueType>Negative Energy</readingValueType>") +
            "</readingValues>",
        "<readingValues>" + value("kWh", "x", "<readingValueType>Energy</readingValueType>") +
            "</readingValues>"}) {
    EXPECT_THAT(read_lines(kAt + "<posKWh>1000</posKWh>" + other), HasSubstr(dial)) << other;
  }
  EXPECT_THAT(read_lines(kAt + "<negKWh>8</negKWh><readingValues>" +
                         value("kWh", "7.9", "<readingValueType>Negative Energy</readingValueType>") +
                         "</readingValues>"),
              ::testing::Not(HasSubstr("negKWh")));
}

TEST(MultiSpeakRead, TheSameInstantInAnotherZoneIsTheSameMoment) {
  const auto lines = read_lines(kAt + "<posKWh>1000</posKWh>" +
                                energy("1000.5", "<dateTime>2025-12-31T19:00:00-05:00</dateTime>"));
  EXPECT_EQ(lines.find("posKWh"), std::string::npos) << lines;
}

TEST(MultiSpeakRead, DemandWithItsTimeIsAMaximum) {
  EXPECT_THAT(read_lines(kAt + "<kW>2.66</kW><kWDateTime>2025-12-12T18:30:00Z</kWDateTime>"),
              HasSubstr("R|M1|kW|kW|kW|-|-|2026-01-01T00:00:00Z|2.66|-|2025-12-12T18:30:00Z\n"));
  // never set since the reset: a maximum without a moment
  EXPECT_THAT(read_lines(kAt + "<kW>0</kW><kWDateTime>0001-01-01T00:00:00</kWDateTime>"),
              HasSubstr("R|M1|kW|kW|kW|-|-|2026-01-01T00:00:00Z|0|-|-\n"));
  EXPECT_THAT(read_lines(kAt + "<kW>2.66</kW>"), HasSubstr("R|M1|kW|kW undated|"));
  EXPECT_THAT(read_lines(kAt + "<kW>2.66</kW><kWDateTime>yesterday</kWDateTime>"),
              HasSubstr("M|M1|bad_time\n"));
}

TEST(MultiSpeakRead, UnitsKeepTheirCase) {
  const auto lines = read_lines(kAt + "<readingValues>" + value("mWh", "1", "<name>a</name>") +
                                value("MWh", "1", "<name>b</name>") + "</readingValues>");
  EXPECT_THAT(lines, HasSubstr("|a|readingValue|mWh|"));
  EXPECT_THAT(lines, HasSubstr("|b|readingValue|MWh|"));
}

TEST(MultiSpeakRead, TypeAndStatusCodesOf41AreKept) {
  const auto lines = describe(decoded(reading41(
      "<meterReading><meterID meterNo='M1' serviceType='Gas'/><readingValues><readingValue><units>ccf</units>"
      "<value>1.5</value><ratePeriod>A</ratePeriod><fieldName>vol</fieldName>"
      "<measurementPeriod>Previous Season</measurementPeriod><timeStamp>2026-01-01T00:00:00Z</timeStamp>"
      "<readingStatusCode originatingSystemID='HE' codeCategory='Estimated' "
      "codeIndex='0'>E</readingStatusCode>"
      "<readingTypeCode flowDirection='1' timeAttribute='' UOMCategory='72'/></readingValue></readingValues>"
      "</meterReading>")));
  EXPECT_THAT(lines,
              HasSubstr("R|M1|vol/Previous Season#A|flowDirection=1;UOMCategory=72/Previous Season|ccf|"
                        "Gas|A|2026-01-01T00:00:00Z|1.5|HE/Estimated/E0|-\n"));
}

TEST(MultiSpeakRead, TheIdIsTheOneThatTheSiteUses) {
  const std::string read = "<meterRead objectID='O1'><meterNo>M1</meterNo><deviceID>D1</deviceID>" + kAt +
                           "<posKWh>5</posKWh></meterRead>";
  Options options;
  EXPECT_THAT(describe(decoded(reading(read), options)), HasSubstr("R|M1|"));
  options.meter_field = MeterField::DeviceId;
  options.meter_kind = AliasKind::Module;
  const auto by_device = decoded(reading(read), options);
  EXPECT_THAT(describe(by_device), HasSubstr("R|D1|"));
  EXPECT_EQ(std::get<SeriesObservation>(by_device.reports.batch.observations.at(0)).meter_kind,
            AliasKind::Module);
  options.meter_field = MeterField::ObjectId;
  EXPECT_THAT(describe(decoded(reading(read), options)), HasSubstr("R|O1|"));
}

TEST(MultiSpeakRead, AReadWithoutTheChosenIdIsMalformedAndItsNeighboursLive) {
  const auto lines = describe(decoded(reading("<meterRead>" + kAt +
                                              "<posKWh>1</posKWh></meterRead>"
                                              "<meterRead><meterNo>M2</meterNo>" +
                                              kAt + "<posKWh>2</posKWh></meterRead>")));
  EXPECT_EQ(lines,
            "R|M2|posKWh|posKWh|kWh|-|-|2026-01-01T00:00:00Z|2|whole_kwh|-\n"
            "T|M2|t-1|-|-|2026-01-01T00:00:00Z\n"
            "M|-|missing_meter\n"
            "K|0|0\n");
}

TEST(MultiSpeakRead, AnErrorBesideValuesIsToldAndTheValuesAreKept) {
  const auto lines =
      describe(decoded(reading("<meterRead errorString='demand not read'><meterNo>M1</meterNo>" + kAt +
                               "<posKWh>5</posKWh></meterRead>")));
  EXPECT_THAT(lines, HasSubstr("R|M1|posKWh|"));
  EXPECT_THAT(lines, HasSubstr("T|M1|t-1|-|demand not read|2026-01-01T00:00:00Z\n"));
}

TEST(MultiSpeakRead, AFailedReadWithoutATransactionIsStillTold) {
  const auto lines = describe(decoded(soap(operation(
      "ReadingChangedNotification",
      "<changedMeterReads><meterRead objectID='M9' errorString='no answer'/></changedMeterReads>"))));
  EXPECT_EQ(lines, "T|M9|-|-|no answer|-\nK|0|0\n");
}

TEST(MultiSpeakRead, TimesThatAreNone) {
  // a broker's stamp, and defaults of programs that have no time
  EXPECT_EQ(read_lines("<readingDate>2017-10-09T053947PM-5</readingDate><posKWh>5</posKWh>"),
            "M|M1|bad_time\nK|0|0\n");
  for (const char* none : {"0001-01-01T00:00:00", "0001-01-01T00:00:00Z", "1970-01-01T00:00:00",
                           "1970-01-01T00:00:00Z", "1969-12-31T19:00:00-05:00"}) {
    EXPECT_EQ(read_lines("<readingDate>" + std::string(none) + "</readingDate><posKWh>5</posKWh>"),
              "M|M1|missing_time\nK|0|1\n")
        << none;
  }
  EXPECT_EQ(read_lines("<posKWh>5</posKWh>"), "M|M1|missing_time\nK|0|0\n");
  // a bare time is kept as it is: its zone is the feed's to settle
  EXPECT_THAT(read_lines("<readingDate>2026-01-01T00:00:00</readingDate><posKWh>5</posKWh>"),
              HasSubstr("|2026-01-01T00:00:00|5|"));
  EXPECT_THAT(read_lines("<readingDate>1970-01-01T00:00:01Z</readingDate><posKWh>5</posKWh>"),
              HasSubstr("|1970-01-01T00:00:01Z|5|"));
}

TEST(MultiSpeakRead, ABadValueCostsOnlyItself) {
  for (const char* bad : {"12,5", "n/a", "0x10", "1e99", "--3", "INF"}) {
    const auto lines = read_lines(kAt + "<posKWh>" + bad + "</posKWh><negKWh>3</negKWh>");
    EXPECT_EQ(lines,
              "R|M1|negKWh|negKWh|kWh|-|-|2026-01-01T00:00:00Z|3|whole_kwh|-\n"
              "T|M1|t-1|-|-|2026-01-01T00:00:00Z\nM|M1|bad_number\nK|0|0\n")
        << bad;
  }
  // nothing written is missing, and no zero
  EXPECT_THAT(read_lines(kAt + "<posKWh/>"), HasSubstr("|2026-01-01T00:00:00Z|-|whole_kwh|-"));
}

// Whoever pings by a read, or waits for one, must not take it for an answer of the meter.
TEST(MultiSpeakRead, AReadThatBringsNoValueGivesNoResult) {
  EXPECT_EQ(read_lines(kAt), "M|M1|no_values\nK|0|0\n");
  EXPECT_EQ(read_lines(kAt + "<momentaryOutages>2</momentaryOutages>"), "M|M1|no_values\nK|1|0\n");
  EXPECT_THAT(read_lines(kAt + "<posKWh/>"), HasSubstr("M|M1|no_values\n"));
  EXPECT_THAT(read_lines(kAt + "<posKWh/>"), ::testing::Not(HasSubstr("T|")));
  EXPECT_EQ(read_lines(kAt + "<posKWh>x</posKWh>"), "M|M1|bad_number\nK|0|0\n");
  // Unasked it is nothing: nobody waits for it.
  EXPECT_EQ(describe(decoded(soap(operation("ReadingChangedNotification",
                                            "<changedMeterReads><meterRead><meterNo>M1</meterNo>" + kAt +
                                                "</meterRead></changedMeterReads>")))),
            "K|0|0\n");
}

TEST(MultiSpeakRead, CountersAreCountedAsSkipped) {
  EXPECT_THAT(read_lines(kAt + "<phase>A</phase><momentaryOutages>2</momentaryOutages>"
                               "<momentaryEvents>3</momentaryEvents><sustainedOutages>1</sustainedOutages>"),
              HasSubstr("K|4|0\n"));
}

TEST(MultiSpeakRead, NothingInTheListIsNothing) {
  EXPECT_EQ(describe(decoded(reading(""))), "K|0|0\n");
  EXPECT_EQ(describe(decoded(soap(operation("ReadingChangedNotification", "")))), "K|0|0\n");
  EXPECT_EQ(describe(decoded(reading("<somethingElse/>"))), "K|0|0\n");
}

}  // namespace
}  // namespace ami::multispeak::testing
