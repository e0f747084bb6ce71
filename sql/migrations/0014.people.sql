-- People: who they are, which tenants they are members of, how they are invited, and the sessions of their browsers.
-- depends: 0013.audit

-- A person, of no tenant. An address is proven when a provider that the operator trusts vouches for it; whoever came in
-- by a link alone has only said theirs, and is never taken for somebody who proved it.
CREATE TABLE users (
    id              uuid NOT NULL,
    email           text NOT NULL,              -- normalised: domain/tenants/people.py
    email_proven    boolean NOT NULL,
    name            text NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    last_sign_in_at timestamptz,
    CONSTRAINT users_pkey PRIMARY KEY (id),
    CONSTRAINT users_email_length CHECK (char_length(email) BETWEEN 3 AND 254),
    CONSTRAINT users_name_length CHECK (char_length(name) BETWEEN 1 AND 100)
);
CREATE UNIQUE INDEX users_email_key ON users (email) WHERE email_proven;

-- Who a provider says it is: its issuer and the subject there, which never change, unlike addresses and names.
CREATE TABLE user_identities (
    issuer       text NOT NULL,
    subject      text NOT NULL,
    user_id      uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at   timestamptz NOT NULL DEFAULT now(),
    last_used_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT user_identities_pkey PRIMARY KEY (issuer, subject)
);
CREATE INDEX user_identities_user ON user_identities (user_id);

CREATE TABLE members (
    tenant_id  uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    user_id    uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role       text NOT NULL,
    email      text NOT NULL,                   -- the address that they joined with: what the audit log calls them
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    revision   integer NOT NULL DEFAULT 1,
    CONSTRAINT members_pkey PRIMARY KEY (tenant_id, user_id),
    CONSTRAINT members_role_known CHECK (role IN ('owner', 'admin', 'member', 'viewer'))
);
CREATE INDEX members_user ON members (user_id);

CREATE TABLE invitations (
    tenant_id   uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    id          uuid NOT NULL,
    email       text NOT NULL,
    role        text NOT NULL,
    digest      bytea NOT NULL,                 -- HMAC-SHA256 of the link's token under the installation's pepper
    invited_by  text NOT NULL,                  -- as the inviter was called then
    created_at  timestamptz NOT NULL DEFAULT now(),
    sent_at     timestamptz NOT NULL DEFAULT now(),
    expires_at  timestamptz NOT NULL,
    accepted_at timestamptz,
    accepted_by uuid,                           -- no foreign key: it outlives whom it let in
    revoked_at  timestamptz,
    CONSTRAINT invitations_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT invitations_role_known CHECK (role IN ('owner', 'admin', 'member', 'viewer')),
    CONSTRAINT invitations_email_length CHECK (char_length(email) BETWEEN 3 AND 254)
);
-- A link knows no tenant yet: the one index that does not start with tenant_id.
CREATE UNIQUE INDEX invitations_digest_key ON invitations (digest);
-- One that is open for each address; one that ran out makes room when it is sent again or asked for anew.
CREATE UNIQUE INDEX invitations_open_key ON invitations (tenant_id, email) WHERE accepted_at IS NULL AND revoked_at IS NULL;

-- A browser that signed in: as a member, or with an API key. It ends with either, by the foreign keys.
CREATE TABLE sessions (
    tenant_id    uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    id           uuid NOT NULL,
    digest       bytea NOT NULL,                -- HMAC-SHA256 of the cookie's secret under the installation's pepper
    user_id      uuid,
    key_id       uuid,
    created_at   timestamptz NOT NULL DEFAULT now(),
    last_seen_at timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz NOT NULL,
    address      text NOT NULL,
    user_agent   text NOT NULL,
    CONSTRAINT sessions_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT sessions_of_one CHECK (num_nonnulls(user_id, key_id) = 1),
    CONSTRAINT sessions_member_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES members (tenant_id, user_id) ON DELETE CASCADE,
    CONSTRAINT sessions_key_fkey FOREIGN KEY (tenant_id, key_id) REFERENCES api_keys (tenant_id, id) ON DELETE CASCADE
);
-- A cookie knows no tenant yet.
CREATE UNIQUE INDEX sessions_digest_key ON sessions (digest);
CREATE INDEX sessions_member ON sessions (tenant_id, user_id);
CREATE INDEX sessions_key ON sessions (tenant_id, key_id);
CREATE INDEX sessions_age ON sessions (expires_at);

-- The link that the first start prints: whoever opens it first becomes the tenant's owner.
CREATE TABLE setup_links (
    tenant_id  uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    digest     bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    used_at    timestamptz,
    CONSTRAINT setup_links_pkey PRIMARY KEY (tenant_id, digest)
);

-- What a sign-in that is under way at a provider has to come back with (RFC 6749 section 10.12, RFC 7636, OpenID Connect
-- Core section 3.1.2.1). Used once, and only by the browser that began it.
CREATE TABLE login_states (
    digest      bytea NOT NULL,                 -- of the state
    browser     bytea NOT NULL,                 -- of the secret in the browser's cookie
    provider    text NOT NULL,
    sealed      bytea NOT NULL,                 -- nonce and code verifier
    next        text NOT NULL DEFAULT '',       -- the page to go on to
    link        bytea,                          -- digest of the invitation or setup link that led here
    created_at  timestamptz NOT NULL DEFAULT now(),
    expires_at  timestamptz NOT NULL,
    CONSTRAINT login_states_pkey PRIMARY KEY (digest)
);
CREATE INDEX login_states_age ON login_states (expires_at);

GRANT SELECT, INSERT, UPDATE, DELETE ON
    users, user_identities, members, invitations, sessions, setup_links, login_states
TO farwatch_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON members, invitations, sessions TO farwatch_tenant;
GRANT SELECT ON users TO farwatch_tenant;

ALTER TABLE users ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON users TO farwatch_app USING (true);
CREATE POLICY own_rows ON users TO farwatch_tenant USING (
    EXISTS (SELECT FROM members WHERE members.tenant_id = (SELECT farwatch_tenant_id()) AND members.user_id = users.id));

ALTER TABLE user_identities ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON user_identities TO farwatch_app USING (true);
ALTER TABLE setup_links ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON setup_links TO farwatch_app USING (true);
CREATE POLICY own_rows ON setup_links TO farwatch_tenant USING (tenant_id = (SELECT farwatch_tenant_id()));
GRANT SELECT ON setup_links TO farwatch_tenant;
ALTER TABLE login_states ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON login_states TO farwatch_app USING (true);

ALTER TABLE members ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON members TO farwatch_app USING (true);
CREATE POLICY own_rows ON members TO farwatch_tenant USING (tenant_id = (SELECT farwatch_tenant_id()));
ALTER TABLE invitations ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON invitations TO farwatch_app USING (true);
CREATE POLICY own_rows ON invitations TO farwatch_tenant USING (tenant_id = (SELECT farwatch_tenant_id()));
ALTER TABLE sessions ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON sessions TO farwatch_app USING (true);
CREATE POLICY own_rows ON sessions TO farwatch_tenant USING (tenant_id = (SELECT farwatch_tenant_id()));

CREATE TRIGGER audited AFTER INSERT OR UPDATE OR DELETE ON members FOR EACH ROW EXECUTE FUNCTION farwatch_audit('member', 'user_id');
CREATE TRIGGER audited AFTER INSERT OR UPDATE OR DELETE ON invitations FOR EACH ROW EXECUTE FUNCTION farwatch_audit('invitation');
