// Evidence that comes later: intervals, registers and events of tomorrow's file, out of the store, for every
// operation that left and may still learn something. So an operation rises by itself, and energy through an opened
// switch is noticed whenever it is stored. docs/switching.md
//
// What is looked at follows the change feed: when nothing of a watched meter changed, a round costs one question to
// the book and one to the feed. Nothing is kept: a gateway that begins, or begins to send, looks at every watched
// operation once, and to be told the same twice changes nothing (Engine::learnt_of).
//
// tick() blocks (it uses the store) and is called by one thread at a time.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <set>

#include "daemon/switching/engine.h"
#include "daemon/switching/stored_evidence.h"
#include "storage/contract/switch_watch.h"

namespace ami::daemon::switching {

class LateEvidence {
 public:
  struct Parts {
    Engine& engine;
    storage::SwitchWatch& watch;
    EvidenceSource& source;
    std::function<UtcInstant()> now;
    std::function<Engine::Steady()> steady;
    std::function<void(const std::string&)> trouble;  // a question failed; it is asked again by itself
  };
  struct Settings {
    std::chrono::milliseconds every{30'000};
    // After its end an operation is no longer looked after; and a first look at one that is verified goes no
    // further back.
    std::chrono::days late{35};
    std::size_t looks = 50;      // of one round at most; the next goes on after a second
  };
  LateEvidence(Parts parts, Settings settings) : parts_(std::move(parts)), settings_(settings) {}

  // As often as one likes: a round begins when its time has come, and only where this gateway sends.
  void tick();
  [[nodiscard]] std::size_t waiting() const noexcept { return dirty_.size(); }  // operations to be looked at
  [[nodiscard]] std::uint64_t looks() const noexcept { return looks_; }         // since the start

 private:
  // What makes evidence count that did not count before.
  struct Seen {
    SwitchState state = SwitchState::Sent;
    std::optional<UtcInstant> claimed_at;
    bool operator==(const Seen&) const = default;
  };
  bool round();
  // From when on energy is read: at first sight, and when what is of `changed` or later became different.
  [[nodiscard]] UtcInstant first_look(const SwitchOperation& operation) const;
  [[nodiscard]] UtcInstant look_after(const SwitchOperation& operation, UtcInstant changed) const;
  Outcome look(const storage::WatchedSwitch& watched, UtcInstant from);
  Outcome tell(const SwitchOperation& operation, const EvidenceItem& item);

  Parts parts_;
  const Settings settings_;
  std::optional<Engine::Steady> next_;
  std::map<SwitchId, Seen> seen_;
  std::map<SwitchId, UtcInstant> dirty_;  // to be looked at, from then on
  std::set<std::int32_t> utilities_;
  SwitchId tried_ = 0;  // the last one: the next round begins behind it, so that one that fails holds up no other
  std::uint64_t looks_ = 0;
};

// From when on the meter must be in its position: as in EvidenceFrame::since.
UtcInstant since_of(const SwitchOperation& operation);
// From when on stored energy counts: a device's clock that is a minute ahead dates what flowed before later.
UtcInstant energy_since(const SwitchOperation& operation);
// A position by its word; Unknown for any other.
SwitchPosition position_from(std::string_view word);

}  // namespace ami::daemon::switching
