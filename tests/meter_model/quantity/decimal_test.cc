#include "meter_model/quantity/decimal.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <random>
#include <string>

namespace ami {
namespace {

constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();

Decimal parsed(std::string_view text) {
  const auto result = Decimal::parse(text);
  EXPECT_TRUE(result.ok()) << text << ": " << (result.ok() ? "" : result.error().message);
  return result.ok() ? *result : Decimal{kMin, 0};
}

void expect_parts(std::string_view text, std::int64_t mantissa, std::int32_t exponent) {
  const Decimal value = parsed(text);
  EXPECT_EQ(value.mantissa, mantissa) << text;
  EXPECT_EQ(value.exponent, exponent) << text;
}

TEST(DecimalParse, KeepsEveryDigitThatWasWritten) {
  expect_parts("0", 0, 0);
  expect_parts("0.250", 250, -3);
  expect_parts("-12.5", -125, -1);
  expect_parts("+7", 7, 0);
  expect_parts("007.10", 710, -2);
  expect_parts("1.", 1, 0);
  expect_parts(".5", 5, -1);
  expect_parts("-.05", -5, -2);
}

TEST(DecimalParse, ReadsExponentsWithEOrD) {
  expect_parts("1.2E3", 12, 2);
  expect_parts("1.2D3", 12, 2);
  expect_parts("12e-3", 12, -3);
  expect_parts("12d+3", 12, 3);
  expect_parts("1.E2", 1, 2);
  expect_parts("1E0000000018", 1, 18);
}

TEST(DecimalParse, ReachesBothEndsOfTheRange) {
  expect_parts("9223372036854775807", kMax, 0);
  expect_parts("-9223372036854775808", kMin, 0);
  expect_parts("9.223372036854775807E18", kMax, 0);
  expect_parts("0.000000000000000001", 1, -18);
  expect_parts("1E18", 1, 18);
  expect_parts("00000000000000000000000000000000000012", 12, 0);
}

TEST(DecimalParse, RefusesWhatDoesNotFitAndSaysSo) {
  for (const char* text :
       {"9223372036854775808", "-9223372036854775809", "99999999999999999999999999999999999999999999", "1E19",
        "1E-19", "0.0000000000000000001", "1.0000000000000000000", "1E99999999999999999999",
        "1E-99999999999999999999", "340282366920938463463374607431768211456"}) {
    const auto result = Decimal::parse(text);
    ASSERT_FALSE(result.ok()) << text;
    EXPECT_EQ(result.error().fault, Fault::Permanent);
    EXPECT_NE(result.error().message.find("does not fit"), std::string::npos) << result.error().message;
  }
}

TEST(DecimalParse, RefusesWhatIsNotANumber) {
  for (const std::string text :
       {"",    " ",     ".",    "-",   "+",   "+-1",   "--1",   "1 ",    " 1",
        "1,5", "1.2.3", "0x10", "H1F", "inf", "nan",   "NaN",   "1E",    "1E+",
        "1E-", "1E1.5", "E5",   ".E5", "1F3", "1e5e5", "ERROR", "12kWh", "\xd9\xa1"}) {
    const auto result = Decimal::parse(text);
    ASSERT_FALSE(result.ok()) << text;
    EXPECT_NE(result.error().message.find("not a decimal number"), std::string::npos)
        << result.error().message;
  }
  EXPECT_FALSE(Decimal::parse(std::string_view("1\0", 2)).ok());
}

TEST(DecimalParse, QuotesAtMostFortyPrintableCharactersOfBadText) {
  const std::string message = Decimal::parse("\x01" + std::string(100'000, 'x')).error().message;
  EXPECT_NE(message.find("\"?" + std::string(39, 'x') + "\" (cut)"), std::string::npos)
      << message.substr(0, 200);
  EXPECT_LT(message.size(), 160U);
}

TEST(DecimalPrint, UsesPlainNotationWithAllDigits) {
  EXPECT_EQ((Decimal{250, -3}.to_string()), "0.250");
  EXPECT_EQ((Decimal{5, 3}.to_string()), "5000");
  EXPECT_EQ((Decimal{-5, -1}.to_string()), "-0.5");
  EXPECT_EQ((Decimal{0, -3}.to_string()), "0.000");
  EXPECT_EQ((Decimal{0, 5}.to_string()), "0");
  EXPECT_EQ((Decimal{123456, -3}.to_string()), "123.456");
  EXPECT_EQ((Decimal{kMin, 0}.to_string()), "-9223372036854775808");
  EXPECT_EQ((Decimal{kMin, -18}.to_string()), "-9.223372036854775808");
  EXPECT_EQ((Decimal{kMin, -19 + 18}.to_string()), "-922337203685477580.8");
  EXPECT_EQ((Decimal{1, -18}.to_string()), "0.000000000000000001");
}

// A decimal as sign and digit string, worked on with pencil-and-paper rules: nothing shared with the code.
struct Written {
  bool negative = false;
  std::string whole;
  std::string fraction;
  [[nodiscard]] std::string text() const {
    return (negative ? "-" : "") + whole + (fraction.empty() ? "" : "." + fraction);
  }
  // 20 digits before and 20 after the point: magnitudes compare as text.
  [[nodiscard]] std::string padded() const {
    return std::string(20 - whole.size(), '0') + whole + fraction + std::string(20 - fraction.size(), '0');
  }
};

Written random_number(std::mt19937_64& random, std::size_t most_digits) {
  const auto below = [&](std::size_t limit) { return static_cast<std::size_t>(random() % limit); };
  Written out;
  const std::size_t digits = 1 + below(most_digits);
  const std::size_t decimals = below(digits);
  for (std::size_t i = 0; i < digits; ++i) {
    const char digit = static_cast<char>('0' + (below(4) == 0 ? 0 : below(10)));
    (i < digits - decimals ? out.whole : out.fraction) += digit;
  }
  while (out.whole.size() > 1 && out.whole.front() == '0') out.whole.erase(0, 1);
  const bool zero = out.padded().find_first_not_of('0') == std::string::npos;
  out.negative = !zero && below(2) == 0;
  return out;
}

int compare_magnitudes(const Written& a, const Written& b) {
  return a.padded().compare(b.padded());
}

// 40 digits, plus or minus, digit by digit; `a` is not smaller than `b`.
std::string add_digits(const std::string& a, const std::string& b, int sign) {
  std::string out = a;
  int carry = 0;
  for (std::size_t i = a.size(); i-- > 0;) {
    const int digit = (a[i] - '0') + sign * (b[i] - '0') + carry;
    carry = digit < 0 ? -1 : digit / 10;
    out[i] = static_cast<char>('0' + (digit + 10) % 10);
  }
  return out;
}

std::string pencil_sum(const Written& a, const Written& b) {
  const bool a_larger = compare_magnitudes(a, b) >= 0;
  const Written& large = a_larger ? a : b;
  const Written& small = a_larger ? b : a;
  const std::string digits = add_digits(large.padded(), small.padded(), a.negative == b.negative ? 1 : -1);
  return (large.negative ? "-" : "") + digits.substr(0, 20) + "." + digits.substr(20);
}

// Cuts zeros that carry no value from both ends of plain notation.
std::string plain(std::string text) {
  const bool negative = text.starts_with('-');
  if (negative) text.erase(0, 1);
  if (text.find('.') != std::string::npos) {
    text.erase(text.find_last_not_of('0') + 1);
    if (text.ends_with('.')) text.pop_back();
  }
  text.erase(0, std::min(text.find_first_not_of('0'), text.size()));
  if (text.empty() || text.front() == '.') text.insert(0, "0");
  return (negative && text != "0" ? "-" : "") + text;
}

class DecimalProperty : public ::testing::TestWithParam<std::uint64_t> {
 protected:
  std::mt19937_64 random{GetParam()};
};

TEST_P(DecimalProperty, ParsingAndPrintingGivesTheTextBack) {
  for (int i = 0; i < 3000; ++i) {
    const std::string text = random_number(random, 18).text();
    EXPECT_EQ(parsed(text).to_string(), text);
  }
}

TEST_P(DecimalProperty, OrderAgreesWithDigitStrings) {
  for (int i = 0; i < 3000; ++i) {
    const Written a = random_number(random, 18);
    const Written b = i % 3 == 0 ? a : random_number(random, 18);
    int expected = compare_magnitudes(a, b);
    if (a.negative != b.negative) {
      expected = a.negative ? -1 : 1;
    } else if (a.negative) {
      expected = -expected;
    }
    const auto order = parsed(a.text()) <=> parsed(b.text());
    EXPECT_EQ(order < 0, expected < 0) << a.text() << " " << b.text();
    EXPECT_EQ(order > 0, expected > 0) << a.text() << " " << b.text();
    EXPECT_EQ(parsed(a.text()) == parsed(b.text()), expected == 0) << a.text() << " " << b.text();
  }
}

TEST_P(DecimalProperty, SumsAndDifferencesAgreeWithPencilAndPaper) {
  for (int i = 0; i < 3000; ++i) {
    const Written a = random_number(random, 12);
    Written b = random_number(random, 12);
    // At most 12 digits before and 11 after the point may need 24: those may overflow, and then must say so.
    const auto total = parsed(a.text()).plus(parsed(b.text()));
    const std::string expected = plain(pencil_sum(a, b));
    const auto representable = Decimal::parse(expected);
    ASSERT_EQ(total.has_value(), representable.ok()) << a.text() << " + " << b.text();
    if (total) {
      EXPECT_EQ(plain(total->to_string()), expected) << a.text() << " + " << b.text();
    }
    const auto difference = parsed(a.text()).minus(parsed(b.text()));
    b.negative = !b.negative;
    const std::string expected_difference = plain(pencil_sum(a, b));
    if (difference) {
      EXPECT_EQ(plain(difference->to_string()), expected_difference) << a.text() << " - -" << b.text();
    }
  }
}

TEST_P(DecimalProperty, ProductsOfNineDigitMantissasAreExact) {
  for (int i = 0; i < 3000; ++i) {
    const auto a = static_cast<std::int64_t>(random() % 1'999'999'999) - 999'999'999;
    const auto b = static_cast<std::int64_t>(random() % 1'999'999'999) - 999'999'999;
    const auto ea = static_cast<std::int32_t>(random() % 17) - 8;
    const auto eb = static_cast<std::int32_t>(random() % 17) - 8;
    const auto product = Decimal{a, ea}.times(Decimal{b, eb});
    ASSERT_TRUE(product);
    EXPECT_EQ(product->mantissa, a * b);  // below 10^18: int64 holds it
    EXPECT_EQ(product->exponent, ea + eb);
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, DecimalProperty, ::testing::Values(1, 20260308, 0xF0C05A7));

TEST(DecimalOrder, TellsNeighboursApartAtTheEdges) {
  EXPECT_EQ((Decimal{250, -3}), (Decimal{25, -2}));
  EXPECT_EQ((Decimal{0, -18}), (Decimal{0, 18}));
  EXPECT_LT((Decimal{kMax - 1, 0}), (Decimal{kMax, 0}));
  EXPECT_LT((Decimal{kMin, 18}), (Decimal{kMin, -18}));
  EXPECT_LT((Decimal{kMax, -18}), (Decimal{1, 18}));
  EXPECT_GT((Decimal{-1, -18}), (Decimal{-1, 18}));
  EXPECT_EQ((Decimal{1'000'000'000'000'000'000, -18}), (Decimal{1, 0}));
  EXPECT_GT((Decimal{1'000'000'000'000'000'001, -18}), (Decimal{1, 0}));
  EXPECT_EQ((Decimal{1'000'000'000'000'000'000, 0}), (Decimal{1, 18}));
}

TEST(DecimalArithmetic, ReportsOverflowInsteadOfWrapping) {
  EXPECT_FALSE((Decimal{kMax, 0}.plus({1, 0})));
  EXPECT_FALSE((Decimal{kMin, 0}.minus({1, 0})));
  EXPECT_FALSE((Decimal{kMax, 0}.plus({1, -1})));
  EXPECT_FALSE((Decimal{1, 18}.plus({1, -18})));
  EXPECT_FALSE((Decimal{kMax, 0}.times({kMax, 0})));
  EXPECT_FALSE((Decimal{kMin, 18}.times({kMin, 18})));
  EXPECT_FALSE((Decimal{3, -18}.times({1, -1})));
  EXPECT_FALSE((Decimal{0, 0}.minus({kMin, 0})));  // 2^63 is one too many
  EXPECT_EQ(*(Decimal{-1, 0}.minus({kMin, 0})), (Decimal{kMax, 0}));
}

TEST(DecimalArithmetic, DropsTrailingZerosBeforeGivingUp) {
  EXPECT_EQ(*(Decimal{9'000'000'000'000'000'000, 0}.plus({9'000'000'000'000'000'000, 0})), (Decimal{18, 18}));
  EXPECT_EQ(*(Decimal{5'000'000'000'000'000'000, 0}.times({4, 0})), (Decimal{2, 18}.times({10, 0})));
  EXPECT_EQ(*(Decimal{1'000'000'000'000'000'000, -18}.plus({5, 18})),
            (Decimal{5'000'000'000'000'000'001, 0}));
  EXPECT_EQ(*(Decimal{2, 18}.times({3, 3})), (Decimal{6000, 18}));
  EXPECT_EQ(*(Decimal{0, -18}.plus({1, 18})), (Decimal{1, 18}));
  EXPECT_EQ(*(Decimal{7, -18}.minus({0, 18})), (Decimal{7, -18}));
}

TEST(DecimalArithmetic, SubtractsWhatHasNineteenPlacesBetween) {
  // 10^19 - 9.2…e18 is just inside int64: 10000000000000000000 - 9223372036854775807 = 776627963145224193.
  EXPECT_EQ(*(Decimal{1, 18}.minus({kMax, -1})), (Decimal{776'627'963'145'224'193, -1}));
}

TEST(DecimalMantissaAt, MovesOnlyWhereNothingIsRounded) {
  EXPECT_EQ((Decimal{1815, -4}.mantissa_at(-4)), 1815);
  EXPECT_EQ((Decimal{1815, -4}.mantissa_at(-6)), 181500);
  EXPECT_EQ((Decimal{250, -3}.mantissa_at(-2)), 25);
  EXPECT_EQ((Decimal{250, -3}.mantissa_at(-1)), std::nullopt);
  EXPECT_EQ((Decimal{1, 18}.mantissa_at(0)), 1'000'000'000'000'000'000);
  EXPECT_EQ((Decimal{1, 18}.mantissa_at(-1)), std::nullopt);
  EXPECT_EQ((Decimal{kMin, 0}.mantissa_at(0)), kMin);
  EXPECT_EQ((Decimal{kMin, 0}.mantissa_at(-1)), std::nullopt);
  EXPECT_EQ((Decimal{1, 0}.mantissa_at(std::numeric_limits<std::int32_t>::min())), std::nullopt);
  EXPECT_EQ((Decimal{1, 0}.mantissa_at(std::numeric_limits<std::int32_t>::max())), std::nullopt);
  EXPECT_EQ((Decimal{0, 5}.mantissa_at(std::numeric_limits<std::int32_t>::min())), 0);
}

TEST(DecimalShifted, MovesTheExponentInsideItsRangeOnly) {
  EXPECT_EQ(*(Decimal{1815, -4}.shifted(3)), (Decimal{1815, -1}));
  EXPECT_FALSE((Decimal{1, 18}.shifted(1)));
  EXPECT_FALSE((Decimal{1, -18}.shifted(-1)));
  EXPECT_FALSE((Decimal{1, 1}.shifted(std::numeric_limits<std::int32_t>::max())));
}

TEST(DecimalNormalised, HasOneFormForEachValue) {
  for (const Decimal value : {Decimal{2500, -3}, Decimal{25, -1}, Decimal{25'000'000, -7}}) {
    EXPECT_EQ(value.normalised().mantissa, 25);
    EXPECT_EQ(value.normalised().exponent, -1);
  }
  EXPECT_EQ((Decimal{0, -7}.normalised().exponent), 0);
  EXPECT_EQ((Decimal{-100, 0}.normalised().mantissa), -1);
  EXPECT_EQ((Decimal{100, 18}.normalised().mantissa), 100);  // the exponent may not go further
  EXPECT_EQ((Decimal{100, 17}.normalised().mantissa), 10);
}

}  // namespace
}  // namespace ami
