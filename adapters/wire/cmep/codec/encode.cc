#include "adapters/wire/cmep/codec/encode.h"

#include <cstdio>

namespace ami::cmep {
namespace {

class Line {
 public:
  explicit Line(std::string& out) : out_(out), start_(out.size()) {}

  void field(std::string_view text) {
    if (out_.size() > start_) out_.push_back(',');
    bool quote = !text.empty() && (is_blank(text.front()) || is_blank(text.back()));
    for (const char c : text) {
      const auto byte = static_cast<unsigned char>(c);
      if ((byte < 0x20 && byte != '\t') || byte > 0x7e) problem_ = "text that is not printable ASCII";
      quote = quote || c == ',' || c == '"';
    }
    if (!quote) {
      out_.append(text);
      return;
    }
    out_.push_back('"');
    for (const char c : text) out_.append(c == '"' ? 2 : 1, c);
    out_.push_back('"');
  }

  void time(const std::optional<CivilTime>& time) {
    if (!time) return field({});
    const auto minute = std::chrono::floor<std::chrono::minutes>(*time);
    const auto day = std::chrono::floor<std::chrono::days>(*time);
    const std::chrono::year_month_day date{day};
    const std::chrono::hh_mm_ss clock{minute - day};
    const int year = static_cast<int>(date.year());
    if (minute != *time || year < 1 || year > 9999) {
      problem_ = "a time that is not whole minutes of the years 1 to 9999";
      return;
    }
    char text[32];
    std::snprintf(text, sizeof text, "%04d%02u%02u%02d%02d", year, static_cast<unsigned>(date.month()),
                  static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
                  static_cast<int>(clock.minutes().count()));
    field(text);
  }

  void interval(std::chrono::minutes length) {
    if (length == std::chrono::minutes{0}) return field({});
    if (length < std::chrono::minutes{0} || length >= std::chrono::days{100}) {
      problem_ = "an interval that is not below 100 days";
      return;
    }
    const int total = static_cast<int>(length.count());
    char text[32];
    std::snprintf(text, sizeof text, "00%02d%02d%02d", total / 1440, total / 60 % 24, total % 60);
    field(text);
  }

  void header(const char* type, const EncodeHeader& head) {
    field(type);
    field(head.version);
    field(head.sender);
    field(head.sender_customer);
    field(head.receiver);
    field(head.receiver_customer);
    time(head.created);
    field(head.meter);
    field(head.purpose);
    field(head.commodity);
    field(head.units);
  }

  Outcome close() {
    if (problem_ != nullptr) {
      out_.resize(start_);
      return permanent(std::string{"a CMEP record cannot carry "} + problem_);
    }
    out_.append("\r\n");
    return Done{};
  }

 private:
  static bool is_blank(char c) { return c == ' ' || c == '\t'; }

  std::string& out_;
  std::size_t start_;
  const char* problem_ = nullptr;
};

}  // namespace

Outcome encode(const Mepmd01& record, std::string& out) {
  Line line(out);
  line.header("MEPMD01", record);
  line.field(record.constant);
  line.interval(record.interval);
  line.field(std::to_string(record.readings.size()));
  for (const auto& reading : record.readings) {
    line.time(reading.time);
    line.field(reading.flag);
    line.field(reading.value);
  }
  return line.close();
}

Outcome encode(const Mepmd02& record, std::string& out) {
  Line line(out);
  line.header("MEPMD02", record);
  line.field(record.season);
  line.field(record.constant);
  line.time(record.start);
  line.time(record.end);
  line.field(std::to_string(record.readings.size()));
  for (const auto& reading : record.readings) {
    line.field(reading.label);
    line.field(reading.flag);
    line.field(reading.value);
  }
  return line.close();
}

}  // namespace ami::cmep
