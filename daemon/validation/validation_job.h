// Validates what was stored, in the background: small transactions with a pause between them, so that storing
// goes first. Of several gateways on one database one works at a time, whichever comes first.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "adapters/sdk/adapter.h"
#include "daemon/log/log.h"
#include "daemon/pipeline/metrics.h"
#include "daemon/validation/judge.h"
#include "meter_model/vee/threshold_watch.h"
#include "storage/postgres/validation.h"

namespace ami::daemon {

class ValidationJob {
 public:
  struct Parts {
    storage::Database& database;
    sdk::Offload& pool;  // for its database calls and the judging
    sdk::Clock& clock;
    Metrics& metrics;
    const Log& log;
  };
  struct Situation {
    bool stopping = false;
    bool ready = false;  // the database can be used
    bool storing = false;  // batches are being stored: see give_way()
    storage::ValidationRules rules;
    // Asked by each step once it knows what is due, on a thread of the pool: who has days judged again after
    // a reload has them judged by what was loaded. Never empty, nor its answer null, when ready.
    std::function<std::shared_ptr<const validation::Rules>()> judging;
    std::chrono::milliseconds every{30'000};  // from the end of one round to the begin of the next
  };

  explicit ValidationJob(Parts parts) : parts_(parts) {}

  // Until `situation` says stop; asks it often, on the executor of the coroutine.
  sdk::Awaitable<void> keep(std::function<Situation()> situation);

 private:
  // By utility and profile: a threshold is a profile's, whatever feeds share it.
  using Watches = std::map<std::pair<storage::UtilityId, std::string>, vee::ThresholdWatch>;

  sdk::Awaitable<void> round(const std::function<Situation()>& situation);
  void publish(const validation::Rules& judging);
  std::vector<storage::CheckShare> suspects_among(const std::vector<storage::CheckShare>& shares,
                                                  const validation::Rules& judging);
  void failed(const std::string& error);

  Parts parts_;
  Watches watches_;                       // what was found of which day
  std::map<std::string, bool> suspects_;  // by check, as the metric says it
  std::optional<UtcInstant> looked_at_;   // shares changed since have not been looked at
  UtcInstant published_ = UtcInstant::min();
  bool failing_ = false;
};

}  // namespace ami::daemon
