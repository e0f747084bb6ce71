-- Heartbeat monitors: their ping URL and state, the pings that came, and the runs that these tell of.
-- depends: 0006.verdicts_in_full

-- Written under the monitor's state row (monitor_states), by whoever takes pings, pauses, resumes or changes the schedule.
CREATE TABLE heartbeats (
    tenant_id       uuid NOT NULL,
    monitor_id      uuid NOT NULL,
    ping_id         uuid NOT NULL,                      -- the capability in the URL: random, never a UUIDv7
    previous_id     uuid,                               -- before the last rotation; counts until previous_until
    previous_until  timestamptz,
    phase           text NOT NULL DEFAULT 'new',
    since           timestamptz NOT NULL DEFAULT now(),
    counted_from    timestamptz,                        -- what the next ping is expected after
    due_at          timestamptz,                        -- when it is missed, unless something comes; what is due is found by monitor_states.due_at
    due_run         boolean NOT NULL DEFAULT false,     -- the deadline is that of a run
    open_runs       jsonb NOT NULL DEFAULT '[]',        -- [[ping number, Unix ms, run id], …], oldest first, at most 32
    pings           bigint NOT NULL DEFAULT 0,          -- how many came, ever
    last_ping_at    timestamptz,
    last_kind       text,
    first_bad_at    timestamptz,                        -- of the outage that is shown
    reason          text,
    message         text,
    CONSTRAINT heartbeats_pkey PRIMARY KEY (tenant_id, monitor_id),
    CONSTRAINT heartbeats_monitor_fkey FOREIGN KEY (tenant_id, monitor_id)
        REFERENCES monitors (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT heartbeats_phase_known CHECK (phase IN ('new', 'up', 'down')),
    CONSTRAINT heartbeats_previous_whole CHECK ((previous_id IS NULL) = (previous_until IS NULL))
) WITH (fillfactor = 70);   -- every ping updates its row, and no index of it: room on the page keeps that cheap
CREATE UNIQUE INDEX heartbeats_ping_id_key ON heartbeats (ping_id);
CREATE INDEX heartbeats_previous_id ON heartbeats (previous_id) WHERE previous_id IS NOT NULL;

CREATE TABLE heartbeat_pings (
    tenant_id   uuid NOT NULL,
    monitor_id  uuid NOT NULL,
    number      bigint NOT NULL,                        -- 1, 2, 3 … of this heartbeat, in the order of their counting
    at          timestamptz NOT NULL,
    kind        text NOT NULL,
    exit_code   smallint,
    rid         uuid,
    method      text NOT NULL,
    source      text NOT NULL,                          -- the caller's address
    user_agent  text NOT NULL,
    body        bytea,                                  -- at most 100 kB; null: none came
    cut         boolean NOT NULL DEFAULT false,         -- more came than is kept
    CONSTRAINT heartbeat_pings_pkey PRIMARY KEY (tenant_id, monitor_id, number),
    CONSTRAINT heartbeat_pings_heartbeat_fkey FOREIGN KEY (tenant_id, monitor_id)
        REFERENCES heartbeats (tenant_id, monitor_id) ON DELETE CASCADE,
    CONSTRAINT heartbeat_pings_kind_known CHECK (kind IN ('success', 'start', 'fail', 'log')),
    CONSTRAINT heartbeat_pings_exit_code_range CHECK (exit_code BETWEEN 0 AND 255),
    CONSTRAINT heartbeat_pings_body_limit CHECK (length(body) <= 100000)
);
CREATE INDEX heartbeat_pings_age ON heartbeat_pings (at);

CREATE TABLE heartbeat_runs (
    tenant_id   uuid NOT NULL,
    monitor_id  uuid NOT NULL,
    number      bigint NOT NULL,                        -- of the ping that began it
    rid         uuid,
    started_at  timestamptz NOT NULL,
    finished_at timestamptz,                            -- null: nobody finished it, or not yet
    duration_ms bigint,
    exit_code   smallint,
    outcome     text NOT NULL DEFAULT 'running',
    CONSTRAINT heartbeat_runs_pkey PRIMARY KEY (tenant_id, monitor_id, number),
    CONSTRAINT heartbeat_runs_heartbeat_fkey FOREIGN KEY (tenant_id, monitor_id)
        REFERENCES heartbeats (tenant_id, monitor_id) ON DELETE CASCADE,
    CONSTRAINT heartbeat_runs_outcome_known CHECK (outcome IN ('running', 'success', 'fail', 'overdue', 'abandoned')),
    CONSTRAINT heartbeat_runs_forward CHECK (finished_at >= started_at)
);
CREATE INDEX heartbeat_runs_age ON heartbeat_runs (started_at);

GRANT SELECT, INSERT, UPDATE, DELETE ON heartbeats, heartbeat_pings, heartbeat_runs TO farwatch_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON heartbeats TO farwatch_tenant;
GRANT SELECT, UPDATE, DELETE ON heartbeat_runs TO farwatch_tenant;
GRANT SELECT, DELETE ON heartbeat_pings TO farwatch_tenant;

ALTER TABLE heartbeats ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON heartbeats TO farwatch_app USING (true);
CREATE POLICY own_rows ON heartbeats TO farwatch_tenant USING (tenant_id = (SELECT farwatch_tenant_id()));
ALTER TABLE heartbeat_pings ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON heartbeat_pings TO farwatch_app USING (true);
CREATE POLICY own_rows ON heartbeat_pings TO farwatch_tenant USING (tenant_id = (SELECT farwatch_tenant_id()));
ALTER TABLE heartbeat_runs ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON heartbeat_runs TO farwatch_app USING (true);
CREATE POLICY own_rows ON heartbeat_runs TO farwatch_tenant USING (tenant_id = (SELECT farwatch_tenant_id()));
