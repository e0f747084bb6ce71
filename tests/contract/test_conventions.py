"""What every route of the JSON doors has in common, asked of each route of the table over real sockets."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from control_plane.app import all_routes
from control_plane.store.pool import Database
from control_plane.web.paging import CursorQuery, Page, PageQuery
from control_plane.web.routes import Door, Route
from tests.support.dashboard import Desk, a_desk
from tests.support.fuzz_world import all_of_the_tenant
from tests.support.serving import OPERATOR_SECRET

ROUTES = [route for route in all_routes() if route.door in (Door.TENANT, Door.OPERATOR) and not route.open_]
STREAMS = [route for route in ROUTES if not route.head]
READS = [route for route in ROUTES if route.method == "GET" and route.head]
LISTS = [route for route in READS if getattr(route.reply, "__origin__", None) is Page]
WRITES = [route for route in ROUTES if route.method != "GET"]
TRACE = "0af7651916cd43dd8448eb211c80319c"
_PARAMETER = re.compile(r"\{(\w+)\}")
_OBJECTS_CHANGED = [route for route in WRITES if route.method in ("PATCH", "PUT", "DELETE")]
_NO_REVISION = {
    **dict.fromkeys(
        ("rename_tag", "delete_tag", "rename_group", "delete_group"),
        "a word on monitors and no object; each monitor has a revision of its own",
    ),
    **dict.fromkeys(("end_my_sessions", "end_my_session"), "sessions are listed and ended, and never change"),
    "delete_manage_key": "is replaced or taken away, and never changed: whoever takes it away means whatever opens now",
    "delete_page_manage_key": "as above",
    "revoke_invitation": "address and role never change; what is over already is refused by its state",
    "revoke_delegation": "a link is made, used and revoked, and never changed; one that is over stays as it is",
    "delete_share": "a link is made, used and revoked, and never changed",
    "delete_page_subscriber": "as above: it is the reader's own to change",
    "delete_announcement": "is made and withdrawn, and never changed",
    "set_kill_switch": "a brake that nobody may be kept from pulling by what somebody else did a moment before",
}
"""Operations whose objects have no revision, and why."""

_MANY = {
    "create_monitors": "makes many monitors at once, each of which has a place in the answer's items",
    "import_monitors": "as above",
}
"""Operations that answer 201 without a Location, and why."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A control plane in which everything that a path can name is there, and who asks."""

    desk: Desk
    known: Mapping[str, str]
    of_operator: Mapping[str, str]
    heartbeat: str
    http: httpx.AsyncClient

    def path(self, route: Route) -> str:
        known = self.of_operator if route.door is Door.OPERATOR else self.known
        if route.path.startswith("/api/v1/heartbeats/"):
            known = {**known, "monitor_id": self.heartbeat}
        return _PARAMETER.sub(lambda found: known.get(found[1], "1"), route.path)

    def knows(self, route: Route) -> bool:
        """Whether everything is there that the path names (tests/support/fuzz_world.py)."""
        known = self.of_operator if route.door is Door.OPERATOR else self.known
        return set(_PARAMETER.findall(route.path)) <= set(known)

    async def ask(self, route: Route, path: str | None = None, **more: Any) -> httpx.Response:
        credential = OPERATOR_SECRET if route.door is Door.OPERATOR else self.desk.key
        headers = {"Authorization": f"Bearer {credential}", **more.pop("headers", {})}
        return await self.http.request(
            more.pop("method", route.method), path or self.path(route), headers=headers, **more
        )


@pytest.fixture
async def asked(database: Database) -> AsyncIterator[Asked]:
    async with a_desk(database) as desk, desk.browser() as http:
        known = await all_of_the_tenant(desk)
        async with desk.served.tenant() as tenant:
            heartbeat = (await tenant.get("/api/v1/heartbeats")).json()["items"][0]["monitor_id"]
        async with desk.served.operator() as operator:
            agent = (await operator.get("/operator/agents")).json()["items"][0]
            config = {"type": "webhook", "url": "https://ops.example.com/farwatch"}
            channel = (await operator.post("/operator/channels", json={"name": "Fleet", "config": config})).json()
            of_operator = {
                **known,
                "tenant_id": str(desk.served.home.tenant_id),
                "agent_id": agent["id"],
                "channel_id": channel["id"],
                "name": "free",
                "plan": "free",
            }
        yield Asked(desk, known, of_operator, heartbeat, http)


def named(route: Route) -> str:
    return f"{route.method} {route.path}"


def told_of(wrong: Mapping[str, object]) -> str:
    return "\n".join(f"{route}: {why}" for route, why in wrong.items())


