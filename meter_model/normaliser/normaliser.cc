#include "meter_model/normaliser/normaliser.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

#include "meter_model/normaliser/batch_writer.h"
#include "meter_model/normaliser/block_end_check.h"
#include "meter_model/normaliser/interval_runs.h"
#include "meter_model/normaliser/placed_time.h"
#include "meter_model/normaliser/reading_target.h"
#include "meter_model/normaliser/record_scope.h"
#include "meter_model/normaliser/record_trouble.h"
#include "meter_model/quantity/quoted.h"
#include "meter_model/quantity/unit.h"
#include "meter_model/vee/findings.h"

namespace ami {
namespace {

constexpr std::chrono::seconds kLongestInterval{366 * 86400};
// The store looks records up by these texts; real ones are a few characters long.
constexpr std::size_t kLongestFlag = 64;
constexpr std::size_t kLongestKey = 256;
constexpr QualityCode kStale{2, 10, 0};

struct ReadValue {
  std::optional<Decimal> number;  // vendor's unit, constant not applied; nullopt without problem = missing
  const FlagRule* flag = nullptr;
  const char* problem = nullptr;
  std::string detail;
};

// `what` the vendor said, printable.
std::string said_as(std::string_view what, std::string_view text) {
  return std::string(what) + " " + quoted(text);
}

// Of a series that begins at a bare clock face, block ends are counted by faces: where the clock is shifted
// in between, another value ends there, or none.
std::optional<std::size_t> place_of_end(const SeriesObservation& said, std::size_t by_face,
                                        const std::optional<Zone>& zone) {
  const StatedTime& start = said.period_start;
  const bool from_start = start.present() && !said.values.front().time.present();
  if (!from_start || start.utc_offset || !zone) return by_face;
  const Zone::Candidates from = zone->resolve(start.civil);
  const Zone::Candidates end =
      zone->resolve(start.civil + said.interval * static_cast<std::int64_t>(by_face + 1));
  if (from.count != 1 || end.count != 1) return std::nullopt;
  const auto after = end.first - from.first;
  if (after < said.interval || after % said.interval != after.zero()) return std::nullopt;
  return static_cast<std::size_t>(after / said.interval) - 1;
}

class Normaliser {
 public:
  Normaliser(const FeedRules& rules, const MeterResolver& resolve, UtcInstant received_at,
             NormalisedBatch& out)
      : rules_(rules),
        resolve_(resolve),
        bounds_{rules.not_before, received_at + rules.future_tolerance},
        received_at_(received_at),
        fresh_since_(rules.stale_after.count() > 0 ? received_at - rules.stale_after : UtcInstant::min()),
        out_(out),
        writer_(out),
        chooser_(rules.mapping) {
    out.clock_tolerance = rules.clock_tolerance;
  }

  void take(const SeriesObservation& said);
  void take(const EventObservation& said);

 private:
  struct Series {
    const SeriesObservation& said;
    TargetChooser::Choice choice;
    Decimal constant{1, 0};
    RankStamp rank{};
    RecordTrouble trouble{};
  };

  bool prepare(Series& series) const;
  bool rank_of(const SeriesObservation& said, RankStamp& rank, RecordTrouble& trouble) const;
  [[nodiscard]] ReadValue read(const SeriesObservation& said, const SeriesValue& value);
  void read_number(const SeriesObservation& said, const SeriesValue& value, ReadValue& result) const;
  [[nodiscard]] std::optional<Decimal> in_canonical_unit(const Series& series, const Decimal& number,
                                                         const ReadingTarget& target) const;
  // Where in the quarantine the items of this observation's raw record begin; the same bytes are the same
  // record.
  std::size_t record_begin(const ObservationHead& said) {
    if (said.raw.empty() || said.raw.data() != record_) {
      record_ = said.raw.data();
      record_begin_ = out_.quarantined.size();
    }
    return record_begin_;
  }
  // A time too late to be stored says that the meter's clock is ahead, where it is the meter's own.
  // `later`: so long after the time that was written.
  void note_ahead(const char* problem, const ObservationHead& said, const StatedTime& time,
                  std::chrono::seconds later = std::chrono::seconds{0});
  void take_registers(Series& series);
  void take_intervals(Series& series);
  UtcInstant on_grid(UtcInstant end, std::chrono::seconds length);
  bool period_of(Series& series, std::optional<UtcInstant>& start, std::optional<UtcInstant>& occurred) const;

