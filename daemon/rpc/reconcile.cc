#include "daemon/rpc/reconcile.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "daemon/rpc/convert.h"
#include "daemon/rpc/exact_sum.h"
#include "daemon/rpc/fleet.h"
#include "daemon/rpc/interval_blocks.h"
#include "daemon/rpc/page_stream.h"
#include "meter_model/time/zone.h"

namespace ami::rpc {
namespace {

constexpr std::size_t kMetersAPage = 100;

class Reconciliation {
 public:
  explicit Reconciliation(v1::ReconcileCountsRequest request) : request_(std::move(request)) {}

  // One page of meters: true while more follow.
  bool read(const Call& call, std::vector<v1::ReconcileCountsResponse>& page) {
    if (!utility_) prepare(call);
    storage::PageOf<storage::Meter> meters =
        call.take(call.assets().list_meters(utility_->id, {kMetersAPage, after_}));
    after_ = meters.next_token;
    std::vector<MeterId> order;
    for (const storage::Meter& meter : meters.items) order.push_back(meter.id);
    const Fleet fleet = load_fleet(call, *utility_, std::move(meters.items));
    Counts counts;
    names_ = {};
    count_intervals(call, fleet, counts);
    count_registers(call, fleet, counts);
    for (const auto& [id, meter] : fleet) log_access(call, id, meter, counts);
    v1::ReconcileCountsResponse response;
    for (const MeterId id : order) add_meter(id, fleet.at(id), counts, response);
    if (!response.channels().empty()) page.push_back(std::move(response));
    return !after_.empty();
  }

 private:
  struct Count {
    ExactSum intervals;
    std::int64_t registers = 0;
    std::optional<storage::RegisterRow> last;
  };
  // By meter, channel, stay (nullptr: none).
  using Counts = std::map<std::tuple<MeterId, storage::ChannelId, const Placement*>, Count>;

  // Stored before the page goes out: whose values were added up, and how many.
  void log_access(const Call& call, MeterId id, const TargetMeter& meter, const Counts& counts) {
    std::map<const Placement*, std::int64_t> values;
    if (meter.placements.empty()) values[nullptr] = 0;
    for (const Placement& placement : meter.placements) {
      const storage::Period day = day_at(&placement);
      if (placement.period.from < day.to && day.from < placement.period.to) values[&placement] = 0;
    }
    for (auto entry = counts.lower_bound({id, storage::ChannelId{0}, nullptr});
         entry != counts.end() && std::get<0>(entry->first) == id; ++entry) {
      values[std::get<2>(entry->first)] += entry->second.intervals.count() + entry->second.registers;
    }
    for (const auto& [placement, rows] : values) {
      call.log({.kind = CallRecord::Kind::Access,
                .utility = utility_->key,
                .usage_point = placement == nullptr ? std::string() : placement->usage_point_key,
                .meter = meter.key,
                .purpose = request_.purpose(),
                .on_behalf_of = request_.on_behalf_of(),
                .period = day_at(placement),
                .rows = static_cast<std::uint64_t>(rows)});
    }
  }

  void prepare(const Call& call) {
    purpose_from(request_.purpose());
    text_from("on_behalf_of", request_.on_behalf_of());
    day_ = date_from("day", request_.day());
    if (!v1::ReconcileCountsRequest::Boundary_IsValid(request_.boundary()))
      throw StatusError{invalid_field("boundary", "must be CIVIL_DAY or UTC_DAY")};
    filter_ = filter_from(request_.quantities());
    storage::Utility utility = call.parent(request_.parent());
    if (!request_.after().empty()) {
      const ResourceName name = call.resource("after", request_.after(), ResourceName::Kind::Meter);
      if (name.utility != utility.key)
        throw StatusError{invalid_field("after", "must be of the parent utility")};
      after_ = name.key;
    }
    utility_ = std::move(utility);
  }

  // The day as it is counted in a zone.
  storage::Period day_in(const std::string& zone) {
    if (request_.boundary() == v1::ReconcileCountsRequest::UTC_DAY) {
      const UtcInstant start{std::chrono::sys_days{day_}};
      return {start, start + std::chrono::days{1}};
    }
    const auto known = days_.find(zone);
    if (known != days_.end()) return known->second;
    const Result<Zone> loaded = Zone::load(zone);
    if (!loaded.ok()) throw std::runtime_error("zone of a usage point: " + loaded.error().message);
    const Zone::Day day = loaded->civil_day(day_);
    return days_.emplace(zone, storage::Period{day.start, day.end}).first->second;
  }
  storage::Period day_at(const Placement* placement) {
    return day_in(placement == nullptr ? utility_->zone : placement->zone);
  }

  // From the first to the last instant that any of the meter's stays may count.
  std::vector<storage::MeterSpan> spans_of(const Fleet& fleet) {
    std::vector<storage::MeterSpan> spans;
    for (const auto& [id, meter] : fleet) {
      storage::Period hull = day_at(nullptr);
      for (const Placement& placement : meter.placements) {
        const storage::Period day = day_at(&placement);
        hull = {std::min(hull.from, day.from), std::max(hull.to, day.to)};
      }
      spans.push_back({id, hull});
    }
    return spans;
  }

