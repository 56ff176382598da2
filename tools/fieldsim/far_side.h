// The far side of one module family's network, and the table of all of them. A seventh is one folder below
// networks/ and one line in networks/CMakeLists.txt.
//
// The host drives: it makes a network's World and FarSide, starts it, and at each report instant of the
// network advances the world to that instant and calls report(). In between the far side serves requests of
// its own, through the module's peer target, with a Field over the World. Everything runs on one executor,
// and nothing blocks.
//
// Simulated time does not pass its next report instant before the world is advanced to it and report() has
// returned, so a machine that is too slow makes time go slower instead of mixing it up. Therefore report()
// must not wait for the clock: what takes simulated time (latency) goes through the Courier.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/sdk/adapter.h"
#include "meter_model/result.h"
#include "meter_model/time/zone.h"
#include "tools/fieldsim/courier.h"
#include "tools/fieldsim/ledger.h"
#include "tools/fieldsim/simulated_clock.h"
#include "tools/fieldsim/world.h"

namespace ami::fieldsim {

// A key that only this network has in a scenario; its value is text that make() reads. Written at the network
// beside the keys that all have: {family: ts2, meters: 100, listen: "127.0.0.1:8082"}.
struct OwnKey {
  std::string_view name, default_value, meaning;
};

struct NetworkSetup {
  std::string family;
  std::string name;  // in the ledger and the log; the family's, unless a scenario has two of one
  std::map<std::string, std::string> own;  // every OwnKey, with its default where the scenario says nothing
  std::filesystem::path base_dir;          // relative paths of `own` are below it
  Zone zone = Zone::utc();                 // civil time of the network's files and messages
  std::size_t batch = 100;                 // meters in one message, where the format has several
  std::uint64_t seed = 1;
  std::optional<Latency> latency{};  // as the scenario gives it; absent = as the family has it
  // The path of an own key below base_dir; "" stays "".
  [[nodiscard]] std::filesystem::path path(const std::string& key) const;
};

// Handed to a far side; all of it outlives it.
struct Surroundings {
  sdk::Services services;  // executor, clock (simulated) and log are real, the rest refuses: what peers take
  SimulatedClock& clock;
  World& world;
  Ledger& ledger;
  Courier& courier;  // of this network
};

struct Status {
  std::uint64_t reports = 0;   // report() calls
  std::uint64_t requests = 0;  // requests of the daemon, a meter each
  std::size_t under_way = 0;   // accepted and not told yet
  std::optional<UtcInstant> last_report{};
  std::string words{};  // for people: the last trouble; empty = none
};

// Where it listens: {"mr", 8082}. For ports.json and tests.
using Ports = std::vector<std::pair<std::string, std::uint16_t>>;

// A row of meters.csv for a thing that is no meter of the World (a water meter on a port): column -> cell.
using BookRow = std::map<std::string, std::string>;

class FarSide {
 public:
  virtual ~FarSide() = default;
  // Opens its servers. Errors in plain words: an address in use, a folder that is not there.
  virtual sdk::Awaitable<Outcome> start() = 0;
  // Drops what is under way; returns when all is quiet. The courier is stopped by the host before.
  virtual sdk::Awaitable<void> stop() = 0;
  // Sends what the meters said since the last time. The world stands at `now`. Returns when all is with the
  // courier.
  virtual sdk::Awaitable<void> report(UtcInstant now) = 0;
  // Called every few hundred real milliseconds and once after stop(): protocol steps of commands into the
  // ledger.
  virtual void settle() {}
  [[nodiscard]] virtual Ports ports() const { return {}; }
  [[nodiscard]] virtual Status status() const = 0;
  // Beside the World's meters.
  [[nodiscard]] virtual std::vector<BookRow> books() const { return {}; }
};

struct NetworkKind {
  std::string_view family;       // as the scenario and the daemon's feeds call it
  std::string_view prefix;       // of its meters' names: "TS" + eight digits
  std::string_view module_type;  // column of meters.csv; empty = none
  std::span<const OwnKey> own_keys;
  // Errors: an own key that is wrong, said as the rest of the sentence after its line: "listen \"x\" is no
  // host:port". Called by --check too: makes nothing that is seen from outside.
  Result<std::unique_ptr<FarSide>> (*make)(const NetworkSetup& setup, Surroundings around);
};

// In the order in which they are shown.
std::span<const NetworkKind> networks();

// What the page (page.h) shows of a run, and where it may lay hands on. All of it outlives the page, which is
// started last and stops first.
struct Shown {
  std::string name, family;
  World& world;
  FarSide& far_side;
  Courier& courier;
};

}  // namespace ami::fieldsim
