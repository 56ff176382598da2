// A simulated field's ledger, read for comparison: what was said of each channel, the events, the commands. Its format
// stands in tools/fieldsim/ledger.h.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "meter_model/quantity/decimal.h"
#include "meter_model/result.h"
#include "meter_model/time/instant.h"

namespace ami::amictl {

enum class Delivery : std::uint8_t {
  Sent,    // it must be there
  Lost,    // it must not, unless it was sent another time
  Unsure,  // it may be there
};

// One value of a register (length_s 0, at: of the reading), or of an interval (at: its start).
struct Statement {
  UtcInstant at{};
  Decimal value;
  std::uint32_t length_s = 0;
  Delivery delivery = Delivery::Sent;
};

struct SaidEvent {
  std::string code, name, raw;  // "3.26.0.47", "OUTAGE", the vendor's word
  UtcInstant at{};
  Delivery delivery = Delivery::Sent;
};

struct SaidChannel {
  std::string unit;
  std::vector<Statement> said;  // by time, once the ledger is read
};

struct SaidMeter {
  std::map<std::string, SaidChannel> channels;  // by reading type
  std::vector<SaidEvent> events;
};

// What became of one order at one meter.
struct SaidCommand {
  std::string command;
  std::uint32_t received = 0, executed = 0, refused = 0, told = 0;  // executed: done, or already so
};

struct Truth {
  std::map<std::string, SaidMeter> meters;
  std::map<std::pair<std::string, std::string>, SaidCommand> commands;  // by transaction and meter; not a hand's
  std::uint64_t lines = 0;
  std::uint64_t sent = 0, lost = 0, unsure = 0, missing = 0;  // values, as often as they stand in the ledger
  bool ended = false;                                        // the run stopped in order
  std::optional<UtcInstant> first, last;                     // of all that was said
};

class LedgerReader {
 public:
  // What was sent after `until` may be there or not.
  explicit LedgerReader(std::optional<UtcInstant> until) : until_(until) {}

  // Without its line end. An unknown kind is passed over. Errors: no JSON object, or a key that is missing or wrong,
  // with the number of the line.
  Outcome line(std::string_view text);
  // Permanent: there was no line of kind "run" at the beginning, or one of another version.
  Result<Truth> finish();

 private:
  class Line;
  Outcome take(const Line& line);
  [[nodiscard]] Delivery delivery_of(const Line& line) const;
  void said(UtcInstant at);
  void count(Delivery delivery);

  const std::optional<UtcInstant> until_;
  Truth truth_;
  bool begun_ = false;
};

}  // namespace ami::amictl