  void count_intervals(const Call& call, const Fleet& fleet, Counts& counts) {
    if (fleet.empty()) return;
    const auto spans = spans_of(fleet);
    std::string token;
    do {
      storage::IntervalPage page =
          call.take(call.readers().intervals(spans, filter_, {std::size_t{1000}, token}));
      token = page.next_token;
      for (const storage::IntervalBlock& block : page.blocks) {
        const TargetMeter& meter = fleet.at(block.meter);
        for (const SlotRange& range :
             cut_at_placements(block.first_start, block.length, block.mantissas.size(), meter.placements)) {
          const storage::Period day = day_at(range.placement);
          Count* count = nullptr;
          for (std::size_t i = range.first; i < range.first + range.count; ++i) {
            const UtcInstant start = block.first_start + block.length * static_cast<std::int64_t>(i);
            if (start < day.from || start + block.length > day.to ||
                block.mantissas[i] == storage::IntervalBlock::kMissing)
              continue;
            if (count == nullptr) count = &counts[{block.meter, block.channel, range.placement}];
            count->intervals.add(block.mantissas[i], block.exponent);
          }
        }
      }
      names_.channels.merge(page.dictionary.channels);
    } while (!token.empty());
  }

  void count_registers(const Call& call, const Fleet& fleet, Counts& counts) {
    if (fleet.empty()) return;
    const auto spans = spans_of(fleet);
    std::string token;
    do {
      storage::RegisterPage page =
          call.take(call.readers().registers(spans, filter_, {std::size_t{1000}, token}));
      token = page.next_token;
      for (const storage::RegisterRow& row : page.rows) {
        const TargetMeter& meter = fleet.at(row.meter);
        const auto stay = std::ranges::find_if(
            meter.placements, [&](const Placement& placement) { return placement.period.contains(row.at); });
        const Placement* const placement = stay == meter.placements.end() ? nullptr : &*stay;
        if (!day_at(placement).contains(row.at)) continue;
        Count& count = counts[{row.meter, row.channel, placement}];
        ++count.registers;
        if (!count.last || count.last->at < row.at) count.last = row;
      }
      names_.channels.merge(page.dictionary.channels);
    } while (!token.empty());
  }

  void add_meter(MeterId id, const TargetMeter& meter, const Counts& counts,
                 v1::ReconcileCountsResponse& response) {
    std::vector<Counts::const_iterator> found;
    for (auto entry = counts.lower_bound({id, storage::ChannelId{0}, nullptr});
         entry != counts.end() && std::get<0>(entry->first) == id; ++entry) {
      found.push_back(entry);
    }
    const auto channel_of = [&](const Counts::const_iterator& entry) -> const storage::ChannelInfo& {
      return names_.channels.at(std::get<1>(entry->first));
    };
    std::ranges::stable_sort(found, {}, [&](const Counts::const_iterator& entry) {
      return std::pair(std::string_view(channel_of(entry).key),
                       std::string_view(channel_of(entry).reading_type));
    });
    for (const Counts::const_iterator& entry : found) {
      const Count& count = entry->second;
      const Placement* const placement = std::get<2>(entry->first);
      const storage::ChannelInfo& channel = channel_of(entry);
      const Meaning meaning = meaning_of(channel.reading_type);
      const storage::Period day = day_at(placement);
      v1::ChannelCount& message = *response.add_channels();
      message.set_meter(meter_name(utility_->key, meter.key));
      if (placement != nullptr) message.set_usage_point(placement->usage_point);
      message.set_channel(channel.key);
      message.set_quantity(meaning.quantity);
      message.set_tou(meaning.tou);
      message.set_reading_type(channel.reading_type);
      message.set_unit(channel.unit);
      *message.mutable_start() = to_proto(day.from);
      *message.mutable_end() = to_proto(day.to);
      message.set_interval_values(count.intervals.count());
      if (count.intervals.count() > 0) {
        message.set_interval_sum(count.intervals.mantissa());
        message.set_interval_exponent(count.intervals.exponent());
      }
      message.set_register_values(count.registers);
      if (count.last) {
        message.set_last_register(count.last->value.to_string());
        *message.mutable_last_register_time() = to_proto(count.last->at);
      }
    }
  }

  const v1::ReconcileCountsRequest request_;
  std::optional<storage::Utility> utility_;  // set: the request is understood
  std::chrono::year_month_day day_{};
  storage::ChannelFilter filter_;
  std::map<std::string, storage::Period> days_;  // by zone
  storage::Dictionary names_;
  std::string after_;
};

}  // namespace

grpc::ServerWriteReactor<v1::ReconcileCountsResponse>* start_reconcile(
    Gate& gate, grpc::CallbackServerContext& context, const v1::ReconcileCountsRequest& request) {
  auto work = std::make_shared<Reconciliation>(request);
  return PageStream<v1::ReconcileCountsResponse>::start(
      gate, context, "/ami.v1.ReadingService/ReconcileCounts",
      [work](const Call& call, std::vector<v1::ReconcileCountsResponse>& page) {
        return work->read(call, page);
      });
}

}  // namespace ami::rpc
