#include "storage/postgres/id_cache.h"

#include <algorithm>
#include <set>
#include <stdexcept>

#include "storage/postgres/binary_copy.h"
#include "storage/postgres/session.h"
#include "storage/postgres/statement_order.h"
#include "storage/postgres/stored_quality.h"

namespace ami::storage {
namespace {

constexpr std::size_t kMaxEntries = 500'000;  // of each kind; beyond it the cache begins anew
constexpr char kSeparator = '\x1f';

std::string channel_content(const ChannelKey& key) {
  return std::to_string(key.meter) + kSeparator + key.key + kSeparator + key.reading_type + kSeparator +
         key.unit;
}

std::string codes_text(const QualitySet& codes) {
  std::string out;
  for (const QualityCode code : codes) {
    if (!out.empty()) out += ' ';
    out += code.to_string();
  }
  return out;
}

ValueQuality canonical(const ValueQuality& quality) {
  ValueQuality out{quality.codes, clean_text(quality.vendor_flag)};
  std::sort(out.codes.begin(), out.codes.end());
  out.codes.erase(std::unique(out.codes.begin(), out.codes.end()), out.codes.end());
  return out;
}

std::string quality_content(const ValueQuality& quality) {
  return codes_text(quality.codes) + kSeparator + quality.vendor_flag;
}

template <class Map>
void merge_bounded(Map& into, const Map& from) {
  if (into.size() + from.size() > kMaxEntries) into.clear();
  into.insert(from.begin(), from.end());
}

}  // namespace

void IdCache::clear() {
  const std::lock_guard lock(mutex_);
  entries_ = {};
}

void IdCache::add(const std::string& server, const Entries& fresh) {
  const std::lock_guard lock(mutex_);
  if (server_ != server) return;
  merge_bounded(entries_.channels, fresh.channels);
  merge_bounded(entries_.quality_ids, fresh.quality_ids);
  merge_bounded(entries_.qualities, fresh.qualities);
  merge_bounded(entries_.ranks, fresh.ranks);
}

IdBook::IdBook(IdCache& cache, const Session& session, const CommitUnit& unit)
    : cache_(cache), connection_(session.raw()), server_(session.server()), unit_(unit) {}

IdBook::IdBook(const IdBook& other, const Session& session) : IdBook(other) {
  if (server_ != session.server())
    throw OtherServer("another server answers than the one that the batch was begun at; it is begun anew");
  connection_ = session.raw();
  fresh_ = {};
}

void IdBook::resolve_channels() {
  const auto& keys = unit_.batch.channels;
  channels_.assign(keys.size(), 0);
  std::map<std::string, std::vector<std::size_t>> missing;  // sorted: two writers insert in the same order
  std::vector<ChannelKey> clean;
  clean.reserve(keys.size());
  for (const ChannelKey& key : keys) {
    clean.push_back({key.meter, clean_text(key.key), clean_text(key.reading_type), clean_text(key.unit)});
  }
  cache_.read(server_, [&](const IdCache::Entries& known) {
    for (std::size_t i = 0; i < clean.size(); ++i) {
      std::string content = channel_content(clean[i]);
      const auto found = known.channels.find(content);
      if (found != known.channels.end()) {
        channels_[i] = found->second;
      } else {
        missing[std::move(content)].push_back(i);
      }
    }
  });
  if (missing.empty()) return;

  std::vector<std::int64_t> meters;
  std::vector<std::string> names, types, units;
  for (const auto& [content, indexes] : missing) {
    const ChannelKey& key = clean[indexes.front()];
    meters.push_back(key.meter);
    names.push_back(key.key);
    types.push_back(key.reading_type);
    units.push_back(key.unit);
  }
  Params params;
  params.array(meters);
  params.texts(names);
  params.texts(types);
  params.texts(units);
  const char* find =
      "SELECT k.n, c.channel_id, c.utility_id FROM unnest($1, $2, $3, $4) WITH ORDINALITY AS k (meter_id, "
      "key,"
      " reading_type, unit, n) JOIN channel c USING (meter_id, key, reading_type, unit)";
  Rows rows = Rows::repeated(connection_, find, params);
  if (static_cast<std::size_t>(rows.size()) < missing.size()) {
    Params insert = params;
    insert.i4(unit_.utility);
    Rows::repeated(connection_,
                "INSERT INTO channel (utility_id, meter_id, key, reading_type, unit) SELECT $5, k.* FROM"
                " unnest($1, $2, $3, $4) AS k ON CONFLICT ON CONSTRAINT channel_content DO NOTHING",
                insert);
    rows = Rows::repeated(connection_, find, params);
  }
  std::vector<std::int64_t> ids(missing.size());
  for (int row = 0; row < rows.size(); ++row) {
    if (rows.i4(row, 2) != unit_.utility) {
      throw std::runtime_error("channel " + std::to_string(rows.i8(row, 1)) + " belongs to utility " +
                               std::to_string(rows.i4(row, 2)) + ", not to " + std::to_string(unit_.utility));
    }
    ids.at(static_cast<std::size_t>(rows.i8(row, 0) - 1)) = rows.i8(row, 1);
  }
  std::size_t n = 0;
  for (const auto& [content, indexes] : missing) {
    if (ids[n] == 0) throw std::runtime_error("a channel row vanished while it was looked up");
    for (const std::size_t index : indexes) channels_[index] = ids[n];
    fresh_.channels[content] = ids[n++];
  }
}

void IdBook::resolve_qualities() {
  const auto& sets = unit_.batch.qualities;
  qualities_.assign(std::max<std::size_t>(sets.size(), 1), 0);
  std::map<std::string, std::vector<std::size_t>> missing;
  std::vector<ValueQuality> clean;
  clean.reserve(sets.size());
  for (const ValueQuality& set : sets) clean.push_back(canonical(set));
  cache_.read(server_, [&](const IdCache::Entries& known) {
    for (std::size_t i = 0; i < clean.size(); ++i) {
      if (clean[i] == ValueQuality{}) continue;
      std::string content = quality_content(clean[i]);
      const auto found = known.quality_ids.find(content);
      if (found != known.quality_ids.end()) {
        qualities_[i] = found->second;
        quality_contents_[found->second] = clean[i];
      } else {
        missing[std::move(content)].push_back(i);
      }
    }
  });
  if (missing.empty()) return;
  std::vector<std::string> codes, flags;
  for (const auto& [content, indexes] : missing) {
    codes.push_back(codes_text(clean[indexes.front()].codes));
    flags.push_back(clean[indexes.front()].vendor_flag);
  }
  Params params;
  params.texts(codes);
  params.texts(flags);
  Rows::repeated(connection_,
              "INSERT INTO quality_set (codes, vendor_flag) SELECT string_to_array(k.codes, ' '), k.flag FROM"
              " unnest($1, $2) AS k (codes, flag) WHERE NOT EXISTS (SELECT FROM quality_set q WHERE q.codes ="
              " string_to_array(k.codes, ' ') AND q.vendor_flag = k.flag)"
              " ON CONFLICT ON CONSTRAINT quality_set_content DO NOTHING",
              params);
  const Rows rows =
      Rows::repeated(connection_,
                  "SELECT k.n, q.quality_id FROM unnest($1, $2) WITH ORDINALITY AS k (codes, flag, n)"
                  " JOIN quality_set q ON q.codes = string_to_array(k.codes, ' ')"
                  " AND q.vendor_flag = k.flag",
                  params);
  std::vector<std::int32_t> ids(missing.size());
  for (int row = 0; row < rows.size(); ++row)
    ids.at(static_cast<std::size_t>(rows.i8(row, 0) - 1)) = rows.i4(row, 1);
  std::size_t n = 0;
  for (const auto& [content, indexes] : missing) {
    const std::int32_t id = ids[n++];
    if (id == 0) throw std::runtime_error("a quality row vanished while it was looked up");
    for (const std::size_t index : indexes) qualities_[index] = id;
    fresh_.quality_ids[content] = id;
    fresh_.qualities[id] = quality_contents_[id] = clean[indexes.front()];
  }
}

void IdBook::resolve_sources(const std::map<SourceKey, SourceCounts>& wanted, bool complete) {
  std::vector<UtcInstant> stamps;
  std::vector<std::int16_t> clocks;
  std::vector<std::int64_t> registers, values, events;
  for (const auto& [key, counts] : wanted) {
    stamps.push_back(key.stamp);
    clocks.push_back(static_cast<std::int16_t>(key.time_source));
    registers.push_back(counts.registers);
    values.push_back(counts.interval_values);
    events.push_back(counts.events);
  }
  const SourceRef& from = unit_.source;
  const std::string texts[] = {clean_text(from.feed), clean_text(from.name), clean_text(from.content_sha256),
                               clean_text(unit_.cause)};
  const UtcInstant received[] = {from.received_at};
  Params params;
  params.array(stamps);
  params.array(clocks);
  params.i4(unit_.utility);
  params.texts(texts);
  params.i8(static_cast<std::int64_t>(from.offset));
  params.i4(from.mapping_version);
  params.i8(unit_.replay_of);
  Params insert = params;
  insert.array(received);
  insert.array(registers);
  insert.array(values);
  insert.array(events);
  insert.i8(static_cast<std::int64_t>(from.length));
  insert.i4(complete ? 1 : 0);
  const char* find =
      "SELECT k.n, s.source_id, (s.stored_at = '9999-12-31 00:00:00+00')::int FROM unnest($1, $2) WITH "
      "ORDINALITY"
      " AS k (stamp, clock, n) JOIN source s"
      " ON s.utility_id = $3 AND s.feed = $4[1] AND s.content_sha256 = $4[3] AND s.byte_offset = $5"
      " AND s.rank_stamp = k.stamp AND s.mapping_version = $6 AND s.time_source = k.clock AND s.replay = $7"
      " WHERE $4[2] IS NOT NULL";
  Rows rows = Rows::repeated(connection_, find, params);
  if (static_cast<std::size_t>(rows.size()) < wanted.size()) {
    Rows::repeated(
        connection_,
        "INSERT INTO source (utility_id, feed, name, content_sha256, byte_offset, byte_length, rank_stamp,"
        " mapping_version, time_source, replay, received_at, registers, interval_values, events, cause,"
        " stored_at)"
        " SELECT $3, $4[1], $4[2], $4[3], $5, $12, k.stamp, $6, k.clock, $7, $8[1], k.r, k.v, k.e, $4[4],"
        " CASE WHEN $13 = 1 THEN now() ELSE '9999-12-31 00:00:00+00' END"
        " FROM unnest($1, $2, $9, $10, $11) AS k (stamp, clock, r, v, e)"
        " ON CONFLICT ON CONSTRAINT source_content DO NOTHING",
        insert);
    rows = Rows::repeated(connection_, find, params);
  }
  if (static_cast<std::size_t>(rows.size()) != wanted.size()) {
    throw std::runtime_error("a source row vanished while it was looked up");
  }
  std::vector<std::int64_t> ids(wanted.size());
  for (int row = 0; row < rows.size(); ++row)
    ids.at(static_cast<std::size_t>(rows.i8(row, 0) - 1)) = rows.i8(row, 1);
  std::size_t n = 0;
  for (const auto& [key, counts] : wanted) {
    const std::int64_t id = ids[n++];
    sources_[key] = id;
    fresh_.ranks[id] = ranks_[id] = Rank{key.stamp, from.mapping_version};
  }
  bool half_there = false;  // left by a commit in lanes that did not come to its end
  for (int row = 0; row < rows.size(); ++row) half_there = half_there || rows.i4(row, 2) != 0;
  if (complete && half_there) complete_sources();
}

void IdBook::complete_sources() const {
  std::vector<std::int64_t> ids;
  for (const auto& [key, id] : sources_) ids.push_back(id);
  Params params;
  params.array(ids);
  Rows::repeated(connection_,
              "UPDATE source SET stored_at = clock_timestamp() WHERE source_id = ANY ($1)"
              " AND stored_at = '9999-12-31 00:00:00+00'",
              params);
}

void IdBook::learn(std::span<const std::int64_t> sources, std::span<const std::int32_t> qualities) {
  std::set<std::int64_t> unknown_sources;
  std::set<std::int32_t> unknown_qualities;
  cache_.read(server_, [&](const IdCache::Entries& known) {
    for (const std::int64_t id : sources) {
      if (id == 0 || ranks_.contains(id)) continue;
      const auto found = known.ranks.find(id);
      if (found != known.ranks.end()) {
        ranks_.insert(*found);
      } else {
        unknown_sources.insert(id);
      }
    }
    for (const std::int32_t id : qualities) {
      if (quality_contents_.contains(id)) continue;
      const auto found = known.qualities.find(id);
      if (found != known.qualities.end()) {
        quality_contents_.insert(*found);
      } else {
        unknown_qualities.insert(id);
      }
    }
  });
  if (!unknown_sources.empty()) {
    Params params;
    params.array(std::span<const std::int64_t>(
        std::vector<std::int64_t>(unknown_sources.begin(), unknown_sources.end())));
    const Rows rows = Rows::repeated(
        connection_, "SELECT source_id, rank_stamp, mapping_version FROM source WHERE source_id = ANY ($1)",
        params);
    for (int row = 0; row < rows.size(); ++row) {
      fresh_.ranks[rows.i8(row, 0)] = ranks_[rows.i8(row, 0)] = Rank{rows.at(row, 1), rows.i4(row, 2)};
    }
  }
  if (!unknown_qualities.empty()) {
    Params params;
    params.array(std::span<const std::int32_t>(
        std::vector<std::int32_t>(unknown_qualities.begin(), unknown_qualities.end())));
    const Rows rows =
        Rows::repeated(connection_,
                    "SELECT quality_id, array_to_string(codes, ' '), vendor_flag FROM quality_set"
                    " WHERE quality_id = ANY ($1)",
                    params);
    for (int row = 0; row < rows.size(); ++row) {
      fresh_.qualities[rows.i4(row, 0)] = quality_contents_[rows.i4(row, 0)] =
          stored_quality(rows.text(row, 1), rows.text(row, 2));
    }
  }
}

std::strong_ordering IdBook::compare_quality(std::int32_t a, std::int32_t b) const {
  return compare(quality_contents_.at(a), quality_contents_.at(b));
}

}  // namespace ami::storage
