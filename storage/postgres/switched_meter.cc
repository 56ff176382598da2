#include "storage/postgres/switched_meter.h"

#include <optional>
#include <utility>

#include "storage/postgres/binary_copy.h"
#include "storage/postgres/session.h"

namespace ami::storage {
namespace {

constexpr const char* kMeter =
    "SELECT m.meter_id, u.key, u.zone, coalesce(u.notice, ''), coalesce(p.key, ''), coalesce(d.model, ''),"
    " coalesce(d.form, ''), coalesce(trim_scale(d.elements)::text, ''), coalesce(d.wires, 0),"
    " coalesce(d.class_a, ''), CASE WHEN d.firmware_at > $3[1] THEN '' ELSE coalesce(d.firmware, '') END,"
    " coalesce(e.family, ''), coalesce(e.module, ''), coalesce(e.board, ''), coalesce(a.feed, ''),"
    " coalesce(a.kind, ''), coalesce(a.value, '')"
    " FROM meter m JOIN utility u ON u.utility_id = m.utility_id"
    " LEFT JOIN meter_detail d ON d.meter_id = m.meter_id AND d.valid @> $3[1]"
    " LEFT JOIN endpoint e ON e.meter_id = m.meter_id AND e.valid @> $3[1]"
    " LEFT JOIN installation i ON i.meter_id = m.meter_id AND i.valid @> $3[1]"
    " LEFT JOIN usage_point p ON p.usage_point_id = i.usage_point_id"
    " LEFT JOIN device_alias a ON a.meter_id = m.meter_id AND a.valid @> $3[1]"
    " WHERE m.utility_id = $1 AND m.key = $2[1] ORDER BY a.feed, a.kind, a.value";

// All rows are of one meter: one for each of its names.
SwitchedMeter meter_of(const Rows& rows, UtilityId utility, const std::string& key) {
  const auto text = [&](int column) { return std::string(rows.text(0, column)); };
  SwitchedMeter out;
  out.id = rows.i8(0, 0);
  out.utility = {utility, text(1), text(2), std::nullopt};
  if (const std::string notice = text(3); !notice.empty()) out.utility.notice = notice;
  out.usage_point = text(4);
  MeterDetail& detail = out.fitted.detail;
  detail.model = text(5);
  detail.form = text(6);
  detail.elements = text(7);
  if (const int wires = rows.i4(0, 8); wires != 0) detail.wires = wires;
  detail.class_a = text(9);
  detail.firmware = text(10);
  out.fitted.module.key = text(11);
  out.fitted.module.module = text(12);
  out.fitted.module.board = text(13);
  out.ways.key = key;
  out.ways.meter = out.id;
  out.ways.module = out.fitted.module.key;
  for (int i = 0; i < rows.size(); ++i) {
    const auto kind = alias_kind_from(rows.text(i, 15));
    if (kind) out.ways.names.push_back({std::string(rows.text(i, 14)), *kind, std::string(rows.text(i, 16)), {}});
  }
  return out;
}

}  // namespace

Answer<SwitchedMeter> SwitchedMeters::at(UtilityId utility, const std::string& key, UtcInstant when,
                                         bool deliveries) {
  std::optional<SwitchedMeter> found;
  const auto asked = database_.impl().answer([&](Session& session) {
    const std::string keys[] = {clean_text(key)};
    const UtcInstant times[] = {when};
    Params params;
    params.i4(utility);
    params.texts(keys);
    params.array(std::span<const UtcInstant>(times));
    const Rows rows = Rows::repeated(session.raw(), kMeter, params);
    if (rows.size() > 0) found = meter_of(rows, utility, key);
    return Done{};
  });
  if (!asked.ok()) return asked.refusal();
  if (found && !deliveries) return *std::move(found);
  // Who is unknown has a nearest name.
  auto ways = ways_.of(utility, {key}, when);
  if (!ways.ok()) return ways.refusal();
  if (found) {
    found->ways = std::move(ways->at(0));
    return *std::move(found);
  }
  Refusal refusal;
  refusal.kind = Refusal::Kind::NotFound;
  refusal.message = "the utility has no meter " + key;
  refusal.field = "meter";
  refusal.nearest = ways->at(0).nearest;
  return refusal;
}

}  // namespace ami::storage
