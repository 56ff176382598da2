#include "storage/raw/raw_files.h"

#include <gtest/gtest.h>
#include <openssl/sha.h>
#include <sys/resource.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <random>

namespace ami::storage {
namespace {

namespace fs = std::filesystem;

// SHA-256 of "abc", from FIPS 180-2.
constexpr const char* kAbc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

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

ReadContent from(const std::string& text) {
  return [&text](char* into, std::size_t size, std::uint64_t offset) -> Result<std::size_t> {
    const std::size_t n =
        std::min<std::size_t>(size, text.size() - std::min<std::size_t>(offset, text.size()));
    std::memcpy(into, text.data() + offset, n);
    return n;
  };
}

class RawFilesTest : public ::testing::Test {
 protected:
  RawFilesTest() {
    char folder[] = "/tmp/ami-raw-XXXXXX";
    folder_ = ::mkdtemp(folder);
    EXPECT_TRUE(files().prepare().ok());
  }
  ~RawFilesTest() override { fs::remove_all(folder_); }

  RawFiles files() const { return RawFiles(folder_ / "raw"); }
  Result<std::uint64_t> keep(const std::string& text) const {
    return files().keep(sha256(text), text.size(), from(text));
  }
  fs::path path(const std::string& sha) const { return folder_ / "raw" / sha.substr(0, 2) / (sha + ".zst"); }

  // All of it, in reads of `step`; or the error.
  static Result<std::string> read(RawReader reader, std::size_t step) {
    std::string out;
    for (std::string part(step, '\0');;) {
      const Result<std::size_t> got = reader.read(part.data(), step);
      if (!got) return got.error();
      out.append(part, 0, *got);
      if (*got < step) return out;
    }
  }
  Result<std::string> read(const std::string& sha, std::size_t step = 1000) const {
    auto reader = files().open(sha);
    if (!reader) return reader.error();
    return read(std::move(reader).value(), step);
  }

  std::string bytes_of(const fs::path& file) const {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  }
  void write(const fs::path& file, const std::string& bytes) const {
    std::ofstream(file, std::ios::binary) << bytes;
  }
  std::size_t count(const std::string& suffix) const {
    std::size_t n = 0;
    for (const auto& entry : fs::recursive_directory_iterator(folder_))
      n += entry.path().string().ends_with(suffix) ? 1U : 0U;
    return n;
  }

  fs::path folder_;
};

TEST_F(RawFilesTest, GivesBackWhatWasKeptUnderItsHash) {
  ASSERT_TRUE(keep("abc").ok());
  EXPECT_TRUE(fs::exists(folder_ / "raw/ba" / (std::string(kAbc) + ".zst")));
  EXPECT_TRUE(files().holds(kAbc));
  EXPECT_EQ(read(kAbc).value(), "abc");
  EXPECT_TRUE(files().verify(kAbc).ok());
  EXPECT_EQ(count(".part"), 0U);
}

TEST_F(RawFilesTest, LargeAndEmptyContentsComeBackWholeWhateverTheSizeOfTheReads) {
  std::mt19937 random(7);
  std::string mixed;  // 3 MiB: half noise, half repetition
  for (int i = 0; i < 1536 * 1024; ++i) mixed += static_cast<char>(random());
  mixed += std::string(1536 * 1024, 'x');
  const auto size = keep(mixed);
  ASSERT_TRUE(size.ok());
  EXPECT_GT(*size, 1500U << 10) << "noise cannot be made smaller";
  EXPECT_LT(*size, 1600U << 10) << "repetition can";
  EXPECT_EQ(*size, fs::file_size(path(sha256(mixed))));
  for (const std::size_t step : {1UL << 20, 262'144UL, 999'983UL, mixed.size(), mixed.size() + 1})
    EXPECT_TRUE(read(sha256(mixed), step).value() == mixed) << step;
  ASSERT_TRUE(keep("").ok());
  EXPECT_EQ(read(sha256("")).value(), "");
}

TEST_F(RawFilesTest, ManyAreKeptTogetherAndOneThatCannotBeLeavesNothingHalfWritten) {
  std::vector<std::string> texts{"abc", "abc", ""};  // one came twice
  for (int n = 0; n < 40; ++n) texts.push_back(std::string(static_cast<std::size_t>(n) * 100, 'm') + "x");
  ASSERT_TRUE(keep("abc").ok()) << "and one is there already";
  std::vector<RawFiles::Content> contents;
  for (const std::string& text : texts) {
    contents.push_back({sha256(text), text.size(),
                        [&text](char* into, std::size_t size, std::uint64_t offset) -> Result<std::size_t> {
                          return text.copy(into, size, offset);
                        }});
  }
  const auto kept = files().keep(contents);
  ASSERT_TRUE(kept.ok()) << kept.error().message;
  ASSERT_EQ(kept->size(), texts.size());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    EXPECT_EQ(kept->at(i), fs::file_size(path(sha256(texts[i]))));
    EXPECT_EQ(read(sha256(texts[i])).value(), texts[i]);
  }
  EXPECT_EQ(count(".part"), 0U);

