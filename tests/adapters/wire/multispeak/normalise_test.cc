// The shipped mapping and event map on decoded messages: canonical values by hand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "meter_model/normaliser/mapping_yaml.h"
#include "meter_model/normaliser/normaliser.h"
#include "meter_model/quantity/event_map.h"
#include "tests/adapters/wire/multispeak/messages.h"

namespace ami::multispeak::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

std::string shipped(const std::string& path) {
  return read_file(source_folder() + "../../../../config/" + path);
}

FeedRules rules(const std::string& overlay_yaml = "") {
  FeedRules rules;
  rules.feed = "test";
  rules.mapping = parse_mapping(shipped("maps/multispeak.yaml"), "multispeak.yaml").value();
  if (!overlay_yaml.empty()) {
    rules.mapping = overlay(std::move(rules.mapping), parse_mapping(overlay_yaml, "site").value());
  }
  rules.events =
      EventMap::parse(shipped("codes/events.yaml"), shipped("maps/multispeak-events.yaml"), "events").value();
  return rules;
}

NormalisedBatch normalised(const std::string& message, const FeedRules& by, const Options& options = {}) {
  const auto notification = decoded(message, options);
  NormalisedBatch out;
  normalise(
      notification.reports.batch, by,
      [](AliasKind, std::string_view, UtcInstant) {
        return std::optional<ResolvedMeter>({7, "2S", UtcInstant::min(), UtcInstant::max()});
      },
      parse_instant("2026-03-01T00:00:00Z").value(), out);
  return out;
}

// "key type unit at value [quality] flag", one a register, then one a run of intervals.
std::vector<std::string> said(const NormalisedBatch& batch) {
  std::vector<std::string> all;
  const auto quality = [&](std::uint32_t at) {
    std::string text = "[";
    for (const QualityCode& code : batch.qualities[at].codes) text += code.to_string();
    return text + "] " + batch.qualities[at].vendor_flag;
  };
  for (const RegisterReading& one : batch.registers) {
    const ChannelKey& channel = batch.channels[one.channel];
    all.push_back(channel.key + " " + channel.reading_type + " " + channel.unit + " " + to_text(one.at) +
                  " " + one.value.to_string() + " " + quality(one.quality) +
                  (one.occurred_at ? " at " + to_text(*one.occurred_at) : ""));
  }
  for (const IntervalRun& run : batch.intervals) {
    const ChannelKey& channel = batch.channels[run.channel];
    std::string text =
        channel.key + " " + channel.reading_type + " " + channel.unit + " " + to_text(run.first_start);
    for (const auto& mantissa : run.mantissas)
      text += mantissa ? " " + Decimal{*mantissa, run.exponent}.to_string() : " -";
    all.push_back(text);
  }
  return all;
}

std::vector<std::string> refused(const NormalisedBatch& batch) {
  std::vector<std::string> all;
  for (const Quarantined& one : batch.quarantined) all.push_back(one.reason);
  return all;
}

TEST(MultiSpeakMapping, TheSampleReadInCanonicalUnits) {
  if (!have_samples()) GTEST_SKIP() << "no samples";
  const auto batch = normalised(read_file(sample("v3-ReadingChangedNotification")), rules());
  EXPECT_THAT(
      said(batch),
      UnorderedElementsAre(
          // 2.66 kW at 18:30 of the 12th, five hours west
          "multispeak:kW 8.8.53.6.1.1.8.0.0.0.0.0.0.0.0.0.38.0 W 2026-01-15T17:00:00Z 2660 []  at "
          "2026-01-12T23:30:00Z",
          "multispeak:TOU:1:kWh 0.0.0.9.1.1.12.0.0.0.0.1.0.0.0.0.72.0 Wh 2026-01-15T17:00:00Z 20000000 [] ",
          "multispeak:TOU:2:kWh 0.0.0.9.1.1.12.0.0.0.0.2.0.0.0.0.72.0 Wh 2026-01-15T17:00:00Z 14315000 [] ",
          "multispeak:13.0.0.1.1.1.12.0.0.0.0.0.0.0.0.3.72.0 0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.0.72.0 Wh "
          "2026-01-15T17:00:00Z 34315482 [] ",
          "multispeak:Current Voltage 0.0.0.12.0.1.54.0.0.0.0.0.0.0.768.0.29.0 V 2026-01-15T17:00:00Z 241.2 "
          "[] "));
  EXPECT_THAT(refused(batch), ElementsAre());
}

