-- Recorded values that are asked for again, by people and for gaps; what shows that a demand reset happened; and two
-- more things that meters share on their way.

ALTER TABLE usage_point_detail
  ADD COLUMN substation text NOT NULL DEFAULT '',
  ADD COLUMN collector  text NOT NULL DEFAULT '';
COMMENT ON COLUMN usage_point_detail.collector IS
  'network equipment that its meter is reached through, as the utility''s plan says; empty = not known';

ALTER TABLE operation
  DROP CONSTRAINT operation_kind_check,
  ADD COLUMN from_at timestamptz,
  ADD COLUMN to_at   timestamptz,
  ADD CONSTRAINT operation_kind_check CHECK (kind IN ('READ', 'PING', 'DEMAND_RESET', 'BACKFILL')),
  ADD CONSTRAINT operation_period CHECK (num_nonnulls(from_at, to_at) = CASE WHEN kind = 'BACKFILL' THEN 2 ELSE 0 END
                                         AND (from_at IS NULL OR from_at < to_at));
COMMENT ON COLUMN operation.from_at IS 'of a backfill: values of [from_at, to_at)';

ALTER TABLE operation_target
  ADD COLUMN substation          text NOT NULL DEFAULT '',
  ADD COLUMN collector           text NOT NULL DEFAULT '',
  ADD COLUMN read_after_id       bigint,
  ADD COLUMN verification        text NOT NULL DEFAULT ''
    CHECK (verification IN ('', 'VERIFIED', 'NOT_VERIFIABLE', 'CONTRADICTED')),
  ADD COLUMN verification_words  text NOT NULL DEFAULT '',
  ADD COLUMN verification_at     timestamptz,
  ADD COLUMN verification_due_at timestamptz,
  ADD CHECK (kind = 'DEMAND_RESET' OR (verification = '' AND read_after_id IS NULL AND verification_due_at IS NULL)),
  ADD CHECK ((verification = '') = (verification_at IS NULL));
COMMENT ON COLUMN operation_target.pacing_group IS 'feeder of the usage point when it was asked for; empty = not known';
COMMENT ON COLUMN operation_target.read_after_id IS 'of a demand reset: the read that was made to see what became of it';
COMMENT ON COLUMN operation_target.verification IS 'whether values say that exactly one reset happened; empty = not looked at';
COMMENT ON COLUMN operation_target.verification_words IS 'with values: they are readings';
COMMENT ON COLUMN operation_target.verification_due_at IS 'when it is looked at next; NULL = never again';
CREATE INDEX operation_target_verification ON operation_target (verification_due_at)
  WHERE verification_due_at IS NOT NULL;
-- Whether a feed answered anybody while one of its answers did not come.
CREATE INDEX operation_target_answered ON operation_target (feed, ended_at)
  WHERE state IN ('SUCCEEDED', 'FAILED') AND transaction IS NOT NULL;

-- How often the values of a gap were asked for. A row comes with the first time and stays as long as its gap.
CREATE TABLE gap_request (
  gap_id       bigint      PRIMARY KEY REFERENCES gap ON DELETE CASCADE,
  utility_id   int         NOT NULL,
  feed         text        NOT NULL DEFAULT '',
  asked        int         NOT NULL DEFAULT 0,
  tries        int         NOT NULL DEFAULT 0 CHECK (tries BETWEEN 0 AND asked),
  first_at     timestamptz,
  last_at      timestamptz,
  next_at      timestamptz NOT NULL,
  from_at      timestamptz,
  to_at        timestamptz,
  request_id   text,
  claimed_at   timestamptz,
  operation_id bigint,
  number       int,
  words        text        NOT NULL DEFAULT '',
  CHECK (request_id IS NULL OR num_nonnulls(from_at, to_at, claimed_at) = 3),
  CHECK (num_nonnulls(operation_id, number) IN (0, 2))
) WITH (fillfactor = 80);
COMMENT ON COLUMN gap_request.asked IS 'times that it was asked for, or was to be';
COMMENT ON COLUMN gap_request.tries IS 'of these, that say something about the far side: it answered, or answered others';
COMMENT ON COLUMN gap_request.next_at IS 'not asked for before; with the last try behind it, given up then';
COMMENT ON COLUMN gap_request.request_id IS 'of the operation that asks now; NULL = none does';
COMMENT ON COLUMN gap_request.claimed_at IS 'by whichever gateway makes that operation; one that does not is relieved';
COMMENT ON COLUMN gap_request.words IS 'what became of it last';
CREATE SEQUENCE gap_request_id_seq;
CREATE INDEX gap_request_under_way ON gap_request (feed, claimed_at) WHERE request_id IS NOT NULL;
CREATE INDEX gap_request_claimed ON gap_request (feed, claimed_at);
CREATE INDEX gap_open ON gap (from_at, gap_id) WHERE state = 'OPEN';

SELECT ami_apply_access();
