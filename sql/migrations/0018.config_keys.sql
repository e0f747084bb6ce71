-- What a configuration file calls a maintenance window: stable, whatever becomes of its title.
-- depends: 0013.audit

ALTER TABLE maintenance_windows ADD COLUMN key text;
-- Of those that are over, any number may have had the key.
CREATE UNIQUE INDEX maintenance_windows_key_key ON maintenance_windows (tenant_id, key)
    WHERE ended_at IS NULL AND deleted_at IS NULL;
