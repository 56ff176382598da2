// Takes what a head-end posts: each message is in the journal, on disk, before its 200 goes out.
//
// Threads: the adapter's strand; counters() from any thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "adapters/sdk/adapter.h"
#include "adapters/sdk/settings.h"
#include "adapters/wire/http/server.h"
#include "adapters/wire/multispeak/codec/multispeak.h"

namespace ami::multispeak {

struct CallbackSettings {
  http::ServerSettings server;                     // in_message: UserID and Pwd of the SOAP header
  std::vector<std::string> paths{"/multispeak"};   // of all roles; a message says itself what it is
  std::string company, app_name = "ami-gatewayd";  // of our own headers
  Options options;
};

struct CallbackCounters {
  std::uint64_t notifications = 0;  // in the journal and answered
  std::uint64_t pings = 0, methods_asked = 0;
  std::uint64_t unauthenticated = 0;  // wrong or absent user or password in the header
  std::uint64_t unreadable = 0;   // answered with a fault: not SOAP, version 5, unknown operation, bomb …
  std::uint64_t pushed_back = 0;  // 503: the journal is full or its disk fails
  http::ServerCounters http;
};

// Answers PingURL and GetMethods, journals notifications (without their SOAP header), accepts
// MeterExchangeNotification without relying on it, and refuses all else with a fault that says why. A journal
// that says no is answered with 503 and Retry-After: the sender keeps the message.
class CallbackServer {
 public:
  CallbackServer(CallbackSettings settings, sdk::Services services);
  ~CallbackServer();

  sdk::Awaitable<Outcome> start();
  sdk::Awaitable<void> stop();
  [[nodiscard]] std::vector<std::uint16_t> ports() const;
  [[nodiscard]] CallbackCounters counters() const;

 private:
  class Core;
  std::shared_ptr<Core> core_;
};

// Section `callback` of a feed: those of http::server_settings() and `paths`.
std::vector<sdk::SettingDef> callback_settings();
// Reads password files (blocks). `options` are the feed's. Permanent: what is wrong, with file and line.
Result<CallbackSettings> callback_config(const sdk::Settings& section, Options options);

}  // namespace ami::multispeak
