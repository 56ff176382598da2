#include "storage/postgres/roles.h"

#include <pqxx/pqxx>
#include <string>

#include "storage/postgres/session.h"

namespace ami::storage {
namespace {

struct Role {
  std::string name;
  bool superuser = false, owner = false, ingest = false, reader = false, switches = false, bound = false;
};

Result<Role> role_of(Database& database) {
  return database.impl().run([](Session& session) {
    pqxx::read_transaction tx(session);
    const auto row = tx.exec1(
        "SELECT current_user, r.rolsuper, pg_has_role(current_user, c.relowner, 'USAGE'),"
        " pg_has_role(current_user, 'ami_ingest', 'USAGE'), pg_has_role(current_user, 'ami_reader', 'USAGE'),"
        " pg_has_role(current_user, 'ami_switch', 'USAGE'),"
        " row_security_active('interval_day')"
        " FROM pg_roles r, pg_class c WHERE r.rolname = current_user AND c.oid = 'interval_day'::regclass");
    return Role{row[0].as<std::string>(), row[1].as<bool>(), row[2].as<bool>(),
                row[3].as<bool>(),        row[4].as<bool>(), row[5].as<bool>(), row[6].as<bool>()};
  });
}

}  // namespace

Outcome check_ingest_role(Database& database, bool allow_owner) {
  const auto role = role_of(database);
  if (!role) return role.error();
  if (role->superuser || role->owner) {
    if (allow_owner) return Done{};
    return permanent(
        "database.conninfo works as " + role->name +
        (role->superuser ? ", a superuser" : ", which owns the tables") +
        ": a defect could then change the audit trail and drop anything. Let it be a login in ami_ingest"
        " (docs/database-roles.md), or say database.allow_owner: true");
  }
  if (!role->ingest) {
    return permanent("database.conninfo works as " + role->name +
                     ", which is not in ami_ingest: let an administrator"
                     " run GRANT ami_ingest TO \"" +
                     role->name + "\"");
  }
  if (role->bound) {
    return permanent("database.conninfo works as " + role->name +
                     ", for which row-level security holds, so it cannot"
                     " COPY: let an administrator run ALTER ROLE \"" +
                     role->name + "\" BYPASSRLS");
  }
  return Done{};
}

Outcome check_switch_role(Database& database, bool allow_owner) {
  const auto role = role_of(database);
  if (!role) return role.error();
  const char* does_more = role->superuser ? "a superuser"
                          : role->owner   ? "which owns the tables"
                          : role->ingest  ? "which is in ami_ingest"
                                          : nullptr;
  if (does_more != nullptr) {
    if (allow_owner) return Done{};
    return permanent("switching.conninfo works as " + role->name + ", " + does_more +
                     ": let it be a login in ami_switch and no other role (docs/database-roles.md), or say "
                     "database.allow_owner: true");
  }
  if (!role->switches) {
    return permanent("switching.conninfo works as " + role->name +
                     ", which is not in ami_switch: let an administrator run GRANT ami_switch TO \"" + role->name +
                     "\"");
  }
  return Done{};
}

Outcome check_reader_role(Database& database) {
  const auto role = role_of(database);
  if (!role) return role.error();
  const char* sees_all = role->superuser ? "a superuser"
                         : role->owner   ? "which owns the tables"
                         : !role->bound  ? "which has BYPASSRLS"
                         : role->ingest  ? "which is in ami_ingest"
                                         : nullptr;
  if (sees_all != nullptr) {
    return permanent(
        "database.reader_conninfo works as " + role->name + ", " + sees_all +
        ", and so sees the rows of every utility: let it be a login in ami_reader and no other role");
  }
  if (!role->reader) {
    return permanent("database.reader_conninfo works as " + role->name +
                     ", which is not in ami_reader: let an"
                     " administrator run GRANT ami_reader TO \"" +
                     role->name + "\"");
  }
  return Done{};
}

}  // namespace ami::storage
