// Asset data: utilities, usage points, meters, their names and where they were installed when. All
// effective-dated; periods are [from, to) in UTC. Blocking, thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "meter_model/normaliser/reading.h"
#include "meter_model/quantity/decimal.h"
#include "storage/postgres/database.h"
#include "storage/postgres/refusal.h"

namespace ami::storage {

using UtilityId = std::int32_t;
using UsagePointId = std::int64_t;

struct Period {
  UtcInstant from = UtcInstant::min();  // min = since ever
  UtcInstant to = UtcInstant::max();    // exclusive; max = open
  [[nodiscard]] bool contains(UtcInstant at) const { return from <= at && at < to; }
  bool operator==(const Period&) const = default;
};

struct Utility {
  UtilityId id = 0;
  std::string key;                    // "u" of utilities/u
  std::string zone;                   // IANA
  std::optional<std::string> notice;  // type approval notice that binds it, e.g. "AE-1641"; nullopt = none
};

struct UsagePointDetail {
  Period valid;
  std::string zone;  // IANA; empty = the utility's
  std::string feeder, transformer;
  std::string commodity;  // "electricity", "water", "gas"; empty = not said
  std::string substation{};
  std::string collector{};  // network equipment that its meter is reached through, as planned
};
struct UsagePoint {
  UsagePointId id = 0;
  UtilityId utility = 0;
  std::string key;                        // "p" of utilities/u/usagePoints/p
  std::vector<UsagePointDetail> details;  // by time; last = newest
};

struct MeterDetail {
  Period valid;
  std::string model, form;  // "AX-SD", "2S"
  std::string elements;     // "1" or "1.5" (a 2S meter has one and a half); empty = not known. numeric in SQL
  std::optional<int> wires;
  std::string class_a;  // "200"
  std::string firmware;
  std::string firmware_source;            // where we know the firmware from; empty = unknown
  std::optional<UtcInstant> firmware_at;  // and from when
};
struct Alias {
  std::string feed;  // the feed that uses it; empty = every feed of the utility
  AliasKind kind = AliasKind::Badge;
  std::string value;
  Period valid;
};
struct Meter {
  MeterId id = 0;
  UtilityId utility = 0;
  std::string key;                   // "m" of utilities/u/meters/m
  std::vector<MeterDetail> details;  // by time
  std::vector<Alias> aliases;        // by kind, value, time
};

// The communication module in a meter. Its serial is an alias.
struct FittedModule {
  Period valid;
  std::string key;           // what the utility's notice calls it: "SSN"; without a notice as `module`
  std::string module;        // as it was said; empty = none is fitted
  std::string board;         // interface board beside it, "EMTR-3-FX"; empty = none known
  bool breaks_seal = false;  // fitting it broke the meter's seal
  std::string han{};         // its radio into the home: "ZIGBEE", "NONE"; empty = not known
};
// One statement about a verification. Of a seal date the newest counts.
struct SealRecord {
  std::chrono::year_month_day seal_date{};  // in the utility's zone
  std::string certificate;
  std::string lot;              // empty = verified by itself
  std::optional<int> due_year;  // last year of the period; nullopt only when withdrawn
  bool withdrawn = false;
  UtcInstant recorded_at{};
  std::string recorded_by;
};
// All that type approval and verification of a meter are judged from.
struct MeterFacts {
  std::vector<MeterDetail> details;   // by time
  std::vector<FittedModule> modules;  // by time
  std::vector<SealRecord> seals;      // by seal date, then as they were recorded
};
// What is together in a meter at one moment; what is not known then is empty.
struct Fitted {
  MeterDetail detail;
  FittedModule module;
};
// Why something may not be; judged inside the transaction that would store it.
struct Exclusion {
  std::string message;  // for a person
  Rule rule;
};
using FittedCheck =
    std::function<std::optional<Exclusion>(const Fitted&, UtcInstant at)>;  // nullopt = it may be

// A dial at the moment of installing or removing.
struct DialRead {
  std::string reading_type;
  Decimal value;
};
struct Installation {
  std::int64_t id = 0;
  UtilityId utility = 0;
  MeterId meter = 0;
  std::string meter_key;
  UsagePointId usage_point = 0;
  std::string usage_point_key;
  Period valid;
  Decimal multiplier{1, 0};
  std::string order_id;  // of the change that began it
  std::vector<DialRead> start_reads, end_reads;
};

struct PageRequest {
  std::size_t size = 100;  // 1 … 1000; others are clamped
  std::string token;       // opaque, from the page before; empty = first
};
template <class T>
struct PageOf {
  std::vector<T> items;
  std::string next_token;  // empty = last page
};

// One line of an import. Empty text = not said. A meter with a usage point is installed there from
// valid_from; the usage point is made when it is missing.
struct ImportRow {
  std::string meter;  // key
  std::string model, form, class_a, firmware;
  std::string elements;  // "1" or "1.5" (a 2S meter has one and a half); empty = not known. numeric in SQL
  std::optional<int> wires;
  std::string badge, manufacturer_serial, module, vendor_control, mac, cis;
  std::string alias_feed;  // feed of all aliases of this row; empty = every feed
  std::string usage_point, zone, feeder, transformer, commodity;
  Decimal multiplier{1, 0};
  UtcInstant valid_from{};
  std::string module_key, module_type, board, han;  // as in FittedModule; empty type = not said
  std::string substation{}, collector{};            // of the usage point
};
struct ImportProblem {
  std::size_t row = 0;  // index into the rows given
  std::string field;
  std::string message;
  std::string rule{};  // of a check that was handed in
};
struct ImportReport {
  bool stored = false;                  // false with problems or on a dry run: then nothing at all was stored
  std::size_t created = 0;              // meters
  std::size_t unchanged = 0;            // rows that say what is known already
  std::size_t installed = 0;            // new installations
  std::size_t excluded = 0;             // rows that the check excludes, stored all the same
  std::vector<ImportProblem> problems;  // by row; at most 1000, problem_count counts all
  std::size_t problem_count = 0;
};

struct InstallRequest {
  UtilityId utility = 0;
  std::string meter, usage_point;  // keys
  UtcInstant at{};
  Decimal multiplier{1, 0};
  std::string order_id;
  std::vector<DialRead> start_reads;
  FittedCheck check{};  // of what is in the meter at `at`; empty = anything may be installed
};
// What of a meter changes at one moment, from valid.from on.
// What is said of the radio of the module that is there at `at`: no swap.
struct HanOption {
  std::string radio;  // as FittedModule::han
  UtcInstant at{};
};
struct MeterChange {
  std::optional<MeterDetail> detail;
  std::optional<FittedModule> module;  // one whose `module` is empty: nothing is fitted from then on
  FittedCheck check{};                 // of the outcome, when the meter is installed then or later
  std::optional<HanOption> han{};      // after `module`
};
struct RemoveRequest {
  UtilityId utility = 0;
  std::string meter;
  UtcInstant at{};
  std::string order_id;
  std::vector<DialRead> end_reads;
};
struct ExchangeRequest {
  UtilityId utility = 0;
  std::string usage_point, new_meter;
  UtcInstant at{};
  Decimal multiplier{1, 0};
  std::string order_id;
  std::vector<DialRead> old_end_reads, new_start_reads;
  FittedCheck check{};  // of what is in the new meter
};
struct ExcludedMeter {
  Meter meter;  // without aliases; details and module of the moment asked about only
  FittedModule module;
  std::string usage_point_key;  // where it was then; empty = not installed
  std::size_t fitted = 0;       // which of the combinations asked for it is
};
struct Exchanged {
  Installation removed, installed;
};

struct AliasQuery {
  std::string feed;               // empty: aliases of every feed are looked at
  std::optional<AliasKind> kind;  // nullopt = any
  std::string value;
  UtcInstant at{};
};
struct ResolvedAlias {
  MeterId meter = 0;
  std::string meter_key;
  Alias alias;
  std::optional<Installation> installation;  // in force at the query's instant
};

// What ingest resolves vendors' ids with. Entries are split where the meter's form changes, so each has one
// form; a feed's own entries (feed not empty) come before general ones for the same (kind, value).
struct DirectoryEntry {
  UtilityId utility = 0;
  std::string feed;
  AliasKind kind = AliasKind::Badge;
  std::string value;
  MeterId meter = 0;
  std::string form;
  Period valid;
};
struct DirectorySnapshot {
  std::int64_t version = 0;
  std::vector<DirectoryEntry> entries;
};

class Assets {
 public:
  explicit Assets(Database& database) : Assets(database, database) {}
  // Queries go to `reading`, which may see less.
  Assets(Database& database, Database& reading) : database_(database), reading_(reading) {}

