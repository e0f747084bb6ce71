"""What the auditor asks: each question finds the rows that break an invariant.

Columns are named, so that new ones change nothing. Kinds without regions have one vote, of no region; incidents
declared by people have the origin person and rest on no votes.
"""

from __future__ import annotations

from msgspec import Struct


class Question(Struct, frozen=True):
    """`sql` finds what breaks it. `settled`: only asked of a system that has had time to come to rest."""

    invariant: str
    what: str
    sql: str
    settled: bool = False


# How many votes prove an outage (r) of the regions that an incident names, and how many prove that it is up (q).
_PROOF = """
WITH proof AS (
    SELECT i.tenant_id, i.id, i.monitor_id, i.type, i.evidence, m.confirmations, m.check_version, m.regions,
           jsonb_array_length(i.evidence) AS n,
           coalesce((m."check"->>'timeout')::float8, 0) + 30000 + 2000 * CASE WHEN m.backoff_when_down
               THEN greatest(m.interval_s, 300) ELSE m.interval_s END AS window_ms,
           CASE m.region_policy WHEN 'any' THEN 1 WHEN 'all' THEN jsonb_array_length(i.evidence)
               WHEN 'count' THEN least(m.region_policy_count, jsonb_array_length(i.evidence))
               ELSE jsonb_array_length(i.evidence) / 2 + 1 END AS r,
           coalesce((SELECT max(e.at) FROM incident_events e WHERE e.tenant_id = i.tenant_id AND e.incident_id = i.id
                     AND e.kind = 'worsened'), i.opened_at) AS proven_at
    FROM incidents i JOIN monitors m ON m.tenant_id = i.tenant_id AND m.id = i.monitor_id
    WHERE i.origin = 'monitor' AND m.updated_at <= i.opened_at AND i.opened_at > now() - interval '1 day'
), vote AS (
    SELECT p.*, e.said, e.said->>'region' AS region, (e.said->>'newest_slot')::timestamptz AS newest,
           extract(epoch FROM (e.said->>'newest_slot')::timestamptz) * 1000 AS newest_ms,
           extract(epoch FROM (e.said->>'first_bad_slot')::timestamptz) * 1000 AS first_ms
    FROM proof p, jsonb_array_elements(p.evidence) AS e (said)
), accusing AS (
    SELECT * FROM vote WHERE (said->>'fresh')::boolean
        AND (said->>'vote' = 'down' OR (type = 'degraded' AND (said->>'degraded')::boolean))
)
"""
# Results in a row are not to be told from late ones afterwards, so there are at least as many as it takes.
_COUNTED = """
SELECT count(*) FROM results x JOIN regions g ON g.id = x.region_id
WHERE x.tenant_id = a.tenant_id AND x.monitor_id = a.monitor_id AND g.slug = a.region AND x.outcome = 2
    AND x.check_version = a.check_version AND x.slot BETWEEN a.first_ms AND a.newest_ms
"""
_CHAIN = """
WITH chain AS (
    SELECT tenant_id, monitor_id, at, number, previous, verdict,
           lag(verdict) OVER own AS before, lag(number) OVER own AS earlier,
           lag(at) OVER (PARTITION BY tenant_id, monitor_id ORDER BY number) AS at_before
    FROM transitions WINDOW own AS (PARTITION BY tenant_id, monitor_id ORDER BY at, number)
)
"""
_NOTICES = """
WITH owed AS (
    SELECT i.tenant_id, i.id AS incident_id, i.state, i.resolution, m.notify_recovery, b.channel_id
    FROM incidents i JOIN monitors m ON m.tenant_id = i.tenant_id AND m.id = i.monitor_id
    JOIN monitor_channels b ON b.tenant_id = m.tenant_id AND b.monitor_id = m.id AND b.events IS NULL
    JOIN channels c ON c.tenant_id = b.tenant_id AND c.id = b.channel_id AND c.enabled
    WHERE i.origin = 'monitor' AND m.updated_at <= i.opened_at AND c.created_at <= i.opened_at
        AND c.updated_at <= i.opened_at
)
"""
# Regions of running monitors none of whose agents has been live for 90 s, while somebody watched for as long.
_SILENT = """
WITH watch AS (
    SELECT FROM installation WHERE name = 'fleet_watch' AND (value->>'last')::timestamptz > now() - interval '40 s'
        AND (value->>'since')::timestamptz < now() - interval '90 s'
), silent AS (
    SELECT r.id, r.slug, r.tenant_id FROM regions r JOIN agents a ON a.region_id = r.id AND a.enabled
    WHERE r.enabled AND EXISTS (SELECT FROM watch) AND EXISTS (
        SELECT FROM assignments s JOIN monitors m ON m.tenant_id = s.tenant_id AND m.id = s.monitor_id AND m.enabled
        JOIN tenants t ON t.id = m.tenant_id AND t.suspended_at IS NULL
        WHERE s.region_id = r.id AND s.removed_at IS NULL)
    GROUP BY r.id HAVING max(a.lease_until) < now() - interval '90 s'
)
"""

