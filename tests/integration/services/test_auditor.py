"""The auditor finds what is broken, and nothing in a sound database."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from control_plane.store.pool import Database
from tests.support import audit_questions, auditor
from tests.support.audit_questions import QUESTIONS
from tests.support.auditor import Breach, audit
from tests.support.deciding import Stage

REGIONS = ("ap", "eu", "us")
SENT = """
INSERT INTO delivery_attempts (tenant_id, delivery_id, attempt, at, duration_ms, outcome)
SELECT tenant_id, id, 1, now(), 5, 'delivered' FROM deliveries
"""
DELIVERED = "UPDATE deliveries SET state = 'delivered', attempts = 1, finished_at = now()"
BY_HAND = """
INSERT INTO incidents (tenant_id, id, number, monitor_id, origin, title, severity, cause, started_at, opened_at)
SELECT tenant_id, gen_random_uuid(), 50 + n, monitor_id, 'person', 'Slow', 'major', 'Seen by people', now(), now()
FROM incidents, generate_series(1, 2) AS n WHERE number = 1
"""
WITHOUT_REGIONS = """
INSERT INTO monitors (tenant_id, id, number, name, kind, "check", first_slot, interval_s, regions, write_source)
VALUES ($1, gen_random_uuid(), 99, 'nightly', 'heartbeat', '{"type": "heartbeat"}', 1, 60, '{}', 'api')
"""
ITS_INCIDENT = """
INSERT INTO incidents (tenant_id, id, number, monitor_id, severity, cause, started_at, opened_at, evidence)
SELECT tenant_id, gen_random_uuid(), 9, id, 'major', 'Down: no ping', now(), now(), jsonb_build_array(
    jsonb_build_object('region', NULL, 'vote', 'down', 'fresh', true, 'degraded', false, 'slots', 1,
        'newest_slot', now() - interval '1 day', 'first_bad_slot', now() - interval '1 day'))
FROM monitors WHERE kind = 'heartbeat'
"""


async def a_sound_world(database: Database) -> Stage:
    """An outage that was told and is over, one that is open, incidents by hand, and a monitor without regions."""
    stage = await Stage.make(database, regions=REGIONS)
    await stage.bind_channel()
    await stage.outage("eu", "us")
    for region in ("eu", "us"):
        for at in (4, 6):
            await stage.report(region, "up", at=at)
    for region in ("eu", "us"):
        for at in (10, 12):
            await stage.report(region, "down", at=at)
    for statement in (SENT, DELIVERED, BY_HAND):
        await stage.rows(statement)
    await stage.rows(WITHOUT_REGIONS, stage.tenant_id)
    await stage.rows(ITS_INCIDENT)
    return stage


async def audited(database: Database, **more: Any) -> list[Breach]:
    async with database.app() as conn:
        return await audit(conn, settled=True, **more)


async def test_a_sound_database_has_no_breach(database: Database) -> None:
    stage = await a_sound_world(database)
    assert [row["state"] for row in await stage.incidents() if row["origin"] == "monitor"] == [
        "resolved",
        "triggered",
        "triggered",
    ]
    assert await audited(database) == []


OPEN = "(SELECT id FROM incidents WHERE number = 2)"
EVIDENCE = f"UPDATE incidents SET evidence = {{}} WHERE id = {OPEN}"
ALL_VOTES = f"""
UPDATE incidents SET evidence = (
    SELECT jsonb_agg(e || {{}}) FROM jsonb_array_elements(evidence) AS each (e)) WHERE id = {OPEN}
