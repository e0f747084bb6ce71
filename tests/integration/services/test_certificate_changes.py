"""From the certificates that results carry to one event per change, on a real database."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from msgspec.structs import replace

from control_plane.services.fleet.ingest_results import ingest_results
from control_plane.services.monitors.delete_monitor import delete_monitor
from control_plane.store.pool import Database
from shared.ids import MonitorId, TenantId
from shared.results import CheckResult, Outcome
from tests.support import seed
from tests.support.certificates import facts, fingerprint, shows
from tests.support.deciding import Stage, now_ms

AT_ONCE = 40
ROUNDS = 6


@pytest.fixture
async def stage(database: Database) -> Stage:
    made = await Stage.make(database, regions=("ap", "eu", "us"), kind="tls_cert")
    await made.all_up()
    return made


async def alerts(stage: Stage) -> list[dict[str, Any]]:
    rows = await stage.rows("SELECT number, data FROM events WHERE event = 'certificate.alert' ORDER BY number")
    return [json.loads(row["data"]) for row in rows]


def seen(stage: Stage, name: str, *, at: float, **more: Any) -> CheckResult:
    return shows(name, monitor_id=stage.monitor_id, slot=stage.slot(at), **more)


async def test_a_certificate_in_the_place_of_another_is_told_of_once(stage: Stage) -> None:
    await stage.send("eu", [seen(stage, "old", at=0)])
    assert await alerts(stage) == []

    await stage.send("eu", [seen(stage, "new", at=2)])
    await stage.send("us", [seen(stage, "new", at=3)])
    await stage.send("eu", [seen(stage, "new", at=4)])

    (told,) = await alerts(stage)
    assert told == {
        "monitor": told["monitor"],
        "kind": "changed",
        "region": "eu",
        "fingerprint": fingerprint("new"),
        "previous": fingerprint("old"),
        "subject": "CN=new.example",
        "issuer": "CN=Test authority",
        "not_after": "2030-03-17T17:46:40Z",
    }
    assert told["monitor"]["id"] == str(stage.monitor_id)


async def test_a_certificate_that_comes_back_is_no_news(stage: Stage) -> None:
    for at, name in enumerate(("old", "new", "old", "new")):
        await stage.send("eu", [seen(stage, name, at=at)])

    assert len(await alerts(stage)) == 1


async def test_several_new_ones_in_one_batch_are_told_of_in_the_order_of_their_slots(stage: Stage) -> None:
    await stage.send("eu", [seen(stage, name, at=at) for at, name in ((4, "c"), (0, "a"), (2, "b"), (6, "c"))])

    pairs = [(told["previous"], told["fingerprint"]) for told in await alerts(stage)]
    a, b, c = (fingerprint(name) for name in "abc")
    assert pairs == [(a, b), (b, c)]


async def test_a_batch_sent_again_changes_nothing(stage: Stage) -> None:
    batch = [seen(stage, "old", at=0), seen(stage, "new", at=2)]
    await stage.send("eu", batch)
    before = await stage.fingerprint()

    assert await stage.send("eu", batch) == ("duplicate", "duplicate")

    assert await stage.fingerprint() == before


async def test_a_late_result_with_the_older_certificate_is_no_change(stage: Stage) -> None:
    await stage.send("eu", [seen(stage, "new", at=10)])

    assert await stage.send("eu", [seen(stage, "old", at=5)]) == ("late",)
    assert await alerts(stage) == []

    await stage.send("us", [seen(stage, "old", at=12)])
    assert await alerts(stage) == []


async def test_a_new_certificate_does_not_make_a_counted_result_late(stage: Stage) -> None:
    await stage.send("eu", [seen(stage, "old", at=0)])

    assert await stage.send("eu", [seen(stage, "new", at=2)]) == ("stored",)

    assert await stage.vote("eu", "newest_slot") == stage.slot(2)
    assert await stage.vote("eu", "good_run") == 3


async def test_a_change_and_an_outage_in_one_batch_share_the_numbers(stage: Stage) -> None:
    for region in ("eu", "us"):
        await stage.send(region, [seen(stage, "old", at=0)])
    for region in ("eu", "us"):
        await stage.send(region, [seen(stage, "new", at=at, outcome=Outcome.DOWN) for at in (2, 4)])

    rows = await stage.rows("SELECT number, event FROM events ORDER BY number")
    assert [row["number"] for row in rows] == list(range(1, len(rows) + 1))
    assert [row["event"] for row in rows if row["event"].startswith(("certificate", "incident"))] == [
        "certificate.alert",
        "incident.opened",
    ]


async def test_what_does_not_vote_tells_of_no_change(stage: Stage) -> None:
    await stage.send("eu", [seen(stage, "old", at=0)])

    await stage.send("eu", [seen(stage, "skewed", at=1)], sent_at=now_ms() - 31_000)
    await stage.send("eu", [seen(stage, "ahead", at=70)])
    await stage.send("eu", [seen(stage, "error", at=2, outcome=Outcome.ERROR)])
    await stage.send("eu", [seen(stage, "edited", at=3, check_version=2)])

    assert await alerts(stage) == []
    kept = await stage.rows("SELECT fingerprint FROM certificates")
    assert [row["fingerprint"] for row in kept] == [fingerprint("old")]


@pytest.mark.parametrize("text", ["", "no fingerprint", "A" * 64, "\x00" * 64, "a" * 63])
async def test_what_is_no_fingerprint_is_stored_and_left_alone(stage: Stage, text: str) -> None:
    certificate = replace(facts("odd"), fingerprint=text, subject="CN=\x00")

    assert await stage.send("eu", [seen(stage, "odd", at=0, certificate=certificate)]) == ("stored",)

    assert await stage.rows("SELECT FROM certificates") == []


async def test_an_end_beyond_all_calendars_is_told_as_none(stage: Stage) -> None:
    await stage.send("eu", [seen(stage, "old", at=0)])

    await stage.send("eu", [seen(stage, "new", at=2, certificate=facts("new", not_after=2**53))])

    assert [told["not_after"] for told in await alerts(stage)] == [None]


async def test_the_day_of_the_last_showing_is_written_once_a_day(stage: Stage) -> None:
    await stage.send("eu", [seen(stage, "old", at=0)])
    async with stage.database.app() as conn:
        await conn.execute("UPDATE certificates SET last_seen = last_seen - interval '1 day'")

    await stage.send("eu", [seen(stage, "old", at=2)])
    (first,) = await stage.rows("SELECT last_seen, xmin::text FROM certificates")
    await stage.send("us", [seen(stage, "old", at=4)])
    (again,) = await stage.rows("SELECT last_seen, xmin::text FROM certificates")

    assert (first["last_seen"].hour, first["last_seen"].minute) == (0, 0)
    assert again == first


async def test_a_deleted_monitor_takes_its_certificates_along(stage: Stage) -> None:
    await stage.send("eu", [seen(stage, "old", at=0)])

    await delete_monitor(stage.database, tenant_id=TenantId(stage.tenant_id), monitor_id=MonitorId(stage.monitor_id))

    assert await stage.rows("SELECT FROM certificates") == []
    # The assignment's tombstone still lets results in; none of them brings a row back.
    assert await stage.send("eu", [seen(stage, "new", at=2)]) == ("stored",)
    assert await stage.rows("SELECT FROM certificates") == []


async def test_a_region_that_does_not_run_the_monitor_tells_of_nothing(stage: Stage) -> None:
    await stage.send("eu", [seen(stage, "old", at=0)])
    async with stage.database.app() as conn:
        region_id = stage.reporters["us"].region_id
        await conn.execute("DELETE FROM assignments WHERE region_id = $1", region_id)

    assert await stage.send("us", [seen(stage, "forged", at=2)]) == ("rejected:UNKNOWN_MONITOR",)

    assert len(await stage.rows("SELECT FROM certificates")) == 1


@pytest.mark.parametrize("reverse", [False, True])
async def test_two_regions_that_see_the_same_change_at_the_same_instant_tell_of_it_once(
    stage: Stage, dsn: str, reverse: bool
) -> None:
    """Two control planes, many monitors of two tenants, the same order on both sides and the opposite one."""
    other = await Database.connect(dsn, max_size=5)
    try:
        monitors = await _more_monitors(stage)
        for turn in range(ROUNDS):
            theirs = monitors[::-1] if reverse else monitors
            await asyncio.gather(
                _send(stage.database, stage, "eu", monitors, turn), _send(other, stage, "us", theirs, turn)
            )
            changes = await stage.rows(
                "SELECT monitor_id FROM events WHERE event = 'certificate.alert' AND data LIKE $1",
                f'%"fingerprint":"{fingerprint(str(turn))}"%',
            )
            assert sorted(row["monitor_id"] for row in changes) == (sorted(monitors) if turn else [])
    finally:
        await other.close()


async def _more_monitors(stage: Stage) -> list[MonitorId]:
    regions = [reporter.region_id for reporter in stage.reporters.values()]
    async with stage.database.app_transaction() as conn:
        tenants = [TenantId(stage.tenant_id), await seed.a_tenant(conn, "Other")]
        return [await seed.a_monitor(conn, tenants[n % 2], regions, kind="tls_cert") for n in range(AT_ONCE)]


async def _send(database: Database, stage: Stage, region: str, monitors: list[MonitorId], turn: int) -> None:
    """Half of the monitors also change their mind, so that certificates and verdicts are decided together."""
    items = [
        shows(
            str(turn),
            monitor_id=monitor,
            slot=stage.slot(turn),
            outcome=Outcome.DOWN if n % 4 < 2 and turn % 2 else Outcome.UP,
        )
        for n, monitor in enumerate(monitors)
    ]
    taken = await ingest_results(database, stage.reporters[region], sent_at=now_ms(), items=items)
    assert set(taken.statuses) == {"stored"}
