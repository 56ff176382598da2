-- Who may do what. Five group roles, row-level security by utility, and the log of who read customers' values.
-- How logins get these roles: docs/database-roles.md.

-- Roles belong to the cluster, so another database's migration may be making the same ones at this moment.
DO $$
DECLARE
  wanted  text;
  missing text[] := '{}';
BEGIN
  FOREACH wanted IN ARRAY ARRAY['ami_migrator', 'ami_ingest', 'ami_reader', 'ami_switch', 'ami_audit'] LOOP
    CONTINUE WHEN EXISTS (SELECT FROM pg_roles WHERE rolname = wanted);
    BEGIN
      EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
    EXCEPTION
      WHEN duplicate_object OR unique_violation THEN NULL;
      WHEN insufficient_privilege THEN missing := missing || wanted;
    END;
  END LOOP;
  IF missing <> '{}' THEN
    RAISE EXCEPTION 'roles are missing and % may not create them: let an administrator run "%" and migrate again',
      current_user, (SELECT string_agg(format('CREATE ROLE %I NOLOGIN;', name), ' ') FROM unnest(missing) AS name);
  END IF;
END $$;

-- What each role may do with a table. Data, so that a later migration adds a row and calls ami_apply_access().
CREATE TABLE table_access (
  pattern text PRIMARY KEY,
  ingest  text NOT NULL DEFAULT 'SELECT, INSERT, UPDATE, DELETE',
  reader  text NOT NULL DEFAULT 'SELECT',
  switch  text NOT NULL DEFAULT '',
  audit   text NOT NULL DEFAULT '',
  visible text
);
COMMENT ON COLUMN table_access.pattern IS 'LIKE pattern of table names; of those that fit the longest counts';
COMMENT ON COLUMN table_access.visible IS
  'rows that ami_reader sees, as a condition; NULL = by utility_id, and nothing of a table that has none';

INSERT INTO table_access (pattern, ingest, reader, switch, audit, visible) VALUES
  ('%',                   'SELECT, INSERT, UPDATE, DELETE', 'SELECT', '',       '',       NULL),
  ('utility',             'SELECT, INSERT, UPDATE',         'SELECT', 'SELECT', '',
   $c$current_setting('ami.utilities', true) = '*' OR key = ANY (string_to_array(current_setting('ami.utilities', true), ','))$c$),
  ('usage_point',         'SELECT, INSERT, UPDATE',         'SELECT', 'SELECT', '',       NULL),
  ('usage_point_detail',  'SELECT, INSERT, UPDATE, DELETE', 'SELECT', 'SELECT', '',       NULL),
  ('meter',               'SELECT, INSERT, UPDATE',         'SELECT', 'SELECT', '',       NULL),
  ('meter_detail',        'SELECT, INSERT, UPDATE, DELETE', 'SELECT', 'SELECT', '',       NULL),
  ('device_alias',        'SELECT, INSERT, UPDATE, DELETE', 'SELECT', 'SELECT', '',       NULL),
  ('installation',        'SELECT, INSERT, UPDATE, DELETE', 'SELECT', 'SELECT', '',       NULL),
  ('installation_read',   'SELECT, INSERT, UPDATE, DELETE', 'SELECT', 'SELECT', '',
   'EXISTS (SELECT FROM installation i WHERE i.installation_id = installation_read.installation_id)'),
  ('endpoint',            'SELECT, INSERT, UPDATE, DELETE', 'SELECT', 'SELECT', '',       NULL),
  ('channel',             'SELECT, INSERT, UPDATE',         'SELECT', 'SELECT', '',       NULL),
  ('quality_set',         'SELECT, INSERT',                 'SELECT', 'SELECT', '',       'true'),
  ('withdrawal',          'SELECT, INSERT, UPDATE, DELETE', 'SELECT', '',       '',
   'EXISTS (SELECT FROM channel c WHERE c.channel_id = withdrawal.channel_id)'),
  ('schema_version',      'SELECT',                         'SELECT', 'SELECT', 'SELECT', 'true'),
  ('table_access',        '',                               '',       '',       '',       NULL),
  -- Values go only by a retention rule, which keeps what is held and leaves a certificate.
  ('interval\_%',         'SELECT, INSERT, UPDATE',         'SELECT', 'SELECT', '',       NULL),
  ('register\_%',         'SELECT, INSERT, UPDATE',         'SELECT', 'SELECT', '',       NULL),
  ('event',               'SELECT, INSERT, UPDATE',         'SELECT', 'SELECT', '',       NULL),
  ('change',              'SELECT, INSERT',                 'SELECT', '',       '',       NULL),
  ('source',              'SELECT, INSERT, UPDATE',         'SELECT', 'SELECT', '',       NULL),
  ('adapter\_state',      'SELECT, INSERT, UPDATE, DELETE', '',       '',       '',       NULL),
  ('switch\_%',           '',                               'SELECT', 'SELECT, INSERT, UPDATE', '', NULL),
  -- Appended to by the gateway, changed by nobody.
  ('asset_audit',         'SELECT, INSERT',                 '',       '',       'SELECT', NULL),
  ('audit\_%',            'SELECT, INSERT',                 '',       'SELECT, INSERT', 'SELECT', NULL),
  ('access_log',          'SELECT, INSERT',                 '',       '',       'SELECT', NULL);

