"""A served control plane with three regions, and what their agents report, for tests of what people see."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any
from uuid import UUID

import httpx
import msgspec

from control_plane.dashboard.visit import TOKEN
from control_plane.services.tenants.first_run import RegionDefinition
from control_plane.settings import Settings
from control_plane.store.pool import Database
from shared.protocol import ResultBatch
from shared.results import CheckResult, Detail, Evidence, Outcome, Reason
from tests.support.deciding import now_ms
from tests.support.plain_http import NO_TLS
from tests.support.serving import SETTINGS, ControlPlane, control_plane

REGIONS = (
    RegionDefinition("eu", "Europe", allow_cidrs=("127.0.0.0/8",)),
    RegionDefinition("us", "America", allow_cidrs=("127.0.0.0/8",)),
    RegionDefinition("ap", "Asia", allow_cidrs=("127.0.0.0/8",)),
)
REGION_IDS = "SELECT slug, id FROM regions"
WAKE = "UPDATE agents SET lease_until = now() + interval '1 hour', last_seen_at = now()"
_TOKEN = re.compile(f'name="{TOKEN}" value="([0-9a-f]+)"')

SLOW = Detail(message="took 2.1 s, more than 1 s")
REFUSED = Detail(
    message="connection refused",
    evidence=Evidence(status_line="HTTP/1.1 502 Bad Gateway", headers={"Server": "nginx"}, body_excerpt="<h1>502</h1>"),
)


@dataclass(frozen=True, slots=True)
class Desk:
    """The control plane, and its regions: slug → id."""

    served: ControlPlane
    database: Database
    regions: Mapping[str, int]

    @property
    def url(self) -> str:
        return f"http://{self.served.host}:{self.served.port}"

    @property
    def key(self) -> str:
        return self.served.home.api_key

    async def monitor(self, name: str = "API", **body: Any) -> UUID:
        """A monitor of all three regions, made through the API."""
        document = {"name": name, "check": "http://127.0.0.1:8080/health", "regions": list(self.regions), **body}
        async with self.served.tenant() as http:
            reply = await http.post("/api/v1/monitors", json=document)
        assert reply.status_code == 201, reply.text
        return UUID(reply.json()["id"])

    async def report(
        self, monitor_id: UUID, region: str, outcome: str, *, seconds_ago: float = 0, detail: Detail | None = None
    ) -> None:
        """One result of a region, as its agent would send it."""
        bad = detail or (REFUSED if outcome == "down" else SLOW if outcome == "degraded" else Detail())
        item = CheckResult(
            monitor_id=monitor_id,
            check_version=1,
            slot=now_ms() - int(seconds_ago * 1000),
            outcome=Outcome(outcome),
            reason=_REASONS.get(outcome, Reason.NONE),
            http_status=None if outcome == "down" else 200,
            dns=1.2,
            connect=8.4,
            tls=None if outcome == "down" else 21.0,
            ttfb=None if outcome == "down" else 48.5,
            download=None if outcome == "down" else 2.1,
            total=9.6 if outcome == "down" else 81.2,
            detail=bad,
        )
        batch = msgspec.json.encode(ResultBatch(sent_at=now_ms(), items=(item,)))
        async with self.served.client(self.served.home.probe_keys[region]) as agent:
            headers = {"Content-Type": "application/json"}
            reply = await agent.post("/api/agent/v1/results", content=batch, headers=headers)
        assert reply.json()["statuses"] == ["stored"], reply.text

    async def all_up(self, monitor_id: UUID, *, seconds_ago: float = 20) -> None:
        for region in self.regions:
            await self.report(monitor_id, region, "up", seconds_ago=seconds_ago)

    async def down(self, monitor_id: UUID, *regions: str) -> None:
        """Enough failures in a row for these regions to vote down."""
        for seconds_ago in (4, 2):
            for region in regions:
                await self.report(monitor_id, region, "down", seconds_ago=seconds_ago)

    async def recover(self, monitor_id: UUID, *regions: str) -> None:
        for seconds_ago in (1, 0):
            for region in regions:
                await self.report(monitor_id, region, "up", seconds_ago=seconds_ago)

    def browser(self) -> httpx.AsyncClient:
        """A client with cookies of its own, not signed in."""
        return httpx.AsyncClient(base_url=self.url, timeout=20, verify=NO_TLS)

    @asynccontextmanager
    async def signed_in(self, key: str | None = None) -> AsyncIterator[httpx.AsyncClient]:
        async with self.browser() as http:
            reply = await http.post("/login", data={"key": key or self.key})
            assert reply.status_code == 303, reply.text
            yield http


_REASONS = {"down": Reason.CONNECT, "degraded": Reason.SLOW}


@asynccontextmanager
async def a_desk(database: Database, settings: Settings = SETTINGS) -> AsyncIterator[Desk]:
    """Serve, with an agent alive in each region."""
    async with control_plane(database, settings, regions=REGIONS) as served:
        async with database.app() as conn:
            await conn.execute(WAKE)
            ids = {row["slug"]: row["id"] for row in await conn.fetch(REGION_IDS)}
        yield Desk(served, database, {region.slug: ids[region.slug] for region in REGIONS})


def token_of(page: str) -> str:
    """The form token of a page."""
    found = _TOKEN.search(page)
    assert found is not None, "the page has no form"
    return found[1]


class _Fields(HTMLParser):
    """The fields of every form that has a button without an address of its own, as a browser would send them."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, list[str]] = {}
        self._select = ""
        self._area = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        name, value = given.get("name") or "", given.get("value") or ""
        match tag:
            case "input" if given.get("type") in ("checkbox", "radio"):
                if "checked" in given:
                    self._add(name, value)
            case "input":
                self._add(name, value)
            case "select":
                self._select = name
            case "option" if self._select and ("selected" in given or self._select not in self.found):
                self.found[self._select] = [value]
            case "textarea":
                self._area = name
                self._add(name, "")

    def handle_data(self, data: str) -> None:
        if self._area:
            self.found[self._area][-1] += data.removeprefix("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._select = ""
        if tag == "textarea":
            self._area = ""

    def _add(self, name: str, value: str) -> None:
        if name:
            self.found.setdefault(name, []).append(value)


def entered(page: str) -> dict[str, list[str]]:
    """What a browser would send of the monitor's form on this page, as it stands."""
    start = page.index('<form class="stack monitor-form"')
    fields = _Fields()
    fields.feed(page[start : page.index("</form>", start)])
    return fields.found


async def post(http: httpx.AsyncClient, path: str, *, page: str = "/app", **fields: Any) -> httpx.Response:
    """Send a form with the token of `page`."""
    token = token_of((await http.get(page)).text)
    return await http.post(path, data={TOKEN: token, **fields})
