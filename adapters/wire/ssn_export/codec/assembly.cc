#include "adapters/wire/ssn_export/codec/assembly.h"

namespace ami::ssn_export {
namespace {

constexpr std::string_view kChannelPrefix = "lp:";

// Head shared by the observations of one record; its texts live in the batch's arena.
ObservationHead head_for(std::uint64_t offset, const Origin& origin, std::string&& raw, DecodedBatch& out) {
  ObservationHead head;
  head.meter = out.text(origin.meter);
  head.meter_kind = origin.meter_kind;
  head.raw = out.arena->adopt(std::move(raw));
  head.offset = offset;
  if (!origin.created_text.empty()) {
    if (auto created = parse_stated_time(out.text(origin.created_text))) head.created = *created;
  }
  return head;
}

}  // namespace

void OpenRecord::begin(std::uint64_t at) {
  offset = at;
  fault = nullptr;
  fault_detail.clear();
  text.clear();
  time = {};
  code = {};
  event_text.clear();
  children = 0;
  leaves.clear();
  malformed.clear();
  cuts.clear();
}

void OpenRecord::spoil(const char* reason, std::string detail) {
  if (fault != nullptr) return;
  fault = reason;
  fault_detail = std::move(detail);
}

void OpenBlock::clear() {
  intervals = 0;
  held_bytes = 0;
  raw_body.clear();
  text.clear();
  times.clear();
  series.clear();
  malformed.clear();
  hint = 0;
  unit_changed = false;
}

// The newest series of a channel goes on as long as its unit stays.
OpenBlock::Series& OpenBlock::series_for(std::string_view channel, std::string_view unit) {
  const auto is_channel = [&](const Series& s) {
    return cut(text, s.channel).substr(kChannelPrefix.size()) == channel;
  };
  if (hint >= series.size()) hint = 0;
  std::size_t found = series.size();
  if (!unit_changed && hint < series.size() && is_channel(series[hint])) {
    found = hint;
  } else {
    for (std::size_t i = series.size(); i-- > 0;) {
      if (is_channel(series[i])) {
        found = i;
        break;
      }
    }
  }
  if (found < series.size()) {
    if (cut(text, series[found].unit) == unit) {
      hint = found + 1;
      return series[found];
    }
    unit_changed = true;
  }
  Series fresh;
  fresh.channel = put(text, kChannelPrefix);
  fresh.channel.size += put(text, channel).size;
  fresh.unit = put(text, unit);
  series.push_back(std::move(fresh));
  hint = series.size();
  return series.back();
}

void OpenBlock::add(OpenRecord& interval) {
  HeldTime time = interval.time;
  time.text = put(text, cut(interval.text, time.text));
  times.push_back(time);
  for (const Leaf& leaf : interval.leaves) {
    const auto of = [&](Slice slice) { return cut(interval.text, slice); };
    Series& s = series_for(of(leaf.channel), of(leaf.unit));
    if (leaf.block_end.size != 0) {
      s.block_ends.emplace_back(static_cast<std::uint32_t>(s.values.size()), put(text, of(leaf.block_end)));
    }
    s.values.push_back({static_cast<std::uint32_t>(times.size() - 1), put(text, of(leaf.value)),
                        put(text, of(leaf.raw_count))});
  }
  for (auto& bad : interval.malformed) {
    held_bytes += bad.raw.size();
    malformed.push_back(std::move(bad));
  }
}

void deliver_registers(OpenRecord& record, const Origin& origin, std::string raw, DecodedBatch& out) {
  if (!record.leaves.empty()) {
    const ObservationHead head = head_for(record.offset, origin, std::move(raw), out);
    const std::string_view text = out.arena->adopt(std::move(record.text));
    for (const Leaf& leaf : record.leaves) {
      SeriesObservation series;
      static_cast<ObservationHead&>(series) = head;
      series.channel = cut(text, leaf.channel);
      series.measure = leaf.measure;
      series.unit = cut(text, leaf.unit);
      series.tou = cut(text, leaf.tou);
      series.values.push_back(
          {cut(text, leaf.value), {}, record.time.stated(text), cut(text, leaf.raw_count)});
      out.observations.emplace_back(std::move(series));
    }
  }
  deliver_malformed(record.malformed, origin, out);
}

void deliver_event(OpenRecord& record, const Origin& origin, std::string raw, DecodedBatch& out) {
  EventObservation event;
  static_cast<ObservationHead&>(event) = head_for(record.offset, origin, std::move(raw), out);
  event.measure = "Event";
  const std::string_view text = out.arena->adopt(std::move(record.text));
  event.code = cut(text, record.code);
  event.text = out.text(record.event_text);
  event.time = record.time.stated(text);
  out.observations.emplace_back(std::move(event));
}

void deliver_block(OpenBlock& block, const Origin& origin, std::chrono::minutes interval, std::string raw,
                   DecodedBatch& out) {
  if (!block.series.empty()) {
    const ObservationHead head = head_for(block.offset, origin, std::move(raw), out);
    const std::string_view text = out.arena->adopt(std::move(block.text));
    for (const auto& held : block.series) {
      SeriesObservation series;
      static_cast<ObservationHead&>(series) = head;
      series.kind = SeriesKind::Interval;
      series.interval = interval;
      series.channel = cut(text, held.channel);
      series.measure = "Reading";
      series.unit = cut(text, held.unit);
      series.values.reserve(held.values.size());
      for (const auto& value : held.values) {
        series.values.push_back({cut(text, value.value),
                                 {},
                                 block.times[value.interval].stated(text),
                                 cut(text, value.raw_count)});
      }
      for (const auto& [index, end] : held.block_ends)
        series.block_end_values.emplace_back(index, cut(text, end));
      out.observations.emplace_back(std::move(series));
    }
  }
  deliver_malformed(block.malformed, origin, out);
}

void deliver_malformed(std::vector<HeldMalformed>& malformed, const Origin& origin, DecodedBatch& out) {
  for (auto& bad : malformed) {
    MalformedRecord record;
    record.offset = bad.offset;
    record.raw = out.arena->adopt(std::move(bad.raw));
    record.meter = out.text(origin.meter);
    record.reason = bad.reason;
    record.detail = std::move(bad.detail);
    out.malformed.push_back(std::move(record));
  }
  malformed.clear();
}

}  // namespace ami::ssn_export
