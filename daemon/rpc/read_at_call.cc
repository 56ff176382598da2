#include "daemon/rpc/read_at_call.h"

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "daemon/rpc/convert.h"
#include "daemon/rpc/read_at.h"
#include "daemon/rpc/reading_target.h"
#include "daemon/rpc/value_messages.h"
#include "daemon/validation/judge.h"
#include "storage/postgres/register_search.h"

namespace ami::rpc {
namespace {

constexpr std::chrono::days kUsualReach{35}, kLongestReach{400};
constexpr std::size_t kPageChannelDays = 400;

// The meter that is meant, and while which stay of it.
struct Place {
  MeterId meter = 0;
  const TargetMeter* details = nullptr;
  const Placement* placement = nullptr;  // where it is at the instant; nullptr = not installed
};

std::optional<Place> place_at(const ReadingTarget& target, ResourceName::Kind kind, UtcInstant at) {
  for (const auto& [id, meter] : target.meters) {
    for (const Placement& placement : meter.placements) {
      if (placement.period.contains(at)) return Place{id, &meter, &placement};
    }
    if (kind == ResourceName::Kind::Meter) return Place{id, &meter, nullptr};
  }
  return std::nullopt;
}

// The readings around the instant of one register.
struct Around {
  const storage::RegisterRow *exact = nullptr, *before = nullptr, *after = nullptr;
};

vee::RegisterRead read_of(const storage::RegisterRow& row, const storage::Dictionary& names) {
  return {row.at, row.value, vee::marks_of(names.qualities.at(row.quality).codes)};
}

// The intervals of one channel, each with what it came from.
struct IntervalSeries {
  std::vector<IntervalPiece> pieces;
  std::vector<storage::SourceId> sources;

  void add(const storage::IntervalBlock& block, const storage::Dictionary& names) {
    const std::size_t begin = pieces.size();
    UtcInstant start = block.first_start;
    for (const std::int64_t mantissa : block.mantissas) {
      IntervalPiece& piece = pieces.emplace_back();
      piece.start = start;
      piece.length = block.length;
      if (mantissa != storage::IntervalBlock::kMissing) piece.value = Decimal{mantissa, block.exponent};
      start += block.length;
    }
    std::size_t slot = begin;
    for (const auto& run : block.qualities) {
      const vee::Marks marks = vee::marks_of(names.qualities.at(run.quality).codes);
      for (std::uint32_t i = 0; i < run.count && slot < pieces.size(); ++i) pieces[slot++].marks = marks;
    }
    for (const auto& run : block.sources) sources.insert(sources.end(), run.count, run.source);
    sources.resize(pieces.size());
  }
  // Blocks of different lengths may lie over each other in time.
  void sort() {
    std::vector<std::size_t> order(pieces.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::ranges::stable_sort(order, {}, [&](std::size_t i) { return pieces[i].start; });
    IntervalSeries sorted;
    for (const std::size_t i : order) {
      sorted.pieces.push_back(pieces[i]);
      sorted.sources.push_back(sources[i]);
    }
    *this = std::move(sorted);
  }
};

class ReadsAt {
 public:
  ReadsAt(const Call& call, const v1::GetReadAtRequest& request, v1::GetReadAtResponse& response)
      : call_(call), request_(request), response_(response) {}

