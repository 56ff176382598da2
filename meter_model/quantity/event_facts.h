// Which events tell one fact. The meter, its module and the head-end each say that the power is gone, in
// other words and at slightly different times; a reader wants to see one outage and, on request, who told of
// it.
//
// YAML (key `told_again` of the table of record, config/codes/events.yaml):
//   told_again:
//     power: {window_s: 120, states: [[OUTAGE, LAST_GASP], [RESTORATION, MODULE_RESTORATION]]}
//
// A subject is something of a meter that is in one state at a time; kinds in one list say the same state. In
// order of time, an event tells again what the one before it (of the same meter and subject) told, if it says
// the same state no more than window_s later. So a chain of them is one fact, and another state between them
// makes two. That depends on the events alone, not on the order in which they came. Of a fact's events the
// head is one with the best clock (device, collector, receipt), of those the earliest.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "meter_model/result.h"

namespace ami {

struct EventFact {
  std::int32_t subject = 0,
               state = 0;          // numbers in the order of the file; a state is unique in its subject only
  std::chrono::seconds window{0};  // above 0
  bool operator==(const EventFact&) const = default;
};

class EventFacts {
 public:
  static constexpr std::int64_t kLongestWindow = 86'400;  // seconds

  EventFacts() = default;  // nothing is ever told again

  // A subject whose window is 0 is never told again: its kinds are left out. Errors name the line: a kind
  // that the table does not have or that stands in two lists, a window that is no number from 0 to
  // kLongestWindow, an unknown key. Without `told_again`: empty.
  static Result<EventFacts> parse(std::string_view table_of_record, const std::string& name_for_errors);

  [[nodiscard]] const EventFact* of(std::string_view kind) const;  // null: never told again
  [[nodiscard]] const std::map<std::string, EventFact, std::less<>>& kinds() const noexcept { return kinds_; }
  [[nodiscard]] bool empty() const noexcept { return kinds_.empty(); }
  bool operator==(const EventFacts&) const = default;

 private:
  std::map<std::string, EventFact, std::less<>> kinds_;
};

}  // namespace ami
