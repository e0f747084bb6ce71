-- Browsers that want to be told. Each is a channel of kind web_push, which holds the address and the keys.
-- depends: 0025.alerting 0026.rules_of_alerting

CREATE TABLE push_subscriptions (
    tenant_id       uuid NOT NULL,
    id              uuid NOT NULL,     -- its channel's
    user_id         uuid,              -- the person whose browser it is
    key_id          uuid,              -- or the key that subscribed it
    endpoint_digest bytea NOT NULL,    -- a browser that subscribes again is the same one
    route_id        uuid,              -- the route of its own that brings everything to it
    created_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT push_subscriptions_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT push_subscriptions_endpoint_key UNIQUE (tenant_id, endpoint_digest),
    CONSTRAINT push_subscriptions_channel_fkey FOREIGN KEY (tenant_id, id) REFERENCES channels (tenant_id, id)
        ON DELETE CASCADE,
    CONSTRAINT push_subscriptions_user_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT push_subscriptions_somebodys CHECK ((user_id IS NULL) <> (key_id IS NULL)),
    CONSTRAINT push_subscriptions_digest_length CHECK (octet_length(endpoint_digest) = 32)
);
CREATE INDEX push_subscriptions_user ON push_subscriptions (user_id);

GRANT SELECT, INSERT, UPDATE, DELETE ON push_subscriptions TO farwatch_app, farwatch_tenant;
ALTER TABLE push_subscriptions ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON push_subscriptions TO farwatch_app USING (true);
CREATE POLICY own_rows ON push_subscriptions TO farwatch_tenant USING (tenant_id = (SELECT farwatch_tenant_id()));
CREATE POLICY nothing ON push_subscriptions AS RESTRICTIVE TO farwatch_manage USING (false);
CREATE TRIGGER audited AFTER INSERT OR UPDATE OR DELETE ON push_subscriptions FOR EACH ROW
    EXECUTE FUNCTION farwatch_audit('push_subscription');