def _body(route: Route) -> dict[str, Any]:
    if route.body is None:
        return {}
    content = route.example if isinstance(route.example, str | bytes) else json.dumps(route.example or {})
    return {"content": content, "headers": {"Content-Type": (route.media or ("application/json",))[0]}}


async def test_every_read_is_tagged_and_not_sent_twice(asked: Asked) -> None:
    wrong: dict[str, Any] = {}
    for route in READS:
        first = await asked.ask(route)
        if first.status_code != 200 or first.headers["Content-Type"] != "application/json":
            continue
        tag = first.headers.get("ETag", "")
        known = await asked.ask(route, headers={"If-None-Match": f'"other", W/{tag}'})
        fresh = await asked.ask(route, headers={"If-None-Match": '"other"'})
        # What is told with the instant of the answer is another answer each time, and rightly so.
        same = known.status_code == 304 and known.content == b"" and known.headers["ETag"] == tag
        moved = known.status_code == 200 and known.headers["ETag"] != tag and known.content != first.content
        if not re.fullmatch(r'"([0-9]+-)?[0-9a-f]{16}"', tag) or not (same or moved) or fresh.status_code != 200:
            wrong[named(route)] = (tag, known.status_code, fresh.status_code)
    assert not wrong, told_of(wrong)


async def test_every_read_answers_head_with_the_same_headers_and_no_body(asked: Asked) -> None:
    wrong: dict[str, Any] = {}
    for route in READS:
        got, head = await asked.ask(route), await asked.ask(route, method="HEAD")
        if (
            head.status_code != got.status_code
            or head.content
            or head.headers["Content-Type"] != got.headers["Content-Type"]
        ):
            wrong[named(route)] = (got.status_code, head.status_code, head.content)
    assert not wrong, told_of(wrong)


async def test_every_answer_says_how_long_it_may_be_kept(asked: Asked) -> None:
    wrong: dict[str, Any] = {}
    for route in READS:
        kept = (await asked.ask(route)).headers.get("Cache-Control")
        if kept not in (route.cache, "private, max-age=10", "no-store"):
            wrong[named(route)] = kept
    for route in WRITES:
        kept = (await asked.ask(route, path=_PARAMETER.sub("none-such", route.path), content=b"{")).headers.get(
            "Cache-Control"
        )
        if kept != "no-store":
            wrong[named(route)] = kept
    assert not wrong, told_of(wrong)


async def test_every_single_object_answers_with_its_revision_and_refuses_another(asked: Asked) -> None:
    wrong: dict[str, Any] = {}
    for route in _OBJECTS_CHANGED:
        if route.operation in _NO_REVISION or not asked.knows(route):
            continue
        more = _body(route)
        headers = {**more.pop("headers", {}), "If-Match": '"2147483647"'}
        reply = await asked.ask(route, headers=headers, **more)
        if (reply.status_code, _code(reply) if reply.is_error else "") != (412, "PRECONDITION_FAILED"):
            wrong[named(route)] = (reply.status_code, reply.text[:200])
        elif "PRECONDITION_FAILED" not in route.errors:
            wrong[named(route)] = "undeclared"
    assert not wrong, told_of(wrong)


