// Faults, crossed meters, exchanges, outages, storms.
#include <gmock/gmock.h>

#include <cstdlib>

#include "tests/tools/fieldsim/scenario_effect.h"

namespace ami::fieldsim::effect {
namespace {

using namespace std::chrono_literals;

// Meters whose dial jumps by more than any home uses in a quarter of an hour, and when.
std::map<std::string, std::vector<UtcInstant>> jumps(const ToldField& field) {
  std::map<std::string, std::vector<UtcInstant>> found;
  for (const auto& [meter, dial] : field.dials()) {
    for (auto at = dial.begin(); std::next(at) != dial.end(); ++at) {
      const std::int64_t by = std::next(at)->second.minus(at->second)->mantissa_at(0).value();
      if (std::abs(by) > 50'000) found[meter].push_back(std::next(at)->first);
    }
  }
  return found;
}
std::set<std::string> deliveries(const ToldField& field, UtcInstant from, UtcInstant to, const char* key) {
  std::set<std::string> words;
  for (const auto& line : field.of("register")) {
    const UtcInstant at = ToldField::instant(line, "at");
    if (at >= from && at < to) words.insert(ToldField::text(line, key));
  }
  return words;
}

}  // namespace

const std::vector<Case>& of_troubles() {
  static const std::vector<Case> kAll{
      {"faults[].fault",
       [] { EXPECT_FALSE(under("faults: [{fault: cover_removed, lasts: 1h}]\n").events("COVER_REMOVED").empty()); }},
      {"faults[].network",
       [] {
         const auto field = both("faults: [{fault: low_battery, network: ts2, meters: 2, lasts: 1h}]\n");
         EXPECT_EQ(field.words("event", "network"), (std::set<std::string>{"ts2"}));
       }},
      {"faults[].meters",
       [] { EXPECT_EQ(meters(9, "faults: [{fault: low_battery, meters: 7, lasts: 1h}]\n").events("LOW_BATTERY").size(), 7U); }},
      {"faults[].names",
       [] {
         const auto field = under("faults: [{fault: low_battery, names: [GS00000001], lasts: 1h}]\n");
         EXPECT_EQ(field.words("event", "meter"), (std::set<std::string>{"GS00000001"}));
       }},
      {"faults[].from",
       [] {
         const auto field = under("faults: [{fault: low_battery, from: 50m, lasts: 1h}]\n");
         EXPECT_EQ(field.events("LOW_BATTERY"), (std::multiset<UtcInstant>{kStart + 50min}));
       }},
      {"faults[].lasts",
       [] {
         const auto field = under("faults: [{fault: low_battery, from: 50m, lasts: 1h}]\n");
         EXPECT_EQ(field.events("LOW_BATTERY_CLEARED"), (std::multiset<UtcInstant>{kStart + 110min}));
       }},
      {"faults[].amount",
       [] {
         const auto dial = [](const char* amount) {
           return under(std::string("faults: [{fault: register_drop, names: [GS00000000], from: 1h, lasts: 1h, amount: ") +
                        amount + "}]\n")
               .dials()
               .at("GS00000000")
               .at(kStart + 90min);
         };
         EXPECT_EQ(dial("100").minus(dial("300")), (Decimal{200'000, 0})) << "200 kWh";
       }},
      {"crossed[].network",
       [] {
         for (const auto& [meter, at] : jumps(both("crossed: [{network: ts2, from: 90m, lasts: 1h}]\n")))
           EXPECT_TRUE(meter.starts_with("TS")) << meter;
       }},
      {"crossed[].pairs",
       [] {
         EXPECT_EQ(jumps(meters(8, "crossed: [{network: gridstream, pairs: 3, from: 1h, lasts: 1h}]\n")).size(), 6U);
       }},
      {"crossed[].from",
       [] {
         const auto found = jumps(under("crossed: [{network: gridstream, from: 50m, lasts: 1h}]\n"));
         ASSERT_EQ(found.size(), 2U);
         EXPECT_EQ(found.begin()->second.front(), kStart + 1h) << "the first report after it";
       }},
      {"crossed[].lasts",
       [] {
         const auto found = jumps(under("crossed: [{network: gridstream, from: 50m, lasts: 1h}]\n"));
         ASSERT_EQ(found.size(), 2U);
         EXPECT_EQ(found.begin()->second.back(), kStart + 2h) << "the first report after 110 minutes";
       }},
      {"exchanges[].network",
       [] {
         EXPECT_EQ(both("exchanges: [{network: ts2, meters: 2, at: 97m}]\n").words("action", "network"),
                   (std::set<std::string>{"ts2"}));
       }},
      {"exchanges[].meters",
       [] { EXPECT_EQ(meters(8, "exchanges: [{meters: 5, at: 97m}]\n").of("action").size(), 5U); }},
      {"exchanges[].names",
       [] {
         EXPECT_EQ(under("exchanges: [{names: [GS00000001], at: 97m}]\n").words("action", "meter"),
                   (std::set<std::string>{"GS00000001"}));
       }},
      {"exchanges[].at",
       [] {
         EXPECT_EQ(instants(under("exchanges: [{at: 97m}]\n"), "action", "at"),
                   (std::set<UtcInstant>{kStart + 97min}));
       }},
      {"outages[].networks",
       [] {
         EXPECT_EQ(both("outages: [{networks: [ts2], share: 1, lasts: 30m}]\n").words("event", "network"),
                   (std::set<std::string>{"ts2"}));
       }},
      {"outages[].share",
       [] {
         EXPECT_TRUE(meters(9, "outages: [{share: 0, lasts: 30m}]\n").events("OUTAGE").empty());
         EXPECT_EQ(meters(9, "outages: [{share: 1, lasts: 30m}]\n").events("OUTAGE").size(), 9U);
       }},
      {"outages[].at",
       [] { EXPECT_GE(*meters(9, "outages: [{share: 1, at: 1h, lasts: 30m}]\n").events("OUTAGE").begin(), kStart + 1h); }},
      {"outages[].spread",
       [] {
         const auto at = meters(9, "outages: [{share: 1, at: 30m, spread: 1h, lasts: 30m}]\n").events("OUTAGE");
         EXPECT_GT(*at.rbegin() - *at.begin(), 10min);
         EXPECT_LT(*at.rbegin(), kStart + 90min);
       }},
      {"outages[].lasts",
       [] {
         const auto field = under("outages: [{share: 1, at: 30m, spread: 0s, lasts: 40m}]\n");
         ASSERT_EQ(field.events("RESTORATION").size(), 2U);
         for (const UtcInstant lit : field.events("RESTORATION")) {
           EXPECT_GE(lit, kStart + 50min);
           EXPECT_LE(lit, kStart + 90min);
         }
       }},
      {"outages[].waves",
       [] {
         EXPECT_EQ(under("outages: [{share: 1, spread: 0s, lasts: 10m, waves: 2, every: 1h}]\n").events("OUTAGE").size(), 4U);
       }},
      {"outages[].every",
       [] {
         const auto at =
             under("outages: [{share: 1, at: 10m, spread: 0s, lasts: 10m, waves: 2, every: 70m}]\n").events("OUTAGE");
         EXPECT_EQ(*at.rbegin() - *at.begin(), 70min);
       }},
      {"storms[].networks",
       [] {
         for (const auto& line : both("storms: [{networks: [ts2], lasts: 3h, lost: 1}]\n").of("register")) {
           if (ToldField::text(line, "network") == "gridstream") {
             EXPECT_EQ(ToldField::text(line, "delivery"), "sent");
           }
         }
       }},
      {"storms[].from",
       [] {
         const auto field = under("storms: [{from: 1h, lasts: 1h, lost: 1}]\n");
         EXPECT_EQ(deliveries(field, kStart, kStart + 1h, "delivery"), (std::set<std::string>{"sent"}));
         EXPECT_EQ(deliveries(field, kStart + 1h, kStart + 2h, "delivery"), (std::set<std::string>{"lost"}));
       }},
      {"storms[].lasts",
       [] {
         const auto field = under("storms: [{from: 1h, lasts: 1h, lost: 1}]\n");
         EXPECT_EQ(deliveries(field, kStart + 2h, kStart + 4h, "delivery"), (std::set<std::string>{"sent"}));
       }},
      {"storms[].lost",
       [] {
         EXPECT_EQ(under("storms: [{lasts: 1d, lost: 1}]\n").words("register", "delivery"), (std::set<std::string>{"lost"}));
       }},
      {"storms[].duplicated",
       [] {
         EXPECT_EQ(under("storms: [{lasts: 1d, duplicated: 1}]\n").words("register", "copies"), (std::set<std::string>{"2"}));
       }},
      {"storms[].late",
       [] { EXPECT_GE(under("storms: [{lasts: 1d, late: 1, late_by: 10h}]\n").under_way().front(), 10h); }},
      {"storms[].late_by", [] { EXPECT_GE(under("storms: [{lasts: 1d, late: 1}]\n").under_way().front(), 30min); }},
  };
  return kAll;
}

}  // namespace ami::fieldsim::effect
