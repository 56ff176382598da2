// The messages beside the checkout, which are valid against the published schemas. Expected lines were worked
// out by reading them; oracle.py, an independent reader, has to say the same.
#include <gtest/gtest.h>

#include <cstdio>

#include "tests/adapters/wire/multispeak/messages.h"

namespace ami::multispeak::testing {
namespace {

class MultiSpeakSample : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!have_samples()) GTEST_SKIP() << "no samples: AMI_SAMPLES_DIR has no multispeak folder";
  }
  static Notification notification(const std::string& name) { return decoded(read_file(sample(name))); }
};

TEST_F(MultiSpeakSample, ReadOf30) {
  EXPECT_EQ(describe(notification("v3-ReadingChangedNotification")),
            "R|FA10000001|kW|kW|kW|-|-|2026-01-15T12:00:00-05:00|2.66|-|2026-01-12T18:30:00-05:00\n"
            "R|FA10000001|TOU:1:kWh|TOUReading|kWh|-|1|2026-01-15T12:00:00-05:00|20000|-|-\n"
            "R|FA10000001|TOU:2:kWh|TOUReading|kWh|-|2|2026-01-15T12:00:00-05:00|14315|-|-\n"
            "R|FA10000001|13.0.0.1.1.1.12.0.0.0.0.0.0.0.0.3.72.0|Energy|kWh|-|-|2026-01-15T12:00:00-05:00|"
            "34315.482|-|-\n"
            "R|FA10000001|Current Voltage|Current Voltage|V|-|-|2026-01-15T12:00:00-05:00|241.2|-|-\n"
            "T|FA10000001|6f6a2c3e-0001|-|-|2026-01-15T12:00:00-05:00\n"
            "K|0|0\n");
}

TEST_F(MultiSpeakSample, FailedReadOf30IsAFailureAndNoReading) {
  EXPECT_EQ(describe(notification("v3-ReadingChangedNotification-failed")),
            "T|FA10000001|6f6a2c3e-0001|-|Timed out waiting for endpoint|-\nK|0|0\n");
}

TEST_F(MultiSpeakSample, ReadOf41) {
  EXPECT_EQ(describe(notification("v41-ReadingChangedNotification")),
            "R|FA10000001|kWh|readingValue|kWh|Electric|-|2026-01-15T17:00:00Z|720.113|Raw/R0|-\n"
            "T|FA10000001|6f6a2c3e-0002|-|-|-\n"
            "K|0|0\n");
}

TEST_F(MultiSpeakSample, IntervalsOf30) {
  EXPECT_EQ(describe(notification("v3-IntervalDataNotification")),
            "I|FA10000001|lp:1|kWhDel|kWh|-|900|2026-01-15T00:15:00-05:00|0.250,0.248,0.251~4,0.249|\n"
            "T|FA10000001|lp-1|-|-|2026-01-15T00:00:00-05:00\n"
            "K|0|0\n");
}

TEST_F(MultiSpeakSample, SwitchOf30HasNoTimeAndSoNoEvent) {
  EXPECT_EQ(describe(notification("v3-CDStateChangedNotification")),
            "T|FA10000001|cd-0001|Disconnect|-|-\nK|0|0\n");
  EXPECT_EQ(describe(notification("v3-CDStateChangedNotification-failed")),
            "T|FA10000001|cd-0001|Unknown|Switch did not operate|-\nK|0|0\n");
}

TEST_F(MultiSpeakSample, SwitchOf41) {
  EXPECT_EQ(describe(notification("v41-CDStateChangedNotification")),
            "E|FA10000001|BADGE|CDStateChange/Closed|-|2026-01-15T17:02:11Z|DEVICE\n"
            "T|FA10000001|cd-0002|Closed|-|2026-01-15T17:02:11Z\n"
            "K|0|0\n");
}

TEST_F(MultiSpeakSample, OutageInBothSpellings) {
  EXPECT_EQ(describe(notification("v3-ODEventNotification")),
            "E|FA10000001|BADGE|OD/Outage|deviceType=Meter resolvedLevel=Meter|2026-01-15T11:58:03-05:00|"
            "DEVICE\n"
            "T|FA10000001|od-1|Outage|-|2026-01-15T11:58:03-05:00\n"
            "K|0|0\n");
  EXPECT_EQ(describe(notification("v41-ODEventNotification-restoration")),
            "E|FA10000001|BADGE|OD/Restoration|deviceType=Meter|2026-01-15T17:05:44Z|DEVICE\n"
            "T|FA10000001|od-2|Restoration|-|2026-01-15T17:05:44Z\n"
            "K|0|0\n");
}

TEST_F(MultiSpeakSample, MeterEvent) {
  EXPECT_EQ(describe(notification("v41-MeterEventNotification")),
            "E|FA10000001|BADGE|3.31.0.23|RCDSwitch disconnect command|2026-01-15T17:02:11Z|DEVICE\n"
            "T|FA10000001|me-1|3.31.0.23|-|2026-01-15T17:02:11Z\n"
            "K|0|0\n");
}

TEST_F(MultiSpeakSample, OffsetsAreWhereATextSearchFindsTheObjects) {
  const std::string bytes = read_file(sample("v3-ReadingChangedNotification"));
  const auto notification = decoded(bytes);
  const auto& read = std::get<SeriesObservation>(notification.reports.batch.observations.at(0));
  EXPECT_EQ(read.offset, bytes.find("<meterRead "));
  EXPECT_EQ(notification.reports.batch.results.at(0).offset, bytes.find("<meterRead "));
}

