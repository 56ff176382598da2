// Places of a feed for attempts that are not this engine's.
#include <boost/asio/post.hpp>

#include "daemon/commands/engine_state.h"

namespace ami::daemon::commands {

bool Engine::serve_slots(FeedState& feed) {
  while (!feed.slots.empty()) {
    const bool runs = feed.port != nullptr && !stopping_;
    if (runs && !feed.queue.borrow(parts_.clock.now())) return false;
    const OnSlot granted = std::move(feed.slots.front());
    feed.slots.pop_front();
    granted(runs ? feed.port : nullptr);
  }
  return true;
}

void Engine::slot(std::string feed, OnSlot granted) {
  boost::asio::post(strand_, [self = shared_from_this(), feed = std::move(feed), granted = std::move(granted)] {
    FeedState& state = self->feed_state(feed);
    state.slots.push_back(granted);
    self->serve_slots(state);
  });
}

void Engine::free_slot(std::string feed) {
  boost::asio::post(strand_, [self = shared_from_this(), feed = std::move(feed)] {
    FeedState& state = self->feed_state(feed);
    state.queue.give_back();
    self->pump(state);
  });
}

}  // namespace ami::daemon::commands
