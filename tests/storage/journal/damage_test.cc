// Files that are not any more what was written: nothing wrong comes out, nothing is lost without a word.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <set>

#include "meter_model/failpoint.h"
#include "tests/storage/journal/scene.h"
#include "tests/storage/journal/watched_disk.h"

namespace ami::storage::testing {
namespace {
namespace fs = std::filesystem;
using ::testing::HasSubstr;

constexpr int kMessages = 60;

std::string load(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}
void save(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

struct Found {
  std::set<int> numbers;
  std::size_t count = 0;
  bool wrong = false;
};
Found find(Journal& journal) {
  Found found;
  const auto messages = read(journal);
  EXPECT_TRUE(messages.ok()) << messages.error().message;
  if (!messages) return found;
  for (const auto& message : *messages) {
    const auto n = number_of(message);
    if (n) found.numbers.insert(*n);
    if (!n || *n < 1 || *n > kMessages) found.wrong = true;
    ++found.count;
  }
  return found;
}

// A journal of messages 1 to 60 of which every fifth was trimmed, as its process left it: killed (most of it
// in the log), or closed (all of it in the database).
class Damage : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const bool killed : {true, false}) {
      const int code = in_child([&] {
        Told told;
        auto journal = open(original(killed), told);
        for (int n = 1; n <= kMessages; ++n) {
          const auto id = append(*journal, key_of(n), body(n), n);
          if (!id.ok() || (n % 5 == 0 && !trim(*journal, {*id}).ok())) _exit(1);
        }
        if (killed) _exit(9);
        journal.reset();
      });
      ASSERT_EQ(code, killed ? 9 : 0);
    }
    for (int n = 1; n <= kMessages; ++n) {
      if (n % 5 != 0) live_.insert(n);
    }
  }

  std::string original(bool killed) const { return folder_.path(killed ? "killed" : "closed"); }
  // A fresh copy to be damaged.
  std::string copy(bool killed) {
    const auto path = folder_.path("copy-" + std::to_string(++copies_));
    fs::copy(original(killed), path, fs::copy_options::recursive);
    return path;
  }
  static std::string database(const std::string& path) { return path + "/inbox/journal.db"; }
  static std::string log(const std::string& path) { return path + "/inbox/journal.db-wal"; }

  // Opens a damaged journal and checks what holds for every damage; returns what was found.
  Found expect_honest(const std::string& path, Told& told, const std::string& how) {
    const auto journal = open(path, told);
    if (!journal) return {};
    const auto found = find(*journal);
    EXPECT_FALSE(found.wrong) << how << ": a wrong message came out";
    EXPECT_EQ(found.count, found.numbers.size()) << how << ": twice";
    std::uint64_t missing = 0, back = 0;
    for (const int n : live_) missing += !found.numbers.contains(n);
    for (const int n : found.numbers) back += !live_.contains(n);
    if (told.damages.empty()) {
      EXPECT_EQ(missing, 0U) << how << ": lost without a word";
      EXPECT_EQ(back, 0U) << how;
    } else {
      const auto& report = told.damages.back();
      EXPECT_EQ(told.damages.size(), 1U) << how;
      EXPECT_EQ(report.salvaged, found.count) << how;
      EXPECT_TRUE(fs::exists(report.set_aside + "/journal.db") || fs::exists(report.set_aside)) << how;
      EXPECT_FALSE(report.reason.empty());
      if (report.lost) {
        EXPECT_GE(*report.lost + back, missing) << how << ": not all that is lost is counted";
      }
      EXPECT_EQ(journal->figures().damages, 1U);
    }
    EXPECT_TRUE(append(*journal, key_of(kMessages + 1), body(kMessages + 1), kMessages + 1).ok()) << how;
    return found;
  }

  TempFolder folder_;
  std::set<int> live_;
  int copies_ = 0;
};

TEST_F(Damage, WithoutAnyNothingIsReported) {
  for (const bool killed : {true, false}) {
    Told told;
    EXPECT_EQ(expect_honest(copy(killed), told, "none").numbers, live_);
    EXPECT_TRUE(told.damages.empty());
  }
}

