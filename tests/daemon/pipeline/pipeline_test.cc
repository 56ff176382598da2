#include "daemon/pipeline/pipeline.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <set>

#include "tests/daemon/pipeline/sample_feed.h"
#include "tests/daemon/support/fake_family.h"
#include "tests/daemon/support/fake_store.h"

namespace ami::daemon {
namespace {
namespace asio = boost::asio;
using namespace std::chrono_literals;
using testing::add_record;
using testing::badge;

constexpr const char* kGood = "B1 100.5 2026-01-15T00:00:00Z";
constexpr const char* kUnknownMeter = "B2 7 2026-01-15T00:00:00Z";

storage::CommitCounts directory_changed() {
  storage::CommitCounts counts;
  counts.directory_changed = true;
  return counts;
}

class PipelineTest : public ::testing::Test {
 protected:
  Result<sdk::CommitReceipt> commit(std::vector<std::string> records,
                                    std::vector<sdk::StateChange> state = {}) {
    Result<sdk::CommitReceipt> outcome = permanent("never completed");
    asio::co_spawn(io_, work(outcome, std::move(records), std::move(state)),
                   asio::bind_cancellation_slot(cancel_.slot(), [](std::exception_ptr defect) {
                     EXPECT_FALSE(defect) << "nothing may throw across the sink";
                   }));
    io_.restart();
    io_.run();
    return outcome;
  }

  sdk::Awaitable<void> work(Result<sdk::CommitReceipt>& outcome, std::vector<std::string> records,
                            std::vector<sdk::StateChange> state) {
    DecodedBatch batch;
    std::uint64_t offset = 1000;
    for (const auto& record : records) {
      add_record(batch, record, offset);
      offset += record.size() + 1;
    }
    for (const auto& transaction : transactions_) {
      ResultObservation& result = batch.results.emplace_back();
      result.transaction = batch.text(transaction);
      result.meter = batch.text(answers_of_);
    }
    sdk::SourceSpan source;
    source.name = "x.txt";
    source.content_sha256 = std::string(64, 'a');
    source.offset = 1000;
    source.received_at = testing::at("2026-01-16T00:00:00Z");
    outcome = co_await pipeline_.commit(feed_, std::move(source), std::move(batch), std::move(state));
  }

  // A batch a record; with a result of its own where `transaction` is not empty.
  std::vector<Result<sdk::CommitReceipt>> commit_all(const std::vector<std::string>& records,
                                                     const std::string& transaction) {
    std::vector<Pipeline::Arrived> arrived(records.size());
    for (std::size_t i = 0; i < records.size(); ++i) {
      add_record(arrived[i].batch, records[i], 0);
      if (!transaction.empty())
        arrived[i].batch.results.emplace_back().transaction = arrived[i].batch.text(transaction + std::to_string(i));
      arrived[i].source.name = "journal/" + std::to_string(i);
      arrived[i].source.content_sha256 = std::string(64, static_cast<char>('a' + i));
      arrived[i].source.received_at = testing::at("2026-01-16T00:00:00Z");
    }
    std::vector<Result<sdk::CommitReceipt>> receipts;
    const auto ask = [&]() -> sdk::Awaitable<void> {
      auto storing = pipeline_.commit_all(feed_, std::move(arrived));
      receipts = co_await std::move(storing);
    };
    asio::co_spawn(io_, ask, [](std::exception_ptr defect) { EXPECT_FALSE(defect); });
    io_.restart();
    io_.run();
    return receipts;
  }

  std::size_t logged(const std::string& id) const {
    return static_cast<std::size_t>(std::count_if(lines_.begin(), lines_.end(), [&](const std::string& line) {
      return line.find("id=" + id + " ") != std::string::npos;
    }));
  }

