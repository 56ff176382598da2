#include "meter_model/virtual_meter/volume_device.h"

#include <gtest/gtest.h>

#include "meter_model/quantity/reading_type.h"
#include "meter_model/quantity/unit.h"
#include "tests/meter_model/virtual_meter/fixture.h"

namespace ami::virtual_meter {
namespace {

using namespace testing;

const UtcInstant kStart = at("2026-01-13T05:00:00Z");

std::shared_ptr<const Site> site() {
  return std::make_shared<const Site>(Site::create({}).value());
}

VolumeSetup water() {
  VolumeSetup setup;
  setup.device_id = "W-0001";
  setup.number = 1;
  setup.start = kStart;
  setup.initial_pulses = 5000;
  return setup;
}

VolumeDevice made(const VolumeSetup& setup) {
  return VolumeDevice::create(site(), setup).value();
}

TEST(VolumeDevice, CountsTheSameInWhateverSteps) {
  VolumeDevice whole = made(water()), split = made(water());
  const UtcInstant end = kStart + hours{100} + minutes{7};
  whole.advance(end);
  for (UtcInstant t = kStart; t < end; t += minutes{11}) split.advance(std::min(t, end));
  split.advance(end);
  split.advance(kStart);  // the past changes nothing
  EXPECT_EQ(whole.pulses(), split.pulses());
  EXPECT_EQ(whole.read().as_of, split.read().as_of);
  EXPECT_EQ(whole.read().pulses, split.read().pulses);
}

TEST(VolumeDevice, UsesAboutItsDailyMeanInEveryUnit) {
  struct Row {
    VolumeUnit unit;
    Decimal pulse;
    double m3;
  };
  for (const Row& row :
       {Row{VolumeUnit::CubicMetre, {1, -2}, 0.01}, Row{VolumeUnit::UsGallon, {10, 0}, 0.03785411784},
        Row{VolumeUnit::Ccf, {1, -2}, 0.028316846592}}) {
    VolumeSetup setup = water();
    setup.unit = row.unit;
    setup.pulse = row.pulse;
    VolumeDevice device = made(setup);
    device.advance(kStart + hours{24 * 60});
    EXPECT_NEAR((device.pulses() - 5000) * row.m3 / 60, 0.7, 0.03);
    const auto type = ReadingType::parse(device.read().reading_type);
    ASSERT_TRUE(type);
    EXPECT_EQ((*type)[ReadingType::Commodity], 9);
    const Decimal scaled = to_canonical(device.read().volume, *type).value();
    EXPECT_NEAR(number(to_cubic_metres(scaled, (*type)[ReadingType::Unit])), device.read().pulses * row.m3,
                1e-6);
  }
}

TEST(VolumeDevice, GasFollowsTheCold) {
  VolumeSetup setup = water();
  setup.commodity = Commodity::Gas;
  setup.daily_m3 = 10;
  const auto month = [&](UtcInstant from) {
    setup.start = from;
    VolumeDevice device = made(setup);
    device.advance(from + hours{24 * 28});
    return device.pulses() - 5000;
  };
  EXPECT_GT(month(at("2026-01-05T05:00:00Z")), 4 * month(at("2026-07-05T04:00:00Z")));
  EXPECT_EQ(ReadingType::parse(made(setup).read().reading_type).value()[ReadingType::Commodity], 7);
}

TEST(VolumeDevice, TheBoardKnowsTheLastReportAndWhenItIsStale) {
  VolumeSetup setup = water();
  setup.silent_from = kStart + hours{48};
  setup.silent_to = kStart + hours{72};
  VolumeDevice device = made(setup);
  device.advance(kStart + hours{47});
  EXPECT_FALSE(device.read().stale);
  EXPECT_LE(kStart + hours{47} - device.read().as_of, hours{4});
  EXPECT_EQ(device.read().device_id, "W-0001");
  device.advance(kStart + hours{71});
  const auto stale = device.read();
  EXPECT_TRUE(stale.stale);
  EXPECT_LT(stale.as_of, setup.silent_from);
  EXPECT_LT(stale.pulses, device.pulses());
  device.advance(kStart + hours{77});
  EXPECT_FALSE(device.read().stale);
  EXPECT_GE(device.read().as_of, setup.silent_to);
}

TEST(VolumeDevice, RollsOver) {
  VolumeSetup setup = water();
  setup.modulus = 10'000;
  setup.initial_pulses = 9'990;
  VolumeDevice device = made(setup);
  device.advance(kStart + hours{24});  // about 70 pulses
  EXPECT_LT(device.pulses(), 200U);
}

TEST(VolumeDevice, RefusesWhatCannotBe) {
  const auto with = [](auto change) {
    VolumeSetup setup = water();
    change(setup);
    const auto device = VolumeDevice::create(site(), setup);
    return device.ok() ? std::string("made") : device.error().message;
  };
  EXPECT_EQ(with([](VolumeSetup&) {}), "made");
  EXPECT_NE(with([](VolumeSetup& s) { s.device_id = ""; }).find("id of its own"), std::string::npos);
  EXPECT_NE(with([](VolumeSetup& s) { s.pulse = {0, 0}; }).find("pulse"), std::string::npos);
  EXPECT_NE(with([](VolumeSetup& s) { s.daily_m3 = -1; }).find("a day"), std::string::npos);
  EXPECT_NE(with([](VolumeSetup& s) { s.modulus = 10; }).find("rolls over"), std::string::npos);
  EXPECT_NE(with([](VolumeSetup& s) { s.initial_pulses = 1'000'000; }).find("rolls over"), std::string::npos);
  EXPECT_NE(with([](VolumeSetup& s) { s.report_every = hours{5}; }).find("divide a day"), std::string::npos);
  EXPECT_NE(with([](VolumeSetup& s) { s.report_every = hours{0}; }).find("divide a day"), std::string::npos);
  EXPECT_NE(with([](VolumeSetup& s) { s.stale_after = hours{1}; }).find("stale"), std::string::npos);
  EXPECT_NE(with([](VolumeSetup& s) { s.start = {}; }).find("starts"), std::string::npos);
  EXPECT_NE(with([](VolumeSetup& s) { s.silent_from = kStart; }).find("silent"), std::string::npos);
  EXPECT_NE(with([](VolumeSetup& s) {
              s.commodity = Commodity::Gas;
              s.unit = VolumeUnit::UsGallon;
            }).find("gallons"),
            std::string::npos);
  EXPECT_FALSE(VolumeDevice::create(nullptr, water()));
}

}  // namespace
}  // namespace ami::virtual_meter
