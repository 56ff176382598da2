// Pulls: asks the head-end on a schedule for what it has gathered, and remembers durably how far that went.
//
//   "pull:readings_by_date"      "<until>"  or, within a period,  "<until> <to> <lastReceived>"
//   "pull:billing_cycle:<cycle>" the same: until = billing date of the last one that is complete
// Threads: the adapter's strand; shown() from any thread.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <random>
#include <string>

#include "adapters/sdk/adapter.h"
#include "adapters/wire/multispeak/link/contact.h"
#include "adapters/wire/multispeak/link/link_settings.h"
#include "adapters/wire/multispeak/link/pages.h"

namespace ami::multispeak {

struct PullPosition {
  std::optional<UtcInstant> until;  // complete up to here; absent = nothing was ever pulled
  std::optional<UtcInstant> to;     // a period under way ends here
  std::string last_received;        // and goes on here

  [[nodiscard]] std::string to_text() const;
  static std::optional<PullPosition> parse(std::string_view text);
};

struct PullShown {
  std::string what;     // "readings_by_date", "billing_cycle 07"
  std::string until;    // as text; "" = nothing yet
  std::string problem;  // of the last time; empty = none
};

class Puller {
 public:
  // `cycle`: of a BillingCycle pull.
  Puller(Pull pull, std::string cycle, Contact& contact, sdk::Services services, Tally& tally);

  sdk::Awaitable<void> keep();  // until it is ended
  [[nodiscard]] PullShown shown() const;

 private:
  sdk::Awaitable<std::string> once();  // the problem; empty = none
  sdk::Awaitable<std::string> readings_by_date();
  sdk::Awaitable<std::string> billing_cycle();
  sdk::Awaitable<std::string> period(Request request);
  // A position behind `not_after` is of a clock that was wrong: goes back to `to`.
  void set_back(UtcInstant not_after, std::optional<UtcInstant> to);
  // The same question fails again and again: true when it has to be put in another way.
  bool count(const PagesEnd& end, bool resumed);
  [[nodiscard]] std::vector<sdk::StateChange> state_after(const std::optional<std::string>& next);
  void show(const std::string& problem);

  const Pull pull_;
  const std::string cycle_, key_, name_;
  Contact& contact_;
  sdk::Services services_;
  Tally& tally_;
  std::mt19937_64 random_;
  PullPosition position_;
  int in_vain_ = 0;   // answers to one question that led nowhere
  int halvings_ = 0;  // of the periods asked for, because of these
  mutable std::mutex mutex_;
  PullShown shown_;
};

}  // namespace ami::multispeak
