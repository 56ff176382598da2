// Bytes that were cut, flipped, or never were of this format: nothing is invented, nothing vanishes without a
// word, and the neighbours live.
#include "tests/adapter_conformance/kit.h"

#include <gmock/gmock.h>

#include <random>

namespace ami::conformance {
namespace {

using Damaged = Conformance;
INSTANTIATE_TEST_SUITE_P(conformance, Damaged, ::testing::ValuesIn(those([](const Interface&) { return true; })),
                         name_of);

// Cut at each byte: no value is read that was not sent, so none that lost its last digits.
TEST_P(Damaged, NoBeginningOfAnInputSaysAnythingElse) {
  const Bench bench(GetParam());
  const std::string whole = some_input(GetParam());
  const auto sent = all_of(bench.read(whole));
  ASSERT_FALSE(sent.empty());
  for (std::size_t cut = 0; cut < whole.size(); ++cut) {
    const Said said = bench.read(whole.substr(0, cut));
    ASSERT_EQ(without(all_of(said), sent), 0U) << "the first " << cut << " bytes";
    ASSERT_LE(all_of(said).size(), sent.size());
  }
}

// One bit of each byte. What a checksum covers is never read wrong. Elsewhere a digit may become another
// digit, which nobody can see; but no more than that one record changes, and what is gone is gone with a
// complaint.
TEST_P(Damaged, AFlippedBitCostsItsRecordAndSaysSoOrIsADigit) {
  const Interface& of = GetParam();
  const Bench bench(of);
  Bench door(of);
  const std::string whole = some_input(of);
  const auto sent = all_of(bench.read(whole));
  const std::size_t header = of.header_line ? whole.find('\n') + 1 : 0;
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << (at * 5 + 3) % 8));
    const Said said = bench.read(damaged);
    const auto read = all_of(said);
    const std::size_t invented = without(read, sent), lost = without(sent, read);
    const std::string where = "byte " + std::to_string(at) + " '" + whole[at] + "' of: " + damaged;
    ASSERT_LE(invented, of.checksum ? 0U : 1U) << where;
    if (lost > invented + (of.open_names ? 1U : 0U) && said.complaints.empty()) {
      // Nothing in it is ours any more: then it is not even taken in.
      if (!door.runs()) door.start();
      ASSERT_FALSE(of.way && door.send(damaged)) << where;
    }
    if (of.cost == Cost::Neighbour && at >= header) {
      ASSERT_LE(lost, 2U) << where;
    }
    ASSERT_LE(said.complaints.size(), sent.size() + 2) << where;
  }
}

using Deliveries = Conformance;
INSTANTIATE_TEST_SUITE_P(conformance, Deliveries, ::testing::ValuesIn(those(is_delivered)), name_of);

TEST_P(Deliveries, AnInputThatBreaksOffIsMadeGoodByTheWholeOne) {
  const std::string whole = GetParam().write(hourly(6));
  for (const std::size_t cut : {std::size_t{1}, whole.size() / 3, whole.size() / 2, whole.size() - 3}) {
    Bench bench(GetParam());
    bench.start();
    bench.way().break_off(whole.substr(0, cut));
    const auto before = bench.stored().distinct();
    for (const std::string& line : before) EXPECT_TRUE(meant(GetParam(), hourly(6)).contains(line)) << line;
    ASSERT_TRUE(bench.send(whole)) << cut;
    EXPECT_EQ(bench.stored().distinct(), meant(GetParam(), hourly(6))) << cut;
  }
}

std::vector<std::string> garbage() {
  std::mt19937 random(20260115);
  std::string noise(64 << 10, '\0');
  for (char& byte : noise) byte = static_cast<char>(random());
  std::string nested;
  for (int i = 0; i < 20'000; ++i) nested += "<a>";
  return {"",
          "\n",
          std::string(100, '\0'),
          "\xEF\xBB\xBF",
          "<html><body>moved</body></html>\n",
          "<?xml version=\"1.0\"?><!DOCTYPE a [<!ENTITY e \"eeeeeeeeee\">]><a>&e;&e;&e;</a>",
          nested,
          noise,
          std::string(1 << 20, 'A'),
          std::string(10'000, '\n')};
}

TEST_P(Deliveries, GarbageIsNotTakenForReadingsAndStopsNothing) {
  Bench bench(GetParam());
  bench.start();
  ASSERT_TRUE(bench.send(GetParam().write(hourly(3))));
  for (const std::string& input : garbage()) bench.send(input);
  ASSERT_TRUE(bench.send(GetParam().write(hourly(6))));
  const Said said = bench.stored();
  EXPECT_EQ(said.distinct(), meant(GetParam(), hourly(6)));
  EXPECT_TRUE(said.results.empty());
  EXPECT_LT(said.complaints.size(), 25'000U) << "what is kept aside is bounded by the bytes that came";
}

TEST_P(Deliveries, GarbageInFrontOfRecordsInventsNothing) {
  const Bench bench(GetParam());
  const std::string good = GetParam().write(hourly(3));
  for (const std::string& input : garbage()) {
    for (const std::string& mixed : {input + good, good + input}) {
      for (const std::string& line : bench.read(mixed).values)
        ASSERT_TRUE(meant(GetParam(), hourly(3)).contains(line)) << line;
    }
  }
}

}  // namespace
}  // namespace ami::conformance
