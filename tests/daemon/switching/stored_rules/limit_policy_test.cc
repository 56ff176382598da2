#include "daemon/switching/stored_rules/limit_policy.h"

#include <gtest/gtest.h>

namespace ami::daemon::switching {
namespace {

using std::chrono::seconds;
using storage::Answer;
using storage::LimitScope;
using storage::LimitUse;
using storage::StopScope;
using storage::SwitchStop;

storage::Refusal away() {
  storage::Refusal out;
  out.kind = storage::Refusal::Kind::Unavailable;
  return out;
}

class GivenLimits final : public storage::SwitchLimits {
 public:
  Answer<std::vector<LimitUse>> look(const SwitchAsked&) override {
    if (gone) return away();
    return uses;
  }
  Answer<storage::LimitChange> propose(const storage::LimitChange&) override { return away(); }
  Answer<storage::LimitChange> approve(std::int32_t, std::int64_t, const std::string&) override { return away(); }
  Answer<std::vector<storage::LimitChange>> changes(std::int32_t, std::size_t) override { return away(); }
  Answer<std::vector<storage::LimitShadow>> shadow(std::int32_t, UtcInstant,
                                                   std::span<const storage::LimitChange>) override {
    return away();
  }
  std::vector<LimitUse> uses;
  bool gone = false;
};

class GivenStops final : public storage::SwitchStops {
 public:
  Answer<SwitchStop> set(std::int32_t, StopScope, const std::string&, const std::string&) override { return away(); }
  Answer<SwitchStop> clear(std::int32_t, std::int64_t, const std::string&, const std::string&) override {
    return away();
  }
  Answer<std::vector<SwitchStop>> list(std::int32_t, bool in_force_only, std::size_t) override {
    EXPECT_TRUE(in_force_only);
    if (gone) return away();
    return stops;
  }
  std::vector<SwitchStop> stops;
  bool gone = false;
};

class GivenReviews final : public storage::SwitchReviews {
 public:
  Answer<Done> review(std::int32_t, storage::SwitchId, const std::string&, const std::string&) override {
    return away();
  }
  Answer<std::vector<storage::EmergencyDue>> due(std::int32_t) override {
    if (gone) return away();
    return emergencies;
  }
  std::vector<storage::EmergencyDue> emergencies;
  bool gone = false;
};

struct Scene {
  GivenLimits limits;
  GivenStops stops;
  GivenReviews reviews;
  LimitPolicy policy{limits, stops, reviews};
  std::string reason = "TEST", caller = "cn=ann";
  PolicyVerdict check(SwitchAction action = SwitchAction::Open) const {
    PolicyInput input;
    input.asked.action = action;
    input.asked.reason = reason;
    input.asked.caller = caller;
    return policy.check(input);
  }
  static LimitUse use(LimitScope scope, std::int64_t used, bool enforced) {
    LimitUse out;
    out.key = {true, "*", scope, seconds{3600}};
    out.ceiling = 5;
    out.used = used;
    out.enforced = enforced;
    out.change = enforced ? 7 : 0;
    return out;
  }
  static SwitchStop stop(StopScope scope, std::vector<std::string> cleared = {}) {
    SwitchStop out;
    out.id = 3;
    out.scope = scope;
    out.cleared_by = std::move(cleared);
    return out;
  }
};

TEST(LimitPolicy, FullLimitRefusesOnlyWhereItIsEnforced) {
  Scene scene;
  scene.limits.uses = {Scene::use(LimitScope::All, 4, true), Scene::use(LimitScope::Feeder, 5, false)};
  EXPECT_TRUE(scene.check().allowed());
  EXPECT_EQ(scene.check().facts.at("LIMIT.OPEN * ALL 3600s"), "4 of 5, change 7");
  EXPECT_EQ(scene.check().facts.at("LIMIT.OPEN * FEEDER 3600s"), "5 of 5, watched");
  scene.limits.uses[1].enforced = true;
  EXPECT_EQ(scene.check().rule, "LIMIT");
  EXPECT_EQ(scene.check().words, "the limit OPEN * FEEDER 3600s of 5 is used up");
  EXPECT_FALSE(scene.check().checks.at(2).would_change.empty());
  scene.limits.uses = {Scene::use(LimitScope::All, 6, true)};
  EXPECT_EQ(scene.check().rule, "LIMIT") << "a ceiling that was lowered below what is used";
}

TEST(LimitPolicy, KillSwitchOfOpensLeavesTheWayBack) {
  Scene scene;
  scene.stops.stops = {Scene::stop(StopScope::Opens, {"cn=bob"})};
  EXPECT_EQ(scene.check().rule, "KILL_SWITCH");
  EXPECT_EQ(scene.check().checks.at(0).would_change, "1 more persons who clear stop 3");
  EXPECT_TRUE(scene.check(SwitchAction::Close).allowed());
  EXPECT_TRUE(scene.check(SwitchAction::Arm).allowed());
  scene.stops.stops = {Scene::stop(StopScope::All)};
  for (const SwitchAction action : {SwitchAction::Open, SwitchAction::Close, SwitchAction::Arm})
    EXPECT_EQ(scene.check(action).rule, "KILL_SWITCH");
}

TEST(LimitPolicy, EmergencyThatNobodyLookedAtSuspendsItsPersonForEmergencies) {
  Scene scene;
  scene.reviews.emergencies = {{9, "cn=ann", {}, {}, false}};
  scene.reason = "EMERGENCY_SAFETY";
  EXPECT_TRUE(scene.check().allowed()) << "there is time yet";
  scene.reviews.emergencies[0].overdue = true;
  EXPECT_EQ(scene.check().rule, "EMERGENCY_UNREVIEWED");
  EXPECT_EQ(scene.check().checks.at(1).would_change, "a second person who reviews emergency 9");
  EXPECT_TRUE(scene.check(SwitchAction::Close).allowed()) << "never the way back";
  EXPECT_TRUE(scene.check(SwitchAction::Arm).allowed());
  scene.caller = "cn=bob";
  EXPECT_TRUE(scene.check().allowed()) << "another person";
  scene.caller = "cn=ann";
  scene.reason = "TEST";
  EXPECT_TRUE(scene.check().allowed());
  EXPECT_FALSE(scene.check().checks.at(1).binds);
}

TEST(LimitPolicy, BothAreToldAndTheKillSwitchCountsFirst) {
  Scene scene;
  scene.stops.stops = {Scene::stop(StopScope::All)};
  scene.limits.uses = {Scene::use(LimitScope::All, 5, true)};
  const PolicyVerdict verdict = scene.check();
  EXPECT_EQ(verdict.rule, "KILL_SWITCH");
  ASSERT_EQ(verdict.checks.size(), 3U);
  EXPECT_FALSE(verdict.checks[2].passed);
}

TEST(LimitPolicy, WhatCannotBeLookedUpIsLeftToTheDatabase) {
  Scene scene;
  scene.reason = "EMERGENCY_SAFETY";
  scene.limits.gone = scene.stops.gone = scene.reviews.gone = true;
  const PolicyVerdict verdict = scene.check();
  EXPECT_TRUE(verdict.allowed());
  EXPECT_EQ(verdict.facts.count("LIMIT.missing") + verdict.facts.count("KILL_SWITCH.missing") +
                verdict.facts.count("EMERGENCY_UNREVIEWED.missing"),
            3U);
}

}  // namespace
}  // namespace ami::daemon::switching
