// The durable inbox of pushed messages that are not yet in the database.
//
// A message that append() said yes to survives the end of the process and of the machine: it is written and
// synced before. One thread does all the writing; what is asked for while it syncs shares the next sync.
// Messages are kept per feed, in the order of their ids, until they are trimmed.
//
// A damaged file is set aside whole, what can be read of it is carried over into a fresh one message by
// message, and the loss is reported: see docs/journal.md.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "meter_model/result.h"
#include "meter_model/time/instant.h"
#include "storage/journal/entry.h"

namespace ami::storage {

struct JournalConfig {
  std::string path;                                  // a folder of its own; made when missing
  std::uint64_t max_bytes = std::uint64_t{1} << 30;  // of messages and keys; the file is about a fifth larger
  std::uint64_t max_messages = 1'000'000;            // each takes about 200 bytes of memory while it is kept
  std::string vfs{};                                 // SQLite's file system; empty = the system's
};

struct JournalDamage {
  std::string reason;          // what was found
  std::string set_aside;       // folder that now holds the damaged files
  std::uint64_t salvaged = 0;  // messages that go on in the fresh file
  // Messages that could not be read any more; nullopt: nothing is left that says how many there were.
  std::optional<std::uint64_t> lost;
  bool exact = false;  // false: `lost` is a lower bound, from the damaged file's own tally
};

// What an operator should know. Called on the writing thread, or by open(); must not throw.
struct JournalEvents {
  std::function<void(const JournalDamage&)> damaged = [](const JournalDamage&) {};
  // Writing fails (true, with the reason: disk full, say) or works again (false).
  std::function<void(bool failing, const std::string& reason)> failing = [](bool, const std::string&) {};
  // Messages are refused because a bound is reached (true), or there is room again (false).
  std::function<void(bool full)> full = [](bool) {};
};

struct JournalFeedFigures {
  std::string feed;
  std::uint64_t messages = 0, bytes = 0;
  std::optional<UtcInstant> oldest;  // receipt of the first message that is kept
};

struct JournalFigures {
  std::vector<JournalFeedFigures> feeds;     // every feed that had a message since the journal was opened
  std::uint64_t messages = 0, bytes = 0;     // of all feeds
  std::uint64_t waiting = 0;                 // messages handed in and not durable yet
  std::uint64_t appended = 0, repeated = 0;  // since it was opened; repeated = was there already
  std::uint64_t refused = 0;                 // pushed back: full, or writing failed
  std::uint64_t commits = 0;                 // transactions: appended / commits = messages that share one
  std::uint64_t damages = 0, salvaged = 0, lost = 0;
};

// Thread-safe. Answers come on the writing thread, refusals of append() at once: they must be quick and must
// not throw.
class Journal {
 public:
  using Appended = std::function<void(Result<std::uint64_t> id)>;
  using Trimmed = std::function<void(Outcome)>;
  using Messages = std::function<void(Result<std::vector<StoredMessage>>)>;

  // Blocking. Makes what is missing, reads and checks all of it, salvages a damaged file. Transient: in use
  // by another process, no space, not permitted: nothing was changed and it may be tried again.
  static Result<std::unique_ptr<Journal>> open(JournalConfig config, JournalEvents events);
  ~Journal();  // ends what was handed in, then closes
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  // Answers when the message is durable. A message that the journal still holds (same feed, key and content)
  // is not stored again: its id is the answer. Transient: a bound is reached or the disk fails; the message
  // is not in the journal, the sender should send it again. Permanent: larger than the journal takes.
  void append(std::string feed, std::string key, std::string body, UtcInstant received_at, Appended done);

  // The feed's messages with ids above `after`, in order: at most `count`, and at most `bytes` unless the
  // first alone is larger.
  void read(std::string feed, std::uint64_t after, std::size_t count, std::uint64_t bytes, Messages done);

  // Forgets messages that are stored elsewhere. Ids that are not there are passed over.
  void trim(std::string feed, std::vector<std::uint64_t> ids, Trimmed done);

  [[nodiscard]] JournalFigures figures() const;

 private:
  class Impl;
  explicit Journal(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace ami::storage
