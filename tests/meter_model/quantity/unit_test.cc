#include "meter_model/quantity/unit.h"

#include <gtest/gtest.h>

#include <string>

namespace ami {
namespace {

ReadingType scaled(int multiplier, int unit) {
  ReadingType type;
  type.parts[ReadingType::Multiplier] = multiplier;
  type.parts[ReadingType::Unit] = unit;
  return type;
}

std::string cubic_metres(const char* value, int unit) {
  const auto converted = to_cubic_metres(*Decimal::parse(value), unit);
  return converted ? converted->normalised().to_string() : "none";
}

TEST(UnitSymbol, NamesTheUnitsOfTheReference) {
  EXPECT_EQ(unit_symbol(72), "Wh");
  EXPECT_EQ(unit_symbol(38), "W");
  EXPECT_EQ(unit_symbol(29), "V");
  EXPECT_EQ(unit_symbol(42), "m3");
  EXPECT_EQ(unit_symbol(119), "ft3");
  EXPECT_EQ(unit_symbol(128), "USgal");
  EXPECT_EQ(unit_symbol(130), "ImpGal");
  EXPECT_EQ(unit_symbol(134), "L");
  EXPECT_EQ(unit_symbol(0), "");
  EXPECT_EQ(unit_symbol(-1), "");
  EXPECT_EQ(unit_symbol(7200), "");
}

TEST(UnitSymbol, CarriesTheScale) {
  EXPECT_EQ(unit_symbol_scaled(scaled(3, 72)), "kWh");
  EXPECT_EQ(unit_symbol_scaled(scaled(6, 72)), "MWh");
  EXPECT_EQ(unit_symbol_scaled(scaled(-3, 29)), "mV");
  EXPECT_EQ(unit_symbol_scaled(scaled(2, 119)), "CCF");
  EXPECT_EQ(unit_symbol_scaled(scaled(0, 119)), "ft3");
  EXPECT_EQ(unit_symbol_scaled(scaled(5, 72)), "10^5 Wh");
}

TEST(ToCanonical, MovesThePointAndNothingElse) {
  const auto wh = to_canonical(*Decimal::parse("0.1815"), scaled(3, 72));
  ASSERT_TRUE(wh);
  EXPECT_EQ(wh->to_string(), "181.5");
  EXPECT_EQ(to_canonical(*Decimal::parse("12.30"), scaled(2, 119))->to_string(), "1230");
  EXPECT_FALSE(to_canonical({1, 17}, scaled(3, 72)));
  EXPECT_FALSE(to_canonical({1, -17}, scaled(-3, 29)));
}

// Figures by definition: inch 0.0254 m, US gallon 231 cubic inches, imperial gallon 4.54609 L, foot 0.3048 m.
TEST(ToCubicMetres, IsExactForEveryVolumeUnit) {
  EXPECT_EQ(cubic_metres("100", 119), "2.8316846592");  // 1 CCF
  EXPECT_EQ(cubic_metres("1", 119), "0.028316846592");
  EXPECT_EQ(cubic_metres("1", 120), "0.028316846592");
  EXPECT_EQ(cubic_metres("1", 128), "0.003785411784");
  EXPECT_EQ(cubic_metres("1", 130), "0.00454609");
  EXPECT_EQ(cubic_metres("1", 134), "0.001");
  EXPECT_EQ(cubic_metres("1234.5", 42), "1234.5");
  EXPECT_EQ(cubic_metres("1", 166), "1");
  EXPECT_EQ(cubic_metres("1", 167), "1");
  EXPECT_EQ(cubic_metres("123456.7", 128), "467.3344469937528");  // 1234567 x 3785411784 = 4673344469937528
  EXPECT_EQ(cubic_metres("-2", 130), "-0.00909218");
}

TEST(ToCubicMetres, RefusesWhatIsNoVolumeOrDoesNotFit) {
  for (const int unit : {0, 72, 38, 169, 129, -1}) EXPECT_EQ(cubic_metres("1", unit), "none") << unit;
  EXPECT_EQ(cubic_metres("9223372036854775807", 128), "none");
  EXPECT_EQ(cubic_metres("0.0000000001", 119), "none");  // 22 decimals
}

}  // namespace
}  // namespace ami
