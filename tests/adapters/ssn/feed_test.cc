// The whole way of an SSNExportDocument file up to normalised readings, with the shipped feed files.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include "adapters/sdk/testing/fake_host.h"
#include "adapters/ssn/family.h"

namespace ami::ssn {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

std::string read(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

class SsnFeed : public testing::Test {
 protected:
  SsnFeed() {
    char folder[] = "/tmp/ami-ssn-XXXXXX";
    folder_ = ::mkdtemp(folder);
    families_ = interfaces();
  }
  ~SsnFeed() override {
    if (adapter_) host.stop(*adapter_);
    fs::remove_all(folder_);
  }
  static std::string config_dir() { return environment("AMI_SOURCE_DIR") + "/config"; }
  sdk::LoadedFeed load(const std::string& name) {
    std::string yaml = read(config_dir() + "/adapters/" + name);
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
  std::string reason(const std::string& name) {
    return read(folder_ / "in" / "rejected" / (name + ".reason.txt"));
  }
  static std::string event(const std::string& name) {
    return "<Event EventName=\"" + name + "\" EventTime=\"2026-01-14T00:00:00Z\">x</Event>";
  }
  static std::string document(const std::string& events) {
    return "<SSNExportDocument xmlns=\"urn:com:ssn:schema:export:SSNExportFormat.xsd\"><MeterData "
           "MeterName=\"M1\">"
           "<EventData>" +
           events + "</EventData></MeterData></SSNExportDocument>";
  }

  fs::path folder_;
  std::vector<std::unique_ptr<sdk::AdapterFamily>> families_;
  sdk::testing::FakeHost host;
  std::unique_ptr<sdk::Adapter> adapter_;
};

TEST_F(SsnFeed, TheShippedFeedFilesAreGood) {
  for (const char* name : {"ssn.yaml", "ssn-demo.yaml"}) {
    const sdk::LoadedFeed feed = load(name);
    const Result<sdk::FeedPlan> plan = feed.family->plan(feed.settings, config_dir());
    ASSERT_TRUE(plan.ok()) << plan.error().message;
    EXPECT_EQ(plan->wire, "ssn-export");
    EXPECT_EQ(plan->rules.events.vendor(), "ssn");
    EXPECT_TRUE(plan->rules.mapping.raw_scale.empty());
  }
}

TEST_F(SsnFeed, TheRealSampleYieldsItsRegistersAndBothEnergyChannels) {
  const std::string text = read(environment("AMI_SAMPLES_DIR") + "/ssn/meco_v3-energy-test-data.xml");
  if (text.empty()) GTEST_SKIP() << "no sample ssn/meco_v3-energy-test-data.xml beside the checkout";
  const sdk::LoadedFeed feed = load("ssn-demo.yaml");
  begin(feed);
  drop("meco.xml", text);
  EXPECT_TRUE(fs::exists(folder_ / "in" / "done" / "meco.xml"));
  const Result<sdk::FeedPlan> plan = feed.family->plan(feed.settings, config_dir());
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  const MeterResolver resolve = [](AliasKind, std::string_view, UtcInstant) {
    return std::optional<ResolvedMeter>({1, "2S", UtcInstant::min(), UtcInstant::max()});
  };
  NormalisedBatch out;
  for (const auto& commit : host.store.committed) {
    normalise(commit.batch, plan->rules, resolve, commit.source.received_at, out);
  }
  // 7 reads of 2 tiers of 4 registers; the first one is 10802.4588 kWh at 06:00:08.241 -10:00.
  ASSERT_EQ(out.registers.size(), 56U);
  EXPECT_EQ(out.registers[0].value, (Decimal{108024588, -1}));
  EXPECT_EQ(out.channels[out.registers[0].channel].unit, "Wh");
  EXPECT_EQ(to_text(out.registers[0].at), "2013-04-08T16:00:08.241Z");
  // 4 channels of 8 values, with a hole. Sums taken from the file apart from this program.
  std::map<std::string, Decimal> sums;
  std::map<std::string, int> counts;
  for (const IntervalRun& run : out.intervals) {
    EXPECT_EQ(run.length, std::chrono::minutes(15));
    const std::string& key = out.channels[run.channel].key;
    for (const auto& mantissa : run.mantissas) {
      if (!mantissa) continue;
      sums[key] = sums[key].plus({*mantissa, run.exponent}).value();
      ++counts[key];
    }
  }
  EXPECT_EQ(counts,
            (std::map<std::string, int>{{"ssn:lp:1", 8}, {"ssn:lp:2", 8}, {"ssn:lp:3", 8}, {"ssn:lp:4", 8}}));
  EXPECT_EQ(sums["ssn:lp:1"], (Decimal{14705, -1}));
  EXPECT_EQ(sums["ssn:lp:3"], (Decimal{14705, -1}));
}

TEST_F(SsnFeed, ATruncatedFileIsRejectedAndItsCompleteRecordsAreStored) {
  begin(load("ssn.yaml"));
  const std::string whole = document(event("A") + event("B") + event("C"));
  drop("cut.xml", whole.substr(0, whole.find("\"C\"")));
  EXPECT_NE(reason("cut.xml").find("cannot be read to its end: truncated"), std::string::npos)
      << reason("cut.xml");
  ASSERT_EQ(host.store.committed.size(), 1U);
  EXPECT_EQ(host.store.committed[0].batch.observations.size(), 2U);
}

TEST_F(SsnFeed, AnEntityBombAndAWrongNamespaceAreRejectedWithTheReason) {
  begin(load("ssn.yaml"));
  drop("bomb.xml", "<!DOCTYPE d [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]>" + document(event("A")));
  EXPECT_NE(reason("bomb.xml").find("entity_declaration"), std::string::npos) << reason("bomb.xml");
  drop("other.xml", "<SSNExportDocument xmlns=\"urn:other\"/>");
  EXPECT_NE(reason("other.xml").find("wrong_namespace"), std::string::npos) << reason("other.xml");
  for (const auto& commit : host.store.committed) EXPECT_TRUE(commit.batch.observations.empty());
}

TEST_F(SsnFeed, AnInterruptedFileGoesOnWithoutRepetition) {
  sdk::LoadedFeed feed = load("ssn.yaml");
  std::ofstream(folder_ / "small.yaml")
      << "name: f\nutility: u\nfamily: ssn\nfolder: in\nzone: UTC\nbatch_records: 1\n";
  feed = sdk::load_feed_file((folder_ / "small.yaml").string(), families_);
  ASSERT_EQ(sdk::to_text(feed.problems), "");
  begin(feed);
  std::string events;
  const std::string padding(400'000, ' ');  // so that the file is more than one read
  for (const char* name : {"A", "B", "C", "D", "E", "F"}) events += event(name) + padding;
  host.store.fail_after(1, transient("the process dies here"));
  drop("a.xml", document(events));
  ASSERT_EQ(host.store.committed.size(), 1U);
  host.store.accept();
  host.stop(*adapter_);
  begin(feed);
  host.advance(seconds(6));
  std::vector<std::string> codes;
  for (const auto& commit : host.store.committed) {
    for (const Observation& o : commit.batch.observations)
      codes.emplace_back(std::get<EventObservation>(o).code);
  }
  EXPECT_EQ(codes, (std::vector<std::string>{"A", "B", "C", "D", "E", "F"}));
  EXPECT_TRUE(fs::exists(folder_ / "in" / "done" / "a.xml"));
}

TEST_F(SsnFeed, AQuarantinedRecordCanBeDecodedAgainAndNonsenseSaysWhy) {
  const sdk::LoadedFeed feed = load("ssn.yaml");
  const DecodedBatch good = feed.family->decode(feed.settings, document(event("A")), UtcInstant{});
  ASSERT_EQ(good.observations.size(), 1U);
  EXPECT_EQ(std::get<EventObservation>(good.observations[0]).code, "A");
  const DecodedBatch bad = feed.family->decode(feed.settings, "<nonsense", UtcInstant{});
  EXPECT_TRUE(bad.observations.empty());
  ASSERT_EQ(bad.malformed.size(), 1U);
  EXPECT_EQ(bad.malformed[0].raw, "<nonsense");
  EXPECT_STRNE(bad.malformed[0].reason, "");
}

}  // namespace
}  // namespace ami::ssn
