#include "storage/postgres/asset_rows.h"

#include <algorithm>
#include <map>

#include "meter_model/edit_distance.h"
#include "meter_model/time/zone.h"

namespace ami::storage {
namespace {

// Columns of a period in microseconds; NULL = open.
#define AMI_MICROS(expression) "(extract(epoch FROM " expression ") * 1000000)::bigint"
#define AMI_PERIOD(column) AMI_MICROS("lower(" column ")") ", " AMI_MICROS("upper(" column ")")

std::optional<int> optional_int(const pqxx::field& field) {
  if (field.is_null()) return std::nullopt;
  return field.as<int>();
}

std::string optional_text(const std::optional<int>& value) {
  return value ? std::to_string(*value) : std::string();
}
const char* or_null(const std::string& text) {
  return text.empty() ? nullptr : text.c_str();
}

}  // namespace

PeriodText::PeriodText(const Period& period) {
  if (period.from != UtcInstant::min()) from_text = ami::to_text(period.from);
  if (period.to != UtcInstant::max()) to_text = ami::to_text(period.to);
}

std::string describe(const Period& period) {
  const PeriodText text(period);
  std::string out = text.from_text.empty() ? "since ever" : "from " + text.from_text;
  return out + (text.to_text.empty() ? " on" : " to " + text.to_text);
}

std::optional<UtcInstant> instant_of(const pqxx::field& micros) {
  if (micros.is_null()) return std::nullopt;
  return UtcInstant{std::chrono::microseconds{micros.as<std::int64_t>()}};
}

Period period_of(const pqxx::field& from_micros, const pqxx::field& to_micros) {
  return {instant_of(from_micros).value_or(UtcInstant::min()),
          instant_of(to_micros).value_or(UtcInstant::max())};
}

std::string array_text(const std::vector<std::int64_t>& ids) {
  std::string out = "{";
  for (const std::int64_t id : ids) {
    if (out.size() > 1) out += ',';
    out += std::to_string(id);
  }
  return out + "}";
}

void refuse(Refusal::Kind kind, std::string message, std::string field, std::string nearest) {
  throw Refused{{kind, std::move(message), std::move(field), std::move(nearest)}};
}

void check_period(const Period& period, const char* field) {
  if (period.from >= period.to) {
    refuse(Refusal::Kind::Invalid, "a period must end after it begins, not last " + describe(period), field);
  }
}

void check_zone(const std::string& zone, const char* field) {
  if (zone.empty()) return;
  if (auto known = Zone::load(zone); !known.ok())
    refuse(Refusal::Kind::Invalid, known.error().message, field);
}

void lock_assets(pqxx::work& tx, bool names) {
  tx.exec("SELECT pg_advisory_xact_lock(7165289, 4)");
  if (names) tx.exec("SELECT pg_advisory_xact_lock(7165289, 1)");
}

void audit(pqxx::work& tx, const std::string& actor, UtilityId utility, const char* action,
           const std::string& entity, const std::string& detail) {
  tx.exec_params0(
      "INSERT INTO asset_audit (actor, utility_id, action, entity, detail) VALUES ($1, $2, $3, $4, $5)",
      actor, utility, action, entity, detail);
}

std::string nearest(pqxx::transaction_base& tx, UtilityId utility, const char* table,
                    const std::string& text) {
  const std::string column = std::string_view(table) == "device_alias" ? "value" : "key";
  const std::string select = "SELECT DISTINCT " + column + " FROM " + table + " WHERE utility_id = $1 ";
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(2, text.size() / 2) + 1;
  const auto look = [&](const pqxx::result& rows) {
    for (const auto& row : rows) {
      const auto candidate = row[0].as<std::string>();
      if (candidate.size() > 256) continue;
      const std::size_t distance = edit_distance(text, candidate);
      if (distance < best_distance || (distance == best_distance && !best.empty() && candidate < best)) {
        best = candidate;
        best_distance = distance;
      }
    }
  };
  if (text.size() > 256) return {};
  // Those that begin alike are cheap to find by index; only when there are none is a sample looked through.
  std::string prefix = text.substr(0, std::max<std::size_t>(1, text.size() / 2));
  look(tx.exec_params(select + "AND starts_with(" + column + ", $2) LIMIT 2000", utility, prefix));
  if (best.empty()) look(tx.exec_params(select + "LIMIT 5000", utility));
  return best;
}

namespace {
std::int64_t id_by_key(pqxx::transaction_base& tx, UtilityId utility, const std::string& key,
                       const char* table, const char* label) {
  const auto rows = tx.exec_params(
      "SELECT " + std::string(table) + "_id FROM " + table + " WHERE utility_id = $1 AND key = $2", utility,
      key);
  if (rows.empty()) {
    refuse(Refusal::Kind::NotFound, std::string("no ") + label + " '" + key + "' in this utility", table,
           nearest(tx, utility, table, key));
  }
  return rows[0][0].as<std::int64_t>();
}
}  // namespace

MeterId meter_id(pqxx::transaction_base& tx, UtilityId utility, const std::string& key) {
  return id_by_key(tx, utility, key, "meter", "meter");
}
UsagePointId usage_point_id(pqxx::transaction_base& tx, UtilityId utility, const std::string& key) {
  return id_by_key(tx, utility, key, "usage_point", "usage point");
}

std::vector<Meter> load_meters(pqxx::transaction_base& tx, const std::vector<MeterId>& ids) {
  const std::string list = array_text(ids);
  std::map<MeterId, Meter> found;
  for (const auto& row : tx.exec_params(
           "SELECT meter_id, utility_id, key FROM meter WHERE meter_id = ANY ($1::bigint[])", list)) {
    Meter& meter = found[row[0].as<MeterId>()];
    meter.id = row[0].as<MeterId>();
    meter.utility = row[1].as<UtilityId>();
    meter.key = row[2].as<std::string>();
  }
  for (const auto& row : tx.exec_params(
           "SELECT meter_id, " AMI_PERIOD(
               "valid") ", model, form, coalesce(trim_scale(elements)::text, ''), wires, class_a, firmware,"
                        " firmware_source, " AMI_MICROS(
                            "firmware_at") " FROM meter_detail WHERE meter_id = ANY "
                                           "($1::bigint[]) ORDER BY meter_id, valid",
           list)) {
    found[row[0].as<MeterId>()].details.push_back(
        {period_of(row[1], row[2]), row[3].as<std::string>(), row[4].as<std::string>(),
         row[5].as<std::string>(), optional_int(row[6]), row[7].as<std::string>(), row[8].as<std::string>(),
         row[9].as<std::string>(), instant_of(row[10])});
  }
  for (const auto& row : tx.exec_params("SELECT meter_id, feed, kind, value, " AMI_PERIOD(
                                            "valid") " FROM device_alias WHERE meter_id = ANY ($1::bigint[]) "
                                                     "ORDER BY meter_id, kind, value, feed, valid",
                                        list)) {
    const auto kind = alias_kind_from(row[2].as<std::string>());
    found[row[0].as<MeterId>()].aliases.push_back({row[1].as<std::string>(), kind.value_or(AliasKind::Badge),
                                                   row[3].as<std::string>(), period_of(row[4], row[5])});
  }
  std::vector<Meter> out;
  for (const MeterId id : ids) {
    if (const auto it = found.find(id); it != found.end()) out.push_back(it->second);
  }
  return out;
}

std::vector<UsagePoint> load_usage_points(pqxx::transaction_base& tx, const std::vector<UsagePointId>& ids) {
  const std::string list = array_text(ids);
  std::map<UsagePointId, UsagePoint> found;
  for (const auto& row : tx.exec_params("SELECT usage_point_id, utility_id, key FROM usage_point WHERE "
                                        "usage_point_id = ANY ($1::bigint[])",
                                        list)) {
    UsagePoint& point = found[row[0].as<UsagePointId>()];
    point.id = row[0].as<UsagePointId>();
    point.utility = row[1].as<UtilityId>();
    point.key = row[2].as<std::string>();
  }
  for (const auto& row :
       tx.exec_params("SELECT usage_point_id, " AMI_PERIOD(
                          "valid") ", zone, feeder, transformer, commodity, substation, collector"
                                   " FROM usage_point_detail WHERE usage_point_id = "
                                   "ANY ($1::bigint[]) ORDER BY usage_point_id, valid",
                      list)) {
    found[row[0].as<UsagePointId>()].details.push_back({period_of(row[1], row[2]), row[3].as<std::string>(),
                                                        row[4].as<std::string>(), row[5].as<std::string>(),
                                                        row[6].as<std::string>(), row[7].as<std::string>(),
                                                        row[8].as<std::string>()});
  }
  std::vector<UsagePoint> out;
  for (const UsagePointId id : ids) {
    if (const auto it = found.find(id); it != found.end()) out.push_back(it->second);
  }
  return out;
}

std::vector<Installation> load_installations(pqxx::transaction_base& tx, const std::string& condition,
                                             std::int64_t parameter) {
  std::vector<Installation> out;
  std::map<std::int64_t, std::size_t> index;
  std::vector<std::int64_t> ids;
  for (const auto& row : tx.exec_params(
           "SELECT i.installation_id, i.utility_id, i.meter_id, m.key, i.usage_point_id, p.key, " AMI_PERIOD(
               "i.valid") ", i.multiplier_mantissa, i.multiplier_exponent, i.order_id FROM installation i "
                          "JOIN meter m USING (meter_id)"
                          " JOIN usage_point p USING (usage_point_id) WHERE " +
               condition + " ORDER BY i.valid, i.installation_id",
           parameter)) {
    index[row[0].as<std::int64_t>()] = out.size();
    ids.push_back(row[0].as<std::int64_t>());
    out.push_back({row[0].as<std::int64_t>(),
                   row[1].as<UtilityId>(),
                   row[2].as<MeterId>(),
                   row[3].as<std::string>(),
                   row[4].as<UsagePointId>(),
                   row[5].as<std::string>(),
                   period_of(row[6], row[7]),
                   Decimal{row[8].as<std::int64_t>(), row[9].as<int>()},
                   row[10].as<std::string>(),
                   {},
                   {}});
  }
  for (const auto& row : tx.exec_params("SELECT installation_id, side, reading_type, mantissa, exponent FROM"
                                        " installation_read WHERE installation_id = ANY ($1::bigint[])"
                                        " ORDER BY reading_type",
                                        array_text(ids))) {
    Installation& installation = out[index.at(row[0].as<std::int64_t>())];
    auto& reads = row[1].as<std::string>() == "START" ? installation.start_reads : installation.end_reads;
    reads.push_back({row[2].as<std::string>(), Decimal{row[3].as<std::int64_t>(), row[4].as<int>()}});
  }
  return out;
}

void insert_meter_detail(pqxx::work& tx, MeterId meter, UtilityId utility, const MeterDetail& detail) {
  const PeriodText valid(detail.valid);
  const std::string wires = optional_text(detail.wires);
  const std::string firmware_at = detail.firmware_at ? to_text(*detail.firmware_at) : std::string();
  tx.exec_params0(
      "INSERT INTO meter_detail (meter_id, utility_id, valid, model, form, elements, wires, class_a,"
      " firmware, firmware_source, firmware_at) VALUES ($1, $2, tstzrange($3, $4), $5, $6, $7, $8, $9, $10,"
      " $11, $12)",
      meter, utility, valid.from(), valid.to(), detail.model, detail.form, or_null(detail.elements),
      or_null(wires), detail.class_a, detail.firmware, detail.firmware_source, or_null(firmware_at));
}

void insert_module(pqxx::work& tx, MeterId meter, UtilityId utility, const FittedModule& module) {
  if (module.module.empty() && !module.board.empty())
    refuse(Refusal::Kind::Invalid, "a board needs a module beside it", "module_type");
  if (module.module.empty() && !module.han.empty())
    refuse(Refusal::Kind::Invalid, "a home area network radio is the module's: it needs one", "module_type");
  const PeriodText valid(module.valid);
  tx.exec_params0(
      "INSERT INTO endpoint (utility_id, meter_id, family, module, board, valid, breaks_seal, han)"
      " VALUES ($1, $2, $3, $4, $5, tstzrange($6, $7), $8, $9)",
      utility, meter, module.key, module.module, module.board, valid.from(), valid.to(), module.breaks_seal,
      module.han);
}

void check_fitted(pqxx::work& tx, MeterId meter, UtcInstant at, const FittedCheck& check) {
  if (!check) return;
  Fitted fitted;
  const std::string when = to_text(at);
  for (const Meter& found : load_meters(tx, {meter})) {
    for (const MeterDetail& detail : found.details) {
      if (detail.valid.contains(at)) fitted.detail = detail;
    }
  }
  for (const auto& row : tx.exec_params("SELECT family, module, board FROM endpoint WHERE meter_id = $1"
                                        " AND valid @> $2::timestamptz",
                                        meter, when)) {
    fitted.module.key = row[0].as<std::string>();
    fitted.module.module = row[1].as<std::string>();
    fitted.module.board = row[2].as<std::string>();
  }
  if (auto excluded = check(fitted, at)) {
    throw Refused{{Refusal::Kind::Excluded,
                   std::move(excluded->message),
                   {},
                   {},
                   std::make_shared<const Rule>(std::move(excluded->rule))}};
  }
}

void insert_usage_point_detail(pqxx::work& tx, UsagePointId point, UtilityId utility,
                               const UsagePointDetail& detail) {
  const PeriodText valid(detail.valid);
  tx.exec_params0(
      "INSERT INTO usage_point_detail (usage_point_id, utility_id, valid, zone, feeder, transformer,"
      " commodity, substation, collector) VALUES ($1, $2, tstzrange($3, $4), $5, $6, $7, $8, $9, $10)",
      point, utility, valid.from(), valid.to(), detail.zone, detail.feeder, detail.transformer,
      detail.commodity, detail.substation, detail.collector);
}

void insert_alias(pqxx::work& tx, MeterId meter, UtilityId utility, const Alias& alias) {
  check_period(alias.valid, "alias.valid");
  if (alias.value.empty()) refuse(Refusal::Kind::Invalid, "an alias needs a value", "alias.value");
  const PeriodText valid(alias.valid);
  const std::string kind(name_of(alias.kind));
  const auto taken = tx.exec_params(
      "SELECT m.key, " AMI_PERIOD("a.valid")
      " FROM device_alias a JOIN meter m USING (meter_id) WHERE a.utility_id = $1 AND a.feed = $2 AND a.kind = $3 AND"
      " a.value = $4 AND a.valid && tstzrange($5, $6) ORDER BY a.valid LIMIT 1",
      utility, alias.feed, kind, alias.value, valid.from(), valid.to());
  if (!taken.empty()) {
    refuse(Refusal::Kind::Collision,
           kind + " '" + alias.value + "' already names meter '" + taken[0][0].as<std::string>() + "' " +
               describe(period_of(taken[0][1], taken[0][2])),
           "alias.value");
  }
  tx.exec_params0(
      "INSERT INTO device_alias (utility_id, feed, kind, value, meter_id, valid)"
      " VALUES ($1, $2, $3, $4, $5, tstzrange($6, $7))",
      utility, alias.feed, kind, alias.value, meter, valid.from(), valid.to());
}

std::size_t clamp_page(std::size_t size) {
  return std::clamp<std::size_t>(size, 1, 1000);
}

}  // namespace ami::storage
