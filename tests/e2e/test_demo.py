"""`farwatch demo`: one command, 90 days that agree with one another wherever they are read, and an outage to watch."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import sys
import tempfile
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from control_plane.postgres import PostgresServer
from tests.support.farm import free_port
from tests.support.independent_uptime import by_the_second, percentage, read_rows
from tests.support.waiting import until_async

pytestmark = pytest.mark.slow

KINDS = {"http", "tcp", "dns", "ping", "tls_cert", "domain_expiry", "heartbeat", "composite"}
DAY = timedelta(days=1)
HELD = {"booking-api", "checkout"}
"""What depends on what was down: of some of their outages there is no incident of their own."""


@dataclass
class Demo:
    """A running demo: what it printed, and clients for its API and for its switchboard."""

    process: asyncio.subprocess.Process
    printed: dict[str, str]
    api: httpx.AsyncClient
    log: Path

    async def all(self, path: str, **params: str) -> list[dict[str, Any]]:
        answer = await self.api.get(path, params={"limit": "100", **params})
        assert answer.status_code == 200, answer.text
        items: list[dict[str, Any]] = answer.json()["items"]
        return items


@pytest.fixture
def data() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="fw-demo-", dir="/tmp") as directory:
        Path(directory).chmod(0o755)  # the server runs as a user of its own
        yield Path(directory) / "data"


@asynccontextmanager
async def a_demo(data: Path, port: int, *more: str) -> AsyncIterator[Demo]:
    log = data.parent / "demo.log"
    plain = {name: value for name, value in os.environ.items() if not name.startswith("FARWATCH_")}
    with log.open("ab") as err:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "control_plane", "demo", f"--data={data}", f"--port={port}", *more),
            stdout=asyncio.subprocess.PIPE,
            stderr=err,
            env=plain,
        )
    try:
        printed = await _printed(process, log)
        headers = {"Authorization": f"Bearer {printed['Key']}"}
        url = f"http://127.0.0.1:{port}/api/v1"
        async with httpx.AsyncClient(base_url=url, headers=headers, trust_env=False, timeout=20) as api:
            yield Demo(process, printed, api, log)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(process.wait(), 40) == 0, log.read_text()


async def _printed(process: asyncio.subprocess.Process, log: Path) -> dict[str, str]:
    assert process.stdout is not None
    found = {}
    async with asyncio.timeout(90):
        while "Key" not in found:
            line = (await process.stdout.readline()).decode()
            assert line, f"it ended, see {log}"
            name, _, value = line.strip().partition("  ")
            found[name] = value.strip()
    return found


async def refused(*arguments: str) -> str:
    """What the command says when it refuses."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "control_plane", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 1, out.decode()
    return out.decode()


async def test_the_demo_shows_ninety_days_and_an_outage_and_goes_on_where_it_was(data: Path) -> None:
    port = free_port()
    async with a_demo(data, port) as demo:
        monitors = await demo.all("/monitors")
        assert {each["check"]["type"] for each in monitors} == KINDS
        slas = [(await demo.api.get(f"/monitors/{each['id']}/sla")).json() for each in monitors if each["sla"]]
        assert {each["state"] for each in slas} == {"met", "at_risk", "breached"}
        await the_past_agrees_with_itself(demo, data, monitors)
        await the_public_sees_the_same(demo, monitors)
        assert "A demo is running" in await refused("demo", f"--data={data}", f"--port={port}", "--fresh")
        await an_outage_is_made_and_mended(demo, monitors)
        await the_link_signs_in(demo)
        told = len(await demo.all("/incidents"))

    async with a_demo(data, port) as again:
        assert {each["id"] for each in await again.all("/monitors")} == {each["id"] for each in monitors}
        assert len(await again.all("/incidents")) >= told
        assert await again.all("/monitors", state="paused"), "the paused one stays so"
    assert "was not made by" in await refused("demo", f"--data={data.parent}", "--fresh")


