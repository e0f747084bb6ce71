-- Addresses that have to say yes, and the mails that the installation itself owes.
-- depends: 0025.alerting

ALTER TABLE channels
    ADD COLUMN verification_sent_at timestamptz;  -- of an e-mail address: when the newest link was made for it

-- Links by which whoever reads an address says yes: only their digests are kept.
CREATE TABLE channel_verifications (
    tenant_id   uuid NOT NULL,
    id          uuid NOT NULL,
    channel_id  uuid NOT NULL,
    address     text NOT NULL,
    digest      bytea NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    expires_at  timestamptz NOT NULL,
    used_at     timestamptz,
    CONSTRAINT channel_verifications_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT channel_verifications_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE,
    CONSTRAINT channel_verifications_digest_key UNIQUE (digest),
    CONSTRAINT channel_verifications_digest_length CHECK (octet_length(digest) = 32)
);
-- Without a key to channels: what was sent in a day counts, also for channels that are deleted meanwhile.
CREATE INDEX channel_verifications_recent ON channel_verifications (tenant_id, created_at);

-- An outbox of its own: what the installation writes to people by itself.
CREATE TABLE system_mails (
    tenant_id   uuid NOT NULL,
    id          uuid NOT NULL,
    kind        text NOT NULL,
    recipient   text NOT NULL,
    channel_id  uuid,                  -- what it is about, where that is a channel
    data        jsonb NOT NULL DEFAULT '{}',
    sealed      bytea,                 -- the link in it; gone once it is sent or given up
    state       text NOT NULL DEFAULT 'pending',
    attempts    integer NOT NULL DEFAULT 0,
    failures    integer NOT NULL DEFAULT 0,
    due_at      timestamptz NOT NULL DEFAULT now(),
    lease_token uuid,
    lease_until timestamptz,
    last_error  text,
    created_at  timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    CONSTRAINT system_mails_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT system_mails_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE,
    CONSTRAINT system_mails_state_known CHECK (state IN ('pending', 'sent', 'dead', 'cancelled')),
    CONSTRAINT system_mails_finished CHECK ((state = 'pending') = (finished_at IS NULL)),
    CONSTRAINT system_mails_wiped CHECK (state = 'pending' OR sealed IS NULL)
);
CREATE INDEX system_mails_due ON system_mails (due_at) WHERE state = 'pending';
CREATE INDEX system_mails_of_channel ON system_mails (tenant_id, channel_id) WHERE state = 'pending';
CREATE INDEX system_mails_finished ON system_mails (finished_at) WHERE state <> 'pending';

GRANT SELECT, INSERT, UPDATE, DELETE ON channel_verifications, system_mails TO farwatch_app, farwatch_tenant;

ALTER TABLE channel_verifications ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON channel_verifications TO farwatch_app USING (true);
CREATE POLICY own_rows ON channel_verifications TO farwatch_tenant USING (tenant_id = (SELECT farwatch_tenant_id()));
CREATE POLICY nothing ON channel_verifications AS RESTRICTIVE TO farwatch_manage USING (false);

ALTER TABLE system_mails ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON system_mails TO farwatch_app USING (true);
CREATE POLICY own_rows ON system_mails TO farwatch_tenant USING (tenant_id = (SELECT farwatch_tenant_id()));
CREATE POLICY nothing ON system_mails AS RESTRICTIVE TO farwatch_manage USING (false);
