#include "storage/postgres/register_search.h"

#include <algorithm>
#include <pqxx/pqxx>
#include <set>
#include <span>
#include <string>
#include <tuple>

#include "storage/postgres/asset_rows.h"
#include "storage/postgres/layers.h"
#include "storage/postgres/reader_rows.h"
#include "storage/postgres/readers_as_of.h"

namespace ami::storage {
namespace {

using ReadOnly = pqxx::transaction<pqxx::repeatable_read, pqxx::read_only>;
constexpr std::size_t kMostTargets = 10'000, kMostRows = 100;
constexpr std::chrono::microseconds kTick{1};  // the step of a timestamp

// The targets' channels as arrays: one element a target and channel.
struct Keys {
  std::vector<std::int64_t> meters, channels, targets;
  std::vector<UtcInstant> at, first, last;

  void add(std::size_t number, const NearTarget& target, const Period& within, ChannelId channel) {
    meters.push_back(target.meter);
    channels.push_back(channel);
    targets.push_back(static_cast<std::int64_t>(number));
    at.push_back(std::clamp(target.at, within.from, within.to));
    first.push_back(within.from);
    last.push_back(within.to);
  }
  [[nodiscard]] Params params(const NearQuery& query) const {
    Params params;
    params.array(std::span<const std::int64_t>(meters));
    params.array(std::span<const std::int64_t>(channels));
    params.array(std::span<const std::int64_t>(targets));
    params.array(std::span<const UtcInstant>(at));
    params.array(std::span<const UtcInstant>(first));
    params.array(std::span<const UtcInstant>(last));
    params.i8(static_cast<std::int64_t>(std::min(query.before, kMostRows)));
    params.i8(static_cast<std::int64_t>(std::min(query.after, kMostRows)));
    return params;
  }
};

// "(…last $7 at or before…) UNION ALL (…first $8 after…)": `what` of `table`, with another condition.
std::string near_rows(const std::string& what, const std::string& table, const std::string& condition) {
  const std::string of_channel = "SELECT " + what + " FROM " + table +
                                 " x WHERE x.meter_id = k.meter_id AND x.channel_id = k.channel_id" +
                                 condition;
  return "(" + of_channel + " AND x.at <= k.at AND x.at >= k.first ORDER BY x.at DESC LIMIT $7) UNION ALL (" +
         of_channel + " AND x.at > k.at AND x.at <= k.last ORDER BY x.at LIMIT $8)";
}

constexpr const char* kFromKeys =
    " FROM unnest($1, $2, $3, $4, $5, $6) AS k (meter_id, channel_id, n, at, first, last) CROSS JOIN LATERAL "
    "(";

std::vector<NearRow> current(Session& session, const Keys& keys, const NearQuery& query) {
  const std::string sql = std::string("SELECT k.n, ") + kRegisterColumns + kFromKeys +
                          near_rows("*", "register_read", "") +
                          ") r LEFT JOIN installation i ON i.meter_id = r.meter_id AND i.valid @> r.at"
                          " ORDER BY k.n, r.channel_id, r.at";
  const Rows rows = Rows::query(session.raw(), sql.c_str(), keys.params(query));
  std::vector<NearRow> out;
  for (int i = 0; i < rows.size(); ++i)
    out.push_back({static_cast<std::size_t>(rows.i8(i, 0)), register_of(rows, i, 1)});
  return out;
}

// The same where not every statement counts: first the times of which something does, then what it says.
std::vector<NearRow> restated(Session& session, Moment& moment, const Keys& keys, const NearQuery& query) {
  const std::string counts = " AND " + moment.counts_sql("x");
  const std::string times = near_rows("DISTINCT x.at", "register_read", counts) + " UNION ALL " +
                            near_rows("DISTINCT x.at", "register_revision", counts);
  const std::string sql = "SELECT DISTINCT k.n, k.meter_id, k.channel_id, r.at" + std::string(kFromKeys) +
                          times + ") r ORDER BY 1, 3, 4";
  const Rows rows = Rows::query(session.raw(), sql.c_str(), keys.params(query));
  std::vector<RegisterSlot> slots;
  std::vector<std::size_t> targets;
  for (int i = 0; i < rows.size(); ++i) {
    targets.push_back(static_cast<std::size_t>(rows.i8(i, 0)));
    slots.push_back({rows.i8(i, 1), rows.i8(i, 2), rows.at(i, 3)});
  }
  std::vector<NearRow> out;
  auto found = registers_at(session, moment, slots);
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (found[i]) out.push_back({targets[i], *std::move(found[i])});
  }
  // Both tables gave their nearest: of all of them the nearest count.
  std::vector<NearRow> nearest;
  for (auto first = out.begin(); first != out.end();) {
    const auto last = std::find_if(first, out.end(), [&](const NearRow& row) {
      return row.target != first->target || row.row.channel != first->row.channel;
    });
    const UtcInstant at = query.targets[first->target].at;
    const auto middle = std::find_if(first, last, [&](const NearRow& row) { return row.row.at > at; });
    const auto before = std::min<std::ptrdiff_t>(middle - first, static_cast<std::ptrdiff_t>(query.before));
    const auto after = std::min<std::ptrdiff_t>(last - middle, static_cast<std::ptrdiff_t>(query.after));
    nearest.insert(nearest.end(), middle - before, middle + after);
    first = last;
  }
  return nearest;
}

void say(Overlay& overlay, std::vector<NearRow>& found) {
  std::vector<RegisterRow> rows;
  for (NearRow& near : found) rows.push_back(std::move(near.row));
  overlay.say(rows);
  for (std::size_t i = 0; i < found.size(); ++i) found[i].row = std::move(rows[i]);
}

}  // namespace

