// Golden files (expectations by oracle.py, checked by hand against the format's text), the samples beside the
// checkout, and the second opinion of oracle.py.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include "tests/adapters/wire/cmep/feed.h"
#include "tests/adapters/wire/cmep/render.h"

namespace ami::cmep {
namespace {

std::filesystem::path here() {
  const char* root = std::getenv("AMI_SOURCE_DIR");
  return std::filesystem::path{root == nullptr ? "." : root} / "tests/adapters/wire/cmep";
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in) << path;
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::optional<std::filesystem::path> sample(const char* name) {
  const char* samples = std::getenv("AMI_SAMPLES_DIR");
  if (samples == nullptr) return std::nullopt;
  auto path = std::filesystem::path{samples} / "cmep" / name;
  return std::filesystem::exists(path) ? std::optional{path} : std::nullopt;
}

Options options_for(int meter_field) {
  Options options;
  options.meter_field = static_cast<MeterField>(meter_field);
  return options;
}

// What oracle.py prints, or nothing where there is no Python.
std::optional<std::string> oracle(int meter_field, const std::filesystem::path& file) {
  const std::string command = "python3 '" + (here() / "oracle.py").string() + "' " +
                              std::to_string(meter_field) + " '" + file.string() + "'";
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

class CmepGolden : public testing::TestWithParam<const char*> {};

TEST_P(CmepGolden, ReadsAsExpected) {
  const auto file = here() / "golden" / GetParam();
  const auto batch = feed(read_file(file.string() + ".cmep"));
  EXPECT_EQ(render(batch), read_file(file.string() + ".txt"));
}

TEST_P(CmepGolden, TheOracleAgrees) {
  const auto file = here() / "golden" / GetParam();
  const auto said = oracle(8, file.string() + ".cmep");
  if (!said) GTEST_SKIP() << "python3 is not installed";
  EXPECT_EQ(*said, read_file(file.string() + ".txt"));
}

INSTANTIATE_TEST_SUITE_P(Files, CmepGolden, testing::Values("intervals", "registers", "bad"),
                         [](const auto& file) { return std::string{file.param}; });

TEST(CmepSamples, TheOracleAgreesOnBoth) {
  const std::pair<const char*, int> samples[] = {
      {"cmep.dat", 6}, {"cmep.dat", 5}, {"constructed-focusax.cmep", 8}};
  for (const auto& [name, meter_field] : samples) {
    const auto file = sample(name);
    if (!file) GTEST_SKIP() << "no samples beside the checkout";
    const auto said = oracle(meter_field, *file);
    if (!said) GTEST_SKIP() << "python3 is not installed";
    EXPECT_EQ(render(feed(read_file(*file), options_for(meter_field))), *said) << name;
  }
}

TEST(CmepSamples, TheRealFeedHasItsMetersInField6) {
  const auto file = sample("cmep.dat");
  if (!file) GTEST_SKIP() << "no samples beside the checkout";
  const auto batch = feed(read_file(*file), options_for(6));
  EXPECT_TRUE(batch.malformed.empty());
  ASSERT_EQ(batch.observations.size(), 5U);
  std::vector<std::string> meters;
  for (const auto& observation : batch.observations) {
    const auto& series = std::get<SeriesObservation>(observation);
    meters.emplace_back(series.meter);
    EXPECT_EQ(series.kind, SeriesKind::Register);
    EXPECT_EQ(series.values.size(), 25U);
  }
  EXPECT_EQ(meters,
            (std::vector<std::string>{"B72842123", "B72842062", "B72842130", "BW23020", "E36525F12SD"}));
  const auto& electric = std::get<SeriesObservation>(batch.observations[4]);
  EXPECT_EQ(electric.unit, "SKWHREG");
  EXPECT_EQ(electric.values[0].value, "698");
  EXPECT_EQ(electric.values[15].time.text, "201109202059");
  EXPECT_EQ(electric.values[24].value, "721");

  const auto by_radio = feed(read_file(*file), options_for(5));
  EXPECT_EQ(std::get<SeriesObservation>(by_radio.observations[4]).meter, "47622887");
  const auto by_meter_field = feed(read_file(*file), options_for(8));  // empty in this feed
  EXPECT_TRUE(by_meter_field.observations.empty());
  ASSERT_EQ(by_meter_field.malformed.size(), 5U);
  EXPECT_STREQ(by_meter_field.malformed[0].reason, "missing_meter");
}

// Two readers written apart agree on thousands of records that were good once.
TEST(CmepOracle, AgreesOnMutatedRecords) {
  std::string seeds[] = {read_file(here() / "golden/intervals.cmep"),
                         read_file(here() / "golden/registers.cmep"), read_file(here() / "golden/bad.cmep")};
  static constexpr std::string_view kBytes = ",,,,\"\" \t0123456789.-+EDHRNxM\r\n\x01\x80";
  std::mt19937_64 random(20260301);
  std::string source;
  for (int round = 0; round < 400; ++round) {
    std::string text = seeds[random() % 3];
    for (int i = 0; i < 12; ++i) {
      const std::size_t at = random() % text.size();
      const char byte = kBytes[random() % kBytes.size()];
      switch (random() % 3) {
        case 0:
          text[at] = byte;
          break;
        case 1:
          text.insert(at, 1, byte);
          break;
        default:
          text.erase(at, 1);
          break;
      }
    }
    source += text + "\n";
  }
  const auto file =
      std::filesystem::path{testing::TempDir()} / ("cmep-" + std::to_string(getpid()) + ".cmep");
  std::ofstream(file, std::ios::binary) << source;
  const auto said = oracle(8, file);
  std::filesystem::remove(file);
  if (!said) GTEST_SKIP() << "python3 is not installed";
  const auto batch = feed(source);
  EXPECT_GT(batch.observations.size(), 1000U);
  EXPECT_GT(batch.malformed.size(), 1000U);
  const std::string ours = render(batch);
  const auto differs = std::mismatch(ours.begin(), ours.end(), said->begin(), said->end());
  const auto context = [](const std::string& text, std::string::const_iterator at) {
    const auto start = static_cast<std::size_t>(std::max<std::ptrdiff_t>(0, at - text.begin() - 300));
    return text.substr(start, 600);
  };
  EXPECT_TRUE(ours == *said) << "codec:\n"
                             << context(ours, differs.first) << "\noracle:\n"
                             << context(*said, differs.second);
}

}  // namespace
}  // namespace ami::cmep
