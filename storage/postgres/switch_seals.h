// Seals of the switch audit in PostgreSQL. Its connections are of a login in role ami_switch, which may add
// seals and change none.
#pragma once

#include <mutex>
#include <optional>
#include <vector>

#include "storage/contract/switch_seals.h"
#include "storage/postgres/database.h"

namespace ami::storage {

class PostgresSeals final : public SealStore {
 public:
  explicit PostgresSeals(Database& database) : database_(database) {}

  Answer<SealStep> seal(std::size_t limit) override;
  Answer<SealHead> head() override;
  Answer<std::optional<audit::Digest>> chain_at(std::int64_t position) override;
  Answer<SealTail> tail(bool whole) override;
  Answer<SealPlace> place() override;
  Answer<std::vector<SealedLine>> sealed(std::int64_t after, std::size_t limit) override;
  Answer<std::vector<SealedLine>> unsealed(std::int64_t after, std::size_t limit) override;
  Answer<std::vector<SealedLine>> list(const SealQuery& query) override;

 private:
  // Every line up to `line` was drawn by a transaction before `txid`.
  struct Bound {
    std::int64_t line = 0, txid = 0;
  };
  [[nodiscard]] std::int64_t floor();

  Database& database_;
  audit::Sha256 hasher_;  // of seal(), which is called by one thread
  std::mutex mutex_;      // what follows
  // Up to here every line is sealed, and none can come any more. What a search need not look at; 0 after a start.
  std::int64_t floor_ = 0;
  std::optional<Bound> pending_;  // becomes the floor once no transaction before its own is running
};

}  // namespace ami::storage
