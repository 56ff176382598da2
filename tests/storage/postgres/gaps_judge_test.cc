// The comparison without a database: by hand, and against an oracle that looks at each minute.
#include "storage/postgres/gaps_judge.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

namespace ami::storage {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

UtcInstant t(const char* text) {
  return parse_instant(text).value();
}
const Zone kToronto = Zone::load("America/Toronto").value();

SeriesFacts facts_of(std::vector<SeriesValue> values, std::vector<Programme> known = {}) {
  SeriesFacts facts;
  facts.values = std::move(values);
  facts.programmes = std::move(known);
  facts.installed = {{}};
  return facts;
}
std::vector<SeriesValue> run(const char* from, int count, int length_s, std::int64_t channel = 1) {
  std::vector<SeriesValue> out;
  for (int i = 0; i < count; ++i) out.push_back({t(from) + seconds{i * length_s}, length_s, channel, true});
  return out;
}
std::vector<SeriesValue> operator+(std::vector<SeriesValue> a, const std::vector<SeriesValue>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}
std::string text_of(const std::vector<MissingRun>& runs) {
  std::string out;
  for (const MissingRun& one : runs) {
    out += to_text(one.from).substr(5, 11) + ">" + to_text(one.to).substr(5, 11) + " " +
           std::to_string(one.slots) + "x" + std::to_string(one.interval_s) + "@" +
           std::to_string(one.channel) + " r" + std::to_string(static_cast<int>(one.reason)) + ";";
  }
  return out;
}
Judgement day_of(const SeriesFacts& facts) {
  return judge(facts, {t("2026-03-02T00:00:00Z"), t("2026-03-03T00:00:00Z")}, t("2026-03-03T00:00:00Z"),
               kToronto);
}

TEST(GapJudge, NothingIsExpectedBeforeTheFirstValue) {
  EXPECT_EQ(text_of(day_of(facts_of({})).missing), "");
  const auto judged = day_of(facts_of(run("2026-03-02T10:00:00Z", 56, 900)));
  EXPECT_EQ(text_of(judged.missing), "");
  ASSERT_EQ(judged.programmes.size(), 1U);
  EXPECT_EQ(judged.programmes[0], (Programme{t("2026-03-02T10:00:00Z"), 1, 900}));
}

TEST(GapJudge, AdjacentMissingSlotsAreOneRunAndAFlagIsAReason) {
  auto facts = facts_of(run("2026-03-02T00:00:00Z", 4, 900) + run("2026-03-02T02:00:00Z", 88, 900));
  facts.unvalued = {{{t("2026-03-02T01:30:00Z"), t("2026-03-02T01:45:00Z")}, GapReason::VendorFlag}};
  EXPECT_EQ(text_of(day_of(facts).missing),
            "03-02T01:00>03-02T01:30 2x900@1 r0;03-02T01:30>03-02T01:45 1x900@1 r1;"
            "03-02T01:45>03-02T02:00 1x900@1 r0;");
}

TEST(GapJudge, ProgrammeChangeWithinASlotTearsNoHole) {
  // 900 s until 10:00; the recorder was set to 300 s and begins at 10:35: one slot of 900 s never ended.
  const auto judged =
      day_of(facts_of(run("2026-03-02T00:00:00Z", 42, 900, 1) + run("2026-03-02T10:35:00Z", 161, 300, 2)));
  EXPECT_EQ(text_of(judged.missing), "");
  ASSERT_EQ(judged.programmes.size(), 2U);
  EXPECT_EQ(judged.programmes[1], (Programme{t("2026-03-02T10:35:00Z"), 2, 300}));
}

TEST(GapJudge, ExchangeEndsWhatIsExpectedWithinASlot) {
  auto facts = facts_of(run("2026-03-02T00:00:00Z", 40, 900));
  facts.installed = {{UtcInstant::min(), t("2026-03-02T10:37:00Z")}};
  EXPECT_EQ(text_of(day_of(facts).missing), "03-02T10:00>03-02T10:30 2x900@1 r0;");
}

TEST(GapJudge, IntervalOffTheGridCountsByTheTimeThatItCovers) {
  // An outage until 10:06 left a short first interval: 9 of 15 minutes are there.
  auto most = facts_of(run("2026-03-02T00:00:00Z", 40, 900) + run("2026-03-02T10:15:00Z", 55, 900));
  most.values.push_back({t("2026-03-02T10:06:00Z"), 540, 1, false});
  EXPECT_EQ(text_of(day_of(most).missing), "");
  auto least = facts_of(run("2026-03-02T00:00:00Z", 40, 900) + run("2026-03-02T10:15:00Z", 55, 900));
  least.values.push_back({t("2026-03-02T10:10:00Z"), 300, 1, false});
  EXPECT_EQ(text_of(day_of(least).missing), "03-02T10:00>03-02T10:15 1x900@1 r0;");
}

TEST(GapJudge, TwoProgrammesAtOnceAreJudgedByTheShorter) {
  const auto judged =
      day_of(facts_of(run("2026-03-02T00:00:00Z", 24, 3600, 1) + run("2026-03-02T00:00:00Z", 96, 900, 2)));
  EXPECT_EQ(text_of(judged.missing), "");
  ASSERT_EQ(judged.programmes.size(), 1U);
  EXPECT_EQ(judged.programmes[0].interval_s, 900);
}

TEST(GapJudge, AnotherProgrammeAtTheEndOfTheRangeAsksForMore) {
  const Programme known{t("2026-03-01T00:00:00Z"), 1, 900};
  const Period range{t("2026-03-02T00:00:00Z"), t("2026-03-03T00:00:00Z")};
  const auto changed = judge(facts_of(run("2026-03-02T00:00:00Z", 288, 300), {known}), range,
                             t("2026-03-09T00:00:00Z"), kToronto);
  EXPECT_EQ(changed.extend_to, t("2026-03-09T00:00:00Z"));
  const auto earlier =
      judge(facts_of(run("2026-03-02T00:00:00Z", 96, 900), {{t("2026-03-05T00:00:00Z"), 1, 900}}), range,
            t("2026-03-09T00:00:00Z"), kToronto);
  EXPECT_EQ(earlier.extend_to, t("2026-03-05T00:00:01Z"));
}

TEST(GapJudge, RegisterIsExpectedDailyOnceItCameOnMostDaysOfAWeek) {
  SeriesFacts facts = facts_of({});
  facts.registers = true;
  const auto came = [&](int day) {
    const auto d = kToronto.civil_day(std::chrono::year{2026} / 3 / day);
    facts.values.push_back({d.start, std::chrono::duration_cast<seconds>(d.end - d.start).count(), 7, true});
  };
  const Period range{t("2026-03-01T05:00:00Z"), t("2026-03-14T04:00:00Z")};
  for (const int day : {2, 3, 4}) came(day);
  EXPECT_EQ(text_of(judge(facts, range, range.to, kToronto).missing), "");
  came(6);
  // From the 7th on; the 8th has 23 hours.
  EXPECT_EQ(text_of(judge(facts, range, range.to, kToronto).missing), "03-07T05:00>03-14T04:00 7x0@7 r0;");
  came(8);
  EXPECT_EQ(text_of(judge(facts, range, range.to, kToronto).missing),
            "03-07T05:00>03-08T05:00 1x0@7 r0;03-09T04:00>03-14T04:00 5x0@7 r0;");
}

// Another way to the same answer: minute by minute, all of it, from the values alone.
struct Oracle {
  std::vector<SeriesValue> values;
  std::vector<Unvalued> unvalued;
  std::vector<Period> installed;

