#include "adapters/sdk/testing/fake_host.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <stdexcept>

namespace ami::sdk::testing {
namespace {

constexpr UtcInstant kStart{std::chrono::sys_days{std::chrono::year{2026} / 1 / 15}};

// Never expires: it is only cancelled, to wake who waits.
asio::steady_timer never(asio::io_context& io) {
  return asio::steady_timer(io, asio::steady_timer::time_point::max());
}

}  // namespace

struct VirtualClock::Waiter {
  asio::steady_timer timer;
  bool fired = false;
};

VirtualClock::VirtualClock(asio::io_context& io, UtcInstant start) : io_(io), now_(start) {}
VirtualClock::~VirtualClock() = default;

Awaitable<bool> VirtualClock::wait(std::chrono::milliseconds span) {
  const std::pair key(now_ + span, order_++);
  const std::shared_ptr<Waiter> waiter(new Waiter{never(io_)});
  waiters_.emplace(key, waiter);
  co_await waiter->timer.async_wait(asio::as_tuple(asio::use_awaitable));
  waiters_.erase(key);
  co_return waiter->fired;
}

bool VirtualClock::step(UtcInstant limit) {
  const auto due =
      std::find_if(waiters_.begin(), waiters_.end(), [](const auto& w) { return !w.second->fired; });
  if (due == waiters_.end() || due->first.first > limit) {
    now_ = limit;
    return false;
  }
  now_ = std::max(now_, due->first.first);
  due->second->fired = true;
  due->second->timer.cancel();
  return true;
}

std::size_t VirtualClock::waiting() const {
  return waiters_.size();
}

struct FakeStore::Gate {
  asio::steady_timer timer;
};

FakeStore::FakeStore(asio::io_context& io) : gate_(new Gate{never(io)}) {}
FakeStore::~FakeStore() = default;

Awaitable<Result<CommitReceipt>> FakeStore::commit(SourceSpan source, DecodedBatch batch,
                                                   std::vector<StateChange> changes) {
  ++attempts_;
  most_at_once_ = std::max(most_at_once_, ++at_once_);
  if (holding_) {
    ++held_;
    co_await gate_->timer.async_wait(asio::as_tuple(asio::use_awaitable));
    --held_;
  }
  --at_once_;
  if (holding_) co_return transient("the host is stopping");
  if (good_left_) {
    if (*good_left_ == 0) co_return *error_;
    --*good_left_;
  }
  CommitReceipt receipt;
  for (const Observation& observation : batch.observations) {
    if (const auto* series = std::get_if<SeriesObservation>(&observation)) {
      auto& count = series->kind == SeriesKind::Register ? receipt.registers : receipt.interval_values;
      count += series->values.size();
    } else {
      ++receipt.events;
    }
  }
  receipt.quarantined = batch.malformed.size();
  apply(changes);
  committed.push_back({std::move(source), std::move(batch), std::move(changes)});
  co_return receipt;
}

void FakeStore::apply(const std::vector<StateChange>& changes) {
  for (const StateChange& change : changes) {
    if (change.value) {
      state[change.key] = *change.value;
    } else {
      state.erase(change.key);
    }
  }
}

Awaitable<Result<std::optional<std::string>>> FakeStore::load(std::string key) {
  if (load_error_) co_return *load_error_;
  const auto found = state.find(key);
  co_return found == state.end() ? std::optional<std::string>() : std::optional<std::string>(found->second);
}

Awaitable<Outcome> FakeStore::save(std::vector<StateChange> changes) {
  apply(changes);
  co_return Done{};
}

void FakeStore::fail_after(std::size_t count, Error error) {
  good_left_ = count;
  error_ = std::move(error);
}

void FakeStore::accept() {
  good_left_.reset();
  error_.reset();
  load_error_.reset();
}

void FakeStore::hold() {
  holding_ = true;
}

void FakeStore::release() {
  holding_ = false;
  gate_->timer.cancel();
}

struct FakeJournal::Gate {
  asio::steady_timer timer;
};

FakeJournal::FakeJournal(asio::io_context& io) : gate_(new Gate{never(io)}) {}
FakeJournal::~FakeJournal() = default;

void FakeJournal::release() {
  holding_ = false;
  gate_->timer.cancel();
}

Awaitable<Result<std::uint64_t>> FakeJournal::append(std::string key, std::string message) {
  co_await asio::this_coro::throw_if_cancelled(false);
  while (holding_) co_await gate_->timer.async_wait(asio::as_tuple(asio::use_awaitable));
  if (error_) co_return *error_;
  const auto same = std::find_if(entries.begin(), entries.end(), [&](const auto& entry) {
    return entry.second.key == key && entry.second.message == message;
  });
  if (same != entries.end()) co_return same->first;
  if (entries.size() >= max_messages) co_return transient("inbox full");
  entries.emplace(next_, Entry{std::move(key), std::move(message)});
  co_return next_++;
}

std::optional<ResolvedMeter> FakeDirectory::find(AliasKind kind, std::string_view id, UtcInstant at) const {
  const auto found = meters_.find({kind, std::string(id)});
  if (found == meters_.end() || at < found->second.from || at >= found->second.to) return std::nullopt;
  return found->second;
}

Awaitable<void> InlineOffload::run(std::function<void()> work) {
  work();
  co_return;
}

void RecordingLog::write(LogLevel level, std::string_view message_id, std::string text) {
  entries.push_back({level, std::string(message_id), std::move(text)});
}

std::size_t RecordingLog::count(std::string_view message_id) const {
  return static_cast<std::size_t>(
      std::count_if(entries.begin(), entries.end(), [&](const Entry& e) { return e.id == message_id; }));
}

FakeHost::FakeHost() : clock(io, kStart), store(io), journal(io) {}

// Coroutines that were left waiting are destroyed before what they refer to.
FakeHost::~FakeHost() = default;

Services FakeHost::services() {
  return {io.get_executor(), clock, store, store, meters, offload, log, &journal};
}

void FakeHost::run_until_idle() {
  io.restart();
  while (io.poll() > 0) io.restart();
}

void FakeHost::advance(std::chrono::milliseconds span) {
  run_until_idle();
  const UtcInstant limit = clock.now() + span;
  while (clock.step(limit)) run_until_idle();
  run_until_idle();
}

void FakeHost::run(Awaitable<void> work) {
  struct Ending {
    bool complete = false;
    std::exception_ptr error;
  };
  const auto ending = std::make_shared<Ending>();  // the coroutine may outlast this call
  asio::co_spawn(io, std::move(work), [ending](std::exception_ptr thrown) { *ending = {true, thrown}; });
  run_until_idle();
  if (ending->error) std::rethrow_exception(ending->error);
  if (!ending->complete) throw std::logic_error("the coroutine waits for something that does not come");
}

Outcome FakeHost::start(Adapter& adapter) {
  std::optional<Outcome> outcome;
  auto work = [](Adapter& started, std::optional<Outcome>& into) -> Awaitable<void> {
    into.emplace(co_await started.start());
  };
  run(work(adapter, outcome));
  return *outcome;
}

void FakeHost::stop(Adapter& adapter) {
  run(adapter.stop());
}

Outcome FakeHost::drain(const AdapterFamily& family, const Settings& settings) {
  Outcome outcome = Done{};
  auto work = [](FakeHost& host, const AdapterFamily& of, const Settings& with, Outcome& into) -> Awaitable<void> {
    while (into.ok() && !host.journal.entries.empty()) {
      const auto [id, entry] = *host.journal.entries.begin();
      SourceSpan source;
      source.name = "journal/" + std::to_string(id);
      source.length = entry.message.size();
      source.received_at = host.clock.now();
      const auto stored =
          co_await host.store.commit(std::move(source), of.decode(with, entry.message, host.clock.now()), std::vector<StateChange>());
      if (stored) {
        host.journal.entries.erase(id);
      } else {
        into = stored.error();
      }
    }
  };
  run(work(*this, family, settings, outcome));
  return outcome;
}

}  // namespace ami::sdk::testing
