#include "daemon/rpc/change_values.h"

#include <algorithm>
#include <set>
#include <tuple>

namespace ami::rpc {
namespace {

using storage::ChangeEntity;

constexpr std::int16_t kEstimated = 1 << 5;  // of v1::Change::ESTIMATED

// Calls emit(slot, id) for each slot of a run-length list.
template <class Runs, class Id, class Emit>
void each_slot(const Runs& runs, Id id_of, Emit emit) {
  std::size_t slot = 0;
  for (const auto& run : runs) {
    for (std::uint32_t i = 0; i < run.count; ++i) emit(slot++, id_of(run));
  }
}

// What one kind of reader is asked for: distinct spans, and the channels that count in them.
struct Question {
  std::set<std::tuple<MeterId, UtcInstant, UtcInstant>> spans;
  std::set<storage::ChannelId> channels;

  void ask(MeterId meter, const storage::Period& period) { spans.insert({meter, period.from, period.to}); }
  [[nodiscard]] std::vector<storage::MeterSpan> list() const {
    std::vector<storage::MeterSpan> out;
    for (const auto& [meter, from, to] : spans) out.push_back({meter, {from, to}});
    return out;
  }
  [[nodiscard]] storage::ChannelFilter filter() const {
    return [this](const storage::ChannelInfo& channel) { return channels.contains(channel.id); };
  }
};

}  // namespace

storage::Period period_of(const storage::ChangeRow& row) {
  const UtcInstant day{row.day};
  switch (row.entity) {
    case ChangeEntity::IntervalDay:
      break;
    case ChangeEntity::IntervalOdd:
      // An interval that begins on the day may end on another.
      if (!row.time) return {day, day + std::chrono::days{1} + std::chrono::seconds{row.interval_s}};
      return {*row.time, *row.time + std::chrono::seconds{row.interval_s}};
    case ChangeEntity::Register:
    case ChangeEntity::Event:
      if (row.time) return {*row.time, *row.time + std::chrono::microseconds{1}};
      break;
  }
  return {day, day + std::chrono::days{1}};
}

PresentValues read_present(const Call& call, const storage::Utility& utility,
                           const std::vector<storage::ChangeRow>& rows) {
  Question intervals, estimates, registers, events;
  for (const storage::ChangeRow& row : rows) {
    if (row.channel && (row.kinds & kEstimated) != 0) {
      estimates.ask(row.meter, period_of(row));
      estimates.channels.insert(row.channel->id);
    }
    Question& question = row.entity == ChangeEntity::Event      ? events
                         : row.entity == ChangeEntity::Register ? registers
                                                                : intervals;
    question.ask(row.meter, period_of(row));
    if (row.channel) question.channels.insert(row.channel->id);
  }
  PresentValues values;
  storage::Readers readers = call.readers();
  if (!intervals.spans.empty()) {
    std::string token;
    do {
      auto page = call.take(readers.intervals(intervals.list(), intervals.filter(), {1000, token}));
      token = page.next_token;
      values.add(std::move(page));
    } while (!token.empty());
  }
  if (!estimates.spans.empty()) {
    std::string token;
    do {
      auto page = call.take(
          readers.intervals(estimates.list(), estimates.filter(), {1000, token}, {}, storage::Layer::Best));
      token = page.next_token;
      values.add_estimates(std::move(page));
    } while (!token.empty());
  }
  if (!registers.spans.empty()) {
    std::string token;
    do {
      auto page = call.take(readers.registers(registers.list(), registers.filter(), {1000, token}));
      token = page.next_token;
      values.add(std::move(page));
    } while (!token.empty());
  }
  if (!events.spans.empty()) {
    storage::EventQuery query;
    query.utility = utility.id;
    query.spans = events.list();
    query.page.size = 1000;
    query.duplicates_too = true;
    query.period = query.spans.front().period;
    for (const storage::MeterSpan& span : query.spans) {
      query.period.from = std::min(query.period.from, span.period.from);
      query.period.to = std::max(query.period.to, span.period.to);
    }
    do {
      auto page = call.take(readers.events(query));
      query.page.token = page.next_token;
      for (storage::EventRow& row : page.items) values.add(std::move(row));
    } while (!query.page.token.empty());
  }
  return values;
}

void PresentValues::learn(storage::Dictionary dictionary) {
  names_.channels.merge(dictionary.channels);
  names_.sources.merge(dictionary.sources);
  names_.qualities.merge(dictionary.qualities);
  names_.estimates.merge(dictionary.estimates);
}

void PresentValues::add(storage::IntervalPage page) {
  for (storage::IntervalBlock& block : page.blocks) blocks_[block.channel].push_back(std::move(block));
  learn(std::move(page.dictionary));
}

void PresentValues::add_estimates(storage::IntervalPage page) {
  for (storage::IntervalBlock& block : page.blocks) best_[block.channel].push_back(std::move(block));
  learn(std::move(page.dictionary));
}

void PresentValues::add(storage::RegisterPage page) {
  for (const storage::RegisterRow& row : page.rows) registers_.insert_or_assign({row.channel, row.at}, row);
  learn(std::move(page.dictionary));
}

void PresentValues::add(storage::EventRow row) {
  const std::pair key{row.meter, row.id};
  events_.insert_or_assign(key, std::move(row));
}

std::vector<PresentSlot> PresentValues::slots(storage::ChannelId channel, UtcInstant first,
                                              std::chrono::seconds length, std::size_t count) const {
  return slots_of(blocks_, channel, first, length, count);
}

std::vector<PresentSlot> PresentValues::estimates(storage::ChannelId channel, UtcInstant first,
                                                  std::chrono::seconds length, std::size_t count) const {
  return slots_of(best_, channel, first, length, count);
}

std::vector<PresentSlot> PresentValues::slots_of(const Blocks& known, storage::ChannelId channel,
                                                 UtcInstant first, std::chrono::seconds length,
                                                 std::size_t count) {
  std::vector<PresentSlot> out(count);
  const auto blocks = known.find(channel);
  if (blocks == known.end()) return out;
  const UtcInstant end = first + length * static_cast<std::int64_t>(count);
  for (const storage::IntervalBlock& block : blocks->second) {
    const UtcInstant block_end =
        block.first_start + block.length * static_cast<std::int64_t>(block.mantissas.size());
    if (block.length != length || block.first_start >= end || block_end <= first ||
        (block.first_start - first) % length != std::chrono::microseconds{0})
      continue;
    const std::int64_t shift = (block.first_start - first) / length;
    const auto place = [&](std::size_t slot) -> PresentSlot* {
      const std::int64_t at = static_cast<std::int64_t>(slot) + shift;
      return at < 0 || at >= static_cast<std::int64_t>(count) ? nullptr : &out[static_cast<std::size_t>(at)];
    };
    for (std::size_t i = 0; i < block.mantissas.size(); ++i) {
      if (PresentSlot* slot = place(i)) {
        slot->mantissa = block.mantissas[i];
        slot->exponent = block.exponent;
      }
    }
    each_slot(
        block.sources, [](const auto& run) { return run.source; },
        [&](std::size_t i, storage::SourceId id) {
          if (PresentSlot* slot = place(i)) slot->source = id;
        });
    each_slot(
        block.qualities, [](const auto& run) { return run.quality; },
        [&](std::size_t i, storage::QualityId id) {
          if (PresentSlot* slot = place(i)) slot->quality = id;
        });
  }
  return out;
}

std::vector<UtcInstant> PresentValues::starts(storage::ChannelId channel, std::chrono::seconds length,
                                              const storage::Period& period) const {
  std::set<UtcInstant> out;
  const auto blocks = blocks_.find(channel);
  if (blocks == blocks_.end()) return {};
  for (const storage::IntervalBlock& block : blocks->second) {
    if (block.length != length) continue;
    UtcInstant start = block.first_start;
    for (std::size_t i = 0; i < block.mantissas.size(); ++i, start += length) {
      if (period.contains(start)) out.insert(start);
    }
  }
  return {out.begin(), out.end()};
}

std::vector<const storage::RegisterRow*> PresentValues::registers(storage::ChannelId channel,
                                                                  const storage::Period& period) const {
  std::vector<const storage::RegisterRow*> out;
  for (auto row = registers_.lower_bound({channel, period.from});
       row != registers_.end() && row->first.first == channel && row->first.second < period.to; ++row) {
    out.push_back(&row->second);
  }
  return out;
}

std::vector<const storage::EventRow*> PresentValues::events(MeterId meter, std::int64_t id,
                                                            const storage::Period& period) const {
  std::vector<const storage::EventRow*> out;
  for (auto row = events_.lower_bound({meter, id}); row != events_.end() && row->first.first == meter;
       ++row) {
    if (id != 0 && row->first.second != id) break;
    if (id != 0 || period.contains(row->second.at)) out.push_back(&row->second);
  }
  return out;
}

std::vector<storage::UsagePointId> PresentValues::usage_points() const {
  std::set<storage::UsagePointId> out;
  for (const auto& [key, row] : registers_) {
    if (row.usage_point) out.insert(*row.usage_point);
  }
  for (const auto& [key, row] : events_) {
    if (row.usage_point) out.insert(*row.usage_point);
  }
  return {out.begin(), out.end()};
}

}  // namespace ami::rpc
