// The usage points that a call of ListBillingReads is about, with the instant to bill to and who was there
// when.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ami/v1/reading_service.pb.h"
#include "daemon/rpc/billing_choice.h"
#include "daemon/rpc/call.h"
#include "storage/postgres/assets.h"

namespace ami::rpc {

struct BillingPoint {
  std::string name;     // as asked, or the full name
  v1::Missing missing;  // set: nothing is known of it, or nothing can be said
  storage::UsagePointId id = 0;
  std::string zone;
  UtcInstant instant{}, since{};             // since: exchanges after it are told
  std::vector<storage::Installation> stays;  // by time
  [[nodiscard]] const storage::Installation* stay_at(UtcInstant at) const;  // nullptr: no meter
};

struct BillingPoints {
  std::vector<BillingPoint> points;  // in the order asked
  std::string next_token;            // of the page; empty = last
};

// Checks parent, names, date, time and period_start; asks the store a number of questions that does not
// depend on how many usage points there are.
BillingPoints billing_points(const Call& call, const v1::ListBillingReadsRequest& request,
                             storage::Utility& utility);

}  // namespace ami::rpc