TEST_F(Damage, AnywhereInAnyFileNothingWrongComesOutAndNothingIsLostInSilence) {
  const auto seed = static_cast<unsigned>(::testing::UnitTest::GetInstance()->random_seed()) + 11U;
  std::mt19937 random(seed);
  std::size_t damaged = 0, all_back = 0;
  for (int round = 0; round < 150; ++round) {
    const bool killed = random() % 2 == 0;
    const auto path = copy(killed);
    const auto file = killed && random() % 4 != 0 ? log(path) : database(path);
    auto bytes = load(file);
    const auto kind = random() % 6;
    std::string how =
        "seed " + std::to_string(seed) + " round " + std::to_string(round) + " kind " + std::to_string(kind);
    const auto at = bytes.empty() ? 0 : random() % bytes.size();
    if (kind == 0) {
      bytes.resize(at);
    } else if (kind == 1) {
      const auto length = std::min<std::size_t>(bytes.size() - at, 1 + random() % 6000);
      bytes.replace(at, length, length, random() % 2 == 0 ? '\0' : '\xff');
    } else if (kind == 2 && bytes.size() > 9000) {
      const auto from = random() % (bytes.size() - 4096), to = random() % (bytes.size() - 4096);
      bytes.replace(to, 4096, bytes.substr(from, 4096));
    } else {
      for (auto left = 1 + random() % (kind == 3 ? 1 : 40); left > 0 && !bytes.empty(); --left) {
        bytes[random() % bytes.size()] ^= static_cast<char>(1U << (random() % 8));
      }
    }
    save(file, bytes);
    Told told;
    const auto found = expect_honest(path, told, how);
    damaged += !told.damages.empty();
    all_back += !told.damages.empty() &&
                std::includes(found.numbers.begin(), found.numbers.end(), live_.begin(), live_.end());
    {
      Told again;
      const auto journal = open(path, again);
      EXPECT_TRUE(again.damages.empty()) << how << ": what was salvaged must be whole";
      if (journal) {
        EXPECT_EQ(read(*journal)->size(), found.count + 1) << how;
      }
    }
    fs::remove_all(path);
    if (HasFailure()) return;
  }
  RecordProperty("damaged", static_cast<int>(damaged));
  RecordProperty("nothing_lost", static_cast<int>(all_back));
  EXPECT_GT(damaged, 30U);
  EXPECT_GT(all_back, 5U) << "damage of what holds no message must cost none";
}

TEST_F(Damage, OfOneMessageCostsThatMessageAlone) {
  const auto path = copy(false);
  auto bytes = load(database(path));
  const auto at = bytes.find(body(31).substr(0, 60));
  ASSERT_NE(at, std::string::npos);
  bytes[at + 30] ^= 1;
  save(database(path), bytes);
  Told told;
  auto expected = live_;
  expected.erase(31);
  EXPECT_EQ(expect_honest(path, told, "one byte").numbers, expected);
  ASSERT_EQ(told.damages.size(), 1U);
  EXPECT_EQ(told.damages[0].salvaged, expected.size());
  EXPECT_EQ(told.damages[0].lost, 1U);
  EXPECT_EQ(load(told.damages[0].set_aside + "/journal.db"), bytes) << "set aside as it was found";
}

TEST_F(Damage, OfTheFirstPageCostsOnlyWhatLiesInIt) {
  const auto path = copy(false);
  auto bytes = load(database(path));
  bytes.replace(0, 4096, 4096, 'x');
  save(database(path), bytes);
  Told told;
  EXPECT_EQ(expect_honest(path, told, "no header").numbers, live_) << "the first page holds no message";
}

TEST_F(Damage, OfTheLogInTheMiddleCostsNoMessageThatLiesBehindIt) {
  const auto path = copy(true);
  auto bytes = load(log(path));
  bytes[32 + 24 + 4120 * 3 + 2000] ^= 4;  // a page of the fourth frame: SQLite ends there
  save(log(path), bytes);
  Told told;
  const auto found = expect_honest(path, told, "log");
  ASSERT_EQ(told.damages.size(), 1U);
  EXPECT_THAT(told.damages[0].reason, HasSubstr("commit(s) cannot be read"));
  EXPECT_GE(found.numbers.size(), live_.size() - 2);
}

TEST_F(Damage, OfTheLogsEndOrAllOfItIsNoticed) {
  for (const double part : {0.9, 0.5, 0.1, 0.0}) {
    const auto path = copy(true);
    auto bytes = load(log(path));
    bytes.resize(static_cast<std::size_t>(static_cast<double>(bytes.size()) * part));
    save(log(path), bytes);
    Told told;
    expect_honest(path, told, "cut");
    ASSERT_EQ(told.damages.size(), 1U) << part;
    ASSERT_TRUE(told.damages[0].lost) << "the witness says how many there were";
    if (part < 0.2) {
      EXPECT_GT(*told.damages[0].lost, 30U);
    }
  }
  const auto path = copy(true);
  fs::remove(log(path));
  Told told;
  expect_honest(path, told, "no log");
  EXPECT_EQ(told.damages.size(), 1U);
}

