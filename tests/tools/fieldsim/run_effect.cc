// The run, its meters, its networks.
#include <gmock/gmock.h>

#include <algorithm>
#include <numeric>

#include "tests/tools/fieldsim/scenario_effect.h"

namespace ami::fieldsim::effect {

ToldField told(const Field& of) {
  const std::string more = of.network.empty() ? "" : ", " + of.network;
  return ToldField(of.head + of.top + "networks:\n  - {" + of.family + more + "}\n");
}
ToldField with(const std::string& network) {
  return told({"", network});
}
ToldField under(const std::string& top) {
  return told({top, ""});
}
const ToldField& plain() {
  static const ToldField kPlain = told({});
  return kPlain;
}
ToldField meters(int count, const std::string& top) {
  Field of{top, ""};
  of.family = "family: gridstream, meters: " + std::to_string(count) + ", callback: \"@CALLBACK@\"";
  return told(of);
}
ToldField both(const std::string& top) {
  Field of{top, ""};
  of.family += "}\n  - {family: ts2, meters: 2, report_every: 1h, callback: \"@CALLBACK@\"";
  return told(of);
}
std::set<UtcInstant> instants(const ToldField& field, const char* kind, const char* key) {
  std::set<UtcInstant> all;
  for (const auto& line : field.of(kind)) all.insert(ToldField::instant(line, key));
  return all;
}

namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

Decimal sum(const std::vector<Decimal>& values) {
  return std::accumulate(values.begin(), values.end(), Decimal{},
                         [](const Decimal& a, const Decimal& b) { return a.plus(b).value(); });
}
std::chrono::microseconds middle(const ToldField& field) {
  const auto spans = field.under_way();
  return spans.at(spans.size() / 2);
}
// Tiers that went on from the first reading to the last.
std::set<std::string> moving_tiers(const ToldField& field) {
  std::map<std::string, std::set<std::string>> values;
  for (const auto& line : field.of("register")) {
    if (ToldField::text(line, "channel").starts_with("TOU:"))
      values[ToldField::text(line, "channel")].insert(ToldField::text(line, "value"));
  }
  std::set<std::string> moving;
  for (const auto& [channel, of] : values) {
    if (of.size() > 2) moving.insert(channel);
  }
  return moving;
}
// Meters whose names begin so.
long ported(const ToldField& field, const char* prefix) {
  const auto names = field.words("register", "meter");
  return std::ranges::count_if(names, [&](const std::string& name) { return name.starts_with(prefix); });
}

}  // namespace

