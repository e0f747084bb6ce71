"""The same done to two equal tenants, to one monitor by monitor, to the other in bulk: the same rows come of it."""

from __future__ import annotations

import json
import re
from typing import Any
from uuid import UUID

import httpx
import pytest

from control_plane.services.judging.judge_due import judge_followers
from shared.ids import TenantId
from tests.support import seed
from tests.support.tenant_world import World

TABLES = (
    *("monitors", "monitor_states", "assignments", "monitor_channels", "monitor_dependencies", "monitor_periods"),
    "monitor_escalations",
    *("incidents", "incident_events", "transitions", "events", "deliveries", "heartbeats", "certificates", "audit"),
)
OF_THEIR_OWN = (
    *("tenant_id", "first_slot", "changed_xid", "change", "number", "sequence", "sealed", "ping_id", "phase_ms"),
    *("operation", "actor", "actor_id", "trace_id", "order_key", "address"),
)
"""What differs between any two tenants, keys or requests."""

GO_DOWN = "UPDATE monitor_states SET verdict = 'down' WHERE tenant_id = $1 AND monitor_id = $2"
OPEN_INCIDENT = """
INSERT INTO incidents (tenant_id, id, number, monitor_id, severity, cause, started_at, opened_at)
VALUES ($1, $2, $3, $4, 'major', 'Down from 2 of 2 regions', now(), now())
"""
COVER = """
INSERT INTO monitor_periods (tenant_id, monitor_id, kind, starts_at, ends_at)
VALUES ($1, $2, 'maintenance', now(), now() + interval '1 hour')
"""

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(?:\+\d\d:\d\d|Z)?")


class Side:
    """One tenant: monitors by key, a channel, an incident of the one that is down."""

    def __init__(self, world: World, http: httpx.AsyncClient, tenant_id: TenantId) -> None:
        self.world, self.http, self.tenant_id = world, http, tenant_id
        self.ids: dict[str, str] = {}
        self.channel = ""

    async def build(self) -> None:
        self.channel = await self.world.channel(self.tenant_id, name=f"ops {self.tenant_id}")
        secret = {"type": "http", "url": "https://s.example.com/", "bearer_token": "a-long-secret"}
        await self.make("upstream")
        await self.make("held", depends_on=["upstream"], alerts=[{"channel_id": self.channel}])
        await self.make("plain", tags=["a"])
        await self.make("secret", check=secret)
        await self.make("covered")
        await self.make("tls", check="tls://t.example.com")
        await self.make("paused", enabled=False)
        await self.make("beat", check={"type": "heartbeat", "period": 3600, "grace": 60})
        await self.world.rows(COVER, self.tenant_id, UUID(self.ids["covered"]))
        for number, key in enumerate(("upstream", "plain", "covered"), 1):
            await self.world.rows(GO_DOWN, self.tenant_id, UUID(self.ids[key]))
            incident_id = seed.new_id()
            await self.world.rows(OPEN_INCIDENT, self.tenant_id, incident_id, number, UUID(self.ids[key]))
            self.ids[f"incident of {key}"] = str(incident_id)

    async def make(self, key: str, **over: Any) -> None:
        body = {"name": key, "key": key, "check": f"https://{key}.example.com/", **over}
        reply = await self.http.post("/api/v1/monitors", json=body)
        assert reply.status_code == 201, reply.text
        self.ids[key] = reply.json()["id"]

    async def singly(self, action: dict[str, Any], keys: list[str]) -> None:
        """What the bulk action means, monitor by monitor."""
        for key in keys:
            path = f"/api/v1/monitors/{self.ids[key]}"
            match action:
                case {"type": "enable"}:
                    reply = await self.http.post(f"{path}/resume")
                case {"type": "disable"}:
                    reply = await self.http.post(f"{path}/pause")
                case {"type": "delete"}:
                    reply = await self.http.delete(path)
                case {"type": "tag_add", "tags": tags}:
                    stored = (await self.http.get(path)).json()["tags"]
                    reply = await self.http.patch(path, json={"tags": [*stored, *tags]})
                case {"patch": patch}:
                    reply = await self.http.patch(path, json=self.own(patch))
            assert reply.status_code in (200, 204), reply.text

    async def in_bulk(self, action: dict[str, Any], keys: list[str]) -> None:
        body = {"ids": [self.ids[key] for key in keys], "action": self.own(action)}
        reply = await self.http.post("/api/v1/monitors/bulk-action", json=body)
        assert (reply.status_code, reply.json()["failed"]) == (200, 0), reply.text

    def own(self, document: dict[str, Any]) -> Any:
        return json.loads(json.dumps(document).replace("CHANNEL", self.channel))

    async def told(self) -> dict[str, list[str]]:
        """Every row that it has, with words in place of what is of its own."""
        names = {value: key for key, value in self.ids.items()} | {self.channel: "the channel"}
        told: dict[str, list[str]] = {}
        for table in TABLES:
            statement = f"SELECT to_jsonb(t) AS row FROM {table} t WHERE tenant_id = $1"
            found = await self.world.rows(statement, self.tenant_id)
            told[table] = sorted(_words(one["row"], names) for one in found)
        return told


