#include "daemon/switching/evidence.h"

#include <algorithm>
#include <array>

namespace ami::daemon::switching {
namespace {

using Says = Judged::Says;
using std::chrono::seconds;

constexpr std::array<std::string_view, 5> kLevels{
    "E0 acknowledged only", "E1 reported with the device's own time", "E2 register over a window",
    "E3 next intervals", "E4 position and load-side voltage read at the meter"};
constexpr std::array<std::string_view, 4> kVoltages{"NOT_READ", "ABSENT", "PRESENT", "UNREADABLE"};
constexpr std::size_t kFewestIntervals = 2;  // one may have begun before the switch moved
constexpr seconds kLongestWindow{std::chrono::days{366}};

Judged nothing(std::string words) {
  return {Says::Nothing, kNoEvidence, false, std::move(words)};
}
Judged in_favour(int level, std::string words) {
  return {Says::For, level, false, std::move(words)};
}
Judged against(std::string words, bool energy = false) {
  return {Says::Against, kNoEvidence, energy, std::move(words)};
}

std::string span_words(seconds span) {
  const auto count = span.count();
  if (count % 3600 == 0) return std::to_string(count / 3600) + " h";
  if (count % 60 == 0) return std::to_string(count / 60) + " min";
  return std::to_string(count) + " s";
}

std::string position_words(SwitchPosition position) {
  return std::string(sdk::name_of(position));
}

// Difference of exact numbers; nullopt = beyond what they hold.
std::optional<Decimal> risen(const RegisterPair& pair) {
  return pair.second_kwh.minus(pair.first_kwh);
}

constexpr Decimal kZero{0, 0};

// What the device's clock may call the moment at which the command left, and not yet what came before it.
UtcInstant earliest(const EvidenceFrame& frame) {
  const UtcInstant tolerated = frame.sent_at - frame.clock_tolerance;
  if (!frame.before_until) return tolerated;
  // In whole seconds: many a device's clock tells no more.
  const UtcInstant bound = std::chrono::floor<std::chrono::seconds>(std::min(*frame.before_until, frame.sent_at));
  return std::max(tolerated, bound);
}

Judged judge_report(const EvidenceFrame& frame, const PositionReport& report) {
  const SwitchPosition wanted = wanted_position(frame.action);
  if (report.position == SwitchPosition::Unknown) return nothing("the report names no position");
  if (!report.at) {
    if (report.position == wanted) {
      return in_favour(kAcknowledged,
                       "reported " + position_words(report.position) + " without the device's time");
    }
    return nothing("reported " + position_words(report.position) +
                   " without the device's time: it may be old");
  }
  if (*report.at < earliest(frame))
    return nothing("reported " + position_words(report.position) + " as of " + to_text(*report.at) +
                   ", before the command left");
  if (report.position == wanted) {
    return in_favour(kReported,
                     "reported " + position_words(report.position) + " as of " + to_text(*report.at));
  }
  if (report.position == SwitchPosition::Armed && frame.action == SwitchAction::Close)
    return nothing("armed is not closed: it waits for the customer's button");
  if (*report.at < frame.since)
    return nothing("reported " + position_words(report.position) + " before it was done");
  if (report.position == SwitchPosition::Closed && frame.action == SwitchAction::Arm)
    return nothing("reported CLOSED: armed no longer, the customer has closed it");
  return against("reported " + position_words(report.position) + " as of " + to_text(*report.at));
}

Judged judge_registers(const EvidenceFrame& frame, const EvidenceMeans& means, const RegisterPair& pair) {
  if (frame.action == SwitchAction::Arm)
    return nothing("an armed switch is open: energy tells nothing of it");
  if (!means.register_step_kwh) return nothing("the resolution of the register is not configured");
  if (pair.first_at < frame.since || pair.second_at <= pair.first_at)
    return nothing("the register was read before the command was done");
  const auto rise = risen(pair);
  if (!rise || *rise < kZero) return nothing("the register went backwards: another meter, or it was set");
  const std::string from_to = pair.first_kwh.to_string() + " kWh to " + pair.second_kwh.to_string() + " kWh";
  const bool moved = *rise > *means.register_step_kwh;  // one step may be of before
  if (moved && frame.action == SwitchAction::Open) return against("energy flowed: " + from_to, true);
  if (moved) return in_favour(kRegister, "energy flows: " + from_to);
  if (frame.action == SwitchAction::Close) return nothing("nothing shows that energy flows: " + from_to);
  if (*rise != kZero) return nothing("the register rose by one step, which may be of before: " + from_to);
  const auto window = still_window(*means.register_step_kwh, means.minimum_load_w);
  if (!window) return nothing(still_window_words(*means.register_step_kwh, means.minimum_load_w));
  const auto span = std::chrono::duration_cast<seconds>(pair.second_at - pair.first_at);
  if (span < *window) {
    return nothing("the register stood still for " + span_words(span) + ", which is less than " +
                   still_window_words(*means.register_step_kwh, means.minimum_load_w));
  }
  return in_favour(kRegister, "the register stood still for " + span_words(span) + ", at least " +
                                  still_window_words(*means.register_step_kwh, means.minimum_load_w));
}

// Energy beyond one step, which alone may be of before; whatever is missing beside it. Empty = none.
std::optional<std::string> energy_of(const EvidenceFrame& frame, const EvidenceMeans& means,
                                     const IntervalRun& run) {
  Decimal sum = run.carried_kwh;
  for (std::size_t i = 0; i < run.values_kwh.size(); ++i) {
    const UtcInstant start = run.start + run.length * static_cast<std::int64_t>(i);
    const auto& value = run.values_kwh[i];
    if (start < frame.since || !value || *value <= kZero) continue;
    const auto more = sum.plus(*value);
    if (more && *more <= means.interval_step_kwh) {
      sum = *more;
      continue;
    }
    if (sum == kZero) return value->to_string() + " kWh in the interval from " + to_text(start);
    return (more ? more->to_string() : value->to_string()) + " kWh up to the end of the interval from " +
           to_text(start);
  }
  return std::nullopt;
}

Judged judge_intervals(const EvidenceFrame& frame, const EvidenceMeans& means, const IntervalRun& run) {
  if (frame.action == SwitchAction::Arm)
    return nothing("an armed switch is open: energy tells nothing of it");
  if (run.length <= seconds{0}) return nothing("intervals without a length");
  if (frame.action == SwitchAction::Open) {
    if (const auto energy = energy_of(frame, means, run)) return against("energy flowed: " + *energy, true);
  }
  std::size_t whole = 0;
  for (std::size_t i = 0; i < run.values_kwh.size(); ++i) {
    const UtcInstant start = run.start + run.length * static_cast<std::int64_t>(i);
    if (start < frame.since) continue;
    const auto& value = run.values_kwh[i];
    if (!value) {
      if (frame.action == SwitchAction::Open) return nothing("an interval is missing, which is not zero");
      continue;
    }
    const std::string which = value->to_string() + " kWh in the interval from " + to_text(start);
    if (*value > kZero && frame.action == SwitchAction::Close)
      return in_favour(kIntervals, "energy flows: " + which);
    if (*value != kZero) return nothing("one step of energy, which may be of before: " + which);
    ++whole;
  }
  if (frame.action == SwitchAction::Close) return nothing("no interval shows that energy flows");
  if (whole < kFewestIntervals)
    return nothing("fewer than " + std::to_string(kFewestIntervals) + " whole intervals after it was done");
  // What is less than a step is carried into a later interval: zeros are normal in a house that draws little.
  const auto window = still_window(means.interval_step_kwh, means.minimum_load_w);
  const std::string needed = still_window_words(means.interval_step_kwh, means.minimum_load_w);
  if (!window) return nothing(needed);
  const seconds span = run.length * static_cast<std::int64_t>(whole);
  const std::string zeros = std::to_string(whole) + " intervals in a row are zero, " + span_words(span);
  if (span < *window) return nothing(zeros + ", which is less than " + needed);
  return in_favour(kIntervals, zeros + ", at least " + needed);
}

Judged judge_read(const EvidenceFrame& frame, const PositionRead& read) {
  if (read.at < frame.since) return nothing("the position was read before the command was done");
  const SwitchPosition wanted = wanted_position(frame.action);
  const std::string what = "read " + position_words(read.position) + ", load-side voltage " +
                           std::string(name_of(read.voltage)) + ", at " + to_text(read.at);
  if (read.position == SwitchPosition::Unknown) return nothing(what);
  if (read.position != wanted) {
    if (frame.action == SwitchAction::Close && read.position == SwitchPosition::Armed)
      return nothing(what + ": armed is not closed");
    if (frame.action == SwitchAction::Arm && read.position == SwitchPosition::Closed)
      return nothing(what + ": armed no longer, the customer has closed it");
    return against(what);
  }
  if (read.voltage == LoadSideVoltage::NotRead || read.voltage == LoadSideVoltage::Unreadable)
    return in_favour(kReported, what + ": a position alone is weak");
  const bool live = read.voltage == LoadSideVoltage::Present;
  if (live == (frame.action == SwitchAction::Close)) return in_favour(kMeasured, what);
  if (live) return nothing(what + ": something feeds the load side of an open switch, a generator perhaps");
  return nothing(what + ": closed, and no voltage behind it: the line may be dead");
}

}  // namespace

std::string_view words_of_level(int level) {
  if (level < 0 || level > kHighestLevel) return "no evidence";
  return kLevels.at(static_cast<std::size_t>(level));
}
std::string_view name_of(LoadSideVoltage voltage) {
  return kVoltages.at(static_cast<std::size_t>(voltage));
}

SwitchPosition wanted_position(SwitchAction action) {
  switch (action) {
    case SwitchAction::Open:
      return SwitchPosition::Open;
    case SwitchAction::Close:
      return SwitchPosition::Closed;
    case SwitchAction::Arm:
      return SwitchPosition::Armed;
  }
  return SwitchPosition::Unknown;
}

std::optional<seconds> still_window(const Decimal& step_kwh, const Decimal& minimum_load_w) {
  if (step_kwh <= kZero || minimum_load_w <= kZero) return std::nullopt;
  const auto energy_ws = step_kwh.times({7'200'000, 0});  // 2 x kWh in watt-seconds
  if (!energy_ws) return std::nullopt;
  const std::int32_t exponent = std::min(energy_ws->exponent, minimum_load_w.exponent);
  const auto above = energy_ws->mantissa_at(exponent), below = minimum_load_w.mantissa_at(exponent);
  if (!above || !below) return std::nullopt;
  const std::int64_t whole = *above / *below + (*above % *below != 0 ? 1 : 0);
  if (whole > kLongestWindow.count()) return std::nullopt;
  return seconds{whole};
}

std::string still_window_words(const Decimal& step_kwh, const Decimal& minimum_load_w) {
  const std::string rule = "2 x " + step_kwh.to_string() + " kWh at " + minimum_load_w.to_string() + " W";
  const auto window = still_window(step_kwh, minimum_load_w);
  if (!window) return "no window follows from " + rule + ": both must be above zero, and it at most a year";
  return span_words(*window) + " (" + rule + ")";
}

Attainable attainable(SwitchAction action, const EvidenceMeans& means) {
  Attainable out;
  const bool energy = action != SwitchAction::Arm;
  const auto line = [&](int level, bool can, const std::string& why) {
    out.words.push_back(std::string(words_of_level(level)) + ": " + (can ? "yes" : "no") +
                        (why.empty() ? "" : ", " + why));
    if (can) out.level = level;
  };
  line(kAcknowledged, means.acknowledges, "");
  line(kReported, means.reports_device_time,
       means.reports_device_time ? "" : "the interface reports no position with the device's time");
  if (!energy) {
    line(kRegister, false, "an armed switch is open: energy tells nothing of it");
    line(kIntervals, false, "an armed switch is open: energy tells nothing of it");
  } else {
    const bool window =
        means.register_step_kwh && still_window(*means.register_step_kwh, means.minimum_load_w).has_value();
    line(kRegister, window,
         !means.register_step_kwh ? "no register is read"
         : action == SwitchAction::Close && window
             ? "as soon as it has risen by more than " + means.register_step_kwh->to_string() + " kWh"
             : still_window_words(*means.register_step_kwh, means.minimum_load_w));
    const bool close = action == SwitchAction::Close;
    const bool zeros = still_window(means.interval_step_kwh, means.minimum_load_w).has_value();
    line(kIntervals, means.interval && (close || zeros),
         !means.interval ? "no intervals arrive"
         : close         ? "intervals of " + span_words(*means.interval) + ", as soon as one is not zero"
         : zeros         ? "intervals of " + span_words(*means.interval) + ", zero for " +
                       still_window_words(means.interval_step_kwh, means.minimum_load_w)
                         : still_window_words(means.interval_step_kwh, means.minimum_load_w));
  }
  line(kMeasured, means.reads_position_and_voltage,
       means.reads_position_and_voltage ? "" : "the interface does not read them");
  return out;
}

Judged judge(const EvidenceFrame& frame, const EvidenceMeans& means, const EvidenceItem& item) {
  if (std::holds_alternative<Acknowledgement>(item))
    return in_favour(kAcknowledged, "the far side says that it is done");
  if (const auto* report = std::get_if<PositionReport>(&item)) return judge_report(frame, *report);
  if (const auto* state = std::get_if<SynchronousState>(&item)) {
    return nothing("answered " + position_words(state->position) +
                   " out of the far side's books: that proves nothing about the meter");
  }
  if (const auto* pair = std::get_if<RegisterPair>(&item)) return judge_registers(frame, means, *pair);
  if (const auto* run = std::get_if<IntervalRun>(&item)) return judge_intervals(frame, means, *run);
  return judge_read(frame, std::get<PositionRead>(item));
}

}  // namespace ami::daemon::switching
