"""A refusal says what is wrong with a secret, and never the secret; and what was read is never written back."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest

from control_plane.store.pool import Database
from control_plane.web.routes import Door, Route
from tests.support.dashboard import a_desk
from tests.support.matrix import OPERATOR_SECRET, Matrix, a_matrix, path_of, routes
from tests.support.planted import Secrets
from tests.support.secret_places import holding, misplacing, places

JSON = {"Content-Type": "application/json"}


@pytest.fixture
async def matrix(database: Database) -> AsyncIterator[Matrix]:
    async with a_desk(database) as desk:
        yield await a_matrix(desk)


def credential(matrix: Matrix, route: Route) -> dict[str, str]:
    key = OPERATOR_SECRET if route.door is Door.OPERATOR else matrix.desk.key
    return {"Authorization": f"Bearer {key}"}


async def send(matrix: Matrix, http: httpx.AsyncClient, route: Route, content: bytes) -> httpx.Response:
    known = {**matrix.known, "plan": "spare", "region": "eu"}
    return await http.request(
        route.method, path_of(route, known), content=content, headers=credential(matrix, route) | JSON
    )


def test_the_places_of_secrets_are_known() -> None:
    """A route that takes secrets shows up here by itself; in another field it has to be named in HOLDERS."""
    assert {place.route.operation for place in places()} == {
        *(
            "create_monitor",
            "clone_monitor",
            "change_monitor",
            "create_monitors",
            "act_on_monitors",
            "import_monitors",
            "test_check",
        ),
        *("create_channel", "change_channel", "test_channel_config", "plan_configuration", "apply_configuration"),
        *("create_operator_channel", "change_operator_channel"),
    }


async def test_what_stands_for_a_secret_is_no_secret(matrix: Matrix) -> None:
    known = {**matrix.known, "channel_id": await operator_channel(matrix)}
    taken = []
    before = await matrix.fingerprint()
    async with matrix.desk.browser() as http:
        for place in places():
            for value in holding(place.holds, "***"):
                path = path_of(place.route, known if place.route.door is Door.OPERATOR else matrix.known)
                headers = credential(matrix, place.route)
                reply = await http.request(place.route.method, path, json=place.body(value), headers=headers)
                if codes(reply.json()) != ["REDACTION_SENTINEL"]:
                    taken.append((place.route.operation, value, reply.text[:300]))
    assert taken == []
    assert await matrix.fingerprint() == before


async def operator_channel(matrix: Matrix) -> str:
    async with matrix.desk.served.operator() as http:
        body = {"name": "Fleet", "config": {"type": "webhook", "url": "https://ops.example.com/farwatch"}}
        return str((await http.post("/operator/channels", json=body)).json()["id"])


def codes(reply: dict[str, Any]) -> list[str]:
    """The code of the refusal, or those of the items of a call for many."""
    if "items" in reply:
        return sorted({item["error"]["code"] for item in reply["items"] if item["error"]} or {"none"})
    return [reply["error"]["code"]] if "error" in reply else ["none"]


async def test_a_secret_in_a_wrong_form_is_not_repeated(matrix: Matrix, capsys: pytest.CaptureFixture[str]) -> None:
    secrets, refused, repeated = Secrets(), 0, []
    secret = secrets.plant("one")
    async with matrix.desk.browser() as http:
        for place in places():
            for value in misplacing(place.holds, secret):
                reply = await send(matrix, http, place.route, json.dumps(place.body(value)).encode())
                is_refused = reply.is_error or codes(reply.json()) != ["none"]
                refused += is_refused
                if is_refused and secrets.within(reply.content + str(reply.headers).encode()):
                    repeated.append((place.route.operation, str(value)[:100], reply.text[:300]))
    assert repeated == []
    assert refused > 20 * len(places())
    assert not secrets.within("".join(capsys.readouterr()).encode())


def wrong_bodies(route: Route, secret: str) -> Iterator[bytes]:
    """Bodies of whatever route with the secret where it does not belong."""
    yield json.dumps(secret).encode()
    yield json.dumps([secret]).encode()
    yield f'{{"name": "A", "secret": "{secret}"'.encode()
    yield f'{{"name": "A" "secret": "{secret}"}}'.encode()
    yield f'{{"secret": {secret}}}'.encode()
    yield f'{{"secret": "{secret}", "secret": "{secret}"}}'.encode()
    yield f'{{"secret": "{secret}\\u0000"}}'.encode()
    yield f"{secret}".encode()
    if not isinstance(route.example, dict):
        return
    yield json.dumps({**route.example, "nobody_knows": secret}).encode()
    for name in route.example:
        yield json.dumps({**route.example, name: [{"x": secret}]}).encode()
        yield json.dumps({**route.example, name: {"x": [secret]}}).encode()


@pytest.mark.parametrize("door", [Door.TENANT, Door.OPERATOR])
async def test_a_secret_in_a_wrong_field_is_not_repeated(
    matrix: Matrix, door: Door, capsys: pytest.CaptureFixture[str]
) -> None:
    secrets, repeated, sent = Secrets(), [], 0
    secret = secrets.plant("one")
    async with matrix.desk.browser() as http:
        for route in [route for route in routes(door) if route.body is not None and not route.form]:
            for content in wrong_bodies(route, secret):
                reply = await send(matrix, http, route, content)
                sent += 1
                if reply.is_error and secrets.within(reply.content + str(reply.headers).encode()):
                    repeated.append((route.operation, content[:120], reply.text[:300]))
    assert repeated == []
    assert sent > 100
    assert not secrets.within("".join(capsys.readouterr()).encode())


async def test_a_secret_in_a_wrong_part_of_a_request_is_not_repeated(
    matrix: Matrix, capsys: pytest.CaptureFixture[str]
) -> None:
    secrets, repeated = Secrets(), []
    secret = secrets.plant("one")
    ours = {"Authorization": f"Bearer {matrix.desk.key}"}
    asks: list[tuple[str, dict[str, str]]] = [
        *((f"/api/v1/monitors?{name}={secret}", ours) for name in ("api_key", "token", "limit", "cursor")),
        *((f"/api/v1/deliveries?{name}={secret}", ours) for name in ("cursor", "limit", "access_token")),
        *((f"/api/v1/{part}/{secret}", ours) for part in ("monitors", "keys", "jobs", "reports", "regions", "nothing")),
        *((f"/{part}/{secret}", {}) for part in ("setup", "invite", "ping", "auth", "operator", "nothing")),
        *(("/api/v1/me", {"Authorization": f"{scheme} {secret}"}) for scheme in ("Bearer", "Basic", "Token")),
        ("/api/v1/me", {"X-API-Key": secret}),
        ("/api/v1/me", {"Cookie": f"farwatch_session={secret}"}),
        ("/operator/tenants", {"Authorization": f"Bearer {secret}"}),
        ("/api/agent/v1/assignments", {"Authorization": f"Bearer {secret}"}),
        *(("/api/v1/monitors", {**ours, name: secret}) for name in ("If-None-Match", "traceparent", "Accept")),
        ("/api/v1/monitors", {**ours, "X-Farwatch-Source": secret, "X-Request-Id": secret, "User-Agent": secret}),
    ]  # fmt: skip
    async with matrix.desk.browser() as http:
        for path, headers in asks:
            reply = await http.get(path, headers=headers)
            if secrets.within(reply.content + str(reply.headers).encode()):
                repeated.append((path, headers, reply.status_code, reply.text[:300]))
        for name in ("Idempotency-Key", "If-Match", "Prefer", "Content-Encoding"):
            reply = await http.post("/api/v1/keys", json={}, headers={**ours, name: f"{secret} {secret}"})
            if secrets.within(reply.content + str(reply.headers).encode()):
                repeated.append((name, headers, reply.status_code, reply.text[:300]))
    assert repeated == []
    assert not secrets.within("".join(capsys.readouterr()).encode())
