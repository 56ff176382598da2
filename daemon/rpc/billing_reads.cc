#include "daemon/rpc/billing_reads.h"

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "daemon/rpc/billing_choice.h"
#include "daemon/rpc/billing_points.h"
#include "daemon/rpc/convert.h"
#include "daemon/rpc/read_at.h"
#include "daemon/rpc/reading_target.h"
#include "daemon/rpc/value_messages.h"
#include "meter_model/quantity/unit.h"
#include "storage/postgres/register_search.h"

namespace ami::rpc {
namespace {

using std::chrono::days;
using std::chrono::microseconds;

constexpr days kLongestTolerance{35}, kReach{400};  // the reach of the last good reading
constexpr std::size_t kLookedAt = 16;               // readings on each side
constexpr std::size_t kMostRejected = 16;

v1::RejectedRead::Reason to_proto(Unfit why) {
  switch (why) {
    case Unfit::OutsideTolerance:
      return v1::RejectedRead::OUTSIDE_TOLERANCE;
    case Unfit::Suspect:
      return v1::RejectedRead::SUSPECT;
    case Unfit::Estimated:
      return v1::RejectedRead::ESTIMATED;
    case Unfit::TestMode:
      return v1::RejectedRead::TEST_MODE;
    case Unfit::OtherMeter:
      return v1::RejectedRead::OTHER_METER;
    case Unfit::NotInstalled:
      return v1::RejectedRead::NOT_INSTALLED;
    case Unfit::InFuture:
      return v1::RejectedRead::IN_FUTURE;
    case Unfit::NotPreferred:
      return v1::RejectedRead::NOT_PREFERRED;
  }
  return v1::RejectedRead::REASON_UNSPECIFIED;
}

const char* detail_of(Unfit why) {
  switch (why) {
    case Unfit::OutsideTolerance:
      return "further away than the tolerance";
    case Unfit::Suspect:
      return "its quality says that it is suspect or out of range";
    case Unfit::Estimated:
      return "its quality says that it was estimated or edited";
    case Unfit::TestMode:
      return "it was read in test mode";
    case Unfit::OtherMeter:
      return "of another meter than the one that was there";
    case Unfit::NotInstalled:
      return "the meter was not at this usage point then";
    case Unfit::InFuture:
      return "its time is later than now, so its clock was wrong";
    case Unfit::NotPreferred:
      return "as near as the chosen one, but later";
  }
  return "";
}

// What a question about readings near an instant is for.
struct Purpose {
  std::size_t point = 0;
  enum class Kind { Instant, Neighbour, End, Start } kind = Kind::Instant;
  const storage::Installation* stay = nullptr;  // whose meter it is
};

// A change of meters at a usage point: one of the stays may be missing.
struct Change {
  UtcInstant at{};
  const storage::Installation *removed = nullptr, *installed = nullptr;
};

std::vector<Change> changes_of(const BillingPoint& point) {
  std::vector<Change> changes;
  const auto in_period = [&](UtcInstant at) { return point.since < at && at <= point.instant; };
  for (const storage::Installation& stay : point.stays) {
    if (in_period(stay.valid.from)) {
      // By time, so the meter before ended already.
      if (!changes.empty() && changes.back().at == stay.valid.from) {
        changes.back().installed = &stay;
      } else {
        changes.push_back({stay.valid.from, nullptr, &stay});
      }
    }
    if (in_period(stay.valid.to)) changes.push_back({stay.valid.to, &stay, nullptr});
  }
  return changes;
}

class BillingReadsCall {
 public:
  BillingReadsCall(const Call& call, const v1::ListBillingReadsRequest& request,
                   v1::ListBillingReadsResponse& response)
      : call_(call), request_(request), response_(response) {}

  void run() {
    if (request_.has_tolerance_before())
      tolerance_.before = duration_from("tolerance_before", request_.tolerance_before(), kLongestTolerance);
    if (request_.has_tolerance_after())
      tolerance_.after = duration_from("tolerance_after", request_.tolerance_after(), kLongestTolerance);
    const storage::ChannelFilter filter = filter_from(request_.quantities());
    const auto as_of = as_of_from(call_, request_);
    points_ = billing_points(call_, request_, utility_);
    response_.set_next_page_token(points_.next_token);
    ask();
    storage::NearQuery query;
    query.targets = targets_;
    query.filter = filter;
    query.before = query.after = kLookedAt;
    query.as_of = as_of;
    page_ = call_.take(storage::RegisterSearch(call_.scoped()).near(query));
    for (const storage::NearRow& near : page_.rows) rows_[near.target][near.row.channel].push_back(&near.row);
    for (const auto& [id, channel] : page_.dictionary.channels) channels_[channel.meter].push_back(&channel);
    std::vector<std::int64_t> installations;
    for (const std::int64_t id : exchanged_) installations.push_back(id);
    dials_ = call_.take(storage::RegisterSearch(call_.scoped()).dials(installations));
    tell(filter);
  }

