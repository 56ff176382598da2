#include "storage/postgres/statements.h"

#include <algorithm>
#include <pqxx/pqxx>
#include <set>
#include <tuple>

#include "storage/postgres/binary_copy.h"
#include "storage/postgres/day_columns.h"
#include "storage/postgres/session.h"
#include "storage/postgres/stored_quality.h"

namespace ami::storage {
namespace {

// Quarantine reasons that the store itself gives: reading the record again does not show them.
constexpr const char* kOfTheStore = "('value_out_of_range', 'cannot_be_stored')";

std::string day_text(Day day) {
  return to_text(UtcInstant{day}).substr(0, 10);
}

class Loader {
 public:
  Loader(Session& session, const ContentStretch& stretch, Said& out)
      : session_(session), stretch_(stretch), out_(out) {}

  void load(const std::vector<MeterId>& meters, Day first, Day last) {
    channels(meters);
    if (meters_.empty()) return;
    days(first, last);
    odd(first, last);
    revisions(first, last);
    registers("register_read", first, last);
    registers("register_revision", first, last);
    sources();
    withdrawn();
    qualities();
    std::erase_if(out_.statements, [&](const Statement& s) {
      // A source that is not complete yet, or withdrawn, says nothing.
      return !out_.sources.contains(s.source) || withdrawn_.contains({s.channel, s.source});
    });
    std::sort(out_.statements.begin(), out_.statements.end(), [](const Statement& a, const Statement& b) {
      return std::tie(a.channel, a.length_s, a.start) < std::tie(b.channel, b.length_s, b.start);
    });
  }

 private:
  void channels(const std::vector<MeterId>& meters) {
    Params params;
    params.array(std::span<const std::int64_t>(meters));
    params.i4(stretch_.utility);
    const Rows rows =
        Rows::query(session_.raw(),
                    "SELECT channel_id, utility_id, meter_id, key, reading_type, unit FROM channel"
                    " WHERE meter_id = ANY ($1) AND utility_id = $2",
                    params);
    for (int i = 0; i < rows.size(); ++i) {
      ChannelInfo info{rows.i8(i, 0),
                       rows.i4(i, 1),
                       rows.i8(i, 2),
                       std::string(rows.text(i, 3)),
                       std::string(rows.text(i, 4)),
                       std::string(rows.text(i, 5))};
      meters_.push_back(info.meter);
      ids_.push_back(info.id);
      out_.channels.emplace(info.id, std::move(info));
    }
  }

  Rows ask(const std::string& columns, const std::string& table, const std::string& condition) {
    Params params;
    params.array(std::span<const std::int64_t>(meters_));
    params.array(std::span<const std::int64_t>(ids_));
    return Rows::query(
        session_.raw(),
        // OFFSET 0 keeps the planner from any way but by the key, channel for channel.
        ("SELECT " + columns +
         " FROM unnest($1, $2) AS k (meter_id, channel_id) CROSS JOIN LATERAL (SELECT * FROM " + table +
         " d WHERE d.meter_id = k.meter_id AND d.channel_id = k.channel_id AND " + condition + " OFFSET 0) d")
            .c_str(),
        params);
  }

  static std::string between(const char* column, Day first, Day last) {
    return std::string(column) + " >= '" + day_text(first) + " 00:00Z' AND " + column + " < '" +
           day_text(last + std::chrono::days{1}) + " 00:00Z'";
  }

