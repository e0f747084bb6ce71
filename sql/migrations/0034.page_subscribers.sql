-- Who is told of what a status page says, and what they are owed: an outbox of its own (docs/adr/0042).
-- depends: 0033.shares_and_feeds

-- How far a page was looked at for those who subscribed to it. Made with the first of them; it stays when they go.
CREATE TABLE page_watches (
    tenant_id  uuid NOT NULL,
    page_id    uuid NOT NULL,
    events     bigint NOT NULL DEFAULT 0,            -- the tenant's events that the last look has seen
    notices    bigint NOT NULL DEFAULT 0,            -- the number of the newest of page_notices
    looked_at  timestamptz,                          -- null: what there is now is not news
    ended      bigint NOT NULL DEFAULT 0,            -- how many unsubscribed, which is all that is left of them
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT page_watches_pkey PRIMARY KEY (tenant_id, page_id),
    CONSTRAINT page_watches_page_fkey FOREIGN KEY (tenant_id, page_id) REFERENCES status_pages (tenant_id, id)
        ON DELETE CASCADE
);
CREATE INDEX page_watches_looked ON page_watches (looked_at);

CREATE TABLE page_subscribers (
    tenant_id         uuid NOT NULL,
    id                uuid NOT NULL,
    page_id           uuid NOT NULL,
    kind              text NOT NULL,
    digest            bytea NOT NULL,                -- of where it leads, under the pepper (domain/pages/subscriber_rules.py)
    sealed            bytea NOT NULL,                -- where it leads: an address; a URL and its secret; a browser's keys
    component_ids     uuid[],                        -- null: all of the page
    source            text NOT NULL,
    note              text NOT NULL DEFAULT '',      -- how the tenant says that it came by the address
    nonce             bytea NOT NULL,                -- what the link that confirms is made with
    asked             integer NOT NULL DEFAULT 0,    -- messages that it was sent without asking, within a day
    asked_at          timestamptz NOT NULL DEFAULT now(),    -- the first of them
    confirm_until     timestamptz,
    confirmed_at      timestamptz,
    failures          integer NOT NULL DEFAULT 0,    -- messages in a row that were given up
    full_at           timestamptz,                   -- when it may be told five times at once again
    last_delivered_at timestamptz,
    last_error        text,
    created_at        timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT page_subscribers_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT page_subscribers_watch_fkey FOREIGN KEY (tenant_id, page_id) REFERENCES page_watches (tenant_id, page_id)
        ON DELETE CASCADE,
    CONSTRAINT page_subscribers_kind_known CHECK (kind IN ('email', 'webhook', 'web_push')),
    CONSTRAINT page_subscribers_source_known CHECK (source IN ('public', 'tenant')),
    CONSTRAINT page_subscribers_digest_length CHECK (octet_length(digest) = 32),
    CONSTRAINT page_subscribers_asked_or_confirmed CHECK ((confirm_until IS NULL) = (confirmed_at IS NOT NULL))
);
-- Whoever asks again while subscribed is a row of its own until that is confirmed, so that nothing tells them apart.
CREATE UNIQUE INDEX page_subscribers_confirmed ON page_subscribers (tenant_id, page_id, digest)
    WHERE confirmed_at IS NOT NULL;
CREATE UNIQUE INDEX page_subscribers_pending ON page_subscribers (tenant_id, page_id, digest) WHERE confirmed_at IS NULL;
CREATE INDEX page_subscribers_page ON page_subscribers (tenant_id, page_id, id);
CREATE INDEX page_subscribers_digest ON page_subscribers (digest);
CREATE INDEX page_subscribers_unconfirmed ON page_subscribers (confirm_until) WHERE confirmed_at IS NULL;

