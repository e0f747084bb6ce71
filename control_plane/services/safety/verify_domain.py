"""Look for the proof that a domain is its tenant's: a file over guarded HTTPS, or a TXT record. Then write it down."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from ipaddress import ip_address
from uuid import UUID

import dns.asyncresolver
import dns.exception
import dns.resolver
import structlog
from msgspec import Struct

from control_plane.domain.safety.safety_domains import Method, after_look, is_proof, path_of, record_of
from control_plane.domain.tenants.actor import Actor
from control_plane.errors import NotFound
from control_plane.notify.guarded_http import GuardedHttp, resolve_by_dns
from control_plane.notify.transport_error import TransportError
from control_plane.settings import Settings
from control_plane.store import domains
from control_plane.store.acting import acting
from control_plane.store.domains import DomainRow
from control_plane.store.pool import Database
from shared.ids import TenantId
from shared.netpolicy import Policy, parse_http_url

FILE_LIMIT = 4096
"""Bytes of the file; it holds one line."""

PATIENCE = timedelta(seconds=10)
AT_ONCE = 8

_FARWATCH = Actor(kind="system", id=None, label="Farwatch", source="job", operation="recheck_domains")

_log = structlog.get_logger(__name__)


class Look(Struct, frozen=True):
    """By which method the proof was found; else why not, by both."""

    method: Method | None = None
    error: str | None = None


class DomainVerifier:
    """Looks at what a domain publishes. `origin` makes the URL that the file's path is appended to."""

    def __init__(
        self,
        http: GuardedHttp,
        resolver: dns.asyncresolver.Resolver,
        *,
        origin: Callable[[str], str] = "https://{}".format,
    ) -> None:
        self._http = http
        self._resolver = resolver
        self._origin = origin

    @classmethod
    def of(cls, settings: Settings) -> DomainVerifier:
        """Over the address guard, as webhooks go, and the name server of security.resolver or the system's."""
        resolver = resolver_of(settings.security.resolver)
        resolve = partial(resolve_by_dns, resolver=resolver) if settings.security.resolver else None
        policy = Policy.of(settings.delivery.allow_cidrs)
        return cls(GuardedHttp(policy, timeout=PATIENCE, resolve=resolve), resolver)

    async def look(self, domain: str, *, path_token: str, txt_token: str) -> Look:
        """Both places at once; the file counts first."""
        (by_file, no_file), (by_txt, no_txt) = await asyncio.gather(
            self._file(domain, path_token, txt_token), self._txt(domain, txt_token)
        )
        if by_file or by_txt:
            return Look("file" if by_file else "txt")
        return Look(error=f"{no_file}; {no_txt}")

    async def _file(self, domain: str, path_token: str, token: str) -> tuple[bool, str]:
        url = f"{self._origin(domain)}{path_of(path_token)}"
        headers = {"User-Agent": "Farwatch-Verifier/1", "Accept-Encoding": "identity"}
        try:
            answer = await self._http.fetch("GET", parse_http_url(url), headers=headers, limit=FILE_LIMIT)
        except TransportError as error:
            return False, f"file: {error.message}"
        if answer.status != 200:
            return False, f"file: {url} answers {answer.status}"
        found = is_proof([answer.body.decode("utf-8", "replace")], token)
        return found, f"file: {url} has another content"

    async def _txt(self, domain: str, token: str) -> tuple[bool, str]:
        name = record_of(domain)
        try:
            answer = await self._resolver.resolve(name, "TXT", search=False, lifetime=PATIENCE.total_seconds())
        except (dns.exception.DNSException, OSError) as fault:
            return False, f"TXT: {name}: {type(fault).__name__}"
        texts = [b"".join(record.strings).decode("utf-8", "replace") for record in answer]
        return is_proof(texts, token), f"TXT: {name} says something else"


def resolver_of(address: str) -> dns.asyncresolver.Resolver:
    """A resolver that asks `address` (IP or IP:port, [v6]:port) alone; the system's where it is empty."""
    if not address:
        return dns.asyncresolver.Resolver()
    host, port = address, "53"
    if address.startswith("["):
        host, _, port = address[1:].partition("]:")
    elif address.count(":") == 1:
        host, _, port = address.partition(":")
    resolver = dns.asyncresolver.Resolver(configure=False)
    resolver.nameservers = [str(ip_address(host.strip("[]")))]
    resolver.port = int(port or 53)
    return resolver


async def verify_domain(
    database: Database, verifier: DomainVerifier, *, tenant_id: TenantId, domain_id: UUID, now: datetime
) -> DomainRow:
    """Look now, and write down what was found. Raises NotFound DOMAIN_NOT_FOUND."""
    async with database.tenant(tenant_id) as conn:
        row = await domains.get_domain(conn, tenant_id=tenant_id, domain_id=domain_id)
    if row is None:
        raise unknown_domain()
    look = await verifier.look(row.domain, path_token=row.path_token, txt_token=row.txt_token)
    async with database.tenant_transaction(tenant_id) as conn:
        noted = await domains.note_look(conn, row, after_look(row.standing, look.method, now=now), error=look.error)
        await domains.tell_pages(conn)
    if noted is None:
        raise unknown_domain()
    return noted


async def recheck_domains(database: Database, verifier: DomainVerifier, *, now: datetime) -> int:
    """Look at every domain that it is time for; how many were. A proof that is gone has its grace, then lapses."""
    done = 0
    while True:
        async with database.app_transaction() as conn:
            due = await domains.take_due(conn, limit=AT_ONCE)
        if not due:
            return done
        done += len(due)
        await asyncio.gather(*(_recheck(database, verifier, row, now=now) for row in due))


async def _recheck(database: Database, verifier: DomainVerifier, row: DomainRow, *, now: datetime) -> None:
    look = await verifier.look(row.domain, path_token=row.path_token, txt_token=row.txt_token)
    standing = after_look(row.standing, look.method, now=now)
    changed = standing.state != row.state
    with acting(_FARWATCH if changed else None):  # the owner finds in the audit log when it changed
        async with database.app_transaction() as conn:
            await domains.note_look(conn, row, standing, error=look.error)
            if changed:
                await domains.tell_pages(conn)
    if changed:
        _log.info("domain_standing", domain=row.domain, tenant_id=str(row.tenant_id), state=standing.state)


def unknown_domain() -> NotFound:
    return NotFound("There is no such domain", code="DOMAIN_NOT_FOUND")
