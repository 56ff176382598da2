// Keeps the gaps up to date, in the background: small transactions with a pause between them, so that storing
// goes first. Of several gateways on one database one works at a time, whichever comes first.
#pragma once

#include <functional>
#include <set>
#include <string>

#include "adapters/sdk/adapter.h"
#include "daemon/log/log.h"
#include "daemon/pipeline/metrics.h"
#include "storage/postgres/gaps.h"

namespace ami::daemon {

class GapJob {
 public:
  struct Parts {
    storage::Database& database;
    sdk::Offload& pool;  // for its database calls
    sdk::Clock& clock;
    Metrics& metrics;
    const Log& log;
  };
  struct Situation {
    bool stopping = false;
    bool ready = false;  // the database can be used
    bool storing = false;  // batches are being stored: see give_way()
    storage::CollectionRules rules;
    std::chrono::milliseconds every{300'000};  // from the end of one round to the begin of the next
  };

  explicit GapJob(Parts parts) : parts_(parts) {}

  // Until `situation` says stop; asks it often, on the executor of the coroutine.
  sdk::Awaitable<void> keep(std::function<Situation()> situation);

 private:
  sdk::Awaitable<void> round(const std::function<Situation()>& situation);
  void publish(const storage::CollectionRules& rules);
  void failed(const std::string& error);

  Parts parts_;
  std::set<std::string> feeds_;  // with a metric
  UtcInstant published_ = UtcInstant::min();
  bool stale_ = true;  // something changed since
  bool failing_ = false;
};

}  // namespace ami::daemon
