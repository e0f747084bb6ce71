-- Who changed what: one row for each object that a person or a program changed, in the same transaction.
-- depends: 0012.ping_door

-- The rows are written by triggers, so that no door, service or statement can forget them. A connection carries who acts
-- in the setting farwatch.actor (JSON, control_plane/domain/tenants/actor.py); while it is empty, Farwatch itself works, and
-- nothing is recorded. What belongs to no tenant is the operator's (the tenant of nothing but noughts).
CREATE TABLE audit (
    tenant_id   uuid NOT NULL,              -- no foreign key: what was done outlives whom it was done to
    id          uuid NOT NULL,
    at          timestamptz NOT NULL,
    actor_kind  text NOT NULL,
    actor_id    uuid,
    actor       text NOT NULL,              -- as it was called then: the key's label, the person's name
    source      text NOT NULL,              -- ui | api | cli | mcp | file | terraform
    address     text,
    trace_id    text,
    operation   text NOT NULL,              -- of the request, such as pause_monitor
    action      text NOT NULL,              -- created | updated | deleted, or what was written to an incident
    object_kind text NOT NULL,
    object_id   text NOT NULL,
    object_name text,
    changes     jsonb NOT NULL DEFAULT '{}',    -- of an update: column -> [before, after]; '***' for what is secret
    CONSTRAINT audit_pkey PRIMARY KEY (tenant_id, id)
);
CREATE INDEX audit_object ON audit (tenant_id, object_kind, object_id, id);
CREATE INDEX audit_age ON audit (at);

GRANT SELECT ON audit TO farwatch_app, farwatch_tenant;    -- nobody changes it: the trigger works for the owner
ALTER TABLE audit ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON audit TO farwatch_app USING (true);
CREATE POLICY own_rows ON audit TO farwatch_tenant USING (tenant_id = (SELECT farwatch_tenant_id()));

-- A UUIDv7 (RFC 9562 section 5.7) of the clock's instant, which PostgreSQL itself makes only from version 18 on.
CREATE FUNCTION farwatch_uuid7() RETURNS uuid LANGUAGE sql VOLATILE PARALLEL SAFE
    RETURN encode(
        set_byte(
            overlay(
                uuid_send(gen_random_uuid())
                PLACING substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3) FROM 1 FOR 6),
            6, (get_byte(uuid_send(gen_random_uuid()), 0) & 15) | 112),
        'hex')::uuid;

-- What changed between two rows, column by column, without what changes by itself and with '***' for what is secret.
CREATE FUNCTION farwatch_changes(before jsonb, after jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (
        SELECT coalesce(jsonb_object_agg(a.key, CASE
            WHEN a.key ~ '(sealed|digest|secret|token|ping_id|previous_id)' THEN '"***"'::jsonb
            ELSE jsonb_build_array(before -> a.key, a.value) END), '{}')
        FROM jsonb_each(after) AS a
        WHERE before -> a.key IS DISTINCT FROM a.value
          AND a.key <> ALL (ARRAY['updated_at', 'revision', 'last_used_at', 'last_seen_at', 'write_source', 'check_version',
              'first_slot', 'consecutive_failures', 'last_delivered_at', 'last_error', 'covered_at', 'next_starts_at',
              'next_ends_at', 'current_starts_at', 'current_ends_at'])
    );

-- farwatch_audit('kind' [, 'column of the id' [, 'action']]): the trigger of a table whose rows people configure.
CREATE FUNCTION farwatch_audit() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
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

CREATE TRIGGER audited AFTER INSERT OR UPDATE OR DELETE ON tenants FOR EACH ROW EXECUTE FUNCTION farwatch_audit('tenant');
CREATE TRIGGER audited AFTER INSERT OR UPDATE OR DELETE ON api_keys FOR EACH ROW EXECUTE FUNCTION farwatch_audit('key');
CREATE TRIGGER audited AFTER INSERT OR UPDATE OR DELETE ON regions FOR EACH ROW EXECUTE FUNCTION farwatch_audit('region');
CREATE TRIGGER audited AFTER INSERT OR UPDATE OR DELETE ON agents FOR EACH ROW EXECUTE FUNCTION farwatch_audit('agent');
CREATE TRIGGER audited AFTER INSERT OR UPDATE OR DELETE ON channels FOR EACH ROW EXECUTE FUNCTION farwatch_audit('channel');
CREATE TRIGGER audited AFTER INSERT OR UPDATE OR DELETE ON monitors FOR EACH ROW EXECUTE FUNCTION farwatch_audit('monitor');
CREATE TRIGGER audited AFTER INSERT OR UPDATE OR DELETE ON maintenance_windows FOR EACH ROW EXECUTE FUNCTION farwatch_audit('maintenance');
-- A rotated ping address; what else changes there is what the pings say.
CREATE TRIGGER audited AFTER UPDATE OF ping_id ON heartbeats FOR EACH ROW EXECUTE FUNCTION farwatch_audit('heartbeat', 'monitor_id');
-- What verdicts open in a person's request is not that person's deed; what people declare, change and write is.
CREATE TRIGGER audited_declared AFTER INSERT ON incidents FOR EACH ROW WHEN (NEW.origin = 'person')
    EXECUTE FUNCTION farwatch_audit('incident');
CREATE TRIGGER audited AFTER UPDATE ON incidents FOR EACH ROW EXECUTE FUNCTION farwatch_audit('incident');
CREATE TRIGGER audited AFTER INSERT ON incident_events FOR EACH ROW WHEN (NEW.kind IN ('note', 'public_update'))
    EXECUTE FUNCTION farwatch_audit('incident', 'incident_id', 'kind');
CREATE TRIGGER audited AFTER UPDATE ON operator_incidents FOR EACH ROW EXECUTE FUNCTION farwatch_audit('operator_incident');
-- A dead letter that somebody sends again.
CREATE TRIGGER audited AFTER UPDATE ON deliveries FOR EACH ROW WHEN (OLD.state = 'dead' AND NEW.state = 'pending')
    EXECUTE FUNCTION farwatch_audit('delivery');
