#include "adapters/wire/delimited/codec/record.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "meter_model/edit_distance.h"
#include "meter_model/quantity/quoted.h"

namespace ami::delimited {
namespace {

constexpr std::size_t kLongestPort = 16;
constexpr std::chrono::seconds kLocalTimeTolerance{60};  // local times are known that are cut to the minute

char upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

bool same_word(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return upper(x) == upper(y); });
}

std::string in_capitals(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), upper);
  return out;
}

bool printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

bool is_port(std::string_view text) {
  return !text.empty() && text.size() <= kLongestPort && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  });
}

// Exactly, or rounded to the scaled read's own last place.
bool is_product(const Decimal& raw, const Decimal& scalar, const Decimal& scaled) {
  const std::optional<Decimal> product = raw.times(scalar);
  const std::optional<Decimal> apart = product ? product->minus(scaled) : std::nullopt;
  if (!apart) return false;
  const Decimal half{5, scaled.exponent - 1};
  return *apart <= half && *apart >= Decimal{-5, scaled.exponent - 1};
}

std::string clock_face(CivilTime time) {
  return time_text(time).substr(0, sizeof "2026-01-15 05:00:00" - 1);
}

}  // namespace

RecordReader::RecordReader(const Options& options) : options_(options) {
  const Columns& names = options.columns;
  const std::array<const std::string*, kParts> in_order{
      &names.device, &names.module, &names.port, &names.meter_type, &names.unit,  &names.scaled,
      &names.raw,    &names.scalar, &names.time, &names.local_time, &names.active};
  for (std::size_t i = 0; i < kParts; ++i) columns_[i].name = *in_order[i];
}

std::optional<RecordReader::HeaderFault> RecordReader::take_header(const Fields& fields) {
  if (fields.count() > options_.max_columns) {
    return HeaderFault{reason::kTooManyColumns, "the header has " + std::to_string(fields.count()) +
                                                    " columns, at most " +
                                                    std::to_string(options_.max_columns) + " are read"};
  }
  std::array<std::optional<std::size_t>, kParts> found;
  for (std::size_t part = 0; part < kParts; ++part) {
    const std::string& wanted = columns_[part].name;
    if (wanted.empty()) continue;
    for (std::size_t i = 0; i < fields.count(); ++i) {
      if (fields[i] != wanted) continue;
      if (found[part])
        return HeaderFault{reason::kDuplicateColumn, "the header names column " + quoted(wanted) + " twice"};
      found[part] = i;
    }
    if (found[part]) continue;
    std::size_t nearest = 0;
    for (std::size_t i = 1; i < fields.count(); ++i)
      if (edit_distance(wanted, fields[i]) < edit_distance(wanted, fields[nearest])) nearest = i;
    return HeaderFault{reason::kMissingColumn, "the header has no column " + quoted(wanted) +
                                                   "; nearest is " + quoted(fields[nearest])};
  }
  width_ = fields.count();
  raw_header_.clear();
  for (std::size_t part = 0; part < kParts; ++part) {
    columns_[part].at = found[part];
    if (!found[part]) continue;
    if (!raw_header_.empty()) raw_header_ += options_.delimiter;
    put_field(columns_[part].name, options_.delimiter, raw_header_);
  }
  return std::nullopt;
}

bool RecordReader::is_header(const Fields& fields) const {
  bool device = false, scaled = false;
  for (std::size_t i = 0; i < fields.count(); ++i) {
    device = device || fields[i] == name(Device);
    scaled = scaled || fields[i] == name(Scaled);
  }
  return device && scaled;
}

std::string_view RecordReader::text(const Fields& fields, Part part) const {
  const std::optional<std::size_t> at = columns_[part].at;
  return at && *at < fields.count() ? std::string_view(fields[*at]) : std::string_view{};
}

