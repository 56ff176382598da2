// A model of one meter, its far side and two gateways, in which everything that can happen does, in every
// order: crashes, lost, doubled and late answers, jumps of the clock, both gateways at once. Its states are
// those of the engine, its steps go through the engine's own table and its own rule of what blocks what.
//
// The switch may also be moved by hand at any time. What needs no step of its own: a gateway that is down
// does nothing, which any gateway may do at any time; an answer that is lost is one that never comes; one
// that is late or doubled stays and comes again.
#pragma once

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "daemon/switching/transition.h"

namespace ami::daemon::switching::model {

struct Order {
  SwitchAction action = SwitchAction::Open;
  bool automatic = false;
};

struct Setting {
  std::vector<Order> orders;  // at most 3, asked for in this order
  Table table = Table::standard();
  // Defects, to show that they are found.
  bool wall_clock = false;      // the flight is taken for over after a jump of the clock
  bool blind_send = false;      // SENT is written without looking whether somebody else has
  bool nothing_blocks = false;  // an operation whose outcome is not known stands in nobody's way
};

struct Found {
  std::string violation;           // empty = none in any state
  std::vector<std::string> steps;  // that lead to it, the shortest way
  std::size_t states = 0;
  std::set<std::pair<SwitchState, Input>> used;  // rows of the table that were stepped through
};

// Breadth first over every state that can be reached.
Found check(const Setting& setting);

}  // namespace ami::daemon::switching::model
