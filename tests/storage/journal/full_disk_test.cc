#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "tests/storage/journal/scene.h"

namespace ami::storage::testing {
namespace {

// Tests in a child report by its exit code: the number of the step that failed.
#define STEP(number, condition)                                  \
  do {                                                           \
    if (!(condition)) {                                          \
      std::fprintf(stderr, "step %d: %s\n", number, #condition); \
      _exit(number);                                             \
    }                                                            \
  } while (false)

std::string block(int n) {
  return std::to_string(n) + std::string(60'000, static_cast<char>('a' + n % 26));
}

// Fills the disk, makes room, goes on.
void fill_and_recover(const std::string& path, bool restart, const std::function<void()>& make_room) {
  Told told;
  auto journal = open(path, told);
  STEP(10, journal);
  std::vector<std::string> acknowledged;
  int n = 0;
  Result<std::uint64_t> answer = permanent("none yet");
  for (; n < 1000; ++n) {
    answer = append(*journal, "k", block(n));
    if (!answer.ok()) break;
    acknowledged.push_back(block(n));
  }
  STEP(11, n > 2 && n < 1000);
  STEP(12, answer.error().fault == Fault::Transient);
  STEP(13, bodies(*journal) == acknowledged);
  STEP(14, !append(*journal, "k", block(n)).ok());
  STEP(15, told.failing.size() == 1 && told.failing[0].first);
  if (restart) {  // shows the same, without needing space
    journal.reset();
    journal = open(path, told);
    STEP(16, journal && bodies(*journal) == acknowledged);
    STEP(17, told.damages.empty());
  }
  make_room();
  STEP(18, append(*journal, "k", block(n)).ok());
  STEP(19, restart || (told.failing.size() == 2 && !told.failing[1].first));
  acknowledged.push_back(block(n));
  STEP(20, bodies(*journal) == acknowledged);
  const auto messages = read(*journal);
  std::vector<std::uint64_t> ids;
  for (const auto& message : *messages) ids.push_back(message.id);
  STEP(22, trim(*journal, ids).ok());
  journal.reset();
  journal = open(path, told);
  STEP(23, journal && bodies(*journal).empty());
  STEP(24, told.damages.empty());
}

class JournalFullDisk : public ::testing::TestWithParam<bool> {};  // with a restart on the full disk

TEST_P(JournalFullDisk, AppendFailsCleanlyAndRecoversByItselfUnderAFileSizeLimit) {
  const TempFolder folder;
  const int code = in_child([&] {
    signal(SIGXFSZ, SIG_IGN);
    rlimit limit{};
    getrlimit(RLIMIT_FSIZE, &limit);
    const auto before = limit.rlim_cur;
    limit.rlim_cur = 1'000'000;
    STEP(1, setrlimit(RLIMIT_FSIZE, &limit) == 0);
    fill_and_recover(folder.path("j"), GetParam(), [&] {
      limit.rlim_cur = before;
      STEP(2, setrlimit(RLIMIT_FSIZE, &limit) == 0);
    });
  });
  EXPECT_EQ(code, 0);
}

TEST_P(JournalFullDisk, AppendFailsCleanlyAndRecoversByItselfOnASmallDisk) {
  if (geteuid() != 0) GTEST_SKIP() << "only root may mount a small disk";
  const TempFolder folder;
  constexpr int kMayNotMount = 99;
  const int code = in_child([&] {
    // A mount that goes away with this process.
    if (unshare(CLONE_NEWNS) != 0 || mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        mount("none", folder.path().c_str(), "tmpfs", 0, "size=4m") != 0) {
      _exit(kMayNotMount);
    }
    std::ofstream(folder.path("ballast")) << std::string(2'000'000, 'x');
    fill_and_recover(folder.path("j"), GetParam(), [&] { std::filesystem::remove(folder.path("ballast")); });
  });
  if (code == kMayNotMount) GTEST_SKIP() << "mounting is not allowed here";
  EXPECT_EQ(code, 0);
}

INSTANTIATE_TEST_SUITE_P(Restart, JournalFullDisk, ::testing::Bool());

TEST(JournalSalvage, WithoutSpaceChangesNothingAndIsDoneWhenThereIsSome) {
  const TempFolder folder;
  {
    Told told;
    const auto journal = open(folder.path("j"), told);
    for (int n = 0; n < 20; ++n) ASSERT_TRUE(append(*journal, "k", block(n)).ok());
  }
  const auto file = folder.path("j/inbox/journal.db");
  {
    std::fstream bytes(file, std::ios::in | std::ios::out | std::ios::binary);
    bytes.seekp(0);
    bytes << "not SQLite";
  }
  const auto size = std::filesystem::file_size(file);
  const int code = in_child([&] {
    signal(SIGXFSZ, SIG_IGN);
    rlimit limit{};
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = 300'000;
    STEP(1, setrlimit(RLIMIT_FSIZE, &limit) == 0);
    const auto opened = Journal::open({.path = folder.path("j")}, {});
    STEP(2, !opened.ok() && opened.error().fault == Fault::Transient);
  });
  EXPECT_EQ(code, 0);
  EXPECT_EQ(std::filesystem::file_size(file), size);
  Told told;
  const auto journal = open(folder.path("j"), told);
  ASSERT_TRUE(journal);
  EXPECT_EQ(bodies(*journal).size(), 20U);
  ASSERT_EQ(told.damages.size(), 1U);
  EXPECT_EQ(told.damages[0].lost, 0U);
}

}  // namespace
}  // namespace ami::storage::testing
