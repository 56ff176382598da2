#include "daemon/host/feed_inbox.h"

#include <algorithm>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <cstring>
#include <map>

#include "daemon/host/first_receipt.h"
#include "daemon/log/messages.h"
#include "meter_model/failpoint.h"
#include "storage/journal/refused.h"

namespace ami::daemon {
namespace asio = boost::asio;
namespace {

// What is read from the journal at once and trimmed together.
constexpr std::size_t kMessagesAtOnce = 256;
constexpr std::uint64_t kBytesAtOnce = 16 << 20;
// One lane stores while the other one decodes. What a lane takes at once is kept, and stored, in one go.
constexpr std::size_t kLanes = 2;
constexpr std::size_t kMessagesOfBundle = 32;
constexpr std::uint64_t kBytesOfBundle = 2 << 20;

constexpr std::chrono::milliseconds kPause{1000};
constexpr std::chrono::milliseconds kSlice{100};  // so that a stop is noticed soon

void end_on_defect(std::exception_ptr defect) {
  if (defect) std::rethrow_exception(defect);
}

// Waits for an answer that comes on a thread of the journal. Not cancelled with the caller.
template <class Answer, class Begin>
sdk::Awaitable<Answer> answer_of(Begin begin) {
  co_return co_await asio::async_initiate<const asio::use_awaitable_t<>&, void(Answer)>(
      [](auto handler, Begin start) {
        auto home =
            asio::prefer(asio::get_associated_executor(handler), asio::execution::outstanding_work.tracked);
        auto kept = std::make_shared<decltype(handler)>(std::move(handler));
        start([kept, home](Answer answer) {
          asio::post(home,
                     [kept, answer = std::move(answer)]() mutable { std::move (*kept)(std::move(answer)); });
        });
      },
      asio::use_awaitable, std::move(begin));
}

}  // namespace

// Messages that were read together; each group is of one key, in order.
struct FeedInbox::Window {
  explicit Window(const asio::any_io_executor& strand) : ended(strand) {}
  std::vector<storage::StoredMessage> messages;
  std::vector<std::vector<const storage::StoredMessage*>> groups;
  std::size_t next = 0, lanes = 0;
  Bell ended;
};

// A message on its way into the store.
struct FeedInbox::Decoded {
  const storage::StoredMessage* message = nullptr;
  UtcInstant received_at{};
  DecodedBatch batch{};
  std::string defect{};  // not empty: its decoder failed, and says nothing
};

FeedInbox::FeedInbox(InboxParts parts, std::shared_ptr<FeedRoute> route, const FeedConfig& config)
    : parts_(std::move(parts)),
      route_(std::move(route)),
      config_(config),
      arrived_(parts_.strand),
      ended_(parts_.strand) {}

sdk::Awaitable<Outcome> FeedInbox::open() {
  if (journal_ != nullptr) co_return Done{};
  Result<storage::Journal*> opened = transient("not asked");
  const std::function<void()> ask = [&] { opened = parts_.journal.open(); };
  co_await parts_.work.run(ask);
  if (!opened) co_return opened.error();
  journal_ = *opened;
  draining_ = true;
  asio::co_spawn(
      parts_.strand, [self = shared_from_this()] { return self->drain(); }, end_on_defect);
  co_return Done{};
}

sdk::Awaitable<Result<std::uint64_t>> FeedInbox::append(std::string key, std::string message) {
  const auto begin = [journal = journal_, feed = config_.name, key = std::move(key),
                      message = std::move(message),
                      now = parts_.clock.now()](storage::Journal::Appended done) mutable {
    journal->append(std::move(feed), std::move(key), std::move(message), now, std::move(done));
  };
  auto id = co_await answer_of<Result<std::uint64_t>>(std::move(begin));
  if (id) arrived_.ring();
  co_return id;
}

void FeedInbox::wake() {
  arrived_.ring();
}

sdk::Awaitable<void> FeedInbox::finish() {
  while (draining_) co_await ended_.wait();
}

void FeedInbox::add_to(sdk::Health& health) const {
  health.records += records_;
  health.malformed += malformed_;
  const std::lock_guard lock(mutex_);
  if (last_success_)
    health.last_success = std::max(health.last_success.value_or(*last_success_), *last_success_);
}

sdk::Awaitable<void> FeedInbox::pause() {
  for (auto left = kPause; left.count() > 0 && !route_->stopping; left -= kSlice)
    co_await parts_.clock.wait(kSlice);
}

sdk::Awaitable<void> FeedInbox::drain() {
  std::uint64_t after = 0;
  while (!route_->stopping) {
    const auto ask = [journal = journal_, feed = config_.name, after](storage::Journal::Messages done) {
      journal->read(feed, after, kMessagesAtOnce, kBytesAtOnce, std::move(done));
    };
    auto messages = co_await answer_of<Result<std::vector<storage::StoredMessage>>>(ask);
    if (messages && !messages->empty()) {
      after = messages->back().id;
      co_await store(std::move(*messages));
    } else if (messages && done_.empty()) {
      co_await arrived_.wait();
    } else {
      co_await pause();
    }
    if (!done_.empty()) co_await trim();
  }
  draining_ = false;
  ended_.ring();
}

sdk::Awaitable<void> FeedInbox::store(std::vector<storage::StoredMessage> messages) {
  dated_.clear();
  const auto window = std::make_shared<Window>(parts_.strand);
  window->messages = std::move(messages);
  std::map<std::string_view, std::size_t> group_of;
  for (const auto& message : window->messages) {
    const auto [group, fresh] = group_of.emplace(message.key, window->groups.size());
    if (fresh) window->groups.emplace_back();
    window->groups[group->second].push_back(&message);
  }
  window->lanes = std::min(kLanes, window->groups.size());
  for (std::size_t i = window->lanes; i > 0; --i) {
    asio::co_spawn(
        parts_.strand, [self = shared_from_this(), window] { return self->lane(window); }, end_on_defect);
  }
  while (window->lanes > 0) co_await window->ended.wait();
}

sdk::Awaitable<void> FeedInbox::lane(std::shared_ptr<Window> window) {
  while (window->next < window->groups.size() && !route_->stopping) {
    std::vector<Decoded> bundle;
    std::uint64_t bytes = 0;
    // At least one group, however long it is: its order is not for two lanes.
    while (window->next < window->groups.size() && bundle.size() < kMessagesOfBundle && bytes < kBytesOfBundle) {
      for (const auto* message : window->groups[window->next++]) {
        bundle.push_back({message, message->received_at});
        bytes += message->body.size();
      }
    }
    co_await store_bundle(std::move(bundle));
  }
  if (--window->lanes == 0) window->ended.ring();
}

sdk::Awaitable<void> FeedInbox::decode(std::span<Decoded> bundle) {
  const std::function<void()> work = [&] {
    for (Decoded& one : bundle) {
      try {
        one.batch = config_.family->decode(config_.settings, one.message->body, one.received_at);
      } catch (const std::exception& error) {
        one.defect = std::string("defect while decoding: ") + error.what();
      }
    }
  };
  co_await parts_.work.run(work);
}

sdk::Awaitable<std::optional<UtcInstant>> FeedInbox::receipt_of(const storage::StoredMessage& message,
                                                                bool in_transaction) {
  while (!route_->stopping) {
    const std::string content = storage::hex_of(message.content);
    auto known = co_await parts_.pipeline.receipts(route_, content);
    if (known) {
      std::vector<UtcInstant>& here = dated_[content];
      known->insert(known->end(), here.begin(), here.end());
      std::ranges::sort(*known);
      here.push_back(first_receipt(*known, message.received_at, in_transaction, config_.repeat_window));
      co_return here.back();
    }
    route_->trouble(known.error().message);
    co_await pause();
    route_->trouble({});
  }
  co_return std::nullopt;
}

sdk::Awaitable<void> FeedInbox::store_bundle(std::vector<Decoded> bundle) {
  co_await decode(bundle);
  for (Decoded& one : bundle) {
    // Only then does it matter whether the same came before.
    if (!one.defect.empty() || !dated_by_receipt(one.batch)) continue;
    const auto first = co_await receipt_of(*one.message, in_transaction(one.batch));
    if (!first) co_return;
    if (*first == one.received_at) continue;
    one.received_at = *first;
    const std::span<Decoded> alone(&one, 1);
    co_await decode(alone);
  }
  for (const Decoded& one : bundle) {
    if (!one.defect.empty()) co_await refuse(*one.message, one.defect);
  }
  std::erase_if(bundle, [](const Decoded& one) { return !one.defect.empty(); });
  if (bundle.empty()) co_return;
  const bool kept = co_await keep_raw(bundle);
  if (!kept) co_return;
  std::vector<Pipeline::Arrived> arrived;
  std::vector<std::pair<std::size_t, std::size_t>> said;  // records, malformed ones
  for (Decoded& one : bundle) {
    sdk::SourceSpan source;
    source.name = "journal/" + std::to_string(one.message->id);
    source.content_sha256 = storage::hex_of(one.message->content);
    source.length = one.message->body.size();
    source.received_at = one.received_at;
    said.emplace_back(one.batch.observations.size(), one.batch.malformed.size());
    arrived.push_back({std::move(source), std::move(one.batch)});
  }
  auto storing = parts_.pipeline.commit_all(route_, std::move(arrived));
  const auto stored = co_await std::move(storing);
  for (std::size_t i = 0; i < bundle.size(); ++i) {
    if (stored[i]) {
      done_.push_back(bundle[i].message->id);
      records_ += said[i].first;
      malformed_ += said[i].second;
      const std::lock_guard lock(mutex_);
      last_success_ = parts_.clock.now();
    } else if (stored[i].error().fault == Fault::Permanent) {
      co_await refuse(*bundle[i].message, stored[i].error().message);
    }
  }
}

// False: the feed stops, and the messages wait for the next start.
sdk::Awaitable<bool> FeedInbox::keep_raw(std::span<const Decoded> bundle) {
  if (parts_.raw == nullptr) co_return true;
  while (!route_->stopping) {
    std::vector<storage::RawClaim> claims;
    std::vector<storage::ReadContent> reads;
    for (const Decoded& one : bundle) {
      const std::string& body = one.message->body;
      claims.push_back({route_->utility, config_.name, storage::hex_of(one.message->content),
                        "journal/" + std::to_string(one.message->id), body.size(), 0,
                        one.message->received_at});
      reads.push_back([&body](char* into, std::size_t size, std::uint64_t offset) -> Result<std::size_t> {
        const auto from = std::min<std::uint64_t>(offset, body.size());
        const auto count = std::min<std::size_t>(size, body.size() - from);
        std::memcpy(into, body.data() + from, count);
        return count;
      });
    }
    Outcome kept = transient("not tried");
    const std::function<void()> keep = [&] { kept = parts_.raw->keep(std::move(claims), std::move(reads)); };
    co_await parts_.work.run(keep);
    if (kept) co_return true;
    route_->trouble(kept.error().message);
    co_await pause();
    route_->trouble({});
  }
  co_return false;
}

sdk::Awaitable<void> FeedInbox::refuse(const storage::StoredMessage& message, std::string error) {
  Result<std::string> file = transient("not tried");
  const std::function<void()> keep = [&] { file = storage::keep_refused(parts_.journal.path(), message); };
  co_await parts_.work.run(keep);
  // What cannot be put beside the journal stays in it, and is tried again at the next start.
  parts_.log.write(messages::kMessageRefused,
                   {{"feed", config_.name},
                    {"source", "journal/" + std::to_string(message.id)},
                    {"kept", file ? *file : "in the journal: " + file.error().message},
                    {"error", std::move(error)}});
  if (file) done_.push_back(message.id);
}

sdk::Awaitable<void> FeedInbox::trim() {
  failpoint("journal.before_trim");
  const auto ask = [journal = journal_, feed = config_.name, ids = done_](storage::Journal::Trimmed done) {
    journal->trim(feed, ids, std::move(done));
  };
  const auto trimmed = co_await answer_of<Outcome>(ask);
  if (trimmed) done_.clear();
}

}  // namespace ami::daemon
