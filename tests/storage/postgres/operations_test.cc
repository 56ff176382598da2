// The contract of the store of commands: what may be repeated, what excludes what, and what survives.
#include "storage/postgres/operations.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "storage/postgres/maintenance.h"
#include "storage/postgres/meter_ways.h"
#include "storage/postgres/reset_checks.h"
#include "tests/storage/postgres/role_logins.h"
#include "tests/storage/postgres/store_fixture.h"

namespace ami::storage {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

const UtcInstant kNow = at("2026-01-15T12:00:00Z");

class OperationsTest : public StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    operations = std::make_unique<Operations>(*database);
    for (int i = 1; i <= 4; ++i)
      meters.push_back(meter(north, "M" + std::to_string(i), "B" + std::to_string(i)));
  }

  NewOperation read(const std::string& request, std::vector<int> of = {1}) const {
    NewOperation out;
    out.utility = north;
    out.caller = "cn=mdm";
    out.request_id = request;
    out.order_id = "WO-1";
    out.purpose = "billing";
    out.created_at = kNow;
    out.expires_at = kNow + hours{1};
    for (const int m : of) {
      NewTarget target;
      target.meter = "M" + std::to_string(m);
      target.meter_id = meters.at(static_cast<std::size_t>(m) - 1);
      target.feed = "radio";
      target.vendor_id = "B" + std::to_string(m);
      target.pacing_group = "F1";
      out.targets.push_back(target);
    }
    return out;
  }
  NewOperation reset(const std::string& request, int m = 1) const {
    NewOperation out = read(request, {m});
    out.kind = OperationKind::DemandReset;
    return out;
  }
  OperationId make(const NewOperation& asked) {
    const auto made = operations->create(asked, rules);
    EXPECT_TRUE(made.ok()) << (made.ok() ? "" : made.refusal().message);
    return made.ok() ? made->operation.id : 0;
  }
  std::vector<TargetKey> send(OperationId id, const std::string& transaction,
                              std::vector<std::int32_t> numbers = {0}) {
    std::vector<Operations::Due> due;
    for (const std::int32_t number : numbers) due.push_back({{id, number}, kNow + minutes{6}});
    const auto refused = operations->mark_sent({transaction, id, 1, kNow}, due);
    EXPECT_TRUE(refused.ok()) << (refused.ok() ? "" : refused.refusal().message);
    return refused.ok() ? *refused : std::vector<TargetKey>{};
  }
  static TargetAnswer says(TargetState state, const std::string& reason = {}) {
    TargetAnswer out;
    out.state = state;
    out.reason = reason;
    return out;
  }
  AnswerFate settle(OperationId id, const TargetAnswer& answer, UtcInstant now = kNow + minutes{1}) {
    const auto fates = operations->settle(north, "radio", {{{id, 0}, "t", "B1", answer}}, now);
    EXPECT_TRUE(fates.ok()) << (fates.ok() ? "" : fates.refusal().message);
    return fates.ok() ? fates->fates.at(0) : AnswerFate::Stray;
  }
  static std::string told(const Answer<std::vector<EndedTarget>>& ends) {
    if (!ends.ok()) return ends.refusal().message;
    std::vector<EndedTarget> sorted = *ends;
    std::ranges::sort(sorted, {}, &EndedTarget::key);
    std::string out;
    for (const EndedTarget& end : sorted) {
      out += std::to_string(end.key.number) + " " + std::string(name_of(end.state)) + " " + end.reason +
             to_text(end.at) + ", ";
    }
    return out;
  }
  std::string state(OperationId id, int number = 0) const {
    return one("SELECT state FROM operation_target WHERE operation_id = " + std::to_string(id) +
               " AND number = " + std::to_string(number));
  }
  template <class T>
  static std::string rule(const Answer<T>& answer) {
    if (answer.ok()) return "accepted";
    return answer.refusal().rule ? answer.refusal().rule->name : "refused: " + answer.refusal().message;
  }

  std::unique_ptr<Operations> operations;
  std::vector<MeterId> meters;
  ResetRules rules;
};

TEST_F(OperationsTest, SameRequestIsTheSameOperationAndAnotherUnderItsNameIsRefused) {
  const auto first = operations->create(read("r1", {1, 2}), rules);
  ASSERT_TRUE(first.ok()) << first.refusal().message;
  EXPECT_FALSE(first->repeated);
  EXPECT_EQ(first->operation.count(TargetState::Queued), 2U);
  NewOperation later = read("r1", {1, 2});
  later.created_at += minutes{5};
  later.expires_at += minutes{5};
  const auto again = operations->create(later, rules);
  ASSERT_TRUE(again.ok()) << again.refusal().message;
  EXPECT_TRUE(again->repeated);
  EXPECT_EQ(again->operation.id, first->operation.id);
  EXPECT_EQ(again->operation.created_at, kNow);
  EXPECT_EQ(one("SELECT count(*) FROM operation_target"), "2");

  EXPECT_EQ(operations->find_request(read("r1", {1, 2})).value()->period, std::nullopt);
  NewOperation others[] = {read("r1", {2, 1}), read("r1", {1}),    read("r1", {1, 2}),
                           read("r1", {1, 2}), read("r1", {1, 2}), read("r1", {1, 2})};
  others[2].order_id = "WO-2";
  others[3].priority = 3;
  others[4].expiry = seconds{60};
  others[5].kind = OperationKind::Ping;
  for (const NewOperation& other : others) {
    const auto refused = operations->create(other, rules);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.refusal().kind, Refusal::Kind::Collision);
    EXPECT_EQ(refused.refusal().field, "request_id");
    EXPECT_FALSE(operations->find_request(other).ok());
  }
  NewOperation foreign = read("r1", {1, 2});
  foreign.caller = "cn=oms";
  EXPECT_FALSE(operations->create(foreign, rules)->repeated) << "request ids are the caller's own";
  EXPECT_EQ(operations->find_request(read("r1", {1, 2})).value()->id, first->operation.id);
  EXPECT_EQ(operations->find_request(read("r2")).value(), std::nullopt);
}

