#include "storage/postgres/gaps_load.h"

#include <algorithm>
#include <set>
#include <tuple>
#include <unordered_map>

#include "storage/postgres/binary_copy.h"
#include "storage/postgres/day_columns.h"
#include "storage/postgres/interval_merge.h"

namespace ami::storage {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::seconds;

constexpr seconds kLongestProgramme{90'000};  // a civil day of 25 hours
constexpr hours kMargin{26};                  // around a range, to see the neighbours of a value off the grid
constexpr days kLongestValue{62};             // an interval of more says nothing of a slot
constexpr days kRegisterMargin{8};            // the week that makes a register daily

using ItemIndex = std::unordered_map<std::int64_t, std::size_t>;

struct Member {
  std::size_t item = 0;
  std::int64_t channel = 0;
};

std::vector<std::int64_t> ids_of(const std::vector<SeriesItem>& items) {
  std::vector<std::int64_t> ids;
  for (const SeriesItem& item : items) ids.push_back(item.series);
  return ids;
}

void load_series(Session& session, std::vector<SeriesItem>& items, const ItemIndex& index) {
  Params params;
  params.array(ids_of(items));
  const Rows rows = Rows::query(session.raw(),
                                "SELECT series_id, utility_id, meter_id, registers::int, zone, feed"
                                " FROM collection_series WHERE series_id = ANY($1)",
                                params);
  for (int i = 0; i < rows.size(); ++i) {
    SeriesItem& item = items[index.at(rows.i8(i, 0))];
    item.utility = rows.i4(i, 1);
    item.meter = rows.i8(i, 2);
    item.facts.registers = rows.i4(i, 3) != 0;
    item.zone = rows.text(i, 4);
    item.feed = rows.text(i, 5);
  }
  const Rows programmes =
      Rows::query(session.raw(),
                  "SELECT series_id, from_at, channel_id, interval_s FROM collection_programme"
                  " WHERE series_id = ANY($1) ORDER BY series_id, from_at",
                  params);
  for (int i = 0; i < programmes.size(); ++i) {
    items[index.at(programmes.i8(i, 0))].facts.programmes.push_back(
        {programmes.at(i, 1), programmes.i8(i, 2), programmes.i4(i, 3)});
  }
}

void load_installations(Session& session, std::vector<SeriesItem>& items) {
  std::set<std::int64_t> meters;
  for (const SeriesItem& item : items) meters.insert(item.meter);
  const std::vector<std::int64_t> ids(meters.begin(), meters.end());
  Params params;
  params.array(ids);
  const Rows rows =
      Rows::query(session.raw(),
                  // A join: with = ANY the GiST index is read from end to end.
                  "SELECT meter_id, lower(valid), upper(valid) FROM unnest($1) AS k (meter_id)"
                  " JOIN installation USING (meter_id) ORDER BY meter_id, lower(valid) NULLS FIRST",
                  params);
  std::unordered_map<std::int64_t, std::vector<Period>> stays;
  for (int i = 0; i < rows.size(); ++i) {
    stays[rows.i8(i, 0)].push_back(
        {rows.maybe_at(i, 1).value_or(UtcInstant::min()), rows.maybe_at(i, 2).value_or(UtcInstant::max())});
  }
  for (SeriesItem& item : items) item.facts.installed = stays[item.meter];
}

std::vector<Member> load_members(Session& session, const std::vector<SeriesItem>& items,
                                 const ItemIndex& index) {
  Params params;
  params.array(ids_of(items));
  const Rows rows = Rows::query(
      session.raw(),
      "SELECT s.series_id, c.channel_id FROM collection_series s JOIN channel c ON c.meter_id = s.meter_id"
      " AND c.key = s.key AND c.unit = s.unit AND ami_series_type(c.reading_type) = s.reading_type"
      " WHERE s.series_id = ANY($1) ORDER BY 1, 2",
      params);
  std::vector<Member> members;
  for (int i = 0; i < rows.size(); ++i) members.push_back({index.at(rows.i8(i, 0)), rows.i8(i, 1)});
  return members;
}

// (channel, source) pairs whose values do not count.
using Withdrawals = std::unordered_map<std::int64_t, std::set<std::int64_t>>;
Withdrawals load_withdrawals(Session& session, const std::vector<Member>& members) {
  std::vector<std::int64_t> channels;
  for (const Member& member : members) channels.push_back(member.channel);
  Params params;
  params.array(channels);
  const Rows rows = Rows::query(
      session.raw(), "SELECT channel_id, source_id FROM withdrawal WHERE channel_id = ANY($1)", params);
  Withdrawals out;
  for (int i = 0; i < rows.size(); ++i) out[rows.i8(i, 0)].insert(rows.i8(i, 1));
  return out;
}

// Look-ups by key: one row a member, with the bounds of what is wanted of it.
struct Keys {
  std::vector<std::int64_t> meters, channels, numbers;
  std::vector<UtcInstant> from, to;
  UtcInstant low = UtcInstant::max(), high = UtcInstant::min();

  void add(const SeriesItem& item, std::int64_t channel, std::size_t number, UtcInstant first,
           UtcInstant last) {
    meters.push_back(item.meter);
    channels.push_back(channel);
    numbers.push_back(static_cast<std::int64_t>(number));
    from.push_back(first);
    to.push_back(last);
    low = std::min(low, first);
    high = std::max(high, last);
  }
  [[nodiscard]] bool empty() const { return meters.empty(); }
  [[nodiscard]] Params params() const {
    Params out;
    out.array(meters);
    out.array(channels);
    out.array(numbers);
    out.array(from);
    out.array(to);
    return out;
  }
  // The bounds stand in the text too: that is what partitions are chosen by.
  [[nodiscard]] std::string between(const std::string& column, bool date) const {
    const auto text = [&](UtcInstant at) {
      return "'" + to_text(at).substr(0, date ? 10 : std::string::npos) + "'";
    };
    return column + " >= " + text(low) + " AND " + column + " <= " + text(high);
  }
};

// OFFSET 0 in the statements below keeps the planner from any way but by the key, channel for channel.
constexpr const char* kKeys =
    " FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::timestamptz[], $5::timestamptz[])"
    " AS k (meter_id, channel_id, n, low, high)";

// Statements about the slots of channels with withdrawals: who else said something there.
struct Other {
  std::int64_t channel = 0;
  UtcInstant start{};
  std::int64_t length_s = 0;
  auto operator<=>(const Other&) const = default;
};
std::set<Other> load_others(Session& session, const Keys& keys, const Withdrawals& withdrawn) {
  std::set<Other> out;
  if (keys.empty()) return out;
  const std::string sql =
      "SELECT r.channel_id, r.start_at, r.length_s, r.source_id" + std::string(kKeys) +
      " CROSS JOIN LATERAL (SELECT * FROM interval_revision x WHERE x.meter_id = k.meter_id"
      " AND x.channel_id = k.channel_id AND x.start_at >= k.low AND x.start_at < k.high"
      " AND x.mantissa IS NOT NULL AND " +
      keys.between("x.start_at", false) + " OFFSET 0) r";
  const Rows rows = Rows::query(session.raw(), sql.c_str(), keys.params());
  for (int i = 0; i < rows.size(); ++i) {
    if (!withdrawn.at(rows.i8(i, 0)).contains(rows.i8(i, 3)))
      out.insert({rows.i8(i, 0), rows.at(i, 1), rows.i8(i, 2)});
  }
  return out;
}

// What one statement says of a slot, once withdrawals are taken into account.
void take_slot(SeriesItem& item, const Other& slot, bool value, std::int64_t source, bool sets,
               const std::set<std::int64_t>* withdrawn, const std::set<Other>& others) {
  const bool gone = value && withdrawn != nullptr && withdrawn->contains(source);
  if (value && (!gone || others.contains(slot))) {
    item.facts.values.push_back({slot.start, slot.length_s, slot.channel, sets});
  } else if (gone || source != 0) {
    item.facts.unvalued.push_back({{slot.start, slot.start + seconds{slot.length_s}},
                                   gone ? GapReason::Withdrawn : GapReason::VendorFlag});
  }
}

const std::set<std::int64_t>* sources_of(const Withdrawals& withdrawn, std::int64_t channel) {
  const auto found = withdrawn.find(channel);
  return found == withdrawn.end() ? nullptr : &found->second;
}

// Of intervals off the grid only those with an equal neighbour are a programme; a single one is an interval
// that was cut short, by an outage or a reset.
void mark_programmes(std::vector<SeriesValue>& values) {
  std::set<std::tuple<std::int64_t, std::int64_t, UtcInstant>> known;
  for (const SeriesValue& v : values) known.insert({v.channel, v.length_s, v.start});
  for (SeriesValue& v : values) {
    const seconds length{v.length_s};
    v.sets_programme =
        length <= kLongestProgramme && (known.contains({v.channel, v.length_s, v.start - length}) ||
                                        known.contains({v.channel, v.length_s, v.start + length}));
  }
}

struct Newest {  // of the values of a series: where they came from
  UtcInstant at = UtcInstant::min();
  std::int64_t source = 0;
};

void load_odd(Session& session, std::vector<SeriesItem>& items, const std::vector<Member>& members,
              const Withdrawals& withdrawn, std::vector<Newest>& newest) {
  Keys keys, suspect;
  for (const Member& member : members) {
    const SeriesItem& item = items[member.item];
    if (item.facts.registers) continue;
    keys.add(item, member.channel, member.item, item.range.from - kMargin - kLongestValue,
             item.range.to + kMargin);
    if (withdrawn.contains(member.channel)) {
      suspect.add(item, member.channel, member.item, item.range.from - kMargin - kLongestValue,
                  item.range.to + kMargin);
    }
  }
  if (keys.empty()) return;
  const std::set<Other> others = load_others(session, suspect, withdrawn);
  const std::string sql =
      "SELECT k.n, d.channel_id, d.start_at, d.length_s, (d.mantissa IS NOT NULL)::int, d.source_id" +
      std::string(kKeys) +
      " CROSS JOIN LATERAL (SELECT * FROM interval_odd x WHERE x.meter_id = k.meter_id"
      " AND x.channel_id = k.channel_id AND x.start_at >= k.low AND x.start_at < k.high AND " +
      keys.between("x.start_at", false) + " OFFSET 0) d";
  const Rows rows = Rows::query(session.raw(), sql.c_str(), keys.params());
  std::set<std::size_t> touched;
  for (int i = 0; i < rows.size(); ++i) {
    const auto number = static_cast<std::size_t>(rows.i8(i, 0));
    const Other slot{rows.i8(i, 1), rows.at(i, 2), rows.i8(i, 3)};
    if (seconds{slot.length_s} > kLongestValue) continue;
    take_slot(items[number], slot, rows.i4(i, 4) != 0, rows.i8(i, 5), true,
              sources_of(withdrawn, slot.channel), others);
    touched.insert(number);
    if (slot.start > newest[number].at) newest[number] = {slot.start, rows.i8(i, 5)};
  }
  for (const std::size_t number : touched) mark_programmes(items[number].facts.values);
}

bool off_grid(const Programme& programme) {
  return programme.interval_s != 0 && !on_grid(programme.from, seconds{programme.interval_s});
}

void load_days(Session& session, std::vector<SeriesItem>& items, const std::vector<Member>& members,
               const Withdrawals& withdrawn, std::vector<Newest>& newest) {
  Keys keys, suspect;
  std::vector<std::int32_t> all_slots;  // 1 = each slot's source is looked at
  for (const Member& member : members) {
    const SeriesItem& item = items[member.item];
    if (item.facts.registers) continue;
    // A slot of the grid lies within one UTC day; only others reach over midnight.
    const bool wide = !item.facts.values.empty() || std::ranges::any_of(item.facts.programmes, off_grid);
    const hours margin = wide ? kMargin : hours{0};
    const UtcInstant low = std::chrono::floor<days>(item.range.from - margin);
    const UtcInstant high = item.range.to + margin - std::chrono::microseconds{1};
    keys.add(item, member.channel, member.item, low, high);
    all_slots.push_back(withdrawn.contains(member.channel) ? 1 : 0);
    if (all_slots.back() == 1) suspect.add(item, member.channel, member.item, low, high + days{1});
  }
  if (keys.empty()) return;
  const std::set<Other> others = load_others(session, suspect, withdrawn);
  // A whole day travels as one flag instead of its values. OFFSET 0: the flag is made once a row, not once a
  // use.
  const std::string sql =
      "SELECT k.n, d.channel_id, d.day, d.interval_s, h.open::int, CASE WHEN h.open THEN d.values END,"
      " CASE WHEN h.open THEN d.wide END, CASE WHEN h.open THEN " AMI_SOURCE_RUNS
      " END, coalesce(d.source_id, d.source_runs[cardinality(d.source_runs)]) FROM unnest($1::bigint[], "
      "$2::bigint[], $3::bigint[],"
      " $4::timestamptz[], $5::timestamptz[], $6::int[]) AS k (meter_id, channel_id, n, low, high, all_slots)"
      " CROSS JOIN LATERAL (SELECT * FROM interval_day x WHERE x.meter_id = k.meter_id"
      " AND x.channel_id = k.channel_id AND x.day >= (k.low AT TIME ZONE 'UTC')::date"
      " AND x.day <= (k.high AT TIME ZONE 'UTC')::date AND " +
      keys.between("x.day", true) +
      " OFFSET 0) d CROSS JOIN LATERAL (SELECT k.all_slots = 1 OR CASE WHEN d.wide IS NULL"
      "  THEN array_position(d.values, '-2147483648'::int) IS NOT NULL"
      "  ELSE array_position(d.wide, '-9223372036854775808'::bigint) IS NOT NULL END AS open OFFSET 0) h";
  Params params = keys.params();
  params.array(all_slots);
  const Rows rows = Rows::query(session.raw(), sql.c_str(), params);
  std::vector<std::int32_t> narrow;
  std::vector<std::int64_t> wide, runs;
  for (int i = 0; i < rows.size(); ++i) {
    const auto number = static_cast<std::size_t>(rows.i8(i, 0));
    SeriesItem& item = items[number];
    const std::int64_t channel = rows.i8(i, 1), length_s = rows.i4(i, 3), slots = 86'400 / length_s;
    const UtcInstant day = rows.day(i, 2);
    const auto came_from = [&](std::int64_t source) {
      if (source != 0 && day >= newest[number].at) newest[number] = {day, source};
    };
    if (rows.i4(i, 4) == 0) {
      came_from(rows.i8(i, 8));
      for (std::int64_t slot = 0; slot < slots; ++slot) {
        item.facts.values.push_back({day + seconds{slot * length_s}, length_s, channel, true});
      }
      continue;
    }
    const bool is_wide = rows.null(i, 5);
    is_wide ? rows.array(i, 6, wide) : rows.array(i, 5, narrow);
    rows.array(i, 7, runs);
    for (std::size_t k = 1; k < runs.size(); k += 2) came_from(runs[k]);
    const auto* taken_back = sources_of(withdrawn, channel);
    std::size_t run = 0;
    std::int64_t left = runs.empty() ? slots : runs[0];
    for (std::int64_t slot = 0; slot < slots; ++slot) {
      while (left == 0 && run + 2 < runs.size()) left = runs[run += 2];
      --left;
      const auto n = static_cast<std::size_t>(slot);
      const bool value = is_wide ? wide.at(n) != SlotRow::kHole : narrow.at(n) != SlotRow::kNarrowHole;
      const std::int64_t source = run + 1 < runs.size() ? runs[run + 1] : 0;
      take_slot(item, {channel, day + seconds{slot * length_s}, length_s}, value, source, true, taken_back,
                others);
    }
  }
}

void load_registers(Session& session, std::vector<SeriesItem>& items, const std::vector<Member>& members,
                    const Withdrawals& withdrawn, Zones& zones, std::vector<Newest>& newest) {
  Keys keys;
  for (const Member& member : members) {
    const SeriesItem& item = items[member.item];
    if (!item.facts.registers) continue;
    keys.add(item, member.channel, member.item, item.range.from - kRegisterMargin, item.range.to + kMargin);
  }
  if (keys.empty()) return;
  // A value that was taken back leaves the next in rank.
  const auto sql_of = [&](const char* table, const char* more) {
    return "SELECT k.n, d.channel_id, d.at, d.source_id" + std::string(kKeys) +
           " CROSS JOIN LATERAL (SELECT * FROM " + table +
           " x WHERE x.meter_id = k.meter_id AND x.channel_id = k.channel_id AND x.at >= k.low AND x.at < "
           "k.high"
           " AND " +
           keys.between("x.at", false) + more + " OFFSET 0) d";
  };
  std::set<std::tuple<std::size_t, std::int64_t, UtcInstant>> came;
  for (const std::string& sql :
       {sql_of("register_read", ""),
        sql_of("register_revision",
               " AND EXISTS (SELECT FROM withdrawal w WHERE w.channel_id = x.channel_id)")}) {
    const Rows rows = Rows::query(session.raw(), sql.c_str(), keys.params());
    for (int i = 0; i < rows.size(); ++i) {
      const auto number = static_cast<std::size_t>(rows.i8(i, 0));
      const auto* taken_back = sources_of(withdrawn, rows.i8(i, 1));
      if (taken_back != nullptr && taken_back->contains(rows.i8(i, 3))) continue;
      const Zone& zone = zones.of(items[number].zone);
      const auto date = std::chrono::floor<days>(zone.civil(rows.at(i, 2)));
      const Zone::Day day = zone.civil_day(std::chrono::year_month_day{date});
      if (rows.at(i, 2) > newest[number].at) newest[number] = {rows.at(i, 2), rows.i8(i, 3)};
      if (!came.emplace(number, rows.i8(i, 1), day.start).second) continue;
      items[number].facts.values.push_back(
          {day.start, std::chrono::duration_cast<seconds>(day.end - day.start).count(), rows.i8(i, 1), true});
    }
  }
}

GapReason reason_from(std::string_view text) {
  return text == "VENDOR_FLAG" ? GapReason::VendorFlag
         : text == "WITHDRAWN" ? GapReason::Withdrawn
                               : GapReason::NotReceived;
}

void load_gaps(Session& session, std::vector<SeriesItem>& items, const ItemIndex& index) {
  std::vector<UtcInstant> from, to;
  for (const SeriesItem& item : items) {
    // Slots over the edge of the range may adjoin a gap that lies outside.
    from.push_back(item.range.from - kMargin);
    to.push_back(item.range.to + kMargin);
  }
  Params params;
  params.array(ids_of(items));
  params.array(from);
  params.array(to);
  const Rows rows = Rows::query(
      session.raw(),
      "SELECT g.series_id, g.gap_id, g.from_at, g.to_at, g.channel_id, g.interval_s, g.slots, g.reason,"
      " (g.state = 'GIVEN_UP')::int FROM unnest($1::bigint[], $2::timestamptz[], $3::timestamptz[]) AS k "
      "(series_id,"
      " low, high) JOIN gap g ON g.series_id = k.series_id AND g.state <> 'CLOSED' AND g.from_at <= k.high"
      " AND g.to_at >= k.low ORDER BY g.series_id, g.from_at, g.gap_id",
      params);
  for (int i = 0; i < rows.size(); ++i) {
    StoredGap gap;
    gap.id = rows.i8(i, 1);
    gap.from = rows.at(i, 2);
    gap.to = rows.at(i, 3);
    gap.channel = rows.i8(i, 4);
    gap.interval_s = rows.i4(i, 5);
    gap.slots = rows.i4(i, 6);
    gap.reason = reason_from(rows.text(i, 7));
    gap.given_up = rows.i4(i, 8) != 0;
    items[index.at(rows.i8(i, 0))].gaps.push_back(gap);
  }
}

void name_feeds(Session& session, std::vector<SeriesItem>& items, const std::vector<Newest>& newest) {
  std::set<std::int64_t> distinct;
  for (const Newest& one : newest) {
    if (one.source != 0) distinct.insert(one.source);
  }
  if (distinct.empty()) return;
  const std::vector<std::int64_t> ids(distinct.begin(), distinct.end());
  Params params;
  params.array(ids);
  const Rows rows =
      Rows::query(session.raw(), "SELECT source_id, feed FROM source WHERE source_id = ANY($1)", params);
  std::unordered_map<std::int64_t, std::string> feeds;
  for (int i = 0; i < rows.size(); ++i) feeds[rows.i8(i, 0)] = rows.text(i, 1);
  for (std::size_t i = 0; i < items.size(); ++i) {
    // Only the newest stretch tells from where a series comes now.
    const bool is_newest = items[i].feed.empty() || items[i].range.to == items[i].judged_to;
    const auto feed = feeds.find(newest[i].source);
    if (is_newest && feed != feeds.end()) items[i].feed = feed->second;
  }
}

}  // namespace

const Zone& Zones::of(const std::string& name) {
  const auto found = zones_.find(name);
  if (found != zones_.end()) return found->second;
  const auto loaded = Zone::load(name);
  return zones_.emplace(name, loaded.ok() ? *loaded : Zone::utc()).first->second;
}

void load_items(Session& session, std::vector<SeriesItem>& items, Zones& zones) {
  ItemIndex index;
  for (std::size_t i = 0; i < items.size(); ++i) {
    items[i].facts = {};
    items[i].gaps.clear();
    index[items[i].series] = i;
  }
  std::vector<Newest> newest(items.size());
  load_series(session, items, index);
  load_installations(session, items);
  const std::vector<Member> members = load_members(session, items, index);
  const Withdrawals withdrawn = load_withdrawals(session, members);
  load_odd(session, items, members, withdrawn, newest);
  load_days(session, items, members, withdrawn, newest);
  load_registers(session, items, members, withdrawn, zones, newest);
  load_gaps(session, items, index);
  name_feeds(session, items, newest);
}

}  // namespace ami::storage
