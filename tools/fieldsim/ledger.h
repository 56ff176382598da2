// The ledger of truth: what a simulated field truly sent, and truly did, one JSON object a line. What a store
// holds after a run is compared with it, digit for digit.
//
// FORMAT, version 1. UTF-8, "\n" after each line, no blank inside. Keys stand in the order given here; a
// reader goes by their names and skips a `kind` and a key that it does not know. A last line without "\n" was
// cut off by a kill and is skipped. Instants are RFC 3339 in UTC with "Z" (to_text() of meter_model/time).
// Numbers of energy and power are decimal strings in the unit that stands beside them, which is the unit of
// the reading type with multiplier 0: what a store that scales by nothing but powers of ten gives back.
// Compare them as exact numbers.
//
//   {"kind":"run","version":1,"scenario":"day.yaml","seed":7,"start":"…Z","time_factor":1440,"wall":"…Z"}
//     The first line, once.
//   {"kind":"network","network":"ts2","family":"ts2","meters":120}
//     One for each network, before anything of it.
//
// What was said, one line a channel of a meter in a message or file:
//   {"kind":"register","network":"ts2","meter":"TS00000012","reading_type":"0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.0.72.0",
//    "unit":"Wh","channel":"posKWh","at":"…Z","value":"1234000","raw":"1234", …sending}
//     A register as it stood at `at`. "occurred":"…Z" follows `at` where the value is a maximum.
//   {"kind":"interval_block","network":"flexnet","meter":"FN00000003","reading_type":"0.0.2.4.1.1.12.…","unit":"Wh",
//    "channel":"KWH","start":"…Z","length_s":900,"values":["12","0",null,"7.2"],"raw":["0.012","0","","0.0072"],
//    …sending}
//     values[i] is of [start + i*length_s, start + (i+1)*length_s). null: that slot stands in the message as
//     missing; it claims nothing. A conflicting repetition of a slot is a block of its own.
//   {"kind":"event","network":"ts2","meter":"TS00000012","code":"3.26.0.47","name":"OUTAGE","at":"…Z","raw":"outage",
//   …sending} `channel`: the vendor's word for it, for people. `raw`: the text that was sent, left out where
//   it is the value itself. Both may be absent. `meter` is the name under which it was sent, which is the
//   meter's key in the books that meters.csv gives to the daemon (a crossed meter's readings stand under the
//   other's name: that is what was sent). …sending:
//   "delivery":"sent","copies":2,"via":"callback","message":"R-00012","sent":"…Z","due":"…Z","wall":"…Z"
//     delivery  "sent": the far end acknowledged it (2xx; a file moved into place): it must be in the store,
//     once.
//               "lost": it never left. It must not be in the store unless another line of the same (meter,
//               reading type, instant) was sent; a gap, then, and not a zero. copies is 0. "unsure": it left
//               and no acknowledgement came, or it was the answer to a pull: it may be in the store, and if
//               so with this value.
//     copies    how often it was sent, byte for byte.    via  "callback", "file", "answer".
//     message   name of the message or file.    sent  simulated instant of the (last) sending, or of when it
//     would have been. wall      the true time then (the machine's clock), to tell how long it took to reach
//     the store. due       the true time from which it could have been on the wire: its latency was over. Before
//     `wall`; left out where a message never was ready or was the answer to a pull.
//   One reading may stand in several lines (sent again by a catch-up file or an answer). Where they disagree
//   the meter has said two things about one slot: both are true, and the store keeps both with one of them
//   current.
//
// What was done:
//   {"kind":"command","network":"ts2","meter":"TS00000012","step":"executed","command":"open","transaction":"…",
//    "by":"callback request","result":"done","state":"OPEN","at":"…Z","wall":"…Z"}
//     step      "executed": the meter truly carried it out, or truly did not (result "refused", "failed").
//               One line for each time: two such lines of one order are a double execution.
//               "received", "rejected" (at once), "told" (the result was acknowledged), "not_told" (sent, no
//               acknowledgement), "lost" (done, nobody is told), "expired" (dropped without a word): of the
//               protocol.
//     command   "read", "ping", "open", "close", "arm", "cancel", "demand_reset", "switch_state", "backfill",
//     or by hand
//               "button", "cut_power", "restore_power", "jam", "unjam"; a protocol's own word where it is
//               none of these.
//     transaction  of the request; empty for a hand's.   by  who: a protocol's name, or "page".
//     result    "done", "already_there", "refused", "no_power", "no_switch", "no_answer", or the reason in
//     words; of step
//               "executed" always.   state  of the switch afterwards (virtual_meter::name_of), absent without
//               one.
//   {"kind":"action","network":"ts2","action":"exchange","meter":"TS00000012","other":"TS00000120",
//    "usage_point":"UP-TS00000012","at":"…Z","end_kwh":"4711.32","start_kwh":"0","wall":"…Z"}
//     What happened to a meter and is no command: "exchange": `meter` was at the usage point until `at`, `other` is from
//     then on. end_kwh and start_kwh: what their dials showed then, delivered. Of a meter that is gone, what the network
//     had gathered by then is still told, later.
//   {"kind":"end","lines":4711,"wall":"…Z"}
//     The last line of a run that stopped in order; lines: those before it.
//
// The same scenario and seed give the same lines but for their order, `wall` and `sent`, as long as nobody
// sends commands and nothing on the way fails: which message is answered first is the system's affair.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "meter_model/quantity/decimal.h"
#include "meter_model/result.h"
#include "meter_model/time/instant.h"
#include "meter_model/virtual_meter/collected.h"

