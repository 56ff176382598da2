// Stretch by stretch, a content yields the records that it yielded when it arrived.
#include "daemon/pipeline/reprocess_reader.h"

#include <gtest/gtest.h>
#include <openssl/sha.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>

namespace ami::daemon {
namespace {

namespace fs = std::filesystem;

std::string sha256(const std::string& text) {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest);
  std::string out;
  for (const unsigned char byte : digest) {
    char hex[3];
    std::snprintf(hex, sizeof hex, "%02x", static_cast<unsigned>(byte));
    out += hex;
  }
  return out;
}

// The two ways of reading that families have: from any line's beginning, and from the beginning only.
class LineReader : public sdk::FileReader {
 public:
  explicit LineReader(bool from_start) : from_start_(from_start) {}
  std::uint64_t start_at(std::uint64_t committed) override {
    committed_ = committed;
    return from_start_ ? 0 : committed;
  }
  Result<std::uint64_t> read(std::shared_ptr<const std::string> bytes, std::uint64_t offset, bool,
                             DecodedBatch& out) override {
    const std::string_view all = out.arena->share(std::move(bytes));
    std::size_t at = 0;
    for (std::size_t end = 0; (end = all.find('\n', at)) != std::string_view::npos; at = end + 1) {
      const std::string_view line = all.substr(at, end - at);
      if (line == "BREAK") return permanent("broken");
      if (offset + at < committed_) continue;
      if (line.starts_with("bad")) {
        out.malformed.push_back({offset + at, line, {}, "bad_line", ""});
        continue;
      }
      EventObservation event;
      event.code = line;
      event.offset = offset + at;
      out.observations.emplace_back(event);
    }
    safe_ = offset + at;
    return at;
  }
  [[nodiscard]] std::uint64_t safe_offset() const override { return safe_; }

 private:
  bool from_start_;
  std::uint64_t committed_ = 0, safe_ = 0;
};

class ReaderTest : public ::testing::TestWithParam<bool> {
 protected:
  ReaderTest() {
    char folder[] = "/tmp/ami-reread-XXXXXX";
    folder_ = ::mkdtemp(folder);
    decoder_.file = [this] { return std::make_unique<LineReader>(GetParam()); };
    decoder_.message = [](std::string_view, UtcInstant) { return DecodedBatch(); };
  }
  ~ReaderTest() override { fs::remove_all(folder_); }

  ContentReader open(const std::string& text, std::uint64_t begin = 0) {
    const storage::RawFiles files(folder_ / "raw");
    const auto kept =
        files.keep(sha256(text), text.size(), [&](char* into, std::size_t size, std::uint64_t offset) {
          const std::size_t n = std::min<std::size_t>(size, text.size() - offset);
          std::memcpy(into, text.data() + offset, n);
          return Result<std::size_t>(n);
        });
    EXPECT_TRUE(kept.ok());
    auto raw = files.open(sha256(text));
    return ContentReader(std::move(raw).value(), decoder_, begin, UtcInstant{});
  }
  static std::vector<std::string> codes(const ContentReader::Part& part) {
    std::vector<std::string> out;
    for (const Observation& o : part.decoded.observations)
      out.emplace_back(std::get<EventObservation>(o).code);
    return out;
  }

  fs::path folder_;
  ContentDecoder decoder_;
};

using Codes = std::vector<std::string>;

TEST_P(ReaderTest, EachStretchYieldsWhatBeginsInItWhateverWasReadAhead) {
  ContentReader reader = open("one\ntwo\nbad x\nthree\nfour\n");
  auto first = reader.up_to(8);
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(codes(*first), (Codes{"one", "two"}));
  EXPECT_TRUE(first->decoded.malformed.empty());
  auto second = reader.up_to(14);
  ASSERT_TRUE(second.ok());
  EXPECT_TRUE(second->decoded.observations.empty());
  ASSERT_EQ(second->decoded.malformed.size(), 1U);
  EXPECT_EQ(second->decoded.malformed[0].raw, "bad x");
  EXPECT_EQ(codes(reader.up_to(1000).value()), (Codes{"three", "four"}));
  EXPECT_EQ(codes(*first), (Codes{"one", "two"})) << "the bytes of a stretch live as long as it does";
  EXPECT_TRUE(codes(reader.up_to(2000).value()).empty());
}

TEST_P(ReaderTest, ReadingBeginsInTheMiddleAfterARestart) {
  ContentReader reader = open("one\ntwo\nthree\n", 4);
  EXPECT_EQ(codes(reader.up_to(8).value()), Codes{"two"});
  EXPECT_EQ(codes(reader.up_to(14).value()), Codes{"three"});
}

TEST_P(ReaderTest, ManyChunksAreReadWhole) {
  std::string text;
  for (int i = 0; text.size() < (3U << 20); ++i) text += "record " + std::to_string(i) + "\n";
  const auto lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  ContentReader reader = open(text);
  std::size_t n = 0;
  for (std::uint64_t end = 100'000; end < text.size() + 100'000; end += 100'000) {
    const auto part = reader.up_to(end);
    ASSERT_TRUE(part.ok());
    for (const std::string& code : codes(*part)) ASSERT_EQ(code, "record " + std::to_string(n++));
  }
  EXPECT_EQ(n, lines);
}

TEST_P(ReaderTest, WhatWasGoodBeforeAFileBreaksCounts) {
  ContentReader reader = open("one\nBREAK\ntwo\n");
  EXPECT_EQ(codes(reader.up_to(1000).value()), Codes{"one"});
  EXPECT_TRUE(codes(reader.up_to(2000).value()).empty());
}

INSTANTIATE_TEST_SUITE_P(WaysOfReading, ReaderTest, ::testing::Bool(), [](const auto& way) {
  return way.param ? std::string("FromTheStart") : std::string("FromAnyLine");
});

TEST(MessageReader, AContentOfAFamilyWithoutFilesIsOneMessage) {
  char folder[] = "/tmp/ami-reread-XXXXXX";
  const fs::path root = ::mkdtemp(folder);
  const storage::RawFiles files(root / "raw");
  const std::string text = "a whole message";
  ASSERT_TRUE(files
                  .keep(sha256(text), text.size(),
                        [&](char* into, std::size_t, std::uint64_t offset) {
                          std::memcpy(into, text.data() + offset, text.size() - offset);
                          return Result<std::size_t>(text.size() - offset);
                        })
                  .ok());
  const ContentDecoder decoder{[] { return std::unique_ptr<sdk::FileReader>(); },
                               [](std::string_view raw, UtcInstant) {
                                 DecodedBatch batch;
                                 EventObservation event;
                                 event.code = batch.text(raw);
                                 batch.observations.emplace_back(event);
                                 return batch;
                               }};
  auto raw = files.open(sha256(text));
  ContentReader reader(std::move(raw).value(), decoder, 0, UtcInstant{});
  const auto part = reader.up_to(text.size());
  ASSERT_TRUE(part.ok());
  ASSERT_EQ(part->decoded.observations.size(), 1U);
  EXPECT_EQ(std::get<EventObservation>(part->decoded.observations[0]).code, text);
  fs::remove_all(root);
}

}  // namespace
}  // namespace ami::daemon
