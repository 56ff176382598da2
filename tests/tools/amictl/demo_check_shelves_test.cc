// A ledger that went over the disk in parts is the same ledger, and a large one needs no more memory than a part of it.
#include <gmock/gmock.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "tools/amictl/demo_check_compare.h"
#include "tools/amictl/demo_check_shelves.h"

namespace ami::amictl {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::string_view kDial = "0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.0.72.0";
constexpr std::string_view kQuarter = "0.0.2.4.1.1.12.0.0.0.0.0.0.0.0.0.72.0";
const UtcInstant kDay = parse_instant("2024-01-15T00:00:00Z").value();

std::filesystem::path folder() {
  return std::filesystem::temp_directory_path();
}
std::string meter_name(int number) {
  char name[16];
  std::snprintf(name, sizeof name, "M%07d", number);
  return name;
}
UtcInstant quarter(int number) {
  return kDay + number * std::chrono::minutes{15};
}
Decimal wh_of(int meter, int slot) {
  return {meter * 1000LL + slot, -1};
}

TEST(Shelves, APartHasAllOfItsMetersAndNothingOfOthers) {
  Shelves shelves(folder(), 7);
  for (int slot : {3, 0, 1}) {
    for (int meter = 0; meter < 50; ++meter) {
      const Statement one{quarter(slot), wh_of(meter, slot), 900, slot == 1 ? Delivery::Lost : Delivery::Sent};
      shelves.values(meter_name(meter), kQuarter, "Wh", {&one, 1});
    }
  }
  shelves.event("M0000004", {"3.26.0.47", "OUTAGE", "out", quarter(2), Delivery::Unsure});
  std::size_t meters = 0;
  for (std::size_t i = 0; i < shelves.parts(); ++i) {
    const Part part = shelves.take(i);
    meters += part.truth.meters.size();
    for (const auto& [name, said] : part.truth.meters) {
      const int number = std::stoi(name.substr(1));
      ASSERT_THAT(said.channels, SizeIs(1));
      const SaidChannel& channel = said.channels.at(std::string(kQuarter));
      EXPECT_EQ(channel.unit, "Wh");
      ASSERT_THAT(channel.said, SizeIs(3));
      for (std::size_t n = 0; n < 3; ++n) {
        const int slot = n == 2 ? 3 : static_cast<int>(n);
        EXPECT_EQ(channel.said[n].at, quarter(slot)) << "by time, whatever the order of the lines";
        EXPECT_EQ(channel.said[n].value, wh_of(number, slot));
        EXPECT_EQ(channel.said[n].length_s, 900U);
        EXPECT_EQ(channel.said[n].delivery, slot == 1 ? Delivery::Lost : Delivery::Sent);
      }
      ASSERT_THAT(said.events, SizeIs(number == 4 ? 1 : 0));
      if (number == 4) {
        EXPECT_EQ(said.events[0].code, "3.26.0.47");
        EXPECT_EQ(said.events[0].name, "OUTAGE");
        EXPECT_EQ(said.events[0].raw, "out");
        EXPECT_EQ(said.events[0].at, quarter(2));
        EXPECT_EQ(said.events[0].delivery, Delivery::Unsure);
      }
    }
  }
  EXPECT_EQ(meters, 50U);
}

TEST(Shelves, OfTheStoreOnlyWhatIsOfTheLedgersMetersComesBack) {
  Shelves shelves(folder(), 1);
  const Statement one{kDay, {5, 0}, 0, Delivery::Sent};
  shelves.values("M1", kDial, "Wh", {&one, 1});
  shelves.command({"t-1", "M1", "open", CommandStep::Received});
  shelves.command({"t-1", "M1", "open", CommandStep::Done});
  shelves.command({"t-2", "M9", "close", CommandStep::Refused});  // nothing was said of M9
  for (const char* meter : {"M1", "M2", "M9"}) {
    shelves.stored(meter, StoredEvent{"OUTAGE", "3.26.0.47", "out", quarter(1)});
    shelves.stored(StoredTarget{"t-1", meter, "SUCCEEDED"});
    shelves.stored(StoredCount{meter, "c", kDay, 4, 1, {25, -1}});
  }
  shelves.stored(StoredCount{"M1", "c", kDay, 2, 0, {5, 0}});  // at another usage point
  shelves.stored(StoredCount{"M2", "d", kDay, 2, 0, {}});
  const Part part = shelves.take(0);
  EXPECT_THAT(part.truth.meters, SizeIs(1));
  ASSERT_THAT(part.truth.commands, SizeIs(2));
  EXPECT_EQ(part.truth.commands.at({"t-1", "M1"}).executed, 1U);
  EXPECT_EQ(part.truth.commands.at({"t-2", "M9"}).refused, 1U);
  ASSERT_THAT(part.counts, SizeIs(1));
  EXPECT_EQ(part.counts[0].intervals, 6U);
  EXPECT_EQ(part.counts[0].registers, 1U);
  EXPECT_EQ(part.counts[0].interval_sum, (Decimal{75, -1}));
  ASSERT_THAT(part.targets, SizeIs(1));
  EXPECT_EQ(part.targets[0].meter, "M1");
  ASSERT_THAT(part.events, SizeIs(1));
  EXPECT_EQ(part.events.at("M1").at(0).vendor_code, "out");
  EXPECT_EQ(part.other_meters, 2U);
}

TEST(Shelves, AnEmptyPartIsEmpty) {
  Shelves shelves(folder(), 2);
  EXPECT_THAT(shelves.take(0).truth.meters, IsEmpty());
  EXPECT_THAT(shelves.take(1).counts, IsEmpty());
}

TEST(Shelves, ABlockOfHolesIsAMeterWithoutValues) {
  Shelves shelves(folder(), 1);
  shelves.values("M1", kQuarter, "Wh", {});
  const Part part = shelves.take(0);
  ASSERT_THAT(part.truth.meters, SizeIs(1));
  EXPECT_THAT(part.truth.meters.at("M1").channels.at(std::string(kQuarter)).said, IsEmpty());
}

TEST(Shelves, AFolderThatIsNotThereIsTold) {
  try {
    const Shelves shelves("/nowhere/at/all", 1);
    FAIL() << "nothing was thrown";
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), HasSubstr("/nowhere/at/all"));
  }
}

