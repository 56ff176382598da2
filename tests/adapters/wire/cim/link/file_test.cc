// Dropped files of messages: the same rows as over HTTP, and nothing of what is cut or split.
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "adapters/wire/cim/link/message_file_reader.h"
#include "tests/adapters/wire/cim/link/link_scene.h"
#include "tests/adapters/wire/cim/render.h"

namespace ami::cim {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class CimFiles : public LinkScene {
 public:
  ~CimFiles() override {
    if (files) host.stop(*files);
  }
  void begin(Profile profile = test_profile()) {
    families.push_back(files_of(std::move(profile)));
    const std::string path = (folder / "files.yaml").string();
    std::ofstream(path) << "name: d\nutility: u\nfamily: test\ninterface: cim_files\nfolder: in\nzone: UTC\n";
    feed = sdk::load_feed_file(path, families);
    ASSERT_EQ(sdk::to_text(feed.problems), "");
    files = feed.family->make(feed.settings, host.services());
    ASSERT_TRUE(host.start(*files).ok());
    host.run_until_idle();
  }
  void drop(const std::string& name, const std::string& text) {
    std::ofstream(folder / "in" / name, std::ios::binary) << text;
    host.run_until_idle();
  }
  std::string reason(const std::string& name) {
    return read_file((folder / "in" / "rejected" / (name + ".reason.txt")).string());
  }
  bool done(const std::string& name) const { return fs::exists(folder / "in" / "done" / name); }

