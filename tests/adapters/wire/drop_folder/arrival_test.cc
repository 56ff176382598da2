// When a file is taken, and in which order.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "tests/adapters/wire/drop_folder/drop_folder_scene.h"

namespace ami::wire {
namespace {

using std::chrono::seconds;
using Codes = std::vector<std::string>;
namespace fs = std::filesystem;

class Arrival : public DropFolderScene {
 protected:
  // Whether this file system tells that a file is open for writing.
  bool leases_work() {
    const fs::path probe = inbox() / ".probe";
    std::ofstream writer(probe);
    const int fd = ::open(probe.c_str(), O_RDONLY | O_CLOEXEC);
    ::fcntl(fd, F_SETSIG, SIGURG);
    const bool refused = ::fcntl(fd, F_SETLEASE, F_RDLCK) != 0 && errno == EAGAIN;
    ::close(fd);
    return refused;
  }
  void set_mtime(const std::string& name, std::int64_t at) {
    const timespec times[2] = {{at, 0}, {at, 0}};
    ASSERT_EQ(::utimensat(AT_FDCWD, (inbox() / name).c_str(), times, 0), 0);
  }
};

TEST_F(Arrival, AFileThatWasClosedIsTakenAtOnce) {
  ASSERT_TRUE(start().ok());
  host.run_until_idle();
  drop("a.txt", "one\ntwo\n");
  host.run_until_idle();  // no time passes
  EXPECT_EQ(stored(), (Codes{"one", "two"}));
  EXPECT_TRUE(in_done("a.txt"));
  EXPECT_FALSE(in_inbox("a.txt"));
  EXPECT_EQ(host.log.count("DROP_FILE_DONE"), 1U);
  EXPECT_EQ(adapter->health().state, sdk::HealthState::Healthy);
  EXPECT_EQ(adapter->health().records, 2U);
}

TEST_F(Arrival, AFileThatWasMovedInIsTakenAtOnce) {
  ASSERT_TRUE(start().ok());
  host.run_until_idle();
  drop(".a.txt.upload", "one\n");
  host.run_until_idle();
  EXPECT_TRUE(stored().empty());  // a name with a leading dot is never read
  fs::rename(inbox() / ".a.txt.upload", inbox() / "a.txt");
  host.run_until_idle();
  EXPECT_EQ(stored(), Codes{"one"});
}

TEST_F(Arrival, AHalfWrittenFileIsLeftAloneUntilItIsClosed) {
  ASSERT_TRUE(start().ok());
  host.run_until_idle();
  std::ofstream writer(inbox() / "a.txt");
  writer << "one\ntw" << std::flush;
  host.run_until_idle();
  host.advance(seconds(4));
  EXPECT_TRUE(stored().empty());
  if (leases_work()) {
    host.advance(seconds(600));  // long beyond settle: it is open for writing, so it is not finished
    EXPECT_TRUE(stored().empty());
    EXPECT_TRUE(in_inbox("a.txt"));
  }
  writer << "o\n";
  writer.close();
  host.run_until_idle();
  host.advance(seconds(5));
  EXPECT_EQ(stored(), (Codes{"one", "two"}));
}

TEST_F(Arrival, AFileThatNobodySawClosedIsTakenWhenItSettled) {
  drop("a.txt", "one\n");
  ASSERT_TRUE(start().ok());
  host.run_until_idle();
  host.advance(seconds(4));
  EXPECT_TRUE(stored().empty());
  host.advance(seconds(1));
  EXPECT_EQ(stored(), Codes{"one"});
}

TEST_F(Arrival, AFileThatGrowsMustSettleAnew) {
  drop("a.txt", "one\n");
  ASSERT_TRUE(start().ok());
  host.run_until_idle();
  host.advance(seconds(3));
  {
    std::ofstream writer(inbox() / "a.txt", std::ios::app);
    writer << "two\n" << std::flush;
    host.advance(seconds(4));  // looked at after 5 s: changed since
    EXPECT_TRUE(stored().empty());
  }
  host.run_until_idle();
  host.advance(seconds(5));
  EXPECT_EQ(stored(), (Codes{"one", "two"}));
}

TEST_F(Arrival, TheOldestFileComesFirstThenByName) {
  drop("c.txt", "oldest\n");
  drop("b.txt", "second\n");
  drop("a.txt", "third\n");
  drop("0.txt", "newest\n");
  set_mtime("c.txt", 1'000);
  set_mtime("a.txt", 2'000);
  set_mtime("b.txt", 2'000);
  set_mtime("0.txt", 3'000);
  ASSERT_TRUE(start().ok());
  host.advance(seconds(5));
  EXPECT_EQ(stored(), (Codes{"oldest", "third", "second", "newest"}));
}

TEST_F(Arrival, TemporaryNamesAreLeftAlone) {
  for (const char* name : {"a.tmp", "a.part", ".hidden"}) drop(name, "one\n");
  ASSERT_TRUE(start().ok());
  host.run_until_idle();
  host.advance(seconds(120));
  EXPECT_TRUE(stored().empty());
  EXPECT_TRUE(in_inbox("a.tmp") && in_inbox("a.part") && in_inbox(".hidden"));
  EXPECT_EQ(adapter->health().pending_files, 0U);
}

TEST_F(Arrival, ASecondFileOfTheSameNameFindsAFreeOne) {
  ASSERT_TRUE(start().ok());
  host.run_until_idle();
  drop("a.txt", "one\n");
  host.run_until_idle();
  drop("a.txt", "two\n");
  host.run_until_idle();
  EXPECT_EQ(stored(), (Codes{"one", "two"}));
  EXPECT_EQ(read(inbox() / "done" / "a.txt"), "one\n");
  EXPECT_EQ(read(inbox() / "done" / "a.txt.2"), "two\n");
}

TEST_F(Arrival, TheSameFileTwiceIsStoredOnce) {
  ASSERT_TRUE(start().ok());
  host.run_until_idle();
  drop("a.txt", "one\ntwo\n");
  host.run_until_idle();
  drop("a.txt", "one\ntwo\n");
  host.run_until_idle();
  EXPECT_EQ(stored(), (Codes{"one", "two"}));
  EXPECT_FALSE(in_inbox("a.txt"));
  EXPECT_EQ(host.log.count("DROP_FILE_DUPLICATE"), 1U);
}

TEST_F(Arrival, TheSameContentUnderAnotherNameIsStoredOnceEvenAfterARestart) {
  ASSERT_TRUE(start().ok());
  host.run_until_idle();
  drop("a.txt", "one\ntwo\n");
  host.run_until_idle();
  restart();
  ASSERT_TRUE(start().ok());
  host.run_until_idle();
  drop("again.txt", "one\ntwo\n");
  host.run_until_idle();
  EXPECT_EQ(stored(), (Codes{"one", "two"}));
  EXPECT_TRUE(in_done("again.txt"));
  EXPECT_EQ(host.log.count("DROP_FILE_DUPLICATE"), 1U);
}

TEST_F(Arrival, AFolderThatDisappearsIsMadeAgainAndWatchedAgain) {
  ASSERT_TRUE(start().ok());
  host.run_until_idle();
  fs::remove_all(inbox());
  host.run_until_idle();
  host.advance(seconds(30));
  drop("a.txt", "one\n");
  host.run_until_idle();
  EXPECT_EQ(stored(), Codes{"one"});
}

TEST_F(Arrival, AFolderThatCannotBeUsedShowsInHealthAndIsTriedAgain) {
  std::ofstream(inbox()) << "a file where the folder should be";
  ASSERT_TRUE(start().ok());
  host.run_until_idle();
  EXPECT_EQ(adapter->health().state, sdk::HealthState::Degraded);
  EXPECT_NE(adapter->health().reason.find(inbox().string()), std::string::npos) << adapter->health().reason;
  fs::remove(inbox());
  drop("a.txt", "one\n");
  host.advance(seconds(40));
  EXPECT_EQ(stored(), Codes{"one"});
  EXPECT_EQ(adapter->health().state, sdk::HealthState::Healthy);
  EXPECT_EQ(adapter->health().reason, "");
}

}  // namespace
}  // namespace ami::wire