const std::vector<Case>& of_the_run() {
  static const std::vector<Case> kAll{
      {"seed",
       [] {
         Field of;
         of.head.replace(of.head.find("seed: 5"), 7, "seed: 6");
         EXPECT_NE(told(of).dials(), plain().dials());
       }},
      {"start", [] { EXPECT_EQ(plain().dials().begin()->second.begin()->first, kStart + 15min); }},
      {"start_ago",
       [] {
         Field of;
         of.head = "start_ago: 2d\nlength: 1h\ntime_factor: 100000\n";
         const UtcInstant first = told(of).dials().begin()->second.begin()->first;
         const auto ago = std::chrono::system_clock::now() - first;
         EXPECT_GT(ago, 47h);
         EXPECT_LT(ago, 50h);
       }},
      {"length",
       [] {
         Field of;
         of.head.replace(of.head.find("length: 3h"), 10, "length: 1h");
         EXPECT_EQ(told(of).dials().begin()->second.rbegin()->first, kStart + 1h);
         EXPECT_EQ(plain().dials().begin()->second.rbegin()->first, kStart + 3h);
       }},
      {"time_factor",
       [] {
         Field of;
         of.head.replace(of.head.find("100000"), 6, "50000");
         EXPECT_EQ(told(of).words("run", "time_factor"), (std::set<std::string>{"50000"}));
       }},
      {"zone",
       [] {
         // From midnight to three, and from two to five in the afternoon, of the same Monday.
         const auto night = moving_tiers(under("programme: {tiers: true}\n"));
         const auto day = moving_tiers(under("zone: Asia/Tokyo\nprogramme: {tiers: true}\n"));
         EXPECT_THAT(night, Not(IsEmpty()));
         EXPECT_NE(night, day);
       }},
      {"ledger", [] { EXPECT_THAT(under("ledger: my.jsonl\n").file("my.jsonl"), HasSubstr("\"kind\":\"end\"")); }},
      {"books", [] { EXPECT_THAT(under("books: my.csv\n").file("my.csv"), HasSubstr("GS00000001")); }},
      {"ports", [] { EXPECT_THAT(under("ports: my.json\n").file("my.json"), HasSubstr("gridstream")); }},
      {"page", [] { EXPECT_THAT(under("page: \"127.0.0.1:0\"\n").file("ports.json"), HasSubstr("\"page\": ")); }},
      {"programme.interval",
       [] {
         EXPECT_EQ(plain().words("interval_block", "length_s"), (std::set<std::string>{"900"}));
         EXPECT_EQ(under("programme: {interval: 30m}\n").words("interval_block", "length_s"),
                   (std::set<std::string>{"1800"}));
       }},
      {"programme.ke_wh",
       [] {
         for (const Decimal& wh : under("programme: {ke_wh: 7}\n").intervals())
           EXPECT_EQ(wh.mantissa_at(0).value() % 7, 0) << wh.to_string();
       }},
      {"programme.digits",
       [] {
         const auto least = [](const ToldField& field) {
           Decimal most{};
           for (const auto& [meter, dial] : field.dials()) most = std::max(most, dial.rbegin()->second);
           return most;
         };
         EXPECT_GT(least(plain()), (Decimal{1'000'000, 0})) << "1000 kWh and more";
         EXPECT_LT(least(under("programme: {digits: 5}\n")), (Decimal{1'000'000, 0})) << "999.99 kWh at most";
       }},
      {"programme.decimals",
       [] {
         for (const auto& [meter, dial] : under("programme: {decimals: 0}\n").dials()) {
           for (const auto& [at, wh] : dial) EXPECT_EQ(wh.mantissa_at(0).value() % 1000, 0);
         }
       }},
      {"programme.received",
       [] {
         EXPECT_FALSE(plain().intervals(true).empty());
         EXPECT_TRUE(under("programme: {received: false}\nfleet: {solar_share: 0}\n").intervals(true).empty());
       }},
      {"programme.tiers",
       [] {
         EXPECT_THAT(plain().words("register", "channel"), Not(Contains("TOU:A:kWh")));
         EXPECT_THAT(under("programme: {tiers: true}\n").words("register", "channel"), Contains("TOU:A:kWh"));
       }},
      {"fleet.solar_share",
       [] {
         Field of{"fleet: {solar_share: 0}\n", ""};
         of.head.replace(of.head.find("01-15T05"), 8, "06-15T15");
         EXPECT_EQ(sum(told(of).intervals(true)), Decimal{});
         of.top = "fleet: {solar_share: 1}\n";
         EXPECT_GT(sum(told(of).intervals(true)), Decimal{});
       }},
      {"fleet.business_share",
       [] {
         EXPECT_GT(sum(meters(9, "fleet: {business_share: 1}\n").intervals()),
                   sum(meters(9, "fleet: {business_share: 0}\n").intervals()));
       }},
      {"fleet.drift_ppm",
       [] {
         const auto on_the_minute = [](const ToldField& field) {
           return std::ranges::all_of(instants(field, "register", "at"), [](UtcInstant at) {
             return at == std::chrono::floor<std::chrono::minutes>(at);
           });
         };
         // 1000 ppm of three hours are eleven seconds.
         const std::string rest = "networks:\n  - {family: ts2, meters: 9, callback: \"@CALLBACK@\"}\n";
         EXPECT_TRUE(on_the_minute(ToldField(Field().head + "programme: {tiers: true}\n" + rest)));
         EXPECT_FALSE(on_the_minute(ToldField(Field().head + "fleet: {drift_ppm: 1000}\n" + rest)));
       }},
  };
  return kAll;
}

