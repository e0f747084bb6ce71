"""From a credential to a caller, remembered for a few seconds so that a read costs no look-up.

Every process is told at once of a key that was deleted or replaced, of a tenant that was changed or suspended, and of
sessions that were ended. That is a hint: where it is lost, a credential works for up to REMEMBERED_S longer in a
process that has just seen it. An expiry is kept to the second. Only digests are remembered.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from uuid import UUID

from aiohttp import web

from control_plane import metrics
from control_plane.domain.tenants.credentials import ROLES, KeyKind, Role, key_digest, looks_like_key
from control_plane.domain.tenants.plan import terms_of
from control_plane.errors import Forbidden, NotFound, TooMany, Unauthenticated
from control_plane.settings import Settings
from control_plane.store import agents, api_keys, sessions
from control_plane.store.pool import Database
from control_plane.store.sessions import SessionOwner
from control_plane.web.attempts import FailureLimit, caller_address, caller_hop, parse_networks
from control_plane.web.browser import BrowserSession, is_foreign, read_session
from control_plane.web.caller import AgentCaller, TenantCaller
from control_plane.web.managed import manager_of
from control_plane.web.operator_session import read_operator_session
from control_plane.web.rate_limits import tell_failures
from control_plane.web.remembered import Remembered

REMEMBERED_S = 3.0
"""How long a look-up is believed. Revocation takes effect within this time even where its hint is lost."""

ENDED = "farwatch_sessions"
"""The NOTIFY channel that tells of sessions which were ended."""

CALLERS = "farwatch_callers"
"""The NOTIFY channel that tells of keys which were ended and of tenants which were changed (store/hints.py)."""

CSRF_HEADER = "X-CSRF-Token"

_SAFE = ("GET", "HEAD")


class Authenticator:
    """Knows the installation's pepper and operator secret, and counts failures per address."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._settings = settings
        self._idle = timedelta(days=settings.auth.session_idle_days)
        self._pepper = settings.security.pepper.encode()
        self._operator = (
            hashlib.sha256(settings.operator.secret.encode()).digest() if settings.operator.secret else None
        )
        self._trusted = parse_networks(settings.server.trusted_proxies)
        self._failures = FailureLimit(settings.security.failed_auth_per_minute)
        self._tenants: Remembered[TenantCaller] = Remembered()
        self._agents: Remembered[AgentCaller] = Remembered()
        self._sessions: Remembered[TenantCaller] = Remembered()
        self._sign_ins = FailureLimit(settings.security.failed_auth_per_minute)

    async def listen(self) -> None:
        """Hear from all processes what was ended. What is missed counts for REMEMBERED_S at most."""
        await self._database.listen(ENDED, lambda _payload: self.forget_sessions())
        await self._database.listen(CALLERS, self.forget)

    def forget(self, hint: str) -> None:
        """Look anew whom a hint of the channel CALLERS is about; everybody, where it is one of a later version."""
        match hint.split():
            case ["key", head]:
                key = bytes.fromhex(head)
                self._tenants.forget_where(lambda digest, _: digest.startswith(key))
            case ["tenant", told]:
                tenant_id = UUID(told)
                self._tenants.forget_where(lambda _, caller: caller.tenant_id == tenant_id)
                self._sessions.forget_where(lambda _, caller: caller.tenant_id == tenant_id)
            case _:
                self._tenants.forget_all()
                self._sessions.forget_all()

    def forget_sessions(self) -> None:
        """Look every session up anew."""
        self._sessions.forget_all()

    async def tenant_of(self, request: web.Request) -> TenantCaller:
        """The tenant's caller of a request: by its key, or without one by the browser's session.

        Raises Unauthenticated, TooMany after many failures of one address, and Forbidden for what another site made the
        browser send (FOREIGN_REQUEST) or what changes something without the session's token (CSRF_TOKEN_INVALID).
        """
        session = self._session_of(request)
        if session is None:
            return await self._proven(request, self._presented(request, KeyKind.TENANT, KeyKind.MANAGE))
        self._require_own_page(request, session)
        caller = await self.tenant_by_session(request, session)
        if caller is None:
            raise Unauthenticated("Your session has ended: sign in again, or send an API key")
        return caller

    async def tenant_by_session(self, request: web.Request, session: BrowserSession) -> TenantCaller | None:
        """Who opened this session, while it lives. Believed for REMEMBERED_S; counts no failure."""
        now = time.monotonic()
        caller = self._sessions.get(session.digest, now)
        return caller if caller is not None else await self._look_up_session(request, session.digest)

    async def sign_in(self, request: web.Request, key: str) -> TenantCaller:
        """Whose API key was typed into a form. Raises as `tenant_of` does."""
        if not looks_like_key(key, KeyKind.TENANT):
            self._refuse_if_limited(request, known_good=False)
            raise self._failed(request, KeyKind.TENANT, "malformed")
        return await self._proven(request, key)

    def count_sign_in(self, request: web.Request) -> None:
        """Note that somebody sets out for a provider. Raises TooMany after as many as failures are allowed."""
        address, now = caller_address(request, self._trusted), time.monotonic()
        if wait_s := self._sign_ins.wait_s(address, now):
            raise TooMany("Too many sign-ins were begun from this address", retry_after_s=wait_s)
        self._sign_ins.failed(address, now)

    async def still_admits(self, request: web.Request, *, scope: str) -> bool:
        """Whether what a request was let in by still opens what needs `scope`. Counts no failure."""
        session = self._session_of(request)
        if session is not None:
            caller = await self.tenant_by_session(request, session)
        else:
            digest = key_digest(self._presented(request, KeyKind.TENANT, KeyKind.MANAGE), self._pepper)
            caller = self._tenants.get(digest, time.monotonic()) or await self._look_up(digest)
        return caller is not None and not caller.suspended and scope in caller.scopes

    def _session_of(self, request: web.Request) -> BrowserSession | None:
        """The browser's session, where no key was sent, which would count more."""
        if "Authorization" in request.headers or "X-API-Key" in request.headers:
            return None
        return read_session(request, self._settings)

    def _require_own_page(self, request: web.Request, session: BrowserSession) -> None:
        if is_foreign(request, self._settings):
            raise Forbidden("Another site made your browser send this. Nothing was done", code="FOREIGN_REQUEST")
        if request.method not in _SAFE and not session.issued(request.headers.get(CSRF_HEADER, "")):
            message = f"A request under a session needs its token in {CSRF_HEADER}; GET /api/v1/me tells it"
            raise Forbidden(message, code="CSRF_TOKEN_INVALID")

    async def _proven(self, request: web.Request, key: str) -> TenantCaller:
        digest = key_digest(key, self._pepper)
        now = time.monotonic()
        caller = self._tenants.get(digest, now)
        if caller is None:
            self._refuse_if_limited(request, known_good=self._tenants.was_good(digest, now))
            caller = await self._look_up(digest)
        if caller is None:
            raise self._failed(request, KeyKind.TENANT, "unknown")
        return caller

    async def _look_up(self, digest: bytes) -> TenantCaller | None:
        asked = self._tenants.hints
        async with self._database.app() as conn:
            owner = await api_keys.find_owner(conn, digest=digest)
            if owner is not None:
                await api_keys.touch(conn, tenant_id=owner.tenant_id, key_id=owner.id)
        if owner is None:
            return await self._look_up_manage_key(digest, asked)
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
        self._tenants.put(digest, caller, now=now, until=_believed_until(now, owner.expires_at), asked=asked)
        return caller

    async def _look_up_manage_key(self, digest: bytes, asked: int) -> TenantCaller | None:
        caller = await manager_of(self._database, digest)
        if caller is None:
            self._tenants.forget(digest)
            return None
        now = time.monotonic()
        self._tenants.put(digest, caller, now=now, until=now + REMEMBERED_S, asked=asked)
        return caller

    async def _look_up_session(self, request: web.Request, digest: bytes) -> TenantCaller | None:
        asked = self._sessions.hints
        async with self._database.app() as conn:
            owner = await sessions.find_owner(conn, digest=digest, idle=self._idle)
            if owner is not None:
                address = self.address_of(request)
                await sessions.touch(conn, tenant_id=owner.tenant_id, session_id=owner.id, address=address)
        if owner is None:
            self._sessions.forget(digest)
            return None
        caller = _caller_of(owner)
        now = time.monotonic()
        until = min(_believed_until(now, at) for at in (owner.expires_at, owner.key_expires_at))
        self._sessions.put(digest, caller, now=now, until=until, asked=asked)
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
        asked = self._agents.hints
        async with self._database.app() as conn:
            owner = await agents.find_owner(conn, digest=digest)
        if owner is None:
            self._agents.forget(digest)
            raise self._failed(request, KeyKind.AGENT, "unknown")
        if not owner.enabled:
            who = "the operator" if owner.region_tenant_id is None else "the tenant whose region it is in"
            raise Forbidden(f"This agent was disabled by {who}; enable it, or stop it", code="AGENT_DISABLED")
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
        self._agents.put(digest, caller, now=now, until=now + REMEMBERED_S, asked=asked)
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
        return self._is_operators(_bearer(request) or "")

    def operator_opens(self, request: web.Request, *, now: datetime) -> bool:
        """Whether the operator's pages are open to the request: by the secret, or by the session of a browser."""
        if self.is_operator(request):
            return True
        return read_operator_session(request, self._settings, now=now) is not None

    def sign_in_operator(self, request: web.Request, secret: str) -> bool:
        """Whether that is the operator's secret. Raises NotFound while none is set, TooMany after many wrong ones."""
        if self._operator is None:
            raise NotFound("There is nothing at this path; GET /openapi.json lists what there is")
        self._refuse_if_limited(request, known_good=False)
        if self._is_operators(secret):
            return True
        metrics.AUTHENTICATION_FAILURES.labels("operator", "unknown").inc()
        self._failures.failed(caller_address(request, self._trusted), time.monotonic())
        return False

    def _is_operators(self, presented: str) -> bool:
        digest = hashlib.sha256(presented.encode("utf-8", "surrogateescape")).digest()
        return self._operator is not None and hmac.compare_digest(digest, self._operator)

    def counted_address(self, request: web.Request) -> str:
        """Whom a request is counted against: the caller's address, of IPv6 its /64."""
        return caller_address(request, self._trusted)

    def refuse_limited(self, request: web.Request) -> None:
        """Raise TooMany for an address that has failed too often lately, before anything is looked up for it."""
        self._refuse_if_limited(request, known_good=False)

    def count_unknown_link(self, request: web.Request) -> None:
        """Count a capability in a URL that leads nowhere as a failed authentication of its address."""
        metrics.AUTHENTICATION_FAILURES.labels("link", "unknown").inc()
        self._failures.failed(caller_address(request, self._trusted), time.monotonic())

    def _presented(self, request: web.Request, kind: KeyKind, *others: KeyKind) -> str:
        key = _bearer(request)
        if key is None and kind is KeyKind.TENANT:
            key = request.headers.get("X-API-Key")
        if key is None:
            raise Unauthenticated("Send your key as Authorization: Bearer " + kind + "…")
        if not any(looks_like_key(key, each) for each in (kind, *others)):
            self._refuse_if_limited(request, known_good=False)
            raise self._failed(request, kind, "malformed")
        return key

    def _refuse_if_limited(self, request: web.Request, *, known_good: bool) -> None:
        if known_good:  # a neighbour's failures behind the same address must not shut out a working key
            return
        wait_s = self._failures.wait_s(caller_address(request, self._trusted), time.monotonic())
        if wait_s:
            limit = self._failures.per_minute
            tell_failures(request, limit=limit, wait_s=wait_s)
            raise TooMany(
                f"Failed authentications of this address are limited to {limit} a minute: go on in {wait_s} s, with a "
                "key that is valid here",
                retry_after_s=wait_s,
                details={"scope": "address", "category": "failed_authentications", "limit": limit, "window_s": 60},
            )

    def _failed(self, request: web.Request, kind: KeyKind, reason: str) -> Unauthenticated:
        door = "tenant" if kind is KeyKind.TENANT else "agent"
        metrics.AUTHENTICATION_FAILURES.labels(door, reason).inc()
        self._failures.failed(caller_address(request, self._trusted), time.monotonic())
        return Unauthenticated("This key is not valid here: it was mistyped, revoked, or belongs to another door")


def _caller_of(owner: SessionOwner) -> TenantCaller:
    role = None if owner.role is None else Role(owner.role)
    return TenantCaller(
        tenant_id=owner.tenant_id,
        key_id=owner.key_id,
        label=owner.name or owner.label or "",
        scopes=frozenset(owner.scopes or ()) if role is None else ROLES[role],
        terms=terms_of(owner.terms),
        plan=owner.plan,
        suspended=owner.suspended,
        write_source="ui",
        user_id=owner.user_id,
        role=role,
        email=owner.email,
        session_id=owner.id,
    )


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
