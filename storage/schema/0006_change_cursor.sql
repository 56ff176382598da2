-- The change feed: where it begins, and how far each subscriber has come.

-- A subscriber walks through the changes of one utility in this order.
DROP INDEX change_cursor;
CREATE INDEX change_order ON change (utility_id, txid, change_id);

CREATE TABLE change_feed (
  one               boolean PRIMARY KEY DEFAULT true CHECK (one),
  system_identifier bigint NOT NULL,
  change_oid        oid    NOT NULL,
  generation        int    NOT NULL,
  oldest_txid       xid8   NOT NULL,
  oldest_change_id  bigint NOT NULL,
  foreign_until     bigint NOT NULL
);
COMMENT ON TABLE change_feed IS
  'a cluster or a table other than those noted here: this is the copy that a dump made, and its transaction numbers mean nothing';
COMMENT ON COLUMN change_feed.generation IS 'part of each cursor; raised when cursors given out before may be wrong';
COMMENT ON COLUMN change_feed.oldest_txid IS 'with oldest_change_id: every change after this position is kept';
COMMENT ON COLUMN change_feed.foreign_until IS
  'changes up to this change_id were restored from a dump: numbered by another cluster, not delivered';
INSERT INTO change_feed SELECT true, system_identifier, 'change'::regclass, 1, '0', 0, 0 FROM pg_control_system();

CREATE TABLE change_cursor (
  utility_id int         NOT NULL REFERENCES utility,
  subscriber text        NOT NULL CHECK (subscriber <> ''),
  txid       xid8        NOT NULL,
  change_id  bigint      NOT NULL,
  acked_at   timestamptz NOT NULL DEFAULT now(),
  acked_by   text        NOT NULL,
  PRIMARY KEY (utility_id, subscriber)
);
COMMENT ON TABLE change_cursor IS 'up to where a subscriber has made the changes its own';

-- Called by the gateway when the note above does not fit, which no running feed ever sees; and by an operator with
-- `force` after a restore to an earlier point in time, because subscribers may be ahead of what was restored.
CREATE FUNCTION ami_renew_change_feed(force boolean) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
  cluster bigint := (SELECT system_identifier FROM pg_control_system());
  fits    boolean;
BEGIN
  -- Waits for those who write now: what is numbered from here on is the new feed's.
  LOCK TABLE change IN SHARE ROW EXCLUSIVE MODE;
  SELECT system_identifier = cluster AND change_oid = 'change'::regclass INTO fits FROM change_feed;
  IF fits AND NOT force THEN RETURN; END IF;
  UPDATE change_feed SET generation = generation + 1;
  IF fits THEN RETURN; END IF;
  UPDATE change_feed SET
    system_identifier = cluster, change_oid = 'change'::regclass,
    oldest_txid = (pg_snapshot_xmin(pg_current_snapshot())::text::bigint - 1)::text::xid8,
    oldest_change_id = 9223372036854775807,
    foreign_until = (SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM change_id_seq);
  -- Nobody may go on as if nothing had been missed: these positions are older than the oldest.
  UPDATE change_cursor SET txid = '0', change_id = 0;
END $$;

-- Drops the months of changes that end before `older_than`; never any that is not 35 days old. Returns their names.
-- Waits a moment only for its lock, so that no commit queues behind it; try again later when it fails.
CREATE FUNCTION ami_drop_changes(older_than timestamptz) RETURNS SETOF text
LANGUAGE plpgsql SECURITY DEFINER SET lock_timeout = '2s' AS $$
DECLARE
  bound timestamptz := least(older_than, now() - interval '35 days');
  month record;
  last  record;
BEGIN
  FOR month IN
    SELECT c.relname::text AS name
    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'change'::regclass
      AND (to_date(right(c.relname, 7), 'YYYY_MM') + interval '1 month') AT TIME ZONE 'UTC' <= bound
    ORDER BY 1
  LOOP
    EXECUTE format(
      'SELECT m.txid, m.change_id FROM utility u CROSS JOIN LATERAL ('
      ' SELECT txid, change_id FROM %I c WHERE c.utility_id = u.utility_id'
      '  AND change_id > (SELECT foreign_until FROM change_feed) ORDER BY txid DESC, change_id DESC LIMIT 1) m'
      ' ORDER BY 1 DESC, 2 DESC LIMIT 1', month.name) INTO last;
    UPDATE change_feed SET oldest_txid = last.txid, oldest_change_id = last.change_id
      WHERE last.txid IS NOT NULL AND (oldest_txid, oldest_change_id) < (last.txid, last.change_id);
    EXECUTE format('DROP TABLE %I', month.name);
    RETURN NEXT month.name;
  END LOOP;
END $$;

DO $$
BEGIN
  EXECUTE format('ALTER FUNCTION ami_renew_change_feed(boolean) SET search_path = %I, pg_temp', current_schema());
  EXECUTE format('ALTER FUNCTION ami_drop_changes(timestamptz) SET search_path = %I, pg_temp', current_schema());
END $$;
