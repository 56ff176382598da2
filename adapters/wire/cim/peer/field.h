// What a simulated head-end asks for what its meters say.
#pragma once

#include <optional>
#include <string>

#include "adapters/wire/cim/codec/message.h"
#include "meter_model/time/instant.h"

namespace ami::cim::peer {

// What became of an order to a switch: the EndDeviceEventType that tells where it stands (3.31.0.68 …), or
// why it did nothing.
struct Switched {
  std::string event;
  std::string error;  // not empty: it failed
};

// Whoever hosts a HeadEnd implements this: a table in a test, a virtual meter in a simulator. `meter` is the
// name in the head-end's books. Called on the head-end's executor, one call at a time; must not block. All
// texts go into messages as given.
class Field {
 public:
  virtual ~Field() = default;
  // What the registers show now; MeterReading::meter is filled in. nullopt: the meter does not answer.
  virtual std::optional<MeterReading> read(const std::string& meter) = 0;
  // What was recorded in [from, to). nullopt: the meter does not answer.
  virtual std::optional<MeterReading> recorded(const std::string& /*meter*/, UtcInstant /*from*/,
                                               UtcInstant /*to*/) {
    return std::nullopt;
  }
  // Carries out a control by its EndDeviceControlType, once for each call.
  virtual Switched act(const std::string& meter, const std::string& control) = 0;
};

}  // namespace ami::cim::peer
