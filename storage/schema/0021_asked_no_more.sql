-- What asks for gaps looks every minute for those that are due: rows of gaps that ended are due never.
UPDATE gap_request r SET next_at = 'infinity' FROM gap g
  WHERE g.gap_id = r.gap_id AND r.request_id IS NULL AND g.state IN ('CLOSED', 'GIVEN_UP');
CREATE INDEX gap_request_next ON gap_request (next_at) WHERE request_id IS NULL;
COMMENT ON COLUMN gap_request.next_at IS
  'not asked for before; with the last try behind it, given up then; infinity = its gap has ended';

-- A month that was being rewritten when its table got more columns: the copy lacks them, so that copying, catching up
-- and swapping all fail. It is begun again.
DO $$
DECLARE
  begun record;
  child text;
  copy  regclass;
BEGIN
  FOR begun IN SELECT relation, month FROM month_rewrite WHERE state = 'COPYING' LOOP
    child := begun.relation || to_char(begun.month, '_YYYY_MM');
    copy := to_regclass(format('%I.%I', current_schema(), child || '_new'));
    CONTINUE WHEN copy IS NOT NULL AND NOT EXISTS (
      SELECT a.attname, a.atttypid, a.attnotnull FROM pg_attribute a
      WHERE a.attrelid = to_regclass(format('%I.%I', current_schema(), child)) AND a.attnum > 0 AND NOT a.attisdropped
      EXCEPT
      SELECT a.attname, a.atttypid, a.attnotnull FROM pg_attribute a
      WHERE a.attrelid = copy AND a.attnum > 0 AND NOT a.attisdropped);
    PERFORM ami_rewrite_abandon(begun.relation, begun.month);
  END LOOP;
END $$;
