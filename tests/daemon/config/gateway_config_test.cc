#include "daemon/config/gateway_config.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <regex>

#include "tests/daemon/support/fake_family.h"
#include "tests/daemon/support/temp_folder.h"

namespace ami::daemon {
namespace {

using testing::FakeFamily;
using testing::TempFolder;

constexpr const char* kGood = R"(utilities:
  - {key: hydro, zone: America/Toronto}
database: {conninfo: dbname=ami}
rpc: {unix_socket: rpc.sock}
adapters: [feed.yaml]
)";
constexpr const char* kGoodFeed = "name: a\nfamily: fake\nutility: hydro\n";

class GatewayConfigTest : public ::testing::Test {
 protected:
  GatewayConfigTest() {
    auto family = std::make_unique<FakeFamily>("fake");
    script_ = family->script;
    families_.push_back(std::move(family));
    folder_.write("feed.yaml", kGoodFeed);
  }

  LoadedConfig load(const std::string& yaml) {
    return load_gateway_config(folder_.write("gateway.yaml", yaml), families_);
  }

  std::string problems(const std::string& yaml) {
    auto text = sdk::to_text(load(yaml).problems);
    for (auto at = text.find(folder_.path() + "/"); at != std::string::npos;
         at = text.find(folder_.path() + "/")) {
      text.erase(at, folder_.path().size() + 1);
    }
    return text;
  }

