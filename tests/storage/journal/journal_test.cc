#include "storage/journal/journal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <thread>

#include "tests/storage/journal/scene.h"
#include "tests/storage/journal/watched_disk.h"

namespace ami::storage::testing {
namespace {
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class JournalTest : public ::testing::Test {
 protected:
  std::unique_ptr<Journal> open(const JournalConfig& config = {}) {
    return testing::open(folder_.path("j"), told_, config);
  }
  TempFolder folder_;
  Told told_;
};

TEST_F(JournalTest, GivesBackWhatWasPutInTheOrderInWhichItWasPutAlsoAfterReopening) {
  const std::string binary("\0\xff\n\0x", 5);
  {
    const auto journal = open();
    ASSERT_TRUE(append(*journal, "m1", "first", 1).ok());
    ASSERT_TRUE(append(*journal, std::string("m\0", 2), binary, 2).ok());
    ASSERT_TRUE(append(*journal, "", "", 3).ok());
  }
  const auto journal = open();
  const auto messages = read(*journal);
  ASSERT_TRUE(messages.ok());
  ASSERT_EQ(messages->size(), 3U);
  const auto& [first, second_one, third] = std::tie((*messages)[0], (*messages)[1], (*messages)[2]);
  EXPECT_EQ(first.key, "m1");
  EXPECT_EQ(first.body, "first");
  EXPECT_EQ(first.received_at, second(1));
  // By sha256sum.
  EXPECT_EQ(hex_of(first.content), "a7937b64b8caa58f03721bb6bacf5c78cb235febe0e70b1b84cd99541461a08e");
  EXPECT_EQ(second_one.key, std::string("m\0", 2));
  EXPECT_EQ(second_one.body, binary);
  EXPECT_EQ(third.body, "");
  EXPECT_LT(first.id, second_one.id);
  EXPECT_LT(second_one.id, third.id);
  EXPECT_THAT(told_.damages, IsEmpty());
}

TEST_F(JournalTest, FeedsAreApartAndReadInPortions) {
  const auto journal = open();
  for (int n = 0; n < 5; ++n) ASSERT_TRUE(append(*journal, "k", "a" + std::to_string(n), 0, "a").ok());
  ASSERT_TRUE(append(*journal, "k", "a0", 0, "b").ok());
  const auto two = read(*journal, 0, 2, 1000, "a");
  ASSERT_EQ(two->size(), 2U);
  const auto rest = read(*journal, two->back().id, 10, 7, "a");  // three bytes each with the key: two fit
  ASSERT_EQ(rest->size(), 2U);
  EXPECT_EQ(rest->front().body, "a2");
  EXPECT_EQ(read(*journal, 0, 10, 1, "a")->size(), 1U) << "one always, however large";
  EXPECT_EQ(read(*journal, 0, 10, 1000, "b")->size(), 1U);
  EXPECT_THAT(*read(*journal, 0, 10, 1000, "stranger"), IsEmpty());
  const auto figures = journal->figures();
  EXPECT_EQ(figures.messages, 6U);
  EXPECT_EQ(figures.bytes, 18U);
  ASSERT_EQ(figures.feeds.size(), 2U);
  EXPECT_EQ(figures.feeds[0].messages, 5U);
}

TEST_F(JournalTest, TrimmedMessagesAreGoneAndTheirIdsAreNeverGivenAgain) {
  std::uint64_t last = 0;
  {
    const auto journal = open();
    std::vector<std::uint64_t> ids;
    for (int n = 0; n < 4; ++n) ids.push_back(*append(*journal, key_of(n), body(n), n));
    last = ids.back();
    ASSERT_TRUE(trim(*journal, {ids[0], ids[2], 77, ids[2]}).ok())
        << "unknown ids and repetitions do no harm";
    EXPECT_EQ(journal->figures().messages, 2U);
    EXPECT_EQ(*journal->figures().feeds[0].oldest, second(1));
    ASSERT_TRUE(trim(*journal, ids, "another feed").ok());
    EXPECT_THAT(bodies(*journal), ElementsAre(body(1), body(3)));
    ASSERT_TRUE(trim(*journal, ids).ok());
    EXPECT_FALSE(journal->figures().feeds[0].oldest);
  }
  const auto journal = open();
  EXPECT_THAT(bodies(*journal), IsEmpty());
  EXPECT_GT(*append(*journal, "k", "new"), last);
}

TEST_F(JournalTest, AMessageThatComesAgainIsOneEntryAsLongAsItIsThere) {
  std::uint64_t id = 0;
  {
    const auto journal = open();
    id = *append(*journal, "k", "same", 1);
    EXPECT_EQ(*append(*journal, "k", "same", 9), id);
    EXPECT_NE(*append(*journal, "other key", "same", 1), id);
    EXPECT_NE(*append(*journal, "k", "same", 1, "other feed"), id);
  }
  const auto journal = open();
  EXPECT_EQ(*append(*journal, "k", "same", 20), id) << "also after a restart";
  EXPECT_EQ(journal->figures().repeated, 1U);
  ASSERT_EQ(read(*journal)->size(), 2U);
  EXPECT_EQ((*read(*journal))[0].received_at, second(1)) << "received when it came first";
  ASSERT_TRUE(trim(*journal, {id}).ok());
  EXPECT_GT(*append(*journal, "k", "same", 30), id) << "trimmed: a new message";
}

TEST_F(JournalTest, PushesBackAtItsBoundsAndTakesAgainWhenThereIsRoom) {
  JournalConfig config;
  config.max_messages = 3;
  config.max_bytes = 100;
  const auto journal = open(config);
  const auto first = *append(*journal, "", std::string(40, 'a'));
  ASSERT_TRUE(append(*journal, "", std::string(40, 'b')).ok());
  const auto third = append(*journal, "", std::string(40, 'c'));
  ASSERT_FALSE(third.ok());
  EXPECT_EQ(third.error().fault, Fault::Transient);
  EXPECT_THAT(third.error().message, HasSubstr("inbox full"));
  ASSERT_TRUE(append(*journal, "", "small").ok()) << "what fits is taken";
  EXPECT_FALSE(append(*journal, "", "x").ok()) << "three is the bound";
  EXPECT_EQ(journal->figures().refused, 2U);
  EXPECT_THAT(told_.full, ElementsAre(true)) << "said once";

  const auto too_large = append(*journal, "", std::string(101, 'd'));
  ASSERT_FALSE(too_large.ok());
  EXPECT_EQ(too_large.error().fault, Fault::Permanent);
  EXPECT_EQ(append(*journal, std::string(1025, 'k'), "x").error().fault, Fault::Permanent);

  ASSERT_TRUE(trim(*journal, {first}).ok());
  EXPECT_THAT(told_.full, ElementsAre(true, false));
  EXPECT_TRUE(append(*journal, "", std::string(40, 'c')).ok());
}

TEST_F(JournalTest, BoundsHoldForWhatAPreviousRunLeft) {
  {
    const auto journal = open();
    for (int n = 0; n < 5; ++n) ASSERT_TRUE(append(*journal, "k", "m" + std::to_string(n)).ok());
  }
  JournalConfig smaller;
  smaller.max_messages = 2;
  const auto journal = open(smaller);
  EXPECT_EQ(bodies(*journal).size(), 5U) << "a smaller bound drops nothing";
  EXPECT_FALSE(append(*journal, "k", "new").ok());
}

TEST_F(JournalTest, MessagesThatWaitForTheDiskShareOneCommit) {
  std::mutex mutex;
  std::condition_variable changed;
  bool held = false, let_go = true;
  WatchedDisk disk([&](const DiskChange& change) {
    std::unique_lock lock(mutex);
    if (change.kind == DiskChange::Kind::Sync && change.file == "journal.db-wal" && !let_go) {
      held = true;
      changed.notify_all();
      changed.wait(lock, [&] { return let_go; });
    }
    return Verdict{};
  });
  JournalConfig config;
  config.vfs = WatchedDisk::name();
  const auto journal = open(config);
  ASSERT_TRUE(append(*journal, "k", "before").ok());
  const auto before = journal->figures().commits;
  {
    const std::lock_guard lock(mutex);
    let_go = false;
  }
  std::atomic<int> answered{0};
  std::promise<void> all;
  const auto done = [&](const Result<std::uint64_t>& id) {
    EXPECT_TRUE(id.ok());
    if (++answered == 101) all.set_value();
  };
  journal->append("feed", "k", "first", second(0), done);
  {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return held; });
  }
  for (int n = 0; n < 100; ++n) journal->append("feed", key_of(n), body(n), second(n), done);
  EXPECT_EQ(answered, 0) << "not durable, not acknowledged";
  EXPECT_EQ(journal->figures().waiting, 101U);
  {
    const std::lock_guard lock(mutex);
    let_go = true;
  }
  changed.notify_all();
  all.get_future().wait();
  EXPECT_EQ(journal->figures().commits - before, 2U);
  EXPECT_EQ(bodies(*journal).size(), 102U);
}

