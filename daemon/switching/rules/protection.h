// What protects a customer at the moment: handed in from outside, each with its age. What is missing stays
// missing; the rules say what then.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "daemon/switching/policy.h"
#include "daemon/switching/rules/rule_book.h"
#include "meter_model/quantity/decimal.h"
#include "storage/contract/protected_lists.h"
#include "storage/contract/safety_holds.h"

namespace ami::daemon::switching {

// A low and a high over a span of time, degrees Celsius.
struct TemperatureSpan {
  UtcInstant from{}, to{};
  Decimal low_c, high_c;
};

// At the place of the usage point.
struct Weather {
  std::string source, issue;  // "ECCC s0000458", its version
  UtcInstant issued_at{};
  std::vector<TemperatureSpan> observed, forecast;  // any order
  struct Advisory {
    UtcInstant from{}, to{};
  };
  // Heat advisories since `advisories_since`, those that were lifted too.
  std::vector<Advisory> heat;
  std::optional<UtcInstant> advisories_since;  // nullopt = nobody told of any, nor that there are none
};

// News of the customer's account.
struct Account {
  UtcInstant as_of{};  // everything until then is in it
  std::optional<UtcInstant> paid_at, moved_in_at, medical_at;  // the newest
};

struct Protection {
  std::string zone;          // of the usage point, IANA; empty = not known
  std::string jurisdiction;  // "CA-ON"; empty = not known
  CustomerClass customer = CustomerClass::NotKnown;
  std::optional<Weather> weather;
  std::optional<Account> account;
  std::optional<std::vector<storage::ProtectedMark>> lists;  // nullopt = could not be looked up
  std::optional<storage::HoldsFound> holds;                  // likewise
};

class ProtectionSource {
 public:
  virtual ~ProtectionSource() = default;
  // Blocks. Never fails as a whole: what cannot be looked up is left out.
  virtual Protection of(const PolicyInput& input) const = 0;
};

}  // namespace ami::daemon::switching