TEST(MultiSpeakMapping, TheSampleOf41) {
  if (!have_samples()) GTEST_SKIP() << "no samples";
  const auto batch = normalised(read_file(sample("v41-ReadingChangedNotification")), rules());
  EXPECT_THAT(said(batch), ElementsAre("multispeak:kWh 0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.0.72.0 Wh "
                                       "2026-01-15T17:00:00Z 720113 [] Raw/R0"));
  EXPECT_THAT(refused(batch), ElementsAre());
}

TEST(MultiSpeakMapping, AStatusNumberIsTheSitesToExplain) {
  if (!have_samples()) GTEST_SKIP() << "no samples";
  const std::string message = read_file(sample("v3-IntervalDataNotification"));
  const auto unknown = normalised(message, rules());
  EXPECT_THAT(refused(unknown), ElementsAre("unknown_flag"));
  EXPECT_THAT(said(unknown),
              UnorderedElementsAre(
                  "multispeak:lp:1 0.0.2.4.1.1.12.0.0.0.0.0.0.0.0.0.72.0 Wh 2026-01-15T05:00:00Z 250 248",
                  "multispeak:lp:1 0.0.2.4.1.1.12.0.0.0.0.0.0.0.0.0.72.0 Wh 2026-01-15T05:45:00Z 249"));
  const auto known = normalised(message, rules("flags: {\"=4\": {quality: [1.4.2]}}\n"));
  EXPECT_THAT(refused(known), ElementsAre());
  EXPECT_THAT(
      said(known),
      ElementsAre(
          "multispeak:lp:1 0.0.2.4.1.1.12.0.0.0.0.0.0.0.0.0.72.0 Wh 2026-01-15T05:00:00Z 250 248 251 249"));
}

// America/Toronto 2026: the clock goes back on 1 November at 06:00Z and forward on 8 March at 07:00Z.
std::string hourly(const std::string& start, const std::string& minutes, const std::string& values,
                   const std::string& ends = "") {
  return intervals(
      "<profiles><profile profileID='p1'><intervalLength>" + minutes +
      "</intervalLength><channels><channel><index>1</index><fieldName>kWhDel</fieldName><units>kWh</units>"
      "</channel></channels></profile></profiles><blocks><block><profileID>p1</profileID>"
      "<meterNo>M1</meterNo><endReadingList>" +
      ends + "</endReadingList><intervalStart>" + start + "</intervalStart><dB><chs><ch><idx>1</idx><d>" +
      values + "</d></ch></chs></dB></block></blocks>");
}

NormalisedBatch in_toronto(const std::string& message) {
  FeedRules by = rules();
  by.zone = Zone::load("America/Toronto").value();
  const auto notification = decoded(message);
  NormalisedBatch out;
  normalise(
      notification.reports.batch, by,
      [](AliasKind, std::string_view, UtcInstant) {
        return std::optional<ResolvedMeter>({7, "2S", UtcInstant::min(), UtcInstant::max()});
      },
      parse_instant("2026-12-01T00:00:00Z").value(), out);
  return out;
}

TEST(MultiSpeakMapping, ABlockBeginsAtItsClockFaceAndGoesOnInElapsedTime) {
  const auto first = [](const std::string& start, const std::string& minutes) {
    const NormalisedBatch batch = in_toronto(hourly(start, minutes, "1,2,3"));
    if (!batch.quarantined.empty()) return batch.quarantined[0].reason;
    const IntervalRun& run = batch.intervals.at(0);
    return to_text(run.first_start) + " " + std::to_string(run.mantissas.size());
  };
  // Midnight of the long day is 04:00Z: that the end of the first hour is a face of two hours is no matter.
  EXPECT_EQ(first("2026-11-01T00:00:00", "60"), "2026-11-01T04:00:00Z 3");
  EXPECT_EQ(first("2026-11-01T00:00:00", "240"), "2026-11-01T04:00:00Z 3");
  EXPECT_EQ(first("2026-03-08T00:00:00", "240"), "2026-03-08T05:00:00Z 3");
  EXPECT_EQ(first("2026-03-08T01:00:00", "60"), "2026-03-08T06:00:00Z 3");
  // Which of the two hours, nobody says: quarantined, not stored an hour late.
  EXPECT_EQ(first("2026-11-01T01:00:00", "60"), "ambiguous_local_time");
  EXPECT_EQ(first("2026-11-01T01:00:00-04:00", "60"), "2026-11-01T05:00:00Z 3");
  EXPECT_EQ(first("2026-01-15T00:00:00", "60"), "2026-01-15T05:00:00Z 3");
}

