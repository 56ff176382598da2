// The way of a pushed message: into the journal, acknowledged, decoded, stored, forgotten.
#include "daemon/host/feed_inbox.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "daemon/host/host.h"
#include "tests/daemon/pipeline/sample_feed.h"
#include "tests/daemon/support/fake_family.h"
#include "tests/daemon/support/fake_store.h"
#include "tests/daemon/support/temp_folder.h"

namespace ami::daemon {
namespace {
namespace asio = boost::asio;
using ::testing::ElementsAre;
using testing::FakeFamily;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Much longer than what the virtual clock goes on while a test turns.
constexpr std::chrono::hours kRepeatWindow{1000};

// A gateway's inner parts in one run; the folder and the store live through several.
class OneRun {
 public:
  OneRun(const std::string& folder, testing::FakeStore& store, std::vector<std::string>& lines,
         FakeFamily& family, storage::JournalConfig limits = {})
      : store_(store),
        log_([&lines](Level, const std::string& line) { lines.push_back(line); }),
        journal_(with_path(std::move(limits), folder), log_) {
    family.script->on_make = [this](sdk::Services& services) { adapters_ = services.journal; };
    family.script->on_decode = testing::decode_sample;
    FeedConfig config;
    config.name = "pushed";
    config.utility = "hydro";
    config.family = &family;
    config.fingerprint = "1";
    config.plan.rules = testing::sample_rules();
    config.repeat_window = kRepeatWindow;
    configs_.push_back(std::move(config));
  }
  ~OneRun() {
    bool quiet = false;
    asio::co_spawn(
        io_, [this]() -> sdk::Awaitable<void> { co_await host_.stop(); },
        [&](std::exception_ptr) { quiet = true; });
    EXPECT_TRUE(turn_until([&] { return quiet; }));
  }

  void start() { host_.apply(configs_, {{"hydro", 1}}); }
  void start_without_feeds() { host_.apply({}, {{"hydro", 1}}); }
  bool running() {
    return turn_until([&] { return host_.status()[0].phase == FeedPhase::Running; });
  }

  template <class Condition>
  bool turn_until(Condition condition) {
    // Waits for the disk while its clock stands: bounded by time, since turns cost next to none.
    const auto patience = std::chrono::steady_clock::now() + std::chrono::minutes{2};
    while (!condition() && std::chrono::steady_clock::now() < patience) {
      io_.restart();
      io_.run_one();
    }
    return condition();
  }

  // As an adapter does: what comes back is what it may tell the sender.
  Result<std::uint64_t> push(const std::string& key, const std::string& message) {
    std::optional<Result<std::uint64_t>> answer;
    asio::co_spawn(
        io_,
        [this, &answer, key, message]() -> sdk::Awaitable<void> {
          answer = co_await adapters_->append(key, message);
        },
        [](std::exception_ptr defect) { EXPECT_FALSE(defect); });
    EXPECT_TRUE(turn_until([&] { return answer.has_value(); }));
    return *answer;
  }

  std::uint64_t kept() { return journal_.figures().messages; }
  bool empty() {
    return turn_until([&] { return kept() == 0; });
  }
  void pass(std::chrono::hours span) {
    bool passed = false;
    asio::co_spawn(
        io_, [&]() -> sdk::Awaitable<void> { co_await clock_.wait(span); },
        [&](std::exception_ptr) { passed = true; });
    EXPECT_TRUE(turn_until([&] { return passed; }));
  }
  JournalLink& journal() { return journal_; }
  Host& host() { return host_; }
  Metrics& metrics() { return metrics_; }
  testing::InstantClock& clock() { return clock_; }

 private:
  static storage::JournalConfig with_path(storage::JournalConfig limits, const std::string& folder) {
    limits.path = folder;
    return limits;
  }

