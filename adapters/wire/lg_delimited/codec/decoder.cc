#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "adapters/wire/lg_delimited/codec/lg_delimited.h"
#include "adapters/wire/lg_delimited/codec/scalars.h"
#include "meter_model/edit_distance.h"
#include "meter_model/quantity/quoted.h"

namespace ami::lg_delimited {
namespace {

constexpr std::size_t kLongestLine = std::size_t{512} << 10;  // so that raw, header and line, is below 1 MiB
constexpr std::size_t kRawOfLongLine = 1024;
constexpr std::size_t kIntervalHeader = 13;  // fields of MEPMD01 up to and with the first time
constexpr std::string_view kMark = "\xEF\xBB\xBF";
constexpr std::string_view kId = "ID", kMeter = "Meter", kTime = "DateTime", kPeak = "Peak",
                           kPeakTime = "PeakDateTime";

bool printable(std::string_view line) {
  return std::all_of(line.begin(), line.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte == '\t' || (byte >= 0x20 && byte <= 0x7e);
  });
}

// What a list of columns says is wrong with each: one malformed record for each kind of trouble.
class ColumnFaults {
 public:
  void add(std::string_view column, std::string_view text) {
    if (!said_.empty()) said_ += ", ";
    said_ += std::string(column) + " " + quoted(text);
  }
  [[nodiscard]] bool empty() const { return said_.empty(); }
  [[nodiscard]] std::string detail(const char* problem) const { return said_ + " " + problem; }

 private:
  std::string said_;
};

}  // namespace

std::vector<std::string> documented_value_columns() {
  return {"kWh", "Peak", "Dmd", "TouA", "TouB", "TouC", "TouD", "TouE", "Volts", "PF", "PrevKWh", "KWhRecv"};
}

class Decoder::Impl {
 public:
  explicit Impl(Options options) : options_(std::move(options)) {
    options_.max_line = std::min(options_.max_line, kLongestLine);
  }

  Outcome feed(std::string_view bytes, bool last, DecodedBatch& out);
  [[nodiscard]] const char* fatal_reason() const noexcept { return reason_; }
  [[nodiscard]] std::uint64_t safe_offset() const noexcept { return safe_; }
  [[nodiscard]] const Counters& counters() const noexcept { return counters_; }

 private:
  struct Column {
    std::string name;
    std::size_t at;
  };
  struct Record {
    std::string_view raw;   // kept in the arena
    std::string_view line;  // the record's own part of it
    std::uint64_t offset;
    std::string_view meter;
    DecodedBatch& out;
  };

  void take(std::string_view line, DecodedBatch& out);
  void read_header(std::string_view line, DecodedBatch& out);
  void read_registers(std::string_view line, DecodedBatch& out);
  void read_intervals(std::string_view line, DecodedBatch& out);
  void too_long(std::string_view start, DecodedBatch& out);
  void fail(const char* reason, const std::string& detail, std::string_view line, DecodedBatch& out);
  static void reject(const Record& record, const char* reason, std::string detail);
  [[nodiscard]] std::string_view field(std::size_t at) const {
    return at < fields_.size() ? fields_[at] : std::string_view{};
  }
  ObservationHead head_of(const Record& record) const;

  Options options_;
  Counters counters_;
  std::string line_;         // what was fed of the line under way
  bool skipping_ = false;    // inside an over-long line that was reported
  bool began_ = false;       // past where a byte order mark may stand
  std::uint64_t begin_ = 0;  // offset of the line under way
  std::uint64_t fed_ = 0;
  std::uint64_t safe_ = 0;

  std::string header_;
  std::size_t width_ = 0;  // columns of the header
  std::size_t id_ = 0, meter_ = 0, time_ = 0;
  std::optional<std::size_t> peak_time_;
  std::vector<Column> values_;

  std::vector<std::string_view> fields_;
  const char* reason_ = "";
  Error error_;
};

