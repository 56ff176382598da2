#include "storage/postgres/validation_changes.h"

#include <algorithm>

#include "meter_model/vee/findings.h"
#include "storage/postgres/interval_merge.h"

namespace ami::storage {
namespace {

using std::chrono::days;
using std::chrono::seconds;

constexpr std::int16_t kEstimated = 32, kOwn = 64;
enum Entity : std::int16_t { IntervalDay = 1, IntervalOdd = 2, Register = 3 };

QualitySet codes_at(const std::vector<const DayFinding*>& findings, ChannelId channel, seconds length,
                    UtcInstant at) {
  QualitySet out;
  for (const DayFinding* finding : findings) {
    if (finding->channel != channel || finding->length != length) continue;
    const Period& period = finding->period;
    if (length == seconds{0} ? period.from == at || period.to == at : period.contains(at))
      add(out, finding->quality);
  }
  return out;
}

const RowVersion* version_of(const MeterDayFacts& facts, ChannelId channel, seconds length, bool grid,
                             Day day) {
  for (const RowVersion& row : facts.versions) {
    if (row.channel == channel && row.length == length && row.grid == grid && row.day == day) return &row;
  }
  return nullptr;
}

// Calls use(start, index) for the slots of the block that begin in the period.
template <class Use>
void each_slot(const IntervalBlock& block, const Period& period, Use use) {
  for (std::size_t i = 0; i < block.mantissas.size(); ++i) {
    const UtcInstant start = block.first_start + static_cast<std::int64_t>(i) * block.length;
    if (start >= period.to) return;
    if (start >= period.from) use(start, i);
  }
}

QualityId quality_at(const IntervalBlock& block, std::size_t slot) {
  std::size_t end = 0;
  for (const auto& run : block.qualities) {
    end += run.count;
    if (slot < end) return run.quality;
  }
  return 0;
}

bool has_value(const MeterDayFacts& facts, ChannelId channel, seconds length, UtcInstant start) {
  for (const IntervalBlock& block : facts.intervals) {
    if (block.channel != channel || block.length != length || start < block.first_start) continue;
    const auto after = start - block.first_start;
    if (after % block.length != seconds{0}) continue;
    const auto slot = static_cast<std::size_t>(after / block.length);
    if (slot < block.mantissas.size()) return block.mantissas[slot] != IntervalBlock::kMissing;
  }
  return false;
}

}  // namespace

JudgedVersions::Key judged_key(MeterId meter, const RowVersion& row) {
  const std::int64_t length = row.length.count();
  return JudgedVersions::key_of(meter, row.channel, row.grid ? length : -length, row.day);
}

std::pair<ValidationChanges::Told&, std::int16_t> ValidationChanges::slot_of(const MeterDayFacts& facts,
                                                                             ChannelId channel,
                                                                             seconds length,
                                                                             UtcInstant start) {
  Row row{facts.of.utility, facts.of.meter, channel, Register, length.count(), start};
  std::int16_t slot = 0;
  if (length != seconds{0}) {
    row.entity = on_grid(start, length) ? IntervalDay : IntervalOdd;
    if (row.entity == IntervalDay) {
      row.start = std::chrono::floor<days>(start);
      slot = static_cast<std::int16_t>((start - row.start) / length);
    }
  }
  const auto [entry, fresh] = rows_.try_emplace(row);
  if (fresh && row.entity == IntervalDay) {
    const RowVersion* const known = version_of(facts, channel, length, true, std::chrono::floor<days>(start));
    entry->second.version = known == nullptr ? 0 : known->version;
  }
  return {entry->second, slot};
}

ValueQuality ValidationChanges::quality(QualityId base, const QualitySet& codes) const {
  ValueQuality out = stored_.at(base);
  for (const QualityCode& code : codes) add(out.codes, code);
  return out;
}

void ValidationChanges::findings(const MeterDayFacts& facts, const std::vector<const DayFinding*>& before,
                                 const std::vector<const DayFinding*>& after,
                                 const std::vector<const DayFinding*>& changed) {
  for (const DayFinding* finding : changed) {
    if (finding->channel == 0) continue;
    if (finding->length == seconds{0}) {
      registers(facts, before, after, *finding);
    } else {
      intervals(facts, before, after, *finding);
    }
  }
}

void ValidationChanges::intervals(const MeterDayFacts& facts, const std::vector<const DayFinding*>& before,
                                  const std::vector<const DayFinding*>& after, const DayFinding& changed) {
  for (const IntervalBlock& block : facts.intervals) {
    if (block.channel != changed.channel || block.length != changed.length) continue;
    each_slot(block, changed.period, [&](UtcInstant start, std::size_t i) {
      QualitySet was = codes_at(before, block.channel, block.length, start);
      if (was == codes_at(after, block.channel, block.length, start)) return;
      const auto [told, slot] = slot_of(facts, block.channel, block.length, start);
      if (told.slots.contains(slot)) return;
      const std::int64_t mantissa = block.mantissas[i];
      const Day day = std::chrono::floor<days>(start);
      // Of another civil day's intervals off the grid the versions are not known here.
      const RowVersion* const row = block.grid || facts.day.contains(start)
                                        ? version_of(facts, block.channel, block.length, block.grid, day)
                                        : nullptr;
      if (row != nullptr && mantissa != IntervalBlock::kMissing) {
        const JudgedParts& parts = judged_.of(judged_key(facts.of.meter, *row), day);
        if (parts.at((start - UtcInstant{day}) / std::chrono::minutes{1}) == row->version)
          add(was, kValidated);
      }
      const bool hole = mantissa == IntervalBlock::kMissing;
      told.slots[slot] = {kQualityChanged, Old{hole ? SlotRow::kHole : mantissa, hole ? 0 : block.exponent,
                                               quality(quality_at(block, i), was)}};
    });
  }
}

void ValidationChanges::registers(const MeterDayFacts& facts, const std::vector<const DayFinding*>& before,
                                  const std::vector<const DayFinding*>& after, const DayFinding& changed) {
  for (const RegisterRow& row : facts.registers) {
    if (row.channel != changed.channel || (row.at != changed.period.from && row.at != changed.period.to))
      continue;
    const QualitySet was = codes_at(before, row.channel, seconds{0}, row.at);
    if (was == codes_at(after, row.channel, seconds{0}, row.at)) continue;
    const auto [told, slot] = slot_of(facts, row.channel, seconds{0}, row.at);
    if (told.slots.contains(slot)) continue;
    told.slots[slot] = {kQualityChanged,
                        Old{row.value.mantissa, row.value.exponent, quality(row.quality, was)}};
  }
}

void ValidationChanges::estimate(const MeterDayFacts& facts, const DayEstimate& estimate) {
  for (std::size_t i = 0; i < estimate.mantissas.size(); ++i) {
    const UtcInstant start = estimate.first_start + static_cast<std::int64_t>(i) * estimate.length;
    if (has_value(facts, estimate.channel, estimate.length, start)) continue;
    const auto [told, slot] = slot_of(facts, estimate.channel, estimate.length, start);
    told.slots[slot] = {kEstimated, std::nullopt};
  }
}

// Rows of quality_set for what is said of old values. Nobody else makes such: codes of ours come from nowhere
// else.
std::vector<std::int64_t> ValidationChanges::quality_ids() {
  std::vector<std::int64_t> out;
  std::map<std::pair<std::string, std::string>, std::vector<std::size_t>> missing;
  for (const auto& [row, told] : rows_) {
    for (const auto& [number, slot] : told.slots) {
      if (!slot.old) continue;
      const auto known =
          std::ranges::find(stored_, slot.old->quality, [](const auto& entry) { return entry.second; });
      if (known == stored_.end()) {
        std::string codes;
        for (const QualityCode& code : slot.old->quality.codes)
          codes += (codes.empty() ? "" : " ") + code.to_string();
        missing[{codes, slot.old->quality.vendor_flag}].push_back(out.size());
      }
      out.push_back(known == stored_.end() ? 0 : known->first);
    }
  }
  if (missing.empty()) return out;
  std::vector<std::string> codes, flags;
  for (const auto& [content, places] : missing) {
    codes.push_back(content.first);
    flags.push_back(content.second);
  }
  Params params;
  params.texts(codes);
  params.texts(flags);
  Rows::query(
      session_.raw(),
      "INSERT INTO quality_set (codes, vendor_flag) SELECT string_to_array(k.codes, ' '), k.flag FROM"
      " unnest($1::text[], $2::text[]) AS k (codes, flag) WHERE NOT EXISTS (SELECT FROM quality_set q WHERE"
      " q.codes = string_to_array(k.codes, ' ') AND q.vendor_flag = k.flag)"
      " ON CONFLICT ON CONSTRAINT quality_set_content DO NOTHING",
      params);
  const Rows rows =
      Rows::query(session_.raw(),
                  "SELECT k.n, q.quality_id FROM unnest($1::text[], $2::text[]) WITH ORDINALITY"
                  " AS k (codes, flag, n) JOIN quality_set q ON q.codes = string_to_array(k.codes, ' ')"
                  " AND q.vendor_flag = k.flag ORDER BY k.n",
                  params);
  if (static_cast<std::size_t>(rows.size()) != missing.size())
    throw std::runtime_error("a quality row vanished while it was looked up");
  int n = 0;
  for (const auto& [content, places] : missing) {
    for (const std::size_t place : places) out[place] = rows.i4(n, 1);
    ++n;
  }
  return out;
}

void ValidationChanges::write() {
  std::erase_if(rows_, [](const auto& entry) { return entry.second.slots.empty(); });
  if (rows_.empty()) return;
  const std::vector<std::int64_t> qualities = quality_ids();
  std::size_t next = 0;
  CopyRows out;
  for (const auto& [row, told] : rows_) {
    std::int16_t kinds = kOwn;
    std::vector<std::int16_t> runs;
    std::vector<std::int64_t> old;
    for (const auto& [number, slot] : told.slots) {
      kinds = static_cast<std::int16_t>(kinds | slot.kind);
      const std::size_t size = runs.size();
      if (size != 0 && runs[size - 1] == slot.kind && runs[size - 3] + runs[size - 2] == number) {
        ++runs[size - 2];
      } else {
        runs.insert(runs.end(), {number, 1, slot.kind});
      }
      if (slot.old) old.insert(old.end(), {slot.old->mantissa, slot.old->exponent, qualities[next++]});
    }
    const bool day = row.entity == IntervalDay;
    out.begin_row(11);
    out.i4(row.utility);
    out.i8(row.meter);
    out.i8(row.channel);
    out.day(std::chrono::floor<days>(row.start));
    out.i4(static_cast<std::int32_t>(row.length_s));
    out.i8(told.version);
    out.i2(row.entity);
    day ? out.null() : out.at(row.start);
    out.i2(kinds);
    day ? out.array(std::span<const std::int16_t>(runs)) : out.null();
    old.empty() ? out.null() : out.array(std::span<const std::int64_t>(old));
  }
  rows_.clear();
  out.send(
      session_.raw(),
      "change (utility_id, meter_id, channel_id, day, interval_s, version, entity, at, kinds, slots, old)");
}

}  // namespace ami::storage