  std::map<UtcInstant, MissingRun> missing(UtcInstant judged_to) const {
    std::set<UtcInstant> covered;  // minutes
    std::map<UtcInstant, SeriesValue> starts;
    for (const SeriesValue& v : values) {
      for (UtcInstant m = v.start; m < v.start + seconds{v.length_s}; m += minutes{1}) covered.insert(m);
      if (!v.sets_programme || v.start >= judged_to) continue;
      const auto [place, fresh] = starts.emplace(v.start, v);
      const auto& w = place->second;
      if (!fresh && std::pair(v.length_s, v.channel) < std::pair(w.length_s, w.channel)) place->second = v;
    }
    std::map<UtcInstant, MissingRun> out;
    UtcInstant slot{};
    std::optional<SeriesValue> in_force;
    for (auto next = starts.begin(); next != starts.end() || in_force;) {
      // Walk slot by slot to the next value that is not of the programme in force.
      while (next != starts.end() && in_force && next->second.length_s == in_force->length_s &&
             next->second.channel == in_force->channel &&
             (next->first - in_force->start) % seconds{in_force->length_s} == seconds{0})
        ++next;
      const UtcInstant limit = next == starts.end() ? UtcInstant::max() : next->first;
      if (in_force) {
        for (; slot < judged_to && slot + seconds{in_force->length_s} <= limit;
             slot += seconds{in_force->length_s}) {
          const UtcInstant end = slot + seconds{in_force->length_s};
          const bool inside =
              std::ranges::any_of(installed, [&](const Period& p) { return p.from <= slot && end <= p.to; });
          std::int64_t minutes_covered = 0;
          GapReason reason = GapReason::NotReceived;
          for (UtcInstant m = slot; m < end; m += minutes{1}) {
            minutes_covered += covered.contains(m) ? 1 : 0;
            for (const Unvalued& u : unvalued) {
              if (u.time.contains(m)) reason = std::max(reason, u.reason);
            }
          }
          if (inside && minutes_covered * 120 < in_force->length_s) {
            out[slot] = {slot, end,   in_force->channel, static_cast<std::int32_t>(in_force->length_s),
                         1,    reason};
          }
        }
      }
      if (next == starts.end()) break;
      in_force = next->second;
      slot = next->first;
      ++next;
    }
    return out;
  }
};

// A series kept as the store keeps it, fed in random pieces.
struct Kept {
  std::vector<Programme> programmes;
  std::vector<StoredGap> gaps;
  UtcInstant judged_to{};
  std::int64_t next_id = 1;

