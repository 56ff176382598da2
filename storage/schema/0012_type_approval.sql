-- What type approval and verification are judged from: the module in a meter, and when the meter was verified and
-- sealed.

-- Nothing has written this table so far: its rows were to be modules by serial, which are aliases now. A row says what
-- is fitted in a meter; a swap ends one and begins the next.
ALTER TABLE endpoint
  DROP CONSTRAINT endpoint_one_module_a_meter,
  DROP CONSTRAINT endpoint_module_in_one_meter,
  DROP CONSTRAINT endpoint_family_check,
  DROP CONSTRAINT endpoint_module_check,
  ADD COLUMN board text NOT NULL DEFAULT '',
  ADD COLUMN breaks_seal boolean NOT NULL DEFAULT false,
  ADD CONSTRAINT endpoint_named_twice CHECK ((family = '') = (module = '')),
  ADD CONSTRAINT endpoint_board_beside_module CHECK (module <> '' OR board = ''),
  ADD CONSTRAINT endpoint_one_module_at_a_time EXCLUDE USING gist (meter_id WITH =, valid WITH &&);
COMMENT ON TABLE endpoint IS 'communication module in a meter';
COMMENT ON COLUMN endpoint.family IS 'what the notice calls the module: SSN; without a notice as it was said';
COMMENT ON COLUMN endpoint.module IS
  'kind of module as it was said, e.g. RES-3000-FocusAX-P; its serial is an alias; empty = none is fitted';
COMMENT ON COLUMN endpoint.board IS 'interface board beside the module, e.g. EMTR-3-FX; empty = none known';
COMMENT ON COLUMN endpoint.breaks_seal IS 'fitting it broke the seal of the meter';

-- Appended to only. Of the rows of one seal date the newest counts; of a meter, the newest seal.
CREATE TABLE verification (
  verification_id bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  utility_id      int         NOT NULL,
  meter_id        bigint      NOT NULL,
  seal_date       date        NOT NULL,
  certificate     text        NOT NULL,
  lot             text        NOT NULL DEFAULT '',
  due_year        int,
  withdrawn       boolean     NOT NULL DEFAULT false,
  recorded_at     timestamptz NOT NULL DEFAULT now(),
  recorded_by     text        NOT NULL,
  FOREIGN KEY (meter_id, utility_id) REFERENCES meter (meter_id, utility_id),
  CONSTRAINT verification_says_something CHECK (withdrawn OR (certificate <> '' AND due_year IS NOT NULL)),
  CONSTRAINT verification_due_after_seal CHECK (due_year >= extract(year FROM seal_date))
);
COMMENT ON TABLE verification IS 'when a meter was verified and sealed, as it was said';
COMMENT ON COLUMN verification.seal_date IS 'civil day in the zone of the utility';
COMMENT ON COLUMN verification.due_year IS 'last year of the verification period';
COMMENT ON COLUMN verification.withdrawn IS 'true: what was said of this seal date before is taken back';
CREATE INDEX verification_meter ON verification (meter_id, seal_date, verification_id);

INSERT INTO table_access (pattern, ingest, reader, switch) VALUES
  ('verification', 'SELECT, INSERT', 'SELECT', 'SELECT');
SELECT ami_apply_access();
