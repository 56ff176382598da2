// What a head-end's words mean, by the direction in which they come.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "adapters/wire/multispeak/link/verdicts.h"

namespace ami::multispeak::testing {
namespace {

using sdk::AttemptAnswer;
using sdk::AttemptState;
using sdk::CommandKind;
using sdk::PowerState;
using sdk::SwitchPosition;
using ::testing::HasSubstr;

const Vocabulary kVocabulary{{"no response", "timed out"}, {"3.8.0.215", "DemandReset"}, {"Not Permitted"}};

struct Said {
  std::string_view measure, word, fault, time;
};
AttemptAnswer verdict(CommandKind kind, const Said& said) {
  ResultObservation result;
  result.measure = said.measure;
  result.word = said.word;
  result.fault = said.fault;
  if (!said.time.empty()) {
    result.time = parse_stated_time(said.time).value();
    result.time.text = said.time;
  }
  return verdict_on(kind, result, kVocabulary);
}
// "STATE reason position power"
std::string brief(const AttemptAnswer& answer) {
  return std::string(name_of(answer.state)) + " " + (answer.reason.empty() ? "-" : answer.reason) + " " +
         std::string(name_of(answer.position)) + " " + std::string(name_of(answer.power));
}

TEST(MultiSpeakVerdict, AReadIsDoneByAnyOfTheThreeNotificationsAndFailedByItsErrorString) {
  for (const char* carrier :
       {"ReadingChangedNotification", "IntervalDataNotification", "FormattedBlockNotification"}) {
    EXPECT_EQ(brief(verdict(CommandKind::Read, {carrier, "", "", ""})), "SUCCEEDED - UNKNOWN UNKNOWN");
    const AttemptAnswer failed = verdict(CommandKind::Read, {carrier, "", "Meter is being exchanged", ""});
    EXPECT_EQ(brief(failed), "FAILED failed UNKNOWN UNKNOWN");
    EXPECT_EQ(failed.words, "Meter is being exchanged");
    EXPECT_EQ(brief(verdict(CommandKind::Read, {carrier, "", "Endpoint: No Response", ""})),
              "FAILED no_answer UNKNOWN UNKNOWN");
  }
}

TEST(MultiSpeakVerdict, APingTakesEachOutageWordForWhatItSays) {
  const std::pair<const char*, const char*> words[] = {
      {"PowerOn", "SUCCEEDED - UNKNOWN POWERED"},
      {"Restoration", "SUCCEEDED - UNKNOWN POWERED"},
      {"Instantaneous", "SUCCEEDED - UNKNOWN POWERED"},
      {"Outage", "SUCCEEDED - UNKNOWN NO_ANSWER"},
      {"PowerOff", "SUCCEEDED - UNKNOWN NO_ANSWER"},
      {"NoResponse", "SUCCEEDED - UNKNOWN NO_ANSWER"},
      {"Inferred", "UNKNOWN unreadable_answer UNKNOWN UNKNOWN"},
      {"Other", "UNKNOWN unreadable_answer UNKNOWN UNKNOWN"},
      {"powered, maybe", "UNKNOWN unreadable_answer UNKNOWN UNKNOWN"},
  };
  for (const auto& [word, expected] : words)
    EXPECT_EQ(brief(verdict(CommandKind::Ping, {"ODEventNotification", word, "", ""})), expected) << word;
  EXPECT_THAT(verdict(CommandKind::Ping, {"ODEventNotification", "Outage", "", ""}).words,
              HasSubstr("no power"));
  EXPECT_THAT(verdict(CommandKind::Ping, {"ODEventNotification", "NoResponse", "", ""}).words,
              HasSubstr("no outage"));
}

TEST(MultiSpeakVerdict, APingByReadIsAnsweredByAReadAndLeftOpenByAFaultThatSaysNothingOfTheMeter) {
  EXPECT_EQ(brief(verdict(CommandKind::Ping, {"ReadingChangedNotification", "", "", ""})),
            "SUCCEEDED - UNKNOWN POWERED");
  EXPECT_EQ(brief(verdict(CommandKind::Ping, {"ReadingChangedNotification", "", "request TIMED OUT", ""})),
            "SUCCEEDED - UNKNOWN NO_ANSWER");
  EXPECT_EQ(brief(verdict(CommandKind::Ping, {"ReadingChangedNotification", "", "database is full", ""})),
            "FAILED failed UNKNOWN UNKNOWN");
}

TEST(MultiSpeakVerdict, InAChangeReportConnectIsWhatHasComeAbout) {
  const std::string_view change = "CDStateChangedNotification";
  for (const char* word : {"Connect", "Close", "Closed"}) {
    EXPECT_EQ(brief(verdict(CommandKind::SwitchClose, {change, word, "", ""})), "SUCCEEDED - CLOSED UNKNOWN");
    EXPECT_EQ(brief(verdict(CommandKind::SwitchOpen, {change, word, "", ""})),
              "UNKNOWN failed CLOSED UNKNOWN");
  }
  for (const char* word : {"Disconnect", "Open", "Opened"}) {
    EXPECT_EQ(brief(verdict(CommandKind::SwitchOpen, {change, word, "", ""})), "SUCCEEDED - OPEN UNKNOWN");
    EXPECT_EQ(brief(verdict(CommandKind::SwitchArm, {change, word, "", ""})), "UNKNOWN failed OPEN UNKNOWN");
  }
  for (const CommandKind kind : {CommandKind::SwitchOpen, CommandKind::SwitchClose, CommandKind::SwitchArm}) {
    EXPECT_EQ(brief(verdict(kind, {"CDStatesChangedNotification", "Enable", "", ""})),
              "UNKNOWN unreadable_answer UNKNOWN UNKNOWN");
    EXPECT_EQ(brief(verdict(kind, {change, "", "Meter not Connected/Disconnected.", ""})),
              "UNKNOWN failed UNKNOWN UNKNOWN");
  }
}

// Head-ends report how the switch stood, or Armed, before what was asked for: an order that ended there would
// be given a second time, and the report that it was carried out would come too late.
TEST(MultiSpeakVerdict, AnotherPositionIsNoEndOfAnOrder) {
  const std::string_view change = "CDStateChangedNotification";
  EXPECT_EQ(brief(verdict(CommandKind::SwitchClose, {change, "Open", "", ""})),
            "UNKNOWN failed OPEN UNKNOWN");
  EXPECT_EQ(brief(verdict(CommandKind::SwitchClose, {change, "Armed", "", ""})),
            "UNKNOWN failed ARMED UNKNOWN");
  EXPECT_EQ(brief(verdict(CommandKind::SwitchClose, {change, "Closed", "", ""})),
            "SUCCEEDED - CLOSED UNKNOWN");
}

// A lock-out of demand resets counts UNKNOWN and not FAILED: a second reset destroys the maximum that is
// billed.
TEST(MultiSpeakVerdict, AFaultOfAChangeIsNoProofThatNothingChanged) {
  const std::pair<CommandKind, const char*> changes[] = {
      {CommandKind::DemandReset, "MeterEventNotification"},
      {CommandKind::SwitchOpen, "CDStateChangedNotification"},
      {CommandKind::SwitchClose, "CDStateChangedNotification"},
      {CommandKind::SwitchArm, "CDStateChangedNotification"}};
  for (const auto& [kind, carrier] : changes) {
    for (const char* doubtful : {"Endpoint: No Response", "request timed out"}) {
      EXPECT_EQ(brief(verdict(kind, {carrier, "", doubtful, ""})), "UNKNOWN no_answer UNKNOWN UNKNOWN")
          << doubtful;
    }
    EXPECT_EQ(brief(verdict(kind, {carrier, "", "Error 5", ""})), "UNKNOWN failed UNKNOWN UNKNOWN");
    // What the site knows to be a refusal.
    EXPECT_EQ(brief(verdict(kind, {carrier, "", "reset not permitted here", ""})),
              "FAILED failed UNKNOWN UNKNOWN");
    EXPECT_EQ(brief(verdict(kind, {carrier, "", "not permitted: timed out", ""})),
              "UNKNOWN no_answer UNKNOWN UNKNOWN");
  }
  for (const CommandKind kind : {CommandKind::Read, CommandKind::SwitchState}) {
    EXPECT_EQ(brief(verdict(kind, {"", "", "Error 5", ""})), "FAILED failed UNKNOWN UNKNOWN");
    EXPECT_EQ(brief(verdict(kind, {"", "", "timed out", ""})), "FAILED no_answer UNKNOWN UNKNOWN");
  }
}

TEST(MultiSpeakVerdict, AnOutageReportWithoutItsWordIsNoReadThatCameBack) {
  EXPECT_EQ(brief(verdict(CommandKind::Ping, {"ODEventNotification", "", "", ""})),
            "UNKNOWN unreadable_answer UNKNOWN UNKNOWN");
  for (const char* carrier :
       {"ReadingChangedNotification", "IntervalDataNotification", "FormattedBlockNotification"})
    EXPECT_EQ(brief(verdict(CommandKind::Ping, {carrier, "", "", ""})), "SUCCEEDED - UNKNOWN POWERED")
        << carrier;
}

TEST(MultiSpeakVerdict, ArmedIsNotClosed) {
  for (const char* word : {"Arm", "Armed"}) {
    const AttemptAnswer close =
        verdict(CommandKind::SwitchClose, {"CDStateChangedNotification", word, "", ""});
    EXPECT_EQ(brief(close), "UNKNOWN failed ARMED UNKNOWN");
    EXPECT_THAT(close.words, HasSubstr("not closed"));
    EXPECT_EQ(brief(verdict(CommandKind::SwitchArm, {"CDStateChangedNotification", word, "", ""})),
              "SUCCEEDED - ARMED UNKNOWN");
    EXPECT_EQ(brief(verdict(CommandKind::SwitchState, {"CDStateNotification", word, "", ""})),
              "SUCCEEDED - ARMED UNKNOWN");
  }
}

// Rule 6: the default condition is Closed.
TEST(MultiSpeakVerdict, ClosedToldAtOnceProvesNothing) {
  const AttemptAnswer closed = verdict_on_state("Closed");
  EXPECT_EQ(brief(closed), "SUCCEEDED - UNKNOWN UNKNOWN");
  EXPECT_THAT(closed.words, HasSubstr("proves nothing"));
  EXPECT_EQ(brief(verdict_on_state("Opened")), "SUCCEEDED - OPEN UNKNOWN");
  EXPECT_EQ(brief(verdict_on_state("InTransition")), "SUCCEEDED - UNKNOWN UNKNOWN");
  EXPECT_EQ(brief(verdict_on_state("")), "FAILED failed UNKNOWN UNKNOWN");
  EXPECT_EQ(brief(verdict_on_state("ajar")), "UNKNOWN unreadable_answer UNKNOWN UNKNOWN");
}

TEST(MultiSpeakVerdict, AnAsynchronousClosedIsBelievedWithATimeOnly) {
  const AttemptAnswer timed =
      verdict(CommandKind::SwitchState, {"CDStateNotification", "Closed", "", "2026-01-15T07:00:00-05:00"});
  EXPECT_EQ(brief(timed), "SUCCEEDED - CLOSED UNKNOWN");
  ASSERT_TRUE(timed.at.has_value());
  EXPECT_EQ(to_text(*timed.at), "2026-01-15T12:00:00Z");
  EXPECT_EQ(brief(verdict(CommandKind::SwitchState, {"CDStatesNotification", "Closed", "", ""})),
            "SUCCEEDED - UNKNOWN UNKNOWN");
  // As an answer to an order it would be taken for its success.
  EXPECT_EQ(brief(verdict(CommandKind::SwitchClose, {"CDStateNotification", "Closed", "", ""})),
            "UNKNOWN unreadable_answer UNKNOWN UNKNOWN");
}

// Rule 7: 3.0 has no time in a switch callback; receipt is known elsewhere, and not said to be the switch's.
TEST(MultiSpeakVerdict, AReportWithoutATimeHasNone) {
  const AttemptAnswer done =
      verdict(CommandKind::SwitchOpen, {"CDStateChangedNotification", "Disconnect", "", ""});
  EXPECT_EQ(done.state, AttemptState::Succeeded);
  EXPECT_FALSE(done.at.has_value());
  // A bare time needs a zone.
  EXPECT_FALSE(verdict(CommandKind::Read, {"ReadingChangedNotification", "", "", "2026-01-15T07:00:00"}).at);
}

TEST(MultiSpeakVerdict, ADemandResetIsConfirmedByItsEventAndWaitsThroughOthers) {
  EXPECT_EQ(brief(verdict(CommandKind::DemandReset, {"MeterEventNotification", "3.8.0.215", "", ""})),
            "SUCCEEDED - UNKNOWN UNKNOWN");
  EXPECT_EQ(brief(verdict(CommandKind::DemandReset, {"MeterEventNotification", "DemandReset", "", ""})),
            "SUCCEEDED - UNKNOWN UNKNOWN");
  EXPECT_EQ(brief(verdict(CommandKind::DemandReset, {"MeterEventNotification", "3.26.0.216", "", ""})),
            "WAITING - UNKNOWN UNKNOWN");
  EXPECT_EQ(brief(verdict(CommandKind::DemandReset, {"ReadingChangedNotification", "", "", ""})),
            "WAITING - UNKNOWN UNKNOWN");
  EXPECT_EQ(brief(verdict(CommandKind::DemandReset, {"MeterEventNotification", "3.8.0.215", "refused", ""})),
            "UNKNOWN failed UNKNOWN UNKNOWN");
}

TEST(MultiSpeakVerdict, WordsFromOutsideAreBoundedAndHarmless) {
  const std::string words = as_words(std::string(600, 'x') + "\n");
  EXPECT_EQ(words.size(), 500U);
  EXPECT_EQ(as_words("a\nb\x01"
                     "c"),
            "a?b?c");
  EXPECT_EQ(as_words("compteur d\xC3\xA9"
                     "branch\xC3\xA9"),
            "compteur d\xC3\xA9"
            "branch\xC3\xA9");
  // Cut before a character of two bytes, not within.
  EXPECT_EQ(as_words(std::string(499, 'x') + "\xC3\xA9"), std::string(499, 'x'));
}

}  // namespace
}  // namespace ami::multispeak::testing
