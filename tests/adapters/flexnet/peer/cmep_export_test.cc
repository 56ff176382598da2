#include "adapters/flexnet/peer/cmep_export.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "adapters/wire/cmep/codec/cmep.h"

namespace ami::flexnet::peer {
namespace {

using virtual_meter::Collected;
using virtual_meter::Reading;

UtcInstant at(const char* text) {
  return parse_instant(text).value();
}

Reading reading(const char* clock, Decimal delivered_kwh) {
  Reading out;
  out.clock = at(clock);
  out.energy.delivered_kwh = delivered_kwh;
  return out;
}

Collected one_meter() {
  Collected collected;
  collected.meter = "FA10000001";
  collected.received_channel = false;
  collected.intervals = {{at("2026-01-15T05:15:00Z"), 151, 0, {}}, {at("2026-01-15T05:30:00Z"), 0, 0, {}}};
  collected.readings = {reading("2026-01-15T05:00:00Z", {34'315, 0})};
  return collected;
}

ExportSettings utc() {
  return {.created = at("2026-01-15T17:00:00Z")};
}

std::string written(const Collected& collected, const ExportSettings& settings) {
  return export_records({&collected, 1}, settings).value();
}

constexpr const char* kHead = "MEPMD01,19970819,HES01,LDC001,MDM01,FA10000001,202601151700,FA10000001,OK,E,";

TEST(CmepPeer, WritesIntervalsAndDials) {
  EXPECT_EQ(written(one_meter(), utc()),
            std::string(kHead) + "KWH,1.0,00000015,2,202601150515,R,0.1812,202601150530,R,0.0000\r\n" +
                kHead + "KWHREG,1.0,,1,202601150500,R,34315\r\n");
}

TEST(CmepPeer, StatesTheFirstEndOnlyWhereAskedTo) {
  ExportSettings settings = utc();
  settings.states_each_end = false;
  EXPECT_NE(written(one_meter(), settings).find("2,202601150515,R,0.1812,,R,0.0000\r\n"), std::string::npos);
}

TEST(CmepPeer, LocalFacesOfAFeedInLocalTimeAndMinutesThatAreCut) {
  Collected collected = one_meter();
  collected.readings[0].clock = at("2026-01-15T05:00:59Z");
  ExportSettings settings = utc();
  settings.zone = Zone::load("Asia/Kathmandu").value();
  const std::string text = written(collected, settings);
  EXPECT_NE(text.find("KWH,1.0,00000015,2,202601151100,R"), std::string::npos) << text;
  EXPECT_NE(text.find("KWHREG,1.0,,1,202601151045,R,34315"), std::string::npos) << text;
}

TEST(CmepPeer, AGapARepetitionAndFortyEightReadingsBeginARecord) {
  Collected collected = one_meter();
  collected.readings.clear();
  collected.intervals.clear();
  const UtcInstant start = at("2026-01-15T05:00:00Z");
  for (int i = 1; i <= 50; ++i)
    collected.intervals.push_back({start + i * std::chrono::minutes{15}, i, 0, {}});
  collected.intervals.push_back(collected.intervals.back());                          // said twice
  collected.intervals.push_back({start + 60 * std::chrono::minutes{15}, 60, 0, {}});  // after a gap
  const std::string text = written(collected, utc());
  EXPECT_EQ(std::ranges::count(text, '\n'), 4);
  for (const char* part : {"00000015,48,", "00000015,2,", "00000015,1,"})
    EXPECT_NE(text.find(part), std::string::npos) << part;
}

TEST(CmepPeer, TiersAreASummaryOfEachReadingWithItsPeriod) {
  Collected collected = one_meter();
  collected.intervals.clear();
  collected.readings.push_back(reading("2026-01-16T05:00:00Z", {34'340, 0}));
  for (Reading& one : collected.readings) one.energy.tiers_kwh = {{{100, 0}, {20, 0}, {3, 0}, {0, 0}}};
  const std::string text = written(collected, utc());
  const std::string head =
      "MEPMD02,19970819,HES01,LDC001,MDM01,FA10000001,202601151700,FA10000001,OK,E,KWHREG,W,1.0,";
  const std::string tiers = "OFF-PEAK,R,100,PART-PEAK,R,20,ON-PEAK,R,3,PEAK-2,R,0,TOTAL,R,";
  EXPECT_NE(text.find(head + ",202601150500,5," + tiers + "34315\r\n"), std::string::npos) << text;
  EXPECT_NE(text.find(head + "202601150500,202601160500,5," + tiers + "34340\r\n"), std::string::npos)
      << text;
}

TEST(CmepPeer, TheDecoderTakesAllOfIt) {
  Collected collected = one_meter();
  collected.received_channel = true;
  collected.readings[0].energy.received_kwh = Decimal{300, 0};
  const Collected two[] = {collected, {.meter = "M2"}};
  const std::string text = export_records(two, utc()).value();
  const DecodedBatch out = cmep::decode_all(std::make_shared<const std::string>(text), {});
  EXPECT_TRUE(out.malformed.empty());
  EXPECT_EQ(out.observations.size(), 4U);  // KWH, GKWH, KWHREG, GKWHREG
}

TEST(CmepPeer, RefusesWhatItCannotWrite) {
  const auto refused = [](const Collected& collected) {
    const auto text = export_records({&collected, 1}, utc());
    return text ? "" : text.error().message;
  };
  Collected nameless = one_meter();
  nameless.meter.clear();
  EXPECT_EQ(refused(nameless), "a meter without a name cannot be exported");
  Collected accented = one_meter();
  accented.meter = "compteur d'été";
  EXPECT_EQ(refused(accented), "a CMEP record cannot carry text that is not printable ASCII");
  Collected timeless = one_meter();
  timeless.interval = std::chrono::minutes(0);
  EXPECT_EQ(refused(timeless), "meter FA10000001: an interval of 0 min; 1 or more are possible");
  Collected empty_pulse = one_meter();
  empty_pulse.ke_wh = {-12, -1};
  EXPECT_EQ(refused(empty_pulse), "meter FA10000001: a pulse of -1.2 Wh");
  Collected huge = one_meter();
  huge.ke_wh = {std::numeric_limits<std::int64_t>::max(), 0};
  EXPECT_NE(refused(huge).find("do not fit a number"), std::string::npos) << refused(huge);
}

}  // namespace
}  // namespace ami::flexnet::peer
