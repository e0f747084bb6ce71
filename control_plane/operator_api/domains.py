"""/operator/domains: which tenant has proven what."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from msgspec import Meta

from control_plane.domain.safety.safety_domains import State
from control_plane.store import domains
from control_plane.store.domains import DomainRow
from control_plane.web.call import Call, Reply
from control_plane.web.paging import Page, PageQuery, capped, page_reply
from control_plane.web.routes import Door, Route


class DomainsQuery(PageQuery, frozen=True):
    """`q` is looked for in the domain."""

    q: Annotated[str, Meta(min_length=1, max_length=200)] | None = None
    state: State | None = None


async def list_domains(call: Call) -> Reply:
    query: DomainsQuery = call.query
    async with call.deps.database.app() as conn:
        items, total = await domains.list_all(
            conn, q=query.q, state=query.state, limit=capped(query.limit), offset=query.offset
        )
    return page_reply(call, items, total=total)


_route = partial(Route, door=Door.OPERATOR, tag="Safety")

ROUTES: tuple[Route, ...] = (
    _route(
        method="GET",
        path="/operator/domains",
        handler=list_domains,
        operation="list_all_domains",
        summary="List every tenant's domains",
        query=DomainsQuery,
        reply=Page[DomainRow],
    ),
)
