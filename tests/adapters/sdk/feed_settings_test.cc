#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "adapters/sdk/mapping_settings.h"
#include "adapters/sdk/registration.h"

namespace ami::sdk {
namespace {

namespace fs = std::filesystem;

class OneFamily : public AdapterFamily {
 public:
  explicit OneFamily(std::string key = {}) { info_.key = std::move(key); }
  [[nodiscard]] const AdapterInfo& info() const noexcept override { return info_; }
  [[nodiscard]] const SettingsSchema& schema() const noexcept override { return schema_; }
  [[nodiscard]] Result<FeedPlan> plan(const Settings& settings, const std::string& dir) const override {
    Result<FeedRules> rules = load_feed_rules(settings, dir);
    if (!rules) return rules.error();
    return FeedPlan{rules.value(), "one"};
  }
  [[nodiscard]] std::unique_ptr<Adapter> make(const Settings&, Services) const override { return nullptr; }
  [[nodiscard]] DecodedBatch decode(const Settings&, std::string_view, UtcInstant) const override { return {}; }

 private:
  AdapterInfo info_{"one", "nothing", {}};
  SettingsSchema schema_{"One", mapping_settings("maps/one.yaml", "")};
};

class FeedFile : public testing::Test {
 protected:
  FeedFile() {
    char folder[] = "/tmp/ami-feed-XXXXXX";
    dir_ = ::mkdtemp(folder);
    families_.push_back(std::make_unique<OneFamily>());
    write("codes/events.yaml", "version: 1\nkinds: {OUTAGE: 3.26.0.47}\n");
    write("maps/one.yaml", "version: 2\nwire: one\nunits:\n  - {unit: KWH, reading_type: " + type(1) + "}\n");
  }
  ~FeedFile() override { fs::remove_all(dir_); }

  static std::string type(int flow) {
    return "0.0.0.1." + std::to_string(flow) + ".1.12.0.0.0.0.0.0.0.0.3.72.0";
  }
  std::string write(const std::string& name, const std::string& text) {
    fs::create_directories((dir_ / name).parent_path());
    std::ofstream(dir_ / name) << text;
    return (dir_ / name).string();
  }
  Result<FeedRules> rules(const std::string& yaml) {
    const std::string path = write("adapters/feed.yaml", yaml);
    const LoadedFeed feed = load_feed_file(path, families_);
    EXPECT_EQ(to_text(feed.problems), "");
    if (!feed.problems.empty()) return permanent("problems in settings");
    Result<FeedPlan> plan = feed.family->plan(feed.settings, dir_.string());
    if (!plan) return plan.error();
    return plan->rules;
  }

