-- Generated from sql/migrations: read it, review its diff, never edit or run it.
-- Anew: python -m tests.support.schema

CREATE FUNCTION public.farwatch_audit() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
DECLARE
    actor jsonb;

    old_row jsonb;

    new_row jsonb;

    row_now jsonb;

    changed jsonb := '{}';

BEGIN
    IF coalesce(current_setting('farwatch.actor', true), '') = '' THEN
        RETURN NULL;

    END IF;

    actor := current_setting('farwatch.actor')::jsonb;

    IF TG_OP <> 'INSERT' THEN old_row := to_jsonb(OLD); END IF;

    IF TG_OP <> 'DELETE' THEN new_row := to_jsonb(NEW); END IF;

    row_now := coalesce(new_row, old_row);

    IF TG_OP = 'UPDATE' THEN
        changed := farwatch_changes(old_row, new_row);

        -- A new revision alone tells of a change in the rows that hang on this one.
        IF changed = '{}' AND old_row -> 'revision' IS NOT DISTINCT FROM new_row -> 'revision' THEN
            RETURN NULL;

        END IF;

    END IF;

    INSERT INTO audit (tenant_id, id, at, actor_kind, actor_id, actor, source, address, trace_id, operation,
        action, object_kind, object_id, object_name, changes)
    VALUES (
        coalesce(
            CASE WHEN TG_TABLE_NAME = 'tenants' THEN (row_now ->> 'id')::uuid ELSE (row_now ->> 'tenant_id')::uuid END,
            nullif(current_setting('farwatch.tenant_id', true), '')::uuid,
            '00000000-0000-0000-0000-000000000000'),
        farwatch_uuid7(), clock_timestamp(), actor ->> 'kind', (actor ->> 'id')::uuid, actor ->> 'label',
        actor ->> 'source', actor ->> 'address', actor ->> 'trace_id', actor ->> 'operation',
        CASE WHEN TG_NARGS > 2 THEN coalesce(row_now ->> TG_ARGV[2], TG_ARGV[2])
             WHEN TG_OP = 'INSERT' THEN 'created' WHEN TG_OP = 'UPDATE' THEN 'updated' ELSE 'deleted' END,
        TG_ARGV[0],
        row_now ->> CASE WHEN TG_NARGS > 1 THEN TG_ARGV[1] ELSE 'id' END,
        coalesce(row_now ->> 'name', row_now ->> 'label', row_now ->> 'title', row_now ->> 'email',
            row_now ->> 'domain', row_now ->> 'slug', row_now ->> 'text', row_now ->> 'cause'),
        changed);

    RETURN NULL;

END
$$;

CREATE FUNCTION public.farwatch_changes(before jsonb, after jsonb) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    AS $$
BEGIN
    RETURN (
        SELECT coalesce(jsonb_object_agg(a.key, CASE
            WHEN a.key ~ '(sealed|digest|secret|token|ping_id|previous_id)' THEN '"***"'::jsonb
            ELSE jsonb_build_array(a.was, a.value) END), '{}')
        FROM ROWS FROM (jsonb_each(before), jsonb_each(after)) AS a (same_key, was, key, value)
        WHERE a.was IS DISTINCT FROM a.value
          AND a.key <> ALL (ARRAY['updated_at', 'revision', 'last_used_at', 'last_seen_at', 'write_source', 'check_version',
              'first_slot', 'consecutive_failures', 'last_delivered_at', 'last_error', 'covered_at', 'next_starts_at',
              'next_ends_at', 'current_starts_at', 'current_ends_at', 'request', 'lease_until'])
    );

END
$$;

CREATE FUNCTION public.farwatch_hide_monitor() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
    DELETE FROM page_components WHERE tenant_id = NEW.tenant_id AND monitor_id = NEW.id;

    RETURN NULL;

END
$$;

CREATE FUNCTION public.farwatch_keep_shared_ids() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('farwatch region ' || NEW.slug, 0));

    IF NEW.tenant_id IS NULL AND EXISTS (SELECT FROM regions WHERE slug = NEW.slug AND tenant_id IS NOT NULL) THEN
        RAISE unique_violation USING CONSTRAINT = 'regions_own_slug_key', TABLE = 'regions', MESSAGE = 'id of a private region';

    ELSIF NEW.tenant_id IS NOT NULL AND EXISTS (SELECT FROM regions WHERE slug = NEW.slug AND tenant_id IS NULL) THEN
        RAISE unique_violation USING CONSTRAINT = 'regions_slug_key', TABLE = 'regions', MESSAGE = 'id of a shared region';

    END IF;

    RETURN NEW;

END
$$;

CREATE FUNCTION public.farwatch_look_again() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
DECLARE
    about uuid;

BEGIN
    IF TG_TABLE_NAME = 'monitors' THEN about := NEW.id; ELSE about := NEW.monitor_id; END IF;

    UPDATE incident_reminders r SET due_at = clock_timestamp()
    WHERE r.tenant_id = NEW.tenant_id AND r.incident_id IN (
        SELECT i.id FROM incidents i
        WHERE i.tenant_id = NEW.tenant_id AND i.monitor_id = about AND i.origin = 'monitor' AND i.state <> 'resolved'
        UNION ALL
        SELECT n.incident_id FROM incident_monitors n WHERE n.tenant_id = NEW.tenant_id AND n.monitor_id = about);

    RETURN NULL;

END
$$;

CREATE FUNCTION public.farwatch_monitor_id() RETURNS uuid
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (NULLIF(current_setting('farwatch.monitor_id'::text, true), ''::text))::uuid;

CREATE FUNCTION public.farwatch_page_id() RETURNS uuid
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (NULLIF(current_setting('farwatch.page_id'::text, true), ''::text))::uuid;

CREATE FUNCTION public.farwatch_remind() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
    IF NEW.state = 'triggered' THEN
        INSERT INTO incident_reminders (tenant_id, incident_id) VALUES (NEW.tenant_id, NEW.id)
        ON CONFLICT ON CONSTRAINT incident_reminders_pkey DO UPDATE
        SET due_at = clock_timestamp(), reminders = 0, reminded_at = NULL, escalated = 0, escalated_at = NULL;

    ELSE
        DELETE FROM incident_reminders WHERE tenant_id = NEW.tenant_id AND incident_id = NEW.id;

    END IF;

    RETURN NULL;

END
$$;

CREATE FUNCTION public.farwatch_rules_changed() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
    INSERT INTO installation (name, value)
    VALUES ('rules', jsonb_build_object('version', gen_random_uuid(), 'xid', pg_current_xact_id()::text))
    ON CONFLICT (name) DO UPDATE SET value = excluded.value;

    RETURN NULL;

END
$$;

CREATE FUNCTION public.farwatch_subscribe() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
    IF NEW.events <@ ARRAY['incident.opened', 'incident.updated', 'incident.resolved'] THEN
        RETURN NULL;

    END IF;

    PERFORM FROM event_cursors WHERE tenant_id = NEW.tenant_id FOR KEY SHARE;

    IF NOT FOUND THEN
        INSERT INTO event_cursors (tenant_id, number)
        SELECT tenant_id, events FROM tenant_counters WHERE tenant_id = NEW.tenant_id
        ON CONFLICT ON CONSTRAINT event_cursors_pkey DO UPDATE SET number = event_cursors.number;

    END IF;

    RETURN NULL;

END
$$;

CREATE FUNCTION public.farwatch_tenant_id() RETURNS uuid
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (NULLIF(current_setting('farwatch.tenant_id'::text, true), ''::text))::uuid;

CREATE FUNCTION public.farwatch_unblock() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    NEW.blocked_by := NULL;

    RETURN NEW;

END
$$;

CREATE FUNCTION public.farwatch_uuid7() RETURNS uuid
    LANGUAGE sql PARALLEL SAFE
    RETURN (encode(set_byte(OVERLAY(uuid_send(gen_random_uuid()) PLACING SUBSTRING(int8send(((EXTRACT(epoch FROM clock_timestamp()) * (1000)::numeric))::bigint) FROM 3) FROM 1 FOR 6), 6, ((get_byte(uuid_send(gen_random_uuid()), 0) & 15) | 112)), 'hex'::text))::uuid;

CREATE TABLE public.agents (
    id uuid NOT NULL,
    number integer NOT NULL,
    region_id integer NOT NULL,
    name text NOT NULL,
    key_digest bytea NOT NULL,
    previous_key_digest bytea,
    previous_key_until timestamp with time zone,
    enabled boolean DEFAULT true NOT NULL,
    boot_id uuid,
    version text,
    capabilities text[] DEFAULT '{}'::text[] NOT NULL,
    last_seen_at timestamp with time zone,
    lease_until timestamp with time zone,
    healthy boolean DEFAULT true NOT NULL,
    health_reason text,
    clock_offset_ms integer,
    saturation real,
    lag_ms real,
    spooled integer,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    health_since timestamp with time zone,
    skewed boolean DEFAULT false NOT NULL,
    skewed_since timestamp with time zone,
    sent_skew_ms bigint,
    strained boolean DEFAULT false NOT NULL,
    strained_since timestamp with time zone,
    gaps bigint,
    gaps_grown_at timestamp with time zone,
    observed_at timestamp with time zone,
    left_at timestamp with time zone,
    revision integer DEFAULT 1 NOT NULL
);

ALTER TABLE public.agents ALTER COLUMN number ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.agents_number_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.announcements (
    id uuid NOT NULL,
    title text NOT NULL,
    text text DEFAULT ''::text NOT NULL,
    starts_at timestamp with time zone NOT NULL,
    ends_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT announcements_forward CHECK (((ends_at IS NULL) OR (ends_at > starts_at)))
);

CREATE TABLE public.anonymous_creates (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    caller bytea NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);

CREATE TABLE public.api_keys (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    number bigint NOT NULL,
    label text NOT NULL,
    prefix text NOT NULL,
    digest bytea NOT NULL,
    scopes text[] NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone,
    last_used_at timestamp with time zone,
    CONSTRAINT api_keys_label_length CHECK (((char_length(label) >= 3) AND (char_length(label) <= 100)))
);

CREATE SEQUENCE public.assignment_changes
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

CREATE TABLE public.assignments (
    region_id integer NOT NULL,
    monitor_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    check_version integer NOT NULL,
    window_ms integer NOT NULL,
    phase_ms integer NOT NULL,
    removed_at timestamp with time zone,
    changed_xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    change bigint DEFAULT nextval('public.assignment_changes'::regclass) NOT NULL,
    cadence_s integer
);

CREATE TABLE public.audit (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    at timestamp with time zone NOT NULL,
    actor_kind text NOT NULL,
    actor_id uuid,
    actor text NOT NULL,
    source text NOT NULL,
    address text,
    trace_id text,
    operation text NOT NULL,
    action text NOT NULL,
    object_kind text NOT NULL,
    object_id text NOT NULL,
    object_name text,
    changes jsonb DEFAULT '{}'::jsonb NOT NULL
);

CREATE TABLE public.certificates (
    tenant_id uuid NOT NULL,
    monitor_id uuid NOT NULL,
    fingerprint text NOT NULL,
    first_seen timestamp with time zone NOT NULL,
    last_seen timestamp with time zone NOT NULL,
    region text NOT NULL
);

CREATE TABLE public.channel_links (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    purpose text NOT NULL,
    name text,
    kind text,
    digest bytea NOT NULL,
    created_by text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    consumed_at timestamp with time zone,
    channel_id uuid,
    revoked_at timestamp with time zone,
    CONSTRAINT channel_links_digest_length CHECK ((octet_length(digest) = 32)),
    CONSTRAINT channel_links_purpose_known CHECK ((purpose = ANY (ARRAY['telegram'::text, 'whatsapp'::text, 'delegate'::text])))
);

CREATE TABLE public.channel_verifications (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    channel_id uuid NOT NULL,
    address text NOT NULL,
    digest bytea NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    used_at timestamp with time zone,
    CONSTRAINT channel_verifications_digest_length CHECK ((octet_length(digest) = 32))
);

CREATE TABLE public.channels (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    number bigint NOT NULL,
    name text NOT NULL,
    kind text NOT NULL,
    config jsonb NOT NULL,
    sealed bytea,
    host text,
    enabled boolean DEFAULT true NOT NULL,
    disabled_reason text,
    consecutive_failures integer DEFAULT 0 NOT NULL,
    last_delivered_at timestamp with time zone,
    last_error text,
    write_source text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    revision integer DEFAULT 1 NOT NULL,
    verified_at timestamp with time zone,
    templates jsonb,
    quiet_hours jsonb,
    unwell_since timestamp with time zone,
    verification_sent_at timestamp with time zone
);

CREATE TABLE public.deliveries (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    number bigint NOT NULL,
    channel_id uuid,
    channel_name text NOT NULL,
    channel_kind text NOT NULL,
    incident_id uuid,
    monitor_id uuid,
    event text NOT NULL,
    notice text NOT NULL,
    ordinal integer DEFAULT 0 NOT NULL,
    body text NOT NULL,
    state text DEFAULT 'pending'::text NOT NULL,
    reason text,
    attempts integer DEFAULT 0 NOT NULL,
    due_at timestamp with time zone NOT NULL,
    lease_token uuid,
    lease_until timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    finished_at timestamp with time zone,
    message_id uuid,
    message_at timestamp with time zone,
    put_off boolean DEFAULT false NOT NULL,
    receipt jsonb,
    rule jsonb,
    CONSTRAINT deliveries_state_known CHECK ((state = ANY (ARRAY['pending'::text, 'delivered'::text, 'dead'::text, 'cancelled'::text])))
);

CREATE TABLE public.delivery_attempts (
    tenant_id uuid NOT NULL,
    delivery_id uuid NOT NULL,
    attempt integer NOT NULL,
    at timestamp with time zone NOT NULL,
    duration_ms integer NOT NULL,
    outcome text NOT NULL,
    http_status integer,
    error text,
    response text
);

CREATE TABLE public.deny_rules (
    id uuid NOT NULL,
    kind text NOT NULL,
    value text NOT NULL,
    reason text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    revision integer DEFAULT 1 NOT NULL,
    CONSTRAINT deny_rules_kind_known CHECK ((kind = ANY (ARRAY['domain'::text, 'url_glob'::text, 'url_regex'::text, 'cidr'::text])))
);

CREATE TABLE public.dispatches (
    id uuid NOT NULL,
    region_id integer NOT NULL,
    tenant_id uuid NOT NULL,
    monitor_id uuid,
    check_version integer,
    kind text NOT NULL,
    slot bigint NOT NULL,
    "check" jsonb,
    sealed bytea,
    expires_at timestamp with time zone NOT NULL,
    claimed_at timestamp with time zone,
    claimed_by uuid,
    finished_at timestamp with time zone,
    result text,
    domain text,
    for_dependent boolean DEFAULT false NOT NULL,
    CONSTRAINT dispatches_kind_known CHECK ((kind = ANY (ARRAY['recheck'::text, 'check_now'::text, 'test'::text])))
);

CREATE TABLE public.domains (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    domain text NOT NULL,
    path_token text NOT NULL,
    txt_token text NOT NULL,
    state text DEFAULT 'pending'::text NOT NULL,
    method text,
    verified_at timestamp with time zone,
    checked_at timestamp with time zone,
    next_check_at timestamp with time zone,
    failed_since timestamp with time zone,
    last_error text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    revision integer DEFAULT 1 NOT NULL,
    CONSTRAINT domains_method_known CHECK ((method = ANY (ARRAY['file'::text, 'txt'::text]))),
    CONSTRAINT domains_state_known CHECK ((state = ANY (ARRAY['pending'::text, 'verified'::text, 'grace'::text, 'lapsed'::text])))
);

CREATE TABLE public.event_cursors (
    tenant_id uuid NOT NULL,
    number bigint NOT NULL
);

CREATE TABLE public.events (
    tenant_id uuid NOT NULL,
    number bigint NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL,
    event text NOT NULL,
    monitor_id uuid,
    data text NOT NULL
);

CREATE TABLE public.feeds (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    name text NOT NULL,
    digest bytea NOT NULL,
    former_digest bytea,
    former_until timestamp with time zone,
    created_by text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    last_used_at timestamp with time zone,
    revision integer DEFAULT 1 NOT NULL,
    CONSTRAINT feeds_digest_length CHECK ((octet_length(digest) = 32)),
    CONSTRAINT feeds_former_whole CHECK (((former_digest IS NULL) = (former_until IS NULL)))
);

