"""Every route of a running control plane against every kind of caller."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from control_plane.app import all_routes
from control_plane.domain.tenants.credentials import ENTROPY_BYTES, SCOPES, KeyKind, make_key
from control_plane.store.pool import Database
from control_plane.web.routes import Door, Route
from tests.support.dashboard import Desk
from tests.support.fuzz_world import all_of_the_tenant
from tests.support.picture import PICTURE
from tests.support.plain_http import NO_TLS
from tests.support.serving import OPERATOR_SECRET

OURS = "ours-and-nobody-elses"
"""Part of every name that the tenant gave to anything."""

STREAM_S = 0.3
"""How long a stream that was let in is listened to."""

NAMED = ("monitors", "channels", "regions", "maintenance_windows", "api_keys", "routes", "silences")
_PARAMETER = re.compile(r"\{(\w+)(?::[^}]*)?\}")
_TENANT_TABLES = """
SELECT c.relname FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
  AND a.attname = 'tenant_id' AND NOT a.attisdropped ORDER BY 1
"""
_IDS = """
SELECT c.relname FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = 'id'
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.atttypid = 'uuid'::regtype
  AND EXISTS (SELECT FROM pg_attribute AS t WHERE t.attrelid = c.oid AND t.attname = 'tenant_id')
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a caller was told."""

    route: Route
    status: int
    code: str
    text: str
    asked: str
    """The path as it was asked for: what an answer may repeat."""


@dataclass(frozen=True, slots=True)
class Matrix:
    """A control plane in which the first tenant has everything, and another tenant has a key of every scope."""

    desk: Desk
    known: Mapping[str, str]
    stranger: str
    secrets: frozenset[str]
    """Ids and names of the first tenant's rows."""

    async def ask(self, route: Route, credential: str | None) -> Answer:
        return (await self.ask_all([route], credential))[0]

    async def ask_all(self, asked: Sequence[Route], credential: str | None) -> list[Answer]:
        """The answers to one caller, over one client: making one costs more than a hundred requests."""
        headers = {"Authorization": f"Bearer {credential}"} if credential else {}
        async with httpx.AsyncClient(base_url=self.desk.url, headers=headers, timeout=20, verify=NO_TLS) as http:
            return [await _answer(http, route, self.known) for route in asked]

    def leaks(self, answer: Answer) -> list[str]:
        """What the answer tells of the first tenant that the caller did not say itself."""
        return [each for each in self.secrets if each in answer.text and each not in answer.asked]

    async def fingerprint(self) -> dict[str, str]:
        """Table → digest of all that the first tenant has there."""
        tenant_id = self.desk.served.home.tenant_id
        async with self.desk.database.app() as conn:
            tables = [row[0] for row in await conn.fetch(_TENANT_TABLES)]
            return {
                table: await conn.fetchval(
                    f"SELECT md5(coalesce(string_agg(r::text, '|' ORDER BY r::text), '')) FROM {table} r"
                    " WHERE tenant_id = $1",
                    tenant_id,
                )
                for table in tables
                if table not in _RESTLESS
            }


_RESTLESS = ("api_keys", "idempotency_keys", "dispatches", "sessions")
"""Change by being looked at, or are another test's."""


async def a_matrix(desk: Desk) -> Matrix:
    known = await all_of_the_tenant(desk)
    async with desk.served.operator() as http:
        tenant = (await http.post("/operator/tenants", json={"name": "Other", "plan": "unlimited"})).json()
        path = f"/operator/tenants/{tenant['id']}/keys"
        key = (await http.post(path, json={"label": "All", "scopes": list(SCOPES)})).json()
    return Matrix(desk, known, key["key"], await _secrets(desk.database, str(desk.served.home.tenant_id)))


async def _secrets(database: Database, tenant_id: str) -> frozenset[str]:
    async with database.owner() as conn:
        for table in NAMED:
            column = {"maintenance_windows": "title", "api_keys": "label"}.get(table, "name")
            await conn.execute(
                f"UPDATE {table} SET {column} = left({column} || ' {OURS}', 100) WHERE tenant_id = $1::uuid", tenant_id
            )
        ids: set[str] = set()
        for row in await conn.fetch(_IDS):
            found = await conn.fetch(f"SELECT id::text FROM {row['relname']} WHERE tenant_id = $1::uuid", tenant_id)
            ids |= {each["id"] for each in found}
    return frozenset({*ids, tenant_id, OURS})


def path_of(route: Route, known: Mapping[str, str]) -> str:
    """The route's path with things that are there; what nothing is known of is a number."""
    return _PARAMETER.sub(lambda found: known.get(found[1], "1"), route.path)


async def _answer(http: httpx.AsyncClient, route: Route, known: Mapping[str, str]) -> Answer:
    path = path_of(route, known)
    body = request_of(route, known)
    text = b""
    async with http.stream(route.method, path, **body) as reply:
        try:
            async with asyncio.timeout(STREAM_S if "event-stream" in reply.headers.get("Content-Type", "") else 20):
                async for chunk in reply.aiter_bytes():
                    text += chunk
        except TimeoutError:
            pass
    told = f"{reply.headers} {text.decode('utf-8', 'replace')}"
    return Answer(route, reply.status_code, _code(text), told, path + str(body))


def request_of(route: Route, known: Mapping[str, str]) -> dict[str, Any]:
    """The documented request, as httpx takes it, with the ids of things that are there."""
    if route.body is None and not route.form:
        return {}
    if route.form:
        return {"data": {"name": "x"}}
    if route.operation == "put_status_page_logo":
        return {"content": PICTURE, "headers": {"Content-Type": "image/png"}}
    if isinstance(route.example, str):
        return {"content": route.example, "headers": {"Content-Type": route.media[0] if route.media else "text/plain"}}
    return {"json": filled(route.example if route.example is not None else {}, known)}


def filled(example: Any, known: Mapping[str, str]) -> Any:
    """The example with an id of what is there wherever it has one of what is not."""
    if not isinstance(example, dict):
        return example
    found = dict(example)
    for name, value in example.items():
        if value == NO_ID and name in known:
            found[name] = known[name]
        elif value == [NO_ID] and name.removesuffix("s") in known:
            found[name] = [known[name.removesuffix("s")]]
    return found


NO_ID = "0197a2f0-0000-7000-8000-000000000000"
"""What examples say where an id has to be."""


def _code(text: bytes) -> str:
    start = text.find(b'"code":"')
    return "" if start < 0 else text[start + 8 : text.index(b'"', start + 8)].decode()


def routes(*doors: Door) -> list[Route]:
    return [route for route in all_routes() if route.door in doors]


def unknown_key(kind: KeyKind) -> str:
    """A key of the right form that was given to nobody."""
    return make_key(kind, secrets.token_bytes(ENTROPY_BYTES))


__all__ = ["OPERATOR_SECRET", "Answer", "Matrix", "a_matrix", "routes", "unknown_key"]