  fs::path dir_;
  std::vector<std::unique_ptr<AdapterFamily>> families_;
};

const char* const kGood = "name: f\nutility: u\nfamily: one\nzone: America/Toronto\n";

TEST_F(FeedFile, IsCheckedAgainstTheCommonAndTheFamilysOwnSchema) {
  const LoadedFeed feed = load_feed_file(write("f.yaml", kGood), families_);
  EXPECT_EQ(to_text(feed.problems), "");
  ASSERT_EQ(feed.family, families_[0].get());
  EXPECT_EQ(feed.settings.text("utility"), "u");
  EXPECT_TRUE(feed.settings.boolean("enabled"));
  EXPECT_EQ(feed.settings.text("zone"), "America/Toronto");
}

TEST_F(FeedFile, AnUnknownFamilyNamesThoseThatExist) {
  const std::string path = write("f.yaml", "name: f\nfamily: won\n");
  EXPECT_EQ(to_text(load_feed_file(path, families_).problems),
            path + ":2: family: 'won' is not one of: one\n");
}

TEST_F(FeedFile, ChoosesAnInterfaceOfItsFamily) {
  families_.clear();
  families_.push_back(std::make_unique<OneFamily>("files"));
  families_.push_back(std::make_unique<OneFamily>("messages"));
  const LoadedFeed first = load_feed_file(write("f.yaml", kGood), families_);
  EXPECT_EQ(to_text(first.problems), "");
  EXPECT_EQ(first.family, families_[0].get()) << "the first one where none is named";
  const LoadedFeed named = load_feed_file(write("f.yaml", std::string(kGood) + "interface: messages\n"), families_);
  EXPECT_EQ(to_text(named.problems), "");
  EXPECT_EQ(named.family, families_[1].get());
  const std::string path = write("f.yaml", std::string(kGood) + "interface: massages\n");
  const LoadedFeed none = load_feed_file(path, families_);
  EXPECT_EQ(none.family, nullptr);
  EXPECT_EQ(to_text(none.problems),
            path + ":5: interface: 'massages' is not one of family one: files, messages\n");
}

TEST_F(FeedFile, WithoutAFamilyNothingElseIsJudged) {
  const std::string path = write("f.yaml", "name: f\n");
  const LoadedFeed feed = load_feed_file(path, families_);
  EXPECT_EQ(feed.family, nullptr);
  ASSERT_EQ(feed.problems.size(), 1U);
  EXPECT_TRUE(feed.problems[0].message.starts_with("family is required")) << feed.problems[0].message;
}

TEST_F(FeedFile, BrokenYamlIsReportedAsThat) {
  const LoadedFeed feed = load_feed_file(write("f.yaml", "name: [f\n"), families_);
  ASSERT_FALSE(feed.problems.empty());
  EXPECT_TRUE(feed.problems[0].message.starts_with("is not YAML")) << feed.problems[0].message;
}

TEST_F(FeedFile, AMissingZoneIsAProblem) {
  const std::string path = write("f.yaml", "name: f\nutility: u\nfamily: one\n");
  const LoadedFeed feed = load_feed_file(path, families_);
  ASSERT_EQ(feed.problems.size(), 1U);
  EXPECT_TRUE(feed.problems[0].message.starts_with("zone is required")) << feed.problems[0].message;
}

TEST_F(FeedFile, RulesComeFromTheMappingFile) {
  const Result<FeedRules> found = rules(kGood);
  ASSERT_TRUE(found.ok()) << found.error().message;
  EXPECT_EQ(found->feed, "f");
  EXPECT_EQ(found->mapping.wire, "one");
  EXPECT_EQ(found->mapping.version, 2 * 1000);
  EXPECT_EQ(found->zone->name(), "America/Toronto");
  ASSERT_EQ(found->mapping.units.size(), 1U);
  EXPECT_EQ(found->mapping.units[0].assumed, "");
}

TEST_F(FeedFile, AssumptionsComeFirstAndCarryTheirReason) {
  const Result<FeedRules> found = rules(
      std::string(kGood) + "assume_version: 7\nassume:\n  - assumed: told by the sender\n    mapping:\n" +
      "      units:\n        - {unit: KWH, reading_type: " + type(19) +
      "}\n      raw_scale: {\"1\": \"0.5\"}\n");
  ASSERT_TRUE(found.ok()) << found.error().message;
  ASSERT_EQ(found->mapping.units.size(), 2U);
  EXPECT_EQ(found->mapping.units[0].reading_type, type(19));
  EXPECT_EQ(found->mapping.units[0].assumed, "told by the sender");
  EXPECT_EQ(found->mapping.units[1].assumed, "");
  EXPECT_EQ(found->mapping.raw_scale.at("1").to_string(), "0.5");
  EXPECT_EQ(found->mapping.version, 2 * 1000 + 7);  // another version than without the assumption
}

// A corrected zone changes what a file means although nothing is assumed: its version can be raised, too.
TEST_F(FeedFile, AVersionCanBeRaisedWithoutAnAssumption) {
  const Result<FeedRules> found = rules(std::string(kGood) + "assume_version: 7\n");
  ASSERT_TRUE(found.ok()) << found.error().message;
  EXPECT_EQ(found->mapping.version, 2 * 1000 + 7);
  EXPECT_EQ(found->mapping.units.size(), 1U);
}

TEST_F(FeedFile, AnAssumptionWithoutAReasonIsAProblem) {
  const std::string path = write("f.yaml", std::string(kGood) + "assume:\n  - mapping: {tou: {A: 1}}\n");
  const LoadedFeed feed = load_feed_file(path, families_);
  ASSERT_EQ(feed.problems.size(), 1U);
  EXPECT_EQ(feed.problems[0].line, 6);
  EXPECT_TRUE(feed.problems[0].message.starts_with("assume[0].assumed is required"))
      << feed.problems[0].message;
}

TEST_F(FeedFile, AProblemInAnAssumptionHasTheFeedFilesLine) {
  const Result<FeedRules> found = rules(
      std::string(kGood) +
      "assume:\n  - assumed: x\n    mapping:\n      units:\n        - {unit: KWH, reading_tipe: " + type(1) +
      "}\n");
  ASSERT_FALSE(found.ok());
  EXPECT_NE(found.error().message.find((dir_ / "adapters/feed.yaml").string() + ":9: "), std::string::npos)
      << found.error().message;
}

TEST_F(FeedFile, AMissingMappingFileIsNamedWhereItIsAskedFor) {
  const Result<FeedRules> found = rules(std::string(kGood) + "mapping: maps/none.yaml\n");
  ASSERT_FALSE(found.ok());
  EXPECT_EQ(found.error().message, (dir_ / "adapters/feed.yaml").string() + ":5: " +
                                       (dir_ / "maps/none.yaml").string() + " there is no such file\n");
}

TEST_F(FeedFile, AnAssumptionMayNotPretendToBeAMappingFile) {
  const Result<FeedRules> found =
      rules(std::string(kGood) + "assume:\n  - assumed: x\n    mapping: {version: 3, wire: two}\n");
  ASSERT_FALSE(found.ok());
  EXPECT_NE(found.error().message.find(":7: an assumption has neither version nor wire"), std::string::npos)
      << found.error().message;
}

}  // namespace
}  // namespace ami::sdk
