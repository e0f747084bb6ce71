"""The hostile inputs of the corpora that concern monitors, sent to the real door: refused, and nothing changed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.tenant_world import World

CORPUS = Path(__file__).parents[2] / "support" / "corpora" / "bad_inputs.jsonl"
ROWS = [json.loads(line) for line in CORPUS.read_text(encoding="utf-8").splitlines()]

RENAMED = {"alert_confirmations": "confirmations", "check.expected_body_regex": "check.body_regex"}
OTHER_CODE = {
    "B011": {"INVALID_INTERVAL", "INVALID_TYPE"},
    "B012": {"INVALID_JSON", "INVALID_INTERVAL"},
    "B104": {"UNKNOWN_FIELD"},
    "B129": {"INVALID_STRING", "INVALID_HEADER"},
    "B082": {"INVALID_JSON", "INVALID_INTERVAL"},
}
"""Where our code is more exact."""

LIMITS = {
    **dict.fromkeys(("B041", "B042"), "1 to 100"),
    **dict.fromkeys(("B085", "B086", "B087"), "1000 to 60000"),
    **dict.fromkeys(("B093", "B094", "B095"), "1 to 10"),
    "B073": "2048",
    "B097": "60",
    "B099": "2592000",
    "B140": "8192",
    "B145": "1024",
    "B147": "65536",
    "B163": "1 to 365",
    "B183": "2",
    "B184": "2",
}
"""What a message must say of the limit that was passed."""

TAKEN = {"B141"}
"""A regular expression is offered and runs on RE2, in linear time."""

SENT_OTHERWISE = {"slow-body", "header", "content-type", "content-encoding"}
"""Kinds that are no bodies: tests/integration/web sends those."""


def _rows(surface: str) -> list[Any]:
    return [
        pytest.param(row, id=row["id"])
        for row in ROWS
        if row["surface"] == surface and row["kind"] not in SENT_OTHERWISE
    ]


def _value(row: dict[str, Any]) -> Any:
    if "gen" not in row:
        return row.get("value")
    recipe = row["gen"]
    prefix = recipe.get("prefix", "")
    text = prefix + recipe["repeat"] * (recipe["total"] - len(prefix) if "total" in recipe else recipe["count"])
    return {"X-Long": text} if row["kind"] == "headers" else text


def _body(row: dict[str, Any], base: dict[str, Any]) -> bytes:
    if "raw_utf8" in row:
        return str(row["raw_utf8"]).encode()
    if "raw_hex" in row:
        return bytes.fromhex(row["raw_hex"])
    path = RENAMED.get(row["field"], row["field"]).split(".")
    value = _value(row)
    if path == ["check", "url"] and isinstance(value, dict):
        path = ["check"]
    place = base
    for step in path[:-1]:
        place = place.setdefault(step, {})
    if isinstance(value, dict) and isinstance(place.get(path[-1]), dict) and "type" not in value:
        place[path[-1]].update(value)
    else:
        place[path[-1]] = value
    return json.dumps(base).encode()


@pytest.mark.parametrize("row", _rows("POST /api/v1/monitors"))
async def test_a_hostile_creation_is_judged_and_changes_nothing(world: World, row: dict[str, Any]) -> None:
    base = {"name": "API", "check": {"type": "http", "url": "https://example.com/"}}
    before = await world.fingerprint()
    body = _body(row, base)
    reply = await world.http.post("/api/v1/monitors", content=body, headers={"Content-Type": "application/json"})
    assert reply.status_code == (201 if row["id"] in TAKEN else row["expect"]["http"]), reply.text
    if reply.status_code == 201:
        return
    assert reply.json()["error"]["code"] in OTHER_CODE.get(row["id"], {row["expect"]["code"]}), reply.text
    assert LIMITS.get(row["id"], "") in reply.json()["error"]["message"]
    assert await world.fingerprint() == before


@pytest.mark.parametrize("row", _rows("PATCH /api/v1/monitors/{id}"))
async def test_a_hostile_change_is_judged_and_changes_nothing(world: World, row: dict[str, Any]) -> None:
    made = await world.monitor(
        check={"type": "http", "url": "https://example.com/", "basic_auth": ["u", "p"], "verify_tls": True}
    )
    base: dict[str, Any] = {"check": {"bearer_token": None}}
    if row["kind"] == "bearer_token":
        base = {"check": {"basic_auth": None}}
    if row["kind"] == "basic_auth" or "credential" in row["kind"]:
        base = {"check": {}}
    before = await world.fingerprint()
    reply = await world.http.patch(
        f"/api/v1/monitors/{made['id']}", content=_body(row, base), headers={"Content-Type": "application/json"}
    )
    assert reply.status_code == row["expect"]["http"], reply.text
    assert reply.json()["error"]["code"] == row["expect"]["code"], reply.text
    assert await world.fingerprint() == before


@pytest.mark.parametrize(
    ("body", "status", "code", "field"),
    [
        ({"check": "https://example.com/"}, 400, "MISSING_FIELD", "/name"),
        ({"name": "A"}, 400, "MISSING_FIELD", "/check"),
        ({"name": "A", "check": None}, 400, "MISSING_FIELD", "/check"),
        ({"name": None, "check": "https://example.com/"}, 400, "INVALID_TYPE", "/name"),
        ({"interval": 9}, 422, "MIN_CHECK_INTERVAL", "/interval"),
        ({"interval": 0}, 400, "INVALID_INTERVAL", "/interval"),
        ({"interval": True}, 400, "INVALID_TYPE", "/interval"),
        ({"interval": 604_801}, 400, "INVALID_INTERVAL", "/interval"),
        ({"interval": 10, "check": {"type": "http", "url": "https://example.com/", "timeout": 10_001}}, 400,
         "INVALID_TIMEOUT", "/check/timeout"),
        ({"depends_on": "gateway"}, 400, "INVALID_TYPE", "/depends_on"),
        ({"sla": {"target": 100.1, "period_days": 30}}, 400, "INVALID_SLA", "/sla/target"),
        ({"escalate": []}, 400, "UNKNOWN_FIELD", "/escalate"),
        ({"backoff_when_down": "yes"}, 400, "INVALID_TYPE", "/backoff_when_down"),
        ({"regions": ["eu"], "region_policy": {"count": 2}}, 422, "INVALID_REGION_POLICY", "/region_policy"),
        ({"region_policy": "most"}, 422, "INVALID_REGION_POLICY", "/region_policy"),
        ({"alerts": [{"channel_id": "0192a1ce-0000-7000-8000-000000000001"}]}, 400, "INVALID_ALERT_CONFIG",
         "/alerts/0/channel_id"),
        ({"alerts": [{"channel_id": "x"}]}, 400, "INVALID_ALERT_CONFIG", "/alerts/0/channel_id"),
        ({"alerts": {}}, 400, "INVALID_TYPE", "/alerts"),
        ({"alerts": [1]}, 400, "INVALID_TYPE", "/alerts/0"),
        ({"check": "http://127.0.0.1/"}, 400, "SSRF_BLOCKED", "/check"),
        ({"check": "http://[::1]/"}, 400, "SSRF_BLOCKED", "/check"),
        ({"check": "http://169.254.169.254/latest"}, 400, "SSRF_BLOCKED", "/check"),
        ({"enabled": 1}, 400, "INVALID_TYPE", "/enabled"),
        ({"notify_recovery": "yes"}, 400, "INVALID_TYPE", "/notify_recovery"),
        ({"key": "has space"}, 400, "INVALID_KEY", "/key"),
    ],
)  # fmt: skip
async def test_a_bad_field_is_named(world: World, body: dict[str, Any], status: int, code: str, field: str) -> None:
    whole = body if {"name", "check"} & set(body) == {"name"} or body == {"check": "https://example.com/"} else None
    before = await world.fingerprint()
    reply = await world.http.post(
        "/api/v1/monitors", json=whole or {"name": "A", "check": "https://example.com/", **body}
    )
    error = reply.json()["error"]
    assert (reply.status_code, error["code"]) == (status, code), reply.text
    assert error["field"].startswith(field)
    assert await world.fingerprint() == before


async def test_every_bad_field_is_told_at_once(world: World) -> None:
    reply = await world.http.post(
        "/api/v1/monitors",
        json={
            "name": "",
            "check": {"type": "http", "url": "ftp://x/", "timeout": 1},
            "interval": 1,
            "tags": ["a,b"],
            "x": 1,
        },
    )
    error = reply.json()["error"]
    told = {error["field"], *(other["field"] for other in error["details"]["also"])}
    assert told >= {"/name", "/check/url", "/check/timeout", "/interval", "/tags/0", "/x"}


async def test_a_private_monitor_may_go_where_a_shared_one_may_not(world: World) -> None:
    async with world.database.app() as conn:
        await conn.execute(
            "INSERT INTO regions (slug, name, tenant_id, allow_cidrs) VALUES ('home', 'Home', $1, '{127.0.0.0/8}')",
            world.tenant_id,
        )
    made = await world.monitor(check="http://127.0.0.1:8080/", regions=["home"])
    path = f"/api/v1/monitors/{made['id']}"
    for body in ({"regions": ["home", "eu"]}, {"regions": ["eu"]}, {"regions": None}):
        reply = await world.http.patch(path, json=body)
        assert (reply.status_code, reply.json()["error"]["code"]) == (400, "SSRF_BLOCKED")
    reply = await world.http.put(f"{path}/regions", json={"regions": ["eu"]})
    assert reply.json()["error"]["code"] == "SSRF_BLOCKED"
    assert (await world.get(f"/monitors/{made['id']}"))["regions"] == ["home"]


async def test_channels_are_bound_by_id_once_and_only_ones_own(world: World) -> None:
    own, theirs = await world.channel(), await world.channel(world.stranger_id, "theirs")
    made = await world.monitor(alerts=[{"channel_id": own, "events": ["incident.opened"]}])
    assert made["alerts"] == [{"channel_id": own, "events": ["incident.opened"]}]
    path = f"/api/v1/monitors/{made['id']}"
    for alerts in (
        [{"channel_id": theirs}],
        [{"channel_id": own}, {"channel_id": own}],
        [{"channel_id": own, "events": ["check.completed"]}],
        [{"channel_id": own, "events": []}],
    ):
        reply = await world.http.patch(path, json={"alerts": alerts})
        assert (reply.status_code, reply.json()["error"]["code"]) == (400, "INVALID_ALERT_CONFIG")
    assert (await world.http.patch(path, json={"alerts": []})).json()["alerts"] == []
