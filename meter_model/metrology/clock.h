// The meter's own clock, and the grid of interval ends that it rules.
#pragma once

#include <chrono>
#include <cstdint>

#include "meter_model/metrology/flags.h"
#include "meter_model/result.h"
#include "meter_model/time/instant.h"

namespace ami::metrology {

// Runs at the true rate; only a set, or a power failure without a battery, parts it from true time. Readings
// are given as the UTC instant that the clock believes in. A meter stays on standard time: its grid starts at
// civil midnight by the offset that it was started with, and daylight saving does not move it.
class MeterClock {
 public:
  MeterClock() = default;
  MeterClock(UtcInstant start, std::chrono::seconds utc_offset) : now_(start), utc_offset_(utc_offset) {}

  [[nodiscard]] UtcInstant now() const { return now_; }  // true time
  [[nodiscard]] UtcInstant reading() const { return now_ + ahead_; }
  [[nodiscard]] std::chrono::microseconds ahead() const { return ahead_; }  // reading less true time

  void run(std::chrono::microseconds elapsed) { now_ += elapsed; }
  void stand_still(std::chrono::microseconds elapsed) {
    now_ += elapsed;
    ahead_ -= elapsed;
  }
  void set_by(std::chrono::microseconds by) { ahead_ += by; }

  // The first end after the reading, of a grid with this length; a day is a multiple of `length`.
  [[nodiscard]] UtcInstant next_end(std::chrono::microseconds length) const {
    return reading() + (length - past_end(length));
  }
  [[nodiscard]] bool on_grid(std::chrono::microseconds length) const {
    return past_end(length) == std::chrono::microseconds{0};
  }

 private:
  [[nodiscard]] std::chrono::microseconds past_end(std::chrono::microseconds length) const {
    const auto civil = reading().time_since_epoch() + utc_offset_;
    const auto rest = civil % length;
    return rest < rest.zero() ? rest + length : rest;
  }

  UtcInstant now_{};
  std::chrono::microseconds ahead_{};
  std::chrono::seconds utc_offset_{};
};

// The interval that is running on such a grid. The recorder has one and the demand has one.
class RunningInterval {
 public:
  RunningInterval() = default;
  // length: above zero, and a day is a multiple of it.
  RunningInterval(std::chrono::microseconds length, const MeterClock& clock) : length_(length) {
    open(clock);
  }

  [[nodiscard]] std::chrono::microseconds length() const { return length_; }
  [[nodiscard]] UtcInstant end() const { return end_; }  // of the grid; the clock has not reached it
  [[nodiscard]] bool just_opened(const MeterClock& clock) const { return clock.now() == opened_at_; }

  // Starts the next one where the clock stands.
  void open(const MeterClock& clock) { open_at(clock.reading(), clock.next_end(length_), clock.now()); }
  void open_on_grid(const MeterClock& clock) {  // the same where the clock stands on an end, without dividing
    open_at(clock.reading(), clock.reading() + length_, clock.now());
  }

  void mark(Flag flag) { flags_ |= flag; }
  // A thing of an instant: what happens where the interval starts does not overlap it.
  void mark_at(Flag flag, const MeterClock& clock) { (just_opened(clock) ? at_start_ : flags_) |= flag; }
  void not_measured(std::chrono::microseconds elapsed) { unmeasured_ += elapsed; }

  struct Closed {
    std::chrono::microseconds measured{};  // true time with power, in the mode that bills
    Flags flags;                           // PARTIAL and LONG by `measured`, and what was marked
    Flags at_start;                        // what happened at the very instant when it started
    std::uint32_t skipped_ends = 0;
  };
  [[nodiscard]] Closed closed(const MeterClock& clock) const {
    const auto measured = clock.now() - opened_at_ - unmeasured_;
    Closed result{measured, flags_, at_start_, skipped_ends_};
    if (measured < length_) result.flags |= Flag::Partial;
    if (measured > length_) result.flags |= Flag::Long;
    return result;
  }

  // The clock is set from `before` to `after`. Forward, short of the end: the interval becomes short. Forward
  // to the end or past it: it is closed with its own end, the ends that are jumped over beyond it are counted
  // on the next one, and nothing is recorded for them. Backward inside it: it becomes long. Backward over its
  // start: it is closed at once, with what the clock showed. One that has only just started is not closed but
  // started anew. The caller closes (with `stamp`), then calls reopen().
  struct Set {
    bool closes = false;   // write a record, stamped so
    bool reopens = false;  // call reopen()
    UtcInstant stamp{};
    Flags carried;                   // for the next one
    std::uint32_t skipped_ends = 0;  // ends jumped over, for the next one
  };
  [[nodiscard]] Set clock_set(const MeterClock& before, const MeterClock& after);
  void reopen(const Set& set, const MeterClock& after) {
    open(after);
    flags_ = set.carried;
    skipped_ends_ = set.skipped_ends;
  }

 private:
  void open_at(UtcInstant start, UtcInstant end, UtcInstant opened_at) {
    start_ = start;
    end_ = end;
    opened_at_ = opened_at;
    unmeasured_ = {};
    flags_ = {};
    at_start_ = {};
    skipped_ends_ = 0;
  }

  std::chrono::microseconds length_{};
  UtcInstant start_{}, end_{};  // as the clock shows them
  UtcInstant opened_at_{};      // true time
  std::chrono::microseconds unmeasured_{};
  Flags flags_;
  Flags at_start_;
  std::uint32_t skipped_ends_ = 0;
};

}  // namespace ami::metrology