  TempFolder folder_;
  std::shared_ptr<testing::FakeScript> script_;
  Families families_;
};

TEST_F(GatewayConfigTest, TheSmallestOneIsGoodAndTakesTheDefaults) {
  const auto loaded = load(kGood);
  ASSERT_TRUE(loaded.problems.empty()) << sdk::to_text(loaded.problems);
  const auto& config = loaded.config;
  EXPECT_FALSE(config.demo);
  EXPECT_EQ(config.data_dir, folder_.path() + "/");
  EXPECT_EQ(config.http.address, "127.0.0.1:9464");
  EXPECT_EQ(config.drain_timeout, std::chrono::seconds{20});
  EXPECT_FALSE(config.database.migrate_on_start);
  EXPECT_EQ(config.database.migrator_conninfo, "dbname=ami");
  EXPECT_EQ(config.database.reader_conninfo, "");
  EXPECT_FALSE(config.database.allow_owner);
  EXPECT_EQ(config.retention.months("hydro", "intervals"), 0) << "nothing is dropped unless somebody says so";
  EXPECT_EQ(config.retention.change_days, 35);
  EXPECT_EQ(config.maintenance.hour, 3);
  EXPECT_EQ(config.maintenance.rewrite_after_days, 45);
  EXPECT_EQ(config.rpc.unix_path, folder_.path("rpc.sock"));
  ASSERT_EQ(config.feeds.size(), 1U);
  EXPECT_EQ(config.feeds[0].name, "a");
  EXPECT_EQ(config.feeds[0].plan.rules.feed, "a");
  EXPECT_EQ(config.feeds[0].settings.text("colour"), "blue");
}

TEST_F(GatewayConfigTest, WhatArrivesIsKeptForThirteenMonthsUnlessSaidOtherwise) {
  EXPECT_TRUE(load(kGood).config.raw.keep);
  EXPECT_EQ(load(kGood).config.raw.keep_months, 13);
  const auto other = load(std::string(kGood) + "raw: {keep: false, keep_months: 0}\n");
  ASSERT_TRUE(other.problems.empty()) << sdk::to_text(other.problems);
  EXPECT_FALSE(other.config.raw.keep);
  EXPECT_EQ(other.config.raw.keep_months, 0);
  for (const char* bad : {"raw: {keep_months: -1}\n", "raw: {keep_months: 1201}\n", "raw: {keep_months: 1.5}\n",
                          "raw: {keep: maybe}\n", "raw: {months: 3}\n"}) {
    EXPECT_NE(problems(std::string(kGood) + bad), "") << bad;
  }
}

TEST_F(GatewayConfigTest, RetentionIsByClassAndUtility) {
  const auto loaded = load(std::string(kGood) +
                           "retention:\n  intervals: 84\n  events: 24\n  changes_days: 60\n"
                           "  utilities:\n    - {utility: hydro, intervals: 0, access_log: 120}\n");
  ASSERT_TRUE(loaded.problems.empty()) << sdk::to_text(loaded.problems);
  const auto& rules = loaded.config.retention;
  EXPECT_EQ(rules.months("other", "intervals"), 84);
  EXPECT_EQ(rules.months("hydro", "intervals"), 0);
  EXPECT_EQ(rules.months("hydro", "events"), 24);
  EXPECT_EQ(rules.months("hydro", "access_log"), 120);
  EXPECT_EQ(rules.change_days, 60);
  EXPECT_TRUE(load("demo: true\n" + std::string(kGood)).config.database.allow_owner);
}

TEST_F(GatewayConfigTest, CollectionHasAGraceAPauseAndARuleForRegisters) {
  const auto usual = load(kGood).config.collection;
  EXPECT_EQ(usual.grace, std::chrono::hours{30});
  EXPECT_EQ(usual.every, std::chrono::minutes{5});
  EXPECT_FALSE(usual.registers_daily);
  const auto said = load(std::string("collection: {grace: 6h, every: 1m, register_expected: daily}\n") + kGood);
  ASSERT_TRUE(said.problems.empty()) << sdk::to_text(said.problems);
  EXPECT_EQ(said.config.collection.grace, std::chrono::hours{6});
  EXPECT_EQ(said.config.collection.every, std::chrono::minutes{1});
  EXPECT_TRUE(said.config.collection.registers_daily);
  EXPECT_TRUE(usual.backfill);
  EXPECT_EQ(usual.backfill_after, std::chrono::hours{12});
  EXPECT_EQ(usual.backfill_per_hour, 600);
  EXPECT_EQ(usual.backfill_tries, 3);
  EXPECT_EQ(usual.backfill_pause, std::chrono::hours{6});
  EXPECT_EQ(usual.backfill_longest_pause, std::chrono::days{7});
  const auto asks = load(std::string("collection: {backfill: false, backfill_after: 1h, backfill_per_hour: 5, "
                                     "backfill_tries: 1, backfill_pause: 1h, backfill_longest_pause: 1h}\n") +
                         kGood);
  ASSERT_TRUE(asks.problems.empty()) << sdk::to_text(asks.problems);
  EXPECT_FALSE(asks.config.collection.backfill);
  EXPECT_EQ(asks.config.collection.backfill_per_hour, 5);
  EXPECT_EQ(asks.config.collection.backfill_longest_pause, std::chrono::hours{1});
  for (const std::string bad :
       {"{backfill: often}", "{backfill_after: 61d}", "{backfill_per_hour: 0}", "{backfill_tries: 0}",
        "{backfill_pause: 59m}", "{backfill_pause: 31d, backfill_longest_pause: 60d}",
        "{backfill_pause: 8h, backfill_longest_pause: 7h}", "{backfill_longest_pause: 91d}"}) {
    EXPECT_EQ(load("collection: " + bad + "\n" + kGood).problems.size(), 1U) << bad;
  }
  for (const std::string bad : {"{backfill_percent: 0}", "{backfill_percent: 101}", "{substation_in_flight: -1}",
                                "{collector_in_flight: many}", "{read_before_age: 59s}", "{read_before_age: 25h}"}) {
    EXPECT_EQ(load("commands: " + bad + "\n" + kGood).problems.size(), 1U) << bad;
  }
  for (const std::string bad :
       {"{grace: 61d}", "{every: 99ms}", "{register_expected: weekly}", "{grace: soon}", "{graze: 6h}"}) {
    EXPECT_EQ(load("collection: " + bad + "\n" + kGood).problems.size(), 1U) << bad;
  }
}

TEST_F(GatewayConfigTest, ValidationSettlesLooksAndKnowsHolidays) {
  const auto usual = load(kGood).config;
  EXPECT_EQ(usual.validation.settle, std::chrono::minutes{15});
  EXPECT_EQ(usual.validation.every, std::chrono::seconds{30});
  EXPECT_TRUE(usual.validation.holidays.empty());
  const auto said =
      load(std::string("validation: {settle: 0s, every: 5s, holidays: [2026-12-25, 2027-01-01]}\n") + kGood);
  ASSERT_TRUE(said.problems.empty()) << sdk::to_text(said.problems);
  EXPECT_EQ(said.config.validation.settle, std::chrono::seconds{0});
  EXPECT_EQ(said.config.validation.every, std::chrono::seconds{5});
  using namespace std::chrono;
  EXPECT_EQ(said.config.validation.holidays,
            (std::vector<year_month_day>{2026y / 12 / 25, 2027y / 1 / 1}));
  for (const std::string bad : {"{settle: 25h}", "{every: 99ms}", "{holidays: [2026-02-30]}", "{holidays: [Christmas]}",
                                "{holidays: ['2026-12-25Z']}", "{holidays: ['26-12-25']}", "{settel: 1m}"}) {
    EXPECT_EQ(load("validation: " + bad + "\n" + kGood).problems.size(), 1U) << bad;
  }
}

TEST_F(GatewayConfigTest, AFeedOverlaysTheThresholdsOfTheDataFolder) {
  EXPECT_EQ(load(kGood).config.feeds.at(0).vee.profile, "head_end") << "without any file the built-in ones hold";
  folder_.write("vee/default.yaml", "thresholds: {V12: {factor: 1.25}}\n");
  folder_.write("vee/own.yaml", "profile: full\n");
  EXPECT_EQ(load(kGood).config.feeds.at(0).vee.physical_factor, (Decimal{125, -2}));
  folder_.write("feed.yaml", std::string(kGoodFeed) + "vee: vee/own.yaml\n");
  const auto loaded = load(kGood);
  ASSERT_TRUE(loaded.problems.empty()) << sdk::to_text(loaded.problems);
  EXPECT_EQ(loaded.config.feeds.at(0).vee.profile, "full");
  EXPECT_EQ(loaded.config.feeds.at(0).vee.physical_factor, (Decimal{125, -2}));
  EXPECT_EQ(loaded.config.vee.profile, "head_end");
  folder_.write("feed.yaml", std::string(kGoodFeed) + "vee: " + folder_.path("vee/own.yaml") + "\n");
  EXPECT_EQ(load(kGood).config.feeds.at(0).vee.profile, "full") << "an absolute path";
}

TEST_F(GatewayConfigTest, FaultsOfValidationFilesAreToldWithFileAndLine) {
  folder_.write("vee/default.yaml", "profile: head_end\nthresholds: {V12: {facter: 1.25}}\n");
  EXPECT_EQ(problems(kGood), "vee/default.yaml:2: V12: unknown key \"facter\", nearest is 'factor'\n");
  folder_.write("vee/default.yaml", "");
  folder_.write("feed.yaml", std::string(kGoodFeed) + "vee: vee/own.yaml\n");
  EXPECT_EQ(problems(kGood), "feed.yaml:4: vee: vee/own.yaml: no such file\n");
  folder_.write("vee/own.yaml", "tresholds: {}\nprofile: ful\n");
  EXPECT_EQ(problems(kGood),
            "vee/own.yaml:1: validation: unknown key \"tresholds\", nearest is 'thresholds'\n"
            "vee/own.yaml:2: profile: unknown profile \"ful\", nearest is 'full'\n");
  folder_.write("feed.yaml", std::string(kGoodFeed) + "vee: vee\n");
  EXPECT_EQ(problems(kGood), "vee: cannot be read\n");
}

TEST_F(GatewayConfigTest, HowValuesAreJudgedIsNoReasonToReadThemAgain) {
  const auto fingerprint = [&] { return load(kGood).config.feeds.at(0).fingerprint; };
  const auto first = fingerprint();
  folder_.write("vee/default.yaml", "profile: full\n");
  folder_.write("elsewhere.yaml", "profile: full\n");
  folder_.write("feed.yaml", std::string(kGoodFeed) + "vee: elsewhere.yaml\n");
  EXPECT_EQ(fingerprint(), first);
  folder_.write("elsewhere.yaml", "profile: head_end\n");
  EXPECT_EQ(fingerprint(), first);
}

TEST_F(GatewayConfigTest, TheJournalLiesInTheStateFolderUnlessItIsSaid) {
  const auto usual = load(std::string("state_dir: state\n") + kGood).config.journal;
  EXPECT_EQ(usual.path, folder_.path("state/journal"));
  EXPECT_EQ(usual.max_bytes, 1073741824U);
  EXPECT_EQ(usual.max_messages, 1'000'000U);
  const auto said = load(std::string("journal: {path: inbox, max_bytes: 2MiB, max_messages: 7}\n") + kGood);
  ASSERT_TRUE(said.problems.empty()) << sdk::to_text(said.problems);
  EXPECT_EQ(said.config.journal.path, folder_.path("inbox"));
  EXPECT_EQ(said.config.journal.max_bytes, 2097152U);
  EXPECT_EQ(said.config.journal.max_messages, 7U);
  EXPECT_FALSE(std::filesystem::exists(folder_.path("inbox"))) << "checking a configuration makes nothing";
  folder_.write("file", "x");
  for (const std::string bad : {"{path: file}", "{max_bytes: 1KiB}", "{max_messages: 0}", "{max_mesages: 7}"}) {
    EXPECT_EQ(load("journal: " + bad + "\n" + kGood).problems.size(), 1U) << bad;
  }
}

struct Case {
  const char* name;
  const char* yaml;
  const char* expected;  // regular expression over all problems, paths relative to the folder
};

class GatewayConfigProblem : public GatewayConfigTest, public ::testing::WithParamInterface<Case> {};

TEST_P(GatewayConfigProblem, IsNamedWithItsFileAndLine) {
  const auto text = problems(GetParam().yaml);
  EXPECT_TRUE(std::regex_search(text, std::regex(GetParam().expected))) << text;
}

const Case kCases[] = {
    {"UnknownKey", "utilites: []\n", "gateway.yaml:1: unknown key 'utilites'; .*'utilities'"},
    {"NotYaml", "a: [\n", "gateway.yaml:[0-9]+: is not YAML"},
    {"NotAMapping", "- 1\n", "gateway.yaml:1: the file must be a mapping"},
    {"EmptyFile", "", "utilities is required"},
    {"SectionIsAScalar", "database: 3\n", "gateway.yaml:1: database must be a mapping"},
    {"NoDatabase", "utilities: [{key: a, zone: UTC}]\nrpc: {unix_socket: s}\n", "database is required"},
    {"NoListener", "utilities: [{key: a, zone: UTC}]\ndatabase: {conninfo: dbname=x}\n", "rpc: no listener"},
    {"EmptyUtilities", "utilities: []\n", "gateway.yaml:1: utilities: is empty"},
    {"BadUtilityKey", "utilities:\n  - {key: Hydro One, zone: UTC}\n",
     "gateway.yaml:2: key: \"Hydro One\" is not"},
    {"UtilityTwice", "utilities:\n  - {key: a, zone: UTC}\n  - {key: a, zone: UTC}\n",
     "gateway.yaml:3: key: \"a\" is listed twice"},
    {"UnknownZone", "utilities:\n  - {key: a, zone: Mars/Base}\n",
     "gateway.yaml:2: .*'Mars/Base' is not a known"},
    {"PasswordInConninfo", "database:\n  conninfo: host=x password=secret\n",
     "gateway.yaml:2: conninfo: a password may not stand here"},
    {"PasswordInUri", "database:\n  conninfo: postgresql://u:secret@h/db\n",
     "gateway.yaml:2: conninfo: write key=value"},
    {"PausesReversed", "database:\n  conninfo: x=y\n  retry_first: 5s\n  retry_longest: 1s\n",
     "gateway.yaml:4: retry_longest: is shorter"},
    {"AnswerTimeoutOfNoUse", "database:\n  conninfo: x=y\n  answer_timeout: 200ms\n",
     "gateway.yaml:3: answer_timeout: must be 1s at least"},
    {"AnswerTimeoutForEver", "database:\n  conninfo: x=y\n  answer_timeout: 30d\n",
     "gateway.yaml:3: answer_timeout: must be 24h at most"},
    {"PasswordInReaderConninfo", "database:\n  conninfo: x=y\n  reader_conninfo: host=x password=secret\n",
     "gateway.yaml:3: reader_conninfo: a password may not stand here"},
    {"ChangesKeptTooShortly", "retention: {changes_days: 34}\n", "gateway.yaml:1: .*changes_days"},
    {"NegativeRetention", "retention:\n  intervals: -1\n", "gateway.yaml:2: .*intervals"},
    {"UnknownRetentionClass", "retention:\n  interval: 12\n", "gateway.yaml:2: .*interval.*intervals"},
    {"RetentionOfAStranger",
     "utilities: [{key: a, zone: UTC}]\nretention:\n  utilities:\n    - {utility: b, intervals: 12}\n",
     "gateway.yaml:4: utility: \"b\" is none of the utilities"},
    {"RetentionTwice",
     "utilities: [{key: a, zone: UTC}]\nretention:\n  utilities:\n    - {utility: a}\n    - {utility: a}\n",
     "gateway.yaml:5: utility: \"a\" is listed twice"},
    {"NoSuchHour", "maintenance: {hour: 24}\n", "gateway.yaml:1: .*hour"},
    {"NoBudget", "maintenance:\n  budget: 1s\n", "gateway.yaml:2: budget: must be 1m at least"},
    {"PlaintextWithoutDemo", "rpc:\n  plaintext: {address: '127.0.0.1:1'}\n",
     "gateway.yaml:2: .*only allowed with demo"},
    {"PlaintextOffLoopback", "demo: true\nrpc:\n  plaintext: {address: '0.0.0.0:1'}\n",
     "gateway.yaml:3: address: 0.0.0.0:1 is not loopback"},
    {"HttpAddress", "http: {address: 'here:80'}\n",
     "gateway.yaml:1: address: \"here:80\": host is not a numeric"},
    {"MissingCertificate",
     "rpc:\n  tls:\n    address: 127.0.0.1:0\n    certificate: no.pem\n    key: no.key\n    client_ca: "
     "ca.pem\n",
     "gateway.yaml:4: certificate: no.pem: No such file(.|\n)*gateway.yaml:5: key: no.key: No such(.|\n)*:6: "
     "client_ca"},
    {"CredentialsOutsideSystemd",
     "rpc:\n  tls:\n    address: 127.0.0.1:0\n    certificate: ${CREDENTIALS_DIRECTORY}/s.pem\n    key: k\n  "
     "  client_ca: c\n",
     "gateway.yaml:4: certificate: CREDENTIALS_DIRECTORY is not set"},
    {"OtherVariable",
     "rpc:\n  tls:\n    address: 127.0.0.1:0\n    certificate: ${HOME}/s.pem\n    key: k\n    client_ca: c\n",
     "gateway.yaml:4: certificate: only .*CREDENTIALS_DIRECTORY"},
    {"SocketPathTooLong",
     "rpc:\n  unix_socket: "
     "/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
     "xxxxxxxxxxxxxxxxxxxxx\n",
     "gateway.yaml:2: unix_socket: is longer than the 107 bytes"},
    {"ChangesPolledTooOften", "rpc:\n  changes: {poll: 9ms}\n", "gateway.yaml:2: poll: must be 10ms at least"},
    {"HeartbeatFasterThanThePulse", "rpc:\n  changes:\n    poll: 2s\n    heartbeat: 1s\n",
     "gateway.yaml:4: heartbeat: is shorter than poll"},
    {"NoChangeStreams", "rpc:\n  changes: {streams_per_caller: 0}\n",
     "gateway.yaml:2: .*streams_per_caller: '0' is out of range: 1 to 64"},
    {"UnknownChangeSetting", "rpc:\n  changes: {pol: 1s}\n", "gateway.yaml:2: unknown key .*pol.*poll"},
    {"NoDataDir", "data_dir: nowhere\n", "gateway.yaml:1: data_dir: nowhere: no such folder"},
    {"MissingFeedFile", "adapters: [gone.yaml]\n", "gone.yaml: there is no such file"},
    {"FeedListedTwice", "adapters: [feed.yaml, ./feed.yaml]\n",
     "gateway.yaml:1: adapters: feed.yaml is listed twice"},
    {"FeedOfUnknownUtility", "utilities: [{key: other, zone: UTC}]\nadapters: [feed.yaml]\n",
     "feed.yaml:3: utility: \"hydro\" is none of the utilities"},
    {"BadNumber", "threads: many\n", "gateway.yaml:1: threads: 'many' is not a whole number"},
    {"NumberOutOfRange", "threads: 0\n", "gateway.yaml:1: threads: '0' is out of range: 1 to 256"},
    {"BadLevel", "log: {level: loud}\n",
     "gateway.yaml:1: log.level: 'loud' is not one of: debug, info, warn, error"},
};
INSTANTIATE_TEST_SUITE_P(Table, GatewayConfigProblem, ::testing::ValuesIn(kCases),
                         [](const auto& instance) { return instance.param.name; });

TEST_F(GatewayConfigTest, AllProblemsOfAllFilesAreReportedTogether) {
  folder_.write("b.yaml", "name: b\nfamily: fake\nutility: hydro\ncolor: red\n");
  folder_.write("c.yaml", "family: nosuch\n");
  const auto text = problems(
      "threads: x\nutilities: [{key: hydro, zone: Nowhere}]\ndatabase: {conninfo: x password=y}\n"
      "rpc: {unix_socket: s}\nadapters: [b.yaml, c.yaml]\n");
  for (const std::string part : {"gateway.yaml:1: threads", "gateway.yaml:2: ", "gateway.yaml:3: conninfo",
                                 "b.yaml:4: unknown key 'color'; the nearest known one is 'colour'",
                                 "c.yaml:1: family: 'nosuch' is not one of: fake"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  }
  EXPECT_EQ(text.find("password=y"), std::string::npos) << "a secret must not be repeated";
}

TEST_F(GatewayConfigTest, TwoFeedsMayNotHaveOneName) {
  folder_.write("b.yaml", kGoodFeed);
  auto yaml = std::string(kGood);
  yaml.replace(yaml.find("[feed.yaml]"), 11, "[feed.yaml, b.yaml]");
  EXPECT_NE(problems(yaml).find("b.yaml:1: name: \"a\" is already the name of feed.yaml"), std::string::npos)
      << problems(yaml);
}

TEST_F(GatewayConfigTest, AMappingThatCannotBePlannedIsAProblemOfItsFeed) {
  script_->on_plan = [] { return Result<sdk::FeedPlan>(permanent("maps/x.yaml:3: unknown key 'unitz'")); };
  EXPECT_EQ(problems(kGood), "feed.yaml: maps/x.yaml:3: unknown key 'unitz'\n");
}

TEST_F(GatewayConfigTest, ADisabledFeedIsCheckedAndLeftOut) {
  folder_.write("feed.yaml", std::string(kGoodFeed) + "enabled: false\n");
  const auto loaded = load(kGood);
  EXPECT_TRUE(loaded.problems.empty());
  EXPECT_TRUE(loaded.config.feeds.empty());
}

TEST_F(GatewayConfigTest, AKeyThatOthersMayReadIsRefused) {
  folder_.write("s.pem", "certificate");
  folder_.write("ca.pem", "certificate");
  const auto key = folder_.write("s.key", "key");
  const std::string yaml =
      "utilities: [{key: hydro, zone: UTC}]\ndatabase: {conninfo: dbname=ami}\n"
      "rpc: {tls: {address: '127.0.0.1:0', certificate: s.pem, key: s.key, client_ca: ca.pem}}\n";
  ASSERT_EQ(chmod(key.c_str(), 0644), 0);
  EXPECT_NE(problems(yaml).find("gateway.yaml:3: key: s.key: a private key is open to others"),
            std::string::npos)
      << problems(yaml);
  ASSERT_EQ(chmod(key.c_str(), 0440), 0);
  EXPECT_EQ(problems(yaml), "");
}

TEST_F(GatewayConfigTest, AFingerprintChangesWithTheFeedFileAndWithTheMappingDataOnly) {
  const auto fingerprint = [&](const std::string& yaml) { return load(yaml).config.feeds.at(0).fingerprint; };
  folder_.write("maps/a.yaml", "version: 1\n");
  const auto first = fingerprint(kGood);
  EXPECT_EQ(fingerprint(kGood), first);
  EXPECT_EQ(fingerprint(std::string("threads: 3\n") + kGood), first)
      << "the gateway's own file is no mapping data";
  folder_.write("maps/a.yaml", "version: 2\n");
  const auto second = fingerprint(kGood);
  EXPECT_NE(second, first);
  folder_.write("feed.yaml", std::string(kGoodFeed) + "colour: red\n");
  EXPECT_NE(fingerprint(kGood), second);
}

}  // namespace
}  // namespace ami::daemon
