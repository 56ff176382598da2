#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "adapters/wire/cmep/codec/cmep.h"
#include "adapters/wire/cmep/codec/fields.h"
#include "adapters/wire/cmep/codec/scalars.h"

namespace ami::cmep {
namespace {

constexpr std::size_t kLongestLine = std::size_t{1} << 20;  // so that a raw record is never cut
constexpr std::size_t kRawOfLongLine = 1024;
constexpr std::size_t kMepmd01Header = 14;  // fields up to and with the count
constexpr std::size_t kMepmd02Header = 16;

constexpr std::array<std::string_view, 8> kOtherTypes{"MEPAD01", "MEPAD02", "MEPBD01", "MEPBD02",
                                                      "MEPBD03", "MEPLF01", "MEPEC01", "MEPRR01"};
constexpr std::array<std::string_view, 3> kUnreadPurposes{"PROFILE", "TEMPLATE", "REJECT"};

std::string quoted(std::string_view text) {
  constexpr std::size_t kShown = 40;
  std::string shown{"\""};
  shown.append(text.substr(0, kShown)).append(text.size() > kShown ? "…\"" : "\"");
  return shown;
}

std::string field_says(std::size_t number, const char* name, std::string_view text, const char* problem) {
  return "field " + std::to_string(number) + " (" + name + ") " + quoted(text) + " " + problem;
}

void malformed(DecodedBatch& out, std::uint64_t offset, std::string_view raw, std::string_view meter,
               const char* reason, std::string detail) {
  out.malformed.push_back({offset, raw, meter, reason, std::move(detail)});
}

// The readings of a record that share a fault, told in one malformed record: its raw is the whole record, so
// one of each kind is enough to replay it.
class ReadingFaults {
 public:
  void add(std::size_t index, std::string_view text) {
    constexpr std::size_t kListed = 8;
    if (count_ == 0) first_ = quoted(text);
    if (count_ < kListed) readings_.append(count_ == 0 ? "" : ", ").append(std::to_string(index + 1));
    if (count_ == kListed) readings_.append(", …");
    ++count_;
  }

  void report(DecodedBatch& out, std::uint64_t offset, std::string_view raw, std::string_view meter,
              const char* reason, const char* problem) const {
    if (count_ == 0) return;
    malformed(out, offset, raw, meter, reason,
              (count_ == 1 ? "reading " : std::to_string(count_) + " readings, ") + readings_ + ": " +
                  first_ + " " + problem);
  }

