// A database with switch operations of which the audit is to be sealed, as the role that does it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "storage/postgres/switch_seals.h"
#include "storage/postgres/switching.h"
#include "tests/storage/postgres/role_logins.h"
#include "tests/storage/postgres/store_fixture.h"

namespace ami::storage {

class SwitchSealTest : public StoreTest {
 protected:
  void SetUp() override;

  SwitchOperation create(const std::string& request);  // of a meter of its own
  SwitchOperation move(SwitchOperation operation, SwitchState state);
  // Two operations through all their states: 12 lines.
  void two_operations();
  // Seals until nothing is left; how many lines.
  std::size_t seal_all(std::size_t batch = 1000);
  std::vector<SealedLine> chain();  // all seals
  // As a superuser for whom no trigger fires.
  void tamper(const std::string& statements) const;

  std::string switch_login;  // conninfo
  std::unique_ptr<Database> login;
  std::unique_ptr<PostgresSwitching> book;
  std::unique_ptr<PostgresSeals> seals;
};

}  // namespace ami::storage
