// The whole way of a CMEP file up to normalised readings, with the shipped feed files.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "adapters/flexnet/family.h"
#include "adapters/sdk/testing/fake_host.h"

namespace ami::flexnet {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

class FlexnetFeed : public testing::Test {
 protected:
  FlexnetFeed() {
    char folder[] = "/tmp/ami-flexnet-XXXXXX";
    folder_ = ::mkdtemp(folder);
    families_ = interfaces();
  }
  ~FlexnetFeed() override {
    if (adapter_) host.stop(*adapter_);
    fs::remove_all(folder_);
  }

  static std::string config_dir() { return environment("AMI_SOURCE_DIR") + "/config"; }
  // A shipped feed file, with the inbox in this test's folder.
  sdk::LoadedFeed load(const std::string& name) {
    std::ifstream in(config_dir() + "/adapters/" + name);
    std::string yaml{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    const std::size_t at = yaml.find("\nfolder: ");
    yaml.replace(at, yaml.find('\n', at + 1) - at, "\nfolder: in");
    std::ofstream(folder_ / name) << yaml;
    sdk::LoadedFeed feed = sdk::load_feed_file((folder_ / name).string(), families_);
    EXPECT_EQ(sdk::to_text(feed.problems), "");
    return feed;
  }
  void begin(const sdk::LoadedFeed& feed) {
    adapter_ = feed.family->make(feed.settings, host.services());
    ASSERT_TRUE(host.start(*adapter_).ok());
    host.run_until_idle();
  }
  void drop(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / "in" / name, std::ios::binary) << text;
    host.run_until_idle();
  }
  NormalisedBatch normalised(const sdk::LoadedFeed& feed, const std::set<std::string>& meters) {
    const Result<sdk::FeedPlan> plan = feed.family->plan(feed.settings, config_dir());
    NormalisedBatch out;
    if (!plan) {
      ADD_FAILURE() << plan.error().message;
      return out;
    }
    const MeterResolver resolve = [&](AliasKind kind, std::string_view id,
                                      UtcInstant) -> std::optional<ResolvedMeter> {
      const auto found = meters.find(std::string(id));
      if (kind != AliasKind::Badge || found == meters.end()) return std::nullopt;
      return ResolvedMeter{1 + std::distance(meters.begin(), found), "", UtcInstant::min(),
                           UtcInstant::max()};
    };
    for (const auto& commit : host.store.committed) {
      normalise(commit.batch, plan->rules, resolve, commit.source.received_at, out);
    }
    return out;
  }
  static std::string sample(const std::string& name) {
    std::ifstream in(environment("AMI_SAMPLES_DIR") + "/cmep/" + name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  }

  fs::path folder_;
  std::vector<std::unique_ptr<sdk::AdapterFamily>> families_;
  sdk::testing::FakeHost host;
  std::unique_ptr<sdk::Adapter> adapter_;
};

const std::set<std::string> kSampleMeters{"B72842123", "B72842062", "B72842130"};

TEST_F(FlexnetFeed, TheShippedFeedFilesAreGoodAndSayWhatTheyAssume) {
  const sdk::LoadedFeed shipped = load("flexnet.yaml");
  const Result<sdk::FeedPlan> plan = shipped.family->plan(shipped.settings, config_dir());
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  EXPECT_EQ(plan->wire, "cmep");
  EXPECT_EQ(shipped.settings.text("meter_id_field"), "field8");
  EXPECT_TRUE(shipped.settings.sections("assume").empty());

  const sdk::LoadedFeed demo = load("flexnet-demo.yaml");
  const Result<sdk::FeedPlan> assumed = demo.family->plan(demo.settings, config_dir());
  ASSERT_TRUE(assumed.ok()) << assumed.error().message;
  EXPECT_NE(assumed->rules.mapping.version, plan->rules.mapping.version);
  for (const char* unit : {"GALREG", "GAL", "SKWHREG", "PULSE"}) {
    const auto& rules = assumed->rules.mapping.units;
    const auto rule =
        std::find_if(rules.begin(), rules.end(), [&](const UnitRule& r) { return r.unit == unit; });
    ASSERT_NE(rule, rules.end()) << unit;
    EXPECT_FALSE(rule->assumed.empty()) << unit;
  }
}

TEST_F(FlexnetFeed, WithTheDemoAssumptionsTheRealSampleIsStored) {
  const std::string text = sample("cmep.dat");
  if (text.empty()) GTEST_SKIP() << "no sample cmep/cmep.dat beside the checkout";
  const sdk::LoadedFeed feed = load("flexnet-demo.yaml");
  begin(feed);
  drop("cmep.dat", text);
  EXPECT_TRUE(fs::exists(folder_ / "in" / "done" / "cmep.dat"));
  const NormalisedBatch out = normalised(feed, kSampleMeters);
  // First record: meter B72842123, GALREG 36318 at 2011-09-20 00:02.
  ASSERT_FALSE(out.registers.empty());
  EXPECT_EQ(out.registers[0].value.to_string(), "36318");
  EXPECT_EQ(to_text(out.registers[0].at), "2011-09-20T00:02:00Z");
  EXPECT_EQ(out.channels[out.registers[0].channel].unit, "USgal");
  // Five records of 25 readings; three of their meters are known here.
  EXPECT_EQ(out.registers.size(), 75U);
  for (const Quarantined& q : out.quarantined) EXPECT_EQ(q.reason, "unknown_meter");
}

TEST_F(FlexnetFeed, WithoutAssumptionsEveryRecordOfTheRealSampleIsQuarantinedForItsUnit) {
  const std::string text = sample("cmep.dat");
  if (text.empty()) GTEST_SKIP() << "no sample cmep/cmep.dat beside the checkout";
  std::ofstream(folder_ / "plain.yaml") << "name: f\nutility: u\nfamily: flexnet\nfolder: in\nzone: UTC\n"
                                           "meter_id_field: field6\n";
  const sdk::LoadedFeed feed = sdk::load_feed_file((folder_ / "plain.yaml").string(), families_);
  ASSERT_EQ(sdk::to_text(feed.problems), "");
  begin(feed);
  drop("cmep.dat", text);
  const NormalisedBatch out = normalised(feed, kSampleMeters);
  EXPECT_TRUE(out.registers.empty());
  ASSERT_FALSE(out.quarantined.empty());
  EXPECT_EQ(out.quarantined[0].reason, "unknown_unit");
  EXPECT_EQ(out.quarantined[0].meter, "B72842123");
}

TEST_F(FlexnetFeed, AQuarantinedRecordCanBeDecodedAgain) {
  const sdk::LoadedFeed feed = load("flexnet.yaml");
  const DecodedBatch batch = feed.family->decode(
      feed.settings, "MEPMD01,19970819,S,C,R,C,202601151700,M1,OK,E,KWHREG,1.0,,1,202601150600,R,12.5", UtcInstant{});
  ASSERT_EQ(batch.observations.size(), 1U);
  EXPECT_EQ(std::get<SeriesObservation>(batch.observations[0]).meter, "M1");
  EXPECT_EQ(std::get<SeriesObservation>(batch.observations[0]).values.at(0).value, "12.5");
}

TEST_F(FlexnetFeed, ALineOf100MegabytesCostsOnlyItself) {
  const sdk::LoadedFeed feed = load("flexnet.yaml");
  begin(feed);
  const std::string good = "MEPMD01,19970819,S,C,R,C,202601151700,M1,OK,E,KWHREG,1.0,,1,202601150600,R,";
  {
    std::ofstream out(folder_ / "in" / "big.cmep", std::ios::binary);
    out << good << "1\n";
    const std::string megabyte(1'000'000, 'x');
    for (int i = 0; i < 100; ++i) out << megabyte;
    out << "\n" << good << "2\n";
  }
  host.run_until_idle();
  host.advance(seconds(6));
  EXPECT_TRUE(fs::exists(folder_ / "in" / "done" / "big.cmep"));
  std::vector<std::string> values, faults;
  for (const auto& commit : host.store.committed) {
    for (const Observation& o : commit.batch.observations) {
      values.emplace_back(std::get<SeriesObservation>(o).values.at(0).value);
    }
    for (const MalformedRecord& m : commit.batch.malformed) faults.emplace_back(m.reason);
  }
  EXPECT_EQ(values, (std::vector<std::string>{"1", "2"}));
  EXPECT_EQ(faults, (std::vector<std::string>{"line_too_long"}));
}

TEST_F(FlexnetFeed, AFileOfAnotherKindIsRejectedWithTheReason) {
  begin(load("flexnet.yaml"));
  drop("page.html", "<html>\n<body>\nnot CMEP\n</body>\n</html>\n");
  EXPECT_TRUE(fs::exists(folder_ / "in" / "rejected" / "page.html"));
  std::ifstream in(folder_ / "in" / "rejected" / "page.html.reason.txt");
  const std::string reason{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  EXPECT_NE(reason.find("not one record in it can be read; the first fault is unknown_record_type at byte 0"),
            std::string::npos)
      << reason;
}

TEST_F(FlexnetFeed, NulBytesAndBrokenTextCostOnlyTheirRecords) {
  begin(load("flexnet.yaml"));
  const std::string good = "MEPMD01,19970819,S,C,R,C,202601151700,M1,OK,E,KWHREG,1.0,,1,202601150600,R,7";
  drop("a.cmep", std::string("\0\0\0\n", 4) + "MEPMD01,\xff\xfe\n" + good + "\r\n");
  ASSERT_EQ(host.store.committed.size(), 1U);
  EXPECT_EQ(host.store.committed[0].batch.observations.size(), 1U);
  EXPECT_EQ(host.store.committed[0].batch.malformed.size(), 2U);
  EXPECT_TRUE(fs::exists(folder_ / "in" / "done" / "a.cmep"));
}

}  // namespace
}  // namespace ami::flexnet
