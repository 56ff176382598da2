// Was a meter verified at an instant? From dated asset data; independent of the notice, which only says that
// verification is required in addition to it (APPROVAL, paragraph 2).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "meter_model/approval/notice.h"
#include "meter_model/time/instant.h"
#include "meter_model/time/zone.h"

namespace ami::approval {

enum class Verification : std::uint8_t { InPeriod, Expired, NotVerified, Unknown };
std::string_view name_of(Verification verification);  // "IN_PERIOD", …

// One verification of a meter, as the asset data have it.
struct VerificationRecord {
  std::string certificate;      // empty = not recorded
  std::optional<Date> sealed;   // day of the seal, in the utility's zone
  std::string lot;              // sample lot; empty = verified by itself
  std::optional<int> due_year;  // last year of the period
};

// Something that broke the seal: a module swap, an opened cover.
struct SealBreak {
  UtcInstant at{};
  std::string cause;  // for a person: "module SSN-77 for SSN-12"
};

struct VerificationVerdict {
  Verification status = Verification::Unknown;
  std::string reason;                 // for a person
  std::optional<std::size_t> record;  // index of the record that counts
};

// The newest record that was sealed by `at` counts. In this order:
//   seal broken on a later day than it was set, or broken where no seal is recorded at all: NOT_VERIFIED,
//   until a later seal; broken on the very day: UNKNOWN, since days do not tell which came first; no record,
//   or one without seal day, certificate or due year, or due before it was sealed: UNKNOWN; after the due
//   year's last day (assumed: a period ends with the civil year, in `zone`): EXPIRED; else IN_PERIOD.
// Neither span needs an order; breaks after `at` do not count.
VerificationVerdict verification_at(std::span<const VerificationRecord> records,
                                    std::span<const SealBreak> breaks, UtcInstant at, const Zone& zone);

}  // namespace ami::approval
