#include "daemon/pipeline/reprocess_plan.h"

#include <algorithm>
#include <boost/multiprecision/cpp_int.hpp>
#include <map>
#include <span>
#include <string>
#include <tuple>

#include "storage/postgres/binary_copy.h"

namespace ami::daemon {
namespace {

using storage::Rank;
using storage::Said;
using storage::Statement;

// Exact, whatever is added up.
class Sum {
 public:
  void add(const Decimal& value) {
    Integer mantissa = value.mantissa;
    if (value.exponent < exponent_) {
      mantissa_ *= power(exponent_ - value.exponent);
      exponent_ = value.exponent;
    } else {
      mantissa *= power(value.exponent - exponent_);
    }
    mantissa_ += mantissa;
  }
  void subtract(const Decimal& value) {
    mantissa_ = -mantissa_;
    add(value);
    mantissa_ = -mantissa_;
  }
  [[nodiscard]] std::string text() const { return mantissa_.str() + "e" + std::to_string(exponent_); }

 private:
  using Integer = boost::multiprecision::cpp_int;
  static Integer power(int n) { return boost::multiprecision::pow(Integer(10), static_cast<unsigned>(n)); }
  Integer mantissa_ = 0;
  int exponent_ = 0;
};

// One value, of today's reading or of what was said before. There are many: a stretch may hold 400,000.
struct Value {
  UtcInstant start{};
  std::int64_t length_s = 0;
  std::optional<Decimal> value;
  const ValueQuality* quality = nullptr;
  Rank rank;
  const RegisterReading* reading = nullptr;  // of today's registers
  const Statement* said = nullptr;           // null: it is today's
  bool own = false;                          // said by this stretch before
  std::uint32_t item = 0, slot = 0;          // of today's: where it stands in the batch

  [[nodiscard]] auto place() const { return std::tie(length_s, start); }
  [[nodiscard]] auto circumstances() const {  // of a register
    return reading != nullptr ? std::tie(reading->period_start, reading->occurred_at, reading->time_source)
                              : std::tie(said->period_start, said->occurred_at, said->time_source);
  }
};

bool same(const Value& a, const Value& b) {
  if (a.value.has_value() != b.value.has_value() || (a.value && *a.value != *b.value) ||
      *a.quality != *b.quality) {
    return false;
  }
  return a.length_s != 0 || a.circumstances() == b.circumstances();
}

// The store's order of rank.
bool below(const Value& a, const Value& b) {
  if (a.value.has_value() != b.value.has_value()) return b.value.has_value();
  if (a.rank != b.rank) return a.rank < b.rank;
  if (a.value && *a.value != *b.value) return *a.value < *b.value;
  return std::tie(a.quality->codes, a.quality->vendor_flag) <
         std::tie(b.quality->codes, b.quality->vendor_flag);
}

struct Difference {
  storage::RunCounts counts;
  Sum before, after, registers;
  UtcInstant first = UtcInstant::max(), last = UtcInstant::min();
};

class Planner {
 public:
  Planner(const NormalisedBatch& today, int mapping_version, const Said& said, const ReprocessScope& scope)
      : today_(today), version_(mapping_version), said_(said), scope_(scope) {}

  StretchPlan plan() {
    collect_today();
    collect_said();
    for (auto& [key, group] : groups_) plan_group(key.first, key.second, group);
    for (const auto& [key, difference] : differences_) report(key, difference);
    write_news();
    return std::move(plan_);
  }

 private:
  using ChannelName = std::pair<std::string, std::string>;  // reading type, unit
  struct Channel {
    std::int64_t id = 0;  // 0 = there is none yet
    std::vector<Value> now, before;
    std::set<storage::SourceId> withdrawn;
  };
  using Group = std::map<ChannelName, Channel>;

