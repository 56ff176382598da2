// The lines of the ledger, to the letter: other programs read them.
#include "tools/fieldsim/ledger.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/tools/fieldsim/support/field_run.h"

namespace ami::fieldsim {
namespace {

const UtcInstant kAt = parse_instant("2024-03-10T05:15:00Z").value();
const UtcInstant kWall = parse_instant("2026-01-01T00:00:00.25Z").value();

class LedgerFile : public ::testing::Test {
 protected:
  void SetUp() override {
    ledger.emplace(Ledger::open(path(), [] { return kWall; }).value());
  }
  std::string path() { return (run.folder / "l.jsonl").string(); }
  std::vector<std::string> written() {
    ledger->flush();
    return testing::lines_of(path());
  }

  testing::FieldRun run;  // for its folder
  std::optional<Ledger> ledger;
};

TEST_F(LedgerFile, ARegisterStandsInTheUnitOfItsTypeWithItsSending) {
  Content content("ts2");
  content.add(
      Content::Register{"TS1", reading_type::kDelivered, "Wh", kAt, {1234000, 0}, "posKWh", "1234", {}});
  ledger->write(content, {Delivered::Sent, 2, "callback", "m-1", kAt});
  EXPECT_EQ(
      written(),
      (std::vector<std::string>{
          R"({"kind":"register","network":"ts2","meter":"TS1","reading_type":)"
          R"("0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.0.72.0","unit":"Wh","channel":"posKWh",)"
          R"("at":"2024-03-10T05:15:00Z","value":"1234000","raw":"1234","delivery":"sent","copies":2,)"
          R"("via":"callback","message":"m-1","sent":"2024-03-10T05:15:00Z","wall":"2026-01-01T00:00:00.250Z"})"}));
}

TEST_F(LedgerFile, AMissingSlotIsNullAndNotAZero) {
  Content content("x");
  const std::vector<std::optional<Decimal>> values{Decimal{12, 0}, std::nullopt, Decimal{72, -1}};
  content.add(Content::Intervals{"M", "t", "Wh", kAt, std::chrono::seconds{900}, values, {}, {}});
  ledger->write(content, {Delivered::Lost, 0, "file", "f", kAt});
  EXPECT_NE(
      written().at(0).find(R"("start":"2024-03-10T05:15:00Z","length_s":900,"values":["12",null,"7.2"])"),
      std::string::npos);
  EXPECT_NE(written().at(0).find(R"("delivery":"lost","copies":0,"via":"file")"), std::string::npos);
}

TEST_F(LedgerFile, IntervalsAreCutIntoRunsWhereOneIsMissingOrComesTwice) {
  virtual_meter::Collected collected;
  collected.meter = "M";
  collected.ke_wh = {12, -1};
  const auto end = [](int quarter) { return kAt + std::chrono::minutes{15} * quarter; };
  collected.intervals = {{end(0), 10, 1, {}}, {end(1), 20, 2, {}}, {end(3), 30, 3, {}}, {end(3), 31, 3, {}}};
  Content content("x");
  content.add_intervals(collected, false);
  EXPECT_EQ(content.size(), 3U);
  ledger->write(content, {});
  const auto lines = written();
  // 10, 20, 30, 31 pulses of 1.2 Wh.
  EXPECT_NE(lines.at(0).find(R"("start":"2024-03-10T05:00:00Z","length_s":900,"values":["12","24"])"),
            std::string::npos);
  EXPECT_NE(lines.at(1).find(R"("start":"2024-03-10T05:45:00Z","length_s":900,"values":["36"])"),
            std::string::npos);
  EXPECT_NE(lines.at(2).find(R"("start":"2024-03-10T05:45:00Z","length_s":900,"values":["37.2"])"),
            std::string::npos);
  EXPECT_NE(lines.at(0).find("0.0.2.4.1.1.12.0.0.0.0.0.0.0.0.0.72.0"), std::string::npos);
}

TEST_F(LedgerFile, AnEventACommandAndAHandsWork) {
  Content content("x");
  content.add(Content::Event{"M", "3.26.0.47", "OUTAGE", kAt, "Outage"});
  ledger->write(content, {Delivered::Unsure, 1, "callback", "n", kAt});
  ledger->command({"x", "M", "executed", "open", "t-1", "multispeak", "done", "OPEN", kAt});
  ledger->command({"x", "M", "executed", "cut_power", "", "page", "done", "", kAt});
  const auto lines = written();
  EXPECT_EQ(lines.at(0).substr(0, lines.at(0).find(",\"delivery\"")),
            R"({"kind":"event","network":"x","meter":"M","code":"3.26.0.47","name":"OUTAGE",)"
            R"("at":"2024-03-10T05:15:00Z","raw":"Outage")");
  EXPECT_EQ(
      lines.at(1),
      R"({"kind":"command","network":"x","meter":"M","step":"executed","command":"open","transaction":"t-1",)"
      R"("by":"multispeak","result":"done","state":"OPEN","at":"2024-03-10T05:15:00Z",)"
      R"("wall":"2026-01-01T00:00:00.250Z"})");
  EXPECT_EQ(lines.at(2).find("\"state\""), std::string::npos);
}

TEST_F(LedgerFile, TheFirstLineSaysWhatRanAndTheLastHowManyLinesThereAre) {
  ledger->run("a \"day\".yaml", 7, kAt, 1440);
  ledger->network("ts2", "ts2", 120);
  EXPECT_TRUE(ledger->end().ok());
  const auto lines = testing::lines_of(path());
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(
      lines[0],
      R"({"kind":"run","version":1,"scenario":"a \"day\".yaml","seed":7,"start":"2024-03-10T05:15:00Z",)"
      R"("time_factor":1440,"wall":"2026-01-01T00:00:00.250Z"})");
  EXPECT_EQ(lines[1], R"({"kind":"network","network":"ts2","family":"ts2","meters":120})");
  EXPECT_EQ(lines[2], R"({"kind":"end","lines":2,"wall":"2026-01-01T00:00:00.250Z"})");
}

TEST_F(LedgerFile, AnExchangeSaysWhoWasThereUntilWhenAndBothDials) {
  ledger->exchange({"ts2", "TS00000012", "TS00000120", "UP-TS00000012", kAt, Decimal{471132, -2}, Decimal{}});
  ASSERT_EQ(written().size(), 1U);
  EXPECT_EQ(
      written().at(0),
      R"({"kind":"action","network":"ts2","action":"exchange","meter":"TS00000012","other":"TS00000120",)"
      R"("usage_point":"UP-TS00000012","at":"2024-03-10T05:15:00Z","end_kwh":"4711.32","start_kwh":"0",)"
      R"("wall":"2026-01-01T00:00:00.250Z"})");
}

TEST_F(LedgerFile, ControlCharactersCannotForgeALine) {
  ledger->exchange({"x\n{\"kind\":\"end\"", "a", "b", "u", kAt, {}, {}});
  EXPECT_EQ(written().size(), 1U);
  EXPECT_NE(written().at(0).find(R"(x\u000a{\"kind\":\"end\")"), std::string::npos);
}

TEST(LedgerWithoutAFile, CountsItsLinesAndWritesNothing) {
  Ledger ledger = Ledger::open("", [] { return kWall; }).value();
  ledger.network("x", "x", 1);
  EXPECT_EQ(ledger.lines(), 1U);
  EXPECT_TRUE(ledger.end().ok());
}

TEST(LedgerWithoutAFile, AFolderThatIsNotThereIsSaid) {
  const auto ledger = Ledger::open("/nonexistent/ledger.jsonl", [] { return kWall; });
  ASSERT_FALSE(ledger.ok());
  EXPECT_NE(ledger.error().message.find("/nonexistent/ledger.jsonl"), std::string::npos);
}

TEST(LedgerOnAFullDisk, SaysSoAtTheEndAndTheRunGoesOn) {
  auto ledger = Ledger::open("/dev/full", [] { return kWall; });
  if (!ledger.ok()) GTEST_SKIP() << "no /dev/full here";
  ledger->network("x", "x", 1);
  ledger->flush();
  EXPECT_NE(ledger->problem().find("/dev/full"), std::string::npos);
  ledger->network("y", "y", 1);
  EXPECT_FALSE(ledger->end().ok());
}

TEST(LedgerReadingTypes, AreThoseOfTheTableOfRecord) {
  // metrology reference 4.2, multiplier 0.
  EXPECT_EQ(reading_type::tier('A'), "0.0.0.9.1.1.12.0.0.0.0.1.0.0.0.0.72.0");
  EXPECT_EQ(reading_type::tier('D'), "0.0.0.9.1.1.12.0.0.0.0.4.0.0.0.0.72.0");
  EXPECT_EQ(reading_type::interval(std::chrono::minutes{15}, true), "0.0.2.4.19.1.12.0.0.0.0.0.0.0.0.0.72.0");
  EXPECT_EQ(reading_type::interval(std::chrono::minutes{60}, false), "0.0.7.4.1.1.12.0.0.0.0.0.0.0.0.0.72.0");
  EXPECT_EQ(reading_type::interval(std::chrono::minutes{7}, false), "");
}

}  // namespace
}  // namespace ami::fieldsim
