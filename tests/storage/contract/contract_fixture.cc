#include "tests/storage/contract/contract_fixture.h"

#include <stdexcept>

namespace ami::storage::contract {
namespace {

constexpr const char* kWattHours = "0.0.2.4.1.1.12.0.0.0.0.0.0.0.0.0.72.0";

std::uint32_t channel_of(CommitUnit& unit, MeterId meter, const std::string& key) {
  auto& channels = unit.batch.channels;
  const ChannelKey wanted{meter, key, kWattHours, "Wh"};
  for (std::uint32_t i = 0; i < channels.size(); ++i) {
    if (channels[i] == wanted) return i;
  }
  channels.push_back(wanted);
  return static_cast<std::uint32_t>(channels.size() - 1);
}

// Codes are separated by blanks.
std::uint32_t quality_of(CommitUnit& unit, const std::string& codes, const std::string& flag) {
  ValueQuality wanted;
  wanted.vendor_flag = flag;
  for (std::size_t from = 0; from < codes.size();) {
    const std::size_t to = std::min(codes.find(' ', from), codes.size());
    wanted.codes.push_back(QualityCode::parse(codes.substr(from, to - from)).value());
    from = to + 1;
  }
  auto& qualities = unit.batch.qualities;
  for (std::uint32_t i = 0; i < qualities.size(); ++i) {
    if (qualities[i] == wanted) return i;
  }
  qualities.push_back(wanted);
  return static_cast<std::uint32_t>(qualities.size() - 1);
}

// gtest owns and deletes environments.
class SharedStores final : public ::testing::Environment {
 public:
  std::map<std::string, std::unique_ptr<StoreUnderTest>> stores;
  void TearDown() override { stores.clear(); }
};

}  // namespace

StoreUnderTest& shared_store(const std::string& name) {
  static SharedStores* const environment =
      static_cast<SharedStores*>(::testing::AddGlobalTestEnvironment(new SharedStores));
  auto& store = environment->stores[name];
  if (!store) {
    store = name == kMemory ? memory_store() : name == kPostgres ? postgres_store() : postgres_store(3);
  }
  return *store;
}

UtcInstant at(const char* text) {
  const auto parsed = parse_instant(text);
  if (!parsed.ok()) throw std::invalid_argument(parsed.error().message);
  return *parsed;
}

void add(CommitUnit& unit, const Block& run) {
  IntervalRun out;
  out.channel = channel_of(unit, run.meter, run.channel);
  out.first_start = run.start;
  out.length = std::chrono::seconds{run.length_s};
  out.exponent = run.exponent;
  out.mantissas = run.values;
  out.quality.assign(run.values.size(), quality_of(unit, run.code, run.flag));
  out.rank = run.rank;
  out.time_source = run.clock;
  unit.batch.intervals.push_back(std::move(out));
}

void add(CommitUnit& unit, const Register& read) {
  RegisterReading out;
  out.channel = channel_of(unit, read.meter, read.channel);
  out.at = read.at;
  out.value = read.value;
  out.quality = quality_of(unit, read.code, read.flag);
  out.rank = read.rank;
  out.period_start = read.period_start;
  out.occurred_at = read.occurred_at;
  out.time_source = read.clock;
  unit.batch.registers.push_back(out);
}

void add_event(CommitUnit& unit, MeterId meter, const char* when, const std::string& kind,
               const std::string& raw_code, TimeSource clock) {
  unit.batch.events.push_back({meter, at(when), kind, "3.26.0.47", "ssn", raw_code, "words", clock, 0});
}

void add_quarantined(CommitUnit& unit, const std::string& reason, const std::string& raw,
                     const std::string& detail) {
  unit.batch.quarantined.push_back({reason, detail, "B1", raw, 17});
}

CommitUnit unit_of(const std::string& content, std::int64_t directory_version, std::int32_t utility) {
  CommitUnit out;
  out.utility = utility;
  out.source.feed = "feed-1";
  out.source.name = content + ".txt";
  out.source.content_sha256 = content;
  out.source.length = content.size();
  out.source.mapping_version = 1;
  out.source.received_at = at("2024-03-06T14:00:00Z");
  out.batch.qualities.emplace_back();
  out.directory_version = directory_version;
  return out;
}

CommitCounts StoreContract::commit(const CommitUnit& unit) {
  const auto counts = store().commit(unit);
  EXPECT_TRUE(counts.ok()) << (counts.ok() ? "" : counts.error().message);
  if (!counts.ok()) return {};
  EXPECT_FALSE(counts->directory_changed);
  return *counts;
}

CommitUnit StoreContract::put(const std::string& content, const Block& run, int mapping) {
  CommitUnit out = unit(content);
  out.source.mapping_version = mapping;
  add(out, run);
  commit(out);
  return out;
}

CommitUnit StoreContract::put(const std::string& content, const Register& read, int mapping) {
  CommitUnit out = unit(content);
  out.source.mapping_version = mapping;
  add(out, read);
  commit(out);
  return out;
}

}  // namespace ami::storage::contract