Outcome Decoder::Impl::feed(std::string_view bytes, bool last, DecodedBatch& out) {
  while (*reason_ == '\0' && !bytes.empty()) {
    const auto* const newline = static_cast<const char*>(std::memchr(bytes.data(), '\n', bytes.size()));
    const std::size_t length =
        newline == nullptr ? bytes.size() : static_cast<std::size_t>(newline - bytes.data());
    // No more than tells that the line is too long: one byte for its carriage return, one too many, the mark.
    const std::size_t most = options_.max_line + 2 + kMark.size();
    if (!skipping_) line_.append(bytes.substr(0, std::min(length, most - std::min(most, line_.size()))));
    const std::size_t taken = newline == nullptr ? length : length + 1;
    fed_ += taken;
    bytes.remove_prefix(taken);
    if (newline != nullptr) {
      if (!skipping_) take(line_, out);
      skipping_ = false;
      line_.clear();
      begin_ = fed_;
      if (*reason_ == '\0') safe_ = fed_;
    } else if (!skipping_ && line_.size() == most) {
      too_long(line_, out);
      skipping_ = true;
      line_.clear();
    }
  }
  if (*reason_ == '\0' && last) {
    if (!line_.empty() && options_.line_end_required &&
        std::string_view(line_).find_first_not_of(" \t\r") != std::string_view::npos) {
      fail(reason::kLineEndMissing,
           "the last line has no line end: it may be cut short, and the file with it", line_, out);
    } else if (!line_.empty()) {
      take(line_, out);
    }
    line_.clear();
    if (*reason_ == '\0') safe_ = fed_;
  }
  if (*reason_ != '\0') return error_;
  return Done{};
}

void Decoder::Impl::take(std::string_view line, DecodedBatch& out) {
  if (!began_ && line.starts_with(kMark)) line.remove_prefix(kMark.size());
  began_ = true;
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (line.size() > options_.max_line) return too_long(line, out);
  if (line.find_first_not_of(" \t") == std::string_view::npos) return;
  ++counters_.lines;
  if (!printable(line)) {
    const std::string_view raw = out.text(line);
    return reject({raw, raw, begin_, {}, out}, reason::kNotAscii,
                  "the line holds bytes that are not printable ASCII");
  }
  split_fields(line, fields_);
  if (fields_[0] == "MEPMD01") return read_intervals(line, out);
  const auto names = [this](std::string_view column) {
    return std::find(fields_.begin(), fields_.end(), column) != fields_.end();
  };
  if (header_.empty() || field(id_) == kId || (names(kId) && names(kTime))) return read_header(line, out);
  read_registers(line, out);
}

void Decoder::Impl::too_long(std::string_view start, DecodedBatch& out) {
  if (!began_ && start.starts_with(kMark)) start.remove_prefix(kMark.size());
  began_ = true;
  ++counters_.lines;
  const std::string_view raw = out.text(start.substr(0, std::min(kRawOfLongLine, options_.max_line)));
  reject({raw, raw, begin_, {}, out}, reason::kLineTooLong,
         "the line has no end within " + std::to_string(options_.max_line) + " bytes; skipped to the next");
}

void Decoder::Impl::fail(const char* reason, const std::string& detail, std::string_view line,
                         DecodedBatch& out) {
  const std::string_view raw = out.text(line.substr(0, kLongestLine));
  reject({raw, raw, begin_, {}, out}, reason, detail);
  reason_ = reason;
  error_ = permanent(std::string(reason) + ": " + detail + " (line at byte " + std::to_string(begin_) + ")");
}

void Decoder::Impl::reject(const Record& record, const char* reason, std::string detail) {
  record.out.malformed.push_back({record.offset, record.raw, record.meter, reason, std::move(detail)});
}

void Decoder::Impl::read_header(std::string_view line, DecodedBatch& out) {
  const auto find = [this](std::string_view name) -> std::optional<std::size_t> {
    const auto found = std::find(fields_.begin(), fields_.end(), name);
    if (found == fields_.end()) return std::nullopt;
    return static_cast<std::size_t>(found - fields_.begin());
  };
  const auto id = find(kId);
  if (!id) {
    return fail(reason::kMissingHeader,
                "the first line must name the columns, ID among them; it begins with " + quoted(fields_[0]),
                line, out);
  }
  if (fields_.size() > options_.max_columns) {
    return fail(reason::kMissingHeader,
                "the header has " + std::to_string(fields_.size()) + " columns, at most " +
                    std::to_string(options_.max_columns) + " are read",
                line, out);
  }
  for (const std::string_view required : {kMeter, kTime}) {
    if (find(required)) continue;
    const auto nearest =
        std::min_element(fields_.begin(), fields_.end(), [&](std::string_view a, std::string_view b) {
          return edit_distance(required, a) < edit_distance(required, b);
        });
    return fail(reason::kMissingColumn,
                "the header has no column " + std::string(required) + "; nearest is " + quoted(*nearest),
                line, out);
  }
  const auto is_value = [this](std::string_view name) {
    return std::find(options_.value_columns.begin(), options_.value_columns.end(), name) !=
           options_.value_columns.end();
  };
  std::vector<Column> values;
  for (std::size_t i = 0; i < fields_.size(); ++i) {
    const std::string_view name = fields_[i];
    const bool known = name == kId || name == kMeter || name == kTime || name == kPeakTime || is_value(name);
    if (known && *find(name) != i) {
      return fail(reason::kDuplicateColumn, "the header names column " + quoted(name) + " twice", line, out);
    }
    if (is_value(name)) values.push_back({std::string(name), i});
  }
  if (values.empty()) {
    return fail(reason::kMissingColumn, "the header names no column of values, as kWh or KWhRecv", line, out);
  }
  ++counters_.headers;
  header_ = line;
  width_ = fields_.size();
  id_ = *id;
  meter_ = *find(kMeter);
  time_ = *find(kTime);
  peak_time_ = find(kPeakTime);
  values_ = std::move(values);
}

