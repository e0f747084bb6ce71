"""`Idempotency-Key`: a POST repeated within 24 h under the same key has one effect and one answer.

The key is claimed before the work and the reply stored after it, each in its own transaction. A claim is kept while its
request runs; a process that dies leaves one that is taken over after two minutes. Failures of ours (5xx), and refusals
that say "again later" (408, 429), give the key back. Replies are sealed, because one may hold a secret that is shown
once.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from aiohttp import web
from msgspec import Struct

from control_plane import metrics
from control_plane.errors import BadRequest, Conflict, Refused, Unavailable
from control_plane.sealing import Sealer, UnsealError
from control_plane.store import idempotency
from control_plane.store.pool import Database
from control_plane.web.caller import TenantCaller
from shared.ids import TenantId

HEADER = "Idempotency-Key"
_FORM = re.compile(r"[\x21-\x7e]{1,255}")
_KEPT_HEADERS = ("Content-Type", "Location", "ETag", "Link")
_NOT_KEPT = (408, 409, 429)

KEEP_EVERY_S = 30.0
"""How often the claim of a request that still runs is begun anew."""


class Claim(Struct, frozen=True):
    """What a key stands for: this tenant, this path, this body."""

    tenant_id: TenantId
    route: str
    key: str
    body_digest: bytes

    @property
    def context(self) -> str:
        return f"idempotency:{self.tenant_id}:{self.route}:{self.key}"


def claim_of(request: web.Request, caller: TenantCaller, *, raw: bytes) -> Claim | None:
    """The claim that the request makes; None without the header. Raises BadRequest INVALID_IDEMPOTENCY_KEY.

    A manage key's claims are its own. Nobody makes none: whoever repeats the request is not known to be the same.
    """
    given = request.headers.getall(HEADER, ())
    if not given:
        return None
    if len(given) > 1 or not _FORM.fullmatch(given[0]):
        message = f"{HEADER} is 1 to 255 visible ASCII characters, given once; a UUID does well"
        raise BadRequest(message, code="INVALID_IDEMPOTENCY_KEY")
    if caller.anonymous:
        message = f"{HEADER} needs a credential: without one, the answer with its manage key is given once and not kept"
        raise BadRequest(message, code="INVALID_IDEMPOTENCY_KEY")
    digest = hashlib.sha256(request.query_string.encode() + b"\n" + raw).digest()
    owned = caller.monitor_id or caller.page_id
    route = request.path if owned is None else f"{owned} {request.path}"
    return Claim(caller.tenant_id, route, given[0], digest)


async def once(
    claim: Claim, *, database: Database, sealer: Sealer, run: Callable[[], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Run the request, or answer as it was answered before.

    Raises Refused IDEMPOTENCY_MISMATCH for another body under the key, Conflict IDEMPOTENCY_IN_PROGRESS while the
    first request is running.
    """
    first, stored = await _claimed(claim, database)
    if not first:
        return _replayed(stored, claim, sealer)
    response, over = None, True
    try:
        async with _kept(claim, database):
            response = await run()
    except asyncio.CancelledError:
        over = False  # it may have had its effect already: the claim stays, and is taken over in time
        raise
    finally:
        if over:
            with suppress(Unavailable):  # what was done is told all the same; the claim is taken over in time
                await _settle(claim, response, database=database, sealer=sealer)
    return response


@asynccontextmanager
async def _kept(claim: Claim, database: Database) -> AsyncIterator[None]:
    keeper = asyncio.create_task(_keep(claim, database), name=f"claim of {claim.route}")
    try:
        yield
    finally:
        keeper.cancel()
        await asyncio.gather(keeper, return_exceptions=True)


async def _keep(claim: Claim, database: Database) -> None:
    while True:
        await asyncio.sleep(KEEP_EVERY_S)
        with suppress(Unavailable):
            async with database.tenant(claim.tenant_id) as conn:
                await idempotency.keep(conn, tenant_id=claim.tenant_id, route=claim.route, key=claim.key)


async def _claimed(claim: Claim, database: Database) -> tuple[bool, idempotency.StoredReply | None]:
    async with database.tenant(claim.tenant_id) as conn:
        first = await idempotency.claim(
            conn, tenant_id=claim.tenant_id, route=claim.route, key=claim.key, body_digest=claim.body_digest
        )
        if first:
            return True, None
        return False, await idempotency.find(conn, tenant_id=claim.tenant_id, route=claim.route, key=claim.key)


async def _settle(claim: Claim, response: web.StreamResponse | None, *, database: Database, sealer: Sealer) -> None:
    async with database.tenant(claim.tenant_id) as conn:
        if isinstance(response, web.Response) and response.status < 500 and response.status not in _NOT_KEPT:
            await idempotency.finish(
                conn,
                tenant_id=claim.tenant_id,
                route=claim.route,
                key=claim.key,
                status=response.status,
                headers={name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers},
                body=sealer.seal(response.body if isinstance(response.body, bytes) else b"", context=claim.context),
            )
        else:
            await idempotency.release(conn, tenant_id=claim.tenant_id, route=claim.route, key=claim.key)


def _replayed(stored: idempotency.StoredReply | None, claim: Claim, sealer: Sealer) -> web.Response:
    if stored is not None and stored.body_digest != claim.body_digest:
        message = f"{HEADER} was used with another body within 24 h: use a new key for a new request"
        raise Refused(message, code="IDEMPOTENCY_MISMATCH")
    if stored is None or stored.status is None:
        message = "The first request under this key is still running: wait and repeat it"
        raise Conflict(message, code="IDEMPOTENCY_IN_PROGRESS")
    try:
        body = sealer.open(stored.body or b"", context=claim.context)
    except UnsealError:
        message = "The stored reply cannot be opened any more, because its sealing key was taken away"
        raise Conflict(message, code="IDEMPOTENCY_REPLY_LOST") from None
    metrics.REPLAYED_REQUESTS.inc()
    headers = (stored.headers or {}) | {"Idempotency-Replayed": "true"}
    return web.Response(status=stored.status, body=body, headers=headers)