TEST_F(JournalTest, KeepsEachWritersOrderAmongMany) {
  const auto journal = open();
  std::vector<std::thread> writers;
  for (int w = 0; w < 16; ++w) {
    writers.emplace_back([&, w] {
      for (int n = 0; n < 40; ++n) {
        EXPECT_TRUE(
            append(*journal, "w" + std::to_string(w), std::to_string(w) + " " + std::to_string(n)).ok());
      }
    });
  }
  for (auto& writer : writers) writer.join();
  std::map<std::string, int> next;
  const auto messages = read(*journal);
  ASSERT_EQ(messages->size(), 640U);
  for (const auto& message : *messages) {
    EXPECT_EQ(message.body, message.key.substr(1) + " " + std::to_string(next[message.key]++));
  }
}

TEST_F(JournalTest, ASecondProcessOrOpenerIsTurnedAway) {
  const auto journal = open();
  auto second_one = Journal::open({.path = folder_.path("j")}, {});
  ASSERT_FALSE(second_one.ok());
  EXPECT_EQ(second_one.error().fault, Fault::Transient);
  EXPECT_THAT(second_one.error().message, HasSubstr("in use"));
  EXPECT_TRUE(append(*journal, "k", "still works").ok());
}

TEST_F(JournalTest, APathThatIsAFileOrMayNotBeMadeIsSaid) {
  folder_.write("file", "x");
  for (const auto* path : {"file", "file/below"}) {
    auto opened = Journal::open({.path = folder_.path(path)}, {});
    ASSERT_FALSE(opened.ok());
    EXPECT_THAT(opened.error().message, HasSubstr(path));
  }
}

