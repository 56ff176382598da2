// config/codes/reading_types.yaml and ReadingType::canonical() must say the same.
#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "meter_model/quantity/reading_type.h"

namespace ami {
namespace {

struct Entry {
  std::string name;
  std::string code;
  std::string quantity;
  std::vector<std::string> synonyms;
};

class TableOfRecord : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* root = std::getenv("AMI_SOURCE_DIR");
    ASSERT_NE(root, nullptr) << "AMI_SOURCE_DIR must name the source tree";
    const YAML::Node table = YAML::LoadFile(std::string(root) + "/config/codes/reading_types.yaml");
    for (const YAML::Node& node : table["reading_types"]) {
      Entry entry{node["name"].as<std::string>(),
                  node["code"].as<std::string>(),
                  node["quantity"].as<std::string>(),
                  {}};
      for (const YAML::Node& synonym : node["synonyms"]) entry.synonyms.push_back(synonym.as<std::string>());
      entries.push_back(std::move(entry));
    }
    ASSERT_GE(entries.size(), 70U);
  }
  static std::string meaning(const std::string& text) {
    const auto type = ReadingType::parse(text);
    EXPECT_TRUE(type.ok()) << (type.ok() ? "" : type.error().message);
    return type.ok() ? type->canonical().unscaled().to_string() : "";
  }
  std::vector<Entry> entries;
};

TEST_F(TableOfRecord, EveryCodeParsesPrintsBackAndIsItsOwnCanonicalForm) {
  for (const Entry& entry : entries) {
    const auto type = ReadingType::parse(entry.code);
    ASSERT_TRUE(type.ok()) << entry.name << ": " << type.error().message;
    EXPECT_EQ(type->to_string(), entry.code) << entry.name;
    EXPECT_EQ(type->canonical().to_string(), entry.code) << entry.name;
  }
}

TEST_F(TableOfRecord, NoTwoEntriesShareANameOrAMeaning) {
  std::set<std::string> names;
  std::map<std::string, std::string> meanings;
  for (const Entry& entry : entries) {
    EXPECT_TRUE(names.insert(entry.name).second) << entry.name;
    const auto [other, added] = meanings.emplace(meaning(entry.code), entry.name);
    EXPECT_TRUE(added) << entry.name << " collides with " << other->second;
  }
}

TEST_F(TableOfRecord, EverySynonymResolvesToExactlyItsOwnEntry) {
  int synonyms = 0;
  for (const Entry& owner : entries) {
    for (const std::string& synonym : owner.synonyms) {
      ++synonyms;
      EXPECT_NE(synonym, owner.code);
      std::vector<std::string> resolved;
      for (const Entry& entry : entries) {
        if (meaning(synonym) == meaning(entry.code)) resolved.push_back(entry.name);
      }
      EXPECT_EQ(resolved, std::vector<std::string>{owner.name}) << synonym;
    }
  }
  EXPECT_GE(synonyms, 60);
}

TEST_F(TableOfRecord, QuantityOfEachSpellingIsTheEntrysQuantity) {
  for (const Entry& entry : entries) {
    EXPECT_EQ(name_of(quantity_of(*ReadingType::parse(entry.code))), entry.quantity) << entry.name;
    for (const std::string& synonym : entry.synonyms) {
      EXPECT_EQ(name_of(quantity_of(*ReadingType::parse(synonym))), entry.quantity) << synonym;
    }
  }
}

// The spellings of the second reference, typed from there and not from our table.
TEST_F(TableOfRecord, HoldsEverySpellingOfTheModulesReference) {
  std::set<std::string> spellings;
  for (const Entry& entry : entries) spellings.insert(meaning(entry.code));
  const char* reference[] = {
      "0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.0.72.0",   "0.0.0.1.19.1.12.0.0.0.0.0.0.0.0.0.72.0",
      "0.0.0.1.4.1.12.0.0.0.0.0.0.0.0.0.72.0",   "0.0.0.1.20.1.12.0.0.0.0.0.0.0.0.0.72.0",
      "0.0.6.4.1.1.12.0.0.0.0.0.0.0.0.0.72.0",   "0.0.2.4.1.1.12.0.0.0.0.0.0.0.0.0.72.0",
      "0.0.5.4.1.1.12.0.0.0.0.0.0.0.0.0.72.0",   "0.0.7.4.1.1.12.0.0.0.0.0.0.0.0.0.72.0",
      "0.0.2.4.19.1.12.0.0.0.0.0.0.0.0.0.72.0",  "0.0.2.4.4.1.12.0.0.0.0.0.0.0.0.0.72.0",
      "8.8.2.6.1.1.8.0.0.0.0.0.0.0.0.0.38.0",    "8.8.2.6.1.1.8.0.0.0.0.0.0.0.0.3.38.0",
      "8.8.71.6.1.1.8.0.0.0.0.0.0.0.0.0.38.0",   "13.8.0.6.1.1.8.0.0.0.0.0.0.0.0.0.38.0",
      "8.8.2.6.1.1.8.0.0.0.0.0.0.0.0.0.108.0",   "0.0.0.3.1.1.8.0.0.0.0.0.0.0.0.0.38.0",
      "0.0.0.1.1.1.12.0.0.0.0.1.0.0.0.0.72.0",   "0.0.0.1.1.1.12.0.0.0.0.4.0.0.0.0.72.0",
      "13.0.0.9.1.1.12.0.0.0.0.3.0.0.0.3.72.0",  "13.0.0.1.1.1.12.0.0.0.0.0.0.0.0.3.72.0",
      "8.8.2.6.1.1.8.0.0.0.0.1.0.0.0.0.38.0",    "13.8.0.6.1.1.8.0.0.0.0.4.0.0.0.0.38.0",
      "0.0.0.6.0.1.54.0.0.0.0.0.0.0.128.0.29.0", "0.0.0.6.0.1.54.0.0.0.0.0.0.0.768.0.29.0",
      "0.2.2.6.0.1.54.0.0.0.0.0.0.0.128.0.29.0", "0.2.2.9.0.1.54.0.0.0.0.0.0.0.128.0.29.0",
      "0.0.0.1.1.7.58.0.0.0.0.0.0.0.0.0.42.0",   "0.0.0.1.1.7.58.0.0.0.0.0.0.0.0.0.119.0",
      "0.0.0.1.1.7.58.0.0.0.0.0.0.0.0.2.119.0",  "0.0.0.1.1.9.58.0.0.0.0.0.0.0.0.0.42.0",
      "0.0.0.1.1.9.58.0.0.0.0.0.0.0.0.0.128.0",  "0.0.0.1.1.9.58.0.0.0.0.0.0.0.0.0.130.0",
      "0.0.0.1.1.9.58.0.0.0.0.0.0.0.0.0.134.0",  "0.0.7.4.1.9.58.0.0.0.0.0.0.0.0.0.42.0",
      "0.0.7.4.1.7.58.0.0.0.0.0.0.0.0.0.42.0",
  };
  for (const char* text : reference) EXPECT_TRUE(spellings.contains(meaning(text))) << text;
}

}  // namespace
}  // namespace ami
