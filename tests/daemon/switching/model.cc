#include "tests/daemon/switching/model.h"

#include <algorithm>
#include <array>
#include <deque>
#include <optional>
#include <unordered_map>

#include "daemon/switching/policy.h"

namespace ami::daemon::switching::model {
namespace {

using S = SwitchState;
constexpr unsigned kNotAsked = 31;

enum Far : unsigned { kNever, kInFlight, kDone, kRefused, kDropped };
enum Reply : unsigned { kAccepted = 1, kSaysDone = 2, kSaysFailed = 4 };
enum Position : unsigned { kClosed, kOpen, kArmed };

struct Op {
  unsigned state = kNotAsked;
  unsigned granted = 0;  // bit a gateway: SENT is stored, its first byte has not left
  unsigned far = kNever;
  unsigned replies = 0;  // under way, again and again
  bool over = false;     // its flight, in truth
  bool claimed = false;
  bool shown = false;  // evidence or an observation was there
  [[nodiscard]] bool asked() const { return state != kNotAsked; }
  [[nodiscard]] S at() const { return static_cast<S>(state); }
};

struct World {
  std::array<Op, 3> ops;
  unsigned position = kClosed;
};

std::uint64_t pack(const World& world) {
  std::uint64_t out = world.position;
  for (const Op& op : world.ops) {
    std::uint64_t bits = op.state;
    bits = bits << 2U | op.granted;
    bits = bits << 3U | op.far;
    bits = bits << 3U | op.replies;
    bits = bits << 1U | static_cast<unsigned>(op.over);
    bits = bits << 1U | static_cast<unsigned>(op.claimed);
    bits = bits << 1U | static_cast<unsigned>(op.shown);
    out = out << 16U | bits;
  }
  return out;
}

World unpack(std::uint64_t bits) {
  World world;
  const auto take = [&](unsigned width) {
    const auto value = static_cast<unsigned>(bits & ((std::uint64_t{1} << width) - 1));
    bits >>= width;
    return value;
  };
  for (auto op = world.ops.rbegin(); op != world.ops.rend(); ++op) {
    op->shown = take(1) != 0;
    op->claimed = take(1) != 0;
    op->over = take(1) != 0;
    op->replies = take(3);
    op->far = take(3);
    op->granted = take(2);
    op->state = take(5);
  }
  world.position = take(2);
  return world;
}

struct Label {
  const char* what = nullptr;  // null: the beginning
  std::size_t order = 0;
  [[nodiscard]] std::string text() const { return std::string(what) + " " + std::to_string(order + 1); }
};
struct Parent {
  std::uint64_t from = 0;
  Label step;
};

class Search {
 public:
  explicit Search(const Setting& setting) : setting_(setting) {}

  Found run() {
    World first;
    seen_.emplace(pack(first), Parent{});
    todo_.push_back(pack(first));
    while (!todo_.empty() && found_.violation.empty()) {
      here_ = todo_.front();
      todo_.pop_front();
      expand(unpack(here_));
    }
    found_.states = seen_.size();
    return found_;
  }

 private:
  [[nodiscard]] SwitchAction action(std::size_t i) const { return setting_.orders[i].action; }
  [[nodiscard]] unsigned wanted(std::size_t i) const {
    return action(i) == SwitchAction::Open ? kOpen : action(i) == SwitchAction::Close ? kClosed : kArmed;
  }
  static Label label(const char* what, std::size_t i) { return {what, i}; }

  void go(const World& next, Label step, const char* violation = nullptr) {
    const std::uint64_t key = pack(next);
    const bool fresh = seen_.emplace(key, Parent{here_, step}).second;
    if (fresh) todo_.push_back(key);
    if (fresh && violation == nullptr) violation = wrong(next);
    if (violation == nullptr || !found_.violation.empty()) return;
    found_.violation = violation;
    found_.steps.push_back(step.text());
    for (std::uint64_t at = here_; seen_.at(at).step.what != nullptr; at = seen_.at(at).from)
      found_.steps.insert(found_.steps.begin(), seen_.at(at).step.text());
  }

