"""Deny rules and opt-outs: refused at submission, taken from agents, and given back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest

from control_plane.services.safety.apply_rules import apply_rules
from control_plane.store.pool import Database
from shared.protocol import Assignments
from tests.support.serving import ControlPlane

WATCHED = "https://api.shop.example.com/health"
DOMAIN = {"kind": "domain", "value": "shop.example.com", "reason": "Report 7"}

pytestmark = pytest.mark.usefixtures("eu_key")


async def deny(served: ControlPlane, **rule: str) -> dict[str, Any]:
    async with served.operator() as http:
        reply = await http.post("/operator/deny-lists", json={**DOMAIN, **rule})
    assert reply.status_code == 201, reply.text
    made: dict[str, Any] = reply.json()
    return made


async def create(http: httpx.AsyncClient, check: Any = WATCHED, **over: Any) -> httpx.Response:
    return await http.post("/api/v1/monitors", json={"name": "Shop", "check": check, "regions": ["eu"], **over})


async def poll(served: ControlPlane, key: str, cursor: str = "") -> Assignments:
    async with served.client(key) as agent:
        answer = await agent.get("/api/agent/v1/assignments", params={"cursor": cursor})
    assert answer.status_code == 200, answer.text
    return msgspec.json.decode(answer.content, type=Assignments)


@pytest.mark.parametrize(
    ("rule", "check", "code"),
    [
        ({}, WATCHED, "DOMAIN_DENYLISTED"),
        ({}, "tcp://db.shop.example.com:5432", "DOMAIN_DENYLISTED"),
        ({}, "dns://SHOP.example.com.?type=MX", "DOMAIN_DENYLISTED"),
        ({"value": "https://*.Example.com/x"}, WATCHED, "DOMAIN_DENYLISTED"),
        ({"value": "b\u00fccher.example.com"}, "https://xn--bcher-kva.example.com/", "DOMAIN_DENYLISTED"),
        ({"kind": "url_glob", "value": "*/wp-login.php*"}, "https://a.test.org/wp-login.php?x", "URL_PATTERN_BLOCKED"),
        ({"kind": "url_glob", "value": "*/wp-login.php*"}, "https://a.test.org/%77p-login.php", "URL_PATTERN_BLOCKED"),
        ({"kind": "url_glob", "value": "*/wp-login.php*"}, "https://a.test.org/wp-loginxphp", None),
        ({"kind": "url_regex", "value": r"/\.git(/|$)"}, "https://a.test.org/.git/config", "URL_PATTERN_BLOCKED"),
        ({"kind": "url_regex", "value": "^tcp://.*:25$"}, "tcp://mx.test.org:25", "URL_PATTERN_BLOCKED"),
        ({"kind": "cidr", "value": "1.1.1.0/24"}, "ping://1.1.1.1", "ABUSE_BLOCKED"),
        ({"kind": "cidr", "value": "1.1.1.0/24"}, "ping://1.1.2.1", None),
        ({}, "https://othershop.example.com/", None),
    ],
)
async def test_a_denied_target_is_refused_with_the_code_of_its_rule(
    served: ControlPlane, rule: dict[str, str], check: str, code: str | None
) -> None:
    await deny(served, **rule)
    async with served.tenant() as http:
        reply = await create(http, check)
        listed = await http.get("/api/v1/monitors")
    if code is None:
        assert reply.status_code == 201, reply.text
        return
    assert (reply.status_code, reply.json()["error"]["code"]) == (422, code)
    assert "Report 7" in reply.json()["error"]["message"]
    assert listed.json()["total"] == 0


async def test_changes_copies_and_tests_are_held_against_the_list_too(served: ControlPlane) -> None:
    async with served.tenant() as http:
        made = (await create(http, "https://a.test.org/")).json()
        path = f"/api/v1/monitors/{made['id']}"
        await deny(served)
        answers = [
            await http.patch(path, json={"check": WATCHED}),
            await http.post("/api/v1/monitors/test", json={"check": WATCHED, "regions": ["eu"]}),
            await http.post(f"{path}/clone", json={"check": {"url": WATCHED}}),
        ]
        renamed = await http.patch(path, json={"name": "Other"})
    assert [(a.status_code, a.json()["error"]["code"]) for a in answers] == [(422, "DOMAIN_DENYLISTED")] * 3
    assert renamed.status_code == 200


async def test_a_rule_takes_a_monitor_from_its_agents_and_its_end_gives_it_back(
    served: ControlPlane, database: Database, eu_key: str
) -> None:
    async with served.tenant() as http:
        made = (await create(http)).json()
        begun = await poll(served, eu_key)
        rule = await deny(served)
        assert await apply_rules(database) == 1
        assert await apply_rules(database) == 0
        told = await poll(served, eu_key, begun.cursor)
        path = f"/api/v1/monitors/{made['id']}"
        shown = (await http.get(path)).json()
        verdict = (await http.get(f"{path}/verdict")).json()
        asked = await http.post(f"{path}/check-now")
        copied = await http.post(f"{path}/clone", json={})
        async with served.operator() as operator:
            assert (await operator.delete(f"/operator/deny-lists/{rule['id']}")).status_code == 204
        assert await apply_rules(database) == 1
        again = await poll(served, eu_key, told.cursor)
        free = (await http.get(path)).json()
    assert told.removes == (UUID(made["id"]),)
    assert told.digest == "0" * 16
    assert [warning["code"] for warning in shown["warnings"]] == ["DOMAIN_DENYLISTED"]
    assert shown["state"]["verdict"] == "unknown"
    assert verdict["standing"] == [f"Nobody checks it: {shown['warnings'][0]['message']}"]
    assert (asked.status_code, asked.json()["error"]["code"]) == (422, "DOMAIN_DENYLISTED")
    assert (copied.status_code, copied.json()["error"]["code"]) == (422, "DOMAIN_DENYLISTED")
    assert [one.monitor_id for one in again.upserts] == [UUID(made["id"])]
    assert again.upserts[0].check_version == begun.upserts[0].check_version + 2
    assert "warnings" not in free


async def test_another_target_frees_a_blocked_monitor_at_once(
    served: ControlPlane, database: Database, eu_key: str
) -> None:
    async with served.tenant() as http:
        made = (await create(http)).json()
        await deny(served)
        await apply_rules(database)
        changed = await http.patch(f"/api/v1/monitors/{made['id']}", json={"check": "https://a.test.org/"})
    assert changed.status_code == 200, changed.text
    assert "warnings" not in changed.json()
    assert len((await poll(served, eu_key)).upserts) == 1


async def test_a_domain_that_opted_out_is_refused_and_listed(served: ControlPlane) -> None:
    async with served.operator() as operator:
        made = await operator.post("/operator/opt-outs", json={"domain": "https://Shop.example.com/x", "note": "mail"})
        twice = await operator.post("/operator/opt-outs", json={"domain": "shop.example.com"})
        listed = (await operator.get("/operator/opt-outs", params={"q": "shop"})).json()
        async with served.tenant() as http:
            refused = await create(http)
            assert (await operator.delete(made.headers["Location"])).status_code == 204
            assert (await create(http)).status_code == 201
        gone = await operator.delete(made.headers["Location"])
    assert (made.status_code, made.json()["domain"]) == (201, "shop.example.com")
    assert (twice.status_code, twice.json()["error"]["code"]) == (409, "OPT_OUT_EXISTS")
    assert [one["domain"] for one in listed["items"]] == ["shop.example.com"]
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "DOMAIN_OPTED_OUT")
    assert (gone.status_code, gone.json()["error"]["code"]) == (404, "OPT_OUT_NOT_FOUND")


async def test_rules_are_read_listed_changed_and_deleted(served: ControlPlane) -> None:
    rule = await deny(served)
    path = f"/operator/deny-lists/{rule['id']}"
    async with served.operator() as http:
        assert (await http.get(path)).json() == rule
        listed = (await http.get("/operator/deny-lists", params={"kind": "domain", "q": "SHOP"})).json()
        changed = await http.patch(path, json={"value": "Other.example.com", "reason": "Report 8"})
        stale = await http.delete(path, headers={"If-Match": '"1"'})
        wrong = await http.patch(path, json={"value": "no domain"})
        twice = await http.post("/operator/deny-lists", json={**DOMAIN, "value": "other.example.com"})
        bad = await http.post("/operator/deny-lists", json={**DOMAIN, "kind": "url_regex", "value": "(?=x)"})
        assert (await http.delete(path)).status_code == 204
        gone = [await http.get(path), await http.patch(path, json={"reason": "x"}), await http.delete(path)]
    assert listed["items"] == [rule]
    assert (changed.json()["value"], changed.json()["revision"]) == ("other.example.com", 2)
    assert stale.status_code == 412
    assert [(a.status_code, a.json()["error"]["code"]) for a in (wrong, twice, bad)] == [
        (400, "INVALID_DENY_RULE"),
        (409, "DENY_RULE_EXISTS"),
        (400, "INVALID_DENY_RULE"),
    ]
    assert {(a.status_code, a.json()["error"]["code"]) for a in gone} == {(404, "DENY_RULE_NOT_FOUND")}
