-- Zero-signup: what people without an account created, and the keys that alone change it.
-- depends: 0013.audit 0015.plans 0017.safety

-- The plan of the one tenant that holds what was created so. Rates are of everybody together, and of each key or address.
INSERT INTO plans (name, title, quotas, features, rates) VALUES (
    'anonymous', 'Anonymous',
    '{"max_monitors": 1000, "members": 0, "invitations": 0, "keys": 1, "channels": 0, "status_pages": 0,
      "public_components": 0, "share_links_per_monitor": 0, "shared_monitors": 0, "maintenance": 0,
      "private_regions": 0, "region_agents": 0}',
    '{"check_kinds": ["http", "tcp", "dns", "ping", "tls_cert", "heartbeat"], "channel_kinds": [], "max_regions": 3,
      "min_interval": 600, "retention_days": null, "api_access": true}',
    '{"reads": {"tenant": 1200, "caller": 60}, "writes": {"tenant": 300, "caller": 20},
      "creates": {"tenant": 120, "caller": 20}, "bulk": {"tenant": 1, "caller": 1},
      "test_now": {"tenant": 1, "caller": 1}, "check_now": {"tenant": 60, "caller": 2}}'
) ON CONFLICT DO NOTHING;

-- One key for one monitor. Only the digest is kept, as of API keys; it ends with the monitor.
CREATE TABLE manage_keys (
    tenant_id    uuid NOT NULL,
    id           uuid NOT NULL,
    monitor_id   uuid NOT NULL,
    prefix       text NOT NULL,
    digest       bytea NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    last_used_at timestamptz,
    CONSTRAINT manage_keys_pkey PRIMARY KEY (id),
    CONSTRAINT manage_keys_digest_key UNIQUE (digest),
    CONSTRAINT manage_keys_monitor_key UNIQUE (tenant_id, monitor_id),
    CONSTRAINT manage_keys_monitor_fkey FOREIGN KEY (tenant_id, monitor_id) REFERENCES monitors (tenant_id, id)
        ON DELETE CASCADE,
    CONSTRAINT manage_keys_digest_length CHECK (octet_length(digest) = 32)
);

-- Creations of the last hour, by the digest of an address: no address is kept.
CREATE TABLE anonymous_creates (
    tenant_id uuid NOT NULL,
    id        uuid NOT NULL,
    caller    bytea NOT NULL,
    at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT anonymous_creates_pkey PRIMARY KEY (id),
    CONSTRAINT anonymous_creates_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE
);
CREATE INDEX anonymous_creates_at ON anonymous_creates (tenant_id, at);

ALTER TABLE monitors ADD COLUMN is_public boolean NOT NULL DEFAULT false;   -- listed on the anonymous tenant's page

GRANT SELECT, INSERT, UPDATE, DELETE ON manage_keys, anonymous_creates TO farwatch_app, farwatch_tenant;
ALTER TABLE manage_keys ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON manage_keys TO farwatch_app USING (true);
CREATE POLICY own_rows ON manage_keys TO farwatch_tenant USING (tenant_id = (SELECT farwatch_tenant_id()));
ALTER TABLE anonymous_creates ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON anonymous_creates TO farwatch_app USING (true);
CREATE POLICY own_rows ON anonymous_creates TO farwatch_tenant USING (tenant_id = (SELECT farwatch_tenant_id()));

CREATE TRIGGER audited AFTER INSERT OR UPDATE OR DELETE ON manage_keys FOR EACH ROW EXECUTE FUNCTION farwatch_audit('manage_key');

-- Whoever comes with a manage key works as farwatch_manage, a member of farwatch_tenant: on top of the tenant's walls,
-- these keep it to the rows of farwatch.monitor_id. Nobody else is under them. Tables without one are shared by all of
-- a tenant and hold nothing that its people should not know of each other.
CREATE FUNCTION farwatch_monitor_id() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
    RETURN nullif(current_setting('farwatch.monitor_id', true), '')::uuid;

DO $walls$
DECLARE
    walled name;
BEGIN
    FOREACH walled IN ARRAY ARRAY[
        'assignments', 'certificates', 'deliveries', 'dispatches', 'events', 'heartbeat_pings', 'heartbeat_runs',
        'heartbeats', 'incident_monitors', 'incidents', 'manage_keys', 'monitor_channels', 'monitor_dependencies',
        'monitor_periods', 'monitor_states', 'results', 'rollups_fine', 'rollups_hourly', 'transitions', 'votes']::name[]
    LOOP
        EXECUTE format('CREATE POLICY one_monitor ON %I AS RESTRICTIVE TO farwatch_manage'
            ' USING (monitor_id = (SELECT farwatch_monitor_id()))', walled);
    END LOOP;
    FOREACH walled IN ARRAY ARRAY['incident_events', 'incident_updates']::name[] LOOP
        EXECUTE format('CREATE POLICY one_monitor ON %1$I AS RESTRICTIVE TO farwatch_manage USING (EXISTS ('
            'SELECT FROM incidents AS i WHERE i.tenant_id = %1$I.tenant_id AND i.id = %1$I.incident_id))', walled);
    END LOOP;
    FOREACH walled IN ARRAY ARRAY[
        'anonymous_creates', 'api_keys', 'audit', 'channels', 'delivery_attempts', 'domains', 'invitations', 'jobs',
        'members', 'sessions', 'setup_links', 'users']::name[]
    LOOP
        EXECUTE format('CREATE POLICY nothing ON %I AS RESTRICTIVE TO farwatch_manage USING (false)', walled);
    END LOOP;
END
$walls$;
CREATE POLICY one_monitor ON monitors AS RESTRICTIVE TO farwatch_manage USING (id = (SELECT farwatch_monitor_id()));
