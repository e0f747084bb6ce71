"""The requests of a check: the first one as the tenant wrote it, each next one as RFC 9110 section 15.4 has it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct, structs

from agent.checks.http_secrets import basic, carries_secret
from shared.checks.http import HttpCheck
from shared.netpolicy import HttpUrl, same_origin

USER_AGENT = "Farwatch/1 (uptime monitoring)"

OURS = frozenset(
    (
        "connection",
        "content-length",
        "host",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    )
)
"""Fields that frame the message or route it; a tenant's value for one is passed over."""

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\U0010ffff]*")


class BadHeader(Exception):
    """A header that cannot be sent (RFC 9110 section 5.5); the control plane should have refused it."""


class Request(Struct, frozen=True, gc=False):
    """One hop: what is asked of `url`, and what of the tenant's goes along."""

    url: HttpUrl
    method: str
    headers: tuple[tuple[str, str], ...]
    body: bytes | None
    has_credentials: bool

    def encode(self) -> bytes:
        """The bytes to send (RFC 9112). One connection serves one request."""
        if not self.headers and self.body is None:
            line = f"{self.method} {self.url.path_and_query} HTTP/1.1\r\nHost: {self.url.host_header}\r\n"
            return (line + _PLAIN_HEADERS).encode("utf-8")
        names = {name.lower() for name, _ in self.headers}
        lines = [f"{self.method} {self.url.path_and_query} HTTP/1.1", f"Host: {self.url.host_header}"]
        lines += [f"{name}: {value}" for name, value in _DEFAULTS if name.lower() not in names]
        lines += [f"{name}: {value}" for name, value in self.headers]
        if self.body is not None:
            lines.append(f"Content-Length: {len(self.body)}")
        lines.append("Connection: close\r\n\r\n")
        return "\r\n".join(lines).encode("utf-8") + (self.body or b"")

    def redirected(self, status: int, target: HttpUrl) -> Request:
        """The request that follows a redirect: tenant headers and credentials stay within their origin."""
        method, body, headers = self.method, self.body, self.headers
        if (status == 303 and method != "HEAD") or (status in (301, 302) and method == "POST"):
            method, body = "GET", None
            headers = tuple(item for item in headers if not item[0].lower().startswith("content-"))
        if not same_origin(self.url, target):
            return Request(target, method, (), body, has_credentials=False)
        return structs.replace(self, url=target, method=method, headers=headers, body=body)


_DEFAULTS = (("User-Agent", USER_AGENT), ("Accept", "*/*"), ("Accept-Encoding", "gzip, deflate"))
_PLAIN_HEADERS = "".join(f"{name}: {value}\r\n" for name, value in _DEFAULTS) + "Connection: close\r\n\r\n"
"""What follows the first two lines of a request to which the tenant adds nothing: most of them."""


def first_request(check: HttpCheck, url: HttpUrl) -> Request:
    """Raises BadHeader."""
    if not check.headers and check.body is None and check.bearer_token is None and check.basic_auth is None:
        return Request(url, check.method, (), None, has_credentials=False)
    headers = tuple(_tenant_headers(check))
    body = None if check.body is None else check.body.encode()
    return Request(url, check.method, headers, body, has_credentials=carries_secret(check))


def _tenant_headers(check: HttpCheck) -> Iterator[tuple[str, str]]:
    for name, value in check.headers.items():
        if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
            raise BadHeader(f"The header {name!r:.60} cannot be sent")
        if name.lower() not in OURS and not (name.lower() == "authorization" and _authorization(check)):
            yield name, value
    authorization = _authorization(check)
    if authorization:
        if not _VALUE.fullmatch(authorization):
            raise BadHeader("The credential cannot be sent in a header")
        yield "Authorization", authorization


def _authorization(check: HttpCheck) -> str | None:
    if check.bearer_token is not None:
        return f"Bearer {check.bearer_token}"
    return None if check.basic_auth is None else f"Basic {basic(check.basic_auth)}"
