"""The form of every kind: what it can say, what it reads back, and what a change keeps."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import httpx
import pytest

from control_plane.dashboard.monitors.form_fields import KINDS, fields
from control_plane.domain.checks.check_rules import RULES
from control_plane.domain.checks.kinds import SPECS
from control_plane.domain.checks.regionless import kind_is_regionless
from control_plane.domain.monitors.monitor_rules import FIELDS
from tests.support.dashboard import Desk, entered, post

FULL: Mapping[str, dict[str, Any]] = {
    "http": {
        "url": "http://127.0.0.1:8080/health",
        "method": "POST",
        "headers": {"X-Trace": "1", "X-Api-Key": "s3cr3t"},
        "body": '{"a": 1}\r\n\n',
        "timeout": 5000,
        "follow_redirects": False,
        "max_redirects": 3,
        "expected_status": {"kind": "range", "value": {"min": 200, "max": 204}},
        "expected_body_contains": "ok",
        "expected_body_not_contains": "error",
        "expected_json": {"path": "$.status", "value": "true"},
        "expected_headers": {"Server": "nginx"},
        "body_regex": "o.",
        "degraded_above_ms": 800,
        "cert_warn_days": None,
        "verify_tls": True,
        "basic_auth": ["ana", "hunter2"],
    },
    "tcp": {"host": "127.0.0.1", "port": 25, "send": "EHLO x\r\n", "expect": "250", "degraded_above_ms": 90},
    "dns": {
        "name": "example.com",
        "record_type": "MX",
        "expected": ["10 a.example.com", "20 b.example.com"],
        "exact": True,
        "resolver": "127.0.0.1:53",
        "timeout": 2500,
    },
    "ping": {"host": "127.0.0.1", "count": 5, "max_loss_pct": 20, "timeout": 4000, "degraded_above_ms": 50},
    "tls_cert": {"host": "127.0.0.1", "port": 8443, "server_name": "a.example", "warn_days": 21, "critical_days": 3},
    "domain_expiry": {"domain": "example.com", "warn_days": 60, "critical_days": 10, "timeout": 20_000},
    "heartbeat": {"cron": "*/5 * * * *", "timezone": "Europe/Berlin", "grace": 120, "max_run_s": 90},
    "composite": {"at_least": 2, "of": {"tag": "edge"}},
}
"""Every kind with everything that it can say."""

QUIET: Mapping[str, Any] = {
    "start": "22:00",
    "end": "07:00",
    "time_zone": "Europe/Berlin",
    "days": ["sat"],
    "except_severities": ["critical"],
}
REST: Mapping[str, Any] = {
    "tags": ["edge", "shop"],
    "group": "Front",
    "sla": {"target": 99.95, "period_days": 90},
    "notify_recovery": False,
    "renotify_interval_secs": 900,
    "max_repeats": 3,
    "severity": "critical",
    "alert_on": "degraded",
    "quiet_hours": QUIET,
    "owner": "Ana",
    "notes": "First\nsecond",
    "enabled": False,
    "key": "front/shop",
}
OF_REGIONS: Mapping[str, Any] = {
    "interval": 7200,
    "regions": ["eu", "us"],
    "region_policy": {"count": 2},
    "confirmations": 3,
    "backoff_when_down": True,
}


@pytest.mark.parametrize("kind", SPECS)
def test_every_field_of_the_api_is_in_the_form(kind: str) -> None:
    pointers = {field.pointer for field in fields(kind)}
    of_regions = set(OF_REGIONS) if kind_is_regionless(kind) else set()
    assert pointers >= {f"/{name}" for name in FIELDS if name != "check" and name not in of_regions}
    assert pointers >= {f"/check/{name}" for name in RULES[kind].fields}
    assert set(KINDS) == set(SPECS)


async def whole(desk: Desk, kind: str) -> dict[str, Any]:
    """A monitor of the kind that says everything that one can."""
    upstream = await desk.monitor("Upstream", key="upstream")
    channels = [await channel(desk, name) for name in ("Ops", "Boss")]
    body = {
        "name": "Everything",
        "check": {"type": kind, **FULL[kind]},
        **REST,
        **({} if kind_is_regionless(kind) else OF_REGIONS),
        "depends_on": [str(upstream)],
        "alerts": [{"channel_id": channels[0], "events": ["incident.opened", "monitor.degraded"]}],
        "escalations": [{"after_s": 900, "channel_ids": channels}],
    }
    async with desk.served.tenant() as api:
        reply = await api.post("/api/v1/monitors", json=body)
        assert reply.status_code == 201, reply.text
        found: dict[str, Any] = reply.json()
    return found


async def channel(desk: Desk, name: str) -> str:
    async with desk.served.tenant() as api:
        config = {"type": "webhook", "url": "https://hooks.example.com/x"}
        reply = await api.post("/api/v1/channels", json={"name": name, "config": config})
        assert reply.status_code == 201, reply.text
        return str(reply.json()["id"])


async def read(desk: Desk, monitor_id: str | UUID) -> dict[str, Any]:
    async with desk.served.tenant() as api:
        found: dict[str, Any] = (await api.get(f"/api/v1/monitors/{monitor_id}")).json()
    return found


SAME = ("created_at", "updated_at", "state", "write_source", "heartbeat", "warnings")


def told(monitor: Mapping[str, Any]) -> dict[str, Any]:
    """What its owner has decided about it."""
    return {name: value for name, value in monitor.items() if name not in SAME}


@pytest.mark.parametrize("kind", SPECS)
async def test_a_form_that_is_saved_as_it_stands_changes_nothing(
    kind: str, desk: Desk, http: httpx.AsyncClient
) -> None:
    made = await whole(desk, kind)
    path = f"/app/monitors/{made['id']}/edit"
    page = await http.get(path)
    assert page.status_code == 200
    for secret in ("s3cr3t", "hunter2"):
        assert secret not in page.text
    reply = await http.post(path, data=entered(page.text))
    assert reply.status_code == 303, re.findall(r'class="(?:problem|notice bad)"[^>]*>(.*?)</', reply.text)
    assert reply.headers["Location"] == f"/app/monitors/{made['id']}?said=changed"
    after = await read(desk, made["id"])
    assert told(after) == told(made)
    assert after["updated_at"] == made["updated_at"], "nothing was written"


@pytest.mark.parametrize("kind", SPECS)
async def test_a_blank_form_of_every_kind_needs_only_its_target_and_a_name(
    kind: str, desk: Desk, http: httpx.AsyncClient
) -> None:
    page = await http.get(f"/app/monitors/new?kind={kind}")
    assert page.status_code == 200
    filled = entered(page.text) | {"name": ["Plain"]}
    rules = RULES[kind]
    target = {"heartbeat": {"cron": "*/5 * * * *"}}.get(kind, FULL[kind])
    for field in fields(kind):
        member = field.member[-1]
        if field.member[0] == "check" and (member in rules.required or member == "cron"):
            name = f"{field.name}-tag" if field.widget == "members" else field.name
            value = target["of"]["tag"] if field.widget == "members" else target[member]
            filled |= {name: [str(value)]}
    reply = await http.post("/app/monitors", data=filled)
    assert reply.status_code == 303, re.findall(r'id="([\w-]+-problem)">([^<]+)', reply.text)
    async with desk.served.tenant() as api:
        (made,) = (await api.get("/api/v1/monitors")).json()["items"]
        body = {"name": "Same", "check": {"type": kind, **{each: target[each] for each in rules.required or ("cron",)}}}
        same = (await api.post("/api/v1/monitors", json=body)).json()
    apart = ("id", "number", "name")
    assert {name: made[name] for name in told(made) if name not in apart} == {
        name: same[name] for name in told(same) if name not in apart
    }


async def test_what_is_emptied_has_its_default_again(desk: Desk, http: httpx.AsyncClient) -> None:
    made = await whole(desk, "http")
    path = f"/app/monitors/{made['id']}/edit"
    filled = entered((await http.get(path)).text)
    for name in ("group", "owner", "notes", "key", "tags", "sla", "interval", "check-body", "check-body-regex"):
        filled[name] = [""]
    filled |= {"alerts": [], "depends-on": [], "escalations-0-after": [""], "escalations-0-channels": []}
    filled |= {"quiet-hours-start": [""], "quiet-hours-end": [""], "check-expected-json-path": [""]}
    filled |= {"check-expected-json-value": [""], "check-headers-name": ["X-Trace"], "check-headers-value": ["2"]}
    filled |= {"check-basic-auth-user": [""], "check-basic-auth-password": [""]}
    reply = await http.post(path, data=filled)
    assert reply.status_code == 303, re.findall(r'id="([\w-]+-problem)">([^<]+)', reply.text)
    after = await read(desk, made["id"])
    for name in ("group", "owner", "notes", "key", "sla", "quiet_hours"):
        assert after[name] is None, name
    for name in ("tags", "alerts", "escalations", "depends_on"):
        assert after[name] == [], name
    assert after["interval"] == 60
    assert after["check"]["headers"] == {"X-Trace": "2"}
    for name in ("body", "basic_auth", "expected_json", "body_regex"):
        assert after["check"][name] is None, name
    assert after["write_source"] == "ui"


async def test_a_secret_is_replaced_only_by_what_is_written_over_it(desk: Desk, http: httpx.AsyncClient) -> None:
    made = await whole(desk, "http")
    path = f"/app/monitors/{made['id']}/edit"
    filled = entered((await http.get(path)).text)
    other_user = filled | {"check-basic-auth-user": ["bob"]}
    reply = await http.post(path, data=other_user)
    assert reply.status_code == 400
    assert 'id="check-basic-auth-problem"' in reply.text, "*** is nobody's password"
    moved = filled | {"check-url": ["https://evil.example/"]}
    reply = await http.post(path, data=moved)
    assert reply.status_code == 400
    assert "send the credential again" in reply.text
    other = other_user | {"check-basic-auth-password": ["n3w"]}
    assert (await http.post(path, data=other)).status_code == 303
    assert (await read(desk, made["id"]))["check"]["basic_auth"] == ["bob", "***"]


async def test_whoever_saves_second_is_told_and_may_still_save(desk: Desk, http: httpx.AsyncClient) -> None:
    monitor_id = await desk.monitor("Shop")
    path = f"/app/monitors/{monitor_id}/edit"
    mine = entered((await http.get(path)).text) | {"name": ["Mine"]}
    async with desk.served.tenant() as api:
        await api.patch(f"/api/v1/monitors/{monitor_id}", json={"name": "Theirs"})
    reply = await http.post(path, data=mine)
    assert reply.status_code == 412
    assert "Somebody else has changed this monitor" in reply.text
    assert 'value="Mine"' in reply.text
    assert (await read(desk, monitor_id))["name"] == "Theirs"
    assert (await http.post(path, data=entered(reply.text))).status_code == 303
    assert (await read(desk, monitor_id))["name"] == "Mine"


async def test_a_monitor_is_not_offered_itself_to_depend_on(desk: Desk, http: httpx.AsyncClient) -> None:
    shop, other = await desk.monitor("Shop"), await desk.monitor("Other")
    page = (await http.get(f"/app/monitors/{shop}/edit")).text
    assert f'name="depends-on" value="{other}"' in page
    assert f'name="depends-on" value="{shop}"' not in page
    filled = entered(page) | {"depends-on": [str(other)]}
    assert (await http.post(f"/app/monitors/{shop}/edit", data=filled)).status_code == 303
    back = entered((await http.get(f"/app/monitors/{other}/edit")).text) | {"depends-on": [str(shop)]}
    circle = await http.post(f"/app/monitors/{other}/edit", data=back)
    assert circle.status_code == 422
    assert 'id="depends-on-problem"' in circle.text


async def test_a_monitor_is_cloned_with_its_secrets_and_edited_next(desk: Desk, http: httpx.AsyncClient) -> None:
    made = await whole(desk, "http")
    path = f"/app/monitors/{made['id']}/clone"
    assert 'value="Everything (copy)"' in (await http.get(path)).text
    refused = await post(http, path, name="")
    assert refused.status_code == 400
    assert 'id="name-problem"' in refused.text
    reply = await post(http, path, name="Twin", paused="on")
    found = re.fullmatch(r"/app/monitors/([0-9a-f-]{36})/edit", reply.headers["Location"])
    assert found is not None
    twin = await read(desk, found[1])
    assert (twin["name"], twin["enabled"], twin["key"]) == ("Twin", False, None)
    assert twin["check"]["basic_auth"] == ["ana", "***"]
    assert twin["write_source"] == "ui"


async def test_what_goes_with_a_monitor_is_said_before(desk: Desk, http: httpx.AsyncClient) -> None:
    upstream = await desk.monitor("Database")
    await desk.monitor("Shop", depends_on=[str(upstream)])
    for doing in ("pause", "delete"):
        page = (await http.get(f"/app/monitors/{upstream}/{doing}")).text
        assert "What depends on it is no longer held: Shop." in page
    assert (await read(desk, upstream))["enabled"], "asking does nothing"


async def test_who_may_only_read_sees_no_form(desk: Desk) -> None:
    monitor_id = await desk.monitor("Shop")
    async with desk.served.tenant() as api:
        key = (await api.post("/api/v1/keys", json={"label": "Reader", "scopes": ["monitors:read"]})).json()
    async with desk.signed_in(key["key"]) as reader:
        for path in ("new", f"{monitor_id}/edit", f"{monitor_id}/clone", f"{monitor_id}/delete", f"{monitor_id}/pause"):
            assert (await reader.get(f"/app/monitors/{path}")).status_code == 403, path


@pytest.mark.parametrize("path", ["edit", "clone", "pause", "delete", "first"])
@pytest.mark.parametrize("id_", ["00000000-0000-4000-8000-000000000000", "moon"])
async def test_what_is_not_there_is_not_found(path: str, id_: str, http: httpx.AsyncClient) -> None:
    assert (await http.get(f"/app/monitors/{id_}/{path}")).status_code == 404
