#include "daemon/rpc/interval_blocks.h"

#include <algorithm>
#include <utility>

#include "daemon/rpc/convert.h"
#include "daemon/rpc/value_messages.h"

namespace ami::rpc {
namespace {

constexpr std::int64_t kMissing = storage::IntervalBlock::kMissing;

// Mantissas times a factor; nullopt when one leaves int64 (then the block goes out without the multiplier).
std::optional<std::vector<std::int64_t>> scaled(std::span<const std::int64_t> mantissas,
                                                std::int64_t factor) {
  std::vector<std::int64_t> result;
  result.reserve(mantissas.size());
  for (const std::int64_t mantissa : mantissas) {
    std::int64_t product = kMissing;
    if (mantissa != kMissing && __builtin_mul_overflow(mantissa, factor, &product)) return std::nullopt;
    result.push_back(product);
  }
  return result;
}

// Calls emit(first, count, id) for each run that meets the range, counted from the range's first slot.
template <class Runs, class Id, class Emit>
void runs_within(const Runs& runs, const SlotRange& range, Id id_of, Emit emit) {
  std::size_t begin = 0;
  for (const auto& run : runs) {
    const std::size_t end = begin + run.count;
    const std::size_t from = std::max(begin, range.first);
    const std::size_t to = std::min(end, range.first + range.count);
    if (from < to && id_of(run) != 0) emit(from - range.first, to - from, id_of(run));
    begin = end;
  }
}

}  // namespace

std::vector<SlotRange> cut_at_placements(UtcInstant first_start, std::chrono::seconds length,
                                         std::size_t slots, const std::vector<Placement>& placements) {
  std::vector<SlotRange> ranges;
  const UtcInstant end = first_start + length * static_cast<std::int64_t>(slots);
  const std::chrono::microseconds step = length;
  std::size_t done = 0;
  const auto add = [&](std::size_t to, const Placement* placement) {
    if (to > done) ranges.push_back({done, to - done, placement});
    done = std::max(done, to);
  };
  for (const Placement& placement : placements) {
    const auto from = std::clamp(placement.period.from, first_start, end) - first_start;
    const auto to = std::clamp(placement.period.to, first_start, end) - first_start;
    const auto first = static_cast<std::size_t>((from + step - std::chrono::microseconds{1}) / step);
    const auto last = static_cast<std::size_t>(to / step);
    if (first >= last) continue;
    add(first, nullptr);
    add(last, &placement);
  }
  add(slots, nullptr);
  return ranges;
}

std::vector<StandingRange> cut_at_standings(UtcInstant first_start, std::chrono::seconds length,
                                            const SlotRange& range, MeterId meter,
                                            const std::string& reading_type, regime::Formed formed,
                                            regime::Standings& standings) {
  const std::chrono::microseconds step = length;
  const auto time_of = [&](std::size_t slot) { return first_start + step * static_cast<std::int64_t>(slot); };
  const std::size_t end = range.first + range.count;
  const auto pieces = standings.pieces(meter, reading_type, formed, {time_of(range.first), time_of(end)});
  std::vector<StandingRange> ranges;
  std::size_t done = range.first;
  // Slots that no piece holds as a whole.
  const auto add_crossing = [&](std::size_t to) {
    if (to <= done) return;
    std::optional<regime::Standing> told;
    for (const regime::StandingPiece& piece : pieces) {
      if (piece.period.from >= time_of(to) || piece.period.to <= time_of(done)) continue;
      told = told ? standings.across(*told, piece.standing) : piece.standing;
    }
    ranges.push_back({done, to - done, told.value_or(pieces.front().standing)});
    done = to;
  };
  for (const regime::StandingPiece& piece : pieces) {
    const auto first = static_cast<std::size_t>(
        (piece.period.from - first_start + step - std::chrono::microseconds{1}) / step);
    const auto last = static_cast<std::size_t>((piece.period.to - first_start) / step);
    if (first >= last) continue;
    add_crossing(first);
    ranges.push_back({first, last - first, piece.standing});
    done = last;
  }
  add_crossing(end);
  return ranges;
}

std::vector<EstimateRange> cut_at_estimates(const std::vector<storage::IntervalBlock::SourceRun>& sources,
                                            const SlotRange& range) {
  std::vector<EstimateRange> ranges;
  std::size_t begin = 0;
  for (const auto& run : sources) {
    const std::size_t end = begin + run.count;
    const std::size_t from = std::max(begin, range.first), to = std::min(end, range.first + range.count);
    begin = end;
    if (from >= to) continue;
    const bool estimated = run.source < 0;
    if (ranges.empty() || ranges.back().estimated != estimated) ranges.push_back({from, 0, estimated});
    ranges.back().count += to - from;
  }
  return ranges;
}

void IntervalMessages::append(std::span<const ReadingTarget* const> of_span,
                              const storage::IntervalPage& page,
                              std::vector<v1::StreamIntervalsResponse>& out) {
  Draft draft;
  for (const storage::IntervalBlock& block : page.blocks) {
    const ReadingTarget& target = *of_span[block.span];
    const TargetMeter& meter = target.meters.at(block.meter);
    for (const SlotRange& range :
         cut_at_placements(block.first_start, block.length, block.mantissas.size(), meter.placements)) {
      add_range(target, block, range, page.dictionary, draft);
    }
  }
  const v1::Dictionary& dictionary = draft.dictionary;
  if (dictionary.channels_size() + dictionary.qualities_size() + dictionary.sources_size() > 0) {
    *out.emplace_back().mutable_dictionary() = std::move(draft.dictionary);
  }
  std::ranges::move(draft.blocks, std::back_inserter(out));
}

void IntervalMessages::add_range(const ReadingTarget& target, const storage::IntervalBlock& block,
                                 const SlotRange& range, const storage::Dictionary& names, Draft& draft) {
  const storage::ChannelInfo& channel = names.channels.at(block.channel);
  const auto slots = std::span(block.mantissas).subspan(range.first, range.count);

  std::vector<std::int64_t> multiplied;
  Values values{slots, block.exponent, false, false, {}};
  if (apply_multiplier_ && range.placement != nullptr &&
      takes_multiplier(meaning_of(channel.reading_type).quantity)) {
    const Decimal& multiplier = range.placement->multiplier;
    if (auto product = scaled(slots, multiplier.mantissa)) {
      multiplied = *std::move(product);
      values.mantissas = multiplied;
      values.exponent += multiplier.exponent;
      values.applied = true;
    }
  }
  const std::span<const std::int64_t> all = values.mantissas;
  for (const EstimateRange& alike : cut_at_estimates(block.sources, range)) {
    values.estimated = alike.estimated;
    const regime::Formed formed =
        values.applied || values.estimated ? regime::Formed::Computed : regime::Formed::Interval;
    for (const StandingRange& part :
         cut_at_standings(block.first_start, block.length, {alike.first, alike.count, range.placement},
                          block.meter, channel.reading_type, formed, standings_)) {
      values.mantissas = all.subspan(part.first - range.first, part.count);
      values.standing = part.standing;
      add_block(target, block, {part.first, part.count, range.placement}, values, names, draft);
    }
  }
}

void IntervalMessages::add_block(const ReadingTarget& target, const storage::IntervalBlock& block,
                                 const SlotRange& range, const Values& told, const storage::Dictionary& names,
                                 Draft& draft) {
  const storage::ChannelInfo& channel = names.channels.at(block.channel);
  const UtcInstant start = block.first_start + block.length * static_cast<std::int64_t>(range.first);
  const std::span<const std::int64_t> mantissas = told.mantissas;

  v1::Block& message = *draft.blocks.emplace_back().mutable_block();
  message.set_channel(channel_number(target, channel, range, start, told, draft));
  *message.mutable_first_start() = to_proto(start);
  message.set_length_s(static_cast<std::uint32_t>(block.length.count()));
  message.set_exponent(told.exponent);
  auto& values = *message.mutable_mantissas();
  values.Reserve(static_cast<int>(mantissas.size()));
  std::string missing((mantissas.size() + 7) / 8, '\0');
  bool any_missing = false;
  for (std::size_t i = 0; i < mantissas.size(); ++i) {
    const bool hole = mantissas[i] == kMissing;
    values.AddAlreadyReserved(hole ? 0 : mantissas[i]);
    if (!hole) continue;
    any_missing = true;
    missing[i / 8] = static_cast<char>(static_cast<unsigned char>(missing[i / 8]) | (1U << (i % 8)));
  }
  if (any_missing) message.set_missing(std::move(missing));

  const auto add_run = [](v1::Block::Run* run, std::size_t first, std::size_t count, std::uint32_t number) {
    run->set_first(static_cast<std::uint32_t>(first));
    run->set_count(static_cast<std::uint32_t>(count));
    run->set_number(number);
  };
  runs_within(
      block.qualities, range, [](const auto& run) { return run.quality; },
      [&](std::size_t first, std::size_t count, storage::QualityId id) {
        const std::uint32_t number = quality_number(id, names, draft);
        if (number != 0) add_run(message.add_qualities(), first, count, number);
      });
  runs_within(
      block.sources, range, [](const auto& run) { return run.source; },
      [&](std::size_t first, std::size_t count, storage::SourceId id) {
        add_run(message.add_sources(), first, count, source_number(id, names, draft));
      });
}

std::uint32_t IntervalMessages::channel_number(const ReadingTarget& target,
                                               const storage::ChannelInfo& channel, const SlotRange& range,
                                               UtcInstant start, const Values& values, Draft& draft) {
  const TargetMeter& meter = target.meters.at(channel.meter);
  const bool applied = values.applied;
  const v1::Origin origin = applied || values.estimated ? v1::ORIGIN_PROCESSED
                            : meter.details.empty()     ? v1::ORIGIN_UNSPECIFIED
                                                    : interval_origin(detail_at(meter.details, start).model);
  const auto [entry, is_new] = channels_.try_emplace(
      {target.name, channel.id, range.placement == nullptr ? std::string() : range.placement->order,
       static_cast<int>(origin), applied, values.standing.judged, values.standing.verification},
      static_cast<std::uint32_t>(channels_.size() + 1));
  if (!is_new) return entry->second;

  v1::Dictionary::Channel& message = *draft.dictionary.add_channels();
  message.set_number(entry->second);
  message.set_name(target.name);
  message.set_meter(meter_name(utility_.key, meter.key));
  if (range.placement != nullptr) {
    message.set_usage_point(range.placement->usage_point);
    message.set_time_zone(range.placement->zone);
    message.set_multiplier(range.placement->multiplier.to_string());
  }
  message.set_channel(channel.key);
  const Meaning meaning = meaning_of(channel.reading_type);
  message.set_quantity(meaning.quantity);
  message.set_tou(meaning.tou);
  message.set_reading_type(channel.reading_type);
  message.set_unit(channel.unit);
  message.set_multiplier_applied(applied);
  tell_standing(values.standing, message);
  message.set_origin(origin);
  return entry->second;
}

std::uint32_t IntervalMessages::quality_number(storage::QualityId id, const storage::Dictionary& names,
                                               Draft& draft) {
  const auto [entry, is_new] = qualities_.try_emplace(id, 0);
  const ValueQuality& quality = names.qualities.at(id);
  if (is_new && quality != ValueQuality{}) {
    entry->second = ++quality_count_;
    v1::Dictionary::QualityEntry& message = *draft.dictionary.add_qualities();
    message.set_number(entry->second);
    *message.mutable_quality() = to_proto(quality);
  }
  return entry->second;
}

std::uint32_t IntervalMessages::source_number(storage::SourceId id, const storage::Dictionary& names,
                                              Draft& draft) {
  const auto [entry, is_new] = sources_.try_emplace(id, static_cast<std::uint32_t>(sources_.size() + 1));
  if (is_new) {
    v1::Dictionary::SourceEntry& message = *draft.dictionary.add_sources();
    message.set_number(entry->second);
    if (id < 0) {
      *message.mutable_estimate() = to_proto(names.estimates.at(id));
      return entry->second;
    }
    const storage::SourceInfo& source = names.sources.at(id);
    message.set_source(source_name(utility_.key, id));
    message.set_time_source(to_proto(source.time_source));
    *message.mutable_received_at() = to_proto(source.received_at);
  }
  return entry->second;
}

}  // namespace ami::rpc
