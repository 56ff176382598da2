#include "meter_model/quantity/event_map.h"

#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <string>

namespace ami {
namespace {

constexpr const char* kTable = R"(
version: 4
kinds: {OUTAGE: 3.26.0.47, RESTORATION: 3.26.0.216, HAN_FAULT: ""}
codes: {3.26.17.185: OUTAGE}
)";

std::string refusal(const std::string& table, const std::string& vendor) {
  const auto map = EventMap::parse(table, vendor, "events.yaml");
  return map.ok() ? "accepted" : map.error().message;
}

std::string table_of_record() {
  const char* root = std::getenv("AMI_SOURCE_DIR");
  if (!root) return "";
  std::ostringstream text;
  text << std::ifstream(std::string(root) + "/config/codes/events.yaml").rdbuf();
  return text.str();
}

TEST(EventMap, FirstFittingRuleOfTheVendorWins) {
  const auto map = EventMap::parse(kTable, R"(
version: 7
vendor: ssn
events:
  - {code: 3.26.0.47, text: "Power restored*", kind: RESTORATION}
  - {code: NIC_POWER_DOWN, kind: OUTAGE}
  - {code: METER_HAN_COMM_FAILURE, text: "*", kind: HAN_FAULT}
)",
                                   "ssn.yaml");
  ASSERT_TRUE(map.ok()) << map.error().message;
  EXPECT_EQ(map->version(), 7);
  EXPECT_EQ(map->vendor(), "ssn");
  EXPECT_EQ(map->look_up("NIC_POWER_DOWN", "anything").kind, "OUTAGE");
  EXPECT_EQ(map->look_up("NIC_POWER_DOWN", "").code, "3.26.0.47");
  EXPECT_EQ(map->look_up("METER_HAN_COMM_FAILURE", "x").kind, "HAN_FAULT");
  EXPECT_EQ(map->look_up("METER_HAN_COMM_FAILURE", "x").code, "");
  // One code, two texts, two meanings: what does not fit the rule falls through to the table of record.
  EXPECT_EQ(map->look_up("3.26.0.47", "Power restored at 10:00").kind, "RESTORATION");
  EXPECT_EQ(map->look_up("3.26.0.47", "Power down").kind, "OUTAGE");
}

TEST(EventMap, AcceptedCodesGetTheCanonicalOne) {
  const auto map = EventMap::parse(kTable, "", "events.yaml");
  ASSERT_TRUE(map.ok());
  EXPECT_EQ(map->version(), 4);
  EXPECT_EQ(map->look_up("3.26.17.185", "").code, "3.26.0.47");
}

TEST(EventMap, WhatNobodyMappedIsUnmappedWithoutACode) {
  const auto map = EventMap::parse(kTable, "", "events.yaml");
  ASSERT_TRUE(map.ok());
  for (const char* code : {"", "3.31.0.23", "3.26.0.4", "OUTAGE", "nonsense"}) {
    EXPECT_EQ(map->look_up(code, "text").kind, "UNMAPPED") << code;
    EXPECT_EQ(map->look_up(code, "text").code, "") << code;
  }
  EXPECT_EQ(EventMap().look_up("3.26.0.47", "").kind, "UNMAPPED");
}

TEST(EventMap, RefusesABadTableWithFileLineAndReason) {
  const std::pair<const char*, const char*> bad[] = {
      {"", "must be a YAML map"},
      {"[1, 2]", "must be a YAML map"},
      {"kinds: {A: 1.2.3.4}", "version is missing"},
      {"version: soon\nkinds: {}", "whole number"},
      {"version: 0\nkinds: {}", "whole number"},
      {"version: 1", "kinds must map"},
      {"version: 1\nkinds: {A: 1.2.3.4}\nkind: {}", "unknown key \"kind\""},
      {"version: 1\nversion: 2\nkinds: {}", "is there twice"},
      {"version: 1\nkinds: {A: 1.2.3}", "not type.domain.subdomain.action"},
      {"version: 1\nkinds: {A: 1.2.3.4.5}", "not type.domain.subdomain.action"},
      {"version: 1\nkinds: {A: 1..3.4}", "not type.domain.subdomain.action"},
      {"version: 1\nkinds: {A: [1]}", "must be a plain text"},
      {"version: 1\nkinds: {A: 1.2.3.4, A: 1.2.3.5}", "kind A is there twice"},
      {"version: 1\nkinds: {A: 1.2.3.4, B: 1.2.3.4}", "already stands for A"},
      {"version: 1\nkinds: {UNMAPPED: 1.2.3.4}", "cannot be a kind"},
      {"version: 1\nkinds: {A: 1.2.3.4, B: ''}\ncodes: {1.2.3.4: B}", "already stands for A"},
      {"version: 1\nkinds: {A: ''}\ncodes: {1.2.3.4: B}", "unknown kind \"B\""},
      {"version: 1\nkinds: {A: ''}\ncodes: [1.2.3.4]", "codes must map"},
      {"version: 1\nkinds: {A: ''", "line"},
  };
  for (const auto& [table, reason] : bad) {
    const std::string message = refusal(table, "");
    EXPECT_NE(message.find(reason), std::string::npos) << table << "\n-> " << message;
    EXPECT_NE(message.find("events.yaml (table of record): "), std::string::npos) << message;
  }
  EXPECT_NE(refusal("version: 1\nkinds:\n  A: 1.2.3.4\n  B: x\n", "").find("line 4"), std::string::npos);
}