  std::vector<std::string> transactions_;  // of results in the batch
  std::string answers_of_;                 // the meter that all of them are about
  std::vector<std::string> lines_;
  Log log_{[this](Level, const std::string& line) { lines_.push_back(line); }};
  asio::io_context io_;
  asio::cancellation_signal cancel_;
  testing::InstantClock clock_;
  testing::FakeStore store_;
  WorkerPool database_{1};
  storage::DirectorySnapshot assets_{1, {badge("B1", 11)}};
  int loads_ = 0;
  DirectoryCache directory_{[this] {
    ++loads_;
    return Result<storage::DirectorySnapshot>(assets_);
  }};
  Metrics metrics_{"test"};
  Pipeline pipeline_{store_, directory_, database_, clock_, {100ms, 1600ms}, log_};
  std::shared_ptr<FeedRoute> feed_ =
      std::make_shared<FeedRoute>("sample", 1, testing::sample_rules(), metrics_.feed("sample"));
};

TEST_F(PipelineTest, StoresReadingsQuarantineAndStateInOneUnit) {
  std::vector<sdk::StateChange> state{{"position", "42"}, {"old", std::nullopt}};
  const auto receipt = commit({kGood, kUnknownMeter, "broken"}, state);
  ASSERT_TRUE(receipt.ok()) << receipt.error().message;
  EXPECT_EQ(receipt->registers, 1U);
  EXPECT_EQ(receipt->quarantined, 2U);
  ASSERT_EQ(store_.stored.size(), 1U);
  const auto& unit = store_.stored[0];
  EXPECT_EQ(unit.utility, 1);
  EXPECT_EQ(unit.source.feed, "sample");
  EXPECT_EQ(unit.source.mapping_version, 7);
  EXPECT_EQ(unit.directory_version, 1);
  ASSERT_EQ(unit.batch.registers.size(), 1U);
  EXPECT_EQ(unit.batch.channels.at(unit.batch.registers[0].channel).meter, 11);
  // 100.5 kWh = 100500 Wh
  EXPECT_TRUE(unit.batch.registers[0].value == (Decimal{100500, 0}));
  ASSERT_EQ(unit.state.size(), 2U);
  EXPECT_EQ(unit.state[0].value, "42");
  EXPECT_EQ(unit.state[1].value, std::nullopt);
}

// Received at midnight of the 16th; a minute of tolerance.
TEST_F(PipelineTest, ATimeAheadOfItsReceiptIsASignOfTheMetersClock) {
  ASSERT_TRUE(commit({"B1 1 2026-01-16T00:02:00Z", "B1 2 2026-01-16T00:00:30Z", "B1 3 2026-01-16T09:00:00Z",
                      "B1 4 2025-01-16T00:00:00Z"})
                  .ok());
  const auto& signs = store_.stored.at(0).batch.clock_signs;
  ASSERT_EQ(signs.size(), 2U) << "two minutes, which is stored, and nine hours, which is not";
  std::set<std::int64_t> offsets;
  for (const ClockSign& sign : signs) {
    EXPECT_EQ(sign.meter, 11);
    EXPECT_EQ(sign.kind, ClockSignKind::Ahead);
    offsets.insert(sign.offset.count());
  }
  EXPECT_EQ(offsets, (std::set<std::int64_t>{120, 32'400}));
  EXPECT_EQ(store_.stored.at(0).batch.clock_tolerance, 60s);
}

TEST_F(PipelineTest, AnAnswerIsJudgedByWhenItsQuestionLeft) {
  answers_of_ = "B1";
  transactions_ = {"ours", "theirs"};
  pipeline_.on_answers([](std::string_view transaction) -> std::optional<UtcInstant> {
    if (transaction != "ours") return std::nullopt;
    return testing::at("2026-01-15T23:50:00Z");
  });
  ASSERT_TRUE(commit({"B1 1 2026-01-15T23:40:00Z"}).ok());
  ASSERT_TRUE(commit({"B1 1 2026-01-15T23:55:00Z"}).ok());
  ASSERT_TRUE(commit({"B2 1 2026-01-15T23:55:00Z"}).ok());
  const auto signs = [&](std::size_t unit) { return store_.stored.at(unit).batch.clock_signs; };
  EXPECT_EQ(signs(0), (std::vector<ClockSign>{
                          {11, ClockSignKind::SteadyOffset, -600s, testing::at("2026-01-15T23:40:00Z")}}));
  EXPECT_EQ(signs(1), (std::vector<ClockSign>{
                          {11, ClockSignKind::SteadyOffset, 0s, testing::at("2026-01-15T23:55:00Z")}}));
  EXPECT_TRUE(signs(2).empty()) << "no reading of the meter that was asked";
}

TEST_F(PipelineTest, AnAnswerOfAMeterThatNobodyKnowsIsNoSign) {
  answers_of_ = "B2";
  transactions_ = {"ours"};
  pipeline_.on_answers([](std::string_view) { return std::optional(testing::at("2026-01-15T23:50:00Z")); });
  ASSERT_TRUE(commit({kGood}).ok());
  EXPECT_TRUE(store_.stored.at(0).batch.clock_signs.empty());
}

TEST_F(PipelineTest, AClockIsToldOnceHoweverOftenTheBatchIsResolvedAgain) {
  store_.answers.emplace_back(transient("connection refused"));
  store_.answers.emplace_back(directory_changed());
  ASSERT_TRUE(commit({"B1 1 2026-01-16T00:02:00Z"}).ok());
  EXPECT_EQ(store_.stored.at(0).batch.clock_signs.size(), 1U);
}

TEST_F(PipelineTest, TransientIsTriedAgainWithGrowingPausesUntilItIsStored) {
  for (int i = 0; i < 7; ++i) store_.answers.emplace_back(transient("connection refused"));
  EXPECT_TRUE(commit({kGood}).ok());
  EXPECT_EQ(store_.tried.size(), 8U);
  EXPECT_EQ(store_.stored.size(), 1U);
  // Full pauses: 100 200 400 800 1600 1600 1600 = 6300; each is drawn from its upper half.
  EXPECT_GE(clock_.waited(), 3150ms);
  EXPECT_LE(clock_.waited(), 6300ms);
  EXPECT_EQ(logged("COMMIT_RETRIED"), 1U) << "a long outage must not flood the log";
  EXPECT_EQ(logged("COMMIT_RECOVERED"), 1U);
}

TEST_F(PipelineTest, InDoubtIsTriedAgainWithTheVerySameUnit) {
  store_.answers.emplace_back(in_doubt("COMMIT lost its answer"));
  EXPECT_TRUE(commit({kGood}).ok());
  ASSERT_EQ(store_.tried.size(), 2U);
  EXPECT_EQ(store_.tried[0].source.offset, store_.tried[1].source.offset);
  EXPECT_EQ(store_.tried[0].batch.registers.size(), store_.tried[1].batch.registers.size());
}

TEST_F(PipelineTest, ChangedAssetDataIsReadAnewAndTheBatchResolvedAgainAtOnce) {
  ASSERT_TRUE(commit({kGood}).ok());
  assets_ = {2, {badge("B1", 11), badge("B2", 12)}};
  store_.answers.emplace_back(directory_changed());
  const auto receipt = commit({kGood, kUnknownMeter});
  ASSERT_TRUE(receipt.ok());
  EXPECT_EQ(receipt->registers, 2U);
  EXPECT_EQ(receipt->quarantined, 0U);
  EXPECT_EQ(store_.stored.back().directory_version, 2);
  EXPECT_EQ(clock_.waited(), 0ms);
  EXPECT_EQ(loads_, 2);
}

TEST_F(PipelineTest, AssetDataThatKeepsChangingDoesNotSpin) {
  for (int i = 0; i < 12; ++i) store_.answers.emplace_back(directory_changed());
  store_.on_commit = [this] { ++assets_.version; };
  EXPECT_TRUE(commit({kGood}).ok());
  EXPECT_GT(clock_.waited(), 0ms);
}

// Refuses every unit with a register of 666, as a violated constraint would.
class Picky {
 public:
  explicit Picky(testing::FakeStore& store) {
    store.judge = [](const storage::CommitUnit& unit) -> std::optional<Error> {
      for (const auto& read : unit.batch.registers) {
        if (read.value == Decimal{666'000, 0}) return permanent("violates a constraint");
      }
      return std::nullopt;
    };
  }
};

TEST_F(PipelineTest, ARecordThatTheStoreRefusesForGoodCostsNoNeighbour) {
  const Picky picky(store_);
  assets_ = {1, {badge("B1", 11), badge("B2", 12), badge("B3", 13), badge("B4", 14), badge("B5", 15)}};
  const auto receipt =
      commit({"B1 1 2026-01-15T00:00:00Z", "B2 2 2026-01-15T00:00:00Z", "B3 666 2026-01-15T00:00:00Z",
              "B4 4 2026-01-15T00:00:00Z", "B5 5 2026-01-15T00:00:00Z", "broken"},
             {{"position", "42"}});
  ASSERT_TRUE(receipt.ok()) << receipt.error().message;
  EXPECT_EQ(receipt->registers, 4U);
  EXPECT_EQ(receipt->quarantined, 2U);
  EXPECT_EQ(logged("RECORD_REFUSED"), 1U);
  EXPECT_EQ(logged("COMMIT_REFUSED"), 0U);

  std::multiset<MeterId> meters;
  std::multiset<std::string> reasons;
  std::set<std::uint64_t> offsets;
  for (const auto& unit : store_.stored) {
    for (const auto& read : unit.batch.registers) meters.insert(unit.batch.channels.at(read.channel).meter);
    for (const auto& item : unit.batch.quarantined) reasons.insert(item.reason);
    const bool fresh = offsets.insert(unit.source.offset).second;
    EXPECT_TRUE(fresh || !unit.state.empty()) << "parts are sources of their own";
  }
  EXPECT_EQ(meters, (std::multiset<MeterId>{11, 12, 14, 15}));
  EXPECT_EQ(reasons, (std::multiset<std::string>{"cannot_be_stored", "too_few_fields"}));
  ASSERT_EQ(store_.stored.back().state.size(), 1U) << "the position comes last";
  for (std::size_t i = 0; i + 1 < store_.stored.size(); ++i) EXPECT_TRUE(store_.stored[i].state.empty());
}

TEST_F(PipelineTest, ASingleRecordThatIsRefusedGoesToQuarantineWithItsBytes) {
  const Picky picky(store_);
  const auto receipt = commit({"B1 666 2026-01-15T00:00:00Z"}, {{"position", "42"}});
  ASSERT_TRUE(receipt.ok());
  ASSERT_EQ(store_.stored.size(), 1U);
  ASSERT_EQ(store_.stored[0].batch.quarantined.size(), 1U);
  EXPECT_EQ(store_.stored[0].batch.quarantined[0].raw, "B1 666 2026-01-15T00:00:00Z");
  EXPECT_NE(store_.stored[0].batch.quarantined[0].detail.find("violates a constraint"), std::string::npos);
  EXPECT_EQ(store_.stored[0].state.size(), 1U);
}

TEST_F(PipelineTest, AStoreThatRefusesEverythingGetsTheBatchBackAtOnce) {
  store_.judge = [](const storage::CommitUnit&) -> std::optional<Error> {
    return permanent("no such column");
  };
  std::vector<std::string> records;
  for (int i = 0; i < 200; ++i) records.push_back("B1 " + std::to_string(i) + " 2026-01-15T00:00:00Z");
  const auto refused = commit(records, {{"position", "42"}});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().fault, Fault::Permanent);
  EXPECT_TRUE(store_.stored.empty());
  EXPECT_EQ(clock_.waited(), 0ms);
  EXPECT_EQ(logged("COMMIT_REFUSED"), 1U);
}

TEST_F(PipelineTest, AStoppingFeedStillStoresWhatCanBeStored) {
  feed_->stopping = true;
  EXPECT_TRUE(commit({kGood}).ok());
}

TEST_F(PipelineTest, AStoppingFeedGivesUpWhatWouldHaveToWait) {
  for (int i = 0; i < 1000; ++i) store_.answers.emplace_back(transient("away"));
  clock_.on_wait = [this] { feed_->stopping = true; };
  const auto outcome = commit({kGood});
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.error().fault, Fault::Transient);
  EXPECT_EQ(store_.tried.size(), 1U);
  EXPECT_TRUE(store_.stored.empty());
}

TEST_F(PipelineTest, ACancelledCallerGetsTransientAndNoException) {
  for (int i = 0; i < 1000; ++i) store_.answers.emplace_back(transient("away"));
  clock_.on_wait = [this] { cancel_.emit(asio::cancellation_type::terminal); };
  const auto outcome = commit({kGood});
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.error().fault, Fault::Transient);
  EXPECT_EQ(store_.tried.size(), 1U);
}

TEST_F(PipelineTest, ADefectInTheStoreIsPermanentAndEndsNothingElse) {
  store_.on_commit = [] { throw std::logic_error("column is missing"); };
  const auto outcome = commit({kGood});
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.error().fault, Fault::Permanent);
  EXPECT_NE(outcome.error().message.find("column is missing"), std::string::npos);
}

TEST_F(PipelineTest, NoLogLineHoldsAReadingOrAMetersNumber) {
  store_.answers.emplace_back(transient("away"));
  ASSERT_TRUE(commit({"METER4711 98765.25 2026-01-15T00:00:00Z"}).ok());
  for (const auto& line : lines_) {
    EXPECT_EQ(line.find("METER4711"), std::string::npos) << line;
    EXPECT_EQ(line.find("98765"), std::string::npos) << line;
  }
}

TEST_F(PipelineTest, NumbersOfACommitAreInTheMetrics) {
  store_.answers.emplace_back(transient("away"));
  ASSERT_TRUE(commit({kGood, kUnknownMeter, "broken"}).ok());
  const auto text = metrics_.text();
  for (const std::string line :
       {"ami_feed_observations_total{feed=\"sample\"} 2\n", "ami_feed_registers_total{feed=\"sample\"} 1\n",
        "ami_feed_commit_retries_total{feed=\"sample\"} 1\n", "ami_feed_commits_waiting{feed=\"sample\"} 0\n",
        "ami_feed_quarantined_total{feed=\"sample\",reason=\"unknown_meter\"} 1\n",
        "ami_feed_quarantined_total{feed=\"sample\",reason=\"too_few_fields\"} 1\n",
        "ami_feed_commit_seconds_count{feed=\"sample\"} 1\n"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << text;
  }
}

TEST_F(PipelineTest, SmallBatchesAreStoredTogetherAndEachIsAnswered) {
  assets_ = {1, {badge("B1", 11), badge("B2", 12)}};
  std::vector<std::string> told;
  pipeline_.on_results([&](std::shared_ptr<FeedRoute>,
                           std::span<const ResultObservation> results) -> sdk::Awaitable<Outcome> {
    EXPECT_EQ(store_.stored.size(), 3U) << "after all of them are stored";
    told.emplace_back(results[0].transaction);
    co_return Done{};
  });
  const auto receipts = commit_all({kGood, "B2 7 2026-01-15T00:00:00Z", "broken"}, "t-");
  ASSERT_EQ(receipts.size(), 3U);
  for (const auto& receipt : receipts) ASSERT_TRUE(receipt.ok()) << receipt.error().message;
  EXPECT_EQ(receipts[1]->registers, 1U);
  EXPECT_EQ(receipts[2]->quarantined, 1U);
  EXPECT_EQ(told, (std::vector<std::string>{"t-0", "t-1", "t-2"}));
  EXPECT_EQ(store_.together, (std::vector<std::size_t>{3}));
  EXPECT_NE(metrics_.text().find("ami_feed_commit_seconds_count{feed=\"sample\"} 3\n"), std::string::npos);
}

TEST_F(PipelineTest, ABatchThatIsRefusedCostsNoOtherThatCameWithIt) {
  const Picky picky(store_);
  assets_ = {1, {badge("B1", 11), badge("B2", 12)}};
  const auto receipts = commit_all({kGood, "B1 666 2026-01-15T00:00:00Z", "B2 7 2026-01-15T00:00:00Z"}, "");
  ASSERT_EQ(receipts.size(), 3U);
  for (const auto& receipt : receipts) ASSERT_TRUE(receipt.ok()) << receipt.error().message;
  EXPECT_EQ(receipts[0]->registers, 1U);
  EXPECT_EQ(receipts[1]->registers, 0U);
  EXPECT_EQ(receipts[1]->quarantined, 1U);
  EXPECT_EQ(receipts[2]->registers, 1U);
  EXPECT_EQ(logged("RECORD_REFUSED"), 1U);
}

TEST_F(PipelineTest, BatchesThatCannotBeStoredTogetherWaitEachForTheStore) {
  int away = 4;
  store_.judge = [&](const storage::CommitUnit&) -> std::optional<Error> {
    if (away-- > 0) return transient("database is away");
    return std::nullopt;
  };
  const auto receipts = commit_all({kGood, kGood}, "");
  ASSERT_EQ(receipts.size(), 2U);
  for (const auto& receipt : receipts) EXPECT_TRUE(receipt.ok());
  EXPECT_EQ(store_.stored.size(), 2U);
}

TEST_F(PipelineTest, ResultsOfCommandsAreToldAfterTheBatchIsStoredUntilTheyAreTaken) {
  std::vector<std::string> told;
  int refusals = 3;
  pipeline_.on_results([&](std::shared_ptr<FeedRoute> feed,
                           std::span<const ResultObservation> results) -> sdk::Awaitable<Outcome> {
    EXPECT_EQ(store_.stored.size(), 1U);
    EXPECT_EQ(feed->name, "sample");
    told.emplace_back(results[1].transaction);
    if (refusals-- > 0) co_return transient("commands are not ready");
    co_return Done{};
  });
  transactions_ = {"t-1", "t-2"};
  const auto receipt = commit({kGood});
  ASSERT_TRUE(receipt.ok()) << receipt.error().message;
  EXPECT_EQ(receipt->registers, 1U);
  EXPECT_EQ(told, std::vector<std::string>(4, "t-2"));
  EXPECT_EQ(store_.stored.size(), 1U) << "what is stored is not stored again for them";
}

TEST_F(PipelineTest, BatchWhoseResultsWereNotTakenIsNotDone) {
  int told = 0;
  pipeline_.on_results([&](std::shared_ptr<FeedRoute> feed,
                           std::span<const ResultObservation>) -> sdk::Awaitable<Outcome> {
    if (++told == 5) feed->stopping = true;
    co_return transient("commands are not ready");
  });
  transactions_ = {"t-1"};
  const auto receipt = commit({kGood});
  ASSERT_FALSE(receipt.ok());
  EXPECT_EQ(receipt.error().fault, Fault::Transient) << "the adapter keeps it and hands it in again";
  EXPECT_EQ(told, 5);
}

TEST_F(PipelineTest, ResultsThatCanNeverBeTakenRefuseTheirBatchAndHoldNobodyUp) {
  int told = 0;
  pipeline_.on_results([&](std::shared_ptr<FeedRoute> feed,
                           std::span<const ResultObservation>) -> sdk::Awaitable<Outcome> {
    if (++told == 5) feed->stopping = true;
    co_return permanent("an answer that cannot be stored");
  });
  transactions_ = {"t-1"};
  const auto receipt = commit({kGood});
  ASSERT_FALSE(receipt.ok());
  EXPECT_EQ(receipt.error().fault, Fault::Permanent) << "so that it is put aside";
  EXPECT_EQ(told, 1);
}

TEST_F(PipelineTest, BatchWithoutResultsTellsNobody) {
  int told = 0;
  pipeline_.on_results([&](std::shared_ptr<FeedRoute>, std::span<const ResultObservation>) -> sdk::Awaitable<Outcome> {
    ++told;
    co_return Done{};
  });
  EXPECT_TRUE(commit({kGood}).ok());
  EXPECT_EQ(told, 0);
}

}  // namespace
}  // namespace ami::daemon