  std::vector<std::unique_ptr<sdk::AdapterFamily>> families;
  sdk::LoadedFeed feed;
  std::unique_ptr<sdk::Adapter> files;
};

// Values, events and malformed records of a batch, without where they stood.
std::string rows(const DecodedBatch& batch) {
  std::string out;
  for (const Observation& observation : batch.observations) {
    if (const auto* series = std::get_if<SeriesObservation>(&observation)) {
      for (const SeriesValue& value : series->values) {
        out += std::string(series->meter) + "|" + std::string(series->unit) + "|" + std::string(value.value) +
               "|" + std::string(value.flag) + "|" + std::string(value.time.text) + "|" +
               std::string(series->created.text) + "\n";
      }
    } else {
      const auto& event = std::get<EventObservation>(observation);
      out += std::string(event.meter) + "|" + std::string(event.code) + "|" + std::string(event.time.text) +
             "\n";
    }
  }
  for (const auto& bad : batch.malformed) out += std::string(bad.meter) + "|" + bad.reason + "\n";
  return out;
}

TEST_F(CimFiles, AFileAndAPostOfTheSameMessageGiveTheSameRows) {
  Profile profile = test_profile();
  profile.edition = Edition::CommandCenter;
  for (const char* name : {"second_edition", "first_edition", "command_center", "trouble"}) {
    const std::string text = read_file(test_folder() + "golden/" + name + ".xml");
    ASSERT_FALSE(text.empty());
    if (!files) begin(profile);
    drop(std::string(name) + ".xml", text);
    ASSERT_TRUE(done(std::string(name) + ".xml")) << name << reason(std::string(name) + ".xml");
    ASSERT_EQ(host.store.committed.size(), 1U);
    const std::string by_file = rows(host.store.committed[0].batch);
    host.store.committed.clear();

    configure("callback: {listen: ['127.0.0.1:0'], reply_address: 'http://gateway.example/cim'}\n", profile);
    start_feed();
    EXPECT_THAT(post(text), testing::StartsWith("HTTP/1.1 200"));
    ASSERT_TRUE(host.drain(*family, settings).ok());
    ASSERT_EQ(host.store.committed.size(), 1U);
    EXPECT_EQ(rows(host.store.committed[0].batch), by_file) << name;
    EXPECT_NE(by_file, "");
    drive_void(adapter->stop());
    host.store.committed.clear();
  }
}

TEST_F(CimFiles, WhatAHeadEndDropsIsRead) {
  begin();
  start_peer();
  std::vector<MeterReading> readings;
  readings.push_back(*field.read("M1"));
  readings.back().meter = {"M1", false, ""};
  ASSERT_TRUE(head_end->drop(folder / "in", "a.xml", readings, {}).ok());
  host.run_until_idle();
  EXPECT_TRUE(done("a.xml"));
  ASSERT_EQ(host.store.committed.size(), 1U);
  EXPECT_EQ(
      rows(host.store.committed[0].batch),
      "M1|0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.3.72.0|100.5||2026-03-01T06:00:00-05:00|2026-03-01T12:00:00Z\n");
}

TEST_F(CimFiles, ATruncatedOrSplitFileIsRejectedWholeWithTheReason) {
  begin();
  const std::string whole = readings_message("t-1");
  drop("head.xml", whole.substr(0, whole.size() / 2));
  drop("tail.xml", whole.substr(whole.size() / 2));
  drop("two.xml", whole + whole);
  EXPECT_THAT(reason("head.xml"), HasSubstr("truncated"));
  EXPECT_THAT(reason("tail.xml"), HasSubstr("not_well_formed"));
  EXPECT_THAT(reason("two.xml"), HasSubstr("not_well_formed"));
  for (const auto& commit : host.store.committed) EXPECT_TRUE(commit.batch.observations.empty());
  drop("whole.xml", whole);
  EXPECT_TRUE(done("whole.xml"));
}

TEST_F(CimFiles, ABombAnotherFormatAndAnotherNamespaceAreRejected) {
  begin();
  drop("bomb.xml", "<!DOCTYPE d [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]><d>&b;</d>");
  EXPECT_THAT(reason("bomb.xml"), HasSubstr("entity_declaration"));
  drop("other.csv", "meter,kwh\nM1,5\n");
  EXPECT_THAT(reason("other.csv"), HasSubstr("cannot be read"));
  drop("ssn.xml", "<SSNExportDocument xmlns=\"urn:com:ssn:schema:export:SSNExportFormat.xsd\"/>");
  EXPECT_THAT(reason("ssn.xml"), HasSubstr("not_a_message"));
}

TEST_F(CimFiles, ASecondCopyUnderAnotherNameChangesNothing) {
  begin();
  drop("a.xml", readings_message("t-1"));
  drop("b.xml", readings_message("t-1"));
  EXPECT_TRUE(done("b.xml"));
  EXPECT_EQ(host.store.committed.size(), 1U);
}

TEST_F(CimFiles, TheFileInterfaceCanNothingButRead) {
  begin();
  const sdk::Capabilities can = feed.family->capabilities(feed.settings);
  EXPECT_TRUE(can.files && can.registers && can.intervals && can.events);
  EXPECT_FALSE(can.pushed_messages || can.read_on_demand || can.ping || can.backfill || can.switch_open ||
               can.switch_close || can.switch_arm);
  EXPECT_EQ(feed.family->info().key, "cim_files");
}

TEST(CimMessageFileReader, GivesTheSameForEverySplitIntoReads) {
  const std::string text = read_file(test_folder() + "golden/second_edition.xml");
  const auto read = [&](std::size_t chunk) {
    MessageFileReader reader({}, {});
    EXPECT_EQ(reader.start_at(0), 0U);
    DecodedBatch out;
    for (std::size_t at = 0; at < text.size(); at += chunk) {
      const auto bytes = std::make_shared<const std::string>(text.substr(at, chunk));
      const auto consumed = reader.read(bytes, at, at + chunk >= text.size(), out);
      EXPECT_TRUE(consumed.ok() && *consumed == bytes->size());
      if (at + chunk < text.size()) {
        EXPECT_TRUE(out.observations.empty());
      }
    }
    EXPECT_EQ(reader.safe_offset(), 0U);
    return rows(out);
  };
  const std::string all = read(text.size());
  EXPECT_NE(all, "");
  for (const std::size_t chunk : {std::size_t{1}, std::size_t{7}, text.size() - 1})
    EXPECT_EQ(read(chunk), all);
}

TEST(CimMessageFileReader, LeavesOutWhatWasStoredAndRefusesWhatIsTooLarge) {
  const std::string text = readings_message("t-1");
  MessageFileReader resumed({}, {});
  EXPECT_EQ(resumed.start_at(text.size()), 0U);
  DecodedBatch out;
  EXPECT_TRUE(resumed.read(std::make_shared<const std::string>(text), 0, true, out).ok());
  EXPECT_TRUE(out.observations.empty());
  Options small;
  small.limits.bytes = text.size() - 1;
  MessageFileReader bounded(small, {});
  bounded.start_at(0);
  const auto half = std::make_shared<const std::string>(text.substr(0, text.size() / 2));
  const auto rest = std::make_shared<const std::string>(text.substr(text.size() / 2));
  EXPECT_TRUE(bounded.read(half, 0, false, out).ok());
  const auto refused = bounded.read(rest, half->size(), true, out);
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().message, HasSubstr("too_large"));
}

}  // namespace
}  // namespace ami::cim
