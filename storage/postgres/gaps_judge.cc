#include "storage/postgres/gaps_judge.h"

#include <algorithm>
#include <set>
#include <tuple>

namespace ami::storage {
namespace {

using std::chrono::seconds;

constexpr int kRegisterDays = 7;        // looked back on
constexpr int kRegisterDaysNeeded = 4;  // of them: "most"

// Start of the civil day that contains `at`, and of the next.
Zone::Day day_of(const Zone& zone, UtcInstant at) {
  const auto date = std::chrono::floor<std::chrono::days>(zone.civil(at));
  return zone.civil_day(std::chrono::year_month_day{date});
}
Zone::Day day_before(const Zone& zone, UtcInstant start_of_day) {
  return day_of(zone, start_of_day - std::chrono::microseconds{1});
}

// Consecutive slots from `from` on.
class Slots {
 public:
  Slots(UtcInstant from, std::int32_t interval_s, const Zone& zone)
      : from_(from), length_(interval_s), zone_(zone) {}

  [[nodiscard]] UtcInstant next(UtcInstant slot) const {
    return length_.count() > 0 ? slot + length_ : day_of(zone_, slot).end;
  }
  [[nodiscard]] UtcInstant first_ending_after(UtcInstant at) const {
    if (at <= from_) return from_;
    if (length_.count() == 0) return day_of(zone_, at).start;
    return from_ + (at - from_) / length_ * length_;
  }
  [[nodiscard]] UtcInstant first_starting_from(UtcInstant at) const {
    const UtcInstant slot = first_ending_after(at);
    return slot < at ? next(slot) : slot;
  }
  [[nodiscard]] std::int32_t count(UtcInstant begin, UtcInstant end) const {
    if (length_.count() > 0) return static_cast<std::int32_t>((end - begin) / length_);
    std::int32_t days = 0;
    for (UtcInstant day = begin; day < end; day = next(day)) ++days;
    return days;
  }

 private:
  UtcInstant from_;
  seconds length_;
  const Zone& zone_;
};

bool continues(const Programme& programme, std::int64_t channel, std::int64_t interval_s, UtcInstant start) {
  return programme.channel == channel && programme.interval_s == interval_s &&
         (interval_s == 0 || (start - programme.from) % seconds{interval_s} == seconds{0});
}

std::vector<Period> cover(const std::vector<SeriesValue>& sorted) {
  std::vector<Period> out;
  for (const SeriesValue& value : sorted) {
    const UtcInstant end = value.start + seconds{value.length_s};
    if (!out.empty() && value.start <= out.back().to) {
      out.back().to = std::max(out.back().to, end);
    } else {
      out.push_back({value.start, end});
    }
  }
  return out;
}

void find_interval_programmes(const std::vector<SeriesValue>& sorted, const Period& range,
                              std::vector<Programme>& out) {
  std::optional<UtcInstant> last;
  for (const SeriesValue& value : sorted) {
    if (!value.sets_programme || !range.contains(value.start)) continue;
    if (last == value.start) continue;  // the shortest of those that begin together has been seen
    last = value.start;
    if (!out.empty() && continues(out.back(), value.channel, value.length_s, value.start)) continue;
    out.push_back({value.start, value.channel, static_cast<std::int32_t>(value.length_s)});
  }
}

// A register is expected daily from the first day on before which it came on most days of a week.
void find_register_programme(const std::vector<SeriesValue>& sorted, const Period& range, const Zone& zone,
                             std::vector<Programme>& out) {
  if (!out.empty() || sorted.empty()) return;
  std::set<UtcInstant> came;
  for (const SeriesValue& value : sorted) came.insert(value.start);
  Zone::Day day = day_of(zone, range.from);
  if (day.start < range.from) day = day_of(zone, day.end);
  for (; day.start < range.to; day = day_of(zone, day.end)) {
    int days = 0;
    Zone::Day back = day;
    for (int i = 0; i < kRegisterDays; ++i) {
      back = day_before(zone, back.start);
      days += came.contains(back.start) ? 1 : 0;
    }
    if (days < kRegisterDaysNeeded) continue;
    const auto newest = std::ranges::lower_bound(sorted, day.start, {}, &SeriesValue::start) - 1;
    out.push_back({day.start, newest->channel, 0});
    return;
  }
}

GapReason reason_of(const std::vector<Unvalued>& unvalued, UtcInstant from, UtcInstant to) {
  GapReason reason = GapReason::NotReceived;
  for (const Unvalued& part : unvalued) {
    if (part.time.from < to && from < part.time.to) reason = std::max(reason, part.reason);
  }
  return reason;
}

bool alike(const MissingRun& a, const MissingRun& b) {
  return std::tie(a.channel, a.interval_s, a.reason) == std::tie(b.channel, b.interval_s, b.reason);
}

// Walks forward over disjoint periods in order of time.
class Covered {
 public:
  explicit Covered(std::span<const Period> periods) : periods_(periods) {}
  std::chrono::microseconds within(UtcInstant from, UtcInstant to) {
    while (at_ < periods_.size() && periods_[at_].to <= from) ++at_;
    std::chrono::microseconds sum{0};
    for (std::size_t i = at_; i < periods_.size() && periods_[i].from < to; ++i) {
      sum += std::min(periods_[i].to, to) - std::max(periods_[i].from, from);
    }
    return sum;
  }

