// The interface of a profile: what a feed file may say, what contradicts itself, what a feed can do.
#include <sys/stat.h>

#include <fstream>

#include "tests/adapters/wire/multispeak/link/client_scene.h"

namespace ami::multispeak::testing {
namespace {

using sdk::CommandKind;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class MultiSpeakFamily : public ClientScene {
 protected:
  static Profile silent() {
    Profile silent = profile();
    silent.can.switch_open = silent.can.switch_close = silent.can.switch_arm = silent.can.switch_state =
        false;
    silent.evidence_helps = true;
    silent.silence = "the notice does not say that the module switches";
    return silent;
  }
  sdk::Capabilities can(const std::string& text, Profile with) {
    const sdk::LoadedFeed loaded = load(text, std::move(with));
    EXPECT_EQ(sdk::to_text(loaded.problems), "");
    return loaded.family->capabilities(loaded.settings);
  }
  // Names of what it can do at once, for short.
  static std::string commands(const sdk::Capabilities& can) {
    std::string all;
    const std::pair<bool, const char*> each[] = {
        {can.pushed_messages, "pushed "}, {can.read_on_demand, "read "}, {can.ping, "ping "},
        {can.demand_reset, "reset "},     {can.backfill, "backfill "},   {can.switch_open, "open "},
        {can.switch_close, "close "},     {can.switch_arm, "arm "},      {can.switch_state, "state "}};
    for (const auto& [has, name] : each) all += has ? name : "";
    return all;
  }
};

TEST_F(MultiSpeakFamily, AGoodFeedHasARulesPlanAndTheDefaultsOfItsProfile) {
  EXPECT_EQ(problems(yaml()), "");
  Profile slow = profile();
  slow.expiry = std::chrono::hours{4};
  slow.targets = 20;
  slow.names = AliasKind::ManufacturerSerial;
  const sdk::LoadedFeed loaded = load(yaml(), slow);
  const sdk::CommandLimits limits = loaded.family->command_limits(loaded.settings);
  EXPECT_EQ(limits.expiry, std::chrono::hours{4});
  EXPECT_EQ(limits.grace, std::chrono::seconds{60});
  EXPECT_EQ(limits.targets, 20U);
  EXPECT_EQ(limits.in_flight, 20U);
  EXPECT_EQ(limits.names, AliasKind::ManufacturerSerial);
  EXPECT_GT(limits.backfill_targets, 1'000U);
  EXPECT_EQ(loaded.family->info().key, "multispeak");
  EXPECT_EQ(loaded.family->schema().title, "Some family");
}

TEST_F(MultiSpeakFamily, WhatIsAnsweredAtOnceIsAskedMeterByMeter) {
  const sdk::LoadedFeed loaded = load(yaml("read: latest\n"));
  EXPECT_EQ(loaded.family->command_limits(loaded.settings).targets, 1U);
}

TEST_F(MultiSpeakFamily, ARoleLeftOutTakesItsCommandsAway) {
  EXPECT_EQ(commands(can(yaml(), profile())), "pushed read ping reset backfill open close arm state ");
  EXPECT_EQ(commands(can(yaml("", {"od"}), profile())), "pushed read reset backfill open close arm state ");
  EXPECT_EQ(commands(can(yaml("", {"cd"}), profile())), "pushed read ping reset backfill ");
  EXPECT_EQ(commands(can(yaml("", {"mr"}), profile())), "pushed ping open close arm state ");
  EXPECT_EQ(commands(can(yaml("ping: read\n", {"od"}), profile())),
            "pushed read ping reset backfill open close arm state ");
  // Nobody listens: only what is answered at once.
  EXPECT_EQ(commands(can(yaml("", {"callback"}), profile())), "backfill ");
  EXPECT_EQ(commands(can(yaml("read: latest\nstate: synchronous\n", {"callback", "od"}), profile())),
            "read backfill state ");
}

TEST_F(MultiSpeakFamily, EvidenceMakesSwitchingStatedOnlyWhereTheProfileLeavesItOpen) {
  const std::string evidence = "switch_evidence: vendor's letter of 2026-01-15\n";
  EXPECT_EQ(commands(can(yaml(), silent())), "pushed read ping reset backfill ");
  EXPECT_EQ(commands(can(yaml(evidence), silent())), "pushed read ping reset backfill open close arm state ");
  Profile unarmed = silent();
  unarmed.arm = false;
  EXPECT_EQ(commands(can(yaml(evidence), unarmed)), "pushed read ping reset backfill open close state ");
  Profile closed = silent();
  closed.evidence_helps = false;
  EXPECT_EQ(commands(can(yaml(evidence), closed)), "pushed read ping reset backfill ");
  EXPECT_THAT(problems(yaml(evidence), closed),
              AllOf(HasSubstr("switch_evidence"), HasSubstr("the notice does not say")));
  // info() states no less than any feed.
  EXPECT_TRUE(interface_of(silent())->info().capabilities.switch_arm);
  EXPECT_FALSE(interface_of(closed)->info().capabilities.switch_open);
}

TEST_F(MultiSpeakFamily, ContradictionsAreToldWithTheirLine) {
  const std::pair<std::string, const char*> bad[] = {
      {yaml("", {"response_url"}), "response_url: is required"},
      {yaml("response_url: http://here/x\n", {"callback"}), "nobody listens"},
      {yaml("", {"mr", "cd", "od", "callback"}), "nobody to speak with"},
      {yaml("header_user: me\n", {"header"}), "header_user: needs header_password_file"},
      {yaml("header_password_file: password\n", {"header"}), "password of nobody"},
      {yaml("read: latest\nping: read\n"), "a ping by read needs read: initiate"},
      {yaml("ping: outage_detection\n", {"od"}), "needs the section od"},
      {yaml("open_word: Shut\n"), "'Shut' is no loadActionCode of MultiSpeak 3.0"},
      {yaml("open_word: Opened\n"), "'Opened' is no loadActionCode of MultiSpeak 3.0"},
      {yaml("close_word: Disconnect\n"), "stands for another order already"},
      {yaml("pull:\n  - what: billing_cycle\n"), "needs billing_cycles"},
      {yaml("pull:\n  - what: readings_by_date\n    billing_cycles: [\"1\"]\n"),
       "belongs to what: billing_cycle"},
      {yaml("pull:\n  - what: readings_by_date\n", {"mr"}), "a pull needs the section mr"},
      {yaml("pull:\n  - what: readings_by_date\n  - what: readings_by_date\n"), "is there already"},
      {yaml("pull:\n  - what: readings_by_date\n    window: 1h\n    overlap: 1h\n"), "never gets on"},
      {yaml("response_url: ftp://here/x\n", {"response_url"}), "response_url"},
      {yaml("pull:\n  - what: readings_by_date\n    overlap: 2d\n"), "never gets on"},
  };
  for (const auto& [text, words] : bad) EXPECT_THAT(problems(text), HasSubstr(words)) << text;
  const std::string text = yaml("read: latest\nping: read\n");
  const auto line = std::count(text.begin(), text.begin() + static_cast<long>(text.find("ping:")), '\n') + 1;
  EXPECT_THAT(problems(text), HasSubstr("feed.yaml:" + std::to_string(line) + ": ping:"));
  // A site that shortened the window only gets an overlap that fits.
  EXPECT_EQ(problems(yaml("pull:\n  - what: readings_by_date\n    window: 1h\n")), "");
  // The same word is one of 4.1.
  EXPECT_EQ(problems(yaml("version: \"4.1\"\nopen_word: Opened\n")), "");
  Profile unarmed = profile();
  unarmed.arm = false;
  EXPECT_THAT(problems(yaml("arm_word: Armed\n"), unarmed), HasSubstr("arming is not stated"));
}

TEST_F(MultiSpeakFamily, UnknownKeysAndValuesAreToldWithTheirLine) {
  EXPECT_THAT(problems(yaml("respond_url: x\n")), AllOf(HasSubstr("unknown key"), HasSubstr("response_url")));
  EXPECT_THAT(problems(yaml("version: \"5.0\"\n")), HasSubstr("3.0, 4.1"));
  EXPECT_THAT(problems(yaml("read: maybe\n")), HasSubstr("initiate, latest"));
  EXPECT_THAT(problems(yaml("targets: 0\n")), HasSubstr("out of range"));
  Profile only30 = profile();
  only30.versions = {Version::V30};
  EXPECT_THAT(problems(yaml("version: \"4.1\"\n"), only30), HasSubstr("is not one of: 3.0"));
}

TEST_F(MultiSpeakFamily, AllProblemsAreToldAtOnceAndNoneHasThePassword) {
  std::ofstream(folder / "open") << "wide-open-secret\n";
  ::chmod((folder / "open").c_str(), 0444);
  const std::string all =
      problems(yaml("header_user: me\nheader_password_file: open\nread: latest\nping: read\n"
                    "mapping: maps/none.yaml\n",
                    {"header"}));
  EXPECT_THAT(all, AllOf(HasSubstr("header_password_file"), HasSubstr("ping by read"),
                         HasSubstr("maps/none.yaml"), Not(HasSubstr("wide-open-secret"))));
}

TEST_F(MultiSpeakFamily, AHeaderPasswordDoesNotLeaveTheMachineInClearText) {
  std::string text = yaml();
  const auto at = text.find("127.0.0.1");
  text.replace(at, 9, "hes.example");
  EXPECT_THAT(problems(text),
              HasSubstr("url: user and password would cross the network in clear text to hes.example"));
  text.insert(text.find("  request_time"), "  plain_credentials: true\n");
  EXPECT_EQ(problems(text), "");
}

TEST_F(MultiSpeakFamily, ACallbackServerBeyondThisMachineAsksWhoSendsUnlessToldNotTo) {
  std::string text = yaml();
  text.replace(text.find("\"127.0.0.1:0\""), 13, "\"0.0.0.0:0\"");
  EXPECT_THAT(problems(text), AllOf(HasSubstr("feed.yaml:15: listen: anybody who reaches 0.0.0.0 could post"),
                                    HasSubstr("anonymous_senders: true")));
  text.insert(text.find("response_url"), "  anonymous_senders: true\n");
  EXPECT_EQ(problems(text), "");
}

TEST_F(MultiSpeakFamily, AMessageOfTheJournalIsReadWithTheFeedsOptionsAndRankedByItsTimeStamp) {
  const sdk::LoadedFeed loaded = load(yaml("meter_id: DeviceID\nnames: MODULE\n"));
  NotificationContent content;
  content.operation = Operation::ReadingChanged;
  content.transaction = "t-1";
  content.reads = {read("M1", "12", "2026-01-15T00:00:00Z")};
  content.reads[0].device_id = "D-7";
  Sender sender;
  sender.header.time_stamp = "2026-01-15T00:05:00-05:00";
  const std::string message = encode_notification(content, sender);
  const UtcInstant received = host.clock.now();
  const DecodedBatch batch = loaded.family->decode(loaded.settings, message, received);
  ASSERT_EQ(batch.observations.size(), 1U);
  const auto& series = std::get<SeriesObservation>(batch.observations[0]);
  EXPECT_EQ(series.meter, "D-7");
  EXPECT_EQ(series.meter_kind, AliasKind::Module);
  EXPECT_EQ(series.created.text, "2026-01-15T00:05:00-05:00");
  ASSERT_EQ(batch.results.size(), 1U);
  EXPECT_EQ(loaded.family->verdict(loaded.settings, CommandKind::Read, batch.results[0]).state,
            sdk::AttemptState::Succeeded);
  // Without its header, as the journal has it, and as a record of its own: the same.
  const auto incoming = decode_request(message, {});
  const DecodedBatch kept = loaded.family->decode(loaded.settings, incoming->journal, received);
  EXPECT_EQ(std::get<SeriesObservation>(kept.observations.at(0)).created.text, "2026-01-15T00:05:00-05:00");
  const DecodedBatch again = loaded.family->decode(loaded.settings, series.raw, received);
  EXPECT_EQ(std::get<SeriesObservation>(again.observations.at(0)).created.text, "2026-01-15T00:05:00-05:00");
  // Nobody says when it was made: the receipt ranks it.
  sender.header.time_stamp = "0001-01-01T00:00:00";
  const DecodedBatch undated =
      loaded.family->decode(loaded.settings, encode_notification(content, sender), received);
  EXPECT_EQ(std::get<SeriesObservation>(undated.observations.at(0)).created.text, to_text(received));
}

TEST_F(MultiSpeakFamily, WhatIsNoMessageIsOneMalformedRecordWithTheReason) {
  const sdk::LoadedFeed loaded = load(yaml());
  for (const char* nonsense : {"", "<html>", "not a message", "<a xmlns='urn:x'/>"}) {
    const DecodedBatch batch = loaded.family->decode(loaded.settings, nonsense, host.clock.now());
    EXPECT_TRUE(batch.observations.empty());
    ASSERT_EQ(batch.malformed.size(), 1U);
    EXPECT_STREQ(batch.malformed[0].reason, "unreadable_message");
    EXPECT_EQ(batch.malformed[0].raw, nonsense);
    EXPECT_NE(batch.malformed[0].detail, "");
  }
}

TEST_F(MultiSpeakFamily, TheReferencePageSaysWhatIsAssumed) {
  const std::string page = sdk::reference_page(sdk::feed_schema(*interface_of(profile())));
  for (const char* key : {"`expiry_unit`", "`interval_length_unit`", "`no_answer_words`",
                          "`demand_reset_codes`", "`mr.url`", "`callback.listen`", "`pull[].what`"})
    EXPECT_THAT(page, HasSubstr(key));
  EXPECT_THAT(page, HasSubstr("Assumed"));
}

}  // namespace
}  // namespace ami::multispeak::testing
