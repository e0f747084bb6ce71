-- Status pages: what a tenant shows to the public, line by line.
-- depends: 0029.push_subscriptions

ALTER TABLE tenant_counters ADD COLUMN status_pages bigint NOT NULL DEFAULT 0;

CREATE TABLE status_pages (
    tenant_id       uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    id              uuid NOT NULL,
    number          bigint NOT NULL,
    key             text,                            -- what a configuration file calls it
    slug            text NOT NULL,                   -- in its address: unique over the installation
    title           text NOT NULL,
    description     text NOT NULL DEFAULT '',
    state           text NOT NULL DEFAULT 'draft',
    listed          boolean NOT NULL DEFAULT true,   -- false: whoever knows the address reads it, nothing leads there
    password_digest text,                            -- argon2id in PHC form (domain/page_password.py); null: open to all
    language        text NOT NULL DEFAULT 'en',
    branding        jsonb NOT NULL DEFAULT '{}',     -- colours (domain/pages/page_colours.py)
    logo_digest     text,                            -- of page_logos.image; null: no logo
    header_text     text NOT NULL DEFAULT '',
    footer_text     text NOT NULL DEFAULT '',
    custom_domain   text,                            -- lower case, in ASCII; under a domain that the tenant has proven
    show_uptime     boolean NOT NULL DEFAULT true,
    show_latency    boolean NOT NULL DEFAULT false,
    history_days    integer NOT NULL DEFAULT 90,
    write_source    text NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    revision        integer NOT NULL DEFAULT 1,
    CONSTRAINT status_pages_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT status_pages_number_key UNIQUE (tenant_id, number),
    CONSTRAINT status_pages_slug_key UNIQUE (slug),
    CONSTRAINT status_pages_custom_domain_key UNIQUE (custom_domain),
    CONSTRAINT status_pages_slug_form CHECK (slug ~ '^[a-z0-9]([a-z0-9-]{1,58})[a-z0-9]$'),
    CONSTRAINT status_pages_title_length CHECK (char_length(title) BETWEEN 1 AND 100),
    CONSTRAINT status_pages_state_known CHECK (state IN ('draft', 'published')),
    CONSTRAINT status_pages_language_known CHECK (language IN ('en', 'de', 'ar')),
    CONSTRAINT status_pages_history_range CHECK (history_days BETWEEN 1 AND 90)
);
CREATE UNIQUE INDEX status_pages_key_key ON status_pages (tenant_id, key) WHERE key IS NOT NULL;

-- Beside the page, so that reading pages does not read pictures.
CREATE TABLE page_logos (
    tenant_id  uuid NOT NULL,
    page_id    uuid NOT NULL,
    image      bytea NOT NULL,                       -- as it was encoded here, never as it came
    media_type text NOT NULL,
    CONSTRAINT page_logos_pkey PRIMARY KEY (tenant_id, page_id),
    CONSTRAINT page_logos_page_fkey FOREIGN KEY (tenant_id, page_id) REFERENCES status_pages (tenant_id, id)
        ON DELETE CASCADE
);

CREATE TABLE page_components (
    tenant_id    uuid NOT NULL,
    id           uuid NOT NULL,
    page_id      uuid NOT NULL,
    monitor_id   uuid NOT NULL,
    name         text NOT NULL,                      -- what the public reads; the monitor's own stays inside
    description  text NOT NULL DEFAULT '',
    "group"      text,                               -- the heading that it stands under
    position     integer NOT NULL,                   -- components of a page in this order, then by id
    show_uptime  boolean NOT NULL DEFAULT true,
    show_latency boolean NOT NULL DEFAULT true,
    write_source text NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now(),
    revision     integer NOT NULL DEFAULT 1,
    CONSTRAINT page_components_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT page_components_monitor_key UNIQUE (tenant_id, page_id, monitor_id),
    CONSTRAINT page_components_page_fkey FOREIGN KEY (tenant_id, page_id) REFERENCES status_pages (tenant_id, id)
        ON DELETE CASCADE,
    CONSTRAINT page_components_monitor_fkey FOREIGN KEY (tenant_id, monitor_id) REFERENCES monitors (tenant_id, id)
        ON DELETE CASCADE,
    CONSTRAINT page_components_name_length CHECK (char_length(name) BETWEEN 1 AND 100)
);
CREATE INDEX page_components_monitor ON page_components (tenant_id, monitor_id);

DO $walls$
DECLARE
    walled name;
BEGIN
    FOREACH walled IN ARRAY ARRAY['status_pages', 'page_logos', 'page_components']::name[] LOOP
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO farwatch_app, farwatch_tenant', walled);
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', walled);
        EXECUTE format('CREATE POLICY all_rows ON %I TO farwatch_app USING (true)', walled);
        EXECUTE format('CREATE POLICY own_rows ON %I TO farwatch_tenant USING (tenant_id = (SELECT farwatch_tenant_id()))', walled);
        EXECUTE format('CREATE POLICY nothing ON %I AS RESTRICTIVE TO farwatch_manage USING (false)', walled);
    END LOOP;
END
$walls$;
-- A logo is audited as its page's logo_digest.
CREATE TRIGGER audited AFTER INSERT OR UPDATE OR DELETE ON status_pages FOR EACH ROW EXECUTE FUNCTION farwatch_audit('status_page');
-- A new order of many is audited as one change of their page.
CREATE TRIGGER audited AFTER INSERT OR DELETE OR UPDATE OF name, description, "group", show_uptime, show_latency
    ON page_components FOR EACH ROW EXECUTE FUNCTION farwatch_audit('page_component');
