// Keeps in contact with one URL of the head-end: is it there, what does it offer, whose meters does it know.
//
// PingURL and GetMethods when the feed starts, once a day, and when the breaker closes again. What GetMethods
// listed is durable ("methods:mr"), so that a command is judged by it also before the head-end is reached
// again. Threads: the adapter's strand; status() from any thread.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "adapters/sdk/adapter.h"
#include "adapters/wire/multispeak/link/head_end.h"
#include "adapters/wire/multispeak/link/link_settings.h"

namespace ami::multispeak {

struct ContactStatus {
  bool reached = false;  // at the last look
  std::string problem;   // of the last look; empty = none, or none made yet
  std::vector<std::string> methods;
  std::optional<UtcInstant> looked;    // when it was last reached
  std::optional<Version> answered_in;  // a broker may answer in the other version
  // Of GetAMRSupportedMeters, when that was asked.
  std::optional<std::uint64_t> meters, unknown_meters;
};

class Contact {
 public:
  Contact(Role role, http::ClientSettings url, const LinkConfig& config, sdk::Services services);

  // What an earlier run recorded; nothing where it cannot be had.
  sdk::Awaitable<void> load();
  // Looks until it is ended: soon, then daily; after a failure again, later and later, with jitter.
  sdk::Awaitable<void> keep();
  // One look. False: not reached, or not as it should be.
  sdk::Awaitable<bool> look();
  [[nodiscard]] bool looking() const noexcept { return looking_; }

  // Empty: the operation may be asked for. Else why not, in words that name it.
  [[nodiscard]] std::string not_offered(Operation operation) const;

  [[nodiscard]] HeadEnd& head_end() noexcept { return head_end_; }
  [[nodiscard]] ContactStatus status() const;
  [[nodiscard]] http::BreakerMetrics breaker() const { return head_end_.metrics().breaker; }

 private:
  sdk::Awaitable<Heard> question(Operation operation, std::string last_received);
  sdk::Awaitable<std::string> ask_methods();
  sdk::Awaitable<std::string> align();
  sdk::Awaitable<void> record(std::vector<std::string> methods);
  void conclude(bool reached, std::string problem);
  template <class Change>
  void change(Change with) {
    const std::lock_guard lock(mutex_);
    with(status_);
  }

  sdk::Services services_;
  const Version version_;
  const AliasKind names_;
  const bool align_;
  HeadEnd head_end_;
  std::mt19937_64 random_;
  bool looking_ = false;
  mutable std::mutex mutex_;
  ContactStatus status_;
};

}  // namespace ami::multispeak
