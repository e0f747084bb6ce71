"""More than forty secrets, planted through every door that takes one: none comes out anywhere else.

A control plane and an agent run in processes of their own, with logs that tell all they can. The site that is watched
and the receivers repeat all that they are sent. Then everything is read that anybody may read.
"""

from __future__ import annotations

import base64
import html
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from urllib.parse import quote, quote_plus

import httpx
import psutil
import pytest

from control_plane.app import all_routes
from control_plane.web.routes import Door, Route
from tests.support.farm import a_farm
from tests.support.matrix import path_of
from tests.support.planted import Allowed, Secrets
from tests.support.planting import Garden, a_garden, dump, listen, made, paths, plant_all, session_of, until_told
from tests.support.serving import OPERATOR_SECRET

ONCE = "it is shown once, to whoever has it made"
ALLOWED = (
    Allowed("made key", "owner POST /api/v1/keys 201", ONCE),
    Allowed("rotated key", "owner POST /api/v1/keys/* 201", ONCE),
    Allowed("probe key of a private region", "owner POST /api/v1/regions/attic/agents 201", ONCE),
    Allowed("rotated probe key of a private region", "owner POST /api/v1/regions/attic/agents/*/rotate 20?", ONCE),
    Allowed("share token", "owner POST /api/v1/monitors/*/shares 201", ONCE),
    Allowed("feed token", "owner POST /api/v1/feeds 201", ONCE),
    Allowed("rotated feed token", "owner POST /api/v1/feeds/*/rotate 200", ONCE),
    Allowed("made webhook secret", "owner POST /api/v1/channels 201", ONCE),
    Allowed("made by rotating", "owner POST /api/v1/channels/*/rotate-secret 200", ONCE),
    Allowed("*invitation*", "owner POST /api/v1/invitations*", ONCE),
    Allowed("key of another tenant", "operator POST /operator/tenants/*/keys 201", ONCE),
    Allowed("operator's probe key", "operator POST /operator/agents 201", ONCE),
    Allowed("rotated probe key", "operator POST /operator/agents/*/rotate 20?", ONCE),
    Allowed("session *", "* POST /login 303", "the cookie that is set"),
    Allowed("sign-in *", "browser GET /auth/*/login *", "the cookie, and the state that the provider hands back"),
    Allowed("setup link", "browser * /setup/*", "its own page, whose form leads back to it"),
    Allowed("invitation", "browser * /invite/*", "its own page, whose form leads back to it"),
    Allowed("*ping id", "owner *", "the URL to ping, for those who may write heartbeats"),
    Allowed("*ping id", "table heartbeats", "an address, looked up and shown again: no proof of who somebody is"),
)
"""Where a secret may be, and why."""


@pytest.fixture
async def garden(dsn: str, tmp_path: Path) -> AsyncIterator[Garden]:
    async with a_farm(dsn, tmp_path) as farm, a_garden(farm) as made:
        yield made


async def ask_every_route(garden: Garden, http: httpx.AsyncClient, *doors: Door) -> None:
    """Every GET of these doors, of things that are there; of monitors and channels of each."""
    for route in [route for route in all_routes() if route.method == "GET" and route.door in doors]:
        for known in _each(garden, route):
            if route.operation not in _ENDLESS:
                await http.get(path_of(route, known))
    for form in ("yaml", "json", "csv"):
        await http.get("/api/v1/export", params={"format": form})


_ENDLESS = ("stream_events", "stream_monitor_events", "stream_job", "follow_events")


def _each(garden: Garden, route: Route) -> list[dict[str, str]]:
    known = dict(paths(garden.known))
    if "heartbeat" in route.path:
        return [{**known, "monitor_id": garden.known["heartbeat_id"]}]
    if "/operator/channels/" in route.path:
        return [{**known, "channel_id": garden.known["operator_channel_id"]}]
    if route.path == "/api/v1/monitors/{monitor_id}":
        return [{**known, "monitor_id": one} for one in garden.monitors]
    if route.path == "/api/v1/channels/{channel_id}":
        return [{**known, "channel_id": one} for one in garden.channels]
    return [known]