  void collect_today() {
    qualities_.reserve(today_.qualities.size());
    for (const ValueQuality& quality : today_.qualities) {
      ValueQuality clean{quality.codes, storage::clean_text(quality.vendor_flag)};
      std::sort(clean.codes.begin(), clean.codes.end());
      clean.codes.erase(std::unique(clean.codes.begin(), clean.codes.end()), clean.codes.end());
      qualities_.push_back(std::move(clean));
    }
    std::vector<Channel*> channels;
    for (const ChannelKey& key : today_.channels) {
      channels.push_back(
          scope_.covers(key.meter)
              ? &groups_[{key.meter, storage::clean_text(key.key)}][{key.reading_type, key.unit}]
              : nullptr);
    }
    for (std::uint32_t n = 0; n < today_.registers.size(); ++n) {
      const RegisterReading& read = today_.registers[n];
      Channel* channel = channels.at(read.channel);
      if (channel == nullptr) continue;
      ++plan_.values;
      channel->now.push_back({read.at,
                              0,
                              read.value,
                              &qualities_.at(read.quality),
                              {read.rank, version_},
                              &read,
                              nullptr,
                              false,
                              n,
                              0});
    }
    for (std::uint32_t n = 0; n < today_.intervals.size(); ++n) {
      const IntervalRun& run = today_.intervals[n];
      Channel* channel = channels.at(run.channel);
      if (channel == nullptr) continue;
      for (std::uint32_t i = 0; i < run.mantissas.size(); ++i) {
        const ValueQuality& quality = qualities_.at(run.quality.empty() ? 0 : run.quality[i]);
        if (!run.mantissas[i] && quality == ValueQuality{}) continue;  // a hole without a flag says nothing
        ++plan_.values;
        Value value;
        value.start = run.first_start + static_cast<std::int64_t>(i) * run.length;
        value.length_s = run.length.count();
        if (run.mantissas[i]) value.value = Decimal{*run.mantissas[i], run.exponent};
        value.quality = &quality;
        value.rank = {run.rank, version_};
        value.item = n;
        value.slot = i;
        channel->now.push_back(std::move(value));
      }
    }
  }

  void collect_said() {
    for (const Statement& s : said_.statements) {
      const storage::ChannelInfo& info = said_.channels.at(s.channel);
      if (!scope_.covers(info.meter)) continue;
      Channel& channel = groups_[{info.meter, info.key}][{info.reading_type, info.unit}];
      channel.id = s.channel;
      const storage::StatementSource& source = said_.sources.at(s.source);
      channel.before.push_back({s.start, s.length_s, s.value, &said_.qualities.at(s.quality), source.rank,
                                nullptr, &s, source.own, 0, 0});
    }
  }

  // Calls use(today's values, values said before) for each slot that has any.
  template <class Use>
  static void each_slot(Channel& channel, Use&& use) {
    std::span<Value> now(channel.now), before(channel.before);
    while (!now.empty() || !before.empty()) {
      const Value& first = before.empty() || (!now.empty() && now.front().place() < before.front().place())
                               ? now.front()
                               : before.front();
      const auto cut = [&first](std::span<Value>& from) {
        std::size_t n = 0;
        while (n < from.size() && from[n].place() == first.place()) ++n;
        const std::span<Value> slot = from.first(n);
        from = from.subspan(n);
        return slot;
      };
      const auto now_slot = cut(now);
      const auto before_slot = cut(before);
      use(now_slot, before_slot);
    }
  }

  void plan_group(MeterId meter, const std::string& key, Group& group) {
    bool spoken_of = false;
    for (auto& [name, channel] : group) {
      const auto by_place = [](const Value& a, const Value& b) { return a.place() < b.place(); };
      std::stable_sort(channel.now.begin(), channel.now.end(), by_place);
      std::stable_sort(channel.before.begin(), channel.before.end(), by_place);
      spoken_of = spoken_of || !channel.now.empty();
      each_slot(channel, [&](std::span<Value> now, std::span<Value> before) {
        find_withdrawals(channel, now, before);
      });
    }
    for (auto& [name, channel] : group) {
      for (const storage::SourceId source : channel.withdrawn) {
        plan_.withdrawals.emplace_back(channel.id, source);
        // Where today's reading says something else of the same key, that has to be by a newer mapping.
        if (spoken_of && said_.sources.at(source).rank.mapping_version >= version_)
          conflict(meter, key, channel.before.front());
      }
      Difference& difference = differences_[{meter, key, name.first, name.second}];
      each_slot(channel, [&](std::span<Value> now, std::span<Value> before) {
        plan_slot(meter, key, channel, now, before, difference);
      });
    }
  }

