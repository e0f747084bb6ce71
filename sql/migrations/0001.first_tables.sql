-- The first tables: tenants and keys, the fleet, monitors, results and votes, incidents, deliveries, events.
--
-- Conventions. A tenant's table leads every key and index with tenant_id and carries the row-level security policy
-- "own_rows". Three tables are the fleet's and are keyed for the lanes of ingest instead: results, votes, assignments
-- (tenant_id is a plain column there, under the same policy). Instants of slots are Unix milliseconds (bigint), because
-- a slot is a natural key that travels; every other instant is a timestamptz. Constraint names are part of the code:
-- store/ maps them to errors.

-- ------------------------------------------------------------------------------------------------ tenants and keys

CREATE TABLE tenants (
    id           uuid PRIMARY KEY,
    name         text NOT NULL,
    plan         text NOT NULL DEFAULT 'free',
    suspended_at timestamptz,
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now(),
    revision     integer NOT NULL DEFAULT 1,
    CONSTRAINT tenants_name_length CHECK (char_length(name) BETWEEN 1 AND 100),
    CONSTRAINT tenants_plan_known CHECK (plan IN ('unlimited', 'free'))
);

-- The numbers that grow per tenant. Taking one locks the row until commit, so they grow in commit order.
CREATE TABLE tenant_counters (
    tenant_id  uuid PRIMARY KEY REFERENCES tenants (id) ON DELETE CASCADE,
    events     bigint NOT NULL DEFAULT 0,
    monitors   bigint NOT NULL DEFAULT 0,
    incidents  bigint NOT NULL DEFAULT 0,
    channels   bigint NOT NULL DEFAULT 0,
    deliveries bigint NOT NULL DEFAULT 0,
    keys       bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);

CREATE TABLE api_keys (
    tenant_id    uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    id           uuid NOT NULL,
    number       bigint NOT NULL,
    label        text NOT NULL,
    prefix       text NOT NULL,              -- the readable head of the key, to recognise it by
    digest       bytea NOT NULL,             -- HMAC-SHA256 of the whole key under the installation's pepper
    scopes       text[] NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz,
    last_used_at timestamptz,
    CONSTRAINT api_keys_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT api_keys_number_key UNIQUE (tenant_id, number),
    CONSTRAINT api_keys_label_length CHECK (char_length(label) BETWEEN 3 AND 100)
);
-- Authentication knows no tenant yet: the one index that does not start with tenant_id.
CREATE UNIQUE INDEX api_keys_digest_key ON api_keys (digest);

-- Replies kept for 24 h, so that a POST repeated under the same key has one effect.
CREATE TABLE idempotency_keys (
    tenant_id    uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    route        text NOT NULL,
    key          text NOT NULL,
    body_digest  bytea NOT NULL,
    status       integer,                    -- null while the first request is still running
    headers      jsonb,
    body         bytea,
    created_at   timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT idempotency_keys_pkey PRIMARY KEY (tenant_id, route, key)
);
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);

-- ------------------------------------------------------------------------------------------------------- the fleet

CREATE TABLE regions (
    id                  integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    slug                text NOT NULL,
    tenant_id           uuid REFERENCES tenants (id) ON DELETE CASCADE,   -- null: shared by all tenants
    name                text NOT NULL,
    city                text,
    country             text,
    latitude            double precision,
    longitude           double precision,
    labels              jsonb NOT NULL DEFAULT '{}',
    allow_cidrs         cidr[] NOT NULL DEFAULT '{}',   -- private regions only: blocked ranges its agents may reach
    enabled             boolean NOT NULL DEFAULT true,
    selected_by_default boolean NOT NULL DEFAULT true,
    created_at          timestamptz NOT NULL DEFAULT now(),
    updated_at          timestamptz NOT NULL DEFAULT now(),
    revision            integer NOT NULL DEFAULT 1,
    CONSTRAINT regions_slug_key UNIQUE (slug),
    CONSTRAINT regions_slug_form CHECK (slug ~ '^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$'),
    CONSTRAINT regions_shared_is_guarded CHECK (tenant_id IS NOT NULL OR allow_cidrs = '{}')
);

