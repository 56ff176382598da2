#include "daemon/switching/rules/rule_policy.h"

#include <random>

#include "tests/daemon/switching/rules/scene.h"

namespace ami::daemon::switching {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

bool may_open(const std::string& reason) {
  return reason != "RESTORE_WRONGFUL" && reason != "RECONNECT";
}

storage::SafetyHold hold(storage::HoldEffect effect) {
  storage::SafetyHold out;
  out.id = 5;
  out.asked.scope = storage::HoldScope::Feeder;
  out.asked.place = "F12";
  out.asked.effect = effect;
  out.asked.role = "hold-admin";
  out.asked.reason = "line crew";
  return out;
}

TEST(RulePolicy, AllowsWhatEveryRuleIsContentWith) {
  for (const std::string reason : kAllReasons) {
    const SwitchAction action = may_open(reason) ? SwitchAction::Open : SwitchAction::Close;
    EXPECT_EQ(rule_of(order(reason.c_str(), action), content()), "") << reason;
  }
}

TEST(RulePolicy, ReasonClassSaysWhichActionsAndWhoMayAsk) {
  for (const char* unknown : {"", "BECAUSE", "non_payment"})
    EXPECT_EQ(rule_of(order(unknown), content()), "REASON_CLASS") << unknown;
  EXPECT_EQ(rule_of(order("RECONNECT", SwitchAction::Open), content()), "REASON_CLASS");
  EXPECT_EQ(rule_of(order("NON_PAYMENT", SwitchAction::Close), content()), "REASON_CLASS");
  EXPECT_EQ(rule_of(order("EMERGENCY_SAFETY", SwitchAction::Close), content()), "REASON_CLASS");
  PolicyInput input = order("EMERGENCY_SAFETY");
  input.asked.on_behalf_of.clear();
  EXPECT_EQ(rule_of(input, content()), "REASON_CLASS") << "the agency is recorded";
  input = order("EMERGENCY_SAFETY");
  input.asked.automatic = true;
  EXPECT_EQ(rule_of(input, content()), "REASON_CLASS") << "a person asks, not a program";
  input.asked.reason = "NON_PAYMENT";
  EXPECT_EQ(rule_of(input, content()), "");
}

TEST(RulePolicy, EveryRuleIsToldWithInputsVersionsAndWhatWouldChangeIt) {
  Protection protection = content(time_of("2026-12-01T16:00:00Z"));
  const PolicyVerdict verdict = judged(order("NON_PAYMENT", SwitchAction::Open, time_of("2026-12-01T16:00:00Z")),
                                       protection);
  EXPECT_EQ(verdict.rule, "ON_WINTER");
  std::string names;
  for (const PolicyCheck& one : verdict.checks) names += one.rule + (one.passed ? " " : "! ");
  EXPECT_EQ(names, "REASON_CLASS SAFETY_HOLD PROTECTED_LIST ORDER_VOID JURISDICTION ON_WINTER! ");
  const PolicyCheck& winter = check_of(verdict, "ON_WINTER");
  EXPECT_EQ(winter.version, "CA-ON 1");
  EXPECT_EQ(winter.facts.at("date"), "2026-12-01");
  EXPECT_EQ(winter.facts.at("source"), "oeb_winter");
  EXPECT_EQ(winter.would_change, "the day 2027-05-01");
  EXPECT_EQ(verdict.facts.at("ON_WINTER"), "refused");
  EXPECT_EQ(verdict.facts.at("ON_WINTER.version"), "CA-ON 1");
  EXPECT_EQ(verdict.facts.at("PROTECTED_LIST"), "passed");
  EXPECT_EQ(verdict.facts.at("PROTECTED_LIST.MEDICAL"),
            "version 42 of 2026-12-01T14:00:00Z, sha256 " + std::string(64, 'a'));
}

TEST(RulePolicy, HoldStopsEveryClassAndOnlyItsOwnActions) {
  for (const std::string reason : kAllReasons) {
    const SwitchAction action = may_open(reason) ? SwitchAction::Open : SwitchAction::Close;
    Protection protection = content();
    protection.holds->holds = {hold(storage::HoldEffect::NoCommand)};
    EXPECT_EQ(rule_of(order(reason.c_str(), action), protection), "SAFETY_HOLD") << reason;
    protection.holds->holds = {hold(may_open(reason) ? storage::HoldEffect::NoClose : storage::HoldEffect::NoOpen)};
    EXPECT_EQ(rule_of(order(reason.c_str(), action), protection), "") << reason;
  }
  Protection protection = content();
  protection.holds->holds = {hold(storage::HoldEffect::NoClose)};
  EXPECT_EQ(rule_of(order("RECONNECT", SwitchAction::Arm), protection), "SAFETY_HOLD") << "an ARM closes in the end";
  EXPECT_NE(judged(order("RECONNECT", SwitchAction::Arm), protection).checks[1].would_change.find("hold-admin"),
            std::string::npos);
}

TEST(RulePolicy, UnknownPlaceOrHoldsRefuseNonPaymentAndVacancyOnly) {
  for (const std::string reason : kAllReasons) {
    const SwitchAction action = may_open(reason) ? SwitchAction::Open : SwitchAction::Close;
    const bool closed = reason == "NON_PAYMENT" || reason == "VACANT_MOVE_OUT";
    Protection protection = content();
    protection.holds->place_unknown = true;
    EXPECT_EQ(rule_of(order(reason.c_str(), action), protection), closed ? "SAFETY_HOLD" : "") << reason;
    protection.holds.reset();
    EXPECT_EQ(rule_of(order(reason.c_str(), action), protection), closed ? "SAFETY_HOLD" : "") << reason;
  }
}

TEST(RulePolicy, ListedCustomerIsOpenedByAnEmergencyOnly) {
  for (std::size_t kind = 0; kind < storage::kProtectedKinds.size(); ++kind) {
    for (const std::string reason : kAllReasons) {
      if (!may_open(reason)) continue;
      Protection protection = content();
      protection.lists->at(kind).listed = true;
      EXPECT_EQ(rule_of(order(reason.c_str()), protection), reason == "EMERGENCY_SAFETY" ? "" : "PROTECTED_LIST");
    }
    Protection protection = content();
    protection.lists->at(kind).listed = true;
    EXPECT_EQ(rule_of(order("RECONNECT", SwitchAction::Close), protection), "") << "the way back";
    EXPECT_EQ(rule_of(order("CUSTOMER_REQUEST", SwitchAction::Close), protection), "") << "the way back";
    protection.lists->at(kind).made_at = kJune - hours{100};
    EXPECT_EQ(judged(order(), protection).words.find("the usage point is on the list"), 0U)
        << "an old list protects who is on it";
  }
}

TEST(RulePolicy, MissingOrStaleListRefusesAllButEmergencyAndTheWayBack) {
  const auto expect = [](const Protection& protection, const char* what) {
    for (const std::string reason : kAllReasons) {
      const SwitchAction action = may_open(reason) ? SwitchAction::Open : SwitchAction::Close;
      const bool free = !may_open(reason) || reason == "EMERGENCY_SAFETY";
      EXPECT_EQ(rule_of(order(reason.c_str(), action), protection), free ? "" : "PROTECTED_LIST")
          << what << " " << reason;
    }
  };
  Protection protection = content();
  protection.lists->pop_back();
  expect(protection, "one is missing");
  protection.lists.reset();
  expect(protection, "could not be looked up");
  protection = content();
  protection.lists->at(1).made_at = kJune - hours{24} - seconds{1};
  expect(protection, "stale");
  protection.lists->at(1).made_at = kJune + minutes{6};
  expect(protection, "of the future");
  protection.lists->at(1).made_at = kJune - hours{24};
  EXPECT_EQ(rule_of(order(), protection), "") << "24 h old is not older than 24 h";
}

TEST(RulePolicy, NewsOfTheAccountSinceTheOrderVoidIt) {
  const UtcInstant made = order().asked.created_at;
  for (std::optional<UtcInstant> Account::*news : {&Account::paid_at, &Account::moved_in_at, &Account::medical_at}) {
    Protection protection = content();
    (*protection.account).*news = made - seconds{1};
    EXPECT_EQ(rule_of(order(), protection), "") << "before the order was made";
    (*protection.account).*news = made;
    EXPECT_EQ(rule_of(order(), protection), "ORDER_VOID");
    EXPECT_EQ(rule_of(order("VACANT_MOVE_OUT"), protection), "ORDER_VOID");
    EXPECT_EQ(rule_of(order("EMERGENCY_SAFETY"), protection), "");
    EXPECT_EQ(rule_of(order("RECONNECT", SwitchAction::Close), protection), "");
  }
}

TEST(RulePolicy, NoNewsOfTheAccountIsNotGoodNews) {
  Protection protection = content();
  protection.account->as_of = kJune - hours{24} - seconds{1};
  EXPECT_EQ(rule_of(order(), protection), "ORDER_VOID");
  protection.account.reset();
  EXPECT_EQ(rule_of(order(), protection), "ORDER_VOID");
  EXPECT_EQ(rule_of(order("THEFT"), protection), "");
  EXPECT_EQ(rule_of(order("EMERGENCY_SAFETY"), protection), "");
}

TEST(RulePolicy, UnknownLawRefusesNonPaymentAndVacancy) {
  for (const char* code : {"", "CA-XX"}) {
    Protection protection = content();
    protection.jurisdiction = code;
    EXPECT_EQ(rule_of(order("NON_PAYMENT"), protection), "JURISDICTION");
    EXPECT_EQ(rule_of(order("VACANT_MOVE_OUT"), protection), "JURISDICTION");
    for (const char* reason : {"EMERGENCY_SAFETY", "THEFT", "TEST"})
      EXPECT_EQ(rule_of(order(reason), protection), "") << reason;
    EXPECT_EQ(rule_of(order("RECONNECT", SwitchAction::Arm), protection), "");
  }
}

// Whatever is handed in, missing or not: what saves a life and the way back are stopped by a hold only, and who
// is on a list, or might be, is opened by an emergency only.
TEST(RulePolicy, RandomProtectionNeverStopsTheWayBackAndNeverOpensAProtectedHouse) {
  std::mt19937 random(20260615);
  const auto one_in = [&](unsigned n) { return random() % n == 0; };
  int opened = 0, refused = 0;
  for (int round = 0; round < 20'000; ++round) {
    const UtcInstant now = kJune + hours{random() % 8760};
    constexpr const char* kCodes[] = {"CA-ON", "US-CA", "US-TX", "US-MD", "US-VA", "", "XX"};
    constexpr const char* kZones[] = {"America/Toronto", "America/Chicago", "", "Nowhere/Land"};
    Protection protection = content(now, kCodes[random() % 7], kZones[random() % 4]);
    protection.customer = static_cast<CustomerClass>(random() % 4);
    bool certainly_free = true;
    for (auto& mark : *protection.lists) {
      mark.listed = one_in(6);
      if (one_in(4)) mark.made_at = now - hours{random() % 60};
      certainly_free = certainly_free && !mark.listed && now - mark.made_at <= hours{24};
    }
    if (one_in(6)) {
      protection.lists->erase(protection.lists->begin() + static_cast<long>(random() % 3));
      certainly_free = false;
    }
    if (one_in(8)) {
      protection.lists.reset();
      certainly_free = false;
    }
    if (one_in(4)) protection.account.reset();
    if (one_in(4)) protection.weather.reset();
    if (one_in(8)) protection.holds.reset();
    const std::string reason = kAllReasons[random() % 8];
    const auto action = static_cast<SwitchAction>(random() % 3);
    const PolicyVerdict verdict = judged(order(reason.c_str(), action, now), protection);
    for (const PolicyCheck& one : verdict.checks) {
      EXPECT_EQ(one.passed, one.would_change.empty()) << one.rule << ": " << one.words;
      EXPECT_TRUE(one.binds || one.passed) << one.rule;
    }
    if (!verdict.allowed()) {
      ++refused;
      const bool free = reason == "EMERGENCY_SAFETY" || action != SwitchAction::Open;
      EXPECT_TRUE(!free || verdict.rule == "REASON_CLASS") << reason << " stopped by " << verdict.rule;
      continue;
    }
    if (action != SwitchAction::Open) continue;
    ++opened;
    EXPECT_TRUE(certainly_free || reason == "EMERGENCY_SAFETY") << reason;
  }
  EXPECT_GT(opened, 500);
  EXPECT_GT(refused, 500);
}

TEST(RulePolicy, WordsFromOutsideMakeNoSecondLineOfTheAudit) {
  Protection protection = content();
  protection.jurisdiction = "CA-ON\nrule=ALLOWED";
  EXPECT_EQ(judged(order(), protection).facts.at("JURISDICTION.jurisdiction"), "CA-ON rule=ALLOWED");
}

class FixedSource final : public ProtectionSource {
 public:
  [[nodiscard]] Protection of(const PolicyInput& input) const override {
    asked = input.asked.meter;
    return protection;
  }
  Protection protection = content();
  mutable std::string asked;
};

TEST(RulePolicy, LooksUpWhatProtectsAtEveryCheck) {
  FixedSource source;
  const RulePolicy policy(shipped_book(), source);
  EXPECT_TRUE(policy.check(order()).allowed());
  EXPECT_EQ(source.asked, "M7");
  source.protection.lists->at(0).listed = true;
  EXPECT_EQ(policy.check(order()).rule, "PROTECTED_LIST");
}

}  // namespace
}  // namespace ami::daemon::switching
