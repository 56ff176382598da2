#include "storage/postgres/meter_day.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "storage/postgres/asset_rows.h"
#include "storage/postgres/layers.h"
#include "storage/postgres/meter_day_load.h"
#include "storage/postgres/readers_as_of.h"
#include "storage/postgres/row_loader.h"

namespace ami::storage {
namespace {

using std::chrono::days;
using std::chrono::hours;

constexpr hours kWindow{26};         // on either side of the civil day
constexpr days kLongestRow{62};      // of days with estimates
constexpr days kLongestSilence{40};  // before a channel counts as gone

// The last slot of the row with a value that ends by then.
std::optional<std::size_t> last_value(const IntervalRow& row, UtcInstant by) {
  const auto slots = static_cast<std::int64_t>(row.slots());
  const auto ended =
      std::clamp<std::int64_t>((by - row.start) / std::chrono::microseconds{row.length}, 0, slots);
  for (auto slot = static_cast<std::size_t>(ended); slot-- > 0;) {
    const bool hole = row.stored.wide.empty() ? row.stored.values[slot] == SlotRow::kNarrowHole
                                              : row.stored.wide[slot] == SlotRow::kHole;
    if (!hole) return slot;
  }
  return std::nullopt;
}

SourceId source_at(const IntervalRow& row, std::size_t slot) {
  std::int64_t end = 0;
  const auto& runs = row.stored.source_runs;
  for (std::size_t i = 0; i + 1 < runs.size(); i += 2) {
    end += runs[i];
    if (static_cast<std::int64_t>(slot) < end) return runs[i + 1];
  }
  return 0;
}

class Loader {
 public:
  Loader(Session& session, CivilDays& civil, const std::vector<MeterDate>& wanted,
         std::optional<UtcInstant> as_of)
      : session_(session), moment_(session, as_of) {
    std::set<MeterId> meters;
    for (const MeterDate& of : wanted) meters.insert(of.meter);
    meters_.assign(meters.begin(), meters.end());
    civil.learn(meters);
    for (const MeterDate& of : wanted) {
      MeterDayFacts& facts = out_.days.emplace_back();
      const CivilDays::Of& meter = civil.of(of.meter);
      const Zone::Day day = civil.day(of.meter, Day{of.date});
      facts.of = of;
      facts.meter_key = meter.key;
      facts.zone = civil.zone(of.meter, Day{of.date}).name();
      facts.day = {day.start, day.end};
      facts.window = {day.start - kWindow, day.end + kWindow};
      facts.stays = meter.stays;
    }
  }

  LoadedDays load() {
    load_assets();
    load_the_channels();
    load_intervals();
    load_registers_of(session_, moment_, channels_, out_.days);
    load_events_of(session_, out_.days, moment_.as_of());
    if (!moment_.as_of()) load_estimated_days();
    explain_all();
    load_lost();
    for (MeterDayFacts& facts : out_.days) strip_findings(facts.dictionary);
    out_.channels = std::make_shared<const DayChannels>(std::move(channels_));
    return std::move(out_);
  }

 private:
  void load_assets() {
    const auto assets = load_meter_facts(session_, meters_);
    for (MeterDayFacts& facts : out_.days) facts.assets = assets.at(facts.of.meter);
  }

  void load_the_channels() {
    std::vector<ChannelId> withdrawals;
    for (LoadedChannel& channel : load_channels(session_, meters_, {})) {
      if (channel.withdrawals) withdrawals.push_back(channel.info.id);
      channels_.of_meter[channel.info.meter].push_back({std::move(channel.info), channel.withdrawals});
    }
    moment_.watch(withdrawals);
    for (MeterDayFacts& facts : out_.days) {
      for (const DayChannels::Channel& channel : channels_.of_meter[facts.of.meter])
        facts.dictionary.channels.emplace(channel.info.id, channel.info);
    }
  }