TEST_F(Damage, AMissingOrEmptyDatabaseFileIsNotTakenForAFreshOne) {
  for (const bool missing : {true, false}) {
    const auto path = copy(true);
    fs::remove(database(path));
    if (!missing) save(database(path), "");
    Told told;
    const auto found = expect_honest(path, told, "no database");
    ASSERT_EQ(told.damages.size(), 1U);
    EXPECT_TRUE(std::includes(found.numbers.begin(), found.numbers.end(), live_.begin(), live_.end()))
        << "all of it is in the log";
  }
}

TEST_F(Damage, AFileOfSomethingElseIsSetAsideWhole) {
  const TempFolder folder;
  folder.write("j/inbox/journal.db", std::string(9000, '#'));
  Told told;
  const auto journal = open(folder.path("j"), told);
  ASSERT_TRUE(journal);
  ASSERT_EQ(told.damages.size(), 1U);
  EXPECT_FALSE(told.damages[0].lost) << "unknown is not none";
  EXPECT_EQ(load(told.damages[0].set_aside + "/journal.db").size(), 9000U);
  EXPECT_THAT(fs::path(told.damages[0].set_aside).filename().string(),
              ::testing::MatchesRegex("damaged-2[0-9]{7}T[0-9]{6}(\\.[0-9]+)?Z"));
}

TEST_F(Damage, FoundWhileReadingIsRepairedAndTheLossIsExact) {
  const TempFolder folder;
  Told told;
  const auto journal = open(folder.path("j"), told);
  // Larger than SQLite's cache, so that reading goes to the file.
  std::vector<std::uint64_t> ids;
  for (char c = 'a'; c <= 'f'; ++c) ids.push_back(*append(*journal, "k", std::string(3 << 20, c)));
  ASSERT_TRUE(trim(*journal, {ids[1]}).ok());
  for (const auto* name : {"/inbox/journal.db", "/inbox/journal.db-wal"}) {
    auto bytes = load(folder.path("j") + name);
    const auto at = bytes.find(std::string(3000, 'd'));
    if (at == std::string::npos) continue;
    for (std::size_t i = at; i < bytes.size() && bytes[i] == 'd'; i += 100) {
      std::fstream file(folder.path("j") + name, std::ios::in | std::ios::out | std::ios::binary);
      file.seekp(static_cast<std::streamoff>(i));
      file.put('D');
      break;
    }
  }
  const auto messages = read(*journal);
  ASSERT_TRUE(messages.ok()) << messages.error().message;
  ASSERT_EQ(messages->size(), 4U);
  EXPECT_EQ((*messages)[0].id, ids[0]) << "under their own ids";
  EXPECT_EQ((*messages)[3].body, std::string(3 << 20, 'f'));
  ASSERT_EQ(told.damages.size(), 1U);
  EXPECT_EQ(told.damages[0].lost, 1U);
  EXPECT_TRUE(told.damages[0].exact);
  const auto figures = journal->figures();
  EXPECT_EQ(figures.lost, 1U);
  EXPECT_EQ(figures.salvaged, 4U);
  EXPECT_EQ(figures.messages, 4U);
  EXPECT_GT(*append(*journal, "k", "goes on"), ids[5]);
}

TEST_F(Damage, AnEndOfTheProcessWhileSalvagingLosesNothing) {
  const auto damaged = [&] {
    const auto path = copy(false);
    auto bytes = load(database(path));
    bytes[bytes.find(body(31).substr(0, 60)) + 30] ^= 1;
    save(database(path), bytes);
    return path;
  };
  auto expected = live_;
  expected.erase(31);
  int points = 0;
  for (int point = 1;; point += 1 + point / 8) {
    const auto path = damaged();
    const int code = in_child([&] {
      std::atomic<int> changes{0};
      WatchedDisk disk([&](const DiskChange&) { return ++changes < point ? Verdict{} : Verdict{0, 0}; });
      Told told;
      JournalConfig config;
      config.vfs = WatchedDisk::name();
      (void)open(path, told, config);
    });
    Told told;
    EXPECT_EQ(find(*open(path, told)).numbers, expected) << "change " << point;
    if (code == 0 || HasFailure()) break;
    ++points;
  }
  EXPECT_GT(points, 10);
  for (const std::string name : {"journal.salvaged", "journal.set_aside"}) {
    const auto path = damaged();
    const int code = in_child([&] {
      static std::string wanted;
      wanted = name;
      failpoint_handler = [](const char* reached) {
        if (reached == wanted) kill(getpid(), SIGKILL);
      };
      Told told;
      (void)open(path, told);
    });
    EXPECT_EQ(code, 128 + SIGKILL);
    Told told;
    EXPECT_EQ(find(*open(path, told)).numbers, expected) << name;
  }
}

}  // namespace
}  // namespace ami::storage::testing