-- Who read whose values, why, and when. A row is there before the first value leaves.
CREATE SEQUENCE access_id_seq;
CREATE TABLE access_log (
  access_id    bigint      NOT NULL DEFAULT nextval('access_id_seq'),
  at           timestamptz NOT NULL DEFAULT now(),
  call_id      bigint      NOT NULL,
  utility_id   int         NOT NULL,
  caller       text        NOT NULL,
  certificate  text        NOT NULL,
  on_behalf_of text        NOT NULL,
  purpose      text        NOT NULL,
  rpc          text        NOT NULL,
  usage_point  text        NOT NULL,
  meter        text        NOT NULL,
  period       tstzrange   NOT NULL,
  rows         bigint,
  closing      boolean     NOT NULL DEFAULT false,
  PRIMARY KEY (access_id, at)
) PARTITION BY RANGE (at);
COMMENT ON COLUMN access_log.call_id IS 'rows of one call share it';
COMMENT ON COLUMN access_log.caller IS 'subject of the client certificate, or the kind of local caller';
COMMENT ON COLUMN access_log.certificate IS 'URIs of the certificate; empty for a local caller';
COMMENT ON COLUMN access_log.on_behalf_of IS 'as the caller says; empty = for itself';
COMMENT ON COLUMN access_log.usage_point IS 'key; empty = the meter was not installed';
COMMENT ON COLUMN access_log.meter IS 'key; of a raw record the id as it was sent, of raw content its hash';
COMMENT ON COLUMN access_log.rows IS
  'values that were read; NULL = not known yet: the closing row of the call says it, unless the gateway was cut off';
CREATE INDEX access_log_at ON access_log (utility_id, at, access_id);
CREATE INDEX access_log_usage_point ON access_log (utility_id, usage_point, at);
CREATE INDEX access_log_meter ON access_log (utility_id, meter, at);
CREATE INDEX access_log_call ON access_log (call_id);

-- Any table with monthly partitions; a partition is closed to everybody but its owner, so that nobody gets
-- round the rules of the table above it.
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
                 CASE WHEN parent IN ('interval_day', 'register_read') THEN 50 ELSE 100 END);
  EXECUTE format('ALTER TABLE %I.%I ENABLE ROW LEVEL SECURITY', home, child);
  EXECUTE format('REVOKE ALL ON %I.%I FROM PUBLIC, ami_ingest, ami_reader, ami_switch, ami_audit', home, child);
  EXECUTE format('ALTER TABLE %I.%I ATTACH PARTITION %I.%I FOR VALUES FROM (%L) TO (%L)', home, parent, home, child,
                 CASE WHEN by_day THEN first::text ELSE first::text || ' 00:00:00+00' END,
                 CASE WHEN by_day THEN next::text ELSE next::text || ' 00:00:00+00' END);
END $$;

