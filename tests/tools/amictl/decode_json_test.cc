#include "tools/amictl/decode_json.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <initializer_list>
#include <sstream>

#include "meter_model/normaliser/mapping_yaml.h"

namespace ami::amictl {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;

constexpr const char* kMapping = R"(
version: 1
wire: cmep
units:
  - {unit: KWH, kind: interval, reading_type: "0.0.{period}.4.1.1.12.0.0.0.0.0.0.0.0.3.72.0"}
  - {unit: KWHREG, kind: register, reading_type: 0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.3.72.0}
flags: {"": {quality: [2.0.0]}, R: {}, E: {quality: [2.8.0]}, N: {missing: true}}
raw_scale: {"lp:1": "0.0005"}
)";

// What one batch prints, each line read again by a JSON parser.
struct Printed {
  std::vector<json::object> lines;
  std::size_t errors = 0;

  [[nodiscard]] std::vector<json::object> of_kind(std::string_view kind) const {
    std::vector<json::object> found;
    for (const auto& line : lines) {
      if (line.at("kind").as_string() == kind) found.push_back(line);
    }
    return found;
  }
};

DecodeRules rules_in(std::optional<Zone> zone) {
  return {parse_mapping(kMapping, "test").value(), std::move(zone)};
}

Printed print(const DecodedBatch& batch, const DecodeRules& rules = rules_in(Zone::utc())) {
  std::ostringstream out;
  Printed printed;
  printed.errors = print_json_lines(batch, rules, out);
  std::istringstream in(out.str());
  for (std::string line; std::getline(in, line);) printed.lines.push_back(json::parse(line).as_object());
  return printed;
}

Printed print(SeriesObservation series) {
  DecodedBatch batch;
  batch.observations.emplace_back(std::move(series));
  return print(batch);
}

StatedTime time_at(std::string_view text) {
  return text.empty() ? StatedTime{} : parse_stated_time(text).value();
}

struct Said {
  std::string_view value, flag, time;
};

SeriesObservation series(SeriesKind kind, std::string_view unit, std::initializer_list<Said> values) {
  SeriesObservation said;
  said.meter = "M1";
  said.channel = unit;
  said.unit = unit;
  said.raw = "raw text";
  said.kind = kind;
  if (kind == SeriesKind::Interval) said.interval = 15min;
  for (const Said& one : values) said.values.push_back({one.value, one.flag, time_at(one.time), {}});
  return said;
}

SeriesObservation intervals(std::initializer_list<Said> values) {
  return series(SeriesKind::Interval, "KWH", values);
}

json::array array(std::initializer_list<json::value_ref> values) {
  return json::array(values);
}

TEST(DecodeJson, IntervalBlockCarriesTheContract) {
  SeriesObservation said = intervals({{"0.250", "R", "2026-01-15T05:15:00Z"}, {"0.2", "E3", ""}});
  said.offset = 77;
  const Printed printed = print(said);
  ASSERT_EQ(printed.lines.size(), 1U);
  EXPECT_EQ(printed.errors, 0U);
  const json::value expected = {{"kind", "interval_block"},
                                {"meter", "M1"},
                                {"offset", 77},
                                {"channel", "KWH"},
                                {"reading_type", "0.0.2.4.1.1.12.0.0.0.0.0.0.0.0.3.72.0"},
                                {"unit", "kWh"},
                                {"length_s", 900},
                                {"first_end", "2026-01-15T05:15:00Z"},
                                {"values", {"0.250", "0.2"}},
                                {"quality", array({{{"codes", json::array()}, {"flag", "R"}},
                                                   {{"codes", array({"2.8.0"})}, {"flag", "E3"}}})},
                                {"raw", "raw text"}};
  EXPECT_EQ(json::value(printed.lines[0]), expected) << printed.lines[0];
}

