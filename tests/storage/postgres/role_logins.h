// Logins in the group roles of the schema, made once a cluster.
#pragma once

#include <string>

namespace ami::storage {

// `conninfo` of a superuser. Makes t_ingest (BYPASSRLS), t_bound (ami_ingest, without it), t_reader, t_both
// (reader and ingest), t_switch, t_audit, t_stranger (no role).
void make_logins(const std::string& conninfo);

// The same database as another user.
std::string as_user(const std::string& conninfo, const std::string& user);

// SQLSTATE of the first statement that fails, one connection for all; "" when all succeed. libpq, because
// libpqxx forgets some codes.
struct SqlEnd {
  std::string state, message;
  std::string cell;  // first cell of the last statement
};
SqlEnd run_sql(const std::string& conninfo, const std::string& statements);

}  // namespace ami::storage
