// Asks networks again for the values of open gaps, in the background, and gives up what they do not have:
// docs/gaps.md. Of several gateways on one database each asks through the feeds that it runs.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "adapters/sdk/adapter.h"
#include "daemon/commands/engine.h"
#include "daemon/log/log.h"
#include "daemon/pipeline/metrics.h"
#include "storage/postgres/backfills.h"

namespace ami::daemon {

class BackfillJob {
 public:
  struct Parts {
    storage::Database& database;
    sdk::Offload& pool;  // for its database calls
    sdk::Clock& clock;
    Metrics& metrics;
    const Log& log;
    commands::Engine& engine;
  };
  struct Situation {
    bool stopping = false;
    bool ready = false;  // the database can be used
    bool on = true;      // gaps are asked for; what was asked before is settled all the same
    storage::BackfillRules rules;
    std::chrono::milliseconds every{60'000};  // from the end of one round to the begin of the next
  };

  explicit BackfillJob(Parts parts) : parts_(parts) {}

  // Until `situation` says stop; asks it often, on the executor of the coroutine.
  sdk::Awaitable<void> keep(std::function<Situation()> situation);

 private:
  using Claims = std::vector<storage::GapClaim>;
  using Feeds = std::vector<commands::FeedFacts>;

  sdk::Awaitable<void> round(const Situation& now);
  sdk::Awaitable<bool> settle(const Situation& now);
  // Gaps that are due, by the feed that each can be asked through, as many as its hour has room for.
  sdk::Awaitable<bool> choose(const Situation& now, const Feeds& feeds);
  sdk::Awaitable<void> carry_out(const Situation& now, const Claims& claims);
  template <class T>
  sdk::Awaitable<storage::Answer<T>> ask(std::function<storage::Answer<T>(storage::Backfills&)> call);
  void failed(const std::string& error);

  Parts parts_;
  std::map<std::string, std::vector<storage::DueGap>> chosen_;  // of this round
  bool failing_ = false;
};

}  // namespace ami::daemon