  // What must never be.
  // Null: nothing is.
  [[nodiscard]] const char* wrong(const World& world) const {
    bool opens = false, closes = false;
    for (std::size_t i = 0; i < setting_.orders.size(); ++i) {
      const Op& op = world.ops[i];
      if (op.far == kInFlight) (action(i) == SwitchAction::Open ? opens : closes) = true;
      if (op.asked() && is_verified(op.at()) && !op.shown) return "success without evidence";
      const bool never = op.asked() && (op.state < static_cast<unsigned>(S::Sent) || op.at() == S::Rejected ||
                                        op.at() == S::Cancelled || op.at() == S::Expired);
      if ((never || !op.asked()) && op.far != kNever) return "a command left that the book says never did";
    }
    return opens && closes ? "two opposite commands in flight" : nullptr;
  }

  // The table's answer to an input; false = refused.
  bool step(World& world, std::size_t i, Input what) {
    Op& op = world.ops[i];
    const Step next = setting_.table.step(op.at(), what, action(i));
    if (!next.moves) return false;
    found_.used.emplace(op.at(), what);
    op.state = static_cast<unsigned>(next.to);
    return true;
  }

  void input(const World& world, std::size_t i, Input what) {
    World next = world;
    if (step(next, i, what)) go(next, label(name_of(what).data(), i));
  }

  [[nodiscard]] bool blocked(const World& world, std::size_t i) const {
    if (setting_.nothing_blocks) return false;
    for (std::size_t j = 0; j < setting_.orders.size(); ++j) {
      if (j != i && world.ops[j].asked() &&
          blocks(world.ops[j].at(), action(j), action(i), setting_.orders[i].automatic))
        return true;
    }
    return false;
  }

  void expand(const World& world) {
    std::optional<std::size_t> newest;  // that left
    std::size_t asked = 0;
    bool live = false;
    for (std::size_t i = 0; i < setting_.orders.size(); ++i) {
      const Op& op = world.ops[i];
      if (!op.asked()) continue;
      ++asked;
      live = live || storage::live(op.at());
      const bool left = storage::left(op.at()) || is_verified(op.at()) || op.at() == S::Uncertain ||
                        op.at() == S::Contradicted;
      if (left || op.granted + op.far != 0) newest = i;
    }
    if (asked < setting_.orders.size() && !live) ask(world, asked);
    for (const unsigned position : {kClosed, kOpen, kArmed}) {
      World moved = world;
      moved.position = position;
      go(moved, label("moved by hand, before order", asked));
    }
    for (std::size_t i = 0; i < asked; ++i) {
      gateways(world, i);
      far_side(world, i);
      answers(world, i);
      time_and_people(world, i, newest == i);
    }
  }

  // The book takes it: no other is live, and no OPEN beside one that is UNCERTAIN.
  void ask(const World& world, std::size_t i) {
    if (!setting_.nothing_blocks && action(i) == SwitchAction::Open) {
      for (std::size_t j = 0; j < i; ++j) {
        if (action(j) == SwitchAction::Open && world.ops[j].at() == S::Uncertain) return;
      }
    }
    World next = world;
    next.ops[i].state = static_cast<unsigned>(S::Requested);
    go(next, label("asked", i));
  }

  void gateways(const World& world, std::size_t i) {
    const Op& op = world.ops[i];
    if (blocked(world, i)) {
      input(world, i, Input::PolicyRefused);
    } else {
      input(world, i, Input::PolicyPassed);
    }
    for (const Input free : {Input::Authorise, Input::Enqueue, Input::Cancel, Input::NotAfterPassed})
      input(world, i, free);
    for (unsigned gateway = 0; gateway < 2; ++gateway) {
      const unsigned bit = 1U << gateway;
      // Compare and set: whoever is second finds it moved on.
      World next = world;
      const bool overwritten = setting_.blind_send && op.at() == S::Sent && (op.granted & bit) == 0;
      if (overwritten || (!blocked(world, i) && step(next, i, Input::Send))) {
        next.ops[i].granted |= bit;
        next.ops[i].over = false;
        go(next, label(gateway == 0 ? "SEND by the first gateway" : "SEND by the second gateway", i));
      }
      if ((op.granted & bit) == 0) continue;
      World after = world;
      after.ops[i].granted &= ~bit;
      go(after, label("crash before the first byte", i));
      World told = after;
      if (step(told, i, Input::NotSent)) go(told, label("NOT_SENT", i));
      if (!op.over) leave(world, i, bit);
    }
  }

