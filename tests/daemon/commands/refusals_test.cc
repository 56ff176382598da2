#include "tests/daemon/commands/life.h"

namespace ami::daemon::commands {
namespace {

using Kind = storage::Refusal::Kind;

class RefusalsTest : public CommandsTest {
 protected:
  static std::string rule(const Reply<Submitted>& reply) {
    if (reply.ok()) return "accepted";
    return reply.refused().refusal.rule ? reply.refused().refusal.rule->name
                                        : reply.refused().refusal.message;
  }
};

TEST_F(RefusalsTest, WrongRequestsNameTheField) {
  const auto life = start();
  struct Case {
    const char* field;
    std::function<void(Request&)> spoil;
  };
  const Case cases[] = {
      {"meters", [](Request& r) { r.meters.clear(); }},
      {"meters", [](Request& r) { r.meters.assign(10'001, "M1"); }},
      {"meters",
       [](Request& r) {
         r.meters = {"M1", ""};
       }},
      {"meters", [](Request& r) { r.meters = {std::string(257, 'M')}; }},
      {"meters",
       [](Request& r) {
         r.kind = OperationKind::DemandReset;
         r.meters = {"M1", "M2"};
       }},
      {"request_id", [](Request& r) { r.request_id.clear(); }},
      {"request_id", [](Request& r) { r.request_id.assign(129, 'x'); }},
      {"caller", [](Request& r) { r.caller.clear(); }},
      {"order_id", [](Request& r) { r.order_id.assign(257, 'x'); }},
      {"on_behalf_of", [](Request& r) { r.on_behalf_of.assign(257, 'x'); }},
      {"purpose", [](Request& r) { r.purpose.assign(257, 'x'); }},
      {"priority", [](Request& r) { r.priority = -1; }},
      {"priority", [](Request& r) { r.priority = 10; }},
      {"expiry", [](Request& r) { r.expiry = seconds{0}; }},
      {"expiry", [](Request& r) { r.expiry = std::chrono::days{8}; }},
  };
  for (const Case& one_case : cases) {
    Request wrong = request("r1");
    one_case.spoil(wrong);
    const auto reply = life->submit(wrong);
    ASSERT_FALSE(reply.ok()) << one_case.field;
    EXPECT_EQ(reply.refused().refusal.kind, Kind::Invalid);
    EXPECT_EQ(reply.refused().refusal.field, one_case.field);
    EXPECT_EQ(reply.refused().retry_after, std::nullopt);
  }
  EXPECT_EQ(one("SELECT count(*) FROM operation"), "0");
  EXPECT_TRUE(life->far->asked.empty());
}

TEST_F(RefusalsTest, WhatCanNeverFitIsSaidToAndNotToComeBack) {
  Rules rules;
  rules.queue = 4;
  const auto life = start(rules);
  const auto reads = life->submit(request("r1", {"M1", "M2", "M3", "M4", "M5"}));
  ASSERT_FALSE(reads.ok());
  EXPECT_EQ(reads.refused().refusal.kind, Kind::Invalid);
  EXPECT_EQ(reads.refused().refusal.field, "meters");
  EXPECT_EQ(reads.refused().refusal.message,
            "5 meters to ask of feed radio, which has room for 4 at most: ask for fewer at once");
  EXPECT_EQ(reads.refused().retry_after, std::nullopt);
  EXPECT_TRUE(life->submit(request("r2", {"M1", "M2", "M3"})).ok());
  const auto full = life->submit(request("r3", {"M4", "M5"}));
  EXPECT_EQ(rule(full), "QUEUE_FULL");
  EXPECT_TRUE(full.refused().retry_after.has_value());
}

TEST_F(RefusalsTest, SingleMeterThatCannotBeAskedIsRefusedWithTheReason) {
  const auto life = start();
  const auto unknown = life->submit(request("r1", {"M11"}));
  ASSERT_FALSE(unknown.ok());
  EXPECT_EQ(unknown.refused().refusal.kind, Kind::NotFound);
  EXPECT_EQ(unknown.refused().refusal.nearest, "M1");

  add_meter(20, {}, "gone");
  const auto unassigned = life->submit(request("r2", {"M20"}));
  EXPECT_EQ(rule(unassigned), "NOT_ASSIGNED");
  EXPECT_NE(unassigned.refused().refusal.message.find("not assigned to an adapter"), std::string::npos);

  life->feed.can.ping = false;
  life->attach();
  Request ping = request("r3");
  ping.kind = OperationKind::Ping;
  const auto silent = life->submit(ping);
  EXPECT_EQ(rule(silent), "NOT_STATED");
  EXPECT_NE(silent.refused().refusal.message.find("states no ping"), std::string::npos);

  life->feed.limits.names = AliasKind::Mac;
  life->attach();
  EXPECT_EQ(rule(life->submit(request("r4"))), "NO_NAME");
  EXPECT_EQ(one("SELECT count(*) FROM operation"), "0");
}

TEST_F(RefusalsTest, OfSeveralMetersThoseThatCannotBeAskedFailAndTheOthersGo) {
  const auto life = start();
  add_meter(20, {}, "gone");
  const OperationId id = life->read("r1", {"M1", "NOBODY", "M20", "M2", "M1"});
  EXPECT_EQ(states(id), "SENT FAILED FAILED SENT") << "named twice counts once";
  EXPECT_EQ(reasons(id), " no_such_meter not_assigned ");
}

TEST_F(RefusalsTest, FeedThatWentAwayKeepsItsQueueUntilItIsBackOrItExpires) {
  const auto life = start();
  life->feed.limits.in_flight = 1;
  life->attach();
  life->read("r0", {"M1"});
  Request soon = request("r1", {"M2"});
  soon.expiry = minutes{2};
  const OperationId a = life->submit(soon)->operation.id, b = life->read("r2", {"M3"});
  life->engine->detach("radio");
  life->advance(minutes{10});
  EXPECT_EQ(states(a) + " " + states(b), "FAILED QUEUED");
  EXPECT_EQ(rule(life->submit(request("r3", {"M4"}))), "NOT_ASSIGNED");
  life->attach();
  life->advance(seconds{1});
  EXPECT_EQ(states(b), "SENT");
}

TEST_F(RefusalsTest, FeedOfAnotherUtilityIsNoWay) {
  const auto life = start();
  Request foreign = request("r1");
  foreign.utility = south;
  const auto reply = life->submit(foreign);
  ASSERT_FALSE(reply.ok());
  EXPECT_EQ(reply.refused().refusal.kind, Kind::NotFound);
}

}  // namespace
}  // namespace ami::daemon::commands