  testing::FakeStore& store_;
  Log log_;
  asio::io_context io_;
  testing::InstantClock clock_;
  WorkerPool work_{1}, database_{1};
  DirectoryCache directory_{[] {
    return Result<storage::DirectorySnapshot>(storage::DirectorySnapshot{
        1, {testing::badge("A", 1), testing::badge("B", 2), testing::badge("C", 3)}});
  }};
  Metrics metrics_{"test"};
  Pipeline pipeline_{store_, directory_, database_, clock_, {}, log_};
  JournalLink journal_;
  std::vector<FeedConfig> configs_;
  sdk::Journal* adapters_ = nullptr;
  Host host_{HostParts{io_.get_executor(), clock_, work_, database_, store_, directory_, pipeline_, metrics_,
                       log_, nullptr, &journal_}};
};

std::string record(const std::string& meter, int value) {
  return meter + " " + std::to_string(value) + " 2026-01-14T00:" + std::to_string(10 + value % 50) + ":00Z";
}

class FeedInboxTest : public ::testing::Test {
 protected:
  FeedInboxTest() {
    store_.judge = [this](const storage::CommitUnit& unit) -> std::optional<Error> {
      received_ = unit.source.received_at.time_since_epoch().count();
      if (away_) return transient("database is away");
      return std::nullopt;
    };
  }

  std::unique_ptr<OneRun> run(storage::JournalConfig limits = {}) {
    auto made = std::make_unique<OneRun>(folder_.path("journal"), store_, lines_, family_, std::move(limits));
    made->start();
    EXPECT_TRUE(made->running());
    return made;
  }
  std::size_t logged(const std::string& id) const {
    return static_cast<std::size_t>(std::count_if(lines_.begin(), lines_.end(), [&](const std::string& line) {
      return line.find("id=" + id + " ") != std::string::npos || line.ends_with("id=" + id);
    }));
  }

  testing::TempFolder folder_;
  std::atomic<bool> away_{false};          // the database
  std::atomic<std::int64_t> received_{0};  // of the newest attempt
  testing::FakeStore store_;
  FakeFamily family_{"pushed", true};
  std::vector<std::string> lines_;
};

TEST_F(FeedInboxTest, WhatIsPushedIsAcknowledgedStoredAndForgotten) {
  const auto gateway = run();
  const auto id = gateway->push("A", record("A", 7));
  ASSERT_TRUE(id.ok()) << id.error().message;
  EXPECT_TRUE(gateway->empty());
  ASSERT_EQ(store_.stored.size(), 1U);
  const auto& unit = store_.stored[0];
  EXPECT_EQ(unit.utility, 1);
  EXPECT_EQ(unit.source.feed, "pushed");
  EXPECT_EQ(unit.source.name, "journal/" + std::to_string(*id));
  EXPECT_EQ(unit.source.offset, 0U);
  EXPECT_EQ(unit.source.length, 24U);
  // printf 'A 7 2026-01-14T00:17:00Z' | sha256sum
  EXPECT_EQ(unit.source.content_sha256, "0f2e117dbe6e9af6f127f785e4e5ea9ef861da377a6e854820417a8ef05691f6");
  ASSERT_EQ(unit.batch.registers.size(), 1U);
  const auto health = gateway->host().status()[0].health;
  EXPECT_EQ(health.records, 1U);
  EXPECT_TRUE(health.last_success);
}

TEST_F(FeedInboxTest, AnAcknowledgementDoesNotWaitForTheDatabase) {
  away_ = true;
  const auto gateway = run();
  for (int n = 0; n < 20; ++n) ASSERT_TRUE(gateway->push("A", record("A", n)).ok());
  EXPECT_EQ(gateway->kept(), 20U);
  EXPECT_TRUE(store_.stored.empty());
  away_ = false;
  EXPECT_TRUE(gateway->empty());
  EXPECT_EQ(store_.stored.size(), 20U);
}

TEST_F(FeedInboxTest, PushesBackAtTheBoundAndGoesOnByItselfWhenTheDatabaseIsBack) {
  away_ = true;
  storage::JournalConfig limits;
  limits.max_messages = 5;
  const auto gateway = run(limits);
  for (int n = 0; n < 5; ++n) ASSERT_TRUE(gateway->push("A", record("A", n)).ok());
  const auto refused = gateway->push("A", record("A", 5));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().fault, Fault::Transient);
  EXPECT_THAT(refused.error().message, HasSubstr("inbox full"));
  EXPECT_EQ(logged("JOURNAL_FULL"), 1U);
  away_ = false;
  EXPECT_TRUE(gateway->empty());
  EXPECT_EQ(logged("JOURNAL_ROOM"), 1U);
  EXPECT_TRUE(gateway->push("A", record("A", 5)).ok());
  EXPECT_TRUE(gateway->empty());
  EXPECT_EQ(store_.stored.size(), 6U);
}

TEST_F(FeedInboxTest, WhatARunLeftIsStoredByTheNextOneUnderItsOwnIdAndTime) {
  std::uint64_t id = 0;
  std::int64_t received = 0;
  {
    away_ = true;
    const auto gateway = run();
    id = *gateway->push("A", record("A", 1));
    ASSERT_TRUE(gateway->turn_until([&] { return received_ != 0; }));
    received = received_;
  }
  away_ = false;
  EXPECT_TRUE(store_.stored.empty());
  const auto gateway = run();
  EXPECT_TRUE(gateway->empty());
  ASSERT_EQ(store_.stored.size(), 1U);
  EXPECT_EQ(store_.stored[0].source.name, "journal/" + std::to_string(id));
  EXPECT_EQ(store_.stored[0].source.received_at.time_since_epoch().count(), received);
}

TEST_F(FeedInboxTest, MessagesOfOneKeyAreStoredInOrderWhateverTheOthersDo) {
  away_ = true;
  const auto gateway = run();
  for (int n = 0; n < 300; ++n) {
    const std::string key(1, static_cast<char>('A' + n % 3));
    ASSERT_TRUE(gateway->push(key, key + " " + std::to_string(n) + " 2026-01-15T00:00:00Z").ok());
  }
  away_ = false;
  EXPECT_TRUE(gateway->empty());
  ASSERT_EQ(store_.stored.size(), 300U);
  std::map<MeterId, std::int64_t> last;
  for (const auto& unit : store_.stored) {
    const auto& read = unit.batch.registers.at(0);
    const auto meter = unit.batch.channels.at(read.channel).meter;
    EXPECT_LT(last[meter], read.value.mantissa + 1) << "of meter " << meter;
    last[meter] = read.value.mantissa + 1;
  }
}

TEST_F(FeedInboxTest, AMessageThatCannotBeReadIsQuarantinedAndAnEmptyOneIsForgotten) {
  const auto gateway = run();
  ASSERT_TRUE(gateway->push("A", "nonsense").ok());
  ASSERT_TRUE(gateway->push("A", "").ok());
  EXPECT_TRUE(gateway->empty());
  std::vector<std::string> reasons;
  for (const auto& unit : store_.stored) {
    for (const auto& item : unit.batch.quarantined) reasons.push_back(item.reason);
  }
  EXPECT_THAT(reasons, ElementsAre("too_few_fields", "too_few_fields"));
}

TEST_F(FeedInboxTest, AMessageThatCanNeverBeStoredIsKeptAsAFileAndHoldsUpNoOther) {
  const auto gateway = run();
  family_.script->on_decode = [](std::string_view raw) -> DecodedBatch {
    if (raw == "trap") throw std::out_of_range("a defect");
    return testing::decode_sample(raw);
  };
  const auto id = gateway->push("A", "trap");
  ASSERT_TRUE(id.ok()) << "the sender is not to blame";
  ASSERT_TRUE(gateway->push("A", record("A", 1)).ok());
  EXPECT_TRUE(gateway->empty());
  EXPECT_EQ(store_.stored.size(), 1U);
  EXPECT_EQ(logged("MESSAGE_REFUSED"), 1U);
  std::ifstream file(folder_.path("journal/refused/pushed-" + std::to_string(*id) + ".msg"));
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), "trap");
}

