// The store's interval blocks as messages of StreamIntervals: cut at the meter's stays, run-length facts, and
// dictionaries that define a number before its first use. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "ami/v1/reading_service.pb.h"
#include "daemon/regime/standings.h"
#include "daemon/rpc/reading_target.h"
#include "storage/postgres/readers.h"

namespace ami::rpc {

// Slots [first, first + count) of a block that lie wholly in one stay, or in none (nullptr): a slot across an
// exchange belongs to no usage point.
struct SlotRange {
  std::size_t first = 0;
  std::size_t count = 0;
  const Placement* placement = nullptr;
};
std::vector<SlotRange> cut_at_placements(UtcInstant first_start, std::chrono::seconds length,
                                         std::size_t slots, const std::vector<Placement>& placements);

// Slots of one channel with one type approval and one verification; a slot across a change is told as
// unknown.
struct StandingRange {
  std::size_t first = 0;
  std::size_t count = 0;
  regime::Standing standing;
};
std::vector<StandingRange> cut_at_standings(UtcInstant first_start, std::chrono::seconds length,
                                            const SlotRange& range, MeterId meter,
                                            const std::string& reading_type, regime::Formed formed,
                                            regime::Standings& standings);

// Slots of a range that are all estimates, or none of them is.
struct EstimateRange {
  std::size_t first = 0;
  std::size_t count = 0;
  bool estimated = false;
};
std::vector<EstimateRange> cut_at_estimates(const std::vector<storage::IntervalBlock::SourceRun>& sources,
                                            const SlotRange& range);

// Makes the messages of one stream. Numbers count from 1 and never change their meaning within a stream.
class IntervalMessages {
 public:
  // `standings` knows the meters of all that will be appended.
  IntervalMessages(const storage::Utility& utility, bool apply_multiplier, regime::Standings standings)
      : utility_(utility), apply_multiplier_(apply_multiplier), standings_(std::move(standings)) {}

  // Appends what the page says: a dictionary first when new numbers come up, then the blocks. `of_span` holds
  // the target of each span that was asked for.
  void append(std::span<const ReadingTarget* const> of_span, const storage::IntervalPage& page,
              std::vector<v1::StreamIntervalsResponse>& out);

 private:
  struct Draft {
    v1::Dictionary dictionary;
    std::vector<v1::StreamIntervalsResponse> blocks;
  };
  void add_range(const ReadingTarget& target, const storage::IntervalBlock& block, const SlotRange& range,
                 const storage::Dictionary& names, Draft& draft);
  // Slots of one range as they go out: multiplied or not, and what is said of them.
  struct Values {
    std::span<const std::int64_t> mantissas;
    std::int32_t exponent = 0;
    bool applied = false;
    bool estimated = false;
    regime::Standing standing;
  };
  void add_block(const ReadingTarget& target, const storage::IntervalBlock& block, const SlotRange& range,
                 const Values& values, const storage::Dictionary& names, Draft& draft);
  std::uint32_t channel_number(const ReadingTarget& target, const storage::ChannelInfo& channel,
                               const SlotRange& range, UtcInstant start, const Values& values, Draft& draft);
  // 0 = raw, no flag
  std::uint32_t quality_number(storage::QualityId id, const storage::Dictionary& names, Draft& draft);
  std::uint32_t source_number(storage::SourceId id, const storage::Dictionary& names, Draft& draft);

  const storage::Utility utility_;
  const bool apply_multiplier_;
  regime::Standings standings_;
  // target, channel, stay, model's origin, multiplier applied, type approval, verification
  std::map<std::tuple<std::string, storage::ChannelId, std::string, int, bool, const regime::Judged*,
                      approval::Verification>,
           std::uint32_t>
      channels_;
  std::map<storage::QualityId, std::uint32_t> qualities_;
  std::uint32_t quality_count_ = 0;
  std::map<storage::SourceId, std::uint32_t> sources_;
};

}  // namespace ami::rpc
