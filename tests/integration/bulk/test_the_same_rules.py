"""One table of bad monitors, sent one by one, in bulk, as an import and as changes: the same refusals everywhere."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from control_plane.store.pool import Database
from tests.support.seed import a_region
from tests.support.serving import control_plane, settings_with

Told = tuple[str, str | None]
"""An error's code and field."""

GOOD = "https://good.example.com/"
LIMITS = {
    "quotas": {"max_monitors": 9},
    "features": {"check_kinds": ["http", "tcp", "ping", "heartbeat", "tls_cert"], "min_interval": 60, "max_regions": 1},
}

BAD: dict[str, dict[str, Any]] = {
    "no name": {"name": None},
    "unknown field": {"colour": "red"},
    "two faults": {"name": "", "interval": "x"},
    "interval under the plan's": {"interval": 30},
    "kind not in the plan": {"check": "dns://example.com?type=A"},
    "more regions than the plan's": {"regions": ["eu", "us"]},
    "no such region": {"regions": ["moon"]},
    "no region": {"regions": []},
    "loopback": {"check": "http://127.0.0.1/"},
    "mapped loopback": {"check": "http://[::ffff:7f00:1]/"},
    "metadata": {"check": "http://169.254.169.254/latest"},
    "private address": {"check": "tcp://10.0.0.1:443"},
    "decimal address": {"check": "http://2130706433/"},
    "port of another service": {"check": "https://good.example.com:25/"},
    "port outside the profile": {"check": "tcp://good.example.com:22"},
    "scheme": {"check": "gopher://good.example.com/"},
    "denied domain": {"check": "https://a.denied.example.org/"},
    "denied address": {"check": "ping://1.1.1.7"},
    "denied pattern": {"check": "https://good.example.com/wp-login.php"},
    "no such channel": {"alerts": ["0197a2f0-0000-7000-8000-000000000000"]},
    "no such upstream": {"depends_on": ["nothing"]},
    "a secret that is none": {"check": {"type": "http", "url": GOOD, "bearer_token": 5}},
    "timeout over interval": {"check": {"type": "http", "url": GOOD, "timeout": 60_001}},
    "bad expression": {"check": {"type": "http", "url": GOOD, "body_regex": "("}},
    "one port too many": {"check": "tls://scanned.example.com:8443"},
    "key of another": {"key": "taken"},
    "key with a blank": {"key": "a b"},
    "too many tags": {"tags": [f"t{n}" for n in range(60)]},
}


@dataclass(frozen=True, slots=True)
class Judged:
    """A control plane with every rule on, and one monitor that there is already."""

    http: httpx.AsyncClient
    monitor_id: str

    async def count(self) -> int:
        return int((await self.http.get("/api/v1/monitors")).json()["total"])


@pytest.fixture
async def judged(database: Database) -> AsyncIterator[Judged]:
    async with control_plane(database, settings_with(security={"tcp_ports": "strict"})) as served:
        async with database.app() as conn:
            for slug in ("eu", "us"):
                await a_region(conn, slug)
            await conn.execute("UPDATE tenants SET overrides = $2 WHERE id = $1", served.home.tenant_id, LIMITS)
        async with served.tenant() as http, served.operator() as operator:
            await _rules(operator)
            made = await http.post("/api/v1/monitors", json=a_monitor({"key": "taken"}))
            scanned = await http.post(
                "/api/v1/monitors", json=a_monitor({"check": "https://scanned.example.com:8080/"})
            )
            assert (made.status_code, scanned.status_code) == (201, 201), made.text + scanned.text
            yield Judged(http, made.json()["id"])


async def _rules(operator: httpx.AsyncClient) -> None:
    rules = [
        {"kind": "domain", "value": "denied.example.org"},
        {"kind": "cidr", "value": "1.1.1.0/24"},
        {"kind": "url_glob", "value": "*/wp-login.php*"},
    ]
    for rule in rules:
        assert (await operator.post("/operator/deny-lists", json={**rule, "reason": "test"})).status_code == 201
    assert (await operator.patch("/operator/settings", json={"scan_ports_per_host": 1})).status_code == 200


def a_monitor(over: dict[str, Any]) -> dict[str, Any]:
    body = {"name": "API", "check": GOOD, "regions": ["eu"], **over}
    return {field: value for field, value in body.items() if value is not None}


def told(error: dict[str, Any]) -> Told:
    return error["code"], error["field"]