 private:
  std::size_t count_ = 0;
  std::string readings_;
  std::string first_;
};

// A reading's value; empty stays empty: missing, whatever the format says of empty numbers.
std::optional<std::string_view> read_value(std::string_view text, std::size_t max_chars, TextArena& arena) {
  if (text.empty()) return text;
  return read_number(text, max_chars, arena);
}

template <class Range>
bool contains(const Range& range, std::string_view text) {
  return std::find(range.begin(), range.end(), text) != range.end();
}

}  // namespace

Decoder::Decoder(Options options) : options_(std::move(options)) {
  options_.max_line = std::min(options_.max_line, kLongestLine);
}

std::size_t Decoder::decode(std::string_view chunk, std::uint64_t chunk_offset, bool last_chunk,
                            DecodedBatch& out) {
  std::size_t at = 0;
  while (at < chunk.size()) {
    const std::string_view rest = chunk.substr(at);
    const auto* const newline = static_cast<const char*>(std::memchr(rest.data(), '\n', rest.size()));
    if (newline == nullptr && !skipping_) {
      // One byte of grace: it may be the CR of a line end still to come.
      if (rest.size() > options_.max_line + 1) {
        too_long(rest, chunk_offset + at, out);
        skipping_ = true;
      } else if (!last_chunk) {
        break;
      }
    }
    const std::size_t length =
        newline == nullptr ? rest.size() : static_cast<std::size_t>(newline - rest.data());
    if (!skipping_) {
      std::string_view line = rest.substr(0, length);
      if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
      if (line.size() > options_.max_line) {
        too_long(line, chunk_offset + at, out);
      } else {
        read_line({line, chunk_offset + at, {}, out});
      }
    }
    if (newline == nullptr) {
      at = chunk.size();
    } else {
      skipping_ = false;
      at += length + 1;
    }
  }
  if (last_chunk) skipping_ = false;
  return at;
}

void Decoder::too_long(std::string_view start, std::uint64_t offset, DecodedBatch& out) {
  ++counters_.records;
  malformed(out, offset, start.substr(0, std::min(kRawOfLongLine, options_.max_line)), {},
            reason::kLineTooLong,
            "the line at offset " + std::to_string(offset) + " has no end within " +
                std::to_string(options_.max_line) + " bytes; skipped to the next line");
}

std::string_view Decoder::field(std::size_t number) const noexcept {
  return number <= fields_.size() ? fields_[number - 1] : std::string_view{};
}

void Decoder::read_line(Record record) {
  if (record.text.find_first_not_of(" \t") == std::string_view::npos) return;
  ++counters_.records;
  const auto reject = [&record](const char* reason, std::string detail) {
    malformed(record.out, record.offset, record.text, record.meter, reason, std::move(detail));
  };

  const SplitOutcome split = split_fields(record.text, *record.out.arena, fields_);
  if (split.status == SplitOutcome::Status::NotAscii) {
    const auto byte = static_cast<unsigned char>(record.text[split.at]);
    return reject(reason::kNotAscii, "byte " + std::to_string(split.at) + " of the record is " +
                                         std::to_string(byte) + ", not printable ASCII");
  }
  if (split.status == SplitOutcome::Status::BadQuoting) {
    return reject(reason::kBadQuoting, "the quote at byte " + std::to_string(split.at) +
                                           " of the record is not closed before the field's end");
  }

  const std::string_view type = field(1);
  const bool mepmd01 = type == "MEPMD01";
  if (!mepmd01 && type != "MEPMD02") {
    if (contains(kOtherTypes, type)) {
      ++record.out.skipped;
      return;
    }
    return reject(reason::kUnknownRecordType, "field 1 " + quoted(type) + " is no CMEP record type");
  }
  record.meter = field(static_cast<std::size_t>(options_.meter_field));

  const std::string_view purpose = field(9);
  if (!contains(options_.purposes, purpose)) {
    if (contains(kUnreadPurposes, purpose)) {
      ++record.out.skipped;
      return;
    }
    return reject(reason::kUnknownPurpose, field_says(9, "purpose", purpose, "is not among those to read"));
  }
  if (record.meter.empty()) {
    return reject(reason::kMissingMeter, "field " + std::to_string(static_cast<int>(options_.meter_field)) +
                                             ", the meter's id in this feed, is empty");
  }
  if (mepmd01) {
    read_mepmd01(record);
  } else {
    read_mepmd02(record);
  }
}

bool Decoder::settle_crc(Record& record) {
  const std::string_view last = fields_.back();
  if (!options_.crc_is_right) {
    ++counters_.crc_unchecked;
  } else if (!options_.crc_is_right(
                 record.text.substr(0, static_cast<std::size_t>(last.data() - record.text.data())),
                 *parse_crc(last))) {
    malformed(record.out, record.offset, record.text, record.meter, reason::kBadCrc,
              "the record does not fit its CRC " + quoted(last));
    return false;
  }
  fields_.pop_back();
  return true;
}

// Checks the count against the fields that are there. False = reported.
bool Decoder::settle_count(Record& record, std::size_t header_fields, std::size_t& count) {
  const auto reject = [&record](const char* reason, std::string detail) {
    malformed(record.out, record.offset, record.text, record.meter, reason, std::move(detail));
    return false;
  };
  const std::string_view text = field(header_fields);
  const auto parsed = parse_count(text);
  if (!parsed) {
    return reject(reason::kBadNumber, field_says(header_fields, "count", text, "is no whole number"));
  }
  const std::size_t present = fields_.size() - std::min(fields_.size(), header_fields);
  const std::size_t crc = present % 3 == 1 && present / 3 == *parsed && parse_crc(fields_.back()) ? 1 : 0;
  if (present - crc != *parsed * 3) {
    return reject(reason::kCountMismatch, "field " + std::to_string(header_fields) + " announces " +
                                              std::to_string(*parsed) +
                                              " readings of 3 fields, the record has " +
                                              std::to_string(present) + " fields for them");
  }
  count = static_cast<std::size_t>(*parsed);
  if (count > options_.max_count) {
    return reject(reason::kCountOutOfRange, std::to_string(count) + " readings in a record, at most " +
                                                std::to_string(options_.max_count) + " are read");
  }
  return crc == 0 || settle_crc(record);
}

// What both record types share. False = reported.
bool Decoder::read_head(Record& record, std::size_t units_field, std::size_t constant_field,
                        ObservationHead& head, std::string_view& constant) {
  const auto reject = [&record](const char* reason, std::string detail) {
    malformed(record.out, record.offset, record.text, record.meter, reason, std::move(detail));
    return false;
  };
  head.meter = record.meter;
  head.meter_kind = options_.meter_kind;
  head.unit = field(units_field);
  head.commodity = field(10);
  head.raw = record.text;
  head.offset = record.offset;
  if (const std::string_view created = field(7); !created.empty()) {
    const auto time = parse_time(created);
    if (!time) return reject(reason::kBadTime, field_says(7, "created", created, "is no time CCYYMMDDHHMM"));
    head.created = {created, *time, std::nullopt};
  }
  if (const std::string_view text = field(constant_field); !text.empty()) {
    const auto number = read_number(text, options_.max_number_chars, *record.out.arena);
    if (!number) {
      return reject(reason::kBadNumber, field_says(constant_field, "constant", text, "is no number"));
    }
    constant = *number;
  }
  return true;
}

void Decoder::read_mepmd01(Record& record) {
  DecodedBatch& out = record.out;
  // A record cut off behind its header may still close with a CRC, in the place of any header field. Before
  // the units it would be taken for an id, behind them there is nothing that it could be.
  if (fields_.size() > 11 && fields_.size() <= kMepmd01Header && parse_crc(fields_.back()) &&
      !settle_crc(record)) {
    return;
  }
  SeriesObservation series;
  if (!read_head(record, 11, 12, series, series.constant)) return;
  series.measure = "MEPMD01";
  series.channel = series.unit;

  const auto interval = parse_interval(field(13));
  if (!interval) {
    return malformed(out, record.offset, record.text, record.meter, reason::kUnsupportedInterval,
                     field_says(13, "interval", field(13), "is no length MMDDHHMM without months"));
  }
  series.interval = *interval;
  const bool dial = series.unit.ends_with("REG") || (field(9) == "SUMMARY" && field(13).empty());
  series.kind = dial ? SeriesKind::Register : SeriesKind::Interval;

  std::size_t count = 0;
  if (!settle_count(record, kMepmd01Header, count)) return;
  if (count == 0) {
    ++out.skipped;
    return;
  }

  ReadingFaults bad_times;
  ReadingFaults bad_numbers;
  const bool counts_on = *interval > std::chrono::seconds{0};
  bool clock_runs = false;  // this reading's time is known
  std::size_t kept = 0;
  std::size_t good_end = 0;  // behind the last reading that is no hole of our making
  series.values.reserve(count);
  const std::string_view* triplet = fields_.data() + kMepmd01Header;
  for (std::size_t i = 0; i < count; ++i, triplet += 3) {
    std::optional<CivilTime> stated;
    if (triplet[0].empty()) {
      clock_runs = clock_runs && counts_on;
    } else {
      stated = parse_time(triplet[0]);
      clock_runs = stated.has_value();
    }
    if (!clock_runs) {
      bad_times.add(i, triplet[0]);
      continue;
    }
    const auto value = read_value(triplet[2], options_.max_number_chars, *out.arena);
    if (!value) {
      bad_numbers.add(i, triplet[2]);
      const bool holds_a_place = counts_on && i + 1 < count && triplet[3].empty();
      if (!holds_a_place) continue;
    }
    const CivilTime civil = stated.value_or(CivilTime{});
    // All members at once: emplace_back() with assignments clears each element first, at half the speed.
    series.values.push_back({value.value_or(std::string_view{}), triplet[1], {triplet[0], civil, {}}, {}});
    ++kept;
    if (value) good_end = kept;
  }
  series.values.resize(good_end);
  bad_times.report(out, record.offset, record.text, record.meter, reason::kBadTime,
                   "is no time CCYYMMDDHHMM, nor is there one to count on from");
  bad_numbers.report(out, record.offset, record.text, record.meter, reason::kBadNumber, "is no number");
  if (!series.values.empty()) out.observations.emplace_back(std::move(series));
}

void Decoder::read_mepmd02(Record& record) {
  DecodedBatch& out = record.out;
  if (fields_.size() > 11 && fields_.size() <= kMepmd02Header && parse_crc(fields_.back()) &&
      !settle_crc(record)) {
    return;
  }
  SeriesObservation shared;
  if (!read_head(record, 11, 13, shared, shared.constant)) return;
  shared.measure = "MEPMD02";

  std::size_t count = 0;
  if (!settle_count(record, kMepmd02Header, count)) return;
  if (count == 0) {
    ++out.skipped;
    return;
  }
  const auto start = parse_time(field(14));
  const auto end = parse_time(field(15));
  if (!start && !field(14).empty()) {
    return malformed(out, record.offset, record.text, record.meter, reason::kBadTime,
                     field_says(14, "start", field(14), "is no time CCYYMMDDHHMM"));
  }
  if (!end || (start && *start > *end)) {
    return malformed(
        out, record.offset, record.text, record.meter, reason::kBadTime,
        field_says(15, "end", field(15), end ? "is before the start" : "is no time CCYYMMDDHHMM"));
  }
  if (start) shared.period_start = {field(14), *start, std::nullopt};

  ReadingFaults missing_labels;
  ReadingFaults bad_numbers;
  const std::string_view* triplet = fields_.data() + kMepmd02Header;
  for (std::size_t i = 0; i < count; ++i, triplet += 3) {
    if (triplet[0].empty()) {
      missing_labels.add(i, triplet[2]);
      continue;
    }
    const auto value = read_value(triplet[2], options_.max_number_chars, *out.arena);
    if (!value) {
      bad_numbers.add(i, triplet[2]);
      continue;
    }
    SeriesObservation series = shared;
    std::string channel{shared.unit};
    series.channel = out.arena->keep(channel.append(":").append(triplet[0]));
    series.tou = triplet[0];
    series.values.push_back({*value, triplet[1], {field(15), *end, std::nullopt}, {}});
    out.observations.emplace_back(std::move(series));
  }
  missing_labels.report(out, record.offset, record.text, record.meter, reason::kMissingTouLabel,
                        "has no time-of-use label");
  bad_numbers.report(out, record.offset, record.text, record.meter, reason::kBadNumber, "is no number");
}

DecodedBatch decode_all(std::shared_ptr<const std::string> buffer, const Options& options) {
  DecodedBatch out;
  Decoder decoder(options);
  decoder.decode(out.arena->share(std::move(buffer)), 0, true, out);
  return out;
}

}  // namespace ami::cmep
