-- What the operator is told of: troubles of the fleet, one open incident for each, and since when agents are as they say.
-- depends: 0004.certificates

-- Each state of an agent comes with the instant at which it last changed: an alert opens and ends only when a state lasts.
ALTER TABLE agents
    ADD COLUMN health_since   timestamptz,                      -- since when it is healthy, or is not
    ADD COLUMN skewed         boolean NOT NULL DEFAULT false,   -- its clock is off by more than 30 s
    ADD COLUMN skewed_since   timestamptz,
    ADD COLUMN sent_skew_ms   bigint,                           -- what it last dated itself, minus the database's clock
    ADD COLUMN strained       boolean NOT NULL DEFAULT false,   -- its checks are late, or given up
    ADD COLUMN strained_since timestamptz,
    ADD COLUMN gaps           bigint,                           -- slots given up since its boot
    ADD COLUMN gaps_grown_at  timestamptz,
    ADD COLUMN observed_at    timestamptz,                      -- when it last told how it is
    ADD COLUMN left_at        timestamptz;                      -- the end of its lease when it said goodbye

-- Of the fleet, not of a tenant: no tenant_id. The one of a private region is told to `private_to` by events instead.
CREATE TABLE operator_incidents (
    id              uuid PRIMARY KEY,
    number          bigint NOT NULL,         -- of the operator's own counters
    kind            text NOT NULL,           -- agent_offline …: control_plane/domain/fleet/fleet.py has the list
    subject         text NOT NULL,           -- what it is about: an agent's id, a region's, or the installation
    agent_id        uuid,
    region_id       integer,
    private_to      uuid,
    severity        text NOT NULL,
    state           text NOT NULL DEFAULT 'triggered',
    reason          text NOT NULL,           -- as it is now; a notice keeps the words of its moment
    details         jsonb NOT NULL DEFAULT '{}',
    opened_at       timestamptz NOT NULL,
    acknowledged_at timestamptz,
    resolved_at     timestamptz,
    resolution      text,                    -- recovered | disabled | removed
    CONSTRAINT operator_incidents_number_key UNIQUE (number),
    CONSTRAINT operator_incidents_agent_fkey FOREIGN KEY (agent_id) REFERENCES agents (id) ON DELETE SET NULL,
    CONSTRAINT operator_incidents_region_fkey FOREIGN KEY (region_id) REFERENCES regions (id) ON DELETE SET NULL,
    CONSTRAINT operator_incidents_private_to_fkey FOREIGN KEY (private_to) REFERENCES tenants (id) ON DELETE CASCADE,
    CONSTRAINT operator_incidents_severity_known CHECK (severity IN ('minor', 'major', 'critical')),
    CONSTRAINT operator_incidents_state_known CHECK (state IN ('triggered', 'acknowledged', 'resolved'))
);
CREATE UNIQUE INDEX operator_incidents_one_open ON operator_incidents (kind, subject) WHERE state <> 'resolved';
CREATE INDEX operator_incidents_opened ON operator_incidents (opened_at DESC);
CREATE INDEX operator_incidents_agent ON operator_incidents (agent_id);
CREATE INDEX operator_incidents_region ON operator_incidents (region_id);
CREATE INDEX operator_incidents_private_to ON operator_incidents (private_to);
CREATE INDEX operator_incidents_resolved ON operator_incidents (resolved_at) WHERE state = 'resolved';

GRANT SELECT, INSERT, UPDATE, DELETE ON operator_incidents TO farwatch_app;
ALTER TABLE operator_incidents ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON operator_incidents TO farwatch_app USING (true);

-- The operator's notices go through the same outbox, where incident_id is then an operator's incident: of two tables,
-- so no foreign key. Incidents outlive their deliveries anyway (400 days against 90).
ALTER TABLE deliveries DROP CONSTRAINT deliveries_incident_fkey;