ObservationHead Decoder::Impl::head_of(const Record& record) const {
  ObservationHead head;
  head.meter = record.meter;
  head.meter_kind = options_.meter_kind;
  head.raw = record.raw;
  head.offset = record.offset;
  return head;
}

void Decoder::Impl::read_registers(std::string_view line, DecodedBatch& out) {
  std::string text = header_ + "\n";
  const std::size_t at = text.size();
  text.append(line).append("\n");
  Record record{out.arena->adopt(std::move(text)), {}, begin_, {}, out};
  record.line = record.raw.substr(at, line.size());
  split_fields(record.line, fields_);  // again, so that the fields live in the arena
  record.meter = field(meter_);

  if (const std::string_view type = field(id_); type != "EMED01") {
    return reject(record, reason::kUnknownRecordType,
                  "column ID says " + quoted(type) + ", not EMED01 or MEPMD01");
  }
  // A delimiter behind the last field is no field.
  const bool closed = fields_.size() == width_ + 1 && fields_.back().empty();
  if (fields_.size() != width_ && !closed) {
    return reject(
        record, reason::kFieldCount,
        "the record has " + std::to_string(fields_.size()) + " fields, its header " + std::to_string(width_));
  }
  if (record.meter.empty()) return reject(record, reason::kMissingMeter, "column Meter is empty");
  const std::string_view time_field = field(time_);
  if (time_field.empty()) return reject(record, reason::kMissingTime, "column DateTime is empty");
  const auto time = parse_time(time_field);
  if (!time) {
    return reject(record, reason::kBadTime,
                  "column DateTime " + quoted(time_field) + " is no time MMDDYYYYhhmmssAM|PM");
  }
  if (is_unset(*time)) {
    ++counters_.unset_times;
    return reject(record, reason::kMissingTime,
                  "column DateTime " + quoted(time_field) + " is the stamp of a clock that was never set");
  }

  StatedTime occurred;
  bool peak_is_lost = false;
  ColumnFaults bad_times, bad_numbers;
  if (peak_time_ && !field(*peak_time_).empty()) {
    const std::string_view said = field(*peak_time_);
    const auto parsed = parse_time(said);
    if (!parsed) {
      bad_times.add(kPeakTime, said);
      peak_is_lost = true;
    } else if (is_unset(*parsed)) {
      ++counters_.unset_times;
    } else {
      occurred = {said, *parsed, std::nullopt};
    }
  }

  for (const Column& column : values_) {
    const std::string_view value = field(column.at);
    if (value.empty()) {
      ++counters_.empty_fields;
      continue;
    }
    if (value.size() > options_.max_number_chars || !is_number(value)) {
      bad_numbers.add(column.name, value);
      continue;
    }
    const bool peak = column.name == kPeak;
    if (peak && peak_is_lost) continue;
    SeriesObservation series;
    static_cast<ObservationHead&>(series) = head_of(record);
    series.channel = series.unit = out.text(column.name);
    series.measure = "EMED01";
    if (peak) series.occurred_at = occurred;
    series.values.push_back({value, {}, {time_field, *time, std::nullopt}, {}});
    out.observations.emplace_back(std::move(series));
  }
  if (!bad_times.empty())
    reject(record, reason::kBadTime, bad_times.detail("is no time MMDDYYYYhhmmssAM|PM; Peak is left out"));
  if (!bad_numbers.empty()) reject(record, reason::kBadNumber, bad_numbers.detail("is no number"));
}