TEST_F(OperationsTest, RequestThatComesTwiceAtOnceIsKeptOnce) {
  std::vector<std::optional<Answer<Operations::Created>>> made(8);
  std::vector<std::thread> threads;
  for (auto& one_made : made)
    threads.emplace_back([&] { one_made.emplace(operations->create(read("r1", {1, 2, 3}), rules)); });
  for (std::thread& thread : threads) thread.join();
  int fresh = 0;
  for (const auto& one_made : made) {
    ASSERT_TRUE(one_made->ok()) << one_made->refusal().message;
    fresh += (*one_made)->repeated ? 0 : 1;
  }
  EXPECT_EQ(fresh, 1);
  EXPECT_EQ(one("SELECT count(*) FROM operation_target"), "3");
}

TEST_F(OperationsTest, TargetsThatCannotBeAskedFailAtOnce) {
  NewOperation asked = read("r1", {1, 2});
  asked.targets[1] = {"NOBODY", 0, "", "", "", "no_such_meter", "no meter 'NOBODY'"};
  const OperationId id = make(asked);
  const auto page = operations->targets(north, id, {});
  ASSERT_TRUE(page.ok());
  ASSERT_EQ(page->items.size(), 2U);
  EXPECT_EQ(page->items[0].state, TargetState::Queued);
  EXPECT_EQ(page->items[1].state, TargetState::Failed);
  EXPECT_EQ(page->items[1].meter, "NOBODY");
  EXPECT_EQ(page->items[1].answer.reason, "no_such_meter");
  EXPECT_EQ(page->items[1].ended_at, kNow);
  EXPECT_EQ(operations->unfinished("radio").value().size(), 1U);
  NewOperation none = read("r2");
  none.targets.clear();
  EXPECT_EQ(operations->create(none, rules).refusal().kind, Refusal::Kind::Invalid);
}

TEST_F(OperationsTest, TextFromOutsideIsKeptWhateverItHolds) {
  NewOperation asked = read(std::string("r\0\xff'; DROP TABLE operation; --", 30));
  asked.targets[0].vendor_id = "B\xc3";
  asked.order_id = "\x01";
  const auto made = operations->create(asked, rules);
  ASSERT_FALSE(made.ok()) << "a request_id that PostgreSQL cannot hold is no request_id";
  asked.request_id = "r'; DROP TABLE operation; --";
  const OperationId id = make(asked);
  EXPECT_EQ(operations->get(north, id).value().request_id, asked.request_id);
  send(id, "t");
  TargetAnswer answer = says(TargetState::Failed, std::string(500, 'x'));
  answer.words = std::string(5000, '\xff');
  EXPECT_EQ(settle(id, answer), AnswerFate::Ended);
  EXPECT_EQ(one("SELECT length(reason) FROM operation_target"), "64");
  EXPECT_EQ(one("SELECT length(words) FROM operation_target"), "2000") << "500 bytes, each as \\xff";
}

TEST_F(OperationsTest, SentIsStoredForAllOfAnAttemptOrForNone) {
  const OperationId id = make(read("r1", {1, 2, 3}));
  EXPECT_TRUE(operations->cancel(north, make(read("other", {4})), "ops", kNow).ok());
  ASSERT_TRUE(operations->finish({{{id, 1}, says(TargetState::Failed, "failed")}}, kNow).ok());
  EXPECT_EQ(send(id, "t1", {0, 1, 2}), (std::vector<TargetKey>{{id, 1}}));
  EXPECT_EQ(state(id, 0) + state(id, 2), "QUEUEDQUEUED");
  EXPECT_EQ(send(id, "t1", {0, 2, 7}), (std::vector<TargetKey>{{id, 7}})) << "there is no number 7";
  EXPECT_EQ(send(id, "t1", {2, 0}), std::vector<TargetKey>{});
  EXPECT_EQ(state(id, 0) + state(id, 2), "SENTSENT");
  EXPECT_EQ(send(id, "t2", {0}), (std::vector<TargetKey>{{id, 0}})) << "what is SENT is never sent again";
  EXPECT_EQ(one("SELECT attempts FROM operation WHERE operation_id = " + std::to_string(id)), "1");
  const auto found = operations->find("radio", {"t1", "t2"});
  ASSERT_EQ(found->size(), 2U);
  EXPECT_EQ(found->at(0).transaction, "t1");
  EXPECT_EQ(found->at(0).answer_due_at, kNow + minutes{6});
  EXPECT_TRUE(operations->find("another", {"t1"})->empty()) << "transactions are a feed's own";
}

TEST_F(OperationsTest, OnlyWhatSurelyDidNotLeaveGoesBackAndNeverAReset) {
  const OperationId id = make(read("r1", {1, 2})), other = make(reset("r2", 3));
  send(id, "t1", {0, 1});
  send(other, "t9");
  EXPECT_TRUE(operations->requeue({{id, 0}}, "t2")->empty()) << "of another attempt";
  ASSERT_TRUE(operations->finish({{{id, 1}, says(TargetState::Succeeded)}}, kNow).ok());
  EXPECT_EQ(*operations->requeue({{id, 0}, {id, 1}}, "t1"), (std::vector<TargetKey>{{id, 0}}));
  EXPECT_TRUE(operations->requeue({{id, 0}, {id, 1}}, "t1")->empty());
  EXPECT_TRUE(operations->requeue({{other, 0}}, "t9")->empty());
  EXPECT_EQ(state(id, 0) + state(id, 1) + state(other), "QUEUEDSUCCEEDEDSENT");
  EXPECT_TRUE(operations->find("radio", {"t1"})->at(0).key == (TargetKey{id, 1}));
}

