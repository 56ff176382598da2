// formattedBlock: rows of delimited values, and the syntax that says what their columns are.
#include <algorithm>
#include <charconv>
#include <map>
#include <vector>

#include "adapters/wire/multispeak/codec/gather.h"
#include "meter_model/quantity/decimal.h"
#include "meter_model/quantity/quoted.h"

namespace ami::multispeak {
namespace {

constexpr std::string_view kTimeSuffix = "DateTime";

// 3.0 has the unit in the name.
std::string_view unit_in_name(std::string_view field) {
  if (field == "posKWh" || field == "negKWh" || field == "kWh") return "kWh";
  if (field == "kW" || field == "kVAr") return field;
  return {};
}

struct Column {
  std::string_view field, unit;
  std::size_t at = 0;                // index into a row's cells
  std::optional<std::size_t> timed;  // column of its own time
};

class BlockDecoder {
 public:
  BlockDecoder(const xml::Element& block, Gather& gather) : block_(block), gather_(gather) {}
  void decode();

 private:
  // False: there is no reading without such a column; it has been said.
  bool read_syntax(const Frame& frame);
  void decode_row(const xml::Element& row, const Frame& frame);
  void deliver(const Column& column, std::string_view value, const StampText& row_time,
               const std::vector<std::string_view>& cells);
  [[nodiscard]] std::vector<std::string_view> cells_of(std::string_view row) const;
  [[nodiscard]] static bool names(const std::vector<std::string>& fields, std::string_view field) {
    return std::ranges::find(fields, field) != fields.end();
  }

