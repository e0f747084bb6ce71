"""An ntfy server on loopback that refuses what ntfy documents as refused (https://docs.ntfy.sh/publish/)."""

from __future__ import annotations

import asyncio
import base64
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.support.receiver import Received, Receiver, a_receiver, answer

TOPIC = re.compile(r"[-_A-Za-z0-9]{1,64}")
MESSAGE_LIMIT = 4096
SEQUENCE = re.compile(r"[-_A-Za-z0-9]{1,64}")
TEXTS = ("topic", "message", "title", "click", "sequence_id")


@dataclass(frozen=True)
class Refusal(Exception):  # noqa: N818 - an answer, not a fault
    """What ntfy answers instead of taking a message: HTTP status and its own code."""

    status: int
    code: int
    error: str


@dataclass
class NtfyServer:
    """What was published; `token` and `login` are demanded where they are set."""

    receiver: Receiver
    token: str | None = None
    login: tuple[str, str] | None = None
    published: list[dict[str, Any]] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    later: list[Callable[[asyncio.StreamWriter], Awaitable[None]]] = field(default_factory=list)
    """Behaviours that come before the rules, one for each next request."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.receiver.port}"

    def shown(self) -> dict[str, dict[str, Any]]:
        """What a subscriber sees: of one sequence, the message that came last."""
        return {each["sequence_id"]: each for each in self.published}

    def take(self, request: Received) -> dict[str, Any]:
        """Judge one request. Raises Refusal."""
        self._authorise(request)
        document = read_publish(request)
        self.published.append(document)
        return document

    def _authorise(self, request: Received) -> None:
        given = request.headers.get("authorization")
        wanted = None
        if self.token is not None:
            wanted = f"Bearer {self.token}"
        elif self.login is not None:
            wanted = "Basic " + base64.b64encode(":".join(self.login).encode()).decode()
        if wanted is not None and given is None:
            raise Refusal(403, 40301, "forbidden")
        if wanted is not None and given != wanted:
            raise Refusal(401, 40101, "unauthorized")


def read_publish(request: Received) -> dict[str, Any]:
    """The document of a publish as JSON. Raises Refusal with the status that ntfy documents."""
    if request.method not in ("POST", "PUT") or request.path != "/":
        raise Refusal(404, 40401, "page not found")
    if len(request.body) > 2 * MESSAGE_LIMIT:
        raise Refusal(413, 41301, "JSON message is too large")
    try:
        document = json.loads(request.body)
    except ValueError:
        raise Refusal(400, 40024, "invalid request: request body must be message JSON") from None
    if not isinstance(document, dict):
        raise Refusal(400, 40024, "invalid request: request body must be message JSON")
    if not TOPIC.fullmatch(str(document.get("topic", ""))):
        raise Refusal(400, 40009, "invalid request: topic invalid")
    if any(not isinstance(document.get(name, ""), str) for name in TEXTS):
        raise Refusal(400, 40024, "invalid request: request body must be message JSON")
    if len(document.get("message", "").encode()) > MESSAGE_LIMIT:
        raise Refusal(413, 41301, "message is longer than the limit")
    if not (isinstance(document.get("priority", 3), int) and 1 <= document.get("priority", 3) <= 5):
        raise Refusal(400, 40007, "invalid priority parameter")
    tags = document.get("tags", [])
    if not isinstance(tags, list) or any(not isinstance(tag, str) for tag in tags):
        raise Refusal(400, 40024, "invalid request: request body must be message JSON")
    if not _are_actions(document.get("actions", [])):
        raise Refusal(400, 40018, "invalid request: actions invalid")
    if not SEQUENCE.fullmatch(document.get("sequence_id", "x")):
        raise Refusal(400, 40049, "invalid request: sequence ID invalid")
    return document


def _are_actions(actions: Any) -> bool:
    """At most three, each of a known kind with a label; those of kind view with a URL."""
    return (
        isinstance(actions, list)
        and len(actions) <= 3
        and all(
            isinstance(each, dict)
            and each.get("action") in ("view", "broadcast", "http")
            and isinstance(each.get("label"), str)
            and (each["action"] == "broadcast" or isinstance(each.get("url"), str))
            for each in actions
        )
    )


@asynccontextmanager
async def an_ntfy_server(
    *, token: str | None = None, login: tuple[str, str] | None = None
) -> AsyncIterator[NtfyServer]:
    """A server that lives as long as the block."""
    async with a_receiver() as receiver:
        server = NtfyServer(receiver, token, login)

        async def behave(writer: asyncio.StreamWriter) -> None:
            if server.later:
                await server.later.pop(0)(writer)
                return
            try:
                document = server.take(receiver.received[-1])
            except Refusal as refusal:
                server.refusals.append(refusal)
                body = json.dumps({"code": refusal.code, "http": refusal.status, "error": refusal.error}).encode()
                await answer(refusal.status, body)(writer)
                return
            body = json.dumps({"id": "x", "event": "message", **document}).encode()
            await answer(200, body)(writer)

        receiver.otherwise = behave
        yield server
