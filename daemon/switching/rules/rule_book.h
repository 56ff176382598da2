// What forbids a switch operation, as data: config/switching, read by load_rule_book (rule_book_yaml.h).
// Values; immutable in use, so any thread may share one. What the keys mean: docs/switching-policy.md
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/switching/rules/reason_class.h"
#include "meter_model/quantity/decimal.h"
#include "storage/contract/protected_lists.h"
#include "storage/contract/switching.h"

namespace ami::daemon::switching {

using storage::ProtectedKind;
using storage::SwitchAction;

enum class CustomerClass : std::uint8_t {
  NotKnown,  // counts as RESIDENTIAL, which is protected most
  Residential,
  SmallBusiness,
  Other,
};
std::string_view name_of(CustomerClass customer);  // "RESIDENTIAL"
std::optional<CustomerClass> customer_class_from(std::string_view name);

// What a reason class permits and asks for.
struct ClassTerms {
  std::set<SwitchAction> actions;
  bool on_behalf_of = false;  // it must say for whom it is done
  bool programs = true;       // may be asked for by a program
};

// Which classes a rule binds, and which of them it refuses where what it needs is missing or stale.
struct Binding {
  ReasonClasses binds, fail_closed;
};

struct ListRule {
  Binding binding;
  std::set<ProtectedKind> lists;  // each must be there, and fresh
  std::chrono::seconds stale_after{};
};

// Payment, move-in or a medical flag after the order was made voids it.
struct VoidRule {
  Binding binding;
  std::chrono::seconds stale_after{};  // of the news of the account
};

// Where a gate comes from.
struct LawSource {
  std::string key, text;
  std::string assumed;  // not empty: what a site must confirm
};

// A gate of a jurisdiction closes at times or in weather. All refer to the usage point's own zone.
struct Gate {
  enum class Kind : std::uint8_t {
    Season,       // from one day of the year to another, both inclusive; may pass over New Year
    Weekdays,     // on these days, on holidays, and on the day before a holiday
    Forecast,     // a low at or below, or a high at or above, within the hours to come
    FrozenDay,    // yesterday's high at or below, and forecast to stay so for the hours to come
    HeatAdvisory  // one in force today or on one of so many days before
  };
  std::string name;  // stable word: "ON_WINTER"
  Kind kind = Kind::Season;
  Binding binding;
  std::set<CustomerClass> customers;  // never NotKnown
  std::string source;                 // key
  std::chrono::month_day from{}, to{};  // Season
  std::set<unsigned> weekdays;          // Weekdays: ISO, Monday = 1
  std::set<std::chrono::year_month_day> holidays;
  std::optional<std::chrono::year_month_day> holidays_known_until;
  bool day_before_holiday = false;
  std::optional<Decimal> low_at_most_f, high_at_least_f;  // degrees Fahrenheit
  std::chrono::hours ahead{0};
  int days_before = 0;
  std::chrono::seconds stale_after{};  // of observation and forecast
};
std::string_view name_of(Gate::Kind kind);  // "SEASON", "WEEKDAYS", "FORECAST", "FROZEN_DAY", "HEAT_ADVISORY"

struct Jurisdiction {
  std::string code;  // "CA-ON"
  std::string name, version;
  std::vector<LawSource> sources;
  std::vector<Gate> gates;  // in the order of the file
};

struct RuleBook {
  std::string version;
  std::map<ReasonClass, ClassTerms> classes;  // all of them
  ReasonClasses holds;                        // bound by safety holds: all of them
  ListRule lists;
  VoidRule voids;
  Binding place;  // refused where the jurisdiction is not known
  std::map<std::string, Jurisdiction, std::less<>> jurisdictions;  // by code
  std::map<std::string, std::string, std::less<>> jurisdiction_of;  // by key of the utility
};

}  // namespace ami::daemon::switching
