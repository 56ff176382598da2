// Signs of clocks that are off, in the transaction of what showed them. A sound network has none: no
// statement.
#include "meter_model/normaliser/clock_signs.h"
#include "storage/postgres/ingest_steps.h"

namespace ami::storage {

void write_clock_signs(const IngestStep& step) {
  const CommitUnit& unit = step.unit;
  std::vector<std::int64_t> meters, offsets, sound;
  std::vector<std::int16_t> kinds;
  std::vector<UtcInstant> times;
  for (const ClockSign& sign : signs_to_store(unit.batch, unit.source.received_at)) {
    if (sign.kind == ClockSignKind::SteadyOffset && sign.offset.count() == 0) {
      sound.push_back(sign.meter);
      continue;
    }
    meters.push_back(sign.meter);
    kinds.push_back(static_cast<std::int16_t>(sign.kind));
    offsets.push_back(sign.offset.count());
    times.push_back(sign.at);
  }
  const std::string feed[] = {clean_text(unit.source.feed)};
  if (!sound.empty()) {
    Params params;
    params.array(sound);
    params.texts(feed);
    Rows::repeated(step.connection,
                "DELETE FROM clock_sign WHERE meter_id = ANY ($1) AND feed = $2[1] AND kind = 2", params);
  }
  if (meters.empty()) return;
  const UtcInstant received[] = {unit.source.received_at};
  Params params;
  params.array(meters);
  params.array(kinds);
  params.array(offsets);
  params.array(times);
  params.i4(unit.utility);
  params.texts(feed);
  params.array(received);
  params.i4(static_cast<std::int32_t>(unit.batch.clock_tolerance.count()));
  // In the order of the key, so that no two transactions wait for each other. What shows is the same in
  // whatever order it came, but for how often.
  Rows::repeated(
      step.connection,
      "INSERT INTO clock_sign AS c (meter_id, feed, kind, utility_id, times, first_at, last_at, tolerance_s,"
      " last_offset_s, least_offset_s, most_offset_s, worst_at)"
      " SELECT k.meter_id, $6[1], k.kind, $5, 1, $7[1], $7[1], $8, k.off, k.off, k.off, k.at"
      " FROM unnest($1, $2, $3, $4) AS k (meter_id, kind, off, at) ORDER BY k.meter_id, k.kind"
      " ON CONFLICT (meter_id, feed, kind) DO UPDATE SET times = c.times + 1,"
      " first_at = least(c.first_at, excluded.first_at), last_at = greatest(c.last_at, excluded.last_at),"
      " tolerance_s = CASE WHEN excluded.last_at >= c.last_at THEN excluded.tolerance_s ELSE c.tolerance_s "
      "END,"
      " last_offset_s = CASE WHEN excluded.last_at >= c.last_at THEN excluded.last_offset_s ELSE "
      "c.last_offset_s END,"
      " least_offset_s = least(c.least_offset_s, excluded.least_offset_s),"
      " most_offset_s = greatest(c.most_offset_s, excluded.most_offset_s),"
      " worst_at = CASE WHEN abs(excluded.last_offset_s) > greatest(abs(c.least_offset_s), "
      "abs(c.most_offset_s))"
      "  THEN excluded.worst_at"
      "  WHEN abs(excluded.last_offset_s) = greatest(abs(c.least_offset_s), abs(c.most_offset_s))"
      "  THEN greatest(c.worst_at, excluded.worst_at) ELSE c.worst_at END",
      params);
}

}  // namespace ami::storage
