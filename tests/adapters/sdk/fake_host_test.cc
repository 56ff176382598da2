#include "adapters/sdk/testing/fake_host.h"

#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

namespace ami::sdk::testing {
namespace {

using std::chrono::milliseconds;

Awaitable<void> wait_and_note(FakeHost& host, milliseconds span, std::vector<std::string>& notes) {
  const UtcInstant start = host.clock.now();
  const bool fired = co_await host.clock.wait(span);
  const auto passed = std::chrono::duration_cast<milliseconds>(host.clock.now() - start);
  notes.push_back((fired ? "fired " : "cancelled ") + std::to_string(passed.count()));
}

TEST(VirtualClock, WaitsFireInTheOrderInWhichTheyAreDueEachAtItsTime) {
  FakeHost host;
  std::vector<std::string> notes;
  asio::co_spawn(host.io, wait_and_note(host, milliseconds(300), notes), asio::detached);
  asio::co_spawn(host.io, wait_and_note(host, milliseconds(100), notes), asio::detached);
  host.advance(milliseconds(99));
  EXPECT_TRUE(notes.empty());
  host.advance(milliseconds(500));
  EXPECT_EQ(notes, (std::vector<std::string>{"fired 100", "fired 300"}));
  EXPECT_EQ(host.clock.waiting(), 0U);
}

TEST(VirtualClock, ACancelledWaitReturnsFalseAtOnce) {
  FakeHost host;
  std::vector<std::string> notes;
  asio::cancellation_signal signal;
  asio::co_spawn(host.io, wait_and_note(host, milliseconds(100), notes),
                 asio::bind_cancellation_slot(signal.slot(), asio::detached));
  host.run_until_idle();
  signal.emit(asio::cancellation_type::terminal);
  host.run_until_idle();
  EXPECT_EQ(notes, (std::vector<std::string>{"cancelled 0"}));
}

Awaitable<void> commit_one(FakeHost& host, std::string key, std::vector<std::string>& notes) {
  SourceSpan source{"a file", std::string(64, '0'), 0, 1, host.clock.now()};
  std::vector<StateChange> changes;
  changes.push_back({std::move(key), "1"});
  const Result<CommitReceipt> receipt =
      co_await host.store.commit(std::move(source), DecodedBatch(), std::move(changes));
  notes.push_back(receipt ? "stored" : receipt.error().message);
}

TEST(FakeStore, ARefusedCommitChangesNoState) {
  FakeHost host;
  std::vector<std::string> notes;
  host.store.fail_after(1, permanent("no"));
  host.run(commit_one(host, "a", notes));
  host.run(commit_one(host, "b", notes));
  EXPECT_EQ(notes, (std::vector<std::string>{"stored", "no"}));
  EXPECT_EQ(host.store.state, (std::map<std::string, std::string>{{"a", "1"}}));
  EXPECT_EQ(host.store.committed.size(), 1U);
}

TEST(FakeStore, AHeldCommitIsStoredWhenReleased) {
  FakeHost host;
  std::vector<std::string> notes;
  host.store.hold();
  EXPECT_THROW(host.run(commit_one(host, "a", notes)), std::logic_error);
  EXPECT_EQ(host.store.held(), 1U);
  EXPECT_TRUE(host.store.state.empty());
  host.store.release();
  host.run_until_idle();
  EXPECT_EQ(notes, (std::vector<std::string>{"stored"}));
}

Awaitable<void> append_one(FakeHost& host, std::string key, std::string message,
                           std::optional<Result<std::uint64_t>>& answer) {
  answer = co_await host.journal.append(std::move(key), std::move(message));
}

Result<std::uint64_t> append(FakeHost& host, const std::string& key, const std::string& message) {
  std::optional<Result<std::uint64_t>> answer;
  host.run(append_one(host, key, message, answer));
  return *answer;
}

TEST(FakeJournal, KeepsTheContractOfTheRealOne) {
  FakeHost host;
  const auto first = append(host, "a", "one");
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(*append(host, "a", "one"), *first) << "still there: one entry";
  EXPECT_GT(*append(host, "b", "one"), *first) << "another key: another message";
  host.journal.max_messages = 2;
  const auto full = append(host, "a", "two");
  ASSERT_FALSE(full.ok());
  EXPECT_EQ(full.error().fault, Fault::Transient);
  host.journal.max_messages = 3;
  host.journal.fail(transient("disk full"));
  EXPECT_FALSE(append(host, "a", "two").ok());
  EXPECT_EQ(host.journal.entries.size(), 2U) << "what was refused is not kept";
  host.journal.accept();
  EXPECT_TRUE(append(host, "a", "two").ok());
}

TEST(FakeJournal, AnswersNothingWhileTheDiskIsSlow) {
  FakeHost host;
  host.journal.hold();
  std::optional<Result<std::uint64_t>> answer;
  EXPECT_THROW(host.run(append_one(host, "a", "one", answer)), std::logic_error);
  EXPECT_FALSE(answer);
  host.journal.release();
  host.run_until_idle();
  ASSERT_TRUE(answer);
  EXPECT_TRUE(answer->ok());
}

// Decodes nothing but counts what it was given.
class CountingFamily final : public AdapterFamily {
 public:
  const AdapterInfo& info() const noexcept override { return info_; }
  const SettingsSchema& schema() const noexcept override { return schema_; }
  Result<FeedPlan> plan(const Settings&, const std::string&) const override { return FeedPlan{}; }
  std::unique_ptr<Adapter> make(const Settings&, Services) const override { return nullptr; }
  DecodedBatch decode(const Settings&, std::string_view raw, UtcInstant) const override {
    given.emplace_back(raw);
    return {};
  }
  mutable std::vector<std::string> given;

 private:
  AdapterInfo info_;
  SettingsSchema schema_;
};

TEST(FakeJournal, IsDrainedInOrderAndKeepsWhatCouldNotBeStored) {
  FakeHost host;
  for (const char* message : {"one", "two", "three"}) ASSERT_TRUE(append(host, "a", message).ok());
  const CountingFamily family;
  host.store.fail_after(1, transient("database is away"));
  EXPECT_FALSE(host.drain(family, Settings()).ok());
  EXPECT_EQ(host.journal.entries.size(), 2U);
  host.store.accept();
  EXPECT_TRUE(host.drain(family, Settings()).ok());
  EXPECT_TRUE(host.journal.entries.empty());
  EXPECT_EQ(family.given, (std::vector<std::string>{"one", "two", "two", "three"}));
  ASSERT_EQ(host.store.committed.size(), 3U);
  EXPECT_EQ(host.store.committed[0].source.name, "journal/1");
}

TEST(Names, OfHealthStatesAreStable) {
  EXPECT_EQ(name_of(HealthState::Starting), "STARTING");
  EXPECT_EQ(name_of(HealthState::Degraded), "DEGRADED");
  EXPECT_EQ(name_of(HealthState::Stopped), "STOPPED");
}

}  // namespace
}  // namespace ami::sdk::testing
