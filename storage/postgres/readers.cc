#include "storage/postgres/readers.h"

#include <algorithm>
#include <pqxx/pqxx>

#include "storage/postgres/asset_rows.h"
#include "storage/postgres/layers.h"
#include "storage/postgres/reader_rows.h"
#include "storage/postgres/readers_as_of.h"

namespace ami::storage {
namespace {

using ReadOnly = pqxx::transaction<pqxx::repeatable_read, pqxx::read_only>;

void append(RegisterRow row, RegisterPage& out) {
  out.dictionary.sources.try_emplace(row.source);
  out.dictionary.qualities.try_emplace(row.quality);
  out.rows.push_back(std::move(row));
}

std::string_view state_name(QuarantineState state) {
  constexpr std::string_view kNames[] = {"OPEN", "REPLAYED", "REJECTED"};
  return kNames[static_cast<std::size_t>(state)];
}

std::string quarantine_columns(bool with_raw) {
  return "q.quarantine_id, q.utility_id, q.feed, q.reason, q.detail, q.meter, " +
         std::string(with_raw ? "q.raw" : "''::bytea") +
         ", q.byte_offset, q.times_seen, q.first_seen, q.last_seen, q.state, " + source_columns();
}

QuarantineRow quarantine_of(const Rows& rows, int i) {
  QuarantineRow out;
  out.id = rows.i8(i, 0);
  out.utility = rows.i4(i, 1);
  out.feed = rows.text(i, 2);
  out.reason = rows.text(i, 3);
  out.detail = rows.text(i, 4);
  out.meter = rows.text(i, 5);
  out.raw = rows.text(i, 6);
  out.offset = static_cast<std::uint64_t>(rows.i8(i, 7));
  out.times_seen = rows.i8(i, 8);
  out.first_seen = rows.at(i, 9);
  out.last_seen = rows.at(i, 10);
  const std::string_view state = rows.text(i, 11);
  out.state = state == "OPEN"       ? QuarantineState::Open
              : state == "REPLAYED" ? QuarantineState::Replayed
                                    : QuarantineState::Rejected;
  out.source_info = source_of(rows, i, 12);
  out.source = out.source_info.id;
  return out;
}

}  // namespace

Answer<std::vector<ChannelInfo>> Readers::channels(const std::vector<MeterId>& meters,
                                                   const ChannelFilter& filter) {
  return database_.impl().answer([&](Session& session) {
    std::vector<ChannelInfo> out;
    for (LoadedChannel& channel : load_channels(session, meters, filter))
      out.push_back(std::move(channel.info));
    return out;
  });
}

Answer<RegisterPage> Readers::latest(const std::vector<MeterId>& meters, const ChannelFilter& filter,
                                     LatestBy by, std::optional<UtcInstant> as_of, Layer layer) {
  return database_.impl().answer([&](Session& session) {
    if (meters.size() > 1000) refuse(Refusal::Kind::Invalid, "at most 1000 meters at a time", "meters");
    ReadOnly tx(session);
    RegisterPage out;
    std::vector<std::int64_t> channel_meters, ids, withdrawals;
    std::vector<RegisterSlot> channels;
    for (LoadedChannel& channel : load_channels(session, meters, filter)) {
      channel_meters.push_back(channel.info.meter);
      ids.push_back(channel.info.id);
      channels.push_back({channel.info.meter, channel.info.id, {}});
      if (channel.withdrawals) withdrawals.push_back(channel.info.id);
      out.dictionary.channels.emplace(channel.info.id, std::move(channel.info));
    }
    Moment moment(session, as_of);
    moment.watch(withdrawals);
    Overlay overlay(session, database_.impl().combined(), layer, as_of);
    const auto answer = [&](std::vector<RegisterRow> found) {
      overlay.say(found);
      for (RegisterRow& row : found) append(std::move(row), out);
      overlay.explain(out.dictionary);
      return out;
    };
    if (!moment.everything_counts()) return answer(latest_at(session, moment, channels, by));
    Params params;
    params.array(std::span<const std::int64_t>(channel_meters));
    params.array(std::span<const std::int64_t>(ids));
    const std::string pick =
        by == LatestBy::DeviceTime
            ? "SELECT * FROM register_read x WHERE x.meter_id = k.meter_id AND x.channel_id = k.channel_id"
              " ORDER BY x.at DESC LIMIT 1"
            : "SELECT x.* FROM register_read x JOIN source USING (source_id) WHERE x.meter_id = k.meter_id "
              "AND"
              " x.channel_id = k.channel_id ORDER BY received_at DESC, x.at DESC LIMIT 1";
    const std::string sql =
        std::string("SELECT ") + kRegisterColumns +
        " FROM unnest($1, $2) WITH ORDINALITY AS k (meter_id, channel_id, n) CROSS JOIN LATERAL (" + pick +
        ") r LEFT JOIN installation i ON i.meter_id = r.meter_id AND i.valid @> r.at"
        " ORDER BY k.n";
    const Rows rows = Rows::query(session.raw(), sql.c_str(), params);
    std::vector<RegisterRow> found;
    for (int i = 0; i < rows.size(); ++i) found.push_back(register_of(rows, i, 0));
    return answer(std::move(found));
  });
}

Answer<RegisterPage> Readers::registers(const std::vector<MeterSpan>& spans, const ChannelFilter& filter,
                                        const PageRequest& page, std::optional<UtcInstant> as_of,
                                        Layer layer) {
  return database_.impl().answer([&](Session& session) {
    auto token = parse_token(page.token, 2);
    const auto size = static_cast<std::int64_t>(clamp_page(page.size));
    ReadOnly tx(session);
    const auto targets = targets_of(session, spans, filter);
    Moment moment(session, as_of);
    std::vector<ChannelId> withdrawals;
    for (const Target& target : targets) {
      if (target.withdrawals) withdrawals.push_back(target.channel.id);
    }
    moment.watch(withdrawals);
    RegisterPage out;
    Overlay overlay(session, database_.impl().combined(), layer, as_of);
    // A stretch of which nothing counted is no page: on to the next.
    for (bool more = true; more && out.rows.empty();) {
      std::vector<std::int64_t> meters, ids, numbers;
      std::vector<UtcInstant> from, to;
      for (std::size_t n = token.empty() ? 0 : static_cast<std::size_t>(token[0]); n < targets.size(); ++n) {
        const bool resumed = !token.empty() && static_cast<std::int64_t>(n) == token[0];
        meters.push_back(targets[n].channel.meter);
        ids.push_back(targets[n].channel.id);
        numbers.push_back(static_cast<std::int64_t>(n));
        from.push_back(resumed ? UtcInstant{std::chrono::microseconds{token[1]}} : targets[n].period.from);
        to.push_back(targets[n].period.to);
      }
      Params params;
      params.array(std::span<const std::int64_t>(meters));
      params.array(std::span<const std::int64_t>(ids));
      params.array(std::span<const std::int64_t>(numbers));
      params.array(std::span<const UtcInstant>(from));
      params.array(std::span<const UtcInstant>(to));
      params.i8(size + 1);
      const std::string sql =
          std::string("SELECT k.n, ") + kRegisterColumns +
          " FROM unnest($1, $2, $3, $4, $5) AS k (meter_id, channel_id, n, first, after) CROSS JOIN LATERAL ("
          "SELECT * FROM register_read x WHERE x.meter_id = k.meter_id AND x.channel_id = k.channel_id"
          " AND x.at >= k.first AND x.at < k.after ORDER BY x.at LIMIT $6) r"
          " LEFT JOIN installation i ON i.meter_id = r.meter_id AND i.valid @> r.at ORDER BY k.n, r.at LIMIT "
          "$6";
      const Rows rows = Rows::repeated(session.raw(), sql.c_str(), params);
      more = rows.size() > size;
      std::vector<RegisterRow> current;
      std::set<SourceId> sources;
      for (int i = 0; i < std::min<std::int64_t>(rows.size(), size); ++i) {
        const ChannelInfo& channel = targets[static_cast<std::size_t>(rows.i8(i, 0))].channel;
        out.dictionary.channels.try_emplace(channel.id, channel);
        current.push_back(register_of(rows, i, 1));
        sources.insert(current.back().source);
      }
      token.clear();
      if (more) {
        const int last = static_cast<int>(size);
        token = {rows.i8(last, 0), rows.at(last, 3).time_since_epoch().count()};
      }

      std::vector<RegisterSlot> asked;  // where the current statement does not count
      std::vector<std::size_t> places;
      if (!moment.everything_counts()) {
        moment.learn(sources, {});
        for (std::size_t i = 0; i < current.size(); ++i) {
          if (moment.counts(current[i].channel, current[i].source)) continue;
          asked.push_back({current[i].meter, current[i].channel, current[i].at});
          places.push_back(i);
        }
      }
      auto answers = registers_at(session, moment, asked);
      std::vector<RegisterRow> counted;
      for (std::size_t i = 0, next = 0; i < current.size(); ++i) {
        if (next == places.size() || places[next] != i) {
          counted.push_back(std::move(current[i]));
        } else if (auto& answer = answers[next++]) {
          counted.push_back(std::move(*answer));
        }
      }
      overlay.say(counted);
      for (RegisterRow& row : counted) append(std::move(row), out);
    }
    out.next_token = token.empty() ? std::string() : make_token(token);
    overlay.explain(out.dictionary);
    return out;
  });
}

Answer<PageOf<EventRow>> Readers::events(const EventQuery& query) {
  return database_.impl().answer([&](Session& session) {
    const auto token = parse_token(query.page.token, 2);
    const std::size_t size = clamp_page(query.page.size);
    constexpr UtcInstant kFirst{std::chrono::sys_days{std::chrono::year{1970} / 1 / 1}};
    constexpr UtcInstant kEnd{std::chrono::sys_days{std::chrono::year{2200} / 1 / 1}};
    std::vector<std::int64_t> meters;
    std::vector<UtcInstant> from, to;
    for (const MeterSpan& span : query.spans) {
      meters.push_back(span.meter);
      from.push_back(std::clamp(span.period.from, kFirst, kEnd));
      to.push_back(std::clamp(span.period.to, kFirst, kEnd));
    }
    const UtcInstant period[] = {std::clamp(query.period.from, kFirst, kEnd),
                                 std::clamp(query.period.to, kFirst, kEnd)};
    const UtcInstant resume[] = {token.empty() ? kFirst : UtcInstant{std::chrono::microseconds{token[0]}}};
    Params params;
    params.i4(query.utility);
    params.array(std::span<const UtcInstant>(period));
    params.texts(query.kinds);
    params.array(std::span<const UtcInstant>(resume));
    params.i8(token.empty() ? 0 : token[1]);
    params.i8(static_cast<std::int64_t>(size) + 1);
    params.array(std::span<const std::int64_t>(meters));
    params.array(std::span<const UtcInstant>(from));
    params.array(std::span<const UtcInstant>(to));
    params.i4(query.duplicates_too ? 1 : 0);
    const Rows rows = Rows::query(
        session.raw(),
        "SELECT e.event_id, e.utility_id, e.meter_id, e.at, e.kind, e.code, e.vendor, e.raw_code, e.raw_text,"
        " e.time_source, e.source_id, i.usage_point_id, s.received_at, coalesce(e.duplicate_of, 0), "
        "e.duplicates"
        " FROM event e JOIN source s USING (source_id)"
        " LEFT JOIN installation i ON i.meter_id = e.meter_id AND i.valid @> e.at"
        " WHERE e.utility_id = $1 AND e.at >= $2[1] AND e.at < $2[2]"
        " AND ($10 = 1 OR e.duplicate_of IS NULL) AND (cardinality($3) = 0 OR e.kind = ANY ($3) OR ($10 = 0 "
        "AND"
        " e.duplicates > 0 AND EXISTS (SELECT FROM event d WHERE d.meter_id = e.meter_id AND d.at >= "
        "e.first_at"
        " AND d.at <= e.last_at AND d.duplicate_of = e.event_id AND d.kind = ANY ($3))))"
        " AND e.at >= $4[1] AND (e.at, e.event_id) > ($4[1], $5) AND (cardinality($7) = 0 OR EXISTS (SELECT "
        "FROM"
        " unnest($7, $8, $9) AS k (meter_id, first, after) WHERE k.meter_id = e.meter_id AND e.at >= k.first"
        " AND e.at < k.after)) ORDER BY e.at, e.event_id LIMIT $6",
        params);
    PageOf<EventRow> out;
    for (int i = 0; i < rows.size(); ++i) {
      if (static_cast<std::size_t>(i) == size) {
        const EventRow& last = out.items.back();
        out.next_token = make_token({last.at.time_since_epoch().count(), last.id});
        break;
      }
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
      if (!rows.null(i, 11)) row.usage_point = rows.i8(i, 11);
      row.received_at = rows.at(i, 12);
      row.duplicate_of = rows.i8(i, 13);
      row.duplicates = rows.i4(i, 14);
      out.items.push_back(std::move(row));
    }
    return out;
  });
}

Answer<PageOf<SourceInfo>> Readers::sources(std::optional<UtilityId> utility, const std::string& feed,
                                            const PageRequest& page) {
  return database_.impl().answer([&](Session& session) {
    const auto token = parse_token(page.token, 1);
    const std::size_t size = clamp_page(page.size);
    Params params;
    params.i4(utility.value_or(0));
    params.texts(std::span<const std::string>(&feed, 1));
    params.i8(token.empty() ? std::numeric_limits<std::int64_t>::max() : token[0]);
    params.i8(static_cast<std::int64_t>(size) + 1);
    const std::string sql =
        "SELECT " + source_columns() +
        " FROM source s WHERE ($1 = 0 OR s.utility_id = $1) AND ($2[1] = '' OR s.feed = $2[1])"
        " AND s.source_id < $3 ORDER BY s.source_id DESC LIMIT $4";
    const Rows rows = Rows::query(session.raw(), sql.c_str(), params);
    PageOf<SourceInfo> out;
    for (int i = 0; i < rows.size(); ++i) {
      if (static_cast<std::size_t>(i) == size) {
        out.next_token = make_token({out.items.back().id});
        break;
      }
      out.items.push_back(source_of(rows, i, 0));
    }
    return out;
  });
}

Answer<SourceInfo> Readers::source(UtilityId utility, SourceId id) {
  return database_.impl().answer([&](Session& session) {
    Params params;
    params.i8(id);
    params.i4(utility);
    const std::string sql =
        "SELECT " + source_columns() + " FROM source s WHERE s.source_id = $1 AND s.utility_id = $2";
    const Rows rows = Rows::query(session.raw(), sql.c_str(), params);
    if (rows.size() == 0) refuse(Refusal::Kind::NotFound, "no source " + std::to_string(id), "source");
    return source_of(rows, 0, 0);
  });
}

Answer<PageOf<QuarantineRow>> Readers::quarantine(const QuarantineQuery& query) {
  return database_.impl().answer([&](Session& session) {
    const auto token = parse_token(query.page.token, 1);
    const std::size_t size = clamp_page(query.page.size);
    const std::string words[] = {query.feed, query.reason,
                                 query.state ? std::string(state_name(*query.state)) : ""};
    Params params;
    params.i4(query.utility.value_or(0));
    params.texts(words);
    params.i8(token.empty() ? 0 : token[0]);
    params.i8(static_cast<std::int64_t>(size) + 1);
    const std::string sql =
        "SELECT " + quarantine_columns(query.with_raw) +
        " FROM quarantine q JOIN source s USING (source_id) WHERE ($1 = 0 OR q.utility_id = $1)"
        " AND ($2[1] = '' OR q.feed = $2[1]) AND ($2[2] = '' OR q.reason = $2[2])"
        " AND ($2[3] = '' OR q.state = $2[3]) AND q.quarantine_id > $3"
        " ORDER BY q.quarantine_id LIMIT $4";
    const Rows rows = Rows::query(session.raw(), sql.c_str(), params);
    PageOf<QuarantineRow> out;
    for (int i = 0; i < rows.size(); ++i) {
      if (static_cast<std::size_t>(i) == size) {
        out.next_token = make_token({out.items.back().id});
        break;
      }
      out.items.push_back(quarantine_of(rows, i));
    }
    return out;
  });
}

Answer<QuarantineRow> Readers::quarantined(UtilityId utility, std::int64_t id) {
  return database_.impl().answer([&](Session& session) {
    Params params;
    params.i8(id);
    params.i4(utility);
    const std::string sql = "SELECT " + quarantine_columns(true) +
                            " FROM quarantine q JOIN source s USING (source_id) WHERE quarantine_id = $1"
                            " AND q.utility_id = $2";
    const Rows rows = Rows::query(session.raw(), sql.c_str(), params);
    if (rows.size() == 0)
      refuse(Refusal::Kind::NotFound, "no quarantined record " + std::to_string(id), "id");
    return quarantine_of(rows, 0);
  });
}

Answer<std::size_t> Readers::mark_quarantine(UtilityId utility, const std::vector<std::int64_t>& ids,
                                             QuarantineState state) {
  return database_.impl().answer([&](Session& session) {
    pqxx::work tx(session);
    const auto done = tx.exec_params(
        "UPDATE quarantine SET state = $1 WHERE quarantine_id = ANY ($2::bigint[])"
        " AND utility_id = $3",
        std::string(state_name(state)), array_text(ids), utility);
    const std::size_t count = done.affected_rows();
    tx.commit();
    return count;
  });
}

Answer<std::vector<FeedCounts>> Readers::feed_counts() {
  return database_.impl().answer([&](Session& session) {
    const Rows rows = Rows::query(
        session.raw(),
        "SELECT s.utility_id, s.feed, count(*), sum(s.registers)::bigint, sum(s.interval_values)::bigint,"
        " sum(s.events)::bigint, max(s.received_at), (SELECT count(*) FROM quarantine q WHERE q.utility_id ="
        " s.utility_id AND q.feed = s.feed AND q.state = 'OPEN') FROM source s WHERE s.replay >= 0 GROUP BY "
        "s.utility_id, s.feed"
        " ORDER BY s.feed, s.utility_id",
        {});
    std::vector<FeedCounts> out;
    for (int i = 0; i < rows.size(); ++i) {
      FeedCounts counts;
      counts.utility = rows.i4(i, 0);
      counts.feed = rows.text(i, 1);
      counts.sources = static_cast<std::uint64_t>(rows.i8(i, 2));
      counts.registers = static_cast<std::uint64_t>(rows.i8(i, 3));
      counts.interval_values = static_cast<std::uint64_t>(rows.i8(i, 4));
      counts.events = static_cast<std::uint64_t>(rows.i8(i, 5));
      counts.last_received = rows.maybe_at(i, 6);
      counts.quarantine_open = static_cast<std::uint64_t>(rows.i8(i, 7));
      out.push_back(std::move(counts));
    }
    return out;
  });
}

}  // namespace ami::storage
