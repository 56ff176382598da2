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

constexpr std::size_t kMostSlots = 100'000;  // of one line; a wider gap begins a new line

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

// The flag's letters, without the vendor's number.
std::string_view letters(std::string_view flag) {
  return flag.substr(0, std::min(flag.size(), flag.find_first_of("0123456789")));
}

class Printer {
 public:
  Printer(const DecodeRules& rules, std::ostream& out) : rules_(rules), out_(out), chooser_(rules.mapping) {}

  void print(const SeriesObservation& said) {
    Target target = target_of(said);
    const auto placed = place_series(said.values, said.interval, rules_.zone, bounds_);
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
      if (constant && constant.value() != Decimal{1, 0}) target.factor = constant.value();
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

  // The value as a decimal string; null when there is none.
  json::value value_of(const SeriesValue& value, const Target& target) const {
    const auto flag = rules_.mapping.flags.find(letters(value.flag));
    if (value.value.empty() || (flag != rules_.mapping.flags.end() && flag->second.missing)) return nullptr;
    const auto number = Decimal::parse(value.value);
    if (!number) return nullptr;
    if (!target.factor) return json::value(number->to_string());
    const auto scaled = number->times(*target.factor);
    return scaled ? json::value(scaled->to_string()) : json::value();
  }

  json::object quality_of(const SeriesValue& value) const {
    json::array codes;
    const auto flag = rules_.mapping.flags.find(letters(value.flag));
    if (flag != rules_.mapping.flags.end()) {
      for (const QualityCode& code : flag->second.quality) codes.emplace_back(code.to_string());
    }
    return {{"codes", codes}, {"flag", printable(value.flag)}};
  }

  void print_register(const SeriesObservation& said, const SeriesValue& value, const PlacedTime& at,
                      const Target& target) {
    if (at.problem != nullptr) {
      error(said, at.problem, "time " + printable(value.time.text) + " of value " + printable(value.value));
      return;
    }
    json::object line = head("register", said);
    describe(line, said, target);
    line["time"] = instant(at.at);
    line["value"] = value_of(value, target);
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
    std::map<UtcInstant, const SeriesValue*> line_slots;
    const auto flush = [&] {
      if (!line_slots.empty()) print_block(said, line_slots, target);
      line_slots.clear();
    };
    for (std::size_t i = 0; i < placed.size(); ++i) {
      if (placed[i].problem != nullptr) {
        error(said, placed[i].problem,
              "time " + printable(said.values[i].time.text) + " of value " + printable(said.values[i].value));
        continue;
      }
      const UtcInstant end = *placed[i].at;
      if (!line_slots.empty()) {
        const auto gap = end - line_slots.rbegin()->first;
        const bool next = gap > gap.zero() && gap % said.interval == gap.zero() &&
                          gap / said.interval <= static_cast<std::int64_t>(kMostSlots - line_slots.size());
        if (!next) flush();
      }
      line_slots[end] = &said.values[i];
    }
    flush();
  }

  void print_block(const SeriesObservation& said, const std::map<UtcInstant, const SeriesValue*>& slots,
                   const Target& target) {
    json::array values, quality;
    for (UtcInstant end = slots.begin()->first; end <= slots.rbegin()->first; end += said.interval) {
      const auto slot = slots.find(end);
      values.push_back(slot == slots.end() ? json::value() : value_of(*slot->second, target));
      quality.push_back(slot == slots.end() ? json::value() : json::value(quality_of(*slot->second)));
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
  for (; malformed != batch.malformed.end(); ++malformed) printer.print(*malformed);
  return printer.errors();
}

}  // namespace ami::amictl
