"""Proving a domain over a real HTTP server and a real name server, losing the proof, and the operator's rule."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import partial
from ipaddress import ip_address
from typing import Any
from uuid import UUID

import pytest
from aiohttp import web

from control_plane.notify.guarded_http import GuardedHttp, Resolution
from control_plane.services.safety.apply_rules import apply_rules
from control_plane.services.safety.verify_domain import DomainVerifier, recheck_domains, resolver_of, verify_domain
from control_plane.store.pool import Database
from shared.netpolicy import Policy
from tests.support.scripted_dns import ScriptedDns
from tests.support.serving import ControlPlane
from tests.support.waiting import until_async

MAKE_DUE = "UPDATE domains SET next_check_at = now()"
LONG_FAILED = "UPDATE domains SET failed_since = failed_since - interval '8 days', next_check_at = now()"

pytestmark = pytest.mark.usefixtures("eu_key")


class Owner:
    """What the owner of every domain publishes: a file and records, and a verifier that looks there."""

    def __init__(self, port: int, dns: ScriptedDns, dns_port: int) -> None:
        self.files: dict[str, str] = {}
        self.dns = dns
        http = GuardedHttp(Policy.of(["127.0.0.0/8"]), timeout=timedelta(seconds=10), resolve=self._here)
        resolver = resolver_of(f"127.0.0.1:{dns_port}")
        self.verifier = DomainVerifier(http, resolver, origin=f"http://{{}}:{port}".format)

    async def _here(self, _host: str) -> Resolution:
        return Resolution((ip_address("127.0.0.1"),))


@pytest.fixture
async def owner() -> AsyncIterator[Owner]:
    loop = asyncio.get_running_loop()
    transport, dns = await loop.create_datagram_endpoint(lambda: ScriptedDns({}), local_addr=("127.0.0.1", 0))
    app = web.Application()
    runner = web.AppRunner(app)
    files: dict[str, str] = {}

    async def file(request: web.Request) -> web.Response:
        text = files.get(request.path)
        return web.Response(status=404) if text is None else web.Response(text=text)

    app.router.add_get("/{path:.*}", file)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made = Owner(runner.addresses[0][1], dns, transport.get_extra_info("sockname")[1])
    made.files = files
    yield made
    transport.close()
    await runner.cleanup()


async def add(served: ControlPlane, domain: str = "shop.example") -> dict[str, Any]:
    async with served.tenant() as http:
        reply = await http.post("/api/v1/domains", json={"domain": domain})
    assert reply.status_code == 201, reply.text
    made: dict[str, Any] = reply.json()
    return made


async def look(served: ControlPlane, owner: Owner, made: dict[str, Any]) -> str:
    row = await verify_domain(
        served.deps.database,
        owner.verifier,
        tenant_id=served.home.tenant_id,
        domain_id=UUID(made["id"]),
        now=datetime.now(UTC),
    )
    return f"{row.state} {row.method}"


def publish_file(owner: Owner, made: dict[str, Any], text: str | None = None) -> None:
    path = "/" + made["proof"]["url"].partition("//")[2].partition("/")[2]
    owner.files[path] = made["proof"]["value"] + "\r\n" if text is None else text


async def test_a_file_or_a_record_proves_a_domain_and_nothing_else_does(served: ControlPlane, owner: Owner) -> None:
    made, other = await add(served), await add(served, "https://Other.example/x")
    assert (made["state"], other["domain"]) == ("pending", "other.example")
    publish_file(owner, made, "x" + made["proof"]["value"])
    assert await look(served, owner, made) == "pending None"
    publish_file(owner, made)
    assert await look(served, owner, made) == "verified file"
    owner.dns.records["_farwatch.other.example"] = [f'TXT "{made["proof"]["value"]}"']
    assert await look(served, owner, other) == "pending None"
    owner.dns.records["_farwatch.other.example"] = ['TXT "v=other"', f'TXT "{other["proof"]["value"]}"']
    assert await look(served, owner, other) == "verified txt"


async def test_a_file_of_more_than_its_limit_and_a_silent_server_prove_nothing(
    served: ControlPlane, owner: Owner
) -> None:
    made = await add(served)
    publish_file(owner, made, made["proof"]["value"] + "\n" + "x" * 5000)
    assert await look(served, owner, made) == "pending None"
    async with served.tenant() as http:
        shown = (await http.get(f"/api/v1/domains/{made['id']}")).json()
    assert "4096 bytes" in shown["last_error"]
    assert "TXT" in shown["last_error"]


@pytest.mark.parametrize("domain", ["co.uk", "github.io", "192.0.2.1", "[2001:db8::1]", "localhost", "a..b", "x y.com"])
async def test_what_can_belong_to_nobody_is_refused(served: ControlPlane, domain: str) -> None:
    async with served.tenant() as http:
        reply = await http.post("/api/v1/domains", json={"domain": domain})
        listed = await http.get("/api/v1/domains")
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "INVALID_DOMAIN")
    assert listed.json()["total"] == 0


async def test_a_domain_is_added_once_read_listed_and_deleted(served: ControlPlane) -> None:
    made = await add(served)
    path = f"/api/v1/domains/{made['id']}"
    async with served.tenant() as http, served.operator() as operator:
        again = await http.post("/api/v1/domains", json={"domain": "SHOP.example"})
        listed = (await http.get("/api/v1/domains")).json()["items"]
        everybody = (await operator.get("/operator/domains", params={"q": "shop", "state": "pending"})).json()["items"]
        assert (await http.delete(path)).status_code == 204
        gone = [await http.get(path), await http.delete(path), await http.post(f"{path}/verify")]
    assert (again.status_code, again.json()) == (200, made)
    assert listed == [made]
    assert [one["domain"] for one in everybody] == ["shop.example"]
    assert {(a.status_code, a.json()["error"]["code"]) for a in gone} == {(404, "DOMAIN_NOT_FOUND")}


async def test_a_proof_that_is_gone_has_its_grace_and_then_lapses(
    served: ControlPlane, owner: Owner, database: Database
) -> None:
    made = await add(served)
    publish_file(owner, made)
    await look(served, owner, made)

    async def recheck(sql: str) -> str:
        async with database.app() as conn:
            await conn.execute(sql)
        assert await recheck_domains(database, owner.verifier, now=datetime.now(UTC)) == 1
        async with served.tenant() as http:
            state: str = (await http.get(f"/api/v1/domains/{made['id']}")).json()["state"]
        return state

    assert await recheck_domains(database, owner.verifier, now=datetime.now(UTC)) == 0
    assert await recheck(MAKE_DUE) == "verified"
    owner.files.clear()
    assert await recheck(MAKE_DUE) == "grace"
    assert await recheck(MAKE_DUE) == "grace"
    publish_file(owner, made)
    assert await recheck(MAKE_DUE) == "verified"
    owner.files.clear()
    assert await recheck(MAKE_DUE) == "grace"
    assert await recheck(LONG_FAILED) == "lapsed"
    assert await recheck_domains(database, owner.verifier, now=datetime.now(UTC)) == 0


async def test_a_pages_domain_leads_there_while_it_is_proven_and_again_when_it_is_proven_anew(
    served: ControlPlane, owner: Owner, database: Database
) -> None:
    made = await add(served)
    publish_file(owner, made)
    await look(served, owner, made)
    host = f"status.{made['domain']}"
    body = {"slug": "mine", "title": "Our systems", "state": "published", "custom_domain": host}

    served.deps.pages.clock = lambda: 0.0  # nothing that is known of host names grows old by itself
    async with served.tenant() as http, served.client() as reader:
        page = (await http.post("/api/v1/status-pages", json=body)).json()

        async def leads(*, expected: bool) -> bool:
            return ("Our systems" in (await reader.get("/", headers={"Host": host})).text) is expected

        async def leads_there(*, expected: bool) -> None:
            await until_async(partial(leads, expected=expected), f"the domain to lead there: {expected}")
            shown = (await http.get(f"/api/v1/status-pages/{page['id']}")).json()
            assert (shown["custom_domain"], shown["custom_domain_proven"]) == (host, expected)

        await leads_there(expected=True)
        owner.files.clear()
        for sql in (MAKE_DUE, LONG_FAILED):
            async with database.app() as conn:
                await conn.execute(sql)
            await recheck_domains(database, owner.verifier, now=datetime.now(UTC))
        await leads_there(expected=False)
        log = (await http.get("/api/v1/audit", params={"actor_kind": "system"})).json()["items"]
        assert [entry["changes"]["state"] for entry in log] == [
            ["grace", "lapsed"],
            ["verified", "grace"],
        ]
        domain = (await http.get(f"/api/v1/domains/{made['id']}")).json()
        assert domain["last_error"].startswith("file: "), "what was found instead"
        publish_file(owner, made)
        await look(served, owner, made)
        await leads_there(expected=True)
        assert (await http.delete(f"/api/v1/domains/{made['id']}")).status_code == 204
        await leads_there(expected=False)


async def test_the_operators_rule_caps_domains_that_nobody_has_proven(
    served: ControlPlane, owner: Owner, database: Database
) -> None:
    async with served.tenant() as http, served.operator() as operator:

        async def monitor(check: str, interval: int) -> tuple[int, str | None]:
            body = {"name": check, "check": check, "interval": interval, "regions": ["eu"]}
            reply = await http.post("/api/v1/monitors", json=body)
            return reply.status_code, reply.json().get("error", {}).get("code")

        async def blocked() -> list[str]:
            items = (await http.get("/api/v1/monitors")).json()["items"]
            return [one["name"] for one in items if "warnings" in one]

        assert await monitor("https://old.example.org/", 60) == (201, None)
        await operator.patch("/operator/settings", json={"require_domain_verification": True})
        assert await monitor("https://www.example.com/", 60) == (422, "MIN_CHECK_INTERVAL")
        assert await monitor("https://www.example.com/", 3600) == (201, None)
        assert await monitor("tcp://db.example.com:5432", 3600) == (422, "DOMAIN_UNVERIFIED")
        await apply_rules(database)
        assert await blocked() == ["https://old.example.org/"]
        made = await add(served, "example.com")
        publish_file(owner, made)
        await look(served, owner, made)
        assert await monitor("tcp://db.example.com:5432", 10) == (201, None)
        await apply_rules(database, again=True)
        assert await blocked() == ["https://old.example.org/"]
        assert (await http.delete(f"/api/v1/domains/{made['id']}")).status_code == 204
        await apply_rules(database, again=True)
        assert await blocked() == ["https://old.example.org/", "tcp://db.example.com:5432"]
        await operator.patch("/operator/settings", json={"require_domain_verification": False})
        await apply_rules(database)
        assert await blocked() == []


async def test_two_that_watch_an_unproven_domain_at_once_have_one_monitor_between_them(served: ControlPlane) -> None:
    async with served.tenant() as http, served.operator() as operator:
        await operator.patch("/operator/settings", json={"require_domain_verification": True})

        async def watch(name: str) -> tuple[int, str | None]:
            body = {"name": name, "check": f"https://{name}.example.com/", "interval": 3600, "regions": ["eu"]}
            reply = await http.post("/api/v1/monitors", json=body)
            return reply.status_code, reply.json().get("error", {}).get("code")

        answers = await asyncio.gather(*(watch(f"s{index}") for index in range(6)))
        moved = await http.post(
            "/api/v1/monitors", json={"name": "b", "check": "https://b.example.net/", "interval": 3600}
        )
        path = f"/api/v1/monitors/{moved.json()['id']}"
        refused = await http.patch(path, json={"check": {"type": "http", "url": "https://z.example.com/"}})
    assert sorted(answers) == [(201, None), *[(422, "DOMAIN_UNVERIFIED")] * 5]
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "DOMAIN_UNVERIFIED")