// The golden file was written by another program; what is on disks today must be readable after an upgrade.
TEST_F(JournalTest, ReadsTheFormatThatIsOnDisks) {
  const auto golden =
      std::string(std::getenv("AMI_SOURCE_DIR")) + "/tests/storage/journal/golden/journal-1.db";
  std::filesystem::create_directories(folder_.path("j/inbox"));
  std::filesystem::copy_file(golden, folder_.path("j/inbox/journal.db"));
  const auto journal = open();
  EXPECT_THAT(told_.damages, IsEmpty());
  const auto messages = read(*journal);
  ASSERT_EQ(messages->size(), 2U);
  EXPECT_EQ((*messages)[0].id, 1768435200000001U);
  EXPECT_EQ((*messages)[0].key, "M1");
  EXPECT_EQ((*messages)[0].body, "first");
  EXPECT_EQ((*messages)[1].key, std::string("M\0\xff", 3));
  EXPECT_EQ((*messages)[1].body, std::string(6000, 'y'));
  EXPECT_EQ((*messages)[1].received_at, second(1));
  EXPECT_EQ(read(*journal, 0, 10, 1000, "other")->size(), 1U);
  EXPECT_EQ(*append(*journal, "M1", "first"), 1768435200000001U);
  EXPECT_EQ(*append(*journal, "M1", "new"), 1768435200000009U);
}

TEST_F(JournalTest, OnlyItsUserMayLookInside) {
  const auto journal = open();
  using std::filesystem::perms;
  EXPECT_EQ(std::filesystem::status(folder_.path("j")).permissions(), perms::owner_all);
}

TEST_F(JournalTest, AFailingDiskIsSaidAndForgottenWhenItWorksAgain) {
  std::atomic<int> code{0};
  WatchedDisk disk([&](const DiskChange& change) {
    return Verdict{
        change.kind == DiskChange::Kind::Sync || change.kind == DiskChange::Kind::Write ? code.load() : 0,
        {}};
  });
  JournalConfig config;
  config.vfs = WatchedDisk::name();
  {
    const auto journal = open(config);
    ASSERT_TRUE(append(*journal, "k", "one").ok());
    std::vector<std::string> safe{"one"};
    for (const int error : {SQLITE_FULL, SQLITE_IOERR_WRITE, SQLITE_IOERR_FSYNC}) {
      code = error;
      const auto refused = append(*journal, "k", "two");
      ASSERT_FALSE(refused.ok());
      EXPECT_EQ(refused.error().fault, Fault::Transient);
      EXPECT_FALSE(trim(*journal, {(*read(*journal))[0].id}).ok());
      EXPECT_EQ(bodies(*journal), safe) << "what was safe stays readable";
      code = 0;
      safe.push_back("after " + std::to_string(error));
      ASSERT_TRUE(append(*journal, "k", safe.back()).ok());
    }
    EXPECT_EQ(bodies(*journal), safe);
  }
  ASSERT_EQ(told_.failing.size(), 6U);
  EXPECT_TRUE(told_.failing[0].first);
  EXPECT_THAT(told_.failing[0].second, HasSubstr("full"));
  EXPECT_FALSE(told_.failing[1].first);
  EXPECT_EQ(bodies(*open()).size(), 4U);
  EXPECT_THAT(told_.damages, IsEmpty());
}

}  // namespace
}  // namespace ami::storage::testing