  void run() {
    const ResourceName name = call_.resource("name", request_.name());
    if (!request_.has_time()) throw StatusError{invalid_field("time", "is required")};
    at_ = instant_from("time", request_.time());
    if (at_ > call_.now()) throw StatusError{invalid_field("time", "must not be in the future")};
    const std::chrono::microseconds reach =
        request_.has_max_distance() ? duration_from("max_distance", request_.max_distance(), kLongestReach)
                                    : kUsualReach;
    const std::string purpose = request_.allow_processed() ? purpose_from(request_.purpose()) : std::string();
    const std::string on_behalf_of = text_from("on_behalf_of", request_.on_behalf_of());
    const storage::ChannelFilter filter = filter_from(request_.quantities());
    as_of_ = as_of_from(call_, request_);
    layer_ = layer_from(request_.layer());
    utility_ = call_.utility_of(name.utility);

    storage::Period within{at_ - reach, at_ + reach};
    const ReadingTarget target =
        find_targets(call_, utility_, {name}, {within.from, within.to + std::chrono::microseconds{1}})
            .front();
    const auto place = place_at(target, name.kind, at_);
    if (!place) {
      response_.mutable_missing()->set_reason(v1::Missing::NO_METER);
      return;
    }
    place_ = *place;
    if (name.kind == ResourceName::Kind::UsagePoint) {
      within.from = std::max(within.from, place_.placement->period.from);
      within.to =
          std::min(within.to, place_.placement->period.to);  // the last reading is that of the removal
    }
    response_.set_meter(meter_name(utility_.key, place_.details->key));
    if (place_.placement != nullptr) {
      response_.set_usage_point(place_.placement->usage_point);
      response_.set_time_zone(place_.placement->zone);
    }
    if (request_.allow_processed()) {
      call_.log({.kind = CallRecord::Kind::Access,
                 .utility = utility_.key,
                 .usage_point = place_.placement == nullptr ? "" : place_.placement->usage_point_key,
                 .meter = place_.details->key,
                 .purpose = purpose,
                 .on_behalf_of = on_behalf_of,
                 .period = within});
    }
    find(within, filter);
    answer();
    if (response_.reads().empty()) response_.mutable_missing()->set_reason(v1::Missing::NO_READING);
  }

 private:
  void find(const storage::Period& within, const storage::ChannelFilter& filter) {
    storage::NearQuery query;
    query.targets = {{place_.meter, at_, within}};
    query.filter = filter;
    query.as_of = as_of_;
    query.layer = layer_;
    page_ = call_.take(storage::RegisterSearch(call_.scoped()).near(query));
    for (const storage::NearRow& near : page_.rows) {
      Around& around = around_[near.row.channel];
      (near.row.at == at_ ? around.exact : near.row.at < at_ ? around.before : around.after) = &near.row;
    }
  }

  void answer() {
    std::set<storage::UsagePointId> points;
    for (const storage::NearRow& near : page_.rows) {
      if (near.row.usage_point) points.insert(*near.row.usage_point);
    }
    const UsagePointNames names(call_, utility_, {points.begin(), points.end()});
    regime::Standings standings = standings_of(call_, utility_, {place_.meter});
    if (request_.allow_processed()) read_intervals();
    for (const auto& [id, channel] : page_.dictionary.channels) {
      const auto found = around_.find(id);
      const Result<ReadingType> type = ReadingType::parse(channel.reading_type);
      if (found == around_.end() && !(type && adds_up(*type))) continue;  // intervals, or nothing ever read
      const Around around = found == around_.end() ? Around{} : found->second;
      v1::ReadAt& read = *response_.add_reads();
      const Meaning meaning = meaning_of(channel.reading_type);
      read.set_channel(channel.key);
      read.set_quantity(meaning.quantity);
      read.set_tou(meaning.tou);
      read.set_reading_type(channel.reading_type);
      read.set_unit(channel.unit);
      const auto message = [&](const storage::RegisterRow& row) {
        return register_value(utility_, row, page_.dictionary, place_.details->key, names, false, standings);
      };
      if (around.exact != nullptr) {
        read.set_how(v1::ReadAt::EXACT);
        *read.mutable_exact() = message(*around.exact);
        continue;
      }
      read.set_how(around.before == nullptr && around.after == nullptr ? v1::ReadAt::MISSING
                                                                       : v1::ReadAt::BRACKETING);
      if (around.before != nullptr) {
        *read.mutable_before() = message(*around.before);
        *read.mutable_before_distance() = to_proto(at_ - around.before->at);
      }
      if (around.after != nullptr) {
        *read.mutable_after() = message(*around.after);
        *read.mutable_after_distance() = to_proto(around.after->at - at_);
      }
      if (!request_.allow_processed()) continue;
      if (type && adds_up(*type)) {
        process(channel, *type, around, read, standings);
      } else {
        read.set_not_processed("it is no register that adds up");
      }
    }
  }