def _words(row: dict[str, Any], names: dict[str, str]) -> str:
    kept = {name: value for name, value in row.items() if name not in OF_THEIR_OWN}
    text = json.dumps(kept, sort_keys=True)
    text = _UUID.sub(lambda found: names.get(found[0], "an id"), text)
    return re.sub(r"\d{13}", "a time", _TIME.sub("a time", text))


# What is held comes first: judged after its upstream, it would never have been.
EVERY = ["held", "upstream", "plain", "secret", "covered", "tls", "beat"]
CASES: dict[str, tuple[list[str], list[dict[str, Any]]]] = {
    "pause what is down, holds others, is a heartbeat": (EVERY, [{"type": "disable"}]),
    "pause and resume": (EVERY, [{"type": "disable"}, {"type": "enable"}]),
    "resume what was made paused": (["paused", "plain"], [{"type": "enable"}]),
    "delete one that holds another": (["upstream", "plain", "covered", "beat", "tls"], [{"type": "delete"}]),
    "another check": (
        ["held", "upstream", "plain", "covered"],
        [{"type": "update", "patch": {"check": {"type": "http", "url": "https://new.example.com/"}}}],
    ),
    "another secret": (
        ["plain", "secret"],
        [{"type": "update", "patch": {"check": {"bearer_token": "another-long-secret"}}}],
    ),
    "another server's certificate": (["tls"], [{"type": "update", "patch": {"check": {"host": "u.example.com"}}}]),
    "alerts": (["plain", "covered"], [{"type": "update", "patch": {"alerts": [{"channel_id": "CHANNEL"}]}}]),
    "no alerts": (["held", "plain"], [{"type": "update", "patch": {"alerts": []}}]),
    "dependencies": (["plain", "covered", "secret"], [{"type": "update", "patch": {"depends_on": ["upstream"]}}]),
    "no dependencies": (["held"], [{"type": "update", "patch": {"depends_on": []}}]),
    "interval and policy": (
        ["upstream", "plain", "secret"],
        [{"type": "update", "patch": {"interval": 300, "confirmations": 4, "severity": "minor"}}],
    ),
    "one region less": (["upstream", "plain"], [{"type": "update", "patch": {"regions": ["eu"]}}]),
    "tags": (EVERY, [{"type": "tag_add", "tags": ["b"]}]),
}


@pytest.mark.parametrize("case", CASES)
async def test_in_bulk_the_same_rows_come_of_it(world: World, case: str) -> None:
    one, other = Side(world, world.http, world.tenant_id), Side(world, world.stranger, world.stranger_id)
    for side in (one, other):
        await side.build()
    assert await one.told() == await other.told(), "they begin alike"
    before = await one.told()
    keys, actions = CASES[case]
    for action in actions:
        await one.singly(action, keys)
        await other.in_bulk(action, keys)
        await judge_followers(world.database)  # as every process does when verdicts changed on which others rest
    alone, many = await one.told(), await other.told()
    for table in TABLES:
        assert many[table] == alone[table], table
    assert alone["audit"] != before["audit"], "something was done"
