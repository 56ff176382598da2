// Protected lists in PostgreSQL. Its connections are of a login in role ami_switch.
#pragma once

#include <string>
#include <vector>

#include "storage/contract/protected_lists.h"
#include "storage/postgres/database.h"

namespace ami::storage {

class PostgresProtectedLists final : public ProtectedLists {
 public:
  explicit PostgresProtectedLists(Database& database) : database_(database) {}

  Answer<Done> import(const ProtectedImport& list) override;
  Answer<std::vector<ProtectedMark>> marks(std::int32_t utility, const std::string& usage_point) override;

 private:
  Database& database_;
};

}  // namespace ami::storage