async def ask_everybody(garden: Garden) -> None:
    values = garden.secrets.values
    for who, credential in (("owner", garden.farm.home.api_key), ("stranger", values["key of another tenant"])):
        async with garden.listening(credential, who=who) as http:
            await ask_every_route(garden, http, Door.TENANT)
        for path in ("/api/v1/events", f"/api/v1/monitors/{garden.monitors[0]}/events"):
            await listen(garden, path, who=who, credential=credential, seconds=3)
    async with garden.listening(OPERATOR_SECRET, who="operator") as http:
        await ask_every_route(garden, http, Door.OPERATOR)
    async with garden.listening(who="public") as http:
        await ask_every_route(garden, http, Door.TENANT, Door.PUBLIC, Door.OPERATOR)
    async with garden.listening(who="signed in") as http:
        assert (await http.post("/login", data={"key": garden.farm.home.api_key})).status_code == 303
        garden.secrets.learn("session that looks around", session_of(http))
        await ask_every_route(garden, http, Door.PUBLIC)
        for each in garden.monitors:
            await http.get(f"/app/monitors/{each}")


async def test_no_secret_comes_out_anywhere(garden: Garden) -> None:
    farm = garden.farm
    await farm.start_control_plane(settings=garden.settings())
    await farm.start_agent("eu")
    await farm.wait_agents(1)
    await plant_all(garden)
    await until_told(garden)
    await _learn_ids(garden)
    await ask_everybody(garden)
    await dump(garden)
    await _listen_to_processes(garden)
    assert len(garden.secrets.values) >= 60
    assert "\n".join(garden.heard.leaks(garden.secrets, ALLOWED)) == ""


async def _learn_ids(garden: Garden) -> None:
    """Objects that only came to be through what was planted."""
    for name, table in (("incident_id", "incidents"), ("delivery_id", "deliveries")):
        rows = await garden.farm.rows(f"SELECT * FROM {table} LIMIT 1")
        garden.known[name] = str(rows[0]["id"])


async def _listen_to_processes(garden: Garden) -> None:
    async with httpx.AsyncClient(trust_env=False) as http:
        reply = await http.get(f"http://127.0.0.1:{garden.metrics_port}/metrics")
        assert reply.status_code == 200
        garden.heard.add("metrics of the process", reply.content)
    for child in garden.farm.children:
        for process in (found := psutil.Process(child.process.pid), *found.children(recursive=True)):
            garden.heard.add("arguments of a process", "\n".join([process.name(), *process.cmdline()]))
        await child.stop()
        garden.heard.add(f"log {child.log.name}", child.log.read_bytes())
        assert child.log.stat().st_size > 100


async def test_without_sealing_this_test_would_tell(garden: Garden) -> None:
    """The development flag stores secrets as they are: then all of those are found in the dump."""
    settings = {**garden.settings(), "SECURITY__SEALING_KEYS": "", "SECURITY__ALLOW_UNSEALED": "true"}
    await garden.farm.start_control_plane(settings=settings)
    plant = garden.secrets.plant
    async with garden.listening(garden.farm.home.api_key, who="owner") as http:
        check = {"type": "http", "url": f"{garden.echo}/", "bearer_token": plant("monitor")}
        body = {"name": "A", "check": check, "regions": ["eu"]}
        await made(http, "/api/v1/monitors", body)
        config = {"type": "webhook", "url": f"{garden.echo}/hook", "secret": plant("channel", odd=True)}
        await made(http, "/api/v1/channels", {"name": "A", "config": config})
        key = {"label": "Kept", "scopes": ["monitors:read"]}
        shown = await made(http, "/api/v1/keys", key, **{"Idempotency-Key": "a"})
        garden.secrets.learn("kept reply", shown["key"])
    await dump(garden)
    leaks = [leak for leak in garden.heard.leaks(garden.secrets, ALLOWED) if "in table" in leak]
    assert leaks == ["channel in table channels", "kept reply in table idempotency_keys", "monitor in table monitors"]


@pytest.mark.parametrize(
    "written",
    [
        lambda secret: secret,
        lambda secret: json.dumps({"event": secret}),
        lambda secret: json.dumps(json.dumps([secret])),
        html.escape,
        lambda secret: quote(secret, safe=""),
        quote_plus,
        lambda secret: base64.b64encode(f"abc{secret}".encode()).decode(),
        lambda secret: base64.b64encode(f"a:{secret}!".encode()).decode(),
        lambda secret: base64.urlsafe_b64encode(f"a{secret}".encode()).decode(),
        lambda secret: "\\x" + b'{"password":"'.hex() + secret.encode().hex() + b'"}'.hex(),
        lambda secret: secret.encode().hex().upper(),
    ],
)
def test_a_secret_is_found_in_whatever_form(written: Callable[[str], str]) -> None:
    secrets = Secrets()
    secret, _ = secrets.plant("one", odd=True), secrets.plant("other", odd=True)
    assert secrets.within(f"log line {written(secret)} and more".encode()) == {"one"}
    assert secrets.within(f"log line {written(secret[:-3])} and more".encode()) == set(), "half of one proves nothing"
