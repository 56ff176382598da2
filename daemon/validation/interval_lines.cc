#include "daemon/validation/interval_lines.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <set>
#include <tuple>

#include "meter_model/vee/day_grid.h"

namespace ami::validation {
namespace {

using std::chrono::microseconds;
using std::chrono::seconds;
using vee::kHole;

struct Item {
  UtcInstant start{};
  std::int64_t mantissa = kHole;
  std::int32_t exponent = 0;
  vee::Marks marks;
};

// One channel in one length, before it is laid on a grid.
struct Group {
  ChannelId channel = 0;
  seconds length{0};
  std::vector<Item> items;    // by start
  microseconds phase{0};      // of the grid that most values are on
  UtcInstant first{}, end{};  // of its values on that grid
  bool any = false;           // there is one
  bool known = false;         // it had values before the window
  std::vector<Item> odd;
  std::vector<seconds> odd_lengths;
};

microseconds phase_of(UtcInstant start, seconds length) {
  const microseconds rest = start.time_since_epoch() % microseconds{length};
  return rest < rest.zero() ? rest + length : rest;
}

// Of the values; among equals the one of civil time, then the smallest.
microseconds most_frequent_phase(const Group& group, microseconds civil) {
  std::map<microseconds, std::size_t> counts;
  auto last = counts.end();  // mostly all are the same
  for (const Item& item : group.items) {
    if (item.mantissa == kHole) continue;
    const microseconds phase = phase_of(item.start, group.length);
    if (last == counts.end() || last->first != phase) last = counts.try_emplace(phase, 0).first;
    ++last->second;
  }
  microseconds best = civil;
  std::size_t most = counts.contains(civil) ? counts[civil] : 0;
  for (const auto& [phase, count] : counts) {
    if (count > most) {
      best = phase;
      most = count;
    }
  }
  return best;
}

std::vector<Group> groups_of(const DayScene& scene) {
  std::map<std::pair<ChannelId, seconds>, Group> groups;
  for (const storage::IntervalBlock& block : scene.facts.intervals) {
    const auto channel = scene.channels.find(block.channel);
    if (channel == scene.channels.end() || block.length <= seconds::zero()) continue;
    Group& group = groups[{block.channel, block.length}];
    group.channel = block.channel;
    group.length = block.length;
    group.items.reserve(group.items.size() + block.mantissas.size());
    auto run = block.qualities.begin();
    std::size_t run_end = run == block.qualities.end() ? 0 : run->count;
    vee::Marks marks = run == block.qualities.end() ? vee::Marks{} : scene.marks_of(run->quality);
    for (std::size_t i = 0; i < block.mantissas.size(); ++i) {
      while (run != block.qualities.end() && i >= run_end) {
        if (++run != block.qualities.end()) run_end += run->count;
        marks = run == block.qualities.end() ? vee::Marks{} : scene.marks_of(run->quality);
      }
      const UtcInstant start = block.first_start + block.length * static_cast<std::int64_t>(i);
      group.items.push_back({start, block.mantissas[i], block.exponent, marks});
    }
  }
  std::vector<Group> out;
  for (auto& [key, group] : groups) {
    const auto order = [](const Item& item) {
      return std::tuple(item.start, item.mantissa == kHole, item.mantissa, item.exponent);
    };
    if (!std::ranges::is_sorted(group.items, {}, order)) std::ranges::sort(group.items, {}, order);
    out.push_back(std::move(group));
  }
  return out;
}

// The length that a channel is programmed for: what its reading type says, else what most of its values have.
seconds programmed_length(const DayScene& scene, ChannelId channel, const std::vector<Group>& groups) {
  const auto period = static_cast<int>(scene.channels.at(channel).type[ReadingType::MeasuringPeriod]);
  const auto said = measuring_period_seconds(period);
  seconds best{0};
  std::size_t most = 0;
  for (const Group& group : groups) {
    if (group.channel != channel) continue;
    if (said && seconds{*said} == group.length) return group.length;
    const auto values = static_cast<std::size_t>(
        std::ranges::count_if(group.items, [](const Item& item) { return item.mantissa != kHole; }));
    if (values > most) {
      best = group.length;
      most = values;
    }
  }
  return best;
}

// What is off the grid, or was put into one group with another length, is odd.
void lay_on_grid(Group& group, microseconds civil) {
  group.phase = most_frequent_phase(group, civil);
  std::vector<Item> on_grid;
  for (const Item& item : group.items) {
    const bool repeated = !on_grid.empty() && on_grid.back().start == item.start;
    if (phase_of(item.start, group.length) == group.phase && !repeated) {
      on_grid.push_back(item);
    } else if (item.mantissa != kHole) {
      group.odd.push_back(item);
      group.odd_lengths.push_back(group.length);
    }
  }
  group.items = std::move(on_grid);
  for (const Item& item : group.items) {
    if (item.mantissa == kHole) continue;
    if (!group.any) group.first = item.start;
    group.any = true;
    group.end = item.start + group.length;
  }
}

// Whether it had values before the day.
bool begun(const Group& group, const Period& day) {
  return group.known || (group.any && group.first < day.from);
}

bool apart(const Group& a, const Group& b) {
  return a.end <= b.first || b.end <= a.first;
}

// Vendor's key and what is measured: the same series before and after its length was changed.
auto series_of(const TypedChannel& channel) {
  return std::tuple(channel.info.key, channel.type[ReadingType::FlowDirection],
                    channel.type[ReadingType::MeasurementKind], channel.type[ReadingType::Commodity]);
}

// The series went on in another length later: nothing is expected in this one.
bool superseded(const DayScene& scene, const storage::LastInterval& last) {
  return std::ranges::any_of(scene.facts.last_intervals, [&](const storage::LastInterval& other) {
    return other.start > last.start && scene.channels.contains(other.channel) &&
           (other.channel != last.channel || other.length != last.length) &&
           series_of(scene.channels.at(other.channel)) == series_of(scene.channels.at(last.channel));
  });
}

// The part of a civil day in which the group's programme held and the meter was installed, on its grid.
vee::Span expected_of(const DayScene& scene, const Group& group, const std::vector<Group>& groups,
                      const Period& day) {
  UtcInstant from = day.from, to = day.to;
  if (!begun(group, day) && group.any) from = std::max(from, group.first);
  const auto& channel = scene.channels.at(group.channel);
  for (const Group& other : groups) {
    if (&other == &group || !other.any || series_of(scene.channels.at(other.channel)) != series_of(channel))
      continue;
    if (!group.any) {
      to = std::min(to, other.first);  // known from before the window; the series goes on in another length
    } else if (apart(group, other) && other.first >= group.end) {
      to = std::min(to, other.first);
    }
  }
  UtcInstant stay_from = UtcInstant::max(), stay_to = UtcInstant::min();
  for (const storage::MeterStay& stay : scene.facts.stays) {
    if (stay.period.from >= to || stay.period.to <= from) continue;
    stay_from = std::min(stay_from, stay.period.from);
    stay_to = std::max(stay_to, stay.period.to);
  }
  from = std::max(from, stay_from);
  to = std::min(to, stay_to);
  if (from >= to) return {day.from, day.from};
  // Only slots that lie wholly in it; a cut at the day's own ends moves nothing.
  if (from != day.from) {
    const auto past = phase_of(from - group.phase, group.length);
    if (past != past.zero()) from += group.length - past;
  }
  if (to != day.to) to -= phase_of(to - group.phase, group.length);
  return {from, std::max(from, to)};
}

// Values of one exponent. false: they do not all fit 64 bits at the smallest.
bool scale(const std::vector<Item>& items, std::int32_t& exponent, std::vector<std::int64_t>& mantissas) {
  exponent = std::numeric_limits<std::int32_t>::max();
  for (const Item& item : items) {
    if (item.mantissa != kHole) exponent = std::min(exponent, item.exponent);
  }
  if (exponent == std::numeric_limits<std::int32_t>::max()) exponent = 0;
  for (const Item& item : items) {
    if (item.mantissa == kHole) {
      mantissas.push_back(kHole);
      continue;
    }
    if (item.exponent == exponent) {
      mantissas.push_back(item.mantissa);
      continue;
    }
    const auto value = Decimal{item.mantissa, item.exponent}.mantissa_at(exponent);
    if (!value || *value == kHole) return false;
    mantissas.push_back(*value);
  }
  return true;
}

// The same with what was recorded beyond it.
vee::Span recorded_or_expected(const DayScene& scene, const Group& group, const std::vector<Group>& groups,
                               const Period& day) {
  vee::Span span = expected_of(scene, group, groups, day);
  for (const Item& item : group.items) {
    if (item.mantissa == kHole || item.start < day.from || item.start >= day.to) continue;
    if (span.from == span.to) span = {item.start, item.start + group.length};
    span.from = std::min(span.from, item.start);
    // A slot belongs to the day that it starts in.
    span.to = std::min(day.to, std::max(span.to, item.start + group.length));
  }
  return span;
}

// Every civil day that the window reaches into.
std::vector<vee::DaySlots> days_of(const DayScene& scene, const Group& group,
                                   const std::vector<Group>& groups, const IntervalLine& line) {
  std::vector<vee::DaySlots> days;
  // The first slot that starts then or later.
  const auto slot_from = [&](UtcInstant at) {
    const auto past = at - line.first_start + group.length - microseconds{1};
    const auto slot = std::max<std::int64_t>(past / microseconds{group.length}, 0);
    return std::min(static_cast<std::size_t>(slot), line.values.size());
  };
  for (int offset = -2; offset <= 2; ++offset) {
    const std::chrono::sys_days date = std::chrono::sys_days{scene.facts.of.date} + std::chrono::days{offset};
    const vee::Span civil = vee::civil_day(scene.zone, date);
    const Period day{civil.from, civil.to};
    const vee::Span span = offset == 0 ? line.day : recorded_or_expected(scene, group, groups, day);
    const std::size_t first = slot_from(span.from), end = slot_from(span.to);
    if (first >= end) continue;
    vee::DaySlots& slots = days.emplace_back();
    slots.date = date;
    slots.day_class = vee::day_class(date, scene.rules.holidays);
    slots.slots = {first, end - first};
    for (const Item& item : group.items) {
      if (item.mantissa == kHole || !day.contains(item.start)) continue;
      slots.exponent = std::min(slots.exponent.value_or(item.exponent), item.exponent);
    }
  }
  return days;
}

// nullopt: not a channel of this day.
std::optional<IntervalLine> line_of(const DayScene& scene, const Group& group,
                                    const std::vector<Group>& groups) {
  const Period& day = scene.facts.day;
  IntervalLine line;
  line.channel = group.channel;
  line.length = group.length;
  line.day = recorded_or_expected(scene, group, groups, day);
  bool odd_today = false;
  for (std::size_t i = 0; i < group.odd.size(); ++i) {
    const Item& item = group.odd[i];
    odd_today |= day.contains(item.start);
    line.odd.push_back({item.start, item.start + group.odd_lengths[i], {item.mantissa, item.exponent}});
  }
  std::ranges::sort(line.odd, {}, [](const vee::OddInterval& odd) {
    return std::tuple(odd.start, odd.end, odd.value.mantissa, odd.value.exponent);
  });
  const auto phase = std::chrono::floor<seconds>(group.phase);
  if (line.day.from < line.day.to) {
    const vee::DayGrid grid = vee::day_grid(line.day, group.length, phase);
    line.count = grid.count;
    line.first_start = grid.first_start;
  }
  if (line.count == 0 && !odd_today) return std::nullopt;
  if (line.count == 0) {
    line.first_start = day.from;
    if (line.day.from == line.day.to) line.day = {day.from, day.to};
    return line;
  }
  // The window: whole slots on either side of the day's.
  const UtcInstant from = std::min(scene.facts.window.from, line.first_start);
  const UtcInstant day_end = line.first_start + group.length * static_cast<std::int64_t>(line.count);
  const UtcInstant to = std::max(scene.facts.window.to, day_end);
  const auto ahead = (line.first_start - from) / microseconds{group.length};
  const auto behind = (to - day_end) / microseconds{group.length};
  line.first = static_cast<std::size_t>(ahead);
  line.first_start -= group.length * ahead;
  const auto total = line.first + line.count + static_cast<std::size_t>(behind);

  std::vector<std::int64_t> mantissas;
  mantissas.reserve(group.items.size());
  line.fits = scale(group.items, line.exponent, mantissas);
  if (!line.fits) return line;
  line.values.assign(total, kHole);
  for (std::size_t i = 0; i < group.items.size(); ++i) {
    const auto past = group.items[i].start - line.first_start;
    if (past < past.zero()) continue;
    const auto slot = static_cast<std::size_t>(past / microseconds{group.length});
    if (slot >= total) break;
    line.values[slot] = mantissas[i];
    if (group.items[i].marks.none()) continue;
    line.marks.resize(total);
    line.marks[slot] = group.items[i].marks;
  }
  if (scene.config.active().estimates) {
    // Gaps of the day, and of the one before, whose registers may be read in this one.
    const auto reach = static_cast<std::ptrdiff_t>(line.first + line.count);
    if (std::find(line.values.begin(), line.values.begin() + reach, kHole) != line.values.begin() + reach)
      line.days = days_of(scene, group, groups, line);
  }
  return line;
}

}  // namespace

std::vector<IntervalLine> interval_lines(const DayScene& scene) {
  std::vector<Group> groups = groups_of(scene);
  for (const storage::LastInterval& last : scene.facts.last_intervals) {
    const bool known = std::ranges::any_of(
        groups, [&](const Group& g) { return g.channel == last.channel && g.length == last.length; });
    const bool placed = scene.channels.contains(last.channel) && last.length > seconds::zero();
    if (known || !placed || superseded(scene, last)) continue;
    Group silent;
    silent.channel = last.channel;
    silent.length = last.length;
    silent.phase = phase_of(last.start, last.length);
    silent.known = true;
    groups.push_back(std::move(silent));
  }
  std::ranges::sort(groups, {}, [](const Group& g) { return std::pair(g.channel, g.length); });
  std::map<ChannelId, seconds> programmed;
  for (const Group& group : groups)
    programmed.try_emplace(group.channel, programmed_length(scene, group.channel, groups));
  for (Group& group : groups) {
    if (group.items.empty()) continue;
    std::vector<std::string> ignored;
    const auto& channel = scene.channels.at(group.channel);
    const auto midnight = programme_of(scene, channel, group.length, ignored).grid_phase;
    lay_on_grid(group, microseconds{midnight} % group.length);
  }
  for (Group& group : groups) {
    for (const storage::LastInterval& last : scene.facts.last_intervals)
      group.known |= last.channel == group.channel && last.length == group.length;
  }
  // A length of its own, next to the programmed one in time, is another programme; one among it is odd.
  for (Group& main : groups) {
    if (!main.any || main.length != programmed.at(main.channel)) continue;
    for (Group& other : groups) {
      if (&other == &main || other.channel != main.channel || !other.any || apart(main, other)) continue;
      for (const Item& item : other.items) {
        if (item.mantissa == kHole) continue;
        main.odd.push_back(item);
        main.odd_lengths.push_back(other.length);
      }
      other.items.clear();
      other.any = other.known = false;
    }
  }
  std::vector<IntervalLine> lines;
  for (const Group& group : groups) {
    const bool nothing = !group.any && !group.known && group.odd.empty();
    if (nothing || (group.any && group.first >= scene.facts.day.to && group.odd.empty())) continue;
    if (auto line = line_of(scene, group, groups)) lines.push_back(std::move(*line));
  }
  return lines;
}

}  // namespace ami::validation