CREATE TABLE agents (
    id                   uuid PRIMARY KEY,
    number               integer GENERATED ALWAYS AS IDENTITY,   -- the short name of an agent in results
    region_id            integer NOT NULL REFERENCES regions (id) ON DELETE CASCADE,
    name                 text NOT NULL,
    key_digest           bytea NOT NULL,
    previous_key_digest  bytea,
    previous_key_until   timestamptz,
    enabled              boolean NOT NULL DEFAULT true,
    boot_id              uuid,
    version              text,
    capabilities         text[] NOT NULL DEFAULT '{}',
    last_seen_at         timestamptz,
    lease_until          timestamptz,
    healthy              boolean NOT NULL DEFAULT true,
    health_reason        text,
    clock_offset_ms      integer,
    saturation           real,
    lag_ms               real,
    spooled              integer,
    created_at           timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT agents_number_key UNIQUE (number),
    CONSTRAINT agents_name_key UNIQUE (region_id, name)
);
CREATE UNIQUE INDEX agents_key_digest_key ON agents (key_digest);
CREATE UNIQUE INDEX agents_previous_key_digest_key ON agents (previous_key_digest);

-- -------------------------------------------------------------------------------------------------------- channels

CREATE TABLE channels (
    tenant_id           uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    id                  uuid NOT NULL,
    number              bigint NOT NULL,
    name                text NOT NULL,
    kind                text NOT NULL,
    config              jsonb NOT NULL,         -- what may be read back, secrets as '***'
    sealed              bytea,                  -- the secrets, sealed
    host                text,                   -- that it sends to: bounds how many sends go there at a time
    enabled             boolean NOT NULL DEFAULT true,
    disabled_reason     text,
    consecutive_failures integer NOT NULL DEFAULT 0,
    last_delivered_at   timestamptz,
    last_error          text,
    write_source        text NOT NULL,
    created_at          timestamptz NOT NULL DEFAULT now(),
    updated_at          timestamptz NOT NULL DEFAULT now(),
    revision            integer NOT NULL DEFAULT 1,
    CONSTRAINT channels_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT channels_number_key UNIQUE (tenant_id, number),
    CONSTRAINT channels_name_key UNIQUE (tenant_id, name)
);

-- -------------------------------------------------------------------------------------------------------- monitors

CREATE TABLE monitors (
    tenant_id              uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    id                     uuid NOT NULL,
    number                 bigint NOT NULL,
    key                    text,                       -- the stable key of configuration as code
    name                   text NOT NULL,
    kind                   text NOT NULL,
    "check"                jsonb NOT NULL,             -- the whole specification, credentials as '***'
    sealed                 bytea,                      -- the credentials, sealed
    check_version          integer NOT NULL DEFAULT 1, -- grows with check, interval, regions and resume: older votes are none
    first_slot             bigint NOT NULL,            -- Unix ms: the first slot of this check version
    interval_s             integer NOT NULL,
    regions                integer[] NOT NULL DEFAULT '{}',   -- as chosen; assignments hold them only while it is enabled
    confirmations          integer NOT NULL DEFAULT 2,
    region_policy          text NOT NULL DEFAULT 'majority',   -- any | majority | all | count
    region_policy_count    integer,
    tags                   text[] NOT NULL DEFAULT '{}',
    "group"                text,
    severity               text NOT NULL DEFAULT 'major',
    alert_on               text NOT NULL DEFAULT 'down',
    notify_recovery        boolean NOT NULL DEFAULT true,
    renotify_interval_s    integer NOT NULL DEFAULT 3600,
    max_repeats            integer NOT NULL DEFAULT 10,
    owner                  text,
    notes                  text,
    enabled                boolean NOT NULL DEFAULT true,
    write_source           text NOT NULL,
    created_at             timestamptz NOT NULL DEFAULT now(),
    updated_at             timestamptz NOT NULL DEFAULT now(),
    revision               integer NOT NULL DEFAULT 1,
    CONSTRAINT monitors_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT monitors_number_key UNIQUE (tenant_id, number),
    CONSTRAINT monitors_key_key UNIQUE (tenant_id, key),
    CONSTRAINT monitors_name_length CHECK (char_length(name) BETWEEN 1 AND 100),
    CONSTRAINT monitors_interval_floor CHECK (interval_s >= 10),
    CONSTRAINT monitors_confirmations_range CHECK (confirmations BETWEEN 1 AND 10),
    CONSTRAINT monitors_policy_known CHECK (region_policy IN ('any', 'majority', 'all', 'count')),
    CONSTRAINT monitors_policy_count CHECK ((region_policy = 'count') = (region_policy_count IS NOT NULL) AND region_policy_count >= 1),
    CONSTRAINT monitors_severity_known CHECK (severity IN ('minor', 'major', 'critical')),
    CONSTRAINT monitors_alert_on_known CHECK (alert_on IN ('down', 'degraded'))
);
CREATE INDEX monitors_tags ON monitors USING gin (tags);

