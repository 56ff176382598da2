// Takes what a head-end posts, answers to our requests and events: each message is in the journal, on disk,
// before its 200 goes out.
//
// Threads: the adapter's strand; counters() from any thread.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/sdk/adapter.h"
#include "adapters/wire/cim/codec/cim.h"
#include "adapters/wire/http/line_per_minute.h"
#include "adapters/wire/http/server.h"

namespace ami::cim {

struct ReplyServerSettings {
  http::ServerSettings server;  // in_message: in the body (CIM 1.2) or the SOAP header (CIM 2.0)
  std::vector<std::string> paths{"/cim"};
  std::string source = "ami-gatewayd";  // of our replies
  Options options;
};

struct ReplyServerCounters {
  std::uint64_t taken = 0;            // in the journal and answered with OK
  std::uint64_t unauthenticated = 0;  // wrong or absent credentials: 403
  std::uint64_t unreadable = 0;       // no CIM message, an XML bomb …: 400, or 500 with a SOAP Fault
  std::uint64_t not_ours = 0;         // requests and orders, and messages that hold nothing: the same
  std::uint64_t pushed_back = 0;      // 503: the journal is full or its disk fails
  std::uint64_t too_large = 0;        // 413: more than the journal takes
  std::optional<UtcInstant> last_taken;
  http::ServerCounters http;
};

// The journal holds each message as open_message() keeps it: without credentials, reply address and SOAP
// header. Its key is the correlation, so that answers to one request are read in their order. The same again
// changes nothing. An answer to nothing that we asked is kept like all others.
class ReplyServer {
 public:
  ReplyServer(ReplyServerSettings settings, sdk::Services services);

  sdk::Awaitable<Outcome> start();
  sdk::Awaitable<void> stop();
  [[nodiscard]] std::vector<std::uint16_t> ports() const { return server_.ports(); }
  [[nodiscard]] ReplyServerCounters counters() const;

 private:
  sdk::Awaitable<http::Response> take(http::Request request);
  http::Response refuse(int status, const Message& to, std::string words) const;
  void count(std::uint64_t ReplyServerCounters::*what);
  void complain(http::LinePerMinute& lines, std::string_view id, const std::string& address,
                std::string text);

  const ReplyServerSettings settings_;
  const sdk::Services services_;
  const xml::TreeLimits limits_;
  mutable std::mutex mutex_;
  ReplyServerCounters counters_;
  http::LinePerMinute unreadable_lines_, unauthenticated_lines_;
  http::Server server_;
};

}  // namespace ami::cim
