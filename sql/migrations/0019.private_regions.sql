-- Private regions and their agents are their tenant's to make and change; lists of monitors find their way by name.
-- depends: 0015.plans

-- Until now the operator alone wrote these two. The tenant's role sees shared regions, and writes none but its own.
GRANT INSERT, UPDATE, DELETE ON regions, agents TO farwatch_tenant;
DROP POLICY own_rows ON regions;
CREATE POLICY seen_rows ON regions FOR SELECT TO farwatch_tenant
    USING (tenant_id IS NULL OR tenant_id = (SELECT farwatch_tenant_id()));
CREATE POLICY own_rows ON regions TO farwatch_tenant USING (tenant_id = (SELECT farwatch_tenant_id()));

CREATE INDEX regions_tenant ON regions (tenant_id) WHERE tenant_id IS NOT NULL;

ALTER TABLE agents ADD COLUMN revision integer NOT NULL DEFAULT 1;     -- of its name, key and whether it is enabled

CREATE INDEX monitors_by_name ON monitors (tenant_id, lower(name), number);

UPDATE plans SET quotas = quotas || '{"private_regions": null, "region_agents": null}' WHERE name = 'unlimited';
UPDATE plans SET quotas = quotas || '{"private_regions": 3, "region_agents": 10}' WHERE name = 'free';
