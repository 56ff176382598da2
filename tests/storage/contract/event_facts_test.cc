// Events that tell one fact: who heads whom, whatever came first. Rules: contract_facts().
#include <algorithm>
#include <map>
#include <random>

#include "tests/storage/contract/contract_fixture.h"

namespace ami::storage {
namespace {
using namespace contract;

struct Told {
  const char* when;
  const char* kind;
  const char* code;
  TimeSource clock = TimeSource::Device;
  MeterId meter = kMeter;
};

class EventFactsOf : public StoreContract {
 protected:
  // One unit an event, as from as many messages.
  void tell(const std::vector<Told>& told) {
    for (const Told& one : told) {
      CommitUnit u = unit(std::string(one.code) + one.when + one.kind);
      add_event(u, one.meter, one.when, one.kind, one.code, one.clock);
      commit(u);
    }
  }
  // Sorted; "CODE N" of a head with N others, "CODE of HEAD" of a duplicate.
  Lines facts() const {
    Lines out;
    for (std::string line : pick("event", "raw_code told")) {
      const auto of = line.find(" of ");
      out.push_back(of == std::string::npos ? line : line.substr(0, line.find(' ', of + 4)));
    }
    std::ranges::sort(out);
    return out;
  }
  Lines kinds_of_changes() const {
    Lines out = pick("change", "at kinds");
    std::ranges::sort(out);
    return out;
  }
  // In every order of arrival the same.
  void expect_in_any_order(std::vector<Told> told, const Lines& expected) {
    std::vector<std::size_t> order(told.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    do {
      under_test->clear();
      std::vector<Told> shuffled;
      std::string names;
      for (const std::size_t i : order) {
        shuffled.push_back(told[i]);
        names += std::string(told[i].code) + " ";
      }
      tell(shuffled);
      ASSERT_EQ(facts(), expected) << names;
    } while (std::next_permutation(order.begin(), order.end()));
  }
};
AMI_ON_EVERY_STORE(EventFactsOf);

TEST_P(EventFactsOf, MeterModuleAndHeadEndTellOneOutage) {
  expect_in_any_order({{"2024-03-05T06:00:00Z", "OUTAGE", "meter"},
                       {"2024-03-05T06:00:45Z", "LAST_GASP", "module"},
                       {"2024-03-05T06:01:10Z", "OUTAGE", "headend", TimeSource::Collector},
                       {"2024-03-05T06:02:30Z", "OUTAGE", "receipt", TimeSource::Receipt}},
                      {"headend of meter", "meter 3", "module of meter", "receipt of meter"});
}

TEST_P(EventFactsOf, TheBestClockHeadsAlthoughAnotherIsEarlier) {
  expect_in_any_order({{"2024-03-05T06:00:00Z", "OUTAGE", "receipt", TimeSource::Receipt},
                       {"2024-03-05T06:00:20Z", "OUTAGE", "collector", TimeSource::Collector},
                       {"2024-03-05T06:01:00Z", "LAST_GASP", "device"}},
                      {"collector of device", "device 2", "receipt of device"});
}

TEST_P(EventFactsOf, AnotherStateBetweenMakesTwoFacts) {
  expect_in_any_order({{"2024-03-05T06:00:00Z", "OUTAGE", "a"},
                       {"2024-03-05T06:00:30Z", "RESTORATION", "b"},
                       {"2024-03-05T06:01:00Z", "OUTAGE", "c"},
                       {"2024-03-05T06:01:30Z", "LAST_GASP", "d"}},
                      {"a 0", "b 0", "c 1", "d of c"});
}

TEST_P(EventFactsOf, WhatSpeaksOfSomethingElseStandsBetweenNothing) {
  expect_in_any_order({{"2024-03-05T06:00:00Z", "OUTAGE", "a"},
                       {"2024-03-05T06:00:30Z", "OPENED", "b"},
                       {"2024-03-05T06:00:40Z", "TAMPER", "c"},
                       {"2024-03-05T06:01:00Z", "OUTAGE", "d"}},
                      {"a 1", "b 0", "c 0", "d of a"});
}

TEST_P(EventFactsOf, TheWindowIsFromOneTellingToTheNext) {
  // 120 s and not a microsecond more; the third is 240 s after the first, but 120 s after the second.
  expect_in_any_order({{"2024-03-05T06:00:00Z", "OUTAGE", "a"},
                       {"2024-03-05T06:02:00Z", "OUTAGE", "b"},
                       {"2024-03-05T06:04:00Z", "OUTAGE", "c"},
                       {"2024-03-05T06:06:00.000001Z", "OUTAGE", "d"}},
                      {"a 2", "b of a", "c of a", "d 0"});
  // Of a subject with a shorter one.
  expect_in_any_order(
      {{"2024-03-05T06:00:00Z", "CLOSED", "a"}, {"2024-03-05T06:01:00.000001Z", "CLOSED", "b"}},
      {"a 0", "b 0"});
}

TEST_P(EventFactsOf, WhatComesBetweenTwoFactsMakesThemOne) {
  expect_in_any_order({{"2024-02-29T23:58:00Z", "OUTAGE", "a"},
                       {"2024-02-29T23:59:00Z", "OUTAGE", "b"},
                       {"2024-03-01T00:01:00Z", "LAST_GASP", "bridge"},
                       {"2024-03-01T00:02:30Z", "OUTAGE", "c"}},
                      {"a 3", "b of a", "bridge of a", "c of a"});
}

TEST_P(EventFactsOf, MetersDoNotMeet) {
  expect_in_any_order({{"2024-03-05T06:00:00Z", "OUTAGE", "a"},
                       {"2024-03-05T06:00:01Z", "OUTAGE", "b", TimeSource::Device, kOtherMeter}},
                      {"a 0", "b 0"});
}

TEST_P(EventFactsOf, ANewReadingOfAnEventTakesItOutOfItsFactAndIntoAnother) {
  tell({{"2024-03-05T06:00:00Z", "OUTAGE", "a"},
        {"2024-03-05T06:00:30Z", "OUTAGE", "b"},
        {"2024-03-05T06:00:50Z", "CLOSED", "c"}});
  EXPECT_EQ(facts(), (Lines{"a 1", "b of a", "c 0"}));
  const auto read_again = [&](const char* when, const char* kind, const char* code, int mapping) {
    CommitUnit u = unit(std::string("again ") + code);
    u.source.mapping_version = mapping;
    add_event(u, kMeter, when, kind, code);
    commit(u);
  };
  read_again("2024-03-05T06:00:00Z", "CLOSED", "a", 2);  // the head goes
  EXPECT_EQ(facts(), (Lines{"a 1", "b 0", "c of a"}));
  read_again("2024-03-05T06:00:00Z", "UNMAPPED", "a", 3);  // it tells nothing any more
  EXPECT_EQ(facts(), (Lines{"a 0", "b 0", "c 0"}));
  read_again("2024-03-05T06:00:00Z", "LAST_GASP", "a", 4);
  EXPECT_EQ(facts(), (Lines{"a 1", "b of a", "c 0"}));
  read_again("2024-03-05T06:00:30Z", "TAMPER", "b", 2);  // the duplicate goes
  EXPECT_EQ(facts(), (Lines{"a 0", "b 0", "c 0"}));
}

TEST_P(EventFactsOf, TheSameAgainChangesNothingAndIsNoChange) {
  const std::vector<Told> told{{"2024-03-05T06:00:00Z", "OUTAGE", "a"},
                               {"2024-03-05T06:00:30Z", "OUTAGE", "b"}};
  tell(told);
  const auto changes = kinds_of_changes();
  tell(told);
  tell({told[1]});
  EXPECT_EQ(facts(), (Lines{"a 1", "b of a"}));
  EXPECT_EQ(kinds_of_changes(), changes);
}

// 1 new, 2 corrected.
TEST_P(EventFactsOf, AFactIsNewOnceHoweverOftenItIsTold) {
  tell({{"2024-03-05T06:00:00Z", "OUTAGE", "a"}, {"2024-03-05T06:00:30Z", "OUTAGE", "b"}});
  EXPECT_EQ(kinds_of_changes(), (Lines{"2024-03-05T06:00:00Z 1", "2024-03-05T06:00:30Z 2"}));
}

TEST_P(EventFactsOf, AnEarlierTellingCorrectsTheFactAndItsFormerHead) {
  tell({{"2024-03-05T06:00:30Z", "OUTAGE", "b"}, {"2024-03-05T06:00:00Z", "OUTAGE", "a"}});
  EXPECT_EQ(kinds_of_changes(),
            (Lines{"2024-03-05T06:00:00Z 2", "2024-03-05T06:00:30Z 1", "2024-03-05T06:00:30Z 2"}));
}

TEST_P(EventFactsOf, AFactThatIsToldOverSeveralTimesInOneUnitIsNewOnce) {
  CommitUnit u = unit("all");
  add_event(u, kMeter, "2024-03-05T06:00:40Z", "LAST_GASP", "c");
  add_event(u, kMeter, "2024-03-05T06:00:00Z", "OUTAGE", "a");
  add_event(u, kMeter, "2024-03-05T06:00:30Z", "OUTAGE", "b");
  add_event(u, kMeter, "2024-03-05T06:09:00Z", "RESTORATION", "d");
  commit(u);
  EXPECT_EQ(kinds_of_changes(), (Lines{"2024-03-05T06:00:00Z 1", "2024-03-05T06:00:30Z 2",
                                       "2024-03-05T06:00:40Z 2", "2024-03-05T06:09:00Z 1"}));
}

TEST_P(EventFactsOf, ALateRestorationThatSplitsAFactTellsOfTheNewHead) {
  tell({{"2024-03-05T06:00:00Z", "OUTAGE", "a"}, {"2024-03-05T06:00:30Z", "OUTAGE", "b"}});
  const auto before = kinds_of_changes().size();
  tell({{"2024-03-05T06:00:10Z", "RESTORATION", "r"}});
  EXPECT_EQ(facts(), (Lines{"a 0", "b 0", "r 0"}));
  EXPECT_EQ(kinds_of_changes().size(), before + 2);  // the restoration, and b, which heads a fact now
}

TEST_P(EventFactsOf, ANoteFromTheFarSideCannotChooseTheHeadByItsBytes) {
  // Equal times and clocks: the order of bytes decides, in both stores alike, whatever is in them.
  CommitUnit u = unit("bytes");
  for (const char* raw : {"\xff", "\xc3\xa9", "z", "Z", "", "a\nb"}) {
    add_event(u, kMeter, "2024-03-05T06:00:00Z", "OUTAGE", "X");
    u.batch.events.back().raw_text = raw;
  }
  commit(u);
  const Lines told = pick("event", "told");
  EXPECT_EQ(std::count(told.begin(), told.end(), "5"), 1);
  EXPECT_EQ(std::count(told.begin(), told.end(), "of X  1709618400000000"), 5)
      << "the empty text is the least";
}

// Many events of a few kinds at few places, in any order, cut into units anywhere, some of them twice.
class EventFactsInAnyOrder : public StoreContract {};
AMI_ON_EVERY_STORE(EventFactsInAnyOrder);

TEST_P(EventFactsInAnyOrder, GiveTheSameFacts) {
  for (unsigned seed = 1; seed <= 12; ++seed) {
    std::mt19937 random(seed);
    const auto upto = [&](int high) { return std::uniform_int_distribution<int>(0, high)(random); };
    const char* kinds[] = {"OUTAGE", "LAST_GASP", "RESTORATION", "OPENED", "CLOSED", "TAMPER"};
    std::vector<EventReading> events;
    for (int i = 0; i < 40; ++i) {
      EventReading event;
      event.meter = upto(3) == 0 ? kOtherMeter : kMeter;
      event.at = at("2024-02-29T23:50:00Z") + std::chrono::seconds{30 * upto(60)};
      event.kind = kinds[upto(5)];
      event.vendor = "ssn";
      event.raw_code = "c" + std::to_string(upto(2));
      event.raw_text = "t" + std::to_string(upto(1));
      event.time_source = static_cast<TimeSource>(upto(2));
      events.push_back(event);
    }
    std::optional<Dump> first;
    for (int round = 0; round < 4; ++round) {
      under_test->clear();
      std::vector<EventReading> sent = events;
      if (round > 0) {
        sent.insert(sent.end(), events.begin(), events.begin() + 10);
        std::shuffle(sent.begin(), sent.end(), random);
      }
      for (std::size_t from = 0; from < sent.size();) {
        const auto count = std::min<std::size_t>(sent.size() - from, 1 + static_cast<std::size_t>(upto(6)));
        CommitUnit u = unit("part" + std::to_string(round) + "." + std::to_string(from));
        // One receipt for all: what dates an event by its receipt is not the matter here.
        u.batch.events.assign(sent.begin() + static_cast<std::ptrdiff_t>(from),
                              sent.begin() + static_cast<std::ptrdiff_t>(from + count));
        commit(u);
        from += count;
      }
      const Dump dump = under_test->dump();
      if (!first) {
        first = dump;
        // Something was collapsed, and not everything.
        const Lines told = dump.pick("event", "told");
        ASSERT_GT(std::count_if(told.begin(), told.end(), [](const auto& t) { return t.starts_with("of "); }),
                  2);
        ASSERT_GT(std::count(told.begin(), told.end(), "0"), 2);
      }
      ASSERT_EQ(first->truth.at("event").rows, dump.truth.at("event").rows) << "seed " << seed;
    }
  }
}

class Receipts : public StoreContract {};
AMI_ON_EVERY_STORE(Receipts);

TEST_P(Receipts, AreThoseThatDatedAnEventAndTheFirst) {
  const auto receive = [&](const char* when, TimeSource clock) {
    CommitUnit u = unit("message");
    u.source.received_at = at(when);
    add_event(u, kMeter, when, "OPENED", "S", clock);
    commit(u);
  };
  const auto known = [&] { return store().receipts(kNorth, "feed-1", "message").value(); };
  EXPECT_TRUE(known().empty());
  receive("2024-03-05T06:00:00Z", TimeSource::Receipt);
  receive("2024-03-05T06:00:00Z", TimeSource::Receipt);
  EXPECT_EQ(known(), std::vector{at("2024-03-05T06:00:00Z")});
  receive("2024-03-05T09:00:00Z", TimeSource::Receipt);
  receive("2024-03-04T09:00:00Z", TimeSource::Receipt);
  EXPECT_EQ(known(), (std::vector{at("2024-03-04T09:00:00Z"), at("2024-03-05T06:00:00Z"),
                                  at("2024-03-05T09:00:00Z")}));
  EXPECT_TRUE(store().receipts(kNorth, "feed-1", "other").value().empty());
  EXPECT_TRUE(store().receipts(kNorth, "feed-2", "message").value().empty());
  EXPECT_TRUE(store().receipts(kSouth, "feed-1", "message").value().empty());
}

TEST_P(Receipts, OfWhatTheMeterDatesIsTheFirstOnly) {
  for (const char* when : {"2024-03-05T06:00:00Z", "2024-03-05T09:00:00Z"}) {
    CommitUnit u = unit("message");
    u.source.received_at = at(when);
    add_event(u, kMeter, "2024-03-05T05:00:00Z", "OPENED", "S");
    commit(u);
  }
  EXPECT_EQ(store().receipts(kNorth, "feed-1", "message").value(), std::vector{at("2024-03-05T06:00:00Z")});
}

}  // namespace
}  // namespace ami::storage
