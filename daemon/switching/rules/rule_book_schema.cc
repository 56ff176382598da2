// The keys of config/switching.
#include "daemon/switching/rules/rule_book_reader.h"

namespace ami::daemon::switching {
namespace {

using sdk::SettingDef;
using K = sdk::SettingKind;

SettingDef def(std::string key, K kind, std::string doc, std::string default_value = {}) {
  SettingDef d;
  d.key = std::move(key);
  d.kind = kind;
  d.doc = std::move(doc);
  d.default_value = std::move(default_value);
  return d;
}
SettingDef needed(SettingDef d) {
  d.required = true;
  return d;
}
SettingDef choice(std::string key, std::vector<std::string> choices, std::string doc) {
  SettingDef d = def(std::move(key), K::Choice, std::move(doc));
  d.choices = std::move(choices);
  return needed(std::move(d));
}
SettingDef several(std::string key, std::vector<SettingDef> parts, std::string doc) {
  SettingDef d = def(std::move(key), K::List, std::move(doc));
  d.section = std::move(parts);
  d.list_of_sections = true;
  return needed(std::move(d));
}
SettingDef section(std::string key, std::vector<SettingDef> parts, std::string doc) {
  SettingDef d = def(std::move(key), K::Section, std::move(doc));
  d.section = std::move(parts);
  return needed(std::move(d));
}
SettingDef within(SettingDef d, std::int64_t least, std::int64_t most) {
  d.min = least;
  d.max = most;
  return d;
}

constexpr std::int64_t kHourMs = 3'600'000;

SettingDef binds() {
  return needed(def("binds", K::List, "reason classes that it binds"));
}
SettingDef fail_closed() {
  return def("fail_closed", K::List, "of those, the classes that it refuses where what it needs is missing");
}
SettingDef stale_after() {
  return within(def("stale_after", K::Duration, "older counts as missing"), 1, 744 * kHourMs);
}

std::vector<std::string> class_names() {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < kReasonClasses; ++i)
    out.emplace_back(name_of(static_cast<ReasonClass>(i)));
  return out;
}

}  // namespace

sdk::SettingsSchema rules_schema() {
  return {"rules.yaml",
          {
              needed(def("version", K::Text, "changes with every change of the file")),
              several("classes",
                      {
                          choice("class", class_names(), "a reason class; each stands here once"),
                          needed(def("actions", K::List, "of OPEN, CLOSE, ARM")),
                          def("on_behalf_of", K::Boolean, "it must say for whom it is done", "false"),
                          def("programs", K::Boolean, "may be asked for by a program", "true"),
                      },
                      "what each reason class permits"),
              section("safety_hold", {binds()}, "lock-outs"),
              section("protected_lists",
                      {needed(def("lists", K::List, "lists that must be there")), needed(stale_after()), binds(),
                       fail_closed()},
                      "who must not be cut off"),
              section("order_void", {needed(stale_after()), binds(), fail_closed()},
                      "news of the account that void an order"),
              section("jurisdiction_known", {binds(), fail_closed()}, "nobody has said which law holds"),
          }};
}

sdk::SettingsSchema sites_schema() {
  return {"sites.yaml",
          {several("utilities",
                   {needed(def("utility", K::Text, "key of the utility")),
                    needed(def("jurisdiction", K::Text, "code of a file in jurisdictions/"))},
                   "which law holds for a utility")}};
}

sdk::SettingsSchema jurisdiction_schema() {
  return {
      "jurisdictions/*.yaml",
      {
          needed(def("jurisdiction", K::Text, "code, such as CA-ON")),
          needed(def("name", K::Text, "for a person")),
          needed(def("version", K::Text, "changes with every change of the file")),
          several("sources",
                  {needed(def("key", K::Text, "how gates name it")),
                   needed(def("text", K::Text, "where it stands and what it says")),
                   def("assumed", K::Text, "what a site must confirm")},
                  "where the gates come from"),
          several("gates",
                  {
                      needed(def("gate", K::Text, "stable word that a refusal tells")),
                      choice("kind", {"SEASON", "WEEKDAYS", "FORECAST", "FROZEN_DAY", "HEAT_ADVISORY"},
                             "what closes it"),
                      binds(),
                      fail_closed(),
                      needed(def("customers", K::List, "of RESIDENTIAL, SMALL_BUSINESS, OTHER")),
                      needed(def("source", K::Text, "key of a source")),
                      def("from", K::Text, "SEASON: first day, MM-DD"),
                      def("to", K::Text, "SEASON: last day, MM-DD"),
                      def("weekdays", K::List, "WEEKDAYS: MONDAY to SUNDAY"),
                      def("holidays", K::List, "WEEKDAYS: days, YYYY-MM-DD"),
                      def("holidays_known_until", K::Text, "WEEKDAYS: what comes later is not known"),
                      def("day_before_holiday", K::Boolean, "WEEKDAYS: closed on that day, too"),
                      def("low_at_most_f", K::Text, "FORECAST: degrees Fahrenheit"),
                      def("high_at_least_f", K::Text, "FORECAST: degrees Fahrenheit"),
                      def("high_at_most_f", K::Text, "FROZEN_DAY: degrees Fahrenheit"),
                      within(def("ahead", K::Duration, "FORECAST, FROZEN_DAY: hours to come"), kHourMs,
                             240 * kHourMs),
                      within(def("days_before", K::Integer, "HEAT_ADVISORY: days that count besides today"), 0, 7),
                      stale_after(),
                  },
                  "in the order of looking"),
      }};
}

}  // namespace ami::daemon::switching
