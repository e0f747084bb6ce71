"""/operator/fleet: how every agent and every region is."""

from __future__ import annotations

from functools import partial

from control_plane.store import fleet_reads, fleet_regions
from control_plane.store.fleet_reads import FleetAgent
from control_plane.store.fleet_regions import RegionOfFleet
from control_plane.web.call import Call, Reply
from control_plane.web.paging import Page, PageQuery, capped, page_reply
from control_plane.web.routes import Door, Route
from shared.clock import to_unix_ms


class FleetQuery(PageQuery, frozen=True):
    """`troubled`: only agents with an open incident."""

    region: str | None = None
    troubled: bool = False


async def fleet(call: Call) -> Reply:
    query: FleetQuery = call.query
    async with call.deps.database.app() as conn:
        items, total = await fleet_reads.fleet(
            conn,
            region=query.region,
            troubled=query.troubled,
            limit=capped(query.limit),
            offset=query.offset,
        )
    return page_reply(call, items, total=total)


async def regions(call: Call) -> Reply:
    query: PageQuery = call.query
    async with call.deps.database.app() as conn:
        now_ms = to_unix_ms(await fleet_reads.database_clock(conn))
        items, total = await fleet_regions.health(conn, now_ms=now_ms, limit=capped(query.limit), offset=query.offset)
    return page_reply(call, items, total=total)


_route = partial(Route, door=Door.OPERATOR, tag="Agents")

ROUTES: tuple[Route, ...] = (
    _route(
        method="GET",
        path="/operator/fleet",
        handler=fleet,
        operation="get_fleet",
        summary="Every agent with its health, lag, saturation, skew and version, and the incidents open about it",
        query=FleetQuery,
        reply=Page[FleetAgent],
    ),
    _route(
        method="GET",
        path="/operator/fleet/regions",
        handler=regions,
        operation="get_fleet_regions",
        summary="Every region with its live agents, since when it is silent, its assignments and those without a vote",
        query=PageQuery,
        reply=Page[RegionOfFleet],
    ),
)
