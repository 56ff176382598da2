#include "tools/fieldsim/world.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <iterator>
#include <unordered_map>
#include <utility>

namespace ami::fieldsim {
namespace {

namespace asio = boost::asio;
using virtual_meter::Collected;
using virtual_meter::Interval;
using virtual_meter::SwitchAnswer;
using virtual_meter::SwitchInput;
using virtual_meter::VirtualMeter;

constexpr std::size_t kSlice = 256;  // meters that are advanced before others may run

// Registers as they were when a report took them.
struct Snapshot {
  UtcInstant clock{};
  Decimal delivered_kwh{};
  std::optional<Decimal> received_kwh{};
};

struct Living {
  MeterPlan books;
  VirtualMeter meter;
  std::vector<Interval> pending;
  std::vector<virtual_meter::Event> events;  // pending
  std::vector<Interval> taken;               // of the last `history`
  std::vector<Snapshot> snapshots;
};

std::string_view word(SwitchAnswer answer) {
  switch (answer) {
    case SwitchAnswer::Done:
      return "done";
    case SwitchAnswer::AlreadyThere:
      return "already_there";
    case SwitchAnswer::Refused:
      break;
  }
  return "refused";
}

std::string_view word(SwitchInput input) {
  switch (input) {
    case SwitchInput::Disconnect:
      return "open";
    case SwitchInput::Connect:
      return "close";
    case SwitchInput::Arm:
      return "arm";
    case SwitchInput::Cancel:
      return "cancel";
    default:
      return "button";
  }
}

void trim(Living& living, std::chrono::seconds history) {
  const UtcInstant since = living.meter.now() - history;
  std::erase_if(living.taken, [&](const Interval& interval) { return interval.end <= since; });
  std::erase_if(living.snapshots, [&](const Snapshot& snapshot) { return snapshot.clock < since; });
}

}  // namespace

struct World::State {
  State(WorldPlan with, sdk::Clock& on, Ledger& to) : plan(std::move(with)), clock(on), ledger(to) {}

  WorldPlan plan;  // its meters have moved into `meters`
  sdk::Clock& clock;
  Ledger& ledger;
  std::vector<Living> meters;
  std::unordered_map<std::string_view, MeterIndex> by_name;
  std::unordered_map<std::uint32_t, MeterIndex> by_number;
  virtual_meter::Outbox outbox;
  std::deque<Deed> lately;
  UtcInstant reached = UtcInstant::min();  // by all of them

