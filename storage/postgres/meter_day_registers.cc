// Registers and events around meter-days.
#include <algorithm>
#include <set>
#include <tuple>
#include <unordered_map>

#include "storage/postgres/meter_day_load.h"
#include "storage/postgres/readers_as_of.h"

namespace ami::storage {
namespace {

using std::chrono::days;

constexpr days kNear{40};  // where the neighbours of a window are looked for
constexpr days kEventsBefore{400};
constexpr days kEarlier[] = {days{30}, days{365}, days{395}};

enum Piece : int { Window = 0, Before = 1, After = 2, Earlier = 3 };

std::string literal(UtcInstant at) {
  return "'" + to_text(at) + "'";
}

std::string interval(days length) {
  return "interval '" + std::to_string(std::chrono::hours{length}.count()) + " hours'";
}

// One row a channel of a day.
struct Keys {
  std::vector<std::int64_t> meters, channels, numbers;
  std::vector<UtcInstant> from, to, day;
  UtcInstant low = UtcInstant::max(), high = UtcInstant::min();

  void add(const MeterDayFacts& facts, ChannelId channel, std::size_t n) {
    meters.push_back(facts.of.meter);
    channels.push_back(channel);
    numbers.push_back(static_cast<std::int64_t>(n));
    from.push_back(facts.window.from);
    to.push_back(facts.window.to);
    day.push_back(facts.day.from);
    low = std::min(low, facts.window.from);
    high = std::max(high, facts.window.to);
  }
  [[nodiscard]] Params params() const {
    Params out;
    out.array(meters);
    out.array(channels);
    out.array(numbers);
    out.array(std::span<const UtcInstant>(from));
    out.array(std::span<const UtcInstant>(to));
    out.array(std::span<const UtcInstant>(day));
    return out;
  }
};

// Selects `columns` of table x by piece; `counts` is a further condition. The outer bounds stand in the text,
// for partitions are chosen by it.
std::string pieces(const Keys& keys, const std::string& columns, const std::string& table,
                   const std::string& counts) {
  const auto piece = [&](int number, const std::string& low, const std::string& high, UtcInstant first,
                         UtcInstant last, const std::string& order) {
    return "(SELECT " + std::to_string(number) + " AS piece, " + columns + " FROM " + table +
           " x WHERE x.meter_id = k.meter_id AND x.channel_id = k.channel_id AND x.at >= " + low +
           " AND x.at < " + high + " AND x.at >= " + literal(first) + " AND x.at < " + literal(last) +
           counts + order + ")";
  };
  const std::string newest = " ORDER BY x.at DESC LIMIT 1", near = interval(kNear);
  std::string out =
      piece(Window, "k.low", "k.high", keys.low, keys.high, "") + " UNION ALL " +
      piece(Before, "k.low - " + near, "k.low", keys.low - kNear, keys.high, newest) + " UNION ALL " +
      piece(After, "k.high", "k.high + " + near, keys.low, keys.high + kNear, " ORDER BY x.at LIMIT 1");
  for (const days back : kEarlier) {
    // "At or before" ends a microsecond later.
    const std::string end = "k.day - " + interval(back) + " + interval '1 microsecond'";
    out += " UNION ALL " +
           piece(Earlier, end + " - " + near, end, keys.low - back - kNear, keys.high - back, newest);
  }
  return out;
}

constexpr const char* kKeyRows =
    " FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::timestamptz[], $5::timestamptz[], "
    "$6::timestamptz[])"
    " AS k (meter_id, channel_id, n, low, high, day) CROSS JOIN LATERAL (";

void place(RegisterRow& row, const std::vector<MeterStay>& stays) {
  for (const MeterStay& stay : stays) {
    if (!stay.period.contains(row.at)) continue;
    row.usage_point = stay.usage_point;
    row.multiplier = stay.multiplier;
  }
}

// Channels of which something was taken back: slots are chosen among what counts, current or not.
void load_restated(Session& session, Moment& moment, const Keys& keys, std::vector<MeterDayFacts>& out) {
  if (keys.meters.empty()) return;
  const std::string counts = " AND " + moment.counts_sql("x");
  const std::string columns = "x.meter_id, x.channel_id, x.at";
  const std::string sql = "SELECT DISTINCT k.n, r.piece, r.channel_id, r.at" + std::string(kKeyRows) +
                          pieces(keys, columns, "register_read", counts) + " UNION ALL " +
                          pieces(keys, columns, "register_revision", counts) + ") r ORDER BY 1, 2, 3, 4";
  const Rows rows = Rows::query(session.raw(), sql.c_str(), keys.params());
  std::vector<RegisterSlot> slots;
  std::vector<std::pair<std::size_t, int>> places;
  for (int i = 0; i < rows.size(); ++i) {
    const auto n = static_cast<std::size_t>(rows.i8(i, 0));
    const int piece = rows.i4(i, 1);
    const ChannelId channel = rows.i8(i, 2);
    // Each table names its nearest; the one that is nearer counts: the last in this order, or of those after
    // the window the first.
    const bool again =
        !slots.empty() && places.back() == std::pair{n, piece} && slots.back().channel == channel;
    if (again && piece == After) continue;
    if (again && piece == Before) {
      slots.back().at = rows.at(i, 3);
      continue;
    }
    slots.push_back({out[n].of.meter, channel, rows.at(i, 3)});
    places.emplace_back(n, piece);
  }
  auto found = registers_at(session, moment, slots);
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (!found[i]) continue;
    MeterDayFacts& facts = out[places[i].first];
    (places[i].second == Earlier ? facts.earlier_registers : facts.registers).push_back(std::move(*found[i]));
  }
}

// A restated channel names up to two candidates for each earlier time; the later one of each is the answer.
void thin_earlier(MeterDayFacts& facts) {
  std::vector<RegisterRow> kept;
  std::set<std::pair<ChannelId, UtcInstant>> taken;
  for (const days back : kEarlier) {
    std::map<ChannelId, const RegisterRow*> newest;
    const UtcInstant end = facts.day.from - back;
    for (const RegisterRow& row : facts.earlier_registers) {
      if (row.at > end || row.at <= end - kNear) continue;
      const RegisterRow*& best = newest[row.channel];
      if (best == nullptr || row.at > best->at) best = &row;
    }
    for (const auto& [channel, row] : newest) {
      if (taken.emplace(channel, row->at).second) kept.push_back(*row);
    }
  }
  facts.earlier_registers = std::move(kept);
}

}  // namespace

