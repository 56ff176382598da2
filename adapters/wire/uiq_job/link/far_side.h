// One request to the head-end and what came of it, in the terms of a caller who must know whether it may have
// been carried out.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "adapters/sdk/setback.h"
#include "adapters/wire/http/client.h"
#include "adapters/wire/uiq_job/codec/uiq_job.h"

namespace ami::uiq_job {

struct Told {
  enum class Kind : std::uint8_t {
    Answered,    // rows, as the template reads them
    Faulted,     // a SOAP fault
    Unreadable,  // an answer that the template cannot read
    Refused,   // a complete answer of HTTP that says no: 401, 404, a redirect; or a request not to be written
    NotTaken,  // nothing was sent, or it took nothing on: unreachable, too busy, left alone by the breaker
    Unsent,    // nothing was sent, on our own account: before_send said no, or we stop
    Lost,      // something may have arrived and no complete answer came
  };
  Kind kind = Kind::Unsent;
  std::vector<Row> rows{};
  std::string words{};    // for people, unless Answered
  std::string message{};  // the SOAP envelope that came: Answered, Faulted, Unreadable
  std::optional<std::chrono::milliseconds> retry_after{};
  sdk::Setback setback = sdk::Setback::NotSent;  // what it is to a command, unless Answered

  [[nodiscard]] bool answered() const noexcept { return kind == Kind::Answered; }
  // It came to nobody who understood it; the same again may.
  [[nodiscard]] bool fell_silent() const noexcept {
    return kind == Kind::Refused || kind == Kind::NotTaken || kind == Kind::Lost;
  }
};

struct Sending {
  Sending() = default;  // no aggregate, as http::Call

  std::function<sdk::Awaitable<Outcome>()> before_send{};
  bool safe_to_repeat = false;
  bool fresh_connection = false;
};

// Threads: as http::Client.
class FarSide {
 public:
  FarSide(std::shared_ptr<const SiteTemplate> site, http::ClientSettings settings, sdk::Services services)
      : site_(std::move(site)), client_(std::move(settings), services) {}

  sdk::Awaitable<Told> ask(Operation operation, Values values, Sending how);
  sdk::Awaitable<void> stop() { return client_.stop(); }
  [[nodiscard]] http::ClientMetrics metrics() const { return client_.metrics(); }

 private:
  const std::shared_ptr<const SiteTemplate> site_;
  http::Client client_;
};

// What an answer of HTTP means for `operation`. Pure.
Told told_by(const SiteTemplate& site, Operation operation, http::Answer answer);

}  // namespace ami::uiq_job
