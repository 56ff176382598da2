// Where usage points are, out of asset data. Any role that reads them, ami_switch too. Blocking, thread-safe.
#pragma once

#include <string>

#include "storage/contract/switch_places.h"
#include "storage/postgres/database.h"

namespace ami::storage {

class PostgresSwitchPlaces final : public SwitchPlaces {
 public:
  explicit PostgresSwitchPlaces(Database& database) : database_(database) {}
  Answer<SwitchPlace> of(std::int32_t utility, const std::string& usage_point, UtcInstant when) override;

 private:
  Database& database_;
};

}  // namespace ami::storage
