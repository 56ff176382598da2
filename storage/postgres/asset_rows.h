// Inside the store only: asset rows between SQL and structs.
#pragma once

#include <pqxx/pqxx>
#include <string>
#include <vector>

#include "storage/postgres/assets.h"
#include "storage/postgres/session.h"

namespace ami::storage {

// Bounds as SQL text; an open side is NULL.
struct PeriodText {
  explicit PeriodText(const Period& period);
  std::string from_text, to_text;
  [[nodiscard]] const char* from() const { return from_text.empty() ? nullptr : from_text.c_str(); }
  [[nodiscard]] const char* to() const { return to_text.empty() ? nullptr : to_text.c_str(); }
};

std::string describe(const Period& period);  // "from 2024-01-01T00:00:00Z on", for messages
std::optional<UtcInstant> instant_of(const pqxx::field& micros);
Period period_of(const pqxx::field& from_micros, const pqxx::field& to_micros);
std::string array_text(const std::vector<std::int64_t>& ids);  // "{1,2}"

[[noreturn]] void refuse(Refusal::Kind kind, std::string message, std::string field = {},
                         std::string nearest = {});
void check_period(const Period& period, const char* field);
void check_zone(const std::string& zone, const char* field);  // empty is allowed

// Serialises asset changes; `names` also keeps ingest out, for changes to what ids resolve to.
void lock_assets(pqxx::work& tx, bool names);
void audit(pqxx::work& tx, const std::string& actor, UtilityId utility, const char* action,
           const std::string& entity, const std::string& detail);

// One entry for each of the distinct ids; the number of questions does not depend on how many there are.
std::map<MeterId, MeterFacts> load_meter_facts(Session& session, const std::vector<MeterId>& meters);

// Refuse with NotFound, naming the nearest key.
MeterId meter_id(pqxx::transaction_base& tx, UtilityId utility, const std::string& key);
UsagePointId usage_point_id(pqxx::transaction_base& tx, UtilityId utility, const std::string& key);
// Closest of the texts by edit distance among likely ones; empty = nothing near. `table` is meter,
// usage_point or device_alias.
std::string nearest(pqxx::transaction_base& tx, UtilityId utility, const char* table,
                    const std::string& text);

std::vector<Meter> load_meters(pqxx::transaction_base& tx, const std::vector<MeterId>& ids);  // in this order
std::vector<UsagePoint> load_usage_points(pqxx::transaction_base& tx, const std::vector<UsagePointId>& ids);
// `condition` on i (installation), m (meter), p (usage_point); $1 is `parameter`.
std::vector<Installation> load_installations(pqxx::transaction_base& tx, const std::string& condition,
                                             std::int64_t parameter);

void insert_meter_detail(pqxx::work& tx, MeterId meter, UtilityId utility, const MeterDetail& detail);
void insert_module(pqxx::work& tx, MeterId meter, UtilityId utility, const FittedModule& module);
// Refuses with Excluded when the check forbids what is in the meter at an instant. No check: anything goes.
void check_fitted(pqxx::work& tx, MeterId meter, UtcInstant at, const FittedCheck& check);
void insert_usage_point_detail(pqxx::work& tx, UsagePointId point, UtilityId utility,
                               const UsagePointDetail& detail);
void insert_alias(pqxx::work& tx, MeterId meter, UtilityId utility,
                  const Alias& alias);  // refuses with Collision

std::size_t clamp_page(std::size_t size);

}  // namespace ami::storage
