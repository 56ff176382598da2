// What the kit has to know of the families that are posted to, that read such messages from files, and that
// ask.
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "adapters/wire/cim/codec/encode.h"
#include "adapters/wire/multispeak/codec/notification.h"
#include "adapters/wire/uiq_job/codec/uiq_job.h"
#include "adapters/wire/uiq_job/link/record.h"
#include "tests/adapter_conformance/bench.h"
#include "tests/adapter_conformance/interfaces.h"

namespace ami::conformance {
namespace {

using std::chrono::minutes;

std::string joined(const std::vector<std::string>& values) {
  std::string text;
  for (const std::string& value : values) text += (text.empty() ? "" : ",") + value;
  return text;
}

multispeak::MeterRead read_of(const Reading& reading, multispeak::Version version) {
  multispeak::ReadingValue value;
  value.units = "kWh";
  value.value = reading.value;
  value.time = to_text(reading.at);
  (version == multispeak::Version::V30 ? value.reading_value_type : value.field_name) =
      version == multispeak::Version::V30 ? "Energy" : "kWh";
  multispeak::MeterRead read;
  read.meter.number = read.object_id = reading.meter;
  if (version == multispeak::Version::V30) read.reading_date = to_text(reading.at);
  read.values = {value};
  return read;
}

multispeak::IntervalReads intervals_of(const Block& block, multispeak::Version version) {
  multispeak::IntervalProfile profile;
  profile.id = "1";
  profile.name = "load";
  profile.interval_length = "15";
  if (version == multispeak::Version::V41) profile.length_units = "Minutes";
  profile.channels = {{"1", "kWhDel", "", "kWh"}};
  multispeak::IntervalBlock of;
  of.profile_id = "1";
  of.meter.number = block.meter;
  of.interval_start = to_text(block.first_end - minutes{15});
  of.channels = {{"1", joined(block.values)}};
  multispeak::IntervalReads reads;
  reads.status_delimiter = "|";
  reads.interval_delimiter = ",";
  reads.profiles = {profile};
  reads.blocks = {of};
  return reads;
}

// Nobody is at the head-end's address: the adapter looks for it all the time.
Interface multispeak_callbacks(const std::string& family, multispeak::Version version, bool intervals) {
  Interface one{.family = family, .key = "multispeak"};
  one.settings = std::string(version == multispeak::Version::V41 ? "version: \"4.1\"\n" : "") +
                 "company: Kit\nmr:\n  url: http://127.0.0.1:1/mr\nresponse_url: http://127.0.0.1:1/kit\n"
                 "callback:\n  listen: [\"127.0.0.1:0\"]\n  paths: [/kit]\n";
  one.cost = Cost::Rest;
  one.way = [](Bench& bench) { return by_post(bench, "/kit", "MULTISPEAK_CALLBACKS_OPEN", "ports"); };
  const multispeak::Sender sender{version, multispeak::Soap::V11, {}};
  one.write = [sender, version](const std::vector<Reading>& readings) {
    multispeak::NotificationContent content;
    for (const Reading& reading : readings) content.reads.push_back(read_of(reading, version));
    return multispeak::encode_notification(content, sender);
  };
  if (intervals) {
    one.write_block = [sender, version](const Block& block) {
      multispeak::NotificationContent content;
      content.operation = multispeak::Operation::IntervalData;
      content.intervals = intervals_of(block, version);
      return multispeak::encode_notification(content, sender);
    };
  }
  one.write_result = [sender](const std::string& transaction, const std::string& meter) {
    multispeak::MeterRead failed;
    failed.meter.number = failed.object_id = meter;
    failed.error = "the meter did not answer";
    multispeak::NotificationContent content;
    content.transaction = transaction;
    content.reads = {failed};
    return multispeak::encode_notification(content, sender);
  };
  return one;
}

cim::Reading cim_reading(const std::string& type, const std::string& value, UtcInstant at) {
  cim::Reading reading;
  reading.type = type;
  reading.value = value;
  reading.time_stamp = to_text(at);
  return reading;
}

cim::Message cim_message(cim::Edition edition, cim::Soap soap) {
  cim::Message message;
  message.kind = cim::Kind::Event;
  message.edition = edition;
  message.soap = soap;
  message.header.verb = "created";
  message.header.noun = "MeterReadings";
  return message;
}

Interface cim_messages(const std::string& family, const std::string& key, cim::Edition edition,
                       cim::Soap soap) {
  Interface one{.family = family, .key = key};
  one.cost = Cost::Rest;
  one.write = [edition, soap](const std::vector<Reading>& readings) {
    cim::Message message = cim_message(edition, soap);
    for (const Reading& reading : readings) {
      cim::MeterReading of;
      of.meter.id = reading.meter;
      of.readings = {cim_reading("0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.3.72.0", reading.value, reading.at)};
      message.meter_readings.push_back(of);
    }
    return cim::encode(message);
  };
  one.write_block = [edition, soap](const Block& block) {
    cim::IntervalBlock of;
    of.type = "0.0.2.4.1.1.12.0.0.0.0.0.0.0.0.3.72.0";
    UtcInstant end = block.first_end;
    for (const std::string& value : block.values) {
      of.readings.push_back(cim_reading({}, value, end));
      end += minutes{15};
    }
    cim::MeterReading meter;
    meter.meter.id = block.meter;
    meter.blocks = {of};
    cim::Message message = cim_message(edition, soap);
    message.meter_readings = {meter};
    return cim::encode(message);
  };
  one.write_result = [edition, soap](const std::string& transaction, const std::string& meter) {
    cim::Message message = cim_message(edition, soap);
    message.kind = cim::Kind::Response;
    message.header.verb = "reply";
    message.header.correlation_id = transaction;
    message.reply = cim::Reply{"OK", {}};
    cim::MeterReading of;
    of.meter.id = meter;
    of.readings = {cim_reading("0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.3.72.0", "1.00",
                               UtcInstant{std::chrono::sys_days{std::chrono::year{2026} / 1 / 1}})};
    message.meter_readings = {of};
    return cim::encode(message);
  };
  return one;
}

Interface cim_callbacks(const std::string& family, cim::Edition edition) {
  Interface one = cim_messages(family, "cim", edition, cim::Soap::V11);
  one.settings =
      "message: {credentials: none}\n"
      "callback:\n  listen: [\"127.0.0.1:0\"]\n  paths: [/kit]\n  reply_address: http://127.0.0.1:1/kit\n";
  one.way = [](Bench& bench) { return by_post(bench, "/kit", "CIM_LINK_STARTED", "callback"); };
  return one;
}

Interface cim_files(const std::string& family) {
  Interface one = cim_messages(family, "cim_files", cim::Edition::Second, cim::Soap::None);
  one.way = into_folder;
  one.write_result = nullptr;  // a file answers nobody
  return one;
}

// Asks for the state of its jobs: what comes is the answer to its own question, and is read from a record of
// it.
Interface jobs() {
  Interface one{.family = "ssn", .key = "jobs"};
  one.settings = "head_end: {url: \"http://127.0.0.1:1\"}\n";
  one.cost = Cost::Rest;
  one.write_result = [](const std::string& transaction, const std::string& meter) {
    const char* source = std::getenv("AMI_SOURCE_DIR");
    std::ifstream in(std::string(source == nullptr ? "." : source) + "/config/uiq_job/assumed.yaml");
    const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    const auto site = uiq_job::SiteTemplate::parse(text, "assumed.yaml");
    if (!site) throw std::runtime_error(site.error().message);
    const uiq_job::Job job{"4711", transaction, sdk::CommandKind::Ping, meter, "001350000000aa01", {}};
    const uiq_job::Row row{{"mac", job.mac}, {"word", "Success"}};
    const std::string answer = uiq_job::encode_answer(*site, uiq_job::Operation::PingResults, {row});
    return uiq_job::to_record(uiq_job::Operation::PingResults, job, answer);
  };
  return one;
}

}  // namespace

std::vector<Interface> message_interfaces() {
  using multispeak::Version;
  return {multispeak_callbacks("flexnet", Version::V41, false),
          multispeak_callbacks("gridstream", Version::V30, true),
          multispeak_callbacks("securemesh", Version::V41, true),
          multispeak_callbacks("ts2", Version::V30, true),
          multispeak_callbacks("twacs", Version::V30, false),
          cim_callbacks("gridstream", cim::Edition::CommandCenter),
          cim_callbacks("securemesh", cim::Edition::Second),
          cim_files("securemesh"),
          jobs()};
}

}  // namespace ami::conformance
