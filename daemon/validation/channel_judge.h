// Puts one channel of the day together, lets the checks look at it and estimates what is missing. Only for
// the sources of this folder.
#pragma once

#include <functional>
#include <initializer_list>
#include <string>
#include <vector>

#include "daemon/validation/interval_lines.h"
#include "daemon/validation/register_lines.h"
#include "meter_model/vee/check.h"

namespace ami::validation {

vee::CheckSet those_of(const vee::CheckSet& wanted, std::initializer_list<vee::Check> checks);

// Hands on what `from` says, each finding changed by `change` first.
void take(const vee::Report& from, vee::Report& into, const std::function<void(vee::Finding&)>& change);

class ChannelJudge {
 public:
  // Appends to day.channels and day.verdict; reads day.meter.
  ChannelJudge(const DayScene& scene, const std::vector<RegisterLine>& registers, JudgedDay& day,
               vee::Report::Detail detail)
      : scene_(scene), registers_(registers), day_(day), detail_(detail) {}

  void judge_intervals(IntervalLine& line);  // its values move to the judged channel
  void judge_register(const RegisterLine& line);
  void diagnose_registers();  // after all others: it asks the intervals between two readings

 private:
  using Checks = std::initializer_list<vee::Check>;

  void fill(JudgedChannel& channel, IntervalLine& line, const TypedChannel& typed);
  void pair(JudgedChannel& channel, const TypedChannel& typed);
  void history(JudgedChannel& channel, const IntervalLine& line, const TypedChannel& typed);
  void look(JudgedChannel& channel, const vee::ChannelDay& input, const vee::MeterDay& meter, Checks checks);
  void usual_use(JudgedChannel& channel, const TypedChannel& typed);
  void continuity(JudgedChannel& channel, bool holes);
  void interval_sum(JudgedChannel& channel, const IntervalLine& line, const TypedChannel& typed);
  void estimate(JudgedChannel& channel, const IntervalLine& line, bool holes);
  void prolonged_estimation(JudgedChannel& channel, const IntervalLine& line);
  [[nodiscard]] std::vector<vee::Marks> doubts(const JudgedChannel& channel, const IntervalLine& line) const;
  void doubt_beside(const JudgedChannel& channel, const IntervalLine& line, const vee::DaySlots& day,
                    std::vector<vee::Marks>& marks) const;
  [[nodiscard]] std::vector<vee::OtherValue> others_of(const IntervalLine& line,
                                                       const vee::SlotRange& slots) const;
  [[nodiscard]] vee::RunBeside run_beside(const JudgedChannel& channel, std::size_t slot,
                                          bool backwards) const;

  const DayScene& scene_;
  const std::vector<RegisterLine>& registers_;
  JudgedDay& day_;
  vee::Report::Detail detail_;
  vee::CheckSet wanted_;  // by the profile, of the channel that is looked at
  ChannelId demand_ = 0;  // its maximum demand register
};

}  // namespace ami::validation
