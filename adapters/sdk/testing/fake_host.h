// Everything that the host hands to an adapter, in memory, on a virtual clock, in one thread: an adapter is
// tested alone, without waiting and without a database.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/sdk/adapter.h"
#include "adapters/sdk/registration.h"

namespace ami::sdk::testing {

// Stands still until it is advanced. Waits fire in the order in which they are due, each at its own time.
class VirtualClock : public Clock {
 public:
  VirtualClock(asio::io_context& io, UtcInstant start);
  ~VirtualClock() override;
  UtcInstant now() override { return now_; }
  Awaitable<bool> wait(std::chrono::milliseconds span) override;

  // Moves on to the next due wait at or before `limit`, or to `limit`. False: nothing was due any more.
  bool step(UtcInstant limit);
  [[nodiscard]] std::size_t waiting() const;

 private:
  struct Waiter;
  asio::io_context& io_;
  UtcInstant now_;
  std::uint64_t order_ = 0;
  std::map<std::pair<UtcInstant, std::uint64_t>, std::shared_ptr<Waiter>> waiters_;
};

struct CommittedBatch {
  SourceSpan source;
  DecodedBatch batch;
  std::vector<StateChange> state;
};

// Records what was committed. State changes and batch appear together or not at all.
class FakeStore : public ObservationSink, public DurableState {
 public:
  explicit FakeStore(asio::io_context& io);
  ~FakeStore() override;

  Awaitable<Result<CommitReceipt>> commit(SourceSpan source, DecodedBatch batch,
                                          std::vector<StateChange> state) override;
  Awaitable<Result<std::optional<std::string>>> load(std::string key) override;
  Awaitable<Outcome> save(std::vector<StateChange> changes) override;

  // After `count` more good commits, each further one fails with `error` until accept().
  void fail_after(std::size_t count, Error error);
  void fail_loads(Error error) { load_error_ = std::move(error); }
  void accept();
  // Commits wait until release(), or until they are cancelled (then: Transient, nothing stored).
  void hold();
  void release();
  [[nodiscard]] std::size_t held() const noexcept { return held_; }
  [[nodiscard]] std::size_t most_at_once() const noexcept { return most_at_once_; }
  [[nodiscard]] std::size_t attempts() const noexcept { return attempts_; }

  std::vector<CommittedBatch> committed;
  std::map<std::string, std::string> state;

 private:
  void apply(const std::vector<StateChange>& changes);
  struct Gate;
  std::shared_ptr<Gate> gate_;
  bool holding_ = false;
  std::optional<std::size_t> good_left_;
  std::optional<Error> error_, load_error_;
  std::size_t held_ = 0, at_once_ = 0, most_at_once_ = 0, attempts_ = 0;
};

// The journal in memory; FakeHost::drain() is the host's part of it.
class FakeJournal : public Journal {
 public:
  struct Entry {
    std::string key, message;
  };
  Awaitable<Result<std::uint64_t>> append(std::string key, std::string message) override;
  // Each further append fails with `error` until accept().
  void fail(Error error) { error_ = std::move(error); }
  void accept() { error_.reset(); }
  // From now on nothing is answered until release(): the disk is slow.
  void hold() { holding_ = true; }
  void release();

  std::map<std::uint64_t, Entry> entries;  // by id
  std::size_t max_messages = 1'000'000;

  explicit FakeJournal(asio::io_context& io);
  ~FakeJournal() override;

 private:
  struct Gate;
  std::shared_ptr<Gate> gate_;
  std::optional<Error> error_;
  std::uint64_t next_ = 1;
  bool holding_ = false;
};

class FakeDirectory : public MeterDirectory {
 public:
  void add(AliasKind kind, std::string id, ResolvedMeter meter) {
    meters_[{kind, std::move(id)}] = std::move(meter);
  }
  [[nodiscard]] std::optional<ResolvedMeter> find(AliasKind kind, std::string_view id,
                                                  UtcInstant at) const override;

 private:
  std::map<std::pair<AliasKind, std::string>, ResolvedMeter> meters_;
};

class InlineOffload : public Offload {
 public:
  Awaitable<void> run(std::function<void()> work) override;
};

class RecordingLog : public Log {
 public:
  struct Entry {
    LogLevel level;
    std::string id, text;
  };
  void write(LogLevel level, std::string_view message_id, std::string text) override;
  [[nodiscard]] std::size_t count(std::string_view message_id) const;
  std::vector<Entry> entries;
};

class FakeHost {
 public:
  FakeHost();
  ~FakeHost();

  Services services();
  // Runs all that can run now: handlers, and events that the system has ready (files closed, say).
  void run_until_idle();
  // Lets virtual time pass; everything that comes due runs at its time.
  void advance(std::chrono::milliseconds span);
  // Runs a coroutine until it is complete; throws std::logic_error when it waits for something that does not
  // come.
  void run(Awaitable<void> work);
  Outcome start(Adapter& adapter);
  void stop(Adapter& adapter);
  // Decodes, stores and forgets what is in the journal, in order; ends at the first commit that fails, which stays
  // there.
  Outcome drain(const AdapterFamily& family, const Settings& settings);

  asio::io_context io;
  VirtualClock clock;
  FakeStore store;
  FakeDirectory meters;
  FakeJournal journal;
  InlineOffload offload;
  RecordingLog log;
};

}  // namespace ami::sdk::testing