  void days(Day first, Day last) {
    const Rows rows =
        ask("d.channel_id, d.day, d.interval_s, d.exponent, d.values, d.wide, d.exponents, " AMI_SOURCE_RUNS
            ", " AMI_QUALITY_RUNS,
            "interval_day", "d.day BETWEEN '" + day_text(first) + "' AND '" + day_text(last) + "'");
    for (int i = 0; i < rows.size(); ++i) {
      SlotRow::Stored row;
      row.version = 1;
      if (!rows.null(i, 3)) row.exponent = rows.i2(i, 3);
      if (!rows.null(i, 4)) rows.array(i, 4, row.values);
      if (!rows.null(i, 5)) rows.array(i, 5, row.wide);
      if (!rows.null(i, 6)) rows.array(i, 6, row.exponents);
      rows.array(i, 7, row.source_runs);
      if (!rows.null(i, 8)) rows.array(i, 8, row.quality_runs);
      const std::int32_t length = rows.i4(i, 2);
      const auto slots = static_cast<std::size_t>(86'400 / length);
      SlotRow merged(slots);
      merged.load(row);
      const UtcInstant start{rows.day(i, 1)};
      for (std::size_t n = 0; n < slots; ++n) {
        const SlotValue slot = merged.current(n);
        if (slot.source == 0) continue;
        add({rows.i8(i, 0),
             start + static_cast<std::int64_t>(n) * std::chrono::seconds{length},
             length,
             slot.value,
             slot.quality,
             slot.source,
             {},
             {},
             TimeSource::Device});
      }
    }
  }

  void odd(Day first, Day last) {
    const Rows rows =
        ask("d.channel_id, d.start_at, d.length_s, d.mantissa, d.exponent, d.quality_id, d.source_id",
            "interval_odd", between("d.start_at", first, last));
    intervals(rows);
  }
  void revisions(Day first, Day last) {
    const Rows rows =
        ask("d.channel_id, d.start_at, d.length_s, d.mantissa, d.exponent, d.quality_id, d.source_id",
            "interval_revision", between("d.start_at", first, last));
    intervals(rows);
  }
  void intervals(const Rows& rows) {
    for (int i = 0; i < rows.size(); ++i) {
      Statement s{rows.i8(i, 0),     rows.at(i, 1), rows.i8(i, 2), {}, rows.i4(i, 5), rows.i8(i, 6), {}, {},
                  TimeSource::Device};
      if (!rows.null(i, 3)) s.value = Decimal{rows.i8(i, 3), rows.i2(i, 4)};
      add(s);
    }
  }

  void registers(const char* table, Day first, Day last) {
    const Rows rows =
        ask("d.channel_id, d.at, d.mantissa, d.exponent, d.quality_id, d.source_id, d.period_start, "
            "d.occurred_at,"
            " d.time_source",
            table, between("d.at", first, last));
    for (int i = 0; i < rows.size(); ++i) {
      add({rows.i8(i, 0), rows.at(i, 1), 0, Decimal{rows.i8(i, 2), rows.i2(i, 3)}, rows.i4(i, 4),
           rows.i8(i, 5), rows.maybe_at(i, 6), rows.maybe_at(i, 7), static_cast<TimeSource>(rows.i2(i, 8))});
    }
  }

  void add(const Statement& statement) {
    seen_sources_.insert(statement.source);
    seen_qualities_.insert(statement.quality);
    out_.statements.push_back(statement);
  }

  void sources() {
    Params params;
    params.array(
        std::span<const std::int64_t>(std::vector<std::int64_t>(seen_sources_.begin(), seen_sources_.end())));
    const std::string texts[] = {stretch_.feed, stretch_.sha256};
    params.texts(texts);
    params.i8(static_cast<std::int64_t>(stretch_.begin));
    params.i8(static_cast<std::int64_t>(stretch_.end));
    const Rows rows = Rows::query(
        session_.raw(),
        "SELECT source_id, rank_stamp, mapping_version, (feed = $2[1] AND content_sha256 = $2[2] AND"
        " byte_offset >= $3 AND byte_offset < $4)::int FROM source WHERE source_id = ANY ($1) AND"
        " stored_at < 'infinity'",
        params);
    for (int i = 0; i < rows.size(); ++i) {
      out_.sources[rows.i8(i, 0)] = {Rank{rows.at(i, 1), rows.i4(i, 2)}, rows.i4(i, 3) != 0};
    }
  }

  void withdrawn() {
    Params params;
    params.array(std::span<const std::int64_t>(ids_));
    const Rows rows = Rows::query(
        session_.raw(), "SELECT channel_id, source_id FROM withdrawal WHERE channel_id = ANY ($1)", params);
    for (int i = 0; i < rows.size(); ++i) withdrawn_.insert({rows.i8(i, 0), rows.i8(i, 1)});
  }

  void qualities() {
    seen_qualities_.erase(0);
    out_.qualities[0];
    Params params;
    params.array(std::span<const std::int32_t>(
        std::vector<std::int32_t>(seen_qualities_.begin(), seen_qualities_.end())));
    const Rows rows =
        Rows::query(session_.raw(),
                    "SELECT quality_id, array_to_string(codes, ' '), vendor_flag FROM quality_set"
                    " WHERE quality_id = ANY ($1)",
                    params);
    for (int i = 0; i < rows.size(); ++i)
      out_.qualities[rows.i4(i, 0)] = stored_quality(rows.text(i, 1), rows.text(i, 2));
  }

  Session& session_;
  const ContentStretch& stretch_;
  Said& out_;
  std::vector<std::int64_t> meters_, ids_;
  std::set<std::int64_t> seen_sources_;
  std::set<std::int32_t> seen_qualities_;
  std::set<std::pair<ChannelId, SourceId>> withdrawn_;
};

// Rows of the table `change`, as the ingest writes them, with the one kind that it never writes.
class ChangeRows {
 public:
  ChangeRows(Session& session, UtilityId utility) : session_(session), utility_(utility) {}

