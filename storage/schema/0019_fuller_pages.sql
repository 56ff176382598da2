-- Pages of a month that is still filled. A day of 96 slots from two sources takes 540 bytes: at half a page only seven
-- of them fit and an eighth of the page stays empty beyond the room that growing rows need; at 56 in a hundred eight do.
CREATE OR REPLACE FUNCTION ami_ensure_month(parent text, day date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
  home  text := current_schema();
  first date := date_trunc('month', day::timestamp)::date;
  next  date := (date_trunc('month', day::timestamp) + interval '1 month')::date;
  child text := parent || to_char(first, '_YYYY_MM');
  by_day boolean;
BEGIN
  SELECT a.atttypid = 'date'::regtype INTO by_day
  FROM pg_partitioned_table p JOIN pg_class c ON c.oid = p.partrelid
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = p.partattrs[0]
  WHERE c.relname = parent AND c.relnamespace = home::regnamespace;
  IF by_day IS NULL THEN RAISE EXCEPTION 'not a table with monthly partitions: %', parent; END IF;
  IF to_regclass(format('%I.%I', home, child)) IS NOT NULL THEN RETURN; END IF;
  PERFORM pg_advisory_xact_lock(7165289, 2);
  -- The look-up above was remembered; only a lock on a table makes this session hear what others created since.
  EXECUTE format('LOCK TABLE ONLY %I.%I IN SHARE UPDATE EXCLUSIVE MODE', home, parent);
  IF to_regclass(format('%I.%I', home, child)) IS NOT NULL THEN RETURN; END IF;
  EXECUTE format('CREATE TABLE %I.%I (LIKE %I.%I INCLUDING ALL) WITH (fillfactor = %s)', home, child, home, parent,
                 CASE WHEN parent = 'interval_day' THEN 56 WHEN parent = 'register_read' THEN 50
                      WHEN parent IN ('judged_version', 'judged_day') THEN 70 ELSE 100 END);
  EXECUTE format('ALTER TABLE %I.%I ENABLE ROW LEVEL SECURITY', home, child);
  EXECUTE format('REVOKE ALL ON %I.%I FROM PUBLIC, ami_ingest, ami_reader, ami_switch, ami_audit', home, child);
  EXECUTE format('ALTER TABLE %I.%I ATTACH PARTITION %I.%I FOR VALUES FROM (%L) TO (%L)', home, parent, home, child,
                 CASE WHEN by_day THEN first::text ELSE first::text || ' 00:00:00+00' END,
                 CASE WHEN by_day THEN next::text ELSE next::text || ' 00:00:00+00' END);
END $$;

DO $$
DECLARE
  child regclass;
BEGIN
  FOR child IN
    SELECT i.inhrelid::regclass FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'interval_day'::regclass AND c.reloptions @> '{fillfactor=50}'
  LOOP
    EXECUTE format('ALTER TABLE %s SET (fillfactor = 56)', child);
  END LOOP;
END $$;
