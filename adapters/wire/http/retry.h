// When to try again: exponential backoff with full jitter.
#pragma once

#include <chrono>
#include <functional>
#include <random>

#include "adapters/sdk/adapter.h"
#include "adapters/wire/http/answer.h"

namespace ami::http {

struct RetrySettings {
  int attempts = 5;  // in all, the first one included
  std::chrono::milliseconds base{
      500};  // the pause before attempt n + 1 is drawn from [0, min(cap, base * 2^(n-1))]
  std::chrono::milliseconds cap{60'000};  // also of what a peer asks for by Retry-After
  std::chrono::milliseconds first{0};  // the pause before the first attempt is drawn from [0, first]: after a
                                       // storm not all requests leave at once. 0 = none
};

// On one strand; time is the clock's, chance the generator's.
class Retry {
 public:
  Retry(RetrySettings settings, sdk::Clock& clock, std::mt19937_64& random)
      : settings_(settings), clock_(clock), random_(random) {}

  // Before attempt 0, 1, 2 …
  std::chrono::milliseconds pause_before(int attempt);

  // Makes attempts until one is not Transient, or `attempts` were made; gives the last answer. InDoubt is
  // tried again only where the request is `safe_to_repeat`. Retry-After is a minimum for the pause that
  // follows. Cancelled while it pauses: the last answer, or a failure Cancelled when there was none.
  sdk::Awaitable<Answer> run(bool safe_to_repeat, std::function<sdk::Awaitable<Answer>()> attempt);

 private:
  const RetrySettings settings_;
  sdk::Clock& clock_;
  std::mt19937_64& random_;
};

}  // namespace ami::http
