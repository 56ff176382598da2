#include "adapters/flexnet/cmep_file_reader.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace ami::flexnet {
namespace {

constexpr std::size_t kMaxLine = 2048;

std::string record(int meter, const std::string& value) {
  return "MEPMD01,19970819,S,C,R,C,202601151700,M" + std::to_string(meter) +
         ",OK,E,KWHREG,1.0,,1,202601150600,R," + value;
}

// What a reader gave out: "meter=value@offset" and "!reason@offset".
struct Given {
  std::vector<std::string> items;
  std::vector<std::uint64_t> offsets;
  std::vector<std::uint64_t> safe;  // after each read
  std::string error;
};

Given read_all(CmepFileReader& reader, const std::string& text, std::size_t chunk, std::uint64_t committed) {
  Given given;
  std::uint64_t at = reader.start_at(committed);
  for (bool last = false; !last;) {
    DecodedBatch out;
    std::map<std::uint64_t, std::string>
        found;  // a batch keeps records and malformed ones apart: by offset here
    auto bytes = std::make_shared<const std::string>(text.substr(at, chunk));
    last = at + bytes->size() >= text.size();
    const Result<std::uint64_t> consumed = reader.read(bytes, at, last, out);
    for (const Observation& o : out.observations) {
      const auto& series = std::get<SeriesObservation>(o);
      found[series.offset] = std::string(series.meter) + "=" + std::string(series.values.at(0).value);
    }
    for (const MalformedRecord& m : out.malformed) found[m.offset] = "!" + std::string(m.reason);
    for (const auto& [offset, item] : found) {
      given.items.push_back(item + "@" + std::to_string(offset));
      given.offsets.push_back(offset);
    }
    given.safe.push_back(reader.safe_offset());
    if (!consumed) {
      given.error = consumed.error().message;
      break;
    }
    if (*consumed == 0 && !last) {
      given.error = "stuck";
      break;
    }
    at += *consumed;
  }
  return given;
}

CmepFileReader reader(bool strict = false) {
  cmep::Options options;
  options.max_line = kMaxLine;
  return CmepFileReader(options, strict);
}

// Five records, the third far too long for a line.
struct Feed {
  std::string text;
  std::vector<std::string> items;
};
Feed feed() {
  Feed f;
  const auto add = [&](const std::string& line, const std::string& item) {
    f.items.push_back(item + "@" + std::to_string(f.text.size()));
    f.text += line + "\r\n";
  };
  add(record(1, "10"), "M1=10");
  add(record(2, "20"), "M2=20");
  add(std::string(20'000, 'x'), "!line_too_long");
  add("MEPXX99,nonsense", "!unknown_record_type");
  add(record(5, "50"), "M5=50");
  return f;
}

TEST(CmepFileReader, GivesTheSameWhateverTheChunks) {
  const Feed f = feed();
  for (const std::size_t chunk :
       {kMaxLine + 2, std::size_t{3'000}, std::size_t{4'096}, std::size_t{1'000'000}}) {
    CmepFileReader r = reader();
    const Given given = read_all(r, f.text, chunk, 0);
    EXPECT_EQ(given.error, "");
    EXPECT_EQ(given.items, f.items) << chunk;
    EXPECT_EQ(given.safe.back(), f.text.size());
  }
}

TEST(CmepFileReader, ResumesAtAnySafeOffsetWithoutLossOrRepetition) {
  const Feed f = feed();
  for (const std::size_t chunk : {kMaxLine + 2, std::size_t{3'000}, std::size_t{5'000}}) {
    CmepFileReader first = reader();
    const Given whole = read_all(first, f.text, chunk, 0);
    const std::set<std::uint64_t> stops(whole.safe.begin(), whole.safe.end());
    ASSERT_GE(stops.size(), 3U);
    for (const std::uint64_t stop : stops) {
      std::vector<std::string> expected;
      for (std::size_t i = 0; i < f.items.size(); ++i) {
        if (whole.offsets[i] >= stop) expected.push_back(f.items[i]);
      }
      CmepFileReader second = reader();
      const Given rest = read_all(second, f.text, chunk, stop);
      EXPECT_EQ(rest.items, expected) << "chunk " << chunk << " stop " << stop;
      EXPECT_EQ(rest.error, "");
    }
  }
}

TEST(CmepFileReader, ALastLineWithoutItsEndIsReadWhenItIsComplete) {
  CmepFileReader r = reader();
  const Given given = read_all(r, record(1, "10") + "\n" + record(2, "20"), 4'096, 0);
  EXPECT_EQ(given.error, "");
  EXPECT_EQ(given.items.size(), 2U);
}

TEST(CmepFileReader, WhereLineEndsAreRequiredALastLineWithoutOneIsCutShort) {
  CmepFileReader r = reader(true);
  const std::string first = record(1, "10") + "\n";
  const Given given = read_all(r, first + record(2, "20"), 4'096, 0);
  const std::string at = std::to_string(first.size());
  EXPECT_EQ(given.error, "the last line, at byte " + at + ", has no line end: it may be cut short");
  EXPECT_EQ(given.items, (std::vector<std::string>{"M1=10@0", "!line_end_missing@" + at}));
  EXPECT_EQ(given.safe.back(), first.size());
}

TEST(CmepFileReader, AFileCutInsideARecordSaysWhereAndKeepsWhatWasBefore) {
  const std::string first = record(1, "10") + "\r\n";
  const std::string second = record(2, "20");
  // Everywhere before the value itself: a count without its readings, a header without its count, …
  for (std::size_t cut = 9; cut < second.find(",R,20"); ++cut) {
    CmepFileReader r = reader();
    const Given given = read_all(r, first + second.substr(0, cut), 4'096, 0);
    ASSERT_FALSE(given.items.empty());
    EXPECT_EQ(given.items[0], "M1=10@0");
    if (given.error.empty()) {
      // Cut where the format allows a record to end: nothing is made up from it.
      EXPECT_EQ(given.items.size(), 1U) << second.substr(0, cut);
    } else {
      EXPECT_TRUE(given.error.starts_with("the last line, at byte " + std::to_string(first.size()) +
                                          ", has no line end and is cut short: "))
          << given.error;
      EXPECT_EQ(given.safe.back(), first.size());
    }
  }
}

}  // namespace
}  // namespace ami::flexnet
