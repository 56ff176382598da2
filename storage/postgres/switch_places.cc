#include "storage/postgres/switch_places.h"

#include "storage/postgres/asset_rows.h"
#include "storage/postgres/binary_copy.h"

namespace ami::storage {

Answer<SwitchPlace> PostgresSwitchPlaces::of(std::int32_t utility, const std::string& usage_point,
                                             UtcInstant when) {
  return database_.impl().answer([&](Session& session) {
    const std::string texts[] = {clean_text(usage_point)};
    const UtcInstant times[] = {when};
    Params params;
    params.i4(utility);
    params.texts(texts);
    params.array(std::span<const UtcInstant>(times));
    const Rows rows = Rows::query(
        session.raw(),
        "SELECT u.key, coalesce(nullif(d.zone, ''), u.zone), coalesce(d.feeder, ''), coalesce(d.transformer, '')"
        " FROM utility u LEFT JOIN usage_point p ON p.utility_id = u.utility_id AND p.key = $2[1]"
        " LEFT JOIN usage_point_detail d ON d.usage_point_id = p.usage_point_id AND d.valid @> $3[1]"
        " WHERE u.utility_id = $1",
        params);
    if (rows.size() == 0)
      refuse(Refusal::Kind::NotFound, "there is no utility " + std::to_string(utility), "utility");
    SwitchPlace out;
    out.utility = rows.text(0, 0);
    out.zone = rows.text(0, 1);
    out.feeder = rows.text(0, 2);
    out.transformer = rows.text(0, 3);
    return out;
  });
}

}  // namespace ami::storage