-- Brings grants and policies of every table of this schema in line with table_access. Repeatable; a migration
-- that adds a table or a function with SECURITY DEFINER calls it at its end.
CREATE FUNCTION ami_apply_access() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  home  text := current_schema();
  t     record;
  rule  table_access;
  name  text;
BEGIN
  FOR t IN
    SELECT c.relname::text AS name, c.relkind, c.relispartition, c.relrowsecurity, format('%I.%I', home, c.relname) AS full_name,
           EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'utility_id') AS has_utility
    FROM pg_class c WHERE c.relnamespace = home::regnamespace AND c.relkind IN ('r', 'p', 'v')
    ORDER BY c.relname
  LOOP
    EXECUTE format('REVOKE ALL ON %s FROM PUBLIC, ami_ingest, ami_reader, ami_switch, ami_audit', t.full_name);
    IF t.relkind = 'v' THEN
      -- Else it would read with the rights of its owner, for whom no policy holds.
      EXECUTE format('ALTER VIEW %s SET (security_invoker = true)', t.full_name);
      EXECUTE format('GRANT SELECT ON %s TO ami_ingest, ami_reader', t.full_name);
      CONTINUE;
    END IF;
    IF NOT t.relrowsecurity THEN EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', t.full_name); END IF;
    CONTINUE WHEN t.relispartition;
    FOR name IN SELECT polname FROM pg_policy WHERE polrelid = t.full_name::regclass AND polname LIKE 'ami\_%' LOOP
      EXECUTE format('DROP POLICY %I ON %s', name, t.full_name);
    END LOOP;
    SELECT * INTO rule FROM table_access a WHERE t.name LIKE a.pattern ORDER BY length(a.pattern) DESC LIMIT 1;
    IF rule.ingest <> '' THEN
      EXECUTE format('GRANT %s ON %s TO ami_ingest', rule.ingest, t.full_name);
      EXECUTE format('CREATE POLICY ami_ingest ON %s TO ami_ingest USING (true) WITH CHECK (true)', t.full_name);
    END IF;
    IF rule.switch <> '' THEN
      EXECUTE format('GRANT %s ON %s TO ami_switch', rule.switch, t.full_name);
      EXECUTE format('CREATE POLICY ami_switch ON %s TO ami_switch USING (true) WITH CHECK (true)', t.full_name);
    END IF;
    IF rule.audit <> '' THEN
      EXECUTE format('GRANT %s ON %s TO ami_audit', rule.audit, t.full_name);
      EXECUTE format('CREATE POLICY ami_audit ON %s FOR SELECT TO ami_audit USING (true)', t.full_name);
    END IF;
    CONTINUE WHEN rule.reader = '' OR (rule.visible IS NULL AND NOT t.has_utility);
    EXECUTE format('GRANT %s ON %s TO ami_reader', rule.reader, t.full_name);
    -- The list of ids is made once a query: `utility` shows a reader only what its setting names.
    EXECUTE format('CREATE POLICY ami_reader ON %s FOR SELECT TO ami_reader USING (%s)', t.full_name,
                   coalesce(rule.visible, format('utility_id = ANY (ARRAY(SELECT u.utility_id FROM %I.utility u))', home)));
  END LOOP;
  EXECUTE format('GRANT USAGE ON ALL SEQUENCES IN SCHEMA %I TO ami_ingest', home);
  FOREACH name IN ARRAY ARRAY['ami_ingest', 'ami_reader', 'ami_switch', 'ami_audit'] LOOP
    IF NOT has_schema_privilege(name, home, 'USAGE') THEN
      EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', home, name);
    END IF;
  END LOOP;
  -- A function that runs as its owner must not look up names in a schema that its caller chose.
  FOR t IN SELECT p.oid::regprocedure::text AS call FROM pg_proc p
           WHERE p.pronamespace = home::regnamespace AND p.prosecdef LOOP
    EXECUTE format('ALTER FUNCTION %s SET search_path = %I, pg_temp', t.call, home);
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', t.call);
    EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO ami_ingest', t.call);
  END LOOP;
END $$;
REVOKE ALL ON FUNCTION ami_apply_access() FROM PUBLIC;
SELECT ami_apply_access();
