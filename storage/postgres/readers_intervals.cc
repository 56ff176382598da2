// Intervals, a page at a time: a page is a stretch of (channel, days), cut so that about `size` rows come.
#include <algorithm>
#include <pqxx/pqxx>

#include "storage/postgres/block_writer.h"
#include "storage/postgres/layers.h"
#include "storage/postgres/reader_rows.h"
#include "storage/postgres/readers_as_of.h"
#include "storage/postgres/row_loader.h"

namespace ami::storage {
namespace {

using std::chrono::days;

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

}  // namespace

Answer<IntervalPage> Readers::intervals(const std::vector<MeterSpan>& spans, const ChannelFilter& filter,
                                        const PageRequest& page, std::optional<UtcInstant> as_of,
                                        Layer layer) {
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
    Overlay overlay(session, database_.impl().combined(), layer, as_of);
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

      auto rows = load_rows(session, database_.impl().days(), targets, stretches);
      std::vector<std::int64_t> versions;
      versions.reserve(rows.size());
      for (const IntervalRow& row : rows) versions.push_back(row.stored.version);
      if (!moment.everything_counts()) restate(session, moment, rows);
      overlay.say(targets, stretches, rows, versions);
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
    overlay.explain(out.dictionary);
    return out;
  });
}

}  // namespace ami::storage
