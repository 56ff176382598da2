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

// What is read from the journal at once, stored side by side as far as keys allow, and trimmed together.
constexpr std::size_t kMessagesAtOnce = 256;
constexpr std::uint64_t kBytesAtOnce = 4 << 20;
constexpr std::size_t kLanes = 8;

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
    for (const auto* message : window->groups[window->next++]) {
      if (route_->stopping) break;
      co_await store_one(*message);
    }
  }
  if (--window->lanes == 0) window->ended.ring();
}

sdk::Awaitable<DecodedBatch> FeedInbox::decode(const storage::StoredMessage& message, UtcInstant received_at,
                                               std::string& defect) {
  DecodedBatch batch;
  const std::function<void()> work = [&] {
    try {
      batch = config_.family->decode(config_.settings, message.body, received_at);
    } catch (const std::exception& error) {
      defect = std::string("defect while decoding: ") + error.what();
    }
  };
  co_await parts_.work.run(work);
  co_return batch;
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

sdk::Awaitable<void> FeedInbox::store_one(const storage::StoredMessage& message) {
  std::string defect;
  UtcInstant received_at = message.received_at;
  DecodedBatch batch = co_await decode(message, received_at, defect);
  // Only then does it matter whether the same came before.
  if (defect.empty() && dated_by_receipt(batch)) {
    const auto first = co_await receipt_of(message, in_transaction(batch));
    if (!first) co_return;
    if (*first != received_at) batch = co_await decode(message, received_at = *first, defect);
  }
  if (!defect.empty()) {
    co_await refuse(message, std::move(defect));
    co_return;
  }
  if (!co_await keep_raw(message)) co_return;
  const auto records = batch.observations.size();
  const auto malformed = batch.malformed.size();
  sdk::SourceSpan source;
  source.name = "journal/" + std::to_string(message.id);
  source.content_sha256 = storage::hex_of(message.content);
  source.length = message.body.size();
  source.received_at = received_at;
  const auto stored = co_await parts_.pipeline.commit(route_, std::move(source), std::move(batch), {});
  if (!stored && stored.error().fault == Fault::Permanent) {
    co_await refuse(message, stored.error().message);
  } else if (stored) {
    done_.push_back(message.id);
    records_ += records;
    malformed_ += malformed;
    const std::lock_guard lock(mutex_);
    last_success_ = parts_.clock.now();
  }
}

// False: the feed stops, and the message waits for the next start.
sdk::Awaitable<bool> FeedInbox::keep_raw(const storage::StoredMessage& message) {
  if (parts_.raw == nullptr) co_return true;
  while (!route_->stopping) {
    sdk::RawContent content;
    content.name = "journal/" + std::to_string(message.id);
    content.sha256 = storage::hex_of(message.content);
    content.size = message.body.size();
    content.received_at = message.received_at;
    content.read = [&body = message.body](char* into, std::size_t size,
                                          std::uint64_t offset) -> Result<std::size_t> {
      const auto from = std::min<std::uint64_t>(offset, body.size());
      const auto count = std::min<std::size_t>(size, body.size() - from);
      std::memcpy(into, body.data() + from, count);
      return count;
    };
    const auto kept = co_await parts_.raw->keep(std::move(content));
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
