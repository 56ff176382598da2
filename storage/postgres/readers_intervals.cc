// Intervals, a page at a time: a page is a stretch of (channel, days), cut so that about `size` rows come.
#include <algorithm>
#include <pqxx/pqxx>

#include "storage/postgres/interval_merge.h"
#include "storage/postgres/reader_rows.h"

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
      Rows::query(session.raw(),
                  "SELECT to_date(min(right(c.relname, 7)), 'YYYY_MM'), (to_date(max(right(c.relname, 7)),"
                  " 'YYYY_MM') + interval '1 month')::date FROM pg_inherits i JOIN pg_class c ON"
                  " c.oid = i.inhrelid WHERE i.inhparent IN ('interval_day'::regclass,"
                  " 'interval_odd'::regclass)",
                  {});
  if (rows.null(0, 0)) return std::nullopt;
  return std::pair{rows.day(0, 0), rows.day(0, 1)};
}

void add_run(std::vector<IntervalBlock::SourceRun>& runs, SourceId source) {
  if (!runs.empty() && runs.back().source == source) {
    ++runs.back().count;
  } else {
    runs.push_back({1, source});
  }
}
void add_run(std::vector<IntervalBlock::QualityRun>& runs, QualityId quality) {
  if (!runs.empty() && runs.back().quality == quality) {
    ++runs.back().count;
  } else {
    runs.push_back({1, quality});
  }
}

// Slots of a stored row as blocks: cut to the period, without unknown slots at the edges, one exponent a
// block.
void append_blocks(const Target& target, UtcInstant row_start, std::chrono::seconds length,
                   const SlotRow& row, std::size_t slots, std::int32_t exponent, std::int64_t version,
                   std::vector<IntervalBlock>& out) {
  std::size_t first = 0, last = slots;
  while (first < last && row_start + static_cast<std::int64_t>(first) * length < target.period.from) ++first;
  while (last > first && row_start + static_cast<std::int64_t>(last) * length > target.period.to) --last;
  while (first < last && row.current(first).source == 0) ++first;
  while (last > first && row.current(last - 1).source == 0) --last;
  IntervalBlock* block = nullptr;
  for (std::size_t i = first; i < last; ++i) {
    const SlotValue slot = row.current(i);
    const std::int32_t own = slot.value         ? slot.value->exponent
                             : block != nullptr ? block->exponent
                                                : exponent;
    if (block == nullptr || own != block->exponent) {
      out.emplace_back();
      block = &out.back();
      block->channel = target.channel.id;
      block->meter = target.channel.meter;
      block->first_start = row_start + static_cast<std::int64_t>(i) * length;
      block->length = length;
      block->exponent = own;
      block->version = version;
    }
    block->mantissas.push_back(slot.value ? slot.value->mantissa : IntervalBlock::kMissing);
    add_run(block->sources, slot.source);
    add_run(block->qualities, slot.quality);
  }
}

struct Columns {
  std::vector<std::int64_t> meters, channels;
  std::vector<Day> first, last;
};

}  // namespace

