// An order to open M7 at UP-7 in Ontario in June, for which every rule is content; and the shipped rules.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <string>

#include "daemon/switching/rules/rule_book_yaml.h"
#include "daemon/switching/rules/rule_policy.h"

namespace ami::daemon::switching {

inline UtcInstant time_of(const char* text) {
  return parse_instant(text).value();
}

inline std::string shipped_folder() {
  const char* source = std::getenv("AMI_SOURCE_DIR");
  return std::string(source == nullptr ? "." : source) + "/config/switching";
}

inline const RuleBook& shipped_book() {
  static const LoadedRuleBook kLoaded = load_rule_book(shipped_folder());
  EXPECT_TRUE(kLoaded.problems.empty()) << sdk::to_text(kLoaded.problems);
  return kLoaded.book;
}

// 15 June 2026, 12:00 in Toronto: a Monday.
inline const UtcInstant kJune = time_of("2026-06-15T16:00:00Z");

inline PolicyInput order(const char* reason = "NON_PAYMENT", SwitchAction action = SwitchAction::Open,
                         UtcInstant now = kJune) {
  PolicyInput out;
  out.asked.utility = 1;
  out.asked.meter_id = 7;
  out.asked.meter = "M7";
  out.asked.usage_point = "UP-7";
  out.asked.reason = reason;
  out.asked.action = action;
  out.asked.on_behalf_of = "fire brigade";
  out.asked.created_at = now - std::chrono::minutes{30};
  out.now = now;
  return out;
}

inline Weather mild(UtcInstant now = kJune) {
  using std::chrono::hours;
  Weather out;
  out.source = "station 6158731";
  out.issue = "12Z";
  out.issued_at = now - hours{1};
  out.observed = {{now - hours{96}, now, {15, 0}, {22, 0}}};
  out.forecast = {{now - hours{1}, now + hours{96}, {15, 0}, {22, 0}}};
  out.advisories_since = now - hours{240};
  return out;
}

inline Protection content(UtcInstant now = kJune, const char* jurisdiction = "CA-ON",
                          const char* zone = "America/Toronto") {
  Protection out;
  out.zone = zone;
  out.jurisdiction = jurisdiction;
  out.customer = CustomerClass::Residential;
  out.weather = mild(now);
  out.account = Account{now - std::chrono::hours{1}, {}, {}, {}};
  out.lists.emplace();
  for (const storage::ProtectedKind kind : storage::kProtectedKinds)
    out.lists->push_back({kind, 42, now - std::chrono::hours{2}, std::string(64, 'a'), 9, false});
  out.holds.emplace();
  return out;
}

inline PolicyVerdict judged(const PolicyInput& input, const Protection& protection) {
  return judge_rules(shipped_book(), input, protection);
}
inline std::string rule_of(const PolicyInput& input, const Protection& protection) {
  return judged(input, protection).rule;
}
inline const PolicyCheck& check_of(const PolicyVerdict& verdict, const std::string& rule) {
  static const PolicyCheck kNone;
  const auto at = std::ranges::find(verdict.checks, rule, &PolicyCheck::rule);
  EXPECT_NE(at, verdict.checks.end()) << rule;
  return at == verdict.checks.end() ? kNone : *at;
}

inline constexpr const char* kAllReasons[] = {"EMERGENCY_SAFETY", "NON_PAYMENT", "VACANT_MOVE_OUT",
                                              "CUSTOMER_REQUEST", "THEFT",       "TEST",
                                              "RESTORE_WRONGFUL", "RECONNECT"};

}  // namespace ami::daemon::switching
