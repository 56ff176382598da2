// The read side: registers, intervals, events, sources, quarantine. Blocking, thread-safe. Values as stored:
// canonical unit, multiplier not applied.
//
// `as_of` T answers what would have been answered at T: per slot or register reading the statement of the
// highest rank among those whose source was stored by then and had not been withdrawn by then. Without it:
// now, where a withdrawn value gives way to the next in rank. Installations and multipliers are always those
// of today's asset data. Values of history are equal to what was said then, but may carry fewer trailing
// zeros. Findings and estimates likewise: those that stood then; that our validation ran (2.0.1) is never
// said of an earlier time. An estimate gives way to a value from the moment that the value is stored.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "meter_model/normaliser/reading.h"
#include "storage/postgres/assets.h"
#include "storage/postgres/database.h"
#include "storage/postgres/refusal.h"

namespace ami::storage {

using ChannelId = std::int64_t;
using SourceId = std::int64_t;   // below 0: an estimate
using QualityId = std::int32_t;  // 0 = raw, no flag; good as long as the process lives

struct ChannelInfo {
  ChannelId id = 0;
  UtilityId utility = 0;
  MeterId meter = 0;
  std::string key, reading_type, unit;
};
// Chooses channels, e.g. by quantity_of(reading_type). Empty = all.
using ChannelFilter = std::function<bool(const ChannelInfo&)>;

// Where values come from. Received first with this content; a repetition adds no source.
struct SourceInfo {
  SourceId id = 0;
  UtilityId utility = 0;
  std::string feed, name, content_sha256;
  std::uint64_t offset = 0, length = 0;
  RankStamp rank{};
  int mapping_version = 0;
  TimeSource time_source = TimeSource::Device;
  UtcInstant received_at{};
};

// How much of our own word an answer holds beside the vendor's.
enum class Layer : std::uint8_t {
  Raw,        // none: quality codes of our validation are left out
  Validated,  // codes of what our validation found, and 2.0.1 where it ran over what is stored now
  Best,       // and estimates where there is no value
};

// How the value of an estimated slot was made.
struct EstimateInfo {
  std::int64_t id = 0;
  std::string algorithm, method;  // "ami.vee.interval-estimation", "LINEAR"
  int version = 0;                // of the algorithm
  std::string inputs;             // JSON: what it was made from
  UtcInstant made_at{};
};

// Ids that occur in a page, explained.
struct Dictionary {
  std::map<ChannelId, ChannelInfo> channels;
  std::map<SourceId, SourceInfo> sources;       // ids above 0 only
  std::map<QualityId, ValueQuality> qualities;  // id 0 is always there; below 0: with codes of our validation
  std::map<SourceId, EstimateInfo>
      estimates;  // of layer Best, by source id: the number of the estimate, negative
};

struct RegisterRow {
  ChannelId channel = 0;
  MeterId meter = 0;
  UtcInstant at{};
  Decimal value;
  QualityId quality = 0;
  SourceId source = 0;
  TimeSource time_source = TimeSource::Device;
  std::optional<UtcInstant> period_start, occurred_at;
  std::optional<UsagePointId> usage_point;  // where the meter was at `at`
  std::optional<Decimal> multiplier;        // of that installation; not applied
};
struct RegisterPage {
  std::vector<RegisterRow> rows;
  Dictionary dictionary;
  std::string next_token;
};

enum class LatestBy { DeviceTime, ReceiptTime };

// A meter during a part of the asked period (a usage point's period is a list of these).
inline constexpr std::size_t kMaxBlockSlots = 40'000;  // a year of quarter hours, and some

struct MeterSpan {
  MeterId meter = 0;
  Period period;
};

struct IntervalBlock {
  static constexpr std::int64_t kMissing = std::numeric_limits<std::int64_t>::min();
  struct SourceRun {
    std::uint32_t count = 0;
    SourceId source = 0;  // 0 = nothing known of these slots; below 0: Dictionary::estimates
  };
  struct QualityRun {
    std::uint32_t count = 0;
    QualityId quality = 0;
  };

