// Each gate that is shipped, at its edges.
#include "daemon/switching/rules/gate.h"

#include "tests/daemon/switching/rules/scene.h"

namespace ami::daemon::switching {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

std::string at(const char* text, const char* jurisdiction, const char* zone, const char* reason = "NON_PAYMENT",
               CustomerClass customer = CustomerClass::Residential) {
  const UtcInstant now = time_of(text);
  Protection protection = content(now, jurisdiction, zone);
  protection.customer = customer;
  return rule_of(order(reason, SwitchAction::Open, now), protection);
}

std::string ontario(const char* text) {
  return at(text, "CA-ON", "America/Toronto");
}

TEST(OntarioWinter, IsFrom15NovemberTo30AprilByTheClockOfTheHouse) {
  // Toronto is 5 h behind UTC in November, 4 h at the end of April.
  EXPECT_EQ(ontario("2026-11-15T04:59:59Z"), "");
  EXPECT_EQ(ontario("2026-11-15T05:00:00Z"), "ON_WINTER");
  EXPECT_EQ(ontario("2026-12-31T23:00:00Z"), "ON_WINTER");
  EXPECT_EQ(ontario("2027-01-01T12:00:00Z"), "ON_WINTER");
  EXPECT_EQ(ontario("2028-02-29T12:00:00Z"), "ON_WINTER");
  EXPECT_EQ(ontario("2027-05-01T03:59:59Z"), "ON_WINTER");
  EXPECT_EQ(ontario("2027-05-01T04:00:00Z"), "");
  // The same instant, another zone of the province.
  EXPECT_EQ(at("2027-05-01T04:30:00Z", "CA-ON", "America/Winnipeg"), "ON_WINTER");
}

TEST(OntarioWinter, BindsResidentialNonPaymentOnlyAndAnUnknownCustomerIsResidential) {
  const char* winter = "2027-01-15T12:00:00Z";
  for (const char* reason : {"EMERGENCY_SAFETY", "VACANT_MOVE_OUT", "CUSTOMER_REQUEST", "THEFT", "TEST"})
    EXPECT_EQ(at(winter, "CA-ON", "America/Toronto", reason), "") << reason;
  EXPECT_EQ(at(winter, "CA-ON", "America/Toronto", "NON_PAYMENT", CustomerClass::NotKnown), "ON_WINTER");
  EXPECT_EQ(at(winter, "CA-ON", "America/Toronto", "NON_PAYMENT", CustomerClass::SmallBusiness), "");
  EXPECT_EQ(at(winter, "CA-ON", "America/Toronto", "NON_PAYMENT", CustomerClass::Other), "");
}

TEST(OntarioWinter, WithoutAZoneNobodyIsCutOff) {
  EXPECT_EQ(at("2026-06-15T16:00:00Z", "CA-ON", ""), "ON_WINTER");
  EXPECT_EQ(at("2026-06-15T16:00:00Z", "CA-ON", "Nowhere/Land"), "ON_WINTER");
}

std::string virginia(const char* text) {
  return at(text, "US-VA", "America/New_York");
}

TEST(VirginiaDays, NeverOnFridayWeekendHolidayOrTheDayBefore) {
  EXPECT_EQ(virginia("2026-06-11T16:00:00Z"), "") << "a Thursday";
  EXPECT_EQ(virginia("2026-06-12T16:00:00Z"), "VA_DAYS") << "Friday";
  EXPECT_EQ(virginia("2026-06-13T16:00:00Z"), "VA_DAYS") << "Saturday";
  EXPECT_EQ(virginia("2026-06-14T16:00:00Z"), "VA_DAYS") << "Sunday";
  EXPECT_EQ(virginia("2026-06-15T03:59:00Z"), "VA_DAYS") << "still Sunday there";
  EXPECT_EQ(virginia("2026-06-15T04:00:00Z"), "") << "Monday there";
  EXPECT_EQ(virginia("2026-11-03T16:00:00Z"), "VA_DAYS") << "election day, a Tuesday";
  EXPECT_EQ(virginia("2026-11-02T16:00:00Z"), "VA_DAYS") << "the day before it";
  EXPECT_EQ(virginia("2026-11-04T16:00:00Z"), "");
  EXPECT_EQ(virginia("2026-07-01T16:00:00Z"), "") << "a Wednesday";
  EXPECT_EQ(virginia("2026-07-02T16:00:00Z"), "VA_DAYS") << "before 3 July, on which the 4th is kept";
}

TEST(VirginiaDays, HolidaysThatAreNotKnownCountAsClosed) {
  EXPECT_EQ(virginia("2027-12-29T16:00:00Z"), "") << "a Wednesday, and Thursday is known";
  const UtcInstant later = time_of("2028-03-01T16:00:00Z");  // a Wednesday
  const PolicyVerdict verdict =
      judged(order("NON_PAYMENT", SwitchAction::Open, later), content(later, "US-VA", "America/New_York"));
  EXPECT_EQ(verdict.rule, "VA_DAYS");
  EXPECT_EQ(verdict.words, "holidays are known until 2027-12-31 only");
}

TEST(VirginiaDays, TellsTheNextDayThatIsOpen) {
  const UtcInstant now = time_of("2026-11-26T16:00:00Z");  // Thanksgiving, a Thursday
  const PolicyVerdict verdict =
      judged(order("NON_PAYMENT", SwitchAction::Open, now), content(now, "US-VA", "America/New_York"));
  EXPECT_EQ(check_of(verdict, "VA_DAYS").would_change, "the day 2026-11-30");
}

// A Wednesday noon in June in each zone; the forecast has one span that is odd.
std::string forecast(const char* jurisdiction, hours from, hours to, Decimal low_c, Decimal high_c) {
  const UtcInstant now = time_of("2026-06-17T16:00:00Z");
  Protection protection = content(now, jurisdiction, "America/New_York");
  protection.weather->forecast.push_back({now + from, now + to, low_c, high_c});
  return rule_of(order("NON_PAYMENT", SwitchAction::Open, now), protection);
}

TEST(ForecastGate, ThresholdsAreInclusiveAndExact) {
  // 0 C = 32 F; 35 C = 95 F; 100 F = 37.78 C; 92 F = 33.33 C.
  EXPECT_EQ(forecast("US-MD", hours{10}, hours{16}, {0, 0}, {10, 0}), "MD_EXTREME_WEATHER");
  EXPECT_EQ(forecast("US-MD", hours{10}, hours{16}, {1, -1}, {10, 0}), "") << "32.18 F";
  EXPECT_EQ(forecast("US-MD", hours{10}, hours{16}, {20, 0}, {35, 0}), "MD_EXTREME_WEATHER");
  EXPECT_EQ(forecast("US-MD", hours{10}, hours{16}, {20, 0}, {3499, -2}), "") << "94.982 F";
  EXPECT_EQ(forecast("US-CA", hours{10}, hours{16}, {20, 0}, {378, -1}), "CA_EXTREME_WEATHER") << "100.04 F";
  EXPECT_EQ(forecast("US-CA", hours{10}, hours{16}, {20, 0}, {377, -1}), "") << "99.86 F";
  EXPECT_EQ(forecast("US-VA", hours{10}, hours{16}, {20, 0}, {334, -1}), "VA_EXTREME_WEATHER") << "92.12 F";
  EXPECT_EQ(forecast("US-VA", hours{10}, hours{16}, {20, 0}, {333, -1}), "") << "91.94 F";
  EXPECT_EQ(forecast("US-VA", hours{10}, hours{16}, {-10, 0}, {20, 0}), "VA_EXTREME_WEATHER");
}

TEST(ForecastGate, LooksAsFarAheadAsTheLawSays) {
  EXPECT_EQ(forecast("US-MD", hours{71}, hours{80}, {-5, 0}, {0, 0}), "MD_EXTREME_WEATHER");
  EXPECT_EQ(forecast("US-MD", hours{72}, hours{80}, {-5, 0}, {0, 0}), "");
  EXPECT_EQ(forecast("US-VA", hours{23}, hours{25}, {-5, 0}, {0, 0}), "VA_EXTREME_WEATHER");
  EXPECT_EQ(forecast("US-VA", hours{24}, hours{25}, {-5, 0}, {0, 0}), "");
  EXPECT_EQ(forecast("US-MD", hours{-5}, hours{0}, {-5, 0}, {0, 0}), "") << "is over";
}

TEST(ForecastGate, MissingStaleOrShortForecastIsClosedForNonPaymentOnly) {
  const UtcInstant now = time_of("2026-06-17T16:00:00Z");
  const auto both = [&](const Protection& protection, const char* rule) {
    EXPECT_EQ(rule_of(order("NON_PAYMENT", SwitchAction::Open, now), protection), rule);
    EXPECT_EQ(rule_of(order("VACANT_MOVE_OUT", SwitchAction::Open, now), protection), "") << "no gate binds it";
    EXPECT_EQ(rule_of(order("EMERGENCY_SAFETY", SwitchAction::Open, now), protection), "");
  };
  Protection protection = content(now, "US-MD", "America/New_York");
  both(protection, "");
  protection.weather->issued_at = now - hours{12} - seconds{1};
  both(protection, "MD_EXTREME_WEATHER");
  protection.weather->issued_at = now - hours{12};
  both(protection, "");
  protection.weather->issued_at = now + hours{1};
  both(protection, "MD_EXTREME_WEATHER");
  protection = content(now, "US-MD", "America/New_York");
  protection.weather->forecast = {{now, now + hours{71}, {15, 0}, {20, 0}}};
  both(protection, "MD_EXTREME_WEATHER");
  protection.weather->forecast = {{now, now + hours{30}, {15, 0}, {20, 0}},
                                  {now + hours{31}, now + hours{80}, {15, 0}, {20, 0}}};
  both(protection, "MD_EXTREME_WEATHER");  // an hour is missing
  protection.weather->forecast = {{now + hours{30}, now + hours{80}, {15, 0}, {20, 0}},
                                  {now - hours{1}, now + hours{30}, {15, 0}, {20, 0}}};
  both(protection, "");  // in any order
  protection.weather->forecast = {{now, now + hours{80}, {20, 0}, {15, 0}}};
  both(protection, "MD_EXTREME_WEATHER");  // a low above the high tells nothing
  protection.weather.reset();
  both(protection, "MD_EXTREME_WEATHER");
}

// 20 January 2027, 10:00 in Chicago (16:00Z); yesterday is 06:00Z to 06:00Z there.
std::string texas(Decimal yesterday_high, Decimal forecast_high) {
  const UtcInstant now = time_of("2027-01-20T16:00:00Z");
  Protection protection = content(now, "US-TX", "America/Chicago");
  protection.weather->observed = {
      {time_of("2027-01-18T06:00:00Z"), time_of("2027-01-19T06:00:00Z"), {-9, 0}, {20, 0}},
      {time_of("2027-01-19T06:00:00Z"), time_of("2027-01-20T06:00:00Z"), {-9, 0}, yesterday_high},
      {time_of("2027-01-20T06:00:00Z"), now, {-9, 0}, {-1, 0}}};
  protection.weather->forecast = {{now, now + hours{24}, {-9, 0}, forecast_high},
                                  {now + hours{24}, now + hours{96}, {0, 0}, {25, 0}}};
  return rule_of(order("NON_PAYMENT", SwitchAction::Open, now), protection);
}

TEST(TexasFreeze, NeedsBothAFrozenYesterdayAndAFrozenForecast) {
  EXPECT_EQ(texas({0, 0}, {0, 0}), "TX_FREEZE") << "32 F did not exceed 32 F";
  EXPECT_EQ(texas({1, -1}, {0, 0}), "");
  EXPECT_EQ(texas({0, 0}, {1, -1}), "");
  EXPECT_EQ(texas({-5, 0}, {-5, 0}), "TX_FREEZE");
}

TEST(TexasFreeze, IsClosedWhenItCannotBeTold) {
  const UtcInstant now = time_of("2027-01-20T16:00:00Z");
  Protection protection = content(now, "US-TX", "America/Chicago");
  EXPECT_EQ(rule_of(order("NON_PAYMENT", SwitchAction::Open, now), protection), "TX_FREEZE")
      << "a warm span that reaches beyond yesterday does not say that yesterday was warm";
  const UtcInstant begin = time_of("2027-01-19T06:00:00Z"), end = time_of("2027-01-20T06:00:00Z");
  protection.weather->observed = {{begin, end, {-9, 0}, {-5, 0}}};
  protection.weather->forecast = {{now, now + hours{12}, {-9, 0}, {-5, 0}}};
  EXPECT_EQ(rule_of(order("NON_PAYMENT", SwitchAction::Open, now), protection), "TX_FREEZE") << "half a forecast";
  protection.weather->forecast = {{now, now + hours{12}, {-9, 0}, {5, 0}}};
  EXPECT_EQ(rule_of(order("NON_PAYMENT", SwitchAction::Open, now), protection), "") << "it will thaw";
  protection.weather->forecast = {{now, now + hours{24}, {-9, 0}, {-5, 0}}};
  protection.weather->observed = {{begin, begin + hours{2}, {-9, 0}, {5, 0}}};
  EXPECT_EQ(rule_of(order("NON_PAYMENT", SwitchAction::Open, now), protection), "") << "yesterday it thawed";
}

std::string heat(const char* from, const char* to) {
  const UtcInstant now = time_of("2026-07-22T17:00:00Z");  // Wednesday noon in Chicago
  Protection protection = content(now, "US-TX", "America/Chicago");
  protection.weather->observed = {
      {time_of("2026-07-21T05:00:00Z"), time_of("2026-07-22T05:00:00Z"), {25, 0}, {40, 0}}};
  protection.weather->heat = {{time_of(from), time_of(to)}};
  return rule_of(order("NON_PAYMENT", SwitchAction::Open, now), protection);
}

TEST(TexasHeat, AdvisoryCountsTodayAndTwoCalendarDaysBefore) {
  EXPECT_EQ(heat("2026-07-22T18:00:00Z", "2026-07-23T01:00:00Z"), "TX_HEAT") << "later today";
  EXPECT_EQ(heat("2026-07-20T05:00:00Z", "2026-07-20T05:00:01Z"), "TX_HEAT") << "at the start of the 20th there";
  EXPECT_EQ(heat("2026-07-19T18:00:00Z", "2026-07-20T05:00:00Z"), "") << "over when the 20th began";
  EXPECT_EQ(heat("2026-07-23T05:00:00Z", "2026-07-23T23:00:00Z"), "") << "tomorrow's";
}

TEST(TexasHeat, SilenceIsNotTheAbsenceOfAnAdvisory) {
  const UtcInstant now = time_of("2026-07-22T17:00:00Z");
  Protection protection = content(now, "US-TX", "America/Chicago");
  protection.weather->observed = {
      {time_of("2026-07-21T05:00:00Z"), time_of("2026-07-22T05:00:00Z"), {25, 0}, {40, 0}}};
  EXPECT_EQ(rule_of(order("NON_PAYMENT", SwitchAction::Open, now), protection), "");
  protection.weather->advisories_since = time_of("2026-07-20T05:00:01Z");
  EXPECT_EQ(rule_of(order("NON_PAYMENT", SwitchAction::Open, now), protection), "TX_HEAT");
  protection.weather->advisories_since.reset();
  EXPECT_EQ(rule_of(order("NON_PAYMENT", SwitchAction::Open, now), protection), "TX_HEAT");
}

}  // namespace
}  // namespace ami::daemon::switching
