#include "meter_model/normaliser/mapping.h"

#include <utility>

namespace ami {

Mapping overlay(Mapping base, const Mapping& overlay) {
  if (overlay.version != 0) base.version = base.version * kMappingVersionsPerBase + overlay.version;
  if (!overlay.wire.empty()) base.wire = overlay.wire;
  base.units.insert(base.units.begin(), overlay.units.begin(), overlay.units.end());
  for (const auto& [label, index] : overlay.tou) base.tou.insert_or_assign(label, index);
  for (const auto& [letters, rule] : overlay.flags) base.flags.insert_or_assign(letters, rule);
  for (const auto& [channel, scale] : overlay.raw_scale) base.raw_scale.insert_or_assign(channel, scale);
  return base;
}

}  // namespace ami