TEST_F(OperationsTest, FinishCountsOnce) {
  const OperationId id = make(read("r1", {1, 2}));
  send(id, "t1", {0});
  TargetAnswer done = says(TargetState::Succeeded);
  done.power = "POWERED";
  done.at = kNow - seconds{3};
  const std::vector<Operations::End> ends{{{id, 0}, done}, {{id, 1}, says(TargetState::Failed, "rejected")}};
  const std::string both = "0 SUCCEEDED 2026-01-15T12:00:00Z, 1 FAILED rejected2026-01-15T12:00:00Z, ";
  EXPECT_EQ(told(operations->finish(ends, kNow)), both);
  EXPECT_EQ(told(operations->finish(ends, kNow + hours{1})), both) << "again says how they have ended";
  EXPECT_EQ(told(operations->finish({{{id, 0}, says(TargetState::Failed, "failed")}}, kNow + hours{1})),
            "0 SUCCEEDED 2026-01-15T12:00:00Z, ");
  EXPECT_EQ(told(operations->finish({{{id + 1000, 0}, done}}, kNow)),
            "0 CANCELLED gone2026-01-15T12:00:00Z, ");
  const auto page = operations->targets(north, id, {});
  EXPECT_EQ(page->items[0].state, TargetState::Succeeded);
  EXPECT_EQ(page->items[0].answer.power, "POWERED");
  EXPECT_EQ(page->items[0].answer.switch_position, "");
  EXPECT_EQ(page->items[0].answer.at, kNow - seconds{3});
  EXPECT_EQ(page->items[0].ended_at, kNow);
  EXPECT_TRUE(operations->get(north, id)->done());
}

TEST_F(OperationsTest, HowTargetsEndedIsToldWhoeverEndedThem) {
  const OperationId id = make(read("r1", {1, 2, 3, 4}));
  send(id, "t", {0, 1, 2});
  ASSERT_TRUE(operations->finish({{{id, 1}, says(TargetState::Failed, "rejected")}}, kNow).ok());
  EXPECT_EQ(told(operations->ends({{id, 0}, {id, 1}, {id, 3}})), "1 FAILED rejected2026-01-15T12:00:00Z, ");
  ASSERT_EQ(operations->end_overdue(kNow + minutes{6})->size(), 2U);
  EXPECT_EQ(told(operations->ends({{id, 2}, {id, 3}})), "2 TIMED_OUT no_answer2026-01-15T12:06:00Z, ");
  const auto gone = operations->ends({{id, 9}});
  ASSERT_EQ(gone->size(), 1U);
  EXPECT_EQ(gone->at(0).state, TargetState::Cancelled);
  EXPECT_EQ(gone->at(0).reason, "gone");
  EXPECT_TRUE(operations->ends({})->empty());
  // Answers that end nothing any more say so, too.
  const auto settled = operations->settle(north, "radio",
                                          {{{id, 0}, "t", "B1", says(TargetState::Succeeded)},
                                           {{id, 1}, "t", "B2", says(TargetState::Failed, "rejected")},
                                           {{id, 3}, "t", "B4", says(TargetState::Succeeded)}},
                                          kNow + hours{1});
  ASSERT_TRUE(settled.ok());
  EXPECT_EQ(settled->fates,
            (std::vector<AnswerFate>{AnswerFate::Late, AnswerFate::Duplicate, AnswerFate::Ended}));
  EXPECT_EQ(told(storage::Answer<std::vector<EndedTarget>>(settled->ended)),
            "0 TIMED_OUT no_answer2026-01-15T12:06:00Z, 1 FAILED rejected2026-01-15T12:00:00Z, "
            "3 SUCCEEDED 2026-01-15T13:00:00Z, ");
}

TEST_F(OperationsTest, WhoJoinsWhatHasLeftMayBeStoredTwiceAndAnAttemptMayNot) {
  const OperationId id = make(read("r1", {1}));
  const std::vector<Operations::Due> due{{{id, 0}, kNow + minutes{6}}};
  EXPECT_TRUE(operations->mark_sent({"t1", 0, 0, kNow}, due)->empty());
  EXPECT_TRUE(operations->mark_sent({"t1", 0, 0, kNow}, due)->empty());
  EXPECT_EQ(operations->mark_sent({"t2", 0, 0, kNow}, due)->size(), 1U);
  EXPECT_EQ(operations->mark_sent({"t1", id, 1, kNow}, due)->size(), 1U)
      << "what is SENT is never sent again";
}

TEST_F(OperationsTest, SameChoiceIsTheSameRequestWhateverItFinds) {
  NewOperation asked = read("b1", {1, 2});
  asked.kind = OperationKind::Backfill;
  asked.period = Period{at("2026-01-10T05:00:00Z"), at("2026-01-11T05:00:00Z")};
  asked.choice = "open gaps of feed radio";
  const OperationId id = make(asked);
  asked.targets.pop_back();
  EXPECT_TRUE(operations->create(asked, rules)->repeated);
  EXPECT_EQ(operations->find_request(asked).value()->id, id);
  asked.choice = "open gaps";
  EXPECT_EQ(operations->create(asked, rules).refusal().kind, Refusal::Kind::Collision);
  asked.choice.clear();
  EXPECT_EQ(operations->create(asked, rules).refusal().kind, Refusal::Kind::Collision);
}

