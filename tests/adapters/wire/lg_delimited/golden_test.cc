// Golden files (expectations by oracle.py, read over by hand against the columns' description), the sample
// beside the checkout, and the second opinion of oracle.py on records that were good once.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <random>

#include "tests/adapters/wire/lg_delimited/render.h"

namespace ami::lg_delimited {
namespace {

std::filesystem::path here() {
  const char* root = std::getenv("AMI_SOURCE_DIR");
  return std::filesystem::path{root == nullptr ? "." : root} / "tests/adapters/wire/lg_delimited";
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in) << path;
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

Options with_intervals(bool enabled) {
  Options options;
  if (enabled) options.intervals = Intervals{};
  return options;
}

// What oracle.py prints, or nothing where there is no Python.
std::optional<std::string> oracle(const char* order, const std::filesystem::path& file) {
  const std::string command =
      "python3 '" + (here() / "oracle.py").string() + "' " + order + " '" + file.string() + "'";
  std::FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return std::nullopt;
  std::string text;
  char part[4096];
  while (const std::size_t got = std::fread(part, 1, sizeof part, pipe)) text.append(part, got);
  const int status = pclose(pipe);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 127) return std::nullopt;
  EXPECT_EQ(status, 0) << command;
  return text;
}

class LgDelimitedGolden : public testing::TestWithParam<const char*> {};

TEST_P(LgDelimitedGolden, ReadsAsExpectedAndTheOracleAgrees) {
  const std::string name = GetParam();
  const bool intervals = name == "intervals";
  const auto expected = read_file(here() / "golden" / (name + ".expected"));
  EXPECT_EQ(render(feed(read_file(here() / "golden" / (name + ".txt")), with_intervals(intervals)).batch),
            expected);
  const auto said = oracle(intervals ? "value" : "off", here() / "golden" / (name + ".txt"));
  if (!said) GTEST_SKIP() << "python3 is not installed";
  EXPECT_EQ(*said, expected);
}

INSTANTIATE_TEST_SUITE_P(Files, LgDelimitedGolden, testing::Values("registers", "bad", "intervals"),
                         [](const auto& file) { return std::string{file.param}; });

TEST(LgDelimitedSample, HasEightValuesOfOneMeterAtMidnight) {
  const char* samples = std::getenv("AMI_SAMPLES_DIR");
  const auto file =
      std::filesystem::path{samples == nullptr ? "" : samples} / "landisgyr/constructed-register-export.txt";
  if (!std::filesystem::exists(file)) GTEST_SKIP() << "no samples beside the checkout";
  const auto fed = feed(read_file(file));
  EXPECT_EQ(fed.error, "");
  EXPECT_TRUE(fed.batch.malformed.empty());
  std::string said;
  for (const auto& observation : fed.batch.observations) {
    const auto& series = std::get<SeriesObservation>(observation);
    EXPECT_EQ(series.meter, "FA10000001");
    EXPECT_EQ(series.values.at(0).time.text, "01152026120000AM");
    said.append(series.channel).append("=").append(series.values[0].value).append(" ");
  }
  EXPECT_EQ(said,
            "kWh=34315.482 Peak=2.66 TouA=20000.000 TouB=14315.482 TouC=0.000 TouD=0.000 TouE=0.000 "
            "Volts=241.2 PrevKWh=33693.000 KWhRecv=0.000 ");
  EXPECT_EQ(fed.counters.empty_fields, 2U);  // Dmd and PF
}

TEST(LgDelimitedOracle, AgreesOnMutatedRecords) {
  const auto header_and_records = read_file(here() / "golden/registers.txt").substr(3);
  const std::string seeds[] = {header_and_records, read_file(here() / "golden/intervals.txt")};
  const std::string header = header_and_records.substr(0, header_and_records.find('\n') + 1);
  static constexpr std::string_view kBytes = "~~~ \t0123456789.-+AaPpMmEID\x01\x80";
  std::mt19937_64 random(20260115);
  std::string source = header;
  for (int round = 0; round < 1500; ++round) {
    const std::string& seed = seeds[random() % 2];
    std::size_t begin = 0;
    for (std::size_t skip = random() % 4; skip > 0; --skip) begin = seed.find('\n', begin) + 1;
    std::string line = seed.substr(begin, seed.find('\n', begin) - begin);
    if (line.starts_with("ID~") || line.starts_with("KWhRecv~")) continue;  // headers change what follows
    for (std::size_t i = random() % 4; i > 0; --i) {
      const std::size_t at = random() % (line.size() + 1);
      if (random() % 2 == 0) {
        line.insert(at, 1, kBytes[random() % kBytes.size()]);
      } else {
        line.erase(at, 1);
      }
    }
    source += line + "\n";
  }
  const auto file = std::filesystem::path{testing::TempDir()} / ("lg-" + std::to_string(getpid()) + ".txt");
  std::ofstream(file, std::ios::binary) << source;
  const auto said = oracle("value", file);
  std::filesystem::remove(file);
  if (!said) GTEST_SKIP() << "python3 is not installed";
  const auto fed = feed(source, with_intervals(true));
  EXPECT_GT(fed.batch.observations.size(), 1000U);
  EXPECT_GT(fed.batch.malformed.size(), 300U);
  const std::string ours = render(fed.batch);
  const auto differs = std::mismatch(ours.begin(), ours.end(), said->begin(), said->end());
  const auto context = [](const std::string& text, std::string::const_iterator at) {
    const auto start = static_cast<std::size_t>(std::max<std::ptrdiff_t>(0, at - text.begin() - 200));
    return text.substr(start, 400);
  };
  EXPECT_TRUE(ours == *said) << "codec:\n"
                             << context(ours, differs.first) << "\noracle:\n"
                             << context(*said, differs.second);
}

}  // namespace
}  // namespace ami::lg_delimited
