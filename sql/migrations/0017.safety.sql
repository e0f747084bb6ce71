-- What may not be watched and who says so: deny rules, opt-outs, operator's settings, proven domains, touched ports.
-- depends: 0013.audit

-- The operator's lists, of the installation and not of a tenant. `value` is canonical (control_plane/domain/safety/safety.py).
CREATE TABLE deny_rules (
    id         uuid NOT NULL,
    kind       text NOT NULL,
    value      text NOT NULL,
    reason     text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    revision   integer NOT NULL DEFAULT 1,
    CONSTRAINT deny_rules_pkey PRIMARY KEY (id),
    CONSTRAINT deny_rules_value_key UNIQUE (kind, value),
    CONSTRAINT deny_rules_kind_known CHECK (kind IN ('domain', 'url_glob', 'url_regex', 'cidr'))
);
-- Owners who asked that nobody watches their domain.
CREATE TABLE opt_outs (
    id         uuid NOT NULL,
    domain     text NOT NULL,
    note       text,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT opt_outs_pkey PRIMARY KEY (id),
    CONSTRAINT opt_outs_domain_key UNIQUE (domain)
);
-- Only what differs from the defaults of control_plane/domain/safety/safety_settings.py has a row.
CREATE TABLE operator_settings (
    name       text NOT NULL,
    value      jsonb NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT operator_settings_pkey PRIMARY KEY (name)
);

CREATE TABLE domains (
    tenant_id     uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    id            uuid NOT NULL,
    domain        text NOT NULL,              -- in A-labels, lower case; speaks for its subdomains
    path_token    text NOT NULL,              -- the name of the file
    txt_token     text NOT NULL,              -- what the file or the record says
    state         text NOT NULL DEFAULT 'pending',
    method        text,                       -- file | txt
    verified_at   timestamptz,
    checked_at    timestamptz,
    next_check_at timestamptz,
    failed_since  timestamptz,
    last_error    text,
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now(),
    revision      integer NOT NULL DEFAULT 1,
    CONSTRAINT domains_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT domains_domain_key UNIQUE (tenant_id, domain),
    CONSTRAINT domains_state_known CHECK (state IN ('pending', 'verified', 'grace', 'lapsed')),
    CONSTRAINT domains_method_known CHECK (method IN ('file', 'txt'))
);
CREATE INDEX domains_due ON domains (next_check_at) WHERE next_check_at IS NOT NULL;

-- Ports that a tenant has lately named for a check, without those of the web: what a scan is told by.
CREATE TABLE port_touches (
    tenant_id uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    host      text NOT NULL,
    port      integer NOT NULL,
    at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT port_touches_pkey PRIMARY KEY (tenant_id, host, port)
);
CREATE INDEX port_touches_port ON port_touches (tenant_id, port);
CREATE INDEX port_touches_age ON port_touches (at);

-- One sealed canary for each key that ever sealed: a process without one of these keys must not start.
CREATE TABLE sealing_keys (
    key_id     text NOT NULL,
    canary     bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT sealing_keys_pkey PRIMARY KEY (key_id)
);

-- Why no agent is given this monitor: {code, message}. Derived from the rules above, never written by its tenant.
ALTER TABLE monitors ADD COLUMN blocked_by jsonb;

-- Another target is another matter: what submission let pass is not blocked for what it was.
CREATE FUNCTION farwatch_unblock() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.blocked_by := NULL;
    RETURN NEW;
END
$$;
CREATE TRIGGER unblocked BEFORE UPDATE OF "check" ON monitors FOR EACH ROW
    WHEN (OLD.blocked_by IS NOT NULL AND (OLD."check" ->> 'url', OLD."check" ->> 'host', OLD."check" ->> 'port',
            OLD."check" ->> 'name', OLD."check" ->> 'domain', OLD."check" ->> 'resolver')
        IS DISTINCT FROM (NEW."check" ->> 'url', NEW."check" ->> 'host', NEW."check" ->> 'port',
            NEW."check" ->> 'name', NEW."check" ->> 'domain', NEW."check" ->> 'resolver'))
    EXECUTE FUNCTION farwatch_unblock();

