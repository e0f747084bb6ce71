-- Who may touch which table, and the wall between tenants.
-- depends: 0001.first_tables
--
-- farwatch_tenant sees rows of the tenant in the setting farwatch.tenant_id, and none while it is unset: the second
-- wall behind the WHERE clause of each statement. farwatch_app sees all rows. The owner is under no policy. Partitions
-- of results carry neither grant nor policy: they are reached through their parent only.

-- The tenant this connection works for; null when none is set. Policies ask through a sub-select, so that a statement
-- asks once and not per row.
CREATE FUNCTION farwatch_tenant_id() RETURNS uuid
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN nullif(current_setting('farwatch.tenant_id', true), '')::uuid;

-- ------------------------------------------------------------------------------------------------------------ grants

GRANT SELECT, INSERT, UPDATE, DELETE ON
    tenants, tenant_counters, api_keys, idempotency_keys, regions, agents, channels, monitors, monitor_channels,
    assignments, votes, monitor_states, transitions, results, incidents, incident_events, deliveries,
    delivery_attempts, events, dispatches, installation
TO farwatch_app;
GRANT USAGE ON SEQUENCE assignment_changes TO farwatch_app, farwatch_tenant;

GRANT SELECT, INSERT, UPDATE, DELETE ON
    tenant_counters, api_keys, idempotency_keys, channels, monitors, monitor_channels, assignments, votes,
    monitor_states, transitions, incidents, incident_events, deliveries, delivery_attempts, events, dispatches
TO farwatch_tenant;
GRANT SELECT, UPDATE (name, updated_at, revision) ON tenants TO farwatch_tenant;   -- plan and suspension are the operator's
GRANT SELECT ON regions, agents, results TO farwatch_tenant;

-- ---------------------------------------------------------------------------------------------------------- policies

ALTER TABLE tenants ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON tenants TO farwatch_app USING (true);
CREATE POLICY own_rows ON tenants TO farwatch_tenant USING (id = (SELECT farwatch_tenant_id()));

-- Shared regions are seen by all; a private one by its tenant.
ALTER TABLE regions ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON regions TO farwatch_app USING (true);
CREATE POLICY own_rows ON regions TO farwatch_tenant USING (tenant_id IS NULL OR tenant_id = (SELECT farwatch_tenant_id()))
    WITH CHECK (tenant_id = (SELECT farwatch_tenant_id()));

ALTER TABLE agents ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON agents TO farwatch_app USING (true);
CREATE POLICY own_rows ON agents TO farwatch_tenant
    USING (EXISTS (SELECT FROM regions WHERE regions.id = agents.region_id AND regions.tenant_id = (SELECT farwatch_tenant_id())));

ALTER TABLE installation ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON installation TO farwatch_app USING (true);

ALTER TABLE tenant_counters ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON tenant_counters TO farwatch_app USING (true);
CREATE POLICY own_rows ON tenant_counters TO farwatch_tenant USING (tenant_id = (SELECT farwatch_tenant_id()));

ALTER TABLE api_keys ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON api_keys TO farwatch_app USING (true);
CREATE POLICY own_rows ON api_keys TO farwatch_tenant USING (tenant_id = (SELECT farwatch_tenant_id()));

ALTER TABLE idempotency_keys ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON idempotency_keys TO farwatch_app USING (true);
CREATE POLICY own_rows ON idempotency_keys TO farwatch_tenant USING (tenant_id = (SELECT farwatch_tenant_id()));

ALTER TABLE channels ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON channels TO farwatch_app USING (true);
CREATE POLICY own_rows ON channels TO farwatch_tenant USING (tenant_id = (SELECT farwatch_tenant_id()));

ALTER TABLE monitors ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON monitors TO farwatch_app USING (true);
CREATE POLICY own_rows ON monitors TO farwatch_tenant USING (tenant_id = (SELECT farwatch_tenant_id()));

ALTER TABLE monitor_channels ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON monitor_channels TO farwatch_app USING (true);
CREATE POLICY own_rows ON monitor_channels TO farwatch_tenant USING (tenant_id = (SELECT farwatch_tenant_id()));

ALTER TABLE assignments ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON assignments TO farwatch_app USING (true);
CREATE POLICY own_rows ON assignments TO farwatch_tenant USING (tenant_id = (SELECT farwatch_tenant_id()));

ALTER TABLE votes ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON votes TO farwatch_app USING (true);
CREATE POLICY own_rows ON votes TO farwatch_tenant USING (tenant_id = (SELECT farwatch_tenant_id()));

ALTER TABLE monitor_states ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON monitor_states TO farwatch_app USING (true);
CREATE POLICY own_rows ON monitor_states TO farwatch_tenant USING (tenant_id = (SELECT farwatch_tenant_id()));

ALTER TABLE transitions ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON transitions TO farwatch_app USING (true);
CREATE POLICY own_rows ON transitions TO farwatch_tenant USING (tenant_id = (SELECT farwatch_tenant_id()));

ALTER TABLE results ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON results TO farwatch_app USING (true);
CREATE POLICY own_rows ON results TO farwatch_tenant USING (tenant_id = (SELECT farwatch_tenant_id()));

ALTER TABLE incidents ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON incidents TO farwatch_app USING (true);
CREATE POLICY own_rows ON incidents TO farwatch_tenant USING (tenant_id = (SELECT farwatch_tenant_id()));

ALTER TABLE incident_events ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON incident_events TO farwatch_app USING (true);
CREATE POLICY own_rows ON incident_events TO farwatch_tenant USING (tenant_id = (SELECT farwatch_tenant_id()));

ALTER TABLE deliveries ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON deliveries TO farwatch_app USING (true);
CREATE POLICY own_rows ON deliveries TO farwatch_tenant USING (tenant_id = (SELECT farwatch_tenant_id()));

ALTER TABLE delivery_attempts ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON delivery_attempts TO farwatch_app USING (true);
CREATE POLICY own_rows ON delivery_attempts TO farwatch_tenant USING (tenant_id = (SELECT farwatch_tenant_id()));

ALTER TABLE events ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON events TO farwatch_app USING (true);
CREATE POLICY own_rows ON events TO farwatch_tenant USING (tenant_id = (SELECT farwatch_tenant_id()));

ALTER TABLE dispatches ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON dispatches TO farwatch_app USING (true);
CREATE POLICY own_rows ON dispatches TO farwatch_tenant USING (tenant_id = (SELECT farwatch_tenant_id()));