void load_registers_of(Session& session, Moment& moment, const DayChannels& channels,
                       std::vector<MeterDayFacts>& out) {
  Keys plain, restated;
  for (std::size_t n = 0; n < out.size(); ++n) {
    for (const DayChannels::Channel& channel : channels.of_meter.at(out[n].of.meter)) {
      const bool other = moment.as_of() || (channel.withdrawals && !moment.everything_counts());
      (other ? restated : plain).add(out[n], channel.info.id, n);
    }
  }
  if (!plain.meters.empty()) {
    const std::string columns =
        "x.channel_id, x.meter_id, x.at, x.mantissa, x.exponent, x.quality_id, x.source_id, x.time_source,"
        " x.period_start, x.occurred_at";
    const std::string sql =
        "SELECT k.n, r.piece, r.channel_id, r.meter_id, r.at, r.mantissa, r.exponent, r.quality_id,"
        " r.source_id, r.time_source, r.period_start, r.occurred_at, NULL::bigint" +
        std::string(kKeyRows) + pieces(plain, columns, "register_read", "") + ") r";
    const Rows rows = Rows::query(session.raw(), sql.c_str(), plain.params());
    for (int i = 0; i < rows.size(); ++i) {
      MeterDayFacts& facts = out[static_cast<std::size_t>(rows.i8(i, 0))];
      RegisterRow row = register_of(rows, i, 2);
      place(row, facts.stays);
      (rows.i4(i, 1) == Earlier ? facts.earlier_registers : facts.registers).push_back(std::move(row));
    }
  }
  load_restated(session, moment, restated, out);
  const auto by_time = [](const RegisterRow& row) { return std::tuple(row.channel, row.at); };
  for (MeterDayFacts& facts : out) {
    thin_earlier(facts);
    std::ranges::sort(facts.registers, {}, by_time);
    std::ranges::sort(facts.earlier_registers, {}, by_time);
  }
}