void Decoder::Impl::read_intervals(std::string_view line, DecodedBatch& out) {
  Record record{out.arena->adopt(std::string(line) + "\n"), {}, begin_, {}, out};
  record.line = record.raw.substr(0, line.size());
  split_fields(record.line, fields_);
  record.meter = field(5);
  if (!options_.intervals) {
    return reject(record, reason::kNotEnabled,
                  "MEPMD01 of Command Center is read only where the feed enables it: its layout is assumed");
  }
  if (record.meter.empty()) return reject(record, reason::kMissingMeter, "field 6, MeterID, is empty");
  const auto interval = parse_interval(field(10));
  if (!interval) {
    return reject(record, reason::kUnsupportedInterval,
                  "field 11, Interval, " + quoted(field(10)) + " is no length DDHHMM above zero");
  }
  const auto count = parse_count(field(11));
  if (!count)
    return reject(record, reason::kBadNumber,
                  "field 12, Count, " + quoted(field(11)) + " is no whole number");
  if (*count > options_.intervals->max_count || *count == 0) {
    return reject(record, reason::kCountOutOfRange,
                  std::to_string(*count) + " values in a record; 1 to " +
                      std::to_string(options_.intervals->max_count) + " are read");
  }
  const std::size_t wanted = kIntervalHeader + 2 * static_cast<std::size_t>(*count);
  const bool closed = fields_.size() == wanted + 1 && fields_.back().empty();
  if (fields_.size() != wanted && !closed) {
    return reject(record, reason::kFieldCount,
                  "field 12 announces " + std::to_string(*count) + " pairs of value and status, so " +
                      std::to_string(wanted) + " fields; the record has " + std::to_string(fields_.size()));
  }
  const std::string_view constant = field(9);
  if (!constant.empty() && (constant.size() > options_.max_number_chars || !is_number(constant))) {
    return reject(record, reason::kBadNumber, "field 10, CalcConst, " + quoted(constant) + " is no number");
  }
  const std::string_view stated = field(12);
  if (stated.empty()) return reject(record, reason::kMissingTime, "field 13, the first time, is empty");
  const auto start = parse_time(stated);
  if (!start) {
    return reject(record, reason::kBadTime,
                  "field 13, the first time, " + quoted(stated) + " is no time MMDDYYYYhhmmssAM|PM");
  }
  if (is_unset(*start)) {
    ++counters_.unset_times;
    return reject(record, reason::kMissingTime,
                  "field 13, the first time, is the stamp of a clock that was never set");
  }

  SeriesObservation series;
  static_cast<ObservationHead&>(series) = head_of(record);
  series.kind = SeriesKind::Interval;
  series.channel = series.unit = field(8);
  series.commodity = field(7);
  series.measure = "MEPMD01";
  series.constant = constant;
  series.interval = *interval;
  // The end of the first interval: how long after it that is on the clock, the zone knows.
  series.period_start = {stated, *start, std::nullopt};
  const bool status_first = options_.intervals->order == Intervals::Order::StatusThenValue;
  ColumnFaults bad_numbers;
  series.values.reserve(static_cast<std::size_t>(*count));
  for (std::size_t i = 0; i < *count; ++i) {
    std::string_view value = field(kIntervalHeader + 2 * i + (status_first ? 1 : 0));
    const std::string_view status = field(kIntervalHeader + 2 * i + (status_first ? 0 : 1));
    if (!value.empty() && (value.size() > options_.max_number_chars || !is_number(value))) {
      bad_numbers.add("value " + std::to_string(i + 1), value);
      value = {};  // its neighbours count on from it
    }
    series.values.push_back({value, status, {}, {}});
  }
  if (!bad_numbers.empty()) reject(record, reason::kBadNumber, bad_numbers.detail("is no number"));
  out.observations.emplace_back(std::move(series));
}

Decoder::Decoder(Options options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Decoder::~Decoder() = default;
Decoder::Decoder(Decoder&&) noexcept = default;
Decoder& Decoder::operator=(Decoder&&) noexcept = default;

Outcome Decoder::feed(std::string_view bytes, bool last, DecodedBatch& out) {
  return impl_->feed(bytes, last, out);
}
const char* Decoder::fatal_reason() const noexcept {
  return impl_->fatal_reason();
}
std::uint64_t Decoder::safe_offset() const noexcept {
  return impl_->safe_offset();
}
const Counters& Decoder::counters() const noexcept {
  return impl_->counters();
}

Outcome decode_all(std::string_view text, const Options& options, DecodedBatch& out) {
  return Decoder(options).feed(text, true, out);
}

}  // namespace ami::lg_delimited
