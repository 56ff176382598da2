// Bad input gets a clear answer, and nothing is lost.
#include <sys/resource.h>
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

class Rejection : public DropFolderScene {
 protected:
  void begin() {
    ASSERT_TRUE(start().ok());
    host.run_until_idle();
  }
  bool says(const std::string& name, const std::string& words) {
    const bool found = reason(name).find(words) != std::string::npos;
    if (!found) ADD_FAILURE() << "no \"" << words << "\" in:\n" << reason(name);
    return found;
  }
};

TEST_F(Rejection, ATruncatedFileIsRejectedAndItsGoodRecordsAreStored) {
  begin();
  drop("a.txt", "one\ntwo\nthr");
  host.run_until_idle();
  EXPECT_EQ(stored(), (Codes{"one", "two"}));
  EXPECT_TRUE(in_rejected("a.txt"));
  EXPECT_TRUE(says("a.txt", "problem: cannot be read to its end: cut short at byte 8"));
  EXPECT_TRUE(says("a.txt", "Records up to byte 8 of 11 are stored"));
  EXPECT_TRUE(says("a.txt", "records stored in this run: 2"));
  EXPECT_TRUE(says("a.txt", "file: a.txt\n"));
  EXPECT_EQ(adapter->health().state, sdk::HealthState::Degraded);
  EXPECT_EQ(adapter->health().malformed, 1U);
}

TEST_F(Rejection, TheSameTruncatedFileAgainStoresNothingTwice) {
  begin();
  drop("a.txt", "one\ntwo\nthr");
  host.run_until_idle();
  drop("a.txt", "one\ntwo\nthr");
  host.run_until_idle();
  EXPECT_EQ(stored(), (Codes{"one", "two"}));
  EXPECT_TRUE(in_rejected("a.txt.2"));
  EXPECT_TRUE(says("a.txt.2", "cut short at byte 8"));
}

TEST_F(Rejection, TheCorrectedFileIsStoredWhole) {
  begin();
  drop("a.txt", "one\nthr");
  host.run_until_idle();
  drop("a.txt", "one\nthree\n");
  host.run_until_idle();
  // Other content is another source: "one" comes again and is the store's to merge.
  EXPECT_EQ(stored(), (Codes{"one", "one", "three"}));
  EXPECT_TRUE(in_done("a.txt"));
  EXPECT_EQ(adapter->health().state, sdk::HealthState::Healthy);  // a later file went through
}

TEST_F(Rejection, WhatStandsBehindABreakIsNotRead) {
  begin();
  drop("a.txt", "one\nBREAK\ntwo\n");
  host.run_until_idle();
  EXPECT_EQ(stored(), Codes{"one"});
  EXPECT_TRUE(says("a.txt", "broken at byte 4"));
}

TEST_F(Rejection, ABadRecordCostsNeitherItsNeighboursNorTheFile) {
  begin();
  drop("a.txt", "one\nbad1\ntwo\n");
  host.run_until_idle();
  EXPECT_EQ(stored(), (Codes{"one", "two"}));
  ASSERT_EQ(host.store.committed.size(), 1U);
  ASSERT_EQ(host.store.committed[0].batch.malformed.size(), 1U);
  EXPECT_EQ(host.store.committed[0].batch.malformed[0].offset, 4U);
  EXPECT_TRUE(in_done("a.txt"));
}

TEST_F(Rejection, AFileWithoutOneReadableRecordIsRejected) {
  begin();
  drop("a.txt", "bad1\nbad2\n");
  host.run_until_idle();
  EXPECT_TRUE(in_rejected("a.txt"));
  EXPECT_TRUE(says(
      "a.txt", "not one record in it can be read; the first fault is bad_line at byte 0: begins with bad"));
}

TEST_F(Rejection, AFileWithoutOneReadableRecordIsReadAgainWhenItComesAgain) {
  begin();
  drop("a.txt", "bad1\nbad2\n");
  host.run_until_idle();
  drop("a.txt", "bad1\nbad2\n");  // the settings may have been put right since
  host.run_until_idle();
  EXPECT_EQ(host.store.committed.size(), 2U);
  EXPECT_EQ(host.store.committed[1].source.offset, 0U);
  EXPECT_EQ(host.log.count("DROP_FILE_DUPLICATE"), 0U);
}

TEST_F(Rejection, AnEmptyFileIsRejectedOnceItSettled) {
  begin();
  drop("a.txt", "");
  host.run_until_idle();
  EXPECT_TRUE(in_inbox("a.txt"));  // its sender may only have begun
  host.advance(seconds(5));
  EXPECT_TRUE(in_rejected("a.txt"));
  EXPECT_TRUE(says("a.txt", "problem: is empty"));
}