  // Windows of one meter that touch are read in one go.
  struct Group {
    MeterId meter = 0;
    Day first{}, last{};
    std::vector<std::size_t> days;
  };
  [[nodiscard]] std::vector<Group> groups() const {
    std::vector<std::size_t> order(out_.days.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::ranges::sort(order, {}, [&](std::size_t i) {
      return std::tuple(out_.days[i].of.meter, out_.days[i].window.from);
    });
    std::vector<Group> out;
    for (const std::size_t i : order) {
      const MeterDayFacts& facts = out_.days[i];
      const Day first = std::chrono::floor<days>(facts.window.from),
                last = std::chrono::floor<days>(facts.window.to - std::chrono::microseconds{1});
      if (out.empty() || out.back().meter != facts.of.meter || first > out.back().last + days{1})
        out.push_back({facts.of.meter, first, last, {}});
      out.back().last = std::max(out.back().last, last);
      out.back().days.push_back(i);
    }
    return out;
  }

  void load_intervals() {
    std::vector<Target> targets;
    std::vector<Stretch> stretches;
    std::vector<std::size_t> group_of;  // of a stretch
    const std::vector<Group> all = groups();
    for (std::size_t g = 0; g < all.size(); ++g) {
      for (const DayChannels::Channel& channel : channels_.of_meter[all[g].meter]) {
        stretches.push_back({targets.size(), all[g].first, all[g].last});
        targets.push_back({0, channel.info, {}, channel.withdrawals});
        group_of.push_back(g);
      }
    }
    if (stretches.empty()) return;
    DayCache none(0);  // what is read once must not drive out what is read often
    std::vector<IntervalRow> rows = load_rows(session_, none, targets, stretches);
    std::vector<std::int64_t> versions;
    versions.reserve(rows.size());
    for (const IntervalRow& row : rows) versions.push_back(row.stored.version);
    if (!moment_.everything_counts()) restate(session_, moment_, rows);
    std::vector<BlockWriter> writers;
    writers.reserve(out_.days.size());
    for (MeterDayFacts& facts : out_.days) writers.emplace_back(facts.intervals);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const IntervalRow& row = rows[i];
      const UtcInstant end = row.start + static_cast<std::int64_t>(row.slots()) * row.length;
      for (const std::size_t n : all[group_of[row.stretch]].days) {
        MeterDayFacts& facts = out_.days[n];
        if (end <= facts.window.from || row.start >= facts.window.to) continue;
        writers[n].add(row, 0, facts.window);
        if (row.grid && row.start < facts.day.to && end > facts.day.from)
          facts.versions.push_back(
              {row.channel, row.length, std::chrono::floor<days>(row.start), versions[i]});
        if (!row.grid && facts.day.contains(row.start)) note_odd(facts, row, versions[i]);
      }
    }
    std::vector<std::vector<std::size_t>> of_group(all.size());
    for (std::size_t i = 0; i < rows.size(); ++i) of_group[group_of[rows[i].stretch]].push_back(i);
    for (std::size_t g = 0; g < all.size(); ++g) {
      for (const std::size_t n : all[g].days) {
        for (const std::size_t i : of_group[g]) note_last(out_.days[n], rows[i]);
      }
    }
    load_silent();
  }

  static void note_odd(MeterDayFacts& facts, const IntervalRow& row, std::int64_t version) {
    const Day day = std::chrono::floor<days>(row.start);
    const auto known = std::ranges::find_if(facts.versions, [&](const RowVersion& other) {
      return !other.grid && other.channel == row.channel && other.length == row.length && other.day == day;
    });
    if (known != facts.versions.end()) {
      known->version += version;
    } else {
      facts.versions.push_back({row.channel, row.length, day, version, false});
    }
  }

  static void note_last(MeterDayFacts& facts, const IntervalRow& row) {
    if (row.start >= facts.window.from) return;
    auto known = std::ranges::find(facts.last_intervals, row.channel, &LastInterval::channel);
    if (known != facts.last_intervals.end() && known->start >= row.start + row.length * row.slots()) return;
    const auto slot = last_value(row, facts.window.from);
    if (!slot) return;
    const LastInterval last{row.channel, row.start + static_cast<std::int64_t>(*slot) * row.length,
                            row.length, source_at(row, *slot)};
    if (known == facts.last_intervals.end()) {
      facts.last_intervals.push_back(last);
    } else if (last.start > known->start) {
      *known = last;
    }
  }

