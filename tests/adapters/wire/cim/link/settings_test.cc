// Settings of a feed: what they allow, and how mistakes are told.
#include "adapters/wire/cim/link/link_settings.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "tests/adapters/wire/cim/link/link_scene.h"

namespace ami::cim {
namespace {

using testing::HasSubstr;

class CimSettings : public LinkScene {
 public:
  sdk::Capabilities can(const std::string& sections, Profile profile = test_profile()) {
    configure(sections, std::move(profile));
    return family->capabilities(settings);
  }
  std::string secret_file(std::filesystem::perms perms) {
    const std::string path = (folder / "secret").string();
    std::ofstream(path) << "open sesame";
    std::filesystem::permissions(path, perms);
    return path;
  }
};

constexpr const char* kHeadEnd = "head_end: {url: 'http://127.0.0.1:1/cim'}\n";
constexpr const char* kCallback =
    "callback: {listen: ['127.0.0.1:0'], reply_address: 'https://gateway.example/cim'}\n";

TEST_F(CimSettings, ASectionThatIsNotThereTakesItsCommandsAway) {
  const sdk::Capabilities both_can = can(std::string(kHeadEnd) + kCallback);
  EXPECT_TRUE(both_can.read_on_demand && both_can.ping && both_can.backfill && both_can.pushed_messages &&
              both_can.events && both_can.switch_open && both_can.switch_close);
  EXPECT_FALSE(both_can.switch_arm || both_can.switch_state || both_can.demand_reset || both_can.files);
  const sdk::Capabilities asks = can(kHeadEnd);
  EXPECT_TRUE(asks.read_on_demand && asks.ping && asks.backfill);
  EXPECT_FALSE(asks.pushed_messages || asks.events || asks.switch_open || asks.switch_close);
  const sdk::Capabilities hears = can(kCallback);
  EXPECT_TRUE(hears.pushed_messages && hears.events && hears.registers && hears.intervals);
  EXPECT_FALSE(hears.read_on_demand || hears.ping || hears.backfill || hears.switch_open);
  EXPECT_THAT(problem_of(""), HasSubstr("nothing to do"));
}

TEST_F(CimSettings, SwitchingNeedsToBeStatedOrShown) {
  Profile silent = test_profile();
  silent.can.switch_open = silent.can.switch_close = false;
  const std::string all = std::string(kHeadEnd) + kCallback;
  EXPECT_FALSE(can(all, silent).switch_open);
  EXPECT_THAT(problem_of(all + "switch_evidence: a letter\n", silent),
              HasSubstr("unknown key 'switch_evidence'"));
  silent.evidence_helps = true;
  EXPECT_FALSE(can(all, silent).switch_open);
  const sdk::Capabilities shown = can(all + "switch_evidence: a letter\n", silent);
  EXPECT_TRUE(shown.switch_open && shown.switch_close);
  EXPECT_FALSE(shown.switch_arm);
  EXPECT_TRUE(can(all + "switch_evidence: a letter\nswitching: {arm: 3.31.0.5}\n", silent).switch_arm);
  EXPECT_FALSE(can(all + "switching: {arm: 3.31.0.5}\n", silent).switch_arm);
  EXPECT_FALSE(can(all + "switching: {disconnect: ''}\n").switch_open);
}

TEST_F(CimSettings, NoFeedCanMoreThanItsInterfaceStates) {
  for (const bool stated : {true, false}) {
    for (const bool evidence : {true, false}) {
      Profile profile = test_profile();
      profile.can.switch_open = profile.can.switch_close = stated;
      profile.evidence_helps = evidence;
      const sdk::Capabilities is = can(std::string(kHeadEnd) + kCallback + "switching: {arm: 3.31.0.5}\n" +
                                           (evidence ? "switch_evidence: a letter\n" : ""),
                                       profile);
      const sdk::Capabilities& most = family->info().capabilities;
      EXPECT_LE(is.switch_open, most.switch_open);
      EXPECT_LE(is.switch_close, most.switch_close);
      EXPECT_LE(is.switch_arm, most.switch_arm);
      EXPECT_LE(is.ping, most.ping);
    }
  }
}

TEST_F(CimSettings, APingIsOnlyStatedWhereAReadIsOne) {
  Profile without = test_profile();
  without.ping = PingWay::None;
  EXPECT_FALSE(can(kHeadEnd, without).ping);
  EXPECT_FALSE(family->info().capabilities.ping);
}

TEST_F(CimSettings, TheProfileGivesTheDefaultsAndTheFileChangesThem) {
  Profile profile = test_profile();
  profile.expiry = std::chrono::seconds{7200};
  profile.targets = 7;
  profile.names = AliasKind::Module;
  profile.edition = Edition::CommandCenter;
  configure(kHeadEnd, profile);
  sdk::CommandLimits limits = family->command_limits(settings);
  EXPECT_EQ(limits.expiry, std::chrono::seconds{7200});
  EXPECT_EQ(limits.grace, std::chrono::seconds{60});
  EXPECT_EQ(limits.targets, 7U);
  EXPECT_EQ(limits.backfill_targets, 7U);
  EXPECT_EQ(limits.names, AliasKind::Module);
  EXPECT_TRUE(message_options(settings).landis_gyr);
  configure(std::string(kHeadEnd) +
                "expiry: 60s\ntargets: 1\nmeter_id: mRID\nmeter_id_kind: MAC\nper_minute: 30\nmessage: "
                "{edition: second}\n",
            profile);
  limits = family->command_limits(settings);
  EXPECT_EQ(limits.expiry, std::chrono::seconds{60});
  EXPECT_EQ(limits.targets, 1U);
  EXPECT_EQ(limits.per_minute, 30.0);
  EXPECT_EQ(limits.names, AliasKind::Mac);
  const Options options = message_options(settings);
  EXPECT_FALSE(options.landis_gyr);
  EXPECT_TRUE(options.meter_is_mrid);
  EXPECT_EQ(options.meter_kind, AliasKind::Mac);
}

TEST_F(CimSettings, MistakesAreToldWithFileLineAndWhatWouldBeRight) {
  const std::string all = std::string(kHeadEnd) + kCallback;
  const std::string where = (folder / "feed.yaml").string() + ":";
  const auto expect = [&](const std::string& sections, const char* words) {
    const std::string problem = problem_of(sections);
    EXPECT_THAT(problem, HasSubstr(words));
    EXPECT_THAT(problem, HasSubstr(where)) << problem;
  };
  expect(all + "message: {soap: 1.3}\n", "is not one of: none, 1.1, 1.2");
  expect(all + "message: {edition: third}\n", "is not one of: second, first, command_center");
  expect(all + "message: {credentials: body}\n", "needs header_user and header_password_file");
  expect(all + "message: {soap: none, credentials: soap_header}\n", "needs SOAP");
  expect(all + "message: {header_user: me}\n", "needs header_password_file");
  expect(all + "message: {header_password_file: x}\n", "the password of nobody");
  expect(all + "message: {soap_action: '\"x\"'}\n", "without quotes");
  expect(all + "messages: {}\n", "nearest known one is 'message'");
  expect(all + "expiry: 0s\n", "out of range");
  expect("head_end: {url: 'ftp://x'}\n", "url");
  expect("head_end: {url: 'http://127.0.0.1:1/', read_path: x}\n", "must begin with /");
  expect("callback: {listen: ['127.0.0.1:0']}\n", "reply_address is required");
  expect("callback: {listen: ['127.0.0.1:0'], reply_address: nowhere}\n", "reply_address");
  expect("callback: {listen: ['127.0.0.1:0'], reply_address: 'https://x/', paths: [cim]}\n", "begin with /");
}

TEST_F(CimSettings, SecretsDoNotCrossTheNetworkInClearTextAndAreNotOpenToOthers) {
  using std::filesystem::perms;
  const std::string file = secret_file(perms::owner_read);
  const std::string own =
      "message: {credentials: body, header_user: me, header_password_file: " + file + "}\n";
  EXPECT_THAT(problem_of("head_end: {url: 'http://head-end.example/cim'}\n" + own), HasSubstr("clear text"));
  EXPECT_EQ(problem_of("head_end: {url: 'https://head-end.example/cim'}\n" + own), "");
  EXPECT_EQ(problem_of("head_end: {url: 'http://head-end.example/cim', plain_credentials: true}\n" + own),
            "");
  EXPECT_EQ(problem_of("head_end: {url: 'http://127.0.0.1/cim'}\n" + own), "");
  const std::string callback =
      "reply_address: 'https://x/', header_user: he, header_password_file: " + file + "}\n";
  EXPECT_THAT(problem_of("callback: {listen: ['0.0.0.0:0'], " + callback), HasSubstr("clear text"));
  EXPECT_EQ(problem_of("callback: {listen: ['127.0.0.1:0'], " + callback), "");
  std::filesystem::permissions(file, perms::owner_read | perms::others_read);
  const std::string open = problem_of(std::string(kHeadEnd) + own);
  EXPECT_THAT(open, HasSubstr("open to others"));
  EXPECT_EQ(open.find("sesame"), std::string::npos);
  std::filesystem::permissions(file, perms::owner_read);
}

TEST_F(CimSettings, AServerBeyondThisMachineAsksWhoSendsUnlessToldNotTo) {
  const std::string open = "callback: {listen: ['0.0.0.0:0'], reply_address: 'https://x/'";
  const std::string problem = problem_of(open + "}\n");
  EXPECT_THAT(problem, HasSubstr("listen: anybody who reaches 0.0.0.0 could post"));
  EXPECT_THAT(problem, HasSubstr("anonymous_senders: true"));
  EXPECT_THAT(problem, HasSubstr((folder / "feed.yaml").string() + ":"));
  EXPECT_THAT(problem_of(open + ", plain_credentials: true}\n"), HasSubstr("anybody"));
  EXPECT_EQ(problem_of(open + ", anonymous_senders: true}\n"), "");
  const std::string file = secret_file(std::filesystem::perms::owner_read);
  EXPECT_EQ(
      problem_of(open + ", plain_credentials: true, header_user: he, header_password_file: " + file + "}\n"),
      "");
  EXPECT_EQ(problem_of("callback: {listen: ['[::1]:0'], reply_address: 'https://x/'}\n"), "");
}

TEST_F(CimSettings, AFeedWhoseFilesAreGoneDoesNotStartAndSaysWhy) {
  const Profile profile = test_profile();
  configure(kHeadEnd, profile);
  LinkAdapter broken(family->info(), profile, permanent("feed.yaml:9: password_file: no such file"),
                     host.services());
  const Outcome started = drive(broken.start());
  ASSERT_FALSE(started.ok());
  EXPECT_EQ(broken.health().state, sdk::HealthState::Failed);
  EXPECT_THAT(broken.health().reason, HasSubstr("no such file"));
}

TEST_F(CimSettings, TheOperatorSeesTheHeadEndTheBreakerAndWhatIsAssumed) {
  open();
  EXPECT_EQ(fact("head-end"),
            "http://127.0.0.1:" + std::to_string(peer_port) + ", IEC 61968-9 second edition (2011)");
  EXPECT_EQ(fact("breaker"), "closed");
  EXPECT_EQ(fact("messages taken"), "0");
  EXPECT_EQ(fact("assumed"), "all of it");
  EXPECT_EQ(adapter->health().state, sdk::HealthState::Healthy);
}

}  // namespace
}  // namespace ami::cim
