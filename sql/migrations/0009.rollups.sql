-- What the raw results of a region come to per slice of time, so that charts and reports need not read them all.
-- depends: 0006.verdicts_in_full

-- Like results: no foreign key, and the key starts with monitor_id, so that they may be spread over machines. Every row
-- can be made again from the raw results of its slice, for as long as those are kept.
CREATE TABLE rollups_fine (
    monitor_id  uuid NOT NULL,
    region_id   integer NOT NULL,
    starts      bigint NOT NULL,           -- Unix ms: the slots in [starts, starts + 5 min)
    tenant_id   uuid NOT NULL,
    up          integer NOT NULL,          -- results by outcome
    degraded    integer NOT NULL,
    down        integer NOT NULL,
    error       integer NOT NULL,
    samples     integer NOT NULL,          -- up or degraded with a total: what the latency below is of
    total_us    bigint NOT NULL,           -- sums over the samples; a phase that did not happen adds nothing
    dns_us      bigint NOT NULL,
    connect_us  bigint NOT NULL,
    tls_us      bigint NOT NULL,
    ttfb_us     bigint NOT NULL,
    download_us bigint NOT NULL,
    histogram   bytea NOT NULL,            -- control_plane/domain/uptime/latency_histogram.py
    CONSTRAINT rollups_fine_pkey PRIMARY KEY (monitor_id, region_id, starts)
);
CREATE INDEX rollups_fine_age ON rollups_fine USING brin (starts);

CREATE TABLE rollups_hourly (LIKE rollups_fine, CONSTRAINT rollups_hourly_pkey PRIMARY KEY (monitor_id, region_id, starts));
CREATE INDEX rollups_hourly_age ON rollups_hourly USING brin (starts);

-- How far each walk over the results has come. A walk goes from `done_until` to `reaching` assignment by assignment;
-- `after_…` is where it stands.
CREATE TABLE rollup_walks (
    name          text PRIMARY KEY,        -- fine | hourly | check
    done_until    bigint NOT NULL,         -- Unix ms
    reaching      bigint,
    after_region  integer NOT NULL DEFAULT 0,
    after_monitor uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000'
) WITH (fillfactor = 50);

-- Slices that had results after they may have been rolled up, one row per batch and slice: no key, so that ingest never
-- waits for the job.
CREATE TABLE rollup_late (
    at          timestamptz NOT NULL DEFAULT now(),
    region_id   integer NOT NULL,
    starts      bigint NOT NULL,           -- of the fine slice
    monitor_ids uuid[] NOT NULL
);

GRANT SELECT, INSERT, UPDATE, DELETE ON rollups_fine, rollups_hourly, rollup_walks, rollup_late TO farwatch_app;
GRANT SELECT ON rollups_fine, rollups_hourly, rollup_walks TO farwatch_tenant;

ALTER TABLE rollups_fine ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON rollups_fine TO farwatch_app USING (true);
CREATE POLICY own_rows ON rollups_fine TO farwatch_tenant USING (tenant_id = (SELECT farwatch_tenant_id()));
ALTER TABLE rollups_hourly ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON rollups_hourly TO farwatch_app USING (true);
CREATE POLICY own_rows ON rollups_hourly TO farwatch_tenant USING (tenant_id = (SELECT farwatch_tenant_id()));
ALTER TABLE rollup_walks ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON rollup_walks TO farwatch_app USING (true);
CREATE POLICY how_far ON rollup_walks FOR SELECT TO farwatch_tenant USING (true);
ALTER TABLE rollup_late ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON rollup_late TO farwatch_app USING (true);
