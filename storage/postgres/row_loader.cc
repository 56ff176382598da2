#include "storage/postgres/row_loader.h"

#include <algorithm>
#include <numeric>

#include "storage/postgres/day_columns.h"

namespace ami::storage {
namespace {

// The bounds in $5 prune partitions when the plan is run, so that it can be kept. OFFSET 0 keeps the planner
// from any way but by the primary key, stretch for stretch.
#define AMI_FROM_STRETCHES                                                               \
  " FROM unnest($1::bigint[], $2::bigint[], $3::date[], $4::date[]) WITH ORDINALITY"     \
  " AS k (meter_id, channel_id, first, last, n) CROSS JOIN LATERAL (SELECT *, xmin FROM" \
  " interval_day d WHERE d.meter_id = k.meter_id AND d.channel_id = k.channel_id"        \
  " AND d.day BETWEEN k.first AND k.last"                                                \
  " AND d.day BETWEEN ($5::date[])[1] AND ($5::date[])[2] OFFSET 0) d"
constexpr const char* kStates = "SELECT k.n, d.day, d.interval_s, d.version, d.xmin" AMI_FROM_STRETCHES;
constexpr const char* kDays =
    "SELECT k.n, d.day, d.interval_s, d.version, d.xmin, d.exponent, d.values, d.wide, d.exponents,"
    " " AMI_SOURCE_RUNS ", " AMI_QUALITY_RUNS AMI_FROM_STRETCHES;
#undef AMI_FROM_STRETCHES
constexpr const char* kOdd =
    "SELECT k.n, d.start_at, d.length_s, d.mantissa, d.exponent, d.source_id, d.quality_id, d.version"
    " FROM unnest($1::bigint[], $2::bigint[], $3::timestamptz[], $4::timestamptz[]) WITH ORDINALITY"
    " AS k (meter_id, channel_id, first, after, n) CROSS JOIN LATERAL (SELECT * FROM interval_odd d"
    " WHERE d.meter_id = k.meter_id AND d.channel_id = k.channel_id AND d.start_at >= k.first"
    " AND d.start_at < k.after AND d.start_at >= ($5::timestamptz[])[1]"
    " AND d.start_at < ($5::timestamptz[])[2] OFFSET 0) d";

// Stretches as parameters $1 to $5.
struct Question {
  std::vector<std::size_t> which;  // of the stretches; k.n - 1 is an index of this
  Params days, moments;

  Question(const std::vector<Target>& targets, const std::vector<Stretch>& stretches,
           std::vector<std::size_t> asked)
      : which(std::move(asked)) {
    std::vector<std::int64_t> meters, channels;
    std::vector<Day> first, last;
    std::vector<UtcInstant> from, after;
    Day bounds[] = {Day::max(), Day::min()};
    for (const std::size_t n : which) {
      const Stretch& s = stretches[n];
      meters.push_back(targets[s.target].channel.meter);
      channels.push_back(targets[s.target].channel.id);
      first.push_back(s.first);
      last.push_back(s.last);
      from.emplace_back(s.first);
      after.emplace_back(s.last + std::chrono::days{1});
      bounds[0] = std::min(bounds[0], s.first);
      bounds[1] = std::max(bounds[1], s.last);
    }
    const UtcInstant outer[] = {UtcInstant{bounds[0]}, UtcInstant{bounds[1] + std::chrono::days{1}}};
    for (Params* params : {&days, &moments}) {
      params->array(std::span<const std::int64_t>(meters));
      params->array(std::span<const std::int64_t>(channels));
    }
    days.array(std::span<const Day>(first));
    days.array(std::span<const Day>(last));
    days.array(std::span<const Day>(bounds));
    moments.array(std::span<const UtcInstant>(from));
    moments.array(std::span<const UtcInstant>(after));
    moments.array(std::span<const UtcInstant>(outer));
  }
};

class RowLoader {
 public:
  RowLoader(Session& session, DayCache& cache, const std::vector<Target>& targets,
            const std::vector<Stretch>& stretches)
      : session_(session), cache_(cache), targets_(targets), stretches_(stretches) {}

  std::vector<IntervalRow> load() {
    std::vector<std::size_t> all(stretches_.size());
    std::iota(all.begin(), all.end(), std::size_t{0});
    const Question everything(targets_, stretches_, std::move(all));
    if (const auto unread = take_known(everything); !unread.empty())
      read_days(Question(targets_, stretches_, unread));
    read_odd(everything);
    const auto order = [](const IntervalRow& row) { return std::tuple(row.stretch, row.start, row.length); };
    if (!std::ranges::is_sorted(rows_, {}, order)) std::ranges::sort(rows_, {}, order);
    return std::move(rows_);
  }

