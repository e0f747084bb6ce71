-- When pings of heartbeats could come in: what was missed while they could not is nobody's outage.
-- depends: 0006.verdicts_in_full

-- One row for each stretch of time in which a process could have stored pings: it goes on with every mark. What no row
-- covers, from the first on, is a closure. Neither table is a tenant's.
CREATE TABLE ping_door_spells (
    id          uuid NOT NULL,
    opened_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    seen_at     timestamptz NOT NULL DEFAULT clock_timestamp(),     -- the last mark
    CONSTRAINT ping_door_spells_pkey PRIMARY KEY (id),
    CONSTRAINT ping_door_spells_forward CHECK (seen_at >= opened_at)
) WITH (fillfactor = 50);   -- marked every second, and by no index
CREATE INDEX ping_door_spells_age ON ping_door_spells (opened_at);

-- From the first to the last ping that a serving process answered 503, between two of its marks: a closure as well.
CREATE TABLE ping_door_refusals (
    id          bigint GENERATED ALWAYS AS IDENTITY,
    from_at     timestamptz NOT NULL,
    until_at    timestamptz NOT NULL,
    pings       integer NOT NULL,
    CONSTRAINT ping_door_refusals_pkey PRIMARY KEY (id),
    CONSTRAINT ping_door_refusals_forward CHECK (until_at >= from_at)
);
CREATE INDEX ping_door_refusals_age ON ping_door_refusals (until_at);

GRANT SELECT, INSERT, UPDATE, DELETE ON ping_door_spells, ping_door_refusals TO farwatch_app;
GRANT SELECT ON ping_door_spells, ping_door_refusals TO farwatch_tenant;

ALTER TABLE ping_door_spells ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON ping_door_spells TO farwatch_app USING (true);
CREATE POLICY read_rows ON ping_door_spells FOR SELECT TO farwatch_tenant USING (true);
ALTER TABLE ping_door_refusals ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON ping_door_refusals TO farwatch_app USING (true);
CREATE POLICY read_rows ON ping_door_refusals FOR SELECT TO farwatch_tenant USING (true);
