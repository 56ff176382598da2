// IANA time zones. The only place that turns civil time into UTC.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "meter_model/time/instant.h"

namespace ami {

// Immutable and thread-safe; cheap to copy. Zone rules come from the system's tzdata, read once per name.
class Zone {
 public:
  static Result<Zone> load(std::string_view iana_name);  // "America/Toronto", "UTC"; unknown = Permanent
  static Zone utc();

  [[nodiscard]] const std::string& name() const noexcept;

  // The instants that a clock face may stand for: one normally, two in the repeated autumn hour (earlier
  // first), none in the skipped spring hour.
  struct Candidates {
    int count = 0;
    UtcInstant first{};
    UtcInstant second{};
  };
  [[nodiscard]] Candidates resolve(CivilTime civil) const;
  [[nodiscard]] CivilTime civil(UtcInstant instant) const;

  // Start of the civil day that contains `instant`, and of the next one. 23, 24 or 25 hours apart mostly.
  struct Day {
    UtcInstant start{};
    UtcInstant end{};
  };
  [[nodiscard]] Day civil_day(std::chrono::year_month_day date) const;

 private:
  struct Impl;
  explicit Zone(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<const Impl> impl_;
};

// Resolves a series of clock faces in order of appearance (the repeated autumn hour). Element i of the result
// is the instant of times[i], or the reason why it cannot be known. Rules, in order:
//   1. a written offset settles it;  2. one candidate settles it;  3. the candidate one `step` after the
//   previous resolved time, or one step before the next;  4. a face that appears twice is first the earlier,
//   then the later.  Otherwise it is ambiguous: the caller quarantines. `step` zero = unknown.
// Where rule 3 gives one answer from the front and another from behind, the sender left out one of the two
// hours and nothing tells which: ambiguous. A time that was not written is one step after the one before it.
// A series in descending order is resolved the same way, read backwards (all times must then be written).
struct ResolvedTime {
  std::optional<UtcInstant> instant;
  const char* problem = nullptr;  // "ambiguous_local_time", "nonexistent_local_time" or "no_time"
};
std::vector<ResolvedTime> resolve_series(const std::vector<StatedTime>& times, const Zone& zone,
                                         std::chrono::seconds step);

}  // namespace ami
