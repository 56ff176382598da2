#include "meter_model/time/instant.h"

#include <cstdio>

#include "meter_model/quantity/quoted.h"

namespace ami {
namespace {

using namespace std::chrono;

// Reads fixed-width fields from the front of a text. A miss makes every later read miss too.
class FaceReader {
 public:
  explicit FaceReader(std::string_view text) : rest_(text) {}

  int digits(std::size_t count) {
    int value = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (!next_is_digit()) return miss();
      value = value * 10 + (take() - '0');
    }
    return value;
  }
  void one_of(std::string_view wanted) {
    if (rest_.empty() || wanted.find(rest_.front()) == std::string_view::npos) {
      miss();
    } else {
      take();
    }
  }
  bool next_is(std::string_view wanted) const {
    return good_ && !rest_.empty() && wanted.find(rest_.front()) != std::string_view::npos;
  }
  bool next_is_digit() const { return next_is("0123456789"); }
  char take() {
    const char c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }
  int miss() {
    good_ = false;
    rest_ = {};
    return 0;
  }
  bool good() const { return good_; }
  bool at_end() const { return rest_.empty(); }

 private:
  std::string_view rest_;
  bool good_ = true;
};

microseconds read_fraction(FaceReader& reader) {
  if (!reader.next_is(".")) return microseconds{0};
  reader.take();
  if (!reader.next_is_digit()) reader.miss();
  std::int64_t value = 0;
  std::int64_t unit = 100'000;
  while (reader.next_is_digit()) {
    value += (reader.take() - '0') * unit;  // digits past the sixth weigh nothing
    unit /= 10;
  }
  return microseconds{value};
}

// False: the offset is written but out of range.
bool read_offset(FaceReader& reader, std::optional<seconds>& offset) {
  if (reader.next_is("Zz")) {
    reader.take();
    offset = seconds{0};
    return true;
  }
  if (!reader.next_is("+-")) return true;
  const bool west = reader.take() == '-';
  const hours h{reader.digits(2)};
  reader.one_of(":");
  const minutes m{reader.digits(2)};
  if (h + m > hours{14} || m >= hours{1}) return false;
  offset = west ? -seconds{h + m} : seconds{h + m};
  return true;
}

}  // namespace

std::string to_text(UtcInstant instant) {
  const sys_days day = floor<days>(instant);
  const year_month_day date{day};
  const hh_mm_ss time{instant - day};
  char text[64];
  std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                static_cast<int>(time.seconds().count()));
  std::string out = text;
  const auto micros = static_cast<int>(time.subseconds().count());
  if (micros != 0) {
    std::snprintf(text, sizeof text, micros % 1000 == 0 ? ".%03d" : ".%06d",
                  micros % 1000 == 0 ? micros / 1000 : micros);
    out += text;
  }
  return out + "Z";
}

Result<StatedTime> parse_stated_time(std::string_view text) {
  const auto refuse = [&](const char* why) { return permanent(std::string(why) + ": " + quoted(text)); };
  FaceReader reader(text);
  const year y{reader.digits(4)};
  reader.one_of("-");
  const month m{static_cast<unsigned>(reader.digits(2))};
  reader.one_of("-");
  const day d{static_cast<unsigned>(reader.digits(2))};
  reader.one_of("Tt");
  const hours hour{reader.digits(2)};
  reader.one_of(":");
  const minutes minute{reader.digits(2)};
  reader.one_of(":");
  const seconds second{reader.digits(2)};
  const microseconds fraction = read_fraction(reader);
  StatedTime out;
  const bool offset_in_range = read_offset(reader, out.utc_offset);
  if (!reader.good() || !reader.at_end())
    return refuse("not a date-time (YYYY-MM-DDThh:mm:ss[.f][Z|+hh:mm])");
  if (!offset_in_range) return refuse("offset from UTC is beyond 14 hours");

  const year_month_day date{y, m, d};
  const microseconds time = hour + minute + second + fraction;
  if (y < year{1} || !date.ok()) return refuse("no such date");
  // 24:00:00 is the next day's midnight, and only that. Leap seconds are smeared before they come to us.
  const bool end_of_day = time == hours{24} && hour == hours{24};
  if (!end_of_day && (hour > hours{23} || minute > minutes{59} || second > seconds{59})) {
    return refuse("no such time of day");
  }
  out.text = text;
  out.civil = local_days{date} + time;
  if (out.civil >= CivilTime{local_days{year{10000} / January / 1}}) return refuse("no such date");
  return out;
}

Result<UtcInstant> parse_instant(std::string_view text) {
  Result<StatedTime> stated = parse_stated_time(text);
  if (!stated) return stated.error();
  if (!stated->utc_offset) return permanent("time has neither Z nor an offset: " + quoted(text));
  return UtcInstant{stated->civil.time_since_epoch() - *stated->utc_offset};
}

}  // namespace ami
