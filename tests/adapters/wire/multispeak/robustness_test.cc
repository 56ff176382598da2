// Cut, flipped, repeated and random messages; what is kept of a message can be read again; credentials stay
// in the header.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "tests/adapters/wire/multispeak/every_message.h"
#include "tests/adapters/wire/multispeak/messages.h"

namespace ami::multispeak::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::vector<std::string> all_notifications() {
  std::vector<std::string> all;
  for (const Version version : {Version::V30, Version::V41}) {
    for (const NotificationContent& content : every_notification(version))
      all.push_back(
          encode_notification(content, sender(version, version == Version::V30 ? Soap::V11 : Soap::V12)));
  }
  for (const char* name : {"disagreeing", "several", "brokered"})
    all.push_back(read_file(source_folder() + "golden/" + name + ".xml"));
  // trouble in each part
  all.push_back(reading("<meterRead><meterNo>M1</meterNo><posKWh>x</posKWh></meterRead><meterRead/>"));
  all.push_back(intervals("<blocks><block><meterNo>M1</meterNo></block></blocks>"));
  return all;
}

TEST(MultiSpeakNotification, EveryOneIsReadAsItWasWritten) {
  for (const Version version : {Version::V30, Version::V41}) {
    for (const NotificationContent& content : every_notification(version)) {
      const auto notification = decoded(encode_notification(content, sender(version)));
      EXPECT_EQ(notification.operation, content.operation);
      EXPECT_EQ(notification.version, version);
      const bool said = content.operation != Operation::MeterEvents || version == Version::V41;
      EXPECT_EQ(notification.transaction, said ? "t-1" : "") << name_of(content.operation, version);
      EXPECT_EQ(lines(notification, 'M'), "") << name_of(content.operation, version);
      EXPECT_EQ(lines(notification, 'T').empty(), !said) << name_of(content.operation, version);
    }
  }
}

TEST(MultiSpeakTruncation, EveryPrefixIsAnErrorAndNeverAValue) {
  for (const std::string& message : all_notifications()) {
    std::size_t end = message.size();
    while (end > 0 && (message[end - 1] == '\n' || message[end - 1] == ' ')) --end;
    for (std::size_t cut = 0; cut < end; ++cut) {
      const auto notification = decode_notification(std::string_view(message).substr(0, cut), {});
      ASSERT_FALSE(notification.ok()) << cut << " of " << message;
      ASSERT_NE(notification.error().message.find(':'), std::string::npos) << notification.error().message;
    }
  }
}

TEST(MultiSpeakBitFlips, NeverCrashAndAnErrorHasAWord) {
  for (const std::string& message : all_notifications()) {
    for (std::size_t at = 0; at < message.size(); ++at) {
      std::string flipped = message;
      flipped[at] = static_cast<char>(flipped[at] ^ (1 << (at % 8)));
      const auto notification = decode_notification(flipped, {});
      if (!notification) {
        ASSERT_NE(notification.error().message.find(':'), std::string::npos);
      }
    }
  }
}