TEST_F(FeedInboxTest, WhatCannotBePutAsideStaysInTheJournal) {
  folder_.write("journal/refused", "a file where the folder should be");
  const auto gateway = run();
  family_.script->on_decode = [](std::string_view raw) -> DecodedBatch {
    if (raw == "trap") throw std::out_of_range("a defect");
    return testing::decode_sample(raw);
  };
  ASSERT_TRUE(gateway->push("A", "trap").ok());
  ASSERT_TRUE(gateway->push("A", record("A", 1)).ok());
  EXPECT_TRUE(gateway->turn_until([&] { return gateway->host().status()[0].health.records == 1; }));
  EXPECT_TRUE(gateway->turn_until([&] { return gateway->kept() == 1; }));
  EXPECT_EQ(logged("MESSAGE_REFUSED"), 1U);
}

TEST_F(FeedInboxTest, AJournalThatCannotBeOpenedFailsTheFeedUntilItCan) {
  folder_.write("journal", "a file where the folder should be");
  auto gateway = std::make_unique<OneRun>(folder_.path("journal"), store_, lines_, family_);
  gateway->start();
  ASSERT_TRUE(gateway->turn_until([&] { return gateway->host().status()[0].phase == FeedPhase::Failed; }));
  EXPECT_THAT(gateway->host().status()[0].error, HasSubstr("the journal cannot be opened"));
  std::filesystem::remove(folder_.path("journal"));
  EXPECT_TRUE(gateway->running());
  EXPECT_TRUE(gateway->push("A", record("A", 1)).ok());
  EXPECT_TRUE(gateway->empty());
}