TEST_F(OperationsTest, TimeEndsWhatIsOverdueByWhatItMayHaveDone) {
  const OperationId sent = make(read("r1")), queued = make(read("r2", {2})), cleared = make(reset("r3", 3));
  NewOperation ping = read("r4", {4});
  ping.kind = OperationKind::Ping;
  const OperationId pinged = make(ping);
  send(sent, "t1");
  send(cleared, "t3");
  send(pinged, "t4");
  ASSERT_TRUE(operations->note({{{cleared, 0}, says(TargetState::Unknown, "unreadable_answer")}}).ok());
  EXPECT_TRUE(operations->end_overdue(kNow + minutes{6} - seconds{1})->empty());
  EXPECT_EQ(operations->end_overdue(kNow + minutes{6})->size(), 3U);
  EXPECT_EQ(state(sent) + " " + state(cleared) + " " + state(pinged) + " " + state(queued),
            "TIMED_OUT UNKNOWN TIMED_OUT QUEUED");
  EXPECT_EQ(one("SELECT string_agg(reason, ' ' ORDER BY operation_id) FROM operation_target WHERE state <> "
                "'QUEUED'"),
            "no_answer unreadable_answer no_answer");
  EXPECT_EQ(operations->end_overdue(kNow + hours{1})->size(), 1U);
  EXPECT_EQ(operations->targets(north, queued, {})->items[0].answer.reason, "expired");
  EXPECT_EQ(state(queued), "FAILED");
  EXPECT_TRUE(operations->end_overdue(kNow + hours{99})->empty());
}

TEST_F(OperationsTest, CancelTakesBackWhatHasNotLeft) {
  const OperationId id = make(read("r1", {1, 2, 3}));
  send(id, "t1", {1});
  const auto cancelled = operations->cancel(north, id, "cn=ops", kNow + seconds{9});
  ASSERT_TRUE(cancelled.ok()) << cancelled.refusal().message;
  EXPECT_EQ(cancelled->targets.size(), 2U);
  EXPECT_EQ(cancelled->operation.count(TargetState::Cancelled), 2U);
  EXPECT_EQ(cancelled->operation.count(TargetState::Sent), 1U);
  EXPECT_EQ(cancelled->operation.cancelled_by, "cn=ops");
  const auto again = operations->cancel(north, id, "cn=other", kNow + hours{1});
  EXPECT_TRUE(again->targets.empty());
  EXPECT_EQ(again->operation.cancelled_by, "cn=ops") << "who came first";
  EXPECT_EQ(send(id, "t2", {0}), (std::vector<TargetKey>{{id, 0}}));
  EXPECT_EQ(settle(id, says(TargetState::Succeeded)), AnswerFate::Late) << "0 never left: what answers it?";
  EXPECT_EQ(operations->cancel(south, id, "cn=ops", kNow).refusal().kind, Refusal::Kind::NotFound);
  EXPECT_EQ(one("SELECT count(*) FROM asset_audit WHERE action = 'cancel_operation' AND actor = 'cn=ops'"),
            "1");
}

TEST_F(OperationsTest, FirstAnswerEndsAndNoLaterOneChangesTheEnd) {
  const OperationId id = make(read("r1"));
  send(id, "t");
  EXPECT_EQ(settle(id, says(TargetState::Sent)), AnswerFate::Goes);
  EXPECT_EQ(settle(id, says(TargetState::Unknown, "unreadable_answer")), AnswerFate::Goes);
  EXPECT_EQ(operations->targets(north, id, {})->items[0].answer.reason, "unreadable_answer");
  EXPECT_EQ(settle(id, says(TargetState::Succeeded)), AnswerFate::Ended);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(settle(id, says(TargetState::Succeeded)), AnswerFate::Duplicate);
  EXPECT_EQ(settle(id, says(TargetState::Sent)), AnswerFate::Duplicate);
  EXPECT_EQ(one("SELECT count(*) FROM operation_answer"), "0");
  for (int i = 0; i < 10; ++i)
    EXPECT_EQ(settle(id, says(TargetState::Failed, "failed"), kNow + minutes{i}), AnswerFate::Late);
  EXPECT_EQ(state(id), "SUCCEEDED");
  const auto kept = operations->answers(north, id);
  ASSERT_EQ(kept->size(), 1U);
  EXPECT_EQ(kept->at(0).times, 10);
  EXPECT_EQ(kept->at(0).found, TargetState::Succeeded);
  EXPECT_EQ(kept->at(0).answer.state, TargetState::Failed);
  EXPECT_EQ(kept->at(0).received_at, kNow);
  EXPECT_EQ(kept->at(0).last_received_at, kNow + minutes{9});
  EXPECT_EQ(operations->targets(north, id, {})->items[0].answers, 1);
}

TEST_F(OperationsTest, TimedOutStaysAndUnknownIsResolvedByEvidence) {
  const OperationId timed = make(read("r1")), cleared = make(reset("r2", 2));
  send(timed, "t");
  send(cleared, "t");
  ASSERT_EQ(operations->end_overdue(kNow + minutes{6})->size(), 2U);
  EXPECT_EQ(settle(timed, says(TargetState::Succeeded), kNow + hours{1}), AnswerFate::Late);
  EXPECT_EQ(state(timed), "TIMED_OUT");
  EXPECT_EQ(settle(cleared, says(TargetState::Unknown, "unreadable_answer"), kNow + hours{1}),
            AnswerFate::Duplicate)
      << "it says what is known: nothing";
  EXPECT_EQ(settle(cleared, says(TargetState::Succeeded), kNow + hours{2}), AnswerFate::Resolved);
  EXPECT_EQ(settle(cleared, says(TargetState::Succeeded), kNow + hours{2}), AnswerFate::Duplicate);
  EXPECT_EQ(settle(cleared, says(TargetState::Failed, "failed"), kNow + hours{3}), AnswerFate::Late);
  const auto target = operations->targets(north, cleared, {})->items.at(0);
  EXPECT_EQ(target.state, TargetState::Succeeded);
  EXPECT_EQ(target.ended_at, kNow + minutes{6});
  EXPECT_EQ(target.resolved_at, kNow + hours{2});
  EXPECT_EQ(one("SELECT count(*) FROM asset_audit WHERE action = 'resolve_unknown'"), "1");
}