  void leave(const World& world, std::size_t i, unsigned bit) {
    World next = world;
    next.ops[i].granted &= ~bit;
    next.ops[i].far = kInFlight;
    const char* violation = nullptr;
    if (world.ops[i].far != kNever) violation = "a command left twice";
    for (std::size_t j = 0; j < setting_.orders.size(); ++j) {
      const Op& other = world.ops[j];
      if (j == i || !other.asked() || action(i) != SwitchAction::Open || action(j) != SwitchAction::Open)
        continue;
      if (other.at() == S::Uncertain) violation = "a second OPEN after UNCERTAIN";
      if (other.far == kInFlight) violation = "a second OPEN while one is in flight";
    }
    go(next, label("first byte leaves", i), violation);
  }

  void far_side(const World& world, std::size_t i) {
    World next = world;
    if ((world.ops[i].replies & kSaysDone) != 0 && (world.ops[i].replies & kSaysFailed) == 0) {
      next.ops[i].replies |= kSaysFailed;
      go(next, label("the far side says failed, too, of", i));
    }
    if (world.ops[i].far != kInFlight) return;
    next = world;
    if ((world.ops[i].replies & kAccepted) == 0) {
      next.ops[i].replies |= kAccepted;
      go(next, label("the far side takes", i));
    }
    next = world;
    next.ops[i].far = kDone;
    next.ops[i].replies |= kSaysDone;
    // To arm a switch that is closed leaves it so.
    if (action(i) != SwitchAction::Arm || world.position != kClosed) next.position = wanted(i);
    go(next, label("the meter carries out", i));
    next = world;
    next.ops[i].far = kRefused;
    next.ops[i].replies |= kSaysFailed;
    go(next, label("the meter refuses", i));
    next = world;
    next.ops[i].far = kDropped;
    next.ops[i].replies |= kSaysDone;
    go(next, label("the far side says done, and it is not,", i));
  }

  void answers(const World& world, std::size_t i) {
    const Op& op = world.ops[i];
    if ((op.replies & kAccepted) != 0) input(world, i, Input::Accepted);
    if ((op.replies & kSaysFailed) != 0) {
      const bool both = op.claimed && op.at() == S::Uncertain;
      input(world, i, both ? Input::EvidenceAgainst : Input::ReportedFailed);
    }
    if ((op.replies & kSaysDone) == 0) return;
    World next = world;
    const bool moved = step(next, i, Input::ReportedDone);
    next.ops[i].claimed = true;
    if (moved || !op.claimed) go(next, label("REPORTED_DONE", i));
  }

  void time_and_people(const World& world, std::size_t i, bool newest) {
    const Op& op = world.ops[i];
    const bool begun = op.far != kNever || op.granted != 0 || op.at() == S::Sent;
    if (begun && !op.over) {
      World next = world;
      next.ops[i].over = true;
      if (op.far == kInFlight) next.ops[i].far = kDropped;
      go(next, label("the flight is over of", i));
    }
    if (op.over || setting_.wall_clock) input(world, i, Input::FlightOver);
    input(world, i, Input::EvidenceLate);

    const bool as_asked = world.position == wanted(i);
    World next = world;
    if (newest && as_asked && step(next, i, Input::EvidenceEnough)) {
      next.ops[i].shown = true;
      go(next, label("EVIDENCE_ENOUGH", i));
    }
    if (newest && !as_asked && op.claimed) input(world, i, Input::EvidenceAgainst);
    if (newest && !as_asked && !op.claimed && op.over && op.at() == S::Uncertain)
      input(world, i, Input::EvidenceNotDone);
    // Failed, as the far side said; the meter itself says that it is done.
    if (newest && as_asked && op.at() == S::Failed) input(world, i, Input::ReportedDone);
    next = world;
    if (as_asked && step(next, i, Input::ObservedDone)) {
      next.ops[i].shown = true;
      go(next, label("OBSERVED_DONE", i));
    }
    if (!as_asked) input(world, i, Input::ObservedNotDone);
    if (newest && world.position == kClosed) input(world, i, Input::ArmClosed);
    if (newest && world.position == kOpen) input(world, i, Input::ArmEnded);
  }

  const Setting& setting_;
  std::unordered_map<std::uint64_t, Parent> seen_;
  std::deque<std::uint64_t> todo_;
  std::uint64_t here_ = 0;
  Found found_;
};

}  // namespace

Found check(const Setting& setting) {
  return Search(setting).run();
}

}  // namespace ami::daemon::switching::model
