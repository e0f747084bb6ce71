"""What an edit of a monitor does to the certificates that it has shown."""

from __future__ import annotations

from uuid import UUID

import pytest

from control_plane.services.fleet.ingest_results import Reporter, ingest_results
from tests.support.certificates import shows
from tests.support.reporting import now_ms, reporters
from tests.support.tenant_world import World


async def _show(world: World, reporter: Reporter, monitor_id: str, name: str, *, version: int, later: int) -> None:
    item = shows(name, monitor_id=UUID(monitor_id), slot=now_ms() + later, check_version=version)
    taken = await ingest_results(world.database, reporter, sent_at=now_ms(), items=[item])
    assert taken.statuses == ("stored",)


@pytest.mark.parametrize(
    ("change", "alerts"),
    [
        ({"check": {"host": "b.example.com"}}, 0),
        ({"check": {"port": 8443}}, 0),
        ({"check": {"server_name": "b.example.com"}}, 0),
        ({"check": {"warn_days": 30}}, 1),
        ({"interval": 7200}, 1),
        ({"name": "Renamed"}, 1),
    ],
)
async def test_another_server_begins_anew_and_anything_else_does_not(
    world: World, change: dict[str, object], alerts: int
) -> None:
    monitor_id = (await world.monitor(check="tls://a.example.com:443"))["id"]
    reporter = (await reporters(world))["eu"]
    await _show(world, reporter, monitor_id, "old", version=1, later=0)

    reply = await world.http.patch(f"/api/v1/monitors/{monitor_id}", json=change)

    assert reply.status_code == 200, reply.text
    (row,) = await world.rows("SELECT check_version FROM monitors")
    await _show(world, reporter, monitor_id, "new", version=row["check_version"], later=1000)
    told = await world.rows("SELECT data FROM events WHERE event = 'certificate.alert'")
    assert len(told) == alerts


async def test_a_pause_does_not_hide_a_change(world: World) -> None:
    monitor_id = (await world.monitor(check="tls://a.example.com:443"))["id"]
    reporter = (await reporters(world))["eu"]
    await _show(world, reporter, monitor_id, "old", version=1, later=0)
    for verb in ("pause", "resume"):
        reply = await world.http.post(f"/api/v1/monitors/{monitor_id}/{verb}")
        assert reply.status_code == 200, reply.text

    (row,) = await world.rows("SELECT check_version FROM monitors")
    await _show(world, reporter, monitor_id, "new", version=row["check_version"], later=1000)

    assert len(await world.rows("SELECT FROM events WHERE event = 'certificate.alert'")) == 1
