// Expected hashes: expected_hashes.py, which was written from the words of docs/audit.md.
#include "meter_model/audit/canonical.h"

#include <gtest/gtest.h>

#include <clocale>
#include <set>
#include <variant>
#include <vector>

#include "meter_model/audit/chain.h"

namespace ami::audit {
namespace {

using Value = std::variant<std::monostate, std::int64_t, std::string>;

std::string bytes_of_values(const std::vector<Value>& values) {
  std::string out;
  CanonicalWriter writer(out);
  for (const Value& value : values) {
    if (const auto* number = std::get_if<std::int64_t>(&value)) {
      writer.number(*number);
    } else if (const auto* text = std::get_if<std::string>(&value)) {
      writer.text(*text);
    } else {
      writer.null();
    }
  }
  return out;
}

std::string times(const char* two, int count) {
  std::string out;
  for (int i = 0; i < count; ++i) out += two;
  return out;
}

std::vector<Value> full() {
  const auto n = [](std::int64_t value) { return Value(value); };
  return {n(19), n(4), n(1), n(3), "QUEUED", "SENT", "SEND", "CN=pat", "ami://role/switch ami://utility/*", "gw-1",
          "gesendet ✓", "a=1\nb=2\n", n(1768478400123456), n(1768478400123999), "M1", "UP-1", "4711", "OPEN",
          "NON_PAYMENT", "WO-1", "CN=pat", "r1", "billing", "", n(0), times("ab", 32), "radio", "B1", "sw4-abc",
          times("cd", 32), n(-1), n(4), "", "1234.500 kWh", ""};
}

std::vector<Value> of_before() {
  std::vector<Value> out{std::int64_t{1}, std::int64_t{1}, std::int64_t{1}, std::int64_t{1}, Value(), "REQUESTED",
                         "REQUEST", "CN=pat", Value(), "gw-1", "", "", std::int64_t{-1}, "infinity"};
  out.resize(kFields);
  return out;
}

TEST(CanonicalBytes, HaveTheHashThatAnotherProgramFinds) {
  ASSERT_EQ(full().size(), kFields);
  EXPECT_EQ(bytes_of_values(full()).size(), 478U);
  EXPECT_EQ(hex(Sha256().of(bytes_of_values(full()))),
            "0756ac62f09b01c791b7aaafd6ce89d5fbd1eccb058db362f5631d88535d73e9");
  EXPECT_EQ(hex(Sha256().of(bytes_of_values(of_before()))),
            "f421491ddcd3fdc773d782f268f7cfc63220cce943efe9cd05e430400175ebdd");
}

TEST(CanonicalBytes, DoNotDependOnTheLocale) {
  const std::string before = bytes_of_values(full());
  for (const char* name : {"de_DE.UTF-8", "C.UTF-8", ""}) {
    std::setlocale(LC_ALL, name);
    EXPECT_EQ(bytes_of_values(full()), before) << name;
  }
  std::setlocale(LC_ALL, "C");
}

TEST(CanonicalBytes, DifferInEachFieldAndAtEachBorder) {
  std::set<std::string> seen{bytes_of_values(full())};
  for (std::size_t i = 0; i < kFields; ++i) {
    for (const Value& other : {Value(), Value("x"), Value(std::int64_t{77})}) {
      auto values = full();
      values[i] = other;
      EXPECT_TRUE(seen.insert(bytes_of_values(values)).second) << fields()[i].name;
    }
  }
  // What moves from one field to its neighbour, and what is empty instead of absent.
  auto one = full(), two = full();
  one[14] = "M1U", one[15] = "P-1";
  two[14] = "M1", two[15] = "UP-1";
  EXPECT_NE(bytes_of_values(one), bytes_of_values(two));
  two = full();
  two[4] = Value();
  one = full();
  one[4] = "";
  EXPECT_NE(bytes_of_values(one), bytes_of_values(two));
}

TEST(CanonicalBytes, AreReadBack) {
  const std::string bytes = bytes_of_values(full());
  const auto back = parse_canonical(bytes);
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(number_of(back->at(field_index("switch_id"))), 4);
  EXPECT_EQ(back->at(field_index("words")), "gesendet ✓");
  EXPECT_EQ(time_of(back->at(field_index("at"))), UtcInstant{std::chrono::microseconds{1768478400123456}});
  EXPECT_EQ(number_of(back->at(field_index("evidence"))), -1);
  const std::string old = bytes_of_values(of_before());
  const auto before = parse_canonical(old);
  ASSERT_TRUE(before.has_value());
  EXPECT_FALSE(before->at(field_index("meter")).has_value());
  EXPECT_FALSE(time_of(before->at(field_index("recorded_at"))).has_value()) << "infinity is no time";
}

TEST(CanonicalBytes, OtherBytesAreNone) {
  const std::string good = bytes_of_values(full());
  for (std::size_t size = 0; size < good.size(); ++size)
    EXPECT_FALSE(parse_canonical(std::string_view(good).substr(0, size)).has_value()) << size;
  EXPECT_FALSE(parse_canonical(good + std::string(1, '\0')).has_value());
  EXPECT_FALSE(parse_canonical(good + std::string(4, '\0')).has_value()) << "one field too many";
  std::string other_tag = good;
  other_tag[21] = '2';
  EXPECT_FALSE(parse_canonical(other_tag).has_value());
  std::string long_length = good;
  long_length[22] = '\x7f';
  EXPECT_FALSE(parse_canonical(long_length).has_value());
}

TEST(CanonicalBytes, ColumnsHaveOneNameEach) {
  std::set<std::string_view> names;
  for (const FieldInfo& field : fields()) EXPECT_TRUE(names.insert(field.name).second) << field.name;
  EXPECT_EQ(field_index("rule"), kFields - 1);
  EXPECT_EQ(field_index("no_such"), kNoField);
}

}  // namespace
}  // namespace ami::audit
