#include "meter_model/metrology/clock.h"

namespace ami::metrology {

RunningInterval::Set RunningInterval::clock_set(const MeterClock& before, const MeterClock& after) {
  Set set;
  if (after.reading() == before.reading()) return set;
  const bool forward = after.reading() > before.reading();
  const Flag flag = forward ? Flag::ClockForward : Flag::ClockBackward;
  if (forward ? after.reading() < end_ : after.reading() >= start_) {
    mark(flag);
    return set;
  }
  set.reopens = true;
  set.closes = !just_opened(before);
  if (forward) {
    const auto beyond_own_end = (after.reading() - end_) / length_;
    set.skipped_ends = static_cast<std::uint32_t>(beyond_own_end + (set.closes ? 0 : 1));
  }
  if (set.closes) {
    mark(flag);
    set.stamp = forward ? end_ : before.reading();
    // Put exactly on an end of the grid, with none left out, the next interval is as good as any.
    if (!forward || set.skipped_ends > 0 || !after.on_grid(length_)) set.carried = flag;
  } else {
    set.carried = flags_ | flag;
    set.skipped_ends += skipped_ends_;
  }
  if (set.skipped_ends > 0) set.carried |= Flag::Skipped;
  return set;
}

}  // namespace ami::metrology
