#include "daemon/switching/arrivals.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/log/log.h"
#include "tests/daemon/switching/scene.h"

namespace ami::daemon::switching {
namespace {

TEST(SwitchTransaction, IsKnownByItsForm) {
  EXPECT_TRUE(is_switch_transaction("sw1-t5k0q8"));
  EXPECT_TRUE(is_switch_transaction("swzz09-0"));
  for (const char* other : {"", "sw", "sw-1", "sw1", "sw1-", "1-1-t5k0q8", "SW1-T5", "sw1-t5-1", "sw1 t5", "xsw1-t5"})
    EXPECT_FALSE(is_switch_transaction(other)) << other;
}

class ArrivalsTest : public SwitchingTest {
 protected:
  ArrivalsTest() {
    feed.name = "radio";
    feed.verdict = [this](sdk::CommandKind kind, const ResultObservation& result) {
      kinds.push_back(kind);
      sdk::AttemptAnswer out;
      out.at = wall;
      if (result.word == "opened" || result.word == "closed") {
        out.position = result.word == "opened" ? SwitchPosition::Open : SwitchPosition::Closed;
        const bool done = kind == sdk::CommandKind::SwitchState ||
                          (kind == sdk::CommandKind::SwitchOpen && result.word == "opened");
        out.state = done ? sdk::AttemptState::Succeeded : sdk::AttemptState::Unknown;
      } else {
        out.state = sdk::AttemptState::Failed;
        out.reason = "failed";
      }
      return out;
    };
    whose = [](AliasKind kind, std::string_view id) -> std::optional<MeterId> {
      if (kind == AliasKind::Badge && (id == "B7" || id == "OLD7")) return 7;
      if (id == "B8") return 8;
      return std::nullopt;
    };
    op = open("r1");
    pass(seconds{10});
  }
  Outcome take(const std::string& transaction, const std::string& meter, const std::string& word) {
    ResultObservation result;
    result.transaction = transaction;
    result.meter = meter;
    result.word = word;
    return arrivals.take(feed, {&result, 1}, whose);
  }

  Log log{[](Level, const std::string&) {}};
  commands::CommandFeed feed;
  commands::MeterOf whose;
  std::vector<sdk::CommandKind> kinds;
  std::vector<std::string> heard;
  SwitchOperation op;
  Arrivals arrivals{{*engine, store, log, [this](const std::string& transaction) { heard.push_back(transaction); }}};
};

TEST_F(ArrivalsTest, AResultGoesToItsOperationWithTheMeaningOfWhatWasAsked) {
  ASSERT_TRUE(take(op.transaction, "B7", "opened").ok());
  EXPECT_EQ(state(op.id), State::VerifiedOpen);
  EXPECT_EQ(kinds, std::vector{sdk::CommandKind::SwitchOpen});
  EXPECT_EQ(heard, std::vector{op.transaction});
}

TEST_F(ArrivalsTest, AnotherNameOfTheSameMeterIsTheSameMeter) {
  ASSERT_TRUE(take(op.transaction, "OLD7", "opened").ok());
  EXPECT_EQ(state(op.id), State::VerifiedOpen);
}

TEST_F(ArrivalsTest, AnAnswerForAnotherMeterIsNeverTaken) {
  for (const char* meter : {"B8", "NOBODY"}) {
    ASSERT_TRUE(take(op.transaction, meter, "opened").ok());
    EXPECT_EQ(state(op.id), State::Acknowledged) << meter;
  }
  EXPECT_EQ(watcher.count(Watcher::What::Defect), 2);
  EXPECT_TRUE(kinds.empty()) << "its meaning was not even asked";
  EXPECT_TRUE(heard.empty());
}

TEST_F(ArrivalsTest, AnAnswerThroughAnotherFeedIsNeverTaken) {
  feed.name = "wire";
  ASSERT_TRUE(take(op.transaction, "B7", "opened").ok());
  EXPECT_EQ(state(op.id), State::Acknowledged);
  EXPECT_EQ(watcher.count(Watcher::What::Defect), 1);
}

TEST_F(ArrivalsTest, AFailureWithoutAnIdIsAboutTheOnlyMeterOfItsTransaction) {
  ASSERT_TRUE(take(op.transaction, "", "no").ok());
  EXPECT_EQ(state(op.id), State::Failed);
}

TEST_F(ArrivalsTest, ATransactionOfNobodyIsPassedOver) {
  ASSERT_TRUE(take("swzzz-1", "B7", "opened").ok());
  ASSERT_TRUE(take("1-1-t5k0q8", "B7", "opened").ok());
  EXPECT_EQ(state(op.id), State::Acknowledged);
}

TEST_F(ArrivalsTest, APositionThatNobodyAskedForIsLearntByMeter) {
  ASSERT_TRUE(take("", "B8", "opened").ok());
  ASSERT_TRUE(take("", "NOBODY", "opened").ok());
  ASSERT_TRUE(take("", "B7", "silent").ok());
  EXPECT_EQ(get(op.id).position, "");
  ASSERT_TRUE(take("", "B7", "opened").ok());
  EXPECT_EQ(get(op.id).position, "OPEN");
  EXPECT_EQ(kinds.back(), sdk::CommandKind::SwitchState);
  ASSERT_TRUE(engine->reported(op.transaction, says(sdk::AttemptState::Succeeded)).ok());
  EXPECT_EQ(state(op.id), State::VerifiedOpen);
}

TEST_F(ArrivalsTest, ABookThatIsAwayIsAskedAgain) {
  store.fails = [] { return FlakyStore::Fails::Before; };
  const Outcome outcome = take(op.transaction, "B7", "opened");
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.error().fault, Fault::Transient);
  store.fails = [] { return FlakyStore::Fails::No; };
  ASSERT_TRUE(take(op.transaction, "B7", "opened").ok());
  EXPECT_EQ(state(op.id), State::VerifiedOpen);
}

TEST_F(ArrivalsTest, WhatLeavesItOpenKeepsItsPlaceAtTheFeed) {
  ASSERT_TRUE(take(op.transaction, "B7", "closed").ok());
  EXPECT_TRUE(heard.empty());
  ASSERT_TRUE(take(op.transaction, "B7", "opened").ok());
  EXPECT_EQ(heard, std::vector{op.transaction});
}

}  // namespace
}  // namespace ami::daemon::switching
