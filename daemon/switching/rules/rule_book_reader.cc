#include "daemon/switching/rules/rule_book_reader.h"

#include <algorithm>
#include <array>
#include <utility>

#include "meter_model/approval/notice.h"

namespace ami::daemon::switching {
namespace {

constexpr std::array<std::string_view, 7> kWeekdays{"MONDAY", "TUESDAY",  "WEDNESDAY", "THURSDAY",
                                                    "FRIDAY", "SATURDAY", "SUNDAY"};
constexpr std::array<std::string_view, 4> kCustomers{"NOT_KNOWN", "RESIDENTIAL", "SMALL_BUSINESS", "OTHER"};
constexpr std::array<std::string_view, 5> kGates{"SEASON", "WEEKDAYS", "FORECAST", "FROZEN_DAY",
                                                 "HEAT_ADVISORY"};

// Keys of a gate beyond those of every kind, and the kinds that know them. Needed where they are known, but for
// those that stand in `kOptional`.
struct KeyOfKind {
  std::string_view key;
  std::vector<Gate::Kind> kinds;
  bool needed;
};
const std::vector<KeyOfKind>& keys_of_kinds() {
  using Kind = Gate::Kind;
  static const std::vector<KeyOfKind> kKeys{
      {"from", {Kind::Season}, true},
      {"to", {Kind::Season}, true},
      {"weekdays", {Kind::Weekdays}, true},
      {"holidays", {Kind::Weekdays}, false},
      {"holidays_known_until", {Kind::Weekdays}, false},
      {"day_before_holiday", {Kind::Weekdays}, false},
      {"low_at_most_f", {Kind::Forecast}, false},
      {"high_at_least_f", {Kind::Forecast}, false},
      {"high_at_most_f", {Kind::FrozenDay}, true},
      {"ahead", {Kind::Forecast, Kind::FrozenDay}, true},
      {"days_before", {Kind::HeatAdvisory}, true},
      {"stale_after", {Kind::Forecast, Kind::FrozenDay, Kind::HeatAdvisory}, true},
  };
  return kKeys;
}

}  // namespace

std::string_view name_of(CustomerClass customer) {
  return kCustomers.at(static_cast<std::size_t>(customer));
}
std::optional<CustomerClass> customer_class_from(std::string_view name) {
  const auto at = std::ranges::find(kCustomers, name);
  if (at == kCustomers.end()) return std::nullopt;
  return static_cast<CustomerClass>(at - kCustomers.begin());
}
std::string_view name_of(Gate::Kind kind) {
  return kGates.at(static_cast<std::size_t>(kind));
}

void RuleBookReader::problem(const sdk::Settings& at, std::string_view key, const std::string& message) {
  problems.push_back({at.file(), at.line(key), std::string(key) + ": " + message});
}

ReasonClasses RuleBookReader::classes(const sdk::Settings& at, std::string_view key) {
  ReasonClasses out;
  for (const std::string& word : at.list(key)) {
    const auto reason = reason_class_from(word);
    if (!reason) {
      problem(at, key, "'" + word + "' is no reason class");
    } else if (!out.insert(*reason).second) {
      problem(at, key, word + " is given twice");
    }
  }
  return out;
}

// Of everything but safety holds.
Binding RuleBookReader::binding(const sdk::Settings& at) {
  Binding out{classes(at, "binds"), classes(at, "fail_closed")};
  for (const ReasonClass reason : out.binds) {
    const std::string name(name_of(reason));
    if (free_of_protection(reason))
      problem(at, "binds", name + " is stopped by safety holds only: it saves a life, or is the way back");
    if (always_fails_closed(reason) && !out.fail_closed.contains(reason))
      problem(at, "binds", name + " must stand under fail_closed, too");
  }
  for (const ReasonClass reason : out.fail_closed) {
    if (!out.binds.contains(reason))
      problem(at, "fail_closed", std::string(name_of(reason)) + " does not stand under binds");
  }
  return out;
}

void RuleBookReader::terms(const sdk::Settings& root, RuleBook& book) {
  for (const sdk::Settings& one : root.sections("classes")) {
    const auto reason = reason_class_from(one.text("class"));
    if (!reason) continue;  // told already
    ClassTerms terms;
    for (const std::string& word : one.list("actions")) {
      if (const auto action = storage::switch_action_from(word)) {
        terms.actions.insert(*action);
      } else {
        problem(one, "actions", "'" + word + "' is not one of: OPEN, CLOSE, ARM");
      }
    }
    if (terms.actions.empty()) problem(one, "actions", "at least one is needed");
    if (one.has("on_behalf_of")) terms.on_behalf_of = one.boolean("on_behalf_of");
    if (one.has("programs")) terms.programs = one.boolean("programs");
    if (!book.classes.emplace(*reason, std::move(terms)).second)
      problem(one, "class", one.text("class") + " is given twice");
  }
  for (std::size_t i = 0; i < kReasonClasses; ++i) {
    const auto reason = static_cast<ReasonClass>(i);
    if (!book.classes.contains(reason)) problem(root, "classes", std::string(name_of(reason)) + " is missing");
  }
}

void RuleBookReader::rules(const sdk::Settings& root, RuleBook& book) {
  book.version = root.text("version");
  terms(root, book);
  if (root.has("safety_hold")) {
    const sdk::Settings& holds = root.section("safety_hold");
    book.holds = classes(holds, "binds");
    if (book.holds.size() != kReasonClasses)
      problem(holds, "binds", "a lock-out stops every class: all of them must stand here");
  }
  if (root.has("protected_lists")) {
    const sdk::Settings& lists = root.section("protected_lists");
    book.lists.binding = binding(lists);
    if (lists.has("stale_after"))
      book.lists.stale_after = std::chrono::duration_cast<std::chrono::seconds>(lists.duration("stale_after"));
    for (const std::string& word : lists.list("lists")) {
      if (const auto kind = storage::protected_kind_from(word)) {
        book.lists.lists.insert(*kind);
      } else {
        problem(lists, "lists", "'" + word + "' is not one of: MEDICAL, LIFE_SUPPORT, CRITICAL_CUSTOMER");
      }
    }
    if (book.lists.lists.empty()) problem(lists, "lists", "at least one is needed");
  }
  if (root.has("order_void")) {
    const sdk::Settings& voids = root.section("order_void");
    book.voids.binding = binding(voids);
    if (voids.has("stale_after"))
      book.voids.stale_after = std::chrono::duration_cast<std::chrono::seconds>(voids.duration("stale_after"));
  }
  if (root.has("jurisdiction_known")) book.place = binding(root.section("jurisdiction_known"));
}

void RuleBookReader::sites(const sdk::Settings& root, RuleBook& book) {
  for (const sdk::Settings& one : root.sections("utilities")) {
    const std::string &utility = one.text("utility"), &code = one.text("jurisdiction");
    if (utility.empty() || code.empty()) continue;
    if (!book.jurisdictions.contains(code)) problem(one, "jurisdiction", "'" + code + "' has no file");
    if (!book.jurisdiction_of.emplace(utility, code).second)
      problem(one, "utility", utility + " is given twice");
  }
}

Jurisdiction RuleBookReader::jurisdiction(const sdk::Settings& root) {
  Jurisdiction out;
  out.code = root.text("jurisdiction");
  out.name = root.text("name");
  out.version = root.text("version");
  for (const sdk::Settings& one : root.sections("sources")) {
    LawSource source{one.text("key"), one.text("text"), one.text("assumed")};
    if (std::ranges::find(out.sources, source.key, &LawSource::key) != out.sources.end())
      problem(one, "key", source.key + " is given twice");
    out.sources.push_back(std::move(source));
  }
  for (const sdk::Settings& one : root.sections("gates")) {
    Gate read = gate(one, out.sources);
    if (std::ranges::find(out.gates, read.name, &Gate::name) != out.gates.end())
      problem(one, "gate", read.name + " is given twice");
    out.gates.push_back(std::move(read));
  }
  return out;
}

Gate RuleBookReader::gate(const sdk::Settings& at, const std::vector<LawSource>& sources) {
  Gate out;
  out.name = at.text("gate");
  out.binding = binding(at);
  out.source = at.text("source");
  if (!out.source.empty() && std::ranges::find(sources, out.source, &LawSource::key) == sources.end())
    problem(at, "source", "'" + out.source + "' is no source of this file");
  for (const std::string& word : at.list("customers")) {
    const auto customer = customer_class_from(word);
    if (!customer || *customer == CustomerClass::NotKnown) {
      problem(at, "customers", "'" + word + "' is not one of: RESIDENTIAL, SMALL_BUSINESS, OTHER");
    } else {
      out.customers.insert(*customer);
    }
  }
  if (out.customers.empty()) problem(at, "customers", "at least one is needed");
  const auto kind = std::ranges::find(kGates, at.text("kind"));
  if (kind == kGates.end()) return out;  // told already
  out.kind = static_cast<Gate::Kind>(kind - kGates.begin());
  for (const KeyOfKind& one : keys_of_kinds()) {
    const bool known = std::ranges::find(one.kinds, out.kind) != one.kinds.end();
    if (at.has(one.key) && !known) problem(at, one.key, "a gate of kind " + std::string(*kind) + " knows it not");
    if (!at.has(one.key) && known && one.needed)
      problem(at, "kind", std::string(*kind) + " needs " + std::string(one.key));
  }
  season(at, out);
  weekdays(at, out);
  temperatures(at, out);
  if (at.has("ahead")) out.ahead = std::chrono::duration_cast<std::chrono::hours>(at.duration("ahead"));
  if (at.has("days_before")) out.days_before = static_cast<int>(at.integer("days_before"));
  if (at.has("stale_after"))
    out.stale_after = std::chrono::duration_cast<std::chrono::seconds>(at.duration("stale_after"));
  return out;
}

std::optional<std::chrono::month_day> RuleBookReader::day_of_year(const sdk::Settings& at, std::string_view key) {
  if (!at.has(key)) return std::nullopt;
  // A leap year, so that 02-29 is a day.
  const auto date = approval::parse_date("2024-" + at.text(key));
  if (date) return std::chrono::month_day{date->month(), date->day()};
  problem(at, key, "'" + at.text(key) + "' is no day of the year, as 11-15");
  return std::nullopt;
}

void RuleBookReader::season(const sdk::Settings& at, Gate& gate) {
  if (const auto day = day_of_year(at, "from")) gate.from = *day;
  if (const auto day = day_of_year(at, "to")) gate.to = *day;
}

void RuleBookReader::weekdays(const sdk::Settings& at, Gate& gate) {
  for (const std::string& word : at.list("weekdays")) {
    const auto day = std::ranges::find(kWeekdays, word);
    if (day == kWeekdays.end()) {
      problem(at, "weekdays", "'" + word + "' is not one of: MONDAY to SUNDAY");
    } else {
      gate.weekdays.insert(static_cast<unsigned>(day - kWeekdays.begin()) + 1);
    }
  }
  const auto no_day = [](const std::string& text) { return "'" + text + "' is no day, as 2026-11-15"; };
  for (const std::string& word : at.list("holidays")) {
    const auto date = approval::parse_date(word);
    if (!date) {
      problem(at, "holidays", no_day(word));
    } else if (!gate.holidays.insert(*date).second) {
      problem(at, "holidays", word + " is given twice");
    }
  }
  if (at.has("day_before_holiday")) gate.day_before_holiday = at.boolean("day_before_holiday");
  if (at.has("holidays_known_until")) {
    gate.holidays_known_until = approval::parse_date(at.text("holidays_known_until"));
    if (!gate.holidays_known_until)
      problem(at, "holidays_known_until", no_day(at.text("holidays_known_until")));
    else if (!gate.holidays.empty() && *gate.holidays.rbegin() > *gate.holidays_known_until)
      problem(at, "holidays_known_until", "a holiday stands behind it");
  } else if (!gate.holidays.empty()) {
    problem(at, "holidays", "holidays_known_until is needed: what comes later is not known");
  }
}

std::optional<Decimal> RuleBookReader::degrees(const sdk::Settings& at, std::string_view key) {
  if (!at.has(key)) return std::nullopt;
  const auto number = Decimal::parse(at.text(key));
  if (number && *number >= Decimal{-100, 0} && *number <= Decimal{150, 0}) return *number;
  problem(at, key, "'" + at.text(key) + "' is no temperature from -100 to 150 F");
  return std::nullopt;
}

void RuleBookReader::temperatures(const sdk::Settings& at, Gate& gate) {
  gate.low_at_most_f = degrees(at, "low_at_most_f");
  gate.high_at_least_f = degrees(at, "high_at_least_f");
  if (gate.kind == Gate::Kind::FrozenDay) gate.low_at_most_f = degrees(at, "high_at_most_f");
  if (gate.kind == Gate::Kind::Forecast && !gate.low_at_most_f && !gate.high_at_least_f)
    problem(at, "kind", "FORECAST needs low_at_most_f or high_at_least_f");
}

}  // namespace ami::daemon::switching
