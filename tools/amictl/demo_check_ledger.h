// A simulated field's ledger, read line by line for comparison: what was said of each channel, the events, the
// commands. Its format stands in tools/fieldsim/ledger.h. Nothing is kept here but what a ledger has few of.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
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

// A step of an order at a meter. Done: carried out, or already so.
enum class CommandStep : std::uint8_t { Received, Done, Refused, Told, Other };
struct SaidStep {
  std::string transaction, meter, command;
  CommandStep step{};
};

// Who takes what a ledger says. Called in the order of its lines.
class LedgerSink {
 public:
  virtual ~LedgerSink() = default;
  // Of one line; without any where a block has only holes.
  virtual void values(std::string_view meter, std::string_view reading_type, std::string_view unit,
                      std::span<const Statement> said) = 0;
  virtual void event(std::string_view meter, const SaidEvent& event) = 0;
  virtual void command(const SaidStep& step) = 0;

 protected:
  LedgerSink() = default;
  LedgerSink(const LedgerSink&) = default;
  LedgerSink(LedgerSink&&) = default;
  LedgerSink& operator=(const LedgerSink&) = default;
  LedgerSink& operator=(LedgerSink&&) = default;
};

struct LedgerSummary {
  std::uint64_t lines = 0;
  std::uint64_t sent = 0, lost = 0, unsure = 0, missing = 0;  // values, as often as they stand in the ledger
  bool ended = false;                                        // the run stopped in order
  std::optional<UtcInstant> first, last;                     // of all that was said
};

class LedgerReader {
 public:
  // What was sent after `until` may be there or not.
  LedgerReader(LedgerSink& sink, std::optional<UtcInstant> until) : sink_(sink), until_(until) {}

  // Without its line end. An unknown kind is passed over. Errors: no JSON object, or a key that is missing or wrong,
  // with the number of the line.
  Outcome line(std::string_view text);
  // Permanent: there was no line at all. (A first line that is not of kind "run" is an error of line().)
  Result<LedgerSummary> finish();

 private:
  class Line;
  Outcome take(const Line& line);
  [[nodiscard]] Delivery delivery_of(const Line& line) const;
  void unit_of(std::string_view reading_type, std::string_view unit);
  void said(UtcInstant at);
  void count(Delivery delivery);

  LedgerSink& sink_;
  const std::optional<UtcInstant> until_;
  LedgerSummary summary_;
  std::map<std::string, std::string, std::less<>> units_;  // by reading type
  std::vector<Statement> statements_;                      // of one line
  bool begun_ = false;
};

}  // namespace ami::amictl