  // Who does it; kept with each change in asset_audit. Default "gateway".
  [[nodiscard]] Assets acting_as(std::string actor) const;

  Answer<std::vector<Utility>> list_utilities();
  Answer<Utility> get_utility(const std::string& key);
  Answer<Utility> put_utility(const Utility& utility);  // creates, or updates zone and notice by key

  Answer<PageOf<UsagePoint>> list_usage_points(UtilityId utility, const PageRequest& page);  // by key
  Answer<UsagePoint> get_usage_point(UtilityId utility, const std::string& key);
  Answer<std::vector<UsagePoint>> usage_points_by_id(const std::vector<UsagePointId>& ids);
  Answer<std::vector<UsagePoint>> usage_points_by_key(UtilityId utility, const std::vector<std::string>& keys);
  Answer<UsagePoint> create_usage_point(UtilityId utility, const std::string& key,
                                        const UsagePointDetail& detail);
  // From detail.valid.from on the new detail holds; what was in force then ends there.
  Answer<UsagePoint> update_usage_point(UtilityId utility, const std::string& key,
                                        const UsagePointDetail& detail);

  Answer<PageOf<Meter>> list_meters(UtilityId utility, const PageRequest& page);  // by key
  Answer<Meter> get_meter(UtilityId utility, const std::string& key);
  Answer<std::vector<Meter>> meters_by_id(const std::vector<MeterId>& ids);  // unknown ids are left out
  // Each known key once, in no order that means anything; unknown ones are left out. Without aliases.
  Answer<std::vector<Meter>> meters_by_key(UtilityId utility, const std::vector<std::string>& keys);
  Answer<Meter> create_meter(UtilityId utility, const std::string& key, const MeterDetail& detail,
                             const std::vector<Alias>& aliases,
                             const std::optional<FittedModule>& module = std::nullopt);
  Answer<Meter> update_meter(UtilityId utility, const std::string& key, const MeterDetail& detail);
  Answer<Meter> change_meter(UtilityId utility, const std::string& key, const MeterChange& change);
  Answer<Meter> add_alias(UtilityId utility, const std::string& key, const Alias& alias);
  Answer<Meter> end_alias(UtilityId utility, const std::string& key, const Alias& alias, UtcInstant at);