namespace ami::fieldsim {

// Reading types as the table of record has them, with multiplier 0 (metrology reference 4.2; not read from a
// mapping: what a mapping makes of a message is what is checked).
namespace reading_type {
inline constexpr std::string_view kDelivered = "0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.0.72.0";  // Wh
inline constexpr std::string_view kReceived = "0.0.0.1.19.1.12.0.0.0.0.0.0.0.0.0.72.0";
inline constexpr std::string_view kNet = "0.0.0.1.4.1.12.0.0.0.0.0.0.0.0.0.72.0";
inline constexpr std::string_view kMaximum = "8.8.53.6.1.1.8.0.0.0.0.0.0.0.0.0.38.0";  // W, 15-minute block
std::string tier(char tier);  // 'A' … 'D'; delivered, Wh
// Empty where the table has no code for that length; 15, 30, 60 and 5 minutes have one.
std::string interval(std::chrono::seconds length, bool received);
}  // namespace reading_type

// What stands in one message or file, as ledger lines that lack only the sending. Gathered while the message
// is written. A value; no clock, no I/O.
class Content {
 public:
  explicit Content(std::string network) : network_(std::move(network)) {}

  struct Register {
    std::string_view meter, reading_type, unit = "Wh";
    UtcInstant at{};
    Decimal value;                      // in `unit`
    std::string_view channel{}, raw{};  // empty = not told
    std::optional<UtcInstant> occurred{};
  };
  void add(const Register& reading);

  struct Intervals {
    std::string_view meter, reading_type, unit = "Wh";
    UtcInstant start{};
    std::chrono::seconds length{900};
    std::span<const std::optional<Decimal>> values{};
    std::string_view channel{};
    std::span<const std::string> raw{};  // empty = not told; else as many as values
  };
  void add(const Intervals& block);
  // The recorder's intervals of one channel, in Wh, cut into blocks of consecutive slots. For wires that send
  // every interval as it is. A Ke and pulses that do not fit a number are left out.
  void add_intervals(const virtual_meter::Collected& collected, bool received, std::string_view channel = {});

  struct Event {
    std::string_view meter, code, name;  // code: "3.26.0.47"; name: "OUTAGE"
    UtcInstant at{};
    std::string_view raw{};
  };
  void add(const Event& event);

  [[nodiscard]] bool empty() const { return ends_.empty(); }
  [[nodiscard]] std::size_t size() const { return ends_.size(); }  // lines
  void append(const Content& other);                               // of the same network

 private:
  friend class Ledger;
  std::string network_;
  std::string lines_;              // without the sending and the closing brace
  std::vector<std::size_t> ends_;  // of each line in lines_
};

enum class Delivered : std::uint8_t { Sent, Lost, Unsure };

struct Sending {
  Delivered delivery = Delivered::Sent;
  unsigned copies = 1;
  std::string_view via = "callback";
  std::string_view name{};
  UtcInstant sent{};
  std::optional<UtcInstant> due{};  // by wall()
};

struct CommandStep {
  std::string_view network, meter, step, command, transaction{}, by{}, result{}, state{};
  UtcInstant at{};
};

struct Exchange {
  std::string_view network, removed, installed, usage_point;
  UtcInstant at{};
  Decimal end_kwh{}, start_kwh{};
};

// Appends to one file, or to nothing. Lines are buffered, and are in the file after flush(): the host flushes
// at least every second and at the end. A disk that fails does not stop a run; `problem()` says so, and end()
// fails. One thread at a time.
class Ledger {
 public:
  using Wall = std::function<UtcInstant()>;
  // An empty path writes nothing. An existing file is replaced. Errors: it cannot be opened.
  static Result<Ledger> open(const std::string& path, Wall wall);
  Ledger(Ledger&&) noexcept;
  Ledger& operator=(Ledger&&) noexcept;
  ~Ledger();

  void run(std::string_view scenario, std::uint64_t seed, UtcInstant start, double time_factor);
  void network(std::string_view network, std::string_view family, std::size_t meters);
  void write(const Content& content, const Sending& sending);
  void command(const CommandStep& step);
  void exchange(const Exchange& exchange);
  void flush();
  // Writes the last line and closes.
  Outcome end();

  [[nodiscard]] UtcInstant wall() const;
  [[nodiscard]] std::uint64_t lines() const;
  [[nodiscard]] const std::string& problem() const;  // empty = all is written so far

 private:
  struct State;
  explicit Ledger(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace ami::fieldsim
