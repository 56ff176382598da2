// Channel-days that were read before. PostgreSQL spends most of a read of intervals on writing out their
// arrays element by element, so a row that has not changed since is not asked for twice.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <mutex>
#include <string>
#include <unordered_map>

#include "storage/postgres/interval_merge.h"

namespace ami::storage {

// Bounded; the day that was used longest ago goes first. Thread-safe. It never decides what is visible: rows
// are found by what the server says is there now, and are used only in the very state that it names.
class DayCache {
 public:
  explicit DayCache(std::size_t bytes) : bound_(bytes) {}  // 0 = keeps nothing

  struct Key {
    std::int64_t channel = 0;
    std::int32_t day = 0, length_s = 0;
    bool operator==(const Key&) const = default;
  };
  // One state of one row: its version, and the transaction that wrote it (a row that was dropped and came
  // again counts its versions anew).
  struct State {
    std::int64_t version = 0;
    std::int32_t written_by = 0;
    bool operator==(const State&) const = default;
  };

  // `server`: which database, and in which of its lives; another one's days are forgotten.
  [[nodiscard]] bool knows_any_of(const std::string& server, std::int64_t channel);
  [[nodiscard]] bool find(const std::string& server, const Key& key, const State& state,
                          SlotRow::Stored& out);
  void put(const std::string& server, const Key& key, const State& state, const SlotRow::Stored& row);

 private:
  struct Hash {
    std::size_t operator()(const Key& key) const noexcept;
  };
  struct Entry {
    Key key;
    State state;
    SlotRow::Stored row;
    std::size_t bytes = 0;
  };
  using Entries = std::list<Entry>;
  void drop(Entries::iterator entry);

  const std::size_t bound_;
  std::mutex mutex_;  // guards what follows
  std::string server_;
  std::size_t bytes_ = 0;
  Entries entries_;  // used last = first
  std::unordered_map<Key, Entries::iterator, Hash> index_;
  std::unordered_map<std::int64_t, std::size_t> of_channel_;  // entries of each
};

}  // namespace ami::storage
