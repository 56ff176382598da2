// Decoding what was encoded says the same, for messages drawn at random; and so says oracle.py, which shares
// nothing with the codec.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "adapters/wire/cim/codec/encode.h"
#include "tests/adapters/wire/cim/random_message.h"
#include "tests/adapters/wire/cim/render.h"

namespace ami::cim {
namespace {

TEST(CimRoundTrip, DecodingWhatWasEncodedSaysTheSame) {
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    const RandomMessage drawn = draw_message(seed);
    ASSERT_EQ(render(encode(drawn.message), with_landis_gyr()), drawn.expected) << "seed " << seed;
  }
}

TEST(CimOracle, AgreesOnRandomMessagesAndOnSpoiltOnes) {
  const auto folder = std::filesystem::path{testing::TempDir()} / ("cim-" + std::to_string(getpid()));
  std::filesystem::create_directories(folder);
  std::string files, ours;
  for (std::uint64_t seed = 0; seed < 150; ++seed) {
    std::string text = encode(draw_message(seed).message);
    if (seed % 3 != 0) {  // spoil the words between tags
      const std::vector<std::pair<std::string, std::string>> spoils{{"-05:00<", "<"},
                                                                    {"<value>", "<value>x"},
                                                                    {"T00:15:00", "T00:15:99"},
                                                                    {"<mRID>", "<mRID> "},
                                                                    {" ref=", " rev="},
                                                                    {"MeterReadings#", "MeterReadings"},
                                                                    {"2026-03-01T00", "1970-01-01T00"},
                                                                    {"timeStamp>", "stamp>"},
                                                                    {"<end>", "<end> "},
                                                                    {"ID>", "Id>"},
                                                                    {"<name>", "<names>"}};
      const auto& [from, to] = spoils[seed % spoils.size()];
      for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
        text.replace(at, from.size(), to);
    }
    const auto path = folder / (std::to_string(seed) + ".xml");
    std::ofstream(path, std::ios::binary) << text;
    files += " '" + path.string() + "'";
    ours += render(text, with_landis_gyr());
  }
  const std::string command = "python3 '" + test_folder() + "oracle.py' -l" + files;
  std::FILE* pipe = popen(command.c_str(), "r");
  ASSERT_NE(pipe, nullptr);
  std::string said;
  char part[4096];
  while (const std::size_t got = std::fread(part, 1, sizeof part, pipe)) said.append(part, got);
  const int status = pclose(pipe);
  std::filesystem::remove_all(folder);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 127) GTEST_SKIP() << "python3 is not installed";
  ASSERT_EQ(status, 0);
  EXPECT_GT(said.size(), 20000U);
  EXPECT_EQ(ours, said);
}

}  // namespace
}  // namespace ami::cim
