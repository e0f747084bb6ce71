"""Requests that no client library sends, over a bare socket."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from control_plane.store.pool import Database
from tests.support.serving import ControlPlane, control_plane, settings_with


async def exchange(served: ControlPlane, *parts: bytes) -> tuple[int, dict[str, Any]]:
    """Send the parts, read the answer to its end; (status, error)."""
    reader, writer = await asyncio.open_connection(served.host, served.port)
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
        async with asyncio.timeout(10):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            length = int(head.lower().split("content-length: ")[1].split("\r\n")[0])
            body = await reader.readexactly(length)
    finally:
        writer.close()
    return int(head.split(" ")[1]), json.loads(body)["error"]


def post(served: ControlPlane, *headers: str) -> bytes:
    lines = [
        "POST /api/v1/keys HTTP/1.1",
        "Host: x",
        "Content-Type: application/json",
        f"Authorization: Bearer {served.home.api_key}",
        *headers,
        "",
        "",
    ]
    return "\r\n".join(lines).encode()


@pytest.mark.parametrize(
    "request_",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nbad header\r\n\r\n",
        b"POST /api/v1/keys HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n",
        b"POST /api/v1/keys HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcd",
        b"POST /api/v1/keys HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
    ids=lambda request: repr(request[:30]),
)
async def test_what_is_not_http_is_a_bad_request_in_the_envelope(served: ControlPlane, request_: bytes) -> None:
    status, error = await exchange(served, request_)
    assert (status, error["code"]) == (400, "BAD_REQUEST")
    assert error["trace_id"]


async def test_a_header_of_64_kib_is_too_large(served: ControlPlane) -> None:
    status, error = await exchange(served, b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 65536 + b"\r\n\r\n")
    assert (status, error["code"]) == (431, "HEADERS_TOO_LARGE")


async def test_a_request_line_of_64_kib_is_too_large(served: ControlPlane) -> None:
    status, error = await exchange(served, b"GET /" + b"a" * 65536 + b" HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (status, error["code"]) == (431, "HEADERS_TOO_LARGE")


async def test_hundreds_of_headers_are_too_large(served: ControlPlane) -> None:
    headers = b"".join(b"X-%d: y\r\n" % number for number in range(500))
    status, error = await exchange(served, b"GET / HTTP/1.1\r\nHost: x\r\n" + headers + b"\r\n")
    assert (status, error["code"]) == (431, "HEADERS_TOO_LARGE")


async def test_broken_chunks_are_a_bad_request(served: ControlPlane) -> None:
    status, error = await exchange(served, post(served, "Transfer-Encoding: chunked"), b"zz\r\nabc\r\n0\r\n\r\n")
    assert (status, error["code"]) == (400, "BAD_REQUEST")


async def test_a_body_that_drips_is_cut_off_at_the_deadline(database: Database) -> None:
    async with control_plane(database, settings_with(server={"read_timeout_s": 0.2})) as served:
        status, error = await exchange(served, post(served, "Content-Length: 100"), b"{")
    assert (status, error["code"]) == (408, "REQUEST_TIMEOUT")


async def test_a_body_is_invited_where_the_caller_asks_first(served: ControlPlane) -> None:
    reader, writer = await asyncio.open_connection(served.host, served.port)
    body = b'{"label":"a key"}'
    writer.write(post(served, "Expect: 100-continue", f"Content-Length: {len(body)}"))
    async with asyncio.timeout(10):
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(body)
        assert (await reader.readline()).startswith(b"HTTP/1.1 201")
    writer.close()
