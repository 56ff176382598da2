// Rows of the change feed as messages of StreamChanges. Pure: what is read from the store is handed in.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "ami/v1/reading_service.pb.h"
#include "daemon/rpc/change_values.h"
#include "daemon/rpc/convert.h"
#include "daemon/rpc/fleet.h"

namespace ami::rpc {

// What a subscriber wants of the slots inside a change; the store has left out most of the rest.
struct ChangeFilter {
  std::set<MeterId> meters;
  std::set<std::string> usage_points;  // keys
  std::int16_t kinds = 0;              // bits; 0 = all

  [[nodiscard]] bool everything() const { return meters.empty() && usage_points.empty() && kinds == 0; }
  [[nodiscard]] bool wants(MeterId meter, const std::string& usage_point_key) const {
    return (meters.empty() && usage_points.empty()) || meters.contains(meter) ||
           usage_points.contains(usage_point_key);
  }
  [[nodiscard]] bool wants(std::int16_t bits) const { return kinds == 0 || bits == 0 || (bits & kinds) != 0; }
};

// The bit of a kind in the table of changes; 0 for KIND_UNSPECIFIED and unknown ones.
std::int16_t bit_of(v1::Change::Kind kind);

struct ChangeContext {
  const storage::Utility& utility;
  const storage::FeedIdentity& feed;
  const PresentValues& present;
  const storage::Dictionary& before;  // explains the qualities of old values
  const Fleet& fleet;
  const UsagePointNames& points;
  regime::Standings& standings;  // knows the meters of the page
};

// nullopt: nothing of it is wanted. A row that contradicts itself comes without values rather than not at
// all.
std::optional<v1::Change> change_message(const storage::ChangeRow& row, const ChangeContext& context,
                                         const ChangeFilter& filter);

}  // namespace ami::rpc
