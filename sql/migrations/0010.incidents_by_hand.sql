-- What people do with incidents: declare, narrate, tell the public, resolve and reopen them.
-- depends: 0006.verdicts_in_full

ALTER TABLE incidents
    ADD COLUMN title              text,                     -- null: made of the monitor's name and the type
    ADD COLUMN public_title       text,                     -- null: the status page says "<component> is down"
    ADD COLUMN public_description text,
    ADD COLUMN declared_by        text,
    ADD COLUMN resolved_by        text,                     -- null: Farwatch itself
    ADD COLUMN reopened_at        timestamptz,              -- when it was last reopened
    ADD COLUMN reopened           integer NOT NULL DEFAULT 0,
    ADD COLUMN held_open          boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT incidents_origin_known CHECK (origin IN ('monitor', 'person')),
    ADD CONSTRAINT incidents_phase_known
        CHECK (phase IN ('investigating', 'identified', 'monitoring', 'resolved', 'postmortem')),
    ADD CONSTRAINT incidents_declared_titled CHECK (origin = 'monitor' OR title IS NOT NULL);
COMMENT ON COLUMN incidents.held_open IS
    'Reopened while nothing proved an outage: a proven recovery does not resolve it until down was proven once more';

-- The monitors of an incident that a person declared. An automatic one has its own in incidents.monitor_id.
CREATE TABLE incident_monitors (
    tenant_id   uuid NOT NULL,
    incident_id uuid NOT NULL,
    monitor_id  uuid NOT NULL,
    CONSTRAINT incident_monitors_pkey PRIMARY KEY (tenant_id, incident_id, monitor_id),
    CONSTRAINT incident_monitors_incident_fkey FOREIGN KEY (tenant_id, incident_id)
        REFERENCES incidents (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT incident_monitors_monitor_fkey FOREIGN KEY (tenant_id, monitor_id)
        REFERENCES monitors (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX incident_monitors_monitor ON incident_monitors (tenant_id, monitor_id);

-- What the public is told. The timeline in incident_events has each of them, too: that is for the tenant alone.
CREATE TABLE incident_updates (
    tenant_id   uuid NOT NULL,
    incident_id uuid NOT NULL,
    id          uuid NOT NULL,
    phase       text NOT NULL,
    text        text NOT NULL,
    at          timestamptz NOT NULL,
    actor       text NOT NULL,
    CONSTRAINT incident_updates_pkey PRIMARY KEY (tenant_id, incident_id, id),
    CONSTRAINT incident_updates_incident_fkey FOREIGN KEY (tenant_id, incident_id)
        REFERENCES incidents (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT incident_updates_phase_known
        CHECK (phase IN ('investigating', 'identified', 'monitoring', 'resolved', 'postmortem'))
);

GRANT SELECT, INSERT, UPDATE, DELETE ON incident_monitors, incident_updates TO farwatch_app, farwatch_tenant;
ALTER TABLE incident_monitors ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON incident_monitors TO farwatch_app USING (true);
CREATE POLICY own_rows ON incident_monitors TO farwatch_tenant USING (tenant_id = (SELECT farwatch_tenant_id()));
ALTER TABLE incident_updates ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON incident_updates TO farwatch_app USING (true);
CREATE POLICY own_rows ON incident_updates TO farwatch_tenant USING (tenant_id = (SELECT farwatch_tenant_id()));
