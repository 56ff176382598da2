// A pool of connections to one PostgreSQL. Every call of the store blocks: use it from the database pool of
// threads, never from a strand or a gRPC thread.
//
// Failures come back as values (meter_model/result.h):
//   Transient  PostgreSQL is away, restarting, full, out of connections, or chose us as a deadlock's victim
//   InDoubt    COMMIT lost its answer: it may have happened
//   Permanent  a defect or a violated constraint; the message names the row that it collides with
// A broken connection is thrown away; the next call makes a new one. So recovery needs nobody's help.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

#include "meter_model/result.h"

namespace ami::storage {

struct DatabaseOptions {
  std::string conninfo;         // libpq: "host=/run/postgresql dbname=ami", multi-host too
  std::size_t connections = 4;  // upper bound; made when first needed
  std::chrono::milliseconds acquire_timeout{10'000};  // waiting for a free connection; then Transient
  std::chrono::seconds connect_timeout{5};
  std::string application_name = "ami-gateway";
  // For everything that one call asks of the server; then the connection is cut and the call fails: Transient,
  // or InDoubt when the question was a COMMIT. 0 = for ever.
  std::chrono::milliseconds answer_timeout{120'000};
  std::size_t day_cache_bytes = std::size_t{64} << 20U;  // of channel-days that were read before; 0 = none
};

// Which utilities one caller may see. It reaches PostgreSQL as the setting ami.utilities, which the policies of
// role ami_reader look at; a role that no policy binds sees everything whatever it says.
struct Scope {
  std::string utilities;  // keys joined by ','; "*" = every one; "" = none
};

class Database {
 public:
  explicit Database(DatabaseOptions options);  // does not connect: PostgreSQL may still be away
  // The same connections, but each piece of work sees what `scope` allows. Cheap; `pool` outlives it.
  Database(Database& pool, Scope scope);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // Reachable, and with the schema that this program was built for. Transient: away; Permanent: other schema.
  Outcome ready();

  class Impl;  // storage/postgres/session.h, inside the store only
  [[nodiscard]] Impl& impl() noexcept { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace ami::storage
