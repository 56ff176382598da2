#include "daemon/switching/stored_evidence.h"

#include <algorithm>

#include "meter_model/quantity/reading_type.h"

namespace ami::daemon::switching {
namespace {

using storage::ChannelInfo;
using std::chrono::days;
using std::chrono::seconds;

constexpr std::size_t kMostPages = 64;    // of one question
constexpr std::size_t kScan = 100'000;    // changes looked at a page
constexpr days kNearWindow{7};            // in which a register's first and last reading are looked for

std::optional<EnergyFlow> flow_of(const ReadingType& type) {
  if (type[ReadingType::Tou] != 0 || type[ReadingType::Cpp] != 0 || type[ReadingType::ConsumptionTier] != 0)
    return std::nullopt;
  switch (quantity_of(type)) {
    case Quantity::EnergyDelivered:
      return EnergyFlow::Delivered;
    case Quantity::EnergyReceived:
      return EnergyFlow::Received;
    default:
      return std::nullopt;
  }
}

// Energy in watt-hours of one direction, of all hours; net and total would hide one direction in the other.
std::optional<EnergyFlow> flow_of(const ChannelInfo& channel, bool intervals) {
  if (channel.unit != "Wh") return std::nullopt;
  const auto type = ReadingType::parse(channel.reading_type);
  if (!type.ok() || is_interval(*type) != intervals) return std::nullopt;
  // Of registers the running one and its daily snapshot; one of a billing period may begin anew.
  const int period = (*type)[ReadingType::MacroPeriod];
  if (!intervals && period != 0 && period != 11) return std::nullopt;
  return flow_of(*type);
}

std::optional<Decimal> kwh(std::int64_t mantissa, std::int32_t exponent) {
  return Decimal{mantissa, exponent}.shifted(-3);
}

Weight weight_of(const storage::Dictionary& dictionary, storage::QualityId quality) {
  const auto found = dictionary.qualities.find(quality);
  return found == dictionary.qualities.end() ? Weight::Nothing : switching::weight_of(found->second);
}

void take_block(const storage::IntervalBlock& block, const storage::Dictionary& dictionary,
                std::map<std::pair<storage::ChannelId, seconds>, EnergyChannel>& channels) {
  const auto channel = dictionary.channels.find(block.channel);
  if (channel == dictionary.channels.end()) return;
  const auto flow = flow_of(channel->second, true);
  if (!flow) return;
  EnergyChannel& out = channels[{block.channel, block.length}];
  out.flow = *flow;
  out.length = block.length;
  std::size_t at = 0;
  for (const auto& run : block.qualities) {
    const Weight weight = weight_of(dictionary, run.quality);
    for (std::uint32_t i = 0; i < run.count && at < block.mantissas.size(); ++i, ++at) {
      if (block.mantissas[at] == storage::IntervalBlock::kMissing) continue;
      const auto value = kwh(block.mantissas[at], block.exponent);
      if (!value) continue;
      out.slots[block.first_start + block.length * static_cast<std::int64_t>(at)] = {*value, weight};
    }
  }
}

storage::Refusal too_much(const char* what) {
  storage::Refusal out;
  out.kind = storage::Refusal::Kind::Internal;
  out.message = std::string("more ") + what + " than one look takes";
  return out;
}

}  // namespace

Answer<News> StoredEvidence::news(std::int32_t utility, const std::vector<MeterId>& meters) {
  News out;
  auto after = after_.find(utility);
  if (after == after_.end()) {
    const auto bounds = changes_.bounds(utility);
    if (!bounds.ok()) return bounds.refusal();
    after_.emplace(utility, bounds->newest);
    out.all = true;
    return out;
  }
  if (meters.empty()) {
    // Nobody to look for: on to the end, without walking there.
    const auto bounds = changes_.bounds(utility);
    if (!bounds.ok()) return bounds.refusal();
    after->second = bounds->newest;
    return out;
  }
  storage::ChangeQuery query;
  query.utility = utility;
  query.meters = meters;
  query.size = 10'000;
  query.scan = kScan;
  for (std::size_t page = 0; page < kMostPages; ++page) {
    const auto found = changes_.page(query, after->second);
    if (!found.ok()) {
      // What was told on pages before must not be lost.
      if (out.since.empty()) return found.refusal();
      return out;
    }
    if (found->fault != storage::CursorFault::None) {
      after_.erase(after);
      out.all = true;
      return out;
    }
    for (const storage::ChangeRow& row : found->rows) {
      const UtcInstant at = row.time.value_or(UtcInstant{row.day});
      const auto [known, fresh] = out.since.emplace(row.meter, at);
      if (!fresh) known->second = std::min(known->second, at);
    }
    after->second = found->next;
    if (found->caught_up) break;
  }
  return out;
}

Answer<StoredEnergy> StoredEvidence::energy(MeterId meter, UtcInstant since, UtcInstant from, UtcInstant until) {
  StoredEnergy out;
  std::map<std::pair<storage::ChannelId, seconds>, EnergyChannel> channels;
  storage::PageRequest page;
  page.size = 1000;
  const std::vector<MeterSpan> spans{{meter, {from - kChannelEnds, until}}};
  std::size_t pages = 0;
  do {
    if (++pages > kMostPages) return too_much("intervals");
    const auto found =
        readers_.intervals(spans, [](const ChannelInfo& c) { return flow_of(c, true).has_value(); }, page, {},
                           storage::Layer::Raw);
    if (!found.ok()) return found.refusal();
    for (const storage::IntervalBlock& block : found->blocks) take_block(block, found->dictionary, channels);
    page.token = found->next_token;
  } while (!page.token.empty());
  for (auto& [key, channel] : channels) out.channels.push_back(std::move(channel));

  // The first and the last of each register: between them it only rises.
  std::vector<MeterSpan> ends{{meter, {since, std::min(until, since + kNearWindow)}}};
  if (const UtcInstant last = until - kNearWindow; last > ends.front().period.to)
    ends.push_back({meter, {last, until}});
  std::map<storage::ChannelId, Dial> dials;
  for (const MeterSpan& span : ends) {
    page = {};
    page.size = 1000;
    pages = 0;
    do {
      if (++pages > kMostPages) return too_much("registers");
      const auto found =
          readers_.registers({span}, [](const ChannelInfo& c) { return flow_of(c, false).has_value(); }, page,
                             {}, storage::Layer::Raw);
      if (!found.ok()) return found.refusal();
      for (const storage::RegisterRow& row : found->rows) {
        // Who dates it by receipt does not say when it was read.
        if (row.time_source == TimeSource::Receipt) continue;
        if (weight_of(found->dictionary, row.quality) != Weight::Full) continue;
        const auto channel = found->dictionary.channels.find(row.channel);
        const auto value = kwh(row.value.mantissa, row.value.exponent);
        if (channel == found->dictionary.channels.end() || !value) continue;
        const auto flow = flow_of(channel->second, false);
        if (!flow) continue;
        Dial& dial = dials[row.channel];
        dial.flow = *flow;
        dial.readings.push_back({row.at, *value});
      }
      page.token = found->next_token;
    } while (!page.token.empty());
  }
  for (auto& [id, dial] : dials) {
    std::ranges::sort(dial.readings, {}, &DialReading::at);
    out.dials.push_back(std::move(dial));
  }
  return out;
}

}  // namespace ami::daemon::switching