TEST(DecodeJson, RegisterCarriesTheContract) {
  const Printed printed =
      print(series(SeriesKind::Register, "KWHREG", {{"34315.000", "", "2026-01-15T00:00:00.5-05:00"}}));
  ASSERT_EQ(printed.lines.size(), 1U);
  const json::value expected = {{"kind", "register"},
                                {"meter", "M1"},
                                {"offset", 0},
                                {"channel", "KWHREG"},
                                {"reading_type", "0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.3.72.0"},
                                {"unit", "kWh"},
                                {"time", "2026-01-15T05:00:00.5Z"},
                                {"value", "34315.000"},
                                {"quality", {{"codes", array({"2.0.0"})}, {"flag", ""}}},
                                {"raw", "raw text"}};
  json::object line = printed.lines[0];
  // The fraction may be written with more zeros.
  const std::string time = line["time"].as_string().c_str();
  EXPECT_EQ(parse_instant(time).value(), parse_instant("2026-01-15T05:00:00.500Z").value());
  EXPECT_EQ(time.back(), 'Z');
  line["time"] = "2026-01-15T05:00:00.5Z";
  EXPECT_EQ(json::value(line), expected) << line;
}

TEST(DecodeJson, MissingValueIsNullAndNeverZero) {
  const Printed block =
      print(intervals({{"0", "R", "2026-01-15T05:15:00Z"}, {"", "R", ""}, {"0.000", "R", ""}}));
  ASSERT_EQ(block.lines.size(), 1U);
  EXPECT_EQ(block.lines[0].at("values"), json::value(array({"0", nullptr, "0.000"})));
  const Printed dial = print(series(SeriesKind::Register, "KWHREG", {{"", "R", "2026-01-15T05:15:00Z"}}));
  ASSERT_EQ(dial.lines.size(), 1U);
  EXPECT_TRUE(dial.lines[0].at("value").is_null());
  EXPECT_EQ(block.errors + dial.errors, 0U);
}

TEST(DecodeJson, FlagThatSaysNoValueMakesAZeroInTheFieldNull) {
  const Printed printed =
      print(intervals({{"0", "N32", "2026-01-15T05:15:00Z"}, {"7.5", "N", ""}, {"1", "R0", ""}}));
  ASSERT_EQ(printed.lines.size(), 1U);
  EXPECT_EQ(printed.lines[0].at("values"), json::value(array({nullptr, nullptr, "1"})));
  EXPECT_EQ(printed.lines[0].at("quality").at(0).at("flag"), json::value("N32"));
}

TEST(DecodeJson, NumberAloneIsNotTheEmptyFlag) {
  const Printed printed = print(intervals({{"1", "7", "2026-01-15T05:15:00Z"}, {"1", "", ""}}));
  ASSERT_EQ(printed.lines.size(), 1U);
  EXPECT_EQ(printed.lines[0].at("quality").at(0), json::value({{"codes", json::array()}, {"flag", "7"}}));
  EXPECT_EQ(printed.lines[0].at("quality").at(1), json::value({{"codes", array({"2.0.0"})}, {"flag", ""}}));
}

TEST(DecodeJson, ConstantMultipliesWhereTheUnitIsMapped) {
  SeriesObservation said = intervals({{"0.25", "R", "2026-01-15T05:15:00Z"}});
  said.constant = "0.3";
  const Printed printed = print(said);
  ASSERT_EQ(printed.lines.size(), 1U);
  EXPECT_EQ(printed.lines[0].at("values"), json::value(array({"0.075"})));
  EXPECT_EQ(printed.lines[0].at("constant"), json::value("0.3"));
  EXPECT_EQ(printed.lines[0].at("unit"), json::value("kWh"));
}

TEST(DecodeJson, ConstantIsShownAndNotAppliedWhereTheUnitIsNotMapped) {
  SeriesObservation said = series(SeriesKind::Interval, "PULSE", {{"139", "R", "2026-01-15T05:15:00Z"}});
  said.constant = "0.0072";
  const Printed printed = print(said);
  ASSERT_EQ(printed.lines.size(), 1U);
  EXPECT_EQ(printed.lines[0].at("values"), json::value(array({"139"})));
  EXPECT_EQ(printed.lines[0].at("constant"), json::value("0.0072"));
  EXPECT_EQ(printed.lines[0].at("unit"), json::value("PULSE"));
  EXPECT_TRUE(printed.lines[0].at("reading_type").is_null());
}