  void compare(Period range, UtcInstant to, const Oracle& all) {
    judged_to = to;
    for (int rounds = 0;; ++rounds) {
      ASSERT_LT(rounds, 4);
      SeriesFacts facts;
      facts.programmes = programmes;
      facts.installed = all.installed;
      for (const SeriesValue& v : all.values) {
        if (v.start + seconds{v.length_s} > range.from - hours{26} && v.start < range.to + hours{26})
          facts.values.push_back(v);
      }
      facts.unvalued = all.unvalued;
      const Judgement judged = judge(facts, range, judged_to, kToronto);
      if (judged.extend_to) {
        ASSERT_GT(*judged.extend_to, range.to);
        range.to = *judged.extend_to;
        continue;
      }
      std::vector<StoredGap> near;
      for (const StoredGap& g : gaps) {
        if (g.from <= range.to + hours{26} && g.to >= range.from - hours{26}) near.push_back(g);
      }
      std::ranges::sort(near, {}, &StoredGap::from);
      const GapPlan plan = reconcile(near, range, judged, all.installed, kToronto);
      for (const GapClose& close : plan.closes) {
        std::erase_if(gaps, [&](const StoredGap& g) { return g.id == close.id; });
      }
      for (const GapWrite& w : plan.writes) {
        StoredGap gap{w.id,        w.run.from,   w.run.to, w.run.channel, w.run.interval_s,
                      w.run.slots, w.run.reason, false};
        if (w.id == 0) {
          gap.id = next_id++;
          gap.given_up = w.copy_of != 0;
          gaps.push_back(gap);
        } else {
          for (StoredGap& g : gaps) {
            if (g.id != w.id) continue;
            gap.given_up = g.given_up;
            g = gap;
          }
        }
      }
      programmes = judged.programmes;
      return;
    }
  }

