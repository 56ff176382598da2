#include "tools/amictl/decode_json.h"

#include <algorithm>
#include <boost/json.hpp>
#include <map>

#include "meter_model/normaliser/placed_time.h"
#include "meter_model/normaliser/reading_target.h"
#include "meter_model/quantity/decimal.h"
#include "meter_model/quantity/unit.h"

namespace ami::amictl {
namespace {

namespace json = boost::json;

// A hole is filled with null up to this width; a wider gap, or more slots than one line shall hold, begins a
// new line. Few bytes of input must not become an endless line of nulls.
constexpr std::int64_t kWidestGap = 1'000;
constexpr std::int64_t kMostSlots = 100'000;

// JSON must be UTF-8, records need not be: bytes beyond ASCII are shown as \xNN.
std::string printable(std::string_view bytes) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      text += c;
    } else {
      text += "\\x";
      text += kHex[byte >> 4];
      text += kHex[byte & 15];
    }
  }
  return text;
}

json::value text_or_null(std::string_view text) {
  return text.empty() ? json::value() : json::value(printable(text));
}

json::value instant(const std::optional<UtcInstant>& at) {
  return at ? json::value(to_text(*at)) : json::value();
}

struct Number {
  std::optional<Decimal> value;  // nullopt without a problem: missing
  const char* problem = nullptr;
};

class Printer {
 public:
  Printer(const DecodeRules& rules, std::ostream& out) : rules_(rules), out_(out), chooser_(rules.mapping) {}

  void print(const SeriesObservation& said) {
    const Target target = target_of(said);
    if (target.problem != nullptr) {
      error(said, target.problem, "constant " + printable(said.constant) + " is not a number above zero");
      return;
    }
    const bool intervals = said.kind == SeriesKind::Interval;
    const auto placed = place_series(said.values, said.interval, rules_.zone, bounds_,
                                     intervals ? said.period_start : StatedTime{});
    if (said.kind == SeriesKind::Register) {
      for (std::size_t i = 0; i < said.values.size(); ++i)
        print_register(said, said.values[i], placed[i], target);
    } else {
      print_blocks(said, placed, target);
    }
  }

  void print(const EventObservation& said) {
    json::object line = head("event", said);
    const PlacedTime placed = place_time(said.time, rules_.zone, bounds_);
    line["code"] = printable(said.code);
    line["text"] = printable(said.text);
    line["time"] = instant(placed.at);
    line["raw"] = printable(said.raw);
    write(line);
    if (placed.problem != nullptr) error(said, placed.problem, "time " + printable(said.time.text));
  }

  void print(const ResultObservation& said) {
    json::object line = head("command_result", said);
    line["transaction"] = text_or_null(said.transaction);
    line["measure"] = printable(said.measure);
    line["word"] = printable(said.word);
    line["fault"] = text_or_null(said.fault);
    const PlacedTime placed =
        said.time.present() ? place_time(said.time, rules_.zone, bounds_) : PlacedTime{};
    line["time"] = instant(placed.at);
    line["raw"] = printable(said.raw);
    write(line);
    if (placed.problem != nullptr) error(said, placed.problem, "time " + printable(said.time.text));
  }

  void print(const MalformedRecord& record) {
    write({{"kind", "error"},
           {"meter", text_or_null(record.meter)},
           {"offset", record.offset},
           {"reason", record.reason},
           {"detail", printable(record.detail)},
           {"raw", printable(record.raw)}});
    ++errors_;
  }

  [[nodiscard]] std::size_t errors() const noexcept { return errors_; }

 private:
  struct Target {
    json::value reading_type;  // null when the mapping has no rule
    std::string unit;
    std::optional<Decimal> factor;  // set when values are to be multiplied
    const char* problem = nullptr;  // set when they cannot be
  };

  Target target_of(const SeriesObservation& said) {
    Target target;
    target.unit = printable(said.unit);
    const auto choice = chooser_.choose(said);
    const char* problem = choice.problem;
    if (problem != nullptr) return target;
    const ReadingTarget* found = chooser_.target(choice, said.interval, "", problem);
    if (found == nullptr) return target;
    target.reading_type = found->as_sent.to_string();
    target.unit = unit_symbol_scaled(found->as_sent);
    if (!said.constant.empty()) {
      const auto constant = Decimal::parse(said.constant);
      if (!constant || constant->mantissa <= 0) {
        target.problem = "bad_constant";
      } else if (constant.value() != Decimal{1, 0}) {
        target.factor = constant.value();
      }
    }
    return target;
  }

  json::object head(const char* kind, const ObservationHead& said) const {
    return {{"kind", kind}, {"meter", printable(said.meter)}, {"offset", said.offset}};
  }

  void write(const json::object& line) { out_ << line << '\n'; }

  void error(const ObservationHead& said, const char* reason, const std::string& detail) {
    json::object line = head("error", said);
    line["reason"] = reason;
    line["detail"] = detail;
    line["raw"] = printable(said.raw);
    write(line);
    ++errors_;
  }

  Number number_of(const SeriesObservation& said, const SeriesValue& value, const Target& target) const {
    const FlagRule* flag = flag_rule(rules_.mapping, value.flag);
    if (flag != nullptr && flag->missing) return {};
    std::optional<Decimal> scale = target.factor;
    std::string_view text = value.value;
    if (text.empty()) {
      const auto known = rules_.mapping.raw_scale.find(said.channel);
      if (value.raw_count.empty() || known == rules_.mapping.raw_scale.end()) return {};
      text = value.raw_count;
      scale = scale ? known->second.times(*scale) : known->second;
      if (!scale) return {std::nullopt, "number_out_of_range"};
    }
    const auto number = Decimal::parse(text);
    if (!number) return {std::nullopt, "bad_number"};
    if (!scale) return {number.value()};
    const auto scaled = number->times(*scale);
    return {scaled, scaled ? nullptr : "number_out_of_range"};
  }

