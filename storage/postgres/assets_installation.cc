// Where meters are and were: install, remove, exchange; and who a name belongs to.
#include <algorithm>
#include <map>
#include <pqxx/pqxx>

#include "storage/postgres/asset_rows.h"
#include "storage/postgres/assets.h"

namespace ami::storage {
namespace {

std::string place(const Installation& i) {
  return "meter '" + i.meter_key + "' is at usage point '" + i.usage_point_key + "' " + describe(i.valid);
}

void insert_reads(pqxx::work& tx, std::int64_t installation, const char* side,
                  const std::vector<DialRead>& reads) {
  for (const DialRead& read : reads) {
    tx.exec_params0(
        "INSERT INTO installation_read (installation_id, side, reading_type, mantissa, exponent)"
        " VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
        installation, side, read.reading_type, read.value.mantissa, read.value.exponent);
  }
}

Installation one_installation(pqxx::transaction_base& tx, std::int64_t id) {
  return load_installations(tx, "i.installation_id = $1", id).at(0);
}

Installation put_in(pqxx::work& tx, UtilityId utility, const std::string& meter,
                    const std::string& usage_point, UtcInstant at, const Decimal& multiplier,
                    const std::string& order_id, const std::vector<DialRead>& start_reads,
                    const FittedCheck& check) {
  if (multiplier.mantissa <= 0)
    refuse(Refusal::Kind::Invalid, "a multiplier must be above zero", "multiplier");
  const MeterId meter_row = meter_id(tx, utility, meter);
  const UsagePointId point_row = usage_point_id(tx, utility, usage_point);
  for (const auto& [condition, id] : {std::pair<const char*, std::int64_t>{"i.meter_id = $1", meter_row},
                                      {"i.usage_point_id = $1", point_row}}) {
    for (const Installation& other : load_installations(tx, condition, id)) {
      if (other.valid.to > at) refuse(Refusal::Kind::Collision, place(other), "at");
    }
  }
  check_fitted(tx, meter_row, at, check);
  const auto made = tx.exec_params1(
      "INSERT INTO installation (utility_id, meter_id, usage_point_id, valid, multiplier_mantissa,"
      " multiplier_exponent, order_id) VALUES ($1, $2, $3, tstzrange($4, NULL), $5, $6, $7) RETURNING "
      "installation_id",
      utility, meter_row, point_row, to_text(at), multiplier.mantissa, multiplier.exponent, order_id);
  insert_reads(tx, made[0].as<std::int64_t>(), "START", start_reads);
  return one_installation(tx, made[0].as<std::int64_t>());
}

Installation take_out(pqxx::work& tx, const Installation& current, UtcInstant at,
                      const std::vector<DialRead>& end_reads) {
  if (current.valid.from >= at) {
    refuse(Refusal::Kind::Collision, place(current) + ", which begins only then", "at");
  }
  tx.exec_params0("UPDATE installation SET valid = tstzrange(lower(valid), $2) WHERE installation_id = $1",
                  current.id, to_text(at));
  insert_reads(tx, current.id, "END", end_reads);
  return one_installation(tx, current.id);
}

// The open installation of a meter or a usage point, or a refusal.
Installation open_installation(pqxx::work& tx, const char* condition, std::int64_t id,
                               const std::string& what) {
  for (const Installation& i : load_installations(tx, condition, id)) {
    if (i.valid.to == UtcInstant::max()) return i;
  }
  refuse(Refusal::Kind::Collision, what, "at");
}

}  // namespace

Answer<Installation> Assets::install(const InstallRequest& request) {
  return database_.impl().answer([&](Session& session) {
    pqxx::work tx(session);
    lock_assets(tx, false);
    auto out = put_in(tx, request.utility, request.meter, request.usage_point, request.at, request.multiplier,
                      request.order_id, request.start_reads, request.check);
    audit(tx, actor_, request.utility, "install", "meters/" + request.meter,
          place(out) + " " + request.order_id);
    tx.commit();
    return out;
  });
}

Answer<Installation> Assets::remove(const RemoveRequest& request) {
  return database_.impl().answer([&](Session& session) {
    pqxx::work tx(session);
    lock_assets(tx, false);
    const MeterId meter = meter_id(tx, request.utility, request.meter);
    const Installation current = open_installation(
        tx, "i.meter_id = $1", meter, "meter '" + request.meter + "' is not installed anywhere now");
    auto out = take_out(tx, current, request.at, request.end_reads);
    audit(tx, actor_, request.utility, "remove", "meters/" + request.meter,
          place(out) + " " + request.order_id);
    tx.commit();
    return out;
  });
}

Answer<Exchanged> Assets::exchange(const ExchangeRequest& request) {
  return database_.impl().answer([&](Session& session) {
    pqxx::work tx(session);
    lock_assets(tx, false);
    const UsagePointId point = usage_point_id(tx, request.utility, request.usage_point);
    meter_id(tx, request.utility, request.new_meter);
    const Installation current =
        open_installation(tx, "i.usage_point_id = $1", point,
                          "usage point '" + request.usage_point + "' has no meter now: install instead");
    Exchanged out;
    out.removed = take_out(tx, current, request.at, request.old_end_reads);
    out.installed = put_in(tx, request.utility, request.new_meter, request.usage_point, request.at,
                           request.multiplier, request.order_id, request.new_start_reads, request.check);
    audit(tx, actor_, request.utility, "exchange", "usagePoints/" + request.usage_point,
          place(out.removed) + "; " + place(out.installed) + " " + request.order_id);
    tx.commit();
    return out;
  });
}

Answer<std::vector<Installation>> Assets::installations_of_usage_point(UtilityId utility,
                                                                       const std::string& key) {
  return reading_.impl().answer([&](Session& session) {
    pqxx::read_transaction tx(session);
    return load_installations(tx, "i.usage_point_id = $1", usage_point_id(tx, utility, key));
  });
}

Answer<std::vector<Installation>> Assets::installations_of_meter(UtilityId utility, const std::string& key) {
  return reading_.impl().answer([&](Session& session) {
    pqxx::read_transaction tx(session);
    return load_installations(tx, "i.meter_id = $1", meter_id(tx, utility, key));
  });
}

Answer<ResolvedAlias> Assets::resolve(UtilityId utility, const AliasQuery& query) {
  return reading_.impl().answer([&](Session& session) {
    pqxx::read_transaction tx(session);
    const std::string kind = query.kind ? std::string(name_of(*query.kind)) : std::string();
    const auto rows = tx.exec_params(
        "SELECT a.meter_id, m.key, a.feed, a.kind, a.value, (extract(epoch FROM lower(a.valid)) * "
        "1000000)::bigint,"
        " (extract(epoch FROM upper(a.valid)) * 1000000)::bigint FROM device_alias a JOIN meter m USING "
        "(meter_id)"
        " WHERE a.utility_id = $1 AND a.value = $2 AND a.valid @> $3::timestamptz AND ($4 = '' OR a.kind = "
        "$4)"
        " AND ($5 = '' OR a.feed IN ('', $5)) ORDER BY (a.feed = '') , a.kind, a.feed",
        utility, query.value, to_text(query.at), kind, query.feed);
    if (rows.empty()) {
      const std::string near = nearest(tx, utility, "device_alias", query.value);
      refuse(Refusal::Kind::NotFound,
             "no meter is called '" + query.value + "' at " + to_text(query.at) +
                 (near == query.value ? "; the name is known for other times" : ""),
             "value", near);
    }
    for (const auto& row : rows) {
      // With a feed given, its own names come first and hide general ones.
      const bool hidden = !query.feed.empty() && row[2].as<std::string>() != rows[0][2].as<std::string>();
      if (!hidden && row[0].as<MeterId>() != rows[0][0].as<MeterId>()) {
        refuse(Refusal::Kind::Invalid,
               "'" + query.value + "' is " + rows[0][3].as<std::string>() + " of meter '" +
                   rows[0][1].as<std::string>() + "' and " + row[3].as<std::string>() + " of meter '" +
                   row[1].as<std::string>() + "': say which kind and feed",
               "kind");
      }
    }
    const auto& row = rows[0];
    ResolvedAlias out;
    out.meter = row[0].as<MeterId>();
    out.meter_key = row[1].as<std::string>();
    out.alias = {row[2].as<std::string>(),
                 alias_kind_from(row[3].as<std::string>()).value_or(AliasKind::Badge),
                 row[4].as<std::string>(), period_of(row[5], row[6])};
    for (Installation& i : load_installations(tx, "i.meter_id = $1", out.meter)) {
      if (i.valid.contains(query.at)) out.installation = std::move(i);
    }
    return out;
  });
}

Answer<DirectorySnapshot> Assets::directory() {
  return database_.impl().answer([](Session& session) {
    pqxx::transaction<pqxx::repeatable_read, pqxx::read_only> tx(session);
    DirectorySnapshot out;
    out.version = tx.exec1("SELECT version FROM directory_version")[0].as<std::int64_t>();

    struct Form {
      Period valid;
      std::string form;
    };
    std::map<MeterId, std::vector<Form>> forms;
    for (const auto& row :
         tx.exec("SELECT meter_id, form, (extract(epoch FROM lower(valid)) * 1000000)::bigint,"
                 " (extract(epoch FROM upper(valid)) * 1000000)::bigint FROM meter_detail"
                 " ORDER BY meter_id, valid")) {
      forms[row[0].as<MeterId>()].push_back({period_of(row[2], row[3]), row[1].as<std::string>()});
    }
    for (const auto& row : tx.exec("SELECT utility_id, feed, kind, value, meter_id,"
                                   " (extract(epoch FROM lower(valid)) * 1000000)::bigint,"
                                   " (extract(epoch FROM upper(valid)) * 1000000)::bigint FROM device_alias"
                                   " ORDER BY utility_id, kind, value, (feed = ''), feed, valid")) {
      DirectoryEntry entry;
      entry.utility = row[0].as<UtilityId>();
      entry.feed = row[1].as<std::string>();
      entry.kind = alias_kind_from(row[2].as<std::string>()).value_or(AliasKind::Badge);
      entry.value = row[3].as<std::string>();
      entry.meter = row[4].as<MeterId>();
      const Period alias = period_of(row[5], row[6]);
      // Cut the alias where the form changes; stretches without a detail have an unknown form.
      UtcInstant from = alias.from;
      const auto emit = [&](UtcInstant to, const std::string& form) {
        if (from >= to) return;
        entry.valid = {from, to};
        entry.form = form;
        out.entries.push_back(entry);
        from = to;
      };
      for (const Form& form : forms[entry.meter]) {
        if (form.valid.to <= from) continue;
        if (form.valid.from >= alias.to) break;
        emit(std::min(form.valid.from, alias.to), "");
        emit(std::min(form.valid.to, alias.to), form.form);
      }
      emit(alias.to, "");
    }
    return out;
  });
}

}  // namespace ami::storage
