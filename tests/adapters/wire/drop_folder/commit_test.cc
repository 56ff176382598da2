// Readings and position are stored together, in order, and a crash anywhere is harmless.
#include <fstream>

#include "tests/adapters/wire/drop_folder/drop_folder_scene.h"

namespace ami::wire {
namespace {

using std::chrono::seconds;
using Codes = std::vector<std::string>;
namespace fs = std::filesystem;

// SHA-256 of "l0\nl1\n…l9\n", by sha256sum.
constexpr const char* kTenLinesSha256 = "341290dda411a8f8c5c16520023d6d7f7ad2fe6e46da35681ddd9de6ea5e2061";

class Commits : public DropFolderScene {
 protected:
  Commits() {
    config.chunk_bytes = 7;  // two lines and a piece of the next
    config.batch_bytes = 6;
    restart();
  }
  static std::string ten_lines() {
    std::string text;
    for (int i = 0; i < 10; ++i) text += "l" + std::to_string(i) + "\n";
    return text;
  }
  static Codes codes(int from, int to) {
    Codes all;
    for (int i = from; i < to; ++i) all.push_back("l" + std::to_string(i));
    return all;
  }
};

TEST_F(Commits, CoverTheFileWithoutGapOrOverlap) {
  ASSERT_TRUE(start().ok());
  host.run_until_idle();
  drop("a.txt", ten_lines());
  host.run_until_idle();
  EXPECT_EQ(stored(), codes(0, 10));
  ASSERT_EQ(host.store.committed.size(), 5U);  // 30 bytes in stretches of 6
  std::uint64_t expected = 0;
  for (const auto& commit : host.store.committed) {
    EXPECT_EQ(commit.source.offset, expected);
    expected += commit.source.length;
    EXPECT_EQ(commit.source.content_sha256, kTenLinesSha256);
    EXPECT_EQ(commit.source.name, "a.txt");
  }
  EXPECT_EQ(expected, 30U);
  EXPECT_EQ(host.store.state.at(std::string("file:") + kTenLinesSha256), "offset=30;done=1;on=2026-01-15");
}

TEST_F(Commits, EndAfterSoManyRecordsToo) {
  config.chunk_bytes = 3;
  config.batch_bytes = 1'000'000;
  config.batch_observations = 4;
  restart();
  ASSERT_TRUE(start().ok());
  host.run_until_idle();
  drop("a.txt", ten_lines());
  host.run_until_idle();
  std::vector<std::size_t> sizes;
  for (const auto& commit : host.store.committed) sizes.push_back(commit.batch.observations.size());
  EXPECT_EQ(sizes, (std::vector<std::size_t>{4, 4, 2}));
}

TEST_F(Commits, NeverTwoAtOnce) {
  host.store.hold();
  ASSERT_TRUE(start().ok());
  host.run_until_idle();
  drop("a.txt", ten_lines());
  host.run_until_idle();
  EXPECT_EQ(host.store.held(), 1U);
  host.store.release();
  host.run_until_idle();
  EXPECT_EQ(stored(), codes(0, 10));
  EXPECT_EQ(host.store.most_at_once(), 1U);
}

TEST_F(Commits, AFileGoesOnWhereACrashLeftIt) {
  ASSERT_TRUE(start().ok());
  host.run_until_idle();
  host.store.fail_after(2, transient("the process dies here"));
  drop("a.txt", ten_lines());
  host.run_until_idle();
  EXPECT_EQ(stored(), codes(0, 4));
  EXPECT_TRUE(in_inbox("a.txt"));
  EXPECT_EQ(host.store.state.at(std::string("file:") + kTenLinesSha256), "offset=12;done=0;on=2026-01-15");
  restart();
  host.store.accept();
  ASSERT_TRUE(start().ok());
  host.advance(seconds(5));
  EXPECT_EQ(stored(), codes(0, 10));  // each once
  EXPECT_TRUE(in_done("a.txt"));
}

TEST_F(Commits, AFileThatWasStoredButNotMovedIsOnlyMoved) {
  host.store.state[std::string("file:") + kTenLinesSha256] = "offset=30;done=1;on=2026-01-14";
  ASSERT_TRUE(start().ok());
  host.run_until_idle();
  drop("a.txt", ten_lines());
  host.run_until_idle();
  EXPECT_TRUE(in_done("a.txt"));
  EXPECT_TRUE(host.store.committed.empty());
}

TEST_F(Commits, APassingFaultOfTheStoreKeepsTheFileAndRecoversByItself) {
  ASSERT_TRUE(start().ok());
  host.run_until_idle();
  host.store.fail_after(1, transient("the store is away"));
  drop("a.txt", ten_lines());
  host.run_until_idle();
  EXPECT_EQ(adapter->health().state, sdk::HealthState::Degraded);
  EXPECT_EQ(adapter->health().reason, "a.txt cannot be stored: the store is away");
  host.store.accept();
  host.advance(seconds(5));
  EXPECT_EQ(stored(), codes(0, 10));
  EXPECT_TRUE(in_done("a.txt"));
  EXPECT_EQ(adapter->health().state, sdk::HealthState::Healthy);
}

TEST_F(Commits, AFileThatCanNeverBeStoredIsKeptInRejected) {
  ASSERT_TRUE(start().ok());
  host.run_until_idle();
  host.store.fail_after(1, permanent("row 7 collides"));
  drop("a.txt", ten_lines());
  host.run_until_idle();
  EXPECT_EQ(read(inbox() / "rejected" / "a.txt"), ten_lines());
  EXPECT_NE(reason("a.txt").find("cannot be stored: row 7 collides"), std::string::npos) << reason("a.txt");
}

TEST_F(Commits, AStateThatCannotBeReadIsWaitedFor) {
  host.store.fail_loads(transient("the store is away"));
  ASSERT_TRUE(start().ok());
  host.run_until_idle();
  drop("a.txt", ten_lines());
  host.run_until_idle();
  EXPECT_TRUE(in_inbox("a.txt"));
  EXPECT_EQ(adapter->health().state, sdk::HealthState::Degraded);
  host.store.accept();
  host.advance(seconds(5));
  EXPECT_EQ(stored(), codes(0, 10));
}

TEST_F(Commits, ANonsensePositionIsIgnoredAndTold) {
  for (const char* nonsense : {"offset=31;done=0;on=2026-01-14", "offset=6;done=2;on=2026-01-14", "", "6"}) {
    host.store.state.clear();
    host.store.committed.clear();
    host.log.entries.clear();
    host.store.state[std::string("file:") + kTenLinesSha256] = nonsense;
    restart();
    ASSERT_TRUE(start().ok());
    host.run_until_idle();
    drop("a.txt", ten_lines());
    host.run_until_idle();
    EXPECT_EQ(stored(), codes(0, 10)) << nonsense;
    EXPECT_EQ(host.log.count("DROP_STATE_UNREADABLE"), 1U) << nonsense;
  }
}

TEST_F(Commits, AFileReplacedWhileItIsReadIsReadAnew) {
  host.store.hold();
  ASSERT_TRUE(start().ok());
  host.run_until_idle();
  drop("a.txt", "old\n");
  host.run_until_idle();
  ASSERT_EQ(host.store.held(), 1U);
  drop(".next", "new\n");
  fs::rename(inbox() / ".next", inbox() / "a.txt");
  host.store.release();
  host.run_until_idle();
  host.advance(seconds(5));
  EXPECT_EQ(stored(), (Codes{"old", "new"}));
  EXPECT_EQ(read(inbox() / "done" / "a.txt"), "new\n");
}

TEST_F(Commits, AFileChangedWhileItIsReadIsNotStoredUnderTheOldHash) {
  host.store.hold();
  ASSERT_TRUE(start().ok());
  host.run_until_idle();
  drop("a.txt", ten_lines());
  host.run_until_idle();  // the first stretch is held, the second was read
  { std::ofstream(inbox() / "a.txt", std::ios::app) << "more\n"; }
  host.store.release();
  host.run_until_idle();
  host.advance(seconds(10));
  EXPECT_TRUE(in_done("a.txt"));
  std::uint64_t of_old = 0;
  Codes of_new;
  for (const auto& commit : host.store.committed) {
    if (commit.source.content_sha256 == kTenLinesSha256) {
      of_old = std::max(of_old, commit.source.offset + commit.source.length);
    } else {
      for (const auto& o : commit.batch.observations) of_new.emplace_back(std::get<EventObservation>(o).code);
    }
  }
  EXPECT_LE(of_old, 12U);  // what was read before the change
  Codes expected = codes(0, 10);
  expected.push_back("more");
  EXPECT_EQ(of_new, expected);
}

TEST_F(Commits, AContentIsForgottenAfterItsTime) {
  config.keep_state = std::chrono::days(10);
  restart();
  ASSERT_TRUE(start().ok());
  host.run_until_idle();
  drop("a.txt", "one\n");
  host.run_until_idle();
  host.advance(std::chrono::hours(24) * 11);
  drop("b.txt", "two\n");
  host.run_until_idle();
  std::size_t files = 0;
  for (const auto& [key, value] : host.store.state) files += key.starts_with("file:") ? 1U : 0U;
  EXPECT_EQ(files, 1U);  // that of b.txt
  EXPECT_EQ(host.store.state.count("filelog:0"), 0U);
  EXPECT_EQ(host.store.state.at("filelog:oldest"), "1");
  EXPECT_EQ(host.store.state.at("filelog:next"), "2");
  drop("again.txt", "one\n");  // known no more: read again, which changes nothing in a store
  host.run_until_idle();
  EXPECT_EQ(stored(), (Codes{"one", "two", "one"}));
}

}  // namespace
}  // namespace ami::wire
