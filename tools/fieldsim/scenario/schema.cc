// Every key of a scenario.
#include <algorithm>
#include <iterator>
#include <map>

#include "tools/fieldsim/scenario/scenario.h"

namespace ami::fieldsim {
namespace {

using sdk::SettingDef;
using sdk::SettingKind;

SettingDef text(std::string key, std::string doc, std::string otherwise = {}) {
  SettingDef def;
  def.key = std::move(key);
  def.doc = std::move(doc);
  def.default_value = std::move(otherwise);
  return def;
}
SettingDef typed(SettingKind kind, std::string key, std::string doc, std::string otherwise = {}) {
  SettingDef def = text(std::move(key), std::move(doc), std::move(otherwise));
  def.kind = kind;
  return def;
}
SettingDef whole(std::string key, std::int64_t least, std::int64_t most, std::string doc,
                 std::string otherwise = {}) {
  SettingDef def = typed(SettingKind::Integer, std::move(key), std::move(doc), std::move(otherwise));
  def.min = least;
  def.max = most;
  return def;
}
SettingDef span(std::string key, std::string doc, std::string otherwise = {}) {
  return typed(SettingKind::Duration, std::move(key), std::move(doc), std::move(otherwise));
}
SettingDef section(std::string key, std::string doc, std::vector<SettingDef> inner) {
  SettingDef def = typed(SettingKind::Section, std::move(key), std::move(doc));
  def.section = std::move(inner);
  return def;
}
SettingDef sections(std::string key, std::string doc, std::vector<SettingDef> inner) {
  SettingDef def = typed(SettingKind::List, std::move(key), std::move(doc));
  def.section = std::move(inner);
  def.list_of_sections = true;
  return def;
}
SettingDef required(SettingDef def) {
  def.required = true;
  return def;
}

std::vector<SettingDef> misfortunes() {
  return {text("lost", "Share of the messages that are never sent.", "0"),
          text("duplicated", "Share of the messages that are sent twice.", "0"),
          text("late", "Share of the messages that are held back by late_by.", "0"),
          span("late_by", "How long those are held back beyond their latency.", "30m")};
}

std::vector<SettingDef> joined(std::vector<SettingDef> all, std::vector<SettingDef> more) {
  std::ranges::move(more, std::back_inserter(all));
  return all;
}

// What the families that have this key mean by it, and what it is where a scenario says nothing.
std::string meanings(std::span<const NetworkKind> networks, std::string_view key) {
  std::map<std::string, std::string> families;  // by meaning
  for (const NetworkKind& kind : networks) {
    for (const OwnKey& own : kind.own_keys) {
      if (own.name != key) continue;
      std::string meaning(own.meaning);
      if (!own.default_value.empty()) meaning += " Unless given: " + std::string(own.default_value) + ".";
      std::string& of = families[meaning];
      of += (of.empty() ? "" : ", ") + std::string(kind.family);
    }
  }
  std::string all;
  for (const auto& [meaning, of] : families) all += (all.empty() ? "" : " ") + of + ": " + meaning;
  return all;
}

std::vector<SettingDef> network_keys(std::span<const NetworkKind> networks) {
  std::vector<std::string> families;
  for (const NetworkKind& kind : networks) families.emplace_back(kind.family);
  SettingDef family = required(typed(SettingKind::Choice, "family", "Which network it is."));
  family.choices = families;
  std::vector<SettingDef> keys{
      family,
      text("name", "Its name in ledger and log; the family's unless given."),
      required(whole("meters", 1, 1'000'000, "How many virtual meters it has.")),
      typed(SettingKind::List, "models",
            "Models of notice AE-1641 that are drawn evenly; \"FOCUS AXR-SD\" alone unless given."),
      span("report_every", "How often the network says what its meters said, in simulated time.", "15m"),
      whole("batch", 1, 10'000, "Meters in one message, where the format has several.", "100"),
      typed(SettingKind::Zone, "zone", "Civil time of its files and messages.", "UTC"),
      section("latency", "From what is ready to what is sent; unless given, as the family has it.",
              {required(span("least", "Shortest.")), required(span("most", "Longest but for the tail.")),
               text("tail_share", "Share of the messages that take longer.", "0"),
               span("tail_most", "How long those may take.", "0s")})};
  keys = joined(std::move(keys), misfortunes());
  for (const NetworkKind& kind : networks) {
    for (const OwnKey& own : kind.own_keys) {
      if (std::ranges::find(keys, own.name, &SettingDef::key) == keys.end())
        keys.push_back(text(std::string(own.name), meanings(networks, own.name)));
    }
  }
  return keys;
}

}  // namespace

sdk::SettingsSchema scenario_schema(std::span<const NetworkKind> networks) {
  SettingDef fault = required(typed(SettingKind::Choice, "fault", "Which fault."));
  for (const virtual_meter::FaultInfo& info : virtual_meter::all_faults()) {
    if (info.kind != virtual_meter::FaultKind::Crossed) fault.choices.emplace_back(info.name);
  }
  const auto where = text("network", "Name of the network; any meter of the field unless given.");
  const auto networks_of = typed(SettingKind::List, "networks", "Names of the networks; all unless given.");
  const auto from = span("from", "When it begins, since the start.", "0s");
  const auto lasts = required(span("lasts", "How long it lasts."));
  return {
      "Field scenario",
      {whole("seed", 0, INT64_MAX, "All that is random follows from it.", "1"),
       text("start", "Instant at which simulated time begins, as 2026-03-08T05:00:00Z; not in the future."),
       span("start_ago", "Instead of start: so long before now, cut to the hour."),
       span("length", "The run ends after so much simulated time; without it, when it is stopped."),
       text("time_factor", "Simulated seconds in one of the machine's: 1440 is a day in a minute.", "60"),
       typed(SettingKind::Zone, "zone", "Civil time where the meters stand.", "America/Toronto"),
       span("history", "How long a network can be asked again for what it has told.", "6h"),
       text("ledger", "File of the ledger of truth.", "ledger.jsonl"),
       text("books", "File with the fleet for `amictl meters import`.", "meters.csv"),
       text("ports", "File with the ports that the networks listen on.", "ports.json"),
       text("page", "Address of the page that shows the field, as 127.0.0.1:8090; none unless given."),
       section("programme", "How every meter is programmed.",
               {span("interval", "Of the recorder; divides a day.", "15m"),
                text("ke_wh", "Wh of a recorder's pulse.", "1.2"),
                whole("digits", 1, 9, "Of the energy registers, in all.", "8"),
                whole("decimals", 0, 8, "Of the energy registers.", "2"),
                typed(SettingKind::Boolean, "received", "Whether received energy has a channel.", "true"),
                typed(SettingKind::Boolean, "tiers", "Whether three tiers of time of use are counted.",
                      "false")}),
       section("fleet", "What the meters measure.",
               {text("solar_share", "Share of the meters with solar panels.", "0.1"),
                text("business_share", "Share of the meters of small businesses.", "0.1"),
                text("drift_ppm", "Clocks drift by up to so much, either way; 0 to 1000.", "0")}),
       required(sections("networks", "The networks.", network_keys(networks))),
       sections("faults", "Faults of meters.",
                {fault, where,
                 whole("meters", 1, 1'000'000, "How many meters have it, drawn among those that can.", "1"),
                 typed(SettingKind::List, "names", "These meters have it, instead of drawn ones."), from,
                 lasts, text("amount", "How much; what it means follows from the fault.", "0")}),
       sections("crossed", "Pairs of meters that answer for each other.",
                {required(text("network", "Name of the network.")),
                 whole("pairs", 1, 100'000, "How many pairs.", "1"), from, lasts}),
       sections("exchanges", "Meters that are exchanged, each for a new one that is otherwise like it.",
                {where, whole("meters", 1, 100'000, "How many, drawn among those that no other meter is crossed with.", "1"),
                 typed(SettingKind::List, "names", "These meters, instead of drawn ones."),
                 required(span("at", "When, since the start: 637m is 10:37 of a day that starts at midnight."))}),
       sections("outages", "Waves of outages.",
                {networks_of, text("share", "Share of the meters that each wave hits.", "0.1"),
                 span("at", "When the first wave begins, since the start.", "0s"),
                 span("spread", "Within this time the meters of a wave go dark.", "10m"),
                 required(span("lasts", "How long a meter is dark: half to one and a half of it.")),
                 whole("waves", 1, 1'000, "How many waves.", "1"),
                 span("every", "From one wave to the next.", "1h")}),
       sections("storms", "Times in which messages fare worse than usual.",
                joined({networks_of, from, lasts}, misfortunes()))}};
}

}  // namespace ami::fieldsim