  // All rows or none. `install` false = planned: usage points are ignored, and what the check excludes is a
  // problem. Otherwise it is there already: it is stored and counted.
  Answer<ImportReport> import_meters(UtilityId utility, const std::vector<ImportRow>& rows, bool install,
                                     bool dry_run, const FittedCheck& check = {});

  // One entry for each id; the number of questions does not depend on how many there are.
  Answer<std::map<MeterId, MeterFacts>> facts_of(const std::vector<MeterId>& meters);
  // Appends, unless that is what counts of this seal date already; recorded_at and recorded_by are not read.
  Answer<MeterId> set_verification(UtilityId utility, const std::string& key, const SealRecord& record);
  // Every combination of details and module that some meter of the utility has at an instant, once. Periods,
  // firmware and breaks_seal are left out.
  Answer<std::vector<Fitted>> fitted_at(UtilityId utility, UtcInstant at);
  // The meters with one of these combinations then, by key.
  Answer<PageOf<ExcludedMeter>> meters_fitted(UtilityId utility, UtcInstant at,
                                              const std::vector<Fitted>& any_of, const PageRequest& page);

  Answer<Installation> install(const InstallRequest& request);
  Answer<Installation> remove(const RemoveRequest& request);
  Answer<Exchanged> exchange(const ExchangeRequest& request);
  Answer<std::vector<Installation>> installations_of_usage_point(UtilityId utility, const std::string& key);
  Answer<std::vector<Installation>> installations_of_meter(UtilityId utility, const std::string& key);
  // Of any of the meters and at any of the usage points, by time; without the reads of their dials.
  Answer<std::vector<Installation>> installations_of(const std::vector<MeterId>& meters,
                                                     const std::vector<UsagePointId>& usage_points);

  // NotFound carries the nearest alias of the utility in `nearest`. Two meters answer to it: Invalid.
  Answer<ResolvedAlias> resolve(UtilityId utility, const AliasQuery& query);

  Answer<std::int64_t> directory_version();
  Answer<DirectorySnapshot> directory();  // consistent: version and entries from one moment

 private:
  Database& database_;
  Database& reading_;
  std::string actor_ = "gateway";
};

}  // namespace ami::storage
