// What a simulated head-end asks for what its meters say.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "adapters/wire/multispeak/codec/reads.h"
#include "meter_model/time/instant.h"

namespace ami::multispeak::peer {

enum class Power : std::uint8_t { On, Off, Silent };  // Off: it told so by its last gasp

// What became of a switch order: the word of the callback's stateChange (3.0 Connect, Disconnect, Armed
// …; 4.1 Opened, Closed, Armed …), or why it failed.
struct Switched {
  std::string word;
  std::string error;  // not empty: it failed
};

// Whoever hosts a HeadEnd implements this: a table in a test, a virtual meter in a simulator. `meter` is the
// number in the head-end's books. Called on the head-end's executor, one call at a time; must not block. All
// texts go into messages as given, so units, zone and digits are the implementer's.
class Field {
 public:
  virtual ~Field() = default;
  // What the registers show now. Meter and readingDate are filled in where they are left empty. nullopt: the
  // meter does not answer.
  virtual std::optional<MeterRead> read(const std::string& meter) = 0;
  virtual Power power(const std::string& meter) = 0;
  // Carries out a loadActionCode, once for each call.
  virtual Switched act(const std::string& meter, const std::string& load_action) = 0;
  // Resets the demand maximum, once for each call. False: the meter does not answer.
  virtual bool reset(const std::string& meter) = 0;

  // Where the switch is, as a word of RCDState.
  virtual std::string position(const std::string& /*meter*/) { return "Unknown"; }
  // Reads that were taken in [from, to), oldest first.
  virtual std::vector<MeterRead> recorded(const std::string& /*meter*/, UtcInstant /*from*/,
                                          UtcInstant /*to*/) {
    return {};
  }
};

}  // namespace ami::multispeak::peer
