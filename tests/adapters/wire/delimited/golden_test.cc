// Golden files (expectations by oracle.py, read over by hand against the columns' description), and the
// second opinion of oracle.py on records that were good once.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <random>

#include "tests/adapters/wire/delimited/render.h"

namespace ami::delimited {
namespace {

std::filesystem::path here() {
  const char* root = std::getenv("AMI_SOURCE_DIR");
  return std::filesystem::path{root == nullptr ? "." : root} / "tests/adapters/wire/delimited";
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in) << path;
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// What oracle.py prints, or nothing where there is no Python.
std::optional<std::string> oracle(const std::filesystem::path& file) {
  const std::string command = "python3 '" + (here() / "oracle.py").string() + "' '" + file.string() + "'";
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

class DelimitedGolden : public testing::TestWithParam<const char*> {};

TEST_P(DelimitedGolden, ReadsAsExpectedAndTheOracleAgrees) {
  const std::string name = GetParam();
  const auto expected = read_file(here() / "golden" / (name + ".expected"));
  EXPECT_EQ(render(feed(read_file(here() / "golden" / (name + ".csv")), site()).batch), expected);
  const auto said = oracle(here() / "golden" / (name + ".csv"));
  if (!said) GTEST_SKIP() << "python3 is not installed";
  EXPECT_EQ(*said, expected);
}

INSTANTIATE_TEST_SUITE_P(Files, DelimitedGolden, testing::Values("ports", "bad"),
                         [](const auto& file) { return std::string{file.param}; });

TEST(DelimitedGolden, TheOffsetsOfResultsPointAtTheirLines) {
  const std::string text = read_file(here() / "golden/ports.csv");
  for (const auto& one : feed(text, site()).batch.observations) {
    const auto& series = std::get<SeriesObservation>(one);
    EXPECT_TRUE(text.substr(series.offset).starts_with("90001," + std::string(series.meter) + ","))
        << series.offset;
  }
}

TEST(DelimitedOracle, AgreesOnMutatedRecords) {
  const std::string seeds = read_file(here() / "golden/ports.csv").substr(3);
  const std::string header = seeds.substr(0, seeds.find('\n') + 1);
  static constexpr std::string_view kBytes = ",,, \t0123456789.-+:EROIN\x01\x80";
  std::mt19937_64 random(20260115);
  std::string source = header;
  for (int round = 0; round < 1'500; ++round) {
    std::size_t begin = header.size();
    for (auto skip = random() % 9; skip > 0; --skip) begin = seeds.find('\n', begin) + 1;
    std::string line = seeds.substr(begin, seeds.find('\n', begin) - begin);
    if (!line.starts_with("90001")) continue;  // blank
    for (auto i = random() % 4; i > 0; --i) {
      // Mostly in what is read: the middle of the record.
      const std::size_t at = random() % (line.size() + 1);
      if (random() % 3 == 0) {
        line.insert(at, 1, kBytes[random() % kBytes.size()]);
      } else if (random() % 2 == 0) {
        line.erase(at, 1);
      } else if (at < line.size()) {
        line[at] = kBytes[random() % kBytes.size()];
      }
    }
    source += line + "\n";
  }
  const auto file =
      std::filesystem::path{testing::TempDir()} / ("delimited-" + std::to_string(getpid()) + ".csv");
  std::ofstream(file, std::ios::binary) << source;
  const auto said = oracle(file);
  std::filesystem::remove(file);
  if (!said) GTEST_SKIP() << "python3 is not installed";
  const auto fed = feed(source, site());
  EXPECT_GT(fed.batch.observations.size(), 500U);
  EXPECT_GT(fed.batch.malformed.size(), 150U);
  const std::string ours = render(fed.batch);
  std::size_t differs = 0;
  while (differs < ours.size() && differs < said->size() && ours[differs] == (*said)[differs]) ++differs;
  const std::size_t from = differs < 100 ? 0 : differs - 100;
  EXPECT_TRUE(ours == *said) << "codec:\n"
                             << ours.substr(from, 300) << "\noracle:\n"
                             << said->substr(from, 300);
}

}  // namespace
}  // namespace ami::delimited
