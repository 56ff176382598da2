// A journal in a folder of its own, asked in a straight line; and messages that tell whether they are right.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "storage/journal/journal.h"
#include "tests/daemon/support/temp_folder.h"

namespace ami::storage::testing {

using daemon::testing::TempFolder;

// What the journal told its operator.
struct Told {
  std::vector<JournalDamage> damages;
  std::vector<std::pair<bool, std::string>> failing;
  std::vector<bool> full;
  JournalEvents events();  // refers to this

 private:
  std::mutex mutex_;
};

std::unique_ptr<Journal> open(const std::string& path, Told& told, const JournalConfig& config = {});

UtcInstant second(int n);  // n seconds after some midnight

Result<std::uint64_t> append(Journal& journal, const std::string& key, const std::string& body, int time = 0,
                             const std::string& feed = "feed");
Outcome trim(Journal& journal, std::vector<std::uint64_t> ids, const std::string& feed = "feed");
Result<std::vector<StoredMessage>> read(Journal& journal, std::uint64_t after = 0,
                                        std::size_t count = 1'000'000,
                                        std::uint64_t bytes = std::uint64_t{1} << 40,
                                        const std::string& feed = "feed");
// Bodies of all messages of "feed", in order; "?" alone when reading fails.
std::vector<std::string> bodies(Journal& journal);

// Body number n: of 10 to 9,000 bytes, every one different, and made again from its number alone.
std::string body(int n);
std::string key_of(int n);
// The number of a message that is one of the above, whole, under its key; nullopt = it is not.
std::optional<int> number_of(const StoredMessage& message);

// Runs `work` in a child process. Returns its exit code, or 128 + signal.
int in_child(const std::function<void()>& work);

}  // namespace ami::storage::testing
