// What may happen to the bytes on their way: cut, split, endless.
#include <gtest/gtest.h>

#include <set>

#include "tests/adapters/wire/lg_delimited/render.h"

namespace ami::lg_delimited {
namespace {

const std::vector<std::string> kLines{
    "ID~Meter~DateTime~kWh~Peak~PeakDateTime~KWhRecv\r\n",
    "EMED01~M1~01152026120000AM~34315.482~2.66~01122026063000PM~12.5\r\n",
    "\r\n",
    "EMED01~M2~01152026120000AM~x~2.66~~7\n",
    "MEPMD01~1~P~~~M3~OK~E~KWH~1~000015~2~01152026120000AM~0.25~R~0.50~R\r\n",
    std::string(200, 'z') + "~~~\r\n",
    "EMED01~M4~01152026120000AM~1~2~01122026063000PM~123456\r\n"};

Options options() {
  Options options;
  options.max_line = 150;
  options.intervals = Intervals{};
  return options;
}

std::string whole() {
  std::string text = "\xEF\xBB\xBF";
  for (const auto& line : kLines) text += line;
  return text;
}

TEST(LgDelimitedSplitting, TheBaselineHasOneOfEachKind) {
  const auto fed = feed(whole(), options());
  EXPECT_EQ(fed.batch.observations.size(), 9U);  // M1 three, M2 two, M3 one, M4 three
  std::set<std::string> reasons;
  for (const auto& record : fed.batch.malformed) reasons.insert(record.reason);
  EXPECT_EQ(reasons, (std::set<std::string>{"bad_number", "line_too_long"}));
  EXPECT_EQ(fed.safe, whole().size());
}

TEST(LgDelimitedSplitting, PiecesOfAnySizeChangeNothing) {
  const std::string expected = render_all(feed(whole(), options()));
  for (std::size_t piece = 1; piece <= whole().size(); ++piece)
    ASSERT_EQ(render_all(feed(whole(), options(), piece)), expected) << piece;
}

TEST(LgDelimitedTruncation, ACutFileSaysSoAndNeverSaysAWrongValue) {
  const auto all = feed(whole(), options());
  const std::string everything = render(all.batch);
  for (std::size_t cut = 0; cut < whole().size(); ++cut) {
    const auto fed = feed(whole().substr(0, cut), options());
    const std::string said = render(fed.batch);
    for (std::size_t at = 0; at < said.size();) {
      const std::size_t end = said.find('\n', at) + 1;
      const std::string line = said.substr(at, end - at);
      if (line.find("line_end_missing") == std::string::npos) {
        ASSERT_NE(everything.find(line), std::string::npos) << "cut at " << cut << ": " << line;
      }
      at = end;
    }
    const std::string tail = whole().substr(0, cut).substr(whole().substr(0, cut).rfind('\n') + 1);
    const bool clean = tail.find_first_not_of('\r') == std::string::npos ||
                       (fed.batch.malformed.size() == 2 && fed.error.empty());
    if (clean) continue;  // ended at a line, or inside the over-long one that is reported anyway
    ASSERT_EQ(fed.reason, "line_end_missing") << cut;
    ASSERT_LE(fed.safe, cut);
  }
}

TEST(LgDelimitedBitFlips, CostAtMostTheRecordsTheyTouch) {
  const std::string text = whole();
  std::size_t begin = 3;
  for (std::size_t index = 0; index < kLines.size(); ++index) {
    const std::size_t end = begin + kLines[index].size();
    for (std::size_t at = begin; index > 0 && at + 1 < end; ++at) {  // a spoilt header spoils all
      for (int bit = 0; bit < 8; ++bit) {
        std::string flipped = text;
        flipped[at] = static_cast<char>(flipped[at] ^ (1 << bit));
        const auto fed = feed(flipped, options());
        // A record whose ID field turned into "ID" would be a header; no single bit does that here.
        ASSERT_EQ(fed.error, "") << at;
        std::size_t others = 0;
        for (const auto& one : fed.batch.observations) {
          const auto& series = std::get<SeriesObservation>(one);
          others += series.offset < begin || series.offset >= end;
        }
        std::size_t expected = 0;
        for (const auto& one : feed(text, options()).batch.observations) {
          const auto& series = std::get<SeriesObservation>(one);
          expected += series.offset < begin || series.offset >= end;
        }
        ASSERT_EQ(others, expected) << "byte " << at << " bit " << bit;
      }
    }
    begin = end;
  }
}

TEST(LgDelimitedLimits, ALineWithoutEndIsOneMalformedRecordInBoundedMemory) {
  Decoder decoder({});
  DecodedBatch out;
  ASSERT_TRUE(decoder.feed(kLines[0] + kLines[1], false, out).ok());
  const std::string chunk(std::size_t{1} << 20, 'x');
  for (int i = 0; i < 64; ++i) ASSERT_TRUE(decoder.feed(chunk, false, out).ok());
  ASSERT_TRUE(decoder.feed("\r\n" + kLines[6], true, out).ok());
  ASSERT_EQ(out.malformed.size(), 1U);
  EXPECT_STREQ(out.malformed[0].reason, "line_too_long");
  EXPECT_EQ(out.malformed[0].offset, kLines[0].size() + kLines[1].size());
  EXPECT_LE(out.malformed[0].raw.size(), 1024U);
  EXPECT_EQ(out.observations.size(), 6U);
}

TEST(LgDelimitedLimits, ALineOfExactlyTheLimitIsRead) {
  Options small;
  small.max_line = kLines[1].size() - 2;
  const auto fed = feed(kLines[0] + kLines[1], small);
  EXPECT_EQ(fed.batch.observations.size(), 3U);
  --small.max_line;
  const auto over = feed(kLines[0] + kLines[1], small);
  EXPECT_TRUE(over.batch.observations.empty());
  ASSERT_EQ(over.batch.malformed.size(), 1U);
  EXPECT_STREQ(over.batch.malformed[0].reason, "line_too_long");
}

}  // namespace
}  // namespace ami::lg_delimited
