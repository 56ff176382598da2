// What came in about one meter, whichever way it came, under all checks of the profile `full`, day by day.
#pragma once

#include <array>
#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "meter_model/vee/checks.h"
#include "tests/meter_model/virtual_day/course.h"

namespace ami::virtual_day {

struct HeardValue {
  UtcInstant start{}, end{};
  Decimal value;
  vee::Marks marks;
};
struct HeardChannel {
  bool is_received = false;
  std::vector<HeardValue> values;            // in the order in which they came
  std::vector<vee::RegisterRead> registers;  // ascending
};
struct HeardIdentity {
  std::string serial, module, programme;
  std::optional<Decimal> multiplier, ke;
};
// What the meter said of itself at a read.
struct HeardState {
  UtcInstant at{};  // true time
  HeardIdentity identity;
  std::optional<std::chrono::microseconds> clock_error;
  bool diagnostic = false;
  std::optional<vee::DemandRead> demand;
};

struct Heard {
  Zone zone = Zone::utc();
  vee::ChannelProgramme programme{};  // of each channel, but for is_received
  std::vector<HeardChannel> channels{};
  std::vector<vee::RegisterRead> net{};
  std::array<std::vector<vee::RegisterRead>, 4> tiers{};  // delivered
  HeardIdentity expected{};
  std::vector<HeardState> states{};
  std::vector<virtual_meter::Event> events{};
  bool has_received_channel = false, generates = false;
  UtcInstant installed{}, as_of{};
  std::optional<Decimal> adu_last_period{}, adu_last_year{};
};
// Straight from the meter; its pulses are multiplied with the Ke that is configured.
Heard heard_from(const Course& course, const Script& script);
// A register's value in Wh.
Decimal wh(const Decimal& kwh);
vee::ChannelProgramme programme_of(const Script& script, seconds grid_phase);

struct JudgedDay {
  std::chrono::year_month_day date{};
  vee::Span day;
  std::vector<vee::Finding> findings;
  // Of every look of every check, by its number ("V14").
  std::map<std::string, int> passed, not_judged;
};
// The day before the one in question, that one, and each other day that a value says it belongs to.
std::vector<JudgedDay> judge_days(const Heard& heard, std::chrono::year_month_day date);

std::set<std::string> checks_of(const std::vector<JudgedDay>& days);  // that found something: "V14"
std::set<std::string> codes_of(const std::vector<JudgedDay>& days);   // "V14 2.6.0"
std::string to_text(const std::vector<JudgedDay>& days);

}  // namespace ami::virtual_day
