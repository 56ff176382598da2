#include "daemon/switching/feed_carrier.h"

#include <boost/asio/co_spawn.hpp>
#include <exception>
#include <utility>

#include "daemon/log/messages.h"

namespace ami::daemon::switching {
namespace {

sdk::AttemptAnswer answered(sdk::AttemptState state, std::string reason, std::string words) {
  sdk::AttemptAnswer out;
  out.state = state;
  out.reason = std::move(reason);
  out.words = std::move(words);
  return out;
}

}  // namespace

sdk::AttemptAnswer before_it_left(sdk::AttemptAnswer answer) {
  if (answer.state != sdk::AttemptState::Failed || answer.reason == "not_sent" || answer.reason == "unreachable")
    return answer;
  if (!answer.reason.empty()) answer.words = answer.reason + (answer.words.empty() ? "" : ": ") + answer.words;
  answer.reason = "not_sent";
  return answer;
}

struct FeedCarrier::Trip {
  Errand errand;
  std::function<Outcome()> before_send;
  std::function<void(sdk::AttemptAnswer)> done;
  std::shared_ptr<const commands::CommandFeed> port;
  std::atomic<bool> granted = false;  // never taken back
};

void FeedCarrier::carry(const Errand& errand, std::function<Outcome()> before_send,
                        std::function<void(sdk::AttemptAnswer)> done) {
  ++under_way_;
  const auto trip = std::make_shared<Trip>();
  trip->errand = errand;
  trip->before_send = std::move(before_send);
  trip->done = std::move(done);
  parts_.feeds->slot(errand.feed, [this, trip](std::shared_ptr<const commands::CommandFeed> port) {
    if (!port) {
      return back(trip, answered(sdk::AttemptState::Failed, "not_sent",
                                 "feed " + trip->errand.feed + " does not run here"));
    }
    trip->port = std::move(port);
    boost::asio::co_spawn(parts_.executor, go(trip), [](std::exception_ptr defect) {
      if (defect) std::rethrow_exception(defect);
    });
  });
}

sdk::Awaitable<void> FeedCarrier::go(std::shared_ptr<Trip> trip) {
  sdk::Attempt attempt;
  attempt.transaction = trip->errand.transaction;
  attempt.kind = trip->errand.kind;
  attempt.meters = {trip->errand.vendor_id};
  attempt.expires_at = parts_.clock.now() + trip->port->limits.expiry;
  attempt.before_send = [this, trip]() -> sdk::Awaitable<Outcome> {
    if (trip->granted) co_return permanent("this attempt was let send before: nothing is sent twice");
    Outcome outcome = transient("not asked yet");
    const std::function<void()> ask = [&] { outcome = trip->before_send(); };
    co_await parts_.pool.run(ask);
    if (outcome.ok()) {
      trip->granted = true;
      hold(*trip);
    }
    co_return outcome;
  };
  std::vector<sdk::AttemptAnswer> answers;
  std::string defect;
  try {
    auto asked = trip->port->attempt(std::move(attempt));
    answers = co_await std::move(asked);
    if (answers.size() != 1)
      defect = "the adapter answered for " + std::to_string(answers.size()) + " meters instead of one";
  } catch (const std::exception& error) {
    defect = error.what();
  }
  if (!defect.empty()) {
    parts_.log.write(messages::kSwitchAdapterDefect, {{"feed", trip->errand.feed},
                                                      {"transaction", trip->errand.transaction},
                                                      {"error", defect}});
    answers = {trip->granted ? answered(sdk::AttemptState::Unknown, "adapter_defect", defect)
                             : answered(sdk::AttemptState::Failed, "not_sent", defect)};
  }
  const bool comes_later = answers.front().state == sdk::AttemptState::Waiting ||
                           answers.front().state == sdk::AttemptState::Unknown;
  if (!trip->granted) {
    answers.front() = before_it_left(std::move(answers.front()));
    parts_.feeds->free_slot(trip->errand.feed);
  } else if (!comes_later) {
    heard(trip->errand.transaction);
  }
  back(trip, std::move(answers.front()));
}

// Before the first byte leaves, for its answer may come before the attempt is back.
void FeedCarrier::hold(const Trip& trip) {
  const std::lock_guard lock(mutex_);
  held_[trip.errand.transaction] = {trip.errand.feed, parts_.clock.now() + trip.errand.flight};
}

void FeedCarrier::back(const std::shared_ptr<Trip>& trip, sdk::AttemptAnswer answer) {
  parts_.pool.post([this, trip, answer = std::move(answer)] {
    trip->done(answer);
    --under_way_;
  });
}

void FeedCarrier::heard(const std::string& transaction) {
  std::string feed;
  {
    const std::lock_guard lock(mutex_);
    const auto found = held_.find(transaction);
    if (found == held_.end()) return;
    feed = found->second.feed;
    held_.erase(found);
  }
  parts_.feeds->free_slot(feed);
}

void FeedCarrier::tick() {
  const UtcInstant now = parts_.clock.now();
  std::vector<std::string> over;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [transaction, held] : held_) {
      if (held.until <= now) over.push_back(transaction);
    }
  }
  for (const std::string& transaction : over) heard(transaction);
}

}  // namespace ami::daemon::switching
