-- Maintenance windows: what is planned, what holds now, and what has held.
-- depends: 0006.verdicts_in_full

ALTER TABLE tenant_counters ADD COLUMN maintenance bigint NOT NULL DEFAULT 0;

-- What starts and what ends next are columns, so that any process finds them and no timer is lost.
CREATE TABLE maintenance_windows (
    tenant_id          uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    id                 uuid NOT NULL,
    number             bigint NOT NULL,
    title              text NOT NULL,
    description        text NOT NULL DEFAULT '',
    public             boolean NOT NULL DEFAULT false,
    covers_all         boolean NOT NULL DEFAULT false,
    monitors           uuid[] NOT NULL DEFAULT '{}',
    tags               text[] NOT NULL DEFAULT '{}',
    starts_at          timestamptz NOT NULL,
    ends_at            timestamptz,                 -- of a single window
    cron               text,
    rrule              text,
    duration_s         integer,                     -- of each time that a recurring window holds
    timezone           text NOT NULL DEFAULT 'UTC',
    until              timestamptz,
    next_starts_at     timestamptz,                 -- null: never again
    next_ends_at       timestamptz,
    current_starts_at  timestamptz,                 -- null: it does not hold now
    current_ends_at    timestamptz,
    covered_at         timestamptz,                 -- when all monitors were covered; null: not yet
    ended_at           timestamptz,                 -- when it held for the last time
    deleted_at         timestamptz,                 -- it goes as soon as what holds now has ended
    write_source       text NOT NULL,
    created_at         timestamptz NOT NULL DEFAULT now(),
    updated_at         timestamptz NOT NULL DEFAULT now(),
    revision           integer NOT NULL DEFAULT 1,
    CONSTRAINT maintenance_windows_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT maintenance_windows_number_key UNIQUE (tenant_id, number),
    CONSTRAINT maintenance_windows_one_schedule
        CHECK ((ends_at IS NOT NULL AND duration_s IS NULL AND cron IS NULL AND rrule IS NULL)
            OR (ends_at IS NULL AND duration_s IS NOT NULL AND (cron IS NULL) <> (rrule IS NULL))),
    CONSTRAINT maintenance_windows_forward
        CHECK (ends_at > starts_at AND next_ends_at > next_starts_at AND current_ends_at >= current_starts_at)
);
CREATE INDEX maintenance_windows_starting ON maintenance_windows (next_starts_at) WHERE next_starts_at IS NOT NULL;
CREATE INDEX maintenance_windows_holding ON maintenance_windows (current_ends_at) WHERE current_starts_at IS NOT NULL;
CREATE INDEX maintenance_windows_age ON maintenance_windows (ended_at) WHERE ended_at IS NOT NULL;

-- What has held, or holds now.
CREATE TABLE maintenance_occurrences (
    tenant_id uuid NOT NULL,
    window_id uuid NOT NULL,
    starts_at timestamptz NOT NULL,
    ends_at   timestamptz NOT NULL,
    CONSTRAINT maintenance_occurrences_pkey PRIMARY KEY (tenant_id, window_id, starts_at),
    CONSTRAINT maintenance_occurrences_window_fkey FOREIGN KEY (tenant_id, window_id)
        REFERENCES maintenance_windows (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT maintenance_occurrences_forward CHECK (ends_at >= starts_at)
);
CREATE INDEX maintenance_occurrences_age ON maintenance_occurrences (ends_at);
CREATE INDEX monitor_periods_window ON monitor_periods (tenant_id, window_id) WHERE window_id IS NOT NULL;

GRANT SELECT, INSERT, UPDATE, DELETE ON maintenance_windows, maintenance_occurrences TO farwatch_app, farwatch_tenant;
ALTER TABLE maintenance_windows ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON maintenance_windows TO farwatch_app USING (true);
CREATE POLICY own_rows ON maintenance_windows TO farwatch_tenant USING (tenant_id = (SELECT farwatch_tenant_id()));
ALTER TABLE maintenance_occurrences ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON maintenance_occurrences TO farwatch_app USING (true);
CREATE POLICY own_rows ON maintenance_occurrences TO farwatch_tenant USING (tenant_id = (SELECT farwatch_tenant_id()));
