"""Signatures as receivers verify them: by the Standard Webhooks library, and by the snippets of docs/webhooks.md."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import shutil
import subprocess
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
import standardwebhooks

from control_plane.notify.signing import signature_headers, signing_key
from control_plane.store.pool import Database
from control_plane.tenant_api import channels, deliveries
from tests.support.door import an_api_key, serving
from tests.support.outbox import SETTINGS, Outbox
from tests.support.receiver import Received, Receiver

DOCS = Path(__file__).parents[3] / "docs" / "webhooks.md"
SCOPES = ("channels:read", "channels:write", "deliveries:read")
NODE = shutil.which("node")
CAN_RUN_NODE = NODE is not None or os.environ.get("TEST_FARWATCH_PEERS") == "required"
DRIVER = """
import { readFileSync } from "node:fs";
const cases = JSON.parse(readFileSync(0, "utf8"));
const told = cases.map((one) => verify(one.secret, one.headers, Buffer.from(one.body, "base64")));
process.stdout.write(JSON.stringify(told));
"""


@pytest.fixture
async def outbox(database: Database) -> Outbox:
    return await Outbox.make(database)


@pytest.fixture
async def http(outbox: Outbox) -> AsyncIterator[httpx.AsyncClient]:
    async with outbox.database.app_transaction() as conn:
        key = await an_api_key(conn, outbox.tenant_id, *SCOPES)
    routes = (*channels.ROUTES, *deliveries.ROUTES)
    async with serving(outbox.database, routes, delivery=SETTINGS) as door, door.client(key) as client:
        yield client


async def made(http: httpx.AsyncClient, receiver: Receiver, **config: str) -> tuple[str, str]:
    """A webhook and its secret."""
    body = {"name": "Hook", "config": {"type": "webhook", "url": receiver.url(), **config}}
    reply = await http.post("/api/v1/channels", json=body)
    assert reply.status_code == 201, reply.text
    return f"/api/v1/channels/{reply.json()['id']}", config.get("secret") or reply.json()["config"]["secret"]


async def rotated(http: httpx.AsyncClient, path: str) -> dict[str, Any]:
    reply = await http.post(f"{path}/rotate-secret")
    assert reply.status_code == 200, reply.text
    told: dict[str, Any] = reply.json()
    return told


async def delivered(http: httpx.AsyncClient, path: str, receiver: Receiver) -> Received:
    reply = await http.post(f"{path}/test")
    assert reply.status_code == 200, reply.text
    return receiver.received[-1]


def takes(secret: str, request: Received) -> bool:
    """What the official library says."""
    try:
        standardwebhooks.Webhook(secret).verify(request.body, request.headers)
    except standardwebhooks.WebhookVerificationError:
        return False
    return True


def spoilt(request: Received, *, body: bytes | None = None, **headers: str) -> Received:
    """The same with another body, or other headers; names of headers are written with _ for -."""
    changed = {name.replace("_", "-"): value for name, value in headers.items()}
    return Received(request.method, request.path, request.headers | changed, request.body if body is None else body)


def as_of(request: Received, secret: str, *, seconds: int) -> Received:
    """The same, rightly signed at another time."""
    at = int(request.headers["webhook-timestamp"]) + seconds
    headers = signature_headers(
        keys=(signing_key(secret),), message_id=request.delivery_id, timestamp=at, body=request.body
    )
    lower = {name.lower(): value for name, value in headers.items()}
    return Received(request.method, request.path, request.headers | lower, request.body)


def forgeries(request: Received) -> dict[str, Received]:
    """What nobody may take."""
    at = int(request.headers["webhook-timestamp"])
    return {
        "another body": spoilt(request, body=request.body.replace(b"Nothing", b"All")),
        "another id": spoilt(request, webhook_id="another"),
        "dated back": spoilt(request, webhook_timestamp=str(at - 301)),
        "of the future": spoilt(request, webhook_timestamp=str(at + 400)),
        "no time": spoilt(request, webhook_timestamp="soon"),
        "no signature": spoilt(request, webhook_signature=""),
        "another version": spoilt(request, webhook_signature=request.headers["webhook-signature"].replace("v1", "v2")),
    }


async def test_for_a_day_both_secrets_verify_and_ours_is_of_the_newest(
    http: httpx.AsyncClient, receiver: Receiver
) -> None:
    path, old = await made(http, receiver)
    told = await rotated(http, path)
    new = told["secret"]
    request = await delivered(http, path, receiver)
    assert takes(new, request)
    assert takes(old, request)
    request.verify(new)
    first, second = request.headers["webhook-signature"].split(" ")
    assert takes(new, spoilt(request, webhook_signature=first))
    assert takes(old, spoilt(request, webhook_signature=second))
    assert {name: takes(new, forged) for name, forged in forgeries(request).items()} == dict.fromkeys(
        forgeries(request), False
    )


async def test_a_second_rotation_ends_the_oldest_secret(http: httpx.AsyncClient, receiver: Receiver) -> None:
    path, oldest = await made(http, receiver)
    middle = (await rotated(http, path))["secret"]
    newest = (await rotated(http, path))["secret"]
    request = await delivered(http, path, receiver)
    assert [takes(secret, request) for secret in (newest, middle, oldest)] == [True, True, False]


async def test_a_secret_that_leaked_stops_at_once_by_a_change(http: httpx.AsyncClient, receiver: Receiver) -> None:
    path, oldest = await made(http, receiver)
    leaked = (await rotated(http, path))["secret"]
    changed = await http.patch(path, json={"config": {"secret": None}})
    newest = changed.json()["config"]["secret"]
    request = await delivered(http, path, receiver)
    assert [takes(secret, request) for secret in (newest, leaked, oldest)] == [True, False, False]


async def test_another_change_lets_the_former_go_on(http: httpx.AsyncClient, receiver: Receiver) -> None:
    path, old = await made(http, receiver)
    await rotated(http, path)
    changed = await http.patch(path, json={"config": {"headers": {"X-Team": "ops"}}})
    assert changed.status_code == 200, changed.text
    assert takes(old, await delivered(http, path, receiver))


async def test_a_rotated_secret_is_shown_once_and_no_other_ever(http: httpx.AsyncClient, receiver: Receiver) -> None:
    path, _ = await made(http, receiver, secret="sixteen letters!")
    told = await rotated(http, path)
    assert told["secret"].startswith("whsec_")
    read = await http.get(path)
    assert (read.json()["config"]["secret"], read.json()["config"]["former"]) == ("***", "***")
    assert told["secret"] not in read.text
    assert "sixteen letters!" not in read.text + json.dumps(told)


async def test_a_channel_that_was_changed_meanwhile_is_not_rotated(http: httpx.AsyncClient, receiver: Receiver) -> None:
    path, _ = await made(http, receiver)
    stale = (await http.get(path)).headers["etag"]
    await rotated(http, path)
    refused = await http.post(f"{path}/rotate-secret", headers={"If-Match": stale})
    assert (refused.status_code, refused.json()["error"]["code"]) == (412, "PRECONDITION_FAILED")


async def test_only_a_webhook_has_a_secret_to_rotate(http: httpx.AsyncClient) -> None:
    config = {"type": "ntfy", "topic": "alerts"}
    phones = (await http.post("/api/v1/channels", json={"name": "Phones", "config": config})).json()
    refused = await http.post(f"/api/v1/channels/{phones['id']}/rotate-secret")
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "CHANNEL_NOT_SIGNED")
    assert (await http.post("/api/v1/channels/00000000-0000-7000-8000-000000000000/rotate-secret")).status_code == 404


def snippet(language: str) -> str:
    """The block of docs/webhooks.md in this language."""
    found = re.findall(rf"^```{language}\n(.*?)^```$", DOCS.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert len(found) == 1, language
    return str(found[0])


async def cases(http: httpx.AsyncClient, receiver: Receiver) -> dict[str, tuple[str, Received, bool]]:
    """Deliveries with a secret, and whether they are to be taken: of secrets of ours and of others, and forged ones."""
    path, old = await made(http, receiver)
    before = await delivered(http, path, receiver)
    new = (await rotated(http, path))["secret"]
    during = await delivered(http, path, receiver)
    plain = {"name": "Plain", "config": {"type": "webhook", "url": receiver.url(), "secret": "größer als sechzehn"}}
    reply = await http.post("/api/v1/channels", json=plain)
    given = await delivered(http, f"/api/v1/channels/{reply.json()['id']}", receiver)
    return {
        "before": (old, before, True),
        "during, with the new": (new, during, True),
        "during, with the old": (old, during, True),
        "before, with the new": (new, before, False),
        "a plain secret": ("größer als sechzehn", given, True),
        "replayed ten minutes later": (new, as_of(during, new, seconds=-600), False),
        "signed by a clock that is ahead": (new, as_of(during, new, seconds=600), False),
        **{name: (new, forged, False) for name, forged in forgeries(during).items()},
    }


async def test_the_python_of_the_docs_takes_what_is_ours_and_nothing_else(
    http: httpx.AsyncClient, receiver: Receiver
) -> None:
    names: dict[str, Any] = {}
    exec(compile(snippet("python"), "webhooks.md", "exec"), names)
    every = await cases(http, receiver)
    told = {name: names["verify"](secret, one.headers, one.body) for name, (secret, one, _) in every.items()}
    assert told == {name: expected for name, (_, _, expected) in every.items()}


@pytest.mark.skipif(not CAN_RUN_NODE, reason="node is not installed: Debian's package is nodejs")
async def test_the_javascript_of_the_docs_takes_what_is_ours_and_nothing_else(
    http: httpx.AsyncClient, receiver: Receiver, tmp_path: Path
) -> None:
    every = await cases(http, receiver)
    program = tmp_path / "verify.mjs"
    program.write_text(snippet("javascript") + DRIVER, encoding="utf-8")
    given = [_as_json(secret, one) for secret, one, _ in every.values()]
    ended = await asyncio.to_thread(
        subprocess.run, ["node", str(program)], input=json.dumps(given).encode(), capture_output=True, timeout=60
    )
    assert ended.returncode == 0, ended.stderr.decode()
    assert dict(zip(every, json.loads(ended.stdout), strict=True)) == {name: one[2] for name, one in every.items()}


def _as_json(secret: str, request: Received) -> Mapping[str, Any]:
    return {"secret": secret, "headers": request.headers, "body": base64.b64encode(request.body).decode()}


async def test_after_a_day_the_former_secret_is_over(http: httpx.AsyncClient, receiver: Receiver) -> None:
    """Given by hand, with an end that has passed or not."""
    for until, expected in (("2020-01-01T00:00:00Z", False), ("2999-01-01T00:00:00Z", True)):
        former = {"secret": "whsec_" + base64.b64encode(bytes(32)).decode(), "until": until}
        config = {"type": "webhook", "url": receiver.url(), "former": former}
        reply = await http.post("/api/v1/channels", json={"name": until, "config": config})
        assert reply.status_code == 201, reply.text
        request = await delivered(http, f"/api/v1/channels/{reply.json()['id']}", receiver)
        assert takes(former["secret"], request) is expected
