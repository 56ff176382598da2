// Who read whose values, and why (table access_log). Blocking, thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "storage/postgres/assets.h"
#include "storage/postgres/database.h"
#include "storage/postgres/refusal.h"

namespace ami::storage {

struct AccessSubject {
  std::string usage_point;            // key; empty = the meter was not installed
  std::string meter;                  // key, or for raw records the id as it was sent
  std::optional<std::uint64_t> rows;  // values; nullopt = not known yet
};

// What one call reads. All of it is one utility's.
struct AccessCall {
  std::string utility;  // key
  std::string caller, certificate, on_behalf_of, purpose, rpc;
  Period period;  // of the values that were asked for
  std::vector<AccessSubject> subjects;
};

using AccessCallId = std::int64_t;

struct AccessRow {
  std::int64_t id = 0;
  UtcInstant at{};
  AccessCallId call = 0;
  std::string caller, certificate, on_behalf_of, purpose, rpc;
  AccessSubject subject;
  Period period;
};

struct AccessQuery {
  UtilityId utility = 0;
  std::string usage_point, meter, caller;  // keys; empty = any
  Period period;                           // when it was read
  PageRequest page;                        // in order of time
};

class AccessLog {
 public:
  explicit AccessLog(Database& database) : database_(database) {}

  // On disk when it returns: send nothing before. `id`: of the call, when it has recorded something before.
  // NotFound: no such utility.
  Answer<AccessCallId> record(const AccessCall& call, std::optional<AccessCallId> id = {});
  // How many values each subject came to, once that is known.
  Answer<AccessCallId> close(AccessCallId id, const AccessCall& call);

  Answer<PageOf<AccessRow>> list(const AccessQuery& query);

 private:
  Answer<AccessCallId> append(const AccessCall& call, std::optional<AccessCallId> id, bool closing);
  Database& database_;
};

}  // namespace ami::storage