Answer<IntervalPage> Readers::intervals(const std::vector<MeterSpan>& spans, const ChannelFilter& filter,
                                        const PageRequest& page) {
  return database_.impl().answer([&](Session& session) {
    const auto token = parse_token(page.token, 2);
    pqxx::transaction<pqxx::repeatable_read, pqxx::read_only> tx(session);
    tx.exec(
        "SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off");
    const auto targets = targets_of(session, spans, filter);
    const auto stored = stored_days(session);
    IntervalPage out;
    std::size_t at = token.empty() ? 0 : static_cast<std::size_t>(token[0]);
    Day resume = token.empty() ? Day::min() : Day{days{token[1]}};
    const auto budget = static_cast<std::int64_t>(std::clamp<std::size_t>(page.size, 1, 20'000));

    while (stored && at < targets.size() && out.blocks.empty()) {
      std::vector<Stretch> stretches;
      Day low = Day::max(), high = Day::min();
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
        low = std::min(low, from);
        high = std::max(high, last);
        resume = last + days{1};
      }
      if (stretches.empty()) break;

      Columns columns;
      for (const Stretch& s : stretches) {
        columns.meters.push_back(targets[s.target].channel.meter);
        columns.channels.push_back(targets[s.target].channel.id);
        columns.first.push_back(s.first);
        columns.last.push_back(s.last);
      }
      Params params;
      params.array(std::span<const std::int64_t>(columns.meters));
      params.array(std::span<const std::int64_t>(columns.channels));
      params.array(std::span<const Day>(columns.first));
      params.array(std::span<const Day>(columns.last));
      const std::string from = to_text(UtcInstant{low}).substr(0, 10),
                        to = to_text(UtcInstant{high}).substr(0, 10);
      const std::string after = to_text(UtcInstant{high + days{1}}).substr(0, 10);

      struct Found {
        std::size_t stretch;
        UtcInstant start;
        std::chrono::seconds length;
        IntervalBlock block;
      };
      std::vector<Found> found;
      const auto take = [&](std::int64_t n, UtcInstant start, std::chrono::seconds length, std::size_t slots,
                            const SlotRow::Stored& row) {
        SlotRow merged(slots);
        merged.load(row);
        const auto stretch = static_cast<std::size_t>(n - 1);
        std::vector<IntervalBlock> blocks;
        append_blocks(targets[stretches.at(stretch).target], start, length, merged, slots,
                      row.exponent.value_or(std::int16_t{0}), slots == 1 ? 0 : row.version, blocks);
        for (IntervalBlock& block : blocks)
          found.push_back({stretch, block.first_start, length, std::move(block)});
      };
      {
        const std::string sql =
            "SELECT k.n, d.day, d.interval_s, d.version, d.exponent, d.values, d.wide, d.exponents, "
            "d.source_runs,"
            " d.quality_runs FROM unnest($1, $2, $3, $4) WITH ORDINALITY AS k (meter_id, channel_id, first, "
            "last, n)"
            " JOIN interval_day d ON d.meter_id = k.meter_id AND d.channel_id = k.channel_id AND d.day "
            "BETWEEN k.first"
            " AND k.last WHERE d.day BETWEEN '" +
            from + "' AND '" + to + "'";
        const Rows rows = Rows::query(session.raw(), sql.c_str(), params);
        for (int i = 0; i < rows.size(); ++i) {
          SlotRow::Stored row;
          row.version = rows.i8(i, 3);
          if (!rows.null(i, 4)) row.exponent = rows.i2(i, 4);
          if (!rows.null(i, 5)) rows.array(i, 5, row.values);
          if (!rows.null(i, 6)) rows.array(i, 6, row.wide);
          if (!rows.null(i, 7)) rows.array(i, 7, row.exponents);
          rows.array(i, 8, row.source_runs);
          if (!rows.null(i, 9)) rows.array(i, 9, row.quality_runs);
          take(rows.i8(i, 0), rows.day(i, 1), std::chrono::seconds{rows.i4(i, 2)},
               static_cast<std::size_t>(86'400 / rows.i4(i, 2)), row);
        }
      }
      {
        const std::string sql =
            "SELECT k.n, d.start_at, d.length_s, d.mantissa, d.exponent, d.source_id, d.quality_id FROM"
            " unnest($1, $2, $3, $4) WITH ORDINALITY AS k (meter_id, channel_id, first, last, n) JOIN "
            "interval_odd d ON"
            " d.meter_id = k.meter_id AND d.channel_id = k.channel_id AND d.start_at >= k.first::timestamp "
            "AT TIME ZONE"
            " 'UTC' AND d.start_at < (k.last + 1)::timestamp AT TIME ZONE 'UTC' WHERE d.start_at >= '" +
            from + " 00:00Z' AND d.start_at < '" + after + " 00:00Z'";
        const Rows rows = Rows::query(session.raw(), sql.c_str(), params);
        for (int i = 0; i < rows.size(); ++i) {
          SlotRow::Stored row;
          row.wide = {rows.null(i, 3) ? SlotRow::kHole : rows.i8(i, 3)};
          if (!rows.null(i, 4)) row.exponent = rows.i2(i, 4);
          row.source_runs = {1, rows.i8(i, 5)};
          row.quality_runs = {1, rows.i4(i, 6)};
          take(rows.i8(i, 0), rows.at(i, 1), std::chrono::seconds{rows.i8(i, 2)}, 1, row);
        }
      }
      std::stable_sort(found.begin(), found.end(), [](const Found& a, const Found& b) {
        return std::tuple(a.stretch, a.start, a.length) < std::tuple(b.stretch, b.start, b.length);
      });
      for (Found& f : found) {
        const Target& target = targets[stretches[f.stretch].target];
        out.dictionary.channels.try_emplace(target.channel.id, target.channel);
        for (const auto& run : f.block.sources) out.dictionary.sources.try_emplace(run.source);
        for (const auto& run : f.block.qualities) out.dictionary.qualities.try_emplace(run.quality);
        out.blocks.push_back(std::move(f.block));
      }
    }
    if (stored && at < targets.size())
      out.next_token = make_token({static_cast<std::int64_t>(at), resume.time_since_epoch().count()});
    explain(session, out.dictionary);
    return out;
  });
}

}  // namespace ami::storage
