#include "daemon/rpc/change_messages.h"

#include <algorithm>
#include <vector>

#include "daemon/rpc/interval_blocks.h"
#include "daemon/rpc/value_messages.h"

namespace ami::rpc {
namespace {

using storage::ChangeEntity;
using storage::ChangeRow;

// Kinds with an old value: corrected, quality changed, retracted.
constexpr std::int16_t kWithOld = 2 | 4 | 16;
constexpr std::int16_t kNotChanged = -1;

bool estimated(std::int16_t bits) {
  return bits != kNotChanged && (bits & bit_of(v1::Change::ESTIMATED)) != 0;
}

struct OldSlot {
  bool there = false;
  std::int64_t mantissa = PresentSlot::kMissing;
  std::int32_t exponent = 0;
  storage::QualityId quality = 0;
};

struct Slot {
  std::int16_t bits = kNotChanged;  // 0 = changed, not known how
  PresentSlot now;
  OldSlot old;
};

void add_kinds(std::int16_t bits, google::protobuf::RepeatedField<int>* kinds) {
  for (int kind = v1::Change::NEW; kind <= v1::Change::ESTIMATED; ++kind) {
    if ((bits & bit_of(static_cast<v1::Change::Kind>(kind))) != 0) kinds->Add(kind);
  }
}

OldSlot old_at(const ChangeRow& row, std::size_t number) {
  OldSlot out;
  if (3 * number + 2 >= row.old.size()) return out;
  out.there = true;
  out.mantissa = row.old[3 * number];
  out.exponent = static_cast<std::int32_t>(row.old[3 * number + 1]);
  out.quality = static_cast<storage::QualityId>(row.old[3 * number + 2]);
  return out;
}

// The slots of a day with what happened to each. Empty when the row contradicts itself.
std::vector<Slot> slots_of_day(const ChangeRow& row, const PresentValues& present) {
  if (row.interval_s <= 0 || 86'400 % row.interval_s != 0 || row.slots.size() % 3 != 0 || !row.channel)
    return {};
  const auto count = static_cast<std::size_t>(86'400 / row.interval_s);
  const auto now = present.slots(row.channel->id, row.day, std::chrono::seconds{row.interval_s}, count);
  std::vector<Slot> slots(count);
  for (std::size_t i = 0; i < count; ++i) slots[i].now = now[i];
  const auto tell_estimates = [&] {
    const bool any = std::ranges::any_of(slots, [](const Slot& slot) { return estimated(slot.bits); });
    if (!any) return;
    const auto best =
        present.estimates(row.channel->id, row.day, std::chrono::seconds{row.interval_s}, count);
    for (std::size_t i = 0; i < count; ++i) {
      if (estimated(slots[i].bits) && best[i].source < 0) slots[i].now = best[i];
    }
  };
  if (row.slots.empty()) {
    for (Slot& slot : slots) slot.bits = slot.now.source != 0 ? std::int16_t{0} : kNotChanged;
    return slots;
  }
  for (std::size_t r = 0; r < row.slots.size(); r += 3) {
    const std::int64_t first = row.slots[r], run = row.slots[r + 1];
    if (first < 0 || run < 0 || first + run > static_cast<std::int64_t>(count)) return {};
    for (std::int64_t i = first; i < first + run; ++i)
      slots[static_cast<std::size_t>(i)].bits = row.slots[r + 2];
  }
  std::size_t number = 0;
  for (Slot& slot : slots) {
    if (slot.bits != kNotChanged && (slot.bits & kWithOld) != 0) slot.old = old_at(row, number++);
  }
  tell_estimates();
  return slots;
}

// Whether two neighbours are told in one run; a hole has no exponent of its own.
bool alike(const Slot& a, const Slot& b, std::int32_t exponent, std::int32_t old_exponent) {
  const auto exponent_fits = [](std::int64_t mantissa, std::int32_t own, std::int32_t wanted) {
    return mantissa == PresentSlot::kMissing || own == wanted;
  };
  return a.bits == b.bits && a.now.quality == b.now.quality && a.now.source == b.now.source &&
         a.old.there == b.old.there && a.old.quality == b.old.quality &&
         exponent_fits(b.now.mantissa, b.now.exponent, exponent) &&
         exponent_fits(b.old.mantissa, b.old.exponent, old_exponent);
}

void add_value(v1::IntervalValues& values, std::int64_t mantissa) {
  const auto slot = static_cast<std::size_t>(values.mantissas_size());
  const bool hole = mantissa == PresentSlot::kMissing;
  values.add_mantissas(hole ? 0 : mantissa);
  if (!hole) return;
  std::string& missing = *values.mutable_missing();
  if (missing.size() <= slot / 8) missing.resize(slot / 8 + 1, '\0');
  missing[slot / 8] = static_cast<char>(static_cast<unsigned char>(missing[slot / 8]) | (1U << (slot % 8)));
}

// Bits are set while values are added; one byte for each eight of them, or none at all.
void finish(v1::IntervalValues& values) {
  if (!values.missing().empty())
    values.mutable_missing()->resize((static_cast<std::size_t>(values.mantissas_size()) + 7) / 8, '\0');
}

v1::Quality quality_of(storage::QualityId id, const storage::Dictionary& names) {
  const auto found = names.qualities.find(id);
  return to_proto(found == names.qualities.end() ? ValueQuality{} : found->second);
}

class IntervalRuns {
 public:
  IntervalRuns(const ChangeRow& row, const ChangeContext& context, const ChangeFilter& filter,
               v1::Change& change)
      : row_(row), context_(context), filter_(filter), change_(change) {}

  void add(UtcInstant first, std::chrono::seconds length, const std::vector<Slot>& slots) {
    if (slots.empty()) return;
    const TargetMeter& meter = context_.fleet.at(row_.meter);
    for (const SlotRange& range : cut_at_placements(first, length, slots.size(), meter.placements)) {
      if (!filter_.wants(row_.meter,
                         range.placement == nullptr ? std::string() : range.placement->usage_point_key))
        continue;
      const std::size_t end = range.first + range.count;
      for (std::size_t begin = range.first, stop = begin; begin < end; begin = stop) {
        const bool estimated = slots[begin].now.source < 0;
        while (stop < end && (slots[stop].now.source < 0) == estimated) ++stop;
        for (const StandingRange& part : cut_at_standings(
                 first, length, {begin, stop - begin, range.placement}, row_.meter,
                 row_.channel->reading_type, estimated ? regime::Formed::Computed : regime::Formed::Interval,
                 context_.standings)) {
          add_part(first, length, slots, part, range.placement);
        }
      }
    }
  }

 private:
  void add_part(UtcInstant first, std::chrono::seconds length, const std::vector<Slot>& slots,
                const StandingRange& part, const Placement* placement) {
    v1::ChangedIntervals* run = nullptr;
    for (std::size_t i = part.first; i < part.first + part.count; ++i) {
      const Slot& slot = slots[i];
      if (slot.bits == kNotChanged || !filter_.wants(slot.bits)) {
        close(run);
        run = nullptr;
        continue;
      }
      const bool goes_on =
          run != nullptr && alike(slots[i - 1], slot, run->now().exponent(), run->old().exponent());
      if (!goes_on) {
        close(run);
        run = &open(first + length * static_cast<std::int64_t>(i), length, slot, placement);
        tell_standing(part.standing, *run);
      }
      add_value(*run->mutable_now(), slot.now.mantissa);
      if (slot.old.there) add_value(*run->mutable_old(), slot.old.mantissa);
    }
    close(run);
  }

  v1::ChangedIntervals& open(UtcInstant start, std::chrono::seconds length, const Slot& slot,
                             const Placement* placement) {
    const TargetMeter& meter = context_.fleet.at(row_.meter);
    v1::ChangedIntervals& run = *change_.add_intervals();
    add_kinds(slot.bits, run.mutable_kinds());
    *run.mutable_first_start() = to_proto(start);
    run.set_length_s(static_cast<std::uint32_t>(length.count()));
    if (placement != nullptr) {
      run.set_usage_point(placement->usage_point);
      run.set_time_zone(placement->zone);
      run.set_multiplier(placement->multiplier.to_string());
    }
    run.set_origin(slot.now.source < 0     ? v1::ORIGIN_PROCESSED
                   : meter.details.empty() ? v1::ORIGIN_UNSPECIFIED
                                           : interval_origin(detail_at(meter.details, start).model));
    v1::IntervalValues& now = *run.mutable_now();
    now.set_exponent(slot.now.exponent);
    *now.mutable_quality() = quality_of(slot.now.quality, context_.present.names());
    const auto source = context_.present.names().sources.find(slot.now.source);
    if (source != context_.present.names().sources.end()) {
      now.set_source(source_name(context_.utility.key, source->first));
      now.set_time_source(to_proto(source->second.time_source));
      *now.mutable_received_at() = to_proto(source->second.received_at);
    }
    const auto estimate = context_.present.names().estimates.find(slot.now.source);
    if (estimate != context_.present.names().estimates.end())
      *now.mutable_estimate() = to_proto(estimate->second);
    if (slot.old.there) {
      run.mutable_old()->set_exponent(slot.old.exponent);
      *run.mutable_old()->mutable_quality() = quality_of(slot.old.quality, context_.before);
    }
    return run;
  }
  static void close(v1::ChangedIntervals* run) {
    if (run == nullptr) return;
    finish(*run->mutable_now());
    if (run->has_old()) finish(*run->mutable_old());
  }

  const ChangeRow& row_;
  const ChangeContext& context_;
  const ChangeFilter& filter_;
  v1::Change& change_;
};

void add_intervals(const ChangeRow& row, const ChangeContext& context, const ChangeFilter& filter,
                   v1::Change& change) {
  IntervalRuns runs(row, context, filter, change);
  const std::chrono::seconds length{row.interval_s};
  if (row.entity == ChangeEntity::IntervalDay) {
    runs.add(row.day, length, slots_of_day(row, context.present));
    return;
  }
  if (!row.channel || row.interval_s <= 0) return;
  const auto one = [&](UtcInstant start) {
    Slot slot{row.kinds, context.present.slots(row.channel->id, start, length, 1).front(), old_at(row, 0)};
    const PresentSlot best = context.present.estimates(row.channel->id, start, length, 1).front();
    if (estimated(row.kinds) && best.source < 0) slot.now = best;
    runs.add(start, length, {slot});
  };
  if (row.time) {
    one(*row.time);
    return;
  }
  const storage::Period day{row.day, UtcInstant{row.day} + std::chrono::days{1}};
  for (const UtcInstant start : context.present.starts(row.channel->id, length, day)) one(start);
}

void add_registers(const ChangeRow& row, const ChangeContext& context, const ChangeFilter& filter,
                   v1::Change& change) {
  if (!row.channel || !filter.wants(row.kinds)) return;
  const TargetMeter& meter = context.fleet.at(row.meter);
  const auto place = [&](UtcInstant at) {
    const auto stay =
        std::ranges::find_if(meter.placements, [&](const Placement& p) { return p.period.contains(at); });
    return stay == meter.placements.end() ? std::string() : stay->usage_point_key;
  };
  const auto found = context.present.registers(row.channel->id, period_of(row));
  for (const storage::RegisterRow* value : found) {
    if (!filter.wants(row.meter, place(value->at))) continue;
    v1::ChangedRegister& message = *change.add_registers();
    *message.mutable_time() = to_proto(value->at);
    *message.mutable_now() = register_value(context.utility, *value, context.present.names(), meter.key,
                                            context.points, false, context.standings);
  }
  if (!row.time) return;
  if (found.empty() && filter.wants(row.meter, place(*row.time)))
    *change.add_registers()->mutable_time() = to_proto(*row.time);
  const OldSlot old = old_at(row, 0);
  if (!old.there || change.registers().empty()) return;
  v1::ChangedRegister& message = *change.mutable_registers(0);
  if (old.mantissa != PresentSlot::kMissing)
    message.set_old_value(Decimal{old.mantissa, old.exponent}.to_string());
  *message.mutable_old_quality() = quality_of(old.quality, context.before);
}

void add_events(const ChangeRow& row, const ChangeContext& context, const ChangeFilter& filter,
                v1::Change& change) {
  if (!filter.wants(row.kinds)) return;
  const TargetMeter& meter = context.fleet.at(row.meter);
  for (const storage::EventRow* event : context.present.events(row.meter, row.version, period_of(row))) {
    const v1::Event message = event_message(context.utility, *event, meter.key, context.points);
    const std::string& point = message.usage_point();
    if (filter.wants(row.meter, point.substr(point.rfind('/') + 1))) *change.add_events() = message;
  }
}

// What all values of the change have in common; of one without values, what its time says.
void tell_common_standing(const ChangeRow& row, const ChangeContext& context, v1::Change& change) {
  bool told = false;
  const auto add = [&](const auto& value) {
    if (!told) {
      change.set_type_approval(value.type_approval());
      change.set_verification(value.verification());
    }
    if (change.type_approval() != value.type_approval())
      change.set_type_approval(v1::TYPE_APPROVAL_UNSPECIFIED);
    if (change.verification() != value.verification()) change.set_verification(v1::VERIFICATION_UNSPECIFIED);
    told = true;
  };
  for (const v1::ChangedIntervals& run : change.intervals()) add(run);
  for (const v1::ChangedRegister& value : change.registers()) {
    if (value.has_now()) add(value.now());
  }
  if (told) return;
  const bool is_register = row.entity == ChangeEntity::Register;
  const regime::Standing standing = context.standings.at(
      row.meter, row.channel->reading_type, is_register ? regime::Formed::Register : regime::Formed::Interval,
      row.time.value_or(UtcInstant{row.day}));
  change.set_type_approval(to_proto(standing.judged->status));
  change.set_verification(to_proto(standing.verification));
}

}  // namespace

std::int16_t bit_of(v1::Change::Kind kind) {
  if (kind < v1::Change::NEW || kind > v1::Change::ESTIMATED) return 0;
  return static_cast<std::int16_t>(1 << (kind - v1::Change::NEW));
}

std::optional<v1::Change> change_message(const ChangeRow& row, const ChangeContext& context,
                                         const ChangeFilter& filter) {
  if (!context.fleet.contains(row.meter)) return std::nullopt;  // of no meter that is known
  v1::Change change;
  change.set_change_id(row.at.change_id);
  change.set_cursor(storage::to_token({context.feed, row.at}));
  *change.mutable_changed_at() = to_proto(row.changed_at);
  add_kinds(row.kinds, change.mutable_kinds());
  change.set_meter(meter_name(context.utility.key, context.fleet.at(row.meter).key));
  if (row.channel) {
    const Meaning meaning = meaning_of(row.channel->reading_type);
    change.set_channel(row.channel->key);
    change.set_quantity(meaning.quantity);
    change.set_tou(meaning.tou);
    change.set_reading_type(row.channel->reading_type);
    change.set_unit(row.channel->unit);
  }
  switch (row.entity) {
    case ChangeEntity::IntervalDay:
    case ChangeEntity::IntervalOdd:
      add_intervals(row, context, filter, change);
      break;
    case ChangeEntity::Register:
      add_registers(row, context, filter, change);
      break;
    case ChangeEntity::Event:
      add_events(row, context, filter, change);
      break;
  }
  if (row.channel) tell_common_standing(row, context, change);
  const bool empty = change.intervals().empty() && change.registers().empty() && change.events().empty();
  if (empty && !filter.everything()) return std::nullopt;
  return change;
}

}  // namespace ami::rpc
