// Inside the store only: which versions of channel-days were judged (table judged_version).
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "storage/postgres/binary_copy.h"
#include "storage/postgres/session.h"

namespace ami::storage {

// One row of interval_day: slots that begin before `minute` of the UTC day, and the others. Version 0: not
// judged.
struct JudgedParts {
  static constexpr std::int32_t kDay = 1440;
  std::int32_t minute = 0, before = 0, after = 0;

  [[nodiscard]] std::int32_t at(std::int64_t minute_of_day) const {
    return minute_of_day < minute ? before : after;
  }
  // Slots that begin in [from, to) minutes were judged as of that version; 0 takes back what was said of
  // them.
  void judged(std::int32_t from, std::int32_t to, std::int32_t version);
  // The same where each part has a version of its own (intervals off the grid): what was said of a part that
  // began or ended elsewhere is worth nothing.
  void judged_alone(std::int32_t from, std::int32_t to, std::int32_t version);
  // The row became `version` by changes to slots that begin in these spans of minutes: what was judged of the
  // other part is so still.
  void grown(std::int32_t version, std::span<const std::pair<std::int64_t, std::int64_t>> spans);
  bool operator==(const JudgedParts&) const = default;
};

using JudgedMonth = std::array<JudgedParts, 31>;  // by day of the month
// As in the column `runs`. Throws std::runtime_error when they contradict themselves. A version above 32767,
// and a midnight off the quarter hour, come out as not judged.
JudgedMonth judged_month(std::span<const std::int16_t> runs);
std::vector<std::int16_t> runs_of(const JudgedMonth& month);

// The rows that a step looks at and changes.
class JudgedVersions {
 public:
  struct Key {
    std::int64_t meter = 0, channel = 0;
    std::int32_t length_s = 0;
    Day month{};
    auto operator<=>(const Key&) const = default;
  };
  static Day month_of(Day day);
  static Key key_of(std::int64_t meter, std::int64_t channel, std::int64_t length_s, Day day) {
    return {meter, channel, static_cast<std::int32_t>(length_s), month_of(day)};
  }

  explicit JudgedVersions(Session& session) : session_(session) {}
  void load(const std::vector<Key>& keys);                             // those that are not known yet
  [[nodiscard]] const JudgedParts& of(const Key& key, Day day) const;  // of a key that was loaded
  // `utility`: of the meter, for a row that has to be made.
  void change(const Key& key, std::int32_t utility, Day day, const JudgedParts& parts);
  [[nodiscard]] std::vector<Day> months_to_store() const;
  void store();  // the partitions are there

 private:
  struct Row {
    JudgedMonth days{};
    std::int32_t utility = 0;
    bool changed = false;
  };
  Session& session_;
  std::map<Key, Row> rows_;
};

}  // namespace ami::storage
