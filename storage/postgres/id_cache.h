// Ids of channels, quality sets and sources, found once and remembered. Each commit works on its own IdBook;
// what it made becomes visible to others only after its COMMIT.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "storage/ingest.h"
#include "storage/postgres/interval_merge.h"

struct pg_conn;

namespace ami::storage {

class Session;

class IdCache {
 public:
  struct Entries {
    std::unordered_map<std::string, std::int64_t> channels;     // by content
    std::unordered_map<std::string, std::int32_t> quality_ids;  // by content
    std::unordered_map<std::int32_t, ValueQuality> qualities;
    std::unordered_map<std::int64_t, Rank> ranks;  // by source id
  };
  // Runs `use(const Entries&)` under the lock. Ids of another server (Session::server) are forgotten first:
  // there they belong to others.
  template <class F>
  void read(const std::string& server, F&& use) {
    const std::lock_guard lock(mutex_);
    if (server_ != server) {
      entries_ = {};
      server_ = server;
    }
    use(std::as_const(entries_));
  }
  void add(const std::string& server, const Entries& fresh);
  void clear();

 private:
  std::mutex mutex_;
  std::string server_;
  Entries entries_;
};

// Counted per source for people; see table source.
struct SourceKey {
  RankStamp stamp{};
  TimeSource time_source = TimeSource::Device;
  auto operator<=>(const SourceKey&) const = default;
};
struct SourceCounts {
  std::int64_t registers = 0, interval_values = 0, events = 0;
};

class IdBook final : public Provenance {
 public:
  IdBook(IdCache& cache, const Session& session, const CommitUnit& unit);
  // What `other` resolved, for another transaction of the same unit.
  // Throws OtherServer when that one went on at another server, where its ids mean nothing.
  IdBook(const IdBook& other, const Session& session);

  [[nodiscard]] pg_conn* connection() const { return connection_; }
  void resolve_channels();   // fills channel()
  void resolve_qualities();  // fills quality()
  // `complete` = all values of the unit come in this transaction; else complete_sources() says when they
  // came.
  void resolve_sources(const std::map<SourceKey, SourceCounts>& wanted, bool complete);
  void complete_sources() const;
  // Makes rank_of and compare_quality know these ids, which were read from rows.
  void learn(std::span<const std::int64_t> sources, std::span<const std::int32_t> qualities);
  void publish() { cache_.add(server_, fresh_); }  // after COMMIT

  [[nodiscard]] std::int64_t channel(std::uint32_t index) const { return channels_.at(index); }
  [[nodiscard]] std::int32_t quality(std::uint32_t index) const { return qualities_.at(index); }
  [[nodiscard]] std::int64_t source(const SourceKey& key) const { return sources_.at(key); }
  [[nodiscard]] std::int64_t any_source() const { return sources_.begin()->second; }

  [[nodiscard]] const Rank& rank_of(std::int64_t source_id) const override { return ranks_.at(source_id); }
  [[nodiscard]] std::strong_ordering compare_quality(std::int32_t a, std::int32_t b) const override;

 private:
  IdCache& cache_;
  pg_conn* connection_;
  std::string server_;
  const CommitUnit& unit_;
  IdCache::Entries fresh_;
  std::vector<std::int64_t> channels_;
  std::vector<std::int32_t> qualities_;
  std::map<SourceKey, std::int64_t> sources_;
  std::unordered_map<std::int64_t, Rank> ranks_;
  std::unordered_map<std::int32_t, ValueQuality> quality_contents_{{0, {}}};
};

}  // namespace ami::storage
