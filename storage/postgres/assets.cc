#include "storage/postgres/assets.h"

#include <algorithm>
#include <pqxx/pqxx>

#include "meter_model/edit_distance.h"
#include "storage/postgres/asset_rows.h"

namespace ami::storage {
namespace {

Utility utility_of(const pqxx::row& row) {
  Utility out{row[0].as<UtilityId>(), row[1].as<std::string>(), row[2].as<std::string>(), std::nullopt};
  if (!row[3].is_null()) out.notice = row[3].as<std::string>();
  return out;
}

// Keys are pages' tokens: a page begins after the last key of the one before.
template <class Id>
std::pair<std::vector<Id>, std::string> key_page(pqxx::transaction_base& tx, const char* table,
                                                 UtilityId utility, const PageRequest& page) {
  const std::size_t size = clamp_page(page.size);
  std::pair<std::vector<Id>, std::string> out;
  const auto rows = tx.exec_params("SELECT " + std::string(table) + "_id, key FROM " + table +
                                       " WHERE utility_id = $1 AND key > $2 ORDER BY key LIMIT $3",
                                   utility, page.token, size + 1);
  for (const auto& row : rows) {
    if (out.first.size() == size) {
      out.second = rows[static_cast<pqxx::result::size_type>(size - 1)][1].template as<std::string>();
      break;
    }
    out.first.push_back(row[0].template as<Id>());
  }
  return out;
}

void check_key(const std::string& key, const char* field) {
  if (key.empty()) refuse(Refusal::Kind::Invalid, "a key must not be empty", field);
}

// Ends what is in force at `from`, so that new data can follow. Those that begin at or after it are in the
// way: history is corrected explicitly, never overwritten.
void close_detail(pqxx::work& tx, const char* table, const char* id_column, std::int64_t id, UtcInstant from,
                  const std::string& what = "details are") {
  if (from == UtcInstant::min()) {
    refuse(Refusal::Kind::Invalid, "an update needs the instant from which it holds", "detail.valid.from");
  }
  const std::string at = to_text(from);
  const std::string where =
      std::string(" FROM ") + table + " WHERE " + id_column + " = $1 AND lower(valid) >= $2";
  const auto later = tx.exec_params(
      "SELECT (extract(epoch FROM lower(valid)) * 1000000)::bigint,"
      " (extract(epoch FROM upper(valid)) * 1000000)::bigint" +
          where + " ORDER BY valid LIMIT 1",
      id, at);
  if (!later.empty()) {
    refuse(Refusal::Kind::Collision,
           what + " already recorded " + describe(period_of(later[0][0], later[0][1])), "detail.valid.from");
  }
  tx.exec_params(std::string("UPDATE ") + table + " SET valid = tstzrange(lower(valid), $2) WHERE " +
                     id_column + " = $1 AND valid @> $2::timestamptz",
                 id, at);
}

}  // namespace

Assets Assets::acting_as(std::string actor) const {
  Assets out(database_, reading_);
  out.actor_ = std::move(actor);
  return out;
}

Answer<std::vector<Utility>> Assets::list_utilities() {
  return reading_.impl().answer([](Session& session) {
    pqxx::read_transaction tx(session);
    std::vector<Utility> out;
    for (const auto& row : tx.exec("SELECT utility_id, key, zone, notice FROM utility ORDER BY key")) {
      out.push_back(utility_of(row));
    }
    return out;
  });
}

Answer<Utility> Assets::get_utility(const std::string& key) {
  return reading_.impl().answer([&](Session& session) {
    pqxx::read_transaction tx(session);
    std::string best;
    std::size_t best_distance = key.size() / 2 + 2;
    for (const auto& row : tx.exec("SELECT utility_id, key, zone, notice FROM utility ORDER BY key")) {
      if (row[1].as<std::string>() == key) return utility_of(row);
      if (const auto distance = edit_distance(key, row[1].as<std::string>()); distance < best_distance) {
        best = row[1].as<std::string>();
        best_distance = distance;
      }
    }
    refuse(Refusal::Kind::NotFound, "no utility '" + key + "'", "utility", best);
  });
}

Answer<Utility> Assets::put_utility(const Utility& utility) {
  return database_.impl().answer([&](Session& session) {
    check_key(utility.key, "utility.key");
    if (utility.zone.empty()) refuse(Refusal::Kind::Invalid, "a utility needs an IANA zone", "utility.zone");
    check_zone(utility.zone, "utility.zone");
    pqxx::work tx(session);
    lock_assets(tx, true);
    const char* notice = utility.notice && !utility.notice->empty() ? utility.notice->c_str() : nullptr;
    auto rows = tx.exec_params(
        "SELECT utility_id, key, zone, notice FROM utility WHERE key = $1 AND zone = $2 AND"
        " notice IS NOT DISTINCT FROM $3",
        utility.key, utility.zone, notice);
    if (rows.empty()) {
      rows = tx.exec_params(
          "INSERT INTO utility (key, zone, notice) VALUES ($1, $2, $3) ON CONFLICT (key) DO UPDATE"
          " SET zone = excluded.zone, notice = excluded.notice"
          " RETURNING utility_id, key, zone, notice",
          utility.key, utility.zone, notice);
      audit(tx, actor_, rows[0][0].as<UtilityId>(), "put", "utilities/" + utility.key, utility.zone);
    }
    tx.commit();
    return utility_of(rows[0]);
  });
}

Answer<PageOf<UsagePoint>> Assets::list_usage_points(UtilityId utility, const PageRequest& page) {
  return reading_.impl().answer([&](Session& session) {
    pqxx::read_transaction tx(session);
    auto [ids, token] = key_page<UsagePointId>(tx, "usage_point", utility, page);
    return PageOf<UsagePoint>{load_usage_points(tx, ids), token};
  });
}

Answer<UsagePoint> Assets::get_usage_point(UtilityId utility, const std::string& key) {
  return reading_.impl().answer([&](Session& session) {
    pqxx::read_transaction tx(session);
    return load_usage_points(tx, {usage_point_id(tx, utility, key)}).at(0);
  });
}

Answer<std::vector<UsagePoint>> Assets::usage_points_by_id(const std::vector<UsagePointId>& ids) {
  return reading_.impl().answer([&](Session& session) {
    pqxx::read_transaction tx(session);
    return load_usage_points(tx, ids);
  });
}

Answer<UsagePoint> Assets::create_usage_point(UtilityId utility, const std::string& key,
                                              const UsagePointDetail& detail) {
  return database_.impl().answer([&](Session& session) {
    check_key(key, "usage_point");
    check_period(detail.valid, "detail.valid");
    check_zone(detail.zone, "detail.zone");
    pqxx::work tx(session);
    lock_assets(tx, false);
    const auto made = tx.exec_params(
        "INSERT INTO usage_point (utility_id, key) VALUES ($1, $2)"
        " ON CONFLICT DO NOTHING RETURNING usage_point_id",
        utility, key);
    if (made.empty())
      refuse(Refusal::Kind::AlreadyExists, "usage point '" + key + "' exists already", "usage_point");
    const auto id = made[0][0].as<UsagePointId>();
    insert_usage_point_detail(tx, id, utility, detail);
    audit(tx, actor_, utility, "create", "usagePoints/" + key, describe(detail.valid));
    auto out = load_usage_points(tx, {id}).at(0);
    tx.commit();
    return out;
  });
}

Answer<UsagePoint> Assets::update_usage_point(UtilityId utility, const std::string& key,
                                              const UsagePointDetail& detail) {
  return database_.impl().answer([&](Session& session) {
    check_period(detail.valid, "detail.valid");
    check_zone(detail.zone, "detail.zone");
    pqxx::work tx(session);
    lock_assets(tx, false);
    const UsagePointId id = usage_point_id(tx, utility, key);
    close_detail(tx, "usage_point_detail", "usage_point_id", id, detail.valid.from);
    insert_usage_point_detail(tx, id, utility, detail);
    audit(tx, actor_, utility, "update", "usagePoints/" + key, describe(detail.valid));
    auto out = load_usage_points(tx, {id}).at(0);
    tx.commit();
    return out;
  });
}

Answer<PageOf<Meter>> Assets::list_meters(UtilityId utility, const PageRequest& page) {
  return reading_.impl().answer([&](Session& session) {
    pqxx::read_transaction tx(session);
    auto [ids, token] = key_page<MeterId>(tx, "meter", utility, page);
    return PageOf<Meter>{load_meters(tx, ids), token};
  });
}

Answer<Meter> Assets::get_meter(UtilityId utility, const std::string& key) {
  return reading_.impl().answer([&](Session& session) {
    pqxx::read_transaction tx(session);
    return load_meters(tx, {meter_id(tx, utility, key)}).at(0);
  });
}

Answer<std::vector<Meter>> Assets::meters_by_id(const std::vector<MeterId>& ids) {
  return reading_.impl().answer([&](Session& session) {
    pqxx::read_transaction tx(session);
    return load_meters(tx, ids);
  });
}

Answer<Meter> Assets::create_meter(UtilityId utility, const std::string& key, const MeterDetail& detail,
                                   const std::vector<Alias>& aliases,
                                   const std::optional<FittedModule>& module) {
  return database_.impl().answer([&](Session& session) {
    check_key(key, "meter");
    check_period(detail.valid, "detail.valid");
    if (module) check_period(module->valid, "module.valid");
    pqxx::work tx(session);
    lock_assets(tx, true);
    const auto made = tx.exec_params(
        "INSERT INTO meter (utility_id, key) VALUES ($1, $2) ON CONFLICT DO NOTHING"
        " RETURNING meter_id",
        utility, key);
    if (made.empty()) refuse(Refusal::Kind::AlreadyExists, "meter '" + key + "' exists already", "meter");
    const auto id = made[0][0].as<MeterId>();
    insert_meter_detail(tx, id, utility, detail);
    if (module) insert_module(tx, id, utility, *module);
    for (const Alias& alias : aliases) insert_alias(tx, id, utility, alias);
    audit(tx, actor_, utility, "create", "meters/" + key, describe(detail.valid));
    auto out = load_meters(tx, {id}).at(0);
    tx.commit();
    return out;
  });
}

Answer<Meter> Assets::update_meter(UtilityId utility, const std::string& key, const MeterDetail& detail) {
  return change_meter(utility, key, {detail, std::nullopt, {}});
}

namespace {

void say_han(pqxx::work& tx, MeterId meter, const std::string& key, const HanOption& han) {
  const auto said = tx.exec_params(
      "UPDATE endpoint SET han = $1 WHERE meter_id = $2 AND module <> ''"
      " AND valid @> $3::timestamptz",
      han.radio, meter, to_text(han.at));
  if (said.affected_rows() != 1)
    refuse(Refusal::Kind::Invalid, "meter '" + key + "' has no known module at " + to_text(han.at), "han");
}

}  // namespace

Answer<Meter> Assets::change_meter(UtilityId utility, const std::string& key, const MeterChange& change) {
  return database_.impl().answer([&](Session& session) {
    const auto& [detail, module, check, han] = change;
    if (detail) check_period(detail->valid, "detail.valid");
    if (module) check_period(module->valid, "module.valid");
    pqxx::work tx(session);
    lock_assets(tx, true);
    const MeterId id = meter_id(tx, utility, key);
    if (detail) {
      close_detail(tx, "meter_detail", "meter_id", id, detail->valid.from);
      insert_meter_detail(tx, id, utility, *detail);
      audit(tx, actor_, utility, "update", "meters/" + key, describe(detail->valid));
    }
    if (module) {
      close_detail(tx, "endpoint", "meter_id", id, module->valid.from, "a module is");
      insert_module(tx, id, utility, *module);
      audit(tx, actor_, utility, "fit_module", "meters/" + key,
            (module->module.empty() ? "none" : module->module) +
                (module->board.empty() ? "" : " with " + module->board) + " " + describe(module->valid) +
                (module->breaks_seal ? ", seal broken" : ""));
    }
    if (han) {
      say_han(tx, id, key, *han);
      audit(tx, actor_, utility, "say_han", "meters/" + key, han->radio.empty() ? "not known" : han->radio);
    }
    const UtcInstant at = detail ? detail->valid.from : module ? module->valid.from : UtcInstant::max();
    for (const Installation& stay : load_installations(tx, "i.meter_id = $1", id)) {
      if (stay.valid.to > at) check_fitted(tx, id, std::max(at, stay.valid.from), check);
    }
    auto out = load_meters(tx, {id}).at(0);
    tx.commit();
    return out;
  });
}

Answer<Meter> Assets::add_alias(UtilityId utility, const std::string& key, const Alias& alias) {
  return database_.impl().answer([&](Session& session) {
    pqxx::work tx(session);
    lock_assets(tx, true);
    const MeterId id = meter_id(tx, utility, key);
    insert_alias(tx, id, utility, alias);
    audit(tx, actor_, utility, "add_alias", "meters/" + key,
          std::string(name_of(alias.kind)) + " " + alias.value + " " + describe(alias.valid));
    auto out = load_meters(tx, {id}).at(0);
    tx.commit();
    return out;
  });
}

Answer<Meter> Assets::end_alias(UtilityId utility, const std::string& key, const Alias& alias,
                                UtcInstant at) {
  return database_.impl().answer([&](Session& session) {
    pqxx::work tx(session);
    lock_assets(tx, true);
    const MeterId id = meter_id(tx, utility, key);
    const auto ended = tx.exec_params(
        "UPDATE device_alias SET valid = tstzrange(lower(valid), $5) WHERE meter_id = $1 AND feed = $2 AND "
        "kind = $3"
        " AND value = $4 AND valid @> $5::timestamptz AND lower(valid) IS DISTINCT FROM $5::timestamptz",
        id, alias.feed, std::string(name_of(alias.kind)), alias.value, to_text(at));
    if (ended.affected_rows() != 1) {
      refuse(Refusal::Kind::NotFound,
             "meter '" + key + "' is not called " + std::string(name_of(alias.kind)) + " '" + alias.value +
                 "' at " + to_text(at),
             "alias.value");
    }
    audit(tx, actor_, utility, "end_alias", "meters/" + key,
          std::string(name_of(alias.kind)) + " " + alias.value + " at " + to_text(at));
    auto out = load_meters(tx, {id}).at(0);
    tx.commit();
    return out;
  });
}

Answer<std::int64_t> Assets::directory_version() {
  return database_.impl().answer([](Session& session) {
    pqxx::read_transaction tx(session);
    return tx.exec1("SELECT version FROM directory_version")[0].as<std::int64_t>();
  });
}

}  // namespace ami::storage