TEST_F(Rejection, ADirectoryALinkAndAPipeAreRejectedAndTheRestGoesOn) {
  begin();
  const fs::path secret = inbox().parent_path() / "secret.txt";
  std::ofstream(secret) << "secret\n";
  fs::create_directory(inbox() / "folder");
  fs::create_symlink(secret, inbox() / "link");
  ASSERT_EQ(::mkfifo((inbox() / "pipe").c_str(), 0600), 0);
  drop("good.txt", "one\n");
  host.run_until_idle();
  host.advance(seconds(6));
  EXPECT_EQ(stored(), Codes{"one"});  // the link was not followed
  EXPECT_TRUE(says("folder", "is a directory; only plain files are read"));
  EXPECT_TRUE(says("link", "is a symbolic link; only plain files are read"));
  EXPECT_TRUE(says("pipe", "is a named pipe; only plain files are read"));
  EXPECT_TRUE(fs::is_symlink(inbox() / "rejected" / "link"));
  EXPECT_EQ(read(secret), "secret\n");
  EXPECT_EQ(adapter->health().state, sdk::HealthState::Degraded);
}

// Runs as an unprivileged user for as long as it lives; root may read everything.
class Unprivileged {
 public:
  explicit Unprivileged(const fs::path& folder) {
    if (::geteuid() != 0) return;
    for (const fs::path& path : {folder.parent_path(), folder, folder / "done", folder / "rejected"}) {
      if (::chown(path.c_str(), kNobody, kNobody) != 0) ADD_FAILURE() << "chown " << path;
    }
    was_root_ = ::seteuid(kNobody) == 0;
  }
  ~Unprivileged() {
    if (was_root_ && ::seteuid(0) != 0) ADD_FAILURE() << "cannot become root again";
  }

 private:
  static constexpr uid_t kNobody = 65534;
  bool was_root_ = false;
};

TEST_F(Rejection, AnUnreadableFileIsRejectedWithTheSystemsReason) {
  begin();
  drop("a.txt", "one\n");
  ASSERT_EQ(::chmod((inbox() / "a.txt").c_str(), 0), 0);
  const Unprivileged user(inbox());
  host.run_until_idle();
  host.advance(seconds(6));
  EXPECT_TRUE(in_rejected("a.txt"));
  EXPECT_TRUE(says("a.txt", "problem: cannot be opened: Permission denied"));
  EXPECT_NE(adapter->health().reason.find("Permission denied"), std::string::npos)
      << adapter->health().reason;
}

// No byte can be written to a file as long as it lives: what a full disk does, on any file system.
class NoSpace {
 public:
  NoSpace() {
    ::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit none{0, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &none);
  }
  ~NoSpace() { ::setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_{};
};

TEST_F(Rejection, WithoutSpaceForTheReasonTheFileStaysAndIsMovedLater) {
  begin();
  drop("a.txt", "one\ncut");
  {
    const NoSpace full;
    host.run_until_idle();
    host.advance(seconds(60));
    EXPECT_EQ(adapter->health().state, sdk::HealthState::Degraded);
    EXPECT_NE(adapter->health().reason.find("a.txt.reason.txt"), std::string::npos)
        << adapter->health().reason;
    EXPECT_TRUE(in_inbox("a.txt"));
    EXPECT_FALSE(in_rejected("a.txt"));
    EXPECT_TRUE(fs::is_empty(inbox() / "rejected"));  // no half reason file
    EXPECT_GE(host.log.count("DROP_FOLDER_TROUBLE"), 1U);
  }
  host.advance(seconds(6));
  EXPECT_TRUE(in_rejected("a.txt"));
  EXPECT_TRUE(says("a.txt", "cut short at byte 4"));
  EXPECT_EQ(stored(), Codes{"one"});
}

TEST_F(Rejection, ARecordLongerThanAReadBufferIsABreakAndNotAnEndlessLoop) {
  config.chunk_bytes = 8;
  restart();
  begin();
  drop("a.txt", "one\n0123456789\n");
  host.run_until_idle();
  EXPECT_EQ(stored(), Codes{"one"});
  EXPECT_TRUE(says("a.txt", "at byte 4: a record is longer than 8 bytes"));
}

TEST_F(Rejection, ANameAsLongAsNamesMayBeStillGetsItsReasonFile) {
  begin();
  const std::string name(255, 'n');
  drop(name, "bad\n");
  host.run_until_idle();
  EXPECT_FALSE(in_inbox(name));
  EXPECT_TRUE(in_rejected(name.substr(0, 244)));
  EXPECT_TRUE(says(name.substr(0, 244), "not one record"));
}

TEST_F(Rejection, AnOddNameIsWrittenSafely) {
  begin();
  drop("a\n\xff.txt", "one\n");
  host.run_until_idle();
  ASSERT_EQ(host.store.committed.size(), 1U);
  EXPECT_EQ(host.store.committed[0].source.name, "a\\x0a\\xff.txt");
  EXPECT_TRUE(in_done("a\n\xff.txt"));
}

}  // namespace
}  // namespace ami::wire
