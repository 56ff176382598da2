#include "storage/postgres/clocks.h"

#include <string>

#include "storage/postgres/asset_rows.h"
#include "storage/postgres/binary_copy.h"
#include "storage/postgres/reader_rows.h"
#include "storage/postgres/session.h"

namespace ami::storage {

Answer<PageOf<ClockSignRow>> Clocks::signs(const ClockQuery& query) {
  return database_.impl().answer([&](Session& session) {
    const auto token = parse_token(query.page.token, 1);
    const std::size_t size = clamp_page(query.page.size);
    std::vector<std::int16_t> kinds;
    for (const ClockSignKind kind : query.kinds) kinds.push_back(static_cast<std::int16_t>(kind));
    const std::string feed[] = {clean_text(query.feed)};
    Params params;
    params.i4(query.utility);
    params.i8(query.meter.value_or(0));
    params.texts(feed);
    params.array(kinds);
    params.i8(query.unsteady_too ? 0 : kSteadyTimes);
    params.i8(token.empty() ? 0 : token[0]);
    params.i8(static_cast<std::int64_t>(size) + 1);
    const Rows rows = Rows::query(
        session.raw(),
        "SELECT sign_id, meter_id, feed, kind, times, first_at, last_at, tolerance_s, last_offset_s, "
        "least_offset_s,"
        " most_offset_s, worst_at FROM clock_sign WHERE utility_id = $1 AND ($2 = 0 OR meter_id = $2)"
        " AND ($3[1] = '' OR feed = $3[1]) AND (cardinality($4) = 0 OR kind = ANY ($4))"
        " AND (kind <> 2 OR $5 = 0 OR (times >= $5 AND most_offset_s - least_offset_s <= 2 * tolerance_s))"
        " AND sign_id > $6 ORDER BY sign_id LIMIT $7",
        params);
    PageOf<ClockSignRow> out;
    for (int i = 0; i < rows.size(); ++i) {
      if (static_cast<std::size_t>(i) == size) {
        out.next_token = make_token({rows.i8(i - 1, 0)});
        break;
      }
      ClockSignRow& row = out.items.emplace_back();
      row.meter = rows.i8(i, 1);
      row.feed = rows.text(i, 2);
      row.kind = static_cast<ClockSignKind>(rows.i2(i, 3));
      row.times = rows.i8(i, 4);
      row.first_at = rows.at(i, 5);
      row.last_at = rows.at(i, 6);
      row.tolerance = std::chrono::seconds{rows.i4(i, 7)};
      row.last_offset = std::chrono::seconds{rows.i8(i, 8)};
      row.least_offset = std::chrono::seconds{rows.i8(i, 9)};
      row.most_offset = std::chrono::seconds{rows.i8(i, 10)};
      row.worst_at = rows.at(i, 11);
    }
    return out;
  });
}

}  // namespace ami::storage
