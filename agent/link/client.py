"""The agent's side of /api/agent/v1: messages in and out, and which of three ways a call may fail.

Only the control plane itself, known by its error envelope, can refuse a key or a message. Whatever else stands in
between (a proxy during a redeploy, a captive portal) only delays.
"""

from __future__ import annotations

import asyncio
import os
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, TypeVar

import httpx
import msgspec

from agent.commands import remedies
from agent.link import newer_checks
from agent.link.route import proxy_for, trust
from shared.protocol import (
    Assignments,
    BatchReceipt,
    Dispatches,
    Farewell,
    Hello,
    Observations,
    TestOutcomes,
    Welcome,
)

TIME_HEADER = "X-Farwatch-Time-Ms"
GZIP_ABOVE = 1024
_GZIP_ASIDE_ABOVE = 64 * 1024
"""Compressing this much takes a ms: more is done in a thread, for the checks under way would seem as much slower."""

_TIMEOUT_S = 15.0
_HINT_LIMIT = 300
_SPOILED = (400, 413, 415, 422)
"""What the control plane answers when it is the message that is wrong, not the moment."""

_TOO_LARGE = (408, 413)
"""What also a proxy answers when a body is larger than it takes, or takes longer to arrive than it waits."""

_LONGEST_RETRY_AFTER_S = 300.0

_NO_HEADERS: Mapping[str, str] = {}

T = TypeVar("T")


class Refused(Exception):
    """401 or 403 from the control plane: the key is not accepted, and nothing changes that but the operator."""

    def __init__(self, url: str, status: int, message: str) -> None:
        super().__init__(f"{url} answered {status}: {message}")
        self.url = url
        self.status = status
        self.remedy = remedies.of_status(status)


class Unreachable(Exception):
    """No answer, or none that settles anything: worth trying again, not before `retry_after_s`.

    `status` is that of the answer if there was one; `remedy` is a sentence for whoever runs the agent.
    """

    def __init__(
        self, message: str, *, retry_after_s: float = 0.0, status: int | None = None, remedy: str | None = None
    ) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
        self.status = status
        self.remedy = remedy or remedies.of_status(status)


class TooLarge(Unreachable):
    """408 or 413 from whatever stands in between: the same body will hardly pass later, less of it may.

    Without a `status`: nobody answered in time, which may be because there was so much of it.
    """


