// A gap that goes on over midnight, seen from the two days that it lies in.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "tests/daemon/validation/facts.h"

namespace ami::validation {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// What is known of one meter around the midnight that ends `first`; each of the two days is shown its window.
struct Night {
  explicit Night(std::string zone_name = "America/Toronto", std::string first_date = "2026-01-15")
      : zone(std::move(zone_name)), first(std::move(first_date)) {
    midnight = Facts(zone, first).facts.day.to;
  }

  // 0: the day that ends at midnight, 1: the one that begins.
  [[nodiscard]] Facts day(int which) const {
    const auto date = floor<days>(at(first + "T00:00:00Z")) + days{which};
    Facts f(zone, to_text(UtcInstant{date}).substr(0, 10));
    f.profile("full");
    const auto channel = f.intervals("cmep:KWH"), dial = f.dial("cmep:KWHREG");
    const auto flagged = f.quality("1.2.32", "P");
    for (UtcInstant start = f.facts.window.from; start < f.facts.window.to; start += minutes{15}) {
      if (start < removed)
        f.fill(channel, start, start + minutes{15}, value, 900, 0, marked.contains(start) ? flagged : 0);
    }
    for (const auto& [when, reading] : reads) {
      if (f.facts.window.contains(when)) f.read(dial, to_text(when), std::to_string(reading));
    }
    for (const auto& [when, kind] : events) {
      if (when < f.facts.window.to) f.event(kind, to_text(when));
    }
    for (const auto& [when, other] : lost) {
      if (f.facts.window.contains(when))
        f.facts.lost.push_back({channel, when, std::chrono::seconds{900}, {other, 0}, true});
    }
    if (removed != UtcInstant::max()) f.facts.stays[0].period.to = removed;
    return f;
  }
  [[nodiscard]] std::vector<storage::DayEstimate> estimates(int which) const {
    return day(which).judged().verdict.estimates;
  }
  void hole(UtcInstant from, UtcInstant to) {
    value = [inner = value, from, to](UtcInstant start) {
      return start >= from && start < to ? std::nullopt : inner(start);
    };
  }
  void put(UtcInstant at_start, std::int64_t one) {
    value = [inner = value, at_start, one](UtcInstant start) {
      return start == at_start ? std::optional(one) : inner(start);
    };
  }

