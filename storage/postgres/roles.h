// Is the role that a connection works as the one that it should be? Roles and grants:
// storage/schema/0008_roles.sql.
#pragma once

#include "meter_model/result.h"
#include "storage/postgres/database.h"

namespace ami::storage {

// Both block, and say Permanent with what an administrator has to do, or Transient when PostgreSQL is away.
// They need a schema that is up to date.

// The role that stores: a member of ami_ingest that owns nothing and is no superuser, and that no row policy
// binds, because PostgreSQL does not COPY into a table that has one for the role. `allow_owner`: owner and
// superuser are taken, too.
Outcome check_ingest_role(Database& database, bool allow_owner);

// The role that writes the book of switch operations: a member of ami_switch that owns nothing, is no superuser
// and stores nothing else. `allow_owner` as above.
Outcome check_switch_role(Database& database, bool allow_owner);

// The role that answers callers: one whose rows are cut to the setting ami.utilities.
Outcome check_reader_role(Database& database);

}  // namespace ami::storage
