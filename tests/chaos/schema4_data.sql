-- Data as release 0.1 (schema 4) had them: two utilities, one of them without values; 12 meters with 40 days of quarter hours over two
-- months, a dial a day, events, corrections, a wide row, odd intervals, quarantine, positions in files and changes.
-- The value of slot s of day d of meter m is (m * 7919 + d * 131 + s) % 4000 Wh; every 97th is a hole.
INSERT INTO utility (key, zone, notice) VALUES ('u', 'America/Toronto', NULL), ('other', 'UTC', 'AE-1641');
INSERT INTO meter (utility_id, key) SELECT 1, 'U' || to_char(n, 'FM000') FROM generate_series(1, 12) AS n;
INSERT INTO meter_detail (meter_id, utility_id, valid, model, form, elements, wires, class_a, firmware, firmware_source)
  SELECT meter_id, 1, tstzrange('2020-01-01', NULL), 'FOCUS AX', '2S', 1.5, 3, '200', '5.30', 'METER' FROM meter;
INSERT INTO device_alias (utility_id, kind, value, meter_id, valid) SELECT 1, 'BADGE', key, meter_id, tstzrange('2020-01-01', NULL) FROM meter;
INSERT INTO usage_point (utility_id, key) SELECT 1, 'UP-' || key FROM meter ORDER BY meter_id;
INSERT INTO usage_point_detail (usage_point_id, utility_id, valid, feeder) SELECT usage_point_id, 1, tstzrange('2020-01-01', NULL), 'F1' FROM usage_point;
INSERT INTO installation (utility_id, meter_id, usage_point_id, valid)
  SELECT 1, meter_id, usage_point_id, tstzrange('2020-01-01', NULL) FROM meter JOIN usage_point p ON p.key = 'UP-' || meter.key;
INSERT INTO endpoint (utility_id, meter_id, family, module, valid) SELECT 1, meter_id, 'flexnet', 'M' || meter_id, tstzrange('2020-01-01', NULL) FROM meter;
INSERT INTO channel (utility_id, meter_id, key, reading_type, unit) SELECT 1, meter_id, :'key', :'type', :'unit' FROM meter ORDER BY meter_id;
INSERT INTO channel (utility_id, meter_id, key, reading_type, unit) SELECT 1, meter_id, :'dial_key', :'dial_type', :'dial_unit' FROM meter ORDER BY meter_id;
INSERT INTO quality_set (codes, vendor_flag) VALUES ('{}', 'R'), ('{3.8.1}', 'E');
INSERT INTO source (utility_id, feed, name, content_sha256, byte_offset, byte_length, rank_stamp, mapping_version, time_source, received_at, stored_at,
                    registers, interval_values)
  SELECT 1, 'flexnet', 'file-' || n, repeat(to_char(n, 'FM00'), 32), 0, 1000, timestamptz '2025-12-31 23:00' + n * interval '1 day', :mapping, 0,
         timestamptz '2026-01-01 06:00+00' + n * interval '1 day', timestamptz '2026-01-01 06:01+00' + n * interval '1 day', 12, 1152
  FROM generate_series(1, 42) AS n;
SELECT ami_ensure_month(t, m) FROM unnest(ARRAY['interval_day', 'interval_odd', 'interval_revision', 'register_read', 'register_revision', 'event']) AS t,
  unnest(ARRAY[DATE '2026-01-01', DATE '2026-02-01']) AS m;
SELECT ami_ensure_month('change', current_date);
INSERT INTO interval_day (meter_id, channel_id, version, day, interval_s, utility_id, exponent, values, source_runs, quality_runs)
  SELECT m, m, 2, DATE '2026-01-01' + d, 900, 1, 0,
         ARRAY(SELECT CASE WHEN (m + d + s) % 97 = 0 THEN -2147483648 ELSE (m * 7919 + d * 131 + s) % 4000 END FROM generate_series(0, 95) AS s),
         ARRAY[96, d + 1], CASE WHEN d % 7 = 2 THEN ARRAY[10, 1, 6, 2, 80, 1] ELSE ARRAY[96, 1] END
  FROM generate_series(1, 12) AS m, generate_series(0, 39) AS d;
-- One row that needs 64 bits: 5 000 000 000 Wh in slot 7.
UPDATE interval_day SET wide = ARRAY(SELECT CASE WHEN n = 8 THEN 5000000000 WHEN v = -2147483648 THEN -9223372036854775808 ELSE v END
                                     FROM unnest(values) WITH ORDINALITY AS x (v, n)), values = NULL WHERE meter_id = 12 AND day = '2026-01-31';
INSERT INTO interval_odd (meter_id, channel_id, start_at, length_s, utility_id, version, source_id, mantissa, exponent, quality_id)
  SELECT m, m, timestamptz '2026-02-20 00:00:07+00', 900, 1, 1, 40, m * 100, 0, 0 FROM generate_series(1, 12) AS m;
INSERT INTO interval_revision (meter_id, channel_id, start_at, length_s, rank_stamp, mapping_version, mantissa, exponent, quality_id, utility_id, source_id)
  SELECT m, m, timestamptz '2026-01-05' + s * interval '900 s', 900, '2026-01-02', 1, s, 0, 0, 1, 1 FROM generate_series(1, 12) AS m, generate_series(0, 3) AS s;
INSERT INTO register_read (meter_id, channel_id, at, version, mantissa, source_id, utility_id, quality_id, exponent, time_source)
  SELECT m, 12 + m, timestamptz '2026-01-01' + d * interval '1 day', 1, m * 1000000 + d * 20000, d + 1, 1, 0, 0, 0
  FROM generate_series(1, 12) AS m, generate_series(0, 39) AS d;
INSERT INTO register_revision (meter_id, channel_id, at, rank_stamp, mapping_version, mantissa, exponent, quality_id, time_source, utility_id, source_id)
  SELECT m, 12 + m, '2026-01-03', '2026-01-02', 1, 7, 0, 1, 0, 1, 1 FROM generate_series(1, 12) AS m;
INSERT INTO event (meter_id, at, utility_id, kind, code, vendor, raw_code, raw_text, raw_text_md5, mapping_version, time_source, source_id)
  SELECT m, timestamptz '2026-01-10' + m * interval '1 hour', 1, 'POWER_FAILED', '3.26.0.85', 'ssn', 'LG', 'text', md5('text')::uuid, 1, 0, 5
  FROM generate_series(1, 12) AS m;
INSERT INTO quarantine (utility_id, feed, reason, detail, meter, raw, byte_offset, source_id, first_seen, last_seen)
  SELECT 1, 'flexnet', 'unknown_meter', 'words', 'NOBODY' || n, ('raw' || n)::bytea, n, 1, '2026-01-02', '2026-01-03' FROM generate_series(1, 5) AS n;
INSERT INTO adapter_state (feed, key, value) VALUES ('flexnet', ('file:' || :'known')::bytea, 'offset=1;done=1;on=2026-02-01');
INSERT INTO change (utility_id, meter_id, channel_id, day, interval_s, version, entity)
  SELECT 1, m, m, DATE '2026-01-01' + d, 900, 2, 1 FROM generate_series(1, 12) AS m, generate_series(0, 39) AS d;
