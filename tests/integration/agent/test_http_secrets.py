"""What the control plane seals never comes back from the agent, however the target throws it back."""

from __future__ import annotations

import base64
import html
import json
from typing import Any
from urllib.parse import quote, quote_plus

import msgspec
import pytest

from shared.checks.http import HttpCheck
from tests.support.http_checks import probe
from tests.support.targets import Reader, Target, Writer, request_of, serving

SECRET = 's3cr&t/Zauber+"x"é'
PLAIN = "s3cretZauber"

HEADERS = [
    "Authorization",
    "Cookie",
    "X-API-Key",
    "Apikey",
    "X-Access-Key",
    "X-Session-Id",
    "X-Signature",
    "X-Credential",
    "X-Private-Key",
    "X-Auth",
    "X-Passwd",
    "X-Amz-Security-Token",
]


def echo(status: str, *, location: bool = False, more: bytes = b"") -> Target:
    """Sends the request's head back: in the body, in headers that are shown, in the reason phrase."""

    async def target(reader: Reader, writer: Writer) -> None:
        head = await request_of(reader)
        fields = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line)
        tenants = b" ".join(value for name, value in fields.items() if name not in (b"Host", b"Connection"))
        body = head + more
        answer = b"HTTP/1.1 " + status.encode() + b" " + tenants + b"\r\n"
        answer += b"Server: " + tenants + b"\r\nWWW-Authenticate: Basic realm=" + tenants + b"\r\n"
        if location:
            url = "http://127.0.0.1:1/?" + quote(tenants)
            answer += b"Location: " + url.encode() + b"\r\n"
        writer.write(answer + b"Content-Length: " + str(len(body)).encode() + b"\r\n\r\n" + body)
        await writer.drain()
        writer.close()

    return target


async def told(target: Target, **options: Any) -> str:
    async with serving(target) as port:
        outcome = await probe(f"http://127.0.0.1:{port}/", **options)
    assert outcome.detail.evidence is not None
    return msgspec.json.encode(outcome).decode()


@pytest.mark.parametrize("name", HEADERS)
@pytest.mark.parametrize("location", [False, True])
async def test_a_header_that_is_sealed_is_masked_in_what_the_target_echoes(name: str, location: bool) -> None:
    text = await told(echo("302" if location else "500", location=location), headers={name: PLAIN})
    assert PLAIN not in text
    assert "***" in text


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Authorization", f"Bearer {PLAIN}"),
        ("Authorization", "Token abcd"),
        ("Cookie", f"lang=en; sid={PLAIN}"),
        ("Authorization", "Basic " + base64.b64encode(f"user:{PLAIN}".encode()).decode()),
    ],
)
async def test_the_secret_part_of_a_value_is_masked_also_by_itself(name: str, value: str) -> None:
    part = "abcd" if "abcd" in value else PLAIN
    text = await told(echo("500", more=f" you sent <{part}>".encode()), headers={name: value})
    assert part not in text
    assert "you sent <***>" in text


def forms(secret: str) -> list[str]:
    encoded = secret.encode()
    return [
        secret,
        base64.b64encode(encoded).decode(),
        base64.urlsafe_b64encode(encoded).decode().rstrip("="),
        quote(secret),
        quote(secret, safe=""),
        quote_plus(secret),
        html.escape(secret),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
    ]


@pytest.mark.parametrize("form", forms(SECRET))
@pytest.mark.parametrize("options", [{"bearer_token": SECRET}, {"basic_auth": ("user", SECRET)}])
async def test_no_form_of_a_credential_is_told(form: str, options: dict[str, Any]) -> None:
    text = await told(echo("500", more=b" you sent <" + form.encode() + b">"), **options)
    assert "you sent <***>" in text
    basic = base64.b64encode(f"user:{SECRET}".encode()).decode()
    assert basic not in text
    for each in forms(SECRET):
        assert each not in text


async def test_an_assertion_on_a_header_does_not_tell_half_of_a_secret() -> None:
    token = "t0p" + "z" * 300
    text = await told(echo("200"), bearer_token=token, expected_headers={"Server": "nginx"})
    assert "t0pzzz" not in text


async def test_a_header_that_is_no_secret_is_told_as_it_came() -> None:
    text = await told(echo("500"), headers={"X-Page": PLAIN})
    assert PLAIN in text
    assert HttpCheck(url="http://a.example/").headers == {}