TEST(DecodeJson, IntervalLengthWithoutACodeLeavesTheUnitAsWritten) {
  SeriesObservation said = intervals({{"1", "R", "2026-01-15T05:15:00Z"}});
  said.interval = 7s;
  said.constant = "10";
  const Printed printed = print(said);
  ASSERT_EQ(printed.lines.size(), 1U);
  EXPECT_TRUE(printed.lines[0].at("reading_type").is_null());
  EXPECT_EQ(printed.lines[0].at("unit"), json::value("KWH"));
  EXPECT_EQ(printed.lines[0].at("values"), json::value(array({"1"})));
}

TEST(DecodeJson, ConstantThatIsNoPositiveNumberIsAnError) {
  for (const char* constant : {"0", "-1", "1E99", "0.0"}) {
    SeriesObservation said = intervals({{"1", "R", "2026-01-15T05:15:00Z"}, {"2", "R", ""}});
    said.constant = constant;
    const Printed printed = print(said);
    ASSERT_EQ(printed.lines.size(), 1U) << constant;
    EXPECT_EQ(printed.errors, 1U);
    EXPECT_EQ(printed.lines[0].at("kind"), json::value("error"));
    EXPECT_EQ(printed.lines[0].at("reason"), json::value("bad_constant"));
    EXPECT_EQ(printed.lines[0].at("raw"), json::value("raw text"));
  }
}

TEST(DecodeJson, NumberBeyondOurRangeIsAnErrorAndNotMissing) {
  const Printed block =
      print(intervals({{"1", "R", "2026-01-15T05:15:00Z"}, {"1E99", "R", ""}, {"3", "R", ""}}));
  EXPECT_EQ(block.errors, 1U);
  ASSERT_EQ(block.of_kind("error").size(), 1U);
  EXPECT_EQ(block.of_kind("error")[0].at("reason"), json::value("bad_number"));
  ASSERT_EQ(block.of_kind("interval_block").size(), 1U);
  EXPECT_EQ(block.of_kind("interval_block")[0].at("values"), json::value(array({"1", nullptr, "3"})));
  const Printed dials =
      print(series(SeriesKind::Register, "KWHREG",
                   {{"1E99", "", "2026-01-15T05:15:00Z"}, {"5", "", "2026-01-16T05:15:00Z"}}));
  EXPECT_EQ(dials.errors, 1U);
  ASSERT_EQ(dials.of_kind("register").size(), 1U);
  EXPECT_EQ(dials.of_kind("register")[0].at("value"), json::value("5"));
}

TEST(DecodeJson, ProductBeyondOurRangeIsAnError) {
  SeriesObservation said = intervals({{"9223372036854775807", "R", "2026-01-15T05:15:00Z"}});
  said.constant = "3";
  const Printed printed = print(said);
  ASSERT_EQ(printed.lines.size(), 1U);
  EXPECT_EQ(printed.errors, 1U);
  EXPECT_EQ(printed.lines[0].at("reason"), json::value("number_out_of_range"));
}

TEST(DecodeJson, RawCountIsScaledOnlyWhereTheMappingKnowsTheScale) {
  SeriesObservation said = intervals({{"", "R", "2026-01-15T05:15:00Z"}, {"0.9", "R", ""}});
  said.values[0].raw_count = "363";
  said.values[1].raw_count = "1";  // the scaled value was sent: it counts
  said.channel = "lp:1";
  ASSERT_EQ(print(said).lines.size(), 1U);
  EXPECT_EQ(print(said).lines[0].at("values"), json::value(array({"0.1815", "0.9"})));
  said.channel = "lp:2";
  EXPECT_EQ(print(said).lines[0].at("values"), json::value(array({nullptr, "0.9"})));
}

TEST(DecodeJson, HoleInTheGridIsNull) {
  const Printed printed = print(intervals({{"1", "R", "2026-01-15T05:15:00Z"},
                                           {"2", "R", "2026-01-15T06:00:00Z"},
                                           {"3", "R", "2026-01-15T06:15:00Z"}}));
  ASSERT_EQ(printed.lines.size(), 1U);
  EXPECT_EQ(printed.lines[0].at("values"), json::value(array({"1", nullptr, nullptr, "2", "3"})));
  EXPECT_TRUE(printed.lines[0].at("quality").at(1).is_null());
  EXPECT_EQ(printed.lines[0].at("quality").as_array().size(), 5U);
}