  // Channels whose last value lies before all that was read.
  void load_silent() {
    std::vector<std::int64_t> meters, channels, numbers;
    std::vector<Day> last;
    std::vector<const DayChannels::Channel*> asked;
    std::vector<std::size_t> day_of;
    Day bounds[] = {Day::max(), Day::min()};
    for (std::size_t n = 0; n < out_.days.size(); ++n) {
      const MeterDayFacts& facts = out_.days[n];
      for (const DayChannels::Channel& channel : channels_.of_meter[facts.of.meter]) {
        if (std::ranges::find(facts.last_intervals, channel.info.id, &LastInterval::channel) !=
            facts.last_intervals.end())
          continue;
        const Day day = std::chrono::floor<days>(facts.window.from);
        meters.push_back(facts.of.meter);
        channels.push_back(channel.info.id);
        numbers.push_back(static_cast<std::int64_t>(asked.size()));
        last.push_back(day);
        asked.push_back(&channel);
        day_of.push_back(n);
        bounds[0] = std::min(bounds[0], day - kLongestSilence);
        bounds[1] = std::max(bounds[1], day);
      }
    }
    if (asked.empty()) return;
    if (moment_.as_of()) {
      // Which day was the last one with a value then is not to be seen from the rows of now.
      std::vector<Target> targets;
      std::vector<Stretch> stretches;
      for (std::size_t n = 0; n < asked.size(); ++n) {
        stretches.push_back({n, last[n] - kLongestSilence, last[n] - days{1}});
        targets.push_back({0, asked[n]->info, {}, asked[n]->withdrawals});
      }
      note_silent(targets, stretches, day_of);
      return;
    }
    Params params;
    params.array(meters);
    params.array(channels);
    params.array(numbers);
    params.array(std::span<const Day>(last));
    const std::string low = "'" + to_text(UtcInstant{bounds[0]}) + "'",
                      high = "'" + to_text(UtcInstant{bounds[1]}) + "'";
    const std::string silence = std::to_string(kLongestSilence.count());
    const std::string sql =
        "SELECT k.n, d.day FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::date[])"
        " AS k (meter_id, channel_id, n, last) CROSS JOIN LATERAL (SELECT greatest("
        "(SELECT i.day FROM interval_day i WHERE i.meter_id = k.meter_id AND i.channel_id = k.channel_id"
        " AND i.day >= k.last - " +
        silence + " AND i.day < k.last AND i.exponent IS NOT NULL AND i.day >= " + low +
        "::date AND i.day < " + high +
        "::date ORDER BY i.day DESC LIMIT 1),"
        " (SELECT (o.start_at AT TIME ZONE 'UTC')::date FROM interval_odd o WHERE o.meter_id = k.meter_id AND"
        " o.channel_id = k.channel_id AND o.start_at >= (k.last - " +
        silence +
        ")::timestamp AT TIME ZONE 'UTC'"
        " AND o.start_at < k.last::timestamp AT TIME ZONE 'UTC' AND o.mantissa IS NOT NULL AND o.start_at "
        ">= " +
        low + " AND o.start_at < " + high +
        " ORDER BY o.start_at DESC LIMIT 1)) AS day OFFSET 0) d WHERE d.day IS NOT NULL";
    const Rows found = Rows::query(session_.raw(), sql.c_str(), params);
    if (found.size() == 0) return;
    std::vector<Target> targets;
    std::vector<Stretch> stretches;
    std::vector<std::size_t> whose;  // of a stretch
    for (int i = 0; i < found.size(); ++i) {
      const auto n = static_cast<std::size_t>(found.i8(i, 0));
      stretches.push_back({targets.size(), found.day(i, 1), found.day(i, 1)});
      targets.push_back({0, asked[n]->info, {}, asked[n]->withdrawals});
      whose.push_back(day_of[n]);
    }
    note_silent(targets, stretches, whose);
  }

  void note_silent(const std::vector<Target>& targets, const std::vector<Stretch>& stretches,
                   const std::vector<std::size_t>& day_of) {
    DayCache none(0);
    std::vector<IntervalRow> rows = load_rows(session_, none, targets, stretches);
    if (!moment_.everything_counts()) restate(session_, moment_, rows);
    for (const IntervalRow& row : rows) note_last(out_.days[day_of[row.stretch]], row);
  }

