-- What every kind of channel needs: receipts of messages, rules that withhold, a tenant's own texts, links that connect.
-- depends: 0024.job_output

ALTER TABLE deliveries
    ADD COLUMN receipt jsonb,          -- what the channel gave back of a message that it took (notify/transport.py Sent)
    ADD COLUMN rule jsonb;             -- the rule that delays or has cancelled it: {type, id, name, until}

ALTER TABLE channels
    ADD COLUMN verified_at timestamptz,    -- of an e-mail address: when whoever reads it said yes
    ADD COLUMN templates jsonb,            -- texts of the tenant's own, by what they replace (domain/alerting/message_template.py)
    ADD COLUMN quiet_hours jsonb,          -- domain/alerting/quiet_hours.py
    ADD COLUMN unwell_since timestamptz;   -- since when it counts as not delivering

-- Codes by which somebody connects a chat or a channel: only their digests are kept.
CREATE TABLE channel_links (
    tenant_id   uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    id          uuid NOT NULL,
    purpose     text NOT NULL,
    name        text,                  -- what the channel shall be called
    kind        text,                  -- the only kind that a delegation may make; null: any that can connect
    digest      bytea NOT NULL,
    created_by  text,
    created_at  timestamptz NOT NULL DEFAULT now(),
    expires_at  timestamptz NOT NULL,
    consumed_at timestamptz,
    channel_id  uuid,                  -- what it made
    revoked_at  timestamptz,
    CONSTRAINT channel_links_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT channel_links_digest_key UNIQUE (digest),
    CONSTRAINT channel_links_digest_length CHECK (octet_length(digest) = 32),
    CONSTRAINT channel_links_purpose_known CHECK (purpose IN ('telegram', 'whatsapp', 'delegate'))
);

GRANT SELECT, INSERT, UPDATE, DELETE ON channel_links TO farwatch_app, farwatch_tenant;
ALTER TABLE channel_links ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON channel_links TO farwatch_app USING (true);
CREATE POLICY own_rows ON channel_links TO farwatch_tenant USING (tenant_id = (SELECT farwatch_tenant_id()));
CREATE POLICY nothing ON channel_links AS RESTRICTIVE TO farwatch_manage USING (false);
CREATE TRIGGER audited AFTER INSERT OR UPDATE OR DELETE ON channel_links FOR EACH ROW EXECUTE FUNCTION farwatch_audit('channel_link');
