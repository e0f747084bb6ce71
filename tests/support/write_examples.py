"""Write the examples of the OpenAPI document: python -m tests.support.write_examples [OPERATION …]

Sends the documented requests to a served control plane in which everything is there that a path can name, and keeps
what it said, with ids, times, keys and addresses made stable. Review the diff: these are what people copy. What needs
an agent or a receiver at work is kept as it stands, and tests/contract/test_examples.py holds all of it to the schemas.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx
import msgspec

from control_plane import openapi
from control_plane.app import all_routes
from control_plane.postgres import PostgresServer
from control_plane.store.pool import Database
from control_plane.web.routes import Door, Route
from tests.support.dashboard import a_desk
from tests.support.fuzz_world import target_of
from tests.support.fuzzing import AnyOperation
from tests.support.matrix import path_of, request_of
from tests.support.postgres import TestServer
from tests.support.stable import stable

EXAMPLES = Path(openapi.__file__).with_name("examples.json")
BODIES = {
    "set_monitor_dependencies": {"depends_on": []},
    "rename_tag": {"name": "team:payments"},
    "act_on_monitors": {"filter": {"tag": ["prod"]}, "action": {"type": "disable"}, "dry_run": True},
}
"""Where what the documented example names is not there."""

QUERIES = {
    "export_configuration": {"format": "json"},
    "export_monitor": {"format": "json"},
    "list_monitor_results": {"outcome": "up"},
    "agent_dispatch": {"wait": "0"},
    "get_dashboard_sparklines": {"ids": "{monitor_id}"},
}

BY_HAND = {
    "get_badge",
    "test_push_subscription",
    "resend_verification",
    "resend_operator_verification",
    "test_check",
    "check_monitor_now",
    "test_channel",
    "test_channel_config",
    "test_operator_channel",
    "subscribe_to_public_page",
    "create_page_subscriber",
}
"""What only an agent, a receiver or a mail server could answer."""


def wanted(route: Route) -> bool:
    """Whether it answers in JSON that a request alone brings about."""
    in_json = route.reply is not None and route.status != 204
    return route.in_openapi and in_json and route.operation not in BY_HAND


def by_hand(results: list[Any]) -> dict[str, Any]:
    """Replies to what nobody answers here, made of what was seen otherwise."""
    tested = {
        "delivered": True,
        "delivery_id": "01990000-0000-7000-8000-000000000001",
        "duration_ms": 84,
        "http_status": 200,
        "response": "ok",
    }
    channels = ("test_channel", "test_channel_config", "test_operator_channel")
    on_demand = {name: {"reply": {"results": results, "warnings": []}} for name in ("test_check", "check_monitor_now")}
    return on_demand | {name: {"reply": tested} for name in channels} | {"subscribe_to_public_page": {"reply": ASKED}}


ASKED = {"type": "email", "status": "pending", "secret": None}
"""What everybody is told who asks to be told by mail."""


def asked_by_a_tenant(subscriber: dict[str, Any]) -> dict[str, Any]:
    """A subscriber whom a tenant brought, made of one who came by themselves."""
    brought = {"address": "ada@example.com", "kind": "email", "note": "Asked at the counter", "source": "tenant"}
    return {"reply": subscriber | brought}


async def recorded(server: TestServer, route: Route) -> Any:
    """What the route said to its documented request, made stable. Raises ValueError when it refused."""
    name = await server.clone()
    try:
        database = await Database.connect(server.dsn(name), max_size=8)
        try:
            return await (_asked_by_agent if route.door is Door.AGENT else _asked)(database, route)
        finally:
            await database.close()
    finally:
        await server.drop(name)


async def _asked(database: Database, route: Route) -> Any:
    raw = {"x-door": route.door.value, "operationId": route.operation, "tags": [route.tag]}
    operation = cast("AnyOperation", SimpleNamespace(definition=SimpleNamespace(raw=raw)))
    async with target_of(database, operation) as target:
        path = path_of(route, target.known)
        async with httpx.AsyncClient(base_url=target.url, headers=dict(target.headers), timeout=30) as http:
            body = {"json": BODIES[route.operation]} if route.operation in BODIES else request_of(route, target.known)
            reply = await http.request(route.method, path, **body, params=_query(route, target.known))
        if reply.status_code != route.status:
            raise ValueError(f"{reply.status_code} {reply.text[:200]}")
        return stable(reply.json(), home=target.url)


def _query(route: Route, known: Mapping[str, str]) -> dict[str, str]:
    """The query, with what is there in place of names in braces."""
    return {name: value.format_map(known) for name, value in QUERIES.get(route.operation, {}).items()}


async def _asked_by_agent(database: Database, route: Route) -> Any:
    async with a_desk(database) as desk:
        await desk.monitor()
        async with desk.served.client(desk.served.home.probe_keys["eu"]) as http:
            query = QUERIES.get(route.operation)
            reply = await http.request(route.method, route.path, **request_of(route, {}), params=query)
        if reply.status_code != route.status:
            raise ValueError(f"{reply.status_code} {reply.text[:200]}")
        return stable(reply.json(), home=desk.url)


async def write(server: TestServer, only: set[str]) -> None:
    """Ask every route that is wanted, and tell on stderr of those that refused."""
    known: dict[str, Any] = msgspec.json.decode(EXAMPLES.read_bytes())
    routes = {route.operation: route for route in all_routes() if wanted(route)}
    for name, route in routes.items():
        if only and name not in only:
            continue
        try:
            known[name] = {"reply": await recorded(server, route)}
        except (ValueError, AssertionError, httpx.HTTPError) as error:
            print(f"{name}: {error}", file=sys.stderr)
    known |= by_hand(known["list_monitor_results"]["reply"]["items"][:1])
    known["create_page_subscriber"] = asked_by_a_tenant(known["get_page_subscriber"]["reply"])
    EXAMPLES.write_bytes(msgspec.json.format(msgspec.json.encode(known, order="sorted"), indent=1) + b"\n")


@contextmanager
def a_server() -> Iterator[TestServer]:
    """PostgreSQL of its own, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="fw-examples-", dir="/tmp") as directory:
        Path(directory).chmod(0o755)
        own = PostgresServer(Path(directory) / "pg", durable=False)
        own.start()
        try:
            yield TestServer(own.dsn(database="postgres", user="postgres"), major=18)
        finally:
            own.stop()


if __name__ == "__main__":
    with a_server() as made:
        asyncio.run(write(made, set(sys.argv[1:])))
