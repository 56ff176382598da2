// Everything that was ever said about some meters' slots, current or not, and by which content: what a run
// that reads a content again compares itself with. Blocking, thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "storage/postgres/interval_merge.h"
#include "storage/postgres/readers.h"

namespace ami::storage {

// A part of a content that was committed in one go.
struct ContentStretch {
  UtilityId utility = 0;
  std::string feed, sha256;
  std::uint64_t begin = 0, end = 0;
};

// An interval [start, start + length) or, with length 0, a register at `start`.
struct Statement {
  ChannelId channel = 0;
  UtcInstant start{};
  std::int64_t length_s = 0;
  std::optional<Decimal> value;  // nullopt = a hole
  QualityId quality = 0;
  SourceId source = 0;
  std::optional<UtcInstant> period_start, occurred_at;  // of registers
  TimeSource time_source = TimeSource::Device;
};

struct StatementSource {
  Rank rank;
  bool own = false;  // it is of the stretch
};

struct Said {
  std::map<ChannelId, ChannelInfo> channels;  // all of the meters, in order of id
  std::vector<Statement> statements;          // by (channel, length, start); withdrawn ones are left out
  std::map<SourceId, StatementSource> sources;
  std::map<QualityId, ValueQuality> qualities;
};

struct KnownEvent {
  std::string kind, code;
  int mapping_version = 0;
};

struct KnownQuarantine {
  std::vector<bool> known;            // for each item: there is a row of it
  std::vector<std::int64_t> settled;  // open rows of the stretch that are none of the items
};

// A slot whose answer goes away with a withdrawal.
struct Retraction {
  MeterId meter = 0;
  ChannelId channel = 0;
  UtcInstant start{};
  std::int64_t length_s = 0;  // 0 = a register
  Decimal before;
  QualityId quality = 0;
};

class Statements {
 public:
  explicit Statements(Database& database) : database_(database) {}

  // The stretches of a content in order; such as overlap are one.
  Result<std::vector<ContentStretch>> stretches(UtilityId utility, const std::string& feed,
                                                const std::string& sha256);
  // Slots that begin in [first, last], both UTC days.
  Result<Said> said(const ContentStretch& stretch, const std::vector<MeterId>& meters,
                    std::chrono::sys_days first, std::chrono::sys_days last);
  // For each event, what is stored of it.
  Result<std::vector<std::optional<KnownEvent>>> events(std::span<const EventReading> events);
  Result<KnownQuarantine> quarantine(const ContentStretch& stretch, std::span<const Quarantined> items);
  // Values of the sources in the channels do not count from now on; subscribers are told of the slots.
  Outcome withdraw(UtilityId utility, const std::vector<std::pair<ChannelId, SourceId>>& pairs,
                   const std::vector<Retraction>& slots, const std::string& cause);

 private:
  Database& database_;
};

}  // namespace ami::storage
