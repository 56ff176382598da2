// What the gRPC services are given and what they tell, in plain types: no gRPC header here.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "daemon/commands/request.h"
#include "daemon/regime/regime.h"
#include "meter_model/result.h"
#include "meter_model/time/instant.h"
#include "storage/postgres/assets.h"
#include "storage/postgres/reprocess_runs.h"

namespace ami::validation {
struct Rules;  // daemon/validation/judge.h
}

namespace ami::rpc {

// One configured adapter, for IngestService.AdapterStatus.
struct AdapterReport {
  enum class State { Starting, Healthy, Degraded, Failed, Stopped };
  std::string feed;
  std::string utility;  // key
  std::string family;
  std::string interface;
  State state = State::Starting;
  std::string reason;
  std::optional<UtcInstant> last_success;
  std::uint64_t records = 0, malformed = 0, pending_files = 0;
  std::vector<std::pair<std::string, std::string>> facts{};
  std::vector<std::string> capabilities{};  // words of v1::Adapter::capabilities
};

// What the services ask of the engine of commands (daemon/commands/engine.h, which says more). Any thread;
// answers come on another one, which must not block. All four are set, or none: then this gateway carries out
// no commands.
struct Commands {
  template <class T>
  using Told = std::function<void(T)>;
  std::function<void(daemon::commands::Request, Told<daemon::commands::Reply<daemon::commands::Submitted>>)>
      submit{};
  std::function<void(storage::UtilityId, storage::OperationId, std::string actor,
                     Told<daemon::commands::Reply<storage::Operation>>)>
      cancel{};
  std::function<void(storage::OperationId, Told<std::optional<daemon::commands::Place>>)> place{};
  std::function<void(storage::OperationId, std::uint64_t seen, std::chrono::milliseconds patience,
                     Told<daemon::commands::Reply<daemon::commands::Followed>>)>
      follow{};
};

// What a replay is asked to read again: `ids`, or with none every open row that the filters allow.
struct ReplayOrder {
  std::int32_t utility = 0;  // rows of other utilities are not touched, whatever `ids` says
  std::vector<std::int64_t> ids;
  std::string feed, reason;  // empty = any
};
struct ReplayReport {
  std::uint64_t replayed = 0, settled = 0, still_quarantined = 0;
};

// Bytes of one kept content, in order: fewer than `size` only at the end. Blocks; used by one thread at a
// time.
using RawStream = std::function<Result<std::size_t>(char* into, std::size_t size)>;

// What arrived and is kept: reading it, and reading it again with today's rules. All of them block; any
// thread.
struct KeptContents {
  std::function<storage::Answer<std::int64_t>(const storage::RunOrder&)>
      reprocess{};                                                     // the number of the run
  std::function<Result<RawStream>(const std::string& sha256)> open{};  // Permanent: it is not kept
  std::function<bool(const std::string& sha256)> holds{};
};

// Something that the log must hold. Never a reading, a raw record or a key.
struct CallRecord {
  enum class Kind {
    Access,   // customers' intervals or raw records are about to be read: one record a usage point
    Refused,  // the caller may not do this
    Defect,   // answered INTERNAL; `message` says what happened
  };
  Kind kind = Kind::Access;
  std::string rpc{};          // "/ami.v1.ReadingService/StreamIntervals"
  std::string caller{};       // subject of the certificate, or "local operator", "demo caller"
  std::string utility{};      // key
  std::string usage_point{};  // key; empty = the meter was not installed in that period
  std::string meter{};        // key
  std::string purpose{};
  std::string message{};
  std::string on_behalf_of{};           // of an access: as the caller says
  storage::Period period{};             // of an access: of the values
  std::optional<std::uint64_t> rows{};  // of an access: how many values, where it is known by then
};

using AdapterStatus = std::function<std::vector<AdapterReport>()>;       // any thread; does not block
using Replay = std::function<Result<ReplayReport>(const ReplayOrder&)>;  // blocks; called from the executor
using CallLog = std::function<void(const CallRecord&)>;                  // any thread; does not block
using Executor = std::function<void(std::function<void()>)>;             // runs the work on the database pool
using Now = std::function<UtcInstant()>;
using RegimesNow =
    std::function<std::shared_ptr<const regime::Regimes>()>;  // any thread; does not block; never null
using RulesNow = std::function<std::shared_ptr<const validation::Rules>()>;  // of validation; likewise

}  // namespace ami::rpc
