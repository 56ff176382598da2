// The virtual meters of one network: what they are called, where they stand in time, what the network has not
// collected from them yet, and the hands that may be laid on them. A far side sees its meters through this
// and through nothing else.
//
// Time is simulated. A meter stands where it was last advanced to; asking it something brings it to the
// clock's now first. What it says on the way (intervals, events) waits here until a report takes it; what was
// taken is kept for `history` more, for those who ask again, and no longer: a hundred thousand meters share
// one machine's memory.
//
// Truth: each thing that a hand or a command truly did to a meter is written to the ledger here, as step
// "executed". Steps of the protocol (received, told, lost …) are the far side's to write.
//
// Threads: the simulator's one executor.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/sdk/adapter.h"
#include "meter_model/result.h"
#include "meter_model/virtual_meter/collected.h"
#include "meter_model/virtual_meter/virtual_meter.h"
#include "tools/fieldsim/ledger.h"

namespace ami::fieldsim {

using MeterIndex = std::uint32_t;  // 0 … size()-1, in the order of the books

// One meter to be.
struct MeterPlan {
  std::string name;  // in the head-end's books, and the key in the daemon's: "TS00000012"
  virtual_meter::MeterSetup setup;
  // Not in service before and after; an exchanged meter's end, the new one's beginning. It has nothing to say
  // outside, but what the network had gathered by its removal comes with the next report.
  std::optional<UtcInstant> installed{}, removed{};
  std::string follower{};  // who stands in its place once it is removed; empty = nobody
  // For the books; empty = none. Of a meter that is installed later the usage point stands with the one before it.
  std::string usage_point{}, feeder{}, transformer{};
};

struct WorldPlan {
  std::string network;
  virtual_meter::SharedPlan plan;
  std::vector<MeterPlan> meters;
  std::chrono::seconds history{0};  // what was taken can be asked for again for so long
};

// What became of a command or a hand's work.
struct Effect {
  // "done", "already_there", "refused", "no_power", "no_switch", "no_answer": the ledger's words.
  std::string_view result = "done";
  std::optional<virtual_meter::SwitchState> state{};  // afterwards; none without a switch
  [[nodiscard]] bool ok() const { return result == "done" || result == "already_there"; }
};

// A meter where it stands, which may be a report's span behind the clock: nothing is worked out for it.
struct Seen {
  bool in_service = false, powered = false, jammed = false;
  std::optional<virtual_meter::SwitchState> state{};  // none without a switch
};

// What was truly done to a meter, as in the ledger's step "executed".
struct Deed {
  std::string meter;
  std::string_view command, result;  // the ledger's words
  std::string by;
  std::optional<virtual_meter::SwitchState> state{};
  UtcInstant at{};
};

class World {
 public:
  // Errors: a setup that is impossible (which meter and why), two meters of one name.
  static Result<std::unique_ptr<World>> create(WorldPlan plan, sdk::Clock& clock, Ledger& ledger);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  [[nodiscard]] std::size_t size() const;
  [[nodiscard]] const std::string& network() const;
  [[nodiscard]] const virtual_meter::Plan& plan() const;
  [[nodiscard]] const MeterPlan& books(MeterIndex meter) const;  // setup.faults are not kept
  [[nodiscard]] const std::string& name(MeterIndex meter) const;
  // By its name in the books; nullopt: no such meter, or not in service at the clock's now.
  [[nodiscard]] std::optional<MeterIndex> find(std::string_view name) const;
  [[nodiscard]] bool in_service(MeterIndex meter, UtcInstant at) const;

  // Brings every meter up to `to`, in slices between which other work of the executor runs.
  sdk::Awaitable<void> advance(UtcInstant to);

  // What a meter said since it was last taken, and its registers as they are where it stands: the name under
  // which it answers, intervals, one reading, events. Nothing but the module's last gasp from a meter without
  // power (the rest waits), nothing at all from one out of service. Meters are where advance() or a command
  // left them.
  virtual_meter::Collected take(MeterIndex meter);
  // What was taken in the last `history` and lies in [from, to) (intervals by their start), under its own
  // name and without events; registers as they were when taken, delivered and received only. Nothing where
  // the meter does not answer now.
  [[nodiscard]] virtual_meter::Collected recorded(MeterIndex meter, UtcInstant from, UtcInstant to);

  // What it shows at the clock's now. nullopt: no power. transaction, by: for the ledger (command "read").
  std::optional<virtual_meter::Reading> read_now(MeterIndex meter, std::string_view transaction,
                                                 std::string_view by);
  // Who answers when this meter is asked for: itself, or the one that is crossed with it.
  [[nodiscard]] MeterIndex answering_for(MeterIndex meter) const;
  [[nodiscard]] bool powered(MeterIndex meter);  // at the clock's now
  [[nodiscard]] std::optional<virtual_meter::SwitchState> switch_state(MeterIndex meter);  // the same
  [[nodiscard]] double power_w(MeterIndex meter);     // the same; for a page
  [[nodiscard]] bool jammed(MeterIndex meter) const;  // by hand
  [[nodiscard]] Seen seen(MeterIndex meter) const;
  // The last kLately deeds, the newest first.
  static constexpr std::size_t kLately = 20;
  [[nodiscard]] const std::deque<Deed>& lately() const;

  // Disconnect, Connect, Arm, Cancel by command; once for each call, at the clock's now.
  Effect act(MeterIndex meter, virtual_meter::SwitchInput input, std::string_view transaction,
             std::string_view by);
  Effect demand_reset(MeterIndex meter, std::string_view transaction, std::string_view by);
  // By hand.
  Effect press_button(MeterIndex meter, std::string_view by);
  Effect cut_power(MeterIndex meter, std::string_view by);
  Effect restore_power(MeterIndex meter, std::string_view by);
  Effect jam(MeterIndex meter, bool jammed, std::string_view by);

 private:
  struct State;
  explicit World(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace ami::fieldsim