  const std::string late = "comes last", bad = "is not what its hash says";
  contents = {{sha256("early"), 5, contents[0].read}, {sha256(late), bad.size(), contents[0].read}};
  EXPECT_FALSE(files().keep(contents).ok());
  EXPECT_EQ(count(".part"), 0U);
  EXPECT_FALSE(files().holds(sha256(late)));
}

TEST_F(RawFilesTest, KeepingTheSameAgainLeavesTheFileAlone) {
  ASSERT_TRUE(keep("abc").ok());
  const auto before = fs::last_write_time(path(kAbc));
  bool read_again = false;
  const auto again = files().keep(kAbc, 3, [&](char*, std::size_t, std::uint64_t) -> Result<std::size_t> {
    read_again = true;
    return permanent("not needed");
  });
  EXPECT_TRUE(again.ok());
  EXPECT_FALSE(read_again);
  EXPECT_EQ(fs::last_write_time(path(kAbc)), before);
}

TEST_F(RawFilesTest, ACorruptFileIsNoticedPutAsideAndCanBeKeptAnew) {
  const std::string text(100'000, 'a');
  const std::string sha = sha256(text);
  ASSERT_TRUE(keep(text).ok());
  const std::string good = bytes_of(path(sha));
  ASSERT_TRUE(keep("abc").ok());
  const std::string other = bytes_of(path(kAbc));

  std::string flipped = good;
  flipped[good.size() / 2] = static_cast<char>(flipped[good.size() / 2] ^ 0x40);
  const struct {
    const char* what;
    std::string bytes;
  } cases[] = {{"a flipped bit", flipped},
               {"cut short", good.substr(0, good.size() - 3)},
               {"empty", ""},
               {"something behind its end", good + "x"},
               {"a second frame behind its end", good + other},
               {"a sound file of another content", other},
               {"not zstd", std::string(5000, 'z')}};
  for (const auto& bad : cases) {
    SCOPED_TRACE(bad.what);
    write(path(sha), bad.bytes);
    const Outcome verified = files().verify(sha);
    ASSERT_FALSE(verified.ok());
    EXPECT_EQ(verified.error().fault, Fault::Permanent);
    EXPECT_NE(verified.error().message.find("corrupt"), std::string::npos) << verified.error().message;
    EXPECT_FALSE(files().holds(sha));
    EXPECT_TRUE(fs::exists(path(sha).string() + ".corrupt"));
    ASSERT_TRUE(keep(text).ok());
    EXPECT_TRUE(files().verify(sha).ok());
  }
}

TEST_F(RawFilesTest, WhatChangesWhileItIsKeptIsNotKept) {
  const struct {
    std::uint64_t announced;
    std::string bytes;
  } cases[] = {{3, "abd"}, {3, "abcd"}, {3, "ab"}, {0, "abc"}};
  for (const auto& bad : cases) {
    const auto kept = files().keep(kAbc, bad.announced, from(bad.bytes));
    ASSERT_FALSE(kept.ok()) << bad.bytes;
    EXPECT_EQ(kept.error().fault, Fault::Transient);
  }
  const auto unread = files().keep(
      kAbc, 3, [](char*, std::size_t, std::uint64_t) -> Result<std::size_t> { return transient("disk"); });
  EXPECT_EQ(unread.error().fault, Fault::Transient);
  EXPECT_FALSE(files().holds(kAbc));
  EXPECT_EQ(count(".part"), 0U);
}

// No file may grow beyond 64 KiB: to a writer that is what a full disk is.
TEST_F(RawFilesTest, AFullDiskIsTransientAndLeavesNothingBehind) {
  std::mt19937 random(7);
  std::string noise;
  for (int i = 0; i < 1 << 20; ++i) noise += static_cast<char>(random());
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{64 << 10, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto kept = keep(noise);
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  ASSERT_FALSE(kept.ok());
  EXPECT_EQ(kept.error().fault, Fault::Transient);
  EXPECT_EQ(count(".part"), 0U);
  EXPECT_FALSE(files().holds(sha256(noise)));
  EXPECT_TRUE(keep(noise).ok()) << "once there is room again";
}

TEST_F(RawFilesTest, OnlyAHashIsAName) {
  for (const std::string& name : {std::string("../../../../etc/passwd"), std::string(), std::string(64, 'A'),
                                  std::string(63, 'a'), std::string(64, '/'), std::string(65, 'a')}) {
    EXPECT_EQ(files().keep(name, 3, from("abc")).error().fault, Fault::Permanent) << name;
    EXPECT_EQ(files().open(name).error().fault, Fault::Permanent) << name;
    EXPECT_EQ(files().remove(name).error().fault, Fault::Permanent) << name;
    EXPECT_FALSE(files().holds(name)) << name;
  }
}

TEST_F(RawFilesTest, WhatIsNotThereIsPermanentAndRemovingItIsDone) {
  EXPECT_EQ(files().open(kAbc).error().fault, Fault::Permanent);
  EXPECT_TRUE(files().remove(kAbc).ok());
  ASSERT_TRUE(keep("abc").ok());
  EXPECT_TRUE(files().remove(kAbc).ok());
  EXPECT_FALSE(files().holds(kAbc));
}

TEST_F(RawFilesTest, AReaderReadsOnAlthoughTheFileIsRemoved) {
  ASSERT_TRUE(keep("abc").ok());
  auto reader = files().open(kAbc);
  ASSERT_TRUE(reader.ok());
  ASSERT_TRUE(files().remove(kAbc).ok());
  EXPECT_EQ(read(std::move(reader).value(), 10).value(), "abc");
}

TEST_F(RawFilesTest, LeftoversOfACrashAreTakenAwayAndNothingElse) {
  ASSERT_TRUE(keep("abc").ok());
  write(path(kAbc).parent_path() / ("." + std::string(kAbc) + ".77-1.part"), "half");
  write(path(kAbc).parent_path() / "readme.txt", "a person's");
  ASSERT_TRUE(files().prepare().ok());
  EXPECT_EQ(count(".part"), 0U);
  EXPECT_EQ(count(".txt"), 1U);
  EXPECT_TRUE(files().verify(kAbc).ok());
}

TEST_F(RawFilesTest, ContentsAreListedByAge) {
  ASSERT_TRUE(keep("abc").ok());
  write(path(kAbc).parent_path() / "not-a-content.zst", "");
  EXPECT_TRUE(files().older_than(0xba, std::chrono::hours{1}).value().empty());
  fs::last_write_time(path(kAbc), fs::file_time_type::clock::now() - std::chrono::hours{2});
  EXPECT_EQ(files().older_than(0xba, std::chrono::hours{1}).value(), std::vector<std::string>{kAbc});
  EXPECT_TRUE(files().older_than(0xbb, std::chrono::hours{1}).value().empty())
      << "a folder that is not there";
}

}  // namespace
}  // namespace ami::storage