const std::vector<Case>& of_networks() {
  static const std::vector<Case> kAll{
      {"networks[].family",
       [] { EXPECT_EQ(both("").words("network", "family"), (std::set<std::string>{"gridstream", "ts2"})); }},
      {"networks[].name",
       [] { EXPECT_EQ(with("name: north").words("register", "network"), (std::set<std::string>{"north"})); }},
      {"networks[].meters", [] { EXPECT_EQ(meters(5, "").words("register", "meter").size(), 5U); }},
      {"networks[].models",
       [] { EXPECT_THAT(with("models: [FOCUS AX]").of("interval_block"), IsEmpty()) << "no recorder"; }},
      {"networks[].report_every",
       [] {
         EXPECT_EQ(instants(with("report_every: 1h"), "register", "at"),
                   (std::set<UtcInstant>{kStart + 1h, kStart + 2h, kStart + 3h}));
       }},
      {"networks[].batch",
       [] {
         EXPECT_EQ(plain().words("register", "message").size(), 12U) << "one a report";
         EXPECT_EQ(with("batch: 1").words("register", "message").size(), 24U) << "one a meter";
       }},
      {"networks[].latency.least",
       [] {
         EXPECT_LT(plain().under_way().front(), 10h);
         EXPECT_GE(with("latency: {least: 10h, most: 10h}").under_way().front(), 10h);
       }},
      {"networks[].latency.most",
       [] {
         EXPECT_LT(middle(plain()), 5h);
         EXPECT_GE(with("latency: {least: 0s, most: 10h}").under_way().back(), 5h);
       }},
      {"networks[].latency.tail_share",
       [] { EXPECT_LT(middle(with("latency: {least: 0s, most: 0s, tail_share: 0, tail_most: 20h}")), 5h); }},
      {"networks[].latency.tail_most",
       [] {
         EXPECT_GE(with("latency: {least: 0s, most: 0s, tail_share: 1, tail_most: 20h}").under_way().back(), 10h);
       }},
      {"networks[].lost",
       [] {
         EXPECT_EQ(plain().words("register", "delivery"), (std::set<std::string>{"sent"}));
         EXPECT_EQ(with("lost: 1").words("register", "delivery"), (std::set<std::string>{"lost"}));
       }},
      {"networks[].duplicated",
       [] {
         EXPECT_EQ(plain().words("register", "copies"), (std::set<std::string>{"1"}));
         EXPECT_EQ(with("duplicated: 1").words("register", "copies"), (std::set<std::string>{"2"}));
       }},
      {"networks[].late", [] { EXPECT_GE(with("late: 1, late_by: 10h").under_way().front(), 10h); }},
      {"networks[].late_by",
       [] {
         const auto half = with("late: 1").under_way();
         EXPECT_GE(half.front(), 30min) << "unless it says otherwise";
         EXPECT_LT(half.front(), 10h);
       }},
      {"networks[].callback",
       [] {
         Field of;
         of.family = "family: gridstream, meters: 2";
         EXPECT_THAT(told(of).of("register"), IsEmpty()) << "nobody is told";
       }},
      {"networks[].registers_every",
       [] {
         const ToldField field = with("registers_every: 1h");
         EXPECT_EQ(instants(field, "register", "at").size(), 3U);
         EXPECT_EQ(instants(field, "interval_block", "start").size(), 12U);
       }},
      {"networks[].intervals",
       [] {
         EXPECT_FALSE(plain().of("interval_block").empty());
         EXPECT_TRUE(with("intervals: false").of("interval_block").empty());
       }},
      {"networks[].files",
       [] {
         EXPECT_THAT(with("lost: 1, catch_up: 1h").words("register", "via"), Not(Contains("file")));
         EXPECT_THAT(with("lost: 1, files: drop, catch_up: 1h").words("register", "via"), Contains("file"));
       }},
      {"networks[].catch_up",
       [] {
         EXPECT_THAT(with("lost: 1, files: drop, catch_up: 12h").words("register", "via"), Not(Contains("file")));
       }},
      {"networks[].cim",
       [] {
         const std::string dark = "outages: [{share: 1, lasts: 1h}]\n";
         EXPECT_THAT(told({dark, "cim: \"@CALLBACK@\""}).words("event", "message"), Each(HasSubstr("-cim-")));
         EXPECT_THAT(under(dark).words("event", "message"), Not(Contains(HasSubstr("-cim-"))));
       }},
      {"networks[].folder",
       [] {
         Field of;
         of.family = "family: ssn, meters: 1, folder: other";
         const ToldField field = told(of);
         EXPECT_FALSE(std::filesystem::is_empty(field.folder() / "other"));
         EXPECT_EQ(field.words("register", "via"), (std::set<std::string>{"file"}));
       }},
      {"networks[].water",
       [] {
         Field of;
         of.family = "family: twacs, meters: 1, water: 9, ports_folder: drop, ports_every: 1h";
         EXPECT_GT(ported(told(of), "WT"), 1) << "some are not heard in three hours";
       }},
      {"networks[].gas",
       [] {
         Field of;
         of.family = "family: twacs, meters: 1, gas: 9, ports_folder: drop, ports_every: 1h";
         EXPECT_GT(ported(told(of), "GT"), 1);
       }},
      {"networks[].ports_folder",
       [] {
         Field of;
         of.family = "family: twacs, meters: 1, gas: 1, ports_folder: other, ports_every: 1h";
         EXPECT_FALSE(std::filesystem::is_empty(told(of).folder() / "other"));
       }},
      {"networks[].ports_every",
       [] {
         Field of;
         of.family = "family: twacs, meters: 1, water: 1, ports_folder: drop, ports_every: ";
         const auto files = [&of](const char* every) {
           Field with = of;
           with.family += every;
           return told(with).words("register", "message").size();
         };
         EXPECT_GT(files("15m"), files("1h"));
       }},
  };
  return kAll;
}

}  // namespace ami::fieldsim::effect