TEST(MultiSpeakMapping, RegistersBracketABlockByMomentsAndNotByFaces) {
  const auto end = [](const std::string& date, const std::string& reading) {
    return "<endReading><channelIndex>1</channelIndex><reading>" + reading + "</reading><readingDate>" +
           date + "</readingDate></endReading>";
  };
  const auto failed = [](const NormalisedBatch& batch) {
    std::size_t count = 0;
    for (const auto& set : batch.qualities) {
      for (const QualityCode& code : set.codes) count += code == QualityCode{2, 6, 0} ? 1U : 0U;
    }
    return count;
  };
  // The long day has 25 hours of 1 kWh each.
  std::string values = "1.000";
  for (int hour = 1; hour < 25; ++hour) values += ",1.000";
  const auto autumn = [&](const std::string& last) {
    return in_toronto(hourly("2026-11-01T00:00:00", "60", values,
                             end("2026-11-01T03:00:00", "104.000") + end("2026-11-02T00:00:00", last)));
  };
  // 03:00 EST is four hours behind midnight; the next midnight 25.
  EXPECT_EQ(failed(autumn("125.000")), 0U);
  EXPECT_EQ(failed(autumn("124.000")), 1U);
  // The short day has 23, so its last face lies a place behind its last value.
  std::string short_day = "1.000";
  for (int hour = 1; hour < 23; ++hour) short_day += ",1.000";
  const auto spring = [&](const std::string& last) {
    return in_toronto(hourly("2026-03-08T00:00:00", "60", short_day,
                             end("2026-03-08T01:00:00", "101.000") + end("2026-03-09T00:00:00", last)));
  };
  EXPECT_EQ(failed(spring("123.000")), 0U);
  EXPECT_EQ(failed(spring("124.000")), 1U);
}

TEST(MultiSpeakMapping, MilliAndMegaAreNotTheSame) {
  const auto value = [](const char* units) {
    const auto batch = normalised(
        reading(
            "<meterRead><meterNo>M1</meterNo><readingDate>2026-01-01T00:00:00Z</readingDate><readingValues>"
            "<readingValue><units>" +
            std::string(units) +
            "</units><value>1.5</value><readingValueType>Energy</readingValueType></readingValue>"
            "</readingValues></meterRead>"),
        rules());
    return batch.registers.empty() ? refused(batch).at(0) : batch.registers[0].value.to_string();
  };
  EXPECT_EQ(value("mWh"), "0.0015");
  EXPECT_EQ(value("Wh"), "1.5");
  EXPECT_EQ(value("kWh"), "1500");
  EXPECT_EQ(value("MWh"), "1500000");
  EXPECT_EQ(value("KWH"), "unknown_unit");
  EXPECT_EQ(value("kwh"), "unknown_unit");
}

TEST(MultiSpeakMapping, DisagreeingDialsAreIndeterminate) {
  const auto batch = normalised(read_file(source_folder() + "golden/disagreeing.xml"), rules());
  EXPECT_THAT(said(batch),
              UnorderedElementsAre("multispeak:posKWh 0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.0.72.0 Wh "
                                   "2026-02-01T05:00:00Z 1000000 [2.10.0] disagrees",
                                   "multispeak:Energy 0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.0.72.0 Wh "
                                   "2026-02-01T05:00:00Z 1001500 [2.10.0] disagrees",
                                   "multispeak:Negative Energy 0.0.0.1.19.1.12.0.0.0.0.0.0.0.0.0.72.0 Wh "
                                   "2026-02-01T05:00:00Z 7250 [] ",
                                   "multispeak:posKWh 0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.0.72.0 Wh "
                                   "2026-02-01T05:00:00Z 55000 [] whole_kwh"));
  EXPECT_THAT(refused(batch), ElementsAre("unknown_unit"));  // kW undated
}