  void write(std::vector<Retraction> slots) {
    if (slots.empty()) return;
    std::sort(slots.begin(), slots.end(), [](const Retraction& a, const Retraction& b) {
      return std::tie(a.meter, a.channel, a.length_s, a.start) <
             std::tie(b.meter, b.channel, b.length_s, b.start);
    });
    const auto versions = versions_of(slots);
    for (std::size_t i = 0; i < slots.size();) {
      const Retraction& first = slots[i];
      const auto day = std::chrono::floor<std::chrono::days>(first.start);
      if (first.length_s == 0 || !on_grid(first.start, std::chrono::seconds{first.length_s})) {
        row(first, day, first.length_s == 0 ? 3 : 2, 0, {},
            {first.before.mantissa, first.before.exponent, first.quality});
        ++i;
        continue;
      }
      std::vector<std::int16_t> runs;
      std::vector<std::int64_t> old;
      for (; i < slots.size() && slots[i].channel == first.channel && slots[i].length_s == first.length_s &&
             std::chrono::floor<std::chrono::days>(slots[i].start) == day;
           ++i) {
        const auto slot = static_cast<std::int16_t>((slots[i].start - UtcInstant{day}) /
                                                    std::chrono::seconds{first.length_s});
        if (!runs.empty() && runs[runs.size() - 3] + runs[runs.size() - 2] == slot) {
          ++runs[runs.size() - 2];
        } else {
          runs.insert(runs.end(), {slot, 1, kRetracted});
        }
        old.insert(old.end(), {slots[i].before.mantissa, slots[i].before.exponent, slots[i].quality});
      }
      const auto version = versions.find({first.channel, day, first.length_s});
      row(first, day, 1, version == versions.end() ? 0 : version->second, runs, old);
    }
    rows_.send(
        session_.raw(),
        "change (utility_id, meter_id, channel_id, day, interval_s, version, entity, at, kinds, slots, old)");
  }

 private:
  static constexpr std::int16_t kRetracted = 16;
  using DayKey = std::tuple<ChannelId, Day, std::int64_t>;

  std::map<DayKey, std::int64_t> versions_of(const std::vector<Retraction>& slots) {
    std::vector<std::int64_t> meters, channels;
    Day first = Day::max(), last = Day::min();
    for (const Retraction& slot : slots) {
      const auto day = std::chrono::floor<std::chrono::days>(slot.start);
      first = std::min(first, day);
      last = std::max(last, day);
      if (!channels.empty() && channels.back() == slot.channel) continue;
      meters.push_back(slot.meter);
      channels.push_back(slot.channel);
    }
    Params params;
    params.array(std::span<const std::int64_t>(meters));
    params.array(std::span<const std::int64_t>(channels));
    const std::string sql =
        "SELECT DISTINCT d.channel_id, d.day, d.interval_s, d.version FROM unnest($1, $2) AS k (meter_id, "
        "channel_id)"
        " CROSS JOIN LATERAL (SELECT * FROM interval_day x WHERE x.meter_id = k.meter_id"
        " AND x.channel_id = k.channel_id AND x.day BETWEEN '" +
        day_text(first) + "' AND '" + day_text(last) + "' OFFSET 0) d";
    const Rows rows = Rows::query(session_.raw(), sql.c_str(), params);
    std::map<DayKey, std::int64_t> out;
    for (int i = 0; i < rows.size(); ++i) out[{rows.i8(i, 0), rows.day(i, 1), rows.i4(i, 2)}] = rows.i8(i, 3);
    return out;
  }