TEST(EventMap, RefusesABadVendorMapWithFileLineAndReason) {
  const std::pair<const char*, const char*> bad[] = {
      {"version: 1", "vendor is missing"},
      {"vendor: ssn", "version is missing"},
      {"version: 1\nvendor: ssn\nkinds: {A: ''}", "unknown key \"kinds\""},
      {"version: 1\nvendor: ssn\nevents: {a: b}", "events must be a list"},
      {"version: 1\nvendor: ssn\nevents: [a]", "must have the keys"},
      {"version: 1\nvendor: ssn\nevents: [{code: X}]", "needs code and kind"},
      {"version: 1\nvendor: ssn\nevents: [{kind: OUTAGE}]", "needs code and kind"},
      {"version: 1\nvendor: ssn\nevents: [{code: X, kind: OUTRAGE}]", "unknown kind \"OUTRAGE\""},
      {"version: 1\nvendor: ssn\nevents: [{code: X, kind: OUTAGE, txt: y}]", "unknown key \"txt\""},
      {"version: 1\nvendor: ssn\nevents: [{code: X, kind: OUTAGE, text: y}]", "must end in *"},
      {"version: 1\nvendor: ssn\nevents: [{code: X, code: Y, kind: OUTAGE}]", "is there twice"},
  };
  for (const auto& [vendor, reason] : bad) {
    const std::string message = refusal(kTable, vendor);
    EXPECT_NE(message.find(reason), std::string::npos) << vendor << "\n-> " << message;
    EXPECT_NE(message.find("(vendor map): "), std::string::npos) << message;
  }
}

TEST(EventTableOfRecord, HasEveryKindThatTheModelNames) {
  const auto map = EventMap::parse(table_of_record(), "", "events.yaml");
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

// Counted in the file itself, not through the map that is under test.
TEST(EventTableOfRecord, EachCodeStandsForExactlyOneKind) {
  const std::string text = table_of_record();
  const auto map = EventMap::parse(text, "", "events.yaml");
  ASSERT_TRUE(map.ok()) << map.error().message;
  const YAML::Node table = YAML::Load(text);
  std::map<std::string, std::string> kind_of;
  const auto claim = [&](const std::string& code, const std::string& kind) {
    EXPECT_TRUE(kind_of.emplace(code, kind).second)
        << code << " stands for " << kind << " and " << kind_of[code];
  };
  for (const auto& entry : table["kinds"]) {
    if (!entry.second.as<std::string>().empty())
      claim(entry.second.as<std::string>(), entry.first.as<std::string>());
  }
  for (const auto& entry : table["codes"])
    claim(entry.first.as<std::string>(), entry.second.as<std::string>());
  EXPECT_GE(kind_of.size(), 45U);
  for (const auto& [code, kind] : kind_of) {
    EXPECT_EQ(map->look_up(code, "").kind, kind) << code;
    EXPECT_EQ(map->look_up(code, "").code, table["kinds"][kind].as<std::string>()) << code;
  }
}

// Pairs typed from the two references.
TEST(EventTableOfRecord, AgreesWithTheReferences) {
  const auto map = EventMap::parse(table_of_record(), "", "events.yaml");
  ASSERT_TRUE(map.ok()) << map.error().message;
  const std::pair<const char*, const char*> reference[] = {
      {"3.26.0.47", "OUTAGE"},
      {"3.26.17.185", "OUTAGE"},
      {"3.26.0.85", "OUTAGE"},
      {"3.26.9.185", "OUTAGE"},
      {"6.20.1.185", "OUTAGE"},
      {"3.26.136.47", "LAST_GASP"},
      {"3.26.0.216", "RESTORATION"},
      {"3.26.9.216", "RESTORATION"},
      {"3.12.0.257", "TAMPER"},
      {"3.12.17.257", "INVERSION"},
      {"3.12.93.219", "REVERSE_ROTATION"},
      {"3.12.48.219", "REVERSE_ENERGY"},
      {"3.31.0.68", "SWITCH_OPENED"},
      {"3.31.0.42", "SWITCH_CLOSED"},
      {"3.31.0.11", "SWITCH_ARMED"},
      {"3.31.1.143", "LOAD_SIDE_VOLTAGE_WHILE_OPEN"},
      {"3.2.22.150", "LOW_BATTERY"},
      {"3.36.0.79", "CLOCK_ERROR"},
      {"3.8.0.215", "DEMAND_RESET"},
      {"3.22.19.242", "TEST_MODE_START"},
      {"3.22.12.243", "TEST_MODE_STOP"},
      {"3.18.85.85", "RAM_ERROR"},
      {"3.35.0.40", "OVER_TEMPERATURE"},
  };
  for (const auto& [code, kind] : reference) EXPECT_EQ(map->look_up(code, "").kind, kind) << code;
  // A command is not an event, whatever echoes it.
  for (const char* command : {"3.31.0.23", "3.31.0.18", "3.31.0.5", "3.31.0.8"}) {
    EXPECT_EQ(map->look_up(command, "").kind, "UNMAPPED") << command;
  }
}

}  // namespace
}  // namespace ami
