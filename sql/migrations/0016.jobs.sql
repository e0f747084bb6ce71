-- Jobs: work that a tenant ordered and does not wait for, which survives the process that does it.
-- depends: 0013.audit

CREATE TABLE jobs (
    tenant_id   uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    id          uuid NOT NULL,
    number      bigint NOT NULL,
    kind        text NOT NULL,                  -- a name in control_plane/services/run_job.py
    state       text NOT NULL DEFAULT 'queued',
    total       integer NOT NULL,               -- items
    done        integer NOT NULL DEFAULT 0,     -- of them, succeeded or failed: where another process goes on
    failed      integer NOT NULL DEFAULT 0,
    request     bytea,                          -- sealed: it may hold secrets. Gone once the job is over
    failures    jsonb NOT NULL DEFAULT '[]',    -- the first thousand items that failed
    result      jsonb,                          -- of a kind that makes something
    error       jsonb,                          -- {code, message, field, details} of a job that failed as a whole
    actor       jsonb,                          -- who ordered it: control_plane/domain/tenants/actor.py
    token       uuid,                           -- of whoever does it: writes of anybody else fail
    lease_until timestamptz,
    attempts    integer NOT NULL DEFAULT 0,
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    started_at  timestamptz,
    finished_at timestamptz,
    CONSTRAINT jobs_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT jobs_number_key UNIQUE (tenant_id, number),
    CONSTRAINT jobs_state_known CHECK (state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
    CONSTRAINT jobs_counted CHECK (failed BETWEEN 0 AND done AND done <= total),
    CONSTRAINT jobs_over CHECK ((finished_at IS NOT NULL) = (state NOT IN ('queued', 'running'))),
    CONSTRAINT jobs_keep_no_request CHECK (finished_at IS NULL OR request IS NULL)
);
-- What waits, of every tenant, oldest first; and what is over, for retention.
CREATE INDEX jobs_waiting ON jobs (created_at) WHERE finished_at IS NULL;
CREATE INDEX jobs_age ON jobs (finished_at) WHERE finished_at IS NOT NULL;

ALTER TABLE tenant_counters ADD COLUMN jobs bigint NOT NULL DEFAULT 0;

GRANT SELECT, INSERT, UPDATE, DELETE ON jobs TO farwatch_app;
GRANT SELECT, INSERT, UPDATE ON jobs TO farwatch_tenant;
ALTER TABLE jobs ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON jobs TO farwatch_app USING (true);
CREATE POLICY own_rows ON jobs TO farwatch_tenant USING (tenant_id = (SELECT farwatch_tenant_id()));
