-- A private region's id is its tenant's own, settings have a revision, and processes tell how their work goes.
-- depends: 0017.safety 0019.private_regions

-- Who is refused an id learns nothing of other tenants. A shared region's id is nobody else's, so that within what a
-- tenant sees an id names one region.
ALTER TABLE regions DROP CONSTRAINT regions_slug_key;
CREATE UNIQUE INDEX regions_slug_key ON regions (slug) WHERE tenant_id IS NULL;
CREATE UNIQUE INDEX regions_own_slug_key ON regions (tenant_id, slug) WHERE tenant_id IS NOT NULL;

-- The lock makes two that write the same id take turns: each statement here sees what was committed before it.
CREATE FUNCTION farwatch_keep_shared_ids() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('farwatch region ' || NEW.slug, 0));
    IF NEW.tenant_id IS NULL AND EXISTS (SELECT FROM regions WHERE slug = NEW.slug AND tenant_id IS NOT NULL) THEN
        RAISE unique_violation USING CONSTRAINT = 'regions_own_slug_key', TABLE = 'regions', MESSAGE = 'id of a private region';
    ELSIF NEW.tenant_id IS NOT NULL AND EXISTS (SELECT FROM regions WHERE slug = NEW.slug AND tenant_id IS NULL) THEN
        RAISE unique_violation USING CONSTRAINT = 'regions_slug_key', TABLE = 'regions', MESSAGE = 'id of a shared region';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER shared_ids BEFORE INSERT OR UPDATE OF slug, tenant_id ON regions FOR EACH ROW EXECUTE FUNCTION farwatch_keep_shared_ids();

CREATE INDEX jobs_id ON jobs (id);
CREATE INDEX deliveries_dead ON deliveries (id) WHERE state = 'dead';   -- of all tenants: the operator's list

-- As before, and not what a job was asked: it is sealed, and of no use to whoever reads what happened.
CREATE OR REPLACE FUNCTION farwatch_changes(before jsonb, after jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (
        SELECT coalesce(jsonb_object_agg(a.key, CASE
            WHEN a.key ~ '(sealed|digest|secret|token|ping_id|previous_id)' THEN '"***"'::jsonb
            ELSE jsonb_build_array(before -> a.key, a.value) END), '{}')
        FROM jsonb_each(after) AS a
        WHERE before -> a.key IS DISTINCT FROM a.value
          AND a.key <> ALL (ARRAY['updated_at', 'revision', 'last_used_at', 'last_seen_at', 'write_source', 'check_version',
              'first_slot', 'consecutive_failures', 'last_delivered_at', 'last_error', 'covered_at', 'next_starts_at',
              'next_ends_at', 'current_starts_at', 'current_ends_at', 'request', 'lease_until'])
    );

-- Whoever stops a job is told of; that work goes on, and ends, is nobody's deed.
CREATE TRIGGER audited AFTER UPDATE ON jobs FOR EACH ROW WHEN (OLD.state <> 'cancelled' AND NEW.state = 'cancelled')
    EXECUTE FUNCTION farwatch_audit('job');

ALTER TABLE operator_settings ADD COLUMN revision integer NOT NULL DEFAULT 1;

ALTER TABLE processes ADD COLUMN version text;
ALTER TABLE processes ADD COLUMN jobs jsonb NOT NULL DEFAULT '{}';  -- name -> how it goes: control_plane/jobs/loop.py
