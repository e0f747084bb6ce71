-- Plans: what a tenant may have, use and ask for; and the processes that share a rate limit out between them.
-- depends: 0013.audit

-- Quotas, features and rates are JSON in the shape of control_plane/domain/tenants/plan.py. A quota or rate of null is no limit,
-- one that is absent is none either (a rate: the installation's default). The operator may change every plan.
CREATE TABLE plans (
    name        text NOT NULL,
    title       text NOT NULL,
    quotas      jsonb NOT NULL DEFAULT '{}',
    features    jsonb NOT NULL DEFAULT '{}',
    rates       jsonb NOT NULL DEFAULT '{}',    -- category -> {tenant, caller}: requests a minute
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    revision    integer NOT NULL DEFAULT 1,
    CONSTRAINT plans_pkey PRIMARY KEY (name),
    CONSTRAINT plans_name_form CHECK (name ~ '^[a-z0-9][a-z0-9_-]{0,39}$'),
    CONSTRAINT plans_title_length CHECK (char_length(title) BETWEEN 1 AND 100)
);

INSERT INTO plans (name, title, quotas, features, rates) VALUES
(
    'unlimited', 'Unlimited',
    '{"max_monitors": null, "members": null, "invitations": null, "keys": null, "channels": null, "status_pages": null,
      "public_components": null, "share_links_per_monitor": null, "shared_monitors": null, "maintenance": null}',
    '{"check_kinds": null, "channel_kinds": null, "max_regions": null, "min_interval": null, "retention_days": null,
      "api_access": true}',
    '{"reads": {"tenant": null, "caller": null}, "writes": {"tenant": null, "caller": null},
      "creates": {"tenant": null, "caller": null}, "bulk": {"tenant": null, "caller": null},
      "test_now": {"tenant": null, "caller": null}, "check_now": {"tenant": null, "caller": null}}'
),
(
    'free', 'Free',
    '{"max_monitors": 50, "members": 5, "invitations": 10, "keys": 10, "channels": 10, "status_pages": 1,
      "public_components": 10, "share_links_per_monitor": 1, "shared_monitors": 2, "maintenance": 10}',
    '{"check_kinds": null, "channel_kinds": null, "max_regions": null, "min_interval": 60, "retention_days": null,
      "api_access": true}',
    '{"reads": {"tenant": 200, "caller": 200}, "writes": {"tenant": 200, "caller": 200},
      "creates": {"tenant": 20, "caller": 20}, "bulk": {"tenant": 10, "caller": 10},
      "test_now": {"tenant": 20, "caller": 20}, "check_now": {"tenant": 20, "caller": 20}}'
);

ALTER TABLE tenants DROP CONSTRAINT tenants_plan_known;
ALTER TABLE tenants ADD CONSTRAINT tenants_plan_fkey FOREIGN KEY (plan) REFERENCES plans (name);
CREATE INDEX tenants_plan ON tenants (plan);
-- What is different for this tenant: {quotas, features, rates}, each merged over its plan's.
ALTER TABLE tenants ADD COLUMN overrides jsonb NOT NULL DEFAULT '{}';

-- The serving control planes. Each marks its row every few seconds; one not seen for a while is not there.
CREATE TABLE processes (
    id          uuid NOT NULL,
    kind        text NOT NULL,
    started_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    seen_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT processes_pkey PRIMARY KEY (id),
    CONSTRAINT processes_kind_known CHECK (kind IN ('control_plane'))
) WITH (fillfactor = 50);   -- marked every few seconds, and by no index

GRANT SELECT, INSERT, UPDATE, DELETE ON plans, processes TO farwatch_app;
GRANT SELECT ON plans TO farwatch_tenant;

ALTER TABLE plans ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON plans TO farwatch_app USING (true);
CREATE POLICY own_rows ON plans FOR SELECT TO farwatch_tenant
    USING (name = (SELECT plan FROM tenants WHERE id = (SELECT farwatch_tenant_id())));
ALTER TABLE processes ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON processes TO farwatch_app USING (true);

CREATE TRIGGER audited AFTER INSERT OR UPDATE OR DELETE ON plans FOR EACH ROW EXECUTE FUNCTION farwatch_audit('plan', 'name');