  void find_withdrawals(Channel& channel, std::span<const Value> now, std::span<const Value> before) const {
    for (const Value& was : before) {
      if (!was.own || !was.value || !scope_.period.contains(was.start)) continue;
      const bool outranked = std::any_of(now.begin(), now.end(), [&](const Value& is) {
        return is.value && is.rank.stamp >= was.rank.stamp;
      });
      if (!outranked && !is_said(was, now)) channel.withdrawn.insert(was.said->source);
    }
  }

  void plan_slot(MeterId meter, const std::string& key, Channel& channel, std::span<Value> now,
                 std::span<const Value> before, Difference& difference) {
    std::vector<const Value*> after;
    bool changed = false;
    for (const Value& was : before) {
      if (channel.withdrawn.contains(was.said->source)) {
        changed = true;
      } else {
        after.push_back(&was);
      }
    }
    for (Value& is : now) {
      if (!scope_.period.contains(is.start) && channel.withdrawn.empty()) continue;
      if (is_known(is, channel, now, before)) continue;
      if (const Value* other = in_the_way(is, channel, now, before)) {
        conflict(meter, key, is);
        is.rank.mapping_version =
            other->rank.mapping_version + 1;  // the difference that a raised version would make
      }
      news_.emplace_back(is.length_s == 0, is.item, is.slot);
      after.push_back(&is);
      changed = true;
    }
    if (changed) count(meter, channel, before, after, difference);
  }

  static bool is_said(const Value& was, std::span<const Value> now) {
    return std::any_of(now.begin(), now.end(), [&](const Value& is) { return same(is, was); });
  }

  // It was said, and nothing that this stretch said and does not say any more stands above it.
  static bool is_known(const Value& is, const Channel& channel, std::span<const Value> now,
                       std::span<const Value> before) {
    const auto counts = [&](const Value& was) { return !channel.withdrawn.contains(was.said->source); };
    return std::any_of(before.begin(), before.end(), [&](const Value& was) {
      return same(is, was) && was.rank.stamp == is.rank.stamp && counts(was) &&
             std::none_of(before.begin(), before.end(), [&](const Value& other) {
               return other.own && counts(other) && below(was, other) && !is_said(other, now);
             });
    });
  }

  // What would keep `is` from counting, or leave it to chance.
  static const Value* in_the_way(const Value& is, const Channel& channel, std::span<const Value> now,
                                 std::span<const Value> before) {
    for (const Value& was : before) {
      if (was.rank.stamp != is.rank.stamp) continue;
      if (channel.withdrawn.contains(was.said->source)) {
        if (was.rank == is.rank && same(was, is))
          return &was;  // the same statement cannot be taken back and made
        continue;
      }
      if (!is_said(was, now) && was.value.has_value() == is.value.has_value() &&
          was.rank.mapping_version >= is.rank.mapping_version) {
        return &was;
      }
    }
    return nullptr;
  }

  void count(MeterId meter, const Channel& channel, std::span<const Value> before,
             const std::vector<const Value*>& after, Difference& difference) {
    const Value* was = nullptr;
    for (const Value& value : before) {
      if (was == nullptr || below(*was, value)) was = &value;
    }
    const Value* is = nullptr;
    for (const Value* value : after) {
      if (is == nullptr || below(*is, *value)) is = value;
    }
    const bool had = was != nullptr && was->value, has = is != nullptr && is->value;
    if (had && channel.withdrawn.contains(was->said->source) && (!has || below(*is, *was))) {
      plan_.retractions.push_back(
          {meter, channel.id, was->start, was->length_s, *was->value, was->said->quality});
    }
    const bool interval = (was != nullptr ? was : is)->length_s != 0;
    storage::RunCounts& counts = difference.counts;
    if (!had && !has) return;
    if (had && has && *was->value == *is->value) {
      if (*was->quality == *is->quality) return;
      ++(interval ? counts.intervals_requalified : counts.registers_requalified);
    } else if (had && has) {
      ++(interval ? counts.intervals_corrected : counts.registers_corrected);
      if (!interval) {
        difference.registers.add(*is->value);
        difference.registers.subtract(*was->value);
      }
    } else if (has) {
      ++(interval ? counts.intervals_added : counts.registers_added);
    } else {
      ++(interval ? counts.intervals_retracted : counts.registers_retracted);
    }
    const bool other_value = !(had && has) || *was->value != *is->value;
    if (interval && other_value) {
      if (had) difference.before.add(*was->value);
      if (has) difference.after.add(*is->value);
    }
    const UtcInstant start = (had ? was : is)->start;
    difference.first = std::min(difference.first, start);
    difference.last = std::max(difference.last, start);
  }

