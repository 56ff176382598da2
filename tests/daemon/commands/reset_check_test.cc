// After a demand reset: the read that is made then, and what is kept of what the values say.
#include "tests/daemon/commands/life.h"

namespace ami::daemon::commands {
namespace {

constexpr const char* kCount = "0.0.0.1.0.1.122.0.0.0.0.0.0.0.0.0.111.0";
constexpr const char* kMaximum = "8.8.53.6.1.1.8.0.0.0.0.0.0.0.0.0.38.0";
constexpr const char* kCopy = "8.8.16.6.1.1.8.0.0.0.0.0.0.0.0.0.38.0";

class ResetCheckTest : public CommandsTest {
 protected:
  Request reset(const std::string& id = "r1", const std::string& meter = "M1") const {
    Request out = request(id, {meter});
    out.kind = OperationKind::DemandReset;
    return out;
  }
  // Values of M1 that come through the feed now, dated now.
  void arrive(Life& life, std::vector<std::pair<const char*, std::int64_t>> values,
              const std::string& feed = "radio") {
    const UtcInstant now = life.host.clock.now();
    storage::CommitUnit u = unit("values" + std::to_string(++units));
    u.source.feed = feed;
    u.source.received_at = now;
    for (const auto& [type, number] : values) {
      const auto channel =
          storage::add_channel(u, std::stoll(one("SELECT meter_id FROM meter WHERE key = 'M1'")), type);
      u.batch.channels[channel].reading_type = type;
      storage::add_register(u, channel, now, {number, 0});
    }
    commit(u);
  }
  // With the read before, which brings these.
  OperationId made(Life& life, std::vector<std::pair<const char*, std::int64_t>> before) {
    const auto reply = life.submit(reset());
    EXPECT_TRUE(reply.ok()) << (reply.ok() ? "" : reply.refused().refusal.message);
    life.advance(seconds{5});
    if (!before.empty()) arrive(life, before);
    EXPECT_TRUE(life.take({{transaction(*reply->read_before), "B1", "done"}}).ok());
    life.advance(seconds{10});
    return reply->operation.id;
  }
  void end(Life& life, OperationId id, const char* word = "done") {
    EXPECT_TRUE(life.take({{transaction(id), "B1", word}}).ok());
    life.advance(seconds{1});
  }
  OperationId read_after(OperationId id) const {
    return std::stoll(one("SELECT coalesce(read_after_id, 0) FROM operation_target WHERE operation_id = " +
                          std::to_string(id)));
  }
  storage::OperationTarget target(OperationId id) const {
    return storage::Operations(*database).targets(north, id, {})->items.at(0);
  }
  static std::string kinds(const Life& life) {
    std::string out;
    for (const auto& asked : life.far->asked) out += std::string(name_of(asked.kind)) + " ";
    return out;
  }
  int units = 0;
};

TEST_F(ResetCheckTest, ReadsAfterwardsAndKeepsThatCountAndCopyAgree) {
  const auto life = start();
  const OperationId id = made(*life, {{kCount, 7}, {kMaximum, 4812}});
  EXPECT_EQ(kinds(*life), "read demand_reset ");
  end(*life, id);
  EXPECT_EQ(kinds(*life), "read demand_reset read ");
  const OperationId after = read_after(id);
  const auto read = storage::Operations(*database).get(north, after);
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->caller, "ami-gatewayd");
  EXPECT_EQ(read->on_behalf_of, "cn=mdm");
  life->advance(seconds{20});
  EXPECT_EQ(target(id).verification, storage::Verification::None) << "the read is waited for";
  arrive(*life, {{kCount, 8}, {kCopy, 4812}, {kMaximum, 310}});
  end(*life, after);
  EXPECT_EQ(target(id).verification, storage::Verification::Verified);
  EXPECT_EQ(target(id).verification_words,
            "reset count 7 before, 8 after; maximum read before 4812 W, copy of the previous period 4812 W");
  EXPECT_EQ(target(id).read_after, after);
  EXPECT_EQ(life->figures().resets.at(storage::Verification::Verified), 1U);
  EXPECT_EQ(one("SELECT count(*) FROM operation_target WHERE verification_due_at IS NOT NULL"), "0");
  EXPECT_EQ(life->logged("COMMAND_RESET_CONTRADICTED"), 0U);
}

TEST_F(ResetCheckTest, ContradictionIsKeptWithBothValuesToldAndNothingIsResetAgain) {
  const auto life = start();
  const OperationId id = made(*life, {{kCount, 7}, {kMaximum, 4812}});
  end(*life, id);
  arrive(*life, {{kCount, 9}, {kCopy, 310}});
  end(*life, read_after(id));
  EXPECT_EQ(target(id).verification, storage::Verification::Contradicted);
  EXPECT_EQ(target(id).verification_words,
            "reset count 7 before, 9 after; maximum read before 4812 W, copy of the previous period 310 W");
  EXPECT_EQ(life->logged("COMMAND_RESET_CONTRADICTED"), 1U);
  for (const std::string& line : life->lines)
    EXPECT_EQ(line.find("4812"), std::string::npos) << "no readings: " << line;
  life->advance(hours{1});
  EXPECT_EQ(kinds(*life), "read demand_reset read ");
  EXPECT_EQ(life->figures().resets.at(storage::Verification::Contradicted), 1U);
  EXPECT_EQ(states(id), "SUCCEEDED");
}

TEST_F(ResetCheckTest, UnknownResetIsLookedAtToo) {
  const auto life = start();
  const OperationId id = made(*life, {{kCount, 7}});
  life->advance(minutes{7});
  EXPECT_EQ(states(id), "UNKNOWN");
  EXPECT_EQ(kinds(*life), "read demand_reset read ");
  arrive(*life, {{kCount, 8}});
  end(*life, read_after(id));
  EXPECT_EQ(target(id).verification, storage::Verification::Verified);
  EXPECT_EQ(states(id), "UNKNOWN") << "only an answer to its own transaction settles that";
}

TEST_F(ResetCheckTest, ResetThatDidNotHappenIsNotLookedAt) {
  const auto life = start();
  const OperationId id = made(*life, {{kCount, 7}});
  end(*life, id, "failed");
  life->advance(minutes{5});
  EXPECT_EQ(kinds(*life), "read demand_reset ");
  EXPECT_EQ(target(id).verification, storage::Verification::None);
}

TEST_F(ResetCheckTest, WithoutValuesItIsNotVerifiableAndStaysSoAfterTwoDays) {
  const auto life = start();
  const OperationId id = made(*life, {});
  end(*life, id);
  end(*life, read_after(id));
  EXPECT_EQ(target(id).verification, storage::Verification::NotVerifiable);
  EXPECT_EQ(target(id).verification_words,
            "no count of resets came with a read before; no copy of the previous period came since");
  EXPECT_EQ(life->figures().resets.size(), 0U) << "values may still come";
  sql("UPDATE operation_target SET ended_at = ended_at - interval '2 days', sent_at = sent_at - interval '2 "
      "days',"
      " created_at = created_at - interval '2 days', verification_due_at = '2026-01-15T00:00:00Z' WHERE "
      "operation_id "
      "= " +
      std::to_string(id));
  life->advance(minutes{2});
  EXPECT_EQ(life->figures().resets.at(storage::Verification::NotVerifiable), 1U);
  EXPECT_EQ(one("SELECT count(*) FROM operation_target WHERE verification_due_at IS NOT NULL"), "0");
}

TEST_F(ResetCheckTest, WhatComesLaterThroughTheFeedStillCounts) {
  const auto life = start();
  const OperationId id = made(*life, {{kMaximum, 4812}});
  end(*life, id);
  end(*life, read_after(id));
  EXPECT_EQ(target(id).verification, storage::Verification::NotVerifiable);
  arrive(*life, {{kCopy, 310}}, "another");
  life->advance(minutes{3});
  EXPECT_EQ(target(id).verification, storage::Verification::NotVerifiable) << "not what this network says";
  arrive(*life, {{kCopy, 4812}});
  life->advance(minutes{10});
  EXPECT_EQ(target(id).verification, storage::Verification::Verified);
  arrive(*life, {{kCopy, 310}});
  life->advance(hours{1});
  EXPECT_EQ(target(id).verification, storage::Verification::Contradicted) << "a second reset since";
}

TEST_F(ResetCheckTest, InterfaceWithoutReadsIsJudgedByWhatItSends) {
  Rules rules;
  rules.read_before_reset = false;
  const auto life = start(rules);
  life->feed.can.read_on_demand = false;
  life->attach();
  const auto reply = life->submit(reset());
  ASSERT_TRUE(reply.ok()) << reply.refused().refusal.message;
  end(*life, reply->operation.id);
  EXPECT_EQ(kinds(*life), "demand_reset ");
  EXPECT_EQ(target(reply->operation.id).verification, storage::Verification::NotVerifiable);
}

TEST_F(ResetCheckTest, NextRunGoesOnWithIt) {
  const auto killed = start();  // it never goes on
  const OperationId id = made(*killed, {{kCount, 7}});
  ASSERT_TRUE(killed->take({{transaction(id), "B1", "done"}}).ok());
  EXPECT_EQ(read_after(id), 0);
  const auto life = start({}, killed->host.clock.now());
  life->advance(seconds{1});
  ASSERT_NE(read_after(id), 0);
  EXPECT_EQ(kinds(*life), "read ");
  arrive(*life, {{kCount, 8}});
  end(*life, read_after(id));
  EXPECT_EQ(target(id).verification, storage::Verification::Verified);
}

}  // namespace
}  // namespace ami::daemon::commands