QUESTIONS: tuple[Question, ...] = (
    Question(
        "1",
        "a result is stored twice",
        "SELECT monitor_id, region_id, slot FROM results GROUP BY monitor_id, region_id, slot HAVING count(*) > 1",
    ),
    Question(
        "2",
        "several automatic incidents of a monitor are open",
        """SELECT tenant_id, monitor_id, array_agg(number ORDER BY number) AS numbers FROM incidents
        WHERE origin = 'monitor' AND state <> 'resolved' AND monitor_id IS NOT NULL
        GROUP BY tenant_id, monitor_id HAVING count(*) > 1""",
    ),
    Question(
        "3",
        "an incident stores no votes",
        _PROOF + "SELECT id, monitor_id FROM proof WHERE n = 0",
    ),
    Question(
        "3",
        "an incident opened on too few fresh votes",
        _PROOF
        + """SELECT p.id, p.monitor_id, p.r, p.n, count(a.id) AS fresh FROM proof p LEFT JOIN accusing a ON a.id = p.id
        WHERE p.n > 0 GROUP BY p.id, p.monitor_id, p.r, p.n, p.type
        HAVING count(a.id) < CASE WHEN p.type = 'degraded' THEN least(p.r, p.n - p.r + 1) ELSE p.r END""",
    ),
    Question(
        "3",
        "a vote that proved an incident has fewer slots than confirmations",
        _PROOF
        + """SELECT id, monitor_id, region, confirmations, said->'slots' AS slots FROM accusing
        WHERE region IS NOT NULL AND (said->>'slots')::integer < confirmations""",
    ),
    Question(
        "3",
        "a vote that proved an incident has too few results behind it",
        _PROOF
        + f"""SELECT a.id, a.monitor_id, a.region FROM accusing a
        WHERE a.region IS NOT NULL AND a.said->>'vote' = 'down' AND ({_COUNTED}) < a.confirmations""",
    ),
    Question(
        "3",
        "a region that proved an incident is not one of the monitor's",
        _PROOF
        + """SELECT a.id, a.monitor_id, a.region FROM accusing a JOIN regions g ON g.slug = a.region
        WHERE g.id <> ALL (a.regions)""",
    ),
    Question(
        "4",
        "a notice has several deliveries",
        """SELECT tenant_id, incident_id, channel_id, notice, ordinal FROM deliveries
        WHERE incident_id IS NOT NULL AND channel_id IS NOT NULL
        GROUP BY tenant_id, incident_id, channel_id, notice, ordinal HAVING count(*) > 1""",
    ),
    Question(
        "4",
        "an opening that a channel was owed has no delivery",
        _NOTICES
        + """SELECT o.incident_id, o.channel_id FROM owed o WHERE NOT EXISTS (
            SELECT FROM deliveries d WHERE d.tenant_id = o.tenant_id AND d.incident_id = o.incident_id
                AND d.channel_id = o.channel_id AND d.notice = 'opened')""",
    ),
    Question(
        "4",
        "a recovery that a channel was owed has no delivery",
        _NOTICES
        + """SELECT o.incident_id, o.channel_id FROM owed o
        WHERE o.state = 'resolved' AND o.resolution = 'recovered' AND o.notify_recovery AND NOT EXISTS (
            SELECT FROM deliveries d WHERE d.tenant_id = o.tenant_id AND d.incident_id = o.incident_id
                AND d.channel_id = o.channel_id AND d.notice = 'resolved')""",
    ),
    Question(
        "4",
        "a delivery ended without a reason",
        """SELECT tenant_id, id, state FROM deliveries WHERE state IN ('dead', 'cancelled') AND reason IS NULL
        UNION ALL SELECT tenant_id, id, state FROM deliveries WHERE (state = 'pending') <> (finished_at IS NULL)""",
    ),
    Question(
        "4",
        "a delivery is called delivered and no attempt was",
        """SELECT d.tenant_id, d.id FROM deliveries d WHERE d.state = 'delivered' AND d.channel_kind = 'webhook'
        AND NOT EXISTS (SELECT FROM delivery_attempts a WHERE a.tenant_id = d.tenant_id AND a.delivery_id = d.id
                        AND a.outcome = 'delivered')""",
    ),
    Question(
        "4",
        "a delivery has been due for a minute",
        "SELECT tenant_id, id, due_at FROM deliveries WHERE state = 'pending' AND due_at < now() - interval '1 minute'",
        settled=True,
    ),
    Question(
        "5",
        "an expired vote proved an incident",
        _PROOF
        + """SELECT id, monitor_id, region, newest, proven_at FROM accusing
        WHERE region IS NOT NULL AND newest_ms + window_ms < floor(extract(epoch FROM proven_at) * 1000)""",
    ),
    Question(
        "5",
        "a slot more than 30 s ahead proved an incident",
        _PROOF
        + """SELECT id, monitor_id, region, newest, proven_at FROM accusing
        WHERE region IS NOT NULL AND newest > proven_at + interval '30 s'""",
    ),
    Question(
        "6",
        "an incident opened while nothing was proven",
        """SELECT i.id, i.monitor_id, t.verdict FROM incidents i CROSS JOIN LATERAL (
            SELECT verdict FROM transitions t WHERE t.tenant_id = i.tenant_id AND t.monitor_id = i.monitor_id
                AND t.at <= i.opened_at ORDER BY at DESC, number DESC LIMIT 1) t
        WHERE i.origin = 'monitor' AND (t.verdict IN ('unknown', 'up') OR (t.verdict = 'degraded' AND i.type = 'down'
            AND NOT EXISTS (SELECT FROM incident_events e WHERE e.tenant_id = i.tenant_id AND e.incident_id = i.id
                            AND e.kind = 'worsened')))""",
    ),
    Question(
        "6",
        "several of the operator's incidents say the same",
        """SELECT kind, subject FROM operator_incidents WHERE state <> 'resolved'
        GROUP BY kind, subject HAVING count(*) > 1""",
    ),
    Question(
        "6",
        "a region has been silent for 90 s and the operator was not told",
        _SILENT
        + """SELECT s.slug FROM silent s WHERE NOT EXISTS (
            SELECT FROM operator_incidents o WHERE o.state <> 'resolved' AND (
                (o.kind = 'region_silent' AND o.region_id = s.id)
                OR (o.kind = 'monitors_silent' AND s.tenant_id IS NULL)))""",
    ),
    Question(
        "9",
        "a transition does not follow from the one before",
        _CHAIN
        + """SELECT tenant_id, monitor_id, at, number, previous, verdict, before FROM chain
        WHERE previous = verdict OR (before IS NOT NULL AND previous <> before)""",
    ),
    Question(
        "9",
        "a transition is dated before the one decided earlier",
        _CHAIN + "SELECT tenant_id, monitor_id, at, number FROM chain WHERE at < at_before OR number < earlier",
    ),
    Question(
        "9",
        "a monitor's verdict is not that of its newest transition",
        """SELECT s.tenant_id, s.monitor_id, s.verdict, t.verdict AS newest FROM monitor_states s LEFT JOIN LATERAL (
            SELECT verdict FROM transitions t WHERE t.tenant_id = s.tenant_id AND t.monitor_id = s.monitor_id
            ORDER BY at DESC, number DESC LIMIT 1) t ON true
        WHERE s.verdict <> coalesce(t.verdict, 'unknown')""",
    ),
    Question(
        "10",
        "a monitor is down and no incident is open",
        """SELECT s.tenant_id, s.monitor_id FROM monitor_states s
        JOIN monitors m ON m.tenant_id = s.tenant_id AND m.id = s.monitor_id
        WHERE s.verdict = 'down' AND m.enabled AND NOT s.hushed AND s.held_since IS NULL AND s.hold_ended_at IS NULL
            AND s.waits_until IS NULL AND NOT EXISTS (
                SELECT FROM incidents i WHERE i.tenant_id = s.tenant_id AND i.monitor_id = s.monitor_id
                    AND i.origin = 'monitor' AND i.state <> 'resolved')""",
        settled=True,
    ),
    Question(
        "10",
        "a monitor is up and its incident is open",
        """SELECT i.tenant_id, i.monitor_id, i.id FROM incidents i
        JOIN monitor_states s ON s.tenant_id = i.tenant_id AND s.monitor_id = i.monitor_id AND s.verdict = 'up'
        WHERE i.origin = 'monitor' AND i.state <> 'resolved' AND i.type <> 'flapping' AND NOT EXISTS (
            SELECT FROM incident_events e WHERE e.tenant_id = i.tenant_id AND e.incident_id = i.id
                AND e.kind = 'reopened')""",
        settled=True,
    ),
    Question(
        "events",
        "numbers were taken and no event has them",
        """SELECT tenant_id, min(number) AS first, max(number) AS last, count(*) AS events FROM events
        GROUP BY tenant_id HAVING count(*) <> max(number) - min(number) + 1""",
    ),
    Question(
        "events",
        "a tenant's counter is not at its newest number",
        """SELECT c.tenant_id, c.events, e.newest FROM tenant_counters c
        JOIN (SELECT tenant_id, max(number) AS newest FROM events GROUP BY tenant_id) e USING (tenant_id)
        WHERE c.events <> e.newest""",
    ),
    Question(
        "events",
        "a transition has no event of its number",
        """SELECT t.tenant_id, t.monitor_id, t.number FROM transitions t
        WHERE t.number > (SELECT min(number) FROM events e WHERE e.tenant_id = t.tenant_id) AND NOT EXISTS (
            SELECT FROM events e WHERE e.tenant_id = t.tenant_id AND e.number = t.number
                AND e.monitor_id = t.monitor_id)""",
    ),
)
