// What is asked of the book and of asset data to find later evidence of switches, and to compare them each day.
// One implementation: storage/postgres/switch_watch.h, whose login is of role ami_switch. Calls block.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "storage/contract/switching.h"

namespace ami::storage {

struct WatchedSwitch {
  SwitchOperation operation;
  // What is of this time or later is none of its evidence: the meter's next operation that did not fail was sent, or
  // the meter was taken out. nullopt = neither.
  std::optional<UtcInstant> until;
};

// Where a switch was said to be.
struct ToldPosition {
  std::string position;  // "OPEN", "CLOSED", "ARMED"
  UtcInstant at{};       // by the device's clock; of what a person saw: when it was told
  std::string source;    // "EVENT", "OPERATION" (the audit of one)
};

struct SwitchMeter {
  MeterId id = 0;
  std::string key, usage_point;  // usage_point empty = installed nowhere now
};

class SwitchWatch {
 public:
  virtual ~SwitchWatch() = default;

  // Operations that may have left and of which later evidence may tell something: those under way or UNCERTAIN,
  // every OPEN that is verified (energy through it), and what is below its attainable level and was sent after
  // `late`. One whose time ended before `late` is left out. By id.
  virtual Answer<std::vector<WatchedSwitch>> watched(UtcInstant late) = 0;
  // Positions that events of the meter tell with the device's own time, in [from, until), by time; 1000 at most.
  virtual Answer<std::vector<ToldPosition>> positions(MeterId meter, UtcInstant from, UtcInstant until) = 0;

  // Meters of a utility, by id, from the one after `after` on.
  virtual Answer<std::vector<SwitchMeter>> meters(std::int32_t utility, MeterId after, std::size_t limit) = 0;
  // Of each meter the newest operation that may have been done: sent, and not FAILED.
  virtual Answer<std::map<MeterId, SwitchOperation>> last_asked(const std::vector<MeterId>& meters) = 0;
  // The newest position that events with the device's time (of `since` or later) or the audit tell of each meter.
  virtual Answer<std::map<MeterId, ToldPosition>> newest_told(const std::vector<MeterId>& meters,
                                                              UtcInstant since) = 0;
};

}  // namespace ami::storage
