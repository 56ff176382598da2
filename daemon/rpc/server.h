// The gRPC server: ami.v1 services, grpc.health.v1 and reflection.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "daemon/rpc/records.h"
#include "daemon/rpc/subscriptions.h"
#include "meter_model/result.h"

namespace ami::storage {
class Database;
class SealStore;
}

namespace ami::rpc {

struct Switching;  // daemon/rpc/switching.h

// TLS with client certificates. PEM files; read again when they change (looked at every `reload`), so that a
// renewed certificate or CA needs no restart. Connections that stand keep what they began with.
struct TlsFiles {
  std::string certificate_chain;
  std::string private_key;  // refused at start when others may read it
  std::string client_ca;    // who may sign client certificates
  std::chrono::seconds reload{30};
};

class RpcServer {
 public:
  struct Config {
    std::string tls_address;  // "0.0.0.0:50051", port 0 = any; empty = none. Needs `tls`
    TlsFiles tls;
    std::string
        unix_socket;  // path, plaintext: whoever may open it is the local operator with every role.
                      // Made with mode 0660; a socket left over from a crash is replaced. Empty = none
    std::string demo_address;  // plaintext, every role; refused unless `demo` and the address is loopback
    bool demo = false;
    // Under way at once; more get RESOURCE_EXHAUSTED with RetryInfo. A quarter more for service switches.
    std::size_t max_calls = 256;
    ChangeFeedOptions changes;
  };

  // All outlive the server. `executor` must go on running what it was given until drain() has returned.
  struct Dependencies {
    storage::Database& database;
    AdapterStatus adapter_status;
    Replay replay;
    CallLog log;
    Now now;
    Executor executor;
    KeptContents kept{};
    storage::Database* reader = nullptr;  // for what callers ask, as a role that sees less; null: `database`
    RegimesNow regimes{};                 // notices of type approval; empty: none is known
    RulesNow rules{};                     // thresholds of validation; empty: the defaults
    Commands commands{};                  // empty: none is carried out
    const Switching* switching = nullptr;  // null: no switch is operated
    storage::SealStore* seals = nullptr;   // of the switch audit; null: likewise
  };

  RpcServer(Config config, Dependencies dependencies);
  ~RpcServer();  // drains with no patience
  RpcServer(const RpcServer&) = delete;
  RpcServer& operator=(const RpcServer&) = delete;

  // Permanent: the configuration cannot work (message says which line of it); Transient: an address is taken.
  Outcome start();

  [[nodiscard]] int port() const;       // of tls_address, once started; 0 = not listening
  [[nodiscard]] int demo_port() const;  // likewise of demo_address

  [[nodiscard]] std::size_t change_streams() const;  // open now

  // grpc.health.v1 answer for "" and each service. Serving once started; NOT_SERVING while the store is away.
  void set_serving(bool serving);

  // Stops taking calls, lets those under way end until `patience` has passed, cancels the rest, and returns
  // when all are gone. Once only; later calls do nothing.
  void drain(std::chrono::milliseconds patience);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ami::rpc