"""
WATCHED = """
INSERT INTO installation (name, value)
VALUES ('fleet_watch', jsonb_build_object('since', now() - interval '1 hour', 'last', now()))
"""
REGION_SILENT = (
    WATCHED,
    "UPDATE agents SET lease_until = now() - interval '2 minutes' WHERE region_id = (SELECT min(id) FROM regions)",
)
TOLD_OF_SILENCE = """
INSERT INTO operator_incidents (id, number, kind, subject, region_id, severity, reason, opened_at)
SELECT gen_random_uuid(), 1, 'region_silent', r.id::text, r.id, 'major', 'No agent', now()
FROM regions r WHERE r.id = (SELECT min(id) FROM regions)
"""
COPIED = "CREATE TEMP TABLE again AS SELECT * FROM {0} LIMIT 1; INSERT INTO {0} SELECT * FROM again"

CORRUPTIONS: dict[str, tuple[str, ...]] = {
    "a result is stored twice": (
        "ALTER TABLE results DROP CONSTRAINT results_pkey",
        COPIED.format("results"),
    ),
    "several automatic incidents of a monitor are open": (
        "DROP INDEX incidents_one_open",
        "UPDATE incidents SET state = 'triggered' WHERE number = 1",
    ),
    "an incident stores no votes": (EVIDENCE.format("'[]'"),),
    "an incident opened on too few fresh votes": (ALL_VOTES.format("'{\"fresh\": false}'"),),
    "a vote that proved an incident has fewer slots than confirmations": (ALL_VOTES.format("'{\"slots\": 1}'"),),
    "a vote that proved an incident has too few results behind it": (
        "DELETE FROM results WHERE outcome = 2 AND slot = (SELECT max(slot) FROM results)",
    ),
    "a region that proved an incident is not one of the monitor's": (
        "UPDATE monitors SET regions = regions[1:1] WHERE kind = 'http'",
    ),
    "a notice has several deliveries": (
        "ALTER TABLE deliveries DROP CONSTRAINT deliveries_once",
        "ALTER TABLE deliveries DROP CONSTRAINT deliveries_pkey CASCADE",
        "ALTER TABLE deliveries DROP CONSTRAINT deliveries_number_key",
        COPIED.format("deliveries"),
    ),
    "an opening that a channel was owed has no delivery": ("DELETE FROM deliveries WHERE notice = 'opened'",),
    "a recovery that a channel was owed has no delivery": ("DELETE FROM deliveries WHERE notice = 'resolved'",),
    "a delivery ended without a reason": ("UPDATE deliveries SET state = 'dead', reason = NULL",),
    "a delivery is called delivered and no attempt was": ("DELETE FROM delivery_attempts",),
    "a delivery has been due for a minute": (
        "UPDATE deliveries SET state = 'pending', finished_at = NULL, due_at = now() - interval '2 minutes'",
    ),
    "an expired vote proved an incident": (
        "UPDATE monitors SET interval_s = 10",
        'UPDATE monitors SET "check" = "check" || \'{"timeout": 0}\'',
        f"UPDATE incidents SET opened_at = opened_at + interval '1 minute' WHERE id = {OPEN}",
    ),
    "a slot more than 30 s ahead proved an incident": (
        f"UPDATE incidents SET opened_at = opened_at - interval '1 hour' WHERE id = {OPEN}",
        "UPDATE monitors SET updated_at = updated_at - interval '2 hours'",
    ),
    "an incident opened while nothing was proven": ("DELETE FROM transitions WHERE verdict = 'down'",),
    "several of the operator's incidents say the same": (
        "DROP INDEX operator_incidents_one_open",
        TOLD_OF_SILENCE,
        TOLD_OF_SILENCE.replace(", 1, 'region", ", 2, 'region"),
    ),
    "a region has been silent for 90 s and the operator was not told": REGION_SILENT,
    "a transition does not follow from the one before": ("UPDATE transitions SET previous = 'degraded'",),
    "a transition is dated before the one decided earlier": (
        "UPDATE transitions SET at = at - interval '1 hour' WHERE number = (SELECT max(number) FROM transitions)",
    ),
    "a monitor's verdict is not that of its newest transition": ("UPDATE monitor_states SET verdict = 'degraded'",),
    "a monitor is down and no incident is open": ("UPDATE incidents SET state = 'resolved'",),
    "a monitor is up and its incident is open": ("UPDATE monitor_states SET verdict = 'up'",),
    "numbers were taken and no event has them": ("DELETE FROM events WHERE number = 2",),
    "a tenant's counter is not at its newest number": ("UPDATE tenant_counters SET events = events + 1",),
    "a transition has no event of its number": (
        "UPDATE events SET monitor_id = gen_random_uuid() WHERE number > 1 AND event = 'verdict.changed'",
    ),
}


def test_every_question_has_a_corruption() -> None:
    assert set(CORRUPTIONS) == {question.what for question in QUESTIONS}


@pytest.mark.parametrize("what", list(CORRUPTIONS))
async def test_a_small_corruption_is_found_and_named(database: Database, what: str) -> None:
    await a_sound_world(database)
    async with database.owner() as conn:
        for statement in CORRUPTIONS[what]:
            await conn.execute(statement)
    found = {breach.what: breach for breach in await audited(database)}
    assert what in found, f"only found: {sorted(found)}"
    assert found[what].rows


async def test_a_silence_that_the_operator_was_told_of_is_no_breach(database: Database) -> None:
    stage = await a_sound_world(database)
    for statement in (*REGION_SILENT, TOLD_OF_SILENCE):
        await stage.rows(statement)
    assert await audited(database) == []


async def test_what_a_ledger_had_acknowledged_and_is_not_stored_is_named(database: Database) -> None:
    stage = await a_sound_world(database)
    kept = {(stage.monitor_id, stage.slot(0)): "stored", (stage.monitor_id, stage.slot(99)): "rejected"}
    assert await audited(database, acknowledged={"eu": kept}) == []
    lost = {**kept, (stage.monitor_id, stage.slot(1)): "duplicate"}
    (breach,) = await audited(database, acknowledged={"eu": lost})
    assert (breach.invariant, breach.rows) == (
        "1",
        [{"region": "eu", "monitor_id": stage.monitor_id, "slot": stage.slot(1)}],
    )


def test_the_auditor_has_rules_of_its_own() -> None:
    for module in (auditor, audit_questions):
        assert module.__file__ is not None
        source = Path(module.__file__).read_text(encoding="utf-8")
        assert re.search(r"^(from|import) (control_plane|agent)\b", source, re.MULTILINE) is None
