// What validation and estimation look at: the facts of one meter's civil day, and of one channel of it. All
// numbers are as stored: secondary (the multiplier stands beside them, never inside), in one unit a channel.
// Views belong to the caller. A fact that is not known is left out; a check that needs it says "not judged".
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string_view>

#include "meter_model/quantity/decimal.h"
#include "meter_model/time/instant.h"
#include "meter_model/vee/marks.h"

namespace ami::vee {

// A slot without a value.
inline constexpr std::int64_t kHole = std::numeric_limits<std::int64_t>::min();

// [from, to). Not over yet: to = UtcInstant::max().
struct Span {
  UtcInstant from{};
  UtcInstant to{};
};

struct RegisterRead {
  UtcInstant at{};
  Decimal value;
  Marks marks;
};

// A channel as it is configured at the time of the values.
struct ChannelProgramme {
  std::chrono::seconds interval{900};
  // Where the meter's standard midnight lies in the UTC day (civil_phase over 24 h), so that windows of
  // demand which are longer than an interval are found too: 65700 s in Asia/Kathmandu.
  std::chrono::seconds grid_phase{0};
  std::optional<Decimal> ke;                   // energy of one pulse, above zero
  Decimal multiplier{1, 0};                    // secondary to primary, only shown beside the numbers
  std::optional<Decimal> register_resolution;  // left out: the last place of the readings
  std::optional<Decimal> register_modulus;     // 10^digits x 10^-decimals: one whole turn
  std::optional<std::int64_t> largest_count;   // 255, 65535
  std::optional<Decimal> limit_per_hour;  // Vmax x Imax over one hour: 48000 Wh for form 2S CL200 at 240 V
  bool is_signed = false;                 // net channels; others hold no negative value
  bool is_received = false;               // what the customer gives: it may well be nothing all day
  bool is_recorded = true;                // false: no recorder (an AX without R), so no interval is ever due
};

// A value that does not fit the day's slots: off the grid, or of another length.
struct OddInterval {
  UtcInstant start{};
  UtcInstant end{};
  Decimal value;
};

// Another value that was stated for a slot. Of a later version it is a correction; of the same one a
// duplicate.
struct OtherValue {
  std::size_t slot = 0;
  Decimal value;
  bool same_version = true;
};

// A maximum demand register.
struct DemandRead {
  Decimal maximum;  // the channel's unit per hour: W for a channel in Wh
  Decimal resolution;
  std::chrono::seconds window{900};
  std::chrono::seconds step{900};  // block: the window; sliding: the subinterval
  Span since_reset;                // what the maximum covers
};

// The value next to the day, on one side of it, and how often it comes in a row there, so that a run is one
// run wherever midnight falls. Zeros count as far as there was supply.
struct RunBeside {
  std::int64_t value = kHole;  // at the day's exponent
  std::size_t count = 0;
};

struct ChannelDay {
  std::string_view unit = "Wh";
  ChannelProgramme programme;
  Span day;  // the civil day (Zone::civil_day)
  // Consecutive slots of the day: values[i] x 10^exponent over [first_start + i length, + length).
  UtcInstant first_start{};
  std::chrono::seconds length{900};
  std::int32_t exponent = 0;
  std::span<const std::int64_t> values;  // kHole = missing
  std::span<const Marks> marks;          // one a slot, or none at all
  std::span<const OddInterval> odd;      // ascending start
  std::span<const OtherValue> other_values;
  std::span<const RegisterRead>
      registers;  // this channel's dial, current values, ascending; ones around the day too
  std::optional<DemandRead> demand;
  // History
  RunBeside before, after;
  std::optional<Decimal> adu_same_month_last_year;  // average daily use
  std::optional<Decimal> adu_last_period;
  int estimated_days_in_a_row = 0;  // this day included, whoever made the estimates
  int estimated_billing_reads_in_a_row = 0;

  [[nodiscard]] UtcInstant start_of(std::size_t slot) const {
    return first_start + length * static_cast<std::int64_t>(slot);
  }
  [[nodiscard]] UtcInstant end_of(std::size_t slot) const { return start_of(slot + 1); }
  [[nodiscard]] Decimal value_at(std::size_t slot) const { return {values[slot], exponent}; }
  [[nodiscard]] Marks marks_at(std::size_t slot) const { return marks.empty() ? Marks{} : marks[slot]; }
};

// Empty = not said; the multiplier likewise.
struct MeterIdentity {
  std::string_view serial, module, form, programme;
  std::optional<Decimal> multiplier;
};

enum class TransportFault : std::uint8_t { Crc, Length, TableSignature };
enum class Diagnostic : std::uint8_t { Ram, Rom, Nvram, Configuration, SelfCheck, Measurement };

struct ClockSet {
  UtcInstant at{};                              // where the clock stood when it was set
  std::optional<std::chrono::microseconds> by;  // above zero: forward
};

struct RegisterSpan {
  Decimal first, second;
  Decimal resolution;
  std::optional<Decimal> modulus;
};

struct ProgrammeState {
  std::string_view seal;  // of the programme; empty = not said
  std::optional<Decimal> ke;
  std::optional<std::chrono::seconds> interval;
};

struct MeterDay {
  MeterIdentity expected, reported;                          // expected: effective at the time of the day
  std::optional<std::chrono::microseconds> collector_error;  // collector less reference, before collection
  std::optional<std::chrono::microseconds> meter_error;      // meter less collector
  std::chrono::seconds interval{900};                        // the shortest of the meter's channels
  std::span<const TransportFault> transport_faults;
  std::span<const Diagnostic> diagnostics;
  std::span<const Span> outages, test_modes;
  std::span<const Span> switch_open, inactive;  // service switch open; no active account
  std::span<const ClockSet> clock_sets;
  std::span<const UtcInstant> reverse_flags;  // the meter said that energy flows backwards
  bool has_received_channel = false;
  bool customer_generates = false;            // energy was received in the periods of the average daily uses
  std::span<const UtcInstant> interruptions;  // meter exchange, register reset, reprogramming
  std::optional<UtcInstant> installed_from;
  UtcInstant as_of{};  // "now" of this validation: what ends later is not missing yet
  std::optional<RegisterSpan> tou_bulk;
  std::span<const RegisterSpan> tou_tiers;
  std::optional<RegisterSpan> delivered, received, net;
  std::optional<ProgrammeState> programme_before, programme_now;
  bool work_order = false;  // one that covers a change of programme
};

}  // namespace ami::vee
