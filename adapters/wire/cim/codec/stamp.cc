#include "adapters/wire/cim/codec/stamp.h"

#include <optional>

#include "adapters/wire/cim/codec/cim.h"
#include "meter_model/quantity/quoted.h"

namespace ami::cim {
namespace {

using namespace std::chrono;

bool is_unset(const StatedTime& time) {
  const CivilTime zero{};  // of the epoch's day
  return time.civil == zero || time.civil == CivilTime{local_days{year{1} / 1 / 1}} ||
         (time.utc_offset && time.civil - *time.utc_offset == zero);
}

// A whole number of one or two digits (year: four) up to the next character, which is taken too.
class UsReader {
 public:
  explicit UsReader(std::string_view text) : rest_(text) {}

  int number(std::size_t least, std::size_t most, char then) {
    std::size_t digits = 0;
    int value = 0;
    while (digits < rest_.size() && digits < most && rest_[digits] >= '0' && rest_[digits] <= '9')
      value = value * 10 + (rest_[digits++] - '0');
    good_ = good_ && digits >= least && digits < rest_.size() && rest_[digits] == then;
    rest_.remove_prefix(good_ ? digits + 1 : rest_.size());
    return value;
  }
  [[nodiscard]] std::string_view rest() const { return rest_; }
  [[nodiscard]] bool good() const { return good_; }

 private:
  std::string_view rest_;
  bool good_ = true;
};

std::optional<StatedTime> read_us(std::string_view text) {
  UsReader reader(text);
  const int m = reader.number(1, 2, '/');
  const int d = reader.number(1, 2, '/');
  const int y = reader.number(4, 4, ' ');
  const int h = reader.number(1, 2, ':');
  const int min = reader.number(2, 2, ':');
  const int s = reader.number(2, 2, ' ');
  const bool pm = reader.rest() == "PM";
  if (!reader.good() || (!pm && reader.rest() != "AM") || h < 1 || h > 12 || min > 59 || s > 59)
    return std::nullopt;
  const year_month_day date{year{y}, month{static_cast<unsigned>(m)}, day{static_cast<unsigned>(d)}};
  if (!date.ok() || y < 1) return std::nullopt;
  return StatedTime{text, local_days{date} + hours{h % 12 + (pm ? 12 : 0)} + minutes{min} + seconds{s},
                    std::nullopt};
}

}  // namespace

Stamp read_stamp(std::string_view text) {
  if (text.empty()) return {};
  const auto time = parse_stated_time(text);
  if (!time) return {StampState::Bad, {}};
  return {is_unset(*time) ? StampState::Unset : StampState::Good, *time};
}

StatedTime kept(const StatedTime& time, TextArena& arena) {
  return {arena.keep(time.text), time.civil, time.utc_offset};
}

Result<StatedTime> read_request_time(std::string_view text) {
  if (auto us = read_us(text)) return *us;
  auto iso = parse_stated_time(text);
  if (iso) return iso;
  return permanent("not a time of a request (xs:dateTime, or 10/11/2017 7:19:12 PM): " + quoted(text));
}

}  // namespace ami::cim