  void row(const Retraction& slot, Day day, std::int16_t entity, std::int64_t version,
           const std::vector<std::int16_t>& runs, const std::vector<std::int64_t>& old) {
    rows_.begin_row(11);
    rows_.i4(utility_);
    rows_.i8(slot.meter);
    rows_.i8(slot.channel);
    rows_.day(day);
    rows_.i4(static_cast<std::int32_t>(
        std::min<std::int64_t>(slot.length_s, std::numeric_limits<std::int32_t>::max())));
    rows_.i8(version);
    rows_.i2(entity);
    entity == 1 ? rows_.null() : rows_.at(slot.start);
    rows_.i2(kRetracted);
    runs.empty() ? rows_.null() : rows_.array(std::span<const std::int16_t>(runs));
    rows_.array(std::span<const std::int64_t>(old));
  }

  Session& session_;
  const UtilityId utility_;
  CopyRows rows_;
};

}  // namespace

Result<std::vector<ContentStretch>> Statements::stretches(UtilityId utility, const std::string& feed,
                                                          const std::string& sha256) {
  return database_.impl().run([&](Session& session) {
    pqxx::read_transaction tx(session);
    const std::string texts[] = {feed, sha256};
    Params params;
    params.i4(utility);
    params.texts(texts);
    const Rows rows =
        Rows::query(session.raw(),
                    "SELECT DISTINCT byte_offset, byte_offset + byte_length FROM source WHERE"
                    " utility_id = $1 AND feed = $2[1] AND content_sha256 = $2[2] AND byte_length > 0"
                    " ORDER BY 1, 2",
                    params);
    std::vector<ContentStretch> out;
    for (int i = 0; i < rows.size(); ++i) {
      const auto begin = static_cast<std::uint64_t>(rows.i8(i, 0)),
                 end = static_cast<std::uint64_t>(rows.i8(i, 1));
      if (!out.empty() && begin < out.back().end) {
        out.back().end = std::max(out.back().end, end);
      } else {
        out.push_back({utility, feed, sha256, begin, end});
      }
    }
    return out;
  });
}

Result<Said> Statements::said(const ContentStretch& stretch, const std::vector<MeterId>& meters, Day first,
                              Day last) {
  return database_.impl().run([&](Session& session) {
    pqxx::transaction<pqxx::repeatable_read, pqxx::read_only> tx(session);
    // Rows are looked up by their keys; statistics of young partitions would say otherwise.
    tx.exec(
        "SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off");
    Said out;
    Loader(session, stretch, out).load(meters, first, last);
    return out;
  });
}

Result<std::vector<std::optional<KnownEvent>>> Statements::events(std::span<const EventReading> events) {
  return database_.impl().run([&](Session& session) {
    std::vector<std::optional<KnownEvent>> out(events.size());
    if (events.empty()) return out;
    pqxx::read_transaction tx(session);
    std::vector<std::int64_t> meters;
    std::vector<UtcInstant> times;
    std::vector<std::string> vendors, codes, texts;
    for (const EventReading& event : events) {
      meters.push_back(event.meter);
      times.push_back(event.at);
      vendors.push_back(clean_text(event.vendor));
      codes.push_back(clean_text(event.raw_code));
      texts.push_back(clean_text(event.raw_text));
    }
    Params params;
    params.array(std::span<const std::int64_t>(meters));
    params.array(std::span<const UtcInstant>(times));
    params.texts(vendors);
    params.texts(codes);
    params.texts(texts);
    const Rows rows = Rows::query(
        session.raw(),
        "SELECT k.n, e.kind, e.code, e.mapping_version FROM unnest($1, $2, $3, $4, $5) WITH ORDINALITY"
        " AS k (meter_id, at, vendor, raw_code, raw_text, n) JOIN event e ON e.meter_id = k.meter_id AND "
        "e.at = k.at"
        " AND e.vendor = k.vendor AND e.raw_code = k.raw_code AND e.raw_text_md5 = md5(k.raw_text)::uuid",
        params);
    for (int i = 0; i < rows.size(); ++i) {
      out.at(static_cast<std::size_t>(rows.i8(i, 0) - 1)) =
          KnownEvent{std::string(rows.text(i, 1)), std::string(rows.text(i, 2)), rows.i4(i, 3)};
    }
    return out;
  });
}

Result<KnownQuarantine> Statements::quarantine(const ContentStretch& stretch,
                                               std::span<const Quarantined> items) {
  return database_.impl().run([&](Session& session) {
    pqxx::read_transaction tx(session);
    KnownQuarantine out;
    out.known.assign(items.size(), false);
    std::vector<std::string> reasons, raws;
    for (const Quarantined& item : items) {
      reasons.push_back(clean_text(item.reason));
      raws.push_back(item.raw);
    }
    const std::string texts[] = {stretch.feed, stretch.sha256};
    Params params;
    params.texts(reasons);
    params.blobs(raws);
    params.i4(stretch.utility);
    params.texts(texts);
    const Rows known =
        Rows::query(session.raw(),
                    "SELECT k.n FROM unnest($1, $2) WITH ORDINALITY AS k (reason, raw, n) JOIN quarantine q "
                    "ON q.utility_id = $3"
                    " AND q.feed = $4[1] AND q.reason = k.reason AND q.raw_sha256 = sha256(k.raw)",
                    params);
    for (int i = 0; i < known.size(); ++i) out.known.at(static_cast<std::size_t>(known.i8(i, 0) - 1)) = true;
    params.i8(static_cast<std::int64_t>(stretch.begin));
    params.i8(static_cast<std::int64_t>(stretch.end));
    const std::string sql =
        "SELECT q.quarantine_id FROM quarantine q JOIN source s USING (source_id) WHERE q.state = 'OPEN' AND"
        " q.utility_id = $3 AND q.feed = $4[1] AND s.content_sha256 = $4[2] AND s.byte_offset >= $5 AND"
        " s.byte_offset < $6 AND q.reason NOT IN " +
        std::string(kOfTheStore) +
        " AND (q.reason, q.raw_sha256) NOT IN (SELECT k.reason, sha256(k.raw) FROM unnest($1, $2) AS k "
        "(reason, raw))";
    const Rows settled = Rows::query(session.raw(), sql.c_str(), params);
    for (int i = 0; i < settled.size(); ++i) out.settled.push_back(settled.i8(i, 0));
    return out;
  });
}

Outcome Statements::withdraw(UtilityId utility, const std::vector<std::pair<ChannelId, SourceId>>& pairs,
                             const std::vector<Retraction>& slots, const std::string& cause) {
  return database_.impl().run([&](Session& session) {
    {
      // The server's clock may be a little off ours, and the month may end now.
      pqxx::work tx(session);
      tx.exec(
          "SELECT ami_ensure_month('change', (now() + d * interval '1 day')::date) FROM generate_series(0, "
          "1) AS d");
      tx.commit();
    }
    pqxx::work tx(session);
    std::vector<std::int64_t> channels, sources;
    for (const auto& [channel, source] : pairs) {
      channels.push_back(channel);
      sources.push_back(source);
    }
    const std::string texts[] = {clean_text(cause)};
    Params params;
    params.array(std::span<const std::int64_t>(channels));
    params.array(std::span<const std::int64_t>(sources));
    params.texts(texts);
    Rows::query(
        session.raw(),
        "INSERT INTO withdrawal (channel_id, source_id, cause) SELECT k.*, $3[1] FROM unnest($1, $2) AS k"
        " ON CONFLICT DO NOTHING",
        params);
    ChangeRows(session, utility).write(slots);
    tx.commit();
    return Done{};
  });
}

}  // namespace ami::storage