// All that a decode says but offsets, with the same lines put together.
std::vector<std::string> facts(const Reports& reports) {
  std::vector<std::string> all;
  std::string text = describe(reports);
  for (std::size_t at = 0; at < text.size();) {
    const auto end = text.find('\n', at);
    if (text[at] != 'K') all.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  std::ranges::sort(all);
  all.erase(std::ranges::unique(all).begin(), all.end());
  return all;
}

std::vector<std::string_view> raws(const Reports& reports) {
  std::vector<std::string_view> all;
  const auto take = [&](std::string_view raw) {
    if (std::ranges::find(all, raw) == all.end()) all.push_back(raw);
  };
  for (const Observation& said : reports.batch.observations)
    take(std::visit([](const auto& one) { return one.raw; }, said));
  for (const ResultObservation& said : reports.batch.results) take(said.raw);
  for (const MalformedRecord& record : reports.batch.malformed) take(record.raw);
  return all;
}

TEST(MultiSpeakRaw, EachIsAMessageThatSaysTheSameAgain) {
  for (const std::string& message : all_notifications()) {
    const auto whole = decoded(message);
    std::vector<std::string> again;
    for (const std::string_view raw : raws(whole.reports)) {
      const auto part = decode_notification(raw, {});
      ASSERT_TRUE(part.ok()) << raw << part.error().message;
      EXPECT_EQ(part->transaction, whole.transaction) << raw;
      for (std::string& fact : facts(part->reports)) again.push_back(std::move(fact));
    }
    std::ranges::sort(again);
    again.erase(std::ranges::unique(again).begin(), again.end());
    EXPECT_EQ(again, facts(whole.reports)) << message;
  }
}

TEST(MultiSpeakRaw, OfAResponseTooIsReadAgain) {
  for (const Version version : {Version::V30, Version::V41}) {
    for (const auto& [operation, content] : every_response(version)) {
      const auto response =
          decode_response(encode_response(operation, content, sender(version)), operation, {});
      for (const std::string_view raw : raws(response->reports)) {
        const auto part = decode_notification(raw, {});
        ASSERT_TRUE(part.ok()) << raw << part.error().message;
        EXPECT_FALSE(facts(part->reports).empty());
      }
    }
  }
}

TEST(MultiSpeakRaw, HasOneObjectAndNotItsNeighbours) {
  const auto notification = decoded(read_file(source_folder() + "golden/disagreeing.xml"));
  for (const Observation& said : notification.reports.batch.observations) {
    const auto& series = std::get<SeriesObservation>(said);
    EXPECT_THAT(series.raw, Not(HasSubstr(series.meter == "M1" ? ">M2<" : ">M1<")));
    EXPECT_THAT(series.raw, HasSubstr(">t-9<"));
  }
}

TEST(MultiSpeakJournal, SaysTheSameAsTheMessage) {
  for (const std::string& message : all_notifications()) {
    const auto incoming = decode_request(message, {});
    ASSERT_TRUE(incoming.ok()) << incoming.error().message;
    EXPECT_FALSE(incoming->request.has_value());
    const auto whole = decoded(message);
    EXPECT_EQ(describe(decoded(incoming->journal)), describe(whole));
    EXPECT_EQ(incoming->transaction, whole.transaction);
  }
}

TEST(MultiSpeakCredentials, StandNowhereButInTheHeader) {
  std::vector<std::string> messages = all_notifications();
  for (const std::string& message : messages) {
    const auto incoming = decode_request(message, {});
    EXPECT_THAT(incoming->journal, Not(HasSubstr(kPassword)));
    EXPECT_THAT(incoming->journal, Not(HasSubstr("MsgHeader")));
    const auto notification = decoded(message);
    for (const std::string_view raw : raws(notification.reports)) {
      EXPECT_THAT(std::string(raw), Not(HasSubstr(kPassword)));
      EXPECT_THAT(std::string(raw), Not(HasSubstr("MsgHeader")));
    }
    for (const MalformedRecord& record : notification.reports.batch.malformed)
      EXPECT_THAT(record.detail, Not(HasSubstr(kPassword)));
  }
  // errors right at and behind the header
  for (std::string message : messages) {
    const auto header = message.find(kPassword);
    if (header == std::string::npos) continue;
    for (const auto& [at, with] : {std::pair{header + 2, "<"}, std::pair{header + 2, "&"},
                                   std::pair{message.find("Body") + 1, "<"}, std::pair{header, "\""}}) {
      std::string broken = message;
      broken.insert(at, with);
      const auto refused = decode_request(broken, {});
      if (!refused) {
        EXPECT_THAT(refused.error().message, Not(HasSubstr(std::string(kPassword).substr(2))));
      }
    }
  }
}

TEST(MultiSpeakLimits, AnObjectThatIsTooLongCostsOnlyItself) {
  const std::string long_read = "<meterRead><meterNo>M1</meterNo><comments>" +
                                std::string(kMaxRecordBytes, 'x') + "</comments></meterRead>";
  const auto notification = decoded(
      reading(long_read + "<meterRead><meterNo>M2</meterNo><readingDate>2026-01-01T00:00:00Z</readingDate>"
                          "<posKWh>5</posKWh></meterRead>"));
  EXPECT_EQ(lines(notification, 'M'), "M|M1|record_too_long\n");
  EXPECT_THAT(lines(notification, 'R'), HasSubstr("R|M2|posKWh|"));
  EXPECT_LE(notification.reports.batch.malformed.at(0).raw.size(), std::size_t{1} << 20);
}

TEST(MultiSpeakLimits, ContextThatWouldBeRepeatedTooOftenIsRefused) {
  const std::string message = soap(operation(
      "ReadingChangedNotification",
      "<changedMeterReads><meterRead><meterNo>M1</meterNo></meterRead></changedMeterReads><transactionID>" +
          std::string(kMaxContextBytes, 't') + "</transactionID>"));
  EXPECT_EQ(lines(decoded(message), 'M'), "M|M1|record_too_long\n");
}

TEST(MultiSpeakLimits, FewBytesDoNotBecomeEndlessValues) {
  const std::string message = intervals(
      "<intervalDelimiter>,</intervalDelimiter><profiles><profile profileID='p'>"
      "<intervalLength>1</intervalLength><channels><channel><index>1</index></channel></channels></profile>"
      "</profiles><blocks>" +
      [] {
        std::string blocks;
        for (int i = 0; i < 4; ++i) {
          blocks +=
              "<block><profileID>p</profileID><meterNo>M1</meterNo><intervalStart>2026-01-01T00:00:00Z"
              "</intervalStart><dB><chs><ch><idx>1</idx><d>" +
              std::string(700'000, ',') + "</d></ch></chs></dB></block>";
        }
        return blocks;
      }() +
      "</blocks>");
  EXPECT_THAT(refusal(message), HasSubstr("too_large"));
}

TEST(MultiSpeakLimits, FaultsAndEventTextsAreCutAtACharacter) {
  std::string words;
  while (words.size() < kMaxText + 10) words += "\xC3\xA9";  // é
  const auto notification = decoded(soap(operation(
      "CDStateChangedNotification",
      "<meterNo>M1</meterNo><stateChange>Open</stateChange><errorString>x" + words + "</errorString>")));
  const std::string_view fault = notification.reports.batch.results.at(0).fault;
  EXPECT_EQ(fault.size(), kMaxText - 1);  // the last é does not fit whole
}

// Random reads with anything in the texts.
TEST(MultiSpeakProperty, RandomReadsComeBackAsTheyWereWritten) {
  std::mt19937 random(20260115);
  const auto below = [&](std::uint32_t n) { return static_cast<std::size_t>(random() % n); };
  const std::vector<std::string> odd = {"a", "<&>\"'", "\xC3\xA9t\xC3\xA9", "]]>", "a b", "x|y,z", "%", "--"};
  const auto number = [&] { return std::to_string(below(100000)) + "." + std::to_string(below(1000)); };
  for (int round = 0; round < 300; ++round) {
    const Version version = below(2) == 0 ? Version::V30 : Version::V41;
    NotificationContent content;
    content.operation = Operation::ReadingChanged;
    content.transaction = odd[below(8)];
    std::vector<std::string> expected;
    const std::size_t reads = below(5);
    for (std::size_t i = 0; i < reads; ++i) {
      MeterRead read;
      read.meter.number = "M" + std::to_string(i) + odd[below(8)];
      read.error = below(3) == 0 ? odd[below(8)] : "";
      const std::size_t values = below(4);
      for (std::size_t k = 0; k < values; ++k) {
        ReadingValue value;
        value.units = odd[below(8)];
        value.value = number();
        value.field_name = "f" + std::to_string(k) + odd[below(8)];
        value.time = "2026-01-" + std::to_string(10 + below(20)) + "T12:00:00Z";
        expected.push_back("R|" + read.meter.number + "|" + value.field_name + "|readingValue|" +
                           value.units + (version == Version::V41 ? "|Electric|-|" : "|-|-|") + value.time +
                           "|" + value.value + "|-|-");
        read.values.push_back(value);
      }
      if (values == 0 && read.error.empty()) {  // it answers nothing
        expected.push_back("M|" + read.meter.number + "|no_values");
      } else {
        expected.push_back("T|" + read.meter.number + "|" + content.transaction + "|-|" +
                           (read.error.empty() ? "-" : read.error) + "|-");
      }
      content.reads.push_back(read);
    }
    std::ranges::sort(expected);
    const auto notification =
        decoded(encode_notification(content, sender(version, below(2) == 0 ? Soap::V11 : Soap::V12)));
    EXPECT_EQ(facts(notification.reports), expected);
  }
}

}  // namespace
}  // namespace ami::multispeak::testing