TEST_F(FeedInboxTest, MessagesOfAFeedThatIsGoneStayAndAreReported) {
  {
    away_ = true;
    ASSERT_TRUE(run()->push("A", record("A", 1)).ok());
  }
  away_ = false;
  {
    OneRun gateway(folder_.path("journal"), store_, lines_, family_);
    EXPECT_TRUE(gateway.journal().left_behind());
    gateway.start_without_feeds();
    ASSERT_TRUE(gateway.journal().open().ok());
    EXPECT_EQ(logged("JOURNAL_UNCLAIMED"), 1U);
    EXPECT_EQ(gateway.kept(), 1U);
  }
  const auto gateway = run();
  EXPECT_TRUE(gateway->empty());
  EXPECT_EQ(store_.stored.size(), 1U);
}

// "METER STATE [TRANSACTION]": a switch notification that has no time of its own.
DecodedBatch decode_state(std::string_view raw, UtcInstant received_at) {
  DecodedBatch batch;
  const std::string_view text = batch.text(raw);
  const auto first = text.find(' '), second = text.find(' ', first + 1);
  EventObservation event;
  event.meter = text.substr(0, first);
  event.code = text.substr(first + 1, second == std::string_view::npos ? second : second - first - 1);
  event.raw = text;
  event.time = parse_stated_time(batch.text(to_text(received_at))).value();
  event.time_source = TimeSource::Receipt;
  batch.observations.emplace_back(event);
  if (second == std::string_view::npos) return batch;
  ResultObservation result;
  result.meter = event.meter;
  result.transaction = text.substr(second + 1);
  batch.results.push_back(result);
  return batch;
}

class ReceiptTimed : public FeedInboxTest {
 protected:
  ReceiptTimed() { family_.script->on_message = decode_state; }
  // Pushed, and stored.
  void deliver(OneRun& gateway, const std::string& message, const std::string& key = "A") {
    ASSERT_TRUE(gateway.push(key, message).ok());
    ASSERT_TRUE(gateway.empty());
  }
  // Distinct times of the stored events, and with how many units.
  std::map<UtcInstant, int> facts() const {
    std::map<UtcInstant, int> out;
    for (const auto& unit : store_.stored) {
      for (const auto& event : unit.batch.events) {
        EXPECT_EQ(event.at, unit.source.received_at);
        EXPECT_EQ(event.time_source, TimeSource::Receipt);
        ++out[event.at];
      }
    }
    return out;
  }
};

TEST_F(ReceiptTimed, AnAnswerToATransactionIsOneFactHoweverOftenAndWheneverItComes) {
  for (int restart = 0; restart < 2; ++restart) {
    const auto gateway = run();
    for (int n = 0; n < 5; ++n) {
      deliver(*gateway, "A Opened 1-1-abc");
      gateway->pass(std::chrono::hours{3000});
    }
  }
  ASSERT_EQ(store_.stored.size(), 10U);
  EXPECT_EQ(facts().size(), 1U);
}

TEST_F(ReceiptTimed, AnUnsolicitedOneIsANewFactAfterTheWindow) {
  const auto gateway = run();
  for (int n = 0; n < 3; ++n) deliver(*gateway, "A Opened");
  gateway->pass(kRepeatWindow * 2);
  for (int n = 0; n < 3; ++n) deliver(*gateway, "A Opened");
  const auto told = facts();
  ASSERT_EQ(told.size(), 2U);
  for (const auto& [when, times] : told) EXPECT_EQ(times, 3);
  EXPECT_GT(told.rbegin()->first - told.begin()->first, kRepeatWindow);
}

TEST_F(ReceiptTimed, OtherWordsAreAnotherFact) {
  const auto gateway = run();
  deliver(*gateway, "A Opened");
  deliver(*gateway, "A Closed");
  deliver(*gateway, "B Opened");
  EXPECT_EQ(store_.stored.size(), 3U);
  for (const auto& unit : store_.stored) EXPECT_EQ(unit.batch.events.size(), 1U);
}