  // The intervals of every dial that needs some, from the reading before to the one after.
  void read_intervals() {
    storage::Period period{UtcInstant::max(), UtcInstant::min()};
    std::vector<ReadingType> dials;
    for (const auto& [id, around] : around_) {
      const Result<ReadingType> type = ReadingType::parse(page_.dictionary.channels.at(id).reading_type);
      if (around.exact != nullptr || around.before == nullptr || !type || !adds_up(*type)) continue;
      dials.push_back(*type);
      period.from = std::min(period.from, around.before->at);
      period.to = std::max(period.to, around.after == nullptr ? at_ : around.after->at);
    }
    if (dials.empty()) return;
    const auto wanted = [&dials](const storage::ChannelInfo& channel) {
      const Result<ReadingType> type = ReadingType::parse(channel.reading_type);
      return type &&
             std::ranges::any_of(dials, [&](const ReadingType& dial) { return is_dial_of(dial, *type); });
    };
    std::string token;
    do {
      storage::IntervalPage page = call_.take(call_.readers().intervals(
          {{place_.meter, period}}, wanted, {kPageChannelDays, token}, as_of_, layer_));
      for (const storage::IntervalBlock& block : page.blocks) {
        series_[block.channel].add(block, page.dictionary);
        interval_channels_.insert_or_assign(block.channel, page.dictionary.channels.at(block.channel));
      }
      token = page.next_token;
    } while (!token.empty());
    for (auto& [id, series] : series_) series.sort();
  }

  void process(const storage::ChannelInfo& channel, const ReadingType& type, const Around& around,
               v1::ReadAt& read, regime::Standings& standings) {
    ReadAtQuestion question;
    question.at = at_;
    if (around.before != nullptr) question.before = read_of(*around.before, page_.dictionary);
    if (around.after != nullptr) question.after = read_of(*around.after, page_.dictionary);
    question.net = quantity_of(type) == Quantity::EnergyNet;
    know_dial(channel, type, around, question);

    std::vector<storage::ChannelId> candidates;
    for (const auto& [id, info] : interval_channels_) {
      const Result<ReadingType> interval = ReadingType::parse(info.reading_type);
      if (interval && is_dial_of(type, *interval)) candidates.push_back(id);
    }
    // Of two channels that could be the dial's, only one that the registers confirm.
    ComputedOrWhyNot computed;
    storage::ChannelId from = 0;
    for (const storage::ChannelId id : candidates) {
      question.intervals = series_.at(id).pieces;
      ComputedOrWhyNot tried = compute_read(question);
      const bool summed = tried.read && tried.read->method == ComputedRead::Method::RegisterPlusIntervals;
      if (summed && (candidates.size() == 1 || tried.read->difference)) {
        computed = std::move(tried);
        from = id;
        break;
      }
      if (!summed && candidates.size() == 1) computed = std::move(tried);
    }
    if (!computed.read && computed.why_not.empty()) {
      question.intervals = {};
      question.no_intervals = candidates.empty()
                                  ? "there are none of the same quantity"
                                  : "those of several channels could be the register's, and the "
                                    "readings do not tell which";
      computed = compute_read(question);
    }
    if (!computed.read) {
      read.set_not_processed(computed.why_not);
      return;
    }
    read.set_how(v1::ReadAt::PROCESSED);
    tell(*computed.read, channel, around, from, *read.mutable_processed());
    tell_standing(standings.at(place_.meter, channel.reading_type, regime::Formed::Computed, at_),
                  *read.mutable_processed());
  }

  // What the configuration says of the dial; left as it is, nothing is known.
  void know_dial(const storage::ChannelInfo& channel, const ReadingType& type, const Around& around,
                 ReadAtQuestion& question);