  const xml::Element& block_;
  Gather& gather_;
  std::string_view separator_;
  std::vector<Column> columns_;
  std::optional<std::size_t> meter_, time_;
  std::size_t width_ = 0;
  std::string_view last_meter_;
};

bool BlockDecoder::read_syntax(const Frame& frame) {
  struct Item {
    std::string_view field, unit;
    std::int64_t position;
  };
  std::vector<Item> items;
  std::int64_t lowest = 1;
  for (xml::Element item = block_.child("valSyntax").child("syntaxItem"); item; item = item.next_same()) {
    const std::string_view text = item.child("position").text();
    std::int64_t position = -1;
    std::from_chars(text.data(), text.data() + text.size(), position);
    if (position < 0 || position > 10'000) continue;
    items.push_back({item.child("fieldName").text(), item.child("uom").text(), position});
    lowest = std::min(lowest, position);
  }
  const std::int64_t base = gather_.options().block_first_position.value_or(lowest);
  std::map<std::string_view, std::size_t> by_name;
  for (const Item& item : items) {
    if (item.position >= base)
      by_name.try_emplace(item.field, static_cast<std::size_t>(item.position - base));
  }
  for (const Item& item : items) {
    if (item.position < base) continue;
    const auto at = static_cast<std::size_t>(item.position - base);
    width_ = std::max(width_, at + 1);
    if (names(gather_.options().block_meter_fields, item.field)) {
      if (!meter_) meter_ = at;
    } else if (names(gather_.options().block_time_fields, item.field)) {
      if (!time_) time_ = at;
    } else if (item.field.ends_with(kTimeSuffix) &&
               by_name.contains(item.field.substr(0, item.field.size() - kTimeSuffix.size()))) {
      continue;  // another column's time
    } else {
      Column column{item.field, item.unit.empty() ? unit_in_name(item.field) : item.unit, at, std::nullopt};
      const auto own = by_name.find(std::string(item.field) + std::string(kTimeSuffix));
      if (own != by_name.end()) column.timed = own->second;
      columns_.push_back(column);
    }
  }
  const bool timed =
      time_ || std::ranges::all_of(columns_, [](const Column& c) { return c.timed.has_value(); });
  if (meter_ && timed && !columns_.empty()) return true;
  if (gather_.begin(block_, frame, {})) {
    gather_.malformed("missing_column", !meter_ ? "no column of the syntax names the meter"
                                                : "no column of the syntax names the time of a value");
  }
  return false;
}

std::vector<std::string_view> BlockDecoder::cells_of(std::string_view row) const {
  std::vector<std::string_view> cells;
  while (cells.size() <= width_) {
    const auto cut = separator_.empty() ? std::string_view::npos : row.find(separator_);
    std::string_view cell = row.substr(0, cut);
    const auto first = cell.find_first_not_of(" \t\r\n");
    cell = first == std::string_view::npos ? std::string_view{}
                                           : cell.substr(first, cell.find_last_not_of(" \t\r\n") - first + 1);
    cells.push_back(cell);
    if (cut == std::string_view::npos) break;
    row = row.substr(cut + separator_.size());
  }
  return cells;
}

void BlockDecoder::deliver(const Column& column, std::string_view value, const StampText& row_time,
                           const std::vector<std::string_view>& cells) {
  if (!Decimal::parse(value)) {
    gather_.malformed("bad_number",
                      "column " + quoted(column.field) + ", " + quoted(value) + ", is not a decimal number");
    return;
  }
  const bool demand = column.field == "kW" || column.field == "kVAr";
  SeriesObservation series;
  static_cast<ObservationHead&>(series) = gather_.head();
  series.channel = gather_.text(column.field);
  series.measure = gather_.text(demand && !column.timed ? std::string(column.field) + " undated"
                                                        : std::string(column.field));
  series.unit = gather_.text(column.unit);
  StampText at = row_time;
  if (column.timed) {
    const StampText own = gather_.stamp(cells[*column.timed]);
    if (demand && time_) {
      series.occurred_at = own.time;
      if (own.is_bad()) at = own;
    } else {
      at = own;
    }
  }
  if (at.problem != nullptr) {
    gather_.malformed(
        at.problem, "the time of column " + quoted(column.field) + " is no date-time (2026-01-15T12:00:00Z)");
    return;
  }
  series.values.push_back({gather_.text(value), {}, at.time, {}});
  gather_.add(std::move(series));
}

void BlockDecoder::decode_row(const xml::Element& row, const Frame& frame) {
  const std::vector<std::string_view> cells = cells_of(separated_text(row, separator_));
  const std::string_view meter = *meter_ < cells.size() ? cells[*meter_] : std::string_view{};
  if (!gather_.begin(row, frame, meter)) return;
  if (cells.size() < width_) {
    gather_.malformed("bad_row", "the row has " + std::to_string(cells.size()) + " columns, its syntax " +
                                     std::to_string(width_));
    return;
  }
  if (meter.empty()) {
    gather_.malformed("missing_meter", "the meter's column is empty");
    return;
  }
  StampText at{{}, StampText::kMissingTime};
  if (time_) at = gather_.stamp(cells[*time_]);
  const Gather::Mark before = gather_.mark();
  for (const Column& column : columns_) {
    if (gather_.overflowed()) return;
    if (!cells[column.at].empty()) deliver(column, cells[column.at], at, cells);
  }
  // Rows of one meter stand together: one result for them.
  if (meter != last_meter_ && gather_.read_result({}, at.time, before)) last_meter_ = gather_.head().meter;
}

void BlockDecoder::decode() {
  const xml::Element list = block_.child("valueList");
  separator_ = separator_in(block_.child("separator"));
  if (!list.child("val")) return;
  const Frame frame =
      gather_.frame(list, {"transactionID", "errorString", "separator", "contentNounType", "valSyntax"});
  if (!read_syntax(gather_.frame_beside(block_, {"transactionID", "errorString"}))) return;
  for (xml::Element row = list.child("val"); row; row = row.next_same()) decode_row(row, frame);
}

}  // namespace

void decode_formatted_block(const xml::Element& block, Gather& gather) {
  BlockDecoder(block, gather).decode();
}

}  // namespace ami::multispeak
