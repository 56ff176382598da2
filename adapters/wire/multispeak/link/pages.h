// Readings that come in pages: each is kept, then stored together with the place to go on from, so that a
// crash in between repeats a page and changes nothing.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "adapters/sdk/adapter.h"
#include "adapters/wire/multispeak/link/head_end.h"

namespace ami::multispeak {

// What was stored since the start. Any thread.
struct Tally {
  std::atomic<std::uint64_t> records{0}, malformed{0}, pages{0};
};

// Where the next page begins; nullopt = that was the last one.
using Position = std::function<std::vector<sdk::StateChange>(const std::optional<std::string>& next)>;

struct PagesEnd {
  PagesEnd() = default;

  bool complete = false;
  bool endless = false;  // the head-end leads in a circle, or does not say how to go on
  std::string problem;   // why not complete
  std::uint64_t pages = 0;
  bool expired = false;   // the time was over before the last page
  bool unstored = false;  // what came cannot be kept or stored now: no matter of the head-end
  // The first page was not had: how that ended. Else the problem is in a page, or behind a stored one.
  std::optional<Heard> first;
};

// Puts the request until the head-end has no more, beginning at request.last_received. Pages that would come
// twice are an end with a problem. So is one with rejections, or with failed reads and nothing else: its
// readings are stored, but not that it was had. `before_send` goes with the first; none is asked for from
// `expires_at` on.
sdk::Awaitable<PagesEnd> fetch_pages(HeadEnd& head_end, sdk::Services services, Tally& tally, Request request,
                                     Position position, std::function<sdk::Awaitable<Outcome>()> before_send,
                                     std::optional<UtcInstant> expires_at = {});

// Keeps and stores the readings of one answer. `name` is for people. Transient: the host is stopping, or what
// came cannot be kept now; nothing was stored.
sdk::Awaitable<Outcome> store_heard(sdk::Services services, Tally& tally, Heard heard, std::string name,
                                    std::vector<sdk::StateChange> state);

}  // namespace ami::multispeak
