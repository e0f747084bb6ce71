-- Zero-signup for status pages: a manage key opens one page, as another opens one monitor.
-- depends: 0034.page_subscribers

-- What the operator changed of the plan stays.
UPDATE plans SET quotas = quotas || '{"status_pages": 1000, "public_components": 1000}'
WHERE name = 'anonymous' AND quotas @> '{"status_pages": 0, "public_components": 0}';

ALTER TABLE status_pages ADD COLUMN is_public boolean NOT NULL DEFAULT false;   -- listed on the anonymous tenant's page
CREATE INDEX status_pages_public ON status_pages (tenant_id, title, id) WHERE is_public AND state = 'published';
CREATE INDEX monitors_public ON monitors (tenant_id, name, id) WHERE is_public;

ALTER TABLE manage_keys
    ALTER COLUMN monitor_id DROP NOT NULL,
    ADD COLUMN page_id uuid,
    ADD CONSTRAINT manage_keys_page_key UNIQUE (tenant_id, page_id),
    ADD CONSTRAINT manage_keys_page_fkey FOREIGN KEY (tenant_id, page_id) REFERENCES status_pages (tenant_id, id)
        ON DELETE CASCADE,
    ADD CONSTRAINT manage_keys_opens_one CHECK ((monitor_id IS NULL) <> (page_id IS NULL));

CREATE FUNCTION farwatch_page_id() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
    RETURN nullif(current_setting('farwatch.page_id', true), '')::uuid;

DROP POLICY one_monitor ON manage_keys;
CREATE POLICY one_thing ON manage_keys AS RESTRICTIVE TO farwatch_manage
    USING (monitor_id = (SELECT farwatch_monitor_id()) OR page_id = (SELECT farwatch_page_id()));
DROP POLICY nothing ON status_pages;
CREATE POLICY one_page ON status_pages AS RESTRICTIVE TO farwatch_manage USING (id = (SELECT farwatch_page_id()));

DO $walls$
DECLARE
    walled name;
BEGIN
    FOREACH walled IN ARRAY ARRAY[
        'page_logos', 'page_components', 'page_watches', 'page_subscribers', 'page_notices', 'page_deliveries']::name[]
    LOOP
        EXECUTE format('DROP POLICY nothing ON %I', walled);
        EXECUTE format('CREATE POLICY one_page ON %I AS RESTRICTIVE TO farwatch_manage'
            ' USING (page_id = (SELECT farwatch_page_id()))', walled);
    END LOOP;
END
$walls$;

-- Whoever has a page reads which monitors it may show: those that everybody may see. It changes none.
DROP POLICY one_monitor ON monitors;
CREATE POLICY one_monitor_read ON monitors AS RESTRICTIVE FOR SELECT TO farwatch_manage
    USING (id = (SELECT farwatch_monitor_id()) OR (is_public AND (SELECT farwatch_page_id()) IS NOT NULL));
CREATE POLICY one_monitor_added ON monitors AS RESTRICTIVE FOR INSERT TO farwatch_manage
    WITH CHECK (id = (SELECT farwatch_monitor_id()));
CREATE POLICY one_monitor_changed ON monitors AS RESTRICTIVE FOR UPDATE TO farwatch_manage
    USING (id = (SELECT farwatch_monitor_id()));
CREATE POLICY one_monitor_gone ON monitors AS RESTRICTIVE FOR DELETE TO farwatch_manage
    USING (id = (SELECT farwatch_monitor_id()));

-- A monitor that is public no more is on nobody's page any more, whoever's page that is.
CREATE FUNCTION farwatch_hide_monitor() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    DELETE FROM page_components WHERE tenant_id = NEW.tenant_id AND monitor_id = NEW.id;
    RETURN NULL;
END
$$;
CREATE TRIGGER hidden AFTER UPDATE OF is_public ON monitors FOR EACH ROW WHEN (OLD.is_public AND NOT NEW.is_public)
    EXECUTE FUNCTION farwatch_hide_monitor();
