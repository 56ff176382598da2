// What may happen to the bytes on their way: cut, split, flipped, endless.
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <random>
#include <set>

#include "adapters/wire/cmep/codec/cmep.h"
#include "tests/adapters/wire/cmep/feed.h"
#include "tests/adapters/wire/cmep/render.h"

namespace ami::cmep {
namespace {

const std::vector<std::string> kLines{
    "MEPMD01,19970819,S,SC,R,RC,202603011200,M1,OK,E,KWH,1,00000015,3,202603010015,R,0.250,,E,1.5,,N,\r\n",
    "MEPMD01,19970819,S,\"a, "
    "\"\"b\"\"\",R,RC,202603011200,M2,OK,W,GALREG,1,00000100,1,202603010002,R0,7,H12AB\n",
    "\r\n",
    "MEPMD02,19970819,S,SC,R,RC,202603011200,M3,OK,E,KWHREG,W,1,202602010500,202603010500,2,A,,1,B,,HFF\r\n",
    "MEPRR01,x\n",
    "MEPMD01,19970819,S,SC,R,RC,202603011200,M4,OK,E,KWH,1,00000015,3,202603010015,R,1,,R,x,,R,2\r\n",
    "MEPMD01,19970819,S,SC,R,RC,202603011200,M5,OK,E,KWH,1,00000015,9,202603010015,R,1\r\n",
    "junk-that-is-much-longer-than-any-record-may-be-in-these-tests-because-the-limit-was-set-to-one-hundred-"
    "and-"
    "fifty-bytes-and-this-is-more\xff,,,,,,,,,,,,,,,,,,,,,,,,,,,,\r\n",
    "MEPMD01,19970819,S,SC,R,RC,202603011200,M6,OK,E,KWH,1,00000015,1,202603010015,R,4\r\n"};

Options small_lines() {
  Options options;
  options.max_line = 150;
  return options;
}

std::string whole_source() {
  std::string source;
  for (const auto& line : kLines) source += line;
  return source;
}

TEST(CmepSplitting, TheBaselineHasOneOfEachKind) {
  const auto batch = feed(whole_source(), small_lines());
  EXPECT_EQ(batch.observations.size(), 6U);  // M1, M2, M3 twice, M4, M6
  std::set<std::string> reasons;
  for (const auto& record : batch.malformed) reasons.insert(record.reason);
  EXPECT_EQ(reasons, (std::set<std::string>{"bad_number", "count_mismatch", "line_too_long"}));
  EXPECT_EQ(batch.skipped, 1U);
}

TEST(CmepSplitting, ASplitAtAnyByteChangesNothing) {
  const std::string source = whole_source();
  const std::string expected = render_all(feed(source, small_lines()));
  for (std::size_t cut = 1; cut < source.size(); ++cut) {
    bool first = true;
    const auto batch =
        feed(source, small_lines(), [&] { return std::exchange(first, false) ? cut : source.size(); });
    ASSERT_EQ(render_all(batch), expected) << "cut at " << cut;
  }
}

TEST(CmepSplitting, PiecesOfAnySizeChangeNothing) {
  const std::string source = whole_source();
  const std::string expected = render_all(feed(source, small_lines()));
  for (std::size_t piece = 1; piece < 300; ++piece) {
    ASSERT_EQ(render_all(feed(source, small_lines(), [piece] { return piece; })), expected) << piece;
  }
}

TEST(CmepTruncation, EveryCompleteRecordBeforeTheCutIsIntact) {
  const std::string source = whole_source();
  for (std::size_t cut = 0; cut <= source.size(); ++cut) {
    std::size_t complete = 0;  // bytes of the lines that are whole
    for (const auto& line : kLines) {
      if (complete + line.size() > cut) break;
      complete += line.size();
    }
    const auto whole = feed(source.substr(0, complete), small_lines());
    const auto truncated = feed(source.substr(0, cut), small_lines());
    ASSERT_GE(truncated.observations.size(), whole.observations.size()) << cut;
    for (std::size_t i = 0; i < whole.observations.size(); ++i) {
      const auto& a = std::get<SeriesObservation>(whole.observations[i]);
      const auto& b = std::get<SeriesObservation>(truncated.observations[i]);
      ASSERT_EQ(a.raw, b.raw) << cut;
      ASSERT_EQ(a.values.size(), b.values.size()) << cut;
    }
    // The cut record yields at most what its own line would have: nothing is invented behind the cut.
    for (std::size_t i = whole.observations.size(); i < truncated.observations.size(); ++i) {
      ASSERT_EQ(std::get<SeriesObservation>(truncated.observations[i]).offset, complete) << cut;
    }
  }
}

// What a batch says of the records outside [from, to).
std::string outside(DecodedBatch batch, std::size_t from, std::size_t to) {
  const auto inside = [from, to](std::uint64_t offset) { return offset >= from && offset < to; };
  std::erase_if(batch.observations, [&](const Observation& observation) {
    return inside(std::get<SeriesObservation>(observation).offset);
  });
  std::erase_if(batch.malformed, [&](const MalformedRecord& record) { return inside(record.offset); });
  batch.skipped = 0;
  return render_all(batch);
}

TEST(CmepBitFlips, CostAtMostTheRecordsTheyTouch) {
  const std::string source = whole_source();
  std::size_t start = 0;
  for (std::size_t index = 0; index < kLines.size(); ++index) {
    const std::size_t end = start + kLines[index].size();
    const std::size_t next_end = index + 1 < kLines.size() ? end + kLines[index + 1].size() : end;
    for (std::size_t at = start; at < end; ++at) {
      for (int bit = 0; bit < 8; ++bit) {
        std::string flipped = source;
        flipped[at] = static_cast<char>(flipped[at] ^ (1 << bit));
        // Without its line end the record runs into the next one.
        const std::size_t reach = at == end - 1 ? next_end : end;
        ASSERT_EQ(outside(feed(flipped, small_lines()), start, reach),
                  outside(feed(source, small_lines()), start, reach))
            << "byte " << at << " bit " << bit;
      }
    }
    start = end;
  }
}

std::size_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::size_t total = 0;
  std::size_t resident = 0;
  statm >> total >> resident;
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

TEST(CmepMemory, ALineOfHundredMegabytesIsSkippedInBoundedMemory) {
  constexpr std::size_t kMiB = std::size_t{1} << 20;
  const std::string before = kLines[0];
  const std::string chunk(kMiB, 'x');
  Decoder decoder({});
  DecodedBatch out;
  ASSERT_EQ(decoder.decode(before, 0, false, out), before.size());
  std::uint64_t offset = before.size();
  const std::size_t resident = resident_bytes();
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(decoder.decode(chunk, offset, false, out), chunk.size());
    offset += chunk.size();
  }
  EXPECT_LT(resident_bytes(), resident + 8 * kMiB);
  const std::string after = "tail of it\r\n" + kLines[0];
  EXPECT_EQ(decoder.decode(after, offset, true, out), after.size());
  EXPECT_EQ(out.observations.size(), 2U);
  ASSERT_EQ(out.malformed.size(), 1U);
  EXPECT_STREQ(out.malformed[0].reason, "line_too_long");
  EXPECT_EQ(out.malformed[0].offset, before.size());
  EXPECT_EQ(std::get<SeriesObservation>(out.observations[1]).offset, offset + 12);
  EXPECT_EQ(decoder.counters().records, 3U);
}

TEST(CmepMemory, AnOverLongLineAtTheEndOfTheSourceDoesNotSpillIntoTheNextSource) {
  Decoder decoder(small_lines());
  DecodedBatch out;
  decoder.decode(std::string(1000, 'x'), 0, true, out);
  decoder.decode(kLines[0], 0, true, out);
  EXPECT_EQ(out.malformed.size(), 1U);
  EXPECT_EQ(out.observations.size(), 1U);
}

}  // namespace
}  // namespace ami::cmep
