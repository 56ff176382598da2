// What comes through a feed later: results of switch operations, and reports of positions that nobody asked
// for. Each is checked to be about the meter of its transaction before the engine hears of it.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "daemon/commands/engine.h"
#include "daemon/log/log.h"
#include "daemon/switching/engine.h"

namespace ami::daemon::switching {

// Whether it is the name of an attempt of the engine of switching, by its form: "sw12-tifq0g".
bool is_switch_transaction(std::string_view transaction);

class Arrivals {
 public:
  struct Parts {
    Engine& engine;
    storage::SwitchStore& store;
    const Log& log;
    std::function<void(const std::string& transaction)> heard;  // that its far side has answered
  };
  explicit Arrivals(Parts parts) : parts_(std::move(parts)) {}

  // Blocking; any number of times, any thread. Results of others' transactions are passed over. Transient: call
  // again with the same.
  Outcome take(const commands::CommandFeed& feed, std::span<const ResultObservation> results,
               const commands::MeterOf& meter_of);

 private:
  Outcome to_operation(const commands::CommandFeed& feed, const ResultObservation& result,
                       const commands::MeterOf& meter_of);
  Outcome to_meter(const commands::CommandFeed& feed, const ResultObservation& result,
                   const commands::MeterOf& meter_of);

  Parts parts_;
};

}  // namespace ami::daemon::switching