CREATE TABLE public.heartbeat_pings (
    tenant_id uuid NOT NULL,
    monitor_id uuid NOT NULL,
    number bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    kind text NOT NULL,
    exit_code smallint,
    rid uuid,
    method text NOT NULL,
    source text NOT NULL,
    user_agent text NOT NULL,
    body bytea,
    cut boolean DEFAULT false NOT NULL,
    CONSTRAINT heartbeat_pings_body_limit CHECK ((length(body) <= 100000)),
    CONSTRAINT heartbeat_pings_exit_code_range CHECK (((exit_code >= 0) AND (exit_code <= 255))),
    CONSTRAINT heartbeat_pings_kind_known CHECK ((kind = ANY (ARRAY['success'::text, 'start'::text, 'fail'::text, 'log'::text])))
);

CREATE TABLE public.heartbeat_runs (
    tenant_id uuid NOT NULL,
    monitor_id uuid NOT NULL,
    number bigint NOT NULL,
    rid uuid,
    started_at timestamp with time zone NOT NULL,
    finished_at timestamp with time zone,
    duration_ms bigint,
    exit_code smallint,
    outcome text DEFAULT 'running'::text NOT NULL,
    CONSTRAINT heartbeat_runs_forward CHECK ((finished_at >= started_at)),
    CONSTRAINT heartbeat_runs_outcome_known CHECK ((outcome = ANY (ARRAY['running'::text, 'success'::text, 'fail'::text, 'overdue'::text, 'abandoned'::text])))
);

CREATE TABLE public.heartbeats (
    tenant_id uuid NOT NULL,
    monitor_id uuid NOT NULL,
    ping_id uuid NOT NULL,
    previous_id uuid,
    previous_until timestamp with time zone,
    phase text DEFAULT 'new'::text NOT NULL,
    since timestamp with time zone DEFAULT now() NOT NULL,
    counted_from timestamp with time zone,
    due_at timestamp with time zone,
    due_run boolean DEFAULT false NOT NULL,
    open_runs jsonb DEFAULT '[]'::jsonb NOT NULL,
    pings bigint DEFAULT 0 NOT NULL,
    last_ping_at timestamp with time zone,
    last_kind text,
    first_bad_at timestamp with time zone,
    reason text,
    message text,
    CONSTRAINT heartbeats_phase_known CHECK ((phase = ANY (ARRAY['new'::text, 'up'::text, 'down'::text]))),
    CONSTRAINT heartbeats_previous_whole CHECK (((previous_id IS NULL) = (previous_until IS NULL)))
)
WITH (fillfactor='70');