 private:
  IntervalRow& add(std::size_t stretch, UtcInstant start, std::chrono::seconds length, bool grid) {
    const ChannelInfo& channel = targets_[stretches_[stretch].target].channel;
    return rows_.emplace_back(IntervalRow{stretch, channel.id, channel.meter, start, length, grid, {}});
  }
  static DayCache::Key key_of(const IntervalRow& row) {
    const Day day = std::chrono::floor<std::chrono::days>(row.start);
    return {row.channel, static_cast<std::int32_t>(day.time_since_epoch().count()),
            static_cast<std::int32_t>(row.length.count())};
  }
  static std::size_t stretch_of(const Question& question, const Rows& rows, int i) {
    return question.which.at(static_cast<std::size_t>(rows.i8(i, 0) - 1));
  }

  // Takes stretches of which every row is known; returns the others. The question costs something, so it is
  // only asked where something is known of most channels.
  std::vector<std::size_t> take_known(const Question& question) {
    const auto known = std::ranges::count_if(question.which, [&](std::size_t n) {
      return cache_.knows_any_of(session_.server(), targets_[stretches_[n].target].channel.id);
    });
    if (2 * static_cast<std::size_t>(known) <= question.which.size()) return question.which;
    const Rows rows = ask(session_, "ami_interval_states", kStates, question.days);
    rows_.reserve(static_cast<std::size_t>(rows.size()));
    std::vector<char> unread(stretches_.size(), 0);
    for (int i = 0; i < rows.size(); ++i) {
      const std::size_t stretch = stretch_of(question, rows, i);
      if (unread[stretch] != 0) continue;
      IntervalRow& row = add(stretch, rows.day(i, 1), std::chrono::seconds{rows.i4(i, 2)}, true);
      if (!cache_.find(session_.server(), key_of(row), {rows.i8(i, 3), rows.i4(i, 4)}, row.stored))
        unread[stretch] = 1;
    }
    std::erase_if(rows_, [&](const IntervalRow& row) { return unread[row.stretch] != 0; });
    std::vector<std::size_t> out;
    for (std::size_t n = 0; n < unread.size(); ++n) {
      if (unread[n] != 0) out.push_back(n);
    }
    return out;
  }

  void read_days(const Question& question) {
    const Rows rows = ask(session_, "ami_interval_days", kDays, question.days);
    rows_.reserve(rows_.size() + static_cast<std::size_t>(rows.size()));
    for (int i = 0; i < rows.size(); ++i) {
      IntervalRow& row =
          add(stretch_of(question, rows, i), rows.day(i, 1), std::chrono::seconds{rows.i4(i, 2)}, true);
      row.stored.version = rows.i8(i, 3);
      if (!rows.null(i, 5)) row.stored.exponent = rows.i2(i, 5);
      if (!rows.null(i, 6)) rows.array(i, 6, row.stored.values);
      if (!rows.null(i, 7)) rows.array(i, 7, row.stored.wide);
      if (!rows.null(i, 8)) rows.array(i, 8, row.stored.exponents);
      rows.array(i, 9, row.stored.source_runs);
      if (!rows.null(i, 10)) rows.array(i, 10, row.stored.quality_runs);
      cache_.put(session_.server(), key_of(row), {row.stored.version, rows.i4(i, 4)}, row.stored);
    }
  }

  void read_odd(const Question& question) {
    const Rows rows = ask(session_, "ami_interval_odd", kOdd, question.moments);
    for (int i = 0; i < rows.size(); ++i) {
      IntervalRow& row =
          add(stretch_of(question, rows, i), rows.at(i, 1), std::chrono::seconds{rows.i8(i, 2)}, false);
      row.stored.wide = {rows.null(i, 3) ? SlotRow::kHole : rows.i8(i, 3)};
      if (!rows.null(i, 4)) row.stored.exponent = rows.i2(i, 4);
      row.stored.source_runs = {1, rows.i8(i, 5)};
      row.stored.quality_runs = {1, rows.i4(i, 6)};
      row.stored.version = rows.i8(i, 7);
    }
  }

  Session& session_;
  DayCache& cache_;
  const std::vector<Target>& targets_;
  const std::vector<Stretch>& stretches_;
  std::vector<IntervalRow> rows_;
};

}  // namespace

std::vector<IntervalRow> load_rows(Session& session, DayCache& cache, const std::vector<Target>& targets,
                                   const std::vector<Stretch>& stretches) {
  return RowLoader(session, cache, targets, stretches).load();
}

}  // namespace ami::storage
