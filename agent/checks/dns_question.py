"""What a `dns` check asks, and whom: the grammar of the name and of the resolver that a tenant may choose."""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import ip_address

from agent.dns.wire import PTR
from shared.netpolicy import UrlRefused
from shared.netpolicy.labels import to_a_label

PORT = 53

_SERVER = re.compile(r"(?P<host>\[[^\[\]]*\]|[^:\[\]]+)(?::(?P<port>[1-9][0-9]{0,4}))?\Z")
_LABEL = re.compile(r"[!-\-/-~]{1,63}\Z")  # what is no dot and no space: _dmarc, *, 0/25 (RFC 2317)
_NAME_LIMIT = 253


@lru_cache(maxsize=16_384)
def split_server(text: str) -> tuple[str, int]:
    """Host and port of `host`, `host:port`, `[address]:port` or a bare IPv6 address; the host is not judged yet.

    Raises UrlRefused INVALID_URL_FORMAT.
    """
    match = _SERVER.match(text)
    if match is not None and int(match["port"] or PORT) <= 0xFFFF:
        return match["host"], int(match["port"] or PORT)
    if text.count(":") > 1 and "[" not in text:
        return text, PORT
    raise UrlRefused(
        "INVALID_URL_FORMAT", "the resolver is written like 192.0.2.1, dns.example.com:53 or [2001:db8::1]:53"
    )


@lru_cache(maxsize=16_384)
def owner_name(text: str, kind: int) -> str:
    """The name to ask for, ASCII and lower case, without the trailing dot; the root is empty.

    Wider than a host's grammar, because names of records may be anything; a PTR record may be asked for by the address
    itself. Raises UrlRefused INVALID_URL_FORMAT.
    """
    reverse = _reverse_name(text) if kind == PTR else None
    if reverse is not None:
        return reverse
    if text == ".":
        return ""
    name = ".".join(_label(label) for label in text.removesuffix(".").split("."))
    if len(name) > _NAME_LIMIT:
        raise UrlRefused("INVALID_URL_FORMAT", f"the name is longer than {_NAME_LIMIT} characters")
    return name


def _reverse_name(text: str) -> str | None:
    try:
        return ip_address(text).reverse_pointer
    except ValueError:
        return None


def _label(label: str) -> str:
    plain: str | None = label.lower()
    if not label.isascii():
        plain = to_a_label(label) if len(label) <= 63 else None
    if plain is None or not _LABEL.match(plain):
        raise UrlRefused("INVALID_URL_FORMAT", "the name has a label that is empty, too long, or no valid text")
    return plain
