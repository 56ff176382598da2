// An HTTP/1.1 client of one peer: kept connections, deadlines, and answers that say whether the request may
// have reached the peer.
//
// Threads: all on services.executor; metrics() may be called from any thread. Deadlines of sockets run on the
// system's steady clock; breaker and the look at certificate files on services.clock. A host name is resolved
// by Asio's one resolver thread of the process; an address written as numbers needs none.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "adapters/sdk/adapter.h"
#include "adapters/wire/http/answer.h"
#include "adapters/wire/http/breaker.h"
#include "adapters/wire/http/credentials.h"
#include "adapters/wire/http/message.h"
#include "adapters/wire/http/tls_settings.h"
#include "adapters/wire/http/url.h"

namespace ami::http {

struct ClientLimits {
  std::size_t connections = 8;  // at once
  std::size_t waiting = 256;    // calls that wait for a connection; further ones fail with PoolBusy
  std::uint32_t header_bytes = 32 << 10;
  std::size_t body_bytes = 16 << 20;
  std::chrono::milliseconds connect_time{5'000};  // name and TCP
  std::chrono::milliseconds tls_time{10'000};
  std::chrono::milliseconds request_time{60'000};  // all of a call, waiting and before_send included
  std::chrono::milliseconds idle_time{15'000};  // a kept connection is used again within; shorter where the
                                                // peer says so (Keep-Alive: timeout=)
};

struct ClientSettings {
  Url url;                  // base: scheme, host, port, and the target of a call that names none
  TlsSettings tls;          // certificate, key and CA; used when url.tls
  std::string server_name;  // in the peer's certificate, and SNI; empty = the host of the URL
  std::optional<BasicCredentials> basic;
  bool message_credentials = false;  // the bodies that are sent have a user and a password in them
  bool plain_credentials = false;    // either without TLS beyond this machine is refused unless set
  Headers headers;                   // of every request
  ClientLimits limits;
  BreakerSettings breaker;
};

struct Call {
  Call() = default;  // no aggregate: GCC 12 frees a temporary aggregate twice within co_await

  std::string method = "POST";
  std::string target;  // "/path?query"; empty = that of the base URL
  Headers headers;     // Host, Content-Length and Connection are ours
  std::string body;
  // The peer may get it twice without harm. Only then is it sent again by the client itself, once, when a
  // kept connection turns out to have been closed by the peer at the moment of sending.
  bool safe_to_repeat = false;
  // A connection of its own: costs a handshake, and a kept one that dies at the wrong moment cannot leave the
  // outcome in doubt. For switch commands.
  bool fresh_connection = false;
  std::optional<std::chrono::milliseconds> deadline{};  // instead of request_time
  // Awaited when the connection stands, just before the first byte leaves. An error: nothing is sent, and the
  // failure is NotSent with that error. Awaited once, also when the call is sent again.
  std::function<sdk::Awaitable<Outcome>()> before_send{};
};

struct ClientMetrics {
  std::uint64_t calls = 0, succeeded = 0;
  std::map<FailureKind, std::uint64_t> failed;
  std::uint64_t connected = 0, reused = 0;  // connections opened; requests on a kept one
  std::uint64_t stale = 0;                  // kept connections found closed before they were used again
  std::uint64_t sent_again = 0;             // see Call::safe_to_repeat
  std::uint64_t bytes_received = 0, bytes_sent = 0;
  std::uint64_t in_use = 0, idle = 0, waiting = 0;  // connections, connections, calls: now
  BreakerMetrics breaker;
};

// Reads the files and says all that is wrong with the settings. Blocks.
Outcome check(const ClientSettings& settings);

class Client {
 public:
  Client(ClientSettings settings, sdk::Services services);
  ~Client();  // only after stop() returned, or when the executor runs no more
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Never throws but std::bad_alloc; a caller's cancellation (Asio, terminal) ends it with Cancelled.
  sdk::Awaitable<Answer> send(Call call);
  // Calls that come later fail with Stopped, those under way are cut off. Returns when none is left.
  sdk::Awaitable<void> stop();

  [[nodiscard]] ClientMetrics metrics() const;  // any thread

 private:
  class Core;
  std::shared_ptr<Core> core_;
};

}  // namespace ami::http
