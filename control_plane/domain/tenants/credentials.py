"""The form of our keys: a readable prefix, 43 base62 characters of 256 random bits, and a checksum.

The checksum (CRC-32 in 6 base62 digits) tells a mistyped key from an unknown one before any look-up, and lets secret
scanners recognise ours. A key is stored only as HMAC-SHA256 under the installation's pepper.
"""

from __future__ import annotations

import hmac
import zlib
from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SECRET_LENGTH = 43
_CHECKSUM_LENGTH = 6
ENTROPY_BYTES = 32


class KeyKind(StrEnum):
    """The head of a key, and the door that it opens."""

    TENANT = "fw_live_"
    AGENT = "fw_probe_"
    MANAGE = "fw_manage_"
    """Of one monitor that was created without an account, at the tenant's door."""


def make_key(kind: KeyKind, entropy: bytes) -> str:
    """The key made of 32 random bytes drawn by the caller."""
    assert len(entropy) == ENTROPY_BYTES
    head = kind + _base62(int.from_bytes(entropy), _SECRET_LENGTH)
    return head + _checksum(head)


def looks_like_key(text: str, kind: KeyKind) -> bool:
    """Whether the text has the form of such a key and its checksum is right."""
    if len(text) != len(kind) + _SECRET_LENGTH + _CHECKSUM_LENGTH or not text.startswith(kind) or not text.isascii():
        return False
    return _checksum(text[:-_CHECKSUM_LENGTH]) == text[-_CHECKSUM_LENGTH:]


def key_digest(key: str, pepper: bytes) -> bytes:
    """What is stored of a key: 32 bytes."""
    return hmac.digest(pepper, key.encode(), "sha256")


def key_prefix(key: str) -> str:
    """The head that may be shown, to recognise a key by: kind and four characters."""
    kind = next(kind for kind in KeyKind if key.startswith(kind))
    return key[: len(kind) + 4]


def _checksum(head: str) -> str:
    return _base62(zlib.crc32(head.encode()), _CHECKSUM_LENGTH)


def _base62(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, 62)
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))


RESOURCES = (
    *("monitors", "heartbeats", "incidents", "maintenance"),
    *("channels", "routes", "silences", "deliveries", "regions", "keys", "tenant"),
    *("members", "domains", "jobs", "config", "status-pages"),
    "push-subscriptions",
    "feeds",
)
SCOPES = (
    *(f"{resource}:{right}" for resource in RESOURCES for right in ("read", "write")),
    *("audit:read", "events:read", "metrics:read"),
)
"""What a caller may be allowed. Writing does not imply reading."""


class Role(StrEnum):
    """What a person is in a tenant; each is a set of scopes."""

    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"
    VIEWER = "viewer"


_GOVERNED = ("keys", "members", "tenant", "audit")
"""What only owners and admins look into or change."""

_READ = frozenset(scope for scope in SCOPES if scope.endswith(":read") and not scope.startswith(_GOVERNED))

ROLES: Mapping[Role, frozenset[str]] = {
    Role.OWNER: frozenset(SCOPES),
    Role.ADMIN: frozenset(SCOPES),
    Role.MEMBER: frozenset(scope for scope in SCOPES if not scope.startswith(_GOVERNED)),
    Role.VIEWER: _READ | {"push-subscriptions:write"},
}
"""An admin may do all that an owner may, but for making, changing or removing owners (services ask the role itself).
Whoever looks may have their own browser told.
"""


def beyond(wanted: Iterable[str], own: Collection[str]) -> list[str]:
    """Scopes that a key may not hand on because it lacks them itself, sorted."""
    return sorted(set(wanted) - set(own))