TEST(DecodeJson, ValueOffTheGridBeginsALineOfItsOwn) {
  const Printed printed = print(intervals({{"1", "R", "2026-01-15T05:15:00Z"},
                                           {"2", "R", "2026-01-15T05:30:00Z"},
                                           {"3", "R", "2026-01-15T05:46:00Z"},
                                           {"4", "R", "2026-01-15T06:01:00Z"}}));
  ASSERT_EQ(printed.lines.size(), 2U);
  EXPECT_EQ(printed.lines[0].at("first_end"), json::value("2026-01-15T05:15:00Z"));
  EXPECT_EQ(printed.lines[0].at("values"), json::value(array({"1", "2"})));
  EXPECT_EQ(printed.lines[1].at("first_end"), json::value("2026-01-15T05:46:00Z"));
  EXPECT_EQ(printed.lines[1].at("values"), json::value(array({"3", "4"})));
}

TEST(DecodeJson, TimeThatStandsStillOrGoesBackBeginsANewLine) {
  const Printed printed = print(intervals({{"1", "R", "2026-01-15T05:15:00Z"},
                                           {"2", "R", "2026-01-15T05:15:00Z"},
                                           {"3", "R", "2026-01-15T05:00:00Z"},
                                           {"4", "R", ""}}));
  ASSERT_EQ(printed.lines.size(), 3U);
  EXPECT_EQ(printed.lines[0].at("values"), json::value(array({"1"})));
  EXPECT_EQ(printed.lines[1].at("values"), json::value(array({"2"})));
  EXPECT_EQ(printed.lines[2].at("values"), json::value(array({"3", "4"})));
}

TEST(DecodeJson, WideGapBeginsANewLine) {
  // 1000 quarter-hours are 10 days and 10 hours.
  const Printed filled =
      print(intervals({{"1", "R", "2026-01-15T00:00:00Z"}, {"2", "R", "2026-01-25T10:00:00Z"}}));
  ASSERT_EQ(filled.lines.size(), 1U);
  EXPECT_EQ(filled.lines[0].at("values").as_array().size(), 1001U);
  const Printed cut =
      print(intervals({{"1", "R", "2026-01-15T00:00:00Z"}, {"2", "R", "2026-01-25T10:15:00Z"}}));
  ASSERT_EQ(cut.lines.size(), 2U);
  EXPECT_EQ(cut.lines[1].at("first_end"), json::value("2026-01-25T10:15:00Z"));
  EXPECT_EQ(cut.lines[1].at("values"), json::value(array({"2"})));
}

