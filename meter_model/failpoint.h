// Named points of the way of a read at which a test may end the process, to prove that nothing is lost there.
// Without a handler, which only the daemon's main installs and only when it is told to, a point costs one load.
#pragma once

#include <atomic>

namespace ami {

using FailpointHandler = void (*)(const char* name);

// The one process-wide variable of the project: what it serves is the end of the process.
inline std::atomic<FailpointHandler> failpoint_handler{nullptr};

inline void failpoint(const char* name) {
  if (const auto handler = failpoint_handler.load(std::memory_order_relaxed)) handler(name);
}

}  // namespace ami
