// Intervals, a page at a time: a page is a stretch of (channel, days), cut so that about `size` rows come.
#include <algorithm>
#include <pqxx/pqxx>

#include "storage/postgres/block_writer.h"
#include "storage/postgres/reader_rows.h"
#include "storage/postgres/readers_as_of.h"

namespace ami::storage {
namespace {

using std::chrono::days;

struct Stretch {
  std::size_t target = 0;
  Day first{}, last{};  // inclusive
};

// First and last day that any partition covers; an open period need not be walked further.
std::optional<std::pair<Day, Day>> stored_days(Session& session) {
  const Rows rows =
      ask(session, "ami_stored_days",
          "SELECT to_date(min(right(c.relname, 7)), 'YYYY_MM'), (to_date(max(right(c.relname, 7)),"
          " 'YYYY_MM') + interval '1 month')::date FROM pg_inherits i JOIN pg_class c ON"
          " c.oid = i.inhrelid WHERE i.inhparent IN ('interval_day'::regclass,"
          " 'interval_odd'::regclass)",
          {});
  if (rows.null(0, 0)) return std::nullopt;
  return std::pair{rows.day(0, 0), rows.day(0, 1)};
}

// The bounds in $5 prune partitions when the plan is run, so that it can be kept. OFFSET 0 keeps the planner
// from any way but by the primary key, stretch for stretch.
constexpr const char* kDays =
    "SELECT k.n, d.day, d.interval_s, d.exponent, d.values, d.wide, d.exponents, d.source_runs, "
    "d.quality_runs"
    " FROM unnest($1::bigint[], $2::bigint[], $3::date[], $4::date[]) WITH ORDINALITY"
    " AS k (meter_id, channel_id, first, last, n) CROSS JOIN LATERAL (SELECT * FROM interval_day d"
    " WHERE d.meter_id = k.meter_id AND d.channel_id = k.channel_id AND d.day BETWEEN k.first AND k.last"
    " AND d.day BETWEEN ($5::date[])[1] AND ($5::date[])[2] OFFSET 0) d";
constexpr const char* kOdd =
    "SELECT k.n, d.start_at, d.length_s, d.mantissa, d.exponent, d.source_id, d.quality_id"
    " FROM unnest($1::bigint[], $2::bigint[], $3::timestamptz[], $4::timestamptz[]) WITH ORDINALITY"
    " AS k (meter_id, channel_id, first, after, n) CROSS JOIN LATERAL (SELECT * FROM interval_odd d"
    " WHERE d.meter_id = k.meter_id AND d.channel_id = k.channel_id AND d.start_at >= k.first"
    " AND d.start_at < k.after AND d.start_at >= ($5::timestamptz[])[1]"
    " AND d.start_at < ($5::timestamptz[])[2] OFFSET 0) d";

// All rows of the stretches, by (stretch, start, length).
std::vector<IntervalRow> load_rows(Session& session, const std::vector<Target>& targets,
                                   const std::vector<Stretch>& stretches) {
  std::vector<std::int64_t> meters, channels;
  std::vector<Day> first, last;
  std::vector<UtcInstant> from, after;
  Day bounds[] = {Day::max(), Day::min()};
  for (const Stretch& s : stretches) {
    meters.push_back(targets[s.target].channel.meter);
    channels.push_back(targets[s.target].channel.id);
    first.push_back(s.first);
    last.push_back(s.last);
    from.emplace_back(s.first);
    after.emplace_back(s.last + days{1});
    bounds[0] = std::min(bounds[0], s.first);
    bounds[1] = std::max(bounds[1], s.last);
  }
  const UtcInstant moments[] = {UtcInstant{bounds[0]}, UtcInstant{bounds[1] + days{1}}};
  std::vector<IntervalRow> out;
  const auto row_of = [&](const Rows& rows, int i, UtcInstant start, std::chrono::seconds length, bool grid) {
    const auto stretch = static_cast<std::size_t>(rows.i8(i, 0) - 1);
    const ChannelInfo& channel = targets[stretches.at(stretch).target].channel;
    return &out.emplace_back(IntervalRow{stretch, channel.id, channel.meter, start, length, grid, {}});
  };
  {
    Params params;
    params.array(std::span<const std::int64_t>(meters));
    params.array(std::span<const std::int64_t>(channels));
    params.array(std::span<const Day>(first));
    params.array(std::span<const Day>(last));
    params.array(std::span<const Day>(bounds));
    const Rows rows = ask(session, "ami_interval_days", kDays, params);
    out.reserve(static_cast<std::size_t>(rows.size()));
    for (int i = 0; i < rows.size(); ++i) {
      IntervalRow& row = *row_of(rows, i, rows.day(i, 1), std::chrono::seconds{rows.i4(i, 2)}, true);
      if (!rows.null(i, 3)) row.stored.exponent = rows.i2(i, 3);
      if (!rows.null(i, 4)) rows.array(i, 4, row.stored.values);
      if (!rows.null(i, 5)) rows.array(i, 5, row.stored.wide);
      if (!rows.null(i, 6)) rows.array(i, 6, row.stored.exponents);
      rows.array(i, 7, row.stored.source_runs);
      if (!rows.null(i, 8)) rows.array(i, 8, row.stored.quality_runs);
    }
  }
  {
    Params params;
    params.array(std::span<const std::int64_t>(meters));
    params.array(std::span<const std::int64_t>(channels));
    params.array(std::span<const UtcInstant>(from));
    params.array(std::span<const UtcInstant>(after));
    params.array(std::span<const UtcInstant>(moments));
    const Rows rows = ask(session, "ami_interval_odd", kOdd, params);
    for (int i = 0; i < rows.size(); ++i) {
      IntervalRow& row = *row_of(rows, i, rows.at(i, 1), std::chrono::seconds{rows.i8(i, 2)}, false);
      row.stored.wide = {rows.null(i, 3) ? SlotRow::kHole : rows.i8(i, 3)};
      if (!rows.null(i, 4)) row.stored.exponent = rows.i2(i, 4);
      row.stored.source_runs = {1, rows.i8(i, 5)};
      row.stored.quality_runs = {1, rows.i4(i, 6)};
    }
  }
  const auto order = [](const IntervalRow& row) { return std::tuple(row.stretch, row.start, row.length); };
  if (!std::ranges::is_sorted(out, {}, order)) std::ranges::sort(out, {}, order);
  return out;
}

}  // namespace

Answer<IntervalPage> Readers::intervals(const std::vector<MeterSpan>& spans, const ChannelFilter& filter,
                                        const PageRequest& page, std::optional<UtcInstant> as_of) {
  return database_.impl().answer([&](Session& session) {
    const auto token = parse_token(page.token, 2);
    pqxx::transaction<pqxx::repeatable_read, pqxx::read_only> tx(session);
    // A partition that was small or empty when the plan was made need not be so any more.
    tx.exec("SET LOCAL enable_seqscan = off; SET LOCAL plan_cache_mode = force_generic_plan");
    const auto targets = targets_of(session, spans, filter);
    const auto stored = stored_days(session);
    Moment moment(session, as_of);
    std::vector<ChannelId> withdrawals;
    for (const Target& target : targets) {
      if (target.withdrawals) withdrawals.push_back(target.channel.id);
    }
    moment.watch(withdrawals);
    IntervalPage out;
    BlockWriter blocks(out.blocks);
    std::size_t at = token.empty() ? 0 : static_cast<std::size_t>(token[0]);
    Day resume = token.empty() ? Day::min() : Day{days{token[1]}};
    const auto budget = static_cast<std::int64_t>(std::clamp<std::size_t>(page.size, 1, 20'000));

    while (stored && at < targets.size() && out.blocks.empty()) {
      std::vector<Stretch> stretches;
      for (std::int64_t left = budget; at < targets.size() && left > 0;) {
        const Period& period = targets[at].period;
        // An off-grid interval starts on the day that holds its start, so the first day is the period's own.
        const Day from = std::max({std::chrono::floor<days>(period.from), stored->first, resume});
        const Day to =
            std::min(std::chrono::floor<days>(period.to - std::chrono::microseconds{1}), stored->second);
        if (from > to) {
          ++at;
          resume = Day::min();
          continue;
        }
        const Day last = std::min(to, from + days{left - 1});
        stretches.push_back({at, from, last});
        left -= (last - from).count() + 1;
        resume = last + days{1};
      }
      if (stretches.empty()) break;

      auto rows = load_rows(session, targets, stretches);
      if (!moment.everything_counts()) restate(session, moment, rows);
      for (const IntervalRow& row : rows) {
        const Target& target = targets[stretches[row.stretch].target];
        blocks.add(row, target.span, target.period);
      }
      for (const IntervalBlock& block : out.blocks) {
        for (const auto& run : block.sources) out.dictionary.sources.try_emplace(run.source);
        for (const auto& run : block.qualities) out.dictionary.qualities.try_emplace(run.quality);
      }
    }
    for (const Target& target : targets)
      out.dictionary.channels.try_emplace(target.channel.id, target.channel);
    if (stored && at < targets.size())
      out.next_token = make_token({static_cast<std::int64_t>(at), resume.time_since_epoch().count()});
    explain(session, out.dictionary);
    return out;
  });
}

}  // namespace ami::storage
