-- Each line of the switch audit tells by itself what was asked for, by whom, for whom and why, where it was sent and what
-- came of it: the operation's own row changes, the audit does not. And seals: a chain of hashes over the lines, in the order in
-- which they were committed (docs/audit.md). NULL = of a line from before this migration: it was not noted then.
ALTER TABLE switch_audit
  ADD COLUMN certificate    text,
  ADD COLUMN meter          text,
  ADD COLUMN usage_point    text,
  ADD COLUMN serial_last4   text,
  ADD COLUMN action         text,
  ADD COLUMN reason         text,
  ADD COLUMN order_id       text,
  ADD COLUMN caller         text,
  ADD COLUMN request_id     text,
  ADD COLUMN on_behalf_of   text,
  ADD COLUMN attestation    text,
  ADD COLUMN automatic      boolean,
  ADD COLUMN request_sha256 text,
  ADD COLUMN feed           text,
  ADD COLUMN vendor_id      text,
  ADD COLUMN transaction    text,
  ADD COLUMN sent_sha256    text,
  ADD COLUMN evidence       smallint,
  ADD COLUMN attainable     smallint,
  ADD COLUMN position       text,
  ADD COLUMN final_register text,
  ADD COLUMN rule           text;
COMMENT ON COLUMN switch_audit.certificate IS 'URIs of the actor''s certificate; empty = none was shown';
COMMENT ON COLUMN switch_audit.caller IS 'who asked for the operation; actor is who moved it';
COMMENT ON COLUMN switch_audit.request_sha256 IS 'of what was asked for';
COMMENT ON COLUMN switch_audit.transaction IS 'of its only attempt; empty = never sent';
COMMENT ON COLUMN switch_audit.sent_sha256 IS 'of the request''s bytes as they left; empty = nobody says';
COMMENT ON COLUMN switch_audit.evidence IS 'after the change, like the columns that follow';

-- No foreign key: it would write a lock into every line that is sealed, and a line that is gone is to be found, not prevented,
-- where somebody gets round the trigger.
CREATE TABLE switch_seal (
  position     bigint      PRIMARY KEY CHECK (position > 0),
  audit_id     bigint      NOT NULL CONSTRAINT switch_seal_once UNIQUE,
  format       smallint    NOT NULL,
  row_sha256   bytea       NOT NULL CHECK (octet_length(row_sha256) = 32),
  chain_sha256 bytea       NOT NULL CHECK (octet_length(chain_sha256) = 32),
  sealed_at    timestamptz NOT NULL
);
COMMENT ON COLUMN switch_seal.position IS 'in the chain: 1, 2, 3 … without a gap';
COMMENT ON COLUMN switch_seal.format IS 'of the canonical bytes';
COMMENT ON COLUMN switch_seal.row_sha256 IS 'of the line''s canonical bytes';
COMMENT ON COLUMN switch_seal.chain_sha256 IS 'of the chain hash before, position, sealed_at and row_sha256';
COMMENT ON COLUMN switch_seal.sealed_at IS 'by the clock of the database';

CREATE FUNCTION ami_switch_seal_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'seals of the switch audit are never changed nor deleted' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER switch_seal_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON switch_seal
  FOR EACH STATEMENT EXECUTE FUNCTION ami_switch_seal_stays();

INSERT INTO table_access (pattern, ingest, reader, switch, audit) VALUES
  ('switch\_seal', '', '', 'SELECT, INSERT', 'SELECT');
SELECT ami_apply_access();