Answer<NearPage> RegisterSearch::near(const NearQuery& query) {
  return database_.impl().answer([&](Session& session) {
    if (query.targets.size() > kMostTargets)
      refuse(Refusal::Kind::Invalid, "at most 10,000 instants at a time", "targets");
    ReadOnly tx(session);
    std::vector<MeterSpan> spans;
    // A span ends before its end, a target with it.
    for (const NearTarget& target : query.targets) {
      const UtcInstant to = target.within.to;
      spans.push_back({target.meter, {target.within.from, to == UtcInstant::max() ? to : to + kTick}});
    }
    NearPage page;
    Keys keys;
    std::vector<ChannelId> withdrawals;
    for (const Target& target : targets_of(session, spans, query.filter)) {
      keys.add(target.span, query.targets[target.span], {target.period.from, target.period.to - kTick},
               target.channel.id);
      if (target.withdrawals) withdrawals.push_back(target.channel.id);
      page.dictionary.channels.try_emplace(target.channel.id, target.channel);
    }
    Moment moment(session, query.as_of);
    moment.watch(withdrawals);
    page.rows =
        moment.everything_counts() ? current(session, keys, query) : restated(session, moment, keys, query);
    Overlay overlay(session, database_.impl().combined(), query.layer, query.as_of);
    say(overlay, page.rows);
    for (const NearRow& near : page.rows) {
      page.dictionary.sources.try_emplace(near.row.source);
      page.dictionary.qualities.try_emplace(near.row.quality);
    }
    overlay.explain(page.dictionary);
    return page;
  });
}

Answer<std::map<std::int64_t, DialReads>> RegisterSearch::dials(
    const std::vector<std::int64_t>& installations) {
  return database_.impl().answer([&](Session& session) {
    std::map<std::int64_t, DialReads> out;
    if (installations.empty()) return out;
    Params params;
    params.array(std::span<const std::int64_t>(installations));
    const Rows rows =
        ask(session, "ami_dials",
            "SELECT installation_id, side, reading_type, mantissa, exponent FROM installation_read"
            " WHERE installation_id = ANY ($1::bigint[]) ORDER BY installation_id, reading_type",
            params);
    for (int i = 0; i < rows.size(); ++i) {
      DialReads& reads = out[rows.i8(i, 0)];
      (rows.text(i, 1) == "START" ? reads.start : reads.end)
          .push_back({std::string(rows.text(i, 2)), Decimal{rows.i8(i, 3), rows.i2(i, 4)}});
    }
    return out;
  });
}

}  // namespace ami::storage
