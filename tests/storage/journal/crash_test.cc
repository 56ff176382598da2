// The process ends at every change of a file, whole or in the middle of it; then at random moments; then the
// machine loses what was not synced.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <random>
#include <set>
#include <thread>

#include "meter_model/failpoint.h"
#include "tests/storage/journal/scene.h"
#include "tests/storage/journal/watched_disk.h"

namespace ami::storage::testing {
namespace {
namespace fs = std::filesystem;

// What a child says before it ends: +n = message n was acknowledged, -n = it is about to be trimmed.
class Tell {
 public:
  Tell() { EXPECT_EQ(pipe(ends_), 0); }
  ~Tell() {
    for (const int end : ends_) {
      if (end >= 0) close(end);
    }
  }
  Tell(const Tell&) = delete;
  Tell& operator=(const Tell&) = delete;
  void say(int n) const {
    if (write(ends_[1], &n, sizeof n) != sizeof n) _exit(3);
  }
  bool hear(int& n) const { return ::read(ends_[0], &n, sizeof n) == sizeof n; }
  void no_more() {
    close(ends_[1]);
    ends_[1] = -1;
  }
  std::pair<std::set<int>, std::set<int>> all() {  // acknowledged, perhaps trimmed
    no_more();
    std::pair<std::set<int>, std::set<int>> said;
    for (int n = 0; hear(n);) (n > 0 ? said.first : said.second).insert(std::abs(n));
    return said;
  }

 private:
  int ends_[2] = {-1, -1};
};

// Three writers; each appends its share and trims every third message that it appended.
void work(Journal& journal, int count, const std::function<void(int)>& say) {
  std::vector<std::thread> writers;
  for (int w = 0; w < 3; ++w) {
    writers.emplace_back([&, w] {
      for (int n = 1 + w; n <= count; n += 3) {
        const auto id = append(journal, key_of(n), body(n), n);
        if (!id.ok()) continue;
        say(n);
        if (n % 9 == 1 + w) {
          say(-n);
          (void)trim(journal, {*id});
        }
      }
    });
  }
  for (auto& writer : writers) writer.join();
}

// Everything acknowledged and not trimmed is there; nothing is there that was not put.
void expect_recovered(const std::string& path, const std::set<int>& acknowledged,
                      const std::set<int>& trimmed, const std::string& when) {
  Told told;
  const auto journal = open(path, told);
  ASSERT_TRUE(journal) << when;
  EXPECT_TRUE(told.damages.empty()) << when << ": " << told.damages[0].reason;
  const auto messages = read(*journal);
  ASSERT_TRUE(messages.ok()) << when << ": " << messages.error().message;
  std::set<int> found;
  for (const auto& message : *messages) {
    const auto n = number_of(message);
    ASSERT_TRUE(n) << when << ": a message that nobody sent";
    EXPECT_TRUE(found.insert(*n).second) << when << ": twice";
  }
  for (const int n : acknowledged) {
    EXPECT_TRUE(found.contains(n) || trimmed.contains(n)) << when << ": message " << n << " is lost";
  }
  EXPECT_TRUE(append(*journal, "k", "goes on").ok()) << when;
}

TEST(JournalCrash, AtEachChangeOfAFileNothingAcknowledgedIsLost) {
  std::mt19937 random(4);
  int points = 0;
  for (int point = 1;; point += 1 + point / 40) {
    const TempFolder folder;
    Tell tell;
    const auto torn = random();
    const int code = in_child([&] {
      std::atomic<int> changes{0};
      WatchedDisk disk([&](const DiskChange& change) {
        if (++changes < point) return Verdict{};
        return Verdict{0, change.data.empty() ? 0 : torn % (change.data.size() + 1)};
      });
      Told told;
      JournalConfig config;
      config.vfs = WatchedDisk::name();
      const auto journal = open(folder.path("j"), told, config);
      work(*journal, 15, [&](int n) { tell.say(n); });
    });
    const auto [acknowledged, trimmed] = tell.all();
    expect_recovered(folder.path("j"), acknowledged, trimmed, "change " + std::to_string(point));
    if (code == 0) break;  // all was done before that change came
    ASSERT_EQ(code, 137);
    ++points;
    if (HasFailure()) break;
  }
  EXPECT_GT(points, 60) << "opening, fifteen messages and a checkpoint are more changes than that";
}

TEST(JournalCrash, KilledAtAnyMomentWithManyWritersNothingAcknowledgedIsLost) {
  std::mt19937 random(5);
  const TempFolder folder;  // the same journal again and again
  std::set<int> acknowledged, trimmed;
  int first = 1;
  for (int round = 0; round < 8; ++round) {
    Tell tell;
    const pid_t child = fork();
    if (child == 0) {
      Told told;
      const auto journal = open(folder.path("j"), told);
      std::vector<std::thread> writers;
      for (int w = 0; w < 16; ++w) {
        writers.emplace_back([&, w] {
          for (int n = first + w; n < first + 4000; n += 16) {
            if (append(*journal, key_of(n), body(n), n).ok()) tell.say(n);
          }
        });
      }
      for (auto& writer : writers) writer.join();
      _exit(0);
    }
    tell.no_more();
    const auto enough = 20 + random() % 400;
    int n = 0;
    for (std::size_t heard = 0; heard < enough && tell.hear(n); ++heard) acknowledged.insert(n);
    kill(child, SIGKILL);
    while (tell.hear(n)) acknowledged.insert(n);
    waitpid(child, nullptr, 0);
    first += 4000;
    expect_recovered(folder.path("j"), acknowledged, trimmed, "round " + std::to_string(round));
    // What "goes on" left behind is not one of the numbered messages.
    Told told;
    const auto journal = open(folder.path("j"), told);
    const auto messages = read(*journal);
    for (const auto& message : *messages) {
      if (message.body == "goes on") {
        ASSERT_TRUE(trim(*journal, {message.id}).ok());
      }
    }
    if (HasFailure()) return;
  }
  EXPECT_GT(acknowledged.size(), 160U);
}

TEST(JournalCrash, AtEachFailpointNothingAcknowledgedIsLost) {
  for (const std::string name : {"journal.before_sync", "journal.after_sync"}) {
    for (int time = 1; time <= 6; ++time) {
      const TempFolder folder;
      Tell tell;
      const int code = in_child([&] {
        static std::string wanted;
        static std::atomic<int> left;
        wanted = name;
        left = time;
        failpoint_handler = [](const char* reached) {
          if (reached == wanted && --left == 0) kill(getpid(), SIGKILL);
        };
        Told told;
        const auto journal = open(folder.path("j"), told);
        work(*journal, 30, [&](int n) { tell.say(n); });
      });
      EXPECT_EQ(code, 128 + SIGKILL);
      const auto [acknowledged, trimmed] = tell.all();
      expect_recovered(folder.path("j"), acknowledged, trimmed, name + " " + std::to_string(time));
    }
  }
}

// Files as they would be found after a power cut just before change `cut`: what was synced is there; of what
// was written since, each 512-byte sector is there or not, as chance has it.
class PowerCut {
 public:
  PowerCut(const std::vector<DiskChange>& changes, std::size_t cut, std::mt19937& random) {
    for (std::size_t i = 0; i < cut; ++i) {
      const auto& change = changes[i];
      auto& file = files_[change.file];
      if (change.kind == DiskChange::Kind::Sync) {
        for (const auto* pending : file.pending) make(file.bytes, *pending, 0, pending->data.size());
        file.pending.clear();
      } else if (change.kind == DiskChange::Kind::Delete) {
        files_.erase(change.file);
      } else {
        file.pending.push_back(&change);
      }
    }
    for (auto& [name, file] : files_) {
      for (const auto* pending : file.pending) {
        if (pending->kind == DiskChange::Kind::Truncate) {
          if (random() % 2 == 0) make(file.bytes, *pending, 0, 0);
          continue;
        }
        for (std::size_t from = 0; from < pending->data.size();) {
          const auto to = std::min(pending->data.size(), from + 512 - (pending->offset + from) % 512);
          if (random() % 3 != 0) make(file.bytes, *pending, from, to);
          from = to;
        }
      }
    }
  }

