// Carries messages and files from a far side to whoever hears it, and does to them what a scenario orders:
// latency, loss, copies, lateness. What became of each goes to the ledger. One for each network.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "adapters/sdk/adapter.h"
#include "tools/fieldsim/ledger.h"
#include "tools/fieldsim/simulated_clock.h"

namespace ami::fieldsim {

// From what is ready to what is sent, in simulated time: uniform between least and most, and `tail_share` of
// all takes up to `tail_most`.
struct Latency {
  std::chrono::milliseconds least{0}, most{0};
  double tail_share = 0;
  std::chrono::milliseconds tail_most{0};
};
std::chrono::milliseconds draw(const Latency& latency, std::mt19937_64& random);

// Of each message by itself. Shares are 0 … 1; a message that is lost is neither copied nor late.
struct Misfortune {
  double lost = 0, duplicated = 0, late = 0;
  std::chrono::milliseconds late_by{0};  // beyond its latency
};
// In force in [from, to) instead of the network's usual one: a storm.
struct Spell {
  UtcInstant from{}, to{};
  Misfortune misfortune;
};

struct CourierSetup {
  std::string network;
  Latency latency;
  Misfortune usual;
  std::vector<Spell> spells;  // the last one in force counts
  std::uint64_t seed = 1;
  std::size_t at_once = 8;  // posts that are on the wire side by side
};

struct Fate {
  bool lost = false;
  unsigned copies = 1;
  std::chrono::milliseconds after{0};    // latency and lateness
  std::chrono::milliseconds late_by{0};  // of these the lateness
  [[nodiscard]] bool plain() const { return !lost && copies == 1 && late_by.count() == 0; }
};

struct Parcel {
  std::string name;  // of the message or file: "ts2-000012-003"
  std::string_view via = "callback";
  // Sends it, one time for each copy. True: acknowledged. Never called for what is lost.
  std::function<sdk::Awaitable<bool>()> send;
  Content content;
};

class Courier {
 public:
  Courier(CourierSetup setup, sdk::Services services, SimulatedClock& clock, Ledger& ledger);
  ~Courier();  // only after stop()
  Courier(const Courier&) = delete;
  Courier& operator=(const Courier&) = delete;

  // Chance, drawn in the order of the calls: the same for the same seed and order. For what does not go
  // through carry(), as the order to a peer's head-end what to do with its callback.
  Fate fate();
  // Draws a fate and sees to the rest in its own time; gives back the fate, so that what is lost can be told
  // later. Fewer than at_once are on the wire at any moment, the others wait in order.
  Fate carry(Parcel parcel);
  // The same with a fate that is decided: Fate{} for what must arrive, as a catch-up file.
  void carry(Parcel parcel, Fate fate);

  // Ends what waits (the ledger has it as lost) and waits for what is on the wire. May be called again
  // meanwhile.
  sdk::Awaitable<void> stop();
  // Completes when nothing is on the wire or waits for a place there; what waits for its latency does not
  // count.
  sdk::Awaitable<void> room();

  struct Counts {
    std::uint64_t sent = 0, lost = 0, unsure = 0, copies = 0;
    std::size_t waiting = 0, on_the_wire = 0;
  };
  [[nodiscard]] Counts counts() const;
  // The last kLately parcels and what became of them, the newest first. For a page that shows them.
  struct Told {
    std::string message, via;
    Delivered delivery = Delivered::Sent;
    unsigned copies = 0;
    std::size_t records = 0;  // ledger lines
    UtcInstant at{};
  };
  static constexpr std::size_t kLately = 20;
  [[nodiscard]] const std::deque<Told>& lately() const;
  // A send() that tries again and again gives up then.
  [[nodiscard]] bool stopping() const;

 private:
  class Core;
  std::shared_ptr<Core> core_;
};

}  // namespace ami::fieldsim
