"""People in a tenant: how addresses are written, who may give or take which role, how long links last."""

from __future__ import annotations

import hmac
import re
from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

import idna
from msgspec import Struct

from control_plane.domain.tenants.credentials import ROLES, Role, beyond
from control_plane.errors import BadRequest, Conflict, Forbidden

INVITED_FOR = timedelta(days=7)
SETUP_FOR = timedelta(hours=24)
SIGNING_IN_FOR = timedelta(minutes=10)
"""How long a sign-in may take that is under way at a provider."""

EMAIL_LIMIT = 254
"""Characters of an address (RFC 5321 section 4.5.3.1.3, less the angle brackets)."""

NAME_LIMIT = 100

_LOCAL_LIMIT = 64
# A dot-atom (RFC 5322 section 3.2.3), also of letters beyond ASCII (RFC 6531); quoted local parts are not taken.
_LOCAL = re.compile(r"[^\s\x00-\x1f\x7f\"(),.:;<>@\[\\\]]+(?:\.[^\s\x00-\x1f\x7f\"(),.:;<>@\[\\\]]+)*")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069\ud800-\udfff]+")


class Authority(Struct, frozen=True):
    """What somebody may do to members. `role` and `user_id` are None for an API key, which is nobody."""

    scopes: frozenset[str]
    role: Role | None = None
    user_id: UUID | None = None


def link_digest(token: str, pepper: bytes) -> bytes:
    """What is stored of a link's token: 32 bytes."""
    return hmac.digest(pepper, b"link\n" + token.encode("utf-8", "replace"), "sha256")


def read_email(text: str, *, field: str | None = "/email") -> str:
    """The address in its one normal form: lower case, the domain as A-labels. Raises BadRequest INVALID_EMAIL.

    Nothing else is folded: dots and what follows a plus are the mail server's to understand.
    """
    local, at, domain = text.strip().lower().rpartition("@")
    if not (at and len(local) <= _LOCAL_LIMIT and local.isprintable() and _LOCAL.fullmatch(local)):
        raise _bad_email(field)
    try:
        ascii_domain = idna.encode(domain, uts46=True).decode()
    except idna.IDNAError:
        raise _bad_email(field) from None
    email = f"{local}@{ascii_domain}"
    if "." not in ascii_domain or len(email) > EMAIL_LIMIT:
        raise _bad_email(field)
    return email


def email_domain(email: str) -> str:
    """What stands behind the @ of a normalised address."""
    return email.rpartition("@")[2]


def shown_name(given: str | None, email: str) -> str:
    """A person's name as it may be shown: what they or their provider say, or the head of their address."""
    plain = " ".join(_UNPRINTABLE.sub(" ", given or "").split())[:NAME_LIMIT].strip()
    return plain or email.partition("@")[0][:NAME_LIMIT]


def require_authority(by: Authority, role: Role, *, owners: int) -> None:
    """Raise Forbidden unless `by` may make somebody this, or change somebody who is it.

    OWNERS_ONLY: owners alone make, change and remove owners; while there is none, an API key may make the first.
    MISSING_SCOPE: nobody hands on, or takes away, more than they have.
    """
    first = owners == 0 and by.role is None
    if role is Role.OWNER and by.role is not Role.OWNER and not first:
        raise Forbidden("Only an owner makes, changes or removes owners; ask one", code="OWNERS_ONLY", field="/role")
    if missing := beyond(ROLES[role], by.scopes):
        message = f"A {role} may do more than you ({', '.join(missing)}); ask an owner or an admin"
        raise Forbidden(message, code="MISSING_SCOPE", details={"scopes": missing})


def require_an_owner_left(role: Role, *, becomes: Role | None, owners: int) -> None:
    """Raise Conflict LAST_OWNER when the one owner would be none any more. `becomes` None: is removed."""
    if role is Role.OWNER and becomes is not Role.OWNER and owners <= 1:
        raise Conflict("This is the last owner, and one has to stay: make another owner first", code="LAST_OWNER")


def is_of(email: str, domains: Collection[str]) -> bool:
    """Whether the address is of one of these domains itself; a subdomain is another one."""
    return email_domain(email) in {domain.lower() for domain in domains}


def _bad_email(field: str | None) -> BadRequest:
    message = f"An e-mail address such as ana@example.com is wanted, of at most {EMAIL_LIMIT} characters"
    return BadRequest(message, code="INVALID_EMAIL", field=field)