  std::size_t span = 0;  // index into the spans asked for
  ChannelId channel = 0;
  MeterId meter = 0;
  UtcInstant first_start{};
  std::chrono::seconds length{0};
  std::int32_t exponent = 0;            // the smallest of the days that were joined
  std::vector<std::int64_t> mantissas;  // kMissing = hole
  std::vector<SourceRun> sources;       // counts add up to mantissas.size()
  std::vector<QualityRun> qualities;    // likewise; a hole may have one (the vendor's flag)
  bool grid = true;                     // false: off the grid, or of a length that does not divide a day
};
struct IntervalPage {
  // By span, channel, time; slots outside their span are cut away. Consecutive days are one block, of at most
  // kMaxBlockSlots slots.
  std::vector<IntervalBlock> blocks;
  Dictionary dictionary;
  std::string next_token;
};

struct EventRow {
  std::int64_t id = 0;
  UtilityId utility = 0;
  MeterId meter = 0;
  UtcInstant at{};
  std::string kind, code, vendor, raw_code, raw_text;
  TimeSource time_source = TimeSource::Device;
  SourceId source = 0;
  std::optional<UsagePointId> usage_point;
  UtcInstant received_at{};
  std::int64_t duplicate_of =
      0;  // id of the event that heads its fact (docs/events.md); 0 = it is the head, or alone
  std::int32_t duplicates = 0;  // of a head: so many others tell its fact
};
struct EventQuery {
  UtilityId utility = 0;
  std::vector<MeterSpan> spans;  // empty = every meter of the utility, in `period`
  Period period;
  std::vector<std::string> kinds;  // empty = all
  // false: heads only, each that is of one of the kinds or has a duplicate that is.
  bool duplicates_too = false;
  PageRequest page;
};

enum class QuarantineState : std::uint8_t { Open, Replayed, Rejected };
struct QuarantineRow {
  std::int64_t id = 0;
  UtilityId utility = 0;
  std::string feed, reason, detail, meter;
  std::string raw;  // bytes; empty in lists unless asked for
  std::uint64_t offset = 0;
  SourceId source = 0;
  SourceInfo source_info;
  std::int64_t times_seen = 0;
  UtcInstant first_seen{}, last_seen{};
  QuarantineState state = QuarantineState::Open;
};
struct QuarantineQuery {
  std::optional<UtilityId> utility;
  std::string feed, reason;  // empty = any
  std::optional<QuarantineState> state = QuarantineState::Open;
  bool with_raw = false;
  PageRequest page;  // by id
};

struct FeedCounts {
  std::string feed;
  UtilityId utility = 0;
  std::uint64_t sources = 0;
  std::uint64_t registers = 0, interval_values = 0,
                events = 0;  // as first committed; repetitions not counted
  std::uint64_t quarantine_open = 0;
  std::optional<UtcInstant> last_received;
};

class Readers {
 public:
  explicit Readers(Database& database) : database_(database) {}

  Answer<std::vector<ChannelInfo>> channels(const std::vector<MeterId>& meters,
                                            const ChannelFilter& filter = {});

  // The newest register of each channel of the meters, by its own time or by when we received it. At most
  // 1000 meters. A channel without any is left out.
  Answer<RegisterPage> latest(const std::vector<MeterId>& meters, const ChannelFilter& filter, LatestBy by,
                              std::optional<UtcInstant> as_of = {}, Layer layer = Layer::Validated);

  // Registers of the spans with at in the period, by (span, channel, at). A page of history may hold fewer
  // than asked for; the last one has no next_token.
  Answer<RegisterPage> registers(const std::vector<MeterSpan>& spans, const ChannelFilter& filter,
                                 const PageRequest& page, std::optional<UtcInstant> as_of = {},
                                 Layer layer = Layer::Validated);

  // Interval values whose [start, end) lies wholly inside their span: a slot that straddles an exchange
  // belongs to neither usage-point side. A page is about `size` channel-days. Call again with next_token
  // until empty; spans, filter, as_of and layer must stay the same.
  Answer<IntervalPage> intervals(const std::vector<MeterSpan>& spans, const ChannelFilter& filter,
                                 const PageRequest& page, std::optional<UtcInstant> as_of = {},
                                 Layer layer = Layer::Validated);

  Answer<PageOf<EventRow>> events(const EventQuery& query);  // by (at, id)
  Answer<PageOf<SourceInfo>> sources(std::optional<UtilityId> utility, const std::string& feed,
                                     const PageRequest& page);  // newest first; empty feed = all
  Answer<SourceInfo> source(UtilityId utility, SourceId id);    // NotFound for another utility's, too

  Answer<PageOf<QuarantineRow>> quarantine(const QuarantineQuery& query);
  Answer<QuarantineRow> quarantined(UtilityId utility, std::int64_t id);  // with raw; NotFound likewise
  // How many it marked; rows of other utilities are left alone.
  Answer<std::size_t> mark_quarantine(UtilityId utility, const std::vector<std::int64_t>& ids,
                                      QuarantineState state);
  Answer<std::vector<FeedCounts>> feed_counts();

 private:
  Database& database_;
};

}  // namespace ami::storage