TEST(DecodeJson, ManyGapsNeverAddUpToAnEndlessLine) {
  SeriesObservation said = intervals({});
  said.interval = 1min;
  for (int i = 0; i < 300; ++i) {
    StatedTime time = time_at("2026-01-01T00:00:00Z");
    time.civil += i * 1000 * 1min;
    said.values.push_back({"1", "R", time, {}});
  }
  const Printed printed = print(said);
  std::size_t values = 0;
  for (const auto& line : printed.lines) {
    EXPECT_LE(line.at("values").as_array().size(), 100'000U);
    for (const auto& value : line.at("values").as_array()) values += value.is_null() ? 0U : 1U;
  }
  EXPECT_EQ(values, 300U);
  EXPECT_EQ(printed.errors, 0U);
}

TEST(DecodeJson, IntervalsWithoutALengthAreAnError) {
  SeriesObservation said = intervals({{"1", "R", "2026-01-15T05:15:00Z"}});
  said.interval = 0s;
  const Printed printed = print(said);
  ASSERT_EQ(printed.lines.size(), 1U);
  EXPECT_EQ(printed.errors, 1U);
  EXPECT_EQ(printed.lines[0].at("reason"), json::value("unknown_interval_length"));
}

TEST(DecodeJson, TimeWithoutOffsetIsPlacedByTheZoneOrIsAnError) {
  DecodedBatch batch;
  batch.observations.emplace_back(intervals({{"1", "R", "2026-01-15T00:15:00"}, {"2", "R", ""}}));
  const Printed placed = print(batch, rules_in(Zone::load("America/Toronto").value()));
  ASSERT_EQ(placed.lines.size(), 1U);
  EXPECT_EQ(placed.lines[0].at("first_end"), json::value("2026-01-15T05:15:00Z"));
  const Printed lost = print(batch, rules_in(std::nullopt));
  EXPECT_EQ(lost.errors, 2U);
  ASSERT_EQ(lost.of_kind("error").size(), 2U);
  EXPECT_EQ(lost.lines[0].at("reason"), json::value("no_zone"));
}

TEST(DecodeJson, BytesThatAreNoUtf8StillGiveValidJson) {
  SeriesObservation said = intervals({{"1", "R", "2026-01-15T05:15:00Z"}});
  static constexpr char kBytes[] = "a\xff\xc3\x28\0\n\"\\z\x80";
  said.raw = {kBytes, sizeof kBytes - 1};
  said.meter = "M\xe9";
  const Printed printed = print(said);
  ASSERT_EQ(printed.lines.size(), 1U);
  EXPECT_EQ(printed.lines[0].at("raw").as_string(), json::string_view("a\\xff\\xc3(\0\n\"\\z\\x80", 19));
  EXPECT_EQ(printed.lines[0].at("meter"), json::value("M\\xe9"));
}

TEST(DecodeJson, MalformedRecordBecomesAnErrorObjectInOrderOfOffsets) {
  DecodedBatch batch;
  for (const std::uint64_t offset : {0U, 20U}) {
    SeriesObservation said = intervals({{"1", "R", "2026-01-15T05:15:00Z"}});
    said.offset = offset;
    batch.observations.emplace_back(std::move(said));
  }
  batch.malformed.push_back({10, "bad \xfe", "", "count_mismatch", "detail"});
  batch.malformed.push_back({30, "worse", "M2", "bad_number", ""});
  const Printed printed = print(batch);
  EXPECT_EQ(printed.errors, 2U);
  ASSERT_EQ(printed.lines.size(), 4U);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(printed.lines[i].at("offset").to_number<std::uint64_t>(), i * 10);
    EXPECT_EQ(printed.lines[i].at("kind"), json::value(i % 2 == 0 ? "interval_block" : "error"));
  }
  EXPECT_EQ(printed.lines[1].at("reason"), json::value("count_mismatch"));
  EXPECT_EQ(printed.lines[1].at("detail"), json::value("detail"));
  EXPECT_EQ(printed.lines[1].at("raw"), json::value("bad \\xfe"));
  EXPECT_TRUE(printed.lines[1].at("meter").is_null());
  EXPECT_EQ(printed.lines[3].at("meter"), json::value("M2"));
}

TEST(DecodeJson, EventKeepsTheVendorsWordsAndOneWithoutTimeIsAlsoAnError) {
  EventObservation event;
  event.meter = "M1";
  event.offset = 5;
  event.code = "METER_HAN_COMM_FAILURE";
  event.text = "words of the vendor";
  event.raw = "<Event/>";
  event.time = time_at("2026-01-15T00:15:00-05:00");
  DecodedBatch batch;
  batch.observations.emplace_back(event);
  event.time = {};
  batch.observations.emplace_back(event);
  const Printed printed = print(batch);
  ASSERT_EQ(printed.lines.size(), 3U);
  EXPECT_EQ(printed.lines[0].at("kind"), json::value("event"));
  EXPECT_EQ(printed.lines[0].at("time"), json::value("2026-01-15T05:15:00Z"));
  EXPECT_EQ(printed.lines[0].at("code"), json::value("METER_HAN_COMM_FAILURE"));
  EXPECT_EQ(printed.lines[0].at("text"), json::value("words of the vendor"));
  EXPECT_TRUE(printed.lines[1].at("time").is_null());
  EXPECT_EQ(printed.lines[2].at("reason"), json::value("missing_time"));
  EXPECT_EQ(printed.errors, 1U);
}

TEST(DecodeJson, NothingSaidPrintsNothing) {
  const Printed printed = print(DecodedBatch{});
  EXPECT_TRUE(printed.lines.empty());
  EXPECT_EQ(printed.errors, 0U);
}

}  // namespace
}  // namespace ami::amictl
