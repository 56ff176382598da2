// One suite for every store: a fresh store a test, and short ways to say what a feed sent.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/storage/contract/store_under_test.h"

namespace ami::storage::contract {

using Lines = std::vector<std::string>;

UtcInstant at(const char* text);  // "2024-03-05T10:37:00Z"

inline constexpr std::nullopt_t kHole = std::nullopt;

struct Block {
  UtcInstant start{};
  std::vector<std::optional<std::int64_t>> values;
  int length_s = 900;
  int exponent = 0;
  UtcInstant rank{};
  std::string code = {}, flag = {};  // quality of all of them
  MeterId meter = kMeter;
  std::string channel = "KWH";
  TimeSource clock = TimeSource::Device;
};
struct Register {
  UtcInstant at{};
  Decimal value;
  UtcInstant rank{};
  std::string code = {}, flag = {};
  std::optional<UtcInstant> period_start = {}, occurred_at = {};
  MeterId meter = kMeter;
  std::string channel = "KWH";
  TimeSource clock = TimeSource::Device;
};

void add(CommitUnit& unit, const Block& run);
void add(CommitUnit& unit, const Register& read);
void add_event(CommitUnit& unit, MeterId meter, const char* when, const std::string& kind,
               const std::string& raw_code, TimeSource clock = TimeSource::Device);
void add_quarantined(CommitUnit& unit, const std::string& reason, const std::string& raw,
                     const std::string& detail = {});

// Another content is another source; its hash is the content itself.
CommitUnit unit_of(const std::string& content, std::int64_t directory_version, std::int32_t utility = kNorth);

inline constexpr const char* kMemory = "Memory";
inline constexpr const char* kPostgres = "Postgres";
inline constexpr const char* kPostgresInLanes = "PostgresInLanes";
// The store of that name that all tests of the program share: a database is dear. Made when first asked for,
// gone when the tests end. Clear it before use.
StoreUnderTest& shared_store(const std::string& name);

class StoreContract : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    under_test = &shared_store(GetParam());
    under_test->clear();
  }

  [[nodiscard]] IngestStore& store() const { return under_test->store(); }
  CommitUnit unit(const std::string& content, std::int32_t utility = kNorth) const {
    return unit_of(content, under_test->directory_version(), utility);
  }
  CommitCounts commit(const CommitUnit& unit);  // fails the test when refused
  CommitUnit put(const std::string& content, const Block& run,
                 int mapping = 1);  // a unit of one run, committed
  CommitUnit put(const std::string& content, const Register& read, int mapping = 1);
  Lines pick(const std::string& section, std::string_view columns) const {
    return under_test->dump().pick(section, columns);
  }

  StoreUnderTest* under_test = nullptr;
};

}  // namespace ami::storage::contract

// Once a file, for the fixture of its tests.
#define AMI_ON_EVERY_STORE(Fixture)                                                                    \
  INSTANTIATE_TEST_SUITE_P(Stores, Fixture, ::testing::Values(contract::kMemory, contract::kPostgres), \
                           [](const auto& kind) { return std::string(kind.param); })
