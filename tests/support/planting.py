"""A running installation into which secrets go through every door that takes one, and everything that it says."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx
from aiohttp import web

from control_plane.domain.tenants.credentials import SCOPES
from tests.support import seed
from tests.support.farm import Farm, free_port
from tests.support.oidc_provider import serve_app
from tests.support.planted import Heard, Secrets
from tests.support.secret_places import chats, phones
from tests.support.serving import OPERATOR_SECRET, SEALING_KEYS
from tests.support.waiting import until_async

ASYNC = {"Prefer": "respond-async"}
LOST = "http://127.0.0.1:1"
"""Where nobody listens."""


@dataclass
class Garden:
    """The installation, what was planted in it, where, and what was heard of it."""

    farm: Farm
    echo: str
    secrets: Secrets = field(default_factory=Secrets)
    heard: Heard = field(default_factory=Heard)
    known: dict[str, str] = field(default_factory=dict)
    """The path parameters of things that are there."""
    monitors: list[str] = field(default_factory=list)
    channels: list[str] = field(default_factory=list)
    metrics_port: int = field(default_factory=free_port)

    def listening(self, credential: str | None = None, *, who: str) -> httpx.AsyncClient:
        """A client all of whose answers are heard, head and body."""

        async def hear(reply: httpx.Response) -> None:
            await reply.aread()
            head = "\n".join(f"{name}: {value}" for name, value in reply.headers.multi_items())
            place = f"{who} {reply.request.method} {reply.request.url.path} {reply.status_code}"
            self.heard.add(place, head.encode() + b"\n\n" + reply.content)

        headers = {} if credential is None else {"Authorization": f"Bearer {credential}"}
        return httpx.AsyncClient(
            base_url=self.farm.url, headers=headers, timeout=30, trust_env=False, event_hooks={"response": [hear]}
        )

    def settings(self) -> dict[str, str]:
        """What the control plane is started with: providers that nobody runs, and logs that tell all they can."""
        oidc = [{"name": "corp", "issuer": LOST, "client_id": "farwatch", "client_secret": self._of("OIDC client")}]
        return {
            "LOG__LEVEL": "debug",
            "LOG__FORMAT": "json",
            "SERVER__METRICS_PORT": str(self.metrics_port),
            "SERVER__PUBLIC_URL": self.farm.url,
            "AUTH__GITHUB_CLIENT_ID": "farwatch",
            "AUTH__GITHUB_CLIENT_SECRET": self._of("GitHub client"),
            "AUTH__GITHUB_URL": LOST,
            "AUTH__GITHUB_API_URL": LOST,
            "AUTH__ALLOW_CIDRS": "127.0.0.0/8",
            "AUTH__OIDC": json.dumps(oidc),
        }

    def _of(self, name: str) -> str:
        return self.secrets.values.get(name) or self.secrets.plant(name)

    def learn_installation(self) -> None:
        """The secrets that an installation begins with."""
        home, secrets = self.farm.home, self.secrets
        secrets.learn("first key", home.api_key)
        secrets.learn("setup link", home.setup_token)
        for region, key in home.probe_keys.items():
            secrets.learn(f"probe key of {region}", key)
        secrets.learn("pepper", seed.PEPPER.decode())
        secrets.learn("operator secret", OPERATOR_SECRET)
        secrets.learn("sealing key", base64.b64decode(SEALING_KEYS.partition(":")[2]).decode())
        if "host=" in self.farm.dsn:  # over the local socket PostgreSQL does not ask for it
            where = urlsplit(self.farm.dsn)
            password = secrets.plant("DSN password")
            self.farm.dsn = where._replace(netloc=f"{where.username}:{password}@{where.hostname or ''}").geturl()


@asynccontextmanager
async def a_garden(farm: Farm) -> AsyncIterator[Garden]:
    """A garden with a site and a receiver that repeat whatever they are sent, and say that they are not well."""
    async with AsyncExitStack() as stack:
        routes = [web.route("*", "/{path:.*}", _repeat)]
        garden = Garden(farm, await stack.enter_async_context(serve_app(routes)))
        garden.learn_installation()
        yield garden


async def _repeat(request: web.Request) -> web.Response:
    """All of a request in the answer, as a page made for debugging shows it; a receiver does it at 200."""
    told = [f"{request.method} {request.raw_path}", request.path, str(request.url), str(dict(request.query))]
    told += [f"{name}: {value}" for name, value in request.headers.items()]
    told += [json.dumps(dict(request.headers)), await request.text()]
    with contextlib.suppress(KeyError, ValueError):
        told.append(base64.b64decode(request.headers["Authorization"].removeprefix("Basic ")).decode())
    status = 200 if "hook" in request.path else 500
    return web.Response(status=status, text="\n".join(told), headers={"X-Request-Id": "1", "Location": request.path})


async def plant_all(garden: Garden) -> None:
    """Every secret through the door that takes it."""
    async with garden.listening(garden.farm.home.api_key, who="owner") as http:
        await _monitors(garden, http)
        await _many_monitors(garden, http)
        await _channels(garden, http)
        await _files(garden, http)
        await _keys(garden, http)
        await _passed_on(garden, http)
        await _heartbeat(garden, http)
        await _people(garden, http)
    async with garden.listening(OPERATOR_SECRET, who="operator") as http:
        await _operator(garden, http)
    await _browsers(garden)


async def made(http: httpx.AsyncClient, path: str, body: Any, **headers: str) -> dict[str, Any]:
    reply = await http.post(path, json=body, headers=headers)
    assert reply.status_code in (200, 201, 202), reply.text
    document: dict[str, Any] = reply.json()
    return document


def http_check(garden: Garden, **parts: Any) -> dict[str, Any]:
    return {"type": "http", "url": f"{garden.echo}/health", "timeout": 2000, **parts}


async def _monitors(garden: Garden, http: httpx.AsyncClient) -> None:
    """One by one: with each way to authenticate, changed, cloned, created under an Idempotency-Key, and tested."""
    plant, path = garden.secrets.plant, "/api/v1/monitors"
    basic = http_check(garden, basic_auth=["user", plant("basic password", odd=True)])
    bodies: list[tuple[dict[str, Any], dict[str, str]]] = [
        (basic, {}),
        (http_check(garden, bearer_token=plant("bearer token")), {}),
        (http_check(garden, headers={"X-Api-Key": plant("header X-Api-Key", odd=True), "Accept": "*/*"}), {}),
        (http_check(garden, headers={"Cookie": f"sid={plant('header Cookie')}"}), {}),
        (http_check(garden, headers={"Authorization": f"Token {plant('header Authorization')}"}), {}),
        (http_check(garden, bearer_token=plant("body under a key")), {"Idempotency-Key": "one"}),
    ]
    for number, (check, headers) in enumerate(bodies):
        body = {"name": f"Planted {number}", "check": check, "interval": 10, "regions": ["eu"], "tags": ["planted"]}
        monitor = await made(http, path, body, **headers)
        assert not headers or await made(http, path, body, **headers) == monitor, "the kept reply"
        garden.monitors.append(monitor["id"])
    first = garden.monitors[0]
    patch = {"check": {"basic_auth": ["user", plant("changed password", odd=True)]}}
    assert (await http.patch(f"{path}/{first}", json=patch)).status_code == 200
    garden.monitors.append((await made(http, f"{path}/{first}/clone", {}))["id"])
    test = http_check(garden, bearer_token=plant("tested token"), headers={"X-Secret": plant("tested header")})
    await http.post(f"{path}/test", json={"check": test, "regions": ["eu"]})
    await http.post(f"{path}/{first}/check-now")
    garden.known["monitor_id"] = first


async def _many_monitors(garden: Garden, http: httpx.AsyncClient) -> None:
    """In one call, as a job that is done, as one that is cancelled, as changes of many, from files."""
    plant, path = garden.secrets.plant, "/api/v1/monitors"

    def one(name: str) -> dict[str, Any]:
        check = http_check(garden, bearer_token=plant(name))
        return {"name": name, "check": check, "regions": ["us"], "tags": ["many"], "enabled": False}

    bulk = await made(http, f"{path}/bulk", {"monitors": [one("bulk token"), {**one("refused bulk token"), "x": 1}]})
    assert (bulk["succeeded"], bulk["failed"]) == (1, 1)
    asked = {"monitors": [one("job token"), {**one("refused job token"), "x": 1}]}
    job = await made(http, f"{path}/bulk", asked, **ASYNC)
    garden.known["job_id"] = job["id"]
    cancelled = await made(http, f"{path}/bulk", {"monitors": [one("cancelled token")] * 200}, **ASYNC)
    await http.post(f"/api/v1/jobs/{cancelled['id']}/cancel")
    header = {"check": {"headers": {"X-Auth-Token": plant("bulk-action header")}}}
    acted = {"ids": [bulk["items"][0]["id"]], "action": {"type": "update", "patch": header}}
    assert (await made(http, f"{path}/bulk-action", acted))["succeeded"] == 1
    await made(http, f"{path}/bulk-action", {**acted, "action": {"type": "update", "patch": {
        "check": {"headers": {"X-Auth-Token": plant("bulk-action job header")}}}}}, **ASYNC)  # fmt: skip
    await made(http, "/api/v1/import", {"monitors": [one("imported token")]})
    written = json.dumps({"monitors": [one("token imported from YAML")]})
    reply = await http.post("/api/v1/import", content=written, headers={"Content-Type": "application/yaml"})
    assert reply.status_code == 201, reply.text
    garden.monitors.append(bulk["items"][0]["id"])


async def _channels(garden: Garden, http: httpx.AsyncClient) -> None:
    plant, path = garden.secrets.plant, "/api/v1/channels"
    hook = {
        "type": "webhook",
        "url": f"{garden.echo}/hook/{plant('webhook path')}?t={plant('webhook query')}",
        "headers": {"X-Team": plant("webhook header", odd=True)[:-3] + "zqx"},
        "secret": plant("webhook secret"),
    }
    garden.secrets.values["webhook header"] = hook["headers"]["X-Team"]  # type: ignore[index]
    ntfy = {"type": "ntfy", "topic": "planted", "server_url": garden.echo}
    configs: list[dict[str, Any]] = [
        hook,
        {"type": "webhook", "url": f"{garden.echo}/hook/{plant('path of the webhook without secret')}"},
        {**ntfy, "access_token": plant("ntfy token")},
        {**ntfy, "username": "ops", "password": plant("ntfy password")},
        {"type": "alertmanager", "url": f"{garden.echo}/{plant('am path')}", "access_token": plant("am token")},
    ]
    for number, config in enumerate(configs):
        channel = await made(http, path, {"name": f"Planted {number}", "config": config})
        garden.channels.append(channel["id"])
        if number == 1:
            garden.secrets.learn("made webhook secret", channel["config"]["secret"])
    first = garden.channels[0]
    changed = {"config": {"secret": plant("changed webhook secret")}}
    assert (await http.patch(f"{path}/{first}", json=changed)).status_code == 200
    garden.secrets.learn("made by rotating", (await http.post(f"{path}/{first}/rotate-secret")).json()["secret"])
    for channel_id in garden.channels:
        await http.post(f"{path}/{channel_id}/test")
    unsaved = {**hook, "url": f"{garden.echo}/hook/{plant('unsaved path')}", "secret": plant("unsaved secret")}
    await http.post(f"{path}/test", json={"config": unsaved})
    await http.post(f"{path}/test", json={"config": {**unsaved, "url": f"{LOST}/hook/{plant('unreached path')}"}})
    alerts = [{"channel_id": channel_id} for channel_id in garden.channels]
    patch = {"alerts": alerts, "confirmations": 1}
    for monitor_id in garden.monitors[:6]:
        assert (await http.patch(f"/api/v1/monitors/{monitor_id}", json=patch)).status_code == 200
    garden.known["channel_id"] = first
    learn = garden.secrets.learn
    pushover = {"type": "pushover", "token": learn("pushover token", "pl4nt" + "T0k3n" * 5)}
    pushover["user"] = learn("pushover user", "pl4nt" + "Us3r0" * 5)
    unsent = (*chats(plant("chat")), *phones(plant("phone")), pushover)
    for number, config in enumerate(unsent):  # never sent to: they are of vendors that are not here
        saved = await made(http, path, {"name": f"Chat {number}", "config": config})
        assert (await http.patch(f"{path}/{saved['id']}", json={"enabled": False})).status_code == 200


async def _files(garden: Garden, http: httpx.AsyncClient) -> None:
    """Planned, applied as JSON and as YAML, applied again, and refused."""
    plant = garden.secrets.plant
    file = {
        "version": 1,
        "channels": [
            {"name": "Filed", "config": {"type": "ntfy", "topic": "filed", "access_token": plant("applied ntfy token")}}
        ],
        "monitors": [
            {
                "key": "filed",
                "name": "Filed",
                "check": http_check(garden, basic_auth=["u", plant("applied password", odd=True)]),
                "regions": ["ap"],
            }
        ],
    }
    await made(http, "/api/v1/plan", file)
    await made(http, "/api/v1/apply", file)
    file["monitors"][0]["check"]["basic_auth"] = ["u", plant("password applied from YAML", odd=True)]  # type: ignore[index]
    for path in ("/api/v1/plan?unchanged=true", "/api/v1/apply", "/api/v1/plan"):
        reply = await http.post(path, content=json.dumps(file), headers={"Content-Type": "application/yaml"})
        assert reply.status_code == 200, reply.text
    broken = f'version: 1\nmonitors:\n  - name: A\n   check: "{plant("secret in broken YAML")}"\n'
    reply = await http.post("/api/v1/plan", content=broken, headers={"Content-Type": "application/yaml"})
    assert reply.status_code == 400


async def _passed_on(garden: Garden, http: httpx.AsyncClient) -> None:
    """Tokens in URLs that are read without an account."""
    learn = garden.secrets.learn
    monitor = await made(http, "/api/v1/monitors", {"name": "Shared", "check": {"type": "heartbeat", "period": 3600}})
    locked = {"slug": "planted", "title": "Planted", "password": garden.secrets.plant("page password")}
    garden.known |= {"page_id": (await made(http, "/api/v1/status-pages", {**locked, "state": "published"}))["id"]}
    share = await made(http, f"/api/v1/monitors/{monitor['id']}/shares", {"label": "Planted"})
    feed = await made(http, "/api/v1/feeds", {"name": "Planted"})
    learn("share token", share["token"])
    learn("feed token", feed["token"])
    learn("rotated feed token", (await made(http, f"/api/v1/feeds/{feed['id']}/rotate", {}))["token"])
    garden.known |= {"share_id": share["id"], "feed_id": feed["id"]}
    async with garden.listening(who="reader") as reader:
        for path in (f"/m/{share['token']}", f"/api/public/v1/shares/{share['token']}"):
            assert (await reader.get(path)).status_code == 200
        for extension in ("", ".rss", ".ics"):
            assert (await reader.get(f"/feed/{feed['token']}{extension}")).status_code == 200


async def _keys(garden: Garden, http: httpx.AsyncClient) -> None:
    learn, path = garden.secrets.learn, "/api/v1/keys"
    key = await made(http, path, {"label": "Planted", "scopes": list(SCOPES)}, **{"Idempotency-Key": "key"})
    again = await made(http, path, {"label": "Planted", "scopes": list(SCOPES)}, **{"Idempotency-Key": "key"})
    assert learn("made key", key["key"]) == again["key"], "the kept reply shows it again"
    learn("rotated key", (await made(http, f"{path}/{key['id']}/rotate", {}))["key"])
    region = await made(http, "/api/v1/regions", {"id": "attic", "name": "Attic"})
    agents = f"/api/v1/regions/{region['id']}/agents"
    agent = await made(http, agents, {"name": "attic-1"})
    learn("probe key of a private region", agent["key"])
    learn("rotated probe key of a private region", (await made(http, f"{agents}/{agent['id']}/rotate", {}))["key"])
    garden.known |= {"key_id": key["id"], "region": region["id"], "agent_id": agent["id"]}


async def _heartbeat(garden: Garden, http: httpx.AsyncClient) -> None:
    body = {"name": "Backup", "check": {"type": "heartbeat", "period": 3600}}
    beat = await made(http, "/api/v1/monitors", body)
    before = garden.secrets.learn("ping id", beat["heartbeat"]["ping_url"].rpartition("/")[2])
    assert (await http.post(f"/ping/{before}/start", content=b"begun")).status_code == 200
    turned = await made(http, f"/api/v1/heartbeats/{beat['id']}/rotate", {})
    after = garden.secrets.learn("new ping id", turned["ping_url"].rpartition("/")[2])
    assert (await http.get(f"/ping/{after}/fail")).status_code == 200
    garden.known["heartbeat_id"] = beat["id"]


async def _people(garden: Garden, http: httpx.AsyncClient) -> None:
    for name, email in (("invitation", "vera@example.com"), ("open invitation", "olga@example.com")):
        link = await made(http, "/api/v1/invitations", {"email": email, "role": "viewer"})
        garden.known["invitation_id"] = link["id"]
        garden.secrets.learn(name, link["link"].rpartition("/")[2])
    sent = await made(http, f"/api/v1/invitations/{link['id']}/resend", {})
    garden.secrets.learn("invitation that was sent again", sent["link"].rpartition("/")[2])


async def _operator(garden: Garden, http: httpx.AsyncClient) -> None:
    plant, learn = garden.secrets.plant, garden.secrets.learn
    tenant = await made(http, "/operator/tenants", {"name": "Other", "plan": "unlimited"})
    key = await made(http, f"/operator/tenants/{tenant['id']}/keys", {"label": "All", "scopes": list(SCOPES)})
    learn("key of another tenant", key["key"])
    await made(http, "/operator/regions", {"id": "shared", "name": "Shared"})
    agent = await made(http, "/operator/agents", {"region": "shared", "name": "shared-1"})
    learn("operator's probe key", agent["key"])
    learn("rotated probe key", (await made(http, f"/operator/agents/{agent['id']}/rotate", {}))["key"])
    config = {
        "type": "webhook",
        "url": f"{garden.echo}/hook/{plant('operator webhook path')}",
        "headers": {"X-Team": plant("operator webhook header")},
        "secret": plant("operator webhook secret"),
    }
    channel = await made(http, "/operator/channels", {"name": "Fleet", "config": config})
    await http.post(f"/operator/channels/{channel['id']}/test")
    garden.known |= {"tenant_id": tenant["id"], "operator_channel_id": channel["id"]}


async def _browsers(garden: Garden) -> None:
    """A session by key, links that are opened, and two ways to providers that lead nowhere."""
    secrets, values = garden.secrets, garden.secrets.values
    async with garden.listening(who="browser") as browser:
        reply = await browser.post("/login", data={"key": garden.farm.home.api_key})
        assert reply.status_code == 303, reply.text
        secrets.learn("session by key", session_of(browser))
    for name, path, form in (
        ("setup link", "/setup", {"tenant": "Acme", "name": "Olga", "email": "olga@example.com"}),
        ("invitation", "/invite", {"name": "Vera"}),
    ):
        async with garden.listening(who="browser") as browser:
            assert (await browser.get(f"{path}/{values[name]}")).status_code == 200
            await browser.post(f"{path}/{values[name]}", data=form)
    for provider in ("github", "corp"):
        await _to_a_provider(garden, provider)


def session_of(browser: httpx.AsyncClient) -> str:
    """The cookie that it was given."""
    return next(value for value in browser.cookies.values() if len(value) > 20)


async def _to_a_provider(garden: Garden, provider: str) -> None:
    secrets = garden.secrets
    async with garden.listening(who="browser") as browser:
        link = {"link": secrets.values["open invitation"]}
        reply = await browser.get(f"/auth/{provider}/login", params=link)
        for number, cookie in enumerate(browser.cookies.values()):
            secrets.learn(f"sign-in cookie {number} of {provider}", cookie)
        state = httpx.URL(reply.headers.get("Location", "/")).params.get("state")
        if state is not None:
            secrets.learn(f"sign-in state of {provider}", state)
        back = {"code": secrets.plant(f"code of {provider}"), "state": state or secrets.plant(f"a state of {provider}")}
        await browser.get(f"/auth/{provider}/callback", params=back)


async def until_told(garden: Garden) -> None:
    """Until agents reported echoes, incidents are open, notices were sent, and jobs are over."""
    await until_async(lambda: _at_least(garden, "SELECT count(*) AS n FROM incidents", 3), "incidents", timeout=60)
    sent = "SELECT count(*) AS n FROM delivery_attempts"
    await until_async(lambda: _at_least(garden, sent, 4), "notices", timeout=60)
    over = "SELECT (count(*) FILTER (WHERE finished_at IS NULL) = 0)::int AS n FROM jobs"
    await until_async(lambda: _at_least(garden, over, 1), "jobs are over", timeout=60)


async def _at_least(garden: Garden, statement: str, wanted: int) -> bool:
    return int((await garden.farm.rows(statement))[0]["n"]) >= wanted


async def dump(garden: Garden) -> None:
    """Every row of every table, as a dump has it, and columns of bytes as the bytes."""
    tables = await garden.farm.rows(
        "SELECT c.relname AS name FROM pg_class AS c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'"
    )
    async with garden.farm.database.owner() as conn:
        for table in tables:
            rows = await conn.fetch(f'SELECT r::text AS line FROM "{table["name"]}" AS r')
            garden.heard.add(f"table {table['name']}", "\n".join(row["line"] for row in rows))


async def listen(garden: Garden, path: str, *, who: str, credential: str, seconds: float) -> None:
    """What a stream says for so long."""
    said = b""
    headers = {"Authorization": f"Bearer {credential}"}
    async with (
        httpx.AsyncClient(base_url=garden.farm.url, headers=headers, timeout=30, trust_env=False) as http,
        http.stream("GET", path) as reply,
    ):
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                async for chunk in reply.aiter_bytes():
                    said += chunk
    garden.heard.add(f"{who} stream {path}", said)


def paths(known: Mapping[str, str]) -> Mapping[str, str]:
    """The known path parameters, for those who ask every route."""
    return {"number": "1", "exit_code": "0", "month": "2026-01", "tag": "planted", "group": "none", **known}