std::string RecordReader::raw_of(const Fields& fields) const {
  std::string line;
  bool first = true;
  for (std::size_t part = 0; part < kParts; ++part) {
    if (!columns_[part].at) continue;
    if (!std::exchange(first, false)) line += options_.delimiter;
    put_field(text(fields, static_cast<Part>(part)), options_.delimiter, line);
  }
  return raw_header_ + "\n" + line + "\n";
}

void RecordReader::read(const Fields& fields, std::uint64_t offset, Counters& counters, DecodedBatch& out) {
  if (fields.count() != width_) {
    // Which field is which is not known, so no part of it is kept: it may be somebody's address.
    out.malformed.push_back({offset,
                             {},
                             {},
                             reason::kFieldCount,
                             "the record has " + std::to_string(fields.count()) + " fields, its header " +
                                 std::to_string(width_)});
    return;
  }
  SeriesObservation series;
  series.raw = out.arena->adopt(raw_of(fields));
  series.offset = offset;
  series.meter_kind = options_.meter_kind;
  series.measure = "ScaledRead";
  // The device has no clock of its own: the network says when it heard the value.
  series.time_source = TimeSource::Collector;
  series.values.emplace_back();
  if (std::optional<Fault> fault = fill(fields, counters, out, series)) {
    out.malformed.push_back({offset, series.raw, series.meter, fault->reason, std::move(fault->detail)});
    return;
  }
  const SeriesValue& value = series.values.front();
  if (value.value.empty() && value.flag.empty()) {
    ++counters.empty_reads;
    return;
  }
  out.observations.emplace_back(std::move(series));
}

std::optional<RecordReader::Fault> RecordReader::fill(const Fields& fields, Counters& counters,
                                                      DecodedBatch& out, SeriesObservation& series) const {
  for (std::size_t part = 0; part < kParts; ++part) {
    const std::string_view field = text(fields, static_cast<Part>(part));
    const std::string where = "column " + columns_[part].name;
    if (field.size() > options_.max_field)
      return Fault{reason::kFieldTooLong, where + " has " + std::to_string(field.size()) + " characters"};
    if (!printable(field))
      return Fault{reason::kNotAscii, where + " holds bytes that are not printable ASCII"};
  }
  series.meter = out.text(text(fields, Device));
  if (series.meter.empty()) return Fault{reason::kMissingMeter, "column " + name(Device) + " is empty"};
  if (auto fault = fill_kind(fields, out, series)) return fault;
  SeriesValue& value = series.values.front();
  if (auto fault = fill_time(fields, counters, out, value)) return fault;
  return fill_value(fields, counters, out, value);
}

std::optional<RecordReader::Fault> RecordReader::fill_kind(const Fields& fields, DecodedBatch& out,
                                                           SeriesObservation& series) const {
  const std::string_view port = text(fields, Port);
  if (columns_[Port].at && !is_port(port))
    return Fault{reason::kBadPort,
                 "column " + name(Port) + " " + quoted(port) + " is not 1 to 16 letters and digits"};
  series.channel = out.arena->adopt(options_.channel_prefix + std::string(port));
  series.unit = out.text(text(fields, Unit));
  if (options_.kinds.empty()) return std::nullopt;

  const std::string_view type = text(fields, Type);
  const auto kind = std::find_if(options_.kinds.begin(), options_.kinds.end(), [&](const MeterKind& one) {
    return (one.meter_type.empty() || one.meter_type == type) && (one.port.empty() || one.port == port);
  });
  if (kind == options_.kinds.end()) {
    return Fault{reason::kUnknownMeterType,
                 "the table of meters has no line for type " + quoted(type) + " on port " + quoted(port)};
  }
  series.commodity = out.text(kind->commodity);
  if (!kind->unit.empty()) series.unit = out.text(kind->unit);
  return std::nullopt;
}

