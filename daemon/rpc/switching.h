// What SwitchService works on: the engine of switching, asset data as it sees them, and the book. No gRPC
// header here. docs/switching.md
#pragma once

#include "daemon/rpc/records.h"
#include "daemon/switching/engine.h"
#include "storage/contract/safety_holds.h"
#include "storage/contract/switch_findings.h"
#include "storage/contract/switch_limits.h"
#include "storage/contract/switch_watch.h"
#include "storage/contract/switching.h"

namespace ami::rpc {

// All outlive the server.
struct Switching {
  daemon::switching::Engine& engine;
  daemon::switching::Site& site;
  storage::SwitchStore& book;
  // Threads of its own, which may block; what asks for a switch must not wait behind readings. Goes on running
  // what it was given until the server has drained.
  Executor executor;
  storage::SwitchFindings* findings = nullptr;  // of the daily comparison; null: none is made
  storage::SwitchWatch* watch = nullptr;        // positions out of events; null: only operations tell of them
  // What stops a switch from outside of its own operation; null: not served.
  storage::SafetyHolds* holds = nullptr;
  storage::SwitchStops* stops = nullptr;
  storage::SwitchLimits* limits = nullptr;
  storage::SwitchReviews* reviews = nullptr;
};

}  // namespace ami::rpc