  const FlagRule* codes_of(std::string_view flag);

  std::map<std::string, FlagRule, std::less<>> code_rules_;  // of flags that are quality codes
  const FlagRule* rule_ = nullptr;                           // of the flag that was read last
  std::string_view rule_flag_;
  const char* record_ = nullptr;
  std::size_t record_begin_ = 0;
  const FeedRules& rules_;
  const MeterResolver& resolve_;
  const TimeBounds bounds_;
  const UtcInstant received_at_;
  const UtcInstant fresh_since_;  // of register values
  NormalisedBatch& out_;
  BatchWriter writer_;
  TargetChooser chooser_;
};

bool Normaliser::rank_of(const SeriesObservation& said, RankStamp& rank, RecordTrouble& trouble) const {
  if (!said.created.present()) return true;
  const PlacedTime placed = place_time(said.created, rules_.zone, bounds_);
  if (placed.at) {
    rank = *placed.at;
    return true;
  }
  const std::string_view problem = placed.problem;
  if (problem == "no_zone" || problem == "time_in_future") {
    // A stamp of the future would outrank every true correction that is still to come.
    trouble.record(placed.problem, said_as("creation stamp", said.created.text));
    return false;
  }
  // A stamp only orders records, so in the repeated hour the earlier reading of it will do; a clock that was
  // never set, or a face that the zone skips, orders nothing and ranks as no stamp.
  if (problem == "ambiguous_local_time") rank = rules_.zone->resolve(said.created.civil).first;
  return true;
}

bool Normaliser::prepare(Series& series) const {
  const SeriesObservation& said = series.said;
  if (said.values.empty()) {
    series.trouble.record("no_values", "the record carries no value");
    return false;
  }
  if (said.interval < std::chrono::seconds{0} || said.interval > kLongestInterval) {
    series.trouble.record("unknown_interval_length", std::to_string(said.interval.count()) + " s");
    return false;
  }
  series.choice = chooser_.choose(said);
  if (series.choice.problem != nullptr) {
    series.trouble.record(series.choice.problem, series.choice.detail);
    return false;
  }
  if (!said.constant.empty()) {
    const auto constant = Decimal::parse(said.constant);
    if (!constant || constant->mantissa <= 0) {
      series.trouble.record("bad_constant",
                            said_as("constant", said.constant) + " is not a number above zero");
      return false;
    }
    series.constant = constant->normalised();
  }
  return rank_of(said, series.rank, series.trouble);
}

ReadValue Normaliser::read(const SeriesObservation& said, const SeriesValue& value) {
  ReadValue result;
  // Neighbours mostly carry the same flag.
  if (rule_ != nullptr && rule_flag_ == value.flag) {
    result.flag = rule_;
    read_number(said, value, result);
    return result;
  }
  if (value.flag.size() > kLongestFlag) {
    result.problem = "text_too_long";
    result.detail = said_as("flag", value.flag.substr(0, kLongestFlag));
    return result;
  }
  const FlagRule* flag = codes_of(value.flag);
  if (flag == nullptr) flag = flag_rule(rules_.mapping, value.flag);
  if (flag == nullptr) {
    result.problem = "unknown_flag";
    result.detail = said_as("flag", value.flag);
    return result;
  }
  rule_ = result.flag = flag;
  rule_flag_ = value.flag;
  read_number(said, value, result);
  return result;
}

const FlagRule* Normaliser::codes_of(std::string_view flag) {
  if (!rules_.mapping.flags_are_codes || flag.empty()) return nullptr;
  auto known = code_rules_.find(flag);
  if (known == code_rules_.end()) {
    auto rule = rule_of_codes(flag);
    if (!rule) return nullptr;
    known = code_rules_.emplace(std::string(flag), std::move(*rule)).first;
  }
  return &known->second;
}

void Normaliser::read_number(const SeriesObservation& said, const SeriesValue& value,
                             ReadValue& result) const {
  if (result.flag->missing) return;
  if (!value.value.empty()) {
    const auto number = Decimal::parse(value.value);
    if (number) {
      result.number = *number;
    } else {
      result.problem = "bad_number";
      result.detail = number.error().message;
    }
    return;
  }
  if (value.raw_count.empty()) {
    if (result.flag->claims_value) {
      result.problem = "empty_value";
      result.detail = said_as("no value under flag", value.flag);
    }
    return;
  }
  const auto scale = rules_.mapping.raw_scale.find(said.channel);
  if (scale == rules_.mapping.raw_scale.end()) {
    result.problem = "raw_value_without_scale";
    result.detail = "no raw_scale configured for " + said_as("channel", said.channel);
    return;
  }
  const auto count = Decimal::parse(value.raw_count);
  if (!count) {
    result.problem = "bad_number";
    result.detail = count.error().message;
    return;
  }
  result.number = count->times(scale->second);
  if (!result.number) {
    result.problem = "number_out_of_range";
    result.detail = said_as("raw count", value.raw_count);
  }
}

std::optional<Decimal> Normaliser::in_canonical_unit(const Series& series, const Decimal& number,
                                                     const ReadingTarget& target) const {
  const bool unity = series.constant.mantissa == 1 && series.constant.exponent == 0;
  const std::optional<Decimal> product = unity ? number : number.times(series.constant);
  return product ? to_canonical(*product, target.as_sent) : std::nullopt;
}

bool Normaliser::period_of(Series& series, std::optional<UtcInstant>& start,
                           std::optional<UtcInstant>& occurred) const {
  const SeriesObservation& said = series.said;
  if (said.period_start.present()) {
    const PlacedTime placed = place_time(said.period_start, rules_.zone, bounds_);
    if (!placed.at) {
      series.trouble.record(placed.problem, said_as("start of period", said.period_start.text));
      return false;
    }
    start = placed.at;
  }
  if (said.occurred_at.present()) {
    const PlacedTime placed = place_time(said.occurred_at, rules_.zone, bounds_);
    occurred = placed.at;
    // A maximum that has not been set since the reset is stamped with the epoch: it has no time.
    if (!placed.at && placed.problem != std::string_view("time_before_epoch")) {
      series.trouble.record(placed.problem, said_as("time of the maximum", said.occurred_at.text));
      return false;
    }
  }
  return true;
}

void Normaliser::note_ahead(const char* problem, const ObservationHead& said, const StatedTime& time,
                            std::chrono::seconds later) {
  if (problem == nullptr || problem != std::string_view("time_in_future") || !time.present() ||
      said.time_source != TimeSource::Device)
    return;
  const PlacedTime placed = place_time(time, rules_.zone, {rules_.not_before, UtcInstant::max()});
  const std::optional<ResolvedMeter> meter = resolve_(said.meter_kind, said.meter, received_at_);
  if (!placed.at || !meter) return;
  out_.clock_signs.push_back({meter->id, ClockSignKind::Ahead,
                              std::chrono::floor<std::chrono::seconds>(*placed.at + later - received_at_),
                              *placed.at + later});
}

void Normaliser::take_registers(Series& series) {
  struct Read {
    RegisterReading reading;
    const FlagRule* rule = nullptr;
    std::string_view flag;
  };
  const SeriesObservation& said = series.said;
  std::optional<UtcInstant> period_start;
  std::optional<UtcInstant> occurred_at;
  if (!period_of(series, period_start, occurred_at)) return;

  const std::vector<PlacedTime> times = place_series(said.values, said.interval, rules_.zone, bounds_);
  MeterOfRecord meter_of(resolve_, said);
  ChannelOfRecord channel_of(chooser_, series.choice, writer_, rules_.mapping.wire, said);
  QualityOfRecord quality_of(writer_);
  std::vector<Read> reads;
  reads.reserve(said.values.size());
  for (std::size_t i = 0; i < said.values.size(); ++i) {
    const SeriesValue& value = said.values[i];
    const ReadValue got = read(said, value);
    if (got.problem == nullptr && !got.number) {
      ++out_.missing_values;
      continue;
    }
    const char* problem = got.problem != nullptr ? got.problem : times[i].problem;
    note_ahead(problem, said, value.time);
    if (problem == nullptr && period_start && *period_start > *times[i].at) problem = "bad_time";
    const ResolvedMeter* meter = problem == nullptr ? meter_of.at(*times[i].at) : nullptr;
    if (problem == nullptr && meter == nullptr) problem = "unknown_meter";
    const ReadingTarget* target = meter != nullptr ? channel_of.target(*meter, problem) : nullptr;
    std::optional<Decimal> number;
    if (target != nullptr) {
      number = in_canonical_unit(series, *got.number, *target);
      if (!number) problem = "number_out_of_range";
    }
    if (problem != nullptr) {
      series.trouble.value(problem, i, value.time.text, got.detail);
      continue;
    }
    Read read{{}, got.flag, value.flag};
    read.reading.channel = channel_of.channel();
    read.reading.at = *times[i].at;
    read.reading.value = *number;
    read.reading.rank = series.rank;
    read.reading.period_start = period_start;
    read.reading.occurred_at = occurred_at;
    read.reading.time_source = said.time_source;
    read.reading.offset = said.offset;
    reads.push_back(std::move(read));
  }

  // Channel by channel in time, whatever order the record has.
  std::ranges::stable_sort(reads, {},
                           [](const Read& r) { return std::make_pair(r.reading.channel, r.reading.at); });
  for (Read& read : reads) {
    read.reading.quality = read.reading.at < fresh_since_ ? quality_of.with(*read.rule, read.flag, kStale)
                                                          : quality_of.plain(*read.rule, read.flag);
    out_.registers.push_back(read.reading);
  }
}

UtcInstant Normaliser::on_grid(UtcInstant end, std::chrono::seconds length) {
  constexpr std::chrono::seconds kDay{86400};
  if (rules_.snap_tolerance.count() <= 0 || kDay % length != std::chrono::seconds{0}) return end;
  const std::chrono::microseconds step = length;
  const std::chrono::microseconds late = (end.time_since_epoch() % step + step) % step;
  const std::chrono::microseconds early = step - late;
  UtcInstant snapped = end;
  if (late <= rules_.snap_tolerance && late <= early) {
    snapped = end - late;
  } else if (early <= rules_.snap_tolerance) {
    snapped = end + early;
  }
  if (snapped != end) ++out_.snapped_ends;
  return snapped;
}

void Normaliser::take_intervals(Series& series) {
  struct Slot {
    std::size_t index = 0;
    UtcInstant end{};
    std::optional<Decimal> vendor_number;
    const FlagRule* flag = nullptr;
    bool sum_failed = false;
    IntervalSlot slot;
  };
  const SeriesObservation& said = series.said;
  if (said.interval.count() <= 0) {
    series.trouble.record("unknown_interval_length",
                          "an interval series without the length of its intervals");
    return;
  }
  const std::vector<PlacedTime> times =
      place_series(said.values, said.interval, rules_.zone, bounds_, said.period_start);
  MeterOfRecord meter_of(resolve_, said);
  ChannelOfRecord channel_of(chooser_, series.choice, writer_, rules_.mapping.wire, said);
  QualityOfRecord quality_of(writer_);
  std::vector<Slot> slots;
  slots.reserve(said.values.size());
  for (std::size_t i = 0; i < said.values.size(); ++i) {
    const SeriesValue& value = said.values[i];
    const ReadValue got = read(said, value);
    const char* problem = got.problem != nullptr ? got.problem : times[i].problem;
    const bool from_start = i == 0 && !value.time.present();
    const StatedTime& written = from_start ? said.period_start : value.time;
    note_ahead(problem, said, written, from_start ? said.interval : std::chrono::seconds{0});
    const ResolvedMeter* meter = nullptr;
    Slot slot{i, {}, got.number, got.flag, false, {}};
    if (problem == nullptr) {
      slot.end = on_grid(*times[i].at, said.interval);
      slot.slot.start = slot.end - said.interval;
      if (slot.slot.start < rules_.not_before) problem = "time_before_epoch";
    }
    if (problem == nullptr) meter = meter_of.during(slot.slot.start, slot.end, problem);
    const ReadingTarget* target = meter != nullptr ? channel_of.target(*meter, problem) : nullptr;
    if (target != nullptr && got.number) {
      slot.slot.value = in_canonical_unit(series, *got.number, *target);
      if (!slot.slot.value) problem = "number_out_of_range";
    }
    if (problem != nullptr) {
      series.trouble.value(problem, i, written.text, got.detail);
      continue;
    }
    if (!got.number) ++out_.missing_values;
    slot.slot.channel = channel_of.channel();
    slots.push_back(std::move(slot));
  }
  if (!std::ranges::is_sorted(slots, {}, &Slot::end)) std::ranges::stable_sort(slots, {}, &Slot::end);

  if (said.block_end_values.size() > 1) {
    std::map<std::size_t, Decimal> registers;
    for (const auto& [index, text] : said.block_end_values) {
      const auto number = Decimal::parse(text);
      const auto place = place_of_end(said, index, rules_.zone);
      if (!place) continue;
      if (number) {
        registers.insert_or_assign(*place, *number);
      } else {
        series.trouble.value("bad_number", index, {}, "block end value, " + number.error().message);
      }
    }
    std::optional<Decimal> one_count;
    std::int32_t last_place = -18;
    std::vector<BlockSlot> line;
    line.reserve(slots.size());
    for (const Slot& slot : slots) {
      const SeriesValue& value = said.values[slot.index];
      if (!one_count && slot.vendor_number && !value.raw_count.empty()) {
        if (const auto raw = Decimal::parse(value.raw_count))
          one_count = value_of_one_count(*slot.vendor_number, *raw);
      }
      if (slot.vendor_number) last_place = std::max(last_place, slot.vendor_number->exponent);
      const auto at_end = registers.find(slot.index);
      line.push_back({slot.end, slot.vendor_number,
                      at_end == registers.end() ? std::nullopt : std::optional<Decimal>(at_end->second)});
    }
    // Where no counts are sent, the last written place of the values stands for one count.
    const Decimal count = one_count.value_or(Decimal{1, last_place});
    for (const std::size_t k : slots_against_registers(line, said.interval, count))
      slots[k].sum_failed = true;
  }

  std::vector<IntervalSlot> ready;
  ready.reserve(slots.size());
  for (Slot& slot : slots) {
    const std::string_view flag = said.values[slot.index].flag;
    slot.slot.quality = slot.sum_failed ? quality_of.with(*slot.flag, flag, kSumCheckFailed)
                                        : quality_of.plain(*slot.flag, flag);
    ready.push_back(slot.slot);
  }
  IntervalRun like;
  like.length = said.interval;
  like.rank = series.rank;
  like.time_source = said.time_source;
  like.offset = said.offset;
  std::ranges::move(make_runs(ready, like), std::back_inserter(out_.intervals));
}

void Normaliser::take(const SeriesObservation& said) {
  Series series{said, {}};
  if (said.channel.size() > kLongestKey) {
    series.trouble.record("text_too_long",
                          "the channel has " + std::to_string(said.channel.size()) + " bytes");
  } else if (prepare(series)) {
    if (said.kind == SeriesKind::Register) {
      take_registers(series);
    } else {
      take_intervals(series);
    }
  }
  series.trouble.write(said, said.values.size(), record_begin(said), out_.quarantined);
}

void Normaliser::take(const EventObservation& said) {
  RecordTrouble trouble;
  const PlacedTime placed = place_time(said.time, rules_.zone, bounds_);
  const std::optional<ResolvedMeter> meter =
      placed.at ? resolve_(said.meter_kind, said.meter, *placed.at) : std::nullopt;
  if (!placed.at) {
    trouble.record(placed.problem, said_as("time of event", said.time.text));
    note_ahead(placed.problem, said, said.time);
  } else if (!meter) {
    trouble.record("unknown_meter", "no meter has this id at the time of the event");
  } else if (said.code.size() > kLongestKey) {
    trouble.record("text_too_long", "the event's code has " + std::to_string(said.code.size()) + " bytes");
  } else {
    const EventMeaning& meaning = rules_.events.look_up(said.code, said.text);
    if (meaning.kind == "UNMAPPED") ++out_.unmapped_events;
    out_.events.push_back({meter->id, *placed.at, meaning.kind, meaning.code, rules_.events.vendor(),
                           std::string(said.code), std::string(said.text), said.time_source, said.offset});
  }
  trouble.write(said, 0, record_begin(said), out_.quarantined);
}

}  // namespace

void normalise(const DecodedBatch& decoded, const FeedRules& rules, const MeterResolver& resolve,
               UtcInstant received_at, NormalisedBatch& out) {
  normalise(decoded.observations, decoded.malformed, rules, resolve, received_at, out);
}

void normalise(std::span<const Observation> observations, std::span<const MalformedRecord> malformed,
               const FeedRules& rules, const MeterResolver& resolve, UtcInstant received_at,
               NormalisedBatch& out) {
  Normaliser normaliser(rules, resolve, received_at, out);
  for (const MalformedRecord& record : malformed) {
    out.quarantined.push_back(
        {record.reason, record.detail, std::string(record.meter), std::string(record.raw), record.offset});
  }
  for (const Observation& observation : observations) {
    std::visit([&](const auto& said) { normaliser.take(said); }, observation);
  }
}

}  // namespace ami
