"""The link in a message by which whoever reads it acknowledges the incident."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID

import httpx
import pytest

from control_plane.domain.alerting.acknowledge_link import Acknowledgeable, acknowledge_token
from control_plane.store.pool import Database
from tests.support import seed
from tests.support.outbox import SETTINGS, Outbox
from tests.support.serving import control_plane, settings_with

FORM = {"content-type": "application/x-www-form-urlencoded"}


@dataclass
class Stage:
    outbox: Outbox
    http: httpx.AsyncClient
    channel_id: UUID
    incident_id: UUID

    @property
    def path(self) -> str:
        what = Acknowledgeable(self.outbox.tenant_id, self.incident_id, self.channel_id)
        return f"/ack/{acknowledge_token(what, pepper=seed.PEPPER)}"

    async def state(self) -> tuple[str, str | None]:
        async with self.outbox.database.app() as conn:
            row = await conn.fetchrow("SELECT state, acknowledged_by FROM incidents WHERE id = $1", self.incident_id)
        assert row is not None
        return row["state"], row["acknowledged_by"]


@pytest.fixture
async def stage(database: Database) -> AsyncIterator[Stage]:
    settings = settings_with(delivery={"allow_cidrs": SETTINGS.allow_cidrs})
    async with control_plane(database, settings) as plane, plane.client() as http:
        outbox = await Outbox.make(database)
        channel_id = await outbox.channel("http://127.0.0.1:9/x", name="Night shift")
        yield Stage(outbox, http, channel_id, await outbox.incident())


async def test_looking_only_asks_and_the_button_acknowledges(stage: Stage) -> None:
    asked = await stage.http.get(stage.path)
    assert asked.status_code == 200
    assert "Acknowledge</button>" in asked.text
    assert "Night shift" in asked.text
    assert asked.headers["cache-control"] == "no-store"
    assert await stage.state() == ("triggered", None)
    done = await stage.http.post(stage.path, content=b"name=Ada+Lovelace", headers=FORM)
    assert done.status_code == 200
    assert "<h1>Acknowledged</h1>" in done.text
    assert await stage.state() == ("acknowledged", "Ada Lovelace (through Night shift)")
    assert "Acknowledged already" in (await stage.http.get(stage.path)).text


async def test_a_second_person_does_not_take_it_over(stage: Stage) -> None:
    await stage.http.post(stage.path, content=b"name=Ada", headers=FORM)
    again = await stage.http.post(stage.path, content=b"name=Bob", headers=FORM)
    assert again.status_code == 200
    assert await stage.state() == ("acknowledged", "Ada (through Night shift)")


async def test_nobody_needs_to_say_a_name_and_rubbish_in_it_stays_text(stage: Stage) -> None:
    await stage.http.post(stage.path, content=b"name=%3Cscript%3E%00%0Ax%E2%80%AEy" + b"z" * 300, headers=FORM)
    _, by = await stage.state()
    assert by is not None
    assert by.startswith("<script> x y" + "z" * 50)
    assert len(by) < 130
    assert "<script> x" not in (await stage.http.get(stage.path)).text


async def test_a_resolved_incident_says_so(stage: Stage) -> None:
    await stage.outbox.execute("UPDATE incidents SET state = 'resolved', resolved_at = now()")
    assert "This incident is over" in (await stage.http.post(stage.path, content=b"", headers=FORM)).text


async def test_links_that_are_not_ours_and_those_of_deleted_channels_are_told_alike(stage: Stage) -> None:
    foreign = Acknowledgeable(stage.outbox.tenant_id, stage.incident_id, stage.channel_id)
    forged = f"/ack/{acknowledge_token(foreign, pepper=b'another pepper of 32 bytes......')}"
    pages = [await stage.http.get(path) for path in (forged, "/ack/x", "/ack/" + "A" * 86)]
    await stage.outbox.execute("DELETE FROM channels")
    pages.append(await stage.http.post(stage.path, content=b"", headers=FORM))
    assert {page.status_code for page in pages} == {404}
    assert len({page.text for page in pages}) == 1
    assert (await stage.state())[0] == "triggered"


async def test_a_form_that_cannot_be_read_is_refused(stage: Stage) -> None:
    refused = await stage.http.post(stage.path, content=b"name=\xff", headers=FORM)
    assert refused.status_code == 400
    assert (await stage.state())[0] == "triggered"
