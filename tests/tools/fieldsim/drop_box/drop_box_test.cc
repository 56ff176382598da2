#include "tools/fieldsim/drop_box/drop_box.h"

#include <gmock/gmock.h>
#include <stdlib.h>

#include <boost/asio/co_spawn.hpp>
#include <fstream>
#include <iterator>
#include <set>

#include "adapters/sdk/testing/fake_host.h"
#include "tools/fieldsim/drop_box/insist.h"
#include "tools/fieldsim/drop_box/stated.h"

namespace ami::fieldsim {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

UtcInstant at(const char* text) {
  return parse_instant(text).value();
}

class DropBoxTest : public testing::Test {
 protected:
  DropBoxTest() {
    std::string name = (fs::temp_directory_path() / "ami-dropbox-XXXXXX").string();
    folder = ::mkdtemp(name.data());
    fs::create_directory(folder / "in");
    ledger.emplace(Ledger::open((folder / "ledger").string(), [] { return at("2024-02-01T00:00:00Z"); }).value());
  }
  ~DropBoxTest() override { fs::remove_all(folder); }

  void courier_with(Misfortune misfortune) {
    CourierSetup setup;
    setup.network = "n";
    setup.usual = misfortune;
    courier.emplace(std::move(setup), host.services(), clock, *ledger);
    box.emplace(folder / "in", *courier);
  }
  Content content() const {
    Content content("n");
    Content::Register reading;
    reading.meter = "M1";
    reading.reading_type = reading_type::kDelivered;
    reading.at = at("2024-01-15T05:00:00Z");
    reading.value = {5, 0};
    content.add(reading);
    return content;
  }
  std::map<std::string, std::string> files() const {
    std::map<std::string, std::string> all;
    for (const auto& entry : fs::directory_iterator(folder / "in")) {
      std::ifstream in(entry.path(), std::ios::binary);
      all[entry.path().filename()] = {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    }
    return all;
  }
  std::vector<std::string> lines() {
    ledger->flush();
    std::ifstream in(folder / "ledger");
    std::vector<std::string> all;
    for (std::string line; std::getline(in, line);) all.push_back(line);
    return all;
  }

  fs::path folder;
  sdk::testing::FakeHost host;
  SimulatedClock clock{at("2024-01-15T05:00:00Z"), 1};
  std::optional<Ledger> ledger;
  std::optional<Courier> courier;
  std::optional<DropBox> box;
};

TEST_F(DropBoxTest, AFileIsMovedInWholeAndIsInTheLedgerAsSent) {
  courier_with({});
  ASSERT_TRUE(box->ready().ok());
  box->drop("a.xml", "bytes\r\n", content());
  host.run_until_idle();
  EXPECT_EQ(files(), (std::map<std::string, std::string>{{"a.xml", "bytes\r\n"}}));
  EXPECT_THAT(lines(), ElementsAre(testing::AllOf(HasSubstr(R"("delivery":"sent","copies":1,"via":"file","message":"a.xml")"),
                                                  HasSubstr(R"("value":"5")"))));
}

TEST_F(DropBoxTest, ACopyHasAnotherNameAndTheSameBytes) {
  courier_with({0, 1, 0, {}});
  box->drop("a.xml", "bytes", content());
  host.run_until_idle();
  EXPECT_EQ(files(), (std::map<std::string, std::string>{{"a.xml", "bytes"}, {"a-2.xml", "bytes"}}));
  EXPECT_THAT(lines(), ElementsAre(HasSubstr(R"("copies":2)")));
}

TEST_F(DropBoxTest, WhatIsLostIsNotThereAndCaughtUpOnce) {
  courier_with({1, 0, 0, {}});
  box->drop("a.xml", "bytes", content());
  host.run_until_idle();
  EXPECT_THAT(files(), IsEmpty());
  EXPECT_EQ(box->lost(), 1U);
  EXPECT_EQ(box->catch_up(), 1U);
  EXPECT_EQ(box->catch_up(), 0U);
  host.run_until_idle();
  EXPECT_EQ(files(), (std::map<std::string, std::string>{{"catchup-a.xml", "bytes"}}));
  EXPECT_THAT(lines(), ElementsAre(HasSubstr(R"("delivery":"lost","copies":0)"),
                                   HasSubstr(R"("delivery":"sent","copies":1,"via":"file","message":"catchup-a.xml")")));
}

TEST_F(DropBoxTest, AFolderThatIsNotThereIsToldBeforeAndWhatCannotBeWrittenIsUnsure) {
  courier_with({});
  fs::remove_all(folder / "in");
  const Outcome ready = box->ready();
  ASSERT_FALSE(ready.ok());
  EXPECT_THAT(ready.error().message, HasSubstr("is not there"));
  box->drop("a.xml", "bytes", content());
  host.run_until_idle();
  EXPECT_THAT(box->trouble(), HasSubstr("cannot write"));
  EXPECT_THAT(lines(), ElementsAre(HasSubstr(R"("delivery":"unsure")")));
}

TEST(CatchUpTest, IsDueAtMultiplesOfItsSpanAndNeverWithoutOne) {
  const auto often = CatchUp::parse("6h");
  ASSERT_TRUE(often.ok());
  EXPECT_TRUE(often->due(at("2024-01-15T06:00:00Z")));
  EXPECT_TRUE(often->due(at("2024-01-15T18:00:00Z")));
  EXPECT_FALSE(often->due(at("2024-01-15T06:15:00Z")));
  EXPECT_FALSE(CatchUp::parse("")->due(at("2024-01-15T06:00:00Z")));
  for (const char* text : {"6", "often", "90s", "0m", "-1h", "500ms"}) EXPECT_FALSE(CatchUp::parse(text).ok()) << text;
}

TEST(StatedTest, TimesAreCutAndNeverRounded) {
  virtual_meter::Collected collected;
  collected.intervals = {{at("2024-01-15T05:15:59.999999Z"), 1, 0, {}}};
  virtual_meter::Reading reading;
  reading.clock = at("2024-01-15T05:00:00.000999Z");
  collected.readings = {reading};
  virtual_meter::Collected seconds = collected;
  cut_times(collected, std::chrono::minutes{1});
  EXPECT_EQ(collected.intervals[0].end, at("2024-01-15T05:15:00Z"));
  cut_times(seconds, std::chrono::milliseconds{1});
  EXPECT_EQ(seconds.readings[0].clock, at("2024-01-15T05:00:00Z"));
  EXPECT_EQ(seconds.intervals[0].end, at("2024-01-15T05:15:59.999Z"));
}

TEST(StatedTest, OnlyRegistersThatAreThereAreTold) {
  virtual_meter::Reading reading;
  reading.energy.delivered_kwh = {12'345, -2};
  Content content("n");
  add_energy(content, "M1", reading);
  EXPECT_EQ(content.size(), 1U);
  reading.energy.received_kwh = Decimal{1, 0};
  reading.energy.tiers_kwh = std::array<Decimal, 4>{};
  add_energy(content, "M1", reading);
  EXPECT_EQ(content.size(), 1U + 6U);
  EXPECT_EQ(thousand({12'345, -2}), (Decimal{123'450, 0}));
}

class InsistTest : public DropBoxTest {
 protected:
  // What insist() gives when the tries end so, in order; the last one again and again.
  bool insisted(std::vector<std::optional<http::FailureKind>> ends, Fault fault = Fault::Transient) {
    courier_with({});
    bool taken = false;
    const auto attempt = [this, ends, fault]() -> sdk::Awaitable<http::Answer> {
      const auto end = ends[std::min(tries++, ends.size() - 1)];
      http::Answer answer;
      if (end) answer.failure = http::Failure{*end, Error{fault, "try " + std::to_string(tries)}, false, {}};
      co_return answer;
    };
    const auto body = [](std::function<sdk::Awaitable<http::Answer>()> with, const Courier& by, std::string& words,
                         bool& into) -> sdk::Awaitable<void> {
      auto insisting = insist(std::move(with), by, words);
      into = co_await std::move(insisting);
    };
    bool done = false;
    boost::asio::co_spawn(host.io, body(attempt, *courier, trouble, taken),
                          [&done](std::exception_ptr) { done = true; });
    const auto bound = std::chrono::steady_clock::now() + std::chrono::seconds{30};
    while (!done && std::chrono::steady_clock::now() < bound) {  // its pauses are of the machine's time
      host.io.restart();
      host.io.run_one_for(std::chrono::milliseconds{20});
    }
    EXPECT_TRUE(done);
    return taken;
  }
  std::size_t tries = 0;
  std::string trouble;
};

TEST_F(InsistTest, WhatIsRefusedForGoodIsNotTriedAgain) {
  EXPECT_FALSE(insisted({http::FailureKind::Refused}, Fault::Permanent));
  EXPECT_EQ(tries, 1U);
  EXPECT_EQ(trouble, "try 1");
}

TEST_F(InsistTest, AListenerThatWasAwayGetsItLater) {
  EXPECT_TRUE(insisted({http::FailureKind::ConnectFailed, std::nullopt}));
  EXPECT_EQ(tries, 2U);
}

}  // namespace
}  // namespace ami::fieldsim
