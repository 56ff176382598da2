// What earlier days say: the use that V19 compares with where no dial does, and days of estimates (V25).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "tests/daemon/validation/facts.h"

namespace ami::validation {
namespace {

using std::chrono::days;
using std::chrono::sys_days;
using storage::Period;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr const char* kNone = "no use of an earlier period to compare with";
// Facts::load() holds 48283 Wh a day.
constexpr const char* kHigh = "V19 2.6.5 1 [2026-01-15T05:00:00Z 2026-01-16T05:00:00Z)";
constexpr const char* kLow = "V19 2.6.6 1 [2026-01-15T05:00:00Z 2026-01-16T05:00:00Z)";

// A meter without a dial, whose earlier days are told by date.
struct Past : Facts {
  struct Told {
    std::int64_t each = 0;  // of 96 slots
    std::string code{};     // of the first of them
    bool hole = false;      // at noon
    storage::ChannelId of = 1;
  };
  Past() : channel(intervals("cmep:KWH")) {
    profile("full");
    fill_window(channel);
    facts.history = [this](storage::ChannelId asked, const Period& period) {
      ++questions;
      storage::IntervalPage page;
      page.dictionary.qualities[0] = {};
      for (const auto& [day, told] : past) {
        const UtcInstant begin = vee::civil_day(Zone::load("America/Toronto").value(), day).from;
        if (told.of != asked || begin < period.from || begin >= period.to) continue;
        storage::IntervalBlock block;
        block.channel = told.of;
        block.first_start = begin;
        block.length = std::chrono::seconds{900};
        block.mantissas.assign(96, told.each);
        if (told.hole) block.mantissas[48] = storage::IntervalBlock::kMissing;
        block.qualities = {{96, 0}};
        if (!told.code.empty()) {
          const auto id = static_cast<storage::QualityId>(page.dictionary.qualities.size());
          page.dictionary.qualities[id] = {{code(told.code)}, ""};
          block.qualities = {{1, id}, {95, 0}};
        }
        page.blocks.push_back(std::move(block));
      }
      return page;
    };
  }
  // `count` days from that date on.
  void tell(const char* from, int count, const Told& told) {
    const auto first = floor<days>(at(std::string(from) + "T00:00:00Z"));
    for (int i = 0; i < count; ++i) past.insert_or_assign(first + days{i}, told);
  }
  storage::ChannelId channel;
  std::map<sys_days, Told> past;
  int questions = 0;
};

TEST(UsualUse, IsThatOfTheSameMonthOfTheYearBefore) {
  Past f;
  f.tell("2025-01-01", 31, {.each = 251});  // 24096 Wh: 48283 is more than twice that
  EXPECT_THAT(f.findings("V19"), ElementsAre(kHigh));
  f.tell("2025-01-01", 31, {.each = 252});  // 24192 Wh
  EXPECT_THAT(f.findings("V19"), IsEmpty());
  EXPECT_EQ(f.verdict(vee::Check::HighLow, f.channel), "PASSED");
  f.tell("2025-01-01", 31, {.each = 1006});  // 96576 Wh: 48283 is less than half
  EXPECT_THAT(f.findings("V19"), ElementsAre(kLow));
  f.tell("2025-12-16", 30, {.each = 500});  // the last thirty days would pass
  EXPECT_THAT(f.findings("V19"), ElementsAre(kLow)) << "last year's month comes first";
}

TEST(UsualUse, ElseThatOfTheThirtyDaysBefore) {
  Past f;
  f.tell("2025-12-16", 30, {.each = 251});
  EXPECT_THAT(f.findings("V19"), ElementsAre(kHigh));
  f.tell("2025-12-15", 1, {.each = 100'000});  // the 31st day before, and other months
  f.tell("2025-02-01", 28, {.each = 100'000});
  f.tell("2024-12-01", 31, {.each = 100'000});
  EXPECT_THAT(f.findings("V19"), ElementsAre(kHigh));
}

TEST(UsualUse, AsksForTwentyWholeDaysWithoutDoubt) {
  for (const Past::Told& bad : std::vector<Past::Told>{{.each = 251, .hole = true},
                                                       {.each = 251, .code = "1.5.258"},
                                                       {.each = 251, .code = "1.4.5"},
                                                       {.each = 251, .code = "1.4.1"},
                                                       {.each = 251, .code = "3.8.0"},
                                                       {.each = 251, .code = "3.7.0"}}) {
    Past f;
    f.tell("2025-01-01", 31, bad);
    f.tell("2025-01-05", 19, {.each = 251});
    EXPECT_EQ(f.verdict(vee::Check::HighLow, f.channel), kNone) << bad.code;
    f.tell("2025-01-05", 20, {.each = 251});
    EXPECT_THAT(f.findings("V19"), ElementsAre(kHigh)) << bad.code;
  }
}

TEST(UsualUse, ADayWithAnOutageOrWithOurOwnFindingsCounts) {
  for (const char* harmless : {"1.2.32", "2.5.258", "2.6.3", "2.0.1"}) {
    Past f;
    f.tell("2025-01-01", 31, {.each = 251, .code = harmless});
    EXPECT_THAT(f.findings("V19"), ElementsAre(kHigh)) << harmless;
  }
}

TEST(UsualUse, DialsComeFirstAndNobodyIsAskedInVain) {
  Past f;
  const auto dial = f.dial("cmep:KWHREG");
  f.tell("2025-01-01", 31, {.each = 251});
  const auto read = [&](const char* when, const char* value) {
    f.read(dial, when, value);
    f.facts.earlier_registers.push_back(f.facts.registers.back());
    f.facts.registers.pop_back();
  };
  read("2025-01-15T05:00:00Z", "3000000");  // 50 kWh a day
  read("2024-12-16T05:00:00Z", "1500000");
  f.read(dial, "2026-01-15T05:00:00Z", "21500000");
  EXPECT_EQ(f.verdict(vee::Check::HighLow, f.channel), "PASSED");
  EXPECT_EQ(f.questions, 0);
  f.facts.earlier_registers.clear();
  EXPECT_THAT(f.findings("V19"), ElementsAre(kHigh));
  EXPECT_EQ(f.questions, 1) << "last year's month is enough";
}

TEST(UsualUse, IsNotAskedForWhereItWouldNotBeJudged) {
  Past hole;
  hole.facts.intervals.clear();
  hole.fill(hole.channel, hole.facts.window.from, hole.facts.window.to, [&](UtcInstant start) {
    return start == hole.facts.day.from ? std::nullopt : hole.load()(start);
  });
  hole.tell("2025-01-01", 31, {.each = 251});
  hole.now = hole.facts.day.to;  // too early for estimates, which would ask
  EXPECT_EQ(hole.verdict(vee::Check::HighLow, hole.channel), "the day is not whole");
  Past head_end;
  head_end.tell("2025-01-01", 31, {.each = 251});
  head_end.profile("head_end");
  EXPECT_THAT(head_end.findings(), IsEmpty());
  EXPECT_EQ(head_end.questions, 0);
}

TEST(UsualUse, BehindGenerationNothingIsSaid) {
  Past f;
  const auto received = f.intervals("cmep:GKWH", 900, 19);
  f.tell("2025-01-01", 30, {.each = 251});
  EXPECT_THAT(f.findings("V19"), ElementsAre(kHigh));  // it may give, and did not
  f.tell("2025-01-31", 1, {.each = 0, .of = received});
  EXPECT_THAT(f.findings("V19"), ElementsAre(kHigh));
  f.tell("2025-01-31", 1, {.each = 1, .of = received});
  EXPECT_EQ(f.verdict(vee::Check::HighLow, f.channel),
            "the customer generates: what is delivered is not what is used");
}

TEST(UsualUse, HistoryThatCannotBeReadIsTold) {
  Past f;
  f.facts.history = [](storage::ChannelId, const Period&) -> storage::IntervalPage {
    throw std::runtime_error("away");
  };
  EXPECT_THROW(f.judged(), std::runtime_error);
  f.facts.history = nullptr;
  EXPECT_EQ(f.verdict(vee::Check::HighLow, f.channel), kNone);
}

// The day itself with the vendor's word that it estimated something.
struct Estimated : Past {
  explicit Estimated(const char* its_code = "2.8.0") {
    facts.intervals.clear();
    const auto flagged = quality(its_code, "E");
    fill(channel, facts.window.from, facts.day.from, load());
    fill(channel, facts.day.from, facts.day.to, load(), 900, 0, flagged);
    fill(channel, facts.day.to, facts.window.to, load());
  }
};

TEST(Prolonged, WhatTheVendorEstimatedCountsAsOursDoes) {
  const auto told = ElementsAre("V25 2.8.0 0 [2026-01-15T05:00:00Z 2026-01-16T05:00:00Z)");
  for (const char* its_code : {"2.8.0", "3.8.17", "5.8.2"}) {
    Estimated f(its_code);
    f.tell("2026-01-13", 2, {.each = 500, .code = its_code});
    EXPECT_THAT(f.findings("V25"), IsEmpty()) << its_code;  // the third day
    f.tell("2026-01-12", 1, {.each = 500, .code = its_code});
    EXPECT_THAT(f.findings("V25"), told) << its_code;
    f.tell("2026-01-13", 1, {.each = 500});  // one between that was measured
    EXPECT_THAT(f.findings("V25"), IsEmpty()) << its_code;
    f.facts.estimated_days[f.channel] = {sys_days{std::chrono::year{2026} / 1 / 13}};  // or filled by us
    EXPECT_THAT(f.findings("V25"), told) << its_code;
  }
}

TEST(Prolonged, ADayThatWasMeasuredOrEditedIsNone) {
  Estimated edited("3.7.0");
  edited.tell("2026-01-01", 14, {.each = 500, .code = "2.8.0"});
  EXPECT_THAT(edited.findings("V25"), IsEmpty());
  Past measured;
  measured.tell("2026-01-01", 14, {.each = 500, .code = "2.8.0"});
  EXPECT_THAT(measured.findings("V25"), IsEmpty());
  Estimated after_edited;
  after_edited.tell("2026-01-01", 14, {.each = 500, .code = "3.7.0"});
  EXPECT_THAT(after_edited.findings("V25"), IsEmpty());
}

TEST(Prolonged, TheRowIsCountedForTwoMonths) {
  Estimated f;
  f.tell("2025-06-01", 300, {.each = 500, .code = "2.8.0"});
  for (const storage::DayFinding& finding : judge(f.facts, f.rules, f.now).verdict.findings) {
    if (finding.check != 25) continue;
    EXPECT_THAT(finding.words, ::testing::HasSubstr("estimated days in a row 63"));
  }
  EXPECT_EQ(f.findings("V25").size(), 1U);
}

}  // namespace
}  // namespace ami::validation
