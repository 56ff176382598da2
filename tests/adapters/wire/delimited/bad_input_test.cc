#include <gtest/gtest.h>

#include "tests/adapters/wire/delimited/render.h"

namespace ami::delimited {
namespace {

const std::string kHead =
    "MeterSN,MTUID,Port,MeterTypeID,ScaledRead,RawRead,Scalar,ReadingTime,LocalTime,Active\n";
const std::string kGood = "A,1,1,2212,3,,,2026-01-15 17:00,,1\n";

// "reason: detail" of the one bad record, which costs its neighbours nothing.
std::string trouble(const std::string& line, const Options& options = site()) {
  const Fed fed = feed(kHead + kGood + line + "\n" + kGood, options);
  EXPECT_EQ(fed.error, "") << line;
  EXPECT_EQ(fed.batch.observations.size(), 2U) << line;
  if (fed.batch.malformed.size() != 1) return std::to_string(fed.batch.malformed.size()) + " malformed";
  EXPECT_EQ(fed.batch.malformed[0].offset, kHead.size() + kGood.size());
  return std::string(fed.batch.malformed[0].reason) + ": " + fed.batch.malformed[0].detail;
}

TEST(DelimitedBadRecord, SaysWhatIsWrongWithItAndCostsOnlyItself) {
  EXPECT_EQ(trouble("A,1,1,2212,3,,,2026-01-15 17:00,"),
            "field_count_mismatch: the record has 9 fields, its header 10");
  EXPECT_EQ(trouble(",1,1,2212,3,,,2026-01-15 17:00,,1"), "missing_meter: column MeterSN is empty");
  EXPECT_EQ(trouble("A,1,,2212,3,,,2026-01-15 17:00,,1"),
            "bad_port: column Port \"\" is not 1 to 16 letters and digits");
  EXPECT_EQ(trouble("A,1,1/2,2212,3,,,2026-01-15 17:00,,1"),
            "bad_port: column Port \"1/2\" is not 1 to 16 letters and digits");
  EXPECT_EQ(trouble("A,1,1,2213,3,,,2026-01-15 17:00,,1"),
            "unknown_meter_type: the table of meters has no line for type \"2213\" on port \"1\"");
  EXPECT_EQ(trouble("A,1,1,2212,3,,,,,1"), "missing_time: column ReadingTime is empty");
  EXPECT_EQ(trouble("A,1,1,2212,3,,,1970-01-01 00:00:00.000,,1"),
            "missing_time: column ReadingTime \"1970-01-01 00:00:00.000\" is the stamp of a clock that was "
            "never set");
  EXPECT_EQ(trouble("A,1,1,2212,3,,,01/15/2026 17:00,,1"),
            "bad_time: column ReadingTime \"01/15/2026 17:00\" is no time YYYY-MM-DD hh:mm[:ss]");
  EXPECT_EQ(trouble("A,1,1,2212,three,,,2026-01-15 17:00,,1"),
            "bad_number: column ScaledRead \"three\" is no number");
  EXPECT_EQ(trouble("A\xC3\xA9,1,1,2212,3,,,2026-01-15 17:00,,1"),
            "not_ascii: column MeterSN holds bytes that are not printable ASCII");
  EXPECT_EQ(trouble("\"A,1,1,2212,3,,,2026-01-15 17:00,,1"),
            "bad_quote: a quote is not closed in its line, or is followed by text");
  EXPECT_EQ(trouble(std::string(300, 'A') + ",1,1,2212,3,,,2026-01-15 17:00,,1"),
            "field_too_long: column MeterSN has 300 characters");
  EXPECT_EQ(trouble("A,1,1,2212," + std::string(33, '1') + ",,,2026-01-15 17:00,,1"),
            "bad_number: column ScaledRead \"" + std::string(33, '1') + "\" is no number");
  EXPECT_EQ(trouble(std::string("A,1,1,2212,3\0,,,2026-01-15 17:00,,1", 36)),
            "not_ascii: column ScaledRead holds bytes that are not printable ASCII");
  Options narrow = site();
  narrow.max_line = 100;
  EXPECT_EQ(trouble(std::string(101, 'x'), narrow),
            "line_too_long: the line has no end within 100 bytes; skipped to the next");
}

TEST(DelimitedBadRecord, TextInColumnsThatAreNotReadMayBeAnything) {
  Options options = site();
  const Fed fed = feed("Note," + kHead + "caf\xC3\xA9 \x01," + kGood, options);
  EXPECT_EQ(fed.batch.observations.size(), 1U);
  EXPECT_TRUE(fed.batch.malformed.empty());
}

TEST(DelimitedBadFile, ALineWithoutTheColumnsEndsItWithTheNearestName) {
  const Fed html = feed("<html>\n<body>\n" + kHead + kGood, site());
  EXPECT_EQ(html.reason, "missing_column");
  EXPECT_EQ(html.error,
            "missing_column: the header has no column \"MeterSN\"; nearest is \"<html>\" (line at byte 0)");
  EXPECT_EQ(html.batch.malformed.size(), 1U);
  EXPECT_EQ(html.safe, 0U);
  const Fed misspelt =
      feed("MeterSn,MTUID,Port,MeterTypeID,ScaledRead,RawRead,Scalar,ReadingTime,LocalTime,Active\n", site());
  EXPECT_EQ(misspelt.error,
            "missing_column: the header has no column \"MeterSN\"; nearest is \"MeterSn\" (line at byte 0)");
}

TEST(DelimitedBadFile, AColumnNamedTwiceOrTooManyOfThemEndIt) {
  EXPECT_EQ(feed("Port," + kHead, site()).error,
            "duplicate_column: the header names column \"Port\" twice (line at byte 0)");
  Options few = site();
  few.max_columns = 9;
  EXPECT_EQ(feed(kHead, few).error,
            "too_many_columns: the header has 10 columns, at most 9 are read (line at byte 0)");
}

TEST(DelimitedBadFile, ABadSecondHeaderKeepsWhatWasBefore) {
  const Fed fed = feed(kHead + kGood + "MeterSN,ScaledRead\n" + kGood, site());
  EXPECT_EQ(fed.reason, "missing_column");
  EXPECT_EQ(fed.batch.observations.size(), 1U);
  EXPECT_EQ(fed.safe, kHead.size() + kGood.size());
}

TEST(DelimitedBadFile, ALastLineWithoutItsEndMayHaveLostDigits) {
  const std::string cut = kHead + kGood + "A,1,1,2212,31,,,2026-01-15 18:00,,1";
  const Fed strict = feed(cut, site());
  EXPECT_EQ(strict.reason, "line_end_missing");
  EXPECT_EQ(strict.batch.observations.size(), 1U);
  EXPECT_EQ(strict.safe, kHead.size() + kGood.size());
  Options lenient = site();
  lenient.line_end_required = false;
  const Fed read = feed(cut, lenient);
  EXPECT_EQ(read.error, "");
  EXPECT_EQ(read.batch.observations.size(), 2U);
}

TEST(DelimitedBadFile, AnErrorIsRepeated) {
  Decoder decoder(site());
  DecodedBatch out;
  const Outcome first = decoder.feed("nothing\n", false, out);
  ASSERT_FALSE(first.ok());
  const Outcome second = decoder.feed(kHead, true, out);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(first.error().message, second.error().message);
  EXPECT_EQ(out.malformed.size(), 1U);
}

TEST(DelimitedLimits, ALineWithoutEndIsOneMalformedRecordInBoundedMemory) {
  Decoder decoder(site());
  DecodedBatch out;
  ASSERT_TRUE(decoder.feed(kHead + kGood, false, out).ok());
  const std::string chunk(std::size_t{1} << 20, 'x');
  for (int i = 0; i < 64; ++i) ASSERT_TRUE(decoder.feed(chunk, false, out).ok());
  ASSERT_TRUE(decoder.feed("\r\n" + kGood, true, out).ok());
  ASSERT_EQ(out.malformed.size(), 1U);
  EXPECT_STREQ(out.malformed[0].reason, "line_too_long");
  EXPECT_EQ(out.observations.size(), 2U);
}

}  // namespace
}  // namespace ami::delimited
