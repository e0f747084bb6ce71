"""From a credential to a caller, remembered for a few seconds so that a read costs no look-up.

A revoked, rotated-away or suspended credential therefore works for up to REMEMBERED_S longer in a process that has just
seen it; an expiry is kept to the second. Only digests are remembered.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections import OrderedDict
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Generic, TypeVar

from aiohttp import web

from control_plane import metrics
from control_plane.domain.credentials import KeyKind, key_digest, looks_like_key
from control_plane.domain.plan import terms_of
from control_plane.errors import Forbidden, TooMany, Unauthenticated
from control_plane.settings import Settings
from control_plane.store import agents, api_keys
from control_plane.store.pool import Database
from control_plane.web.attempts import FailureLimit, caller_address, caller_hop, parse_networks
from control_plane.web.caller import AgentCaller, TenantCaller

REMEMBERED_S = 3.0
"""How long a look-up is believed. Revocation takes effect within this time."""

_MAX_REMEMBERED = 20_000
_GOOD_FOR_S = 3600.0

C = TypeVar("C")


class Remembered(Generic[C]):
    """Digest → caller, bounded, each for a few seconds; that a digest was good is known for an hour."""

    def __init__(self) -> None:
        self._callers: OrderedDict[bytes, tuple[C, float]] = OrderedDict()
        self._good: OrderedDict[bytes, float] = OrderedDict()

    def get(self, digest: bytes, now: float) -> C | None:
        known = self._callers.get(digest)
        return known[0] if known is not None and now < known[1] else None

    def put(self, digest: bytes, caller: C, *, now: float, until: float) -> None:
        self._callers[digest] = (caller, until)
        self._good[digest] = now + _GOOD_FOR_S
        for kept in (self._callers, self._good):
            kept.move_to_end(digest)
            if len(kept) > _MAX_REMEMBERED:
                kept.popitem(last=False)

    def was_good(self, digest: bytes, now: float) -> bool:
        return self._good.get(digest, 0) > now

    def forget(self, digest: bytes) -> None:
        self._callers.pop(digest, None)
        self._good.pop(digest, None)


class Authenticator:
    """Knows the installation's pepper and operator secret, and counts failures per address."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._pepper = settings.security.pepper.encode()
        self._operator = (
            hashlib.sha256(settings.operator.secret.encode()).digest() if settings.operator.secret else None
        )
        self._trusted = parse_networks(settings.server.trusted_proxies)
        self._failures = FailureLimit(settings.security.failed_auth_per_minute)
        self._tenants: Remembered[TenantCaller] = Remembered()
        self._agents: Remembered[AgentCaller] = Remembered()

    async def tenant_of(self, request: web.Request) -> TenantCaller:
        """The tenant's caller of a request. Raises Unauthenticated, or TooMany after many failures of one address."""
        caller, _ = await self._proven(request, self._presented(request, KeyKind.TENANT))
        return caller

    async def sign_in(self, request: web.Request, key: str) -> tuple[TenantCaller, bytes]:
        """Whose API key was typed into a form, and its digest, which a session may keep. Raises as `tenant_of` does."""
        if not looks_like_key(key, KeyKind.TENANT):
            self._refuse_if_limited(request, known_good=False)
            raise self._failed(request, KeyKind.TENANT, "malformed")
        return await self._proven(request, key)

    async def tenant_by_digest(self, digest: bytes) -> TenantCaller | None:
        """Whose live API key has this digest, or None. Believed for REMEMBERED_S like any other."""
        return self._tenants.get(digest, time.monotonic()) or await self._look_up(digest)

    async def still_admits(self, request: web.Request, *, scope: str) -> bool:
        """Whether the API key of a request that was let in still opens what needs `scope`. Counts no failure."""
        key = self._presented(request, KeyKind.TENANT)
        caller = await self.tenant_by_digest(key_digest(key, self._pepper))
        return caller is not None and not caller.suspended and scope in caller.scopes

    async def _proven(self, request: web.Request, key: str) -> tuple[TenantCaller, bytes]:
        digest = key_digest(key, self._pepper)
        now = time.monotonic()
        caller = self._tenants.get(digest, now)
        if caller is None:
            self._refuse_if_limited(request, known_good=self._tenants.was_good(digest, now))
            caller = await self._look_up(digest)
        if caller is None:
            raise self._failed(request, KeyKind.TENANT, "unknown")
        return caller, digest

    async def _look_up(self, digest: bytes) -> TenantCaller | None:
        async with self._database.app() as conn:
            owner = await api_keys.find_owner(conn, digest=digest)
            if owner is not None:
                await api_keys.touch(conn, tenant_id=owner.tenant_id, key_id=owner.id)
        if owner is None:
            self._tenants.forget(digest)
            return None
        caller = TenantCaller(
            tenant_id=owner.tenant_id,
            key_id=owner.id,
            label=owner.label,
            scopes=frozenset(owner.scopes),
            terms=terms_of(owner.terms),
            plan=owner.plan,
            suspended=owner.suspended,
        )
        now = time.monotonic()
        self._tenants.put(digest, caller, now=now, until=_believed_until(now, owner.expires_at))
        return caller

    async def agent_of(self, request: web.Request) -> AgentCaller:
        """The agent of a request. Raises Unauthenticated, Forbidden AGENT_DISABLED, or TooMany."""
        key = self._presented(request, KeyKind.AGENT)
        digest = key_digest(key, self._pepper)
        now = time.monotonic()
        caller = self._agents.get(digest, now)
        if caller is not None:
            return caller
        self._refuse_if_limited(request, known_good=self._agents.was_good(digest, now))
        async with self._database.app() as conn:
            owner = await agents.find_owner(conn, digest=digest)
        if owner is None:
            self._agents.forget(digest)
            raise self._failed(request, KeyKind.AGENT, "unknown")
        if not owner.enabled:
            raise Forbidden("This agent was disabled by the operator; enable it, or stop it", code="AGENT_DISABLED")
        caller = AgentCaller(
            agent_id=owner.agent_id,
            agent_number=owner.agent_number,
            agent_name=owner.agent_name,
            region_id=owner.region_id,
            region_slug=owner.region_slug,
            region_name=owner.region_name,
            region_tenant_id=owner.region_tenant_id,
            allow_cidrs=owner.allow_cidrs,
        )
        self._agents.put(digest, caller, now=now, until=now + REMEMBERED_S)
        return caller

    def address_of(self, request: web.Request) -> str:
        """The caller's address, through trusted proxies; "unknown" where it is none."""
        try:
            return str(ip_address(caller_hop(request, self._trusted)))
        except ValueError:
            return "unknown"

    def is_operator(self, request: web.Request) -> bool:
        """Whether the request carries the operator's secret; never while none is set. Takes constant time."""
        if self._operator is None:
            return False
        presented = _bearer(request) or ""
        digest = hashlib.sha256(presented.encode("utf-8", "surrogateescape")).digest()
        return hmac.compare_digest(digest, self._operator)

    def _presented(self, request: web.Request, kind: KeyKind) -> str:
        key = _bearer(request)
        if key is None and kind is KeyKind.TENANT:
            key = request.headers.get("X-API-Key")
        if key is None:
            raise Unauthenticated("Send your key as Authorization: Bearer " + kind + "…")
        if not looks_like_key(key, kind):
            self._refuse_if_limited(request, known_good=False)
            raise self._failed(request, kind, "malformed")
        return key

    def _refuse_if_limited(self, request: web.Request, *, known_good: bool) -> None:
        if known_good:  # a neighbour's failures behind the same address must not shut out a working key
            return
        wait_s = self._failures.wait_s(caller_address(request, self._trusted), time.monotonic())
        if wait_s:
            raise TooMany("Too many failed authentications from this address", retry_after_s=wait_s)

    def _failed(self, request: web.Request, kind: KeyKind, reason: str) -> Unauthenticated:
        door = "tenant" if kind is KeyKind.TENANT else "agent"
        metrics.AUTHENTICATION_FAILURES.labels(door, reason).inc()
        self._failures.failed(caller_address(request, self._trusted), time.monotonic())
        return Unauthenticated("This key is not valid here: it was mistyped, revoked, or belongs to another door")


def _bearer(request: web.Request) -> str | None:
    """The credential after "Bearer " and exactly one space. Two Authorization headers are none."""
    given = request.headers.getall("Authorization", ())
    if len(given) != 1:
        return None if not given else ""
    scheme, _, credential = given[0].partition(" ")
    return credential if scheme.lower() == "bearer" else ""


def _believed_until(now: float, expires_at: datetime | None) -> float:
    if expires_at is None:
        return now + REMEMBERED_S
    return now + min(REMEMBERED_S, (expires_at - datetime.now(UTC)).total_seconds())
