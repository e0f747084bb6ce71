"""What is said of a body that cannot be used. Nothing of it has an effect."""

from __future__ import annotations

import gzip
from typing import Any

import httpx
import pytest

from tests.support.serving import ControlPlane

JSON = {"Content-Type": "application/json"}


async def refusal(client: httpx.AsyncClient, content: bytes, **headers: str) -> tuple[int, str, str | None]:
    response = await client.post("/api/v1/keys", content=content, headers=JSON | headers)
    error = response.json()["error"]
    return response.status_code, error["code"], error["field"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"label":"a key"} x',
        b"[]",
        b'"text"',
        b"null",
        b'{"label":NaN}',
        b'{"label":Infinity}',
        b'{"label":1e999}',
        b'{"label":' + b"9" * 300 + b"}",
        b'{"label":' + b"9" * 5000 + b"}",
        b'{"label":"\xff"}',
        b'\xef\xbb\xbf{"label":"a key"}',
        b"[" * 30_000,
        b'{"label":"one","label":"two"}',
        b'{"label":"a\nb"}',
        b"{'label':'a key'}",
    ],
    ids=lambda body: repr(body[:24]),
)
async def test_what_is_not_a_json_object_is_invalid_json(served: ControlPlane, body: bytes) -> None:
    async with served.tenant() as client:
        status, code, _ = await refusal(client, body)
    assert (status, code) == (400, "INVALID_JSON")


@pytest.mark.parametrize("text", [r"\ud800", r"\udc00 tail", r"a\u0000b"])
async def test_text_that_cannot_be_stored_is_named(served: ControlPlane, text: str) -> None:
    async with served.tenant() as client:
        assert await refusal(client, b'{"label":"%s"}' % text.encode()) == (400, "INVALID_STRING", "/label")


async def test_a_surrogate_pair_is_one_character(served: ControlPlane) -> None:
    async with served.tenant() as client:
        response = await client.post("/api/v1/keys", content=rb'{"label":"key \ud83d\ude00"}', headers=JSON)
    assert response.json()["label"] == "key \U0001f600"


@pytest.mark.parametrize("field", ["org_id", "id", "plan", "verified", "__proto__", "a/b~c"])
async def test_an_unknown_field_is_refused_by_name(served: ControlPlane, field: str) -> None:
    async with served.tenant() as client:
        response = await client.post("/api/v1/keys", json={"label": "a key", field: "x"})
    error = response.json()["error"]
    assert (response.status_code, error["code"]) == (400, "UNKNOWN_FIELD")
    assert error["field"] == "/" + field.replace("~", "~0").replace("/", "~1")


async def test_write_source_in_a_body_is_ignored(served: ControlPlane) -> None:
    async with served.tenant() as client:
        response = await client.post("/api/v1/keys", json={"label": "a key", "write_source": "terraform"})
    assert response.status_code == 201


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({"label": 5}, "INVALID_TYPE", "/label"),
        ({"label": None}, "INVALID_TYPE", "/label"),
        ({"label": "ab"}, "INVALID_LABEL", "/label"),
        ({"label": "a" * 101}, "INVALID_LABEL", "/label"),
        ({}, "MISSING_FIELD", "/label"),
        ({"label": "a key", "scopes": "all"}, "INVALID_TYPE", "/scopes"),
        ({"label": "a key", "scopes": ["keys:read", "x"]}, "INVALID_SCOPES", "/scopes/1"),
    ],
)
async def test_a_bad_field_is_named_by_its_pointer(
    served: ControlPlane, body: dict[str, Any], code: str, field: str
) -> None:
    async with served.tenant() as client:
        response = await client.post("/api/v1/keys", json=body)
    error = response.json()["error"]
    assert (response.status_code, error["code"], error["field"]) == (400, code, field)


async def test_every_bad_field_is_named(served: ControlPlane) -> None:
    async with served.tenant() as client:
        response = await client.post("/api/v1/keys", json={"label": 5, "scopes": 6})
    assert [each["field"] for each in response.json()["error"]["details"]["fields"]] == ["/label", "/scopes"]


@pytest.mark.parametrize("type_", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
async def test_another_content_type_is_refused(served: ControlPlane, type_: str) -> None:
    async with served.tenant() as client:
        response = await client.post("/api/v1/keys", content=b'{"label":"a key"}', headers={"Content-Type": type_})
    assert (response.status_code, response.json()["error"]["code"]) == (415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "gzip, gzip"])
async def test_a_compressed_body_is_refused_on_the_tenants_door(served: ControlPlane, encoding: str) -> None:
    packed = gzip.compress(b'{"label":"a key"}')
    async with served.tenant() as client:
        status, code, _ = await refusal(client, packed, **{"Content-Encoding": encoding})
    assert (status, code) == (415, "UNSUPPORTED_ENCODING")


async def test_a_body_over_the_limit_is_refused_whether_it_says_its_length_or_not(served: ControlPlane) -> None:
    async def chunks() -> Any:
        for _ in range(80):
            yield b" " * 1024

    async with served.tenant() as client:
        for content in (b" " * 70_000, chunks()):
            response = await client.post("/api/v1/keys", content=content, headers=JSON)
            assert (response.status_code, response.json()["error"]["code"]) == (413, "BODY_TOO_LARGE")


async def test_a_refused_body_makes_nothing(served: ControlPlane) -> None:
    async with served.tenant() as client:
        await refusal(client, b'{"label":"a key","scopes":["nothing:read"]}')
        assert (await client.get("/api/v1/keys")).json()["total"] == 1