-- What the rules are now: every process keeps them compiled under this word. `xid` is who changed them last.
CREATE FUNCTION farwatch_rules_changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    INSERT INTO installation (name, value)
    VALUES ('rules', jsonb_build_object('version', gen_random_uuid(), 'xid', pg_current_xact_id()::text))
    ON CONFLICT (name) DO UPDATE SET value = excluded.value;
    RETURN NULL;
END
$$;
CREATE TRIGGER rules_changed AFTER INSERT OR UPDATE OR DELETE ON deny_rules FOR EACH STATEMENT EXECUTE FUNCTION farwatch_rules_changed();
CREATE TRIGGER rules_changed AFTER INSERT OR UPDATE OR DELETE ON opt_outs FOR EACH STATEMENT EXECUTE FUNCTION farwatch_rules_changed();
CREATE TRIGGER rules_changed AFTER INSERT OR UPDATE OR DELETE ON operator_settings FOR EACH STATEMENT EXECUTE FUNCTION farwatch_rules_changed();

GRANT SELECT, INSERT, UPDATE, DELETE ON deny_rules, opt_outs, operator_settings, domains, port_touches, sealing_keys TO farwatch_app;
GRANT SELECT ON deny_rules, opt_outs, operator_settings, installation TO farwatch_tenant;
GRANT SELECT, INSERT, UPDATE, DELETE ON domains, port_touches TO farwatch_tenant;

ALTER TABLE deny_rules ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON deny_rules TO farwatch_app USING (true);
CREATE POLICY read_rows ON deny_rules FOR SELECT TO farwatch_tenant USING (true);
ALTER TABLE opt_outs ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON opt_outs TO farwatch_app USING (true);
CREATE POLICY read_rows ON opt_outs FOR SELECT TO farwatch_tenant USING (true);
ALTER TABLE operator_settings ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON operator_settings TO farwatch_app USING (true);
CREATE POLICY read_rows ON operator_settings FOR SELECT TO farwatch_tenant USING (true);
CREATE POLICY read_rows ON installation FOR SELECT TO farwatch_tenant USING (name IN ('kill_switch', 'rules'));
ALTER TABLE domains ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON domains TO farwatch_app USING (true);
CREATE POLICY own_rows ON domains TO farwatch_tenant USING (tenant_id = (SELECT farwatch_tenant_id()));
ALTER TABLE port_touches ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON port_touches TO farwatch_app USING (true);
CREATE POLICY own_rows ON port_touches TO farwatch_tenant USING (tenant_id = (SELECT farwatch_tenant_id()));
ALTER TABLE sealing_keys ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON sealing_keys TO farwatch_app USING (true);

CREATE TRIGGER audited AFTER INSERT OR UPDATE OR DELETE ON deny_rules FOR EACH ROW EXECUTE FUNCTION farwatch_audit('deny_rule');
CREATE TRIGGER audited AFTER INSERT OR UPDATE OR DELETE ON opt_outs FOR EACH ROW EXECUTE FUNCTION farwatch_audit('opt_out');
CREATE TRIGGER audited AFTER INSERT OR UPDATE OR DELETE ON operator_settings FOR EACH ROW EXECUTE FUNCTION farwatch_audit('setting', 'name');
CREATE TRIGGER audited AFTER INSERT OR UPDATE OR DELETE ON domains FOR EACH ROW EXECUTE FUNCTION farwatch_audit('domain');
CREATE TRIGGER audited AFTER INSERT ON installation FOR EACH ROW WHEN (NEW.name = 'kill_switch')
    EXECUTE FUNCTION farwatch_audit('kill_switch', 'name');
CREATE TRIGGER audited_change AFTER UPDATE ON installation FOR EACH ROW WHEN (NEW.name = 'kill_switch')
    EXECUTE FUNCTION farwatch_audit('kill_switch', 'name');