 private:
  void target(std::size_t point, Purpose::Kind kind, const storage::Installation& stay, UtcInstant at,
              const storage::Period& within) {
    targets_.push_back({stay.meter, at, within});
    purposes_.push_back({point, kind, &stay});
    meter_keys_.emplace(stay.meter, stay.meter_key);
  }

  // What has to be known of each usage point, as one list of questions.
  void ask() {
    for (std::size_t n = 0; n < points_.points.size(); ++n) {
      const BillingPoint& point = points_.points[n];
      if (point.id == 0 || point.missing.reason() != v1::Missing::REASON_UNSPECIFIED) continue;
      const UtcInstant at = point.instant;
      if (const storage::Installation* stay = point.stay_at(at)) {
        // Beyond the tolerance, too: what is nearest there is told.
        target(n, Purpose::Kind::Instant, *stay, at, {at - kReach, at + kLongestTolerance});
        for (const storage::Installation& other : point.stays) {
          if (other.id == stay->id || other.meter == stay->meter) continue;
          const storage::Period near{std::max(other.valid.from, at - tolerance_.before),
                                     std::min(other.valid.to, at + tolerance_.after)};
          if (near.from <= near.to) target(n, Purpose::Kind::Neighbour, other, at, near);
        }
      }
      for (const Change& change : changes_of(point)) {
        if (change.removed != nullptr) {
          exchanged_.insert(change.removed->id);
          target(n, Purpose::Kind::End, *change.removed, change.at,
                 {std::max(change.removed->valid.from, change.at - kLongestTolerance), change.at});
        }
        if (change.installed != nullptr) {
          exchanged_.insert(change.installed->id);
          target(n, Purpose::Kind::Start, *change.installed, change.at,
                 {change.at, std::min(change.installed->valid.to, change.at + kLongestTolerance)});
        }
      }
    }
  }

  void tell(const storage::ChannelFilter& filter) {
    filter_ = &filter;
    std::set<storage::UsagePointId> places;
    std::set<MeterId> meters;
    for (const storage::NearRow& near : page_.rows) {
      if (near.row.usage_point) places.insert(*near.row.usage_point);
    }
    for (const storage::NearTarget& asked : targets_) meters.insert(asked.meter);
    for (const BillingPoint& point : points_.points) {
      if (point.id != 0) places.insert(point.id);
    }
    const UsagePointNames names(call_, utility_, {places.begin(), places.end()});
    regime::Standings standings = standings_of(call_, utility_, {meters.begin(), meters.end()});
    names_ = &names;
    standings_ = &standings;
    std::map<std::size_t, std::vector<std::size_t>> by_point;
    for (std::size_t i = 0; i < purposes_.size(); ++i) by_point[purposes_[i].point].push_back(i);
    for (std::size_t n = 0; n < points_.points.size(); ++n)
      tell_point(points_.points[n], by_point[n], *response_.add_usage_points());
  }

  void tell_point(const BillingPoint& point, const std::vector<std::size_t>& asked, v1::BillingReads& out) {
    out.set_usage_point(point.name);
    if (point.id == 0) {
      *out.mutable_missing() = point.missing;
      return;
    }
    out.set_time_zone(point.zone);
    *out.mutable_time() = rpc::to_proto(point.instant);
    for (const std::size_t i : asked) {
      if (purposes_[i].kind != Purpose::Kind::Instant) continue;
      out.set_meter(meter_name(utility_.key, purposes_[i].stay->meter_key));
      std::vector<std::size_t> neighbours;
      std::ranges::copy_if(asked, std::back_inserter(neighbours), [&](std::size_t other) {
        return purposes_[other].kind == Purpose::Kind::Neighbour;
      });
      tell_registers(i, neighbours, tolerance_, *out.mutable_reads());
    }
    if (point.missing.reason() != v1::Missing::REASON_UNSPECIFIED) {
      *out.mutable_missing() = point.missing;
    } else if (out.reads().empty()) {
      out.mutable_missing()->set_reason(out.meter().empty() ? v1::Missing::NO_METER
                                                            : v1::Missing::NO_READING);
    }
    for (const Change& change : changes_of(point)) tell_change(change, asked, *out.add_exchanges());
  }

