// Compares what a simulated field sent with what a store holds. Pure: who asks the store feeds it in, a meter at a time.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "tools/amictl/demo_check_truth.h"

namespace ami::amictl {

enum class Difference : std::uint8_t {
  Missing,       // sent, and not there
  OtherValue,    // there with other digits
  NeverSent,     // there, and never sent: also a zero where a gap should be
  Twice,         // one channel has one instant twice
  OtherUnit,     // or another length of interval
  UnknownMeter,  // things were sent of a meter that the gateway does not know
  Events,        // their number
  Commands,      // what became of them
  Counts,        // ReconcileCounts does not say what the reads said
};
inline constexpr std::size_t kDifferences = 9;
std::string_view name_of(Difference difference);  // "missing", "other value" …

struct Finding {
  Difference difference{};
  std::string meter, words;
};

struct Totals {
  std::uint64_t meters = 0;
  std::uint64_t slots_sent = 0;     // distinct (meter, reading type, instant) that must be there
  std::uint64_t slots_unsure = 0;   // that may be there
  std::uint64_t gaps = 0;           // that were only lost, and are not there: as it should be
  std::uint64_t intervals = 0, registers = 0;  // values in the store
  std::uint64_t events_sent = 0, events_unsure = 0, events = 0;
  std::uint64_t commands_executed = 0, commands_refused = 0, targets_succeeded = 0, targets_ended = 0;
  std::uint64_t channel_days = 0;   // that ReconcileCounts was asked for
  std::uint64_t other_meters = 0;   // in the store, and not in the ledger: not compared
  std::array<std::uint64_t, kDifferences> different{};  // by Difference
  [[nodiscard]] bool equal() const;
  void add(const Totals& other);  // of other meters
};

// One value of the store.
struct Stored {
  std::string_view reading_type, channel, unit;
  UtcInstant at{};
  Decimal value;
  std::uint32_t length_s = 0;  // 0 = a register
};
struct StoredEvent {
  std::string kind, code, vendor_code;  // kind UNMAPPED: the gateway does not know the vendor's word
  UtcInstant at{};
};
// A channel's UTC day, as ReconcileCounts says it.
struct StoredCount {
  std::string meter, channel;
  UtcInstant day{};  // its midnight
  std::uint64_t intervals = 0, registers = 0;
  Decimal interval_sum;
};
struct StoredTarget {
  std::string transaction, meter, state;  // "SUCCEEDED", "FAILED", …
};

// Of the meters of one truth, which outlives it.
class Comparison {
 public:
  // Keeps the first `keep` findings; all are counted.
  Comparison(const Truth& truth, std::size_t keep);

  void unknown_meter(const std::string& meter);
  // In this order for each meter: begin, any number of values and events, end.
  void begin(const std::string& meter);
  void value(const Stored& stored);
  void event(StoredEvent event);
  void end();

  void target(const StoredTarget& target);
  void others(std::uint64_t meters) { totals_.other_meters = meters; }
  // After the meters.
  void count(const StoredCount& count);
  // After all. Meters that were never begun are missing as a whole, channel-days that were never counted, too, if `counted`.
  void finish(bool counted);

  [[nodiscard]] const Totals& totals() const { return totals_; }
  [[nodiscard]] const std::vector<Finding>& findings() const { return findings_; }

 private:
  struct Held {
    UtcInstant at{};
    Decimal value;
    std::uint32_t length_s = 0;
    std::string channel, unit;
  };
  struct Tally {
    std::uint64_t intervals = 0, registers = 0;
    Decimal sum;
    bool exact = true;  // the sum fitted
  };
  using TallyKey = std::tuple<std::string, std::string, UtcInstant>;  // meter, channel, day

  void find(Difference difference, std::string words);
  void compare(const std::string& type, const SaidChannel& said, std::vector<Held> held);
  void compare_slot(const std::string& type, const SaidChannel& channel, UtcInstant at,
                    const std::vector<const Statement*>& said, const std::vector<const Held*>& held);
  void compare_events(const SaidMeter& said);

  const Truth& truth_;
  const std::size_t keep_;
  Totals totals_;
  std::vector<Finding> findings_;
  std::string meter_;
  std::map<std::string, std::vector<Held>, std::less<>> held_;  // of meter_, by reading type
  std::vector<StoredEvent> events_;                             // of meter_
  std::set<std::string> done_;
  std::map<TallyKey, Tally> tallies_;
  std::map<std::pair<std::string, std::string>, std::string> targets_;
};

}  // namespace ami::amictl
