// What may happen to the bytes on their way: cut, split, flipped; and any record there and back.
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "adapters/wire/delimited/codec/encode.h"
#include "adapters/wire/delimited/codec/fields.h"
#include "tests/adapters/wire/delimited/render.h"

namespace ami::delimited {
namespace {

const std::vector<std::string> kLines{
    "MeterSN,MTUID,Port,MeterTypeID,ScaledRead,RawRead,Scalar,ReadingTime,LocalTime,Active\r\n",
    "W1,9,1,2212,23497.071,23497071,0.001,2026-01-15 17:00:00.000,2026-01-15 12:00:00.000,1\r\n",
    "\r\n",
    "G1,9,2,7,x,1,1,2026-01-15 17:00:00.000,,1\n",
    "\"G2\",9,2,7,\"31.5\",315,0.1,2026-01-15 17:00:00.000,,0\n",
    std::string(200, 'z') + ",,,\r\n",
    "G3,9,2,7,ERROR,,,2026-01-15 17:00:00.000,,1\r\n"};

Options options() {
  Options options = site();
  options.max_line = 150;
  return options;
}

std::string whole() {
  std::string text = "\xEF\xBB\xBF";
  for (const auto& line : kLines) text += line;
  return text;
}

TEST(DelimitedSplitting, TheBaselineHasOneOfEachKind) {
  const auto fed = feed(whole(), options());
  EXPECT_EQ(fed.batch.observations.size(), 3U);
  std::set<std::string> reasons;
  for (const auto& record : fed.batch.malformed) reasons.insert(record.reason);
  EXPECT_EQ(reasons, (std::set<std::string>{"bad_number", "line_too_long"}));
  EXPECT_EQ(fed.safe, whole().size());
}

TEST(DelimitedSplitting, PiecesOfAnySizeChangeNothing) {
  const std::string expected = render_all(feed(whole(), options()));
  for (std::size_t piece = 1; piece <= whole().size(); ++piece)
    ASSERT_EQ(render_all(feed(whole(), options(), piece)), expected) << piece;
}

TEST(DelimitedTruncation, ACutFileSaysSoAndNeverSaysAWrongValue) {
  const std::string everything = render(feed(whole(), options()).batch);
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
    const std::string text = whole().substr(0, cut);
    const std::string tail = text.substr(text.rfind('\n') + 1);
    const bool clean = tail.find_first_not_of('\r') == std::string::npos ||
                       (fed.batch.malformed.size() == 2 && fed.error.empty());
    if (clean) continue;  // ended at a line, or inside the over-long one that is reported anyway
    ASSERT_EQ(fed.reason, "line_end_missing") << cut;
    ASSERT_LE(fed.safe, cut);
  }
}

TEST(DelimitedBitFlips, CostAtMostTheRecordsTheyTouch) {
  const std::string text = whole();
  std::size_t begin = 3;
  for (std::size_t index = 0; index < kLines.size(); ++index) {
    const std::size_t end = begin + kLines[index].size();
    const auto others = [&](const Fed& fed) {
      std::size_t count = 0;
      for (const auto& one : fed.batch.observations) {
        const auto& series = std::get<SeriesObservation>(one);
        count += series.offset < begin || series.offset >= end;
      }
      return count;
    };
    const std::size_t expected = others(feed(text, options()));
    for (std::size_t at = begin; index > 0 && at + 1 < end; ++at) {  // a spoilt header spoils all
      for (int bit = 0; bit < 8; ++bit) {
        std::string flipped = text;
        flipped[at] = static_cast<char>(flipped[at] ^ (1 << bit));
        const auto fed = feed(flipped, options());
        ASSERT_EQ(fed.error, "") << at;
        ASSERT_EQ(others(fed), expected) << "byte " << at << " bit " << bit;
      }
    }
    begin = end;
  }
}

// Any record that the encoder takes, in any order of columns, with any delimiter.
TEST(DelimitedRoundTrip, RandomRecordsComeBackAsTheyWere) {
  std::mt19937_64 random(4711);
  for (int round = 0; round < 500; ++round) {
    Options options = site();
    options.kinds = {{"", "", "water", "m3"}};
    options.delimiter = ",;\t|~"[random() % 5];
    std::vector<std::string> names = documented_columns();
    std::shuffle(names.begin(), names.end(), random);
    std::string text;
    ASSERT_TRUE(encode_line(names, options.delimiter, text).ok());
    struct Sent {
      std::string device, port, scaled, raw, time, active;
    };
    std::vector<Sent> sent(1 + random() % 5);
    for (Sent& one : sent) {
      one.device = "W" + std::to_string(random() % 1'000'000) + std::string(random() % 2, '"') + "x";
      one.port = std::to_string(1 + random() % 4);
      const auto counts = static_cast<std::int64_t>(random() % 1'000'000'000);
      one.raw = std::to_string(counts);
      one.scaled = Decimal{counts, -3}.to_string();
      const CivilTime utc{std::chrono::local_days{std::chrono::year{2026} / 1 / 1} +
                          std::chrono::seconds{random() % (86400 * 365)}};
      one.time = time_text(utc);
      one.active = std::to_string(random() % 2);
      std::vector<std::string> fields;
      for (const std::string& name : names) {
        fields.push_back(name == "MeterSN"       ? one.device
                         : name == "Port"        ? one.port
                         : name == "RawRead"     ? one.raw
                         : name == "ScaledRead"  ? one.scaled
                         : name == "Scalar"      ? "0.001"
                         : name == "ReadingTime" ? one.time
                         : name == "Active"      ? one.active
                         : name == "LocalTime"   ? ""
                         : name == "Address1"    ? "1, \"quoted\" street"
                         : random() % 2 == 0     ? ""
                                                 : "any; |text~");
      }
      ASSERT_TRUE(encode_line(fields, options.delimiter, text).ok());
    }
    const Fed fed = feed(text, options, 1 + random() % 50);
    ASSERT_EQ(fed.error, "");
    ASSERT_TRUE(fed.batch.malformed.empty()) << fed.batch.malformed.front().detail;
    ASSERT_EQ(fed.batch.observations.size(), sent.size());
    for (std::size_t i = 0; i < sent.size(); ++i) {
      const auto& series = std::get<SeriesObservation>(fed.batch.observations[i]);
      EXPECT_EQ(series.meter, sent[i].device);
      EXPECT_EQ(series.channel, "emtr:" + sent[i].port);
      EXPECT_EQ(series.values.at(0).value, sent[i].scaled);
      EXPECT_EQ(series.values.at(0).raw_count, sent[i].raw);
      EXPECT_EQ(time_text(series.values.at(0).time.civil), sent[i].time);
      EXPECT_EQ(series.values.at(0).flag, sent[i].active == "0" ? "inactive" : "");
      DecodedBatch again;
      ASSERT_TRUE(decode_all(series.raw, options, again).ok());
      ASSERT_EQ(again.observations.size(), 1U);
      EXPECT_EQ(std::get<SeriesObservation>(again.observations[0]).raw, series.raw);
    }
  }
}

TEST(DelimitedEncoder, RefusesWhatALineCannotHold) {
  for (const std::string& field : {std::string("a\nb"), std::string("a\rb"), std::string("a\0b", 3)}) {
    std::string out = "before";
    EXPECT_FALSE(encode_line({"x", field}, ',', out).ok());
    EXPECT_EQ(out, "before");
  }
}

}  // namespace
}  // namespace ami::delimited
