// Responses in both directions, and the shape of all that is written.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/adapters/wire/multispeak/every_message.h"
#include "tests/adapters/wire/multispeak/messages.h"

namespace ami::multispeak::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

bool carries_rejections(Operation operation) {
  switch (operation) {
    case Operation::GetMethods:
    case Operation::GetAmrSupportedMeters:
    case Operation::GetCdMeterState:
    case Operation::GetLatestReading:
    case Operation::GetReadingsByDate:
    case Operation::GetReadingsByBillingCycle:
      return false;
    default:
      return !has_empty_response(operation);
  }
}

TEST(MultiSpeakResponse, EveryOneRoundTripsInEveryVersionAndSoap) {
  for (const Version version : {Version::V30, Version::V41}) {
    for (const Soap soap : {Soap::V11, Soap::V12}) {
      for (const auto& [operation, content] : every_response(version)) {
        const std::string message = encode_response(operation, content, sender(version, soap));
        const auto back = decode_response(message, operation, {});
        ASSERT_TRUE(back.ok()) << message << back.error().message;
        EXPECT_FALSE(back->fault.has_value());
        EXPECT_EQ(back->version, version);
        EXPECT_EQ(back->content.rejections.size(), carries_rejections(operation) ? 2U : 0U) << message;
        if (operation == Operation::GetMethods) {
          EXPECT_THAT(back->content.methods, ElementsAre("PingURL", "GetMethods"));
        } else if (operation == Operation::GetAmrSupportedMeters) {
          EXPECT_EQ(back->content.meters, content.meters);
        } else if (operation == Operation::GetCdMeterState) {
          EXPECT_EQ(back->content.switch_state, "Closed");
          EXPECT_TRUE(back->reports.batch.results.empty());  // a default and no proof
        }
        const std::size_t readings = back->reports.batch.observations.size();
        if (operation == Operation::GetLatestReading || operation == Operation::GetReadingsByDate) {
          // 3.0: negKWh, kW, kVAr, three of the rate periods, the finer energy; 4.1: the one value
          EXPECT_EQ(readings, version == Version::V30 ? 7U : 1U) << describe(back->reports);
        } else {
          EXPECT_EQ(readings, operation == Operation::GetReadingsByBillingCycle ? 2U : 0U);
        }
        EXPECT_TRUE(back->reports.batch.malformed.empty()) << describe(back->reports);
      }
    }
  }
}

TEST(MultiSpeakResponse, AnEmptyResponseHasNoContent) {
  for (const Operation operation : {Operation::CdStateChanged, Operation::CdState}) {
    for (const Version version : {Version::V30, Version::V41}) {
      ResponseContent refused;
      refused.rejections = {{"M1", "no", "", "", ""}};
      const std::string message = encode_response(operation, refused, sender(version));
      EXPECT_THAT(message,
                  HasSubstr("NotificationResponse xmlns=\"" + std::string(namespace_of(version)) + "\"/>"));
      EXPECT_EQ(message.find("errorObject"), std::string::npos) << "only a SOAP fault can say it";
    }
  }
}

TEST(MultiSpeakResponse, AnAnswerInTheOtherVersionIsTaken) {
  ResponseContent content;
  content.rejections = {{"M9", "unknown", "", "", "words"}};
  const auto back =
      decode_response(encode_response(Operation::InitiateMeterRead, content, sender(Version::V41)),
                      Operation::InitiateMeterRead, {});
  ASSERT_TRUE(back.ok()) << back.error().message;
  EXPECT_EQ(back->version, Version::V41);
  EXPECT_EQ(back->content.rejections.at(0).object_id, "M9");
  EXPECT_EQ(back->content.rejections.at(0).text, "words");
}

TEST(MultiSpeakResponse, AnAnswerToSomethingElseIsRefused) {
  const std::string message = encode_response(Operation::PingUrl, {}, sender());
  const auto back = decode_response(message, Operation::GetMethods, {});
  ASSERT_FALSE(back.ok());
  EXPECT_THAT(back.error().message,
              StartsWith("unexpected_answer: \"PingURLResponse\" instead of GetMethodsResponse"));
  EXPECT_FALSE(decode_response(soap(operation("PingURL", "")), Operation::PingUrl, {}).ok());
}

