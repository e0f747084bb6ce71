"""A check as a text: https://a.example/health, tcp://db.example:5432, dns://a.example?type=MX, ping://host …

Only the form is read here; what may stand in a field is judged by the submission rules and by the agent's guard.
"""

from __future__ import annotations

import re
from typing import Literal, get_args
from urllib.parse import parse_qsl

from shared.checks.dns import DnsCheck, RecordType
from shared.checks.domain_expiry import DomainExpiryCheck
from shared.checks.http import HttpCheck
from shared.checks.ping import PingCheck
from shared.checks.tcp import TcpCheck
from shared.checks.tls_cert import TlsCertCheck

Expanded = HttpCheck | TcpCheck | DnsCheck | PingCheck | TlsCertCheck | DomainExpiryCheck

EXAMPLES = {
    "tcp": "tcp://db.example.com:5432",
    "dns": "dns://example.com?type=MX",
    "ping": "ping://example.com",
    "tls": "tls://example.com:443",
    "domain": "domain://example.com",
}
"""By scheme, apart from http and https."""

_AUTHORITY = re.compile(r"(?P<host>\[[^\[\]]*\]|[^:\[\]/?#@\s]+)(?::(?P<port>[0-9]{1,5}))?/?(?:\?(?P<query>[^#]*))?\Z")


class CheckTextRefused(ValueError):  # noqa: N818 - a refusal, like those of netpolicy
    """A string that expands to no check."""

    def __init__(self, code: Literal["INVALID_URL_SCHEME", "INVALID_URL_FORMAT"], message: str) -> None:
        super().__init__(message)
        self.code = code


def expand(text: str) -> Expanded:
    """The check that a string stands for, by its scheme. What its parts say is not judged here.

    Raises CheckTextRefused: INVALID_URL_FORMAT without a scheme or with parts that the scheme has no use for,
    INVALID_URL_SCHEME with a scheme that is no kind's.
    """
    scheme, colon, rest = text.partition(":")
    match scheme.lower():
        case "http" | "https" if colon:
            return HttpCheck(url=text)
        case ("tcp" | "dns" | "ping" | "tls" | "domain") as name if colon:
            return _expand(name, rest)
        case name if colon and name.replace("+", "").replace("-", "").isalnum() and name.isascii():
            known = ", ".join(f"{scheme}://" for scheme in ("https", *EXAMPLES))
            raise CheckTextRefused("INVALID_URL_SCHEME", f"the scheme is no check's; there are {known}")
        case _:
            raise CheckTextRefused("INVALID_URL_FORMAT", "a check as a string is a URL, like https://example.com/")


def _expand(scheme: str, rest: str) -> Expanded:
    match = _AUTHORITY.match(rest[2:]) if rest.startswith("//") else None
    if match is None:
        raise _bad_form(scheme)
    host, port, query = match["host"], match["port"], dict(parse_qsl(match["query"] or "", keep_blank_values=True))
    record_type = query.pop("type", "A").upper() if scheme == "dns" else "A"
    resolver = query.pop("resolver", None) if scheme == "dns" else None
    if query:
        raise _bad_form(scheme, f"the parameter {next(iter(query))[:40]!r} is not known in a text; an object has more")
    if port and scheme not in ("tcp", "tls"):
        raise _bad_form(scheme, "a port has no meaning here")
    if scheme == "tcp" and not port:
        raise _bad_form(scheme, "the port is missing")
    if record_type not in get_args(RecordType):
        raise _bad_form(scheme, f"the record type must be one of {', '.join(get_args(RecordType))}")
    match scheme:
        case "tcp":
            return TcpCheck(host=host, port=int(port))
        case "dns":
            return DnsCheck(name=host, record_type=record_type, resolver=resolver)  # type: ignore[arg-type]
        case "ping":
            return PingCheck(host=host)
        case "tls":
            return TlsCertCheck(host=host, port=int(port or 443))
    return DomainExpiryCheck(domain=host)


def _bad_form(scheme: str, problem: str = "") -> CheckTextRefused:
    written = f"a check of this kind is written like {EXAMPLES[scheme]}"
    return CheckTextRefused("INVALID_URL_FORMAT", f"{problem}; {written}" if problem else written)
