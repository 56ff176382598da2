// Answers that come often, late, to nothing, or not at all; far sides and adapters that are not what they
// should be.
#include "tests/daemon/commands/life.h"

namespace ami::daemon::commands {
namespace {

using sdk::AttemptState;

class AnswersTest : public CommandsTest {};

TEST_F(AnswersTest, SameAnswerTenTimesIsOneEnd) {
  const auto life = start();
  const OperationId id = life->read("r1", {"M1"});
  const std::string t = transaction(id);
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(life->take({{t, "B1", "done"}}).ok());
    life->advance(seconds{1});
  }
  ASSERT_TRUE(life->take(std::vector<Life::Result>(10, {t, "B1", "done"})).ok()) << "ten in one message";
  EXPECT_EQ(states(id), "SUCCEEDED");
  EXPECT_EQ(one("SELECT ended_at FROM operation_target"), "2026-01-15 00:00:00+00");
  EXPECT_EQ(one("SELECT count(*) FROM operation_answer"), "0");
  EXPECT_EQ(life->figures().duplicates, 19U);
  EXPECT_EQ((life->figures().ended[{OperationKind::Read, storage::TargetState::Succeeded, ""}]), 1U);
}

TEST_F(AnswersTest, AnswerAfterTheEndIsKeptBesideAndChangesNothing) {
  const auto life = start();
  const OperationId id = life->read("r1", {"M1"});
  const std::string t = transaction(id);
  life->advance(seconds{359});
  EXPECT_EQ(states(id), "SENT") << "expiry and grace are not over";
  life->advance(seconds{3});
  EXPECT_EQ(states(id) + " " + reasons(id), "TIMED_OUT no_answer");
  EXPECT_EQ(life->figures().in_flight, 0U);
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(life->take({{t, "B1", "done"}}).ok());
  EXPECT_EQ(states(id), "TIMED_OUT");
  EXPECT_EQ(sql("SELECT found, state, times FROM operation_answer"),
            (storage::Table{{"TIMED_OUT", "SUCCEEDED", "10"}}));
  EXPECT_EQ(life->figures().late, 10U);
  EXPECT_EQ(life->logged("COMMAND_ANSWERS_KEPT"), 10U);
}

TEST_F(AnswersTest, ContradictionAfterTheEndIsKeptAndTheEndStays) {
  const auto life = start();
  const OperationId id = life->read("r1", {"M1"});
  ASSERT_TRUE(life->take({{transaction(id), "B1", "failed"}, {transaction(id), "B1", "done"}}).ok());
  EXPECT_EQ(states(id), "FAILED");
  EXPECT_EQ(sql("SELECT found, state FROM operation_answer"), (storage::Table{{"FAILED", "SUCCEEDED"}}));
}

TEST_F(AnswersTest, AnswersToNoCommandOfOursAreCountedAndKept) {
  const auto life = start();
  const OperationId id = life->read("r1", {"M1"});
  const std::string t = transaction(id);
  ASSERT_TRUE(life->take({{"nobody-1-2", "B1", "done"},
                          {"", "B1", "done"},
                          {t, "B2", "done"},
                          {t + "x", "B1", "done"},
                          {std::string(5000, 'x'), std::string(5000, '\xff'), "done"}})
                  .ok());
  EXPECT_EQ(states(id), "SENT");
  const FeedFigures figures = life->figures();
  EXPECT_EQ(figures.strays, 4U);
  EXPECT_EQ(figures.without_transaction, 1U);
  EXPECT_EQ(one("SELECT count(*) FROM operation_answer WHERE operation_id = 0"), "4");
}

TEST_F(AnswersTest, ResultIsPutToItsMeterByWhatWasSentByTheDirectoryOrByBeingTheOnlyOne) {
  const auto life = start();
  life->feed.limits.targets = 5;
  life->attach();
  const OperationId several = life->read("r1", {"M1", "M2"});
  ASSERT_TRUE(
      life->take({{transaction(several), "alias of first", "done"}, {transaction(several), "", "done"}})
          .ok());
  EXPECT_EQ(states(several), "SUCCEEDED SENT") << "of two meters a result without a name is nobody's";
  const OperationId single = life->read("r2", {"M3"});
  ASSERT_TRUE(life->take({{transaction(single), "", "done"}}).ok());
  EXPECT_EQ(states(single), "SUCCEEDED");
}

TEST_F(AnswersTest, RejectionOfARequestEndsAllOfItThatIsStillOpen) {
  const auto life = start();
  life->feed.limits.targets = 5;
  life->attach();
  const OperationId id = life->read("r1", {"M1", "M2", "M3"});
  const std::string t = transaction(id);
  ASSERT_TRUE(life->take({{t, "B1", "done"}}).ok());
  ASSERT_TRUE(life->take({{t, "", "rejected"}}).ok());
  EXPECT_EQ(states(id), "SUCCEEDED FAILED FAILED");
  EXPECT_EQ(one("SELECT string_agg(reason || ':' || words, ' ' ORDER BY number) FROM operation_target "
                "WHERE number > 0"),
            "rejected:closed today rejected:closed today");
  EXPECT_EQ(sql("SELECT found, state FROM operation_answer"), (storage::Table{{"SUCCEEDED", "FAILED"}}))
      << "what is done is done, and the contradiction is kept";
  EXPECT_EQ(life->figures().in_flight, 0U);
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(life->take({{t, "", "rejected"}}).ok());
  EXPECT_EQ(life->figures().duplicates, 20U) << "ten times of two";
  EXPECT_EQ(life->figures().strays, 0U);
  EXPECT_EQ(one("SELECT times FROM operation_answer"), "11");
}

TEST_F(AnswersTest, WhomARejectionSpeaksOfByNameGoesByThat) {
  const auto life = start();
  life->feed.limits.targets = 5;
  life->attach();
  // In whichever order the message has them.
  const OperationId before = life->read("r1", {"M1", "M2", "M3"});
  std::string t = transaction(before);
  ASSERT_TRUE(life->take({{t, "", "rejected"}, {t, "B1", "failed"}, {t, "B2", "done"}}).ok());
  EXPECT_EQ(states(before) + " " + reasons(before), "FAILED SUCCEEDED FAILED failed  rejected");
  const OperationId after = life->read("r2", {"M1", "M2", "M3"});
  t = transaction(after);
  ASSERT_TRUE(life->take({{t, "B1", "gibberish"}, {t, "B2", "failed"}, {t, "", "rejected"}}).ok());
  EXPECT_EQ(states(after) + " " + reasons(after), "FAILED FAILED FAILED rejected failed rejected")
      << "a word that says nothing shields nobody";
  EXPECT_EQ(one("SELECT count(*) FROM operation_answer"), "0");
}

TEST_F(AnswersTest, RejectionOfARequestThatHasEndedIsKeptBesideEachAndOneOfNothingIsAStray) {
  const auto life = start();
  life->feed.limits.targets = 5;
  life->attach();
  const OperationId id = life->read("r1", {"M1", "M2"});
  const std::string t = transaction(id);
  life->advance(minutes{7});
  EXPECT_EQ(states(id), "TIMED_OUT TIMED_OUT");
  ASSERT_TRUE(life->take({{t, "", "rejected"}, {t + "x", "", "rejected"}}).ok());
  EXPECT_EQ(states(id), "TIMED_OUT TIMED_OUT");
  EXPECT_EQ(sql("SELECT number, found, state, words FROM operation_answer WHERE operation_id > 0 ORDER BY 1"),
            (storage::Table{{"0", "TIMED_OUT", "FAILED", "closed today"},
                            {"1", "TIMED_OUT", "FAILED", "closed today"}}));
  const FeedFigures figures = life->figures();
  EXPECT_EQ(figures.late, 2U);
  EXPECT_EQ(figures.strays, 1U);
}

TEST_F(AnswersTest, FailureWithoutAMeterThatIsNoRejectionIsNobodysOfSeveral) {
  const auto life = start();
  life->feed.limits.targets = 5;
  life->attach();
  const OperationId id = life->read("r1", {"M1", "M2"});
  ASSERT_TRUE(life->take({{transaction(id), "", "failed"}}).ok());
  EXPECT_EQ(states(id), "SENT SENT");
  EXPECT_EQ(life->figures().strays, 1U);
}

TEST_F(AnswersTest, WhatCannotBeReadEndsNothing) {
  const auto life = start();
  const OperationId id = life->read("r1", {"M1"});
  ASSERT_TRUE(life->take({{transaction(id), "B1", "gibberish"}}).ok());
  EXPECT_EQ(states(id) + " " + reasons(id), "SENT unreadable_answer");
  EXPECT_EQ(life->figures().unreadable, 1U);
  ASSERT_TRUE(life->take({{transaction(id), "B1", "done"}}).ok());
  EXPECT_EQ(states(id) + reasons(id), "SUCCEEDED");
}

TEST_F(AnswersTest, AmbiguousReplyIsWaitedForAndNeverAskedAgain) {
  const auto life = start();
  life->far->state = AttemptState::Unknown;
  life->far->reason = "no_answer";
  const OperationId answered = life->read("r1", {"M1"}), silent = life->read("r2", {"M2"});
  EXPECT_EQ(states(answered), "SENT");
  ASSERT_TRUE(life->take({{transaction(answered), "B1", "done"}}).ok());
  life->advance(minutes{30});
  EXPECT_EQ(states(answered) + " " + states(silent), "SUCCEEDED TIMED_OUT");
  EXPECT_EQ(life->far->asked.size(), 2U);
}

TEST_F(AnswersTest, ReadThatDidNotLeaveIsTriedAgainWithGrowingPausesUntilItExpires) {
  const auto life = start();
  life->far->state = AttemptState::Failed;
  life->far->reason = "unreachable";
  Request wanted = request("r1");
  wanted.expiry = minutes{10};
  const auto reply = life->submit(wanted);
  ASSERT_TRUE(reply.ok());
  const OperationId id = reply->operation.id;
  EXPECT_EQ(states(id), "QUEUED");
  life->advance(minutes{9});
  const auto& asked = life->far->asked;
  ASSERT_GE(asked.size(), 8U);
  for (std::size_t i = 1; i < asked.size(); ++i) {
    const auto pause = asked[i].at - asked[i - 1].at;
    EXPECT_GE(pause, milliseconds{500}) << "with jitter, also the first";
    EXPECT_LE(pause, seconds{61});
    EXPECT_NE(asked[i].transaction, asked[i - 1].transaction);
  }
  EXPECT_GE(asked[7].at - asked[6].at, seconds{25});
  life->advance(minutes{3});
  EXPECT_EQ(states(id) + " " + reasons(id), "FAILED expired");
  const std::size_t tries = asked.size();
  life->advance(minutes{10});
  EXPECT_EQ(asked.size(), tries);
}

TEST_F(AnswersTest, FarSideThatIsAwayIsTriedByOneAndAllGoWhenItIsBack) {
  const auto life = start();
  life->far->state = AttemptState::Failed;
  life->far->reason = "unreachable";
  life->far->after = milliseconds{100};
  const OperationId id = life->read("r1", {"M1", "M2", "M3", "M4", "M5"});
  life->advance(minutes{2});
  EXPECT_EQ(states(id), "QUEUED QUEUED QUEUED QUEUED QUEUED");
  EXPECT_LT(life->far->asked.size(), 5U + 12U) << "after the first all rest together";
  life->far->state = AttemptState::Waiting;
  life->advance(minutes{2});
  EXPECT_EQ(states(id), "SENT SENT SENT SENT SENT");
  EXPECT_FALSE(life->figures().paused);
}

TEST_F(AnswersTest, AdapterThatBreaksIsNoReasonToAskTwice) {
  const auto life = start();
  life->far->throws_after = true;
  const OperationId a = life->read("r1", {"M1"});
  EXPECT_EQ(states(a) + " " + reasons(a), "SENT adapter_defect");
  life->far->throws_after = false;
  life->far->forgets = 1;
  const OperationId b = life->read("r2", {"M2"});
  EXPECT_EQ(states(b), "SENT");
  life->far->forgets = 0;
  life->far->asks = false;  // it answers Waiting, and never asked whether it may send
  const OperationId c = life->read("r3", {"M3"});
  EXPECT_EQ(states(c) + " " + reasons(c), "UNKNOWN sent_unmarked");
  life->advance(hours{1});
  EXPECT_EQ(states(a) + " " + states(b), "TIMED_OUT TIMED_OUT");
  EXPECT_EQ(life->far->asked.size(), 3U);
  EXPECT_EQ(life->logged("COMMAND_ADAPTER_DEFECT"), 3U);
  life->far->asks = true;
  life->far->throws_before = true;
  const OperationId d = life->read("r4", {"M4"});
  EXPECT_EQ(states(d), "QUEUED") << "nothing can have left";
  life->far->throws_before = false;
  life->advance(seconds{5});
  EXPECT_EQ(states(d), "SENT");
}

TEST_F(AnswersTest, NothingLeavesWhileTheStoreIsAwayAndAllGoesOnWhenItIsBack) {
  const auto life = start();
  life->feed.limits.in_flight = 1;
  life->attach();
  const OperationId a = life->read("r1", {"M1"}), b = life->read("r2", {"M2"});
  const std::string t = transaction(a);
  sql("ALTER TABLE operation_target RENAME TO away");
  const Outcome waits = life->take({{t, "B1", "done"}});
  ASSERT_FALSE(waits.ok());
  EXPECT_EQ(waits.error().fault, Fault::Transient);
  EXPECT_FALSE(life->submit(request("r3")).ok());
  life->advance(minutes{2});
  EXPECT_EQ(life->logged("COMMANDS_STORE_FAILING"), 1U);
  EXPECT_EQ(life->far->sent().size(), 1U);
  sql("ALTER TABLE away RENAME TO operation_target");
  ASSERT_TRUE(life->take({{t, "B1", "done"}}).ok());
  life->advance(seconds{5});
  EXPECT_EQ(states(a) + " " + states(b), "SUCCEEDED SENT");
}

TEST_F(AnswersTest, StoreThatFailsAtTheMomentOfSendingKeepsTheByteBack) {
  const auto life = start();
  life->far->before = seconds{2};
  const OperationId id = life->read("r1", {"M1"});
  sql("ALTER TABLE operation_target RENAME TO away");
  life->advance(seconds{30});
  EXPECT_TRUE(life->far->sent().empty());
  sql("ALTER TABLE away RENAME TO operation_target");
  life->advance(minutes{2});
  EXPECT_EQ(states(id), "SENT");
  EXPECT_EQ(life->far->sent().size(), 1U);
}

TEST_F(AnswersTest, ReplyThatCannotBeStoredAtOnceIsStoredLater) {
  const auto life = start();
  life->far->state = AttemptState::Succeeded;
  life->far->after = seconds{2};
  const OperationId id = life->read("r1", {"M1"});
  sql("ALTER TABLE operation_target RENAME TO away");
  life->advance(seconds{10});
  sql("ALTER TABLE away RENAME TO operation_target");
  EXPECT_EQ(states(id), "SENT");
  life->advance(seconds{3});
  EXPECT_EQ(states(id), "SUCCEEDED");
}

TEST_F(AnswersTest, AnswersThatTheStoreCanNeverTakeAreRefusedAndNotAskedForAgain) {
  const auto life = start();
  sql("ALTER TABLE operation_answer ADD CONSTRAINT never CHECK (false)");
  const Outcome refused = life->take({{"nobody-1-2", "B1", "done"}});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().fault, Fault::Permanent) << refused.error().message;
}

TEST_F(AnswersTest, StraysThatLookAlikeWhenTheirPartsAreJoinedAreKeptEach) {
  const auto life = start();
  const Outcome outcome = life->take({{"nobody-1-2", "M|UNKNOWN|", "w"}, {"nobody-1-2", "M", "UNKNOWN||w"}});
  ASSERT_TRUE(outcome.ok()) << outcome.error().message;
  EXPECT_EQ(sql("SELECT meter, words, times FROM operation_answer ORDER BY meter"),
            (storage::Table{{"M", "UNKNOWN||w", "1"}, {"M|UNKNOWN|", "w", "1"}}));
}

TEST_F(AnswersTest, ResultsOfAFeedThatIsNotKnownYetWait) {
  const auto life = start();
  const Outcome outcome = life->take({{"a-1-b", "B1", "done"}}, "another");
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.error().fault, Fault::Transient);
  EXPECT_TRUE(life->take({{"", "B1", "done"}}, "another").ok()) << "what is no answer of ours need not wait";
}

}  // namespace
}  // namespace ami::daemon::commands
