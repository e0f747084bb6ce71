"""The values of the address guard: a judged URL, a refusal, a policy."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, Literal

from msgspec import Struct

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

RefusalCode = Literal["INVALID_URL_SCHEME", "INVALID_URL_FORMAT", "SSRF_BLOCKED", "PORT_BLOCKED", "REDIRECT_BLOCKED"]


PortProfile = Literal["any", "strict"]


class UrlRefused(Exception):  # noqa: N818 - a refusal, like those of errors.py
    """A URL, name or address that may not be used. `code` is stable; `details` is context for programs."""

    def __init__(self, code: RefusalCode, message: str, details: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code: RefusalCode = code
        self.message = message
        self.details = details or {}


class Policy(Struct, frozen=True):
    """What a region may reach. `allow_cidrs` is empty for a shared region.

    An address inside `allow_cidrs` is allowed though otherwise blocked; with any of them, special names may be
    resolved (their answers are judged) and every port may be used. `ports`: which ones `tcp` and `tls_cert` checks
    may use, `any` or the few of `strict` (see registry.STRICT_PORTS).
    """

    allow_cidrs: tuple[Network, ...] = ()
    ports: PortProfile = "any"

    @classmethod
    def of(cls, cidrs: Iterable[str]) -> Policy:
        """The policy of a region's `allow_cidrs`. Raises ValueError when one is no network, or has host bits set."""
        return cls(tuple(ip_network(cidr) for cidr in cidrs))

    @property
    def is_private(self) -> bool:
        return bool(self.allow_cidrs)


class Host(Struct, frozen=True):
    """A host that passed the grammar: a lower-case name of A-labels, or a canonical IP literal without brackets."""

    name: str
    is_literal: bool

    @property
    def address(self) -> Address | None:
        """The address of a literal."""
        return ip_address(self.name) if self.is_literal else None


SHARED = Policy()
"""The policy of a shared region, and of whatever the control plane itself calls."""


class HttpUrl(Struct, frozen=True):
    """An http or https URL that passed the grammar; `str()` renders it, and parsing that gives the same value."""

    scheme: Literal["http", "https"]
    host: str
    """Lower-case name of A-labels without a trailing dot, or a canonical IP literal without brackets."""
    is_literal: bool
    port: int
    path_and_query: str
    """The request target in origin form (RFC 9112 section 3.2.1), percent-encoded, without the fragment."""
    host_header: str
    """Host, with brackets around an IPv6 literal, and `:port` unless it is the scheme's default."""
    origin: str
    """scheme://host_header (RFC 6454)."""

    @property
    def address(self) -> Address | None:
        """The address of a literal host."""
        return ip_address(self.host) if self.is_literal else None

    def __str__(self) -> str:
        return self.origin + self.path_and_query


def same_origin(a: HttpUrl, b: HttpUrl) -> bool:
    """Whether credentials and tenant headers may go along from `a` to `b` (RFC 6454): scheme, host and port agree."""
    return a.origin == b.origin
