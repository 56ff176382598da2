#include "daemon/collection/gap_job.h"

#include <algorithm>

#include "daemon/log/messages.h"
#include "daemon/pipeline/give_way.h"

namespace ami::daemon {
namespace {

constexpr std::chrono::milliseconds kTick{100};  // how soon a stop is noticed
// Looks at every channel, so at most so often; and at least so often, because another gateway may do the
// work.
constexpr std::chrono::minutes kPublishSoonest{15}, kPublishLatest{60};

}  // namespace

sdk::Awaitable<void> GapJob::keep(std::function<Situation()> situation) {
  UtcInstant next = parts_.clock.now();
  while (true) {
    const Situation now = situation();
    if (now.stopping) co_return;
    const UtcInstant at = parts_.clock.now();
    if (now.ready && (at >= next || next > at + now.every)) {  // further ahead: the clock was set back
      co_await round(situation);
      next = parts_.clock.now() + now.every;
    }
    co_await parts_.clock.wait(kTick);
  }
}

sdk::Awaitable<void> GapJob::round(const std::function<Situation()>& situation) {
  storage::Gaps gaps(parts_.database);
  storage::GapStep sum;
  Situation current = situation();
  while (!current.stopping) {
    Result<storage::GapStep> step = transient("not asked yet");
    const UtcInstant began = parts_.clock.now();
    const std::function<void()> work = [&] { step = gaps.step(current.rules, parts_.clock.now()); };
    co_await parts_.pool.run(work);
    if (!step) {
      failed(step.error().message);
      co_return;
    }
    sum.changes += step->changes;
    sum.judged += step->judged;
    sum.written += step->written;
    sum.closed += step->closed;
    if (!step->more) break;
    const auto took = std::chrono::ceil<std::chrono::milliseconds>(parts_.clock.now() - began);
    const std::function<Way()> way = [&] {
      const Situation now = situation();
      return Way{now.storing, now.stopping};
    };
    co_await give_way(parts_.clock, took, way);
    current = situation();
  }
  if (sum.judged > 0 || failing_) {
    parts_.log.write(messages::kGapsCompared, {{"series", std::to_string(sum.judged)},
                                               {"changes", std::to_string(sum.changes)},
                                               {"written", std::to_string(sum.written)},
                                               {"closed", std::to_string(sum.closed)}});
  }
  failing_ = false;
  stale_ |= sum.judged > 0;
  const auto pause = stale_ ? kPublishSoonest : kPublishLatest;
  const UtcInstant at = parts_.clock.now();
  // A time that lies ahead was set before the clock was set back.
  if (current.stopping || (published_ <= at && at - pause < published_)) co_return;
  const std::function<void()> look = [&] { publish(current.rules); };
  co_await parts_.pool.run(look);
}

void GapJob::publish(const storage::CollectionRules& rules) {
  const auto figures = storage::Gaps(parts_.database).figures(rules, parts_.clock.now());
  if (!figures.ok()) {
    failed(figures.refusal().message);
    return;
  }
  std::set<std::string> gone = feeds_;
  for (const storage::CollectionFigures& feed : *figures) {
    const std::optional<double> ratio =
        feed.day_expected == 0
            ? std::nullopt
            : std::optional(static_cast<double>(feed.day_received) / static_cast<double>(feed.day_expected));
    parts_.metrics.collection(feed.feed, feed.open_gaps, feed.missing, ratio);
    feeds_.insert(feed.feed);
    gone.erase(feed.feed);
  }
  for (const std::string& feed : gone) parts_.metrics.collection(feed, 0, 0, std::nullopt);
  published_ = parts_.clock.now();
  stale_ = false;
}

void GapJob::failed(const std::string& error) {
  if (!failing_) parts_.log.write(messages::kGapsFailed, {{"error", error}});
  failing_ = true;
}

}  // namespace ami::daemon
