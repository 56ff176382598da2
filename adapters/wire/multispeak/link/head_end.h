// One URL of the head-end: asks it, and reads what it says.
//
// Threads: the adapter's strand; what is read or hashed is so off the strand. Nothing that this gives has the
// message header's password in it, even where the head-end sends it back.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "adapters/sdk/adapter.h"
#include "adapters/wire/http/client.h"
#include "adapters/wire/multispeak/codec/multispeak.h"
#include "adapters/wire/multispeak/link/link_settings.h"

namespace ami::multispeak {

// How a question is put.
struct Manner {
  Manner() = default;  // no aggregate: GCC 12 frees a temporary aggregate twice within co_await

  std::function<sdk::Awaitable<Outcome>()> before_send{};
  bool fresh_connection = false;
  bool repeatable = false;  // the head-end may get it twice without harm
  bool keep = false;        // give the answer's bytes, for keeping
};

// How it ended: one of the three.
struct Heard {
  Heard() = default;

  std::optional<Response> response;      // a readable answer, with readings or with a SOAP fault
  std::optional<http::Failure> failure;  // none came, or one that is no SOAP with an HTTP status of failure
  std::string unreadable;                // one came, and why it cannot be read

  UtcInstant received_at{};
  // The answer without its header, and the SHA-256 of that; when it was to be kept and has readings.
  std::shared_ptr<const std::string> kept{};
  std::string sha256{};

  [[nodiscard]] bool is_fault() const noexcept { return response && response->fault; }
  // Why there is nothing to go on with; empty = there is.
  [[nodiscard]] std::string trouble() const;
};

class HeadEnd {
 public:
  HeadEnd(Role role, http::ClientSettings url, const LinkConfig& config, sdk::Services services);

  // The header's paging goes by Request::last_received. Permanent requests (see check()) are Failure BadCall.
  sdk::Awaitable<Heard> ask(Request request, Manner manner);
  sdk::Awaitable<void> stop() { return client_.stop(); }

  [[nodiscard]] Role role() const noexcept { return role_; }
  [[nodiscard]] const std::string& peer() const noexcept { return peer_; }
  [[nodiscard]] http::ClientMetrics metrics() const { return client_.metrics(); }  // any thread
  // When something readable came last; any thread.
  [[nodiscard]] std::optional<UtcInstant> last_answer() const {
    const std::int64_t at = last_answer_;
    return at == 0 ? std::nullopt : std::optional(UtcInstant(UtcInstant::duration(at)));
  }

  // Called on the strand when calls get through again that the breaker had held back.
  void on_recovery(std::function<void()> tell) { recovered_ = std::move(tell); }

 private:
  void hide(std::string& text) const;  // the password, wherever it stands in it
  sdk::Awaitable<Heard> read(http::Answer answer, Operation asked, bool keep);
  void watch_breaker();

  const Role role_;
  const std::string peer_;
  const CommandRules rules_;
  const Options options_;
  const MessageHeader header_;
  sdk::Services services_;
  http::Client client_;
  std::function<void()> recovered_;
  std::atomic<std::int64_t> last_answer_{0};  // microseconds of the epoch; 0 = none
  std::uint64_t opened_ = 0;                  // how often the breaker had when it was last seen closed
};

}  // namespace ami::multispeak