TEST_F(ReceiptTimed, SideBySideTheyAreOneFactToo) {
  away_ = true;
  const auto gateway = run();
  // Of different keys, so that nothing puts them in order.
  for (int n = 0; n < 20; ++n) ASSERT_TRUE(gateway->push("key" + std::to_string(n), "A Opened").ok());
  away_ = false;
  ASSERT_TRUE(gateway->empty());
  EXPECT_EQ(store_.stored.size(), 20U);
  EXPECT_EQ(facts().size(), 1U);
}

TEST_F(ReceiptTimed, TheStoreIsAskedOnlyForWhatIsDatedByItsReceipt) {
  const auto gateway = run();
  family_.script->on_message = nullptr;
  deliver(*gateway, record("A", 1));
  EXPECT_EQ(store_.receipts_asked, 0);
  family_.script->on_message = decode_state;
  deliver(*gateway, "A Opened");
  EXPECT_EQ(store_.receipts_asked, 1);
}

TEST_F(ReceiptTimed, AStoreThatIsAwayIsWaitedForAndNothingIsLost) {
  std::atomic<int> refusals{5};
  store_.away = [&]() -> std::optional<Error> {
    if (refusals-- > 0) return transient("database is away");
    return std::nullopt;
  };
  const auto gateway = run();
  deliver(*gateway, "A Opened");
  EXPECT_EQ(store_.stored.size(), 1U);
  EXPECT_EQ(store_.receipts_asked, 6);
}

TEST_F(ReceiptTimed, AStopWhileTheStoreIsAwayLeavesTheMessageForTheNextRun) {
  std::atomic<bool> gone{true};
  store_.away = [&]() -> std::optional<Error> {
    if (gone) return transient("database is away");
    return std::nullopt;
  };
  {
    const auto gateway = run();
    ASSERT_TRUE(gateway->push("A", "A Opened").ok());
    ASSERT_TRUE(gateway->turn_until([&] { return store_.receipts_asked > 0; }));
  }
  EXPECT_TRUE(store_.stored.empty());
  gone = false;
  const auto gateway = run();
  EXPECT_TRUE(gateway->empty());
  EXPECT_EQ(facts().size(), 1U);
}

TEST_F(ReceiptTimed, ADecoderThatFailsAtTheSecondReadingIsADefectOfTheMessageAlone) {
  const auto gateway = run();
  deliver(*gateway, "A Opened 1-1-abc");
  gateway->pass(std::chrono::hours{2});
  std::atomic<int> reading{0};
  family_.script->on_message = [&](std::string_view raw, UtcInstant received_at) -> DecodedBatch {
    if (raw.starts_with("A") && ++reading % 2 == 0) throw std::out_of_range("a defect");
    return decode_state(raw, received_at);
  };
  deliver(*gateway, "A Opened 1-1-abc");
  deliver(*gateway, "B Opened");
  EXPECT_EQ(store_.stored.size(), 2U);
  EXPECT_EQ(logged("MESSAGE_REFUSED"), 1U);
}

TEST_F(FeedInboxTest, ItsDepthBytesAndAgeAreServed) {
  away_ = true;
  storage::JournalConfig limits;
  limits.max_messages = 2;
  const auto gateway = run(limits);
  gateway->metrics().journal([&] { return gateway->journal().figures(); }, 2, 1000);
  ASSERT_TRUE(gateway->push("A", record("A", 1)).ok());  // 24 bytes and a key of one
  ASSERT_TRUE(gateway->push("A", record("A", 1)).ok());
  ASSERT_TRUE(gateway->push("A", record("A", 2)).ok());
  ASSERT_FALSE(gateway->push("A", record("A", 3)).ok());
  for (int reading = 0; reading < 2; ++reading) {
    const auto text = gateway->metrics().text();
    EXPECT_THAT(text, HasSubstr("ami_journal_messages{feed=\"pushed\"} 2\n"));
    EXPECT_THAT(text, HasSubstr("ami_journal_bytes{feed=\"pushed\"} 50\n"));
    EXPECT_THAT(text, HasSubstr("ami_journal_oldest_age_seconds{feed=\"pushed\"} "));
    EXPECT_THAT(text, HasSubstr("ami_journal_appended_total 2\n"));
    EXPECT_THAT(text, HasSubstr("ami_journal_repeated_total 1\n"));
    EXPECT_THAT(text, HasSubstr("ami_journal_refused_total 1\n"));
    EXPECT_THAT(text, HasSubstr("ami_journal_max_bytes 1000\n"));
  }
}

}  // namespace
}  // namespace ami::daemon
