-- What is passed on without an account: links to one monitor, feeds of a tenant, and what the operator announces.
-- depends: 0031.status_pages

-- Of tokens only digests are kept (domain/tenants/capability_token.py).
CREATE TABLE monitor_shares (
    tenant_id    uuid NOT NULL,
    id           uuid NOT NULL,
    monitor_id   uuid NOT NULL,
    label        text NOT NULL DEFAULT '',
    digest       bytea NOT NULL,
    created_by   text NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz,                        -- null: until it is revoked
    last_used_at timestamptz,                        -- to the minute
    CONSTRAINT monitor_shares_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT monitor_shares_monitor_fkey FOREIGN KEY (tenant_id, monitor_id) REFERENCES monitors (tenant_id, id)
        ON DELETE CASCADE,
    CONSTRAINT monitor_shares_digest_key UNIQUE (digest),
    CONSTRAINT monitor_shares_digest_length CHECK (octet_length(digest) = 32),
    CONSTRAINT monitor_shares_label_length CHECK (char_length(label) <= 80)
);
CREATE INDEX monitor_shares_monitor ON monitor_shares (tenant_id, monitor_id, id);

CREATE TABLE feeds (
    tenant_id     uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    id            uuid NOT NULL,
    name          text NOT NULL,
    digest        bytea NOT NULL,
    former_digest bytea,                             -- of the token before, which counts until former_until
    former_until  timestamptz,
    created_by    text NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now(),
    last_used_at  timestamptz,                       -- to the minute
    revision      integer NOT NULL DEFAULT 1,
    CONSTRAINT feeds_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT feeds_name_key UNIQUE (tenant_id, name),
    CONSTRAINT feeds_digest_key UNIQUE (digest),
    CONSTRAINT feeds_former_digest_key UNIQUE (former_digest),
    CONSTRAINT feeds_digest_length CHECK (octet_length(digest) = 32),
    CONSTRAINT feeds_former_whole CHECK ((former_digest IS NULL) = (former_until IS NULL))
);

-- Everybody's to read, and the operator's to write.
CREATE TABLE announcements (
    id         uuid NOT NULL,
    title      text NOT NULL,
    text       text NOT NULL DEFAULT '',
    starts_at  timestamptz NOT NULL,
    ends_at    timestamptz,                          -- as a banner; null: until it is deleted
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT announcements_pkey PRIMARY KEY (id),
    CONSTRAINT announcements_forward CHECK (ends_at IS NULL OR ends_at > starts_at)
);

-- Badges name a monitor, and no tenant.
CREATE INDEX page_components_public ON page_components (monitor_id);

GRANT SELECT, INSERT, UPDATE, DELETE ON monitor_shares, feeds TO farwatch_app, farwatch_tenant;
GRANT SELECT, INSERT, UPDATE, DELETE ON announcements TO farwatch_app;
ALTER TABLE monitor_shares ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON monitor_shares TO farwatch_app USING (true);
CREATE POLICY own_rows ON monitor_shares TO farwatch_tenant USING (tenant_id = (SELECT farwatch_tenant_id()));
CREATE POLICY nothing ON monitor_shares AS RESTRICTIVE TO farwatch_manage USING (false);
ALTER TABLE feeds ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON feeds TO farwatch_app USING (true);
CREATE POLICY own_rows ON feeds TO farwatch_tenant USING (tenant_id = (SELECT farwatch_tenant_id()));
CREATE POLICY nothing ON feeds AS RESTRICTIVE TO farwatch_manage USING (false);
ALTER TABLE announcements ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON announcements TO farwatch_app USING (true);
CREATE TRIGGER audited AFTER INSERT OR UPDATE OR DELETE ON monitor_shares FOR EACH ROW EXECUTE FUNCTION farwatch_audit('share');
CREATE TRIGGER audited AFTER INSERT OR UPDATE OR DELETE ON feeds FOR EACH ROW EXECUTE FUNCTION farwatch_audit('feed');
CREATE TRIGGER audited AFTER INSERT OR UPDATE OR DELETE ON announcements FOR EACH ROW EXECUTE FUNCTION farwatch_audit('announcement');
