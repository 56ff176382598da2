// What a feed that is pushed to has of the journal: its adapter puts messages in, and what lies there, from
// before a restart too, is decoded, stored and forgotten, in order for each key.
#pragma once

#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "daemon/config/gateway_config.h"
#include "daemon/host/bell.h"
#include "daemon/host/journal_link.h"
#include "daemon/log/log.h"
#include "daemon/pipeline/pipeline.h"
#include "daemon/pipeline/raw_keeper.h"

namespace ami::daemon {

// What an inbox uses; all of it outlives it.
struct InboxParts {
  boost::asio::any_io_executor strand;  // the feed's
  sdk::Clock& clock;
  WorkerPool& work;
  Pipeline& pipeline;
  JournalLink& journal;
  RawKeeper* raw;  // null: what arrives is not kept
  const Log& log;
};

// On the feed's strand, but for add_to().
class FeedInbox final : public sdk::Journal, public std::enable_shared_from_this<FeedInbox> {
 public:
  FeedInbox(InboxParts parts, std::shared_ptr<FeedRoute> route, const FeedConfig& config);

  // Opens the journal and begins to store what it holds; nothing more once that was good.
  sdk::Awaitable<Outcome> open();
  sdk::Awaitable<Result<std::uint64_t>> append(std::string key, std::string message) override;
  // After the route was told to stop: what waits, waits no longer.
  void wake();
  // Returns when nothing is under way any more. What is not stored stays in the journal.
  sdk::Awaitable<void> finish();
  // What was stored from the journal, added to what the adapter says. Any thread.
  void add_to(sdk::Health& health) const;

 private:
  struct Window;
  struct Decoded;

  sdk::Awaitable<void> drain();
  sdk::Awaitable<void> store(std::vector<storage::StoredMessage> messages);
  sdk::Awaitable<void> lane(std::shared_ptr<Window> window);
  sdk::Awaitable<void> store_bundle(std::vector<Decoded> bundle);
  // What the messages say, each received then.
  sdk::Awaitable<void> decode(std::span<Decoded> bundle);
  // When the fact that the message tells was received first; nullopt: the feed stops.
  sdk::Awaitable<std::optional<UtcInstant>> receipt_of(const storage::StoredMessage& message,
                                                       bool in_transaction);
  sdk::Awaitable<bool> keep_raw(std::span<const Decoded> bundle);
  sdk::Awaitable<void> refuse(const storage::StoredMessage& message, std::string error);
  sdk::Awaitable<void> trim();
  sdk::Awaitable<void> pause();

  InboxParts parts_;
  std::shared_ptr<FeedRoute> route_;
  const FeedConfig& config_;
  storage::Journal* journal_ = nullptr;
  Bell arrived_, ended_;
  bool draining_ = false;
  std::vector<std::uint64_t> done_;  // stored, and not trimmed yet
  // Receipts that facts of this window were dated by, by content: what is under way side by side does not yet
  // find each other in the store.
  std::map<std::string, std::vector<UtcInstant>> dated_;

  std::atomic<std::uint64_t> records_{0}, malformed_{0};
  mutable std::mutex mutex_;  // guards what follows
  std::optional<UtcInstant> last_success_;
};

}  // namespace ami::daemon
