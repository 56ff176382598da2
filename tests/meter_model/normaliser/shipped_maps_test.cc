// The maps that are shipped in config/: they parse, and what they emit stands in the table of record.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <cctype>
#include <cstdlib>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "meter_model/normaliser/mapping_yaml.h"
#include "meter_model/normaliser/reading_target.h"
#include "meter_model/quantity/event_map.h"
#include "meter_model/quantity/reading_type.h"

namespace ami {
namespace {

using ::testing::IsEmpty;

std::string shipped(const std::string& path) {
  const char* root = std::getenv("AMI_SOURCE_DIR");
  std::ifstream file(std::string(root != nullptr ? root : ".") + "/config/" + path);
  EXPECT_TRUE(file.good()) << path;
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

Mapping shipped_map(const std::string& path) {
  const auto mapping = parse_mapping(shipped(path), path);
  EXPECT_TRUE(mapping.ok()) << mapping.error().message;
  return mapping ? *mapping : Mapping{};
}

// Each entry of the table of record with all its spellings.
std::vector<std::vector<ReadingType>> table_of_record() {
  std::vector<std::vector<ReadingType>> table;
  for (const YAML::Node& entry : YAML::Load(shipped("codes/reading_types.yaml"))["reading_types"]) {
    table.push_back({*ReadingType::parse(entry["code"].as<std::string>())});
    for (const YAML::Node& other : entry["synonyms"]) {
      table.back().push_back(*ReadingType::parse(other.as<std::string>()));
    }
  }
  return table;
}

std::size_t entries_for(const std::vector<std::vector<ReadingType>>& table, const ReadingType& type) {
  return static_cast<std::size_t>(std::ranges::count_if(table, [&](const auto& spellings) {
    return std::ranges::any_of(spellings, [&](const ReadingType& one) { return same_meaning(one, type); });
  }));
}

// Composed from the enumerations of the standard because no worked code exists in public for the quantity.
// Reason, then the units of the rules that it covers (unit/commodity/kind).
const std::map<std::string, std::set<std::string>>& beyond_the_table() {
  static const std::map<std::string, std::set<std::string>> rows = {
      {"apparent and reactive energy: the Wh code with uom 71 or 73",
       {"KVAHREG", "KVARHREG", "GKVAHREG", "GKVARHREG", "KVAH", "KVARH", "GKVAH", "GKVARH"}},
      {"apparent and reactive power: the W code with uom 61 or 63", {"KVA", "KVAR", "GKVA", "GKVAR"}},
      {"received power: the delivered code with flow 19", {"GKW"}},
      {"energy of gas in therms: uom 169", {"THERMREG", "THERM"}},
      {"power factor: kind 38 with uom 65", {"PF"}},
  };
  return rows;
}
// The same for single templates of units that otherwise stand in the table.
const std::map<std::string, std::set<std::string>>& templates_beyond_the_table() {
  static const std::map<std::string, std::set<std::string>> rows = {
      {"average power over an interval", {"0.2.{period}.6.1.1.37.0.0.0.0.0.0.0.0.3.38.0"}},
      {"received TOU energy: the delivered code with flow 19",
       {"0.0.0.9.19.1.12.0.0.0.0.{tou}.0.0.0.3.72.0"}},
      {"a fifth tier: the code of the fourth with tier 5", {"0.0.0.9.1.1.12.0.0.0.0.5.0.0.0.3.72.0"}},
      {"cumulative demand, received or by tier: the delivered total with flow 19 or a tier",
       {"0.8.53.3.19.1.8.0.0.0.0.0.0.0.0.3.38.0", "0.8.53.3.1.1.8.0.0.0.0.{tou}.0.0.0.3.38.0",
        "0.8.53.3.19.1.8.0.0.0.0.{tou}.0.0.0.3.38.0"}},
  };
  return rows;
}

bool excused(const UnitRule& rule) {
  const auto in = [](const auto& rows, const std::string& what) {
    return std::ranges::any_of(rows, [&](const auto& row) { return row.second.contains(what); });
  };
  return in(beyond_the_table(), rule.unit) || in(templates_beyond_the_table(), rule.reading_type);
}

class ShippedMap : public ::testing::TestWithParam<const char*> {};

TEST_P(ShippedMap, StatesItsVersionAndItsWire) {
  const Mapping mapping = shipped_map(GetParam());
  EXPECT_GE(mapping.version, 1);
  EXPECT_FALSE(mapping.wire.empty());
  EXPECT_THAT(mapping.raw_scale, IsEmpty()) << "a scale of counts is known by a site only";
}

TEST_P(ShippedMap, EveryReadingTypeResolvesToExactlyOneEntryOfTheTableOfRecord) {
  const auto table = table_of_record();
  ASSERT_GT(table.size(), 30U);
  for (const UnitRule& rule : shipped_map(GetParam()).units) {
    // 5, 15, 30 and 60 minutes; the table lists volumes by the hour and voltages by 15 minutes only
    std::size_t listed = 0;
    for (const int period : {6, 2, 5, 7}) {
      const auto type = ReadingType::parse(fill_template(rule.reading_type, period, 1));
      ASSERT_TRUE(type.ok()) << rule.reading_type;
      const std::size_t entries = entries_for(table, *type);
      EXPECT_LE(entries, 1U) << rule.unit << " " << type->to_string();
      listed += entries;
    }
    if (excused(rule)) {
      EXPECT_EQ(listed, 0U) << rule.unit << " " << rule.reading_type
                            << " is in the table now: drop the excuse";
    } else {
      EXPECT_GE(listed, 1U) << rule.unit << " " << rule.reading_type << " is not in the table of record";
    }
  }
}

TEST_P(ShippedMap, TwoRulesNeverFitTheSameWords) {
  std::set<std::string> seen;
  for (const UnitRule& rule : shipped_map(GetParam()).units) {
    const std::string words = rule.unit + "/" + rule.measure + "/" + rule.commodity + "/" +
                              (rule.kind ? (*rule.kind == SeriesKind::Interval ? "i" : "r") : "-") + "/" +
                              rule.tou.value_or("");
    EXPECT_TRUE(seen.insert(words).second) << words;
  }
}

INSTANTIATE_TEST_SUITE_P(Config, ShippedMap, ::testing::Values("maps/cmep.yaml", "maps/ssn.yaml", "maps/lg-delimited.yaml", "maps/multispeak.yaml", "maps/delimited.yaml"),
                         [](const auto& map) {
                           std::string name;
                           for (const char c : std::string(map.param).substr(5)) {
                             if (std::isalnum(static_cast<unsigned char>(c)) != 0) name += c;
                           }
                           return name;
                         });

std::string type_of(const Mapping& mapping, const SeriesObservation& said) {
  TargetChooser chooser(mapping);
  const TargetChooser::Choice choice = chooser.choose(said);
  if (choice.problem != nullptr) return choice.problem;
  const char* problem = nullptr;
  const ReadingTarget* target = chooser.target(choice, said.interval, "2S", problem);
  return target != nullptr ? target->reading_type : problem;
}

SeriesObservation said(const char* unit, const char* measure, const char* commodity, SeriesKind kind,
                       const char* tou = "") {
  SeriesObservation observation;
  observation.unit = unit;
  observation.measure = measure;
  observation.commodity = commodity;
  observation.kind = kind;
  observation.tou = tou;
  if (kind == SeriesKind::Interval) observation.interval = std::chrono::minutes{15};
  return observation;
}

TEST(ShippedCmepMap, WordsWithSeveralMeaningsAreLeftToTheSite) {
  const Mapping map = shipped_map("maps/cmep.yaml");
  for (const char* unit : {"SKWHREG", "GAL", "GALREG", "PULSE", "GASREG"}) {
    for (const char* commodity : {"E", "G", "W"}) {
      EXPECT_EQ(type_of(map, said(unit, "MEPMD01", commodity, SeriesKind::Register)), "unknown_unit") << unit;
      EXPECT_EQ(type_of(map, said(unit, "MEPMD01", commodity, SeriesKind::Interval)), "unknown_unit") << unit;
    }
  }
}

TEST(ShippedCmepMap, TellsDeliveredFromReceivedAndDialsFromIntervals) {
  const Mapping map = shipped_map("maps/cmep.yaml");
  EXPECT_EQ(type_of(map, said("KWHREG", "MEPMD01", "E", SeriesKind::Register)),
            "0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.0.72.0");
  EXPECT_EQ(type_of(map, said("GKWHREG", "MEPMD01", "E", SeriesKind::Register)),
            "0.0.0.1.19.1.12.0.0.0.0.0.0.0.0.0.72.0");
  EXPECT_EQ(type_of(map, said("KWH", "MEPMD01", "E", SeriesKind::Interval)),
            "0.0.2.4.1.1.12.0.0.0.0.0.0.0.0.0.72.0");
  EXPECT_EQ(type_of(map, said("GKWH", "MEPMD01", "E", SeriesKind::Interval)),
            "0.0.2.4.19.1.12.0.0.0.0.0.0.0.0.0.72.0");
  EXPECT_EQ(type_of(map, said("CCFREG", "MEPMD01", "W", SeriesKind::Register)),
            "0.0.0.1.1.9.58.0.0.0.0.0.0.0.0.0.119.0");
  EXPECT_EQ(type_of(map, said("CF", "MEPMD01", "G", SeriesKind::Interval)),
            "0.0.2.4.1.7.58.0.0.0.0.0.0.0.0.0.119.0");
  EXPECT_EQ(type_of(map, said("KWHREG", "MEPMD02", "E", SeriesKind::Register, "TOTAL")),
            "0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.0.72.0");
  EXPECT_EQ(type_of(map, said("KWHREG", "MEPMD02", "E", SeriesKind::Register, "OFF-PEAK")),
            "0.0.0.9.1.1.12.0.0.0.0.2.0.0.0.0.72.0");
  EXPECT_EQ(type_of(map, said("KWHREG", "MEPMD02", "E", SeriesKind::Register, "SHOULDER")),
            "unknown_tou_label");
}

TEST(TargetChooser, AnyLabelMeansATierAndNeverTheTotal) {
  const auto map = parse_mapping(R"(
units:
  - {unit: KWHREG, tou: "*", reading_type: "0.0.0.9.1.1.12.0.0.0.0.{tou}.0.0.0.3.72.0"}
tou: {TOTAL: 0, ON-PEAK: 1}
)",
                                 "map");
  ASSERT_TRUE(map.ok()) << map.error().message;
  EXPECT_EQ(type_of(*map, said("KWHREG", "MEPMD02", "E", SeriesKind::Register, "ON-PEAK")),
            "0.0.0.9.1.1.12.0.0.0.0.1.0.0.0.0.72.0");
  EXPECT_EQ(type_of(*map, said("KWHREG", "MEPMD02", "E", SeriesKind::Register, "TOTAL")), "unknown_unit");
  EXPECT_EQ(type_of(*map, said("KWHREG", "MEPMD02", "E", SeriesKind::Register, "")), "unknown_unit");
}

TEST(ShippedCmepMap, SendersFlagsAreNeverMoreThanAPlainFlag) {
  const Mapping map = shipped_map("maps/cmep.yaml");
  ASSERT_EQ(map.flags.size(), 5U);
  EXPECT_EQ(green_button_quality(map.flags.at("").quality), 0);
  EXPECT_EQ(green_button_quality(map.flags.at("R").quality), 14);
  EXPECT_EQ(green_button_quality(map.flags.at("A").quality), 7);
  EXPECT_TRUE(map.flags.at("N").missing);
  for (const char* letters : {"", "R", "E", "A"}) EXPECT_TRUE(map.flags.at(letters).claims_value) << letters;
}

TEST(ShippedSsnMap, RegistersTiersAndChannelsOfTheExport) {
  const Mapping map = shipped_map("maps/ssn.yaml");
  const auto reg = [&](const char* unit, const char* measure, const char* tier) {
    return type_of(map, said(unit, measure, "", SeriesKind::Register, tier));
  };
  EXPECT_EQ(reg("kWh", "Summation", "0"), "0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.0.72.0");
  EXPECT_EQ(reg("kWh(rec)", "Summation", "0"), "0.0.0.1.19.1.12.0.0.0.0.0.0.0.0.0.72.0");
  EXPECT_EQ(reg("kWh", "Summation", "1"), "0.0.0.9.1.1.12.0.0.0.0.1.0.0.0.0.72.0");
  EXPECT_EQ(reg("kW", "CumulativeDemand", "0"), "0.8.53.3.1.1.8.0.0.0.0.0.0.0.0.0.38.0");
  EXPECT_EQ(reg("kW(rec)", "CumulativeDemand", "1"), "0.8.53.3.19.1.8.0.0.0.0.1.0.0.0.0.38.0");
  EXPECT_EQ(reg("kWh", "Summation", "9"), "unknown_tou_label");
  EXPECT_EQ(reg("kW", "Summation", "0"), "unknown_unit");
  EXPECT_EQ(type_of(map, said("kWh", "Reading", "", SeriesKind::Interval)),
            "0.0.2.4.1.1.12.0.0.0.0.0.0.0.0.0.72.0");
  // the chooser is asked for a 2S meter
  EXPECT_EQ(type_of(map, said("VrmsA-N", "Reading", "", SeriesKind::Interval)),
            "0.2.2.6.0.1.54.0.0.0.0.0.0.0.768.0.29.0");
}

TEST(ShippedSsnEvents, MapsTheOneEventThatPublicMaterialShowsAndKeepsTheRest) {
  const auto events =
      EventMap::parse(shipped("codes/events.yaml"), shipped("maps/ssn-events.yaml"), "events");
  ASSERT_TRUE(events.ok()) << events.error().message;
  EXPECT_EQ(events->vendor(), "ssn");
  EXPECT_EQ(events->look_up("METER_HAN_COMM_FAILURE", "any words").kind, "HAN_FAULT");
  EXPECT_EQ(events->look_up("METER_SOMETHING_ELSE", "").kind, "UNMAPPED");
}

}  // namespace
}  // namespace ami