void load_events_of(Session& session, std::vector<MeterDayFacts>& out, std::optional<UtcInstant> as_of) {
  std::map<MeterId, Period> wanted;
  UtcInstant low = UtcInstant::max(), high = UtcInstant::min();
  for (const MeterDayFacts& facts : out) {
    Period& period =
        wanted.try_emplace(facts.of.meter, Period{UtcInstant::max(), UtcInstant::min()}).first->second;
    period.from = std::min(period.from, facts.window.from - kEventsBefore);
    period.to = std::max(period.to, facts.window.to);
    low = std::min(low, period.from);
    high = std::max(high, period.to);
  }
  std::vector<std::int64_t> meters;
  std::vector<UtcInstant> from, to;
  for (const auto& [meter, period] : wanted) {
    meters.push_back(meter);
    from.push_back(period.from);
    to.push_back(period.to);
  }
  Params params;
  params.array(meters);
  params.array(std::span<const UtcInstant>(from));
  params.array(std::span<const UtcInstant>(to));
  const std::string sql =
      "SELECT e.event_id, e.utility_id, e.meter_id, e.at, e.kind, e.code, e.vendor, e.raw_code, e.raw_text,"
      " e.time_source, e.source_id, s.received_at FROM unnest($1::bigint[], $2::timestamptz[], "
      "$3::timestamptz[])"
      " AS k (meter_id, low, high) JOIN event e ON e.meter_id = k.meter_id AND e.at >= k.low AND e.at < "
      "k.high"
      " JOIN source s USING (source_id) WHERE e.at >= " +
      literal(low) + " AND e.at < " + literal(high) +
      (as_of ? " AND s.stored_at <= " + literal(*as_of) + "::timestamptz" : std::string()) +
      " ORDER BY e.meter_id, e.at, e.event_id";
  const Rows rows = Rows::query(session.raw(), sql.c_str(), params);
  if (rows.size() == 0) return;
  std::unordered_map<MeterId, std::vector<EventRow>> events;
  for (int i = 0; i < rows.size(); ++i) {
    EventRow row;
    row.id = rows.i8(i, 0);
    row.utility = rows.i4(i, 1);
    row.meter = rows.i8(i, 2);
    row.at = rows.at(i, 3);
    row.kind = rows.text(i, 4);
    row.code = rows.text(i, 5);
    row.vendor = rows.text(i, 6);
    row.raw_code = rows.text(i, 7);
    row.raw_text = rows.text(i, 8);
    row.time_source = static_cast<TimeSource>(rows.i2(i, 9));
    row.source = rows.i8(i, 10);
    row.received_at = rows.at(i, 11);
    events[row.meter].push_back(std::move(row));
  }
  for (MeterDayFacts& facts : out) {
    const auto found = events.find(facts.of.meter);
    if (found == events.end()) continue;
    std::map<std::string_view, const EventRow*> last;  // by kind, before the window
    std::vector<const EventRow*> chosen;
    for (const EventRow& event : found->second) {
      if (event.at < facts.window.from - kEventsBefore || event.at >= facts.window.to) continue;
      if (event.at < facts.window.from) {
        last[event.kind] = &event;
      } else {
        chosen.push_back(&event);
      }
    }
    for (const auto& [kind, event] : last) chosen.push_back(event);
    std::ranges::sort(chosen, {}, [](const EventRow* event) { return std::pair(event->at, event->id); });
    for (const EventRow* event : chosen) {
      EventRow& row = facts.events.emplace_back(*event);
      for (const MeterStay& stay : facts.stays) {
        if (stay.period.contains(row.at)) row.usage_point = stay.usage_point;
      }
    }
  }
}

}  // namespace ami::storage
