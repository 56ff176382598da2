// From what is stored of a meter-day to what validation and estimation say of it. The one place where stored
// rows become the inputs of meter_model/vee. Pure; any thread. Throws only what MeterDayFacts::history
// throws.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "meter_model/vee/day_input.h"
#include "meter_model/vee/estimation.h"
#include "meter_model/vee/likely_causes.h"
#include "meter_model/vee/report.h"
#include "meter_model/vee/vee_config.h"
#include "storage/postgres/meter_day.h"
#include "storage/postgres/validation.h"

namespace ami::validation {

// By which thresholds a meter-day is judged: those of the feed that its newest values came from.
struct Rules {
  vee::VeeConfig fallback = vee::default_vee_config();  // of a feed that is no longer configured
  std::map<std::string, vee::VeeConfig, std::less<>> by_feed;
  std::vector<std::chrono::year_month_day> holidays;  // civil
  std::chrono::seconds grace{
      std::chrono::hours{30}};  // after the end of a civil day, until a hole is missing

  [[nodiscard]] const vee::VeeConfig& of_feed(std::string_view feed) const;
};

// How a profile is named where its verdicts are stored: with a digest of its thresholds, so that two feeds with
// the same file have one name, and a changed file has another.
std::string profile_text(const vee::VeeConfig& config);

// One channel of the day as it was judged: an interval channel under the checks of slots, or a register
// channel (input.values empty, input.length zero) under those of readings. `input` views what stands beside
// it; neither copied nor moved.
struct JudgedChannel {
  JudgedChannel() = default;
  JudgedChannel(const JudgedChannel&) = delete;
  JudgedChannel& operator=(const JudgedChannel&) = delete;

  storage::ChannelInfo channel;
  vee::ChannelDay input;   // the day's slots, or its readings and the one before them
  vee::ChannelDay window;  // the same slots and a day on either side: what V14 was judged on
  vee::Report report{vee::Report::Detail::Findings};  // slots are the day's; from and to may lie outside
  std::vector<std::optional<vee::Diagnosis>>
      diagnoses;  // one a finding; filled when every judgement is asked for
  vee::Estimation estimation;
  std::optional<storage::ChannelInfo>
      paired;                        // whose readings V14 compared, or the intervals of these readings
  std::string pairing;               // how `paired` was chosen, or why there is none; empty = nothing to say
  std::vector<std::string> assumed;  // of the programme: what a site has to confirm

  // What `input` and `window` view.
  std::vector<std::int64_t> values;  // of the window
  std::vector<vee::Marks> marks;
  std::vector<vee::OddInterval> odd;
  std::vector<vee::OtherValue> other_values;
  std::vector<vee::RegisterRead> registers;   // all that are known
  std::vector<vee::RegisterRead> boundaries;  // of these, what V14 compared: at ends of intervals
};

struct JudgedDay {
  std::string feed, profile;  // whose thresholds; name of the profile and digest of the thresholds
  vee::MeterDay meter;        // views `kept`
  vee::Report meter_report{vee::Report::Detail::Findings};
  std::vector<std::optional<vee::Diagnosis>> meter_diagnoses;  // as a channel's
  std::deque<JudgedChannel> channels;                          // by id, length; a deque: addresses stay
  storage::DayVerdict verdict;                                 // what is stored of all this

  struct Kept;
  std::shared_ptr<Kept> kept;  // what `meter` views
};

// `detail` EveryJudgement: for whoever asks why. `now`: what ends later is not missing yet.
JudgedDay judge(const storage::MeterDayFacts& facts, const Rules& rules, UtcInstant now,
                vee::Report::Detail detail = vee::Report::Detail::Findings);

}  // namespace ami::validation
