#include "tests/adapters/wire/multispeak/messages.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

namespace ami::multispeak::testing {
namespace {

std::string or_dash(std::string_view text) {
  return text.empty() ? "-" : std::string(text);
}

std::string line(const SeriesObservation& said) {
  const bool interval = said.kind == SeriesKind::Interval;
  std::string text = interval ? "I|" : "R|";
  for (const std::string_view part : {said.meter, said.channel, said.measure, said.unit, said.commodity})
    text += or_dash(part) + "|";
  if (!interval) {
    const SeriesValue& value = said.values.at(0);
    return text + or_dash(said.tou) + "|" + or_dash(value.time.text) + "|" + or_dash(value.value) + "|" +
           or_dash(value.flag) + "|" + or_dash(said.occurred_at.text) + "\n";
  }
  const StatedTime& first = said.values.at(0).time;
  text += std::to_string(said.interval.count()) + "|" +
          (first.present() ? std::string(first.text) : "from " + std::string(said.period_start.text)) + "|";
  for (std::size_t i = 0; i < said.values.size(); ++i) {
    if (i > 0) text += ',';
    text += said.values[i].value;
    if (!said.values[i].flag.empty()) text += "~" + std::string(said.values[i].flag);
  }
  text += "|";
  for (const auto& [slot, value] : said.block_end_values)
    text += std::to_string(slot) + "=" + std::string(value) + ",";
  return text + "\n";
}

std::string line(const EventObservation& said) {
  return "E|" + or_dash(said.meter) + "|" + std::string(name_of(said.meter_kind)) + "|" + or_dash(said.code) +
         "|" + or_dash(said.text) + "|" + or_dash(said.time.text) + "|" +
         std::string(name_of(said.time_source)) + "\n";
}

}  // namespace

std::string soap(std::string_view content, Version version) {
  const bool v30 = version == Version::V30;
  return "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<soap:Envelope xmlns:soap=\"" +
         std::string(envelope_namespace(Soap::V11)) + "\"><soap:Header><MultiSpeakMsgHeader xmlns=\"" +
         (v30 ? kNs30 : kNs41) + "\" " +
         (v30 ? "Version=\"3.0\"" : "MajorVersion=\"4\" MinorVersion=\"1\" BuildString=\"Release\"") +
         " UserID=\"hes\" Pwd=\"" + kPassword + "\" Company=\"LDC\"/></soap:Header><soap:Body>" +
         std::string(content) + "</soap:Body></soap:Envelope>";
}

std::string operation(std::string_view name, std::string_view parts, Version version) {
  return "<" + std::string(name) + " xmlns=\"" + (version == Version::V30 ? kNs30 : kNs41) + "\">" +
         std::string(parts) + "</" + std::string(name) + ">";
}

std::string reading(std::string_view meter_read) {
  return soap(
      operation("ReadingChangedNotification", "<changedMeterReads>" + std::string(meter_read) +
                                                  "</changedMeterReads><transactionID>t-1</transactionID>"));
}

std::string reading41(std::string_view meter_reading) {
  return soap(operation("ReadingChangedNotification",
                        "<changedMeterReads>" + std::string(meter_reading) +
                            "</changedMeterReads><transactionID>t-1</transactionID>",
                        Version::V41),
              Version::V41);
}

std::string intervals(std::string_view data, std::string_view after) {
  return soap(operation("IntervalDataNotification",
                        "<intervalReads>" + std::string(data) + "</intervalReads>" + std::string(after)));
}

Sender sender(Version version, Soap soap) {
  Sender from;
  from.version = version;
  from.soap = soap;
  from.header.user_id = "gateway";
  from.header.password = Secret(kPassword);
  from.header.company = "LDC";
  from.header.message_id = "m-1";
  from.header.time_stamp = "2026-01-15T17:00:05Z";
  return from;
}

Notification decoded(std::string_view message, const Options& options) {
  auto notification = decode_notification(message, options);
  if (!notification) {
    ADD_FAILURE() << notification.error().message;
    return {};
  }
  return std::move(notification).value();
}

std::string refusal(std::string_view message, const Options& options) {
  const auto notification = decode_notification(message, options);
  return notification ? "decoded" : notification.error().message;
}

std::string describe(const Reports& reports) {
  std::string text;
  for (const Observation& said : reports.batch.observations)
    text += std::visit([](const auto& one) { return line(one); }, said);
  for (const ResultObservation& said : reports.batch.results) {
    text += "T|" + or_dash(said.meter) + "|" + or_dash(said.transaction) + "|" + or_dash(said.word) + "|" +
            or_dash(said.fault) + "|" + or_dash(said.time.text) + "\n";
  }
  for (const MalformedRecord& record : reports.batch.malformed)
    text += "M|" + or_dash(record.meter) + "|" + record.reason + "\n";
  return text + "K|" + std::to_string(reports.batch.skipped) + "|" +
         std::to_string(reports.placeholder_times) + "\n";
}

std::string describe(const Notification& notification) {
  return describe(notification.reports);
}

std::string lines(const Notification& notification, char kind) {
  std::istringstream all(describe(notification));
  std::string found;
  for (std::string one; std::getline(all, one);) {
    if (one.front() == kind) found += one + "\n";
  }
  return found;
}

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in.good()) << path;
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::string source_folder() {
  const char* root = std::getenv("AMI_SOURCE_DIR");
  return std::string(root == nullptr ? "." : root) + "/tests/adapters/wire/multispeak/";
}

bool have_samples() {
  const char* folder = std::getenv("AMI_SAMPLES_DIR");
  return folder != nullptr && std::filesystem::exists(std::string(folder) + "/multispeak");
}

std::string sample(const std::string& name) {
  return std::string(std::getenv("AMI_SAMPLES_DIR")) + "/multispeak/" + name + ".xml";
}

}  // namespace ami::multispeak::testing