class NotAccepted(Exception):
    """The control plane does not take this message: it will not be accepted later either."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"answered {status}: {message}")
        self.status = status


@dataclass(frozen=True, slots=True)
class Poll:
    """An answer to a poll of assignments; `answer` is None when nothing has changed. Instants are monotonic seconds."""

    answer: Assignments | None
    etag: str | None
    server_time: int | None
    sent_at: float
    received_at: float


class Client:
    """`key` is asked on every call, so that a changed key counts at once. `proxy`: see control_route.

    Raises SettingsError for an authority file or a proxy that cannot be used.
    """

    def __init__(
        self, *, url: str, key: Callable[[], str], ca_file: str | None = None, version: str = "0", proxy: str = ""
    ) -> None:
        self.url = url.rstrip("/")
        self._key = key
        self._http = httpx.AsyncClient(
            base_url=f"{self.url}/api/agent/v1/",
            verify=trust(ca_file) if self.url.startswith("https:") else False,
            timeout=_TIMEOUT_S,
            trust_env=False,
            proxy=proxy_for(self.url, proxy, os.environ),
            headers={"User-Agent": f"farwatch-agent/{version}"},
        )

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await self._http.aclose()

    async def hello(self, hello: Hello, *, key: str | None = None) -> Welcome:
        """`key`: one that is tried before it counts for everything."""
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        return _decode(await self._post_bytes("hello", msgspec.json.encode(hello), headers), Welcome)

    async def goodbye(self) -> Farewell:
        return _decode(await self._call("POST", "goodbye"), Farewell)

    async def assignments(self, cursor: str, *, etag: str | None) -> Poll:
        headers = {"If-None-Match": etag} if etag else {}
        sent_at = time.monotonic()
        response = await self._call("GET", "assignments", params={"cursor": cursor}, headers=headers)
        received_at = time.monotonic()
        answer = None if response.status_code == 304 else _decode(response, Assignments, newer_checks.read)
        return Poll(answer, response.headers.get("ETag"), _server_time(response), sent_at, received_at)

    async def dispatches(self, *, wait_s: int) -> Dispatches:
        response = await self._call("GET", "dispatch", params={"wait": wait_s}, timeout=wait_s + _TIMEOUT_S)
        return _decode(response, Dispatches, newer_checks.read)

    async def results(self, items: Sequence[bytes], *, sent_at: int) -> BatchReceipt:
        """Send encoded CheckResults; the receipt has one status per item. Raises TooLarge when fewer may pass."""
        body = b'{"sent_at":%d,"items":[%b]}' % (sent_at, b",".join(items))
        receipt = _decode(await self._post_bytes("results", body), BatchReceipt)
        if len(receipt.statuses) != len(items):
            raise Unreachable(f"{self.url} acknowledged {len(receipt.statuses)} of {len(items)} results")
        return receipt

    async def test_outcomes(self, outcomes: TestOutcomes) -> None:
        await self._post("dispatch/results", outcomes)

    async def observe(self, observations: Observations) -> None:
        await self._post("observations", observations)

    async def _post(self, path: str, message: Any) -> httpx.Response:
        return await self._post_bytes(path, msgspec.json.encode(message))

    async def _post_bytes(self, path: str, body: bytes, more: Mapping[str, str] = _NO_HEADERS) -> httpx.Response:
        headers = {"Content-Type": "application/json", **more}
        if len(body) > GZIP_ABOVE:
            large = len(body) > _GZIP_ASIDE_ABOVE
            body = await asyncio.to_thread(_gzip, body) if large else _gzip(body)
            headers["Content-Encoding"] = "gzip"
        return await self._call("POST", path, content=body, headers=headers)

    async def _call(self, method: str, path: str, **options: Any) -> httpx.Response:
        options["headers"] = {"Authorization": f"Bearer {self._key()}", **options.get("headers", {})}
        try:
            response = await self._http.request(method, path, **options)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            text, remedy = remedies.of_error(error)
            kind = TooLarge if isinstance(error, httpx.ReadTimeout | httpx.WriteTimeout) else Unreachable
            raise kind(f"{self.url} cannot be reached: {text}", remedy=remedy) from None
        status = response.status_code
        if 200 <= status < 300 or status == 304:
            return response
        message = _message(response)
        if message is not None and status in (401, 403):
            raise Refused(self.url, status, message)
        if message is not None and status in _SPOILED:
            raise NotAccepted(status, message)
        kind = TooLarge if status in _TOO_LARGE else Unreachable
        raise kind(
            f"{self.url} answered {status}: {message or _foreign(response)}",
            retry_after_s=_retry_after(response),
            status=status,
        )


def _read(data: bytes, kind: type[T]) -> T:
    return msgspec.json.decode(data, type=kind)


def _decode(response: httpx.Response, kind: type[T], read: Callable[[bytes, type[T]], T] = _read) -> T:
    try:
        return read(response.content, kind)
    except msgspec.MsgspecError as error:
        told = f"{response.request.url} answered {response.status_code}, but not as a control plane does: {error}"
        raise Unreachable(told, remedy=remedies.FOREIGN) from None


class _Error(msgspec.Struct, frozen=True):
    code: str
    message: str = ""


class _Envelope(msgspec.Struct, frozen=True):
    error: _Error


def _message(response: httpx.Response) -> str | None:
    """What the control plane's error envelope says; None when it is not the control plane that speaks."""
    try:
        error = msgspec.json.decode(response.content, type=_Envelope).error
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return (error.message or error.code)[:_HINT_LIMIT]


def _foreign(response: httpx.Response) -> str:
    start = response.text[:_HINT_LIMIT] or response.reason_phrase
    return f"{start} (is this the control plane's address?)"


def _retry_after(response: httpx.Response) -> float:
    """How long a 429 asks us to stay away (RFC 9110 section 10.2.3, seconds), within reason."""
    text = response.headers.get("Retry-After", "") if response.status_code == 429 else ""
    seconds = float(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0.0
    return min(seconds, _LONGEST_RETRY_AFTER_S)


def _server_time(response: httpx.Response) -> int | None:
    text = response.headers.get(TIME_HEADER, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None


def _gzip(body: bytes) -> bytes:
    packer = zlib.compressobj(1, wbits=zlib.MAX_WBITS | 16)
    return packer.compress(body) + packer.flush()