CREATE TABLE public.idempotency_keys (
    tenant_id uuid NOT NULL,
    route text NOT NULL,
    key text NOT NULL,
    body_digest bytea NOT NULL,
    status integer,
    headers jsonb,
    body bytea,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.incident_events (
    tenant_id uuid NOT NULL,
    incident_id uuid NOT NULL,
    id uuid NOT NULL,
    kind text NOT NULL,
    at timestamp with time zone NOT NULL,
    actor text,
    text text,
    data jsonb DEFAULT '{}'::jsonb NOT NULL
);

CREATE TABLE public.incident_monitors (
    tenant_id uuid NOT NULL,
    incident_id uuid NOT NULL,
    monitor_id uuid NOT NULL
);

CREATE TABLE public.incident_reminders (
    tenant_id uuid NOT NULL,
    incident_id uuid NOT NULL,
    due_at timestamp with time zone DEFAULT clock_timestamp(),
    reminders integer DEFAULT 0 NOT NULL,
    reminded_at timestamp with time zone,
    escalated integer DEFAULT 0 NOT NULL,
    escalated_at timestamp with time zone
);

CREATE TABLE public.incident_updates (
    tenant_id uuid NOT NULL,
    incident_id uuid NOT NULL,
    id uuid NOT NULL,
    phase text NOT NULL,
    text text NOT NULL,
    at timestamp with time zone NOT NULL,
    actor text NOT NULL,
    CONSTRAINT incident_updates_phase_known CHECK ((phase = ANY (ARRAY['investigating'::text, 'identified'::text, 'monitoring'::text, 'resolved'::text, 'postmortem'::text])))
);

CREATE TABLE public.incidents (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    number bigint NOT NULL,
    monitor_id uuid,
    origin text DEFAULT 'monitor'::text NOT NULL,
    type text DEFAULT 'down'::text NOT NULL,
    severity text NOT NULL,
    state text DEFAULT 'triggered'::text NOT NULL,
    phase text DEFAULT 'investigating'::text NOT NULL,
    cause text NOT NULL,
    started_at timestamp with time zone NOT NULL,
    opened_at timestamp with time zone NOT NULL,
    acknowledged_at timestamp with time zone,
    acknowledged_by text,
    resolved_at timestamp with time zone,
    resolution text,
    regions_down text[] DEFAULT '{}'::text[] NOT NULL,
    regions_up text[] DEFAULT '{}'::text[] NOT NULL,
    evidence jsonb DEFAULT '[]'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    revision integer DEFAULT 1 NOT NULL,
    held_by text,
    title text,
    public_title text,
    public_description text,
    declared_by text,
    resolved_by text,
    reopened_at timestamp with time zone,
    reopened integer DEFAULT 0 NOT NULL,
    held_open boolean DEFAULT false NOT NULL,
    CONSTRAINT incidents_declared_titled CHECK (((origin = 'monitor'::text) OR (title IS NOT NULL))),
    CONSTRAINT incidents_origin_known CHECK ((origin = ANY (ARRAY['monitor'::text, 'person'::text]))),
    CONSTRAINT incidents_phase_known CHECK ((phase = ANY (ARRAY['investigating'::text, 'identified'::text, 'monitoring'::text, 'resolved'::text, 'postmortem'::text]))),
    CONSTRAINT incidents_state_known CHECK ((state = ANY (ARRAY['triggered'::text, 'acknowledged'::text, 'resolved'::text]))),
    CONSTRAINT incidents_type_known CHECK ((type = ANY (ARRAY['down'::text, 'degraded'::text, 'flapping'::text])))
);

CREATE TABLE public.installation (
    name text NOT NULL,
    value jsonb NOT NULL
);

CREATE TABLE public.invitations (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    email text NOT NULL,
    role text NOT NULL,
    digest bytea NOT NULL,
    invited_by text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    sent_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    accepted_at timestamp with time zone,
    accepted_by uuid,
    revoked_at timestamp with time zone,
    CONSTRAINT invitations_email_length CHECK (((char_length(email) >= 3) AND (char_length(email) <= 254))),
    CONSTRAINT invitations_role_known CHECK ((role = ANY (ARRAY['owner'::text, 'admin'::text, 'member'::text, 'viewer'::text])))
);

CREATE TABLE public.jobs (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    number bigint NOT NULL,
    kind text NOT NULL,
    state text DEFAULT 'queued'::text NOT NULL,
    total integer NOT NULL,
    done integer DEFAULT 0 NOT NULL,
    failed integer DEFAULT 0 NOT NULL,
    request bytea,
    failures jsonb DEFAULT '[]'::jsonb NOT NULL,
    result jsonb,
    error jsonb,
    actor jsonb,
    token uuid,
    lease_until timestamp with time zone,
    attempts integer DEFAULT 0 NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    started_at timestamp with time zone,
    finished_at timestamp with time zone,
    output bytea,
    CONSTRAINT jobs_counted CHECK ((((failed >= 0) AND (failed <= done)) AND (done <= total))),
    CONSTRAINT jobs_keep_no_request CHECK (((finished_at IS NULL) OR (request IS NULL))),
    CONSTRAINT jobs_over CHECK (((finished_at IS NOT NULL) = (state <> ALL (ARRAY['queued'::text, 'running'::text])))),
    CONSTRAINT jobs_state_known CHECK ((state = ANY (ARRAY['queued'::text, 'running'::text, 'succeeded'::text, 'failed'::text, 'cancelled'::text])))
);

CREATE TABLE public.login_states (
    digest bytea NOT NULL,
    browser bytea NOT NULL,
    provider text NOT NULL,
    sealed bytea NOT NULL,
    next text DEFAULT ''::text NOT NULL,
    link bytea,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL
);

CREATE TABLE public.maintenance_occurrences (
    tenant_id uuid NOT NULL,
    window_id uuid NOT NULL,
    starts_at timestamp with time zone NOT NULL,
    ends_at timestamp with time zone NOT NULL,
    CONSTRAINT maintenance_occurrences_forward CHECK ((ends_at >= starts_at))
);

CREATE TABLE public.maintenance_windows (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    number bigint NOT NULL,
    title text NOT NULL,
    description text DEFAULT ''::text NOT NULL,
    public boolean DEFAULT false NOT NULL,
    covers_all boolean DEFAULT false NOT NULL,
    monitors uuid[] DEFAULT '{}'::uuid[] NOT NULL,
    tags text[] DEFAULT '{}'::text[] NOT NULL,
    starts_at timestamp with time zone NOT NULL,
    ends_at timestamp with time zone,
    cron text,
    rrule text,
    duration_s integer,
    timezone text DEFAULT 'UTC'::text NOT NULL,
    until timestamp with time zone,
    next_starts_at timestamp with time zone,
    next_ends_at timestamp with time zone,
    current_starts_at timestamp with time zone,
    current_ends_at timestamp with time zone,
    covered_at timestamp with time zone,
    ended_at timestamp with time zone,
    deleted_at timestamp with time zone,
    write_source text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    revision integer DEFAULT 1 NOT NULL,
    key text,
    CONSTRAINT maintenance_windows_forward CHECK (((ends_at > starts_at) AND (next_ends_at > next_starts_at) AND (current_ends_at >= current_starts_at))),
    CONSTRAINT maintenance_windows_one_schedule CHECK ((((ends_at IS NOT NULL) AND (duration_s IS NULL) AND (cron IS NULL) AND (rrule IS NULL)) OR ((ends_at IS NULL) AND (duration_s IS NOT NULL) AND ((cron IS NULL) <> (rrule IS NULL)))))
);

CREATE TABLE public.manage_keys (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    monitor_id uuid,
    prefix text NOT NULL,
    digest bytea NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    last_used_at timestamp with time zone,
    page_id uuid,
    CONSTRAINT manage_keys_digest_length CHECK ((octet_length(digest) = 32)),
    CONSTRAINT manage_keys_opens_one CHECK (((monitor_id IS NULL) <> (page_id IS NULL)))
);

CREATE TABLE public.members (
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL,
    role text NOT NULL,
    email text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    revision integer DEFAULT 1 NOT NULL,
    CONSTRAINT members_role_known CHECK ((role = ANY (ARRAY['owner'::text, 'admin'::text, 'member'::text, 'viewer'::text])))
);

CREATE TABLE public.monitor_channels (
    tenant_id uuid NOT NULL,
    monitor_id uuid NOT NULL,
    channel_id uuid NOT NULL,
    events text[]
);

CREATE TABLE public.monitor_dependencies (
    tenant_id uuid NOT NULL,
    monitor_id uuid NOT NULL,
    depends_on uuid NOT NULL,
    CONSTRAINT monitor_dependencies_not_itself CHECK ((monitor_id <> depends_on))
);

CREATE TABLE public.monitor_escalations (
    tenant_id uuid NOT NULL,
    monitor_id uuid NOT NULL,
    step smallint NOT NULL,
    after_s integer NOT NULL,
    channel_id uuid NOT NULL,
    CONSTRAINT monitor_escalations_after CHECK ((after_s >= 60)),
    CONSTRAINT monitor_escalations_steps CHECK (((step >= 1) AND (step <= 10)))
);

CREATE TABLE public.monitor_periods (
    tenant_id uuid NOT NULL,
    monitor_id uuid NOT NULL,
    kind text NOT NULL,
    starts_at timestamp with time zone NOT NULL,
    ends_at timestamp with time zone,
    window_id uuid,
    title text,
    CONSTRAINT monitor_periods_forward CHECK ((ends_at >= starts_at)),
    CONSTRAINT monitor_periods_kind_known CHECK ((kind = ANY (ARRAY['maintenance'::text, 'paused'::text])))
);

CREATE TABLE public.monitor_shares (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    monitor_id uuid NOT NULL,
    label text DEFAULT ''::text NOT NULL,
    digest bytea NOT NULL,
    created_by text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone,
    last_used_at timestamp with time zone,
    CONSTRAINT monitor_shares_digest_length CHECK ((octet_length(digest) = 32)),
    CONSTRAINT monitor_shares_label_length CHECK ((char_length(label) <= 80))
);

CREATE TABLE public.monitor_states (
    tenant_id uuid NOT NULL,
    monitor_id uuid NOT NULL,
    verdict text DEFAULT 'unknown'::text NOT NULL,
    reason text DEFAULT 'Waiting for the first results'::text NOT NULL,
    since timestamp with time zone DEFAULT now() NOT NULL,
    assigned integer DEFAULT 0 NOT NULL,
    fresh_up integer DEFAULT 0 NOT NULL,
    fresh_down integer DEFAULT 0 NOT NULL,
    fresh_degraded integer DEFAULT 0 NOT NULL,
    last_down integer DEFAULT 0 NOT NULL,
    judged_at timestamp with time zone DEFAULT now() NOT NULL,
    hushed boolean DEFAULT false NOT NULL,
    sole boolean DEFAULT false NOT NULL,
    well_since timestamp with time zone,
    due_at timestamp with time zone,
    held_since timestamp with time zone,
    held_by text,
    hold_ended_at timestamp with time zone,
    waits_until timestamp with time zone,
    backed_off_at timestamp with time zone,
    CONSTRAINT monitor_states_verdict_known CHECK ((verdict = ANY (ARRAY['up'::text, 'degraded'::text, 'down'::text, 'unknown'::text])))
)
WITH (fillfactor='70');

CREATE TABLE public.monitors (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    number bigint NOT NULL,
    key text,
    name text NOT NULL,
    kind text NOT NULL,
    "check" jsonb NOT NULL,
    sealed bytea,
    check_version integer DEFAULT 1 NOT NULL,
    first_slot bigint NOT NULL,
    interval_s integer NOT NULL,
    regions integer[] DEFAULT '{}'::integer[] NOT NULL,
    confirmations integer DEFAULT 2 NOT NULL,
    region_policy text DEFAULT 'majority'::text NOT NULL,
    region_policy_count integer,
    tags text[] DEFAULT '{}'::text[] NOT NULL,
    "group" text,
    severity text DEFAULT 'major'::text NOT NULL,
    alert_on text DEFAULT 'down'::text NOT NULL,
    notify_recovery boolean DEFAULT true NOT NULL,
    renotify_interval_s integer DEFAULT 3600 NOT NULL,
    max_repeats integer DEFAULT 10 NOT NULL,
    owner text,
    notes text,
    enabled boolean DEFAULT true NOT NULL,
    write_source text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    revision integer DEFAULT 1 NOT NULL,
    backoff_when_down boolean DEFAULT false NOT NULL,
    sla_target double precision,
    sla_period_days integer,
    blocked_by jsonb,
    is_public boolean DEFAULT false NOT NULL,
    quiet_hours jsonb,
    CONSTRAINT monitors_alert_on_known CHECK ((alert_on = ANY (ARRAY['down'::text, 'degraded'::text]))),
    CONSTRAINT monitors_confirmations_range CHECK (((confirmations >= 1) AND (confirmations <= 10))),
    CONSTRAINT monitors_interval_floor CHECK ((interval_s >= 10)),
    CONSTRAINT monitors_name_length CHECK (((char_length(name) >= 1) AND (char_length(name) <= 100))),
    CONSTRAINT monitors_policy_count CHECK ((((region_policy = 'count'::text) = (region_policy_count IS NOT NULL)) AND (region_policy_count >= 1))),
    CONSTRAINT monitors_policy_known CHECK ((region_policy = ANY (ARRAY['any'::text, 'majority'::text, 'all'::text, 'count'::text]))),
    CONSTRAINT monitors_severity_known CHECK ((severity = ANY (ARRAY['minor'::text, 'major'::text, 'critical'::text]))),
    CONSTRAINT monitors_sla_range CHECK (((sla_target > (0)::double precision) AND (sla_target <= (100)::double precision) AND ((sla_period_days >= 1) AND (sla_period_days <= 366)))),
    CONSTRAINT monitors_sla_whole CHECK (((sla_target IS NULL) = (sla_period_days IS NULL)))
);

CREATE TABLE public.operator_incidents (
    id uuid NOT NULL,
    number bigint NOT NULL,
    kind text NOT NULL,
    subject text NOT NULL,
    agent_id uuid,
    region_id integer,
    private_to uuid,
    severity text NOT NULL,
    state text DEFAULT 'triggered'::text NOT NULL,
    reason text NOT NULL,
    details jsonb DEFAULT '{}'::jsonb NOT NULL,
    opened_at timestamp with time zone NOT NULL,
    acknowledged_at timestamp with time zone,
    resolved_at timestamp with time zone,
    resolution text,
    CONSTRAINT operator_incidents_severity_known CHECK ((severity = ANY (ARRAY['minor'::text, 'major'::text, 'critical'::text]))),
    CONSTRAINT operator_incidents_state_known CHECK ((state = ANY (ARRAY['triggered'::text, 'acknowledged'::text, 'resolved'::text])))
);

CREATE TABLE public.operator_settings (
    name text NOT NULL,
    value jsonb NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    revision integer DEFAULT 1 NOT NULL
);

CREATE TABLE public.opt_outs (
    id uuid NOT NULL,
    domain text NOT NULL,
    note text,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.page_components (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    page_id uuid NOT NULL,
    monitor_id uuid NOT NULL,
    name text NOT NULL,
    description text DEFAULT ''::text NOT NULL,
    "group" text,
    "position" integer NOT NULL,
    show_uptime boolean DEFAULT true NOT NULL,
    show_latency boolean DEFAULT true NOT NULL,
    write_source text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    revision integer DEFAULT 1 NOT NULL,
    CONSTRAINT page_components_name_length CHECK (((char_length(name) >= 1) AND (char_length(name) <= 100)))
);

CREATE TABLE public.page_deliveries (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    page_id uuid NOT NULL,
    subscriber_id uuid NOT NULL,
    notice_id uuid,
    number bigint DEFAULT 0 NOT NULL,
    subject uuid,
    event text NOT NULL,
    state text DEFAULT 'pending'::text NOT NULL,
    message_id uuid,
    attempts integer DEFAULT 0 NOT NULL,
    failures integer DEFAULT 0 NOT NULL,
    due_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    lease_token uuid,
    lease_until timestamp with time zone,
    last_error text,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    finished_at timestamp with time zone,
    CONSTRAINT page_deliveries_finished CHECK (((state = 'pending'::text) = (finished_at IS NULL))),
    CONSTRAINT page_deliveries_state_known CHECK ((state = ANY (ARRAY['pending'::text, 'delivered'::text, 'dead'::text, 'cancelled'::text])))
);

CREATE TABLE public.page_logos (
    tenant_id uuid NOT NULL,
    page_id uuid NOT NULL,
    image bytea NOT NULL,
    media_type text NOT NULL
);

CREATE TABLE public.page_notices (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    page_id uuid NOT NULL,
    number bigint NOT NULL,
    subject uuid NOT NULL,
    begins_at timestamp with time zone,
    event text NOT NULL,
    component_ids uuid[] DEFAULT '{}'::uuid[] NOT NULL,
    told jsonb NOT NULL,
    upto timestamp with time zone NOT NULL,
    reached uuid,
    owed integer DEFAULT 0 NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    finished_at timestamp with time zone
);

CREATE TABLE public.page_subscribers (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    page_id uuid NOT NULL,
    kind text NOT NULL,
    digest bytea NOT NULL,
    sealed bytea NOT NULL,
    component_ids uuid[],
    source text NOT NULL,
    note text DEFAULT ''::text NOT NULL,
    nonce bytea NOT NULL,
    asked integer DEFAULT 0 NOT NULL,
    asked_at timestamp with time zone DEFAULT now() NOT NULL,
    confirm_until timestamp with time zone,
    confirmed_at timestamp with time zone,
    failures integer DEFAULT 0 NOT NULL,
    full_at timestamp with time zone,
    last_delivered_at timestamp with time zone,
    last_error text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT page_subscribers_asked_or_confirmed CHECK (((confirm_until IS NULL) = (confirmed_at IS NOT NULL))),
    CONSTRAINT page_subscribers_digest_length CHECK ((octet_length(digest) = 32)),
    CONSTRAINT page_subscribers_kind_known CHECK ((kind = ANY (ARRAY['email'::text, 'webhook'::text, 'web_push'::text]))),
    CONSTRAINT page_subscribers_source_known CHECK ((source = ANY (ARRAY['public'::text, 'tenant'::text])))
);

CREATE TABLE public.page_watches (
    tenant_id uuid NOT NULL,
    page_id uuid NOT NULL,
    events bigint DEFAULT 0 NOT NULL,
    notices bigint DEFAULT 0 NOT NULL,
    looked_at timestamp with time zone,
    ended bigint DEFAULT 0 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.ping_door_refusals (
    id bigint NOT NULL,
    from_at timestamp with time zone NOT NULL,
    until_at timestamp with time zone NOT NULL,
    pings integer NOT NULL,
    CONSTRAINT ping_door_refusals_forward CHECK ((until_at >= from_at))
);

ALTER TABLE public.ping_door_refusals ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.ping_door_refusals_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.ping_door_spells (
    id uuid NOT NULL,
    opened_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    seen_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT ping_door_spells_forward CHECK ((seen_at >= opened_at))
)
WITH (fillfactor='50');

CREATE TABLE public.plans (
    name text NOT NULL,
    title text NOT NULL,
    quotas jsonb DEFAULT '{}'::jsonb NOT NULL,
    features jsonb DEFAULT '{}'::jsonb NOT NULL,
    rates jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    revision integer DEFAULT 1 NOT NULL,
    CONSTRAINT plans_name_form CHECK ((name ~ '^[a-z0-9][a-z0-9_-]{0,39}$'::text)),
    CONSTRAINT plans_title_length CHECK (((char_length(title) >= 1) AND (char_length(title) <= 100)))
);

CREATE TABLE public.port_touches (
    tenant_id uuid NOT NULL,
    host text NOT NULL,
    port integer NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);

CREATE TABLE public.processes (
    id uuid NOT NULL,
    kind text NOT NULL,
    started_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    seen_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    version text,
    jobs jsonb DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT processes_kind_known CHECK ((kind = 'control_plane'::text))
)
WITH (fillfactor='50');

CREATE TABLE public.push_subscriptions (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    user_id uuid,
    key_id uuid,
    endpoint_digest bytea NOT NULL,
    route_id uuid,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT push_subscriptions_digest_length CHECK ((octet_length(endpoint_digest) = 32)),
    CONSTRAINT push_subscriptions_somebodys CHECK (((user_id IS NULL) <> (key_id IS NULL)))
);

CREATE TABLE public.regions (
    id integer NOT NULL,
    slug text NOT NULL,
    tenant_id uuid,
    name text NOT NULL,
    city text,
    country text,
    latitude double precision,
    longitude double precision,
    labels jsonb DEFAULT '{}'::jsonb NOT NULL,
    allow_cidrs cidr[] DEFAULT '{}'::cidr[] NOT NULL,
    enabled boolean DEFAULT true NOT NULL,
    selected_by_default boolean DEFAULT true NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    revision integer DEFAULT 1 NOT NULL,
    CONSTRAINT regions_shared_is_guarded CHECK (((tenant_id IS NOT NULL) OR (allow_cidrs = '{}'::cidr[]))),
    CONSTRAINT regions_slug_form CHECK ((slug ~ '^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$'::text))
);

ALTER TABLE public.regions ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.regions_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.results (
    monitor_id uuid NOT NULL,
    slot bigint NOT NULL,
    region_id integer NOT NULL,
    agent_number integer NOT NULL,
    tenant_id uuid NOT NULL,
    check_version integer NOT NULL,
    outcome smallint NOT NULL,
    reason smallint NOT NULL,
    http_status smallint,
    dns_us integer,
    connect_us integer,
    tls_us integer,
    ttfb_us integer,
    download_us integer,
    total_us integer,
    detail text
)
PARTITION BY RANGE (slot);

CREATE TABLE public.rollup_late (
    at timestamp with time zone DEFAULT now() NOT NULL,
    region_id integer NOT NULL,
    starts bigint NOT NULL,
    monitor_ids uuid[] NOT NULL
);

CREATE TABLE public.rollup_walks (
    name text NOT NULL,
    done_until bigint NOT NULL,
    reaching bigint,
    after_region integer DEFAULT 0 NOT NULL,
    after_monitor uuid DEFAULT '00000000-0000-0000-0000-000000000000'::uuid NOT NULL
)
WITH (fillfactor='50');

CREATE TABLE public.rollups_fine (
    monitor_id uuid NOT NULL,
    region_id integer NOT NULL,
    starts bigint NOT NULL,
    tenant_id uuid NOT NULL,
    up integer NOT NULL,
    degraded integer NOT NULL,
    down integer NOT NULL,
    error integer NOT NULL,
    samples integer NOT NULL,
    total_us bigint NOT NULL,
    dns_us bigint NOT NULL,
    connect_us bigint NOT NULL,
    tls_us bigint NOT NULL,
    ttfb_us bigint NOT NULL,
    download_us bigint NOT NULL,
    histogram bytea NOT NULL
);

CREATE TABLE public.rollups_hourly (
    monitor_id uuid CONSTRAINT rollups_fine_monitor_id_not_null NOT NULL,
    region_id integer CONSTRAINT rollups_fine_region_id_not_null NOT NULL,
    starts bigint CONSTRAINT rollups_fine_starts_not_null NOT NULL,
    tenant_id uuid CONSTRAINT rollups_fine_tenant_id_not_null NOT NULL,
    up integer CONSTRAINT rollups_fine_up_not_null NOT NULL,
    degraded integer CONSTRAINT rollups_fine_degraded_not_null NOT NULL,
    down integer CONSTRAINT rollups_fine_down_not_null NOT NULL,
    error integer CONSTRAINT rollups_fine_error_not_null NOT NULL,
    samples integer CONSTRAINT rollups_fine_samples_not_null NOT NULL,
    total_us bigint CONSTRAINT rollups_fine_total_us_not_null NOT NULL,
    dns_us bigint CONSTRAINT rollups_fine_dns_us_not_null NOT NULL,
    connect_us bigint CONSTRAINT rollups_fine_connect_us_not_null NOT NULL,
    tls_us bigint CONSTRAINT rollups_fine_tls_us_not_null NOT NULL,
    ttfb_us bigint CONSTRAINT rollups_fine_ttfb_us_not_null NOT NULL,
    download_us bigint CONSTRAINT rollups_fine_download_us_not_null NOT NULL,
    histogram bytea CONSTRAINT rollups_fine_histogram_not_null NOT NULL
);

CREATE TABLE public.route_channels (
    tenant_id uuid NOT NULL,
    route_id uuid NOT NULL,
    channel_id uuid NOT NULL
);

CREATE TABLE public.routes (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    key text,
    name text NOT NULL,
    enabled boolean DEFAULT true NOT NULL,
    severities text[] DEFAULT '{}'::text[] NOT NULL,
    tags text[] DEFAULT '{}'::text[] NOT NULL,
    groups text[] DEFAULT '{}'::text[] NOT NULL,
    kinds text[] DEFAULT '{}'::text[] NOT NULL,
    monitor_ids uuid[] DEFAULT '{}'::uuid[] NOT NULL,
    events text[],
    write_source text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    revision integer DEFAULT 1 NOT NULL
);

CREATE TABLE public.sealing_keys (
    key_id text NOT NULL,
    canary bytea NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.sessions (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    digest bytea NOT NULL,
    user_id uuid,
    key_id uuid,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    last_seen_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    address text NOT NULL,
    user_agent text NOT NULL,
    CONSTRAINT sessions_of_one CHECK ((num_nonnulls(user_id, key_id) = 1))
);

CREATE TABLE public.setup_links (
    tenant_id uuid NOT NULL,
    digest bytea NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    used_at timestamp with time zone
);

CREATE TABLE public.silences (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    name text NOT NULL,
    reason text DEFAULT ''::text NOT NULL,
    starts_at timestamp with time zone NOT NULL,
    ends_at timestamp with time zone NOT NULL,
    severities text[] DEFAULT '{}'::text[] NOT NULL,
    tags text[] DEFAULT '{}'::text[] NOT NULL,
    groups text[] DEFAULT '{}'::text[] NOT NULL,
    kinds text[] DEFAULT '{}'::text[] NOT NULL,
    monitor_ids uuid[] DEFAULT '{}'::uuid[] NOT NULL,
    channel_ids uuid[] DEFAULT '{}'::uuid[] NOT NULL,
    created_by text NOT NULL,
    write_source text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    revision integer DEFAULT 1 NOT NULL,
    CONSTRAINT silences_forward CHECK ((ends_at >= starts_at))
);

CREATE TABLE public.status_pages (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    number bigint NOT NULL,
    key text,
    slug text NOT NULL,
    title text NOT NULL,
    description text DEFAULT ''::text NOT NULL,
    state text DEFAULT 'draft'::text NOT NULL,
    listed boolean DEFAULT true NOT NULL,
    password_digest text,
    language text DEFAULT 'en'::text NOT NULL,
    branding jsonb DEFAULT '{}'::jsonb NOT NULL,
    logo_digest text,
    header_text text DEFAULT ''::text NOT NULL,
    footer_text text DEFAULT ''::text NOT NULL,
    custom_domain text,
    show_uptime boolean DEFAULT true NOT NULL,
    show_latency boolean DEFAULT false NOT NULL,
    history_days integer DEFAULT 90 NOT NULL,
    write_source text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    revision integer DEFAULT 1 NOT NULL,
    is_public boolean DEFAULT false NOT NULL,
    CONSTRAINT status_pages_history_range CHECK (((history_days >= 1) AND (history_days <= 90))),
    CONSTRAINT status_pages_language_known CHECK ((language = ANY (ARRAY['en'::text, 'de'::text, 'ar'::text]))),
    CONSTRAINT status_pages_slug_form CHECK ((slug ~ '^[a-z0-9]([a-z0-9-]{1,58})[a-z0-9]$'::text)),
    CONSTRAINT status_pages_state_known CHECK ((state = ANY (ARRAY['draft'::text, 'published'::text]))),
    CONSTRAINT status_pages_title_length CHECK (((char_length(title) >= 1) AND (char_length(title) <= 100)))
);

CREATE TABLE public.system_mails (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    kind text NOT NULL,
    recipient text NOT NULL,
    channel_id uuid,
    data jsonb DEFAULT '{}'::jsonb NOT NULL,
    sealed bytea,
    state text DEFAULT 'pending'::text NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    failures integer DEFAULT 0 NOT NULL,
    due_at timestamp with time zone DEFAULT now() NOT NULL,
    lease_token uuid,
    lease_until timestamp with time zone,
    last_error text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    finished_at timestamp with time zone,
    CONSTRAINT system_mails_finished CHECK (((state = 'pending'::text) = (finished_at IS NULL))),
    CONSTRAINT system_mails_state_known CHECK ((state = ANY (ARRAY['pending'::text, 'sent'::text, 'dead'::text, 'cancelled'::text]))),
    CONSTRAINT system_mails_wiped CHECK (((state = 'pending'::text) OR (sealed IS NULL)))
);

CREATE TABLE public.tenant_counters (
    tenant_id uuid NOT NULL,
    events bigint DEFAULT 0 NOT NULL,
    monitors bigint DEFAULT 0 NOT NULL,
    incidents bigint DEFAULT 0 NOT NULL,
    channels bigint DEFAULT 0 NOT NULL,
    deliveries bigint DEFAULT 0 NOT NULL,
    keys bigint DEFAULT 0 NOT NULL,
    maintenance bigint DEFAULT 0 NOT NULL,
    jobs bigint DEFAULT 0 NOT NULL,
    status_pages bigint DEFAULT 0 NOT NULL
)
WITH (fillfactor='50');

CREATE TABLE public.tenants (
    id uuid NOT NULL,
    name text NOT NULL,
    plan text DEFAULT 'free'::text NOT NULL,
    suspended_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    revision integer DEFAULT 1 NOT NULL,
    overrides jsonb DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT tenants_name_length CHECK (((char_length(name) >= 1) AND (char_length(name) <= 100)))
);

CREATE TABLE public.transitions (
    tenant_id uuid NOT NULL,
    monitor_id uuid NOT NULL,
    at timestamp with time zone NOT NULL,
    number bigint NOT NULL,
    previous text NOT NULL,
    verdict text NOT NULL,
    reason text NOT NULL
);

CREATE TABLE public.user_identities (
    issuer text NOT NULL,
    subject text NOT NULL,
    user_id uuid NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    last_used_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.users (
    id uuid NOT NULL,
    email text NOT NULL,
    email_proven boolean NOT NULL,
    name text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    last_sign_in_at timestamp with time zone,
    CONSTRAINT users_email_length CHECK (((char_length(email) >= 3) AND (char_length(email) <= 254))),
    CONSTRAINT users_name_length CHECK (((char_length(name) >= 1) AND (char_length(name) <= 100)))
);

CREATE TABLE public.votes (
    monitor_id uuid NOT NULL,
    region_id integer NOT NULL,
    tenant_id uuid NOT NULL,
    check_version integer NOT NULL,
    window_ms integer NOT NULL,
    newest_slot bigint DEFAULT 0 NOT NULL,
    vote text,
    degraded boolean DEFAULT false NOT NULL,
    renewed boolean DEFAULT true NOT NULL,
    steady smallint,
    bad_run integer DEFAULT 0 NOT NULL,
    good_run integer DEFAULT 0 NOT NULL,
    degraded_run integer DEFAULT 0 NOT NULL,
    earned integer DEFAULT 0 NOT NULL,
    first_bad_slot bigint,
    vote_since bigint,
    reason text,
    message text,
    evidence text,
    CONSTRAINT votes_vote_known CHECK ((vote = ANY (ARRAY['up'::text, 'down'::text])))
)
WITH (fillfactor='60');

ALTER TABLE ONLY public.agents
    ADD CONSTRAINT agents_name_key UNIQUE (region_id, name);

ALTER TABLE ONLY public.agents
    ADD CONSTRAINT agents_number_key UNIQUE (number);

ALTER TABLE ONLY public.agents
    ADD CONSTRAINT agents_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.announcements
    ADD CONSTRAINT announcements_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.anonymous_creates
    ADD CONSTRAINT anonymous_creates_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_number_key UNIQUE (tenant_id, number);

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.assignments
    ADD CONSTRAINT assignments_pkey PRIMARY KEY (region_id, monitor_id);

ALTER TABLE ONLY public.audit
    ADD CONSTRAINT audit_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.certificates
    ADD CONSTRAINT certificates_pkey PRIMARY KEY (tenant_id, monitor_id, fingerprint);

ALTER TABLE ONLY public.channel_links
    ADD CONSTRAINT channel_links_digest_key UNIQUE (digest);

ALTER TABLE ONLY public.channel_links
    ADD CONSTRAINT channel_links_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.channel_verifications
    ADD CONSTRAINT channel_verifications_digest_key UNIQUE (digest);

ALTER TABLE ONLY public.channel_verifications
    ADD CONSTRAINT channel_verifications_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.channels
    ADD CONSTRAINT channels_name_key UNIQUE (tenant_id, name);

ALTER TABLE ONLY public.channels
    ADD CONSTRAINT channels_number_key UNIQUE (tenant_id, number);

ALTER TABLE ONLY public.channels
    ADD CONSTRAINT channels_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.deliveries
    ADD CONSTRAINT deliveries_number_key UNIQUE (tenant_id, number);

ALTER TABLE ONLY public.deliveries
    ADD CONSTRAINT deliveries_once UNIQUE (tenant_id, incident_id, channel_id, notice, ordinal);

ALTER TABLE ONLY public.deliveries
    ADD CONSTRAINT deliveries_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.delivery_attempts
    ADD CONSTRAINT delivery_attempts_pkey PRIMARY KEY (tenant_id, delivery_id, attempt);

ALTER TABLE ONLY public.deny_rules
    ADD CONSTRAINT deny_rules_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.deny_rules
    ADD CONSTRAINT deny_rules_value_key UNIQUE (kind, value);

ALTER TABLE ONLY public.dispatches
    ADD CONSTRAINT dispatches_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.domains
    ADD CONSTRAINT domains_domain_key UNIQUE (tenant_id, domain);

ALTER TABLE ONLY public.domains
    ADD CONSTRAINT domains_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.event_cursors
    ADD CONSTRAINT event_cursors_pkey PRIMARY KEY (tenant_id);

ALTER TABLE ONLY public.events
    ADD CONSTRAINT events_pkey PRIMARY KEY (tenant_id, number);

ALTER TABLE ONLY public.feeds
    ADD CONSTRAINT feeds_digest_key UNIQUE (digest);

ALTER TABLE ONLY public.feeds
    ADD CONSTRAINT feeds_former_digest_key UNIQUE (former_digest);

ALTER TABLE ONLY public.feeds
    ADD CONSTRAINT feeds_name_key UNIQUE (tenant_id, name);

ALTER TABLE ONLY public.feeds
    ADD CONSTRAINT feeds_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.heartbeat_pings
    ADD CONSTRAINT heartbeat_pings_pkey PRIMARY KEY (tenant_id, monitor_id, number);

ALTER TABLE ONLY public.heartbeat_runs
    ADD CONSTRAINT heartbeat_runs_pkey PRIMARY KEY (tenant_id, monitor_id, number);

ALTER TABLE ONLY public.heartbeats
    ADD CONSTRAINT heartbeats_pkey PRIMARY KEY (tenant_id, monitor_id);

ALTER TABLE ONLY public.idempotency_keys
    ADD CONSTRAINT idempotency_keys_pkey PRIMARY KEY (tenant_id, route, key);

ALTER TABLE ONLY public.incident_events
    ADD CONSTRAINT incident_events_pkey PRIMARY KEY (tenant_id, incident_id, id);

ALTER TABLE ONLY public.incident_monitors
    ADD CONSTRAINT incident_monitors_pkey PRIMARY KEY (tenant_id, incident_id, monitor_id);

ALTER TABLE ONLY public.incident_reminders
    ADD CONSTRAINT incident_reminders_pkey PRIMARY KEY (tenant_id, incident_id);

ALTER TABLE ONLY public.incident_updates
    ADD CONSTRAINT incident_updates_pkey PRIMARY KEY (tenant_id, incident_id, id);

ALTER TABLE ONLY public.incidents
    ADD CONSTRAINT incidents_number_key UNIQUE (tenant_id, number);

ALTER TABLE ONLY public.incidents
    ADD CONSTRAINT incidents_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.installation
    ADD CONSTRAINT installation_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.invitations
    ADD CONSTRAINT invitations_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.jobs
    ADD CONSTRAINT jobs_number_key UNIQUE (tenant_id, number);

ALTER TABLE ONLY public.jobs
    ADD CONSTRAINT jobs_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.login_states
    ADD CONSTRAINT login_states_pkey PRIMARY KEY (digest);

ALTER TABLE ONLY public.maintenance_occurrences
    ADD CONSTRAINT maintenance_occurrences_pkey PRIMARY KEY (tenant_id, window_id, starts_at);

ALTER TABLE ONLY public.maintenance_windows
    ADD CONSTRAINT maintenance_windows_number_key UNIQUE (tenant_id, number);

ALTER TABLE ONLY public.maintenance_windows
    ADD CONSTRAINT maintenance_windows_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.manage_keys
    ADD CONSTRAINT manage_keys_digest_key UNIQUE (digest);

ALTER TABLE ONLY public.manage_keys
    ADD CONSTRAINT manage_keys_monitor_key UNIQUE (tenant_id, monitor_id);

ALTER TABLE ONLY public.manage_keys
    ADD CONSTRAINT manage_keys_page_key UNIQUE (tenant_id, page_id);

ALTER TABLE ONLY public.manage_keys
    ADD CONSTRAINT manage_keys_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.members
    ADD CONSTRAINT members_pkey PRIMARY KEY (tenant_id, user_id);

ALTER TABLE ONLY public.monitor_channels
    ADD CONSTRAINT monitor_channels_pkey PRIMARY KEY (tenant_id, monitor_id, channel_id);

ALTER TABLE ONLY public.monitor_dependencies
    ADD CONSTRAINT monitor_dependencies_pkey PRIMARY KEY (tenant_id, monitor_id, depends_on);

ALTER TABLE ONLY public.monitor_escalations
    ADD CONSTRAINT monitor_escalations_pkey PRIMARY KEY (tenant_id, monitor_id, step, channel_id);

ALTER TABLE ONLY public.monitor_shares
    ADD CONSTRAINT monitor_shares_digest_key UNIQUE (digest);

ALTER TABLE ONLY public.monitor_shares
    ADD CONSTRAINT monitor_shares_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.monitor_states
    ADD CONSTRAINT monitor_states_pkey PRIMARY KEY (tenant_id, monitor_id);

ALTER TABLE ONLY public.monitors
    ADD CONSTRAINT monitors_key_key UNIQUE (tenant_id, key);

ALTER TABLE ONLY public.monitors
    ADD CONSTRAINT monitors_number_key UNIQUE (tenant_id, number);

ALTER TABLE ONLY public.monitors
    ADD CONSTRAINT monitors_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.operator_incidents
    ADD CONSTRAINT operator_incidents_number_key UNIQUE (number);

ALTER TABLE ONLY public.operator_incidents
    ADD CONSTRAINT operator_incidents_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.operator_settings
    ADD CONSTRAINT operator_settings_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.opt_outs
    ADD CONSTRAINT opt_outs_domain_key UNIQUE (domain);

ALTER TABLE ONLY public.opt_outs
    ADD CONSTRAINT opt_outs_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.page_components
    ADD CONSTRAINT page_components_monitor_key UNIQUE (tenant_id, page_id, monitor_id);

ALTER TABLE ONLY public.page_components
    ADD CONSTRAINT page_components_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.page_deliveries
    ADD CONSTRAINT page_deliveries_once UNIQUE (tenant_id, subscriber_id, notice_id);

ALTER TABLE ONLY public.page_deliveries
    ADD CONSTRAINT page_deliveries_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.page_logos
    ADD CONSTRAINT page_logos_pkey PRIMARY KEY (tenant_id, page_id);

ALTER TABLE ONLY public.page_notices
    ADD CONSTRAINT page_notices_number_key UNIQUE (tenant_id, page_id, number);

ALTER TABLE ONLY public.page_notices
    ADD CONSTRAINT page_notices_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.page_subscribers
    ADD CONSTRAINT page_subscribers_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.page_watches
    ADD CONSTRAINT page_watches_pkey PRIMARY KEY (tenant_id, page_id);

ALTER TABLE ONLY public.ping_door_refusals
    ADD CONSTRAINT ping_door_refusals_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.ping_door_spells
    ADD CONSTRAINT ping_door_spells_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.plans
    ADD CONSTRAINT plans_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.port_touches
    ADD CONSTRAINT port_touches_pkey PRIMARY KEY (tenant_id, host, port);

ALTER TABLE ONLY public.processes
    ADD CONSTRAINT processes_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.push_subscriptions
    ADD CONSTRAINT push_subscriptions_endpoint_key UNIQUE (tenant_id, endpoint_digest);

ALTER TABLE ONLY public.push_subscriptions
    ADD CONSTRAINT push_subscriptions_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.regions
    ADD CONSTRAINT regions_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.results
    ADD CONSTRAINT results_pkey PRIMARY KEY (monitor_id, region_id, slot);

ALTER TABLE ONLY public.rollup_walks
    ADD CONSTRAINT rollup_walks_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.rollups_fine
    ADD CONSTRAINT rollups_fine_pkey PRIMARY KEY (monitor_id, region_id, starts);

ALTER TABLE ONLY public.rollups_hourly
    ADD CONSTRAINT rollups_hourly_pkey PRIMARY KEY (monitor_id, region_id, starts);

ALTER TABLE ONLY public.route_channels
    ADD CONSTRAINT route_channels_pkey PRIMARY KEY (tenant_id, route_id, channel_id);

ALTER TABLE ONLY public.routes
    ADD CONSTRAINT routes_name_key UNIQUE (tenant_id, name);

ALTER TABLE ONLY public.routes
    ADD CONSTRAINT routes_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.sealing_keys
    ADD CONSTRAINT sealing_keys_pkey PRIMARY KEY (key_id);

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.setup_links
    ADD CONSTRAINT setup_links_pkey PRIMARY KEY (tenant_id, digest);

ALTER TABLE ONLY public.silences
    ADD CONSTRAINT silences_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.status_pages
    ADD CONSTRAINT status_pages_custom_domain_key UNIQUE (custom_domain);

ALTER TABLE ONLY public.status_pages
    ADD CONSTRAINT status_pages_number_key UNIQUE (tenant_id, number);

ALTER TABLE ONLY public.status_pages
    ADD CONSTRAINT status_pages_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.status_pages
    ADD CONSTRAINT status_pages_slug_key UNIQUE (slug);

ALTER TABLE ONLY public.system_mails
    ADD CONSTRAINT system_mails_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.tenant_counters
    ADD CONSTRAINT tenant_counters_pkey PRIMARY KEY (tenant_id);

ALTER TABLE ONLY public.tenants
    ADD CONSTRAINT tenants_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.transitions
    ADD CONSTRAINT transitions_pkey PRIMARY KEY (tenant_id, monitor_id, at, number);

ALTER TABLE ONLY public.user_identities
    ADD CONSTRAINT user_identities_pkey PRIMARY KEY (issuer, subject);

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.votes
    ADD CONSTRAINT votes_pkey PRIMARY KEY (monitor_id, region_id);

CREATE UNIQUE INDEX agents_key_digest_key ON public.agents USING btree (key_digest);

CREATE UNIQUE INDEX agents_previous_key_digest_key ON public.agents USING btree (previous_key_digest);

CREATE INDEX anonymous_creates_at ON public.anonymous_creates USING btree (tenant_id, at);

CREATE UNIQUE INDEX api_keys_digest_key ON public.api_keys USING btree (digest);

CREATE INDEX assignments_changed ON public.assignments USING btree (region_id, changed_xid, change);

CREATE INDEX assignments_monitor ON public.assignments USING btree (monitor_id);

CREATE INDEX assignments_removed ON public.assignments USING btree (removed_at) WHERE (removed_at IS NOT NULL);

CREATE INDEX audit_age ON public.audit USING btree (at);

CREATE INDEX audit_object ON public.audit USING btree (tenant_id, object_kind, object_id, id);

CREATE INDEX certificates_age ON public.certificates USING btree (last_seen);

CREATE INDEX channel_verifications_recent ON public.channel_verifications USING btree (tenant_id, created_at);

CREATE INDEX channels_linked ON public.channels USING btree (kind, COALESCE((config ->> 'chat_id'::text), (config ->> 'phone'::text))) WHERE (kind = ANY (ARRAY['telegram_app'::text, 'whatsapp_app'::text]));

CREATE INDEX channels_quiet ON public.channels USING btree (tenant_id, id) WHERE (quiet_hours IS NOT NULL);

CREATE INDEX deliveries_again ON public.deliveries USING btree (tenant_id, channel_id) WHERE ((state = 'pending'::text) AND (message_id = id) AND ((message_at IS NULL) OR (message_at < due_at)));

CREATE INDEX deliveries_backlog ON public.deliveries USING btree (COALESCE(incident_id, id) DESC, number) WHERE (state = 'pending'::text);

CREATE INDEX deliveries_channel ON public.deliveries USING btree (tenant_id, channel_id, created_at DESC);

CREATE INDEX deliveries_dead ON public.deliveries USING btree (id) WHERE (state = 'dead'::text);

CREATE INDEX deliveries_due ON public.deliveries USING btree (due_at) WHERE (state = 'pending'::text);

CREATE INDEX deliveries_finished ON public.deliveries USING btree (finished_at) WHERE (state <> 'pending'::text);

CREATE INDEX deliveries_gathering ON public.deliveries USING btree (channel_kind, due_at) WHERE ((state = 'pending'::text) AND ((message_id IS DISTINCT FROM id) OR (message_at IS NULL) OR (message_at < due_at)));

CREATE INDEX deliveries_incident ON public.deliveries USING btree (tenant_id, incident_id, channel_id, number);

CREATE INDEX deliveries_messages ON public.deliveries USING btree (tenant_id, channel_id, message_at) WHERE (message_at IS NOT NULL);

CREATE INDEX deliveries_monitor ON public.deliveries USING btree (tenant_id, monitor_id, created_at DESC);

CREATE INDEX dispatches_age ON public.dispatches USING btree (expires_at);

CREATE INDEX dispatches_domain ON public.dispatches USING btree (domain, slot) WHERE (domain IS NOT NULL);

CREATE INDEX dispatches_monitor ON public.dispatches USING btree (monitor_id) WHERE (claimed_at IS NULL);

CREATE INDEX dispatches_running ON public.dispatches USING btree (region_id, monitor_id) WHERE ((claimed_at IS NOT NULL) AND (finished_at IS NULL));

CREATE INDEX dispatches_waiting ON public.dispatches USING btree (region_id, slot) WHERE (claimed_at IS NULL);

CREATE INDEX domains_due ON public.domains USING btree (next_check_at) WHERE (next_check_at IS NOT NULL);

CREATE INDEX events_age ON public.events USING btree (at);

CREATE INDEX heartbeat_pings_age ON public.heartbeat_pings USING btree (at);

CREATE INDEX heartbeat_runs_age ON public.heartbeat_runs USING btree (started_at);

CREATE UNIQUE INDEX heartbeats_ping_id_key ON public.heartbeats USING btree (ping_id);

CREATE INDEX heartbeats_previous_id ON public.heartbeats USING btree (previous_id) WHERE (previous_id IS NOT NULL);

CREATE INDEX idempotency_keys_age ON public.idempotency_keys USING btree (created_at);

CREATE INDEX incident_monitors_monitor ON public.incident_monitors USING btree (tenant_id, monitor_id);

CREATE INDEX incident_reminders_due ON public.incident_reminders USING btree (due_at);

CREATE INDEX incidents_listed ON public.incidents USING btree (tenant_id, ((state = 'resolved'::text)), opened_at DESC, number DESC);

CREATE INDEX incidents_monitor ON public.incidents USING btree (tenant_id, monitor_id, opened_at DESC);

CREATE UNIQUE INDEX incidents_one_open ON public.incidents USING btree (tenant_id, monitor_id) WHERE ((origin = 'monitor'::text) AND (state <> 'resolved'::text));

CREATE INDEX incidents_opened ON public.incidents USING btree (tenant_id, opened_at DESC);

CREATE INDEX incidents_resolved ON public.incidents USING btree (resolved_at) WHERE (state = 'resolved'::text);

CREATE UNIQUE INDEX invitations_digest_key ON public.invitations USING btree (digest);

CREATE UNIQUE INDEX invitations_open_key ON public.invitations USING btree (tenant_id, email) WHERE ((accepted_at IS NULL) AND (revoked_at IS NULL));

CREATE INDEX jobs_age ON public.jobs USING btree (finished_at) WHERE (finished_at IS NOT NULL);

CREATE INDEX jobs_id ON public.jobs USING btree (id);

CREATE INDEX jobs_waiting ON public.jobs USING btree (created_at) WHERE (finished_at IS NULL);

CREATE INDEX login_states_age ON public.login_states USING btree (expires_at);

CREATE INDEX maintenance_occurrences_age ON public.maintenance_occurrences USING btree (ends_at);

CREATE INDEX maintenance_windows_age ON public.maintenance_windows USING btree (ended_at) WHERE (ended_at IS NOT NULL);

CREATE INDEX maintenance_windows_holding ON public.maintenance_windows USING btree (current_ends_at) WHERE (current_starts_at IS NOT NULL);

CREATE UNIQUE INDEX maintenance_windows_key_key ON public.maintenance_windows USING btree (tenant_id, key) WHERE ((ended_at IS NULL) AND (deleted_at IS NULL));

CREATE INDEX maintenance_windows_starting ON public.maintenance_windows USING btree (next_starts_at) WHERE (next_starts_at IS NOT NULL);

CREATE INDEX members_user ON public.members USING btree (user_id);

CREATE INDEX monitor_channels_channel ON public.monitor_channels USING btree (tenant_id, channel_id);

CREATE INDEX monitor_channels_events ON public.monitor_channels USING btree (tenant_id, monitor_id) WHERE (events IS NOT NULL);

CREATE INDEX monitor_dependencies_upstream ON public.monitor_dependencies USING btree (tenant_id, depends_on);

CREATE INDEX monitor_escalations_channel ON public.monitor_escalations USING btree (tenant_id, channel_id);

CREATE INDEX monitor_periods_ending ON public.monitor_periods USING btree (ends_at) WHERE (kind = 'maintenance'::text);

CREATE UNIQUE INDEX monitor_periods_once ON public.monitor_periods USING btree (tenant_id, monitor_id, kind, window_id, starts_at);

CREATE INDEX monitor_periods_window ON public.monitor_periods USING btree (tenant_id, window_id) WHERE (window_id IS NOT NULL);

CREATE INDEX monitor_shares_monitor ON public.monitor_shares USING btree (tenant_id, monitor_id, id);

CREATE INDEX monitor_states_due ON public.monitor_states USING btree (due_at) WHERE (due_at IS NOT NULL);

CREATE INDEX monitor_states_held ON public.monitor_states USING btree (monitor_id) WHERE (held_since IS NOT NULL);

CREATE UNIQUE INDEX monitor_states_lock_order ON public.monitor_states USING btree (monitor_id);

CREATE INDEX monitors_by_name ON public.monitors USING btree (tenant_id, lower(name), number);

CREATE INDEX monitors_composites ON public.monitors USING btree (tenant_id, id) WHERE (kind = 'composite'::text);

CREATE INDEX monitors_listed ON public.monitors USING btree (tenant_id, id) INCLUDE (number, "group", enabled);

CREATE INDEX monitors_public ON public.monitors USING btree (tenant_id, name, id) WHERE is_public;

CREATE INDEX monitors_quiet ON public.monitors USING btree (tenant_id, id) WHERE (quiet_hours IS NOT NULL);

CREATE INDEX monitors_tags ON public.monitors USING gin (tags);

CREATE INDEX operator_incidents_agent ON public.operator_incidents USING btree (agent_id);

CREATE UNIQUE INDEX operator_incidents_one_open ON public.operator_incidents USING btree (kind, subject) WHERE (state <> 'resolved'::text);

CREATE INDEX operator_incidents_opened ON public.operator_incidents USING btree (opened_at DESC);

CREATE INDEX operator_incidents_private_to ON public.operator_incidents USING btree (private_to);

CREATE INDEX operator_incidents_region ON public.operator_incidents USING btree (region_id);

CREATE INDEX operator_incidents_resolved ON public.operator_incidents USING btree (resolved_at) WHERE (state = 'resolved'::text);

CREATE INDEX page_components_monitor ON public.page_components USING btree (tenant_id, monitor_id);

CREATE INDEX page_components_public ON public.page_components USING btree (monitor_id);

CREATE INDEX page_deliveries_due ON public.page_deliveries USING btree (tenant_id, page_id, due_at) WHERE (state = 'pending'::text);

CREATE INDEX page_deliveries_finished ON public.page_deliveries USING btree (finished_at) WHERE (state <> 'pending'::text);

CREATE INDEX page_deliveries_notice ON public.page_deliveries USING btree (tenant_id, notice_id);

CREATE INDEX page_deliveries_pending ON public.page_deliveries USING btree (tenant_id, subscriber_id) WHERE (state = 'pending'::text);

CREATE INDEX page_deliveries_subject ON public.page_deliveries USING btree (tenant_id, subscriber_id, subject);

CREATE INDEX page_notices_age ON public.page_notices USING btree (created_at);

CREATE INDEX page_notices_open ON public.page_notices USING btree (tenant_id, page_id, number) WHERE (finished_at IS NULL);

CREATE INDEX page_notices_subject ON public.page_notices USING btree (tenant_id, page_id, subject);

CREATE UNIQUE INDEX page_subscribers_confirmed ON public.page_subscribers USING btree (tenant_id, page_id, digest) WHERE (confirmed_at IS NOT NULL);

CREATE INDEX page_subscribers_digest ON public.page_subscribers USING btree (digest);

CREATE INDEX page_subscribers_page ON public.page_subscribers USING btree (tenant_id, page_id, id);

CREATE UNIQUE INDEX page_subscribers_pending ON public.page_subscribers USING btree (tenant_id, page_id, digest) WHERE (confirmed_at IS NULL);

CREATE INDEX page_subscribers_unconfirmed ON public.page_subscribers USING btree (confirm_until) WHERE (confirmed_at IS NULL);

CREATE INDEX page_watches_looked ON public.page_watches USING btree (looked_at);

CREATE INDEX ping_door_refusals_age ON public.ping_door_refusals USING btree (until_at);

CREATE INDEX ping_door_spells_age ON public.ping_door_spells USING btree (opened_at);

CREATE INDEX port_touches_age ON public.port_touches USING btree (at);

CREATE INDEX port_touches_port ON public.port_touches USING btree (tenant_id, port);

CREATE INDEX push_subscriptions_user ON public.push_subscriptions USING btree (user_id);

CREATE UNIQUE INDEX regions_own_slug_key ON public.regions USING btree (tenant_id, slug) WHERE (tenant_id IS NOT NULL);

CREATE UNIQUE INDEX regions_slug_key ON public.regions USING btree (slug) WHERE (tenant_id IS NULL);

CREATE INDEX regions_tenant ON public.regions USING btree (tenant_id) WHERE (tenant_id IS NOT NULL);

CREATE INDEX rollups_fine_age ON public.rollups_fine USING brin (starts);

CREATE INDEX rollups_hourly_age ON public.rollups_hourly USING brin (starts);

CREATE INDEX route_channels_channel ON public.route_channels USING btree (tenant_id, channel_id);

CREATE UNIQUE INDEX routes_key_key ON public.routes USING btree (tenant_id, key) WHERE (key IS NOT NULL);

CREATE INDEX sessions_age ON public.sessions USING btree (expires_at);

CREATE UNIQUE INDEX sessions_digest_key ON public.sessions USING btree (digest);

CREATE INDEX sessions_key ON public.sessions USING btree (tenant_id, key_id);

CREATE INDEX sessions_member ON public.sessions USING btree (tenant_id, user_id);

CREATE INDEX silences_age ON public.silences USING btree (ends_at);

CREATE INDEX silences_end ON public.silences USING btree (tenant_id, ends_at);

CREATE UNIQUE INDEX status_pages_key_key ON public.status_pages USING btree (tenant_id, key) WHERE (key IS NOT NULL);

CREATE INDEX status_pages_public ON public.status_pages USING btree (tenant_id, title, id) WHERE (is_public AND (state = 'published'::text));

CREATE INDEX system_mails_due ON public.system_mails USING btree (due_at) WHERE (state = 'pending'::text);

CREATE INDEX system_mails_finished ON public.system_mails USING btree (finished_at) WHERE (state <> 'pending'::text);

CREATE INDEX system_mails_of_channel ON public.system_mails USING btree (tenant_id, channel_id) WHERE (state = 'pending'::text);

CREATE INDEX tenants_plan ON public.tenants USING btree (plan);

CREATE INDEX transitions_age ON public.transitions USING btree (at);

CREATE INDEX user_identities_user ON public.user_identities USING btree (user_id);

CREATE UNIQUE INDEX users_email_key ON public.users USING btree (email) WHERE email_proven;

CREATE INDEX votes_region ON public.votes USING btree (region_id);

CREATE TRIGGER audited AFTER INSERT OR DELETE OR UPDATE ON public.agents FOR EACH ROW EXECUTE FUNCTION public.farwatch_audit('agent');

CREATE TRIGGER audited AFTER INSERT OR DELETE OR UPDATE ON public.announcements FOR EACH ROW EXECUTE FUNCTION public.farwatch_audit('announcement');

CREATE TRIGGER audited AFTER INSERT OR DELETE OR UPDATE ON public.api_keys FOR EACH ROW EXECUTE FUNCTION public.farwatch_audit('key');

CREATE TRIGGER audited AFTER INSERT OR DELETE OR UPDATE ON public.channel_links FOR EACH ROW EXECUTE FUNCTION public.farwatch_audit('channel_link');

CREATE TRIGGER audited AFTER INSERT OR DELETE OR UPDATE ON public.channels FOR EACH ROW EXECUTE FUNCTION public.farwatch_audit('channel');

CREATE TRIGGER audited AFTER UPDATE ON public.deliveries FOR EACH ROW WHEN (((old.state = 'dead'::text) AND (new.state = 'pending'::text))) EXECUTE FUNCTION public.farwatch_audit('delivery');

CREATE TRIGGER audited AFTER INSERT OR DELETE OR UPDATE ON public.deny_rules FOR EACH ROW EXECUTE FUNCTION public.farwatch_audit('deny_rule');

CREATE TRIGGER audited AFTER INSERT OR DELETE OR UPDATE ON public.domains FOR EACH ROW EXECUTE FUNCTION public.farwatch_audit('domain');

CREATE TRIGGER audited AFTER INSERT OR DELETE OR UPDATE ON public.feeds FOR EACH ROW EXECUTE FUNCTION public.farwatch_audit('feed');

CREATE TRIGGER audited AFTER UPDATE OF ping_id ON public.heartbeats FOR EACH ROW EXECUTE FUNCTION public.farwatch_audit('heartbeat', 'monitor_id');

CREATE TRIGGER audited AFTER INSERT ON public.incident_events FOR EACH ROW WHEN ((new.kind = ANY (ARRAY['note'::text, 'public_update'::text]))) EXECUTE FUNCTION public.farwatch_audit('incident', 'incident_id', 'kind');

CREATE TRIGGER audited AFTER UPDATE ON public.incidents FOR EACH ROW EXECUTE FUNCTION public.farwatch_audit('incident');

CREATE TRIGGER audited AFTER INSERT ON public.installation FOR EACH ROW WHEN ((new.name = 'kill_switch'::text)) EXECUTE FUNCTION public.farwatch_audit('kill_switch', 'name');

CREATE TRIGGER audited AFTER INSERT OR DELETE OR UPDATE ON public.invitations FOR EACH ROW EXECUTE FUNCTION public.farwatch_audit('invitation');

CREATE TRIGGER audited AFTER UPDATE ON public.jobs FOR EACH ROW WHEN (((old.state <> 'cancelled'::text) AND (new.state = 'cancelled'::text))) EXECUTE FUNCTION public.farwatch_audit('job');

CREATE TRIGGER audited AFTER INSERT OR DELETE OR UPDATE ON public.maintenance_windows FOR EACH ROW EXECUTE FUNCTION public.farwatch_audit('maintenance');

CREATE TRIGGER audited AFTER INSERT OR DELETE OR UPDATE ON public.manage_keys FOR EACH ROW EXECUTE FUNCTION public.farwatch_audit('manage_key');

CREATE TRIGGER audited AFTER INSERT OR DELETE OR UPDATE ON public.members FOR EACH ROW EXECUTE FUNCTION public.farwatch_audit('member', 'user_id');

CREATE TRIGGER audited AFTER INSERT OR DELETE OR UPDATE ON public.monitor_shares FOR EACH ROW EXECUTE FUNCTION public.farwatch_audit('share');

CREATE TRIGGER audited AFTER INSERT OR DELETE OR UPDATE ON public.monitors FOR EACH ROW EXECUTE FUNCTION public.farwatch_audit('monitor');

CREATE TRIGGER audited AFTER UPDATE ON public.operator_incidents FOR EACH ROW EXECUTE FUNCTION public.farwatch_audit('operator_incident');

CREATE TRIGGER audited AFTER INSERT OR DELETE OR UPDATE ON public.operator_settings FOR EACH ROW EXECUTE FUNCTION public.farwatch_audit('setting', 'name');

CREATE TRIGGER audited AFTER INSERT OR DELETE OR UPDATE ON public.opt_outs FOR EACH ROW EXECUTE FUNCTION public.farwatch_audit('opt_out');

CREATE TRIGGER audited AFTER INSERT OR DELETE OR UPDATE OF name, description, "group", show_uptime, show_latency ON public.page_components FOR EACH ROW EXECUTE FUNCTION public.farwatch_audit('page_component');

CREATE TRIGGER audited AFTER INSERT OR DELETE ON public.page_subscribers FOR EACH ROW EXECUTE FUNCTION public.farwatch_audit('subscriber');

CREATE TRIGGER audited AFTER INSERT OR DELETE OR UPDATE ON public.plans FOR EACH ROW EXECUTE FUNCTION public.farwatch_audit('plan', 'name');

CREATE TRIGGER audited AFTER INSERT OR DELETE OR UPDATE ON public.push_subscriptions FOR EACH ROW EXECUTE FUNCTION public.farwatch_audit('push_subscription');

CREATE TRIGGER audited AFTER INSERT OR DELETE OR UPDATE ON public.regions FOR EACH ROW EXECUTE FUNCTION public.farwatch_audit('region');

CREATE TRIGGER audited AFTER INSERT OR DELETE OR UPDATE ON public.routes FOR EACH ROW EXECUTE FUNCTION public.farwatch_audit('route');

CREATE TRIGGER audited AFTER INSERT OR DELETE OR UPDATE ON public.silences FOR EACH ROW EXECUTE FUNCTION public.farwatch_audit('silence');

CREATE TRIGGER audited AFTER INSERT OR DELETE OR UPDATE ON public.status_pages FOR EACH ROW EXECUTE FUNCTION public.farwatch_audit('status_page');

CREATE TRIGGER audited AFTER INSERT OR DELETE OR UPDATE ON public.tenants FOR EACH ROW EXECUTE FUNCTION public.farwatch_audit('tenant');

CREATE TRIGGER audited_change AFTER UPDATE ON public.installation FOR EACH ROW WHEN ((new.name = 'kill_switch'::text)) EXECUTE FUNCTION public.farwatch_audit('kill_switch', 'name');

CREATE TRIGGER audited_declared AFTER INSERT ON public.incidents FOR EACH ROW WHEN ((new.origin = 'person'::text)) EXECUTE FUNCTION public.farwatch_audit('incident');

CREATE TRIGGER hidden AFTER UPDATE OF is_public ON public.monitors FOR EACH ROW WHEN ((old.is_public AND (NOT new.is_public))) EXECUTE FUNCTION public.farwatch_hide_monitor();

CREATE TRIGGER looked_at_again AFTER INSERT ON public.monitor_escalations FOR EACH ROW EXECUTE FUNCTION public.farwatch_look_again();

CREATE TRIGGER looked_at_again AFTER UPDATE ON public.monitors FOR EACH ROW WHEN (((old.renotify_interval_s IS DISTINCT FROM new.renotify_interval_s) OR (old.max_repeats IS DISTINCT FROM new.max_repeats))) EXECUTE FUNCTION public.farwatch_look_again();

CREATE TRIGGER reminded AFTER INSERT ON public.incidents FOR EACH ROW EXECUTE FUNCTION public.farwatch_remind();

CREATE TRIGGER reminded_anew AFTER UPDATE ON public.incidents FOR EACH ROW WHEN ((old.state IS DISTINCT FROM new.state)) EXECUTE FUNCTION public.farwatch_remind();

CREATE TRIGGER rules_changed AFTER INSERT OR DELETE OR UPDATE ON public.deny_rules FOR EACH STATEMENT EXECUTE FUNCTION public.farwatch_rules_changed();

CREATE TRIGGER rules_changed AFTER INSERT OR DELETE OR UPDATE ON public.operator_settings FOR EACH STATEMENT EXECUTE FUNCTION public.farwatch_rules_changed();

CREATE TRIGGER rules_changed AFTER INSERT OR DELETE OR UPDATE ON public.opt_outs FOR EACH STATEMENT EXECUTE FUNCTION public.farwatch_rules_changed();

CREATE TRIGGER shared_ids BEFORE INSERT OR UPDATE OF slug, tenant_id ON public.regions FOR EACH ROW EXECUTE FUNCTION public.farwatch_keep_shared_ids();

CREATE TRIGGER subscribed AFTER INSERT OR UPDATE ON public.monitor_channels FOR EACH ROW WHEN ((new.events IS NOT NULL)) EXECUTE FUNCTION public.farwatch_subscribe();

CREATE TRIGGER subscribed AFTER INSERT OR UPDATE ON public.routes FOR EACH ROW WHEN ((new.events IS NOT NULL)) EXECUTE FUNCTION public.farwatch_subscribe();

CREATE TRIGGER unblocked BEFORE UPDATE OF "check" ON public.monitors FOR EACH ROW WHEN (((old.blocked_by IS NOT NULL) AND (((((((old."check" ->> 'url'::text) IS DISTINCT FROM (new."check" ->> 'url'::text)) OR ((old."check" ->> 'host'::text) IS DISTINCT FROM (new."check" ->> 'host'::text))) OR ((old."check" ->> 'port'::text) IS DISTINCT FROM (new."check" ->> 'port'::text))) OR ((old."check" ->> 'name'::text) IS DISTINCT FROM (new."check" ->> 'name'::text))) OR ((old."check" ->> 'domain'::text) IS DISTINCT FROM (new."check" ->> 'domain'::text))) OR ((old."check" ->> 'resolver'::text) IS DISTINCT FROM (new."check" ->> 'resolver'::text))))) EXECUTE FUNCTION public.farwatch_unblock();

ALTER TABLE ONLY public.agents
    ADD CONSTRAINT agents_region_id_fkey FOREIGN KEY (region_id) REFERENCES public.regions(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.anonymous_creates
    ADD CONSTRAINT anonymous_creates_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.assignments
    ADD CONSTRAINT assignments_region_id_fkey FOREIGN KEY (region_id) REFERENCES public.regions(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.certificates
    ADD CONSTRAINT certificates_monitor_fkey FOREIGN KEY (tenant_id, monitor_id) REFERENCES public.monitors(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.channel_links
    ADD CONSTRAINT channel_links_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.channel_verifications
    ADD CONSTRAINT channel_verifications_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.channels
    ADD CONSTRAINT channels_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.deliveries
    ADD CONSTRAINT deliveries_channel_fkey FOREIGN KEY (tenant_id, channel_id) REFERENCES public.channels(tenant_id, id) ON DELETE SET NULL (channel_id);

ALTER TABLE ONLY public.deliveries
    ADD CONSTRAINT deliveries_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.delivery_attempts
    ADD CONSTRAINT delivery_attempts_delivery_fkey FOREIGN KEY (tenant_id, delivery_id) REFERENCES public.deliveries(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.dispatches
    ADD CONSTRAINT dispatches_region_id_fkey FOREIGN KEY (region_id) REFERENCES public.regions(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.domains
    ADD CONSTRAINT domains_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.event_cursors
    ADD CONSTRAINT event_cursors_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.feeds
    ADD CONSTRAINT feeds_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.heartbeat_pings
    ADD CONSTRAINT heartbeat_pings_heartbeat_fkey FOREIGN KEY (tenant_id, monitor_id) REFERENCES public.heartbeats(tenant_id, monitor_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.heartbeat_runs
    ADD CONSTRAINT heartbeat_runs_heartbeat_fkey FOREIGN KEY (tenant_id, monitor_id) REFERENCES public.heartbeats(tenant_id, monitor_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.heartbeats
    ADD CONSTRAINT heartbeats_monitor_fkey FOREIGN KEY (tenant_id, monitor_id) REFERENCES public.monitors(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.idempotency_keys
    ADD CONSTRAINT idempotency_keys_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.incident_events
    ADD CONSTRAINT incident_events_incident_fkey FOREIGN KEY (tenant_id, incident_id) REFERENCES public.incidents(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.incident_monitors
    ADD CONSTRAINT incident_monitors_incident_fkey FOREIGN KEY (tenant_id, incident_id) REFERENCES public.incidents(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.incident_monitors
    ADD CONSTRAINT incident_monitors_monitor_fkey FOREIGN KEY (tenant_id, monitor_id) REFERENCES public.monitors(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.incident_reminders
    ADD CONSTRAINT incident_reminders_incident_fkey FOREIGN KEY (tenant_id, incident_id) REFERENCES public.incidents(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.incident_updates
    ADD CONSTRAINT incident_updates_incident_fkey FOREIGN KEY (tenant_id, incident_id) REFERENCES public.incidents(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.incidents
    ADD CONSTRAINT incidents_monitor_fkey FOREIGN KEY (tenant_id, monitor_id) REFERENCES public.monitors(tenant_id, id) ON DELETE SET NULL (monitor_id);

ALTER TABLE ONLY public.incidents
    ADD CONSTRAINT incidents_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.invitations
    ADD CONSTRAINT invitations_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.jobs
    ADD CONSTRAINT jobs_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.maintenance_occurrences
    ADD CONSTRAINT maintenance_occurrences_window_fkey FOREIGN KEY (tenant_id, window_id) REFERENCES public.maintenance_windows(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.maintenance_windows
    ADD CONSTRAINT maintenance_windows_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.manage_keys
    ADD CONSTRAINT manage_keys_monitor_fkey FOREIGN KEY (tenant_id, monitor_id) REFERENCES public.monitors(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.manage_keys
    ADD CONSTRAINT manage_keys_page_fkey FOREIGN KEY (tenant_id, page_id) REFERENCES public.status_pages(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.members
    ADD CONSTRAINT members_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.members
    ADD CONSTRAINT members_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.monitor_channels
    ADD CONSTRAINT monitor_channels_channel_fkey FOREIGN KEY (tenant_id, channel_id) REFERENCES public.channels(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.monitor_channels
    ADD CONSTRAINT monitor_channels_monitor_fkey FOREIGN KEY (tenant_id, monitor_id) REFERENCES public.monitors(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.monitor_dependencies
    ADD CONSTRAINT monitor_dependencies_monitor_fkey FOREIGN KEY (tenant_id, monitor_id) REFERENCES public.monitors(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.monitor_dependencies
    ADD CONSTRAINT monitor_dependencies_upstream_fkey FOREIGN KEY (tenant_id, depends_on) REFERENCES public.monitors(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.monitor_escalations
    ADD CONSTRAINT monitor_escalations_channel_fkey FOREIGN KEY (tenant_id, channel_id) REFERENCES public.channels(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.monitor_escalations
    ADD CONSTRAINT monitor_escalations_monitor_fkey FOREIGN KEY (tenant_id, monitor_id) REFERENCES public.monitors(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.monitor_periods
    ADD CONSTRAINT monitor_periods_monitor_fkey FOREIGN KEY (tenant_id, monitor_id) REFERENCES public.monitors(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.monitor_shares
    ADD CONSTRAINT monitor_shares_monitor_fkey FOREIGN KEY (tenant_id, monitor_id) REFERENCES public.monitors(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.monitor_states
    ADD CONSTRAINT monitor_states_monitor_fkey FOREIGN KEY (tenant_id, monitor_id) REFERENCES public.monitors(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.monitors
    ADD CONSTRAINT monitors_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.operator_incidents
    ADD CONSTRAINT operator_incidents_agent_fkey FOREIGN KEY (agent_id) REFERENCES public.agents(id) ON DELETE SET NULL;

ALTER TABLE ONLY public.operator_incidents
    ADD CONSTRAINT operator_incidents_private_to_fkey FOREIGN KEY (private_to) REFERENCES public.tenants(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.operator_incidents
    ADD CONSTRAINT operator_incidents_region_fkey FOREIGN KEY (region_id) REFERENCES public.regions(id) ON DELETE SET NULL;

ALTER TABLE ONLY public.page_components
    ADD CONSTRAINT page_components_monitor_fkey FOREIGN KEY (tenant_id, monitor_id) REFERENCES public.monitors(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.page_components
    ADD CONSTRAINT page_components_page_fkey FOREIGN KEY (tenant_id, page_id) REFERENCES public.status_pages(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.page_deliveries
    ADD CONSTRAINT page_deliveries_notice_fkey FOREIGN KEY (tenant_id, notice_id) REFERENCES public.page_notices(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.page_deliveries
    ADD CONSTRAINT page_deliveries_subscriber_fkey FOREIGN KEY (tenant_id, subscriber_id) REFERENCES public.page_subscribers(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.page_logos
    ADD CONSTRAINT page_logos_page_fkey FOREIGN KEY (tenant_id, page_id) REFERENCES public.status_pages(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.page_notices
    ADD CONSTRAINT page_notices_watch_fkey FOREIGN KEY (tenant_id, page_id) REFERENCES public.page_watches(tenant_id, page_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.page_subscribers
    ADD CONSTRAINT page_subscribers_watch_fkey FOREIGN KEY (tenant_id, page_id) REFERENCES public.page_watches(tenant_id, page_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.page_watches
    ADD CONSTRAINT page_watches_page_fkey FOREIGN KEY (tenant_id, page_id) REFERENCES public.status_pages(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.port_touches
    ADD CONSTRAINT port_touches_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.push_subscriptions
    ADD CONSTRAINT push_subscriptions_channel_fkey FOREIGN KEY (tenant_id, id) REFERENCES public.channels(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.push_subscriptions
    ADD CONSTRAINT push_subscriptions_user_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.regions
    ADD CONSTRAINT regions_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.route_channels
    ADD CONSTRAINT route_channels_channel_fkey FOREIGN KEY (tenant_id, channel_id) REFERENCES public.channels(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.route_channels
    ADD CONSTRAINT route_channels_route_fkey FOREIGN KEY (tenant_id, route_id) REFERENCES public.routes(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.routes
    ADD CONSTRAINT routes_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_key_fkey FOREIGN KEY (tenant_id, key_id) REFERENCES public.api_keys(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_member_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES public.members(tenant_id, user_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.setup_links
    ADD CONSTRAINT setup_links_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.silences
    ADD CONSTRAINT silences_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.status_pages
    ADD CONSTRAINT status_pages_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.system_mails
    ADD CONSTRAINT system_mails_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.tenant_counters
    ADD CONSTRAINT tenant_counters_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.tenants
    ADD CONSTRAINT tenants_plan_fkey FOREIGN KEY (plan) REFERENCES public.plans(name);

ALTER TABLE ONLY public.transitions
    ADD CONSTRAINT transitions_monitor_fkey FOREIGN KEY (tenant_id, monitor_id) REFERENCES public.monitors(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.user_identities
    ADD CONSTRAINT user_identities_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.votes
    ADD CONSTRAINT votes_region_id_fkey FOREIGN KEY (region_id) REFERENCES public.regions(id) ON DELETE CASCADE;

ALTER TABLE public.agents ENABLE ROW LEVEL SECURITY;

CREATE POLICY all_rows ON public.agents TO farwatch_app USING (true);

CREATE POLICY all_rows ON public.announcements TO farwatch_app USING (true);

CREATE POLICY all_rows ON public.anonymous_creates TO farwatch_app USING (true);

CREATE POLICY all_rows ON public.api_keys TO farwatch_app USING (true);

CREATE POLICY all_rows ON public.assignments TO farwatch_app USING (true);

CREATE POLICY all_rows ON public.audit TO farwatch_app USING (true);

CREATE POLICY all_rows ON public.certificates TO farwatch_app USING (true);

CREATE POLICY all_rows ON public.channel_links TO farwatch_app USING (true);

CREATE POLICY all_rows ON public.channel_verifications TO farwatch_app USING (true);

CREATE POLICY all_rows ON public.channels TO farwatch_app USING (true);

CREATE POLICY all_rows ON public.deliveries TO farwatch_app USING (true);

CREATE POLICY all_rows ON public.delivery_attempts TO farwatch_app USING (true);

CREATE POLICY all_rows ON public.deny_rules TO farwatch_app USING (true);

CREATE POLICY all_rows ON public.dispatches TO farwatch_app USING (true);

CREATE POLICY all_rows ON public.domains TO farwatch_app USING (true);

CREATE POLICY all_rows ON public.event_cursors TO farwatch_app USING (true);

CREATE POLICY all_rows ON public.events TO farwatch_app USING (true);

CREATE POLICY all_rows ON public.feeds TO farwatch_app USING (true);

CREATE POLICY all_rows ON public.heartbeat_pings TO farwatch_app USING (true);

CREATE POLICY all_rows ON public.heartbeat_runs TO farwatch_app USING (true);

CREATE POLICY all_rows ON public.heartbeats TO farwatch_app USING (true);

CREATE POLICY all_rows ON public.idempotency_keys TO farwatch_app USING (true);

CREATE POLICY all_rows ON public.incident_events TO farwatch_app USING (true);

CREATE POLICY all_rows ON public.incident_monitors TO farwatch_app USING (true);

CREATE POLICY all_rows ON public.incident_reminders TO farwatch_app USING (true);

CREATE POLICY all_rows ON public.incident_updates TO farwatch_app USING (true);

CREATE POLICY all_rows ON public.incidents TO farwatch_app USING (true);

CREATE POLICY all_rows ON public.installation TO farwatch_app USING (true);

CREATE POLICY all_rows ON public.invitations TO farwatch_app USING (true);

CREATE POLICY all_rows ON public.jobs TO farwatch_app USING (true);

CREATE POLICY all_rows ON public.login_states TO farwatch_app USING (true);

CREATE POLICY all_rows ON public.maintenance_occurrences TO farwatch_app USING (true);

CREATE POLICY all_rows ON public.maintenance_windows TO farwatch_app USING (true);

CREATE POLICY all_rows ON public.manage_keys TO farwatch_app USING (true);

CREATE POLICY all_rows ON public.members TO farwatch_app USING (true);

CREATE POLICY all_rows ON public.monitor_channels TO farwatch_app USING (true);

CREATE POLICY all_rows ON public.monitor_dependencies TO farwatch_app USING (true);

CREATE POLICY all_rows ON public.monitor_escalations TO farwatch_app USING (true);

CREATE POLICY all_rows ON public.monitor_periods TO farwatch_app USING (true);

CREATE POLICY all_rows ON public.monitor_shares TO farwatch_app USING (true);

CREATE POLICY all_rows ON public.monitor_states TO farwatch_app USING (true);

CREATE POLICY all_rows ON public.monitors TO farwatch_app USING (true);

CREATE POLICY all_rows ON public.operator_incidents TO farwatch_app USING (true);

CREATE POLICY all_rows ON public.operator_settings TO farwatch_app USING (true);

CREATE POLICY all_rows ON public.opt_outs TO farwatch_app USING (true);

CREATE POLICY all_rows ON public.page_components TO farwatch_app USING (true);

CREATE POLICY all_rows ON public.page_deliveries TO farwatch_app USING (true);

CREATE POLICY all_rows ON public.page_logos TO farwatch_app USING (true);

CREATE POLICY all_rows ON public.page_notices TO farwatch_app USING (true);

CREATE POLICY all_rows ON public.page_subscribers TO farwatch_app USING (true);

CREATE POLICY all_rows ON public.page_watches TO farwatch_app USING (true);

CREATE POLICY all_rows ON public.ping_door_refusals TO farwatch_app USING (true);

CREATE POLICY all_rows ON public.ping_door_spells TO farwatch_app USING (true);

CREATE POLICY all_rows ON public.plans TO farwatch_app USING (true);

CREATE POLICY all_rows ON public.port_touches TO farwatch_app USING (true);

CREATE POLICY all_rows ON public.processes TO farwatch_app USING (true);

CREATE POLICY all_rows ON public.push_subscriptions TO farwatch_app USING (true);

CREATE POLICY all_rows ON public.regions TO farwatch_app USING (true);

CREATE POLICY all_rows ON public.results TO farwatch_app USING (true);

CREATE POLICY all_rows ON public.rollup_late TO farwatch_app USING (true);

CREATE POLICY all_rows ON public.rollup_walks TO farwatch_app USING (true);

CREATE POLICY all_rows ON public.rollups_fine TO farwatch_app USING (true);

CREATE POLICY all_rows ON public.rollups_hourly TO farwatch_app USING (true);

CREATE POLICY all_rows ON public.route_channels TO farwatch_app USING (true);

CREATE POLICY all_rows ON public.routes TO farwatch_app USING (true);

CREATE POLICY all_rows ON public.sealing_keys TO farwatch_app USING (true);

CREATE POLICY all_rows ON public.sessions TO farwatch_app USING (true);

CREATE POLICY all_rows ON public.setup_links TO farwatch_app USING (true);

CREATE POLICY all_rows ON public.silences TO farwatch_app USING (true);

CREATE POLICY all_rows ON public.status_pages TO farwatch_app USING (true);

CREATE POLICY all_rows ON public.system_mails TO farwatch_app USING (true);

CREATE POLICY all_rows ON public.tenant_counters TO farwatch_app USING (true);

CREATE POLICY all_rows ON public.tenants TO farwatch_app USING (true);

CREATE POLICY all_rows ON public.transitions TO farwatch_app USING (true);

CREATE POLICY all_rows ON public.user_identities TO farwatch_app USING (true);

CREATE POLICY all_rows ON public.users TO farwatch_app USING (true);

CREATE POLICY all_rows ON public.votes TO farwatch_app USING (true);

ALTER TABLE public.announcements ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.anonymous_creates ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.api_keys ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.assignments ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.audit ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.certificates ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.channel_links ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.channel_verifications ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.channels ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.deliveries ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.delivery_attempts ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.deny_rules ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.dispatches ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.domains ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.event_cursors ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.events ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.feeds ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.heartbeat_pings ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.heartbeat_runs ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.heartbeats ENABLE ROW LEVEL SECURITY;

CREATE POLICY how_far ON public.rollup_walks FOR SELECT TO farwatch_tenant USING (true);

ALTER TABLE public.idempotency_keys ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.incident_events ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.incident_monitors ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.incident_reminders ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.incident_updates ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.incidents ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.installation ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.invitations ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.jobs ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.login_states ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.maintenance_occurrences ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.maintenance_windows ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.manage_keys ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.members ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.monitor_channels ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.monitor_dependencies ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.monitor_escalations ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.monitor_periods ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.monitor_shares ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.monitor_states ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.monitors ENABLE ROW LEVEL SECURITY;

CREATE POLICY nothing ON public.anonymous_creates AS RESTRICTIVE TO farwatch_manage USING (false);

CREATE POLICY nothing ON public.api_keys AS RESTRICTIVE TO farwatch_manage USING (false);

CREATE POLICY nothing ON public.audit AS RESTRICTIVE TO farwatch_manage USING (false);

CREATE POLICY nothing ON public.channel_links AS RESTRICTIVE TO farwatch_manage USING (false);

CREATE POLICY nothing ON public.channel_verifications AS RESTRICTIVE TO farwatch_manage USING (false);

CREATE POLICY nothing ON public.channels AS RESTRICTIVE TO farwatch_manage USING (false);

CREATE POLICY nothing ON public.delivery_attempts AS RESTRICTIVE TO farwatch_manage USING (false);

CREATE POLICY nothing ON public.domains AS RESTRICTIVE TO farwatch_manage USING (false);

CREATE POLICY nothing ON public.event_cursors AS RESTRICTIVE TO farwatch_manage USING (false);

CREATE POLICY nothing ON public.feeds AS RESTRICTIVE TO farwatch_manage USING (false);

CREATE POLICY nothing ON public.incident_reminders AS RESTRICTIVE TO farwatch_manage USING (false);

CREATE POLICY nothing ON public.invitations AS RESTRICTIVE TO farwatch_manage USING (false);

CREATE POLICY nothing ON public.jobs AS RESTRICTIVE TO farwatch_manage USING (false);

CREATE POLICY nothing ON public.members AS RESTRICTIVE TO farwatch_manage USING (false);

CREATE POLICY nothing ON public.monitor_shares AS RESTRICTIVE TO farwatch_manage USING (false);

CREATE POLICY nothing ON public.push_subscriptions AS RESTRICTIVE TO farwatch_manage USING (false);

CREATE POLICY nothing ON public.route_channels AS RESTRICTIVE TO farwatch_manage USING (false);

CREATE POLICY nothing ON public.routes AS RESTRICTIVE TO farwatch_manage USING (false);

CREATE POLICY nothing ON public.sessions AS RESTRICTIVE TO farwatch_manage USING (false);

CREATE POLICY nothing ON public.setup_links AS RESTRICTIVE TO farwatch_manage USING (false);

CREATE POLICY nothing ON public.silences AS RESTRICTIVE TO farwatch_manage USING (false);

CREATE POLICY nothing ON public.system_mails AS RESTRICTIVE TO farwatch_manage USING (false);

CREATE POLICY nothing ON public.users AS RESTRICTIVE TO farwatch_manage USING (false);

CREATE POLICY one_monitor ON public.assignments AS RESTRICTIVE TO farwatch_manage USING ((monitor_id = ( SELECT public.farwatch_monitor_id() AS farwatch_monitor_id)));

CREATE POLICY one_monitor ON public.certificates AS RESTRICTIVE TO farwatch_manage USING ((monitor_id = ( SELECT public.farwatch_monitor_id() AS farwatch_monitor_id)));

CREATE POLICY one_monitor ON public.deliveries AS RESTRICTIVE TO farwatch_manage USING ((monitor_id = ( SELECT public.farwatch_monitor_id() AS farwatch_monitor_id)));

CREATE POLICY one_monitor ON public.dispatches AS RESTRICTIVE TO farwatch_manage USING ((monitor_id = ( SELECT public.farwatch_monitor_id() AS farwatch_monitor_id)));

CREATE POLICY one_monitor ON public.events AS RESTRICTIVE TO farwatch_manage USING ((monitor_id = ( SELECT public.farwatch_monitor_id() AS farwatch_monitor_id)));

CREATE POLICY one_monitor ON public.heartbeat_pings AS RESTRICTIVE TO farwatch_manage USING ((monitor_id = ( SELECT public.farwatch_monitor_id() AS farwatch_monitor_id)));

CREATE POLICY one_monitor ON public.heartbeat_runs AS RESTRICTIVE TO farwatch_manage USING ((monitor_id = ( SELECT public.farwatch_monitor_id() AS farwatch_monitor_id)));

CREATE POLICY one_monitor ON public.heartbeats AS RESTRICTIVE TO farwatch_manage USING ((monitor_id = ( SELECT public.farwatch_monitor_id() AS farwatch_monitor_id)));

CREATE POLICY one_monitor ON public.incident_events AS RESTRICTIVE TO farwatch_manage USING ((EXISTS ( SELECT
   FROM public.incidents i
  WHERE ((i.tenant_id = incident_events.tenant_id) AND (i.id = incident_events.incident_id)))));

CREATE POLICY one_monitor ON public.incident_monitors AS RESTRICTIVE TO farwatch_manage USING ((monitor_id = ( SELECT public.farwatch_monitor_id() AS farwatch_monitor_id)));

CREATE POLICY one_monitor ON public.incident_updates AS RESTRICTIVE TO farwatch_manage USING ((EXISTS ( SELECT
   FROM public.incidents i
  WHERE ((i.tenant_id = incident_updates.tenant_id) AND (i.id = incident_updates.incident_id)))));

CREATE POLICY one_monitor ON public.incidents AS RESTRICTIVE TO farwatch_manage USING ((monitor_id = ( SELECT public.farwatch_monitor_id() AS farwatch_monitor_id)));

CREATE POLICY one_monitor ON public.monitor_channels AS RESTRICTIVE TO farwatch_manage USING ((monitor_id = ( SELECT public.farwatch_monitor_id() AS farwatch_monitor_id)));

CREATE POLICY one_monitor ON public.monitor_dependencies AS RESTRICTIVE TO farwatch_manage USING ((monitor_id = ( SELECT public.farwatch_monitor_id() AS farwatch_monitor_id)));

CREATE POLICY one_monitor ON public.monitor_escalations AS RESTRICTIVE TO farwatch_manage USING ((monitor_id = ( SELECT public.farwatch_monitor_id() AS farwatch_monitor_id)));

CREATE POLICY one_monitor ON public.monitor_periods AS RESTRICTIVE TO farwatch_manage USING ((monitor_id = ( SELECT public.farwatch_monitor_id() AS farwatch_monitor_id)));

CREATE POLICY one_monitor ON public.monitor_states AS RESTRICTIVE TO farwatch_manage USING ((monitor_id = ( SELECT public.farwatch_monitor_id() AS farwatch_monitor_id)));

CREATE POLICY one_monitor ON public.results AS RESTRICTIVE TO farwatch_manage USING ((monitor_id = ( SELECT public.farwatch_monitor_id() AS farwatch_monitor_id)));

CREATE POLICY one_monitor ON public.rollups_fine AS RESTRICTIVE TO farwatch_manage USING ((monitor_id = ( SELECT public.farwatch_monitor_id() AS farwatch_monitor_id)));

CREATE POLICY one_monitor ON public.rollups_hourly AS RESTRICTIVE TO farwatch_manage USING ((monitor_id = ( SELECT public.farwatch_monitor_id() AS farwatch_monitor_id)));

CREATE POLICY one_monitor ON public.transitions AS RESTRICTIVE TO farwatch_manage USING ((monitor_id = ( SELECT public.farwatch_monitor_id() AS farwatch_monitor_id)));

CREATE POLICY one_monitor ON public.votes AS RESTRICTIVE TO farwatch_manage USING ((monitor_id = ( SELECT public.farwatch_monitor_id() AS farwatch_monitor_id)));

CREATE POLICY one_monitor_added ON public.monitors AS RESTRICTIVE FOR INSERT TO farwatch_manage WITH CHECK ((id = ( SELECT public.farwatch_monitor_id() AS farwatch_monitor_id)));

CREATE POLICY one_monitor_changed ON public.monitors AS RESTRICTIVE FOR UPDATE TO farwatch_manage USING ((id = ( SELECT public.farwatch_monitor_id() AS farwatch_monitor_id)));

CREATE POLICY one_monitor_gone ON public.monitors AS RESTRICTIVE FOR DELETE TO farwatch_manage USING ((id = ( SELECT public.farwatch_monitor_id() AS farwatch_monitor_id)));

CREATE POLICY one_monitor_read ON public.monitors AS RESTRICTIVE FOR SELECT TO farwatch_manage USING (((id = ( SELECT public.farwatch_monitor_id() AS farwatch_monitor_id)) OR (is_public AND (( SELECT public.farwatch_page_id() AS farwatch_page_id) IS NOT NULL))));

CREATE POLICY one_page ON public.page_components AS RESTRICTIVE TO farwatch_manage USING ((page_id = ( SELECT public.farwatch_page_id() AS farwatch_page_id)));

CREATE POLICY one_page ON public.page_deliveries AS RESTRICTIVE TO farwatch_manage USING ((page_id = ( SELECT public.farwatch_page_id() AS farwatch_page_id)));

CREATE POLICY one_page ON public.page_logos AS RESTRICTIVE TO farwatch_manage USING ((page_id = ( SELECT public.farwatch_page_id() AS farwatch_page_id)));

CREATE POLICY one_page ON public.page_notices AS RESTRICTIVE TO farwatch_manage USING ((page_id = ( SELECT public.farwatch_page_id() AS farwatch_page_id)));

CREATE POLICY one_page ON public.page_subscribers AS RESTRICTIVE TO farwatch_manage USING ((page_id = ( SELECT public.farwatch_page_id() AS farwatch_page_id)));

CREATE POLICY one_page ON public.page_watches AS RESTRICTIVE TO farwatch_manage USING ((page_id = ( SELECT public.farwatch_page_id() AS farwatch_page_id)));

CREATE POLICY one_page ON public.status_pages AS RESTRICTIVE TO farwatch_manage USING ((id = ( SELECT public.farwatch_page_id() AS farwatch_page_id)));

CREATE POLICY one_thing ON public.manage_keys AS RESTRICTIVE TO farwatch_manage USING (((monitor_id = ( SELECT public.farwatch_monitor_id() AS farwatch_monitor_id)) OR (page_id = ( SELECT public.farwatch_page_id() AS farwatch_page_id))));

ALTER TABLE public.operator_incidents ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.operator_settings ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.opt_outs ENABLE ROW LEVEL SECURITY;

CREATE POLICY own_rows ON public.agents TO farwatch_tenant USING ((EXISTS ( SELECT
   FROM public.regions
  WHERE ((regions.id = agents.region_id) AND (regions.tenant_id = ( SELECT public.farwatch_tenant_id() AS farwatch_tenant_id))))));

CREATE POLICY own_rows ON public.anonymous_creates TO farwatch_tenant USING ((tenant_id = ( SELECT public.farwatch_tenant_id() AS farwatch_tenant_id)));

CREATE POLICY own_rows ON public.api_keys TO farwatch_tenant USING ((tenant_id = ( SELECT public.farwatch_tenant_id() AS farwatch_tenant_id)));

CREATE POLICY own_rows ON public.assignments TO farwatch_tenant USING ((tenant_id = ( SELECT public.farwatch_tenant_id() AS farwatch_tenant_id)));

CREATE POLICY own_rows ON public.audit TO farwatch_tenant USING ((tenant_id = ( SELECT public.farwatch_tenant_id() AS farwatch_tenant_id)));

CREATE POLICY own_rows ON public.certificates TO farwatch_tenant USING ((tenant_id = ( SELECT public.farwatch_tenant_id() AS farwatch_tenant_id)));

CREATE POLICY own_rows ON public.channel_links TO farwatch_tenant USING ((tenant_id = ( SELECT public.farwatch_tenant_id() AS farwatch_tenant_id)));

CREATE POLICY own_rows ON public.channel_verifications TO farwatch_tenant USING ((tenant_id = ( SELECT public.farwatch_tenant_id() AS farwatch_tenant_id)));

CREATE POLICY own_rows ON public.channels TO farwatch_tenant USING ((tenant_id = ( SELECT public.farwatch_tenant_id() AS farwatch_tenant_id)));

CREATE POLICY own_rows ON public.deliveries TO farwatch_tenant USING ((tenant_id = ( SELECT public.farwatch_tenant_id() AS farwatch_tenant_id)));

CREATE POLICY own_rows ON public.delivery_attempts TO farwatch_tenant USING ((tenant_id = ( SELECT public.farwatch_tenant_id() AS farwatch_tenant_id)));

CREATE POLICY own_rows ON public.dispatches TO farwatch_tenant USING ((tenant_id = ( SELECT public.farwatch_tenant_id() AS farwatch_tenant_id)));

CREATE POLICY own_rows ON public.domains TO farwatch_tenant USING ((tenant_id = ( SELECT public.farwatch_tenant_id() AS farwatch_tenant_id)));

CREATE POLICY own_rows ON public.event_cursors TO farwatch_tenant USING ((tenant_id = ( SELECT public.farwatch_tenant_id() AS farwatch_tenant_id)));

CREATE POLICY own_rows ON public.events TO farwatch_tenant USING ((tenant_id = ( SELECT public.farwatch_tenant_id() AS farwatch_tenant_id)));

CREATE POLICY own_rows ON public.feeds TO farwatch_tenant USING ((tenant_id = ( SELECT public.farwatch_tenant_id() AS farwatch_tenant_id)));

CREATE POLICY own_rows ON public.heartbeat_pings TO farwatch_tenant USING ((tenant_id = ( SELECT public.farwatch_tenant_id() AS farwatch_tenant_id)));

CREATE POLICY own_rows ON public.heartbeat_runs TO farwatch_tenant USING ((tenant_id = ( SELECT public.farwatch_tenant_id() AS farwatch_tenant_id)));

CREATE POLICY own_rows ON public.heartbeats TO farwatch_tenant USING ((tenant_id = ( SELECT public.farwatch_tenant_id() AS farwatch_tenant_id)));

CREATE POLICY own_rows ON public.idempotency_keys TO farwatch_tenant USING ((tenant_id = ( SELECT public.farwatch_tenant_id() AS farwatch_tenant_id)));

CREATE POLICY own_rows ON public.incident_events TO farwatch_tenant USING ((tenant_id = ( SELECT public.farwatch_tenant_id() AS farwatch_tenant_id)));

CREATE POLICY own_rows ON public.incident_monitors TO farwatch_tenant USING ((tenant_id = ( SELECT public.farwatch_tenant_id() AS farwatch_tenant_id)));

CREATE POLICY own_rows ON public.incident_reminders TO farwatch_tenant USING ((tenant_id = ( SELECT public.farwatch_tenant_id() AS farwatch_tenant_id)));

CREATE POLICY own_rows ON public.incident_updates TO farwatch_tenant USING ((tenant_id = ( SELECT public.farwatch_tenant_id() AS farwatch_tenant_id)));

CREATE POLICY own_rows ON public.incidents TO farwatch_tenant USING ((tenant_id = ( SELECT public.farwatch_tenant_id() AS farwatch_tenant_id)));

CREATE POLICY own_rows ON public.invitations TO farwatch_tenant USING ((tenant_id = ( SELECT public.farwatch_tenant_id() AS farwatch_tenant_id)));

CREATE POLICY own_rows ON public.jobs TO farwatch_tenant USING ((tenant_id = ( SELECT public.farwatch_tenant_id() AS farwatch_tenant_id)));

CREATE POLICY own_rows ON public.maintenance_occurrences TO farwatch_tenant USING ((tenant_id = ( SELECT public.farwatch_tenant_id() AS farwatch_tenant_id)));

CREATE POLICY own_rows ON public.maintenance_windows TO farwatch_tenant USING ((tenant_id = ( SELECT public.farwatch_tenant_id() AS farwatch_tenant_id)));

CREATE POLICY own_rows ON public.manage_keys TO farwatch_tenant USING ((tenant_id = ( SELECT public.farwatch_tenant_id() AS farwatch_tenant_id)));

CREATE POLICY own_rows ON public.members TO farwatch_tenant USING ((tenant_id = ( SELECT public.farwatch_tenant_id() AS farwatch_tenant_id)));

CREATE POLICY own_rows ON public.monitor_channels TO farwatch_tenant USING ((tenant_id = ( SELECT public.farwatch_tenant_id() AS farwatch_tenant_id)));

CREATE POLICY own_rows ON public.monitor_dependencies TO farwatch_tenant USING ((tenant_id = ( SELECT public.farwatch_tenant_id() AS farwatch_tenant_id)));

CREATE POLICY own_rows ON public.monitor_escalations TO farwatch_tenant USING ((tenant_id = ( SELECT public.farwatch_tenant_id() AS farwatch_tenant_id)));

CREATE POLICY own_rows ON public.monitor_periods TO farwatch_tenant USING ((tenant_id = ( SELECT public.farwatch_tenant_id() AS farwatch_tenant_id)));

CREATE POLICY own_rows ON public.monitor_shares TO farwatch_tenant USING ((tenant_id = ( SELECT public.farwatch_tenant_id() AS farwatch_tenant_id)));

CREATE POLICY own_rows ON public.monitor_states TO farwatch_tenant USING ((tenant_id = ( SELECT public.farwatch_tenant_id() AS farwatch_tenant_id)));

CREATE POLICY own_rows ON public.monitors TO farwatch_tenant USING ((tenant_id = ( SELECT public.farwatch_tenant_id() AS farwatch_tenant_id)));

CREATE POLICY own_rows ON public.page_components TO farwatch_tenant USING ((tenant_id = ( SELECT public.farwatch_tenant_id() AS farwatch_tenant_id)));

CREATE POLICY own_rows ON public.page_deliveries TO farwatch_tenant USING ((tenant_id = ( SELECT public.farwatch_tenant_id() AS farwatch_tenant_id)));

CREATE POLICY own_rows ON public.page_logos TO farwatch_tenant USING ((tenant_id = ( SELECT public.farwatch_tenant_id() AS farwatch_tenant_id)));

CREATE POLICY own_rows ON public.page_notices TO farwatch_tenant USING ((tenant_id = ( SELECT public.farwatch_tenant_id() AS farwatch_tenant_id)));

CREATE POLICY own_rows ON public.page_subscribers TO farwatch_tenant USING ((tenant_id = ( SELECT public.farwatch_tenant_id() AS farwatch_tenant_id)));

CREATE POLICY own_rows ON public.page_watches TO farwatch_tenant USING ((tenant_id = ( SELECT public.farwatch_tenant_id() AS farwatch_tenant_id)));

CREATE POLICY own_rows ON public.plans FOR SELECT TO farwatch_tenant USING ((name = ( SELECT tenants.plan
   FROM public.tenants
  WHERE (tenants.id = ( SELECT public.farwatch_tenant_id() AS farwatch_tenant_id)))));

CREATE POLICY own_rows ON public.port_touches TO farwatch_tenant USING ((tenant_id = ( SELECT public.farwatch_tenant_id() AS farwatch_tenant_id)));

CREATE POLICY own_rows ON public.push_subscriptions TO farwatch_tenant USING ((tenant_id = ( SELECT public.farwatch_tenant_id() AS farwatch_tenant_id)));

CREATE POLICY own_rows ON public.regions TO farwatch_tenant USING ((tenant_id = ( SELECT public.farwatch_tenant_id() AS farwatch_tenant_id)));

CREATE POLICY own_rows ON public.results TO farwatch_tenant USING ((tenant_id = ( SELECT public.farwatch_tenant_id() AS farwatch_tenant_id)));

CREATE POLICY own_rows ON public.rollups_fine TO farwatch_tenant USING ((tenant_id = ( SELECT public.farwatch_tenant_id() AS farwatch_tenant_id)));

CREATE POLICY own_rows ON public.rollups_hourly TO farwatch_tenant USING ((tenant_id = ( SELECT public.farwatch_tenant_id() AS farwatch_tenant_id)));

CREATE POLICY own_rows ON public.route_channels TO farwatch_tenant USING ((tenant_id = ( SELECT public.farwatch_tenant_id() AS farwatch_tenant_id)));

CREATE POLICY own_rows ON public.routes TO farwatch_tenant USING ((tenant_id = ( SELECT public.farwatch_tenant_id() AS farwatch_tenant_id)));

CREATE POLICY own_rows ON public.sessions TO farwatch_tenant USING ((tenant_id = ( SELECT public.farwatch_tenant_id() AS farwatch_tenant_id)));

CREATE POLICY own_rows ON public.setup_links TO farwatch_tenant USING ((tenant_id = ( SELECT public.farwatch_tenant_id() AS farwatch_tenant_id)));

CREATE POLICY own_rows ON public.silences TO farwatch_tenant USING ((tenant_id = ( SELECT public.farwatch_tenant_id() AS farwatch_tenant_id)));

CREATE POLICY own_rows ON public.status_pages TO farwatch_tenant USING ((tenant_id = ( SELECT public.farwatch_tenant_id() AS farwatch_tenant_id)));

CREATE POLICY own_rows ON public.system_mails TO farwatch_tenant USING ((tenant_id = ( SELECT public.farwatch_tenant_id() AS farwatch_tenant_id)));

CREATE POLICY own_rows ON public.tenant_counters TO farwatch_tenant USING ((tenant_id = ( SELECT public.farwatch_tenant_id() AS farwatch_tenant_id)));

CREATE POLICY own_rows ON public.tenants TO farwatch_tenant USING ((id = ( SELECT public.farwatch_tenant_id() AS farwatch_tenant_id)));

CREATE POLICY own_rows ON public.transitions TO farwatch_tenant USING ((tenant_id = ( SELECT public.farwatch_tenant_id() AS farwatch_tenant_id)));

CREATE POLICY own_rows ON public.users TO farwatch_tenant USING ((EXISTS ( SELECT
   FROM public.members
  WHERE ((members.tenant_id = ( SELECT public.farwatch_tenant_id() AS farwatch_tenant_id)) AND (members.user_id = users.id)))));

CREATE POLICY own_rows ON public.votes TO farwatch_tenant USING ((tenant_id = ( SELECT public.farwatch_tenant_id() AS farwatch_tenant_id)));

ALTER TABLE public.page_components ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.page_deliveries ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.page_logos ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.page_notices ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.page_subscribers ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.page_watches ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.ping_door_refusals ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.ping_door_spells ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.plans ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.port_touches ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.processes ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.push_subscriptions ENABLE ROW LEVEL SECURITY;

CREATE POLICY read_rows ON public.deny_rules FOR SELECT TO farwatch_tenant USING (true);

CREATE POLICY read_rows ON public.installation FOR SELECT TO farwatch_tenant USING ((name = ANY (ARRAY['kill_switch'::text, 'rules'::text])));

CREATE POLICY read_rows ON public.operator_settings FOR SELECT TO farwatch_tenant USING (true);

CREATE POLICY read_rows ON public.opt_outs FOR SELECT TO farwatch_tenant USING (true);

CREATE POLICY read_rows ON public.ping_door_refusals FOR SELECT TO farwatch_tenant USING (true);

CREATE POLICY read_rows ON public.ping_door_spells FOR SELECT TO farwatch_tenant USING (true);

ALTER TABLE public.regions ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.results ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.rollup_late ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.rollup_walks ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.rollups_fine ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.rollups_hourly ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.route_channels ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.routes ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.sealing_keys ENABLE ROW LEVEL SECURITY;

CREATE POLICY seen_rows ON public.regions FOR SELECT TO farwatch_tenant USING (((tenant_id IS NULL) OR (tenant_id = ( SELECT public.farwatch_tenant_id() AS farwatch_tenant_id))));

ALTER TABLE public.sessions ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.setup_links ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.silences ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.status_pages ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.system_mails ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.tenant_counters ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.tenants ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.transitions ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.user_identities ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.users ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.votes ENABLE ROW LEVEL SECURITY;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.agents TO farwatch_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.agents TO farwatch_tenant;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.announcements TO farwatch_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.anonymous_creates TO farwatch_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.anonymous_creates TO farwatch_tenant;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.api_keys TO farwatch_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.api_keys TO farwatch_tenant;

GRANT USAGE ON SEQUENCE public.assignment_changes TO farwatch_app;

GRANT USAGE ON SEQUENCE public.assignment_changes TO farwatch_tenant;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.assignments TO farwatch_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.assignments TO farwatch_tenant;

GRANT SELECT ON TABLE public.audit TO farwatch_app;

GRANT SELECT ON TABLE public.audit TO farwatch_tenant;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.certificates TO farwatch_app;

GRANT SELECT,DELETE ON TABLE public.certificates TO farwatch_tenant;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.channel_links TO farwatch_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.channel_links TO farwatch_tenant;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.channel_verifications TO farwatch_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.channel_verifications TO farwatch_tenant;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.channels TO farwatch_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.channels TO farwatch_tenant;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.deliveries TO farwatch_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.deliveries TO farwatch_tenant;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.delivery_attempts TO farwatch_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.delivery_attempts TO farwatch_tenant;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.deny_rules TO farwatch_app;

GRANT SELECT ON TABLE public.deny_rules TO farwatch_tenant;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.dispatches TO farwatch_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.dispatches TO farwatch_tenant;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.domains TO farwatch_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.domains TO farwatch_tenant;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.event_cursors TO farwatch_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.event_cursors TO farwatch_tenant;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.events TO farwatch_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.events TO farwatch_tenant;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.feeds TO farwatch_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.feeds TO farwatch_tenant;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.heartbeat_pings TO farwatch_app;

GRANT SELECT,DELETE ON TABLE public.heartbeat_pings TO farwatch_tenant;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.heartbeat_runs TO farwatch_app;

GRANT SELECT,DELETE,UPDATE ON TABLE public.heartbeat_runs TO farwatch_tenant;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.heartbeats TO farwatch_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.heartbeats TO farwatch_tenant;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.idempotency_keys TO farwatch_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.idempotency_keys TO farwatch_tenant;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.incident_events TO farwatch_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.incident_events TO farwatch_tenant;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.incident_monitors TO farwatch_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.incident_monitors TO farwatch_tenant;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.incident_reminders TO farwatch_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.incident_reminders TO farwatch_tenant;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.incident_updates TO farwatch_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.incident_updates TO farwatch_tenant;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.incidents TO farwatch_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.incidents TO farwatch_tenant;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.installation TO farwatch_app;

GRANT SELECT ON TABLE public.installation TO farwatch_tenant;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.invitations TO farwatch_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.invitations TO farwatch_tenant;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.jobs TO farwatch_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.jobs TO farwatch_tenant;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.login_states TO farwatch_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.maintenance_occurrences TO farwatch_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.maintenance_occurrences TO farwatch_tenant;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.maintenance_windows TO farwatch_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.maintenance_windows TO farwatch_tenant;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.manage_keys TO farwatch_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.manage_keys TO farwatch_tenant;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.members TO farwatch_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.members TO farwatch_tenant;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.monitor_channels TO farwatch_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.monitor_channels TO farwatch_tenant;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.monitor_dependencies TO farwatch_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.monitor_dependencies TO farwatch_tenant;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.monitor_escalations TO farwatch_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.monitor_escalations TO farwatch_tenant;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.monitor_periods TO farwatch_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.monitor_periods TO farwatch_tenant;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.monitor_shares TO farwatch_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.monitor_shares TO farwatch_tenant;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.monitor_states TO farwatch_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.monitor_states TO farwatch_tenant;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.monitors TO farwatch_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.monitors TO farwatch_tenant;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.operator_incidents TO farwatch_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.operator_settings TO farwatch_app;

GRANT SELECT ON TABLE public.operator_settings TO farwatch_tenant;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.opt_outs TO farwatch_app;

GRANT SELECT ON TABLE public.opt_outs TO farwatch_tenant;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.page_components TO farwatch_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.page_components TO farwatch_tenant;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.page_deliveries TO farwatch_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.page_deliveries TO farwatch_tenant;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.page_logos TO farwatch_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.page_logos TO farwatch_tenant;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.page_notices TO farwatch_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.page_notices TO farwatch_tenant;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.page_subscribers TO farwatch_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.page_subscribers TO farwatch_tenant;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.page_watches TO farwatch_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.page_watches TO farwatch_tenant;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.ping_door_refusals TO farwatch_app;

GRANT SELECT ON TABLE public.ping_door_refusals TO farwatch_tenant;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.ping_door_spells TO farwatch_app;

GRANT SELECT ON TABLE public.ping_door_spells TO farwatch_tenant;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.plans TO farwatch_app;

GRANT SELECT ON TABLE public.plans TO farwatch_tenant;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.port_touches TO farwatch_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.port_touches TO farwatch_tenant;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.processes TO farwatch_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.push_subscriptions TO farwatch_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.push_subscriptions TO farwatch_tenant;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.regions TO farwatch_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.regions TO farwatch_tenant;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.results TO farwatch_app;

GRANT SELECT ON TABLE public.results TO farwatch_tenant;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.rollup_late TO farwatch_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.rollup_walks TO farwatch_app;

GRANT SELECT ON TABLE public.rollup_walks TO farwatch_tenant;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.rollups_fine TO farwatch_app;

GRANT SELECT ON TABLE public.rollups_fine TO farwatch_tenant;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.rollups_hourly TO farwatch_app;

GRANT SELECT ON TABLE public.rollups_hourly TO farwatch_tenant;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.route_channels TO farwatch_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.route_channels TO farwatch_tenant;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.routes TO farwatch_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.routes TO farwatch_tenant;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.sealing_keys TO farwatch_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.sessions TO farwatch_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.sessions TO farwatch_tenant;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.setup_links TO farwatch_app;

GRANT SELECT ON TABLE public.setup_links TO farwatch_tenant;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.silences TO farwatch_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.silences TO farwatch_tenant;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.status_pages TO farwatch_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.status_pages TO farwatch_tenant;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.system_mails TO farwatch_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.system_mails TO farwatch_tenant;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.tenant_counters TO farwatch_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.tenant_counters TO farwatch_tenant;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.tenants TO farwatch_app;

GRANT SELECT ON TABLE public.tenants TO farwatch_tenant;

GRANT UPDATE(name) ON TABLE public.tenants TO farwatch_tenant;

GRANT UPDATE(updated_at) ON TABLE public.tenants TO farwatch_tenant;

GRANT UPDATE(revision) ON TABLE public.tenants TO farwatch_tenant;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.transitions TO farwatch_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.transitions TO farwatch_tenant;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.user_identities TO farwatch_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.users TO farwatch_app;

GRANT SELECT ON TABLE public.users TO farwatch_tenant;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.votes TO farwatch_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.votes TO farwatch_tenant;