TEST(Shelves, TheirFilesHaveNoNameAndALargerLedgerHasMoreParts) {
  const auto here = std::filesystem::temp_directory_path() / ("shelves_test." + std::to_string(::getpid()));
  std::filesystem::create_directory(here);
  {
    const Shelves shelves(here, 3);
    EXPECT_TRUE(std::filesystem::is_empty(here));
  }
  std::filesystem::remove_all(here);
  EXPECT_EQ(Shelves::parts_for(0), 1U);
  EXPECT_EQ(Shelves::parts_for(1ULL << 20), 1U);
  EXPECT_GT(Shelves::parts_for(20ULL << 30), 50U);
  EXPECT_EQ(Shelves::parts_for(1ULL << 50), Shelves::kMostParts);
}

TEST(Totals, OfPartsAddUp) {
  Totals sum, part;
  part.meters = 2;
  part.slots_sent = 3;
  part.other_meters = 1;
  part.different[1] = 4;
  sum.add(part);
  sum.add(part);
  EXPECT_EQ(sum.meters, 4U);
  EXPECT_EQ(sum.slots_sent, 6U);
  EXPECT_EQ(sum.other_meters, 2U);
  EXPECT_EQ(sum.different[1], 8U);
  EXPECT_FALSE(sum.equal());
}

// ---- A large ledger

std::size_t status_kb(const std::string& key) {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    std::size_t kb = 0;
    if (word == key + ":" && status >> kb) return kb;
  }
  return 0;
}