 private:
  std::span<const Period> periods_;
  std::size_t at_ = 0;
};

std::vector<MissingRun> find_missing(const SeriesFacts& facts, const Judgement& judged, const Period& range,
                                     const Zone& zone) {
  std::vector<MissingRun> out;
  Covered covered(judged.covered);
  std::size_t stay = 0, stay_of_last = 0;
  for (std::size_t i = 0; i < judged.programmes.size(); ++i) {
    const Programme& programme = judged.programmes[i];
    const bool last = i + 1 == judged.programmes.size();
    const UtcInstant limit = last ? UtcInstant::max() : judged.programmes[i + 1].from;
    if (limit <= range.from || programme.from >= range.to) continue;
    const Slots slots(programme.from, programme.interval_s, zone);
    UtcInstant end{};
    for (UtcInstant slot = slots.first_ending_after(range.from); slot < range.to; slot = end) {
      end = slots.next(slot);
      if (end > limit) break;
      while (stay < facts.installed.size() && facts.installed[stay].to < end) ++stay;
      if (stay == facts.installed.size() || slot < facts.installed[stay].from) continue;
      if (covered.within(slot, end) * 2 >= end - slot) continue;
      const MissingRun one{
          slot, end, programme.channel, programme.interval_s, 1, reason_of(facts.unvalued, slot, end)};
      if (!out.empty() && out.back().to == slot && alike(out.back(), one) && stay == stay_of_last) {
        out.back().to = end;
        ++out.back().slots;
      } else {
        out.push_back(one);
      }
      stay_of_last = stay;
    }
  }
  return out;
}

}  // namespace

Judgement judge(const SeriesFacts& facts, const Period& range, UtcInstant judged_to, const Zone& zone) {
  std::vector<SeriesValue> sorted = facts.values;
  std::ranges::sort(sorted, {},
                    [](const SeriesValue& v) { return std::tie(v.start, v.length_s, v.channel); });
  Judgement out;
  out.covered = cover(sorted);

  const auto known = [&](UtcInstant at) {  // the first programme at or after
    return std::ranges::lower_bound(facts.programmes, at, {}, &Programme::from);
  };
  out.programmes.assign(facts.programmes.begin(), known(range.from));
  if (facts.registers) {
    find_register_programme(sorted, range, zone, out.programmes);
  } else {
    find_interval_programmes(sorted, range, out.programmes);
  }

  const auto next = known(range.to);
  const Programme* before = next == facts.programmes.begin() ? nullptr : &*(next - 1);
  const Programme* now = out.programmes.empty() ? nullptr : &out.programmes.back();
  if (range.to < judged_to) {
    const bool same = before == nullptr || now == nullptr
                          ? before == now
                          : continues(*before, now->channel, now->interval_s, now->from);
    if (!same) {
      out.extend_to =
          next == facts.programmes.end() ? judged_to : std::min(judged_to, next->from + seconds{1});
      return out;
    }
    for (auto later = next; later != facts.programmes.end(); ++later) {
      if (!out.programmes.empty() &&
          continues(out.programmes.back(), later->channel, later->interval_s, later->from))
        continue;
      out.programmes.push_back(*later);
    }
  }
  out.missing = find_missing(facts, out, range, zone);
  return out;
}

namespace {

struct Piece {
  MissingRun run;
  std::int64_t given_up = 0;  // id of the gap that was given up and of which this is a part
};

void keep_outside(const StoredGap& gap, const Period& range, const Zone& zone, std::vector<Piece>& out) {
  const Slots slots(gap.from, gap.interval_s, zone);
  const auto keep = [&](UtcInstant from, UtcInstant to) {
    if (from >= to) return;
    const MissingRun run{from, to, gap.channel, gap.interval_s, slots.count(from, to), gap.reason};
    out.push_back({run, gap.given_up ? gap.id : 0});
  };
  keep(gap.from, std::min(slots.first_ending_after(range.from), gap.to));
  keep(slots.first_starting_from(range.to), gap.to);
}

// Slots of what was given up stay given up.
void split_given_up(const MissingRun& run, std::span<const StoredGap> stored, const Zone& zone,
                    std::vector<Piece>& out) {
  const auto owner = [&](UtcInstant at) -> std::int64_t {
    for (const StoredGap& gap : stored) {
      if (gap.given_up && gap.from <= at && at < gap.to) return gap.id;
    }
    return 0;
  };
  const bool any = std::ranges::any_of(
      stored, [&](const StoredGap& g) { return g.given_up && g.from < run.to && run.from < g.to; });
  if (!any) {
    out.push_back({run, 0});
    return;
  }
  const Slots slots(run.from, run.interval_s, zone);
  for (UtcInstant slot = run.from; slot < run.to;) {
    MissingRun part = run;
    part.from = slot;
    part.slots = 0;
    const std::int64_t mine = owner(slot);
    for (; slot < run.to && owner(slot) == mine; slot = slots.next(slot)) ++part.slots;
    part.to = slot;
    out.push_back({part, mine});
  }
}

bool same_run(const MissingRun& run, const StoredGap& gap) {
  return std::tie(run.from, run.to, run.channel, run.interval_s, run.slots, run.reason) ==
         std::tie(gap.from, gap.to, gap.channel, gap.interval_s, gap.slots, gap.reason);
}

}  // namespace

GapPlan reconcile(std::span<const StoredGap> stored, const Period& range, const Judgement& judged,
                  std::span<const Period> installed, const Zone& zone) {
  std::vector<Piece> pieces;
  for (const StoredGap& gap : stored) keep_outside(gap, range, zone, pieces);
  for (const MissingRun& run : judged.missing) split_given_up(run, stored, zone, pieces);
  std::ranges::sort(pieces, {}, [](const Piece& p) { return p.run.from; });
  const auto stay_begins = [&](UtcInstant at) {
    return std::ranges::any_of(installed, [&](const Period& p) { return p.from == at; });
  };
  std::vector<Piece> merged;
  for (const Piece& piece : pieces) {
    if (!merged.empty() && merged.back().run.to == piece.run.from && alike(merged.back().run, piece.run) &&
        merged.back().given_up == piece.given_up && !stay_begins(piece.run.from)) {
      merged.back().run.to = piece.run.to;
      merged.back().run.slots += piece.run.slots;
    } else {
      merged.push_back(piece);
    }
  }

  GapPlan plan;
  std::set<std::int64_t> claimed;
  std::vector<std::int64_t> id_of_piece;
  for (const Piece& piece : merged) {
    const auto gap = std::ranges::find_if(stored, [&](const StoredGap& g) {
      if (claimed.contains(g.id)) return false;
      if (piece.given_up != 0 || g.given_up) return g.id == piece.given_up;
      return g.from < piece.run.to && piece.run.from < g.to;
    });
    const bool fresh = gap == stored.end();
    if (!fresh) claimed.insert(gap->id);
    id_of_piece.push_back(fresh ? 0 : gap->id);
    if (!fresh && same_run(piece.run, *gap)) continue;
    plan.writes.push_back({fresh ? 0 : gap->id, fresh ? piece.given_up : 0, piece.run});
  }
  for (const StoredGap& gap : stored) {
    if (claimed.contains(gap.id)) continue;
    GapClose close{gap.id, false, 0};
    for (std::size_t i = 0; i < merged.size(); ++i) {
      const Piece& piece = merged[i];
      if (piece.given_up == 0 && piece.run.from <= gap.from && gap.to <= piece.run.to) {
        close.merged_into = id_of_piece[i];
      }
    }
    close.filled = std::ranges::any_of(judged.covered,
                                       [&](const Period& p) { return p.from < gap.to && gap.from < p.to; });
    plan.closes.push_back(close);
  }
  return plan;
}

}  // namespace ami::storage