TEST(MultiSpeakMapping, FieldNamesOf41ThatNobodyExplainedAreQuarantined) {
  const auto batch = normalised(
      reading41(
          "<meterReading><meterID>M1</meterID><readingValues><readingValue><units>kWh</units><value>5</value>"
          "<fieldName>kWhNet</fieldName><timeStamp>2026-01-01T00:00:00Z</timeStamp></readingValue>"
          "</readingValues></meterReading>"),
      rules());
  EXPECT_THAT(refused(batch), ElementsAre("unknown_unit"));
}

TEST(MultiSpeakMapping, OutageAndSwitchWordsBecomeOurKinds) {
  const EventMap events = rules().events;
  const std::vector<std::pair<std::string, std::string>> expected = {
      {"OD/Outage", "OUTAGE"},
      {"OD/PowerOff", "OUTAGE"},
      {"OD/Restoration", "RESTORATION"},
      {"OD/PowerOn", "RESTORATION"},
      {"OD/Instantaneous", "MOMENTARY"},
      {"OD/NoResponse", "POWER_UNKNOWN_NO_RESPONSE"},
      {"OD/Inferred", "UNMAPPED"},
      {"OD/Unknown", "UNMAPPED"},
      {"CDStateChange/Disconnect", "SWITCH_OPENED"},
      {"CDStateChange/Open", "SWITCH_OPENED"},
      {"CDStateChange/Opened", "SWITCH_OPENED"},
      {"CDStateChange/Connect", "SWITCH_CLOSED"},
      {"CDStateChange/Close", "SWITCH_CLOSED"},
      {"CDStateChange/Closed", "SWITCH_CLOSED"},
      {"CDStateChange/Arm", "SWITCH_ARMED"},
      {"CDStateChange/Armed", "SWITCH_ARMED"},
      {"CDStateChange/Unknown", "UNMAPPED"},
      {"CDStateChange/Enabled", "UNMAPPED"},
      {"CDStateChangeFailed", "SWITCH_FAILED"},
      {"CDStateChangeFailed/Unknown", "SWITCH_FAILED"},
      {"CDStateChangeFailed/Disconnect", "SWITCH_FAILED"},
      {"CDStateChangeFailed/Connect", "SWITCH_FAILED"},
      {"CDStateChangeFailed/Arm", "SWITCH_FAILED"},
      {"CDStateChangeFailed/Enabled", "UNMAPPED"},
      {"3.8.0.215", "DEMAND_RESET"},
      {"3.31.0.23", "UNMAPPED"},  // a command
  };
  for (const auto& [code, kind] : expected) EXPECT_EQ(events.look_up(code, "").kind, kind) << code;
}

TEST(MultiSpeakMapping, EventsOfTheSamples) {
  if (!have_samples()) GTEST_SKIP() << "no samples";
  const auto outage = normalised(read_file(sample("v3-ODEventNotification")), rules());
  ASSERT_EQ(outage.events.size(), 1U);
  EXPECT_EQ(outage.events[0].kind, "OUTAGE");
  EXPECT_EQ(to_text(outage.events[0].at), "2026-01-15T16:58:03Z");
  EXPECT_EQ(outage.events[0].raw_code, "OD/Outage");
  const auto closed = normalised(read_file(sample("v41-CDStateChangedNotification")), rules());
  ASSERT_EQ(closed.events.size(), 1U);
  EXPECT_EQ(closed.events[0].kind, "SWITCH_CLOSED");
  // 3.0 has no time of its own: the receipt's.
  Options options;
  options.received_at = parse_instant("2026-01-15T17:00:06Z").value();
  const auto failed = normalised(read_file(sample("v3-CDStateChangedNotification-failed")), rules(), options);
  ASSERT_EQ(failed.events.size(), 1U);
  EXPECT_EQ(failed.events[0].kind, "SWITCH_FAILED");
  EXPECT_EQ(failed.events[0].code, "");
  EXPECT_EQ(failed.events[0].raw_text, "Switch did not operate");
}

}  // namespace
}  // namespace ami::multispeak::testing
