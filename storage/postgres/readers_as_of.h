// Inside the store only: which statements counted at a moment, and what they say together.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "storage/postgres/block_writer.h"
#include "storage/postgres/interval_merge.h"
#include "storage/postgres/reader_rows.h"

namespace ami::storage {

// What counts at T, or now. Lives within one transaction of one session: all its questions see one snapshot.
class Moment final : public Provenance {
 public:
  Moment(Session& session, std::optional<UtcInstant> as_of);

  // The channels that will be asked about; those without any withdrawal need not be given.
  void watch(const std::vector<ChannelId>& channels);
  // Every statement counts: neither a time was asked for nor was anything taken back in the watched channels.
  [[nodiscard]] bool everything_counts() const { return !as_of_ && withdrawn_.empty(); }
  [[nodiscard]] const std::optional<UtcInstant>& as_of() const { return as_of_; }

  void learn(const std::set<SourceId>& sources, const std::set<QualityId>& qualities);
  [[nodiscard]] bool counts(ChannelId channel, SourceId source) const;  // of learnt sources
  [[nodiscard]] UtcInstant received_at(SourceId source) const { return sources_.at(source).received_at; }

  // The same rule in SQL, for a row `alias` with channel_id and source_id.
  [[nodiscard]] std::string counts_sql(const std::string& alias) const;
  // No reading of a later time can have been stored by then: a feed takes a day of the future at most.
  [[nodiscard]] std::string latest_time_sql() const;

  [[nodiscard]] const Rank& rank_of(std::int64_t source) const override { return sources_.at(source).rank; }
  [[nodiscard]] std::strong_ordering compare_quality(std::int32_t a, std::int32_t b) const override;

 private:
  struct Source {
    Rank rank;
    UtcInstant received_at{};
    bool stored = false;  // by then
  };
  Session& session_;
  const std::optional<UtcInstant> as_of_;
  const std::string stored_by_, withdrawn_by_;  // SQL expressions
  std::set<std::pair<ChannelId, SourceId>> withdrawn_;
  std::unordered_map<SourceId, Source> sources_;
  std::map<QualityId, ValueQuality> qualities_;
};

// Puts rows into the state that they had at the moment; a row that had no slot then comes out without one.
void restate(Session& session, Moment& moment, std::vector<IntervalRow>& rows);

struct RegisterSlot {
  MeterId meter = 0;
  ChannelId channel = 0;
  UtcInstant at{};
};
inline constexpr const char* kRegisterColumns =
    "r.channel_id, r.meter_id, r.at, r.mantissa, r.exponent, r.quality_id, r.source_id, r.time_source,"
    " r.period_start, r.occurred_at, i.usage_point_id, i.multiplier_mantissa, i.multiplier_exponent";
RegisterRow register_of(const Rows& rows, int row, int first_column);

// What counted of each slot, in the order of the slots; nullopt = nothing.
std::vector<std::optional<RegisterRow>> registers_at(Session& session, Moment& moment,
                                                     const std::vector<RegisterSlot>& slots);
// The newest register of each channel that counted, by (meter, channel) as given; channels without one are
// left out.
std::vector<RegisterRow> latest_at(Session& session, Moment& moment,
                                   const std::vector<RegisterSlot>& channels, LatestBy by);

}  // namespace ami::storage
