-- What people see first, however much there is: incidents in the order of their list, and audit rows that cost less.
-- depends: 0033.shares_and_feeds

-- What the overview counts and orders monitors by: read from here alone, it is a twentieth of the table.
CREATE INDEX monitors_listed ON monitors (tenant_id, id) INCLUDE (number, "group", enabled);
CREATE INDEX incidents_listed ON incidents (tenant_id, (state = 'resolved'), opened_at DESC, number DESC);

-- As before, at less than half the cost: a language that keeps its plan (of one in SQL, the stored text was read and
-- planned anew for every row), and both rows side by side. They are of one table, so they have the same keys in the same
-- order.
CREATE OR REPLACE FUNCTION farwatch_changes(before jsonb, after jsonb) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
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
