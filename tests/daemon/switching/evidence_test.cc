#include "daemon/switching/evidence.h"

#include <gtest/gtest.h>

namespace ami::daemon::switching {
namespace {

using Says = Judged::Says;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

UtcInstant at(const char* text) {
  return parse_instant(text).value();
}
Decimal d(const char* text) {
  return Decimal::parse(text).value();
}

const UtcInstant kSent = at("2026-01-15T12:00:00Z");
const UtcInstant kSince = at("2026-01-15T12:05:00Z");

EvidenceFrame frame(SwitchAction action) {
  return {action, kSent, kSince, seconds{60}};
}
EvidenceMeans means() {
  EvidenceMeans out;
  out.reports_device_time = true;
  out.register_step_kwh = d("1");
  out.interval = minutes{15};
  return out;
}
Judged judged(SwitchAction action, const EvidenceItem& item) {
  return judge(frame(action), means(), item);
}

// By hand: 2 x 1000 Wh / 100 W = 20 h; 2 x 10 Wh / 100 W = 0.2 h = 720 s; 2 x 1 Wh / 7 W = 1028.57 s.
TEST(StillWindow, IsTwiceTheResolutionOverTheMinimumLoad) {
  EXPECT_EQ(still_window(d("1"), d("100")), seconds{20 * 3600});
  EXPECT_EQ(still_window(d("0.01"), d("100")), seconds{720});
  EXPECT_EQ(still_window(d("0.001"), d("7")), seconds{1029});
  EXPECT_EQ(still_window(d("0.001"), d("0.5")), seconds{14'400});
  EXPECT_EQ(still_window_words(d("1"), d("100")), "20 h (2 x 1 kWh at 100 W)");
  EXPECT_EQ(still_window_words(d("0.01"), d("100")), "12 min (2 x 0.01 kWh at 100 W)");
  EXPECT_EQ(still_window_words(d("0.001"), d("7")), "1029 s (2 x 0.001 kWh at 7 W)");
}

TEST(StillWindow, OfNothingIsNone) {
  for (const char* zero : {"0", "-1", "0.000"}) {
    EXPECT_FALSE(still_window(d(zero), d("100")).has_value()) << zero;
    EXPECT_FALSE(still_window(d("1"), d(zero)).has_value()) << zero;
  }
  EXPECT_FALSE(still_window(d("1000000"), d("0.001")).has_value()) << "longer than a year";
  EXPECT_FALSE(still_window(d("9223372036854775807"), d("1")).has_value());
  EXPECT_NE(still_window_words(d("1"), d("0")).find("both must be above zero"), std::string::npos);
}

TEST(Evidence, AcknowledgementIsTheLowestLevel) {
  const Judged out = judged(SwitchAction::Open, Acknowledgement{});
  EXPECT_EQ(out.says, Says::For);
  EXPECT_EQ(out.level, 0);
}

TEST(Evidence, AnswerOutOfBooksProvesNothingWhateverItSays) {
  for (const SwitchAction action : {SwitchAction::Open, SwitchAction::Close, SwitchAction::Arm}) {
    for (const SwitchPosition position :
         {SwitchPosition::Unknown, SwitchPosition::Open, SwitchPosition::Armed, SwitchPosition::Closed}) {
      EXPECT_EQ(judged(action, SynchronousState{position}).says, Says::Nothing);
    }
  }
}

TEST(Evidence, ReportWithTheDevicesTimeIsE1) {
  const Judged out = judged(SwitchAction::Open, PositionReport{SwitchPosition::Open, kSent + minutes{2}});
  EXPECT_EQ(out.says, Says::For);
  EXPECT_EQ(out.level, 1);
  EXPECT_EQ(judged(SwitchAction::Arm, PositionReport{SwitchPosition::Armed, kSent}).level, 1);
  EXPECT_EQ(judged(SwitchAction::Close, PositionReport{SwitchPosition::Closed, kSent}).level, 1);
}

TEST(Evidence, ReportWithoutTheDevicesTimeIsAnAcknowledgementAndNeverAgainst) {
  EXPECT_EQ(judged(SwitchAction::Open, PositionReport{SwitchPosition::Open, {}}).level, 0);
  EXPECT_EQ(judged(SwitchAction::Open, PositionReport{SwitchPosition::Closed, {}}).says, Says::Nothing);
}

TEST(Evidence, ReportOfBeforeTheCommandSaysNothing) {
  EXPECT_EQ(judged(SwitchAction::Open, PositionReport{SwitchPosition::Open, kSent - seconds{61}}).says,
            Says::Nothing);
  // Within the tolerance of the device's clock it counts.
  EXPECT_EQ(judged(SwitchAction::Open, PositionReport{SwitchPosition::Open, kSent - seconds{60}}).level, 1);
  EXPECT_EQ(judged(SwitchAction::Open, PositionReport{SwitchPosition::Closed, kSince - seconds{1}}).says,
            Says::Nothing);
  EXPECT_EQ(judged(SwitchAction::Open, PositionReport{SwitchPosition::Unknown, kSince}).says, Says::Nothing);
}

TEST(Evidence, DeviceWhoseClockTellsWholeSecondsIsBelievedRightAfterTheOperationBefore) {
  EvidenceFrame close = frame(SwitchAction::Close);
  close.sent_at = at("2026-01-15T12:00:00.500Z");
  close.since = at("2026-01-15T12:00:00.900Z");
  for (const char* before : {"2026-01-15T12:00:00.300Z", "2026-01-15T12:01:00.500Z"}) {
    close.before_until = at(before);
    const PositionReport same{SwitchPosition::Closed, at("2026-01-15T12:00:00Z")};
    EXPECT_EQ(judge(close, means(), same).says, Says::For) << before;
    const PositionReport earlier{SwitchPosition::Closed, at("2026-01-15T11:59:59Z")};
    EXPECT_EQ(judge(close, means(), earlier).says, Says::Nothing) << before;
  }
}

TEST(Evidence, ReportOfAnotherPositionSpeaksAgainst) {
  EXPECT_EQ(judged(SwitchAction::Open, PositionReport{SwitchPosition::Closed, kSince}).says, Says::Against);
  EXPECT_EQ(judged(SwitchAction::Close, PositionReport{SwitchPosition::Open, kSince}).says, Says::Against);
}

TEST(Evidence, ArmedIsNotClosed) {
  const Judged report = judged(SwitchAction::Close, PositionReport{SwitchPosition::Armed, kSince});
  EXPECT_EQ(report.says, Says::Nothing);
  EXPECT_NE(report.words.find("armed is not closed"), std::string::npos);
  EXPECT_EQ(
      judged(SwitchAction::Close, PositionRead{SwitchPosition::Armed, LoadSideVoltage::Absent, kSince}).says,
      Says::Nothing);
}

TEST(Evidence, RegisterThatStandsStillLongEnoughIsE2) {
  const RegisterPair still{d("1234"), d("1234"), kSince, kSince + hours{20}};
  const Judged out = judged(SwitchAction::Open, still);
  EXPECT_EQ(out.says, Says::For);
  EXPECT_EQ(out.level, 2);
  EXPECT_EQ(out.words, "the register stood still for 20 h, at least 20 h (2 x 1 kWh at 100 W)");
  const Judged brief =
      judged(SwitchAction::Open, RegisterPair{d("1234"), d("1234"), kSince, kSince + hours{20} - seconds{1}});
  EXPECT_EQ(brief.says, Says::Nothing);
  EXPECT_NE(brief.words.find("less than 20 h (2 x 1 kWh at 100 W)"), std::string::npos);
}

TEST(Evidence, RegisterReadBeforeItWasDoneSaysNothing) {
  EXPECT_EQ(
      judged(SwitchAction::Open, RegisterPair{d("1"), d("1"), kSince - seconds{1}, kSince + hours{40}}).says,
      Says::Nothing);
  EXPECT_EQ(judged(SwitchAction::Open, RegisterPair{d("1"), d("1"), kSince, kSince}).says, Says::Nothing);
  EXPECT_EQ(judged(SwitchAction::Open, RegisterPair{d("9"), d("1"), kSince, kSince + hours{40}}).says,
            Says::Nothing);
}

TEST(Evidence, EnergyThroughAnOpenSwitchSpeaksAgainstBeyondOneStep) {
  const auto rising = [](const char* to) {
    return RegisterPair{d("1234"), d(to), kSince, kSince + hours{30}};
  };
  EXPECT_EQ(judged(SwitchAction::Open, rising("1235")).says, Says::Nothing) << "one step may be of before";
  const Judged out = judged(SwitchAction::Open, rising("1236"));
  EXPECT_EQ(out.says, Says::Against);
  EXPECT_TRUE(out.energy);
  EXPECT_EQ(judged(SwitchAction::Close, rising("1236")).level, 2);
  EXPECT_EQ(judged(SwitchAction::Close, rising("1234")).says, Says::Nothing);
  EXPECT_EQ(judged(SwitchAction::Arm, rising("1234")).says, Says::Nothing);
}

TEST(Evidence, RegisterOfUnknownResolutionSaysNothing) {
  EvidenceMeans without = means();
  without.register_step_kwh.reset();
  EXPECT_EQ(
      judge(frame(SwitchAction::Open), without, RegisterPair{d("1"), d("1"), kSince, kSince + hours{99}})
          .says,
      Says::Nothing);
}

IntervalRun run(UtcInstant start, std::vector<std::optional<Decimal>> values) {
  return {start, minutes{15}, std::move(values)};
}

TEST(Evidence, TwoWholeIntervalsOfZeroAreE3) {
  EXPECT_EQ(judged(SwitchAction::Open, run(kSince, {d("0"), d("0.000")})).level, 3);
  EXPECT_EQ(judged(SwitchAction::Open, run(kSince, {d("0")})).says, Says::Nothing);
  // The first began before it was done, whatever it holds.
  EXPECT_EQ(judged(SwitchAction::Open, run(kSince - minutes{5}, {d("0.7"), d("0"), d("0")})).level, 3);
  EXPECT_EQ(judged(SwitchAction::Open, run(kSince - minutes{5}, {d("0.7"), d("0")})).says, Says::Nothing);
}

// By hand: 2 x 1000 Wh / 100 W = 20 h = 80 quarter hours; 2 x 20 Wh / 100 W = 24 min, less than 2 of them.
TEST(Evidence, ZerosMustSpanTheWindowOfTheirOwnResolution) {
  const auto zeros = [](const char* step, const char* load, std::size_t count) {
    EvidenceMeans coarse = means();
    coarse.interval_step_kwh = d(step);
    coarse.minimum_load_w = d(load);
    return judge(frame(SwitchAction::Open), coarse, run(kSince, std::vector<std::optional<Decimal>>(count, d("0"))));
  };
  const Judged brief = zeros("1", "100", 79);
  EXPECT_EQ(brief.says, Says::Nothing) << "a closed house at 100 W shows its first kWh after 10 h";
  EXPECT_EQ(brief.words, "79 intervals in a row are zero, 1185 min, which is less than 20 h (2 x 1 kWh at 100 W)");
  const Judged enough = zeros("1", "100", 80);
  EXPECT_EQ(enough.says, Says::For);
  EXPECT_EQ(enough.level, 3);
  EXPECT_EQ(enough.words, "80 intervals in a row are zero, 20 h, at least 20 h (2 x 1 kWh at 100 W)");
  EXPECT_EQ(zeros("0.02", "100", 2).says, Says::For);
  EXPECT_EQ(zeros("0.02", "50", 3).says, Says::Nothing) << "48 min";
  EXPECT_EQ(zeros("0.02", "50", 4).says, Says::For);
  EXPECT_EQ(zeros("0", "100", 500).says, Says::Nothing) << "of no resolution follows no window";
  EXPECT_EQ(zeros("1", "0", 500).says, Says::Nothing);
}

TEST(Evidence, EnergyOfEarlierRunsCounts) {
  IntervalRun later = run(kSince, {d("0.001")});
  EXPECT_EQ(judged(SwitchAction::Open, later).says, Says::Nothing);
  later.carried_kwh = d("0.001");
  const Judged out = judged(SwitchAction::Open, later);
  EXPECT_EQ(out.says, Says::Against);
  EXPECT_TRUE(out.energy);
  EXPECT_EQ(out.words, "energy flowed: 0.002 kWh up to the end of the interval from " + to_text(kSince));
}

TEST(Evidence, MissingIntervalIsNotZero) {
  EXPECT_EQ(judged(SwitchAction::Open, run(kSince, {d("0"), std::nullopt, d("0"), d("0")})).says,
            Says::Nothing);
  EXPECT_EQ(judged(SwitchAction::Open, run(kSince, {})).says, Says::Nothing);
  IntervalRun broken = run(kSince, {d("0"), d("0")});
  broken.length = seconds{0};
  EXPECT_EQ(judged(SwitchAction::Open, broken).says, Says::Nothing);
}

TEST(Evidence, EnergyInAnIntervalSpeaksAgainstAnOpenAndForAClose) {
  const Judged out = judged(SwitchAction::Open, run(kSince, {d("0"), d("0.002")}));
  EXPECT_EQ(out.says, Says::Against);
  EXPECT_TRUE(out.energy);
  EXPECT_EQ(judged(SwitchAction::Open, run(kSince, {d("0.001"), d("0"), d("0")})).says, Says::Nothing);
  EXPECT_EQ(judged(SwitchAction::Close, run(kSince, {d("0"), std::nullopt, d("0.1")})).level, 3);
  EXPECT_EQ(judged(SwitchAction::Close, run(kSince, {d("0"), d("0")})).says, Says::Nothing);
}

TEST(Evidence, NeitherAHoleNorOneStepHidesEnergy) {
  EXPECT_EQ(judged(SwitchAction::Open, run(kSince, {std::nullopt, d("5")})).says, Says::Against);
  EXPECT_EQ(judged(SwitchAction::Open, run(kSince, {d("0.001"), d("5")})).says, Says::Against);
  const Judged crawling = judged(SwitchAction::Open, run(kSince, {d("0.001"), d("0"), d("0.001")}));
  EXPECT_EQ(crawling.says, Says::Against) << "only one step can be of before";
  EXPECT_EQ(crawling.words,
            "energy flowed: 0.002 kWh up to the end of the interval from " + to_text(kSince + minutes{30}));
  // What was used before the switch moved is no energy through it.
  EXPECT_EQ(judged(SwitchAction::Open, run(kSince - minutes{15}, {d("5"), d("0.001"), std::nullopt})).says,
            Says::Nothing);
}

TEST(Evidence, PositionAndLoadSideVoltageTogetherAreE4) {
  const auto read = [](SwitchPosition position, LoadSideVoltage voltage) {
    return PositionRead{position, voltage, kSince};
  };
  using P = SwitchPosition;
  using V = LoadSideVoltage;
  EXPECT_EQ(judged(SwitchAction::Open, read(P::Open, V::Absent)).level, 4);
  EXPECT_EQ(judged(SwitchAction::Close, read(P::Closed, V::Present)).level, 4);
  EXPECT_EQ(judged(SwitchAction::Arm, read(P::Armed, V::Absent)).level, 4);
  EXPECT_EQ(judged(SwitchAction::Open, read(P::Open, V::Unreadable)).level, 1) << "a position alone is weak";
  EXPECT_EQ(judged(SwitchAction::Open, read(P::Open, V::Present)).says, Says::Nothing);
  EXPECT_EQ(judged(SwitchAction::Close, read(P::Closed, V::Absent)).says, Says::Nothing);
  EXPECT_EQ(judged(SwitchAction::Open, read(P::Closed, V::Present)).says, Says::Against);
  EXPECT_EQ(judged(SwitchAction::Open, PositionRead{P::Open, V::Absent, kSince - seconds{1}}).says,
            Says::Nothing);
}

TEST(Attainable, IsTheHighestLevelAndSaysWhyNotMore) {
  const Attainable open = attainable(SwitchAction::Open, means());
  EXPECT_EQ(open.level, 3);
  ASSERT_EQ(open.words.size(), 5U);
  EXPECT_EQ(open.words[2], "E2 register over a window: yes, 20 h (2 x 1 kWh at 100 W)");
  EXPECT_EQ(open.words[3], "E3 next intervals: yes, intervals of 15 min, zero for 72 s (2 x 0.001 kWh at 100 W)");
  EvidenceMeans endless = means();
  endless.interval_step_kwh = d("1000000");
  EXPECT_EQ(attainable(SwitchAction::Open, endless).level, 2) << "zeros would have to last for more than a year";
  EXPECT_EQ(attainable(SwitchAction::Close, endless).level, 3) << "to show energy takes no window";
  EXPECT_EQ(open.words[4],
            "E4 position and load-side voltage read at the meter: no, the interface does not read them");
  EvidenceMeans bare;
  EXPECT_EQ(attainable(SwitchAction::Open, bare).level, 0);
  bare.acknowledges = false;
  EXPECT_EQ(attainable(SwitchAction::Open, bare).level, -1);
}

TEST(Attainable, OfAnArmLeavesEnergyOut) {
  EXPECT_EQ(attainable(SwitchAction::Arm, means()).level, 1);
  EvidenceMeans reads = means();
  reads.reads_position_and_voltage = true;
  EXPECT_EQ(attainable(SwitchAction::Arm, reads).level, 4);
}

}  // namespace
}  // namespace ami::daemon::switching
