// How the bytes arrive, and what is left of them: splits, truncation, bit flips, positions to resume from.
#include <gtest/gtest.h>

#include <random>

#include "tests/adapters/wire/ssn_export/description.h"

namespace ami::ssn_export::testing {
namespace {

class SsnExportSplit : public ::testing::TestWithParam<const char*> {
 protected:
  std::string text_ = read_file(golden_folder() + GetParam() + ".xml");
};

TEST_P(SsnExportSplit, AtEveryByteEqualsTheWhole) {
  const auto whole = describe_fully(decode(text_).batch);
  for (std::size_t at = 0; at <= text_.size(); ++at) {
    Decoder decoder{Options{}};
    DecodedBatch batch;
    ASSERT_TRUE(decoder.feed(std::string_view(text_).substr(0, at), false, batch).ok()) << at;
    ASSERT_TRUE(decoder.feed(std::string_view(text_).substr(at), true, batch).ok()) << at;
    ASSERT_EQ(describe_fully(batch), whole) << at;
    EXPECT_EQ(decoder.bytes_consumed(), text_.size());
  }
}

TEST_P(SsnExportSplit, InPiecesOfAnySizeEqualsTheWhole) {
  const auto whole = describe_fully(decode(text_).batch);
  for (const std::size_t size : {1U, 2U, 3U, 7U, 64U, 1000U}) {
    EXPECT_EQ(describe_fully(decode_in_pieces(text_, size).batch), whole) << size;
  }
}

TEST_P(SsnExportSplit, TruncatedAnywhereDeliversABeginningOfTheWhole) {
  const auto whole = decode(text_);
  const auto end_of_root = text_.rfind('>') + 1;
  for (std::size_t size = 0; size < end_of_root; ++size) {
    const auto decoded = decode(std::string_view(text_).substr(0, size));
    ASSERT_EQ(decoded.reason, size == 0 ? "empty_file" : "truncated") << size;
    ASSERT_LE(decoded.batch.malformed.size(), whole.batch.malformed.size());
    for (std::size_t i = 0; i < decoded.batch.observations.size(); ++i) {
      // The last block may be a beginning of its whole.
      const auto* part = std::get_if<SeriesObservation>(&decoded.batch.observations[i]);
      if (part == nullptr || part->kind == SeriesKind::Register) {
        ASSERT_EQ(describe(decoded.batch.observations[i]), describe(whole.batch.observations.at(i))) << size;
        continue;
      }
      const auto& full = std::get<SeriesObservation>(whole.batch.observations.at(i));
      ASSERT_LE(part->values.size(), full.values.size());
      for (std::size_t v = 0; v < part->values.size(); ++v) {
        ASSERT_EQ(part->values[v].value, full.values[v].value);
        ASSERT_EQ(part->values[v].time.text, full.values[v].time.text);
      }
    }
  }
}

TEST_P(SsnExportSplit, BitFlipsNeverBreakTheRules) {
  std::mt19937 random(20260115);
  for (int round = 0; round < 20000; ++round) {
    std::string text = text_;
    const int flips = 1 + static_cast<int>(random() % 3);
    for (int i = 0; i < flips; ++i) {
      const auto at = random() % text.size();
      text[at] = static_cast<char>(static_cast<unsigned char>(text[at]) ^ (1U << (random() % 8)));
    }
    const auto decoded = decode_in_pieces(text, 1 + random() % 300);
    EXPECT_EQ(decoded.error.empty(), decoded.reason.empty());
    std::uint64_t last = 0;
    for (const auto& observation : decoded.batch.observations) {
      ASSERT_GE(head_of(observation).offset, last);
      last = head_of(observation).offset;
      ASSERT_LT(last, text.size());
      ASSERT_FALSE(head_of(observation).meter.empty());
      ASSERT_FALSE(head_of(observation).raw.empty());
    }
    for (const auto& record : decoded.batch.malformed) {
      ASSERT_NE(std::string(record.reason), "");
      ASSERT_FALSE(record.raw.empty());
    }
  }
}

TEST_P(SsnExportSplit, ResumingFromAnyCommittedPositionGivesEachRecordOnce) {
  const auto whole = decode(text_);
  for (std::size_t stop = 0; stop <= text_.size(); stop += 13) {
    Decoder before{Options{}};
    DecodedBatch first;
    ASSERT_TRUE(before.feed(std::string_view(text_).substr(0, stop), false, first).ok());
    const auto position = before.safe_offset();
    ASSERT_LE(position, stop);
    DecodedBatch again;
    ASSERT_TRUE(decode_document(text_, {}, again).ok());
    std::string joined;
    for (const auto& observation : first.observations) joined += describe(observation);
    for (const auto& observation : again.observations) {
      if (head_of(observation).offset >= position) joined += describe(observation);
    }
    std::size_t malformed = first.malformed.size();
    for (const auto& record : again.malformed) malformed += record.offset >= position ? 1 : 0;
    std::string expected;
    for (const auto& observation : whole.batch.observations) expected += describe(observation);
    ASSERT_EQ(joined, expected) << stop;
    ASSERT_EQ(malformed, whole.batch.malformed.size()) << stop;
  }
}

INSTANTIATE_TEST_SUITE_P(Files, SsnExportSplit, ::testing::Values("default_namespace", "prefixed", "trouble"),
                         [](const auto& test) { return std::string(test.param); });

TEST(SsnExportPosition, NeverGoesBackAndEndsAtTheLastMeter) {
  const auto text = read_file(golden_folder() + "trouble.xml");
  Decoder decoder{Options{}};
  DecodedBatch batch;
  std::uint64_t last = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    ASSERT_TRUE(decoder.feed(std::string_view(text).substr(i, 1), i + 1 == text.size(), batch).ok());
    ASSERT_GE(decoder.safe_offset(), last);
    last = decoder.safe_offset();
  }
  EXPECT_EQ(last, text.find("</SSNExportDocument>"));
}

}  // namespace
}  // namespace ami::ssn_export::testing
