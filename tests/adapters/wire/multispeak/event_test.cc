// Switch states, outage events, meter events.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/adapters/wire/multispeak/messages.h"

namespace ami::multispeak::testing {
namespace {

using ::testing::HasSubstr;

std::string changed(const std::string& parts, const Options& options = {}, Version version = Version::V30) {
  return describe(decoded(soap(operation("CDStateChangedNotification", parts, version), version), options));
}

Options received(const char* at) {
  Options options;
  options.received_at = parse_instant(at).value();
  return options;
}

TEST(MultiSpeakSwitch, A30ChangeHasNoTimeAndTakesThatOfItsReceipt) {
  const std::string parts =
      "<meterNo>M1</meterNo><stateChange>Connect</stateChange><transactionID>c-1</transactionID>";
  EXPECT_EQ(changed(parts), "T|M1|c-1|Connect|-|-\nK|0|0\n");
  EXPECT_EQ(changed(parts, received("2026-01-15T17:00:00Z")),
            "E|M1|BADGE|CDStateChange/Connect|-|2026-01-15T17:00:00Z|RECEIPT\nT|M1|c-1|Connect|-|-\nK|0|0\n");
  const auto notification =
      decoded(soap(operation("CDStateChangedNotification", parts)), received("2026-01-15T17:00:00Z"));
  EXPECT_EQ(notification.reports.batch.results.at(0).time_source, TimeSource::Receipt);
}

TEST(MultiSpeakSwitch, AFailureIsAResultAndAnEventOfItsOwnWithTheWordsOfTheSender) {
  const auto at = received("2026-01-15T17:00:00Z");
  EXPECT_EQ(
      changed("<meterNo>M1</meterNo><stateChange>Disconnect</stateChange><transactionID>c-1</transactionID>"
              "<errorString>stuck</errorString>",
              at),
      "E|M1|BADGE|CDStateChangeFailed/Disconnect|stuck|2026-01-15T17:00:00Z|RECEIPT\n"
      "T|M1|c-1|Disconnect|stuck|-\nK|0|0\n");
  EXPECT_EQ(changed("<stateChange errorString='stuck'><meterID>M1</meterID><timestamp>2026-01-15T17:02:11Z"
                    "</timestamp></stateChange>",
                    at, Version::V41),
            "E|M1|BADGE|CDStateChangeFailed|stuck|2026-01-15T17:02:11Z|DEVICE\n"
            "T|M1|-|-|stuck|2026-01-15T17:02:11Z\nK|0|0\n");
  // Nobody's switch, or no time: a result alone.
  EXPECT_EQ(changed("<transactionID>c-1</transactionID><errorString>login</errorString>", at),
            "T|-|c-1|-|login|-\nK|0|0\n");
  EXPECT_EQ(changed("<meterNo>M1</meterNo><errorString>stuck</errorString>"), "T|M1|-|-|stuck|-\nK|0|0\n");
}

TEST(MultiSpeakSwitch, OfSeveralChangesTheOneThatFailedIsNoChange) {
  EXPECT_EQ(
      describe(decoded(
          soap(operation(
              "CDStatesChangedNotification",
              "<stateChanges><CDStateChange><meterNo>M1</meterNo><stateChange>Open</stateChange>"
              "</CDStateChange><CDStateChange errorString='relay'><meterNo>M2</meterNo><stateChange>Open"
              "</stateChange></CDStateChange></stateChanges>")),
          received("2026-01-15T17:00:00Z"))),
      "E|M1|BADGE|CDStateChange/Open|-|2026-01-15T17:00:00Z|RECEIPT\n"
      "E|M2|BADGE|CDStateChangeFailed/Open|relay|2026-01-15T17:00:00Z|RECEIPT\n"
      "T|M1|-|Open|-|-\nT|M2|-|Open|relay|-\nK|0|0\n");
}

TEST(MultiSpeakSwitch, ArmedIsNotClosed) {
  EXPECT_EQ(
      changed("<stateChange><meterID>M1</meterID><stateChange>Armed</stateChange>"
              "<timestamp>2026-01-15T17:02:11Z</timestamp></stateChange><transactionID>c</transactionID>",
              {}, Version::V41),
      "E|M1|BADGE|CDStateChange/Armed|-|2026-01-15T17:02:11Z|DEVICE\n"
      "T|M1|c|Armed|-|2026-01-15T17:02:11Z\nK|0|0\n");
}

TEST(MultiSpeakSwitch, SeveralChangesGiveOneResultEach) {
  EXPECT_EQ(describe(decoded(soap(operation(
                "CDStatesChangedNotification",
                "<stateChanges><CDStateChange><meterID>x</meterID><meterNo>M1</meterNo><stateChange>Open</"
                "stateChange>"
                "</CDStateChange><CDStateChange errorString='no'><meterNo>M2</meterNo></CDStateChange>"
                "<CDStateChange><meterNo>M3</meterNo></CDStateChange></stateChanges>"
                "<transactionID>c-2</transactionID>")))),
            "T|M1|c-2|Open|-|-\nT|M2|c-2|-|no|-\nT|M3|c-2|-|-|-\nM|M3|missing_state\nK|0|0\n");
}

TEST(MultiSpeakSwitch, AStateIsAResultAndNoEvent) {
  const auto at = received("2026-01-15T17:00:00Z");
  EXPECT_EQ(describe(decoded(soap(operation("CDStateNotification",
                                            "<state><meterNo>M1</meterNo><RCDState>Closed</RCDState></state>"
                                            "<transactionID>s-1</transactionID>")),
                             at)),
            "T|M1|s-1|Closed|-|-\nK|0|0\n");
  EXPECT_EQ(describe(decoded(
                soap(operation("CDStatesNotification",
                               "<states><CDState><meterNo>M1</meterNo><RCDState>InTransition</RCDState>"
                               "</CDState><CDState><meterNo>M2</meterNo><RCDState>Armed</RCDState>"
                               "</CDState></states>")),
                at)),
            "T|M1|-|InTransition|-|-\nT|M2|-|Armed|-|-\nK|0|0\n");
}

TEST(MultiSpeakSwitch, WhatNamesNoMeterOrNoTimeIsMalformed) {
  EXPECT_THAT(changed("<stateChange><stateChange>Open</stateChange></stateChange>", {}, Version::V41),
              HasSubstr("M|-|missing_meter\n"));
  EXPECT_THAT(
      changed("<stateChange><meterID>M1</meterID><stateChange>Open</stateChange><timestamp>now</timestamp>"
              "</stateChange>",
              {}, Version::V41),
      HasSubstr("M|M1|bad_time\n"));
  EXPECT_EQ(changed(""), "K|0|0\n");
}

std::string outage(const std::string& parts, const Options& options = {}) {
  return describe(decoded(soap(operation("ODEventNotification", "<ODEvents><outageDetectionEvent>" + parts +
                                                                    "</outageDetectionEvent></ODEvents>"
                                                                    "<transactionID>o-1</transactionID>")),
                          options));
}

TEST(MultiSpeakOutage, EveryWordIsKeptAsItIs) {
  for (const char* word : {"Instantaneous", "Outage", "Restoration", "NoResponse", "Inferred", "PowerOn",
                           "PowerOff", "Other", "Unknown"}) {
    EXPECT_EQ(outage("<eventTime>2026-01-15T12:00:00Z</eventTime><outageEventType>" + std::string(word) +
                     "</outageEventType><outageLocation><meterNo>M1</meterNo></outageLocation>"),
              "E|M1|BADGE|OD/" + std::string(word) + "|-|2026-01-15T12:00:00Z|DEVICE\nT|M1|o-1|" + word +
                  "|-|2026-01-15T12:00:00Z\nK|0|0\n");
  }
}

TEST(MultiSpeakOutage, ADeviceStandsInForAMeterUnderItsOwnKindOfId) {
  for (const char* name : {"outageDetectDeviceID", "outageDetectionDeviceID"}) {
    EXPECT_THAT(
        outage("<eventTime>2026-01-15T12:00:00Z</eventTime><outageEventType>Outage</outageEventType><" +
               std::string(name) + ">D7</" + name + ">"),
        HasSubstr("E|D7|MODULE|OD/Outage|"));
  }
}

TEST(MultiSpeakOutage, WithoutATimeItIsTheTimeOfReceiptOrNoEvent) {
  const std::string parts =
      "<outageEventType>NoResponse</outageEventType><outageLocation><meterNo>M1</meterNo></outageLocation>";
  EXPECT_EQ(outage(parts), "T|M1|o-1|NoResponse|-|-\nM|M1|missing_time\nK|0|0\n");
  EXPECT_EQ(outage(parts, received("2026-01-15T17:00:00Z")),
            "E|M1|BADGE|OD/NoResponse|-|2026-01-15T17:00:00Z|RECEIPT\nT|M1|o-1|NoResponse|-|-\nK|0|0\n");
  // a stamp that cannot be read is not replaced: somebody meant a time
  EXPECT_EQ(outage("<eventTime>12:30</eventTime>" + parts, received("2026-01-15T17:00:00Z")),
            "T|M1|o-1|NoResponse|-|-\nM|M1|bad_time\nK|0|0\n");
}

TEST(MultiSpeakOutage, WhatIsMissingIsSaid) {
  EXPECT_EQ(outage("<eventTime>2026-01-15T12:00:00Z</eventTime><outageEventType>Outage</outageEventType>"),
            "T|-|o-1|Outage|-|2026-01-15T12:00:00Z\nM|-|missing_meter\nK|0|0\n");
  EXPECT_EQ(outage("<eventTime>2026-01-15T12:00:00Z</eventTime><outageLocation><meterNo>M1</meterNo>"
                   "</outageLocation>"),
            "T|M1|o-1|-|-|2026-01-15T12:00:00Z\nM|M1|missing_type\nK|0|0\n");
  EXPECT_EQ(describe(decoded(
                soap(operation("ODEventNotification",
                               "<ODEvents><outageDetectionEvent errorString='unknown meter'>"
                               "<outageLocation><meterNo>M1</meterNo></outageLocation>"
                               "</outageDetectionEvent></ODEvents><transactionID>o</transactionID>")))),
            "T|M1|o|-|unknown meter|-\nK|0|0\n");
}

std::string meter_event(const std::string& event, Version version = Version::V30) {
  const std::string list = version == Version::V30 ? "eventinstances" : "eventInstances";
  return describe(decoded(soap(
      operation("MeterEventNotification",
                "<events><" + list + "><eventInstance><meterNo>M1</meterNo>" + event +
                    "<timeStamp>2026-01-15T12:00:00Z</timeStamp></eventInstance></" + list + "></events>",
                version),
      version)));
}

TEST(MultiSpeakMeterEvent, TheCodeIsFoundWhereverItStands) {
  const std::string expected = "E|M1|BADGE|3.26.0.47|power fail|2026-01-15T12:00:00Z|DEVICE\nK|0|0\n";
  EXPECT_EQ(meter_event("<meterEvent type='3' domain='26' domainPart='0' index='47'>power fail</meterEvent>"),
            expected);
  EXPECT_EQ(meter_event("<meterEvent codeString='3.26.0.47'>power fail</meterEvent>"), expected);
  EXPECT_EQ(meter_event("<meterEvent codeString='power fail'>3.26.0.47</meterEvent>", Version::V41),
            expected);
  EXPECT_EQ(
      meter_event("<meterEvent type='3' domain='26' domainPart='0' index='47' codeString='power fail'/>"),
      expected);
  EXPECT_EQ(meter_event("<meterEvent codeString='3.26.0.47' value='2'>power fail</meterEvent>"),
            "E|M1|BADGE|3.26.0.47|power fail value=2|2026-01-15T12:00:00Z|DEVICE\nK|0|0\n");
}

TEST(MultiSpeakMeterEvent, WordsWithoutACodeStayWords) {
  EXPECT_THAT(meter_event("<meterEvent>TAMPER 7</meterEvent>"), HasSubstr("|TAMPER 7|TAMPER 7|"));
  EXPECT_THAT(meter_event("<meterEvent type='3' domain='26'>odd</meterEvent>"), HasSubstr("|odd|odd|"));
  EXPECT_EQ(meter_event("<meterEvent/>"), "M|M1|missing_code\nK|0|0\n");
  EXPECT_EQ(meter_event(""), "M|M1|missing_code\nK|0|0\n");
}

TEST(MultiSpeakMeterEvent, ADemandResetIsConfirmedByItsTransaction) {
  EXPECT_EQ(describe(decoded(soap(operation("MeterEventNotification",
                                            "<events><eventInstances><eventInstance><meterID meterNo='M1'/>"
                                            "<meterEvent codeString='3.8.0.215'>demand reset</meterEvent>"
                                            "<timeStamp>2026-01-15T12:00:00Z</timeStamp></eventInstance>"
                                            "</eventInstances></events><transactionID>d-1</transactionID>",
                                            Version::V41),
                                  Version::V41))),
            "E|M1|BADGE|3.8.0.215|demand reset|2026-01-15T12:00:00Z|DEVICE\n"
            "T|M1|d-1|3.8.0.215|-|2026-01-15T12:00:00Z\nK|0|0\n");
}

}  // namespace
}  // namespace ami::multispeak::testing
