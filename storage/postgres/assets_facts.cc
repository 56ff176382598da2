// What type approval and verification of meters are judged from; and which meters are fitted alike.
#include <pqxx/pqxx>

#include "storage/postgres/asset_rows.h"
#include "storage/postgres/assets.h"
#include "storage/postgres/reader_rows.h"

namespace ami::storage {
namespace {

Period period_at(const Rows& rows, int row, int column) {
  return {rows.maybe_at(row, column).value_or(UtcInstant::min()),
          rows.maybe_at(row, column + 1).value_or(UtcInstant::max())};
}

std::string text_at(const Rows& rows, int row, int column) {
  return std::string(rows.text(row, column));
}

// Details, modules and seals in one statement, for it stands in the way of every read.
constexpr const char* kFacts =
    "SELECT meter_id, kind, starts, ends, t1, t2, t3, t4, t5, t6, n1, n2, known_at, day FROM ("
    "SELECT d.meter_id, 1 AS kind, lower(d.valid) AS starts, upper(d.valid) AS ends, d.model AS t1, d.form "
    "AS t2,"
    " coalesce(trim_scale(d.elements)::text, '') AS t3, d.class_a AS t4, d.firmware AS t5, d.firmware_source "
    "AS t6,"
    " d.wires AS n1, 0 AS n2, d.firmware_at AS known_at, NULL::date AS day, 0::bigint AS serial"
    " FROM unnest($1::bigint[]) AS k (id) JOIN meter_detail d ON d.meter_id = k.id UNION ALL "
    "SELECT e.meter_id, 2, lower(e.valid), upper(e.valid), e.family, e.module, e.board, e.han, '', '',"
    " e.breaks_seal::int, 0, NULL, NULL, 0 FROM unnest($1::bigint[]) AS k (id)"
    " JOIN endpoint e ON e.meter_id = k.id UNION ALL "
    "SELECT v.meter_id, 3, NULL, NULL, v.certificate, v.lot, v.recorded_by, '', '', '', v.due_year,"
    " v.withdrawn::int, v.recorded_at, v.seal_date, v.verification_id FROM unnest($1::bigint[]) AS k (id)"
    " JOIN verification v ON v.meter_id = k.id) f"
    " ORDER BY meter_id, kind, day, starts NULLS FIRST, serial";

void add_fact(const Rows& rows, int i, MeterFacts& facts) {
  const auto number = [&](int column) {
    return rows.null(i, column) ? std::nullopt : std::optional<int>(rows.i4(i, column));
  };
  switch (rows.i4(i, 1)) {
    case 1:
      facts.details.push_back({period_at(rows, i, 2), text_at(rows, i, 4), text_at(rows, i, 5),
                               text_at(rows, i, 6), number(10), text_at(rows, i, 7), text_at(rows, i, 8),
                               text_at(rows, i, 9), rows.maybe_at(i, 12)});
      return;
    case 2:
      facts.modules.push_back({period_at(rows, i, 2), text_at(rows, i, 4), text_at(rows, i, 5),
                               text_at(rows, i, 6), rows.i4(i, 10) != 0, text_at(rows, i, 7)});
      return;
    default:
      facts.seals.push_back({std::chrono::year_month_day{rows.day(i, 13)}, text_at(rows, i, 4),
                             text_at(rows, i, 5), number(10), rows.i4(i, 11) != 0, rows.at(i, 12),
                             text_at(rows, i, 6)});
  }
}

std::string date_text(std::chrono::year_month_day day) {
  return ami::to_text(UtcInstant{std::chrono::sys_days{day}}).substr(0, 10);
}

// Columns that make up a combination; NULL is an empty text.
constexpr const char* kFitted =
    "d.model, d.form, coalesce(trim_scale(d.elements)::text, ''), coalesce(d.wires::text, ''), d.class_a,"
    " coalesce(e.family, ''), coalesce(e.module, ''), coalesce(e.board, '')";
constexpr const char* kFittedThen =
    " FROM meter m JOIN meter_detail d ON d.meter_id = m.meter_id AND d.valid @> $2::timestamptz"
    " LEFT JOIN endpoint e ON e.meter_id = m.meter_id AND e.valid @> $2::timestamptz";

Fitted fitted_of(const pqxx::row& row, int first) {
  const auto text = [&](int column) { return row[first + column].as<std::string>(); };
  Fitted out;
  out.detail.model = text(0);
  out.detail.form = text(1);
  out.detail.elements = text(2);
  if (const auto wires = text(3); !wires.empty()) out.detail.wires = std::stoi(wires);
  out.detail.class_a = text(4);
  out.module.key = text(5);
  out.module.module = text(6);
  out.module.board = text(7);
  return out;
}

// The same columns as one value of SQL.
std::string row_text(pqxx::transaction_base& tx, const Fitted& fitted) {
  const std::string wires = fitted.detail.wires ? std::to_string(*fitted.detail.wires) : std::string();
  std::string out;
  for (const std::string* text :
       {&fitted.detail.model, &fitted.detail.form, &fitted.detail.elements, &wires, &fitted.detail.class_a,
        &fitted.module.key, &fitted.module.module, &fitted.module.board}) {
    out += (out.empty() ? "(" : ", ") + tx.quote(*text);
  }
  return out + ")";
}

}  // namespace

std::map<MeterId, MeterFacts> load_meter_facts(Session& session, const std::vector<MeterId>& meters) {
  std::map<MeterId, MeterFacts> out;
  for (const MeterId meter : meters) out[meter];
  Params params;
  params.array(std::span<const std::int64_t>(meters));
  const Rows rows = ask(session, "ami_facts_of", kFacts, params);
  for (int i = 0; i < rows.size(); ++i) add_fact(rows, i, out[rows.i8(i, 0)]);
  return out;
}

Answer<std::map<MeterId, MeterFacts>> Assets::facts_of(const std::vector<MeterId>& meters) {
  std::map<MeterId, MeterFacts> out;
  for (const MeterId meter : meters) out[meter];
  if (out.empty()) return out;
  std::vector<std::int64_t> distinct;
  for (const auto& [meter, facts] : out) distinct.push_back(meter);
  return reading_.impl().answer([&](Session& session) { return load_meter_facts(session, distinct); });
}

Answer<MeterId> Assets::set_verification(UtilityId utility, const std::string& key,
                                         const SealRecord& record) {
  return database_.impl().answer([&](Session& session) {
    const std::string sealed = date_text(record.seal_date);
    if (!record.withdrawn) {
      if (record.certificate.empty()) {
        refuse(Refusal::Kind::Invalid, "a verification needs its certificate", "certificate");
      }
      if (!record.due_year || *record.due_year < static_cast<int>(record.seal_date.year())) {
        refuse(Refusal::Kind::Invalid, "must not be before the seal of " + sealed, "due_year");
      }
    }
    pqxx::work tx(session);
    lock_assets(tx, false);
    const MeterId id = meter_id(tx, utility, key);
    const std::string due = record.due_year ? std::to_string(*record.due_year) : std::string();
    const auto known = tx.exec_params(
        "SELECT certificate, lot, coalesce(due_year::text, ''), withdrawn FROM verification WHERE meter_id = "
        "$1"
        " AND seal_date = $2::date ORDER BY verification_id DESC LIMIT 1",
        id, sealed);
    if (record.withdrawn && (known.empty() || known[0][3].as<bool>())) {
      refuse(Refusal::Kind::Invalid, "meter '" + key + "' has no verification sealed on " + sealed,
             "seal_date");
    }
    if (!known.empty() && known[0][0].as<std::string>() == record.certificate &&
        known[0][1].as<std::string>() == record.lot && known[0][2].as<std::string>() == due &&
        known[0][3].as<bool>() == record.withdrawn) {
      return id;
    }
    tx.exec_params0(
        "INSERT INTO verification (utility_id, meter_id, seal_date, certificate, lot, due_year, withdrawn,"
        " recorded_by) VALUES ($1, $2, $3::date, $4, $5, $6, $7, $8)",
        utility, id, sealed, record.certificate, record.lot, due.empty() ? nullptr : due.c_str(),
        record.withdrawn, actor_);
    audit(tx, actor_, utility, record.withdrawn ? "withdraw_verification" : "set_verification",
          "meters/" + key,
          "sealed " + sealed +
              (record.withdrawn ? "" : ", certificate " + record.certificate + ", due " + due) +
              (record.lot.empty() ? "" : ", lot " + record.lot));
    tx.commit();
    return id;
  });
}

Answer<std::vector<Fitted>> Assets::fitted_at(UtilityId utility, UtcInstant at) {
  return reading_.impl().answer([&](Session& session) {
    pqxx::read_transaction tx(session);
    std::vector<Fitted> out;
    for (const auto& row :
         tx.exec_params(std::string("SELECT DISTINCT ") + kFitted + kFittedThen + " WHERE m.utility_id = $1",
                        utility, to_text(at))) {
      out.push_back(fitted_of(row, 0));
    }
    return out;
  });
}

Answer<PageOf<ExcludedMeter>> Assets::meters_fitted(UtilityId utility, UtcInstant at,
                                                    const std::vector<Fitted>& any_of,
                                                    const PageRequest& page) {
  if (any_of.empty()) return PageOf<ExcludedMeter>{};
  return reading_.impl().answer([&](Session& session) {
    pqxx::read_transaction tx(session);
    std::string wanted;
    std::map<std::string, std::size_t> number;
    for (std::size_t i = 0; i < any_of.size(); ++i) {
      const std::string values = row_text(tx, any_of[i]);
      wanted += (wanted.empty() ? "" : ", ") + values;
      number.emplace(values, i);
    }
    const std::size_t size = clamp_page(page.size);
    const auto rows = tx.exec_params(
        std::string("SELECT m.meter_id, m.key, coalesce(p.key, ''), ") + kFitted +
            ", (extract(epoch FROM lower(e.valid)) * 1000000)::bigint,"
            " (extract(epoch FROM upper(e.valid)) * 1000000)::bigint, coalesce(e.breaks_seal, false),"
            " (extract(epoch FROM lower(d.valid)) * 1000000)::bigint,"
            " (extract(epoch FROM upper(d.valid)) * 1000000)::bigint, d.firmware, d.firmware_source,"
            " (extract(epoch FROM d.firmware_at) * 1000000)::bigint" +
            kFittedThen +
            " LEFT JOIN installation i ON i.meter_id = m.meter_id AND i.valid @> $2::timestamptz"
            " LEFT JOIN usage_point p ON p.usage_point_id = i.usage_point_id"
            " WHERE m.utility_id = $1 AND m.key > $3 AND (" +
            kFitted + ") IN (" + wanted + ") ORDER BY m.key LIMIT $4",
        utility, to_text(at), page.token, size + 1);
    PageOf<ExcludedMeter> out;
    for (const auto& row : rows) {
      if (out.items.size() == size) {
        out.next_token = out.items.back().meter.key;
        break;
      }
      ExcludedMeter& one = out.items.emplace_back();
      Fitted fitted = fitted_of(row, 3);
      one.fitted = number.at(row_text(tx, fitted));
      one.meter.id = row[0].as<MeterId>();
      one.meter.utility = utility;
      one.meter.key = row[1].as<std::string>();
      one.usage_point_key = row[2].as<std::string>();
      fitted.module.valid = period_of(row[11], row[12]);
      fitted.module.breaks_seal = row[13].as<bool>();
      fitted.detail.valid = period_of(row[14], row[15]);
      fitted.detail.firmware = row[16].as<std::string>();
      fitted.detail.firmware_source = row[17].as<std::string>();
      fitted.detail.firmware_at = instant_of(row[18]);
      one.module = std::move(fitted.module);
      one.meter.details.push_back(std::move(fitted.detail));
    }
    return out;
  });
}

}  // namespace ami::storage