std::optional<RecordReader::Fault> RecordReader::fill_time(const Fields& fields, Counters& counters,
                                                           DecodedBatch& out, SeriesValue& value) const {
  const std::string_view said = text(fields, Time);
  if (said.empty()) return Fault{reason::kMissingTime, "column " + name(Time) + " is empty"};
  std::optional<StatedTime> time = parse_time(out.text(said), options_.time_form);
  if (!time) {
    return Fault{reason::kBadTime,
                 "column " + name(Time) + " " + quoted(said) + " is no time " +
                     (options_.time_form == TimeForm::YearFirst ? "YYYY-MM-DD hh:mm[:ss]"
                                                                : "M/D/YYYY h:mm[:ss] [AM|PM]")};
  }
  if (is_unset(*time)) {
    return Fault{reason::kMissingTime,
                 "column " + name(Time) + " " + quoted(said) + " is the stamp of a clock that was never set"};
  }
  if (options_.time_is_utc && !time->utc_offset) time->utc_offset = std::chrono::seconds{0};
  value.time = *time;

  const std::string_view local = text(fields, LocalTime);
  if (!options_.local_zone || !time->utc_offset || local.empty()) return std::nullopt;
  const auto face = parse_time(local, options_.time_form);
  if (!face || face->utc_offset) {
    ++counters.unread_local_times;
    return std::nullopt;
  }
  const CivilTime shown =
      options_.local_zone->civil(UtcInstant{time->civil.time_since_epoch() - *time->utc_offset});
  if (std::chrono::abs(shown - face->civil) < kLocalTimeTolerance) return std::nullopt;
  return Fault{reason::kTimeMismatch, "column " + name(Time) + " " + quoted(said) + " is " +
                                          clock_face(shown) + " in " + options_.local_zone->name() +
                                          ", column " + name(LocalTime) + " says " + quoted(local)};
}

std::optional<RecordReader::Fault> RecordReader::fill_value(const Fields& fields, Counters& counters,
                                                            DecodedBatch& out, SeriesValue& value) const {
  const std::string_view active = text(fields, Active);
  const auto is_one_of = [&](std::initializer_list<std::string_view> words) {
    return std::any_of(words.begin(), words.end(),
                       [&](std::string_view word) { return same_word(active, word); });
  };
  if (is_one_of({"0", "false", "no", "n", "inactive"})) {
    value.flag = "inactive";
  } else if (!active.empty() && !is_one_of({"1", "true", "yes", "y", "active"})) {
    return Fault{reason::kBadFlag,
                 "column " + name(Active) + " " + quoted(active) + " says neither yes nor no"};
  }

  const std::string_view scaled = text(fields, Scaled);
  if (scaled.empty()) {
    value.flag = {};
    return std::nullopt;
  }
  if (std::any_of(options_.error_words.begin(), options_.error_words.end(),
                  [&](const std::string& word) { return same_word(word, scaled); })) {
    ++counters.failed_reads;
    value.flag = out.arena->adopt(in_capitals(scaled));
    return std::nullopt;
  }
  const auto not_a_number = [&](Part part) {
    return Fault{reason::kBadNumber,
                 "column " + name(part) + " " + quoted(text(fields, part)) + " is no number"};
  };
  const std::optional<Decimal> number = parse_number(scaled, options_.max_number_chars);
  if (!number) return not_a_number(Scaled);
  value.value = out.text(scaled);

  const std::string_view raw = text(fields, Raw), scalar = text(fields, Scalar);
  const auto count = parse_number(raw, options_.max_number_chars);
  if (!raw.empty() && !count) return not_a_number(Raw);
  const auto scale = parse_number(scalar, options_.max_number_chars);
  if (!scalar.empty() && !scale) return not_a_number(Scalar);
  if (count) value.raw_count = out.text(raw);
  if (!count || !scale) {
    ++counters.unchecked_scales;
  } else if (!is_product(*count, *scale, *number)) {
    return Fault{reason::kScaleMismatch, name(Raw) + " " + quoted(raw) + " times " + name(Scalar) + " " +
                                             quoted(scalar) + " is not " + name(Scaled) + " " +
                                             quoted(scaled)};
  }
  return std::nullopt;
}

}  // namespace ami::delimited
