"""What its people did not put on a published page does not exist for the public, on any route.

Made from the table of routes. Of what is hidden each route says, to the letter, what it says of what never was; and
what stays inside of a monitor that is shown is in no answer at all.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import pytest

from control_plane.app import all_routes
from control_plane.public_site import badges, feeds, shares
from control_plane.services.pages import keep_public_pages
from control_plane.store.pool import Database
from control_plane.web.routes import Door, Route
from shared.results import Detail, Evidence
from tests.support.dashboard import Desk, a_desk
from tests.support.every_page import PARAMETER, settings_of
from tests.support.picture import PICTURE
from tests.support.planted import Secrets

PUBLIC = ("/status/", "/api/public/", "/api/v1/monitors/{monitor_id}/badge", "/m/", "/feed")
"""Where the public looks at monitors."""
NOT_ABOUT_MONITORS = {
    "get_announcements_feed",
    "get_status_worker",
    "lead_to_status_page",  # takes the slash off any slug, whether there is such a page or not
}
NEVER_WAS = "0197a2f0-0000-7000-8000-00000000dead"
NO_TOKEN = "A" * 32
KINDS = ("status", "uptime.json", "latency", "certificate.svg")
NOBODY: Mapping[str, str] = {
    **dict.fromkeys(("monitor_id", "component_id", "incident_id"), NEVER_WAS),
    "slug": "no-such-page",
    "token": NO_TOKEN,
    "digest": "0" * 32,
    "document": "summary.json",
}
TOLD = ("Content-Type", "Cache-Control", "X-Robots-Tag", "Vary", "Age", "Warning", "Access-Control-Allow-Origin")
PASSWORD = "open sesame"
EXPIRE = """
UPDATE monitor_shares SET created_at = now() - interval '2 h', expires_at = now() - interval '1 h' WHERE id = $1
"""


def public_routes() -> list[Route]:
    """Streams are among them: what is refused has an end."""
    of_the_public = [each for each in all_routes() if each.door is Door.PUBLIC and each.method == "GET"]
    return [r for r in of_the_public if r.path.startswith(PUBLIC) and r.operation not in NOT_ABOUT_MONITORS]


@dataclass(frozen=True, slots=True)
class Told:
    """What somebody is told, without what names the question."""

    status: int
    headers: tuple[str | None, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Hidden:
    """A monitor full of secrets, its incident, and perhaps its line on a page."""

    monitor_id: str
    incident_id: str
    component_id: str = NEVER_WAS
    slug: str = "no-such-page"
    digest: str = "0" * 32

    @property
    def known(self) -> dict[str, str]:
        own = {"monitor_id": self.monitor_id, "incident_id": self.incident_id, "component_id": self.component_id}
        return {**NOBODY, **own, "slug": self.slug, "digest": self.digest}


@dataclass(frozen=True, slots=True)
class Stage:
    """A desk, who asks, and what nobody may find."""

    desk: Desk
    http: httpx.AsyncClient
    public: httpx.AsyncClient
    secrets: Secrets

    async def monitor(self, name: str) -> Hidden:
        """A monitor in an open incident. Everything of it that somebody could write holds a secret."""
        plant = self.secrets.plant
        check = {
            "type": "http",
            "method": "POST",
            "url": f"http://127.0.0.1:8080/{plant(f'{name} path')}?k={plant(f'{name} query')}",
            "headers": {"X-Api-Key": plant(f"{name} header")},
            "body": plant(f"{name} body"),
            "bearer_token": plant(f"{name} token"),
        }
        inside = {each: plant(f"{name} {each}") for each in ("name", "notes", "owner", "group")}
        body = {**inside, "tags": [plant(f"{name} tag").lower()], "regions": list(self.desk.regions), "check": check}
        made = await self.post("/api/v1/monitors", **body)
        await self._fails(UUID(made["id"]), name)
        incidents = await self.http.get("/api/v1/incidents", params={"monitor_id": made["id"]})
        incident = incidents.json()["items"][0]["id"]
        await self.post(f"/api/v1/incidents/{incident}/notes", text=plant(f"{name} note"))
        changed = await self.http.patch(f"/api/v1/incidents/{incident}", json={"title": plant(f"{name} title")})
        assert changed.status_code == 200, changed.text
        return Hidden(made["id"], incident)

    async def _fails(self, monitor_id: UUID, name: str) -> None:
        plant = self.secrets.plant
        evidence = Evidence(
            status_line=f"HTTP/1.1 502 {plant(f'{name} status line')}",
            headers={"Server": plant(f"{name} server")},
            body_excerpt=plant(f"{name} excerpt"),
        )
        detail = Detail(message=f"refused by {plant(f'{name} message')}", evidence=evidence)
        for seconds_ago in (6, 4, 2):
            for region in self.desk.regions:
                await self.desk.report(monitor_id, region, "down", seconds_ago=seconds_ago, detail=detail)

    async def shown(self, hidden: Hidden, slug: str, **page: Any) -> Hidden:
        """The monitor on a page of its own, by a name for the public."""
        made = await self.post("/api/v1/status-pages", slug=slug, title=f"Page of {slug}", **page)
        path = f"/api/v1/status-pages/{made['id']}"
        line = await self.post(f"{path}/components", monitor_id=hidden.monitor_id, name=f"Line of {slug}")
        logo = await self.http.put(f"{path}/logo", content=PICTURE, headers={"Content-Type": "image/png"})
        digest = str(logo.json()["logo_url"]).rpartition("/")[2]
        return Hidden(hidden.monitor_id, hidden.incident_id, line["id"], slug, digest)

    async def post(self, path: str, **body: Any) -> dict[str, Any]:
        reply = await self.http.post(path, json=body)
        assert reply.status_code == 201, reply.text
        made: dict[str, Any] = reply.json()
        return made

    async def ask(self, route: Route, known: Mapping[str, str], **params: str) -> Told:
        """What the public is told; no answer holds a secret."""
        path = PARAMETER.sub(lambda found: known[found[1]], route.path)
        reply = await self.public.get(path, params=params)
        whole = f"{reply.headers}".encode() + reply.content
        assert self.secrets.within(whole) == set(), (route.operation, self.secrets.within(whole))
        text = re.sub(r'"trace_id":"\w+"', "", reply.text)
        for name, value in known.items():
            text = text.replace(value, name) if name != "document" else text
        return Told(reply.status_code, tuple(reply.headers.get(name) for name in TOLD), text)

    async def is_as_if_it_never_was(self, hidden: Mapping[str, str], nobody: Mapping[str, str] = NOBODY) -> None:
        """On every route that names something of it."""
        for route in public_routes():
            names = {name for name in PARAMETER.findall(route.path) if hidden.get(name) != nobody.get(name)}
            if not names:
                continue
            for kind in KINDS if "{kind}" in route.path else ("",):
                told = await self.ask(route, {**hidden, "kind": kind})
                unknown = await self.ask(route, {**nobody, "kind": kind})
                assert told == unknown, (route.operation, kind, hidden)
                assert told.status == 404, (route.operation, kind)


@pytest.fixture
async def stage(database: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    monkeypatch.setattr(keep_public_pages, "FRESH_S", 0.0)
    for door in (badges, feeds, shares):
        monkeypatch.setattr(door, "_AGAIN_S", 0.0)
    async with a_desk(database, settings_of()) as desk, desk.served.tenant() as http, desk.browser() as public:
        yield Stage(desk, http, public, Secrets())


async def test_what_is_on_no_page_that_anybody_may_read_is_not_there(stage: Stage) -> None:
    shop = await stage.shown(await stage.monitor("shown"), "shop-page", state="published")
    await stage.is_as_if_it_never_was((await stage.monitor("uncurated")).known)
    draft = await stage.shown(await stage.monitor("draft"), "draft-page")
    await stage.is_as_if_it_never_was(draft.known)
    await _by_the_wrong_page(stage, shop, draft)
    gone = await stage.shown(await stage.monitor("taken back"), "taken-page", state="published")
    assert (await stage.public.get("/status/taken-page")).status_code == 200
    pages = (await stage.http.get("/api/v1/status-pages", params={"q": "taken"})).json()["items"]
    await stage.http.patch(f"/api/v1/status-pages/{pages[0]['id']}", json={"state": "draft"})
    await stage.is_as_if_it_never_was(gone.known)
    await _taken_from_a_page(stage, shop)
    await stage.http.delete(f"/api/v1/monitors/{shop.monitor_id}")
    await stage.is_as_if_it_never_was({**shop.known, "slug": "no-such-page", "digest": NOBODY["digest"]})
    await _shows_no_trace(stage, shop)


async def _by_the_wrong_page(stage: Stage, shop: Hidden, draft: Hidden) -> None:
    """A component or an incident that is not of the page, asked of a page that there is."""
    nobody = {**NOBODY, "slug": shop.slug}
    asked = {**nobody, "component_id": draft.component_id, "incident_id": draft.incident_id}
    await stage.is_as_if_it_never_was(asked, nobody)


async def _taken_from_a_page(stage: Stage, shop: Hidden) -> None:
    """A line that was on the page until now: gone with its incidents, though the monitor goes on."""
    page = (await stage.http.get("/api/v1/status-pages", params={"q": "shop"})).json()["items"][0]["id"]
    path, hidden = f"/api/v1/status-pages/{page}/components", await stage.monitor("removed")
    line = await stage.post(path, monitor_id=hidden.monitor_id, name="A line")
    own = {"monitor_id": hidden.monitor_id, "incident_id": hidden.incident_id, "component_id": line["id"]}
    assert (await stage.public.get(f"/status/shop-page/incidents/{hidden.incident_id}")).status_code == 200
    assert (await stage.http.delete(f"{path}/{line['id']}")).status_code == 204
    nobody = {**NOBODY, "slug": shop.slug}
    await stage.is_as_if_it_never_was({**nobody, **own}, nobody)


async def _shows_no_trace(stage: Stage, shop: Hidden) -> None:
    """The page is there still, without what was deleted."""
    seen = {route.operation for route in public_routes() if "{slug}" in route.path and "_id}" not in route.path}
    for route in public_routes():
        if route.operation in seen - {"follow_public_page"} and "{token}" not in route.path:
            told = await stage.ask(route, shop.known)
            assert "Line of shop-page" not in told.text, route.operation


async def test_what_is_shown_tells_nothing_from_inside(stage: Stage) -> None:
    shop = await stage.shown(await stage.monitor("shown"), "shop-page", state="published")
    share = await stage.post(f"/api/v1/monitors/{shop.monitor_id}/shares")
    known, statuses = {**shop.known, "token": share["token"]}, {}
    for route in public_routes():
        if route.operation in ("follow_public_page", "read_feed", "show_share", "get_shared_monitor"):
            continue  # of those that have it, a link and a feed show the tenant's own name of the monitor
        for kind in KINDS if "{kind}" in route.path else ("",):
            statuses[f"{route.operation} {kind}"] = (await stage.ask(route, {**known, "kind": kind})).status
    assert sum(status == 200 for status in statuses.values()) >= 20, statuses
    stage.secrets.values = {
        name: value for name, value in stage.secrets.values.items() if name not in ("shown name", "shown title")
    }
    for path in (f"/m/{share['token']}", f"/api/public/v1/shares/{share['token']}"):
        reply = await stage.public.get(path)
        assert reply.status_code == 200
        assert stage.secrets.within(reply.content) == set(), path


async def test_behind_a_password_there_is_nothing_but_the_question(stage: Stage) -> None:
    locked = await stage.shown(await stage.monitor("locked"), "locked-page", state="published", password=PASSWORD)
    badge = {**NOBODY, "monitor_id": locked.monitor_id, "incident_id": locked.incident_id}
    await stage.is_as_if_it_never_was(badge)
    for route in public_routes():
        if "{slug}" in route.path and "{token}" not in route.path:
            told = await stage.ask(route, locked.known)
            assert told.status in (403, 404), route.operation
            assert "Line of locked-page" not in told.text, route.operation
            assert "Page of locked-page" not in told.text, route.operation
            assert told.headers[1] == "no-store", route.operation


async def test_links_that_count_no_more_and_tenants_that_are_suspended_are_not_there(stage: Stage) -> None:
    shop = await stage.shown(await stage.monitor("shown"), "shop-page", state="published")
    other = await stage.monitor("other")
    tokens = {}
    for name in ("good", "revoked", "expired"):
        made = await stage.post(f"/api/v1/monitors/{other.monitor_id}/shares", label=name)
        tokens[name] = made["token"]
        if name == "revoked":
            path = f"/api/v1/monitors/{other.monitor_id}/shares/{made['id']}"
            assert (await stage.http.delete(path)).status_code == 204
        if name == "expired":
            async with stage.desk.database.owner() as conn:
                await conn.execute(EXPIRE, UUID(made["id"]))
    for name in ("revoked", "expired"):
        await stage.is_as_if_it_never_was({**NOBODY, "token": tokens[name]})
    badge = next(route for route in public_routes() if route.operation == "get_badge")
    for token, monitor_id, status in (
        (tokens["good"], other.monitor_id, 200),
        (tokens["revoked"], other.monitor_id, 404),
        (tokens["good"], NEVER_WAS, 404),
    ):
        reply = await stage.public.get(f"/api/v1/monitors/{monitor_id}/badge/uptime.json", params={"token": token})
        assert reply.status_code == status, token
    assert (await stage.ask(badge, {**shop.known, "kind": "status"})).status == 200
    async with stage.desk.served.operator() as operator:
        path = f"/operator/tenants/{stage.desk.served.home.tenant_id}"
        assert (await operator.post(f"{path}/suspend")).status_code == 200
    await stage.is_as_if_it_never_was({**shop.known, "token": tokens["good"]})