  void tell_change(const Change& change, const std::vector<std::size_t>& asked, v1::MeterExchange& out) {
    *out.mutable_time() = rpc::to_proto(change.at);
    const auto side = [&](const storage::Installation& stay, Purpose::Kind kind, auto& reads) {
      tell_dials(stay, kind == Purpose::Kind::Start, change.at, reads);
      for (const std::size_t i : asked) {
        if (purposes_[i].kind == kind && purposes_[i].stay->id == stay.id)
          tell_registers(i, {}, {kLongestTolerance, kLongestTolerance}, reads);
      }
    };
    if (change.removed != nullptr) {
      out.set_removed(meter_name(utility_.key, change.removed->meter_key));
      side(*change.removed, Purpose::Kind::End, *out.mutable_end_reads());
    }
    if (change.installed != nullptr) {
      out.set_installed(meter_name(utility_.key, change.installed->meter_key));
      out.set_order_id(change.installed->order_id);
      side(*change.installed, Purpose::Kind::Start, *out.mutable_start_reads());
    }
  }

  using Reads = google::protobuf::RepeatedPtrField<v1::BillingRead>;

  static void tell_meaning(const std::string& reading_type, v1::BillingRead& out) {
    const Meaning meaning = meaning_of(reading_type);
    out.set_quantity(meaning.quantity);
    out.set_tou(meaning.tou);
    out.set_reading_type(reading_type);
  }

  // What somebody wrote down when the meter was put in or taken out.
  void tell_dials(const storage::Installation& stay, bool start, UtcInstant at, Reads& reads) {
    const auto found = dials_.find(stay.id);
    if (found == dials_.end()) return;
    for (const storage::DialRead& dial : start ? found->second.start : found->second.end) {
      const Result<ReadingType> type = ReadingType::parse(dial.reading_type);
      const auto canonical = type ? to_canonical(dial.value, *type) : std::nullopt;
      if (!canonical) continue;  // the store took types that it could read only
      const std::string unscaled = type->canonical().unscaled().to_string();
      if (*filter_ && !(*filter_)({0, utility_.id, stay.meter, "", unscaled, ""})) continue;
      v1::BillingRead& read = *reads.Add();
      tell_meaning(unscaled, read);
      read.set_unit(std::string(unit_symbol((*type)[ReadingType::Unit])));
      read.set_how(v1::BillingRead::RECORDED);
      v1::RegisterValue& value = *read.mutable_value();
      value.set_meter(meter_name(utility_.key, stay.meter_key));
      value.set_usage_point(usage_point_name(utility_.key, stay.usage_point_key));
      value.set_quantity(read.quantity());
      value.set_tou(read.tou());
      value.set_reading_type(unscaled);
      value.set_value(canonical->to_string());
      value.set_unit(read.unit());
      *value.mutable_time() = rpc::to_proto(at);
      value.set_origin(v1::ORIGIN_MANUAL);
      value.set_multiplier(stay.multiplier.to_string());
      value.set_time_zone(names_->zone(stay.usage_point, at));
      if (request_.apply_multiplier() && takes_multiplier(read.quantity())) {
        if (const auto product = canonical->times(stay.multiplier)) {
          value.set_value(product->to_string());
          value.set_multiplier_applied(true);
          value.set_origin(v1::ORIGIN_PROCESSED);
        }
      }
      tell_standing(standings_->at(stay.meter, unscaled, regime::Formed::Register, at), value);
    }
  }

  struct Candidates {
    std::vector<const storage::RegisterRow*> rows;
    std::vector<BillingCandidate> fitness;
  };

  void add(const storage::RegisterRow& row, const storage::Installation& stay, bool neighbour,
           Candidates& out) {
    BillingCandidate candidate{row.at, unfit_by(page_.dictionary.qualities.at(row.quality).codes)};
    if (row.at > call_.now()) candidate.unfit = Unfit::InFuture;
    // The reading of the moment of its removal is its last, and is still of this place.
    if (row.at < stay.valid.from || row.at > stay.valid.to) candidate.unfit = Unfit::NotInstalled;
    if (neighbour) candidate.unfit = Unfit::OtherMeter;
    out.rows.push_back(&row);
    out.fitness.push_back(candidate);
  }