async def test_every_refusal_is_told_as_the_caller_prefers_and_with_the_callers_trace(asked: Asked) -> None:
    headers = {"Accept": "application/problem+json", "traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}
    wrong: dict[str, Any] = {}
    for route in ROUTES:
        reply = await asked.ask(route, path=asked.path(route) + "?colour=red", headers=headers)
        told = reply.json() if reply.content else {}
        if reply.headers.get("Content-Type") != "application/problem+json" or told.get("trace_id") != TRACE:
            wrong[named(route)] = (reply.status_code, dict(reply.headers))
        if (told.get("code"), told.get("status")) != ("UNKNOWN_PARAMETER", 400):
            wrong[named(route)] = told
        if not reply.headers.get("traceparent", "").startswith(f"00-{TRACE}-"):
            wrong[named(route)] = "no traceparent"
    assert not wrong, told_of(wrong)


async def test_no_route_opens_another_origin_or_takes_a_key_from_a_url(asked: Asked) -> None:
    wrong: dict[str, Any] = {}
    for route in ROUTES:
        reply = await asked.ask(
            route, path=asked.path(route) + "?colour=red", headers={"Origin": "https://evil.example"}
        )
        wrong |= {named(route): name for name in reply.headers if name.lower().startswith("access-control-")}
        if route.door is Door.TENANT:
            told = await asked.http.request(route.method, f"{asked.path(route)}?api_key={asked.desk.key}")
            if (told.status_code, told.json()["error"]["code"]) != (400, "KEY_IN_QUERY"):
                wrong[named(route)] = told.text
    assert not wrong, told_of(wrong)


async def test_every_body_is_refused_by_type_size_form_and_unknown_field(asked: Asked) -> None:
    wrong: dict[str, Any] = {}
    for route in WRITES:
        if route.body is None or route.media or route.body is bytes:
            continue
        refused = {
            "type": await asked.ask(route, content=b"a=b", headers={"Content-Type": "text/plain"}),
            "encoding": await asked.ask(
                route, content=b"{}", headers={"Content-Type": "application/json", "Content-Encoding": "gzip"}
            ),
            "form": await asked.ask(route, content=b"{", headers={"Content-Type": "application/json"}),
            "list": await asked.ask(route, json=[]),
            "field": await asked.ask(route, json={**(route.example or {}), "no_such_field": 1}),
            "size": await asked.ask(route, json={"x": "y" * route.max_body}),
        }
        expected = {"type": 415, "encoding": 415, "form": 400, "list": 400, "field": 400, "size": 413}
        told = {name: reply.status_code for name, reply in refused.items()}
        if told != expected:
            wrong[named(route)] = told
        field = refused["field"].json()["error"]
        also = [each.get("field") for each in (field["details"] or {}).get("also", ())]
        if field["field"] != "/no_such_field" and "/no_such_field" not in also:
            wrong[named(route)] = field
    assert not wrong, told_of(wrong)


def test_every_list_is_paged_and_declares_how() -> None:
    for route in LISTS:
        assert route.query is not None, named(route)
        assert issubclass(route.query, PageQuery | CursorQuery), named(route)


async def test_every_list_pages_within_bounds(asked: Asked) -> None:
    wrong: dict[str, Any] = {}
    for route in LISTS:
        page = (await asked.ask(route, path=asked.path(route) + "?limit=1")).json()
        capped = (await asked.ask(route, path=asked.path(route) + "?limit=1000000")).json()
        by_cursor = not hasattr(route.query, "offset") or page["total"] is None
        if set(page) != {"items", "total", "limit", "offset"} or page["limit"] != 1 or capped["limit"] >= 1_000_000:
            wrong[named(route)] = page
        if not by_cursor and page["total"] < len(page["items"]):
            wrong[named(route)] = page
        for bad in ("limit=0", "limit=x", "limit=1&limit=2", "cursor=AAAA" if by_cursor else "offset=-1"):
            reply = await asked.ask(route, path=f"{asked.path(route)}?{bad}")
            if reply.status_code != 400:
                wrong[f"{named(route)}?{bad}"] = reply.status_code
    assert not wrong, told_of(wrong)


PASSING = (408, 409, 429, 503)
FORGET = "UPDATE idempotency_keys SET status = NULL, headers = NULL, body = NULL WHERE key = $1"


async def test_every_post_under_a_key_has_one_effect_and_one_answer(asked: Asked) -> None:
    posts = [route for route in WRITES if route.method == "POST" and route.door is Door.TENANT]
    assert len(posts) >= 20
    wrong = {named(route): why for route in posts if (why := await _wrong_with_the_key(asked, route))}
    assert not wrong, told_of(wrong)


async def _wrong_with_the_key(asked: Asked, route: Route) -> str:
    key, more = f"once-{route.operation}", _body(route)
    headers = {**more.pop("headers", {}), "Idempotency-Key": key}
    first = await asked.ask(route, headers=headers, **more)
    lone = first.status_code == 201 and route.operation not in _MANY
    if lone and not first.headers.get("Location", "").startswith("/api/v1/"):
        return "what was made has no place"
    if first.status_code in PASSING:
        return ""  # is not kept: the next may be answered otherwise
    again = await asked.ask(route, headers=headers, **more)
    if (again.status_code, again.content) != (first.status_code, first.content):
        return f"{first.status_code} {first.text[:200]} and then {again.status_code} {again.text[:200]}"
    if again.headers.get("Idempotency-Replayed") != "true" or again.headers.get("Location") != first.headers.get(
        "Location"
    ):
        return f"replayed as {again.headers}"
    typed = {"Content-Type": "application/json", **headers}
    other = await asked.ask(route, headers=typed, **{**more, "content": b'{"other": 1}'})
    if (other.status_code, _code(other)) != (422, "IDEMPOTENCY_MISMATCH"):
        return f"another body: {other.status_code} {other.text[:200]}"
    async with asked.desk.database.app() as conn:
        await conn.execute(FORGET, key)
    running = await asked.ask(route, headers=headers, **more)
    return "" if (running.status_code, _code(running)) == (409, "IDEMPOTENCY_IN_PROGRESS") else running.text[:200]


def _code(reply: httpx.Response) -> str:
    return str(reply.json()["error"]["code"]) if reply.content else ""
