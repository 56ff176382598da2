#include "adapters/wire/http/retry.h"

#include <algorithm>
#include <utility>

namespace ami::http {

using std::chrono::milliseconds;

milliseconds Retry::pause_before(int attempt) {
  milliseconds most = settings_.first;
  if (attempt > 0) {
    most = std::min(settings_.base, settings_.cap);
    // By doubling step by step, since 2^n leaves any integer soon.
    for (int n = 1; n < attempt && most < settings_.cap; ++n) most = std::min(most * 2, settings_.cap);
  }
  if (most <= milliseconds{0}) return milliseconds{0};
  return milliseconds{std::uniform_int_distribution<milliseconds::rep>(0, most.count())(random_)};
}

sdk::Awaitable<Answer> Retry::run(bool safe_to_repeat, std::function<sdk::Awaitable<Answer>()> attempt) {
  Answer last;
  last.failure = Failure{FailureKind::Cancelled, transient("cancelled before the first attempt"), false};
  for (int made = 0; made < std::max(1, settings_.attempts); ++made) {
    milliseconds pause = pause_before(made);
    if (last.failure->retry_after)
      pause = std::max(pause, std::min(*last.failure->retry_after, settings_.cap));
    bool waited = true;
    if (pause > milliseconds{0}) waited = co_await clock_.wait(pause);
    if (!waited) break;
    last = co_await attempt();
    if (last.ok() || last.failure->kind == FailureKind::Cancelled) break;
    const Fault fault = last.failure->error.fault;
    if (fault == Fault::Permanent || (fault == Fault::InDoubt && !safe_to_repeat)) break;
  }
  co_return last;
}

}  // namespace ami::http