  void tell(const ComputedRead& computed, const storage::ChannelInfo& channel, const Around& around,
            storage::ChannelId from, v1::ProcessedRead& out) {
    out.set_value(computed.value.to_string());
    const bool linear = computed.method == ComputedRead::Method::Linear;
    out.set_method(linear ? v1::ProcessedRead::LINEAR : v1::ProcessedRead::REGISTER_PLUS_INTERVALS);
    out.set_origin(v1::ORIGIN_PROCESSED);
    out.set_algorithm(std::string(kReadAtAlgorithm));
    out.set_version(kReadAtVersion);
    out.set_words(computed.words);
    out.set_wrapped(computed.wrapped);
    if (computed.difference) out.set_check_difference(computed.difference->to_string());
    if (computed.bound) out.set_check_bound(computed.bound->to_string());
    if (place_.placement != nullptr) out.set_multiplier(place_.placement->multiplier.to_string());
    const auto cite = [&](const storage::RegisterRow& row) {
      v1::ProcessedRead::Input& input = *out.add_inputs();
      input.set_channel(channel.key);
      *input.mutable_start() = to_proto(row.at);
      input.set_source(source_name(utility_.key, row.source));
    };
    cite(*around.before);
    if (from != 0) {
      const IntervalSeries& series = series_.at(from);
      const auto first = std::ranges::find(series.pieces, around.before->at, &IntervalPiece::start);
      const auto begin = static_cast<std::size_t>(first - series.pieces.begin());
      for (std::size_t i = begin; i < begin + computed.intervals; ++i) {
        const UtcInstant end = series.pieces[i].start + series.pieces[i].length;
        if (i > begin && series.sources[i] == series.sources[i - 1]) {
          *out.mutable_inputs(out.inputs_size() - 1)->mutable_end() = to_proto(end);
          continue;
        }
        v1::ProcessedRead::Input& input = *out.add_inputs();
        input.set_channel(interval_channels_.at(from).key);
        *input.mutable_start() = to_proto(series.pieces[i].start);
        *input.mutable_end() = to_proto(end);
        if (series.sources[i] > 0) input.set_source(source_name(utility_.key, series.sources[i]));
      }
    }
    if (around.after != nullptr && (linear || computed.difference)) cite(*around.after);
  }

  const Call& call_;
  const v1::GetReadAtRequest& request_;
  v1::GetReadAtResponse& response_;
  UtcInstant at_{};
  std::optional<UtcInstant> as_of_;
  storage::Layer layer_ = storage::Layer::Validated;
  storage::Utility utility_;
  Place place_;
  storage::NearPage page_;
  std::map<storage::ChannelId, Around> around_;
  std::map<storage::ChannelId, IntervalSeries> series_;
  std::map<storage::ChannelId, storage::ChannelInfo> interval_channels_;
};

void ReadsAt::know_dial(const storage::ChannelInfo& channel, const ReadingType& type, const Around& around,
                        ReadAtQuestion& question) {
  const storage::RegisterRow& row = around.before != nullptr ? *around.before : *around.after;
  const auto rules = call_.rules();
  const vee::VeeConfig& config = rules->of_feed(page_.dictionary.sources.at(row.source).feed);
  question.physical_factor = config.physical_factor;
  question.boundary_pulses = config.sum_boundary_pulses;
  // Pulse and dial of a rule are those of the electricity meter.
  if (channel.unit != "Wh" && channel.unit != "VAh" && channel.unit != "varh") return;
  vee::ProgrammeQuery query;
  query.quantity = name_of(quantity_of(type));
  if (!place_.details->details.empty()) {
    const storage::MeterDetail& detail = detail_at(place_.details->details, at_);
    query.model = detail.model;
    query.form = detail.form;
    query.class_a = detail.class_a;
  }
  vee::state(vee::programme_of(config.programmes, query), question.programme);
}

}  // namespace

void get_read_at(const Call& call, const v1::GetReadAtRequest& request, v1::GetReadAtResponse& response) {
  ReadsAt(call, request, response).run();
}

}  // namespace ami::rpc