  void write_to(const std::string& folder) const {
    fs::create_directories(folder);
    for (const auto& [name, file] : files_) {
      std::ofstream(folder + "/" + name, std::ios::binary)
          .write(file.bytes.data(), static_cast<std::streamsize>(file.bytes.size()));
    }
  }

 private:
  struct File {
    std::string bytes;
    std::vector<const DiskChange*> pending;
  };
  static void make(std::string& bytes, const DiskChange& change, std::size_t from, std::size_t to) {
    if (change.kind == DiskChange::Kind::Truncate) {
      bytes.resize(change.offset);
      return;
    }
    if (bytes.size() < change.offset + to) bytes.resize(change.offset + to, '\0');
    bytes.replace(change.offset + from, to - from, change.data, from, to - from);
  }
  std::map<std::string, File> files_;
};

TEST(JournalCrash, APowerCutLosesNothingAcknowledgedAndIsNotTakenForDamage) {
  std::mutex mutex;
  std::vector<DiskChange> changes;
  std::vector<std::pair<std::size_t, int>>
      said;  // changes made until then, message (negative: to be trimmed)
  std::size_t opened = 0;
  {
    const TempFolder folder;
    WatchedDisk disk([&](const DiskChange& change) {
      const std::lock_guard lock(mutex);
      changes.push_back(change);
      return Verdict{};
    });
    JournalConfig config;
    config.vfs = WatchedDisk::name();
    Told told;
    const auto journal = open(folder.path("j"), told, config);
    opened = changes.size();
    work(*journal, 2400, [&](int n) {
      const std::lock_guard lock(mutex);
      said.emplace_back(changes.size(), n);
    });
  }
  const auto is_checkpoint = [](const DiskChange& change) { return change.file == "journal.db"; };
  std::vector<std::size_t> cuts;
  for (std::size_t i = opened; i < changes.size(); ++i) {
    if (is_checkpoint(changes[i]) && (i == opened || !is_checkpoint(changes[i - 1]))) {
      for (std::size_t near = 0; near < 8; ++near) cuts.push_back(std::min(changes.size(), i + near * near));
    }
  }
  ASSERT_GE(cuts.size(), 16U) << "at least one checkpoint while at work, and the one at the end";
  std::mt19937 random(6);
  for (int n = 0; n < 24; ++n) cuts.push_back(opened + random() % (changes.size() - opened + 1));
  for (const auto cut : cuts) {
    std::set<int> acknowledged, trimmed;
    for (const auto& [when, n] : said) {
      if (n > 0 && when <= cut) acknowledged.insert(n);
      if (n < 0 && when <= cut) trimmed.insert(-n);
    }
    const TempFolder folder;
    PowerCut(changes, cut, random).write_to(folder.path("j/inbox"));
    expect_recovered(folder.path("j"), acknowledged, trimmed,
                     "power cut before change " + std::to_string(cut));
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace ami::storage::testing
