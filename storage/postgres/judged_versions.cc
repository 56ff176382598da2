#include "storage/postgres/judged_versions.h"

#include <algorithm>
#include <limits>
#include <stdexcept>

namespace ami::storage {

void JudgedParts::judged(std::int32_t from, std::int32_t to, std::int32_t version) {
  const std::int32_t alike =
      before == after ? before : 0;  // what can be said of slots on both sides of `minute`
  if (from <= 0 && to >= kDay) {
    *this = {0, 0, version};
  } else if (from <= 0) {
    *this = {to, version, minute <= to ? after : alike};
  } else if (to >= kDay) {
    *this = {from, minute >= from ? before : alike, version};
  } else if (from < to) {
    *this = {};  // a civil day within a UTC day: no zone has that
  }
}

void JudgedParts::judged_alone(std::int32_t from, std::int32_t to, std::int32_t version) {
  if (from <= 0 && to >= kDay) {
    *this = {0, 0, version};
  } else if (from <= 0) {
    *this = {to, version, minute == to ? after : 0};
  } else if (to >= kDay) {
    *this = {from, minute == from ? before : 0, version};
  } else if (from < to) {
    *this = {};
  }
}

void JudgedParts::grown(std::int32_t version, std::span<const std::pair<std::int64_t, std::int64_t>> spans) {
  const auto untouched = [&](std::int64_t from, std::int64_t to) {
    return std::ranges::none_of(spans,
                                [&](const auto& span) { return span.first < to && span.second > from; });
  };
  if (before != 0 && before == version - 1 && untouched(0, minute)) before = version;
  if (after != 0 && after == version - 1 && untouched(minute, kDay)) after = version;
}

namespace {

constexpr std::int32_t kQuarter = 15, kQuarters = JudgedParts::kDay / kQuarter, kCount = 128;

JudgedParts storable(const JudgedParts& parts) {
  constexpr std::int32_t kLargest = std::numeric_limits<std::int16_t>::max();
  const bool fits = parts.minute % kQuarter == 0 && parts.before <= kLargest && parts.after <= kLargest;
  return fits ? parts : JudgedParts{};
}

}  // namespace

JudgedMonth judged_month(std::span<const std::int16_t> runs) {
  JudgedMonth out{};
  if (runs.size() % 3 != 0) throw std::runtime_error("runs of judged versions do not come in threes");
  std::size_t day = 0;
  for (std::size_t i = 0; i < runs.size(); i += 3) {
    const std::int32_t count = runs[i] / kCount, quarter = runs[i] % kCount;
    if (count <= 0 || static_cast<std::size_t>(count) > out.size() - day || quarter > kQuarters)
      throw std::runtime_error("runs of judged versions do not fit a month");
    const JudgedParts parts{quarter * kQuarter, runs[i + 1], runs[i + 2]};
    for (std::int32_t n = 0; n < count; ++n) out[day++] = parts;
  }
  return out;
}

std::vector<std::int16_t> runs_of(const JudgedMonth& month) {
  JudgedMonth days{};
  std::ranges::transform(month, days.begin(), storable);
  std::vector<std::int16_t> out;
  std::size_t last = days.size();
  while (last > 0 && days[last - 1] == JudgedParts{}) --last;
  for (std::size_t i = 0; i < last;) {
    std::size_t end = i + 1;
    while (end < last && days[end] == days[i]) ++end;
    const JudgedParts& parts = days[i];
    out.insert(out.end(), {static_cast<std::int16_t>(static_cast<std::int32_t>(end - i) * kCount +
                                                     parts.minute / kQuarter),
                           static_cast<std::int16_t>(parts.before), static_cast<std::int16_t>(parts.after)});
    i = end;
  }
  return out;
}

namespace {

std::size_t index_of(Day day) {
  return static_cast<unsigned>(std::chrono::year_month_day{day}.day()) - 1;
}

}  // namespace

Day JudgedVersions::month_of(Day day) {
  const std::chrono::year_month_day date{day};
  return Day{date.year() / date.month() / 1};
}

void JudgedVersions::load(const std::vector<Key>& keys) {
  std::vector<std::int64_t> meters, channels;
  std::vector<std::int32_t> lengths;
  std::vector<Day> months;
  Day bounds[] = {Day::max(), Day::min()};
  for (const Key& key : keys) {
    if (!rows_.try_emplace(key).second) continue;
    meters.push_back(key.meter);
    channels.push_back(key.channel);
    lengths.push_back(key.length_s);
    months.push_back(key.month);
    bounds[0] = std::min(bounds[0], key.month);
    bounds[1] = std::max(bounds[1], key.month);
  }
  if (meters.empty()) return;
  Params params;
  params.array(meters);
  params.array(channels);
  params.array(lengths);
  params.array(std::span<const Day>(months));
  const std::string sql =
      "SELECT j.meter_id, j.channel_id, j.interval_s, j.month, j.utility_id, j.runs FROM"
      " unnest($1::bigint[], $2::bigint[], $3::int[], $4::date[]) AS k (meter_id, channel_id, interval_s, "
      "month)"
      " JOIN judged_version j ON j.meter_id = k.meter_id AND j.channel_id = k.channel_id AND j.month = "
      "k.month"
      " AND j.interval_s = k.interval_s WHERE j.month BETWEEN '" +
      to_text(UtcInstant{bounds[0]}).substr(0, 10) + "' AND '" +
      to_text(UtcInstant{bounds[1]}).substr(0, 10) + "'";
  const Rows rows = Rows::query(session_.raw(), sql.c_str(), params);
  std::vector<std::int16_t> runs;
  for (int i = 0; i < rows.size(); ++i) {
    Row& row = rows_.at({rows.i8(i, 0), rows.i8(i, 1), rows.i4(i, 2), rows.day(i, 3)});
    row.utility = rows.i4(i, 4);
    rows.array(i, 5, runs);
    row.days = judged_month(runs);
  }
}

const JudgedParts& JudgedVersions::of(const Key& key, Day day) const {
  return rows_.at(key).days.at(index_of(day));
}

void JudgedVersions::change(const Key& key, std::int32_t utility, Day day, const JudgedParts& parts) {
  Row& row = rows_.at(key);
  JudgedParts& stored = row.days.at(index_of(day));
  if (stored == parts) return;
  stored = parts;
  row.utility = utility;
  row.changed = true;
}

std::vector<Day> JudgedVersions::months_to_store() const {
  std::vector<Day> out;
  for (const auto& [key, row] : rows_) {
    if (row.changed) out.push_back(key.month);
  }
  std::ranges::sort(out);
  out.erase(std::ranges::unique(out).begin(), out.end());
  return out;
}

void JudgedVersions::store() {
  std::vector<std::int64_t> meters, channels;
  std::vector<std::int32_t> lengths, utilities;
  std::vector<Day> months;
  std::vector<std::string> runs;
  for (auto& [key, row] : rows_) {
    if (!row.changed) continue;
    row.changed = false;
    meters.push_back(key.meter);
    channels.push_back(key.channel);
    lengths.push_back(key.length_s);
    months.push_back(key.month);
    utilities.push_back(row.utility);
    std::string text = "{";  // an array of arrays would have to be of one width
    for (const std::int16_t n : runs_of(row.days)) {
      if (text.size() > 1) text += ',';
      text += std::to_string(n);
    }
    runs.push_back(std::move(text) + "}");
  }
  if (meters.empty()) return;
  Params params;
  params.array(meters);
  params.array(channels);
  params.array(lengths);
  params.array(std::span<const Day>(months));
  params.array(utilities);
  params.texts(runs);
  Rows::query(session_.raw(),
              "INSERT INTO judged_version (meter_id, channel_id, interval_s, month, utility_id, runs)"
              " SELECT meter_id, channel_id, interval_s, month, utility_id, runs::smallint[] FROM"
              " unnest($1::bigint[], $2::bigint[], $3::int[], $4::date[], $5::int[], $6::text[])"
              " AS k (meter_id, channel_id, interval_s, month, utility_id, runs)"
              " ON CONFLICT (meter_id, channel_id, month, interval_s) DO UPDATE SET runs = excluded.runs",
              params);
}

}  // namespace ami::storage
