// What may happen to the bytes on their way.
#include <gtest/gtest.h>

#include <set>

#include "tests/adapters/wire/cim/render.h"

namespace ami::cim {
namespace {

TEST(CimTruncation, EveryPrefixIsAClearErrorAndNothingIsSaid) {
  for (const char* name : {"second_edition", "command_center", "trouble", "control"}) {
    std::string text = read_file(test_folder() + "golden/" + name + ".xml");
    text.erase(text.find_last_not_of(" \r\n") + 1);
    for (std::size_t cut = 0; cut < text.size(); ++cut) {
      const auto decoded = decode(text.substr(0, cut), with_landis_gyr());
      ASSERT_FALSE(decoded.ok()) << name << " " << cut;
      const std::string word = decoded.error().message.substr(0, decoded.error().message.find(':'));
      ASSERT_TRUE(word == "truncated" || word == "empty_file" || word == "not_well_formed") << word;
    }
  }
}

// A flipped bit may change a digit, and then that value; it never changes what other records say.
TEST(CimBitFlips, InsideOneReadingCostAtMostThatReading) {
  const std::string text = read_file(test_folder() + "golden/second_edition.xml");
  const std::size_t begin = text.find("<m:value>34315.482");
  const std::size_t end = text.find("</m:Readings>", begin);
  ASSERT_NE(begin, std::string::npos);
  const auto others = [](const std::string& all) {
    std::multiset<std::string> lines;
    for (std::size_t at = 0; at < all.size();) {
      const std::size_t stop = all.find('\n', at);
      const std::string line = all.substr(at, stop - at);
      if (line.find("|Readings|0|2026-01-15T00:00:00@-300") == std::string::npos && line[0] == 'V')
        lines.insert(line);
      at = stop + 1;
    }
    return lines;
  };
  const auto expected = others(render(text, {}));
  std::size_t readable = 0;
  for (std::size_t at = begin; at < end; ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string flipped = text;
      flipped[at] = static_cast<char>(flipped[at] ^ (1 << bit));
      const std::string said = render(flipped, {});
      if (said.starts_with("error|")) continue;  // the XML is broken: all or nothing
      ++readable;
      for (const std::string& line : expected)
        ASSERT_NE(said.find(line + "\n"), std::string::npos) << "byte " << at << " bit " << bit << "\n"
                                                             << line;
    }
  }
  EXPECT_GT(readable, 100U);
}

TEST(CimNoise, LineEndsPrefixesAndCommentsChangeNothing) {
  const std::string text = read_file(test_folder() + "golden/second_edition.xml");
  std::string noisy;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n') {
      noisy += "\r\n<!-- x -->";
    } else if (text.compare(i, 4, "ns0:") == 0) {
      noisy += "q7:";
      i += 3;
    } else if (text.compare(i, 9, "xmlns:ns0") == 0) {
      noisy += "xmlns:q7";
      i += 8;
    } else {
      noisy += text[i];
    }
  }
  EXPECT_EQ(render(noisy, {}), render(text, {}));
}

}  // namespace
}  // namespace ami::cim
