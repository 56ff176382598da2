#include "storage/postgres/reader_rows.h"

#include <algorithm>
#include <charconv>

#include "storage/postgres/asset_rows.h"
#include "storage/postgres/stored_quality.h"

namespace ami::storage {

std::string source_columns() {
  return "s.source_id, s.utility_id, s.feed, s.name, s.content_sha256, s.byte_offset, s.byte_length, "
         "s.rank_stamp,"
         " s.mapping_version, s.time_source, s.received_at";
}

SourceInfo source_of(const Rows& rows, int row, int c) {
  SourceInfo out;
  out.id = rows.i8(row, c);
  out.utility = rows.i4(row, c + 1);
  out.feed = rows.text(row, c + 2);
  out.name = rows.text(row, c + 3);
  out.content_sha256 = rows.text(row, c + 4);
  out.offset = static_cast<std::uint64_t>(rows.i8(row, c + 5));
  out.length = static_cast<std::uint64_t>(rows.i8(row, c + 6));
  out.rank = rows.at(row, c + 7);
  out.mapping_version = rows.i4(row, c + 8);
  out.time_source = static_cast<TimeSource>(rows.i2(row, c + 9));
  out.received_at = rows.at(row, c + 10);
  return out;
}

Rows ask(Session& session, const char* name, const char* sql, const Params& params) {
  session.connection_base::prepare(name, sql);  // no round trip; the second time it is known already
  session.prepare_now(name);
  return Rows::prepared(session.raw(), name, params);
}

std::vector<LoadedChannel> load_channels(Session& session, const std::vector<MeterId>& meters,
                                         const ChannelFilter& filter) {
  Params params;
  params.array(std::span<const std::int64_t>(meters));
  const Rows rows =
      ask(session, "ami_channels",
          "SELECT channel_id, utility_id, meter_id, key, reading_type, unit,"
          " EXISTS (SELECT FROM withdrawal w WHERE w.channel_id = c.channel_id)::int FROM channel c"
          " WHERE meter_id = ANY ($1::bigint[]) ORDER BY meter_id, channel_id",
          params);
  std::vector<LoadedChannel> out;
  for (int i = 0; i < rows.size(); ++i) {
    ChannelInfo channel{rows.i8(i, 0),
                        rows.i4(i, 1),
                        rows.i8(i, 2),
                        std::string(rows.text(i, 3)),
                        std::string(rows.text(i, 4)),
                        std::string(rows.text(i, 5))};
    if (!filter || filter(channel)) out.push_back({std::move(channel), rows.i4(i, 6) != 0});
  }
  return out;
}

std::vector<Target> targets_of(Session& session, const std::vector<MeterSpan>& spans,
                               const ChannelFilter& filter) {
  constexpr UtcInstant kFirst{std::chrono::sys_days{std::chrono::year{1970} / 1 / 1}};
  constexpr UtcInstant kEnd{std::chrono::sys_days{std::chrono::year{2200} / 1 / 1}};
  std::vector<MeterId> meters;
  for (const MeterSpan& span : spans) meters.push_back(span.meter);
  std::sort(meters.begin(), meters.end());
  meters.erase(std::unique(meters.begin(), meters.end()), meters.end());
  const auto channels = load_channels(session, meters, filter);
  std::vector<Target> out;
  for (std::size_t n = 0; n < spans.size(); ++n) {
    const MeterSpan& span = spans[n];
    const Period period{std::max(span.period.from, kFirst), std::min(span.period.to, kEnd)};
    if (period.from >= period.to) continue;
    auto channel =
        std::lower_bound(channels.begin(), channels.end(), span.meter,
                         [](const LoadedChannel& c, MeterId meter) { return c.info.meter < meter; });
    for (; channel != channels.end() && channel->info.meter == span.meter; ++channel)
      out.push_back({n, channel->info, period, channel->withdrawals});
  }
  return out;
}

std::map<QualityId, ValueQuality> load_qualities(Session& session, const std::vector<QualityId>& ids) {
  std::map<QualityId, ValueQuality> out;
  if (ids.empty()) return out;
  Params params;
  params.array(std::span<const std::int32_t>(ids));
  const Rows rows = ask(session, "ami_qualities",
                        "SELECT quality_id, array_to_string(codes, ' '), vendor_flag FROM quality_set"
                        " WHERE quality_id = ANY ($1::int[])",
                        params);
  for (int i = 0; i < rows.size(); ++i) out[rows.i4(i, 0)] = stored_quality(rows.text(i, 1), rows.text(i, 2));
  return out;
}

void explain(Session& session, Dictionary& dictionary, const std::map<QualityId, ValueQuality>& known) {
  dictionary.qualities.try_emplace(0);
  dictionary.sources.erase(0);
  std::vector<std::int64_t> sources;
  std::vector<QualityId> qualities;
  for (const auto& [id, info] : dictionary.sources) sources.push_back(id);
  for (auto& [id, quality] : dictionary.qualities) {
    if (id == 0) continue;
    if (const auto found = known.find(id); found != known.end()) {
      quality = found->second;
    } else {
      qualities.push_back(id);
    }
  }
  if (!sources.empty()) {
    Params params;
    params.array(std::span<const std::int64_t>(sources));
    static const std::string sql =
        "SELECT " + source_columns() + " FROM source s WHERE s.source_id = ANY ($1::bigint[])";
    const Rows rows = ask(session, "ami_sources", sql.c_str(), params);
    for (int i = 0; i < rows.size(); ++i) dictionary.sources[rows.i8(i, 0)] = source_of(rows, i, 0);
  }
  for (auto& [id, quality] : load_qualities(session, qualities))
    dictionary.qualities[id] = std::move(quality);
}

std::vector<std::int64_t> parse_token(const std::string& token, std::size_t parts) {
  std::vector<std::int64_t> out;
  const char* p = token.data();
  const char* const end = p + token.size();
  while (p != end) {
    std::int64_t value = 0;
    const auto [next, problem] = std::from_chars(p, end, value);
    if (problem != std::errc{} || (next != end && *next != '.') || next + 1 == end) break;
    out.push_back(value);
    p = next == end ? end : next + 1;
  }
  if (p != end || (!token.empty() && out.size() != parts)) {
    refuse(Refusal::Kind::Invalid, "this page token is not one of ours", "page_token");
  }
  return out;
}

std::string make_token(const std::vector<std::int64_t>& parts) {
  std::string out;
  for (const std::int64_t part : parts) {
    if (!out.empty()) out += '.';
    out += std::to_string(part);
  }
  return out;
}

}  // namespace ami::storage
