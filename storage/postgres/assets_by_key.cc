// Assets of many names at once, one statement each: what a reading request needs to know.
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

}  // namespace

Answer<std::vector<Meter>> Assets::meters_by_key(UtilityId utility, const std::vector<std::string>& keys) {
  if (keys.empty()) return std::vector<Meter>();
  return reading_.impl().answer([&](Session& session) {
    std::vector<Meter> out;
    Params params;
    params.i4(utility);
    params.texts(keys);
    const Rows rows =
        ask(session, "ami_meters_by_key",
            "SELECT m.meter_id, m.key, lower(d.valid), upper(d.valid), d.model, d.form,"
            " coalesce(trim_scale(d.elements)::text, ''), d.wires, d.class_a, d.firmware, d.firmware_source,"
            " d.firmware_at FROM meter m LEFT JOIN meter_detail d USING (meter_id)"
            " WHERE m.utility_id = $1::int AND m.key = ANY ($2::text[]) ORDER BY m.meter_id, d.valid",
            params);
    for (int i = 0; i < rows.size(); ++i) {
      if (out.empty() || out.back().id != rows.i8(i, 0)) {
        Meter& meter = out.emplace_back();
        meter.id = rows.i8(i, 0);
        meter.utility = utility;
        meter.key = text_at(rows, i, 1);
      }
      if (rows.null(i, 4)) continue;
      MeterDetail& detail = out.back().details.emplace_back();
      detail.valid = period_at(rows, i, 2);
      detail.model = text_at(rows, i, 4);
      detail.form = text_at(rows, i, 5);
      detail.elements = text_at(rows, i, 6);
      if (!rows.null(i, 7)) detail.wires = rows.i4(i, 7);
      detail.class_a = text_at(rows, i, 8);
      detail.firmware = text_at(rows, i, 9);
      detail.firmware_source = text_at(rows, i, 10);
      detail.firmware_at = rows.maybe_at(i, 11);
    }
    return out;
  });
}

Answer<std::vector<UsagePoint>> Assets::usage_points_by_key(UtilityId utility,
                                                            const std::vector<std::string>& keys) {
  if (keys.empty()) return std::vector<UsagePoint>();
  return reading_.impl().answer([&](Session& session) {
    std::vector<UsagePoint> out;
    Params params;
    params.i4(utility);
    params.texts(keys);
    const Rows rows =
        ask(session, "ami_usage_points_by_key",
            "SELECT p.usage_point_id, p.key, lower(d.valid), upper(d.valid), d.zone, d.feeder, d.transformer,"
            " d.commodity, d.substation, d.collector FROM usage_point p LEFT JOIN usage_point_detail d USING (usage_point_id)"
            " WHERE p.utility_id = $1::int AND p.key = ANY ($2::text[]) ORDER BY p.usage_point_id, d.valid",
            params);
    for (int i = 0; i < rows.size(); ++i) {
      if (out.empty() || out.back().id != rows.i8(i, 0)) {
        UsagePoint& point = out.emplace_back();
        point.id = rows.i8(i, 0);
        point.utility = utility;
        point.key = text_at(rows, i, 1);
      }
      if (rows.null(i, 4)) continue;
      out.back().details.push_back({period_at(rows, i, 2), text_at(rows, i, 4), text_at(rows, i, 5),
                                    text_at(rows, i, 6), text_at(rows, i, 7), text_at(rows, i, 8),
                                    text_at(rows, i, 9)});
    }
    return out;
  });
}

Answer<std::vector<Installation>> Assets::installations_of(const std::vector<MeterId>& meters,
                                                           const std::vector<UsagePointId>& usage_points) {
  if (meters.empty() && usage_points.empty()) return std::vector<Installation>();
  return reading_.impl().answer([&](Session& session) {
    std::vector<Installation> out;
    Params params;
    params.array(std::span<const std::int64_t>(meters));
    params.array(std::span<const std::int64_t>(usage_points));
    const Rows rows = ask(
        session, "ami_installations_of",
        "SELECT i.installation_id, i.utility_id, i.meter_id, m.key, i.usage_point_id, p.key, lower(i.valid),"
        " upper(i.valid), i.multiplier_mantissa, i.multiplier_exponent, i.order_id FROM ("
        "SELECT x.* FROM unnest($1::bigint[]) AS k (id) JOIN installation x ON x.meter_id = k.id UNION "
        "SELECT x.* FROM unnest($2::bigint[]) AS k (id) JOIN installation x ON x.usage_point_id = k.id) i"
        " JOIN meter m USING (meter_id) JOIN usage_point p USING (usage_point_id)"
        " ORDER BY i.valid, i.installation_id",
        params);
    for (int i = 0; i < rows.size(); ++i) {
      Installation& installation = out.emplace_back();
      installation.id = rows.i8(i, 0);
      installation.utility = rows.i4(i, 1);
      installation.meter = rows.i8(i, 2);
      installation.meter_key = text_at(rows, i, 3);
      installation.usage_point = rows.i8(i, 4);
      installation.usage_point_key = text_at(rows, i, 5);
      installation.valid = period_at(rows, i, 6);
      installation.multiplier = {rows.i8(i, 8), rows.i2(i, 9)};
      installation.order_id = text_at(rows, i, 10);
    }
    return out;
  });
}

}  // namespace ami::storage
