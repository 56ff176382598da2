// What a name of a reading request stands for: which meters, when, and where they were then.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "ami/v1/types.pb.h"
#include "daemon/regime/standings.h"
#include "daemon/rpc/call.h"
#include "meter_model/quantity/decimal.h"
#include "storage/postgres/readers.h"

namespace ami::rpc {

// One stay of a meter at a usage point.
struct Placement {
  storage::Period period;
  std::string usage_point;  // full name
  std::string usage_point_key;
  std::string zone;  // IANA
  Decimal multiplier{1, 0};
  std::string order;  // tells two stays apart that agree in all else
};

struct TargetMeter {
  std::string key;
  std::vector<storage::MeterDetail> details;
  std::vector<Placement> placements;  // by time; of a usage point's target only those at that usage point
};

struct ReadingTarget {
  std::string name;                       // as asked
  std::vector<storage::MeterSpan> spans;  // by time
  std::map<MeterId, TargetMeter> meters;
};

// What is known by the names, each looked up once.
struct NamedAssets {
  std::map<std::string, storage::Meter> meters;             // by key
  std::map<std::string, storage::UsagePoint> usage_points;  // by key
};
NamedAssets find_named(const Call& call, const storage::Utility& utility,
                       const std::vector<ResourceName>& names);

// One for each name, in that order; the number of questions to the store does not depend on the number of
// names. NOT_FOUND for the first name that is not known. A usage point without a meter in the period has no
// spans.
std::vector<ReadingTarget> find_targets(const Call& call, const storage::Utility& utility,
                                        const std::vector<ResourceName>& names,
                                        const storage::Period& period);

// Resource names that all are of one utility; INVALID_ARGUMENT otherwise, or for none or more than 1000.
std::vector<ResourceName> names_of_one_utility(const Call& call,
                                               const google::protobuf::RepeatedPtrField<std::string>& names);

v1::Origin interval_origin(std::string_view model);  // regime::recorder_of as the API says it

// What is said beside the values of these meters.
regime::Standings standings_of(const Call& call, const storage::Utility& utility,
                               const std::vector<MeterId>& meters);

}  // namespace ami::rpc
