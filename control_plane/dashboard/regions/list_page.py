"""/app/regions: every place that a tenant's monitors may be checked from, how it is, and what is not covered."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from msgspec.structs import replace

from control_plane.dashboard.regions.region_form import Entered, read_region, read_slug
from control_plane.dashboard.regions.region_views import duty_words, health, place
from control_plane.dashboard.rendering import html
from control_plane.dashboard.visit import Visit, form, frame, page, see_other
from control_plane.errors import BadRequest, Conflict, Refused
from control_plane.services.fleet.keep_private_region import create_private_region
from control_plane.services.fleet.read_regions import RegionsSeen, read_regions
from control_plane.store.regions import Region
from control_plane.web.routes import Route

HERE = "/app/regions"


async def show_regions(visit: Visit) -> web.StreamResponse:
    return await _regions(visit, Entered())


async def _regions(visit: Visit, entered: Entered, *, status: int = 200) -> web.Response:
    seen = await read_regions(visit.deps.database, tenant_id=visit.tenant_id)
    shown = [_view(visit, seen, region) for region in seen.regions]
    context: dict[str, Any] = {
        "frame": frame(visit),
        "own": [each for each in shown if each["private"]],
        "shared": [each for each in shown if not each["private"]],
        "gaps": _gaps(seen),
        "missing": sum(duty.without_vote for duty in seen.duties.values()),
        "listed": len(seen.gaps),
        "may_change": visit.may("regions:write"),
        "entered": entered,
    }
    return html("regions.html", context, status=status)


async def create(visit: Visit) -> web.StreamResponse:
    slug = visit.text("id")
    fields, entered = read_region(visit.text)
    problems, fields["enabled"] = dict(entered.problems), True
    if wrong := read_slug(slug):
        problems["id"] = wrong
    entered = replace(entered, values={**entered.values, "id": slug}, problems=problems)
    if problems:
        return await _regions(visit, entered, status=BadRequest.status)
    try:
        region = await create_private_region(
            visit.deps.database, tenant_id=visit.tenant_id, slug=slug, fields=fields, terms=visit.caller.terms
        )
    except (BadRequest, Conflict, Refused) as error:
        problem = f"{error.message.rstrip('.')}."
        entered = replace(entered, problem=problem)
        return await _regions(visit, entered, status=error.status)
    return see_other(f"{HERE}/{region.slug}")


def _gaps(seen: RegionsSeen) -> list[dict[str, Any]]:
    """One line for each monitor and reason, with the regions that it is true of."""
    lines: dict[tuple[object, str], dict[str, Any]] = {}
    for gap in seen.gaps:
        empty = {"id": gap.monitor.id, "name": gap.monitor.name, "regions": [], "why": gap.why}
        lines.setdefault((gap.monitor.id, gap.why), empty)["regions"].append(gap.region.name)
    return list(lines.values())


def _view(visit: Visit, seen: RegionsSeen, region: Region) -> dict[str, Any]:
    duty = seen.duties.get(region.key)
    return {
        "slug": region.slug,
        "name": region.name,
        "place": place(region),
        "private": region.tenant_id is not None,
        "health": health(region, seen.last_heard.get(region.key), visit.deps.now()),
        "duty": duty_words(duty),
        "gap": duty is not None and duty.without_vote > 0,
        "kinds": ", ".join(seen.kinds.get(region.key, ())),
    }


ROUTES: tuple[Route, ...] = (
    page(HERE, show_regions, operation="show_regions", summary="Regions and their health", scope="regions:read"),
    form(HERE, create, operation="create_region_from_page", summary="Make a private region", scope="regions:write"),
)