async def the_past_agrees_with_itself(demo: Demo, data: Path, monitors: list[dict[str, Any]]) -> None:
    """Uptime is what the rows say second by second, and each outage has its incident, or is held by another's."""
    incidents: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for incident in await demo.all("/incidents"):
        incidents[incident["monitor"]["id"]].append(incident)
    assert sum(map(len, incidents.values())) > 30
    connection = await asyncpg.connect(PostgresServer(data / "postgres").dsn())
    try:
        for monitor in monitors:
            rows = await read_rows(connection, monitor["id"])
            days = (await demo.api.get(f"/monitors/{monitor['id']}/uptime/daily", params={"days": "91"})).json()["days"]
            await seconds_agree(rows, days[:-1])
            outages_are_told(monitor["key"], rows, incidents[monitor["id"]])
    finally:
        await connection.close()


async def seconds_agree(rows: dict[str, Any], days: list[dict[str, Any]]) -> None:
    eventful = [day for day in days if day["seconds"]["up"] != 86_400][-2:]
    for day in eventful:
        start = datetime.fromisoformat(day["date"]).replace(tzinfo=UTC)
        counted = by_the_second(**rows, start=start, end=start + DAY)
        said = {state: seconds for state, seconds in day["seconds"].items() if seconds}
        assert (said, day["uptime_pct"]) == (counted, percentage(counted))


def outages_are_told(key: str, rows: dict[str, Any], incidents: list[dict[str, Any]]) -> None:
    changes = rows["transitions"]
    planned = [(begins, ends) for kind, begins, ends in rows["periods"] if kind == "maintenance"]
    outages = {
        (since, until)
        for (since, verdict), (until, _) in itertools.pairwise(changes)
        if verdict == "down" and not any(begins <= since < ends for begins, ends in planned)
    }
    told = {(at(incident["opened_at"]), at(incident["resolved_at"])) for incident in incidents}
    assert told <= outages, key
    assert told == outages or key in HELD, (key, outages - told)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


async def the_public_sees_the_same(demo: Demo, monitors: list[dict[str, Any]]) -> None:
    page = demo.printed["Status page"]
    origin, _, slug = page.partition("/status/")
    public = f"{origin}/api/public/v1/pages/{slug}"
    by_name = {"Website": "website", "Payment": "checkout", "Departures for partners": "partner"}
    components = (await demo.api.get(f"{public}/components")).json()["items"]
    for component in components:
        if component["name"] in by_name:
            monitor = next(each for each in monitors if each["key"] == by_name[component["name"]])
            history = (await demo.api.get(f"{public}/components/{component['id']}/history")).json()["days"]
            daily = await demo.api.get(f"/monitors/{monitor['id']}/uptime/daily", params={"days": "90"})
            assert [(day["date"], day["down_secs"]) for day in history[:-1]] == [
                (day["date"], day["seconds"]["down"]) for day in daily.json()["days"][:-1]
            ]
    text = (await demo.api.get(page)).text
    assert "This is a demo" in text
    assert (await demo.api.get(demo.printed["Share link"])).status_code == 200


async def an_outage_is_made_and_mended(demo: Demo, monitors: list[dict[str, Any]]) -> None:
    app = next(each for each in monitors if each["key"] == "tickets")

    async def is_open() -> bool:
        return bool(await demo.all(f"/monitors/{app['id']}/incidents", state="triggered"))

    async def is_over() -> bool:
        return not await is_open()

    switch = f"{demo.printed['Switchboard']}switch/tickets"
    assert (await demo.api.post(f"{switch}/down")).status_code == 303
    await until_async(is_open, f"an incident opens, see {demo.log}", timeout=90)
    assert (await demo.api.post(f"{switch}/up", headers={"Origin": "https://elsewhere.example"})).status_code == 403
    assert (await demo.api.post(f"{switch}/up")).status_code == 303
    await until_async(is_over, f"it is resolved, see {demo.log}", timeout=90)


async def the_link_signs_in(demo: Demo) -> None:
    async with httpx.AsyncClient(trust_env=False, timeout=20, follow_redirects=True) as browser:
        page = await browser.get(demo.printed["Dashboard"])
        assert page.status_code == 200
        assert "visitor@tern.example" in page.text