async def test_bulk_and_import_refuse_each_bad_monitor_as_a_single_call_does(judged: Judged) -> None:
    bodies = [a_monitor(over) for over in BAD.values()]
    before = await judged.count()
    alone: dict[str, Told] = {}
    for name, body in zip(BAD, bodies, strict=True):
        reply = await judged.http.post("/api/v1/monitors", json=body)
        assert 400 <= reply.status_code < 500, (name, reply.text)
        alone[name] = told(reply.json()["error"])
    assert len({code for code, _ in alone.values()}) > 12, alone
    document = {"monitors": bodies}
    bulk = await judged.http.post("/api/v1/monitors/bulk", json=document)
    yaml = await judged.http.post(
        "/api/v1/import", content=json.dumps(document), headers={"Content-Type": "application/yaml"}
    )
    for reply in (bulk, yaml):
        assert (reply.status_code, reply.json()["failed"]) == (200, len(BAD)), reply.text
        assert {name: told(item["error"]) for name, item in zip(BAD, reply.json()["items"], strict=True)} == alone
    assert await judged.count() == before


async def test_a_bad_one_among_good_ones_is_the_only_one_that_is_left_out(judged: Judged) -> None:
    bodies = [a_monitor({}), a_monitor(BAD["one port too many"]), a_monitor({}), a_monitor(BAD["denied domain"])]
    reply = await judged.http.post("/api/v1/monitors/bulk", json={"monitors": bodies})
    codes = [item["error"] and item["error"]["code"] for item in reply.json()["items"]]
    assert codes == [None, "PORT_SCAN_SUSPECTED", None, "DOMAIN_DENYLISTED"]
    assert await judged.count() == 4


async def test_a_bulk_update_refuses_each_bad_patch_as_a_single_change_does(judged: Judged) -> None:
    patches = {name: over for name, over in BAD.items() if name not in ("no name", "no region")}
    for name, patch in patches.items():
        alone = await judged.http.patch(f"/api/v1/monitors/{judged.monitor_id}", json=patch)
        body = {"ids": [judged.monitor_id], "action": {"type": "update", "patch": patch}}
        reply = await judged.http.post("/api/v1/monitors/bulk-action", json=body)
        item = reply.json()["items"][0]
        if alone.status_code == 200:
            assert (name, item["error"]) == ("key of another", None), "its own key"
            continue
        assert item["error"] is not None, (name, alone.text)
        assert told(item["error"]) == told(alone.json()["error"]), name


async def test_an_unproven_domain_has_one_monitor_however_they_come(judged: Judged, database: Database) -> None:
    async with database.app() as conn:
        await conn.execute("INSERT INTO operator_settings VALUES ('require_domain_verification', 'true')")
    bodies = [a_monitor({"check": f"https://{host}/", "interval": 3600}) for host in ("a.test.org", "b.test.org")]
    bodies.append(a_monitor({"check": "https://c.test.net/", "interval": 60}))
    reply = await judged.http.post("/api/v1/monitors/bulk", json={"monitors": bodies})
    codes = [item["error"] and item["error"]["code"] for item in reply.json()["items"]]
    assert codes == [None, "DOMAIN_UNVERIFIED", "MIN_CHECK_INTERVAL"]


async def test_while_all_checks_are_stopped_monitors_are_created_as_singly(judged: Judged, database: Database) -> None:
    async with database.app() as conn:
        await conn.execute("INSERT INTO installation VALUES ('kill_switch', '{\"reason\": \"test\"}')")
    alone = await judged.http.post("/api/v1/monitors", json=a_monitor({}))
    reply = await judged.http.post("/api/v1/monitors/bulk", json={"monitors": [a_monitor({})]})
    assert (alone.status_code, reply.status_code, reply.json()["failed"]) == (201, 201, 0)


async def test_what_rests_on_a_monitor_that_is_refused_is_refused_too(judged: Judged) -> None:
    bodies = [
        a_monitor({**BAD["one port too many"], "key": "scanned"}),
        a_monitor({"depends_on": ["scanned"]}),
        a_monitor({"key": "taken"}),
        a_monitor({}),
    ]
    reply = await judged.http.post("/api/v1/monitors/bulk", json={"monitors": bodies})
    codes = [item["error"] and item["error"]["code"] for item in reply.json()["items"]]
    assert codes == ["PORT_SCAN_SUSPECTED", "INVALID_DEPENDENCY", "KEY_TAKEN", None]
