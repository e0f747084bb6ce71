-- What a verdict rests on besides votes: dependencies, holds, time that does not count, and when time alone decides.
-- depends: 0005.operator_incidents

ALTER TABLE monitors
    ADD COLUMN backoff_when_down boolean NOT NULL DEFAULT false,
    ADD COLUMN sla_target        double precision,          -- per cent of known time, 50 to 100
    ADD COLUMN sla_period_days   integer,
    ADD CONSTRAINT monitors_sla_whole CHECK ((sla_target IS NULL) = (sla_period_days IS NULL)),
    ADD CONSTRAINT monitors_sla_range CHECK (sla_target > 0 AND sla_target <= 100 AND sla_period_days BETWEEN 1 AND 366);

-- Everything here is written under the state row's lock, by whoever judges.
ALTER TABLE monitor_states
    ADD COLUMN sole           boolean NOT NULL DEFAULT false,   -- of a kind without regions: its one vote is derived
    ADD COLUMN well_since     timestamptz,                  -- since when up or degraded was proven without a break
    ADD COLUMN due_at         timestamptz,                  -- when time alone calls for the next judgement
    ADD COLUMN held_since     timestamptz,
    ADD COLUMN held_by        text,                         -- in words, for people
    ADD COLUMN hold_ended_at  timestamptz,                  -- an outage from before then is proven by newer down slots
    ADD COLUMN waits_until    timestamptz,                  -- an opening waits until then for what its upstreams say
    ADD COLUMN backed_off_at  timestamptz;                  -- checked less often since then
CREATE INDEX monitor_states_due ON monitor_states (due_at) WHERE due_at IS NOT NULL;

-- Few among many, and asked for after every change of a verdict.
CREATE INDEX monitor_states_held ON monitor_states (monitor_id) WHERE held_since IS NOT NULL;
CREATE INDEX monitors_composites ON monitors (tenant_id, id) WHERE kind = 'composite';

ALTER TABLE assignments
    ADD COLUMN cadence_s integer;                           -- instead of the monitor's interval, while it is backed off

ALTER TABLE incidents
    ADD COLUMN held_by text;                                -- what had held it back, in words

CREATE TABLE monitor_dependencies (
    tenant_id  uuid NOT NULL,
    monitor_id uuid NOT NULL,
    depends_on uuid NOT NULL,
    CONSTRAINT monitor_dependencies_pkey PRIMARY KEY (tenant_id, monitor_id, depends_on),
    CONSTRAINT monitor_dependencies_monitor_fkey FOREIGN KEY (tenant_id, monitor_id)
        REFERENCES monitors (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT monitor_dependencies_upstream_fkey FOREIGN KEY (tenant_id, depends_on)
        REFERENCES monitors (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT monitor_dependencies_not_itself CHECK (monitor_id <> depends_on)
);
CREATE INDEX monitor_dependencies_upstream ON monitor_dependencies (tenant_id, depends_on);

-- Time of a monitor that does not count: paused, or in a maintenance window. Half-open [starts_at, ends_at); a planned
-- end is written at the start and moved when the window is. Both holds and uptime read these rows and nothing else.
CREATE TABLE monitor_periods (
    tenant_id  uuid NOT NULL,
    monitor_id uuid NOT NULL,
    kind       text NOT NULL,
    starts_at  timestamptz NOT NULL,
    ends_at    timestamptz,                                 -- null: open
    window_id  uuid,                                        -- of a maintenance
    title      text,                                        -- of the window, as it was called then
    CONSTRAINT monitor_periods_monitor_fkey FOREIGN KEY (tenant_id, monitor_id)
        REFERENCES monitors (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT monitor_periods_kind_known CHECK (kind IN ('maintenance', 'paused')),
    CONSTRAINT monitor_periods_forward CHECK (ends_at >= starts_at)
);
CREATE UNIQUE INDEX monitor_periods_once ON monitor_periods (tenant_id, monitor_id, kind, window_id, starts_at);
CREATE INDEX monitor_periods_ending ON monitor_periods (ends_at) WHERE kind = 'maintenance';

-- Since when nobody has noted; from now on it is.
INSERT INTO monitor_periods (tenant_id, monitor_id, kind, starts_at)
SELECT tenant_id, id, 'paused', now() FROM monitors WHERE NOT enabled;

GRANT SELECT, INSERT, UPDATE, DELETE ON monitor_dependencies, monitor_periods TO farwatch_app, farwatch_tenant;
ALTER TABLE monitor_dependencies ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON monitor_dependencies TO farwatch_app USING (true);
CREATE POLICY own_rows ON monitor_dependencies TO farwatch_tenant USING (tenant_id = (SELECT farwatch_tenant_id()));
ALTER TABLE monitor_periods ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON monitor_periods TO farwatch_app USING (true);
CREATE POLICY own_rows ON monitor_periods TO farwatch_tenant USING (tenant_id = (SELECT farwatch_tenant_id()));
