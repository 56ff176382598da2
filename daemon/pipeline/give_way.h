// The pause of a background job between two of its steps: storing goes first.
#pragma once

#include <chrono>
#include <functional>

#include "adapters/sdk/adapter.h"

namespace ami::daemon {

struct Way {
  bool storing = false;  // batches are being stored now
  bool stopping = false;
};

// While nothing is stored: 50 ms. While something is: three times as long as the step took, up to 30 s, so that a
// job takes a quarter of one processor at most; ends soon after the last batch was stored. `way` is asked often,
// on the executor of the coroutine.
sdk::Awaitable<void> give_way(sdk::Clock& clock, std::chrono::milliseconds step_took, std::function<Way()> way);

}  // namespace ami::daemon
