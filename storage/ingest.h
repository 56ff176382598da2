// The write side of the store: one unit of work, one transaction.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "meter_model/normaliser/reading.h"
#include "meter_model/result.h"

namespace ami::storage {

struct SourceRef {
  std::string feed;            // configured feed name, unique within the gateway
  std::string name;            // file name or message id
  std::string content_sha256;  // 64 hex characters
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  int mapping_version = 0;
  UtcInstant received_at{};
};

struct StateRow {
  std::string key;
  std::optional<std::string> value;  // nullopt = delete
};

struct CommitUnit {
  std::int32_t utility = 0;
  SourceRef source;
  NormalisedBatch batch;
  std::vector<StateRow> state;         // adapter_state rows of this feed
  std::int64_t directory_version = 0;  // the asset data that ids were resolved with
  std::vector<std::int64_t> replayed;  // quarantine rows that this unit settles
  std::string cause;                   // why content is read again, and who ordered it; empty = it arrived
  // What is said from content that was read before gets a source of its own, so that as_of does not say that
  // we knew it from the beginning. 0 = as it arrived; above 0: the lowest quarantine row that was read again;
  // below 0: minus the number of the reprocess run, or a number of the changed settings
  // (sdk::SourceSpan::read_again).
  std::int64_t replay_of = 0;
};

struct CommitCounts {
  std::uint64_t registers = 0, interval_values = 0, events = 0, quarantined = 0;
  bool directory_changed = false;  // nothing stored: resolve again with newer asset data, then retry
};

class IngestStore {
 public:
  virtual ~IngestStore() = default;
  // Blocking; call it from the database pool. Stores everything, or says why not: then neither state nor
  // quarantine nor `replayed` is stored, and a unit that is refused for what it says (a channel or event of
  // another utility's meter) leaves nothing at all. A large unit that is interrupted may leave some of its
  // values, which the same unit again finds in their place. Idempotent: the same unit again changes no
  // reading. Transient: retry; InDoubt: COMMIT lost its answer, retry (idempotence makes it safe); Permanent:
  // a defect or a violated constraint, with the row it collides with.
  virtual Result<CommitCounts> commit(const CommitUnit& unit) = 0;
  // Many small units, one after the other, for little more than the price of one: a store with transactions
  // takes them in one. Counts in the order of the units; when one of them is refused, fails, or says
  // directory_changed, any of the others may be stored or not: commit each alone then.
  virtual Result<std::vector<CommitCounts>> commit_all(std::span<const CommitUnit> units) {
    std::vector<CommitCounts> all;
    for (const CommitUnit& unit : units) {
      auto counts = commit(unit);
      if (!counts) return counts.error();
      all.push_back(*counts);
    }
    return all;
  }
  // When this content came to the feed, in order of time: its first receipt, and each later one that an event of
  // the message was dated by (time source Receipt). Empty: nothing of it is stored. Repetitions add nothing.
  virtual Result<std::vector<UtcInstant>> receipts(std::int32_t utility, const std::string& feed,
                                                   const std::string& content_sha256) = 0;
  virtual Result<std::optional<std::string>> load_state(const std::string& feed, const std::string& key) = 0;
  virtual Outcome save_state(const std::string& feed, const std::vector<StateRow>& rows) = 0;
};

}  // namespace ami::storage
