// What the journal holds, in memory: where it is read in order and where a repetition is found.
#pragma once

#include <cstring>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>

#include "storage/journal/journal.h"

namespace ami::storage {

struct DigestHash {
  std::size_t operator()(const Digest& digest) const noexcept {
    std::size_t hash;
    std::memcpy(&hash, digest.data(), sizeof hash);
    return hash;
  }
};

// Used by the writing thread alone.
class JournalIndex {
 public:
  struct Entry {
    std::uint64_t bytes = 0;
    UtcInstant received_at{};
    Digest identity{};
  };
  struct Feed {
    std::map<std::uint64_t, Entry> entries;  // by id
    std::unordered_map<Digest, std::uint64_t, DigestHash> by_identity;
    std::uint64_t bytes = 0;
  };

  // Same key and content = the same message.
  static Digest identity_of(const StoredMessage& message);

  void add(const StoredMessage& message);
  void erase(const std::string& feed, std::uint64_t id);
  [[nodiscard]] const Feed* find(const std::string& feed) const;
  [[nodiscard]] const std::map<std::string, Feed>& feeds() const noexcept { return feeds_; }
  [[nodiscard]] std::uint64_t messages() const noexcept { return messages_; }
  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] std::optional<std::uint64_t> lowest() const;
  [[nodiscard]] std::set<std::uint64_t> ids() const;

 private:
  std::map<std::string, Feed> feeds_;
  std::uint64_t messages_ = 0, bytes_ = 0;
};

}  // namespace ami::storage
