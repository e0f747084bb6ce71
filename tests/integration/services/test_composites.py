"""Composites in the engine: the vote follows its members, and incidents follow the vote."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest

from control_plane.domain.judging.composite import sole_vote
from control_plane.services.judging.judge_monitors import judge_monitors
from control_plane.services.judging.sweep_verdicts import sweep_verdicts
from control_plane.store import cases, composites
from control_plane.store.pool import Database
from shared.ids import TenantId
from tests.support import seed
from tests.support.deciding import Stage

SET_VERDICT = "UPDATE monitor_states SET verdict = $2, since = now() WHERE monitor_id = $1"


async def a_composite(stage: Stage, at_least: int, of: dict[str, Any], **columns: Any) -> UUID:
    """A composite monitor of the stage's tenant, as its creation leaves it."""
    check = {"type": "composite", "at_least": at_least, "of": of}
    async with stage.database.app_transaction() as conn:
        made = await seed.a_monitor(conn, TenantId(stage.tenant_id), [], kind="composite", check=check, **columns)
        await conn.execute("UPDATE monitor_states SET sole = true WHERE monitor_id = $1", made)
        await judge_monitors(conn, [made])
    return made


async def members(stage: Stage, *verdicts: str, **columns: Any) -> list[UUID]:
    """Other monitors of the stage's tenant with these verdicts."""
    made = []
    async with stage.database.app_transaction() as conn:
        for verdict in verdicts:
            member = await seed.a_monitor(conn, TenantId(stage.tenant_id), [], **columns)
            await conn.execute(SET_VERDICT, member, verdict)
            made.append(UUID(str(member)))
    return made


async def vote(stage: Stage, composite: UUID) -> str | None:
    async with stage.database.app_transaction() as conn:
        states = await cases.lock_states(conn, [composite])
        votes = await composites.sole_votes(conn, states, 0)
    assert set(votes) <= {composite}
    return votes[composite].say if composite in votes else "none at all"


async def stale(stage: Stage) -> list[UUID]:
    async with stage.database.app() as conn:
        return await composites.stale(conn, 0, 100)


def ids(found: Sequence[UUID]) -> dict[str, list[str]]:
    return {"monitors": [str(one) for one in found]}


@pytest.fixture
async def stage(database: Database) -> Stage:
    return await Stage.make(database, regions=["eu"], tags=["edge"])


async def test_listed_members_count_and_those_that_are_gone_do_not(stage: Stage) -> None:
    found = await members(stage, "up", "down")
    composite = await a_composite(stage, 2, ids([*found, seed.new_id()]))
    assert await vote(stage, composite) == "down"
    await stage.rows("DELETE FROM monitors WHERE id = $1", found[1])
    assert await vote(stage, composite) == "up"


async def test_membership_by_tag_is_live_and_never_means_a_composite(stage: Stage) -> None:
    [other] = await members(stage, "up")
    composite = await a_composite(stage, 1, {"tag": "web"}, tags=["web"])
    assert await vote(stage, composite) is None
    await stage.rows("UPDATE monitors SET tags = ARRAY['web'] WHERE id = $1", other)
    assert await vote(stage, composite) == "up"


async def test_another_tenants_monitors_never_count(stage: Stage) -> None:
    async with stage.database.app_transaction() as conn:
        stranger = await seed.a_tenant(conn, "Other")
        theirs = await seed.a_monitor(conn, stranger, [], tags=["web"])
        await conn.execute(SET_VERDICT, theirs, "down")
    assert await vote(stage, await a_composite(stage, 1, ids([theirs]))) is None
    assert await vote(stage, await a_composite(stage, 1, {"tag": "web"})) is None


async def test_a_paused_composite_has_no_vote(stage: Stage) -> None:
    composite = await a_composite(stage, 1, ids(await members(stage, "down")), enabled=False)
    assert await vote(stage, composite) == "none at all"
    assert composite not in await stale(stage)


@pytest.mark.parametrize("at_least", [1, 2, 3])
async def test_the_question_to_all_asks_what_the_rule_says(stage: Stage, at_least: int) -> None:
    """For every pair of verdicts of two members and a paused third, by list and by tag."""
    verdicts = ("up", "degraded", "down", "unknown")
    expected: dict[UUID, tuple[int, int]] = {}
    for one in verdicts:
        for two in verdicts:
            tag = f"{one}-{two}"
            found = await members(stage, one, two, tags=[tag])
            found += await members(stage, "down", tags=[tag], enabled=False)
            for of in (ids(found), {"tag": tag}):
                composite = await a_composite(stage, at_least, of)
                async with stage.database.app_transaction() as conn:
                    states = await cases.lock_states(conn, [composite])
                    counted = await composites.members(conn, states)
                say = sole_vote(counted[composite], at_least=at_least).say
                expected[composite] = (int(say == "up"), int(say == "down"))
    for up, down in ((0, 0), (1, 0), (0, 1)):
        judged_so = "UPDATE monitor_states SET fresh_up = $1, fresh_down = $2 WHERE monitor_id = ANY ($3)"
        await stage.rows(judged_so, up, down, list(expected))
        assert set(await stale(stage)) == {one for one, counts in expected.items() if counts != (up, down)}


async def test_two_of_three_going_down_open_one_incident_of_the_composite_and_it_resolves(stage: Stage) -> None:
    """The members go down by what their region reports."""
    await stage.all_up()
    up, other = await members(stage, "up", "up")
    composite = await a_composite(stage, 2, ids([stage.monitor_id, up, other]))
    assert (await state(stage, composite))["verdict"] == "up"
    await stage.rows(SET_VERDICT, other, "down")
    await sweep_verdicts(stage.database)
    assert (await state(stage, composite))["verdict"] == "up"
    for at in (0, 2):
        await stage.report("eu", "down", at=at)
    await sweep_verdicts(stage.database)
    assert (await state(stage, composite))["verdict"] == "down"
    [incident] = await stage.rows("SELECT * FROM incidents WHERE monitor_id = $1", composite)
    assert "1 of 3 monitors is up, 2 are needed" in incident["cause"]
    for at in (4, 6):
        await stage.report("eu", "up", at=at)
    await sweep_verdicts(stage.database)
    [incident] = await stage.rows("SELECT * FROM incidents WHERE monitor_id = $1", composite)
    assert incident["state"] == "resolved"
    assert await stale(stage) == []


async def state(stage: Stage, monitor_id: UUID) -> dict[str, Any]:
    return (await stage.rows("SELECT * FROM monitor_states WHERE monitor_id = $1", monitor_id))[0]