  // Every register of the meter that the question is about.
  void tell_registers(std::size_t asked, const std::vector<std::size_t>& neighbours,
                      const Tolerance& tolerance, Reads& reads) {
    const storage::Installation& stay = *purposes_[asked].stay;
    const auto known = channels_.find(stay.meter);
    if (known == channels_.end()) return;
    for (const storage::ChannelInfo* channel : known->second) {
      const auto& by_channel = rows_[asked];
      const auto found = by_channel.find(channel->id);
      const Result<ReadingType> type = ReadingType::parse(channel->reading_type);
      if (found == by_channel.end() && !(type && adds_up(*type))) continue;  // intervals, or never read
      Candidates candidates;
      if (found != by_channel.end()) {
        for (const storage::RegisterRow* row : found->second) add(*row, stay, false, candidates);
      }
      for (const std::size_t neighbour : neighbours) {
        for (const auto& [id, rows] : rows_[neighbour]) {
          if (page_.dictionary.channels.at(id).reading_type != channel->reading_type) continue;
          for (const storage::RegisterRow* row : rows)
            add(*row, *purposes_[neighbour].stay, true, candidates);
        }
      }
      tell_read(*channel, candidates, targets_[asked].at, tolerance, *reads.Add());
    }
  }

  void tell_read(const storage::ChannelInfo& channel, const Candidates& candidates, UtcInstant instant,
                 const Tolerance& tolerance, v1::BillingRead& out) {
    out.set_channel(channel.key);
    out.set_unit(channel.unit);
    tell_meaning(channel.reading_type, out);
    const BillingChoice choice = choose(candidates.fitness, instant, tolerance);
    const auto value = [&](std::size_t i) {
      const storage::RegisterRow& row = *candidates.rows[i];
      return register_value(utility_, row, page_.dictionary, meter_keys_.at(row.meter), *names_,
                            request_.apply_multiplier(), *standings_);
    };
    const auto distance = [&](std::size_t i) { return rpc::to_proto(candidates.fitness[i].at - instant); };
    if (choice.chosen) {
      const UtcInstant at = candidates.fitness[*choice.chosen].at;
      out.set_how(at == instant  ? v1::BillingRead::EXACT
                  : at < instant ? v1::BillingRead::NEAREST_BEFORE
                                 : v1::BillingRead::NEAREST_AFTER);
      *out.mutable_value() = value(*choice.chosen);
      *out.mutable_distance() = distance(*choice.chosen);
    } else {
      out.set_how(v1::BillingRead::MISSING);
      if (choice.last_good) *out.mutable_last_good() = value(*choice.last_good);
    }
    for (const BillingChoice::Rejected& rejected : choice.rejected) {
      if (static_cast<std::size_t>(out.rejected_size()) == kMostRejected) break;
      v1::RejectedRead& message = *out.add_rejected();
      *message.mutable_value() = value(rejected.candidate);
      *message.mutable_distance() = distance(rejected.candidate);
      message.set_reason(to_proto(rejected.why));
      message.set_detail(detail_of(rejected.why));
    }
  }

  const Call& call_;
  const v1::ListBillingReadsRequest& request_;
  v1::ListBillingReadsResponse& response_;
  Tolerance tolerance_;
  storage::Utility utility_;
  BillingPoints points_;
  std::vector<storage::NearTarget> targets_;
  std::vector<Purpose> purposes_;     // of each target
  std::set<std::int64_t> exchanged_;  // installations that ended or began in the period
  std::map<MeterId, std::string> meter_keys_;
  storage::NearPage page_;
  std::map<std::size_t, std::map<storage::ChannelId, std::vector<const storage::RegisterRow*>>>
      rows_;  // by target
  std::map<MeterId, std::vector<const storage::ChannelInfo*>> channels_;
  std::map<std::int64_t, storage::DialReads> dials_;
  const storage::ChannelFilter* filter_ = nullptr;
  const UsagePointNames* names_ = nullptr;
  regime::Standings* standings_ = nullptr;
};

}  // namespace

void list_billing_reads(const Call& call, const v1::ListBillingReadsRequest& request,
                        v1::ListBillingReadsResponse& response) {
  BillingReadsCall(call, request, response).run();
}

}  // namespace ami::rpc
