"""/metrics: the tenant's monitors as Prometheus reads them, streamed."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Iterable, Iterator
from typing import Annotated

from aiohttp import web
from msgspec import Meta, Struct

from control_plane.domain.fleet.exposition import OPENMETRICS, TEXT, expose
from control_plane.store import exposition
from control_plane.store.exposition import Which
from control_plane.web.call import Call
from control_plane.web.dispatch import READ
from control_plane.web.routes import Door, Route

Word = Annotated[str, Meta(min_length=1, max_length=200)]

_GZIP = 31
"""zlib's window bits of 32 kB and a gzip header (zlib.h, deflateInit2)."""


class ExpositionQuery(Struct, frozen=True):
    """Which monitors; absent: all."""

    tag: Word | None = None
    group: Word | None = None
    kind: Word | None = None

    @property
    def which(self) -> Which:
        return Which(self.tag, self.group, self.kind)


async def metrics(call: Call) -> web.StreamResponse:
    tenant_id, query = call.tenant().tenant_id, call.query
    async with call.deps.database.tenant_transaction(tenant_id) as conn:
        monitors = await exposition.monitors(conn, tenant_id=tenant_id, which=query.which)
        probes = await exposition.probes(conn, tenant_id=tenant_id, which=query.which, of=monitors)
    openmetrics = _accepts(call.request.headers.get("Accept", ""), "application/openmetrics-text")
    parts: Iterable[bytes] = expose(monitors.watched, probes, openmetrics=openmetrics)
    kind = OPENMETRICS if openmetrics else TEXT
    headers = {"Content-Type": kind, "Cache-Control": READ, "Vary": "Accept, Accept-Encoding"}
    if _accepts(call.request.headers.get("Accept-Encoding", ""), "gzip"):
        headers["Content-Encoding"] = "gzip"
        parts = _gzipped(parts)
    response = web.StreamResponse(headers=headers)
    await response.prepare(call.request)
    for part in parts:
        await response.write(part)
        await asyncio.sleep(0)  # writing waits only for a slow reader: let others have their turn
    await response.write_eof()
    return response


def _gzipped(parts: Iterable[bytes]) -> Iterator[bytes]:
    """At the least effort: label by label the text repeats itself, and a tenth of it is left already."""
    packer = zlib.compressobj(level=1, wbits=_GZIP)
    for part in parts:
        if packed := packer.compress(part):
            yield packed
    yield packer.flush()


def _accepts(header: str, wanted: str) -> bool:
    """Whether the header names it without refusing it (RFC 9110 section 12.4.2: q=0). Patterns do not count."""
    for each in header.lower().split(","):
        name, *parameters = (part.strip() for part in each.split(";"))
        if name == wanted:
            return not any(part.startswith("q=") and not part[2:].strip("0.") for part in parameters)
    return False


ROUTES = (
    Route(
        method="GET",
        path="/api/v1/metrics",
        handler=metrics,
        operation="get_metrics",
        summary="Monitors for Prometheus, in the names of blackbox_exporter",
        description=(
            "The newest result of each region as `probe_…`, for as long as it counts, and `farwatch_monitor_…`. Text"
            " format 0.0.4, or OpenMetrics 1.0.0 where `Accept` names it; gzip where it is accepted."
        ),
        tag="prometheus",
        door=Door.TENANT,
        scope="metrics:read",
        query=ExpositionQuery,
        also=("text/plain", "application/openmetrics-text"),
        errors=("INVALID_TAG", "INVALID_GROUP", "INVALID_KIND"),
        head=False,
    ),
)
