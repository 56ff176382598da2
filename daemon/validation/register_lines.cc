#include "daemon/validation/register_lines.h"

#include <algorithm>
#include <array>
#include <tuple>

#include "meter_model/vee/exact.h"
#include "meter_model/vee/register_advance.h"

namespace ami::validation {
namespace {

using std::chrono::days;
using std::chrono::seconds;

// Values of IEC 61968-9 (metrology reference 4.1).
constexpr std::int32_t kBulk = 1, kSummation = 9;                  // accumulation
constexpr std::int32_t kDaily = 11;                                // macro period: a snapshot at midnight
constexpr std::int32_t kForward = 1, kNetFlow = 4, kReverse = 19;  // flow direction

// What is measured and where, whatever way it flows and in whatever form it is said.
auto measurand(const TypedChannel& channel) {
  const ReadingType& t = channel.type;
  return std::tuple(family_of(channel.info), channel.info.unit, t[ReadingType::Commodity],
                    t[ReadingType::MeasurementKind], t[ReadingType::InterharmonicNumerator],
                    t[ReadingType::InterharmonicDenominator], t[ReadingType::ArgumentNumerator],
                    t[ReadingType::ArgumentDenominator], t[ReadingType::Phases]);
}
std::int32_t flow(const TypedChannel& channel) {
  return channel.type[ReadingType::FlowDirection];
}
std::int32_t tier(const TypedChannel& channel) {
  return channel.type[ReadingType::Tou];
}

// A dial that counts up over all time, of one tier or of all (0).
bool is_dial(const TypedChannel& channel) {
  const ReadingType& t = channel.type;
  const auto macro = t[ReadingType::MacroPeriod], kind = t[ReadingType::Accumulation];
  return (macro == 0 || macro == kDaily) && t[ReadingType::Aggregate] == 0 &&
         t[ReadingType::MeasuringPeriod] == 0 && (kind == kBulk || kind == kSummation) &&
         t[ReadingType::Cpp] == 0 && t[ReadingType::ConsumptionTier] == 0;
}

std::vector<const RegisterLine*> dials(const std::vector<RegisterLine>& lines, const TypedChannel& like,
                                       std::int32_t direction) {
  std::vector<const RegisterLine*> found;
  for (const RegisterLine& line : lines) {
    if (is_dial(*line.channel) && tier(*line.channel) == 0 && flow(*line.channel) == direction &&
        measurand(*line.channel) == measurand(like))
      found.push_back(&line);
  }
  std::ranges::sort(found, {}, [](const RegisterLine* line) {
    return std::tuple(-static_cast<std::int64_t>(line->reads.size()), line->channel->info.key,
                      line->channel->info.id);
  });
  return found;
}

std::string keys_of(const std::vector<std::string>& keys) {
  std::string text;
  for (const std::string& key : keys) text += (text.empty() ? "" : ", ") + key;
  return text;
}

struct DemandWindow {
  seconds window, step;
};
// Rolling windows of measuringPeriod 57 to 77: length and subinterval, in minutes.
std::optional<DemandWindow> demand_window(int code) {
  constexpr int kFirst = 57;
  constexpr std::array<int, 21> kSteps{30, 20, 15, 12, 10, 6, 5, 4, 15, 10, 6, 5, 3, 2, 5, 3, 1, 5, 2, 1, 1};
  const auto window = measuring_period_seconds(code);
  if (!window || *window <= 0) return std::nullopt;
  const int at = code - kFirst;
  const bool rolling = at >= 0 && at < static_cast<int>(kSteps.size());
  const seconds step = rolling ? seconds{60 * kSteps[static_cast<std::size_t>(at)]} : seconds{*window};
  return DemandWindow{seconds{*window}, step};
}

const vee::RegisterRead* at_instant(const RegisterLine& line, UtcInstant at) {
  const auto found = std::ranges::lower_bound(line.reads, at, {}, &vee::RegisterRead::at);
  return found != line.reads.end() && found->at == at ? &*found : nullptr;
}

// Of the instants at which every line has a reading: those of the day, each with the one before it.
std::vector<Identity> spans_of(const DayScene& scene, Identity::Kind kind,
                               const std::vector<const RegisterLine*>& lines) {
  std::vector<Identity> found;
  std::optional<UtcInstant> before;
  for (const vee::RegisterRead& read : lines.front()->reads) {
    const bool all = std::ranges::all_of(
        lines, [&](const RegisterLine* line) { return at_instant(*line, read.at) != nullptr; });
    if (!all) continue;
    if (before && read.at > scene.facts.day.from && read.at <= scene.facts.day.to) {
      Identity identity{kind, lines, {}};
      for (const RegisterLine* line : lines)
        identity.spans.emplace_back(*at_instant(*line, *before), *at_instant(*line, read.at));
      found.push_back(std::move(identity));
    }
    before = read.at;
  }
  return found;
}

bool never_counted(const Identity& identity) {
  return std::ranges::all_of(identity.spans.begin() + 1, identity.spans.end(), [](const auto& span) {
    return span.first.value.mantissa == 0 && span.second.value.mantissa == 0;
  });
}

}  // namespace

std::vector<RegisterLine> register_lines(const DayScene& scene) {
  std::map<ChannelId, std::vector<const storage::RegisterRow*>> rows;
  for (const storage::RegisterRow& row : scene.facts.registers) {
    if (scene.channels.contains(row.channel)) rows[row.channel].push_back(&row);
  }
  std::vector<RegisterLine> lines;
  for (auto& [channel, of_channel] : rows) {
    std::ranges::sort(of_channel, {}, [](const storage::RegisterRow* row) {
      return std::tuple(row->at, row->value.mantissa, row->value.exponent);
    });
    RegisterLine line{&scene.channels.at(channel), {}, {}};
    for (const storage::RegisterRow* row : of_channel) {
      if (!line.reads.empty() && line.reads.back().at == row->at) continue;
      line.rows.push_back(row);
      line.reads.push_back({row->at, row->value, scene.marks_of(row->quality)});
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

std::span<const vee::RegisterRead> judged_reads(std::span<const vee::RegisterRead> reads, const Period& day) {
  const auto first = std::ranges::upper_bound(reads, day.from, {}, &vee::RegisterRead::at);
  const auto last = std::ranges::upper_bound(reads, day.to, {}, &vee::RegisterRead::at);
  if (first == last) return {};
  return {first == reads.begin() ? first : first - 1, last};
}

Pairing dial_of(const DayScene& scene, const std::vector<RegisterLine>& lines, const TypedChannel& interval) {
  const auto found = dials(lines, interval, flow(interval));
  if (found.empty()) return {nullptr, "no register of the same quantity is known"};
  std::vector<std::string> rivals;
  for (const auto& [id, other] : scene.channels) {
    if (scene.recorded.contains(id) && is_consumption(other.type) && flow(other) == flow(interval) &&
        measurand(other) == measurand(interval) && std::ranges::find(rivals, other.info.key) == rivals.end())
      rivals.push_back(other.info.key);
  }
  const std::string& key = found.front()->channel->info.key;
  if (rivals.size() > 1) {
    std::ranges::sort(rivals);
    return {nullptr,
            "the register " + key + " may belong to any of the interval channels " + keys_of(rivals)};
  }
  if (found.size() == 1) return {found.front(), ""};
  std::vector<std::string> keys;
  for (const RegisterLine* line : found) keys.push_back(line->channel->info.key);
  return {found.front(), "compared with " + key + ", which has most readings of " + keys_of(keys)};
}

const RegisterLine* opposite_dial_of(const DayScene&, const std::vector<RegisterLine>& lines,
                                     const TypedChannel& interval) {
  const auto direction = flow(interval);
  if (direction != kForward && direction != kReverse) return nullptr;
  const auto found = dials(lines, interval, direction == kForward ? kReverse : kForward);
  return found.size() == 1 ? found.front() : nullptr;
}

std::vector<ChannelId> opposite_intervals_of(const DayScene& scene, const TypedChannel& interval) {
  std::vector<ChannelId> found;
  const auto direction = flow(interval);
  if (direction != kForward && direction != kReverse) return found;
  for (const auto& [id, other] : scene.channels) {
    if (is_consumption(other.type) && flow(other) == (direction == kForward ? kReverse : kForward) &&
        measurand(other) == measurand(interval))
      found.push_back(id);
  }
  return found;
}

std::optional<vee::DemandRead> demand_of(const DayScene& scene, const std::vector<RegisterLine>& lines,
                                         const TypedChannel& interval, const TypedChannel*& dial) {
  if (interval.info.unit != "Wh") return std::nullopt;
  const Quantity wanted = interval.quantity == Quantity::EnergyDelivered  ? Quantity::DemandMaxDelivered
                          : interval.quantity == Quantity::EnergyReceived ? Quantity::DemandMaxReceived
                                                                          : Quantity::Unknown;
  if (wanted == Quantity::Unknown) return std::nullopt;
  const Period& day = scene.facts.day;
  std::optional<vee::DemandRead> best;
  std::chrono::microseconds most{0};
  for (const RegisterLine& line : lines) {
    const auto& channel = *line.channel;
    if (channel.quantity != wanted || channel.info.unit != "W" || tier(channel) != 0 ||
        family_of(channel.info) != family_of(interval.info))
      continue;
    const auto window = demand_window(channel.type[ReadingType::MeasuringPeriod]);
    if (!window) continue;
    for (const storage::RegisterRow* row : line.rows) {
      std::optional<UtcInstant> reset = row->period_start;
      for (const storage::EventRow& event : scene.facts.events) {
        if (event.kind == "DEMAND_RESET" && event.at < row->at && (!reset || event.at > *reset))
          reset = event.at;
      }
      if (!reset) continue;  // what the maximum covers is not known
      const auto shared = std::min(row->at, day.to) - std::max(*reset, day.from);
      if (shared <= most) continue;
      most = shared;
      best = vee::DemandRead{.maximum = row->value,
                             .resolution = {1, row->value.exponent},
                             .window = window->window,
                             .step = window->step,
                             .since_reset = {*reset, row->at}};
      dial = &channel;
    }
  }
  return best;
}

AverageUse average_use(const DayScene& scene, const RegisterLine& line,
                       const vee::ChannelProgramme& programme, const vee::MeterDay& meter) {
  constexpr days kPeriod{30}, kYear{365}, kStale{10};
  std::vector<vee::RegisterRead> reads;
  for (const storage::RegisterRow& row : scene.facts.earlier_registers) {
    if (row.channel == line.channel->info.id)
      reads.push_back({row.at, row.value, scene.marks_of(row.quality)});
  }
  reads.insert(reads.end(), line.reads.begin(), line.reads.end());
  std::ranges::sort(reads, {}, [](const vee::RegisterRead& read) {
    return std::tuple(read.at, read.value.mantissa, read.value.exponent);
  });
  const UtcInstant now = scene.facts.day.from;
  const auto last_before = [&](UtcInstant at) -> const vee::RegisterRead* {
    const auto past = std::ranges::upper_bound(reads, at, {}, &vee::RegisterRead::at);
    if (past == reads.begin() || at - (past - 1)->at > kStale) return nullptr;
    return &*(past - 1);
  };
  const auto between = [&](UtcInstant from, UtcInstant to) -> std::optional<Decimal> {
    const auto *first = last_before(from), *second = last_before(to);
    if (first == nullptr || second == nullptr || second->at - first->at < kPeriod - kStale)
      return std::nullopt;
    const auto step =
        vee::advance(programme, *first, *second, vee::interrupted_between(meter, first->at, second->at),
                     scene.config.physical_factor);
    const auto whole = std::chrono::floor<seconds>(second->at - first->at).count();
    if (step.verdict != vee::RegisterAdvance::Verdict::Accepted || !step.delta) return std::nullopt;
    const auto scaled = step.delta->times({seconds{days{1}}.count(), 0});
    if (!scaled) return std::nullopt;
    return Decimal{vee::floor_mantissa(*scaled, whole, -3), -3};
  };
  return {between(now - kYear - kPeriod, now - kYear), between(now - kPeriod, now)};
}

std::vector<Identity> identities_of(const DayScene& scene, const std::vector<RegisterLine>& lines) {
  std::vector<Identity> found;
  // V15: of several bulk dials the one that was read most often together with the tiers.
  std::map<std::pair<decltype(measurand(*lines.front().channel)), std::int32_t>,
           std::vector<const RegisterLine*>>
      tiers;
  for (const RegisterLine& line : lines) {
    if (is_dial(*line.channel) && tier(*line.channel) > 0)
      tiers[{measurand(*line.channel), flow(*line.channel)}].push_back(&line);
  }
  for (const auto& [what, of_bulk] : tiers) {
    std::vector<Identity> best;
    for (const RegisterLine* bulk : dials(lines, *of_bulk.front()->channel, what.second)) {
      std::vector<const RegisterLine*> all{bulk};
      all.insert(all.end(), of_bulk.begin(), of_bulk.end());
      auto spans = spans_of(scene, Identity::Kind::TouSum, all);
      if (spans.size() > best.size()) best = std::move(spans);
    }
    for (Identity& identity : best) {
      if (!never_counted(identity)) found.push_back(std::move(identity));
    }
  }
  for (const RegisterLine& net : lines) {
    if (!is_dial(*net.channel) || tier(*net.channel) != 0 || flow(*net.channel) != kNetFlow) continue;
    const auto delivered = dials(lines, *net.channel, kForward),
               received = dials(lines, *net.channel, kReverse);
    if (delivered.size() != 1 || received.size() != 1) continue;
    std::ranges::move(spans_of(scene, Identity::Kind::Net, {&net, delivered.front(), received.front()}),
                      std::back_inserter(found));
  }
  return found;
}

}  // namespace ami::validation
