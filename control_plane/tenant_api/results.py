"""/monitors/{id}/results: what the regions saw, newest first, by cursor."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

from msgspec import UNSET, Meta, UnsetType, field

from control_plane.errors import BadRequest, NotFound
from control_plane.store import assignments_write, monitor_reads, results_read
from control_plane.store.results_read import ResultFilter, ResultRow
from control_plane.tenant_api.one_monitor import PATH, READS
from control_plane.tenant_api.result_views import ResultJson, stored_result
from control_plane.web.call import Call, Reply
from control_plane.web.paging import CursorQuery, Limit, Page, capped, cursor_reply, decode_cursor, encode_cursor
from control_plane.web.query import Instant
from control_plane.web.routes import Door, Route
from control_plane.web.time_range import time_range
from shared.clock import to_unix_ms
from shared.results import OUTCOMES, Outcome

LIMIT_CAP = 10_000
DEFAULT_RANGE = timedelta(hours=24)
AHEAD = timedelta(minutes=5)
"""Results may be this far ahead of our clock; the default range has them, too."""


class ResultsQuery(CursorQuery, frozen=True):
    """Results of slots in [from, to); by default the last 24 hours. `cursor` continues a list of the same filters."""

    limit: Limit = 100
    from_: Instant | UnsetType = field(name="from", default=UNSET)
    to: Instant | UnsetType = UNSET
    region: Annotated[str, Meta(max_length=40)] | None = None
    outcome: Outcome | None = None


async def list_results(call: Call) -> Reply:
    query: ResultsQuery = call.query
    tenant_id, monitor_id = call.tenant().tenant_id, call.uuid("monitor_id")
    wanted = _wanted(call, query)
    limit = capped(query.limit, LIMIT_CAP)
    async with call.deps.database.tenant(tenant_id) as conn:
        if not await monitor_reads.monitor_exists(conn, tenant_id=tenant_id, monitor_id=monitor_id):
            raise NotFound("There is no such monitor", code="MONITOR_NOT_FOUND")
        rows = await results_read.list_results(
            conn, tenant_id=tenant_id, monitor_id=monitor_id, wanted=wanted, limit=limit + 1
        )
    page = rows[:limit]
    cursor = _cursor(call, wanted, page[-1]) if len(rows) > limit else None
    return cursor_reply(call, await results_json(call, page), next_cursor=cursor, cap=LIMIT_CAP)


async def results_json(call: Call, rows: list[ResultRow]) -> list[ResultJson]:
    """The rows as JSON, with the names of their agents."""
    numbers = sorted({row.agent_number for row in rows})
    agents: dict[int, str] = {}
    if numbers:
        async with call.deps.database.app() as conn:
            agents = await assignments_write.agent_names(conn, numbers=numbers)
    return [stored_result(row, agents) for row in rows]


def _wanted(call: Call, query: ResultsQuery) -> ResultFilter:
    outcome = None if query.outcome is None else OUTCOMES.index(query.outcome)
    if query.cursor is None:
        start, end = time_range(query.from_, query.to, now=call.deps.now() + AHEAD, default=DEFAULT_RANGE + AHEAD)
        return ResultFilter(start_ms=_ms(start), end_ms=_ms(end), region=query.region, outcome=outcome)
    match decode_cursor(call, query.cursor):
        case [int(start_ms), int(end_ms), int(slot), int(region_id)]:
            before = (slot, region_id)
        case _:
            raise BadRequest("cursor is not one that this list gave out", code="INVALID_CURSOR", field="/cursor")
    return ResultFilter(start_ms=start_ms, end_ms=end_ms, region=query.region, outcome=outcome, before=before)


def _cursor(call: Call, wanted: ResultFilter, last: ResultRow) -> str:
    """The range goes along, so that a default one does not move under whoever pages through it."""
    return encode_cursor(call, wanted.start_ms, wanted.end_ms, last.slot, last.region_id)


def _ms(at: datetime) -> int:
    return to_unix_ms(at)


ROUTES = (
    Route(
        method="GET",
        path=f"{PATH}/results",
        handler=list_results,
        operation="list_monitor_results",
        summary="What the regions saw, newest first",
        tag="results",
        door=Door.TENANT,
        scope="monitors:read",
        query=ResultsQuery,
        reply=Page[ResultJson],
        errors=(*READS, "BAD_TIME_RANGE", "INVALID_CURSOR", "INVALID_LIMIT"),
    ),
)
