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
        RAISE unique_violation USING CONSTRAINT = 'regions_slug_private', TABLE = 'regions', MESSAGE = 'id of a private region';
    ELSIF NEW.tenant_id IS NOT NULL AND EXISTS (SELECT FROM regions WHERE slug = NEW.slug AND tenant_id IS NULL) THEN
        RAISE unique_violation USING CONSTRAINT = 'regions_slug_key', TABLE = 'regions', MESSAGE = 'id of a shared region';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER shared_ids BEFORE INSERT OR UPDATE OF slug, tenant_id ON regions FOR EACH ROW EXECUTE FUNCTION farwatch_keep_shared_ids();

-- Whoever stops the work of others is told of.
CREATE TRIGGER audited AFTER UPDATE ON jobs FOR EACH ROW WHEN (OLD.state <> 'cancelled' AND NEW.state = 'cancelled')
    EXECUTE FUNCTION farwatch_audit('job');

ALTER TABLE operator_settings ADD COLUMN revision integer NOT NULL DEFAULT 1;

ALTER TABLE processes ADD COLUMN version text;
ALTER TABLE processes ADD COLUMN jobs jsonb NOT NULL DEFAULT '{}';  -- name -> how it goes: control_plane/jobs/loop.py