TEST(MultiSpeakResponse, MetersOf41StandInTheirServiceLists) {
  const auto back = decode_response(
      soap(operation("GetAMRSupportedMetersResponse",
                     "<GetAMRSupportedMetersResult><electricMeters><electricMeter objectID='E1'>"
                     "<meterID>E1</meterID></electricMeter><electricMeter objectID='E2'/></electricMeters>"
                     "<waterMeters><waterMeter><meterID meterNo='W1'/></waterMeter></waterMeters><empty/>"
                     "</GetAMRSupportedMetersResult>",
                     Version::V41),
           Version::V41),
      Operation::GetAmrSupportedMeters, {});
  ASSERT_TRUE(back.ok());
  ASSERT_EQ(back->content.meters.size(), 3U);
  EXPECT_EQ(back->content.meters[0].meter.number, "E1");
  EXPECT_EQ(back->content.meters[1].meter.number, "E2");
  EXPECT_EQ(back->content.meters[2].meter.number, "W1");
}

TEST(MultiSpeakResponse, ASwitchStateIsAWordIn30AndAnObjectIn41) {
  const auto state = [](const std::string& result, Version version) {
    return decode_response(soap(operation("GetCDMeterStateResponse", result, version), version),
                           Operation::GetCdMeterState, {})
        .value()
        .content.switch_state;
  };
  EXPECT_EQ(state("<GetCDMeterStateResult>Open</GetCDMeterStateResult>", Version::V30), "Open");
  EXPECT_EQ(
      state("<GetCDMeterStateResult><meterID>M1</meterID><RCDState>Armed</RCDState></GetCDMeterStateResult>",
            Version::V41),
      "Armed");
  EXPECT_EQ(state("", Version::V41), "");
}

TEST(MultiSpeakResponse, ALatestReadingThatThereIsNotIsNone) {
  for (const char* result :
       {"", "<GetLatestReadingByMeterNoResult/>",
        "<GetLatestReadingByMeterNoResult xmlns:i='http://www.w3.org/2001/XMLSchema-instance' "
        "i:nil='true'/>"}) {
    const auto back = decode_response(soap(operation("GetLatestReadingByMeterNoResponse", result)),
                                      Operation::GetLatestReading, {});
    ASSERT_TRUE(back.ok());
    EXPECT_EQ(describe(back->reports), "K|0|0\n") << result;
  }
}

TEST(MultiSpeakResponse, PagesOfAPullAreReadOneByOne) {
  ResponseContent page;
  page.reads.emplace_back();
  page.reads[0].meter.number = "M1";
  page.reads[0].reading_date = "2026-01-01T00:00:00Z";
  page.reads[0].pos_kwh = "5";
  Sender from = sender();
  from.header.objects_remaining = 1;
  from.header.last_sent = "M1";
  auto back = decode_response(encode_response(Operation::GetReadingsByDate, page, from),
                              Operation::GetReadingsByDate, {});
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(describe(back->reports),
            "R|M1|posKWh|posKWh|kWh|-|-|2026-01-01T00:00:00Z|5|whole_kwh|-\nK|0|0\n");
  EXPECT_EQ(next_page(*back->header, "").value(), "M1");
  from.header.objects_remaining = 0;
  back = decode_response(encode_response(Operation::GetReadingsByDate, page, from),
                         Operation::GetReadingsByDate, {});
  EXPECT_EQ(next_page(*back->header, "M1").value(), std::nullopt);
}

// A folder that is gone when the test ends.
class Folder {
 public:
  Folder() {
    char name[] = "/tmp/multispeak-XXXXXX";
    path_ = mkdtemp(name);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  void write(const std::string& message) {
    std::ofstream(path_ / (std::to_string(count_++) + ".xml"), std::ios::binary) << message;
  }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] int count() const { return count_; }

 private:
  std::filesystem::path path_;
  int count_ = 0;
};

TEST(MultiSpeakShape, EveryMessageHasTheOrderThatTheSchemasState) {
  Folder folder;
  for (const Version version : {Version::V30, Version::V41}) {
    for (const Soap soap : {Soap::V11, Soap::V12}) {
      const Sender from = sender(version, soap);
      for (const Request& request : every_request(version))
        folder.write(encode_request(request, from).value());
      for (const auto& [operation, content] : every_response(version))
        folder.write(encode_response(operation, content, from));
      for (const NotificationContent& content : every_notification(version))
        folder.write(encode_notification(content, from));
      folder.write(encode_fault_message(from, fault_for(permanent("x: no"))));
    }
  }
  ASSERT_GT(folder.count(), 150);
  const std::string command =
      "python3 '" + source_folder() + "shape.py' '" + folder.path().string() + "' 2>&1";
  std::FILE* pipe = popen(command.c_str(), "r");
  ASSERT_NE(pipe, nullptr);
  std::string said;
  char part[4096];
  while (const std::size_t got = std::fread(part, 1, sizeof part, pipe)) said.append(part, got);
  EXPECT_EQ(pclose(pipe), 0) << said;
  EXPECT_EQ(said, std::to_string(folder.count()) + " messages\n");
}

}  // namespace
}  // namespace ami::multispeak::testing
