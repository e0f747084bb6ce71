"""/app/settings/domains: domains that the team says are its own, how to prove it, and whether it is proven."""

from __future__ import annotations

from functools import partial
from typing import Any

from aiohttp import web

from control_plane.dashboard.settings.frame import REFUSALS, again, settings_page
from control_plane.dashboard.visit import Visit, form, page, see_other
from control_plane.dashboard.words import maybe_moment, sentence
from control_plane.domain.safety.safety_domains import path_of, record_of
from control_plane.services.safety.add_domain import add_domain
from control_plane.services.safety.remove_domain import remove_domain
from control_plane.services.safety.verify_domain import DomainVerifier, verify_domain
from control_plane.store import domains
from control_plane.store.domains import DomainRow
from control_plane.web import rate_limits
from control_plane.web.routes import Route

_HERE = "/app/settings/domains"
_MOST = 200
_STATES = {
    "pending": ("unknown", "not proven yet"),
    "verified": ("up", "proven"),
    "grace": ("degraded", "the proof was not found lately"),
    "lapsed": ("down", "no longer proven"),
}


async def show_domains(visit: Visit) -> web.StreamResponse:
    return await _domains(visit)


async def _domains(visit: Visit, *, problem: str = "", status: int = 200) -> web.Response:
    async with visit.deps.database.tenant(visit.tenant_id) as conn:
        rows, _ = await domains.list_domains(conn, tenant_id=visit.tenant_id, limit=_MOST, offset=0)
    context = {
        "domains": [_view(visit, row) for row in rows],
        "may_change": visit.may("domains:write"),
        "domain": visit.text("domain") if problem else "",
        "problem": problem,
    }
    return settings_page(visit, "settings_domains.html", context, status=status)


async def add(visit: Visit) -> web.StreamResponse:
    try:
        row, _ = await add_domain(
            visit.deps.database,
            tenant_id=visit.tenant_id,
            domain_id=visit.deps.new_id(),
            domain=visit.text("domain")[:1024],
        )
    except REFUSALS as error:
        return await again(_domains, visit, error)
    return see_other(f"{_HERE}#d-{row.id}")


async def verify(visit: Visit) -> web.StreamResponse:
    """Asks the outside world, so it counts like a check that is asked for."""
    rate_limits.count(visit.call.request, visit.deps.limits, visit.caller, "check_now")
    row = await verify_domain(
        visit.deps.database,
        DomainVerifier.of(visit.deps.settings),
        tenant_id=visit.tenant_id,
        domain_id=visit.id("domain_id"),
        now=visit.deps.now(),
    )
    return see_other(f"{_HERE}#d-{row.id}")


async def remove(visit: Visit) -> web.StreamResponse:
    await remove_domain(
        visit.deps.database,
        tenant_id=visit.tenant_id,
        domain_id=visit.id("domain_id"),
        check_revision=lambda _revision: None,
    )
    return see_other(_HERE)


def _view(visit: Visit, row: DomainRow) -> dict[str, Any]:
    mark, words = _STATES[row.state]
    now = visit.deps.now()
    return {
        "id": row.id,
        "name": row.domain,
        "mark": mark,
        "words": words,
        "url": f"https://{row.domain}{path_of(row.path_token)}",
        "record": record_of(row.domain),
        "value": row.txt_token,
        "verified": maybe_moment(row.verified_at, now),
        "looked": maybe_moment(row.checked_at, now),
        "error": sentence(row.last_error or ""),
        "proven": row.state == "verified",
    }


_writes = partial(form, scope="domains:write")

ROUTES: tuple[Route, ...] = (
    page(_HERE, show_domains, operation="show_domains", summary="Domains of one's own", scope="domains:read"),
    _writes(_HERE, add, operation="add_domain_from_page", summary="Add a domain"),
    _writes(f"{_HERE}/{{domain_id}}/verify", verify, operation="verify_domain_from_page", summary="Look for the proof"),
    _writes(f"{_HERE}/{{domain_id}}/remove", remove, operation="remove_domain_from_page", summary="Remove a domain"),
)
