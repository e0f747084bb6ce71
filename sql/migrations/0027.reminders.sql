-- Reminders and escalation: what is due of each triggered incident. Event subscriptions: how far each tenant's are told.
-- depends: 0026.rules_of_alerting

-- Who is told of an incident that nobody acknowledges, and when. A step whose channels are all gone is none.
CREATE TABLE monitor_escalations (
    tenant_id  uuid NOT NULL,
    monitor_id uuid NOT NULL,
    step       smallint NOT NULL,           -- from 1 on, in the order of after_s
    after_s    integer NOT NULL,            -- since the incident opened
    channel_id uuid NOT NULL,
    CONSTRAINT monitor_escalations_pkey PRIMARY KEY (tenant_id, monitor_id, step, channel_id),
    CONSTRAINT monitor_escalations_monitor_fkey FOREIGN KEY (tenant_id, monitor_id)
        REFERENCES monitors (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT monitor_escalations_channel_fkey FOREIGN KEY (tenant_id, channel_id)
        REFERENCES channels (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT monitor_escalations_steps CHECK (step BETWEEN 1 AND 10),
    CONSTRAINT monitor_escalations_after CHECK (after_s >= 60)
);
CREATE INDEX monitor_escalations_channel ON monitor_escalations (tenant_id, channel_id);

-- One row for each triggered incident, and for no other: acknowledging or resolving takes it away, reopening makes it
-- anew. Apart from incidents, whose rows are wide, and whose changes are a matter of people.
CREATE TABLE incident_reminders (
    tenant_id    uuid NOT NULL,
    incident_id  uuid NOT NULL,
    due_at       timestamptz DEFAULT clock_timestamp(),             -- when it is looked at next; null: nothing is to come
    reminders    integer NOT NULL DEFAULT 0,                        -- since it was opened or reopened
    reminded_at  timestamptz,
    escalated    integer NOT NULL DEFAULT 0,                        -- the last step that was told
    escalated_at timestamptz,
    CONSTRAINT incident_reminders_pkey PRIMARY KEY (tenant_id, incident_id),
    CONSTRAINT incident_reminders_incident_fkey FOREIGN KEY (tenant_id, incident_id)
        REFERENCES incidents (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX incident_reminders_due ON incident_reminders (due_at);

CREATE FUNCTION farwatch_remind() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NEW.state = 'triggered' THEN
        INSERT INTO incident_reminders (tenant_id, incident_id) VALUES (NEW.tenant_id, NEW.id)
        ON CONFLICT ON CONSTRAINT incident_reminders_pkey DO UPDATE
        SET due_at = clock_timestamp(), reminders = 0, reminded_at = NULL, escalated = 0, escalated_at = NULL;
    ELSE
        DELETE FROM incident_reminders WHERE tenant_id = NEW.tenant_id AND incident_id = NEW.id;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER reminded AFTER INSERT ON incidents FOR EACH ROW EXECUTE FUNCTION farwatch_remind();
CREATE TRIGGER reminded_anew AFTER UPDATE ON incidents FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state)
    EXECUTE FUNCTION farwatch_remind();

-- What is open already is reminded of one interval from now, as if it had just been.
INSERT INTO incident_reminders (tenant_id, incident_id, reminded_at)
SELECT tenant_id, id, clock_timestamp() FROM incidents WHERE state = 'triggered';

-- Other rules for reminders: look again at what is open.
CREATE FUNCTION farwatch_look_again() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    about uuid;
BEGIN
    IF TG_TABLE_NAME = 'monitors' THEN about := NEW.id; ELSE about := NEW.monitor_id; END IF;
    UPDATE incident_reminders r SET due_at = clock_timestamp()
    WHERE r.tenant_id = NEW.tenant_id AND r.incident_id IN (
        SELECT i.id FROM incidents i
        WHERE i.tenant_id = NEW.tenant_id AND i.monitor_id = about AND i.origin = 'monitor' AND i.state <> 'resolved'
        UNION ALL
        SELECT n.incident_id FROM incident_monitors n WHERE n.tenant_id = NEW.tenant_id AND n.monitor_id = about);
    RETURN NULL;
END
$$;
CREATE TRIGGER looked_at_again AFTER UPDATE ON monitors FOR EACH ROW
    WHEN ((OLD.renotify_interval_s, OLD.max_repeats) IS DISTINCT FROM (NEW.renotify_interval_s, NEW.max_repeats))
    EXECUTE FUNCTION farwatch_look_again();
CREATE TRIGGER looked_at_again AFTER INSERT ON monitor_escalations FOR EACH ROW EXECUTE FUNCTION farwatch_look_again();

-- Up to which event a tenant's subscribers have been told; a tenant without subscribers has no row.
CREATE TABLE event_cursors (
    tenant_id uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    number    bigint NOT NULL,
    CONSTRAINT event_cursors_pkey PRIMARY KEY (tenant_id)
);
CREATE INDEX monitor_channels_events ON monitor_channels (tenant_id, monitor_id) WHERE events IS NOT NULL;

-- The first subscription of a tenant begins after its newest event. The row is held until the subscription commits, so
-- that nobody takes the cursor for unused meanwhile.
CREATE FUNCTION farwatch_subscribe() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NEW.events <@ ARRAY['incident.opened', 'incident.updated', 'incident.resolved'] THEN
        RETURN NULL;
    END IF;
    PERFORM FROM event_cursors WHERE tenant_id = NEW.tenant_id FOR KEY SHARE;
    IF NOT FOUND THEN
        INSERT INTO event_cursors (tenant_id, number)
        SELECT tenant_id, events FROM tenant_counters WHERE tenant_id = NEW.tenant_id
        ON CONFLICT ON CONSTRAINT event_cursors_pkey DO UPDATE SET number = event_cursors.number;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER subscribed AFTER INSERT OR UPDATE ON monitor_channels FOR EACH ROW WHEN (NEW.events IS NOT NULL)
    EXECUTE FUNCTION farwatch_subscribe();
CREATE TRIGGER subscribed AFTER INSERT OR UPDATE ON routes FOR EACH ROW WHEN (NEW.events IS NOT NULL)
    EXECUTE FUNCTION farwatch_subscribe();

GRANT SELECT, INSERT, UPDATE, DELETE ON monitor_escalations, incident_reminders, event_cursors
    TO farwatch_app, farwatch_tenant;
ALTER TABLE monitor_escalations ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON monitor_escalations TO farwatch_app USING (true);
CREATE POLICY own_rows ON monitor_escalations TO farwatch_tenant USING (tenant_id = (SELECT farwatch_tenant_id()));
CREATE POLICY one_monitor ON monitor_escalations AS RESTRICTIVE TO farwatch_manage USING (monitor_id = (SELECT farwatch_monitor_id()));
ALTER TABLE incident_reminders ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON incident_reminders TO farwatch_app USING (true);
CREATE POLICY own_rows ON incident_reminders TO farwatch_tenant USING (tenant_id = (SELECT farwatch_tenant_id()));
CREATE POLICY nothing ON incident_reminders AS RESTRICTIVE TO farwatch_manage USING (false);
ALTER TABLE event_cursors ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON event_cursors TO farwatch_app USING (true);
CREATE POLICY own_rows ON event_cursors TO farwatch_tenant USING (tenant_id = (SELECT farwatch_tenant_id()));
CREATE POLICY nothing ON event_cursors AS RESTRICTIVE TO farwatch_manage USING (false);
