-- What a change was, and statements that were taken back.

ALTER TABLE source ADD COLUMN cause text NOT NULL DEFAULT '';
COMMENT ON COLUMN source.cause IS 'why it was read again, by whom; empty = it arrived';
COMMENT ON COLUMN source.stored_at IS 'when all of it had become part of what we would answer; 9999-12-31 = not yet';

-- A value whose (channel, source) is listed here was taken back at `at`: readers leave it out and answer with the
-- next in rank. Nothing is deleted, so an answer as of an earlier time still has it.
CREATE TABLE withdrawal (
  channel_id bigint      NOT NULL,
  source_id  bigint      NOT NULL REFERENCES source,
  at         timestamptz NOT NULL DEFAULT now(),
  cause      text        NOT NULL,
  PRIMARY KEY (channel_id, source_id)
);

ALTER TABLE change
  ADD COLUMN at    timestamptz,
  ADD COLUMN kinds smallint NOT NULL DEFAULT 0,
  ADD COLUMN slots smallint[],
  ADD COLUMN old   bigint[];
COMMENT ON COLUMN change.at IS 'start of the odd interval, time of the register or event; NULL for a day';
COMMENT ON COLUMN change.kinds IS
  'bits: 1 new, 2 corrected (a register also by another period or time of the maximum), 4 quality changed, 8 superseded (same value, higher rank), 16 retracted, 32 estimated';
COMMENT ON COLUMN change.slots IS 'of a day, runs: first slot, count, bit, …; each changed slot once';
COMMENT ON COLUMN change.old IS
  'mantissa, exponent, quality_id before, for each slot that was corrected, retracted or changed quality, in order of '
  'slot; mantissa -9223372036854775808 = a hole';
COMMENT ON COLUMN change.version IS 'of the interval_day row; event_id of an event; 0 otherwise';
-- Cursors go by (txid, change_id); nothing looks a change up by its number alone.
ALTER TABLE change DROP CONSTRAINT change_pkey;
CREATE INDEX change_cursor ON change (txid, change_id);
