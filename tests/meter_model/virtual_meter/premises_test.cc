#include "meter_model/virtual_meter/premises.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <functional>

#include "tests/meter_model/virtual_meter/fixture.h"

namespace ami::virtual_meter {
namespace {

using testing::at;

const Site& toronto() {
  static const Site site = Site::create({}).value();
  return site;
}

Premises solar_home() {
  Premises premises;
  premises.solar_kw = 6;
  premises.heating_w_per_k = 80;
  return premises;
}

// kWh by civil hour of local standard time, mean of a day and of 30 homes.
struct MeanDay {
  std::array<double, 24> load{}, net{};
  double exported = 0, imported = 0, generated = 0;
  [[nodiscard]] long peak_hour() const { return std::max_element(net.begin(), net.end()) - net.begin(); }
};
MeanDay mean_day(const Premises& premises, UtcInstant midnight, int days) {
  constexpr int kHomes = 30;
  MeanDay out;
  const double part = 0.25 / 1000 / days / kHomes;
  for (std::uint64_t home = 0; home < kHomes; ++home) {
    for (int i = 0; i < 96 * days; ++i) {
      const std::int64_t quarter = quarter_of(midnight) + i;
      const Flow now = flow(premises, 1, home, quarter, toronto().sky(quarter));
      const auto hour = static_cast<std::size_t>(i % 96 / 4);
      out.load[hour] += now.load_w * part;
      out.net[hour] += now.net_w() * part;
      out.generated += now.generation_w * part;
      (now.net_w() > 0 ? out.imported : out.exported) += std::abs(now.net_w()) * part;
    }
  }
  return out;
}

TEST(Premises, SolarHomeExportsInSummerAndPeaksInWinterEvenings) {
  const MeanDay july = mean_day(solar_home(), at("2026-07-01T04:00:00Z"), 28);
  const MeanDay january = mean_day(solar_home(), at("2026-01-05T05:00:00Z"), 28);
  EXPECT_GT(july.exported, 5);
  EXPECT_LT(july.net[12], 0);
  EXPECT_GT(july.net[20], 0);
  EXPECT_GT(july.generated, 2.2 * january.generated);
  EXPECT_LT(january.exported, 0.35 * july.exported);
  EXPECT_GE(january.peak_hour(), 17);
  EXPECT_LE(january.peak_hour(), 20);
  EXPECT_GT(january.imported, 2 * july.imported);
}

TEST(Premises, UsesAboutWhatAYearIsSaidToUse) {
  Premises plain;
  plain.annual_kwh = 9000;
  plain.cooling_w_per_k = 0;
  const MeanDay mean = mean_day(plain, at("2026-01-01T05:00:00Z"), 365);
  double day = 0;
  for (const double kwh : mean.load) day += kwh;
  EXPECT_NEAR(day * 365, 9000, 900);
  EXPECT_EQ(mean.exported, 0);
}

TEST(Premises, AShopWorksOnWeekdays) {
  Premises shop;
  shop.kind = PremisesKind::SmallBusiness;
  shop.annual_kwh = 40000;
  const MeanDay weekdays = mean_day(shop, at("2026-04-13T04:00:00Z"), 5);
  const MeanDay weekend = mean_day(shop, at("2026-04-18T04:00:00Z"), 2);
  EXPECT_GT(weekdays.load[12], 1.7 * weekend.load[12]);
  EXPECT_GT(weekdays.load[12], 2.5 * weekdays.load[2]);
}

// The bounds that checks V12, V18, V20 and V21 put on an honest day, at pulses of 1.2 Wh.
TEST(Premises, HonestDaysAreNoSpikesAndNeitherStillNorFrozen) {
  std::array<Premises, 4> various{};
  various[1] = solar_home();
  various[2].kind = PremisesKind::SmallBusiness;
  various[2].annual_kwh = 60000;
  various[3].annual_kwh = 500;
  various[3].solar_kw = 3;
  for (std::uint64_t home = 0; home < 400; ++home) {
    const UtcInstant midnight = at("2026-01-01T05:00:00Z") + std::chrono::days{home * 11 % 360};
    std::array<double, 96> delivered{}, received{};
    std::int64_t last = -1;
    double carry = 0;
    int same = 0;
    for (int i = 0; i < 96; ++i) {
      const std::int64_t quarter = quarter_of(midnight) + i;
      const Flow now = flow(various.at(home % 4), 1, home, quarter, toronto().sky(quarter));
      ASSERT_GE(now.load_w, 60);
      ASSERT_LT(now.net_w(), 48000);
      const auto slot = static_cast<std::size_t>(i);
      delivered[slot] = std::max(now.net_w(), 0.0) / 4;
      received[slot] = std::max(-now.net_w(), 0.0) / 4;
      carry += delivered[slot];
      const auto pulses = static_cast<std::int64_t>(carry / 1.2);
      carry -= static_cast<double>(pulses) * 1.2;
      same = pulses == last && pulses != 0 ? same + 1 : 1;
      last = pulses;
      ASSERT_LT(same, 8) << home;
    }
    for (auto* channel : {&delivered, &received}) {
      std::sort(channel->begin(), channel->end(), std::greater<>());
      constexpr double kFloorWh = 300;
      if ((*channel)[0] > kFloorWh) {
        EXPECT_LT(((*channel)[0] - (*channel)[2]) / (*channel)[2], 1.8) << home;
      }
    }
    EXPECT_GT(delivered[0], 0) << home;
  }
}

TEST(Premises, RefusesWhatCannotBe) {
  const auto message = [](auto change) {
    Premises premises;
    change(premises);
    const auto good = premises.check();
    return good.ok() ? std::string() : good.error().message;
  };
  EXPECT_EQ(message([](Premises&) {}), "");
  EXPECT_NE(message([](Premises& p) { p.annual_kwh = 0; }).find("500 to 150000"), std::string::npos);
  EXPECT_NE(message([](Premises& p) { p.solar_kw = -1; }).find("solar"), std::string::npos);
  EXPECT_NE(message([](Premises& p) { p.heating_w_per_k = 601; }).find("heating"), std::string::npos);
  EXPECT_NE(message([](Premises& p) { p.cooling_w_per_k = std::stof("nan"); }).find("cooling"),
            std::string::npos);
}

}  // namespace
}  // namespace ami::virtual_meter