  void advance(Living& living, UtcInstant to) {
    if (living.books.removed) to = std::min(to, *living.books.removed);
    if (to <= living.meter.now()) return;
    living.meter.advance(to, outbox);
    keep(living);
    if (to == living.books.removed && !living.books.follower.empty()) note_exchange(living);
  }
  void note_exchange(const Living& removed) {
    const Living& installed = meters.at(by_name.at(removed.books.follower));
    ledger.exchange({plan.network, removed.books.name, installed.books.name, removed.books.usage_point,
                     *removed.books.removed, removed.meter.read().energy.delivered_kwh,
                     Decimal{installed.books.setup.initial_delivered_kwh, 0}});
  }
  // What the outbox has is the meter's.
  void keep(Living& living) {
    std::ranges::move(outbox.intervals, std::back_inserter(living.pending));
    std::ranges::move(outbox.events, std::back_inserter(living.events));
    outbox.clear();
  }
  Living& at_now(MeterIndex meter) {
    Living& living = meters.at(meter);
    advance(living, clock.now());
    return living;
  }
  [[nodiscard]] static std::optional<virtual_meter::SwitchState> state_of(const Living& living) {
    if (!living.meter.model().disconnect) return std::nullopt;
    return living.meter.switch_state();
  }
  Effect note(const Living& living, std::string_view command, std::string_view result,
              std::string_view transaction, std::string_view by) {
    const Effect effect{result, state_of(living)};
    ledger.command({plan.network, living.books.name, "executed", command, transaction, by, result,
                    effect.state ? virtual_meter::name_of(*effect.state) : std::string_view(),
                    living.meter.now()});
    if (lately.size() == kLately) lately.pop_back();
    lately.push_front({living.books.name, command, result, std::string(by), effect.state, living.meter.now()});
    return effect;
  }
  Effect operate(MeterIndex meter, SwitchInput input, std::string_view transaction, std::string_view by) {
    Living& living = at_now(meter);
    auto done = input == SwitchInput::Button ? living.meter.press_button(outbox)
                                             : living.meter.command(input, outbox);
    keep(living);
    std::string_view result;
    if (done) {
      result = word(done->answer);
    } else {
      result = done.error().fault == Fault::Transient ? "no_power" : "no_switch";
    }
    return note(living, word(input), result, transaction, by);
  }
};

Result<std::unique_ptr<World>> World::create(WorldPlan plan, sdk::Clock& clock, Ledger& ledger) {
  std::vector<MeterPlan> setups = std::move(plan.meters);
  plan.meters.clear();
  auto state = std::make_unique<State>(std::move(plan), clock, ledger);
  state->meters.reserve(setups.size());
  for (MeterPlan& setup : setups) {
    auto meter = VirtualMeter::create(state->plan.plan, setup.setup);
    if (!meter) return permanent("meter " + setup.name + ": " + meter.error().message);
    setup.setup.faults = {};
    state->meters.push_back({std::move(setup), std::move(meter).value(), {}, {}, {}, {}});
  }
  for (MeterIndex i = 0; i < state->meters.size(); ++i) {
    const MeterPlan& books = state->meters[i].books;
    if (!state->by_name.emplace(books.name, i).second)
      return permanent("two meters of the network " + state->plan.network + " are called " + books.name);
    if (!state->by_number.emplace(books.setup.number, i).second)
      return permanent("meter " + books.name + ": its number is another meter's");
  }
  for (const Living& living : state->meters) {
    const std::string& follower = living.books.follower;
    if (!follower.empty() && !state->by_name.contains(follower))
      return permanent("meter " + living.books.name + " is followed by " + follower + ", which is no meter here");
  }
  return std::unique_ptr<World>(new World(std::move(state)));
}

World::World(std::unique_ptr<State> state) : state_(std::move(state)) {}
World::~World() = default;

std::size_t World::size() const {
  return state_->meters.size();
}
const std::string& World::network() const {
  return state_->plan.network;
}
const virtual_meter::Plan& World::plan() const {
  return *state_->plan.plan;
}
const MeterPlan& World::books(MeterIndex meter) const {
  return state_->meters.at(meter).books;
}
const std::string& World::name(MeterIndex meter) const {
  return books(meter).name;
}

std::optional<MeterIndex> World::find(std::string_view name) const {
  const auto found = state_->by_name.find(name);
  if (found == state_->by_name.end() || !in_service(found->second, state_->clock.now())) return std::nullopt;
  return found->second;
}

bool World::in_service(MeterIndex meter, UtcInstant at) const {
  const MeterPlan& books = state_->meters.at(meter).books;
  return (!books.installed || at >= *books.installed) && (!books.removed || at < *books.removed);
}

sdk::Awaitable<void> World::advance(UtcInstant to) {
  state_->reached = to;
  std::size_t done = 0;
  for (Living& living : state_->meters) {
    state_->advance(living, to);
    if (++done % kSlice == 0) co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
  }
}

Collected World::take(MeterIndex meter) {
  Living& living = state_->meters.at(meter);
  const VirtualMeter& virtual_one = living.meter;
  Collected out;
  const auto answers = state_->by_number.find(virtual_one.answers_for());
  out.meter = answers == state_->by_number.end() ? living.books.name : name(answers->second);
  out.interval = std::chrono::duration_cast<std::chrono::minutes>(plan().program.interval);
  out.ke_wh = plan().program.ke_wh;
  out.received_channel = plan().received_channel;
  if (living.books.installed && state_->reached < *living.books.installed) return out;
  const bool gone = !in_service(meter, virtual_one.now());
  if (gone && !virtual_one.powered()) return out;  // what it still had to say went with it
  if (!virtual_one.powered()) {
    const auto gasp = [](const virtual_meter::Event& event) {
      return event.kind == virtual_meter::EventKind::LastGasp;
    };
    std::ranges::copy_if(living.events, std::back_inserter(out.events), gasp);
    std::erase_if(living.events, gasp);
    return out;
  }
  out.intervals = std::move(living.pending);
  out.events = std::move(living.events);
  living.pending = {};
  living.events = {};
  if (gone) return out;
  out.readings = {virtual_one.read()};
  if (state_->plan.history.count() > 0) {
    std::ranges::copy(out.intervals, std::back_inserter(living.taken));
    const auto& energy = out.readings.front().energy;
    living.snapshots.push_back({out.readings.front().clock, energy.delivered_kwh, energy.received_kwh});
    trim(living, state_->plan.history);
  }
  return out;
}

Collected World::recorded(MeterIndex meter, UtcInstant from, UtcInstant to) {
  Living& living = state_->at_now(meter);
  Collected out;
  out.meter = living.books.name;
  out.interval = std::chrono::duration_cast<std::chrono::minutes>(plan().program.interval);
  out.ke_wh = plan().program.ke_wh;
  out.received_channel = plan().received_channel;
  if (!living.meter.powered() || !in_service(meter, living.meter.now())) return out;
  for (const Interval& interval : living.taken) {
    const UtcInstant start = interval.end - out.interval;
    if (start >= from && start < to) out.intervals.push_back(interval);
  }
  for (const Snapshot& snapshot : living.snapshots) {
    if (snapshot.clock < from || snapshot.clock >= to) continue;
    virtual_meter::Reading reading;
    reading.clock = snapshot.clock;
    reading.energy.delivered_kwh = snapshot.delivered_kwh;
    reading.energy.received_kwh = snapshot.received_kwh;
    out.readings.push_back(std::move(reading));
  }
  return out;
}

std::optional<virtual_meter::Reading> World::read_now(MeterIndex meter, std::string_view transaction,
                                                      std::string_view by) {
  Living& living = state_->at_now(meter);
  const bool answers = living.meter.powered();
  state_->note(living, "read", answers ? "done" : "no_answer", transaction, by);
  if (!answers) return std::nullopt;
  return living.meter.read();
}

MeterIndex World::answering_for(MeterIndex meter) const {
  const auto other = state_->by_number.find(state_->meters.at(meter).meter.answers_for());
  return other == state_->by_number.end() ? meter : other->second;
}

bool World::powered(MeterIndex meter) {
  return state_->at_now(meter).meter.powered();
}
std::optional<virtual_meter::SwitchState> World::switch_state(MeterIndex meter) {
  return State::state_of(state_->at_now(meter));
}
double World::power_w(MeterIndex meter) {
  return state_->at_now(meter).meter.power_w();
}
bool World::jammed(MeterIndex meter) const {
  return state_->meters.at(meter).meter.jammed();
}

Seen World::seen(MeterIndex meter) const {
  const VirtualMeter& stands = state_->meters.at(meter).meter;
  return {in_service(meter, state_->reached), stands.powered(), stands.jammed(),
          State::state_of(state_->meters[meter])};
}
const std::deque<Deed>& World::lately() const {
  return state_->lately;
}

Effect World::act(MeterIndex meter, SwitchInput input, std::string_view transaction, std::string_view by) {
  return state_->operate(meter, input, transaction, by);
}
Effect World::press_button(MeterIndex meter, std::string_view by) {
  return state_->operate(meter, SwitchInput::Button, {}, by);
}

Effect World::demand_reset(MeterIndex meter, std::string_view transaction, std::string_view by) {
  Living& living = state_->at_now(meter);
  const auto done = living.meter.demand_reset(std::nullopt, state_->outbox);
  state_->keep(living);
  return state_->note(living, "demand_reset", done ? "done" : "no_power", transaction, by);
}

Effect World::cut_power(MeterIndex meter, std::string_view by) {
  Living& living = state_->at_now(meter);
  const bool had = living.meter.powered();
  living.meter.cut_power(state_->outbox);
  state_->keep(living);
  return state_->note(living, "cut_power", had ? "done" : "already_there", {}, by);
}

Effect World::restore_power(MeterIndex meter, std::string_view by) {
  Living& living = state_->at_now(meter);
  const bool had = living.meter.powered();
  living.meter.restore_power(state_->outbox);
  state_->keep(living);
  return state_->note(living, "restore_power", had ? "already_there" : "done", {}, by);
}

Effect World::jam(MeterIndex meter, bool jammed, std::string_view by) {
  Living& living = state_->at_now(meter);
  const bool has_switch = living.meter.model().disconnect;
  if (has_switch) living.meter.jam_switch(jammed);
  return state_->note(living, jammed ? "jam" : "unjam", has_switch ? "done" : "no_switch", {}, by);
}

}  // namespace ami::fieldsim
