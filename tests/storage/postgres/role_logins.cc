#include "tests/storage/postgres/role_logins.h"

#include <libpq-fe.h>

#include <memory>
#include <stdexcept>

namespace ami::storage {

SqlEnd run_sql(const std::string& conninfo, const std::string& statements) {
  const std::unique_ptr<PGconn, decltype(&PQfinish)> connection(PQconnectdb(conninfo.c_str()), &PQfinish);
  if (PQstatus(connection.get()) != CONNECTION_OK) throw std::runtime_error(PQerrorMessage(connection.get()));
  const std::unique_ptr<PGresult, decltype(&PQclear)> result(PQexec(connection.get(), statements.c_str()),
                                                             &PQclear);
  SqlEnd end;
  const auto status = PQresultStatus(result.get());
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK && status != PGRES_COPY_OUT) {
    const char* state = PQresultErrorField(result.get(), PG_DIAG_SQLSTATE);
    end.state = state == nullptr ? "?" : state;
    end.message = PQresultErrorMessage(result.get());
  } else if (PQntuples(result.get()) > 0) {
    end.cell = PQgetvalue(result.get(), 0, 0);
  }
  return end;
}

std::string as_user(const std::string& conninfo, const std::string& user) {
  const auto at = conninfo.find("user=ami");
  if (at == std::string::npos) throw std::runtime_error("no user in " + conninfo);
  return std::string(conninfo).replace(at, 8, "user=" + user);
}

void make_logins(const std::string& conninfo) {
  const SqlEnd end = run_sql(conninfo,
                             "DO $$ BEGIN"
                             " IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 't_stranger') THEN"
                             "  CREATE ROLE t_ingest LOGIN BYPASSRLS IN ROLE ami_ingest;"
                             "  CREATE ROLE t_bound LOGIN IN ROLE ami_ingest;"
                             "  CREATE ROLE t_reader LOGIN IN ROLE ami_reader;"
                             "  CREATE ROLE t_both LOGIN IN ROLE ami_reader, ami_ingest;"
                             "  CREATE ROLE t_switch LOGIN IN ROLE ami_switch;"
                             "  CREATE ROLE t_audit LOGIN IN ROLE ami_audit;"
                             "  CREATE ROLE t_stranger LOGIN;"
                             " END IF; END $$");
  if (!end.state.empty()) throw std::runtime_error(end.message);
}

}  // namespace ami::storage