  void load_estimated_days() {
    Day low = Day::max(), high = Day::min();
    for (const MeterDayFacts& facts : out_.days) {
      low = std::min(low, Day{facts.of.date} - kLongestRow);
      high = std::max(high, Day{facts.of.date});
    }
    const Day bounds[] = {low, high};
    Params params;
    params.array(meters_);
    params.array(std::span<const Day>(bounds));
    const Rows rows =
        ask(session_, "ami_estimated_days",
            "SELECT DISTINCT e.meter_id, e.channel_id, e.date FROM unnest($1::bigint[]) AS k (meter_id)"
            " JOIN estimate e ON e.meter_id = k.meter_id AND e.superseded_at IS NULL"
            " AND e.date >= ($2::date[])[1] AND e.date < ($2::date[])[2]",
            params);
    std::map<std::pair<MeterId, ChannelId>, std::set<Day>> estimated;
    for (int i = 0; i < rows.size(); ++i) estimated[{rows.i8(i, 0), rows.i8(i, 1)}].insert(rows.day(i, 2));
    if (estimated.empty()) return;
    for (MeterDayFacts& facts : out_.days) {
      for (const DayChannels::Channel& channel : channels_.of_meter[facts.of.meter]) {
        const auto found = estimated.find({facts.of.meter, channel.info.id});
        if (found == estimated.end()) continue;
        const Day date{facts.of.date};
        const std::set<Day> near(found->second.lower_bound(date - kLongestRow),
                                 found->second.lower_bound(date));
        if (!near.empty()) facts.estimated_days[channel.info.id] = near;
      }
    }
  }

  void explain_all() {
    Dictionary all;
    for (MeterDayFacts& facts : out_.days) {
      Dictionary& own = facts.dictionary;
      for (const IntervalBlock& block : facts.intervals) {
        for (const auto& run : block.sources) own.sources.try_emplace(run.source);
        for (const auto& run : block.qualities) own.qualities.try_emplace(run.quality);
      }
      for (const auto* registers : {&facts.registers, &facts.earlier_registers}) {
        for (const RegisterRow& row : *registers) {
          own.sources.try_emplace(row.source);
          own.qualities.try_emplace(row.quality);
        }
      }
      for (const EventRow& event : facts.events) own.sources.try_emplace(event.source);
      for (const LastInterval& last : facts.last_intervals) own.sources.try_emplace(last.source);
      own.sources.erase(0);
      own.qualities.try_emplace(0);
      for (const auto& [id, source] : own.sources) all.sources.try_emplace(id);
      for (const auto& [id, quality] : own.qualities) all.qualities.try_emplace(id);
    }
    explain(session_, all);
    for (MeterDayFacts& facts : out_.days) {
      for (auto& [id, source] : facts.dictionary.sources) source = all.sources.at(id);
      for (auto& [id, quality] : facts.dictionary.qualities) quality = all.qualities.at(id);
    }
    out_.qualities = std::move(all.qualities);
  }

  // The value of a slot of the day and when its source says that it was made.
  struct Current {
    Decimal value;
    UtcInstant stamp{};
  };
  static std::optional<Current> current(const MeterDayFacts& facts, const LostInterval& slot) {
    for (const IntervalBlock& block : facts.intervals) {
      if (block.channel != slot.channel || block.length != slot.length) continue;
      const auto after = slot.start - block.first_start;
      if (after < std::chrono::seconds{0} || after % block.length != std::chrono::seconds{0}) continue;
      const auto index = static_cast<std::size_t>(after / block.length);
      if (index >= block.mantissas.size()) continue;
      if (block.mantissas[index] == IntervalBlock::kMissing) return std::nullopt;
      std::size_t end = 0;
      for (const auto& run : block.sources) {
        end += run.count;
        if (index < end)
          return Current{{block.mantissas[index], block.exponent},
                         facts.dictionary.sources.at(run.source).rank};
      }
    }
    return std::nullopt;
  }