  std::string zone, first;
  UtcInstant midnight{};
  Facts::Value value = [](UtcInstant start) -> std::optional<std::int64_t> {
    return 500 + std::chrono::floor<minutes>(start.time_since_epoch()).count() / 15 % 7;
  };
  std::map<UtcInstant, std::int64_t> reads, lost;
  std::map<UtcInstant, std::string> events;
  std::set<UtcInstant> marked;
  UtcInstant removed = UtcInstant::max();
};

TEST(Midnight, EachDayStoresItsOwnPartOfOneLine) {
  for (const auto& [zone, date] : {std::pair{"America/Toronto", "2026-01-15"},
                                   std::pair{"America/Toronto", "2025-11-02"},  // 25 hours, then 24
                                   std::pair{"America/Toronto", "2026-03-07"},  // 24, then 23
                                   std::pair{"Asia/Kathmandu", "2026-01-15"}}) {
    Night n(zone, date);
    n.hole(n.midnight - minutes{30}, n.midnight + minutes{30});
    n.put(n.midnight - minutes{45}, 720);
    n.put(n.midnight + minutes{30}, 770);
    const auto before = n.estimates(0), after = n.estimates(1);
    ASSERT_EQ(before.size(), 1U) << zone << date;
    ASSERT_EQ(after.size(), 1U) << zone << date;
    EXPECT_EQ(before[0].first_start, n.midnight - minutes{30});
    EXPECT_EQ(after[0].first_start, n.midnight);
    EXPECT_THAT(before[0].mantissas, ElementsAre(730, 740));
    EXPECT_THAT(after[0].mantissas, ElementsAre(750, 760));
    EXPECT_EQ(before[0].method, "LINEAR");
    EXPECT_EQ(before[0].inputs, after[0].inputs);
  }
}

// What the other day's own checks say of its value counts here too.
TEST(Midnight, AnEndPointThatItsOwnDayDoubtsIsNoneForTheOtherEither) {
  const auto fault = [](Night& n, int which, UtcInstant end_point, bool left) {
    switch (which) {
      case 0:
        return n.put(end_point, 9000);  // V18
      case 1:                           // V21
        for (int i = 0; i < 8; ++i)
          n.put(left ? end_point - minutes{15} * i : end_point + minutes{15} * i, 777);
        return;
      case 2:
        n.lost[end_point] = 1;  // V07, two values of one stamp
        return;
      case 3:
        return n.put(end_point, 65535);  // V08
      case 4:
        return n.put(end_point, -5);  // V13
      case 5:
        n.marked.insert(end_point);  // the vendor's word
        return;
      default:
        n.events[end_point + minutes{1}] = "OUTAGE";
        n.events[end_point + minutes{2}] = "RESTORATION";
    }
  };
  for (const bool left : {false, true}) {
    for (int which = 0; which < 7; ++which) {
      Night n;
      n.hole(n.midnight - minutes{30}, n.midnight + minutes{30});
      ASSERT_EQ(n.estimates(0).size() + n.estimates(1).size(), 2U);
      fault(n, which, left ? n.midnight - minutes{45} : n.midnight + minutes{30}, left);
      EXPECT_THAT(n.estimates(0), IsEmpty()) << which << left;
      EXPECT_THAT(n.estimates(1), IsEmpty()) << which << left;
    }
  }
}

TEST(Midnight, RegistersAroundTheWholeGapGiveItsEnergyToBothDays) {
  Night n;
  n.put(n.midnight - minutes{45}, 0);
  n.put(n.midnight + minutes{30}, 500);
  n.hole(n.midnight - minutes{30}, n.midnight + minutes{30});  // 100, 200, 300, 400 on the line
  std::int64_t there = 0;
  for (UtcInstant start = n.midnight - hours{6}; start < n.midnight + hours{6}; start += minutes{15})
    there += n.value(start).value_or(0);
  n.reads = {{n.midnight - hours{6}, 1'000'000}, {n.midnight + hours{6}, 1'000'000 + there + 2000}};
  const auto before = n.estimates(0), after = n.estimates(1);
  ASSERT_EQ(before.size(), 1U);
  ASSERT_EQ(after.size(), 1U);
  EXPECT_THAT(before[0].mantissas, ElementsAre(200, 400));
  EXPECT_THAT(after[0].mantissas, ElementsAre(600, 800));
  EXPECT_THAT(before[0].inputs, HasSubstr(R"("register_scaled":true)"));
  EXPECT_EQ(before[0].inputs, after[0].inputs);
}

TEST(Midnight, RegistersThatContradictTheIntervalsAreToldByTheDayOfTheLaterReading) {
  Night n;
  n.value = [](UtcInstant start) {
    return 500 + std::chrono::floor<minutes>(start.time_since_epoch()).count() / 15 % 2;
  };
  n.hole(n.midnight - hours{2}, n.midnight - hours{2} + minutes{15});  // of the first day alone
  n.reads = {{n.midnight - hours{6}, 1'000'000}, {n.midnight + hours{6}, 1'010'000}};
  EXPECT_THAT(n.day(0).findings("V14"), IsEmpty());
  Facts later = n.day(1);
  const std::string wanted =
      "V14 2.6.0 1 [" + to_text(n.midnight - hours{6}) + " " + to_text(n.midnight + hours{6}) + ")";
  EXPECT_THAT(later.findings("V14"), ElementsAre(wanted));
  EXPECT_THAT(later.judged().verdict.estimates, IsEmpty());
  // Not while what is missing may still come: then it is looked at again.
  later.now = n.midnight + later.rules.grace - std::chrono::seconds{1};
  EXPECT_THAT(later.findings("V14"), IsEmpty());
  EXPECT_EQ(later.judged().verdict.again_at, n.midnight + later.rules.grace);
  later.now += std::chrono::seconds{1};
  EXPECT_THAT(later.findings("V14"), ElementsAre(wanted));
  EXPECT_FALSE(later.judged().verdict.again_at);
}

TEST(Midnight, WhereTheMeterWasTakenAwayTheGapEnds) {
  Night n;
  n.removed = n.midnight;
  n.hole(n.midnight - minutes{30}, n.midnight);
  EXPECT_THAT(n.estimates(0), IsEmpty());  // no end point after it
  EXPECT_EQ(n.day(0).judged().channels.at(0).estimation.unfilled.size(), 1U);
  n.reads = {{n.midnight - hours{6}, 0}, {n.midnight, 22 * 503 + 900}};
  EXPECT_EQ(n.estimates(0).size(), 1U);  // the final reading has its energy
}

TEST(Midnight, ExplainCountsTheSlotsOfTheDay) {
  Night n;
  n.hole(n.midnight - minutes{30}, n.midnight + minutes{30});
  const JudgedDay before = n.day(0).judged(), after = n.day(1).judged();
  EXPECT_EQ(before.channels.at(0).estimation.estimates.at(0).slots, (vee::SlotRange{94, 2}));
  EXPECT_EQ(after.channels.at(0).estimation.estimates.at(0).slots, (vee::SlotRange{0, 2}));
  n.hole(n.midnight - hours{3}, n.midnight + minutes{30});
  EXPECT_EQ(n.day(0).judged().channels.at(0).estimation.unfilled.at(0).slots, (vee::SlotRange{84, 12}));
  EXPECT_EQ(n.day(1).judged().channels.at(0).estimation.unfilled.at(0).slots, (vee::SlotRange{0, 2}));
}

// Whatever is wrong around it: the two parts of a gap are made in the same way from the same, or neither is.
TEST(Midnight, PropertyBothDaysAgree) {
  const std::vector<std::pair<std::string, std::string>> nights{
      {"America/Toronto", "2026-01-15"}, {"America/Toronto", "2025-11-01"}, {"America/Toronto", "2025-11-02"},
      {"America/Toronto", "2026-03-07"}, {"America/Toronto", "2026-03-08"}, {"Asia/Kolkata", "2026-01-15"}};
  std::map<std::string, int> methods;
  for (unsigned seed = 1; seed <= 150; ++seed) {
    std::mt19937 random(seed);
    const auto below = [&](unsigned most) { return static_cast<int>(random() % most); };
    Night n(nights[random() % nights.size()].first, nights[random() % nights.size()].second);
    n.value = [seed](UtcInstant start) -> std::optional<std::int64_t> {
      const auto slot = static_cast<unsigned>(start.time_since_epoch() / minutes{15});
      return static_cast<std::int64_t>(300 + std::minstd_rand(slot * 7 + seed)() % 600);
    };
    const auto near = [&] { return n.midnight + minutes{15} * (below(40) - 20); };
    for (int i = below(3); i > 0; --i) n.put(near(), 9000);
    for (int i = below(3); i > 0; --i) n.put(near(), 65535);
    if (below(3) == 0) {
      const UtcInstant from = near();
      for (int i = 0; i < 8; ++i) n.put(from + minutes{15} * i, 444);
    }
    for (int i = below(4); i > 0; --i) n.lost[near()] = 3;
    for (int i = below(4); i > 0; --i) n.marked.insert(near());
    if (below(4) == 0) {
      const UtcInstant from = near();
      n.events[from] = "OUTAGE";
      n.events[from + minutes{below(200) + 1}] = "RESTORATION";
    }
    if (below(3) == 0) {
      n.reads[n.midnight - minutes{15} * (1 + below(90))] = 1'000'000;
      n.reads[n.midnight + minutes{15} * (1 + below(90))] = 1'100'000;
    }
    const UtcInstant from = n.midnight - minutes{15} * (1 + below(4)),
                     to = n.midnight + minutes{15} * (1 + below(4));
    for (int i = below(3); i > 0; --i) {
      const UtcInstant other = near();
      n.hole(other, other + minutes{15});
    }
    n.hole(from, to);
    const auto part = [&](int which, UtcInstant slot) -> std::string {
      for (const storage::DayEstimate& one : n.estimates(which)) {
        if (slot < one.first_start ||
            slot >= one.first_start + one.length * static_cast<int>(one.mantissas.size()))
          continue;
        ++methods[one.method];
        return one.method + " " + one.inputs;
      }
      ++methods["none"];
      return "none";
    };
    EXPECT_EQ(part(0, n.midnight - minutes{15}), part(1, n.midnight)) << seed;
  }
  for (const char* method : {"LINEAR", "FLAT", "none"}) EXPECT_GT(methods[method], 10) << method;
}

}  // namespace
}  // namespace ami::validation
