// Which kinds tell one fact, as the table of record says.
#include "meter_model/quantity/event_facts.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>

#include "meter_model/quantity/event_map.h"

namespace ami {
namespace {

std::string shipped() {
  std::ostringstream text;
  text << std::ifstream(std::string(std::getenv("AMI_SOURCE_DIR")) + "/config/codes/events.yaml").rdbuf();
  return text.str();
}

constexpr const char* kKinds = "kinds: {OUTAGE: 3.26.0.47, LAST_GASP: '', RESTORATION: ''}\n";

std::string refusal(const std::string& again) {
  const auto facts = EventFacts::parse(kKinds + again, "events.yaml");
  return facts.ok() ? "accepted" : facts.error().message;
}

TEST(EventFacts, AreOfASubjectAndAState) {
  const auto facts = EventFacts::parse(
      std::string(kKinds) +
          "told_again:\n  power: {window_s: 120, states: [[OUTAGE, LAST_GASP], [RESTORATION]]}\n",
      "x");
  ASSERT_TRUE(facts.ok()) << facts.error().message;
  ASSERT_NE(facts->of("OUTAGE"), nullptr);
  EXPECT_EQ(*facts->of("OUTAGE"), *facts->of("LAST_GASP"));
  EXPECT_EQ(facts->of("OUTAGE")->subject, facts->of("RESTORATION")->subject);
  EXPECT_NE(facts->of("OUTAGE")->state, facts->of("RESTORATION")->state);
  EXPECT_EQ(facts->of("RESTORATION")->window, std::chrono::seconds{120});
  EXPECT_EQ(facts->of("TAMPER"), nullptr);
  EXPECT_EQ(facts->of(""), nullptr);
}

TEST(EventFacts, ATableThatSaysNothingCollapsesNothing) {
  const auto facts = EventFacts::parse(kKinds, "x");
  ASSERT_TRUE(facts.ok());
  EXPECT_TRUE(facts->empty());
  EXPECT_EQ(*facts, EventFacts());
}

TEST(EventFacts, AWindowOfZeroMeansNever) {
  const auto facts = EventFacts::parse(std::string(kKinds) +
                                           "told_again:\n  a: {window_s: 0, states: [[OUTAGE]]}\n"
                                           "  b: {window_s: 1, states: [[LAST_GASP]]}\n",
                                       "x");
  ASSERT_TRUE(facts.ok());
  EXPECT_EQ(facts->of("OUTAGE"), nullptr);
  ASSERT_NE(facts->of("LAST_GASP"), nullptr);
  EXPECT_EQ(facts->kinds().size(), 1U);
}

TEST(EventFacts, WhatIsWrongIsToldWithItsLine) {
  const auto expect = [](const std::string& again, const std::string& words) {
    const std::string message = refusal(again);
    EXPECT_NE(message.find(words), std::string::npos) << again << message;
    EXPECT_TRUE(message.starts_with("events.yaml (told_again): line ")) << message;
  };
  expect("told_again: power\n", "line 2: told_again must map subjects");
  expect("told_again:\n  power: [OUTAGE]\n", "power must have the keys window_s and states");
  expect("told_again:\n  power: {states: [[OUTAGE]]}\n", "power needs window_s");
  expect("told_again:\n  power: {window_s: 120}\n", "states of power must be a list of lists");
  expect("told_again:\n  power: {window_s: 120, states: []}\n", "states of power must be a list of lists");
  expect("told_again:\n  power: {window_s: 120, states: [OUTAGE]}\n",
         "a state of power must be a list of kinds");
  expect("told_again:\n  power: {window_s: 120, states: [[]]}\n", "a state of power must be a list of kinds");
  expect("told_again:\n  power: {window_s: 120, states: [[OUTAG]]}\n", "line 3: unknown kind \"OUTAG\"");
  expect("told_again:\n  power: {window_s: 120, states: [[{a: b}]]}\n", "unknown kind \"\"");
  expect("told_again:\n  power: {window_s: 120, states: [[OUTAGE], [OUTAGE]]}\n",
         "kind OUTAGE is listed twice");
  expect("told_again:\n  a: {window_s: 1, states: [[OUTAGE]]}\n  b: {window_s: 1, states: [[OUTAGE]]}\n",
         "line 4: kind OUTAGE is listed twice");
  expect("told_again:\n  a: {window_s: 0, states: [[OUTAGE]]}\n  b: {window_s: 1, states: [[OUTAGE]]}\n",
         "kind OUTAGE is listed twice");
  expect("told_again:\n  power: {window_s: 120, windows: 1, states: [[OUTAGE]]}\n",
         "unknown key \"windows\" of power");
  for (const char* window : {"-1", "86401", "1.5", "soon", "2m", "[1]", "''", "99999999999999999999"}) {
    expect("told_again:\n  power: {window_s: " + std::string(window) + ", states: [[OUTAGE]]}\n",
           "whole number of seconds from 0 to 86400");
  }
  EXPECT_EQ(refusal("told_again:\n  power: {window_s: 86400, states: [[OUTAGE]]}\n"), "accepted");
  EXPECT_NE(refusal("told_again: {a: [\n").find("told_again"), std::string::npos);
}

TEST(EventFacts, OfTheShippedTableAreThoseOfPowerAndOfTheSwitch) {
  const auto facts = EventFacts::parse(shipped(), "events.yaml");
  ASSERT_TRUE(facts.ok()) << facts.error().message;
  std::set<std::string> collapsed;
  for (const auto& [kind, fact] : facts->kinds()) {
    collapsed.insert(kind);
    EXPECT_EQ(fact.window, std::chrono::seconds{120}) << kind;
  }
  EXPECT_EQ(collapsed, (std::set<std::string>{"OUTAGE", "LAST_GASP", "RESTORATION", "MODULE_RESTORATION",
                                              "SWITCH_OPENED", "SWITCH_CLOSED", "SWITCH_ARMED",
                                              "SWITCH_NOT_ARMED", "SWITCH_OPEN_FAILED", "SWITCH_CLOSE_FAILED",
                                              "SWITCH_ARM_FAILED", "SWITCH_FAILED"}));
  EXPECT_EQ(*facts->of("OUTAGE"), *facts->of("LAST_GASP"));
  EXPECT_NE(facts->of("SWITCH_ARMED")->state, facts->of("SWITCH_CLOSED")->state) << "armed is not closed";
  EXPECT_NE(facts->of("SWITCH_OPENED")->subject, facts->of("SWITCH_OPEN_FAILED")->subject)
      << "a failure is no position";
  // Two flickers are two, and silence is asked about anew.
  EXPECT_EQ(facts->of("MOMENTARY"), nullptr);
  EXPECT_EQ(facts->of("POWER_UNKNOWN_NO_RESPONSE"), nullptr);
}

// The kinds that a head-end gateway has to tell apart, whatever a vendor calls them; each once, in one table.
TEST(EventFacts, TheShippedTableHasEveryKindThatIsAskedFor) {
  const auto map = EventMap::parse(shipped(), "", "events.yaml");
  ASSERT_TRUE(map.ok()) << map.error().message;
  for (const char* kind : {"OUTAGE",        "RESTORATION",   "MOMENTARY",      "POWER_UNKNOWN_NO_RESPONSE",
                           "TAMPER",        "COVER_REMOVED", "INVERSION",      "REVERSE_ENERGY",
                           "SWITCH_OPENED", "SWITCH_CLOSED", "SWITCH_ARMED",   "SWITCH_FAILED",
                           "DEMAND_RESET",  "LOW_BATTERY",   "CLOCK_ERROR",    "CLOCK_ADJUSTED",
                           "VOLTAGE_SAG",   "VOLTAGE_SWELL", "CONFIG_CHANGED", "DIAG_ERROR",
                           "COMM_LOST",     "COMM_RESTORED", "HAN_FAULT"}) {
    EXPECT_TRUE(map->kinds().contains(kind)) << kind;
  }
}

}  // namespace
}  // namespace ami