// 20,000 meters with a day of quarter hours and 24 registers: 2,400,000 values. In memory they would take some 100 MB, as
// strings of a ledger 240 MB.
TEST(Shelves, ALargeLedgerIsComparedInTheMemoryOfOnePart) {
  constexpr int kMeters = 20'000, kSlots = 96, kHours = 24;
  constexpr int kWrongMeter = 12'345;
  constexpr std::size_t kParts = 16;
  std::ofstream("/proc/self/clear_refs") << "5";  // the peak begins anew
  const std::size_t before_kb = status_kb("VmRSS");
  Shelves shelves(folder(), kParts);
  LedgerReader reader(shelves, {});
  ASSERT_TRUE(reader.line(R"({"kind":"run","version":1})").ok());
  std::string line;
  for (int hour = 0; hour < kHours; ++hour) {  // as a field writes: all meters, again and again
    const std::string start = to_text(quarter(4 * hour));
    for (int meter = 0; meter < kMeters; ++meter) {
      const std::string head = R"(","network":"n","meter":")" + meter_name(meter) + R"(","unit":"Wh","reading_type":")";
      const std::string tail =
          R"(,"delivery":"sent","copies":1,"via":"file","message":"m","sent":"2024-01-15T06:00:00Z"})";
      line = R"({"kind":"interval_block)" + head + std::string(kQuarter) + R"(","start":")" + start +
             R"(","length_s":900,"values":[)";
      for (int slot = 4 * hour; slot < 4 * hour + 4; ++slot)
        line += (slot % 4 == 0 ? "\"" : ",\"") + wh_of(meter, slot).to_string() + "\"";
      ASSERT_TRUE(reader.line(line + "]" + tail).ok());
      line = R"({"kind":"register)" + head + std::string(kDial) + R"(","at":")" + start + R"(","value":")" +
             wh_of(meter, hour).to_string() + "\"" + tail;
      ASSERT_TRUE(reader.line(line).ok());
    }
  }
  const LedgerSummary summary = reader.finish().value();
  EXPECT_EQ(summary.sent, static_cast<std::uint64_t>(kMeters) * (kSlots + kHours));
  Totals totals;
  std::vector<Finding> findings;
  const std::uint64_t scratch = shelves.bytes();
  for (std::size_t i = 0; i < shelves.parts(); ++i) {
    const Part part = shelves.take(i);
    Comparison comparison(part.truth, 20);
    for (const auto& [name, said] : part.truth.meters) {
      const int meter = std::stoi(name.substr(1));
      comparison.begin(name);
      for (int slot = 0; slot < kSlots; ++slot) {
        const int wrong = meter == kWrongMeter && slot == 77 ? 1 : 0;
        comparison.value({kQuarter, "c", "Wh", quarter(slot), wh_of(meter, slot + wrong), 900});
      }
      for (int hour = 0; hour < kHours; ++hour)
        comparison.value({kDial, "d", "Wh", quarter(4 * hour), wh_of(meter, hour), 0});
      comparison.end();
    }
    comparison.finish(false);
    totals.add(comparison.totals());
    findings.insert(findings.end(), comparison.findings().begin(), comparison.findings().end());
  }
  EXPECT_EQ(totals.meters, static_cast<std::uint64_t>(kMeters));
  EXPECT_EQ(totals.slots_sent, summary.sent);
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_EQ(findings[0].meter, meter_name(kWrongMeter));
  EXPECT_EQ(findings[0].difference, Difference::OtherValue);
  const std::size_t grown_kb = status_kb("VmHWM") - before_kb;
  std::printf("%llu values; %llu MB of scratch; memory grew by %zu MB at most\n",
              static_cast<unsigned long long>(summary.sent), static_cast<unsigned long long>(scratch >> 20),
              grown_kb >> 10);
#ifndef __SANITIZE_ADDRESS__
  EXPECT_LT(grown_kb, 64U << 10) << "a part is some 150,000 values";
#endif
}

}  // namespace
}  // namespace ami::amictl