  static json::value decimal_or_null(const std::optional<Decimal>& number) {
    return number ? json::value(number->to_string()) : json::value();
  }

  json::object quality_of(const SeriesValue& value) const {
    json::array codes;
    const auto said = rules_.mapping.flags_are_codes && !value.flag.empty() ? rule_of_codes(value.flag)
                                                                            : std::nullopt;
    if (const FlagRule* flag = said ? &*said : flag_rule(rules_.mapping, value.flag)) {
      for (const QualityCode& code : flag->quality) codes.emplace_back(code.to_string());
    }
    return {{"codes", codes}, {"flag", printable(value.flag)}};
  }

  // The value's number, or an error line and nullopt when its time or number cannot be read.
  std::optional<Number> readable(const SeriesObservation& said, const SeriesValue& value,
                                 const PlacedTime& at, const Target& target) {
    if (at.problem != nullptr) {
      error(said, at.problem, "time " + printable(value.time.text) + " of value " + printable(value.value));
      return std::nullopt;
    }
    const Number number = number_of(said, value, target);
    if (number.problem != nullptr) {
      error(said, number.problem,
            "value " + printable(value.value.empty() ? value.raw_count : value.value) + " at " +
                to_text(*at.at));
      return std::nullopt;
    }
    return number;
  }

  void print_register(const SeriesObservation& said, const SeriesValue& value, const PlacedTime& at,
                      const Target& target) {
    const auto number = readable(said, value, at, target);
    if (!number) return;
    json::object line = head("register", said);
    describe(line, said, target);
    line["time"] = instant(at.at);
    line["value"] = decimal_or_null(number->value);
    line["quality"] = quality_of(value);
    line["raw"] = printable(said.raw);
    write(line);
  }

  void describe(json::object& line, const SeriesObservation& said, const Target& target) const {
    line["channel"] = printable(said.channel);
    line["reading_type"] = target.reading_type;
    line["unit"] = target.unit;
    if (!said.tou.empty()) line["tou"] = printable(said.tou);
    if (!said.constant.empty()) line["constant"] = printable(said.constant);
  }

  // Slots on one grid share a line, holes are null; a value off the grid begins a line of its own.
  void print_blocks(const SeriesObservation& said, const std::vector<PlacedTime>& placed,
                    const Target& target) {
    if (said.interval <= std::chrono::seconds{0}) {
      error(said, "unknown_interval_length", "intervals without a length");
      return;
    }
    std::map<UtcInstant, Slot> slots;
    const auto flush = [&] {
      if (!slots.empty()) print_block(said, slots, target);
      slots.clear();
    };
    for (std::size_t i = 0; i < placed.size(); ++i) {
      const auto number = readable(said, said.values[i], placed[i], target);
      if (!number) continue;
      const UtcInstant end = *placed[i].at;
      if (!slots.empty()) {
        const auto gap = end - slots.rbegin()->first;
        const bool next = gap > gap.zero() && gap % said.interval == gap.zero() &&
                          gap / said.interval <= kWidestGap &&
                          (end - slots.begin()->first) / said.interval < kMostSlots;
        if (!next) flush();
      }
      slots[end] = {&said.values[i], number->value};
    }
    flush();
  }

  struct Slot {
    const SeriesValue* said = nullptr;
    std::optional<Decimal> number;
  };

  void print_block(const SeriesObservation& said, const std::map<UtcInstant, Slot>& slots,
                   const Target& target) {
    json::array values, quality;
    UtcInstant expected = slots.begin()->first;
    for (const auto& [end, slot] : slots) {
      for (; expected < end; expected += said.interval) {  // a hole
        values.emplace_back(nullptr);
        quality.emplace_back(nullptr);
      }
      values.push_back(decimal_or_null(slot.number));
      quality.emplace_back(quality_of(*slot.said));
      expected += said.interval;
    }
    json::object line = head("interval_block", said);
    describe(line, said, target);
    line["length_s"] = said.interval.count();
    line["first_end"] = to_text(slots.begin()->first);
    line["values"] = std::move(values);
    line["quality"] = std::move(quality);
    line["raw"] = printable(said.raw);
    write(line);
  }

  const DecodeRules& rules_;
  std::ostream& out_;
  TargetChooser chooser_;
  // decode shows what stands there, however old or odd; the gateway's own bounds apply on ingest.
  const TimeBounds bounds_{UtcInstant::min(), UtcInstant::max()};
  std::size_t errors_ = 0;
};

std::uint64_t offset_of(const Observation& said) {
  return std::visit([](const auto& one) { return one.offset; }, said);
}

}  // namespace

std::size_t print_json_lines(const DecodedBatch& batch, const DecodeRules& rules, std::ostream& out) {
  Printer printer(rules, out);
  auto malformed = batch.malformed.begin();
  for (const Observation& said : batch.observations) {
    for (; malformed != batch.malformed.end() && malformed->offset < offset_of(said); ++malformed)
      printer.print(*malformed);
    std::visit([&](const auto& one) { printer.print(one); }, said);
  }
  for (const ResultObservation& said : batch.results) printer.print(said);
  for (; malformed != batch.malformed.end(); ++malformed) printer.print(*malformed);
  return printer.errors();
}

}  // namespace ami::amictl
