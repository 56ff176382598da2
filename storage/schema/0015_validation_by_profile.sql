-- Validation knows by which profile a meter-day was judged, keeps orders apart from what merely waits, hears of values
-- that are taken back at a later time, and lets what it found of register readings go with their months.

-- Findings of register readings are kept as long as these are, those of intervals as long as intervals.
CREATE TABLE register_finding (LIKE finding INCLUDING ALL EXCLUDING IDENTITY);
ALTER TABLE register_finding ALTER COLUMN finding_id SET DEFAULT nextval('finding_finding_id_seq');
COMMENT ON TABLE register_finding IS 'as finding, of the register readings at from_at and to_at; length_s is 0, and channel_id never';
COMMENT ON TABLE finding IS
  'what a check of validation said of intervals, or of the meter as a whole; a judgement that says the same again keeps the row';
COMMENT ON COLUMN finding.length_s IS 'of the intervals that begin in [from_at, to_at); 0 = of the meter';
INSERT INTO register_finding SELECT * FROM finding WHERE length_s = 0 AND channel_id <> 0;
DELETE FROM finding WHERE length_s = 0 AND channel_id <> 0;

CREATE VIEW any_finding AS SELECT * FROM finding UNION ALL SELECT * FROM register_finding;

INSERT INTO retention_class (relation, class, at_column, ordering, by_meter, by_month) VALUES
  ('register_finding', 'registers', 'to_at', 'meter_id, finding_id', true, true);

-- The profile that each judged day was judged by. A day has its bit in one row of the meter's month.
CREATE TABLE judged_profile (
  profile_id int  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  profile    text NOT NULL UNIQUE
);
COMMENT ON COLUMN judged_profile.profile IS 'and a digest of its thresholds, as in finding';

ALTER TABLE judged_day ADD COLUMN profile_id int NOT NULL DEFAULT 0;
COMMENT ON COLUMN judged_day.profile_id IS '0 = not known: judged by a release that did not note it';
ALTER TABLE judged_day DROP CONSTRAINT judged_day_pkey;
ALTER TABLE judged_day ADD PRIMARY KEY (meter_id, month, profile_id);
UPDATE retention_class SET ordering = 'meter_id, month, profile_id' WHERE relation = 'judged_day';

ALTER TABLE judged_count ADD COLUMN profile_id int NOT NULL DEFAULT 0;
ALTER TABLE judged_count DROP CONSTRAINT judged_count_pkey;
ALTER TABLE judged_count ADD PRIMARY KEY (utility_id, date, profile_id);
COMMENT ON TABLE judged_count IS 'meters of which that civil day was judged by that profile, and when the newest of it was';

CREATE TABLE judged_suspect (
  utility_id   int         NOT NULL,
  date         date        NOT NULL,
  check_number smallint    NOT NULL,
  profile_id   int         NOT NULL,
  hit          bigint      NOT NULL,
  meters       bigint      NOT NULL,
  said_at      timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (utility_id, date, check_number, profile_id)
);
COMMENT ON TABLE judged_suspect IS
  'checks that hit so many meters of a civil day that their threshold is suspect; a row is why it is said once only';
COMMENT ON COLUMN judged_suspect.hit IS 'of the meters, when it was said';

COMMENT ON COLUMN judged_version.interval_s IS
  'below 0: of intervals of that length off the grid; the version of a part of a UTC day is then the sum of the versions '
  'of its intervals, which only ever grows';

-- An order to look at a day at once stands, whatever change is read after it was given.
ALTER TABLE validation_due ADD COLUMN ordered boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN validation_due.ordered IS 'true: asked for, so that no change puts it off';

ALTER TABLE validation_dirty ADD COLUMN due_at timestamptz NOT NULL DEFAULT '-infinity';
COMMENT ON COLUMN validation_dirty.due_at IS 'not before: a value may be taken back at a later time';

-- As in 0013. What is taken back at a later time is judged again then. Until it was, nothing is said to be validated in its
-- channel: nobody is at hand at that very moment to take it back.
CREATE OR REPLACE FUNCTION ami_validation_withdrawn() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  PERFORM pg_advisory_xact_lock_shared(7165289, 11);
  DELETE FROM judged_version j USING channel c
  WHERE c.channel_id IN (SELECT t.channel_id FROM touched t) AND j.meter_id = c.meter_id AND j.channel_id = c.channel_id;
  INSERT INTO validation_dirty (meter_id, due_at)
  SELECT DISTINCT c.meter_id, CASE WHEN TG_OP = 'DELETE' THEN '-infinity'::timestamptz ELSE t.at END
  FROM touched t JOIN channel c USING (channel_id);
  RETURN NULL;
END $$;
CREATE TRIGGER validation_changed AFTER UPDATE ON withdrawal REFERENCING NEW TABLE AS touched
  FOR EACH STATEMENT EXECUTE FUNCTION ami_validation_withdrawn();

INSERT INTO table_access (pattern, ingest, reader, switch, audit, visible) VALUES
  ('judged\_profile', 'SELECT, INSERT', 'SELECT', '', '', 'true');
SELECT ami_apply_access();