  // One run a maximal stretch, given up or not.
  std::string text() const {
    std::map<UtcInstant, std::string> parts;
    for (const StoredGap& g : gaps) {
      MissingRun run{g.from, g.to, g.channel, g.interval_s, g.slots, g.reason};
      EXPECT_TRUE(parts.emplace(g.from, text_of({run}) + (g.given_up ? "given up;" : "")).second);
    }
    std::string out;
    for (const auto& [at, part] : parts) out += part;
    return out;
  }
};

std::string text_of(const std::map<UtcInstant, MissingRun>& slots, const std::set<UtcInstant>& given_up,
                    const std::vector<Period>& installed) {
  std::string out;
  std::optional<MissingRun> open;
  bool was_given_up = false;
  const auto flush = [&] {
    if (open) out += text_of({*open}) + (was_given_up ? "given up;" : "");
  };
  for (const auto& [at, one] : slots) {
    const bool up = given_up.contains(at);
    const bool stay =
        std::ranges::any_of(installed, [&, start = at](const Period& p) { return p.from == start; });
    if (open && open->to == at && open->channel == one.channel && open->interval_s == one.interval_s &&
        open->reason == one.reason && up == was_given_up && !stay) {
      open->to = one.to;
      ++open->slots;
      continue;
    }
    flush();
    open = one;
    was_given_up = up;
  }
  flush();
  return out;
}

TEST(GapJudge, AnyOrderOfArrivalLeavesTheGapsThatAllOfItHas) {
  const unsigned run_seed = std::random_device{}();
  int compared = 0;  // of states in which something was missing
  for (unsigned round = 0; round < 100; ++round) {
    const unsigned seed = run_seed ^ (round * 2654435761U);
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    const auto pick = [&](int low, int high) {
      return std::uniform_int_distribution<int>(low, high)(random);
    };
    const UtcInstant begin = t("2026-03-05T00:00:00Z");
    const int days = 6;

    // The truth: programmes change at random minutes, some values never come, some come off the grid.
    Oracle all;
    UtcInstant from{};
    for (int stay = pick(1, 2); stay > 0; --stay) {
      const UtcInstant to =
          stay == 1 && pick(0, 1) == 0 ? UtcInstant::max() : begin + minutes{pick(0, days * 1440)};
      if (to > from) all.installed.push_back({from, to});
      if (to == UtcInstant::max()) break;
      from = std::max(from, to) + minutes{pick(0, 2) * 400};
    }
    std::vector<SeriesValue> truth;
    int length = 900;
    std::int64_t channel = 1;
    UtcInstant at = begin + minutes{pick(0, 40) * 60};
    while (at < begin + hours{24 * days}) {
      if (pick(0, 60) == 0) {
        const int lengths[] = {300, 900, 1800, 3600};
        length = lengths[pick(0, 3)];
        channel = length;
        const auto since = at.time_since_epoch() % seconds{length};
        if (since != seconds{0}) at += seconds{length} - since;
      }
      if (pick(0, 40) == 0) {  // silence
        at += seconds{length} * pick(1, 60);
        continue;
      }
      if (pick(0, 50) == 0) {  // cut short, and the rest of the slot never is
        const int part = pick(1, length / 60 - 1) * 60;
        truth.push_back({at + seconds{length - part}, part, channel, false});
      } else {
        truth.push_back({at, length, channel, true});
      }
      at += seconds{length};
    }
    std::shuffle(truth.begin(), truth.end(), random);
    // Those that come in time, the others late or never.
    std::vector<SeriesValue> late(truth.begin() + static_cast<std::ptrdiff_t>(truth.size() * 2 / 3),
                                  truth.end());
    truth.resize(truth.size() * 2 / 3);
    all.values = truth;

    Kept kept;
    kept.judged_to = begin;
    std::set<UtcInstant> given_up;
    for (int step = 0; step < 40; ++step) {
      const int what = pick(0, 9);
      if (what < 3 && kept.judged_to < begin + hours{24 * days}) {
        const UtcInstant to = kept.judged_to + minutes{pick(1, 2000)};
        kept.compare({kept.judged_to, to}, to, all);
      } else if (what < 8 && !late.empty()) {
        UtcInstant low = UtcInstant::max(), high = UtcInstant::min();
        for (int n = pick(1, 30); n > 0 && !late.empty(); --n) {
          const SeriesValue v = late.back();
          late.pop_back();
          all.values.push_back(v);
          const seconds margin{pick(0, 1) * 3600};
          low = std::min(low, v.start - margin);
          high = std::max(high, v.start + seconds{v.length_s} + margin);
        }
        if (low < kept.judged_to) kept.compare({low, std::min(high, kept.judged_to)}, kept.judged_to, all);
      } else if (what == 8 && !all.values.empty()) {  // taken back
        const auto gone = static_cast<std::ptrdiff_t>(pick(0, static_cast<int>(all.values.size()) - 1));
        const SeriesValue v = all.values[static_cast<std::size_t>(gone)];
        all.values.erase(all.values.begin() + gone);
        all.unvalued.push_back({{v.start, v.start + seconds{v.length_s}}, GapReason::Withdrawn});
        if (v.start < kept.judged_to) {
          const UtcInstant end = std::min(v.start + seconds{v.length_s}, kept.judged_to);
          kept.compare({v.start, end}, kept.judged_to, all);
        }
      } else if (!kept.gaps.empty()) {
        StoredGap& gap = kept.gaps[static_cast<std::size_t>(pick(0, static_cast<int>(kept.gaps.size()) - 1))];
        if (!gap.given_up) {
          gap.given_up = true;
          for (UtcInstant m = gap.from; m < gap.to; m += minutes{1}) given_up.insert(m);
        }
      }
      if (::testing::Test::HasFatalFailure()) return;
      // A slot that begins in what was given up is given up; once it is there, that is forgotten.
      const auto expected = all.missing(kept.judged_to);
      std::set<UtcInstant> still;
      for (const auto& [start, one] : expected) {
        if (!given_up.contains(start)) continue;
        for (UtcInstant m = one.from; m < one.to; m += minutes{1}) still.insert(m);
      }
      given_up = std::move(still);
      compared += expected.empty() ? 0 : 1;
      const std::string wanted = text_of(expected, given_up, all.installed);
      if (given_up.empty()) {
        ASSERT_EQ(kept.text(), wanted) << "after step " << step;
        continue;
      }
      // Neighbours that were given up one after the other stay two; the oracle does not know of that.
      std::map<UtcInstant, MissingRun> slots;
      std::set<UtcInstant> up;
      for (const StoredGap& g : kept.gaps) {
        for (UtcInstant s = g.from; s < g.to; s += seconds{g.interval_s}) {
          slots[s] = {s, s + seconds{g.interval_s}, g.channel, g.interval_s, 1, g.reason};
          if (g.given_up) up.insert(s);
        }
      }
      ASSERT_EQ(text_of(slots, up, all.installed), wanted) << "after step " << step;
    }
  }
  EXPECT_GT(compared, 1000) << "else the pieces were too tame to show anything";
}

}  // namespace
}  // namespace ami::storage