  void conflict(MeterId meter, const std::string& key, const Value& value) {
    ++plan_.diff.conflicts;
    if (!plan_.diff.conflict.empty()) return;
    plan_.diff.conflict_meter = meter;
    plan_.diff.conflict =
        "channel " + key + " at " + to_text(value.start) +
        " would be read differently, but today's mapping version " + std::to_string(version_) +
        " is not higher than the one it was stored with: raise assume_version of the feed, or the"
        " version of its map, then order the run again";
  }

  using DifferenceKey = std::tuple<MeterId, std::string, std::string, std::string>;
  void report(const DifferenceKey& key, const Difference& difference) {
    if (difference.first > difference.last) return;
    storage::ChannelDiff out;
    std::tie(out.meter, out.key, out.reading_type, out.unit) = key;
    out.counts = difference.counts;
    out.before = difference.before.text();
    out.after = difference.after.text();
    out.register_delta = difference.registers.text();
    out.first_at = difference.first;
    out.last_at = difference.last;
    plan_.diff.channels.push_back(std::move(out));
  }

  // The chosen values as a batch: with the channels that they need and no others, runs cut where values are
  // left out.
  void write_news() {
    std::sort(news_.begin(), news_.end());
    NormalisedBatch& out = plan_.news;
    out.qualities = today_.qualities;
    std::map<std::uint32_t, std::uint32_t> channels;
    const auto channel = [&](std::uint32_t from) {
      const auto [found, fresh] = channels.try_emplace(from, static_cast<std::uint32_t>(out.channels.size()));
      if (fresh) out.channels.push_back(today_.channels.at(from));
      return found->second;
    };
    std::uint32_t last_item = 0, last_slot = 0;
    for (const auto& [is_register, item, slot] : news_) {
      if (is_register) {
        out.registers.push_back(today_.registers.at(item));
        out.registers.back().channel = channel(out.registers.back().channel);
        continue;
      }
      const IntervalRun& from = today_.intervals.at(item);
      if (out.intervals.empty() || last_item != item || last_slot + 1 != slot) {
        IntervalRun run;
        run.channel = channel(from.channel);
        run.first_start = from.first_start + static_cast<std::int64_t>(slot) * from.length;
        run.length = from.length;
        run.exponent = from.exponent;
        run.rank = from.rank;
        run.time_source = from.time_source;
        run.offset = from.offset;
        out.intervals.push_back(std::move(run));
      }
      out.intervals.back().mantissas.push_back(from.mantissas.at(slot));
      out.intervals.back().quality.push_back(from.quality.empty() ? 0 : from.quality.at(slot));
      last_item = item;
      last_slot = slot;
    }
  }

  const NormalisedBatch& today_;
  const int version_;
  const Said& said_;
  const ReprocessScope& scope_;
  std::vector<ValueQuality> qualities_;  // of today, as they are stored
  std::map<std::pair<MeterId, std::string>, Group> groups_;
  std::map<DifferenceKey, Difference> differences_;
  std::vector<std::tuple<bool, std::uint32_t, std::uint32_t>>
      news_;  // (register?, item, slot); intervals first
  StretchPlan plan_;
};

}  // namespace

StretchPlan plan_stretch(const NormalisedBatch& today, int mapping_version, const Said& said,
                         const ReprocessScope& scope) {
  return Planner(today, mapping_version, said, scope).plan();
}

}  // namespace ami::daemon