CREATE TABLE monitor_channels (
    tenant_id  uuid NOT NULL,
    monitor_id uuid NOT NULL,
    channel_id uuid NOT NULL,
    events     text[],                      -- null: the notices of incidents
    CONSTRAINT monitor_channels_pkey PRIMARY KEY (tenant_id, monitor_id, channel_id),
    CONSTRAINT monitor_channels_monitor_fkey FOREIGN KEY (tenant_id, monitor_id) REFERENCES monitors (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT monitor_channels_channel_fkey FOREIGN KEY (tenant_id, channel_id) REFERENCES channels (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX monitor_channels_channel ON monitor_channels (tenant_id, channel_id);

-- What an agent of the region has to run. A removed row stays as a tombstone until the retention job takes it, so that
-- a cursor can tell agents of the removal. Cursor = (changed_xid, change), read up to the snapshot's xmin.
CREATE SEQUENCE assignment_changes;
CREATE TABLE assignments (
    region_id     integer NOT NULL REFERENCES regions (id) ON DELETE CASCADE,
    monitor_id    uuid NOT NULL,
    tenant_id     uuid NOT NULL,
    check_version integer NOT NULL,
    window_ms     integer NOT NULL,          -- how long a vote lives after its newest slot: 2 x cadence + timeout + 30 s
    phase_ms      integer NOT NULL,          -- of this region in the monitor's interval
    removed_at    timestamptz,
    changed_xid   xid8 NOT NULL DEFAULT pg_current_xact_id(),
    change        bigint NOT NULL DEFAULT nextval('assignment_changes'),
    CONSTRAINT assignments_pkey PRIMARY KEY (region_id, monitor_id)
);
CREATE INDEX assignments_changed ON assignments (region_id, changed_xid, change);
CREATE INDEX assignments_monitor ON assignments (monitor_id);
CREATE INDEX assignments_removed ON assignments (removed_at) WHERE removed_at IS NOT NULL;

-- A region's current say about a monitor. Only the lane of that region (an advisory lock) writes these rows, nobody
-- else: a row whose check_version is not that of its assignment, or without a live assignment, is no vote. The lane
-- makes the row at the first result, and the retention job takes it away with the assignment's tombstone.
CREATE TABLE votes (
    monitor_id     uuid NOT NULL,
    region_id      integer NOT NULL REFERENCES regions (id) ON DELETE CASCADE,
    tenant_id      uuid NOT NULL,
    check_version  integer NOT NULL,
    window_ms      integer NOT NULL,           -- copied from the assignment: a vote expires this long after newest_slot
    newest_slot    bigint NOT NULL DEFAULT 0,  -- Unix ms of the newest slot counted; 0: none yet
    vote           text,                       -- up | down; null: none yet
    degraded       boolean NOT NULL DEFAULT false,
    renewed        boolean NOT NULL DEFAULT true, -- false: remembered from before an expiry and not earned again since
    steady         smallint,                   -- the outcome (shared.results.OUTCOMES) that would change nothing but newest_slot
    bad_run        integer NOT NULL DEFAULT 0, -- consecutive down slots, ending at newest_slot
    good_run       integer NOT NULL DEFAULT 0, -- consecutive up or degraded slots
    degraded_run   integer NOT NULL DEFAULT 0, -- consecutive degraded slots
    earned         integer NOT NULL DEFAULT 0, -- consecutive slots that made the vote what it is, when they did
    first_bad_slot bigint,                     -- of the bad run that made, or may make, this vote down
    vote_since     bigint,                     -- slot that decided the vote
    reason         text,                       -- of the first failure of the latest bad or degraded run
    message        text,
    evidence       text,                       -- JSON, of that same failure
    CONSTRAINT votes_pkey PRIMARY KEY (monitor_id, region_id),
    CONSTRAINT votes_vote_known CHECK (vote IN ('up', 'down'))
) WITH (fillfactor = 60);
CREATE INDEX votes_region ON votes (region_id);

-- One row per monitor: the verdict and what it was judged on. Locked in ascending monitor_id by whoever judges.
CREATE TABLE monitor_states (
    tenant_id     uuid NOT NULL,
    monitor_id    uuid NOT NULL,
    verdict       text NOT NULL DEFAULT 'unknown',
    reason        text NOT NULL DEFAULT 'Waiting for the first results',
    since         timestamptz NOT NULL DEFAULT now(),
    -- counts at the last judgement; the sweep judges again where they no longer hold
    assigned      integer NOT NULL DEFAULT 0,
    fresh_up      integer NOT NULL DEFAULT 0,
    fresh_down    integer NOT NULL DEFAULT 0,
    fresh_degraded integer NOT NULL DEFAULT 0,
    last_down     integer NOT NULL DEFAULT 0,
    judged_at     timestamptz NOT NULL DEFAULT now(),
    hushed        boolean NOT NULL DEFAULT false,  -- resolved by a person while down: nothing opens until up was proven
    CONSTRAINT monitor_states_pkey PRIMARY KEY (tenant_id, monitor_id),
    CONSTRAINT monitor_states_monitor_fkey FOREIGN KEY (tenant_id, monitor_id) REFERENCES monitors (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT monitor_states_verdict_known CHECK (verdict IN ('up', 'degraded', 'down', 'unknown'))
) WITH (fillfactor = 70);
-- Ingest knows the monitor, not yet the tenant, and locks in this order.
CREATE UNIQUE INDEX monitor_states_lock_order ON monitor_states (monitor_id);

CREATE TABLE transitions (
    tenant_id  uuid NOT NULL,
    monitor_id uuid NOT NULL,
    at         timestamptz NOT NULL,
    number     bigint NOT NULL,              -- the tenant's event number: orders transitions of one instant
    previous   text NOT NULL,
    verdict    text NOT NULL,
    reason     text NOT NULL,
    CONSTRAINT transitions_pkey PRIMARY KEY (tenant_id, monitor_id, at, number),
    CONSTRAINT transitions_monitor_fkey FOREIGN KEY (tenant_id, monitor_id) REFERENCES monitors (tenant_id, id) ON DELETE CASCADE
);

-- --------------------------------------------------------------------------------------------------------- results

-- Raw results, one partition per UTC day of the slot (results_YYYYMMDD), made ahead and dropped by retention.
-- No foreign key, and the key starts with monitor_id: this table may be spread over machines.
CREATE TABLE results (
    monitor_id    uuid NOT NULL,
    slot          bigint NOT NULL,           -- Unix ms
    region_id     integer NOT NULL,
    agent_number  integer NOT NULL,
    tenant_id     uuid NOT NULL,
    check_version integer NOT NULL,
    outcome       smallint NOT NULL,         -- shared.results.OUTCOMES
    reason        smallint NOT NULL,         -- shared.results.REASONS
    http_status   smallint,
    dns_us        integer,                   -- phase timings in microseconds, null where the phase did not happen
    connect_us    integer,
    tls_us        integer,
    ttfb_us       integer,
    download_us   integer,
    total_us      integer,
    detail        text,                      -- JSON: shared.results.Detail
    CONSTRAINT results_pkey PRIMARY KEY (monitor_id, region_id, slot)
) PARTITION BY RANGE (slot);

-- ------------------------------------------------------------------------------------------------------- incidents

CREATE TABLE incidents (
    tenant_id       uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    id              uuid NOT NULL,
    number          bigint NOT NULL,
    monitor_id      uuid,
    origin          text NOT NULL DEFAULT 'monitor',
    type            text NOT NULL DEFAULT 'down',
    severity        text NOT NULL,
    state           text NOT NULL DEFAULT 'triggered',
    phase           text NOT NULL DEFAULT 'investigating',
    cause           text NOT NULL,
    started_at      timestamptz NOT NULL,     -- the r-th earliest first bad slot: when it began for people
    opened_at       timestamptz NOT NULL,
    acknowledged_at timestamptz,
    acknowledged_by text,
    resolved_at     timestamptz,
    resolution      text,                     -- recovered | paused | deleted | no_regions | person
    regions_down    text[] NOT NULL DEFAULT '{}',
    regions_up      text[] NOT NULL DEFAULT '{}',
    evidence        jsonb NOT NULL DEFAULT '[]',   -- the votes that proved it, one object per region
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    revision        integer NOT NULL DEFAULT 1,
    CONSTRAINT incidents_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT incidents_number_key UNIQUE (tenant_id, number),
    CONSTRAINT incidents_monitor_fkey FOREIGN KEY (tenant_id, monitor_id) REFERENCES monitors (tenant_id, id) ON DELETE SET NULL (monitor_id),
    CONSTRAINT incidents_type_known CHECK (type IN ('down', 'degraded', 'flapping')),
    CONSTRAINT incidents_state_known CHECK (state IN ('triggered', 'acknowledged', 'resolved'))
);
CREATE UNIQUE INDEX incidents_one_open ON incidents (tenant_id, monitor_id) WHERE origin = 'monitor' AND state <> 'resolved';
CREATE INDEX incidents_monitor ON incidents (tenant_id, monitor_id, opened_at DESC);
CREATE INDEX incidents_opened ON incidents (tenant_id, opened_at DESC);

CREATE TABLE incident_events (
    tenant_id   uuid NOT NULL,
    incident_id uuid NOT NULL,
    id          uuid NOT NULL,
    kind        text NOT NULL,     -- opened | region_joined | worsened | acknowledged | note | public_update | reminder | escalated | resolved | reopened
    at          timestamptz NOT NULL,
    actor       text,              -- null: Farwatch itself
    text        text,
    data        jsonb NOT NULL DEFAULT '{}',
    CONSTRAINT incident_events_pkey PRIMARY KEY (tenant_id, incident_id, id),
    CONSTRAINT incident_events_incident_fkey FOREIGN KEY (tenant_id, incident_id) REFERENCES incidents (tenant_id, id) ON DELETE CASCADE
);

-- ------------------------------------------------------------------------------------------------------ deliveries

-- The outbox: one row per notice owed to one channel, written in the transaction that decides it.
CREATE TABLE deliveries (
    tenant_id    uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    id           uuid NOT NULL,
    number       bigint NOT NULL,
    channel_id   uuid,
    channel_name text NOT NULL,              -- as it was when owed; stays when the channel is deleted
    channel_kind text NOT NULL,
    incident_id  uuid,
    monitor_id   uuid,
    event        text NOT NULL,              -- incident.opened …
    notice       text NOT NULL,              -- opened | reminder | escalated | resolved | test
    ordinal      integer NOT NULL DEFAULT 0,
    body         text NOT NULL,              -- JSON, the same bytes on every attempt
    state        text NOT NULL DEFAULT 'pending',   -- pending | delivered | dead | cancelled
    reason       text,                       -- why dead or cancelled
    attempts     integer NOT NULL DEFAULT 0,
    due_at       timestamptz NOT NULL,
    lease_token  uuid,                       -- of the worker that holds it: a late worker cannot record over a newer one
    lease_until  timestamptz,
    created_at   timestamptz NOT NULL DEFAULT now(),
    finished_at  timestamptz,
    CONSTRAINT deliveries_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT deliveries_number_key UNIQUE (tenant_id, number),
    CONSTRAINT deliveries_once UNIQUE (tenant_id, incident_id, channel_id, notice, ordinal),
    CONSTRAINT deliveries_channel_fkey FOREIGN KEY (tenant_id, channel_id) REFERENCES channels (tenant_id, id) ON DELETE SET NULL (channel_id),
    CONSTRAINT deliveries_incident_fkey FOREIGN KEY (tenant_id, incident_id) REFERENCES incidents (tenant_id, id) ON DELETE SET NULL (incident_id),
    CONSTRAINT deliveries_state_known CHECK (state IN ('pending', 'delivered', 'dead', 'cancelled'))
);
CREATE INDEX deliveries_finished ON deliveries (finished_at) WHERE state <> 'pending';
CREATE INDEX deliveries_due ON deliveries (due_at) WHERE state = 'pending';
-- The order of claiming: newest incident first (its id is a UUIDv7), within it by number.
CREATE INDEX deliveries_backlog ON deliveries ((coalesce(incident_id, id)) DESC, number) WHERE state = 'pending';
CREATE INDEX deliveries_incident ON deliveries (tenant_id, incident_id, channel_id, number);
CREATE INDEX deliveries_monitor ON deliveries (tenant_id, monitor_id, created_at DESC);
CREATE INDEX deliveries_channel ON deliveries (tenant_id, channel_id, created_at DESC);

CREATE TABLE delivery_attempts (
    tenant_id    uuid NOT NULL,
    delivery_id  uuid NOT NULL,
    attempt      integer NOT NULL,
    at           timestamptz NOT NULL,
    duration_ms  integer NOT NULL,
    outcome      text NOT NULL,              -- delivered | retry | dead
    http_status  integer,
    error        text,
    response     text,                       -- the first 256 bytes of the answer, never headers
    CONSTRAINT delivery_attempts_pkey PRIMARY KEY (tenant_id, delivery_id, attempt),
    CONSTRAINT delivery_attempts_delivery_fkey FOREIGN KEY (tenant_id, delivery_id) REFERENCES deliveries (tenant_id, id) ON DELETE CASCADE
);

-- --------------------------------------------------------------------------------------------- events and dispatch

-- Decisions, numbered per tenant in commit order; resumable by SSE for 24 h.
CREATE TABLE events (
    tenant_id  uuid NOT NULL,
    number     bigint NOT NULL,
    at         timestamptz NOT NULL DEFAULT now(),
    event      text NOT NULL,
    monitor_id uuid,
    data       text NOT NULL,                -- one-line JSON
    CONSTRAINT events_pkey PRIMARY KEY (tenant_id, number)
);
CREATE INDEX events_age ON events (at);

-- Work for the agents of a region outside their schedule. A re-check or check-now runs in the slot of its due time.
CREATE TABLE dispatches (
    id            uuid PRIMARY KEY,
    region_id     integer NOT NULL REFERENCES regions (id) ON DELETE CASCADE,
    tenant_id     uuid NOT NULL,
    monitor_id    uuid,                      -- null for a test
    check_version integer,
    kind          text NOT NULL,             -- recheck | check_now | test
    slot          bigint NOT NULL,           -- Unix ms: when it is due
    "check"       jsonb,                     -- of a test only
    sealed        bytea,
    expires_at    timestamptz NOT NULL,
    claimed_at    timestamptz,
    claimed_by    uuid,
    finished_at   timestamptz,
    result        text,                      -- JSON, of a test only
    CONSTRAINT dispatches_kind_known CHECK (kind IN ('recheck', 'check_now', 'test'))
);
CREATE INDEX dispatches_waiting ON dispatches (region_id, slot) WHERE claimed_at IS NULL;
CREATE INDEX dispatches_monitor ON dispatches (monitor_id) WHERE claimed_at IS NULL;
CREATE INDEX dispatches_running ON dispatches (region_id, monitor_id) WHERE claimed_at IS NOT NULL AND finished_at IS NULL;
CREATE INDEX dispatches_age ON dispatches (expires_at);

-- Facts about this installation, and the processes that are alive.
CREATE TABLE installation (
    name  text PRIMARY KEY,
    value jsonb NOT NULL
);