TEST_F(OperationsTest, AnswersToNothingOfOursAreKeptOnceAndCounted) {
  for (int i = 0; i < 3; ++i) {
    const auto fates = operations->settle(north, "radio",
                                          {{{}, "zzz", "B1", says(TargetState::Unknown)},
                                           {{}, "zzz", "B1", says(TargetState::Unknown)},
                                           {{}, "zzz", "B2", says(TargetState::Unknown)},
                                           {{99, 0}, "gone", "B2", says(TargetState::Succeeded)}},
                                          kNow);
    ASSERT_TRUE(fates.ok()) << fates.refusal().message;
    EXPECT_EQ(fates->fates, std::vector<AnswerFate>(4, AnswerFate::Stray));
    EXPECT_TRUE(fates->ended.empty());
  }
  const auto rows = sql("SELECT transaction, meter, times, operation_id FROM operation_answer ORDER BY 1, 2");
  EXPECT_EQ(rows, (Table{{"gone", "B2", "3", "0"}, {"zzz", "B1", "6", "0"}, {"zzz", "B2", "3", "0"}}));
}

TEST_F(OperationsTest, OneDemandResetAMeterAndNoneInTheLockOut) {
  const OperationId first = make(reset("r1"));
  EXPECT_EQ(rule(operations->create(reset("r2"), rules)), "DEMAND_RESET_LIVE");
  EXPECT_TRUE(operations->create(reset("r1"), rules)->repeated) << "the same request is no second reset";
  make(reset("r3", 2));
  send(first, "t");
  EXPECT_EQ(rule(operations->create(reset("r2"), rules)), "DEMAND_RESET_LIVE");
  ASSERT_TRUE(operations->finish({{{first, 0}, says(TargetState::Succeeded)}}, kNow).ok());
  NewOperation next = reset("r4");
  next.created_at = kNow + rules.lock_out - seconds{1};
  next.expires_at = next.created_at + hours{1};
  const auto refused = operations->create(next, rules);
  EXPECT_EQ(rule(refused), "DEMAND_RESET_LOCK_OUT");
  EXPECT_EQ(refused.refusal().rule->facts.at("operation"), std::to_string(first));
  EXPECT_NE(refused.refusal().message.find("2026-02-09T12:00:00Z"), std::string::npos)
      << refused.refusal().message;
  next.created_at += seconds{1};
  EXPECT_EQ(rule(operations->create(next, rules)), "accepted");
}

TEST_F(OperationsTest, ResetThatMayHaveHappenedLocksOutAndOneThatDidNotDoesNot) {
  const OperationId unknown = make(reset("r1")), failed = make(reset("r2", 2)),
                    cancelled = make(reset("r3", 3));
  send(unknown, "t1");
  send(failed, "t2");
  ASSERT_TRUE(operations->finish({{{failed, 0}, says(TargetState::Failed, "rejected")}}, kNow).ok());
  ASSERT_TRUE(operations->cancel(north, cancelled, "ops", kNow).ok());
  ASSERT_TRUE(operations->end_overdue(kNow + minutes{6}).ok());
  EXPECT_EQ(rule(operations->create(reset("n1"), rules)), "DEMAND_RESET_LOCK_OUT");
  EXPECT_EQ(rule(operations->create(reset("n2", 2), rules)), "accepted");
  EXPECT_EQ(rule(operations->create(reset("n3", 3), rules)), "accepted");
  EXPECT_EQ(
      one("SELECT count(*) FROM asset_audit WHERE action = 'request_demand_reset' AND actor = 'cn=mdm'"),
      "5");
}

