// An HTTP/1.1 server for the callbacks of a head-end: plain or TLS, every resource bounded.
//
// One request at a time on a connection; pipelined ones wait in the socket. A body is read whole before the
// handler runs. Threads: all on services.executor; counters() may be called from any thread. Deadlines of
// sockets run on the system's steady clock, the look at certificate files on services.clock.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "adapters/sdk/adapter.h"
#include "adapters/wire/http/credentials.h"
#include "adapters/wire/http/message.h"
#include "adapters/wire/http/tls_settings.h"
#include "adapters/wire/http/url.h"

namespace ami::http {

// What each bound is for, and the answer of who meets it, stands in docs/http.md.
struct ServerLimits {
  std::size_t connections = 10'000;
  std::size_t connections_per_address = 1'000;
  std::uint32_t header_bytes = 16 << 10;
  std::size_t body_bytes = 8 << 20;
  std::size_t buffered_bytes = 256 << 20;  // bodies of all requests that are read or worked on
  std::size_t requests_in_work = 64;       // handlers that run at once; none waits
  std::uint64_t requests_per_connection = 100'000;
  std::chrono::milliseconds header_time{10'000};    // TLS handshake; then from a request's first byte to the
                                                    // end of its header
  std::chrono::milliseconds request_time{120'000};  // from a request's first byte to its last
  std::chrono::milliseconds rate_grace{10'000};     // a body, and an answer on its way out, may take this and
  std::size_t min_rate = 1 << 10;                   // then one second for each so many bytes
  std::chrono::milliseconds idle_time{60'000};      // between requests, and before the first
  std::chrono::seconds retry_after{5};              // what a 503 asks for
  std::chrono::milliseconds stop_grace{10'000};     // for requests under way when the server stops
};

struct ServerSettings {
  std::vector<Endpoint> listen;
  std::optional<TlsSettings> tls;         // of all endpoints; absent = plain
  std::optional<BasicCredentials> basic;  // who does not show them gets 401, before the body is read
  // What each message must show itself, where its format has a place for it: the handler compares them.
  std::optional<BasicCredentials> in_message;
  // Beyond this machine each of the two is refused unless set.
  bool plain_credentials = false;  // `basic` or `in_message` without TLS
  bool anonymous_senders = false;  // neither of them, nor client certificates required: anybody may post
  ServerLimits limits;
};

struct ServerCounters {
  std::uint64_t open = 0, in_work = 0, buffered_bytes = 0;  // now
  std::uint64_t accepted = 0;
  std::uint64_t refused_connections = 0, refused_per_address = 0;  // by the limits on connections
  std::uint64_t accept_errors = 0;                                 // no descriptors, no memory: tried again
  std::uint64_t tls_failed = 0;  // handshakes: no TLS, no certificate, one that does not hold
  std::uint64_t requests = 0;    // headers read whole
  std::uint64_t bytes_received = 0, bytes_sent = 0;  // without TLS's own
  std::uint64_t timeout_handshake = 0, timeout_header = 0, timeout_body = 0, timeout_answer = 0,
                timeout_idle = 0;  // timeout_idle is the usual end of a kept connection
  std::uint64_t cut = 0;           // peer went away in the middle of a request or of its answer
  std::uint64_t handler_errors = 0;
  std::map<int, std::uint64_t> answers;  // by status
};

using Handler = std::function<sdk::Awaitable<Response>(Request)>;

// Reads the files and says all that is wrong with the settings but for what only binding shows. Blocks.
Outcome check(const ServerSettings& settings);

class Server {
 public:
  Server(ServerSettings settings, sdk::Services services);
  ~Server();  // only after stop() returned, or when the executor runs no more
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Before start(). The path matches as sent, exactly; another path is 404, another method 405. A handler
  // that throws is answered with 500. After stop_grace a handler is cancelled (Asio, terminal); stop() waits
  // for it.
  void route(std::string method, std::string path, Handler handler);

  // Permanent: settings, files or addresses that cannot work. Transient: address in use.
  sdk::Awaitable<Outcome> start();
  // Takes no more connections, closes those that rest, lets requests under way finish within stop_grace,
  // closes the rest. Returns when no handler runs. start() may follow.
  sdk::Awaitable<void> stop();
  // Reads the certificate files now. On failure the former ones stay in use.
  sdk::Awaitable<Outcome> reload_certificates();

  [[nodiscard]] std::vector<std::uint16_t> ports() const;  // bound, in the order of `listen`
  [[nodiscard]] ServerCounters counters() const;           // any thread

 private:
  class Acceptors;
  std::shared_ptr<Acceptors> acceptors_;
};

}  // namespace ami::http