-- What a page had to tell, in words for the public: each is owed to its subscribers in batches, up to `reached`.
CREATE TABLE page_notices (
    tenant_id     uuid NOT NULL,
    id            uuid NOT NULL,
    page_id       uuid NOT NULL,
    number        bigint NOT NULL,                   -- per page, in the order of what happened
    subject       uuid NOT NULL,                     -- the incident, or the window
    begins_at     timestamptz,                       -- of a window: which of its times
    event         text NOT NULL,
    component_ids uuid[] NOT NULL DEFAULT '{}',
    told          jsonb NOT NULL,                    -- domain/pages/page_news.py
    upto          timestamptz NOT NULL,              -- what happened until then is told
    reached       uuid,                              -- the last subscriber that was looked at
    owed          integer NOT NULL DEFAULT 0,
    created_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at   timestamptz,                       -- all are owed it
    CONSTRAINT page_notices_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT page_notices_number_key UNIQUE (tenant_id, page_id, number),
    CONSTRAINT page_notices_watch_fkey FOREIGN KEY (tenant_id, page_id) REFERENCES page_watches (tenant_id, page_id)
        ON DELETE CASCADE
);
CREATE INDEX page_notices_open ON page_notices (tenant_id, page_id, number) WHERE finished_at IS NULL;
CREATE INDEX page_notices_subject ON page_notices (tenant_id, page_id, subject);
CREATE INDEX page_notices_age ON page_notices (created_at);

CREATE TABLE page_deliveries (
    tenant_id     uuid NOT NULL,
    id            uuid NOT NULL,
    page_id       uuid NOT NULL,
    subscriber_id uuid NOT NULL,
    notice_id     uuid,                              -- null: it asks whether to be told at all
    number        bigint NOT NULL DEFAULT 0,         -- the notice's
    subject       uuid,
    event         text NOT NULL,
    state         text NOT NULL DEFAULT 'pending',
    message_id    uuid,                              -- of the message that tells of it, fixed at the first attempt
    attempts      integer NOT NULL DEFAULT 0,
    failures      integer NOT NULL DEFAULT 0,
    due_at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    lease_token   uuid,
    lease_until   timestamptz,
    last_error    text,
    created_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at   timestamptz,
    CONSTRAINT page_deliveries_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT page_deliveries_once UNIQUE (tenant_id, subscriber_id, notice_id),
    CONSTRAINT page_deliveries_subscriber_fkey FOREIGN KEY (tenant_id, subscriber_id)
        REFERENCES page_subscribers (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT page_deliveries_notice_fkey FOREIGN KEY (tenant_id, notice_id) REFERENCES page_notices (tenant_id, id)
        ON DELETE CASCADE,
    CONSTRAINT page_deliveries_state_known CHECK (state IN ('pending', 'delivered', 'dead', 'cancelled')),
    CONSTRAINT page_deliveries_finished CHECK ((state = 'pending') = (finished_at IS NULL))
);
CREATE INDEX page_deliveries_due ON page_deliveries (tenant_id, page_id, due_at) WHERE state = 'pending';
CREATE INDEX page_deliveries_pending ON page_deliveries (tenant_id, subscriber_id) WHERE state = 'pending';
CREATE INDEX page_deliveries_subject ON page_deliveries (tenant_id, subscriber_id, subject);
CREATE INDEX page_deliveries_notice ON page_deliveries (tenant_id, notice_id);
CREATE INDEX page_deliveries_finished ON page_deliveries (finished_at) WHERE state <> 'pending';

DO $walls$
DECLARE
    walled name;
BEGIN
    FOREACH walled IN ARRAY ARRAY['page_watches', 'page_subscribers', 'page_notices', 'page_deliveries']::name[] LOOP
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO farwatch_app, farwatch_tenant', walled);
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', walled);
        EXECUTE format('CREATE POLICY all_rows ON %I TO farwatch_app USING (true)', walled);
        EXECUTE format('CREATE POLICY own_rows ON %I TO farwatch_tenant USING (tenant_id = (SELECT farwatch_tenant_id()))', walled);
        EXECUTE format('CREATE POLICY nothing ON %I AS RESTRICTIVE TO farwatch_manage USING (false)', walled);
    END LOOP;
END
$walls$;
-- Whom a tenant adds or takes away. It has no name there: an address that is to be forgotten is not in the log either.
CREATE TRIGGER audited AFTER INSERT OR DELETE ON page_subscribers FOR EACH ROW EXECUTE FUNCTION farwatch_audit('subscriber');
