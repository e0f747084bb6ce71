-- Rules of alerting: routes bring notices to channels, silences cancel them, quiet hours delay them.
-- depends: 0025.alerting

ALTER TABLE monitors ADD COLUMN quiet_hours jsonb;     -- domain/alerting/quiet_hours.py
CREATE INDEX monitors_quiet ON monitors (tenant_id, id) WHERE quiet_hours IS NOT NULL;
CREATE INDEX channels_quiet ON channels (tenant_id, id) WHERE quiet_hours IS NOT NULL;

-- What is empty in a match does not restrict. Monitors that are gone stay in the list: without them it would match all.
CREATE TABLE routes (
    tenant_id    uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    id           uuid NOT NULL,
    key          text,                  -- what a configuration file calls it
    name         text NOT NULL,
    enabled      boolean NOT NULL DEFAULT true,
    severities   text[] NOT NULL DEFAULT '{}',
    tags         text[] NOT NULL DEFAULT '{}',
    groups       text[] NOT NULL DEFAULT '{}',
    kinds        text[] NOT NULL DEFAULT '{}',
    monitor_ids  uuid[] NOT NULL DEFAULT '{}',
    events       text[],                -- null: the notices of incidents
    write_source text NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now(),
    revision     integer NOT NULL DEFAULT 1,
    CONSTRAINT routes_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT routes_name_key UNIQUE (tenant_id, name)
);
CREATE UNIQUE INDEX routes_key_key ON routes (tenant_id, key) WHERE key IS NOT NULL;

CREATE TABLE route_channels (
    tenant_id  uuid NOT NULL,
    route_id   uuid NOT NULL,
    channel_id uuid NOT NULL,
    CONSTRAINT route_channels_pkey PRIMARY KEY (tenant_id, route_id, channel_id),
    CONSTRAINT route_channels_route_fkey FOREIGN KEY (tenant_id, route_id) REFERENCES routes (tenant_id, id)
        ON DELETE CASCADE,
    CONSTRAINT route_channels_channel_fkey FOREIGN KEY (tenant_id, channel_id) REFERENCES channels (tenant_id, id)
        ON DELETE CASCADE
);
CREATE INDEX route_channels_channel ON route_channels (tenant_id, channel_id);

CREATE TABLE silences (
    tenant_id    uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    id           uuid NOT NULL,
    name         text NOT NULL,
    reason       text NOT NULL DEFAULT '',
    starts_at    timestamptz NOT NULL,
    ends_at      timestamptz NOT NULL,
    severities   text[] NOT NULL DEFAULT '{}',
    tags         text[] NOT NULL DEFAULT '{}',
    groups       text[] NOT NULL DEFAULT '{}',
    kinds        text[] NOT NULL DEFAULT '{}',
    monitor_ids  uuid[] NOT NULL DEFAULT '{}',
    channel_ids  uuid[] NOT NULL DEFAULT '{}',
    created_by   text NOT NULL,
    write_source text NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now(),
    revision     integer NOT NULL DEFAULT 1,
    CONSTRAINT silences_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT silences_forward CHECK (ends_at >= starts_at)
);
CREATE INDEX silences_end ON silences (tenant_id, ends_at);
CREATE INDEX silences_age ON silences (ends_at);

GRANT SELECT, INSERT, UPDATE, DELETE ON routes, route_channels, silences TO farwatch_app, farwatch_tenant;
ALTER TABLE routes ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON routes TO farwatch_app USING (true);
CREATE POLICY own_rows ON routes TO farwatch_tenant USING (tenant_id = (SELECT farwatch_tenant_id()));
CREATE POLICY nothing ON routes AS RESTRICTIVE TO farwatch_manage USING (false);
ALTER TABLE route_channels ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON route_channels TO farwatch_app USING (true);
CREATE POLICY own_rows ON route_channels TO farwatch_tenant USING (tenant_id = (SELECT farwatch_tenant_id()));
CREATE POLICY nothing ON route_channels AS RESTRICTIVE TO farwatch_manage USING (false);
ALTER TABLE silences ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON silences TO farwatch_app USING (true);
CREATE POLICY own_rows ON silences TO farwatch_tenant USING (tenant_id = (SELECT farwatch_tenant_id()));
CREATE POLICY nothing ON silences AS RESTRICTIVE TO farwatch_manage USING (false);
CREATE TRIGGER audited AFTER INSERT OR UPDATE OR DELETE ON routes FOR EACH ROW EXECUTE FUNCTION farwatch_audit('route');
CREATE TRIGGER audited AFTER INSERT OR UPDATE OR DELETE ON silences FOR EACH ROW EXECUTE FUNCTION farwatch_audit('silence');

UPDATE plans SET quotas = quotas || CASE name
    WHEN 'anonymous' THEN '{"routes": 0, "silences": 0}'::jsonb
    WHEN 'unlimited' THEN '{"routes": null, "silences": null}'::jsonb
    ELSE '{"routes": 100, "silences": 100}'::jsonb END;