  void load_lost() {
    std::vector<std::int64_t> meters, channels, numbers;
    std::vector<UtcInstant> from, to;
    UtcInstant low = UtcInstant::max(), high = UtcInstant::min();
    for (std::size_t n = 0; n < out_.days.size(); ++n) {
      const MeterDayFacts& facts = out_.days[n];
      std::set<ChannelId> with_values;
      for (const IntervalBlock& block : facts.intervals) with_values.insert(block.channel);
      for (const ChannelId channel : with_values) {
        meters.push_back(facts.of.meter);
        channels.push_back(channel);
        numbers.push_back(static_cast<std::int64_t>(n));
        from.push_back(facts.window.from);
        to.push_back(facts.window.to);
        low = std::min(low, facts.window.from);
        high = std::max(high, facts.window.to);
      }
    }
    if (meters.empty()) return;
    Params params;
    params.array(meters);
    params.array(channels);
    params.array(numbers);
    params.array(std::span<const UtcInstant>(from));
    params.array(std::span<const UtcInstant>(to));
    // The bounds stand in the text too: that is what partitions are chosen by.
    const std::string sql =
        "SELECT k.n, r.channel_id, r.start_at, r.length_s, r.rank_stamp, r.mantissa, r.exponent, r.source_id "
        "FROM"
        " unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::timestamptz[], $5::timestamptz[])"
        " AS k (meter_id, channel_id, n, low, high) CROSS JOIN LATERAL (SELECT * FROM interval_revision x"
        " WHERE x.meter_id = k.meter_id AND x.channel_id = k.channel_id AND x.start_at >= k.low"
        " AND x.start_at < k.high AND x.mantissa IS NOT NULL AND x.start_at >= '" +
        to_text(low) + "' AND x.start_at < '" + to_text(high) + "' OFFSET 0) r ORDER BY 1, 2, 3, 4";
    const Rows rows = Rows::query(session_.raw(), sql.c_str(), params);
    if (!moment_.everything_counts()) {
      std::set<SourceId> sources;
      for (int i = 0; i < rows.size(); ++i) sources.insert(rows.i8(i, 7));
      moment_.learn(sources, {});
    }
    for (int i = 0; i < rows.size(); ++i) {
      if (!moment_.everything_counts() && !moment_.counts(rows.i8(i, 1), rows.i8(i, 7))) continue;
      MeterDayFacts& facts = out_.days[static_cast<std::size_t>(rows.i8(i, 0))];
      LostInterval lost{rows.i8(i, 1),
                        rows.at(i, 2),
                        std::chrono::seconds{rows.i8(i, 3)},
                        {rows.i8(i, 5), rows.i2(i, 6)},
                        true};
      const auto now = current(facts, lost);
      if (!now || now->value == lost.value) continue;
      lost.same_stamp = rows.at(i, 4) == now->stamp;
      facts.lost.push_back(lost);
    }
  }

  Session& session_;
  Moment moment_;
  std::vector<MeterId> meters_;
  DayChannels channels_;
  LoadedDays out_;
};

}  // namespace

void add_history(Session& session, CombinedQualities& qualities, LoadedDays& loaded) {
  for (MeterDayFacts& facts : loaded.days) {
    facts.history = [&session, &qualities, channels = loaded.channels, meter = facts.of.meter](
                        ChannelId channel, const Period& period) {
      IntervalPage out;
      const auto& known = channels->of_meter.at(meter);
      const auto found =
          std::ranges::find(known, channel, [](const DayChannels::Channel& c) { return c.info.id; });
      if (found == known.end() || period.from >= period.to) return out;
      const std::vector<Target> targets{{0, found->info, period, found->withdrawals}};
      const std::vector<Stretch> stretches{
          {0, std::chrono::floor<days>(period.from),
           std::chrono::floor<days>(period.to - std::chrono::microseconds{1})}};
      Moment moment(session, std::nullopt);
      if (found->withdrawals) moment.watch({channel});
      DayCache none(0);
      std::vector<IntervalRow> rows = load_rows(session, none, targets, stretches);
      std::vector<std::int64_t> versions;
      for (const IntervalRow& row : rows) versions.push_back(row.stored.version);
      if (!moment.everything_counts()) restate(session, moment, rows);
      Overlay overlay(session, qualities, Layer::Validated, std::nullopt);
      overlay.say(targets, stretches, rows, versions);
      BlockWriter blocks(out.blocks);
      for (const IntervalRow& row : rows) blocks.add(row, 0, period);
      for (const IntervalBlock& block : out.blocks) {
        for (const auto& run : block.sources) out.dictionary.sources.try_emplace(run.source);
        for (const auto& run : block.qualities) out.dictionary.qualities.try_emplace(run.quality);
      }
      out.dictionary.channels.emplace(channel, found->info);
      overlay.explain(out.dictionary);
      return out;
    };
  }
}

LoadedDays load_meter_days(Session& session, CivilDays& civil, const std::vector<MeterDate>& wanted,
                           std::optional<UtcInstant> as_of) {
  if (wanted.empty()) return {};
  return Loader(session, civil, wanted, as_of).load();
}

}  // namespace ami::storage
