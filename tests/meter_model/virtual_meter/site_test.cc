#include "meter_model/virtual_meter/site.h"

#include <gtest/gtest.h>

#include "meter_model/time/zone.h"
#include "meter_model/virtual_meter/counter_random.h"
#include "meter_model/virtual_meter/tou_schedule.h"
#include "tests/meter_model/virtual_meter/fixture.h"

namespace ami::virtual_meter {
namespace {

using testing::at;
using namespace std::chrono;

Site site_of(SiteSetup setup) {
  return Site::create(setup).value();
}

TEST(Site, OffsetIsTheZonesThroughTwoYearsOfHours) {
  for (const char* name : {"America/Toronto", "America/Regina", "Asia/Kathmandu", "Australia/Lord_Howe"}) {
    SiteSetup setup;
    setup.zone = name;
    const Site site = site_of(setup);
    const Zone zone = Zone::load(name).value();
    for (UtcInstant t = at("2026-01-01T00:00:00Z"); t < at("2028-01-01T00:00:00Z"); t += hours{1}) {
      ASSERT_EQ(t.time_since_epoch() + site.utc_offset(t), zone.civil(t).time_since_epoch())
          << name << " " << to_text(t);
    }
  }
}

TEST(Site, OffsetChangesAtTheVeryInstant) {
  const Site site = site_of({});
  EXPECT_EQ(site.utc_offset(at("2026-03-08T06:59:59.999999Z")), hours{-5});
  EXPECT_EQ(site.utc_offset(at("2026-03-08T07:00:00Z")), hours{-4});
  EXPECT_EQ(site.utc_offset(at("2026-11-01T05:59:59Z")), hours{-4});
  EXPECT_EQ(site.utc_offset(at("2026-11-01T06:00:00Z")), hours{-5});
}

TEST(Site, StandardOffsetIgnoresDaylightSaving) {
  const Site north = site_of({});
  EXPECT_EQ(north.standard_offset(at("2026-07-01T00:00:00Z")), hours{-5});
  EXPECT_EQ(north.standard_offset(at("2026-01-10T00:00:00Z")), hours{-5});
  SiteSetup setup;
  setup.zone = "Australia/Sydney";
  setup.latitude_deg = -33.9;
  setup.longitude_deg = 151.2;
  const Site south = site_of(setup);
  EXPECT_EQ(south.standard_offset(at("2026-01-10T00:00:00Z")), hours{10});
  EXPECT_EQ(south.standard_offset(at("2026-07-01T00:00:00Z")), hours{10});
}

double daylight_hours(const Site& site, UtcInstant midnight) {
  int lit = 0;
  for (int i = 0; i < 96; ++i) lit += site.sky(quarter_of(midnight) + i).sun > 0 ? 1 : 0;
  return lit / 4.0;
}

TEST(Site, DaylightFollowsLatitudeAndSeason) {
  const Site toronto = site_of({});  // 15.4 h and 8.9 h by almanac
  EXPECT_NEAR(daylight_hours(toronto, at("2026-06-21T05:00:00Z")), 15.3, 0.5);
  EXPECT_NEAR(daylight_hours(toronto, at("2026-12-21T05:00:00Z")), 8.8, 0.5);
  EXPECT_NEAR(daylight_hours(toronto, at("2026-03-20T05:00:00Z")), 12.0, 0.5);
  SiteSetup south;
  south.zone = "Australia/Sydney";
  south.latitude_deg = -33.9;
  south.longitude_deg = 151.2;
  EXPECT_GT(daylight_hours(site_of(south), at("2026-12-21T13:00:00Z")), 13.9);
}

TEST(Site, SunIsHighestNearSolarNoonAndDownAtNight) {
  const Site site = site_of({});
  // 79.4 degrees west: solar noon at 17:18 UTC.
  EXPECT_GT(site.sky(quarter_of(at("2026-06-21T17:15:00Z"))).sun, 0.2);
  EXPECT_EQ(site.sky(quarter_of(at("2026-06-21T05:15:00Z"))).sun, 0);
}

TEST(Site, KnowsCivilDays) {
  const Site site = site_of({});
  const Sky last = site.sky(quarter_of(at("2026-07-06T03:45:00Z")));  // Sunday 23:45
  EXPECT_EQ(last.minute_of_day, 23 * 60 + 45);
  EXPECT_TRUE(last.weekend);
  const Sky first = site.sky(quarter_of(at("2026-07-06T04:00:00Z")));
  EXPECT_EQ(first.minute_of_day, 0);
  EXPECT_FALSE(first.weekend);
  EXPECT_EQ(first.day, last.day + 1);
  EXPECT_EQ(first.month, 7);
}

TEST(Site, WinterIsColderOnBothHalvesOfTheEarth) {
  const auto mean = [](const Site& site, UtcInstant from) {
    double sum = 0;
    for (int i = 0; i < 96 * 30; ++i) sum += site.sky(quarter_of(from) + i).outside_c;
    return sum / (96 * 30);
  };
  const Site north = site_of({});
  EXPECT_LT(mean(north, at("2026-01-10T00:00:00Z")), 0);
  EXPECT_GT(mean(north, at("2026-07-10T00:00:00Z")), 18);
  SiteSetup setup;
  setup.latitude_deg = -34;
  setup.mean_c = 18;
  setup.swing_c = 6;
  const Site south = site_of(setup);
  EXPECT_GT(mean(south, at("2026-01-10T00:00:00Z")), mean(south, at("2026-07-10T00:00:00Z")) + 8);
}

TEST(Site, RefusesWhatCannotBe) {
  const auto refused = [](auto change) {
    SiteSetup setup;
    change(setup);
    const auto site = Site::create(setup);
    return site.ok() ? std::string() : site.error().message;
  };
  EXPECT_NE(refused([](SiteSetup& s) { s.zone = "Ontario"; }).find("Ontario"), std::string::npos);
  EXPECT_NE(refused([](SiteSetup& s) { s.latitude_deg = 70; }).find("-66 to 66"), std::string::npos);
  EXPECT_NE(refused([](SiteSetup& s) { s.longitude_deg = -181; }).find("longitude"), std::string::npos);
  EXPECT_NE(refused([](SiteSetup& s) { s.mean_c = 50; }).find("mean"), std::string::npos);
  EXPECT_NE(refused([](SiteSetup& s) { s.swing_c = -1; }).find("swing"), std::string::npos);
  EXPECT_NE(refused([](SiteSetup& s) { s.latitude_deg = std::stod("nan"); }).find("latitude"),
            std::string::npos);
}

TEST(CounterRandom, IsUniformAndItsStreamsDiffer) {
  double sum = 0, squares = 0, product = 0;
  constexpr int kDraws = 100000;
  for (int i = 0; i < kDraws; ++i) {
    const double a = uniform(1, Stream::Base, 7, i) - 0.5;
    const double b = uniform(1, Stream::Appliance, 7, i) - 0.5;
    sum += a;
    squares += a * a;
    product += a * b;
  }
  EXPECT_NEAR(sum / kDraws, 0, 0.005);  // five standard errors
  EXPECT_NEAR(squares / kDraws, 1.0 / 12, 0.002);
  EXPECT_NEAR(product / kDraws, 0, 0.002);
}

CivilTime civil(const char* text) {
  return CivilTime{at(text).time_since_epoch()};
}

TEST(TouSchedule, FollowsHourDayAndSeason) {
  const TouSchedule tou = TouSchedule::three_tiers();
  EXPECT_EQ(tou.tier(civil("2026-01-05T06:59:59Z")), 'A');  // a Monday
  EXPECT_EQ(tou.tier(civil("2026-01-05T07:00:00Z")), 'C');
  EXPECT_EQ(tou.tier(civil("2026-01-05T11:00:00Z")), 'B');
  EXPECT_EQ(tou.tier(civil("2026-01-05T19:00:00Z")), 'A');
  EXPECT_EQ(tou.tier(civil("2026-01-04T12:00:00Z")), 'A');  // Sunday
  EXPECT_EQ(tou.tier(civil("2026-07-06T12:00:00Z")), 'C');
  EXPECT_EQ(tou.tier(civil("2026-10-30T12:00:00Z")), 'C');
  EXPECT_EQ(tou.tier(civil("2026-11-02T12:00:00Z")), 'B');
}

TEST(TouSchedule, RefusesGapsAndWrongTiers) {
  using enum TouSeason;
  using enum TouDay;
  const std::vector<TouSwitch> good{{Winter, Weekday, 0, 'A'},
                                    {Winter, Weekend, 0, 'A'},
                                    {Summer, Weekday, 0, 'B'},
                                    {Summer, Weekend, 0, 'D'}};
  EXPECT_TRUE(TouSchedule::create(good).ok());
  const auto message = [](std::vector<TouSwitch> switches, int first = 5, int last = 10) {
    const auto made = TouSchedule::create(switches, first, last);
    return made.ok() ? std::string() : made.error().message;
  };
  auto missing = good;
  missing.pop_back();
  EXPECT_NE(message(missing).find("summer weekends"), std::string::npos);
  auto late = good;
  late[0].minute_of_day = 15;
  EXPECT_NE(message(late).find("begin at minute 0"), std::string::npos);
  auto off = good;
  off.push_back({Winter, Weekday, 20, 'B'});
  EXPECT_NE(message(off).find("multiples of 15"), std::string::npos);
  auto twice = good;
  twice.push_back({Winter, Weekday, 0, 'B'});
  EXPECT_NE(message(twice).find("ascend"), std::string::npos);
  auto tier = good;
  tier[1].tier = 'E';
  EXPECT_NE(message(tier).find("A to D"), std::string::npos);
  EXPECT_NE(message(good, 10, 5).find("month"), std::string::npos);
}

}  // namespace
}  // namespace ami::virtual_meter
