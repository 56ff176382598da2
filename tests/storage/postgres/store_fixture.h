// A migrated database with two utilities, and short ways to say what a feed sent.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "storage/postgres/assets.h"
#include "storage/postgres/database.h"
#include "storage/postgres/ingest.h"
#include "storage/postgres/readers.h"
#include "tests/support/pg_cluster.h"

namespace ami::storage {

UtcInstant at(const char* text);  // "2024-03-05T10:37:00Z"

using Table = std::vector<std::vector<std::string>>;  // NULL = "-"

class StoreTest : public ::testing::Test {
 protected:
  void SetUp() override;

  Table sql(const std::string& query) const;
  std::string one(const std::string& query) const;  // the only cell

  // A meter with that badge from 2020 on.
  MeterId meter(UtilityId utility, const std::string& key, const std::string& badge = {});

  // A unit of one feed; the content hash follows from `content`.
  CommitUnit unit(const std::string& content) const;
  CommitCounts commit(const CommitUnit& unit);  // fails the test when it is not stored

  // What the tables say, without surrogate ids, versions and receipt columns.
  std::string canonical_dump() const;

  std::string conninfo;
  std::unique_ptr<Database> database;
  std::unique_ptr<PostgresIngest> ingest;
  std::unique_ptr<Assets> assets;
  std::unique_ptr<Readers> readers;
  UtilityId north = 0, south = 0;
};

std::uint32_t add_channel(CommitUnit& unit, MeterId meter, const std::string& key = "cmep:KWH");
std::uint32_t add_quality(CommitUnit& unit, const std::string& code, const std::string& flag);

struct RunSpec {
  std::uint32_t channel = 0;
  UtcInstant start{};
  std::vector<std::optional<std::int64_t>> values;
  int length_s = 900;
  int exponent = 0;
  UtcInstant rank{};
  std::uint32_t quality = 0;
};
void add_run(CommitUnit& unit, RunSpec spec);
void add_register(CommitUnit& unit, std::uint32_t channel, UtcInstant when, Decimal value,
                  UtcInstant rank = {}, std::uint32_t quality = 0);

}  // namespace ami::storage