TEST_F(OperationsTest, TwoResetsAtOnceAreOne) {
  for (int round = 0; round < 10; ++round) {
    const int m = round % 4 + 1;
    std::vector<std::string> told(4);
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < told.size(); ++i) {
      threads.emplace_back([&, i] {
        NewOperation asked = reset("r" + std::to_string(round) + "-" + std::to_string(i), m);
        asked.created_at = kNow + std::chrono::days{100 * round};
        asked.expires_at = asked.created_at + hours{1};
        told[i] = rule(operations->create(asked, rules));
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(std::ranges::count(told, "accepted"), 1) << told[0] << told[1] << told[2] << told[3];
    EXPECT_EQ(std::ranges::count(told, "DEMAND_RESET_LIVE"), 3) << told[0] << told[1] << told[2] << told[3];
    sql("UPDATE operation_target SET state = 'FAILED', ended_at = now() WHERE state = 'QUEUED'");
  }
}

TEST_F(OperationsTest, ReadGoesBeforeAResetAndIsFoundAgain) {
  NewOperation asked = reset("r1");
  asked.read_before = true;
  const auto made = operations->create(asked, rules);
  ASSERT_TRUE(made.ok()) << made.refusal().message;
  ASSERT_TRUE(made->read_before.has_value());
  EXPECT_EQ(made->read_before->kind, OperationKind::Read);
  EXPECT_EQ(made->read_before->on_behalf_of, "cn=mdm");
  EXPECT_FALSE(operations->create(asked, rules)->read_before.has_value());
  EXPECT_EQ(one("SELECT count(*) FROM operation"), "2");
  auto left = operations->unfinished("radio").value();
  ASSERT_EQ(left.size(), 2U);
  EXPECT_EQ(left[1].after, made->read_before->id);
  EXPECT_EQ(left[1].before, TargetState::Queued);
  ASSERT_TRUE(operations->finish({{left[0].key, says(TargetState::Succeeded)}}, kNow).ok());
  left = operations->unfinished("radio").value();
  ASSERT_EQ(left.size(), 1U);
  EXPECT_EQ(left[0].kind, OperationKind::DemandReset);
  EXPECT_EQ(left[0].before, TargetState::Succeeded);
  EXPECT_EQ(left[0].before_at, kNow);
}

TEST_F(OperationsTest, UnfinishedOfAFeedIsAllThatARestartNeeds) {
  NewOperation asked = read("r1", {1, 2, 3});
  asked.priority = 7;
  asked.targets[2].feed = "other";
  const OperationId id = make(asked);
  send(id, "t1", {1});
  const auto left = operations->unfinished("radio").value();
  ASSERT_EQ(left.size(), 2U);
  EXPECT_EQ(left[0].state, TargetState::Queued);
  EXPECT_EQ(left[0].priority, 7);
  EXPECT_EQ(left[0].attempts, 1);
  EXPECT_EQ(left[0].vendor_id, "B1");
  EXPECT_EQ(left[0].pacing_group, "F1");
  EXPECT_EQ(left[0].expires_at, kNow + hours{1});
  EXPECT_EQ(left[1].state, TargetState::Sent);
  EXPECT_EQ(left[1].transaction, "t1");
  EXPECT_EQ(left[1].sent_at, kNow);
}

TEST_F(OperationsTest, PagesGoNewestFirstAndByNumber) {
  std::vector<OperationId> ids;
  for (int i = 0; i < 5; ++i) ids.push_back(make(read("r" + std::to_string(i), {1, 2, 3})));
  NewOperation ping = read("p", {4});
  ping.kind = OperationKind::Ping;
  const OperationId last = make(ping);
  ASSERT_TRUE(operations->cancel(north, ids[2], "ops", kNow).ok());
  OperationQuery query;
  query.utility = north;
  query.page.size = 4;
  auto page = operations->list(query);
  ASSERT_TRUE(page.ok()) << page.refusal().message;
  ASSERT_EQ(page->items.size(), 4U);
  EXPECT_EQ(page->items[0].id, last);
  EXPECT_EQ(page->items[3].count(TargetState::Cancelled), 3U);
  query.page.token = page->next_token;
  page = operations->list(query);
  ASSERT_EQ(page->items.size(), 2U);
  EXPECT_EQ(page->items[1].id, ids[0]);
  EXPECT_EQ(page->next_token, "");
  query.page = {};
  query.kind = OperationKind::Ping;
  EXPECT_EQ(operations->list(query)->items.size(), 1U);
  query.kind.reset();
  query.meter = meters[3];
  EXPECT_EQ(operations->list(query)->items.size(), 1U);
  query.meter.reset();
  query.unfinished_only = true;
  EXPECT_EQ(operations->list(query)->items.size(), 5U);
  query.utility = south;
  EXPECT_TRUE(operations->list(query)->items.empty());
  query.page.token = "x";
  EXPECT_EQ(operations->list(query).refusal().kind, Refusal::Kind::Invalid);

  const auto targets = operations->targets(north, ids[0], {2, ""});
  ASSERT_EQ(targets->items.size(), 2U);
  const auto rest = operations->targets(north, ids[0], {2, targets->next_token});
  ASSERT_EQ(rest->items.size(), 1U);
  EXPECT_EQ(rest->items[0].key.number, 2);
  EXPECT_EQ(operations->targets(south, ids[0], {}).refusal().kind, Refusal::Kind::NotFound);
  EXPECT_EQ(operations->get(north, last + 1).refusal().kind, Refusal::Kind::NotFound);
}

TEST_F(OperationsTest, TenThousandMetersAreOneRequest) {
  NewOperation asked = read("r1", {1});
  const NewTarget first = asked.targets[0];
  asked.targets.assign(10'000, first);
  for (std::size_t i = 0; i < asked.targets.size(); ++i) asked.targets[i].meter = "M" + std::to_string(i);
  const OperationId id = make(asked);
  EXPECT_EQ(operations->get(north, id)->count(TargetState::Queued), 10'000U);
  asked.request_id = "r2";
  asked.targets.push_back(first);
  EXPECT_EQ(operations->create(asked, rules).refusal().kind, Refusal::Kind::Invalid);
  std::vector<Operations::Due> due;
  for (std::int32_t i = 0; i < 10'000; ++i) due.push_back({{id, i}, kNow + minutes{6}});
  EXPECT_TRUE(operations->mark_sent({"t", id, 1, kNow}, due)->empty());
  std::size_t ended = 0;
  for (auto over = operations->end_overdue(kNow + hours{1}); !over->empty();
       over = operations->end_overdue(kNow + hours{1}))
    ended += over->size();
  EXPECT_EQ(ended, 10'000U);
}

TEST_F(OperationsTest, EachRoleSeesAndDoesWhatItMay) {
  make_logins(conninfo);
  const OperationId mine = make(read("r1"));
  NewOperation foreign = read("r1");
  foreign.utility = south;
  foreign.targets[0].meter_id = meter(south, "S1");
  make(foreign);
  ASSERT_TRUE(operations->settle(north, "radio", {{{}, "zzz", "B1", says(TargetState::Unknown)}}, kNow).ok());
  const auto as = [&](const char* user, const std::string& statements) {
    const SqlEnd end = run_sql(as_user(conninfo, user), statements);
    return end.state.empty() ? end.cell : end.state;
  };
  for (const std::string table : {"operation", "operation_target"}) {
    EXPECT_EQ(as("t_reader", "SELECT count(*) FROM " + table), "0");
    EXPECT_EQ(as("t_reader", "SET ami.utilities = 'north'; SELECT count(*) FROM " + table), "1");
    EXPECT_EQ(as("t_reader", "SET ami.utilities = '*'; SELECT count(*) FROM " + table), "2");
    EXPECT_EQ(as("t_audit", "SELECT count(*) FROM " + table), "2");
    EXPECT_EQ(as("t_ingest", "DELETE FROM " + table), "42501");
    EXPECT_EQ(as("t_reader", "UPDATE " + table + " SET utility_id = 1"), "42501");
    EXPECT_EQ(as("t_switch", "SELECT * FROM " + table), "42501");
  }
  EXPECT_EQ(as("t_reader", "SET ami.utilities = 'south'; SELECT count(*) FROM operation_answer"), "0");
  EXPECT_EQ(as("t_ingest", "DELETE FROM operation_answer"), "42501");
  Database work({.conninfo = as_user(conninfo, "t_ingest")});
  Operations theirs(work);
  EXPECT_TRUE(theirs.mark_sent({"t", mine, 1, kNow}, {{{mine, 0}, kNow}})->empty());
  EXPECT_TRUE(theirs.create(reset("r5", 2), rules).ok());
  Database pool({.conninfo = as_user(conninfo, "t_reader")});
  Database view(pool, {"south"});
  EXPECT_EQ(Operations(view).get(north, mine).refusal().kind, Refusal::Kind::NotFound);
}

TEST_F(OperationsTest, GoByTheirMonthUnlessTheyAreHeld) {
  NewOperation old = read("r1", {1, 2});
  old.created_at = at("2024-03-05T00:00:00Z");
  old.expires_at = old.created_at + hours{1};
  make(old);
  make(read("r2"));
  ASSERT_TRUE(
      operations->settle(north, "radio", {{{}, "zzz", "B1", says(TargetState::Unknown)}}, old.created_at)
          .ok());
  LegalHold hold;
  hold.utility = north;
  hold.meter = "M1";
  hold.holder = "court";
  hold.reason = "dispute";
  hold.set_by = "clerk";
  ASSERT_TRUE(Retention(*database).set_hold(hold).ok());
  Maintenance maintenance(*database);
  MaintenancePlan plan;
  plan.retention.general["operations"] = 1;
  ASSERT_TRUE(maintenance.run(plan, kNow, [] { return true; }).ok());
  EXPECT_EQ(sql("SELECT meter FROM operation_target ORDER BY created_at, meter"), (Table{{"M1"}, {"M1"}}));
  EXPECT_EQ(one("SELECT count(*) FROM operation"), "2") << "what a hold is about stays whole";
  sql("UPDATE legal_hold SET lifted_by = 'c', lifted_at = now(), lift_reason = 'r'");
  ASSERT_TRUE(maintenance.run(plan, kNow + std::chrono::days{2}, [] { return true; }).ok());
  EXPECT_EQ(one("SELECT count(*) FROM operation"), "1");
  EXPECT_EQ(one("SELECT count(*) FROM operation_target"), "1");
  EXPECT_EQ(one("SELECT count(*) FROM operation_answer"), "0");
}

TEST_F(OperationsTest, StoreThatIsAwayIsSaidToBe) {
  Database away({.conninfo = "host=/nonexistent dbname=none connect_timeout=1"});
  Operations there(away);
  EXPECT_EQ(there.create(read("r1"), rules).refusal().kind, Refusal::Kind::Unavailable);
  EXPECT_EQ(there.mark_sent({"t", 1, 1, kNow}, {{{1, 0}, kNow}}).refusal().kind, Refusal::Kind::Unavailable);
  EXPECT_EQ(there.settle(north, "radio", {}, kNow).refusal().kind, Refusal::Kind::Unavailable);
}

TEST_F(OperationsTest, WaysToAMeterComeFromNamesPlacesModulesAndValues) {
  const UtcInstant then = at("2024-03-10T00:00:00Z");
  ASSERT_TRUE(
      assets->add_alias(north, "M1", {"radio", AliasKind::VendorControl, "V1", {at("2020-01-01T00:00:00Z")}})
          .ok());
  ASSERT_TRUE(
      assets
          ->add_alias(north, "M1",
                      {"old", AliasKind::Mac, "A1", {at("2020-01-01T00:00:00Z"), at("2021-01-01T00:00:00Z")}})
          .ok());
  UsagePointDetail place;
  place.valid.from = at("2020-01-01T00:00:00Z");
  place.feeder = "SUB-7";
  ASSERT_TRUE(assets->create_usage_point(north, "p1", place).ok());
  ASSERT_TRUE(assets->install({north, "M1", "p1", at("2020-01-01T00:00:00Z"), {1, 0}, "", {}}).ok());
  const auto put = [&](const std::string& content, const std::string& feed, MeterId m, const char* first,
                       bool registers) {
    CommitUnit u = unit(content);
    u.source.feed = feed;
    const auto channel = add_channel(u, m, "c-" + content);
    if (registers) {
      add_register(u, channel, at(first), {7, 0});
    } else {
      add_run(u, {.channel = channel, .start = at(first), .values = {1, 2}});
    }
    commit(u);
  };
  put("a", "files", meters[0], "2024-03-01T00:00:00Z", false);
  put("b", "radio", meters[0], "2024-03-08T00:00:00Z", true);
  put("c", "long-ago", meters[0], "2023-11-01T00:00:00Z", false);
  put("d", "files", meters[1], "2024-03-09T00:00:00Z", true);

  Ways ways(*database);
  const auto found = ways.of(north, {"M2", "M1", "NONE", "M1"}, then);
  ASSERT_TRUE(found.ok()) << found.refusal().message;
  ASSERT_EQ(found->size(), 4U);
  EXPECT_EQ(found->at(0).meter, meters[1]);
  EXPECT_EQ(found->at(0).delivers, std::vector<std::string>{"files"});
  EXPECT_EQ(found->at(0).feeder, "");
  const MeterWays& first = found->at(1);
  EXPECT_EQ(first.delivers, (std::vector<std::string>{"radio", "files"}));
  EXPECT_EQ(first.feeder, "SUB-7");
  ASSERT_EQ(first.names.size(), 2U);
  EXPECT_EQ(first.names[0].value, "B1");
  EXPECT_EQ(first.names[1].feed, "radio");
  EXPECT_EQ(found->at(2).meter, 0);
  EXPECT_EQ(found->at(3).meter, meters[0]);
  const auto typo = ways.of(north, {"MM2"}, then);
  EXPECT_NE(typo->at(0).nearest, "");
  EXPECT_EQ(ways.of(south, {"M1"}, then)->at(0).meter, 0);
}

TEST_F(OperationsTest, BackfillHasAPeriodAndNothingElseHas) {
  const Period day{at("2026-01-10T05:00:00Z"), at("2026-01-11T05:00:00Z")};
  NewOperation asked = read("b1", {1, 2});
  asked.kind = OperationKind::Backfill;
  EXPECT_EQ(operations->create(asked, rules).refusal().field, "period");
  asked.period = day;
  asked.targets[0].substation = "S1";
  asked.targets[0].collector = "C1";
  const OperationId id = make(asked);
  EXPECT_EQ(operations->get(north, id)->kind, OperationKind::Backfill);
  EXPECT_EQ(operations->get(north, id)->period, day);
  const auto left = operations->unfinished("radio");
  ASSERT_EQ(left->size(), 2U);
  EXPECT_EQ(left->at(0).period, day);
  EXPECT_EQ(left->at(0).pacing_group + left->at(0).substation + left->at(0).collector, "F1S1C1");
  EXPECT_EQ(left->at(1).substation, "");
  EXPECT_TRUE(operations->create(asked, rules)->repeated);
  asked.period->to += seconds{1};
  EXPECT_EQ(operations->create(asked, rules).refusal().kind, Refusal::Kind::Collision);
  NewOperation plain = read("r1");
  plain.period = day;
  EXPECT_EQ(operations->create(plain, rules).refusal().kind, Refusal::Kind::Invalid);

  send(id, "t1", {0, 1});
  EXPECT_EQ(operations->requeue({{id, 0}}, "t1")->size(), 1U) << "it changes nothing in a meter";
  ASSERT_EQ(operations->end_overdue(kNow + minutes{6})->size(), 1U);
  EXPECT_EQ(state(id, 1), "TIMED_OUT");
  OperationQuery query;
  query.utility = north;
  query.kind = OperationKind::Backfill;
  EXPECT_EQ(operations->list(query)->items.size(), 1U);
}

TEST_F(OperationsTest, OnlyResetsThatHappenedOrMayHaveAreToBeLookedAt) {
  const OperationId done = make(reset("r1", 1)), unknown = make(reset("r2", 2)),
                    failed = make(reset("r3", 3)), other = make(read("r4", {4}));
  for (const OperationId id : {done, unknown, failed, other}) send(id, "t" + std::to_string(id));
  EXPECT_EQ(settle(done, says(TargetState::Succeeded)), AnswerFate::Ended);
  EXPECT_EQ(settle(failed, says(TargetState::Failed, "failed")), AnswerFate::Ended);
  EXPECT_EQ(settle(other, says(TargetState::Succeeded)), AnswerFate::Ended);
  ASSERT_EQ(operations->end_overdue(kNow + minutes{6})->size(), 1U);
  const auto due = [&] {
    return one(
        "SELECT coalesce(string_agg(meter, ' ' ORDER BY meter), '') FROM operation_target WHERE"
        " verification_due_at IS NOT NULL");
  };
  EXPECT_EQ(due(), "M1 M2");
  EXPECT_EQ(settle(unknown, says(TargetState::Failed, "failed"), kNow + minutes{9}), AnswerFate::Resolved);
  EXPECT_EQ(due(), "M1") << "it did not happen after all";

  ResetChecks checks(*database);
  EXPECT_TRUE(checks.due({"another"}, kNow + hours{1})->empty());
  const auto first = checks.due({"radio"}, kNow + hours{1});
  ASSERT_EQ(first->size(), 1U);
  EXPECT_EQ(first->at(0).meter, "M1");
  EXPECT_TRUE(checks.due({"radio"}, kNow + hours{1})->empty()) << "somebody looks at it";
  EXPECT_EQ(checks.due({"radio"}, kNow + hours{1} + minutes{1})->size(), 1U);
  const OperationId after = make(read("after"));
  ASSERT_TRUE(checks.set_read({done, 0}, after, kNow + hours{1}).ok());
  EXPECT_TRUE(checks.due({"radio"}, kNow + hours{2})->empty()) << "its read is waited for";
  ASSERT_TRUE(operations->finish({{{after, 0}, says(TargetState::Failed, "failed")}}, kNow + hours{2}).ok());
  ASSERT_EQ(checks.due({"radio"}, kNow + hours{2})->size(), 1U);
  ASSERT_TRUE(checks.settle({done, 0}, Verification::Contradicted, "7, then 9", kNow + hours{2}, {}).ok());
  ASSERT_TRUE(
      checks.settle({done, 0}, Verification::Verified, "7, then 8", kNow + hours{3}, kNow + hours{4}).ok());
  const auto target = operations->targets(north, done, {})->items.at(0);
  EXPECT_EQ(target.verification, Verification::Contradicted) << "what was found out stays";
  EXPECT_EQ(target.verification_words, "7, then 9");
  EXPECT_EQ(target.read_after, after);
  EXPECT_EQ(due(), "");
  EXPECT_EQ(checks.facts({4711, 0}).refusal().kind, Refusal::Kind::NotFound);
}

TEST_F(OperationsTest, WaysTellWhereTheMeterIsOnItsNetwork) {
  UsagePointDetail place;
  place.valid.from = at("2020-01-01T00:00:00Z");
  place.feeder = "F1";
  place.substation = "S1";
  place.collector = "C1";
  ASSERT_TRUE(assets->create_usage_point(north, "P1", place).ok());
  ASSERT_TRUE(assets->install({north, "M1", "P1", at("2020-01-01T00:00:00Z"), {1, 0}, "", {}}).ok());
  place.substation = "S2";
  place.valid.from = kNow;
  ASSERT_TRUE(assets->update_usage_point(north, "P1", place).ok());
  Ways ways(*database);
  const auto before = ways.of(north, {"M1"}, kNow - seconds{1}), now = ways.of(north, {"M1", "M2"}, kNow);
  EXPECT_EQ(before->at(0).feeder + before->at(0).substation + before->at(0).collector, "F1S1C1");
  EXPECT_EQ(now->at(0).feeder + now->at(0).substation + now->at(0).collector, "F1S2C1");
  EXPECT_EQ(now->at(1).substation, "");
  EXPECT_EQ(assets->get_usage_point(north, "P1")->details.back().collector, "C1");
}

}  // namespace
}  // namespace ami::storage
