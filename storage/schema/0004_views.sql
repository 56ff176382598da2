-- For people who write SQL: one row a value, with the usage point where the meter was at that time.

CREATE FUNCTION ami_decimal(mantissa bigint, exponent int) RETURNS numeric
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$ SELECT mantissa::numeric * ('1e' || exponent)::numeric $$;

-- The id in force at a slot (0-based) of a run-length list count, id, count, id, …
CREATE FUNCTION ami_run_at(runs bigint[], slot int) RETURNS bigint
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
  passed bigint := 0;
BEGIN
  FOR i IN 1 .. cardinality(runs) / 2 LOOP
    passed := passed + runs[2 * i - 1];
    IF slot < passed THEN RETURN runs[2 * i]; END IF;
  END LOOP;
  RETURN 0;
END $$;

CREATE VIEW interval_value AS
WITH slot AS (
  SELECT d.utility_id, d.meter_id, d.channel_id,
         d.day::timestamp AT TIME ZONE 'UTC' + (n.slot * d.interval_s) * interval '1 second' AS start_at,
         d.interval_s::bigint AS length_s,
         CASE WHEN d.wide IS NULL THEN nullif(d.values[n.slot + 1], -2147483648)::bigint
              ELSE nullif(d.wide[n.slot + 1], -9223372036854775808) END AS mantissa,
         coalesce(d.exponents[n.slot + 1], d.exponent)::int AS exponent,
         ami_run_at(d.source_runs, n.slot) AS source_id,
         coalesce(ami_run_at(d.quality_runs::bigint[], n.slot), 0)::int AS quality_id
  FROM interval_day d CROSS JOIN LATERAL generate_series(0, 86400 / d.interval_s - 1) AS n (slot)
  UNION ALL
  SELECT utility_id, meter_id, channel_id, start_at, length_s, mantissa, exponent, source_id, quality_id
  FROM interval_odd
)
SELECT s.utility_id, s.meter_id, s.channel_id, c.key AS channel, c.reading_type, c.unit,
       s.start_at, s.start_at + s.length_s * interval '1 second' AS end_at, s.length_s,
       ami_decimal(s.mantissa, s.exponent) AS value,
       coalesce(q.codes, '{}') AS quality, coalesce(q.vendor_flag, '') AS vendor_flag,
       s.source_id, i.usage_point_id,
       ami_decimal(i.multiplier_mantissa, i.multiplier_exponent) AS multiplier
FROM slot s
JOIN channel c USING (channel_id)
LEFT JOIN quality_set q USING (quality_id)
LEFT JOIN installation i ON i.meter_id = s.meter_id
     AND i.valid @> tstzrange(s.start_at, s.start_at + s.length_s * interval '1 second')
WHERE s.source_id <> 0;
COMMENT ON VIEW interval_value IS
  'a slot that straddles an exchange belongs to no usage point; value NULL = a hole that the vendor flagged';

CREATE VIEW register_value AS
SELECT r.utility_id, r.meter_id, r.channel_id, c.key AS channel, c.reading_type, c.unit, r.at, r.period_start,
       r.occurred_at, ami_decimal(r.mantissa, r.exponent) AS value,
       coalesce(q.codes, '{}') AS quality, coalesce(q.vendor_flag, '') AS vendor_flag,
       r.time_source, r.source_id, i.usage_point_id,
       ami_decimal(i.multiplier_mantissa, i.multiplier_exponent) AS multiplier
FROM register_read r
JOIN channel c USING (channel_id)
LEFT JOIN quality_set q USING (quality_id)
LEFT JOIN installation i ON i.meter_id = r.meter_id AND i.valid @> r.at;