TEST_F(MultiSpeakSample, ReadRequests) {
  for (const auto& [name, version, transaction] :
       {std::tuple{"v3-InitiateMeterReadByMeterNumber-request", Version::V30, "6f6a2c3e-0001"},
        std::tuple{"v41-InitiateMeterReadingsByMeterID-request", Version::V41, "6f6a2c3e-0002"}}) {
    const auto incoming = decode_request(read_file(sample(name)), {});
    ASSERT_TRUE(incoming.ok()) << incoming.error().message;
    EXPECT_EQ(incoming->operation, Operation::InitiateMeterRead);
    EXPECT_EQ(incoming->version, version);
    EXPECT_EQ(incoming->transaction, transaction);
    EXPECT_EQ(incoming->journal, "");
    ASSERT_TRUE(incoming->header.has_value());
    EXPECT_EQ(incoming->header->user_id, "hes");
    EXPECT_EQ(incoming->header->password.reveal(), "secret");
    const Request& request = *incoming->request;
    ASSERT_EQ(request.meters.size(), 1U);
    EXPECT_EQ(request.meters[0].number, "FA10000001");
    EXPECT_EQ(request.transaction, transaction);
    EXPECT_EQ(request.expiry, std::chrono::minutes(15));
    EXPECT_TRUE(request.response_url.starts_with("https://gw.example/mspeak")) << request.response_url;
  }
}

TEST_F(MultiSpeakSample, SwitchRequests) {
  const auto old = decode_request(read_file(sample("v3-InitiateConnectDisconnect-request")), {});
  ASSERT_TRUE(old.ok());
  ASSERT_EQ(old->request->orders.size(), 1U);
  EXPECT_EQ(old->request->orders[0].load_action, "Disconnect");
  EXPECT_EQ(old->request->orders[0].reason, "NonPayment");
  EXPECT_EQ(old->request->orders[0].meter.number, "FA10000001");
  EXPECT_EQ(old->request->orders[0].object_id, "cd-0001");
  const auto fresh = decode_request(read_file(sample("v41-InitiateConnectDisconnect-request")), {});
  ASSERT_TRUE(fresh.ok());
  EXPECT_EQ(fresh->request->orders.at(0).load_action, "Connect");
  EXPECT_EQ(fresh->request->orders.at(0).reason, "PaymentReceived");
  EXPECT_EQ(fresh->request->expiry, std::chrono::minutes(30));
  EXPECT_EQ(fresh->header->context, "Testing");
  EXPECT_EQ(fresh->header->version, "4.1.6");
}

TEST_F(MultiSpeakSample, ResponsesSayWhatWasTurnedDown) {
  const auto accepted = decode_response(read_file(sample("v3-InitiateMeterReadByMeterNumber-response-ok")),
                                        Operation::InitiateMeterRead, {});
  ASSERT_TRUE(accepted.ok()) << accepted.error().message;
  EXPECT_TRUE(accepted->content.rejections.empty());
  EXPECT_FALSE(accepted->fault.has_value());
  const auto rejected = decode_response(read_file(sample("v3-InitiateMeterReadByMeterNumber-response-error")),
                                        Operation::InitiateMeterRead, {});
  ASSERT_TRUE(rejected.ok());
  ASSERT_EQ(rejected->content.rejections.size(), 1U);
  EXPECT_EQ(rejected->content.rejections[0].object_id, "FA10000099");
  EXPECT_EQ(rejected->content.rejections[0].error, "Meter not found");
  EXPECT_EQ(rejected->content.rejections[0].noun_type, "meterRead");
  EXPECT_EQ(rejected->content.rejections[0].event_time, "2026-01-15T17:00:06Z");
}

TEST_F(MultiSpeakSample, AnIndependentReaderSaysTheSame) {
  std::string files, ours;
  for (const char* name :
       {"v3-CDStateChangedNotification-failed", "v3-CDStateChangedNotification",
        "v3-IntervalDataNotification", "v3-ODEventNotification", "v3-ReadingChangedNotification-failed",
        "v3-ReadingChangedNotification", "v41-CDStateChangedNotification", "v41-MeterEventNotification",
        "v41-ODEventNotification-restoration", "v41-ReadingChangedNotification"}) {
    files += " '" + sample(name) + "'";
    ours += describe(notification(name));
  }
  for (const char* name : {"disagreeing", "several", "brokered"}) {
    files += " '" + source_folder() + "golden/" + name + ".xml'";
    ours += describe(decoded(read_file(source_folder() + "golden/" + name + ".xml")));
  }
  const std::string command = "python3 '" + source_folder() + "oracle.py'" + files;
  std::FILE* pipe = popen(command.c_str(), "r");
  ASSERT_NE(pipe, nullptr);
  std::string theirs;
  char part[4096];
  while (const std::size_t got = std::fread(part, 1, sizeof part, pipe)) theirs.append(part, got);
  ASSERT_EQ(pclose(pipe), 0) << command;
  EXPECT_EQ(ours, theirs);
}

}  // namespace
}  // namespace ami::multispeak::testing
