// The jobs interface of the family as a site gets it: the shipped feed file, and the family's own simulated
// network.
#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "adapters/sdk/testing/fake_host.h"
#include "adapters/ssn/family.h"
#include "adapters/ssn/peer/export_document.h"
#include "adapters/ssn/peer/job_devices.h"
#include "adapters/wire/uiq_job/peer/job_service.h"
#include "tests/adapters/wire/http/http_scene.h"

namespace ami::ssn {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

std::string config_dir() {
  const char* tree = std::getenv("AMI_SOURCE_DIR");
  return std::string(tree == nullptr ? "." : tree) + "/config";
}
std::string read(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

virtual_meter::Collected meter(const std::string& name, const std::string& module) {
  virtual_meter::Collected collected;
  collected.meter = name;
  virtual_meter::Reading reading;
  reading.identity.module = module;
  collected.readings = {reading};
  return collected;
}

class SsnJobsFeed : public http::HttpScene {
 public:
  sdk::LoadedFeed load(const std::string& yaml) {
    std::ofstream(folder / "feed.yaml") << yaml;
    return sdk::load_feed_file((folder / "feed.yaml").string(), families);
  }
  std::string shipped() { return read(config_dir() + "/adapters/ssn-jobs.yaml"); }
  const std::vector<std::unique_ptr<sdk::AdapterFamily>> families = interfaces();
};

TEST_F(SsnJobsFeed, TheShippedFileIsGoodAndSaysThatItIsAssumed) {
  const sdk::LoadedFeed feed = load(shipped());
  ASSERT_EQ(sdk::to_text(feed.problems), "");
  ASSERT_NE(feed.family, nullptr);
  EXPECT_EQ(feed.family->info().key, "jobs");
  const auto plan = feed.family->plan(feed.settings, config_dir());
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  EXPECT_EQ(plan->wire, "uiq-job");
  EXPECT_EQ(plan->rules.feed, "ssn-jobs");
  const sdk::Capabilities can = feed.family->capabilities(feed.settings);
  EXPECT_TRUE(can.read_on_demand && can.ping);
  EXPECT_FALSE(can.switch_open || can.switch_close || can.switch_arm || can.backfill || can.demand_reset);
  EXPECT_FALSE(can.files || can.pushed_messages);
  const auto adapter = feed.family->make(feed.settings, host.services());
  EXPECT_THAT(adapter->info().interface, HasSubstr("UtilityIQ"));
  EXPECT_THAT(adapter->info().interface, HasSubstr("assumed"));
  EXPECT_EQ(feed.family->file_reader(feed.settings), nullptr);
}

// What the file says is what the program does without it.
TEST_F(SsnJobsFeed, TheShippedFileNamesTheDefaults) {
  const sdk::LoadedFeed shipped_feed = load(shipped());
  const sdk::LoadedFeed bare = load(
      "name: n\nutility: u\nfamily: ssn\ninterface: jobs\nhead_end: {url: 'https://uiq.example.org:8443'}\n");
  ASSERT_EQ(sdk::to_text(bare.problems), "");
  for (const char* key : {"mac_age", "expiry", "grace", "keep_asking", "poll_first", "poll_longest"})
    EXPECT_EQ(shipped_feed.settings.duration(key), bare.settings.duration(key)) << key;
  for (const char* key : {"max_jobs", "per_minute", "polls_at_once", "retries"})
    EXPECT_EQ(shipped_feed.settings.integer(key), bare.settings.integer(key)) << key;
  for (const char* key : {"template", "names", "priority", "zone"})
    EXPECT_EQ(shipped_feed.settings.text(key), bare.settings.text(key)) << key;
  EXPECT_EQ(shipped_feed.settings.boolean("activate_jobs"), bare.settings.boolean("activate_jobs"));
}

TEST_F(SsnJobsFeed, WithoutAnInterfaceTheFeedIsTheExport) {
  const sdk::LoadedFeed feed = load("name: n\nutility: u\nfamily: ssn\nfolder: in\nzone: UTC\n");
  ASSERT_NE(feed.family, nullptr);
  EXPECT_EQ(feed.family->info().key, "export");
  const sdk::LoadedFeed other =
      load("name: n\nutility: u\nfamily: ssn\ninterface: job\nfolder: in\nzone: UTC\n");
  EXPECT_EQ(other.family, nullptr);
  EXPECT_THAT(sdk::to_text(other.problems),
              HasSubstr("feed.yaml:4: interface: 'job' is not one of family ssn"));
}

TEST_F(SsnJobsFeed, PingsAMeterOfItsOwnSimulatedNetwork) {
  const std::vector<virtual_meter::Collected> meters = {meter("M1", "00135000000000a7"),
                                                        meter("M2", "00135000000000a8")};
  uiq_job::peer::SimulatedJobs jobs(
      uiq_job::SiteTemplate::parse(read(config_dir() + "/uiq_job/assumed.yaml"), "assumed.yaml").value());
  const auto devices = peer::job_devices(meters);
  ASSERT_TRUE(devices.ok()) << devices.error().message;
  for (const uiq_job::peer::Device& device : *devices) jobs.add(device);
  uiq_job::peer::JobService service(jobs, plain_server(), host.services());
  ASSERT_TRUE(drive(service.start()).ok());

  std::string yaml = shipped();
  const std::string url = "https://uiq.example.org:8443";
  yaml.replace(yaml.find(url), url.size(), "http://127.0.0.1:" + std::to_string(service.port()));
  const sdk::LoadedFeed feed = load(yaml);
  ASSERT_TRUE(feed.family->plan(feed.settings, config_dir()).ok());
  const auto adapter = feed.family->make(feed.settings, host.services());
  ASSERT_TRUE(host.start(*adapter).ok());
  sdk::Attempt attempt;
  attempt.transaction = "1z-1-abc";
  attempt.kind = sdk::CommandKind::Ping;
  attempt.meters = {"M2"};
  attempt.expires_at = host.clock.now() + std::chrono::minutes{15};
  attempt.before_send = []() -> sdk::Awaitable<Outcome> { co_return Done{}; };
  const auto answers = drive(adapter->attempt(attempt));
  ASSERT_EQ(answers.at(0).state, sdk::AttemptState::Waiting) << answers.at(0).words;
  EXPECT_EQ(jobs.jobs().at(0).values.at("mac"), "00:13:50:00:00:00:00:a8");
  while (host.store.committed.empty()) {
    host.advance(std::chrono::seconds{5});
    const std::size_t asked = jobs.ledger().size();
    run_until([&] {
      return jobs.ledger().size() > asked || host.clock.waiting() > 0 || !host.store.committed.empty();
    });
  }
  const auto& results = host.store.committed.at(0).batch.results;
  ASSERT_EQ(results.size(), 1U);
  EXPECT_EQ(results[0].transaction, "1z-1-abc");
  const sdk::AttemptAnswer end = feed.family->verdict(feed.settings, sdk::CommandKind::Ping, results[0]);
  EXPECT_EQ(end.power, sdk::PowerState::Powered);
  drive_void(adapter->stop());
  drive_void(service.stop());
}

}  // namespace
}  // namespace ami::ssn
