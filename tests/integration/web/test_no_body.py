"""Operations that take no body say so, instead of passing over what was meant to have an effect."""

from __future__ import annotations

import pytest

from control_plane.store.pool import Database
from tests.support.serving import control_plane

JSON = {"content-type": "application/json"}


@pytest.mark.parametrize(
    "body", [b"", b" \n", b"{}", b'{"write_source": "ui"}'], ids=["none", "blank", "empty", "ours"]
)
async def test_nothing_is_a_body_of_nothing(database: Database, body: bytes) -> None:
    async with control_plane(database) as plane, plane.tenant() as http:
        reply = await http.request("DELETE", "/api/v1/me/sessions", content=body, headers=JSON)
    assert reply.status_code == 204, reply.text


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        (b'{"region": "eu", "x": 1}', "UNKNOWN_FIELD", "/region"),
        (b'{"a/b": 1}', "UNKNOWN_FIELD", "/a~1b"),
        (b"[1]", "INVALID_JSON", None),
        (b"hello", "INVALID_JSON", None),
        (b"\xff", "INVALID_JSON", None),
    ],
    ids=["a field", "escaped", "a list", "a word", "bytes"],
)
async def test_what_would_have_no_effect_is_refused_by_name(
    database: Database, body: bytes, code: str, field: str | None
) -> None:
    async with control_plane(database) as plane, plane.tenant() as http, plane.operator() as operator:
        for client, path in ((http, "/api/v1/me/sessions"), (operator, f"/operator/opt-outs/{plane.home.tenant_id}")):
            reply = await client.request("DELETE", path, content=body, headers=JSON)
            error = reply.json()["error"]
            assert (reply.status_code, error["code"], error["field"]) == (400, code, field), path
